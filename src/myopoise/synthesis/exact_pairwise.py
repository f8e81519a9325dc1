"""Pairwise Bayesian meta-analysis of normal contrasts, exact but for one integral.

    y_i ~ N(theta_i, se_i^2),   theta_i ~ N(mu, tau^2),   mu flat or normal,   any prior on tau

Given tau everything is normal (Roever 2018). Over tau it is one smooth integral, which `tau_quadrature` does to nearly
the last digit, so that every posterior is a mixture of a few hundred normals and nothing is sampled. `models` fits the
same model within a network; this is the quick road for one comparison, and the check of the other.

A *shortest* interval is the shortest that holds 95%; *central* leaves out 2.5% at each end. `theta_new` is the true
effect of a new study, a *shrinkage estimate* the true effect of one of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.synthesis.normal_mixtures import NormalMixtures
from myopoise.synthesis.objective_priors import DuMouchel, ImproperUniform, Jeffreys
from myopoise.synthesis.pairwise_posterior import PairwisePosterior, PairwiseSummary
from myopoise.synthesis.priors import HalfT, InverseGamma, LogTVariance, Normal, Prior, Uniform
from myopoise.synthesis.tau_quadrature import TauPosterior, integrate_tau, largest_at

__all__ = ["PairwisePosterior", "PairwiseSummary", "synthesise_pairwise"]

Floats = NDArray[np.float64]

_LOG_2_PI = math.log(2.0 * math.pi)
LEVEL = 0.95
_TRUSTED = 1e-6
"""Relative error of the integral beyond which a warning is given."""


@dataclass(frozen=True, eq=False)
class _Contrasts:
    """The data with the prior of mu, and everything that is in closed form given tau.

    Parameters
    ----------
    y, se
        Shape ``(study,)``.
    prior_mu
        None for flat.
    """

    y: Floats
    se: Floats
    prior_mu: Normal | None

    def given(self, tau: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of mu given tau, both ``(tau,)``."""
        weight = 1.0 / (self.se**2 + tau[:, None] ** 2)
        precision, pull = weight.sum(-1), weight @ self.y
        if self.prior_mu is not None:
            precision = precision + self.prior_mu.sd**-2
            pull = pull + self.prior_mu.mean * self.prior_mu.sd**-2
        return pull / precision, 1.0 / precision

    def log_likelihood(self, tau: Floats, mu: Floats) -> Floats:
        """Log density of the data, ``(tau,)``, at one mu for each tau."""
        variance = self.se**2 + tau[:, None] ** 2
        squares = (self.y - mu[:, None]) ** 2 / variance
        return np.asarray(-0.5 * (np.log(variance) + squares + _LOG_2_PI).sum(-1))

    def log_marginal(self, tau: Floats) -> Floats:
        """Log density of the data given tau, mu integrated out; a flat prior counts as density one."""
        mean, variance = self.given(tau)
        value = self.log_likelihood(tau, mean) + 0.5 * (np.log(variance) + _LOG_2_PI)
        return value if self.prior_mu is None else value + self.prior_mu.log_density(mean)


TauPrior = Prior | ImproperUniform | Jeffreys
"""What may be said of tau before the data."""


def synthesise_pairwise(
    y: Sequence[float] | Floats,
    se: Sequence[float] | Floats,
    *,
    prior_tau: TauPrior,
    prior_mu: Normal | None = None,
    names: Sequence[str] | None = None,
) -> PairwisePosterior:
    """The posterior of a random-effects meta-analysis of one comparison.

    Parameters
    ----------
    y, se
        Contrast of each study and its standard error, on any linear scale.
    prior_tau
        Of the standard deviation between studies; `ImproperUniform` and `Jeffreys` are taken if there are enough
        studies for a posterior.
    prior_mu
        Of the mean effect; None for flat (improper).
    names
        Of the studies; ``1``, ``2``, ... if left out.

    Examples
    --------
    >>> from myopoise.synthesis.priors import HalfNormal
    >>> found = synthesise_pairwise([0.1, 0.4, 0.2], [0.1, 0.2, 0.1], prior_tau=HalfNormal(0.5))
    >>> round(found.mu.mean, 3), round(found.tau.median, 3)
    (0.201, 0.14)
    """
    data, labels = _contrasts(y, se, prior_mu, names)
    power = _refuse_no_posterior(data, prior_tau)
    log_prior = _log_prior(prior_tau, data.se)
    found = integrate_tau(
        lambda tau: log_prior(tau) + data.log_marginal(tau),
        prior_tau,
        sizes=_sizes(data, prior_tau),
        moments=_moments(power),
    )
    mixtures = _mixtures(data, found)
    summaries = _summarise(mixtures, _moments(power), flat=prior_mu is None)
    every = np.concatenate([[0.0], found.tau])
    return PairwisePosterior(
        names=labels,
        mu=summaries[0],
        theta_new=summaries[1],
        tau=_summary_of_tau(found, _moments(power)),
        shrinkage=dict(zip(labels, summaries[2:], strict=True)),
        **_evidence(data, prior_tau, found, log_prior),
        maximum_likelihood=_joint(_Contrasts(data.y, data.se, None), lambda tau: 0.0 * tau, every),
        maximum_a_posteriori=_joint(data, log_prior, every),
        error=found.error,
        nodes=len(found.u),
        priors={
            "tau": prior_tau.sentence,
            "mu": "flat (improper)" if prior_mu is None else prior_mu.sentence,
        },
        warnings=_warnings(found.error, _moments(power)),
        over_tau=found,
        mixtures=mixtures,
    )


