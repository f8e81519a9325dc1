"""The family: every synthesis is one latent Gaussian model.

    observation | eta          binomial counts, or normal means with known standard error
    eta = A x + u_study + w_arm    (a result of mixed diagnoses has one row of A, and one share, for each part)
    x ~ N(mean, V(theta))      independent components; theta a handful of standard deviations
    u ~ N(0, S(theta)), w ~ N(0, T(theta))

Models differ in A, in which standard deviation governs which component, and in the likelihood: they are built in
`models` and `myositis`, and inference is written once (`quadrature`, `laplace`). Study and arm terms are kept apart
from x because they touch one study only and are integrated out one study at a time.

Results nest in arms and arms in studies; an arm has several results when its patients are reported apart by
diagnosis, and they share the arm's term.

A component whose standard deviation is shared (treatments of one class) is written as a mean component plus a
deviation component, each independent a priori: then V is diagonal for every model in the family.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.links import Link
from myopoise.synthesis.priors import Prior

__all__ = ["BinomialCounts", "Comparisons", "LatentModel", "Likelihood", "NormalMeans", "Variances"]

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


class Likelihood(Protocol):
    """What was observed in each result, given the linear predictor of each of its parts."""

    @property
    def gaussian(self) -> bool:
        """Whether study and arm terms can be integrated in closed form."""
        ...

    def log_density(self, eta: Floats, shares: Floats, results: Ints) -> Floats:
        """Log likelihood of each result, shape ``(result, ...)``.

        Parameters
        ----------
        eta
            Shape ``(result, part, ...)``: linear predictor of every part of each result in `results`.
        shares
            Shape ``(result, part)``: share of each part; 0 pads results with fewer parts.
        results
            Which results these are.
        """
        ...

    def working(self, eta: Floats, shares: Floats, results: Ints) -> tuple[Floats, Floats, Floats]:
        """Residual, variance and slope of each part for a Gauss-Newton step; arguments as `log_density`.

        Returns
        -------
        residual, variance
            Shape ``(result, ...)``: observed less expected on the scale of the mean, and its variance.
        slope
            Shape ``(result, part, ...)``: derivative of the mean by each part's linear predictor.
        """
        ...

    def start(self) -> Floats:
        """A sensible linear predictor of each result to start from, shape ``(result,)``."""
        ...


def _spread(values: Floats, ndim: int) -> Floats:
    """View of `values` with axes of length one appended until it has `ndim` axes."""
    return values.reshape(values.shape + (1,) * (ndim - values.ndim))


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

    def log_density(self, eta: Floats, shares: Floats, results: Ints) -> Floats:
        """Binomial log likelihood without its constant, shape ``(result, ...)``."""
        weight = _spread(shares, eta.ndim)
        event = np.maximum((weight * self.link.probability(eta)).sum(1), 1e-300)
        no_event = np.maximum((weight * self.link.probability(-eta)).sum(1), 1e-300)
        events, n = _spread(self.events[results], event.ndim), _spread(self.n[results], event.ndim)
        return np.asarray(events * np.log(event) + (n - events) * np.log(no_event))

    def working(self, eta: Floats, shares: Floats, results: Ints) -> tuple[Floats, Floats, Floats]:
        """Fisher-scoring quantities on the probability scale."""
        weight = _spread(shares, eta.ndim)
        p = np.clip((weight * self.link.probability(eta)).sum(1), 1e-9, 1.0 - 1e-9)
        events, n = _spread(self.events[results], p.ndim), _spread(self.n[results], p.ndim)
        return events / n - p, p * (1.0 - p) / n, weight * self.link.density(eta)

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

    def log_density(self, eta: Floats, shares: Floats, results: Ints) -> Floats:
        """Normal log likelihood, shape ``(result, ...)``."""
        residual, variance, _ = self.working(eta, shares, results)
        return np.asarray(-0.5 * (residual * residual / variance + np.log(2.0 * np.pi * variance)))

    def working(self, eta: Floats, shares: Floats, results: Ints) -> tuple[Floats, Floats, Floats]:
        """Exact for the normal: one step reaches the mode."""
        weight = _spread(shares, eta.ndim)
        centre = (weight * eta).sum(1)
        residual = _spread(self.mean[results], centre.ndim) - centre
        variance = np.broadcast_to(_spread(self.se[results] ** 2, centre.ndim), centre.shape)
        return residual, variance, np.broadcast_to(weight, eta.shape)

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
    arm
        Arm of each result, shape ``(result,)``, non-decreasing.
    study
        Study of each arm, shape ``(arm,)``, non-decreasing.
    design
        Shape ``(result, part, column)``: A.
    shares
        Shape ``(result, part)``: share of each part, summing to one; 0 pads.
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
    arm: Ints
    study: Ints
    design: Floats
    shares: Floats
    study_variance: Variances
    arm_variance: Variances
    likelihood: Likelihood
    comparisons: Comparisons = field(kw_only=True)

    def theta(self, z: Floats) -> Floats:
        """Standard deviations at the standard-normal scores `z`, both ``(..., hyper)``."""
        if not self.hypers:
            return np.zeros((*z.shape[:-1], 0))
        return np.stack([prior.value(z[..., k]) for k, (_, prior) in enumerate(self.hypers)], axis=-1)

    def column(self, name: str) -> int:
        """Position of a component of x."""
        return self.columns.index(name)
