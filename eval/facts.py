"""What is known of a sentence beside its label: the dimensions along which a report is cut.

Some facts come from the article (publisher, country, subject), some from its place in it, some from the gold label
and spans, some from the words. None depends on what a run answered, but for `misleading`, which asks the cue rules.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from isnad.examples import COMPOSED, TITLE, Document, Example, document_examples, join, read_documents, read_splits
from isnad.labels import Stance
from isnad.predictions import Prediction
from isnad.rules import RulesClassifier
from isnad.subjects import subject_of

Key = tuple[str, str, str, int, int]
"""Origin, corpus, article, start, end: `eval.predictions.Record.key`."""
Facts = Mapping[str, str]

DIMENSIONS = {
    "publisher": "publisher",
    "country": "country of the publisher",
    "subject": "subject",
    "length": "length in words",
    "position": "place in the article",
    "part": "title or body",
    "context": "what decides: the sentence or its context",
    "cue": "is there a cue word?",
    "misleading": "what the cue rules make of it",
    "source": "kind of source",
    "denial": "who denies",
    "quotation": "quotation marks",
    "clauses": "clauses (parts of four words or more between marks)",
    "origin": "composed or real",
    "choice": "how it was chosen",
}
"""Every dimension and what it is, as the report names it."""

_COUNTRY = {"antcorpus": "TN", "hespress": "MA", "sanad_khaleej": "AE", "saudinewsnet": "SA"}
_COUNTRY_OF_OUTLET = {"aawsat": "GB"}
_OF_PEOPLE, _OF_THINGS = "ة|ات|ه|ها|هم|ته|تها|ان|ين|ون|و|ا", "ه|ها|هم|ات|ان|ين|ا"
"""Endings that a noun may take, of people and of things; مديرية is no مدير, المملكة no ملك, نادية no نادي."""
_SOURCES = tuple(
    (kind, re.compile(rf"(?<!\w)(?:[وفبكل]?(?:ال)?|لل)(?:{words})(?:{endings})?(?!\w)"))
    for kind, endings, words in (
        ("anonymous", _OF_PEOPLE, "مصدر|مصادر|شهود|شاهد|مسؤول|مراقبون|محللون|خبراء|متابعون|ناشطون"),
        (
            "media",
            _OF_THINGS,
            r"صحيفة|جريدة|وكالة|قناة|تلفزيون|موقع|إذاعة|مجلة|رويترز|فرانس برس|أ\.?ف\.?ب|سانا|وسائل",
        ),
        (
            "document",
            _OF_THINGS,
            "دراسة|تقرير|بيان|استبيان|استطلاع|قانون|إحصاء|وثيقة|وثائق|مذكرة|اتفاق|اتفاقية|عقد|نشرة|بحث|أبحاث|دستور|مرسوم",
        ),
        (
            "office holder",
            _OF_PEOPLE,
            "وزير|رئيس|متحدث|ناطق|مدير|أمين|نائب|قائد|سفير|محافظ(?!ة)|أمير|ملك|مساعد|مستشار|والي|عميد|مدرب",
        ),
        (
            "institution",
            _OF_THINGS,
            "وزارة|هيئة|شركة|لجنة|حكومة|منظمة|مجلس|بنك|مصرف|جيش|شرطة|محكمة|حزب|جامعة|اتحاد|اتحادية|نادي|إدارة|مؤسسة|جمعية|"
            "حركة|نقابة|مركز|أمانة|مديرية|بلدية|دائرة|سلطات|سلطة|رئاسة|نيابة|برلمان|سفارة|غرفة|بعثة|ديوان|كتلة|تحالف",
        ),
    )
)
_VOWELS = re.compile("[\u064b-\u0652\u0640]")
_QUOTED = re.compile('[«»“”"]')
_MARKS = re.compile(r"[،؛,;:]|\s[-–]\s")


def facts_by_key(
    data: Path, corpora: Path | None, seeds: Path, wanted: Container[str] | None = None
) -> dict[Key, Facts]:
    """Facts of the labelled sentences outside the training part whose text is here.

    `wanted` holds the articles to look at, as `corpus:doc_id`; None means all.
    """
    owner = read_splits(data / "splits")
    paths = sorted(data.glob(f"{COMPOSED}/*.jsonl")) + sorted(data.glob("news/*.jsonl"))
    documents = [d for d in read_documents(paths) if owner.get(d.key, "train") != "train"]
    joined, _ = join([d for d in documents if wanted is None or d.key in wanted], corpora)
    found: dict[Key, Facts] = {}
    for document in joined:
        found |= facts_of(document, owner[document.key])
    for document in read_documents(sorted(seeds.glob("*.gold.jsonl"))):
        found |= facts_of(document, "seed")
    return found


def facts_of(document: Document, split: str) -> dict[Key, Facts]:
    """The facts of each labelled sentence of a joined article."""
    examples = [e for e in document_examples(document, split) if e.label is not None]
    rules = RulesClassifier().predict(
        [e.text for e in examples], before=[e.before for e in examples], title=[e.title for e in examples]
    )
    return {
        (e.origin, e.corpus, e.doc_id, e.start, e.end): dict(_facts(document, e, found))
        for e, found in zip(examples, rules, strict=True)
    }


def country_of(document: Document) -> str:
    """ISO 3166 code of the publisher's country; `unknown` where nobody noted it."""
    return document.country or _COUNTRY_OF_OUTLET.get(document.outlet, _COUNTRY.get(document.corpus, "unknown"))


