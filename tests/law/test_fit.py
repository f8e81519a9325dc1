"""The posterior and the fit of tiny networks against sums over dense grids of everything that is unknown.

Effect, tau (or cut-point), study intercept and arm term each have an axis; every answer is a sum over the grid, from
the formula alone. Leaving an arm out is done by leaving it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import CubicSpline

from myopoise.estimate import Estimate
from myopoise.synthesis.findings import Fit, NetworkSynthesis
from myopoise.synthesis.models.structures import NetworkPriors
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies
from myopoise.synthesis.synthesising import synthesise

Floats = NDArray[np.float64]

EFFECT_SD, INTERCEPT_SD, TAU_SCALE = 2.0, 1.5, 0.7


@dataclass(frozen=True, eq=False)
class Network:
    studies: Studies
    reference: str


@dataclass(frozen=True, eq=False)
class Seen:
    """What an arm saw: log density, chances (or mean, or rate) of its results, and deviance at such chances.

    Densities take the linear predictor and the second unknown (tau, or a cut-point).
    """

    treated: bool
    log_density: Callable[[Floats, Floats], Floats]
    fitted: Callable[[Floats, Floats], list[Floats]]
    deviance: Callable[[list[Floats]], Floats]


@dataclass(frozen=True, eq=False)
class Brute:
    """Answers of the grid."""

    effect: tuple[float, float]
    effect_below: Callable[[float], float]
    second: tuple[float, float]
    deviance: Floats
    leverage: Floats
    left_out: Floats


def log_sum(values: Floats, axis: int) -> Floats:
    peak = values.max(axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - peak).sum(axis)) + peak.squeeze(axis))


def halved_at_the_ends(grid: Floats) -> Floats:
    """Weights of the trapezoid rule."""
    weight = np.full(len(grid), grid[1] - grid[0])
    weight[[0, -1]] /= 2.0
    return weight


def by_brute_force(
    studies: Sequence[Sequence[Seen]],
    second: Floats,
    second_log_prior: Floats,
    *,
    varying: float = 0.0,
    intercepts: bool = True,
    reach: float = 3.2,
) -> Brute:
    """Sum over the effect, the second unknown, the study term and the arm term.

    `varying` times the second unknown is the sd of an arm's term; zero for none.
    """
    d = np.linspace(-reach, reach, 49)
    u = np.linspace(-5.5, 5.5, 61) * INTERCEPT_SD if intercepts else np.zeros(1)
    score = np.linspace(-5.0, 5.0, 17) if varying else np.zeros(1)
    log_w = stats.norm.logpdf(score) + np.log(score[1] - score[0]) if varying else np.zeros(1)
    log_u = stats.norm.logpdf(u, 0.0, INTERCEPT_SD) + np.log(u[1] - u[0]) if intercepts else np.zeros(1)
    term = u[:, None] + varying * second[:, None, None] * score  # (second, u, w)
    axis = second[:, None, None]
    prior = stats.norm.logpdf(d, 0.0, EFFECT_SD)[:, None] + second_log_prior
    prior = prior + np.log(halved_at_the_ends(d))[:, None] + np.log(halved_at_the_ends(second))

    def summed(arm: Seen, factor: Callable[[Floats], Floats] | None = None) -> Floats:
        """Log of an arm's density, its own term summed over, ``(d or 1, second, u)``."""
        eta = term[None] + (d[:, None, None, None] if arm.treated else 0.0)
        value = arm.log_density(eta, axis) + log_w
        if factor is not None:
            value = value + np.log(np.maximum(factor(eta), 1e-300))
        return log_sum(value, 3)

    each = [[summed(arm) for arm in arms] for arms in studies]
    whole = [log_sum(sum(logs) + log_u, 2) for logs in each]  # (d or 1, second) of each study
    height = prior + sum(whole)
    weight = np.exp(height - height.max())
    weight /= weight.sum()
    deviance, leverage, left_out = [], [], []
    for s, arms in enumerate(studies):
        others = height - whole[s]
        for i, arm in enumerate(arms):
            rest = sum(each[s][:i] + each[s][i + 1 :]) if len(arms) > 1 else 0.0

            def mean_of(
                value: Callable[[Floats], Floats], arm: Seen = arm, rest: object = rest, s: int = s
            ) -> float:
                top = log_sum(summed(arm, value) + rest + log_u, 2)
                return float((weight * np.exp(top - whole[s])).sum())

            count = len(arm.fitted(term[None], axis))
            means = [mean_of(lambda eta, k=k, arm=arm: arm.fitted(eta, axis)[k]) for k in range(count)]
            expected = mean_of(lambda eta, arm=arm: arm.deviance(arm.fitted(eta, axis)))
            deviance.append(expected)
            leverage.append(expected - float(arm.deviance([np.array(m) for m in means])))
            without = others + (log_sum(rest + log_u, 2) if len(arms) > 1 else 0.0)
            left_out.append(
                float(log_sum(height.ravel(), 0) - log_sum(np.broadcast_to(without, height.shape).ravel(), 0))
            )
    below = CubicSpline(d, weight.sum(1) / halved_at_the_ends(d)).antiderivative()
    of_d, of_second = weight.sum(1), weight.sum(0)
    mean, mean_second = float(of_d @ d), float(of_second @ second)
    return Brute(
        (mean, float(np.sqrt(of_d @ (d - mean) ** 2))),
        lambda value: float(below(value)),
        (mean_second, float(np.sqrt(of_second @ (second - mean_second) ** 2))),
        np.array(deviance),
        np.array(leverage),
        np.array(left_out),
    )


