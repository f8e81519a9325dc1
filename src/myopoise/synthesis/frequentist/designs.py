"""Where the disagreement in a network sits: within designs (heterogeneity) or between them (inconsistency).

A *design* is the set of treatments that a study compared. Q within designs is what is left when each design has
effects of its own; Q between designs is what consistency costs beyond that (Higgins 2012, Krahn 2013). *Detaching* a
design gives it alone effects of its own, and shows what is left of Q between designs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.findings import TestOfQ
from myopoise.synthesis.frequentist.gls import ContrastNetwork, fit_effects, structure, sums
from myopoise.synthesis.frequentist.heterogeneity import test_of_q
from myopoise.synthesis.studies.values import Contrasts

__all__ = ["Decomposition", "Design", "decompose", "separate"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NOTHING = 1e-8
"""Share of a design's information that is its own alone: below this, nothing else speaks to that direction."""


@dataclass(frozen=True)
class Design:
    """One design, and how well it agrees with itself and with the rest.

    Parameters
    ----------
    treatments
        What its studies compared.
    studies
        Their names.
    within
        Heterogeneity among them.
    detached
        Q between designs when this one has effects of its own; None where the rest says nothing about it.
    """

    treatments: tuple[str, ...]
    studies: tuple[str, ...]
    within: TestOfQ
    detached: TestOfQ | None


@dataclass(frozen=True)
class Decomposition:
    """Cochran's Q of a network in its parts.

    Parameters
    ----------
    total, within, between
        Under common effects; total is the sum of the other two.
    tau2_within
        Between-study variance within designs, by moments; NaN where no design was used twice.
    between_random
        Q between designs with `tau2_within` in the weights (Jackson 2014).
    designs
        Each design, in the order of treatments.
    """

    total: TestOfQ
    within: TestOfQ
    between: TestOfQ
    tau2_within: float
    between_random: TestOfQ
    designs: tuple[Design, ...]


@dataclass(frozen=True, eq=False)
class _Pooled:
    """Designs of one size, each with its own effects."""

    arms: Ints  # (design, arm)
    member: Ints  # (study,) position of its design
    precision: Floats  # (design, contrast, contrast)
    estimate: Floats  # (design, contrast)
    within: Floats  # (design,) Q
    unit: Floats  # (design,) what a unit of tau2 adds to the expected Q


def separate(network: ContrastNetwork) -> tuple[TestOfQ, TestOfQ, TestOfQ]:
    """Total, within-design and between-design Q under common effects.

    Parameters
    ----------
    network
        A connected network.

    Returns
    -------
    total, within, between
        Each with its degrees of freedom.
    """
    pooled = [_pool(block, 0.0) for block in network.blocks]
    within, between = _q_within(pooled), _q_between(network, pooled, 0.0)
    return test_of_q(within.q + between.q, within.df + between.df), within, between


def decompose(network: ContrastNetwork) -> Decomposition:
    """Everything that Q can be split into.

    Parameters
    ----------
    network
        A connected network.

    Returns
    -------
    decomposition
        Total, by design, with each design detached, and under random effects.

    References
    ----------
    krahn2013
    jackson2014
    """
    total, within, between = separate(network)
    pooled = [_pool(block, 0.0) for block in network.blocks]
    tau2 = math.nan
    if within.df > 0:
        tau2 = max(0.0, (within.q - within.df) / float(sum(p.unit.sum() for p in pooled)))
    of_random = 0.0 if math.isnan(tau2) else tau2
    random = _q_between(network, [_pool(block, of_random) for block in network.blocks], of_random)
    designs = _designs(network, pooled, between)
    return Decomposition(total, within, between, tau2, random, designs)


