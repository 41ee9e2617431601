"""The words that name a source, found by position: behind the verb, before it, or behind «بحسب».

Arabic news puts the subject right behind a verb at the head of its clause («نفى الوزير …»), and before
one that is not («الوزير نفى …»); «كان … قد نفى» holds it in the middle. Where the noun phrase ends is a guess:
at a complementiser, an adverb of time, a noun of speech («في بيان»), the object of a denial, a comma.
"""

from __future__ import annotations

from isnad.predictions import Span
from isnad.rules import classes as c
from isnad.rules.evidence import Hit
from isnad.rules.lexicon import words as folded
from isnad.rules.morphology import Form
from isnad.rules.scene import Cue, Scene

LONGEST = 16
"""A source is seldom longer than this many words."""

_BY = folded("وفقا طبقا")
_WHAT = folded("ما لما")
_WHAT_IN_ONE = folded("حسبما بحسبما وفقما")
_ALI = folded("علي")
_BEEN = folded("قد كان كانت كانوا")
_AS_FOR = folded("أما")
_PRONOUN_ENDINGS = ("ه", "ها", "هم")
_CLITICS = folded("و ل ب")


def source_span(scene: Scene, hit: Hit) -> Span | None:
    """The noun phrase that names the source of `hit`, or None."""
    cue = hit.cue
    if hit.kind == "headline":
        return _span(scene, 0, scene.words.index(":"))
    if cue is None:
        return None
    if hit.kind == "according":
        return _after_according(scene, cue)
    if cue.form is Form.PARTICIPLE:
        return _phrase(scene, 1) if cue.first > 2 and scene.words[0] not in c.STOPS else None
    if cue.form is Form.FIXED:
        return None
    return _subject_before(scene, cue) or _phrase(scene, cue.last + 1, cue.lemma)


def _after_according(scene: Scene, cue: Cue) -> Span | None:
    """Behind «بحسب»، «وفقاً لـ»، «بحسب ما أكده»."""
    words = scene.words
    first = cue.last + 1
    word = words[first] if first < len(words) else ""
    if word in _WHAT or words[cue.last] in _WHAT_IN_ONE:
        first += 2 if word in _WHAT else 1
        while first < len(words) and (words[first] in c.SOURCE_STOPS or words[first] in c.STOPS):
            first += 1
    skip = 1 if words[cue.last] in _BY and word.startswith("ل") and not word.startswith("لل") else 0
    return _phrase(scene, first, skip=0 if word in _WHAT else skip)


def _phrase(scene: Scene, first: int, lemma: str = "", skip: int = 0) -> Span | None:
    """The noun phrase that begins at `first`, past «لـ"صحيفة"» and an opening quotation mark."""
    words = scene.words
    first = _past_addressee(words, first)
    end = _end(scene, first, lemma)
    while end > first and words[end - 1] != ")" and (words[end - 1] in c.STOPS or words[end - 1] in _CLITICS):
        named = words[end - 1] in c.QUOTES and words[first] not in c.QUOTES
        if named and sum(w in c.QUOTES for w in words[first:end]) % 2 == 0:
            break
        end -= 1
    while first < end and words[first] in c.STOPS:
        first += 1
    return _span(scene, first, end, skip)


def _past_addressee(words: list[str], first: int) -> int:
    if first + 1 < len(words) and words[first] == "ل" and words[first + 1] in c.QUOTES:
        closing = next((k for k in range(first + 2, min(first + 8, len(words))) if words[k] in c.QUOTES), first)
        return closing + 1
    return first


def _end(scene: Scene, first: int, lemma: str) -> int:
    words = scene.words
    at = first
    while at < min(len(words), first + LONGEST):
        word = words[at]
        if word in c.QUOTES:
            closing = next((k for k in range(at + 1, min(at + 7, len(words))) if words[k] in c.QUOTES), -1)
            if closing < 0 or (closing - at > 5 and any(words[k] in c.COMPLEMENTISERS for k in range(at, closing))):
                break
            at = closing + 1
            continue
        if word in "،," and at > first and _name_follows(scene, first, at):
            at += 1
            continue
        if word == "." and at == first + 1 and len(words[first]) <= 2:
            at += 1
            continue
        if at in scene.verbs or _stops(scene, first, at, lemma):
            break
        at += 1
    return at


