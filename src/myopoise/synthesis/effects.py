"""From a posterior to numbers a reader can use: `Synthesis` and weighted summaries of draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from myopoise.estimate import Estimate
from myopoise.synthesis.checking import Trust
from myopoise.synthesis.laplace import Posterior
from myopoise.vocabulary import Reading

__all__ = [
    "Noise",
    "Synthesis",
    "estimate",
    "estimates",
    "hyper_estimate",
    "probability_above",
    "share_below",
    "summarise",
]

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
    entered
        The study of each study term of the model, then that of each comparison known only through a P value.
    """

    reading: Reading
    studies: int
    patients: int
    parameters: Mapping[str, Estimate]
    priors: Mapping[str, str]
    trust: Trust
    posterior: Posterior = field(repr=False, compare=False)
    entered: tuple[str, ...] = ()


def summarise(draws: Floats, posterior: Posterior, scale: str) -> Estimate:
    """Weighted posterior summary of one quantity.

    Parameters
    ----------
    draws
        Shape ``(draw,)``, a function of the posterior's draws.
    posterior
        Where they come from.
    scale
        What the number is, for the reader.

    Notes
    -----
    The numerical error is that of independent clusters of draws: draws at one node of theta are wrong together, and
    counting them as independent would understate the error of anything that depends on theta threefold.
    """
    weights = posterior.weights.values
    mean = float(weights @ draws)
    sd = float(np.sqrt(weights @ (draws - mean) ** 2))
    order = np.argsort(draws, kind="stable")
    middle = np.cumsum(weights[order]) - 0.5 * weights[order]
    low, median, high = np.interp((0.025, 0.5, 0.975), middle, draws[order])
    error = float(np.sqrt((np.bincount(posterior.cluster, weights * (draws - mean)) ** 2).sum()))
    return Estimate(mean, sd, float(median), float(low), float(high), scale, mcse=error)


def probability_above(draws: Floats, posterior: Posterior, threshold: float = 0.0) -> tuple[float, float]:
    """Posterior probability that a quantity exceeds `threshold`, and its numerical error."""
    above = summarise((draws > threshold).astype(float), posterior, "probability")
    return above.mean, above.mcse


def estimate(posterior: Posterior, contrast: Floats, scale: str) -> Estimate:
    """Summary of ``contrast @ x``: exact where the model allows it, otherwise from the weighted draws."""
    return estimates(posterior, contrast[None, :], scale)[0]


def estimates(
    posterior: Posterior, contrasts: Floats, scale: str, *, noise: Noise | None = None
) -> tuple[Estimate, ...]:
    """Summaries of many linear functions of x, ``contrasts @ x``.

    Parameters
    ----------
    posterior
        Where the draws come from.
    contrasts
        Shape ``(contrast, column)``.
    scale
        What the numbers are.
    noise
        A normal term to be added to each of them, for what a new study would see; None for none.

    Notes
    -----
    The share of the Gaussians of the nodes below any value is known exactly. So only what the weights change against
    those of the Gaussians is counted from draws: near a normal posterior nothing is left of the noise of counting, and
    a normal model is exact.
    """
    within = _behind(posterior, contrasts, noise)
    if posterior.exact:
        return _exact(within, scale)
    draws = posterior.x @ contrasts.T
    if noise is not None:
        draws = draws + (np.sqrt(noise.variance[posterior.node]) * noise.scores)[:, None]
    return _weighted(posterior, draws, within, scale)


def share_below(posterior: Posterior, contrast: Floats, point: float = 0.0) -> float:
    """Posterior probability that ``contrast @ x`` is below a point: exact where the model allows it.

    Parameters
    ----------
    posterior
        Where the draws come from; of at most two standard deviations.
    contrast
        Shape ``(column,)``.
    point
        On the scale of the contrast.
    """
    known = float(_behind(posterior, contrast[None], None).below(np.array([[point]]))[0, 0])
    if posterior.exact:
        return known
    return float(np.clip(known + posterior.surplus @ (posterior.x @ contrast < point), 0.0, 1.0))


