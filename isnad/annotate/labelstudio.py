"""Label Studio: JSON tasks with annotations and predictions, and the labelling interface they need.

Format: the "Label Studio Task Format" and "Import pre-annotated data" pages of its documentation. Read back are the
exports JSON (all annotators) and JSON-MIN (one annotation a task).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from isnad.annotate.fields import answer_from, particulars, read_list, spans_of, task_of, trusted_span
from isnad.annotate.task import Answer, Task
from isnad.check_article import LABELS

NAME = "label-studio"
SUFFIX = ".json"

CONFIG = """<View dir="rtl">
  <Header value="$title"/>
  <Text name="before" value="$before"/>
  <Labels name="span" toName="text">
    <Label value="cue" background="#e3b564" hotkey="q"/>
    <Label value="source" background="#7fb8e0" hotkey="w"/>
  </Labels>
  <Text name="text" value="$text" granularity="word"/>
  <Text name="after" value="$after"/>
  <Choices name="stance" toName="text" choice="single-radio" required="true">
{choices}
  </Choices>
  <Choices name="marks" toName="text" choice="multiple">
    <Choice value="attributed"/>
    <Choice value="unsure"/>
    <Choice value="trap"/>
  </Choices>
  <Number name="guidelines" toName="text" min="1"/>
  <TextArea name="annotator" toName="text" maxSubmissions="1" editable="true"/>
</View>
""".format(choices="\n".join(f'    <Choice value="{label}" hotkey="{n}"/>' for n, label in enumerate(LABELS, 1)))
"""The labelling interface; `annotator` is filled in for exported readings and may stay empty in the tool."""


def write(tasks: Sequence[Task]) -> dict[str, str]:
    """`{suffix: content}`: the tasks, and beside them the labelling interface."""
    return {
        SUFFIX: json.dumps([_task(n, t) for n, t in enumerate(tasks, 1)], ensure_ascii=False, indent=1) + "\n",
        ".xml": CONFIG,
    }


def _task(number: int, task: Task) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": number, "data": {"text": task.text, **particulars(task)}}
    shown["annotations"] = [{"result": _result(task, a), "was_cancelled": False} for a in task.answers]
    if task.suggestion:
        own = {"model_version": task.suggestion.annotator, "result": _result(task, task.suggestion, person=False)}
        shown["predictions"] = [own | ({} if task.suggestion.score is None else {"score": task.suggestion.score})]
    return shown


def _result(task: Task, answer: Answer, *, person: bool = True) -> list[dict[str, Any]]:
    rows: list[tuple[str, str, dict[str, Any]]] = [("stance", "choices", {"choices": [answer.label]})]
    if answer.marks():
        rows.append(("marks", "choices", {"choices": answer.marks()}))
    for name, start, end in spans_of(answer):
        rows.append(("span", "labels", {"start": start, "end": end, "text": task.text[start:end], "labels": [name]}))
    rows.append(("guidelines", "number", {"number": answer.guidelines}))
    if person:
        rows.append(("annotator", "textarea", {"text": [answer.annotator]}))
    return [{"from_name": name, "to_name": "text", "type": kind, "value": value} for name, kind, value in rows]


def read(path: Path) -> Iterator[Task]:
    """The tasks of an export; raises IsnadError that names the task."""
    return read_list(path, "a list of tasks as the exports JSON and JSON-MIN hold it", "task", _read)


def _read(row: dict[str, Any]) -> Task:
    return _read_full(row) if "data" in row else _read_min(row)


def _read_full(row: dict[str, Any]) -> Task:
    task = task_of(row["data"]["text"], row["data"])
    answers = []
    for annotation in row.get("annotations") or []:
        if not annotation.get("was_cancelled") and annotation.get("result"):
            answers.append(_answer(task, annotation["result"], _who(annotation.get("completed_by"))))
    suggestion = None
    for prediction in (row.get("predictions") or [])[-1:]:
        score, name = prediction.get("score"), prediction.get("model_version") or "model"
        suggestion = _answer(task, prediction["result"], name, score=score)
    return replace(task, answers=tuple(answers), suggestion=suggestion)


def _who(completed_by: Any) -> str:
    """The annotator of an annotation: an e-mail address, or `user-ID` where the export gives the number alone."""
    if isinstance(completed_by, dict):
        return str(completed_by.get("email") or completed_by.get("username") or f"user-{completed_by.get('id')}")
    return f"user-{completed_by}" if isinstance(completed_by, int) else str(completed_by or "unknown")


def _answer(task: Task, result: list[dict[str, Any]], who: str, *, score: float | None = None) -> Answer:
    labels: list[str] = []
    marks: list[str] = []
    spans: dict[str, tuple[int, int]] = {}
    guidelines = None
    for row in result:
        value, name = row.get("value") or {}, row.get("from_name")
        if name == "stance":
            labels += value["choices"]
        elif name == "marks":
            marks += value["choices"]
        elif name == "span":
            for kind in value["labels"]:
                spans[kind] = trusted_span(task.text, int(value["start"]), int(value["end"]), value.get("text"))
        elif name == "guidelines":
            guidelines = int(value["number"])
        elif name == "annotator":
            who = value["text"][0] if isinstance(value["text"], list) else value["text"]
    if len(labels) != 1:
        raise ValueError(f"expected one choice of stance by {who}, found {len(labels)}")
    return answer_from(task, who, labels[0], marks, spans, guidelines=guidelines, score=score)


def _read_min(row: dict[str, Any]) -> Task:
    task = task_of(row["text"], row)
    if not isinstance(row.get("stance"), str):
        return task
    marks = row.get("marks") or []
    marks = marks["choices"] if isinstance(marks, dict) else [marks] if isinstance(marks, str) else marks
    spans = {
        kind: trusted_span(task.text, int(s["start"]), int(s["end"]), s.get("text"))
        for s in row.get("span") or []
        for kind in s["labels"]
    }
    who, given = row.get("annotator"), row.get("guidelines")
    answer = answer_from(
        task, who if isinstance(who, str) and who else _who(who), row["stance"], list(marks), spans,
        guidelines=int(given) if given else None,
    )  # fmt: skip
    return replace(task, answers=(answer,))
