"""Publishers, subjects and origins that training never held: who judges them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Newsroom, invented

import train.folds
from eval.yardsticks.generalise import tables_of
from isnad.examples import Document
from isnad.subjects import UNKNOWN, subject_of
from train.__main__ import main
from train.leave_out import group_of

PUBLISHERS = {"صحيفة النخيل": 3, "صحيفة الميناء": 2, "نشرة قصيرة": 1}
SENTENCES = sum(u["label"] != "skip" for u in invented("any")["sentences"])
"""How many labelled sentences an invented article has."""
SWAPPED = {"deny": "speculate", "speculate": "deny"}


@pytest.fixture
def dailies(newsroom: Newsroom) -> Newsroom:
    """Three publishers in one corpus and a radio in another; a copy of one of the first's articles at the second.

    The text of the test articles is not even there.
    """
    saudi = [
        invented(f"{outlet}-{i}", outlet=outlet) | {"subject": "sport" if i else ""}
        for outlet, count in PUBLISHERS.items()
        for i in range(count)
    ]
    saudi.append({**saudi[0], "doc_id": "copy", "outlet": "صحيفة الميناء"})
    newsroom.labelled["train"]["saudinewsnet"] = saudi
    newsroom.labelled["train"]["antcorpus"][0]["doc_id"] = "JA-society/1"
    newsroom.labelled["test"] = {"sanad_khaleej": [invented("test")]}
    newsroom.write()
    for corpus in ("hespress", "sanad_khaleej"):
        (newsroom.corpora / f"{corpus}.jsonl.xz").write_bytes(b"not to be opened")
    return newsroom


def run(*words: str, kind: str = "tfidf") -> Result:
    more = "min_count: 1\ngrid_c: [1.0]\n" if kind == "tfidf" else ""
    Path("mine.yaml").write_text(f"kind: {kind}\n{more}", encoding="utf-8")
    return CliRunner().invoke(main, ["mine.yaml", *words])


def rows_of(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in Path(result.stdout.strip()).read_text(encoding="utf-8").splitlines()]


def groups(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Sentences by group, in the order of the file."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["left_out"]] = found.get(row["left_out"], 0) + 1
    return found


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The articles that each training saw, in order."""
    fit, seen = train.folds.fit, []

    def watched(config, manifest, prepared, out):
        seen.append({e.doc_id for e in prepared.train})
        assert not {e.split for e in [*prepared.train, *prepared.dev]} - {"train", "dev"}
        return fit(config, manifest, prepared, out)

    monkeypatch.setattr(train.folds, "fit", watched)
    return seen


# --- training -----------------------------------------------------------------------------------


def test_each_publisher_is_judged_by_a_model_that_saw_nothing_of_it(
    dailies: Newsroom, trainings: list[set[str]], caplog: pytest.LogCaptureFixture
) -> None:
    result = run("--leave-out", "publisher", "--least", "20")
    rows = rows_of(result)
    assert result.stdout.strip() == "runs/mine/left_out_publisher.jsonl"
    assert groups(rows) == {  # the radio has three articles too; ties go by name
        "إذاعة الورق": 3 * SENTENCES,
        "صحيفة الميناء": 3 * SENTENCES,
        "صحيفة النخيل": 3 * SENTENCES,
    }
    assert all((r["left_out"], r["origin"], r["split"]) == (r["outlet"], "news", "train") for r in rows)
    composed = {a["doc_id"] for a in dailies.composed["train"]}
    for (group, _), seen in zip(groups(rows).items(), trainings, strict=True):
        judged = {r["doc_id"] for r in rows if r["left_out"] == group}
        assert not judged & seen
        assert composed < seen, "composed articles stay in training"
        if group != "إذاعة الورق":
            assert not {"copy", "صحيفة النخيل-0"} & seen, "near-duplicates of the group's articles go with it"
    assert f"skipped نشرة قصيرة, {SENTENCES} training sentences where --least asks 20" in caplog.text
    assert f"left out 2 of 3: صحيفة الميناء: {3 * SENTENCES} sentences held out, {SENTENCES} in near" in caplog.text


def test_a_publisher_with_a_tongue_of_its_own_is_misread_when_left_out(dailies: Newsroom) -> None:
    """Where one newspaper's denials are labelled speculation and the reverse, only its own articles could tell."""
    articles = [a for a in dailies.labelled["train"]["saudinewsnet"] if a["outlet"] == "صحيفة الميناء"]
    for unit in (u for a in articles if a["doc_id"] != "copy" for u in a["sentences"]):
        label = SWAPPED.get(unit["label"], unit["label"])
        unit |= {"label": label, "attributed": label == "attribute", "source": None, "cue": None}
    dailies.write()
    for corpus in ("hespress", "sanad_khaleej"):
        (dailies.corpora / f"{corpus}.jsonl.xz").write_bytes(b"not to be opened")
    rows = rows_of(run("--leave-out", "publisher", "--least", "20"))
    turned = [r for r in rows if r["doc_id"].startswith("صحيفة الميناء") and r["gold"] in SWAPPED]
    assert turned
    assert all(r["label"] == SWAPPED[r["gold"]] for r in turned)


