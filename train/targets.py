"""From labelled examples to what the neural kinds learn: items and targets in normalised offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from isnad.artefact import Manifest
from isnad.examples import COMPOSED, Example
from isnad.labels import Stance
from isnad.runtimes.base import Item, make_item
from isnad.spans import CUES, SOURCE, TAGS
from isnad.text import Normalised, normalise
from train.losses import Gold

Offsets = Sequence[tuple[int, int]]
Bounds = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Target:
    """One training sentence; `soft` is a distribution over the stances (one-hot for a label of ours)."""

    item: Item
    soft: tuple[float, ...]
    attributed: bool
    cue: Bounds
    source: Bounds
    weight: float = 1.0
    """What it counts in the loss."""

    @property
    def label(self) -> int:
        """Class index of the likeliest stance."""
        return int(np.argmax(self.soft))


def make_target(example: Example, manifest: Manifest, *, composed_weight: float = 1.0) -> Target:
    """`example` (which has a label) as a model with this manifest learns it; composed text counts `composed_weight`."""
    assert example.label is not None
    normalised = normalise(example.text, manifest.recipe)
    return Target(
        item=make_item(manifest, normalised.text, example.before, example.title),
        soft=tuple(float(s is example.label) for s in Stance),
        attributed=example.attributed,
        cue=_bounds(normalised, example.cue),
        source=_bounds(normalised, example.source),
        weight=composed_weight if example.origin == COMPOSED else 1.0,
    )


def _bounds(normalised: Normalised, span: Bounds) -> Bounds:
    return normalised.from_raw(*span) if span else None


def tag_tokens(offsets: Offsets, target: Target) -> NDArray[np.float32]:
    """`(tokens, TAGS)`: 1 where a token overlaps the cue (in the column of its stance) or the source."""
    tags = np.zeros((len(offsets), TAGS), dtype=np.float32)
    stance = Stance.from_id(target.label)
    columns = [(CUES.index(stance), target.cue)] if stance in CUES else []
    for column, bounds in [*columns, (SOURCE, target.source)]:
        if bounds is not None:
            for i, (start, end) in enumerate(offsets):
                tags[i, column] = float(start < bounds[1] and end > bounds[0])
    return tags


def class_weights(targets: Sequence[Target], how: str) -> NDArray[np.float32]:
    """Loss weight of each stance: all 1, or inverse to its frequency with mean 1 over the data."""
    if how == "none":
        return np.ones(len(Stance), dtype=np.float32)
    counts = np.bincount([t.label for t in targets], minlength=len(Stance)).clip(min=1)
    return np.asarray(len(targets) / (len(Stance) * counts), dtype=np.float32)


def padded_gold(
    targets: Sequence[Target], tags: Sequence[NDArray[np.float32]], places: Sequence[Sequence[int]], length: int
) -> Gold:
    """The targets of a batch of `length` tokens; `places[k]` are the positions of sentence `k`'s own tokens,
    `tags[k]` their rows."""
    all_tags = torch.zeros(len(targets), length, TAGS)
    own = torch.zeros(len(targets), length, dtype=torch.bool)
    for k, (rows, at) in enumerate(zip(tags, places, strict=True)):
        if len(at):
            own[k, list(at)] = True
            all_tags[k, list(at)] = torch.from_numpy(rows)
    return Gold(
        soft=torch.tensor([t.soft for t in targets]),
        attributed=torch.tensor([float(t.attributed) for t in targets]),
        tags=all_tags,
        own=own,
        weight=torch.tensor([t.weight for t in targets]),
    )
