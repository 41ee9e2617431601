"""Publishers, subjects and origins that training never held: who judges them, and what the figures say of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Newsroom, invented

import train.folds
from eval.bootstrap import Interval
from eval.generalise import Row, Table, as_markdown, tables_of
from isnad.errors import IsnadError
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


# --- figures ------------------------------------------------------------------------------------


def answer(doc_id: str, start: int, gold: str, label: str | None, **fields: Any) -> dict[str, Any]:
    where = {"corpus": "invented", "doc_id": doc_id, "start": start, "end": start + 9, "outlet": "صحيفة الورق"}
    return where | {
        "kind": "article", "origin": "news", "split": "train", "gold": gold, "label": label, "scores": None, **fields
    }  # fmt: skip


def write(name: str, rows: list[dict[str, Any]]) -> None:
    Path(name).write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")


GOLD = ("assert", "assert", "deny", "deny")
LEFT_OUT = {"north": ("assert", "deny", "deny", "deny"), "south": ("deny", "deny", None, "assert")}
IN_FOLD = {"north": ("assert", "assert", "deny", "deny"), "south": ("assert", "assert", "deny", None)}


@pytest.fixture
def two_papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two publishers of three articles each, all alike; the run directory is the current one."""
    monkeypatch.chdir(tmp_path)
    left, folds = (
        [
            answer(f"{group}-{a}", 10 * i, gold, label, **({"left_out": group} if given is LEFT_OUT else {"fold": a}))
            for group, labels in given.items()
            for a in range(3)
            for i, (gold, label) in enumerate(zip(GOLD, labels, strict=True))
        ]
        for given in (LEFT_OUT, IN_FOLD)
    )
    write("left_out_publisher.jsonl", left)
    write("out_of_fold.jsonl", [*folds[::-1], answer("elsewhere", 0, "assert", "assert", fold=2)])
    return tmp_path


def test_the_figures_of_two_publishers_by_hand(two_papers: Path) -> None:
    (table,) = tables_of(two_papers, rounds=50)
    south, north = table.rows
    assert (table.dimension, south.group, north.group) == ("publisher", "south", "north"), "the worst comes first"
    assert [(r.n, r.articles) for r in (*table.rows, table.overall)] == [(12, 3), (12, 3), (24, 6)]
    f1_north = (2 / 3 + 4 / 5) / 2  # assert: 1 of 1 given, 1 of 2 gold; deny: 2 of 3 given, 2 of 2 gold
    assert north.left_out == Interval(*[pytest.approx(f1_north)] * 3), "articles alike: the interval has no width"
    assert (north.in_fold, south.left_out) == (Interval(1, 1, 1), Interval(0, 0, 0))
    assert south.in_fold == Interval(*[pytest.approx((1 + 2 / 3) / 2)] * 3)
    assert asdict(north.difference) == pytest.approx(
        {"value": f1_north - 1, "low": f1_north - 1, "high": f1_north - 1, "p": 2 / 51}
    )
    assert south.difference.value == pytest.approx(-(1 + 2 / 3) / 2)
    # pooled: assert 1 of 2 given and 1 of 4 gold, deny 2 of 5 and 2 of 4; in fold 1 and 6/7
    assert table.overall.left_out.value == pytest.approx((2 / 6 + 4 / 9) / 2)
    assert table.overall.in_fold.value == pytest.approx((1 + 6 / 7) / 2)
    assert table.overall.left_out.low < table.overall.left_out.value < table.overall.left_out.high


def test_without_out_of_fold_answers_there_is_no_reference(two_papers: Path) -> None:
    Path("out_of_fold.jsonl").unlink()
    (table,) = tables_of(two_papers, rounds=50)
    assert [(r.in_fold, r.difference) for r in table.rows] == [(None, None)] * 2
    assert "in fold" not in as_markdown(table).lower()


def test_tables_come_by_dimension_and_origins_are_not_pooled(two_papers: Path) -> None:
    left = [json.loads(line) for line in Path("left_out_publisher.jsonl").read_text(encoding="utf-8").splitlines()]
    write("left_out_origin.jsonl", [r | {"left_out": "news"} for r in left])
    write("left_out_subject.jsonl", [r | {"left_out": "sport"} for r in left])
    publishers, subjects, origins = tables_of(two_papers, rounds=20)
    assert [t.dimension for t in (publishers, subjects, origins)] == ["publisher", "subject", "origin"]
    assert subjects.overall is None, "one group pools to itself"
    assert origins.overall is None


def test_a_directory_without_left_out_answers_has_no_tables(tmp_path: Path) -> None:
    assert tables_of(tmp_path) == ()
    (tmp_path / "out_of_fold.jsonl").write_text("no JSON\n", encoding="utf-8")
    assert tables_of(tmp_path) == ()


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


def test_the_table_in_markdown() -> None:
    from eval.bootstrap import Difference

    row = Row("publisher", "a|b", 1234, 56, Interval(0.7, 0.65, 0.75), Interval(0.72, 0.7, 0.74), None)
    paired = Row(*[getattr(row, f) for f in Row.__slots__[:-1]], Difference(-0.02, -0.031, 0.004, 0.12))
    lines = as_markdown(Table("publisher", (paired,), None)).splitlines()
    assert lines[0] == (
        "| publisher left out | sentences | articles | macro-F1 without it | in fold | difference, points |"
    )
    assert lines[2] == (r"| a\|b | 1,234 | 56 | .700 (.650 to .750) | .720 (.700 to .740) | −2.0 (−3.1 to +0.4) |")
    assert "without their publisher" in lines[-1]


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("left_out_publisher.jsonl", {"left_out": ""}, r"publisher\.jsonl:1: field \"left_out\": expected the name"),
        ("left_out_publisher.jsonl", {"gold": "denial"}, r"publisher\.jsonl:1: field \"gold\": expected assert, deny"),
        ("left_out_publisher.jsonl", {"split": "test"}, r"publisher\.jsonl:1: expected .* split train"),
        ("left_out_publisher.jsonl", {"start": 10, "end": 19}, r"publisher\.jsonl:2: .*once, found .* on line 1"),
        ("left_out_publisher.jsonl", {"gold": "deny"}, r"out_of_fold\.jsonl: .*found 1 that lack or differ"),
        ("left_out_publisher.jsonl", {"doc_id": "new"}, r"found 1 that lack or differ \(invented:new:0-9"),
    ],
)
def test_files_that_cannot_be_believed(two_papers: Path, file: str, change: dict[str, Any], message: str) -> None:
    rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    write(file, [rows[0] | change, *rows[1:]])
    with pytest.raises(IsnadError, match=message):
        tables_of(two_papers, rounds=10)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n", b"[1]\n", b"no JSON\n", b"[" * 5000 + b"\n"])
def test_a_file_of_other_things_is_named(two_papers: Path, content: bytes) -> None:
    Path("left_out_publisher.jsonl").write_bytes(content)
    with pytest.raises(IsnadError, match=r"left_out_publisher\.jsonl.*expected"):
        tables_of(two_papers)
