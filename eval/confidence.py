"""Do the probabilities mean what they say, and what is gained by answering only where a run is sure?

Thresholds and quantiles are read off dev and judged elsewhere; on dev itself they flatter, and the result says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval import bootstrap, metrics
from eval.bootstrap import Draws, Interval
from eval.metrics import Bin, Floats, Ints
from eval.predictions import Record
from isnad.confidence import conformal_quantile, label_set
from isnad.labels import Stance

WANTED = (0.9, 0.95)
"""Precisions for which the report says how much could be answered."""
COVERAGES = (0.8, 0.9, 0.95)
"""Shares of sentences whose label a conformal set is to hold."""
STEPS = 50
"""Points of the drawn risk-coverage curve."""
LABEL_BINS = 10


@dataclass(frozen=True, slots=True)
class Selective:
    """Answering from a threshold on, chosen for a precision of `wanted` on the sentences of `chosen_on`.

    `threshold` is None where none reaches `wanted` there; `coverage` and `precision` are None where no sentence is
    answered.
    """

    wanted: float
    chosen_on: str
    threshold: float | None
    coverage: Interval | None
    precision: Interval | None


@dataclass(frozen=True, slots=True)
class Sets:
    """Conformal label sets (LAC) for a coverage of `wanted`: the share that holds gold, and labels a set."""

    wanted: float
    chosen_on: str
    quantile: float
    coverage: Interval
    size: Interval


@dataclass(frozen=True, slots=True, eq=False)
class Confidence:
    """All that probabilities can be asked. `risk` holds `(coverage, risk)` points; `by_label` classwise bins."""

    n: int
    ece: Interval
    adaptive_ece: Interval
    brier: Interval
    aurc: Interval
    bins: tuple[Bin, ...]
    by_label: dict[Stance, tuple[Bin, ...]]
    risk: tuple[tuple[float, float], ...]
    selective: tuple[Selective, ...]
    sets: tuple[Sets, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Sentences with probabilities: `table` `[n, K]`, gold class indices, and the number of each one's article."""

    name: str
    table: Floats
    gold: Ints
    article: Ints

    @classmethod
    def of(cls, name: str, records: Sequence[Record]) -> Scored:
        """The records that hold probabilities, ordered by their sentence."""
        scored = sorted((r for r in records if r.scores is not None), key=lambda r: r.key)
        return cls(
            name,
            np.array([r.scores for r in scored], dtype=np.float64).reshape(-1, len(Stance)),
            np.array([r.gold.id for r in scored], dtype=np.int64),
            bootstrap.numbered([r.article for r in scored]),
        )

    @property
    def top(self) -> Floats:
        """Probability of the likeliest label."""
        return np.asarray(self.table.max(1))

    @property
    def right(self) -> Floats:
        """1 where the likeliest label is gold."""
        return np.asarray(self.table.argmax(1) == self.gold, dtype=np.float64)


def judge_confidence(scored: Scored, dev: Scored | None, *, rounds: int, seed: int) -> Confidence | None:
    """All figures of `scored`; thresholds from `dev`, else from `scored` itself. None where nothing is scored."""
    if not scored.gold.size:
        return None
    draws = Draws.of(scored.article, rounds=rounds, seed=seed)
    plain = metrics.calibration(scored.table, scored.gold)
    top, right = scored.top, scored.right
    chosen = dev if dev is not None and dev.gold.size else scored
    return Confidence(
        n=int(scored.gold.size),
        ece=_binned(draws, metrics.width_bins(top, metrics.BINS), right - top),
        adaptive_ece=_binned(draws, metrics.size_bins(top, metrics.BINS), right - top),
        brier=draws.ratio(metrics.squared_errors(scored.table, scored.gold), np.ones(top.size)),
        aurc=_area(draws, top, right),
        bins=plain.bins,
        by_label={s: _label_bins(scored, s) for s in Stance},
        risk=_points(top, right),
        selective=tuple(_selective(scored, chosen, wanted, draws) for wanted in WANTED),
        sets=tuple(_sets(scored, chosen, wanted, draws) for wanted in COVERAGES),
    )


