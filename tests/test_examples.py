"""Labelled sentences and the news text they are joined with; near-duplicates, which must not cross splits."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from isnad.duplicates import NEAR, DuplicateIndex, groups, shingles
from isnad.errors import IsnadError
from isnad.examples import (
    TITLE,
    corpus_articles,
    document_examples,
    find_corpora,
    join,
    load_data,
    publisher,
    read_documents,
    read_splits,
    sentence_hash,
)
from isnad.labels import Stance

if TYPE_CHECKING:
    from conftest import Newsroom


# --- joining ------------------------------------------------------------------------------------


def test_standoff_labels_meet_their_text(newsroom: Newsroom) -> None:
    newsroom.write()
    documents = read_documents([newsroom.data / "news/antcorpus.jsonl"])
    assert all(d.text is None for d in documents)
    joined, missing = join(documents, newsroom.corpora)
    assert ([d.key for d in joined], missing) == ([d.key for d in documents], [])
    given = newsroom.labelled["train"]["antcorpus"][0]
    assert (joined[0].text, joined[0].title) == (given["text"], given["title"])
    for document in joined:
        assert all(sentence_hash(document.sentence(u)) == u.sha1 for u in document.units)
        assert document.sentence(document.units[0]) == document.title
        assert document.units[-1].label is None, "`skip` in the file"


def test_a_text_that_is_not_there_is_counted_and_the_rest_goes_on(newsroom: Newsroom) -> None:
    lost = newsroom.labelled["train"]["antcorpus"][1]
    newsroom.write()
    kept = [a for a in corpus_articles(newsroom.corpora, "antcorpus") if a["doc_id"] != lost["doc_id"]]
    with lzma.open(newsroom.corpora / "antcorpus.jsonl.xz", "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(a, ensure_ascii=False) + "\n" for a in kept)
    found = load_data(newsroom.data, newsroom.corpora)
    assert found.missing == 1
    assert f"antcorpus:{lost['doc_id']}" not in {d.key for d in found.documents["train"]}
    assert len(found.documents["train"]) == 6
    assert load_data(newsroom.data, None).missing == 8, "without a folder all news lacks its text"
    assert load_data(newsroom.data, None, splits=("dev",)).missing == 2


def test_a_text_that_differs_by_a_letter_is_refused_with_its_place(newsroom: Newsroom) -> None:
    article = newsroom.labelled["dev"]["antcorpus"][1]
    newsroom.write()
    rows = list(corpus_articles(newsroom.corpora, "antcorpus"))
    for row in rows:
        if row["doc_id"] == article["doc_id"]:
            row["text"] = row["text"].replace("ق", "ف", 1)
    with lzma.open(newsroom.corpora / "antcorpus.jsonl.xz", "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    with pytest.raises(IsnadError, match=r"its SHA-1 differs.*make the corpus again") as caught:
        load_data(newsroom.data, newsroom.corpora)
    assert str(caught.value).startswith(f"{newsroom.data / 'news/antcorpus.jsonl'}:5: the text of antcorpus:ant-dev-1")
    assert not any(word in str(caught.value) for word in article["text"].split() if len(word) > 4), (
        "no newspaper's text in a message"
    )
    load_data(newsroom.data, newsroom.corpora, splits=("train",))


def test_a_corpus_that_is_not_there_is_counted_and_named_when_asked_for(newsroom: Newsroom) -> None:
    newsroom.write()
    (newsroom.corpora / "saudinewsnet.jsonl.xz").unlink()
    assert load_data(newsroom.data, newsroom.corpora).missing == 2
    with pytest.raises(IsnadError, match=r"saudinewsnet\.jsonl\.xz: expected this corpus of the news text"):
        next(corpus_articles(newsroom.corpora, "saudinewsnet"))


def test_a_damaged_corpus_is_named(newsroom: Newsroom) -> None:
    newsroom.write()
    path = newsroom.corpora / "antcorpus.jsonl.xz"
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"no archive", lzma.compress(b'{"doc_id": "ant-train-0"')):
        path.write_bytes(damaged)
        with pytest.raises(
            IsnadError, match=r"antcorpus\.jsonl\.xz: expected an article a line, packed by xz, found it"
        ):
            load_data(newsroom.data, newsroom.corpora)


def test_a_malformed_line_names_file_and_line(newsroom: Newsroom) -> None:
    newsroom.write()
    path = newsroom.data / "composed/a.jsonl"
    good = path.read_text(encoding="utf-8").splitlines()
    without = json.dumps({k: v for k, v in json.loads(good[1]).items() if k != "outlet"})
    for bad in ("{", without, good[1].replace('"deny"', '"denied"')):
        path.write_text("\n".join([good[0], bad, *good[2:]]) + "\n", encoding="utf-8")
        with pytest.raises(IsnadError, match=r"composed/a\.jsonl:2: expected one labelled article") as caught:
            load_data(newsroom.data, None)
        assert "`isnad check data` lists every problem" in str(caught.value)


def test_articles_come_in_file_order_and_only_those_that_are_wanted(newsroom: Newsroom) -> None:
    newsroom.write()
    ids = [a["doc_id"] for a in corpus_articles(newsroom.corpora, "antcorpus")]
    assert ids == [f"ant-train-{i}" for i in range(3)] + ["ant-dev-0", "ant-dev-1"]
    some = [a["doc_id"] for a in corpus_articles(newsroom.corpora, "antcorpus", ["ant-dev-1", "ant-train-1", "none"])]
    assert some == ["ant-train-1", "ant-dev-1"]


# --- where the news text is looked for -----------------------------------------------------------


def test_the_corpora_are_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = tmp_path / "checkout"
    for folder in (checkout / "corpora", tmp_path / "shared/corpora", tmp_path / "variable", tmp_path / "config"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("ISNAD_CORPORA", str(tmp_path / "variable"))
    assert find_corpora(str(tmp_path / "config")) == tmp_path / "config"
    assert find_corpora() == tmp_path / "variable"
    monkeypatch.delenv("ISNAD_CORPORA")
    assert find_corpora() == Path("corpora")
    (checkout / "corpora").rmdir()
    assert find_corpora() == Path("../shared/corpora")
    (tmp_path / "shared/corpora").rmdir()
    assert find_corpora() is None


@pytest.mark.parametrize("by", ["variable", "config"])
def test_a_folder_that_was_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    (tmp_path / "corpora").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISNAD_CORPORA", "gone" if by == "variable" else "")
    with pytest.raises(IsnadError, match=r"found nothing at 'gone'; correct `corpora` or ISNAD_CORPORA, or leave both"):
        find_corpora("gone" if by == "config" else None)


# --- splits -------------------------------------------------------------------------------------


def test_an_article_in_two_splits_is_refused(newsroom: Newsroom) -> None:
    newsroom.write()
    path = newsroom.data / "splits/test.json"
    path.write_text(json.dumps({"articles": ["composed:c-train-0"]}))
    with pytest.raises(IsnadError, match=r"test\.json: article composed:c-train-0 stands in 'train' too"):
        read_splits(newsroom.data / "splits")


def test_a_missing_or_broken_split_is_named(newsroom: Newsroom) -> None:
    newsroom.write()
    path = newsroom.data / "splits/dev.json"
    for content in ("{", '{"split": "dev"}', "[]"):
        path.write_text(content)
        with pytest.raises(IsnadError, match=r"splits/dev\.json: expected a list of article ids"):
            read_splits(newsroom.data / "splits")
    path.unlink()
    with pytest.raises(IsnadError, match=r"splits/dev\.json: expected a list of article ids"):
        load_data(newsroom.data, None)


def test_every_article_goes_where_the_splits_say(newsroom: Newsroom) -> None:
    newsroom.write()
    found = load_data(newsroom.data, newsroom.corpora)
    owner = read_splits(newsroom.data / "splits")
    assert {d.key: split for split, ds in found.documents.items() for d in ds} == owner
    assert len(owner) == 14
    assert {e.split for e in found.examples("test-outlets")} == {"test-outlets"}


# --- examples -----------------------------------------------------------------------------------


def test_a_sentence_comes_with_its_title_and_the_sentence_before(newsroom: Newsroom) -> None:
    newsroom.write()
    document = next(d for d in load_data(newsroom.data, None).documents["dev"])
    title, first, second, *rest = document_examples(document, "dev")
    assert (title.start, title.text) == (TITLE, document.title)
    assert (title.title, title.before) == (None, None), "a title has no context"
    assert (first.title, first.before) == (document.title, None)
    assert (second.title, second.before) == (document.title, first.text)
    assert all(e.before == earlier.text for earlier, e in zip([second, *rest], rest, strict=False))
    assert rest[-1].label is None
    assert second.reference == f"composed:c-dev-0:{second.start}-{second.end}"
    assert document.text is not None
    assert document.text[second.start : second.end] == second.text


def test_units_without_a_proposition_are_left_out_unless_asked_for(newsroom: Newsroom) -> None:
    newsroom.write()
    data = load_data(newsroom.data, newsroom.corpora)
    plain, all_of_them = data.examples("train"), data.examples("train", skip=True)
    assert (len(plain), len(all_of_them)) == (106, 113)
    assert {e.label for e in plain} == set(Stance)
    assert all(len(e.text.split()) < 5 for e in all_of_them if e.label is None)


def test_spans_lie_in_the_sentence(newsroom: Newsroom) -> None:
    newsroom.write()
    examples = load_data(newsroom.data, newsroom.corpora).examples("train")
    cues = {e.text[slice(*e.cue)] for e in examples if e.cue}
    assert cues == {"نفت", "ونفى", "قال", "وأكد", "قد", "وربما"}
    assert all(e.text[slice(*e.source)] in e.text.split(" إن ")[0] for e in examples if e.source)
    assert {e.origin for e in examples} == {"news", "composed"}


def test_the_sections_of_hespress_are_one_publisher() -> None:
    assert publisher("hespress", "قسم المجتمع") == publisher("hespress", "قسم الرياضة")
    assert publisher("saudinewsnet", "صحيفة النخيل") == "صحيفة النخيل"


# --- near-duplicates ----------------------------------------------------------------------------

LETTERS = "بتجحدرسصعفقكلمنهوي"
words = st.text(LETTERS, min_size=2, max_size=7)
articles = st.lists(words, min_size=24, max_size=80).map(" ".join)


@given(articles, st.data())
@settings(max_examples=60, deadline=None)
def test_a_text_is_near_itself_and_near_itself_with_a_word_dropped(text: str, data: st.DataObject) -> None:
    index = DuplicateIndex({"a": text})
    assert index.near(text) == ["a"]
    assert index.overlaps(text) == {"a": 1.0}
    parts = text.split()
    at = data.draw(st.integers(0, len(parts) - 1))
    variant = " ".join(parts[:at] + parts[at + 1 :])
    assert index.near(variant) == ["a"]
    assert index.overlaps(variant)["a"] > 0.5


@given(articles, articles)
@settings(max_examples=60, deadline=None)
def test_unrelated_texts_are_not_near(one: str, other: str) -> None:
    moved = other.translate({ord(a): b for a, b in zip(LETTERS, "ثخذزشضطظغءةىآؤئإأپ", strict=True)})
    assume(not set(one.split()) & set(moved.split()))
    index = DuplicateIndex({"a": one})
    assert index.near(moved) == []
    assert not index.holds(shingles(moved)).any()


@given(articles, st.integers(0, 70))
@settings(max_examples=60, deadline=None)
def test_the_share_is_that_of_the_shorter_text_and_the_same_both_ways(text: str, start: int) -> None:
    parts = text.split()
    piece = " ".join(parts[start % len(parts) :][:10])
    assume(len(piece.split()) >= 5)
    there = DuplicateIndex({"a": text}).overlaps(piece)["a"]
    back = DuplicateIndex({"a": piece}).overlaps(text)["a"]
    assert there == back == 1.0, "a piece of an article is wholly in it"


def test_spelling_marks_and_layout_hide_nothing() -> None:
    plain = "أعلنت بلدية لؤلؤة أن الحديقة الكبرى ستبقى مفتوحة طوال أيام الصيف للزوار"
    dressed = "أَعْلَنَت  بلديــة\nلؤلؤة «أنّ» الحديقة الكبرى، ستبقى مفتوحة طوال ايام الصيف للزوار!"
    assert DuplicateIndex({"a": plain}).overlaps(dressed) == {"a": 1.0}


def test_the_same_words_in_another_order_are_another_text() -> None:
    waves = [f"موج{i}" for i in range(40)]
    assert DuplicateIndex({"a": " ".join(waves)}).overlaps(" ".join(reversed(waves))) == {}


def test_groups_join_chains_and_leave_single_articles_out() -> None:
    sea = [f"موج{i}" for i in range(40)]
    texts = {
        "a": " ".join(sea[:24]),
        "b": " ".join(sea[8:32]),
        "c": " ".join(sea[16:40]),
        "d": " ".join(f"رمل{i}" for i in range(30)),
    }
    index = DuplicateIndex({"a": texts["a"]})
    assert index.overlaps(texts["c"]).get("a", 0) < NEAR, "the ends of the chain are not near by themselves"
    assert groups(texts) == [{"a", "b", "c"}]
    assert groups({}) == groups({"d": texts["d"]}) == []


def test_an_empty_text_is_near_nothing() -> None:
    assert DuplicateIndex({"a": ""}).near("") == []
    assert DuplicateIndex({}).near("كلمة واحدة") == []
