"""Along which lines a report is cut: every dimension on invented articles."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from conftest import Newsroom, invented

from eval.facts import DIMENSIONS, Facts, country_of, facts_by_key, facts_of, source_kind
from eval.judge import cuts, judge_run
from eval.predict import evaluation_examples, record
from eval.predictions import Run, parse
from isnad.examples import Document, Unit, sentence_hash
from isnad.labels import Stance
from isnad.rules import RulesClassifier

ASSERT = "افتتحت بلدية الورق جسرها الزجاجي صباح الأحد."
DENY = "نفى ناطق باسم نادي القوارب الورقية وجود أي خلاف بين أعضائه."
ATTRIBUTE = "قالت مديرة المرصد المتخيَّل إن المذنّب سيظهر فوق قرية التجربة."
SPECULATE = "قد تؤجَّل مسابقة الطائرات الشراعية إلى الشهر المقبل إذا هبّت الرياح."


def article(*sentences: tuple[str, str], title: str | None = None, **changes: str) -> Document:
    """An article of `(sentence, label)`, its title an assertion where there is one; without spans."""
    units, text = [], ""
    if title is not None:
        units.append(Unit(-1, -1, sentence_hash(title), Stance.ASSERT, False, None, None, ("author",)))
    for sentence, label in sentences:
        stance = None if label == "skip" else Stance(label)
        attributed = stance is Stance.ATTRIBUTE
        start, end = len(text), len(text) + len(sentence)
        units.append(Unit(start, end, sentence_hash(sentence), stance, attributed, None, None, ("author",)))
        text += sentence + "\n"
    good = Document("doc-1", title or "", text, "نشرة الورق", "", "article", "composed", tuple(units))
    return replace(good, **changes)


def spans(document: Document, **changes: str | bool) -> Document:
    """`document` with the spans and `attributed` of its only unit changed; a span is given by its words."""
    (unit,) = document.units
    text = document.sentence(unit)
    found = {k: (text.index(v), text.index(v) + len(v)) if isinstance(v, str) else v for k, v in changes.items()}
    return replace(document, units=(replace(unit, **found),))


def only(document: Document) -> Facts:
    """The facts of its only sentence."""
    (facts,) = facts_of(document, "test").values()
    return facts


def test_a_sentence_is_found_by_what_a_predictions_file_calls_it() -> None:
    found = facts_of(article((ASSERT, "assert"), (DENY, "deny"), title="جسر الورق"), "test")
    start = len(ASSERT) + 1
    assert list(found) == [
        ("composed", "composed", "doc-1", -1, -1),
        ("composed", "composed", "doc-1", 0, len(ASSERT)),
        ("composed", "composed", "doc-1", start, start + len(DENY)),
    ]
    news = facts_of(article((ASSERT, "assert"), corpus="antcorpus"), "test")
    assert list(news) == [("news", "antcorpus", "doc-1", 0, len(ASSERT))]


def test_a_unit_without_a_proposition_has_no_facts() -> None:
    assert len(facts_of(article((ASSERT, "assert"), ("الورق - مكتب الأخبار", "skip")), "test")) == 1
    assert facts_of(article(("الورق - مكتب الأخبار", "skip")), "test") == {}


def test_every_dimension_is_one_that_the_report_names() -> None:
    found: set[str] = set()
    for sentence, label in ((ASSERT, "assert"), (DENY, "deny"), (ATTRIBUTE, "attribute"), (SPECULATE, "speculate")):
        facts = only(article((sentence, label)))
        found |= set(facts)
        assert all(isinstance(value, str) and value for value in facts.values())
    assert found == set(DIMENSIONS)


@pytest.mark.parametrize(
    ("changes", "country"),
    [
        ({"country": "EG"}, "EG"),
        ({}, "unknown"),
        ({"corpus": "antcorpus"}, "TN"),
        ({"corpus": "hespress"}, "MA"),
        ({"corpus": "sanad_khaleej"}, "AE"),
        ({"corpus": "saudinewsnet"}, "SA"),
        ({"corpus": "saudinewsnet", "outlet": "aawsat"}, "GB"),
        ({"corpus": "invented"}, "unknown"),
    ],
)
def test_country_is_what_is_noted_else_that_of_the_paper(changes: dict[str, str], country: str) -> None:
    document = article((ASSERT, "assert"), **changes)
    assert country_of(document) == country
    assert only(document)["country"] == country
    assert only(document)["origin"] == ("real" if "corpus" in changes else "composed")


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"subject": "weather"}, "weather"),
        ({}, "unknown"),
        ({"corpus": "antcorpus", "doc_id": "JA-sport-12-20170101"}, "sport"),
        ({"corpus": "antcorpus", "doc_id": "JA-economie-3-20170101"}, "economy"),
        ({"corpus": "sanad_khaleej", "doc_id": "Medical/4410"}, "health"),
        ({"corpus": "hespress", "outlet": "نشرة الورق (faits-divers)"}, "crime and accidents"),
        ({"corpus": "saudinewsnet", "doc_id": "20150721-77"}, "unknown"),
        ({"corpus": "antcorpus", "doc_id": "JA-invented-1"}, "unknown"),
    ],
)
def test_subject_is_what_is_noted_else_the_section_of_the_paper(changes: dict[str, str], subject: str) -> None:
    assert only(article((ASSERT, "assert"), **changes))["subject"] == subject


@pytest.mark.parametrize(
    ("words", "band"),
    [(1, "1 to 10"), (10, "1 to 10"), (11, "11 to 20"), (20, "11 to 20"), (40, "21 to 40"), (41, "41 or more")],
)
def test_length_counts_words(words: int, band: str) -> None:
    assert only(article((" ".join(["جسر"] * words), "assert")))["length"] == band


def test_position_and_part() -> None:
    found = facts_of(article(*[(ASSERT, "assert")] * 10, title="جسر الورق"), "test").values()
    assert [f["position"] for f in found] == [
        "title",
        "first sentence",
        *["first third"] * 3,
        *["second third"] * 3,
        *["last third"] * 3,
    ]
    assert [f["part"] for f in found] == ["title", *["body"] * 10]


def test_cue_and_what_decides() -> None:
    plain = only(article((DENY, "deny")))
    marked = only(spans(article((DENY, "deny")), cue="نفى"))
    assert (plain["cue"], plain["context"]) == ("none", "only the context")
    assert (marked["cue"], marked["context"]) == ("cue word marked", "the sentence")
    named = only(spans(article((ATTRIBUTE, "attribute")), source="مديرة المرصد"))
    assert (named["cue"], named["context"]) == ("none", "the sentence")
    unattributed = only(spans(article((SPECULATE, "speculate")), source="مسابقة"))
    assert unattributed["context"] == "only the context"
    assert not {"cue", "context", "source", "denial"} & set(only(article((ASSERT, "assert"))))


def test_who_denies() -> None:
    assert only(spans(article((DENY, "deny")), attributed=True))["denial"] == "by a source"
    assert only(article((DENY, "deny")))["denial"] == "by the outlet"
    assert "denial" not in only(article((ATTRIBUTE, "attribute")))


def test_what_the_cue_rules_make_of_it() -> None:
    assert only(article((ASSERT, "assert")))["misleading"] == "no cue found"
    assert only(article((DENY, "deny")))["misleading"] == "cue agrees"
    assert only(article((DENY, "speculate")))["misleading"] == "cue misleads"
    assert only(article((DENY, "assert")))["misleading"] == "cue misleads"


def test_the_source_of_what_has_one() -> None:
    assert only(article((ATTRIBUTE, "attribute")))["source"] == "not named in the sentence"
    assert only(spans(article((ATTRIBUTE, "attribute")), source="مديرة المرصد المتخيَّل"))["source"] == "office holder"
    assert "source" not in only(article((SPECULATE, "speculate")))


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        (None, "not named in the sentence"),
        ("سامر الوردي", "person"),
        ("نادية الوردي", "person"),
        ("مصدر في بلدية الورق", "anonymous"),
        ("المصادر ذاتها", "anonymous"),
        ("مسؤولان كبيران", "anonymous"),
        ("صحيفة الواحة", "media"),
        ("وكالة فرانس برس", "media"),
        ("أ.ف.ب", "media"),
        ("تقرير للبلدية", "document"),
        ("بيانٌ وزّعته البلدية", "document"),
        ("وزير القوارب", "office holder"),
        ("الناطقة باسم النادي", "office holder"),
        ("المتحدّث باسم وزارة القوارب", "office holder"),
        ("مديرة قناة الورق", "office holder"),
        ("رئيس لجنة البحث", "office holder"),
        ("المستشار القانوني للنادي", "office holder"),
        ("وزارة القوارب", "institution"),
        ("للشرطة", "institution"),
        ("مديرية المراصد", "institution"),
        ("المديرية", "institution"),
        ("السفارة الأميركية", "institution"),
        ("هيئة قناة الورق", "institution"),
        ("الحزب الدستوري", "institution"),
        ("مملكة الورق", "person"),
        ("خبير التأمين", "person"),
        ("سكان محافظة الورق", "person"),
        ("سامر الوردي من نادي القوارب رئيس البلدية", "person"),
    ],
)
def test_kinds_of_source_by_the_first_noun_that_is_known(named: str | None, kind: str) -> None:
    assert source_kind(named) == kind


@pytest.mark.parametrize(
    ("text", "quotation"),
    [(ASSERT, "none"), ("قال «نعم» ثم مضى", "some"), ('قال "نعم" ثم مضى', "some"), ("قال “نعم” ثم مضى", "some")],
)
def test_quotation(text: str, quotation: str) -> None:
    assert only(article((text, "attribute")))["quotation"] == quotation


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        (ASSERT, "one"),
        ("نعم، لا", "one"),
        ("نام أهل القرية كلهم، وعاد أهل الجسر كلهم", "two"),
        ("نام أهل القرية كلهم - وعاد أهل الجسر كلهم", "two"),
        ("نام أهل القرية كلهم، نعم، وعاد", "one"),
        ("نام أهل القرية كلهم؛ وعاد أهل الجسر كلهم: وصل أهل النادي كلهم", "three or more"),
    ],
)
def test_clauses_are_parts_of_four_words(text: str, clauses: str) -> None:
    assert only(article((text, "assert")))["clauses"] == clauses


def test_choice_and_publisher() -> None:
    assert only(article((ASSERT, "assert")))["choice"] == "natural"
    assert only(article((ASSERT, "assert"), kind="target"))["choice"] == "picked"
    assert only(article((ASSERT, "assert"), outlet="صحيفة «الواحة» & أخواتها"))["publisher"] == (
        "صحيفة «الواحة» & أخواتها"
    )


def test_facts_of_a_data_folder_are_those_of_the_sentences_that_are_judged(newsroom: Newsroom) -> None:
    newsroom.labelled["test"]["antcorpus"] = [invented("JA-sport-9-20170101", outlet="إذاعة الورق")]
    newsroom.write()
    seed = invented("seed-1")
    (newsroom.seeds / "seed.gold.jsonl").write_text(json.dumps(seed), encoding="utf-8")
    facts = facts_by_key(newsroom.data, newsroom.corpora, newsroom.seeds)
    examples = evaluation_examples(newsroom.data, newsroom.corpora, newsroom.seeds)
    assert set(facts) == {(e.origin, e.corpus, e.doc_id, e.start, e.end) for e in examples}
    sport = [f for key, f in facts.items() if key[2].startswith("JA-sport")]
    assert {(f["country"], f["subject"]) for f in sport} == {("TN", "sport")}
    assert {f["country"] for key, f in facts.items() if key[1] == "hespress"} == {"MA"}
    assert {f["country"] for key, f in facts.items() if key[0] == "composed"} == {"unknown"}
    assert not any("train" in doc for _, _, doc, *_ in facts)


def test_without_the_news_text_only_composed_articles_have_facts(newsroom: Newsroom) -> None:
    newsroom.write(text=False)
    assert {key[0] for key in facts_by_key(newsroom.data, None, newsroom.seeds)} == {"composed"}


def test_a_run_is_cut_along_the_facts(newsroom: Newsroom) -> None:
    newsroom.write()
    examples = evaluation_examples(newsroom.data, newsroom.corpora, newsroom.seeds)
    given = RulesClassifier().predict([e.text for e in examples])
    records = tuple(parse(json.dumps(record(e, a))) for e, a in zip(examples, given, strict=True))
    facts = facts_by_key(newsroom.data, newsroom.corpora, newsroom.seeds)
    found = judge_run(Run("rules", newsroom.root / "p.jsonl", records), rounds=100, seed=13, facts=facts)
    test = found.splits["test"]
    assert {part.dimension for part in test.slices} == set(DIMENSIONS)
    for dimension in ("publisher", "country", "subject", "length", "position", "part", "misleading", "quotation"):
        assert sum(part.n for part in test.of(dimension).values()) == test.main.n, dimension
    denied = test.main.per_label[Stance.DENY].support
    assert sum(part.n for part in test.of("denial").values()) == denied
    assert list(test.of("country")) == ["SA"]
    sizes = [len(some) for dimension, _, some in cuts(records, records, facts) if dimension == "position"]
    assert sizes == sorted(sizes, reverse=True)
