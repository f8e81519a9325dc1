"""Distribution functions from whichever tail is small, so that neither end of a prior loses its digits.

A standard normal score of 8 leaves 6e-16 above it. Written as a probability near one that is rounded away; written
as the probability of the upper tail it keeps every digit. Each function here takes or gives both tails.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    ndtr,
    ndtri,
)

__all__ = [
    "LARGEST",
    "from_score",
    "inverse_gamma_quantile",
    "inverse_gamma_tails",
    "log",
    "log_density_of_log_normal",
    "log_density_of_t",
    "representable",
    "size_of_t",
    "tails_of_size_of_t",
    "to_score",
]

Floats = NDArray[np.float64]

LARGEST = 1e75
"""Standard deviations are kept between its inverse and this, so that products of their squares stay numbers."""


def from_score(z: Floats, quantile: Callable[[Floats, Floats], Floats]) -> Floats:
    """Quantile at a standard normal score, same shape.

    Parameters
    ----------
    z
        Scores.
    quantile
        Quantile from the probability below and the probability above.
    """
    return quantile(np.asarray(ndtr(z)), np.asarray(ndtr(-np.asarray(z))))


def to_score(below: Floats, above: Floats) -> Floats:
    """Standard normal score, from the smaller of the probabilities below and above."""
    return np.asarray(np.where(below < above, ndtri(below), -ndtri(above)))


def representable(log_value: Floats) -> Floats:
    """Exponential, held between ``1 / LARGEST`` and `LARGEST`."""
    bound = np.log(LARGEST)
    return np.exp(np.clip(log_value, -bound, bound))


def size_of_t(df: float, below: Floats, above: Floats) -> Floats:
    """Quantile of the absolute value of Student's t.

    Parameters
    ----------
    df
        Degrees of freedom.
    below, above
        Probability below and above the quantile; the smaller one is used.
    """
    # t^2 / (df + t^2) is Beta(1/2, df/2). Share and rest come from separate inversions: neither is one minus the other.
    small = below < above
    low, high = np.where(small, below, 0.5), np.where(small, 0.5, above)
    share = np.where(small, betaincinv(0.5, 0.5 * df, low), betainccinv(0.5, 0.5 * df, high))
    rest = np.where(small, betainccinv(0.5 * df, 0.5, low), betaincinv(0.5 * df, 0.5, high))
    return np.asarray(np.sqrt(df * share / rest))


def tails_of_size_of_t(df: float, size: Floats) -> tuple[Floats, Floats]:
    """Probability that the absolute value of Student's t is below `size`, and above."""
    ratio = np.asarray(size, dtype=np.float64) ** 2 / df
    share, rest = ratio / (1.0 + ratio), 1.0 / (1.0 + ratio)
    below = np.where(share < rest, betainc(0.5, 0.5 * df, share), betaincc(0.5 * df, 0.5, rest))
    above = np.where(share < rest, betaincc(0.5, 0.5 * df, share), betainc(0.5 * df, 0.5, rest))
    return below, above


def inverse_gamma_quantile(shape: float, rate: float, below: Floats, above: Floats) -> Floats:
    """Logarithm of the quantile of an inverse-gamma.

    Parameters
    ----------
    shape, rate
        Its inverse is gamma with this shape and rate.
    below, above
        Probability below and above the quantile; the smaller one is used.
    """
    small = below < above
    gamma = np.where(
        small,
        gammainccinv(shape, np.where(small, below, 0.5)),
        gammaincinv(shape, np.where(small, 0.5, above)),
    )
    # Far down, P(shape, g) = g^shape / Gamma(shape + 1); with a tiny shape g itself is too small to be a number.
    far = (np.log(np.maximum(above, 1e-300)) + gammaln(shape + 1.0)) / shape
    with np.errstate(divide="ignore"):
        log_gamma = np.where(far < -500.0, far, np.log(gamma))
    return np.asarray(np.log(rate) - log_gamma)


def inverse_gamma_tails(shape: float, rate: float, value: Floats) -> tuple[Floats, Floats]:
    """Probability that an inverse-gamma is below `value`, and above."""
    with np.errstate(divide="ignore"):
        inverse = rate / np.asarray(value, dtype=np.float64)
    return np.asarray(gammaincc(shape, inverse)), np.asarray(gammainc(shape, inverse))


def log(value: Floats) -> Floats:
    """Natural logarithm: minus infinity at zero, NaN below, without a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(value))


def log_density_of_t(df: float, t: Floats) -> Floats:
    """Log density of Student's t at `t`."""
    constant = gammaln(0.5 * (df + 1.0)) - gammaln(0.5 * df) - 0.5 * math.log(df * math.pi)
    return np.asarray(constant - 0.5 * (df + 1.0) * np.log1p(t * t / df))


def log_density_of_log_normal(value: Floats, mean: float, sd: float) -> Floats:
    """Log density at `value` of what has a normal logarithm with this mean and standard deviation."""
    # At zero the density is zero, reached through a logarithm that is still a number.
    logarithm = np.maximum(log(value), -1e100)
    score = (logarithm - mean) / sd
    density = -0.5 * (score * score + math.log(2.0 * math.pi)) - math.log(sd) - logarithm
    return np.where(np.asarray(value) > 0.0, density, -np.inf)
