"""`curve.svg`: loss and dev macro-F1 of one run over its steps, drawn from its `metrics.jsonl`.

The drawing follows the reader's light or dark setting; loss and macro-F1 have axes, colours and marks of their own.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from isnad.files import write_whole

FILE = "curve.svg"
LOSS, DEV = "#0072b2", "#d55e00"
"""Blue and vermilion of Okabe and Ito (2008), told apart by every kind of colour vision."""
INK, FAINT, PAPER = "#24292f", "#d0d7de", "#fffffe"
"""Text and frames, grid, background."""
DARK = {LOSS: "#56b4e9", DEV: "#e69f00", INK: "#e6edf3", FAINT: "#3d444d", PAPER: "#0d1117"}
"""What stands for each colour where the reader asks for a dark page."""

Points = list[tuple[float, float]]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a `metrics.jsonl`; half a last line, as a kill leaves it, is passed over; no file, no rows."""
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def points(rows: list[dict[str, Any]], name: str) -> Points:
    """`(step, value)` of every row that holds `name`."""
    return [(row["step"], row[name]) for row in rows if name in row and "step" in row]


def write_curve(out: Path) -> Path | None:
    """Draw the run in `out`; None, and nothing drawn, where it has measured nothing step by step."""
    rows = read_rows(out / "metrics.jsonl")
    loss, dev = points(rows, "loss"), points(rows, "dev_macro_f1")
    if not loss and not dev:
        return None
    write_whole(out / FILE, both_ways(as_svg(loss, dev, out.name)))
    return out / FILE


def as_svg(loss: Points, dev: Points, title: str) -> str:
    """The light drawing; text stays text."""
    import matplotlib
    from matplotlib.figure import Figure

    own: Any = {"svg.fonttype": "none", "svg.hashsalt": "isnad", "text.color": INK, "axes.labelcolor": INK}
    own |= {"axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK, "grid.color": FAINT, "axes.facecolor": PAPER}
    with matplotlib.rc_context(own):
        figure = Figure(figsize=(7, 5), layout="constrained", facecolor=PAPER)
        above, below = figure.subplots(2, 1, sharex=True)
        above.plot(*_columns(loss), color=LOSS, marker="." if len(loss) < 60 else "", linewidth=1.5)
        above.set_ylabel("training loss", color=LOSS)
        below.plot(*_columns(dev), color=DEV, marker="s", markersize=5, linestyle="--", linewidth=1.5)
        below.set_ylabel("dev macro-F1", color=DEV)
        below.set_xlabel("step")
        _name_the_best(below, dev)
        for axes in (above, below):
            axes.grid(linewidth=0.6)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        figure.suptitle(title, fontsize=11)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()


def _columns(found: Points) -> tuple[list[float], list[float]]:
    return [x for x, _ in found], [y for _, y in found]


def _name_the_best(axes: Any, dev: Points) -> None:
    """A ring around the best evaluation, the first of equals, and its value."""
    if not dev:
        return
    step, value = max(dev, key=lambda p: p[1])
    axes.plot([step], [value], marker="o", markersize=12, color=DEV, fillstyle="none")
    axes.annotate(
        f"best {value:.3f}", (step, value), xytext=(0, -18), textcoords="offset points", ha="center", color=INK
    )
    axes.margins(x=0.06, y=0.3)


def both_ways(svg: str) -> str:
    """`svg` with a style sheet that changes its colours on a dark page."""
    rules = "".join(
        f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in DARK.items()
        for kind in ("fill", "stroke")
    )
    head, defs, rest = svg.partition("<defs>")
    return f"{head}{defs}<style>@media (prefers-color-scheme: dark){{{rules}}}</style>{rest}"
