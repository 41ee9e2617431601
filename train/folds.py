"""Out-of-fold answers: every training sentence judged by a model that did not see its article.

    python -m train configs/tfidf.yaml --folds 5      writes runs/tfidf/out_of_fold.jsonl

Folds are drawn by article, articles that nearly duplicate one another together, with like shares of the labels.
A fold that is done is kept, so a run that was killed goes on with the next one. `isnad check --noise` reads the file.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from isnad.config import dump
from isnad.duplicates import groups
from isnad.errors import IsnadError
from isnad.examples import Document, Example
from isnad.files import write_whole
from isnad.predictions import Prediction
from isnad.runtimes.base import ModelClassifier
from train.config import RunConfig
from train.run import Prepared, answers, calibrate, fit, new_manifest, prepare

log = logging.getLogger("train")

FILE = "out_of_fold.jsonl"
SEED = 13


def article_groups(documents: Sequence[Document]) -> dict[str, int]:
    """A number for each article's key; near-duplicates share one."""
    number = {d.key: n for n, d in enumerate(documents)}
    for group in groups({d.key: f"{d.title}\n{d.text}" for d in documents}):
        lowest = min(number[key] for key in group)
        number |= dict.fromkeys(group, lowest)
    return number


def folds_of(examples: Sequence[Example], group: dict[str, int], folds: int) -> list[list[int]]:
    """The indices of each fold's held-out sentences."""
    of_article = [group[f"{e.corpus}:{e.doc_id}"] for e in examples]
    if len(set(of_article)) < folds:
        raise IsnadError(f"expected at least {folds} articles to make {folds} folds, found {len(set(of_article))}")
    labels = [e.label.id for e in examples if e.label is not None]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=SEED)
    return [list(map(int, held)) for _, held in splitter.split(np.zeros(len(examples)), labels, of_article)]


def out_of_fold(config: RunConfig, folds: int, prepared: Prepared | None = None) -> Path:
    """Train `folds` times and write the answers to all training sentences; returns the file.

    `prepared` stands in for the data of the config (a benchmark spoils labels in it).
    """
    out = Path(config.out) / config.name
    prepared = prepared or prepare(config)
    group = article_groups(prepared.documents)
    work = out / "folds"
    labels = sha256("".join(e.label or "" for e in prepared.train).encode()).hexdigest()
    mark = f"{prepared.fingerprint}\n{labels}\n{folds}\n{dump(config)}"
    if not (work / "mark").is_file() or (work / "mark").read_text(encoding="utf-8") != mark:
        shutil.rmtree(work, ignore_errors=True)
        write_whole(work / "mark", mark)
    parts = []
    for number, held in enumerate(folds_of(prepared.train, group, folds), 1):
        parts.append(work / f"{number}.jsonl")
        if not parts[-1].is_file():
            log.info("fold %d of %d: %d sentences held out", number, folds, len(held))
            write_whole(parts[-1], _fold(config, prepared, held, number, work))
    target = out / FILE
    write_whole(target, "".join(p.read_text(encoding="utf-8") for p in parts))
    shutil.rmtree(work)
    return target


def _fold(config: RunConfig, prepared: Prepared, held: list[int], number: int, work: Path) -> str:
    inside = set(held)
    own = replace(prepared, train=[e for i, e in enumerate(prepared.train) if i not in inside])
    classifier = fit(config, new_manifest(config, own), own, work / f"fold-{number}")
    if isinstance(classifier, ModelClassifier):
        classifier.manifest = calibrate(classifier, classifier.manifest, own.dev)
    judged = [prepared.train[i] for i in held]
    return "".join(_row(e, p, number) for e, p in zip(judged, answers(classifier, judged), strict=True))


def _row(example: Example, found: Prediction, fold: int) -> str:
    assert example.label is not None
    row = {
        "corpus": example.corpus,
        "doc_id": example.doc_id,
        "start": example.start,
        "end": example.end,
        "outlet": example.outlet,
        "kind": example.kind,
        "origin": example.origin,
        "split": example.split,
        "gold": example.label.value,
        "label": found.label.value if found.label else None,
        "scores": {name: round(p, 6) for name, p in found.scores.items()} or None,
        "fold": fold,
    }
    return json.dumps(row, ensure_ascii=False) + "\n"