def risk_coverage(confidence: Floats, right: Floats, weight: Floats | None = None) -> tuple[Floats, Floats]:
    """`(coverage, risk)`, `[..., n]`, the surest answers first: the share answered, and what share of it is wrong.

    Answers of one confidence come in together: each has the coverage and risk of the last of them. `weight`
    `[..., n]` counts each answer so many times (0 leaves it out).
    """
    order = np.argsort(-confidence, kind="stable")
    weights = (np.ones(confidence.size) if weight is None else weight)[..., order]
    last = np.searchsorted(-confidence[order], -confidence[order], side="right") - 1
    seen, wrong = weights.cumsum(-1), (weights * (1 - right[order])).cumsum(-1)
    total = np.maximum(seen[..., -1:], 1e-12)
    return seen[..., last] / total, wrong[..., last] / np.maximum(seen[..., last], 1e-12)


def aurc(confidence: Floats, right: Floats, weight: Floats | None = None) -> Floats:
    """Area under the risk-coverage curve: the mean risk over all shares answered (0 best)."""
    _, risk = risk_coverage(confidence, right, weight)
    if weight is None:
        return np.asarray(risk.mean(-1))
    weights = weight[..., np.argsort(-confidence, kind="stable")]
    return np.asarray((risk * weights).sum(-1) / np.maximum(weights.sum(-1), 1e-12))


def _binned(draws: Draws, place: Ints, gaps: Floats) -> Interval:
    """Expected calibration error over fixed bins.

    Drawing articles again adds chance to every bin and so raises the error: the error of a draw is to that of the
    sample what the latter is to the true one. The interval is therefore the percentile one turned about the sample's
    error ("basic" bootstrap: Davison & Hinkley 1997, 5.2), within 0 to 1 and never without the figure itself.
    """
    width = int(place.max()) + 1
    columns = np.zeros((gaps.size, width + 1))
    columns[np.arange(gaps.size), place] = gaps
    columns[:, -1] = 1
    found = draws.of_sums(columns, lambda s: np.abs(s[..., :-1]).sum(-1) / np.maximum(s[..., -1], 1))
    low, high = max(0.0, 2 * found.value - found.high), min(1.0, 2 * found.value - found.low)
    return Interval(found.value, min(found.value, low), max(found.value, high))


def _area(draws: Draws, top: Floats, right: Floats) -> Interval:
    rounds = np.concatenate([aurc(top, right, w) for w in draws.sentence_weights()])
    return Interval(float(aurc(top, right)), *bootstrap.bounds(rounds))


def _label_bins(scored: Scored, stance: Stance) -> tuple[Bin, ...]:
    """Classwise reliability: how often gold is `stance` where its probability lies in a bin."""
    given, held = scored.table[:, stance.id], (scored.gold == stance.id).astype(np.float64)
    place = metrics.width_bins(given, LABEL_BINS)
    return tuple(metrics.bin_of(i, LABEL_BINS, given[place == i], held[place == i]) for i in range(LABEL_BINS))


def _points(top: Floats, right: Floats) -> tuple[tuple[float, float], ...]:
    coverage, risk = risk_coverage(top, right)
    wanted = np.linspace(0, 1, STEPS + 1)[1:]
    at = np.minimum(np.searchsorted(coverage, wanted - 1e-9), coverage.size - 1)
    return tuple((float(coverage[i]), float(risk[i])) for i in dict.fromkeys(at.tolist()))


def _selective(scored: Scored, chosen: Scored, wanted: float, draws: Draws) -> Selective:
    threshold = metrics.coverage_at(wanted, chosen.top, chosen.right).threshold
    if threshold is None:
        return Selective(wanted, chosen.name, None, None, None)
    kept = (scored.top >= threshold).astype(np.float64)
    if not kept.any():
        return Selective(wanted, chosen.name, threshold, None, None)
    coverage = draws.ratio(kept, np.ones(kept.size))
    return Selective(wanted, chosen.name, threshold, coverage, draws.ratio(kept * scored.right, kept))


def _sets(scored: Scored, chosen: Scored, wanted: float, draws: Draws) -> Sets:
    quantile = conformal_quantile(chosen.table[np.arange(chosen.gold.size), chosen.gold].tolist(), wanted)
    sets = [label_set({s.value: float(row[s.id]) for s in Stance}, quantile) for row in scored.table]
    held = np.array([Stance.from_id(int(g)) in s for g, s in zip(scored.gold, sets, strict=True)], dtype=np.float64)
    ones = np.ones(held.size)
    sizes = np.array([len(s) for s in sets], dtype=np.float64)
    return Sets(wanted, chosen.name, quantile, draws.ratio(held, ones), draws.ratio(sizes, ones))
