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
from typing import Any

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


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """The same draws of articles for any figure of some sentences: `article` `[n]` numbers each one's article from 0,
    `times` `[rounds, articles]` says how often each article is drawn."""

    article: Ints
    times: Floats

    @classmethod
    def of(cls, article: Ints, *, rounds: int, seed: int) -> Draws:
        """For one sentence at least."""
        return cls(article, np.concatenate(list(_draws(int(article.max()) + 1, rounds, seed))))

    def of_sums(self, columns: Floats, statistic: Callable[[Floats], Floats]) -> Interval:
        """A figure that depends on the sums of `columns` `[n, D]` alone; `statistic` takes `[..., D]`."""
        parts = self._by_article(columns)
        return Interval(float(statistic(parts.sum(0))), *bounds(statistic(self.times @ parts)))

    def ratio(self, above: Floats, below: Floats) -> Interval:
        """Sum of `above` over sum of `below`, each `[n]`; 0 where the latter is 0.

        The interval is over the draws in which it is not, as there is no such figure in the others.
        """
        parts = self._by_article(np.stack([above, below], 1))
        total, rounds = parts.sum(0), self.times @ parts
        held = rounds[rounds[:, 1] > 0]
        return Interval(float(total[0] / total[1]) if total[1] else 0.0, *bounds(held[:, 0] / held[:, 1]))

    def _by_article(self, columns: Floats) -> Floats:
        parts = np.zeros((self.times.shape[1], columns.shape[1]))
        np.add.at(parts, self.article, columns)
        return parts

    def sentence_weights(self) -> Iterator[Floats]:
        """How often each sentence is drawn, `[some rounds, n]` at a time."""
        step = max(1, _CELLS // (8 * self.article.size))
        for start in range(0, len(self.times), step):
            yield self.times[start : start + step, self.article]


def numbered(articles: Sequence[Hashable]) -> Ints:
    """A number from 0 for each of `articles`, in the order in which they first occur."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(a, len(numbers)) for a in articles], dtype=np.int64)


def by_article(gold: ArrayLike, given: ArrayLike, articles: Sequence[Hashable]) -> Ints:
    """A confusion matrix per article, `[articles, K, K + 1]`, in the order in which articles first occur."""
    rows, columns = np.asarray(gold, dtype=np.int64), np.asarray(given, dtype=np.int64)
    metrics.confusion(rows, columns)
    if len(articles) != rows.size:
        raise ValueError(f"expected an article per gold label ({rows.size}), found {len(articles)}")
    place = numbered(articles)
    total = int(place.max()) + 1 if place.size else 0
    k = len(Stance)
    columns = np.where(columns == metrics.NO_LABEL, k, columns)
    flat = np.bincount((place * k + rows) * (k + 1) + columns, minlength=total * k * (k + 1))
    return flat.reshape(total, k, k + 1).astype(np.int64)


def resampled(*counts: NDArray[Any], rounds: int, seed: int) -> tuple[Floats, ...]:
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


def summary(statistic: Statistic, counts: NDArray[Any], totals: Floats) -> Interval:
    """`interval` from rounds already drawn by `resampled`."""
    low, high = bounds(statistic(totals))
    return Interval(float(statistic(counts.sum(0))), low, high)


def label_summary(statistic: Statistic, counts: Ints, totals: Floats) -> tuple[Interval, ...]:
    """A figure of each label with its interval, over the rounds in which gold holds that label."""
    values, rounds = statistic(counts.sum(0)), statistic(totals)
    held = totals.sum(-1) > 0
    ends = [bounds(rounds[held[:, k], k]) for k in range(values.size)]
    return tuple(Interval(float(v), *b) for v, b in zip(values, ends, strict=True))


def difference(statistic: Statistic, first: Ints, second: Ints, *, rounds: int = 1000, seed: int = 13) -> Difference:
    """Paired: both runs are weighed on the same drawn articles in every round."""
    draws = resampled(first, second, rounds=rounds, seed=seed)
    return difference_summary(statistic, (first, second), draws)


def difference_summary(statistic: Statistic, counts: tuple[Ints, Ints], draws: tuple[Floats, ...]) -> Difference:
    """`difference` from rounds already drawn by `resampled`."""
    value = float(statistic(counts[0].sum(0)) - statistic(counts[1].sum(0)))
    gaps = statistic(draws[0]) - statistic(draws[1])
    beyond = min(np.count_nonzero(gaps <= 0), np.count_nonzero(gaps >= 0))
    return Difference(value, *bounds(gaps), p=min(1.0, 2 * (1 + beyond) / (1 + gaps.size)))


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


def bounds(values: Floats) -> tuple[float, float]:
    """Ends of the 95 % percentile interval of drawn figures."""
    if not values.size:
        return 0.0, 0.0
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
