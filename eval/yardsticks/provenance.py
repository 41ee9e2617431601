"""On which training data the floors were made: `floors.json`, beside `floors.tsv`.

    {"schema": "isnad-floors/1", "table": SHA-256 of floors.tsv, "floors": {"tfidf": {"kind": "tfidf",
     "data_fingerprint": "1a27…", "config_fingerprint": "09af…"}, …}}

The fingerprints are those of the artefact (`isnad.fingerprint`) and of the configuration file; null where a floor was
no run of `python -m train`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from eval.predict import artefact_of
from eval.predictions import Run
from isnad.artefact import read_manifest
from isnad.fingerprint import fingerprint_of

SCHEMA = "isnad-floors/1"
ANEW = "`make floors` makes them anew"


def beside(file: Path) -> Path:
    """Where the provenance of the table `file` stands."""
    return file.with_suffix(".json")


def provenance_text(runs: Sequence[Run], table: str) -> str:
    """The text of `floors.json` for the floors `runs`, whose answers are `table`."""
    floors = {}
    for run in runs:
        artefact = artefact_of(run.path.parent)
        manifest = read_manifest(artefact) if artefact else None
        floors[run.name] = {
            "kind": manifest.kind if manifest else None,
            "data_fingerprint": manifest.data_fingerprint if manifest else None,
            "config_fingerprint": run.config_fingerprint,
        }
    found = {"schema": SCHEMA, "table": sha256(table.encode()).hexdigest(), "floors": floors}
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def notes_on(names: Sequence[str], file: Path, data: Path) -> list[str]:
    """What a reader must know of the floors `names` of the table `file`: made on other labels than `data` holds now.

    Nothing where `data` is not there. Raises IsnadError where it is not whole.
    """
    if not names or not (data / "splits").is_dir():
        return []
    known = _read(file)
    if known is None:
        return [f"floors: on which training data they were made, {beside(file).name} does not say; {ANEW}."]
    today, alone = fingerprint_of(data), fingerprint_of(data, news=False)
    by_data: dict[str | None, list[str]] = {}
    for name in names:
        by_data.setdefault(known.get(name), []).append(name)
    return [_said(made_on, floors, today, alone) for made_on, floors in by_data.items() if made_on != today]


def _said(made_on: str | None, floors: Sequence[str], today: str, alone: str) -> str:
    which = f"floors {', '.join(floors)}"
    if made_on is None:
        return f"{which}: on which training data they were made is not known; {ANEW}."
    if made_on == alone:
        return f"{which}: made on composed articles alone, without the news that is in the training data; {ANEW}."
    return f"{which}: made on other training data ({made_on[:8]}) than that of today ({today[:8]}); {ANEW}."


def _read(file: Path) -> dict[str, str | None] | None:
    """By floor, the fingerprint of its training data; None where the file is none, or speaks of another table."""
    try:
        found: Any = json.loads(beside(file).read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA or found["table"] != sha256(file.read_bytes()).hexdigest():
            return None
        return {name: made["data_fingerprint"] for name, made in found["floors"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
