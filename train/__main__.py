"""Train from a config: python -m train configs/default.yaml [key=value …] [--folds N] [--dry-run]"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from train.command import config_command
from train.config import RunConfig, load_run_config


def work(config: RunConfig, folds: int | None) -> Iterable[Path]:
    """Run the config, once a seed when `seeds` lists several; with `folds`, write out-of-fold answers instead."""
    if folds is not None:
        from train.folds import out_of_fold

        return [out_of_fold(config, folds)]
    from train.run import train_seeds

    return train_seeds(config)


FOLDS = click.Option(
    ["--folds"],
    type=click.IntRange(min=2),
    help="Judge every training sentence by a model that did not see its article.",
)
main = config_command(__doc__, load_run_config, work, [FOLDS])

if __name__ == "__main__":
    main(prog_name="python -m train")
