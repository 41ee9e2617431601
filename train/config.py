"""The config of a training run: one class a kind, all flat, so that files differ in a few lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from isnad.config import Config, apply_overrides, build, read_settings
from isnad.errors import IsnadError
from isnad.text import RECIPES


class RunConfig(Config):
    """What every kind shares."""

    kind: str
    name: str = ""
    seed: int = 13
    data: str = "data"
    corpora: str | None = None
    out: str = "runs"
    recipe: str = "plain"
    context: Literal["none", "before", "title", "title+before"] = "none"
    limit: int | None = None
    """At most so many training and dev sentences each; for tests."""


class MajorityConfig(RunConfig):
    """The commonest label of train, always."""

    kind: Literal["majority"] = "majority"


class RulesConfig(RunConfig):
    """The cue rules, their confidences fitted on train."""

    kind: Literal["rules"] = "rules"


Range = Annotated[tuple[int, int], Field(strict=False)]
"""Shortest and longest; YAML gives a list."""


class TfidfConfig(RunConfig):
    """Word and character n-grams under a linear model; `grid_c` is searched on dev."""

    kind: Literal["tfidf"] = "tfidf"
    word_ngrams: Range = (1, 3)
    char_ngrams: Range = (2, 5)
    min_count: int = 2
    max_features: int = 200_000
    grid_c: list[float] = [0.3, 1.0, 3.0]
    grid_balanced: list[bool] = [True]


class NeuralConfig(RunConfig):
    """What the two neural kinds share."""

    epochs: int = 8
    batch_size: int = 16
    learning_rate: float
    dropout: float
    max_length: int
    class_weights: Literal["none", "balanced"] = "none"
    composed_weight: float = Field(default=1.0, gt=0)
    """What a composed sentence counts in the loss beside one of real news."""
    attributed_weight: float = 0.3
    span_weight: float = 0.5
    patience: int = 3
    seeds: list[int] = []


class RecurrentConfig(NeuralConfig):
    """Skip-gram vectors under a bidirectional GRU."""

    kind: Literal["recurrent"] = "recurrent"
    cache: str = "cache"
    epochs: int = 14
    learning_rate: float = 1.5e-3
    vector_learning_rate: float = 1.0e-3
    dropout: float = 0.4
    max_length: int = 120
    width: int = 160
    hidden: int = 128
    vector_epochs: int = 2
    vocabulary: int = 100_000


class TransformerConfig(NeuralConfig):
    """Any encoder: a folder, or a hub id."""

    kind: Literal["transformer"] = "transformer"
    encoder: str = "train/encoder"
    recipe: str = "auto"
    """How the encoder's own training text was normalised; auto: known from the encoder's folder or its hub id."""
    learning_rate: float = 5e-4
    layer_decay: float = 1.0
    dropout: float = 0.1
    max_length: int = 128
    warmup: float = 0.1
    weight_decay: float = 0.01
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    trust_remote_code: bool = False


RECIPES_OF = {
    "aubmindlab/bert-base-arabertv02": "arabert-v02",
    "aubmindlab/bert-large-arabertv02": "arabert-v02",
    "aubmindlab/bert-base-arabertv2": "arabert-v2",
    "aubmindlab/bert-large-arabertv2": "arabert-v2",
    "CAMeL-Lab/bert-base-arabic-camelbert-msa": "camelbert",
}
"""Recipes of encoders on the hub; an encoder that is not here must be given one."""

KINDS: dict[str, type[RunConfig]] = {
    "majority": MajorityConfig,
    "rules": RulesConfig,
    "tfidf": TfidfConfig,
    "recurrent": RecurrentConfig,
    "transformer": TransformerConfig,
}


def load_run_config(path: Path, overrides: list[str]) -> RunConfig:
    """The config in `path` with `key=value` words laid over it; `name` defaults to the file's."""
    values, lines = read_settings(path)
    values = {"name": path.stem, **apply_overrides(values, overrides)}
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        found = "nothing" if kind is None else repr(kind)
        raise IsnadError(
            f"`kind`: expected one of {', '.join(KINDS)}; found {found}", path=path, line=lines.get("kind")
        )
    config = build(KINDS[kind], values, path=path, lines=lines, words=overrides)
    if isinstance(config, TransformerConfig) and config.recipe == "auto":
        return config.model_copy(update={"recipe": recipe_of(config.encoder)})
    return config


def recipe_of(encoder: str) -> str:
    """The normalisation recipe that `encoder` was trained under; IsnadError where nothing says so."""
    facts = Path(encoder) / "encoder.json"
    said = json.loads(facts.read_text(encoding="utf-8")) if facts.is_file() else {}
    known = said.get("config", {}).get("recipe") or RECIPES_OF.get(encoder)
    if known:
        return str(known)
    usable = [r.name for r in RECIPES.values() if not r.refusal]
    raise IsnadError(
        f"expected `recipe`, how the training text of {encoder!r} was normalised, found none and nothing that says it; "
        f"add recipe= one of {', '.join(usable)} (AraBERT v02 in a folder: arabert-v02)"
    )
