"""From cues to hits: which rule each cue stands for here, the traps, and what only the context shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from isnad.labels import Stance
from isnad.rules import classes as c
from isnad.rules.match import read
from isnad.rules.morphology import Form
from isnad.rules.rulebook import KINDS
from isnad.rules.scene import Cue, Scene

SAYING = frozenset({"say", "opine", "call", "find"})


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fired, and its cue (None where only form or context decides)."""

    rule: str
    cue: Cue | None = None

    @property
    def kind(self) -> str:
        """The rule's kind."""
        return self.rule.partition(":")[0]


def hits(scene: Scene, before: Sequence[str], title: str | None) -> list[Hit]:
    """All rules that fire on `scene`."""
    found = [Hit(f"{kind}:{cue.clause}", cue) for cue in scene.cues if (kind := _kind(scene, cue))]
    found.extend(_shape(scene, alone=title is None and not before))
    if not any(h.kind.removesuffix("_part") in SAYING or h.kind == "according" for h in found):
        found.extend(_context(scene, before))
    found.extend(_answer(scene, title, before, found))
    return found


def _kind(scene: Scene, cue: Cue) -> str:
    """The rule's kind for `cue`, or nothing where it is a trap."""
    if cue.kind in SAYING:
        return _saying(scene, cue)
    if cue.kind in _TRAPS:
        return _TRAPS[cue.kind](scene, cue)
    return cue.kind


def _saying(scene: Scene, cue: Cue) -> str:
    after = scene.words[cue.last + 1 : cue.last + 20]
    if cue.negated:
        return "unsaid"
    if cue.form is Form.FIRST:
        return "first"
    if cue.lemma == "كشف" and _unveils(after):
        return "unveil"
    if cue.kind in ("say", "find") and any(w in c.OWN_STAFF for w in after[:2]):
        return "own_staff"
    if cue.lemma == "رفض" and any(w in c.CLAIMS for w in after[:5]):
        return "deny_claim"
    return cue.kind + "_part" if cue.form is Form.PARTICIPLE else cue.kind


def _unveils(after: list[str]) -> bool:
    """«كشف عن» with a product right behind the preposition."""
    at = after.index("عن") if "عن" in after else -1
    return at >= 0 and any(w in c.PRODUCTS for w in after[at + 1 : at + 3])


def _denial(scene: Scene, cue: Cue) -> str:
    if cue.negated:
        return "open_door" if scene.bare[cue.first - 1] == "لم" and cue.lemma == "نفي" else ""
    return "deny_part" if cue.form is Form.PARTICIPLE else "deny"


def _expectation(scene: Scene, cue: Cue) -> str:
    if cue.negated:
        return ""
    if cue.form is Form.FIRST:
        return "expect_first"
    return "expect_part" if cue.form is Form.PARTICIPLE else "expect"


def _exclusion(scene: Scene, cue: Cue) -> str:
    after = scene.words[cue.last + 1 : cue.last + 8]
    if cue.negated:
        return "open_door"
    if any(w in c.CUT_OFF for w in after[:4]) and not any(w in c.COMPLEMENTISERS for w in after):
        return ""
    return "exclude_fact" if any(w in c.STATES for w in after) else "exclude"


def _forecast(scene: Scene, cue: Cue) -> str:
    words = scene.words
    if cue.first and words[cue.first - 1] in c.COMPARISONS:
        return ""
    waited = "المنتظر" in words[cue.first : cue.last + 1]
    return "waited" if waited and any(w.isdigit() for w in words[cue.last :]) else "forecast"


def _untrue(scene: Scene, cue: Cue) -> str:
    """«غير صحيح» of a claim, of «هذا» or of a definite subject rejects it; of a method or a dose it does not."""
    back = scene.words[max(0, cue.first - 14) : cue.first]
    if any(w in c.CLAIM_NOUNS for w in back) or any(w in c.POINTERS for w in back[-2:]):
        return "untrue"
    return "untrue_said" if back and back[-1].startswith(("ال", "بال", "لل")) else "untrue_thing"


def _condition(scene: Scene, cue: Cue) -> str:
    after = scene.words[cue.last + 1 :]
    return "if_then" if any(w in c.FUTURES or w.startswith(c.FUTURE_PREFIXES) for w in after) else "if"


def _question(scene: Scene, cue: Cue) -> str:
    return "question" if any(w in c.QUESTION_MARKS for w in scene.words[cue.last :]) else "question_bare"


def _chance(scene: Scene, cue: Cue) -> str:
    return "chance_said" if any(k in scene.verbs for k in range(max(0, cue.first - 4), cue.first)) else "chance"


def _unknown(scene: Scene, cue: Cue) -> str:
    return "" if cue.first and scene.bare[cue.first - 1] in c.PURPOSES else "unknown"


