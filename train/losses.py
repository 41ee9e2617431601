"""The one loss of the neural kinds: stance, and the weighted attribution and token-tag losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch.nn import functional as F

Model = Callable[..., dict[str, torch.Tensor]]

TAG_POSITIVE_WEIGHT = 3.0
"""Cue and source tokens are rare: a missed one costs this many times a false one."""


@dataclass(frozen=True, slots=True)
class StanceLoss:
    """What is asked of the stance logits beside cross-entropy; the defaults ask nothing."""

    smoothing: float = 0.0
    """Share of each target that is dealt to all stances alike (Szegedy et al. 2016, arXiv 1512.00567)."""
    gamma: float = 0.0
    """Each term counts (1 - p) ** gamma: what is known already counts less (Lin et al. 2017, arXiv 1708.02002)."""
    shift: torch.Tensor | None = None
    """`(4,)`, added to the logits in training: tau times the log shares (Menon et al. 2021, arXiv 2007.07314)."""

    def of(self, logits: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
        """The loss of each sentence, `(b,)`, from `logits (b, 4)` and the targets `soft (b, 4)`."""
        if self.shift is not None:
            logits = logits + self.shift.to(logits.device)
        logs = F.log_softmax(logits.float(), -1)
        if self.smoothing:
            soft = soft * (1 - self.smoothing) + self.smoothing / soft.shape[-1]
        if self.gamma:
            logs = logs * (1 - logs.exp()).clamp(min=1e-6) ** self.gamma
        return -(soft * logs).sum(-1)


PLAIN = StanceLoss()


@dataclass(frozen=True, slots=True)
class Gold:
    """Targets of a batch: `soft (b, 4)`, `attributed (b,)`, `tags (b, length, TAGS)`, `own (b, length)` bool; and what
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
    totals: torch.Tensor | None = None,
    stance_loss: StanceLoss = PLAIN,
) -> torch.Tensor:
    """Soft cross-entropy (or `stance_loss`) of the stance under `class_weight (4,)`, plus the other heads by weight.

    The three are means over the batch; `totals (3,)` (`loss_totals`, summed) makes them this batch's part of the means
    over a step of several batches.
    """
    stance, sentences, tokens = loss_totals(gold, class_weight) if totals is None else totals
    each = stance_loss.of(answers["stance"], gold.soft)
    loss: torch.Tensor = (each * _row_weight(gold, class_weight)).sum() / stance
    if attributed_weight:
        logits = answers["attributed"].float()
        each = F.binary_cross_entropy_with_logits(logits, gold.attributed, reduction="none")
        loss = loss + attributed_weight * ((each * gold.weight).sum() / sentences)
    if span_weight and bool(gold.own.any()):
        positive = torch.full(gold.tags.shape[-1:], TAG_POSITIVE_WEIGHT, device=loss.device)
        each = F.binary_cross_entropy_with_logits(
            answers["tags"].float()[gold.own], gold.tags[gold.own], pos_weight=positive, reduction="none"
        )
        loss = loss + span_weight * ((each.sum(-1) * _token_weight(gold)).sum() / tokens)
    return loss


@dataclass(frozen=True, slots=True)
class Objective:
    """What a training step makes small: the joint loss, and under `r_drop` what two passes disagree on."""

    class_weight: torch.Tensor
    attributed_weight: float
    span_weight: float
    stance_loss: StanceLoss = PLAIN
    r_drop: float = 0.0

    def totals(self, gold: Gold) -> torch.Tensor:
        """See `loss_totals`."""
        return loss_totals(gold, self.class_weight.to(gold.weight.device))

    def of_answers(self, answers: dict[str, torch.Tensor], gold: Gold, totals: torch.Tensor) -> torch.Tensor:
        """The joint loss of one pass."""
        weights = self.class_weight.to(gold.weight.device)
        return joint_loss(answers, gold, weights, self.attributed_weight, self.span_weight, totals, self.stance_loss)

    def __call__(
        self, model: Model, inputs: dict[str, torch.Tensor], gold: Gold, totals: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The loss of a batch, its part of a step whose `totals` are given."""
        totals = self.totals(gold) if totals is None else totals
        if not self.r_drop:
            return self.of_answers(model(**inputs), gold, totals)
        answers = model(**{k: torch.cat([v, v]) for k, v in inputs.items()})
        loss = self.of_answers(answers, twice(gold), 2 * totals)
        return loss + self.r_drop * disagreement(answers["stance"], gold, totals[1])


def loss_totals(gold: Gold, class_weight: torch.Tensor) -> torch.Tensor:
    """What the stance, attribution and tag losses of a batch are divided by: `(3,)`."""
    return torch.stack([_row_weight(gold, class_weight).sum(), gold.weight.sum(), _token_weight(gold).sum()])


def twice(gold: Gold) -> Gold:
    """`gold` behind itself, for a batch that goes through the model twice."""
    return Gold(**{f.name: torch.cat([getattr(gold, f.name)] * 2) for f in fields(Gold)})


def disagreement(logits: torch.Tensor, gold: Gold, sentences: torch.Tensor) -> torch.Tensor:
    """The mean of both KL divergences between the two halves of `logits (2b, 4)`: what R-Drop adds.

    `gold` is of one half; its weights are divided by their sum over the step, `sentences`. Liang et al. 2021,
    arXiv 2106.14448.
    """
    one, other = F.log_softmax(logits.float(), -1).chunk(2)
    each = ((one.exp() - other.exp()) * (one - other)).sum(-1) / 2
    found: torch.Tensor = (each * gold.weight).sum() / sentences
    return found


def _row_weight(gold: Gold, class_weight: torch.Tensor) -> torch.Tensor:
    weight: torch.Tensor = (gold.soft * class_weight).sum(-1) * gold.weight
    return weight


def _token_weight(gold: Gold) -> torch.Tensor:
    return gold.weight[:, None].expand_as(gold.own)[gold.own]
