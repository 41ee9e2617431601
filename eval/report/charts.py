"""The drawings of the report, as SVG written by hand: text stays text, colours come from the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from eval.bootstrap import Interval
from eval.metrics import Bin
from eval.writing import number, within

_CORNERS = {
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "triangle": ((0, -1.2), (1.15, 0.9), (-1.15, 0.9)),
    "wedge": ((0, 1.2), (1.15, -0.9), (-1.15, -0.9)),
    "flag": ((-0.9, -1.2), (1.2, 0), (-0.9, 1.2)),
    "bar": ((-0.4, -1.3), (0.4, -1.3), (0.4, 1.3), (-0.4, 1.3)),
    "star": ((0, -1.4), (0.35, -0.35), (1.4, 0), (0.35, 0.35), (0, 1.4), (-0.35, 0.35), (-1.4, 0), (-0.35, -0.35)),
}
MARKS = ("circle", *_CORNERS)
"""A shape per run, so that the drawing can be read without colour; the last one is the second reader's."""
READER = len(MARKS) - 1
DASHES = ("", "7 4", "2 3", "10 3 2 3", "5 2 1 2 1 2", "1 5", "12 6")
"""A line per run, likewise."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The risk-coverage curve of a run: `(coverage, risk)` points."""

    name: str
    run: int
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Whisker:
    """One row of the forest: a run in a split."""

    group: str
    name: str
    run: int
    figure: Interval


def mark(kind: int, x: float, y: float, size: float = 5.0) -> Markup:
    """The shape of the run with this number."""
    kind = READER if kind == READER else kind % READER
    shape, css = MARKS[kind], f"mark run-{kind}"
    if shape == "circle":
        return Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(css, x, y, size)
    corners = _CORNERS[shape]
    points = " ".join(f"{x + size * a:.1f},{y + size * b:.1f}" for a, b in corners)
    return Markup('<polygon class="{}" points="{}"/>').format(css, points)


def forest(rows: Sequence[Whisker], *, plot: int = 400, right: int = 170) -> Markup:
    """A dot with its interval per run, grouped by split; the figure stands beside it in writing."""
    names = [len(r.group) * 7.6 for r in rows] + [12 + 7.2 * len(_shortened(r.name)) for r in rows]
    left = max(names) + 16
    low = max(0.0, math.floor(10 * min(r.figure.low for r in rows) - 0.5) / 10)
    high = min(1.0, math.ceil(10 * max(r.figure.high for r in rows) + 0.5) / 10)

    def place(value: float) -> float:
        return left + plot * (value - low) / (high - low)

    parts: list[Markup] = []
    y = 10.0
    for i, row in enumerate(rows):
        if i == 0 or rows[i - 1].group != row.group:
            y += 22 if i == 0 else 34
            parts.append(_text(row.group, 0, y, "group"))
        y += 24
        parts.append(_whisker(row, y, place, left + plot + 14))
    ticks = [_tick(place(t / 10), t / 10, y + 18) for t in range(round(10 * low), round(10 * high) + 1)]
    said = "; ".join(f"{r.group}, {r.name}: {within(r.figure)}" for r in rows)
    return _svg(left + plot + right, y + 42, f"Macro-F1 with 95 % intervals. {said}", Markup("").join(ticks + parts))


