"""What a classifier makes of the cases: failures, counted by capability and by kind.

A minimum case fails where the label is not gold's, an invariance case where the two labels differ, right or wrong, a
directional case where the changed sentence does not get its label. No answer is a failure. The sentences go to the
classifier one by one: the released model computes in eight bits, scaled over a whole batch, so that its neighbours in
a batch would tip a close answer.

The rates are of these cases. Their 95 % Wilson intervals (Wilson 1927) say how far so few cases let a rate be known if
they were drawn from all that could be written for a capability.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.stress.suite import Case, Kind, fingerprint
from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.predictions import Classifier, Prediction

SCHEMA = "isnad-stress/1"
LEVEL = 0.95
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Answer:
    """The label of one sentence (None: no answer) and the probability of each, in label order, where one is given."""

    label: Stance | None
    scores: tuple[float, ...] | None = None

    @classmethod
    def of(cls, prediction: Prediction) -> Answer:
        """The answer of a classifier, its probabilities to six digits."""
        scores = tuple(round(prediction.scores[s], _DIGITS) for s in Stance) if prediction.scores else None
        return cls(prediction.label, scores)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A case and how it was answered; `changed` is None in a minimum case."""

    case: Case
    answer: Answer
    changed: Answer | None = None

    @property
    def failed(self) -> bool:
        """Whether the classifier fails the case."""
        if self.changed is None:
            return not self.base_right
        if self.case.kind is Kind.INVARIANCE:
            return self.answer.label is None or self.changed.label is not self.answer.label
        return self.changed.label is not self.case.changed_label

    @property
    def base_right(self) -> bool:
        """Whether `text` got the label of gold."""
        return self.answer.label is self.case.label

    @property
    def rose(self) -> bool | None:
        """Whether the change raised the probability of `changed_label`; None where nothing can be said of that."""
        if self.case.changed_label is None or not self.answer.scores or not self.changed or not self.changed.scores:
            return None
        place = self.case.changed_label.id
        return self.changed.scores[place] > self.answer.scores[place]


@dataclass(frozen=True, slots=True)
class Tally:
    """Verdicts counted together: those of a capability, of a kind, or all (`kind` None)."""

    name: str
    kind: Kind | None
    verdicts: tuple[Verdict, ...]

    @property
    def of(self) -> int:
        """How many cases."""
        return len(self.verdicts)

    @property
    def failed(self) -> int:
        """How many of them fail."""
        return sum(v.failed for v in self.verdicts)

    @property
    def rate(self) -> float:
        """The share that fails, 0 to 1; 0 where there is no case."""
        return self.failed / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of `rate`; 0 to 1 where there is no case."""
        return wilson(self.failed, self.of)

    @property
    def base_right(self) -> int:
        """How many have the right label for `text`."""
        return sum(v.base_right for v in self.verdicts)

    @property
    def rose(self) -> int | None:
        """In how many the change raised the probability of its label; None where no case says so."""
        told = [v.rose for v in self.verdicts if v.rose is not None]
        return sum(told) if told else None


@dataclass(frozen=True, slots=True)
class Result:
    """The whole suite answered by one classifier, in the order of the suite."""

    model: str
    """Its name, as the classifier gives it."""
    verdicts: tuple[Verdict, ...]

    @property
    def overall(self) -> Tally:
        """All cases."""
        return Tally("all", None, self.verdicts)

    @property
    def kinds(self) -> tuple[Tally, ...]:
        """A tally a kind that has cases."""
        by_kind = [Tally(k.value, k, tuple(v for v in self.verdicts if v.case.kind is k)) for k in Kind]
        return tuple(t for t in by_kind if t.of)

    @property
    def capabilities(self) -> tuple[Tally, ...]:
        """A tally a capability: the worst first, then in the order of the suite."""
        found: dict[str, list[Verdict]] = {}
        for verdict in self.verdicts:
            found.setdefault(verdict.case.capability, []).append(verdict)
        tallies = [Tally(name, some[0].case.kind, tuple(some)) for name, some in found.items()]
        return tuple(sorted(tallies, key=lambda t: -t.rate))

    def to_json(self) -> str:
        """All answers, without the sentences; `from_json` reads it with the suite at hand."""
        held = {
            "schema": SCHEMA,
            "model": self.model,
            "suite": stamp([v.case for v in self.verdicts]),
            "answers": [_row(v) for v in self.verdicts],
        }
        return json.dumps(held, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, cases: Sequence[Case], *, path: Path | None = None) -> Result:
        """The result that `to_json` wrote for these `cases`; raises IsnadError where it did not. `path` is for that."""
        try:
            held = json.loads(text)
            if held["suite"] != stamp(cases):
                raise ValueError("answers to other cases")
            rows = zip(cases, held["answers"], strict=True)
            return cls(str(held["model"]), tuple(_verdict(case, row) for case, row in rows))
        except (ValueError, KeyError, TypeError) as error:
            found = f"{type(error).__name__}: {error}"
            message = f"expected answers to the stress suite, found {found}; delete the file, it is made again"
            raise IsnadError(message, path=path) from None


def run_suite(classifier: Classifier, cases: Iterable[Case]) -> Result:
    """Put every sentence of `cases` to `classifier`, alone and without context."""

    def ask(sentence: str) -> Answer:
        return Answer.of(classifier.predict([sentence])[0])

    return Result(classifier.name, tuple(Verdict(case, *map(ask, case.sentences)) for case in cases))


def stamp(cases: Sequence[Case]) -> str:
    """What a stored result must carry to belong to these cases."""
    return fingerprint(cases, SCHEMA)


def wilson(failed: int, of: int) -> tuple[float, float]:
    """Ends of the 95 % Wilson score interval of `failed` in `of`."""
    from scipy import stats

    if not of:
        return 0.0, 1.0
    ends = stats.binomtest(failed, of).proportion_ci(LEVEL, method="wilson")
    return float(ends.low), float(ends.high)


def _row(verdict: Verdict) -> dict[str, Any]:
    case = verdict.case
    row = {"capability": case.capability, "number": case.number, **_told(verdict.answer)}
    return row if verdict.changed is None else {**row, "changed": _told(verdict.changed)}


def _told(answer: Answer) -> dict[str, Any]:
    scores = dict(zip(map(str, Stance), answer.scores, strict=True)) if answer.scores else None
    return {"label": answer.label, "scores": scores}


def _verdict(case: Case, row: dict[str, Any]) -> Verdict:
    if (row["capability"], row["number"]) != (case.capability, case.number):
        raise ValueError(f"{row['capability']} {row['number']} in the place of {case.capability} {case.number}")
    return Verdict(case, _answer(row), None if case.changed is None else _answer(row["changed"]))


def _answer(row: dict[str, Any]) -> Answer:
    label, scores = row["label"], row["scores"]
    held = tuple(float(scores[s]) for s in Stance) if scores else None
    return Answer(None if label is None else Stance(label), held)
