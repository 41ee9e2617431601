"""Runs are compared on the same sentences and the same gold, or not at all; a tie is called a tie."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Newsroom, python
from test_eval_predict import make_run
from test_eval_predictions import TEXTS, run_of, sentences, write

from eval import bootstrap, metrics
from eval.bootstrap import Difference
from eval.compare import Comparison, compare_command, contest, in_a_sentence, in_words, p_words, verdict
from eval.paired import effect_of, holm
from eval.predictions import FILE, Run
from eval.writing import number, signed
from isnad.artefact import MANIFEST
from isnad.errors import IsnadError


def runs(*accuracies: float) -> list[Run]:
    """A run of each accuracy on the same sentences."""
    return [run_of(f"run-{i}", sentences(a, seed=i)) for i, a in enumerate(accuracies)]


# --- contests -----------------------------------------------------------------------------------


def test_every_two_runs_in_every_split() -> None:
    found = contest(runs(0.9, 0.6, 0.6), rounds=200, seed=1)
    pairs = [("run-0", "run-1"), ("run-0", "run-2"), ("run-1", "run-2")]
    assert [(c.split, c.first, c.second) for c in found] == [
        (split, *pair) for split in ("test", "test-outlets", "dev") for pair in pairs
    ]
    assert {c.pairs for c in found} == {3}
    assert [c.n for c in found[:2]] == [48, 48]
    assert [c.articles for c in found[:2]] == [8, 8]


def test_against_the_first_alone() -> None:
    found = contest(runs(0.9, 0.6, 0.6), rounds=200, seed=1, against_first=True)
    assert [(c.first, c.second) for c in found[:2]] == [("run-0", "run-1"), ("run-0", "run-2")]
    assert {c.pairs for c in found} == {2}
    assert contest(runs(0.9), rounds=200, seed=1, against_first=True) == ()


def test_a_pair_has_the_same_figures_whoever_else_takes_part() -> None:
    """The draws are those of the split; what other runs change is the adjustment alone."""
    many = contest(runs(0.9, 0.6, 0.7, 0.5), rounds=300, seed=2)
    for c in (c for c in many if c.split == "test"):
        i, j = int(c.first[-1]), int(c.second[-1])
        accuracy = (0.9, 0.6, 0.7, 0.5)
        pair = [run_of(f"run-{k}", sentences(accuracy[k], seed=k)) for k in (i, j)]
        (alone,) = (d for d in contest(pair, rounds=300, seed=2) if d.split == "test")
        assert alone.macro_f1_holm == alone.macro_f1.p
        assert replace(c, pairs=1, macro_f1_holm=c.macro_f1.p, mcnemar_holm=c.mcnemar.p) == alone
        drawn = bootstrap.resampled(*(bootstrap.by_article(*_indices(run)) for run in pair), rounds=300, seed=2)
        gaps = metrics.macro_f1(drawn[0]) - metrics.macro_f1(drawn[1])
        assert (c.macro_f1.low, c.macro_f1.high) == pytest.approx(bootstrap.bounds(gaps))


def _indices(run: Run) -> tuple[list[int], list[int], list[str]]:
    records = sorted((r for r in run.records if r.split == "test" and r.origin == "news"), key=lambda r: r.key)
    return (
        [r.gold.id for r in records],
        [-1 if r.label is None else r.label.id for r in records],
        [r.doc_id for r in records],
    )


def test_p_is_adjusted_over_the_pairs_of_a_split() -> None:
    found = [c for c in contest(runs(0.95, 0.7, 0.5, 0.7), rounds=1000, seed=3) if c.split == "test"]
    assert [c.macro_f1_holm for c in found] == holm([c.macro_f1.p for c in found])
    assert [c.mcnemar_holm for c in found] == holm([c.mcnemar.p for c in found])
    assert all(c.tie is (c.macro_f1_holm >= 0.05 or c.macro_f1.low <= 0 <= c.macro_f1.high) for c in found)
    assert {c.tie for c in found} == {True, False}


def test_turned_round_the_figures_change_their_sign() -> None:
    one, two = runs(0.9, 0.6)
    (there, *_), (back, *_) = contest([one, two], rounds=400, seed=4), contest([two, one], rounds=400, seed=4)
    assert (back.macro_f1.value, back.macro_f1.low) == pytest.approx((-there.macro_f1.value, -there.macro_f1.high))
    assert (back.detectable, back.macro_f1.p) == pytest.approx((there.detectable, there.macro_f1.p))
    assert back.effect.g == pytest.approx(-there.effect.g)


def test_a_single_article_is_a_tie_however_large_the_gap() -> None:
    rows = [sentences(a, seed=i, articles=1, split="seed", origin="composed") for i, a in enumerate((1.0, 0.0))]
    (only,) = contest([run_of("one", rows[0]), run_of("two", rows[1])], rounds=1000, seed=1)
    assert (only.articles, only.macro_f1.p, only.tie) == (1, 1, True)
    assert in_a_sentence(only).startswith("one against two, a tie: a single article is too few to tell (+")


def test_too_few_draws_for_so_many_pairs_are_refused() -> None:
    said = r"expected at least 120 draws of articles for the 3 pairs in test, found 119, .*; raise --bootstrap"
    with pytest.raises(IsnadError, match=said):
        contest(runs(0.9, 0.6, 0.6), rounds=119, seed=1)
    assert contest(runs(0.9, 0.1, 0.9), rounds=120, seed=1)


def test_other_sentences_are_not_compared() -> None:
    first = run_of("one", sentences())
    with pytest.raises(IsnadError, match=r"expected the same sentences in test as in one.jsonl, found 1 only in one"):
        contest([first, run_of("two", sentences()[:6] + sentences()[7:])], rounds=100, seed=1)
    moved = [r | {"start": r["start"] + 1} if r["doc_id"] == "doc-2" else r for r in sentences()]
    said = r"two.jsonl: .* in test-outlets .* 6 only in one \(invented:doc-2:0-\d+, .*, …\) and 6 only in two \("
    with pytest.raises(IsnadError, match=said):
        contest([first, run_of("same", sentences()), run_of("two", moved)], rounds=120, seed=1)


def test_other_gold_is_not_compared() -> None:
    first, rows = run_of("one", sentences()), sentences()
    changed = next(r for r in rows if r["split"] == "test" and r["gold"] == "deny")
    changed["gold"] = "assert"
    with pytest.raises(
        IsnadError, match=r'the same "gold" in test .* found 1 that differ \(.* is deny there, assert here;'
    ):
        contest([first, run_of("two", rows)], rounds=100, seed=1)
    other_kind = [r | {"kind": "target"} for r in sentences()]
    with pytest.raises(IsnadError, match='the same "kind" in test'):
        contest([first, run_of("two", other_kind)], rounds=100, seed=1)


def test_only_shared_splits_are_compared() -> None:
    first = run_of("one", sentences())
    second = run_of("two", [r for r in sentences(0.5) if r["split"] != "dev"])
    assert [c.split for c in contest([first, second], rounds=100, seed=1)] == ["test", "test-outlets"]
    third = run_of("three", sentences(0.5))
    three = contest([first, second, third], rounds=120, seed=1)
    assert [(c.split, c.first, c.second) for c in three][-1] == ("dev", "one", "three")
    assert [c.pairs for c in three] == [3, 3, 3, 3, 3, 3, 1]
    with pytest.raises(IsnadError, match=r"expected a split that one \(dev, .*\) and three \(seed\) share, found none"):
        contest([first, run_of("three", sentences(split="seed"))], rounds=100, seed=1)


# --- words --------------------------------------------------------------------------------------


def comparison(value: float, low: float, high: float, p: float, *, pairs: int = 10, articles: int = 80) -> Comparison:
    """default against rules with this difference of macro-F1, `p` adjusted."""
    gap = Difference(value, low, high, p / pairs)
    test = bootstrap.mcnemar([True], [False])
    return Comparison(
        first="default", second="rules", split="test", headline="news", n=100, articles=articles, pairs=pairs,
        accuracy=gap, macro_f1=gap, mcc=gap, mcnemar=test, macro_f1_holm=p, mcnemar_holm=1.0,
        effect=effect_of(1, 0), detectable=0.029,
    )  # fmt: skip


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
    assert (p_words(0.048), p_words(0.05), p_words(0.044)) == ("p = .048", "p = .05", "p = .04")
    assert (signed(1.25), signed(-0.8), signed(-0.01)) == ("+1.2", "−0.8", "+0.0")


def test_the_words_for_a_pair() -> None:
    won = comparison(0.076, 0.043, 0.108, 0.0012)
    assert not won.tie
    assert verdict(won) == "ahead by 7.6 points (95 %: 4.3 to 10.8), p = .001 after Holm"
    assert in_a_sentence(won) == "default ahead of rules by 7.6 points (95 %: 4.3 to 10.8), p = .001 after Holm"
    lost = comparison(-0.076, -0.108, -0.043, 0.0012, pairs=1)
    assert in_a_sentence(lost) == "default behind rules by 7.6 points (95 %: 4.3 to 10.8), p = .001"


def test_the_words_for_a_tie() -> None:
    plain = comparison(0.012, -0.008, 0.03, 0.214, pairs=1)
    said = "a tie: the interval holds zero (+1.2 points, 95 %: −0.8 to +3.0), p = .21"
    assert verdict(plain) == f"{said}; this test set could have shown 2.9 points"
    assert in_a_sentence(plain) == f"default against rules, {verdict(plain)}"
    adjusted = comparison(0.03, 0.002, 0.058, 0.12)
    assert adjusted.tie
    assert not adjusted.macro_f1.tie
    said = "a tie: p is not below .05 (+3.0 points, 95 %: +0.2 to +5.8), p = .12 after Holm"
    assert verdict(adjusted) == f"{said}; this test set could have shown 2.9 points, were this the only pair"
    assert verdict(comparison(0.2, 0.1, 0.3, 0.25, articles=3)) == (
        "a tie: 3 articles are too few to tell (+20.0 points)"
    )
    (same, *_) = contest([run_of(name, sentences()) for name in ("one", "two")], rounds=100, seed=1)
    assert in_a_sentence(same) == "one against two, a tie: no draw of articles shows a difference"


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Three runs: good, poor and middling."""
    accuracies = {"arabert": 0.95, "قواعد |": 0.4, "tfidf": 0.9}
    rows = {name: sentences(a, seed=i, articles=90) for i, (name, a) in enumerate(accuracies.items())}
    return [write(tmp_path / name / FILE, found).parent for name, found in rows.items()]


