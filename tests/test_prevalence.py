"""Corrected label shares: exact where they can be, nearer the truth under shift, intervals that hold what they say."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isnad.labels import Stance
from isnad.prevalence import (
    FEW_ARTICLES,
    LEAST_PRIOR,
    SMALLEST,
    Estimate,
    Floats,
    Ints,
    Prevalence,
    adjusted_classify_and_count,
    check_confusion,
    classify_and_count,
    expectation_maximisation,
    label_shares,
    mean_prior,
)

DEV = np.array([0.45, 0.06, 0.40, 0.09])
"""Label shares of the sentences that the matrix is counted on."""
ERRORS = np.array([[400, 4, 36, 5], [6, 46, 6, 2], [32, 3, 350, 8], [9, 2, 7, 68]])
LEVEL, LEAN = np.ones(4), np.array([1.0, 2.0, 0.6, 1.0])
REACH = 2.2
"""How far the four clouds of the invented classifier lie apart: it is right in about nine of ten."""

some_errors = st.lists(st.lists(st.integers(0, 300), min_size=4, max_size=4), min_size=4, max_size=4).map(
    lambda rows: np.array(rows) + np.diag([1, 1, 1, 1])
)
some_counts = st.lists(st.integers(0, 500), min_size=4, max_size=4).filter(any)


@dataclass(frozen=True)
class Archive:
    """Sentences drawn at known shares, and what a classifier says that is calibrated at the shares of `DEV`."""

    gold: Ints
    articles: Ints
    scores: Floats

    @property
    def given(self) -> Ints:
        return self.scores.argmax(1)


def scored(gold: Ints, rng: np.random.Generator) -> Floats:
    """A normal cloud for each label; its exact posterior at the shares of `DEV`."""
    points = rng.normal(size=(len(gold), 4))
    points[np.arange(len(gold)), gold] += REACH
    powers = DEV * np.exp(REACH * (points - points.max(1, keepdims=True)))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def archive(shares: Floats, rng: np.random.Generator, articles: int = 60) -> Archive:
    """Articles of 5 to 20 sentences, each with label shares of its own around `shares`."""
    sizes = rng.integers(5, 21, articles)
    own = rng.dirichlet(8 * shares + 1e-6, articles)
    gold = np.concatenate([rng.choice(4, size, p=p) for size, p in zip(sizes, own, strict=True)])
    return Archive(gold, np.repeat(np.arange(articles), sizes), scored(gold, rng))


def dev_errors(rng: np.random.Generator, lean: Floats = LEVEL) -> tuple[Ints, Floats]:
    """The confusion matrix and the mean scores of 750 sentences."""
    gold = rng.choice(4, 750, p=DEV)
    scores = leaning(scored(gold, rng), lean)
    matrix = np.zeros((4, 4), dtype=np.int64)
    np.add.at(matrix, (gold, scores.argmax(1)), 1)
    return matrix, np.stack([scores[gold == label].mean(0) for label in range(4)])


def leaning(scores: Floats, lean: Floats) -> Floats:
    """The scores of a classifier that makes each label so many times as likely as it should."""
    return np.asarray(scores * lean / (scores * lean).sum(1, keepdims=True))


def values(found: Prevalence, name: str) -> Floats:
    shares = [getattr(found.labels[s], name) for s in Stance]
    return np.array([s.value if isinstance(s, Estimate) else s for s in shares])


# --- the methods -----------------------------------------------------------------------------------


def test_counting_is_dividing() -> None:
    assert classify_and_count([2, 0, 1, 1]).tolist() == [0.5, 0, 0.25, 0.25]


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any))
@settings(max_examples=100, deadline=None)
def test_counts_that_the_matrix_explains_are_undone_exactly(weights: list[int]) -> None:
    truth = np.array(weights) / sum(weights)
    expected = truth @ (ERRORS / ERRORS.sum(1, keepdims=True))
    assert adjusted_classify_and_count(expected * 10_000, ERRORS) == pytest.approx(truth, abs=1e-6)


@given(some_counts, some_errors, st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_adjusted_shares_are_shares_and_none_explains_the_counts_better(
    counts: list[int], errors: Ints, seed: int
) -> None:
    found = adjusted_classify_and_count(counts, errors)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
    rows = errors / errors.sum(1, keepdims=True)
    others = np.concatenate([np.eye(4), np.random.default_rng(seed).dirichlet(np.ones(4), 500)])

    def gap(shares: Floats) -> Floats:
        return np.asarray(((shares @ rows - np.array(counts) / sum(counts)) ** 2).sum(-1))

    assert gap(found) <= gap(others).min() + 1e-8


def test_many_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    counts, matrices = rng.integers(0, 90, (20, 4)), rng.integers(1, 90, (20, 4, 4))
    together = adjusted_classify_and_count(counts, matrices)
    alone = [adjusted_classify_and_count(c, m) for c, m in zip(counts, matrices, strict=True)]
    assert together == pytest.approx(np.array(alone))


def test_em_counts_what_is_certain_and_keeps_the_prior_where_nothing_is_known() -> None:
    certain = np.eye(4)[[0, 0, 0, 1, 2, 2, 3, 3]]
    assert expectation_maximisation(certain, DEV) == pytest.approx(np.array([3, 1, 2, 2]) / 8, abs=1e-5)
    assert expectation_maximisation(np.tile(DEV, (50, 1)), DEV) == pytest.approx(DEV)
    assert expectation_maximisation(certain, 1000 * DEV) == pytest.approx(expectation_maximisation(certain, DEV))


def test_em_stops_where_the_moved_probabilities_average_to_its_answer() -> None:
    found = archive(np.array([0.2, 0.3, 0.3, 0.2]), np.random.default_rng(2))
    shares = expectation_maximisation(found.scores, DEV)
    moved = found.scores * shares / DEV
    assert (moved / moved.sum(1, keepdims=True)).mean(0) == pytest.approx(shares, abs=1e-5)


def test_the_prior_is_what_the_scores_average_to_on_the_sentences_of_the_matrix() -> None:
    rng = np.random.default_rng(8)
    gold = rng.choice(4, 400, p=DEV)
    scores = leaning(scored(gold, rng), LEAN)
    matrix = np.diag(np.bincount(gold, minlength=4))
    prior = mean_prior(matrix, [scores[gold == label].mean(0) for label in range(4)])
    assert prior == pytest.approx(scores.mean(0))
    assert expectation_maximisation(scores, prior) == pytest.approx(prior, abs=1e-5), "nothing moves without shift"
    assert expectation_maximisation(scores, DEV) != pytest.approx(prior, abs=0.01)


def test_a_label_that_was_never_likely_keeps_a_prior_to_divide_by() -> None:
    means = np.eye(4)[[0, 0, 2, 3]]
    prior = mean_prior(ERRORS, means)
    assert prior.sum() == pytest.approx(1)
    assert prior[1] == pytest.approx(LEAST_PRIOR, rel=0.01)
    certain = np.eye(4)[[0, 1, 2, 3] * 10]
    found = label_shares(certain.argmax(1), certain, range(40), ERRORS, means, rounds=20)
    assert values(found, "em") == pytest.approx(np.full(4, 0.25), abs=1e-4)


@pytest.mark.parametrize("means", [np.eye(4)[:3], -np.eye(4), 2 * np.eye(4), np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_mean_scores_that_are_no_distributions_are_refused(means: Floats) -> None:
    with pytest.raises(ValueError, match="expected 4 × 4 mean probabilities"):
        label_shares([0] * 40, np.eye(4)[[0] * 40], range(40), ERRORS, means)


# --- simulated archives -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """Mean absolute error of each method, and how often the intervals held the true share, per label."""

    error: dict[str, float]
    held: dict[str, Floats]


def simulate(archives: int, seed: int, *, shifted: bool, lean: Floats = LEVEL, rounds: int = 200) -> Outcome:
    """Every archive has shares, sentences and a dev matrix of its own; "gold" is EM from the gold shares of dev."""
    rng = np.random.default_rng(seed)
    errors: dict[str, list[Floats]] = {"naive": [], "acc": [], "em": [], "gold": []}
    held: dict[str, list[list[bool]]] = {"acc": [], "em": []}
    for i in range(archives):
        truth = rng.dirichlet([1.5] * 4) if shifted else DEV
        drawn = archive(truth, rng)
        drawn = replace(drawn, scores=leaning(drawn.scores, lean))
        tables = dev_errors(rng, lean)
        found = label_shares(drawn.given, drawn.scores, drawn.articles, *tables, rounds=rounds, seed=i)
        for name in ("naive", "acc", "em"):
            errors[name].append(np.abs(values(found, name) - truth))
        errors["gold"].append(np.abs(expectation_maximisation(drawn.scores, tables[0].sum(1)) - truth))
        for name, hits in held.items():
            estimates = [getattr(found.labels[s], name) for s in Stance]
            hits.append([e.low <= t <= e.high for e, t in zip(estimates, truth, strict=True)])
    return Outcome({n: float(np.mean(e)) for n, e in errors.items()}, {n: np.mean(h, axis=0) for n, h in held.items()})


@pytest.fixture(scope="module")
def shifted() -> Outcome:
    return simulate(200, seed=21, shifted=True)


@pytest.fixture(scope="module")
def unshifted() -> Outcome:
    return simulate(100, seed=22, shifted=False)


def test_under_shift_both_corrections_are_far_nearer_than_counting(shifted: Outcome) -> None:
    assert shifted.error["naive"] > 0.045
    assert shifted.error["acc"] < 0.65 * shifted.error["naive"]
    assert shifted.error["em"] < 0.5 * shifted.error["naive"]


def test_without_shift_correcting_costs_no_more_than_noise(unshifted: Outcome) -> None:
    assert unshifted.error["acc"] < unshifted.error["naive"] + 0.01
    assert unshifted.error["em"] < unshifted.error["naive"] + 0.006


@pytest.mark.parametrize("moved", [False, True])
def test_scores_that_lean_to_a_label_want_their_own_mean_as_prior(moved: bool) -> None:
    found = simulate(40, seed=23, shifted=moved, lean=LEAN, rounds=2)
    assert found.error["em"] < 0.8 * found.error["gold"]


@pytest.mark.parametrize("method", ["acc", "em"])
def test_nineteen_of_twenty_intervals_hold_the_truth(method: str, shifted: Outcome, unshifted: Outcome) -> None:
    for outcome in (shifted, unshifted):
        assert 0.90 <= outcome.held[method].mean() <= 0.99
        assert (outcome.held[method] >= 0.85).all()


def test_a_rare_label_that_draws_errors_is_counted_too_high_and_corrected() -> None:
    rng = np.random.default_rng(3)
    rows = ERRORS / ERRORS.sum(1, keepdims=True)
    gold = rng.choice(4, 20_000, p=[0.70, 0.01, 0.28, 0.01])
    given_ = np.array([rng.choice(4, p=rows[g]) for g in gold])
    found = label_shares(given_, np.eye(4)[given_], np.arange(20_000) // 10, ERRORS).labels[Stance.DENY]
    assert found.naive > 0.016
    assert found.acc is not None
    assert found.acc.value == pytest.approx(0.01, abs=0.004)
    assert found.acc.low <= 0.01 <= found.acc.high


# --- intervals and groups ---------------------------------------------------------------------------


def width(found: Prevalence, name: str, stance: Stance = Stance.ASSERT) -> float:
    estimate = getattr(found.labels[stance], name)
    return float(estimate.high - estimate.low)


@pytest.mark.parametrize("method", ["acc", "em"])
def test_few_dev_sentences_and_like_articles_make_intervals_wider(method: str) -> None:
    drawn = archive(DEV, np.random.default_rng(4), 40)
    order = np.argsort(drawn.gold, kind="stable")
    rounds = {"rounds": 300}
    mixed = label_shares(drawn.given, drawn.scores, np.arange(len(order)), ERRORS, **rounds)
    alike = np.arange(len(order))[np.argsort(order, kind="stable")] // 10
    assert width(label_shares(drawn.given, drawn.scores, alike, ERRORS, **rounds), method) > 2 * width(mixed, method)
    few = label_shares(drawn.given, drawn.scores, np.arange(len(order)), ERRORS // 6 + np.eye(4, dtype=int), **rounds)
    assert width(few, method, Stance.DENY) > 1.3 * width(mixed, method, Stance.DENY)


def test_the_same_seed_gives_the_same_answer_and_names_of_articles_do_not_matter() -> None:
    drawn = archive(DEV, np.random.default_rng(5))
    one = label_shares(drawn.given, drawn.scores, drawn.articles, ERRORS, rounds=50)
    assert one == label_shares(drawn.given, drawn.scores, drawn.articles * 7 + 3, ERRORS, rounds=50)
    assert one != label_shares(drawn.given, drawn.scores, drawn.articles, ERRORS, rounds=50, seed=14)
    assert (one.sentences, one.articles) == (len(drawn.gold), 60)
    assert [one.labels[s].count for s in Stance] == np.bincount(drawn.given, minlength=4).tolist()
    for name in ("naive", "acc", "em"):
        assert values(one, name).sum() == pytest.approx(1)


def test_a_large_archive_gets_the_same_answer_in_less_detail() -> None:
    """The rounds work on cells of like sentences; their middle must still be the answer for all sentences."""
    drawn = archive(np.array([0.3, 0.2, 0.3, 0.2]), np.random.default_rng(6), 3000)
    many = 10_000 * ERRORS
    found = label_shares(drawn.given, drawn.scores, drawn.articles, many, rounds=100)
    exact = expectation_maximisation(drawn.scores, ERRORS.sum(1))
    for s in Stance:
        em = found.labels[s].em
        assert em is not None
        assert em.value == pytest.approx(exact[s.id])
        assert (em.low + em.high) / 2 == pytest.approx(em.value, abs=0.003)
        assert em.high - em.low < 0.02


def test_small_groups_and_models_without_a_matrix_are_counted_only() -> None:
    enough = [0, 1, 2] * (SMALLEST // 3)
    for given_, errors in ((enough[:-1], ERRORS), (enough, None)):
        found = label_shares(given_, np.eye(4)[given_], range(len(given_)), errors)
        assert not found.corrected
        assert {(s.acc, s.em) for s in found.labels.values()} == {(None, None)}
        assert found.labels[Stance.ASSERT].naive == pytest.approx(1 / 3, abs=0.02)
    whole = label_shares(enough, np.eye(4)[enough], range(len(enough)), ERRORS, rounds=20)
    assert (whole.corrected, whole.too_small, whole.too_narrow) == (True, False, False)
    one_by_one = label_shares(enough, np.eye(4)[enough], [0] * len(enough), ERRORS, rounds=20)
    assert one_by_one.articles == 1 < FEW_ARTICLES
    assert one_by_one.too_narrow


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        (ERRORS[:3], "expected 4 × 4 counts"),
        (ERRORS * 1.0, "expected 4 × 4 counts"),
        (ERRORS - 5, "expected 4 × 4 counts"),
        (ERRORS * np.array([[1], [0], [1], [1]]), "expected sentences of every gold label, found none of deny"),
        (np.tile([9, 0, 0, 0], (4, 1)), "expected a classifier that tells 4 labels apart, found 1"),
    ],
)
def test_a_matrix_that_can_correct_nothing_is_refused(errors: Ints, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        check_confusion(errors)
    with pytest.raises(ValueError, match=found):
        label_shares([0] * 40, np.eye(4)[[0] * 40], range(40), errors)


def test_other_lengths_are_refused() -> None:
    for given_, articles in (([0, 1], [0]), ([], [])):
        with pytest.raises(ValueError, match="expected as many of each"):
            label_shares(given_, np.eye(4)[given_] if given_ else np.zeros((0, 4)), articles)
