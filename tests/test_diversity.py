"""Variety of composed news: figures known by hand, shared runs found whole, the shipped articles as the card says."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Newsroom, python

from train.diversity import (
    LONG_RUN,
    SHORT_RUN,
    composed_documents,
    missed,
    shared_runs,
    shared_with_news,
    variety,
    words_of,
)

LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
RUN = "وقع الطرفان صباح اليوم اتفاقا يقضي بتقاسم مياه النهر بين القرى الواقعة على ضفتيه"


def words(start: int, count: int) -> str:
    """`count` different words."""
    made = (f"{LETTERS[n % 28]}{LETTERS[n // 28 % 28]}{LETTERS[n // 784 % 28]}م" for n in range(start, start + count))
    return " ".join(made)


def test_figures_are_those_counted_by_hand() -> None:
    found = variety({"a": "باب بيت باب بيت.", "b": "باب بيت باب بيت."})
    assert (found.articles, found.words) == (2, 8)
    assert found.distinct == (2 / 8, 2 / 6, 2 / 4, 1 / 2)
    assert found.lengths == (4, 4, 4, 0)
    assert found.near == 1
    assert variety({"a": words(0, 30), "b": words(100, 30)}).near == 0


def test_a_shared_run_is_found_at_its_full_length_whatever_its_spelling() -> None:
    texts = {
        "a": f"{words(0, 9)} {RUN} {words(20, 9)}",
        "b": f"{words(40, 5)} {RUN.replace('ا', 'أ', 1)} {words(60, 5)}",
    }
    texts["c"] = words(80, 40)
    found = shared_runs(texts, SHORT_RUN)
    assert list(found) == [" ".join(words_of(RUN))]
    assert found[" ".join(words_of(RUN))] == {"a", "b"}
    assert shared_runs(texts, 15) == {}
    assert shared_with_news(texts, [("paper:1", f"{words(200, 9)} {RUN}")], LONG_RUN) == {
        "a": {"paper:1"},
        "b": {"paper:1"},
    }
    assert shared_with_news(texts, [("paper:2", words(300, 50))], LONG_RUN) == {}


def test_the_command_fails_on_a_long_run_and_shows_where(newsroom: Newsroom) -> None:
    for article in newsroom.composed["train"][:2]:
        article["text"] += f"\n{article['doc_id'][-1]} {RUN}."
    newsroom.write()
    done = python("-m", "train.diversity", cwd=newsroom.root)
    assert done.returncode == 1
    assert "runs of 12 words or more in two composed articles: 1" in done.stdout
    assert "composed:c-train-0, composed:c-train-1: وقع الطرفان" in done.stdout
    assert "| real news |" in done.stdout


def test_composed_news_that_ships_repeats_no_long_run() -> None:
    documents = composed_documents(Path(__file__).parent.parent / "data")
    texts = {d.key: f"{d.title}\n{d.text}" for d in documents}
    assert variety(texts).near < 0.005
    assert list(shared_runs(texts, LONG_RUN)) == []
    assert all(3 * unseen >= of for unseen, of in missed(documents).values()), "a third is caught by no cue list"


def test_without_composed_news_there_is_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    done = python("-m", "train.diversity", cwd=tmp_path)
    assert done.returncode == 1
    assert "expected composed articles in composed/*.jsonl" in done.stderr


@pytest.mark.parametrize("width", [SHORT_RUN, LONG_RUN])
def test_two_runs_apart_are_two(width: int) -> None:
    one, two = words(500, width), words(600, width)
    found = shared_runs({"a": f"{one} {words(0, 5)} {two}", "b": f"{two} {words(20, 5)} {one}"}, width)
    assert len(found) == 2