def xlogy(x: float, y: Floats) -> Floats:
    return np.zeros_like(y) if x == 0.0 else np.asarray(x * np.log(y))


def counts(treated: bool, r: float, n: float) -> Seen:
    def deviance(chance: list[Floats]) -> Floats:
        at = xlogy(r, chance[0]) + xlogy(n - r, 1.0 - chance[0])
        return np.asarray(2.0 * (xlogy(r, np.array(r / n)) + xlogy(n - r, np.array(1 - r / n)) - at))

    constant = stats.binom.logpmf(r, n, 0.5) + n * np.log(2.0)
    return Seen(
        treated,
        lambda eta, _: constant + r * eta - n * np.logaddexp(0.0, eta),
        lambda eta, _: [1.0 / (1.0 + np.exp(-eta))],
        deviance,
    )


def rates(treated: bool, r: float, exposure: float) -> Seen:
    constant = stats.poisson.logpmf(r, exposure) + exposure
    return Seen(
        treated,
        lambda eta, _: constant + r * eta - exposure * np.exp(eta),
        lambda eta, _: [np.exp(eta)],
        lambda rate: 2.0 * (xlogy(r, r / np.maximum(exposure * rate[0], 1e-300)) - (r - exposure * rate[0])),
    )


def means(treated: bool, y: float, se: float) -> Seen:
    return Seen(
        treated,
        lambda eta, _: stats.norm.logpdf(y, eta, se),
        # Kept positive for the logarithms of the grid, and taken back.
        lambda eta, _: [eta + 50.0],
        lambda shifted: ((y + 50.0 - shifted[0]) / se) ** 2,
    )


def categories(treated: bool, seen: Sequence[float]) -> Seen:
    n = sum(seen)
    constant = stats.multinomial.logpmf(seen, n, [1 / 3] * 3) + n * np.log(3.0)

    def fitted(eta: Floats, cut: Floats) -> list[Floats]:
        first, last = stats.norm.cdf(eta), stats.norm.cdf(eta - cut)
        return [np.maximum(p, 1e-300) for p in (1.0 - first, first - last, last)]

    def deviance(chance: list[Floats]) -> Floats:
        return np.asarray(2.0 * sum(xlogy(k, k / (n * p)) for k, p in zip(seen, chance, strict=True) if k))

    return Seen(
        treated,
        lambda eta, cut: constant + sum(xlogy(k, p) for k, p in zip(seen, fitted(eta, cut), strict=True)),
        fitted,
        deviance,
    )


TAU = np.linspace(0.0, 3.0, 37)
TAU_PRIOR = stats.halfnorm(scale=TAU_SCALE).logpdf(TAU)
FIXED = np.array([0.0, 1.0])
FLAT = np.log(np.array([0.5, 0.5]) / halved_at_the_ends(FIXED))
CUT = np.linspace(0.02, 2.2, 56)
ROWS = [("one", "a"), ("one", "b"), ("two", "a"), ("two", "b"), ("three", "b")]
TREATED = [t == "b" for _, t in ROWS]
PRIORS = NetworkPriors(
    treatment=Normal(0.0, EFFECT_SD), intercept=Normal(0.0, INTERCEPT_SD), heterogeneity=HalfNormal(TAU_SCALE)
)


def network(outcome: Outcome, **seen: Sequence[object]) -> Network:
    study = np.array([("one", "two", "three").index(s) for s, _ in ROWS])
    treatment = np.array([int(t) for t in TREATED])
    arms = Arms(outcome, study, treatment, **{k: np.array(v, dtype=float) for k, v in seen.items()})
    return Network(Studies(("one", "two", "three"), ("a", "b"), arms), "a")


def grouped(arms: Sequence[Seen]) -> list[list[Seen]]:
    return [list(arms[:2]), list(arms[2:4]), list(arms[4:])]


EVENTS, N = [3, 9, 0, 4, 7], [14, 15, 12, 11, 18]
EXPOSURE = [2.0, 3.0, 1.5, 2.5, 4.0]
MEANS, SE = [0.1, 1.2, -0.6, 0.9, 0.4], [0.3, 0.35, 0.4, 0.3, 0.5]
SEEN = [[8, 4, 2], [4, 5, 6], [9, 3, 0], [5, 3, 3], [8, 6, 4]]
AT_LEAST = [[b + c, c] for _, b, c in SEEN]

