"""How much is lost on a publisher, a subject or an origin that training never held?

    python -m train CONFIG --folds 5; python -m train CONFIG --leave-out publisher
    tables_of(Path("runs/tfidf"))

The left-out files hold training sentences judged by models trained without their group. `out_of_fold.jsonl`, where it
is there, holds the same sentences judged by models that knew the group and not the article: the two are paired.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eval import bootstrap, metrics
from eval.bootstrap import Difference, Interval
from eval.metrics import Ints
from eval.predictions import Key, Record, parse
from eval.writing import ABSENT, cell, points, table, within
from isnad.errors import IsnadError

DIMENSIONS = ("publisher", "subject", "origin")
FOLDS = "out_of_fold.jsonl"
_TRAIN = "train"
_DIRECTION = {"news": "composed → real", "composed": "real → composed"}
"""By the origin that was left out and judged: what was trained on, and what was judged."""


@dataclass(frozen=True, slots=True)
class Row:
    """The sentences of one group: macro-F1 without it, in fold on the same sentences, and the first minus the second.

    `in_fold` and `difference` are None where the run has no out-of-fold answers.
    """

    dimension: str
    group: str
    n: int
    articles: int
    left_out: Interval
    in_fold: Interval | None
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Table:
    """The groups of one dimension, the one with the lowest macro-F1 first; `overall` pools their sentences.

    None where pooling says nothing: for origins, and where there is one group.
    """

    dimension: str
    rows: tuple[Row, ...]
    overall: Row | None

    @property
    def paired(self) -> bool:
        """Whether the same sentences were judged in folds too."""
        return any(row.in_fold for row in self.rows)


@dataclass(frozen=True, slots=True)
class Beside:
    """One dimension of several runs: by group, as a table names it, the row of each run.

    `unpaired` are the runs that have no answers in folds.
    """

    dimension: str
    groups: dict[str, dict[str, Row]]
    unpaired: tuple[str, ...]

    def words(self) -> list[str]:
        """What the figures are, in sentences."""
        runs = {run for of_run in self.groups.values() for run in of_run}
        found = [
            f"Training sentences judged by a model trained without their {self.dimension}; "
            "95 % intervals over articles."
        ]
        if set(self.unpaired) < runs:
            found.append(
                f"In fold: the same sentences, judged by models that knew the {self.dimension}, not the article."
            )
        if self.unpaired:
            names = ", ".join(self.unpaired)
            found.append(f"No answers in folds: {names} (python -m train CONFIG --folds 5 makes them).")
        return found


def tables_of(run_dir: Path, *, rounds: int = 1000, seed: int = 13) -> tuple[Table, ...]:
    """A table for each left-out file of the run directory; raises IsnadError on a file that cannot be believed."""
    files = {d: run_dir / f"left_out_{d}.jsonl" for d in DIMENSIONS}
    files = {d: file for d, file in files.items() if file.is_file()}
    if not files:
        return ()
    folds = run_dir / FOLDS
    known = {r.key: r for _, r in read_answers(folds)} if folds.is_file() else None
    found = []
    for dimension, file in files.items():
        answers = read_answers(file, "left_out")
        reference = None if known is None else _paired([r for _, r in answers], known, file, folds)
        found.append(_table_of(dimension, answers, reference, rounds=rounds, seed=seed))
    return tuple(found)


def read_answers(file: Path, field: str | None = None) -> list[tuple[str, Record]]:
    """The training sentences of `file`, each with the text in its `field` ("" where none is asked for).

    The checks are those of a predictions file; the split must be `train`. Raises IsnadError with the line.
    """
    found: list[tuple[str, Record]] = []
    seen: dict[Key, int] = {}
    for line_number, line in enumerate(file.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            group, record = _answer(line, field)
            first = seen.setdefault(record.key, line_number)
            if first != line_number:
                raise ValueError(f"expected each sentence once, found {record.reference} on line {first} too")
        except ValueError as error:
            raise IsnadError(f"{error}; train again to write the file anew", path=file, line=line_number) from None
        found.append((group, record))
    if not found:
        raise IsnadError("expected one judged sentence a line, found none; train again to write it", path=file)
    return found


def _answer(line: bytes, field: str | None) -> tuple[str, Record]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or row.get("split") != _TRAIN:
        raise ValueError("expected a JSON object with the split train, found another line")
    group = row.get(field) if field else ""
    if not isinstance(group, str) or (field and not group):
        raise ValueError(f'field "{field}": expected the name of a group, found {group!r}')
    return group, replace(parse(json.dumps(row | {"split": "dev"})), split=_TRAIN)  # `parse` knows judged splits alone


def _paired(records: Sequence[Record], known: dict[Key, Record], file: Path, folds: Path) -> list[Record]:
    """The out-of-fold record of each of `records`."""
    torn = [r for r in records if r.key not in known or known[r.key].gold is not r.gold]
    if torn:
        raise IsnadError(
            f"expected the sentences and gold labels of {file.name}, found {len(torn)} that lack or differ "
            f"({torn[0].reference} the first); train both on the same data (--folds, --leave-out)",
            path=folds,
        )
    return [known[r.key] for r in records]


def _table_of(
    dimension: str,
    answers: Sequence[tuple[str, Record]],
    reference: Sequence[Record] | None,
    *,
    rounds: int,
    seed: int,
) -> Table:
    records = [record for _, record in answers]

    def row(name: str, places: Sequence[int]) -> Row:
        own = [records[i] for i in places]
        same = None if reference is None else [reference[i] for i in places]
        return _row(dimension, name, own, same, rounds=rounds, seed=seed)

    members: dict[str, list[int]] = {}
    for place, (group, _) in enumerate(answers):
        members.setdefault(group, []).append(place)
    rows = sorted((row(name, places) for name, places in members.items()), key=lambda r: (r.left_out.value, r.group))
    pooled = dimension != "origin" and len(rows) > 1
    return Table(dimension, tuple(rows), row("all", range(len(records))) if pooled else None)


def _row(
    dimension: str,
    group: str,
    records: Sequence[Record],
    reference: Sequence[Record] | None,
    *,
    rounds: int,
    seed: int,
) -> Row:
    without = _counts(records)
    size = (dimension, group, len(records), len(without))
    if reference is None:
        (draws,) = bootstrap.resampled(without, rounds=rounds, seed=seed)
        return Row(*size, bootstrap.summary(metrics.macro_f1, without, draws), None, None)
    counts = (without, _counts(reference))
    both = bootstrap.resampled(*counts, rounds=rounds, seed=seed)
    left_out, in_fold = (bootstrap.summary(metrics.macro_f1, c, d) for c, d in zip(counts, both, strict=True))
    return Row(*size, left_out, in_fold, bootstrap.difference_summary(metrics.macro_f1, counts, both))


def _counts(records: Sequence[Record]) -> Ints:
    given = [metrics.NO_LABEL if r.label is None else r.label.id for r in records]
    return bootstrap.by_article(np.array([r.gold.id for r in records]), np.array(given), [r.article for r in records])


def side_by_side(by_run: Mapping[str, Sequence[Table]]) -> list[Beside]:
    """The tables of several runs, by dimension; runs without a group, or without a dimension, are left out of it."""
    found = []
    for dimension in DIMENSIONS:
        tables = {run: t for run, tables in by_run.items() for t in tables if t.dimension == dimension}
        if not tables:
            continue
        names = dict.fromkeys(row.group for t in tables.values() for row in t.rows)
        groups = {
            said(dimension, n): {run: r for run, t in tables.items() for r in t.rows if r.group == n} for n in names
        }
        if pooled := {run: t.overall for run, t in tables.items() if t.overall}:
            groups["all of them"] = pooled
        found.append(Beside(dimension, groups, tuple(run for run, t in tables.items() if not t.paired)))
    return found


def said(dimension: str, group: str) -> str:
    """How a group is named in a table; an origin says what was trained on and what was judged."""
    return _DIRECTION.get(group, group) if dimension == "origin" else group


def as_markdown(beside: Beside) -> str:
    """The table, a row a group and run, and what its figures are."""
    head = ["left out", "run", "sentences", "articles", "macro-F1 without it", "in fold", "difference, points"]
    rows = [["trained → judged" if beside.dimension == "origin" else f"{beside.dimension} {head[0]}", *head[1:]]]
    for group, of_run in beside.groups.items():
        for run, row in of_run.items():
            gap = points(row.difference) if row.difference else ABSENT
            counts = [f"{row.n:,}", f"{row.articles:,}"]
            rows.append([cell(group), cell(run), *counts, within(row.left_out), within(row.in_fold), gap])
    return "\n".join([*table(rows, 2), "", cell(" ".join(beside.words()))]) + "\n"
