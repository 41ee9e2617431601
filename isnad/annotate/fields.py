"""What the tools' files have in common: a sentence's particulars, UTF-16 offsets, sentences of blame."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from isnad.annotate.task import GUIDELINES, Answer, Task, checked, parse_reference
from isnad.errors import IsnadError
from isnad.examples import Bounds, sentence_hash

PARTICULARS = ("title", "before", "after", "outlet", "date", "kind")
SPANS = ("cue", "source")


def particulars(task: Task) -> dict[str, Any]:
    """All of a task but its text, answers and suggestion, as flat fields."""
    own = {name: getattr(task, name) for name in PARTICULARS}
    return {"reference": task.reference, "sha1": sentence_hash(task.text), **own}


def task_of(text: str, fields: Mapping[str, Any]) -> Task:
    """The task with these particulars; only `reference` is needed. Raises ValueError."""
    if not fields.get("reference"):
        raise ValueError("expected the field `reference` (corpus:doc_id:start-end), found none; keep it in the tool")
    corpus, doc_id, start, end = parse_reference(str(fields["reference"]))
    wanted = fields.get("sha1")
    if wanted and sentence_hash(text) != wanted:
        raise ValueError(
            f"expected the sentence that was exported as {fields['reference']}, found other words (its SHA-1 differs)"
        )
    if start >= 0 and end - start != len(text):
        raise ValueError(f"expected {end - start} characters at {fields['reference']}, found {len(text)}")
    own: dict[str, Any] = {name: str(fields[name]) for name in PARTICULARS if fields.get(name)}
    return Task(corpus=corpus, doc_id=doc_id, start=start, end=end, text=text, **own)


def answer_from(
    task: Task,
    annotator: str,
    label: str,
    marks: list[str],
    spans: Mapping[str, Bounds],
    *,
    guidelines: int | None = None,
    score: float | None = None,
) -> Answer:
    """A checked answer from a tool's choices. Raises ValueError."""
    answer = Answer(
        annotator=annotator,
        label=label,
        attributed="attributed" in marks,
        unsure="unsure" in marks,
        trap="trap" in marks,
        cue=spans.get("cue"),
        source=spans.get("source"),
        guidelines=GUIDELINES if guidelines is None else guidelines,
        score=score,
    )
    return checked(task, answer)


def in_words(error: Exception) -> str:
    """What went wrong with a record, for the end of a sentence of blame."""
    if isinstance(error, KeyError):
        return f"expected the field {error}, found none"
    return (
        str(error) if isinstance(error, ValueError) and str(error) else f"malformed ({type(error).__name__}: {error})"
    )


def read_list(path: Path, wanted: str, one: str, read: Callable[[dict[str, Any]], Task]) -> Iterator[Task]:
    """The tasks that `read` makes of the objects of a JSON list; raises IsnadError that names the `one` at fault."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise IsnadError(f"expected {wanted}, found no JSON: {error}", path=path) from error
    if not isinstance(rows, list):
        raise IsnadError(f"expected {wanted}, found {type(rows).__name__}", path=path)
    for number, row in enumerate(rows, 1):
        try:
            yield read(row)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            where = row.get("id", number) if isinstance(row, dict) else number
            raise IsnadError(f"{one} {where}: {in_words(error)}", path=path) from error


def spans_of(answer: Answer) -> list[tuple[str, int, int]]:
    """`(cue or source, start, end)` of the spans that an answer marks."""
    found = [(name, getattr(answer, name)) for name in SPANS]
    return [(name, span[0], span[1]) for name, span in found if span is not None]


def trusted_span(text: str, start: int, end: int, words: str | None) -> tuple[int, int]:
    """The span as Python indices, whether the tool counted code points or UTF-16 units.

    A browser counts UTF-16 units: an emoji before the span moves it by one. `words`, when the tool gives them,
    decide. Raises ValueError when neither count finds them.
    """
    if words is None or text[start:end] == words:
        return start, end
    units = text.encode("utf-16-le")
    piece = units[2 * start : 2 * end].decode("utf-16-le", "replace")
    if piece == words:
        begin = len(units[: 2 * start].decode("utf-16-le", "replace"))
        return begin, begin + len(piece)
    raise ValueError(f"expected the words {words!r} at {start} to {end}, found {text[start:end]!r}")
