"""Fine-tuning of the `transformer` kind: Hugging Face Trainer and accelerate underneath.

    python -m train configs/arabert.yaml
    torchrun --nproc-per-node 2 -m train configs/arabert.yaml
    accelerate launch --config_file configs/accelerate/fsdp.yaml -m train configs/arabert.yaml

Killed and started again, it goes on from the last good checkpoint in `out/checkpoints` and ends with the weights, the
optimiser state and the metrics of a run that was never killed (on a CPU, and on a GPU with `deterministic: true`).
"""

from __future__ import annotations

import logging
import math
import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import EarlyStoppingCallback, PreTrainedTokenizerBase, TrainerState, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from eval.metrics import judge
from isnad.artefact import Manifest
from isnad.errors import IsnadError
from isnad.runtimes.transformer import StanceModel, TransformerClassifier, encode, longest_input, open_encoder
from train.batches import Collator, LengthGrouped, dataset_of, with_filler
from train.callbacks import MetricsFile, SaveBetween, Teller, check_collapse, write_metrics
from train.checkpoints import last_good, left, name_of, run_mark
from train.config import TransformerConfig
from train.processes import check_sharding, is_first, processes, same_for_all
from train.strategies import check_processes, choose_weights, depth_of, merge_adapters, objective
from train.targets import Target
from train.trainer import AVERAGE, STATE, WEIGHTS, StanceTrainer

log = logging.getLogger("train")

CHECKPOINTS = "checkpoints"
METRICS = "metrics.jsonl"


def use_bf16(config: TransformerConfig) -> bool:
    """Whether to compute in bfloat16: asked for, or `auto` and the hardware has it."""
    if config.precision != "auto":
        return config.precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def sentences_a_step(config: TransformerConfig) -> int:
    """Sentences of one optimiser step, over all processes."""
    return config.batch_size * config.gradient_accumulation * processes()


def training_arguments(config: TransformerConfig, out: Path, steps: int) -> TrainingArguments:
    """The Trainer's arguments for this config."""
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(out / CHECKPOINTS),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=64,
        gradient_accumulation_steps=config.gradient_accumulation,
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
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_steps=20,
        logging_strategy="steps",
        logging_nan_inf_filter=False,
        report_to="none",
        seed=config.seed,
        data_seed=config.seed,
        dataloader_num_workers=config.workers,
        torch_compile=config.compile,
        disable_tqdm=True,
        log_level="error",
        log_level_replica="error",
        use_cpu=not on_gpu,
        ddp_backend="gloo" if processes() > 1 and not on_gpu else None,
        ddp_find_unused_parameters=not (config.attributed_weight and config.span_weight),
    )


def optimizer_of(model: StanceModel, config: TransformerConfig) -> torch.optim.AdamW:
    """AdamW; each encoder layer learns `layer_decay` times as fast as the one above it."""
    layers = int(model.base.config.num_hidden_layers)
    groups = []
    for name, parameter in model.named_parameters():
        decay = 0.0 if parameter.ndim < 2 else config.weight_decay
        if not parameter.requires_grad:
            continue
        depth = depth_of(name, layers)
        rate = config.learning_rate * config.layer_decay ** (layers + 1 - depth)
        groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))


def be_deterministic() -> None:
    """Let torch use only kernels that give the same bits again; it raises where there is none."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("FLASH_ATTENTION_DETERMINISTIC", "1")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def open_model(config: TransformerConfig) -> tuple[StanceModel, PreTrainedTokenizerBase]:
    """The model to train, with the config's switches for attention and memory; IsnadError where one cannot be had."""
    if config.attention == "flash" and not (find_spec("flash_attn") and torch.cuda.is_available()):
        raise IsnadError(
            "expected a GPU and the package flash-attn for attention=flash, found one missing; "
            "pip install flash-attn, or set attention=sdpa"
        )
    if config.compile and not any(shutil.which(c) for c in (os.environ.get("CXX", "g++"), "clang++")):
        raise IsnadError("expected a C++ compiler for compile=true, found none; install g++ or set compile=false")
    base, tokenizer = open_encoder(
        config.encoder, dropout=config.dropout, seed=config.seed, trust_remote_code=config.trust_remote_code
    )
    longest = longest_input(base.config)
    if longest and config.max_length > longest:
        raise IsnadError(f"expected max_length up to {longest}, all that {config.encoder!r} reads; lower it")
    if config.attention != "auto":
        base.set_attn_implementation("flash_attention_2" if config.attention == "flash" else config.attention)
    if config.gradient_checkpointing:
        base.activation_checkpointing_enable()
    model = StanceModel(base)
    choose_weights(model, config)
    return model, tokenizer


def order_of(config: TransformerConfig, lengths: list[int], labels: list[int]) -> LengthGrouped:
    """In which order the training sentences come."""
    multiple = config.batch_size * processes() if processes() > 1 else 1
    return LengthGrouped(lengths, sentences_a_step(config), multiple, labels if config.sampling == "balanced" else None)


