"""Writes what was judged: `report.json` for machines, `report.md` for pull requests, `report.html` for people."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eval.bootstrap import Interval
from eval.charts import number
from eval.compare import Comparison, in_words, p_words
from eval.judge import FIGURES, Judged, Slice, Split
from isnad.labels import Stance

SCHEMA = "isnad-report/1"
ICONS = {s: f"{s.icon} {s.value}" for s in Stance}


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that a report says."""

    runs: tuple[Judged, ...]
    comparisons: tuple[Comparison, ...]
    seed: int
    rounds: int
    public: bool = False
    created: str = ""

    @classmethod
    def of(
        cls, runs: Sequence[Judged], comparisons: Sequence[Comparison], *, seed: int, rounds: int, public: bool
    ) -> Report:
        """Made now, or at SOURCE_DATE_EPOCH where that is set."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        now = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
        return cls(tuple(runs), tuple(comparisons), seed, rounds, public, now.isoformat(timespec="seconds"))


def write(report: Report, folder: Path) -> list[Path]:
    """The three files, each written beside its place first and then renamed into it."""
    from eval.page import as_html

    texts = {
        "report.json": json.dumps(as_json(report), ensure_ascii=False, indent=1, allow_nan=False) + "\n",
        "report.md": as_markdown(report),
        "report.html": as_html(report),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        beside = folder / f".{name}.{os.getpid()}"
        try:
            beside.write_text(text, encoding="utf-8", errors="replace")
            beside.replace(folder / name)
        finally:
            beside.unlink(missing_ok=True)
    return [folder / name for name in texts]


def as_json(report: Report) -> dict[str, Any]:
    """The form that `report.schema.json` describes."""
    found: dict[str, Any] = _rounded(
        {
            "schema": SCHEMA,
            "created": report.created,
            "seed": report.seed,
            "bootstrap": report.rounds,
            "runs": [_run(judged, report.public) for judged in report.runs],
            "comparisons": [asdict(c) for c in report.comparisons],
        }
    )
    return found


def as_markdown(report: Report) -> str:
    """Tables that GitHub shows; references and counts only, never a sentence."""
    first = report.runs[0]
    lines = [f"## isnad report: {cell(first.run.name)}", "", *headline_rows(report)]
    if report.comparisons:
        lines += ["", "### Against each other", "", *_comparison_rows(report.comparisons)]
    lines += ["", f"### Labels of {cell(first.run.name)}", "", *_label_rows(first)]
    lines += ["", f"### Slices of {cell(first.run.name)}", "", *_slice_rows(first)]
    lines += ["", *(f"- {cell(j.run.name)}, {note}" for j in report.runs for note in j.notes)]
    lines += [
        "",
        f"95 % intervals from {report.rounds:,} draws of whole articles, seed {report.seed}. {report.created}.",
    ]
    return "\n".join(lines) + "\n"


def headline_rows(report: Report) -> list[str]:
    """The table that comes first, also on the terminal."""
    rows = [["Split", "Run", "Of", "Sentences", "Articles", "Macro-F1", "Accuracy", "MCC", "ECE"]]
    for judged in report.runs:
        for split in judged.splits.values():
            main, ece = split.main, split.calibration
            figures = [within(main.macro_f1), within(main.accuracy), within(main.mcc)]
            counts = [f"{main.n:,}", f"{main.articles:,}"]
            name = cell(judged.run.name)
            rows.append([split.name, name, split.headline, *counts, *figures, number(ece.ece) if ece else "–"])
    order = list(report_order(report))
    return _table([rows[0], *sorted(rows[1:], key=lambda row: order.index(row[0]))], 3)


def report_order(report: Report) -> dict[str, None]:
    """Names of the splits of all runs, in the order in which they are shown."""
    return dict.fromkeys(name for judged in report.runs for name in judged.splits)


def within(figure: Interval) -> str:
    """`.775 (.741 to .806)`."""
    return f"{number(figure.value)} ({number(figure.low)} to {number(figure.high)})"


def cell(text: str) -> str:
    """Text that does not break a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())


