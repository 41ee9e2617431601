"""Articles from a file or standard input: plain text, a web page, or JSON Lines.

>>> Article("a", "نص").title is None
True
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from isnad.errors import IsnadError

STDIN = "-"
MAX_BYTES = 5 * 1024 * 1024
"""Limit of one article: a whole text or web page, or one line of JSON Lines."""

_FIELDS = ("doc_id", "title", "outlet", "date")
_BOM = "\ufeff"
_HEAD = 65536
_SAMPLE = 100_000
_JSON_LINE = re.compile(r'\s*\{\s*(?:"|\}|$)')
_JSON_LIST = re.compile(r"\s*\[\s*\{")
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,4000}?-->\s*)*"
    r"<(?:!doctype\s+html|html|head|body|article|section|main|div|p|meta|title|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_ASCII = re.compile("[\x00-\x7f]+")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3\ufb50-\ufdff\ufe70-\ufefc]")
_FREQUENT = re.compile("[األيمونتر]")
_FOREIGN = re.compile("[^\u0600-\u06ff\u2000-\u206f\xa0«»×÷]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAGIC = {
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "a ZIP archive (a Word, OpenDocument or EPUB file is one)",
    b"\xd0\xcf\x11\xe0": "an old Word or Excel file",
    b"{\\rtf": "an RTF file",
    b"\x1f\x8b": "a gzip file",
    b"\xfd7zXZ": "an xz file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
}


@dataclass(frozen=True, slots=True)
class Article:
    """A raw article as it was read; what the file does not say is None."""

    doc_id: str
    text: str
    title: str | None = None
    outlet: str | None = None
    date: str | None = None


def read_articles(path: Path | str) -> Iterator[Article]:
    """The articles of the file `path`, or of standard input for "-".

    What the file is follows from its content, not from its name. Raises IsnadError for a file
    that is missing, empty, binary, too large, in no known encoding, or malformed.
    """
    if str(path) == STDIN:
        yield from _read(sys.stdin.buffer, Path("stdin"))
        return
    path = Path(path)
    if path.is_dir():
        raise IsnadError("expected a file, found a folder; name the files in it, e.g. folder/*.txt", path=path)
    try:
        with path.open("rb") as stream:
            yield from _read(stream, path)
    except FileNotFoundError:
        raise IsnadError("no such file; check the name, or give - to read standard input", path=path) from None
    except OSError as error:
        raise IsnadError(f"cannot be read: {error.strerror or error}", path=path) from error


def _read(stream: IO[bytes], path: Path) -> Iterator[Article]:
    head = stream.readline(_HEAD)
    while head.isspace() and len(head) < _HEAD and (more := stream.readline(_HEAD)):
        head += more
    if _JSON_LINE.match(head.decode("utf-8-sig", "replace")) and b"\0" not in head:
        yield from _json_articles(_lines(head, stream, path), path)
        return
    data = head + stream.read(MAX_BYTES + 1 - len(head))
    text = decode(data, path)
    if _JSON_LIST.match(text):
        raise IsnadError(
            "expected one JSON object a line, found a JSON list; convert it with: jq -c '.[]' FILE", path=path
        )
    if _JSON_LINE.match(text):
        yield from _json_articles(enumerate(text.split("\n"), 1), path)
    elif _HTML.match(text):
        yield _web_article(text, path)
    else:
        yield Article(path.stem, text)


def decode(data: bytes, path: Path) -> str:
    """The text of `data` without its byte order mark, in the first encoding that gives sound Arabic text.

    UTF-8 and UTF-16 (with or without a mark), then windows-1256 and ISO-8859-6. A text without
    any Arabic must be UTF-8 or carry a mark.
    """
    if not data.strip():
        raise IsnadError("expected an article, found an empty file", path=path)
    if len(data) > MAX_BYTES:
        raise IsnadError(
            f"expected at most {MAX_BYTES // 1024**2} MB, found more; split the file into articles, "
            'or give them as JSON Lines, one {"text": …} a line',
            path=path,
        )
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            raise IsnadError(f"expected text, HTML or JSON Lines, found {kind}; save its text as UTF-8", path=path)
    text = _marked(data, path) or _unmarked(data, path)
    if not text.strip(_BOM + " \t\r\n"):
        raise IsnadError("expected an article, found an empty file", path=path)
    if _is_binary(text):
        raise IsnadError("expected text, HTML or JSON Lines, found binary data; save its text as UTF-8", path=path)
    if _is_mojibake(text):
        raise IsnadError(
            "expected Arabic, found UTF-8 that was once read in another encoding and saved so (ط§ظ„ or Ø§Ù„ for «ال»); "
            "take the text from its source again",
            path=path,
        )
    return text


def _marked(data: bytes, path: Path) -> str | None:
    """The text after a byte order mark, None where there is none."""
    marks = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32"}
    marks |= {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    for mark, encoding in marks.items():
        if data.startswith(mark):
            try:
                return data.decode(encoding).removeprefix(_BOM)
            except UnicodeDecodeError as error:
                raise _undecodable(encoding.upper(), error, path) from None
    return None


def _unmarked(data: bytes, path: Path) -> str:
    if b"\0" in data or b"\x06" in data:
        for encoding in ("utf-16-le", "utf-16-be"):
            text = _strictly(data, encoding)
            if text and not _is_binary(text) and _is_arabic(text):
                return text
        raise IsnadError("expected text, HTML or JSON Lines, found binary data; save its text as UTF-8", path=path)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        for encoding in ("cp1256", "iso8859_6"):
            text = _strictly(data, encoding)
            if text and not _is_binary(text) and _is_arabic(text):
                return text
        raise _undecodable("UTF-8", error, path) from None


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _undecodable(name: str, error: UnicodeDecodeError, path: Path) -> IsnadError:
    return IsnadError(
        f"expected {name} (or UTF-16, windows-1256, ISO-8859-6), found byte 0x{error.object[error.start]:02x} "
        f"at offset {error.start} that does not fit; save the file as UTF-8",
        path=path,
    )


def _is_binary(text: str) -> bool:
    """Whether control characters are more than the odd one that copying leaves behind."""
    return "\0" in text or len(_CONTROL.findall(text)) > 1 + 0.005 * len(text)


def _is_arabic(text: str) -> bool:
    """Whether a guessed decoding reads like Arabic: hardly a foreign letter, and the common letters common."""
    sample = _sample(text)
    arabic = len(_ARABIC.findall(sample))
    foreign = len(_FOREIGN.findall(sample))
    return arabic > 0 and foreign <= 0.05 * arabic and len(_FREQUENT.findall(sample)) >= 0.3 * arabic


def _is_mojibake(text: str) -> bool:
    """Whether every second letter is one of the two that a UTF-8 lead byte of Arabic turns into."""
    sample = _sample(text)
    for leads, letters in (("طظ", len(_ARABIC.findall(sample))), ("ØÙ", len(re.findall("[\xc0-\xff]", sample)))):
        found = sum(map(sample.count, leads))
        if found >= 20 and found >= 0.4 * letters:
            return True
    return False


def _sample(text: str) -> str:
    """The first characters outside ASCII, however deep in markup they stand."""
    return _ASCII.sub("", text)[:_SAMPLE]


def _lines(head: bytes, stream: IO[bytes], path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of UTF-8, none longer than an article may be."""
    number = 0
    pending = head.splitlines(keepends=True)
    while pending:
        line = pending.pop(0)
        if not pending and not line.endswith(b"\n"):
            line += stream.readline(MAX_BYTES + 1 - len(line))
        number += 1
        if len(line) > MAX_BYTES:
            raise IsnadError(f"expected at most {MAX_BYTES // 1024**2} MB a line, found more", path=path, line=number)
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise IsnadError("expected UTF-8, found other bytes; save as UTF-8", path=path, line=number) from None
        if not pending and (following := stream.readline(MAX_BYTES + 1)):
            pending.append(following)


