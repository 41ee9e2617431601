"""The Hugging Face Trainer with the joint loss, and checkpoints from which a run goes on bit for bit.

What the Trainer alone forgets when it resumes within an epoch, and `progress_RANK.safetensors` keeps: the generator
state from which the epoch's order of sentences was drawn, and the loss summed since the last line of the log.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import Trainer, TrainerCallback
from transformers.trainer_callback import ExportableState

from isnad.errors import IsnadError
from train.batches import Collator, LengthGrouped, take_gold
from train.callbacks import epoch_steps
from train.checkpoints import PART, keep_only, left, name_of, seal, step_of, steps_down
from train.config import TransformerConfig
from train.losses import Objective
from train.processes import is_first, processes, rank, wait_for_all
from train.strategies import Average, alone, moved

STATE = "trainer_state.json"
WEIGHTS = "model.safetensors"
AVERAGE = "average.safetensors"
"""The model with the averaged weights in it, where `ema_decay` is on."""


class StanceTrainer(Trainer):
    """Trainer with the joint loss; evaluation sees the stance logits only.

    The loss is the mean over all sentences of a step, however they are dealt to processes and accumulated batches.
    """

    loss_is_scaled_for_ga = True

    def __init__(
        self,
        config: TransformerConfig,
        loss_of: Objective,
        collators: dict[str, Collator],
        order: LengthGrouped,
        run: str,
        make_optimizer: Callable[[Any], torch.optim.Optimizer],
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.config, self.loss_of, self.run = config, loss_of, run
        self.collators, self.sampler = collators, order
        self.make_optimizer = make_optimizer
        self.folder = Path(str(self.args.output_dir))
        self.order = torch.get_rng_state()
        """Torch's generator when the order of the running epoch was drawn."""
        self.progress: dict[str, torch.Tensor] = {}
        self.average = Average(rest["model"], config.ema_decay) if config.ema_decay else None
        self.add_callback(_Orders(self))

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """The optimiser, made once; FSDP asks for it after the model is in shards."""
        if self.optimizer is None:
            self.optimizer = self.make_optimizer(model or self.model)
        return self.optimizer

    # --- the loss ---------------------------------------------------------------------------------

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The joint loss of a batch that `Collator` made; `num_items_in_batch` is what it is divided by."""
        gold = take_gold(inputs)
        given = {k: v for k, v in inputs.items() if k != "labels" and not k.startswith("gold_")}
        if return_outputs:
            answers = model(**given)
            loss = self.loss_of.of_answers(answers, gold, self.loss_of.totals(gold))
            return loss, {"loss": loss, "logits": answers["stance"]}
        return self.loss_of(model, given, gold, num_items_in_batch) * processes()

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor | None:
        if not batch_samples:
            return None
        golds = [take_gold(batch) for batch in batch_samples]
        totals = torch.stack([self.loss_of.totals(g) for g in golds]).sum(0)
        if processes() > 1:
            totals = self.accelerator.reduce(totals, "sum")
        return totals

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """The Trainer's, and under `fgm` once more beside it; raises IsnadError when the loss is no number."""
        step = super().training_step
        if self.config.fgm:
            words = self.accelerator.unwrap_model(model).base.get_input_embeddings().weight
            with alone(words):
                loss: torch.Tensor = step(model, inputs, num_items_in_batch)
                with moved(words, self.config.fgm):
                    step(model, inputs, num_items_in_batch)
        else:
            loss = step(model, inputs, num_items_in_batch)
        if not bool(torch.isfinite(loss)):
            raise IsnadError(
                f"the loss is {loss.item()} at step {self.state.global_step + 1}; "
                f"lower learning_rate={self.config.learning_rate} and start again; {left(self.folder)}"
            )
        return loss

    # --- the batches ------------------------------------------------------------------------------

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGrouped:
        return self.sampler

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """The dev batches, made by the dev collator."""
        return self._with("dev", lambda: super(StanceTrainer, self).get_eval_dataloader(eval_dataset))

    def get_train_dataloader(self) -> Any:
        """The train batches, made by the train collator."""
        return self._with("train", super().get_train_dataloader)

    def _with(self, which: str, make: Callable[[], Any]) -> Any:
        self.data_collator = self.collators[which]
        return make()

    def evaluate(self, *arguments: Any, **named: Any) -> dict[str, float]:
        """The Trainer's, of the averaged weights where there are some."""
        with nullcontext() if self.average is None else self.average.in_place():
            measured: dict[str, float] = super().evaluate(*arguments, **named)
        return measured

    # --- checkpoints ------------------------------------------------------------------------------

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint beside its place, seal and rename it; an error says which one there is to go on from."""
        step = self.state.global_step
        part = self.folder / (name_of(step) + PART)
        if not all(bool(torch.isfinite(_local(p)).all()) for p in model.parameters()):
            raise IsnadError(
                f"the weights are no longer numbers at step {step}; lower learning_rate={self.config.learning_rate}; "
                f"{left(self.folder)}"
            )
        try:
            if is_first():
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir(parents=True)
            wait_for_all()
            self._fill(part)
            wait_for_all()
            if is_first():
                seal(part, run=self.run, best=self.state.best_global_step)
                latest = steps_down(self.folder)[:2]
                keep_only(self.folder, {*map(step_of, latest), self.state.best_global_step or step})
            wait_for_all()
        except (OSError, RuntimeError, SafetensorError, IsnadError) as error:
            if isinstance(error, RuntimeError) and "inline_container" not in str(error):
                raise  # torch's writer says so when the disk is full; anything else is no matter of the disk
            shutil.rmtree(part, ignore_errors=True)
            raise IsnadError(
                f"{name_of(step)} cannot be written to {self.folder} ({_reason(error)}); free space on that disk and "
                f"start again; {left(self.folder)}"
            ) from error

    def _fill(self, part: Path) -> None:
        weights = self._full_weights()
        if is_first():
            save_file(weights, part / WEIGHTS)
        self._save_optimizer_and_scheduler(str(part))
        self._save_scaler(str(part))
        self._save_rng_state(str(part))
        within = bool(self.state.global_step % epoch_steps(self.state))
        progress = {
            "order": self.order if within else torch.get_rng_state(),
            "loss": self._tr_loss.detach().cpu(),
            "logged": torch.tensor(self._globalstep_last_logged),
        }
        save_file(progress, part / f"progress_{rank()}.safetensors")
        if is_first():
            if self.average is not None:
                save_file({n: v.contiguous() for n, v in self.average.state().items()}, part / AVERAGE)
            kept: Any = self.state.stateful_callbacks
            for callback in (*self.callback_handler.callbacks, self.control):
                if isinstance(callback, ExportableState):
                    kept[type(callback).__name__] = callback.state()
            self.state.save_to_json(str(part / STATE))

    def _full_weights(self) -> dict[str, torch.Tensor]:
        model: Any = self.model
        if not self.is_fsdp_enabled:
            return dict(model.state_dict())
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

        everything = StateDictOptions(full_state_dict=True, cpu_offload=True)
        gathered: dict[str, Any] = get_model_state_dict(model, options=everything)
        return gathered

    def resume(self, checkpoint: Path | None) -> None:
        """Train to the end, from `checkpoint` on where there is one."""
        if checkpoint is not None:
            progress = checkpoint / f"progress_{rank()}.safetensors"
            self.progress = load_file(progress)
            if self.average is not None:
                self.average.load(load_file(checkpoint / AVERAGE))
        self.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))


class _Orders(TrainerCallback):
    """Keeps the generator state of each epoch's order and the average, and puts a resumed run where it was."""

    def __init__(self, trainer: StanceTrainer) -> None:
        self.trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        trainer = self.trainer
        if trainer.progress:
            trainer._tr_loss = trainer.progress["loss"].to(args.device)
            trainer._globalstep_last_logged = int(trainer.progress["logged"])
        elif rank():
            torch.manual_seed(args.seed + rank())  # dropout of its own

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.trainer.average is not None:
            self.trainer.average.update(state.global_step)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        trainer = self.trainer
        if trainer.progress:
            torch.set_rng_state(trainer.progress.pop("order"))
            trainer.progress = {}
        trainer.order = torch.get_rng_state()


def _local(parameter: Any) -> torch.Tensor:
    """This process's part of a parameter (FSDP keeps shards)."""
    local: torch.Tensor = parameter.to_local() if hasattr(parameter, "to_local") else parameter
    return local


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
