"""The suite answered by a run, and the answers kept beside its artefact as `stress.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from eval.predict import artefact_of
from eval.stress.suite import SUITE, Case, read_suite
from eval.stress.verdicts import Result, run_suite, stamp
from isnad.artefact import MANIFEST
from isnad.classifier import load_classifier
from isnad.errors import IsnadError
from isnad.files import write_whole

FILE = "stress.json"

Watch = Callable[[Sequence[Case]], Iterable[Case]]


def stress_of(run: Path, folder: Path = SUITE, *, watch: Watch = iter) -> Result | None:
    """What the artefact of `run`, a run directory or an artefact folder, makes of the suite in `folder`.

    None where there is no artefact. A run directory keeps the answers in `stress.json` and is asked again where they
    are stale (see `is_stale`); into an artefact folder, which may be on its way into a wheel, nothing is written.
    `watch` sees the cases as they are asked. Raises IsnadError when the artefact or the suite cannot be opened, or
    `stress.json` not be read or written.
    """
    artefact = artefact_of(run)
    if artefact is None:
        return None
    cases, kept = read_suite(folder), run / FILE
    if artefact != run and not is_stale(run, cases):
        return Result.from_json(kept.read_text(encoding="utf-8"), cases, path=kept)
    result = run_suite(load_classifier(artefact), watch(cases))
    if artefact != run:
        write_whole(kept, result.to_json())
    return result


def is_stale(run: Path, cases: Sequence[Case]) -> bool:
    """Whether `run` has an artefact, and no answers of it to these very `cases`."""
    artefact = artefact_of(run)
    if artefact is None:
        return False
    kept = run / FILE
    if not kept.is_file() or kept.stat().st_mtime < (artefact / MANIFEST).stat().st_mtime:
        return True
    try:
        return bool(json.loads(kept.read_text(encoding="utf-8"))["suite"] != stamp(cases))
    except (ValueError, KeyError, TypeError):
        message = "expected answers to the stress suite, found something else; delete the file, it is made again"
        raise IsnadError(message, path=kept) from None