def _json_articles(lines: Iterable[tuple[int, str]], path: Path) -> Iterator[Article]:
    for number, line in lines:
        if line.strip():
            yield _json_article(line, number, path)


def _json_article(line: str, number: int, path: Path) -> Article:
    try:
        row: Any = json.loads(line.rstrip())
    except (ValueError, RecursionError) as error:
        found = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise IsnadError(f"expected one JSON object a line, found: {found}", path=path, line=number) from None
    if not isinstance(row, dict):
        raise IsnadError(f'expected an object {{"text": …}}, found {_kind(row)}', path=path, line=number)
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        found = "an empty one" if isinstance(text, str) else _kind(text) if "text" in row else "none"
        raise IsnadError(f'expected a "text" with the article, found {found}', path=path, line=number)
    values = {name: _field(row, name, number, path) for name in _FIELDS}
    doc_id = values.pop("doc_id") or f"{path.stem}-{number}"
    return Article(doc_id, _SURROGATE.sub("\ufffd", text), **values)


def _field(row: dict[str, Any], name: str, number: int, path: Path) -> str | None:
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is not None and not isinstance(value, str):
        raise IsnadError(f'expected text for "{name}", found {_kind(value)}', path=path, line=number)
    return _SURROGATE.sub("\ufffd", value) if value else None


def _kind(value: Any) -> Literal["null", "true or false", "a number", "text", "a list", "an object"]:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def _web_article(html: str, path: Path) -> Article:
    """The article in a web page, without its menus, by trafilatura."""
    try:
        import trafilatura
    except ImportError:
        raise IsnadError(
            'a web page needs one more package; install it with: pip install "isnad[html]"', path=path
        ) from None
    found = trafilatura.bare_extraction(html, with_metadata=True, include_comments=False)
    if found is None or isinstance(found, dict) or not (found.text or "").strip():
        raise IsnadError("found no article in this web page; copy its text into a .txt file", path=path)
    return Article(path.stem, found.text or "", found.title or None, found.sitename or None, found.date or None)
