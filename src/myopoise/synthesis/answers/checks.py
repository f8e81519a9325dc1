"""Posterior predictive checks: whether data like these would come from the model.

Data are drawn again from the posterior and compared with those observed. It matters what is drawn again:

- *kept*: the terms of the study and the arm are kept as the data made them. This checks the likelihood alone, and is
  very forgiving, because an arm with its own term is always fitted.
- *renewed*: each arm gets a new term from the heterogeneity (and each study a new intercept, where intercepts come from
  a distribution). This checks whether the arms differ as heterogeneity says.
- *left out*: an arm's data do not enter its own prediction: the study's intercept comes from its other arms, and the
  draws of the posterior are reweighted. Its tail areas alone are near uniform when the model is right.

The tail area of an arm is the mid-P probability of less than was observed, so both ends are surprising.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtr, pdtr

from myopoise.errors import WrongUsage
from myopoise.synthesis.answers.draws import Chance
from myopoise.synthesis.answers.terms import draw_terms
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.importance import K_HAT_LIMIT, smooth
from myopoise.synthesis.laplace import Posterior
from myopoise.synthesis.latent import LatentModel, MeasuredContrasts
from myopoise.synthesis.likelihoods import (
    BinomialCounts,
    Likelihood,
    NormalMeans,
    OrderedCounts,
    PoissonCounts,
)
from myopoise.synthesis.quadrature import log_contrasts, log_marginal_likelihood
from myopoise.synthesis.studies.values import Studies
from myopoise.synthesis.synthesising import SEED

__all__ = ["PointCheck", "PredictiveChecks", "predictive_checks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_REPLICATES = 512
_VAGUE = 4.0
"""Variance of a study term above which an arm without others beside it cannot be predicted."""


@dataclass(frozen=True)
class PointCheck:
    """How an observed number stands among those the model predicts in its place.

    Parameters
    ----------
    study, treatment
        Which arm; of a contrast, ``treatment v first treatment``.
    kept, renewed, left_out
        Mid-P probability of less than was observed. `left_out` is NaN where nothing else of the study says where it
        stands, or where the reweighting cannot be trusted. Of an ordered outcome: of fewer patients at or above the
        lowest threshold reported.
    """

    study: str
    treatment: str
    kept: float
    renewed: float
    left_out: float


@dataclass(frozen=True)
class PredictiveChecks:
    """Posterior predictive checks of a synthesis.

    Parameters
    ----------
    kept, renewed
        Posterior predictive P value of the residual deviance, the probability that replicated data fit worse than the
        observed: given the terms, and with the terms integrated out. Near 0: the data fit worse than they should;
        near 1: better.
    points
        Each arm, then each contrast.
    replicates
        How many data sets were drawn.
    """

    kept: Chance
    renewed: Chance
    points: tuple[PointCheck, ...] = field(repr=False)
    replicates: int


def predictive_checks(
    found: NetworkSynthesis, studies: Studies, *, replicates: int = _REPLICATES, seed: int = SEED
) -> PredictiveChecks:
    """Check a synthesis against data drawn from its posterior.

    Parameters
    ----------
    found
        The synthesis.
    studies
        The studies it was made from.
    replicates
        How many data sets to draw.
    seed
        Of the draws.

    Raises
    ------
    WrongUsage
        When the studies are not those of the synthesis.

    References
    ----------
    marshall2007
    """
    model = found.posterior.model
    if len(studies.arms or ()) != len(model.study):
        raise WrongUsage("these are not the studies that the synthesis was made from.")
    random = np.random.default_rng(seed)
    chosen = _resampled(found.posterior, replicates, random)
    draws = _Draws.of(found.posterior, chosen)
    worse = np.zeros((2, 2, replicates))
    tails: list[Floats] = []
    if len(model.study):
        deviances, areas = _arms(model, draws, random)
        worse += deviances
        tails.append(areas)
    for given in model.contrasts:
        deviances, areas = _contrasts(given, draws, random)
        worse += deviances
        tails.append(areas)
    rows = zip(_names(studies), np.concatenate(tails, axis=1).T.tolist(), strict=True)
    points = tuple(PointCheck(study, treatment, *areas) for (study, treatment), areas in rows)
    kept, renewed = (_chance(observed, again) for observed, again in worse)
    return PredictiveChecks(kept, renewed, points, replicates)


@dataclass(frozen=True, eq=False)
class _Draws:
    """Equally weighted draws of the posterior."""

    x: Floats
    theta: Floats
    level: Floats

    @classmethod
    def of(cls, posterior: Posterior, chosen: Ints) -> _Draws:
        level = posterior.mixture.level[:, posterior.node[chosen]]
        return cls(posterior.x[chosen], posterior.theta[chosen], level)


def _resampled(posterior: Posterior, count: int, random: np.random.Generator) -> Ints:
    """Draws taken in proportion to their weights, evenly spaced."""
    position = (np.arange(count) + random.uniform()) / count
    share = np.cumsum(posterior.weights.values)
    return np.minimum(np.searchsorted(share, position), len(share) - 1)


def _chance(observed: Floats, again: Floats) -> Chance:
    worse = (again > observed) + 0.5 * (again == observed)
    return Chance(float(worse.mean()), float(worse.std() / np.sqrt(len(worse))))


def _names(studies: Studies) -> list[tuple[str, str]]:
    names: list[tuple[str, str]] = []
    if studies.arms is not None:
        arms = zip(studies.arms.study.tolist(), studies.arms.treatment.tolist(), strict=True)
        names += [(studies.names[s], studies.treatments[t]) for s, t in arms]
    for block in studies.contrasts:
        for s, (first, *others) in zip(block.study.tolist(), block.treatment.tolist(), strict=True):
            baseline = studies.treatments[first]
            names += [(studies.names[s], f"{studies.treatments[t]} v {baseline}") for t in others]
    return names


def _arms(model: LatentModel, draws: _Draws, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Deviances ``(kept or renewed, observed or replicated, draw)`` and tail areas ``(kind, arm)``."""
    terms = draw_terms(model, draws.x, draws.theta, draws.level, random)
    arm_sd = np.sqrt(model.arm_variance.at(draws.theta).T)
    u = terms.study
    fresh = arm_sd * random.standard_normal(arm_sd.shape)
    renewed_u = u
    if not (model.study_variance.constant > _VAGUE).any():
        study_sd = np.sqrt(model.study_variance.at(draws.theta).T)
        renewed_u = study_sd * random.standard_normal(study_sd.shape)
    results = np.arange(len(model.arm))
    fitted = _fitted(model, draws, u[model.study] + terms.arm)
    kept = model.likelihood.deviance(fitted, results).sum(0)
    again = _replicated(model.likelihood, fitted, model.arm, random).deviance(fitted, results).sum(0)
    fitted_anew = _fitted(model, draws, renewed_u[model.study] + fresh)
    anew = _replicated(model.likelihood, fitted_anew, model.arm, random)
    observed_anew, replicated_anew = (_integrated(model, given, draws) for given in (model.likelihood, anew))
    areas = [_tail(model.likelihood, each, model.arm).mean(1) for each in (fitted, fitted_anew)]
    areas.append(_left_out(model, draws, terms.log_density, random))
    return np.array([[kept, again], [observed_anew, replicated_anew]]), np.stack(areas)


