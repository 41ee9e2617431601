"""Normalisation of Arabic news text: named recipes, aligned to the raw text, no letter lost in silence.

>>> n = normalise("قالَ ﺍﻟﻮﺯﻳﺮ: ١٬٢٥٠", "plain")
>>> n.text, n.to_raw(0, 3), n.from_raw(5, 11)
('قال الوزير: 1,250', (0, 4), (4, 10))

A recipe is a list of steps. All recipes share the first ones (HTML leftovers, presentation forms,
foreign letters, digits, invisible characters, tashkeel, tatweel); each adds its own afterwards.
Every recipe takes any string and leaves what it does not understand as it is; all but `arabert-v2` are idempotent.
"""

from __future__ import annotations

import difflib
import html
import re
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from isnad.errors import IsnadError
from isnad.farasa import NEEDED, Segments, segmenter
from isnad.letters import COMPOSED, HAMZAS, fold, unify

Edit = tuple[int, int, str]  # replace [start, end) by these characters


@dataclass(frozen=True, slots=True)
class Normalised:
    """A normalised text; character `i` came from the raw characters `[starts[i], ends[i])`.

    Both arrays ascend. A character that a recipe put in has an empty range; a removed mark
    (tashkeel, tatweel, zero width) belongs to the character before it.
    """

    text: str
    starts: array[int]
    ends: array[int]
    raw_length: int

    @property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """The raw `(start, end)` of every normalised character."""
        return tuple(zip(self.starts, self.ends, strict=True))

    def to_raw(self, start: int, end: int) -> tuple[int, int]:
        """The raw range that the normalised range `[start, end)` came from."""
        _check(start, end, len(self.text), "normalised")
        if start < end:
            return self.starts[start], self.ends[end - 1]
        at = self.starts[start] if start < len(self.text) else self.raw_length
        return at, at

    def from_raw(self, start: int, end: int) -> tuple[int, int]:
        """The normalised range that holds everything made from the raw range `[start, end)`."""
        _check(start, end, self.raw_length, "raw")
        first = bisect_right(self.ends, start)
        last = bisect_left(self.starts, end)
        return first, max(first, last)


def _check(start: int, end: int, length: int, which: str) -> None:
    if not 0 <= start <= end <= length:
        raise ValueError(f"expected 0 <= start <= end <= {length} in the {which} text, found {start}, {end}")


# --- steps -------------------------------------------------------------------------------------


class _Chars(dict[int, str]):
    """Rewrites character by character and remembers what it has worked out.

    `apply` gives the rewritten text, `edits` what that changes and moves others by, in order: the same in every step.
    """

    def __init__(self, rewrite: Callable[[str], str]) -> None:
        super().__init__()
        self._rewrite = rewrite
        self._moving: set[str] = set()  # characters known to become none or several

    def __missing__(self, code: int) -> str:
        char = chr(code)
        new = self._rewrite(char)
        if len(new) != 1:
            self._moving.add(char)
        self[code] = new
        return new

    def apply(self, text: str) -> str:
        return text.translate(self)

    def edits(self, text: str) -> Iterator[Edit]:
        if not self._moving.isdisjoint(text):
            for i, char in enumerate(text):
                if char in self._moving:
                    yield i, i + 1, self[ord(char)]


@dataclass(frozen=True, slots=True)
class _Sub:
    """Rewrites the matches of a pattern; looks only at texts that hold one of the strings `only`, all where empty."""

    pattern: re.Pattern[str]
    new: Callable[[re.Match[str]], str]
    only: Sequence[str] = ()

    def apply(self, text: str) -> str:
        return self.pattern.sub(self.new, text) if self._concerns(text) else text

    def edits(self, text: str) -> Iterator[Edit]:
        if self._concerns(text):
            for match in self.pattern.finditer(text):
                yield match.start(), match.end(), self.new(match)

    def _concerns(self, text: str) -> bool:
        for part in self.only:  # a loop: this stands in the way of every sentence
            if part in text:
                return True
        return not self.only


Step = _Chars | _Sub | Segments

# --- what all recipes share ---------------------------------------------------------------------

