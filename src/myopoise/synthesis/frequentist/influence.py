"""What each study does to a pairwise meta-analysis, and what the meta-analysis says of each study.

Leaving out one study estimates tau2 anew, so that a study which alone makes the studies differ is seen as such.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from myopoise.errors import WrongUsage
from myopoise.synthesis.findings import Confidence
from myopoise.synthesis.frequentist.pairwise import PairwiseEstimate, PairwiseTest, confidence, fit_regression
from myopoise.synthesis.frequentist.pairwise_heterogeneity import PairwiseEstimator
from myopoise.synthesis.frequentist.pairwise_regression import Floats, Regression, regression_of

__all__ = ["Influence", "best_predictions", "estimate_influence"]


@dataclass(frozen=True, eq=False)
class Influence:
    """Influence of each study, in the order the studies were given.

    Parameters
    ----------
    whole
        The estimate from all studies.
    without
        The estimate from all studies but one.
    hat
        Leverage: how much a study's own estimate moves its fitted value, shape ``(study,)``; with no covariate, its
        weight.
    deleted_residuals
        Estimate less what the others predict, over the standard error of that difference (externally standardised).
    cooks_distance
        Squared distance of the coefficients with and without the study, in units of their covariance.
    dffits
        Change of the fitted value in standard errors.
    covariance_ratio
        Generalised variance of the coefficients without the study over that with it; below one, leaving it out makes
        the estimate more precise.
    predictions
        Best linear unbiased prediction of each study's true effect, drawn in towards the others.
    """

    whole: PairwiseEstimate
    without: tuple[PairwiseEstimate, ...]
    hat: Floats = field(repr=False)
    deleted_residuals: Floats = field(repr=False)
    cooks_distance: Floats = field(repr=False)
    dffits: Floats = field(repr=False)
    covariance_ratio: Floats = field(repr=False)
    predictions: tuple[Confidence, ...] = field(repr=False)


def estimate_influence(
    y: ArrayLike,
    v: ArrayLike,
    *,
    covariates: Mapping[str, ArrayLike] | None = None,
    tau_estimator: PairwiseEstimator = "REML",
    test: PairwiseTest = "z",
) -> Influence:
    """Influence of each study on a pairwise meta-analysis or meta-regression.

    Parameters
    ----------
    y, v
        Estimate and sampling variance of each study.
    covariates, tau_estimator, test
        As in `estimate_pairwise`; not ``GENQ``, whose weights are not those of the likelihood.

    Returns
    -------
    influence
        Of all studies.

    Raises
    ------
    WrongUsage
        Leaving out a study leaves covariates that cannot be told apart, or too few studies.

    References
    ----------
    viechtbauer2010b
    """
    if tau_estimator == "GENQ":
        raise WrongUsage("influence is not defined for GENQ; choose another estimator of tau2")
    regression = regression_of(y, v, covariates)
    k, width = regression.design.shape
    lost = [study for study in range(k) if np.linalg.matrix_rank(regression.without(study).design) < width]
    if lost:
        places = ", ".join(str(study + 1) for study in lost)
        raise WrongUsage(
            f"the coefficients cannot be told apart without these studies, counted from one: {places}"
        )
    whole = fit_regression(regression, tau_estimator, test)
    without = tuple(fit_regression(regression.without(study), tau_estimator, test) for study in range(k))
    return _compared(regression, whole, without)


def _compared(
    regression: Regression, whole: PairwiseEstimate, without: tuple[PairwiseEstimate, ...]
) -> Influence:
    x, y, v = regression.design, regression.y, regression.v
    fitted = regression.at(_known(whole.tau2))
    hat = ((x @ fitted.covariance) * x).sum(1) * fitted.weights
    b = np.array([value.estimate for value in whole.coefficients.values()])
    others = np.array([[value.estimate for value in one.coefficients.values()] for one in without])
    spread = np.array([one.covariance for one in without])
    tau2 = np.array([_known(one.tau2) for one in without])
    own = np.einsum("si,sij,sj->s", x, spread, x)
    moved = b - others
    inverse = np.linalg.inv(whole.covariance)
    return Influence(
        whole=whole,
        without=without,
        hat=hat,
        deleted_residuals=(y - (x * others).sum(1)) / np.sqrt(v + tau2 + own),
        cooks_distance=np.einsum("si,ij,sj->s", moved, inverse, moved),
        dffits=(x * moved).sum(1) / np.sqrt(hat * (v + tau2)),
        covariance_ratio=np.linalg.det(spread) / np.linalg.det(whole.covariance),
        predictions=best_predictions(regression, whole),
    )


def best_predictions(regression: Regression, estimate: PairwiseEstimate) -> tuple[Confidence, ...]:
    """The true effect of each study, predicted from its own estimate and from those of the others.

    Parameters
    ----------
    regression
        Contrasts and covariates.
    estimate
        Of them.

    Returns
    -------
    predictions
        Their standard errors hold that of the coefficients, not that of tau2.
    """
    x, v, tau2 = regression.design, regression.v, _known(estimate.tau2)
    share = tau2 / (tau2 + v)
    b = np.array([value.estimate for value in estimate.coefficients.values()])
    mean = share * regression.y + (1.0 - share) * (x @ b)
    se = np.sqrt(share * v + (1.0 - share) ** 2 * ((x @ estimate.covariance) * x).sum(1))
    return tuple(
        confidence(float(centre), float(width), estimate.residual_df)
        for centre, width in zip(mean, se, strict=True)
    )


def _known(tau2: float) -> float:
    return 0.0 if math.isnan(tau2) else tau2
