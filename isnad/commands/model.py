"""`isnad model`: what a classifier is and was made from."""

from __future__ import annotations

from pathlib import Path

import click

from isnad.commands.common import model_option, printable


@click.command()
@model_option
def model(model: str | None) -> None:
    """Print what a classifier is and was made from."""
    facts: dict[str, object] = {"kind": "rules", "name": "rules"}
    if model != "rules":
        from isnad.artefact import read_manifest
        from isnad.classifier import RELEASED, artefact_folder

        folder = artefact_folder(RELEASED if model is None else Path(model))
        manifest = read_manifest(folder)
        tables = {"labels", "scaling", "thresholds", "confusion", "mean_scores", "settings"}
        facts = manifest.model_dump(exclude={"schema_", *tables})
        facts |= {"scaling": "temperature" if manifest.scaling is None else "vector"}
        facts |= {"abstain_below": manifest.abstain_below, "folder": folder}
    for name, value in facts.items():
        shown = "none" if value is None else printable(str(value))
        click.echo(f"{name.replace('_', ' '):18}{shown}")
