"""What dev says of an artefact's answers, into its manifest: python -m train.calibration RUN_OR_ARTEFACT

Scaling of the logits (Guo et al. 2017), thresholds for a wanted precision, quantiles of conformal label sets, and the
confusion matrix on natural news. The command rewrites `isnad.json` alone; the weights stay as they are. The classifier
measured is the one that `isnad.load_classifier` opens.

A threshold read off dev flatters on dev, and so does a quantile: `python -m eval` reports the precision, the coverage
of the answers kept and that of the sets on test, and those are the figures to quote.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

from eval.metrics import NO_LABEL, confusion, coverage_at
from isnad.artefact import MANIFEST, Manifest, Scaling, read_manifest, write_manifest
from isnad.classifier import artefact_folder, load_classifier
from isnad.confidence import PRECISION, SET, conformal_quantile, key, stored
from isnad.errors import IsnadError
from isnad.examples import Example, find_corpora, load_data
from isnad.labels import Stance
from isnad.predictions import Classifier, Prediction
from isnad.runtimes.base import ModelClassifier
from train.progress import talk
from train.spans import span_thresholds
from train.targets import make_target

log = logging.getLogger("train")

FOLDS = 5
SEED = 13
COLDEST, HOTTEST = 0.2, 10.0
"""Bounds of the temperature; those of a label's scale are their inverses."""
MOST_BIAS = 5.0
"""Bound of a label's bias, in nats."""
PRECISIONS = tuple(percent / 100 for percent in range(80, 100))
LEAST_KEPT = 30
"""Dev sentences that must be left above a threshold for its precision to be stored."""
COVERAGES = (0.80, 0.90, 0.95)

