"""The page as markup, and `isnad page`; what a reader sees of it in a browser is in test_page_browser.py."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import ROOT, python
from hypothesis import given
from hypothesis import strategies as st

from isnad.articles import Article
from isnad.labels import Stance
from isnad.page import environment, render_article, render_page, script, style
from isnad.predictions import FAILED, NO_PROPOSITION, NOT_ARABIC, LabelledArticle, LabelledSentence, Prediction, Span

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


def test_every_stance_has_icon_word_and_confidence() -> None:
    text = body(render_page([labelled(ROWS)]))
    tags = re.findall(r"<button.*?</button>", text, re.DOTALL)
    for language, expected in (
        ("ar", ["■ إثبات 97%", "❝ إسناد 90%", "✕ نفي >99%", "? ترجيح 80%", "○ غير محسوم، نفي؟ 40%", "❝ إسناد 90%"]),
        ("en", ["■ assert 97%", "❝ attribute 90%", "✕ deny >99%", "? speculate 80%", "○ undecided, deny? 40%",
                "❝ attribute 90%"]),
    ):  # fmt: skip
        other = "en" if language == "ar" else "ar"
        shown = [re.sub(rf'<span class="ui-{other}".*?</span>|<[^>]*>', "", tag).strip() for tag in tags]
        assert [html.unescape(tag) for tag in shown] == expected
    assert '<span class="s plain" data-s="a1s1" id="a1s1">كتبت ليلى الحدّاد</span>' in text
    assert text.count('<span class="s speculate"') == 2, "a sentence over two lines is marked in both, tagged once"


def test_a_mark_says_in_both_languages_what_a_reader_sees() -> None:
    for language in ("en", "ar"):
        text = body(render_page([labelled(ROWS)], language=language))
        tag = re.findall(r"<button.*?>", text)[2]
        english = "deny &gt;99%, sentence 4 of 7, cue: نفى المقاول, source: المقاول سامر الديب"
        arabic = "نفي &gt;99%، الجملة 4 من 7، القرينة: نفى المقاول، المصدر: المقاول سامر الديب"
        assert f'aria-label="{english if language == "en" else arabic}"' in tag
        assert f'data-label-en="{english}" data-label-ar="{arabic}"' in tag
        assert f'lang="{language}"' in tag


def test_low_confidence_is_marked_and_said_but_not_where_it_is_undecided() -> None:
    row: Row = ("وصل الوفد مساءً.", Stance.ASSERT, 0.59, None, None, False)
    text = body(render_page([labelled([row, " ", (*row[:2], 0.6, *row[3:]), " ", (*row[:5], True)])]))
    assert re.findall(r'<span class="(s [^"]*)"', text) == ["s assert low", "s assert", "s assert undecided"]
    assert len(re.findall('aria-label="[^"]*low confidence', text)) == 1


@pytest.mark.parametrize(
    ("warning", "said"), [(NOT_ARABIC, "Not one Arabic letter"), (FAILED, "The classifier failed")]
)
def test_an_article_without_a_stance_says_why(warning: str, said: str) -> None:
    text = "Prices may rise."
    sentence = LabelledSentence.of(text, 0, Prediction.nothing(warning))
    assert said in render_page([LabelledArticle(text, [sentence], None, "test")])
    assert said not in render_page([labelled(ROWS)])


def test_cue_and_source_may_overlap() -> None:
    text = body(render_page([labelled(ROWS)]))
    assert '<span class="cue">نفى </span><span class="cue source">المقاول</span><span class="source"> سامر' in text


def test_sources_are_distinct_and_denials_are_listed() -> None:
    page = render_page([labelled(ROWS)])
    quoted = re.search(r'<ul class="quoted".*?</ul>', page, re.DOTALL)
    denied = re.search(r'<ul class="denied".*?</ul>', page, re.DOTALL)
    assert quoted
    assert denied
    assert re.findall(r"<bdi.*?>(.*?)</bdi>", quoted[0]) == ["المديرة سعاد النقيب", "المقاول سامر الديب"]
    assert re.findall(r'href="#(\w+)"', quoted[0]) == ["a1s3", "a1s7", "a1s4"]
    assert re.findall(r'href="#(\w+)"', denied[0]) == ["a1s4", "a1s6"]


def test_the_details_name_the_labels_that_stay_possible_and_the_warnings() -> None:
    article = labelled(ROWS[:3])
    cut = replace(article.sentences[1], label_set=(Stance.ASSERT, Stance.SPECULATE), warnings=["cut", "odd_one"])
    page = render_page([replace(article, sentences=[cut])])
    details = page[page.index('class="details assert"') :]
    assert re.search(r"Possible.*assert.*speculate.*</dd>", details)
    assert "longer than the model reads" in details
    assert "odd one" in details


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://news.test/a?b=1&c=2", 'href="https://news.test/a?b=1&amp;c=2" rel="noopener noreferrer external"'),
        ("javascript:window.hit=1", None),
        ("//news.test/a", None),
        ("http://[", None),
        (None, None),
    ],
)
def test_what_is_known_of_an_article_stands_under_its_title(url: str | None, link: str | None) -> None:
    about = Article("x", "", None, "صحيفة <الورق>", "2024-05-14T08:00", "ليلى", None, url)
    page = render_page([labelled(ROWS)], about=[about])
    facts = page[page.index('<p class="facts"') : page.index('<section class="summary"')]
    assert "صحيفة &lt;الورق&gt;" in facts
    assert '<time datetime="2024-05-14">' in facts
    assert "ليلى" in facts
    assert (re.findall("<a (.*?)>", facts) or [None]) == [link]
    assert 'class="facts"' not in render_page([labelled(ROWS)], about=[Article("x", "")])


def test_colours_icons_and_names_are_those_of_the_labels() -> None:
    page = render_page([labelled(ROWS)])
    for stance in Stance:
        for fact in (stance.colour, stance.colour_dark, stance.icon, stance.arabic, stance.definition_arabic):
            assert fact in page
    for asset in (ROOT / "isnad" / "templates").iterdir():
        source = asset.read_text("utf-8")
        assert not [s for s in Stance if s.colour in source or s.colour_dark in source or s.definition in source]


def test_nothing_is_loaded_and_no_style_stands_inline() -> None:
    page = render_page([labelled(ROWS), labelled(ROWS, None)], title="مقالان", language="ar")
    assert '<html lang="ar" dir="rtl">' in page
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r'\sstyle="|\son\w+="|https?://|url\(|@import', page)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    named = re.findall(r'\s(?:popovertarget|aria-labelledby)="([^"]+)"', page) + re.findall(r'href="#([^"]+)"', page)
    assert {name for names in named for name in names.split()} <= set(ids)


class Outline(HTMLParser):
    """Headings in order, what elements and attributes there are, and elements left open or closed unopened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.open: list[str] = []
        self.astray: list[str] = []
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.astray.append(tag)


