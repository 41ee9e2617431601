"""Reads and checks a predictions file: one JSON object a line, whoever wrote it.

    {"doc_id": "a1", "start": 0, "end": 24, "outlet": "…", "kind": "article", "origin": "composed",
     "split": "test", "gold": "deny", "label": "deny", "scores": {"assert": 0.1, "deny": 0.7, …}}

Needed: the fields above, and `corpus` where origin is "news". `start` and `end` count characters of
the article; -1, -1 is its title. `label` null means that no answer was given and counts as wrong;
`scores` may be missing, null or empty, and then nothing is said about calibration. Optional: `text`,
`abstained`, `attributed`, `gold_attributed`, `cue`, `gold_cue`, `source`, `gold_source` (`[start, end]`
or null for "none there"; leave a gold field out where nobody looked). Other fields are ignored.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from isnad.errors import IsnadError
from isnad.examples import COMPOSED
from isnad.labels import Stance

FILE = "predictions.jsonl"
SPLITS = ("test", "test-outlets", "dev", "seed")
KINDS = ("article", "target")
ORIGINS = ("composed", "news")
MOST_PROBLEMS = 20
_CONFIGS = ("config.yaml", "config.json", "config.resolved.yaml", "config.resolved.json")

_T = TypeVar("_T")
Range = tuple[int, int]
Key = tuple[str, str, str, int, int]


@dataclass(frozen=True, slots=True)
class Record:
    """One sentence, what it is and what a run took it for."""

    doc_id: str
    start: int
    end: int
    outlet: str
    kind: str
    origin: str
    corpus: str
    split: str
    gold: Stance
    label: Stance | None
    scores: tuple[float, ...] | None = None
    text: str | None = None
    abstained: bool | None = None
    attributed: bool | None = None
    gold_attributed: bool | None = None
    cue: Range | None = None
    source: Range | None = None
    gold_cue: Range | None = None
    gold_source: Range | None = None
    looked_at: frozenset[str] = frozenset()
    """Which of `cue` and `source` stand in the record on both sides, gold and found."""

    @property
    def article(self) -> tuple[str, str, str]:
        """The article, for drawing and splitting."""
        return (self.origin, self.corpus, self.doc_id)

    @property
    def key(self) -> Key:
        """The sentence, the same in every run."""
        return (*self.article, self.start, self.end)

    @property
    def reference(self) -> str:
        """`corpus:doc_id:start-end`, which says where the sentence stands without quoting it."""
        place = "title" if self.start < 0 else f"{self.start}-{self.end}"
        return f"{self.corpus or self.origin}:{self.doc_id}:{place}"


@dataclass(frozen=True, slots=True)
class Run:
    """A predictions file that holds what it should."""

    name: str
    path: Path
    records: tuple[Record, ...]
    config_fingerprint: str | None = None


def read_run(path: Path) -> Run:
    """The run in a directory that holds `predictions.jsonl`, or in a bare file."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise IsnadError(
            f"expected a run directory with {FILE}, found none; "
            "train first (`python -m train CONFIG` writes it) or give the predictions file itself",
            path=path,
        )
    config = next((c for name in _CONFIGS if (c := file.parent / name).is_file()), None)
    return Run(
        name=path.resolve().name if path.is_dir() else file.stem,
        path=file,
        records=read_records(file),
        config_fingerprint=hashlib.sha256(config.read_bytes()).hexdigest()[:12] if config else None,
    )


def read_records(file: Path) -> tuple[Record, ...]:
    """Every line checked; up to twenty problems are told at once."""
    records: list[Record] = []
    problems: list[IsnadError] = []
    seen: dict[Key, int] = {}
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        try:
            record = parse(line)
            first = seen.setdefault(record.key, number)
            if first != number:
                raise _Problem(
                    f"each sentence once, found {record.reference} again after line {first}", "remove one of the two"
                )
            records.append(record)
        except _Problem as problem:
            problems.append(IsnadError(str(problem), path=file, line=number))
    if problems:
        raise _all(problems)
    if not records:
        raise IsnadError("expected one JSON object a line, found an empty file; write the predictions again", path=file)
    return tuple(records)


