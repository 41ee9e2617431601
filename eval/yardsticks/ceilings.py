"""The ceiling of a report: a second reader against the first, on sentences that both read, the second not knowing the
labels of the first. By split and origin, for readings of news and of composed text are never counted together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval import bootstrap, metrics
from eval.bootstrap import Interval
from isnad.annotate.agreement import IN_DOUBT, Pair, load
from isnad.examples import COMPOSED, read_documents, read_splits
from isnad.labels import Stance


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Second reader against first on the doubly read sentences of one split and origin (labels of ours on both sides).

    The first reading of a composed sentence that an adjudicator settled is not kept; its settled label stands for it.
    """

    n: int
    articles: int
    macro_f1: Interval
    accuracy: Interval


def ceilings(data: Path, *, rounds: int, seed: int) -> dict[str, dict[str, Ceiling]]:
    """By split other than train, then by origin (news, composed), the ceiling; empty where `data` has no second
    reading.

    Sentences that left the first reader in doubt were given to a second one more often than others; each reading is
    weighted so that both kinds count as they occur in the split. News that was read again because it was doubtful is
    no sample of anything and is left out.
    """
    if not (data / "second" / "news.jsonl").is_file():
        return {}
    owner = read_splits(data / "splits")
    read = load(data)
    found: dict[str, dict[str, Ceiling]] = {}
    for origin in ("news", COMPOSED):
        of_split: dict[str, list[Pair]] = {}
        for pair in (*read.get(origin, ()), *read.get(f"{origin}{IN_DOUBT}", ())):
            if pair.first.label is not None and pair.second.label is not None:
                of_split.setdefault(owner.get(pair.article, ""), []).append(pair)
        doubts = _doubts(data / origin, owner)
        for split, pairs in of_split.items():
            if split not in ("train", ""):
                found.setdefault(split, {})[origin] = _ceiling(pairs, doubts[split], rounds, seed)
    return found


def _doubts(folder: Path, owner: dict[str, str]) -> dict[str, Counter[bool]]:
    """By split, how many labelled sentences left the first reader in doubt, and how many did not."""
    found: dict[str, Counter[bool]] = {}
    for document in read_documents(sorted(folder.glob("*.jsonl"))):
        of_split = found.setdefault(owner.get(document.key, ""), Counter())
        of_split.update(unit.unsure for unit in document.units if unit.label is not None)
    return found


def _ceiling(found: Sequence[Pair], doubts: Counter[bool], rounds: int, seed: int) -> Ceiling:
    read = Counter(p.first.unsure for p in found)
    articles = bootstrap.numbered([p.article for p in found])
    counts = np.zeros((int(articles.max()) + 1, len(Stance), len(Stance) + 1))
    for pair, article in zip(found, articles, strict=True):
        assert pair.first.label is not None
        assert pair.second.label is not None
        doubt = pair.first.unsure
        counts[article, pair.first.label.id, pair.second.label.id] += doubts[doubt] / read[doubt]
    totals = bootstrap.resampled(counts, rounds=rounds, seed=seed)[0]
    return Ceiling(
        n=len(found),
        articles=len(counts),
        macro_f1=bootstrap.summary(metrics.macro_f1, counts, totals),
        accuracy=bootstrap.summary(metrics.accuracy, counts, totals),
    )
