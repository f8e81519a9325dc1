"""Integration over one standard deviation tau, to nearly the last digit, without a tuning constant.

In the logarithm of tau the integrand is analytic and dies away at both ends. For such a function the trapezoidal rule
converges exponentially, and so does its running integral by the sine integral (Stenger's sinc quadrature). Points are
doubled until nothing changes; the last change is the stated error.

A prior with two ends (uniform) is integrated in the logit of its share, one with a Cauchy-like logarithm (log-t) in the
area sine of it: there, too, both ends die away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, sici

from myopoise.synthesis.priors import LogTVariance, Uniform

__all__ = ["TauPosterior", "integrate_tau", "largest_at"]

Floats = NDArray[np.float64]

_CUT = 42.0
"""Logarithm of the share of the peak at which the integrand is cut: 6e-19."""

_ENOUGH = 1e-12
_MOST_POINTS = 8192
_SCANNED = 161


class _Scale(Protocol):
    """A variable u in which the integrand dies away at both ends."""

    def tau(self, u: Floats) -> Floats: ...

    def log_slope(self, u: Floats) -> Floats: ...

    def ends(self, low: float, high: float) -> tuple[float, float]: ...


@dataclass(frozen=True)
class _Log:
    def tau(self, u: Floats) -> Floats:
        return np.exp(u)

    def log_slope(self, u: Floats) -> Floats:
        return u

    def ends(self, low: float, high: float) -> tuple[float, float]:
        return low, high


@dataclass(frozen=True)
class _Logit:
    low: float
    width: float

    def tau(self, u: Floats) -> Floats:
        return self.low + self.width * np.asarray(expit(u))

    def log_slope(self, u: Floats) -> Floats:
        return np.asarray(math.log(self.width) + log_expit(u) + log_expit(-u))

    def ends(self, low: float, high: float) -> tuple[float, float]:
        shift = math.log(self.width)
        return min(low - shift, -60.0), max(high - shift, 60.0)


@dataclass(frozen=True)
class _AreaSine:
    centre: float
    spread: float

    def tau(self, u: Floats) -> Floats:
        return np.exp(self.centre + self.spread * np.sinh(u))

    def log_slope(self, u: Floats) -> Floats:
        return self.centre + self.spread * np.sinh(u) + np.log(self.spread * np.cosh(u))

    def ends(self, low: float, high: float) -> tuple[float, float]:
        # As far as the square of a double goes, whatever is asked: the tails are algebraic in the logarithm.
        return math.asinh((-700.0 - self.centre) / self.spread), math.asinh(
            (340.0 - self.centre) / self.spread
        )


def _scale_of(prior: object) -> _Scale:
    if isinstance(prior, Uniform):
        return _Logit(prior.low, prior.high - prior.low)
    if isinstance(prior, LogTVariance):
        return _AreaSine(0.5 * prior.location, 0.5 * prior.scale)
    return _Log()


@dataclass(frozen=True, eq=False)
class TauPosterior:
    """The posterior of tau on points that are even in u.

    Parameters
    ----------
    u, tau
        The points.
    weight
        Probability of each point; sums to one.
    log_mass
        Logarithm of the integral.
    error
        Relative error of the integral: what changed when the points were last doubled, and what lies beyond them.
    log_integrand
        Logarithm of the integrand in tau.
    scale
        The variable u.
    """

    u: Floats
    tau: Floats
    weight: Floats
    log_mass: float
    error: float
    log_integrand: Callable[[Floats], Floats]
    scale: _Scale

    @property
    def step(self) -> float:
        """Distance of two points."""
        return float(self.u[1] - self.u[0])

    def probability(self, u: Floats) -> Floats:
        """Probability of a tau below that at `u`, any shape."""
        distance = (np.asarray(u)[..., None] - self.u) * (math.pi / self.step)
        running = 0.5 + sici(distance)[0] / math.pi
        return np.asarray(running @ self.weight)

    def density(self, u: Floats) -> Floats:
        """Density of u (not of tau) at `u`."""
        return np.exp(self.log_integrand(self.scale.tau(u)) + self.scale.log_slope(u) - self.log_mass)

    def quantile(self, p: Floats) -> Floats:
        """The u below which there is probability `p`, strictly between 0 and 1, shape ``(p,)``."""
        cumulative = np.cumsum(self.weight) - 0.5 * self.weight
        u = np.interp(p, cumulative, self.u)
        for _ in range(12):
            move = (self.probability(u) - p) / np.maximum(self.density(u), 1e-300)
            u = np.clip(u - np.clip(move, -2.0 * self.step, 2.0 * self.step), self.u[0], self.u[-1])
            # Newton's method squares its error: the next step would be lost in rounding.
            if np.max(np.abs(move)) < 1e-8 * self.step:
                break
        return u

    def log_density_of_tau(self, u: Floats) -> Floats:
        """Log density of tau itself at `u`."""
        return self.log_integrand(self.scale.tau(u)) - self.log_mass

    def shortest(self, level: float) -> tuple[float, float]:
        """Ends of the shortest interval of tau that holds probability `level`.

        Where the density falls from the first value on, the interval begins there.
        """
        spare = 1.0 - level
        start = float(self.scale.tau(np.array(-1e9))) if isinstance(self.scale, _Logit) else 0.0

        def excess(p: float) -> tuple[float, Floats]:
            """Density at the lower end less that at the upper, when `p` is left out below."""
            ends = self.quantile(np.array([p, p + level]))
            low, high = self.log_density_of_tau(ends)
            return float(low - high), ends

        if excess(1e-9)[0] >= 0.0:
            return start, float(self.scale.tau(self.quantile(np.array([level])))[0])
        found = self._equally_dense(level)
        if found is not None:
            low, high = self.scale.tau(found)
            return float(low), float(high)
        if excess(spare - 1e-9)[0] <= 0.0:
            ends = self.quantile(np.array([spare, 1.0 - 1e-9]))
            return float(self.scale.tau(ends)[0]), float(self.scale.tau(self.u[-1:])[0])
        from scipy.optimize import brentq

        p = brentq(lambda p: excess(p)[0], 1e-9, spare - 1e-9, xtol=1e-13, rtol=1e-12)
        low, high = self.scale.tau(excess(p)[1])
        return float(low), float(high)

    def _equally_dense(self, level: float) -> Floats | None:
        """Ends in u that hold `level` and are equally dense in tau, by Newton's method; None where it goes astray."""
        left_out = 0.5 * (1.0 - level)
        ends = self.quantile(np.array([left_out, 1.0 - left_out]))
        aside = 1e-3 * self.step
        for _ in range(25):
            held = self.probability(ends)
            f = self.density(ends)
            around = self.log_density_of_tau(np.concatenate([ends - aside, ends, ends + aside])).reshape(3, 2)
            slope = (around[2] - around[0]) / (2.0 * aside)
            missing, unequal = level - (held[1] - held[0]), around[1, 1] - around[1, 0]
            matrix = np.array([[-f[0], f[1]], [-slope[0], slope[1]]])
            if not np.all(np.isfinite(matrix)) or abs(np.linalg.det(matrix)) < 1e-300:
                return None
            move = np.linalg.solve(matrix, np.array([missing, -unequal]))
            ends = ends + np.clip(move, -3.0 * self.step, 3.0 * self.step)
            if not self.u[0] <= ends[0] < ends[1] <= self.u[-1]:
                return None
            if np.max(np.abs(move)) < 1e-8 * self.step:
                return np.asarray(ends)
        return None

    def mode(self) -> float:
        """The tau of largest density."""
        return largest_at(self.log_integrand, self.tau)


