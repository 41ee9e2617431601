"""What the HTML pages of `eval` share: the template environment and its filters."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval.compare import p_words, verdict
from eval.report import charts
from eval.writing import number, points

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> Environment:
    """Jinja with escaping on and unknown names an error."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(num=number, points=points, verdict=verdict, p=p_words, count=lambda n: f"{n:,}", pct=percent)
    found.globals.update(mark=_key, marks=len(charts.MARKS))
    return found


def percent(share: float) -> str:
    """`77.2 %`, held together by a narrow space."""
    return f"{100 * share:.1f}\u202f%"


def _key(run: int) -> Markup:
    """The run's shape, to stand beside its name."""
    inside = charts.mark(run, 8, 8, 5)
    svg = Markup('<svg class="key" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">{}</svg>')
    return svg.format(inside)
