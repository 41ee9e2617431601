"""How well does a model judge a publisher, a subject or an origin that it was never shown?

    python -m train configs/tfidf.yaml --leave-out publisher      writes runs/tfidf/left_out_publisher.jsonl

Each group (the articles of one publisher, or of one subject) is judged by a model trained without it and without near-
duplicates of its articles. Publishers and subjects are those of real news; composed articles stay in training and are
not judged. `origin` has two groups: real news judged by a model trained on composed articles alone, and the reverse.
Labels are left out, nothing else: dev stays whole, and vectors or encoders may have read the group's unlabelled text.
A group that is done is kept, so a run that was killed goes on. `eval/yardsticks/generalise.py` reads the file.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from isnad.errors import IsnadError
from isnad.examples import COMPOSED, CORPORA_VARIABLE, Document, Example, publisher
from isnad.labels import Stance
from isnad.subjects import UNKNOWN, subject_of

if TYPE_CHECKING:
    from train.config import RunConfig
    from train.folds import Part

log = logging.getLogger("train")

Dimension = Literal["publisher", "subject", "origin"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
LEAST = 100
"""Training sentences that a group must have to be left out."""


def group_of(dimension: Dimension, document: Document) -> str | None:
    """The group of an article; None where it is in none."""
    composed = document.corpus == COMPOSED
    if dimension == "origin":
        return COMPOSED if composed else "news"
    if composed:
        return None
    if dimension == "publisher":
        return publisher(document.corpus, document.outlet)
    subject = subject_of(document)
    return None if subject == UNKNOWN else subject


def left_out(config: RunConfig, dimension: Dimension, least: int = LEAST) -> Path:
    """Train once a group, without it, and write the answers to its sentences; returns the file.

    Groups of fewer than `least` training sentences are skipped, and the log says so. Raises IsnadError where none is
    left.
    """
    from train.folds import article_groups, judge_parts
    from train.run import prepare

    prepared = prepare(config)
    of_article = {d.key: group_of(dimension, d) for d in prepared.documents}
    parts = parts_of(prepared.train, of_article, article_groups(prepared.documents), least)
    if not parts:
        raise IsnadError(
            f"expected {dimension}s in train that can be left out, at least {least} sentences each, found none; "
            f"lower --least, or set {CORPORA_VARIABLE} where the text of real news is missing"
        )
    return judge_parts(config, prepared, parts, Path(config.out) / config.name / f"left_out_{dimension}.jsonl")


def parts_of(
    train: Sequence[Example], of_article: dict[str, str | None], number: dict[str, int], least: int
) -> list[Part]:
    """The groups that can be left out, those with most sentences first; the others are named in the log.

    `of_article` gives the group of an article's key, `number` its number, which near-duplicates share.
    """
    from train.folds import Part

    keys = [f"{e.corpus}:{e.doc_id}" for e in train]
    members: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        if (group := of_article[key]) is not None:
            members.setdefault(group, []).append(i)
    kept: list[tuple[str, list[int], list[int]]] = []
    for group, judged in sorted(members.items(), key=lambda item: (-len(item[1]), item[0])):
        near = {number[keys[i]] for i in judged}
        unseen = [i for i, key in enumerate(keys) if number[key] in near]
        out = set(unseen)
        lacking = set(Stance) - {e.label for i, e in enumerate(train) if i not in out}
        if len(judged) < least:
            log.info("left out: skipped %s, %d training sentences where --least asks %d", group, len(judged), least)
        elif lacking:
            names = ", ".join(s.value for s in Stance if s in lacking)
            log.info("left out: skipped %s, without it no training sentence is labelled %s", group, names)
        else:
            kept.append((group, judged, unseen))
    return [
        Part(f"left out {n} of {len(kept)}: {group}", {"left_out": group}, judged, unseen)
        for n, (group, judged, unseen) in enumerate(kept, 1)
    ]
