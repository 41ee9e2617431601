"""What is said of probabilities, against netcal, scikit-learn, counting by hand, and runs whose truth is known."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from netcal.metrics import ECE
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, precision_recall_curve
from test_eval_predictions import row, run_of, sentences

from eval import metrics
from eval.bootstrap import Draws, Interval, numbered
from eval.confidence import COVERAGES, STEPS, WANTED, Confidence, Scored, aurc, judge_confidence, risk_coverage
from eval.judge import judge_run
from isnad.labels import Stance

K = len(Stance)
answers = st.lists(st.tuples(st.integers(0, 5).map(lambda n: n / 5), st.booleans()), min_size=1, max_size=25)


@st.composite
def scored_sentences(draw: st.DrawFn, most: int = 40) -> Scored:
    """Sentences of a few articles with any probabilities, equal ones among them."""
    n = draw(st.integers(1, most))
    weights = draw(st.lists(st.tuples(*[st.integers(0, 12)] * K).filter(any), min_size=n, max_size=n))
    table = np.array(weights, dtype=float)
    gold = draw(st.lists(st.integers(0, K - 1), min_size=n, max_size=n))
    articles = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    return Scored("test", table / table.sum(1, keepdims=True), np.array(gold), numbered(articles))


def simulated(n: int, articles: int, seed: int, sharpened: float = 1.0, name: str = "test") -> Scored:
    """Gold drawn from the very probabilities, which are then raised to the power of `sharpened`: 1 is honest."""
    rng = np.random.default_rng(seed)
    table = rng.dirichlet([0.35] * K, size=n)
    gold = (table.cumsum(1) < rng.random((n, 1))).sum(1).clip(0, K - 1)
    table = np.maximum(table, 1e-12) ** sharpened
    return Scored(name, table / table.sum(1, keepdims=True), gold, numbered(rng.integers(0, articles, n).tolist()))


def judged(scored: Scored, dev: Scored | None = None, rounds: int = 100) -> Confidence:
    found = judge_confidence(scored, dev, rounds=rounds, seed=13)
    assert found is not None
    return found


def columns(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Confidence, and 1 where right."""
    return np.array([c for c, _ in pairs]), np.array([float(r) for _, r in pairs])


# --- risk and coverage ------------------------------------------------------------------------------


@given(answers)
def test_coverage_and_risk_are_those_of_all_answers_as_sure_or_surer(pairs: list[tuple[float, bool]]) -> None:
    coverage, risk = risk_coverage(*columns(pairs))
    by_hand = []
    for sure in sorted((c for c, _ in pairs), reverse=True):
        given_ = [r for c, r in pairs if c >= sure]
        by_hand.append((len(given_) / len(pairs), given_.count(False) / len(given_)))
    assert list(zip(coverage, risk, strict=True)) == [pytest.approx(point) for point in by_hand]


@pytest.mark.filterwarnings("ignore:No positive class found")
@given(answers)
def test_risk_is_one_minus_the_precision_of_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    confidence, right = columns(pairs)
    precision, _, thresholds = precision_recall_curve(right, confidence)
    wanted = {t: 1 - p for t, p in zip(thresholds, precision, strict=False)}
    _, risk = risk_coverage(confidence, right)
    ordered = np.sort(confidence)[::-1]
    assert risk == pytest.approx([wanted[c] for c in ordered])
    assert float(aurc(confidence, right)) == pytest.approx(np.mean([wanted[c] for c in confidence]))


@given(answers, st.data())
def test_a_weight_repeats_an_answer(pairs: list[tuple[float, bool]], data: st.DataObject) -> None:
    confidence, right = columns(pairs)
    n = len(pairs)
    weights = np.array(data.draw(st.lists(st.lists(st.integers(0, 3), min_size=n, max_size=n), min_size=1, max_size=3)))
    assume(weights.sum(1).all())
    stacked = aurc(confidence, right, weights.astype(float))
    coverage, risk = risk_coverage(confidence, right, weights.astype(float))
    order = np.argsort(-confidence, kind="stable")
    for i, times in enumerate(weights):
        again = (np.repeat(confidence, times), np.repeat(right, times))
        assert stacked[i] == pytest.approx(float(aurc(*again)))
        shown = times[order] > 0
        points = {*zip(coverage[i][shown].round(9), risk[i][shown].round(9), strict=True)}
        assert points == {*zip(*(x.round(9) for x in risk_coverage(*again)), strict=True)}


