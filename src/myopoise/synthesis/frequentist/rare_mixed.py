"""Random-effects odds ratios from the counts themselves: the generalised linear mixed models of Stijnen et al. (2010).

    UM.FS   each study its own intercept, the log odds ratio normal over studies
    UM.RS   intercepts normal over studies as well
    CM.EL   exact conditional (non-central hypergeometric) likelihood of each table
    CM.AL   its binomial approximation, good where events are rare

No correction for zero events is made or needed. In the unconditional models the treated arm is half a log odds ratio
above the study's middle and the other arm half below (Jackson et al. 2018), so that neither arm is the odd one.
Integrals over the random effects are by adaptive Gauss-Hermite quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit

from myopoise.errors import WrongUsage
from myopoise.synthesis.findings import Confidence
from myopoise.synthesis.frequentist.hypergeometric import log_choose, non_central
from myopoise.synthesis.frequentist.maximising import Maximum, maximise
from myopoise.synthesis.frequentist.pairwise import confidence
from myopoise.synthesis.frequentist.pairwise_regression import Floats
from myopoise.synthesis.frequentist.rare import TwoArms

__all__ = ["MixedEstimate", "MixedModel", "estimate_mixed"]

MixedModel = Literal["UM.FS", "UM.RS", "CM.EL", "CM.AL"]
_Kernel = Callable[[Floats], tuple[Floats, Floats, Floats]]


@dataclass(frozen=True)
class MixedEstimate:
    """A random-effects log odds ratio.

    Parameters
    ----------
    model
        What was fitted, in one sentence.
    studies
        How many were given.
    effect
        Mean over studies, with a normal 95% interval from the observed information.
    tau2
        Between-study variance of the log odds ratio, by maximum likelihood.
    sigma2
        Between-study variance of the intercept (UM.RS), else NaN.
    log_likelihood
        With binomial or hypergeometric constants, over studies that say something.
    warnings
        What the reader should act on.
    """

    model: str
    studies: int
    effect: Confidence
    tau2: float
    sigma2: float
    log_likelihood: float
    warnings: tuple[str, ...]


def estimate_mixed(tables: TwoArms, *, model: MixedModel = "CM.EL", points: int = 15) -> MixedEstimate:
    """The mean log odds ratio of studies and how it varies, from their counts.

    Parameters
    ----------
    tables
        Studies with two arms.
    model
        See above.
    points
        Of the quadrature, for each random effect; one is Laplace's approximation.

    Returns
    -------
    estimate
        By maximum likelihood.

    References
    ----------
    stijnen2010
    jackson2018
    """
    if model not in ("UM.FS", "UM.RS", "CM.EL", "CM.AL"):
        raise WrongUsage(f"unknown model {model!r}; choose UM.FS, UM.RS, CM.EL or CM.AL")
    warnings = []
    silent = tables.one_sided
    used = tables if model == "UM.RS" else tables.kept(~silent)
    if silent.any() and model != "UM.RS":
        warnings.append(
            f"Studies in which nobody, or everybody, had the event fit any odds ratio and are not used: {silent.sum()} "
            f"of {len(tables)}."
        )
    if not len(used):
        raise WrongUsage("no study has both patients with the event and patients without it")
    found = _maximum(used, model, points)
    theta, tau = float(found.at[0]), abs(float(found.at[1]))
    if not found.converged:
        warnings.append("The likelihood was not maximised to the last digits; compare with another model.")
    with np.errstate(invalid="ignore"):
        se = float(np.sqrt(np.linalg.inv(-found.hessian)[0, 0]))
    return MixedEstimate(
        f"{model}: log odds ratio normal over {len(tables)} studies, {points} quadrature points",
        len(tables),
        confidence(theta, se),
        _variance(tau),
        _variance(float(found.at[3])) if model == "UM.RS" else math.nan,
        found.value,
        tuple(warnings),
    )


def _variance(sd: float) -> float:
    """Square of a standard deviation; zero for one that is none but for rounding."""
    return 0.0 if abs(sd) < 1e-5 else sd**2


def _maximum(tables: TwoArms, model: MixedModel, points: int) -> Maximum:
    nodes, weights = np.polynomial.hermite.hermgauss(points)
    log_weights = np.log(weights) + nodes**2 + 0.5 * math.log(2.0) - 0.5 * math.log(2.0 * math.pi)
    rule = (math.sqrt(2.0) * nodes, log_weights)
    target = {
        "UM.FS": _own_intercepts,
        "UM.RS": _random_intercepts,
        "CM.EL": _conditional,
        "CM.AL": _approximate,
    }[model](tables, rule)
    theta = _crude(tables)
    start = [theta, 0.0]
    if model == "UM.RS":
        odds = np.log((tables.events + 0.5) / (tables.n - tables.events + 0.5))
        control = np.log((tables.events_control + 0.5) / (tables.n_control - tables.events_control + 0.5))
        middle = 0.5 * (odds + control)
        start += [float(middle.mean()), max(0.3, float(middle.std()))]
    # The likelihood is even in tau, so zero is always stationary: start where it is largest among a few.
    ladder = [np.array([theta, tau, *start[2:]]) for tau in (1e-3, 0.1, 0.3, 0.6, 1.0, 1.7)]
    best = max(ladder, key=target)
    scale = np.full(len(start), 0.2)
    return maximise(target, best, scale)


def _crude(tables: TwoArms) -> float:
    """Peto's one-step odds ratio, to start from."""
    total, events = tables.n + tables.n_control, tables.events + tables.events_control
    variance = events * (total - events) * tables.n * tables.n_control / (total**2 * (total - 1.0))
    whole = float(variance.sum())
    return float((tables.events - events * tables.n / total).sum()) / whole if whole else 0.0


