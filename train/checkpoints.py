"""Checkpoint folders that are whole or do not count.

A checkpoint is filled as `checkpoint-40.part`, sealed with `complete.json` (the run it belongs to and the SHA-256 of
every file) and renamed. Whatever a kill, a full disk or a bad sector leaves is named in the log and passed over.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Collection, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from isnad.files import write_whole
from train.config import TransformerConfig
from train.targets import Target

log = logging.getLogger("train")

COMPLETE = "complete.json"
PART = ".part"
OLD = ".old"
"""Ending of the folder that keeps the checkpoints of the run before this one until this one is done."""
_NAME = re.compile(r"checkpoint-(\d+)")
_FREE = {"name", "out", "data", "corpora", "workers", "save_steps", "gradient_checkpointing", "seeds"}
_FREE |= {"batch_size", "gradient_accumulation", "report"}
"""Keys that a run may change and still go on: what they decide is hashed otherwise, or does not move the result."""


def run_mark(config: TransformerConfig, train: Sequence[Target], dev: Sequence[Target], processes: int) -> str:
    """SHA-256 of all that decides a run: config, sentences and labels, sentences a step, number of processes."""
    settings = {k: v for k, v in config.model_dump(mode="json").items() if k not in _FREE}
    step = config.batch_size * config.gradient_accumulation * processes
    digest = sha256(json.dumps([settings, encoder_mark(config.encoder), step, processes], sort_keys=True).encode())
    for target in (*train, None, *dev):
        digest.update(repr(target).encode())
    return digest.hexdigest()


def encoder_mark(encoder: str) -> str:
    """SHA-256 of the weights and tokenizer of an encoder in a folder, which may be made anew; a hub id as it is."""
    folder = Path(encoder)
    if not folder.is_dir():
        return encoder
    digest = sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        digest.update(path.name.encode() + file_digest(path.open("rb"), "sha256").digest())
    return digest.hexdigest()


def name_of(step: int) -> str:
    """`checkpoint-40`, the folder's name."""
    return f"checkpoint-{step}"


def step_of(folder: Path) -> int:
    """The step in the name of a folder that `steps_down` found."""
    found = _NAME.match(folder.name)
    assert found is not None
    return int(found[1])


def steps_down(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, the latest first."""
    found = [p for p in folder.glob("checkpoint-*") if _NAME.fullmatch(p.name)]
    return sorted(found, key=step_of, reverse=True)


def seal(part: Path, *, run: str, best: int | None) -> Path:
    """Write `complete.json` into the filled folder `part` and rename it to what it is without `.part`.

    `run` is the mark of its run, `best` the step whose weights are the best so far (None before the first evaluation).
    """
    files = {str(p.relative_to(part)): _digest(p) for p in sorted(part.rglob("*")) if p.is_file()}
    write_whole(part / COMPLETE, json.dumps({"run": run, "best": best, "files": files}, indent=1) + "\n")
    folder = part.with_name(part.name.removesuffix(PART))
    shutil.rmtree(folder, ignore_errors=True)
    return part.rename(folder)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def read_seal(folder: Path) -> dict[str, Any] | None:
    """What `seal` wrote into `folder`; None where it is not there or not readable."""
    try:
        found = json.loads((folder / COMPLETE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"run", "best", "files"} <= set(found) else None


def fault(folder: Path) -> str | None:
    """What keeps the checkpoint `folder` from being used; None where every file is the one that was sealed."""
    if not folder.is_dir():
        return "expected a checkpoint, found none"
    sealed = read_seal(folder)
    if sealed is None:
        return f"half written: expected a readable {COMPLETE}, found none"
    for name, digest in sealed["files"].items():
        path = folder / name
        if not path.is_file():
            return f"damaged: expected {name}, found none"
        if (found := _digest(path)) != digest:
            return f"damaged: expected SHA-256 {digest[:12]} of {name}, found {found[:12]}"
    best = sealed["best"]
    if best is not None and best != step_of(folder) and (why := fault(folder.with_name(name_of(best)))):
        return f"of no use without {name_of(best)}, the best so far, which is {why}"
    return None


def last_good(folder: Path, run: str) -> Path | None:
    """The latest whole checkpoint of this run in `folder`, or None; what is passed over is named in the log.

    Checkpoints of another config or other data are moved to `OLD` beside: a run that begins anew would mix with them.
    """
    for half in sorted(folder.glob(f"checkpoint-*{PART}")):
        log.warning("%s is half written; passed over", half)
        shutil.rmtree(half, ignore_errors=True)
    found = steps_down(folder)
    others = [p for p in found if (sealed := read_seal(p)) is not None and sealed["run"] != run]
    if others:
        old = folder.with_name(folder.name + OLD)
        log.warning(
            "the checkpoints in %s are of another config or of other data; moved to %s, begun anew", folder, old
        )
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        return None
    for checkpoint in found:
        why = fault(checkpoint)
        if why is None:
            log.info("resumed from %s", checkpoint)
            return checkpoint
        log.warning("%s is %s; passed over", checkpoint, why)
    return None


def keep_only(folder: Path, steps: Collection[int]) -> None:
    """Delete every checkpoint in `folder` but those of `steps`."""
    for checkpoint in steps_down(folder):
        if step_of(checkpoint) not in steps:
            shutil.rmtree(checkpoint, ignore_errors=True)


def left(folder: Path) -> str:
    """The end of an error: which checkpoint there is to go on from."""
    sealed = next((p for p in steps_down(folder) if read_seal(p) is not None), None)
    return "no checkpoint was written yet" if sealed is None else f"{sealed}, the last good checkpoint, is kept"
