"""Weighs a run: the figures of each split, of its slices and of its publishers, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from eval import bootstrap, metrics
from eval.bootstrap import Draws, Interval
from eval.confidence import Confidence, Scored, judge_confidence
from eval.facts import DIMENSIONS, Facts, Key
from eval.metrics import Floats, Ints
from eval.predictions import SPLITS, Record, Run
from isnad.labels import Stance

LEAST = 20
"""Sentences that a slice needs to be ranked among the worst."""

_BY_LABEL = (metrics.precision, metrics.recall, metrics.f1)
FIGURES = {"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1, "mcc": metrics.mcc}


@dataclass(frozen=True, slots=True)
class LabelResult:
    """One label in one slice."""

    precision: Interval
    recall: Interval
    f1: Interval
    support: int


@dataclass(frozen=True, slots=True)
class Slice:
    """The figures of some sentences: those of a split whose `dimension` (of `eval.facts`) has the value `name`."""

    dimension: str
    name: str
    n: int
    articles: int
    accuracy: Interval
    macro_f1: Interval
    mcc: Interval
    per_label: dict[Stance, LabelResult]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left where a run may abstain; `accuracy` is None where it always does."""

    coverage: Interval
    accuracy: Interval | None


@dataclass(frozen=True, slots=True)
class Attributed:
    """The second question, "does a source stand behind it?", where both sides answer it."""

    n: int
    accuracy: Interval
    f1: Interval


