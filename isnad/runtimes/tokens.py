"""Sentences and their context as token ids, by `tokenizers` alone.

A tokenizer that is shared is never told to cut: cutting is a state of it, and several threads may be encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tokenizers import Encoding, Tokenizer

from isnad.runtimes.base import LEAST_CONTEXT, Item

Cut = Literal["only_first", "only_second"]


@dataclass(frozen=True, slots=True)
class Coded:
    """One item in tokens; the sentence's own ones are `[first, last)`, the others context or special."""

    encoding: Encoding
    ids: list[int]
    first: int
    last: int
    cut: bool = False

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """`[start, end)` in the normalised sentence of each of its own tokens."""
        return self.encoding.offsets[self.first : self.last]


class Coder:
    """Encodes items to at most `limit` tokens, special ones included."""

    def __init__(self, tokenizer: Tokenizer, limit: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.tokenizer, self.limit = tokenizer, limit
        self._special = tokenizer.num_special_tokens_to_add(is_pair=False)
        self._cutting: dict[Cut, Tokenizer] = {}

    def encode(self, items: Sequence[Item]) -> list[Coded]:
        """The context is cut before the sentence is; it goes altogether when the sentence alone fills the model."""
        found = self.tokenizer.encode_batch([(i.text, i.context) if i.context else i.text for i in items])
        return [self._fitted(i, e) for i, e in zip(items, found, strict=True)]

    def _fitted(self, item: Item, encoding: Encoding) -> Coded:
        owners = encoding.sequence_ids
        alone = owners.count(0) + self._special
        cut = alone > self.limit
        if cut:
            encoding = self._cutter("only_first").encode(item.text)
        elif item.context and alone + LEAST_CONTEXT >= self.limit:
            encoding = self.tokenizer.encode(item.text)
        elif len(owners) > self.limit:
            encoding = self._cutter("only_second").encode(item.text, item.context)
        else:
            return _coded(encoding, owners)
        return _coded(encoding, encoding.sequence_ids, cut=cut)

    def _cutter(self, strategy: Cut) -> Tokenizer:
        """A copy of the tokenizer that cuts."""
        if strategy not in self._cutting:
            copy = Tokenizer.from_str(self.tokenizer.to_str())
            copy.enable_truncation(self.limit, strategy=strategy)
            self._cutting[strategy] = copy
        return self._cutting[strategy]


def _coded(encoding: Encoding, owners: Sequence[int | None], *, cut: bool = False) -> Coded:
    own = owners.count(0)
    first = owners.index(0) if own else 0
    return Coded(encoding, encoding.ids, first, first + own, cut)
