"""The family: every synthesis is one latent Gaussian model.

    observation | eta          binomial counts, or normal means with known standard error
    eta = A x + u_study + w_arm    (one row of A for each part of a result)
    x ~ N(mean, V(theta))      independent components; theta a handful of standard deviations
    u ~ N(0, S(theta)), w ~ N(0, T(theta))

Models differ in A, in which standard deviation governs which component, and in the likelihood: they are built in
`models` and `myositis`, and inference is written once (`quadrature`, `laplace`). Study and arm terms are kept apart
from x because they touch one study only and are integrated out one study at a time.

Parts nest in results, results in arms, arms in studies. A result has several parts when its patients have several
diagnoses; an arm has several results when they are reported apart by diagnosis, and then they share the arm's term.

A component whose standard deviation is shared (treatments of one class) is written as a mean component plus a
deviation component, each independent a priori: then V is diagonal for every model in the family.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.links import Link
from myopoise.synthesis.nesting import group_sum
from myopoise.synthesis.priors import Prior

__all__ = [
    "BinomialCounts",
    "Comparisons",
    "LatentModel",
    "Likelihood",
    "Mix",
    "NormalMeans",
    "Variances",
    "spread",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Variances:
    """Prior variances as known functions of the standard deviations theta.

    Parameters
    ----------
    constant
        Shape ``(item,)``: the part that does not depend on theta.
    loading
        Shape ``(item, hyper)``: the factor of theta squared.
    """

    constant: Floats
    loading: Floats

    def at(self, theta: Floats) -> Floats:
        """Variance of each item, shape ``(..., item)``, for `theta` of shape ``(..., hyper)``."""
        return self.constant + (theta * theta) @ self.loading.T

    @property
    def absent(self) -> bool:
        """Whether every variance is zero whatever theta is."""
        return not (self.constant.any() or self.loading.any())


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
        Share of each part; those of one result sum to one.
    """

    results: Ints
    part: Ints
    shares: Floats

    def average(self, values: Floats) -> Floats:
        """Average of ``(part, ...)`` over the mix of each result, ``(result, ...)``."""
        if len(self.results) == len(self.part):
            return values
        return group_sum(spread(self.shares, values.ndim) * values, self.part)


def spread(values: Floats, ndim: int) -> Floats:
    """View of `values` with axes of length one appended until it has `ndim` axes."""
    return values.reshape(values.shape + (1,) * (ndim - values.ndim))


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

    def start(self) -> Floats:
        """A sensible linear predictor of each result to start from, shape ``(result,)``."""
        ...


_SMALLEST_PROBABILITY = 1e-16
"""Floor of a chance: far below anything a fit visits, it only keeps logarithms finite."""


@dataclass(frozen=True, eq=False)
class BinomialCounts:
    """Events among n in each result; one of mixed parts has the average chance over its mix.

    Zero and full counts need no correction: the likelihood is exact.
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
        chance = np.clip(
            mix.average(self.link.probability(eta)), _SMALLEST_PROBABILITY, 1.0 - _SMALLEST_PROBABILITY
        )
        events, n = spread(self.events[mix.results], chance.ndim), spread(self.n[mix.results], chance.ndim)
        return np.asarray(events * np.log(chance) + (n - events) * np.log1p(-chance))

    def working(self, eta: Floats, mix: Mix) -> tuple[Floats, Floats, Floats]:
        """Fisher-scoring quantities on the probability scale."""
        chance = np.clip(mix.average(self.link.probability(eta)), 1e-9, 1.0 - 1e-9)
        events, n = spread(self.events[mix.results], chance.ndim), spread(self.n[mix.results], chance.ndim)
        slope = spread(mix.shares, eta.ndim) * self.link.density(eta)
        return events / n - chance, chance * (1.0 - chance) / n, slope

    def start(self) -> Floats:
        """Linear predictor of the observed proportion, drawn in from 0 and 1."""
        return self.link.linear((self.events + 0.5) / (self.n + 1.0))


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

    def start(self) -> Floats:
        """The observed mean."""
        return self.mean


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Differences between two arms of which only a P value, or 'not significant', was printed.

    Parameters
    ----------
    design
        Shape ``(comparison, column)``: the true difference is this times x.
    se
        Standard error of the difference on the linear scale, ``sqrt(1/n1 + 1/n0)`` for a probit.
    z
        Absolute z score of the printed P value; NaN where only 'not significant' was printed.
    variance
        Extra variance of the difference (two arm terms).

    Notes
    -----
    The sign of an effect with only P printed is unknown, so both signs count half. Leaving such comparisons out would
    favour the drug: a null trial prints no numbers.
    """

    design: Floats
    se: Floats
    z: Floats
    variance: Variances

    @classmethod
    def none(cls, columns: int, hypers: int) -> Comparisons:
        """No such comparison."""
        empty = np.zeros(0)
        return cls(np.zeros((0, columns)), empty, empty, Variances(empty, np.zeros((0, hypers))))


@dataclass(frozen=True, eq=False)
class LatentModel:
    """One model of the family, ready for inference.

    Parameters
    ----------
    name
        What the model is, in words.
    hypers
        Name and prior of each standard deviation theta.
    columns
        Name of each component of x.
    column_mean
        Prior mean of each component, shape ``(column,)``.
    column_variance
        Prior variance of each component.
    design
        Shape ``(part, column)``: A.
    shares
        Share of each part in its result, shape ``(part,)``.
    result
        Result of each part, shape ``(part,)``, non-decreasing.
    arm
        Arm of each result, shape ``(result,)``, non-decreasing.
    study
        Study of each arm, shape ``(arm,)``, non-decreasing.
    study_variance
        Variance S of the term shared by the arms of a study.
    arm_variance
        Variance T of each arm's own term.
    likelihood
        What was observed.
    comparisons
        Differences known only through a P value.
    """

    name: str
    hypers: tuple[tuple[str, Prior], ...]
    columns: tuple[str, ...]
    column_mean: Floats
    column_variance: Variances
    design: Floats
    shares: Floats
    result: Ints
    arm: Ints
    study: Ints
    study_variance: Variances
    arm_variance: Variances
    likelihood: Likelihood
    comparisons: Comparisons = field(kw_only=True)

    @cached_property
    def mix(self) -> Mix:
        """Every result with its parts."""
        return Mix(np.arange(len(self.arm)), self.result, self.shares)

    def theta(self, z: Floats) -> Floats:
        """Standard deviations at the standard-normal scores `z`, both ``(..., hyper)``."""
        if not self.hypers:
            return np.zeros((*z.shape[:-1], 0))
        return np.stack([prior.value(z[..., k]) for k, (_, prior) in enumerate(self.hypers)], axis=-1)

    def column(self, name: str) -> int:
        """Position of a component of x."""
        return self.columns.index(name)
