"""What all model classifiers share: screening, normalising, calibrating, and spans back in raw offsets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isnad.artefact import Manifest
from isnad.confidence import marked
from isnad.labels import Stance
from isnad.predictions import NO_PROPOSITION, Prediction, Span
from isnad.proposition import has_proposition
from isnad.text import Normalised, normalise, normalise_text

NOTHING_LEFT = "nothing_left"
"""Warning where normalisation leaves no word."""
CUT = "cut"
"""Warning where a sentence was longer than the model reads."""
TOKEN_THRESHOLD = 0.5
LEAST_CONTEXT = 8
"""Tokens that must be free for the context to be worth adding."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Item:
    """One sentence as a model sees it: normalised, with its normalised context (may be empty)."""

    text: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class TokenTags:
    """Per token of one sentence: `[start, end)` in the normalised text, and the probability of each tag."""

    offsets: Sequence[tuple[int, int]]
    cue: Floats
    source: Floats


@dataclass(frozen=True, slots=True)
class Output:
    """Raw answer of a model for one item: four logits, and what its other heads say."""

    logits: Floats
    attributed: float | None = None
    tags: TokenTags | None = None
    cut: bool = False


def check_parallel(sentences: Sequence[str], before: Sequence[object] | None, title: Sequence[object] | None) -> None:
    """Raise ValueError unless `before` and `title`, where given, are as long as `sentences`."""
    for name, other in (("before", before), ("title", title)):
        if other is not None and len(other) != len(sentences):
            raise ValueError(f"expected {name} to be as long as sentences ({len(sentences)}), found {len(other)}")


def screen(sentence: str, recipe: str) -> Prediction | Normalised:
    """The normalised sentence, or the answer where there is nothing for a model to judge."""
    normalised = normalise(sentence, recipe)
    if not any(c.isalnum() for c in normalised.text):
        return Prediction.nothing(NOTHING_LEFT)
    if not has_proposition(sentence):
        return Prediction.nothing(NO_PROPOSITION)
    return normalised


def softmax(logits: NDArray[np.floating[Any]], temperature: float = 1.0) -> Floats:
    """Probabilities along the last axis of `logits / temperature`."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def calibrated(logits: Floats, manifest: Manifest) -> Floats:
    """Probabilities `(..., 4)` of raw `logits (..., 4)` by the scaling of `manifest`, else by its temperature."""
    if manifest.scaling is None:
        return softmax(logits, manifest.temperature)
    return softmax(np.asarray(logits, dtype=np.float64) * manifest.scaling.scale + manifest.scaling.bias)


def best_run(probabilities: Floats, threshold: float = TOKEN_THRESHOLD) -> tuple[int, int] | None:
    """The run of tokens at or above `threshold` with the largest sum, as `[first, last + 1)`; None if none."""
    best, best_sum, start = None, 0.0, None
    for i, p in enumerate([*probabilities.tolist(), 0.0]):
        if p >= threshold and start is None:
            start = i
        elif p < threshold and start is not None:
            total = float(np.sum(probabilities[start:i]))
            if total > best_sum:
                best, best_sum = (start, i), total
            start = None
    return best


class ModelClassifier(ABC):
    """A `Classifier` over an artefact; a subclass only turns items into outputs."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.name = manifest.name

    @abstractmethod
    def run(self, items: Sequence[Item]) -> list[Output]:
        """One output an item, in order."""

    def save(self, folder: Path) -> None:  # noqa: B027
        """Write the weights into `folder`; nothing where the manifest holds all there is."""

    def predict(
        self,
        sentences: Sequence[str],
        *,
        before: Sequence[str | Sequence[str] | None] | None = None,
        title: Sequence[str | None] | None = None,
    ) -> list[Prediction]:
        """Label each sentence; see `isnad.predictions.Classifier.predict`."""
        check_parallel(sentences, before, title)
        screened = [screen(s, self.manifest.recipe) for s in sentences]
        places = [i for i, s in enumerate(screened) if isinstance(s, Normalised)]
        items = [
            make_item(self.manifest, s.text, before[i] if before else None, title[i] if title else None)
            for i, s in enumerate(screened)
            if isinstance(s, Normalised)
        ]
        outputs = dict(zip(places, self.run(items), strict=True))
        return [
            s if isinstance(s, Prediction) else self._answer(sentences[i], s, outputs[i])
            for i, s in enumerate(screened)
        ]

    def _answer(self, sentence: str, normalised: Normalised, output: Output) -> Prediction:
        probabilities = calibrated(output.logits, self.manifest)
        label = Stance.from_id(int(probabilities.argmax()))
        attributed = self._attributed(label, output)
        tags = output.tags
        cue = source = None
        if tags is not None and label is not Stance.ASSERT:
            cue = _raw_span(sentence, normalised, tags.offsets, best_run(tags.cue))
        if tags is not None and attributed:
            source = _raw_span(sentence, normalised, tags.offsets, best_run(tags.source))
        answer = Prediction(
            label=label,
            score=float(probabilities.max()),
            scores={s.value: float(probabilities[s.id]) for s in Stance},
            attributed=attributed,
            cue=cue,
            source=source,
            warnings=[CUT] if output.cut else [],
        )
        return marked(answer, self.manifest.thresholds)

    @staticmethod
    def _attributed(label: Stance, output: Output) -> bool | None:
        if output.attributed is None:
            return None
        if label in (Stance.ASSERT, Stance.ATTRIBUTE):
            return label is Stance.ATTRIBUTE
        return output.attributed >= TOKEN_THRESHOLD


def make_item(manifest: Manifest, normalised: str, before: str | Sequence[str] | None, title: str | None) -> Item:
    """The normalised sentence with the context that `manifest.context` asks for, normalised here."""
    parts: list[str] = []
    if "title" in manifest.context and title:
        parts.append(title)
    if "before" in manifest.context and before:
        parts.append(before if isinstance(before, str) else before[-1])
    return Item(normalised, " ".join(normalise_text(p, manifest.recipe) for p in parts))


def _raw_span(
    sentence: str, normalised: Normalised, offsets: Sequence[tuple[int, int]], run: tuple[int, int] | None
) -> Span | None:
    if run is None:
        return None
    start, end = normalised.to_raw(offsets[run[0]][0], offsets[run[1] - 1][1])
    return Span(start, end, sentence[start:end])
