"""The likelihood of each study with its own intercept and arm terms integrated out.

Given x and theta the studies are independent, and the terms of one study are few: a study term u shared by its arms
and one term w per arm. Their mode is found by Fisher scoring, then adaptive Gauss-Hermite quadrature integrates w
inside u. What is left is a density in (theta, x) alone, on which importance weights are exact up to quadrature error
(Pinheiro & Bates 1995). With a normal likelihood the integral is closed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from myopoise.synthesis.latent import LatentModel, Likelihood, Mix, spread
from myopoise.synthesis.nesting import group_sum, starts

__all__ = ["log_marginal_likelihood"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OUTER_NODES = 11
INNER_NODES = 5
"""Measured on 256 draws of the main reading: the log likelihood of all studies is within 0.0001 of 31 by 31 nodes."""

_MODE_STEPS = 6
_SMALLEST_VARIANCE = 1e-14
_LOG_2_PI = float(np.log(2.0 * np.pi))


def log_marginal_likelihood(
    model: LatentModel, x: Floats, theta: Floats, *, outer: int = OUTER_NODES, inner: int = INNER_NODES
) -> Floats:
    """Log of the likelihood with study and arm terms integrated out.

    Parameters
    ----------
    model
        The model.
    x
        Shape ``(draw, column)``.
    theta
        Shape ``(draw, hyper)``.
    outer, inner
        Quadrature nodes for the study term and for each arm term.

    Returns
    -------
    log_likelihood
        Shape ``(draw,)``; binomial constants are left out.
    """
    total = _comparisons(model, x, theta)
    if not len(model.study):
        return total
    if model.likelihood.gaussian:
        return total + _closed_form(model, x, theta)
    arms_of_study = np.bincount(model.study)[model.study]
    for alone in (True, False):
        arms = np.flatnonzero((arms_of_study == 1) == alone)
        if len(arms):
            total = total + _integrate(_Slice.of(model, x, theta, arms), outer, inner)
    return total


@dataclass(frozen=True, eq=False)
class _Slice:
    """Some studies of a model, seen from draws of (x, theta); indices renumbered from zero."""

    likelihood: Likelihood
    mix: Mix
    arm: Ints
    study: Ints
    offset: Floats
    study_variance: Floats
    arm_variance: Floats

    @classmethod
    def of(cls, model: LatentModel, x: Floats, theta: Floats, arms: Ints) -> _Slice:
        """The studies of `arms`; in studies of one arm the two terms act as one with the summed variance."""
        results = np.flatnonzero(np.isin(model.arm, arms))
        parts = np.flatnonzero(np.isin(model.result, results))
        mix = Mix(results, _renumbered(model.result[parts]), model.shares[parts])
        study = _renumbered(model.study[arms])
        study_variance = model.study_variance.at(theta).T[model.study[arms[starts(study)]]]
        arm_variance = model.arm_variance.at(theta).T[arms]
        if len(study_variance) == len(arm_variance):
            study_variance, arm_variance = study_variance + arm_variance, np.zeros_like(arm_variance)
        study_variance = np.maximum(study_variance, _SMALLEST_VARIANCE)
        offset = model.design[parts] @ x.T
        arm = _renumbered(model.arm[results])
        return cls(model.likelihood, mix, arm, study, offset, study_variance, arm_variance)

    def log_density(self, term: Floats) -> Floats:
        """Log likelihood of each arm at its total term, ``(arm, ...)``, summed over the arm's results."""
        eta = spread(self.offset, term.ndim) + term[self.arm[self.mix.part]]
        return group_sum(self.likelihood.log_density(eta, self.mix), self.arm)

    def mode(self) -> tuple[Floats, Floats]:
        """Centre and precision of a Gaussian like each arm's likelihood in its total term, at the study's mode."""
        start = self.likelihood.start()[self.mix.results][:, None] - self.mix.average(self.offset)
        reach = 3.0 * np.sqrt(self.study_variance[self.study] + self.arm_variance)
        term = np.clip(group_sum(start, self.arm) / np.bincount(self.arm)[:, None], -reach, reach)
        for _ in range(_MODE_STEPS):
            residual, variance, slope = self.likelihood.working(
                self.offset + term[self.arm[self.mix.part]], self.mix
            )
            total = group_sum(slope, self.mix.part)
            precision = np.maximum(group_sum(total * total / variance, self.arm), 1e-12)
            centre = term + group_sum(total * residual / variance, self.arm) / precision
            width = 1.0 / precision + self.arm_variance
            u = group_sum(centre / width, self.study)
            u = u / (1.0 / self.study_variance + group_sum(1.0 / width, self.study))
            target = u[self.study] + self.arm_variance / width * (centre - u[self.study])
            term = term + np.clip(target - term, -2.0, 2.0)
        return centre, precision


