"""The floors that stand in every report: what the majority label, TF-IDF and the cue rules say of labelled sentences.

    python -m eval floors runs/majority runs/tfidf runs/rules      writes floors.tsv and floors.json here

`floors.tsv` holds their answers without a word of the sentences, so that any predictions file is weighed beside them;
`floors.json` says on which training data each was made (`eval/yardsticks/provenance.py`).
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from eval.predictions import Record, Run
from eval.runs import read_runs
from eval.yardsticks.provenance import beside, notes_on, provenance_text
from isnad.errors import IsnadError
from isnad.examples import CORPORA_VARIABLE, TITLE, read_documents, read_splits
from isnad.files import write_whole
from isnad.labels import Stance

FILE = Path(__file__).with_name("floors.tsv")
NONE = "-"


def floors_text(runs: Sequence[Run]) -> str:
    """The text of `floors.tsv`: a row a sentence, a column a run; all runs must hold the same sentences.

    Raises IsnadError where they do not, or where two runs are of one name.
    """
    names = [run.name for run in runs]
    twice = next((run for i, run in enumerate(runs) if run.name in names[:i]), None)
    if twice is not None:
        raise IsnadError(f"expected floors of different names, found {twice.name} twice; rename one", path=twice.path)
    by_run = [{r.reference: r for r in run.records} for run in runs]
    for run, found in zip(runs, by_run, strict=True):
        if found.keys() != by_run[0].keys():
            raise IsnadError(
                f"expected the sentences of {runs[0].path}, found others; predict with every floor anew", path=run.path
            )
    out = io.StringIO()
    rows = csv.writer(out, delimiter="\t", lineterminator="\n")
    rows.writerow(["reference", *names])
    for reference in sorted(by_run[0]):
        answers = [found[reference].label for found in by_run]
        rows.writerow([reference, *(NONE if a is None else a.value for a in answers)])
    return out.getvalue()


def read_floors(file: Path = FILE) -> dict[str, dict[str, Stance | None]]:
    """By floor, the label of every sentence that it knows, by reference; IsnadError where the file is not whole."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            (_, *names), *rows = csv.reader(lines, delimiter="\t")
        answers = {reference: [None if a == NONE else Stance(a) for a in given] for reference, *given in rows}
        return {n: {r: given[i] for r, given in answers.items()} for i, n in enumerate(names)}
    except OSError:
        found = "no file"
    except (ValueError, IndexError, csv.Error) as error:
        found = f"it damaged: {error}"
    raise IsnadError(
        f"expected the answers of the floors, found {found}; restore it, or `python -m eval floors RUN …`", path=file
    )


def floors_for(runs: Sequence[Run], file: Path = FILE) -> tuple[list[Run], list[str]]:
    """The floors on the sentences of `runs[0]`, but for those among `runs`; and notes on what is not known.

    A split is left out of a floor that does not know all its sentences.
    """
    first = runs[0]
    found, unknown = [], set()
    for name, answers in read_floors(file).items():
        if any(run.name.split("/")[-1] == name for run in runs):
            continue
        splits = {r.split for r in first.records}
        known = {s for s in splits if all(r.reference in answers for r in first.records if r.split == s)}
        unknown |= splits - known
        records = tuple(replace(_bare(r), label=answers[r.reference]) for r in first.records if r.split in known)
        if records:
            found.append(Run(name=name, path=file, records=records))
    told = f"no floors for {', '.join(sorted(unknown))}: {file.name} does not know all of its sentences."
    return found, [told] if unknown else []


def _bare(record: Record) -> Record:
    """The sentence and its gold, without any answer."""
    return replace(
        record, label=None, scores=None, abstained=None, attributed=None, cue=None, source=None, looked_at=frozenset()
    )


def labelled(data: Path, seeds: Path) -> set[str]:
    """References of all labelled sentences outside train, the seed articles' too; needs no newspaper text."""
    owner = read_splits(data / "splits")
    files = sorted(data.glob("composed/*.jsonl")) + sorted(data.glob("news/*.jsonl"))
    judged = [d for d in read_documents(files) if owner.get(d.key, "train") != "train"]
    judged += read_documents(sorted(seeds.glob("*.gold.jsonl")))
    return {
        f"{d.key}:{'title' if u.start == TITLE else f'{u.start}-{u.end}'}"
        for d in judged
        for u in d.units
        if u.label is not None
    }


def _check_whole(run: Run, wanted: set[str]) -> None:
    """Floors that lack sentences, or know such as are gone, would be left out of reports without a word."""
    held = {r.reference for r in run.records}
    for what, found in (("lacks", wanted - held), ("has too many", held - wanted)):
        if found:
            raise IsnadError(
                f"expected answers to the {len(wanted):,} labelled sentences outside train, found that {run.name} "
                f"{what}: {len(found):,}, {min(found)} for one; set {CORPORA_VARIABLE} to the folder of the news text, "
                f"delete {run.path.name} and try again",
                path=run.path,
            )


@click.command(name="floors")
@click.argument("paths", metavar="RUN...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o", "--out", default=FILE, show_default=False, type=click.Path(path_type=Path), help="The file to write."
)
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path), help="Labelled sentences.")
@click.option("--corpora", type=click.Path(path_type=Path), help="Folder of the news text.")
@click.option("--seeds", default=Path("seeds"), type=click.Path(path_type=Path), help="Folder of the seed article.")
def floors_command(paths: tuple[Path, ...], out: Path, data: Path, corpora: Path | None, seeds: Path) -> None:
    """Keep the answers of these runs as the floors of every report (eval/yardsticks/floors.tsv and floors.json)."""
    try:
        runs = read_runs(paths, data=data, corpora=corpora, seeds=seeds)
        if (data / "splits").is_dir():
            wanted = labelled(data, seeds)
            for run in runs:
                _check_whole(run, wanted)
        text = floors_text(runs)
        write_whole(beside(out), provenance_text(runs, text))
        write_whole(out, text)
        notes = notes_on([run.name for run in runs], out, data)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    click.echo(out)
    click.echo(beside(out))
    for note in notes:
        click.echo(f"note: {note}", err=True)