_Rule = tuple[Floats, Floats]


def _integrated(
    kernel: _Kernel, theta: float, tau: float, count: int, rule: _Rule
) -> tuple[Floats, Floats, Floats]:
    """Log of the integral of each study's likelihood over its random effect; its nodes and their log weights.

    The effect of a study is theta + tau b with b standard normal. Each is integrated around the mode of its own b.
    """
    b = np.zeros(count)
    for _ in range(60):
        _, slope, bend = kernel(theta + tau * b)
        step = (tau * slope - b) / (1.0 - tau**2 * bend)
        b = b + np.clip(step, -3.0, 3.0)
        if float(np.max(np.abs(step))) < 1e-10:
            break
    _, _, bend = kernel(theta + tau * b)
    scale = 1.0 / np.sqrt(1.0 - tau**2 * bend)
    node = b[:, None] + scale[:, None] * rule[0]
    value = kernel(theta + tau * node)[0] - 0.5 * node**2 + rule[1] + np.log(scale)[:, None]
    top = value.max(axis=1)
    whole = top + np.log(np.exp(value - top[:, None]).sum(axis=1))
    return whole, node, value - whole[:, None]


def _conditional(tables: TwoArms, rule: _Rule) -> Callable[[Floats], float]:
    kernel = non_central(tables)
    return lambda at: float(_integrated(kernel, at[0], at[1], len(tables), rule)[0].sum())


def _approximate(tables: TwoArms, rule: _Rule) -> Callable[[Floats], float]:
    total = tables.events + tables.events_control
    ways = log_choose(total, tables.events)
    offset = np.log(tables.n / tables.n_control)

    def kernel(log_odds: Floats) -> tuple[Floats, Floats, Floats]:
        return _binomial(
            _along(tables.events, log_odds), _along(total, log_odds), _along(offset, log_odds) + log_odds
        )

    constant = float(ways.sum())
    return lambda at: constant + float(_integrated(kernel, at[0], at[1], len(tables), rule)[0].sum())


def _along(column: Floats, like: Floats) -> Floats:
    return column.reshape(-1, *(1,) * (like.ndim - 1))


def _binomial(r: Floats, n: Floats, eta: Floats) -> tuple[Floats, Floats, Floats]:
    """Log likelihood without its constant, slope and curvature in the log odds."""
    p = expit(eta)
    return r * eta - n * np.logaddexp(0.0, eta), r - n * p, -n * p * (1.0 - p)


def _constant(tables: TwoArms) -> float:
    arms = log_choose(tables.n, tables.events) + log_choose(tables.n_control, tables.events_control)
    return float(arms.sum())


