"""python -m eval RUN [RUN …] [-o DIR] [--bootstrap 1000] [--seed 13] [--public] [--fail-under macro_f1=.70]"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from time import monotonic

import click
from rich.console import Console
from rich.progress import Progress

from eval.compare import compare
from eval.judge import FIGURES, Judged, judge_run
from eval.predict import is_stale, write_predictions
from eval.predictions import FILE, SPLITS, Run, read_run
from eval.report import Report, headline_rows, write
from isnad.errors import IsnadError


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure that the first run has to reach."""

    split: str | None
    figure: str
    least: float


class BarType(click.ParamType[Bar]):
    """`macro_f1=.70`, or `test-outlets:macro_f1=.65`."""

    name = "[SPLIT:]FIGURE=NUMBER"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Bar:
        """Says what was expected where it cannot."""
        if isinstance(value, Bar):
            return value
        parts = re.fullmatch(r"(?:([\w-]+):)?(\w+)=([+-]?(?:\d+\.?\d*|\.\d+))", str(value))
        if not parts:
            self.fail(
                f"expected FIGURE=NUMBER, found {value!r}; write macro_f1=.70 or test-outlets:macro_f1=.65", param, ctx
            )
        split, figure, least = parts.groups()
        for found, known in ((split, SPLITS), (figure, tuple(FIGURES))):
            if found is not None and found not in known:
                near = get_close_matches(found, known, n=1)
                advice = f"did you mean {near[0]}?" if near else "write one of these"
                self.fail(f"expected {', '.join(known)}, found {found!r}; {advice}", param, ctx)
        return Bar(split, figure, float(least))


@click.command(name="python -m eval", help=f"Judge predictions of one or more runs.\n\n\b\n{__doc__}")
@click.argument("paths", metavar="RUN...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the report.")
@click.option(
    "--bootstrap", "rounds", default=1000, show_default=True, type=click.IntRange(min=100), help="Draws of articles."
)
@click.option("--seed", default=13, show_default=True, type=click.IntRange(min=0), help="Seed of the draws.")
@click.option("--public", is_flag=True, help="References only, no sentence in the report, whatever the file holds.")
@click.option("--fail-under", "bars", multiple=True, type=BarType(), help="Exit 1 where the first run stays below.")
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path), help="Labelled sentences.")
@click.option("--corpora", type=click.Path(path_type=Path), help="Folder of the news text.")
@click.option("--seeds", default=Path("seeds"), type=click.Path(path_type=Path), help="Folder of the seed article.")
def main(
    paths: tuple[Path, ...],
    out: Path | None,
    rounds: int,
    seed: int,
    public: bool,
    bars: tuple[Bar, ...],
    data: Path,
    corpora: Path | None,
    seeds: Path,
) -> None:
    """Reads, judges, compares, writes, prints."""
    paths = tuple(p.parent if p.name == FILE else p for p in paths)
    if len({p.resolve() for p in paths}) < len(paths):
        raise click.UsageError("expected each run once, found one of them twice; leave it out")
    try:
        for path in filter(is_stale, paths):
            write_predictions(path, data, corpora, seeds)
        runs = _named(paths, [read_run(p) for p in paths])
        report = _weigh(runs, rounds=rounds, seed=seed, public=public)
        files = write(report, out or _folder(paths[0]))
        failures = _failures(report.runs[0], bars)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"error: expected a folder that can be written, found {error}; choose another with -o", err=True)
        sys.exit(1)
    for file in files:
        click.echo(file)
    click.echo("\n" + "\n".join(headline_rows(report)))
    for note in (f"{j.run.name}, {note}" for j in report.runs for note in j.notes):
        click.echo(f"note: {note}")
    for failure in failures:
        click.echo(f"error: {failure}", err=True)
    sys.exit(1 if failures else 0)


def _weigh(runs: Sequence[Run], *, rounds: int, seed: int, public: bool) -> Report:
    first, *others = runs
    splits = sum(len({r.split for r in run.records}) for run in runs)
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=splits)
    began = monotonic()

    def tick(what: str) -> None:
        bar.update(task, description=what, advance=1)
        if monotonic() - began > 2:
            bar.start()

    try:
        comparisons = [c for other in others for c in compare(first, other, rounds=rounds, seed=seed)]
        judged = [judge_run(run, rounds=rounds, seed=seed, tick=tick) for run in runs]
    finally:
        if bar.live.is_started:
            bar.stop()
    return Report.of(judged, comparisons, seed=seed, rounds=rounds, public=public)


def _named(paths: Sequence[Path], runs: Sequence[Run]) -> list[Run]:
    """Runs of one name get as much of their path as tells them apart."""
    parts = [(p.resolve() if p.is_dir() else p.resolve().with_suffix("")).parts for p in paths]
    depth = 1
    while len({p[-depth:] for p in parts}) < len({p.resolve() for p in paths}) and depth < max(map(len, parts)):
        depth += 1
    return [replace(run, name="/".join(p[-depth:])) if depth > 1 else run for run, p in zip(runs, parts, strict=True)]


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.with_name(f"{path.stem}-report")


def _failures(judged: Judged, bars: Sequence[Bar]) -> list[str]:
    failures = []
    for bar in bars:
        split = judged.headline if bar.split is None else judged.splits.get(bar.split)
        if split is None:
            raise IsnadError(
                f"expected the split {bar.split} of --fail-under, found {', '.join(judged.splits)}; name one of these",
                path=judged.run.path,
            )
        found = getattr(split.main, bar.figure).value
        if found < bar.least:
            failures.append(f"expected {bar.figure} of at least {bar.least:.3f} in {split.name}, found {found:.3f}")
    return failures


if __name__ == "__main__":
    main()
