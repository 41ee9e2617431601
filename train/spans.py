"""From which chance on a word is part of the cue or the source: chosen on dev, stored in the artefact."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from eval.metrics import span_scores
from isnad.examples import Example
from isnad.labels import Stance
from isnad.runtimes.base import ModelClassifier, attributed_of, calibrated, raw_words
from isnad.spans import CUE_THRESHOLD, CUES, SOURCE, SOURCE_THRESHOLD
from isnad.text import normalise
from train.targets import make_target

log = logging.getLogger("train")

GRID = tuple(percent / 100 for percent in range(30, 91, 5))
Spans = list[tuple[int, int] | None]


def span_thresholds(classifier: ModelClassifier, dev: Sequence[Example]) -> dict[str, float]:
    """The thresholds "cue" and "source" with the best sum of exact and overlap F1 on `dev`, the lowest of equals.

    Empty where the model has no such heads or `dev` no span.
    """
    gold: dict[str, Spans] = {
        CUE_THRESHOLD: [e.cue for e in dev],
        SOURCE_THRESHOLD: [e.source if e.attributed else None for e in dev],
    }
    if not classifier.manifest.heads or not all(any(spans) for spans in gold.values()):
        return {}
    scores: dict[str, dict[float, float]] = {name: {} for name in gold}
    for threshold, found in _found(classifier, dev).items():
        for name, spans in found.items():
            both = (span_scores(gold[name], spans, overlap=overlap).f1 for overlap in (False, True))
            scores[name][threshold] = sum(both)
    best = {name: -max((score, -threshold) for threshold, score in of.items())[1] for name, of in scores.items()}
    log.info("spans: a word from %.2f on is cue, from %.2f on source", best[CUE_THRESHOLD], best[SOURCE_THRESHOLD])
    return best


def _found(classifier: ModelClassifier, dev: Sequence[Example]) -> dict[float, dict[str, Spans]]:
    """The spans of all sentences at each threshold, as the classifier would give them."""
    found: dict[float, dict[str, Spans]] = {t: {CUE_THRESHOLD: [], SOURCE_THRESHOLD: []} for t in GRID}
    items = [make_target(e, classifier.manifest).item for e in dev]
    for example, output in zip(dev, classifier.run(items), strict=True):
        label = Stance.from_id(int(calibrated(output.logits, classifier.manifest).argmax()))
        columns = {
            CUE_THRESHOLD: CUES.index(label) if label in CUES else None,
            SOURCE_THRESHOLD: SOURCE if attributed_of(label, output) else None,
        }
        normalised = normalise(example.text, classifier.manifest.recipe)
        for threshold, spans in found.items():
            for name, column in columns.items():
                span = None
                if column is not None and output.tags is not None:
                    span = raw_words(example.text, normalised, output.tags, column, threshold)
                spans[name].append(None if span is None else (span.start, span.end))
    return found
