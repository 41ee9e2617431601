"""Which tokens are hidden on masked words, and in which order the text comes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

Ids = NDArray[np.uint16] | NDArray[np.uint32]


def masked_batch(
    block: torch.Tensor, generator: torch.Generator, rate: float, mask_id: int, words: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """`(inputs, labels)` of shape `(sequences, tokens)`: `rate` of the tokens hidden, labels -100 elsewhere.

    Of the chosen tokens 80 % become [MASK], 10 % a random piece, 10 % stay. Only ids in `words`, which is in order,
    are ever chosen or drawn.
    """
    draw = torch.rand(block.shape, generator=generator)
    how = torch.rand(block.shape, generator=generator)
    random = words[torch.randint(len(words), block.shape, generator=generator)]
    chosen = (draw < rate) & torch.isin(block, words)
    labels = torch.where(chosen, block, -100)
    inputs = torch.where(chosen & (how < 0.8), mask_id, block)
    return torch.where(chosen & (how >= 0.9), random, inputs), labels


class Blocks:
    """The flat ids cut into sequences that start with [CLS], in an order drawn anew for each pass."""

    def __init__(self, ids: Ids, length: int, cls: int, seed: int) -> None:
        self.ids, self.width, self.cls, self.seed = ids, length - 1, cls, seed
        self.count = len(ids) // self.width

    def batch(self, step: int, size: int) -> torch.Tensor:
        """The `step`-th batch, shape `(size, length)`; the same for the same seed, however training got there."""
        rows = []
        for k in range(step * size, (step + 1) * size):
            order = self._order(k // self.count)
            start = int(order[k % self.count]) * self.width
            rows.append(self.ids[start : start + self.width].astype(np.int64))
        block = np.full((size, self.width + 1), self.cls, dtype=np.int64)
        block[:, 1:] = np.stack(rows)
        return torch.from_numpy(block)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if getattr(self, "_epoch", None) != epoch:
            self._epoch = epoch
            self._permutation = np.random.default_rng([self.seed, epoch]).permutation(self.count)
        return self._permutation


def word_ids(tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """The ids of all pieces that are not special, in order."""
    special = set(tokenizer.all_special_ids)
    return torch.tensor([i for i in range(len(tokenizer)) if i not in special])
