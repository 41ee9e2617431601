"""A transformer artefact on ONNX Runtime: numpy and `tokenizers`, no torch.

A batch runs on one core, and as many batches at a time as there are cores: no thread waits for another within a
batch, and what is computed for a sentence does not depend on how many cores there are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from isnad.artefact import ONNX, Manifest
from isnad.errors import IsnadError
from isnad.runtimes.base import Item, ModelClassifier, Output, TokenTags
from isnad.runtimes.batches import BATCH_TOKENS, batches_by_tokens
from isnad.runtimes.tokens import Coded, Coder

TOKENIZER = "tokenizer.json"
_LEAST = 128  # tokens: a smaller batch is not worth a thread of its own
_ANSWERS = ("stance", "attributed", "tags")


class OnnxClassifier(ModelClassifier):
    """A `Classifier` over an ONNX file and `tokenizer.json` of an artefact folder; several threads may use it."""

    threadsafe = True

    def __init__(self, manifest: Manifest, session: Any, tokenizer: Tokenizer, pad_id: int) -> None:
        super().__init__(manifest)
        self.session, self.pad_id = session, pad_id
        self.coder = Coder(tokenizer, manifest.max_length)
        self.inputs = {i.name for i in session.get_inputs()}
        self.cores = _cores()

    @classmethod
    def load(cls, folder: Path, manifest: Manifest, *, model: str = ONNX) -> OnnxClassifier:
        """Open the artefact in `folder`; raises IsnadError when ONNX Runtime cannot read its `model`."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised, and said below
        options.intra_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(folder / model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has an exception for each status, and no base class
            what = "expected an ONNX model, found a file that ONNX Runtime cannot open"
            again = "export it again: python -m train.export"
            raise IsnadError(f"{what} ({_first_line(error)}); {again}", path=folder / model) from error
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        pad = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("pad_token_id") or 0
        return cls(manifest, session, tokenizer, int(pad))

    def run(self, items: Sequence[Item]) -> list[Output]:
        """See `ModelClassifier.run`; batches of like length by token budget, one a core at a time."""
        coded = self.coder.encode(items)
        batches = self.batches([len(c.ids) for c in coded])
        groups = [[coded[i] for i in batch] for batch in batches]
        answers = map(self._answers, groups) if len(groups) < 2 else self._pool.map(self._answers, groups)
        outputs: dict[int, Output] = {}
        for batch, (stance, attributed, tags) in zip(batches, answers, strict=True):
            for k, i in enumerate(batch):
                outputs[i] = self._output(coded[i], stance[k], attributed[k], tags[k])
        return [outputs[i] for i in range(len(items))]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.cores, thread_name_prefix="isnad-onnx")

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """Batches, the heaviest first; a little work is spread over all cores."""
        share = -(-sum(lengths) // self.cores)
        return batches_by_tokens(lengths, min(BATCH_TOKENS, max(share, _LEAST)))[::-1]

    def _answers(self, coded: Sequence[Coded]) -> tuple[Any, Any, Any]:
        """Stance logits `(batch, 4)`, the chance of a source `(batch,)`, of each tag `(batch, longest, TAGS)`."""
        stance, attributed, tags = self.session.run(_ANSWERS, self.padded(coded))
        return stance, _sigmoid(attributed), _sigmoid(tags)

    def padded(self, coded: Sequence[Coded]) -> dict[str, NDArray[np.int64]]:
        """The inputs of the model, `(batch, longest)` each."""
        longest = max(len(c.ids) for c in coded)
        ids = np.full((len(coded), longest), self.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for k, c in enumerate(coded):
            ids[k, : len(c.ids)] = c.ids
            mask[k, : len(c.ids)] = 1
        arrays = {"input_ids": ids, "attention_mask": mask}
        if "token_type_ids" in self.inputs:
            arrays["token_type_ids"] = np.zeros_like(ids)
            for k, c in enumerate(coded):
                arrays["token_type_ids"][k, : len(c.ids)] = c.encoding.type_ids
        return arrays

    def _output(self, coded: Coded, stance: Any, attributed: Any, tags: Any) -> Output:
        if not self.manifest.heads:
            return Output(stance, cut=coded.cut)
        own = tags[coded.first : coded.last]
        return Output(stance, float(attributed), TokenTags(coded.offsets, own), coded.cut)


def _sigmoid(logits: Any) -> Any:
    return 1 / (1 + np.exp(-logits))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
