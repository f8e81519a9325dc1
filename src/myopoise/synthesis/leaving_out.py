"""What each study does to an answer, without fitting anew: the posterior without it, and its share of the information.

Without a study the posterior is the same draws with that study's likelihood divided out of their weights; Pareto
smoothing says where that cannot be trusted (Vehtari et al. 2017). The share of the information a study gives to one
contrast is how sharply its own log likelihood bends along that contrast's direction, at the middle of the posterior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.importance import Weights, smooth
from myopoise.synthesis.laplace import Posterior, over_draws
from myopoise.synthesis.quadrature import log_study_likelihoods

__all__ = ["TRUSTED_BELOW", "Without", "information_shares", "without_each_study"]

Floats = NDArray[np.float64]

TRUSTED_BELOW = 0.7
"""k-hat above which the posterior without a study must be fitted anew."""

_STEP = 0.5
"""Posterior standard deviations of a contrast between the points at which a likelihood is looked at."""


@dataclass(frozen=True, eq=False)
class Without:
    """The posterior without one study.

    Parameters
    ----------
    study
        Its identifier.
    weights
        Of the draws of the whole posterior.
    """

    study: str
    weights: Weights

    @property
    def ok(self) -> bool:
        """Whether the weights can be trusted."""
        return not self.weights.k_hat > TRUSTED_BELOW


def without_each_study(synthesis: Synthesis) -> tuple[Without, ...]:
    """The posterior without each study in turn, by reweighting.

    Parameters
    ----------
    synthesis
        A fitted reading.
    """
    posterior = synthesis.posterior
    model = posterior.model
    level = posterior.mixture.level[:, posterior.node]
    each = over_draws(
        lambda c: log_study_likelihoods(model, posterior.x[c], posterior.theta[c], level[:, c]),
        model,
        len(posterior.x),
    )
    log_weight = np.log(np.maximum(posterior.weights.values, 1e-300))
    return tuple(
        Without(study, smooth(log_weight - each[rows].sum(0)))
        for study, rows in _rows_of(synthesis.entered).items()
    )


def information_shares(synthesis: Synthesis, contrasts: Floats) -> Mapping[str, Floats]:
    """Share of the information on each contrast that each study gives; what is left is the prior's.

    Parameters
    ----------
    synthesis
        A fitted reading.
    contrasts
        Shape ``(contrast, column)``, of the components x.

    Returns
    -------
    shares
        By study, shape ``(contrast,)``: 0 to 1.

    Notes
    -----
    With precision P = P_0 + sum of P_s and V its inverse, the shares of ``c'Vc`` are ``c'V P_s V c``; they are found at
    the node of the standard deviations nearest to their posterior mean, from second differences along ``V c``.
    """
    posterior = synthesis.posterior
    mixture = posterior.mixture
    node = int(np.argmin(((mixture.z - mixture.weight @ mixture.z) ** 2).sum(1)))
    covariance = _covariance(posterior, node)
    direction = contrasts @ covariance
    variance = (contrasts * direction).sum(1)
    step = _STEP / np.sqrt(np.maximum(variance, 1e-300))
    moved = step[:, None] * direction
    x = mixture.mean[node] + np.concatenate([np.zeros((1, moved.shape[1])), moved, -moved])
    theta = np.repeat(posterior.model.theta(mixture.z[node])[None], len(x), axis=0)
    level = np.repeat(mixture.level[:, node][:, None], len(x), axis=1)
    found = log_study_likelihoods(posterior.model, x, theta, level)
    count = len(contrasts)
    bend = (2.0 * found[:, :1] - found[:, 1 : 1 + count] - found[:, 1 + count :]) / step**2
    shares = np.clip(bend / np.maximum(variance, 1e-300), 0.0, 1.0)
    return {study: shares[rows].sum(0) for study, rows in _rows_of(synthesis.entered).items()}


def _covariance(posterior: Posterior, node: int) -> Floats:
    scale, cholesky = posterior.mixture.scale[node], posterior.mixture.cholesky[node]
    half = np.linalg.solve(cholesky, np.diag(scale))
    return np.asarray(half.T @ half)


def _rows_of(entered: tuple[str, ...]) -> dict[str, list[int]]:
    """Places of each study among the likelihoods; one may have counts and a printed P value."""
    rows: dict[str, list[int]] = {}
    for place, study in enumerate(entered):
        rows.setdefault(study, []).append(place)
    return rows
