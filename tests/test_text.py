"""Normalisation keeps every letter, stays aligned to the raw text and settles in one go."""

from __future__ import annotations

import time
import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isnad.errors import IsnadError
from isnad.text import RECIPES, normalise, normalise_text

USABLE = [name for name, recipe in RECIPES.items() if not recipe.refusal]

PIECES = [
    *"ابتةهويىئؤءأإآٱپچڤگژیکہھێۀ",
    *"ًٌَُِّْٰٕٓٔـ\u200c\u200d\u200e\u200f\u202b\ufeff\u00ad\u0301",
    *" \t\n\r\u00a0\u2028.,،؛:!؟?…-–—_'\"“”«»‹›″´[](){}<>&;#@/%٪٫٬",
    *"aAeéZ019٣۵²½①ﻻﷺﷲ﷽ﷻﷴﻣﺼﺮﹰﱠ０Ａ＆＜🙂👨‍👩‍👧क्षे한\ud800",
    *["&amp;", "&nbsp;", "&lt;", "&#1575;", "&shy;", "<br/>", "<p class=x>", "</p>", "<نص>", "http://", "www."],
    *["a.com", "@b", "1,250.5", "[رابط]", "''", "...", "https://x.com/مصر_1?a=b&c", "b@c.org", "@user"],
]  # fmt: skip
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
recipes = st.sampled_from(USABLE)

ALEPH = str.maketrans(
    dict.fromkeys("أإآٱ", "ا") | {"ى": "ي", "ی": "ي", "ک": "ك"} | dict(zip("پچڤگژ", "بجفكز", strict=True))
)


def base_letters(text: str) -> Counter[str]:
    """The Arabic letters of a text, counted after a mapping that is not the one under test."""
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text)).translate(ALEPH)
    return Counter(c for c in plain if "ء" <= c <= "ي" and c != "ـ")


# --- properties ---------------------------------------------------------------------------------


@given(texts, recipes)
@settings(max_examples=600, deadline=None)
@example("<p " * 40 + ">" * 40, "plain")
@example("&" + "amp;" * 40 + "lt;br>", "plain")
@example("e\u0654\u0301", "plain")
@example("..@user", "plain")
@example("0@0.AA@00 @ab@cd a@b.co.c@d.ee a@b.co-c@d.ee", "plain")
@example("ا\u064e\u0654", "camelbert")
def test_idempotent_total_and_the_fast_path_agrees(text: str, recipe: str) -> None:
    once = normalise_text(text, recipe)
    assert normalise_text(once, recipe) == once
    assert normalise(text, recipe).text == once


@given(texts, recipes)
@settings(max_examples=400, deadline=None)
@example("¼", "arabert-v02")
def test_alignment_ascends_within_bounds_and_there_is_a_way_back(text: str, recipe: str) -> None:
    made = normalise(text, recipe)
    offsets = made.offsets
    assert len(offsets) == len(made.text)
    assert all(0 <= start <= end <= len(text) for start, end in offsets)
    assert list(made.starts) == sorted(made.starts)
    assert list(made.ends) == sorted(made.ends)
    for i, (start, end) in enumerate(offsets):
        if start < end:
            first, last = made.from_raw(start, end)
            assert first <= i < last
            assert made.to_raw(first, last)[0] <= start
            assert end <= made.to_raw(first, last)[1]


@given(st.text(st.sampled_from([*"ابتةهويىئؤءأإآپچڤگژیک", *"ًَُِّـ\u200c\u200f", *" .,«»1٣a…-", *"ﻻﷺﷲﻣﺼﺮﭘ"])), recipes)
@settings(max_examples=400, deadline=None)
def test_no_letter_is_lost(text: str, recipe: str) -> None:
    assert base_letters(normalise_text(text, recipe)) == base_letters(text)


@given(texts, recipes)
@settings(deadline=None)
def test_one_space_between_words_and_nothing_invisible(text: str, recipe: str) -> None:
    made = normalise_text(text, recipe)
    assert made == " ".join(made.split())
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in made)
    assert not set(made) & set("ـًٌٍَُِّْٰ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")


