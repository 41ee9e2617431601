"""The server's page in real Chromium: what a reader pastes, drops, filters and keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_server import Running, serving

TITLE = "خلاف على سوق الوادي"
TEXT = """أغلقت بلدية الوادي سوق الخضار صباح الأحد. وقال رئيس اللجنة نعمان الشيّال إن السوق سيُفتح بعد أسبوع.
ونفى التاجر هاني العطّار ما تردد عن بيع المحال. وقد ترتفع الأسعار إذا طال الإغلاق."""
HOSTILE = "<script>window.hit=1</script><img src=x onerror='window.hit=1'> نفت الوزارة النبأ."
OVERFLOWING = """() => [...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && !e.closest('.unseen, .skip') && (box.left < -1 || box.right > innerWidth + 1
        || (getComputedStyle(e).display !== 'inline' && e.clientWidth && e.scrollWidth > e.clientWidth + 1));
}).map(e => `${e.tagName}.${e.className}#${e.id}`)"""
DROP = """([name, text, count]) => {
    const given = new DataTransfer();
    for (let i = 0; i < count; i++) given.items.add(new File([text], name));
    const desk = document.getElementById('desk');
    for (const type of ['dragover', 'drop']) {
        desk.dispatchEvent(new DragEvent(type, { dataTransfer: given, bubbles: true, cancelable: true }));
    }
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("browser") / "log", "--max-sentences", "40") as running:
        yield running


