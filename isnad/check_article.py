"""What can be wrong with one line of the labelled data: its schema, offsets, hashes, fields, spans, Unicode."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from isnad.examples import COMPOSED, TITLE, sentence_hash
from isnad.labels import SKIP, Stance

LABELS = (*(s.value for s in Stance), SKIP)
KINDS = ("article", "target")

Finding = tuple[str, str]  # rule, message
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: where, which, and what was expected, found and is to be done."""

    file: str
    line: int
    rule: str
    message: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class RawArticle:
    """One line of the data as it stands in the file; `title` and `text` joined from the corpora for news."""

    path: str
    line: int
    folder: str
    raw: dict[str, Any]
    title: str | None = None
    text: str | None = None

    @property
    def corpus(self) -> str:
        """File of the news text, or `composed`."""
        return str(self.raw.get("corpus", COMPOSED))

    @property
    def key(self) -> str:
        """`corpus:doc_id`."""
        return f"{self.corpus}:{self.raw['doc_id']}"

    @property
    def whole(self) -> str:
        """Title and text."""
        return f"{self.title or ''}\n{self.text}"

    def name(self, unit: dict[str, Any]) -> str:
        """`corpus:doc_id:start-end` of a sentence."""
        return f"{self.key}:{unit['start']}-{unit['end']}"

    def sentence(self, unit: dict[str, Any]) -> str | None:
        """The words of a sentence, None where the text is missing."""
        if self.text is None:
            return None
        return self.title or "" if unit["start"] == TITLE else self.text[unit["start"] : unit["end"]]

    def problem(self, rule: str, message: str, severity: Severity = "error") -> Problem:
        """A problem of this line."""
        return Problem(self.path, self.line, rule, message, severity)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_span(value: Any) -> bool:
    return value is None or (isinstance(value, list) and len(value) == 2 and all(map(_is_whole, value)))


Shape = dict[str, tuple[Callable[[Any], bool], str]]
_REQUIRED: Shape = {
    "doc_id": (_is_text, "a non-empty string"),
    "outlet": (_is_text, "a non-empty string"),
    "date": (lambda v: isinstance(v, str), "a string (empty when unknown)"),
    "kind": (lambda v: v in KINDS, "one of " + ", ".join(KINDS)),
    "sentences": (lambda v: isinstance(v, list) and bool(v), "a non-empty list"),
}
_OPTIONAL: Shape = {
    name: (lambda v: v is None or isinstance(v, str), "a string")
    for name in ("title", "country", "subject", "register")
}
_UNIT: Shape = {
    "start": (_is_whole, "a whole number"),
    "end": (_is_whole, "a whole number"),
    "sha1": (lambda v: isinstance(v, str) and re.fullmatch("[0-9a-f]{40}", v) is not None, "40 hexadecimal digits"),
    "label": (lambda v: v in LABELS, "one of " + ", ".join(LABELS)),
    "attributed": (lambda v: isinstance(v, bool), "true or false"),
    "source": (_is_span, "null or [start, end]"),
    "cue": (_is_span, "null or [start, end]"),
    "annotators": (lambda v: isinstance(v, list) and bool(v) and all(map(_is_text, v)), "a list of names"),
}
_UNIT_OPTIONAL: Shape = {name: (lambda v: isinstance(v, bool), "true or false") for name in ("trap", "unsure")} | {
    "guidelines": (lambda v: _is_whole(v) and v >= 1, "the version of the guidelines, 1 or more")
}
_TEXT: Shape = {"text": (_is_text, "the whole article")}
_CORPUS: Shape = {"corpus": (_is_text, "the name of the corpus (the text itself stays out of the repository)")}


def schema_findings(raw: Any, folder: str) -> Iterator[str]:
    """What the schema finds wrong with a parsed line of `folder`."""
    own = _TEXT if folder == COMPOSED else _CORPUS
    yield from _shape(raw, {**_REQUIRED, **own}, _OPTIONAL, "an article")
    units = raw.get("sentences") if isinstance(raw, dict) else None
    for number, unit in enumerate(units if isinstance(units, list) else (), 1):
        yield from _shape(unit, _UNIT, _UNIT_OPTIONAL, f"sentence {number}")


def _shape(raw: Any, required: Shape, optional: Shape, what: str) -> Iterator[str]:
    if not isinstance(raw, dict):
        yield f"expected {what} as a JSON object, found {type(raw).__name__}; rewrite it"
        return
    for name, (holds, wanted) in {**required, **optional}.items():
        if name not in raw and name in required:
            yield f"expected {name!r} in {what} ({wanted}), found no such field; add it"
        elif name in raw and not holds(raw[name]):
            shown = repr(raw[name]) if name in ("label", "kind") else type(raw[name]).__name__
            yield f"expected {name!r} in {what} to be {wanted}, found {shown}; correct it"
    for name in raw.keys() - required.keys() - optional.keys():
        yield f"expected no field {name!r} in {what} of this folder, found one; correct the name or remove it"


