"""One training run from config to artefact: check, prepare, fit, calibrate, export, reload and compare."""

from __future__ import annotations

import json
import logging
import os
import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from safetensors import SafetensorError

from eval.metrics import judge
from isnad.artefact import SCHEMA, Manifest, write_artefact
from isnad.check import leaks
from isnad.classifier import load_classifier
from isnad.config import dump
from isnad.errors import IsnadError
from isnad.examples import COMPOSED, Document, Example, LabelledData, find_corpora, load_data
from isnad.files import write_whole
from isnad.fingerprint import data_fingerprint
from isnad.labels import Stance
from isnad.predictions import Classifier, Prediction
from isnad.rules import RulesClassifier
from isnad.runtimes.base import ModelClassifier
from isnad.runtimes.linear import MajorityClassifier
from train.calibration import calibrate
from train.checkpoints import OLD
from train.config import (
    MajorityConfig,
    NeuralConfig,
    RecurrentConfig,
    RulesConfig,
    RunConfig,
    TfidfConfig,
    TransformerConfig,
)
from train.processes import is_first, processes
from train.targets import Target, make_target

log = logging.getLogger("train")

ARTEFACT = "artefact"
METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
ENVIRONMENT = ("torch", "transformers", "tokenizers", "datasets", "accelerate", "scikit-learn", "numpy", "gensim")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The data of a run: examples of train and dev (real news where there is any), and where it came from."""

    train: list[Example]
    dev: list[Example]
    documents: list[Document]
    """The articles of train."""
    fingerprint: str
    corpora: Path | None
    missing: int


def prepare(config: RunConfig) -> Prepared:
    """Load train and dev (never a test split); refuses to go on when an article leaks between splits."""
    corpora = find_corpora(config.corpora)
    data = load_data(Path(config.data), corpora, splits=("train", "dev"))
    if data.missing:
        log.warning(
            "the text of %d news articles is not here: training %s "
            "(set ISNAD_CORPORA to its folder; data/README.md says how to make it)",
            data.missing,
            "without them" if _has_news(data) else "on composed news alone",
        )
    found = leaks(data)
    if found:
        raise IsnadError(f"{len(found)} leaks between splits; `isnad check --leakage` names all of them: {found[0]}")
    train, dev = data.examples("train"), _dev(data)
    if config.limit:
        train, dev = train[: config.limit], dev[: config.limit]
    return Prepared(train, dev, data.documents["train"], data_fingerprint(data.documents), corpora, data.missing)


def _has_news(data: LabelledData) -> bool:
    return any(d.corpus != COMPOSED for documents in data.documents.values() for d in documents)


def _dev(data: LabelledData) -> list[Example]:
    dev = data.examples("dev")
    return [e for e in dev if e.origin == "news"] or dev


def environment() -> dict[str, Any]:
    """Versions, machine class and git commit of this run."""
    asked = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() if which("git") else ""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "commit": commit or None,
        "packages": {name: version(name) for name in ENVIRONMENT},
    }


def new_manifest(config: RunConfig, prepared: Prepared) -> Manifest:
    """The manifest of the artefact-to-be; calibration is filled in later."""
    settings: dict[str, Any] = {}
    if isinstance(config, TfidfConfig):
        settings = {"word_ngrams": list(config.word_ngrams), "char_ngrams": list(config.char_ngrams)}
    elif isinstance(config, RecurrentConfig):
        settings = {"width": config.width, "hidden": config.hidden, "dropout": config.dropout}
    elif isinstance(config, MajorityConfig):
        counts = Counter(e.label for e in prepared.train)
        settings = {"shares": {s.value: counts[s] / len(prepared.train) for s in Stance}}
    neural = isinstance(config, (RecurrentConfig, TransformerConfig))
    return Manifest(
        schema=SCHEMA,
        kind=config.kind,  # type: ignore[arg-type]
        name=config.name,
        recipe=config.recipe,
        max_length=config.max_length if isinstance(config, (RecurrentConfig, TransformerConfig)) else 512,
        context=config.context,
        heads=neural,
        base_model=config.encoder if isinstance(config, TransformerConfig) else None,
        data_fingerprint=prepared.fingerprint,
        settings=settings,
    )


def fit(config: RunConfig, manifest: Manifest, prepared: Prepared, out: Path) -> Classifier:
    """The fitted classifier, not yet calibrated."""
    if isinstance(config, MajorityConfig):
        return MajorityClassifier(manifest)
    if isinstance(config, RulesConfig):
        from train.rules import fit_rules

        return fit_rules(prepared.train)
    weight = config.composed_weight if isinstance(config, NeuralConfig) else 1.0
    train = [make_target(e, manifest, composed_weight=weight) for e in prepared.train]
    dev = [make_target(e, manifest) for e in prepared.dev]
    if isinstance(config, TfidfConfig):
        from train.linear import train_tfidf

        return train_tfidf(config, manifest, train, dev)
    if isinstance(config, RecurrentConfig):
        return _fit_recurrent(config, manifest, train, dev, prepared)
    assert isinstance(config, TransformerConfig)
    from train.transformer import train_transformer

    return train_transformer(config, manifest, train, dev, out)


def _fit_recurrent(
    config: RecurrentConfig, manifest: Manifest, train: list[Target], dev: list[Target], prepared: Prepared
) -> Classifier:
    from train.corpus import prepare_text
    from train.recurrent import train_recurrent

    text = None
    if prepared.corpora is not None and not config.limit:
        text = prepare_text(Path(config.data), prepared.corpora, Path("seeds"), Path(config.cache), config.recipe)
    gold = [t.label for t in dev]

    def score(classifier: ModelClassifier) -> float:
        outputs = classifier.run([t.item for t in dev])
        return judge(gold, [int(o.logits.argmax()) for o in outputs]).macro_f1

    return train_recurrent(config, manifest, train, text, score)


def export(classifier: Classifier, manifest: Manifest, out: Path) -> Path:
    """Write `out/artefact` beside and rename it."""
    if isinstance(classifier, RulesClassifier):
        manifest = manifest.model_copy(update={"settings": {"precision": classifier.precision}})
    save = classifier.save if isinstance(classifier, ModelClassifier) else _nothing_to_save
    return write_artefact(out / ARTEFACT, manifest, save)


def _nothing_to_save(folder: Path) -> None:
    """The rules are all in the manifest."""


def verify(classifier: Classifier, manifest: Manifest, out: Path, dev: Sequence[Example]) -> float:
    """Open the artefact again and compare it with what was trained; returns its dev macro-F1.

    Raises IsnadError when more than one label in a hundred differs (fp16 may turn a near-tie).
    """
    opened = load_classifier(out)
    if isinstance(classifier, ModelClassifier):
        classifier.manifest = manifest
    before, after = (answers(c, dev) for c in (classifier, opened))
    same = float(np.mean([a.label is b.label for a, b in zip(before, after, strict=True)]))
    if same < 0.99:
        raise IsnadError(f"the exported artefact gives other labels on {1 - same:.1%} of dev; it is not fit to use")
    gold = [e.label.id for e in dev if e.label is not None]
    result = judge(gold, [-1 if p.label is None else p.label.id for p in after])
    row = {"dev_macro_f1": result.macro_f1, "dev_accuracy": result.accuracy, "reloaded_labels_equal": same}
    with (out / METRICS).open("a", encoding="utf-8") as metrics:
        metrics.write(json.dumps(row) + "\n")
    log.info("%s: dev macro-F1 %.4f, accuracy %.4f (n=%d)", manifest.name, result.macro_f1, result.accuracy, len(dev))
    return result.macro_f1


def answers(classifier: Classifier, examples: Sequence[Example]) -> list[Prediction]:
    """The classifier's answers for `examples`, each in its context."""
    return classifier.predict(
        [e.text for e in examples], before=[e.before for e in examples], title=[e.title for e in examples]
    )


