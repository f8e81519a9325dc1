"""Pairwise meta-analysis and meta-regression of contrasts with known variances.

    y_i = x_i'b + u_i + e_i,   u_i ~ N(0, tau2),   e_i ~ N(0, v_i)

Common effects are tau2 = 0. Intervals are 95%: normal, or by Hartung & Knapp (2001) with a t distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, fdtrc, ndtr, ndtri, stdtr, stdtrit

from myopoise.errors import WrongUsage
from myopoise.synthesis.findings import Confidence, TestOfQ
from myopoise.synthesis.frequentist.intervals import generalised_q_interval, q_profile_interval
from myopoise.synthesis.frequentist.pairwise_findings import ModeratorTest, PairwiseEstimate
from myopoise.synthesis.frequentist.pairwise_heterogeneity import (
    PairwiseEstimator,
    estimate_pairwise_tau2,
    log_likelihoods,
)
from myopoise.synthesis.frequentist.pairwise_regression import AtTau2, Floats, Regression, regression_of

__all__ = [
    "ModeratorTest",
    "PairwiseEstimate",
    "PairwiseTest",
    "confidence",
    "estimate_pairwise",
    "fit_regression",
    "predict_pairwise",
]

PairwiseTest = Literal["z", "knha", "adhoc"]


def estimate_pairwise(
    y: ArrayLike,
    v: ArrayLike,
    *,
    covariates: Mapping[str, ArrayLike] | None = None,
    tau_estimator: PairwiseEstimator = "REML",
    test: PairwiseTest = "z",
    q_weights: ArrayLike | None = None,
) -> PairwiseEstimate:
    """The pooled effect of studies, how much they differ, and what explains it.

    Parameters
    ----------
    y, v
        Estimate and sampling variance of each study.
    covariates
        Of each study; none for a plain meta-analysis.
    tau_estimator
        How tau2 is estimated; ``EE`` for common effects.
    test
        ``z`` normal; ``knha`` Hartung & Knapp; ``adhoc`` the same, never shorter than with ``z`` weights and t.
    q_weights
        Weights of ``GENQ``, of tau2 and of the coefficients; one over `v` unless told.

    Returns
    -------
    estimate
        Of coefficients, heterogeneity, tests and predictions.

    Raises
    ------
    WrongUsage
        A study cannot be used, or a name is unknown.

    References
    ----------
    viechtbauer2010
    hartung2001

    Examples
    --------
    >>> estimate_pairwise([0.1, 0.3], [0.01, 0.01], tau_estimator="EE").effect.estimate
    0.2
    """
    weights = None if q_weights is None else np.asarray(q_weights, dtype=np.float64)
    return fit_regression(regression_of(y, v, covariates), tau_estimator, test, weights)


def fit_regression(
    regression: Regression,
    tau_estimator: PairwiseEstimator,
    test: PairwiseTest,
    q_weights: Floats | None = None,
) -> PairwiseEstimate:
    """As `estimate_pairwise`, for studies that are a regression already.

    Parameters
    ----------
    regression
        Contrasts and covariates.
    tau_estimator, test, q_weights
        As in `estimate_pairwise`.

    Returns
    -------
    estimate
        Of coefficients, heterogeneity, tests and predictions.
    """
    _check(regression, tau_estimator, test, q_weights)
    warnings: list[str] = []
    tau2, tau2_se = estimate_pairwise_tau2(regression, tau_estimator, q_weights)
    if math.isnan(tau2):
        warnings.append(
            "There are no more studies than coefficients, so tau2 is not estimated. Intervals are those of common "
            "effects and are too short if studies differ."
        )
    fitted = regression.at(0.0 if math.isnan(tau2) else tau2)
    if tau_estimator == "GENQ":
        fitted = _held_weights(regression, fitted, 1.0 / regression.v if q_weights is None else q_weights)
    covariance, residual_df = _tested(regression, fitted, tau_estimator, test, warnings)
    se = np.sqrt(np.diag(covariance))
    low, high = _tau2_interval(regression, tau_estimator, q_weights)
    if low == high == 0.0 and tau2 > 0.0:
        warnings.append(
            "Studies vary less than chance would have them, even without heterogeneity: no tau2 fits."
        )
    full, restricted = log_likelihoods(regression, fitted.tau2, fitted.residuals)
    shares = _shares(regression, np.array([tau2, low, high]))
    plain = regression.design.shape[1] == 1
    centre, spread = float(fitted.coefficients[0]), math.hypot(se[0], math.sqrt(fitted.tau2))
    predicted = plain and tau_estimator != "EE" and not math.isnan(tau2)
    return PairwiseEstimate(
        model=_sentence(regression, tau_estimator, test),
        studies=len(regression.y),
        coefficients={
            name: confidence(float(b), float(s), residual_df)
            for name, b, s in zip(regression.names, fitted.coefficients, se, strict=True)
        },
        covariance=covariance,
        tau2=tau2,
        tau2_se=tau2_se,
        tau2_low=low,
        tau2_high=high,
        i2=shares[0],
        i2_low=shares[1],
        i2_high=shares[2],
        h2=1.0 / (1.0 - shares[0]),
        residual_heterogeneity=_residual_heterogeneity(regression),
        moderators=_moderators(fitted.coefficients, covariance, residual_df),
        log_likelihood=full,
        restricted_log_likelihood=restricted,
        prediction=_around(centre, spread, residual_df) if predicted else (math.nan, math.nan),
        prediction_riley=_around(centre, spread, regression.df - 1) if predicted else (math.nan, math.nan),
        weights=fitted.weights / fitted.weights.sum(),
        residual_df=residual_df,
        warnings=tuple(warnings),
    )


def predict_pairwise(
    estimate: PairwiseEstimate, at: Mapping[str, float], *, new_study: bool = False
) -> Confidence:
    """The effect at given values of the covariates.

    Parameters
    ----------
    estimate
        With covariates.
    at
        Value of each.
    new_study
        Give the interval of the true effect in one new study, instead of that of the mean of such studies.

    Returns
    -------
    effect
        `se` holds the spread between studies too, where `new_study` is asked for.
    """
    names = list(estimate.coefficients)
    if sorted(at) != sorted(names[1:]):
        raise WrongUsage(
            f"give a value of each covariate and no other: {', '.join(names[1:]) or 'there is none'}"
        )
    x = np.array([1.0, *(at[name] for name in names[1:])])
    b = np.array([value.estimate for value in estimate.coefficients.values()])
    variance = float(x @ estimate.covariance @ x) + (estimate.tau2 if new_study else 0.0)
    return confidence(float(x @ b), math.sqrt(variance), estimate.residual_df)


def confidence(estimate: float, se: float, df: float = math.inf) -> Confidence:
    """An estimate with its 95% interval and test, by a normal or t distribution.

    Parameters
    ----------
    estimate, se
        On the scale of the interval.
    df
        Degrees of freedom of t, infinite for the normal; NaN, and the interval is too, below one.

    Returns
    -------
    confidence
        Its P value is two-sided.

    Examples
    --------
    >>> round(confidence(0.0, 1.0).high, 6)
    1.959964
    """
    if df < 1.0:
        return Confidence(estimate, se, math.nan, math.nan, math.nan)
    z = -abs(estimate / se) if se > 0.0 else math.nan
    tail = float(ndtr(z)) if math.isinf(df) else float(stdtr(df, z))
    return Confidence(estimate, se, *_around(estimate, se, df), 2.0 * tail)


def _around(centre: float, spread: float, df: float) -> tuple[float, float]:
    if df < 1.0:
        return math.nan, math.nan
    reach = spread * float(ndtri(0.975) if math.isinf(df) else stdtrit(df, 0.975))
    return centre - reach, centre + reach


def _check(regression: Regression, estimator: str, test: str, q_weights: Floats | None) -> None:
    if test not in ("z", "knha", "adhoc"):
        raise WrongUsage(f"unknown test {test!r}; choose z, knha or adhoc")
    if estimator == "EE" and test != "z":
        raise WrongUsage("Hartung & Knapp's test is of random effects; take test z, or estimate tau2")
    if q_weights is None:
        return
    if estimator != "GENQ":
        raise WrongUsage("only GENQ takes weights of its own")
    if q_weights.shape != regression.y.shape or not (q_weights > 0.0).all():
        raise WrongUsage("GENQ needs one weight above zero for each study")


def _held_weights(regression: Regression, fitted: AtTau2, weight: Floats) -> AtTau2:
    """Coefficients by fixed weights, with their variance under heterogeneity."""
    weighted = regression.design * weight[:, None]
    inverse = np.linalg.inv(weighted.T @ regression.design)
    coefficients = inverse @ (weighted.T @ regression.y)
    residuals = regression.y - regression.design @ coefficients
    middle = weighted.T @ (weighted / fitted.weights[:, None])
    return AtTau2(
        fitted.tau2,
        weight,
        coefficients,
        inverse @ middle @ inverse,
        residuals,
        # Of the best coefficients at this tau2: what Hartung and Knapp's factor compares with its expectation.
        fitted.q,
    )


def _tested(
    regression: Regression,
    fitted: AtTau2,
    estimator: PairwiseEstimator,
    test: PairwiseTest,
    warnings: list[str],
) -> tuple[Floats, float]:
    """Covariance of the coefficients and degrees of freedom that the test has."""
    if test == "z":
        return fitted.covariance, math.inf
    if regression.df < 1:
        warnings.append("Hartung & Knapp's test needs more studies than coefficients; intervals are normal.")
        return fitted.covariance, math.inf
    scale = fitted.q / regression.df
    if test == "adhoc":
        scale = max(1.0, scale)
    return scale * fitted.covariance, float(regression.df)


def _tau2_interval(
    regression: Regression, estimator: PairwiseEstimator, q_weights: Floats | None
) -> tuple[float, float]:
    if estimator == "EE":
        return math.nan, math.nan
    if estimator == "GENQ":
        return generalised_q_interval(regression, q_weights)
    return q_profile_interval(regression)


def _shares(regression: Regression, tau2: Floats) -> list[float]:
    """I2 at each tau2, by the typical sampling variance of Higgins & Thompson (2002)."""
    if regression.df < 1:
        return [math.nan] * len(tau2)
    weight = 1.0 / regression.v
    inside = regression.design.T @ (regression.design * weight[:, None] ** 2)
    typical = regression.df / float(weight.sum() - np.vdot(regression.common.covariance, inside))
    tau2 = np.where(np.isnan(tau2[0]), 0.0, tau2) if np.isnan(tau2).all() else tau2
    shares: list[float] = (tau2 / (tau2 + typical)).tolist()
    return shares


def _residual_heterogeneity(regression: Regression) -> TestOfQ:
    q, df = regression.common.q, regression.df
    return TestOfQ(q, df, float(chdtrc(df, q)) if df > 0 else math.nan)


def _moderators(coefficients: Floats, covariance: Floats, residual_df: float) -> ModeratorTest:
    first = 0 if len(coefficients) == 1 else 1
    b, df = coefficients[first:], len(coefficients) - first
    statistic = float(b @ np.linalg.solve(covariance[first:, first:], b))
    if math.isinf(residual_df):
        return ModeratorTest(statistic, df, residual_df, float(chdtrc(df, statistic)))
    return ModeratorTest(statistic / df, df, residual_df, float(fdtrc(df, residual_df, statistic / df)))


def _sentence(regression: Regression, estimator: PairwiseEstimator, test: PairwiseTest) -> str:
    what = (
        "Meta-analysis"
        if len(regression.names) == 1
        else f"Meta-regression on {', '.join(regression.names[1:])}"
    )
    if estimator == "EE":
        return f"{what} of {len(regression.y)} studies, common effect, normal intervals"
    how = {
        "z": "normal intervals",
        "knha": "Hartung-Knapp intervals",
        "adhoc": "ad hoc Hartung-Knapp intervals",
    }
    return f"{what} of {len(regression.y)} studies, random effects, tau2 by {estimator}, {how[test]}"
