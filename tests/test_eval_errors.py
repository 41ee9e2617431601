"""`errors.html`: which answers it shows, how it marks cues, and what it does on a real screen."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from test_eval_predictions import TEXTS, row, run_of, sentences, write

from eval.__main__ import main
from eval.judge import judge_run
from eval.predictions import Record, Run
from eval.report.errors import FILE, Error, errors_of, marked, write_errors
from eval.report.page import link
from isnad.labels import Stance

HOSTILE = '</td></table><script>window.hacked = 1</script><img src="http://invented.example/x" onerror="hacked=2">'
NAMES = ("Harbour  Daily", 'نشرة "التجربة" & أخواتها', "a+b=c#d?e%20f", HOSTILE)
"""Publishers that a page or an address may stumble over."""


def errors(rows: list[dict[str, Any]], facts: dict[Any, dict[str, str]] | None = None) -> list[Error]:
    return errors_of(judge_run(run_of("run", rows), rounds=100, seed=13), facts or {})


def sure(label: str, probability: float) -> dict[str, Any]:
    """A label with its scores."""
    rest = (1 - probability) / 3
    return {"label": label, "scores": dict.fromkeys(TEXTS, rest) | {label: probability}}


# --- which answers ------------------------------------------------------------------------------------


def test_wrong_and_missing_answers_of_every_split_the_surest_first() -> None:
    rows = [
        row(**sure("deny", 0.5)),
        row(start=50, end=60, split="dev", **sure("deny", 0.9)),
        row(start=70, end=80, **sure("assert", 0.99)),
        row(start=90, end=99, label=None, scores=None),
        row(doc_id="c", origin="composed", corpus=None, split="seed", **sure("speculate", 0.7)),
        row(start=110, end=120, label="deny", scores=None),
        row(start=130, end=140, **(sure("deny", 0.8) | {"label": None})),
    ]
    found = errors(rows)
    assert [(e.record.start, e.record.split, e.confidence) for e in found] == [
        (50, "dev", pytest.approx(0.9)),
        (0, "seed", pytest.approx(0.7)),
        (0, "test", pytest.approx(0.5)),
        (90, "test", None),
        (110, "test", None),
        (130, "test", None),
    ]


def test_facts_are_what_is_known_of_the_sentence() -> None:
    key = ("news", "invented", "doc-1", 0, 49)
    (error,) = errors([row()], {key: {"subject": "sport", "publisher": "nobody"}})
    assert error.facts == {
        "publisher": "صحيفة الواحة",
        "subject": "sport",
        "part": "body",
        "origin": "real",
        "choice": "natural",
    }


def test_a_run_without_a_mistake_has_a_page_too(tmp_path: Path) -> None:
    file = write_errors(judge_run(run_of("run", sentences(1.0)), rounds=100, seed=13), {}, tmp_path)
    assert file == tmp_path / FILE
    assert "0 wrong answers of 180" in file.read_text(encoding="utf-8")


# --- marks --------------------------------------------------------------------------------------------


class Marks(HTMLParser):
    """The words of a piece of HTML, and which tags stand around each character."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.around, self.open = "", [], []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        self.around += [set(self.open)] * len(data)


spans = st.none() | st.tuples(st.integers(0, 30), st.integers(1, 12)).map(lambda s: (s[0], s[0] + s[1]))
texts = st.text("نفى قد.<>&\"'bi\u200f", max_size=25)


@given(texts, spans, spans)
def test_every_character_is_marked_as_its_spans_say(text: str, gold: Any, found: Any) -> None:
    html = marked(text, gold, found)
    marks = Marks(str(html))
    assert marks.words == text
    for i, around in enumerate(marks.around):
        assert ("u" in around) == (gold is not None and gold[0] <= i < gold[1])
        assert ("i" in around) == (found is not None and found[0] <= i < found[1])
    if gold is None and found is None:
        assert html == escape(text)


def test_marks_by_hand() -> None:
    assert marked("نفى النادي", (0, 3), (0, 3)) == ('<i title="cue found"><u title="cue in gold">نفى</u></i> النادي')
    assert marked("قد <تمطر>", None, (0, 2)) == '<i title="cue found">قد</i> &lt;تمطر&gt;'
    assert errors([row(text=None)])[0].text is None
    (error,) = errors([row(text=TEXTS["deny"], cue=[0, 3], gold_cue=None)])
    assert error.text == marked(TEXTS["deny"], None, (0, 3))


