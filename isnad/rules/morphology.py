"""Arabic verbs inflected from four stems: perfect, imperfect, active participle, masdar.

News prose needs the third person (both genders, all numbers), the first person of quotations, the
jussive («لم ينفِ»), the future (سينفي) and the attached pronoun («نفته», «أكدها»). The coordinating
و and ف are not generated: the matcher takes them off.

>>> sorted(w for w, form in inflect("نفى", "ينفي", "ناف", "-") if form is Form.PERFECT)[:4]
['نفا', 'نفاك', 'نفاكم', 'نفانا']
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from isnad.rules.folding import fold_word


class Form(Enum):
    """Which part of the paradigm a surface form is."""

    PERFECT = "perfect"
    IMPERFECT = "imperfect"
    JUSSIVE = "jussive"
    FIRST = "first person"
    PARTICIPLE = "participle"
    MASDAR = "masdar"
    FIXED = "fixed"


_PRONOUNS = ("ه", "ها", "هم", "هما", "هن", "نا", "ني", "ك", "كم")
_POSSESSIVE = ("ه", "ها", "هم", "هما", "هن", "نا", "ي")


def inflect(
    perfect: str, imperfect: str, participle: str, masdar: str, *, pronouns: bool = True
) -> Iterator[tuple[str, Form]]:
    """Every folded surface form of the verb with its place in the paradigm; «-» leaves a stem out.

    A participle or masdar may give several shapes, joined by «/». `pronouns` off leaves attached objects out.
    """
    objects = _PRONOUNS if pronouns else ()
    if perfect != "-":
        yield from _perfect(perfect, objects)
    if imperfect != "-":
        yield from _imperfect(imperfect, objects)
    for stem in participle.split("/") if participle != "-" else ():
        yield from _participle(stem)
    for stem in masdar.split("/") if masdar != "-" else ():
        yield from _masdar(stem)


def _with(word: str, form: Form, objects: tuple[str, ...]) -> Iterator[tuple[str, Form]]:
    yield word, form
    for pronoun in objects:
        yield word + pronoun, form


def _perfect(raw: str, objects: tuple[str, ...]) -> Iterator[tuple[str, Form]]:
    weak_waw = raw.endswith("ا")
    stem = fold_word(raw)
    if stem[-1] in "يا" and len(stem) > 2 and not raw.endswith(("أ", "ي")):
        base = stem[:-1]
        yield stem, Form.PERFECT
        yield from _with(base + "ا", Form.PERFECT, objects)
        yield from _with(base + "ت", Form.PERFECT, objects)
        for ending in ("وا", "تا", "وا" if weak_waw else "يا", *(("وه", "وها") if objects else ())):
            yield base + ending, Form.PERFECT
        for ending in ("ت", "نا"):
            yield base + ("و" if weak_waw else "ي") + ending, Form.FIRST
        return
    yield from _with(stem, Form.PERFECT, objects)
    yield from _with(stem + "ت", Form.PERFECT, objects)
    for ending in ("وا", "ا", "تا", "ن", *(("وه", "وها") if objects else ())):
        yield stem + ending, Form.PERFECT
    hollow = len(stem) > 2 and stem[-2] == "ا"
    short = stem[:-2] + stem[-1] if hollow else stem
    for ending in ("نا", "ت") if hollow else ("نا",):
        yield short + ending, Form.FIRST


def _imperfect(raw: str, objects: tuple[str, ...]) -> Iterator[tuple[str, Form]]:
    stem = fold_word(raw)[1:]
    for prefix, form in (("ي", Form.IMPERFECT), ("ت", Form.IMPERFECT), ("ن", Form.FIRST), ("ا", Form.FIRST)):
        for future in ("", "س"):
            yield from _imperfect_of(future + prefix + stem, raw, form, objects)


def _imperfect_of(word: str, raw: str, form: Form, objects: tuple[str, ...]) -> Iterator[tuple[str, Form]]:
    weak = raw[-1] in "يوى"
    yield from _with(word[:-1] + "ا" if raw.endswith("ى") else word, form, objects)
    yield word, form
    if weak:
        yield word[:-1], Form.JUSSIVE
    if form is Form.FIRST:
        return
    base = word[:-1] if weak else word
    for ending in ("ون", "وا", *(("ونه", "ونها", "وه", "وها") if objects else ())):
        yield base + ending, form
    yield (word if weak else base) + "ان", form
    if len(word) > 3 and word[-2] in "وي" and not weak:
        yield word[:-2] + word[-1], Form.JUSSIVE


def _participle(raw: str) -> Iterator[tuple[str, Form]]:
    stem = fold_word(raw)
    weak = raw.endswith("ٍ")
    if weak:
        yield stem, Form.PARTICIPLE
    base = stem + "ي" if weak else stem
    for ending in ("ا", "ه", "تين"):
        yield base + ending, Form.PARTICIPLE
    yield stem + "ين", Form.PARTICIPLE


def _masdar(raw: str) -> Iterator[tuple[str, Form]]:
    stem = fold_word(raw)
    body = stem[:-1] + "ت" if raw.endswith("ة") else stem
    yield stem, Form.MASDAR
    if not raw.endswith("ة"):
        yield stem + "ا", Form.MASDAR
    for prefix in ("", "ب", "ل"):
        for pronoun in _POSSESSIVE:
            yield prefix + body + pronoun, Form.MASDAR
    for prefix in ("ال", "بال", "لل", "ب", "ل"):
        yield prefix + stem, Form.MASDAR