def _pool(block: Contrasts, tau2: float) -> _Pooled:
    arms, member = np.unique(block.treatment, axis=0, return_inverse=True)
    member = member.ravel()
    between = structure(block.estimate.shape[1])
    own = np.linalg.inv(block.covariance + tau2 * between)
    count, contrasts = len(arms), block.estimate.shape[1]
    precision, squared = np.zeros((2, count, contrasts, contrasts))
    pull = np.zeros((count, contrasts))
    np.add.at(precision, member, own)
    np.add.at(squared, member, own @ between @ own)
    np.add.at(pull, member, np.einsum("sij,sj->si", own, block.estimate))
    inverse = np.linalg.inv(precision)
    estimate = np.einsum("dij,dj->di", inverse, pull)
    residual = block.estimate - estimate[member]
    q = np.einsum("si,sij,sj->s", residual, own, residual) + block.inconsistency
    unit = sums(member, np.einsum("sij,ji->s", own, between), count)
    unit -= np.einsum("dij,dji->d", inverse, squared)
    return _Pooled(arms, member, precision, estimate, sums(member, q, count), unit)


def _q_within(pooled: list[_Pooled]) -> TestOfQ:
    q = float(sum(p.within.sum() for p in pooled))
    return test_of_q(q, sum((len(p.member) - len(p.arms)) * p.estimate.shape[1] for p in pooled))


def _q_between(network: ContrastNetwork, pooled: list[_Pooled], tau2: float) -> TestOfQ:
    effects = fit_effects(network, tau2).effects
    q = 0.0
    for p in pooled:
        error = _error(p, effects)
        q += float(np.einsum("di,dij,dj->", error, p.precision, error))
    df = sum(p.estimate.size for p in pooled) - len(network.treatments) + 1
    # Without a closed loop of designs the errors are rounding.
    return test_of_q(q if df else 0.0, df)


def _error(p: _Pooled, effects: Floats) -> Floats:
    return p.estimate - (effects[p.arms[:, 1:]] - effects[p.arms[:, :1]])


def _designs(network: ContrastNetwork, pooled: list[_Pooled], between: TestOfQ) -> tuple[Design, ...]:
    fitted = fit_effects(network, 0.0)
    found: list[tuple[list[int], Design]] = []
    for block, p in zip(network.blocks, pooled, strict=True):
        gain, rank = _detached(p, fitted.effects, fitted.covariance)
        order = np.argsort(p.member, kind="stable")
        ends = np.cumsum(np.bincount(p.member, minlength=len(p.arms)))
        for d, (arms, members) in enumerate(zip(p.arms.tolist(), np.split(order, ends[:-1]), strict=True)):
            left = None
            if rank[d]:
                df = between.df - int(rank[d])
                left = test_of_q(max(between.q - float(gain[d]), 0.0) if df else 0.0, df)
            studies = tuple(network.studies[place] for place in block.study[members])
            within = test_of_q(float(p.within[d]), (len(studies) - 1) * (len(arms) - 1))
            names = tuple(network.treatments[place] for place in arms)
            found.append((arms, Design(names, studies, within, left)))
    return tuple(design for _, design in sorted(found, key=lambda pair: pair[0]))


def _detached(p: _Pooled, effects: Floats, covariance: Floats) -> tuple[Floats, Ints]:
    """How far Q falls when each design goes its own way, and the parameters that takes.

    With L L' the design's precision, the whitened error ``L' e`` has covariance ``I - L' X cov X' L``. Its directions
    of no variance are those that only this design speaks to.
    """
    error = _error(p, effects)
    low = np.linalg.cholesky(p.precision)
    rest, first = p.arms[:, 1:], p.arms[:, :1]
    own = covariance[rest[:, :, None], rest[:, None, :]] + covariance[first, first][:, :, None]
    own = own - covariance[rest, first][:, :, None] - covariance[rest, first][:, None, :]
    high = low.swapaxes(1, 2)
    share, vectors = np.linalg.eigh(np.eye(error.shape[1]) - high @ own @ low)
    white = np.einsum("dji,dj->di", vectors, np.einsum("dij,dj->di", high, error))
    free = share > _NOTHING
    gain = np.where(free, white**2 / np.where(free, share, 1.0), 0.0)
    return gain.sum(axis=1), free.sum(axis=1)