_TAG_NAMES = (
    "a|abbr|article|aside|audio|b|big|blockquote|body|br|button|caption|center|cite|code|dd|del|div|dl|dt|em|embed"
    "|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|li|link|main|mark"
    "|meta|nav|noscript|object|ol|p|param|picture|pre|q|s|script|section|small|source|span|strike|strong|style|sub"
    "|sup|table|tbody|td|tfoot|th|thead|time|title|tr|tt|u|ul|video|wbr"
)
_ENTITY = re.compile(r"&(?:amp;)*(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_TAG = re.compile(rf"</?(?:{_TAG_NAMES})(?:\s[^<>=]*=[^<>]*)?\s*/?>|<!--[^<>]*-->", re.IGNORECASE)

_HTML: tuple[Step, ...] = (
    _Sub(_ENTITY, lambda m: html.unescape(f"&{m[1]};"), ("&",)),
    _Sub(_TAG, lambda m: " ", ("<",)),
)
_SHARED: tuple[Step, ...] = (
    *_HTML,
    _Chars(fold),
    _Sub(re.compile("|".join(COMPOSED)), lambda m: COMPOSED[m[0]], HAMZAS),
    _Sub(re.compile(f"[{HAMZAS}]+"), lambda m: "", HAMZAS),
    _Sub(re.compile(r"(?<!\S)ـ+(?!\S)"), lambda m: "-", ("ـ",)),  # alone between spaces it is a dash
    _Sub(re.compile("ـ+"), lambda m: "", ("ـ",)),
    _Sub(re.compile(r"[^\W\d_][\u0300-\u036f]+"), lambda m: unicodedata.normalize("NFC", m[0])),
)

# --- what the recipes add -----------------------------------------------------------------------

_LINK = re.compile(
    r"(?P<link>(?<![A-Za-z0-9])(?:(?:https?|ftp)://|www\.)[A-Za-z0-9]"
    r"(?:[A-Za-z0-9\-._~:/?#@!$&*+,;=%]|(?<=[/_=+\-])[ء-ي]+)*(?<![.,;:!?*]))"
    r"|(?P<mail>(?<![A-Za-z0-9._%+\-@])[A-Za-z0-9._%+\-]+@(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,}(?![A-Za-z0-9]|[A-Za-z0-9._%+\-]*@))"
    r"|(?P<user>(?<![A-Za-z0-9_@])@[A-Za-z0-9_]{2,30}(?![A-Za-z0-9_@]))"
)
_PLACEHOLDER = {"link": " [رابط] ", "mail": " [بريد] ", "user": " [مستخدم] "}
_LINKS = _Sub(_LINK, lambda m: _PLACEHOLDER[m.lastgroup or ""], ("@", "://", "www."))
_TWEET = {"link": " URL ", "user": " USER ", "topic": " HASHTAG "}
_TWEETS = _Sub(
    re.compile(rf"{_LINK.pattern}|(?P<topic>(?<!#)#[^\W\d]\w*)"),
    lambda m: _TWEET.get(m.lastgroup or "", m[0]),
    ("@", "#", "://", "www."),
)
_SPACES = _Sub(re.compile(r"\A +| +\Z| {2,}"), lambda m: " " if m.start() > 0 and m.end() < len(m.string) else "")

_ARABERT_TOKEN = re.compile(
    r"\[(?:رابط|بريد|مستخدم)\]"
    r"|[0-9]+(?:[.,][0-9]+)+(?![A-Za-z0-9])"
    r"|[A-Za-z0-9]+(?:[.\-][A-Za-z0-9]+){0,8}\.[A-Za-z]{2,}(?![A-Za-z0-9])"
    r"|[A-Za-z0-9]+"
    r"|[^\w\s\[\]\u0300-\u036f]|_"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named normalisation: the steps after the shared ones, and the sentence that refuses it without Farasa."""

    name: str
    steps: tuple[Step, ...] = ()
    refusal: str = ""


def _recipes() -> dict[str, Recipe]:
    arabert = (
        _Sub(re.compile(r"([^\w\s])\1{2,}"), lambda m: m[1] * 2),
        _LINKS,
        _Sub(_ARABERT_TOKEN, lambda m: f" {m[0]} "),
        _SPACES,
    )
    plain = (
        _Chars(unify),
        _LINKS,
        _Sub(re.compile("''+"), lambda m: '"', ("''",)),
        _Sub(re.compile(r"[.…]{2,}"), lambda m: "…", ("..", "…")),
        _SPACES,
    )
    return {
        "arabert-v02": Recipe("arabert-v02", arabert),
        "arbert": Recipe("arbert", (_TWEETS, _SPACES)),
        "camelbert": Recipe("camelbert", (_Sub(re.compile("…"), lambda m: "...", ("…",)), _SPACES)),
        "light": Recipe("light", (_SPACES,)),
        "plain": Recipe("plain", plain),
        "arabert-v2": Recipe("arabert-v2", (*arabert, Segments()), NEEDED),
    }


RECIPES: Mapping[str, Recipe] = MappingProxyType(_recipes())
"""Every recipe by name: `arabert-v02`, `arabert-v2` (Farasa's segments), `arbert` and `camelbert` as these models were
pretrained, `light` (the shared steps) for encoders of text as it is, `plain` for our compact encoder (one alef, one
yeh, one quote, one dash)."""


# --- doors --------------------------------------------------------------------------------------

_ROUNDS = 8
_NO_HTML = _Chars(lambda char: " " if char in "&<" else char)


def _find(name: str) -> Recipe:
    """The recipe of this name; raises `IsnadError` if there is none or it cannot be used."""
    recipe = RECIPES.get(name)
    if recipe is None:
        usable = [r.name for r in RECIPES.values() if not r.refusal]
        near = difflib.get_close_matches(name, usable, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise IsnadError(f"expected a normalisation recipe ({', '.join(usable)}), found {name!r}{hint}")
    if recipe.refusal and segmenter() is None:
        raise IsnadError(recipe.refusal)
    return recipe


def normalise_text(text: str, recipe: str = "plain") -> str:
    """The text of `normalise(text, recipe)`, several times faster."""
    _, last = deque(_schedule(text, _find(recipe)), maxlen=1).pop()
    return last


def normalise(text: str, recipe: str = "plain") -> Normalised:
    """`text` by the named recipe, aligned to the raw text."""
    positions = array("I", range(len(text) + 1))
    now = Normalised(text, positions[:-1], positions[1:], len(text))
    for step, after in _schedule(text, _find(recipe)):
        if after != now.text:
            now = _edited(now, after, step.edits(now.text))
    return now


def _schedule(text: str, recipe: Recipe) -> Iterator[tuple[Step, str]]:
    """Each step to take and the text it leaves. What was escaped twice takes a second round."""
    for _ in range(_ROUNDS):
        for step in _SHARED:
            text = step.apply(text)
            yield step, text
        if all(step.apply(text) == text for step in _HTML):
            break
    else:  # nested without end, no newspaper's text: give up on the markup, not on the words
        text = _NO_HTML.apply(text)
        yield _NO_HTML, text
    for step in recipe.steps:
        text = step.apply(text)
        yield step, text


def _edited(old: Normalised, after: str, edits: Iterator[Edit]) -> Normalised:
    """`old` with the text `after`, which `edits` lead to, still aligned to the raw text."""
    starts, ends = array("I"), array("I")
    done = 0
    for start, end, new in edits:
        starts.extend(old.starts[done:start])
        ends.extend(old.ends[done:start])
        done = end
        if not new and ends and old.text[start] != " ":
            ends[-1] = old.ends[end - 1]
        left, right = _aligned(old, start, end, new)
        starts.extend(left)
        ends.extend(right)
    starts.extend(old.starts[done:])
    ends.extend(old.ends[done:])
    return Normalised(after, starts, ends, old.raw_length)


def _aligned(old: Normalised, start: int, end: int, new: str) -> tuple[array[int], array[int]]:
    """Raw starts and ends of `new`, which replaces `[start, end)`: one by one where it only pads, else the whole."""
    first, last = old.starts[start], old.ends[end - 1]
    before = new.find(old.text[start:end])
    if before < 0:
        return array("I", [first]) * len(new), array("I", [last]) * len(new)
    after = len(new) - before - (end - start)
    left = max(first, old.ends[start - 1]) if start else first  # neighbours may come from the same raw character
    right = min(last, old.starts[end]) if end < len(old.text) else last
    starts = array("I", [first]) * before + old.starts[start:end] + array("I", [right]) * after
    ends = array("I", [left]) * before + old.ends[start:end] + array("I", [last]) * after
    return starts, ends
