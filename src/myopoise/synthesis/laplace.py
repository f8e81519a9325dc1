"""The inference: deterministic nodes over theta, a Gaussian at each, and exact importance weights.

1. Given theta, `gaussians` finds the mode of x and a Gaussian there.
2. The Laplace approximation of p(theta | y) places the `nodes`.
3. Draws from the Gaussians are weighted by the exact density, study by study quadrature included, and the weights
   are Pareto-smoothed. k-hat and the effective sample are part of the result.

With a normal likelihood every step is exact, and summaries come from the mixture of Gaussians without Monte Carlo.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, gammaln

from myopoise.synthesis.gaussians import Mixture
from myopoise.synthesis.importance import Weights, smooth
from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.nodes import Nodes, log_normal, log_prior, place
from myopoise.synthesis.quadrature import OUTER_NODES, log_marginal_likelihood

__all__ = [
    "Posterior",
    "Proposal",
    "infer",
    "more_draws",
    "over_draws",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CHUNK = 50_000
"""Likelihoods evaluated at once: what fits a processor's cache; larger pieces take twice the time."""


@dataclass(frozen=True)
class Proposal:
    """How draws are spread about the Gaussian of their node.

    Parameters
    ----------
    wider
        They are stretched by ``1 + wider / sqrt(columns)``: tails are covered, at the price of some of the draws.
    degrees
        Degrees of freedom of a multivariate t in the Gaussian's place; zero for the Gaussian.
    """

    wider: float
    degrees: float

    def stretch(self, columns: int) -> float:
        """Factor of the Gaussian's scale."""
        return float(1.0 + self.wider / np.sqrt(max(1, columns)))


@dataclass(frozen=True, eq=False)
class Posterior:
    """What the inference returns: weighted draws, the mixture behind them, and how far to trust them.

    Parameters
    ----------
    model
        The model fitted.
    x
        Draws of the components, shape ``(draw, column)``.
    theta
        Draws of the standard deviations, shape ``(draw, hyper)``.
    weights
        Importance weights of the draws and their diagnostics.
    node
        Node of theta each draw belongs to, shape ``(draw,)``.
    cluster
        Which draws share their numerical error, shape ``(draw,)``: those of one node where nodes are quasi-random,
        antithetic pairs where they are a grid.
    mixture
        Gaussians over theta; exact when the likelihood is normal.
    converged
        Whether Gauss-Newton converged at the nodes that matter.
    proposal
        How the draws were spread before they were weighted.
    unstretched
        Weight of each draw if the Gaussians of the nodes were the posterior, shape ``(draw,)``.
    """

    model: LatentModel
    x: Floats
    theta: Floats
    weights: Weights
    node: Ints
    cluster: Ints
    mixture: Mixture
    converged: bool
    proposal: Proposal
    unstretched: Floats

    @property
    def surplus(self) -> Floats:
        """What the weights add to those of the plain Gaussian mixture, ``(draw,)``: all that draws need to count."""
        return self.weights.values - self.unstretched

    @property
    def exact(self) -> bool:
        """Whether the mixture is the posterior itself, no Monte Carlo involved."""
        return self.model.exact

    @property
    def stratified(self) -> bool:
        """Whether nodes are a grid over theta, drawn from in exact proportion."""
        return len(self.model.hypers) <= 2


_HEAVY_TAILS = Proposal(0.3, 5.0)
_FEW_SPREADS = (Proposal(0.15, 0.0), 0.4), (_HEAVY_TAILS, np.inf)
_MANY_SPREADS = (Proposal(0.6, 0.0), 0.6), (_HEAVY_TAILS, np.inf)
"""Proposals in the order they are tried, and the largest k-hat with which one is kept. With events in every arm the
first does; in sparse networks the t does, whose tails are as heavy as a likelihood without events: with zeros in three
arms it takes the noise of an interval's end from 0.3 to 0.05 sd. Under many standard deviations the first is wider:
measured on the readings of 2006, 2012 and today, six seeds each, that takes the largest k-hat from 0.74 to 0.48."""


