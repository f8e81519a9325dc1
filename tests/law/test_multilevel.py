"""Multilevel models by a second route: dense likelihoods, numerical slopes, and models they contain."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from myopoise.synthesis.frequentist.multilevel import Nested, Outcomes, estimate_multilevel
from myopoise.synthesis.frequentist.multilevel_likelihood import blocks_of, evaluate
from myopoise.synthesis.frequentist.pairwise import estimate_pairwise

rng = np.random.default_rng(20)
DISTRICT = np.repeat(np.arange(9), [2, 3, 3, 4, 1, 5, 2, 3, 4])
V = rng.uniform(0.01, 0.1, len(DISTRICT))
Y = 0.2 + rng.normal(0, 0.4, 9)[DISTRICT] + rng.normal(0, np.sqrt(V + 0.05))

OUTCOME = ["a", "b", "c"] * 10
STUDY = np.repeat(np.arange(10), 3)
ROOT = rng.normal(0, 0.15, (10, 3, 3))
W = np.zeros((30, 30))
for s in range(10):
    W[3 * s : 3 * s + 3, 3 * s : 3 * s + 3] = ROOT[s] @ ROOT[s].T + 0.02 * np.eye(3)
TRUE = np.array([[0.3, 0.15, 0.05], [0.15, 0.2, 0.02], [0.05, 0.02, 0.1]])
Z = np.tile([0.1, 0.4, -0.2], 10) + rng.multivariate_normal(np.zeros(30), W + np.kron(np.eye(10), TRUE))


def dense(y: np.ndarray, sigma: np.ndarray, x: np.ndarray, restricted: bool) -> float:
    inverse = np.linalg.inv(sigma)
    information = x.T @ inverse @ x
    e = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
    value = stats.multivariate_normal(np.zeros(len(y)), sigma).logpdf(e)
    if restricted:
        value += 0.5 * (x.shape[1] * math.log(2 * math.pi) - np.linalg.slogdet(information)[1])
        value += 0.5 * np.linalg.slogdet(x.T @ x)[1]
    return float(value)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_nested_levels_are_at_the_maximum_of_the_dense_likelihood(method: str) -> None:
    found = estimate_multilevel(
        Y, V, random=Nested(("district", "school"), (DISTRICT, range(27))), method=method
    )
    same, x = np.equal.outer(DISTRICT, DISTRICT) * 1.0, np.ones((27, 1))

    def negative(log_variances: np.ndarray) -> float:
        a, b = np.exp(log_variances)
        return -dense(Y, np.diag(V + b) + a * same, x, method == "REML")

    best = minimize(negative, np.log([0.1, 0.1]), method="BFGS", options={"gtol": 1e-8})
    assert list(found.components.values()) == pytest.approx(np.exp(best.x), rel=1e-5)
    value = found.restricted_log_likelihood if method == "REML" else found.log_likelihood
    assert value == pytest.approx(-best.fun, abs=1e-9)


@pytest.mark.parametrize("structure", ["UN", "HCS", "CS", "DIAG"])
def test_three_outcomes_are_at_the_maximum_of_the_dense_likelihood(structure: str) -> None:
    found = estimate_multilevel(Z, W, random=Outcomes(OUTCOME, STUDY, structure))
    x = np.tile(np.eye(3), (10, 1))

    def between(p: np.ndarray) -> np.ndarray:
        if structure == "UN":
            root = np.zeros((3, 3))
            root[np.tril_indices(3)] = p
            return root @ root.T
        sd = np.full(3, p[0]) if structure == "CS" else p[:3]
        rho = 0.0 if structure == "DIAG" else np.tanh(p[-1])
        return np.outer(sd, sd) * (np.full((3, 3), rho) + (1 - rho) * np.eye(3))

    start = {
        "UN": [0.5, 0.1, 0.4, 0.1, 0.1, 0.3],
        "HCS": [0.5, 0.4, 0.3, 0.2],
        "CS": [0.4, 0.2],
        "DIAG": [0.5, 0.4, 0.3],
    }
    best = minimize(
        lambda p: -dense(Z, W + np.kron(np.eye(10), between(p)), x, True),
        start[structure],
        method="BFGS",
        options={"gtol": 1e-7},
    )
    assert found.restricted_log_likelihood == pytest.approx(-best.fun, abs=1e-7)
    variances = [v for n, v in found.components.items() if n.startswith("tau2")]
    expected = np.diag(between(best.x))
    assert variances == pytest.approx(expected[: len(variances)], rel=1e-3)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("structure", ["UN", "HCS", "CS", "DIAG"])
def test_the_score_is_the_slope_of_the_likelihood(structure: str, restricted: bool) -> None:
    blocks = blocks_of(Z, W, np.tile(np.eye(3), (10, 1)), Outcomes(OUTCOME, STUDY, structure))
    at = {
        "UN": [0.3, 0.2, 0.1, 0.2, -0.1, 0.3],
        "HCS": [0.3, 0.2, 0.1, 0.2],
        "CS": [0.2, 0.1],
        "DIAG": [0.3, 0.2, 0.1],
    }
    value = np.array(at[structure])

    def height(x: np.ndarray) -> float:
        found = evaluate(blocks, x, restricted)
        return found.restricted if restricted else found.full

    score = evaluate(blocks, value, restricted).score
    moves = 1e-5 * np.eye(len(value))
    numeric = [(height(value + m) - height(value - m)) / 2e-5 for m in moves]
    assert score == pytest.approx(numeric, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("restricted", [True, False])
def test_the_expected_information_is_that_of_dense_matrices(restricted: bool) -> None:
    random = Nested(("district", "school"), (DISTRICT, range(27)))
    blocks = blocks_of(Y, np.diag(V), np.ones((27, 1)), random)
    parts = [np.equal.outer(DISTRICT, DISTRICT) * 1.0, np.eye(27)]
    w = np.linalg.inv(np.diag(V) + 0.1 * parts[0] + 0.05 * parts[1])
    x = np.ones((27, 1))
    p = w - w @ x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w if restricted else w
    expected = [[0.5 * np.trace(p @ a @ p @ b) for b in parts] for a in parts]
    assert evaluate(blocks, np.array([0.1, 0.05]), restricted).information == pytest.approx(
        np.array(expected), rel=1e-9
    )


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_one_result_a_unit_is_a_plain_meta_analysis(method: str) -> None:
    one = estimate_multilevel(Y, V, random=Nested(("study",), (range(27),)), method=method)
    two = estimate_pairwise(Y, V, tau_estimator=method)
    assert one.components["study"] == pytest.approx(two.tau2, rel=1e-6)
    assert one.coefficients["intercept"].se == pytest.approx(two.effect.se, rel=1e-6)
    assert one.log_likelihood == pytest.approx(two.log_likelihood, abs=1e-9)
    assert one.restricted_log_likelihood == pytest.approx(two.restricted_log_likelihood, abs=1e-9)
    assert one.residual_heterogeneity.q == pytest.approx(two.residual_heterogeneity.q)


def test_uncorrelated_outcomes_are_as_many_meta_analyses() -> None:
    found = estimate_multilevel(Z, np.diag(W), random=Outcomes(OUTCOME, STUDY, "DIAG"), method="ML")
    for place, name in enumerate("abc"):
        alone = estimate_pairwise(Z[place::3], np.diag(W)[place::3], tau_estimator="ML")
        assert found.components[f"tau2 {name}"] == pytest.approx(alone.tau2, rel=1e-5)
        assert found.coefficients[name].estimate == pytest.approx(alone.effect.estimate, rel=1e-5)


def test_the_order_of_results_and_names_of_units_do_not_matter() -> None:
    turn = np.random.default_rng(1).permutation(27)
    one = estimate_multilevel(Y, V, random=Nested(("district", "school"), (DISTRICT, range(27))))
    names = [f"D{d}" for d in DISTRICT[turn]]
    two = estimate_multilevel(Y[turn], V[turn], random=Nested(("district", "school"), (names, turn)))
    assert list(two.components.values()) == pytest.approx(list(one.components.values()), rel=1e-6)
    assert two.robust["intercept"].se == pytest.approx(one.robust["intercept"].se, rel=1e-7)


def test_a_school_number_that_comes_again_in_another_district_is_another_school() -> None:
    again = np.concatenate([np.arange(k) for k in np.bincount(DISTRICT)])
    one, two = (
        estimate_multilevel(Y, V, random=Nested(("district", "school"), (DISTRICT, school)))
        for school in (range(27), again)
    )
    assert two.components == pytest.approx(one.components, rel=1e-9)


def test_the_robust_variance_is_the_sandwich_of_the_districts() -> None:
    found = estimate_multilevel(Y, V, random=Nested(("district", "school"), (DISTRICT, range(27))))
    a, b = found.components.values()
    w = np.linalg.inv(np.diag(V + b) + a * np.equal.outer(DISTRICT, DISTRICT))
    pull = w @ (Y - found.coefficients["intercept"].estimate)
    meat = sum(pull[d == DISTRICT].sum() ** 2 for d in range(9))
    assert found.robust["intercept"].se == pytest.approx(math.sqrt(9 / 8 * meat) / w.sum(), rel=1e-9)


def test_profile_intervals_end_where_the_likelihood_has_fallen_by_half_a_quantile() -> None:
    random = Nested(("district", "school"), (DISTRICT, range(27)))
    found = estimate_multilevel(Y, V, random=random, intervals=True)
    same, x = np.equal.outer(DISTRICT, DISTRICT) * 1.0, np.ones((27, 1))
    for end in found.intervals["district"]:
        inner = minimize(
            lambda b, end=end: -dense(Y, np.diag(V + b[0] ** 2) + end * same, x, True), [0.2], method="BFGS"
        )
        drop = 2 * (found.restricted_log_likelihood + inner.fun)
        assert drop == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-4)
