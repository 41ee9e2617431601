"""The floors and the ceiling that stand in every report.

Floors: what the majority label, TF-IDF and the cue rules say of the labelled sentences, kept in `floors.tsv` without
a word of them, so that any predictions file is weighed beside them. The ceiling: a second reader against the first,
on the sentences of a split that two people read without knowing each other's labels.

    python -m eval floors runs/majority runs/tfidf runs/rules      writes eval/floors.tsv
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from eval import bootstrap, metrics
from eval.bootstrap import Interval
from eval.predictions import Record, Run, read_run
from isnad.annotate.agreement import IN_DOUBT, Pair, load
from isnad.errors import IsnadError
from isnad.examples import read_documents, read_splits
from isnad.files import write_whole
from isnad.labels import Stance

FILE = Path(__file__).with_name("floors.tsv")
NONE = "-"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Second reader against first on the doubly read news sentences of one split (labels of ours on both sides)."""

    n: int
    articles: int
    macro_f1: Interval
    accuracy: Interval


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


def ceilings(data: Path, *, rounds: int, seed: int) -> dict[str, Ceiling]:
    """By split, the ceiling on its news sentences; empty where `data` has no second reading.

    Sentences that left the first reader in doubt were given to a second one more often than others; each reading is
    weighted so that both kinds count as they occur in the split.
    """
    if not (data / "second" / "news.jsonl").is_file():
        return {}
    owner = read_splits(data / "splits")
    read = load(data)
    found: dict[str, list[Pair]] = {}
    for pair in (*read["news"], *read.get(f"news{IN_DOUBT}", ())):
        if pair.first.label is not None and pair.second.label is not None:
            found.setdefault(owner.get(pair.article, ""), []).append(pair)
    doubts: dict[str, Counter[bool]] = {}
    for document in read_documents(sorted((data / "news").glob("*.jsonl"))):
        of_split = doubts.setdefault(owner.get(document.key, ""), Counter())
        of_split.update(unit.unsure for unit in document.units if unit.label is not None)
    return {s: _ceiling(pairs, doubts[s], rounds, seed) for s, pairs in found.items() if s not in ("train", "")}


def _ceiling(found: Sequence[Pair], doubts: Counter[bool], rounds: int, seed: int) -> Ceiling:
    read = Counter(p.first.unsure for p in found)
    articles = bootstrap.numbered([p.article for p in found])
    counts = np.zeros((int(articles.max()) + 1, len(Stance), len(Stance) + 1))
    for pair, article in zip(found, articles, strict=True):
        assert pair.first.label is not None
        assert pair.second.label is not None
        doubt = pair.first.unsure
        counts[article, pair.first.label.id, pair.second.label.id] += doubts[doubt] / read[doubt]
    totals = bootstrap.resampled(counts, rounds=rounds, seed=seed)[0]
    return Ceiling(
        n=len(found),
        articles=len(counts),
        macro_f1=bootstrap.summary(metrics.macro_f1, counts, totals),
        accuracy=bootstrap.summary(metrics.accuracy, counts, totals),
    )


@click.command(name="floors")
@click.argument("paths", metavar="RUN...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o", "--out", default=FILE, show_default=False, type=click.Path(path_type=Path), help="The file to write."
)
def floors_command(paths: tuple[Path, ...], out: Path) -> None:
    """Keep the answers of these runs as the floors of every report (eval/floors.tsv)."""
    try:
        write_whole(out, floors_text([read_run(path) for path in paths]))
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    click.echo(out)