def parse(line: str) -> Record:
    """One line; raises a `ValueError` that says expected, found and what to do."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", "cannot be read")
        raise _Problem(f"a JSON object, found {_short(line)} ({why})", "write one object a line") from None
    if not isinstance(row, dict):
        raise _Problem(f"a JSON object, found {_short(row)}", "write one object a line")
    start, end = _offsets(row)
    origin = _one_of(row, "origin", ORIGINS)
    corpus = (
        _text(row, "corpus")
        if origin == "news"
        else _optional(row, "corpus", str, "a string") or (COMPOSED if origin == COMPOSED else "")
    )
    label = _one_of(row, "label", tuple(Stance), "null") if _get(row, "label") is not None else None
    return Record(
        doc_id=_text(row, "doc_id"),
        start=start,
        end=end,
        outlet=_text(row, "outlet"),
        kind=_one_of(row, "kind", KINDS),
        origin=origin,
        corpus=corpus,
        split=_one_of(row, "split", SPLITS),
        gold=Stance(_one_of(row, "gold", tuple(Stance))),
        label=Stance(label) if label else None,
        scores=_scores(row),
        text=_optional(row, "text", str, "a string"),
        abstained=_optional(row, "abstained", bool, "true or false"),
        attributed=_optional(row, "attributed", bool, "true or false"),
        gold_attributed=_optional(row, "gold_attributed", bool, "true or false"),
        cue=_range(row, "cue"),
        source=_range(row, "source"),
        gold_cue=_range(row, "gold_cue"),
        gold_source=_range(row, "gold_source"),
        looked_at=frozenset(name for name in ("cue", "source") if name in row and f"gold_{name}" in row),
    )


class _Problem(ValueError):
    def __init__(self, expected_found: str, advice: str, field: str = "") -> None:
        where = f'field "{field}": ' if field else ""
        super().__init__(f"{where}expected {expected_found}; {advice}")


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise IsnadError(
            f"expected UTF-8, found the byte 0x{error.object[error.start]:02x}; save the file as UTF-8",
            path=file,
            line=line,
        ) from None


def _all(problems: list[IsnadError]) -> IsnadError:
    told = [str(p) for p in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        told.append(f"… and {len(problems) - MOST_PROBLEMS} more lines with problems")
    error = IsnadError("\n".join(told))
    error.path, error.line = problems[0].path, problems[0].line
    return error


def _get(row: dict[str, Any], name: str) -> Any:
    if name in row:
        return row[name]
    near = get_close_matches(name, row, n=1)
    advice = f'rename "{near[0]}"' if near else "add it to every line"
    raise _Problem("it on every line, found none", advice, name)


def _text(row: dict[str, Any], name: str) -> str:
    value = _get(row, name)
    if not isinstance(value, str) or not value:
        raise _Problem(f"a string that is not empty, found {_short(value)}", "write the name in quotes", name)
    return value


def _one_of(row: dict[str, Any], name: str, choices: tuple[str, ...], *more: str) -> str:
    value = _get(row, name)
    if isinstance(value, str) and value in choices:
        return str(value)
    near = get_close_matches(str(value), choices, n=1)
    advice = f"write {near[0]} if that is meant" if near else "write one of these"
    raise _Problem(f"{_listed([*choices, *more])}, found {_short(value)}", advice, name)


def _offsets(row: dict[str, Any]) -> Range:
    start, end = _get(row, "start"), _get(row, "end")
    if not (type(start) is int and type(end) is int and (0 <= start < end or start == end == -1)):
        raise _Problem(
            f"whole numbers with 0 <= start < end, or -1 and -1 for the title, found {_short(start)} and {_short(end)}",
            "count characters of the raw article",
            "start, end",
        )
    return start, end


def _range(row: dict[str, Any], name: str) -> Range | None:
    value = row.get(name)
    if value is None:
        return None
    whole = isinstance(value, list) and len(value) == 2 and all(type(v) is int for v in value)
    if not whole or not 0 <= value[0] < value[1]:
        raise _Problem(f"[start, end] with 0 <= start < end, or null, found {_short(value)}", "count characters", name)
    return value[0], value[1]


def _optional(row: dict[str, Any], name: str, kind: type[_T], words: str) -> _T | None:
    value = row.get(name)
    if value is not None and not isinstance(value, kind):
        raise _Problem(f"{words} or null, found {_short(value)}", "correct it or leave it out", name)
    return value


def _scores(row: dict[str, Any]) -> tuple[float, ...] | None:
    value = row.get("scores")
    if value is None or value == {}:
        return None
    if not isinstance(value, dict) or set(value) != set(Stance):
        found = _listed(sorted(value)) if isinstance(value, dict) else _short(value)
        raise _Problem(f"a probability for each of {_listed(list(Stance))}, found {found}", "name all four", "scores")
    if not all(map(_is_probability, value.values())) or abs(sum(value.values()) - 1) > 0.01:
        raise _Problem(
            f"probabilities from 0 to 1 that sum to 1, found {_short(value)}",
            "write softmax values, not logits",
            "scores",
        )
    return tuple(float(value[s]) for s in Stance)


def _is_probability(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _listed(names: list[str]) -> str:
    names = [str(n) for n in names]
    return ", ".join(names[:-1]) + " or " + names[-1] if len(names) > 1 else "".join(names)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 70 else text[:67] + "…"
