"""How near the truth are the shares of `isnad profile`? python benchmarks/prevalence.py [--model isnad/model]

The natural dev sentences (real news where its text is there, else composed) are split by article, over and over:
one half gives the error matrix and the prior, the other is the archive. Once as it is, and once redrawn, each label
with replacement, at shares drawn evenly from all possible ones (Dirichlet of ones): a strong shift. Prints Markdown:
the mean absolute error of each method, in points a label, against the gold shares of the very sentences, and how
many of the 95 % intervals hold them. The matrix in the artefact counts all of dev, twice what a half does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from label_speed import machine

from isnad.artefact import read_manifest
from isnad.classifier import artefact_folder, load_classifier
from isnad.errors import IsnadError
from isnad.examples import Example, find_corpora, load_data
from isnad.labels import Stance
from isnad.predictions import Classifier
from isnad.prevalence import Floats, Ints, Prevalence, check_confusion, expectation_maximisation, label_shares

SEED = 13
METHODS = {
    "naive": "naive count",
    "acc": "ACC (adjusted classify and count)",
    "em": "EM, from the mean dev scores",
    "gold": "EM, from the gold shares of dev",
}
"""All but the last are what `isnad profile` prints."""
WITH_INTERVAL = ("acc", "em")


@dataclass(frozen=True, slots=True)
class Judged:
    """`n` labelled sentences and their answers: class indices `[n]`, probabilities `[n, 4]`, article numbers `[n]`."""

    gold: Ints
    given: Ints
    scores: Floats
    articles: Ints

    def __getitem__(self, rows: Ints) -> Judged:
        return Judged(self.gold[rows], self.given[rows], self.scores[rows], self.articles[rows])

    @property
    def shares(self) -> Floats:
        """Gold shares `[4]`."""
        return np.bincount(self.gold, minlength=len(Stance)) / len(self.gold)


@dataclass(frozen=True, slots=True)
class Trial:
    """One archive: the absolute error of each method and whether each interval held the truth, `[4]` a label."""

    errors: dict[str, Floats]
    held: dict[str, Floats]


def natural_dev(data: Path) -> list[Example]:
    """The sentences that an error matrix is counted on; see `train.calibration.calibrate`."""
    dev = [e for e in load_data(data, find_corpora(None), ("dev",)).examples("dev") if e.kind == "article"]
    found = [e for e in dev if e.origin == "news"] or dev
    if not found:
        raise IsnadError("expected labelled sentences in dev, found none; name the folder with --data", path=data)
    return found


def judge(classifier: Classifier, examples: Sequence[Example]) -> Judged:
    """The answers to `examples`; sentences without a label are left out, as they are from the matrix."""
    answers = classifier.predict(
        [e.text for e in examples], before=[e.before for e in examples], title=[e.title for e in examples]
    )
    kept = [(e, e.label, a, a.label) for e, a in zip(examples, answers, strict=True) if e.label and a.label]
    _, articles = np.unique([f"{e.corpus}:{e.doc_id}" for e, *_ in kept], return_inverse=True)
    return Judged(
        np.array([gold.id for _, gold, _, _ in kept]),
        np.array([given.id for *_, given in kept]),
        np.array([[a.scores[s.value] for s in Stance] for _, _, a, _ in kept]),
        articles,
    )


def error_tables(half: Judged) -> tuple[Ints, Floats]:
    """The confusion matrix `[gold, given]` and the mean probabilities `[gold, 4]`; raises as `check_confusion`."""
    counts = np.zeros((len(Stance), len(Stance)), dtype=np.int64)
    np.add.at(counts, (half.gold, half.given), 1)
    matrix = check_confusion(counts)
    return matrix, np.stack([half.scores[half.gold == s.id].mean(0) for s in Stance])


def redrawn(half: Judged, shares: Floats, rng: np.random.Generator) -> Judged:
    """As many sentences, drawn with replacement inside each label, at `shares [4]`."""
    counts = rng.multinomial(len(half.gold), shares)
    return half[np.concatenate([rng.choice(np.flatnonzero(half.gold == k), n) for k, n in enumerate(counts)])]


def trial(archive: Judged, matrix: Ints, means: Floats, rounds: int, seed: int) -> Trial:
    """What each method says of `archive`, beside its gold shares."""
    found = label_shares(archive.given, archive.scores, archive.articles, matrix, means, rounds=rounds, seed=seed)
    estimates = {m: estimates_of(found, m) for m in WITH_INTERVAL}
    values = {m: e[:, 0] for m, e in estimates.items()}
    values["naive"] = np.array([found.labels[s].naive for s in Stance])
    values["gold"] = expectation_maximisation(archive.scores, matrix.sum(1))
    truth = archive.shares
    held = {m: ((e[:, 1] <= truth) & (truth <= e[:, 2])).astype(float) for m, e in estimates.items()}
    return Trial({m: np.abs(v - truth) for m, v in values.items()}, held)


def estimates_of(found: Prevalence, method: str) -> Floats:
    """Value, low and high of each label, `[4, 3]`."""
    shares = [getattr(found.labels[s], method) for s in Stance]
    return np.array([(e.value, e.low, e.high) for e in shares])


def measure(dev: Judged, draws: int, rounds: int) -> tuple[list[Trial], list[Trial], int]:
    """The trials without and with shift, and the splits thrown away because a half lacked a label."""
    rng = np.random.default_rng(SEED)
    names = np.unique(dev.articles)
    still: list[Trial] = []
    shifted: list[Trial] = []
    lacking = 0
    while len(still) < draws:
        first = np.isin(dev.articles, rng.permutation(names)[: len(names) // 2])
        half, archive = dev[np.flatnonzero(first)], dev[np.flatnonzero(~first)]
        try:
            tables = error_tables(half)
        except ValueError:
            tables = None
        if tables is None or not archive.shares.all():
            lacking += 1
            if lacking > 10 * draws:
                raise IsnadError("expected every label in both halves of dev, found hardly a split that has them")
            continue
        moved = redrawn(archive, rng.dirichlet(np.ones(len(Stance))), rng)
        still.append(trial(archive, *tables, rounds, len(still)))
        shifted.append(trial(moved, *tables, rounds, len(still)))
    return still, shifted, lacking


def table(still: Sequence[Trial], shifted: Sequence[Trial]) -> list[str]:
    """Markdown, a line a method."""
    lines = [
        "| | no shift: error | of deny | intervals that hold | strong shift: error | of deny | intervals that hold |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for method, name in METHODS.items():
        cells = []
        for trials in (still, shifted):
            errors = 100 * np.array([t.errors[method] for t in trials])
            cells += [f"{errors.mean():.1f}", f"{errors[:, Stance.DENY.id].mean():.1f}"]
            cells.append(f"{np.mean([t.held[method] for t in trials]):.0%}" if method in WITH_INTERVAL else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def comparisons(still: Sequence[Trial], shifted: Sequence[Trial]) -> list[str]:
    """In how many of the archives EM is nearer than what it is compared with."""
    lines = ["Errors in points a label. EM from the mean dev scores is nearer than"]
    for other in ("gold", "acc", "naive"):
        errors = [
            np.array([[t.errors[m].mean() for m in ("em", other)] for t in trials]) for trials in (still, shifted)
        ]
        shares = [f"{np.mean(pairs[:, 0] < pairs[:, 1]):.0%}" for pairs in errors]
        lines.append(f"- {METHODS[other]} in {shares[0]} of the archives without shift, {shares[1]} of those with it;")
    return [*lines, ""]


@click.command(help=__doc__)
@click.option("--model", default=Path("isnad/model"), show_default=True, type=click.Path(path_type=Path))
@click.option("--data", default=Path("data"), show_default=True, type=click.Path(path_type=Path))
@click.option("--draws", default=400, show_default=True, type=click.IntRange(min=1), help="Splits of dev.")
@click.option("--rounds", default=200, show_default=True, type=click.IntRange(min=1), help="Bootstrap rounds.")
def main(model: Path, data: Path, draws: int, rounds: int) -> None:
    """Measure and print."""
    try:
        examples = natural_dev(data)
        dev = judge(load_classifier(model), examples)
        still, shifted, lacking = measure(dev, draws, rounds)
        name = read_manifest(artefact_folder(model)).name
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    real = examples[0].origin == "news"
    counts = ", ".join(f"{s.value} {np.sum(dev.gold == s.id)}" for s in Stance)
    click.echo("\n".join([*table(still, shifted), "", *comparisons(still, shifted)]))
    click.echo(
        f"Model {name}. Data: natural dev sentences of {'real' if real else 'composed'} news, {len(dev.gold)} of"
    )
    click.echo(f"{dev.articles.max() + 1} articles ({counts}){'' if real else '; the text of real news is not here'}.")
    click.echo(f"{draws} splits ({lacking} more lacked a label in a half), seed {SEED}, {rounds} bootstrap rounds.")
    click.echo(f"{machine()}.")


if __name__ == "__main__":
    main(prog_name="python benchmarks/prevalence.py")
