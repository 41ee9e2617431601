"""The step loop that pretraining and the pass over weak labels share: schedule, checkpoints, progress, metrics."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from isnad.config import Config
from isnad.errors import IsnadError
from train.progress import progress_line

TELL_EVERY = 20.0
RECENT = 100
"""Steps over which the reported loss is averaged."""


class LoopConfig(Config):
    """What decides the optimisation; learning rates are the plateau of a warm-up, plateau, decay schedule."""

    seed: int = 13
    learning_rate: float = 3e-3
    muon_learning_rate: float = 0.02
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
    """Muon for the hidden matrices, AdamW for embeddings, norms, biases and small heads."""
    hidden: list[torch.nn.Parameter] = []
    rest: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim == 2 and min(parameter.shape) > 8
        outer = any(part in name for part in ("embeddings", "decoder"))
        (hidden if is_matrix and not outer else rest).append(parameter)
    return [
        torch.optim.Muon(hidden, lr=config.muon_learning_rate, weight_decay=config.weight_decay),
        torch.optim.AdamW(rest, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay),
    ]


class Checkpoints:
    """Training state in `folder/checkpoint.pt`, written beside and renamed; a half-written one never counts."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.pt"

    def save(self, step: int, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer]) -> None:
        """Keep the state after `step` steps."""
        state = {"step": step, "model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers]}
        beside = self.path.with_suffix(".part")
        torch.save(state, beside)
        beside.rename(self.path)

    def load(self, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer]) -> int:
        """Restore the last state and return its step; 0 when there is none."""
        if not self.path.is_file():
            return 0
        state = torch.load(self.path, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        return int(state["step"])


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
            raise IsnadError(f"the loss is {losses[-1]} at step {step}; lower `muon_learning_rate` and start again")
        last, now = step + 1 == work.steps, time.monotonic()
        if now - told > TELL_EVERY or last:
            told = now
            _tell(work, step + 1, first, now - began, float(np.mean(losses[-RECENT:])), out)
        if now - saved > 60 * config.checkpoint_minutes or last:
            saved = now
            checkpoints.save(step + 1, model, optimizers)


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
    with (out / "metrics.jsonl").open("a", encoding="utf-8") as metrics:
        metrics.write(json.dumps(row) + "\n")
