"""A run that is watched: what it measures goes to whoever listens, and its directory says how it stands.

`watched(config)` is `train.run.train` with watchers around it. The trainers call `tell` with what they measure; where
nobody watches (folds, learning curves, parts of a larger work) that does nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal, Protocol

from isnad.errors import IsnadError
from isnad.files import write_whole
from train.config import NeuralConfig, RecurrentConfig, RunConfig
from train.processes import is_first

STATE = "state.json"
LOCK = ".running"
"""Locked in a run directory as long as its process lives; what a killed one leaves is not."""
METRICS = "metrics.jsonl"

Row = Mapping[str, float]
"""`step` and `epoch`, and one or more of `loss`, `learning_rate`, `grad_norm`, `dev_macro_f1`."""

State = Literal["running", "done", "failed", "stopped", "pruned"]


class Stopped(Exception):
    """A watcher has seen enough of a run; `state` is what its directory shall say."""

    state: State = "stopped"


class Watcher(Protocol):
    """Whoever listens to a run."""

    def row(self, row: Row) -> None:
        """Hear what was measured."""

    def end(self, state: State) -> None:
        """The run is over."""


_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("_watchers", default=())


def tell(row: Row) -> None:
    """Give what was measured to everybody who watches the run that this process is in."""
    for watcher in _watchers.get():
        watcher.row(row)


@dataclass(frozen=True, slots=True)
class RunState:
    """How a run stands: when it began (ISO 8601, UTC), for how many seconds it ran, and why it failed."""

    state: State
    began: str
    seconds: float | None = None
    why: str | None = None


class MetricsLines:
    """Every row as a line of `metrics.jsonl`."""

    def __init__(self, out: Path) -> None:
        self.path = out / METRICS

    def row(self, row: Row) -> None:
        """Append it."""
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(dict(row)) + "\n")

    def end(self, state: State) -> None:
        """Nothing is left to do."""


class CurveFile:
    """`curve.svg`, drawn anew after each evaluation and at the end."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def row(self, row: Row) -> None:
        """Draw where dev was judged."""
        if "dev_macro_f1" in row:
            self.end("running")

    def end(self, state: State) -> None:
        """Draw."""
        from train.plot import write_curve

        write_curve(self.out)


def watched(config: RunConfig, *further: Watcher) -> Path:
    """Run `config` to the end before its watchers and `further`, and return the run directory.

    Of several processes only the first is watched. Raises IsnadError, before any work, where another process trains
    in the directory and where a package of `report` is missing.
    """
    from train.reporting import reporters
    from train.run import train

    if not is_first():
        return train(config)
    out = Path(config.out) / config.name
    with held(out):
        own: list[Watcher] = [MetricsLines(out)] if isinstance(config, RecurrentConfig) else []
        if isinstance(config, NeuralConfig):
            own += [CurveFile(out), *reporters(config, out)]
        with _recorded(out, (*own, *further)):
            return train(config)


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Keep the directory `out` (made if need be) for this process; raises IsnadError where another one has it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / LOCK).open("wb")
    except OSError as error:
        raise IsnadError(f"cannot be written: {error.strerror or error}", path=out) from error
    with lock:
        if hasattr(os, "register_at_fork"):  # else orphaned workers would hold it after a kill
            os.register_at_fork(after_in_child=lock.close)
        if not _locked(lock):
            raise IsnadError(
                "another process works in this directory; wait for it, or give a name= of its own", path=out
            )
        try:
            yield
        finally:
            (out / LOCK).unlink(missing_ok=True)


def is_held(out: Path) -> bool:
    """Whether a living process works in `out`."""
    try:
        with (out / LOCK).open("rb") as lock:
            return not _locked(lock)
    except OSError:
        return False


def _locked(lock: IO[bytes]) -> bool:
    """Take the lock; False where another process has it. Where the system knows no such locks, do without."""
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


@contextmanager
def _recorded(out: Path, watchers: tuple[Watcher, ...]) -> Iterator[None]:
    """Keep `state.json` while the block runs, and let `watchers` hear it."""
    began, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()

    def write(state: State, why: str | None = None) -> None:
        found = RunState(state, began, None if state == "running" else round(time.monotonic() - clock, 1), why)
        write_whole(out / STATE, json.dumps(asdict(found), ensure_ascii=False) + "\n")

    state: State = "failed"
    why: str | None = None
    write("running")
    token = _watchers.set(watchers)
    try:
        yield
        state = "done"
    except Stopped as stop:
        state = stop.state
        raise
    except KeyboardInterrupt:
        state, why = "stopped", "interrupted"
        raise
    except Exception as error:
        why = str(error) or type(error).__name__
        raise
    finally:
        _watchers.reset(token)
        try:
            write(state, why)
            for watcher in watchers:
                watcher.end(state)
        except IsnadError:
            if state == "done":  # else there is an exception that says more
                raise


def read_state(out: Path) -> RunState | None:
    """How the run in `out` stands; None where nothing says so. One whose process was killed has `stopped`."""
    try:
        found = RunState(**json.loads((out / STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if found.state == "running" and not is_held(out):
        return RunState("stopped", found.began, why="killed")
    return found
