"""Two runs on the same sentences: how far apart, and could it be chance?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval import bootstrap
from eval.bootstrap import Difference, McNemar
from eval.judge import FIGURES, article_counts, headline_of
from eval.predictions import SPLITS, Record, Run
from isnad.errors import IsnadError


@dataclass(frozen=True, slots=True)
class Comparison:
    """First run minus second on the headline sentences of one split."""

    first: str
    second: str
    split: str
    headline: str
    n: int
    accuracy: Difference
    macro_f1: Difference
    mcc: Difference
    mcnemar: McNemar


def compare(first: Run, second: Run, *, rounds: int, seed: int) -> list[Comparison]:
    """Every split that both runs hold; refuses where sentences or gold labels differ."""
    here, there = {r.split for r in first.records}, {r.split for r in second.records}
    shared = [name for name in SPLITS if name in here & there]
    if not shared:
        raise IsnadError(
            f"expected a split that {first.name} ({', '.join(sorted(here))}) and {second.name} "
            f"({', '.join(sorted(there))}) share, found none; predict the same sentences with both",
            path=second.path,
        )
    comparisons = []
    for split in shared:
        left, right = same_sentences(first, second, split)
        comparisons.append(_compare_split(first.name, second.name, left, right, rounds=rounds, seed=seed))
    return comparisons


def same_sentences(first: Run, second: Run, split: str) -> tuple[list[Record], list[Record]]:
    """The records of both runs in one order, after a look at whether they may be compared."""
    left = {r.key: r for r in first.records if r.split == split}
    right = {r.key: r for r in second.records if r.split == split}
    only = [
        (first, [r for k, r in left.items() if k not in right]),
        (second, [r for k, r in right.items() if k not in left]),
    ]
    if any(records for _, records in only):
        said = " and ".join(f"{len(records)} only in {run.name} ({_some(records)})" for run, records in only if records)
        raise IsnadError(
            f"expected the same sentences in {split} as in {first.path}, found {said}; "
            "predict the same sentences with both runs, or judge them apart",
            path=second.path,
        )
    for name in ("gold", "kind"):
        torn = [r for k, r in left.items() if getattr(r, name) != getattr(right[k], name)]
        if torn:
            one = f"{torn[0].reference} is {getattr(torn[0], name)} there, {getattr(right[torn[0].key], name)} here"
            raise IsnadError(
                f'expected the same "{name}" in {split} as in {first.path}, found {len(torn)} that differ '
                f"({one}; {_some(torn)}); predict both runs from the same data",
                path=second.path,
            )
    keys = sorted(left)
    return [left[k] for k in keys], [right[k] for k in keys]


def in_words(difference: Difference) -> str:
    """For people: "ahead by 6.1 points (95 %: 2.0 to 10.3), p = .004"."""
    value, low, high = (100 * v for v in (difference.value, difference.low, difference.high))
    if difference.tie:
        span = f"{_signed(value)} points, 95 %: {_signed(low)} to {_signed(high)}"
        return f"a tie: the interval holds zero ({span}), {p_words(difference.p)}"
    if value < 0:
        return f"behind by {-value:.1f} points (95 %: {-high:.1f} to {-low:.1f}), {p_words(difference.p)}"
    return f"ahead by {value:.1f} points (95 %: {low:.1f} to {high:.1f}), {p_words(difference.p)}"


def p_words(p: float) -> str:
    """`p = .03`, `p < .001`."""
    if p < 0.001:
        return "p < .001"
    digits = f"{p:.3f}" if p < 0.01 else f"{p:.2f}"
    return f"p = {digits.removeprefix('0') if p < 1 else '1'}"


def _compare_split(
    first: str, second: str, left: list[Record], right: list[Record], *, rounds: int, seed: int
) -> Comparison:
    (headline, left), (_, right) = headline_of(left), headline_of(right)
    counts = (article_counts(left), article_counts(right))
    draws = bootstrap.resampled(*counts, rounds=rounds, seed=seed)
    return Comparison(
        first=first,
        second=second,
        split=left[0].split,
        headline=headline,
        n=len(left),
        mcnemar=bootstrap.mcnemar([r.label is r.gold for r in left], [r.label is r.gold for r in right]),
        **{name: bootstrap.difference_summary(figure, counts, draws) for name, figure in FIGURES.items()},
    )


def _some(records: Sequence[Record]) -> str:
    return ", ".join(r.reference for r in records[:3]) + (", …" if len(records) > 3 else "")


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