@pytest.mark.parametrize(("count", "title", "levels"), [(1, None, [1, 2, 2, 2]), (1, "ملف", [1, 2, 3, 3, 3]),
                                                        (2, None, [1, *[2, 3, 3, 3] * 2]), (0, None, [])])  # fmt: skip
def test_headings_descend_one_by_one_and_elements_nest(count: int, title: str | None, levels: list[int]) -> None:
    outline = Outline(render_page([labelled([*ROWS, HOSTILE])] * count, title=title))
    assert outline.levels == levels
    assert (outline.open, outline.astray) == ([], [])


def test_an_article_alone_is_a_fragment_with_ids_of_its_own() -> None:
    fragment = render_article(labelled(ROWS), key="k7", language="ar", about=Article("x", "", outlet="الورق"))
    assert fragment.strip().startswith('<section class="article" id="k7"')
    assert not re.search("<script|<style|<html|<body", fragment)
    assert all(i.startswith("k7") for i in re.findall(r'\sid="([^"]+)"', fragment))
    assert 'aria-label="إثبات 97%' in fragment
    assert "الورق" in fragment
    assert read_text(fragment) == labelled(ROWS).text
    with pytest.raises(ValueError, match="'en' or 'ar', found 'fr'"):
        render_article(labelled(ROWS), key="k", language="fr")


def test_a_template_may_put_its_own_things_into_the_page() -> None:
    assert {"policy", "head", "before", "scripts"} <= set(environment().get_template("page.html.jinja").blocks)
    page = render_page([])
    assert style() in page
    assert script() in page


def test_the_page_can_be_empty_and_refuses_what_does_not_fit() -> None:
    assert "No articles." in render_page([])
    with pytest.raises(ValueError, match="'en' or 'ar', found 'fr'"):
        render_page([], language="fr")
    with pytest.raises(ValueError, match="`about` for 1 articles, found 2"):
        render_page([labelled(ROWS)], about=[None, None])
    render_page([labelled([("\ud800\0", Stance.ASSERT, 0.9, None, None, False)], "\udfff")]).encode()


