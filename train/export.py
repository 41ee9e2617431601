"""Add `model.onnx` (int8) or `model-fp32.onnx` to the artefact of a run: python -m train.export runs/default [--fp32]

Refused, and nothing left, where fewer than 99.5 % of the labels on dev are those of the torch model.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import torch
from onnxruntime.quantization.shape_inference import quant_pre_process

from isnad.artefact import ONNX, ONNX_FP32, Manifest, read_manifest
from isnad.classifier import artefact_folder
from isnad.errors import IsnadError
from isnad.examples import Example, find_corpora, load_data
from isnad.runtimes.base import Item, make_item
from isnad.runtimes.onnx import OnnxClassifier
from isnad.runtimes.transformer import StanceModel, TransformerClassifier, encode, pad
from isnad.text import normalise_text
from train.progress import talk
from train.quantise import Feed, quantise
from train.run import answers

log = logging.getLogger("train")

AGREEMENT = 0.995
"""Share of dev labels on which the exported model must agree with the torch one."""
MEASURED = 512
"""Sentences of train on which the range of activations is measured."""


class _Flat(torch.nn.Module):
    """The stance model with positional inputs and outputs, as the exporter wants it."""

    def __init__(self, model: StanceModel, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of stance, attribution and tags."""
        found = self.model(**dict(zip(self.names, inputs, strict=True)))
        return found["stance"], found["attributed"], found["tags"]


def export_onnx(classifier: TransformerClassifier, path: Path, *, measured_on: Sequence[Item] = ()) -> None:
    """Write the classifier's model to `path`, dynamic in batch and length: fp32, or int8 by the range of its
    activations on the items `measured_on`."""
    names = [
        n for n in classifier.tokenizer.model_input_names if n in {"input_ids", "attention_mask", "token_type_ids"}
    ]
    model = classifier.model.eval()
    model.base.set_attn_implementation("eager")
    example = torch.ones(2, 9, dtype=torch.long)
    axes = {n: {0: "batch", 1: "length"} for n in names}
    axes |= {"stance": {0: "batch"}, "attributed": {0: "batch"}, "tags": {0: "batch", 1: "length"}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, clean = Path(folder) / "plain.onnx", Path(folder) / "clean.onnx"
        torch.onnx.export(
            _Flat(model, names),
            tuple(example for _ in names),
            plain,
            input_names=names,
            output_names=["stance", "attributed", "tags"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
        beside = path.with_name(path.name + ".part")
        if measured_on:
            quant_pre_process(plain, clean, skip_symbolic_shape=True)
            quantise(clean, beside, _feeds(classifier, measured_on, names))
        else:
            shutil.copyfile(plain, beside)
    beside.rename(path)


def _feeds(classifier: TransformerClassifier, items: Sequence[Item], names: Sequence[str]) -> Iterator[Feed]:
    """The model's inputs, sixteen items at a time."""
    for at in range(0, len(items), 16):
        rows = encode(items[at : at + 16], classifier.tokenizer, classifier.manifest.max_length)
        yield {n: t.numpy() for n, t in pad(rows, classifier.tokenizer).items() if n in names}


def agreement(folder: Path, manifest: Manifest, dev: list[Example], model: str = ONNX) -> float:
    """Share of `dev` on which the ONNX file `model` and torch give the same label."""
    torch_answers = answers(TransformerClassifier.load(folder, manifest), dev)
    onnx_answers = answers(OnnxClassifier.load(folder, manifest, model=model), dev)
    return float(np.mean([a.label is b.label for a, b in zip(torch_answers, onnx_answers, strict=True)]))


def some_items(manifest: Manifest, examples: Sequence[Example]) -> list[Item]:
    """`MEASURED` of `examples`, evenly from all of them, as the model sees them."""
    chosen = examples[:: max(1, len(examples) // MEASURED)]
    return [make_item(manifest, normalise_text(e.text, manifest.recipe), e.before, e.title) for e in chosen]


def add_onnx(folder: Path, *, int8: bool = True, data: Path = Path("data")) -> float:
    """Export the artefact in `folder` to its `model.onnx`, or in fp32 to `model-fp32.onnx`; returns the share of dev
    labels that agree.

    Raises IsnadError, and leaves the folder as it was, when it is below `AGREEMENT`.
    """
    manifest = read_manifest(folder)
    if manifest.kind != "transformer":
        raise IsnadError(f"expected a transformer, found kind {manifest.kind!r}; only these are exported", path=folder)
    loaded = load_data(data, find_corpora(), ("train", "dev") if int8 else ("dev",))
    name = ONNX if int8 else ONNX_FP32
    fresh = folder / f".{name}"
    try:
        measured_on = some_items(manifest, loaded.examples("train")) if int8 else []
        export_onnx(TransformerClassifier.load(folder, manifest), fresh, measured_on=measured_on)
        dev = loaded.examples("dev")
        same = agreement(folder, manifest, dev, fresh.name)
        log.info("labels agree on %.2f %% of %d dev sentences", 100 * same, len(dev))
        if same < AGREEMENT:
            raise IsnadError(f"expected {AGREEMENT:.1%} of dev labels alike, found {same:.1%}; try --fp32", path=folder)
        fresh.rename(folder / name)
    finally:
        fresh.unlink(missing_ok=True)
    return same


@click.command(help=__doc__)
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--onnx", is_flag=True, help="ONNX, the one form there is; may be left out.")
@click.option("--int8/--fp32", default=True, show_default=True, help="Weights and activations in int8, or as they are.")
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path))
def main(run: Path, onnx: bool, int8: bool, data: Path) -> None:
    """Export, compare on dev, keep only what agrees."""
    talk()
    try:
        add_onnx(artefact_folder(run), int8=int8, data=data)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m train.export")
