"""Twelve estimates of the between-study variance of a pairwise meta-analysis, each with its standard error.

Moment estimators are of the form ``c (y'Py - e)`` with a quadratic form that has no effect in it, so all their
variances are ``2 c² tr(P S P S)``, S the covariance of y (Viechtbauer 2005). Likelihoods are maximised by Newton's
method on the analytic score inside a bracket; where the score has several zeros, the one with the largest likelihood is
taken.

The empirical Bayes estimate is the fixed point of an iteration whose equation is that of Paule and Mandel, so the two
are one number here; programs that stop the iteration early differ in the last digits they print.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from scipy.special import chdtri

from myopoise.errors import WrongUsage
from myopoise.synthesis.frequentist.pairwise_regression import Floats, Regression

__all__ = ["PairwiseEstimator", "estimate_pairwise_tau2", "log_likelihoods", "tau2_of_q"]

PairwiseEstimator = Literal["EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "GENQ"]

_STEPS = 200
_NEAR = 1e-9
"""Relative length of a step of Newton's method after which nothing is left to improve: the error is its square."""


def estimate_pairwise_tau2(
    regression: Regression, estimator: PairwiseEstimator, q_weights: Floats | None = None
) -> tuple[float, float]:
    """Between-study variance and its standard error.

    Parameters
    ----------
    regression
        Contrasts and covariates.
    estimator
        ``EE`` none (equal effects); ``DL`` DerSimonian & Laird; ``HE`` Hedges; ``HS`` and ``HSk`` Hunter & Schmidt,
        with the small-sample correction; ``SJ`` Sidik & Jonkman; ``ML``, ``REML`` likelihood; ``EB`` and ``PM`` Paule &
        Mandel; ``PMM`` its median-unbiased variant; ``GENQ`` generalised Q with `q_weights`.
    q_weights
        Weights of the generalised Q; one over the variance unless told.

    Returns
    -------
    tau2, se
        Never negative; NaN where there is no degree of freedom (``EE``: zero, NaN).

    References
    ----------
    viechtbauer2005
    """
    if estimator not in get_args(PairwiseEstimator):
        raise WrongUsage(f"unknown estimator {estimator!r}; choose {', '.join(get_args(PairwiseEstimator))}")
    if estimator == "EE":
        return 0.0, math.nan
    if regression.df < 1:
        return math.nan, math.nan
    if estimator in ("ML", "REML"):
        return _likeliest(regression, estimator == "REML")
    if estimator in ("PM", "EB", "PMM"):
        target = float(chdtri(regression.df, 0.5)) if estimator == "PMM" else float(regression.df)
        tau2 = tau2_of_q(regression, target)
        total, k = float((1.0 / (regression.v + tau2)).sum()), len(regression.y)
        return tau2, math.sqrt(2.0 / regression.df) * k / total
    return _by_moments(regression, estimator, q_weights)


def _by_moments(
    regression: Regression, estimator: PairwiseEstimator, q_weights: Floats | None
) -> tuple[float, float]:
    v, k, df = regression.v, len(regression.y), regression.df
    if estimator == "SJ":
        first = max(float(regression.y.var()), 1e-300)
        form = _Form(regression, 1.0 / (v + first))
        return _with_se(regression, form, first / df, 0.0)
    if estimator == "HE":
        form = _Form(regression, np.ones(k))
    elif estimator == "GENQ" and q_weights is not None:
        form = _Form(regression, q_weights)
    else:
        form = _Form(regression, 1.0 / v)
    if estimator in ("HS", "HSk"):
        correction = k / df if estimator == "HSk" else 1.0
        return _with_se(regression, form, correction / float((1.0 / v).sum()), k / correction)
    return _with_se(regression, form, 1.0 / form.trace(), form.expected(v))


