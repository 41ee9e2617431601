"""A labelled article as a table for the terminal.

Arabic stands in logical order inside bidi isolates, so the terminal can lay it out; columns are
padded by the cells a text takes there, and control characters never reach the terminal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from isnad.labels import Stance
from isnad.predictions import LabelledArticle, LabelledSentence

ISOLATE, POP = "\u2068", "\u2069"
UNDECIDED = "○"
"""Icon of a sentence on which the classifier abstained."""

_HEADS = ("#", "stance", "conf.", "or", "sentence", "cue", "source")
_OR = _HEADS.index("or")
_WIDEST = {"sentence": 56, "cue": 18, "source": 26}
_STRONG_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\\s]+")


def render_table(article: LabelledArticle, *, heading: str | None = None) -> str:
    """Number, stance, confidence, sentence (shortened), cue and source; one sentence a line, then the counts.

    Where there are label sets, a column "or" names the other labels of the set. A `heading` stands above the table.
    """
    rows = [_HEADS, *(_row(number, sentence) for number, sentence in enumerate(article.sentences, 1))]
    if all(s.label_set is None for s in article.sentences):
        rows = [row[:_OR] + row[_OR + 1 :] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    title = [f"── {clean(heading)} ──"] if heading else []
    title += [isolated(clean(article.title)), ""] if article.title else []
    lines = [line(row, widths) for row in rows]
    lines.insert(1, line(["─" * width for width in widths], widths))
    return "\n".join([*title, *lines, "", _counts(article)]) + "\n"


def percent(share: float) -> str:
    """Whole percent that never rounds to certainty: 0.997 is ">99%", 0.003 is "<1%"."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _row(number: int, sentence: LabelledSentence) -> tuple[str, ...]:
    cue, source = (span.text if span else "" for span in (sentence.cue, sentence.source))
    texts = zip((sentence.text, cue, source), _WIDEST.values(), strict=True)
    return (
        str(number),
        _stance(sentence),
        percent(sentence.score) if sentence.label else "",
        ", ".join(s.value for s in sentence.label_set or () if s is not sentence.label),
        *(isolated(shortened(clean(text), width)) for text, width in texts),
    )


def _stance(sentence: LabelledSentence) -> str:
    if sentence.label is None:
        return "–"
    if sentence.abstained:
        return f"{UNDECIDED} undecided ({sentence.label.value}?)"
    return f"{sentence.label.icon} {sentence.label.value}"


def _counts(article: LabelledArticle) -> str:
    counts = article.counts
    parts = [f"{s.icon} {s.value} {counts[s.value]}" for s in Stance]
    if undecided := sum(s.abstained and s.label is not None for s in article.sentences):
        parts.append(f"{UNDECIDED} undecided {undecided} of these")
    if several := sum(len(s.label_set or ()) > 1 for s in article.sentences):
        parts.append(f"more than one possible {several} of these")
    if plain := sum(s.label is None for s in article.sentences):
        parts.append(f"– without a proposition {plain}")
    return "   ".join(parts)


def line(row: Sequence[str], widths: Sequence[int]) -> str:
    """The cells of `row`, each padded to its width."""
    padded = (cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True))
    return "  ".join(padded).rstrip(" ")


def clean(text: str) -> str:
    """One line without control, direction and surrogate characters, and runs of spaces as one."""
    return _UNSAFE.sub(" ", text).strip()


def shortened(text: str, width: int) -> str:
    """At most `width` cells, cut between words where a space is near."""
    if cells(text) <= width:
        return text
    end, used = 0, 0
    while used + cells(text[end]) < width:
        used += cells(text[end])
        end += 1
    space = text.rfind(" ", end * 2 // 3, end + 1)
    return text[: space if space > 0 else end].rstrip() + "…"


def isolated(text: str) -> str:
    """Arabic (or Hebrew) text between U+2068 and U+2069, other text as it is."""
    return f"{ISOLATE}{text}{POP}" if _STRONG_RTL.search(text) else text


def cells(text: str) -> int:
    """Terminal cells of `text`: marks and format characters take none, wide characters two."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )
