"""Intervals draw whole articles, are the same for a seed, and cover what they say they cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eval import bootstrap, metrics


def clustered(articles: int, per: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Sentences whose difficulty is that of their article: .5 or .9 right, half and half."""
    ids = np.repeat(np.arange(articles), per)
    right = rng.random(articles * per) < rng.choice([0.5, 0.9], articles)[ids]
    gold = rng.integers(0, 4, articles * per)
    return gold, np.where(right, gold, (gold + 1) % 4), ids.tolist()


def test_article_matrices_add_up_to_the_whole() -> None:
    gold, given, ids = clustered(9, 5, np.random.default_rng(1))
    counts = bootstrap.by_article(gold, given, ids)
    assert counts.shape == (9, 4, 5)
    assert (counts.sum(0) == metrics.confusion(gold, given)).all()
    assert (counts[3] == metrics.confusion(gold[15:20], given[15:20])).all()


def test_a_round_is_the_sum_of_whole_articles() -> None:
    gold, given, ids = clustered(6, 4, np.random.default_rng(2))
    counts = bootstrap.by_article(gold, given, ids)
    (totals,) = bootstrap.resampled(counts, rounds=300, seed=3)
    assert totals.shape == (300, 4, 5)
    assert (totals.sum((1, 2)) == 24).all()
    rng = np.random.default_rng(3)
    first = rng.integers(0, 6, size=(300, 6))[0]
    assert (totals[0] == counts[first].sum(0)).all()


def test_draws_do_not_depend_on_how_many_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = bootstrap.by_article(*clustered(7, 3, np.random.default_rng(4)))
    whole = bootstrap.resampled(counts, rounds=50, seed=5)[0]
    monkeypatch.setattr(bootstrap, "_CELLS", 20)
    assert (bootstrap.resampled(counts, rounds=50, seed=5)[0] == whole).all()


def test_the_same_seed_gives_the_same_interval() -> None:
    counts = bootstrap.by_article(*clustered(20, 5, np.random.default_rng(6)))
    one, two = (bootstrap.interval(metrics.macro_f1, counts, rounds=200, seed=13) for _ in range(2))
    assert one == two
    assert one.low < one.value < one.high
    assert one != bootstrap.interval(metrics.macro_f1, counts, rounds=200, seed=14)


def test_a_single_article_has_an_interval_without_width() -> None:
    counts = bootstrap.by_article([0, 1, 2, 3], [0, 1, 2, 0], ["a"] * 4)
    found = bootstrap.interval(metrics.accuracy, counts, rounds=100, seed=1)
    assert (found.value, found.low, found.high) == (0.75, 0.75, 0.75)


def test_articles_are_wider_than_sentences() -> None:
    gold, given, ids = clustered(40, 25, np.random.default_rng(7))
    by_article = bootstrap.interval(metrics.accuracy, bootstrap.by_article(gold, given, ids), rounds=500)
    alone = bootstrap.by_article(gold, given, list(range(gold.size)))
    by_sentence = bootstrap.interval(metrics.accuracy, alone, rounds=500)
    assert by_article.high - by_article.low > 1.5 * (by_sentence.high - by_sentence.low)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(8)
    held = 0
    for i in range(200):
        counts = bootstrap.by_article(*clustered(50, 8, rng))
        found = bootstrap.interval(metrics.accuracy, counts, rounds=300, seed=i)
        held += found.low <= 0.7 <= found.high
    assert 0.89 <= held / 200 <= 0.99


def test_f1_of_a_rare_label_is_taken_over_rounds_that_hold_it() -> None:
    gold, given = [0] * 40 + [1], [0] * 40 + [1]
    counts = bootstrap.by_article(gold, given, list(range(41)))
    (totals,) = bootstrap.resampled(counts, rounds=200, seed=1)
    summary = bootstrap.label_summary(metrics.f1, counts, totals)
    assert (summary[1].value, summary[1].low, summary[1].high) == (1, 1, 1)
    assert (summary[2].value, summary[2].low, summary[2].high) == (0, 0, 0)


def test_a_run_against_itself_is_a_tie() -> None:
    counts = bootstrap.by_article(*clustered(20, 5, np.random.default_rng(9)))
    same = bootstrap.difference(metrics.macro_f1, counts, counts, rounds=200)
    assert (same.value, same.low, same.high, same.p, same.tie) == (0, 0, 0, 1, True)


def test_pairing_sees_what_two_intervals_cannot() -> None:
    gold, given, ids = clustered(60, 10, np.random.default_rng(10))
    better = np.where(np.arange(gold.size) % 12 == 0, gold, given)
    first, second = (bootstrap.by_article(gold, g, ids) for g in (better, given))
    gap = bootstrap.difference(metrics.accuracy, first, second, rounds=1000)
    ahead, behind = (bootstrap.interval(metrics.accuracy, c, rounds=1000) for c in (first, second))
    assert behind.high > ahead.low
    assert 0 < gap.low < gap.value < gap.high
    assert gap.p < 0.01
    back = bootstrap.difference(metrics.accuracy, second, first, rounds=1000)
    assert (back.value, back.low, back.high, back.p) == pytest.approx((-gap.value, -gap.high, -gap.low, gap.p))


def test_p_of_no_difference_is_rarely_small() -> None:
    rng, small = np.random.default_rng(11), 0
    for i in range(100):
        gold, one, ids = clustered(40, 5, rng)
        swap = rng.random(gold.size) < 0.5
        other = np.where(rng.random(gold.size) < 0.7, gold, (gold + 1) % 4)
        first, second = np.where(swap, one, other), np.where(swap, other, one)
        counts = (bootstrap.by_article(gold, g, ids) for g in (first, second))
        small += bootstrap.difference(metrics.accuracy, *counts, rounds=200, seed=i).p < 0.05
    assert small <= 13


def test_mcnemar_exact_and_by_chi_square() -> None:
    first, second = [True] * 9 + [False] * 2, [False] * 9 + [True] * 2
    few = bootstrap.mcnemar(first, second)
    assert (few.only_first, few.only_second, few.method) == (9, 2, "exact")
    assert few.p == pytest.approx(stats.binomtest(2, 11).pvalue)
    many = bootstrap.mcnemar(first * 5, second * 5)
    assert many.p == pytest.approx(stats.chi2.sf((45 - 10 - 1) ** 2 / 55, 1))
    assert bootstrap.mcnemar([True], [True]).p == 1
    with pytest.raises(ValueError, match="answers to the same sentences"):
        bootstrap.mcnemar([True], [True, False])


def test_other_articles_are_refused() -> None:
    one = bootstrap.by_article([0], [0], ["a"])
    with pytest.raises(ValueError, match="expected counts of the same articles"):
        bootstrap.resampled(one, np.concatenate([one, one]), rounds=10, seed=1)
    with pytest.raises(ValueError, match=r"expected an article per gold label \(1\), found 2"):
        bootstrap.by_article([0], [0], ["a", "b"])
