"""Out-of-fold answers and the label errors they point at."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Newsroom, invented, python

import train.folds
from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.noise import read_judged, suspects
from train.__main__ import main

TFIDF = "kind: tfidf\nmin_count: 1\ngrid_c: [1.0]\n"


def trained(newsroom: Newsroom, *words: str) -> list[dict]:
    """The rows of `python -m train … --folds 3` on the newsroom."""
    newsroom.write()
    Path("mine.yaml").write_text(TFIDF, encoding="utf-8")
    result = CliRunner().invoke(main, ["mine.yaml", "--folds", "3", *words])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in Path(result.stdout.strip()).read_text(encoding="utf-8").splitlines()]


def test_every_training_sentence_is_judged_once_by_a_model_that_saw_no_part_of_its_article(newsroom: Newsroom) -> None:
    copy = {**newsroom.composed["train"][0], "doc_id": "copy"}
    newsroom.composed["train"].append(copy)
    rows = trained(newsroom)
    named = [(r["corpus"], r["doc_id"], r["start"]) for r in rows]
    labelled = newsroom.composed["train"] + newsroom.labelled["train"]["antcorpus"]
    expected = sum(u["label"] != "skip" for a in labelled for u in a["sentences"])
    assert len(named) == len(set(named)) == expected
    folds: dict[str, set[int]] = {}
    for row in rows:
        folds.setdefault(row["doc_id"], set()).add(row["fold"])
    assert all(len(own) == 1 for own in folds.values())
    assert folds["copy"] == folds[newsroom.composed["train"][0]["doc_id"]], "near-duplicates stay together"
    assert set().union(*folds.values()) == {1, 2, 3}


def test_a_run_that_was_stopped_goes_on_with_the_fold_it_was_in(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(newsroom)
    fit, calls = train.folds.fit, []

    def stopping(*words):
        calls.append(words)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit(*words)

    monkeypatch.setattr(train.folds, "fit", stopping)
    assert CliRunner().invoke(main, ["mine.yaml", "--folds", "3"]).exit_code == 130
    assert trained(newsroom) == whole
    assert len(calls) == 4, "the first fold is not trained again"


def test_spoilt_labels_stand_at_the_head_of_the_list(newsroom: Newsroom) -> None:
    """5 % of the labels are turned; at least 60 % of them must be found in the first tenth."""
    newsroom.composed["train"] = [invented(f"c-{i}", repeat=2) for i in range(12)]
    units = [(a, u) for a in newsroom.composed["train"] for u in a["sentences"] if u["label"] != "skip"]
    rng = random.Random(5)
    spoilt = set()
    for article, unit in rng.sample(units, len(units) // 20):
        unit["label"] = rng.choice([s.value for s in Stance if s.value != unit["label"]])
        unit |= {"attributed": unit["label"] == "attribute", "cue": None, "source": None}
        spoilt.add(f"composed:{article['doc_id']}:{unit['start']}-{unit['end']}")
    trained(newsroom)
    done = python("-m", "isnad", "check", "--noise", "runs/mine/out_of_fold.jsonl", cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()[1:]
    found = suspects(read_judged(Path("runs/mine/out_of_fold.jsonl")))
    top = [s.reference for s in found[: len(found) // 10]]
    assert len(spoilt & set(top)) >= 0.6 * len(spoilt)
    assert rows[0].endswith(found[0].reference)
    assert "read before you change" in rows[-1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected one sentence a line with corpus, doc_id"),
        ("[]\n", r"f\.jsonl:1: expected corpus.*found TypeError"),
        (
            '{"corpus": "c", "doc_id": "d", "start": 0, "end": 2, "gold": "deny", "scores": null}\n',
            r"f\.jsonl:1: .*--folds 5",
        ),
        (
            '{"corpus": "c", "doc_id": "d", "start": 0, "end": 2, "gold": "deny", '
            '"scores": {"assert": 1, "deny": 1, "attribute": 0, "speculate": 0}}\n',
            "probabilities that add up to 2.000",
        ),
    ],
)
def test_a_file_without_probabilities_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "f.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(IsnadError, match=message):
        read_judged(tmp_path / "f.jsonl")


def test_too_few_articles_for_the_folds(newsroom: Newsroom) -> None:
    newsroom.write()
    Path("mine.yaml").write_text(TFIDF, encoding="utf-8")
    result = CliRunner().invoke(main, ["mine.yaml", "--folds", "50"])
    assert result.exit_code == 1
    assert "expected at least 50 articles to make 50 folds, found 7" in result.output