class _Form:
    """The quadratic form ``y'Py`` of some weights, without making the study-by-study matrix P.

    P = A - A X (X'AX)⁻¹ X'A, so that a trace of products of P and diagonal matrices is a sum over studies and a trace
    of matrices as small as there are columns.
    """

    def __init__(self, regression: Regression, weight: Floats) -> None:
        self.weight, self.x = weight, regression.design
        weighted = self.x * weight[:, None]
        self.inverse = np.linalg.inv(weighted.T @ self.x)
        residual = regression.common.residuals
        across = weighted.T @ residual
        self.value = float(weight @ residual**2 - across @ self.inverse @ across)

    def _between(self, middle: Floats) -> Floats:
        """``(X'AX)⁻¹ X' M X``."""
        product: Floats = self.inverse @ (self.x.T @ (self.x * middle[:, None]))
        return product

    def trace(self) -> float:
        """``tr P``."""
        return self.expected(np.ones_like(self.weight))

    def expected(self, variance: Floats) -> float:
        """``tr(P S)``, the mean of the form for contrasts of this variance."""
        return float(self.weight @ variance - np.trace(self._between(self.weight**2 * variance)))

    def spread(self, variance: Floats) -> float:
        """``tr(P S P S)``, half the variance of the form."""
        once = self._between(self.weight**2 * variance)
        twice = self._between(self.weight**3 * variance**2)
        return float(
            (self.weight * variance) @ (self.weight * variance)
            - 2.0 * np.trace(twice)
            + np.vdot(once.T, once)
        )


def _with_se(regression: Regression, form: _Form, scale: float, less: float) -> tuple[float, float]:
    tau2 = max(0.0, scale * (form.value - less))
    return tau2, scale * math.sqrt(2.0 * max(0.0, form.spread(regression.v + tau2)))


def tau2_of_q(regression: Regression, target: float) -> float:
    """The between-study variance at which the generalised Q equals a target, zero where Q is below it without any.

    Parameters
    ----------
    regression
        Contrasts and covariates.
    target
        Value of Q, above zero.

    Returns
    -------
    tau2
        By Newton's method on 1/Q, which is a straight line when all variances are equal.
    """
    tau2, low, high = 0.0, 0.0, math.inf
    for _ in range(_STEPS):
        q, slope = regression.q_and_slope(tau2)
        if q <= target and tau2 == 0.0:
            return 0.0
        low, high = (tau2, high) if q > target else (low, tau2)
        after = tau2 + (q / target - 1.0) * q / -slope if slope < 0.0 else math.nan
        if not low <= after <= high:
            after = 2.0 * low + 1e-12 if math.isinf(high) else 0.5 * (low + high)
        if abs(after - tau2) <= _NEAR * after:
            return after
        tau2 = after
    return tau2


def log_likelihoods(
    regression: Regression, tau2: float, residuals: Floats | None = None
) -> tuple[float, float]:
    """Full and restricted log likelihood at a between-study variance.

    Parameters
    ----------
    regression
        Contrasts and covariates.
    tau2
        Between-study variance.
    residuals
        Of other coefficients than the best ones.

    Returns
    -------
    full, restricted
        With all constants; the restricted one with ``log |X'X| / 2``, so that it does not depend on the scale of
        covariates.
    """
    fitted = regression.at(tau2)
    left = fitted.residuals if residuals is None else residuals
    shared = float(np.log(fitted.weights).sum() - fitted.weights @ left**2)
    inside = np.linalg.slogdet(regression.design.T @ regression.design)[1]
    inside += np.linalg.slogdet(fitted.covariance)[1]
    constant = math.log(2.0 * math.pi)
    return 0.5 * (shared - len(left) * constant), 0.5 * (shared - regression.df * constant + float(inside))


def _likeliest(regression: Regression, restricted: bool) -> tuple[float, float]:
    widest = float(np.max(regression.common.residuals**2))
    start = 1e-4 * float(np.median(regression.v))
    grid = np.concatenate([[0.0], np.geomspace(start, max(widest, 10.0 * start), 14)])
    scores = _score(regression, grid, restricted)[1]
    while scores[-1] > 0.0 and len(grid) < _STEPS:
        grid = np.append(grid, 4.0 * grid[-1])
        scores = np.append(scores, _score(regression, grid[-1:], restricted)[1])

    def score(tau2: float) -> tuple[float, float]:
        if regression.design.shape[1] == 1:
            return _score_of_one(regression, tau2, restricted)
        _, slope, bend = _score(regression, np.array([tau2]), restricted)
        return float(slope[0]), float(bend[0])

    tops = [0.0] if scores[0] <= 0.0 else []
    for place, (left, right) in enumerate(itertools.pairwise(scores.tolist())):
        if left > 0.0 >= right:
            tops.append(_falls_to_zero(score, float(grid[place]), float(grid[place + 1])))
    best = tops[0]
    if len(tops) > 1:
        values = _score(regression, np.array(tops), restricted)[0]
        best = tops[int(np.argmax(values))]
    return best, _expected_se(regression, best, restricted)


