"""The family: every synthesis is one latent Gaussian model.

    observation | eta          counts, ordered categories, means with known standard error, rates: `likelihoods`
    eta = A x + u_study + w_arm    (one row of A for each part of a result)
    contrast | x ~ N(D x, C + tau^2 (I + J) / 2)    where studies print differences between arms only
    x ~ N(mean, V(theta))      independent components; theta a handful of standard deviations
    u ~ N(0, S(theta)), w ~ N(0, T(theta))

Thresholds between levels of response may be unknown too: distances between them are then among theta, and move the
linear predictor of a part, or its share in a score that is linear between thresholds (`Thresholds`).

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

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.likelihoods import BinomialCounts, Likelihood, Mix
from myopoise.synthesis.nesting import group_sum
from myopoise.synthesis.priors import Prior

__all__ = ["Comparisons", "LatentModel", "MeasuredContrasts", "Thresholds", "Variances"]

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
class MeasuredContrasts:
    """Contrasts between arms as studies printed them; studies that have the same number of arms.

    Parameters
    ----------
    design
        Shape ``(study, contrast, column)``: the true contrasts are this times x, plus arm terms.
    estimate
        Shape ``(study, contrast)``.
    covariance
        Of `estimate`, shape ``(study, contrast, contrast)``.
    loading
        Shape ``(hyper,)``: the variance between studies of one contrast is ``loading @ theta**2``, and two contrasts of
        a study share half of it, because they share the first arm.
    """

    design: Floats
    estimate: Floats
    covariance: Floats
    loading: Floats

    def covariance_at(self, theta: Floats) -> Floats:
        """Covariance with the heterogeneity added, shape ``(study, draw, contrast, contrast)``."""
        k = self.estimate.shape[1]
        between = (theta * theta) @ self.loading
        return np.asarray(self.covariance[:, None] + between[:, None, None] * 0.5 * (np.eye(k) + 1.0))


@dataclass(frozen=True, eq=False)
class Thresholds:
    """How parts move with distances between thresholds, which are hyperparameters like the standard deviations.

    Parameters
    ----------
    offset
        Added to the linear predictor of each part, times theta, shape ``(part, hyper)``.
    slope
        Added to the share of each part, times one over theta, shape ``(part, hyper)``: a score that rises by so many
        points from one threshold to the next.
    """

    offset: Floats
    slope: Floats


@dataclass(frozen=True, eq=False)
class LatentModel:
    """One model of the family, ready for inference.

    Parameters
    ----------
    name
        What the model is, in words.
    hypers
        Name and prior of each standard deviation, or distance between thresholds, theta.
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
    contrasts
        Contrasts given as such, one entry for each number of arms.
    offset
        Known addition to the linear predictor of each part, shape ``(part,)``.
    points
        Data point of each result, non-decreasing, where an arm has several (a patient each); None for one an arm. It
        counts only in models without study and arm terms: otherwise an arm is left out as a whole.
    thresholds
        How parts move with distances between thresholds; None where thresholds are columns, or there are none.
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
    contrasts: tuple[MeasuredContrasts, ...] = ()
    offset: Floats | None = None
    points: Ints | None = None
    thresholds: Thresholds | None = None

    @property
    def point(self) -> Ints:
        """Data point of each result, shape ``(result,)``."""
        return self.arm if self.points is None or not self.free_of_terms else self.points

    def mix(self, theta: Floats) -> Mix:
        """Every result with its parts, whose shares may depend on theta, ``(draw, hyper)``."""
        return Mix(np.arange(len(self.arm)), self.result, self.shares_at(theta))

    def shares_at(self, theta: Floats) -> Floats:
        """Share of each part, shape ``(part,)`` or ``(part, draw)`` for `theta` of shape ``(draw, hyper)``."""
        if self.thresholds is None or not self.thresholds.slope.any():
            return self.shares
        used = self.thresholds.slope.any(axis=0)
        return np.asarray(self.shares[:, None] + self.thresholds.slope[:, used] @ (1.0 / theta[:, used]).T)

    @property
    def exact(self) -> bool:
        """Whether everything is Gaussian once theta is known."""
        return not len(self.comparisons.se) and (not len(self.study) or self.likelihood.gaussian)

    @property
    def replicated(self) -> bool:
        """Whether the likelihood holds replicates of the data, one for each node or draw."""
        return isinstance(self.likelihood, BinomialCounts) and self.likelihood.events.ndim > 1

    @property
    def free_of_terms(self) -> bool:
        """Whether results depend on nothing but x: no study and no arm terms."""
        return self.study_variance.absent and self.arm_variance.absent

    def predictor(self, x: Floats, theta: Floats) -> Floats:
        """Linear predictor of each part without study and arm terms, shape ``(part, draw)``.

        Parameters
        ----------
        x, theta
            Shapes ``(draw, column)`` and ``(draw, hyper)``.
        """
        eta = self.design @ x.T
        if self.offset is not None:
            eta += self.offset[:, None]
        if self.thresholds is not None:
            eta += self.thresholds.offset @ theta.T
        return np.asarray(eta)

    @cached_property
    def part_arm(self) -> Ints:
        """Arm of each part."""
        return self.arm[self.result]

    def by_arm(self, parts: Floats) -> Floats:
        """Mean over the parts of each arm, ``(part, ...)`` to ``(arm, ...)``."""
        return np.asarray(group_sum(parts, self.part_arm).T / np.bincount(self.part_arm)).T

    def theta(self, z: Floats) -> Floats:
        """Standard deviations at the standard-normal scores `z`, both ``(..., hyper)``."""
        if not self.hypers:
            return np.zeros((*z.shape[:-1], 0))
        return np.stack([prior.value(z[..., k]) for k, (_, prior) in enumerate(self.hypers)], axis=-1)

    def column(self, name: str) -> int:
        """Position of a component of x."""
        return self.columns.index(name)
