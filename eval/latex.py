"""The tables for a paper: `report.tex`, to be included with booktabs; Latin text and figures only, no sentence."""

from __future__ import annotations

from collections.abc import Sequence

from eval.bootstrap import Interval
from eval.charts import number
from eval.report import Report, report_order
from isnad.labels import Stance

_NAMED = {
    "\\": "textbackslash",
    "~": "textasciitilde",
    "^": "textasciicircum",
    "<": "textless",
    ">": "textgreater",
    "|": "textbar",
}
_SPECIAL = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {c: f"\\{name}{{}}" for c, name in _NAMED.items()})


def escaped(text: str) -> str:
    """`text` without what LaTeX would read as a command, or print as another character."""
    return text.translate(_SPECIAL)


def as_latex(report: Report) -> str:
    """Two tables: every run by split, and the labels of the first run."""
    note = f"95\\,\\% intervals from {report.rounds:,} draws of whole articles, seed {report.seed}."
    return "\n".join(
        [
            "% Written by python -m eval --latex; needs \\usepackage{booktabs}.",
            *_table("llrccc", ["Split", "Run", "$n$", "Macro-F1", "Accuracy", "ECE"], _runs(report), note),
            "",
            *_table("llrccc", ["Split", "Label", "$n$", "F1", "Precision", "Recall"], _labels(report), note),
            "",
        ]
    )


def _runs(report: Report) -> list[list[str]]:
    rows = []
    for name in report_order(report):
        for judged in report.runs:
            if split := judged.splits.get(name):
                ece = _cell(split.confidence.ece) if split.confidence else "--"
                figures = [_cell(split.main.macro_f1), _cell(split.main.accuracy), ece]
                rows.append([escaped(name), escaped(judged.run.name), f"{split.main.n:,}", *figures])
    return rows


def _labels(report: Report) -> list[list[str]]:
    rows = []
    for name, split in report.runs[0].splits.items():
        for stance in Stance:
            found = split.main.per_label[stance]
            figures = [_cell(found.f1), _cell(found.precision), _cell(found.recall)]
            rows.append([escaped(name), stance.value, f"{found.support:,}", *figures])
    return rows


def _cell(figure: Interval) -> str:
    value, low, high = (number(v).replace("−", "$-$") for v in (figure.value, figure.low, figure.high))
    return f"{value} {{\\small [{low}, {high}]}}"


def _table(columns: str, head: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> list[str]:
    lines = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", " & ".join(head) + r" \\", "\\midrule"]
    for i, row in enumerate(rows):
        if i and row[0] != rows[i - 1][0]:
            lines.append("\\midrule")
        lines.append(" & ".join(row) + r" \\")
    return [*lines, "\\bottomrule", "\\end{tabular}", f"% {note}"]
