"""Bytes to text: UTF-8, UTF-16, UTF-32, windows-1256 and ISO-8859-6, told apart by what they hold.

>>> decode("قال الوزير".encode("cp1256"), Origin.of("a.txt"))
'قال الوزير'
"""

from __future__ import annotations

import codecs
import re

from isnad.readers.article import MAX_BYTES, Origin

BOM = "\ufeff"
EXPECTED = "text, HTML, JSON, CSV, Parquet or WARC"

_SAMPLE = 100_000
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_WEB_CHARSET = re.compile(r"utf-?8|us-ascii|(?:windows-|cp)\d{3,4}|(?:iso-?8859-?|latin-?)\d{1,2}|mac-?arabic", re.I)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,30})", re.I)
_ASCII = re.compile("[\x00-\x7f]+")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3\ufb50-\ufdff\ufe70-\ufefc]+")
_FREQUENT = re.compile("[األيمونتر]+")
_FOREIGN = re.compile("[^\u0600-\u06ff\u2000-\u206f\xa0«»×÷]+")
_LATIN = re.compile("[\xc0-\xff]+")
_MAGIC = {
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "a ZIP archive (a Word, OpenDocument or EPUB file is one)",
    b"\xd0\xcf\x11\xe0": "an old Word or Excel file",
    b"{\\rtf": "an RTF file",
    b"\xfd7zXZ": "an xz file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
}


def decode(data: bytes, origin: Origin, *, declared: str | None = None) -> str:
    """The text of `data` without its byte order mark, in the first encoding that gives sound Arabic text.

    A mark decides; then `declared` (of an HTTP header or a page), where the text reads like Arabic in it; then UTF-8
    and UTF-16, windows-1256 and ISO-8859-6. A text without any Arabic must be UTF-8, carry a mark, or be declared.
    Raises IsnadError for what is empty, larger than MAX_BYTES, binary, spoilt or in none of these.
    """
    if not data.strip():
        raise origin.error("expected an article, found an empty file")
    if len(data) > MAX_BYTES:
        raise origin.error(
            f"expected at most {MAX_BYTES // 1024**2} MB, found more; split the file into articles, "
            'or give them as JSON Lines, one {"text": …} a line'
        )
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            raise origin.error(f"expected {EXPECTED}, found {kind}; save its text as UTF-8")
    text = _marked(data, origin) or _declared(data, declared) or _unmarked(data, origin, declared)
    if not text.strip().strip(BOM + " \t\r\n"):
        raise origin.error("expected an article, found an empty file")
    if _is_binary(text):
        raise origin.error(f"expected {EXPECTED}, found binary data; save its text as UTF-8")
    if is_mojibake(text):
        raise origin.error(SPOILT)
    return text


SPOILT = (
    "expected Arabic, found UTF-8 that was once read in another encoding and saved so (ط§ظ„ or Ø§Ù„ for «ال»); "
    "take the text from its source again"
)


def declared_charset(page: bytes) -> str | None:
    """The charset that a web page declares in its first 4,096 bytes."""
    found = _META.search(page[:4096])
    return found[1].decode("ascii", "replace") if found else None


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 where the beginning of a file is in one of them, else None."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding if encoding != "utf-8-sig" else None
    if b"\0" in head or b"\x06" in head:
        for encoding in ("utf-16-le", "utf-16-be"):
            text = _strictly(head[: len(head) // 2 * 2], encoding)
            if text and not _is_binary(text) and _is_arabic(text):
                return encoding
    return None


class LineDecoder:
    """Decodes the lines of one file: UTF-8, else the encoding in which the first other line reads like Arabic."""

    def __init__(self) -> None:
        self._other: str | None = None

    def decode(self, line: bytes) -> str | None:
        """The text of a line, None where it fits no encoding."""
        if (text := _strictly(line, "utf-8")) is not None:
            return text
        if self._other is None:
            self._other = guess_narrow(line)
        return None if self._other is None else _strictly(line, self._other)


def guess_narrow(data: bytes) -> str | None:
    """Which of windows-1256 and ISO-8859-6 makes Arabic of `data`."""
    for encoding in ("cp1256", "iso8859_6"):
        text = _strictly(data, encoding)
        if text and not _is_binary(text) and _is_arabic(text):
            return encoding
    return None


def is_mojibake(text: str) -> bool:
    """Whether every second letter is one of the two that a UTF-8 lead byte of Arabic turns into."""
    for leads, letters in (("طظ", _ARABIC), ("ØÙ", _LATIN)):
        if sum(map(text.count, leads)) >= 20:
            sample = _sample(text)
            found = sum(map(sample.count, leads))
            if found >= 20 and found >= 0.4 * _count(letters, sample):
                return True
    return False


def _marked(data: bytes, origin: Origin) -> str | None:
    """The text after a byte order mark, None where there is none."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            try:
                return data.decode(encoding).removeprefix(BOM)
            except UnicodeDecodeError as error:
                raise origin.error(_undecodable(encoding.removesuffix("-sig").upper(), error)) from None
    return None


def _declared(data: bytes, name: str | None) -> str | None:
    text = _in_charset(data, name)
    if text is None or (name or "").lower().replace("-", "") == "utf8":
        return text
    return text if _is_arabic(text) else None


def _in_charset(data: bytes, name: str | None) -> str | None:
    """The text in a charset of the web; None for other names (Python knows codecs that are no charset)."""
    if name is None or not _WEB_CHARSET.fullmatch(name) or b"\0" in data:
        return None
    try:
        codecs.lookup(name)
    except LookupError:
        return None
    return _strictly(data, name)


def _unmarked(data: bytes, origin: Origin, declared: str | None) -> str:
    if encoding := wide_encoding(data):
        text = _strictly(data, encoding)
        if text:
            return text
    if b"\0" in data:
        raise origin.error(f"expected {EXPECTED}, found binary data; save its text as UTF-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if narrow := guess_narrow(data):
            return data.decode(narrow)
        text = _in_charset(data, declared)
        if text is None:
            raise origin.error(_undecodable("UTF-8", error)) from None
        return text


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _undecodable(name: str, error: UnicodeDecodeError) -> str:
    return (
        f"expected {name} (or UTF-16, windows-1256, ISO-8859-6), found byte 0x{error.object[error.start]:02x} "
        f"at offset {error.start} that does not fit; save the file as UTF-8"
    )


def _is_binary(text: str) -> bool:
    """Whether control characters are more than the odd one that copying leaves behind."""
    return "\0" in text or len(_CONTROL.findall(text)) > 1 + 0.005 * len(text)


def _is_arabic(text: str) -> bool:
    """Whether a guessed decoding reads like Arabic: hardly a foreign letter, and the common letters common."""
    sample = _sample(text)
    arabic = _count(_ARABIC, sample)
    return arabic > 0 and _count(_FOREIGN, sample) <= 0.05 * arabic and _count(_FREQUENT, sample) >= 0.3 * arabic


def _count(letters: re.Pattern[str], text: str) -> int:
    """How many characters of `text` are such letters."""
    return len(text) - len(letters.sub("", text))


def _sample(text: str) -> str:
    """The first characters outside ASCII, however deep in markup they stand."""
    return _ASCII.sub("", text)[:_SAMPLE]