def _integrated(model: LatentModel, likelihood: Likelihood, draws: _Draws) -> Floats:
    """Twice the log likelihood lost against a perfect fit, study and arm terms integrated out, ``(draw,)``."""
    eta, mix = model.predictor(draws.x, draws.theta), model.mix(draws.theta)
    fitted = likelihood.fitted(eta, mix)
    density = likelihood.log_density(eta, mix)
    # What the log likelihood would be at a perfect fit; it is the same from wherever it is counted.
    best = density + 0.5 * likelihood.deviance(fitted, np.arange(len(fitted)))
    alone = replace(model, likelihood=likelihood, contrasts=())
    if isinstance(likelihood, OrderedCounts) and likelihood.counts.ndim > 1:
        marginal = _one_by_one(alone, likelihood, draws)
    else:
        marginal = log_marginal_likelihood(alone, draws.x, draws.theta)
    return np.asarray(2.0 * (best.sum(0) - marginal))


def _one_by_one(model: LatentModel, likelihood: OrderedCounts, draws: _Draws) -> Floats:
    """Log marginal likelihood of replicated ordered data: their likelihood takes one data set at a time."""
    found = np.empty(len(draws.x))
    for d in range(len(found)):
        one = replace(likelihood, counts=likelihood.counts[:, d], above=likelihood.above[:, d])
        mine = slice(d, d + 1)
        found[d] = log_marginal_likelihood(replace(model, likelihood=one), draws.x[mine], draws.theta[mine])[
            0
        ]
    return found


