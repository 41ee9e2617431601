"""`isnad profile`: the label shares of an archive, group by group, corrected for the classifier's errors.

isnad profile archive.jsonl --by outlet
isnad label archive.jsonl --format jsonl -o answers.jsonl; isnad profile answers.jsonl
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from isnad.errors import IsnadError
from isnad.labels import Stance

if TYPE_CHECKING:
    from isnad.archive import Answers
    from isnad.predictions import LabelledArticle
    from isnad.prevalence import LabelShare, Prevalence

_WIDEST = 32
_CALIBRATION = "make one with `python -m train.calibration RUN` (a run directory or an artefact folder)"


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
@click.pass_context
def profile(
    ctx: click.Context, files: tuple[str, ...], by: str, model: str | None, output: Path | None, form: str
) -> None:
    """Say how much of an archive is asserted, denied, attributed or left open.

    FILE holds articles as `isnad label` reads them, or what `isnad label --format jsonl` wrote; - reads standard
    input. Shown are the shares of the labels as given (naive), corrected by the classifier's error matrix (adjusted
    classify and count, with a 95 % interval) and, as a second opinion, by expectation maximisation (EM). Sentences
    without a stance are not counted, undecided ones by their best label.

    The corrections hold as far as each stance is worded in the archive as it is in the news that the matrix was
    counted on; not, say, for sentences that were picked by a word. They pay where an archive has other shares than
    that news. Where it has about the same, the naive share is as near, and nearer if the matrix counts few sentences.
    """
    from isnad.cli import NOTHING_DONE, SOME_FAILED, _complain, _sink

    if output and os.path.isfile(output) and any(os.path.isfile(f) and os.path.samefile(f, output) for f in files):
        raise click.BadParameter(f"{output} is one of the files to read; name another", param_hint="-o")
    failures: list[str] = []
    with _sink(output) as sink:
        matrix, note = _error_matrix(model)
        groups = _grouped(files, by, model, failures)
        if not groups and not failures:
            failures.append("expected sentences with a stance, found none in these files")
        for failure in failures:
            _complain("error", failure)
        if not groups:
            ctx.exit(NOTHING_DONE)
        if note:
            _complain("note", note)
        sink.write(_RENDERERS[form](_shares(groups, matrix, by), by))
    if failures:
        click.echo("the shares are of what could be read; what could not stands above", err=True)
        ctx.exit(SOME_FAILED)


# --- from files to shares -----------------------------------------------------------------------------


def _error_matrix(model: str | None) -> tuple[list[list[int]] | None, str]:
    """The confusion matrix in the artefact; or None, and why there is none to use."""
    from isnad.artefact import read_manifest
    from isnad.classifier import RELEASED, artefact_folder
    from isnad.prevalence import check_confusion

    matrix, name = None, "the rule set"
    if model != "rules":
        manifest = read_manifest(artefact_folder(RELEASED if model is None else Path(model)))
        matrix, name = manifest.confusion, f"the model {manifest.name}"
    if matrix is None:
        return None, f"{name} has no error matrix, so its shares are not corrected; {_CALIBRATION}"
    try:
        check_confusion(matrix)
    except ValueError as error:
        return None, f"the error matrix of {name} corrects nothing: {error}; {_CALIBRATION}"
    return matrix, ""


def _grouped(files: Sequence[str], by: str, model: str | None, failures: list[str]) -> dict[str, Answers]:
    """All answers in `files` or to their articles, by group; what cannot be read ends as a line in `failures`."""
    from isnad.archive import ALL, Answers, holds_answers, read_answers, reread

    groups: dict[str, Answers] = {}
    numbers = itertools.count()
    with TemporaryDirectory() as folder:
        articles = []
        for path in [reread(name, Path(folder)) for name in files]:
            if not holds_answers(path):
                articles.append(path)
            elif by != "none":
                failures.append(f"{path}: {_NOTHING_TO_GROUP_BY.format(by)}")
            else:
                try:
                    for number, label, scores in read_answers(path, numbers):
                        groups.setdefault(ALL, Answers()).add(number, label, scores)
                except IsnadError as error:
                    failures.append(str(error))
        for (group, article), number in zip(_labelled(articles, by, model, failures), numbers, strict=False):
            for s in article.sentences:
                if s.label is not None:
                    groups.setdefault(group, Answers()).add(number, s.label, s.scores)
        failures[:] = [f.replace(f"{folder}{os.sep}", "") for f in failures]
    return groups


_NOTHING_TO_GROUP_BY = (
    "expected articles to group by {}, found answers of `isnad label`, which do not hold it; use --by none, or give "
    "the articles themselves"
)


def _labelled(
    paths: Sequence[Path], by: str, model: str | None, failures: list[str]
) -> Iterator[tuple[str, LabelledArticle]]:
    """The articles of `paths` with their answers, each with the name of its group, under a progress line."""
    from isnad import cli
    from isnad.archive import grouped_articles
    from isnad.classifier import load_classifier

    if not paths:
        return
    classifier = load_classifier(model)

    def labelled() -> Iterator[tuple[str, LabelledArticle]]:
        for path in paths:
            try:
                for group, article in grouped_articles(path, by):
                    for _, found in cli._labelled(iter([article]), classifier, failures):
                        yield group, found
            except IsnadError as error:
                failures.append(str(error))

    yield from cli._watched(labelled(), [str(p) for p in paths])


def _shares(groups: Mapping[str, Answers], matrix: list[list[int]] | None, by: str) -> dict[str, Prevalence]:
    """The shares of every group: months in their order, others the largest first, "unknown" last."""
    import numpy as np

    from isnad.archive import UNKNOWN
    from isnad.prevalence import label_shares

    def place(name: str) -> tuple[bool, int, str]:
        return name == UNKNOWN, 0 if by == "month" else -len(groups[name].given), name

    found = {}
    for name in sorted(groups, key=place):
        answers = groups[name]
        scores = np.asarray(answers.scores).reshape(-1, len(Stance))
        found[name] = label_shares(answers.given, scores, answers.articles, matrix)
    return found


# --- writing ------------------------------------------------------------------------------------------


def _table(shares: Mapping[str, Prevalence], by: str) -> str:
    """A line a label, the group named on the first of its lines; what the marks mean stands below."""
    from isnad import table

    heads = ("" if by == "none" else by, "sentences", "articles", "stance", "naive", "corrected (95 %)", "EM")
    rows: list[tuple[str, ...]] = [heads]
    for name, found in shares.items():
        group = table._isolated(table._shortened(table._clean(name), _WIDEST))
        counts = (
            group,
            f"{found.sentences:,}".rjust(9),
            f"{found.articles:,}{'*' if found.corrected and found.too_narrow else ' '}".rjust(9),
        )
        for stance, share in found.labels.items():
            first = counts if stance is Stance.from_id(0) else ("", "", "")
            rows.append((*first, f"{stance.icon} {stance.value}", _percent(share.naive), *_corrected(share, found)))
    widths = [max(map(table._cells, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("─" * width for width in widths))
    lines = [table._line(row, widths) for row in rows]
    corrected = [found for found in shares.values() if found.corrected]
    if corrected:
        lines += ["", "corrected: adjusted classify and count; EM: expectation maximisation"]
    if any(found.too_narrow for found in corrected):
        lines.append("* few articles: the interval is too narrow")
    return "\n".join(lines) + "\n"


def _corrected(share: LabelShare, found: Prevalence) -> tuple[str, str]:
    if share.acc is None or share.em is None:
        return ("too few" if found.too_small else "–", "–")
    interval = f"{_percent(share.acc.low).strip()} to {_percent(share.acc.high).strip()}"
    return f"{_percent(share.acc.value)} ({interval})", _percent(share.em.value)


def _percent(share: float) -> str:
    return f"{share:6.1%}"


def _figures(share: LabelShare) -> dict[str, Any]:
    """The count and the shares in percent, one decimal; None where nothing was corrected."""
    figures: dict[str, Any] = {"count": share.count, "naive_percent": round(100 * share.naive, 1)}
    for name, estimate in (("acc", share.acc), ("em", share.em)):
        for part, suffix in (("value", ""), ("low", "_low"), ("high", "_high")):
            value = None if estimate is None else round(100 * getattr(estimate, part), 1)
            figures[f"{name}{suffix}_percent"] = value
    return figures


def _json(shares: Mapping[str, Prevalence], by: str) -> str:
    groups = [
        {
            "group": name,
            "sentences": found.sentences,
            "articles": found.articles,
            "too_small": found.too_small,
            "labels": {stance.value: _figures(share) for stance, share in found.labels.items()},
        }
        for name, found in shares.items()
    ]
    return json.dumps({"by": by, "groups": groups}, ensure_ascii=False, indent=1) + "\n"


def _csv(shares: Mapping[str, Prevalence], by: str) -> str:
    """A line a label of a group."""
    rows = [
        {"group": name, "sentences": found.sentences, "articles": found.articles, "label": stance.value}
        | _figures(share)
        for name, found in shares.items()
        for stance, share in found.labels.items()
    ]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


_RENDERERS = {"table": _table, "json": _json, "csv": _csv}
