"""How many spoilt labels does `isnad check --noise` find? python -m benchmarks.label_noise CONFIG [key=value …]

Turns 5 % of the training labels into another one (evenly among the other three, seed 13), trains out of fold on them,
ranks all sentences as `isnad check --noise` does, and prints the share of the spoilt ones in the first tenth.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

from isnad.labels import Stance
from isnad.noise import read_judged, suspects
from train.config import load_run_config
from train.folds import out_of_fold
from train.progress import talk
from train.run import prepare

SHARE, SEED, FOLDS = 0.05, 13, 5


def main(config_path: Path, words: list[str]) -> None:
    talk()
    config = load_run_config(config_path, words)
    config = config.model_copy(update={"name": f"{config.name}-noise"})
    prepared = prepare(config)
    rng = random.Random(SEED)
    spoilt = set(rng.sample(range(len(prepared.train)), round(SHARE * len(prepared.train))))
    train = []
    for place, example in enumerate(prepared.train):
        other = [s for s in Stance if s is not example.label]
        train.append(replace(example, label=rng.choice(other)) if place in spoilt else example)
    names = {prepared.train[i].reference for i in spoilt}
    ranked = [s.reference for s in suspects(read_judged(out_of_fold(config, FOLDS, replace(prepared, train=train))))]
    for part in (20, 10, 5):
        top = ranked[: len(ranked) // part]
        found = len(names & set(top)) / len(names)
        print(f"first {100 // part:>2} % of {len(ranked):,} sentences: {found:.1%} of {len(names)} spoilt labels")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