def reliability(bins: Sequence[Bin], *, size: int = 340, edge: int = 44) -> Markup:
    """How often the answer is right (bars) against how sure it was (across); the broken line is perfect."""
    inner = size - edge - 10

    def across(value: float) -> float:
        return edge + inner * value

    def up(value: float) -> float:
        return 10 + inner * (1 - value)

    parts = [_grid(t / 5, across, up) for t in range(6)]
    for item in bins:
        if item.accuracy is not None and item.confidence is not None:
            box = (across(item.low) + 1, up(item.accuracy), inner / len(bins) - 2, up(0) - up(item.accuracy))
            parts.append(
                Markup('<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(*box)
            )
            parts.append(mark(0, across(item.confidence), up(item.accuracy), 3.5))
    parts.append(
        Markup('<line class="ideal" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
            across(0), up(0), across(1), up(1)
        )
    )
    parts.append(_text("how sure it was", across(0.5), up(0) + 38, "axis middle"))
    turned = Markup('<text class="axis middle" transform="translate(12 {:.1f}) rotate(-90)">how often right</text>')
    parts.append(turned.format(up(0.5)))
    said = "; ".join(
        f"sure {number(b.confidence)}: right {number(b.accuracy or 0)}" for b in bins if b.confidence is not None
    )
    return _svg(size, up(0) + 46, f"Reliability: {said}", Markup("").join(parts))


def risk_coverage(curves: Sequence[Curve], *, width: int = 460, height: int = 300, edge: int = 52) -> Markup:
    """How often the answers are wrong (up) when only the surest are given (across)."""
    most = max(0.05, math.ceil(20 * max(risk for c in curves for _, risk in c.points)) / 20)
    inner, tall = width - edge - 26, height - 60

    def across(value: float) -> float:
        return edge + inner * value

    def up(value: float) -> float:
        return 10 + tall * (1 - value / most)

    parts = []
    line = Markup('<line class="grid" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
    for t in range(6):
        parts += [
            line.format(across(t / 5), up(0), across(t / 5), up(most)),
            _mid(f"{20 * t} %", across(t / 5), up(0) + 18),
        ]
        level = most * t / 5
        parts += [line.format(across(0), up(level), across(1), up(level))]
        parts.append(_text(f"{100 * level:.0f} %", across(0) - 6, up(level) + 4, "axis last"))
    for curve in curves:
        points = " ".join(f"{across(c):.1f},{up(r):.1f}" for c, r in curve.points)
        drawn = Markup('<polyline class="curve line-{}" stroke-dasharray="{}" points="{}"/>')
        parts.append(drawn.format(curve.run % READER, DASHES[curve.run % len(DASHES)], points))
        parts.append(mark(curve.run, across(curve.points[-1][0]), up(curve.points[-1][1]), 4.5))
    parts.append(_mid("share of sentences answered, the surest first", across(0.5), up(0) + 40))
    said = "; ".join(f"{c.name}: wrong {100 * c.points[-1][1]:.0f} % of all answered" for c in curves)
    return _svg(width, height, f"Risk against coverage. {said}", Markup("").join(parts))


def _mid(words: str, x: float, y: float) -> Markup:
    return _text(words, x, y, "axis middle")


def _whisker(row: Whisker, y: float, place: Callable[[float], float], text_at: float) -> Markup:
    low, high, x = place(row.figure.low), place(row.figure.high), place(row.figure.value)
    lines = [(low, y, high, y), (low, y - 5, low, y + 5), (high, y - 5, high, y + 5)]
    drawn = [
        Markup('<line class="whisker" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(*c) for c in lines
    ]
    drawn.append(_text(_shortened(row.name), 12, y + 4, "name"))
    drawn.append(_text(within(row.figure), text_at, y + 4, "value"))
    return Markup("").join(drawn) + mark(row.run, x, y)


def _shortened(name: str, most: int = 34) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _tick(x: float, value: float, bottom: float) -> Markup:
    line = Markup('<line class="grid" x1="{0:.1f}" y1="18" x2="{0:.1f}" y2="{1:.1f}"/>').format(x, bottom)
    return line + _text(f"{value:.1f}".removeprefix("0") if value else "0", x, bottom + 18, "axis middle")


def _grid(value: float, across: Callable[[float], float], up: Callable[[float], float]) -> Markup:
    line = Markup('<line class="grid" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
    shown = f"{value:.1f}".removeprefix("0") if value else "0"
    return (
        line.format(across(value), up(0), across(value), up(1))
        + line.format(across(0), up(value), across(1), up(value))
        + _text(shown, across(value), up(0) + 18, "axis middle")
        + _text(shown, across(0) - 6, up(value) + 4, "axis last")
    )


def _text(words: str, x: float, y: float, css: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(css, x, y, words)


def _svg(width: float, height: float, said: str, inside: Markup) -> Markup:
    head = Markup('<svg viewBox="0 0 {:.0f} {:.0f}" width="{:.0f}" height="{:.0f}" role="img" aria-label="{}">')
    return head.format(width, height, width, height, escape(said)) + inside + Markup("</svg>")
