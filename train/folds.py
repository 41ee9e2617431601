"""Training sentences judged by models that did not see them, one training after another.

    python -m train configs/tfidf.yaml --folds 5      writes runs/tfidf/out_of_fold.jsonl

Folds are drawn by article, articles that nearly duplicate one another together, with like shares of the labels.
`isnad check --noise` reads the file. `judge_parts` is what `--leave-out` (train/leave_out.py) shares: a part that is
done is kept, so a run that was killed goes on with the next one.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from train.calibration import fit_temperature
from train.config import RunConfig
from train.run import Prepared, answers, fit, new_manifest, prepare
from train.targets import make_target

log = logging.getLogger("train")

FILE = "out_of_fold.jsonl"
SEED = 13


@dataclass(frozen=True, slots=True)
class Part:
    """One training: which sentences it judges and which it may not see, as indices of `Prepared.train`."""

    said: str
    """How the log names it."""
    fields: Mapping[str, str | int]
    """What its rows hold beside the sentence and the answer."""
    judged: Sequence[int]
    unseen: Sequence[int]
    """All that is kept out of training, `judged` among it."""


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
    prepared = prepared or prepare(config)
    held = folds_of(prepared.train, article_groups(prepared.documents), folds)
    parts = [Part(f"fold {n} of {folds}", {"fold": n}, own, own) for n, own in enumerate(held, 1)]
    return judge_parts(config, prepared, parts, Path(config.out) / config.name / FILE)


def judge_parts(config: RunConfig, prepared: Prepared, parts: Sequence[Part], target: Path) -> Path:
    """Train once a part, write the answers of all parts to `target` (JSONL), and return it.

    What is done stands in a folder beside `target` until all of it is, and counts for the same data, config and parts.
    """
    work = target.with_suffix("")
    mark = _mark(config, prepared, parts)
    if not (work / "mark").is_file() or (work / "mark").read_text(encoding="utf-8") != mark:
        shutil.rmtree(work, ignore_errors=True)
        write_whole(work / "mark", mark)
    done = [work / f"{number}.jsonl" for number in range(1, len(parts) + 1)]
    for part, file in zip(parts, done, strict=True):
        if not file.is_file():
            beside = len(part.unseen) - len(part.judged)
            more = f", {beside} in near-duplicates left out too" if beside else ""
            log.info("%s: %d sentences held out%s", part.said, len(part.judged), more)
            write_whole(file, _judge(config, prepared, part, work / "scratch"))
    write_whole(target, "".join(file.read_text(encoding="utf-8") for file in done))
    shutil.rmtree(work)
    return target


def _mark(config: RunConfig, prepared: Prepared, parts: Sequence[Part]) -> str:
    """SHA-256 of all that decides the answers."""
    digest = sha256(f"{prepared.fingerprint}\n{dump(config)}\n{[e.label for e in prepared.train]}".encode())
    for part in parts:
        digest.update(repr((dict(part.fields), list(part.judged), list(part.unseen))).encode())
    return digest.hexdigest()


def _judge(config: RunConfig, prepared: Prepared, part: Part, scratch: Path) -> str:
    shutil.rmtree(scratch, ignore_errors=True)  # checkpoints of the part before, or of one that was killed
    unseen = set(part.unseen)
    own = replace(prepared, train=[e for i, e in enumerate(prepared.train) if i not in unseen])
    classifier = fit(config, new_manifest(config, own), own, scratch)
    if isinstance(classifier, ModelClassifier) and config.kind != "majority":
        temper(classifier, own.dev)
    judged = [prepared.train[i] for i in part.judged]
    found = answers(classifier, judged)
    return "".join(_row(e, p, part.fields) for e, p in zip(judged, found, strict=True))


def temper(classifier: ModelClassifier, dev: Sequence[Example]) -> None:
    """Give the classifier the temperature that fits the natural sentences of `dev` best.

    The temperature alone: vector scaling, where `train.calibration` prefers it, moves labels towards the shares of dev,
    in one part and not in the next, and parts are there to be compared.
    """
    natural = [e for e in dev if e.kind == "article"] or list(dev)
    targets = [make_target(e, classifier.manifest) for e in natural]
    logits = np.stack([o.logits for o in classifier.run([t.item for t in targets])])
    temperature = fit_temperature(logits, np.array([t.label for t in targets]))
    classifier.manifest = classifier.manifest.model_copy(update={"temperature": temperature, "scaling": None})


def _row(example: Example, found: Prediction, fields: Mapping[str, str | int]) -> str:
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
        **fields,
    }
    return json.dumps(row, ensure_ascii=False) + "\n"
