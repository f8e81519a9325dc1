"""How much studies of the same comparison differ beyond chance: tau2, I2 and their uncertainty.

Every estimator works on the rotated rows of `gls`, where the variance of a row is ``1 + tau2 * spread``, so it is
exact with studies of any number of arms. Restricted and full likelihood are maximised by Newton's method on the
analytic score inside a bracket; where the score has several zeros, the one with the largest likelihood is taken.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtri

from myopoise.synthesis.findings import TestOfQ
from myopoise.synthesis.frequentist.gls import (
    ContrastNetwork,
    fit_effects,
    fitted_rows,
    laplacian,
    transposed,
    weights,
)

__all__ = ["Heterogeneity", "TauEstimator", "Variation", "estimate_tau2", "share_of_variation", "test_of_q"]

Floats = NDArray[np.float64]
TauEstimator = Literal["REML", "ML", "DL", "PM"]

_STEPS = 200
_PRECISE = 1e-13


@dataclass(frozen=True)
class Heterogeneity:
    """Between-study variance.

    Parameters
    ----------
    tau2
        Estimate; NaN where no comparison or loop was seen twice, so that nothing says how much studies differ.
    se
        From the observed information; NaN for an estimator that has none, or where it is not positive.
    """

    tau2: float
    se: float


@dataclass(frozen=True)
class Variation:
    """Share of the variation of estimates that is not chance.

    Parameters
    ----------
    i2, low, high
        Between 0 and 1, with a 95% interval (Higgins & Thompson 2002).
    h, h_low, h_high
        Square root of Q over its degrees of freedom, at least one, and its interval.
    """

    i2: float
    low: float
    high: float
    h: float
    h_low: float
    h_high: float


@dataclass(frozen=True)
class _Profile:
    value: float
    score: float
    curvature: float


def test_of_q(q: float, df: int) -> TestOfQ:
    """A Q statistic with the probability of a larger one.

    Parameters
    ----------
    q, df
        Statistic and degrees of freedom.

    Returns
    -------
    test
        P is NaN without a degree of freedom.
    """
    return TestOfQ(q, df, float(chdtrc(df, q)) if df > 0 else math.nan)


test_of_q.__test__ = False  # type: ignore[attr-defined]


def share_of_variation(q: float, df: int) -> Variation:
    """I2 and H from Cochran's Q.

    Parameters
    ----------
    q, df
        Of common effects.

    Returns
    -------
    variation
        NaN without a degree of freedom; the interval is NaN with one alone and Q at most two.
    """
    if df < 1:
        return Variation(*(math.nan,) * 6)
    h = math.sqrt(max(q / df, 1.0))
    if q > df + 1:
        se = 0.5 * (math.log(q) - math.log(df)) / (math.sqrt(2.0 * q) - math.sqrt(2.0 * df - 1.0))
    elif df > 1:
        se = math.sqrt((1.0 - 1.0 / (3.0 * (df - 1.0) ** 2)) / (2.0 * (df - 1.0)))
    else:
        se = math.nan
    reach = float(ndtri(0.975)) * se
    h_low, h_high = (max(h * math.exp(side), 1.0) if side == side else math.nan for side in (-reach, reach))
    i2, low, high = (1.0 - 1.0 / x**2 for x in (h, h_low, h_high))
    return Variation(i2, low, high, h, h_low, h_high)


def estimate_tau2(
    network: ContrastNetwork, estimator: TauEstimator, basis: Floats | None = None
) -> Heterogeneity:
    """Between-study variance of a network.

    Parameters
    ----------
    network
        Connected, or joined by `basis`.
    estimator
        ``REML`` or ``ML`` by exact likelihood, ``DL`` by moments of Q (Jackson 2012), ``PM`` so that the generalised
        Q equals its degrees of freedom (Paule & Mandel 1982).
    basis
        Effects of treatments from parameters, full rank; against the reference unless told.

    Returns
    -------
    heterogeneity
        Never negative.

    References
    ----------
    rucker2012
    """
    basis = network.basis if basis is None else basis
    if len(network.y) <= basis.shape[1]:
        return Heterogeneity(math.nan, math.nan)
    if estimator == "DL":
        return Heterogeneity(_moments(network, basis), math.nan)
    if estimator == "PM":
        return Heterogeneity(_paule_mandel(network, basis), math.nan)
    if estimator in ("REML", "ML"):
        return _likeliest(network, basis, estimator == "REML")
    raise ValueError(f"unknown estimator of tau2: {estimator!r}; choose REML, ML, DL or PM")


def _moments(network: ContrastNetwork, basis: Floats) -> float:
    fitted = fit_effects(network, 0.0, basis)
    inner = np.linalg.inv(basis.T @ laplacian(network, np.ones_like(network.y)) @ basis)
    outer = basis.T @ laplacian(network, network.spread) @ basis
    expected = float(network.spread.sum() - np.vdot(inner, outer))
    return max(0.0, (fitted.q - fitted.df) / expected)


def _paule_mandel(network: ContrastNetwork, basis: Floats) -> float:
    def excess(tau2: float) -> tuple[float, float]:
        fitted = fit_effects(network, tau2, basis)
        slope = -float((weights(network, tau2) ** 2 * network.spread) @ fitted.residuals**2)
        return fitted.q - fitted.df, slope

    if excess(0.0)[0] <= 0.0:
        return 0.0
    # The part of Q that lies inside studies does not shrink as tau2 grows: with more of it than there are degrees of
    # freedom no tau2 makes them equal.
    if network.inconsistency >= len(network.y) - basis.shape[1]:
        return math.nan
    high = _above(lambda x: excess(x)[0], network)
    return _root(excess, 0.0, high)


def _above(falling: Callable[[float], float], network: ContrastNetwork) -> float:
    """A value of tau2 where the function is negative."""
    high = float(1.0 / np.median(network.spread))
    for _ in range(_STEPS):
        if falling(high) < 0.0:
            break
        high *= 4.0
    return high


def _root(function: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """Where a function falls through zero, by Newton's method, halving where that would leave the bracket."""
    x = 0.5 * (low + high) if low > 0.0 else low
    for _ in range(_STEPS):
        value, slope = function(x)
        low, high = (x, high) if value > 0.0 else (low, x)
        step = x - value / slope if slope < 0.0 else math.nan
        after = step if low < step < high else 0.5 * (low + high)
        if abs(after - x) <= _PRECISE * max(after, _PRECISE * high) or value == 0.0:
            return after if value else x
        x = after
    return x


