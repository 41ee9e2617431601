"""What a reader sees and does with the page, in real Chromium where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_page import HOSTILE, ROWS, Row, labelled

from isnad.articles import Article
from isnad.labels import Stance
from isnad.page import render_article, render_page
from isnad.predictions import LabelledArticle

ABOUT = Article("x", "", None, "صحيفة الورق", "2024-05-14", "ليلى الحدّاد", None, "https://news.test/" + "a" * 80)
LONG: Row = ("كلمة" * 60 + " https://example.test/" + "a" * 300, Stance.DENY, 0.4, None, "كلمة" * 60, True)

STRAY = """() => {
    const stray = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode());) {
        if (!node.data.trim() || node.parentElement.closest('.unseen, .skip, script')) continue;
        let block = node.parentElement;
        while (getComputedStyle(block).display === 'inline') block = block.parentElement;
        const range = document.createRange();
        range.selectNodeContents(node);
        const box = block.getBoundingClientRect();
        for (const line of range.getClientRects()) {
            if (line.width && (line.left < -1 || line.right > innerWidth + 1 || line.left < box.left - 1
                || line.right > box.right + 1)) stray.push(node.data.slice(0, 40) + ' in ' + block.className);
        }
    }
    return stray;
}"""
"""Texts with a line that leaves the screen, or the block in which they stand, to the left or right."""

OVERLAP = """selectors => {
    const boxes = selectors.flatMap(s => [...document.querySelectorAll(s)]).filter(e => e.getClientRects().length)
        .map(e => [e.className || e.tagName, e.getBoundingClientRect()]);
    const shared = (a, b, from, to) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]);
    const meet = (a, b) => shared(a, b, 'left', 'right') > 1 && shared(a, b, 'top', 'bottom') > 1;
    return boxes.flatMap(([name, a], i) =>
        boxes.slice(i + 1).filter(([, b]) => meet(a, b)).map(([other]) => name + ' over ' + other));
}"""

CONTRAST = """selectors => {
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const channel = v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
    const painted = colours => {
        for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
        const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
        return .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
    };
    return selectors.flatMap(s => [...document.querySelectorAll(s)]).filter(e => e.getClientRects().length).map(e => {
        const grounds = [];
        for (let at = e; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
        const both = [painted(grounds), painted([...grounds, getComputedStyle(e).color])];
        const [dim, bright] = both.sort((a, b) => a - b);
        return [e.className, (bright + .05) / (dim + .05)];
    });
}"""


class Sheet:
    """An open page and what it did besides being read."""

    def __init__(self, browser: Any, path: Path, articles: list[LabelledArticle], **context: Any) -> None:
        path.write_text(render_page(articles, about=[ABOUT] * len(articles)), encoding="utf-8")
        for earlier in browser.contexts:
            earlier.close()
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

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.closest('.s')?.id ?? document.activeElement.tagName"))

    def press(self, *keys: str) -> str:
        for key in keys:
            self.page.keyboard.press(key)
        return self.focused()

    def box(self, word: str, within: str = "article") -> dict[str, float]:
        script = """([word, within]) => {
            const walk = document.createTreeWalker(document.querySelector(within), NodeFilter.SHOW_TEXT);
            for (let node; (node = walk.nextNode());) {
                const at = node.data.indexOf(word);
                if (at < 0 || !node.parentElement.getClientRects().length) continue;
                const range = document.createRange();
                range.setStart(node, at);
                range.setEnd(node, at + word.length);
                return range.getBoundingClientRect().toJSON();
            }
        }"""
        return dict(self.page.evaluate(script, [word, within]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


# --- filter ---------------------------------------------------------------------------------------


def test_the_filter_shows_what_is_chosen_and_all_again(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)])
    chip = "[data-kind={}]".format
    assert len(sheet.visible()) == 7
    sheet.page.click(chip("deny"))
    assert sheet.visible() == ["a1s4", "a1s6"]
    assert sheet.page.locator("article p:visible").count() == 3, "the dash between the lines belongs to no sentence"
    assert sheet.page.inner_text(".shown") == "Shown: 2 of 7"
    sheet.page.focus(chip("plain"))
    sheet.page.keyboard.press("Space")
    assert sheet.visible() == ["a1s1", "a1s4", "a1s6"]
    pressed = [c.get_attribute("data-kind") for c in sheet.page.locator(".chip[aria-pressed=true]").all()]
    assert pressed == ["deny", "plain"]
    sheet.page.click(chip("deny"))
    sheet.page.click(chip("plain"))
    assert len(sheet.visible()) == 7
    assert sheet.page.get_attribute('[data-kind=""]', "aria-pressed") == "true"
    sheet.page.click(chip("undecided"))
    assert sheet.visible() == ["a1s6"]
    sheet.page.click('[data-kind=""]')
    assert len(sheet.visible()) == 7
    assert sheet.page.inner_text(".shown") == ""


def test_chips_count_and_hide_kinds_that_do_not_occur(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)])
    assert sheet.page.inner_text(".filter").split() == [
        "all", "7", "■", "assert", "1", "✕", "deny", "2", "❝", "attribute", "2", "?", "speculate", "1",
        "○", "undecided", "1", "–", "no", "stance", "1",
    ]  # fmt: skip
    sheet = Sheet(browser, path, [labelled([("وصل الوفد.", Stance.ASSERT, 0.9, None, None, False)])])
    assert not sheet.page.locator("[data-kind=undecided]").is_visible()
    assert sheet.page.locator("[data-kind=deny]").is_visible()


def test_an_article_without_a_match_says_so(browser: Any, path: Path) -> None:
    plain = labelled([("وصل الوفد.", Stance.ASSERT, 0.9, None, None, False)], None)
    sheet = Sheet(browser, path, [labelled(ROWS), plain])
    sheet.page.click("[data-kind=deny]")
    assert [n.is_visible() for n in sheet.page.locator(".nothing").all()] == [False, True]
    assert not sheet.page.locator("#a2 article").is_visible()


def test_a_link_to_a_hidden_sentence_shows_it(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)])
    sheet.page.click("[data-kind=attribute]")
    sheet.page.click(".denied a[href='#a1s6']")
    assert len(sheet.visible()) == 7
    sheet.page.wait_for_function("document.activeElement.matches('#a1s6 .tag')")
    sheet.page.click(".quoted a[href='#a1s7']")
    sheet.page.wait_for_function("document.activeElement.matches('#a1s7 .tag')")


# --- language and direction ------------------------------------------------------------------------


def test_the_language_switch_turns_the_interface_and_leaves_the_article(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)])
    direction = "selector => getComputedStyle(document.querySelector(selector)).direction"
    for language, expected, heading, mark in (
        ("ar", "rtl", "من نُقل عنه", "نفي >99%، الجملة 4 من 7، القرينة: نفى المقاول، المصدر: المقاول سامر الديب"),
        ("en", "ltr", "Who is quoted", "deny >99%, sentence 4 of 7, cue: نفى المقاول, source: المقاول سامر الديب"),
    ):
        sheet.page.click(f"[data-language={language}]")
        assert sheet.page.get_attribute("html", "lang") == language
        assert sheet.page.evaluate(direction, ".masthead") == expected
        assert sheet.page.evaluate(direction, "aside h2") == expected
        assert sheet.page.evaluate(direction, "article") == "rtl"
        assert sheet.page.get_attribute("article", "lang") == "ar"
        assert sheet.page.locator("#a1q").inner_text() == heading
        assert sheet.page.get_by_role("button", name=mark, exact=True).get_attribute("lang") == language
        assert sheet.page.get_attribute(f"[data-language={language}]", "aria-pressed") == "true"
        names = {"ar": "أظهِر الجمل بحسب الموقف", "en": "Show sentences by stance"}
        assert sheet.page.get_by_role("group", name=names[language], exact=True).is_visible()
        assert sheet.page.get_by_role("region", name=heading, exact=True).is_visible()


def test_the_browser_remembers_the_language(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)])
    sheet.page.click("[data-language=ar]")
    sheet.page.reload()
    assert sheet.page.get_attribute("html", "dir") == "rtl"
    assert sheet.page.inner_text("#a1q") == "من نُقل عنه"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_article_runs_from_right_to_left(browser: Any, path: Path, language: str) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)], viewport={"width": 1280, "height": 900})
    sheet.page.click(f"[data-language={language}]")
    first, second, tag = sheet.box("افتُتح"), sheet.box("صباح"), sheet.page.locator("#a1s2 .tag").bounding_box()
    assert first["left"] > second["right"] - 1
    assert first["top"] == pytest.approx(second["top"], abs=2)
    assert tag["x"] > first["right"] - 1
    assert tag["y"] < first["bottom"]
    article, lists = (sheet.page.locator(x).bounding_box() for x in ("article", ".lists"))
    assert article["x"] > lists["x"] + lists["width"] - 1, "the lists stand to the left of the text"
    last = sheet.page.locator("#a1s4 .tag").bounding_box()
    assert last["x"] + last["width"] == pytest.approx(tag["x"] + tag["width"], abs=2), "both begin a line at its right"
    word, number = sheet.box({"en": "assert", "ar": "إثبات"}[language], "#a1s2 .tag"), sheet.box("97%", "#a1s2 .tag")
    assert (word["right"] <= number["left"] + 1) if language == "en" else (number["right"] <= word["left"] + 1)


def test_a_direction_override_ends_with_its_sentence(browser: Any, path: Path) -> None:
    turned: Row = ("وصل الوفد\u202d إلى الميناء", Stance.ASSERT, 0.9, None, "الوفد", False)
    rows: list[Row | str] = [turned, " ", ("وغادر مساء الأحد.", Stance.ASSERT, 0.9, None, None, False)]
    sheet = Sheet(browser, path, [labelled(rows, "عنوان \u202d")], viewport={"width": 1280, "height": 900})
    assert sheet.box("وغادر")["left"] > sheet.box("مساء")["right"] - 1
    sheet.page.click("#a1s1 .tag")
    label, value = sheet.box("Source", ".details:popover-open"), sheet.box("الوفد", ".details:popover-open")
    assert label["right"] < value["left"]


# --- boxes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 390, 820, 1280])
def test_no_text_leaves_its_box_or_the_screen(browser: Any, path: Path, width: int) -> None:
    articles = [labelled([*ROWS, LONG], "عنوان" * 40), labelled(ROWS, None)]
    sheet = Sheet(browser, path, articles, viewport={"width": width, "height": 844})
    sheet.page.click(".legend summary")
    for language in ("en", "ar"):
        sheet.page.click(f"[data-language={language}]")
        assert sheet.page.evaluate(STRAY) == []
        assert sheet.page.evaluate("document.documentElement.scrollWidth") <= width
        assert sheet.page.evaluate(OVERLAP, [".masthead > *", ".filter > *", ".legend", ".contents", ".head"]) == []
        assert sheet.page.evaluate(OVERLAP, ["#a1 .head", "#a1 .summary", "#a1 .body", "#a1 .lists"]) == []
        assert sheet.page.evaluate(OVERLAP, [".tag"]) == []
        sheet.page.click("#a1s8 .tag")
        box = sheet.page.locator("#a1s8d").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert sheet.page.evaluate(STRAY) == []
        sheet.page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Any, path: Path, scheme: str) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)], color_scheme=scheme)
    sheet.page.click("[data-kind=deny]")
    sheet.page.click('[data-kind=""]')
    texts = [
        ".tag",
        ".tag .number",
        ".chip",
        ".chip-count",
        ".s",
        ".source",
        ".facts",
        ".part",
        ".what",
        ".refs a",
        ".motto",
    ]
    found = sheet.page.evaluate(CONTRAST, texts)
    assert len(found) > 30
    assert [(name, ratio) for name, ratio in found if ratio < 4.5] == []


# --- keyboard -------------------------------------------------------------------------------------


def test_keys_walk_from_sentence_to_sentence(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)])
    assert sheet.press("j") == "a1s2", "the byline has no mark to stop at"
    assert sheet.press("j", "ArrowDown", "ArrowLeft") == "a1s5"
    assert sheet.press("k", "ArrowUp", "ArrowRight") == "a1s2"
    assert sheet.press("k") == "a1s2", "there is none before the first"
    assert sheet.press("Control+j", "j") == "a1s3"
    assert sheet.press("Tab") == "a1s4"
    sheet.page.click("[data-kind=deny]")
    sheet.page.focus("#a1s4 .tag")
    assert sheet.press("j") == "a1s6", "what is filtered out is passed over"
    sheet.page.focus("[data-kind=deny]")
    assert sheet.press("j", "ArrowDown") == "BUTTON", "elsewhere the keys keep their meaning"


def test_the_details_open_by_keyboard_and_show_four_probabilities(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)], viewport={"width": 390, "height": 700})
    sheet.page.focus("#a1s4 .tag")
    sheet.page.keyboard.press("Enter")
    details = sheet.page.get_by_role("dialog", name="Sentence 4 deny")
    assert details.is_visible()
    assert [row.split()[-1] for row in details.locator("tr").all_inner_texts()] == ["0.1%", "99.8%", "0.1%", "0.1%"]
    assert "المقاول سامر الديب" in details.inner_text()
    assert sheet.press("j") == "a1s4", "an open dialog keeps the keys"
    assert sheet.press("Tab") == "BUTTON"
    sheet.page.keyboard.press("Escape")
    assert not details.is_visible()
    assert sheet.focused() == "a1s4"


def test_a_click_on_the_sentence_opens_its_details(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)])
    sheet.page.get_by_text("للدرّاجات لاحقاً.").first.click()
    assert sheet.page.locator("#a1s5d").is_visible()
    sheet.page.keyboard.press("Escape")
    sheet.page.click("#a1s1")
    assert sheet.page.locator(".details:popover-open").count() == 0


# --- articles that come later, no scripts, hostile text, paper ------------------------------------------


def test_an_article_put_in_later_is_counted_filtered_and_spoken(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [])
    assert sheet.page.inner_text(".filter").split()[:2] == ["all", "0"]
    sheet.page.click("[data-language=ar]")
    fragment = render_article(labelled(ROWS), key="k1", language="en")
    sheet.page.evaluate("html => document.getElementById('articles').insertAdjacentHTML('beforeend', html)", fragment)
    sheet.page.wait_for_function("document.querySelector('[data-kind=\"\"] .chip-count').textContent === '7'")
    assert sheet.page.locator("[data-kind=undecided]").is_visible()
    assert sheet.page.get_attribute("#k1s2 .tag", "aria-label") == "إثبات 97%، الجملة 2 من 7"
    sheet.page.click("[data-kind=deny]")
    assert sheet.visible() == ["k1s4", "k1s6"]
    sheet.page.click("#k1s6 .tag")
    assert sheet.page.locator("#k1s6d").is_visible()
    sheet.page.evaluate("document.getElementById('k1').remove()")
    sheet.page.wait_for_function("document.querySelector('[data-kind=\"\"] .chip-count').textContent === '0'")
    assert sheet.complaints == []


def test_hostile_text_is_inert_and_no_request_leaves(browser: Any, path: Path) -> None:
    rows: list[Row | str] = [HOSTILE, (HOSTILE, Stance.DENY, 0.9, HOSTILE, HOSTILE, False)]
    sheet = Sheet(browser, path, [labelled(rows, HOSTILE), labelled(ROWS, HOSTILE)])
    sheet.page.click("[data-language=ar]")
    sheet.page.click("#a1s1 .tag")
    assert sheet.page.evaluate("window.hit") is None
    assert sheet.page.locator("img").count() == 0
    assert sheet.page.locator("script").count() == 1
    assert "49" not in sheet.page.inner_text("#a1 article")
    assert [url for url in sheet.requests if not url.startswith(("data:", path.as_uri()))] == []
    assert sheet.complaints == []


def test_the_page_reads_without_scripts(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)], java_script_enabled=False)
    assert len(sheet.visible()) == 7
    assert not sheet.page.locator(".languages").is_visible()
    assert not sheet.page.locator(".filter").is_visible()
    sheet.page.click("#a1s4 .tag")
    assert sheet.page.locator("#a1s4d").is_visible()


def test_the_page_prints_dark_ink_on_white_without_its_controls(browser: Any, path: Path) -> None:
    sheet = Sheet(browser, path, [labelled(ROWS)], color_scheme="dark", viewport={"width": 670, "height": 950})
    sheet.page.emulate_media(media="print")
    colours = "(e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color])(document.documentElement)"
    assert sheet.page.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    for control in (".languages", ".filter", ".legend summary", ".legend .keys"):
        assert not sheet.page.locator(control).is_visible()
    assert sheet.page.locator(".legend dd").first.is_visible(), "paper cannot be asked what a mark means"
    assert sheet.page.locator("#a1s4 .tag").is_visible()
    assert sheet.page.evaluate(STRAY) == []
    assert sheet.page.pdf(format="A4").startswith(b"%PDF")
