"""The one loss of the neural kinds: stance, and the weighted attribution and token-tag losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

TAG_POSITIVE_WEIGHT = 3.0
"""Cue and source tokens are rare: a missed one costs this many times a false one."""


@dataclass(frozen=True, slots=True)
class Gold:
    """Targets of a batch: `soft (b, 4)`, `attributed (b,)`, `tags (b, length, 2)`, `own (b, length)` bool; and what
    each sentence counts, `weight (b,)`."""

    soft: torch.Tensor
    attributed: torch.Tensor
    tags: torch.Tensor
    own: torch.Tensor
    weight: torch.Tensor


def joint_loss(
    answers: dict[str, torch.Tensor],
    gold: Gold,
    class_weight: torch.Tensor,
    attributed_weight: float,
    span_weight: float,
) -> torch.Tensor:
    """Soft cross-entropy of the stance under `class_weight (4,)`, plus the other two heads by their weights."""
    logs = F.log_softmax(answers["stance"].float(), -1)
    row = (gold.soft * class_weight).sum(-1) * gold.weight
    loss = -((gold.soft * logs).sum(-1) * row).sum() / row.sum()
    if attributed_weight:
        logits = answers["attributed"].float()
        each = F.binary_cross_entropy_with_logits(logits, gold.attributed, reduction="none")
        loss = loss + attributed_weight * _mean(each, gold.weight)
    if span_weight and bool(gold.own.any()):
        positive = torch.full((2,), TAG_POSITIVE_WEIGHT, device=logs.device)
        each = F.binary_cross_entropy_with_logits(
            answers["tags"].float()[gold.own], gold.tags[gold.own], pos_weight=positive, reduction="none"
        )
        token_weight = gold.weight[:, None].expand_as(gold.own)[gold.own]
        loss = loss + span_weight * _mean(each.mean(-1), token_weight)
    return loss


def _mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (values * weights).sum() / weights.sum()
