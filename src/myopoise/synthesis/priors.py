"""Priors as values: each says what it implies, and maps a standard normal to itself.

Every hyperparameter enters the inference as ``value(z)`` with ``z ~ N(0, 1)``. On that scale a prior is always the
same bell, the tail towards zero heterogeneity is harmless, and one numerical scheme serves every family.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["HalfNormal", "LogNormal", "Normal", "Prior", "Uniform"]

Floats = NDArray[np.float64]


class Prior(Protocol):
    """A distribution that can be drawn from by transforming a standard normal."""

    def value(self, z: Floats) -> Floats:
        """Quantile of the prior at the standard-normal score `z`, same shape."""
        ...

    def score(self, value: Floats) -> Floats:
        """Standard-normal score of `value`: the inverse of `value`."""
        ...

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies, in words."""
        ...


def _interval(prior: Prior) -> str:
    low, high = prior.value(np.array([ndtri(0.025), ndtri(0.975)]))
    return f"95% between {low:.2g} and {high:.2g}"


@dataclass(frozen=True)
class Normal:
    """Normal prior with the given mean and standard deviation, in the unit of the parameter."""

    mean: float
    sd: float

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`."""
        return self.mean + self.sd * z

    def score(self, value: Floats) -> Floats:
        """Score of `value`."""
        return (value - self.mean) / self.sd

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        return f"Normal({self.mean:g}, sd {self.sd:g}): {_interval(self)}"


@dataclass(frozen=True)
class HalfNormal:
    """The positive half of a normal with mean 0 and the given scale."""

    scale: float

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`, computed from the upper tail so that large values stay exact."""
        return np.asarray(-self.scale * ndtri(0.5 * ndtr(-z)))

    def score(self, value: Floats) -> Floats:
        """Score of `value` (> 0)."""
        return np.asarray(-ndtri(2.0 * ndtr(-value / self.scale)))

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        return f"half-normal({self.scale:g}): {_interval(self)}"


@dataclass(frozen=True)
class Uniform:
    """Uniform between `low` and `high`."""

    low: float
    high: float

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`."""
        return np.asarray(self.low + (self.high - self.low) * ndtr(z))

    def score(self, value: Floats) -> Floats:
        """Score of `value`, inside the interval."""
        return np.asarray(ndtri((value - self.low) / (self.high - self.low)))

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        return f"uniform({self.low:g}, {self.high:g})"


@dataclass(frozen=True)
class LogNormal:
    """Log-normal: the logarithm has mean `log_mean` and standard deviation `log_sd`."""

    log_mean: float
    log_sd: float

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`."""
        return np.exp(self.log_mean + self.log_sd * z)

    def score(self, value: Floats) -> Floats:
        """Score of `value` (> 0)."""
        return (np.log(value) - self.log_mean) / self.log_sd

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        centre = math.exp(self.log_mean)
        return f"log-normal(median {centre:.2g}, log sd {self.log_sd:g}): {_interval(self)}"