def _stops(scene: Scene, first: int, at: int, lemma: str) -> bool:
    words = scene.words
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else ""
    if at > first and word == "في":
        return following in c.SPEECH_PLACES or not following or following in c.STOPS or following in c.SOURCE_STOPS
    if at > first and word == "من":
        return lemma in c.WITH_MIN or words[first].startswith("ال")
    if word[0] == "ب" and lemma in c.WITH_BA and len(word) > 3:
        return True
    if at > first and word.startswith("ل") and word[1:] in c.MEDIA:
        return True
    if at == first and word in c.STUDIES:
        return False
    if word in _ALI or (at > first and (words[at - 1] in c.AGENCIES or words[at - 1] in c.DETERMINERS)):
        return word in _ALI and _raw(scene, at) != "علي"
    return word in c.SOURCE_STOPS or scene.bare[at] in c.SOURCE_STOPS or word in c.STOPS or _is_object(scene, first, at)


def _is_object(scene: Scene, first: int, at: int) -> bool:
    """Whether the object begins: an accusative («ارتفاعاً»), or behind the subject a noun with its pronoun («رفضه»)."""
    if at == first:
        return False
    raw = _raw(scene, at)
    if raw.endswith(_PRONOUN_ENDINGS) and scene.words[at - 1].startswith("ال"):
        return True
    return raw.endswith(("ً", "ًا", "اً"))


def _raw(scene: Scene, at: int) -> str:
    start, end = scene.tokens.span(at, at)
    return scene.tokens.raw[start:end]


def _name_follows(scene: Scene, first: int, comma: int) -> bool:
    """Behind a title the name may follow a comma («وزير التربية، فلان الفلاني، …»)."""
    words = scene.words
    if words[first] not in c.TITLES and not (words[first].startswith("ال") and words[first][2:] in c.TITLES):
        return False
    after = words[comma + 1 : comma + 6]
    if not after or comma + 1 in scene.verbs:
        return False
    if any(after[0] in kind for kind in (c.SOURCE_STOPS, c.STOPS, c.TITLES)):
        return False
    closing = next((k for k, w in enumerate(after) if w in c.STOPS or w in c.SOURCE_STOPS), -1)
    return 0 < closing <= 4


def _subject_before(scene: Scene, cue: Cue) -> Span | None:
    """The subject that precedes a verb which does not open its clause, if there is one."""
    words, verb = scene.words, cue.first
    if verb > 2 and words[0] in _AS_FOR and words[verb - 1] in "،,":
        return _phrase_between(scene, 1, verb - 1)
    if verb == 0 or cue.skip:
        return None
    at = verb
    while at > 1 and words[at - 1] in _BEEN:
        at -= 1
    end = at
    while at > 0 and end - at < LONGEST and not _opens_clause(scene, at - 1):
        at -= 1
    while at < end and (words[at] in c.CLAUSE_OPENERS or scene.bare[at] in c.CLAUSE_OPENERS):
        at += 1
    if at >= end or words[at].removeprefix("و") in c.NOT_A_HEAD:
        return None
    opened = at == 0 or scene.bare[at - 1] in c.COMPLEMENTISERS or scene.bare[at - 1] in c.CLAUSE_OPENERS
    return _phrase_between(scene, at, end) if opened or words[at - 1] in c.STOPS else None


def _phrase_between(scene: Scene, first: int, end: int) -> Span | None:
    reached = max(_end(scene, first, ""), first + 1)
    return _span(scene, first, min(end, reached))


def _opens_clause(scene: Scene, at: int) -> bool:
    word = scene.words[at]
    return (
        (word in c.STOPS and word not in c.QUOTES)
        or word in c.COMPLEMENTISERS
        or word in c.RELATIVES
        or scene.bare[at] in c.CLAUSE_OPENERS
        or word in c.CLAUSE_OPENERS
        or at in scene.verbs
    )


def _span(scene: Scene, first: int, end: int, skip: int = 0) -> Span | None:
    words = scene.words
    if end - first > 2 and words[first] in c.QUOTES and words[end - 1] in c.QUOTES:
        first, end = first + 1, end - 1
    if end <= first:
        return None
    low, high = scene.tokens.span(first, end - 1, skip)
    return Span(low, high, scene.tokens.raw[low:high])
