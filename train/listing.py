"""Runs side by side, the best dev macro-F1 first: python -m train list [FOLDER …] [--json]

A run is a directory with the `config.yaml` that training writes; trials of a sweep are found too. Figures of runs on
different data (column `data`) do not compare.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml

from train.plot import read_rows
from train.progress import clock
from train.watch import METRICS, RunState, read_state

DEPTH = 3
"""Folders below the one asked for in which a run may lie."""
ENCODER = 32
"""Longest encoder shown; of a longer one the end."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the files of one run say of it; None where they say nothing."""

    name: str
    kind: str
    state: str
    encoder: str | None = None
    seed: int | None = None
    data: str | None = None
    """Fingerprint of train and dev, SHA-256."""
    dev_macro_f1: float | None = None
    """Of the artefact where there is one, else the best so far."""
    epoch: float | None = None
    epochs: int | None = None
    step: int | None = None
    seconds: float | None = None
    why: str | None = None


def run_directories(folder: Path) -> Iterator[Path]:
    """The runs in `folder`, itself among them, by name."""
    for depth in range(DEPTH + 1):
        for path in sorted(folder.glob("/".join(["*"] * depth + ["config.yaml"]))):
            yield path.parent


def read_run(out: Path, name: str) -> Listed | None:
    """The run in `out`; None where its config is not one of a training run."""
    try:
        config = yaml.safe_load((out / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return Listed(name, "?", "unreadable", why="its config.yaml cannot be read")
    if not isinstance(config, dict) or not isinstance(config.get("kind"), str):
        return None
    rows = read_rows(out / METRICS)
    final = next((r for r in reversed(rows) if "reloaded_labels_equal" in r), None)
    scores = [r["dev_macro_f1"] for r in ([final] if final else rows) if "dev_macro_f1" in r]
    at: dict[str, Any] = next((r for r in reversed(rows) if "step" in r), {})
    state = read_state(out) or RunState("done" if final else "stopped", "")
    return Listed(
        name=name,
        kind=config["kind"],
        state=state.state,
        encoder=config.get("encoder"),
        seed=config.get("seed"),
        data=_fingerprint(out / "data.json"),
        dev_macro_f1=max(scores, default=None),
        epoch=at.get("epoch"),
        epochs=config.get("epochs"),
        step=at.get("step"),
        seconds=_seconds(state),
        why=state.why,
    )


def _fingerprint(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _seconds(state: RunState) -> float | None:
    """How long it ran; of a running one, so far."""
    if state.state != "running":
        return state.seconds
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(state.began)).total_seconds()
    except (ValueError, TypeError):
        return None


def listed(folders: Sequence[Path]) -> list[Listed]:
    """All runs in `folders`, the best first, those without a figure last."""
    found = []
    for folder in folders:
        for out in run_directories(folder):
            name = out.relative_to(folder).as_posix()
            found.append(read_run(out, out.name if name == "." else name))
    return sorted((r for r in found if r is not None), key=lambda r: (-(r.dev_macro_f1 or -1.0), r.name))


# --- the table ------------------------------------------------------------------------------------

HEAD = ("run", "kind", "encoder", "seed", "data", "dev macro-F1", "epochs", "steps", "state", "time")
RIGHT = {"seed", "dev macro-F1", "epochs", "steps", "time"}


def as_table(runs: Sequence[Listed]) -> str:
    """Aligned columns under a head; below it why runs failed, and a warning where they learnt from different data."""
    rows = [HEAD, *(_cells(r) for r in runs)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = [
        "  ".join(
            cell.rjust(width) if head in RIGHT else cell.ljust(width)
            for cell, width, head in zip(row, widths, HEAD, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines += [f"{r.name}: {r.why}" for r in runs if r.why and r.state in ("failed", "unreadable")]
    if len({r.data for r in runs if r.data}) > 1:
        lines.append("runs on different data (column data) do not compare")
    return "\n".join(lines) + "\n"


def _cells(run: Listed) -> tuple[str, ...]:
    encoder = run.encoder or ""
    return (
        run.name,
        run.kind,
        encoder if len(encoder) <= ENCODER else "…" + encoder[1 - ENCODER :],
        _text(run.seed),
        (run.data or "")[:8],
        "" if run.dev_macro_f1 is None else f"{run.dev_macro_f1:.4f}",
        "" if run.epochs is None or run.epoch is None else f"{run.epoch:.3g}/{run.epochs}",
        _text(run.step),
        run.state,
        "" if run.seconds is None else clock(run.seconds),
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


@click.command(help=f"\b\n{__doc__}")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="An array of objects instead of a table.")
def list_command(folders: tuple[Path, ...], as_json: bool) -> None:
    """Print the table."""
    missing = [f for f in folders or (Path("runs"),) if not f.is_dir()]
    if missing:
        click.echo(
            f"error: {missing[0]}: expected a folder of runs, found none; train one, or correct the path", err=True
        )
        sys.exit(1)
    runs = listed(folders or (Path("runs"),))
    if as_json:
        click.echo(json.dumps([asdict(r) for r in runs], ensure_ascii=False, indent=1))
    elif runs:
        click.echo(as_table(runs), nl=False)
    else:
        click.echo("no runs here", err=True)
