"""Skip-gram vectors (Mikolov et al. 2013) of words or word pieces, by gensim."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from isnad.runtimes.recurrent import words_of
from train.corpus import TrainingText
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
        yield from track(self.sentences, f"skip-gram: sentences, pass {self.passes}")


def news_vectors(text: TrainingText, width: int, epochs: int, vocabulary: int, cache: Path) -> Vectors:
    """Vectors of the commonest `vocabulary` words of the training text, from `cache` when made before."""
    folder = cache / f"vectors-{text.summary()['sha256'][:12]}-{width}-{epochs}"
    if not folder.is_dir():
        found = skip_gram(_Lines(text.lines), width=width, epochs=epochs)
        words = found.words[:vocabulary]
        beside = folder.with_name(folder.name + ".part")
        beside.mkdir(parents=True, exist_ok=True)
        save_file({"matrix": found.matrix[: len(words)].copy()}, beside / "matrix.safetensors")
        (beside / "words.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        beside.rename(folder)
    words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    return Vectors(words, load_file(folder / "matrix.safetensors")["matrix"])


class _Lines:
    """Re-iterable word lists of a normalised text file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[list[str]]:
        with self.path.open(encoding="utf-8") as lines:
            for line in lines:
                yield [w for w, _, _ in words_of(line)]
