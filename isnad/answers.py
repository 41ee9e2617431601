"""Answers that `isnad label` wrote (JSON Lines, CSV or Parquet), read back for counting.

The text of the sentences stays in the file: what is kept of an answer is its label, its scores and its article.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any

from isnad.archive import FIELDS, group_of
from isnad.articles import MAX_BYTES
from isnad.errors import IsnadError
from isnad.labels import Stance

_SCORES = {s.value: f"score_{s.value}" for s in Stance}
_NESTED = ("doc_id", "sentence", "label", "scores")
_FLAT = ("doc_id", "sentence", "label", *_SCORES.values())
_DELIMITERS = (",", ";", "\t")
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"

Row = tuple[int, dict[str, Any] | None]
"""Number from 1 and content; None where there is no sense in it."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to `n` sentences of one group: class indices `[n]`, scores `[n * 4]`, article numbers `[n]`."""

    given: array[int] = field(default_factory=lambda: array("q"))
    scores: array[float] = field(default_factory=lambda: array("d"))
    articles: array[int] = field(default_factory=lambda: array("q"))

    def add(self, article: int, label: Stance, scores: Mapping[str, float]) -> None:
        """One more sentence, of the article with this number."""
        self.given.append(label.id)
        self.scores.extend(scores[s.value] for s in Stance)
        self.articles.append(article)

    def extend(self, more: Answers) -> None:
        """All sentences of `more` after those here."""
        self.given.extend(more.given)
        self.scores.extend(more.scores)
        self.articles.extend(more.articles)


Groups = dict[str, Answers]
"""The answers by the name of their group."""


def holds_answers(name: str) -> bool:
    """Whether a file looks like what `isnad label` writes; False where it cannot be read."""
    try:
        return _reader(Path(name)) is not None
    except (OSError, EOFError, zlib.error):
        return False


def read_answers(name: str, by: str, numbers: Iterator[int], failures: Callable[[IsnadError], None]) -> Groups:
    """The sentences of a file that were given a stance, by group; articles take their number from `numbers`.

    A row that is no answer is handed to `failures`, and so is a file in which no answer has the field to group by;
    of that nothing is given.
    """
    groups: Groups = {}
    known = False
    last: tuple[str, int] | None = None
    article = -1
    for row in _answers(Path(name), failures):
        if last is None or row["doc_id"] != last[0] or row["sentence"] <= last[1]:
            article = next(numbers)
        last = row["doc_id"], row["sentence"]
        value = row.get(FIELDS[by])
        known = known or value not in (None, "")
        if row["label"] is not None:
            groups.setdefault(group_of(value, by), Answers()).add(article, Stance(row["label"]), row["scores"])
    if known or by == "none" or last is None:
        return groups
    message = f"expected articles to group by {by}, found answers of `isnad label` without {FIELDS[by]}"
    failures(IsnadError(f"{message}; use --by none, or give the articles themselves", path=name))
    return {}


# --- rows of a file ---------------------------------------------------------------------------------


def _answers(path: Path, failures: Callable[[IsnadError], None]) -> Iterator[dict[str, Any]]:
    reader = _reader(path)
    assert reader is not None, "holds_answers said so"
    try:
        for number, row in reader():
            wrong = "no answer" if row is None else next((k for k in _NESTED if not _sound(row, k)), "")
            if row is not None and not wrong:
                yield row
                continue
            found = wrong if row is None else f"{wrong}: {row.get(wrong)!r}"[:120]
            failures(
                IsnadError(
                    f"expected an answer of `isnad label` with {', '.join(_NESTED)}, found {found}; "
                    "write the file anew with `isnad label`",
                    path=path,
                    line=number,
                )
            )
    except (OSError, EOFError, ValueError, csv.Error, zlib.error) as error:
        failures(
            IsnadError(f"expected answers of `isnad label`, found a file that cannot be read on: {error}", path=path)
        )


def _sound(row: dict[str, Any], key: str) -> bool:
    value = row.get(key)
    if key == "doc_id":
        return isinstance(value, str)
    if key == "sentence":
        return isinstance(value, int)
    if key == "label":
        return "label" in row and (value is None or value in list(Stance))
    return isinstance(value, dict) and (row["label"] is None or _is_distribution([value.get(s.value) for s in Stance]))


def _is_distribution(values: list[Any]) -> bool:
    """Whether these are probabilities that sum to one, but for rounding."""
    within = all(isinstance(v, int | float) and 0 <= v <= 1.02 for v in values)
    return within and math.isclose(sum(values), 1, abs_tol=0.02)


def _reader(path: Path) -> Callable[[], Iterator[Row]] | None:
    """What reads the rows of `path`; None where it does not begin as answers do."""
    with path.open("rb") as stream:
        if stream.read(len(_PARQUET)) == _PARQUET:
            return partial(_parquet_rows, path) if _parquet_names(path) >= set(_FLAT) else None
    with _opened(path) as stream:
        first = b"\n"
        while first.isspace():
            first = stream.readline(MAX_BYTES)
    if (row := _parsed(first)) is not None:
        return partial(_json_rows, path) if row.keys() >= set(_NESTED) else None
    head = first.decode("utf-8-sig", "replace")
    for delimiter in _DELIMITERS:
        if {name.strip('"\r\n') for name in head.split(delimiter)} >= set(_FLAT):
            return partial(_csv_rows, path, delimiter)
    return None


def _opened(path: Path) -> BufferedReader | gzip.GzipFile:
    with path.open("rb") as stream:
        packed = stream.read(len(_GZIP)) == _GZIP
    return gzip.open(path) if packed else path.open("rb")


def _json_rows(path: Path) -> Iterator[Row]:
    with _opened(path) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield number, _parsed(line)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _csv_rows(path: Path, delimiter: str) -> Iterator[Row]:
    with _opened(path) as stream:
        lines = (line.decode("utf-8-sig") for line in stream)
        reader = csv.DictReader(lines, delimiter=delimiter)
        for row in reader:
            yield reader.line_num, _nested(row)


def _parquet_names(path: Path) -> set[str]:
    """The columns of a Parquet file; none where it is broken or pyarrow is not installed."""
    try:
        import pyarrow.parquet as pq

        return set(pq.read_schema(path).names)
    except (ImportError, OSError, ValueError):
        return set()


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow.parquet as pq

    wanted = {*_FLAT, *FIELDS.values()}
    number = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=[name for name in file.schema_arrow.names if name in wanted]):
            for row in batch.to_pylist():
                number += 1
                yield number, _nested(row)


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """A flat row in the form of a JSON record; what is no number stays as it is."""
    scores = {name: _number(row.get(column), float) for name, column in _SCORES.items()}
    return {**row, "sentence": _number(row.get("sentence"), int), "label": row.get("label") or None, "scores": scores}


def _number(value: Any, kind: type[int] | type[float]) -> Any:
    try:
        return kind(value) if isinstance(value, str) else value
    except ValueError:
        return value
