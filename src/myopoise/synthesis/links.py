"""Links between a mean and the scale on which effects add."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri

__all__ = ["Link"]

Floats = NDArray[np.float64]
_ROOT_2_PI = np.sqrt(2.0 * np.pi)
_SMALLEST = 1e-16
"""Floor of a chance under the probit link: far below anything a fit visits, it only keeps logarithms finite."""


class Link(StrEnum):
    """Probability as a function of the linear predictor, and back."""

    LOGIT = "logit"
    PROBIT = "probit"
    CLOGLOG = "cloglog"
    IDENTITY = "identity"
    LOG = "log"

    @property
    def scale(self) -> str:
        """Unit of a difference on the linear scale, in words."""
        return {
            Link.LOGIT: "log odds ratio",
            Link.PROBIT: "probit",
            Link.CLOGLOG: "log hazard ratio",
            Link.IDENTITY: "mean difference",
            Link.LOG: "log rate ratio",
        }[self]

    @property
    def of_probability(self) -> bool:
        """Whether it maps a probability; the identity and the logarithm map means and rates."""
        return self in (Link.LOGIT, Link.PROBIT, Link.CLOGLOG)

    def probability(self, eta: Floats) -> Floats:
        """Chance of the event at linear predictor `eta`; for `LOG` the rate, for `IDENTITY` the mean."""
        match self:
            case Link.LOGIT:
                return np.asarray(expit(eta))
            case Link.PROBIT:
                return np.asarray(ndtr(eta))
            case Link.CLOGLOG:
                return np.asarray(-np.expm1(-np.exp(np.minimum(eta, 30.0))))
            case Link.LOG:
                return np.asarray(np.exp(np.minimum(eta, 300.0)))
            case Link.IDENTITY:
                return eta

    def density(self, eta: Floats) -> Floats:
        """Derivative of `probability`."""
        match self:
            case Link.LOGIT:
                return np.asarray(expit(eta) * expit(-eta))
            case Link.PROBIT:
                return np.asarray(np.exp(-0.5 * eta * eta) / _ROOT_2_PI)
            case Link.CLOGLOG:
                grown = np.minimum(eta, 30.0)
                return np.asarray(np.exp(grown - np.exp(grown)))
            case Link.LOG:
                return np.asarray(np.exp(np.minimum(eta, 300.0)))
            case Link.IDENTITY:
                return np.ones_like(eta)

    def linear(self, probability: Floats) -> Floats:
        """Linear predictor that gives `probability`."""
        match self:
            case Link.LOGIT:
                return np.asarray(logit(probability))
            case Link.PROBIT:
                return np.asarray(ndtri(probability))
            case Link.CLOGLOG:
                return np.asarray(np.log(-np.log1p(-probability)))
            case Link.LOG:
                return np.asarray(np.log(probability))
            case Link.IDENTITY:
                return probability

    def log_chances(self, eta: Floats) -> tuple[Floats, Floats]:
        """Log of the chance of the event and of no event, exact where a plain logarithm would lose digits."""
        if self is Link.LOGIT:
            event = np.minimum(eta, 0.0) - np.log1p(np.exp(-np.abs(eta)))
            return event, event - eta
        if self is Link.CLOGLOG:
            hazard = np.exp(np.minimum(eta, 300.0))
            # Below this the chance of the event is its hazard to the last digit, and the logarithm is eta itself.
            rare = eta < -37.0
            return np.where(rare, eta, np.log(-np.expm1(-np.where(rare, 1.0, hazard)))), -hazard
        chance = np.clip(self.probability(eta), _SMALLEST, 1.0 - _SMALLEST)
        return np.log(chance), np.log1p(-chance)
