"""What was observed, given linear predictors: counts, ordered categories, means and rates.

A *result* is one observed number (or one category of an ordered outcome); its *parts* are the linear predictors it
averages over. The same four questions are asked of every likelihood: its log density, the Gauss-Newton step, where to
start, and how far the fitted values are from the observed ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from myopoise.synthesis.links import Link
from myopoise.synthesis.nesting import group_sum

__all__ = [
    "BinomialCounts",
    "Likelihood",
    "Mix",
    "NormalMeans",
    "OrderedCounts",
    "PoissonCounts",
    "spread",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def spread(values: Floats, ndim: int) -> Floats:
    """View of ``(item,)`` or ``(item, draw)`` with axes of length one after the first, until it has `ndim` axes."""
    return values.reshape(values.shape[:1] + (1,) * (ndim - values.ndim) + values.shape[1:])


@dataclass(frozen=True, eq=False)
class Mix:
    """Which results are looked at, and which parts each is made of.

    Parameters
    ----------
    results
        Index of each result in the model, shape ``(result,)``.
    part
        Result of each part, renumbered from zero and non-decreasing, shape ``(part,)``.
    shares
        Share of each part; those of one result sum to one, except that an ordered category takes the chance of its
        upper threshold with a minus sign.
    """

    results: Ints
    part: Ints
    shares: Floats

    @property
    def plain(self) -> bool:
        """Whether every result has one part of its own."""
        return len(self.results) == len(self.part) and bool((self.shares == 1.0).all())

    def average(self, values: Floats) -> Floats:
        """Average of ``(part, ...)`` over the mix of each result, ``(result, ...)``."""
        if self.plain:
            return values
        return group_sum(spread(self.shares, values.ndim) * values, self.part)


class Likelihood(Protocol):
    """What was observed in each result, given the linear predictor of each of its parts."""

    @property
    def gaussian(self) -> bool:
        """Whether study and arm terms can be integrated in closed form."""
        ...

    def log_density(self, eta: Floats, mix: Mix) -> Floats:
        """Log likelihood of each result, ``(result, ...)``, for linear predictors ``(part, ...)``."""
        ...

    def working(self, eta: Floats, mix: Mix) -> tuple[Floats, Floats, Floats]:
        """Residual, variance and slope for a Gauss-Newton step, at linear predictors ``(part, ...)``.

        Returns
        -------
        residual, variance
            Shape ``(result, ...)``: observed less expected on the scale of the mean, and its variance.
        slope
            Shape ``(part, ...)``: derivative of the result's mean by each part's linear predictor.
        """
        ...

    def start(self, eta: Floats, mix: Mix) -> Floats:
        """How far each result's linear predictor would have to move to meet what was observed, ``(result, ...)``."""
        ...

    def fitted(self, eta: Floats, mix: Mix) -> Floats:
        """Expected value of each result: a chance, a mean or a rate, ``(result, ...)``."""
        ...

    def deviance(self, fitted: Floats, results: Ints) -> Floats:
        """Twice the log likelihood lost against a perfect fit, ``(result, ...)``."""
        ...

    def log_constant(self) -> Floats:
        """What `log_density` leaves out because no parameter moves it, shape ``(result,)``."""
        ...

    def lean(self, arm: Ints) -> Floats:
        """Side on which an arm's likelihood never falls off: -1 no events, 1 nothing but events, else 0, ``(arm,)``."""
        ...


_SMALLEST_PROBABILITY = 1e-16
"""Floor of a chance: far below anything a fit visits, it only keeps logarithms finite."""


