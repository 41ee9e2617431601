"""CSV and TSV, row by row: the delimiter found in the header, line ends kept in quotes."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping

from isnad.errors import IsnadError
from isnad.readers.article import MAX_BYTES, Found, Origin, Place
from isnad.readers.encoding import BOM
from isnad.readers.records import article, check_header
from isnad.readers.stream import lines

_PIECE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_QUOTED = re.compile(r'"(?:[^"]|"")*"?')
_SEP = re.compile(r"sep=([,;\t|])\r?\n?", re.IGNORECASE)
_NO_DELIMITER = "\x1f"


class _TooLong(Exception):
    """A row that never ends: a quote was left open."""


class _Feed:
    """Lines for csv.reader; `start` is the line on which the row began, `bad` why one of its lines was unreadable."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._lines = lines(stream)
        self._pieces: Iterator[str] = iter(())
        self._number = self._size = self.start = 0
        self.bad = ""

    def begin(self) -> None:
        """Say that a new row begins."""
        self.start, self.bad, self._size = 0, "", 0

    def push_back(self, line: str) -> None:
        """Let `line` be read again."""
        self._pieces = itertools.chain([line], self._pieces)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while (piece := next(self._pieces, None)) is None:
            self._number, text, why = next(self._lines)
            self.bad = self.bad or why
            self._pieces = (found[0] for found in _PIECE.finditer(text or "\n"))
        self.start = self.start or self._number
        self._size += len(piece)
        if self._size > MAX_BYTES:
            raise _TooLong
        return piece


def read_table(stream: io.BufferedReader, origin: Origin, columns: Mapping[str, str]) -> Iterator[Found]:
    """An article a row, named by the line on which it begins; the first row holds the names of the columns."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_BYTES))
    feed = _Feed(stream)
    rows = csv.reader(feed, delimiter=_delimiter(feed, origin))
    header = _header(rows, feed, origin)
    check_header(header, columns, origin)
    found = False
    while True:
        feed.begin()
        try:
            row = next(rows)
        except StopIteration:
            break
        except (csv.Error, _TooLong) as error:
            found = True
            yield _broken(error, feed, origin)
            continue
        if feed.bad or any(value.strip() for value in row):
            found = True
            yield _article(row, header, feed, origin, columns)
    if not found:
        raise origin.error("expected a row below the names of the columns, found none")


def _header(rows: Iterator[list[str]], feed: _Feed, origin: Origin) -> list[str]:
    try:
        header = [name.strip(BOM + " \t") for name in next(rows, [])]
    except (csv.Error, _TooLong) as error:
        raise _broken(error, feed, origin) from None
    if feed.bad:
        raise origin.error(feed.bad, feed.start)
    return header


def _broken(error: Exception, feed: _Feed, origin: Origin) -> IsnadError:
    why = str(error) or "a row longer than an article may be"
    return origin.error(f"expected a row of the table, found: {why}; is a quote left open?", feed.start)


def _article(row: list[str], header: list[str], feed: _Feed, origin: Origin, columns: Mapping[str, str]) -> Found:
    place = Place(origin, feed.start)
    if feed.bad:
        return place.error(feed.bad)
    if any(value.strip() for value in row[len(header) :]):
        return place.error(
            f"expected {len(header)} columns as in the first row, found {len(row)}; put quotes around the text"
        )
    try:
        return article(
            dict(zip(reversed(header[: len(row)]), reversed(row[: len(header)]), strict=True)), place, columns
        )
    except IsnadError as error:
        return error


def _delimiter(feed: _Feed, origin: Origin) -> str:
    """The delimiter that the first line holds most of; a line `sep=;`, as Excel writes it, decides."""
    first = next(feed, "")
    while first and not first.strip(BOM + " \t\r\n"):
        first = next(feed, "")
    if named := _SEP.fullmatch(first):
        return named[1]
    if first:
        feed.push_back(first)
    if origin.suffix == ".tsv":
        return "\t"
    bare = _QUOTED.sub("", first)
    best = max(",;\t", key=bare.count)
    return best if best in bare else _NO_DELIMITER
