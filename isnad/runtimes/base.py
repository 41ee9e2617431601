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
from isnad.predictions import NO_PROPOSITION, NOTHING_LEFT, Prediction, Span
from isnad.proposition import has_proposition
from isnad.spans import (
    CUE_THRESHOLD,
    CUES,
    SOURCE,
    SOURCE_THRESHOLD,
    THRESHOLD,
    best_words,
    without_conjunction,
)
from isnad.text import Normalised, normalise, normalise_text

CUT = "cut"
"""Warning where a sentence was longer than the model reads."""
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
    """Per token of one sentence: `[start, end)` in the normalised text, and `chances (tokens, TAGS)` of each tag."""

    offsets: Sequence[tuple[int, int]]
    chances: Floats


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


class ModelClassifier(ABC):
    """A `Classifier` over an artefact; a subclass only turns items into outputs."""

    threadsafe = False
    """Whether several threads may call `predict` at once."""

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
        passed = [(i, s) for i, s in enumerate(screened) if isinstance(s, Normalised)]
        known = {sentences[i]: s.text for i, s in passed}
        items = [
            make_item(self.manifest, s.text, before[i] if before else None, title[i] if title else None, known)
            for i, s in passed
        ]
        outputs = self.run(items)
        chances = calibrated(np.stack([o.logits for o in outputs]), self.manifest).tolist() if outputs else []
        answers = {
            i: self._answer(sentences[i], normalised, output, row)
            for (i, normalised), output, row in zip(passed, outputs, chances, strict=True)
        }
        return [s if isinstance(s, Prediction) else answers[i] for i, s in enumerate(screened)]

    def _answer(self, sentence: str, normalised: Normalised, output: Output, chances: list[float]) -> Prediction:
        score = max(chances)
        label = Stance.from_id(chances.index(score))
        attributed = attributed_of(label, output)
        thresholds = self.manifest.thresholds
        cue = source = None
        if output.tags is not None and label in CUES:
            least = thresholds.get(CUE_THRESHOLD, THRESHOLD)
            cue = raw_words(sentence, normalised, output.tags, CUES.index(label), least)
        if output.tags is not None and attributed:
            least = thresholds.get(SOURCE_THRESHOLD, THRESHOLD)
            source = raw_words(sentence, normalised, output.tags, SOURCE, least)
        answer = Prediction(
            label=label,
            score=score,
            scores={s.value: chances[s.id] for s in Stance},
            attributed=attributed,
            cue=cue,
            source=source,
            warnings=[CUT] if output.cut else [],
        )
        return marked(answer, thresholds)


def attributed_of(label: Stance, output: Output) -> bool | None:
    """Whether a source stands behind the content: of an attribution always, of an assertion never, else by its head."""
    if output.attributed is None:
        return None
    if label in (Stance.ASSERT, Stance.ATTRIBUTE):
        return label is Stance.ATTRIBUTE
    return output.attributed >= 0.5


def raw_words(sentence: str, normalised: Normalised, tags: TokenTags, column: int, threshold: float) -> Span | None:
    """The cue or source in offsets of `sentence`, by the tags in `column`; None where no word reaches `threshold`."""
    found = best_words(normalised.text, tags.offsets, tags.chances[:, column], threshold)
    if found is None:
        return None
    start, end = normalised.to_raw(*found)
    bare = sentence[start:end].strip()  # SentencePiece counts the space before a word as the word's
    start = sentence.find(bare, start)
    left_out = 0 if column == SOURCE else without_conjunction(bare)
    return Span(start + left_out, start + len(bare), bare[left_out:]) if bare else None


def make_item(
    manifest: Manifest,
    normalised: str,
    before: str | Sequence[str] | None,
    title: str | None,
    known: dict[str, str] | None = None,
) -> Item:
    """The normalised sentence with the context that `manifest.context` asks for, normalised here.

    `known` maps texts to what they are normalised, and learns: most context is a sentence itself.
    """
    known = {} if known is None else known
    parts: list[str] = []
    if "title" in manifest.context and title:
        parts.append(title)
    if "before" in manifest.context and before:
        parts.append(before if isinstance(before, str) else before[-1])
    for part in parts:
        if part not in known:
            known[part] = normalise_text(part, manifest.recipe)
    return Item(normalised, " ".join(known[p] for p in parts))
