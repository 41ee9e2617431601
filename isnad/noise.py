"""Likely label errors, from out-of-fold probabilities (confident learning; Northcutt, Jiang and Chuang 2021).

    isnad check --noise runs/tfidf/out_of_fold.jsonl

A label is doubtful where a model that never saw the article gives it little probability (`cleanlab`'s score of
self-confidence; `benchmarks/label_noise.py` says how many spoilt labels it finds, and of its rivals it found most). A
list of suspects is an invitation to read, no verdict.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isnad.errors import IsnadError
from isnad.labels import Stance

NEEDS = "corpus, doc_id, start, end, gold and scores (`python -m train CONFIG --folds 5` writes it)"


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled sentence and the probabilities (in label order) that a model gave which had not seen it."""

    reference: str
    label: Stance
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A sentence whose label is in doubt: `quality` (0 to 1) is low, `likely` is what the model holds it for."""

    reference: str
    label: Stance
    likely: Stance
    quality: float


def read_judged(path: Path) -> list[Judged]:
    """The lines of an out-of-fold file; raises IsnadError with the line."""
    if not path.is_file():
        raise IsnadError("expected out-of-fold probabilities, found no such file; see `isnad check --help`", path=path)
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line.strip():
            try:
                found.append(_judged(json.loads(line)))
            except (KeyError, TypeError, ValueError) as error:
                message = f"expected {NEEDS}, found {type(error).__name__}: {error}"
                raise IsnadError(message, path=path, line=number) from error
    if not found:
        raise IsnadError(f"expected one sentence a line with {NEEDS}, found none", path=path)
    return found


def _judged(row: dict[str, Any]) -> Judged:
    chances = tuple(float(row["scores"][s.value]) for s in Stance)
    if not 0.99 <= sum(chances) <= 1.01:
        raise ValueError(f"probabilities that add up to {sum(chances):.3f}")
    reference = f"{row['corpus']}:{row['doc_id']}:{row['start']}-{row['end']}"
    return Judged(reference, Stance(row["gold"]), chances)


def suspects(judged: Sequence[Judged]) -> list[Suspect]:
    """All sentences, the most doubtful label first."""
    from cleanlab.rank import get_label_quality_scores

    labels = np.array([j.label.id for j in judged])
    chances = np.array([j.probabilities for j in judged])
    chances = chances / chances.sum(axis=1, keepdims=True)
    quality = get_label_quality_scores(labels, chances, method="self_confidence")
    order = np.argsort(quality, kind="stable")
    best = chances.argmax(axis=1)
    return [
        Suspect(judged[i].reference, judged[i].label, Stance.from_id(int(best[i])), float(quality[i])) for i in order
    ]


def render(found: Sequence[Suspect], count: int) -> str:
    """The `count` most doubtful labels as a table for a terminal."""
    lines = [f"{'quality':>7}  {'label':<10}{'the model says':<16}sentence"]
    shown = [s for s in found if s.likely is not s.label][:count]
    lines += [f"{s.quality:>7.3f}  {s.label.value:<10}{s.likely.value:<16}{s.reference}" for s in shown]
    doubted = sum(s.likely is not s.label for s in found)
    lines += [
        "",
        f"{len(found):,} sentences, {doubted:,} of them labelled unlike the model's best guess; read before you change",
    ]
    return "\n".join(lines)
