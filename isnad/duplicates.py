"""Near-duplicate articles by shared runs of five words, exact rather than sampled.

Two articles are near-duplicates when they share at least `NEAR` of the five-word runs
(shingles) of the shorter one, after normalisation (containment; Broder 1997). An inverted
index over sorted hashes makes a query cost the length of the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from isnad.text import normalise_text

NEAR = 0.5
WIDTH = 5
_WORD = re.compile(r"\w+")
_PRIME = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]


@lru_cache(maxsize=1 << 20)
def _word_hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")


def shingles(text: str, width: int = WIDTH) -> Hashes:
    """Sorted distinct hashes of the `width`-word runs of `text` (of the whole, when it is shorter)."""
    words = np.array([_word_hash(w) for w in _WORD.findall(normalise_text(text, "plain"))], dtype=np.uint64)
    if not len(words):
        return words
    width = min(width, len(words))
    runs = np.zeros(len(words) - width + 1, dtype=np.uint64)
    for k in range(width):
        runs = runs * _PRIME + words[k : len(words) - width + 1 + k]
    return np.unique(runs)


class DuplicateIndex:
    """Articles to compare against, held as one sorted array of shingle hashes."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Index `texts`, a mapping of article id to title and text."""
        self.ids = list(texts)
        parts = [shingles(texts[i]) for i in self.ids]
        self.sizes = np.array([len(p) for p in parts], dtype=np.int64)
        hashes = np.concatenate(parts) if parts else np.array([], dtype=np.uint64)
        owner = np.repeat(np.arange(len(parts)), self.sizes)
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._owner = hashes[order], owner[order]

    def overlaps(self, text: str) -> dict[str, float]:
        """Containment (0 to 1) of `text` with every indexed article that shares a shingle."""
        own = shingles(text)
        low = np.searchsorted(self._hashes, own, side="left")
        high = np.searchsorted(self._hashes, own, side="right")
        hit = high > low
        if not hit.any():
            return {}
        owners = np.concatenate([self._owner[a:b] for a, b in zip(low[hit], high[hit], strict=True)])
        who, shared = np.unique(owners, return_counts=True)
        smaller = np.minimum(self.sizes[who], len(own))
        return {self.ids[w]: float(s / m) for w, s, m in zip(who, shared, smaller, strict=True)}

    def holds(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of these shingle hashes stand in some indexed article."""
        if not len(self._hashes):
            return np.zeros(len(hashes), dtype=np.bool_)
        at = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        found: NDArray[np.bool_] = self._hashes[at] == hashes
        return found

    def near(self, text: str, threshold: float = NEAR) -> list[str]:
        """Ids of the indexed articles that `text` nearly duplicates."""
        return [i for i, share in self.overlaps(text).items() if share >= threshold]


def groups(texts: Mapping[str, str], threshold: float = NEAR) -> list[set[str]]:
    """Connected components of near-duplicates among `texts`; single articles are left out."""
    index = DuplicateIndex(texts)
    parent = {i: i for i in texts}

    def root(i: str) -> str:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, text in texts.items():
        for j in index.near(text, threshold):
            parent[root(i)] = root(j)
    return _components(parent, (root(i) for i in texts))


def _components(parent: Mapping[str, str], roots: Iterable[str]) -> list[set[str]]:
    found: dict[str, set[str]] = {}
    for i, r in zip(parent, roots, strict=True):
        found.setdefault(r, set()).add(i)
    return [g for g in found.values() if len(g) > 1]
