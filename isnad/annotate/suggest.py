"""Which sentences to label next: the model is unsure, the rules differ, the label is rare, nothing alike is chosen yet.

Scores are added, each between 0 and 1, and picks are made one by one: what is like a sentence picked already loses.
What is labelled already, stands in or nearly duplicates an article of dev or test, or states nothing, is never
suggested.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isnad.annotate.task import Task, predictions
from isnad.duplicates import DuplicateIndex
from isnad.examples import SPLITS, TITLE, Document, join, publisher, read_documents, read_splits
from isnad.labels import Stance
from isnad.predictions import Classifier, Prediction
from isnad.proposition import has_proposition
from isnad.text import normalise_text

HELD_OUT = SPLITS[1:]
NEAR_HELD_OUT = 0.3
"""Share of the shorter text's five-word runs from which an article counts as too near to dev or test."""
PIECE = 512
POOL = 10
"""The picks are made among this many times as many sentences as are wanted."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each reason counts; 0 switches it off."""

    uncertainty: float = 1.0
    disagreement: float = 0.5
    rarity: float = 0.5
    diversity: float = 0.5


@dataclass(frozen=True, slots=True)
class Known:
    """What must not be suggested: labelled sentences, held-out articles and publishers, and what is near to them."""

    sentences: frozenset[str]
    articles: frozenset[str]
    publishers: frozenset[str]
    held_out: DuplicateIndex
    without_text: int = 0
    """Held-out articles whose near-duplicates cannot be found."""

    @classmethod
    def of(cls, data: Path, corpora: Path | None) -> Known:
        """From a folder of labelled data; near-duplicates are found only where the text is at hand."""
        paths = sorted(data.glob("composed/*.jsonl")) + sorted(data.glob("news/*.jsonl"))
        documents = read_documents(paths)
        owner = read_splits(data / "splits")
        held = [d for d in documents if owner.get(d.key) in HELD_OUT]
        joined, missing = join(held, corpora)
        last = [d for d in held if owner[d.key] == SPLITS[-1] and d.corpus != "composed"]
        return cls(
            sentences=frozenset(_names(documents)),
            articles=frozenset(d.key for d in held),
            publishers=frozenset(publisher(d.corpus, d.outlet) for d in last),
            held_out=DuplicateIndex({d.key: f"{d.title}\n{d.text}" for d in joined}),
            without_text=len(missing),
        )

    @classmethod
    def nothing(cls) -> Known:
        """Where there is no labelled data yet."""
        return cls(frozenset(), frozenset(), frozenset(), DuplicateIndex({}))

    def admits(self, task: Task) -> bool:
        """Whether the sentence itself may be suggested (its article is judged by `admits_article`)."""
        return task.reference not in self.sentences and task.start != TITLE

    def admits_article(self, key: str, corpus: str, outlet: str, whole: str) -> bool:
        """Whether the article is neither held out, nor of a held-out publisher, nor near to a held-out one."""
        if key in self.articles or publisher(corpus, outlet) in self.publishers:
            return False
        return not self.held_out.near(whole, NEAR_HELD_OUT)


def _names(documents: Iterable[Document]) -> Iterable[str]:
    return (f"{d.key}:{u.start}-{u.end}" for d in documents for u in d.units)


def scores(found: Sequence[Prediction], rules: Sequence[Prediction], weights: Weights) -> Floats:
    """The worth of each sentence, without diversity: entropy, rules that say otherwise, and labels seen seldom."""
    seen = Counter(p.label for p in found if p.label)
    shares = {s: (seen[s] + 1) / (sum(seen.values()) + len(Stance)) for s in Stance}
    rarest = max(-math.log(share) for share in shares.values())
    worth = []
    for own, other in zip(found, rules, strict=True):
        chances = [own.scores.get(s.value, 0.0) for s in Stance]
        entropy = -sum(p * math.log(p) for p in chances if p > 0) / math.log(len(Stance))
        differs = float(other.label is not None and other.label is not own.label)
        rare = sum(p * -math.log(shares[s]) for p, s in zip(chances, Stance, strict=True)) / rarest
        worth.append(weights.uncertainty * entropy + weights.disagreement * differs + weights.rarity * rare)
    return np.array(worth)


def pick(texts: Sequence[str], articles: Sequence[str], worth: Floats, count: int, weights: Weights) -> list[int]:
    """Indices of `count` sentences, best first: worth less the likeness (0 to 1) to those picked before.

    Likeness is the cosine of hashed character n-grams (maximal marginal relevance, Carbonell and Goldstein 1998);
    a second sentence of an article counts as like the first.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    pool = np.argsort(-worth, kind="stable")[: POOL * count]
    vectors = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=1 << 18).transform(
        [normalise_text(texts[i], "plain") for i in pool]
    )
    owner = np.unique([articles[i] for i in pool], return_inverse=True)[1]
    like = np.zeros(len(pool))
    left = np.ones(len(pool), dtype=bool)
    chosen: list[int] = []
    while left.any() and len(chosen) < count:
        value = np.where(left, worth[pool] - weights.diversity * like, -np.inf)
        best = int(value.argmax())
        chosen.append(int(pool[best]))
        left[best] = False
        near = np.asarray((vectors @ vectors[best].T).todense()).ravel()
        like = np.maximum(like, np.where(owner == owner[best], 1.0, near))
    return chosen


def suggest(
    tasks: Sequence[Task],
    count: int,
    classifier: Classifier,
    rules: Classifier,
    weights: Weights | None = None,
    tell: Callable[[int], None] | None = None,
) -> list[tuple[Task, Prediction]]:
    """The `count` tasks most worth labelling, best first, each with the classifier's answer.

    `tell(n)` is called whenever `n` more tasks are dealt with.
    """
    weights = weights or Weights()
    usable: list[Task] = []
    found: list[Prediction] = []
    others: list[Prediction] = []
    for at in range(0, len(tasks), PIECE):
        part = [t for t in tasks[at : at + PIECE] if has_proposition(t.text)]
        both = zip(part, predictions(part, classifier), predictions(part, rules), strict=True)
        for task, own, other in both:
            if own.label is not None:
                usable.append(task)
                found.append(own)
                others.append(other)
        if tell:
            tell(len(tasks[at : at + PIECE]))
    if not usable:
        return []
    worth = scores(found, others, weights)
    chosen = pick([t.text for t in usable], [f"{t.corpus}:{t.doc_id}" for t in usable], worth, count, weights)
    return [(usable[i], found[i]) for i in chosen]
