"""A file of answers that grows beside its place, and the journal from which a killed run goes on.

`answers.jsonl` is written as `answers.jsonl.part`, with `answers.jsonl.part.journal` beside it: what the run was asked
for, then every 500 sentences or so a mark, how far the output is good and which articles stand in it. When all is done
the part gets its name and the journal goes. After a kill, output behind the last mark is cut off and written anew.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, NamedTuple, TextIO, TypeVar

from isnad.errors import IsnadError

T = TypeVar("T")

_SCHEMA = "isnad-journal/1"


class Failure(NamedTuple):
    """What could not be read or labelled: the number of its input (from 0), the message, where, and if passed over."""

    source: int
    message: str
    path: str | None
    line: int | None
    left_out: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a run has come.

    The first `size` bytes of the output, with the CRC-32 `crc`, hold the answers to `done` articles. The inputs are
    read up to article `taken` of the input `source` (from 0). `failures` are those since the mark before that going on
    from here would not meet again.
    """

    size: int = 0
    crc: int = 0
    done: int = 0
    source: int = 0
    taken: int = 0
    failures: tuple[Failure, ...] = ()


@dataclass(slots=True)
class Journal:
    """A growing output: where it `began` (with the failures of all marks before), how much is `done`, its `stream`."""

    part: Path
    stream: TextIO
    log: IO[bytes]
    began: Mark
    last: Mark
    done: int = field(default=0)

    def kept(self, items: Iterable[T], place: Callable[[], Mark | None]) -> Iterator[T]:
        """The same items. When the next one is asked for the one before is written, and may get a mark.

        `place` gives what the mark says of the inputs, None where a run could not go on from.
        """
        for item in items:
            yield item
            self.done += 1
            if mark := place():
                self.stream.flush()
                self._set(mark, self.stream.buffer.tell())

    def _set(self, mark: Mark, size: int) -> None:
        grown = os.pread(self.stream.fileno(), size - self.last.size, self.last.size)
        self.last = replace(mark, size=size, crc=zlib.crc32(grown, self.last.crc), done=self.done)
        self.log.write(_line(asdict(self.last)))
        self.log.flush()


def growing_files(output: Path) -> tuple[Path, Path, Path]:
    """The output, the file it grows as, and its journal; links followed."""
    target = output.resolve()
    part = target.with_name(f"{target.name}.part")
    return target, part, part.with_name(f"{part.name}.journal")


@contextmanager
def growing(output: Path, facts: Mapping[str, str], *, resume: bool) -> Iterator[Journal]:
    """The journal of the new contents of `output`, which gets them when the block ends without an exception.

    An exception leaves what is marked for a later `resume` and removes what has no mark. `facts` say what the answers
    depend on. Raises IsnadError where another run is at it, where an earlier one left something and `resume` is not
    asked for, and where it was begun with other facts.
    """
    target, part, log_path = growing_files(output)
    try:
        log = log_path.open("r+b" if log_path.exists() else "w+b")
    except OSError as error:
        raise IsnadError(f"cannot be written: {error.strerror or error}", path=output) from error
    with log:
        _lock(log, output)
        try:
            began, behind = _left(part, log, facts, resume)
        except IsnadError:
            if not log_path.stat().st_size:
                log_path.unlink()
            raise
        journal = _opened(part, log, facts, began, behind)
        try:
            with journal.stream:
                yield journal
            part.replace(target)
        except BaseException:
            if not journal.last.done:
                part.unlink(missing_ok=True)
                log_path.unlink(missing_ok=True)
            raise
        log_path.unlink(missing_ok=True)


def _lock(log: IO[bytes], output: Path) -> None:
    """Hold the journal for this process; where the system has no such locks, do without."""
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise IsnadError("another run is writing this file; wait for it, or name another", path=output) from None


def _left(part: Path, log: IO[bytes], facts: Mapping[str, str], resume: bool) -> tuple[Mark, int]:
    """The mark to go on from, with the failures of all before it, and where the journal ends with it.

    Raises where the user has to decide.
    """
    if not part.exists():
        return Mark(), 0
    head, *marks = list(_lines(log)) or [({}, 0)]
    if head[0].get("schema") != _SCHEMA:
        raise IsnadError(
            "expected the journal of an interrupted run beside it, found none; delete this file", path=part
        )
    found, behind = _holding(part, [(Mark(**m), end) for m, end in marks])
    if not found.done:
        return Mark(), 0
    if not resume:
        raise IsnadError(
            f"an interrupted run left {found.done} articles here; go on with --resume, or delete this file", path=part
        )
    then = head[0]["facts"]
    if other := [name for name in {**then, **facts} if then.get(name) != facts.get(name)]:
        raise IsnadError(
            f"expected the run as it was begun, found a change of {' and '.join(other)}; call it as before, or delete "
            "this file to start afresh",
            path=part,
        )
    return found, behind


def _lines(log: IO[bytes]) -> Iterator[tuple[dict[str, Any], int]]:
    """The objects of the journal, each with the place behind it; a kill may have torn the last one."""
    end = log.seek(0)
    for line in log:
        end += len(line)
        try:
            found = json.loads(line)
        except ValueError:
            return
        if not isinstance(found, dict):
            return
        yield found, end


def _holding(part: Path, marks: Iterable[tuple[Mark, int]]) -> tuple[Mark, int]:
    """The last mark whose bytes stand in the file as they were written, with the failures of all before it."""
    found, behind = Mark(), 0
    with part.open("rb") as stream:
        for mark, end in marks:
            grown = stream.read(mark.size - found.size)
            if len(grown) < mark.size - found.size or zlib.crc32(grown, found.crc) != mark.crc:
                break
            found, behind = replace(mark, failures=(*found.failures, *(Failure(*f) for f in mark.failures))), end
    return found, behind


def _opened(part: Path, log: IO[bytes], facts: Mapping[str, str], began: Mark, behind: int) -> Journal:
    """The part and its journal, both cut off behind `began`; the journal first, for it must never know too much."""
    log.truncate(behind)
    log.seek(behind)
    if not behind:
        log.write(_line({"schema": _SCHEMA, "facts": dict(facts)}))
        log.flush()
    raw = part.open("r+b" if began.done else "w+b")
    raw.truncate(began.size)
    raw.seek(began.size)
    stream = io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="\n")
    return Journal(part, stream, log, began, began, began.done)


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, ensure_ascii=False).encode() + b"\n"
