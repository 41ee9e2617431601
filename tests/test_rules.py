"""Rules: inflection, traps, decision order, spans; all sentences invented for these tests."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isnad.labels import Stance
from isnad.predictions import Classifier, Prediction
from isnad.rules import RulesClassifier
from isnad.rules.classes import STOPS
from isnad.rules.evidence import hits
from isnad.rules.fitting import fired, fit_precision
from isnad.rules.folding import fold_word, tokenise
from isnad.rules.lexicon import lexicon
from isnad.rules.match import read
from isnad.rules.morphology import Form, inflect
from isnad.rules.needs import CHECKS, NEEDS
from isnad.rules.phrases import PHRASES
from isnad.rules.precision import PRECISION
from isnad.rules.rulebook import CLAUSES, KINDS
from isnad.rules.verbs import KINDS as VERB_KINDS
from isnad.rules.verbs import WORD_NEEDS

RULES = RulesClassifier()


def ask(sentence: str, before: list[str] | None = None, title: str | None = None) -> Prediction:
    return RULES.predict([sentence], before=[before], title=[title])[0]


def words(stems: str, form: Form | None = None) -> set[str]:
    perfect, imperfect, participle, masdar = stems.split()
    return {w for w, f in inflect(perfect, imperfect, participle, masdar) if form in (None, f)}


# --- inflection -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stems", "surface"),
    [
        ("كتب يكتب كاتب -", "كتبت كتبوا كتبا كتبتا كتبن كتبنا كتبه كتبته يكتب تكتب يكتبون يكتبوا يكتبان سيكتب ستكتب"),
        ("نفى ينفي نافٍ نفي", "نفى نفت نفوا نفيا نفاه نفته نفينا ينفي تنفي ينفون سينفي ننفي نافيا نافية نافين النفي"),
        ("دعا يدعو داعٍ -", "دعا دعت دعوا دعاه دعته دعونا يدعو تدعو يدعون يدعوا داعيا داعية"),
        ("قال يقول قائل -", "قال قالت قالوا قالا قلت قلنا يقول تقول يقولون سيقول قائلا قائلة"),
        ("أشار يشير مشير -", "أشار أشارت أشاروا أشرنا يشير تشير يشيرون مشيرا مشيرة مشيرين"),
        ("رأى يرى - -", "رأى رأت رأوا رأينا يرى ترى يرون نرى أرى سيرى"),
    ],
)
def test_paradigm(stems: str, surface: str) -> None:
    assert {fold_word(w) for w in surface.split()} <= words(stems)


def test_jussive_is_kept_apart() -> None:
    assert words("نفى ينفي - -", Form.JUSSIVE) >= {"ينف", "تنف"}
    assert "يقل" in words("قال يقول - -", Form.JUSSIVE)


def test_pronouns_can_be_left_out() -> None:
    assert fold_word("إشارة") not in {w for w, _ in inflect("أشار", "يشير", "مشير", "-", pronouns=False)}


def test_masdar_takes_article_preposition_and_pronoun() -> None:
    forms = words("- - - إنكار")
    assert {fold_word(w) for w in ("إنكار", "الإنكار", "بالإنكار", "للإنكار", "إنكاره", "بإنكارها", "إنكارا")} <= forms


@pytest.mark.parametrize("word", ["ونفى", "فنفت", "سينفي", "وستنفي", "نَفَى", "نفـــى", "نفي", "ينفون", "ونفاها"])
def test_denial_in_every_dress(word: str) -> None:
    answer = ask(f"{word} الناطق باسم البلدية الخبر")
    assert answer.label is Stance.DENY
    assert answer.cue is not None
    assert answer.cue.text == word.removeprefix("و").removeprefix("ف")


# --- folding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("that", ["أن", "إن", "ان", "أنّ", "بأن", "بان", "أنها", "انها"])
def test_spelling_of_that_does_not_matter(that: str) -> None:
    assert ask(f"ذكرت البلدية {that} الجسر مغلق").label is Stance.ATTRIBUTE


def test_spans_lead_back_through_marks_and_tatweel() -> None:
    sentence = "ونَفَـــتِ الوزارةُ الخبرَ"
    answer = ask(sentence)
    assert answer.cue is not None
    assert answer.source is not None
    assert answer.cue.text == "نَفَـــتِ"
    assert answer.source.text == "الوزارةُ" or answer.source.text.startswith("الوزارةُ")
    assert sentence[answer.cue.start : answer.cue.end] == answer.cue.text


def test_presentation_forms_are_read() -> None:
    assert tokenise("ﻻ").words == ["لا"]


# --- the four stances -----------------------------------------------------------------------------

DENY = """
نفى المدرب صحة ما تردد عن رحيله
البلدية تنفي إغلاق الحديقة
كذّب النادي الخبر المتداول حول بيع الملعب
فنّدت الجامعة المزاعم المتعلقة بإلغاء الامتحان
أنكر المتهم التهم الموجهة إليه
لا صحة لما يشاع عن انقطاع المياه
أكد المدير أن الخبر عار عن الصحة
قال الطبيب إن الشائعة لا أساس لها من الصحة
أوضح العميد أن الطريق سالك نافياً وجود أي انهيار
رفض اللاعب الاتهامات الموجهة إليه
قال العمدة إن هذا الكلام غير صحيح
"""

SPECULATE = """
قد تغلق البلدية السوق القديم
ربما يتأخر القطار
من المتوقع أن يفتتح المتحف في الربيع
يتوقع الخبراء ارتفاع منسوب النهر
توقعت الهيئة أن تهطل الأمطار
قال المهندس إن الجسر قد ينهار
لا يستبعد المدرب رحيل القائد
لم ينف الوزير استقالته ولم يؤكدها
يبدو أن الحافلة تأخرت
من المرجح أن تلغى المباراة
من المنتظر أن تعلن اللجنة أسماء الفائزين
هل تعود الحافلات إلى العمل؟
أوضح الناطق أن الأعمال تسير كما يجب متوقعاً أن تنتهي قريباً
رجحت مصادر محلية أن يكون الحريق متعمداً
"""

ATTRIBUTE = """
قال المزارع إن الموسم وفير
أعلنت الشركة أنها ستفتح فرعاً جديداً
وأضافت الطبيبة أن المريض تعافى
أظهرت دراسة أن القهوة تقلل النعاس
بحسب الشرطة، فرّ السائق من المكان
دعا النائب إلى تخفيض الضرائب
طالبت النقابة بزيادة الأجور
حذر الأطباء من عواقب السهر
اتهم المدرب الحكم بالانحياز
زعم البائع أن البضاعة أصلية
هاجم اللصوص المتجر وفقاً لشهود عيان
أشار التقرير إلى تحسن الطرق
"""

ASSERT = """
افتتح الوزير جسراً جديداً على النهر
زار وفد من الطلاب المتحف
قد افتتح الوزير الجسر
لقد عادت الحافلات إلى العمل
من المقرر أن يعقد الاجتماع يوم الأحد
يذكر أن المتحف أغلق قبل عامين
تجدر الإشارة إلى أن النهر يمر بثلاث مدن
لم تسفر الحادثة عن إصابات
رفض التاجر العرض
نفي الشاعر إلى جزيرة بعيدة
كشفت الشركة عن هاتف جديد
أغلقت الحديقة التي قد تفتح لاحقاً
استبعد المدرب اللاعب من القائمة
لا أحد ينكر جمال المدينة
"""


def cases(block: str, stance: Stance) -> list[tuple[str, Stance]]:
    return [(line, stance) for line in block.strip().splitlines()]


@pytest.mark.parametrize(
    ("sentence", "stance"),
    cases(DENY, Stance.DENY)
    + cases(SPECULATE, Stance.SPECULATE)
    + cases(ATTRIBUTE, Stance.ATTRIBUTE)
    + cases(ASSERT, Stance.ASSERT),
)
def test_stance(sentence: str, stance: Stance) -> None:
    assert ask(sentence).label is stance


# --- traps and the decision order -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "stance"),
    [
        # قد: possible with the imperfect, a fact with the perfect, of whatever form
        ("قد تتأخر الحافلة", Stance.SPECULATE),
        ("قد تمطر غداً", Stance.SPECULATE),
        ("قد لا تصل الحافلة", Stance.SPECULATE),
        ("قد تأخرت الحافلة", Stance.ASSERT),
        ("قد تعطل المصعد", Stance.ASSERT),
        ("وكان المصعد قد توقف", Stance.ASSERT),
        ("وقد يئسوا من إصلاحه", Stance.ASSERT),
        ("وقد تجمعوا في الساحة", Stance.ASSERT),
        # two negations leave it open, «لا أحد ينكر» rejects nothing
        ("لم تستبعد الشرطة وجود شريك", Stance.SPECULATE),
        ("لا يُستبعد أن تمطر", Stance.SPECULATE),
        ("لم ينفِ النادي الصفقة", Stance.SPECULATE),
        ("لا ينكر أحد فضل المعلم", Stance.ASSERT),
        # a clitic before a fixed expression
        ("قال الحارس إن الباب مفتوح ولا صحة لما يقال", Stance.DENY),
        ("فلا أساس لما يقال", Stance.DENY),
        # refusals of an act and of a claim
        ("رفض الحارس فتح الباب", Stance.ASSERT),
        ("ترفض الشركة مزاعم التلاعب بالأسعار", Stance.DENY),
        # schedules and forecasts
        ("من المنتظر أن يصل القطار يوم 12 نيسان", Stance.ASSERT),
        ("كان من المقرر أن يصل القطار أمس", Stance.ASSERT),
        ("جاءت الأرباح أقل من المتوقع", Stance.ASSERT),
        # transparent frames: judge what they introduce
        ("يذكر أن النهر قد يجف", Stance.SPECULATE),
        ("وتجدر الإشارة إلى أن البلدية نفت الخبر", Stance.DENY),
        # «وفق» of a standard names no source
        ("رممت البلدية الجسر وفق المعايير الحديثة", Stance.ASSERT),
        ("رممت البلدية الجسر وفقاً للخطة", Stance.ASSERT),
        ("انهار الجسر وفق مصادر محلية", Stance.ATTRIBUTE),
        # the outlet's own people
        ("أفاد مراسلنا بأن الجسر مغلق", Stance.ASSERT),
        # objects that change the verb
        ("طالب الجامعة نجح في الامتحان", Stance.ASSERT),
        ("بين المدينة والقرية نهر", Stance.ASSERT),
        ("عبر المسافر الحدود", Stance.ASSERT),
        ("عبّر المسافر عن سعادته", Stance.ATTRIBUTE),
        ("نقل السائق الركاب", Stance.ASSERT),
        ("نقلت الإذاعة عن السائق أن الطريق مغلق", Stance.ATTRIBUTE),
        ("لم تعلن أي جهة مسؤوليتها", Stance.ASSERT),
        # «غير صحيح» of a claim, not of a method
        ("يطهو الطاهي الأرز بطريقة غير صحيحة", Stance.ASSERT),
        ("ما يقال عن السوق غير صحيح", Stance.DENY),
    ],
)
def test_traps(sentence: str, stance: Stance) -> None:
    assert ask(sentence).label is stance


@pytest.mark.parametrize(
    ("sentence", "stance"),
    [
        ("قال المهندس إن الجسر آمن", Stance.ATTRIBUTE),
        ("قال المهندس إن الجسر قد يهتز", Stance.SPECULATE),
        ("قال المهندس إن خبر الانهيار لا أساس له", Stance.DENY),
        ("زار المهندس الجسر، حيث أكد أنه آمن", Stance.ATTRIBUTE),
        ("أكد المهندس أن الشركة التي نفت التهم ستعود", Stance.ATTRIBUTE),
        ("أغلق السوق بعدما نفى التجار الخبر", Stance.ASSERT),
        ("أعلنت الشركة المشروع ومن المتوقع أن ينتهي بعد عام", Stance.SPECULATE),
    ],
)
def test_clauses(sentence: str, stance: Stance) -> None:
    assert ask(sentence).label is stance


# --- cue, source, attributed ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "cue", "source"),
    [
        ("ونفت وزارة النقل وجود أي تأخير", "نفت", "وزارة النقل"),
        ("وكان رئيس البلدية قد نفى الخبر", "نفى", "رئيس البلدية"),
        ("البلدية تنفي إغلاق الحديقة", "تنفي", "البلدية"),
        ("قال وزير الزراعة، سامي الكرم، إن الموسم وفير", "قال", "وزير الزراعة، سامي الكرم"),
        ("وقال الخباز في تصريح صحفي إن الخبز متوفر", "قال", "الخباز"),
        ("انهار الجسر بحسب الدفاع المدني", "بحسب", "الدفاع المدني"),
        ("انهار الجسر وفقاً لمصادر محلية", "وفقاً", "مصادر محلية"),
        ('كشف لـ"صحيفة الحي" مصدر مطلع أن السوق سيغلق', "كشف", "مصدر مطلع"),
        ("يتوقع الخبراء أن ترتفع الأسعار", "يتوقع", "الخبراء"),
        ("قال المهندس إن الجسر قد يهتز", "قد يهتز", "المهندس"),
        ("أوضح العميد أن الطريق سالك نافياً وجود أي انهيار", "نافياً", "العميد"),
        ("خبير الطقس: الشتاء بارد", None, "خبير الطقس"),
    ],
)
def test_cue_and_source(sentence: str, cue: str | None, source: str) -> None:
    answer = ask(sentence)
    assert answer.attributed is True
    assert (answer.cue.text if answer.cue else None) == cue
    assert answer.source is not None
    assert answer.source.text == source


@pytest.mark.parametrize(
    ("sentence", "attributed"),
    [
        ("لا صحة لما يشاع عن انقطاع المياه", False),
        ("قال الفلاح إنه لا صحة لما يشاع عن انقطاع المياه", True),
        ("قد تغلق البلدية السوق", False),
        ("يرى الفلاح أن السوق قد تغلق", True),
        ("من المتوقع أن يزهر اللوز", False),
        ("افتتح الوزير جسراً", False),
        ("أعلن عن فتح الجسر", True),
    ],
)
def test_attributed(sentence: str, attributed: bool) -> None:
    assert ask(sentence).attributed is attributed


# --- context --------------------------------------------------------------------------------------


def test_an_open_quotation_goes_on() -> None:
    before = ["وقال الخباز: «الخبز متوفر في كل الأحياء."]
    assert ask("الطحين يكفي شهراً.").label is Stance.ASSERT
    assert ask("الطحين يكفي شهراً.", before=before).label is Stance.ATTRIBUTE


def test_a_negation_answers_the_denial_in_the_title() -> None:
    title, sentence = "النادي ينفي بيع الملعب", "لم نوقع أي عقد مع أحد"
    assert "answer:main" in fired(sentence, title=title) - fired(sentence)
    trusting = RulesClassifier({"answer:main": 0.8})
    assert trusting.predict([sentence], title=[title])[0].label is Stance.DENY


def test_before_may_be_one_string() -> None:
    one = RULES.predict(["الطحين يكفي شهراً."], before=["وقال الخباز: «الخبز متوفر."])
    many = RULES.predict(["الطحين يكفي شهراً."], before=[["وقال الخباز: «الخبز متوفر."]])
    assert one == many


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="expected 2 entries in before, one a sentence, found 1"):
        RULES.predict(["قال", "قيل"], before=[None])
    with pytest.raises(ValueError, match="expected 1 entries in title, one a sentence, found 0"):
        RULES.predict(["قال"], title=[])


# --- the lexicon holds together -------------------------------------------------------------------


def test_every_kind_of_cue_has_a_rule() -> None:
    assert set(VERB_KINDS) | set(PHRASES) <= set(KINDS) | {"transparent", "scheduled"}


def test_every_need_is_checked_and_explained() -> None:
    used = {need for s in lexicon().verbs.values() for sense in s for need in sense.needs}
    assert used <= set(CHECKS)
    assert used | set(WORD_NEEDS.values()) <= set(NEEDS)
    assert set(CHECKS) <= set(NEEDS)


def test_verb_rows_have_five_columns() -> None:
    for rows in VERB_KINDS.values():
        assert all(len(row.split()) == 5 for row in rows.strip().splitlines())


def test_shipped_precisions_name_real_rules() -> None:
    assert PRECISION
    for name, value in PRECISION.items():
        kind, _, clause = name.partition(":")
        assert kind in KINDS
        assert clause in (*CLAUSES, "")
        assert 0 < value < 1


def test_precision_can_be_given() -> None:
    doubtful = RulesClassifier({"modal:head": 0.2, "modal:main": 0.2})
    assert doubtful.predict(["قد تغلق البلدية السوق"])[0].label is Stance.ASSERT
    sure = RulesClassifier({"modal:head": 0.75}).predict(["قد تغلق البلدية السوق"])[0]
    assert (sure.label, sure.score, sure.scores["speculate"]) == (Stance.SPECULATE, 0.75, 0.75)


def test_fitting_learns_that_a_rule_is_wrong() -> None:
    rules = fired("قد تغلق البلدية السوق")
    assert rules == {"modal:head"}
    assert fit_precision([(rules, "speculate")] * 9 + [(rules, "assert")])["modal:head"] > 0.8
    assert fit_precision([(rules, "assert")] * 9 + [(rules, "speculate")])["modal:head"] < 0.3
    assert fit_precision([(frozenset(), "assert")] * 3 + [(frozenset(), "attribute")])["none:main"] < 0.8


# --- total on any text ----------------------------------------------------------------------------


def test_is_a_classifier() -> None:
    assert isinstance(RULES, Classifier)
    assert RULES.name == "rules"
    assert RULES.predict([]) == []


@pytest.mark.parametrize("nothing", ["", "   ", "\n", "…", "«»", "ـ", "\u200f", "،"])
def test_nothing_to_judge(nothing: str) -> None:
    assert ask(nothing) == Prediction.nothing("nothing_left")


ARABIC = 'ابتثجحخدذرزسشصضطظعغفقكلمنهويىةأإآءئؤ ،؛:.؟!"«»()-ـَُِّْٰﻻ٣پ\u200f'
CUES = 'نفى قال إن أن قد تكون ربما بحسب ما من المتوقع لا صحة التي لم ينف غير صحيح : " « » ، هل ؟ وفقاً لـ الوزير'
TEXT = st.one_of(
    st.text(max_size=60),
    st.text(ARABIC, max_size=80),
    st.lists(st.sampled_from(CUES.split()), max_size=14).map(" ".join),
)


@settings(max_examples=300, deadline=None)
@given(TEXT, st.one_of(st.none(), TEXT, st.lists(TEXT, max_size=3)), st.one_of(st.none(), TEXT))
@example("نفى", None, None)
@example("قد", "«", ":")
@example(":", [""], "")
@example("وفقاً ل", None, None)
def test_total_and_in_bounds(sentence: str, before: str | list[str] | None, title: str | None) -> None:
    (answer,) = RULES.predict([sentence], before=[before], title=[title])
    if answer.label is None:
        assert answer.warnings == ["nothing_left"]
        return
    assert set(answer.scores) == {s.value for s in Stance}
    assert sum(answer.scores.values()) == pytest.approx(1)
    assert answer.score == answer.scores[answer.label.value] == max(answer.scores.values())
    assert answer.attributed or answer.label is not Stance.ATTRIBUTE
    assert not (answer.attributed and answer.label is Stance.ASSERT)
    for span in (answer.cue, answer.source):
        if span is not None:
            assert 0 <= span.start < span.end <= len(sentence)
            assert span.text == sentence[span.start : span.end]


@settings(max_examples=100, deadline=None)
@given(TEXT)
def test_every_hit_is_a_named_rule(sentence: str) -> None:
    for hit in hits(read(sentence), [], None):
        kind, _, clause = hit.rule.partition(":")
        assert kind in KINDS
        assert clause in CLAUSES


def test_stops_are_single_characters() -> None:
    assert all(len(stop) == 1 for stop in STOPS)
