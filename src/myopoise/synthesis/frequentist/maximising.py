"""The maximum of a smooth function of a few numbers, by Newton's method on differences.

Marginal likelihoods by adaptive quadrature have no derivative in closed form, since their nodes move with the
parameters. Steps of the differences follow the curvature, so that the function changes by about a thousandth over each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from myopoise.synthesis.frequentist.pairwise_regression import Floats

__all__ = ["Maximum", "maximise"]

_ROUNDS = 60
_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where a function is largest.

    Parameters
    ----------
    at
        Shape ``(parameter,)``.
    value
        Of the function.
    hessian
        Second derivatives there, shape ``(parameter, parameter)``.
    converged
        Whether the last step was short.
    """

    at: Floats
    value: float
    hessian: Floats
    converged: bool


def maximise(function: Callable[[Floats], float], start: Floats, scale: Floats) -> Maximum:
    """The maximum that Newton's method climbs to.

    Parameters
    ----------
    function
        Smooth; minus infinity where it is not defined.
    start
        Shape ``(parameter,)``.
    scale
        First guess of the standard error of each parameter.

    Returns
    -------
    maximum
        With `converged` false where the climb did not end.

    Examples
    --------
    >>> bowl = maximise(lambda x: -float((x - 1.0) @ (x - 1.0)), np.zeros(2), np.ones(2))
    >>> bowl.at.round(6).tolist(), bowl.hessian.round(4).tolist()
    ([1.0, 1.0], [[-2.0, 0.0], [0.0, -2.0]])
    """
    at, value = start.astype(np.float64), function(start)
    hessian = np.diag(-(scale**-2.0))
    for _ in range(_ROUNDS):
        gradient, hessian = _derivatives(function, at, value, _SHARE * scale)
        scale = _spread(hessian, scale)
        step = _uphill(gradient, hessian)
        after, found = _climb(function, at, value, step)
        length = float(np.max(np.abs(after - at) / scale))
        at, value = after, found
        if length < 1e-6:
            return Maximum(at, value, _derivatives(function, at, value, _SHARE * scale)[1], True)
    return Maximum(at, value, hessian, False)


def _derivatives(
    function: Callable[[Floats], float], at: Floats, value: float, step: Floats
) -> tuple[Floats, Floats]:
    """Gradient and Hessian by central differences, of fourth order but for mixed terms."""
    count = len(at)
    gradient, hessian = np.zeros(count), np.zeros((count, count))
    moves = np.diag(step)
    for i in range(count):
        near = [function(at + side * moves[i]) for side in (-2.0, -1.0, 1.0, 2.0)]
        gradient[i] = (near[0] - 8.0 * near[1] + 8.0 * near[2] - near[3]) / (12.0 * step[i])
        hessian[i, i] = (-near[0] + 16.0 * near[1] - 30.0 * value + 16.0 * near[2] - near[3]) / (
            12.0 * step[i] ** 2
        )
        for j in range(i):
            both, apart = moves[i] + moves[j], moves[i] - moves[j]
            cross = function(at + both) + function(at - both) - function(at + apart) - function(at - apart)
            hessian[i, j] = hessian[j, i] = cross / (4.0 * step[i] * step[j])
    return gradient, hessian


def _spread(hessian: Floats, before: Floats) -> Floats:
    curvature = -np.diag(hessian)
    usable = np.isfinite(curvature) & (curvature > 1e-8)
    return np.where(usable, 1.0 / np.sqrt(np.where(usable, curvature, 1.0)), before)


def _uphill(gradient: Floats, hessian: Floats) -> Floats:
    """Newton's step, with directions in which the function is convex turned round."""
    values, vectors = np.linalg.eigh(0.5 * (hessian + hessian.T))
    steepness = np.maximum(np.abs(values), 1e-10)
    step: Floats = vectors @ ((vectors.T @ gradient) / steepness)
    return step


def _climb(
    function: Callable[[Floats], float], at: Floats, value: float, step: Floats
) -> tuple[Floats, float]:
    for halving in range(30):
        after = at + step * 0.5**halving
        found = function(after)
        if found >= value:
            return after, found
    return at, value
