"""One config under several seeds: python -m train configs/default.yaml --seeds 5

Trains `NAME-seed13`, `NAME-seed14`, … and writes mean and standard deviation of dev macro-F1 to `runs/NAME-seeds.json`.
`python -m eval runs/NAME-seed*` gives the spread on the other splits.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from isnad.errors import IsnadError
from isnad.files import write_whole
from train.config import NeuralConfig, RunConfig
from train.plot import read_rows
from train.processes import is_first
from train.watch import METRICS, watched

log = logging.getLogger("train")


def with_seeds(config: RunConfig, count: int) -> NeuralConfig:
    """The config under `count` seeds from its own on; raises IsnadError where the kind draws nothing at random."""
    if not isinstance(config, NeuralConfig):
        raise IsnadError(
            f"expected a kind that draws at random for --seeds (recurrent, transformer), found {config.kind}: every "
            "seed gives the same model; drop --seeds"
        )
    if config.seeds:
        raise IsnadError(f"expected --seeds or seeds: {config.seeds} in the config, found both; drop one")
    return config.model_copy(update={"seeds": list(range(config.seed, config.seed + count))})


def train_seeds(config: RunConfig) -> list[Path]:
    """Train once, or once for each of `config.seeds`, with mean and standard deviation of dev macro-F1.

    Returns the run directories; of several processes the first one alone does.
    """
    seeds = config.seeds if isinstance(config, NeuralConfig) else []
    if len(seeds) < 2:
        outs = [watched(config if not seeds else config.model_copy(update={"seed": seeds[0]}))]
        return outs if is_first() else []
    names = [f"{config.name}-seed{seed}" for seed in seeds]
    outs = [
        watched(config.model_copy(update={"seed": seed, "name": name, "seeds": []}))
        for seed, name in zip(seeds, names, strict=True)
    ]
    if not is_first():
        return []
    write_spread(config, seeds, outs)
    return outs


def write_spread(config: RunConfig, seeds: Sequence[int], outs: Sequence[Path]) -> Path:
    """Say and write (`NAME-seeds.json`) the mean and the standard deviation (n - 1) over two runs or more."""
    values = [last_dev(out) for out in outs]
    runs = [
        {"run": out.name, "seed": seed, "dev_macro_f1": value}
        for out, seed, value in zip(outs, seeds, values, strict=True)
    ]
    mean, sd = fmean(values), stdev(values)
    log.info("%s: dev macro-F1 %.4f ± %.4f over %d seeds", config.name, mean, sd, len(seeds))
    path = Path(config.out) / f"{config.name}-seeds.json"
    write_whole(path, json.dumps({"runs": runs, "mean": mean, "sd": sd}, indent=1) + "\n")
    return path


def last_dev(out: Path) -> float:
    """Dev macro-F1 of the artefact that a finished run left."""
    return float(read_rows(out / METRICS)[-1]["dev_macro_f1"])
