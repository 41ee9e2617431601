"""An artefact: a folder with `isnad.json` and plain weights (safetensors, ONNX, JSON), nothing pickled."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from isnad.config import Config, build
from isnad.errors import IsnadError
from isnad.files import write_whole
from isnad.labels import Stance

MANIFEST = "isnad.json"
SCHEMA = "isnad-artefact/1"
ONNX, ONNX_FP32 = "model.onnx", "model-fp32.onnx"
"""Names of an exported model, in int8 and in fp32."""
Kind = Literal["majority", "rules", "tfidf", "recurrent", "transformer"]

_ALL = Field(min_length=len(Stance), max_length=len(Stance))
Row = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], _ALL]
"""A number for each stance, in the order of `labels`."""


class Scaling(Config):
    """Vector scaling (Guo et al. 2017): the probabilities are the softmax of `logits * scale + bias`."""

    scale: Row
    bias: Row


class Manifest(Config):
    """What `isnad.json` holds: all that a prediction depends on beside the weights."""

    schema_: str = Field(SCHEMA, alias="schema")
    kind: Kind
    name: str
    labels: list[str] = [s.value for s in Stance]
    recipe: str = "plain"
    max_length: int = 256
    context: Literal["none", "before", "title", "title+before"] = "none"
    temperature: float = 1.0
    """What the logits are divided by where `scaling` is None."""
    scaling: Scaling | None = None
    thresholds: dict[str, float] = {}
    """Scores and conformal quantiles by name; see `isnad.confidence`."""
    confusion: Annotated[list[Annotated[list[int], _ALL]], _ALL] | None = None
    """Counts on natural dev sentences of real news (composed ones where there is none): a row a gold label, a column a
    given one; sentences that got no label are left out."""
    mean_scores: Annotated[list[Row], _ALL] | None = None
    """On the same sentences, a row a gold label: the mean probabilities; zeros where no sentence has it."""
    heads: bool = False
    base_model: str | None = None
    data_fingerprint: str | None = None
    settings: dict[str, Any] = {}

    @property
    def abstain_below(self) -> float:
        """Calibrated score under which the answer is marked `abstained`."""
        return self.thresholds.get("abstain", 0.0)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of `folder`; raises IsnadError when it is none or of another make."""
    path = folder / MANIFEST
    if not path.is_file():
        raise IsnadError(f"expected a run directory or an artefact folder with {MANIFEST}", path=folder)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise IsnadError(f"expected JSON: {error}", path=path) from error
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        found = values.get("schema") if isinstance(values, dict) else type(values).__name__
        raise IsnadError(f"expected the schema {SCHEMA}, found {found!r}; use the isnad that wrote it", path=path)
    manifest = build(Manifest, values, path=path)
    if manifest.labels != [s.value for s in Stance]:
        raise IsnadError(f"expected the labels {[s.value for s in Stance]}, found {manifest.labels}", path=path)
    return manifest


def write_artefact(folder: Path, manifest: Manifest, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a folder beside `folder`, add the manifest, and rename it into place."""
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    write(beside)
    write_manifest(beside, manifest)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return folder


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `isnad.json` into `folder`, whole."""
    write_whole(folder / MANIFEST, json.dumps(manifest.model_dump(by_alias=True), indent=1, ensure_ascii=False) + "\n")