Logits = NDArray[np.float32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Scaler = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The temperature, the vector scaling where it is the better one, and the log loss of either in nats a sentence.

    The losses are cross-validated; None where there are fewer than five articles, too few to choose by.
    """

    temperature: float
    scaling: Scaling | None
    losses: tuple[float, float] | None


def log_loss(logits: Floats, gold: Ints) -> float:
    """Mean of `-log p(gold)` in nats, p the softmax of `logits (n, k)`, for `gold (n,)`."""
    return -float(log_softmax(logits, axis=1)[np.arange(len(gold)), gold].mean())


def fit_temperature(logits: Logits, gold: Ints) -> float:
    """The temperature (0.2 to 10) that minimises the log loss of `logits (n, k)` on `gold (n,)`."""
    wide = logits.astype(np.float64)
    bounds = (np.log(COLDEST), np.log(HOTTEST))
    found = minimize_scalar(lambda heat: log_loss(wide / np.exp(heat), gold), bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def fit_vector(logits: Logits, gold: Ints) -> Scaling:
    """The scale (0.1 to 5) and bias (-5 to 5) a label that minimise the log loss of `logits (n, k)` on `gold (n,)`."""
    wide = logits.astype(np.float64)
    labels = wide.shape[1]
    truth = np.eye(labels)[gold]

    def loss(values: Floats) -> tuple[float, Floats]:
        logs = log_softmax(wide * values[:labels] + values[labels:], axis=1)
        gaps = (np.exp(logs) - truth) / len(gold)
        return -float((logs * truth).sum() / len(gold)), np.concatenate([(gaps * wide).sum(0), gaps.sum(0)])

    start = np.array([1 / fit_temperature(logits, gold)] * labels + [0.0] * labels)
    bounds = [(1 / HOTTEST, 1 / COLDEST)] * labels + [(-MOST_BIAS, MOST_BIAS)] * labels
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    return Scaling(scale=[float(v) for v in found.x[:labels]], bias=[float(v) for v in found.x[labels:]])


def fit_scaling(logits: Logits, gold: Ints, articles: Sequence[str]) -> Fitted:
    """Vector scaling where its cross-validated log loss is below that of the temperature, else the temperature.

    `articles (n,)` names the article of each row of `logits (n, 4)`; an article lies in one of five folds. With fewer
    than five articles it is the temperature.
    """
    temperature = fit_temperature(logits, gold)
    if len(set(articles)) < FOLDS:
        return Fitted(temperature, None, None)
    fold = article_folds(articles)
    losses = cross_validated(_by_temperature, logits, gold, fold), cross_validated(_by_vector, logits, gold, fold)
    return Fitted(temperature, fit_vector(logits, gold) if losses[1] < losses[0] else None, losses)


def article_folds(articles: Sequence[str]) -> Ints:
    """The fold (0 to 4) of each sentence: articles in random order, dealt one by one."""
    names = sorted(set(articles))
    dealt = np.random.default_rng(SEED).permutation(len(names)) % FOLDS
    fold = dict(zip(names, dealt, strict=True))
    return np.array([fold[a] for a in articles], dtype=np.int64)


def cross_validated(fit: Callable[[Logits, Ints], Scaler], logits: Logits, gold: Ints, fold: Ints) -> float:
    """The log loss of all rows, each scaled as the other folds have it."""
    scaled = np.empty(logits.shape)
    for held in (fold == number for number in range(FOLDS)):
        scaled[held] = fit(logits[~held], gold[~held])(logits[held].astype(np.float64))
    return log_loss(scaled, gold)


def _by_temperature(logits: Logits, gold: Ints) -> Scaler:
    temperature = fit_temperature(logits, gold)
    return lambda rows: rows / temperature


def _by_vector(logits: Logits, gold: Ints) -> Scaler:
    found = fit_vector(logits, gold)
    return lambda rows: rows * found.scale + found.bias


def precision_thresholds(scores: Sequence[float], right: Sequence[bool]) -> dict[str, float]:
    """For each precision of .80 to .99 the threshold that keeps most answers at it (`eval.metrics.coverage_at`).

    Left out where fewer than 30 answers are kept.
    """
    found = {}
    for wanted in PRECISIONS:
        best = coverage_at(wanted, scores, right)
        if best.threshold is not None and sum(s >= best.threshold for s in scores) >= LEAST_KEPT:
            found[key(PRECISION, wanted)] = best.threshold
    return found


def set_quantiles(predictions: Sequence[Prediction], gold: Sequence[Stance]) -> dict[str, float]:
    """The conformal quantile of each coverage; sentences without a label get no set and are left out."""
    true = [p.scores[g.value] for p, g in zip(predictions, gold, strict=True) if p.label is not None]
    return {key(SET, coverage): conformal_quantile(true, coverage) for coverage in COVERAGES} if true else {}


def error_tables(
    predictions: Sequence[Prediction], gold: Sequence[Stance]
) -> tuple[list[list[int]], list[list[float]]]:
    """`confusion` and `mean_scores` of a manifest; sentences without a label are left out."""
    given = [NO_LABEL if p.label is None else p.label.id for p in predictions]
    counts = confusion([g.id for g in gold], given)[:, :NO_LABEL]
    sums = np.zeros((len(Stance), len(Stance)))
    for prediction, g in zip(predictions, gold, strict=True):
        if prediction.label is not None:
            sums[g.id] += [prediction.scores[s.value] for s in Stance]
    means = sums / np.maximum(counts.sum(1, keepdims=True), 1)
    return [[int(n) for n in row] for row in counts], [[float(p) for p in row] for row in means]


def calibrate(classifier: Classifier, manifest: Manifest, dev: Sequence[Example]) -> Manifest:
    """The manifest with all that `dev` (labelled sentences) says of the classifier; the majority floor's as it is.

    Scaling, `confusion` and `mean_scores` come from the natural sentences of real news, thresholds and quantiles from
    all of its sentences; where there is no real news, composed news stands in. The rules keep their own probabilities.
    A model answers by the new scaling afterwards.
    """
    if manifest.kind == "majority":
        return manifest
    if not dev:
        raise IsnadError("expected labelled sentences in dev, found none; see data/README.md")
    judged = [e for e in dev if e.origin == "news"] or list(dev)
    natural = [i for i, e in enumerate(judged) if e.kind == "article"] or list(range(len(judged)))
    if isinstance(classifier, ModelClassifier):
        manifest = _scaled(classifier, manifest, [judged[i] for i in natural])
        classifier.manifest = manifest
        thresholds = manifest.thresholds | span_thresholds(classifier, judged)
        manifest = manifest.model_copy(update={"thresholds": thresholds})
        classifier.manifest = manifest
    predictions = classifier.predict(
        [e.text for e in judged], before=[e.before for e in judged], title=[e.title for e in judged]
    )
    gold = [e.label for e in judged if e.label is not None]
    scores, right = [p.score for p in predictions], [p.label is g for p, g in zip(predictions, gold, strict=True)]
    kept = {name: value for name, value in manifest.thresholds.items() if "=" not in name}
    thresholds = kept | precision_thresholds(scores, right) | set_quantiles(predictions, gold)
    _tell(thresholds, scores)
    counts, means = error_tables([predictions[i] for i in natural], [gold[i] for i in natural])
    return manifest.model_copy(update={"thresholds": thresholds, "confusion": counts, "mean_scores": means})


def _scaled(classifier: ModelClassifier, manifest: Manifest, natural: Sequence[Example]) -> Manifest:
    targets = [make_target(e, manifest) for e in natural]
    logits = np.stack([o.logits for o in classifier.run([t.item for t in targets])])
    articles = [f"{e.corpus}:{e.doc_id}" for e in natural]
    found = fit_scaling(logits, np.array([t.label for t in targets]), articles)
    log.info("temperature %.3f from %d natural dev sentences", found.temperature, len(natural))
    if found.losses:
        taken = "temperature" if found.scaling is None else "vector"
        log.info("scaling: %s (log loss, cross-validated: temperature %.4f, vector %.4f)", taken, *found.losses)
    return manifest.model_copy(update={"temperature": found.temperature, "scaling": found.scaling})


def _tell(thresholds: dict[str, float], scores: Sequence[float]) -> None:
    """The thresholds of precision .90 and .95 and the quantiles, a line each; all measured where they were read off."""
    precisions = stored(thresholds, PRECISION)
    for wanted in (0.90, 0.95):
        if (threshold := precisions.get(wanted)) is None:
            log.info("precision %.2f: no score keeps %d dev sentences at it", wanted, LEAST_KEPT)
            continue
        share = 100 * sum(s >= threshold for s in scores) / len(scores)
        log.info("precision %.2f: from %.3f on, which keeps %.1f %% of %d", wanted, threshold, share, len(scores))
    for coverage, quantile in stored(thresholds, SET).items():
        log.info("label sets of coverage %.2f: every label of at least %.3f", coverage, 1 - quantile)


def calibrate_artefact(path: Path, data: Path, corpora: Path | None) -> Path:
    """Measure the artefact in `path` on dev and rewrite its manifest; returns the file."""
    folder = artefact_folder(path)
    manifest = read_manifest(folder)
    loaded = load_data(data, find_corpora(corpora), ("dev",))
    if loaded.missing:
        log.warning("the text of %d news articles of dev is not here (set ISNAD_CORPORA to its folder)", loaded.missing)
    write_manifest(folder, calibrate(load_classifier(folder), manifest, loaded.examples("dev")))
    return folder / MANIFEST


@click.command(help=__doc__)
@click.argument("path", metavar="RUN_OR_ARTEFACT", type=click.Path(path_type=Path))
@click.option("--data", default=Path("data"), show_default=True, type=click.Path(path_type=Path))
@click.option("--corpora", type=click.Path(path_type=Path), help="Folder of the news text; default: as in training.")
def main(path: Path, data: Path, corpora: Path | None) -> None:
    """Measure, rewrite, and print the manifest's path."""
    talk()
    try:
        click.echo(str(calibrate_artefact(path, data, corpora)))
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m train.calibration")
