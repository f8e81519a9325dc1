"""Do small studies of one comparison tell another story? Egger, Peters, Begg, and trim-and-fill.

A funnel that is not symmetric may come from studies that were never published, and from true differences between small
and large trials: none of these tells the two apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from myopoise.errors import WrongUsage
from myopoise.synthesis.findings import Confidence
from myopoise.synthesis.frequentist.pairwise import (
    PairwiseEstimate,
    confidence,
    estimate_pairwise,
    fit_regression,
)
from myopoise.synthesis.frequentist.pairwise_heterogeneity import PairwiseEstimator
from myopoise.synthesis.frequentist.pairwise_regression import Floats, Regression, regression_of

__all__ = [
    "FunnelTest",
    "RankTest",
    "TrimAndFill",
    "begg_test",
    "egger_test",
    "peters_test",
    "trim_and_fill",
]

_ROUNDS = 100


@dataclass(frozen=True)
class FunnelTest:
    """A regression of effects on a measure of the size of the study.

    Parameters
    ----------
    slope
        Change of the effect per unit of that measure; its P value is that of the test.
    limit
        The effect in a study of infinite size.
    statistic
        Slope over its standard error.
    df
        Degrees of freedom of t; infinite for the normal.
    """

    slope: Confidence
    limit: Confidence
    statistic: float
    df: float


@dataclass(frozen=True)
class RankTest:
    """A rank correlation of effects and their variances.

    Parameters
    ----------
    tau
        Kendall's.
    p_value
        Two-sided; exact without ties and below 50 studies, else by the normal approximation.
    exact
        Which of the two.
    """

    tau: float
    p_value: float
    exact: bool


@dataclass(frozen=True, eq=False)
class TrimAndFill:
    """A funnel made symmetric.

    Parameters
    ----------
    missing
        How many studies were filled in.
    side
        On which side of the funnel.
    estimate
        From the studies and those filled in.
    y, v
        Estimates and variances of those filled in.
    """

    missing: int
    side: Literal["left", "right"]
    estimate: PairwiseEstimate
    y: Floats = field(repr=False)
    v: Floats = field(repr=False)


def egger_test(
    y: ArrayLike,
    v: ArrayLike,
    *,
    covariates: Mapping[str, ArrayLike] | None = None,
    tau_estimator: PairwiseEstimator = "REML",
    model: Literal["mixed", "multiplicative"] = "mixed",
) -> FunnelTest:
    """Regression of effects on their standard errors.

    Parameters
    ----------
    y, v
        Estimate and sampling variance of each study.
    covariates
        Other causes of differences between studies.
    tau_estimator
        Of the mixed model.
    model
        ``mixed`` adds tau2 and takes a normal test; ``multiplicative`` scales the variances and takes t, which is
        Egger's own regression of standardised effects on precision.

    Returns
    -------
    test
        Of the slope.

    References
    ----------
    egger1997
    """
    se = np.sqrt(np.asarray(v, dtype=np.float64))
    regression = regression_of(y, v, {**(covariates or {}), "standard error": se})
    if model == "multiplicative":
        return _least_squares(regression)
    if model != "mixed":
        raise WrongUsage(f"unknown model {model!r}; choose mixed or multiplicative")
    found = fit_regression(regression, tau_estimator, "z")
    slope = found.coefficients["standard error"]
    return FunnelTest(slope, found.effect, slope.estimate / slope.se, math.inf)


def peters_test(
    y: ArrayLike, v: ArrayLike, patients: ArrayLike, *, events: ArrayLike | None = None
) -> FunnelTest:
    """Regression of effects on one over the number of patients.

    Parameters
    ----------
    y, v
        Estimate and sampling variance of each study.
    patients
        Of each study, all arms together.
    events
        Of each study, all arms together; with them the weights are those of Peters for log odds ratios, without them
        one over `v`.

    Returns
    -------
    test
        Of the slope, t with studies less two degrees of freedom.

    References
    ----------
    peters2006
    """
    n = np.asarray(patients, dtype=np.float64)
    variance = np.asarray(v, dtype=np.float64)
    if events is not None:
        count = np.asarray(events, dtype=np.float64)
        with np.errstate(divide="ignore"):
            variance = n / (count * (n - count))
    kept = np.isfinite(variance)
    if not kept.any():
        raise WrongUsage("no study has both patients with the event and patients without it")
    return _least_squares(
        regression_of(np.asarray(y)[kept], variance[kept], {"1 / patients": (1.0 / n)[kept]})
    )


def _least_squares(regression: Regression) -> FunnelTest:
    """Weighted least squares with a residual variance that is estimated."""
    fitted = regression.common
    df = float(regression.df)
    scale = fitted.q / df if df > 0 else math.nan
    se = np.sqrt(scale * np.diag(fitted.covariance))
    limit, slope = (confidence(float(fitted.coefficients[i]), float(se[i]), df) for i in (0, -1))
    return FunnelTest(slope, limit, slope.estimate / slope.se if slope.se > 0.0 else math.nan, df)


def begg_test(y: ArrayLike, v: ArrayLike) -> RankTest:
    """Rank correlation of standardised effects with their variances.

    Parameters
    ----------
    y, v
        Estimate and sampling variance of each study.

    Returns
    -------
    test
        Kendall's.

    References
    ----------
    begg1994
    """
    regression = regression_of(y, v)
    if regression.df < 1:
        return RankTest(math.nan, math.nan, False)
    spread = regression.v - 1.0 / float((1.0 / regression.v).sum())
    return _kendall(regression.common.residuals / np.sqrt(spread), regression.v)


def _kendall(x: Floats, y: Floats) -> RankTest:
    k = len(x)
    signs = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
    score = float(signs.sum()) / 2.0
    pairs = k * (k - 1) / 2.0
    ties_x, ties_y = (np.unique(column, return_counts=True)[1].astype(np.float64) for column in (x, y))
    tied_x, tied_y = (float((t * (t - 1.0)).sum()) / 2.0 for t in (ties_x, ties_y))
    room = math.sqrt((pairs - tied_x) * (pairs - tied_y))
    if room == 0.0:
        return RankTest(math.nan, math.nan, False)
    if tied_x == tied_y == 0.0 and k < 50:
        return RankTest(score / room, _exact_tail(k, score), True)
    variance = (
        k * (k - 1) * (2 * k + 5)
        - float((ties_x * (ties_x - 1) * (2 * ties_x + 5)).sum())
        - float((ties_y * (ties_y - 1) * (2 * ties_y + 5)).sum())
    ) / 18.0
    variance += 4.0 * tied_x * tied_y / (2.0 * k * (k - 1))
    if k > 2:
        three = [float((t * (t - 1) * (t - 2)).sum()) for t in (ties_x, ties_y)]
        variance += three[0] * three[1] / (9.0 * k * (k - 1) * (k - 2))
    return RankTest(score / room, 2.0 * float(ndtr(-abs(score) / math.sqrt(variance))), False)


def _exact_tail(k: int, score: float) -> float:
    """Twice the smaller tail of the number of concordant pairs, all orders being equally likely."""
    probability = np.ones(1)
    for size in range(2, k + 1):
        probability = np.convolve(probability, np.full(size, 1.0 / size))
    concordant = round((score + k * (k - 1) / 2.0) / 2.0)
    return min(1.0, 2.0 * float(min(probability[: concordant + 1].sum(), probability[concordant:].sum())))


def trim_and_fill(
    y: ArrayLike,
    v: ArrayLike,
    *,
    tau_estimator: PairwiseEstimator = "REML",
    side: Literal["left", "right"] | None = None,
) -> TrimAndFill:
    """Fills in the studies that would make the funnel symmetric, by the estimator L0.

    Parameters
    ----------
    y, v
        Estimate and sampling variance of each study.
    tau_estimator
        Of all fits.
    side
        Side on which studies are missing; unless told, the one Egger's regression points away from.

    Returns
    -------
    filled
        A sensitivity analysis, not a better estimate.

    References
    ----------
    duval2000
    """
    regression = regression_of(y, v)
    if side is None:
        slope = egger_test(y, v, tau_estimator=tau_estimator).slope.estimate
        side = "right" if slope < 0.0 else "left"
    # Seen so that the studies are missing on the left, the extremes on the right are without a counterpart.
    sign = -1.0 if side == "right" else 1.0
    order = np.argsort(sign * regression.y, kind="stable")
    effect, variance = sign * regression.y[order], regression.v[order]
    k, missing, centre = len(effect), 0, 0.0
    for _ in range(_ROUNDS):
        kept = slice(0, k - missing)
        centre = estimate_pairwise(effect[kept], variance[kept], tau_estimator=tau_estimator).effect.estimate
        again = _rank_excess(effect - centre)
        if again == missing:
            break
        missing = again
    outer = slice(k - missing, k)
    filled, spread = sign * (2.0 * centre - effect[outer]), variance[outer]
    whole = estimate_pairwise(
        np.concatenate([regression.y, filled]),
        np.concatenate([regression.v, spread]),
        tau_estimator=tau_estimator,
    )
    return TrimAndFill(missing, side, whole, filled, spread)


def _rank_excess(difference: Floats) -> int:
    """The estimator L0 of how many more studies lie on the right than on the left."""
    k = len(difference)
    _, place, tied = np.unique(np.abs(difference), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(tied) - 0.5 * (tied - 1.0))[place] * np.sign(difference)
    excess = (4.0 * float(ranks[ranks > 0.0].sum()) - k * (k + 1)) / (2.0 * k - 1.0)
    return min(max(0, round(excess)), k - 1)