def test_area_by_hand_and_at_its_ends() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.4])
    assert float(aurc(confidence, np.array([1.0, 0, 1, 0]))) == pytest.approx((0 + 1 / 3 + 1 / 3 + 2 / 4) / 4)
    assert float(aurc(confidence, np.ones(4))) == 0
    assert float(aurc(confidence, np.zeros(4))) == 1
    best, worst = np.array([1.0, 1, 0, 0]), np.array([0.0, 0, 1, 1])
    sure = np.array([0.9, 0.8, 0.7, 0.6])
    assert float(aurc(sure, best)) < 0.5 < float(aurc(sure, worst))


@given(scored_sentences())
@settings(max_examples=40)
def test_the_interval_of_the_area_comes_from_articles_drawn_whole(scored: Scored) -> None:
    found = judged(scored).aurc
    draws = Draws.of(scored.article, rounds=100, seed=13)
    rounds = []
    for times in draws.times:
        each = np.repeat(np.arange(scored.gold.size), times[scored.article].astype(int))
        rounds.append(float(aurc(scored.top[each], scored.right[each])))
    low, high = np.quantile(rounds, [0.025, 0.975])
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.value == pytest.approx(float(aurc(scored.top, scored.right)))


@given(scored_sentences())
@settings(max_examples=50)
def test_the_drawn_curve_ends_with_every_answer_given(scored: Scored) -> None:
    points = judged(scored, rounds=20).risk
    coverages = [c for c, _ in points]
    assert coverages == sorted(set(coverages))
    assert len(points) <= STEPS
    assert points[-1] == (1, pytest.approx(1 - scored.right.mean()))


# --- calibration -------------------------------------------------------------------------------------


@given(st.integers(1, 80), st.integers(0, 10_000), st.floats(0.3, 6))
@settings(max_examples=60)
def test_calibration_error_is_that_of_netcal(n: int, seed: int, sharpened: float) -> None:
    scored = simulated(n, 9, seed, sharpened)
    found = judged(scored, rounds=20)
    theirs = ECE(metrics.BINS).measure(scored.top, scored.right)
    assert found.ece.value == pytest.approx(theirs)
    assert metrics.calibration(scored.table, scored.gold).ece == pytest.approx(theirs)


@given(st.integers(1, 6), st.integers(0, 10_000), st.floats(0.3, 6))
@settings(max_examples=60)
def test_adaptive_calibration_error_is_that_of_netcal(times: int, seed: int, sharpened: float) -> None:
    """Where bins can be of equal size; where they cannot, netcal cuts at quantiles and makes some larger by chance."""
    scored = simulated(times * metrics.BINS, 9, seed, sharpened)
    assume(np.unique(scored.top).size == scored.top.size)
    theirs = ECE(metrics.BINS, equal_intervals=False).measure(scored.top, scored.right)
    assert judged(scored, rounds=20).adaptive_ece.value == pytest.approx(theirs)


@given(st.integers(2, 80), st.integers(0, 10_000))
@settings(max_examples=30)
def test_reliability_of_a_label_is_that_of_netcal(n: int, seed: int) -> None:
    scored = simulated(n, 9, seed)
    for stance, bins in judged(scored, rounds=20).by_label.items():
        gaps = sum(b.n * abs(b.accuracy - b.confidence) for b in bins if b.accuracy is not None and b.confidence)
        held = (scored.gold == stance.id).astype(int)
        theirs = ECE(len(bins)).measure(scored.table[:, stance.id], held)
        assert gaps / n == pytest.approx(theirs)


def test_a_probability_on_the_edge_belongs_to_the_bin_below() -> None:
    place = metrics.width_bins(np.array([0, 0.25, 0.2500001, 0.5, 0.75, 1]), 4)
    assert place.tolist() == [0, 0, 1, 1, 2, 3]


@pytest.mark.parametrize("sharpened", [0.5, 1.0, 3.0])
def test_reliability_is_that_of_scikit_learn(sharpened: float) -> None:
    scored = simulated(700, 90, seed=3, sharpened=sharpened)
    found = judged(scored, rounds=20)
    held, said = calibration_curve(scored.right, scored.top, n_bins=metrics.BINS)
    full = [b for b in found.bins if b.n]
    assert [b.accuracy for b in full] == pytest.approx(held)
    assert [b.confidence for b in full] == pytest.approx(said)
    counts = np.array([b.n for b in full])
    assert found.ece.value == pytest.approx((np.abs(held - said) * counts).sum() / counts.sum())
    for stance, bins in found.by_label.items():
        held, said = calibration_curve(scored.gold == stance.id, scored.table[:, stance.id], n_bins=len(bins))
        assert [b.accuracy for b in bins if b.n] == pytest.approx(held)
        assert [b.confidence for b in bins if b.n] == pytest.approx(said)
        assert sum(b.n for b in bins) == scored.gold.size


