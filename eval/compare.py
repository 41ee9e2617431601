"""python -m eval compare RUN RUN [RUN …] [--split test] [--bootstrap 10000] [-o FILE.json|FILE.md]

Runs on the same sentences, every two of them: how far apart are they, and could it be chance? A run is a directory, a
predictions file (JSON Lines) or a CheckThat! table (TSV).

Articles are drawn once a split for all runs together. That bootstrap decides what is a tie, after Holm's adjustment for
the number of pairs. McNemar's test and the effect sizes beside it take sentences as independent, which sentences of
one article are not: they are the more optimistic ones and decide nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import click
import numpy as np

from eval import bootstrap
from eval.alignment import same_sentences
from eval.bootstrap import Difference, McNemar
from eval.judge import FIGURES, article_counts, headline_of
from eval.paired import Effect, contrasts, effect_of, holm, least_p
from eval.predictions import SPLITS, Run
from eval.runs import read_runs
from eval.writing import cell, number, points, signed, table
from isnad.errors import IsnadError
from isnad.files import write_whole

SCHEMA = "isnad-comparison/1"
ALPHA = 0.05
DRAWS_A_PAIR = 40
"""With fewer draws for each pair of a split, the smallest p there can be is no longer under .05 after Holm."""
FEW = 30
"""Articles below which a note says that the bootstrap is too optimistic (tests/test_eval_simulation.py)."""

Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """First run minus second on the headline sentences of one split.

    The p of the differences and of `mcnemar` are those of this pair alone; `macro_f1_holm` and `mcnemar_holm` are
    adjusted for all `pairs` of the split. `detectable` is the smallest difference of macro-F1 that such a test set
    shows in 8 of 10 samples, were this the only pair.
    """

    first: str
    second: str
    split: str
    headline: str
    n: int
    articles: int
    pairs: int
    accuracy: Difference
    macro_f1: Difference
    mcc: Difference
    mcnemar: McNemar
    macro_f1_holm: float
    mcnemar_holm: float
    effect: Effect
    detectable: float

    @property
    def tie(self) -> bool:
        """Whether macro-F1 may be the same: adjusted p of .05 or more, or an interval that holds zero."""
        return self.macro_f1_holm >= ALPHA or self.macro_f1.tie


def contest(runs: Sequence[Run], *, rounds: int, seed: int, against_first: bool = False) -> tuple[Comparison, ...]:
    """All pairs of runs, or those of the first run alone, in every split that they share; split by split.

    Raises IsnadError where sentences or gold labels differ, where two runs share no split, and where `rounds` are too
    few for so many pairs.
    """
    pairs = [(i, j) for i, j in combinations(range(len(runs)), 2) if i == 0 or not against_first]
    held = [{r.split for r in run.records} for run in runs]
    for i, j in pairs:
        if not held[i] & held[j]:
            raise IsnadError(
                f"expected a split that {runs[i].name} ({', '.join(sorted(held[i]))}) and {runs[j].name} "
                f"({', '.join(sorted(held[j]))}) share, found none; predict the same sentences with both",
                path=runs[j].path,
            )
    found: list[Comparison] = []
    for split in SPLITS:
        here = [i for i in range(len(runs)) if split in held[i]]
        inside = [(here.index(i), here.index(j)) for i, j in pairs if i in here and j in here]
        if inside:
            found += _contest_split([runs[i] for i in here], inside, split, rounds=rounds, seed=seed)
    return tuple(found)


def in_words(difference: Difference) -> str:
    """For people: "ahead by 6.1 points (95 %: 2.0 to 10.3), p = .004"."""
    return _words(difference, "the interval holds zero" if difference.tie else "", p_words(difference.p))


def verdict(comparison: Comparison) -> str:
    """What a comparison comes to: "ahead by 7.6 points (95 %: 4.3 to 10.8), p = .001 after Holm"."""
    return _verdict(comparison, "")


def in_a_sentence(comparison: Comparison) -> str:
    """The same with names: "default ahead of rules by 7.6 points (95 %: 4.3 to 10.8), p = .001 after Holm"."""
    also = f" against {comparison.second}," if comparison.tie else ""
    return f"{comparison.first}{also} {_verdict(comparison, comparison.second)}"


def p_words(p: float) -> str:
    """`p = .03`, `p < .001`; three digits where two would be .05 and it is less."""
    if p < 0.001:
        return "p < .001"
    digits = f"{p:.3f}" if p < 0.01 or 0.045 <= p < ALPHA else f"{p:.2f}"
    return f"p = {digits.removeprefix('0') if p < 1 else '1'}"


def as_markdown(comparisons: Sequence[Comparison]) -> str:
    """A table, a line of plain words for every pair, and how to read them; the terminal is shown the same."""
    head = ["Split", "First", "Second", "Sentences", "Articles", "Macro-F1", "Holm", "Accuracy", "MCC"]
    rows = [[*head, "McNemar", "Holm", "g", "Odds", "Could have shown"]]
    for c in comparisons:
        counts = [f"{c.n:,}", f"{c.articles:,}"]
        figures = [_within(c.macro_f1), p_words(c.macro_f1_holm), _within(c.accuracy), _within(c.mcc)]
        test = [f"{c.mcnemar.only_first} to {c.mcnemar.only_second}", p_words(c.mcnemar_holm)]
        effect = [number(c.effect.g), _odds(c.effect), f"{100 * c.detectable:.1f}" if c.detectable else "–"]
        rows.append([c.split, cell(c.first), cell(c.second), *counts, *figures, *test, *effect])
    lines = [f"- {c.split}: {cell(in_a_sentence(c))}" for c in comparisons]
    return "\n".join([*table(rows, 3), "", *lines, "", *_notes(comparisons)]) + "\n"


def as_json(comparisons: Sequence[Comparison], *, rounds: int, seed: int) -> dict[str, Any]:
    """The same for machines."""
    found = [asdict(c) | {"tie": c.tie, "words": in_a_sentence(c)} for c in comparisons]
    return {"schema": SCHEMA, "seed": seed, "bootstrap": rounds, "comparisons": found}


@click.command(name="compare", help=f"\b\n{__doc__}")
@click.argument("paths", metavar="RUN RUN...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="FILE.json or FILE.md to write.")
@click.option(
    "--bootstrap", "rounds", default=10_000, show_default=True, type=click.IntRange(min=100), help="Draws of articles."
)
@click.option("--seed", default=13, show_default=True, type=click.IntRange(min=0), help="Seed of the draws.")
@click.option("--split", "splits", multiple=True, type=click.Choice(SPLITS), help="Only this one; may be repeated.")
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path), help="Labelled sentences.")
@click.option("--corpora", type=click.Path(path_type=Path), help="Folder of the news text.")
@click.option("--seeds", default=Path("seeds"), type=click.Path(path_type=Path), help="Folder of the seed article.")
def compare_command(
    paths: tuple[Path, ...],
    out: Path | None,
    rounds: int,
    seed: int,
    splits: tuple[str, ...],
    data: Path,
    corpora: Path | None,
    seeds: Path,
) -> None:
    """See the module."""
    if len(paths) < 2:
        raise click.UsageError("expected two runs or more, found one; `python -m eval RUN` judges a single run")
    if out and out.suffix not in (".json", ".md"):
        raise click.UsageError(f"expected a file that ends in .json or .md, found {out.name}; name it so")
    try:
        runs = [_of_splits(run, splits) for run in read_runs(paths, data=data, corpora=corpora, seeds=seeds)]
        comparisons = contest(runs, rounds=rounds, seed=seed)
        said = as_markdown(comparisons) + f"\n{rounds:,} draws of articles, seed {seed}.\n"
        if out:
            found = as_json(comparisons, rounds=rounds, seed=seed)
            as_text = json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
            write_whole(out, said if out.suffix == ".md" else as_text)
    except (IsnadError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    click.echo(said, nl=False)


def _of_splits(run: Run, splits: Sequence[str]) -> Run:
    """The run with these splits alone (all of them where none is named); it has to hold each."""
    held = {r.split for r in run.records}
    for split in splits:
        if split not in held:
            raise IsnadError(
                f"expected the split {split} of --split, found {', '.join(s for s in SPLITS if s in held)}; name "
                "one of these, or predict that split too",
                path=run.path,
            )
    return replace(run, records=tuple(r for r in run.records if r.split in (splits or held)))


def _notes(comparisons: Sequence[Comparison]) -> list[str]:
    notes = [
        "Differences are first minus second in points, with 95 % intervals from draws of whole articles, the same for "
        "all runs; p is adjusted by Holm over the pairs of a split. McNemar (sentences that only the first and only "
        "the second has right), Cohen's g and the odds take sentences as independent and are the more optimistic. What "
        "could have been shown is the smallest difference of macro-F1 that 8 of 10 such test sets show, for one pair."
    ]
    few = {c.split: c.articles for c in comparisons if c.articles < FEW and least_p(c.articles) < ALPHA}
    return notes + [
        f"{split} has {articles} articles: with so few, more than 5 of 100 equal pairs are called different (7 or 8 "
        "with 20 articles, 10 or 11 with 10)."
        for split, articles in few.items()
    ]


def _within(gap: Difference) -> str:
    return points(gap) if gap.low < gap.high else signed(100 * gap.value)


def _odds(effect: Effect) -> str:
    """`1.56 (1.14 to 2.13)`, `∞ (1.20 to ∞)`, or a dash where the runs never disagree."""
    if effect.odds_ratio is None and not effect.g:
        return "–"
    value, high = ("∞" if v is None else f"{v:.2f}" for v in (effect.odds_ratio, effect.high))
    return f"{value} ({effect.low:.2f} to {high})"


def _verdict(c: Comparison, other: str) -> str:
    many = c.pairs > 1
    p = p_words(c.macro_f1_holm) + (" after Holm" if many else "")
    if not c.tie:
        return _words(c.macro_f1, "", p, other)
    if least_p(c.articles) >= ALPHA:
        few = f"{c.articles} articles are" if c.articles > 1 else "a single article is"
        return f"a tie: {few} too few to tell ({signed(100 * c.macro_f1.value)} points)"
    if not c.detectable:
        return "a tie: no draw of articles shows a difference"
    said = _words(c.macro_f1, "the interval holds zero" if c.macro_f1.tie else "p is not below .05", p)
    shown = f"{100 * c.detectable:.1f} points" + (", were this the only pair" if many else "")
    return f"{said}; this test set could have shown {shown}"


def _words(gap: Difference, why_tie: str, p: str, other: str = "") -> str:
    value, low, high = (100 * v for v in (gap.value, gap.low, gap.high))
    if why_tie:
        return f"a tie: {why_tie} ({signed(value)} points, 95 %: {signed(low)} to {signed(high)}), {p}"
    if value < 0:
        side, value, low, high = f"behind {other}", -value, -high, -low
    else:
        side = f"ahead of {other}" if other else "ahead"
    return f"{side.rstrip()} by {value:.1f} points (95 %: {low:.1f} to {high:.1f}), {p}"


def _contest_split(runs: Sequence[Run], pairs: Pairs, split: str, *, rounds: int, seed: int) -> list[Comparison]:
    _check_rounds(rounds, len(pairs), split)
    judged = [headline_of(records) for records in same_sentences(runs, split)]
    counts = np.stack([article_counts(records) for _, records in judged], axis=1)
    right = np.array([[r.label is r.gold for r in records] for _, records in judged])
    gaps = contrasts(counts, pairs, FIGURES, rounds=rounds, seed=seed)
    tests = [bootstrap.mcnemar(right[i], right[j]) for i, j in pairs]
    macro_f1_holm, mcnemar_holm = holm([g["macro_f1"].difference.p for g in gaps]), holm([t.p for t in tests])
    return [
        Comparison(
            first=runs[i].name,
            second=runs[j].name,
            split=split,
            headline=judged[0][0],
            n=right.shape[1],
            articles=len(counts),
            pairs=len(pairs),
            mcnemar=tests[place],
            macro_f1_holm=macro_f1_holm[place],
            mcnemar_holm=mcnemar_holm[place],
            effect=effect_of(tests[place].only_first, tests[place].only_second),
            detectable=gaps[place]["macro_f1"].detectable,
            **{name: contrast.difference for name, contrast in gaps[place].items()},
        )
        for place, (i, j) in enumerate(pairs)
    ]


def _check_rounds(rounds: int, pairs: int, split: str) -> None:
    """Where the smallest p that so many rounds can give is .05 after Holm, every answer would be a tie."""
    least = DRAWS_A_PAIR * pairs
    if rounds < least:
        raise IsnadError(
            f"expected at least {least:,} draws of articles for the {pairs} pairs in {split}, found {rounds:,}, which "
            "could tell no two apart after Holm; raise --bootstrap"
        )
