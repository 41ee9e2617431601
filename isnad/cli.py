"""The command line: `isnad label article.txt`, `isnad check data`, `isnad model`.

A command is imported when it is called, and nothing heavy before it is needed, so that `isnad --help` answers at once.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

import click

from isnad import __version__
from isnad.commands.common import INTERRUPTED, JSON_ERRORS, NOTHING_DONE, complain, say_what_is_logged, speak_json
from isnad.errors import IsnadError


class _Home(NamedTuple):
    """Where a command stands, "module:attribute", and its line in `isnad --help`."""

    place: str
    help: str


COMMANDS = {
    "annotate": _Home("isnad.annotate.commands:annotate", "Take sentences to annotation tools and back, compare."),
    "check": _Home("isnad.commands.check:check", "Check the labelled sentences in a folder, print a report."),
    "completion": _Home("isnad.commands.completion:completion", "Print the script that completes commands with Tab."),
    "label": _Home("isnad.commands.label:label", "Label every sentence of Arabic news articles."),
    "model": _Home("isnad.commands.model:model", "Print what a classifier is and was made from."),
    "page": _Home("isnad.commands.page:page", "Show labelled articles as one web page."),
    "profile": _Home("isnad.commands.profile:profile", "Say how much of an archive has which stance."),
    "serve": _Home("isnad.commands.serve:serve", "Label in the browser and over HTTP."),
}


class _Commands(click.Group):
    """A group that imports a command when it is called; its help lines come from `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].place.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return _with_json_errors(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])


def _json_errors() -> click.Option:
    """For the help and the parser; `main` has looked for it before, so that a mistyped option is JSON too."""
    return click.Option(
        [JSON_ERRORS], is_flag=True, expose_value=False, help="Errors and warnings as JSON objects, one a line."
    )


def _with_json_errors(command: click.Command) -> click.Command:
    """The command, and all within it, with the option."""
    if all(JSON_ERRORS not in p.opts for p in command.params):
        command.params.append(_json_errors())
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _with_json_errors(inner)
    return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, params=[_json_errors()])
@click.version_option(__version__, message="isnad %(version)s")
def cli() -> None:
    """Who says so? Stance of Arabic news sentences: asserted, denied, attributed or left open."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 well, 1 failed, 2 misused, 3 some inputs failed, 130 interrupted."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # the caller closed it
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = JSON_ERRORS in (words[: words.index("--")] if "--" in words else words)
    speak_json(as_json)
    say_what_is_logged()
    try:
        code = cli.main(words, prog_name="isnad", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except click.ClickException as error:
        if as_json:
            complain("error", error.format_message())
        else:
            error.show()
        code = error.exit_code
    except (IsnadError, OSError) as error:
        complain("error", error)
        code = NOTHING_DONE
    sys.exit(code)