def _own_intercepts(tables: TwoArms, rule: _Rule) -> Callable[[Floats], float]:
    """Profile likelihood of theta and tau: the intercept of each study at its best for them."""
    constant = _constant(tables)
    a, n, c, m = tables.events, tables.n, tables.events_control, tables.n_control
    start = np.log((a + c) / (n + m - a - c))

    def kernel_at(middle: Floats) -> _Kernel:
        def kernel(t: Floats) -> tuple[Floats, Floats, Floats]:
            centre = _along(middle, t)
            one = _binomial(_along(a, t), _along(n, t), centre + 0.5 * t)
            two = _binomial(_along(c, t), _along(m, t), centre - 0.5 * t)
            return one[0] + two[0], 0.5 * (one[1] - two[1]), 0.25 * (one[2] + two[2])

        return kernel

    def profile(at: Floats) -> float:
        middle = start
        whole = np.full(len(tables), -np.inf)
        for _ in range(60):
            whole, node, weight = _integrated(kernel_at(middle), at[0], at[1], len(tables), rule)
            t = at[0] + at[1] * node
            one = _binomial(a[:, None], n[:, None], middle[:, None] + 0.5 * t)
            two = _binomial(c[:, None], m[:, None], middle[:, None] - 0.5 * t)
            share, slope, bend = np.exp(weight), one[1] + two[1], one[2] + two[2]
            mean = (share * slope).sum(axis=1)
            curvature = (share * (bend + slope**2)).sum(axis=1) - mean**2
            step = np.clip(mean / np.maximum(-curvature, 1e-8), -2.0, 2.0)
            middle = middle + step
            if float(np.max(np.abs(step))) < 1e-9:
                break
        return constant + float(whole.sum())

    return profile


def _random_intercepts(tables: TwoArms, rule: _Rule) -> Callable[[Floats], float]:
    """Likelihood of theta, tau, and the mean and standard deviation of the intercepts."""
    constant = _constant(tables)
    a, n, c, m = (x[:, None] for x in (tables.events, tables.n, tables.events_control, tables.n_control))
    first, second = (x.ravel() for x in np.meshgrid(rule[0], rule[0], indexing="ij"))
    log_weight = (rule[1][:, None] + rule[1]).ravel()

    def log_density(at: Floats, b: Floats, u: Floats) -> tuple[Floats, Floats, Floats]:
        """At standardised treatment effects b and intercepts u ``(study, node)``: value, slopes and curvatures."""
        theta, tau, mean, sd = at
        centre, half = mean + sd * u, 0.5 * (theta + tau * b)
        one, two = _binomial(a, n, centre + half), _binomial(c, m, centre - half)
        value = one[0] + two[0] - 0.5 * (b**2 + u**2)
        slopes = np.stack([0.5 * tau * (one[1] - two[1]) - b, sd * (one[1] + two[1]) - u], axis=-1)
        both, apart = one[2] + two[2], one[2] - two[2]
        mixed = 0.5 * tau * sd * apart
        bends = np.stack([0.25 * tau**2 * both - 1.0, mixed, mixed, sd**2 * both - 1.0], axis=-1)
        return value, slopes, bends.reshape(*bends.shape[:-1], 2, 2)

    def marginal(at: Floats) -> float:
        mode = np.zeros((len(tables), 1, 2))
        for _ in range(60):
            _, slopes, bends = log_density(at, mode[..., 0], mode[..., 1])
            step = np.linalg.solve(-bends, slopes[..., None])[..., 0]
            mode = mode + np.clip(step, -2.0, 2.0)
            if float(np.max(np.abs(step))) < 1e-10:
                break
        _, _, bends = log_density(at, mode[..., 0], mode[..., 1])
        root = np.linalg.cholesky(np.linalg.inv(-bends))
        b = mode[..., 0] + root[..., 0, 0] * first
        u = mode[..., 1] + root[..., 1, 0] * first + root[..., 1, 1] * second
        value = log_density(at, b, u)[0] + log_weight + np.log(root[..., 0, 0] * root[..., 1, 1])
        top = value.max(axis=1)
        return constant + float((top + np.log(np.exp(value - top[:, None]).sum(axis=1))).sum())

    return marginal
