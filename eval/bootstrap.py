"""How sure are the figures? Resampling of whole articles, and tests for two runs on the same sentences.

Sentences of one article resemble each other, so articles are drawn, never sentences. Each
article is boiled down to its confusion matrix first: a round is then a weighted sum.

>>> counts = by_article([0, 1, 1, 2], [0, 1, 2, 2], ["a", "a", "b", "b"])
>>> interval(metrics.accuracy, counts, rounds=200, seed=13).value
0.75
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from eval import metrics
from eval.metrics import Floats, Ints
from isnad.labels import Stance

Statistic = Callable[[ArrayLike], Floats]
"""A stack of confusion matrices in, a figure (or one per label) for each out."""

LEVEL = 0.95
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % percentile interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference(Interval):
    """First minus second, its interval, and the two-sided p of "no difference"."""

    p: float

    @property
    def tie(self) -> bool:
        """Whether the interval holds zero."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class McNemar:
    """Sentences that only one of two runs has right, and how likely that would be by chance."""

    only_first: int
    only_second: int
    p: float
    method: str


def by_article(gold: ArrayLike, given: ArrayLike, articles: Sequence[Hashable]) -> Ints:
    """A confusion matrix per article, `[articles, K, K + 1]`, in the order in which articles first occur."""
    rows, columns = np.asarray(gold, dtype=np.int64), np.asarray(given, dtype=np.int64)
    metrics.confusion(rows, columns)
    if len(articles) != rows.size:
        raise ValueError(f"expected an article per gold label ({rows.size}), found {len(articles)}")
    numbers: dict[Hashable, int] = {}
    place = np.array([numbers.setdefault(a, len(numbers)) for a in articles], dtype=np.int64)
    k = len(Stance)
    columns = np.where(columns == metrics.NO_LABEL, k, columns)
    flat = np.bincount((place * k + rows) * (k + 1) + columns, minlength=len(numbers) * k * (k + 1))
    return flat.reshape(len(numbers), k, k + 1).astype(np.int64)


def resampled(*counts: Ints, rounds: int, seed: int) -> tuple[Floats, ...]:
    """Confusion matrices `[rounds, K, K + 1]` of articles drawn with replacement, the same draw for all `counts`."""
    lengths = {len(c) for c in counts}
    if len(lengths) != 1 or not lengths - {0}:
        raise ValueError(f"expected counts of the same articles, at least one, found {sorted(lengths)}")
    flat = [c.reshape(len(c), -1).astype(np.float64) for c in counts]
    sums = [[weights @ f for weights in _draws(len(f), rounds, seed)] for f in flat]
    return tuple(np.concatenate(s).reshape(rounds, *c.shape[1:]) for s, c in zip(sums, counts, strict=True))


def interval(statistic: Statistic, counts: Ints, *, rounds: int = 1000, seed: int = 13) -> Interval:
    """One figure with its interval; with a single article the interval has no width."""
    return summary(statistic, counts, resampled(counts, rounds=rounds, seed=seed)[0])


def summary(statistic: Statistic, counts: Ints, totals: Floats) -> Interval:
    """`interval` from rounds already drawn by `resampled`."""
    low, high = _bounds(statistic(totals))
    return Interval(float(statistic(counts.sum(0))), low, high)


def f1_summary(counts: Ints, totals: Floats) -> tuple[Interval, ...]:
    """F1 of each label with its interval, over the rounds in which gold holds that label."""
    values, rounds = metrics.f1(counts.sum(0)), metrics.f1(totals)
    held = totals.sum(-1) > 0
    bounds = [_bounds(rounds[held[:, k], k]) for k in range(values.size)]
    return tuple(Interval(float(v), *b) for v, b in zip(values, bounds, strict=True))


def difference(statistic: Statistic, first: Ints, second: Ints, *, rounds: int = 1000, seed: int = 13) -> Difference:
    """Paired: both runs are weighed on the same drawn articles in every round."""
    draws = resampled(first, second, rounds=rounds, seed=seed)
    return difference_summary(statistic, (first, second), draws)


def difference_summary(statistic: Statistic, counts: tuple[Ints, Ints], draws: tuple[Floats, ...]) -> Difference:
    """`difference` from rounds already drawn by `resampled`."""
    value = float(statistic(counts[0].sum(0)) - statistic(counts[1].sum(0)))
    gaps = statistic(draws[0]) - statistic(draws[1])
    beyond = min(np.count_nonzero(gaps <= 0), np.count_nonzero(gaps >= 0))
    return Difference(value, *_bounds(gaps), p=min(1.0, 2 * (1 + beyond) / (1 + gaps.size)))


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """Exact below 25 sentences on which the runs disagree, chi-square with continuity correction from there."""
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape:
        raise ValueError(f"expected answers to the same sentences ({first.size}), found {second.size}")
    b, c = int(np.count_nonzero(first & ~second)), int(np.count_nonzero(~first & second))
    if b + c == 0:
        return McNemar(b, c, 1.0, "exact")
    if b + c < 25:
        return McNemar(b, c, float(stats.binomtest(b, b + c, 0.5).pvalue), "exact")
    chi2 = max(abs(b - c) - 1, 0) ** 2 / (b + c)
    return McNemar(b, c, float(stats.chi2.sf(chi2, 1)), "chi-square, continuity correction")


def _draws(articles: int, rounds: int, seed: int) -> Iterator[Floats]:
    """How often each article is drawn, `[some rounds, articles]` at a time; the same for a seed, always."""
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // articles)
    for start in range(0, rounds, step):
        here = min(step, rounds - start)
        drawn = rng.integers(0, articles, size=(here, articles)) + np.arange(here)[:, None] * articles
        weights: NDArray[np.int64] = np.bincount(drawn.ravel(), minlength=here * articles)
        yield weights.reshape(here, articles).astype(np.float64)


def _bounds(values: Floats) -> tuple[float, float]:
    if not values.size:
        return 0.0, 0.0
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
