"""The one loss of the neural kinds: stance, and the weighted attribution and token-tag losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

TAG_POSITIVE_WEIGHT = 3.0
"""Cue and source tokens are rare: a missed one costs this many times a false one."""


@dataclass(frozen=True, slots=True)
class Gold:
    """Targets of a batch: `soft (b, 4)`, `attributed (b,)`, `tags (b, length, 2)`, `own (b, length)` bool."""

    soft: torch.Tensor
    attributed: torch.Tensor
    tags: torch.Tensor
    own: torch.Tensor


def joint_loss(
    answers: dict[str, torch.Tensor],
    gold: Gold,
    class_weight: torch.Tensor,
    attributed_weight: float,
    span_weight: float,
) -> torch.Tensor:
    """Soft cross-entropy of the stance under `class_weight (4,)`, plus the other two heads by their weights."""
    logs = F.log_softmax(answers["stance"].float(), -1)
    row = (gold.soft * class_weight).sum(-1)
    loss = -((gold.soft * logs).sum(-1) * row).sum() / row.sum()
    if attributed_weight:
        logits = answers["attributed"].float()
        loss = loss + attributed_weight * F.binary_cross_entropy_with_logits(logits, gold.attributed)
    if span_weight and bool(gold.own.any()):
        positive = torch.full((2,), TAG_POSITIVE_WEIGHT, device=logs.device)
        tags = answers["tags"].float()[gold.own]
        loss = loss + span_weight * F.binary_cross_entropy_with_logits(tags, gold.tags[gold.own], pos_weight=positive)
    return loss
