"""How far two readings of the same sentences agree: python -m train.agreement [--data data] [--rounds 1000]

Compares `data/second/*.jsonl` with the first readings (the published labels, or `data/first/*.jsonl` where an
adjudicator settled them) and prints a Markdown table; intervals are 95 %, by bootstrap over articles. Needs
no news text.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score, f1_score

from isnad.errors import IsnadError
from isnad.examples import COMPOSED, Document, Unit, read_documents
from isnad.labels import SKIP, Stance

SEED = 13
ROUNDS = 1000
LABELS = (*(s.value for s in Stance), SKIP)
NAMES = (
    "agreement",
    "Cohen κ, five labels",
    "macro-F1, five labels",
    *(f"F1 {label}" for label in LABELS),
    "`attributed` agreement",
    "source identical, where either marks one",
    "cue identical, where either marks one",
)
ADJUDICATOR = "adjudicator"

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


def _columns(found: Sequence[Pair]) -> tuple[NDArray[np.str_], NDArray[np.str_], Floats]:
    """Both readings' labels, and for each pair six 0/1 columns: same and counted, of three fields."""
    ours = np.array([_label(p.first) for p in found])
    theirs = np.array([_label(p.second) for p in found])
    rows = []
    for p in found:
        a, b = p.first, p.second
        source, cue = (a.source, b.source), (a.cue, b.cue)
        counted = (True, source != (None, None), cue != (None, None))
        same = (a.attributed == b.attributed, a.source == b.source, a.cue == b.cue)
        rows.append([*(s and c for s, c in zip(same, counted, strict=True)), *counted])
    return ours, theirs, np.array(rows, dtype=np.float64)


def _figures(ours: NDArray[np.str_], theirs: NDArray[np.str_], fields: Floats, weights: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label that a resample lacks has no F1: nan, and left out
        kappa = cohen_kappa_score(ours, theirs, labels=LABELS, sample_weight=weights)
        f1 = f1_score(ours, theirs, labels=LABELS, average=None, sample_weight=weights, zero_division=np.nan)
        sums = weights @ fields
        return np.array(
            [np.average(ours == theirs, weights=weights), kappa, np.nanmean(f1), *f1, *(sums[:3] / sums[3:])]
        )


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


def history(found: Sequence[Pair]) -> str:
    """How the labels of composed news came about, and on how many the first two readings agreed."""
    settled = sum(ADJUDICATOR in p.first.annotators for p in found)
    return (
        f"Composed: published labels are the author's own, except for {settled} sentences on whose label or "
        f"attribution author and second reader differed (marked `{ADJUDICATOR}`). The two agreed on both for "
        f"{len(found) - settled:,} of {len(found):,} sentences before that."
    )


def table(by_origin: dict[str, list[Pair]], rounds: int = ROUNDS) -> str:
    """Markdown: one row a figure, one column an origin, and what the columns compare."""
    results = {origin: agreement(found, rounds) for origin, found in by_origin.items()}
    lines = ["| | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
    lines.append("| sentences | " + " | ".join(f"{r.sentences:,}" for r in results.values()) + " |")
    lines.append("| articles | " + " | ".join(f"{r.articles:,}" for r in results.values()) + " |")
    for row, name in enumerate(NAMES):
        lines.append(f"| {name} | " + " | ".join(r.cell(row) for r in results.values()) + " |")
    lines += ["", "In brackets: 95 % intervals, bootstrap over articles. Readers are large language models."]
    if COMPOSED in by_origin:
        lines += ["", history(by_origin[COMPOSED])]
    return "\n".join(lines)


def load(data: Path) -> dict[str, list[Pair]]:
    """Pairs from a data folder: news that the first reader was sure and unsure of (where noted), and composed."""
    found = {}
    for origin in ("news", COMPOSED):
        published = read_documents(sorted((data / origin).glob("*.jsonl")))
        second = data / "second" / f"{origin}.jsonl"
        if not second.is_file():
            raise IsnadError(
                "expected the second reading; restore the file or name the folder with --data", path=second
            )
        own = pairs(
            published, read_documents([second]), read_documents(sorted((data / "first").glob(f"{origin}.jsonl")))
        )
        doubted = [p for p in own if p.first.unsure]
        found[origin] = [p for p in own if not p.first.unsure]
        if doubted:
            found[f"{origin}, first reader in doubt"] = doubted
    return found


@click.command(help=__doc__)
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path), help="Folder of the labelled data.")
@click.option("--rounds", default=ROUNDS, type=click.IntRange(min=1), help="Resamples for the intervals.")
def main(data: Path, rounds: int) -> None:
    """Print the table."""
    try:
        click.echo(table(load(data), rounds))
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m train.agreement")