@dataclass(frozen=True, eq=False)
class BinomialCounts:
    """Events among n in each result; one of mixed parts has the average chance over its mix.

    Zero and full counts need no correction: the likelihood is exact. `events` may have a second axis, one column for
    each replicate of the data, which then runs along the axis of draws.
    """

    events: Floats
    n: Floats
    link: Link

    @property
    def gaussian(self) -> bool:
        """Never: counts are integrated numerically."""
        return False

    def log_density(self, eta: Floats, mix: Mix) -> Floats:
        """Binomial log likelihood without its constant, shape ``(result, ...)``."""
        events, n = spread(self.events[mix.results], eta.ndim), spread(self.n[mix.results], eta.ndim)
        if mix.plain and self.link is Link.LOGIT:
            return _log_density_of_logits(eta, events, n)
        if mix.plain:
            event, no_event = self.link.log_chances(eta)
            return np.asarray(events * event + (n - events) * no_event)
        chance = mix.average(self.link.probability(eta))
        chance = np.clip(chance, _SMALLEST_PROBABILITY, 1.0 - _SMALLEST_PROBABILITY)
        return np.asarray(events * np.log(chance) + (n - events) * np.log1p(-chance))

    def working(self, eta: Floats, mix: Mix) -> tuple[Floats, Floats, Floats]:
        """Fisher-scoring quantities on the probability scale."""
        chance = np.clip(mix.average(self.link.probability(eta)), 1e-9, 1.0 - 1e-9)
        events, n = spread(self.events[mix.results], chance.ndim), spread(self.n[mix.results], chance.ndim)
        slope = spread(mix.shares, eta.ndim) * self.link.density(eta)
        return events / n - chance, chance * (1.0 - chance) / n, slope

    def start(self, eta: Floats, mix: Mix) -> Floats:
        """Linear predictor of the observed proportion, drawn in from 0 and 1, less the present one."""
        seen = self.link.linear((self.events + 0.5) / (spread(self.n, self.events.ndim) + 1.0))
        return spread(seen[mix.results], eta.ndim) - mix.average(eta)

    def fitted(self, eta: Floats, mix: Mix) -> Floats:
        """Chance of the event."""
        return mix.average(self.link.probability(eta))

    def deviance(self, fitted: Floats, results: Ints) -> Floats:
        """Binomial residual deviance; 0 log 0 is 0."""
        events, n = spread(self.events[results], fitted.ndim), spread(self.n[results], fitted.ndim)
        chance = np.clip(fitted, _SMALLEST_PROBABILITY, 1.0 - _SMALLEST_PROBABILITY)
        none = n - events
        best = xlogy(events, events / n) + xlogy(none, none / n)
        return np.asarray(2.0 * (best - events * np.log(chance) - none * np.log1p(-chance)))

    def lean(self, arm: Ints) -> Floats:
        """No events, or nothing but events."""
        none = group_sum(self.events, arm) == 0.0
        every = group_sum(spread(self.n, self.events.ndim) - self.events, arm) == 0.0
        return np.asarray(every.astype(float) - none.astype(float))

    def log_constant(self) -> Floats:
        """Log of the number of ways to choose who had the event."""
        return np.asarray(
            gammaln(self.n + 1.0) - gammaln(self.events + 1.0) - gammaln(self.n - self.events + 1.0)
        )


def _log_density_of_logits(eta: Floats, events: Floats, n: Floats) -> Floats:
    """``events eta - n log(1 + exp(eta))``, in one buffer: most of the time of a fit is spent here."""
    value = np.abs(eta)
    np.negative(value, out=value)
    np.exp(value, out=value)
    value += 1.0
    np.log(value, out=value)
    np.subtract(np.minimum(eta, 0.0), value, out=value)
    value *= n
    value -= (n - events) * eta
    return value


@dataclass(frozen=True, eq=False)
class OrderedCounts:
    """Patients in one category of an ordered outcome: between a threshold and the next one the study reported.

    A category's chance is ``constant + sum(share * F(eta))`` over its parts: its lower threshold counts plus, its upper
    one minus, and the lowest category has 1 for its constant. Categories that a study did not tell apart are one.

    Parameters
    ----------
    counts
        Patients in each category, shape ``(result,)``.
    n
        Patients in the whole arm, shape ``(result,)``.
    constant
        1 for the lowest category, else 0, shape ``(result,)``.
    above
        Patients above the category's lower threshold (for the lowest category, above its upper one), ``(result,)``.
    link
        A link of probabilities.
    """

    counts: Floats
    n: Floats
    constant: Floats
    above: Floats
    link: Link

    @property
    def gaussian(self) -> bool:
        """Never."""
        return False

    def fitted(self, eta: Floats, mix: Mix) -> Floats:
        """Chance of the category."""
        constant = spread(self.constant[mix.results], eta.ndim)
        return np.maximum(constant + mix.average(self.link.probability(eta)), _SMALLEST_PROBABILITY)

    def log_density(self, eta: Floats, mix: Mix) -> Floats:
        """Multinomial log likelihood without its constant."""
        return np.asarray(spread(self.counts[mix.results], eta.ndim) * np.log(self.fitted(eta, mix)))

    def working(self, eta: Floats, mix: Mix) -> tuple[Floats, Floats, Floats]:
        """As if categories were independent Poisson counts: the same information, for the chances sum to one."""
        chance = np.maximum(self.fitted(eta, mix), 1e-9)
        counts, n = spread(self.counts[mix.results], eta.ndim), spread(self.n[mix.results], eta.ndim)
        return counts / n - chance, chance / n, spread(mix.shares, eta.ndim) * self.link.density(eta)

    def start(self, eta: Floats, mix: Mix) -> Floats:
        """From the observed share above the category's first threshold."""
        first = np.flatnonzero(np.r_[True, np.diff(mix.part) > 0])
        seen = self.link.linear((self.above + 0.5) / (self.n + 1.0))
        return np.asarray(spread(seen[mix.results], eta.ndim) - eta[first])

    def deviance(self, fitted: Floats, results: Ints) -> Floats:
        """Multinomial residual deviance, category by category."""
        counts, n = spread(self.counts[results], fitted.ndim), spread(self.n[results], fitted.ndim)
        return np.asarray(2.0 * (xlogy(counts, counts / n) - counts * np.log(fitted)))

    def lean(self, arm: Ints) -> Floats:
        """Everybody in the lowest category, or everybody in the highest."""
        last = np.r_[np.diff(arm) > 0, True]
        full = self.counts == self.n
        return group_sum((full & last).astype(float) - (full & (self.constant > 0.0)).astype(float), arm)

    def log_constant(self) -> Floats:
        """Each category's part of the multinomial coefficient; the arm's ``n!`` stands with its lowest category."""
        return np.asarray(
            np.where(self.constant > 0.0, gammaln(self.n + 1.0), 0.0) - gammaln(self.counts + 1.0)
        )


