"""What a pairwise Bayesian meta-analysis found: summaries, and any quantile that is asked for later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.normal_mixtures import NormalMixtures
from myopoise.synthesis.tau_quadrature import TauPosterior

__all__ = ["PairwisePosterior", "PairwiseSummary"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairwiseSummary:
    """Posterior of one quantity.

    Parameters
    ----------
    mean, sd
        NaN where the posterior's tail is too heavy to have them.
    median, mode
        Middle and densest value.
    low, high
        Ends of the central 95% interval.
    shortest_low, shortest_high
        Ends of the shortest 95% interval.
    """

    mean: float
    sd: float
    median: float
    mode: float
    low: float
    high: float
    shortest_low: float
    shortest_high: float


@dataclass(frozen=True, eq=False)
class PairwisePosterior:
    """What the studies of one comparison say together.

    Parameters
    ----------
    names
        Studies.
    mu, theta_new, tau
        Mean effect, true effect in a new study, standard deviation between studies.
    shrinkage
        True effect of each study.
    log_marginal_likelihood
        Logarithm of the density of the data; NaN where a prior is improper.
    bayes_factor_tau_zero
        Density of the data with tau = 0 over that with the prior of tau: above one speaks for homogeneity. NaN where
        the prior of tau is improper. A flat prior of mu is in both and cancels.
    bayes_factor_mu_zero
        Density of the data with mu = 0 over that with the prior of mu; NaN where either prior is improper.
    maximum_likelihood, maximum_a_posteriori
        Joint estimates of tau and mu, in this order.
    error
        Relative error of the integral over tau.
    nodes
        How many points it took.
    priors
        Each prior in words.
    warnings
        What the reader should act on.
    over_tau
        The posterior of tau on the points of the integral.
    mixtures
        `mu`, `theta_new` and each study: a normal at every other point.
    """

    names: tuple[str, ...]
    mu: PairwiseSummary
    theta_new: PairwiseSummary
    tau: PairwiseSummary
    shrinkage: Mapping[str, PairwiseSummary]
    log_marginal_likelihood: float
    bayes_factor_tau_zero: float
    bayes_factor_mu_zero: float
    maximum_likelihood: tuple[float, float]
    maximum_a_posteriori: tuple[float, float]
    error: float
    nodes: int
    priors: Mapping[str, str]
    warnings: tuple[str, ...]
    over_tau: TauPosterior = field(repr=False)
    mixtures: NormalMixtures = field(repr=False)

    def quantile(self, what: str, p: float | Sequence[float] | Floats) -> Floats:
        """Quantiles of a quantity.

        Parameters
        ----------
        what
            ``tau``, ``mu``, ``theta_new`` or the name of a study.
        p
            Probabilities, strictly between 0 and 1.
        """
        probability = np.atleast_1d(np.asarray(p, dtype=np.float64))
        if not np.all((probability > 0.0) & (probability < 1.0)):
            raise WrongUsage("a quantile needs probabilities between 0 and 1, ends excluded.")
        if what == "tau":
            return self.over_tau.scale.tau(self.over_tau.quantile(probability))
        found: Floats = self._part(what).quantile(probability)[0]
        return found

    def probability_below(self, what: str, value: float) -> float:
        """Probability that a quantity is below a value.

        Parameters
        ----------
        what
            ``mu``, ``theta_new`` or the name of a study.
        value
            On the scale of the contrasts.
        """
        return float(self._part(what).probability(np.array([[value]]))[0, 0])

    def _part(self, what: str) -> NormalMixtures:
        known = ("mu", "theta_new", *self.names)
        if what not in known:
            raise WrongUsage(f"no quantity '{what}'. There are tau, {', '.join(known)}.")
        i = known.index(what)
        return NormalMixtures(
            self.mixtures.weight, self.mixtures.mean[i : i + 1], self.mixtures.sd[i : i + 1]
        )
