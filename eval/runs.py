"""Opens the runs that a command is given: directories, predictions files, CheckThat! tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eval.checkthat import is_table, read_any_run
from eval.predict import evaluation_examples, is_stale, write_predictions
from eval.predictions import FILE, Key, Record, Run
from isnad.errors import IsnadError
from isnad.examples import Example, find_corpora
from isnad.labels import Stance


def read_runs(paths: Sequence[Path], *, data: Path, corpora: Path | None, seeds: Path) -> list[Run]:
    """One run a path, each under a name of its own; predictions older than their artefact are made anew.

    The gold labels of a table are those of the other runs, or those of the labelled data where all are tables. Raises
    IsnadError, also where a run is given twice.
    """
    paths = [p.parent if p.name == FILE else p for p in paths]
    twice = [p for i, p in enumerate(paths) if p.resolve() in {q.resolve() for q in paths[:i]}]
    if twice:
        raise IsnadError("expected each run once, found it twice; leave one out", path=twice[0])
    for path in filter(is_stale, paths):
        write_predictions(path, data, corpora, seeds)
    others = {path: read_any_run(path, ()) for path in paths if not is_table(path)}
    reference: Sequence[Record] = ()
    if len(others) < len(paths):
        known: dict[Key, Record] = {r.key: r for run in reversed(others.values()) for r in run.records}
        reference = list(known.values()) or _labelled(data, corpora, seeds)
    return told_apart(paths, [others[p] if p in others else read_any_run(p, reference) for p in paths])


def told_apart(paths: Sequence[Path], runs: Sequence[Run]) -> list[Run]:
    """Runs of one name get as much of their path as tells them apart, the ending of a file only where it has to be."""
    whole = [p.resolve() for p in paths]
    bare = [p if p.is_dir() else p.with_suffix("") for p in whole]
    parts = [p.parts for p in (bare if len(set(bare)) == len(bare) else whole)]
    depth = 1
    while len({p[-depth:] for p in parts}) < len(set(whole)):
        depth += 1
    return [replace(run, name="/".join(p[-depth:])) for run, p in zip(runs, parts, strict=True)]


def _labelled(data: Path, corpora: Path | None, seeds: Path) -> list[Record]:
    """The labelled sentences of dev, test, test-outlets and the seed articles, as nobody has answered them yet."""
    return [_record(e, e.label) for e in evaluation_examples(data, find_corpora(corpora), seeds) if e.label is not None]


def _record(example: Example, gold: Stance) -> Record:
    return Record(
        doc_id=example.doc_id,
        start=example.start,
        end=example.end,
        outlet=example.outlet,
        kind=example.kind,
        origin=example.origin,
        corpus=example.corpus,
        split=example.split,
        gold=gold,
        label=None,
        text=example.text,
    )
