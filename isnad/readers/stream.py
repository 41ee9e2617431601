"""Streams that can be looked into before they are read, and their lines within a limit."""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from isnad.readers.article import MAX_BYTES, Origin
from isnad.readers.encoding import LineDecoder, wide_encoding

HEAD = 65536
_CHUNK = 65536
_BLANK = b"\xef\xbb\xbf \t\r\n["

Line = tuple[int, str | None, str]
"""Number from 1, text (None where it cannot be read), and then why."""


class _Joined(io.RawIOBase):
    """`head`, then what `stream` still holds."""

    def __init__(self, head: bytes, stream: io.BufferedIOBase) -> None:
        self._head = io.BytesIO(head)
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._head.read(len(buffer)) or self._stream.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Recoded(io.RawIOBase):
    """UTF-16 or UTF-32 as UTF-8."""

    def __init__(self, stream: io.BufferedIOBase, encoding: str, origin: Origin) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._name = encoding.upper()
        self._origin = origin
        self._ready = io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._ready.read(len(buffer))
        more = b" "
        while not data and more:
            more = self._stream.read1(_CHUNK)
            try:
                self._ready = io.BytesIO(self._decoder.decode(more, final=not more).encode())
            except UnicodeDecodeError:
                raise self._origin.error(
                    f"expected {self._name}, found bytes that do not fit; save the file as UTF-8"
                ) from None
            data = self._ready.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def joined(head: bytes, stream: io.BufferedIOBase) -> io.BufferedReader:
    """A stream that begins with `head` and goes on with `stream`."""
    return io.BufferedReader(_Joined(head, stream))


def peek(stream: io.BufferedIOBase) -> tuple[bytes, io.BufferedReader]:
    """The beginning of a stream, down to its first line with more than an opening bracket, and the whole stream.

    No more is read than that line, so that a pipe which gives a line now and then is answered line by line. Where it
    holds what only UTF-16 and binary files do, 64 KB are.
    """
    head = line = stream.readline(HEAD)
    while line and not head.strip(_BLANK) and len(head) < HEAD:
        line = stream.readline(HEAD - len(head))
        head += line
    if b"\0" in head or b"\x06" in head or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head += stream.read(max(0, HEAD - len(head)))
    return head, joined(head, stream)


def as_utf8(head: bytes, stream: io.BufferedReader, origin: Origin) -> tuple[bytes, io.BufferedReader]:
    """Head and stream with UTF-16 and UTF-32 made UTF-8; any other stays as it is."""
    encoding = wide_encoding(head)
    if encoding is None:
        return head, stream
    recoded = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    return recoded.encode("utf-8", "replace"), io.BufferedReader(_Recoded(stream, encoding, origin))


@contextmanager
def readable(origin: Origin) -> Iterator[None]:
    """Turns what a broken file or pipe raises into an IsnadError of `origin`."""
    try:
        yield
    except (EOFError, zlib.error):
        raise origin.error("expected a whole gzip file, found a damaged one; take it from its source again") from None
    except OSError as error:
        raise origin.error(f"cannot be read: {error.strerror or error}") from error


def lines(stream: io.BufferedReader) -> Iterator[Line]:
    """The lines of a stream in UTF-8, windows-1256 or ISO-8859-6, each with its end, none longer than MAX_BYTES."""
    decoder = LineDecoder()
    number = 0
    while raw := stream.readline(MAX_BYTES + 1):
        number += 1
        if len(raw) > MAX_BYTES:
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(MAX_BYTES)
            yield number, None, f"expected at most {MAX_BYTES // 1024**2} MB a line, found more"
            continue
        text = decoder.decode(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw)
        yield number, text, "" if text is not None else "expected UTF-8, found other bytes; save as UTF-8"
