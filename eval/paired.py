"""Statistics of two runs on the same sentences: difference, effect size, adjustment for many pairs. Pure functions.

>>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
[0.03, 0.06, 0.06]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from eval.bootstrap import LEVEL, Difference, Statistic, bounds, resampled
from eval.metrics import Floats, Ints

SHOWN = 2.80
"""Standard errors of a difference that two-sided 5 % finds with a power of 80 %: 1.96 + 0.84."""


@dataclass(frozen=True, slots=True)
class Effect:
    """How lopsided the disagreement is that McNemar's test looks at.

    `g` is Cohen's (1988): the first run's share of the sentences that only one run has right, less one half (-.5 to
    .5, 0 where there are none; .05 is small, .15 medium, .25 large). `odds_ratio` is only_first / only_second; `low`
    and `high` are its exact 95 % interval (Clopper-Pearson on the share). None stands for "without bound", and
    for a ratio of nothing to nothing.
    """

    g: float
    odds_ratio: float | None
    low: float
    high: float | None


@dataclass(frozen=True, slots=True)
class Contrast:
    """One figure of two runs: their difference, and the smallest that 8 of 10 such test sets would show."""

    difference: Difference
    detectable: float


def contrasts(
    counts: Ints, pairs: Sequence[tuple[int, int]], figures: Mapping[str, Statistic], *, rounds: int, seed: int
) -> list[dict[str, Contrast]]:
    """Every figure of every pair of runs, first minus second, from one draw of articles for all.

    `counts` `[articles, runs, K, K + 1]` are confusion matrices; `pairs` are places of runs.
    """
    totals = resampled(counts, rounds=rounds, seed=seed)[0]
    whole = {name: figure(counts.sum(0)) for name, figure in figures.items()}
    drawn = {name: figure(totals) for name, figure in figures.items()}

    def contrast(name: str, i: int, j: int) -> Contrast:
        gaps = drawn[name][:, i] - drawn[name][:, j]
        value = float(whole[name][i] - whole[name][j])
        return Contrast(difference_of(value, gaps, len(counts)), SHOWN * float(gaps.std(ddof=1)))

    return [{name: contrast(name, i, j) for name in figures} for i, j in pairs]


def effect_of(only_first: int, only_second: int) -> Effect:
    """Effect sizes from the sentences that only the first, and only the second, of two runs has right."""
    b, c = only_first, only_second
    tail = (1 - LEVEL) / 2
    low = float(stats.beta.ppf(tail, b, c + 1)) if b else 0.0
    high = float(stats.beta.isf(tail, b + 1, c)) if c else None
    return Effect(
        g=b / (b + c) - 0.5 if b + c else 0.0,
        odds_ratio=b / c if c else None,
        low=low / (1 - low),
        high=None if high is None else high / (1 - high),
    )


def difference_of(value: float, gaps: Floats, articles: int) -> Difference:
    """A difference from what each draw of `articles` articles made of it, `gaps` `[rounds]`.

    p is twice the smaller share of draws on one side of zero, and never below `least_p`.
    """
    gaps = gaps.round(12)
    beyond = int(min(np.count_nonzero(gaps <= 0), np.count_nonzero(gaps >= 0)))
    p = max(2 * (1 + beyond) / (1 + gaps.size), least_p(articles))
    return Difference(value, *bounds(gaps), p=min(1.0, p))


def least_p(articles: int) -> float:
    """p of a sign test in which all articles agree: 1 for one article, .06 for five, .002 for ten.

    A bootstrap knows no such limit: of a single article all draws are the same, and its p is as small as it can be.
    """
    return float(2.0 ** (1 - articles))


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted so that the chance of any false finding among them stays at the level (Holm 1979)."""
    adjusted, highest = list(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = highest
    return adjusted
