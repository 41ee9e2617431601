"""How figures and tables are written, in every report of `eval`."""

from __future__ import annotations

from collections.abc import Sequence

from eval.bootstrap import Difference, Interval

ABSENT = "–"
"""Stands where there is no figure, which is another thing than 0."""


def number(value: float) -> str:
    """`.775`, `−.120`, `1.000`."""
    sign = "−" if round(value, 3) < 0 else ""
    return sign + f"{abs(value):.3f}".removeprefix("0")


def within(figure: Interval | None) -> str:
    """`.775 (.741 to .806)`; a dash where there is none."""
    if figure is None:
        return ABSENT
    return f"{number(figure.value)} ({number(figure.low)} to {number(figure.high)})"


def signed(value: float) -> str:
    """`+1.2`, `−0.8`."""
    return f"{round(value, 1) + 0.0:+.1f}".replace("-", "−")


def points(gap: Difference) -> str:
    """`−2.0 (−3.1 to +0.4)`: a difference in points."""
    value, low, high = (signed(100 * v) for v in (gap.value, gap.low, gap.high))
    return f"{value} ({low} to {high})"


def table(rows: Sequence[Sequence[str]], words: int) -> list[str]:
    """Markdown that can be read on a terminal too: cells padded, the first row the head; columns from `words` on are
    set flush right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = ["-" * w if i < words else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    padded = [
        [c.ljust(w) if i < words else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True))] for r in rows
    ]
    return ["| " + " | ".join(row) + " |" for row in [padded[0], rule, *padded[1:]]]


def cell(text: str) -> str:
    """Text that does not break a table: one line, bars escaped."""
    return " ".join(text.replace("|", "\\|").split())
