"""A CheckThat! table is a run: its labels are weighed on the sentences and gold labels of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import Newsroom
from test_eval_predictions import row, run_of, sentences, write

from eval.checkthat import read_any_run
from eval.compare import compare_command
from eval.predictions import FILE, Record
from isnad.annotate.tables import CheckThat
from isnad.annotate.task import Answer, Task
from isnad.errors import IsnadError
from isnad.labels import Stance

HEAD = "sentence_id\tlabel"


def records(rows: list[dict[str, Any]] | None = None) -> tuple[Record, ...]:
    """What another run holds: the title and two sentences of one article in test, one sentence in dev."""
    titled = [row(start=-1, end=-1), row(gold="deny"), row(start=50, end=60), row(doc_id="doc-2", split="dev")]
    return run_of("other", rows or titled).records


def table(path: Path, *lines: str, head: str = HEAD) -> Path:
    path.write_text("".join(f"{line}\n" for line in (head, *lines)), encoding="utf-8")
    return path


FULL = ("invented:doc-1:title\tassert", "invented:doc-1:0-49\tdeny", "invented:doc-1:50-60\tspeculate")


def trouble(tmp_path: Path, *lines: str, head: str = HEAD) -> str:
    """What is said about a table."""
    with pytest.raises(IsnadError) as caught:
        read_any_run(table(tmp_path / "t.tsv", *lines, head=head), records())
    return str(caught.value).replace(str(tmp_path / "t.tsv"), "t.tsv")


def test_a_table_takes_all_but_its_labels_from_the_reference(tmp_path: Path) -> None:
    run = read_any_run(table(tmp_path / "ours.tsv", *FULL), records())
    assert (run.name, run.path) == ("ours", tmp_path / "ours.tsv")
    assert [r.label for r in run.records] == [Stance.ASSERT, Stance.DENY, Stance.SPECULATE]
    assert [r.gold for r in run.records] == [Stance.ASSERT, Stance.DENY, Stance.ASSERT]
    assert {r.scores for r in run.records} == {None}, "the probabilities are the other run's"
    assert [r.key for r in run.records] == [r.key for r in records() if r.split == "test"]


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        ("run_id\tid\tclass_label", [f"ours-2\t{line}" for line in FULL]),
        ("\ufeffSentence_ID\tLabel\r", [f"{line}\r" for line in FULL]),
        ("reference\tsentence\tlabel", [line.replace("\t", "\tكلام آخر\t") for line in FULL]),
        (HEAD, [*(line.replace("title", "-1--1") for line in FULL), "", "\t"]),
        (HEAD, [line.upper().replace("INVENTED:DOC", "invented:doc").replace("TITLE", "title") for line in FULL]),
    ],
)
def test_other_ways_to_write_it(tmp_path: Path, head: str, lines: list[str]) -> None:
    run = read_any_run(table(tmp_path / "t.tsv", *lines, head=head), records())
    assert [r.label for r in run.records] == [Stance.ASSERT, Stance.DENY, Stance.SPECULATE]


def test_what_the_project_exports_for_annotation_is_read_back(tmp_path: Path) -> None:
    texts = {"a\\b": "افتتحت البلدية\tالجسر.", "c": "قد يتأخر القطار."}
    tasks = [
        Task("invented", doc, 0, len(text), text, answers=(Answer("badr", label),))
        for (doc, text), label in zip(texts.items(), ("deny", "speculate"), strict=True)
    ]
    (content,) = CheckThat.write(tasks).values()
    (tmp_path / "badr.tsv").write_text(content, encoding="utf-8")
    known = records([row(doc_id=doc, start=0, end=len(text)) for doc, text in texts.items()])
    run = read_any_run(tmp_path / "badr.tsv", known)
    assert [(r.doc_id, r.label) for r in run.records] == [("a\\b", Stance.DENY), ("c", Stance.SPECULATE)]


def test_an_empty_label_is_no_answer(tmp_path: Path) -> None:
    run = read_any_run(table(tmp_path / "t.tsv", FULL[0], "invented:doc-1:0-49\t", FULL[2]), records())
    assert run.records[1].label is None


def test_anything_else_is_read_as_a_run(tmp_path: Path) -> None:
    file = write(tmp_path / "arabert" / FILE, [row()])
    assert read_any_run(file.parent, ()).name == "arabert"
    assert len(read_any_run(file, ()).records) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("invented:doc-9:0-49\tdeny", "expected a sentence that the other runs (or the labelled data) hold, found "),
        ("invented:doc-2:0-49\tdenied", "expected assert, deny, attribute, speculate, or nothing where no answer was "),
        ("invented:doc-2:0-49\tskip", "found 'skip'; correct it"),
        ("invented:doc-1:-1--1\tdeny", "expected each sentence once, found invented:doc-1:-1--1 again after line 2"),
        ("invented:doc-2:0-49", "expected 2 columns, found 1; an empty cell still needs its tab"),
        ("invented:doc-2:0-49\tx\tdeny", "found 3; an empty cell still needs its tab, and a tab within a sentence is "),
    ],
)
def test_a_bad_line_is_told_with_its_number(tmp_path: Path, line: str, said: str) -> None:
    message = trouble(tmp_path, *FULL, "", line)
    assert message.startswith("t.tsv:6: ")
    assert said in message


def test_an_unknown_sentence_is_told_how_sentences_are_named(tmp_path: Path) -> None:
    assert trouble(tmp_path, "7\tdeny").endswith("found '7'; name it as in invented:doc-1:0-49")


def test_up_to_twenty_problems_are_told_at_once(tmp_path: Path) -> None:
    lines = trouble(tmp_path, *(f"{i}\tdeny" for i in range(23))).splitlines()
    assert [line[:9] for line in (lines[0], lines[19])] == ["t.tsv:2: ", "t.tsv:21:"]
    assert lines[20:] == ["… and 3 more lines with problems"]


def test_missing_sentences_are_counted_and_three_named(tmp_path: Path) -> None:
    known = records([row(start=10 * i, end=10 * i + 5) for i in range(9)])
    with pytest.raises(IsnadError) as caught:
        read_any_run(table(tmp_path / "t.tsv", "invented:doc-1:0-5\tdeny"), known)
    assert "expected all 9 sentences of test, found 8 missing (invented:doc-1:10-15, invented:doc-1:20-25, " in str(
        caught.value
    )
    assert str(caught.value).endswith(", …); add them, with an empty label where there is no answer")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (
            "sentence_id\tstance",
            "t.tsv:1: expected tabs between the columns, one of them label (or class_label), ",
        ),
        (
            "sentence_id,label",
            "one of them sentence_id (or reference or id), found sentence_id,label; name",
        ),
        ("", "found nothing; name the columns in the first line"),
    ],
)
def test_a_head_is_needed(tmp_path: Path, head: str, said: str) -> None:
    assert said in trouble(tmp_path, *FULL, head=head)


def test_two_runs_in_one_table_are_refused(tmp_path: Path) -> None:
    lines = [f"{line}\t{run}" for line, run in zip(FULL, ("b", "a", "a"), strict=True)]
    assert trouble(tmp_path, *lines, head=f"{HEAD}\trun_id") == (
        "t.tsv: expected one run_id, found a, b; give each a file of its own"
    )


def test_an_empty_table_and_another_encoding(tmp_path: Path) -> None:
    assert "expected a line a sentence below the head, found none" in trouble(tmp_path)
    (tmp_path / "old.tsv").write_bytes(f"{HEAD}\nنص\tdeny\n".encode("cp1256"))
    with pytest.raises(IsnadError, match=r"old.tsv:2: expected UTF-8, found the byte 0x\w\w; save"):
        read_any_run(tmp_path / "old.tsv", records())


# --- through the command ------------------------------------------------------------------------


def as_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The labels of these rows, in turned order, as somebody would hand them in."""
    lines = [f"{r.reference}\t{r.label or ''}\tours" for r in run_of("x", rows).records[::-1]]
    return table(path, *lines, head=f"{HEAD}\trun_id")


