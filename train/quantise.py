"""A model in ONNX from fp32 to int8, so that what it says of a sentence does not depend on the rest of the batch.

Weights: int8, a scale for each output channel; embeddings: int8, a scale for each row. Activations: uint8, a scale for
each token, computed as it is met. (The dynamic quantisation of ONNX Runtime has one scale for the whole batch, and so
lets neighbours move a score and outliers of one token blur all the others.)

Before that the channels of an activation are made alike, as in SmoothQuant (Xiao et al. 2023): each is divided by
`max|x|^.5 / max|w|^.5`, and the weights that meet it are multiplied by it. One outlier channel, of which every BERT
has some, would blur all the others otherwise. A product that rounding still changes by more than `LOSS` stays in fp32.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Floats = NDArray[np.float64]
Feed = Mapping[str, NDArray[np.int64]]
SMOOTHING = 0.5
LOSS = 0.02
"""Share of its length by which rounding may change a product; behind the gates of a ModernBERT it is more."""
TOKENS = 64
"""Tokens of each feed on which that is measured."""
LAYER = "/layer"
"""In the name of every node within a layer, whatever the encoder."""
FUSED = "com.microsoft"
"""Where ONNX Runtime keeps operators of its own, the integer product that gives floats among them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Of an activation: the largest absolute value of each channel, and some tokens `(tokens, channels)`."""

    sizes: Floats
    rows: Floats


def quantise(plain: Path, path: Path, feeds: Iterable[Feed]) -> None:
    """Write the fp32 model `plain` to `path` in int8; `feeds` show how large each channel of an activation gets.

    Embeddings and, within the layers, products of activations with a weight matrix are quantised; products of two
    activations (attention) and the heads, which cost next to nothing, stay in fp32. A feed holds the model's inputs,
    `attention_mask` among them: what is padded is not measured.
    """
    model = onnx.load(plain)
    weights = {i.name: numpy_helper.to_array(i).astype(np.float64) for i in model.graph.initializer if len(i.dims) == 2}
    products = [n for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in weights and LAYER in n.name]
    met: dict[str, list[Floats]] = {}
    for node in products:
        met.setdefault(node.input[0], []).append(weights[node.input[1]])
    seen = _measure(model, list(met), feeds)
    even = {source: _evening(matrices, seen[source].sizes) for source, matrices in met.items()}
    even = {x: e for x, e in even.items() if max(_loss(seen[x].rows, m, e) for m in met[x]) <= LOSS}
    chosen = {n.name for n in products if n.input[0] in even}
    nodes: list[Any] = []
    for node in model.graph.node:
        if node.op_type == "Gather" and node.input[0] in weights:
            made, constants = _looked_up(node, weights[node.input[0]])
        elif node.name in chosen:
            source = node.input[0]
            made, constants = _product(node, weights[node.input[1]], even[source])
            if met.pop(source, None):  # the first product that meets it
                rounding, more = _rounded(source, even[source])
                made, constants = rounding + made, constants + more
        else:
            made, constants = [node], []
        nodes += made
        model.graph.initializer.extend(constants)
    _replace(model, nodes)
    model.opset_import.append(helper.make_opsetid(FUSED, 1))
    onnx.save(model, path)


def _replace(model: onnx.ModelProto, nodes: list[Any]) -> None:
    """Give `model` these nodes, and of its constants keep what they use."""
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    constants = [i for i in model.graph.initializer if i.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(constants)


def _measure(model: onnx.ModelProto, names: list[str], feeds: Iterable[Feed]) -> dict[str, Seen]:
    """The activations `names` over all `feeds`."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    found: dict[str, Seen] = {}
    for feed in feeds:
        mask = np.asarray(feed["attention_mask"], dtype=bool)
        for name, values in zip(names, session.run(names, dict(feed)), strict=True):
            rows = values[mask] if values.shape[:2] == mask.shape else values.reshape(-1, values.shape[-1])
            rows = rows.astype(np.float64)
            now = Seen(np.abs(rows).max(0), rows[:: max(1, len(rows) // TOKENS)])
            known = found.get(name)
            found[name] = (
                now
                if known is None
                else Seen(np.maximum(known.sizes, now.sizes), np.concatenate([known.rows, now.rows]))
            )
    return found


def _evening(matrices: Sequence[Floats], sizes: Floats) -> Floats:
    """What each channel, of such `sizes`, of an activation that meets `matrices (in, out)` is multiplied by."""
    weight = np.maximum(np.max([np.abs(m).max(1) for m in matrices], axis=0), 1e-6)
    raw = weight ** (1 - SMOOTHING) / np.maximum(sizes, 1e-6) ** SMOOTHING
    return np.asarray(np.clip(raw / np.exp(np.log(raw).mean()), 1e-3, 1e3))


def _loss(rows: Floats, matrix: Floats, even: Floats) -> float:
    """How much rounding changes the product of `rows` with `matrix`, as a share of its length: the median of tokens."""
    evened, heavier = rows * even, matrix / even[:, None]
    size = np.maximum(np.abs(evened).max(1, keepdims=True), 1e-12) / 127
    steps = _steps(heavier, 0)
    whole = (np.rint(evened / size) * size) @ (np.rint(heavier / steps) * steps)
    exact = rows @ matrix
    return float(np.median(np.linalg.norm(whole - exact, axis=1) / np.maximum(np.linalg.norm(exact, axis=1), 1e-12)))


def _steps(matrix: Floats, axis: int) -> Floats:
    """The step that makes the largest value along `axis` 127 steps."""
    return np.asarray(np.maximum(np.abs(matrix).max(axis, keepdims=True) / 127, 1e-12))


def _rounded(source: str, even: Floats) -> tuple[list[Any], list[Any]]:
    """Nodes and constants that round the activation `source`: the largest value of a token becomes 127 steps."""
    nodes = [
        _node("Mul", [source, f"{source}/even"], f"{source}/evened"),
        _node("Abs", [f"{source}/evened"], f"{source}/sizes"),
        _node("ReduceMax", [f"{source}/sizes"], f"{source}/largest", axes=[-1], keepdims=1),
        _node("Max", [f"{source}/largest", f"{source}/least"], f"{source}/size"),
        _node("Div", [f"{source}/evened", f"{source}/size"], f"{source}/relative"),
        _node("QuantizeLinear", [f"{source}/relative", f"{source}/step", f"{source}/zero"], f"{source}/rounded"),
    ]
    step, zero, least = np.float32(1 / 127), np.uint8(128), np.float32(1e-12)
    return nodes, _constants(source, {"even": even.astype(np.float32), "step": step, "zero": zero, "least": least})


def _product(node: Any, matrix: Floats, even: Floats) -> tuple[list[Any], list[Any]]:
    """Nodes and constants that stand for the product `node`, its activation rounded."""
    source, name = node.input[0], node.name
    heavier = matrix / even[:, None]
    steps = _steps(heavier, 0)
    given = [f"{source}/rounded", f"{name}/weight", f"{source}/step", f"{name}/scale", f"{source}/zero"]
    nodes = [
        _node("MatMulIntegerToFloat", given, f"{name}/relative", domain=FUSED),
        _node("Mul", [f"{name}/relative", f"{source}/size"], node.output[0]),
    ]
    return nodes, _constants(name, {"weight": _whole(heavier / steps), "scale": steps[0].astype(np.float32)})


def _looked_up(node: Any, table: Floats) -> tuple[list[Any], list[Any]]:
    """Nodes and constants that stand for the look-up `node` in an embedding table."""
    rows, name = node.input[1], node.name
    steps = _steps(table, 1)
    nodes = [
        _node("Gather", [f"{name}/weight", rows], f"{name}/whole", axis=0),
        _node("Gather", [f"{name}/scale", rows], f"{name}/steps", axis=0),
        _node("Cast", [f"{name}/whole"], f"{name}/real", to=onnx.TensorProto.FLOAT),
        _node("Mul", [f"{name}/real", f"{name}/steps"], node.output[0]),
    ]
    return nodes, _constants(name, {"weight": _whole(table / steps), "scale": steps.astype(np.float32)})


def _whole(values: Floats) -> NDArray[np.int8]:
    return np.rint(values).astype(np.int8)


def _constants(owner: str, values: Mapping[str, Any]) -> list[Any]:
    return [numpy_helper.from_array(np.asarray(v), f"{owner}/{name}") for name, v in values.items()]


def _node(kind: str, given: Sequence[str], out: str, **attributes: Any) -> Any:
    return helper.make_node(kind, given, [out], name=f"{out}/{kind}", **attributes)
