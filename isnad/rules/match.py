"""Cues found in one sentence: verb forms and fixed expressions, by look-up of its folded words."""

from __future__ import annotations

from isnad.rules import classes as c
from isnad.rules.clauses import place
from isnad.rules.folding import tokenise
from isnad.rules.lexicon import Lexicon, PhraseSense, VerbSense, lexicon
from isnad.rules.morphology import Form
from isnad.rules.needs import CHECKS
from isnad.rules.scene import Cue, Scene

_COVERING = frozenset({"transparent", "forecast", "believed", "open_door"})
"""Kinds of phrases whose words are no verbs of their own («يُتوقع أن» has no subject)."""


def read(sentence: str) -> Scene:
    """Tokens and cues of `sentence`, each cue placed in its clause."""
    lex = lexicon()
    tokens = tokenise(sentence)
    bare, skips = _bare(tokens.words, lex)
    scene = Scene(tokens, bare, skips)
    _find(scene, lex)
    place(scene)
    return scene


def _bare(tokens: list[str], lex: Lexicon) -> tuple[list[str], list[int]]:
    """Take a leading و or ف off where the word is known only without it."""
    bare: list[str] = []
    skips: list[int] = []
    for word in tokens:
        if word[0] in "وف" and len(word) > 2 and word not in lex.verbs and word not in lex.phrases:
            rest = word[1:]
            if rest in lex.verbs or rest in lex.phrases or rest in c.FUNCTION_WORDS:
                bare.append(rest)
                skips.append(1)
                continue
        bare.append(word)
        skips.append(0)
    return bare, skips


def _find(scene: Scene, lex: Lexicon) -> None:
    covered = -1
    for i, word in enumerate(scene.bare):
        for phrase in lex.phrases.get(word, ()):
            last = _phrase_end(scene.bare, i, phrase)
            if last >= 0:
                scene.cues.append(Cue(phrase.kind, i, last - phrase.unmarked, scene.skips[i], Form.FIXED))
                covered = max(covered, last if phrase.kind in _COVERING else -1)
                break
        if word == "قد" and (end := _modal_end(scene.bare, i)):
            scene.cues.append(Cue("modal", i, end, scene.skips[i], Form.FIXED))
        if i <= covered:
            continue
        for sense in lex.verbs.get(word, ()):
            if _is_verb(scene, i, sense):
                cue = Cue(sense.kind, i, i, scene.skips[i], sense.form, sense.lemma)
                scene.cues.append(cue)
                scene.verbs[i] = cue
                break


def _phrase_end(bare: list[str], i: int, phrase: PhraseSense) -> int:
    """The last token of `phrase` at `i`, or -1."""
    at = i
    for index, choices in enumerate(phrase.rest):
        at += 1
        if index in phrase.gaps:
            at = next((k for k in range(at, min(at + 3, len(bare))) if bare[k] in choices), len(bare))
        if at >= len(bare) or bare[at] not in choices:
            return -1
    if phrase.prefix and not (at + 1 < len(bare) and bare[at + 1].startswith(phrase.prefix)):
        return -1
    return at


def _modal_end(bare: list[str], i: int) -> int:
    """Where قد + imperfect ends (0 for قد + perfect, which states a fact)."""
    at = i + 1
    if at < len(bare) and bare[at] == "لا":
        at += 1
    word = bare[at] if at < len(bare) else ""
    if word.endswith("وا"):  # the imperfect has ون
        return 0
    if len(word) > 2 and word[0] == "ي":
        return at
    if len(word) > 2 and word[0] == "ت":
        feminine_perfect = word.endswith("ت") and len(word) > 4
        with_pronoun = len(word) > 5 and word.endswith(("ها", "هم", "نا")) and word[:-2] in c.T_PERFECTS
        return 0 if feminine_perfect or with_pronoun or word in c.T_PERFECTS else at
    return at if word in c.N_IMPERFECTS or word in c.A_IMPERFECTS else 0


def _is_verb(scene: Scene, i: int, sense: VerbSense) -> bool:
    previous = scene.bare[i - 1] if i else ""
    if sense.form in (Form.PERFECT, Form.PARTICIPLE) and not scene.skips[i] and previous in c.NOUN_CONTEXT:
        return False
    if sense.form is Form.PARTICIPLE and scene.bare[i][-1] not in "اهن":
        return False
    if sense.form is Form.JUSSIVE and previous not in ("لم", "لما"):
        return False
    return any(CHECKS[need](scene, i) for need in sense.needs)
