"""Effect sizes, Holm and McNemar against the formulas by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eval import bootstrap, metrics
from eval.paired import contrasts, difference_of, effect_of, holm


def test_holm_by_hand() -> None:
    # Holm 1979: sorted .005, .01, .03, .04 times 4, 3, 2, 1, each at least the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6, 0.001]) == pytest.approx([1, 1, 0.003])
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_step_down_procedure(p: list[float]) -> None:
    """Rejecting where the adjusted p is below .05 is what Holm's procedure does: stop at the first that stays above."""
    rejected = set()
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[i] * (len(p) - rank) >= 0.05:
            break
        rejected.add(i)
    adjusted = holm(p)
    assert {i for i, q in enumerate(adjusted) if q < 0.05} == rejected
    assert all(p[i] <= q <= 1 for i, q in enumerate(adjusted))
    assert sorted(range(len(p)), key=lambda i: p[i]) == sorted(range(len(p)), key=lambda i: (adjusted[i], p[i]))


@pytest.mark.parametrize(("b", "c"), [(0, 1), (3, 9), (12, 12), (1, 23)])
def test_mcnemar_is_the_binomial_test_by_hand(b: int, c: int) -> None:
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    found = bootstrap.mcnemar([True] * b + [False] * c, [False] * b + [True] * c)
    assert (found.only_first, found.only_second, found.method) == (b, c, "exact")
    assert found.p == pytest.approx(min(1, 2 * tail))


def test_mcnemar_of_many_is_chi_square_by_hand() -> None:
    found = bootstrap.mcnemar([True] * 121 + [False] * 59, [False] * 121 + [True] * 59)
    statistic = (abs(121 - 59) - 1) ** 2 / (121 + 59)  # Edwards' correction, as statsmodels' mcnemar(exact=False)
    assert found.p == pytest.approx(math.erfc(math.sqrt(statistic / 2)))
    assert found.method.startswith("chi-square")


def test_effect_sizes_by_hand() -> None:
    found = effect_of(30, 10)
    assert (found.g, found.odds_ratio) == (0.25, 3)
    share = stats.binomtest(30, 40).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((share.low / (1 - share.low), share.high / (1 - share.high)))
    turned = effect_of(10, 30)
    assert (turned.g, turned.odds_ratio) == (-0.25, pytest.approx(1 / 3))
    assert (turned.low, turned.high) == pytest.approx((1 / (found.high or 0), 1 / found.low))


def test_effect_sizes_where_one_side_is_empty() -> None:
    ahead, behind, never = effect_of(5, 0), effect_of(0, 5), effect_of(0, 0)
    assert (ahead.g, ahead.odds_ratio, ahead.high) == (0.5, None, None)
    assert ahead.low == pytest.approx(0.025**0.2 / (1 - 0.025**0.2))
    assert (behind.g, behind.odds_ratio, behind.low) == (-0.5, 0, 0)
    assert (never.g, never.odds_ratio, never.low, never.high) == (0, None, 0, None)


@pytest.mark.parametrize(("articles", "least"), [(1, 1.0), (3, 0.25), (5, 0.0625), (6, 0.03125)])
def test_few_articles_cannot_show_anything(articles: int, least: float) -> None:
    assert difference_of(0.2, np.full(10_000, 0.2), articles).p == least


def test_what_could_have_been_shown_is_2_8_standard_errors() -> None:
    """Accuracy of runs that differ on a sentence an article: its standard error is known."""
    rng = np.random.default_rng(1)
    gold, one, two = np.zeros(500, dtype=int), rng.integers(0, 2, 500), rng.integers(0, 2, 500)
    counts = np.stack([bootstrap.by_article(gold, given, list(range(500))) for given in (one, two)], axis=1)
    (found,) = contrasts(counts, [(0, 1)], {"accuracy": metrics.accuracy}, rounds=20_000, seed=1)
    gaps = (one == 0).astype(float) - (two == 0)
    assert found["accuracy"].detectable == pytest.approx(2.8 * gaps.std() / 500**0.5, rel=0.02)
    z = stats.norm
    assert z.cdf(2.8 - z.isf(0.025)) == pytest.approx(0.8, abs=0.001), "power of a two-sided test at 5 %"
