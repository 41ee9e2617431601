"""Temperature scaling (Guo et al. 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar


def fit_temperature(logits: NDArray[np.float32], gold: NDArray[np.int64]) -> float:
    """The temperature (0.2 to 10) that minimises the log loss of `logits (n, k)` on `gold (n,)`."""
    logits = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        top = scaled.max(axis=1, keepdims=True)
        norm = top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))
        return float(np.mean(norm - scaled[np.arange(len(gold)), gold]))

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(10.0)), method="bounded")
    return float(np.exp(found.x))
