"""An estimate: a centre, an interval, a scale, and how exact the computation was.

Every number a reader sees with an interval is an `Estimate`. The numerical error (`mcse`) is part of it:
zero for a result in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Estimate"]


@dataclass(frozen=True)
class Estimate:
    """A posterior summary on a named scale.

    Parameters
    ----------
    mean, sd
        Posterior mean and standard deviation, in the unit of `scale`.
    median, low, high
        Posterior median and the ends of the central interval of probability `level`.
    scale
        What the number is: ``probability``, ``difference in probability``, ``probit``, ``log odds``, ...
    level
        Probability inside the interval.
    mcse
        Monte Carlo standard error of the mean; 0 where the result is in closed form.
    """

    mean: float
    sd: float
    median: float
    low: float
    high: float
    scale: str
    level: float = 0.95
    mcse: float = 0.0