def _renumbered(index: Ints) -> Ints:
    """The same grouping, numbered 0, 1, 2, ...; `index` is non-decreasing."""
    return np.cumsum(np.r_[False, np.diff(index) > 0]).astype(np.int64)


def _integrate(part: _Slice, outer: int, inner: int) -> Floats:
    """Sum over studies of their log integrals, shape ``(draw,)``."""
    centre, precision = part.mode()
    width = 1.0 / precision + part.arm_variance
    variance = 1.0 / (1.0 / part.study_variance + group_sum(1.0 / width, part.study))
    middle = variance * group_sum(centre / width, part.study)
    nodes, log_weight = _rule(outer)
    u = middle[..., None] + np.sqrt(variance)[..., None] * nodes
    if part.arm_variance.any():
        log_arm = _inner_integral(part, u[part.study], centre, precision, inner)
    else:
        log_arm = part.log_density(u[part.study])
    log_prior = -0.5 * (
        u**2 / part.study_variance[..., None] + np.log(part.study_variance / variance)[..., None]
    )
    return np.asarray(_log_sum(group_sum(log_arm, part.study) + log_prior + log_weight).sum(0))


def _inner_integral(part: _Slice, u: Floats, centre: Floats, precision: Floats, inner: int) -> Floats:
    """Log integral over each arm's own term at every outer node, shape ``(arm, draw, outer)``."""
    prior = np.maximum(part.arm_variance, _SMALLEST_VARIANCE)
    variance = 1.0 / (1.0 / prior + precision)
    nodes, log_weight = _rule(inner)
    middle = (variance * precision)[..., None] * (centre[..., None] - u)
    w = middle[..., None] + np.sqrt(variance)[..., None, None] * nodes
    log_prior = -0.5 * (w**2 / prior[..., None, None] + np.log(prior / variance)[..., None, None])
    return _log_sum(part.log_density(u[..., None] + w) + log_prior + log_weight)


def _rule(nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Hermite nodes for a standard normal, and log weights with the normal's own kernel divided out."""
    node, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return node, np.log(weight) + 0.5 * node**2 - 0.5 * _LOG_2_PI


def _log_sum(values: Floats) -> Floats:
    """Log of the sum of exponentials over the last axis."""
    peak = values.max(-1)
    return np.asarray(peak + np.log(np.exp(values - peak[..., None]).sum(-1)))


def _closed_form(model: LatentModel, x: Floats, theta: Floats) -> Floats:
    """Exact log likelihood of normal results: the arm term, then the study term, taken out (Woodbury)."""
    residual, variance, _ = model.likelihood.working(model.design @ x.T, model.mix)
    value = -0.5 * (residual**2 / variance + np.log(variance) + _LOG_2_PI).sum(0)
    information, pull = 1.0 / variance, residual / variance
    levels = (
        (model.arm, model.arm_variance.at(theta).T),
        (model.study, model.study_variance.at(theta).T),
    )
    for group, shared in levels:
        information, pull = group_sum(information, group), group_sum(pull, group)
        shrink = 1.0 + shared * information
        value = value + 0.5 * (shared * pull**2 / shrink - np.log(shrink)).sum(0)
        information, pull = information / shrink, pull / shrink
    return np.asarray(value)


def _comparisons(model: LatentModel, x: Floats, theta: Floats) -> Floats:
    """Log likelihood of the comparisons known only through a P value, shape ``(draw,)``."""
    known = model.comparisons
    if not len(known.se):
        return np.zeros(len(x))
    difference = x @ known.design.T
    variance = known.se**2 + known.variance.at(theta)
    sd = np.sqrt(variance)
    threshold = np.where(np.isfinite(known.z), np.nan_to_num(known.z), 1.959963984540054) * known.se
    upper, lower = (threshold - difference) / sd, (-threshold - difference) / sd
    not_significant = np.log(np.maximum(ndtr(upper) - ndtr(lower), 1e-300))
    both_signs = np.logaddexp(-0.5 * upper**2, -0.5 * lower**2) - np.log(2.0 * sd) - 0.5 * _LOG_2_PI
    return np.asarray(np.where(np.isfinite(known.z), both_signs, not_significant).sum(-1))
