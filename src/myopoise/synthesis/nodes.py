"""Nodes over the standard deviations theta, where the posterior of theta is, and a Gaussian for the rest at each.

For one or two standard deviations nodes are a grid; for more they are quasi-random points, moved to where the Laplace
approximation of p(theta | y) is (after Rue, Martino & Chopin 2009).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from myopoise.synthesis.gaussians import Mixture, Start, conditional_gaussians, joined
from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.quadrature import log_marginal_likelihood

__all__ = ["Nodes", "kronecker", "log_evidence_at", "log_normal", "log_prior", "place"]

Floats = NDArray[np.float64]

_ENOUGH_NODES = 0.5
"""Effective nodes for each one asked for: what is enough; the rest of the error is stated in every `mcse`."""

_LOOKS, _FULL_LOOKS = 6, 3
"""At the posterior over theta, and how many of them take all nodes at least."""

_LEAST_CURVATURE, _MOST_CURVATURE = 0.4, 1e4
"""Of the log posterior of the scores; that of their prior is one. A fit to few nodes may say anything."""

_NODE_CHUNK = 32
_LOG_2_PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True, eq=False)
class Nodes:
    """Nodes over theta, and at each its Gaussian, log density ``p(y, z)``, whether the mode was reached, log volume."""

    mixture: Mixture
    log_density: Floats
    converged: NDArray[np.bool_]
    log_volume: Floats


def _log_prior_x(model: LatentModel, x: Floats, theta: Floats) -> Floats:
    variance = model.column_variance.at(theta)
    return np.asarray(-0.5 * ((x - model.column_mean) ** 2 / variance + np.log(variance) + _LOG_2_PI).sum(-1))


def log_normal(z: Floats) -> Floats:
    """Log density of independent standard-normal scores, ``(..., score)`` to ``(...,)``."""
    return np.asarray(-0.5 * (z * z + _LOG_2_PI).sum(-1))


def log_prior(model: LatentModel, x: Floats, theta: Floats, z: Floats) -> Floats:
    """Log prior density of x and of the scores z of theta, shape ``(draw,)``.

    Parameters
    ----------
    model
        The model.
    x, theta, z
        Shapes ``(draw, column)``, ``(draw, hyper)`` and ``(draw, hyper)``.
    """
    return log_normal(z) + _log_prior_x(model, x, theta)


def log_evidence_at(model: LatentModel, mixture: Mixture) -> Floats:
    """Laplace approximation of ``log p(y, z)`` at each node of a mixture, study and arm terms integrated exactly.

    Parameters
    ----------
    model, mixture
        The model, and the Gaussians at its nodes.
    """
    theta = model.theta(mixture.z)
    log_determinant = 2.0 * np.log(np.diagonal(mixture.cholesky, axis1=1, axis2=2)).sum(-1)
    value = log_prior(model, mixture.mean, theta, mixture.z)
    value = value + log_marginal_likelihood(model, mixture.mean, theta, mixture.level)
    volume = 0.5 * mixture.mean.shape[1] * _LOG_2_PI + np.log(mixture.scale).sum(-1) - 0.5 * log_determinant
    return np.asarray(value + volume)


def _log_marginal(
    model: LatentModel, z: Floats, near: Start | None = None
) -> tuple[Mixture, Floats, NDArray[np.bool_]]:
    """`log_evidence_at` each node, with the Gaussians behind it."""
    chunks = [slice(i, i + _NODE_CHUNK) for i in range(0, len(z), _NODE_CHUNK)]

    def gaussians(chunk: slice) -> tuple[Mixture, NDArray[np.bool_], Floats]:
        mixture, reached = conditional_gaussians(model, z[chunk], near and near[chunk])
        return mixture, reached, log_evidence_at(model, mixture)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(gaussians, chunks))
    mixture = joined([mixture for mixture, _, _ in found])
    converged = np.concatenate([reached for _, reached, _ in found])
    return mixture, np.concatenate([value for _, _, value in found]), converged


def place(model: LatentModel, count: int, like: Mixture | None = None) -> Nodes:
    """Nodes where the posterior of theta is.

    Parameters
    ----------
    model
        The model.
    count
        Of nodes, where theta has more than two dimensions.
    like
        Where the posterior of a model with the same standard deviations is, which saves looking for this one.
    """
    if not model.hypers:
        return Nodes(*_log_marginal(model, np.zeros((1, 0))), np.zeros(1))
    return _grid(model) if len(model.hypers) <= 2 else _adapted(model, count, like)


def kronecker(count: int, dimensions: int) -> Floats:
    """Evenly spread points in the unit cube (additive recurrence on powers of the generalised golden ratio)."""
    ratio = 1.5
    for _ in range(60):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1))
    step = ratio ** -np.arange(1.0, dimensions + 1.0)
    return np.asarray((0.5 + np.arange(1, count + 1)[:, None] * step) % 1.0)


def _grid(model: LatentModel) -> Nodes:
    """Tensor grid over one or two scores, zoomed to where the posterior is."""
    k = len(model.hypers)
    low, high = np.full(k, -8.0), np.full(k, 8.0)
    sizes = ([17, 17, 17, 49], [9, 9, 9, 21])[k - 1]
    found: Nodes | None = None
    for size in sizes:
        axes = [np.linspace(a, b, size) for a, b in zip(low, high, strict=True)]
        z = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, k)
        step = (high - low) / (size - 1)
        near = None if found is None else _nearest(found.mixture, z)
        found = Nodes(*_log_marginal(model, z, near), np.full(len(z), np.log(step).sum()))
        inside = z[found.log_density > found.log_density.max() - 25.0]
        low, high = np.maximum(inside.min(0) - step, -8.0), np.minimum(inside.max(0) + step, 8.0)
    if found is None:
        raise RuntimeError("a grid has at least one size")
    return found


def _nearest(mixture: Mixture, z: Floats) -> Start:
    """The modes of the nodes of `mixture` that are nearest to new ones."""
    nearest = np.abs(z[:, None] - mixture.z).sum(-1).argmin(1)
    return Start(mixture.mean[nearest], mixture.level[:, nearest])


def _adapted(model: LatentModel, count: int, like: Mixture | None) -> Nodes:
    """Quasi-random nodes over many scores: start from the prior, move to the posterior until enough nodes are there."""
    k = len(model.hypers)
    mean: Floats = np.zeros(k)
    factor: Floats = np.eye(k)
    near: Start | None = None
    looks: list[Nodes] = []
    kept: list[tuple[Nodes, Floats, Floats]] = []
    effective = 0.0
    if like is not None:
        mean = like.weight @ like.z
        covariance = (like.weight[:, None] * (like.z - mean)).T @ (like.z - mean)
        factor, effective = np.asarray(1.1 * np.linalg.cholesky(covariance + 1e-6 * np.eye(k))), float(count)
    # Looks with a quarter of the nodes find where the posterior is; full sets are kept, all of them together.
    few = max(count // 4, 2 * _coefficients(k))
    for look in range(_LOOKS):
        size = count if effective > _ENOUGH_NODES * few or look >= _LOOKS - _FULL_LOOKS else few
        base = ndtri(kronecker(size, k))
        z = mean + base @ factor.T
        if looks:
            near = _followed(looks[-1], z)
        log_volume = np.log(np.diagonal(factor)).sum() - log_normal(base) - np.log(size)
        looks.append(Nodes(*_log_marginal(model, z, near), log_volume))
        if size == count:
            kept.append((looks[-1], mean, factor))
            effective = _effective(_together(kept))
            if effective > _ENOUGH_NODES * count:
                break
        else:
            effective = _effective(looks[-1])
        mean, covariance = _peak(looks)
        factor = np.asarray(1.1 * np.linalg.cholesky(covariance))
    return _together(kept)


def _together(kept: list[tuple[Nodes, Floats, Floats]]) -> Nodes:
    """Several sets of nodes as one: its density is the average of theirs (the balance heuristic of Veach & Guibas)."""
    if len(kept) == 1:
        return kept[0][0]
    mixture = joined([nodes.mixture for nodes, _, _ in kept])
    log_density = np.zeros(len(mixture.z)) - np.inf
    for nodes, mean, factor in kept:
        base = np.asarray(np.linalg.solve(factor, (mixture.z - mean).T).T, dtype=float)
        one = log_normal(base) - np.log(np.diagonal(factor)).sum() + np.log(len(nodes.log_density))
        log_density = np.logaddexp(log_density, one)
    return Nodes(
        mixture,
        np.concatenate([nodes.log_density for nodes, _, _ in kept]),
        np.concatenate([nodes.converged for nodes, _, _ in kept]),
        -log_density,
    )


def _weights(nodes: Nodes) -> Floats:
    """Weight of each node, the largest one."""
    log_weight = nodes.log_density + nodes.log_volume
    return np.asarray(np.exp(log_weight - log_weight.max()))


def _effective(nodes: Nodes) -> float:
    """Effective number of nodes."""
    weight = _weights(nodes)
    return float(weight.sum() ** 2 / (weight**2).sum())


def _coefficients(k: int) -> int:
    """Of a quadratic in so many scores."""
    return 1 + k + k * (k + 1) // 2


def _peak(seen: list[Nodes]) -> tuple[Floats, Floats]:
    """Mean and covariance of the normal density whose logarithm fits that of the nodes best where it is high.

    What the data add to the prior is fitted as a quadratic, so that what they do not tell stays with the prior. A peak
    outside the nodes is not believed: then their weighted moments say where to look next.
    """
    z = np.concatenate([nodes.mixture.z for nodes in seen])
    value = np.concatenate([nodes.log_density for nodes in seen])
    known = np.isfinite(value)
    z, value = z[known], value[known]
    k = z.shape[1]
    # Weights as flat as it takes for the effective number of nodes to be twice that of the coefficients.
    for temper in (1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.0):
        weight = np.exp(temper * (value - value.max()))
        if weight.sum() ** 2 / (weight**2).sum() > 2.0 * _coefficients(k):
            break
    weight = weight / weight.sum()
    centre = weight @ z
    off = z - centre
    mean, covariance = _quadratic(off, weight, value + 0.5 * (z * z).sum(1), centre)
    if ((mean < z.min(0)) | (mean > z.max(0))).any():
        mean, covariance = centre, (weight[:, None] * off).T @ off + 1e-6 * np.eye(k)
    return mean, covariance


def _quadratic(off: Floats, weight: Floats, told: Floats, centre: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of the prior times the exponential of a quadratic fitted to what the data told."""
    k = off.shape[1]
    pairs = np.triu_indices(k)
    terms = np.concatenate([np.ones((len(off), 1)), off, off[:, pairs[0]] * off[:, pairs[1]]], axis=1)
    root = np.sqrt(weight)[:, None]
    found = np.linalg.lstsq(root * terms, root[:, 0] * told, rcond=None)[0]
    curvature = np.zeros((k, k))
    curvature[pairs] = -found[1 + k :]
    values, vectors = np.linalg.eigh(np.eye(k) + curvature + curvature.T)
    covariance = np.asarray((vectors / np.clip(values, _LEAST_CURVATURE, _MOST_CURVATURE)) @ vectors.T)
    return centre + covariance @ (found[1 : 1 + k] - centre), covariance


def _followed(looked: Nodes, z: Floats) -> Start:
    """Where modes should be at new nodes, as they follow the scores of theta linearly at the old ones."""
    mixture, weight = looked.mixture, _weights(looked)
    # Flattened while few nodes carry the weight, so that modes are followed from more than one.
    weight = weight ** min(1.0, max(0.2, _effective(looked) / (6.0 * z.shape[1])))
    weight = weight / weight.sum()
    centre = weight @ mixture.z
    known, wanted = (np.insert(scores - centre, 0, 1.0, axis=1) for scores in (mixture.z, z))
    weighted = known.T * weight
    modes = np.concatenate([mixture.mean, mixture.level.T], axis=1)
    found = wanted @ np.linalg.lstsq(weighted @ known, weighted @ modes, rcond=None)[0]
    columns = mixture.mean.shape[1]
    return Start(found[:, :columns], found[:, columns:].T)
