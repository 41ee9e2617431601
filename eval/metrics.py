"""How good are labels and probabilities? Pure functions on numpy arrays.

Class indices are those of `isnad.labels.Stance`; -1 stands for "no label given", which is
always wrong. A confusion matrix has one row per gold label and one column per given label
plus a last one for -1. Functions that take one also take a stack of them (`[..., K, K + 1]`),
which is what makes the bootstrap fast.

>>> judge([0, 0, 1, 3], [0, 2, 1, -1]).accuracy
0.5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isnad.labels import Stance

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BINS = 15
"""Bins of the calibration error."""

NO_LABEL = -1


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Precision, recall and F1 of one label (0 where undefined, as in scikit-learn)."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What one confusion matrix says."""

    n: int
    accuracy: float
    macro_f1: float
    mcc: float
    per_label: tuple[LabelScores, ...]
    confusion: Ints


@dataclass(frozen=True, slots=True)
class Bin:
    """Sentences whose top probability lies in (low, high]; the means are None where there are none."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Do the probabilities mean what they say? Brier is the sum over labels (0 best, 2 worst)."""

    n: int
    ece: float
    adaptive_ece: float
    brier: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The largest share of sentences that can be answered at a wanted precision (threshold None: none)."""

    wanted: float
    threshold: float | None
    coverage: float
    precision: float | None


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Precision, recall and F1 of found character ranges."""

    precision: float
    recall: float
    f1: float
    gold: int
    found: int


def confusion(gold: ArrayLike, given: ArrayLike, labels: int = len(Stance)) -> Ints:
    """Counts `[labels, labels + 1]`; the last column counts -1 (no label)."""
    rows, columns = _indices(gold), _indices(given)
    if rows.shape != columns.shape:
        raise ValueError(f"expected as many given labels as gold ones ({rows.size}), found {columns.size}")
    if rows.size and (rows.min() < 0 or rows.max() >= labels):
        raise ValueError(f"expected gold indices from 0 to {labels - 1}, found {rows.min()} to {rows.max()}")
    if columns.size and (columns.min() < NO_LABEL or columns.max() >= labels):
        raise ValueError(f"expected given indices from -1 to {labels - 1}, found {columns.min()} to {columns.max()}")
    columns = np.where(columns == NO_LABEL, labels, columns)
    flat = np.bincount(rows * (labels + 1) + columns, minlength=labels * (labels + 1))
    return flat.reshape(labels, labels + 1).astype(np.int64)


def accuracy(matrix: ArrayLike) -> Floats:
    """Share of right labels; 0 where there are no sentences."""
    counts = _floats(matrix)
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum((-2, -1)))


def precision(matrix: ArrayLike) -> Floats:
    """Per label: right among given, 0 where never given."""
    counts = _floats(matrix)
    return _ratio(_diagonal(counts), counts.sum(-2)[..., :-1])


def recall(matrix: ArrayLike) -> Floats:
    """Per label: right among gold, 0 where gold never holds it."""
    counts = _floats(matrix)
    return _ratio(_diagonal(counts), counts.sum(-1))


def f1(matrix: ArrayLike) -> Floats:
    """Per label: harmonic mean of precision and recall, 0 where undefined."""
    counts = _floats(matrix)
    return _ratio(2 * _diagonal(counts), counts.sum(-1) + counts.sum(-2)[..., :-1])


def macro_f1(matrix: ArrayLike) -> Floats:
    """Mean F1 of the labels that gold holds.

    A label that gold never holds has no F1 to speak of and is left out, so two runs on the
    same sentences are always divided by the same number. As scikit-learn:
    `f1_score(gold, given, labels=np.unique(gold), average="macro", zero_division=0)`.
    """
    counts = _floats(matrix)
    held = counts.sum(-1) > 0
    return _ratio((f1(counts) * held).sum(-1), held.sum(-1).astype(np.float64))


def mcc(matrix: ArrayLike) -> Floats:
    """Matthews correlation of gold and given, no label being a class of its own; 0 where undefined."""
    counts = _floats(matrix)
    total = counts.sum((-2, -1))
    gold, given = counts.sum(-1), counts.sum(-2)
    right = np.trace(counts, axis1=-2, axis2=-1)
    above = right * total - (gold * given[..., :-1]).sum(-1)
    spread = (total**2 - (gold**2).sum(-1)) * (total**2 - (given**2).sum(-1))
    return _ratio(above, np.sqrt(spread))


def judge(gold: ArrayLike, given: ArrayLike, labels: int = len(Stance)) -> Judgement:
    """Everything that labels alone can tell."""
    counts = confusion(gold, given, labels)
    support = counts.sum(1)
    per_label = zip(precision(counts), recall(counts), f1(counts), support, strict=True)
    return Judgement(
        n=int(counts.sum()),
        accuracy=float(accuracy(counts)),
        macro_f1=float(macro_f1(counts)),
        mcc=float(mcc(counts)),
        per_label=tuple(LabelScores(float(p), float(r), float(f), int(n)) for p, r, f, n in per_label),
        confusion=counts,
    )


