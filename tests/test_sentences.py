"""Sentences stand where they say they stand, cover the text and end where a reader would end them."""

from __future__ import annotations

import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isnad.sentences import Sentence, split_sentences

HARD_SET = Path(__file__).parent / "data" / "hard_sentences.jsonl"
CUT = "|"  # in the examples below: here ends a sentence

PIECES = [
    *'.!?؟…،؛:-–«»“”"()[]{}/%',
    *" \n\t\r\u00a0\u200f\u200c\ufeff\u2028",
    *["قال", "وقال", "د", "أ", "هـ", "من", "انتهى", "وأضاف", "إلخ", "U", "S", "com", "1", "25", "٣", "[1]"],
]
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


SEEN = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Format characters that are drawn: signs around a number, the end of a verse."""


def is_blank(char: str) -> bool:
    return char.isspace() or (unicodedata.category(char) == "Cf" and char not in SEEN)


# --- properties ---------------------------------------------------------------------------------


@given(texts)
@example("\U000e0020")
@example("".join(map(chr, (c for c in range(0x110000) if unicodedata.category(chr(c)) == "Cf"))))
@example("\u06dd")
@settings(max_examples=800, deadline=None)
def test_offsets_hold_in_order_and_cover_everything_visible(text: str) -> None:
    at = 0
    for sentence in split_sentences(text):
        assert text[sentence.start : sentence.end] == sentence.text
        assert at <= sentence.start < sentence.end <= len(text)
        assert all(is_blank(c) for c in text[at : sentence.start])
        assert sentence.text.strip() == sentence.text
        assert not is_blank(sentence.text[0])
        assert not is_blank(sentence.text[-1])
        assert not set(sentence.text) & set("\n\r\u2028")
        at = sentence.end
    assert all(is_blank(c) for c in text[at:])


@given(texts)
@settings(deadline=None)
def test_no_sentence_ends_in_a_comma_semicolon_or_colon_within_a_line(text: str) -> None:
    line = " ".join(text.split())
    for sentence in split_sentences(line)[:-1]:
        assert sentence.text[-1] not in "،؛:,;"


def test_a_sentence_is_frozen() -> None:
    sentence = Sentence("نص", 0, 2)
    with pytest.raises(AttributeError):
        sentence.start = 1  # type: ignore[misc]


# --- examples -----------------------------------------------------------------------------------

EXAMPLES = {
    "plain": "افتتح المعرض أبوابه أمس.| وزاره آلاف الطلاب.| ويستمر أسبوعاً.",
    "no stop": "افتتاح معرض الكتاب في المدينة",
    "comma semicolon colon": "قال المدير: سنبدأ غداً، إن شاء الله؛ فالعمل كثير.| ثم انصرف.",
    "title": "وصل د. سامي عبد الله و م. ليلى حداد.| ورحب بهما أ.د. كريم منصور.",
    "title with wa": "حضر الاجتماع د. وليد ناصر ود. هدى سالم.| وغاب الباقون.",
    "title behind a quote": "قال «د. سامي» إنه باق.| ولم يزد.",
    "agency": "نقلت أ.ف.ب. عن شهود أن الطريق أغلق.| وقالت د.ب.أ إن المرور عاد.",
    "agency then a sentence": "نشرت الخبر وكالة أ.ف.ب. وأضافت أن الحصيلة أولية.".replace("ب. وأ", "ب.| وأ"),
    "hijri year": "ولد عام 1390 هـ. في قرية صغيرة.| وتعلم فيها.",
    "year then a sentence": "أسست الدار عام 1960 م.| وانتقلت بعد ذلك.",
    "before christ": "بني الحصن عام 300 ق.م. على تلة.| ثم هدم.",
    "company": "وقعت شركة النور ش.م.م. عقداً جديداً.| ولم تذكر قيمته.",
    "initials": "كتب ج. ك. سمعان رواية جديدة.| ونالت جائزة.",
    "spelt initials": "عين الرئيس روبرت دبليو . هاريس مديراً لشركة جي . دي . إس للنقل .| وغادر .",
    "latin": "زار مكتب U.S. Steel أمس.| والتقى Mr. Brown هناك.",
    "titles in a row": "حضر د. سامي، وأ. كريم، وم. ليلى.| وغاب الباقون.",
    "measure goes on": "ركض اللاعب 12 كم. في ساعة واحدة.| ثم استراح.",
    "measure ends": "يبلغ طول الطريق 12 كم.| المشروع سيكلف مليون دينار.",
    "measure ends before a turn": "يبلغ طول الطريق 12 كم.| من جهة أخرى افتتح الجسر.",
    "vitamin": "تحتاج العظام إلى فيتامين د.| الشمس مصدره الأول.",
    "arabic domain": "اشترت الشركة موقع دفتر.كوم أمس.| ولم تذكر السعر.",
    "a name with a mark": "أعلنت ياهو! خدمة جديدة.| وهي مجانية.",
    "latin then a sentence": "يعمل الباحث في الـ U.S.| وتقيم أسرته في المدينة.",
    "et cetera ends": "اشترى الخضار والفاكهة إلخ.| وعاد إلى البيت.",
    "et cetera behind dots": "اشترى الخضار والفاكهة... إلخ.| عاد إلى البيت.",
    "et cetera": "اشترى الخضار والفاكهة إلخ. من السوق.| ثم عاد.",
    "decimal": "ارتفع السعر 4.5 في المئة إلى 1,250.75 ديناراً.| وتراجع الطلب.",
    "arabic digits": "بلغ المعدل ٣.٥ من ١٠.| وهو الأعلى.",
    "time": "تبدأ المباراة عند 20.30 مساء.| وتنتهي قبل العاشرة.",
    "ends in a number": "شارك في السباق 25.| وفاز به لاعب من القرية.",
    "domain": "نشر موقع alarabiya.net الخبر.| وأعاد example.com نشره.",
    "link": "التفاصيل على https://example.com/a.b?c=1.d هنا.| وشكراً.",
    "mail": "راسلونا على news.desk@example.org اليوم.| شكراً لكم.",
    "list": "1. جمع التبرعات.| 2. توزيع الطعام.| 3. تنظيف الحي.",
    "list behind a colon": "المطالب ثلاثة: 1. رفع الأجور 2. خفض الأسعار 3. إصلاح الطرق.| وانتهى البيان.",
    "list in one line": "1. جمع التبرعات 2. توزيع الطعام 3. تنظيف الحي.| وانتهت الحملة.",
    "a score is no list": "انتهت المباراة 2-1.| وسجل الهدفين لاعب واحد.",
    "letters of a list": "أ. جمع التبرعات.| ب. توزيع الطعام.",
    "question": "متى يعود اللاعبون؟ |لا أحد يعرف.".replace("؟ |", "؟| "),
    "loud": "هل فاز فعلاً؟!| نعم فاز!!| يا للفرح!",
    "spaced loud": "هل فاز فعلاً ؟ !| نعم فاز .| وانتهى الأمر .",
    "loud glued": "هل فاز؟نعم فاز.".replace("؟", "؟|"),
    "latin question mark": "من يعلم?| لا أحد.",
    "headline dots": "المدرب يستقيل .. واللاعبون يطالبون بالبقاء",
    "headline three dots": "المدرب يستقيل... وفي انتظار البديل",
    "dots within": "كان الطريق طويلاً... طويلاً جداً ولم نصل.".replace("طويلاً جداً", "ولكنه جميل"),
    "dots then a sentence": "انتظرنا حتى المساء...| وقال الحارس إن الباب مغلق.",
    "dots then another sentence": "انتظرنا حتى المساء…| الباب ظل مغلقاً.",
    "two dots within": "عاد الهدوء إلى الحي .. وخرج الناس إلى الشوارع.",
    "stutter": "قال الطفل: أنا... أنا لم أكسر الزجاج.| ثم بكى.",
    "headline ends in dots": "المدرب يستقيل... اللاعبون يطالبون بالبقاء…",
    "dots then a question": "غادر المدرب القاعة بلا كلمة…| من أغضبه؟| لا أحد يعرف.",
    "two dots as the author's stop": "رأيت أمس في السوق رجلاً يبيع الكتب القديمة..| جلست عنده ساعة أقلب الصفحات.."
    " وأسأله عن أسعار كل تلك الكتب القديمة..| كانت الأسعار قليلة والناس في السوق كثر.. الأمر الذي أفرحه..",
    "two dots as a pause": "رأيت رجلاً يبيع الكتب القديمة في السوق.. جلست عنده ساعة.| ثم غادرت المكان.",
    "quote within a quote": 'كتب: "وصف البيان بأنه «خطوة كبيرة إلى الأمام.» وغادر".| ولم يزد.',
    "as the report has it": "أثارت عبارة «الطريق آمن للعبور.» كما وردت في البيان جدلاً.| ثم نسيت.",
    "as a new sentence": "قال: «الطريق آمن للعبور.»| كما أكد أن العمل مستمر.",
    "quote then a turn": "قال: «الطريق آمن للعبور.»| من جهته أكد المدير أن العمل مستمر.",
    "closing quote belongs": "قال: «سنبدأ غداً.»| وأضاف أن العمل طويل.",
    "closing bracket belongs": "انتهى العرض.| (صفق الجمهور طويلاً.)| وأسدل الستار.",
    "quote goes on with a verb": "«سنبدأ العمل غداً.» قال الوزير للصحفيين.| ثم غادر.",
    "quote goes on with a comma": "«سنبدأ العمل غداً.»، قال الوزير.| ثم غادر.",
    "quote goes on with a source": "«انتهى كل شيء.» بحسب بيان الشركة.| ولم تعلق النقابة.",
    "space before the closing quote": "« سنبدأ العمل غداً . » قال الوزير.| ثم غادر.",
    "question in quotes": "«هل ستعود يا صديقي؟» سأله المذيع.| فضحك.",
    "question as a name": "يعرض برنامج «من الفائز؟» مساء كل خميس.| وهو قديم.",
    "straight quotes": 'قال: "سنبدأ غداً."| وأضاف: "العمل طويل."| وانصرف.',
    "straight quotes with a verb": '"سنبدأ غداً." قال الوزير.| وانصرف.',
    "curly quotes": "قال: “سنبدأ غداً.”| وأضاف أن العمل طويل.",
    "short quote": "قال: «لا. لن أعود.» وانصرف.".replace("وانصرف", "ثم انصرف"),
    "long quote": "قال: «سنبدأ العمل في الصباح الباكر.| وسننتهي منه قبل نهاية الشهر.»| وأضاف أن الكلفة قليلة.",
    "inserted brackets": "وصل الوفد (وفيه د. سامي. والآخرون) إلى المدينة.| ثم غادر.",
    "doubt in brackets": "قال إنه شاعر (!) وروائي (؟) معاً.| ولم يصدقه أحد.",
    "glued": "انتهى الاجتماع.وقال المدير إنه ناجح.".replace(".و", ".|و"),
    "glued to a quote": "انتهى الاجتماع.«كان ناجحاً» قال المدير.".replace(".«", ".|«"),
    "glued behind a quote": "قال إنه «ناجح».وأضاف أنه طويل.".replace(".و", ".|و"),
    "glued short": "كتب د.سامي في ص.ب 15 وغادر.",
    "stop glued to the next": "انتهى الاجتماع .وقال المدير إنه ناجح.".replace(" .و", " .|و"),
    "lines": "عنوان الخبر|\nانتهى الاجتماع|\r\n|\r\nوغادر الوفد",
    "nbsp": "انتهى الاجتماع.\u00a0| وغادر الوفد.",
    "zero width": "انتهى الاجتماع\u200f.\u200f |وغادر الوفد\u200f.",
    "unit": "يبلغ طوله 300 م. وقد بني قديماً.| وثمنه 5 د.ك. ويباع هنا.".replace("م. و", "م.| و").replace(
        "ك. و", "ك.| و"
    ),
    "initials in brackets": "نقلت الوكالة (أ.ف.ب.) وقالت الصحف الخبر.| ولم تزد.",
    "stop behind the quote": "سأل: «متى تعود؟».| ولم ينتظر الجواب.",
    "stop behind the quote and a space": "سأل: «متى تعود؟» .| ولم ينتظر الجواب.",
    "apostrophes": "قال: ''سنبدأ غداً.''| وأضاف أن العمل طويل.",
    "apostrophes with a verb": "''سنبدأ غداً.'' قال الوزير.| وانصرف.",
    "quote without a partner": 'سنبدأ غداً."| وأضاف أن العمل طويل.',
    "glued behind two letters": "يبدأ العرض بعد غد.ويستمر أسبوعاً.".replace(".و", ".|و"),
    "transliteration": "غنت في حفل إم.تي.في قبل عام.| ثم اعتزلت.",
    "footnote": "انتهى الاجتماع.[1]| وغادر الوفد.[2]",
    "only dots": "...",
    "unclosed quote": "قال: «انتهى الاجتماع.| وغادر الوفد.| ولم يعد أحد منهم.",
    "unclosed bracket": "قال (المدير إن الأمر انتهى.| وغادر الوفد.",
}


@pytest.mark.parametrize("marked", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_example(marked: str) -> None:
    text = marked.replace(CUT, "")
    expected = [part.strip(" \r\n\t\u00a0\u200f") for part in marked.split(CUT)]
    assert [s.text for s in split_sentences(text)] == [part for part in expected if part]


def test_nothing_visible_no_sentence() -> None:
    assert split_sentences("") == []
    assert split_sentences(" \n\u200f\r\n\u00a0\ufeff") == []


@pytest.mark.parametrize(
    "piece",
    [
        "انتهى الأمر. وقال ",
        "«نعم؟» ",
        "(",
        "(.",
        '".',
        "1. ",
        ". ",
        "... ",
        "a.",
        "نص.نص",
        "«ا. ب» ",
        "كلمة " * 50 + "؟ ",
    ],
)
def test_linear_time(piece: str) -> None:
    began = time.perf_counter()
    split_sentences(piece * (300_000 // len(piece)))
    assert time.perf_counter() - began < 20


# --- the hard set, written by somebody who had not seen the splitter -------------------------------


def spans(text: str, parts: list[str]) -> set[tuple[int, int]]:
    """Where `parts` stand in `text`, one behind the other, without white space and invisible marks at their edges."""
    found, at = set(), 0
    for part in parts:
        start = text.index(part, at)
        end = at = start + len(part)
        while start < end and is_blank(text[start]):
            start += 1
        while start < end and is_blank(text[end - 1]):
            end -= 1
        found.add((start, end))
    return found


def test_spans_leave_invisible_edges_out() -> None:
    assert spans("\u200fنعم.\u200f \ufeffلا.", ["\u200fنعم.\u200f", "\ufeffلا."]) == {(1, 5), (8, 11)}


def test_hard_set_span_f1_at_least_97() -> None:
    if not HARD_SET.exists():
        pytest.skip(f"{HARD_SET} is not there yet")
    right = gold = given_out = 0
    for line in HARD_SET.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        expected = spans(case["text"], case["sentences"])
        answered = {(s.start, s.end) for s in split_sentences(case["text"])}
        right += len(expected & answered)
        gold += len(expected)
        given_out += len(answered)
    assert 2 * right / (gold + given_out) >= 0.97
