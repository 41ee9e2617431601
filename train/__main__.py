"""Train from a config: python -m train configs/default.yaml [key=value …] [--dry-run]"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from isnad.config import dump
from isnad.errors import IsnadError
from train.config import load_run_config
from train.progress import talk


@click.command(help=__doc__)
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Print the resolved config and stop.")
def main(config: Path, overrides: tuple[str, ...], dry_run: bool) -> None:
    """Resolve the config, then run it (once a seed, when `seeds` lists several)."""
    talk()
    try:
        resolved = load_run_config(config, list(overrides))
        if dry_run:
            click.echo(dump(resolved), nl=False)
            return
        from train.run import train_seeds

        for out in train_seeds(resolved):
            click.echo(str(out))
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main(prog_name="python -m train")
