"""Cutting work into batches of like length."""

from __future__ import annotations

from collections.abc import Sequence

BATCH_TOKENS = 512
"""Padded tokens a batch; 512 to 1,024 are best on one core."""


def batches_by_tokens(lengths: Sequence[int], budget: int = BATCH_TOKENS) -> list[list[int]]:
    """Indices in order of length, cut where padded tokens would pass `budget`."""
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if not batches or (len(batches[-1]) + 1) * lengths[i] > budget:
            batches.append([])
        batches[-1].append(i)
    return batches
