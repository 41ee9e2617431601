"""What a classifier says of a sentence, and a whole article labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Protocol, runtime_checkable

from isnad.labels import Stance

NOT_ARABIC = "not_arabic"
"""Warning on every sentence of an article without an Arabic letter: none of them is given a stance."""
NO_PROPOSITION = "no_proposition"
"""Warning on a byline, credit or link: split and kept, never given a stance."""
NOTHING_LEFT = "nothing_left"
"""Warning where normalisation leaves no word."""
FAILED = "failed"
"""Warning on the sentences of an article that the classifier could not answer, where it answered others."""


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open character range `[start, end)` (Python `str` indices) and its words."""

    start: int
    end: int
    text: str

    def shifted(self, by: int) -> Span:
        """The same words `by` characters further on."""
        return Span(self.start + by, self.end + by, self.text)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one sentence.

    `label` is the best label even when `abstained`; None only where there is no proposition
    or nothing is left after normalisation. `score` is the calibrated probability of `label`
    (0 where it is None), `scores` maps every stance to its probability. Spans are offsets
    into the sentence that was given (into the raw article in a `LabelledArticle`). `label_set`
    holds the labels that stay possible, most probable first, where sets were asked for. What
    a model does not give is None.
    """

    label: Stance | None
    score: float
    scores: dict[str, float]
    abstained: bool = False
    attributed: bool | None = None
    cue: Span | None = None
    source: Span | None = None
    warnings: list[str] = field(default_factory=list)
    label_set: tuple[Stance, ...] | None = None

    @classmethod
    def nothing(cls, warning: str) -> Prediction:
        """The answer where there is nothing to judge."""
        return cls(label=None, score=0.0, scores={}, warnings=[warning])


_ANSWER = tuple(f.name for f in fields(Prediction))


@runtime_checkable
class Classifier(Protocol):
    """Rules, TF-IDF, recurrent, transformer and ONNX stand behind this alike."""

    name: str

    def predict(
        self,
        sentences: Sequence[str],
        *,
        before: Sequence[str | Sequence[str] | None] | None = None,
        title: Sequence[str | None] | None = None,
    ) -> list[Prediction]:
        """Label each of `sentences`.

        `before` holds the sentence or sentences that precede each one (nearest last) and
        `title` its article's title; both run parallel to `sentences`. Raises ValueError
        when their lengths differ.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSentence(Prediction):
    """A sentence of an article with its answer; `article[start:end] == text`, spans in article offsets."""

    text: str
    start: int
    end: int

    @classmethod
    def of(cls, text: str, start: int, prediction: Prediction) -> LabelledSentence:
        """`prediction` for the sentence `text` that begins at `start` of the article."""
        values = {name: getattr(prediction, name) for name in _ANSWER}
        for name in ("cue", "source"):
            if values[name] is not None:
                values[name] = values[name].shifted(start)
        return cls(text=text, start=start, end=start + len(text), **values)


@dataclass(frozen=True, slots=True)
class LabelledArticle:
    """A raw article text and its sentences in order, each with its answer."""

    text: str
    sentences: list[LabelledSentence]
    title: str | None = None
    model: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Sentences by stance, in label order; those without a proposition are not counted."""
        return {s.value: sum(x.label is s for x in self.sentences) for s in Stance}
