"""Priors as values: each says what it implies, and maps a standard normal to itself.

Every hyperparameter enters the inference as ``value(z)`` with ``z ~ N(0, 1)``. On that scale a prior is always the
same bell, the tail towards zero heterogeneity is harmless, and one numerical scheme serves every family. Both tails
are exact to scores of 8.

A standard deviation between studies is tau. Priors are of tau; those that their authors put on its square stand in
`variance_priors`, and even they take and give tau: `log_density` is always the density of tau.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, erfc, erfinv, ndtr, ndtri

from myopoise.errors import WrongUsage
from myopoise.synthesis.prior_meaning import check, effect_meaning, interval, spread_meaning
from myopoise.synthesis.tails import (
    from_score,
    log_density_of_log_normal,
    log_density_of_t,
    size_of_t,
    tails_of_size_of_t,
    to_score,
)
from myopoise.synthesis.variance_priors import InverseGamma, LogNormalVariance, LogTVariance

__all__ = [
    "HalfCauchy",
    "HalfNormal",
    "HalfT",
    "InverseGamma",
    "LogNormal",
    "LogNormalVariance",
    "LogTVariance",
    "Normal",
    "Prior",
    "Uniform",
]

Floats = NDArray[np.float64]

_LOG_2_PI = math.log(2.0 * math.pi)


class Prior(Protocol):
    """A distribution that can be drawn from by transforming a standard normal."""

    def value(self, z: Floats) -> Floats:
        """Quantile of the prior at the standard-normal score `z`, same shape."""
        ...

    def score(self, value: Floats) -> Floats:
        """Standard-normal score of `value`: the inverse of `value`."""
        ...

    def log_density(self, value: Floats) -> Floats:
        """Logarithm of the density at `value`, normalised; minus infinity where the prior has no weight."""
        ...

    def meaning(self, scale: str) -> str:
        """What the prior says of true effects on `scale` (``log odds ratio``, ``mean difference``, ...)."""
        ...

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies, in words."""
        ...


def _positive(value: Floats, log_density: Floats) -> Floats:
    return np.where(np.asarray(value) >= 0.0, log_density, -np.inf)


@dataclass(frozen=True)
class Normal:
    """Normal prior with the given mean and standard deviation, in the unit of the parameter."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        """Refuse parameters that make no distribution."""
        check("normal", positive={"sd": self.sd}, finite={"mean": self.mean})

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`."""
        return self.mean + self.sd * z

    def score(self, value: Floats) -> Floats:
        """Score of `value`."""
        return (value - self.mean) / self.sd

    def log_density(self, value: Floats) -> Floats:
        """Log density at `value`."""
        return np.asarray(-0.5 * (self.score(value) ** 2 + _LOG_2_PI) - math.log(self.sd))

    def meaning(self, scale: str) -> str:
        """What it says of an effect on `scale`."""
        return effect_meaning(self, scale)

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        return f"Normal({self.mean:g}, sd {self.sd:g}): {interval(self)}"