def calibration(probabilities: ArrayLike, gold: ArrayLike, bins: int = BINS) -> Calibration:
    """Expected calibration error of the most probable label, in bins of equal width and of equal size, and Brier."""
    table, truth = _table(probabilities, gold)
    if not truth.size:
        return Calibration(0, 0.0, 0.0, 0.0, tuple(bin_of(i, bins, _floats([]), _floats([])) for i in range(bins)))
    top, right = table.max(1), (table.argmax(1) == truth).astype(np.float64)
    place = width_bins(top, bins)
    gaps = np.bincount(place, weights=right - top, minlength=bins)
    even = np.bincount(size_bins(top, bins), weights=right - top)
    return Calibration(
        n=int(truth.size),
        ece=float(np.abs(gaps).sum() / truth.size),
        adaptive_ece=float(np.abs(even).sum() / truth.size),
        brier=float(squared_errors(table, truth).mean()),
        bins=tuple(bin_of(i, bins, top[place == i], right[place == i]) for i in range(bins)),
    )


def width_bins(values: Floats, bins: int) -> Ints:
    """The bin of equal width, from 0, in which each of `values` (0 to 1) lies; a bin is open below."""
    return np.asarray(np.clip(np.ceil(values * bins).astype(np.int64) - 1, 0, bins - 1), dtype=np.int64)


def size_bins(values: Floats, bins: int) -> Ints:
    """The bin of equal size, from 0, in which each of `values` lies; as many bins as values where there are fewer."""
    place = np.empty(values.size, dtype=np.int64)
    for number, part in enumerate(np.array_split(np.argsort(values, kind="stable"), min(bins, max(1, values.size)))):
        place[part] = number
    return place


def squared_errors(table: Floats, truth: Ints) -> Floats:
    """Brier score of each row: the sum over labels (0 best, 2 worst)."""
    return np.asarray(((table - np.eye(table.shape[1])[truth]) ** 2).sum(1))


def coverage_at(wanted: float, confidence: ArrayLike, right: ArrayLike) -> Coverage:
    """Answer only from some confidence on: which threshold keeps most sentences at precision `wanted`?"""
    scores, hits = _floats(confidence), _floats(right)
    if scores.shape != hits.shape:
        raise ValueError(f"expected as many answers as confidences ({scores.size}), found {hits.size}")
    if not scores.size:
        return Coverage(wanted, None, 0.0, None)
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], hits[order]
    reached = hits.cumsum() / np.arange(1, hits.size + 1)
    last_of_its_score = np.append(scores[1:] < scores[:-1], True)
    good = np.flatnonzero(last_of_its_score & (reached >= wanted))
    if not good.size:
        return Coverage(wanted, None, 0.0, None)
    best = int(good[-1])
    return Coverage(wanted, float(scores[best]), (best + 1) / hits.size, float(reached[best]))


def span_scores(
    gold: Sequence[tuple[int, int] | None], found: Sequence[tuple[int, int] | None], *, overlap: bool = False
) -> SpanScores:
    """Found ranges against gold ones, one or none per sentence: the same range, or (`overlap`) a shared character."""
    if len(gold) != len(found):
        raise ValueError(f"expected as many found spans as gold ones ({len(gold)}), found {len(found)}")
    right = sum(span_right(*pair, overlap=overlap) for pair in zip(gold, found, strict=True))
    n_gold = sum(span is not None for span in gold)
    n_found = sum(span is not None for span in found)
    return SpanScores(
        precision=right / n_found if n_found else 0.0,
        recall=right / n_gold if n_gold else 0.0,
        f1=2 * right / (n_gold + n_found) if n_gold + n_found else 0.0,
        gold=n_gold,
        found=n_found,
    )


def span_right(gold: tuple[int, int] | None, found: tuple[int, int] | None, *, overlap: bool = False) -> bool:
    """Whether there is a range on both sides and it is the same one, or (`overlap`) shares a character."""
    if gold is None or found is None:
        return False
    return gold == found or (overlap and max(gold[0], found[0]) < min(gold[1], found[1]))


def _table(probabilities: ArrayLike, gold: ArrayLike) -> tuple[Floats, Ints]:
    truth = _indices(gold)
    table = _floats(probabilities)
    table = table.reshape(0, len(Stance)) if not table.size else table
    if table.ndim != 2 or len(table) != truth.size:
        raise ValueError(f"expected a row of probabilities per gold label ({truth.size}), found shape {table.shape}")
    return table, truth


def bin_of(index: int, bins: int, top: Floats, right: Floats) -> Bin:
    """Bin number `index` of `bins` over what fell into it."""
    means = (float(top.mean()), float(right.mean())) if top.size else (None, None)
    return Bin(index / bins, (index + 1) / bins, int(top.size), *means)


def _indices(values: ArrayLike) -> Ints:
    return np.asarray(values, dtype=np.int64).reshape(-1)


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _diagonal(counts: Floats) -> Floats:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _ratio(above: Floats, below: Floats) -> Floats:
    safe = np.where(below > 0, below, 1.0)
    return np.where(below > 0, above / safe, 0.0)
