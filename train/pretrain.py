"""Pretrain the compact encoder from scratch: python -m train.pretrain configs/pretrain-compact.yaml [key=value …]

or go on with one that there is, under its own tokenizer: configs/continue.yaml encoder=FOLDER.

Vocabulary, skip-gram vectors of its word pieces as a start for the embeddings, then masked
words (Devlin et al. 2019; 30 % as in Wettig et al. 2023) in packed sequences, with Muon for the
hidden matrices. Killed and started again, it goes on from the last checkpoint.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, ModernBertConfig, ModernBertForMaskedLM, PreTrainedModel
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from isnad.config import apply_overrides, read_settings
from isnad.errors import IsnadError
from isnad.examples import find_corpora
from isnad.runtimes.transformer import quiet
from train.command import config_command, read_config
from train.corpus import TrainingText, prepare_text
from train.loop import LoopConfig, Work, begin, run_steps
from train.masking import Blocks, Ids, masked_batch, word_ids
from train.progress import clock, track
from train.tokenizer import save_tokenizer, train_wordpiece
from train.vectors import Vectors, news_vectors

log = logging.getLogger("train.pretrain")


class MaskedWordsConfig(LoopConfig):
    """What every run on masked words shares; sizes are in tokens and sequences."""

    name: str
    recipe: str
    data: str = "data"
    corpora: str | None = None
    seeds: str = "seeds"
    cache: str = "cache"
    sequence_length: int = 64
    batch_sequences: int = 64
    mask_rate: float = 0.3
    tokens: int = 8_000_000
    compile: bool = False
    """Compile the model with a C++ compiler: about half as fast again on a CPU, and rounded differently."""


class PretrainConfig(MaskedWordsConfig):
    """Everything that decides a pretraining run from scratch."""

    name: str = "compact"
    recipe: str = "plain"
    vocabulary: int = 16_000
    vectors: bool = True
    vector_width: int = 160
    vector_epochs: int = 2
    hidden_size: int = 256
    layers: int = 4
    heads: int = 4
    intermediate_size: int = 640
    local_attention: int = 16
    global_every: int = 2
    max_length: int = 256


def open_text(config: MaskedWordsConfig) -> TrainingText:
    """The text that training may see; raises IsnadError without the news text."""
    corpora = find_corpora(config.corpora)
    if corpora is None:
        raise IsnadError("expected the news text for pretraining, found none; set `corpora` or ISNAD_CORPORA")
    return prepare_text(Path(config.data), corpora, Path(config.seeds), Path(config.cache), config.recipe)


def prepare_tokenizer(config: PretrainConfig, text: TrainingText, out: Path) -> PreTrainedTokenizerBase:
    """The vocabulary in `out/tokenizer`, trained when it is not there yet."""
    folder = out / "tokenizer"
    if not folder.is_dir():
        beside = out / "tokenizer.part"
        with text.lines.open(encoding="utf-8") as lines:
            tokenizer = train_wordpiece(track(lines, "vocabulary: reading lines"), config.vocabulary)
        save_tokenizer(tokenizer, beside, config.max_length)
        beside.rename(folder)
    opened: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return opened


def prepare_ids(text: TrainingText, tokenizer: PreTrainedTokenizerBase, out: Path) -> Ids:
    """All the text as piece ids, a [SEP] after each line, one flat array on disk."""
    kind = np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32
    path = out / f"ids.u{8 * np.dtype(kind).itemsize}"
    if not path.is_file():
        beside = path.with_suffix(".part")
        with text.lines.open(encoding="utf-8") as lines, beside.open("wb") as target:
            for batch in track(_batches(lines, 2000), "tokenising: batches of 2000 lines"):
                rows = tokenizer(batch, add_special_tokens=False, return_attention_mask=False)["input_ids"]
                flat = [i for row in rows for i in (*row, tokenizer.sep_token_id)]
                target.write(np.array(flat, dtype=kind).tobytes())
        beside.rename(path)
    return np.memmap(path, dtype=kind, mode="r")


def _batches(lines: Any, size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for line in lines:
        batch.append(line.rstrip("\n"))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def new_model(config: PretrainConfig, tokenizer: PreTrainedTokenizerBase) -> ModernBertForMaskedLM:
    """A ModernBERT of the configured size, weights drawn under `config.seed`."""
    torch.manual_seed(config.seed)
    shape = ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        local_attention=config.local_attention,
        layer_types=[
            "full_attention" if (i + 1) % config.global_every == 0 else "sliding_attention"
            for i in range(config.layers)
        ],
        max_position_embeddings=config.max_length,
        pad_token_id=tokenizer.pad_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        sparse_prediction=True,
    )
    return ModernBertForMaskedLM(shape)


def start_from_vectors(model: ModernBertForMaskedLM, tokenizer: PreTrainedTokenizerBase, vectors: Vectors) -> None:
    """Start the embeddings from skip-gram word vectors, scaled to the initial spread.

    A piece gets the mean vector of the words that it is part of, each by its share of the word's pieces;
    dimensions beyond the vectors' width keep their random start.
    """
    weight = model.get_parameter("model.embeddings.tok_embeddings.weight")
    sums = np.zeros((len(tokenizer), vectors.matrix.shape[1]), dtype=np.float32)
    shares = np.zeros(len(tokenizer), dtype=np.float32)
    pieces = tokenizer(vectors.words, add_special_tokens=False)["input_ids"]
    for rank, (ids, row) in enumerate(zip(pieces, vectors.matrix, strict=True)):
        for i in ids:
            share = len(ids) ** -2 / (rank + 100) ** 0.5
            sums[i] += share * row
            shares[i] += share
    met = shares > 0
    rows = sums[met] / shares[met, None]
    rows *= model.config.initializer_range / rows.std()
    with torch.no_grad():
        weight[torch.from_numpy(np.flatnonzero(met)), : rows.shape[1]] = torch.from_numpy(rows)


def compiled(model: PreTrainedModel) -> Callable[..., Any]:
    """`model`, compiled; the parameters are shared with it. Raises IsnadError without a C++ compiler."""
    if not any(shutil.which(c) for c in (os.environ.get("CXX", "g++"), "clang++")):
        raise IsnadError("expected a C++ compiler for compile=true, found none; install g++ or set compile=false")
    return torch.compile(model)


def masked_words(
    model: PreTrainedModel, ids: Ids, tokenizer: PreTrainedTokenizerBase, config: MaskedWordsConfig, out: Path
) -> None:
    """Train `model` on masked words for `config.tokens` tokens, from the last checkpoint in `out` on."""
    blocks = Blocks(ids, config.sequence_length, tokenizer.cls_token_id, config.seed)
    words, device = word_ids(tokenizer), next(model.parameters()).device
    forward = compiled(model) if config.compile else model

    def loss_at(step: int) -> torch.Tensor:
        seed = config.seed * 1_000_003 + step
        generator = torch.Generator().manual_seed(seed)
        block = blocks.batch(step, config.batch_sequences)
        inputs, labels = masked_batch(block, generator, config.mask_rate, tokenizer.mask_token_id, words)
        torch.manual_seed(seed)  # what is dropped depends on the step alone, however training got there
        with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
            loss: torch.Tensor = forward(input_ids=inputs.to(device), labels=labels.to(device)).loss
        return loss

    per_step = config.batch_sequences * config.sequence_length
    work = Work("masked words", math.ceil(config.tokens / per_step), per_step, "tokens")
    run_steps(model, loss_at, work, config, out)


def pretrain(config: PretrainConfig, out: Path) -> Path:
    """Run all stages into `out`; returns the encoder folder, a plain `save_pretrained` one."""
    quiet()
    begin(config, out)
    began = time.monotonic()
    text = open_text(config)
    tokenizer = prepare_tokenizer(config, text, out)
    ids = prepare_ids(text, tokenizer, out)
    log.info("%s tokens in %s words of text", f"{len(ids):,}", f"{text.summary()['words']:,}")
    model = new_model(config, tokenizer)
    if config.vectors and not (out / "checkpoint.pt").is_file():
        vectors = news_vectors(text, config.vector_width, config.vector_epochs, 100_000, Path(config.cache))
        start_from_vectors(model, tokenizer, vectors)
    masked_words(model, ids, tokenizer, config, out)
    facts = {"tokens_seen": config.tokens, "text": text.summary(), "config": config.model_dump(mode="json")}
    folder = save_encoder(model, tokenizer, out, facts)
    log.info("encoder in %s after %s", folder, clock(time.monotonic() - began))
    return folder


def save_encoder(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path, facts: dict[str, Any]) -> Path:
    """Write `out/encoder`: fp16 safetensors, tokenizer, and `encoder.json` with `facts` on how it was made."""
    beside, folder = out / "encoder.part", out / "encoder"
    shutil.rmtree(beside, ignore_errors=True)
    if hasattr(model.config, "sparse_prediction"):
        model.config.sparse_prediction = False
    model.half().save_pretrained(beside)
    tokenizer.save_pretrained(beside)
    (beside / "encoder.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return folder


def load(path: Path, words: list[str]) -> MaskedWordsConfig:
    """The config in `path`: of going on where it names an `encoder`, else of a start from scratch."""
    from train.continued import ContinueConfig, resolved

    values, _ = read_settings(path)
    if "encoder" in apply_overrides(values, words):
        return resolved(read_config(ContinueConfig, path, words))
    return read_config(PretrainConfig, path, words)


def work(config: MaskedWordsConfig) -> list[Path]:
    """Pretrain into `runs/pretrain-NAME`."""
    from train.continued import ContinueConfig, go_on

    torch.set_flush_denormal(True)
    out = Path("runs") / f"pretrain-{config.name}"
    if isinstance(config, ContinueConfig):
        return [go_on(config, out)]
    assert isinstance(config, PretrainConfig)
    return [pretrain(config, out)]


main = config_command(__doc__, load, work)

if __name__ == "__main__":
    main(prog_name="python -m train.pretrain")