@dataclass(frozen=True, eq=False)
class PoissonCounts:
    """Events over person-time, on the log link; one of mixed parts has the average rate over its mix."""

    events: Floats
    exposure: Floats

    @property
    def gaussian(self) -> bool:
        """Never."""
        return False

    def fitted(self, eta: Floats, mix: Mix) -> Floats:
        """Rate."""
        return mix.average(Link.LOG.probability(eta))

    def log_density(self, eta: Floats, mix: Mix) -> Floats:
        """Poisson log likelihood without the factorial."""
        events, exposure = self._observed(mix.results, eta.ndim)
        log_rate = eta if mix.plain else np.log(np.maximum(self.fitted(eta, mix), 1e-300))
        return np.asarray(events * log_rate - exposure * np.exp(np.minimum(log_rate, 300.0)))

    def working(self, eta: Floats, mix: Mix) -> tuple[Floats, Floats, Floats]:
        """Fisher-scoring quantities on the scale of the rate."""
        events, exposure = self._observed(mix.results, eta.ndim)
        rate = np.maximum(self.fitted(eta, mix), 1e-12)
        return events / exposure - rate, rate / exposure, spread(mix.shares, eta.ndim) * Link.LOG.density(eta)

    def start(self, eta: Floats, mix: Mix) -> Floats:
        """Log of the observed rate, half an event added."""
        seen = np.log((self.events + 0.5) / self.exposure)
        return np.asarray(spread(seen[mix.results], eta.ndim) - mix.average(eta))

    def deviance(self, fitted: Floats, results: Ints) -> Floats:
        """Poisson residual deviance."""
        events, exposure = self._observed(results, fitted.ndim)
        mean = np.maximum(exposure * fitted, 1e-300)
        return np.asarray(2.0 * (xlogy(events, events / mean) - (events - mean)))

    def lean(self, arm: Ints) -> Floats:
        """No events."""
        return np.asarray(-(group_sum(self.events, arm) == 0.0).astype(float))

    def log_constant(self) -> Floats:
        """Exposure to the power of the events, over their factorial."""
        return np.asarray(xlogy(self.events, self.exposure) - gammaln(self.events + 1.0))

    def _observed(self, results: Ints, ndim: int) -> tuple[Floats, Floats]:
        return spread(self.events[results], ndim), spread(self.exposure[results], ndim)


@dataclass(frozen=True, eq=False)
class NormalMeans:
    """A mean with its known standard error, on the identity link."""

    mean: Floats
    se: Floats

    @property
    def gaussian(self) -> bool:
        """Always: study and arm terms integrate in closed form."""
        return True

    def log_density(self, eta: Floats, mix: Mix) -> Floats:
        """Normal log likelihood, shape ``(result, ...)``."""
        residual, variance, _ = self.working(eta, mix)
        return np.asarray(-0.5 * (residual * residual / variance + np.log(2.0 * np.pi * variance)))

    def working(self, eta: Floats, mix: Mix) -> tuple[Floats, Floats, Floats]:
        """Exact for the normal: one step reaches the mode."""
        centre = mix.average(eta)
        residual = spread(self.mean[mix.results], centre.ndim) - centre
        variance = np.broadcast_to(spread(self.se[mix.results] ** 2, centre.ndim), centre.shape)
        return residual, variance, np.broadcast_to(spread(mix.shares, eta.ndim), eta.shape)

    def start(self, eta: Floats, mix: Mix) -> Floats:
        """The observed mean less the present one."""
        return np.asarray(spread(self.mean[mix.results], eta.ndim) - mix.average(eta))

    def fitted(self, eta: Floats, mix: Mix) -> Floats:
        """Mean."""
        return mix.average(eta)

    def deviance(self, fitted: Floats, results: Ints) -> Floats:
        """Squared residual in standard errors."""
        mean, se = spread(self.mean[results], fitted.ndim), spread(self.se[results], fitted.ndim)
        return np.asarray(((mean - fitted) / se) ** 2)

    def lean(self, arm: Ints) -> Floats:
        """Never."""
        return np.zeros(int(arm[-1]) + 1)

    def log_constant(self) -> Floats:
        """Nothing was left out."""
        return np.zeros(len(self.mean))


def with_replicates(likelihood: BinomialCounts, columns: slice) -> BinomialCounts:
    """The same counts with only some replicates of the data, where there are replicates."""
    if likelihood.events.ndim == 1:
        return likelihood
    return replace(likelihood, events=likelihood.events[:, columns])
