"""JSON Lines, one JSON object, and a JSON list of objects: our articles, trafilatura's, and others'."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from isnad.errors import IsnadError
from isnad.readers.article import MAX_BYTES, Found, Origin, Place
from isnad.readers.encoding import LineDecoder, guess_narrow
from isnad.readers.records import article, kind_of
from isnad.readers.stream import HEAD, joined, lines

_GAP = re.compile(r"[ \t\r\n,]*")


def read_lines(head: bytes, stream: io.BufferedReader, origin: Origin, columns: Mapping[str, str]) -> Iterator[Found]:
    """An article a line; or, where the first line is no JSON by itself, the one object that the file is."""
    first = head.removeprefix(codecs.BOM_UTF8).lstrip().partition(b"\n")[0]
    if len(first) < HEAD and not _is_json(LineDecoder().decode(first)):
        data = stream.read(MAX_BYTES + 1)
        text = LineDecoder().decode(data.removeprefix(codecs.BOM_UTF8))
        if len(data) <= MAX_BYTES and text and _is_json(text):
            yield _one(text, Place(origin, 1), columns)
            return
        stream = joined(data, stream)
    for number, text, why in lines(stream):
        place = Place(origin, number)
        if text is None:
            yield place.error(why)
        elif text.strip():
            yield _one(text, place, columns)


def _one(text: str, place: Place, columns: Mapping[str, str]) -> Found:
    try:
        row = json.loads(text.rstrip())
    except (ValueError, RecursionError) as error:
        return place.error(f"expected one JSON object a line, found: {_complaint(error)}")
    return _article(row, place, columns)


def _article(row: Any, place: Place, columns: Mapping[str, str]) -> Found:
    if not isinstance(row, dict):
        return place.error(f'expected an object {{"text": …}}, found {kind_of(row)}')
    try:
        return article(row, place, columns)
    except IsnadError as error:
        return error


def _complaint(error: ValueError | RecursionError) -> str:
    return f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)


def _is_json(text: str | None) -> bool:
    try:
        json.loads(text or "")
    except (ValueError, RecursionError):
        return False
    return True


def read_list(stream: io.BufferedReader, origin: Origin, columns: Mapping[str, str]) -> Iterator[Found]:
    """The articles of a JSON list, read piece by piece: it may be of any length, an item up to MAX_BYTES."""
    number = 0
    for number, row in enumerate(_items(stream, origin), 1):
        yield _article(row, Place(origin, number, "item"), columns)
    if not number:
        raise origin.error("expected a list of articles, found an empty one")


def _items(stream: io.BufferedReader, origin: Origin) -> Iterator[Any]:
    """The values of a JSON list; raises IsnadError where it breaks off or is no JSON."""
    pieces = _Pieces(stream, origin)
    buffer = pieces.take(HEAD).lstrip(" \t\r\n\ufeff")
    decoder, position, number = json.JSONDecoder(), 1, 1
    while True:
        position = _GAP.match(buffer, position).end()  # type: ignore[union-attr]
        if buffer.startswith("]", position):
            if buffer[position + 1 :].strip() or pieces.take(HEAD).strip():
                raise Place(origin, number, "item").error(
                    "expected the end of the file behind the list, found more; give one list, or JSON Lines"
                )
            return
        try:
            value, end = decoder.raw_decode(buffer, position)
        except (ValueError, RecursionError) as error:
            buffer, position = buffer[position:], 0
            more = pieces.take(max(HEAD, len(buffer))) if len(buffer) <= MAX_BYTES else ""
            if not more:
                what = "more" if len(buffer) > MAX_BYTES else _complaint(error)
                raise Place(origin, number, "item").error(
                    f"expected a JSON list of objects up to {MAX_BYTES // 1024**2} MB each, found {what}; "
                    "nothing behind it can be read"
                ) from None
            buffer += more
            continue
        yield value
        position, number = end, number + 1


class _Pieces:
    """The text of a stream in one encoding, which its beginning decides."""

    def __init__(self, stream: io.BufferedReader, origin: Origin) -> None:
        self._stream = stream
        self._origin = origin
        self._decoder: codecs.IncrementalDecoder | None = None

    def take(self, size: int) -> str:
        """Up to `size` bytes as text; "" at the end."""
        text = ""
        while not text:
            data = self._stream.read(size)
            if self._decoder is None:
                self._decoder = codecs.getincrementaldecoder(self._encoding(data))()
            try:
                text = self._decoder.decode(data, final=not data)
            except UnicodeDecodeError:
                raise self._origin.error("expected UTF-8, found other bytes; save the file as UTF-8") from None
            if not data:
                break
        return text

    def _encoding(self, data: bytes) -> str:
        try:
            codecs.getincrementaldecoder("utf-8")().decode(data)
        except UnicodeDecodeError:
            return guess_narrow(data) or "utf-8"
        return "utf-8"
