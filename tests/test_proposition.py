"""Bylines, credits, links and headings say nothing; whatever might be a sentence is kept."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isnad.proposition import has_proposition

NOTHING = [
    "كتب: محمد حسن",
    "بقلم: سامي حداد",
    "إعداد – ليلى منصور",
    "متابعة – سامي حداد – تلفزيون المدينة",
    "الرياض - واس",
    "دبي - سمير الأحمد",
    "القاهرة (رويترز) -",
    "بيروت 12 مارس 2019 (أ ف ب)",
    "جدة 3 محرم 1399 هـ الموافق 2 ديسمبر 1978 م واس",
    "(أ ف ب)",
    "(د.ب.أ)",
    "يو بي آي",
    "وكالات",
    "«وام»",
    "(رويترز، أ ف ب)",
    "المصدر: رويترز",
    "المصدر (سكاي نيوز)",
    "تصوير: خالد سعيد",
    "(صورة أرشيفية)",
    "الصورة توضيحية",
    "جانب من الحضور",
    "عن كتاب «حكايات البحر» لسمير الأحمد",
    "اقرأ أيضاً: افتتاح معرض الكتاب في العاصمة بحضور كبير من الناشرين والقراء",
    "شاهد أيضا.. سباق الزوارق",
    "لقراءة المزيد من الأخبار",
    "مقالات أخرى للكاتب",
    "مواضيع ذات صلة",
    "المزيد: سباق الزوارق في صور",
    "تابعونا على تويتر وفيسبوك",
    "شارك هذا الخبر",
    "للتواصل مع المحرر أرسل رسالة عبر واتساب",
    "اكتب اسمك مسبوقاً بالرمز 99 مسافة ثم الرسالة",
    "هاتف: 0123456",
    "desk@example.org",
    "سامي حداد desk@example.org",
    "https://example.com/news/1",
    "@news_desk",
    "شاركوا في الاستطلاع",
    "محمد حسن",
    "د. سمير الأحمد",
    "الدكتور خالد منصور",
    "محمد سعيد، أحمد حسن، خالد منصور",
    "أخبار",
    "الرياضة",
    "يتبع",
    "***",
    "...",
    "6-4 .",
    "Read more about our summer offers",
    "Связаться с нами",
    "",
    "\u200f",
]

SOMETHING = [
    "وصل الوفد إلى الرياض أمس.",
    "وصل الوفد",
    "كتب الشاعر قصيدة جديدة.",
    "كتب محمد حسن أن الرواية لم تنته بعد.",
    "قال محمد حسن: لن أعود.",
    "محمد حسن: لن أعود",
    "سامي حداد: الوضع صعب",
    "د. سمير الأحمد يستقيل",
    "الرياض تستضيف القمة",
    "الرياض - تأجيل القمة إلى الشهر المقبل بسبب الأمطار الغزيرة في المدينة",
    "الأهلي 2 - الزمالك 1",
    "وفاة الفنان سمير الأحمد",
    "ارتفاع أسعار الخبز",
    "استقالة الوزير",
    "إضراب عام في الموانئ",
    "لا صحة للخبر",
    "هل تعود الأمطار؟",
    "لماذا؟",
    "نعم.",
    "الوضع صعب",
    "سقطت الحكومة",
    "كارثة كبرى.",
    "شكراً لكم جميعاً.",
    "ذكرت رويترز أن الميناء أغلق.",
    "أظهرت صورة أرشيفية السفينة قبل غرقها.",
    "للتواصل بين الضفتين بني جسر جديد.",
    "اقرأ كتاباً كل شهر تعش عمراً أطول.",
    "شارك آلاف الناس في المسيرة.",
    "شاهد السكان دخاناً يتصاعد من المصنع.",
    "نشر الخبر على https://example.com ثم حذفه بعد ساعة واحدة من النشر.",
    "وأضاف:",
    "والأدوية هي: Paracetamol, Ibuprofen, Diclofenac بحسب بيان الوزارة",
]


@pytest.mark.parametrize("unit", NOTHING)
def test_says_nothing(unit: str) -> None:
    assert not has_proposition(unit)


@pytest.mark.parametrize("unit", NOTHING)
@pytest.mark.parametrize("position", [0, 1, 8])
def test_says_nothing_wherever_it_stands(unit: str, position: int) -> None:
    assert not has_proposition(unit, position=position, total=9)


@pytest.mark.parametrize("unit", SOMETHING)
def test_says_something(unit: str) -> None:
    assert has_proposition(unit)


@pytest.mark.parametrize("unit", [unit for unit in SOMETHING if unit.endswith((".", "؟", ":"))])
@pytest.mark.parametrize("position", [0, 1, 8])
def test_says_something_wherever_it_stands(unit: str, position: int) -> None:
    assert has_proposition(unit, position=position, total=9)


@pytest.mark.parametrize(
    "heading", ["الأسواق والأسعار", "مدينة بلا ماء", "المطالب الرئيسية:", "* أستاذ التاريخ في جامعة المدينة"]
)
def test_a_heading_is_told_only_inside_a_text(heading: str) -> None:
    assert not has_proposition(heading, position=4, total=9)


def test_what_stands_first_may_be_a_title() -> None:
    title = "إضراب عام في الموانئ"
    assert has_proposition(title, position=0, total=9)
    assert not has_proposition("سامي حداد - المدينة نيوز", position=0, total=9)


def test_a_title_of_two_words_names_a_topic_unless_it_names_an_event() -> None:
    assert not has_proposition("حالة الطقس غداً في الجبال")
    assert not has_proposition("حكايات البحر")
    assert has_proposition("حكايات البحر!")
    assert has_proposition("استقالة الوزير")


@given(st.text(), st.one_of(st.none(), st.integers(0, 9)))
@settings(deadline=None)
def test_any_text_has_an_answer(unit: str, position: int | None) -> None:
    assert has_proposition(unit, position=position, total=None if position is None else 10) in (True, False)


@pytest.mark.parametrize("piece", ["1", "ا", "ا ", "- ", "* ", "«", "للتواصل ", "1 ", "(", "ا.", "@"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    began = time.perf_counter()
    has_proposition(piece * (200_000 // len(piece)), position=1, total=2)
    assert time.perf_counter() - began < 10