def _contrasts(
    y: Sequence[float] | Floats,
    se: Sequence[float] | Floats,
    prior_mu: Normal | None,
    names: Sequence[str] | None,
) -> tuple[_Contrasts, tuple[str, ...]]:
    effect, error = np.asarray(y, dtype=np.float64), np.asarray(se, dtype=np.float64)
    if effect.ndim != 1 or effect.shape != error.shape or not len(effect):
        raise WrongUsage(
            f"{effect.size} contrasts and {error.size} standard errors. Give one of each a study, and a study at least."
        )
    labels = tuple(map(str, range(1, len(effect) + 1))) if names is None else tuple(names)
    if len(labels) != len(effect) or len(set(labels)) != len(labels):
        raise WrongUsage(
            f"{len(labels)} names for {len(effect)} studies. Give each study one name of its own."
        )
    faults = [
        Fault("contrasts", i + 1, column, kind, f"study {name}: the {words} is {value:g}", remedy)
        for i, name in enumerate(labels)
        for column, kind, words, value, wrong, remedy in (
            (
                "y",
                "not-a-number",
                "contrast",
                effect[i],
                not math.isfinite(effect[i]),
                "Leave the study out.",
            ),
            (
                "se",
                "not-positive",
                "standard error",
                error[i],
                not (math.isfinite(error[i]) and error[i] > 0.0),
                "A standard error is a number above zero; compare with the source.",
            ),
        )
        if wrong
    ]
    if faults:
        raise BadInput("contrasts of one comparison", tuple(faults))
    return _Contrasts(effect, error, prior_mu), labels


def _tail(prior: TauPrior) -> float:
    """The p with which the prior of tau falls like ``tau^-p``; infinite where it falls faster."""
    if isinstance(prior, ImproperUniform):
        return 0.0
    if isinstance(prior, Jeffreys | LogTVariance):
        return 1.0
    if isinstance(prior, DuMouchel):
        return 2.0
    if isinstance(prior, HalfT):
        return prior.df + 1.0
    return 2.0 * prior.shape + 1.0 if isinstance(prior, InverseGamma) else math.inf


def _refuse_no_posterior(data: _Contrasts, prior: TauPrior) -> float:
    """The p with which the posterior of tau falls like ``tau^-p``; refused where it has no finite integral."""
    k = len(data.y)
    if isinstance(prior, Normal) or (isinstance(prior, Uniform) and prior.low < 0.0):
        raise WrongUsage(
            f"prior of tau, {prior.sentence}: it gives weight to values below zero, and a standard deviation has none. "
            "Take for example a half-normal."
        )
    power = _tail(prior) + k - (1 if data.prior_mu is None else 0)
    if isinstance(prior, ImproperUniform | Jeffreys) and power <= 1.0:
        needed = prior.studies - (0 if data.prior_mu is None else 1)
        raise WrongUsage(
            f"prior of tau, {prior.sentence}: with {k} {'study' if k == 1 else 'studies'} the posterior of tau has no "
            f"finite integral, so there is no answer. This prior needs at least {needed} studies; with so few, take a "
            "proper one, for example half-normal:0.5 on the log odds ratio, or an empirical prior."
        )
    return power


def _moments(power: float) -> int:
    """How many moments of tau the posterior has, two at most."""
    return 2 if power > 3.0 else 1 if power > 2.0 else 0


def _log_prior(prior: TauPrior, se: Floats) -> Callable[[Floats], Floats]:
    if isinstance(prior, ImproperUniform | Jeffreys):
        weigh = prior.log_weight
        return lambda tau: weigh(tau, se)
    return prior.log_density


def _sizes(data: _Contrasts, prior: TauPrior) -> Floats:
    sizes = [*data.se, float(np.ptp(data.y))]
    if not isinstance(prior, ImproperUniform | Jeffreys):
        sizes += list(prior.value(np.array([-2.0, 0.0, 2.0])))
    if data.prior_mu is not None:
        sizes += [float(np.max(np.abs(data.y - data.prior_mu.mean))), data.prior_mu.sd]
    return np.asarray(np.clip([s for s in sizes if s > 0.0], 1e-30, 1e30))


