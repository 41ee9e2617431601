"""Argilla 2: the records that `dataset.records.to_json` writes and `dataset.records.from_json` reads.

The dataset needs a text field `text`, the questions of `QUESTIONS`, and `allow_extra_metadata=True`; docs/annotation.md
holds the few lines that make it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from isnad.annotate.fields import answer_from, particulars, read_list, spans_of, task_of
from isnad.annotate.task import Answer, Task

NAME = "argilla"
SUFFIX = ".json"
QUESTIONS = ("stance", "marks", "spans", "guidelines")
"""A label, a multi-label, a span and a text question."""
CONTEXT = ("title", "before", "after")


def write(tasks: Sequence[Task]) -> dict[str, str]:
    """`{suffix: content}`: a list of records."""
    return {SUFFIX: json.dumps([_record(t) for t in tasks], ensure_ascii=False, indent=1) + "\n"}


def _record(task: Task) -> dict[str, Any]:
    about = particulars(task)
    responses: dict[str, list[dict[str, Any]]] = {}
    for answer in task.answers:
        for question, value in _values(answer).items():
            responses.setdefault(question, []).append({"value": value, "user_id": answer.annotator})
    suggestions = {}
    if task.suggestion:
        score, agent = task.suggestion.score, task.suggestion.annotator
        for question, value in _values(task.suggestion).items():
            suggestions[question] = {"value": value, "score": score if question == "stance" else None, "agent": agent}
    return {
        "id": about["reference"],
        "fields": {"text": task.text, **{name: about.pop(name) for name in CONTEXT}},
        "metadata": about,
        "suggestions": suggestions,
        "responses": responses,
        "vectors": {},
        "status": "pending",
    }


def _values(answer: Answer) -> dict[str, Any]:
    spans = [{"start": start, "end": end, "label": name} for name, start, end in spans_of(answer)]
    values = {"stance": answer.label, "marks": answer.marks(), "spans": spans, "guidelines": str(answer.guidelines)}
    return {question: value for question, value in values.items() if value}


def read(path: Path) -> Iterator[Task]:
    """The tasks of an export; raises IsnadError that names the record."""
    return read_list(path, "records as `dataset.records.to_json` writes them", "record", _read)


def _read(record: dict[str, Any]) -> Task:
    fields = record["fields"]
    context = {name: fields.get(name) for name in CONTEXT}
    task = task_of(fields["text"], {**(record.get("metadata") or {}), **context})
    people: dict[str, dict[str, Any]] = {}
    for question, responses in (record.get("responses") or {}).items():
        for response in responses:
            if response.get("status", "submitted") != "discarded":
                people.setdefault(str(response["user_id"]), {})[question] = response["value"]
    answers = [_answer(task, who, values) for who, values in people.items() if "stance" in values]
    offered = {question: row["value"] for question, row in (record.get("suggestions") or {}).items()}
    suggestion = None
    if offered.get("stance"):
        row = record["suggestions"]["stance"]
        suggestion = _answer(task, row.get("agent") or "model", offered, row.get("score"))
    return replace(task, answers=tuple(answers), suggestion=suggestion)


def _answer(task: Task, who: str, values: dict[str, Any], score: float | None = None) -> Answer:
    spans = {s["label"]: (int(s["start"]), int(s["end"])) for s in values.get("spans") or []}
    guidelines = str(values.get("guidelines") or "").strip()
    return answer_from(
        task, who, values["stance"], list(values.get("marks") or []), spans,
        guidelines=int(guidelines) if guidelines.isdecimal() else None, score=score,
    )  # fmt: skip
