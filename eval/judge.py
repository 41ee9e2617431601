"""Weighs a run: the figures of each split, of its slices and of its publishers, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from eval import bootstrap, metrics
from eval.bootstrap import Interval
from eval.metrics import Calibration, Coverage, Ints, SpanScores
from eval.predictions import SPLITS, Record, Run
from isnad.labels import Stance

WANTED = (0.9, 0.95)
"""Precisions for which the report says how much could be answered."""

FIGURES = {"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1, "mcc": metrics.mcc}


@dataclass(frozen=True, slots=True)
class LabelResult:
    """One label in one slice."""

    precision: float
    recall: float
    f1: Interval
    support: int


@dataclass(frozen=True, slots=True)
class Slice:
    """The figures of some sentences."""

    name: str
    n: int
    articles: int
    accuracy: Interval
    macro_f1: Interval
    mcc: Interval
    per_label: dict[Stance, LabelResult]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left where a run may abstain."""

    coverage: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Attributed:
    """The second question, "does a source stand behind it?", where both sides answer it."""

    n: int
    accuracy: float
    f1: float


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One split; `main` and all that is no slice speak of the sentences named by `headline` alone."""

    name: str
    headline: str
    main: Slice
    confusion: Ints
    calibration: Calibration | None
    coverage: tuple[Coverage, ...]
    kept: Kept | None
    attributed: Attributed | None
    spans: dict[str, SpanScores]
    slices: dict[str, Slice]
    publishers: dict[str, Slice]

    @property
    def unanswered(self) -> int:
        """Sentences that got no label."""
        return int(self.confusion[:, -1].sum())


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A run and its figures by split, the one that counts most first."""

    run: Run
    splits: dict[str, Split]
    notes: list[str] = field(default_factory=list)

    @property
    def headline(self) -> Split:
        """The split that answers for the run: test, else test-outlets, else dev."""
        return next(iter(self.splits.values()))


def judge_run(run: Run, *, rounds: int, seed: int, tick: Callable[[str], None] = lambda _: None) -> Judged:
    """All figures of `run`; `tick` is told each split before work on it begins."""
    splits = {}
    for name in SPLITS:
        records = [r for r in run.records if r.split == name]
        if records:
            tick(f"{run.name} {name}")
            splits[name] = judge_split(name, records, rounds=rounds, seed=seed)
    return Judged(run, splits, _notes(run.records, splits))


def headline_of(records: Sequence[Record]) -> tuple[str, list[Record]]:
    """The sentences that a split is judged by: its news if it has any, else what was composed for it."""
    news = [r for r in records if r.origin == "news"]
    return ("news", news) if news else ("composed", list(records))


def judge_split(name: str, records: Sequence[Record], *, rounds: int, seed: int) -> Split:
    """One split of one run."""

    def weigh(label: str, some: Sequence[Record]) -> Slice:
        return judge_slice(label, some, rounds=rounds, seed=seed)

    headline, main = headline_of(records)
    cuts: dict[str, list[Record]] = {
        "all": list(records),
        "composed": [r for r in records if r.origin == "composed"],
        "news": [r for r in records if r.origin == "news"],
        "news-natural": [r for r in records if r.origin == "news" and r.kind == "article"],
        "news-picked": [r for r in records if r.origin == "news" and r.kind == "target"],
    }
    publishers = defaultdict(list)
    for record in main:
        publishers[record.outlet].append(record)
    scored = [r for r in main if r.scores is not None]
    gold, given = indices(main)
    return Split(
        name=name,
        headline=headline,
        main=weigh(headline, main),
        confusion=metrics.confusion(gold, given),
        calibration=metrics.calibration([r.scores or () for r in scored], indices(scored)[0]) if scored else None,
        coverage=_coverage(scored),
        kept=_kept(main),
        attributed=_attributed(main),
        spans=_spans(main),
        slices={label: weigh(label, some) for label, some in cuts.items() if some},
        publishers={o: weigh(o, some) for o, some in sorted(publishers.items(), key=lambda i: (-len(i[1]), i[0]))},
    )


