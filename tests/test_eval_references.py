"""Figures of `eval` and of `isnad annotate agreement` on random inputs, against the libraries that others use for them.

What one figure alone asks for stands with it (`test_eval_metrics.py`: scikit-learn; `test_eval_confidence.py`: netcal;
`test_eval_stress.py`: Wilson; `test_eval_paired.py`: Clopper-Pearson). Here: what is drawn, weighted and read twice.
"""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk
from sklearn.metrics import cohen_kappa_score

from eval import bootstrap, metrics
from eval.bootstrap import Draws
from eval.metrics import Floats, Ints
from isnad.annotate.agreement import LABELS, Pair, agreement
from isnad.examples import Unit
from isnad.labels import SKIP, Stance

K = len(Stance)
seeds = st.integers(0, 2**32 - 1)


def answers(seed: int, n: int, articles: int) -> tuple[Ints, Ints, Ints]:
    """Gold, given (some none) and article of `n` sentences, labels of any frequency."""
    rng = np.random.default_rng(seed)
    gold = rng.choice(K, n, p=rng.dirichlet(np.ones(K)))
    given = np.where(rng.random(n) < rng.random(), gold, rng.integers(metrics.NO_LABEL, K, n))
    return gold, given, bootstrap.numbered(rng.integers(0, articles, n).tolist())


def theirs(gold: Ints, given: Ints, weight: Floats) -> dict[str, float]:
    """scikit-learn's figures where each sentence counts `weight` times."""
    held = {"labels": np.unique(gold[weight > 0]), "average": "macro", "zero_division": 0}
    return {
        "accuracy": sk.accuracy_score(gold, given, sample_weight=weight),
        "macro_f1": sk.f1_score(gold, given, sample_weight=weight, **held),
        "mcc": sk.matthews_corrcoef(gold, given, sample_weight=weight),
    }


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(seeds, st.integers(1, 60), st.integers(1, 9))
@settings(max_examples=40)
def test_a_drawn_figure_is_that_of_scikit_learn_with_the_articles_as_weights(seed: int, n: int, articles: int) -> None:
    gold, found, article = answers(seed, n, articles)
    counts = bootstrap.by_article(gold, found, article.tolist())
    (totals,) = bootstrap.resampled(counts, rounds=4, seed=seed)
    times = Draws.of(article, rounds=4, seed=seed).times
    for total, drawn in zip(totals, times, strict=True):
        expected = theirs(gold, found, drawn[article])
        for name, statistic in (("accuracy", metrics.accuracy), ("macro_f1", metrics.macro_f1), ("mcc", metrics.mcc)):
            assert float(statistic(total)) == pytest.approx(expected[name], abs=1e-9)


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(seeds, st.integers(1, 60))
@settings(max_examples=40)
def test_figures_of_a_label_are_those_of_scikit_learn_with_weights(seed: int, n: int) -> None:
    gold, found, article = answers(seed, n, 5)
    counts = bootstrap.by_article(gold, found, article.tolist())
    weights = np.random.default_rng(seed).random(len(counts)) + 0.1
    total = (weights[:, None, None] * counts).sum(0)
    expected = sk.precision_recall_fscore_support(
        gold, found, labels=range(K), sample_weight=weights[article], zero_division=0
    )
    for figure, wanted in zip((metrics.precision, metrics.recall, metrics.f1), expected, strict=False):
        assert figure(total) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_that_of_scipy(seed: int) -> None:
    """The percentile interval of a ratio over articles drawn with replacement; both ends within the noise of draws."""
    gold, found, article = answers(seed, 900, 120)
    counts = bootstrap.by_article(gold, found, article.tolist())
    right, sizes = np.trace(counts, axis1=1, axis2=2).astype(float), counts.sum((1, 2)).astype(float)
    ours = bootstrap.interval(metrics.accuracy, counts, rounds=20_000, seed=13)
    ends = stats.bootstrap(
        (right, sizes),
        lambda r, s, axis=-1: r.sum(axis) / s.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    width = ours.high - ours.low
    assert (ours.low, ours.high) == pytest.approx((ends.low, ends.high), abs=0.04 * width)
    draws = Draws.of(article, rounds=20_000, seed=13).ratio((gold == found).astype(float), np.ones(gold.size))
    assert (draws.value, draws.low, draws.high) == pytest.approx((ours.value, ours.low, ours.high))


def test_a_ratio_leaves_out_the_draws_in_which_there_is_none() -> None:
    """One article of four holds what is asked for: a third of the draws lack it, and say nothing of it."""
    article = np.array([0, 0, 1, 2, 3])
    held, right = np.array([1.0, 1, 0, 0, 0]), np.array([1.0, 0, 0, 0, 0])
    found = Draws.of(article, rounds=500, seed=1).ratio(right, held)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    nothing = Draws.of(article, rounds=500, seed=1).ratio(np.zeros(5), np.zeros(5))
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200))
def test_mcnemar_is_that_of_scipy(right: list[tuple[bool, bool]]) -> None:
    first, second = (list(side) for side in zip(*right, strict=True))
    found = bootstrap.mcnemar(first, second)
    b, c = found.only_first, found.only_second
    assert (b, c) == (sum(x > y for x, y in right), sum(x < y for x, y in right))
    if b + c >= 25:
        corrected = stats.chi2.sf(max(abs(b - c) - 1, 0) ** 2 / (b + c), 1)
        assert (found.p, found.method.split(",")[0]) == (pytest.approx(corrected), "chi-square")
    elif b + c:
        assert found.p == pytest.approx(stats.binomtest(b, b + c).pvalue)


# --- two readers ----------------------------------------------------------------------------------------


def read(label: str) -> Unit:
    stance = None if label == SKIP else Stance(label)
    return Unit(start=0, end=9, sha1="", label=stance, attributed=False, source=None, cue=None, annotators=("reader",))


@given(seeds, st.integers(2, 80), st.floats(0, 1))
@settings(max_examples=40)
def test_agreement_is_that_of_krippendorff_and_scikit_learn(seed: int, n: int, alike: float) -> None:
    rng = np.random.default_rng(seed)
    one = rng.choice(len(LABELS), n, p=rng.dirichlet(np.ones(len(LABELS))))
    other = np.where(rng.random(n) < alike, one, rng.integers(0, len(LABELS), n))
    pairs = [
        Pair(f"a{i % 7}", read(LABELS[a]), read(LABELS[b])) for i, (a, b) in enumerate(zip(one, other, strict=True))
    ]
    same, kappa, alpha = agreement(pairs, rounds=2).values[:3]
    assert same == pytest.approx(float((one == other).mean()))
    if len({*one.tolist(), *other.tolist()}) < 2:
        assert np.isnan(alpha)
        return
    raw = np.stack([one, other]).astype(float)
    assert alpha == pytest.approx(krippendorff.alpha(reliability_data=raw, level_of_measurement="nominal"))
    assert kappa == pytest.approx(cohen_kappa_score(one, other), nan_ok=True)
