"""From a posterior to numbers a reader can use: `Synthesis` and weighted summaries of draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from myopoise.estimate import Estimate
from myopoise.synthesis.checking import Trust
from myopoise.synthesis.laplace import Posterior
from myopoise.vocabulary import Reading

__all__ = ["Synthesis", "estimate", "mixture_estimate", "probability_above", "summarise"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Synthesis:
    """What one reading of the evidence found.

    Parameters
    ----------
    reading
        Which reading.
    studies, patients
        Studies and patients that entered.
    parameters
        Posterior of every named component and standard deviation, on the probit scale.
    priors
        Each prior in words, with the interval it implies.
    trust
        Whether the computation may be believed.
    posterior
        The draws behind it.
    """

    reading: Reading
    studies: int
    patients: int
    parameters: Mapping[str, Estimate]
    priors: Mapping[str, str]
    trust: Trust
    posterior: Posterior = field(repr=False, compare=False)


def summarise(draws: Floats, posterior: Posterior, scale: str) -> Estimate:
    """Weighted posterior summary of one quantity.

    Parameters
    ----------
    draws
        Shape ``(draw,)``, a function of the posterior's draws.
    posterior
        Where they come from.
    scale
        What the number is, for the reader.

    Notes
    -----
    The numerical error is that of independent clusters of draws: draws at one node of theta are wrong together, and
    counting them as independent would understate the error of anything that depends on theta threefold.
    """
    weights = posterior.weights.values
    mean = float(weights @ draws)
    sd = float(np.sqrt(weights @ (draws - mean) ** 2))
    order = np.argsort(draws, kind="stable")
    middle = np.cumsum(weights[order]) - 0.5 * weights[order]
    low, median, high = np.interp((0.025, 0.5, 0.975), middle, draws[order])
    error = float(np.sqrt((np.bincount(posterior.cluster, weights * (draws - mean)) ** 2).sum()))
    return Estimate(mean, sd, float(median), float(low), float(high), scale, mcse=error)


def probability_above(draws: Floats, posterior: Posterior, threshold: float = 0.0) -> tuple[float, float]:
    """Posterior probability that a quantity exceeds `threshold`, and its numerical error."""
    above = summarise((draws > threshold).astype(float), posterior, "probability")
    return above.mean, above.mcse


def mixture_estimate(posterior: Posterior, contrast: Floats, scale: str) -> Estimate:
    """Exact summary of ``contrast @ x`` from the Gaussian mixture of a normal model: no Monte Carlo error.

    Parameters
    ----------
    posterior
        A posterior with `exact` true.
    contrast
        Shape ``(column,)``.
    scale
        What the number is.
    """
    weight = posterior.mixture.weight
    means, sds = posterior.mixture.linear(contrast)
    mean = float(weight @ means)
    sd = float(np.sqrt(weight @ (sds**2 + (means - mean) ** 2)))

    def quantile(level: float) -> float:
        """Quantile of the mixture, by bisection."""
        low, high = float((means - 12.0 * sds).min()), float((means + 12.0 * sds).max())
        for _ in range(100):
            half = 0.5 * (low + high)
            if float(weight @ ndtr((half - means) / sds)) < level:
                low = half
            else:
                high = half
        return 0.5 * (low + high)

    return Estimate(mean, sd, quantile(0.5), quantile(0.025), quantile(0.975), scale)


def estimate(posterior: Posterior, contrast: Floats, scale: str) -> Estimate:
    """Summary of ``contrast @ x``: exact where the model allows it, otherwise from the weighted draws."""
    if posterior.exact:
        return mixture_estimate(posterior, contrast, scale)
    return summarise(posterior.x @ contrast, posterior, scale)
