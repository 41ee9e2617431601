"""python -m eval stress RUN [RUN …] [--list CAPABILITY] [-o FILE.json|FILE.md]"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from eval.stress.runs import Watch, stress_of
from eval.stress.suite import Capability, Case, closest, read_capabilities, read_suite
from eval.stress.table import as_json, as_markdown, failing
from eval.stress.verdicts import Result, run_suite
from isnad.classifier import load_classifier
from isnad.errors import IsnadError
from isnad.files import write_whole

RULES = "rules"
_FORMS = (".json", ".md")


@click.command(name="stress")
@click.argument("words", metavar="RUN...", nargs=-1, required=True)
@click.option("--list", "listed", metavar="CAPABILITY", help="Print the cases of it that fail, not the table.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="FILE.json or FILE.md to write.")
def stress_command(words: tuple[str, ...], listed: str | None, output: Path | None) -> None:
    """Put the stress suite to one or more runs: hand-written cases, ten or so for each of many capabilities.

    RUN is a run directory, which keeps its answers in stress.json, an artefact folder, or the word rules for the cue
    rules. Cases fail or pass; there is no bar, and the exit code says nothing of them.
    """
    _check(words, output)
    try:
        capability = None if listed is None else _capability(listed)
        results = dict(zip(_names(words), map(_result, words), strict=True))
        if output is not None:
            told = json.dumps(as_json(results), ensure_ascii=False, indent=1) + "\n"
            write_whole(output, told if output.suffix == ".json" else as_markdown(results))
    except (IsnadError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    click.echo(as_markdown(results) if capability is None else "\n".join(failing(results, capability)) + "\n", nl=False)


def _check(words: Sequence[str], output: Path | None) -> None:
    for word in words:
        if word != RULES and not Path(word).exists():
            raise click.BadParameter(f"Path {word!r} does not exist.", param_hint="RUN...")
    if len({word if word == RULES else Path(word).resolve() for word in words}) < len(words):
        raise click.UsageError("expected each run once, found one of them twice; leave it out")
    if output is not None and output.suffix not in _FORMS:
        raise click.BadParameter(
            f"expected a name that ends in .json or .md, found {output.name}; rename it", param_hint="-o"
        )


def _capability(name: str) -> Capability:
    known = {c.name: c for c in read_capabilities()}
    if name not in known:
        message = f"expected a capability of the suite, found {name!r}; {closest(name, list(known))}"
        raise click.BadParameter(message, param_hint="--list")
    return known[name]


def _result(word: str) -> Result:
    watch = _watch(word)
    if word == RULES:
        return run_suite(load_classifier(RULES), watch(read_suite()))
    result = stress_of(Path(word), watch=watch)
    if result is None:
        what = "a run directory with its artefact, an artefact folder or the word rules"
        raise IsnadError(f"expected {what}, found neither; `python -m train CONFIG` makes one", path=word)
    return result


def _watch(name: str) -> Watch:
    """A progress bar on a terminal, gone when done."""

    def watched(cases: Sequence[Case]) -> Iterable[Case]:
        from rich.console import Console
        from rich.progress import track

        console = Console(stderr=True)
        return track(cases, name, console=console, transient=True, disable=not console.is_terminal)

    return watched


def _names(words: Sequence[str]) -> list[str]:
    """As much of each path as tells the runs apart."""
    parts = [(word,) if word == RULES else Path(word).resolve().parts for word in words]
    depth = 1
    while len({p[-depth:] for p in parts}) < len(parts):
        depth += 1
    return ["/".join(p[-depth:]) for p in parts]
