"""Go on with the masked words of an encoder that there is, on the news text that training may see.

    python -m train.pretrain configs/continue.yaml encoder=/path/to/a/folder
    python -m train configs/arabert.yaml encoder=runs/pretrain-continue/encoder

Domain-adaptive pretraining (Gururangan et al. 2020, arXiv 2004.10964): the encoder keeps its tokenizer and its recipe.
Killed and started again, it goes on from the last checkpoint.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from isnad.errors import IsnadError
from isnad.runtimes.transformer import (
    check_tokenizer,
    check_weights,
    keep_whole,
    longest_input,
    looks_like_folder,
    quiet,
)
from train.config import recipe_of
from train.loop import begin
from train.pretrain import MaskedWordsConfig, masked_words, open_text, prepare_ids, save_encoder
from train.progress import clock

log = logging.getLogger("train.pretrain")


class ContinueConfig(MaskedWordsConfig):
    """Everything that decides how an encoder goes on."""

    name: str = "continue"
    encoder: str
    """A folder, or a hub id."""
    recipe: str = "auto"
    """How the encoder's own training text was normalised; auto: known from the encoder's folder or its hub id."""
    learning_rate: float = 5e-5
    muon_learning_rate: float = 0.0
    warmup: float = 0.06
    sequence_length: int = 128
    batch_sequences: int = 32
    mask_rate: float = 0.15


def resolved(config: ContinueConfig) -> ContinueConfig:
    """`config` with the recipe of its encoder; IsnadError where nothing says it."""
    if config.recipe != "auto":
        return config
    return config.model_copy(update={"recipe": recipe_of(config.encoder)})


def open_masked(config: ContinueConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder under its masked-word head, and its tokenizer; IsnadError where it cannot go on."""
    name = config.encoder
    if looks_like_folder(name) and not Path(name).is_dir():
        raise IsnadError(f"expected the encoder folder {name!r}, found none; set `encoder` to a folder or a hub id")
    torch.manual_seed(config.seed)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model, loading = AutoModelForMaskedLM.from_pretrained(
            name, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError) as error:  # transformers raises either, by what is missing
        raise IsnadError(
            f"expected an encoder with safetensors on the hub or in the folder {name!r}, could not open it "
            f"({str(error).splitlines()[0]}); without a network, download it elsewhere and set `encoder=/path/to/it`"
        ) from error
    check_weights(model, loading["missing_keys"], name)
    check_tokenizer(tokenizer, name)
    if tokenizer.mask_token_id is None or tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        raise IsnadError(f"expected a tokenizer with a mask, a start and an end in {name!r}, found one missing")
    longest = longest_input(model.config)
    if longest and config.sequence_length > longest:
        raise IsnadError(f"expected sequence_length up to {longest}, all that {name!r} reads; lower it")
    if loading["missing_keys"]:
        log.warning("%s has no masked-word head; it begins from a random one, which takes more tokens", name)
    keep_whole(tokenizer)
    return model, tokenizer


def go_on(config: ContinueConfig, out: Path) -> Path:
    """Train into `out`; returns the encoder folder, a plain `save_pretrained` one that `encoder=` takes."""
    quiet()
    config = resolved(config)
    began = time.monotonic()
    model, tokenizer = open_masked(config)
    begin(config, out)
    text = open_text(config)
    ids = prepare_ids(text, tokenizer, out)
    log.info("%s tokens in %s words of text", f"{len(ids):,}", f"{text.summary()['words']:,}")
    torch.nn.Module.to(model, "cuda" if torch.cuda.is_available() else "cpu")
    masked_words(model, ids, tokenizer, config, out)
    facts = {"tokens_seen": config.tokens, "text": text.summary(), "config": config.model_dump(mode="json")}
    folder = save_encoder(model, tokenizer, out, facts)
    log.info("encoder in %s after %s", folder, clock(time.monotonic() - began))
    return folder
