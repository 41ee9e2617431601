"""Strict configs: class defaults < YAML file < `key=value` on the command line.

An unknown key is an error with a suggestion, a wrong type says what to write instead, and
every problem names the file and line (or the command-line word) that it comes from.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from isnad.errors import IsnadError


class Config(BaseModel):
    """Base of every config class: frozen, strict in types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


C = TypeVar("C", bound=Config)


def read_settings(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """The YAML mapping in `path` and the line (from 1) on which each dotted key stands."""
    if not path.is_file():
        raise IsnadError("expected a YAML config, found no such file", path=path)
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except UnicodeDecodeError as error:
        raise IsnadError(f"expected UTF-8, found other bytes ({error.reason}); save it as UTF-8", path=path) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or "it does not parse"
        raise IsnadError(f"expected YAML, found a mistake: {problem}", path=path, line=line) from error
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise IsnadError(f"expected `key: value` lines, found {type(values).__name__}", path=path, line=1)
    lines: dict[str, int] = {}
    _collect_lines(root, "", lines, path)
    return values, lines


def _collect_lines(node: yaml.Node | None, prefix: str, lines: dict[str, int], path: Path) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        if name in lines:
            raise IsnadError(f"the key `{name}` stands twice", path=path, line=key.start_mark.line + 1)
        lines[name] = key.start_mark.line + 1
        _collect_lines(value, f"{name}.", lines, path)


def apply_overrides(values: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """`values` with dotted `key=value` words laid over it; values are read as YAML."""
    merged = {k: dict(v) if isinstance(v, dict) else v for k, v in values.items()}
    for word in overrides:
        key, sign, raw = word.partition("=")
        if not sign or not key:
            raise IsnadError(f"expected key=value on the command line, found {word!r}")
        here = merged
        *parents, last = key.split(".")
        for parent in parents:
            here = here.setdefault(parent, {})
            if not isinstance(here, dict):
                raise IsnadError(f"{word!r}: `{parent}` is a value, not a section")
        try:
            here[last] = yaml.safe_load(raw)
        except yaml.YAMLError as error:
            problem = getattr(error, "problem", None) or "it does not parse"
            raise IsnadError(f"expected a YAML value on the command line, found {word!r}: {problem}") from error
    return merged


def build(
    cls: type[C],
    values: dict[str, Any],
    *,
    path: Path | None = None,
    lines: dict[str, int] | None = None,
    words: Sequence[str] = (),
) -> C:
    """`cls` from `values`; raises IsnadError with every problem, one a line, instead of a traceback.

    `lines` and `words` (the `key=value` of the command line) say where each value came from.
    """
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        problems = [_where(e["loc"], path, lines or {}, words) + _explain(cls, dict(e)) for e in error.errors()]
        raise IsnadError("\n".join(problems)) from error


def _where(loc: tuple[Any, ...], path: Path | None, lines: dict[str, int], words: Sequence[str]) -> str:
    """The word or the line that set the value at `loc` or what it stands in."""
    for length in range(len(loc), 0, -1):
        key = ".".join(str(part) for part in loc[:length])
        word = next((w for w in reversed(words) if w.partition("=")[0] == key), None)
        if word is not None:
            return f"{word}: "
        if key in lines:
            return f"{path}:{lines[key]}: "
    return "" if path is None else f"{path}: "


def _explain(cls: type[Config], error: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key `{key}`; {_suggestion(cls, error['loc'])}"
    found = error["input"]
    hint = ""
    if isinstance(found, str) and _is_number(found):
        hint = f"; YAML reads {found} as text, write {float(found)!r}"
    elif isinstance(found, bool):
        hint = "; YAML reads yes, no, on and off as true and false: put quotes around a word"
    shown = "nothing" if error["type"] == "missing" else f"{type(found).__name__} {found!r}"
    return f"`{key}`: expected: {error['msg'].lower()}; found {shown}{hint}"


def _suggestion(cls: type[Config], loc: tuple[Any, ...]) -> str:
    here: Any = cls
    for part in loc[:-1]:
        field = here.model_fields.get(part) if hasattr(here, "model_fields") else None
        here = field.annotation if field else None
    known = list(here.model_fields) if hasattr(here, "model_fields") else []
    close = difflib.get_close_matches(str(loc[-1]), known, 1)
    return f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def dump(config: Config) -> str:
    """The resolved config as YAML, keys in the class's order."""
    return yaml.safe_dump(config.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
