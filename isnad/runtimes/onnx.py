"""A transformer artefact on ONNX Runtime: numpy and `tokenizers`, no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from isnad.artefact import Manifest
from isnad.runtimes.base import LEAST_CONTEXT, Item, ModelClassifier, Output, TokenTags
from isnad.runtimes.batches import batches_by_tokens

MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"


class OnnxClassifier(ModelClassifier):
    """A `Classifier` over `model.onnx` and `tokenizer.json` of an artefact folder."""

    def __init__(self, manifest: Manifest, session: Any, tokenizer: Tokenizer, pad_id: int) -> None:
        super().__init__(manifest)
        self.session, self.tokenizer, self.pad_id = session, tokenizer, pad_id
        self.inputs = {i.name for i in session.get_inputs()}

    @classmethod
    def load(cls, folder: Path, manifest: Manifest) -> OnnxClassifier:
        """Open the artefact in `folder`."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(folder / MODEL, options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        tokenizer.no_padding()
        pad = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("pad_token_id") or 0
        return cls(manifest, session, tokenizer, int(pad))

    def run(self, items: Sequence[Item]) -> list[Output]:
        """See `ModelClassifier.run`; batches of like length by token budget."""
        coded = [self._encode(item) for item in items]
        outputs: dict[int, Output] = {}
        for batch in batches_by_tokens([len(e.ids) for e, _ in coded]):
            stance, attributed, tags = self.session.run(
                ["stance", "attributed", "tags"], self._pad([coded[i][0] for i in batch])
            )
            for k, i in enumerate(batch):
                outputs[i] = self._output(coded[i], stance[k], attributed[k], tags[k])
        return [outputs[i] for i in range(len(items))]

    def _encode(self, item: Item) -> tuple[Encoding, bool]:
        """The context is cut before the sentence is; it goes altogether when the sentence alone fills the model."""
        limit = self.manifest.max_length
        self.tokenizer.no_truncation()
        alone = self.tokenizer.encode(item.text)
        if len(alone.ids) > limit:
            self.tokenizer.enable_truncation(limit, strategy="only_first")
            return self.tokenizer.encode(item.text), True
        if not item.context or len(alone.ids) + LEAST_CONTEXT >= limit:
            return alone, False
        self.tokenizer.enable_truncation(limit, strategy="only_second")
        return self.tokenizer.encode(item.text, item.context), False

    def _pad(self, coded: Sequence[Encoding]) -> dict[str, NDArray[np.int64]]:
        longest = max(len(e.ids) for e in coded)
        ids = np.full((len(coded), longest), self.pad_id, dtype=np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for k, e in enumerate(coded):
            ids[k, : len(e.ids)] = e.ids
            mask[k, : len(e.ids)] = 1
            types[k, : len(e.ids)] = e.type_ids
        arrays = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        return {name: arrays[name] for name in self.inputs}

    def _output(self, coded: tuple[Encoding, bool], stance: Any, attributed: Any, tags: Any) -> Output:
        encoding, cut = coded
        if not self.manifest.heads:
            return Output(stance, cut=cut)
        places = [i for i, own in enumerate(encoding.sequence_ids) if own == 0]
        chances = 1 / (1 + np.exp(-tags[places]))
        offsets = [encoding.offsets[i] for i in places]
        return Output(
            logits=stance,
            attributed=float(1 / (1 + np.exp(-attributed))),
            tags=TokenTags(offsets, chances[:, 0], chances[:, 1]),
            cut=cut,
        )
