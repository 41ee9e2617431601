"""`isnad page`: labelled articles as one web page for reading, filtering and printing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from isnad.commands.common import NOTHING_DONE, SOME_FAILED, complain, model_option, remark, sink, watched
from isnad.commands.options import abstain_option


@click.command()
@click.argument("files", metavar="ARTICLE...|-", nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; it appears when complete. Default: standard output.",
)  # fmt: skip
@click.option("--title", help="Heading above the articles, and the name of the window.")
@click.option(
    "--language", type=click.Choice(["en", "ar"]), default="en", show_default=True,
    help="Of the interface when the page opens; the reader can switch, and the browser remembers it.",
)  # fmt: skip
@model_option
@abstain_option
@click.option("--sets", metavar="COVERAGE", type=float, help="As in `isnad label`; the details say what is possible.")
@click.pass_context
def page(
    ctx: click.Context,
    files: tuple[str, ...],
    output: Path | None,
    title: str | None,
    language: str,
    model: str | None,
    abstain_at: str | None,
    sets: float | None,
) -> None:
    """Label ARTICLES and show them as one page that needs neither a network nor other files.

    Each sentence is marked by its stance, with the confidence, the cue and the source; the page filters, lists who is
    quoted and what is denied, works by keyboard, prints, and speaks English and Arabic. What `isnad label` reads can
    be given. An article that cannot be read is named at the end, and the others are shown all the same (exit code 3).
    """
    if output and os.path.isfile(output) and any(os.path.isfile(f) and os.path.samefile(f, output) for f in files):
        raise click.BadParameter(f"{output} is one of the articles; name another", param_hint="-o")
    if output is None and sys.stdout.isatty():
        raise click.UsageError("expected a file for the page, found a terminal; add: -o page.html")
    from isnad.articles import LeftOut
    from isnad.classifier import load_classifier
    from isnad.commands.inputs import Inputs
    from isnad.output.journal import Mark
    from isnad.page import render_page

    inputs = Inputs(files, None)
    with sink(output) as stream:
        classifier = load_classifier(model, abstain_at=abstain_at, sets=sets)
        done = list(watched(inputs.labelled(classifier, Mark()), inputs.count))
        for failure in inputs.failures:
            complain("note" if isinstance(failure, LeftOut) else "error", failure)
        if not done:
            ctx.exit(NOTHING_DONE)
        about, articles = zip(*done, strict=True)
        stream.write(render_page(articles, title=title, language=language, about=about))
        stream.flush()
    if any(not isinstance(failure, LeftOut) for failure in inputs.failures):
        remark(f"articles shown: {len(done)}; what could not be read stands above")
        ctx.exit(SOME_FAILED)
