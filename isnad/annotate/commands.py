"""`isnad annotate`: export, import, suggest, adjudicate, agreement."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isnad.errors import IsnadError, need

if TYPE_CHECKING:
    from isnad.annotate.task import Task

FORMATS = ("label-studio", "argilla", "doccano", "csv", "checkthat")

_files = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
_corpora = click.option("--corpora", metavar="PATH", help="Folder of the news text; default: $ISNAD_CORPORA.")
_output = click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Where to write.")
_form = click.argument("form", metavar="|".join(FORMATS), type=click.Choice(FORMATS))


@click.group()
def annotate() -> None:
    """Grow the labelled data: choose sentences, take them to an annotation tool and back, compare and settle."""


def format_of(name: str) -> Any:
    """The module or class that reads and writes one tool's files: `write(tasks)` and `read(path)`."""
    from isnad.annotate import argilla, doccano, labelstudio
    from isnad.annotate.tables import CheckThat, Csv

    return {form.NAME: form for form in (labelstudio, argilla, doccano, Csv, CheckThat)}[name]


@annotate.command("export")
@_form
@_files
@_output
@click.option(
    "--model", metavar="PATH|rules|released", help="Whose answers go along as suggestions; default: nobody's."
)
@_corpora
def export(form: str, files: tuple[Path, ...], output: Path, model: str | None, corpora: str | None) -> None:
    """Write the sentences of FILES for an annotation tool.

    FILES are articles as `isnad label` reads them (then every sentence is a task), batches of `isnad annotate
    suggest`, or readings and labelled data (then the answers go along, each under its annotator). doccano and
    checkthat get one further file per annotator, label-studio its labelling interface as .xml beside OUTPUT.
    """
    from isnad.annotate.task import read_tasks, with_suggestions
    from isnad.classifier import load_classifier
    from isnad.examples import find_corpora
    from isnad.files import write_whole

    tasks = read_tasks(files, find_corpora(corpora))
    if not tasks:
        raise IsnadError("expected sentences to export, found none in these files")
    if model is not None:
        tasks = with_suggestions(tasks, load_classifier(None if model == "released" else model))
    stem = output.with_suffix("")
    for suffix, content in format_of(form).write(tasks).items():
        path = output if suffix == format_of(form).SUFFIX else stem.with_name(stem.name + suffix)
        write_whole(path, content)
        click.echo(str(path))
    click.echo(f"{len(tasks):,} sentences, {sum(len(t.answers) for t in tasks):,} answers", err=True)


@annotate.command("import")
@_form
@_files
@_output
@click.option("--rename", multiple=True, metavar="OLD=NEW", help="Another name for an annotator; may be repeated.")
def import_(form: str, files: tuple[Path, ...], output: Path, rename: tuple[str, ...]) -> None:
    """Read a tool's FILES into readings: the folder OUTPUT gets one JSON Lines file per annotator.

    Readings have the form of data/second/: offsets, hashes and labels, no text.
    """
    from isnad.annotate.task import write_readings

    names = dict(_renaming(word) for word in rename)
    tasks = read_all(form, files)
    tasks = [
        replace(t, answers=tuple(replace(a, annotator=names.get(a.annotator, a.annotator)) for a in t.answers))
        for t in tasks
    ]
    written = write_readings(tasks, output)
    if not written:
        raise IsnadError(f"expected answers, found none for any of {len(tasks)} sentences; annotate and export again")
    for path in written:
        click.echo(str(path))
    click.echo(f"{sum(len(t.answers) for t in tasks):,} answers to {len(tasks):,} sentences", err=True)


def _renaming(word: str) -> tuple[str, str]:
    old, mark, new = word.partition("=")
    if not (old and mark and new):
        raise click.BadParameter(f"expected OLD=NEW, found {word!r}", param_hint="--rename")
    return old, new


def read_all(form: str, files: Sequence[Path]) -> list[Task]:
    """The tasks of all files of one tool, answers to one sentence brought together. Raises IsnadError."""
    from isnad.annotate.task import merge

    for path in files:
        if not path.is_file():
            raise IsnadError("no such file; check the name", path=path)
    return merge(task for path in files for task in format_of(form).read(path))


