"""The tables for a paper: `report.tex`, to be included with booktabs; names and figures only, no sentence.

Names of Latin letters go through any LaTeX. Names with other letters need XeLaTeX or LuaLaTeX and a font that has them;
Arabic ones are wrapped in `\\foreignlanguage{arabic}`, which babel and polyglossia both know. The head of the file says
what it needs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.bootstrap import Interval
from eval.report.build import Report
from eval.writing import number
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
_LETTERS = "\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufefe"
_ARABIC = re.compile(f"[{_LETTERS}]+(?:[ \u200c\u200d]+[{_LETTERS}]+)*")
"""Words of Arabic letters, with what stands between them."""
_LATIN = re.compile("[\\x20-\u024f\u2010-\u2026]*")
_NONE = "--"

Rows = list[list[str]]


def escaped(text: str) -> str:
    """`text` without what LaTeX would read as a command, or print as another character; Arabic words wrapped."""
    return _ARABIC.sub(lambda words: f"\\foreignlanguage{{arabic}}{{{words[0]}}}", text.translate(_SPECIAL))


def as_latex(report: Report) -> str:
    """Three tables: every run by split, the labels of the first run, and what it gains by answering where sure."""
    note = f"95\\,\\% intervals from {report.rounds:,} draws of whole articles, seed {report.seed}."
    tables = [
        _table("llrccc", ["Split", "Run", "$n$", "Macro-F1", "Accuracy", "ECE"], _runs(report), note),
        _table("llrccc", ["Split", "Label", "$n$", "F1", "Precision", "Recall"], _labels(report), note),
    ]
    if sure := _sure(report):
        tables.append(_table("lcccc", ["Split", "Wanted", "Answer from", "Precision", "Answered"], sure, note))
    lines = [line for table in tables for line in (*table, "")]
    return "\n".join([*_head([judged.run.name for judged in report.runs]), *lines])


def _head(names: Sequence[str]) -> list[str]:
    lines = ["% Written by python -m eval --latex; needs \\usepackage{booktabs}."]
    if any(_ARABIC.search(name) for name in names):
        lines += [
            "% Names in Arabic: compile with XeLaTeX or LuaLaTeX (pdflatex cannot set them), and load in the preamble",
            "%   \\usepackage[english,bidi=default]{babel}\\babelprovide[import]{arabic}"
            "\\babelfont[arabic]{rm}{Amiri}   (LuaLaTeX: bidi=basic)",
            "% or \\usepackage{polyglossia}\\setmainlanguage{english}\\setotherlanguage{arabic}"
            "\\newfontfamily\\arabicfont[Script=Arabic]{Amiri}",
        ]
    elif not all(_LATIN.fullmatch(name) for name in names):
        lines.append(
            "% Names in letters that are not Latin: compile with XeLaTeX or LuaLaTeX and a font that has them."
        )
    return lines


def _runs(report: Report) -> Rows:
    rows = []
    for name in report.order:
        for judged in report.runs:
            if split := judged.splits.get(name):
                ece = _cell(split.confidence.ece if split.confidence else None)
                figures = [_cell(split.main.macro_f1), _cell(split.main.accuracy), ece]
                rows.append([escaped(name), escaped(judged.run.name), f"{split.main.n:,}", *figures])
    return rows


def _labels(report: Report) -> Rows:
    rows = []
    for name, split in report.runs[0].splits.items():
        for stance in Stance:
            found = split.main.per_label[stance]
            figures = [_cell(found.f1), _cell(found.precision), _cell(found.recall)]
            rows.append([escaped(name), stance.value, f"{found.support:,}", *figures])
    return rows


def _sure(report: Report) -> Rows:
    rows = []
    for name, split in report.runs[0].splits.items():
        for s in split.confidence.selective if split.confidence else ():
            start = _NONE if s.threshold is None else number(s.threshold)
            rows.append([escaped(name), number(s.wanted), start, _cell(s.precision), _cell(s.coverage)])
    return rows


def _cell(figure: Interval | None) -> str:
    if figure is None:
        return _NONE
    value, low, high = (number(v).replace("−", "$-$") for v in (figure.value, figure.low, figure.high))
    return f"{value} {{\\small [{low}, {high}]}}"


def _table(columns: str, head: Sequence[str], rows: Rows, note: str) -> list[str]:
    lines = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", " & ".join(head) + r" \\", "\\midrule"]
    for i, row in enumerate(rows):
        if i and row[0] != rows[i - 1][0]:
            lines.append("\\midrule")
        lines.append(" & ".join(row) + r" \\")
    return [*lines, "\\bottomrule", "\\end{tabular}", f"% {note}"]
