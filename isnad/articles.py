"""Articles from files, folders, standard input and the web: the one module that others read through.

Read are plain text, web pages, JSON Lines, JSON (our articles' and trafilatura's), CSV, TSV, Parquet and WARC, all of
them also in gzip. What a source is follows from its content, a table's kind (.csv, .tsv) from its name.

>>> [a.text for a in read_bytes(b'{"body": "a"}\\n{"body": "b"}', "feed.jsonl")]
['a', 'b']
"""

from __future__ import annotations

import codecs
import glob
import gzip
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

from isnad.errors import IsnadError
from isnad.readers import jsons, pages, parquet, tables, warc
from isnad.readers.article import MAX_BYTES, Article, Found, LeftOut, Origin
from isnad.readers.encoding import declared_charset, decode, wide_encoding
from isnad.readers.records import checked_columns
from isnad.readers.stream import HEAD, as_utf8, peek, readable

__all__ = [
    "KNOWN", "MAX_BYTES", "STDIN", "Article", "LeftOut",
    "count_articles", "is_url", "read_articles", "read_bytes", "sources",
]  # fmt: skip

STDIN = "-"
KNOWN = (".txt", ".html", ".htm", ".xhtml", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".warc")
"""Endings of the files that are taken from a folder; .gz may follow."""

_TABLES = (".csv", ".tsv")
_GZIP = b"\x1f\x8b"
_JSON_LINE = re.compile(r'\s*\{\s*(?:"|\}|$)')
_JSON_LIST = re.compile(r"\s*\[\s*(?:\{|\]\s*$)")

Failures = Callable[[IsnadError], None]


def read_articles(
    name: str | Path, *, failures: Failures | None = None, columns: Mapping[str, str] | None = None
) -> Iterator[Article]:
    """The articles of one source: a file, a pipe, "-" for standard input, or an http(s) address.

    They come one by one, and no more is held than one of them (of Parquet, 64 rows). `columns` maps fields of an
    article to their names in tables and JSON ({"text": "body"}); without it the usual names are known. With
    `failures` nothing is raised: a record that cannot be read (a line, a row, a page of a web archive) is told there
    with its place, and the next one follows; what cannot be read at all is told there too. Without it, IsnadError.
    """
    yield from _sifted(_guarded(_of(str(name), columns)), failures)


def read_bytes(
    data: bytes,
    name: str,
    *,
    failures: Failures | None = None,
    columns: Mapping[str, str] | None = None,
    charset: str | None = None,
    url: str | None = None,
) -> Iterator[Article]:
    """As `read_articles`, of `data` that came under the file name `name`; `charset` and `url` as HTTP declared them."""
    origin = replace(Origin.of(name), charset=charset, url=url)
    yield from _sifted(_guarded(_read(io.BytesIO(data), origin, checked_columns(columns))), failures)


def sources(names: Iterable[str], *, failures: Failures) -> Iterator[str]:
    """`names` with globs ("saved/**/*.html") and folders replaced by the files in them, sorted; each file once.

    From a folder come the files with an ending in KNOWN, however deep, hidden ones left out. A glob or folder
    without a file, and a folder that cannot be opened, is told to `failures`. Files, "-" and http(s) addresses stay.
    """
    seen = set()
    for name in names:
        for found in _expanded(name, failures):
            key = os.path.realpath(found) if os.path.isfile(found) else found
            if key not in seen:
                seen.add(key)
                yield found


def count_articles(name: str) -> int | None:
    """About how many articles a source holds, without reading them; None where that cannot be had cheaply.

    Lines of JSON Lines, rows of CSV and Parquet, 1 for a text or page; None for pipes, addresses, gzip, WARC, lists.
    """
    if not os.path.isfile(name):
        return None
    origin = Origin.of(name)
    with suppress(OSError), open(name, "rb") as stream:
        head, whole = peek(stream)
        text = head.decode("utf-8-sig", "replace")
        if head.startswith(parquet.MAGIC):
            return parquet.count_rows(name)
        if head.startswith((_GZIP, warc.MAGIC)) or wide_encoding(head) or _JSON_LIST.match(text):
            return None
        if _JSON_LINE.match(text):
            return _rows(whole, quotes=False) if text.rstrip().endswith("}") or len(head) == HEAD else None
        return max(_rows(whole) - 1, 0) if _is_table(head, origin) else 1
    return None


def is_url(name: str) -> bool:
    """Whether a name is an http(s) address and not a file."""
    return name.lower().startswith(("http://", "https://"))


# --- from a name to records -------------------------------------------------------------------------


def _sifted(found: Iterator[Found], failures: Failures | None) -> Iterator[Article]:
    for one in found:
        if isinstance(one, Article):
            yield one
        elif failures is not None:
            failures(one)
        elif not isinstance(one, LeftOut):
            raise one


def _guarded(found: Iterator[Found]) -> Iterator[Found]:
    """The same; what is raised comes last."""
    try:
        yield from found
    except IsnadError as error:
        yield error