def _behind(posterior: Posterior, contrasts: Floats, noise: Noise | None) -> _Within:
    """The Gaussians behind the draws of contrasts."""
    share = np.bincount(posterior.node, minlength=len(posterior.mixture.weight)) / len(posterior.node)
    if posterior.exact:
        share = posterior.mixture.weight
    kept = share > 1e-9
    mixture = posterior.mixture
    centre = mixture.mean[kept] @ contrasts.T
    spread = np.einsum("mc,jcd,md->jm", contrasts, mixture.covariance()[kept], contrasts, optimize=True)
    sd = np.sqrt(np.maximum(spread, 0.0))
    extra = np.zeros(len(centre)) if noise is None else noise.variance[kept]
    return _Within(share[kept], centre, np.maximum(sd, 1e-300), extra)


@dataclass(frozen=True, eq=False)
class Noise:
    """A normal term of mean zero that is added to a quantity.

    Parameters
    ----------
    variance
        At each node of theta, shape ``(node,)``.
    scores
        Standard normal scores of the draws, antithetic, shape ``(draw,)``.
    """

    variance: Floats
    scores: Floats

    @classmethod
    def of(cls, posterior: Posterior, position: int, seed: int) -> Noise:
        """Heterogeneity: the variance of an effect between studies."""
        theta = posterior.model.theta(posterior.mixture.z)[:, position]
        half = len(posterior.x) // 2
        scores = ndtri((np.arange(half) + 0.5) / half)
        scores = np.random.default_rng(seed).permutation(scores)
        return cls(theta**2, np.r_[scores, -scores])


@dataclass(frozen=True, eq=False)
class _Within:
    """Contrasts at the nodes of theta: share of each node, centre and sd ``(node, contrast)``."""

    share: Floats
    centre: Floats
    sd: Floats
    noise: Floats

    def below(self, value: Floats) -> Floats:
        """Share of the Gaussians below ``(contrast, point)``."""
        sd = np.sqrt(self.sd**2 + self.noise[:, None])
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (value - self.centre[..., None]) / sd[..., None]
        score = np.where(np.isnan(score), 0.0, score)  # two treatments that a model makes one: zero over zero
        return np.asarray(np.tensordot(self.share, ndtr(score), 1))

    def variance(self, about: Floats) -> Floats:
        """Mean square of the Gaussians about a point, ``(contrast,)``."""
        square = self.sd**2 + self.noise[:, None] + (self.centre - about) ** 2
        return np.asarray(self.share @ square)


def _exact(within: _Within, scale: str) -> tuple[Estimate, ...]:
    mean = within.share @ within.centre
    variance = within.sd**2 + within.noise[:, None]
    sd = np.sqrt(within.share @ (variance + (within.centre - mean) ** 2))
    reach = 12.0 * np.sqrt(variance)
    ends = np.empty((3, len(mean)))
    for i, level in enumerate(_LEVELS):
        low, high = (within.centre - reach).min(0), (within.centre + reach).max(0)
        for _ in range(70):
            half = 0.5 * (low + high)
            less = within.below(half[:, None])[:, 0] < level
            low, high = np.where(less, half, low), np.where(less, high, half)
        ends[i] = 0.5 * (low + high)
    return tuple(
        Estimate(float(m), float(s), float(md), float(lo), float(hi), scale)
        for m, s, lo, md, hi in zip(mean, sd, *ends, strict=True)
    )


def _weighted(posterior: Posterior, draws: Floats, within: _Within, scale: str) -> tuple[Estimate, ...]:
    weights = posterior.weights.values
    surplus = posterior.surplus
    mean = weights @ draws
    variance = weights @ (draws - mean) ** 2
    if posterior.stratified:
        plain = within.share @ within.centre
        mean = plain + surplus @ (draws - plain)
        variance = within.variance(mean) + surplus @ (draws - mean) ** 2
    sd = np.sqrt(np.maximum(variance, 0.0))
    error = surplus if posterior.stratified else weights
    half = len(weights) // 2
    pairs = error[:, None] * (draws - mean)
    if posterior.stratified:
        mcse = np.sqrt(((pairs[:half] + pairs[half:]) ** 2).sum(0))
    else:
        mcse = np.sqrt((group_totals(pairs, posterior.cluster) ** 2).sum(0))
    ends = _quantiles(posterior, draws, within, sd)
    return tuple(
        Estimate(float(m), float(s), float(md), float(lo), float(hi), scale, mcse=float(e))
        for m, s, lo, md, hi, e in zip(mean, sd, *ends, mcse, strict=True)
    )


