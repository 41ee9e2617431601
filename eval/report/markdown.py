"""`report.md`: tables that GitHub shows and a terminal can read; references and counts only, never a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from eval.compare import Comparison, p_words, verdict
from eval.judge import Judged, Split
from eval.report.build import Report
from eval.stress import table as stress_table
from eval.writing import ABSENT, cell, number, table, within
from eval.yardsticks.generalise import as_markdown as generalisation
from eval.yardsticks.generalise import side_by_side
from eval.yardsticks.seeds import SeedSpread
from isnad.labels import Stance

ICONS = {s: f"{s.icon} {s.value}" for s in Stance}
WORST = 20
"""Slices that are shown."""


def as_markdown(report: Report) -> str:
    """The whole report in Markdown."""
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
    for beside in side_by_side(report.generalisation):
        lines += ["", f"### Left out: {beside.dimension}", "", generalisation(beside).rstrip()]
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
    for name in report.order:
        for judged in report.runs:
            if split := judged.splits.get(name):
                main = split.main
                figures = [within(main.macro_f1), within(main.accuracy), within(main.mcc)]
                ece = within(split.confidence.ece if split.confidence else None)
                counts = [f"{main.n:,}", f"{main.articles:,}"]
                rows.append([name, cell(judged.run.name), split.headline, *counts, *figures, ece])
        if ceiling := report.ceiling(name):
            origin, top = ceiling
            figures = [f"{top.n:,}", f"{top.articles:,}", within(top.macro_f1), within(top.accuracy)]
            rows.append([name, "a second reader", origin, *figures, ABSENT, ABSENT])
    return table(rows, 3)


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
            if s.threshold is not None:
                words = f"answered from {number(s.threshold)} on (for {number(s.wanted)}, chosen on {s.chosen_on})"
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
