"""python -m eval [report] RUN [RUN …]: reads, judges, compares, writes, prints."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

import click
from rich.console import Console
from rich.progress import Progress

from eval.bars import Bar, BarType, failure
from eval.compare import DRAWS_A_PAIR, Comparison, contest
from eval.facts import Facts, Key, facts_by_key
from eval.judge import Judged, judge_run
from eval.predictions import FILE, Run
from eval.report.build import Report, write
from eval.report.errors import write_errors
from eval.report.markdown import headline_rows
from eval.runs import read_runs
from eval.stress import stress_of
from eval.yardsticks.ceilings import ceilings
from eval.yardsticks.floors import FILE as FLOORS
from eval.yardsticks.floors import floors_for
from eval.yardsticks.generalise import tables_of
from eval.yardsticks.provenance import notes_on
from eval.yardsticks.seeds import seed_groups
from isnad.errors import IsnadError
from isnad.examples import find_corpora


@click.command(name="report", help=f"\b\n{__doc__}")
@click.argument("paths", metavar="RUN...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the report.")
@click.option(
    "--bootstrap",
    "rounds",
    default=1000,
    show_default=True,
    type=click.IntRange(min=100),
    help="Draws of articles; at least 40 a comparison.",
)
@click.option("--seed", default=13, show_default=True, type=click.IntRange(min=0), help="Seed of the draws.")
@click.option("--public", is_flag=True, help="References only, no sentence in the report, whatever the file holds.")
@click.option("--latex", is_flag=True, help="Write report.tex too: the tables for a paper.")
@click.option("--fail-under", "bars", multiple=True, type=BarType(), help="Exit 1 where the first run misses it.")
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path), help="Labelled sentences.")
@click.option("--corpora", type=click.Path(path_type=Path), help="Folder of the news text.")
@click.option("--seeds", default=Path("seeds"), type=click.Path(path_type=Path), help="Folder of the seed article.")
def report_command(
    paths: tuple[Path, ...],
    out: Path | None,
    rounds: int,
    seed: int,
    public: bool,
    latex: bool,
    bars: tuple[Bar, ...],
    data: Path,
    corpora: Path | None,
    seeds: Path,
) -> None:
    """See the module."""
    paths = tuple(p.parent if p.name == FILE else p for p in paths)
    try:
        runs = read_runs(paths, data=data, corpora=corpora, seeds=seeds)
        report = _weigh(runs, paths, _known(runs, data, corpora, seeds), data, rounds=rounds, seed=seed, public=public)
        folder = out or _folder(paths[0])
        files = write(report, folder, latex=latex)
        if not public:
            files.append(write_errors(report.runs[0], report.facts, folder))
        failures = [f for f in (failure(report.runs[0], bar) for bar in bars) if f]
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"error: expected a folder that can be written, found {error}; choose another with -o", err=True)
        sys.exit(1)
    for file in files:
        click.echo(file)
    click.echo("\n" + "\n".join(headline_rows(report)))
    for note in report.all_notes():
        click.echo(f"note: {note}")
    for told in failures:
        click.echo(f"error: {told}", err=True)
    sys.exit(1 if failures else 0)


def _known(runs: Sequence[Run], data: Path, corpora: Path | None, seeds: Path) -> Mapping[Key, Facts]:
    """What the labelled data tell of the sentences; nothing where there is no such folder."""
    wanted = {f"{r.corpus}:{r.doc_id}" for run in runs for r in run.records}
    return facts_by_key(data, find_corpora(corpora), seeds, wanted) if (data / "splits").is_dir() else {}


def _weigh(
    given: Sequence[Run],
    paths: Sequence[Path],
    facts: Mapping[Key, Facts],
    data: Path,
    *,
    rounds: int,
    seed: int,
    public: bool,
) -> Report:
    floors, notes = floors_for(given, FLOORS)
    notes += notes_on([run.name for run in floors], FLOORS, data)
    runs = [*given, *floors]
    rounds = max(rounds, DRAWS_A_PAIR * (len(runs) - 1))
    judged, comparisons = _judge(runs, facts, rounds=rounds, seed=seed)
    left_out = {run.name: tables_of(path, rounds=rounds, seed=seed) for run, path in zip(given, paths, strict=True)}
    return Report.of(
        judged,
        comparisons,
        seed=seed,
        rounds=rounds,
        public=public,
        facts=facts,
        ceilings=ceilings(data, rounds=rounds, seed=seed) if facts else {},
        seed_groups=seed_groups(paths, judged),
        stress={run.name: found for run, path in zip(given, paths, strict=True) if (found := stress_of(path))},
        generalisation={name: tables for name, tables in left_out.items() if tables},
        notes=notes,
    )


def _judge(
    runs: Sequence[Run], facts: Mapping[Key, Facts], *, rounds: int, seed: int
) -> tuple[list[Judged], tuple[Comparison, ...]]:
    """All figures of all runs, and the first against each of the others; a bar shows how far it is."""
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=sum(len({r.split for r in run.records}) for run in runs))
    began = monotonic()

    def tick(what: str) -> None:
        bar.update(task, description=what, advance=1)
        if monotonic() - began > 2:
            bar.start()

    try:
        comparisons = contest(runs, rounds=rounds, seed=seed, against_first=True)
        return [judge_run(run, rounds=rounds, seed=seed, facts=facts, tick=tick) for run in runs], comparisons
    finally:
        if bar.live.is_started:
            bar.stop()


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.with_name(f"{path.stem}-report")
