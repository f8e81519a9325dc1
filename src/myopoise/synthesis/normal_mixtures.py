"""Quantiles and shortest intervals of finite mixtures of normals, many mixtures at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["NormalMixtures"]

Floats = NDArray[np.float64]

_ROOT_2_PI = math.sqrt(2.0 * math.pi)

_NEAR = 1e-9
"""Newton's method squares its error: after a step this small the next would be lost in rounding."""


@dataclass(frozen=True, eq=False)
class NormalMixtures:
    """Several quantities, each a mixture of normals with the same weights.

    Parameters
    ----------
    weight
        Shape ``(node,)``; sums to one.
    mean, sd
        Of each quantity at each node, shape ``(quantity, node)``.
    """

    weight: Floats
    mean: Floats
    sd: Floats

    def moments(self) -> tuple[Floats, Floats]:
        """Mean and standard deviation of each quantity."""
        mean = self.mean @ self.weight
        variance = (self.sd**2 + (self.mean - mean[:, None]) ** 2) @ self.weight
        return mean, np.sqrt(variance)

    def probability(self, x: Floats) -> Floats:
        """Probability of each quantity below `x`, shape ``(quantity, point)``."""
        return np.asarray(ndtr(self._score(x)) @ self.weight)

    def density(self, x: Floats) -> Floats:
        """Density of each quantity at `x`, shape ``(quantity, point)``."""
        z = self._score(x)
        return np.asarray((np.exp(-0.5 * z * z) / (_ROOT_2_PI * self.sd[:, None, :])) @ self.weight)

    def slope(self, x: Floats) -> Floats:
        """Derivative of the density of each quantity at `x`, shape ``(quantity, point)``."""
        z = self._score(x)
        return np.asarray((-z * np.exp(-0.5 * z * z) / (_ROOT_2_PI * self.sd[:, None, :] ** 2)) @ self.weight)

    def _score(self, x: Floats) -> Floats:
        return np.asarray((x[:, :, None] - self.mean[:, None, :]) / self.sd[:, None, :])

    def quantile(self, p: Floats) -> Floats:
        """Quantiles of each quantity, shape ``(quantity, p)``, for `p` of shape ``(p,)`` or ``(quantity, p)``."""
        p = np.broadcast_to(p, (len(self.mean), np.shape(p)[-1]))
        z = np.asarray(ndtri(p))
        # The quantile of a mixture lies between those of its parts that have weight.
        kept = self.weight > 1e-17
        parts = self.mean[:, None, kept] + z[:, :, None] * self.sd[:, None, kept]
        low, high = parts.min(-1), parts.max(-1)
        x = parts @ self.weight[kept] / self.weight[kept].sum()
        near = _NEAR / ((1.0 / self.sd) @ self.weight)[:, None]
        for _ in range(200):
            # On the scale of scores a mixture is nearly a straight line, so that Newton's method takes three steps.
            below = self.probability(x)
            low, high = np.where(below < p, x, low), np.where(below < p, high, x)
            score = np.asarray(ndtri(np.clip(below, 1e-300, 1.0 - 1e-16)))
            slope = self.density(x) * _ROOT_2_PI * np.exp(0.5 * score * score)
            newton = x - (score - z) / np.maximum(slope, 1e-300)
            x_new = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
            moved, x = np.abs(x_new - x), x_new
            if np.all(moved <= near):
                break
        return np.asarray(x)

    def shortest(self, level: float, central: Floats) -> Floats:
        """Ends of the shortest interval of each quantity that holds probability `level`, shape ``(quantity, 2)``.

        Two equations, by Newton's method: the interval holds `level`, and its ends are equally dense.

        Parameters
        ----------
        level
            Probability inside.
        central
            Ends of the central interval of each quantity, to start from, shape ``(quantity, 2)``.
        """
        ends = central
        for _ in range(60):
            held = self.probability(ends)
            f, slope = self.density(ends), self.slope(ends)
            missing = level - (held[:, 1] - held[:, 0])
            unequal = f[:, 1] - f[:, 0]
            # -f0 da + f1 db = missing;  -slope0 da + slope1 db = -unequal
            determinant = -f[:, 0] * slope[:, 1] + f[:, 1] * slope[:, 0]
            da = (missing * slope[:, 1] + f[:, 1] * unequal) / determinant
            db = (f[:, 0] * unequal + slope[:, 0] * missing) / determinant
            longest = 0.25 * (ends[:, 1] - ends[:, 0])
            move = np.clip(np.stack([da, db], axis=1), -longest[:, None], longest[:, None])
            ends = ends + move
            if np.all(np.abs(move) <= _NEAR * longest[:, None]):
                break
        return ends

    def mode(self, central: Floats) -> Floats:
        """The densest point of each quantity: the best of a grid in its central interval, then Newton's method.

        Parameters
        ----------
        central
            Ends of the central interval of each quantity, shape ``(quantity, 2)``.
        """
        low, high = central.T
        grid = np.linspace(low, high, 25, axis=-1)
        x = np.take_along_axis(grid, np.argmax(self.density(grid), axis=1)[:, None], axis=1)
        width = ((high - low) / 24.0)[:, None]
        for _ in range(30):
            move = np.clip(-self.slope(x) / np.minimum(self._bend(x), -1e-300), -0.5 * width, 0.5 * width)
            x = x + move
            if np.all(np.abs(move) <= _NEAR * width):
                break
        return np.asarray(x[:, 0])

    def _bend(self, x: Floats) -> Floats:
        """Second derivative of the density."""
        z = self._score(x)
        # Divided three times, because the cube of a very wide part is beyond a double.
        sd = self.sd[:, None, :]
        bend = (z * z - 1.0) * np.exp(-0.5 * z * z) / _ROOT_2_PI / sd / sd / sd
        return np.asarray(bend @ self.weight)