def largest_at(log_function: Callable[[Floats], Floats], points: Floats) -> float:
    """The tau at which a function is largest, zero included.

    Parameters
    ----------
    log_function
        Logarithm of the function, of an array of tau.
    points
        Increasing positive tau that surround the place.
    """
    low, high = 0.0, float(points[-1])
    grid = np.concatenate([[0.0], points])
    for _ in range(40):
        best = int(np.argmax(log_function(grid)))
        low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
        if high - low <= 1e-10 * high or high < 1e-10 * points[-1]:
            break
        grid = np.linspace(low, high, 17)
    return float(grid[int(np.argmax(log_function(grid)))])


def _around(log_f: Callable[[Floats], Floats], low: float, high: float) -> tuple[float, float]:
    """The part of an interval outside which the integrand is negligible."""
    for _ in range(12):
        grid = np.linspace(low, high, _SCANNED)
        value = log_f(grid)
        inside = np.flatnonzero(value > value.max() - _CUT)
        step = grid[1] - grid[0]
        new = max(low, float(grid[inside[0]] - step)), min(high, float(grid[inside[-1]] + step))
        settled = new[1] - new[0] > 0.8 * (high - low)
        low, high = new
        if settled:
            break
    return low, high


def integrate_tau(
    log_integrand: Callable[[Floats], Floats], prior: object, *, sizes: Floats, moments: int
) -> TauPosterior:
    """The posterior of tau, to a relative error that is stated.

    Parameters
    ----------
    log_integrand
        Logarithm of prior times likelihood, of an array of tau.
    prior
        The prior of tau: it decides in which variable to integrate.
    sizes
        Positive numbers of the size that tau, or the turns of its likelihood, may have.
    moments
        Up to which power of tau the upper tail must be held.
    """
    scale = _scale_of(prior)
    logs = np.log(sizes)
    low, high = scale.ends(float(logs.min()) - 60.0, float(logs.max()) + 60.0)

    def log_f(u: Floats) -> Floats:
        return log_integrand(scale.tau(u)) + scale.log_slope(u)

    def with_tail(u: Floats) -> Floats:
        """The integrand, and above its peak that of the highest moment."""
        value = log_f(u)
        tau = np.log(np.maximum(scale.tau(u), 1e-300))
        return np.asarray(value + moments * np.maximum(tau - tau[int(np.argmax(value))], 0.0))

    low, high = _around(with_tail, low, high)
    u = np.linspace(low, high, 65)
    value = log_f(u)
    peak = float(value.max())
    f = np.exp(value - peak)
    totals, error = _totals(f, scale.tau(u), u, moments), math.inf
    while error > _ENOUGH and len(u) < _MOST_POINTS:
        between = 0.5 * (u[:-1] + u[1:])
        u, f = _merged(u, between), _merged(f, np.exp(log_f(between) - peak))
        before, totals = totals, _totals(f, scale.tau(u), u, moments)
        error = float(np.max(np.abs(totals / before - 1.0)))
    mass = float(f.sum() * (u[1] - u[0]))
    error = max(error, 1e-15) + _beyond(f) + _beyond(f[::-1])
    return TauPosterior(u, scale.tau(u), f / f.sum(), peak + math.log(mass), error, log_integrand, scale)


def _beyond(f: Floats) -> float:
    """Share of the mass before the first point, as a geometric series."""
    ratio = min(float(f[0] / f[1]), 0.999) if f[1] > 0.0 else 0.0
    return float(f[0] * ratio / (1.0 - ratio) / f.sum())


def _totals(f: Floats, tau: Floats, u: Floats, moments: int) -> Floats:
    return np.asarray(np.array([f.sum(), f @ tau if moments else f.sum(), f @ u**2]) * (u[1] - u[0]))


def _merged(even: Floats, odd: Floats) -> Floats:
    both = np.empty(len(even) + len(odd))
    both[0::2], both[1::2] = even, odd
    return both
