"""Confidence intervals of the between-study variance, by inverting a test of Q.

*Q-profile* (Viechtbauer 2007) takes the values of tau2 at which the generalised Q is no unlikely chi-squared variable.
The *generalised Q* interval (Jackson 2013) keeps the weights fixed, and then Q is a sum of chi-squared variables with
unequal weights, whose distribution is computed here by integrating its Laplace transform back.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import chdtri

from myopoise.synthesis.frequentist.pairwise_heterogeneity import tau2_of_q
from myopoise.synthesis.frequentist.pairwise_regression import Floats, Regression

__all__ = ["crossing", "generalised_q_interval", "q_profile_interval", "sum_of_chi2_below"]

_STEPS = 200


def q_profile_interval(regression: Regression, level: float = 0.95) -> tuple[float, float]:
    """Interval of tau2 by Q-profile.

    Parameters
    ----------
    regression
        Contrasts and covariates.
    level
        Confidence level.

    Returns
    -------
    low, high
        Both zero where even tau2 = 0 makes Q unlikely small: no tau2 agrees with so little variation. NaN without a
        degree of freedom.

    References
    ----------
    viechtbauer2007
    """
    if regression.df < 1:
        return math.nan, math.nan
    tail = 0.5 * (1.0 - level)
    low = tau2_of_q(regression, float(chdtri(regression.df, tail)))
    high = tau2_of_q(regression, float(chdtri(regression.df, 1.0 - tail)))
    return low, high


def generalised_q_interval(
    regression: Regression, q_weights: Floats | None = None, level: float = 0.95
) -> tuple[float, float]:
    """Interval of tau2 by the exact distribution of a Q with fixed weights.

    Parameters
    ----------
    regression
        Contrasts and covariates.
    q_weights
        Fixed weights; one over the variance unless told.
    level
        Confidence level.

    Returns
    -------
    low, high
        Both zero where even tau2 = 0 makes Q unlikely small; NaN without a degree of freedom.

    References
    ----------
    jackson2013
    """
    if regression.df < 1:
        return math.nan, math.nan
    weight = 1.0 / regression.v if q_weights is None else q_weights
    projection = regression.projection(weight)
    q = float(regression.common.residuals @ projection @ regression.common.residuals)
    tail = 0.5 * (1.0 - level)

    def below(tau2: float) -> float:
        root = np.sqrt(regression.v + tau2)
        scale = np.linalg.eigvalsh(root[:, None] * projection * root)[-regression.df :]
        return sum_of_chi2_below(q, np.asarray(scale, dtype=np.float64))

    return _falls_to(below, 1.0 - tail, regression), _falls_to(below, tail, regression)


def _falls_to(below: Callable[[float], float], target: float, regression: Regression) -> float:
    """Where a probability that falls as tau2 grows passes a target; zero where it is below it everywhere."""
    if below(0.0) <= target:
        return 0.0
    low, high = 0.0, float(np.median(regression.v))
    while below(high) > target:
        low, high = high, 4.0 * high
    return crossing(lambda tau2: below(tau2) - target, low, high)


def crossing(function: Callable[[float], float], one: float, other: float, near: float = 1e-12) -> float:
    """Where a function passes zero between two points at which its sign differs, by the method of Illinois.

    Parameters
    ----------
    function
        Continuous.
    one, other
        Points on either side.
    near
        Relative length of a step after which nothing is left to improve.

    Returns
    -------
    zero
        Of the function.

    Examples
    --------
    >>> round(crossing(lambda x: x**2 - 2.0, 0.0, 2.0), 9)
    1.414213562
    """
    at_one, at_other = function(one), function(other)
    for _ in range(_STEPS):
        middle = other - at_other * (other - one) / (at_other - at_one)
        found = function(middle)
        if abs(middle - other) <= near * abs(middle) or found == 0.0:
            return middle
        if found * at_other < 0.0:
            one, at_one = other, at_other
        else:
            at_one *= 0.5
        other, at_other = middle, found
    return other


def sum_of_chi2_below(q: float, scale: Floats) -> float:
    """Probability that a weighted sum of independent chi-squared variables with one degree of freedom is at most q.

    Parameters
    ----------
    q
        Value of the sum.
    scale
        Weight of each variable, above zero.

    Returns
    -------
    probability
        To about twelve digits after the point.

    Notes
    -----
    The Laplace transform ``prod (1 + 2 l s)^(-1/2) / s`` of the distribution function is integrated back along a
    parabola through its saddle point. All singularities but the pole at zero lie far out on the negative axis, inside
    the parabola, and the integrand falls off like a normal density or faster, so that the trapezoidal rule converges
    geometrically, in the tails too. Above the mean the parabola passes between the pole and the others, and the
    integral is the probability above q.

    Examples
    --------
    >>> round(sum_of_chi2_below(3.841459, np.array([1.0])), 6)
    0.95
    """
    if q <= 0.0:
        return 0.0
    saddle = _saddle(q, scale)
    part = scale / (1.0 + 2.0 * scale * saddle)
    second = 1.0 / saddle**2 + 2.0 * float((part**2).sum())
    bend = -2.0 / 3.0 * float((part**3).sum() / (part**2).sum())
    step = 0.05 / math.sqrt(second)
    u = step * np.arange(600)
    s = saddle + 1j * u + bend * u**2
    exponent = s * q - np.log(s if saddle > 0.0 else -s) - 0.5 * np.log1p(2.0 * s[:, None] * scale).sum(1)
    # ds/du = i + 2 bend u, and the integral is over 2 pi i.
    value = (np.exp(exponent) * (1.0 - 2j * bend * u)).real
    found = step / math.pi * float(value.sum() - 0.5 * value[0])
    return found if saddle > 0.0 else 1.0 - found


def _saddle(q: float, scale: Floats) -> float:
    """Where ``q - 1/s - sum l / (1 + 2 l s)`` is zero: above zero for q below the mean of the sum, else below zero."""
    if q < float(scale.sum()):
        low, high = 0.0, (1.0 + 0.5 * len(scale)) / q
    else:
        low, high = -0.5 / float(scale.max()), 0.0
    s = 0.5 * (low + high)
    for _ in range(_STEPS):
        part = scale / (1.0 + 2.0 * scale * s)
        value = q - 1.0 / s - float(part.sum())
        low, high = (s, high) if value < 0.0 else (low, s)
        after = s - value / (1.0 / s**2 + 2.0 * float((part**2).sum()))
        if not low < after < high:
            after = 0.5 * (low + high)
        if abs(after - s) <= 1e-9 * abs(s):
            return after
        s = after
    return s
