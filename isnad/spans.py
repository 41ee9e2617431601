"""From the chances of tokens to words: which run of words is the cue, which the source.

A model gives every token of a sentence a chance for each of `TAGS` columns: that it belongs to the cue of an
attribution, a denial or a speculation (a column each, so that a denied sentence shows what denies), or to the source.

>>> import numpy as np
>>> best_words("أكد محمد علي", [(0, 3), (4, 8), (9, 12)], np.array([0.1, 0.9, 0.7], dtype=np.float32), 0.6)
(4, 12)
>>> without_conjunction("وقال الوزير"), without_conjunction("وفق الوزير"), without_conjunction("فهل يعود")
(1, 0, 1)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from isnad.labels import Stance

CUES = tuple(s for s in Stance if s is not Stance.ASSERT)
"""The stances that have a cue, in the order of their columns."""
SOURCE = len(CUES)
"""Column of the source."""
TAGS = SOURCE + 1
CUE_THRESHOLD, SOURCE_THRESHOLD = "cue", "source"
"""Names of the thresholds that an artefact stores."""
THRESHOLD = 0.5
"""Chance from which on a word is taken, where the artefact stores none."""

_WORD = re.compile(r"[\w\u064b-\u0652\u0670ـ]+")
_WAW_CUES = ("وفق", "وصف", "وعد", "وعيد", "وجد", "وجه", "وارد", "ورد", "واصل", "واضح", "وشيك", "واجه", "وثق")
_AFTER_FA = frozenset(
    {"هل", "لم", "قد", "لا", "ما", "من", "لن", "ليس", "ربما", "متى", "ماذا", "لماذا", "كيف", "قال", "قالت", "نفت"}
)


def best_words(
    text: str, offsets: Sequence[tuple[int, int]], chances: NDArray[np.float32], threshold: float
) -> tuple[int, int] | None:
    """Of the runs of words at or above `threshold`, the one that holds the surest word, as `[start, end)` in `text`.

    `offsets` are those of the tokens, in order, `chances (tokens,)` theirs; a word has the chance of its surest token.
    The first of equals; None where no word is above.
    """
    if not len(chances) or chances.max() < threshold:
        return None
    words = _words(text, offsets)
    sure = [float(chances[first:last].max()) for first, last in words]
    peak = int(np.argmax(sure))
    first = last = peak
    while first > 0 and sure[first - 1] >= threshold:
        first -= 1
    while last + 1 < len(sure) and sure[last + 1] >= threshold:
        last += 1
    return offsets[words[first][0]][0], offsets[words[last][1] - 1][1]


def _words(text: str, offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The tokens of each word as `[first, last + 1)`; a mark of punctuation is a word of its own."""
    starts = [0]
    for i, ((_, end), (start, _)) in enumerate(pairwise(offsets), 1):
        if start > end or not (text[start - 1 : start].isalnum() and text[start : start + 1].isalnum()):
            starts.append(i)
    return list(pairwise([*starts, len(offsets)]))


def without_conjunction(cue: str) -> int:
    """How many letters of و or ف to leave out at the start of `cue`: 1 for «وقال» and «فهل», 0 for «وفق»."""
    found = _WORD.match(cue)
    word = found.group() if found else ""
    if len(word) < 3 or (word[0] == "و" and word.startswith(_WAW_CUES)):
        return 0
    return int(word[0] == "و" or (word[0] == "ف" and word[1:] in _AFTER_FA))
