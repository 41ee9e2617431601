"""Any encoder of `transformers` with a stance head and, beside it, attribution and word tags (torch).

The folder is a plain `save_pretrained` one: `transformers.pipeline("text-classification", folder)` opens it
for the stance alone. `heads.safetensors` holds the other heads.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.tokenization_utils_base import PreTrainedTokenizerBase
from transformers.utils import logging

from isnad.artefact import Manifest
from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.runtimes.base import LEAST_CONTEXT, Item, ModelClassifier, Output, TokenTags
from isnad.runtimes.batches import batches_by_tokens
from isnad.spans import TAGS

HEADS = "heads.safetensors"


def quiet() -> None:
    """Keep `transformers` from drawing bars and listing fresh weights: both are expected here."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()


class StanceModel(nn.Module):
    """A sequence classifier and, on its last hidden states, one attribution logit and token tags."""

    def __init__(self, base: PreTrainedModel) -> None:
        super().__init__()
        self.base = base
        width = int(base.config.hidden_size)
        self.norm = nn.LayerNorm(width)
        self.attributed = nn.Linear(width, 1)
        self.tags = nn.Linear(width, TAGS)

    def forward(self, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits: `stance (b, 4)`, `attributed (b,)`, `tags (b, length, TAGS)`."""
        answer = self.base(**inputs, output_hidden_states=True)
        states = self.norm(answer.hidden_states[-1])
        return {
            "stance": answer.logits,
            "attributed": self.attributed(states[:, 0]).squeeze(-1),
            "tags": self.tags(states),
        }

    def save(self, folder: Path) -> None:
        """Write the base as `save_pretrained` does and the other heads beside it, all in fp16."""
        quiet()
        self.base.save_pretrained(folder, state_dict={k: v.half() for k, v in self.base.state_dict().items()})
        heads = {k: v for k, v in self.state_dict().items() if not k.startswith("base.")}
        save_file({k: v.half().contiguous() for k, v in heads.items()}, folder / HEADS)

    @classmethod
    def load(cls, folder: Path) -> StanceModel:
        """Open what `save` wrote, in fp32."""
        quiet()
        base = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
        model = cls(base)
        heads = load_file(folder / HEADS)
        model.load_state_dict({**model.state_dict(), **{k: v.float() for k, v in heads.items()}})
        return model


def open_encoder(
    name: str, *, dropout: float, seed: int, trust_remote_code: bool = False
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder `name` (folder or hub id) under a new stance head drawn with `seed`, and its tokenizer.

    Raises IsnadError when the folder is none, or the hub cannot be reached.
    """
    if looks_like_folder(name) and not Path(name).is_dir():
        raise IsnadError(f"expected the encoder folder {name!r}, found none; set `encoder` to a folder or a hub id")
    if Path(name).is_dir() and not any(Path(name).glob("*.safetensors*")):
        raise IsnadError(
            f"expected weights as safetensors in {name!r}, found none; where there is a pytorch_model.bin, convert it "
            "once: AutoModel.from_pretrained(folder, use_safetensors=False).save_pretrained(folder)"
        )
    quiet()
    where: dict[str, Any] = {"trust_remote_code": trust_remote_code}
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **where)
        shape = AutoConfig.from_pretrained(
            name,
            id2label={s.id: s.value for s in Stance},
            label2id={s.value: s.id for s in Stance},
            **where,
        )
        for key in ("hidden_dropout_prob", "classifier_dropout", "embedding_dropout", "mlp_dropout"):
            if hasattr(shape, key):
                setattr(shape, key, dropout)
        torch.manual_seed(seed)
        model, loading = AutoModelForSequenceClassification.from_pretrained(
            name, config=shape, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **where
        )
    except (OSError, ValueError) as error:  # transformers raises either, by what is missing
        raise IsnadError(_cannot_open(name, str(error).splitlines()[0])) from error
    check_weights(model, loading["missing_keys"], name)
    check_tokenizer(tokenizer, name)
    keep_whole(tokenizer)
    return model, tokenizer


def longest_input(shape: PretrainedConfig) -> int | None:
    """Tokens that an encoder of this shape reads at most; None where nothing bounds it.

    RoBERTa and its kin count positions from behind the padding's id, so that two of XLM-R's 514 are never used.
    """
    positions = getattr(shape, "max_position_embeddings", None)
    if positions and "roberta" in str(shape.model_type):
        return int(positions) - int(shape.pad_token_id or 0) - 1
    return positions


def _cannot_open(name: str, why: str) -> str:
    if "tiktoken" in why:  # what transformers asks for where it cannot read a SentencePiece file
        return (
            f"expected a tokenizer.json in {name!r}, found a SentencePiece file, which cannot be read here; "
            "pip install sentencepiece protobuf"
        )
    return (
        f"expected the encoder {name!r} on the hub or in a folder, could not open it ({why}); "
        "without a network, download it elsewhere and set `encoder=/path/to/it`"
    )


def check_weights(model: PreTrainedModel, missing: Collection[str], name: str) -> None:
    """Raise IsnadError when weights of the encoder itself are `missing`: they would stay random without a word.

    Heads are drawn anew in any case, and so is a pooler that masked-word models do not have.
    """
    inside = [k for k in missing if k.startswith(f"{model.base_model_prefix}.") and ".pooler." not in k]
    if inside:
        raise IsnadError(
            f"expected in {name!r} the weights that its config.json describes, found {len(inside)} tensors missing "
            f"({min(inside)} first); config.json and the weights are of two models, or the file is not complete"
        )


