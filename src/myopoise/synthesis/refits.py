"""The same network fitted again and again to replicates of its counts, many at a time.

A trial designer asks what the network would say after each of ten thousand simulated trials. Layout, priors and the
nodes of tau are shared by all replicates, so the Newton steps and the quadrature of a whole batch are single array
operations, and each replicate needs only a few weighted draws to correct its Gaussian mixture.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from myopoise.synthesis.gaussians import Mixture, Start, conditional_gaussians
from myopoise.synthesis.laplace import infer
from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.likelihoods import BinomialCounts
from myopoise.synthesis.models.assembly import Assembled
from myopoise.synthesis.nodes import log_evidence_at, log_prior
from myopoise.synthesis.quadrature import log_marginal_likelihood

__all__ = ["Refits", "refit"]

Floats = NDArray[np.float64]

_NODES = 21
_LOWEST = -3.5
"""Left end of the nodes: the prior's own left tail is all that reaches further, and tau is nearly zero there."""
_BATCH = 60_000
_WIDER = 0.15


@dataclass(frozen=True, eq=False)
class Refits:
    """What each replicate of the data would have said.

    Parameters
    ----------
    treatments
        Names, reference first.
    mean, sd
        Of each treatment's effect against the reference, ``(replicate, treatment)``.
    low, high
        Ends of the 95% credible interval, likewise.
    above
        Probability that the effect is above zero, likewise.
    tau
        Posterior mean of tau, ``(replicate,)``; zero for common effects.
    effective
        Effective share of the draws behind each replicate, ``(replicate,)``: below a half the Gaussian mixture was far
        off, and that replicate should be fitted alone.
    at_edge
        Posterior mass of the outermost nodes of tau, ``(replicate,)``; above 0.01 they did not reach far enough.
    """

    treatments: tuple[str, ...]
    mean: Floats
    sd: Floats
    low: Floats
    high: Floats
    above: Floats
    tau: Floats
    effective: Floats
    at_edge: Floats

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Replicates that may be believed."""
        return (self.effective >= 0.5) & (self.at_edge <= 0.01)


def refit(assembled: Assembled, events: Floats, *, draws: int = 64, seed: int = 20061) -> Refits:
    """Fit a binomial network to replicates of its counts.

    Parameters
    ----------
    assembled
        The model, laid out for the observed data.
    events
        Replicates of the events of each arm, shape ``(replicate, arm)``, arms in the order of the data.
    draws
        Weighted draws for each replicate: 64 leave an error of about 0.03 posterior sd in a mean.
    seed
        Of the draws, which all replicates share.

    Raises
    ------
    ValueError
        When the model is not binomial with at most one standard deviation, or the shape does not fit.
    """
    model = assembled.model
    if not isinstance(model.likelihood, BinomialCounts) or len(model.hypers) > 1 or assembled.effects is None:
        raise ValueError("only binomial networks with consistent effects and at most tau can be refitted")
    if events.shape[1:] != model.likelihood.n.shape:
        raise ValueError(f"events have shape {events.shape}, but there are {len(model.likelihood.n)} arms")
    task = _Task.of(assembled, model.likelihood, draws, seed)
    size = max(1, _BATCH // (len(task.z) * len(model.arm)))
    parts = [events[i : i + size].T for i in range(0, len(events), size)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(task.fit, parts))
    return Refits(assembled.treatments, *(np.concatenate([f[i] for f in found]) for i in range(8)))


@dataclass(frozen=True, eq=False)
class _Task:
    """What all replicates share."""

    model: LatentModel
    counts: BinomialCounts
    effects: Floats
    z: Floats
    log_volume: float
    near: Floats
    epsilon: Floats

    @classmethod
    def of(cls, assembled: Assembled, counts: BinomialCounts, draws: int, seed: int) -> _Task:
        """Nodes wide enough for replicates that differ from the data, and draws of matched moments."""
        model = assembled.model
        pilot = infer(model, draws=256, seed=seed)
        weight, z = pilot.mixture.weight, pilot.mixture.z
        nodes = np.zeros((1, 0))
        volume = 0.0
        if len(model.hypers):
            inside = z[weight > 1e-3 * weight.max(), 0]
            high = float(inside.max() + 0.5 * np.ptp(inside) + 0.25)
            nodes = np.linspace(min(_LOWEST, float(inside.min())), high, _NODES)[:, None]
            volume = float(np.log(nodes[1, 0] - nodes[0, 0]))
        half = draws // 2
        epsilon = np.random.default_rng(seed).standard_normal((half, len(model.columns)))
        if half > 2 * len(model.columns):
            epsilon = np.linalg.solve(np.linalg.cholesky(epsilon.T @ epsilon / half), epsilon.T).T
        if assembled.effects is None:
            raise ValueError("effects must be consistent")
        near = weight @ pilot.mixture.mean
        return cls(model, counts, assembled.effects, nodes, volume, near, np.r_[epsilon, -epsilon])

    @property
    def stretch(self) -> float:
        """Draws are a little wider than the Gaussian."""
        return float(1.0 + _WIDER / np.sqrt(self.epsilon.shape[1]))

    def fit(self, events: Floats) -> tuple[Floats, ...]:
        """The answers for a batch of replicates, ``(arm, replicate)``."""
        count, nodes = events.shape[1], len(self.z)
        model = self._with(np.repeat(events, nodes, axis=1))
        mixture, _ = conditional_gaussians(model, np.tile(self.z, (count, 1)), Start(self.near))
        value = log_evidence_at(model, mixture).reshape(count, nodes)
        weight = np.exp(value - value.max(1, keepdims=True))
        weight = weight / weight.sum(1, keepdims=True)
        return self._summaries(events, mixture, value, weight)

    def _with(self, events: Floats) -> LatentModel:
        return replace(self.model, likelihood=replace(self.counts, events=events))

    def _summaries(
        self, events: Floats, mixture: Mixture, value: Floats, weight: Floats
    ) -> tuple[Floats, ...]:
        count, nodes = weight.shape
        draws = len(self.epsilon)
        surplus, effect_draws, effective = self._weigh(events, mixture, value, weight)
        centre = (mixture.mean @ self.effects.T).reshape(count, nodes, -1)
        half = np.linalg.solve(mixture.cholesky, mixture.scale[:, :, None] * self.effects.T)
        # What draws come from is known exactly; only what their weights change is counted from draws.
        variance = self.stretch**2 * (half**2).sum(1).reshape(count, nodes, -1)
        plain_mean = np.einsum("rk,rkt->rt", weight, centre)
        plain_square = np.einsum("rk,rkt->rt", weight, variance + (centre - plain_mean[:, None]) ** 2)
        off = effect_draws - plain_mean[:, None]
        shift = np.einsum("rd,rdt->rt", surplus, off)
        sd = np.sqrt(np.maximum(plain_square + np.einsum("rd,rdt->rt", surplus, off**2) - shift**2, 0.0))
        mean = plain_mean + shift
        spread = np.sqrt(np.maximum(variance, 1e-300))
        above = np.einsum("rk,rkt->rt", weight, ndtr(centre / spread))
        above = np.clip(above + np.einsum("rd,rdt->rt", surplus, effect_draws > 0.0), 0.0, 1.0)
        ends = [_end(weight, centre, spread, level) for level in (0.025, 0.975)]
        plain_sd = np.sqrt(np.maximum(plain_square, 1e-300))
        low, high = (mean + (end - plain_mean) * sd / plain_sd for end in ends)
        theta = self.model.theta(self.z)
        tau = weight @ theta[:, 0] if theta.shape[1] else np.zeros(count)
        edge = weight[:, -1] if nodes > 1 else np.zeros(count)
        return mean, sd, low, high, above, tau, effective / draws, edge

    def _weigh(
        self, events: Floats, mixture: Mixture, value: Floats, weight: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Weights of the draws less those of equal ones, the drawn effects, and the effective number of draws."""
        count, nodes = weight.shape
        draws = len(self.epsilon)
        half = draws // 2
        position = (np.arange(half) + 0.5) / half
        place = (np.cumsum(weight, axis=1)[:, None, :] < position[:, None]).sum(2)
        place = np.minimum(place, nodes - 1)
        place = np.concatenate([place, place], axis=1)
        which = (place + nodes * np.arange(count)[:, None]).ravel()
        factor = np.swapaxes(np.linalg.inv(mixture.cholesky), 1, 2)
        step = np.einsum("dij,dj->di", factor[which], np.tile(self.stretch * self.epsilon, (count, 1)))
        x = mixture.mean[which] + mixture.scale[which] * step
        log_size = np.log(np.diagonal(mixture.cholesky, axis1=1, axis2=2)).sum(1) - np.log(mixture.scale).sum(
            1
        )
        log_proposal = np.tile(-0.5 * (self.epsilon**2).sum(1), count) + log_size[which]
        model = self._with(np.repeat(events, draws, axis=1))
        z = np.tile(self.z, (count, 1))[which]
        theta = model.theta(z)
        log_target = log_prior(model, x, theta, z) + log_marginal_likelihood(
            model, x, theta, mixture.level[:, which]
        )
        log_weight = (log_target - log_proposal).reshape(count, draws)
        log_weight = log_weight - np.log(np.maximum(np.take_along_axis(weight, place, 1), 1e-300))
        raw = np.exp(log_weight - log_weight.max(1, keepdims=True))
        raw = raw / raw.sum(1, keepdims=True)
        # A weight above sqrt(draws) times the mean is cut off: it carries more noise than news (Ionides 2008).
        raw = np.minimum(raw, 1.0 / np.sqrt(draws))
        raw = raw / raw.sum(1, keepdims=True)
        return raw - 1.0 / draws, (x @ self.effects.T).reshape(count, draws, -1), 1.0 / (raw**2).sum(1)


def _end(weight: Floats, centre: Floats, spread: Floats, level: float) -> Floats:
    """Quantile of each mixture, by bisection, ``(replicate, treatment)``."""
    low = (centre - 8.0 * spread).min(1)
    high = (centre + 8.0 * spread).max(1)
    for _ in range(30):
        middle = 0.5 * (low + high)
        less = np.einsum("rk,rkt->rt", weight, ndtr((middle[:, None] - centre) / spread)) < level
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return np.asarray(0.5 * (low + high))
