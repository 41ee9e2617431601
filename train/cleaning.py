"""What is done to the text of the public corpora before anything is labelled: markup, control characters, line ends.

Diacritics, tatweel, digits and punctuation stay as they are. A change here moves offsets and breaks the hashes of
every label, so the order of the steps is part of the format.
"""

from __future__ import annotations

import html
import re

_ELEMENT = re.compile(r"<(script|style)[^>]*>.*?</\1>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"<\s*(br|/p|p|/div|/li|/h\d)[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,400}>")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\u200b\u200e\u200f\u202a-\u202e\u2060]")
_GLUED = re.compile(
    r"(?:(?<=[\u0621-\u064A\u0640-\u0652]{3})|(?<=[\u0621-\u064A\u064B-\u0652]{3} )|(?<=[)»\"”\d]))"
    r"([.!?؟][\"”»]?)(?=[\u0621-\u064A][\u064B-\u0652]?[\u0621-\u064A])"
)


def clean(text: str | None) -> str:
    """Plain text: no markup, entities, control or bidi characters; single spaces; paragraphs end in one newline."""
    if not text:
        return ""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "<" in text:
        text = _TAG.sub(" ", _BREAK.sub("\n", _ELEMENT.sub(" ", text)))
    if "&" in text:
        text = html.unescape(text)
    text = _INVISIBLE.sub("", text).replace("\u00a0", " ").replace("\t", " ")
    text = re.sub(r" {2,}", " ", text)
    return re.sub(r"\n{2,}", "\n", re.sub(r" *\n *", "\n", text)).strip()


def unglued(text: str) -> str:
    """A newline behind a stop that is glued to the next word: there a scraper lost the end of a paragraph."""
    return _GLUED.sub(r"\1\n", text)


def is_arabic(text: str) -> bool:
    """Whether at least half of the letters are Arabic ones."""
    letters = [c for c in text if c.isalpha()]
    arabic = sum("\u0600" <= c <= "\u06ff" or "\u0750" <= c <= "\u077f" or "\ufb50" <= c <= "\ufefc" for c in letters)
    return bool(letters) and 2 * arabic >= len(letters)