@pytest.mark.parametrize("recipe", USABLE)
def test_every_character_there_is(recipe: str) -> None:
    for first in range(0, 0x110000, 4096):
        text = " ".join(map(chr, range(first, first + 4096)))
        made = normalise_text(text, recipe)
        assert normalise_text(made, recipe) == made


# --- examples -----------------------------------------------------------------------------------

EVERYWHERE = [
    ("ﻻ ﷲ ﻣﺼﺮ", "لا الله مصر"),
    ("محمدﷺ", "محمد صلى الله عليه وسلم"),
    ("﷽", "بسم الله الرحمن الرحيم"),
    ("ﷻ", "جل جلاله"),
    ("پاریس چاد ڤيينا گابون ژنو", "باريس جاد فيينا كابون زنو"),
    ("بکین ہنا ھنا کوردستانێ", "بكين هنا هنا كوردستاني"),
    ("عربي\u0776", "عربيي"),
    ("مـــصـر", "مصر"),
    ("عمّان ـ بترا", "عمان - بترا"),
    ("قَالَ الرَّئِيسُ هٰذا", "قال الرئيس هذا"),
    ("س\u200fؤ\u202bال\u200c\u00ad\ufeff", "سؤال"),
    ("  سطر\r\n\tثم\u00a0آخر\u2028 ", "سطر ثم آخر"),
    ("١٢٣ ۴۵۶ ０９ 42", "123 456 09 42"),
    ("مسؤ\u0648\u0654ل", "مسؤؤل"),
    ("شي\u064a\u0654 شا\u0649\u0654", "شيئ شائ"),
    ("كافe\u0301", "كافé"),
    ("قال &quot;نعم&quot;&nbsp;ثم&#32;&lt;نص&gt;", 'قال "نعم" ثم <نص>'),
    ("سطر<br/>آخر<p dir='rtl'>فقرة</p>", "سطر آخر فقرة"),
    ("&amp;amp;lt;br&gt;نص", "نص"),
    ("س < ص و <نص> ثم > ع", "س < ص و <نص> ثم > ع"),
    ("a<b and c>d", "a<b and c>d"),
    ("&foo; AT&T", "&foo; AT&T"),
    ("على alarabiya.net اليوم", "على alarabiya.net اليوم"),
    ("مساحته ½ فدان", "مساحته 1/2 فدان"),
    ("متر²", "متر2"),
    ("", ""),
    ("\u200f \u064b", ""),
]


@pytest.mark.parametrize(("raw", "expected"), EVERYWHERE)
def test_what_all_recipes_do(raw: str, expected: str) -> None:
    def without_spacing(text: str) -> str:
        return text.replace(" ", "")

    unified = expected.translate(str.maketrans("أإآى", "اااي"))
    assert normalise_text(raw, "camelbert") == expected
    assert normalise_text(raw, "plain") == unified
    assert without_spacing(normalise_text(raw, "arabert-v02")) == without_spacing(expected)


@pytest.mark.parametrize("recipe", USABLE)
def test_decomposed_and_composed_are_one(recipe: str) -> None:
    word = "آلاء أُسِرت إسراء مؤمن رئيس"
    assert normalise_text(unicodedata.normalize("NFD", word), recipe) == normalise_text(word, recipe)


@pytest.mark.parametrize("recipe", ["plain", "arabert-v02"])
def test_links_become_placeholders(recipe: str) -> None:
    def norm(raw: str) -> str:
        return normalise_text(raw, recipe)

    assert norm("انظر https://example.com/a?b=1&amp;c=2 الآن").split()[1] == "[رابط]"
    assert norm("على www.example.com/خبر_مصر-2020, ثم") == norm("على [رابط] , ثم")
    assert norm("https://t.co/AbCوقال") == "[رابط] وقال"
    assert norm("راسل a.b@example.org أو @some_one") == norm("راسل [بريد] أو [مستخدم]")
    assert "[" not in norm("موقع alarabiya.net و @ و x@y و http://")
    assert "[" not in normalise_text("https://example.com", "camelbert")