def looks_like_folder(name: str) -> bool:
    """Whether `name` can only be a path: absolute, dotted, existing, or not of the form `owner/name`."""
    return name.startswith((".", "/", "~", "train/", "runs/")) or name.count(os.sep) != 1 or Path(name).exists()


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, name: str) -> None:
    """Refuse a tokenizer that reads plain Arabic as unknown pieces, or cannot give offsets."""
    if not tokenizer.is_fast:
        raise IsnadError(f"the tokenizer of {name!r} gives no offsets; add a tokenizer.json (a fast tokenizer) to it")
    pieces = tokenizer("قال الوزير في بيان إن الأسعار لن ترتفع هذا العام", add_special_tokens=False)["input_ids"]
    unknown = sum(p == tokenizer.unk_token_id for p in pieces) / max(1, len(pieces))
    if unknown > 0.2:
        raise IsnadError(
            f"the tokenizer of {name!r} reads {unknown:.0%} of a plain Arabic sentence as unknown; "
            "its vocabulary is missing or not Arabic: check vocab.txt or tokenizer.json in the folder"
        )


def keep_whole(tokenizer: PreTrainedTokenizerBase) -> None:
    """Let the pieces that tokenizer_config.json lists as `never_split` reach the model whole.

    AraBERT names its placeholders and Farasa affixes there («[رابط]», «و+»); fast tokenizers pass over that list and
    cut them at the sign.
    """
    known = tokenizer.get_vocab()
    listed = [piece for piece in tokenizer.init_kwargs.get("never_split") or () if piece in known]
    tokenizer.add_tokens([AddedToken(piece, single_word=True, normalized=False) for piece in listed])


def encode(items: Sequence[Item], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[dict[str, Any]]:
    """Model inputs of each item (not padded), with `offsets` of the sentence's tokens, None elsewhere, and `cut`."""
    return [_encode_one(item, tokenizer, max_length) for item in items]


def _encode_one(item: Item, tokenizer: PreTrainedTokenizerBase, max_length: int) -> dict[str, Any]:
    """The context is cut before the sentence is; it goes altogether when the sentence alone fills the model."""
    length = len(tokenizer(item.text, add_special_tokens=False)["input_ids"])
    room = max_length - tokenizer.num_special_tokens_to_add(pair=False)
    pair = item.context if item.context and length + LEAST_CONTEXT < room else None
    coded = tokenizer(
        item.text,
        pair,
        truncation="only_second" if pair else "only_first",
        max_length=max_length,
        return_offsets_mapping=True,
    )
    row: dict[str, Any] = {k: list(v) for k, v in coded.items() if k != "offset_mapping"}
    owners = coded.sequence_ids(0)
    row["offsets"] = [o if own == 0 else None for o, own in zip(coded["offset_mapping"], owners, strict=True)]
    row["cut"] = length > room
    return row


def pad(rows: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase) -> dict[str, torch.Tensor]:
    """Tensors `(rows, longest)` of the model's inputs."""
    names = [n for n in tokenizer.model_input_names if n in rows[0]]
    longest = max(len(r["input_ids"]) for r in rows)
    fill = {"input_ids": tokenizer.pad_token_id}
    return {
        n: torch.tensor([list(r[n]) + [fill.get(n, 0)] * (longest - len(r[n])) for r in rows], dtype=torch.long)
        for n in names
    }


class TransformerClassifier(ModelClassifier):
    """A `Classifier` over a transformer artefact, on the CPU or the first GPU."""

    def __init__(self, manifest: Manifest, model: StanceModel, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(manifest)
        self.model = model.eval()
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path, manifest: Manifest, *, precision: str = "fp32") -> TransformerClassifier:
        """Open the artefact in `folder`; its weights in "fp32" or "bf16"."""
        model = StanceModel.load(folder)
        if precision == "bf16":
            model = model.to(torch.bfloat16)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return cls(manifest, model.to(device), tokenizer)

    def save(self, folder: Path) -> None:
        """Write model (fp16) and tokenizer into `folder`."""
        self.model.save(folder)
        self.tokenizer.save_pretrained(folder)

    def run(self, items: Sequence[Item]) -> list[Output]:
        """See `ModelClassifier.run`; batches of like length by token budget."""
        rows = encode(items, self.tokenizer, self.manifest.max_length)
        device = next(self.model.parameters()).device
        outputs: dict[int, Output] = {}
        for batch in batches_by_tokens([len(r["input_ids"]) for r in rows]):
            inputs = pad([rows[i] for i in batch], self.tokenizer)
            with torch.inference_mode():
                answers = self.model(**{k: v.to(device) for k, v in inputs.items()})
            tags = answers["tags"].float().sigmoid().cpu().numpy()
            for k, i in enumerate(batch):
                outputs[i] = Output(
                    logits=answers["stance"][k].float().cpu().numpy(),
                    attributed=float(answers["attributed"][k].sigmoid()) if self.manifest.heads else None,
                    tags=own_tags(rows[i], tags[k]) if self.manifest.heads else None,
                    cut=rows[i]["cut"],
                )
        return [outputs[i] for i in range(len(items))]


def own_tags(row: dict[str, Any], tags: Any) -> TokenTags:
    """The tags of the sentence's own tokens (context and special tokens left out)."""
    places = [i for i, o in enumerate(row["offsets"]) if o is not None]
    return TokenTags([row["offsets"][i] for i in places], tags[places])