@dataclass(frozen=True)
class HalfNormal:
    """The positive half of a normal with mean 0 and the given scale."""

    scale: float

    def __post_init__(self) -> None:
        """Refuse parameters that make no distribution."""
        check("half-normal", positive={"scale": self.scale})

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`."""
        upper = -ndtri(0.5 * ndtr(-np.asarray(z)))
        # Below the median the root of the error function keeps the digits that one half plus little would lose.
        lower = math.sqrt(2.0) * erfinv(ndtr(np.minimum(z, 0.0)))
        return np.asarray(self.scale * np.where(np.asarray(z) < 0.0, lower, upper))

    def score(self, value: Floats) -> Floats:
        """Score of `value` (> 0)."""
        x = np.asarray(value) / (self.scale * math.sqrt(2.0))
        return to_score(np.asarray(erf(x)), np.asarray(erfc(x)))

    def log_density(self, value: Floats) -> Floats:
        """Log density at `value`."""
        x = np.asarray(value) / self.scale
        return _positive(x, math.log(2.0 / self.scale) - 0.5 * (x * x + _LOG_2_PI))

    def meaning(self, scale: str) -> str:
        """What it says of trials whose effects are on `scale`."""
        return spread_meaning(self, scale)

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        return f"half-normal({self.scale:g}): {interval(self)}"


@dataclass(frozen=True)
class HalfT:
    """The positive half of Student's t with the given degrees of freedom and scale."""

    df: float
    scale: float

    def __post_init__(self) -> None:
        """Refuse parameters that make no distribution."""
        check("half-t", positive={"degrees of freedom": self.df, "scale": self.scale})

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`."""
        return self.scale * from_score(z, lambda below, above: size_of_t(self.df, below, above))

    def score(self, value: Floats) -> Floats:
        """Score of `value` (> 0)."""
        return to_score(*tails_of_size_of_t(self.df, np.asarray(value) / self.scale))

    def log_density(self, value: Floats) -> Floats:
        """Log density at `value`."""
        x = np.asarray(value) / self.scale
        return _positive(x, math.log(2.0 / self.scale) + log_density_of_t(self.df, x))

    def meaning(self, scale: str) -> str:
        """What it says of trials whose effects are on `scale`."""
        return spread_meaning(self, scale)

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        if self.df == 1.0:
            return f"half-Cauchy({self.scale:g}): {interval(self)}"
        return f"half-t({self.df:g} degrees of freedom, scale {self.scale:g}): {interval(self)}"


def HalfCauchy(scale: float) -> HalfT:
    """The positive half of a Cauchy: half-t with one degree of freedom.

    Parameters
    ----------
    scale
        Its median.
    """
    return HalfT(1.0, scale)


@dataclass(frozen=True)
class Uniform:
    """Uniform between `low` and `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse parameters that make no distribution."""
        check("uniform", positive={}, finite={"low end": self.low, "high end": self.high})
        if self.low >= self.high:
            raise WrongUsage(
                f"uniform: the ends are {self.low:g} and {self.high:g}. The low end comes first."
            )

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`."""
        width = self.high - self.low
        z = np.asarray(z)
        return np.asarray(np.where(z < 0.0, self.low + width * ndtr(z), self.high - width * ndtr(-z)))

    def score(self, value: Floats) -> Floats:
        """Score of `value`, inside the interval."""
        width, value = self.high - self.low, np.asarray(value)
        return to_score((value - self.low) / width, (self.high - value) / width)

    def log_density(self, value: Floats) -> Floats:
        """Log density at `value`."""
        inside = (np.asarray(value) >= self.low) & (np.asarray(value) <= self.high)
        return np.where(inside, -math.log(self.high - self.low), -np.inf)

    def meaning(self, scale: str) -> str:
        """What it says of trials whose effects are on `scale`; of an effect, if it goes below zero."""
        return spread_meaning(self, scale) if self.low >= 0.0 else effect_meaning(self, scale)

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        return f"uniform({self.low:g}, {self.high:g}): {interval(self)}"


@dataclass(frozen=True)
class LogNormal:
    """Log-normal: the logarithm has mean `log_mean` and standard deviation `log_sd`."""

    log_mean: float
    log_sd: float

    def __post_init__(self) -> None:
        """Refuse parameters that make no distribution."""
        check("log-normal", positive={"log sd": self.log_sd}, finite={"log mean": self.log_mean})

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`."""
        return np.exp(self.log_mean + self.log_sd * z)

    def score(self, value: Floats) -> Floats:
        """Score of `value` (> 0)."""
        return (np.log(value) - self.log_mean) / self.log_sd

    def log_density(self, value: Floats) -> Floats:
        """Log density at `value`."""
        return log_density_of_log_normal(value, self.log_mean, self.log_sd)

    def meaning(self, scale: str) -> str:
        """What it says of trials whose effects are on `scale`."""
        return spread_meaning(self, scale)

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        centre = math.exp(self.log_mean)
        return f"log-normal(median {centre:.2g}, log sd {self.log_sd:g}): {interval(self)}"