def _fitted(model: LatentModel, draws: _Draws, total: Floats) -> Floats:
    """Expected value of each result at arms' total terms, ``(result, draw)``."""
    eta = model.predictor(draws.x, draws.theta) + total[model.part_arm]
    return model.likelihood.fitted(eta, model.mix(draws.theta))


def _left_out(model: LatentModel, draws: _Draws, log_density: Floats, random: np.random.Generator) -> Floats:
    """Tail area of each arm predicted without its own data, ``(arm,)``."""
    count, shape = len(model.study), (len(model.study), len(draws.x))
    study_variance = model.study_variance.at(draws.theta).T
    u = np.sqrt(study_variance)[model.study] * random.standard_normal(shape)
    without = np.zeros(shape)
    members = [np.flatnonzero(model.study == s) for s in model.study]
    others = [m[m != a] for a, m in enumerate(members)]
    predicted = np.array([len(o) > 0 for o in others]) | (study_variance.max(1) <= _VAGUE)[model.study]
    accompanied = np.flatnonzero([len(o) > 0 for o in others])
    if len(accompanied):
        sizes = [len(others[a]) for a in accompanied]
        terms = draw_terms(
            model,
            draws.x,
            draws.theta,
            draws.level,
            random,
            arms=np.concatenate([others[a] for a in accompanied]),
            study=np.repeat(np.arange(len(accompanied)), sizes),
        )
        u[accompanied], without[accompanied] = terms.study, terms.log_density
    w = np.sqrt(model.arm_variance.at(draws.theta).T) * random.standard_normal(shape)
    areas = _tail(model.likelihood, _fitted(model, draws, u + w), model.arm)
    gained = log_density[model.study] - without
    return np.array([_reweighted(areas[a], gained[a]) if predicted[a] else np.nan for a in range(count)])


def _reweighted(values: Floats, log_density: Floats) -> float:
    """Mean over draws with a data point taken out of the posterior; NaN where the weights cannot be trusted."""
    weights = smooth(-log_density)
    return float("nan") if weights.k_hat > K_HAT_LIMIT else float(weights.values @ values)


def _replicated(likelihood: Likelihood, fitted: Floats, arm: Ints, random: np.random.Generator) -> Likelihood:
    """The likelihood of data drawn again, one data set for each draw."""
    match likelihood:
        case BinomialCounts():
            n = likelihood.n[:, None].astype(np.int64)
            return replace(likelihood, events=random.binomial(n, np.clip(fitted, 0.0, 1.0)).astype(float))
        case PoissonCounts():
            mean = np.minimum(likelihood.exposure[:, None] * fitted, 1e15)
            return replace(likelihood, events=random.poisson(mean).astype(float))
        case NormalMeans():
            noise = likelihood.se[:, None] * random.standard_normal(fitted.shape)
            return replace(likelihood, mean=fitted + noise)
        case OrderedCounts():
            counts = _categories(likelihood, fitted, arm, random)
            first = likelihood.constant[:, None] > 0.0
            above = np.where(first, likelihood.n[:, None] - counts, _above(counts, arm))
            return replace(likelihood, counts=counts, above=above)
    raise WrongUsage(f"there is no replication of {type(likelihood).__name__}.")


def _above(counts: Floats, arm: Ints) -> Floats:
    """Patients in a category or a higher one of the same arm."""
    total = np.cumsum(counts[::-1], axis=0)[::-1]
    last = np.searchsorted(arm, arm, side="right")
    beyond = np.concatenate([total, np.zeros((1, counts.shape[1]))])[last]
    return np.asarray(total - beyond)


def _categories(likelihood: OrderedCounts, fitted: Floats, arm: Ints, random: np.random.Generator) -> Floats:
    """Multinomial counts of each arm's categories, drawn one category after the other."""
    counts = np.empty_like(fitted)
    first = np.searchsorted(arm, np.arange(int(arm[-1]) + 1))
    chance_left = np.ones((len(first), fitted.shape[1]))
    left = np.repeat(likelihood.n[first][:, None].astype(np.int64), fitted.shape[1], axis=1)
    place = np.arange(len(arm)) - first[arm]
    for k in range(int(place.max()) + 1):
        rows = np.flatnonzero(place == k)
        mine = arm[rows]
        chance = np.clip(fitted[rows] / np.maximum(chance_left[mine], 1e-300), 0.0, 1.0)
        last = np.r_[np.diff(arm) > 0, True][rows]
        chance[last] = 1.0
        drawn = random.binomial(left[mine], chance)
        counts[rows] = drawn.astype(float)
        left[mine] -= drawn
        chance_left[mine] -= fitted[rows]
    return counts


