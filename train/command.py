"""The command line of everything that a config decides: `CONFIG [key=value …] [--dry-run]`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from isnad.config import Config, apply_overrides, build, dump, read_settings
from isnad.errors import IsnadError
from train.progress import talk

C = TypeVar("C", bound=Config)


def read_config(cls: type[C], path: Path, words: list[str]) -> C:
    """The config of class `cls` in `path` with `key=value` words laid over it."""
    values, lines = read_settings(path)
    return build(cls, apply_overrides(values, words), path=path, lines=lines, words=words)


def config_command(
    doc: str | None,
    load: Callable[[Path, list[str]], C],
    work: Callable[..., Iterable[Path]],
    options: Sequence[click.Option] = (),
) -> click.Command:
    """A command that resolves a config by `load`, hands it to `work`, and prints the paths that come back.

    `work(config, **further)` gets the values of `options` by name.
    """

    @click.command(help=doc)
    @click.argument("config", type=click.Path(path_type=Path))
    @click.argument("overrides", nargs=-1)
    @click.option("--dry-run", is_flag=True, help="Print the resolved config and stop.")
    def command(config: Path, overrides: tuple[str, ...], dry_run: bool, **further: Any) -> None:
        talk()
        try:
            resolved = load(config, list(overrides))
            if dry_run:
                click.echo(dump(resolved), nl=False)
                return
            for path in work(resolved, **further):
                click.echo(str(path))
        except IsnadError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            sys.exit(130)

    command.params += options
    return command
