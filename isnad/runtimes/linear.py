"""Word and character n-grams under a linear model, in numpy alone; and the majority floor."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from isnad.artefact import Manifest
from isnad.labels import Stance
from isnad.runtimes.base import Item, ModelClassifier, Output

WEIGHTS = "model.safetensors"
FEATURES = "features.json"
_TOKEN = re.compile(r"\w+|[^\w\s]")
Floats = NDArray[np.float32]


def ngrams(text: str, words: tuple[int, int], chars: tuple[int, int]) -> Iterator[str]:
    """Word n-grams (`w:`) and, inside each padded word, character n-grams (`c:`) of a normalised text."""
    tokens = _TOKEN.findall(text)
    padded = ["<s>", *tokens, "</s>"]
    for n in range(words[0], words[1] + 1):
        for i in range(len(padded) - n + 1):
            yield "w:" + " ".join(padded[i : i + n])
    for token in tokens:
        framed = f" {token} "
        for n in range(chars[0], chars[1] + 1):
            for i in range(max(1, len(framed) - n + 1)):
                yield "c:" + framed[i : i + n]


class LinearClassifier(ModelClassifier):
    """A `Classifier` over a TF-IDF artefact: sublinear counts, inverse document frequency, unit length, linear."""

    def __init__(self, manifest: Manifest, features: list[str], idf: Floats, weights: Floats, bias: Floats) -> None:
        super().__init__(manifest)
        self.features = {f: i for i, f in enumerate(features)}
        self.idf, self.weights, self.bias = idf, weights, bias

    @classmethod
    def load(cls, folder: Path, manifest: Manifest) -> LinearClassifier:
        """Open the artefact in `folder`."""
        arrays = load_file(folder / WEIGHTS)
        features = json.loads((folder / FEATURES).read_text(encoding="utf-8"))
        return cls(manifest, features, arrays["idf"], arrays["weights"], arrays["bias"])

    def save(self, folder: Path) -> None:
        """Write features and weights into `folder`."""
        (folder / FEATURES).write_text(json.dumps(list(self.features), ensure_ascii=False), encoding="utf-8")
        save_file({"idf": self.idf, "weights": self.weights, "bias": self.bias}, folder / WEIGHTS)

    def run(self, items: Sequence[Item]) -> list[Output]:
        """See `ModelClassifier.run`."""
        words, chars = (tuple(self.manifest.settings[k]) for k in ("word_ngrams", "char_ngrams"))
        return [Output(self._logits(i.text, (words[0], words[1]), (chars[0], chars[1]))) for i in items]

    def _logits(self, text: str, words: tuple[int, int], chars: tuple[int, int]) -> Floats:
        counts = Counter(self.features[g] for g in ngrams(text, words, chars) if g in self.features)
        rows = np.fromiter(counts, dtype=np.int64, count=len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * self.idf[rows]
        length = float(np.linalg.norm(values)) or 1.0
        return np.asarray(values / length @ self.weights[rows] + self.bias, dtype=np.float32)


class MajorityClassifier(ModelClassifier):
    """Always the commonest stance, with the label shares of train as scores."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        shares = [float(manifest.settings["shares"][s.value]) for s in Stance]
        self._logits = np.log(np.asarray(shares, dtype=np.float32).clip(1e-6))

    def run(self, items: Sequence[Item]) -> list[Output]:
        """See `ModelClassifier.run`."""
        return [Output(self._logits) for _ in items]
