"""doccano, project type "Intent Detection and Slot Filling": JSON Lines with `text`, `cats` and `entities`.

A label is one of the categories, `attributed`, `unsure`, `trap` and `guidelines-N` are further ones; the slots are
`cue` and `source`. doccano has no suggestions of its own: a file of tasks holds the suggestion as labels to correct.
It exports one file per annotator, `NAME.jsonl`; so do we.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from isnad.annotate.fields import answer_from, in_words, particulars, spans_of, task_of
from isnad.annotate.task import Answer, Task, answer_of, checked, file_stems, unit_of
from isnad.check_article import LABELS
from isnad.errors import IsnadError

NAME = "doccano"
SUFFIX = ".jsonl"
_VERSION = "guidelines-"


def write(tasks: Sequence[Task]) -> dict[str, str]:
    """`{suffix: content}`: the tasks with their suggestions, and a file for each annotator's answers."""
    files = {SUFFIX: "".join(_line(t, t.suggestion) for t in tasks)}
    for name, stem in file_stems(a.annotator for t in tasks for a in t.answers).items():
        own = [(t, a) for t in tasks for a in t.answers if a.annotator == name]
        files[f".{stem}{SUFFIX}"] = "".join(_line(t, a, name) for t, a in own)
    return files


def _line(task: Task, answer: Answer | None, who: str | None = None) -> str:
    row: dict[str, Any] = {"text": task.text, "cats": [], "entities": [], **particulars(task)}
    if answer:
        row["cats"] = [answer.label, *answer.marks(), f"{_VERSION}{answer.guidelines}"]
        row["entities"] = [[start, end, name] for name, start, end in spans_of(answer)]
    if task.suggestion:
        row["suggestion"] = json.dumps(unit_of(task, task.suggestion), ensure_ascii=False)
    if who is not None:
        row["answered_by"] = who
    return json.dumps(row, ensure_ascii=False) + "\n"


def read(path: Path) -> Iterator[Task]:
    """The tasks of one file; in an export its name is the annotator's. Raises IsnadError with the line."""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _read(json.loads(line), path.stem)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise IsnadError(in_words(error), path=path, line=number) from error


def _read(row: dict[str, Any], file: str) -> Task:
    task = task_of(row["text"], row)
    if row.get("suggestion"):
        task = replace(task, suggestion=checked(task, answer_of(json.loads(row["suggestion"]))))
    cats = list(row.get("cats") or [])
    labels = [c for c in cats if c in LABELS]
    who = file if "id" in row else row.get("answered_by")  # doccano numbers the rows that it exports
    if not labels or who is None:
        return task
    if len(labels) > 1:
        raise ValueError(f"expected one stance among the categories, found {', '.join(labels)}")
    versions = [int(c[len(_VERSION) :]) for c in cats if c.startswith(_VERSION)]
    spans = dict(_entity(e) for e in row.get("entities") or [])
    answer = answer_from(task, who, labels[0], cats, spans, guidelines=versions[0] if versions else None)
    return replace(task, answers=(answer,))


def _entity(raw: Any) -> tuple[str, tuple[int, int]]:
    if isinstance(raw, dict):
        return raw["label"], (int(raw["start_offset"]), int(raw["end_offset"]))
    start, end, name = raw
    return name, (int(start), int(end))
