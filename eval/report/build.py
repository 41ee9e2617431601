"""Writes what was judged: `report.json` for machines, `report.md` for pull requests, `report.html` for people."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from eval.compare import Comparison
from eval.facts import Facts, Key
from eval.judge import Judged
from eval.stress import table as stress_table
from eval.stress.verdicts import Result
from eval.yardsticks.ceilings import Ceiling
from eval.yardsticks.generalise import Table
from eval.yardsticks.seeds import SeedSpread
from isnad.files import write_whole
from isnad.labels import Stance

SCHEMA = "isnad-report/3"


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that a report says; the first run is the one that is reported, the others stand beside it."""

    runs: tuple[Judged, ...]
    comparisons: tuple[Comparison, ...]
    seed: int
    rounds: int
    public: bool = False
    created: str = ""
    facts: Mapping[Key, Facts] = field(default_factory=dict)
    ceilings: Mapping[str, Mapping[str, Ceiling]] = field(default_factory=dict)
    """By split and origin (news, composed), a second reader against the first."""
    seed_groups: tuple[SeedSpread, ...] = ()
    stress: Mapping[str, Result] = field(default_factory=dict)
    """By run, what the stress suite found."""
    generalisation: Mapping[str, Sequence[Table]] = field(default_factory=dict)
    """By run, groups that training left out."""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        runs: Sequence[Judged],
        comparisons: Sequence[Comparison],
        *,
        seed: int,
        rounds: int,
        public: bool,
        notes: Sequence[str] = (),
        **rest: Any,
    ) -> Report:
        """Made now, or at SOURCE_DATE_EPOCH where that is set."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        now = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
        created = now.isoformat(timespec="seconds")
        return cls(tuple(runs), tuple(comparisons), seed, rounds, public, created, notes=tuple(notes), **rest)

    @property
    def order(self) -> list[str]:
        """Names of the splits of all runs, in the order in which they are shown."""
        return list(dict.fromkeys(name for judged in self.runs for name in judged.splits))

    def ceiling(self, split: str) -> tuple[str, Ceiling] | None:
        """The second reader of what `split` is judged by, and that: news, or composed where the split has no news."""
        headline = next((j.splits[split].headline for j in self.runs if split in j.splits), "")
        found = self.ceilings.get(split, {}).get(headline)
        return None if found is None else (headline, found)

    def all_notes(self) -> list[str]:
        """What a reader has to know before believing the figures; on floors only what is theirs alone."""
        found = list(self.notes)
        told = set()
        for judged in self.runs:
            for note in judged.notes:
                if note not in told:
                    found.append(f"{judged.run.name}, {note}")
                told.add(note)
        return found


def write(report: Report, folder: Path, *, latex: bool = False) -> list[Path]:
    """The files, each written beside its place first and then renamed into it."""
    from eval.report.latex import as_latex
    from eval.report.markdown import as_markdown
    from eval.report.page import as_html

    texts = {
        "report.json": json.dumps(as_json(report), ensure_ascii=False, indent=1, allow_nan=False) + "\n",
        "report.md": as_markdown(report),
        "report.html": as_html(report),
    }
    if latex:
        texts["report.tex"] = as_latex(report)
    for name, text in texts.items():
        write_whole(folder / name, text.encode("utf-8", errors="replace"))
    return [folder / name for name in texts]


def as_json(report: Report) -> dict[str, Any]:
    """The form that `report.schema.json` describes."""
    found: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "created": report.created,
            "seed": report.seed,
            "bootstrap": report.rounds,
            "notes": report.all_notes(),
            "runs": [_run(judged, report.public) for judged in report.runs],
            "comparisons": report.comparisons,
            "ceilings": report.ceilings,
            "seeds": report.seed_groups,
            "stress": stress_table.as_json(report.stress) if report.stress else None,
            "generalisation": [
                {"run": run, **plain(found)} for run, tables in report.generalisation.items() for found in tables
            ],
        }
    )
    return found


def plain(value: Any) -> Any:
    """Dataclasses and arrays as what JSON knows, field by field, numbers with six digits."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return round(value, 6) if isinstance(value, float) else value


def _run(judged: Judged, public: bool) -> dict[str, Any]:
    path = judged.run.path
    return {
        "name": judged.run.name,
        "path": "/".join(path.parts[-2:]) if public else str(path),
        "config_fingerprint": judged.run.config_fingerprint,
        "notes": judged.notes,
        "splits": dict(_splits(judged)),
    }


def _splits(judged: Judged) -> Iterator[tuple[str, dict[str, Any]]]:
    labels = [s.value for s in Stance]
    for name, split in judged.splits.items():
        confusion = {"labels": labels, "columns": [*labels, "none"], "matrix": split.confusion}
        yield (
            name,
            {f.name: getattr(split, f.name) for f in fields(split) if f.name != "name"} | {"confusion": confusion},
        )