def _likeliest(network: ContrastNetwork, basis: Floats, restricted: bool) -> Heterogeneity:
    def at(tau2: float) -> _Profile:
        return _profile(network, basis, tau2, restricted)

    def score(tau2: float) -> tuple[float, float]:
        found = at(tau2)
        return found.score, found.curvature

    scale = float(1.0 / np.median(network.spread))
    grid = [0.0, *(scale * np.geomspace(1e-4, 1.0, 6)).tolist()]
    while at(grid[-1]).score > 0.0 and len(grid) < _STEPS:
        grid.append(grid[-1] * 4.0)
    grid.append(grid[-1] * 4.0)
    profiles = [at(tau2) for tau2 in grid]
    tops = [0.0] if profiles[0].score <= 0.0 else []
    for k, (left, right) in enumerate(itertools.pairwise(profiles)):
        if left.score > 0.0 >= right.score:
            tops.append(_root(score, grid[k], grid[k + 1]))
    best = tops[0] if len(tops) == 1 else max(tops, key=lambda tau2: at(tau2).value)
    information = -at(best).curvature
    return Heterogeneity(best, 1.0 / math.sqrt(information) if information > 0.0 else math.nan)


def _profile(network: ContrastNetwork, basis: Floats, tau2: float, restricted: bool) -> _Profile:
    """Log likelihood with the effects at their best for this tau2, its slope and its curvature in tau2.

    With w = 1 / (1 + tau2 spread), A = X'WX, B = X'W²SX and C = X'W³S²X of the rows, and e their residuals::

        -2 l  = sum log(1 + tau2 spread) + e'We  [+ log |A|]
        -2 l' = sum w s - e'W²Se  [- tr A⁻¹B]
        -2 l'' = -sum w²s² + 2 e'W³S²e - 2 g'A⁻¹g  [+ 2 tr A⁻¹C - tr A⁻¹BA⁻¹B],   g = X'W²Se
    """
    weight = weights(network, tau2)
    once, twice = weight * network.spread, (weight * network.spread) ** 2
    equations = basis.T @ laplacian(network, weight) @ basis
    inverse = np.linalg.inv(equations)
    parameters = inverse @ (basis.T @ transposed(network, weight * network.y))
    residuals = network.y - fitted_rows(network, basis @ parameters)
    squares = weight * residuals**2
    pull = basis.T @ transposed(network, once * weight * residuals)
    value = -float(np.log(weight).sum()) + float(squares.sum())
    slope = float(once.sum() - once @ squares)
    bend = float(-twice.sum() + 2.0 * twice @ squares - 2.0 * pull @ inverse @ pull)
    if restricted:
        first = inverse @ (basis.T @ laplacian(network, once * weight) @ basis)
        second = basis.T @ laplacian(network, twice * weight) @ basis
        value += float(np.linalg.slogdet(equations)[1])
        slope -= float(np.trace(first))
        bend += float(2.0 * np.vdot(inverse, second) - np.vdot(first.T, first))
    return _Profile(-0.5 * value, -0.5 * slope, -0.5 * bend)
