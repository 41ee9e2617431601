"""What a sweep searches: a strict YAML file beside the config of the run.

metric: dev_macro_f1
trials: 20
parameters:
  learning_rate: {log: [1.0e-4, 1.0e-3]}      # or uniform: [low, high], integers: [low, high]
  epochs: {values: [2, 3]}
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from isnad.config import Config, build, read_settings
from isnad.errors import IsnadError
from train.config import RunConfig

METRIC = "dev_macro_f1"
NOT_SEARCHED = {
    "kind": "make a sweep for each kind",
    "encoder": "make a sweep for each encoder",
    "recipe": "it belongs to the encoder",
    "seed": "a seed is no setting; use --seeds on the best config",
    "seeds": "a seed is no setting; use --seeds on the best config",
    **dict.fromkeys(
        ("name", "out", "data", "corpora", "cache", "limit", "report", "workers", "save_steps"),
        "it does not decide how well a model learns",
    ),
}
"""Keys of a config that no sweep may search, and why."""

Scalar = bool | int | float | str | None


class Parameter(Config):
    """Where one key may lie: exactly one of these, bounds included."""

    log: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    """Drawn evenly on a logarithmic scale."""
    uniform: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    integers: Annotated[list[int], Field(min_length=2, max_length=2)] | None = None
    values: Annotated[list[Scalar], Field(min_length=1)] | None = None

    @property
    def given(self) -> list[str]:
        """Which of them the file gives."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    @property
    def extremes(self) -> list[Any]:
        """The values at the ends of a range, or all of the listed ones."""
        return list(getattr(self, self.given[0]))


class SweepConfig(Config):
    """A sweep: how many trials, under which seed, over what."""

    metric: Literal["dev_macro_f1"] = "dev_macro_f1"
    trials: int = Field(ge=1)
    seed: int = Field(default=13, ge=0)
    prune_after: int = Field(default=5, ge=0)
    """Whole trials before the first may be cut short: one below the median of the others at the same epoch is."""
    keep: Literal["best", "all"] = "best"
    """Whose artefacts stay on the disk."""
    parameters: dict[str, dict[str, Any]] = Field(min_length=1)

    def space(self) -> dict[str, Parameter]:
        """The parameters by key."""
        return {key: Parameter(**settings) for key, settings in self.parameters.items()}


def load_sweep(path: Path, config: RunConfig) -> SweepConfig:
    """The sweep in `path`, every value of which `config` accepts; raises IsnadError with file and line."""
    values, lines = read_settings(path)
    plan = build(SweepConfig, values, path=path, lines=lines)
    for key, settings in plan.parameters.items():
        line = lines[f"parameters.{key}"]
        if why := NOT_SEARCHED.get(key):
            raise IsnadError(f"expected a key that training learns by, found `{key}`; {why}", path=path, line=line)
        prefix = f"parameters.{key}."
        own = {name.removeprefix(prefix): n for name, n in lines.items() if name.startswith(prefix)}
        _check_range(build(Parameter, settings, path=path, lines=own), key, path, line)
        for value in Parameter(**settings).extremes:
            accepted(config, {key: value}, path=path, lines={key: line})
    return plan


def _check_range(parameter: Parameter, key: str, path: Path, line: int) -> None:
    if len(parameter.given) != 1:
        found = " and ".join(parameter.given) or "none"
        known = ", ".join(Parameter.model_fields)
        raise IsnadError(f"`{key}`: expected one of {known}, found {found}", path=path, line=line)
    (name,), ends = parameter.given, parameter.extremes
    if name == "values":
        if len(set(map(repr, ends))) < len(ends):
            raise IsnadError(f"`{key}`: expected values that differ, found {ends}; drop one", path=path, line=line)
    elif not ends[0] < ends[1] or (name == "log" and ends[0] <= 0):
        least = "0 < low < high" if name == "log" else "low < high"
        raise IsnadError(f"`{key}`: expected {name}: [low, high] with {least}, found {ends}", path=path, line=line)


def accepted(config: RunConfig, changes: dict[str, Any], **where: Any) -> RunConfig:
    """`config` with `changes` in place, checked like a config file; `where` as of `isnad.config.build`."""
    return build(type(config), {**config.model_dump(mode="json"), **changes}, **where)