def call(*arguments: Any) -> Result:
    """The command in this process; what it prints is checked as a user sees it."""
    return CliRunner().invoke(compare_command, ["--bootstrap", "300", *map(str, arguments)])


def test_the_command_prints_a_table_and_a_line_a_pair(folders: list[Path]) -> None:
    result = call(*folders, "--split", "test", "--split", "dev")
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith("| Split | First ")
    assert len({len(line.replace("\\|", "|")) for line in lines[:8]}) <= 2
    assert [line.split("|")[1].strip() for line in lines[2:8]] == ["test"] * 3 + ["dev"] * 3
    assert lines[9].startswith("- test: arabert ahead of قواعد \\| by ")
    assert lines[10].startswith("- test: arabert against tfidf, a tie: ")
    assert "this test set could have shown" in lines[10]
    assert lines[11].startswith("- test: قواعد \\| behind tfidf by ")
    assert lines[-1] == "300 draws of articles, seed 13."
    assert not any(text[:15] in result.stdout for text in TEXTS.values())


def test_the_command_writes_json(folders: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "new" / "compared.json"
    assert call(*folders, "-o", out, "--seed", 5).exit_code == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert (found["schema"], found["seed"], found["bootstrap"]) == ("isnad-comparison/1", 5, 300)
    assert len(found["comparisons"]) == 9
    first = found["comparisons"][0]
    assert (first["first"], first["second"], first["split"], first["tie"]) == ("arabert", "قواعد |", "test", False)
    assert first["macro_f1"]["p"] <= first["macro_f1_holm"] < 0.05
    assert first["effect"]["odds_ratio"] == first["mcnemar"]["only_first"] / first["mcnemar"]["only_second"]
    assert first["words"].startswith("arabert ahead of قواعد | by ")


def test_json_has_null_for_odds_without_bound(tmp_path: Path) -> None:
    perfect = write(tmp_path / "a.jsonl", sentences(1.0))
    poor = write(tmp_path / "b.jsonl", sentences(0.5))
    assert call(perfect, poor, "-o", tmp_path / "c.json").exit_code == 0
    effect = json.loads((tmp_path / "c.json").read_text())["comparisons"][0]["effect"]
    assert (effect["odds_ratio"], effect["high"]) == (None, None)
    assert "∞ (" in call(perfect, poor).stdout


def test_the_command_writes_markdown_as_it_prints_it(folders: list[Path], tmp_path: Path) -> None:
    result = call(*folders[:2], "-o", tmp_path / "c.md")
    assert (tmp_path / "c.md").read_text(encoding="utf-8") == result.stdout


def test_few_articles_are_noted(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{a}.jsonl", sentences(a)) for a in (0.9, 0.5)]
    said = "test has 8 articles: with so few, more than 5 of 100 equal pairs are called different"
    assert any(line.startswith(said) for line in call(*files).stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["A"], "expected two runs or more, found one"),
        (["A", "nowhere"], "does not exist"),
        (["A", "B", "-o", "c.html"], "expected a file that ends in .json or .md, found c.html"),
        (["A", "B", "--split", "train"], "'train' is not one of"),
    ],
)
def test_a_wrong_call_exits_2(folders: list[Path], arguments: list[str], said: str) -> None:
    named = {"A": str(folders[0]), "B": str(folders[1])}
    result = call(*(named.get(a, a) for a in arguments))
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", "").split())