@dataclass(frozen=True, slots=True)
class SpanResult:
    """Found character ranges against gold ones, one or none a sentence."""

    precision: Interval
    recall: Interval
    f1: Interval
    gold: int
    found: int


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One split; `main` and all that is no slice speak of the sentences named by `headline` alone.

    `slices` stand dimension by dimension; the worst of all is `worst[0]`.
    """

    name: str
    headline: str
    main: Slice
    confusion: Ints
    confidence: Confidence | None
    kept: Kept | None
    attributed: Attributed | None
    spans: dict[str, SpanResult]
    slices: tuple[Slice, ...]

    @property
    def unanswered(self) -> int:
        """Sentences that got no label."""
        return int(self.confusion[:, -1].sum())

    @property
    def worst(self) -> list[Slice]:
        """Slices of `LEAST` sentences or more, the least accurate first.

        By accuracy, since macro-F1 cannot be compared between slices that hold different labels.
        """
        large = [s for s in self.slices if s.n >= LEAST and s.dimension not in ("origin", "choice")]
        return sorted(large, key=lambda s: (s.accuracy.value, s.name))

    def of(self, dimension: str) -> dict[str, Slice]:
        """The slices of one dimension by name."""
        return {s.name: s for s in self.slices if s.dimension == dimension}


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


def judge_run(
    run: Run,
    *,
    rounds: int,
    seed: int,
    facts: Mapping[Key, Facts] | None = None,
    tick: Callable[[str], None] = lambda _: None,
) -> Judged:
    """All figures of `run`, cut along `facts`; `tick` is told each split before work on it begins."""
    splits = {}
    dev = Scored.of("dev", headline_of([r for r in run.records if r.split == "dev"])[1])
    for name in SPLITS:
        records = [r for r in run.records if r.split == name]
        if records:
            tick(f"{run.name} {name}")
            splits[name] = judge_split(name, records, dev, facts or {}, rounds=rounds, seed=seed)
    return Judged(run, splits, _notes(run.records, splits))


def headline_of(records: Sequence[Record]) -> tuple[str, list[Record]]:
    """The sentences that a split is judged by: its news if it has any, else what was composed for it."""
    news = [r for r in records if r.origin == "news"]
    return ("news", news) if news else ("composed", list(records))


def judge_split(
    name: str, records: Sequence[Record], dev: Scored, facts: Mapping[Key, Facts], *, rounds: int, seed: int
) -> Split:
    """One split of one run."""
    headline, main = headline_of(records)
    ordered = sorted(main, key=lambda r: r.key)
    draws = Draws.of(bootstrap.numbered([r.article for r in ordered]), rounds=rounds, seed=seed)
    return Split(
        name=name,
        headline=headline,
        main=judge_slice("split", headline, main, rounds=rounds, seed=seed),
        confusion=metrics.confusion(*indices(main)),
        confidence=judge_confidence(Scored.of(name, main), None if name == "dev" else dev, rounds=rounds, seed=seed),
        kept=_kept(ordered, draws),
        attributed=_attributed(ordered, draws),
        spans=_spans(ordered, draws),
        slices=tuple(
            judge_slice(dimension, label, some, rounds=rounds, seed=seed)
            for dimension, label, some in cuts(records, main, facts)
        ),
    )


def cuts(
    records: Sequence[Record], main: Sequence[Record], facts: Mapping[Key, Facts]
) -> Iterator[tuple[str, str, list[Record]]]:
    """`(dimension, value, sentences)` of a split, the largest of a dimension first.

    Composed or real cuts all `records`, every other dimension the `main` ones.
    """
    for dimension in DIMENSIONS:
        parts: dict[str, list[Record]] = defaultdict(list)
        for record in records if dimension == "origin" else main:
            value = fact(record, dimension, facts)
            if value is not None:
                parts[value].append(record)
        for value, some in sorted(parts.items(), key=lambda part: (-len(part[1]), part[0])):
            yield dimension, value, some


def fact(record: Record, dimension: str, facts: Mapping[Key, Facts]) -> str | None:
    """What `dimension` is for `record`; a few are known of any predictions file."""
    own = {
        "publisher": record.outlet,
        "part": "title" if record.start < 0 else "body",
        "origin": "real" if record.origin == "news" else "composed",
        "choice": "natural" if record.kind == "article" else "picked",
    }
    return own.get(dimension) or facts.get(record.key, {}).get(dimension)


def judge_slice(dimension: str, name: str, records: Sequence[Record], *, rounds: int, seed: int) -> Slice:
    """Figures and intervals of some sentences, the same whatever order they stand in."""
    counts = article_counts(records)
    totals = bootstrap.resampled(counts, rounds=rounds, seed=seed)[0]
    support = counts.sum((0, 2))
    scores = zip(*(bootstrap.label_summary(f, counts, totals) for f in _BY_LABEL), support, strict=True)
    return Slice(
        dimension=dimension,
        name=name,
        n=len(records),
        articles=len(counts),
        per_label={s: LabelResult(p, r, f, int(n)) for s, (p, r, f, n) in zip(Stance, scores, strict=True)},
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


def _kept(records: Sequence[Record], draws: Draws) -> Kept | None:
    if not any(r.abstained for r in records):
        return None
    kept = _floats(not r.abstained for r in records)
    right = _floats(r.label is r.gold for r in records)
    accuracy = draws.ratio(kept * right, kept) if kept.any() else None
    return Kept(draws.ratio(kept, np.ones(kept.size)), accuracy)


def _attributed(records: Sequence[Record], draws: Draws) -> Attributed | None:
    pairs = [(r.gold_attributed, r.attributed) for r in records]
    known = _floats(None not in pair for pair in pairs)
    if not known.any():
        return None
    gold, given = (_floats(bool(pair[i]) and None not in pair for pair in pairs) for i in (0, 1))
    accuracy = draws.ratio(known * (gold == given), known)
    return Attributed(int(known.sum()), accuracy, draws.ratio(2 * gold * given, gold + given))


def _spans(records: Sequence[Record], draws: Draws) -> dict[str, SpanResult]:
    found: dict[str, SpanResult] = {}
    for name in ("cue", "source"):
        looked = _floats(name in r.looked_at for r in records)
        if not looked.any():
            continue
        pairs = [(getattr(r, f"gold_{name}"), getattr(r, name)) for r in records]
        gold, given = (looked * _floats(pair[i] is not None for pair in pairs) for i in (0, 1))
        for how in ("exact", "overlap"):
            right = looked * _floats(metrics.span_right(*pair, overlap=how == "overlap") for pair in pairs)
            ratios = (draws.ratio(right, given), draws.ratio(right, gold), draws.ratio(2 * right, gold + given))
            found[f"{name}-{how}"] = SpanResult(*ratios, gold=int(gold.sum()), found=int(given.sum()))
    return found


def _floats(values: Iterable[bool]) -> Floats:
    return np.fromiter(values, dtype=np.float64)


def _notes(records: Sequence[Record], splits: dict[str, Split]) -> list[str]:
    """What a reader has to know before believing the figures."""
    notes = []
    for name, split in splits.items():
        if split.main.articles == 1:
            notes.append(f"{name}: a single article, so its intervals have no width and mean nothing.")
        missing = [s.value for s, scores in split.main.per_label.items() if not scores.support]
        if missing:
            notes.append(f"{name}: gold holds no {', no '.join(missing)}; macro-F1 is the mean of the other labels.")
        scored = split.confidence.n if split.confidence else 0
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
