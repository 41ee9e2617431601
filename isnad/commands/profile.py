"""`isnad profile`: the label shares of an archive.

isnad profile archive.jsonl --by outlet
isnad label archive.jsonl --format jsonl -o answers.jsonl; isnad profile answers.jsonl
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from isnad.commands.common import (
    NOTHING_DONE,
    SOME_FAILED,
    bare,
    complain,
    count,
    labelled,
    read,
    remark,
    sink,
    watched,
)
from isnad.commands.options import column_option
from isnad.errors import IsnadError

if TYPE_CHECKING:
    from isnad.answers import Groups
    from isnad.commands.common import Failures, Labelled


@click.command()
@click.argument("files", metavar="FILE...|-", nargs=-1, required=True)
@click.option(
    "--by", type=click.Choice(["outlet", "month", "subject", "none"]), default="none", show_default=True,
    help="What the articles are grouped by.",
)  # fmt: skip
@click.option(
    "--model", metavar="PATH|rules",
    help="A run directory or an artefact folder; where FILE holds answers, the one that gave them. Default: the "
    "released classifier.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; it appears when complete."
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True,
    help="A table for reading, one JSON document, or a line a label; shares are percentages.",
)  # fmt: skip
@column_option
@click.pass_context
def profile(
    ctx: click.Context,
    files: tuple[str, ...],
    by: str,
    model: str | None,
    output: Path | None,
    form: str,
    columns: dict[str, str] | None,
) -> None:
    """Say how much of an archive is asserted, denied, attributed or left open.

    FILE holds articles as `isnad label` reads them, or what it wrote (JSON Lines, CSV, Parquet); - reads standard
    input. Shown are the shares of the labels as given (naive), corrected by the classifier's error matrix (adjusted
    classify and count, ACC) and by its probabilities (expectation maximisation, EM), with 95 % intervals. Sentences
    without a stance are not counted, undecided ones by their best label.

    The corrections hold as far as each stance is worded in the archive as it is in the news that the matrix was
    counted on; not, say, for sentences that were picked by a word. With the released model EM is mostly the nearest
    where an archive has other shares than that news, and the naive share where it has about the same.
    """
    if output and os.path.isfile(output) and any(os.path.isfile(f) and os.path.samefile(f, output) for f in files):
        raise click.BadParameter(f"{output} is one of the files to read; name another", param_hint="-o")
    from isnad.articles import LeftOut
    from isnad.profile import RENDERERS, errors_of, profile_of

    failures: list[IsnadError] = []
    with sink(output) as stream:
        errors, note = errors_of(model)
        groups = _grouped(files, by, columns, model, failures)
        if not groups and not failures:
            failures.append(IsnadError("expected sentences with a stance, found none in these files"))
        for failure in failures:
            complain("note" if isinstance(failure, LeftOut) else "error", failure)
        if not groups:
            ctx.exit(NOTHING_DONE)
        if note:
            complain("note", note)
        stream.write(RENDERERS[form](profile_of(groups, errors, by), by))
    if any(not isinstance(failure, LeftOut) for failure in failures):
        remark("the shares are of what could be read; what could not stands above")
        ctx.exit(SOME_FAILED)


def _grouped(
    names: Sequence[str], by: str, columns: dict[str, str] | None, model: str | None, failures: list[IsnadError]
) -> Groups:
    """All answers in the files, or to their articles, by group; what cannot be read is added to `failures`."""
    from isnad.answers import Answers, holds_answers, read_answers
    from isnad.archive import FIELDS, group_of, reread
    from isnad.articles import sources

    groups: Groups = {}
    numbers = itertools.count()
    with TemporaryDirectory() as folder:
        told = _telling(failures, folder)
        unanswered = []
        for name in sources(names, failures=told):
            path = reread(name, Path(folder))
            if not holds_answers(path):
                unanswered.append(path)
                continue
            for group, answers in read_answers(path, by, numbers, told).items():
                groups.setdefault(group, Answers()).extend(answers)
        for (article, found), number in zip(_labelled(unanswered, columns, model, told), numbers, strict=False):
            group = group_of(getattr(article, FIELDS[by]), by)
            for s in found.sentences:
                if s.label is not None:
                    groups.setdefault(group, Answers()).add(number, s.label, s.scores)
    return groups


def _labelled(names: Sequence[str], columns: dict[str, str] | None, model: str | None, failures: Failures) -> Labelled:
    """The articles of `names` with their answers, under a progress line."""
    from isnad.classifier import load_classifier

    if names:
        found = labelled(read(names, failures, columns), load_classifier(model), failures)
        yield from watched(found, lambda: count(names))


def _telling(failures: list[IsnadError], folder: str) -> Failures:
    """What adds to `failures`, a copy in `folder` by its own name."""

    def tell(error: IsnadError) -> None:
        path = str(error.path or "")
        if path.startswith(f"{folder}{os.sep}"):
            error = type(error)(bare(error), path=Path(path).name, line=error.line)
        failures.append(error)

    return tell
