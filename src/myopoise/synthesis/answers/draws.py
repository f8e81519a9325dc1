"""Draws that stand for a posterior in any function of it, with far less noise than its weighted draws alone.

The weighted draws of a fit are few, because each costs a likelihood. Draws from the Gaussians behind them cost
nothing. So a mean is taken over many of those, and the weighted draws add what their weights change:

    E f(x)  =  mean of f over the Gaussians  +  sum over weighted draws of (weight - weight under the Gaussians) f

which is an average with weights that sum to one, some of them negative. For a normal model the second sum is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from myopoise.errors import WrongUsage
from myopoise.estimate import Estimate
from myopoise.synthesis.effects import group_totals
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.laplace import Posterior
from myopoise.synthesis.models.assembly import Assembled
from myopoise.synthesis.nodes import kronecker

__all__ = ["Chance", "Joint", "joint_draws", "laid_out", "rising"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DRAWS = 20_000
_SEED = 0
_FEW_COLUMNS = 12
"""Beyond this, evenly spread points leave gaps and random ones are as good."""
_LEVELS = (0.025, 0.5, 0.975)


@dataclass(frozen=True)
class Chance:
    """A posterior probability and its numerical error.

    Parameters
    ----------
    probability
        Between 0 and 1.
    mcse
        Monte Carlo standard error; 0 where it is in closed form.
    """

    probability: float
    mcse: float = 0.0


def laid_out(found: NetworkSynthesis) -> tuple[Assembled, Floats]:
    """The model behind a synthesis and the effect of each treatment, ``(treatment, column)``.

    Parameters
    ----------
    found
        The synthesis.

    Raises
    ------
    WrongUsage
        When the model has no one effect of each treatment (unrelated means), or was not kept.
    """
    if found.assembled is None:
        raise WrongUsage("this synthesis does not keep its model; take the one that synthesise returns.")
    if found.assembled.effects is None:
        raise WrongUsage(
            "with unrelated mean effects a treatment has no one effect; ask this of the consistency model."
        )
    return found.assembled, found.assembled.effects


@dataclass(frozen=True, eq=False)
class Joint:
    """Draws of x and theta with weights of which some are negative, antithetic in pairs within each part.

    Parameters
    ----------
    posterior
        What they stand for.
    x, theta, level
        Shapes ``(draw, column)``, ``(draw, hyper)`` and ``(arm, draw)``: components, standard deviations, and the
        linear predictor of each arm at the mode of the draw's node.
    weights
        Shape ``(draw,)``, summing to one.
    plain
        How many draws, from the first, come from the Gaussians with equal weights.
    """

    posterior: Posterior
    x: Floats
    theta: Floats
    level: Floats
    weights: Floats
    plain: int

    def scores(self, seed: int) -> Floats:
        """Standard normal scores, evenly spread and antithetic in each part, shape ``(draw,)``.

        Parameters
        ----------
        seed
            Another seed gives scores in an unrelated order.
        """
        random = np.random.default_rng(seed)
        parts = []
        for count in (self.plain, len(self.x) - self.plain):
            half = count // 2
            even = random.permutation(ndtri((np.arange(half) + 0.5) / half)) if half else np.zeros(0)
            parts += [even, -even]
        return np.concatenate(parts)

    def mean(self, values: Floats) -> tuple[Floats, Floats]:
        """Posterior mean of each function and its numerical error.

        Parameters
        ----------
        values
            Shape ``(draw, item)``.
        """
        centre = self.weights @ values
        return centre, self._error(values - centre)

    def estimates(self, values: Floats, scales: Sequence[str]) -> tuple[Estimate, ...]:
        """Summary of each function.

        Parameters
        ----------
        values
            Shape ``(draw, item)``.
        scales
            What each number is.
        """
        mean, error = self.mean(values)
        sd = np.sqrt(np.maximum(self.weights @ (values - mean) ** 2, 0.0))
        order = np.argsort(values, axis=0, kind="stable")
        found = []
        for j, scale in enumerate(scales):
            mine = self.weights[order[:, j]]
            below = rising(np.cumsum(mine) - 0.5 * mine)
            low, middle, high = np.interp(_LEVELS, below, values[order[:, j], j])
            found.append(
                Estimate(
                    float(mean[j]),
                    float(sd[j]),
                    float(middle),
                    float(low),
                    float(high),
                    scale,
                    mcse=float(error[j]),
                )
            )
        return tuple(found)

    def chances(self, events: NDArray[np.bool_]) -> tuple[Chance, ...]:
        """Posterior probability of each event, ``(draw, item)``.

        Parameters
        ----------
        events
            Whether it holds in each draw.
        """
        mean, error = self.mean(events.astype(float))
        return tuple(Chance(float(p), float(e)) for p, e in zip(np.clip(mean, 0.0, 1.0), error, strict=True))

    def _error(self, off: Floats) -> Floats:
        half = self.plain // 2
        plain = 0.5 * (off[:half] + off[half : self.plain])
        variance = plain.var(0) / half
        rest = off[self.plain :]
        if not len(rest):
            return np.asarray(np.sqrt(variance))
        if not self.posterior.stratified:
            # Nodes of theta that are quasi-random are wrong for all their draws together.
            whole = self.posterior.weights.values[:, None] * rest
            return np.asarray(np.sqrt((group_totals(whole, self.posterior.cluster) ** 2).sum(0)))
        moved = self.weights[self.plain :, None] * rest
        pairs = moved[: len(moved) // 2] + moved[len(moved) // 2 :]
        return np.asarray(np.sqrt(variance + (pairs**2).sum(0)))


def rising(share: Floats) -> Floats:
    """A cumulative share that never falls, though negative weights turn it back a little.

    Parameters
    ----------
    share
        Shape ``(draw,)``.

    Notes
    -----
    Halfway between the nearest from above and from below, so that quantiles of minus a quantity are minus its own.
    """
    above = np.maximum.accumulate(share)
    below = np.minimum.accumulate(share[::-1])[::-1]
    return np.asarray(0.5 * (above + below))


def joint_draws(posterior: Posterior, draws: int = _DRAWS) -> Joint:
    """Draws that stand for a posterior.

    Parameters
    ----------
    posterior
        The posterior.
    draws
        How many to take from the Gaussians.
    """
    random = np.random.default_rng(_SEED)
    node, x = _proposed(posterior, draws, random)
    weights = np.full(len(x), 1.0 / len(x))
    plain = len(x)
    if not posterior.exact:
        node, x = np.r_[node, posterior.node], np.concatenate([x, posterior.x])
        weights = np.r_[weights, posterior.surplus]
    mixture = posterior.mixture
    theta = posterior.model.theta(mixture.z)[node]
    return Joint(posterior, x, theta, mixture.level[:, node], weights, plain)


def _scores(count: int, columns: int, random: np.random.Generator) -> Floats:
    """Standard normal scores, evenly spread where columns are few: an interval's end is then far less noisy."""
    if columns > _FEW_COLUMNS:
        return random.standard_normal((count, columns))
    return np.asarray(ndtri(kronecker(count, columns)))


def _proposed(posterior: Posterior, draws: int, random: np.random.Generator) -> tuple[Ints, Floats]:
    """Nodes of theta and draws of x from the Gaussians there, before any weighting."""
    mixture = posterior.mixture
    half, columns = draws // 2, mixture.mean.shape[1]
    position = (np.arange(half) + random.uniform()) / half
    node = np.minimum(np.searchsorted(np.cumsum(mixture.weight), position), len(mixture.weight) - 1)
    epsilon = _scores(half, columns, random)
    if half > 2 * columns:
        epsilon = np.linalg.solve(np.linalg.cholesky(epsilon.T @ epsilon / half), epsilon.T).T
    step = np.empty_like(epsilon)
    for j in np.unique(node):
        mine = node == j
        step[mine] = mixture.scale[j] * np.linalg.solve(mixture.cholesky[j].T, epsilon[mine].T).T
    centre = mixture.mean[node]
    return np.r_[node, node], np.concatenate([centre + step, centre - step])
