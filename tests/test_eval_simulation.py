"""Do the statistics keep what they promise? Test sets drawn from a world whose truth is known.

In that world articles differ: some are hard for every run, some suit one run and not another, and each has its own mix
of labels. Sentences of an article therefore resemble each other, as those of real news do.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy import stats

from eval import bootstrap, metrics
from eval.metrics import Floats, Ints
from eval.paired import Contrast, contrasts, holm

MIX = np.array([4.0, 1.0, 2.0, 1.0])
"""Of the labels, before each article has its own (Dirichlet)."""


def world(
    rng: np.random.Generator, articles: int, *skills: float, own: float = 0.5, longest: int = 11
) -> tuple[Ints, Ints, list[Ints]]:
    """Article and gold label of each sentence, and what a run of each skill (log odds of being right) says.

    What an article adds to the log odds has a standard deviation of 1 for all runs together and of `own` for each; it
    has 1 to `longest` sentences.
    """
    place = np.repeat(np.arange(articles), rng.integers(1, longest + 1, articles))
    mix = rng.dirichlet(MIX, articles).cumsum(1)[place, :3]
    gold = (rng.random((place.size, 1)) > mix).sum(1)
    hard = rng.normal(0, 1, articles)
    given = []
    for skill in skills:
        odds = skill + hard + rng.normal(0, own, articles)
        right = rng.random(place.size) < 1 / (1 + np.exp(-odds[place]))
        given.append(np.where(right, gold, (gold + rng.integers(1, 4, place.size)) % 4))
    return place, gold, given


def truth(*skills: float) -> Floats:
    """Macro-F1 of each skill over more articles than anybody has."""
    _, gold, given = world(np.random.default_rng(0), 200_000, *skills)
    return np.array([metrics.macro_f1(metrics.confusion(gold, g)) for g in given])


def weighed(rng: np.random.Generator, place: Ints, gold: Ints, given: list[Ints], rounds: int = 400) -> list[Contrast]:
    """Macro-F1 of all pairs of runs on one test set."""
    counts = np.stack([bootstrap.by_article(gold, g, place.tolist()) for g in given], axis=1)
    pairs = list(combinations(range(len(given)), 2))
    seed = int(rng.integers(1 << 31))
    return [c["macro_f1"] for c in contrasts(counts, pairs, {"macro_f1": metrics.macro_f1}, rounds=rounds, seed=seed)]


def pairs(sets: int, articles: int, *skills: float, seed: int, **shape: Any) -> list[list[Contrast]]:
    """The same for many test sets."""
    rng = np.random.default_rng(seed)
    return [weighed(rng, *world(rng, articles, *skills, **shape)) for _ in range(sets)]


def share_found(found: list[list[Contrast]]) -> float:
    """How often a pair is called different at 5 %, without adjustment."""
    return float(np.mean([c.difference.p < 0.05 for contrasts_of_set in found for c in contrasts_of_set]))


@pytest.mark.parametrize(("articles", "least"), [(40, 0.9), (120, 0.92)])
def test_intervals_hold_the_true_macro_f1_in_95_of_100_test_sets(articles: int, least: float) -> None:
    rng, (true,) = np.random.default_rng(1), truth(1.5)
    held, naive, sets = 0, 0, 400
    for i in range(sets):
        place, gold, (given,) = world(rng, articles, 1.5)
        ids = (place.tolist(), list(range(gold.size)))
        by_article, by_sentence = (
            bootstrap.interval(metrics.macro_f1, bootstrap.by_article(gold, given, a), rounds=500, seed=i) for a in ids
        )
        held += by_article.low <= true <= by_article.high
        naive += by_sentence.low <= true <= by_sentence.high
    assert least <= held / sets <= 0.98
    assert naive / sets < 0.89, "drawing sentences promises too much"


def test_equal_runs_are_called_different_in_5_of_100_pairs() -> None:
    assert 0.03 <= share_found(pairs(1000, 80, 1.5, 1.5, seed=2)) <= 0.07


def test_few_articles_find_too_much_and_five_find_nothing() -> None:
    assert share_found(pairs(100, 5, 1.5, 1.5, seed=3)) == 0
    assert 0.08 <= share_found(pairs(1000, 10, 1.5, 1.5, seed=3)) <= 0.14, "what the note of `compare` says"


def test_holm_keeps_a_false_finding_among_ten_pairs_rare() -> None:
    """Five equal runs on a test set of the size of ours."""
    sets = pairs(600, 200, *[1.5] * 5, seed=4, longest=3)
    p = np.array([[c.difference.p for c in found] for found in sets])
    assert p.shape == (600, 10)
    assert np.mean([min(holm(row)) < 0.05 for row in p.tolist()]) <= 0.06
    assert np.mean(p.min(axis=1) < 0.05) > 0.2, "without adjustment somebody would often seem to win"


def test_what_a_test_set_could_have_shown_is_found_in_80_of_100() -> None:
    """Plan a test set by `detectable`, as a user would, then draw many of its size."""
    skills = (1.5, 1.1)
    better, worse = truth(*skills)
    pilot = np.mean([c.detectable for (c,) in pairs(100, 60, *skills, seed=5)])
    articles = round(60 * (pilot / (better - worse)) ** 2)
    sets = pairs(600, articles, *skills, seed=6)
    assert np.mean([c.detectable for (c,) in sets]) == pytest.approx(better - worse, rel=0.05)
    assert 0.75 <= share_found(sets) <= 0.85


def test_mcnemar_never_errs_more_often_than_it_says() -> None:
    """Summed up, not drawn: of n sentences that one run alone has right, equal runs share as a coin would."""
    for n in range(1, 121):
        p = [bootstrap.mcnemar([True] * b + [False] * (n - b), [False] * b + [True] * (n - b)).p for b in range(n + 1)]
        assert stats.binom.pmf(np.flatnonzero(np.array(p) < 0.05), n, 0.5).sum() <= 0.05


def test_mcnemar_is_misled_by_articles_and_the_bootstrap_is_not() -> None:
    """Equal runs, but each has articles that suit it: many votes for McNemar, few for the bootstrap."""
    rng, found = np.random.default_rng(7), []
    for _ in range(400):
        place, gold, given = world(rng, 60, 1.0, 1.0, own=1.0, longest=15)
        (paired,) = weighed(rng, place, gold, given)
        mcnemar = bootstrap.mcnemar(given[0] == gold, given[1] == gold)
        found.append((mcnemar.p < 0.05, paired.difference.p < 0.05))
    misled, paired_found = np.mean(found, axis=0)
    assert misled > 0.13
    assert paired_found < 0.09