def _quantiles(posterior: Posterior, draws: Floats, within: _Within, sd: Floats) -> Floats:
    """Where the share of the posterior reaches each level, shape ``(level, contrast)``.

    Looked for near the plain weighted quantile, with the share of the proposal known and only what the weights change
    counted.
    """
    weights = posterior.weights.values
    order = np.argsort(draws, axis=0, kind="stable")
    value = np.take_along_axis(draws, order, axis=0)
    plain = np.cumsum(weights[order], axis=0)
    columns = range(draws.shape[1])
    if not posterior.stratified:
        middle = plain - 0.5 * weights[order]
        return np.array([[np.interp(q, middle[:, j], value[:, j]) for j in columns] for q in _LEVELS])
    less = np.concatenate([np.zeros((1, len(columns))), np.cumsum(posterior.surplus[order], axis=0)])
    found = np.empty((len(_LEVELS), len(columns)))
    for i, level in enumerate(_LEVELS):
        place = np.minimum((plain < level).sum(0), len(value) - 1)
        near = np.take_along_axis(value, place[None], axis=0)[0]
        points = near[:, None] + sd[:, None] * _WINDOW
        below = within.below(points)
        for j in columns:
            share = below[j] + less[np.searchsorted(value[:, j], points[j], side="right"), j]
            found[i, j] = np.interp(level, np.maximum.accumulate(share), points[j])
    return found


def group_totals(values: Floats, group: NDArray[np.int64]) -> Floats:
    """Sum of ``(draw, item)`` over the draws of each group, in any order, ``(group, item)``."""
    total = np.zeros((int(group.max()) + 1, values.shape[1]))
    np.add.at(total, group, values)
    return total


def hyper_estimate(posterior: Posterior, position: int, scale: str) -> Estimate:
    """Summary of a standard deviation.

    Parameters
    ----------
    posterior
        Where it was found.
    position
        Which standard deviation.
    scale
        What the number is.

    Notes
    -----
    Where nodes are a grid, the density at the nodes (as corrected by the weights of the draws there) is interpolated:
    counting nodes would put every quantile on one of them.
    """
    if not posterior.stratified:
        return summarise(posterior.theta[:, position], posterior, scale)
    mass = np.bincount(posterior.node, posterior.weights.values, minlength=len(posterior.mixture.weight))
    count = np.bincount(posterior.node, minlength=len(mass)) / len(posterior.node)
    z = posterior.mixture.z[:, position]
    nodes, where = np.unique(np.round(z, 12), return_inverse=True)
    plain = np.bincount(where, posterior.mixture.weight)
    log_density = np.log(np.maximum(plain, 1e-300))
    if not posterior.exact:
        at_nodes = np.zeros((2, len(nodes)))
        np.add.at(at_nodes.T, where, np.stack([mass, count], axis=1))
        log_density = log_density + _correction(nodes, *at_nodes)
    kept = plain > 1e-12 * plain.max()
    fine = np.linspace(nodes[kept][0], nodes[kept][-1], 4001)
    density = np.exp(_spline(nodes[kept], log_density[kept], fine))
    density = density / density.sum()
    value = posterior.model.hypers[position][1].value(fine)
    mean = float(density @ value)
    sd = float(np.sqrt(density @ (value - mean) ** 2))
    low, median, high = np.interp(_LEVELS, np.cumsum(density) - 0.5 * density, value)
    surplus = posterior.surplus
    error = float(np.sqrt((surplus**2).sum())) * sd
    mcse = 0.0 if posterior.exact else error
    return Estimate(mean, sd, float(median), float(low), float(high), scale, mcse=mcse)


def _correction(nodes: Floats, mass: Floats, count: Floats) -> Floats:
    """Log of the mean weight of the draws at each node, smoothed to a parabola in z."""
    seen = count > 0.0
    ratio = np.log(np.maximum(mass[seen] / count[seen], 1e-300))
    terms = np.vander(
        (nodes - nodes[seen].mean()) / max(float(np.ptp(nodes[seen])), 1e-9), min(3, int(seen.sum()))
    )
    root = np.sqrt(count[seen])
    coefficients = np.linalg.lstsq(terms[seen] * root[:, None], ratio * root, rcond=None)[0]
    return np.asarray(terms @ coefficients)


def _spline(x: Floats, y: Floats, at: Floats) -> Floats:
    """Natural cubic spline through (x, y)."""
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(x, y, bc_type="natural")(at)) if len(x) > 3 else np.interp(at, x, y)


_LEVELS = (0.025, 0.5, 0.975)
_WINDOW = np.linspace(-0.3, 0.3, 13)
