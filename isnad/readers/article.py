"""What every reader gives, and how it names the place of what it cannot read.

>>> Article("a", "نص").title is None
True
>>> Origin.of("news/feed.jsonl.gz").stem
'feed'
>>> str(Place(Origin.of("feed.csv"), 3).error("expected this, found that"))
'feed.csv:3: expected this, found that'
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from isnad.errors import IsnadError

MAX_BYTES = 5 * 1024 * 1024
"""Limit of one article: a whole text or web page, a line, a row, a record."""


@dataclass(frozen=True, slots=True)
class Article:
    """A raw article as it was read; what the file does not say is None.

    `doc_id` is unique within one source unless the source repeats ids of its own.
    """

    doc_id: str
    text: str
    title: str | None = None
    outlet: str | None = None
    date: str | None = None
    author: str | None = None
    subject: str | None = None
    url: str | None = None


class LeftOut(IsnadError):
    """What a reader passed over as a matter of course (menu pages of a crawl): told once a source, never raised."""


Found = Article | IsnadError
"""What readers yield: an article, or why one record could not be read. They raise where nothing more can follow."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where articles come from: `label` in errors, `stem` in doc_ids, and what the transport declares."""

    label: str
    stem: str
    suffix: str = ""
    charset: str | None = None
    url: str | None = None

    @classmethod
    def of(cls, name: str) -> Origin:
        """The origin of a file by its name; an ending .gz is passed over."""
        path = Path(name)
        inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
        return cls(name, inner.stem, inner.suffix.lower())

    def error(self, message: str, line: int | None = None) -> IsnadError:
        """An error that names this origin."""
        return IsnadError(message, path=self.label, line=line)


@dataclass(frozen=True, slots=True)
class Place:
    """One record of an origin, counted from 1."""

    origin: Origin
    number: int
    kind: Literal["line", "row", "item", "record"] = "line"

    @property
    def doc_id(self) -> str:
        """The id of a record that has none of its own."""
        return f"{self.origin.stem}-{self.number}"

    def error(self, message: str) -> IsnadError:
        """An error that names this record."""
        if self.kind == "line":
            return self.origin.error(message, self.number)
        return self.origin.error(f"{self.kind} {self.number}: {message}")
