"""The terminal table: columns that stand, Arabic in isolates, nothing that steers a terminal."""

from __future__ import annotations

import unicodedata

import pytest

from isnad.labels import Stance
from isnad.predictions import NO_PROPOSITION, LabelledArticle, LabelledSentence, Prediction, Span
from isnad.table import ISOLATE, POP, percent, render_table

DENIAL = "نفى المقاول سامر الديب أن يكون أي عامل قد أصيب خلال التنفيذ في الأيام الثلاثة الماضية من العمل."


def article(*rows: tuple[str, Prediction], title: str | None = None) -> LabelledArticle:
    text, sentences = "", []
    for sentence, prediction in rows:
        sentences.append(LabelledSentence.of(sentence, len(text), prediction))
        text += sentence + " "
    return LabelledArticle(text, sentences, title)


def span(sentence: str, words: str) -> Span:
    start = sentence.index(words)
    return Span(start, start + len(words), words)


def denied(score: float = 0.9, abstained: bool = False) -> Prediction:
    scores = {s.value: score if s is Stance.DENY else (1 - score) / 3 for s in Stance}
    return Prediction(
        Stance.DENY, score, scores, abstained, True, span(DENIAL, "نفى"), span(DENIAL, "المقاول سامر الديب")
    )


def shown(line: str) -> int:
    return sum(unicodedata.category(c) not in ("Mn", "Me", "Cf") for c in line)


def test_a_row_says_number_stance_confidence_sentence_cue_and_source() -> None:
    table = render_table(article((DENIAL, denied()), ("تحرير: سلمى", Prediction.nothing(NO_PROPOSITION)), title="خبر"))
    title, _, head, _, first, second, _, counts = table.splitlines()
    assert title == f"{ISOLATE}خبر{POP}"
    assert head.split() == ["#", "stance", "conf.", "sentence", "cue", "source"]
    assert first.startswith("1  ✕ deny  90%")
    assert "…" in first
    assert f"{ISOLATE}نفى{POP}" in first
    assert f"{ISOLATE}المقاول سامر الديب{POP}" in first
    assert second.split() == ["2", "–", f"{ISOLATE}تحرير:", f"سلمى{POP}"]
    assert counts == "■ assert 0   ✕ deny 1   ❝ attribute 0   ? speculate 0   – without a proposition 1"


def test_an_abstained_sentence_is_visibly_undecided() -> None:
    table = render_table(article((DENIAL, denied(0.4, abstained=True))))
    assert "○ undecided (deny?)  40%" in table
    assert "○ undecided 1 of these" in table


def test_columns_stand_below_their_heads_whatever_marks_the_text_has() -> None:
    vowelled, cue = "نَفَى المُقَاوِلُ", "نَفَى"
    table = render_table(
        article((vowelled, Prediction(Stance.DENY, 0.8, {}, cue=span(vowelled, cue))), (DENIAL, denied()))
    )
    head, _, first, second = table.splitlines()[:4]
    for row, words in ((first, cue), (second, "نفى")):
        assert shown(row[: row.index(f"{ISOLATE}{words}{POP}")]) == head.index("cue")


def test_isolates_are_balanced_and_hostile_text_cannot_steer_the_terminal() -> None:
    hostile = "\x1b[31mخبر\u202eمقلوب\u2069\x07 سطر\nآخر\ud800"
    table = render_table(article((hostile, Prediction(Stance.ASSERT, 0.997, {})), title=hostile))
    assert table.count(ISOLATE) == table.count(POP) == 2
    assert not set(table) & set("\x1b\x07\u202e\ud800")
    assert len(table.splitlines()) == 7
    assert ">99%" in table
    table.encode()


def test_an_article_without_sentences_still_gives_a_table() -> None:
    assert "■ assert 0" in render_table(LabelledArticle("", []))


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.003, "<1%"), (0.5, "50%"), (0.994, "99%"), (0.997, ">99%"), (1, "100%")],
)
def test_percent_never_rounds_to_certainty(share: float, text: str) -> None:
    assert percent(share) == text
