"""Fisher's non-central hypergeometric distribution: events of one arm, given the events of both.

Conditioning on the total removes the study's own baseline risk, so that a table speaks of the odds ratio alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from myopoise.synthesis.frequentist.pairwise_regression import Floats
from myopoise.synthesis.frequentist.rare import TwoArms

__all__ = ["NonCentral", "log_choose", "non_central"]


def log_choose(n: Floats, r: Floats) -> Floats:
    """Logarithm of the number of ways to choose, any shape."""
    ways: Floats = gammaln(n + 1.0) - gammaln(r + 1.0) - gammaln(n - r + 1.0)
    return ways


@dataclass(frozen=True, eq=False)
class NonCentral:
    """The conditional likelihood of tables, as a function of the log odds ratio of each.

    Parameters
    ----------
    events
        Of the treated arm, shape ``(study,)``.
    support
        Numbers of events that the margins allow, shape ``(study, value)``, padded.
    log_ways
        Logarithm of the number of tables with each; minus infinity in the padding.
    """

    events: Floats
    support: Floats
    log_ways: Floats

    def __call__(self, log_odds: Floats) -> tuple[Floats, Floats, Floats]:
        """Log likelihood, slope and curvature at log odds ratios ``(study, ...)``, all of that shape."""
        shape = log_odds.shape
        # Support relative to what was seen, so that an odds ratio far from one loses no digits.
        away = self.support - self.events[:, None]
        exponent = self.log_ways[:, None, :] + away[:, None, :] * log_odds.reshape(shape[0], -1, 1)
        top = exponent.max(axis=2, keepdims=True)
        share = np.exp(exponent - top)
        total = share.sum(axis=2)
        mean = (share @ away[:, :, None])[:, :, 0] / total
        square = (share @ (away**2)[:, :, None])[:, :, 0] / total
        value = self._seen[:, None] - np.log(total) - top[:, :, 0]
        return value.reshape(shape), -mean.reshape(shape), (mean**2 - square).reshape(shape)

    @property
    def _seen(self) -> Floats:
        place = (self.events - self.support[:, 0]).astype(np.int64)
        return self.log_ways[np.arange(len(place)), place]


def non_central(tables: TwoArms) -> NonCentral:
    """The conditional likelihood of some tables.

    Parameters
    ----------
    tables
        Studies with two arms.

    Returns
    -------
    likelihood
        Constant for a table in which nobody, or everybody, had the event.
    """
    total = tables.events + tables.events_control
    low = np.maximum(0.0, total - tables.n_control)
    high = np.minimum(tables.n, total)
    support = low[:, None] + np.arange(int((high - low).max()) + 1)
    inside = support <= high[:, None]
    held = np.where(inside, support, high[:, None])
    ways = log_choose(tables.n[:, None], held) + log_choose(tables.n_control[:, None], total[:, None] - held)
    return NonCentral(tables.events, held, np.where(inside, ways, -np.inf))
