"""Priors that their authors put on tau squared, as priors of tau.

The empirical priors of Turner and of Rhodes are of this kind, and so is the old habit of an inverse-gamma. The square
is in the parameters only: `value`, `score` and `log_density` are of tau, as everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, erfc, gammaln

from myopoise.synthesis.prior_meaning import check, interval, spread_meaning
from myopoise.synthesis.tails import (
    from_score,
    inverse_gamma_quantile,
    inverse_gamma_tails,
    log,
    log_density_of_log_normal,
    log_density_of_t,
    representable,
    size_of_t,
    tails_of_size_of_t,
    to_score,
)

__all__ = ["InverseGamma", "LogNormalVariance", "LogTVariance"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LogNormalVariance:
    """Log-normal on tau squared: ``log tau^2`` has mean `mu` and standard deviation `sigma` (Turner 2012)."""

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        """Refuse parameters that make no distribution."""
        check("log-normal-variance", positive={"sigma": self.sigma}, finite={"mu": self.mu})

    def value(self, z: Floats) -> Floats:
        """Tau at score `z`."""
        return np.exp(0.5 * (self.mu + self.sigma * np.asarray(z)))

    def score(self, value: Floats) -> Floats:
        """Score of `value`, a tau (> 0)."""
        return np.asarray((2.0 * np.log(value) - self.mu) / self.sigma)

    def log_density(self, value: Floats) -> Floats:
        """Log density of tau at `value`."""
        return log_density_of_log_normal(value, 0.5 * self.mu, 0.5 * self.sigma)

    def meaning(self, scale: str) -> str:
        """What it says of trials whose effects are on `scale`."""
        return spread_meaning(self, scale)

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies for tau."""
        return f"log-normal({self.mu:g}, {self.sigma:g}²) on tau squared: tau {interval(self)}"


@dataclass(frozen=True)
class LogTVariance:
    """Log-t on tau squared: ``log tau^2`` is `location` plus `scale` times Student's t (Rhodes 2015, with 5)."""

    df: float
    location: float
    scale: float

    def __post_init__(self) -> None:
        """Refuse parameters that make no distribution."""
        positive = {"degrees of freedom": self.df, "scale": self.scale}
        check("log-t-variance", positive=positive, finite={"location": self.location})

    def value(self, z: Floats) -> Floats:
        """Tau at score `z`."""
        z = np.asarray(z)
        size = size_of_t(self.df, erf(np.abs(z) / math.sqrt(2.0)), erfc(np.abs(z) / math.sqrt(2.0)))
        return representable(0.5 * (self.location + self.scale * np.sign(z) * size))

    def score(self, value: Floats) -> Floats:
        """Score of `value`, a tau (> 0)."""
        t = (2.0 * np.log(value) - self.location) / self.scale
        below, above = tails_of_size_of_t(self.df, np.abs(t))
        return np.asarray(np.sign(t) * to_score(0.5 + 0.5 * below, 0.5 * above))

    def log_density(self, value: Floats) -> Floats:
        """Log density of tau at `value`."""
        logarithm = np.maximum(log(value), -1e100)
        density = (
            log_density_of_t(self.df, (2.0 * logarithm - self.location) / self.scale)
            + math.log(2.0 / self.scale)
            - logarithm
        )
        return np.where(np.asarray(value) > 0.0, density, -np.inf)

    def meaning(self, scale: str) -> str:
        """What it says of trials whose effects are on `scale`."""
        return spread_meaning(self, scale)

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies for tau."""
        words = f"log-t({self.df:g} degrees of freedom, {self.location:g}, {self.scale:g}²) on tau squared"
        return f"{words}: tau {interval(self)}"


@dataclass(frozen=True)
class InverseGamma:
    """Inverse-gamma on tau squared: ``1 / tau^2`` is gamma with this shape and rate.

    Notes
    -----
    The customary small values, such as 0.001, are not vague: they put a wall at zero, and half of their weight where
    no number of this machine reaches. Tau is held at 1e75 there, which no data support.
    """

    shape: float
    rate: float

    def __post_init__(self) -> None:
        """Refuse parameters that make no distribution."""
        check("inverse-gamma", positive={"shape": self.shape, "rate": self.rate})

    def value(self, z: Floats) -> Floats:
        """Tau at score `z`."""
        return from_score(
            z,
            lambda below, above: representable(
                0.5 * inverse_gamma_quantile(self.shape, self.rate, below, above)
            ),
        )

    def score(self, value: Floats) -> Floats:
        """Score of `value`, a tau (> 0)."""
        return to_score(*inverse_gamma_tails(self.shape, self.rate, np.asarray(value) ** 2))

    def log_density(self, value: Floats) -> Floats:
        """Log density of tau at `value`."""
        value = np.asarray(value, dtype=np.float64)
        precision = np.exp(np.minimum(-2.0 * log(value), 700.0))
        constant = math.log(2.0) + self.shape * math.log(self.rate) - float(gammaln(self.shape))
        density = constant + (self.shape + 0.5) * np.log(precision) - self.rate * precision
        return np.where(value > 0.0, density, -np.inf)

    def meaning(self, scale: str) -> str:
        """What it says of trials whose effects are on `scale`."""
        return spread_meaning(self, scale)

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies for tau."""
        return f"inverse-gamma(shape {self.shape:g}, rate {self.rate:g}) on tau squared: tau {interval(self)}"
