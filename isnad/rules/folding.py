"""A folded copy of a sentence on which cues are matched, aligned to the raw text.

Hamza seats, final ya and ta marbuta are written in several ways («ان», «أن», «إن»). Most news needs
no more than one letter for another, which keeps every offset; where there are marks, tatweel or
presentation forms, `isnad.text` normalises first and leads back to the raw text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from isnad.text import Normalised, normalise

_ONE_TO_ONE = str.maketrans(
    {
        **dict.fromkeys("أإآٱ", "ا"),
        **dict.fromkeys("ىیېے", "ي"),
        **dict.fromkeys("ک", "ك"),
        **dict.fromkeys("ةہھۀە", "ه"),
        **dict.fromkeys("“”„‟«»″‹›＂", '"'),
        **{chr(0x660 + n): str(n) for n in range(10)},
        **{chr(0x6F0 + n): str(n) for n in range(10)},
    }
)
_NEEDS_MORE = re.compile(
    "[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufb50-\ufeff]"
)
_TOKEN = re.compile(r"[^\W_]+|[^\w\s]")


def fold(text: str) -> tuple[str, Normalised | None]:
    """The folded text, and its alignment where it is not letter for letter."""
    if not _NEEDS_MORE.search(text):
        return text.translate(_ONE_TO_ONE), None
    plain = normalise(text, "plain")
    return plain.text.translate(_ONE_TO_ONE), plain


def fold_word(word: str) -> str:
    """`word` as it looks in folded text (for the lexicon)."""
    return fold(word)[0]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Words and stops of one sentence, folded, with their place in the folded text."""

    raw: str
    words: list[str]
    starts: list[int]
    ends: list[int]
    aligned: Normalised | None

    def span(self, first: int, last: int, skip: int = 0) -> tuple[int, int]:
        """Raw start and end of the tokens `first` to `last`, without `skip` leading letters of `first`."""
        start, end = self.starts[first] + skip, self.ends[last]
        return (start, end) if self.aligned is None else self.aligned.to_raw(start, end)


def tokenise(text: str) -> Tokens:
    """Folded words and single stops of `text`."""
    folded, aligned = fold(text)
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _TOKEN.finditer(folded):
        words.append(match.group())
        starts.append(match.start())
        ends.append(match.end())
    return Tokens(text, words, starts, ends, aligned)
