"""Skip-gram vectors (Mikolov et al. 2013) of words or word pieces, by gensim."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from gensim.models import Word2Vec
from numpy.typing import NDArray

from train.progress import track

logging.getLogger("gensim").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Vectors:
    """`matrix[i]` (float32, shape `(words, width)`) is the vector of `words[i]`, commonest first."""

    words: list[str]
    matrix: NDArray[np.float32]


def skip_gram(
    sentences: Iterable[Sequence[str]],
    *,
    width: int = 160,
    window: int = 3,
    epochs: int = 2,
    min_count: int = 5,
    seed: int = 13,
    workers: int = 2,
) -> Vectors:
    """Train on `sentences` (re-iterable lists of tokens); several `workers` make it inexact from run to run."""
    model = Word2Vec(
        _Told(sentences),
        vector_size=width,
        window=window,
        sg=1,
        negative=5,
        sample=1e-4,
        epochs=epochs,
        min_count=min_count,
        seed=seed,
        workers=workers,
    )
    return Vectors(list(model.wv.index_to_key), np.asarray(model.wv.vectors, dtype=np.float32))


class _Told:
    """Sentences with progress; gensim reads them once for the counts and once an epoch."""

    def __init__(self, sentences: Iterable[Sequence[str]]) -> None:
        self.sentences, self.passes = sentences, 0

    def __iter__(self) -> Iterator[Sequence[str]]:
        self.passes += 1
        total = len(self.sentences) if hasattr(self.sentences, "__len__") else None
        yield from track(self.sentences, f"skip-gram: sentences, pass {self.passes}", total)
