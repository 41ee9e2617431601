"""`RulesClassifier`: the cue rules behind the `Classifier` protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isnad.confidence import marked
from isnad.labels import Stance
from isnad.predictions import NOTHING_LEFT, Prediction, Span
from isnad.rules.evidence import SAYING, Hit, hits
from isnad.rules.match import read
from isnad.rules.morphology import Form
from isnad.rules.precision import PRECISION
from isnad.rules.rulebook import KINDS, precision_of
from isnad.rules.scene import Scene
from isnad.rules.source import source_span

ORDER = (Stance.DENY, Stance.SPECULATE, Stance.ATTRIBUTE, Stance.ASSERT)
"""The decision order of the guidelines: the first that is true of any clause wins."""

_REST = {
    Stance.ASSERT: {Stance.DENY: 0.1, Stance.SPECULATE: 0.25, Stance.ATTRIBUTE: 0.65},
    Stance.DENY: {Stance.ASSERT: 0.45, Stance.SPECULATE: 0.1, Stance.ATTRIBUTE: 0.45},
    Stance.ATTRIBUTE: {Stance.ASSERT: 0.65, Stance.DENY: 0.15, Stance.SPECULATE: 0.2},
    Stance.SPECULATE: {Stance.ASSERT: 0.5, Stance.DENY: 0.05, Stance.ATTRIBUTE: 0.45},
}
"""How the doubt left by a rule is spread over the other stances."""

_SPEAKERS = SAYING | {"say_part", "according", "expect"}
_QUOTED = frozenset({"in_quotation:said", "opens_quotation:main", "headline:main", "goes_on:main"})
"""Rules that put a source behind the sentence although no cue names one."""

Before = Sequence[str | Sequence[str] | None]


class RulesClassifier:
    """Stance by cues: no training needed, every answer shows the words that decided.

    `precision` maps rule names («deny:main») or kinds («deny») to how often they are right; what is not named
    keeps the shipped value. `thresholds` are those of a manifest (see `isnad.confidence`).

    >>> [p.label.value for p in RulesClassifier().predict(["نفت الوزارة الخبر.", "قد تمطر غداً."])]
    ['deny', 'speculate']
    """

    name = "rules"

    def __init__(
        self, precision: Mapping[str, float] | None = None, thresholds: Mapping[str, float] | None = None
    ) -> None:
        self.precision: dict[str, float] = {**PRECISION, **(precision or {})}
        self.thresholds = dict(thresholds or {})

    def predict(
        self,
        sentences: Sequence[str],
        *,
        before: Before | None = None,
        title: Sequence[str | None] | None = None,
    ) -> list[Prediction]:
        """Label each of `sentences` (see `isnad.predictions.Classifier`)."""
        for name, given in (("before", before), ("title", title)):
            if given is not None and len(given) != len(sentences):
                raise ValueError(f"expected {len(sentences)} entries in {name}, one a sentence, found {len(given)}")
        return [
            self._one(sentence, _context(before[i]) if before else (), title[i] if title else None)
            for i, sentence in enumerate(sentences)
        ]

    def _one(self, sentence: str, before: Sequence[str], title: str | None) -> Prediction:
        scene = read(sentence)
        if not any(word[0].isalnum() for word in scene.words):
            return Prediction.nothing(NOTHING_LEFT)
        found = hits(scene, before, title)
        hit = self.decide(found)
        stance = KINDS[hit.kind].stance
        sure = min(max(precision_of(hit.rule, self.precision), 0.4), 0.99)
        scores = {s.value: sure if s is stance else (1 - sure) * _REST[stance][s] for s in Stance}
        attributed, anchor = _attribution(hit, stance, found)
        source = source_span(scene, anchor) if attributed and anchor else None
        answer = Prediction(
            label=stance,
            score=sure,
            scores=scores,
            attributed=attributed,
            cue=_cue_span(scene, hit, stance),
            source=source,
        )
        return marked(answer, self.thresholds)

    def decide(self, found: Sequence[Hit]) -> Hit:
        """The hit that decides: by the order of stances, only rules that are right more often than not."""
        none = Hit("none:main")
        for stance in ORDER:
            able = [h for h in found if KINDS[h.kind].stance is stance and self._able(h)]
            if able and stance is Stance.ASSERT:
                return able[0]
            if able:
                return max(able, key=lambda h: (precision_of(h.rule, self.precision) >= 0.7, _early(h)))
        return none

    def _able(self, hit: Hit) -> bool:
        return precision_of(hit.rule, self.precision) >= 0.5


def _early(hit: Hit) -> int:
    return -hit.cue.first if hit.cue else -1000


def _context(before: str | Sequence[str] | None) -> Sequence[str]:
    if before is None:
        return ()
    return (before,) if isinstance(before, str) else before


def _attribution(hit: Hit, stance: Stance, found: Sequence[Hit]) -> tuple[bool, Hit | None]:
    """Whether a source stands behind the decisive content, and the hit beside which it is named."""
    if stance is Stance.ASSERT:
        return False, None
    sourced = KINDS[hit.kind].sourced
    if sourced and not (hit.cue and hit.cue.form is Form.FIXED and hit.kind != "according"):
        return True, _leading(hit, found)
    speakers = [h for h in found if h.kind == "headline" or (h.kind in _SPEAKERS and _governs(h))]
    if speakers:
        earlier = [h for h in speakers if hit.cue and h.cue and h.cue.first < hit.cue.first]
        return True, (earlier or speakers)[-1]
    if sourced:
        return True, hit
    return any(h.rule in _QUOTED for h in found), None


def _governs(hit: Hit) -> bool:
    return hit.cue is not None and hit.cue.clause in ("main", "said")


def _leading(hit: Hit, found: Sequence[Hit]) -> Hit:
    """For a participle the verb of saying that it hangs on, else the hit itself."""
    if hit.cue is None or not hit.kind.endswith("_part"):
        return hit
    verbs = [h for h in found if h.kind in SAYING and h.cue and h.cue.first < hit.cue.first and h.cue.clause != "rel"]
    return verbs[0] if verbs else hit


def _cue_span(scene: Scene, hit: Hit, stance: Stance) -> Span | None:
    if stance is Stance.ASSERT or hit.cue is None:
        return None
    start, end = scene.tokens.span(hit.cue.first, hit.cue.last, hit.cue.skip)
    return Span(start, end, scene.tokens.raw[start:end])
