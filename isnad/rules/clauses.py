"""In which clause a cue stands: the content that the sentence is about, or a clause that only qualifies."""

from __future__ import annotations

from isnad.rules import classes as c
from isnad.rules.morphology import Form
from isnad.rules.scene import Cue, Scene

_FAR = 99
_HEDGES = frozenset(
    {"modal", "maybe", "seems", "can", "forecast", "believed", "chance", "unknown", "rumour", "if", "question"}
)
_ADJECTIVAL = frozenset({"modal", "maybe", "seems", "can", "forecast", "believed"})
_SPEAKING = frozenset({"say", "opine", "call", "find"})


def place(scene: Scene) -> None:
    """Give every cue of `scene` its clause and say whether it is negated."""
    places = _clauses(scene.words, scene.bare)
    reported = False
    for cue in sorted(scene.cues, key=lambda x: x.first):
        cue.clause = places[cue.first]
        if cue.clause == "main" and reported:
            cue.clause = "said"
        if cue.kind in _SPEAKING and cue.clause != "rel" and cue.form is not Form.MASDAR:
            reported = True
        if cue.clause in ("main", "said") and cue.kind in _HEDGES:
            cue.clause = _hedged_clause(scene, cue)
        cue.negated = _negated(scene.bare, cue.first)


def _clauses(words: list[str], bare: list[str]) -> list[str]:
    """For each word: `rel` right behind a relative pronoun, `far` further on in its clause, `sub`, or `main`."""
    places: list[str] = []
    since_relative, since_sub = _FAR, _FAR
    for i, word in enumerate(bare):
        if words[i] in c.STOPS and words[i] not in c.QUOTES:
            since_relative, since_sub = _FAR, _FAR
        elif words[i] in c.RELATIVES or (words[i] == "ما" and _relative_ma(words, i)):
            since_relative = 0
        elif (word in c.SUBORDINATORS and not (i and bare[i - 1] == "في")) or (
            word in c.COMPLEMENTISERS and i and bare[i - 1] in c.AFTER_WHICH_AN
        ):
            since_sub = 0
        elif word in c.COMPLEMENTISERS:
            since_relative = _FAR
        if since_relative <= 2:
            places.append("rel")
        elif since_sub <= 6:
            places.append("sub")
        else:
            places.append("far" if since_relative <= 12 else "main")
        since_relative += 1
        since_sub += 1
    return places


def _relative_ma(words: list[str], i: int) -> bool:
    """Whether «ما» opens a relative clause that only qualifies («ما نفاه»), unlike «وهو ما نفاه»، «ما إذا»."""
    return i > 0 and words[i - 1] not in c.NOT_BEFORE_MA and words[i + 1 : i + 2] != ["اذا"]


def _hedged_clause(scene: Scene, cue: Cue) -> str:
    """Where in its clause a hedge stands: at the `head` of the sentence, soon after «أن» (`that`), behind a `noun`."""
    words, first = scene.words, cue.first
    if first == 0 or (first < 3 and not any(w[0].isalnum() for w in words[:first])):
        return "head"
    since_that = next((k for k in range(1, min(9, first + 1)) if scene.bare[first - k] in c.COMPLEMENTISERS), _FAR)
    if since_that < _FAR and any(w in c.STOPS and w not in c.QUOTES for w in words[first - since_that : first]):
        since_that = _FAR
    if since_that > 2 and _behind_noun(scene, cue):
        return "noun"
    return "that" if since_that < _FAR else cue.clause


def _behind_noun(scene: Scene, cue: Cue) -> bool:
    """Right behind an indefinite noun a hedge only qualifies it («مدة قد تطول»)."""
    if cue.skip or cue.kind not in _ADJECTIVAL or scene.bare[cue.first] in c.ADVERBIAL:
        return False
    word = scene.bare[cue.first - 1]
    if word.startswith(("ال", "لل", "بال")) or len(word) < 3 or cue.first - 1 in scene.verbs:
        return False
    return word not in c.STOPS and word not in c.FUNCTION_WORDS and word not in c.LINKS


def _negated(bare: list[str], first: int) -> bool:
    if first == 0:
        return False
    if bare[first - 1] in c.NEGATIONS:
        return True
    return first > 1 and bare[first - 1] in c.NEGATING_VERBS and bare[first - 2] in c.NEGATIONS
