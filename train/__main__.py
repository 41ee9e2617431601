"""Train from a config: python -m train configs/default.yaml [key=value …] [--folds N | --leave-out WHAT] [--dry-run]"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from train.command import config_command
from train.config import RunConfig, load_run_config
from train.leave_out import DIMENSIONS, LEAST, Dimension, left_out


def work(config: RunConfig, folds: int | None, leave_out: Dimension | None, least: int | None) -> Iterable[Path]:
    """Run the config, once a seed when `seeds` lists several; with `folds` or `leave_out`, write answers instead."""
    if folds is not None and leave_out is not None:
        raise click.UsageError("expected --folds or --leave-out, found both; run them one after the other")
    if least is not None and leave_out is None:
        raise click.UsageError("expected --least beside --leave-out, found it alone; add --leave-out or drop it")
    if folds is not None:
        from train.folds import out_of_fold

        return [out_of_fold(config, folds)]
    if leave_out is not None:
        return [left_out(config, leave_out, LEAST if least is None else least)]
    from train.run import train_seeds

    return train_seeds(config)


OPTIONS = [
    click.Option(
        ["--folds"],
        type=click.IntRange(min=2),
        help="Judge every training sentence by a model that did not see its article.",
    ),
    click.Option(
        ["--leave-out"],
        type=click.Choice(DIMENSIONS),
        help="Judge each publisher's, subject's or origin's training sentences by a model trained without it.",
    ),
    click.Option(
        ["--least"],
        type=click.IntRange(min=1),
        help=f"With --leave-out: groups of fewer training sentences are skipped (default: {LEAST}).",
    ),
]
main = config_command(__doc__, load_run_config, work, OPTIONS)

if __name__ == "__main__":
    main(prog_name="python -m train")