def over_draws(work: Callable[[slice], Floats], model: LatentModel, draws: int) -> Floats:
    """Results of `work` on a few draws at a time, joined along the last axis.

    Parameters
    ----------
    work
        From a slice of the draws to an array whose last axis is draws.
    model
        Its size says how many draws fit a processor's cache.
    draws
        How many there are.

    Notes
    -----
    Array arithmetic releases the interpreter lock, so every core works; each piece is computed alone, so the result
    does not depend on how many cores there are.
    """
    size = max(8, _CHUNK // (OUTER_NODES * max(1, len(model.study))))
    chunks = [slice(i, i + size) for i in range(0, draws, size)]
    if len(chunks) == 1:
        return work(chunks[0])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(work, chunks)), axis=-1)


def _in_chunks(model: LatentModel, x: Floats, theta: Floats, level: Floats) -> Floats:
    """Log marginal likelihood of many draws."""
    return over_draws(lambda c: log_marginal_likelihood(model, x[c], theta[c], level[:, c]), model, len(x))


def infer(
    model: LatentModel,
    *,
    draws: int | None = None,
    nodes: int = 512,
    seed: int = 20061,
    like: Posterior | None = None,
) -> Posterior:
    """The posterior of a model of the family.

    Parameters
    ----------
    model
        The model.
    draws
        Number of weighted draws (antithetic pairs); None for as many as the spread of their weights asks for.
    nodes
        Nodes over theta when it has more than two dimensions.
    seed
        Seed of the draws; summaries of normal models do not depend on it.
    like
        The posterior of a model that differs little and has the same standard deviations; it saves time.
    """
    found = place(model, nodes, None if like is None else like.mixture)
    log_weight = found.log_density + found.log_volume
    weight = np.exp(log_weight - log_weight.max())
    mixture = replace(found.mixture, weight=weight / weight.sum())
    draw = _Drawing(model, found, mixture, seed)
    if model.exact:
        return draw.unweighted(draws or _FEWEST, float(log_weight.max() + np.log(weight.sum())))
    best = None
    for proposal, limit in _FEW_SPREADS if len(model.hypers) <= 2 else _MANY_SPREADS:
        posterior = draw.weighted(draws or _FEWEST, proposal)
        if draws is None and not posterior.weights.k_hat > limit:
            wanted = _draws_for(posterior)
            posterior = draw.weighted(wanted, proposal) if wanted > _FEWEST else posterior
        if best is None or posterior.weights.k_hat < best.weights.k_hat:
            best = posterior
        if not best.weights.k_hat > limit:
            break
    if best is None:
        raise RuntimeError("no draw has a finite weight: the model's likelihood is not a number")
    return best


_FEWEST, _MOST = 1024, 8192
_ERROR, _ERROR_OF_TAILS = 0.0085, 0.006
"""Spread of the weights over the root of the number of draws: the ends of 95% intervals are then good to 0.02 sd. Where
heavy tails were asked for, the weights of few draws decide on an end: with the second it is good to 0.07 sd."""


def _draws_for(posterior: Posterior) -> int:
    """How many draws bring the noise of the weights down; a multiple of 64."""
    spread = float((posterior.surplus**2).sum()) * len(posterior.x)
    error = _ERROR_OF_TAILS if posterior.proposal.degrees else _ERROR
    return int(np.clip(64 * np.ceil(spread / error**2 / 64), _FEWEST, _MOST))