@given(scored_sentences())
@settings(max_examples=50)
def test_adaptive_error_over_bins_of_equal_size(scored: Scored) -> None:
    ordered = sorted(zip(scored.top, scored.right, strict=True), key=lambda pair: pair[0])
    bins = min(metrics.BINS, len(ordered))
    size, more = divmod(len(ordered), bins)
    total, at = 0.0, 0
    for i in range(bins):
        part = ordered[at : at + size + (i < more)]
        total += abs(sum(r - c for c, r in part))
        at += len(part)
    assert at == len(ordered)
    assert judged(scored, rounds=20).adaptive_ece.value == pytest.approx(total / len(ordered))


@given(scored_sentences())
@settings(max_examples=50)
def test_brier_score_is_that_of_scikit_learn(scored: Scored) -> None:
    theirs = brier_score_loss(scored.gold, scored.table, labels=range(K), scale_by_half=False)
    assert judged(scored, rounds=20).brier.value == pytest.approx(theirs)


@given(scored_sentences())
@settings(max_examples=50)
def test_intervals_of_calibration_hold_their_figure(scored: Scored) -> None:
    found = judged(scored)
    for figure in (found.ece, found.adaptive_ece):
        assert 0 <= figure.low <= figure.value <= figure.high <= 1


@pytest.mark.parametrize("sharpened", [1.0, 2.5])
def test_all_intervals_hold_their_figure_where_there_are_articles_enough(sharpened: float) -> None:
    for seed in range(6):
        found = judged(simulated(300, 60, seed, sharpened), simulated(300, 60, seed + 99, sharpened, "dev"))
        wide = [found.ece, found.adaptive_ece, found.brier, found.aurc]
        wide += [figure for s in found.selective for figure in (s.coverage, s.precision) if figure]
        wide += [figure for s in found.sets for figure in (s.coverage, s.size)]
        for figure in wide:
            assert isinstance(figure, Interval)
            assert figure.low <= figure.value <= figure.high


def test_the_interval_of_the_calibration_error_reaches_the_true_one() -> None:
    many = simulated(200_000, 9, 0, 1.1)
    truth = metrics.calibration(many.table, many.gold).ece
    found = [judged(simulated(600, 200, seed, 1.1)).ece for seed in range(1, 41)]
    assert np.mean([i.value for i in found]) > 1.5 * truth > 0.03, "small samples look worse than they are"
    assert sum(i.low <= truth <= i.high for i in found) >= 26, "percentile intervals reach it in none of these"


def test_over_confidence_shows() -> None:
    honest, boastful = (judged(simulated(800, 200, 5, sharpened)) for sharpened in (1, 4))
    for figure in ("ece", "adaptive_ece"):
        assert getattr(honest, figure).high < getattr(boastful, figure).low, figure
    assert honest.brier.value < boastful.brier.value
    assert honest.aurc.value == pytest.approx(boastful.aurc.value, abs=0.03)


# --- thresholds and label sets, from dev ------------------------------------------------------------


def test_thresholds_come_from_dev_and_are_judged_on_the_split() -> None:
    dev, test = simulated(500, 100, 1, name="dev"), simulated(500, 100, 2, sharpened=3)
    found = judged(test, dev)
    assert [s.wanted for s in found.selective] == list(WANTED)
    for s in found.selective:
        from_dev = metrics.coverage_at(s.wanted, dev.top, dev.right)
        assert (s.chosen_on, s.threshold) == ("dev", from_dev.threshold)
        assert s.threshold != metrics.coverage_at(s.wanted, test.top, test.right).threshold
        kept = test.top >= (s.threshold or 0)
        assert s.coverage is not None
        assert s.precision is not None
        assert s.coverage.value == pytest.approx(kept.mean())
        assert s.precision.value == pytest.approx(test.right[kept].mean())
        assert s.precision.value < s.wanted, "a boastful run must not be told that it is right as often as on dev"


def test_without_dev_a_split_chooses_for_itself_and_says_so() -> None:
    test = simulated(400, 80, 3)
    empty = replace(simulated(1, 1, 3, name="dev"), table=np.zeros((0, K)), gold=np.zeros(0, int), article=numbered([]))
    for dev in (None, empty):
        found = judged(test, dev)
        assert {s.chosen_on for s in (*found.selective, *found.sets)} == {"test"}
        for s in found.selective:
            assert s.precision is not None
            assert s.precision.value >= s.wanted


def test_a_precision_that_dev_never_reaches_has_no_threshold() -> None:
    dev = simulated(60, 20, 4, name="dev")
    wrong = replace(dev, gold=(dev.table.argmax(1) + 1) % K)
    assert [(s.threshold, s.coverage, s.precision) for s in judged(simulated(60, 20, 5), wrong).selective] == [
        (None, None, None)
    ] * len(WANTED)


