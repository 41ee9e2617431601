"""`isnad label`: every sentence of news articles with its stance, as a table, JSON Lines, CSV, Parquet or a page.

isnad label article.txt
isnad label archive/ 'more/*.html' -o answers.jsonl
isnad label archive/ 'more/*.html' -o answers.jsonl --resume       # after a kill
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from isnad import __version__
from isnad.commands.common import NOTHING_DONE, SOME_FAILED, STDIN, complain, model_option, remark, sink, watched
from isnad.commands.options import abstain_option, column_option
from isnad.errors import need
from isnad.output.journal import Journal, Mark, growing, growing_files

if TYPE_CHECKING:
    from isnad.classifier import Precision, Runtime
    from isnad.commands.inputs import Inputs
    from isnad.predictions import Classifier

FORMATS = ("table", "jsonl", "csv", "parquet", "html")
RESUMABLE = ("jsonl", "csv")


@click.command()
@click.argument("files", metavar="FILE...|-", nargs=-1, required=True, type=click.Path())
@click.option(
    "--format", "form", type=click.Choice(FORMATS),
    help="A table for reading, an object or a row a sentence, or one web page. Default: what the name of the output "
    "ends in, else a table.",
)  # fmt: skip
@model_option
@click.option(
    "--runtime", type=click.Choice(["auto", "onnx", "torch"]), default="auto", show_default=True,
    help="What a transformer runs on; auto takes ONNX Runtime where the model was exported for it.",
)  # fmt: skip
@click.option(
    "--precision", type=click.Choice(["auto", "int8", "fp32", "bf16"]), default="auto", show_default=True,
    help="Of its numbers: int8 and fp32 on ONNX Runtime, fp32 and bf16 on torch, each where it is there.",
)  # fmt: skip
@abstain_option
@click.option(
    "--sets", metavar="COVERAGE", type=float,
    help="Say which labels stay possible: a set that holds the right one about this often: .80, .90 or .95.",
)  # fmt: skip
@column_option
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; it appears when complete."
)
@click.option(
    "--resume", is_flag=True,
    help="Go on where an interrupted run with the same -o FILE (jsonl or csv) stopped; from the start if none was.",
)  # fmt: skip
@click.pass_context
def label(
    ctx: click.Context,
    files: tuple[str, ...],
    form: str | None,
    model: str | None,
    runtime: Runtime,
    precision: Precision,
    abstain_at: str | None,
    sets: float | None,
    columns: dict[str, str] | None,
    output: Path | None,
    resume: bool,
) -> None:
    """Label every sentence of Arabic news articles.

    FILE is plain text, a web page, JSON Lines (one {"text": …} a line), CSV, Parquet, trafilatura's JSON or WARC; a
    folder, a quoted pattern such as 'saved/**/*.html', or a URL; - reads standard input. What cannot be read is named
    at the end, and the rest is labelled all the same (exit code 3). Offsets count characters of the text as it stands
    in the file, line ends included.

    A CSV file opens in a spreadsheet: a cell that it would take for a formula has an apostrophe in front. JSON Lines
    and CSV files grow as FILE.part; an interrupted run leaves it, and --resume goes on from there.
    """
    from isnad.articles import LeftOut
    from isnad.classifier import load_classifier
    from isnad.commands.inputs import Inputs
    from isnad.output.writers import format_of

    form = form or format_of(output)
    _refuse(files, form, sets, output)
    inputs = Inputs(files, columns, growing_files(output) if output else ())
    asked = {"--format": form, "--column": columns, "--abstain-at": abstain_at, "--sets": sets}
    asked |= {"--runtime": runtime, "--precision": precision}
    with _opened(output, inputs, asked, model, resume) as (stream, journal):
        classifier = load_classifier(model, runtime=runtime, precision=precision, abstain_at=abstain_at, sets=sets)
        done = _write(form, inputs, classifier, stream, journal)
        failures = [f for f in inputs.failures if not isinstance(f, LeftOut)]
        for failure in inputs.failures:
            complain("note" if isinstance(failure, LeftOut) else "error", failure)
        if not done:
            ctx.exit(NOTHING_DONE)
    if failures:
        remark(f"articles written: {done}; what could not be read or labelled stands above")
        ctx.exit(SOME_FAILED)


def _refuse(files: Sequence[str], form: str, sets: float | None, output: Path | None) -> None:
    """Raise for options that do not go together."""
    if output and os.path.isfile(output) and any(os.path.isfile(f) and os.path.samefile(f, output) for f in files):
        raise click.BadParameter(f"{output} is one of the files to label; name another", param_hint="-o")
    if form == "parquet":
        need("pyarrow", extra="tables")
        if output is None and sys.stdout.isatty():
            raise click.BadParameter("Parquet is nothing for a terminal; name a file with -o", param_hint="--format")


@contextmanager
def _opened(
    output: Path | None, inputs: Inputs, asked: Mapping[str, object], model: str | None, resume: bool
) -> Iterator[tuple[TextIO, Journal | None]]:
    """Where the answers go, with a journal where a later run could go on from it."""
    a_file = output is not None and str(output) != STDIN and (os.path.isfile(output) or not os.path.exists(output))
    if output is None or asked["--format"] not in RESUMABLE or not a_file or not inputs.repeatable():
        if resume:
            raise click.BadParameter(_RESUMABLE, param_hint="--resume")
        with sink(output) as stream:
            yield stream, None
        return
    facts = {"the version of isnad": __version__} | {name: str(value) for name, value in asked.items()}
    facts |= {"--model": _model_digest(model), "the files to label": inputs.fingerprint()}
    with growing(output, facts, resume=resume) as journal:
        try:
            yield journal.stream, journal
        except BaseException:
            if journal.last.done:
                remark(f"{journal.part} keeps the answers to {journal.last.done} articles; go on with --resume")
            raise


_RESUMABLE = (
    "expected -o FILE with --format jsonl or csv, and no standard input or pipe among the inputs; Parquet, pages and "
    "tables are written in one go"
)


def _model_digest(model: str | None) -> str:
    """What tells one classifier from another: a digest of all its files."""
    if model == "rules":
        return model
    from isnad.classifier import RELEASED, artefact_folder

    digest = sha256()
    for path in sorted(p for p in artefact_folder(RELEASED if model is None else Path(model)).iterdir() if p.is_file()):
        with path.open("rb") as stream:
            digest.update(path.name.encode() + file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _write(form: str, inputs: Inputs, classifier: Classifier, stream: TextIO, journal: Journal | None) -> int:
    """Label what is not yet, write it, and say how many articles there are answers to, earlier ones included."""
    from isnad.output.writers import WRITERS, write_csv

    already = journal.done if journal else 0
    articles = inputs.labelled(classifier, journal.began if journal else Mark())
    if journal:
        articles = journal.kept(articles, inputs.mark)
    if stream is not sys.stdout or not stream.isatty() or form == "html":
        articles = watched(articles, inputs.count, already)
    if form == "csv":
        return already + write_csv(articles, stream, head=not already)
    return already + WRITERS[form](articles, stream)
