"""A labelled sentence as a JSON record, and as a flat row of CSV, Parquet, pandas and datasets; and back.

The flat columns, in order: what is known of the article (`doc_id` to `model`), the sentence (`sentence` counts from 0,
`start` and `end` are offsets into the article, `text`), the answer (`label`, `score`, one `score_…` a stance,
`abstained`, `attributed`), the spans (words, start and end in the article), `warnings`, `label_set`, and `before` and
`after`: the characters of the article between the sentence before and this one, and behind the last one. With these an
article can be put together again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from isnad.articles import Article
from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.predictions import LabelledArticle, LabelledSentence, Prediction, Span

if TYPE_CHECKING:
    import pyarrow as pa

ABOUT = ("title", "outlet", "date", "author", "subject", "url")
"""What an article may know of itself; a record holds what is known, a row all of it."""
SCORES = tuple(f"score_{s.value}" for s in Stance)
SPANS = ("cue", "source")
LISTS = ("warnings", "label_set")
GAPS = ("before", "after")

_SPAN_COLUMNS = tuple(name + part for name in SPANS for part in ("", "_start", "_end"))
COLUMNS = (
    "doc_id", *ABOUT, "model", "sentence", "start", "end", "text", "label", "score", *SCORES, "abstained", "attributed",
    *_SPAN_COLUMNS, *LISTS, *GAPS,
)  # fmt: skip
NEEDED = ("sentence", "start", "text", "label", "score", *SCORES)
"""Columns without which no article can be made from rows; `text` None marks an article without sentences."""

_ANSWER = tuple(f.name for f in fields(Prediction))


def record(article: Article, number: int, sentence: LabelledSentence) -> dict[str, Any]:
    """The line of JSON Lines for the sentence `number` (from 0) of `article`."""
    found: dict[str, Any] = {
        "doc_id": article.doc_id,
        "sentence": number,
        "start": sentence.start,
        "end": sentence.end,
        "text": sentence.text,
    }
    for name in _ANSWER:
        value = getattr(sentence, name)
        found[name] = {"start": value.start, "end": value.end, "text": value.text} if isinstance(value, Span) else value
    return found | {name: value for name in ABOUT if (value := getattr(article, name, None)) is not None}


def rows(article: Article, labelled: LabelledArticle) -> Iterator[dict[str, Any]]:
    """A flat row a sentence; one row with a `text` of None where there is no sentence."""
    about = {name: getattr(article, name, None) for name in ABOUT}
    about = {"doc_id": article.doc_id} | about | {"title": labelled.title, "model": labelled.model}
    last = len(labelled.sentences) - 1
    if last < 0:
        yield dict.fromkeys(COLUMNS) | about | {"sentence": 0, "before": labelled.text}
    end = 0
    for number, s in enumerate(labelled.sentences):
        gaps = {"before": labelled.text[end : s.start], "after": labelled.text[s.end :] if number == last else ""}
        end = s.end
        yield about | {"sentence": number} | _answer(s) | gaps


def _answer(s: LabelledSentence) -> dict[str, Any]:
    found: dict[str, Any] = {"start": s.start, "end": s.end, "text": s.text}
    found |= {"label": s.label and s.label.value, "score": s.score}
    found |= {f"score_{stance.value}": s.scores.get(stance.value) for stance in Stance}
    found |= {"abstained": s.abstained, "attributed": s.attributed}
    for name, span in (("cue", s.cue), ("source", s.source)):
        found |= {name: span and span.text, f"{name}_start": span and span.start, f"{name}_end": span and span.end}
    label_set = None if s.label_set is None else [stance.value for stance in s.label_set]
    return found | {"warnings": list(s.warnings), "label_set": label_set}


def schema() -> pa.Schema:
    """The Arrow types of the columns; needs pyarrow."""
    import pyarrow as pa

    types = dict.fromkeys(COLUMNS, pa.string())
    types |= dict.fromkeys(
        ("sentence", "start", "end", *(f"{s}_{p}" for s in SPANS for p in ("start", "end"))), pa.int64()
    )
    types |= dict.fromkeys(("score", *SCORES), pa.float64()) | dict.fromkeys(("abstained", "attributed"), pa.bool_())
    types |= dict.fromkeys(LISTS, pa.list_(pa.string()))
    return pa.schema([(name, types[name]) for name in COLUMNS])


def table(found: Iterable[Mapping[str, Any]]) -> pa.Table:
    """An Arrow table of flat rows; a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD."""
    import pyarrow as pa

    sound = [{name: _sound(value) for name, value in row.items()} for row in found]
    return pa.Table.from_pylist(sound, schema=schema())


def _sound(value: Any) -> Any:
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


# --- and back ---------------------------------------------------------------------------------------


def from_rows(found: Iterable[Mapping[str, Any]]) -> list[LabelledArticle]:
    """The articles of flat rows, in order; a new one begins where `doc_id` changes or `sentence` does not grow.

    Offsets hold always; characters between sentences that the rows do not know are spaces. Raises IsnadError for
    a missing column, sentences that overlap, and values that no row of ours has.
    """
    articles: list[list[Mapping[str, Any]]] = []
    for number, row in enumerate(found, 1):
        if missing := [name for name in NEEDED if name not in row]:
            raise IsnadError(
                f"expected the columns {', '.join(NEEDED)}, found no {', '.join(missing)}; make rows with "
                "`isnad.frames` or `isnad label --format parquet`"
            )
        if not isinstance(row["sentence"], int | float):
            raise IsnadError(f'row {number}: expected a number in "sentence", found {row["sentence"]!r}')
        last = articles[-1][-1] if articles else None
        if last and row.get("doc_id") == last.get("doc_id") and row["sentence"] > last["sentence"]:
            articles[-1].append(row)
        else:
            articles.append([row])
    return [_article(of_it) for of_it in articles]


def _article(found: Sequence[Mapping[str, Any]]) -> LabelledArticle:
    parts: list[str] = []
    sentences: list[LabelledSentence] = []
    end = 0
    for row in found:
        before = row.get("before") or ""
        if row["text"] is None:
            parts.append(before)
            continue
        try:
            gap = int(row["start"]) - end
            if gap < 0:
                raise ValueError(f"one that begins at {row['start']}, before the end of the one above; sort the rows")
            sentences.append(_sentence(row))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            where = f"{row.get('doc_id')}, sentence {row['sentence']}"
            raise IsnadError(f"{where}: expected a labelled sentence, found {error}") from None
        parts += (before if len(before) == gap else " " * gap, row["text"], row.get("after") or "")
        end = sentences[-1].end
    return LabelledArticle("".join(parts), sentences, found[0].get("title"), found[0].get("model") or "")


def _sentence(row: Mapping[str, Any]) -> LabelledSentence:
    start = int(row["start"])
    spans = {
        name: Span(int(row[f"{name}_start"]), int(row[f"{name}_end"]), row[name])
        for name in SPANS
        if row.get(name) is not None
    }
    label, label_set = row["label"], row.get("label_set")
    if label is not None and label not in list(Stance):
        raise ValueError(f"the label {label!r}; name one of {', '.join(Stance)}")
    return LabelledSentence(
        text=row["text"],
        start=start,
        end=start + len(row["text"]),
        label=None if label is None else Stance(label),
        score=float(row["score"]),
        scores={s.value: float(p) for s, p in ((s, row[f"score_{s.value}"]) for s in Stance) if p is not None},
        abstained=bool(row.get("abstained")),
        attributed=row.get("attributed"),
        warnings=list(row.get("warnings") or ()),
        label_set=None if label_set is None else tuple(Stance(x) for x in label_set),
        **spans,
    )
