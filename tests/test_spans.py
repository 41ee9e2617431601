"""Words from the chances of tokens: the cue, without its conjunction, and the source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isnad.spans import best_words, without_conjunction

TEXT = "وأكد الوزير أن السد لن يُغلق"
WORDS = [(0, 4), (5, 11), (12, 14), (15, 18), (19, 21), (22, 28)]


def chances(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


@given(st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.95]), min_size=6, max_size=6))
def test_the_words_found_are_an_unbroken_run_around_the_surest_word(values: list[float]) -> None:
    found = best_words(TEXT, WORDS, chances(*values), 0.5)
    if max(values) < 0.5:
        assert found is None
        return
    assert found is not None
    first = next(i for i, (start, _) in enumerate(WORDS) if start == found[0])
    last = next(i for i, (_, end) in enumerate(WORDS) if end == found[1])
    assert values.index(max(values)) in range(first, last + 1)
    assert all(v >= 0.5 for v in values[first : last + 1])
    assert first == 0 or values[first - 1] < 0.5
    assert last == 5 or values[last + 1] < 0.5


def test_one_sure_piece_takes_its_whole_word_and_no_neighbour() -> None:
    pieces = [(0, 1), (1, 4), (5, 7), (7, 11), (12, 14)]
    assert best_words(TEXT, pieces, chances(0.1, 0.9, 0.2, 0.1, 0.1), 0.5) == (0, 4)
    assert best_words(TEXT, pieces, chances(0.1, 0.2, 0.1, 0.8, 0.1), 0.5) == (5, 11)
    assert best_words("قال:«نعم»", [(0, 3), (3, 4), (4, 5), (5, 8), (8, 9)], chances(0.9, 0.1, 0.1, 0.1, 0.1), 0.5) == (
        0,
        3,
    )


def test_nothing_is_found_in_nothing() -> None:
    assert best_words("", [], chances(), 0.5) is None


@pytest.mark.parametrize(
    ("cue", "left_out"),
    [
        ("وقال", 1), ("وَقال", 1), ("ومن المتوقع", 1), ("ولم", 1), ("ووفق", 1), ("فهل", 1), ("فقد", 1),
        ("وفق", 0), ("وفقاً لما", 0), ("وصف", 0),
        ("واصل", 0), ("وارد", 0), ("قال", 0), ("في", 0), ("فند", 0), ("", 0), ("«", 0),
    ],
)  # fmt: skip
def test_a_cue_is_shown_without_the_conjunction_before_it(cue: str, left_out: int) -> None:
    assert without_conjunction(cue) == left_out