@given(scored_sentences(), scored_sentences())
@settings(max_examples=40)
def test_label_sets_counted_one_by_one(test: Scored, dev: Scored) -> None:
    for s in judged(test, replace(dev, name="dev"), rounds=20).sets:
        worth = sorted(1 - dev.table[i, g] for i, g in enumerate(dev.gold))
        rank = int(np.ceil(round((len(worth) + 1) * s.wanted, 9)))
        quantile = worth[rank - 1] if rank <= len(worth) else 1.0
        held, size = 0, 0
        for scores, gold in zip(test.table, test.gold, strict=True):
            inside = {k for k in range(K) if 1 - scores[k] <= quantile} | {int(scores.argmax())}
            held, size = held + (int(gold) in inside), size + len(inside)
        assert (s.chosen_on, s.quantile) == ("dev", pytest.approx(quantile))
        assert s.coverage.value == pytest.approx(held / test.gold.size)
        assert s.size.value == pytest.approx(size / test.gold.size)


def test_label_sets_hold_gold_as_often_as_promised_and_where_not_it_is_told() -> None:
    found: dict[float, list[float]] = {c: [] for c in COVERAGES}
    for seed in range(12):
        dev = simulated(300, 300, 1000 + seed, name="dev")
        for s in judged(simulated(300, 300, seed), dev, rounds=20).sets:
            found[s.wanted].append(s.coverage.value)
    for wanted, measured in found.items():
        assert wanted - 0.02 < np.mean(measured) < wanted + 0.03
    shifted = replace(simulated(300, 300, 7), gold=np.random.default_rng(7).integers(0, K, 300))
    for s in judged(shifted, simulated(300, 300, 8, name="dev")).sets:
        assert s.coverage.high < s.wanted


def test_wider_promises_make_larger_sets() -> None:
    sets = judged(simulated(300, 60, 1), simulated(300, 60, 2, name="dev")).sets
    assert [s.wanted for s in sets] == sorted(COVERAGES)
    for smaller, larger in pairwise(sets):
        assert smaller.quantile <= larger.quantile
        assert 1 <= smaller.size.value <= larger.size.value <= K
        assert smaller.coverage.value <= larger.coverage.value


# --- from predictions -------------------------------------------------------------------------------


def rows_of(scored: Scored, **more: Any) -> list[dict[str, Any]]:
    """The lines of a predictions file."""
    names = [s.value for s in Stance]
    return [
        row(
            doc_id=f"{scored.name}-{a}",
            start=100 * i,
            end=100 * i + 9,
            split=scored.name,
            gold=names[g],
            label=names[int(scores.argmax())],
            scores=dict(zip(names, scores.tolist(), strict=True)),
            **more,
        )
        for i, (a, g, scores) in enumerate(zip(scored.article, scored.gold, scored.table, strict=True))
    ]


def test_a_judged_run_chooses_on_dev_and_owns_up_where_it_judges_dev_itself() -> None:
    dev, test = simulated(200, 40, 1, name="dev"), simulated(200, 40, 2, 2)
    splits = judge_run(run_of("run", rows_of(dev) + rows_of(test)), rounds=100, seed=13).splits
    for name in ("test", "dev"):
        confidence = splits[name].confidence
        assert confidence is not None
        assert [s.chosen_on for s in (*confidence.selective, *confidence.sets)] == ["dev"] * 5
        assert confidence.selective[0].threshold == metrics.coverage_at(WANTED[0], dev.top, dev.right).threshold
    alone = judge_run(run_of("run", rows_of(test)), rounds=100, seed=13).splits["test"].confidence
    assert alone is not None
    assert {s.chosen_on for s in alone.selective} == {"test"}


def test_the_order_of_lines_changes_nothing() -> None:
    rows = sentences(0.7, scores={"assert": 0.4, "deny": 0.3, "attribute": 0.2, "speculate": 0.1})
    turned = random.Random(5).sample(rows, len(rows))
    one, two = (judge_run(run_of("run", r), rounds=100, seed=13).splits["test"].confidence for r in (rows, turned))
    assert one is not None
    assert two is not None
    assert [getattr(one, f) for f in Confidence.__slots__] == [getattr(two, f) for f in Confidence.__slots__]


def test_only_sentences_with_probabilities_are_asked() -> None:
    rows = sentences(0.7)
    for i, r in enumerate(rows):
        r["scores"] = None if i % 3 else r["scores"]
    some = judge_run(run_of("run", rows), rounds=100, seed=13).splits["test"]
    bare = judge_run(run_of("run", sentences(0.7, scores=None)), rounds=100, seed=13).splits["test"]
    assert some.confidence is not None
    assert 0 < some.confidence.n < some.main.n
    assert bare.confidence is None
    assert judge_confidence(Scored.of("test", ()), None, rounds=100, seed=13) is None
