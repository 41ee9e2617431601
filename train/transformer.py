"""Fine-tuning of the `transformer` kind: Hugging Face Trainer and accelerate underneath."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    EarlyStoppingCallback,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from eval.metrics import judge
from isnad.artefact import Manifest
from isnad.errors import IsnadError
from isnad.runtimes.transformer import StanceModel, TransformerClassifier, encode, open_encoder, pad
from train.config import TransformerConfig
from train.losses import Gold, joint_loss
from train.progress import progress_line
from train.targets import Target, class_weights, padded_gold, tag_tokens

log = logging.getLogger("train")
TELL_EVERY = 10.0
GOLD = tuple(f.name for f in fields(Gold))


def use_bf16(config: TransformerConfig) -> bool:
    """Whether to compute in bfloat16: asked for, or `auto` and the hardware has it."""
    if config.precision != "auto":
        return config.precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


class Collator:
    """Rows of a dataset to padded tensors: the model's inputs, `labels`, and the gold of all heads."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, targets: Sequence[Target]) -> None:
        self.tokenizer, self.targets = tokenizer, targets

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """See the class."""
        inputs: dict[str, Any] = dict(pad(rows, self.tokenizer))
        targets = [self.targets[r["index"]] for r in rows]
        places = [[i for i, o in enumerate(r["offsets"]) if o is not None] for r in rows]
        tags = [tag_tokens([r["offsets"][i] for i in at], t) for r, at, t in zip(rows, places, targets, strict=True)]
        gold = padded_gold(targets, tags, places, inputs["input_ids"].shape[1])
        inputs |= {f"gold_{n}": getattr(gold, n) for n in GOLD}
        inputs["labels"] = torch.tensor([t.label for t in targets])
        return inputs


class StanceTrainer(Trainer):
    """Trainer with the joint loss; evaluation sees the stance logits only."""

    def __init__(self, config: TransformerConfig, weights: torch.Tensor, collators: dict[str, Collator], **rest: Any):
        super().__init__(**rest)
        self.config, self.weights, self.collators = config, weights, collators

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The joint loss of a batch that `Collator` made."""
        inputs = dict(inputs)
        inputs.pop("labels", None)
        gold = Gold(**{n: inputs.pop(f"gold_{n}") for n in GOLD})
        answers = model(**inputs)
        weights = self.weights.to(answers["stance"].device)
        loss = joint_loss(answers, gold, weights, self.config.attributed_weight, self.config.span_weight)
        return (loss, {"loss": loss, "logits": answers["stance"]}) if return_outputs else loss

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """The dev batches, made by the dev collator."""
        return self._with("dev", lambda: super(StanceTrainer, self).get_eval_dataloader(eval_dataset))

    def get_train_dataloader(self) -> Any:
        """The train batches, made by the train collator."""
        return self._with("train", super().get_train_dataloader)

    def _with(self, which: str, make: Any) -> Any:
        self.data_collator = self.collators[which]
        return make()


class Teller(TrainerCallback):
    """A line now and then: step, ETA, loss; and dev macro-F1 after each epoch."""

    def __init__(self) -> None:
        self.began = self.told = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self.began = self.told = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say how far it is."""
        now = time.monotonic()
        if now - self.told > TELL_EVERY and state.is_world_process_zero:
            self.told = now
            line = progress_line("fine-tuning: step", state.global_step, state.max_steps, now - self.began)
            losses = [row["loss"] for row in state.log_history[-3:] if "loss" in row]
            print(line + (f", loss {losses[-1]:.3f}" if losses else ""), file=sys.stderr, flush=True)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        """Say what dev says."""
        if metrics and state.is_world_process_zero:
            log.info("epoch %.0f: dev macro-F1 %.4f", state.epoch or 0, metrics["eval_macro_f1"])


def dataset_of(rows: Sequence[dict[str, Any]]) -> Dataset:
    """Encoded rows with their `index` into the targets and their `length`."""
    return Dataset.from_list(
        [
            {**{k: v for k, v in r.items() if k != "cut"}, "index": i, "length": len(r["input_ids"])}
            for i, r in enumerate(rows)
        ]
    )


def training_arguments(config: TransformerConfig, out: Path, steps: int) -> TrainingArguments:
    """The Trainer's arguments for this config."""
    return TrainingArguments(
        output_dir=str(out / "checkpoints"),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=64,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        warmup_steps=round(config.warmup * steps),
        lr_scheduler_type="linear",
        bf16=use_bf16(config),
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        remove_unused_columns=False,
        label_names=["labels"],
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        logging_steps=20,
        logging_strategy="steps",
        report_to="none",
        seed=config.seed,
        data_seed=config.seed,
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
    )


def optimizer_of(model: StanceModel, config: TransformerConfig) -> torch.optim.AdamW:
    """AdamW; each encoder layer learns `layer_decay` times as fast as the one above it."""
    layers = int(model.base.config.num_hidden_layers)
    groups = []
    for name, parameter in model.named_parameters():
        decay = 0.0 if parameter.ndim < 2 else config.weight_decay
        depth = _depth(name, layers)
        rate = config.learning_rate * config.layer_decay ** (layers + 1 - depth)
        groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))


def _depth(name: str, layers: int) -> int:
    parts = name.split(".")
    for before, part in pairwise(parts):
        if before in {"layer", "layers"} and part.isdigit():
            return int(part) + 1
    return 0 if "embeddings" in name else layers + 1


def train_transformer(
    config: TransformerConfig, manifest: Manifest, train: list[Target], dev: list[Target], out: Path
) -> TransformerClassifier:
    """Fine-tune on `train`, keep the epoch with the best dev macro-F1; checkpoints go to `out/checkpoints`."""
    set_seed(config.seed)
    base, tokenizer = open_encoder(
        config.encoder, dropout=config.dropout, seed=config.seed, trust_remote_code=config.trust_remote_code
    )
    longest = getattr(base.config, "max_position_embeddings", None)
    if longest and config.max_length > longest:
        raise IsnadError(f"expected max_length up to {longest}, all that {config.encoder!r} reads; lower it")
    model = StanceModel(base)
    rows = {"train": encode([t.item for t in train], tokenizer, config.max_length)}
    rows["dev"] = encode([t.item for t in dev], tokenizer, config.max_length)
    cut = sum(r["cut"] for r in rows["train"])
    log.info("%d of %d training sentences are cut at %d tokens", cut, len(train), config.max_length)
    steps = math.ceil(len(train) / config.batch_size) * config.epochs
    optimizer = optimizer_of(model, config)
    trainer = StanceTrainer(
        config,
        torch.from_numpy(class_weights(train, config.class_weights)),
        {"train": Collator(tokenizer, train), "dev": Collator(tokenizer, dev)},
        model=model,
        args=training_arguments(config, out, steps),
        train_dataset=dataset_of(rows["train"]),
        eval_dataset=dataset_of(rows["dev"]),
        compute_metrics=lambda p: {"macro_f1": judge(p.label_ids, p.predictions.argmax(-1)).macro_f1},
        optimizers=(optimizer, None),
        callbacks=[Teller(), EarlyStoppingCallback(config.patience)],
    )
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    try:
        trainer.train()
    except torch.OutOfMemoryError as error:
        raise IsnadError(f"out of memory at batch_size={config.batch_size}; halve it and start again") from error
    final = trainer.model
    assert isinstance(final, StanceModel)
    if not all(bool(torch.isfinite(p).all()) for p in final.parameters()):
        raise IsnadError(f"the weights are no longer numbers; lower learning_rate={config.learning_rate}")
    return TransformerClassifier(manifest, final.float(), tokenizer)
