"""The label shares of an archive, group by group, corrected for the classifier's errors, and written.

`isnad profile` (isnad.commands.profile) reads the archive; the corrections are those of isnad.prevalence.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isnad import table
from isnad.answers import Groups
from isnad.archive import UNKNOWN
from isnad.artefact import read_manifest
from isnad.classifier import RELEASED, artefact_folder
from isnad.labels import Stance
from isnad.prevalence import LabelShare, Prevalence, check_confusion, label_shares, mean_prior

_WIDEST = 32
_CALIBRATION = "make one with `python -m train.calibration RUN` (a run directory or an artefact folder)"

Profile = Mapping[str, Prevalence]
"""The shares of each group, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Errors:
    """What dev says of a model: `confusion [gold, given]`, and the mean probabilities `[gold, 4]` where it has them."""

    confusion: list[list[int]]
    mean_scores: list[list[float]] | None


def errors_of(model: str | None) -> tuple[Errors | None, str]:
    """The error matrix in the artefact of `model`; or None, and a sentence that says why there is none to use.

    `model` is a path, "rules", or None for the released classifier. Raises IsnadError where there is no artefact.
    """
    if model == "rules":
        return None, f"the rule set has no error matrix, so its shares are not corrected; {_CALIBRATION}"
    manifest = read_manifest(artefact_folder(RELEASED if model is None else Path(model)))
    if manifest.confusion is None:
        name = f"the model {manifest.name}"
        return None, f"{name} has no error matrix, so its shares are not corrected; {_CALIBRATION}"
    try:
        check_confusion(manifest.confusion)
        if manifest.mean_scores is not None:
            mean_prior(manifest.confusion, manifest.mean_scores)
    except ValueError as error:
        return None, f"the error matrix of the model {manifest.name} corrects nothing: {error}; {_CALIBRATION}"
    return Errors(manifest.confusion, manifest.mean_scores), ""


def profile_of(groups: Groups, errors: Errors | None, by: str) -> Profile:
    """The shares of every group: months in their order, others the largest first, "unknown" last."""

    def place(name: str) -> tuple[bool, int, str]:
        return name == UNKNOWN, 0 if by == "month" else -len(groups[name].given), name

    found = {}
    for name in sorted(groups, key=place):
        answers = groups[name]
        scores = np.asarray(answers.scores).reshape(-1, len(Stance))
        tables = (None, None) if errors is None else (errors.confusion, errors.mean_scores)
        found[name] = label_shares(answers.given, scores, answers.articles, *tables)
    return found


# --- writing ------------------------------------------------------------------------------------------


def _table(shares: Profile, by: str) -> str:
    """A line a label, the group named on the first of its lines; what the marks mean stands below."""
    heads = ("" if by == "none" else by, "sentences", "articles", "stance", "naive", "ACC (95 %)", "EM (95 %)")
    rows: list[tuple[str, ...]] = [heads]
    for name, found in shares.items():
        group = table.isolated(table.shortened(table.clean(name), _WIDEST))
        counts = (
            group,
            f"{found.sentences:,}".rjust(9),
            f"{found.articles:,}{'*' if found.corrected and found.too_narrow else ' '}".rjust(9),
        )
        for stance, share in found.labels.items():
            first = counts if stance is Stance.from_id(0) else ("", "", "")
            rows.append((*first, f"{stance.icon} {stance.value}", _percent(share.naive), *_corrected(share, found)))
    widths = [max(map(table.cells, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("─" * width for width in widths))
    lines = [table.line(row, widths) for row in rows]
    corrected = [found for found in shares.values() if found.corrected]
    if corrected:
        lines += ["", "ACC: adjusted classify and count; EM: expectation maximisation"]
    if any(found.too_narrow for found in corrected):
        lines.append("* few articles: the intervals are too narrow")
    return "\n".join(lines) + "\n"


def _corrected(share: LabelShare, found: Prevalence) -> tuple[str, str]:
    if share.acc is None or share.em is None:
        return ("too few" if found.too_small else "–", "–")
    acc, em = (f"{_percent(e.value)} ({100 * e.low:.1f} to {100 * e.high:.1f})" for e in (share.acc, share.em))
    return acc, em


def _percent(share: float) -> str:
    return f"{share:6.1%}"


def _figures(share: LabelShare) -> dict[str, Any]:
    """The count and the shares in percent, one decimal; None where nothing was corrected."""
    figures: dict[str, Any] = {"count": share.count, "naive_percent": round(100 * share.naive, 1)}
    for name, estimate in (("acc", share.acc), ("em", share.em)):
        for part, suffix in (("value", ""), ("low", "_low"), ("high", "_high")):
            value = None if estimate is None else round(100 * getattr(estimate, part), 1)
            figures[f"{name}{suffix}_percent"] = value
    return figures


def _json(shares: Profile, by: str) -> str:
    groups = [
        {
            "group": name,
            "sentences": found.sentences,
            "articles": found.articles,
            "too_small": found.too_small,
            "labels": {stance.value: _figures(share) for stance, share in found.labels.items()},
        }
        for name, found in shares.items()
    ]
    return json.dumps({"by": by, "groups": groups}, ensure_ascii=False, indent=1) + "\n"


def _csv(shares: Profile, by: str) -> str:
    """A line a label of a group."""
    rows = [
        {"group": name, "sentences": found.sentences, "articles": found.articles, "label": stance.value}
        | _figures(share)
        for name, found in shares.items()
        for stance, share in found.labels.items()
    ]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


RENDERERS = {"table": _table, "json": _json, "csv": _csv}
"""A profile and its grouping as text, by the name of the format."""
