"""What a run has to reach: `--fail-under [SPLIT:][DIMENSION=VALUE:]FIGURE=NUMBER`.

    macro_f1=.85            test-outlets:deny.recall=.6            test:subject=sport:accuracy=.7            ece=.03

Of errors (ece, adaptive_ece, brier, aurc) the number is the most there may be, of everything else the least.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

import click

from eval.facts import DIMENSIONS
from eval.judge import FIGURES, Judged, Slice, Split
from eval.predictions import SPLITS
from isnad.errors import IsnadError
from isnad.labels import Stance

ERRORS = ("ece", "adaptive_ece", "brier", "aurc")
OF_LABEL = ("f1", "precision", "recall")
SPANS = ("cue-exact", "cue-overlap", "source-exact", "source-overlap")
OF_SLICE = (*FIGURES, *(f"{s.value}.{name}" for s in Stance for name in OF_LABEL))
OF_SPLIT = (
    *ERRORS,
    "attributed.accuracy",
    "attributed.f1",
    *(f"{span}.{name}" for span in SPANS for name in OF_LABEL),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure that the first run has to reach, in a split (None: the one that answers for it) or a slice of it."""

    split: str | None
    dimension: str | None
    value: str | None
    figure: str
    number: float

    @property
    def where(self) -> str:
        """The slice in words, empty where the whole split is meant."""
        return f", {self.dimension} {self.value}" if self.dimension else ""


class BarType(click.ParamType[Bar]):
    """See the module."""

    name = "[SPLIT:][DIMENSION=VALUE:]FIGURE=NUMBER"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Bar:
        """Says what was expected where it cannot."""
        if isinstance(value, Bar):
            return value

        def refuse(why: str) -> NoReturn:
            self.fail(why, param, ctx)

        def known(found: str, names: tuple[str, ...]) -> str:
            if found not in names:
                near = get_close_matches(found, names, n=1)
                advice = f"did you mean {near[0]}?" if near else "write one of these"
                refuse(f"expected {', '.join(names)}, found {found!r}; {advice}")
            return found

        *places, last = str(value).split(":")
        parts = re.fullmatch(r"([\w.-]+)=([+-]?(?:\d+\.?\d*|\.\d+))", last)
        if not parts or len(places) > 2:
            refuse(f"expected {self.name}, found {value!r}; write macro_f1=.70 or test:subject=sport:deny.f1=.65")
        split = dimension = name = None
        for place in places:
            if (dimension if "=" in place else split) is not None:
                refuse(f"expected one split and one dimension at most, found two in {value!r}; write the option twice")
            if "=" in place:
                dimension, _, name = place.partition("=")
                known(dimension, tuple(DIMENSIONS))
            else:
                split = known(place, SPLITS)
        figure = known(parts[1], OF_SLICE if dimension else (*OF_SLICE, *OF_SPLIT))
        return Bar(split, dimension, name, figure, float(parts[2]))


def failure(judged: Judged, bar: Bar) -> str | None:
    """What to tell where `judged` misses the bar, None where it reaches it; IsnadError where it has no such figure."""
    split = judged.headline if bar.split is None else judged.splits.get(bar.split)
    if split is None:
        raise _missing(judged, f"the split {bar.split}", list(judged.splits))
    found = _value(judged, split, bar)
    missed = found > bar.number if bar.figure in ERRORS else found < bar.number
    how = "most" if bar.figure in ERRORS else "least"
    if not missed:
        return None
    wanted, reached = _told_apart(bar.number, found)
    return f"expected {bar.figure} of at {how} {wanted} in {split.name}{bar.where}, found {reached}"


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Both with as many digits, three or more, as show that they differ."""
    written = ((f"{one:.{digits}f}", f"{other:.{digits}f}") for digits in range(3, 18))
    return next((pair for pair in written if pair[0] != pair[1]), (repr(one), repr(other)))


def _value(judged: Judged, split: Split, bar: Bar) -> float:
    name, _, of = bar.figure.rpartition(".")
    if bar.figure in OF_SLICE:
        return _of_slice(_slice(judged, split, bar), bar.figure)
    if bar.figure in ERRORS:
        if split.confidence is None:
            raise _missing(judged, f"probabilities for {bar.figure}", ["none"])
        return float(getattr(split.confidence, bar.figure).value)
    result = split.attributed if name == "attributed" else split.spans.get(name)
    if result is None:
        raise _missing(judged, f"answers for {bar.figure}", ["none"])
    return float(getattr(result, of).value)


def _slice(judged: Judged, split: Split, bar: Bar) -> Slice:
    if bar.dimension is None:
        return split.main
    slices = split.of(bar.dimension)
    if bar.value not in slices:
        raise _missing(judged, f"{bar.dimension} {bar.value} in {split.name}", list(slices) or ["none"])
    return slices[bar.value]


def _of_slice(part: Slice, figure: str) -> float:
    if figure in FIGURES:
        return float(getattr(part, figure).value)
    label, _, name = figure.partition(".")
    return float(getattr(part.per_label[Stance(label)], name).value)


def _missing(judged: Judged, what: str, there: list[str]) -> IsnadError:
    return IsnadError(
        f"expected {what} for --fail-under, found {', '.join(there)}; name what is there", path=judged.run.path
    )