def test_subjects_are_those_that_articles_state_or_their_section_names(
    dailies: Newsroom, trainings: list[set[str]]
) -> None:
    rows = rows_of(run("--leave-out", "subject", "--least", "1"))
    assert groups(rows) == {"sport": 3 * SENTENCES, "society": SENTENCES}
    assert {r["doc_id"] for r in rows if r["left_out"] == "society"} == {"JA-society/1"}
    assert not {r["doc_id"] for r in rows if r["left_out"] == "sport"} & trainings[0]
    assert "JA-society/1" in trainings[0]


def test_composed_news_judges_real_news_and_the_reverse(dailies: Newsroom, trainings: list[set[str]]) -> None:
    rows = rows_of(run("--leave-out", "origin", "--least", "20"))
    composed = {a["doc_id"] for a in dailies.composed["train"]}
    assert list(groups(rows)) == ["news", "composed"]
    assert trainings[0] == composed
    assert {r["doc_id"] for r in rows if r["left_out"] == "composed"} == composed
    assert not trainings[1] & composed
    assert all(r["origin"] == r["left_out"] for r in rows)


def test_no_part_has_its_labels_moved_by_vector_scaling(dailies: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part gets a temperature and nothing else; on these data a released artefact would get a bias a label."""
    judging, found = train.folds.answers, []

    def watched(classifier, examples):
        found.append(classifier.manifest)
        return judging(classifier, examples)

    monkeypatch.setattr(train.folds, "answers", watched)
    run("--leave-out", "publisher", "--least", "20")
    assert len(found) == 3
    assert all(m.scaling is None and m.temperature != 1 for m in found)


def test_rules_leave_groups_out_too(dailies: Newsroom) -> None:
    assert len(groups(rows_of(run("--leave-out", "publisher", "--least", "20", kind="rules")))) == 3


def test_a_run_that_was_stopped_goes_on_with_the_group_it_was_in(
    dailies: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--leave-out", "publisher", "--least", "1")
    whole = rows_of(run(*words))
    fit, calls = train.folds.fit, []

    def stopping(*given):
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit(*given)

    monkeypatch.setattr(train.folds, "fit", stopping)
    assert run(*words).exit_code == 130
    assert rows_of(run(*words)) == whole
    assert len(calls) == 3 + 2, "the first two groups are not trained again"


def test_what_was_done_for_other_groups_does_not_count(dailies: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--leave-out", "publisher", "--least", "1")
    fit, calls = train.folds.fit, []

    def stopping(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit(*given)

    monkeypatch.setattr(train.folds, "fit", stopping)
    assert run(*words).exit_code == 130
    fewer = ("--leave-out", "publisher", "--least", "20")
    assert len(groups(rows_of(run(*fewer)))) == 3
    assert len(calls) == 2 + 3


def test_nothing_to_leave_out_is_an_error(newsroom: Newsroom, caplog: pytest.LogCaptureFixture) -> None:
    newsroom.write()
    few = run("--leave-out", "publisher")
    assert few.exit_code == 1
    assert f"skipped إذاعة الورق, {3 * SENTENCES} training sentences where --least asks 100" in caplog.text
    assert "expected publishers in train that can be left out, at least 100 sentences each, found none" in few.stderr
    newsroom.corpora.rename(newsroom.root / "away")
    alone = run("--leave-out", "origin", "--least", "1")
    assert alone.exit_code == 1
    assert "skipped composed, without it no training sentence is labelled assert, deny" in caplog.text
    assert "ISNAD_CORPORA" in alone.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--folds", "3", "--leave-out", "subject"], "expected --folds or --leave-out, found both"),
        (["--least", "5"], "expected --least beside --leave-out"),
        (["--leave-out", "colour"], "'colour' is not one of 'publisher', 'subject', 'origin'"),
    ],
)
def test_options_that_do_not_go_together(newsroom: Newsroom, words: list[str], message: str) -> None:
    newsroom.write()
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("doc_id", "outlet", "stated", "subject"),
    [
        ("1", "صحيفة الورق (Sports)", "", "sport"),
        ("JA-politique/7", "إذاعة الورق", "", "politics"),
        ("Finance-12", "صحيفة الورق", "", "economy"),
        ("JA-politique/7", "إذاعة الورق", "courts", "courts"),
        ("weather/7", "صحيفة الورق", "", UNKNOWN),
        ("17", "صحيفة الورق", "", UNKNOWN),
    ],
)
def test_the_subject_of_an_article(doc_id: str, outlet: str, stated: str, subject: str) -> None:
    article = Document(doc_id, "", "", outlet, "", "article", "antcorpus", (), subject=stated)
    assert subject_of(article) == subject
    assert group_of("subject", article) == (None if subject == UNKNOWN else subject)


def test_the_sections_of_hespress_are_one_publisher() -> None:
    article = Document("1", "", "", "قسم المجتمع", "", "article", "hespress", ())
    assert (group_of("publisher", article), group_of("origin", article)) == ("hespress.com", "news")


def test_what_training_wrote_can_be_weighed(dailies: Newsroom) -> None:
    for words in (
        ("--folds", "3"),
        ("--leave-out", "publisher", "--least", "20"),
        ("--leave-out", "origin", "--least", "20"),
    ):
        assert run(*words).exit_code == 0
    publishers, origins = tables_of(Path("runs/mine"), rounds=20)
    assert {r.group for r in publishers.rows} == {"إذاعة الورق", "صحيفة الميناء", "صحيفة النخيل"}
    assert all(r.n == 3 * SENTENCES and r.articles == 3 and r.in_fold for r in publishers.rows)
    assert {r.group: r.articles for r in origins.rows} == {"news": 10, "composed": 4}