@annotate.command("suggest")
@_files
@_output
@click.option("--count", default=200, show_default=True, type=click.IntRange(min=1), help="Sentences to choose.")
@click.option("--model", metavar="PATH", help="The model whose doubt counts; default: the released one.")
@click.option("--data", type=click.Path(path_type=Path), help="Labelled data: what is labelled or held out stays out.")
@click.option("--uncertainty", default=1.0, show_default=True, type=click.FloatRange(min=0))
@click.option("--disagreement", default=0.5, show_default=True, type=click.FloatRange(min=0))
@click.option("--rarity", default=0.5, show_default=True, type=click.FloatRange(min=0))
@click.option("--diversity", default=0.5, show_default=True, type=click.FloatRange(min=0))
@_corpora
def suggest(
    files: tuple[Path, ...],
    output: Path,
    count: int,
    model: str | None,
    data: Path | None,
    corpora: str | None,
    **weights: float,
) -> None:
    """Choose the sentences of FILES that are most worth labelling, into a batch (JSON Lines) to export.

    Counted are: the model's uncertainty, rules that say otherwise, labels that are rare, unlikeness to what is
    chosen already; the options weigh them. FILES are articles as `isnad label` reads them, or CORPUS.jsonl.xz of the
    news text.
    """
    need("sklearn", extra="annotate")
    from isnad.annotate.batch import read_pool, write_batch
    from isnad.annotate.suggest import Known, Weights, suggest
    from isnad.classifier import load_classifier
    from isnad.examples import find_corpora

    known = Known.nothing() if data is None else Known.of(data, find_corpora(corpora))
    if known.without_text:
        missing = f"the text of {known.without_text} held-out articles is not here"
        click.echo(f"warning: {missing}: what nearly duplicates them may be chosen (--corpora)", err=True)
    pool = read_pool(files, known, _read_so_far)
    classifier = load_classifier(model)
    with click.progressbar(length=len(pool.tasks), label="judging sentences", file=sys.stderr) as bar:
        chosen = suggest(pool.tasks, count, classifier, load_classifier("rules"), Weights(**weights), bar.update)
    if not chosen:
        raise IsnadError("expected sentences to choose from, found none that is new and states something")
    write_batch(chosen, pool.texts, output, classifier.name)
    click.echo(f"{len(chosen):,} of {len(pool.tasks):,} sentences, {pool.left_out:,} articles left out", err=True)


def _read_so_far(articles: int) -> None:
    if articles % 5000 == 0:
        click.echo(f"read {articles:,} articles", err=True)


@annotate.command("adjudicate")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@_output
@click.option("--text", multiple=True, type=click.Path(path_type=Path), help="Files that hold the articles' text.")
@click.option("--name", default="adjudicator", show_default=True, help="Your name in `annotators`.")
@click.option("--spans", is_flag=True, help="Ask also where only cue or source differ.")
@_corpora
def adjudicate(
    first: Path, second: Path, output: Path, text: tuple[Path, ...], name: str, spans: bool, corpora: str | None
) -> None:
    """Settle the sentences on which the readings FIRST and SECOND differ, one by one, into OUTPUT.

    Every answer is kept at once beside OUTPUT (.journal); stop with q and call the same command to go on. OUTPUT
    holds the sentences settled so far and those on which both agree (with the first reader's spans).
    """
    from isnad.annotate.adjudicate import differing, settle, write_settled
    from isnad.annotate.task import read_tasks
    from isnad.examples import find_corpora

    tasks = read_tasks([first, second, *text], find_corpora(corpora))
    read_twice = [t for t in tasks if len(t.answers) > 1]
    if not read_twice:
        raise IsnadError("expected sentences that both have read, found none; compare other files")
    cases = differing(read_twice, spans=spans)
    journal = output.with_name(output.name + ".journal")
    settled = settle(cases, journal, name, _ask, click.echo)
    done, waiting = write_settled(read_twice, settled, output, spans=spans)
    click.echo(f"{output}: {done:,} sentences; {waiting:,} wait for an answer", err=True)


def _ask(prompt: str) -> str:
    try:
        answer: str = click.prompt(prompt, default="", show_default=False)
    except click.Abort as end:  # Ctrl-C, or the end of a piped input
        raise EOFError from end
    return answer


@annotate.command("agreement")
@click.argument(
    "files", nargs=-1, metavar="[FOLDER | READING READING...]", type=click.Path(path_type=Path, exists=True)
)
@click.option("--rounds", default=1000, show_default=True, type=click.IntRange(min=1), help="Resamples for intervals.")
def agreement(files: tuple[Path, ...], rounds: int) -> None:
    """How far readings agree, as a Markdown table: κ, α, per label, spans, contested cells, with intervals.

    A folder of labelled data (default: data) is compared with its second reading; files are compared two by two.
    """
    need("sklearn", "krippendorff", extra="annotate")
    from isnad.annotate.agreement import load, load_files, table

    folder = len(files) < 2 and not (files and files[0].is_file())
    click.echo(table(load(files[0] if files else Path("data")) if folder else load_files(files), rounds))
