"""The report as one HTML file that needs nothing beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval import charts
from eval.compare import in_words, p_words
from eval.judge import Judged, confidence, headline_of
from eval.predictions import Record
from eval.report import Report, report_order, within
from isnad.labels import Stance

TEMPLATES = Path(__file__).parent / "templates"
MOST_ERRORS = 25


@dataclass(frozen=True, slots=True)
class Error:
    """A sentence that the first run got wrong; `text` is None where it must not be shown."""

    reference: str
    outlet: str
    gold: Stance
    label: Stance
    confidence: float | None
    text: str | None


def as_html(report: Report) -> str:
    """The page, sentences in it only where the report is not public and the file held them."""
    first = report.runs[0]
    calibration = first.headline.calibration
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            report=report,
            first=first,
            main=first.headline,
            support=_support(report),
            stances=list(Stance),
            order=list(report_order(report)),
            forest=forest(report),
            reliability=charts.reliability(calibration.bins) if calibration else None,
            errors=confident_errors(first, public=report.public),
            wrong=sum(r.label is not r.gold for r in _main_records(first)),
        )
    )


def forest(report: Report) -> Markup:
    """Macro-F1 of all runs, split by split."""
    rows = []
    for name in report_order(report):
        for i, judged in enumerate(report.runs):
            if split := judged.splits.get(name):
                group = f"{name} ({split.headline}, {split.main.n:,} sentences)"
                rows.append(charts.Whisker(group, judged.run.name, i, split.main.macro_f1))
    return charts.forest(rows)


def confident_errors(judged: Judged, *, public: bool, most: int = MOST_ERRORS) -> list[Error]:
    """Wrong answers of the headline sentences, the surest first."""
    wrong = [r for r in _main_records(judged) if r.label is not None and r.label is not r.gold]
    wrong.sort(key=lambda r: (-confidence(r), r.key))
    return [
        Error(
            reference=r.reference,
            outlet=r.outlet,
            gold=r.gold,
            label=r.label,
            confidence=confidence(r) if r.scores else None,
            text=None if public else r.text,
        )
        for r in wrong[:most]
        if r.label is not None
    ]


def _main_records(judged: Judged) -> list[Record]:
    return headline_of([r for r in judged.run.records if r.split == judged.headline.name])[1]


def _support(report: Report) -> dict[str, dict[Stance, int]]:
    """Gold sentences by split and label, as the first run that holds the split has them."""
    splits = [split for judged in reversed(report.runs) for split in judged.splits.values()]
    return {split.name: {s: scores.support for s, scores in split.main.per_label.items()} for split in splits}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(num=charts.number, within=within, words=in_words, p=p_words, count=lambda n: f"{n:,}")
    environment.globals.update(mark=_key)
    return environment


def _key(run: int) -> Markup:
    """The run's shape, to stand beside its name."""
    inside = charts.mark(run, 8, 8, 5)
    svg = Markup('<svg class="key" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">{}</svg>')
    return svg.format(inside)
