"""Train from a config: python -m train configs/default.yaml [key=value …] [--dry-run]"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from train.command import config_command
from train.config import RunConfig, load_run_config


def work(config: RunConfig) -> Iterable[Path]:
    """Run the config, once a seed when `seeds` lists several."""
    from train.run import train_seeds

    return train_seeds(config)


main = config_command(__doc__, load_run_config, work)

if __name__ == "__main__":
    main(prog_name="python -m train")
