"""The step loop that pretraining and the pass over weak labels share: schedule, checkpoints, progress, metrics."""

from __future__ import annotations

import json
import logging
import math
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isnad.config import Config, dump
from isnad.errors import IsnadError
from isnad.files import write_whole
from train.progress import progress_line

log = logging.getLogger("train")

METRICS = "metrics.jsonl"
TELL_EVERY = 20.0
RECENT = 100
"""Steps over which the reported loss is averaged."""


class LoopConfig(Config):
    """What decides the optimisation; learning rates are the plateau of a warm-up, plateau, decay schedule."""

    seed: int = 13
    learning_rate: float = 3e-3
    muon_learning_rate: float = 0.02
    """Of the hidden matrices; 0 leaves them to AdamW too."""
    weight_decay: float = 0.01
    warmup: float = 0.02
    decay: float = 0.3
    bf16: bool = True
    checkpoint_minutes: float = 4.0


def learning_rate_factor(step: int, steps: int, warmup: float, decay: float) -> float:
    """Linear warm-up, a plateau, then linear decay to 0 (WSD schedule)."""
    rising = min(1.0, (step + 1) / max(1, round(steps * warmup)))
    falling = min(1.0, (steps - step) / max(1, round(steps * decay)))
    return min(rising, falling)


def make_optimizers(model: torch.nn.Module, config: LoopConfig) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices where it has a rate, AdamW for embeddings, norms, biases and small heads."""
    hidden: list[torch.nn.Parameter] = []
    rest: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim == 2 and min(parameter.shape) > 8
        outer = any(part in name for part in ("embeddings", "decoder"))
        (hidden if is_matrix and not outer else rest).append(parameter)
    if not config.muon_learning_rate:
        hidden, rest = [], list(model.parameters())
    adam = torch.optim.AdamW(rest, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay)
    if not hidden:
        return [adam]
    return [torch.optim.Muon(hidden, lr=config.muon_learning_rate, weight_decay=config.weight_decay), adam]


def begin(config: LoopConfig, out: Path) -> None:
    """Write `out/config.yaml`; IsnadError where another run stands there: its text, labels and state would be taken."""
    out.mkdir(parents=True, exist_ok=True)
    path, ours = out / "config.yaml", dump(config)
    if path.is_file() and path.read_text(encoding="utf-8") != ours:
        raise IsnadError(f"expected no run or this one in {out}, found one of another config; set name= or delete it")
    write_whole(path, ours)


class Checkpoints:
    """Training state in `folder/checkpoint.pt`, written beside and renamed, and the one before it in `previous.pt`.

    A half-written one never counts; a damaged one is named in the log and passed over.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.pt"
        self.previous = folder / "previous.pt"

    def save(self, step: int, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer]) -> None:
        """Keep the state after `step` steps; raises IsnadError when the disk is full."""
        state = {
            "step": step,
            "model": model.state_dict(),
            "optimizers": [o.state_dict() for o in optimizers],
            "generator": torch.get_rng_state(),
        }
        beside = self.path.with_suffix(".part")
        try:
            torch.save(state | {"sha256": _digest(state)}, beside)
            if self.path.is_file():
                self.path.replace(self.previous)
            beside.rename(self.path)
        except (OSError, RuntimeError) as error:
            beside.unlink(missing_ok=True)
            raise IsnadError(
                f"the checkpoint of step {step} cannot be written ({_first_line(error)}); free space on that "
                "disk and start again: it goes on from the checkpoint before",
                path=self.path,
            ) from error

    def load(self, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer]) -> int:
        """Restore the last good state, torch's generator too, and return its step; 0 when there is none.

        Raises IsnadError when all that is there is damaged.
        """
        there = [path for path in (self.path, self.previous) if path.is_file()]
        state = next((s for path in there if (s := _read(path)) is not None), None)
        if state is None:
            if there:
                raise IsnadError("damaged, and no good checkpoint beside it; delete it to begin anew", path=there[0])
            return 0
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if "generator" in state:
            torch.set_rng_state(state["generator"])
        return int(state["step"])


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _read(path: Path) -> dict[str, Any] | None:
    """The state in `path`; None, with a word in the log, where it is damaged."""
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        log.warning("%s is damaged (%s); passed over", path, _first_line(error))
        return None
    sealed = state.pop("sha256", None)
    if sealed is not None and sealed != _digest(state):
        log.warning("%s is damaged: its tensors are not the ones that were saved; passed over", path)
        return None
    return state


