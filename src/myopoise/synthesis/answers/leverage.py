"""Which data points the model fits badly, and which ones pull: the leverage plot as numbers.

Each point stands at the root of its residual deviance, with the sign of observed less fitted, and at its leverage. Its
share of the DIC is ``x**2 + y``, so points beyond the parabola ``x**2 + y = 3`` are usually looked at (NICE DSU TSD 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.likelihoods import BinomialCounts, NormalMeans, OrderedCounts, PoissonCounts
from myopoise.synthesis.nesting import group_sum
from myopoise.synthesis.quadrature import conditional_expectations

__all__ = ["LeveragePoint", "leverage_points", "parabola"]

Floats = NDArray[np.float64]

_DRAWS = 128


@dataclass(frozen=True)
class LeveragePoint:
    """One data point of the leverage plot.

    Parameters
    ----------
    study, treatment
        Which arm; of a study that gave contrasts, all its treatments.
    residual_deviance
        Posterior mean; about one for each number when the model fits.
    leverage
        Its part of the effective number of parameters.
    residual
        Root of the residual deviance, negative where less was observed than fitted; of contrasts, of which there may
        be several, always positive.
    dic
        Its part of the DIC: residual deviance plus leverage.
    """

    study: str
    treatment: str
    residual_deviance: float
    leverage: float
    residual: float
    dic: float


def leverage_points(found: NetworkSynthesis) -> tuple[LeveragePoint, ...]:
    """The points of the leverage plot, in the order of the data.

    Parameters
    ----------
    found
        A synthesis whose fit was described.

    Raises
    ------
    WrongUsage
        When the fit was not described.
    """
    if found.fit is None:
        raise WrongUsage("the fit of this synthesis was not described; ask for it with fit=True.")
    signs = _signs(found)
    return tuple(
        LeveragePoint(
            study, treatment, deviance, leverage, sign * max(deviance, 0.0) ** 0.5, deviance + leverage
        )
        for (study, treatment, deviance, leverage, _), sign in zip(found.fit.by_point, signs, strict=True)
    )


def parabola(dic: float, residual: Floats) -> Floats:
    """Leverage at which a point of this residual contributes `dic`: the curves of the plot.

    Parameters
    ----------
    dic
        1, 2, 3, 4 are usual.
    residual
        Root of the residual deviance.
    """
    return np.asarray(dic - np.asarray(residual) ** 2)


def _signs(found: NetworkSynthesis) -> list[float]:
    posterior, model = found.posterior, found.posterior.model
    signs: list[float] = []
    if len(model.arm):
        half = len(posterior.x) // 2
        first = np.arange(0, half, max(1, half // (_DRAWS // 2)))
        chosen = np.r_[first, first + half]
        weights = posterior.weights.values[chosen]
        level = posterior.mixture.level[:, posterior.node[chosen]]
        fitted = conditional_expectations(model, posterior.x[chosen], posterior.theta[chosen], level).fitted
        surplus = _surplus(model, fitted @ (weights / weights.sum()))
        signs += [1.0 if value >= 0.0 else -1.0 for value in surplus]
    return signs + [1.0 for given in model.contrasts for _ in given.estimate]


def _surplus(model: LatentModel, fitted: Floats) -> Floats:
    """Observed less fitted of each data point; of ordered categories, in mean category."""
    likelihood = model.likelihood
    match likelihood:
        case BinomialCounts():
            off = likelihood.events / likelihood.n - fitted
        case PoissonCounts():
            off = likelihood.events / likelihood.exposure - fitted
        case NormalMeans():
            off = likelihood.mean - fitted
        case OrderedCounts():
            first = np.flatnonzero(np.r_[True, np.diff(model.arm) > 0])
            category = np.arange(len(model.arm)) - first[model.arm]
            off = category * (likelihood.counts / likelihood.n - fitted)
        case _:
            return np.ones(int(model.point[-1]) + 1)
    return group_sum(off, model.point)
