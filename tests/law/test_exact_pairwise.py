"""The exact pairwise meta-analysis against sums, simulation and closed forms, and the laws it must obey."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from myopoise.errors import BadInput, WrongUsage
from myopoise.synthesis.exact_pairwise import PairwisePosterior, TauPrior, synthesise_pairwise
from myopoise.synthesis.normal_mixtures import NormalMixtures
from myopoise.synthesis.objective_priors import DuMouchel, ImproperUniform, Jeffreys, dumouchel
from myopoise.synthesis.priors import (
    HalfCauchy,
    HalfNormal,
    HalfT,
    InverseGamma,
    LogNormal,
    LogNormalVariance,
    LogTVariance,
    Normal,
    Prior,
    Uniform,
)

Y = np.array([0.32, -0.11, 0.74, 0.05, 1.21])
SE = np.array([0.20, 0.15, 0.42, 0.11, 0.50])
PROPER: list[Prior] = [
    HalfNormal(0.5),
    HalfCauchy(0.3),
    HalfT(3.0, 0.4),
    Uniform(0.0, 2.0),
    Uniform(0.1, 0.4),
    LogNormal(-1.0, 0.6),
    LogNormalVariance(-2.56, 1.74),
    LogTVariance(5.0, -3.44, 2.59),
    InverseGamma(1.1, 0.05),
    DuMouchel(0.2),
]


def fitted(
    prior: TauPrior, prior_mu: Normal | None = None, y: object = Y, se: object = SE
) -> PairwisePosterior:
    return synthesise_pairwise(y, se, prior_tau=prior, prior_mu=prior_mu)  # type: ignore[arg-type]


def density_of_data(tau: float, prior_mu: Normal | None) -> float:
    """Second route: the data are one multivariate normal given tau, mu integrated out.

    With a flat mu only their differences have a density.
    """
    if prior_mu is None:
        covariance = np.diag(SE[1:] ** 2 + tau**2) + SE[0] ** 2 + tau**2
        return float(stats.multivariate_normal(np.zeros(len(Y) - 1), covariance).pdf(Y[1:] - Y[0]))
    covariance = np.diag(SE**2 + tau**2) + prior_mu.sd**2
    return float(stats.multivariate_normal(np.full(len(Y), prior_mu.mean), covariance).pdf(Y))


def sums(prior: Prior, y: np.ndarray, se: np.ndarray, points: int = 12_001) -> dict[str, float]:
    """Second route: sums over tau and a flat mu, from normal densities only, on scores of the prior."""
    z = np.linspace(-8.0, 8.0, points)
    tau = prior.value(z)
    weight = 1.0 / (se**2 + tau[:, None] ** 2)
    total = weight.sum(1)
    mean = weight @ y / total
    # Profile likelihood times sqrt(2 pi / total) is the integral over mu.
    log = stats.norm.logpdf(y, mean[:, None], weight**-0.5).sum(1) + 0.5 * np.log(2.0 * np.pi / total)
    mass = np.exp(log + stats.norm.logpdf(z))
    mass /= mass.sum()
    share = se[0] ** 2 / (se[0] ** 2 + tau**2)
    first = share * mean + (1.0 - share) * y[0]
    first_variance = (1.0 - share) * se[0] ** 2 + share**2 / total

    def moments(centre: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
        middle = float(mass @ centre)
        return middle, math.sqrt(float(mass @ (variance + (centre - middle) ** 2)))

    mu, mu_sd = moments(mean, 1.0 / total)
    theta, theta_sd = moments(mean, 1.0 / total + tau**2)
    one, one_sd = moments(first, first_variance)
    below = float(mass @ stats.norm.cdf((0.1 - mean) * np.sqrt(total)))
    cumulative = np.cumsum(mass) - 0.5 * mass
    return {
        "mu": mu, "mu sd": mu_sd, "theta": theta, "theta sd": theta_sd, "first": one, "first sd": one_sd,
        "P(mu < 0.1)": below, "median": float(np.interp(0.5, cumulative, tau)), "tau": float(mass @ tau),
    }  # fmt: skip


@pytest.mark.parametrize("prior", PROPER, ids=str)
def test_every_summary_is_that_of_plain_sums(prior: Prior) -> None:
    found, plain = fitted(prior), sums(prior, Y, SE)
    ours = {
        "mu": found.mu.mean, "mu sd": found.mu.sd, "theta": found.theta_new.mean, "theta sd": found.theta_new.sd,
        "first": found.shrinkage["1"].mean, "first sd": found.shrinkage["1"].sd,
        "P(mu < 0.1)": found.probability_below("mu", 0.1), "median": found.tau.median, "tau": found.tau.mean,
    }  # fmt: skip
    assert ours == pytest.approx(plain, rel=1e-6)
    assert found.error < 1e-11


@pytest.mark.parametrize("prior", PROPER, ids=str)
def test_the_marginal_likelihood_and_both_bayes_factors_are_those_of_direct_integration(prior: Prior) -> None:
    prior_mu = Normal(0.3, 0.8)
    found = fitted(prior, prior_mu)

    def over_tau(f) -> float:
        # In the score of the prior, where the whole of it is between -8 and 8.
        value, _ = integrate.quad(
            lambda z: f(float(prior.value(np.array(z)))) * stats.norm.pdf(z),
            -8.0,
            8.0,
            limit=400,
            epsrel=1e-9,
        )
        return value

    evidence = over_tau(lambda tau: density_of_data(tau, prior_mu))
    mu_zero = over_tau(lambda tau: float(np.prod(stats.norm.pdf(Y, 0.0, np.sqrt(SE**2 + tau**2)))))
    assert math.exp(found.log_marginal_likelihood) == pytest.approx(evidence, rel=1e-7)
    assert found.bayes_factor_mu_zero == pytest.approx(mu_zero / evidence, rel=1e-7)
    assert found.bayes_factor_tau_zero == pytest.approx(density_of_data(0.0, prior_mu) / evidence, rel=1e-7)


@pytest.mark.parametrize("prior_mu", [None, Normal(0.0, 0.3)], ids=str)
@pytest.mark.parametrize("prior", [ImproperUniform(), Jeffreys()], ids=str)
def test_an_improper_prior_gives_the_posterior_of_direct_integration(
    prior: ImproperUniform | Jeffreys, prior_mu: Normal | None
) -> None:
    found = fitted(prior, prior_mu)

    def mass(low: float, high: float) -> float:
        # In log tau, because the tail goes on and on.
        def f(x: float) -> float:
            tau = math.exp(x)
            return density_of_data(tau, prior_mu) * tau * float(np.exp(prior.log_weight(np.array(tau), SE)))

        return integrate.quad(f, low, high, limit=400, epsrel=1e-10)[0]

    for p in (0.1, 0.5, 0.9):
        x = math.log(float(found.quantile("tau", p)[0]))
        below, above = mass(-25.0, x), mass(x, 1.0) + mass(1.0, 10.0)
        assert below / (below + above) == pytest.approx(p, abs=1e-6)


def test_simulation_agrees() -> None:
    """Third route: draws from the prior, weighted by the likelihood of what they would have given."""
    random = np.random.default_rng(7)
    prior_mu, n = Normal(0.0, 0.5), 400_000
    tau, mu = np.abs(random.normal(0.0, 0.5, n)), random.normal(0.0, 0.5, n)
    theta = random.normal(mu[:, None], tau[:, None], (n, len(Y)))
    weight = np.exp(stats.norm.logpdf(Y, theta, SE).sum(1))
    weight /= weight.sum()
    found = fitted(HalfNormal(0.5), prior_mu)
    for draws, summary in [
        (tau, found.tau),
        (mu, found.mu),
        *zip(theta.T, found.shrinkage.values(), strict=True),
    ]:
        mean = float(weight @ draws)
        error = math.sqrt(float(weight**2 @ (draws - mean) ** 2))
        assert abs(summary.mean - mean) < 4.0 * error
        inside = (draws > summary.shortest_low) & (draws < summary.shortest_high)
        for held, p in ((draws < summary.median, 0.5), (draws < summary.high, 0.975), (inside, 0.95)):
            assert abs(float(weight @ held) - p) < 4.0 * math.sqrt(p * (1.0 - p) * float(weight @ weight))
    assert float(weight @ weight) < 1e-3


@pytest.mark.parametrize("prior", PROPER, ids=str)
def test_one_study_says_nothing_of_heterogeneity(prior: Prior) -> None:
    found = fitted(prior, y=[0.4], se=[0.2])
    for p, z in ((0.025, -1.959963984540054), (0.5, 0.0), (0.975, 1.959963984540054)):
        assert found.quantile("tau", p)[0] == pytest.approx(float(prior.value(np.array(z))), rel=1e-7)
    assert found.mu.median == pytest.approx(0.4, abs=1e-9)


def test_a_common_effect_is_the_limit_of_no_heterogeneity() -> None:
    found, weight = fitted(HalfNormal(1e-9)), SE**-2.0
    assert found.mu.mean == pytest.approx(float(weight @ Y / weight.sum()), rel=1e-9)
    assert found.mu.sd == pytest.approx(float(weight.sum() ** -0.5), rel=1e-9)
    assert found.mu.low == pytest.approx(found.mu.mean - 1.959964 * found.mu.sd, abs=1e-6)
    assert found.bayes_factor_tau_zero == pytest.approx(1.0, abs=1e-9)


CASES: list[TauPrior] = [*PROPER, ImproperUniform(), Jeffreys(), dumouchel(SE)]


@pytest.mark.parametrize("prior", CASES, ids=str)
@pytest.mark.parametrize("prior_mu", [None, Normal(0.0, 0.5)], ids=str)
def test_the_shortest_interval_holds_95_percent_and_no_interval_is_shorter(
    prior: TauPrior, prior_mu: Normal | None
) -> None:
    found = fitted(prior, prior_mu)
    for what, s in [("mu", found.mu), ("theta_new", found.theta_new), *found.shrinkage.items()]:
        held = found.probability_below(what, s.shortest_high) - found.probability_below(what, s.shortest_low)
        assert held == pytest.approx(0.95, abs=1e-9)
        skipped = np.linspace(0.001, 0.049, 49)
        lengths = found.quantile(what, skipped + 0.95) - found.quantile(what, skipped)
        assert s.shortest_high - s.shortest_low <= lengths.min() * (1.0 + 1e-9)
        assert s.low < s.median < s.high
    skipped = np.linspace(1e-4, 0.05 - 1e-4, 60)
    lengths = found.quantile("tau", skipped + 0.95) - found.quantile("tau", skipped)
    assert found.tau.shortest_high - found.tau.shortest_low <= lengths.min() * (1.0 + 1e-9)


@pytest.mark.parametrize("prior", CASES, ids=str)
def test_quantiles_and_probabilities_undo_each_other(prior: TauPrior) -> None:
    found = fitted(prior)
    p = np.array([0.001, 0.025, 0.3, 0.5, 0.9, 0.999])
    for what in ("mu", "theta_new", "3"):
        back = [found.probability_below(what, float(x)) for x in found.quantile(what, p)]
        assert back == pytest.approx(p, abs=1e-11)
    assert np.all(np.diff(found.quantile("tau", p)) > 0.0)


studies = st.lists(
    st.tuples(st.floats(-3.0, 3.0), st.floats(0.05, 2.0)), min_size=3, max_size=8, unique_by=lambda s: s[0]
)


@settings(max_examples=12, deadline=None)
@given(studies, st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_another_unit_and_another_origin_change_nothing_else(
    drawn: list[tuple[float, float]], factor: float, shift: float
) -> None:
    y, se = np.array(drawn).T
    one = fitted(HalfNormal(0.7), y=y, se=se)
    other = fitted(HalfNormal(0.7 * factor), y=factor * y + shift, se=factor * se)
    size = factor * (one.theta_new.sd + float(np.ptp(y)))
    for a, b, moved in (
        (one.mu, other.mu, shift),
        (one.theta_new, other.theta_new, shift),
        (one.tau, other.tau, 0.0),
    ):
        assert b.median == pytest.approx(factor * a.median + moved, abs=1e-7 * size + 1e-9 * abs(shift))
        assert b.sd == pytest.approx(factor * a.sd, rel=1e-6)
        assert b.shortest_high == pytest.approx(
            factor * a.shortest_high + moved, abs=1e-6 * size + 1e-9 * abs(shift)
        )


@settings(max_examples=12, deadline=None)
@given(studies)
def test_a_wider_prior_never_says_less_heterogeneity(drawn: list[tuple[float, float]]) -> None:
    y, se = np.array(drawn).T
    medians = [fitted(HalfNormal(scale), y=y, se=se).tau.median for scale in (0.05, 0.2, 0.8, 3.0)]
    assert all(a <= b * (1.0 + 1e-9) for a, b in pairwise(medians))


@settings(max_examples=12, deadline=None)
@given(studies)
def test_the_order_of_the_studies_does_not_matter(drawn: list[tuple[float, float]]) -> None:
    y, se = np.array(drawn).T
    one, other = fitted(HalfNormal(0.5), y=y, se=se), fitted(HalfNormal(0.5), y=y[::-1], se=se[::-1])
    assert other.mu.mean == pytest.approx(one.mu.mean, abs=1e-10)
    assert other.tau.median == pytest.approx(one.tau.median, rel=1e-9)
    assert [s.mean for s in other.shrinkage.values()][::-1] == pytest.approx(
        [s.mean for s in one.shrinkage.values()], abs=1e-9
    )


@settings(max_examples=12, deadline=None)
@given(studies)
def test_a_study_is_drawn_towards_the_others_and_never_past_them(drawn: list[tuple[float, float]]) -> None:
    y, se = np.array(drawn).T
    found = fitted(HalfNormal(0.5), y=y, se=se)
    for own, s in zip(y, found.shrinkage.values(), strict=True):
        low, high = min(y.min(), own), max(y.max(), own)
        assert low - 1e-9 <= s.mean <= high + 1e-9


def test_data_that_contradict_the_prior_are_still_integrated() -> None:
    # Forty prior scales out: no score of the prior reaches there, the logarithm of tau does.
    y, se = np.array([-40.0, 0.0, 35.0, 10.0, -7.0, 22.0]), np.full(6, 0.5)
    found = fitted(HalfNormal(0.5), y=y, se=se)
    tau = np.linspace(0.01, 60.0, 400_001)
    v = se[:, None] ** 2 + tau**2
    log = (
        -0.5 * np.log(v).sum(0)
        - 0.5 * np.log((1.0 / v).sum(0))
        - 0.5 * ((y[:, None] - y.mean()) ** 2 / v).sum(0)
    )
    log += stats.halfnorm.logpdf(tau, scale=0.5)
    mass = np.exp(log - log.max())
    assert found.tau.mean == pytest.approx(float(mass @ tau / mass.sum()), rel=1e-8)
    assert found.error < 1e-11


def test_two_thousand_studies_give_back_the_heterogeneity_they_were_made_with() -> None:
    random = np.random.default_rng(3)
    se = random.uniform(0.05, 0.4, 2000)
    y = random.normal(0.2, np.hypot(0.3, se))
    found = fitted(HalfNormal(1.0), y=y, se=se)
    assert abs(found.tau.mean - 0.3) < 4.0 * found.tau.sd
    assert abs(found.mu.mean - 0.2) < 4.0 * found.mu.sd
    assert found.tau.sd < 0.02
    assert found.error < 1e-10


def test_the_modes_are_where_the_densities_are_largest() -> None:
    found = fitted(LogNormalVariance(-2.56, 1.74))
    p = np.linspace(0.2, 0.8, 601)
    for what, mode in (("mu", found.mu.mode), ("tau", found.tau.mode)):
        width = np.diff(found.quantile(what, p))
        densest = int(np.argmin(width))
        ends = found.quantile(what, p[[densest - 1, densest + 2]])
        assert ends[0] < mode < ends[1]
    assert fitted(HalfCauchy(0.1), y=[0.1, 0.1, 0.1], se=[0.2, 0.2, 0.2]).tau.mode == 0.0


@pytest.mark.parametrize(
    ("prior", "k", "prior_mu", "words"),
    [
        (ImproperUniform(), 2, None, "with 2 studies .* at least 3 studies"),
        (ImproperUniform(), 1, Normal(0.0, 1.0), "with 1 study .* at least 2 studies"),
        (Jeffreys(), 1, None, "at least 2 studies"),
        (Normal(0.0, 1.0), 5, None, "gives weight to values below zero"),
        (Uniform(-1.0, 1.0), 5, None, "gives weight to values below zero"),
    ],
)
def test_a_prior_without_a_posterior_is_refused_with_what_to_take(
    prior: TauPrior, k: int, prior_mu: Normal | None, words: str
) -> None:
    with pytest.raises(WrongUsage, match=words):
        fitted(prior, prior_mu, Y[:k], SE[:k])


@pytest.mark.parametrize(("k", "mean", "sd"), [(3, False, False), (4, True, False), (5, True, True)])
def test_a_moment_that_does_not_exist_is_not_given(k: int, mean: bool, sd: bool) -> None:
    # With a flat tau the posterior falls like tau^-(k - 1): the n-th moment needs k > n + 2.
    found = fitted(ImproperUniform(), y=Y[:k], se=SE[:k])
    for summary in (found.tau, found.theta_new, found.mu):
        assert math.isfinite(summary.mean) is mean
        assert math.isfinite(summary.sd) is sd
        assert math.isfinite(summary.median)
    assert all(math.isfinite(s.sd) for s in found.shrinkage.values())
    assert bool(found.warnings) is not sd
    assert math.isnan(found.log_marginal_likelihood)


def test_every_wrong_contrast_is_named_at_once() -> None:
    with pytest.raises(BadInput) as refused:
        synthesise_pairwise(
            [0.1, math.nan, 0.3], [0.2, 0.1, -0.4], prior_tau=HalfNormal(1.0), names=["a", "b", "c"]
        )
    assert [(f.row, f.column) for f in refused.value.faults] == [(2, "y"), (3, "se")]
    assert "study c: the standard error is -0.4" in str(refused.value)


@pytest.mark.parametrize(
    ("y", "se", "names"),
    [
        ([0.1, 0.2], [0.1], None),
        ([], [], None),
        ([0.1, 0.2], [0.1, 0.1], ["a", "a"]),
        ([0.1], [0.1], ["a", "b"]),
    ],
)
def test_contrasts_that_do_not_match_are_refused(
    y: list[float], se: list[float], names: list[str] | None
) -> None:
    with pytest.raises(WrongUsage):
        synthesise_pairwise(y, se, prior_tau=HalfNormal(1.0), names=names)


def test_an_unknown_quantity_is_answered_with_the_known_ones() -> None:
    with pytest.raises(WrongUsage, match="There are tau, mu, theta_new, 1"):
        fitted(HalfNormal(1.0)).quantile("nu", 0.5)
    with pytest.raises(WrongUsage, match="between 0 and 1"):
        fitted(HalfNormal(1.0)).quantile("mu", 1.0)


def test_a_mixture_of_far_apart_parts_has_the_quantiles_of_its_parts() -> None:
    mixture = NormalMixtures(np.array([0.3, 0.7]), np.array([[-100.0, 100.0]]), np.array([[1.0, 1e-3]]))
    found = mixture.quantile(np.array([0.15, 0.65]))[0]
    assert found == pytest.approx([-100.0, 100.0], abs=1e-6)
    assert mixture.probability(np.array([[0.0]]))[0, 0] == pytest.approx(0.3, abs=1e-15)
