"""Priors of tau that are made from the studies' standard errors, or that have no finite integral.

They are for comparison with what others did, and for asking what the data say alone; with few studies an informative
prior says more. An improper prior has no quantiles, so it is not a `Prior`: only `exact_pairwise` takes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.prior_meaning import check, interval, spread_meaning
from myopoise.synthesis.tails import from_score, to_score

__all__ = ["DuMouchel", "ImproperUniform", "Jeffreys", "dumouchel"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ImproperUniform:
    """Every tau from zero on has the same weight, without an upper end."""

    studies: ClassVar[int] = 3
    """How many it needs for a posterior, with a flat prior of mu; one fewer with a normal one."""

    def log_weight(self, tau: Floats, se: Floats) -> Floats:
        """Zero everywhere."""
        return np.zeros(np.shape(tau))

    @property
    def sentence(self) -> str:
        """The prior in words."""
        return "uniform from zero, without an upper end (improper)"


@dataclass(frozen=True)
class Jeffreys:
    """Jeffreys' prior of tau: the root of its Fisher information, ``sqrt(sum((tau / (se^2 + tau^2))^2))``."""

    studies: ClassVar[int] = 2
    """How many it needs for a posterior, with a flat prior of mu; one fewer with a normal one."""

    def log_weight(self, tau: Floats, se: Floats) -> Floats:
        """Logarithm of the root of the information."""
        tau = np.asarray(tau, dtype=np.float64)
        share = (1.0 / (se**2 + tau[..., None] ** 2)) ** 2
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(tau) + 0.5 * np.log(share.sum(-1)))

    @property
    def sentence(self) -> str:
        """The prior in words."""
        return "Jeffreys (root of the information about tau; improper)"


@dataclass(frozen=True)
class DuMouchel:
    """Log-logistic: its density is ``scale / (scale + tau)^2``, its median `scale`."""

    scale: float

    def __post_init__(self) -> None:
        """Refuse parameters that make no distribution."""
        check("DuMouchel", positive={"scale": self.scale})

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`."""
        return self.scale * from_score(z, lambda below, above: below / above)

    def score(self, value: Floats) -> Floats:
        """Score of `value` (> 0)."""
        value = np.asarray(value)
        return to_score(value / (self.scale + value), self.scale / (self.scale + value))

    def log_density(self, value: Floats) -> Floats:
        """Log density at `value`."""
        value = np.asarray(value)
        density = np.log(self.scale) - 2.0 * np.log(self.scale + np.maximum(value, 0.0))
        return np.where(value >= 0.0, density, -np.inf)

    def meaning(self, scale: str) -> str:
        """What it says of trials whose effects are on `scale`."""
        return spread_meaning(self, scale)

    @property
    def sentence(self) -> str:
        """The prior and the interval it implies."""
        return f"DuMouchel({self.scale:.3g}): {interval(self)}"


def dumouchel(se: Floats) -> DuMouchel:
    """DuMouchel's prior for these studies: its median is the root of the harmonic mean of their variances.

    Parameters
    ----------
    se
        Standard error of each study.
    """
    return DuMouchel(float(np.sqrt(len(se) / np.sum(np.asarray(se) ** -2.0))))
