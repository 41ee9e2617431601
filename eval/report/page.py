"""The report as one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from markupsafe import Markup

from eval.facts import DIMENSIONS
from eval.judge import Judged, Slice, Split
from eval.report import charts
from eval.report.build import Report
from eval.report.errors import FILE, Error, errors_of
from eval.report.templating import environment
from eval.stress import Capability, Tally, read_capabilities
from eval.yardsticks.generalise import side_by_side
from isnad.labels import Stance

MOST_ERRORS = 25


def as_html(report: Report) -> str:
    """The page, sentences in it only where the report is not public and the file held them."""
    first = report.runs[0]
    main = first.headline
    confidence = main.confidence
    return (
        environment()
        .get_template("report.html.jinja")
        .render(
            report=report,
            first=first,
            main=main,
            dimensions=DIMENSIONS,
            support=_support(report),
            stances=list(Stance),
            order=report.order,
            forest=forest(report),
            reliability=charts.reliability(confidence.bins) if confidence else None,
            by_label={s: charts.reliability(b, size=210) for s, b in confidence.by_label.items()} if confidence else {},
            risk=risk(report),
            stress=list(stress_rows(report)),
            left_out=side_by_side(report.generalisation),
            number_of={judged.run.name: i for i, judged in enumerate(report.runs)},
            errors=confident_errors(first, report),
            wrong=sum(main.confusion.sum(1)) - int(main.confusion.diagonal().sum()),
            link=lambda part, split: None if report.public else slice_link(part, first.splits[split]),
        )
    )


def forest(report: Report) -> Markup:
    """Macro-F1 of all runs, split by split, and of the second reader."""
    rows = []
    for name in report.order:
        for i, judged in enumerate(report.runs):
            if split := judged.splits.get(name):
                group = f"{name} ({split.headline}, {split.main.n:,} sentences)"
                rows.append(charts.Whisker(group, judged.run.name, i, split.main.macro_f1))
        if ceiling := report.ceiling(name):
            told = f"a second reader ({ceiling[1].n:,})"
            rows.append(charts.Whisker(rows[-1].group, told, charts.READER, ceiling[1].macro_f1))
    return charts.forest(rows)


def risk(report: Report) -> Markup | None:
    """Risk against coverage of all runs with probabilities, in the split that counts most."""
    name = report.runs[0].headline.name
    curves = []
    for i, judged in enumerate(report.runs):
        split = judged.splits.get(name)
        if split and split.confidence:
            curves.append(charts.Curve(judged.run.name, i, split.confidence.risk))
    return charts.risk_coverage(curves) if curves else None


def stress_rows(report: Report) -> Iterator[tuple[Capability, list[Tally]]]:
    """Every capability of the stress suite with the tally of each run, the worst of the first run first."""
    if not report.stress:
        return
    asked = {c.name: c for c in read_capabilities()}
    tallies = [{t.name: t for t in result.capabilities} for result in report.stress.values()]
    for name in tallies[0]:
        yield asked[name], [found[name] for found in tallies]


def confident_errors(judged: Judged, report: Report) -> list[Error]:
    """Wrong answers of the headline sentences, the surest first."""
    split = judged.headline
    found = errors_of(judged, report.facts)
    inside = [
        e for e in found if e.record.split == split.name and (e.record.origin == "news" or split.headline != "news")
    ]
    return [e for e in inside if e.record.label is not None][:MOST_ERRORS]


def slice_link(part: Slice, split: Split) -> str:
    """Where `errors.html` shows the errors of this slice, of the sentences that the split is judged by."""
    where = {"origin": "real"} if split.headline == "news" else {}
    return link(**(where | {"split": split.name, part.dimension: part.name}))


def link(**where: str) -> str:
    """Where `errors.html` shows the errors of these values only."""
    return FILE + "#" + "&".join(f"{name}={quote(value)}" for name, value in where.items())


def _support(report: Report) -> dict[str, dict[Stance, int]]:
    """Gold sentences by split and label, as the first run that holds the split has them."""
    splits = [split for judged in reversed(report.runs) for split in judged.splits.values()]
    return {split.name: {s: scores.support for s, scores in split.main.per_label.items()} for split in splits}
