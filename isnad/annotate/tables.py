"""Tables, one answer a row: CSV for a spreadsheet, TSV in the form of the CheckThat! labs.

CSV is UTF-8 with a byte order mark, so that a spreadsheet shows Arabic. Of the columns only `reference`, `text`,
`annotator` and `label` are needed; `cue` and `source` are the words themselves. CheckThat! TSV has `sentence_id`,
`sentence`, `label` and no quoting; our further columns stand behind them, and a file with the three alone is read too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from isnad.annotate.fields import PARTICULARS, answer_from, particulars, task_of
from isnad.annotate.task import MARKS, Answer, Task, file_stems, find_span
from isnad.errors import IsnadError
from isnad.examples import Bounds

Row = dict[str, str]

ANSWER = ("annotator", "label", *MARKS, "cue", "cue_start", "source", "source_start", "guidelines", "score")
SUGGESTED = tuple(f"suggested_{name}" for name in ANSWER)
ABOUT = ("reference", "sha1", *PARTICULARS)
YES = ("1", "true", "yes", "x")


def _row(task: Task, answer: Answer | None) -> Row:
    row = {name: str(value) for name, value in particulars(task).items()} | {"text": task.text}
    return row | _cells(task, answer, "") | _cells(task, task.suggestion, "suggested_")


def _cells(task: Task, answer: Answer | None, prefix: str) -> Row:
    if answer is None:
        return {prefix + name: "" for name in ANSWER}
    cells = {"annotator": answer.annotator, "label": answer.label, "guidelines": str(answer.guidelines)}
    cells |= {name: "1" if getattr(answer, name) else "0" for name in MARKS}
    for name, span in (("cue", answer.cue), ("source", answer.source)):
        cells |= {name: task.words(span), f"{name}_start": "" if span is None else str(span[0])}
    cells["score"] = "" if answer.score is None else repr(answer.score)
    return {prefix + name: cells[name] for name in ANSWER}


def _rows(tasks: Sequence[Task]) -> Iterator[tuple[str | None, Row]]:
    for task in tasks:
        for answer in task.answers or (None,):
            yield (answer.annotator if answer else None), _row(task, answer)


def _task(row: Row, annotator: str) -> Task:
    task = task_of(row.get("text") or "", row)
    suggestion = _answer(task, row, "suggested_", "model")
    answer = _answer(task, row, "", annotator)
    return replace(task, suggestion=suggestion, answers=(answer,) if answer else ())


def _answer(task: Task, row: Row, prefix: str, annotator: str) -> Answer | None:
    def cell(name: str) -> str:
        return (row.get(prefix + name) or "").strip()

    if not cell("label"):
        return None
    cue = _span(task, row.get(f"{prefix}cue") or "", cell("cue_start"), 0)
    source = _span(task, row.get(f"{prefix}source") or "", cell("source_start"), cue[0] if cue else 0)
    return answer_from(
        task,
        cell("annotator") or annotator,
        cell("label").lower(),
        [name for name in MARKS if cell(name).lower() in YES],
        {"cue": cue, "source": source},
        guidelines=int(cell("guidelines")) if cell("guidelines") else None,
        score=float(cell("score")) if cell("score") else None,
    )


def _span(task: Task, words: str, start: str, near: int) -> Bounds:
    """Where the words stand: at `start` if it says so, else where the guidelines would look for them."""
    if start and task.text.startswith(words, int(start)) and words:
        return int(start), int(start) + len(words)
    return find_span(task.text, words.strip(), near)


def _read(path: Path, rows: Iterator[tuple[int, Row]], needed: Sequence[str]) -> Iterator[Task]:
    for number, row in rows:
        absent = [name for name in needed if name not in row]
        if absent:
            raise IsnadError(
                f"expected the columns {', '.join(needed)}, found no {', '.join(absent)}", path=path, line=1
            )
        try:
            yield _task(row, path.stem)
        except ValueError as error:
            raise IsnadError(str(error), path=path, line=number) from error


class Csv:
    """Comma-separated, one row an answer; all annotators in one file."""

    NAME = "csv"
    SUFFIX = ".csv"
    COLUMNS = (*ABOUT[:1], *ABOUT[2:5], "text", *ANSWER, *SUGGESTED, *ABOUT[5:], "sha1")

    @classmethod
    def write(cls, tasks: Sequence[Task]) -> dict[str, str]:
        """`{suffix: content}`: one file."""
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, cls.COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for _, row in _rows(tasks))
        return {cls.SUFFIX: "\ufeff" + out.getvalue()}

    @classmethod
    def read(cls, path: Path) -> Iterator[Task]:
        """A task a row; raises IsnadError with the line."""

        def rows() -> Iterator[tuple[int, Row]]:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                reader = csv.DictReader(stream)
                try:
                    for row in reader:
                        yield reader.line_num, {k: v or "" for k, v in row.items() if isinstance(k, str)}
                except csv.Error as error:
                    raise IsnadError(f"expected CSV: {error}", path=path, line=reader.line_num) from error

        return _read(path, rows(), ("reference", "text", "label"))


class CheckThat:
    """Tab-separated, without quoting: a tab or backslash in a cell is written as \\t or \\\\; one file an annotator."""

    NAME = "checkthat"
    SUFFIX = ".tsv"
    FIRST = {"sentence_id": "reference", "sentence": "text", "label": "label"}
    COLUMNS = tuple(dict.fromkeys(("reference", "text", "label", *Csv.COLUMNS)))

    @classmethod
    def write(cls, tasks: Sequence[Task]) -> dict[str, str]:
        """`{suffix: content}`: a file for each annotator, and one of the sentences that nobody has answered."""
        stems = file_stems(a.annotator for t in tasks for a in t.answers)
        names = {ours: theirs for theirs, ours in cls.FIRST.items()}
        head = "\t".join(names.get(column, column) for column in cls.COLUMNS) + "\n"
        files: dict[str, str] = {}
        for annotator, row in _rows(tasks):
            suffix = f".{stems[annotator]}{cls.SUFFIX}" if annotator else cls.SUFFIX
            line = "\t".join(_escaped(row[column]) for column in cls.COLUMNS)
            files[suffix] = files.get(suffix, head) + line + "\n"
        return files or {cls.SUFFIX: head}

    @classmethod
    def read(cls, path: Path) -> Iterator[Task]:
        """A task a line; raises IsnadError with the line."""

        def rows() -> Iterator[tuple[int, Row]]:
            lines = path.read_text(encoding="utf-8-sig").split("\n")
            head = [cls.FIRST.get(name, name) for name in lines[0].rstrip("\r").split("\t")]
            for number, line in enumerate(lines[1:], 2):
                if line.strip():
                    cells = [_plain(cell) for cell in line.rstrip("\r").split("\t")]
                    if len(cells) > len(head):
                        what = f"expected {len(head)} columns, found {len(cells)}"
                        raise IsnadError(f"{what}; a tab within a sentence is written \\t", path=path, line=number)
                    yield number, dict(zip(head, cells, strict=False))

        return _read(path, rows(), tuple(cls.FIRST.values()))


_MEANING = {"\\\\": "\\", "\\t": "\t", "\\r": "\r", "\\n": "\n"}
_ESCAPE = re.compile(r"\\[\\trn]")


def _escaped(cell: str) -> str:
    for escaped, plain in _MEANING.items():
        cell = cell.replace(plain, escaped)
    return cell


def _plain(cell: str) -> str:
    """The cell as it was; a backslash that escapes nothing stands for itself."""
    return _ESCAPE.sub(lambda m: _MEANING[m[0]], cell)
