"""What looks over the Trainer's shoulder: progress, metrics, checkpoints between epochs, collapse."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerState

from isnad.errors import IsnadError
from isnad.files import write_whole
from isnad.labels import Stance
from train.checkpoints import name_of
from train.config import TransformerConfig
from train.progress import progress_line
from train.watch import tell

log = logging.getLogger("train")
TELL_EVERY = 10.0
SHOWN = {"loss": "loss", "learning_rate": "learning_rate", "grad_norm": "grad_norm", "eval_macro_f1": "dev_macro_f1"}
"""What of the Trainer's history goes into metrics.jsonl, and its name there; times stay out of it."""


class Teller(TrainerCallback):
    """A line now and then: step, ETA, loss; and dev macro-F1 after each epoch."""

    def __init__(self) -> None:
        self.began = self.told = time.monotonic()
        self.first = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self.began = self.told = time.monotonic()
        self.first = state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say how far it is; the time left is reckoned from the steps of this process alone."""
        now = time.monotonic()
        if now - self.told > TELL_EVERY and state.is_world_process_zero:
            self.told = now
            share = state.global_step / (state.global_step - self.first)
            line = progress_line("fine-tuning: step", state.global_step, state.max_steps, (now - self.began) * share)
            print(line + latest(state), file=sys.stderr, flush=True)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        """Say what dev says."""
        if metrics and state.is_world_process_zero:
            log.info("epoch %.0f: dev macro-F1 %.4f", state.epoch or 0, metrics["eval_macro_f1"])


class MetricsFile(TrainerCallback):
    """`path` holds a line for each log and each evaluation, made anew from the history that checkpoints carry.

    So a resumed run leaves the lines of an unbroken one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write what there is, and tell the last of it to whoever watches."""
        if state.is_world_process_zero:
            write_metrics(self.path, state)
            if found := shown(state.log_history[-1]):
                tell(found)


def latest(state: TrainerState) -> str:
    """The last loss and dev macro-F1 in the history, as the end of a line."""
    losses = [row["loss"] for row in state.log_history if "loss" in row]
    dev = [row["eval_macro_f1"] for row in state.log_history if "eval_macro_f1" in row]
    return (f", loss {losses[-1]:.3f}" if losses else "") + (f", dev macro-F1 {dev[-1]:.4f}" if dev else "")


def write_metrics(path: Path, state: TrainerState) -> None:
    """The history in `state` as JSONL: `step`, `epoch` and what was measured there."""
    rows = [found for row in state.log_history if (found := shown(row))]
    write_whole(path, "".join(json.dumps(row) + "\n" for row in rows))


def shown(row: dict[str, float]) -> dict[str, float]:
    """What of a row of the history `metrics.jsonl` holds; empty where nothing is."""
    found = {new: row[old] for old, new in SHOWN.items() if old in row}
    return {"step": row["step"], "epoch": row["epoch"], **found} if found else {}


class SaveBetween(TrainerCallback):
    """A checkpoint every `every` steps; the end of an epoch has its own, written after the evaluation."""

    def __init__(self, every: int | None) -> None:
        self.every = every

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for one."""
        if self.every and state.global_step % self.every == 0 and state.global_step % epoch_steps(state):
            control.should_save = True


def epoch_steps(state: TrainerState) -> int:
    """Steps of one epoch."""
    return int(state.max_steps // state.num_train_epochs)


def check_collapse(state: TrainerState, config: TransformerConfig, folder: Path) -> None:
    """Raise IsnadError when a run ended with one label for all of dev in each of its last evaluations.

    As many of them as `patience` waits for, at least two; where there were fewer, a warning says so.
    """
    found = [int(row["eval_one_label"]) for row in state.log_history if "eval_one_label" in row]
    last = found[-max(2, config.patience) :]
    if not last or last[-1] < 0:
        return
    label = list(Stance)[last[-1]].value
    if len(last) < max(2, config.patience) or min(last) < 0:
        log.warning("all dev sentences got the label %s in the last evaluation; train longer, or on more data", label)
        return
    raise IsnadError(
        f"the model has collapsed: all dev sentences got one label in each of the last {len(last)} evaluations; lower "
        f"learning_rate={config.learning_rate}, or raise it or epochs={config.epochs} where the loss still falls, "
        f"or set class_weights=balanced; the best checkpoint, {folder / name_of(state.best_global_step or 0)}, is kept"
    )
