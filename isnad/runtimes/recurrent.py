"""Skip-gram word vectors under a two-layer bidirectional GRU with attention and max pooling (torch)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from isnad.artefact import Manifest
from isnad.labels import Stance
from isnad.runtimes.base import Item, ModelClassifier, Output, TokenTags
from isnad.spans import SOURCE, TAGS

WEIGHTS = "model.safetensors"
VOCABULARY = "vocabulary.json"
PAD, UNKNOWN, SEPARATOR = 0, 1, 2
RESERVED = ("<pad>", "<unknown>", "<separator>")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_PREFIXES = ("وال", "فال", "بال", "كال", "لل", "ال", "و", "ف", "ب", "ل", "ك", "س")


def words_of(text: str) -> list[tuple[str, int, int]]:
    """`(word, start, end)` of the words and punctuation marks of a normalised text."""
    return [(m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]


class Vocabulary:
    """Word to row; an unknown word is looked up without its clitics before it counts as unknown."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)
        self._rows = {w: i for i, w in enumerate(self.words)}

    def row(self, word: str) -> int:
        """Row of `word`, `UNKNOWN` where nothing fits."""
        if word in self._rows:
            return self._rows[word]
        for prefix in _PREFIXES:
            rest = word[len(prefix) :]
            if word.startswith(prefix) and len(rest) > 2 and rest in self._rows:
                return self._rows[rest]
        return UNKNOWN


class RecurrentModel(nn.Module):
    """Token rows `(batch, length)` to stance logits, an attribution logit and token tags."""

    def __init__(self, vocabulary: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=PAD, sparse=True)
        self.drop = nn.Dropout(dropout)
        self.segment = nn.Embedding(2, width)
        self.gru = nn.GRU(width, hidden, num_layers=2, bidirectional=True, batch_first=True, dropout=dropout)
        self.attention = nn.Linear(2 * hidden, 1)
        self.tags = nn.Linear(2 * hidden, TAGS)
        self.mix = nn.Linear(6 * hidden, 2 * hidden)
        self.stance = nn.Linear(2 * hidden, len(Stance))
        self.attributed = nn.Linear(2 * hidden, 1)

    def forward(self, rows: torch.Tensor, segments: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits: `stance (b, 4)`, `attributed (b,)`, `tags (b, length, TAGS)`."""
        real = rows != PAD
        embedded = self.drop(self.embedding(rows) + self.segment(segments))
        lengths = real.sum(1).clamp(min=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=rows.shape[1])
        tags = self.tags(states)
        own = real & (segments == 0)
        far = torch.finfo(states.dtype).min
        weights = self.attention(states).squeeze(-1).masked_fill(~own, far).softmax(-1)
        cues = tags[..., :SOURCE].sigmoid().amax(-1) * own
        pooled = torch.cat(
            [
                (weights.unsqueeze(-1) * states).sum(1),
                (cues.unsqueeze(-1) * states).sum(1) / (cues.sum(1, keepdim=True) + 0.1),
                states.masked_fill(~own.unsqueeze(-1), far).amax(1),
            ],
            dim=-1,
        )
        mixed = self.drop(torch.relu(self.mix(self.drop(pooled))))
        return {"stance": self.stance(mixed), "attributed": self.attributed(mixed).squeeze(-1), "tags": tags}


def encode(item: Item, vocabulary: Vocabulary, limit: int) -> tuple[list[int], list[int], list[tuple[int, int]], bool]:
    """`(rows, segments, offsets of the sentence's words, cut)`; the context follows a separator."""
    words = words_of(item.text)
    own = words[:limit]
    rows = [vocabulary.row(w) for w, _, _ in own] or [UNKNOWN]
    segments = [0] * len(rows)
    if item.context:
        extra = [SEPARATOR, *(vocabulary.row(w) for w, _, _ in words_of(item.context))][: limit // 2]
        rows, segments = rows + extra, segments + [1] * len(extra)
    return rows, segments, [(s, e) for _, s, e in own], len(words) > limit


class RecurrentClassifier(ModelClassifier):
    """A `Classifier` over a recurrent artefact."""

    def __init__(self, manifest: Manifest, model: RecurrentModel, vocabulary: Vocabulary) -> None:
        super().__init__(manifest)
        self.model = model.eval()
        self.vocabulary = vocabulary

    @classmethod
    def load(cls, folder: Path, manifest: Manifest) -> RecurrentClassifier:
        """Open the artefact in `folder`."""
        words = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
        model = RecurrentModel(len(words), **_shape(manifest))
        model.load_state_dict({k: v.float() for k, v in load_file(folder / WEIGHTS).items()})
        return cls(manifest, model, Vocabulary(words))

    def save(self, folder: Path) -> None:
        """Write weights (fp16) and vocabulary into `folder`."""
        state = {k: v.half().contiguous() for k, v in self.model.state_dict().items()}
        save_file(state, folder / WEIGHTS)
        (folder / VOCABULARY).write_text(json.dumps(self.vocabulary.words, ensure_ascii=False), encoding="utf-8")

    def run(self, items: Sequence[Item]) -> list[Output]:
        """See `ModelClassifier.run`; batches of similar length."""
        coded = [encode(i, self.vocabulary, self.manifest.max_length) for i in items]
        order = sorted(range(len(items)), key=lambda i: len(coded[i][0]))
        outputs: dict[int, Output] = {}
        for at in range(0, len(order), 64):
            chosen = order[at : at + 64]
            with torch.inference_mode():
                answers = self.model(*pad([coded[i][:2] for i in chosen]))
            tags = answers["tags"].sigmoid().numpy()
            for k, i in enumerate(chosen):
                offsets = coded[i][2]
                outputs[i] = Output(
                    logits=answers["stance"][k].numpy(),
                    attributed=float(answers["attributed"][k].sigmoid()),
                    tags=TokenTags(offsets, tags[k, : len(offsets)]),
                    cut=coded[i][3],
                )
        return [outputs[i] for i in range(len(items))]


def pad(coded: Sequence[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """`(rows, segments)` as tensors `(batch, longest)`."""
    longest = max(len(rows) for rows, _ in coded)
    both = np.zeros((2, len(coded), longest), dtype=np.int64)
    for k, (rows, segments) in enumerate(coded):
        both[0, k, : len(rows)] = rows
        both[1, k, : len(segments)] = segments
    return torch.from_numpy(both[0]), torch.from_numpy(both[1])


def _shape(manifest: Manifest) -> dict[str, Any]:
    return {key: manifest.settings[key] for key in ("width", "hidden", "dropout")}