def train(config: RunConfig) -> Path:
    """Run `config` to the end; returns the run directory, whose `artefact/` opens with `isnad.load_classifier`.

    Of several processes (`torchrun`, `accelerate launch`) the first one alone writes.
    """
    if processes() > 1 and not isinstance(config, TransformerConfig):
        raise IsnadError(
            f"expected one process for kind {config.kind}, found {processes()}; start it without a launcher"
        )
    if not is_first():
        log.setLevel(logging.ERROR)
    out = Path(config.out) / config.name
    if is_first():
        begin(config, out)
    prepared = prepare(config)
    if is_first():
        tell_data(config, prepared, out)
    manifest = new_manifest(config, prepared)
    classifier = fit(config, manifest, prepared, out)
    if is_first():
        finish(classifier, manifest, prepared, out)
    return out


def begin(config: RunConfig, out: Path) -> None:
    """Write the resolved config and the environment, before any work."""
    out.mkdir(parents=True, exist_ok=True)
    (out / METRICS).unlink(missing_ok=True)
    write_whole(out / "config.yaml", dump(config))
    write_whole(out / "environment.json", json.dumps(environment(), indent=1) + "\n")


def tell_data(config: RunConfig, prepared: Prepared, out: Path) -> None:
    """Write and say what the run learns from."""
    facts = {"fingerprint": prepared.fingerprint, "train": len(prepared.train), "dev": len(prepared.dev)}
    write_whole(out / "data.json", json.dumps(facts | {"articles_without_text": prepared.missing}, indent=1) + "\n")
    log.info("%s: %d training and %d dev sentences", config.name, len(prepared.train), len(prepared.dev))


def finish(classifier: Classifier, manifest: Manifest, prepared: Prepared, out: Path) -> None:
    """Calibrate, export, open again and compare; only then do the checkpoints go."""
    manifest = calibrate(classifier, manifest, prepared.dev)
    try:
        export(classifier, manifest, out)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(out / f"{ARTEFACT}.part", ignore_errors=True)
        raise IsnadError(
            f"the artefact cannot be written ({getattr(error, 'strerror', None) or error}); free space on that disk "
            "and start again: training goes on from where it ended",
            path=out,
        ) from error
    verify(classifier, manifest, out, prepared.dev)
    drop_checkpoints(out)


def drop_checkpoints(out: Path) -> None:
    """Delete what only a killed run would need."""
    for folder in (out / CHECKPOINTS, out / (CHECKPOINTS + OLD)):
        shutil.rmtree(folder, ignore_errors=True)
