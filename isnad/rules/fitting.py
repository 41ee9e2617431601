"""Rule precisions from labelled sentences: what `RulesClassifier(precision=…)` takes and `precision.py` ships.

The rules form a list read in the order of the stances, so a rule is measured on the sentences that
no accepted rule before it has decided, the surest rule of a stance first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from isnad.labels import Stance
from isnad.rules.evidence import hits
from isnad.rules.match import read
from isnad.rules.rulebook import KINDS, precision_of

ACCEPT = 0.5
_WEIGHT = 2.0
Case = tuple[frozenset[str], str]
"""The rules that fired on a sentence, and its true label."""


def fired(sentence: str, before: Sequence[str] = (), title: str | None = None) -> frozenset[str]:
    """The names of all rules that fire on `sentence`."""
    return frozenset(hit.rule for hit in hits(read(sentence), before, title))


def fit_precision(cases: Sequence[Case]) -> dict[str, float]:
    """Smoothed precision of every rule and kind met in `cases`.

    >>> fit_precision([(frozenset({"deny:main"}), "deny")] * 8)["deny:main"]
    0.98
    """
    fitted: dict[str, float] = {}
    left = list(cases)
    for stance in (Stance.DENY, Stance.SPECULATE, Stance.ATTRIBUTE):
        left = _fit_stance(left, stance, fitted)
    for rule in ("none:main", *sorted(_rules_of(left, Stance.ASSERT))):
        met = [label for names, label in left if rule in names or (rule == "none:main" and not names)]
        fitted[rule] = _smoothed(sum(label == Stance.ASSERT for label in met), len(met))
    return fitted


def _fit_stance(left: list[Case], stance: Stance, fitted: dict[str, float]) -> list[Case]:
    todo = _rules_of(left, stance)
    start = left
    kinds = _kind_precision(left, stance)
    fitted.update({kind: value for kind, value in kinds.items() if KINDS[kind].stance is stance})
    while todo:
        counts = {rule: _count(left, rule, stance) for rule in todo}
        best = max(sorted(todo), key=lambda rule: _smoothed(*counts[rule], _prior(rule, kinds)))
        todo.discard(best)
        right, met = counts[best]
        value = _smoothed(right, met, _prior(best, kinds))
        if value >= ACCEPT or not met:
            value = _smoothed(*_count(start, best, stance), _prior(best, kinds))
        fitted[best] = value
        if value >= ACCEPT:
            left = [case for case in left if best not in case[0]]
    return left


def _rules_of(cases: Sequence[Case], stance: Stance) -> set[str]:
    return {rule for names, _ in cases for rule in names if KINDS[rule.partition(":")[0]].stance is stance}


def _count(cases: Sequence[Case], rule: str, stance: Stance) -> tuple[int, int]:
    met = [label for names, label in cases if rule in names]
    return sum(label == stance for label in met), len(met)


def _kind(rule: str) -> str:
    return rule.partition(":")[0]


def _kind_precision(cases: Sequence[Case], stance: Stance) -> dict[str, float]:
    """Precision of each kind over all its clauses: what a rule that was seldom met leans on."""
    right: Counter[str] = Counter()
    met: Counter[str] = Counter()
    for names, label in cases:
        for kind in {_kind(rule) for rule in names}:
            met[kind] += 1
            right[kind] += label == stance
    return {kind: round((right[kind] + 1) / (met[kind] + 2), 3) for kind in met}


def _prior(rule: str, kinds: dict[str, float]) -> float:
    """What a rule is held to be worth before the data speak."""
    return precision_of(rule, {_kind(rule): kinds[_kind(rule)]})


def _smoothed(right: int, met: int, prior: float = 0.5) -> float:
    return round((right + prior * _WEIGHT) / (met + _WEIGHT), 3)
