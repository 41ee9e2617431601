"""What the commands share: exit codes, options, reading, messages, progress, and files that appear when complete."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from isnad.errors import IsnadError

if TYPE_CHECKING:
    from isnad.articles import Article
    from isnad.predictions import Classifier, LabelledArticle

    Labelled = Iterator[tuple[Article, LabelledArticle]]
    Failures = Callable[[IsnadError], None]

T = TypeVar("T")

STDIN = "-"
NOTHING_DONE, SOME_FAILED, INTERRUPTED = 1, 3, 130
JSON_ERRORS = "--json-errors"
"""The option, of every command, that makes each line on standard error a JSON object."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_as_json = False

model_option = click.option(
    "--model",
    type=click.Path(),
    metavar="PATH|rules",
    help='A run directory or an artefact folder; "rules" for the cue rules. Default: the released classifier.',
)


# --- telling the user -------------------------------------------------------------------------------


def speak_json(yes: bool) -> None:
    """Whether messages are JSON objects from here on."""
    global _as_json
    _as_json = yes


def complain(kind: str, what: object, **more: Any) -> None:
    """Say `what` on standard error: a line `kind: what`, or with --json-errors an object.

    The object has `level` (the kind), `message`, and `path` and `line` where the error knows them (else null); `more`
    are further keys of the object alone.
    """
    if not _as_json:
        click.echo(f"{kind}: {printable(str(what))}", err=True)
        return
    if isinstance(what, IsnadError):
        message, path, line = bare(what), what.path, what.line
    elif isinstance(what, OSError):
        message, path, line = what.strerror or str(what), what.filename, None
    else:
        message, path, line = str(what), None, None
    said = {"level": kind, "message": message, "path": None if path is None else str(path), "line": line}
    click.echo(json.dumps(said | more, ensure_ascii=False), err=True)


def bare(error: IsnadError) -> str:
    """The sentence of an error without the place that stands before it."""
    where = "" if error.path is None else f"{error.path}: " if error.line is None else f"{error.path}:{error.line}: "
    return str(error).removeprefix(where)


class _Voice(logging.Handler):
    """What a module of isnad logs, said as the commands say it."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(record.levelname.lower(), record.getMessage())


def say_what_is_logged() -> None:
    """Warnings that the modules of isnad log are messages from here on."""
    logging.getLogger("isnad").handlers[:] = [_Voice(logging.WARNING)]


def remark(text: str) -> None:
    """Say `text` on standard error as it is, with --json-errors as an object of the level "note"."""
    if _as_json:
        complain("note", text)
    else:
        click.echo(printable(text), err=True)


def printable(text: str) -> str:
    """`text` without what could move a terminal's cursor or turn its direction."""
    return _CONTROL.sub("\ufffd", text)


def watched(items: Iterable[T], total: Callable[[], int], already: int = 0) -> Iterator[T]:
    """The same articles; how many are done stands on stderr once it takes long (a terminal 3 s, a log 10 s).

    `total`, asked once and only then, says how many there are, 0 where nobody can know; the first `already` of them
    were done before.
    """
    terminal = sys.stderr.isatty() and not _as_json
    wait, pace = (3.0, 0.5) if terminal else (10.0, 10.0)
    started = shown = time.monotonic()
    expected = 0
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - started < wait or now - shown < pace:
            continue
        expected, shown = expected if shown > started else total(), now
        if max(done, expected) > 1:
            _show_progress(done, already, expected, now - started, terminal)
    if terminal and shown > started:
        click.echo("\r\x1b[K", err=True, nl=False)


def _show_progress(done: int, already: int, total: int, seconds: float, terminal: bool) -> None:
    left = seconds / done * (total - already - done)
    if total <= already + done:
        line = f"labelled {already + done} articles in {seconds:.0f} s"
    else:
        about = f"{left / 60:.0f} min" if left > 90 else f"{left:.0f} s"
        line = f"labelled {already + done} of {total} articles, about {about} left"
    if _as_json:
        known = {"total": total, "seconds_left": round(left)} if total > already + done else {}
        complain("progress", line, done=already + done, **known)
    else:
        click.echo(f"\r\x1b[K{line}" if terminal else line, err=True, nl=not terminal)


# --- from files to labelled articles ---------------------------------------------------------------


def read(names: Iterable[str], failures: Failures, columns: Mapping[str, str] | None = None) -> Iterator[Article]:
    """All articles of `names` (files, folders, patterns, URLs, "-"); what cannot be read is handed to `failures`."""
    from isnad.articles import read_articles, sources

    for name in sources(names, failures=failures):
        yield from read_articles(name, failures=failures, columns=columns)


def count(names: Iterable[str]) -> int:
    """How many articles `names` (no folders or patterns) hold, 0 where nobody can know."""
    from isnad.articles import count_articles, is_url

    total = 0
    for name in names:
        if not os.path.exists(name) and not is_url(name) and name != STDIN:
            continue
        found = count_articles(name)
        if found is None:
            return 0
        total += found
    return total


def labelled(articles: Iterable[Article], classifier: Classifier, failures: Failures) -> Labelled:
    """The articles with their answers, in order; what is in the way of an answer is handed to `failures`."""
    for article, answer in answered(articles, classifier):
        if (found := trouble(article, answer)) is not None:
            failures(found)
        if answer.sentences:
            yield article, answer


def answered(articles: Iterable[Article], classifier: Classifier) -> Labelled:
    """Every article with its answers, in order; one without an Arabic letter gets no stance, and a warning is said."""
    from isnad.classifier import label_articles
    from isnad.predictions import NOT_ARABIC

    for article, answer in label_articles(articles, classifier=classifier):
        if any(NOT_ARABIC in sentence.warnings for sentence in answer.sentences):
            complain("warning", f"{article.doc_id}: expected Arabic, found not one Arabic letter; no label given")
        yield article, answer


def trouble(article: Article, answer: LabelledArticle) -> IsnadError | None:
    """Why an article has no answer: there is no sentence in it, or the classifier failed on it."""
    from isnad.predictions import FAILED

    if not answer.sentences:
        return IsnadError(f"{article.doc_id}: expected an article, found no sentence in it")
    if all(FAILED in s.warnings for s in answer.sentences):
        return IsnadError(f"{article.doc_id}: the classifier failed on it; its sentences have no stance")
    return None


# --- writing ----------------------------------------------------------------------------------------


@contextmanager
def sink(output: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file beside `output` that is renamed to it unless an exception leaves the block."""
    if output is None or str(output) == STDIN:
        yield sys.stdout
        return
    target = output.resolve()
    device = os.path.exists(target) and not os.path.isfile(target)
    beside = target if device else target.with_name(f".isnad-{os.getpid()}.part")
    try:
        stream = beside.open("w", encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise IsnadError(f"cannot be written: {error.strerror or error}", path=output) from error
    try:
        with stream:
            yield stream
        if not device:
            beside.replace(target)
    finally:
        if not device:
            beside.unlink(missing_ok=True)