NASTY = st.text(st.sampled_from("<>&\"'/={}%#-!\u202e\u2066\u2069\u200f\n\r\t\0\ud800 aاب؟."), min_size=1, max_size=40)


@given(NASTY, NASTY, st.booleans())
def test_no_text_becomes_markup(words: str, title: str, abstained: bool) -> None:
    row: Row = (words, Stance.ATTRIBUTE, 0.7, words[:3], words[-3:], abstained)
    plain: Row = ("ا", Stance.ATTRIBUTE, 0.7, "ا", "ا", abstained)
    about = Article("x", "", None, title, title, title, None, title)
    nasty = Outline(page := render_page([labelled([row, words], title)], about=[about], title=title))
    tame = Outline(render_page([labelled([plain, "ا"], "ا")], about=[Article("x", "", None, "ا", "ا", "ا")], title="ا"))
    assert (nasty.open, nasty.astray) == ([], [])
    assert nasty.elements <= tame.elements
    assert nasty.attributes <= tame.attributes
    window = re.search("<title>(.*?)</title>", page, re.DOTALL)
    assert window
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", window[1]), "the window's name could read backwards"


# --- isnad page -----------------------------------------------------------------------------------


def isnad_page(*words: str | Path, cwd: Path, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    run = python("-m", "isnad", "page", "--model", "rules", *map(str, words), cwd=cwd, typed=typed)
    assert "Traceback" not in run.stderr, run.stderr
    return run


@pytest.fixture
def news(tmp_path: Path) -> Path:
    (tmp_path / "news.txt").write_text("نفت البلدية بيع الحديقة. وقد ترتفع الرسوم غداً.", encoding="utf-8")
    return tmp_path


def test_the_command_writes_one_page_of_all_articles(news: Path) -> None:
    known = {"text": "قال سامر الوردي إن السد آمن.", "title": "السد", "outlet": "صحيفة الورق", "date": "2024-05-14"}
    (news / "more.jsonl").write_text(json.dumps(known, ensure_ascii=False) + "\n", encoding="utf-8")
    words = ("--language", "ar", "--title", "ملف <اليوم>", "-o", "page.html")
    run = isnad_page("news.txt", "more.jsonl", *words, cwd=news)
    assert (run.returncode, run.stdout) == (0, "")
    page = (news / "page.html").read_text(encoding="utf-8")
    assert '<html lang="ar" dir="rtl">' in page
    assert "<title>ملف &lt;اليوم&gt;</title>" in page
    assert page.count('<section class="article"') == 2
    assert '<bdi class="outlet" lang="ar">صحيفة الورق</bdi>' in page
    assert sorted(p.name for p in news.iterdir()) == ["more.jsonl", "news.txt", "page.html"]


def test_without_a_file_the_page_goes_to_standard_output(news: Path) -> None:
    run = isnad_page("-", cwd=news, typed="نفى الوزير النبأ.")
    assert run.returncode == 0
    assert run.stdout.startswith("<!doctype html>")
    assert 'class="s deny"' in run.stdout


def test_what_cannot_be_read_is_named_and_the_rest_is_shown(news: Path) -> None:
    run = isnad_page("none.txt", "news.txt", "-o", "page.html", cwd=news)
    assert run.returncode == 3
    assert "none.txt: no such file" in run.stderr
    assert "articles shown: 1" in run.stderr
    assert (news / "page.html").exists()
    run = isnad_page("none.txt", "-o", "other.html", cwd=news)
    assert run.returncode == 1
    assert not (news / "other.html").exists()


def test_misuse_is_refused_in_a_sentence(news: Path) -> None:
    run = isnad_page("news.txt", "-o", "news.txt", cwd=news)
    assert run.returncode == 2
    assert "is one of the articles; name another" in run.stderr
    assert (news / "news.txt").read_text(encoding="utf-8").startswith("نفت")
    assert isnad_page("news.txt", "--language", "fr", cwd=news).returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_is_no_place_for_a_page(news: Path) -> None:
    import os
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "isnad", "page", "news.txt", "--model", "rules"]
    around = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, stdout=theirs, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=news, env=around, check=False
    )
    os.close(theirs)
    os.close(ours)
    assert run.returncode == 2
    assert b"add: -o page.html" in run.stderr
