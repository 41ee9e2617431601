"""The page: its markup as a string, and what a reader sees of it in real Chromium where there is one."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isnad.labels import Stance
from isnad.page import render_page
from isnad.predictions import NO_PROPOSITION, LabelledArticle, LabelledSentence, Prediction, Span

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SWITCHES = "no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update disable-sync"
HOSTILE = (
    "</p></article><script>window.hit=1</script><img src='http://evil.test/x' onerror='window.hit=1'>"
    '{{ 7*7 }}\u202e"&amp;'
)

Row = tuple[str, Stance | None, float, str | None, str | None, bool]
ROWS: list[Row | str] = [
    ("كتبت ليلى الحدّاد", None, 0, None, None, False),
    "\n\n",
    ("افتُتح صباح أمس جسر المشاة الجديد الذي يربط ضفّتي الوادي.", Stance.ASSERT, 0.97, None, None, False),
    "  ",
    ("وقالت المديرة سعاد النقيب إن الكلفة 4.5 مليون.", Stance.ATTRIBUTE, 0.9, "قالت", "المديرة سعاد النقيب", False),
    " * \r\n",
    ("ونفى المقاول سامر الديب إصابة أي عامل.", Stance.DENY, 0.998, "نفى المقاول", "المقاول سامر الديب", False),
    "\n",
    ("وقد تُضاف مسارات\nللدرّاجات لاحقاً.", Stance.SPECULATE, 0.8, "قد", None, False),
    ("والحادثة لم تقع أصلاً.", Stance.DENY, 0.4, "لم", None, True),
    " ",
    ("وأضافت المديرة  سعاد النقيب أن لجنة ستراقبه.", Stance.ATTRIBUTE, 0.9, "أضافت", "المديرة  سعاد النقيب", False),
    "\n—\n",
]  # fmt: skip


def labelled(rows: list[Row | str], title: str | None = "جسر جديد يفتح أبوابه") -> LabelledArticle:
    text, sentences = "", []
    for row in rows:
        if isinstance(row, str):
            text += row
            continue
        words, label, score, cue, source, abstained = row
        scores = {s.value: score if s is label else (1 - score) / 3 for s in Stance} if label else {}
        spans = [Span(words.index(x), words.index(x) + len(x), x) if x else None for x in (cue, source)]
        warnings = [] if label else [NO_PROPOSITION]
        prediction = Prediction(label, score, scores, abstained, None, spans[0], spans[1], warnings)
        sentences.append(LabelledSentence.of(words, len(text), prediction))
        text += words
    return LabelledArticle(text, sentences, title, "test")


def body(page: str) -> str:
    found = re.search(r"<article.*?>(.*?)</article>", page, re.DOTALL)
    assert found
    return found[1]


def read_text(page: str) -> str:
    """What the article holds without the stance marks."""
    return html.unescape(re.sub(r"<button.*?</button>|<[^>]*>", "", body(page), flags=re.DOTALL))


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        [],
        ["لا جمل هنا.\n"],
        ["\n\n"],
        [("  ", None, 0.0, None, None, False), HOSTILE, (HOSTILE, Stance.DENY, 0.9, HOSTILE, HOSTILE, True)],
    ],
)
def test_the_raw_text_stands_in_full_and_in_order(rows: list[Row | str]) -> None:
    article = labelled(rows)
    assert read_text(render_page([article])) == article.text


def test_every_stance_has_icon_arabic_word_and_confidence() -> None:
    text = body(render_page([labelled(ROWS)]))
    tags = [re.sub(r"<[^>]*>", "", tag) for tag in re.findall(r"<button.*?</button>", text, re.DOTALL)]
    assert [html.unescape(tag) for tag in tags] == [
        "■ إثبات 97%", "❝ إسناد 90%", "✕ نفي >99%", "? ترجيح 80%", "○ غير محسوم، نفي؟ 40%", "❝ إسناد 90%"
    ]  # fmt: skip
    assert '<span class="s plain" id="a1s1">كتبت ليلى الحدّاد</span>' in text
    assert text.count('<span class="s speculate"') == 2, "a sentence over two lines is marked in both, tagged once"


def test_cue_and_source_may_overlap() -> None:
    text = body(render_page([labelled(ROWS)]))
    assert '<span class="cue">نفى </span><span class="cue source">المقاول</span><span class="source"> سامر' in text


def test_sources_are_distinct_and_denials_are_listed() -> None:
    page = render_page([labelled(ROWS)])
    quoted = re.search(r'<ul class="quoted".*?</ul>', page, re.DOTALL)
    denied = re.search(r'<ul class="denied".*?</ul>', page, re.DOTALL)
    assert quoted
    assert denied
    assert re.findall(r"<bdi>(.*?)</bdi>", quoted[0]) == ["المديرة سعاد النقيب", "المقاول سامر الديب"]
    assert re.findall(r'href="#(\w+)"', quoted[0]) == ["a1s3", "a1s7", "a1s4"]
    assert re.findall(r'href="#(\w+)"', denied[0]) == ["a1s4", "a1s6"]


def test_colours_icons_and_names_are_those_of_the_labels() -> None:
    page = render_page([labelled(ROWS)])
    for stance in Stance:
        for fact in (stance.colour, stance.colour_dark, stance.icon, stance.arabic, stance.definition_arabic):
            assert fact in page
    for asset in (Path(__file__).parents[1] / "isnad" / "templates").iterdir():
        source = asset.read_text("utf-8")
        assert not [s for s in Stance if s.colour in source or s.colour_dark in source or s.definition in source]


def test_nothing_is_loaded_and_no_style_stands_inline() -> None:
    page = render_page([labelled(ROWS), labelled(ROWS, None)], title="مقالان", language="ar")
    assert '<html lang="ar" dir="rtl">' in page
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r'\sstyle="|\son\w+="|https?://|url\(|@import', page)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:popovertarget|aria-labelledby)="([^"]+)"|href="#([^"]+)"', page)) <= {
        pair for i in ids for pair in ((i, ""), ("", i))
    }


def test_the_page_can_be_empty_and_refuses_other_languages() -> None:
    assert "No articles." in render_page([])
    with pytest.raises(ValueError, match="'en' or 'ar', found 'fr'"):
        render_page([], language="fr")
    render_page([labelled([("\ud800\0", Stance.ASSERT, 0.9, None, None, False)], "\udfff")]).encode()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[f"--{x}" for x in SWITCHES.split()])
        yield browser
        browser.close()


class Sheet:
    """An open page and what it did besides being read."""

    def __init__(self, browser: Any, path: Path, articles: list[LabelledArticle], **context: Any) -> None:
        path.write_text(render_page(articles), encoding="utf-8")
        self.page = browser.new_context(**context).new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())

    def visible(self) -> list[str]:
        sentences = self.page.locator(".s[id]:visible").all()
        return [sentence.get_attribute("id") for sentence in sentences]

    def box(self, word: str) -> dict[str, float]:
        script = """word => {
            const walk = document.createTreeWalker(document.querySelector('article'), NodeFilter.SHOW_TEXT);
            for (let node; (node = walk.nextNode());) {
                const at = node.data.indexOf(word);
                if (at < 0) continue;
                const range = document.createRange();
                range.setStart(node, at);
                range.setEnd(node, at + word.length);
                return range.getBoundingClientRect().toJSON();
            }
        }"""
        return dict(self.page.evaluate(script, word))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


@pytest.mark.parametrize("scripts", [True, False])
def test_the_filter_hides_and_shows(browser: Any, path: Path, scripts: bool) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)], java_script_enabled=scripts)
    assert len(sheet.visible()) == 7
    sheet.page.uncheck("#f-attribute")
    assert sheet.visible() == ["a1s1", "a1s2", "a1s4", "a1s5", "a1s6"]
    sheet.page.uncheck("#f-undecided")
    sheet.page.focus("#f-plain")
    sheet.page.keyboard.press("Space")
    assert sheet.visible() == ["a1s2", "a1s4", "a1s5"]
    assert sheet.page.locator("p.filterable:visible").count() == 4
    assert sheet.page.locator(".filtered").is_visible()
    if scripts:
        assert "Shown: 3 of 7." in sheet.page.inner_text(".filtered")
        sheet.page.click(".denied a[href='#a1s6']")
        assert "a1s6" in sheet.visible()
    sheet.page.check("#f-attribute")
    assert "a1s3" in sheet.visible()


def test_the_language_switch_turns_the_interface_and_leaves_the_article(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)])
    direction = "selector => getComputedStyle(document.querySelector(selector)).direction"
    heading = sheet.page.locator("#a1q")
    for language, expected, words in (("ar", "rtl", "من نُقل عنه"), ("en", "ltr", "Who is quoted")):
        sheet.page.click(f"[data-language={language}]")
        assert sheet.page.evaluate(direction, ".masthead") == expected
        assert sheet.page.evaluate(direction, "aside h3") == expected
        assert sheet.page.evaluate(direction, "article") == "rtl"
        assert heading.inner_text() == words
        assert sheet.page.get_attribute(f"[data-language={language}]", "aria-pressed") == "true"


def test_the_article_runs_from_right_to_left(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)])
    first, second, tag = sheet.box("افتُتح"), sheet.box("صباح"), sheet.page.locator("#a1s2 .tag").bounding_box()
    assert first["left"] > second["right"] - 1
    assert first["top"] == pytest.approx(second["top"], abs=2)
    assert tag["x"] > first["right"] - 1
    assert tag["y"] < first["bottom"]


def test_nothing_overflows_a_narrow_screen(browser: Any, path: Path) -> None:
    long: Row = ("كلمة" * 60 + " https://example.test/" + "a" * 300, Stance.DENY, 0.4, None, "كلمة" * 60, True)
    sheet = Sheet(browser, path, [labelled([*ROWS, long], "عنوان" * 40)], viewport={"width": 390, "height": 844})
    overflowing = """() => [...document.querySelectorAll('body *')].filter(e => { const box = e.getBoundingClientRect();
        return box.width && !e.closest('.unseen, .skip') && (box.left < -1 || box.right > innerWidth + 1
            || (getComputedStyle(e).display !== 'inline' && e.clientWidth && e.scrollWidth > e.clientWidth + 1)); })
        .map(e => e.tagName + '.' + e.className)"""
    for language in ("en", "ar"):
        sheet.page.click(f"[data-language={language}]")
        assert sheet.page.evaluate(overflowing) == []
        assert sheet.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_details_open_by_keyboard_and_show_four_probabilities(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)], viewport={"width": 390, "height": 700})
    sheet.page.focus("#a1s4 .tag")
    sheet.page.keyboard.press("Enter")
    details = sheet.page.locator("#a1s4d")
    assert details.is_visible()
    assert [row.split()[-1] for row in details.locator("tr").all_inner_texts()] == ["0.1%", "99.8%", "0.1%", "0.1%"]
    assert "المقاول سامر الديب" in details.inner_text()
    box = details.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    sheet.page.keyboard.press("Escape")
    assert not details.is_visible()
    assert sheet.page.evaluate("document.activeElement.className") == "tag"


def test_hostile_text_is_inert_and_no_request_leaves(browser: Any, path: Path) -> None:
    rows: list[Row | str] = [HOSTILE, (HOSTILE, Stance.DENY, 0.9, HOSTILE, HOSTILE, False)]
    sheet = Sheet(browser, path, [labelled(rows, HOSTILE), labelled(ROWS, HOSTILE)])
    sheet.page.click("[data-language=ar]")
    assert sheet.page.evaluate("window.hit") is None
    assert sheet.page.locator("img").count() == 0
    assert sheet.page.locator("script").count() == 1
    assert "49" not in sheet.page.inner_text("#a1 article")
    assert [url for url in sheet.requests if not url.startswith(("data:", path.as_uri()))] == []
    assert sheet.complaints == []


def test_the_page_reads_without_scripts_and_prints_dark_ink_on_white(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)], java_script_enabled=False, color_scheme="dark")
    assert sheet.page.locator("article").is_visible()
    assert not sheet.page.locator(".languages").is_visible()
    sheet.page.uncheck("#f-deny")
    assert not sheet.page.locator("#a1s4").is_visible()
    sheet = Sheet(browser, path, [labelled(ROWS)], color_scheme="dark")
    sheet.page.emulate_media(media="print")
    colours = "(e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color])(document.documentElement)"
    assert sheet.page.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    assert not sheet.page.locator(".languages").is_visible()
