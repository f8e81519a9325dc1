"""Given the standard deviations, a Gaussian for everything else: the inner step of the inference.

Gauss-Newton goes to the mode of x with the arm and study terms eliminated block by block, so a step costs
O(results + columns cubed). With a normal likelihood one step is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.nesting import group_sum, mixed_rows

__all__ = ["Mixture", "Start", "conditional_gaussians", "joined"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NEWTON_STEPS = 30
_FULL_STEPS = 8
"""Expected and observed information differ where arms are mixed; steps that still swing after these are halved."""
_NEWTON_TOLERANCE = 4e-3
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
    level
        Linear predictor of each arm at the mode, study and arm terms included, mean over its parts, ``(arm, node)``.
    """

    weight: Floats
    z: Floats
    mean: Floats
    scale: Floats
    cholesky: Floats
    level: Floats

    def linear(self, contrast: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of ``contrast @ x`` at every node."""
        half = np.linalg.solve(self.cholesky, (self.scale * contrast)[..., None])[..., 0]
        return self.mean @ contrast, np.sqrt((half**2).sum(-1))

    def covariance(self) -> Floats:
        """Covariance of x at every node, shape ``(node, column, column)``."""
        half = np.linalg.solve(self.cholesky, self.scale[:, :, None] * np.eye(self.scale.shape[1]))
        return np.asarray(np.swapaxes(half, 1, 2) @ half)


def joined(parts: Sequence[Mixture]) -> Mixture:
    """Several mixtures as one, their weights as they are."""
    return Mixture(
        np.concatenate([part.weight for part in parts]),
        np.concatenate([part.z for part in parts]),
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.scale for part in parts]),
        np.concatenate([part.cholesky for part in parts]),
        np.concatenate([part.level for part in parts], axis=1),
    )


@dataclass(frozen=True, eq=False)
class Start:
    """Where to look for modes first: it saves steps and changes nothing else.

    Parameters
    ----------
    x
        Shape ``(column,)`` or ``(node, column)``.
    level
        Linear predictor of each arm, terms included, shape ``(arm, node)``; None for what was observed.
    """

    x: Floats
    level: Floats | None = None

    def __getitem__(self, nodes: slice) -> Start:
        """The starts of some nodes."""
        return Start(
            self.x if self.x.ndim == 1 else self.x[nodes],
            None if self.level is None else self.level[:, nodes],
        )


def conditional_gaussians(
    model: LatentModel, z: Floats, near: Start | None = None
) -> tuple[Mixture, NDArray[np.bool_]]:
    """Mode and Gaussian of x at each node of theta.

    Parameters
    ----------
    model
        The model.
    z
        Shape ``(node, hyper)``.
    near
        Where to start; None for the prior mean.

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
    near = near or Start(model.column_mean)
    x = np.broadcast_to(near.x, scale.shape).copy()
    term = _first_terms(model, x, theta, levels, near.level)
    precision = np.empty((*scale.shape, scale.shape[1]))
    converged = np.zeros(len(z), dtype=bool)
    left = np.arange(len(z))
    for step in range(_NEWTON_STEPS):
        here = tuple((group, variance[:, left]) for group, variance in levels)
        point = _Point(theta[left], scale[left], here, x[left], term[:, left])
        full = 1.0 if step < _FULL_STEPS else 0.5
        precision[left], x[left], term[:, left], change = _stepped(model, point, full)
        converged[left] = change < _NEWTON_TOLERANCE
        if model.exact or converged.all():
            break
        if not model.replicated:
            # Replicates of the data run along the nodes, so all of them go on together.
            left = left[~converged[left]]
    if model.exact:
        converged[:] = True
    level = model.by_arm(model.predictor(x, theta)) + term if len(model.arm) else np.zeros((0, len(z)))
    weight = np.full(len(z), 1.0 / len(z))
    return Mixture(weight, z, x, scale, np.linalg.cholesky(precision).astype(float), level), converged


@dataclass(frozen=True, eq=False)
class _Point:
    """Where some nodes stand: theta and prior scale, variances of the terms, x, and the terms ``(arm, node)``."""

    theta: Floats
    scale: Floats
    levels: tuple[tuple[Ints, Floats], ...]
    x: Floats
    term: Floats


def _stepped(model: LatentModel, at: _Point, full: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Precision at a point, x and terms after one step from it, and how far a linear predictor moved."""
    rows = _working_rows(model, at.x, at.theta, at.term)
    precision, right = _normal_equations(model, at.theta, rows, at.levels, at.scale)
    step = model.column_mean + at.scale * np.linalg.solve(precision, right[..., None])[..., 0] - at.x
    term_step = _shared_terms(rows, at.x + step, at.levels) - at.term
    moved = np.matmul(rows.row, step[:, :, None])[..., 0] + rows.slope * term_step[model.arm].T
    relative = np.abs(moved) / np.maximum(rows.steepness, 1e-12)
    change = np.where(rows.steepness > 1e-9, relative, 0.0).max(1, initial=0.0)
    damping = np.minimum(full, (np.inf if model.exact else 1.5) / np.maximum(change, 1e-300))
    return precision, at.x + damping[:, None] * step, at.term + damping * term_step, change


@dataclass(frozen=True, eq=False)
class _Rows:
    """Every result as a linear observation at the present point: ``response = row x + slope term``, node first.

    `row` is ``(node, result, column)``, the others ``(node, result)``; `information` is one over the variance. The
    slope of a category between two thresholds may vanish though its parts are steep: `steepness` is the sum of theirs.
    """

    row: Floats
    slope: Floats
    response: Floats
    information: Floats
    steepness: Floats


def _working_rows(model: LatentModel, x: Floats, theta: Floats, term: Floats) -> _Rows:
    if not len(model.arm):
        empty = np.zeros((len(x), 0))
        return _Rows(np.zeros((len(x), 0, x.shape[1])), empty, empty, empty, empty)
    eta = model.predictor(x, theta) + term[model.part_arm]
    residual, variance, slope = model.likelihood.working(eta, model.mix(theta))
    if len(model.result) == len(model.arm):
        row = slope.T[..., None] * model.design
        total, steepness = slope, np.abs(slope)
    else:
        row = mixed_rows(slope.T, model.design, model.result)
        total, steepness = group_sum(slope, model.result), group_sum(np.abs(slope), model.result)
    response = residual.T + np.matmul(row, x[:, :, None])[..., 0] + (total * term[model.arm]).T
    return _Rows(row, total.T, response, (1.0 / variance).T, steepness.T)


def _levels(model: LatentModel, theta: Floats) -> tuple[tuple[Ints, Floats], ...]:
    """The two nested terms, from the inside out: who shares it, and its variance ``(group, node)``."""
    return (
        (model.arm, model.arm_variance.at(theta).T),
        (model.study, model.study_variance.at(theta).T),
    )


def _first_terms(
    model: LatentModel,
    x: Floats,
    theta: Floats,
    levels: tuple[tuple[Ints, Floats], ...],
    level: Floats | None,
) -> Floats:
    """Terms to start from, shape ``(arm, node)``: to the level given or else observed, within three prior sd."""
    (arm, arm_variance), (study, study_variance) = levels
    if not len(arm):
        return np.zeros((0, len(x)))
    reach = 3.0 * np.sqrt(study_variance[study] + arm_variance)
    eta = model.predictor(x, theta)
    if level is not None:
        return np.clip(level - model.by_arm(eta), -reach, reach)
    start = model.likelihood.start(eta, model.mix(theta))
    return np.clip(group_sum(start, arm) / np.bincount(arm)[:, None], -reach, reach)


def _shared_terms(rows: _Rows, x: Floats, levels: tuple[tuple[Ints, Floats], ...]) -> Floats:
    """Best study plus arm term of each arm given what x leaves unexplained, shape ``(arm, node)``."""
    (arm, arm_variance), (study, study_variance) = levels
    if not len(arm):
        return np.zeros((0, len(x)))
    left = (rows.response - np.matmul(rows.row, x[:, :, None])[..., 0]) * rows.slope * rows.information
    arm_information = group_sum((rows.slope**2 * rows.information).T, arm)
    arm_pull = group_sum(left.T, arm)
    shrink = 1.0 + arm_variance * arm_information
    study_information = group_sum(arm_information / shrink, study)
    u = study_variance * group_sum(arm_pull / shrink, study) / (1.0 + study_variance * study_information)
    return np.asarray(u[study] + arm_variance * (arm_pull - arm_information * u[study]) / shrink)


def _normal_equations(
    model: LatentModel,
    theta: Floats,
    rows: _Rows,
    levels: tuple[tuple[Ints, Floats], ...],
    scale: Floats,
) -> tuple[Floats, Floats]:
    """Precision and right-hand side of ``(x - mean) / scale``, arm and study terms eliminated.

    A term shared by the members of a group leaves their differences alone and takes information from their mean. So
    the scatter about each group's weighted mean is added here, and the means go on to the next level.
    """
    response = rows.response - rows.row @ model.column_mean
    row, slope, information = rows.row * scale[:, None, :], rows.slope, rows.information
    precision, right = np.eye(scale.shape[1]), np.zeros(1)
    for group, variance in levels if len(model.arm) else ():
        total = _by_group(slope**2 * information, group)
        pull = slope * information / np.maximum(total, 1e-300)[:, group]
        mean_row = mixed_rows(pull, row, group)
        mean_response = _by_group(pull * response, group)
        crowd = np.flatnonzero(np.bincount(group)[group] > 1)
        if len(crowd):
            mine = group[crowd]
            from_mean = row[:, crowd] - slope[:, crowd, None] * mean_row[:, mine]
            left = response[:, crowd] - slope[:, crowd] * mean_response[:, mine]
            precision, right = _added(precision, right, from_mean, left, information[:, crowd])
        row, response, slope = mean_row, mean_response, np.ones_like(total)
        information = total / (1.0 + variance.T * total)
    precision, right = _added(precision, right, row, response, information)
    precision, right = _with_contrasts(model, theta, scale, precision, right)
    return _with_comparisons(model, theta, scale, precision, right)


def _with_contrasts(
    model: LatentModel, theta: Floats, scale: Floats, precision: Floats, right: Floats
) -> tuple[Floats, Floats]:
    """Normal equations with the contrasts that studies printed as such."""
    for given in model.contrasts:
        studies, k, columns = given.design.shape
        inverse = np.linalg.inv(given.covariance_at(theta))
        row = given.design[:, None] * scale[:, None, :]
        weighted = inverse @ row
        left = given.estimate - given.design @ model.column_mean
        flat = np.swapaxes(row, 0, 1).reshape(len(theta), studies * k, columns)
        flat_weighted = np.swapaxes(weighted, 0, 1).reshape(len(theta), studies * k, columns)
        precision = precision + np.swapaxes(flat, 1, 2) @ flat_weighted
        right = right + (np.swapaxes(flat_weighted, 1, 2) @ left.reshape(-1, 1))[..., 0]
    return precision, right


def _with_comparisons(
    model: LatentModel, theta: Floats, scale: Floats, precision: Floats, right: Floats
) -> tuple[Floats, Floats]:
    """Normal equations with the comparisons known only through a P value, as a Gaussian near them."""
    known = model.comparisons
    if len(known.se):
        z = np.where(np.isfinite(known.z), np.nan_to_num(known.z), 1.96 / np.sqrt(3.0))
        width = known.se**2 * (1.0 + z**2) + known.variance.at(theta)
        design = known.design * scale[:, None, :]
        precision = precision + np.swapaxes(design, 1, 2) @ (design / width[..., None])
        centre = known.design @ model.column_mean
        right = right - (design * (centre / width)[..., None]).sum(1)
    return precision, right


def _by_group(values: Floats, group: Ints) -> Floats:
    """Sum over the members of each group along the second axis, ``(node, member, ...)`` to ``(node, group, ...)``."""
    return np.asarray(np.swapaxes(group_sum(np.swapaxes(values, 0, 1), group), 0, 1))


def _added(
    precision: Floats, right: Floats, row: Floats, response: Floats, information: Floats
) -> tuple[Floats, Floats]:
    """Normal equations with the information of some rows added."""
    weighted = np.swapaxes(row * information[..., None], 1, 2)
    return precision + weighted @ row, right + (weighted @ response[..., None])[..., 0]
