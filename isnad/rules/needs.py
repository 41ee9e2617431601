"""What has to follow (or precede) a verb form before it counts as a cue: the checks of `verbs`."""

from __future__ import annotations

from collections.abc import Callable

from isnad.rules import classes as c
from isnad.rules.lexicon import words
from isnad.rules.scene import Scene

_COLON = frozenset(":")
_COLON_OR_QUOTE = frozenset(':"')
_ILA, _ALA, _AN = words("إلى إليه إليها"), words("على عليه عليها"), words("عن عنه عنها")
_MIN, _FI = words("من منه منها ممن"), words("في")


def at_head(scene: Scene, i: int) -> bool:
    """Whether token `i` opens its clause, where a verb precedes its subject."""
    if i == 0:
        return True
    before = scene.words[i - 1]
    return before in c.STOPS or before in c.HEAD_PARTICLES


def _content(scene: Scene, i: int) -> bool:
    return scene.ahead(i, c.COMPLEMENTISERS) or scene.ahead(i, _COLON_OR_QUOTE)


def _quote(scene: Scene, i: int) -> bool:
    """A colon, a participle of saying, or a quotation longer than a name."""
    if scene.ahead(i, _COLON, 6) or scene.ahead(i, c.SAYING_WORDS):
        return True
    tokens = scene.words
    opening = next((k for k in range(i + 1, min(i + 9, len(tokens))) if tokens[k] in c.QUOTES), -1)
    return opening >= 0 and not any(w in c.QUOTES for w in tokens[opening + 1 : opening + 6])


def _with_ba(scene: Scene, i: int) -> bool:
    tokens = scene.words
    return any(tokens[k][0] == "ب" and len(tokens[k]) > 3 for k in range(i + 1, min(i + 9, len(tokens))))


def _study(scene: Scene, i: int) -> bool:
    return scene.ahead(i, c.STUDIES, 3) or any(w in c.STUDIES for w in scene.words[max(0, i - 6) : i])


def _no_exile(scene: Scene, i: int) -> bool:
    """«نفى إلى»، «نُفي الشاعر إلى جزيرة» is exile, unless the denied content comes first."""
    for word in scene.words[i + 1 : i + 4]:
        if word in _ILA:
            return False
        if word in c.COMPLEMENTISERS or word in c.CLAIMS or word in c.STATES:
            return True
    return True


CHECKS: dict[str, Callable[[Scene, int], bool]] = {
    ".": lambda scene, i: True,
    "an": lambda scene, i: scene.ahead(i, c.COMPLEMENTISERS),
    "an_close": lambda scene, i: scene.ahead(i, c.COMPLEMENTISERS, 5),
    "content": _content,
    "quote": _quote,
    "ila": lambda scene, i: scene.ahead(i, _ILA),
    "ala": lambda scene, i: scene.ahead(i, _ALA),
    "an_": lambda scene, i: scene.ahead(i, _AN),
    "mn": lambda scene, i: scene.ahead(i, _MIN),
    "fi": lambda scene, i: scene.ahead(i, _FI, 4),
    "b": _with_ba,
    "vso": at_head,
    "head_an": lambda scene, i: at_head(scene, i) and _content(scene, i),
    "head_b": lambda scene, i: at_head(scene, i) and _with_ba(scene, i),
    "head_an_": lambda scene, i: at_head(scene, i) and scene.ahead(i, _AN, 25),
    "stance": lambda scene, i: scene.ahead(i, c.ATTITUDES, 6),
    "sabab": lambda scene, i: scene.ahead(i, c.CAUSES, 6),
    "refusal": lambda scene, i: scene.ahead(i, c.OPINIONS, 6),
    "blame": lambda scene, i: scene.ahead(i, c.RESPONSIBILITY, 10),
    "study": _study,
    "denial": _no_exile,
    "claim": lambda scene, i: scene.ahead(i, c.CLAIMS, 8),
    "skip": lambda scene, i: False,
}

NEEDS: dict[str, str] = {
    ".": "nothing",
    "an": "a clause with أن or إن nearby",
    "an_close": "a clause with أن or إن within four words",
    "content": "أن, a colon or a quotation nearby",
    "quote": "a colon, a quotation or a participle of saying nearby («وتابع: …», «وختم حديثه قائلاً»)",
    "ila": "the preposition إلى nearby («لفت إلى»)",
    "ala": "the preposition على nearby («شدّد على»)",
    "an_": "the preposition عن nearby («عبّر عن»)",
    "mn": "the preposition من nearby («حذّر من»)",
    "fi": "the preposition في nearby («يأمل في»)",
    "b": "a word with the preposition ب nearby («طالب بـ»)",
    "vso": "to stand at the head of the sentence, where it cannot be a noun",
    "stance": "a noun of attitude as object («جدّد دعوته», unlike «جدّد عقده»)",
    "sabab": "a cause («أرجع السبب إلى»)",
    "refusal": "an opinion as object, not an act («رفض الاتهام», unlike «رفض العرض»)",
    "blame": "responsibility as object («حمّل … المسؤولية»)",
    "study": "a study, poll, document or data as subject («أظهرت دراسة»)",
    "denial": "not to be exile («نفى إلى») and not to be negated («لا ينكر أحد»)",
    "claim": "a claim as object («كذّب الخبر», unlike «كذب على»)",
    "head_an": "to stand at the head, with أن nearby",
    "head_b": "to stand at the head, with a word with ب nearby",
    "head_an_": "to stand at the head, with the preposition عن nearby",
    "plain": "takes no attached pronoun (a form with one is another word: «إشارة», «عبره»)",
    "skip": "never counts",
}
"""What each of them asks for, in words."""
