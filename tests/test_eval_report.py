"""`python -m eval` from predictions to the three reports, through the door and on a real screen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from test_eval_predictions import TEXTS, row, run_of, sentences, write

from eval.__main__ import main
from eval.judge import judge_run
from eval.yardsticks.floors import FILE as FLOORS

ROOT = Path(__file__).parent.parent


@pytest.fixture
def arabert(tmp_path: Path) -> Path:
    return write(tmp_path / "arabert" / "predictions.jsonl", sentences(0.9)).parent


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return write(tmp_path / "قواعد <b>" / "predictions.jsonl", sentences(0.5, seed=2)).parent


def call(*arguments: Any) -> Result:
    """The command in this process; what it prints is checked as a user sees it."""
    return CliRunner().invoke(main, ["--bootstrap", "100", *map(str, arguments)])


def report_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


def test_the_command_writes_three_files_and_prints_the_headline(arabert: Path, rules: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "eval", arabert, rules, "-o", tmp_path / "out", "--bootstrap", "200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[:4] == [str(tmp_path / "out" / f) for f in ("report.json", "report.md", "report.html", "errors.html")]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "errors.html",
        "report.html",
        "report.json",
        "report.md",
    ]
    assert lines[5].startswith("| Split")
    assert lines[7].startswith("| test ")
    assert "arabert" in lines[7]
    assert done.stderr == ""


def test_a_bad_file_is_told_without_a_traceback(tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", [row(), row(start=60, end=70, gold="denied")])
    command = [sys.executable, "-m", "eval", file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f'error: {file}:2: field "gold": expected assert, deny, attribute or speculate, found'
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument"),
        (["nowhere"], "does not exist"),
        (["RUN", "--bootstrap", "3"], "is not in the range"),
        (["RUN", "--fail-under", "macro_f1"], "FIGURE=NUMBER, found 'macro_f1'; write macro_f1=.70"),
        (
            ["RUN", "--fail-under", "macrof1=.7"],
            "found 'macrof1'; did you mean macro_f1?",
        ),
        (["RUN", "--fail-under", "tests:mcc=.7"], "did you mean test?"),
    ],
)
def test_a_wrong_call_exits_2(arabert: Path, arguments: list[str], said: str) -> None:
    result = call(*[str(arabert) if a == "RUN" else a for a in arguments])
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", "").split())


def test_a_run_given_twice_is_refused(arabert: Path) -> None:
    result = call(arabert, arabert)
    assert result.exit_code == 1
    assert "expected each run once, found it twice" in result.output


def test_where_the_report_goes_when_nobody_says(arabert: Path, tmp_path: Path) -> None:
    assert call(arabert).exit_code == 0
    assert (arabert / "report.html").is_file()
    assert call(arabert / "predictions.jsonl").exit_code == 0
    assert report_of(arabert)["runs"][0]["name"] == "arabert"
    bare = write(tmp_path / "by-hand.jsonl", sentences())
    assert call(bare).exit_code == 0
    assert report_of(tmp_path / "by-hand-report")["runs"][0]["name"] == "by-hand"


def test_a_folder_that_cannot_be_written_is_told(arabert: Path) -> None:
    result = call(arabert, "-o", arabert / "predictions.jsonl" / "x")
    assert result.exit_code == 1
    assert "choose another with -o" in result.output


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folders = [
        write(tmp_path / x / "run" / "predictions.jsonl", sentences(a)).parent for x, a in (("a", 0.9), ("b", 0.6))
    ]
    assert call(*folders, "-o", tmp_path).exit_code == 0
    assert [r["name"] for r in report_of(tmp_path)["runs"]] == ["a/run", "b/run"]


def test_fail_under(arabert: Path) -> None:
    assert call(arabert, "--fail-under", "macro_f1=.70", "--fail-under", "dev:accuracy=0.5").exit_code == 0
    low = call(arabert, "--fail-under", "test-outlets:macro_f1=.999")
    assert low.exit_code == 1
    assert "error: expected macro_f1 of at least 0.999 in test-outlets, found 0." in low.output
    missing = call(arabert, "--fail-under", "seed:mcc=.1")
    assert missing.exit_code == 1
    assert "expected the split seed for --fail-under, found test, test-outlets, dev" in missing.output


def test_the_same_call_gives_the_same_report(arabert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    rows = sentences(0.9)
    write(tmp_path / "turned" / "arabert" / "predictions.jsonl", rows[::-1])
    for folder, out in ((arabert, "one"), (arabert, "two"), (tmp_path / "turned" / "arabert", "three")):
        assert call(folder, "-o", tmp_path / out).exit_code == 0
    one, two, three = (tmp_path / out for out in ("one", "two", "three"))
    for name in ("report.json", "report.md", "report.html"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert (one / "report.md").read_bytes() == (three / "report.md").read_bytes()
    assert report_of(one)["created"] == "2023-11-14T22:13:20+00:00"


def slices(split: dict[str, Any], dimension: str) -> dict[str, dict[str, Any]]:
    """The slices of one dimension by name."""
    return {part["name"]: part for part in split["slices"] if part["dimension"] == dimension}


def test_slices_and_headline(arabert: Path) -> None:
    call(arabert)
    splits = report_of(arabert)["runs"][0]["splits"]
    assert list(splits) == ["test", "test-outlets", "dev"]
    test, rows = splits["test"], [r for r in sentences() if r["split"] == "test"]
    main = test["main"]
    by_origin = {name: part["n"] for name, part in slices(test, "origin").items()}
    assert test["headline"] == "news"
    assert by_origin["real"] + by_origin["composed"] == len(rows)
    assert by_origin["real"] == main["n"] == sum(part["n"] for part in slices(test, "choice").values())
    assert sum(part["n"] for part in slices(test, "publisher").values()) == main["n"]
    assert sum(map(sum, test["confusion"]["matrix"])) == main["n"]
    assert splits["dev"]["headline"] == "composed"
    assert list(slices(splits["dev"], "origin")) == ["composed"]
    assert main["macro_f1"]["low"] <= main["macro_f1"]["value"] <= main["macro_f1"]["high"]


def test_the_worst_slices_come_first(arabert: Path) -> None:
    call(arabert)
    said = (arabert / "report.md").read_text(encoding="utf-8")
    rows = said.split("least accurate slices")[1].split("###")[0].splitlines()[4:]
    found = [float(row.split("|")[5].split()[0]) for row in rows if row.startswith("|")]
    assert len(found) >= 3
    assert found == sorted(found)


def test_no_label_is_wrong_and_has_its_column(tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", [row(gold="deny"), row(start=50, end=60, label=None, scores={})])
    call(file, "-o", tmp_path)
    split = report_of(tmp_path)["runs"][0]["splits"]["test"]
    assert split["main"]["accuracy"]["value"] == 0.5
    assert split["confusion"]["columns"][-1] == "none"
    assert split["confusion"]["matrix"][0] == [0, 0, 0, 0, 1]
    notes = report_of(tmp_path)["runs"][0]["notes"]
    assert notes[0].startswith("test: a single article")
    assert notes[1].startswith("test: gold holds no attribute, no speculate;")


def test_predictions_without_scores_have_no_calibration(tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", sentences(scores=None))
    assert call(file, "-o", tmp_path).exit_code == 0
    assert report_of(tmp_path)["runs"][0]["splits"]["test"]["confidence"] is None
    assert "no probabilities" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No probabilities were given." in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_spans_attribution_and_abstention(tmp_path: Path) -> None:
    asked = {"cue": [0, 3], "gold_cue": [0, 4], "source": None, "gold_source": [5, 9]}
    file = write(tmp_path / "p.jsonl", sentences(**asked, attributed=True, gold_attributed=True, abstained=False))
    call(file, "-o", tmp_path)
    split = report_of(tmp_path)["runs"][0]["splits"]["test"]
    f1s = {name: scores["f1"]["value"] for name, scores in split["spans"].items()}
    assert f1s == {"cue-exact": 0, "cue-overlap": 1, "source-exact": 0, "source-overlap": 0}
    assert split["attributed"]["n"] == split["main"]["n"]
    assert split["attributed"]["accuracy"]["value"] == split["attributed"]["f1"]["value"] == 1
    assert split["kept"] is None


def test_what_an_abstaining_run_keeps(tmp_path: Path) -> None:
    rows = [{**r, "abstained": r["label"] != r["gold"]} for r in sentences(0.7)]
    call(write(tmp_path / "p.jsonl", rows), "-o", tmp_path)
    split = report_of(tmp_path)["runs"][0]["splits"]["test"]
    assert split["kept"]["accuracy"]["value"] == 1
    assert split["kept"]["coverage"]["value"] == pytest.approx(split["main"]["accuracy"]["value"])


def test_where_nothing_is_answered_there_is_no_precision(tmp_path: Path) -> None:
    """Sure and right on dev, unsure on test: no sentence of test reaches the threshold. A dash, never .000."""

    def scores(sure: float, gold: str) -> dict[str, float]:
        return dict.fromkeys(("assert", "deny", "attribute", "speculate"), (1 - sure) / 3) | {gold: sure}

    rows = [
        r | {"label": r["gold"], "scores": scores(0.9 if r["split"] == "dev" else 0.5, r["gold"]), "abstained": True}
        for r in sentences()
    ]
    done = call(write(tmp_path / "p.jsonl", rows), "-o", tmp_path, "--latex")
    assert done.exit_code == 0, done.output
    report = report_of(tmp_path)
    jsonschema.validate(report, json.loads((ROOT / "eval" / "report" / "report.schema.json").read_text()))
    splits = report["runs"][0]["splits"]
    for s in splits["test"]["confidence"]["selective"]:
        assert (s["threshold"], s["precision"], s["coverage"]) == (pytest.approx(0.9), None, None)
    assert splits["dev"]["confidence"]["selective"][0]["precision"]["value"] == 1
    assert splits["test"]["kept"] == {"coverage": {"value": 0, "low": 0, "high": 0}, "accuracy": None}
    said = (tmp_path / "report.md").read_text(encoding="utf-8")
    rows_of_test = [line for line in said.splitlines() if line.startswith("| test ") and "answered from" in line]
    assert len(rows_of_test) == 2
    assert all("precision –, coverage –" in line for line in rows_of_test)
    words = " ".join(re.sub(r"<[^>]*>", " ", (tmp_path / "report.html").read_text("utf-8")).split())
    assert "test .900 .900 – – test .950 .900 – – " in words
    assert "with an accuracy of –." in words
    assert "test & .900 & .900 & -- & -- " in (tmp_path / "report.tex").read_text(encoding="utf-8")


def test_seeds_of_one_config_are_a_spread_of_their_own(tmp_path: Path) -> None:
    folders = []
    for seed in (13, 14, 15):
        folder = write(tmp_path / f"run{seed}" / "predictions.jsonl", sentences(0.8, seed=seed)).parent
        (folder / "config.yaml").write_text(f"kind: tfidf\nname: run{seed}\nseed: {seed}\n", encoding="utf-8")
        folders.append(folder)
    other = write(tmp_path / "other" / "predictions.jsonl", sentences(0.8, seed=16)).parent
    (other / "config.yaml").write_text("kind: rules\nname: other\nseed: 13\n", encoding="utf-8")
    assert call(*folders, other, "-o", tmp_path / "out").exit_code == 0
    report = report_of(tmp_path / "out")
    spread = next(s for s in report["seeds"] if s["split"] == "test")
    values = [r["splits"]["test"]["main"]["macro_f1"]["value"] for r in report["runs"][:3]]
    assert spread["seeds"] == [13, 14, 15]
    assert spread["mean"] == pytest.approx(sum(values) / 3, abs=1e-5)
    assert (spread["lowest"], spread["highest"]) == (min(values), max(values))
    assert "### Seeds" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_floors_and_a_second_reader_stand_beside_what_is_known(rules: Path, tmp_path: Path) -> None:
    """A person's answers to labelled sentences of ours; what nobody labelled has no floor, and a note says so."""
    known = [
        line.split("\t")[0] for line in FLOORS.read_text(encoding="utf-8").splitlines() if line.startswith("saudi")
    ]
    rows = []
    for reference in known:
        corpus, rest = reference.split(":", 1)
        doc_id, place = rest.rsplit(":", 1)
        start, end = (-1, -1) if place == "title" else map(int, place.split("-"))
        where = {"corpus": corpus, "doc_id": doc_id, "start": start, "end": end}
        rows.append(row(**where, scores=None, gold=("assert", "deny")[len(rows) % 2]))
    done = call(write(tmp_path / "person.jsonl", rows), "-o", tmp_path)
    names = [r["name"] for r in report_of(tmp_path)["runs"]]
    assert names == ["person", "majority", "tfidf", "rules"]
    assert set(report_of(tmp_path)["ceilings"]) >= {"test", "test-outlets"}
    assert "a second reader" in done.output
    unknown = call(rules, "-o", tmp_path / "unknown")
    assert len(report_of(tmp_path / "unknown")["runs"]) == 1
    assert "floors.tsv does not know all of its sentences" in unknown.output


