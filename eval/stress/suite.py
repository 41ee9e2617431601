"""Cases and capabilities of the suite, read and checked.

After CheckList (Ribeiro, Wu, Guestrin and Singh 2020) a capability is of one of three kinds, and its cases stand in the
file of that kind, one JSON object a line:

    minimum.jsonl      {"capability": …, "kind": "minimum", "text": …, "label": "deny"}
    invariance.jsonl   the same and "changed": the sentence changed in a way that must leave the label as it is
    directional.jsonl  the same and "changed_label": what a small edit makes of the label

`capabilities.json` names every capability in order, with its kind and what it asks. Every sentence is to be judged on
its own, without title or sentence before. None of it is training data, and nothing here may ever become training data.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from difflib import get_close_matches
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from isnad.errors import IsnadError
from isnad.labels import Stance

SUITE = Path(__file__).parent
"""The folder of the suite that ships."""
CAPABILITIES = "capabilities.json"

_NOT_ONE_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Kind(StrEnum):
    """What a capability asks of a classifier."""

    MINIMUM = "minimum"
    """The right label."""
    INVARIANCE = "invariance"
    """The same label before and after a change."""
    DIRECTIONAL = "directional"
    """The label that a change makes right."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of its cases."""
        more = {Kind.MINIMUM: (), Kind.INVARIANCE: ("changed",), Kind.DIRECTIONAL: ("changed", "changed_label")}
        return ("capability", "kind", "text", "label", *more[self])


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that a classifier should be able to do."""

    name: str
    kind: Kind
    asks: str
    """A sentence for people."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question of a capability; `number` counts its cases from 1."""

    capability: str
    kind: Kind
    number: int
    text: str
    label: Stance
    """Gold of `text`."""
    changed: str | None = None
    """The sentence after the change; None in a minimum case."""
    changed_label: Stance | None = None
    """Gold of `changed` in a directional case; None in the others."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """`text`, and `changed` where there is one."""
        return (self.text,) if self.changed is None else (self.text, self.changed)


class _Problem(ValueError):
    """Expected, found, what to do; the reader adds file and line."""


def read_suite(folder: Path = SUITE) -> tuple[Case, ...]:
    """The cases in `folder`, in the order of its capabilities; raises IsnadError with file and line."""
    known = {c.name: c for c in read_capabilities(folder)}
    cases: list[Case] = []
    counts: Counter[str] = Counter()
    seen: dict[str, str] = {}
    for kind in Kind:
        path = folder / f"{kind}.jsonl"
        for line, words in enumerate(_read(path).split("\n"), 1):
            if not words.strip():
                continue
            try:
                case = _case(_row(words), kind, known, counts)
                for sentence in case.sentences:
                    if sentence in seen:
                        raise _Problem(
                            f"expected each sentence once, found one again after {seen[sentence]}; change it"
                        )
                    seen[sentence] = f"{path.name}:{line}"
            except _Problem as problem:
                raise IsnadError(str(problem), path=path, line=line) from None
            cases.append(case)
    if empty := [name for name in known if not counts[name]]:
        message = f"expected cases of every capability, found none of {', '.join(empty)}; write some or strike it"
        raise IsnadError(message, path=folder / CAPABILITIES)
    order = {name: i for i, name in enumerate(known)}
    return tuple(sorted(cases, key=lambda c: order[c.capability]))


def read_capabilities(folder: Path = SUITE) -> tuple[Capability, ...]:
    """The capabilities in `folder`, in order; raises IsnadError."""
    path = folder / CAPABILITIES
    try:
        found = tuple(Capability(r["name"], Kind(r["kind"]), r["asks"]) for r in json.loads(_read(path)))
    except (ValueError, KeyError, TypeError) as error:
        message = f'expected a list of {{"name", "kind", "asks"}}, found {type(error).__name__}: {error}; correct it'
        raise IsnadError(message, path=path) from None
    if twice := [name for name, n in Counter(c.name for c in found).items() if n > 1]:
        raise IsnadError(f"expected each capability once, found {', '.join(twice)} again; strike one", path=path)
    return found


def fingerprint(cases: Sequence[Case], more: str = "") -> str:
    """Twelve hexadecimal digits that change with any word or label of `cases`, and with `more`."""
    told = json.dumps([more, *map(astuple, cases)], ensure_ascii=False)
    return sha256(told.encode()).hexdigest()[:12]


def closest(name: str, known: Sequence[str]) -> str:
    """Advice for a name that is not among `known`."""
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise IsnadError(f"expected UTF-8, found {error.reason} at byte {error.start}; save it so", path=path) from None
    except OSError as error:
        raise IsnadError(f"expected a file of the suite, found none to read: {error.strerror}", path=path) from None


def _row(words: str) -> dict[str, Any]:
    try:
        row = json.loads(words)
    except (ValueError, RecursionError) as error:
        raise _Problem(f"expected a JSON object, found none ({error}); write one object a line") from None
    if not isinstance(row, dict):
        raise _Problem(f"expected a JSON object, found {type(row).__name__}; write one object a line")
    return row


def _case(row: dict[str, Any], kind: Kind, known: Mapping[str, Capability], counts: Counter[str]) -> Case:
    for problem in _fields(row, kind):
        raise _Problem(problem)
    name = row["capability"]
    if name not in known:
        raise _Problem(f"expected a capability of {CAPABILITIES}, found {name!r}; {closest(name, list(known))}")
    if not row["kind"] == kind == known[name].kind:
        kinds = f"{row['kind']!r} in a file of {kind} cases and {known[name].kind} in {CAPABILITIES}"
        raise _Problem(f"expected one kind, found {kinds}; move the case or correct the kind")
    counts[name] += 1
    label, changed = _stance(row, "label"), row.get("changed")
    after = _stance(row, "changed_label") if kind is Kind.DIRECTIONAL else None
    if changed == row["text"]:
        raise _Problem('expected "changed" to differ from "text", found the same; change it')
    if after is label:
        raise _Problem(f'expected "changed_label" to differ from "label", found {label} twice; correct one')
    return Case(name, kind, counts[name], row["text"], label, changed, after)


def _fields(row: dict[str, Any], kind: Kind) -> Iterator[str]:
    for name in kind.fields:
        if name not in row:
            yield f'expected "{name}" in a case of kind {kind}, found none; add it'
        value = row.get(name)
        if not isinstance(value, str) or not value.strip() or _NOT_ONE_LINE.search(value):
            yield f'expected "{name}" to be one line without control characters, found {value!r}; correct it'
    for name in sorted(row.keys() - set(kind.fields)):
        yield f'expected {", ".join(kind.fields)}, found "{name}" too; {closest(name, kind.fields)}'


def _stance(row: dict[str, Any], name: str) -> Stance:
    try:
        return Stance(row[name])
    except ValueError:
        labels = [s.value for s in Stance]
        found = f'expected "{name}" to be {", ".join(labels)}, found {row[name]!r}'
        raise _Problem(f"{found}; {closest(row[name], labels)}") from None