def _comparison_rows(comparisons: Sequence[Comparison]) -> list[str]:
    rows = [["Split", "Runs", "Sentences", "Macro-F1", "Accuracy", "McNemar"]]
    for c in comparisons:
        test = f"{c.mcnemar.only_first} to {c.mcnemar.only_second}, {p_words(c.mcnemar.p)}"
        names = f"{cell(c.first)} against {cell(c.second)}"
        rows.append([c.split, names, f"{c.n:,}", in_words(c.macro_f1), in_words(c.accuracy), test])
    return _table(rows, 6)


def _label_rows(judged: Judged) -> list[str]:
    rows = [["Split", "Label", "Sentences", "F1", "Precision", "Recall"]]
    for split in judged.splits.values():
        for stance, scores in split.main.per_label.items():
            figures = [within(scores.f1), number(scores.precision), number(scores.recall)]
            rows.append([split.name, ICONS[stance], f"{scores.support:,}", *figures])
    return _table(rows, 2)


def _slice_rows(judged: Judged) -> list[str]:
    rows = [["Split", "Slice", "Sentences", "Articles", "Macro-F1", "Accuracy"]]
    for split in judged.splits.values():
        named = {**split.slices, **{f"from {cell(k)}": v for k, v in split.publishers.items()}}
        for name, part in named.items():
            counts = [f"{part.n:,}", f"{part.articles:,}"]
            rows.append([split.name, name, *counts, within(part.macro_f1), within(part.accuracy)])
    return _table(rows, 2)


def _table(rows: list[list[str]], words: int) -> list[str]:
    """Markdown with padded cells; columns from `words` on are set flush right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = ["-" * w if i < words else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    padded = [
        [c.ljust(w) if i < words else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True))] for r in rows
    ]
    return ["| " + " | ".join(row) + " |" for row in [padded[0], rule, *padded[1:]]]


def _run(judged: Judged, public: bool) -> dict[str, Any]:
    path = judged.run.path
    found: dict[str, Any] = {
        "name": judged.run.name,
        "path": "/".join(path.parts[-2:]) if public else str(path),
        "notes": judged.notes,
        "splits": {name: _split(split) for name, split in judged.splits.items()},
    }
    if judged.run.config_fingerprint:
        found["config_fingerprint"] = judged.run.config_fingerprint
    return found


def _split(split: Split) -> dict[str, Any]:
    calibration = split.calibration
    return {
        "headline": split.headline,
        **_slice(split.main),
        "ece": calibration.ece if calibration else None,
        "adaptive_ece": calibration.adaptive_ece if calibration else None,
        "brier": calibration.brier if calibration else None,
        "confusion": {
            "labels": [s.value for s in Stance],
            "columns": [*(s.value for s in Stance), "none"],
            "matrix": split.confusion.tolist(),
        },
        "reliability": [asdict(b) for b in calibration.bins] if calibration else [],
        "coverage": [asdict(c) for c in split.coverage],
        "abstention": asdict(split.kept) if split.kept else None,
        "attributed": asdict(split.attributed) if split.attributed else None,
        "spans": {name: asdict(scores) for name, scores in split.spans.items()},
        "slices": {name: _slice(part) for name, part in split.slices.items()},
        "publishers": {name: _slice(part) for name, part in split.publishers.items()},
    }


def _slice(part: Slice) -> dict[str, Any]:
    labels = {
        stance.value: {
            "precision": scores.precision,
            "recall": scores.recall,
            "f1": scores.f1.value,
            "f1_low": scores.f1.low,
            "f1_high": scores.f1.high,
            "support": scores.support,
        }
        for stance, scores in part.per_label.items()
    }
    figures = {name: asdict(getattr(part, name)) for name in FIGURES}
    return {"n": part.n, "articles": part.articles, **figures, "per_label": labels}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return round(value, 6) if isinstance(value, float) else value
