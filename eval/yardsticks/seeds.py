"""Several seeds of one config: a second source of spread, apart from the choice of test articles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import yaml

from eval.judge import Judged
from isnad.errors import IsnadError

_OWN = ("name", "seed", "seeds", "out")
"""What may differ between seeds of one config."""


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """Macro-F1 of one split over runs that differ in their seed alone."""

    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    split: str
    mean: float
    sd: float
    lowest: float
    highest: float


def seed_groups(paths: Sequence[Path], judged: Sequence[Judged]) -> tuple[SeedSpread, ...]:
    """A row a split for each config of which two seeds or more were given; `judged` may go on beyond `paths`.

    Raises IsnadError where the config of a run is no YAML.
    """
    groups: dict[str, list[tuple[int, Judged]]] = {}
    for path, run in zip(paths, judged, strict=False):
        config = _config(path)
        if config is not None:
            same = repr(sorted((k, v) for k, v in config.items() if k not in _OWN))
            groups.setdefault(same, []).append((int(config["seed"]), run))
    return tuple(
        _spread(split, members)
        for members in groups.values()
        if len({seed for seed, _ in members}) > 1
        for split in members[0][1].splits
        if all(split in run.splits for _, run in members)
    )


def _config(path: Path) -> dict[str, Any] | None:
    file = path / "config.yaml"
    try:
        found = yaml.safe_load(file.read_bytes()) if file.is_file() else None
    except yaml.YAMLError as error:
        raise IsnadError(
            f"expected the config of the run as YAML, found {' '.join(str(error).split())}; "
            "restore it, or take it away if seeds need not be grouped",
            path=file,
        ) from None
    return found if isinstance(found, dict) and isinstance(found.get("seed"), int) else None


def _spread(split: str, members: Sequence[tuple[int, Judged]]) -> SeedSpread:
    values = [run.splits[split].main.macro_f1.value for _, run in members]
    return SeedSpread(
        runs=tuple(run.run.name for _, run in members),
        seeds=tuple(seed for seed, _ in members),
        split=split,
        mean=fmean(values),
        sd=stdev(values),
        lowest=min(values),
        highest=max(values),
    )