_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TAIL = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"  # what a UTF-8 tail byte becomes in cp1252
_MOJIBAKE = re.compile(f"(?:[Ø-Û]{_TAIL}){{2,}}|Ã{_TAIL}|â€|[À-ÿ]{{4,}}")


def article_findings(a: RawArticle) -> Iterator[Finding]:
    """`(rule, message)` of all that is wrong with an article whose schema is right."""
    for name, value in a.raw.items():
        if isinstance(value, str):
            yield from _unicode(value, f"{a.key} ({name})", bidi=a.folder == COMPOSED)
    before = (-2, 0)
    for unit in sorted(a.raw["sentences"], key=lambda u: (u["start"], u["end"])):
        wrong = _offsets(a, unit, before)
        if wrong is not None:
            yield "offsets", wrong
            continue
        before = unit["start"], unit["end"]
        text = a.sentence(unit)
        if text is not None:
            if a.folder == "news":
                yield from _unicode(text, a.name(unit), bidi=False)
            yield from _hash(a, unit, text)
        yield from _fields(a.name(unit), unit)
        yield from _spans(a.name(unit), unit, text)


def _unicode(text: str, where: str, *, bidi: bool) -> Iterator[Finding]:
    found = [
        ("U+FFFD (a character lost in decoding)", "\ufffd" in text),
        ("a lone surrogate", _SURROGATE.search(text) is not None),
        ("a control character", _CONTROL.search(text) is not None),
        ("letters decoded with the wrong code page", _MOJIBAKE.search(text) is not None),
        ("a bidi control", bidi and _BIDI.search(text) is not None),
    ]
    for what, there in found:
        if there:
            yield "unicode", f"expected clean Unicode, found {what} in {where}; restore the text from its source"


def _offsets(a: RawArticle, unit: dict[str, Any], before: tuple[int, int]) -> str | None:
    start, end = unit["start"], unit["end"]
    if start == end == TITLE:
        if before == (TITLE, TITLE):
            return f"expected the title once, found {a.name(unit)} twice; remove one"
        if a.text is not None and not a.title:
            return f"expected a title behind {a.name(unit)}, found none; add `title` or remove the sentence"
        return None
    if not 0 <= start < end or (a.text is not None and end > len(a.text)):
        limit = "the length of the text" if a.text is None else str(len(a.text))
        return f"expected 0 <= start < end <= {limit}, found {a.name(unit)}; correct the offsets"
    if start < before[1]:
        return f"expected sentences that do not overlap, found {a.name(unit)} begin before {before[1]}; correct one"
    return None


def _hash(a: RawArticle, unit: dict[str, Any], text: str) -> Iterator[Finding]:
    try:
        actual = sentence_hash(text)
    except UnicodeEncodeError:  # a lone surrogate, reported already
        return
    if actual != unit["sha1"]:
        todo = "make the corpus again as data/README.md says" if a.folder == "news" else "label the sentence anew"
        yield "hash", f"expected SHA-1 {unit['sha1'][:8]}… of {a.name(unit)}, found {actual[:8]}…; {todo}"


def _fields(name: str, unit: dict[str, Any]) -> Iterator[Finding]:
    label, attributed = unit["label"], unit["attributed"]
    if label in (Stance.ASSERT, SKIP):
        marked = [f for f in ("attributed", "source", "cue") if unit[f] not in (False, None)]
        if marked:
            yield "fields", f"expected no {', '.join(marked)} for {label!r}, found them in {name}; clear or relabel"
    elif label == Stance.ATTRIBUTE and not attributed:
        yield "fields", f"expected `attributed` true for 'attribute', found false in {name}; set it or relabel"
    elif unit["source"] is not None and not attributed:
        yield "fields", f"expected a source only where `attributed` is true, found one in {name}; set it or clear it"


def _spans(name: str, unit: dict[str, Any], text: str | None) -> Iterator[Finding]:
    length = len(text) if text is not None else unit["end"] - unit["start"] if unit["start"] != TITLE else None
    for field in ("source", "cue"):
        start, end = unit[field] or (0, 1)
        if not 0 <= start < end or (length is not None and end > length):
            limit = "the length of the title" if length is None else length
            yield "spans", f"expected {field} within 0 to {limit} of {name}, found [{start}, {end}]; correct it"