def test_what_cannot_be_compared_is_one_line_and_exit_1(folders: list[Path], tmp_path: Path) -> None:
    twice = call(folders[0], folders[0] / FILE)
    assert (twice.exit_code, twice.stdout) == (1, "")
    assert twice.stderr == f"error: {folders[0]}: expected each run once, found it twice; leave one out\n"
    no_seed = call(*folders[:2], "--split", "seed")
    assert no_seed.exit_code == 1
    assert "expected the split seed of --split, found test, test-outlets, dev; name one of these" in no_seed.stderr
    unwritable = call(*folders[:2], "-o", folders[0] / FILE / "c.json")
    assert unwritable.exit_code == 1
    assert unwritable.stderr.startswith("error: ")


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "x" / "run" / FILE, sentences(0.9)).parent,
        write(tmp_path / "y" / "run" / FILE, sentences(0.3)).parent,
        write(tmp_path / "y" / "run.jsonl", sentences(0.9)),
    ]
    assert "- test: x/run ahead of y/run by " in call(*paths[:2]).stdout
    assert "- test: run behind run.jsonl by " in call(*paths[1:]).stdout


def test_predictions_older_than_their_artefact_are_made_anew(newsroom: Newsroom) -> None:
    newsroom.write()
    first, second = make_run(newsroom.root / "rules", "rules"), make_run(newsroom.root / "majority", "majority")
    done = python("-m", "eval", "compare", str(first), str(second), "--bootstrap", "100", cwd=newsroom.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "- test: rules against majority, a tie: 2 articles are too few to tell (+" in done.stdout
    made = second / FILE
    own = made.read_text(encoding="utf-8")
    made.write_text(own.replace('"label": "assert"', '"label": "deny"'), encoding="utf-8")
    os.utime(second / "artefact" / MANIFEST, (1_000, 1_000))
    assert call(first, second).stdout != done.stdout, "fresh predictions are believed"
    os.utime(made, (500, 500))
    assert call(first, second).stdout.splitlines()[:-1] == done.stdout.splitlines()[:-1]
    assert made.read_text(encoding="utf-8") == own