def _according(scene: Scene, cue: Cue) -> str:
    words = scene.words
    noun = words[cue.last + 1] if cue.last + 1 < len(words) else ""
    if noun.startswith("لل"):
        noun = "ال" + noun[2:]
    elif words[cue.last] in ("وفقا", "طبقا") and noun.startswith("ل"):
        noun = noun[1:]
    if noun in c.NOT_SOURCES and noun != "ما":
        return ""
    return "own_staff" if any(w in c.OWN_STAFF for w in words[cue.last + 1 : cue.last + 5]) else "according"


_TRAPS: dict[str, Callable[[Scene, Cue], str]] = {
    "deny": _denial,
    "expect": _expectation,
    "exclude": _exclusion,
    "forecast": _forecast,
    "untrue": _untrue,
    "if": _condition,
    "question": _question,
    "chance": _chance,
    "unknown": _unknown,
    "according": _according,
    "rumour": lambda scene, cue: "" if cue.negated else "rumour",
    "transparent": lambda scene, cue: "",
    "scheduled": lambda scene, cue: "",
}


def _shape(scene: Scene, *, alone: bool) -> list[Hit]:
    """What the outer form shows: a headline's colon, a question mark, an opening quotation mark."""
    words = scene.words
    found: list[Hit] = []
    if not words:
        return found
    if any(w in c.QUESTION_MARKS for w in words[-2:]):
        found.append(Hit("asked:main" if scene.bare[0] in c.INTERROGATIVES else "asked:far"))
    colon = words.index(":") if ":" in words[:9] else -1
    if colon > 0 and colon + 2 < len(words) and _speaker_before(scene, colon):
        short = len(words) < 22 and words[-1] != "."
        found.append(Hit("headline:main" if short and alone else "headline:said" if alone else "headline:far"))
    if words[0] in c.QUOTES and not any(w in c.QUOTES for w in words[1:7]):
        found.append(Hit("opens_quotation:main"))
    elif words[0] in c.DASHES:
        found.append(Hit("answer_dash:main"))
    return found


def _speaker_before(scene: Scene, colon: int) -> bool:
    """Whether a speaker stands before the colon, rather than a place, a topic or a clause."""
    words = scene.words
    if any(k in scene.verbs for k in range(colon)) or words[0] in c.NOT_SPEAKERS:
        return False
    return words[colon + 1] not in c.EVENT_NOUNS and not any(w in c.DATELINES for w in words[:colon])


def _context(scene: Scene, before: Sequence[str]) -> list[Hit]:
    """Sentences that go on with a quotation or a report, told by what stands before them."""
    words = scene.words
    found: list[Hit] = []
    if not words:
        return found
    reported = bool(before) and any(k in SAYING and clause in ("main", "said") for k, clause in _cues(before[-1]))
    if _open_quotation(before) and not any(cue.kind == "transparent" for cue in scene.cues):
        found.append(Hit("in_quotation:said" if reported else "in_quotation:main"))
    elif before and words.count('"') % 2 and words[-1] != '"':
        found.append(Hit("in_quotation:far"))
    place = "main" if reported else "far"
    if words[0] in c.CONTINUERS:
        found.append(Hit("goes_on:" + place))
    if any(w in c.FIRST_PERSON for w in words):
        found.append(Hit("we:" + place))
    elif any(w.endswith("نا") and len(w) > 4 for w in words):
        found.append(Hit("ours:" + place))
    return found


@lru_cache(maxsize=1024)
def _cues(text: str) -> tuple[tuple[str, str], ...]:
    """Kind and clause of the cues in a sentence of the context; neighbours ask for the same ones."""
    return tuple((cue.kind, cue.clause) for cue in read(text).cues)


def _open_quotation(before: Sequence[str]) -> bool:
    """Whether the sentences before leave a quotation open."""
    joined = "\n".join(before[-3:])
    if joined.count("“") + joined.count("«") > joined.count("”") + joined.count("»"):
        return True
    return joined.count('"') % 2 == 1


def _answer(scene: Scene, title: str | None, before: Sequence[str], found: Sequence[Hit]) -> list[Hit]:
    """A negation in an article whose title or last sentences deny something."""
    if any(KINDS[h.kind].stance is Stance.DENY for h in found) or not any(w in c.VERBAL_NEGATIONS for w in scene.bare):
        return []
    context = [text for text in (title, *before[-2:]) if text]
    if not any(kind in ("deny", "no_truth") for text in context for kind, _ in _cues(text)):
        return []
    reported = any(h.kind in SAYING or h.kind == "in_quotation" for h in found)
    return [Hit("answer:said" if reported else "answer:main")]
