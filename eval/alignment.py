"""May these runs be compared? Only on the same sentences with the same gold labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.predictions import Key, Record, Run
from isnad.errors import IsnadError

Table = Mapping[Key, Record]


def same_sentences(runs: Sequence[Run], split: str) -> list[list[Record]]:
    """The records of each run in one order, after a look at whether they may be compared."""
    tables = [{r.key: r for r in run.records if r.split == split} for run in runs]
    for run, table in zip(runs[1:], tables[1:], strict=True):
        _check_keys(split, runs[0], tables[0], run, table)
        _check_truth(split, runs[0], tables[0], run, table)
    keys = sorted(tables[0])
    return [[table[key] for key in keys] for table in tables]


def _check_keys(split: str, first: Run, left: Table, second: Run, right: Table) -> None:
    only = [
        (first, [r for k, r in left.items() if k not in right]),
        (second, [r for k, r in right.items() if k not in left]),
    ]
    if any(records for _, records in only):
        said = " and ".join(f"{len(records)} only in {run.name} ({_some(records)})" for run, records in only if records)
        raise IsnadError(
            f"expected the same sentences in {split} as in {first.path}, found {said}; "
            "predict the same sentences with both runs, or judge them apart",
            path=second.path,
        )


def _check_truth(split: str, first: Run, left: Table, second: Run, right: Table) -> None:
    for name in ("gold", "kind"):
        torn = [r for k, r in left.items() if getattr(r, name) != getattr(right[k], name)]
        if torn:
            one = f"{torn[0].reference} is {getattr(torn[0], name)} there, {getattr(right[torn[0].key], name)} here"
            raise IsnadError(
                f'expected the same "{name}" in {split} as in {first.path}, found {len(torn)} that differ '
                f"({one}; {_some(torn)}); predict both runs from the same data",
                path=second.path,
            )


def _some(records: Sequence[Record]) -> str:
    return ", ".join(r.reference for r in records[:3]) + (", …" if len(records) > 3 else "")
