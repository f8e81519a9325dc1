"""Links between a probability and the scale on which effects add."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri

__all__ = ["Link"]

Floats = NDArray[np.float64]
_ROOT_2_PI = np.sqrt(2.0 * np.pi)


class Link(StrEnum):
    """Probability as a function of the linear predictor, and back."""

    LOGIT = "logit"
    PROBIT = "probit"

    @property
    def scale(self) -> str:
        """Unit of a difference on the linear scale, in words."""
        return {Link.LOGIT: "log odds ratio", Link.PROBIT: "probit"}[self]

    def probability(self, eta: Floats) -> Floats:
        """Chance of the event at linear predictor `eta`; the chance of no event is this at ``-eta``."""
        return np.asarray(ndtr(eta) if self is Link.PROBIT else expit(eta))

    def density(self, eta: Floats) -> Floats:
        """Derivative of `probability`."""
        if self is Link.PROBIT:
            return np.asarray(np.exp(-0.5 * eta * eta) / _ROOT_2_PI)
        return np.asarray(expit(eta) * expit(-eta))

    def linear(self, probability: Floats) -> Floats:
        """Linear predictor that gives `probability`."""
        return np.asarray(ndtri(probability) if self is Link.PROBIT else logit(probability))
