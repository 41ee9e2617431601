"""Make `isnad/model` from a judged run: python -m train.release runs/default runs/report/report.json [--fp32]

Copies the artefact, adds a `model.onnx` (int8; `model-fp32.onnx` with --fp32) whose labels agree on dev, and fills the
model card from the report. `make release` exports and calibrates the run first: the report then judges, and
`isnad.json` describes, the model that ships.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isnad.artefact import ONNX, ONNX_FP32, read_manifest
from isnad.classifier import RELEASED, artefact_folder
from isnad.errors import IsnadError
from isnad.labels import Stance
from train.export import add_onnx
from train.progress import talk

log = logging.getLogger("train")

CARD = Path(__file__).with_name("templates") / "model_card.md.jinja"
SPLITS = ("test", "test-outlets", "dev")
SLICES = {
    ("split", "news"): "all news",
    ("choice", "natural"): "natural sentences",
    ("choice", "picked"): "picked sentences",
}
"""Dimension and value of the report's slices that the card shows."""


def figure(interval: dict[str, float]) -> str:
    """`.812 (.780 to .841)`."""
    value, low, high = (f"{interval[k]:.3f}".removeprefix("0") for k in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def result_rows(run: dict[str, Any]) -> list[dict[str, str]]:
    """One row a split and slice: what the card's table shows."""
    rows = []
    for split in (s for s in SPLITS if s in run["splits"]):
        known = {(part["dimension"], part["name"]): part for part in run["splits"][split]["slices"]}
        known["split", run["splits"][split]["headline"]] = run["splits"][split]["main"]
        for key, name in SLICES.items():
            found = known.get(key)
            if found:
                labels = {
                    s.value: f"{found['per_label'][s.value]['f1']['value']:.3f}".removeprefix("0") for s in Stance
                }
                row = {"split": split, "slice": name, "n": str(found["n"]), "macro_f1": figure(found["macro_f1"])}
                rows.append({**row, "accuracy": figure(found["accuracy"]), **labels})
    return rows


def card(report: dict[str, Any], folder: Path, agreement: float, precision: str) -> str:
    """The model card in Markdown, figures from `report` (the first run is the released one)."""
    run = report["runs"][0]
    encoder = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    environment = Environment(loader=FileSystemLoader(CARD.parent), undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template(CARD.name).render(
        run=run,
        report=report,
        rows=result_rows(run),
        floors=[(r["name"], {s: figure(r["splits"][s]["main"]["macro_f1"]) for s in SPLITS}) for r in report["runs"]],
        manifest=read_manifest(folder),
        encoder=encoder,
        agreement=agreement,
        precision=precision,
        stances=list(Stance),
        splits=SPLITS,
        log=json.loads((folder / "training.json").read_text(encoding="utf-8")),
    )


def release(run: Path, report: Path, target: Path, *, int8: bool) -> None:
    """Fill a folder beside `target`, then rename it."""
    beside = target.with_name(target.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(artefact_folder(run), beside)
    base = Path(read_manifest(beside).base_model or "")
    if not (base / "encoder.json").is_file():
        raise IsnadError(f"expected a run of our own encoder (with encoder.json), found {str(base)!r}", path=run)
    shutil.copyfile(base / "encoder.json", beside / "encoder.json")
    facts = {n: json.loads((run / f"{n}.json").read_text(encoding="utf-8")) for n in ("environment", "data")}
    facts |= {"config": (run / "config.yaml").read_text(encoding="utf-8").splitlines()}
    facts |= {"metrics": [json.loads(x) for x in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]}
    (beside / "training.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for model in (ONNX, ONNX_FP32):  # one that the run was judged with would be opened before a new one
        (beside / model).unlink(missing_ok=True)
    same = add_onnx(beside, int8=int8)
    text = card(json.loads(report.read_text(encoding="utf-8")), beside, same, "int8" if int8 else "fp32")
    (beside / "README.md").write_text(text, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)
    log.info("released %s in %s", run, target)


@click.command(help=__doc__)
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", "target", default=RELEASED, type=click.Path(path_type=Path), show_default=True)
@click.option("--fp32", is_flag=True, help="Leave the weights of model.onnx as they are.")
def main(run: Path, report: Path, target: Path, fp32: bool) -> None:
    """Release, or say what is missing."""
    talk()
    try:
        release(run, report, target, int8=not fp32)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m train.release")
