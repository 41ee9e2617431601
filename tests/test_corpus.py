"""The guard before the unlabelled news: what is measured on later is never trained on."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import ROOT, invented, write_corpus

from isnad.duplicates import DuplicateIndex
from isnad.errors import IsnadError
from isnad.examples import COMPOSED, CORPORA_VARIABLE, Document, corpus_articles, join, publisher, read_splits
from isnad.text import normalise_text
from train.corpus import (
    NEAR_PROTECTED,
    PROTECTED_SPLITS,
    RESERVE_PERCENT,
    Guard,
    build_guard,
    is_reserved,
    prepare_text,
    training_articles,
)

if TYPE_CHECKING:
    from conftest import Newsroom

PROTECTED = "near-duplicate of a protected article"


def free_id(corpus: str, stem: str, *, reserved: bool = False) -> str:
    """The first `stem-N` that is (not) in the reserve."""
    return next(f"{stem}-{i}" for i in range(1000) if is_reserved(f"{corpus}:{stem}-{i}") is reserved)


def reworded(article: dict[str, Any], doc_id: str, outlet: str, share: int) -> dict[str, Any]:
    """The same text under another id and outlet, every `share`-th word another one."""
    parts = article["text"].split(" ")
    text = " ".join(f"بديل{i}" if i % share == 0 else word for i, word in enumerate(parts))
    return {**article, "doc_id": doc_id, "outlet": outlet, "title": "عنوان آخر تماماً", "text": text}


@pytest.fixture
def guarded(newsroom: Newsroom) -> Newsroom:
    """A newsroom with unlabelled news of every sort, and what must become of each in `expected`."""
    ant, saudi = newsroom.unlabelled["antcorpus"], newsroom.unlabelled["saudinewsnet"]
    test = newsroom.labelled["test"]["saudinewsnet"][0]
    ant.append(invented(free_id("antcorpus", "plain"), outlet="إذاعة الورق"))
    ant.append(reworded(test, free_id("antcorpus", "twin"), "إذاعة الورق", 12))
    ant.append(invented(free_id("antcorpus", "later", reserved=True), outlet="إذاعة الورق"))
    seed = {**invented("seed"), "doc_id": free_id("antcorpus", "seed"), "outlet": "إذاعة الورق"}
    ant.append(seed)
    saudi.append(invented(free_id("saudinewsnet", "plain"), outlet="صحيفة أخرى"))
    saudi.append(invented(free_id("saudinewsnet", "same-outlet"), outlet="صحيفة النخيل"))
    newsroom.unlabelled["hespress"].append(invented(free_id("hespress", "sport"), outlet="قسم الرياضة"))
    bare = {**invented(free_id("sanad_khaleej", "Sport/1")), "title": None}
    newsroom.unlabelled["sanad_khaleej"].append(bare)
    return newsroom.write()


def guard_of(room: Newsroom) -> Guard:
    return build_guard(room.data, room.corpora, room.seeds)


# --- the guard ----------------------------------------------------------------------------------


def test_each_article_is_kept_out_for_its_reason_and_counted(guarded: Newsroom) -> None:
    guard = guard_of(guarded)
    admitted = [f"{corpus}:{a['doc_id']}" for corpus, a in training_articles(guard, guarded.corpora)]
    names = {key.rpartition("-")[0] for key in admitted}
    assert names == {
        "antcorpus:ant-train",
        "antcorpus:plain",
        "saudinewsnet:plain",
        "saudinewsnet:same-outlet",
        "sanad_khaleej:Sport/1",
    }
    assert guard.counts == {
        "admitted": 7,
        "protected article": 5,  # two of dev, two of test, one of test-outlets
        PROTECTED: 2,  # the reworded one and the seed
        "reserve": 1,
        "held-out publisher": 1,
    }


def test_the_whole_publisher_of_test_outlets_is_kept_out(guarded: Newsroom) -> None:
    guard = guard_of(guarded)
    assert guard.publishers == {"hespress.com"}
    new = invented("another", outlet="قسم لم يره أحد")
    assert guard.reason("hespress", new) == "held-out publisher"
    assert guard.reason("antcorpus", {**new, "doc_id": free_id("antcorpus", "x")}) is None
    same_outlet = {**new, "outlet": "صحيفة النخيل", "doc_id": free_id("saudinewsnet", "x")}
    assert guard.reason("saudinewsnet", same_outlet) is None, "an outlet of test alone may be read"


@pytest.mark.parametrize("split", ["dev", "test", "test-outlets"])
def test_a_copy_of_a_protected_article_is_known_by_its_words(guarded: Newsroom, split: str) -> None:
    guard = guard_of(guarded)
    original = next(iter(guarded.labelled[split].values()))[0]
    doc_id = free_id("antcorpus", "copy")
    for share in (1000, 12):
        copy = reworded(original, doc_id, "إذاعة الورق", share)
        assert guard.reason("antcorpus", copy) == PROTECTED
    parts = original["text"].split(" ")
    excerpt = {**original, "doc_id": doc_id, "outlet": "إذاعة الورق", "title": "", "text": " ".join(parts[10:40])}
    assert guard.reason("antcorpus", excerpt) == PROTECTED
    changed = reworded(original, doc_id, "إذاعة الورق", 3)
    assert guard.reason("antcorpus", changed) is None, "no run of five words is left"


def test_a_composed_test_article_and_the_seed_are_protected_too(guarded: Newsroom) -> None:
    guard = guard_of(guarded)
    for text in (guarded.composed["test"][0]["text"], guarded.composed["dev"][0]["text"], invented("seed")["text"]):
        article = {"doc_id": free_id("antcorpus", "x"), "title": None, "text": text, "outlet": "إذاعة الورق"}
        assert guard.reason("antcorpus", article) == PROTECTED


def test_a_train_article_may_be_read_even_where_it_falls_into_the_reserve(newsroom: Newsroom) -> None:
    doc_id = free_id("antcorpus", "taught", reserved=True)
    newsroom.labelled["train"]["antcorpus"].append(invented(doc_id, outlet="إذاعة الورق"))
    newsroom.write()
    article = next(corpus_articles(newsroom.corpora, "antcorpus", [doc_id]))
    guard = guard_of(newsroom)
    assert guard.admits("antcorpus", article)
    other = {**article, "doc_id": free_id("antcorpus", "y", reserved=True)}
    assert guard.reason("antcorpus", other) == "reserve"


def test_the_reserve_is_a_twentieth_and_never_moves() -> None:
    share = sum(is_reserved(f"antcorpus:{i}") for i in range(20_000)) / 20_000
    assert share == pytest.approx(RESERVE_PERCENT / 100, abs=0.005)
    assert [i for i in range(60) if is_reserved(f"saudinewsnet:{i}")] == [42, 45, 52, 59]


def test_a_sentence_of_a_protected_article_is_known_wherever_it_stands(guarded: Newsroom) -> None:
    guard = guard_of(guarded)
    held = guarded.labelled["test"]["saudinewsnet"][0]
    sentences = [held["text"][u["start"] : u["end"]] for u in held["sentences"][1:-1]]
    assert all(guard.touches(s) for s in sentences)
    assert all(guard.touches("وكالة: " + s) for s in sentences)
    own = guarded.labelled["train"]["antcorpus"][0]
    assert not any(guard.touches(own["text"][u["start"] : u["end"]]) for u in own["sentences"][1:-1])
    assert not guard.touches("")


def test_without_the_text_of_a_protected_article_nothing_can_be_kept_out(guarded: Newsroom) -> None:
    for name in ("saudinewsnet", "hespress"):
        write_corpus(guarded.corpora / f"{name}.jsonl.xz", [])
    with pytest.raises(IsnadError, match=r"3 are missing \(hespress:hes-outlets-0 first\)"):
        guard_of(guarded)


# --- the text that is written --------------------------------------------------------------------


def prepared(room: Newsroom) -> Any:
    return prepare_text(room.data, room.corpora, room.seeds, room.root / "cache", "plain")


def test_no_protected_sentence_reaches_the_training_text(guarded: Newsroom) -> None:
    text = prepared(guarded)
    whole = text.lines.read_text(encoding="utf-8")
    for split in ("dev", "test", "test-outlets"):
        for article in [a for found in guarded.labelled[split].values() for a in found]:
            for unit in article["sentences"][1:-1]:
                sentence = article["text"][unit["start"] : unit["end"]]
                assert normalise_text(sentence, "plain") not in whole, (split, article["doc_id"])
    own = guarded.labelled["train"]["antcorpus"][0]
    assert normalise_text(own["title"], "plain") in whole.splitlines()
    assert text.summary()["articles"]["admitted"] == len(text.keys()) == 7
    assert text.summary()["words"] == len(whole.split())
    assert not list(guarded.root.rglob("*.part"))


def test_the_text_is_made_once_and_again_when_the_splits_change(
    guarded: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared(guarded)
    monkeypatch.setattr("train.corpus.build_guard", lambda *_: pytest.fail("made again without need"))
    assert prepared(guarded) == first
    monkeypatch.undo()
    monkeypatch.chdir(guarded.root)
    train, dev = (guarded.data / f"splits/{s}.json" for s in ("train", "dev"))
    names = {p: set(json.loads(p.read_text())["articles"]) for p in (train, dev)}
    train.write_text(json.dumps({"articles": sorted(names[train] - {"antcorpus:ant-train-0"})}))
    dev.write_text(json.dumps({"articles": sorted(names[dev] | {"antcorpus:ant-train-0"})}))
    second = prepared(guarded)
    assert second.folder != first.folder
    assert set(first.keys()) - set(second.keys()) == {"antcorpus:ant-train-0"}


def test_a_half_written_text_is_made_again(guarded: Newsroom) -> None:
    first = prepared(guarded)
    whole = first.lines.read_bytes()
    (first.folder / "summary.json").unlink()
    first.lines.write_bytes(b"half")
    assert prepared(guarded).lines.read_bytes() == whole


# --- the real news ------------------------------------------------------------------------------


def real_corpora() -> Path | None:
    places = [os.environ.get(CORPORA_VARIABLE) or "", ROOT / "corpora", ROOT / "../shared/corpora"]
    return next((Path(p) for p in places if p and (Path(p) / "antcorpus.jsonl.xz").is_file()), None)


@pytest.mark.skipif(real_corpora() is None, reason="the news text is not here (set ISNAD_CORPORA to its folder)")
def test_on_the_real_news_nothing_that_is_measured_on_is_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """All protected articles, and each under a free id as a stranger's copy; then 200 others, drawn blindly."""
    corpora = real_corpora()
    assert corpora is not None
    joined: list[Document] = []

    def remembered(*arguments: Any) -> Any:
        found, missing = join(*arguments)
        joined.extend(d for d in found if d.corpus != COMPOSED)
        return found, missing

    monkeypatch.setattr("train.corpus.join", remembered)  # the news is read once, not twice
    guard = build_guard(ROOT / "data", corpora, ROOT / "seeds")
    owner = read_splits(ROOT / "data/splits")
    assert {d.key for d in joined} == {k for k, s in owner.items() if s in PROTECTED_SPLITS and "composed:" not in k}
    for document in joined:
        article = {"doc_id": document.doc_id, "title": document.title, "text": document.text, "outlet": document.outlet}
        assert not guard.admits(document.corpus, article), document.key
        copy = {**article, "doc_id": free_id("antcorpus", document.doc_id), "outlet": "صحيفة بعيدة"}
        assert guard.reason("antcorpus", copy) == PROTECTED, document.key

    protected = DuplicateIndex({d.key: f"{d.title}\n{d.text}" for d in joined})
    articles = list(corpus_articles(corpora, "antcorpus"))
    sample = random.Random(13).sample(articles, 200)
    admitted = [a for a in sample if guard.admits("antcorpus", a)]
    assert 150 < len(admitted) < 200, "most news may be read, and not all"
    for article in admitted:
        key = f"antcorpus:{article['doc_id']}"
        assert owner.get(key) not in PROTECTED_SPLITS
        assert publisher("antcorpus", article["outlet"]) not in guard.publishers
        assert not protected.near(f"{article['title'] or ''}\n{article['text']}", NEAR_PROTECTED)
        assert owner.get(key) == "train" or not is_reserved(key)