# --- the page -----------------------------------------------------------------------------------------


def hostile_rows() -> list[dict[str, Any]]:
    """Many errors with cues, publishers of all sorts, and every kind of answer."""
    rows = []
    for i, r in enumerate(sentences(0.35, articles=24)):
        text = HOSTILE + r["text"] if i % 40 == 0 else r["text"]
        r |= {"text": text, "outlet": NAMES[i % 4], "gold_cue": [0, 4], "cue": [2, 8] if i % 2 else None}
        rows.append(r | ({"label": None, "scores": None} if i % 11 == 0 else {}))
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("errors")


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of('قواعد_<b onclick="x">_with_a_long_name_that_nothing_breaks', hostile_rows())


@pytest.fixture(scope="module")
def file(folder: Path, run: Run) -> Path:
    facts = {r.key: {"subject": ("sport", "local news")[r.start // 100 % 2]} for r in run.records}
    return write_errors(judge_run(run, rounds=100, seed=13, facts=facts), facts, folder)


def wrong(run: Run, **where: str) -> set[str]:
    """References of the wrong answers that a filter is to leave."""

    def value(record: Record, name: str) -> str:
        if name == "given":
            return record.label.value if record.label else "none"
        if name == "subject":
            return ("sport", "local news")[record.start // 100 % 2]
        return str(getattr(record, {"publisher": "outlet"}.get(name, name)))

    return {
        r.reference for r in run.records if r.label is not r.gold and all(value(r, k) == v for k, v in where.items())
    }


def test_the_page_stands_alone_and_quotes_every_wrong_sentence(file: Path, run: Run) -> None:
    html = file.read_text(encoding="utf-8")
    assert f"{len(wrong(run))} wrong answers of {len(run.records)}" in html
    for stranger in ("<link", "<img", "<iframe", "url(", "@import", "<b onclick", "</td></table><script>"):
        assert stranger not in html
    assert html.count("<script>") == 1
    assert html.count('<div class="arabic text" dir="auto" lang="ar">') == len(wrong(run))
    assert 'href="report.html"' in html


def test_half_a_character_does_not_stop_the_page(tmp_path: Path) -> None:
    rows = [row(text="قالت \ud83d المديرة", outlet="نشرة\udc00")]
    written = write_errors(judge_run(run_of("run", rows), rounds=100, seed=13), {}, tmp_path)
    assert "قالت ? المديرة" in written.read_text(encoding="utf-8")


def test_the_command_writes_it_beside_the_report_but_not_for_the_public(tmp_path: Path) -> None:
    run = write(tmp_path / "run" / "predictions.jsonl", sentences(0.6)).parent
    fixed = [str(run), "--bootstrap", "100", "--data", str(tmp_path / "none"), "-o"]
    call = CliRunner().invoke(main, [*fixed, str(tmp_path / "private")])
    assert (call.exit_code, str(tmp_path / "private" / FILE) in call.output) == (0, True)
    call = CliRunner().invoke(main, [*fixed, str(tmp_path / "public"), "--public"])
    assert (call.exit_code, FILE in call.output) == (0, False)
    assert not (tmp_path / "public" / FILE).exists()
    private, public = ((tmp_path / x / "report.html").read_text(encoding="utf-8") for x in ("private", "public"))
    assert f"{FILE}#origin=real&amp;split=test&amp;publisher=Harbour%20Daily" in private
    assert FILE not in public


# --- on a screen --------------------------------------------------------------------------------------

SHOWN = "[...document.querySelectorAll('tbody tr')].filter(r => r.offsetHeight).map(r => r.cells[0].dataset.v)"


@pytest.fixture(scope="module")
def screen(browser: Any) -> Any:
    """A page as wide as a telephone, that notes what goes wrong on it."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.troubles = []
    page.on("pageerror", lambda e: page.troubles.append(str(e)))
    page.on("request", lambda r: r.url.startswith("file:") or page.troubles.append(r.url))
    return page


def shown(screen: Any, address: str) -> list[str]:
    """References of the rows to be seen at `address`, as after following a link from the report."""
    screen.goto("about:blank")
    screen.goto(address)
    found: list[str] = screen.evaluate(SHOWN)
    assert screen.inner_text("#shown") == str(len(found))
    return found


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"split": "test"},
        {"gold": "deny", "given": "assert"},
        {"given": "none"},
        {"split": "dev", "origin": "composed", "gold": "speculate"},
        {"split": "test-outlets", "subject": "local news"},
        *({"publisher": name} for name in NAMES),
    ],
)
def test_the_address_chooses_the_rows(screen: Any, file: Path, run: Run, where: dict[str, str]) -> None:
    address = file.as_uri() + link(**where).removeprefix(FILE)
    found = shown(screen, address)
    assert sorted(found) == sorted(wrong(run, **where))
    assert found
    for name, value in where.items():
        assert screen.input_value(f"select[name={name}]") == value
    assert screen.evaluate("typeof hacked") == "undefined"
    assert screen.troubles == []


def test_a_slice_without_errors_shows_none(screen: Any, file: Path) -> None:
    assert shown(screen, file.as_uri() + "#publisher=" + quote("نشرة بلا أخطاء")) == []
    assert screen.input_value("select[name=publisher]") == "نشرة بلا أخطاء"
    assert len(shown(screen, file.as_uri() + "#nonsense=1&=&%E0%A4")) > 0
    assert screen.troubles == []


def test_choosing_changes_rows_count_and_address(screen: Any, file: Path, run: Run) -> None:
    shown(screen, file.as_uri())
    screen.select_option("select[name=gold]", "deny")
    screen.select_option("select[name=publisher]", NAMES[1])
    wanted = wrong(run, gold="deny", publisher=NAMES[1])
    assert set(screen.evaluate(SHOWN)) == wanted
    assert screen.inner_text("#shown") == str(len(wanted))
    assert set(shown(screen, screen.url)) == wanted, "the address may be handed on"
    screen.evaluate("location.hash = 'split=dev'")
    screen.wait_for_function("document.querySelector('select[name=split]').value === 'dev'")
    assert set(screen.evaluate(SHOWN)) == wrong(run, split="dev")
    screen.select_option("select[name=split]", "")
    assert set(screen.evaluate(SHOWN)) == wrong(run)
    offered = "[...document.querySelector('select[name={}]').options].map(o => o.value)"
    assert screen.evaluate(offered.format("gold")) == ["", *(s.value for s in Stance)]
    assert screen.evaluate(offered.format("publisher")) == ["", *sorted(NAMES)]


def test_on_a_telephone_it_reads_from_the_right_and_nothing_sticks_out(screen: Any, file: Path) -> None:
    for media in ("light", "dark"):
        screen.emulate_media(color_scheme=media)
        shown(screen, file.as_uri())
        assert screen.evaluate("document.documentElement.scrollWidth") <= 390
    assert screen.evaluate(
        "[...document.querySelectorAll('select')].every(s => s.getBoundingClientRect().right <= 390)"
    )
    directions = "[...document.querySelectorAll('.arabic')].map(t => getComputedStyle(t).direction)"
    assert screen.evaluate(directions).count("rtl") > 50
    assert screen.evaluate("getComputedStyle(document.querySelector('.ref')).direction") == "ltr"
    seen = "getComputedStyle(document.querySelector('.arabic {}')).{}"
    assert screen.evaluate(seen.format("u", "textDecorationLine")) == "underline"
    assert screen.evaluate(seen.format("i", "borderBottomStyle")) == "dotted"
    assert screen.evaluate("document.querySelectorAll('.arabic u > i, .arabic i > u').length") > 0
    assert screen.troubles == []


def test_rows_stay_chosen_when_sorted(screen: Any, file: Path) -> None:
    before = shown(screen, file.as_uri() + "#split=test")
    screen.locator("table.errors thead .by").nth(0).click()
    assert screen.evaluate(SHOWN) == screen.evaluate("all => all.sort((a, b) => a.localeCompare(b))", before)
    screen.select_option("select[name=gold]", "deny")
    assert set(screen.evaluate(SHOWN)) < set(before)