def _of(name: str, columns: Mapping[str, str] | None) -> Iterator[Found]:
    columns = checked_columns(columns)
    if name == STDIN:
        yield from _read(cast("io.BufferedReader", sys.stdin.buffer), Origin("stdin", "stdin"), columns)
        return
    if is_url(name):
        from isnad.readers.web import fetch

        answer = fetch(name)
        path = answer.url.partition("?")[0].partition("#")[0]
        origin = Origin(name, answer.url, Origin.of(path).suffix, answer.charset, answer.url)
        yield from _read(io.BytesIO(answer.data), origin, columns)
        return
    if os.path.isdir(name):
        raise IsnadError("expected a file, found a folder; name the files in it, e.g. folder/*.txt", path=name)
    origin = Origin.of(name)
    try:
        stream = open(name, "rb")  # noqa: SIM115
    except FileNotFoundError:
        raise origin.error("no such file; check the name, or give - to read standard input") from None
    except (OSError, ValueError) as error:
        raise origin.error(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    with stream:
        yield from _read(stream, origin, columns)


def _read(stream: io.BufferedIOBase, origin: Origin, columns: Mapping[str, str]) -> Iterator[Found]:
    """The records of a stream; its kind is told from its head, and gzip is opened."""
    with readable(origin):
        head, whole = peek(stream)
        if packed := head.startswith(_GZIP):
            head, whole = peek(gzip.GzipFile(fileobj=whole))
        if head.startswith(parquet.MAGIC) and stream.seekable() and not packed:
            stream.seek(0)
            yield from parquet.read_parquet(stream, origin, columns)
        elif head.startswith(parquet.MAGIC):
            yield from parquet.read_copied(whole, origin, columns)
        elif head.startswith(warc.MAGIC):
            yield from warc.read_warc(whole, origin)
        else:
            yield from _read_text(head, whole, origin, columns)


def _read_text(head: bytes, stream: io.BufferedReader, origin: Origin, columns: Mapping[str, str]) -> Iterator[Found]:
    narrow, recoded = as_utf8(head, stream, origin)
    beginning = narrow.decode("utf-8-sig", "replace")
    if _JSON_LIST.match(beginning):
        yield from jsons.read_list(recoded, origin, columns)
    elif _JSON_LINE.match(beginning):
        yield from jsons.read_lines(narrow, recoded, origin, columns)
    elif _is_table(narrow, origin) or (columns and not origin.suffix and not _is_markup(narrow)):
        yield from tables.read_table(recoded, origin, columns)
    else:
        yield _whole(stream.read(MAX_BYTES + 1), origin)


def _is_table(head: bytes, origin: Origin) -> bool:
    return origin.suffix in _TABLES and not _is_markup(head) and not head.removeprefix(codecs.BOM_UTF8).isspace()


def _is_markup(head: bytes) -> bool:
    return head.removeprefix(codecs.BOM_UTF8).lstrip()[:2].lower() in (b"<!", b"<h", b"<?")


def _whole(data: bytes, origin: Origin) -> Article:
    """The one article of a text or a web page."""
    text = decode(data, origin, declared=origin.charset or declared_charset(data))
    if pages.is_page(text):
        return pages.page_article(text, origin, origin.stem)
    if pages.is_xml(text):
        raise origin.error("expected text or a web page, found XML (a feed, a sitemap?); give the pages it names")
    return Article(origin.stem, text, url=origin.url)


# --- from a name to names ---------------------------------------------------------------------------


def _expanded(name: str, failures: Failures) -> Iterator[str]:
    if name == STDIN or is_url(name) or os.path.isfile(name):
        yield name
    elif os.path.isdir(name):
        yield from _none_is_told(_walked(name, failures), name, f"no file that ends in {', '.join(KNOWN)}", failures)
    elif glob.has_magic(name) and not os.path.exists(name):
        matches = (found for found in sorted(glob.iglob(name, recursive=True)) if os.path.isfile(found))
        yield from _none_is_told(matches, name, "none; check the name, and put quotes around it", failures)
    else:
        yield name


def _walked(folder: str, failures: Failures) -> Iterator[str]:
    def untold(error: OSError) -> None:
        failures(IsnadError(f"cannot be read: {error.strerror or error}", path=error.filename))

    for base, folders, files in os.walk(folder, onerror=untold):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Origin.of(name).suffix in KNOWN:
                yield os.path.join(base, name)


def _none_is_told(found: Iterator[str], name: str, what: str, failures: Failures) -> Iterator[str]:
    """The same; where it is nothing, that is told."""
    first = next(found, None)
    if first is None:
        failures(IsnadError(f"expected a file, found {what}", path=name))
        return
    yield first
    yield from found


def _rows(stream: io.BufferedReader, *, quotes: bool = True) -> int:
    """Lines with something on them; with `quotes`, those that end outside of quotes."""
    rows, marks, held = 0, 0, False
    while piece := stream.readline(HEAD):
        held = held or not piece.isspace()
        marks += piece.count(b'"')
        if held and piece.endswith(b"\n") and not (quotes and marks % 2):
            rows, held = rows + 1, False
    return rows + held
