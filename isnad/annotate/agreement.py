"""How far readings of the same sentences agree: `isnad annotate agreement [FOLDER | READING READING …]`

For a folder of labelled data it compares `second/*.jsonl` with the first readings (the published labels, or
`first/*.jsonl` where an adjudicator settled them); for files, each pair of them. Intervals are 95 %, by bootstrap over
articles. Needs no news text. Cohen's κ is scikit-learn's, Krippendorff's α (nominal) that of `krippendorff`.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from krippendorff import alpha
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score, f1_score

from isnad.errors import IsnadError
from isnad.examples import COMPOSED, Bounds, Document, Unit, read_documents
from isnad.labels import SKIP, Stance

SEED = 13
ROUNDS = 1000
LABELS = (*(s.value for s in Stance), SKIP)
NAMES = (
    "agreement",
    "Cohen κ, five labels",
    "Krippendorff α, five labels",
    "macro-F1, five labels",
    *(f"F1 {label}" for label in LABELS),
    "`attributed` agreement",
    "source identical, where either marks one",
    "cue identical, where either marks one",
    "source overlap (Dice), where either marks one",
    "cue overlap (Dice), where either marks one",
)
ADJUDICATOR = "adjudicator"
IN_DOUBT = ", first reader in doubt"
"""Behind an origin: the sample of `load` whose first reader was in doubt."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """One sentence read twice: by the first reader and, not knowing the first label, by a second."""

    article: str
    first: Unit
    second: Unit


@dataclass(frozen=True, slots=True)
class Agreement:
    """Every figure of `NAMES` with its 95 % interval, over `sentences` in `articles`."""

    sentences: int
    articles: int
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def cell(self, row: int) -> str:
        """The figure with its interval, as a table shows it; a dash where nothing can be said."""
        value, low, high = self.values[row], self.low[row], self.high[row]
        return "–" if np.isnan(value) else f"{value:.3f} ({low:.3f} to {high:.3f})"


def pairs(published: Sequence[Document], second: Sequence[Document], first: Sequence[Document] = ()) -> list[Pair]:
    """The sentences of `second`, each beside its reading in `first`, else beside the published one.

    An unknown sentence is an error.
    """
    known = {(d.key, u.start, u.end): u for d in (*published, *first) for u in d.units}
    found = []
    for d in second:
        for u in d.units:
            own = known.get((d.key, u.start, u.end))
            if own is None or own.sha1 != u.sha1:
                raise IsnadError(
                    f"expected a published sentence at {d.key}:{u.start}-{u.end}, found none with this SHA-1; "
                    "`isnad check data` lists every such line",
                    path=d.path,
                    line=d.line,
                )
            found.append(Pair(d.key, own, u))
    return found


def _label(unit: Unit) -> str:
    return SKIP if unit.label is None else unit.label.value


def _dice(a: Bounds, b: Bounds) -> float:
    """Share of characters two spans have in common: 2 |a ∩ b| / (|a| + |b|)."""
    if a is None or b is None:
        return 0.0
    return 2 * max(0, min(a[1], b[1]) - max(a[0], b[0])) / (a[1] - a[0] + b[1] - b[0])


def _columns(found: Sequence[Pair]) -> tuple[NDArray[np.str_], NDArray[np.str_], Floats]:
    """Both readings' labels, and for each pair five worths (0 to 1) and whether each counts (0 or 1)."""
    ours = np.array([_label(p.first) for p in found])
    theirs = np.array([_label(p.second) for p in found])
    rows = []
    for p in found:
        a, b = p.first, p.second
        counted = (True, *(s != (None, None) for s in ((a.source, b.source), (a.cue, b.cue)) * 2))
        worth = (a.attributed == b.attributed, a.source == b.source, a.cue == b.cue)
        overlap = (_dice(a.source, b.source), _dice(a.cue, b.cue))
        rows.append([*(w * c for w, c in zip((*worth, *overlap), counted, strict=True)), *counted])
    return ours, theirs, np.array(rows, dtype=np.float64)


def _alpha(ours: NDArray[np.str_], theirs: NDArray[np.str_], weights: Floats) -> float:
    codes = [[LABELS.index(label) for label in reading] for reading in (ours, theirs)]
    counts = np.zeros((len(weights), len(LABELS)))
    for reading in codes:
        counts[np.arange(len(weights)), reading] += 1
    repeated = np.repeat(counts, weights.astype(np.int64), axis=0)
    if len(np.unique(np.concatenate(codes))) < 2:
        return float("nan")
    return float(alpha(value_counts=repeated, level_of_measurement="nominal"))


def _figures(ours: NDArray[np.str_], theirs: NDArray[np.str_], fields: Floats, weights: Floats) -> Floats:
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore")  # a label that a resample lacks has no F1: nan, and left out
        kappa = cohen_kappa_score(ours, theirs, labels=LABELS, sample_weight=weights)
        f1 = f1_score(ours, theirs, labels=LABELS, average=None, sample_weight=weights, zero_division=np.nan)
        sums = weights @ fields
        same = np.average(ours == theirs, weights=weights)
        return np.array([same, kappa, _alpha(ours, theirs, weights), np.nanmean(f1), *f1, *(sums[:5] / sums[5:])])


