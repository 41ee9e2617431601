"""Labelled articles to pandas and datasets and back: nothing is lost, and what is no row of ours is refused."""

from __future__ import annotations

import sys
from typing import Any

import datasets
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isnad import frames, label_article, load_classifier
from isnad.articles import Article
from isnad.errors import IsnadError
from isnad.frames import from_dataset, from_pandas, to_dataset, to_pandas
from isnad.labels import Stance
from isnad.predictions import LabelledArticle, LabelledSentence, Span

TEXT = "نفت وزارة الحدائق بيع الحديقة.\n\nوقال سامر الوردي إن الأشجار باقية. وقد ترتفع الرسوم.\n"

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
share = st.floats(0, 1)


@st.composite
def labelled_sentences(draw: st.DrawFn, text: str, start: int) -> LabelledSentence:
    label = draw(st.none() | st.sampled_from(Stance))
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    spans = [
        None if pair is None else Span(start + pair[0], start + pair[1], text[pair[0] : pair[1]])
        for pair in (draw(st.none() | ends), draw(st.none() | ends))
    ]
    return LabelledSentence(
        label=label,
        score=draw(share),
        scores={s.value: draw(share) for s in Stance} if label else {},
        abstained=draw(st.booleans()),
        attributed=draw(st.none() | st.booleans()),
        cue=spans[0],
        source=spans[1],
        warnings=draw(st.lists(st.sampled_from(["cut", "no_proposition"]))),
        label_set=draw(st.none() | st.lists(st.sampled_from(Stance), unique=True).map(tuple)),
        text=text,
        start=start,
        end=start + len(text),
    )


@st.composite
def labelled_articles(draw: st.DrawFn) -> LabelledArticle:
    text = draw(st.just("") | words)
    sentences = []
    for sentence in draw(st.lists(words, max_size=4)):
        sentences.append(draw(labelled_sentences(sentence, len(text))))
        text += sentence + draw(st.sampled_from(["", " ", "\n\n", "\t"]))
    return LabelledArticle(text, sentences, draw(st.none() | words), draw(st.sampled_from(["", "rules", "نموذج"])))


@given(st.lists(labelled_articles(), max_size=3))
@settings(max_examples=60)
def test_there_and_back_is_the_same(articles: list[LabelledArticle]) -> None:
    assert from_pandas(to_pandas(articles)) == articles
    assert from_dataset(to_dataset(articles)) == articles


@pytest.fixture
def article() -> LabelledArticle:
    return label_article(TEXT, title="حديقة", classifier=load_classifier("rules"))


def test_the_frame_is_one_to_work_with(article: LabelledArticle) -> None:
    frame = to_pandas([(Article("a-1", TEXT, "حديقة", "نشرة", "2024-05-14"), article)] * 2)
    assert frame["label"].tolist() == ["deny", "attribute", "speculate"] * 2
    assert frame.groupby("outlet")["score"].count().to_dict() == {"نشرة": 6}
    assert frame["cue_start"].dtype == pd.Int64Dtype()
    assert frame["attributed"].dtype == pd.BooleanDtype()
    for row in frame.itertuples():
        assert TEXT[row.start : row.end] == row.text
        assert row.cue == TEXT[row.cue_start : row.cue_end]


def test_filtered_rows_still_stand_where_they_stood(article: LabelledArticle) -> None:
    frame = to_pandas([article, article])
    kept = from_pandas(frame[frame["label"] != "attribute"].drop(columns=["before", "after"]))
    assert [[s.label.value for s in a.sentences if s.label] for a in kept] == [["deny", "speculate"]] * 2
    for again in kept:
        for s in again.sentences:
            assert again.text[s.start : s.end] == s.text == TEXT[s.start : s.end]


def test_a_parquet_file_of_a_frame_comes_back(article: LabelledArticle, tmp_path: Any) -> None:
    to_pandas([article]).to_parquet(tmp_path / "a.parquet")
    assert from_pandas(pd.read_parquet(tmp_path / "a.parquet")) == [article]
    assert from_dataset(datasets.Dataset.from_pandas(to_pandas([article]))) == [article]


def test_what_is_no_row_of_ours_is_refused_in_a_sentence(article: LabelledArticle) -> None:
    frame = to_pandas([article])
    for spoilt, found in (
        (pd.DataFrame({"text": ["نص"], "label": ["deny"]}), "found no sentence, start, score"),
        (frame.assign(label="perhaps"), "found the label 'perhaps'; name one of assert"),
        (frame.assign(start=0), "1, sentence 1: expected a labelled sentence, found one that begins at 0"),
        (frame.assign(sentence="first"), "expected a number in \"sentence\", found 'first'"),
    ):
        with pytest.raises(IsnadError, match=r"expected .*found") as caught:
            from_pandas(spoilt)
        assert found in str(caught.value)


def test_a_lone_surrogate_does_not_stop_a_frame() -> None:
    odd = label_article("قال الحارس إن الباب \ud800 مغلق.", classifier=load_classifier("rules"))
    assert to_pandas([odd])["text"].tolist() == ["قال الحارس إن الباب \ufffd مغلق."]


@pytest.mark.parametrize(
    ("function", "library", "extra"), [("to_pandas", "pandas", "tables"), ("to_dataset", "datasets", "train")]
)
def test_what_is_not_installed_is_named(
    function: str, library: str, extra: str, article: LabelledArticle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isnad.errors.find_spec", lambda name: None if name == library else sys)
    with pytest.raises(IsnadError, match=rf'needs {library}: pip install "isnad\[{extra}\]"'):
        getattr(frames, function)([article])
