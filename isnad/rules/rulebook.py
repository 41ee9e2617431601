"""Every rule by name: the stance it speaks for, why, and how often it was right on training data.

A rule is named `kind:clause`: the kind of cue (`verbs.KINDS`, `phrases.PHRASES`, or a check of
`evidence`) and where it stands (`clauses`). Clauses: `main`; `said` (behind a verb of saying, so in its
complement or coordinate with it); of hedges also `head` (opening the sentence), `that` (soon behind «أن») and
`noun` (right behind an indefinite noun that it qualifies); `sub` (after «بعدما» and its like); `rel` and `far`
(right behind a relative pronoun, and further on in its clause). What has no cue says with its clause how
strong its evidence is. A rule that is right less than half the time is kept, and does not decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isnad.labels import Stance

CLAUSES = ("main", "said", "head", "that", "noun", "sub", "rel", "far")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cue: what it speaks for, whether its content has a source of its own, and why."""

    stance: Stance
    sourced: bool
    why: str


KINDS: dict[str, Kind] = {
    # denial
    "deny": Kind(Stance.DENY, True, "a verb of denial: somebody rejects a claim"),
    "deny_part": Kind(Stance.DENY, True, "«نافياً» hung on a verb of saying carries a denial of its own"),
    "deny_claim": Kind(Stance.DENY, True, "an accusation or report is refused («رفض الاتهامات»)"),
    "denial_noun": Kind(
        Stance.DENY, True, "a noun of denial with its author («نفيه») or as inner object («نفياً قاطعاً»)"
    ),
    "denial_topic": Kind(Stance.DENY, True, "a noun of denial that may be a mere topic («دحض الحجج»)"),
    "no_truth": Kind(Stance.DENY, False, "the claim is said to have no truth, basis or tie to its subject"),
    "untrue": Kind(Stance.DENY, False, "the claim is called untrue; the adjective may also qualify a noun"),
    "untrue_said": Kind(Stance.DENY, False, "«غير صحيح» as predicate of a definite noun"),
    "untrue_thing": Kind(Stance.DENY, False, "«غير صحيح» of something that is no claim"),
    "exclude_fact": Kind(Stance.DENY, True, "«استبعد» + existence or a state: it is not so"),
    "answer": Kind(Stance.DENY, True, "a negated statement in an article whose title or lead holds a claim or denial"),
    # speculation
    "modal": Kind(Stance.SPECULATE, False, "قد + imperfect: possible (قد + perfect has happened)"),
    "maybe": Kind(Stance.SPECULATE, False, "an adverb of doubt"),
    "forecast": Kind(Stance.SPECULATE, False, "«من المتوقع» and its like: a forecast"),
    "waited": Kind(Stance.SPECULATE, False, "«من المنتظر» with a date: a schedule, and no forecast"),
    "expect": Kind(Stance.SPECULATE, True, "a verb of expecting or fearing"),
    "expect_part": Kind(Stance.SPECULATE, True, "«متوقعاً» hung on a verb of saying carries a forecast of its own"),
    "exclude": Kind(Stance.SPECULATE, True, "«استبعد» of what may come"),
    "open_door": Kind(Stance.SPECULATE, True, "two negations leave it open («لا يُستبعد»، «لم ينفِ»)"),
    "seems": Kind(Stance.SPECULATE, False, "it seems so"),
    "believed": Kind(Stance.SPECULATE, False, "believed or feared by nobody in particular"),
    "can": Kind(Stance.SPECULATE, False, "possibility, if it is not ability"),
    "chance": Kind(Stance.SPECULATE, False, "a noun of likelihood"),
    "chance_said": Kind(Stance.SPECULATE, True, "a likelihood as what is said («أشار إلى احتمال»)"),
    "rumour": Kind(Stance.SPECULATE, False, "news without a named source"),
    "unknown": Kind(Stance.SPECULATE, False, "said not to be known yet"),
    "question": Kind(Stance.SPECULATE, False, "a question"),
    "question_bare": Kind(Stance.SPECULATE, False, "an interrogative without a question mark"),
    "asked": Kind(Stance.SPECULATE, False, "a question mark closes the sentence"),
    "if_then": Kind(Stance.SPECULATE, False, "a condition with a future behind it"),
    "expect_first": Kind(Stance.SPECULATE, True, "«أتوقع»: a forecast in the first person"),
    "if": Kind(Stance.SPECULATE, False, "what follows depends on a condition"),
    # attribution
    "say": Kind(Stance.ATTRIBUTE, True, "a verb of saying hands the content to its subject"),
    "say_part": Kind(Stance.ATTRIBUTE, True, "a participle of saying («مشيراً إلى»)"),
    "opine": Kind(Stance.ATTRIBUTE, True, "a verb of thinking with a holder"),
    "opine_part": Kind(Stance.ATTRIBUTE, True, "a participle of thinking"),
    "call": Kind(Stance.ATTRIBUTE, True, "a call, charge, warning, promise or praise: the speaker's view or wish"),
    "call_part": Kind(Stance.ATTRIBUTE, True, "the same as a participle"),
    "find": Kind(Stance.ATTRIBUTE, True, "a study, poll or document finds it"),
    "find_part": Kind(Stance.ATTRIBUTE, True, "the same as a participle"),
    "first": Kind(Stance.ATTRIBUTE, True, "a verb of saying in the first person: a quotation, or a columnist"),
    "according": Kind(Stance.ATTRIBUTE, True, "«بحسب»، «وفقاً لـ» that govern the sentence"),
    "headline": Kind(Stance.ATTRIBUTE, True, "the headline form «فلان: كذا»"),
    "in_quotation": Kind(Stance.ATTRIBUTE, True, "a quotation opened before is still open"),
    "opens_quotation": Kind(Stance.ATTRIBUTE, True, "the sentence opens or is a quotation"),
    "goes_on": Kind(Stance.ATTRIBUTE, True, "«وأن …» after a reporting sentence goes on with it"),
    "answer_dash": Kind(Stance.ATTRIBUTE, True, "an interview's answer"),
    "we": Kind(Stance.ATTRIBUTE, True, "a first person speaks in reported surroundings"),
    "ours": Kind(Stance.ATTRIBUTE, True, "the same told by an ending («عملائنا»)"),
    # assertion
    "unsaid": Kind(Stance.ATTRIBUTE, True, "a verb of saying negated: mostly nothing was said"),
    "unveil": Kind(Stance.ASSERT, False, "«كشف عن منتج» unveils a thing"),
    "own_staff": Kind(Stance.ASSERT, False, "the outlet's own correspondent is the outlet"),
    "none": Kind(Stance.ASSERT, False, "no cue: the outlet's own voice"),
}

DEFAULT_PRECISION = 0.6
"""For a kind that no training sentence met."""

DOUBTED = {"rel": 0.35, "sub": 0.35, "far": 0.5}
"""A clause that only qualifies does not compete, say the guidelines: there the data have to prove a rule."""


def precision_of(rule: str, fitted: Mapping[str, float]) -> float:
    """The fitted precision of `rule`, or of its kind where training did not meet it in this clause."""
    if rule in fitted:
        return fitted[rule]
    kind, _, clause = rule.partition(":")
    return min(fitted.get(kind, DEFAULT_PRECISION), DOUBTED.get(clause, 1.0))