def agreement(found: Sequence[Pair], rounds: int = ROUNDS) -> Agreement:
    """All figures over `found`, with intervals by `rounds` resamples of whole articles."""
    ours, theirs, fields = _columns(found)
    ids, article = np.unique([p.article for p in found], return_inverse=True)
    rng = np.random.default_rng(SEED)
    draws = []
    for _ in range(rounds):
        times = np.bincount(rng.integers(len(ids), size=len(ids)), minlength=len(ids))
        draws.append(_figures(ours, theirs, fields, times[article].astype(np.float64)))
    values = _figures(ours, theirs, fields, np.ones(len(found)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        low, high = np.nanpercentile(np.array(draws), [2.5, 97.5], axis=0)
    return Agreement(len(found), len(ids), tuple(values), tuple(low), tuple(high))


def contested(found: Sequence[Pair]) -> list[tuple[str, str, int]]:
    """`(first reader's label, second reader's, sentences)` where the two differ, the commonest first."""
    cells = Counter((_label(p.first), _label(p.second)) for p in found)
    return [(a, b, n) for (a, b), n in cells.most_common() if a != b]


def history(found: Sequence[Pair]) -> str:
    """How the labels of composed news came about, and on how many the first two readings agreed."""
    settled = sum(ADJUDICATOR in p.first.annotators for p in found)
    waiting = sum(ADJUDICATOR not in p.first.annotators and not _alike(p) for p in found)
    return (
        f"Composed: published labels are the author's own, except for {settled} sentences on whose label or "
        f"attribution author and second reader differed (marked `{ADJUDICATOR}`); {waiting} more differ and stand as "
        f"the author labelled them. The two agreed on both for {len(found) - settled - waiting:,} of {len(found):,} "
        "sentences."
    )


def _alike(pair: Pair) -> bool:
    return pair.first.label == pair.second.label and pair.first.attributed == pair.second.attributed


def table(by_origin: dict[str, list[Pair]], rounds: int = ROUNDS) -> str:
    """Markdown: one row a figure, one column an origin, and what the columns compare."""
    results = {origin: agreement(found, rounds) for origin, found in by_origin.items()}
    lines = ["| | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
    lines.append("| sentences | " + " | ".join(f"{r.sentences:,}" for r in results.values()) + " |")
    lines.append("| articles | " + " | ".join(f"{r.articles:,}" for r in results.values()) + " |")
    for row, name in enumerate(NAMES):
        lines.append(f"| {name} | " + " | ".join(r.cell(row) for r in results.values()) + " |")
    lines += ["", "In brackets: 95 % intervals, bootstrap over articles.", "", *_contested_table(by_origin)]
    if COMPOSED in by_origin:
        lines += ["", history(by_origin[COMPOSED])]
    return "\n".join(lines)


def _contested_table(by_origin: Mapping[str, list[Pair]]) -> list[str]:
    cells = {origin: {(a, b): n for a, b, n in contested(found)} for origin, found in by_origin.items()}
    total = sum((Counter(c) for c in cells.values()), Counter[tuple[str, str]]())
    lines = ["| first, second reader: where they differ | " + " | ".join(cells) + " |", "|---|" + "---|" * len(cells)]
    for (a, b), _ in total.most_common():
        lines.append(f"| {a}, {b} | " + " | ".join(f"{c.get((a, b), 0)}" for c in cells.values()) + " |")
    return lines


def load_files(paths: Sequence[Path]) -> dict[str, list[Pair]]:
    """Pairs of every two of these readings, over the sentences that both hold; names are those of the files."""
    readings = {path.stem: read_documents([path]) for path in paths}
    if len(readings) < 2:
        raise IsnadError("expected two readings or more with different file names, found one; name another")
    found = {}
    for (one, ours), (other, theirs) in combinations(readings.items(), 2):
        known = {(d.key, u.start, u.end): u for d in ours for u in d.units}
        both = [
            Pair(d.key, known[d.key, u.start, u.end], u)
            for d in theirs
            for u in d.units
            if (d.key, u.start, u.end) in known
        ]
        if not both:
            raise IsnadError(
                f"expected sentences that {one} and {other} have both read, found none; compare other files"
            )
        found[f"{one}, {other}"] = both
    return found


def _parts(origin: str, own: Sequence[Pair]) -> dict[str, list[Pair]]:
    """The samples in a second reading, which were drawn in different ways and must not be averaged."""
    if origin == COMPOSED:
        return {origin: list(own)}
    oldest = min((p.second.guidelines for p in own), default=1)
    parts = {origin: [p for p in own if p.second.guidelines == oldest and not p.first.unsure]}
    parts[f"{origin}{IN_DOUBT}"] = [p for p in own if p.second.guidelines == oldest and p.first.unsure]
    for version in sorted({p.second.guidelines for p in own} - {oldest}):
        parts[f"{origin}, read again under version {version}"] = [p for p in own if p.second.guidelines == version]
    return parts


def load(data: Path) -> dict[str, list[Pair]]:
    """Pairs from a data folder, by origin and by how the sentences were chosen."""
    found: dict[str, list[Pair]] = {}
    for origin in ("news", COMPOSED):
        published = read_documents(sorted((data / origin).glob("*.jsonl")))
        second = data / "second" / f"{origin}.jsonl"
        if not second.is_file():
            raise IsnadError("expected the second reading; restore the file or name another folder", path=second)
        own = pairs(
            published, read_documents([second]), read_documents(sorted((data / "first").glob(f"{origin}.jsonl")))
        )
        found |= {name: part for name, part in _parts(origin, own).items() if part or name == origin}
    return found