CASES: dict[str, tuple[Network, str, Callable[[], Brute]]] = {
    "counts, random": (
        network(Outcome.BINOMIAL, events=EVENTS, n=N),
        "random",
        lambda: by_brute_force(
            grouped([counts(*row) for row in zip(TREATED, EVENTS, N, strict=True)]),
            TAU,
            TAU_PRIOR,
            varying=0.5**0.5,
        ),
    ),
    "counts, common": (
        network(Outcome.BINOMIAL, events=EVENTS, n=N),
        "common",
        lambda: by_brute_force(
            grouped([counts(*row) for row in zip(TREATED, EVENTS, N, strict=True)]), FIXED, FLAT
        ),
    ),
    "rates, common": (
        network(Outcome.POISSON, events=EVENTS, exposure=EXPOSURE),
        "common",
        lambda: by_brute_force(
            grouped([rates(*row) for row in zip(TREATED, EVENTS, EXPOSURE, strict=True)]), FIXED, FLAT
        ),
    ),
    "means, random": (
        network(Outcome.NORMAL, mean=MEANS, se=SE),
        "random",
        lambda: by_brute_force(
            grouped([means(*row) for row in zip(TREATED, MEANS, SE, strict=True)]),
            TAU,
            TAU_PRIOR,
            varying=0.5**0.5,
        ),
    ),
    "ordered, common": (
        network(Outcome.ORDERED, n=[sum(row) for row in SEEN], at_least=AT_LEAST),
        "common",
        lambda: by_brute_force(
            grouped([categories(*row) for row in zip(TREATED, SEEN, strict=True)]),
            CUT,
            stats.norm.logpdf(CUT, 0.0, 100.0),
        ),
    ),
}


def contrasts() -> Network:
    """The same means, as differences; the single arm says nothing any more."""
    given = Contrasts(
        np.array([0, 1]),
        np.array([[0, 1], [0, 1]]),
        np.array([[1.1], [1.5]]),
        np.array([[[0.2125]], [[0.25]]]),
        np.zeros(2),
    )
    return Network(Studies(("one", "two"), ("a", "b"), contrasts=(given,)), "a")


CASES["contrasts, random"] = (
    contrasts(),
    "random",
    lambda: by_brute_force(
        [[means(True, 1.1, 0.2125**0.5)], [means(True, 1.5, 0.5)]],
        TAU,
        TAU_PRIOR,
        varying=1.0,
        intercepts=False,
        reach=6.0,
    ),
)


@pytest.fixture(scope="module", params=CASES)
def fitted(request: pytest.FixtureRequest) -> tuple[str, NetworkSynthesis, Brute]:
    laid, effects, brute = CASES[request.param]
    return request.param, synthesise(laid, priors=PRIORS, effects=effects, draws=4096), brute()  # type: ignore[arg-type]


def agrees(found: Estimate, mean: float, sd: float, below: Callable[[float], float] | None = None) -> None:
    assert found.mean == pytest.approx(mean, abs=0.03 * sd)
    assert found.sd == pytest.approx(sd, rel=0.03)
    if below is not None:
        assert below(found.low) == pytest.approx(0.025, abs=0.003)
        assert below(found.median) == pytest.approx(0.5, abs=0.012)
        assert below(found.high) == pytest.approx(0.975, abs=0.003)


def test_the_effect_is_that_of_the_grid(fitted: tuple[str, NetworkSynthesis, Brute]) -> None:
    _, found, brute = fitted
    agrees(found.relative_effects["b", "a"], *brute.effect, brute.effect_below)


def test_the_second_unknown_is_that_of_the_grid(fitted: tuple[str, NetworkSynthesis, Brute]) -> None:
    name, found, brute = fitted
    if "random" in name:
        agrees(found.heterogeneity["tau"], *brute.second)
    elif "ordered" in name:
        agrees(found.parameters["cut 2"], *brute.second)
    else:
        assert found.heterogeneity == {}


def test_deviance_leverage_and_dic_are_those_of_the_grid(fitted: tuple[str, NetworkSynthesis, Brute]) -> None:
    _, found, brute = fitted
    fit: Fit | None = found.fit
    assert fit is not None
    assert np.array([row[2] for row in fit.by_point]) == pytest.approx(brute.deviance, abs=0.05)
    assert np.array([row[3] for row in fit.by_point]) == pytest.approx(brute.leverage, abs=0.05)
    assert fit.residual_deviance == pytest.approx(brute.deviance.sum(), abs=0.1)
    assert fit.dic == pytest.approx(brute.deviance.sum() + brute.leverage.sum(), abs=0.15)


def test_an_arm_left_out_has_the_density_that_fitting_without_it_predicts(
    fitted: tuple[str, NetworkSynthesis, Brute],
) -> None:
    _, found, brute = fitted
    fit = found.fit
    assert fit is not None
    assert np.array([row[4] for row in fit.by_point]) == pytest.approx(brute.left_out, abs=0.06)
    assert fit.looic == pytest.approx(-2.0 * brute.left_out.sum(), abs=0.15)
    by_arm = np.array([row[4] for row in fit.by_point])
    assert fit.looic_se == pytest.approx(2.0 * np.sqrt(len(by_arm)) * by_arm.std(ddof=1))