def test_a_table_and_a_predictions_file_say_the_same(tmp_path: Path) -> None:
    other = write(tmp_path / "rules" / FILE, sentences(0.5)).parent
    test = [r for r in sentences(0.9, seed=2) if r["split"] == "test"]
    as_lines, as_tsv = write(tmp_path / "b" / "ours.jsonl", test), as_table(tmp_path / "ours.tsv", test)
    said = [
        CliRunner().invoke(compare_command, [str(path), str(other), "--bootstrap", "100"])
        for path in (as_lines, as_tsv)
    ]
    assert [s.exit_code for s in said] == [0, 0]
    assert said[0].stdout == said[1].stdout
    assert "- test: ours ahead of rules by " in said[0].stdout


def test_tables_alone_are_judged_by_the_labelled_data(newsroom: Newsroom) -> None:
    newsroom.write()
    files = {}
    for name, label in (("one", "assert"), ("two", "deny")):
        articles = newsroom.labelled["test"]["saudinewsnet"]
        lines = [
            f"saudinewsnet:{a['doc_id']}:{u['start']}-{u['end']}\t{label}"
            for a in articles
            for u in a["sentences"]
            if u["label"] != "skip"
        ]
        lines += [
            f"composed:c-test-0:{u['start']}-{u['end']}\t{label}"
            for u in newsroom.composed["test"][0]["sentences"]
            if u["label"] != "skip"
        ]
        files[name] = table(newsroom.root / f"{name}.tsv", *lines)
    done = CliRunner().invoke(compare_command, [*map(str, files.values()), "--bootstrap", "100"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "- test: one against two, a tie: 2 articles are too few to tell (+" in done.stdout
    table(files["two"], "saudinewsnet:saudi-test-0:-1--1\tdeny")
    short = CliRunner().invoke(compare_command, [*map(str, files.values()), "--bootstrap", "100"])
    assert (short.exit_code, short.stdout) == (1, "")
    assert "two.tsv: expected all " in short.stderr
