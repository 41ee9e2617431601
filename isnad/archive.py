"""An archive as `isnad profile` counts it: articles under the names of their groups, or answers already given.

>>> month_of("2024-05-14T08:00:00Z"), month_of("الثلاثاء 14 ماي 2024"), month_of("31/02/2024")
('2024-05', '2024-05', 'unknown')
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import shutil
import sys
from array import array
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from isnad.articles import MAX_BYTES, STDIN, Article, read_articles
from isnad.errors import IsnadError
from isnad.labels import Stance

UNKNOWN = "unknown"
"""Group of the articles that do not say."""
ALL = "all"
"""The one group of the grouping "none"."""

_KEYS = ("doc_id", "sentence", "label", "scores")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?!\d)")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)")
_NAMED = re.compile(r"(?<!\d)(\d{1,2})\s+(\D+?)\s+(\d{4})(?!\d)")
_HAMZA = str.maketrans("أإآ", "ااا")
_MONTHS = (
    "يناير جانفي كانون_الثاني",
    "فبراير فيفري شباط",
    "مارس اذار",
    "ابريل افريل نيسان",
    "مايو ماي ايار",
    "يونيو جوان حزيران",
    "يوليو يوليوز جويلية تموز",
    "اغسطس غشت اوت اب",
    "سبتمبر شتنبر ايلول",
    "اكتوبر تشرين_الاول",
    "نوفمبر نونبر تشرين_الثاني",
    "ديسمبر دجنبر كانون_الاول",
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}


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


def month_of(text: str | None) -> str:
    """YYYY-MM of a date as news writes it, else "unknown".

    Read are 2024-05-14 (with or without a time, and 2024-05), 14/05/2024 and 14 ماي 2024; in Arabic digits too.
    """
    text = (text or "").strip()
    if found := _YEAR_FIRST.match(text):
        year, month, day = found[1], int(found[2]), found[3] or "1"
    elif found := _DAY_FIRST.match(text):
        year, month, day = found[3], int(found[2]), found[1]
    elif found := _NAMED.search(text):
        name = "_".join(found[2].translate(_HAMZA).split())
        year, month, day = found[3], _MONTH_NUMBERS.get(name, 0), found[1]
    else:
        return UNKNOWN
    try:
        return date(int(year), month, int(day)).isoformat()[:7]
    except ValueError:
        return UNKNOWN


def grouped_articles(path: Path, by: str) -> Iterator[tuple[str, Article]]:
    """The articles of a file, each with the name of its group; raises as `read_articles` does."""
    subjects = _subjects(path) if by == "subject" else itertools.repeat(None)
    for article, subject in zip(read_articles(path), subjects, strict=False):
        values = {"outlet": article.outlet, "month": month_of(article.date), "subject": subject, "none": ALL}
        yield " ".join((values[by] or "").split()) or UNKNOWN, article


def _subjects(path: Path) -> Iterator[str | None]:
    """`subject` of each article in JSON Lines, in order, then None without end."""
    with path.open("rb") as stream:
        encoding = "utf-16" if stream.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    with path.open(encoding=encoding, errors="replace", newline="\n") as lines:
        for line in lines:
            if line.strip():
                row = _parsed(line)
                subject = row.get("subject") if row else None
                yield subject if isinstance(subject, str) else None
    yield from itertools.repeat(None)


def reread(name: str, folder: Path) -> Path:
    """`name` as a file that can be read twice: standard input and pipes are copied into `folder`."""
    if name != STDIN and (not os.path.exists(name) or os.path.isfile(name) or os.path.isdir(name)):
        return Path(name)
    path = folder / ("stdin" if name == STDIN else Path(name).name)
    if not path.exists():
        with nullcontext(sys.stdin.buffer) if name == STDIN else open(name, "rb") as stream, path.open("wb") as copy:
            shutil.copyfileobj(stream, copy)
    return path


# --- answers already given --------------------------------------------------------------------------


def holds_answers(path: Path) -> bool:
    """Whether a file looks like what `isnad label --format jsonl` writes; False where it cannot be read."""
    try:
        with path.open("rb") as stream:
            first = b"\n"
            while first.isspace():
                first = stream.readline(MAX_BYTES)
    except OSError:
        return False
    row = _parsed(first)
    return row is not None and row.keys() >= set(_KEYS)


def read_answers(path: Path, numbers: Iterator[int]) -> Iterator[tuple[int, Stance, Mapping[str, float]]]:
    """Article number, label and scores of each sentence that was given a stance; articles take theirs from `numbers`.

    Raises IsnadError for a line that is no answer.
    """
    last: tuple[str, int] | None = None
    article = -1
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            row = _answer(line, path, number)
            if last is None or row["doc_id"] != last[0] or row["sentence"] <= last[1]:
                article = next(numbers)
            last = row["doc_id"], row["sentence"]
            if row["label"] is not None:
                yield article, Stance(row["label"]), row["scores"]


def _answer(line: bytes, path: Path, number: int) -> dict[str, Any]:
    row = _parsed(line)
    wrong = "no JSON object" if row is None else next((f"{k}: {row.get(k)!r}" for k in _KEYS if not _sound(row, k)), "")
    if row is None or wrong:
        raise IsnadError(
            f"expected an answer of `isnad label` with {', '.join(_KEYS)}, found {wrong[:120]}; "
            "write the file anew with `isnad label --format jsonl`",
            path=path,
            line=number,
        )
    return row


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
    return all(isinstance(v, int | float) and v >= 0 for v in values) and math.isclose(sum(values), 1, abs_tol=0.02)


def _parsed(line: str | bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line.decode("utf-8-sig") if isinstance(line, bytes) else line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