def _facts(document: Document, example: Example, rules: Prediction) -> Iterator[tuple[str, str]]:
    label, text = example.label, example.text
    yield "publisher", example.outlet
    yield "country", country_of(document)
    yield "subject", subject_of(document)
    yield "length", _band(len(text.split()), ((10, "1 to 10"), (20, "11 to 20"), (40, "21 to 40")), "41 or more")
    yield "position", _position(document, example)
    yield "part", "title" if example.start == TITLE else "body"
    if label is not Stance.ASSERT:
        yield "cue", "cue word marked" if example.cue else "none"
        inside = example.cue or (example.source and example.attributed)
        yield "context", "the sentence" if inside else "only the context"
    yield "misleading", _misleading(label, rules)
    if example.attributed:
        yield "source", source_kind(text[slice(*example.source)] if example.source else None)
    if label is Stance.DENY:
        yield "denial", "by a source" if example.attributed else "by the outlet"
    yield "quotation", "some" if _QUOTED.search(text) else "none"
    parts = sum(len(part.split()) >= 4 for part in _MARKS.split(text))
    yield "clauses", _band(parts, ((1, "one"), (2, "two")), "three or more")
    yield "origin", "real" if example.origin == "news" else "composed"
    yield "choice", "natural" if example.kind == "article" else "picked"


def source_kind(named: str | None) -> str:
    """What stands behind the words that name a source, told by the first noun that is known among its first three
    words; `person` where none is."""
    if named is None:
        return "not named in the sentence"
    head = _VOWELS.sub("", " ".join(named.split()[:3]))
    known = [(found.start(), kind) for kind, words in _SOURCES if (found := words.search(head))]
    return min(known)[1] if known else "person"


def _misleading(label: Stance | None, rules: Prediction) -> str:
    if rules.cue is None or rules.label is Stance.ASSERT:
        return "no cue found"
    return "cue agrees" if rules.label is label else "cue misleads"


def _position(document: Document, example: Example) -> str:
    if example.start == TITLE:
        return "title"
    if example.before is None:
        return "first sentence"
    share = example.start / max(1, len(document.text or ""))
    return _band(share, ((1 / 3, "first third"), (2 / 3, "second third")), "last third")


def _band(value: float, bands: Sequence[tuple[float, str]], last: str) -> str:
    return next((name for most, name in bands if value <= most), last)
