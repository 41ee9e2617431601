"""Predictions of a run on every labelled sentence that is not training data."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eval.predictions import FILE
from isnad.artefact import MANIFEST
from isnad.classifier import ARTEFACT, load_classifier
from isnad.examples import Example, document_examples, find_corpora, load_data, read_documents
from isnad.predictions import Classifier, Prediction, Span

SPLITS = ("dev", "test", "test-outlets")
CHUNK = 256


def artefact_of(path: Path) -> Path | None:
    """The artefact folder of a run directory or artefact, None where there is none."""
    for folder in (path / ARTEFACT, path):
        if (folder / MANIFEST).is_file():
            return folder
    return None


def is_stale(run: Path) -> bool:
    """Whether `run` has an artefact that is newer than its predictions, or no predictions."""
    artefact = artefact_of(run)
    if artefact is None:
        return False
    made = run / FILE
    return not made.is_file() or made.stat().st_mtime < (artefact / MANIFEST).stat().st_mtime


def evaluation_examples(data: Path, corpora: Path | None, seeds: Path) -> list[Example]:
    """Labelled sentences of dev, test, test-outlets and the seed articles; `skip` left out."""
    loaded = load_data(data, corpora, SPLITS)
    if loaded.missing:
        print(
            f"the text of {loaded.missing} news articles is not here: judging on composed news alone "
            "(set ISNAD_CORPORA to its folder)",
            file=sys.stderr,
        )
    found = [e for split in SPLITS for e in loaded.examples(split)]
    for document in read_documents(sorted(seeds.glob("*.gold.jsonl"))):
        found += [e for e in document_examples(document, "seed") if e.label is not None]
    return found


def write_predictions(run: Path, data: Path, corpora: Path | None, seeds: Path) -> Path:
    """Label all evaluation sentences with the artefact of `run` and write `run/predictions.jsonl`."""
    classifier = load_classifier(run)
    examples = evaluation_examples(data, find_corpora(corpora), seeds)
    beside = run / (FILE + ".part")
    with beside.open("w", encoding="utf-8") as target:
        for at, answers in _in_chunks(classifier, examples):
            for example, answer in zip(examples[at:], answers, strict=False):
                target.write(json.dumps(record(example, answer), ensure_ascii=False) + "\n")
    beside.rename(run / FILE)
    return run / FILE


def _in_chunks(classifier: Classifier, examples: Sequence[Example]) -> Iterator[tuple[int, list[Prediction]]]:
    for at in range(0, len(examples), CHUNK):
        some = examples[at : at + CHUNK]
        yield (
            at,
            classifier.predict([e.text for e in some], before=[e.before for e in some], title=[e.title for e in some]),
        )


def record(example: Example, answer: Prediction) -> dict[str, Any]:
    """One line of the predictions file; see `eval.predictions`."""
    row: dict[str, Any] = {
        "doc_id": example.doc_id,
        "start": example.start,
        "end": example.end,
        "outlet": example.outlet,
        "kind": example.kind,
        "origin": example.origin,
        "corpus": example.corpus,
        "split": example.split,
        "gold": example.label,
        "label": answer.label,
        "scores": answer.scores or None,
        "abstained": answer.abstained,
        "text": example.text,
    }
    if answer.attributed is not None:
        row |= {"attributed": answer.attributed, "gold_attributed": example.attributed}
        row |= {"cue": _bounds(answer.cue), "gold_cue": example.cue}
        row |= {"source": _bounds(answer.source), "gold_source": example.source}
    return row


def _bounds(span: Span | None) -> list[int] | None:
    return [span.start, span.end] if span else None
