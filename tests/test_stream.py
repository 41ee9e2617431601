"""Many articles at a time: in order, lazily, each with the answers that it would have got alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, invented, python
from hypothesis import given, settings
from hypothesis import strategies as st

from isnad import classifier as door
from isnad import label_article, load_classifier
from isnad.articles import Article
from isnad.classifier import label_articles
from isnad.labels import Stance
from isnad.predictions import FAILED, NOT_ARABIC, Classifier, Prediction


def articles(count: int) -> list[Article]:
    made = [invented(f"stream-{i}") for i in range(count)]
    return [Article(a["doc_id"], a["text"], a["title"]) for a in made]


class Counting:
    """A classifier whose answer tells the sentence, its context and title; it fails on the word «عطل»."""

    name = "counting"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.threads: set[int] = set()

    def predict(
        self,
        sentences: Sequence[str],
        *,
        before: Sequence[Any] | None = None,
        title: Sequence[str | None] | None = None,
    ) -> list[Prediction]:
        self.calls.append(len(sentences))
        self.threads.add(threading.get_ident())
        if any("عطل" in s for s in sentences):
            raise RuntimeError("out of order")
        known = zip(sentences, before or [], title or [], strict=True)
        return [Prediction(Stance.ASSERT, 1.0, {}, warnings=[repr(k)]) for k in known]


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> int:
    """Windows of two or three articles."""
    monkeypatch.setattr(door, "WINDOW", 1500)
    return 1500


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 4000))
@settings(max_examples=40, deadline=None)
def test_together_is_as_alone_in_order_whatever_the_window(places: list[int], window: int) -> None:
    known = articles(41)
    chosen = [known[i] for i in places]
    kept, door.WINDOW = door.WINDOW, window
    try:
        found = list(label_articles(chosen, classifier=Counting()))
    finally:
        door.WINDOW = kept
    assert [a for a, _ in found] == chosen
    for article, answer in found:
        assert answer == label_article(article.text, title=article.title, classifier=Counting())


def test_sentences_of_several_articles_are_labelled_in_one_call(small_windows: int) -> None:
    counting = Counting()
    found = list(label_articles(articles(20), classifier=counting))
    assert len(counting.calls) < 10
    assert sum(counting.calls) == sum(s.label is not None for _, a in found for s in a.sentences)
    assert len(counting.threads) == 1, "one that does not say it is threadsafe is called from one thread"


def test_articles_are_read_only_as_far_ahead_as_the_work_needs(small_windows: int) -> None:
    read: list[str] = []

    def endless() -> Iterator[Article]:
        for number in range(100_000):
            article = articles(1)[0]
            read.append(str(number))
            yield Article(str(number), article.text)

    stream = label_articles(endless(), classifier=Counting())
    assert not read, "nothing is read before the first answer is asked for"
    for _ in range(30):
        next(stream)
    assert len(read) < 60
    stream.close()
    assert len(read) < 60


def test_an_article_that_fails_costs_the_others_nothing(small_windows: int) -> None:
    given = articles(9)
    given[4] = Article("bad", "وصل الوفد إلى هدران أمس. وقع عطل في قمنيم مساء السبت.")
    found = list(label_articles(given, classifier=Counting()))
    assert [a.doc_id for a, _ in found] == [a.doc_id for a in given]
    assert [(s.label, s.warnings) for s in found[4][1].sentences] == [(None, [FAILED])] * 2
    for article, answer in found[:4] + found[5:]:
        assert answer == label_article(article.text, title=article.title, classifier=Counting())


def test_what_is_logged_of_a_failure_holds_no_word_of_an_article(caplog: pytest.LogCaptureFixture) -> None:
    class Quoting(Counting):
        def predict(self, sentences: Sequence[str], **context: Any) -> list[Prediction]:
            if any("عطل" in s for s in sentences):
                raise ValueError(f"cannot read {sentences}")
            return super().predict(sentences, **context)

    given = [*articles(2), Article("bad", "وقع عطل في قمنيم مساء السبت.")]
    list(label_articles(given, classifier=Quoting()))
    assert caplog.messages == ["the classifier failed on 1 of 3 articles (ValueError)"]


def test_a_text_without_an_arabic_letter_gets_no_stance_and_says_why() -> None:
    found = label_article("The ministry denied it. Prices may rise.", classifier=Counting())
    assert [(s.label, s.warnings) for s in found.sentences] == [(None, [NOT_ARABIC])] * 2


def test_a_classifier_that_fails_on_everything_is_not_hidden() -> None:
    with pytest.raises(RuntimeError, match="out of order"):
        list(label_articles([Article("a", "وقع عطل في قمنيم مساء السبت.")] * 3, classifier=Counting()))


def test_what_was_read_before_the_reader_failed_is_answered_first(small_windows: int) -> None:
    def broken() -> Iterator[Article]:
        yield from articles(7)
        raise OSError("the disk is gone")

    stream = label_articles(broken(), classifier=Counting())
    assert [next(stream)[0].doc_id for _ in range(7)] == [a.doc_id for a in articles(7)]
    with pytest.raises(OSError, match="the disk is gone"):
        next(stream)


def test_nothing_gives_nothing() -> None:
    assert list(label_articles([], classifier=Counting())) == []
    ((_, answer),) = label_articles([Article("empty", "  \n ")], classifier=Counting())
    assert answer.sentences == []


def composed(count: int) -> list[Article]:
    """Articles that we composed ourselves."""
    lines = [x for f in sorted((ROOT / "data/composed").glob("*.jsonl")) for x in f.read_text("utf-8").splitlines()]
    rows = [json.loads(x) for x in lines[:: len(lines) // count]]
    return [Article(r["doc_id"], r["text"], r.get("title")) for r in rows if r.get("text")][:count]


@pytest.mark.parametrize("name", ["rules", None])
def test_composed_articles_get_the_same_answers_alone_and_in_the_archive(name: str | None) -> None:
    classifier: Classifier = load_classifier(name)
    given = composed(60)
    pairs = list(label_articles(given, classifier=classifier))
    assert sum(len(answer.sentences) for _, answer in pairs) > 500
    for article, answer in pairs:
        assert answer == label_article(article.text, title=article.title, classifier=classifier)


SCRIPT = """
import sys
from isnad.cli import main
try:
    main(["label", sys.argv[1], "--format", "jsonl", "-o", sys.argv[2]])
finally:
    heavy = {"torch", "transformers", "sklearn", "pandas", "pyarrow", "scipy", "trafilatura", "fastapi", "datasets"}
    print("HEAVY", sorted(heavy & set(sys.modules)))
"""


def test_labelling_a_text_file_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(invented("cold")["text"], encoding="utf-8")
    done = python("-c", SCRIPT, "a.txt", "out.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "HEAVY []" in done.stdout
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8").count("\n") > 5