def _tail(likelihood: Likelihood, fitted: Floats, arm: Ints) -> Floats:
    """Mid-P probability of less than was observed, ``(arm, draw)``."""
    match likelihood:
        case BinomialCounts():
            return _binomial_tail(likelihood.events, likelihood.n, fitted)
        case PoissonCounts():
            mean = likelihood.exposure[:, None] * fitted
            events = likelihood.events[:, None]
            below = np.where(events > 0.0, pdtr(np.maximum(events - 1.0, 0.0), mean), 0.0)
            return np.asarray(0.5 * (below + pdtr(events, mean)))
        case NormalMeans():
            return np.asarray(ndtr((likelihood.mean[:, None] - fitted) / likelihood.se[:, None]))
        case OrderedCounts():
            first = np.searchsorted(arm, np.arange(int(arm[-1]) + 1))
            above = (likelihood.n - likelihood.counts)[first]
            return _binomial_tail(above, likelihood.n[first], 1.0 - fitted[first])
    raise WrongUsage(f"there is no tail area of {type(likelihood).__name__}.")


def _binomial_tail(events: Floats, n: Floats, chance: Floats) -> Floats:
    chance = np.clip(chance, 0.0, 1.0)
    upto = bdtr(events[:, None], n[:, None].astype(np.int64), chance)
    below = bdtr(np.maximum(events[:, None] - 1.0, 0.0), n[:, None].astype(np.int64), chance)
    return np.asarray(0.5 * (upto + np.where(events[:, None] > 0.0, below, 0.0)))


def _contrasts(given: MeasuredContrasts, draws: _Draws, random: np.random.Generator) -> tuple[Floats, Floats]:
    """The same for studies that gave contrasts; their true contrasts are normal given (x, theta) and their data."""
    prior = np.swapaxes(given.design @ draws.x.T, 1, 2)
    whole = given.covariance_at(draws.theta)
    between = whole - given.covariance[:, None]
    gain = np.swapaxes(np.linalg.solve(whole, between), -1, -2)
    centre = prior + (gain @ (given.estimate[:, None] - prior)[..., None])[..., 0]
    truths = (
        _normal(centre, between - gain @ between, random),
        _normal(prior, between, random),
    )
    inverse = np.linalg.inv(given.covariance)
    own = np.broadcast_to(given.covariance[:, None], whole.shape)
    sd = np.sqrt(np.diagonal(given.covariance, axis1=1, axis2=2))[:, None]
    renewed_inverse = np.linalg.inv(whole)
    deviances, areas = [], []
    for kind, truth in enumerate(truths):
        again = _normal(truth, own, random)
        about = prior if kind else truth
        off = np.stack([given.estimate[:, None] - about, again - about])
        metric = renewed_inverse if kind else np.broadcast_to(inverse[:, None], whole.shape)
        deviances.append(np.einsum("osdi,sdij,osdj->od", off, metric, off))
        areas.append(ndtr((given.estimate[:, None] - truth) / sd).mean(1).ravel())
    wide = np.sqrt(np.diagonal(whole, axis1=2, axis2=3))
    tail = ndtr((given.estimate[:, None] - prior) / wide)
    density = log_contrasts(given, draws.x, draws.theta)
    left_out = [
        [_reweighted(tail[s, :, j], density[s]) for j in range(tail.shape[2])] for s in range(len(tail))
    ]
    areas.append(np.array(left_out).ravel())
    return np.stack(deviances), np.stack(areas)


def _normal(centre: Floats, covariance: Floats, random: np.random.Generator) -> Floats:
    """Normal draws of ``(study, draw, contrast)``."""
    value, vector = np.linalg.eigh(covariance)
    scores = np.sqrt(np.maximum(value, 0.0)) * random.standard_normal(centre.shape)
    return np.asarray(centre + (vector @ scores[..., None])[..., 0])