def new_trainer(
    config: TransformerConfig,
    model: StanceModel,
    tokenizer: PreTrainedTokenizerBase,
    train: list[Target],
    dev: list[Target],
    out: Path,
) -> StanceTrainer:
    """A trainer with its data, optimiser and callbacks; checkpoints and metrics go to `out`."""
    rows = {
        name: encode([t.item for t in ts], tokenizer, config.max_length)
        for name, ts in (("train", train), ("dev", dev))
    }
    cut = sum(r["cut"] for r in rows["train"])
    log.info("%d of %d training sentences are cut at %d tokens", cut, len(train), config.max_length)
    order = order_of(config, [len(r["input_ids"]) for r in rows["train"]], [t.label for t in train])
    run, learnt = run_mark(config, train, dev, processes()), objective(config, train)
    steps = math.ceil(len(train) / sentences_a_step(config)) * config.epochs
    if processes() > 1:
        rows["train"], train = with_filler(rows["train"], train)
        log.info("%d processes, %d sentences a step", processes(), sentences_a_step(config))
    trainer = StanceTrainer(
        config,
        learnt,
        {"train": Collator(tokenizer, train), "dev": Collator(tokenizer, dev)},
        order,
        run,
        lambda found: optimizer_of(found, config),
        model=model,
        args=training_arguments(config, out, steps),
        train_dataset=dataset_of(rows["train"]),
        eval_dataset=dataset_of(rows["dev"]),
        compute_metrics=measured,
        callbacks=[
            Teller(),
            MetricsFile(out / METRICS),
            EarlyStoppingCallback(config.patience),
            SaveBetween(config.save_steps),
        ],
    )
    check_processes(config, processes(), sharded=trainer.is_fsdp_enabled)
    if trainer.is_fsdp_enabled:
        check_sharding(trainer.accelerator.state.fsdp_plugin)
        log.info("weights and optimiser state shared out over %d processes", processes())
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    return trainer


def measured(answers: Any) -> dict[str, float]:
    """Dev macro-F1, and the label (an index) that all of dev got where it should have got several; -1 elsewhere."""
    gold, given = answers.label_ids, answers.predictions.argmax(-1)
    alike = len(set(given.tolist())) == 1 < len(set(gold.tolist()))
    return {"macro_f1": judge(gold, given).macro_f1, "one_label": int(given[0]) if alike else -1}


def train_transformer(
    config: TransformerConfig, manifest: Manifest, train: list[Target], dev: list[Target], out: Path
) -> TransformerClassifier:
    """Fine-tune on `train`, keep the epoch with the best dev macro-F1; checkpoints go to `out/checkpoints`.

    Raises IsnadError, and leaves the last good checkpoint, when the disk or the memory is full, when the loss is no
    number, and when the model has collapsed onto one label.
    """
    if config.deterministic:
        be_deterministic()
    set_seed(config.seed)
    model, tokenizer = open_model(config)
    trainer = new_trainer(config, model, tokenizer, train, dev, out)
    folder = out / CHECKPOINTS
    found = same_for_all(last_good(folder, trainer.run) if is_first() else None)
    state = None if found is None else TrainerState.load_from_json(str(found / STATE))
    if state is None or not is_over(state):
        run_to_the_end(trainer, found)
        state = trainer.state
    if is_first():
        write_metrics(out / METRICS, state)
    check_collapse(state, config, folder)
    best = folder / name_of(state.best_global_step or state.global_step)
    if trainer.is_fsdp_enabled:
        model, _ = open_model(config)  # the trained one is in shards
    else:
        trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # as it will be opened again: no autocast
    model.load_state_dict(load_file(best / (AVERAGE if config.ema_decay else WEIGHTS)))
    if config.lora_rank:
        merge_adapters(model)
    return TransformerClassifier(manifest, model.float().to(trainer.args.device), tokenizer)


def is_over(state: TrainerState) -> bool:
    """Whether the run that saved `state` had come to its end, by the last epoch or by patience."""
    kept: Any = state.stateful_callbacks
    return bool(kept["TrainerControl"]["args"]["should_training_stop"]) or state.global_step >= state.max_steps


def run_to_the_end(trainer: StanceTrainer, checkpoint: Path | None) -> None:
    """Train from `checkpoint` on; raises IsnadError when the memory is full."""
    try:
        trainer.resume(checkpoint)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and "allocate memory" not in str(error):
            raise
        config = trainer.config
        half = max(1, config.batch_size // 2)
        more = config.gradient_accumulation * config.batch_size // half
        raise IsnadError(
            f"out of memory at batch_size={config.batch_size}; start again with batch_size={half} "
            f"gradient_accumulation={more} (the same steps) or gradient_checkpointing=true; {left(trainer.folder)}"
        ) from error