def test_the_second_reader_of_composed_text_stands_where_a_split_has_no_news(tmp_path: Path) -> None:
    """As in a checkout without the newspaper text, where all that can be judged was composed."""
    known = [x.split("\t")[0] for x in FLOORS.read_text(encoding="utf-8").splitlines() if x.startswith("composed:")]
    rows = [
        row(doc_id=d, start=int(s), end=int(e), split="test", origin="composed", corpus="composed", scores=None)
        for d, place in (reference.split(":")[1:] for reference in known)
        if place != "title"
        for s, e in [place.split("-")]
    ]
    done = call(write(tmp_path / "person.jsonl", rows), "-o", tmp_path)
    ceilings = report_of(tmp_path)["ceilings"]
    assert set(ceilings["test"]) == {"news", "composed"}
    (line,) = [x for x in done.output.splitlines() if "a second reader" in x]
    cells = [c.strip() for c in line.strip("|").split("|")]
    assert cells[:4] == ["test", "a second reader", "composed", str(ceilings["test"]["composed"]["n"])]
    news = [row(doc_id="other", gold="deny", scores=None), *rows]
    assert "| a second reader | news " in call(write(tmp_path / "both.jsonl", news), "-o", tmp_path / "b").output


def test_an_article_in_two_splits_is_noted() -> None:
    judged = judge_run(run_of("a", [row(), row(start=60, end=70, split="dev")]), rounds=100, seed=1)
    assert judged.notes[-1] == "articles in more than one split: 1, invented:doc-1 for one."


