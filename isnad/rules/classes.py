"""The word classes of `wordlists`, folded to sets once; the matcher and the rules ask them."""

from __future__ import annotations

from isnad.rules import wordlists as w
from isnad.rules.lexicon import words

_ARTICLE = ("", "ال")
_CLITICS = ("", "ال", "لل", "ل", "ب", "بال")


def _with(clitics: tuple[str, ...], nouns: str) -> frozenset[str]:
    return frozenset(clitic + noun for noun in words(nouns) for clitic in clitics)


CLAIM_NOUNS = _with(_CLITICS, w.CLAIMS) | frozenset(noun + "ا" for noun in words(w.CLAIMS))
CLAIMS = CLAIM_NOUNS | words(w.CLAIM_SPREAD)
OPINIONS = _with(_ARTICLE, w.CLAIMS) | _with(_ARTICLE, w.OPINIONS)
STUDIES = _with(_ARTICLE, w.STUDIES)
SOURCE_STOPS = words(w.SOURCE_STOPS)
NOUN_CONTEXT = words(w.NOUN_CONTEXT)
NOT_A_HEAD = SOURCE_STOPS | NOUN_CONTEXT
FUTURE_PREFIXES = tuple(w.FUTURE_PREFIXES.split())
RELATIVES = words(w.RELATIVES)
SUBORDINATORS = words(w.SUBORDINATORS)
AFTER_WHICH_AN = words(w.AFTER_WHICH_AN)
COMPLEMENTISERS = words(w.COMPLEMENTISERS)
NEGATIONS = words(w.NEGATIONS)
VERBAL_NEGATIONS = words(w.VERBAL_NEGATIONS)
NEGATING_VERBS = words(w.NEGATING_VERBS)
ATTITUDES = words(w.ATTITUDES)
RESPONSIBILITY = words(w.RESPONSIBILITY)
CAUSES = words(w.CAUSES)
SAYING_WORDS = words(w.SAYING_WORDS)
OWN_STAFF = words(w.OWN_STAFF)
NOT_SOURCES = words(w.NOT_SOURCES)
PRODUCTS = words(w.PRODUCTS)
CUT_OFF = words(w.CUT_OFF)
STATES = words(w.STATES)
POINTERS = words(w.POINTERS)
FIRST_PERSON = words(w.FIRST_PERSON)
CONTINUERS = words(w.CONTINUERS)
T_PERFECTS = words(w.T_PERFECTS)
INTERROGATIVES = words(w.INTERROGATIVES)
COMPARISONS = words(w.COMPARISONS)
FUTURES = words(w.FUTURES)
N_IMPERFECTS = words(w.N_IMPERFECTS)
A_IMPERFECTS = words(w.A_IMPERFECTS)
SPEECH_PLACES = words(w.SPEECH_PLACES)
MEDIA = words(w.MEDIA)
TITLES = words(w.TITLES)
CLAUSE_OPENERS = words(w.CLAUSE_OPENERS)
HEAD_PARTICLES = words(w.HEAD_PARTICLES)
ADVERBIAL = words(w.ADVERBIAL)
LINKS = words(w.LINKS)
NOT_BEFORE_MA = words(w.NOT_BEFORE_MA)
PURPOSES = words(w.PURPOSES)
DATELINES = words(w.DATELINES)
EVENT_NOUNS = words(w.EVENT_NOUNS)
NOT_SPEAKERS = words(w.NOT_SPEAKERS)
DASHES = words(w.DASHES)
DETERMINERS = words(w.DETERMINERS)
AGENCIES = words(w.AGENCIES)
WITH_BA = words(w.WITH_BA)
WITH_MIN = words(w.WITH_MIN)

STOPS = frozenset('،,؛;.!؟?":()-–—…[]')
QUOTES = frozenset("\"'")
QUESTION_MARKS = frozenset("؟?")
FUNCTION_WORDS = RELATIVES | SUBORDINATORS | COMPLEMENTISERS | NEGATIONS | AFTER_WHICH_AN | words("قد كان كانت هو هي")
