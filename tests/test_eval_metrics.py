"""The figures are those of scikit-learn, and of a second, slower way to count where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from eval import metrics

labels = st.integers(0, 3)
pairs = st.lists(st.tuples(labels, st.integers(-1, 3)), min_size=1, max_size=60)
spans = st.none() | st.tuples(st.integers(0, 8), st.integers(1, 5)).map(lambda s: (s[0], s[0] + s[1]))


@st.composite
def probabilities(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    gold = draw(st.lists(labels, min_size=1, max_size=60))
    weights = draw(st.lists(st.tuples(*[st.integers(1, 50)] * 4), min_size=len(gold), max_size=len(gold)))
    table = np.array(weights, dtype=float)
    return table / table.sum(1, keepdims=True), np.array(gold)


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(pairs)
def test_figures_are_those_of_scikit_learn(answers: list[tuple[int, int]]) -> None:
    gold, found = (np.array(x) for x in zip(*answers, strict=True))
    judged = metrics.judge(gold, found)
    kwargs = {"labels": range(4), "zero_division": 0}
    p, r, f, n = sk.precision_recall_fscore_support(gold, found, **kwargs)
    assert judged.n == len(answers)
    assert judged.accuracy == pytest.approx(sk.accuracy_score(gold, found))
    assert judged.mcc == pytest.approx(sk.matthews_corrcoef(gold, found))
    held = {"labels": np.unique(gold), "average": "macro", "zero_division": 0}
    assert judged.macro_f1 == pytest.approx(sk.f1_score(gold, found, **held))
    mine = np.array([(x.precision, x.recall, x.f1, x.support) for x in judged.per_label])
    assert mine == pytest.approx(np.array([p, r, f, n]).T)
    theirs = sk.confusion_matrix(gold, np.where(found < 0, 4, found), labels=range(5))
    assert (judged.confusion == theirs[:4]).all()


@given(st.lists(pairs, min_size=1, max_size=4))
def test_a_stack_of_matrices_gives_what_each_gives_alone(stack: list[list[tuple[int, int]]]) -> None:
    matrices = np.array([metrics.confusion(*zip(*answers, strict=True)) for answers in stack])
    for figure in (metrics.accuracy, metrics.macro_f1, metrics.mcc, metrics.f1, metrics.precision, metrics.recall):
        assert figure(matrices) == pytest.approx(np.array([figure(m) for m in matrices]))


@given(probabilities())
def test_brier_is_that_of_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    table, gold = case
    right = sk.brier_score_loss(gold, table, labels=range(4), scale_by_half=False)
    assert metrics.calibration(table, gold).brier == pytest.approx(right)


@given(probabilities(), st.integers(1, 20))
def test_calibration_counted_one_by_one(case: tuple[np.ndarray, np.ndarray], bins: int) -> None:
    table, gold = case
    found = metrics.calibration(table, gold, bins)
    top, right = table.max(1), table.argmax(1) == gold
    inside = [[i for i, p in enumerate(top) if b.low < p <= b.high + 1e-15] for b in found.bins]
    assert sum(b.n for b in found.bins) == len(gold) == found.n
    ece = sum(abs(sum(float(right[i]) - top[i] for i in some)) for some in inside) / len(gold)
    if sum(map(len, inside)) == len(gold) and [len(s) for s in inside] == [b.n for b in found.bins]:
        assert found.ece == pytest.approx(ece)
    assert abs(right.mean() - top.mean()) <= found.ece + 1e-9
    assert abs(right.mean() - top.mean()) <= found.adaptive_ece + 1e-9 <= 1 + 1e-9


def test_calibration_by_hand() -> None:
    table = [[0.9, 0.1, 0, 0], [0.9, 0.1, 0, 0], [0.2, 0.6, 0.1, 0.1], [1, 0, 0, 0]]
    found = metrics.calibration(table, [0, 1, 1, 0])
    assert found.ece == pytest.approx((2 * 0.4 + 0.4 + 0) / 4)
    assert found.bins[13].n == 2
    assert found.bins[13].confidence == pytest.approx(0.9)
    assert (found.bins[13].accuracy, found.bins[14].n) == (0.5, 1)
    assert (found.bins[0].n, found.bins[0].confidence, found.bins[0].accuracy) == (0, None, None)
    assert metrics.calibration([], []).n == 0


def test_a_perfect_run_and_an_absent_one() -> None:
    perfect, absent = metrics.judge([0, 1, 2, 3], [0, 1, 2, 3]), metrics.judge([0, 1, 2, 3], [-1] * 4)
    assert (perfect.accuracy, perfect.macro_f1, perfect.mcc) == (1, 1, 1)
    assert (absent.accuracy, absent.macro_f1, absent.mcc) == (0, 0, 0)
    assert absent.confusion[:, 4].tolist() == [1, 1, 1, 1]
    nothing = metrics.judge([], [])
    assert (nothing.n, nothing.accuracy, nothing.macro_f1, nothing.mcc) == (0, 0, 0, 0)


def test_a_label_that_gold_never_holds_is_left_out_of_the_mean() -> None:
    assert metrics.judge([0, 0, 1, 1], [0, 0, 1, 1]).macro_f1 == 1
    assert metrics.judge([0, 0, 1, 1], [0, 3, 1, 1]).macro_f1 == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize(
    ("gold", "found", "said"),
    [
        ([0], [0, 1], r"expected as many given labels as gold ones \(1\), found 2"),
        ([4], [0], "expected gold indices from 0 to 3, found 4 to 4"),
        ([-1], [0], "expected gold indices from 0 to 3"),
        ([0], [-2], "expected given indices from -1 to 3, found -2"),
    ],
)
def test_wrong_arrays_are_told(gold: list[int], found: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        metrics.confusion(gold, found)
    with pytest.raises(ValueError, match="a row of probabilities per gold label"):
        metrics.calibration([[1, 0, 0, 0]], [0, 1])


@given(st.lists(st.tuples(st.integers(0, 5).map(lambda n: n / 5), st.booleans()), max_size=30), st.floats(0.1, 1))
def test_coverage_is_the_best_over_all_thresholds(answers: list[tuple[float, bool]], wanted: float) -> None:
    found = metrics.coverage_at(wanted, [c for c, _ in answers], [r for _, r in answers])
    best = 0
    for threshold in {c for c, _ in answers}:
        kept = [r for c, r in answers if c >= threshold]
        if sum(kept) / len(kept) >= wanted:
            best = max(best, len(kept))
    assert found.coverage == pytest.approx(best / len(answers) if answers else 0)
    if found.threshold is not None:
        kept = [r for c, r in answers if c >= found.threshold]
        assert found.precision == pytest.approx(sum(kept) / len(kept))
    else:
        assert (best, found.precision) == (0, None)


@given(st.lists(st.tuples(spans, spans), max_size=20))
def test_spans_counted_by_characters(pairs: list[tuple]) -> None:
    gold, found = [g for g, _ in pairs], [f for _, f in pairs]
    exact, overlap = metrics.span_scores(gold, found), metrics.span_scores(gold, found, overlap=True)
    shared = sum(bool(g and f and set(range(*g)) & set(range(*f))) for g, f in pairs)
    assert exact.f1 <= overlap.f1 <= 1
    assert overlap.recall * overlap.gold == pytest.approx(shared)
    assert exact.precision * exact.found == pytest.approx(sum(g == f is not None for g, f in pairs))
    for scores in (exact, overlap):
        both = scores.precision + scores.recall
        assert scores.f1 == pytest.approx(2 * scores.precision * scores.recall / both if both else 0)
