"""`errors.html`: every wrong answer of a run, the surest first, to be filtered in the browser.

It quotes the sentences that the predictions file holds, so it belongs into `runs/` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markupsafe import Markup

from eval.facts import DIMENSIONS, Facts, Key
from eval.judge import Judged, confidence, fact
from eval.predictions import Range, Record
from eval.report.templating import environment
from isnad.files import write_whole
from isnad.labels import Stance

FILE = "errors.html"


@dataclass(frozen=True, slots=True)
class Error:
    """A wrong answer, or none; `confidence` is the probability of the answer, `facts` what the filters choose by."""

    record: Record
    confidence: float | None
    facts: dict[str, str]

    @property
    def text(self) -> Markup | None:
        """The sentence with its cues marked: `<u>` gold, `<i>` found, both where they meet."""
        return None if self.record.text is None else marked(self.record.text, self.record.gold_cue, self.record.cue)


def errors_of(judged: Judged, facts: Mapping[Key, Facts]) -> list[Error]:
    """Wrong and missing answers in every split, composed text too."""
    wrong = [r for r in judged.run.records if r.label is not r.gold]
    wrong.sort(key=lambda r: (-confidence(r), r.key))
    return [
        Error(
            record=r,
            confidence=confidence(r) if r.scores and r.label else None,
            facts={name: value for name in DIMENSIONS if (value := fact(r, name, facts)) is not None},
        )
        for r in wrong
    ]


def write_errors(judged: Judged, facts: Mapping[Key, Facts], folder: Path) -> Path:
    """Write the page into `folder` and return its path."""
    errors = errors_of(judged, facts)
    page = (
        environment()
        .get_template("errors.html.jinja")
        .render(judged=judged, errors=errors, stances=list(Stance), choices=_choices(errors), dimensions=DIMENSIONS)
    )
    write_whole(folder / FILE, page.encode("utf-8", errors="replace"))
    return folder / FILE


def marked(text: str, gold: Range | None, found: Range | None) -> Markup:
    """`text` with the gold cue in `<u>` and the found one in `<i>`; overlapping parts in both."""
    edges = sorted({0, len(text), *(min(e, len(text)) for span in (gold, found) if span for e in span)})
    parts = []
    for start, end in pairwise(edges):
        piece = Markup("{}").format(text[start:end])
        if gold and gold[0] <= start < gold[1]:
            piece = Markup('<u title="cue in gold">{}</u>').format(piece)
        if found and found[0] <= start < found[1]:
            piece = Markup('<i title="cue found">{}</i>').format(piece)
        parts.append(piece)
    return Markup("").join(parts)


def _choices(errors: Sequence[Error]) -> dict[str, list[str]]:
    """What each filter offers: the values that occur, by name."""
    found: dict[str, set[str]] = {}
    for error in errors:
        for name, value in error.facts.items():
            found.setdefault(name, set()).add(value)
    return {name: sorted(found[name]) for name in DIMENSIONS if name in found}
