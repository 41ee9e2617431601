"""The articles that a command was given: where each one stands among the inputs, and what could not be read."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from isnad.articles import LeftOut, read_articles, sources
from isnad.classifier import WINDOW
from isnad.commands.common import STDIN, answered, bare, count, trouble
from isnad.errors import IsnadError
from isnad.output.journal import Failure, Mark

if TYPE_CHECKING:
    from isnad.articles import Article
    from isnad.commands.common import Failures, Labelled
    from isnad.predictions import Classifier


class Inputs:
    """Articles of `names` (files, folders, patterns, URLs, "-") in order; files in `own` are passed over."""

    def __init__(self, names: Sequence[str], columns: Mapping[str, str] | None, own: Sequence[Path] = ()) -> None:
        self._names, self._columns, self._own = names, columns, {p.resolve() for p in own}
        self._given: deque[tuple[int, int, bool]] = deque()  # of articles being labelled: source, number, ends a window
        self._source = -1  # being read
        self._at, self._taken, self._ends = 0, 0, False  # as in `_given`, of the last answer
        self._absent: list[tuple[int, IsnadError]] = []  # names that stand for no file
        self._unread: list[tuple[int, IsnadError]] = []
        self._unlabelled: list[tuple[int, IsnadError]] = []
        self._marked = 0, 0  # how many of the last two the marks hold

    @property
    def failures(self) -> list[IsnadError]:
        """What could not be read or labelled, in the order of the inputs."""
        everything = self._unread + self._unlabelled + self._absent
        return [error for _, error in sorted(everything, key=lambda pair: pair[0])]

    def repeatable(self) -> bool:
        """Whether all of it can be read a second time: no standard input, no pipe."""
        return all(n != STDIN and (not os.path.exists(n) or os.path.isfile(n) or os.path.isdir(n)) for n in self._names)

    def count(self) -> int:
        """How many articles there are, 0 where nobody can know."""
        return count(self._sources(lambda _: None))

    def fingerprint(self) -> str:
        """A digest of the names, sizes and times of all files."""
        digest = sha256()
        for name in self._sources(lambda _: None):
            stat = os.stat(name) if os.path.exists(name) else None
            digest.update(repr((name, stat and stat.st_size, stat and stat.st_mtime_ns)).encode(errors="replace"))
        return digest.hexdigest()

    def labelled(self, classifier: Classifier, began: Mark) -> Labelled:
        """The articles behind the mark `began` with their answers, in order; those without a sentence are failures."""
        self._unread = [(f.source, _error(f)) for f in began.failures]
        self._marked = len(self._unread), 0
        for article, answer in answered(self._read(began), classifier):
            self._at, self._taken, self._ends = self._given.popleft()
            if (found := trouble(article, answer)) is not None:
                self._unlabelled.append((self._at, found))
            if answer.sentences:
                yield article, answer

    def mark(self) -> Mark | None:
        """Where the last article that `labelled` gave stands, with what failed since the mark before.

        None unless it ends a window of `label_articles`: what a run that goes on labels together must be what a run
        from the start would, for the last digit of a score may hang on it.
        """
        if not self._ends:
            return None
        read, answered = self._marked
        over = [pair for pair in self._unread[read:] if pair[0] < self._at]
        self._marked = read + len(over), len(self._unlabelled)
        failures = tuple(_failure(source, error) for source, error in over + self._unlabelled[answered:])
        return Mark(source=self._at, taken=self._taken, failures=failures)

    def _read(self, began: Mark) -> Iterator[Article]:
        failed = self._failed_at(self._unread)
        characters = 0
        for source, name in enumerate(self._sources(self._failed_at(self._absent))):
            self._source = source
            if source < began.source:
                continue
            known = began.taken if source == began.source else 0
            for number, article in enumerate(read_articles(name, failures=failed, columns=self._columns), 1):
                if number <= known:
                    continue
                characters += len(article.text)
                ends = characters >= WINDOW
                characters = 0 if ends else characters
                self._given.append((source, number, ends))
                yield article

    def _sources(self, failed: Failures) -> Iterator[str]:
        """The names one by one, without the files that the answers go to."""
        return (name for name in sources(self._names, failures=failed) if Path(name).resolve() not in self._own)

    def _failed_at(self, failures: list[tuple[int, IsnadError]]) -> Failures:
        """A function that adds an error to `failures`, with the input being read."""
        return lambda error: failures.append((self._source, error))


def _failure(source: int, error: IsnadError) -> Failure:
    path = None if error.path is None else str(error.path)
    return Failure(source, bare(error), path, error.line, isinstance(error, LeftOut))


def _error(failure: Failure) -> IsnadError:
    kind = LeftOut if failure.left_out else IsnadError
    return kind(failure.message, path=failure.path, line=failure.line)