def _falls_to_zero(function: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """Where a function falls through zero, by Newton's method, halving where that would leave the bracket."""
    x = low if low > 0.0 else 0.5 * (low + high)
    for _ in range(_STEPS):
        value, slope = function(x)
        low, high = (x, high) if value > 0.0 else (low, x)
        step = x - value / slope if slope < 0.0 else math.nan
        after = step if low < step < high else 0.5 * (low + high)
        if abs(after - x) <= _NEAR * after:
            return after
        x = after
    return x


def _expected_se(regression: Regression, tau2: float, restricted: bool) -> float:
    """Standard error from the expected information, ``tr(PP)/2`` or ``sum w²/2``."""
    if not restricted:
        return math.sqrt(2.0 / float(((regression.v + tau2) ** -2).sum()))
    form = _Form(regression, 1.0 / (regression.v + tau2))
    return math.sqrt(2.0 / form.spread(np.ones_like(regression.v)))


def _score(regression: Regression, tau2: Floats, restricted: bool) -> tuple[Floats, Floats, Floats]:
    """Log likelihood up to a constant with coefficients at their best, its slope and curvature, ``(tau2,)`` each.

    With w = 1 / (v + tau2), A = X'WX, B = X'W²X, C = X'W³X and e the residuals::

        -2 l  = sum log(v + tau2) + e'We  [+ log |A|]
        -2 l' = sum w - e'W²e  [- tr A⁻¹B]
        -2 l'' = -sum w² + 2 e'W³e - 2 g'A⁻¹g  [+ 2 tr A⁻¹C - tr A⁻¹BA⁻¹B],   g = X'W²e
    """
    weight = 1.0 / (regression.v + tau2[:, None])
    squared = weight * weight
    a, a1, a0 = regression.moments(weight)
    b, b1, b0 = regression.moments(squared)
    c, c1, c0 = regression.moments(squared * weight)
    inverse = 1.0 / a if a.shape[1] == 1 else np.linalg.inv(a)
    shift = (inverse @ a1[:, :, None])[:, :, 0]
    squares = a0 - (shift * a1).sum(1)
    g = b1 - (b @ shift[:, :, None])[:, :, 0]
    twice = b0 - (shift * (b1 + g)).sum(1)
    thrice = c0 - (shift * (2.0 * c1 - (c @ shift[:, :, None])[:, :, 0])).sum(1)
    value = -np.log(weight).sum(1) + squares
    slope = weight.sum(1) - twice
    bend = -squared.sum(1) + 2.0 * thrice - 2.0 * (g * (inverse @ g[:, :, None])[:, :, 0]).sum(1)
    if restricted:
        first = inverse @ b
        value = value - np.linalg.slogdet(inverse)[1]
        slope = slope - np.trace(first, axis1=1, axis2=2)
        bend = bend + 2.0 * (inverse * c).sum((1, 2)) - (first * first.swapaxes(1, 2)).sum((1, 2))
    return -0.5 * value, -0.5 * slope, -0.5 * bend


def _score_of_one(regression: Regression, tau2: float, restricted: bool) -> tuple[float, float]:
    """Slope and curvature as `_score` has them, for an intercept alone: five times as fast."""
    (a, a1, _), (b, b1, b0), (c, c1, c0) = regression.powers(tau2)
    shift = a1 / a
    g = b1 - b * shift
    twice = b0 - shift * (b1 + g)
    thrice = c0 - shift * (2.0 * c1 - c * shift)
    slope = a - twice
    bend = 2.0 * thrice - b - 2.0 * g * g / a
    if restricted:
        slope -= b / a
        bend += 2.0 * c / a - (b / a) ** 2
    return -0.5 * slope, -0.5 * bend
