"""A WordPiece vocabulary of our own, in the format of `BertTokenizerFast`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

_MARKS = "[\u0610-\u061a\u0640\u064b-\u065f\u0670\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def train_wordpiece(lines: Iterable[str], size: int, *, min_frequency: int = 5) -> Tokenizer:
    """A WordPiece vocabulary of `size` pieces from normalised `lines`."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=60))
    tokenizer.normalizer = _pipeline_normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=list(SPECIAL),
        limit_alphabet=400,
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    cls, sep = SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]")
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", sep), ("[CLS]", cls))
    return tokenizer


def _pipeline_normalizer() -> normalizers.Normalizer:
    """What `plain` does, as far as `tokenizers` can: for those who open the artefact in a bare pipeline."""
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Replace(Regex(_MARKS), ""),
            normalizers.Replace(Regex("[أإآٱ]"), "ا"),
            normalizers.Replace("ى", "ي"),
            normalizers.Replace(Regex("[“”„«»‹›]"), '"'),
        ]
    )


def save_tokenizer(tokenizer: Tokenizer, folder: Path, max_length: int) -> PreTrainedTokenizerBase:
    """Write `tokenizer` so that `AutoTokenizer.from_pretrained(folder)` opens it, and return it opened."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
    )
    fast.save_pretrained(folder)
    opened: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return opened
