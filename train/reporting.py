"""Where a run may be followed beside its own directory: `report: [tensorboard, mlflow, wandb]`.

    tensorboard --logdir runs        for report: [tensorboard], which writes runs/NAME/tensorboard

MLflow and Weights & Biases are found and addressed as their own settings say (MLFLOW_TRACKING_URI, `wandb login`).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isnad.errors import IsnadError

if TYPE_CHECKING:
    from train.config import NeuralConfig
    from train.watch import Row, State, Watcher

FOLDER = "tensorboard"
PROJECT = "isnad"


def reporters(config: NeuralConfig, out: Path) -> list[Watcher]:
    """A watcher for each name in `report`; raises IsnadError where its package is not installed."""
    missing = [name for name in config.report if find_spec(name) is None]
    if missing:
        raise IsnadError(
            f"expected the package {missing[0]} for report: [{', '.join(config.report)}], found none; "
            f"pip install {missing[0]}, or take it out of `report`"
        )
    makers: dict[str, Callable[[NeuralConfig, Path], Watcher]] = {
        "tensorboard": TensorBoard,
        "mlflow": MLflow,
        "wandb": WandB,
    }
    return [makers[name](config, out) for name in dict.fromkeys(config.report)]


def measured(row: Row) -> dict[str, float]:
    """What a row holds beside its place."""
    return {name: value for name, value in row.items() if name not in ("step", "epoch")}


class TensorBoard:
    """Event files in `tensorboard/` of the run directory; a resumed run takes back what it measures again."""

    def __init__(self, config: NeuralConfig, out: Path) -> None:
        self.folder = out / FOLDER
        self.writer: Any = None

    def row(self, row: Row) -> None:
        """A scalar for each figure."""
        step = int(row["step"])
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.folder), purge_step=step)
        for name, value in measured(row).items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def end(self, state: State) -> None:
        """Close the files."""
        if self.writer is not None:
            self.writer.close()


class MLflow:
    """A run of MLflow under the name of this one, its settings as parameters."""

    def __init__(self, config: NeuralConfig, out: Path) -> None:
        self.mlflow: Any = import_module("mlflow")
        self.mlflow.start_run(run_name=config.name)
        self.mlflow.log_params(config.model_dump(mode="json"))

    def row(self, row: Row) -> None:
        """A metric for each figure."""
        self.mlflow.log_metrics(measured(row), step=int(row["step"]))

    def end(self, state: State) -> None:
        """Close the run; MLflow knows finished, failed and killed ones."""
        known = {"done": "FINISHED", "pruned": "FINISHED", "failed": "FAILED"}
        self.mlflow.end_run(known.get(state, "KILLED"))


class WandB:
    """A run of Weights & Biases in the project `isnad`, its files in the run directory."""

    def __init__(self, config: NeuralConfig, out: Path) -> None:
        wandb: Any = import_module("wandb")
        settings = config.model_dump(mode="json")
        self.run: Any = wandb.init(project=PROJECT, name=config.name, dir=str(out), config=settings)

    def row(self, row: Row) -> None:
        """A line of its history."""
        self.run.log(measured(row), step=int(row["step"]))

    def end(self, state: State) -> None:
        """Close the run."""
        self.run.finish(exit_code=int(state == "failed"))
