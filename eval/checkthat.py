"""Predictions in the TSV form of the CheckThat! labs, read as a run.

    sentence_id             label    run_id
    composed:doc-1:0-49     deny     ours-2
    composed:doc-1:title    assert   ours-2

Needed: a head with a column for the sentence (`sentence_id`, `reference` or `id`) and one for its label (`label` or
`class_label`). A sentence is named as the project names it, `corpus:doc_id:start-end`; the title is `title` or
`-1--1`. An empty label means that no answer was given. `run_id` may stand there and has to be the same on every line.
Other columns are ignored, so a file that `isnad annotate export --format checkthat` wrote can be filled in and given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eval.predictions import MOST_PROBLEMS, SPLITS, Key, Record, Run, read_run
from isnad.errors import IsnadError
from isnad.labels import Stance

SUFFIX = ".tsv"
SENTENCE = ("sentence_id", "reference", "id")
LABEL = ("label", "class_label")
RUN = "run_id"
TITLE = "title"


def is_table(path: Path) -> bool:
    """Whether `path` is read as a CheckThat! table."""
    return path.suffix.lower() == SUFFIX and not path.is_dir()


def read_any_run(path: Path, reference: Sequence[Record]) -> Run:
    """The run in a directory, a predictions file or a CheckThat! TSV.

    A TSV holds labels alone: all else comes from `reference`, records of the same sentences. Of every split of which it
    answers a sentence it has to answer all. Raises IsnadError with file and line, up to twenty problems at once.
    """
    if not is_table(path):
        return read_run(path)
    sentences = {name: record for record in reference for name in _names(record)}
    records = [
        replace(
            sentences[name], label=label, scores=None, abstained=None, attributed=None, cue=None, source=None,
            looked_at=frozenset(),
        )
        for name, label in _answers(path, sentences)
    ]  # fmt: skip
    _check_complete(path, records, reference)
    return Run(name=path.stem, path=path, records=tuple(records))


def _answers(path: Path, sentences: Mapping[str, Record]) -> list[tuple[str, Stance | None]]:
    """Name of the sentence and label, line by line."""
    lines = [line.rstrip("\r").split("\t") for line in _text(path).split("\n")]
    columns = _columns(path, [name.strip().lower() for name in lines[0]])
    found: list[tuple[str, Stance | None]] = []
    problems: list[IsnadError] = []
    seen: dict[Key, int] = {}
    runs: set[str] = set()
    for number, cells in enumerate(lines[1:], 2):
        if not any(map(str.strip, cells)):
            continue
        try:
            row = _row(cells, len(lines[0]), columns)
            name = _sentence(row, sentences)
            first = seen.setdefault(sentences[name].key, number)
            if first != number:
                raise ValueError(f"expected each sentence once, found {name} again after line {first}; remove one")
            found.append((name, _label(row)))
            runs.add(row.get(RUN, ""))
        except ValueError as error:
            problems.append(IsnadError(str(error), path=path, line=number))
    if problems:
        raise _all(problems)
    if not found:
        raise IsnadError("expected a line a sentence below the head, found none; write predictions again", path=path)
    if len(runs) > 1:
        raise IsnadError(f"expected one {RUN}, found {', '.join(sorted(runs))}; give each a file of its own", path=path)
    return found


def _columns(path: Path, head: Sequence[str]) -> dict[str, int]:
    """Where the cells stand; `sentence_id` and `label` whatever the head calls them."""
    found = {}
    for names in (SENTENCE, LABEL):
        place = next((head.index(name) for name in names if name in head), None)
        if place is None:
            raise IsnadError(
                f"expected tabs between the columns, one of them {names[0]} (or {' or '.join(names[1:])}), found "
                f"{', '.join(head)[:70] or 'nothing'}; name the columns in the first line",
                path=path,
                line=1,
            )
        found[names[0]] = place
    return found | ({RUN: head.index(RUN)} if RUN in head else {})


def _row(cells: Sequence[str], width: int, columns: Mapping[str, int]) -> dict[str, str]:
    if len(cells) != width:
        raise ValueError(
            f"expected {width} columns, found {len(cells)}; an empty cell still needs its tab, and a tab within a "
            "sentence is written \\t"
        )
    return {name: cells[place].strip() for name, place in columns.items()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise IsnadError(
            f"expected UTF-8, found the byte 0x{error.object[error.start]:02x}; save the file as UTF-8",
            path=path,
            line=line,
        ) from None


def _sentence(row: Mapping[str, str], sentences: Mapping[str, Record]) -> str:
    """The name of a known sentence; a backslash in it may be doubled, as `isnad annotate export` does it."""
    name = row[SENTENCE[0]]
    for written in (name, name.replace("\\\\", "\\")):
        if written in sentences:
            return written
    example = next((n for n in sentences if not n.endswith((TITLE, "-1--1"))), "corpus:doc_id:start-end")
    raise ValueError(
        f"expected a sentence that the other runs (or the labelled data) hold, found {name!r}; name it as in {example}"
    )


def _label(row: Mapping[str, str]) -> Stance | None:
    label = row[LABEL[0]].lower()
    if label and label not in tuple(Stance):
        raise ValueError(
            f"expected {', '.join(Stance)}, or nothing where no answer was given, found {row['label']!r}; correct it"
        )
    return Stance(label) if label else None


def _names(record: Record) -> list[str]:
    """What a table may call the sentence."""
    article = f"{record.corpus or record.origin}:{record.doc_id}"
    return [f"{article}:{record.start}-{record.end}", *([f"{article}:{TITLE}"] if record.start < 0 else [])]


def _all(problems: Sequence[IsnadError]) -> IsnadError:
    told = [str(p) for p in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        told.append(f"… and {len(problems) - MOST_PROBLEMS} more lines with problems")
    return IsnadError("\n".join(told))


def _check_complete(path: Path, records: Sequence[Record], reference: Sequence[Record]) -> None:
    """Every sentence of a split, or none."""
    answered = {r.key for r in records}
    for split in SPLITS:
        if not any(r.split == split for r in records):
            continue
        every = [r for r in reference if r.split == split]
        absent = [r.reference for r in every if r.key not in answered]
        if absent:
            some = ", ".join(absent[:3]) + (", …" if len(absent) > 3 else "")
            raise IsnadError(
                f"expected all {len(every):,} sentences of {split}, found {len(absent):,} missing ({some}); add them, "
                "with an empty label where there is no answer",
                path=path,
            )
