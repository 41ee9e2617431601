"""python -m train configs/default.yaml [key=value …] [--seeds N | --folds N | --leave-out WHAT] [--dry-run]

Trains from a config. `sweep` searches settings on dev, `list` puts runs side by side; each has a --help of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from train.command import config_command
from train.config import RunConfig, TransformerConfig, load_run_config
from train.leave_out import DIMENSIONS, LEAST, Dimension, left_out
from train.listing import list_command

SWEEP = """Search settings on dev macro-F1, trial after trial; the same command goes on after a kill.

Each trial is a run in runs/NAME-sweep/; best.yaml there is the best one's config, trials.md the table.
"""


def work(
    config: RunConfig,
    deterministic: bool,
    seeds: int | None,
    folds: int | None,
    leave_out: Dimension | None,
    least: int | None,
) -> Iterable[Path]:
    """Run the config, once a seed where there are several; with `folds` or `leave_out`, write answers instead."""
    if deterministic:
        if not isinstance(config, TransformerConfig):
            raise click.UsageError(f"expected kind transformer for --deterministic, found {config.kind}; drop it")
        config = config.model_copy(update={"deterministic": True})
    given = {"--seeds": seeds, "--folds": folds, "--leave-out": leave_out}
    both = [name for name, value in given.items() if value is not None]
    if len(both) > 1:
        found = "both" if len(both) == 2 else "all of them"
        raise click.UsageError(f"expected {' or '.join(both)}, found {found}; run one after the other")
    if least is not None and leave_out is None:
        raise click.UsageError("expected --least beside --leave-out, found it alone; add --leave-out or drop it")
    if folds is not None:
        from train.folds import out_of_fold

        return [out_of_fold(config, folds)]
    if leave_out is not None:
        return [left_out(config, leave_out, LEAST if least is None else least)]
    from train.seeds import train_seeds, with_seeds

    return train_seeds(config if seeds is None else with_seeds(config, seeds))


def search(config: RunConfig, over: Path) -> Iterable[Path]:
    """Run the sweep in `over`."""
    from train.space import load_sweep
    from train.sweep import sweep

    return [sweep(config, load_sweep(over, config))]


OPTIONS = [
    click.Option(
        ["--deterministic"],
        is_flag=True,
        help="On a GPU, only kernels that give the same bits again (as deterministic=true); a CPU does so anyway.",
    ),
    click.Option(
        ["--seeds"],
        type=click.IntRange(min=2),
        help="Train under so many seeds, from the config's own on; mean and standard deviation of dev macro-F1.",
    ),
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
OVER = click.Option(
    ["--over"],
    type=click.Path(path_type=Path),
    required=True,
    help="YAML: trials, seed, parameters (see configs/sweeps/default.yaml).",
)
COMMANDS = {
    "run": config_command(__doc__, load_run_config, work, OPTIONS),
    "sweep": config_command(SWEEP, load_run_config, search, [OVER]),
    "list": list_command,
}


class Doors(click.Group):
    """A group whose first word may be left out: a config instead of a command means `run`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` in front where the first word names no command."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


main = Doors(name="python -m train", commands=COMMANDS, help=f"\b\n{__doc__}")

if __name__ == "__main__":
    main(prog_name="python -m train")
