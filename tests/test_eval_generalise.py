"""What the figures say of publishers, subjects and origins that training never held, for one run and for several."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from test_eval_predictions import sentences
from test_eval_predictions import write as write_run

from eval.__main__ import main
from eval.bootstrap import Difference, Interval
from eval.yardsticks.generalise import Row, Table, as_markdown, side_by_side, tables_of
from isnad.errors import IsnadError

ROOT = Path(__file__).parent.parent


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
    (beside,) = side_by_side({"run": [table]})
    assert beside.unpaired == ("run",)
    assert as_markdown(beside).endswith("No answers in folds: run (python -m train CONFIG --folds 5 makes them).\n")


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


# --- several runs side by side --------------------------------------------------------------------


def row(dimension: str, group: str, value: float, *, folds: bool = False) -> Row:
    figure = Interval(value, value - 0.05, value + 0.05)
    if not folds:
        return Row(dimension, group, 1234, 56, figure, None, None)
    in_fold = replace(figure, value=value + 0.02)
    return Row(dimension, group, 1234, 56, figure, in_fold, Difference(-0.02, -0.031, 0.004, 0.12))


def test_the_table_in_markdown() -> None:
    paired = Table("publisher", (row("publisher", "a|b", 0.7, folds=True),), None)
    bare = Table("publisher", (row("publisher", "a|b", 0.6), row("publisher", "c", 0.5)), row("publisher", "all", 0.55))
    (beside,) = side_by_side({"default": (paired,), "rules|2": (bare,)})
    lines = [" ".join(line.split()) for line in as_markdown(beside).splitlines()]
    assert lines[0] == (
        "| publisher left out | run | sentences | articles | macro-F1 without it | in fold | difference, points |"
    )
    assert lines[2:6] == [
        r"| a\|b | default | 1,234 | 56 | .700 (.650 to .750) | .720 (.650 to .750) | −2.0 (−3.1 to +0.4) |",
        r"| a\|b | rules\|2 | 1,234 | 56 | .600 (.550 to .650) | – | – |",
        r"| c | rules\|2 | 1,234 | 56 | .500 (.450 to .550) | – | – |",
        r"| all of them | rules\|2 | 1,234 | 56 | .550 (.500 to .600) | – | – |",
    ]
    assert "without their publisher" in lines[-1]
    assert "judged by models that knew the publisher, not the article" in lines[-1]
    assert lines[-1].endswith(r"No answers in folds: rules\|2 (python -m train CONFIG --folds 5 makes them).")


def test_an_origin_says_what_was_trained_on_and_what_was_judged() -> None:
    table = Table("origin", (row("origin", "news", 0.5), row("origin", "composed", 0.9)), None)
    (beside,) = side_by_side({"rules": (table,)})
    assert list(beside.groups) == ["composed → real", "real → composed"]
    assert beside.groups["composed → real"]["rules"].left_out.value == 0.5
    assert as_markdown(beside).startswith("| trained → judged | run ")
    named = Table("publisher", (row("publisher", "news", 0.5),), None)
    assert list(side_by_side({"rules": (named,)})[0].groups) == ["news"], "a publisher may be called so"


def test_the_report_shows_all_runs_beside_each_other(two_papers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three runs: with both files, with left-out answers alone, and with none; in every form of the report."""
    for name, files in (("default", "fo"), ("قواعد", "o"), ("tfidf", "f")):
        write_run(two_papers / name / "predictions.jsonl", sentences(0.8))
        left = Path("left_out_publisher.jsonl").read_text(encoding="utf-8")
        if "o" in files:
            (two_papers / name / "left_out_publisher.jsonl").write_text(left, encoding="utf-8")
            origin = left.replace('"north"', '"news"').replace('"south"', '"composed"')
            (two_papers / name / "left_out_origin.jsonl").write_text(origin, encoding="utf-8")
        if "f" in files:
            Path(name, "out_of_fold.jsonl").write_bytes(Path("out_of_fold.jsonl").read_bytes())
    done = CliRunner().invoke(main, ["default", "قواعد", "tfidf", "--bootstrap", "100", "--public", "-o", "report"])
    assert done.exit_code == 0, done.output
    report = json.loads(Path("report/report.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, json.loads((ROOT / "eval/report/report.schema.json").read_text(encoding="utf-8")))
    found = [(t["run"], t["dimension"], [r["in_fold"] is None for r in t["rows"]]) for t in report["generalisation"]]
    assert found == [
        ("default", "publisher", [False, False]),
        ("default", "origin", [False, False]),
        ("قواعد", "publisher", [True, True]),
        ("قواعد", "origin", [True, True]),
    ]
    markdown = [" ".join(x.split()) for x in Path("report/report.md").read_text(encoding="utf-8").splitlines()]
    for group in ("south", "north", "composed → real", "real → composed", "all of them"):
        rows = [line for line in markdown if line.startswith(f"| {group} |")]
        assert [line.split(" | ")[1] for line in rows] == ["default", "قواعد"]
        assert rows[1].endswith("| – | – |")
        assert not rows[0].endswith("| – | – |")
    html = Path("report/report.html").read_text(encoding="utf-8")
    for said in ("Left out: publisher", "Trained on one kind of text", "composed → real", "No answers in folds: قواعد"):
        assert said in html


# --- files that cannot be believed ----------------------------------------------------------------


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
