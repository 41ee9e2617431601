"""`isnad check`: validate the labelled sentences."""

from __future__ import annotations

from pathlib import Path

import click

from isnad.commands.common import NOTHING_DONE
from isnad.errors import need


@click.command()
@click.argument("folder", default="data", type=click.Path(path_type=Path))
@click.option("--corpora", metavar="PATH", help="Folder of the news text; default: $ISNAD_CORPORA or the usual places.")
@click.option(
    "--leakage", is_flag=True, help="Ask only whether an article or sentence stands, or nearly, in two splits."
)
@click.option(
    "--noise", metavar="FILE", type=click.Path(path_type=Path),
    help="Out-of-fold probabilities (`python -m train CONFIG --folds 5`): list the likeliest label errors instead.",
)  # fmt: skip
@click.option("--count", default=50, show_default=True, type=click.IntRange(min=1), help="Lines that --noise prints.")
@click.pass_context
def check(ctx: click.Context, folder: Path, corpora: str | None, leakage: bool, noise: Path | None, count: int) -> None:
    """Check the labelled sentences in FOLDER (default: data) and print a report; exit code 1 on errors."""
    if noise is not None:
        from isnad import noise as label_noise

        need("cleanlab", extra="annotate")
        click.echo(label_noise.render(label_noise.suspects(label_noise.read_judged(noise)), count))
        return
    from isnad.check import LEAKS, check_data, render
    from isnad.examples import find_corpora

    report = check_data(folder, find_corpora(corpora))
    if leakage:
        report = report.only(LEAKS)
    click.echo(render(report))
    if report.errors:
        ctx.exit(NOTHING_DONE)
