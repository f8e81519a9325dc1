"""Responses on one scale: patients by level of improvement, and mean improvement scores.

A score in points rises piecewise linearly from one threshold to the next. Its mean over patients whose latent
improvement is normal with sd 1 is a sum of ``H(eta - kink)``, ``H(x) = x Phi(x) + phi(x)``, with a share for each
change of slope: so a mean score has parts like a category has, only that H stands in the place of Phi.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri, xlogy

from myopoise.synthesis.likelihoods import Mix, spread
from myopoise.synthesis.nesting import group_sum

__all__ = ["GradedResponses", "ramp"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOG_2_PI = float(np.log(2.0 * np.pi))
_ROOT_2_PI = float(np.sqrt(2.0 * np.pi))
_SMALLEST = 1e-16
"""Floor of a chance, far below anything a fit visits."""
_LONGEST_MOVE = 2.0
"""Of a linear predictor towards an observed mean score, from wherever it stands."""


def ramp(eta: Floats) -> Floats:
    """Mean of the part above zero of a normal with mean `eta` and sd 1; its derivative is Phi(eta)."""
    return np.asarray(eta * ndtr(eta) + np.exp(-0.5 * eta * eta) / _ROOT_2_PI)


@dataclass(frozen=True, eq=False)
class GradedResponses:
    """Counts of responders, categories of a graded response, and mean scores on its scale, in one model; probit link.

    Parameters
    ----------
    counts
        Patients in the category of each result, shape ``(result,)``; none where it is a mean score.
    rest
        Patients outside it who stand in no other result: all the others of a row with one threshold, else none.
    n
        Patients of the row, one where the result is a mean score.
    constant
        1 for a lowest category, whose chance is one less that of its upper threshold, else 0.
    above
        Patients above the first threshold of the category (of a lowest one, above its upper threshold).
    highest
        Whether the category has no upper threshold.
    mean
        Observed mean score in points, NaN where the result is a category.
    se
        Its standard error, one where the result is a category.
    """

    counts: Floats
    rest: Floats
    n: Floats
    constant: Floats
    above: Floats
    highest: NDArray[np.bool_]
    mean: Floats
    se: Floats

    @property
    def gaussian(self) -> bool:
        """Never."""
        return False

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """Which results are mean scores."""
        return np.isfinite(self.mean)

    def fitted(self, eta: Floats, mix: Mix) -> Floats:
        """Chance of the category, or mean score in points."""
        value = ndtr(eta)
        scored = self.scored[mix.results]
        if scored.any():
            parts = scored[mix.part]
            value[parts] = ramp(eta[parts])
        return np.asarray(spread(self.constant[mix.results], eta.ndim) + mix.average(value))

    def log_density(self, eta: Floats, mix: Mix) -> Floats:
        """Multinomial log likelihood without its constant, or the normal one of a mean score."""
        fitted = self.fitted(eta, mix)
        counts, rest = (spread(values[mix.results], eta.ndim) for values in (self.counts, self.rest))
        value = np.asarray(counts * np.log(np.maximum(fitted, _SMALLEST)))
        others = self.rest[mix.results] > 0.0
        if others.any():
            value[others] += rest[others] * np.log(np.maximum(1.0 - fitted[others], _SMALLEST))
        scored = self.scored[mix.results]
        if scored.any():
            mean, se = self._means(mix.results[scored], eta.ndim)
            value[scored] = -0.5 * (((mean - fitted[scored]) / se) ** 2 + _LOG_2_PI) - np.log(se)
        return value

    def working(self, eta: Floats, mix: Mix) -> tuple[Floats, Floats, Floats]:
        """Fisher-scoring quantities on the scale of the chance, or of the score.

        Categories of one row count as independent Poisson counts: the same information, for the chances sum to one.
        """
        fitted = self.fitted(eta, mix)
        chance = np.clip(fitted, 1e-9, 1.0 - 1e-9)
        counts, n = (spread(values[mix.results], eta.ndim) for values in (self.counts, self.n))
        binary = spread(self._binary[mix.results].astype(float), eta.ndim)
        residual, variance = counts / n - chance, chance * (1.0 - binary * chance) / n
        gradient = np.exp(-0.5 * eta * eta) / _ROOT_2_PI
        scored = self.scored[mix.results]
        if scored.any():
            parts = scored[mix.part]
            gradient[parts] = ndtr(eta[parts])
            mean, se = self._means(mix.results[scored], eta.ndim)
            residual[scored], variance[scored] = mean - fitted[scored], se**2
        return residual, variance, spread(mix.shares, eta.ndim) * gradient

    def start(self, eta: Floats, mix: Mix) -> Floats:
        """From the observed share above the category's first threshold, or one step towards the observed mean."""
        first = np.flatnonzero(np.r_[True, np.diff(mix.part) > 0])
        seen = ndtri((self.above + 0.5) / (self.n + 1.0))
        move = np.asarray(spread(seen[mix.results], eta.ndim) - eta[first])
        scored = self.scored[mix.results]
        if scored.any():
            residual, _, slope = self.working(eta, mix)
            step = residual / np.maximum(group_sum(slope, mix.part), 1e-9)
            move[scored] = np.clip(step[scored], -_LONGEST_MOVE, _LONGEST_MOVE)
        return move

    def deviance(self, fitted: Floats, results: Ints) -> Floats:
        """Multinomial residual deviance, category by category; squared residual in standard errors for a mean."""
        counts, rest, n = (spread(v[results], fitted.ndim) for v in (self.counts, self.rest, self.n))
        chance = np.clip(fitted, _SMALLEST, 1.0)
        value = xlogy(counts, counts / n) - counts * np.log(chance)
        value = value + xlogy(rest, rest / n) - xlogy(rest, np.maximum(1.0 - chance, _SMALLEST))
        value = np.asarray(2.0 * value)
        scored = self.scored[results]
        if scored.any():
            mean, se = self._means(results[scored], fitted.ndim)
            value[scored] = ((mean - fitted[scored]) / se) ** 2
        return value

    def lean(self, arm: Ints) -> Floats:
        """Everybody in lowest categories, or everybody in highest; a mean score has two sides."""
        some, others = self.counts > 0.0, self.rest > 0.0
        # What stops a linear predictor from falling for ever, and what stops it from rising.
        low = group_sum((self.scored | (some & (self.constant == 0.0))).astype(float), arm) > 0.0
        high = group_sum((self.scored | others | (some & ~self.highest)).astype(float), arm) > 0.0
        return np.asarray(low.astype(float) - high.astype(float))

    def log_constant(self) -> Floats:
        """Each category's part of the multinomial coefficient; the row's ``n!`` stands with its first result."""
        first = (self.constant > 0.0) | self._binary
        value = np.where(first, gammaln(self.n + 1.0), 0.0) - gammaln(self.counts + 1.0)
        return np.asarray(np.where(self.scored, 0.0, value - gammaln(self.rest + 1.0)))

    @cached_property
    def _binary(self) -> NDArray[np.bool_]:
        """Rows of one threshold: their only result counts those above it."""
        return np.asarray(
            (self.constant == 0.0) & self.highest & (self.counts + self.rest == self.n) & ~self.scored
        )

    def _means(self, results: Ints, ndim: int) -> tuple[Floats, Floats]:
        return spread(self.mean[results], ndim), spread(self.se[results], ndim)
