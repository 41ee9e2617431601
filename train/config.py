"""The config of a training run: one class a kind, all flat, so that files differ in a few lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

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
    span_weight: float = 0.25
    patience: int = 3
    seeds: list[int] = []
    report: list[Literal["tensorboard", "mlflow", "wandb"]] = []
    """Where the run may be followed beside its own directory."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of each target that is dealt to all stances alike (Szegedy et al. 2016, arXiv 1512.00567); 0.1 is usual."""
    focal_gamma: float = Field(default=0.0, ge=0)
    """Focal loss: what is known already counts less (Lin et al. 2017, arXiv 1708.02002); 2 is usual, 0 is plain."""
    logit_adjustment: float = Field(default=0.0, ge=0)
    """Logit adjustment: tau times the log share of each stance in train is added to its logit while training (Menon et
    al. 2021, arXiv 2007.07314); 1 is usual."""
    sampling: Literal["natural", "balanced"] = "natural"
    """balanced: an epoch has as many sentences, each stance alike often: rare ones come again, of frequent ones a
    part (class-balanced sampling, Kang et al. 2020, arXiv 1910.09217)."""
    r_drop: float = Field(default=0.0, ge=0)
    """R-Drop: what the disagreement (KL) of two passes under dropout counts in the loss (Liang et al. 2021, arXiv
    2106.14448); 1 to 5 is usual. A step takes twice as long."""
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    """Judge and keep the exponential moving average of the weights instead of the last ones (Polyak and Juditsky 1992;
    as in Tarvainen and Valpola 2017, arXiv 1703.01780); 0.99 to 0.999 is usual. Step t decays by at most
    (1 + t) / (10 + t)."""

    @model_validator(mode="after")
    def _one_cure_for_rare_classes(self) -> Self:
        cures = {
            "class_weights=balanced": self.class_weights == "balanced",
            "sampling=balanced": self.sampling == "balanced",
            f"logit_adjustment={self.logit_adjustment}": self.logit_adjustment > 0,
        }
        chosen = [name for name, on in cures.items() if on]
        if len(chosen) > 1:
            raise IsnadError(
                f"expected one remedy for rare stances, found {' and '.join(chosen)}; each corrects the same imbalance "
                "and together they turn it round: leave one"
            )
        return self


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
    """Each layer learns so many times as fast as the one above it (Howard and Ruder 2018, arXiv 1801.06146)."""
    dropout: float = 0.1
    max_length: int = 128
    warmup: float = 0.1
    weight_decay: float = 0.01
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    trust_remote_code: bool = False
    gradient_accumulation: int = Field(default=1, ge=1)
    """Batches to one step; the loss is the mean over all their sentences."""
    gradient_checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, about a third slower."""
    workers: int = Field(default=0, ge=0)
    """Processes that make batches; their number does not change the result."""
    save_steps: int | None = Field(default=None, ge=1)
    """A checkpoint every so many steps beside the one after each epoch."""
    deterministic: bool = False
    """Only kernels that give the same bits again; on a CPU they do anyway, on a GPU this costs speed."""
    compile: bool = False
    """Compile the model (torch.compile): pays on long runs; rounds differently."""
    attention: Literal["auto", "eager", "sdpa", "flash"] = "auto"
    """flash: FlashAttention 2 without padding (needs a GPU, bf16 and the package flash-attn); auto: what the encoder
    comes with."""
    fgm: float = Field(default=0.0, ge=0)
    """FGM: learn each batch once more with the word embeddings moved so far along their gradient (Miyato et al. 2017,
    arXiv 1605.07725); 0.1 to 1 is usual. A step takes twice as long."""
    frozen_layers: int | None = Field(default=None, ge=0)
    """Keep the embeddings and so many of the lowest layers as they are (Lee et al. 2019, arXiv 1911.03090)."""
    lora_rank: int = Field(default=0, ge=0)
    """LoRA: train low-rank updates of this rank in all linear maps of the layers, and the heads; the encoder's own
    weights stay, and the updates are added into them for the artefact (Hu et al. 2021, arXiv 2106.09685). 8 to 64 is
    usual, with a learning rate several times as high."""
    lora_alpha: float = Field(default=16.0, gt=0)
    """The updates are scaled by lora_alpha / lora_rank."""

    @model_validator(mode="after")
    def _what_is_frozen_cannot_move(self) -> Self:
        if self.lora_rank and self.frozen_layers is not None:
            raise IsnadError(
                f"expected lora_rank or frozen_layers, found lora_rank={self.lora_rank} and "
                f"frozen_layers={self.frozen_layers}; LoRA freezes the whole encoder: leave frozen_layers out"
            )
        frozen = f"lora_rank={self.lora_rank}" if self.lora_rank else f"frozen_layers={self.frozen_layers}"
        if self.fgm and (self.lora_rank or self.frozen_layers is not None):
            raise IsnadError(
                f"expected trainable word embeddings for fgm={self.fgm}, found {frozen}, which freezes them; leave one"
            )
        return self


RECIPES_OF = {
    "aubmindlab/bert-base-arabertv02": "arabert-v02",
    "aubmindlab/bert-large-arabertv02": "arabert-v02",
    "aubmindlab/bert-base-arabertv2": "arabert-v2",
    "aubmindlab/bert-large-arabertv2": "arabert-v2",
    "aubmindlab/araelectra-base-discriminator": "arabert-v02",
    "CAMeL-Lab/bert-base-arabic-camelbert-msa": "camelbert",
    "UBC-NLP/ARBERTv2": "arbert",
    "UBC-NLP/MARBERTv2": "arbert",
    "NAMAA-Space/AraModernBert-Base-V1.0": "light",
    "jhu-clsp/mmBERT-small": "light",
    "jhu-clsp/mmBERT-base": "light",
    "microsoft/mdeberta-v3-base": "light",
    "FacebookAI/xlm-roberta-base": "light",
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
