"""The command line: `isnad label article.txt`, `isnad check data`, `isnad model`.

Nothing heavy is imported until a command needs it, so that `isnad --help` answers at once.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from isnad import __version__
from isnad.annotate.commands import annotate
from isnad.errors import IsnadError, need
from isnad.profile import profile

if TYPE_CHECKING:
    from isnad.articles import Article
    from isnad.predictions import Classifier, LabelledArticle

    Labelled = Iterator[tuple[str, LabelledArticle]]  # doc_id and article

STDIN = "-"
NOT_ARABIC = "not_arabic"
"""Warning on every sentence of an article without an Arabic letter: none of them is given a stance."""
NOTHING_DONE, SOME_FAILED, INTERRUPTED = 1, 3, 130

_ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3\u0750-\u077f\u08a0-\u08c9\ufb50-\ufdff\ufe70-\ufefc]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_model_option = click.option(
    "--model",
    metavar="PATH|rules",
    help='A run directory or an artefact folder; "rules" for the cue rules. Default: the released classifier.',
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 well, 1 failed, 2 misused, 3 some inputs failed, 130 interrupted."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # the caller closed it
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    try:
        code = cli.main(arguments, prog_name="isnad", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (IsnadError, OSError) as error:
        _complain("error", error)
        code = NOTHING_DONE
    sys.exit(code)


def _abstain_at(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    from isnad.confidence import parse_abstain_at

    if value is not None:
        try:
            parse_abstain_at(value)
        except IsnadError as error:
            raise click.BadParameter(str(error)) from None
    return value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="isnad %(version)s")
def cli() -> None:
    """Who says so? Stance of Arabic news sentences: asserted, denied, attributed or left open."""


@cli.command()
@click.argument("files", metavar="FILE...|-", nargs=-1, required=True)
@click.option(
    "--format", "form", type=click.Choice(["table", "jsonl", "html"]), default="table", show_default=True,
    help="A table for reading, one JSON record a sentence, or one web page.",
)  # fmt: skip
@_model_option
@click.option(
    "--abstain-at", metavar="precision=P|score=S", callback=_abstain_at,
    help="Mark answers that are less sure than this as undecided: under the score S, or under the one from which on "
    "the model's answers had the precision P on its dev sentences.",
)  # fmt: skip
@click.option(
    "--sets", metavar="COVERAGE", type=float,
    help="Say which labels stay possible: a set that holds the right one about this often: .80, .90 or .95.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; it appears when complete."
)
@click.pass_context
def label(
    ctx: click.Context,
    files: tuple[str, ...],
    form: str,
    model: str | None,
    abstain_at: str | None,
    sets: float | None,
    output: Path | None,
) -> None:
    """Label every sentence of Arabic news articles.

    FILE is plain text, a web page or JSON Lines (one {"text": …} a line); - reads standard input. A file that
    cannot be read is named at the end, and the others are labelled all the same (exit code 3). Offsets count
    characters of the text as it stands in the file, line ends included.
    """
    if output and os.path.isfile(output) and any(os.path.isfile(f) and os.path.samefile(f, output) for f in files):
        raise click.BadParameter(f"{output} is one of the files to label; name another", param_hint="-o")
    if sets is not None and form == "html":
        raise click.BadParameter("expected --format table or jsonl, found html; name one of these", param_hint="--sets")
    failures: list[str] = []
    with _sink(output) as sink:
        from isnad.classifier import load_classifier

        classifier = load_classifier(model, abstain_at=abstain_at, sets=sets)
        articles = _labelled(_read(files, failures), classifier, failures)
        watched = sink is not sys.stdout or not sink.isatty() or form == "html"
        done = _WRITERS[form](_watched(articles, files) if watched else articles, sink)
        for failure in failures:
            _complain("error", failure)
        if not done:
            ctx.exit(NOTHING_DONE)
    if failures:
        click.echo(f"articles labelled: {done}; what could not be read stands above", err=True)
        ctx.exit(SOME_FAILED)


@cli.command()
@_model_option
def model(model: str | None) -> None:
    """Print what a classifier is and was made from."""
    facts: dict[str, object] = {"kind": "rules", "name": "rules"}
    if model != "rules":
        from isnad.artefact import read_manifest
        from isnad.classifier import RELEASED, artefact_folder

        folder = artefact_folder(RELEASED if model is None else Path(model))
        manifest = read_manifest(folder)
        tables = {"labels", "scaling", "thresholds", "confusion", "mean_scores", "settings"}
        facts = manifest.model_dump(exclude={"schema_", *tables})
        facts |= {"scaling": "temperature" if manifest.scaling is None else "vector"}
        facts |= {"abstain_below": manifest.abstain_below, "folder": folder}
    for name, value in facts.items():
        shown = "none" if value is None else _printable(str(value))
        click.echo(f"{name.replace('_', ' '):18}{shown}")


cli.add_command(annotate)
cli.add_command(profile)


@cli.command()
@click.argument("folder", default="data", type=click.Path(path_type=Path))
@click.option("--corpora", metavar="PATH", help="Folder of the news text; default: $ISNAD_CORPORA or the usual places.")
@click.option(
    "--leakage", is_flag=True, help="Ask only whether an article or sentence stands, or nearly, in two splits."
)
@click.option(
    "--noise", metavar="FILE", type=click.Path(path_type=Path),
    help="Out-of-fold probabilities (`python -m train CONFIG --folds 5`): list the likeliest label errors instead.",
)  # fmt: skip
@click.option("--count", default=50, show_default=True, type=click.IntRange(min=1), help="Lines that --noise prints.")
@click.pass_context
def check(ctx: click.Context, folder: Path, corpora: str | None, leakage: bool, noise: Path | None, count: int) -> None:
    """Check the labelled sentences in FOLDER (default: data) and print a report; exit code 1 on errors."""
    if noise is not None:
        from isnad import noise as label_noise

        need("cleanlab", extra="annotate")
        click.echo(label_noise.render(label_noise.suspects(label_noise.read_judged(noise)), count))
        return
    from isnad.check import LEAKS, check_data, render
    from isnad.examples import find_corpora

    report = check_data(folder, find_corpora(corpora))
    if leakage:
        report = report.only(LEAKS)
    click.echo(render(report))
    if report.errors:
        ctx.exit(NOTHING_DONE)


# --- from files to labelled articles ---------------------------------------------------------------


def _read(files: Sequence[str], failures: list[str]) -> Iterator[Article]:
    """All articles of `files`; a file that cannot be read (on) ends with a line in `failures`."""
    from isnad.articles import read_articles

    for name in files:
        try:
            yield from read_articles(name)
        except IsnadError as error:
            failures.append(str(error))


def _labelled(articles: Iterator[Article], classifier: Classifier, failures: list[str]) -> Labelled:
    """The articles with their answers; one without a sentence ends as a line in `failures`."""
    from isnad.classifier import label_article

    for article in articles:
        if _ARABIC.search(article.text):
            found = label_article(article.text, title=article.title, classifier=classifier)
        else:
            found = _unlabelled(article, classifier.name)
            _complain("warning", f"{article.doc_id}: expected Arabic, found not one Arabic letter; no label given")
        if found.sentences:
            yield article.doc_id, found
        else:
            failures.append(f"{article.doc_id}: expected an article, found no sentence in it")


def _unlabelled(article: Article, name: str) -> LabelledArticle:
    from isnad.predictions import LabelledArticle, LabelledSentence, Prediction
    from isnad.sentences import split_sentences

    nothing = Prediction.nothing(NOT_ARABIC)
    sentences = [LabelledSentence.of(s.text, s.start, nothing) for s in split_sentences(article.text)]
    return LabelledArticle(article.text, sentences, article.title, name)


# --- writing ----------------------------------------------------------------------------------------


def _write_table(articles: Labelled, sink: TextIO) -> int:
    """A table an article; where there are several, each under its `doc_id`."""
    from isnad.table import render_table

    done = 0
    first = list(itertools.islice(articles, 2))
    for doc_id, article in itertools.chain(first, articles):
        heading = f"── {_printable(doc_id)} ──\n" if len(first) > 1 else ""
        sink.write(("\n" if done else "") + heading + render_table(article))
        sink.flush()
        done += 1
    return done


def _write_jsonl(articles: Labelled, sink: TextIO) -> int:
    done = 0
    for doc_id, article in articles:
        for number, sentence in enumerate(article.sentences):
            place = {"start": sentence.start, "end": sentence.end, "text": sentence.text}
            record = {"doc_id": doc_id, "sentence": number, **place, **asdict(sentence)}
            sink.write(json.dumps(record, ensure_ascii=False) + "\n")
        sink.flush()
        done += 1
    return done


def _write_html(articles: Labelled, sink: TextIO) -> int:
    from isnad.page import render_page

    all_of_them = [article for _, article in articles]
    if all_of_them:
        sink.write(render_page(all_of_them))
        sink.flush()
    return len(all_of_them)


_WRITERS = {"table": _write_table, "jsonl": _write_jsonl, "html": _write_html}


@contextmanager
def _sink(output: Path | None) -> Iterator[TextIO]:
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


# --- telling the user -------------------------------------------------------------------------------


def _watched(articles: Labelled, files: Sequence[str]) -> Labelled:
    """The same articles; how many are done stands on stderr once it takes long (a terminal 3 s, a log 10 s)."""
    terminal = sys.stderr.isatty()
    wait, pace = (3.0, 0.5) if terminal else (10.0, 10.0)
    started = shown = time.monotonic()
    total = 0
    for done, pair in enumerate(articles, 1):
        yield pair
        now = time.monotonic()
        if now - started < wait or now - shown < pace:
            continue
        total, shown = total if shown > started else _estimate(files), now
        if max(done, total) > 1:
            line = _progress(done, total, now - started)
            click.echo(f"\r\x1b[K{line}" if terminal else line, err=True, nl=not terminal)
    if terminal and shown > started:
        click.echo("\r\x1b[K", err=True, nl=False)


def _progress(done: int, total: int, seconds: float) -> str:
    if total <= done:
        return f"labelled {done} articles in {seconds:.0f} s"
    left = seconds / done * (total - done)
    return f"labelled {done} of {total} articles, about {f'{left / 60:.0f} min' if left > 90 else f'{left:.0f} s'} left"


def _estimate(files: Sequence[str]) -> int:
    """How many articles `files` hold: a line each in JSON Lines, else one a file; 0 where nobody can know."""
    total = 0
    for name in files:
        if name == STDIN or (os.path.exists(name) and not os.path.isfile(name)):
            return 0  # a pipe cannot be read twice
        with suppress(OSError), open(name, "rb") as stream:
            is_json = stream.readline(1 << 16).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
            total += 1 + (sum(1 for _ in stream) if is_json else 0)
    return total


def _complain(kind: str, what: object) -> None:
    click.echo(f"{kind}: {_printable(str(what))}", err=True)


def _printable(text: str) -> str:
    """`text` without what could move a terminal's cursor or turn its direction."""
    return _CONTROL.sub("\ufffd", text)