def _mixtures(data: _Contrasts, found: TauPosterior) -> NormalMixtures:
    """Mu, the effect in a new study and that of each study: normals at each tau."""
    # Every second point: the integral had settled before the last doubling.
    weight, tau = found.weight[::2], found.tau[::2]
    kept = weight > 1e-17
    weight, tau = weight[kept], tau[kept]
    mean, variance = data.given(tau)
    kept_share = data.se[:, None] ** 2 / (data.se[:, None] ** 2 + tau**2)
    of_studies = kept_share * mean + (1.0 - kept_share) * data.y[:, None]
    # tau^2 times the share that is kept is (1 - share) se^2 without its cancellation near tau = 0.
    spread = kept_share * tau**2 + kept_share**2 * variance
    return NormalMixtures(
        weight / weight.sum(),
        np.vstack([mean, mean, of_studies]),
        np.sqrt(np.vstack([variance, variance + tau**2, spread])),
    )


def _summarise(mixtures: NormalMixtures, moments: int, *, flat: bool) -> list[PairwiseSummary]:
    mean, sd = mixtures.moments()
    low, median, high = mixtures.quantile(np.array([0.5 * (1.0 - LEVEL), 0.5, 0.5 * (1.0 + LEVEL)])).T
    central = np.stack([low, high], axis=1)
    shortest = mixtures.shortest(LEVEL, central)
    # Mu is as wide as tau if nothing holds it, the effect in a new study always; a study's own effect never.
    heavy = np.array([flat, True] + [False] * (len(mean) - 2))
    if moments < 2:
        sd = np.where(heavy, math.nan, sd)
    if moments < 1:
        mean = np.where(heavy, math.nan, mean)
    columns = (mean, sd, median, mixtures.mode(central), low, high, *shortest.T)
    return [PairwiseSummary(*map(float, row)) for row in zip(*columns, strict=True)]


def _summary_of_tau(found: TauPosterior, moments: int) -> PairwiseSummary:
    mean = float(found.weight @ found.tau)
    sd = math.sqrt(float(found.weight @ (found.tau - mean) ** 2))
    ends = np.array([0.5 * (1.0 - LEVEL), 0.5, 0.5 * (1.0 + LEVEL)])
    low, median, high = map(float, found.scale.tau(found.quantile(ends)))
    return PairwiseSummary(
        mean if moments else math.nan,
        sd if moments == 2 else math.nan,
        median,
        found.mode(),
        low,
        high,
        *found.shortest(LEVEL),
    )


def _evidence(
    data: _Contrasts, prior: TauPrior, found: TauPosterior, log_prior: Callable[[Floats], Floats]
) -> dict[str, float]:
    proper_tau, proper_mu = not isinstance(prior, ImproperUniform | Jeffreys), data.prior_mu is not None
    zero = np.zeros(1)
    tau_zero, mu_zero = math.nan, math.nan
    if proper_tau:
        tau_zero = math.exp(min(float(data.log_marginal(zero)[0]) - found.log_mass, 700.0))
    if proper_tau and proper_mu:
        without = integrate_tau(
            lambda tau: log_prior(tau) + data.log_likelihood(tau, np.zeros(len(tau))),
            prior,
            sizes=np.append(_sizes(data, prior), max(float(np.max(np.abs(data.y))), 1e-30)),
            moments=0,
        )
        mu_zero = math.exp(min(without.log_mass - found.log_mass, 700.0))
    return {
        "log_marginal_likelihood": found.log_mass if proper_tau and proper_mu else math.nan,
        "bayes_factor_tau_zero": tau_zero,
        "bayes_factor_mu_zero": mu_zero,
    }


def _joint(data: _Contrasts, log_prior: Callable[[Floats], Floats], points: Floats) -> tuple[float, float]:
    """Tau and mu at which their joint density is largest; mu is in closed form."""

    def height(tau: Floats) -> Floats:
        mean, _ = data.given(tau)
        value = log_prior(tau) + data.log_likelihood(tau, mean)
        return value if data.prior_mu is None else value + data.prior_mu.log_density(mean)

    tau = largest_at(height, points[1:])
    return tau, float(data.given(np.array([tau]))[0][0])


def _warnings(error: float, moments: int) -> tuple[str, ...]:
    said = []
    if moments < 2:
        missing = "a standard deviation" if moments else "a mean or a standard deviation"
        said.append(
            f"With this prior and so few studies the posterior of tau has too heavy a tail for {missing}. "
            "Read the quantiles, or take a prior of tau with a lighter tail."
        )
    if error > _TRUSTED:
        said.append(
            f"The integral over tau is good to {error:.1g} only. Take a prior of tau with a lighter tail."
        )
    return tuple(said)
