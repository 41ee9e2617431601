"""The unlabelled news text that vocabulary, vectors, pretraining and weak labels may see.

Left out: every article of dev, test and test-outlets and whatever nearly duplicates one, the
whole of the publishers that test-outlets is made of, the seed article, and a reserve of 5 % of
the articles, kept unseen so that later test articles can be drawn from it.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import numpy as np

from isnad.duplicates import DuplicateIndex, shingles
from isnad.errors import IsnadError
from isnad.examples import corpus_articles, join, publisher, read_documents, read_splits
from isnad.text import normalise_text
from train.progress import track

CORPORA = ("antcorpus", "hespress", "sanad_khaleej", "saudinewsnet")
PROTECTED_SPLITS = ("dev", "test", "test-outlets")
ARTICLES = 90_979
"""In the four corpora together; only the progress bar needs it."""
NEAR_PROTECTED = 0.3
"""Stricter than `isnad.duplicates.NEAR`: a third of the shorter text shared is enough to leave it out."""
RESERVE_PERCENT = 5


def is_reserved(key: str) -> bool:
    """Whether the article `corpus:doc_id` belongs to the reserve for later test articles."""
    return int(sha1(key.encode()).hexdigest()[:8], 16) % 100 < RESERVE_PERCENT


@dataclass
class Guard:
    """Decides for each unlabelled article whether training may see it, and counts why not."""

    index: DuplicateIndex
    publishers: frozenset[str]
    keys: frozenset[str]
    training_keys: frozenset[str]
    counts: Counter[str] = field(default_factory=Counter)

    def reason(self, corpus: str, article: dict[str, Any]) -> str | None:
        """Why the article must stay out, or None."""
        key = f"{corpus}:{article['doc_id']}"
        if key in self.keys:
            return "protected article"
        if publisher(corpus, article["outlet"]) in self.publishers:
            return "held-out publisher"
        if is_reserved(key) and key not in self.training_keys:
            return "reserve"
        if self.index.near(f"{article['title'] or ''}\n{article['text']}", NEAR_PROTECTED):
            return "near-duplicate of a protected article"
        return None

    def admits(self, corpus: str, article: dict[str, Any]) -> bool:
        """Whether training may see the article; keeps the count in `counts`."""
        why = self.reason(corpus, article)
        self.counts[why or "admitted"] += 1
        return why is None

    def touches(self, sentence: str) -> bool:
        """Whether half of a sentence's five-word runs stand in some protected article."""
        own = shingles(sentence)
        return bool(len(own)) and float(np.mean(self.index.holds(own))) >= 0.5


def build_guard(data: Path, corpora: Path, seeds: Path) -> Guard:
    """The guard for these splits; raises IsnadError when the text of a protected article is missing."""
    owner = read_splits(data / "splits")
    paths = sorted(data.glob("composed/*.jsonl")) + sorted(data.glob("news/*.jsonl"))
    documents = [d for d in read_documents(paths) if owner.get(d.key) in PROTECTED_SPLITS]
    joined, missing = join(documents, corpora)
    if missing:
        raise IsnadError(
            f"expected the text of all protected articles in {corpora}, {len(missing)} are missing "
            f"({missing[0].key} first); without them nothing can be kept out of pretraining"
        )
    texts = {d.key: f"{d.title}\n{d.text}" for d in joined}
    texts |= {f"seed:{p.stem}": p.read_text(encoding="utf-8") for p in sorted(seeds.glob("*.txt"))}
    outlets = [d for d in joined if owner[d.key] == "test-outlets" and d.corpus != "composed"]
    return Guard(
        index=DuplicateIndex(texts),
        publishers=frozenset(publisher(d.corpus, d.outlet) for d in outlets),
        keys=frozenset(d.key for d in joined),
        training_keys=frozenset(k for k, s in owner.items() if s == "train"),
    )


def training_articles(guard: Guard, corpora: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """`(corpus, article)` of all that training may see, in file order."""
    for corpus in CORPORA:
        for article in corpus_articles(corpora, corpus):
            if guard.admits(corpus, article):
                yield corpus, article


@dataclass(frozen=True, slots=True)
class TrainingText:
    """Normalised text of all admitted articles, a paragraph a line, and their keys; see `write_training_text`."""

    folder: Path

    @property
    def lines(self) -> Path:
        """One normalised title or paragraph a line."""
        return self.folder / "text.txt"

    def keys(self) -> list[str]:
        """`corpus:doc_id` of the admitted articles, in file order."""
        return (self.folder / "articles.txt").read_text(encoding="utf-8").split("\n")[:-1]

    def summary(self) -> dict[str, Any]:
        """Counts by reason, words, recipe and the fingerprint of the text."""
        loaded: dict[str, Any] = json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))
        return loaded


def write_training_text(guard: Guard, corpora: Path, folder: Path, recipe: str) -> TrainingText:
    """Normalise all that training may see into `folder` (made beside it and renamed when complete)."""
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    digest, words = sha256(), 0
    with (beside / "text.txt").open("w", encoding="utf-8") as text, (beside / "articles.txt").open("w") as keys:
        for corpus, article in track(training_articles(guard, corpora), "reading the news text", total=ARTICLES):
            keys.write(f"{corpus}:{article['doc_id']}\n")
            for line in [article["title"] or "", *article["text"].split("\n")]:
                clean = normalise_text(line, recipe)
                if clean:
                    words += clean.count(" ") + 1
                    text.write(clean + "\n")
                    digest.update(clean.encode() + b"\n")
    summary = {"recipe": recipe, "words": words, "sha256": digest.hexdigest(), "articles": dict(guard.counts)}
    (beside / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return TrainingText(folder)


def prepare_text(data: Path, corpora: Path, seeds: Path, cache: Path, recipe: str) -> TrainingText:
    """The training text under `cache`; made when it is not there or the splits have changed since."""
    owner = read_splits(data / "splits")
    protected = sorted(k for k, s in owner.items() if s in PROTECTED_SPLITS)
    mark = sha256("\n".join([recipe, *protected]).encode()).hexdigest()[:12]
    folder = cache / f"news-{recipe}-{mark}"
    if (folder / "summary.json").is_file():
        return TrainingText(folder)
    return write_training_text(build_guard(data, corpora, seeds), corpora, folder, recipe)
