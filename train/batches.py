"""Batches for fine-tuning the `transformer` kind: rows of like length, the same sentences a step on any number of
processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import Sampler
from transformers import PreTrainedTokenizerBase
from transformers.trainer_pt_utils import get_length_grouped_indices

from isnad.runtimes.transformer import pad
from train.losses import Gold
from train.processes import same_for_all
from train.strategies import draw_alike
from train.targets import Target, padded_gold, tag_tokens

GOLD = tuple(f.name for f in fields(Gold))


class Collator:
    """Rows of a dataset to padded tensors: the model's inputs, `labels`, and the gold of all heads."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, targets: Sequence[Target]) -> None:
        self.tokenizer, self.targets = tokenizer, targets

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """See the class."""
        inputs: dict[str, Any] = dict(pad(rows, self.tokenizer))
        targets = [self.targets[r["index"]] for r in rows]
        places = [[i for i, o in enumerate(r["offsets"]) if o is not None] for r in rows]
        tags = [tag_tokens([r["offsets"][i] for i in at], t) for r, at, t in zip(rows, places, targets, strict=True)]
        gold = padded_gold(targets, tags, places, inputs["input_ids"].shape[1])
        inputs |= {f"gold_{n}": getattr(gold, n) for n in GOLD}
        inputs["labels"] = torch.tensor([t.label for t in targets])
        return inputs


def take_gold(inputs: dict[str, Any]) -> Gold:
    """The gold that `Collator` put into a batch."""
    return Gold(**{n: inputs[f"gold_{n}"] for n in GOLD})


class LengthGrouped(Sampler[int]):
    """An order of the rows in which neighbours are of like length, drawn anew for each epoch from torch's generator.

    The first process draws for all. With `multiple` above 1 the order is filled up to a multiple of it with the index
    behind the last row: the filler of `with_filler`, which counts nothing in the loss. With `labels` every epoch has
    each label alike often, by `draw_alike`.
    """

    def __init__(self, lengths: Sequence[int], step: int, multiple: int, labels: Sequence[int] | None = None) -> None:
        self.lengths, self.step, self.multiple, self.labels = list(lengths), step, multiple, labels

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.multiple) * self.multiple

    def __iter__(self) -> Iterator[int]:
        order: list[int] = same_for_all(self._draw())
        yield from order
        yield from [len(self.lengths)] * (len(self) - len(order))

    def _draw(self) -> list[int]:
        if self.labels is None:
            return list(get_length_grouped_indices(self.lengths, self.step))
        rows = draw_alike(self.labels, lambda n: torch.randperm(n).tolist())
        return [rows[i] for i in get_length_grouped_indices([self.lengths[i] for i in rows], self.step)]


def with_filler(rows: Sequence[dict[str, Any]], targets: Sequence[Target]) -> tuple[list[dict[str, Any]], list[Target]]:
    """Rows and targets and, behind them, the shortest once more with a weight of 0."""
    shortest = min(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    return [*rows, rows[shortest]], [*targets, replace(targets[shortest], weight=0.0)]


def dataset_of(rows: Sequence[dict[str, Any]]) -> Dataset:
    """Encoded rows with their `index` into the targets and their `length`."""
    return Dataset.from_list(
        [
            {**{k: v for k, v in r.items() if k != "cut"}, "index": i, "length": len(r["input_ids"])}
            for i, r in enumerate(rows)
        ]
    )
