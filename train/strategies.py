"""What a config may switch on beside the plain fit: sampling, averaging, adversarial steps, freezing, adapters.

Each keeps its paper with its key in `train.config`; the losses are in `train.losses`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.runtimes.transformer import StanceModel
from train.config import NeuralConfig, TransformerConfig
from train.losses import Objective, StanceLoss
from train.targets import Target, class_weights

# --- classes ------------------------------------------------------------------------------------


def log_shares(labels: Sequence[int]) -> torch.Tensor:
    """The log share of each stance among `labels`, `(4,)`; a stance that is not there counts as met once."""
    counts = np.bincount(labels, minlength=len(Stance)).clip(min=1)
    return torch.from_numpy(np.log(counts / counts.sum())).float()


def objective(config: NeuralConfig, targets: Sequence[Target]) -> Objective:
    """The loss that the config asks for; `targets` are those of train."""
    shift = config.logit_adjustment * log_shares([t.label for t in targets]) if config.logit_adjustment else None
    return Objective(
        torch.from_numpy(class_weights(targets, config.class_weights)),
        config.attributed_weight,
        config.span_weight,
        StanceLoss(config.label_smoothing, config.focal_gamma, shift),
        config.r_drop,
    )


def draw_alike(labels: Sequence[int], permute: Callable[[int], list[int]]) -> list[int]:
    """As many indices as `labels`, every label of it alike often (within one).

    None comes again before all of its label have come. `permute(n)` is a random order of `range(n)`.
    """
    present = sorted(set(labels))
    drawn: list[int] = []
    for place, label in enumerate(present):
        own = [i for i, found in enumerate(labels) if found == label]
        wanted = len(labels) // len(present) + (place < len(labels) % len(present))
        order: list[int] = []
        while len(order) < wanted:
            order += [own[k] for k in permute(len(own))]
        drawn += order[:wanted]
    return drawn


# --- the average of the weights -----------------------------------------------------------------


class Average:
    """The exponential moving average of a model's trainable weights, which starts where they do."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay = model, decay
        self.weights: dict[str, torch.Tensor] = {}
        self.start()

    def start(self) -> None:
        """Forget, and begin with the weights that the model has now."""
        self.weights = {n: p.detach().clone() for n, p in self._trained()}

    def decay_at(self, step: int) -> float:
        """What the average keeps of itself at `step`, counted from 1."""
        return min(self.decay, (1 + step) / (10 + step))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step`, counted from 1."""
        for name, parameter in self._trained():
            self.weights[name].lerp_(parameter.detach(), 1 - self.decay_at(step))

    def state(self) -> dict[str, torch.Tensor]:
        """A state of the whole model with the average in it."""
        return {**self.model.state_dict(), **self.weights}

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from what `state` gave."""
        self.weights = {n: state[n].to(p.device) for n, p in self._trained()}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model has the average while this lasts, and its own weights again afterwards."""
        own = {n: p.detach().clone() for n, p in self._trained()}
        self._set(self.weights)
        try:
            yield
        finally:
            self._set(own)

    @torch.no_grad()
    def _set(self, weights: dict[str, torch.Tensor]) -> None:
        for name, parameter in self._trained():
            parameter.copy_(weights[name])

    def _trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((n, p) for n, p in self.model.named_parameters() if p.requires_grad)


# --- adversarial steps --------------------------------------------------------------------------


@contextmanager
def alone(weight: nn.Parameter) -> Iterator[None]:
    """Inside, `weight.grad` begins as None; afterwards what it was before is added to what it became."""
    before = weight.grad
    weight.grad = None
    yield
    parts = [g for g in (before, weight.grad) if g is not None]
    weight.grad = torch.stack(parts).sum(0) if parts else None


@contextmanager
def moved(weight: nn.Parameter, distance: float) -> Iterator[None]:
    """`weight` is moved by `distance` (L2) along its gradient while this lasts, and is put back to the bit."""
    own = weight.detach().clone()
    gradient = weight.grad
    norm = torch.zeros(()) if gradient is None else gradient.norm()
    with torch.no_grad():
        if gradient is not None and bool(norm > 0) and bool(torch.isfinite(norm)):
            weight.add_(gradient, alpha=float(distance / norm))
    try:
        yield
    finally:
        with torch.no_grad():
            weight.copy_(own)


# --- which weights learn ------------------------------------------------------------------------


def depth_of(name: str, layers: int) -> int:
    """How high the parameter `name` stands: 0 the embeddings, 1 to `layers` the layers, above them the heads."""
    for before, part in pairwise(name.split(".")):
        if before in {"layer", "layers"} and part.isdigit():
            return int(part) + 1
    return 0 if "embeddings" in name else layers + 1


def choose_weights(model: StanceModel, config: TransformerConfig) -> None:
    """Freeze what the config keeps as it is, and put adapters where it wants them; IsnadError when it cannot be."""
    layers = int(model.base.config.num_hidden_layers)
    if config.frozen_layers is not None:
        if config.frozen_layers > layers:
            raise IsnadError(
                f"expected frozen_layers up to {layers}, all that {config.encoder!r} has; "
                f"found {config.frozen_layers}; lower it"
            )
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(depth_of(name, layers) > config.frozen_layers)
    if config.lora_rank:
        add_adapters(model, config.lora_rank, config.lora_alpha, config.dropout)


def add_adapters(model: StanceModel, rank: int, alpha: float, dropout: float) -> None:
    """Adapters in every linear map of the layers; they and the heads alone learn."""
    from peft import LoraConfig, inject_adapter_in_model

    layers = int(model.base.config.num_hidden_layers)
    maps = [
        name
        for name, module in model.base.named_modules()
        if isinstance(module, nn.Linear) and 0 < depth_of(name, layers) <= layers
    ]
    heads = [p for name, p in model.named_parameters() if depth_of(name, layers) > layers]
    inject_adapter_in_model(
        LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=maps),  # type: ignore[arg-type]
        model.base,
    )
    for parameter in heads:
        parameter.requires_grad_(True)


def merge_adapters(model: StanceModel) -> None:
    """Add the adapters into the weights that they update and take them out: the model is a plain one again."""
    from peft.tuners.lora import LoraLayer

    for name, module in list(model.base.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            model.base.set_submodule(name, module.get_base_layer())
    model.base.__dict__.pop("peft_config", None)
    model.requires_grad_(True)


def check_processes(config: TransformerConfig, processes: int, *, sharded: bool) -> None:
    """IsnadError where the config asks for what several processes cannot do."""
    if config.fgm and processes > 1:
        raise IsnadError(f"expected one process for fgm={config.fgm}, found {processes}; set fgm=0.0 or start one")
    kept = {"ema_decay": config.ema_decay, "lora_rank": config.lora_rank, "frozen_layers": config.frozen_layers}
    found = [f"{k}={v}" for k, v in kept.items() if v != type(config).model_fields[k].default]
    if sharded and found:
        raise IsnadError(f"expected whole weights in each process for {found[0]}, found FSDP; use torchrun without it")