@dataclass(frozen=True, eq=False)
class _Drawing:
    """Draws from the Gaussians at the nodes, and their weights."""

    model: LatentModel
    found: Nodes
    mixture: Mixture
    seed: int

    @property
    def reached(self) -> bool:
        """Whether Newton's steps converged at every node that matters."""
        weight = self.mixture.weight
        return bool(self.found.converged[weight > 1e-6 * weight.max()].all())

    def unweighted(self, draws: int, log_evidence: float) -> Posterior:
        """Draws of a mixture that is the posterior itself."""
        plain = Proposal(0.0, 0.0)
        node, x, _, log_ratio = self._drawn(draws, plain)
        return self._posterior(node, x, smooth(np.full(len(x), log_evidence)), plain, log_ratio)

    def weighted(self, draws: int, proposal: Proposal) -> Posterior:
        """Draws weighted by the exact density over that of the proposal."""
        model, weight = self.model, self.mixture.weight
        node, x, log_proposal, log_ratio = self._drawn(draws, proposal)
        z = self.mixture.z[node]
        theta = model.theta(z)
        log_target = log_prior(model, x, theta, z)
        log_target = log_target + _in_chunks(model, x, theta, self.mixture.level[:, node])
        log_weights = log_target + self.found.log_volume[node] - np.log(weight[node]) - log_proposal
        return self._posterior(node, x, smooth(log_weights), proposal, log_ratio)

    def _drawn(self, draws: int, proposal: Proposal) -> tuple[Ints, Floats, Floats, Floats]:
        random = np.random.default_rng(self.seed)
        node, epsilon = _pairs(self.mixture.weight, draws, len(self.model.columns), random)
        return node, *_draw(self.mixture, node, epsilon, proposal, random)

    def _posterior(
        self, node: Ints, x: Floats, weights: Weights, proposal: Proposal, log_ratio: Floats
    ) -> Posterior:
        pair = np.tile(np.arange(len(x) // 2), 2)
        cluster = node if len(self.model.hypers) > 2 else pair
        theta = self.model.theta(self.mixture.z[node])
        unstretched = np.exp(log_ratio - log_ratio.max())
        unstretched = unstretched / unstretched.sum()
        return Posterior(
            self.model, x, theta, weights, node, cluster, self.mixture, self.reached, proposal, unstretched
        )


def more_draws(posterior: Posterior, draws: int = 20_000) -> Floats:
    """Draws of x from the plain Gaussian mixture, before any weighting, shape ``(draw, column)``.

    Parameters
    ----------
    posterior
        Where the mixture is kept; for a normal model it is the posterior.
    draws
        How many.

    Notes
    -----
    The likelihood is not evaluated, so they cost next to nothing. A mean over the posterior is their mean plus what the
    weighted draws' weights add: noise of counting goes down with these, noise of the weights with those.
    """
    random = np.random.default_rng(0)
    node, epsilon = _pairs(posterior.mixture.weight, draws, len(posterior.model.columns), random)
    return _draw(posterior.mixture, node, epsilon, Proposal(0.0, 0.0), random)[0]


def _pairs(weight: Floats, draws: int, columns: int, random: np.random.Generator) -> tuple[Ints, Floats]:
    """Node and standard-normal vector of each draw: systematic over nodes, antithetic in pairs."""
    half = draws // 2
    position = (np.arange(half) + random.uniform()) / half
    node = np.minimum(np.searchsorted(np.cumsum(weight), position), len(weight) - 1)
    epsilon = random.standard_normal((half, columns))
    # Antithetic pairs make the first moment exact; matching the second takes most noise out of every sd.
    if half > 2 * columns:
        epsilon = np.linalg.solve(np.linalg.cholesky(epsilon.T @ epsilon / half), epsilon.T).T
    return np.r_[node, node], np.r_[epsilon, -epsilon]


def _draw(
    mixture: Mixture, node: Ints, epsilon: Floats, proposal: Proposal, random: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Draws of x from the Gaussians of their nodes, widened or given the tails of a t.

    With the log density they were drawn from, and by how much that of the Gaussian itself is higher.
    """
    columns = epsilon.shape[1]
    stretch = proposal.stretch(columns)
    if proposal.degrees:
        half = len(epsilon) // 2
        nu = proposal.degrees
        level = random.permutation((np.arange(half) + 0.5) / half)
        epsilon = epsilon * np.tile(np.sqrt(0.5 * nu / gammaincinv(0.5 * nu, level)), 2)[:, None]
        log_density = gammaln(0.5 * (nu + columns)) - gammaln(0.5 * nu) - 0.5 * columns * np.log(nu * np.pi)
        log_density = log_density - 0.5 * (nu + columns) * np.log1p((epsilon**2).sum(-1) / nu)
    else:
        log_density = log_normal(epsilon)
    log_density = log_density - columns * np.log(stretch)
    epsilon = stretch * epsilon
    x = np.empty_like(epsilon)
    for j in np.unique(node):
        mine = node == j
        whitened = np.linalg.solve(mixture.cholesky[j].T, epsilon[mine].T).T
        x[mine] = mixture.mean[j] + mixture.scale[j] * whitened
    log_determinant = np.log(np.diagonal(mixture.cholesky, axis1=1, axis2=2)).sum(-1)
    log_volume = (log_determinant - np.log(mixture.scale).sum(-1))[node]
    return x, log_density + log_volume, log_normal(epsilon) - log_density