def judge_slice(name: str, records: Sequence[Record], *, rounds: int, seed: int) -> Slice:
    """Figures and intervals of some sentences, the same whatever order they stand in."""
    counts = article_counts(records)
    totals = bootstrap.resampled(counts, rounds=rounds, seed=seed)[0]
    plain = metrics.judge(*indices(records))
    f1s = bootstrap.f1_summary(counts, totals)
    return Slice(
        name=name,
        n=len(records),
        articles=len(counts),
        per_label={
            stance: LabelResult(scores.precision, scores.recall, f1, scores.support)
            for stance, scores, f1 in zip(Stance, plain.per_label, f1s, strict=True)
        },
        **{figure: bootstrap.summary(statistic, counts, totals) for figure, statistic in FIGURES.items()},
    )


def indices(records: Sequence[Record]) -> tuple[Ints, Ints]:
    """Class indices of gold and given labels, -1 where none was given."""
    gold = np.array([r.gold.id for r in records], dtype=np.int64)
    given = np.array([metrics.NO_LABEL if r.label is None else r.label.id for r in records], dtype=np.int64)
    return gold, given


def article_counts(records: Sequence[Record]) -> Ints:
    """A confusion matrix per article, in the order of their names."""
    ordered = sorted(records, key=lambda r: r.key)
    return bootstrap.by_article(*indices(ordered), [r.article for r in ordered])


def confidence(record: Record) -> float:
    """The probability that a run gave to its own label; 0 where it gave none."""
    return 0.0 if record.label is None or record.scores is None else record.scores[record.label.id]


def _coverage(records: Sequence[Record]) -> tuple[Coverage, ...]:
    sure, right = [confidence(r) for r in records], [r.label is r.gold for r in records]
    return tuple(metrics.coverage_at(wanted, sure, right) for wanted in WANTED if records)


def _kept(records: Sequence[Record]) -> Kept | None:
    if not any(r.abstained for r in records):
        return None
    kept = [r for r in records if not r.abstained]
    return Kept(len(kept) / len(records), float(metrics.judge(*indices(kept)).accuracy))


def _attributed(records: Sequence[Record]) -> Attributed | None:
    pairs = [(r.gold_attributed, r.attributed) for r in records]
    known = [(gold, given) for gold, given in pairs if gold is not None and given is not None]
    if not known:
        return None
    both = sum(gold and given for gold, given in known)
    either = sum(gold + given for gold, given in known)
    right = sum(gold is given for gold, given in known)
    return Attributed(len(known), right / len(known), 2 * both / either if either else 0.0)


def _spans(records: Sequence[Record]) -> dict[str, SpanScores]:
    found: dict[str, SpanScores] = {}
    for name in ("cue", "source"):
        looked = [r for r in records if name in r.looked_at]
        gold, given = [getattr(r, f"gold_{name}") for r in looked], [getattr(r, name) for r in looked]
        if looked:
            found[f"{name}-exact"] = metrics.span_scores(gold, given)
            found[f"{name}-overlap"] = metrics.span_scores(gold, given, overlap=True)
    return found


def _notes(records: Sequence[Record], splits: dict[str, Split]) -> list[str]:
    """What a reader has to know before believing the figures."""
    notes = []
    for name, split in splits.items():
        if split.main.articles == 1:
            notes.append(f"{name}: a single article, so its intervals have no width and mean nothing.")
        missing = [s.value for s, scores in split.main.per_label.items() if not scores.support]
        if missing:
            notes.append(f"{name}: gold holds no {', no '.join(missing)}; macro-F1 is the mean of the other labels.")
        scored = split.calibration.n if split.calibration else 0
        if 0 < scored < split.main.n:
            notes.append(
                f"{name}: calibration speaks of the {scored:,} of {split.main.n:,} sentences with probabilities."
            )
    homes: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for record in records:
        homes[record.article].add(record.split)
    torn = sorted(article for article, where in homes.items() if len(where) > 1)
    if torn:
        origin, corpus, doc_id = torn[0]
        notes.append(f"articles in more than one split: {len(torn)}, {corpus or origin}:{doc_id} for one.")
    return notes
