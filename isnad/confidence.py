"""How sure an answer must be to stand, and which labels stay possible: thresholds and conformal label sets.

The `thresholds` of a manifest hold what dev gave. "precision=0.95" is the score from which on the answers kept have
that precision, "set=0.90" the conformal quantile of that coverage. Two more are in force in every answer: "abstain",
the score under which it is marked `abstained`, and "set", the quantile of its `label_set`; `in_force` sets them.

>>> label_set({"assert": 0.55, "deny": 0.05, "attribute": 0.38, "speculate": 0.02}, 0.7)
[<Stance.ASSERT: 'assert'>, <Stance.ATTRIBUTE: 'attribute'>]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.predictions import Prediction

ABSTAIN, SET = "abstain", "set"
"""Names of the thresholds in force."""
PRECISION, SCORE = "precision", "score"
HOW = "measure them: `python -m train CONFIG` does it for a new run, `python -m train.calibration RUN` for an old one"


def key(name: str, level: float) -> str:
    """The name of a stored threshold, e.g. "precision=0.95"."""
    return f"{name}={level:.2f}"


def stored(thresholds: Mapping[str, float], name: str) -> dict[float, float]:
    """Level to threshold of all that are stored as "`name`=level", lowest level first."""
    parts = ((word.partition("="), value) for word, value in thresholds.items())
    return dict(sorted((float(level), value) for (own, sign, level), value in parts if own == name and sign))


def conformal_quantile(true_probabilities: Iterable[float], coverage: float) -> float:
    """The largest `1 - p` that a label may have in a set that holds the right label in `coverage` of sentences.

    Split conformal prediction with the score `1 - p(true label)` (LAC: Sadinle, Lei & Wasserman 2019): its quantile
    at rank `ceil((n + 1) * coverage)` of the n calibration sentences, 1 (every label) where n is too small for that.
    The promise needs exchangeable sentences. Those of one article are alike, so exchangeability holds by article at
    best; and the coverage is that over all sentences, not of each label or outlet. Measure it on held-out articles.

    Raises ValueError without sentences, or where `coverage` does not lie between 0 and 1.
    """
    scores = sorted(1 - float(p) for p in true_probabilities)
    if not scores or not 0 < coverage < 1:
        raise ValueError(f"expected sentences and a coverage in (0, 1), found {len(scores)} and {coverage}")
    rank = math.ceil(round((len(scores) + 1) * coverage, 9))
    return scores[rank - 1] if rank <= len(scores) else 1.0


def label_set(scores: Mapping[str, float], quantile: float) -> list[Stance]:
    """The labels with `1 - score <= quantile`, most probable first; the most probable is always one of them."""
    ordered = sorted(Stance, key=lambda s: -scores[s.value])
    return [s for i, s in enumerate(ordered) if i == 0 or 1 - scores[s.value] <= quantile]


def parse_abstain_at(text: str) -> tuple[str, float]:
    """`("precision", 0.95)` of "precision=.95", `("score", 0.8)` of "score=.8"; else raises IsnadError."""
    name, _, number = text.partition("=")
    try:
        level = float(number)
    except ValueError:
        level = math.nan
    if name not in (PRECISION, SCORE) or not 0 <= level <= 1:
        raise IsnadError(
            f"expected precision=P or score=S with a number from 0 to 1, found {text!r}; "
            "write for example precision=.95 or score=.8"
        )
    return name, level


def in_force(
    thresholds: Mapping[str, float], *, abstain_at: str | None = None, sets: float | None = None, model: str
) -> dict[str, float]:
    """`thresholds` of `model` with "abstain" and "set" as asked for; what is None stays as it is.

    `abstain_at` is "score=S", or "precision=P" for the lowest stored precision that is at least P; `sets` is a stored
    coverage. Raises IsnadError where it is malformed or the model does not store it.
    """
    chosen = dict(thresholds)
    if abstain_at is not None:
        name, level = parse_abstain_at(abstain_at)
        chosen[ABSTAIN] = level if name == SCORE else _for_precision(level, stored(thresholds, PRECISION), model)
    if sets is not None:
        chosen[SET] = _for_coverage(sets, stored(thresholds, SET), model)
    return chosen


def marked(prediction: Prediction, thresholds: Mapping[str, float]) -> Prediction:
    """`prediction` with `abstained` and `label_set` by the thresholds in force; without a label it stays as it is."""
    below, quantile = thresholds.get(ABSTAIN, 0.0), thresholds.get(SET)
    if prediction.label is None or (not below and quantile is None):
        return prediction
    possible = None if quantile is None else tuple(label_set(prediction.scores, quantile))
    return replace(prediction, abstained=prediction.score < below, label_set=possible)


def _for_precision(wanted: float, known: Mapping[float, float], model: str) -> float:
    if not known:
        raise IsnadError(
            f"expected a model with thresholds for a precision, found none in {model!r}; write score=S, or {HOW}"
        )
    level = next((level for level in known if level >= wanted), None)
    if level is None:
        raise IsnadError(
            f"expected a precision of at most {max(known):.2f}, the highest that {model!r} reaches on dev, "
            f"found {wanted:g}; ask for less, or write score=S"
        )
    return known[level]


def _for_coverage(wanted: float, known: Mapping[float, float], model: str) -> float:
    if not known:
        raise IsnadError(f"expected a model with label sets, found none in {model!r}; {HOW}")
    if wanted not in known:
        levels = ", ".join(f"{level:.2f}" for level in known)
        raise IsnadError(
            f"expected a coverage that {model!r} stores ({levels}), found {wanted:g}; ask for one of these"
        )
    return known[wanted]
