"""Results of the suite for people: a table of capabilities and runs, and the cases that fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eval.stress.suite import Capability, Kind
from eval.stress.verdicts import Answer, Result, Tally, Verdict, stamp, wilson
from eval.writing import cell, table
from isnad.table import ISOLATE, POP, percent

_TEXT = 2
"""Columns of the table that hold words."""


def as_markdown(results: Mapping[str, Result]) -> str:
    """Failures by capability and run, totals first, then the worst of the first run; `results` by name of the run."""
    first = next(iter(results.values()))
    rows = [["Failures", "Kind", *map(cell, results)]]
    rows.append(["all", "", *(_total(r.overall) for r in results.values())])
    for tally in first.kinds:
        totals = (next(t for t in r.kinds if t.name == tally.name) for r in results.values())
        rows.append(["all", tally.name, *map(_total, totals)])
    counts = [{t.name: f"{t.failed}/{t.of}" for t in r.capabilities} for r in results.values()]
    rows += [[t.name, str(t.kind), *(c[t.name] for c in counts)] for t in first.capabilities]
    return "\n".join([*table(rows, _TEXT), "", *(f"- {note}" for note in _notes(results))]) + "\n"


def as_json(results: Mapping[str, Result]) -> dict[str, Any]:
    """The same figures for machines, with intervals and the numbers of the cases that fail."""
    first = next(iter(results.values()))
    runs = [
        {
            "name": name,
            "model": result.model,
            "overall": _figures(result.overall),
            "kinds": [_figures(t) for t in result.kinds],
            "capabilities": [
                _figures(t) | {"failing": [v.case.number for v in t.verdicts if v.failed]} for t in result.capabilities
            ],
        }
        for name, result in results.items()
    ]
    return {"suite": stamp([v.case for v in first.verdicts]), "runs": runs}


def failing(results: Mapping[str, Result], capability: Capability) -> Iterator[str]:
    """Lines for the terminal: the cases of `capability` that each run fails, the Arabic isolated."""
    yield f"{capability.name} ({capability.kind}): {capability.asks}"
    for name, result in results.items():
        tally = next(t for t in result.capabilities if t.name == capability.name)
        yield ""
        yield f"{name}: {tally.failed} of {tally.of} fail"
        for verdict in (v for v in tally.verdicts if v.failed):
            yield f"{verdict.case.number:>4}. {_said(verdict)}"
            yield from (f"      {ISOLATE}{text}{POP}" for text in verdict.case.sentences)


def _total(tally: Tally) -> str:
    low, high = (100 * x for x in tally.interval)
    return f"{tally.failed}/{tally.of} = {100 * tally.rate:.1f} % ({low:.1f} to {high:.1f})"


def _figures(tally: Tally) -> dict[str, Any]:
    low, high = tally.interval
    rates = {"rate": tally.rate, "low": low, "high": high}
    return {
        "name": tally.name,
        "kind": tally.kind,
        "failed": tally.failed,
        "of": tally.of,
        **{k: round(v, 6) for k, v in rates.items()},
        "base_right": tally.base_right,
        "rose": tally.rose,
    }


def _notes(results: Mapping[str, Result]) -> Iterator[str]:
    for name, result in results.items():
        changing = [t for t in result.kinds if t.kind is not Kind.MINIMUM]
        right = " and ".join(f"{t.base_right} of {t.of} {t.name}" for t in changing)
        rose = "".join(
            f"; the probability of the new label rose in {t.rose} of {t.of}" for t in changing if t.rose is not None
        )
        if right:
            yield f"{name}: right on the unchanged sentence in {right} cases{rose}."
    ends = ["{} of 10 is {:.0f} to {:.0f} %".format(k, *(100 * x for x in wilson(k, 10))) for k in (0, 2, 5)]
    yield f"Hand-written cases, each sentence judged alone; in brackets 95 % Wilson intervals: {', '.join(ends)}."


def _said(verdict: Verdict) -> str:
    case = verdict.case
    found = _label(verdict.answer)
    if verdict.changed is None:
        return f"expected {case.label}, found {found}"
    after = _label(verdict.changed)
    if case.kind is Kind.INVARIANCE:
        return f"expected one label (gold: {case.label}), found {found} and, changed, {after}"
    return f"expected {case.label} and, changed, {case.changed_label}, found {found} and {after}"


def _label(answer: Answer) -> str:
    if answer.label is None:
        return "no answer"
    return f"{answer.label} ({percent(answer.scores[answer.label.id])})" if answer.scores else answer.label.value
