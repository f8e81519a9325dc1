"""Given the standard deviations, a Gaussian for everything else: the inner step of the inference.

Gauss-Newton goes to the mode of x with the arm and study terms eliminated block by block, so a step costs
O(results + columns cubed). With a normal likelihood one step is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.nesting import group_sum

__all__ = ["Mixture", "conditional_gaussians"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NEWTON_STEPS = 30
_NEWTON_TOLERANCE = 1e-3
"""Largest move of a linear predictor at which a mode is reached: what is found here is only proposed, then weighted."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """The posterior of x as Gaussians over nodes of theta.

    Parameters
    ----------
    weight
        Shape ``(node,)``, summing to one.
    z
        Standard-normal scores of theta, shape ``(node, hyper)``.
    mean
        Shape ``(node, column)``.
    scale
        Prior standard deviation of each column, shape ``(node, column)``.
    cholesky
        Lower factor of the precision of ``x / scale``, shape ``(node, column, column)``.
    """

    weight: Floats
    z: Floats
    mean: Floats
    scale: Floats
    cholesky: Floats

    def linear(self, contrast: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of ``contrast @ x`` at every node."""
        half = np.linalg.solve(self.cholesky, (self.scale * contrast)[..., None])[..., 0]
        return self.mean @ contrast, np.sqrt((half**2).sum(-1))


def conditional_gaussians(
    model: LatentModel, z: Floats, near: Floats | None = None
) -> tuple[Mixture, NDArray[np.bool_]]:
    """Mode and Gaussian of x at each node of theta.

    Parameters
    ----------
    model
        The model.
    z
        Shape ``(node, hyper)``.
    near
        Where to start, shape ``(column,)``; None for the prior mean. It saves steps and changes nothing else.

    Returns
    -------
    mixture
        With equal weights.
    converged
        Shape ``(node,)``.
    """
    theta = model.theta(z)
    scale = np.sqrt(model.column_variance.at(theta))
    levels = _levels(model, theta)
    part_arm = model.arm[model.result]
    x = np.broadcast_to(model.column_mean if near is None else near, scale.shape).copy()
    term = _first_terms(model, x, levels)
    precision = np.broadcast_to(np.eye(scale.shape[1]), (len(z), *scale.shape[1:], scale.shape[1]))
    converged = np.zeros(len(z), dtype=bool)
    for _ in range(_NEWTON_STEPS):
        residual, variance, slope = model.likelihood.working(model.design @ x.T + term[part_arm], model.mix)
        total = np.maximum(group_sum(slope, model.result), 1e-12)
        row = group_sum((slope / total[model.result])[..., None] * model.design[:, None, :], model.result)
        response = residual / total + (row * x).sum(-1) + term[model.arm]
        information = total * total / variance
        precision, right = _normal_equations(model, theta, row, response, information, levels, scale)
        new = model.column_mean + scale * np.linalg.solve(precision, right[..., None])[..., 0]
        new_term = _shared_terms(response - (row * new).sum(-1), information, levels)
        step = new - x
        change = np.abs((row * step).sum(-1) + (new_term - term)[model.arm]).max(0, initial=0.0)
        damping = np.minimum(1.0, 1.5 / np.maximum(change, 1e-300))
        x = x + damping[:, None] * step
        term = term + damping * (new_term - term)
        converged = change < _NEWTON_TOLERANCE
        if converged.all():
            break
    mixture = Mixture(np.full(len(z), 1.0 / len(z)), z, x, scale, np.linalg.cholesky(precision).astype(float))
    return mixture, converged


def _levels(model: LatentModel, theta: Floats) -> tuple[tuple[Ints, Floats], ...]:
    """The two nested terms, from the inside out: who shares it, and its variance ``(group, node)``."""
    return (
        (model.arm, model.arm_variance.at(theta).T),
        (model.study, model.study_variance.at(theta).T),
    )


def _first_terms(model: LatentModel, x: Floats, levels: tuple[tuple[Ints, Floats], ...]) -> Floats:
    """Terms to start from, shape ``(arm, node)``: the observed value, within three prior sd."""
    (arm, arm_variance), (study, study_variance) = levels
    reach = 3.0 * np.sqrt(study_variance[study] + arm_variance)
    start = model.likelihood.start()[:, None] - model.mix.average(model.design @ x.T)
    return np.clip(group_sum(start, arm) / np.bincount(arm)[:, None], -reach, reach)


def _shared_terms(left: Floats, information: Floats, levels: tuple[tuple[Ints, Floats], ...]) -> Floats:
    """Best study plus arm term of each arm given what x leaves unexplained, shape ``(arm, node)``."""
    (arm, arm_variance), (study, study_variance) = levels
    arm_information, arm_pull = group_sum(information, arm), group_sum(information * left, arm)
    shrink = 1.0 + arm_variance * arm_information
    study_information = group_sum(arm_information / shrink, study)
    u = study_variance * group_sum(arm_pull / shrink, study) / (1.0 + study_variance * study_information)
    return np.asarray(u[study] + arm_variance * (arm_pull - arm_information * u[study]) / shrink)


def _normal_equations(
    model: LatentModel,
    theta: Floats,
    row: Floats,
    response: Floats,
    information: Floats,
    levels: tuple[tuple[Ints, Floats], ...],
    scale: Floats,
) -> tuple[Floats, Floats]:
    """Precision and right-hand side of ``(x - mean) / scale``, arm and study terms eliminated.

    A term shared by the members of a group leaves their differences alone and takes information from their mean. So
    the scatter about each group's weighted mean is added here, and the means go on to the next level.
    """
    response = response - row @ model.column_mean
    row = row * scale
    precision, right = np.eye(scale.shape[1]), np.zeros(1)
    for group, variance in levels:
        total = group_sum(information, group)
        crowd = np.flatnonzero(np.bincount(group)[group] > 1)
        if len(crowd):
            mean_row = group_sum(information[..., None] * row, group) / total[..., None]
            mean_response = group_sum(information * response, group) / total
            from_mean = row[crowd] - mean_row[group[crowd]]
            left = response[crowd] - mean_response[group[crowd]]
            precision, right = _added(precision, right, from_mean, left, information[crowd])
            row, response = mean_row, mean_response
        information = total / (1.0 + variance * total)
    precision, right = _added(precision, right, row, response, information)
    known = model.comparisons
    if len(known.se):
        z = np.where(np.isfinite(known.z), np.nan_to_num(known.z), 1.96 / np.sqrt(3.0))
        width = known.se**2 * (1.0 + z**2) + known.variance.at(theta)
        design = known.design * scale[:, None, :]
        precision = precision + np.swapaxes(design, 1, 2) @ (design / width[..., None])
        centre = known.design @ model.column_mean
        right = right - (design * (centre / width)[..., None]).sum(1)
    return precision, right


def _added(
    precision: Floats, right: Floats, row: Floats, response: Floats, information: Floats
) -> tuple[Floats, Floats]:
    """Normal equations with the information of some rows added."""
    weighted = row * information[..., None]
    more = np.einsum("rjc,rjd->jcd", weighted, row, optimize=True)
    return precision + more, right + (weighted * response[..., None]).sum(0)
