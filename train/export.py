"""Add `model.onnx` (int8 unless --fp32) to the artefact of a run: python -m train.export runs/default [--fp32]"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import click
import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from isnad.artefact import Manifest, read_manifest
from isnad.classifier import ONNX, artefact_folder
from isnad.errors import IsnadError
from isnad.examples import Example, find_corpora, load_data
from isnad.runtimes.onnx import OnnxClassifier
from isnad.runtimes.transformer import StanceModel, TransformerClassifier
from train.progress import talk
from train.run import answers

log = logging.getLogger("train")

AGREEMENT = 0.995
"""Share of dev labels on which the exported model must agree with the torch one."""


GATED = "/mlp/Wo/"
"""Matrices that stay in fp32 beside int8: behind the gate of a ModernBERT layer stand outliers that int8 would blur."""


class _Flat(torch.nn.Module):
    """The stance model with positional inputs and outputs, as the exporter wants it."""

    def __init__(self, model: StanceModel, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of stance, attribution and tags."""
        found = self.model(**dict(zip(self.names, inputs, strict=True)))
        return found["stance"], found["attributed"], found["tags"]


def export_onnx(classifier: TransformerClassifier, path: Path, *, int8: bool = True) -> None:
    """Write the classifier's model to `path`, dynamic in batch and length; int8 dynamic, per channel."""
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
        if int8:
            quant_pre_process(plain, clean, skip_symbolic_shape=True)
            kept = [n.name for n in onnx.load(clean).graph.node if GATED in n.name]
            quantize_dynamic(clean, beside, per_channel=True, weight_type=QuantType.QInt8, nodes_to_exclude=kept)
        else:
            shutil.copyfile(plain, beside)
    beside.rename(path)


def agreement(folder: Path, manifest: Manifest, dev: list[Example]) -> float:
    """Share of `dev` on which ONNX and torch give the same label."""
    torch_answers = answers(TransformerClassifier.load(folder, manifest), dev)
    onnx_answers = answers(OnnxClassifier.load(folder, manifest), dev)
    return float(np.mean([a.label is b.label for a, b in zip(torch_answers, onnx_answers, strict=True)]))


def add_onnx(folder: Path, *, int8: bool = True, data: Path = Path("data")) -> float:
    """Export the artefact in `folder` to `folder/model.onnx`; returns the share of dev labels that agree.

    Raises IsnadError, and leaves no `model.onnx`, when it is below `AGREEMENT`.
    """
    manifest = read_manifest(folder)
    if manifest.kind != "transformer":
        raise IsnadError(f"expected a transformer, found kind {manifest.kind!r}; only these are exported", path=folder)
    export_onnx(TransformerClassifier.load(folder, manifest), folder / ONNX, int8=int8)
    dev = load_data(data, find_corpora(), ("dev",)).examples("dev")
    same = agreement(folder, manifest, dev)
    log.info("labels agree on %.2f %% of %d dev sentences", 100 * same, len(dev))
    if same < AGREEMENT:
        (folder / ONNX).unlink()
        raise IsnadError(f"expected {AGREEMENT:.1%} of dev labels alike, found {same:.1%}; try --fp32")
    return same


@click.command(help=__doc__)
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--fp32", is_flag=True, help="Leave the weights as they are.")
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path))
def main(run: Path, fp32: bool, data: Path) -> None:
    """Export, compare on dev, keep only what agrees."""
    talk()
    try:
        add_onnx(artefact_folder(run), int8=not fp32, data=data)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m train.export")
