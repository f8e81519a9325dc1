"""Contrasts of studies with several arms: from all pairs to the form with a baseline arm, and what must hold of them.

The variances of all pairwise contrasts of a study are distances between its arms, as electrical resistances are
(Rücker 2012). With ``C`` the centring matrix, ``L = pinv(-C R C / 2)`` is the weighted Laplacian of the study: its
off-diagonal entries, with the other sign, are the weights of the contrasts in one joint least-squares fit. Contrasts
that add up are reproduced by the fit; those that do not are moved to the nearest that do, and `Projected.distance` says
how far.

All functions take many studies with the same number of arms at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Projected", "covariance_of", "implied_arm_variances", "laplacian", "project", "triangle_gaps"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Projected:
    """Contrasts with a baseline arm, from all pairwise ones.

    Parameters
    ----------
    estimate
        Arm less first arm, shape ``(study, arm - 1)``.
    covariance
        Shape ``(study, arm - 1, arm - 1)``.
    distance
        Weighted sum of squares between the contrasts given and fitted, shape ``(study,)``.
    """

    estimate: Floats
    covariance: Floats
    distance: Floats


def covariance_of(variances: Floats) -> Floats:
    """Covariance of the contrasts with the first arm, from the variances of all pairwise contrasts.

    Parameters
    ----------
    variances
        Symmetric with a zero diagonal, shape ``(study, arm, arm)``.

    Notes
    -----
    ``2 Cov(j - 0, k - 0) = R_j0 + R_k0 - R_jk``, which is what the variance of a difference says.
    """
    with_first = variances[:, 1:, 0]
    covariance: Floats = (with_first[:, :, None] + with_first[:, None, :] - variances[:, 1:, 1:]) / 2
    return covariance


def laplacian(variances: Floats) -> Floats:
    """Weighted Laplacian whose effective resistances are the variances, shape ``(study, arm, arm)``.

    Parameters
    ----------
    variances
        Symmetric with a zero diagonal, shape ``(study, arm, arm)``.
    """
    return np.asarray(np.linalg.pinv(_centred(variances), hermitian=True), dtype=np.float64)


def _centred(variances: Floats) -> Floats:
    arms = variances.shape[-1]
    centring = np.eye(arms) - 1.0 / arms
    inner = -0.5 * centring @ variances @ centring
    symmetric: Floats = (inner + inner.swapaxes(1, 2)) / 2
    return symmetric


def project(differences: Floats, variances: Floats) -> Projected:
    """The contrasts that add up and are nearest to the pairwise contrasts given.

    Parameters
    ----------
    differences
        Arm of the row less arm of the column, antisymmetric, shape ``(study, arm, arm)``.
    variances
        Their variances, symmetric with a zero diagonal, shape ``(study, arm, arm)``.
    """
    weights = -laplacian(variances)
    arms = variances.shape[-1]
    weights[:, np.arange(arms), np.arange(arms)] = 0.0
    level = (_centred(variances) @ (weights * differences).sum(axis=2)[:, :, None])[:, :, 0]
    residual = differences - (level[:, :, None] - level[:, None, :])
    distance = (weights * residual**2).sum(axis=(1, 2)) / 2
    return Projected(level[:, 1:] - level[:, :1], covariance_of(variances), np.maximum(distance, 0.0))


def triangle_gaps(differences: Floats) -> tuple[Ints, Floats]:
    """By how much each three contrasts between three arms fail to add up.

    Parameters
    ----------
    differences
        Antisymmetric, shape ``(study, arm, arm)``.

    Returns
    -------
    corners
        The three arms of each triangle, shape ``(triangle, 3)``.
    gaps
        ``d_ij + d_jk - d_ik``, shape ``(study, triangle)``.
    """
    corners = np.array(list(combinations(range(differences.shape[-1]), 3)), dtype=np.int64).reshape(-1, 3)
    i, j, k = corners.T
    return corners, differences[:, i, j] + differences[:, j, k] - differences[:, i, k]


def implied_arm_variances(variances: Floats) -> tuple[Ints, Floats]:
    """Twice the variance that each pair of contrasts implies for the arm they share.

    Parameters
    ----------
    variances
        Symmetric with a zero diagonal, shape ``(study, arm, arm)``.

    Returns
    -------
    corners
        The shared arm and the two others, shape ``(corner, 3)``.
    doubled
        ``R_ij + R_ik - R_jk``, shape ``(study, corner)``; negative where contrast ``jk`` is less precise than the way
        round by ``i``, which no study with independent arms can be.
    """
    arms = variances.shape[-1]
    corners = np.array(
        [
            (shared, *pair)
            for shared in range(arms)
            for pair in combinations([arm for arm in range(arms) if arm != shared], 2)
        ],
        dtype=np.int64,
    ).reshape(-1, 3)
    i, j, k = corners.T
    return corners, variances[:, i, j] + variances[:, i, k] - variances[:, j, k]
