"""Rare events by a second route: enumeration, brute-force integrals and likelihoods, symmetries."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize
from scipy.special import comb, expit, gammaln

from myopoise.synthesis.frequentist.hypergeometric import non_central
from myopoise.synthesis.frequentist.maximising import maximise
from myopoise.synthesis.frequentist.rare import TwoArms, estimate_mantel_haenszel, estimate_peto, two_arms
from myopoise.synthesis.frequentist.rare_mixed import estimate_mixed
from myopoise.synthesis.frequentist.rare_network import estimate_rare_network
from myopoise.synthesis.frequentist.rare_network_fits import (
    CountArms,
    fit_mantel_haenszel,
    fit_penalised,
)
from myopoise.synthesis.frequentist.rare_network_likelihoods import fit_conditional
from myopoise.synthesis.studies.values import Arms, Outcome, Studies


def drawn(seed: int, k: int = 8, tau: float = 0.5) -> TwoArms:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(20, 120, k), rng.integers(20, 120, k)
    logit = rng.normal(-2.3, 0.5, k)
    log_odds = rng.normal(-0.4, tau, k)
    return two_arms(rng.binomial(n, expit(logit + log_odds)), n, rng.binomial(m, expit(logit)), m)


def swapped(t: TwoArms) -> TwoArms:
    return TwoArms(t.events_control, t.n_control, t.events, t.n)


# --- tables ----------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["OR", "RR", "RD"]))
def test_naming_the_other_arm_the_treated_one_turns_the_sign(seed: int, measure: str) -> None:
    one, two = (estimate_mantel_haenszel(t, measure=measure) for t in (drawn(seed), swapped(drawn(seed))))
    assert two.effect.estimate == pytest.approx(-one.effect.estimate, rel=1e-9)
    assert two.effect.se == pytest.approx(one.effect.se, rel=1e-9)


def test_one_table_by_mantel_haenszel_has_woolfs_variance() -> None:
    found = estimate_mantel_haenszel(two_arms([7], [50], [12], [60])).effect
    assert found.estimate == pytest.approx(math.log(7 * 48 / (43 * 12)))
    assert found.se**2 == pytest.approx(1 / 7 + 1 / 43 + 1 / 12 + 1 / 48)


def test_one_table_by_mantel_haenszel_has_the_usual_risk_ratio_and_difference() -> None:
    tables = two_arms([7], [50], [12], [60])
    ratio, difference = (estimate_mantel_haenszel(tables, measure=m).effect for m in ("RR", "RD"))
    assert ratio.estimate == pytest.approx(math.log((7 / 50) / (12 / 60)))
    assert ratio.se**2 == pytest.approx(1 / 7 - 1 / 50 + 1 / 12 - 1 / 60)
    assert difference.estimate == pytest.approx(7 / 50 - 12 / 60)


def test_doubling_every_table_halves_the_variance_of_peto() -> None:
    tables = drawn(1)
    twice = TwoArms(
        *(np.tile(x, 2) for x in (tables.events, tables.n, tables.events_control, tables.n_control))
    )
    one, two = estimate_peto(tables).effect, estimate_peto(twice).effect
    assert (two.estimate, two.se**2) == pytest.approx((one.estimate, one.se**2 / 2))


def test_petos_variance_is_that_of_the_central_hypergeometric_distribution() -> None:
    tables = two_arms([3], [40], [9], [35])
    central = stats.hypergeom(75, 12, 40)
    found = estimate_peto(tables).effect
    assert found.se**-2 == pytest.approx(central.var())
    assert found.estimate == pytest.approx((3 - central.mean()) / central.var())


def test_the_variance_of_mantel_haenszel_covers() -> None:
    rng = np.random.default_rng(3)
    n, m = np.full(30, 25), np.full(30, 50)
    logit = rng.normal(-2.5, 0.7, 30)
    hits = 0
    for _ in range(1000):
        tables = two_arms(rng.binomial(n, expit(logit + 0.6)), n, rng.binomial(m, expit(logit)), m)
        effect = estimate_mantel_haenszel(tables).effect
        hits += effect.low <= 0.6 <= effect.high
    assert abs(hits / 1000 - 0.95) < 3.5 * math.sqrt(0.95 * 0.05 / 1000)


# --- the conditional distribution ------------------------------------------------------------------------


@pytest.mark.parametrize("log_odds", [-3.0, 0.0, 1.3])
def test_non_central_hypergeometric_agrees_with_scipy(log_odds: float) -> None:
    tables = drawn(4)
    value, slope, bend = non_central(tables)(np.full(len(tables), log_odds))
    for place in range(len(tables)):
        a, n, c, m = (x[place] for x in (tables.events, tables.n, tables.events_control, tables.n_control))
        other = stats.nchypergeom_fisher(n + m, n, a + c, math.exp(log_odds))
        assert value[place] == pytest.approx(other.logpmf(a), rel=1e-8)
        assert slope[place] == pytest.approx(a - other.mean(), rel=1e-7, abs=1e-9)
        assert -bend[place] == pytest.approx(other.var(), rel=1e-6, abs=1e-9)


def test_probabilities_of_all_tables_with_the_same_margins_add_up() -> None:
    n, m, total = 12, 9, 10
    likelihoods = [
        math.exp(non_central(two_arms([a], [n], [total - a], [m]))(np.array([0.8]))[0][0])
        for a in range(max(0, total - m), min(n, total) + 1)
    ]
    assert sum(likelihoods) == pytest.approx(1.0, rel=1e-12)


# --- mixed models ----------------------------------------------------------------------------------------


def brute(model: str, tables: TwoArms, theta: float, tau: float) -> float:
    """Log likelihood of a conditional model by the trapezoidal rule over the effect, and by listing tables."""
    effect = theta + tau * np.linspace(-9.0, 9.0, 721)
    weight = stats.norm.pdf(effect, theta, tau) * tau * 18.0 / 720
    whole = 0.0
    for a, n, c, m in zip(tables.events, tables.n, tables.events_control, tables.n_control, strict=True):
        x = np.arange(max(0.0, a + c - m), min(n, a + c) + 1)
        ways = comb(n, x) * comb(m, a + c - x)
        exact = comb(n, a) * comb(m, c) / (ways @ np.exp((x - a)[:, None] * effect))
        chance = exact if model == "CM.EL" else stats.binom.pmf(a, a + c, expit(math.log(n / m) + effect))
        whole += math.log(weight @ chance)
    return whole


@pytest.mark.parametrize("model", ["CM.EL", "CM.AL"])
def test_conditional_models_are_at_the_maximum_of_a_brute_force_sum(model: str) -> None:
    tables = drawn(6, k=5, tau=1.2)
    found = estimate_mixed(tables, model=model)
    theta, tau = found.effect.estimate, math.sqrt(found.tau2)
    assert tau > 0.1
    height = brute(model, tables, theta, tau)
    assert found.log_likelihood == pytest.approx(height, abs=1e-7)
    for step in (-0.02, 0.02):
        assert brute(model, tables, theta + step, tau) < height
        assert brute(model, tables, theta, tau + step) < height


def test_the_standard_error_of_a_mixed_model_is_that_of_the_observed_information() -> None:
    tables = drawn(6, k=5, tau=1.2)
    found = estimate_mixed(tables, model="CM.AL")
    at, h = np.array([found.effect.estimate, math.sqrt(found.tau2)]), 0.01
    moves = np.eye(2) * h

    def value(x: np.ndarray) -> float:
        return brute("CM.AL", tables, *x)

    hessian = [
        [
            sum(s * t * value(at + s * moves[i] + t * moves[j]) for s in (1, -1) for t in (1, -1))
            / (4 * h * h)
            for j in range(2)
        ]
        for i in range(2)
    ]
    assert found.effect.se == pytest.approx(math.sqrt(np.linalg.inv(-np.array(hessian))[0, 0]), rel=2e-3)


def test_own_intercepts_are_at_the_maximum_over_all_of_them() -> None:
    tables = drawn(8, k=4)
    found = estimate_mixed(tables, model="UM.FS")
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()

    def negative(x: np.ndarray) -> float:
        t = x[0] + x[1] * nodes
        whole = 0.0
        for place, middle in enumerate(x[2:]):
            a, n, c, m = (
                y[place] for y in (tables.events, tables.n, tables.events_control, tables.n_control)
            )
            chance = stats.binom.pmf(a, n, expit(middle + t / 2)) * stats.binom.pmf(
                c, m, expit(middle - t / 2)
            )
            whole += math.log(weights @ chance)
        return -whole

    best = minimize(negative, [-0.4, 0.5, *np.full(4, -2.0)], method="BFGS", options={"gtol": 1e-7})
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    assert found.effect.estimate == pytest.approx(best.x[0], abs=1e-4)
    assert found.tau2 == pytest.approx(best.x[1] ** 2, rel=1e-3, abs=1e-6)


def test_random_intercepts_are_at_the_maximum_of_a_two_dimensional_sum() -> None:
    tables = drawn(9, k=5)
    found = estimate_mixed(tables, model="UM.RS")
    nodes, weights = np.polynomial.hermite_e.hermegauss(50)
    b, u = (x.ravel() for x in np.meshgrid(nodes, nodes))
    share = np.outer(weights, weights).ravel() / weights.sum() ** 2

    def negative(x: np.ndarray) -> float:
        t, middle = x[0] + x[1] * b, x[2] + x[3] * u
        whole = 0.0
        for a, n, c, m in zip(tables.events, tables.n, tables.events_control, tables.n_control, strict=True):
            chance = stats.binom.pmf(a, n, expit(middle + t / 2)) * stats.binom.pmf(
                c, m, expit(middle - t / 2)
            )
            whole += math.log(share @ chance)
        return -whole

    best = minimize(negative, [-0.4, 0.5, -2.0, 0.5], method="BFGS", options={"gtol": 1e-7})
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    assert found.effect.estimate == pytest.approx(best.x[0], abs=1e-4)
    assert found.sigma2 == pytest.approx(best.x[3] ** 2, rel=1e-3)


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL", "CM.AL"])
def test_mixed_models_do_not_care_which_arm_is_treated(model: str) -> None:
    one, two = (estimate_mixed(t, model=model) for t in (drawn(10, k=5), swapped(drawn(10, k=5))))
    assert two.effect.estimate == pytest.approx(-one.effect.estimate, abs=1e-5)
    assert (two.tau2, two.effect.se) == pytest.approx((one.tau2, one.effect.se), abs=1e-5)


def test_a_maximum_is_found_from_far_away() -> None:
    found = maximise(
        lambda x: -float(np.logaddexp(x[0], -x[0]) + 3 * (x[1] - x[0]) ** 2),
        np.array([4.0, -3.0]),
        np.ones(2),
    )
    assert found.converged
    assert found.at == pytest.approx([0.0, 0.0], abs=1e-6)


# --- networks --------------------------------------------------------------------------------------------


def network(seed: int, designs: tuple[tuple[int, ...], ...], rate: float = 0.15, size: int = 40) -> CountArms:
    rng = np.random.default_rng(seed)
    effect = np.array([0.0, -0.5, 0.3, 0.6])
    study = np.repeat(np.arange(len(designs)), [len(d) for d in designs])
    treatment = np.concatenate([np.array(d) for d in designs])
    n = rng.integers(size, 2 * size, len(study)).astype(float)
    logit = math.log(rate) + rng.normal(0, 0.3, len(designs))
    return CountArms(
        study, treatment, rng.binomial(n.astype(int), expit(logit[study] + effect[treatment])) * 1.0, n
    )


def studies(arms: CountArms, names: tuple[str, ...]) -> Studies:
    held = Arms(Outcome.BINOMIAL, arms.study, arms.treatment, events=arms.events, n=arms.n)
    return Studies(tuple(f"study {k}" for k in range(arms.studies)), names, held)


def test_a_network_of_one_comparison_is_the_pairwise_mantel_haenszel() -> None:
    arms = network(1, ((0, 1),) * 6)
    pairwise = estimate_mantel_haenszel(
        two_arms(arms.events[1::2], arms.n[1::2], arms.events[::2], arms.n[::2])
    ).effect
    found = estimate_rare_network(studies(arms, ("a", "b")), reference="a").relative_effects["b", "a"]
    assert (found.estimate, found.se) == pytest.approx((pairwise.estimate, pairwise.se), rel=1e-10)


@pytest.mark.parametrize("method", ["MH", "NCH", "conditional", "penalised", "inverse"])
def test_neither_the_reference_nor_the_order_of_arms_matters(method: str) -> None:
    arms = network(2, ((0, 1), (0, 1, 2), (0, 1, 2), (1, 2, 3), (1, 3), (0, 3)))
    turned = CountArms(arms.study, 3 - arms.treatment, arms.events, arms.n)
    one = estimate_rare_network(studies(arms, ("a", "b", "c", "d")), reference="a", method=method)
    two = estimate_rare_network(studies(turned, ("d", "c", "b", "a")), reference="c", method=method)
    for pair, found in one.relative_effects.items():
        other = two.relative_effects[pair]
        assert (found.estimate, found.se) == pytest.approx((other.estimate, other.se), rel=1e-7, abs=1e-9)
    assert sum(one.p_scores.values()) == pytest.approx(4 / 2)


def test_the_covariance_within_a_design_of_three_arms_covers() -> None:
    # 40 small studies of the same three arms: the standard errors say how much the estimates vary.
    found = [fit_mantel_haenszel(network(seed, ((0, 1, 2),) * 40, 0.1, 15)) for seed in range(400)]
    effects = np.array([f.effects[1:] for f in found])
    said = np.mean([f.covariance[1:, 1:] for f in found], axis=0)
    seen = np.cov(effects.T)
    assert seen == pytest.approx(said, rel=0.25)


def test_one_study_of_three_arms_by_mantel_haenszel_is_its_own_odds() -> None:
    arms = CountArms(np.zeros(3, int), np.arange(3), np.array([5.0, 8.0, 3.0]), np.array([40.0, 50.0, 30.0]))
    found = fit_mantel_haenszel(arms)
    odds = np.log(arms.events / (arms.n - arms.events))
    variance = 1 / arms.events + 1 / (arms.n - arms.events)
    assert found.effects == pytest.approx(odds - odds[0])
    assert found.covariance[1:, 1:] == pytest.approx(np.diag(variance[1:]) + variance[0])


def enumerated(arms: CountArms, theta: np.ndarray) -> float:
    """Exact conditional log likelihood by listing all tables with the margins of each study."""

    def log_ways(n: np.ndarray, r: np.ndarray) -> float:
        return float((gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1)).sum())

    whole = 0.0
    for study in range(arms.studies):
        here = arms.study == study
        r, n, t = arms.events[here], arms.n[here], theta[arms.treatment[here]]
        total = int(r.sum())
        terms = []
        for first in itertools.product(*(range(min(total, int(size)) + 1) for size in n[:-1])):
            last = total - sum(first)
            if 0 <= last <= n[-1]:
                x = np.array([*first, last], dtype=float)
                terms.append(log_ways(n, x) + x @ t)
        whole += log_ways(n, r) + r @ t - np.logaddexp.reduce(terms)
    return whole


def test_the_exact_conditional_network_is_at_the_maximum_over_listed_tables() -> None:
    arms = network(3, ((0, 1), (0, 1, 2), (1, 2), (0, 2)), rate=0.2, size=12)
    found = fit_conditional(arms)
    best = minimize(
        lambda x: -enumerated(arms, np.array([0.0, *x])), [0.0, 0.0], method="BFGS", options={"gtol": 1e-7}
    )
    assert found.effects[1:] == pytest.approx(best.x, abs=1e-5)
    h, numeric = 1e-3, np.zeros((2, 2))
    for i, j in itertools.product(range(2), repeat=2):
        for s, t in itertools.product((1, -1), repeat=2):
            at = found.effects.copy()
            at[1 + i] += s * h
            at[1 + j] += t * h
            numeric[i, j] -= s * t * enumerated(arms, at) / (4 * h * h)
    assert found.covariance[1:, 1:] == pytest.approx(np.linalg.inv(numeric), rel=1e-4)


def test_a_table_with_a_thousand_events_keeps_its_digits() -> None:
    tables = two_arms([700], [9000], [500], [8800])
    arms = CountArms(np.zeros(2, int), np.arange(2), np.array([500.0, 700.0]), np.array([8800.0, 9000.0]))
    found = fit_conditional(arms)
    _, slope, bend = non_central(tables)(found.effects[1:])
    assert slope[0] == pytest.approx(0.0, abs=1e-6)
    assert found.covariance[1, 1] == pytest.approx(-1 / bend[0], rel=1e-8)


def test_firths_regression_is_at_the_maximum_of_the_penalised_likelihood() -> None:
    arms = network(4, ((0, 1), (0, 1, 2), (1, 2), (0, 2)), rate=0.03, size=20)
    design = np.column_stack(
        [np.eye(arms.studies)[arms.study], *((arms.treatment == t).astype(float) for t in (1, 2))]
    )

    def negative(x: np.ndarray) -> float:
        eta = design @ x
        p = expit(eta)
        information = design.T @ (design * (arms.n * p * (1 - p))[:, None])
        likelihood = arms.events @ eta - arms.n @ np.logaddexp(0, eta)
        return -float(likelihood + 0.5 * np.linalg.slogdet(information)[1])

    best = minimize(
        negative, np.append(np.full(arms.studies, -3.0), [0, 0]), method="BFGS", options={"gtol": 1e-8}
    )
    assert (arms.events == 0).any()
    assert fit_penalised(arms).effects[1:] == pytest.approx(best.x[-2:], abs=1e-5)


def test_firths_regression_of_one_table_adds_half_to_each_cell() -> None:
    arms = CountArms(np.zeros(2, int), np.arange(2), np.array([0.0, 3.0]), np.array([20.0, 22.0]))
    found = fit_penalised(arms)
    assert found.effects[1] == pytest.approx(math.log(3.5 / 19.5) - math.log(0.5 / 20.5), rel=1e-9)
