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

from eval.bootstrap import Interval
from eval.charts import number
from eval.compare import Comparison, p_words, verdict
from eval.facts import Facts, Key
from eval.floors import Ceiling
from eval.generalise import Table
from eval.judge import Judged, Split
from eval.markdown import cell, table
from eval.seeds import SeedSpread
from eval.stress import table as stress_table
from eval.stress.verdicts import Result
from isnad.files import write_whole
from isnad.labels import Stance

SCHEMA = "isnad-report/2"
ICONS = {s: f"{s.icon} {s.value}" for s in Stance}
WORST = 20
"""Slices that the Markdown shows."""


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
    ceilings: Mapping[str, Ceiling] = field(default_factory=dict)
    """By split, a second reader against the first."""
    seed_groups: tuple[SeedSpread, ...] = ()
    stress: Mapping[str, Result] = field(default_factory=dict)
    """By run, what the stress suite found."""
    generalisation: tuple[Table, ...] = ()
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
    from eval.latex import as_latex
    from eval.page import as_html

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
            "generalisation": report.generalisation,
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


def as_markdown(report: Report) -> str:
    """Tables that GitHub shows; references and counts only, never a sentence."""
    from eval.generalise import as_markdown as generalisation

    first = report.runs[0]
    name = cell(first.run.name)
    lines = [f"## isnad report: {name}", "", *headline_rows(report)]
    if report.comparisons:
        lines += ["", "### Against each other", "", *_comparison_rows(report.comparisons)]
    lines += ["", f"### Labels of {name}", "", *_label_rows(first)]
    lines += ["", f"### Confidence of {name}", "", *_confidence_rows(first)]
    lines += ["", f"### Cue and source words of {name}", "", *_span_rows(first)]
    lines += ["", f"### Where {name} fails: the least accurate slices of {first.headline.name}", ""]
    lines += _slice_rows(first.headline)
    if report.stress:
        lines += ["", "### Stress suite: failures", "", stress_table.as_markdown(report.stress).rstrip()]
    for left_out in report.generalisation:
        lines += ["", f"### Left out: {left_out.dimension}", "", generalisation(left_out)]
    if report.seed_groups:
        lines += ["", "### Seeds", "", *_seed_rows(report.seed_groups)]
    lines += ["", *(f"- {cell(note)}" for note in report.all_notes())]
    lines += [
        "",
        f"95 % intervals from {report.rounds:,} draws of whole articles, seed {report.seed}. {report.created}.",
    ]
    return "\n".join(lines) + "\n"


def headline_rows(report: Report) -> list[str]:
    """The table that comes first, also on the terminal."""
    rows = [["Split", "Run", "Of", "Sentences", "Articles", "Macro-F1", "Accuracy", "MCC", "ECE"]]
    for name in report_order(report):
        for judged in report.runs:
            if split := judged.splits.get(name):
                main = split.main
                figures = [within(main.macro_f1), within(main.accuracy), within(main.mcc)]
                ece = within(split.confidence.ece) if split.confidence else "–"
                counts = [f"{main.n:,}", f"{main.articles:,}"]
                rows.append([name, cell(judged.run.name), split.headline, *counts, *figures, ece])
        if ceiling := report.ceilings.get(name):
            counts = [f"{ceiling.n:,}", f"{ceiling.articles:,}"]
            rows.append(
                [name, "a second reader", "news", *counts, within(ceiling.macro_f1), within(ceiling.accuracy), "–", "–"]
            )
    return table(rows, 3)


def report_order(report: Report) -> dict[str, None]:
    """Names of the splits of all runs, in the order in which they are shown."""
    return dict.fromkeys(name for judged in report.runs for name in judged.splits)


def within(figure: Interval) -> str:
    """`.775 (.741 to .806)`."""
    return f"{number(figure.value)} ({number(figure.low)} to {number(figure.high)})"


def _comparison_rows(comparisons: Sequence[Comparison]) -> list[str]:
    rows = [["Split", "Runs", "Sentences", "Macro-F1", "Could have shown", "McNemar"]]
    for c in comparisons:
        test = f"{c.mcnemar.only_first} to {c.mcnemar.only_second}, {p_words(c.mcnemar_holm)} after Holm"
        names = f"{cell(c.first)} against {cell(c.second)}"
        rows.append([c.split, names, f"{c.n:,}", verdict(c), f"{100 * c.detectable:.1f} points", test])
    return table(rows, 2)


def _label_rows(judged: Judged) -> list[str]:
    rows = [["Split", "Label", "Sentences", "F1", "Precision", "Recall"]]
    for split in judged.splits.values():
        for stance, scores in split.main.per_label.items():
            figures = [within(scores.f1), within(scores.precision), within(scores.recall)]
            rows.append([split.name, ICONS[stance], f"{scores.support:,}", *figures])
    return table(rows, 2)


def _confidence_rows(judged: Judged) -> list[str]:
    rows = [["Split", "Figure", "Value"]]
    for split in judged.splits.values():
        found = split.confidence
        if found is None:
            continue
        for name in ("ece", "adaptive_ece", "brier", "aurc"):
            rows.append([split.name, name, within(getattr(found, name))])
        for s in found.selective:
            if s.coverage and s.precision:
                words = f"answered from {number(s.threshold or 0)} on (for {number(s.wanted)}, chosen on {s.chosen_on})"
                rows.append([split.name, words, f"precision {within(s.precision)}, coverage {within(s.coverage)}"])
        for c in found.sets:
            words = f"label sets for coverage {number(c.wanted)}, chosen on {c.chosen_on}"
            rows.append([split.name, words, f"coverage {within(c.coverage)}, labels a set {c.size.value:.2f}"])
    return table(rows, 2) if len(rows) > 1 else ["No probabilities were given."]


def _span_rows(judged: Judged) -> list[str]:
    rows = [["Split", "Found", "F1", "Precision", "Recall", "In gold"]]
    for split in judged.splits.values():
        for name, s in split.spans.items():
            rows.append([split.name, name, within(s.f1), within(s.precision), within(s.recall), f"{s.gold:,}"])
    return table(rows, 2) if len(rows) > 1 else ["No spans were given."]


def _slice_rows(split: Split) -> list[str]:
    rows = [["Dimension", "Slice", "Sentences", "Articles", "Accuracy", "Macro-F1"]]
    for part in split.worst[:WORST]:
        counts = [f"{part.n:,}", f"{part.articles:,}"]
        rows.append([part.dimension, cell(part.name), *counts, within(part.accuracy), within(part.macro_f1)])
    return table(rows, 2)


def _seed_rows(groups: Sequence[SeedSpread]) -> list[str]:
    rows = [["Split", "Seeds", "Mean macro-F1", "sd", "Range"]]
    for g in groups:
        seeds = ", ".join(map(str, g.seeds))
        rows.append([g.split, seeds, number(g.mean), number(g.sd), f"{number(g.lowest)} to {number(g.highest)}"])
    return table(rows, 2)


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
