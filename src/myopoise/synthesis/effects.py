"""From a posterior to numbers a reader can use: `Synthesis` and weighted summaries of draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myopoise.estimate import Estimate
from myopoise.synthesis.checking import Trust
from myopoise.synthesis.laplace import Posterior
from myopoise.vocabulary import Reading

__all__ = ["Synthesis", "probability_above", "summarise"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Synthesis:
    """What one reading of the evidence found.

    Parameters
    ----------
    reading
        Which reading.
    studies, patients
        Studies and patients that entered.
    parameters
        Posterior of every named component and standard deviation, on the probit scale.
    priors
        Each prior in words, with the interval it implies.
    trust
        Whether the computation may be believed.
    posterior
        The draws behind it.
    """

    reading: Reading
    studies: int
    patients: int
    parameters: Mapping[str, Estimate]
    priors: Mapping[str, str]
    trust: Trust
    posterior: Posterior = field(repr=False, compare=False)