class Desk:
    """The page, open, and what it did besides being read."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.address = address
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.open()

    def open(self) -> None:
        """A new tab of the same reader."""
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.goto(self.address)

    def paste(self, text: str = TEXT, title: str = "", *, kept: bool = True) -> None:
        """Fill the boxes and send them; wait for the answer, and until it is kept."""
        self.page.fill("#text", text)
        self.page.fill("#headline", title)
        before = self.page.text_content("#kept")
        self.page.click("#send")
        if kept:
            self.page.wait_for_function("n => document.getElementById('kept').textContent !== n", arg=before)

    def stances(self) -> list[str]:
        """Of the visible sentences."""
        kinds = "assert|deny|attribute|speculate|plain"
        found = self.page.locator("#articles .s[id]:visible").all()
        return [re.findall(rf"\b({kinds})\b", sentence.get_attribute("class"))[0] for sentence in found]


@pytest.fixture
def desk(browser: Any, server: Running) -> Iterator[Desk]:
    desk = Desk(browser, server.address)
    yield desk
    assert desk.complaints == []
    assert {url for url in desk.requests if not url.startswith((desk.address, "data:"))} == set()
    desk.context.close()


def test_pasted_text_is_labelled_and_filtered(desk: Desk) -> None:
    assert not desk.page.locator(".filter").is_visible()
    desk.paste(title=TITLE)
    assert desk.stances() == ["assert", "attribute", "deny", "speculate"]
    assert TITLE in desk.page.inner_text("#articles h2")
    assert "4 sentences" in desk.page.inner_text("#said")
    assert "نعمان الشيّال" in desk.page.inner_text(".quoted")
    desk.page.click(".filter [data-kind=deny]")
    assert desk.stances() == ["deny"]
    desk.paste()
    assert desk.stances() == ["deny"], "what comes later is filtered too"
    desk.page.click(".filter [data-kind='']")
    assert len(desk.stances()) == 4


def test_the_keyboard_is_enough(desk: Desk) -> None:
    desk.page.focus("#text")
    desk.page.keyboard.insert_text(TEXT)
    desk.page.keyboard.press("Control+Enter")
    desk.page.wait_for_selector("#articles .s")
    desk.page.focus("#text")
    reached = []
    for _ in range(4):
        desk.page.keyboard.press("Tab")
        reached.append(desk.page.evaluate("document.activeElement.id"))
    assert reached == ["send", "file", "sample", "clear"]
    desk.page.keyboard.press("Enter")
    assert desk.page.input_value("#text") == ""
    assert desk.stances() == []
    assert desk.page.evaluate("document.activeElement.id") == "text"


@pytest.mark.parametrize(
    ("name", "content", "stances"),
    [
        ("a.txt", TEXT, ["assert", "attribute", "deny", "speculate"]),
        ("a.html", f"<html><body><article><h1>{TITLE}</h1><p>{TEXT}</p></article></body></html>", None),
        ("a.jsonl", '{"text": "نفت الوزارة النبأ."}\n{"text": "قد ترتفع الرسوم."}\n{"x": 1}\n', ["deny", "speculate"]),
        ("a.csv", "title,text\nأول,نفت الوزارة النبأ.\nثانٍ,قد ترتفع الرسوم.\n", ["deny", "speculate"]),
    ],
)
def test_a_dropped_file_is_labelled(desk: Desk, name: str, content: str, stances: list[str] | None) -> None:
    desk.page.evaluate(DROP, [name, content, 1])
    desk.page.wait_for_selector("#articles .s")
    assert desk.stances() == stances or (stances is None and "deny" in desk.stances())
    if name == "a.jsonl":
        assert "line 3" in desk.page.inner_text("#articles .note")


def test_a_chosen_file_in_an_old_encoding_is_labelled(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "خبر.txt"
    path.write_bytes(TEXT.encode("cp1256"))
    desk.page.set_input_files("#file", path)
    desk.page.wait_for_selector("#articles .s")
    assert desk.stances() == ["assert", "attribute", "deny", "speculate"]
    desk.page.wait_for_selector("#history:not([hidden])")
    assert desk.page.text_content("#earlier .again bdi") == "خبر.txt"


def test_the_sample_shows_every_stance(desk: Desk) -> None:
    desk.page.click("#sample")
    desk.page.wait_for_selector("#articles .s")
    assert set(desk.stances()) == {"assert", "attribute", "deny", "speculate", "plain"}


def test_history_stays_in_the_browser_until_it_is_forgotten(desk: Desk, browser: Any) -> None:
    desk.paste(title=TITLE)
    desk.paste("نفت الوزارة النبأ الذي نشرته صحف محلية.")
    desk.open()
    desk.page.click("#history summary")
    names = desk.page.locator("#earlier .again bdi").all_inner_texts()
    assert names == ["نفت الوزارة النبأ الذي نشرته صحف محلية.", TITLE]
    requests = len(desk.requests)
    desk.page.click(f".again:has-text('{TITLE}')")
    desk.page.wait_for_selector("#articles .s")
    assert desk.stances() == ["assert", "attribute", "deny", "speculate"]
    assert desk.page.input_value("#text") == TEXT
    assert len(desk.requests) == requests, "it is shown again without the server"
    desk.page.click("#earlier li:first-child .forget")
    desk.page.wait_for_selector("#kept:text-is('1')")
    desk.page.click("#forget-all")
    desk.page.wait_for_selector("#history", state="hidden")
    desk.open()
    assert not desk.page.locator("#history").is_visible()
    stranger = Desk(browser, desk.address)
    assert not stranger.page.locator("#history").is_visible()
    stranger.context.close()


def test_problems_are_sentences_in_the_language_of_the_interface(browser: Any, server: Running) -> None:
    desk = Desk(browser, server.address)
    desk.page.click("#send")
    assert desk.page.inner_text("#problem") == "Paste a text first, or drop a file."
    desk.paste("جملة قصيرة هنا. " * 41, kept=False)
    desk.page.wait_for_selector("#problem:has-text('40')")
    assert desk.page.inner_text("#problem").startswith("Expected at most 40 sentences")
    desk.page.click("[data-language=ar]")
    assert "قسّمه" in desk.page.inner_text("#problem")
    assert "Expected" not in desk.page.inner_text("#problem")
    desk.page.evaluate(DROP, ["a.txt", TEXT, 2])
    assert desk.page.inner_text("#problem") == "ملف واحد في كل مرة من فضلك."
    desk.page.evaluate(DROP, ["a.pdf", "%PDF-1.7", 1])
    desk.page.wait_for_selector("#problem:has-text('UTF-8')")
    desk.context.set_offline(True)
    desk.paste(kept=False)
    desk.page.wait_for_selector("#problem:has-text('لا يجيب')")
    desk.context.set_offline(False)
    desk.paste()
    assert desk.page.inner_text("#problem") == ""
    desk.context.close()


def test_the_interface_turns_and_the_article_stays_right_to_left(desk: Desk) -> None:
    desk.paste(title=TITLE)
    boxes = {}
    for language in ("en", "ar"):
        desk.page.click(f"[data-language={language}]")
        boxes[language] = {x: desk.page.locator(x).bounding_box() for x in ("#send", "#clear")}
        first, second = (desk.page.locator(f"#a1s{n} .tag").bounding_box() for n in (1, 2))
        text = desk.page.locator("#articles article").bounding_box()
        assert first["x"] + first["width"] > text["x"] + text["width"] - 60, "the text begins at the right"
        assert second["x"] < first["x"] or second["y"] > first["y"]
        assert desk.page.evaluate("getComputedStyle(document.getElementById('text')).direction") == "rtl"
    assert boxes["en"]["#send"]["x"] < boxes["en"]["#clear"]["x"]
    assert boxes["ar"]["#send"]["x"] > boxes["ar"]["#clear"]["x"]
    desk.open()
    assert desk.page.evaluate("document.documentElement.lang") == "ar", "the choice is remembered"


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_text_leaves_its_box(browser: Any, server: Running, width: int) -> None:
    desk = Desk(browser, server.address, viewport={"width": width, "height": 800})
    desk.paste(TEXT + " نفت " + "كلمة" * 40 + " https://example.test/" + "a" * 200 + ".", "عنوان" * 30)
    desk.page.evaluate("document.getElementById('history').open = true")
    for language in ("en", "ar"):
        desk.page.click(f"[data-language={language}]")
        desk.paste("", kept=False)
        assert desk.page.evaluate(OVERFLOWING) == []
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= width
    desk.context.close()


def test_hostile_text_is_inert(desk: Desk) -> None:
    desk.paste(HOSTILE, HOSTILE)
    desk.page.click("#history summary")
    desk.page.click("#earlier .again")
    assert desk.page.evaluate("window.hit") is None
    assert desk.page.locator("img").count() == 0
    assert "window.hit=1" in desk.page.inner_text("#articles article")


def test_a_web_address_can_be_named_only_where_it_is_switched_on(browser: Any, desk: Desk, tmp_path: Path) -> None:
    assert desk.page.locator("#url").count() == 0
    with serving(tmp_path / "log", "--fetch") as running:
        other = Desk(browser, running.address)
        other.page.fill("#url", f"{running.address}/health")
        other.page.click("#send")
        other.page.wait_for_selector("#problem:has-text('public address')")
        other.context.close()
