"""How well a model describes its data: residual deviance, leverage, DIC, and leave-one-out prediction.

A data point is an arm, or a study that gave contrasts. Deviances are means over the posterior with study and arm terms
integrated, so they carry little numerical noise. Leaving a point out reweights the draws by the density of the point
given the rest of its study, terms integrated: far steadier than reweighting by the density given the point's own term,
whose weights have no variance when every study has an intercept of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.findings import Fit
from myopoise.synthesis.importance import smooth
from myopoise.synthesis.laplace import Posterior, over_draws
from myopoise.synthesis.latent import LatentModel, MeasuredContrasts
from myopoise.synthesis.nesting import group_sum
from myopoise.synthesis.quadrature import conditional_expectations, log_contrasts, log_leave_one_out

__all__ = ["describe_fit"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EVALUATIONS = 400_000
"""Results times draws times inner nodes: what keeps the noise of a deviance near 0.05."""

_NO_WEIGHT = 1e-25


@dataclass(frozen=True, eq=False)
class _Point:
    """What is known of the data points of one kind, ``(point,)`` each."""

    deviance: Floats
    leverage: Floats
    log_density: Floats
    k_hat: Floats


def describe_fit(posterior: Posterior, names: Sequence[tuple[str, str]], *, draws: int | None = None) -> Fit:
    """Residual deviance, effective number of parameters, DIC and leave-one-out predictive density.

    Parameters
    ----------
    posterior
        The fit.
    names
        Study and treatment of each data point: arms first, then the studies that gave contrasts.
    draws
        How many of the posterior's draws to integrate at, in antithetic pairs; the others are reached by regression.
        None for as many as keep the noise of a deviance near 0.05.
    """
    if draws is None:
        cost = max(1, len(posterior.model.result)) * (1 if posterior.model.arm_variance.absent else 4)
        draws = max(512, _EVALUATIONS // cost)
    chosen, weights = _subset(posterior, draws)
    x, theta = posterior.x[chosen], posterior.theta[chosen]
    level = posterior.mixture.level[:, posterior.node[chosen]]
    average = _Average.of(posterior, chosen, weights)
    points = []
    if len(posterior.model.arm):
        points.append(_arms(posterior.model, x, theta, level, weights, average))
    points += [_contrasts(given, x, theta, weights, average) for given in posterior.model.contrasts]
    deviance = np.concatenate([p.deviance for p in points])
    leverage = np.concatenate([p.leverage for p in points])
    log_density = np.concatenate([p.log_density for p in points])
    k_hat = np.concatenate([p.k_hat for p in points])
    total, pd = float(deviance.sum()), float(leverage.sum())
    count = len(log_density)
    rows = zip(names, deviance, leverage, log_density, strict=True)
    return Fit(
        residual_deviance=total,
        pd=pd,
        dic=total + pd,
        looic=float(-2.0 * log_density.sum()),
        looic_se=float(2.0 * np.sqrt(count * log_density.var(ddof=1))) if count > 1 else float("nan"),
        data_points=sum(_numbers(posterior.model)),
        largest_k_hat=float(np.nanmax(k_hat, initial=-np.inf)) if np.isfinite(k_hat).any() else float("nan"),
        by_point=tuple((s, t, float(d), float(lev), float(ld)) for (s, t), d, lev, ld in rows),
    )


def _numbers(model: LatentModel) -> list[int]:
    """How many numbers each data point contributes."""
    arms = np.bincount(model.point) if len(model.arm) else np.zeros(0, dtype=np.int64)
    constant = getattr(model.likelihood, "constant", None)
    # The categories of an ordered outcome add up to n, so one of them is no news.
    less = 0 if constant is None else 1
    return [
        *(int(count) - less for count in arms),
        *(given.estimate.shape[1] for given in model.contrasts for _ in given.estimate),
    ]


def _subset(posterior: Posterior, draws: int) -> tuple[Ints, Floats]:
    """Evenly spaced antithetic pairs, and their weights."""
    half = len(posterior.x) // 2
    step = max(1, half // max(1, draws // 2))
    first = np.arange(0, half, step)
    chosen = np.r_[first, first + half]
    weights = posterior.weights.values[chosen]
    return chosen, weights / weights.sum()


@dataclass(frozen=True, eq=False)
class _Average:
    """Posterior means of functions known at some of the draws only.

    What a parabola in (x, theta) explains is averaged over all draws, and only the rest over those where the function
    is known: a deviance is nearly a parabola, so a quarter of the draws does for all.

    Parameters
    ----------
    to_mean
        Weight of the function's value at each of the chosen draws, shape ``(draw,)``.
    """

    to_mean: Floats

    @classmethod
    def of(cls, posterior: Posterior, chosen: Ints, weights: Floats) -> _Average:
        """The weights that regression and correction together come to."""
        variables = np.concatenate([posterior.x, posterior.mixture.z[posterior.node]], axis=1)
        scale = variables.std(0)
        variables = (variables - variables.mean(0))[:, scale > 1e-12] / scale[scale > 1e-12]
        count = variables.shape[1]
        terms = [np.ones((len(variables), 1)), variables, variables**2]
        if 4 * (1 + 2 * count + count * (count - 1) // 2) < len(chosen):
            i, j = np.triu_indices(count, 1)
            terms.append(variables[:, i] * variables[:, j])
        features = np.concatenate(terms, axis=1)
        if 2 * features.shape[1] > len(chosen):
            return cls(weights)
        known = features[chosen]
        target = posterior.weights.values @ features - weights @ known
        return cls(weights + known @ np.linalg.lstsq(known.T @ known, target, rcond=None)[0])

    def __call__(self, values: Floats) -> Floats:
        """Mean of ``(item, draw)``."""
        return np.asarray(values @ self.to_mean)


def _arms(
    model: LatentModel, x: Floats, theta: Floats, level: Floats, weights: Floats, average: _Average
) -> _Point:
    expected = over_draws(
        lambda c: np.stack(
            [
                (e := conditional_expectations(model, x[c], theta[c], level[:, c])).fitted,
                e.deviance,
            ]
        ),
        model,
        len(x),
    )
    fitted, deviance = average(expected[0]), average(expected[1])
    at_mean = model.likelihood.deviance(fitted, np.arange(len(fitted)))
    log_density = over_draws(lambda c: log_leave_one_out(model, x[c], theta[c], level[:, c]), model, len(x))
    left_out, k_hat = _left_out(log_density, weights)
    by_point = group_sum(deviance, model.point)
    return _Point(by_point, by_point - group_sum(at_mean, model.point), left_out, k_hat)


def _contrasts(
    given: MeasuredContrasts, x: Floats, theta: Floats, weights: Floats, average: _Average
) -> _Point:
    """A study's true contrasts given (x, theta) and its own data are normal: everything is closed."""
    prior = np.swapaxes(given.design @ x.T, 1, 2)
    between = given.covariance_at(theta) - given.covariance[:, None]
    gain = np.swapaxes(
        np.linalg.solve(given.covariance_at(theta), between), -1, -2
    )  # between (covariance + between)^-1
    centre = prior + (gain @ (given.estimate[:, None] - prior)[..., None])[..., 0]
    spread = between - gain @ between
    inverse = np.linalg.inv(given.covariance)
    left = given.estimate[:, None] - centre
    deviance = np.einsum("sdi,sij,sdj->sd", left, inverse, left) + np.einsum("sij,sdji->sd", inverse, spread)
    mean = average(np.swapaxes(centre, 1, 2))
    off = given.estimate - mean
    at_mean = np.einsum("si,sij,sj->s", off, inverse, off)
    expected = average(deviance)
    left_out, k_hat = _left_out(log_contrasts(given, x, theta), weights)
    return _Point(expected, expected - at_mean, left_out, k_hat)


def _left_out(log_density: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Log predictive density of each point left out, and Pareto shape of the weights, ``(point,)`` each."""
    found = np.empty(len(log_density))
    k_hat = np.empty(len(log_density))
    # Draws of no weight have no say: where thresholds have crossed a density may be any number.
    kept = weights > _NO_WEIGHT * weights.max()
    log_density, log_weights = log_density[:, kept], np.log(weights[kept])
    for i, density in enumerate(log_density):
        smoothed = smooth(log_weights - density)
        k_hat[i] = smoothed.k_hat
        # Where the density is highest the weight may be too small for a number: add the logarithms first.
        terms = density + np.log(np.maximum(smoothed.values, 1e-300))
        found[i] = terms.max() + np.log(np.exp(terms - terms.max()).sum())
    return found, k_hat