def test_comparison_in_json_and_words(arabert: Path, rules: Path, tmp_path: Path) -> None:
    call(arabert, rules, "-o", tmp_path)
    first = report_of(tmp_path)["comparisons"][0]
    assert (first["first"], first["second"], first["split"], first["headline"]) == (
        "arabert",
        rules.name,
        "test",
        "news",
    )
    assert first["macro_f1"]["low"] > 0
    assert first["mcnemar"]["only_first"] > first["mcnemar"]["only_second"]
    assert "ahead by " in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "ahead by " in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_report_json_has_the_form_that_the_schema_describes(arabert: Path, rules: Path, tmp_path: Path) -> None:
    call(arabert, rules, "-o", tmp_path)
    schema = json.loads((ROOT / "eval" / "report" / "report.schema.json").read_text())
    report = report_of(tmp_path)
    assert report["schema"] == schema["properties"]["schema"]["const"] == schema["title"]
    jsonschema.validate(report, schema)


class Page(HTMLParser):
    """What the page would fetch, its tags, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "data")]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_stands_alone_and_escapes(arabert: Path, rules: Path, tmp_path: Path) -> None:
    call(rules, arabert, "-o", tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert {link.split("#")[0] for link in page.fetched} == {"errors.html"}
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert "url(" not in html
    assert "@import" not in html
    assert "قواعد <b>" in page.words
    assert "b" not in Page("".join(rest for rest in html.split(rules.name.replace("<", "&lt;"))[1:2])[:40]).tags
    assert 'dir="auto"' in html
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert page.tags.count("svg") > 2


def test_public_reports_hold_references_and_no_sentence(arabert: Path, tmp_path: Path) -> None:
    call(arabert, "-o", tmp_path / "private")
    call(arabert, "-o", tmp_path / "public", "--public")
    private, public = (Page((tmp_path / x / "report.html").read_text("utf-8")).words for x in ("private", "public"))
    assert any(text in private for text in TEXTS.values())
    for words in (private, public):
        assert "invented:doc-" in words
    for name in ("report.html", "report.md", "report.json"):
        said = (tmp_path / "public" / name).read_text(encoding="utf-8")
        assert not any(text[:20] in said for text in TEXTS.values())
        assert str(tmp_path) not in said
    assert not any(text[:20] in (tmp_path / "private" / "report.md").read_text("utf-8") for text in TEXTS.values())


def test_the_surest_errors_come_first(tmp_path: Path) -> None:
    sure = {"assert": 0.01, "deny": 0.97, "attribute": 0.01, "speculate": 0.01}
    rows = [
        row(),
        row(start=50, end=60, scores=sure),
        row(start=70, end=80, label="assert"),
        row(start=90, end=99, label=None),
    ]
    call(write(tmp_path / "p.jsonl", rows), "-o", tmp_path)
    words = Page((tmp_path / "report.html").read_text("utf-8")).words
    assert words.index("invented:doc-1:50-60") < words.index("invented:doc-1:0-49")
    assert "invented:doc-1:70-80" not in words
    assert "3 of 4 sentences of test are wrong; the 2 surest" in words


def test_on_a_screen_nothing_sticks_out_and_tables_sort(
    arabert: Path, rules: Path, tmp_path: Path, browser: Any
) -> None:
    call(arabert, rules, "-o", tmp_path)
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
    troubles: list[str] = []
    page.on("pageerror", lambda e: troubles.append(str(e)))
    page.on("request", lambda r: r.url.startswith("file:") or troubles.append(r.url))
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 28)"
    last = "[...document.querySelectorAll('table.errors tbody tr')].map(r => +r.cells[4].textContent)"
    assert page.evaluate(last) == sorted(page.evaluate(last), reverse=True)
    page.locator("table.errors thead .by").nth(4).click()
    assert page.evaluate(last) == sorted(page.evaluate(last))
    page.locator("table.errors thead .by").nth(4).press("Enter")
    assert page.evaluate(last) == sorted(page.evaluate(last), reverse=True)
    right = "getComputedStyle(document.querySelector('.errors .text')).direction"
    assert page.evaluate(right) == "rtl"
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert troubles == []
    page.close()
