"""Two runs are compared on the same sentences and the same gold, or not at all."""

from __future__ import annotations

import pytest
from test_eval_predictions import run_of, sentences

from eval.bootstrap import Difference
from eval.charts import number
from eval.compare import compare, in_words, p_words
from isnad.errors import IsnadError


def test_the_words_for_a_difference() -> None:
    ahead, behind, tie = (
        Difference(0.061, 0.02, 0.103, 0.0041),
        Difference(-0.061, -0.103, -0.02, 0.0001),
        Difference(0.012, -0.008, 0.03, 0.214),
    )
    assert in_words(ahead) == "ahead by 6.1 points (95 %: 2.0 to 10.3), p = .004"
    assert in_words(behind) == "behind by 6.1 points (95 %: 2.0 to 10.3), p < .001"
    assert in_words(tie) == "a tie: the interval holds zero (+1.2 points, 95 %: −0.8 to +3.0), p = .21"
    assert (p_words(1), p_words(0.999), p_words(0.01), number(-0.0001), number(-0.5)) == (
        *("p = 1", "p = 1.00", "p = .01"),
        *(".000", "−.500"),
    )


def test_other_sentences_are_not_compared() -> None:
    first = run_of("one", sentences())
    with pytest.raises(IsnadError, match=r"expected the same sentences in test as in one.jsonl, found 1 only in one"):
        compare(first, run_of("two", sentences()[:6] + sentences()[7:]), rounds=100, seed=1)
    moved = [r | {"start": r["start"] + 1} if r["doc_id"] == "doc-2" else r for r in sentences()]
    said = r"two.jsonl: .* in test-outlets .* 6 only in one \(invented:doc-2:0-\d+, .*, …\) and 6 only in two \("
    with pytest.raises(IsnadError, match=said):
        compare(first, run_of("two", moved), rounds=100, seed=1)


def test_other_gold_is_not_compared() -> None:
    first, rows = run_of("one", sentences()), sentences()
    changed = next(r for r in rows if r["split"] == "test" and r["gold"] == "deny")
    changed["gold"] = "assert"
    with pytest.raises(
        IsnadError, match=r'the same "gold" in test .* found 1 that differ \(.* is deny there, assert here;'
    ):
        compare(first, run_of("two", rows), rounds=100, seed=1)
    other_kind = [r | {"kind": "target"} for r in sentences()]
    with pytest.raises(IsnadError, match='the same "kind" in test'):
        compare(first, run_of("two", other_kind), rounds=100, seed=1)


def test_only_shared_splits_are_compared() -> None:
    first = run_of("one", sentences())
    second = run_of("two", [r for r in sentences(0.5) if r["split"] != "dev"])
    assert [c.split for c in compare(first, second, rounds=100, seed=1)] == ["test", "test-outlets"]
    with pytest.raises(IsnadError, match=r"expected a split that one \(dev, .*\) and three \(seed\) share, found none"):
        compare(first, run_of("three", sentences(split="seed")), rounds=100, seed=1)