def _digest(state: Any) -> str:
    """SHA-256 over all tensors and numbers of a state, by name and place."""
    digest = sha256()
    for name, leaf in _leaves("", state):
        digest.update(name.encode())
        if isinstance(leaf, torch.Tensor):
            digest.update(leaf.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            digest.update(repr(leaf).encode())
    return digest.hexdigest()


def _leaves(name: str, state: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(state, dict):
        for key, value in state.items():
            yield from _leaves(f"{name}.{key}", value)
    elif isinstance(state, (list, tuple)):
        for place, value in enumerate(state):
            yield from _leaves(f"{name}.{place}", value)
    else:
        yield name, state


@dataclass(frozen=True, slots=True)
class Work:
    """What the loop is told of a task: its name, how many steps, and how much one step does."""

    what: str
    steps: int
    units_per_step: int
    unit: str


StepLoss = Callable[[int], torch.Tensor]


def run_steps(model: torch.nn.Module, loss_at: StepLoss, work: Work, config: LoopConfig, out: Path) -> None:
    """Run all steps from the last checkpoint on; `loss_at(step)` must depend on the step and the model alone."""
    optimizers = make_optimizers(model, config)
    plateau = [g["lr"] for o in optimizers for g in o.param_groups]
    checkpoints = Checkpoints(out)
    first = checkpoints.load(model, optimizers)
    cut_metrics(out / METRICS, first)
    groups = [g for o in optimizers for g in o.param_groups]  # after the load: it puts new groups in their place
    model.train()
    losses: list[float] = []
    began = told = saved = time.monotonic()
    for step in range(first, work.steps):
        factor = learning_rate_factor(step, work.steps, config.warmup, config.decay)
        for group, rate in zip(groups, plateau, strict=True):
            group["lr"] = rate * factor
        loss = loss_at(step)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            rate = "muon_learning_rate" if config.muon_learning_rate else "learning_rate"
            raise IsnadError(f"the loss is {losses[-1]} at step {step}; lower `{rate}` and give a `name` of its own")
        last, now = step + 1 == work.steps, time.monotonic()
        if now - told > TELL_EVERY or last:
            told = now
            _tell(work, step + 1, first, now - began, float(np.mean(losses[-RECENT:])), out)
        if now - saved > 60 * config.checkpoint_minutes or last:
            saved = now
            checkpoints.save(step + 1, model, optimizers)


def cut_metrics(path: Path, last: int) -> None:
    """Drop the lines of steps after `last` from `path`, which a resumed run takes again, and half a last line."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if row["step"] <= last:
            kept.append(line + "\n")
    write_whole(path, "".join(kept))


def _tell(work: Work, done: int, first: int, seconds: float, loss: float, out: Path) -> None:
    rate = work.units_per_step * (done - first) / seconds
    line = progress_line(f"{work.what}: step", done, work.steps, seconds * done / (done - first))
    print(f"{line}, loss {loss:.4f}, {rate:,.0f} {work.unit}/s", file=sys.stderr, flush=True)
    row = {
        "step": done,
        work.unit: done * work.units_per_step,
        "loss": round(loss, 4),
        f"{work.unit}_per_s": round(rate),
    }
    with (out / METRICS).open("a", encoding="utf-8") as metrics:
        metrics.write(json.dumps(row) + "\n")
