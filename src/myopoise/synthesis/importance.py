"""Importance weights that know when they cannot be trusted: Pareto smoothing, k-hat, effective sample.

Follows Vehtari, Simpson, Gelman, Yao & Gabry, 'Pareto smoothed importance sampling' (JMLR 2024), with the
generalised Pareto fit of Zhang & Stephens (2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["K_HAT_LIMIT", "Weights", "pareto_shape", "smooth"]

Floats = NDArray[np.float64]

K_HAT_LIMIT = 0.7
"""Above this the weights have no useful variance, and the result must not be believed."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Normalised weights and what they are worth.

    Parameters
    ----------
    values
        Shape ``(draw,)``, summing to one.
    k_hat
        Shape of the generalised Pareto tail; NaN when all weights are equal.
    effective
        Effective number of independent draws, ``1 / sum(values**2)``.
    log_mean
        Log of the mean unnormalised weight: the log marginal likelihood.
    """

    values: Floats
    k_hat: float
    effective: float
    log_mean: float


def pareto_shape(excess: Floats) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto fitted to sorted positive excesses (Zhang & Stephens 2009).

    Parameters
    ----------
    excess
        Ascending, all above zero.
    """
    n = len(excess)
    candidates = 30 + int(np.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    b = 1.0 - np.sqrt(candidates / (np.arange(1, candidates + 1) - 0.5))
    b = b / (3.0 * quartile) + 1.0 / excess[-1]
    k = np.log1p(-b[:, None] * excess).mean(1)
    log_likelihood = n * (np.log(-b / k) - k - 1.0)
    weight = np.exp(log_likelihood - log_likelihood.max())
    b_mean = float((b * weight).sum() / weight.sum())
    shape = float(np.log1p(-b_mean * excess).mean())
    scale = -shape / b_mean
    # A weak prior centred on 0.5 with the weight of ten draws steadies small tails.
    return (n * shape + 5.0) / (n + 10.0), scale


def smooth(log_weights: Floats) -> Weights:
    """Pareto-smooth the largest weights.

    Parameters
    ----------
    log_weights
        Shape ``(draw,)``: log target density less log proposal density.
    """
    peak = float(log_weights.max())
    values = np.exp(log_weights - peak)
    log_mean = peak + float(np.log(values.mean()))
    n = len(values)
    tail = int(min(0.2 * n, 3.0 * np.sqrt(n)))
    order = np.argsort(values, kind="stable")
    cut = values[order[-tail - 1]]
    excess = values[order[-tail:]] - cut
    k_hat = float("nan")
    if tail >= 5 and excess[0] > 0.0 and excess[-1] > 1e-10:
        k_hat, scale = pareto_shape(excess)
        quantile = (np.arange(tail) + 0.5) / tail
        smoothed = cut + scale * np.expm1(-k_hat * np.log1p(-quantile)) / k_hat
        values[order[-tail:]] = np.minimum(smoothed, 1.0)
    values = values / values.sum()
    return Weights(values, k_hat, float(1.0 / (values**2).sum()), log_mean)