def test_arabert_spaces_punctuation_and_keeps_numbers_whole() -> None:
    def norm(raw: str) -> str:
        return normalise_text(raw, "arabert-v02")

    assert norm("بلغ ١٬٢٥٠٫٥ دولار، أي (1,250.5).") == "بلغ 1,250.5 دولار ، أي ( 1,250.5 ) ."
    assert norm("عام2020م و5%") == "عام 2020 م و 5 %"
    assert norm("«إلى آخره»...") == "« إلى آخره » . ."
    assert norm("مستشفى أُنشئ") == "مستشفى أنشئ"


def test_plain_unifies_alef_yeh_quotes_dashes_and_dots() -> None:
    assert normalise_text("أإآٱ على مدرسة") == "اااا علي مدرسة"
    assert normalise_text("“أ” „ب” «ج» ‹د› ″ه″ ''و'' ‘ز’") == '"ا" "ب" "ج" "د" "ه" "و" \'ز\''
    assert normalise_text("ا – ب — ج ‑ د − ه ٪") == "ا - ب - ج - د - ه %"
    assert normalise_text("ا .. ب ... ج … د .") == "ا … ب … ج … د ."


def test_camelbert_keeps_letters() -> None:
    assert normalise_text("أُلقي إلى مستشفى آخر…", "camelbert") == "ألقي إلى مستشفى آخر..."


# --- alignment ----------------------------------------------------------------------------------


def test_offsets_lead_back_to_the_raw_words() -> None:
    raw = "&quot;قـالَ&quot; ﺍﻟﻮﺯﻳﺮُ ﷺ  https://example.com ١٬٢"
    made = normalise(raw, "plain")
    for word, source in [("قال", "قـالَ"), ("الوزير", "ﺍﻟﻮﺯﻳﺮُ"), ("عليه", "ﷺ"), ("[رابط]", "https://example.com")]:
        at = made.text.index(word)
        start, end = made.to_raw(at, at + len(word))
        assert raw[start:end] == source
        first, last = made.from_raw(start, end)
        assert word in made.text[first:last]


def test_put_in_spaces_are_empty_and_words_keep_their_places() -> None:
    made = normalise("(قال):5", "arabert-v02")
    assert made.text == "( قال ) : 5"
    assert made.offsets[1] == (1, 1)
    assert made.to_raw(2, 5) == (1, 4)
    assert made.from_raw(1, 4) == (2, 5)


def test_a_span_out_of_bounds_is_told() -> None:
    made = normalise("نص")
    with pytest.raises(ValueError, match="expected 0 <= start <= end <= 2 in the normalised text, found 1, 3"):
        made.to_raw(1, 3)
    with pytest.raises(ValueError, match="raw text, found 2, 1"):
        made.from_raw(2, 1)
    assert made.to_raw(2, 2) == (2, 2)
    assert made.to_raw(1, 1) == (1, 1)


# --- refusals and speed -------------------------------------------------------------------------


def test_an_unknown_recipe_is_an_error_with_a_hint() -> None:
    with pytest.raises(IsnadError, match=r"expected a normalisation recipe .*found 'plian'; did you mean 'plain'"):
        normalise_text("نص", "plian")
    with pytest.raises(IsnadError, match=r"found 'xyz'$"):
        normalise("نص", "xyz")


def test_farasa_is_refused_not_replaced() -> None:
    with pytest.raises(IsnadError, match=r"needs the Farasa segmenter and Java.*'arabert-v02' instead"):
        normalise("نص", "arabert-v2")


@pytest.mark.parametrize("recipe", USABLE)
def test_recipes_are_frozen(recipe: str) -> None:
    with pytest.raises(TypeError):
        RECIPES["mine"] = RECIPES[recipe]  # type: ignore[index]


@pytest.mark.parametrize("piece", ["a-", "a.", "<p ", "&amp;", "a@", "١.", "ـ", " ", "http://", "<!--", "a"])
@pytest.mark.parametrize("recipe", USABLE)
def test_hostile_text_takes_linear_time(piece: str, recipe: str) -> None:
    began = time.perf_counter()
    normalise_text(piece * (400_000 // len(piece)), recipe)
    assert time.perf_counter() - began < 10
