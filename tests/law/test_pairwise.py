"""Pairwise meta-analysis by a second route: dense matrices, brute-force likelihoods, other libraries, symmetries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq, minimize_scalar
from scipy.special import chdtri

from myopoise.synthesis.frequentist.influence import estimate_influence
from myopoise.synthesis.frequentist.intervals import (
    generalised_q_interval,
    q_profile_interval,
    sum_of_chi2_below,
)
from myopoise.synthesis.frequentist.pairwise import estimate_pairwise
from myopoise.synthesis.frequentist.pairwise_heterogeneity import estimate_pairwise_tau2
from myopoise.synthesis.frequentist.pairwise_regression import Regression, regression_of
from myopoise.synthesis.frequentist.small_study_pairwise import (
    begg_test,
    egger_test,
    peters_test,
    trim_and_fill,
)

ESTIMATORS = ("DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "GENQ")
MOMENTS = ("DL", "HE", "HS", "HSk", "SJ", "GENQ")


def drawn(seed: int, k: int = 12, covariates: int = 0) -> Regression:
    rng = np.random.default_rng(seed)
    v = rng.gamma(2.0, 0.1, k) + 0.01
    columns = {f"x{j}": rng.normal(50.0, 10.0, k) for j in range(covariates)}
    y = 0.3 + rng.normal(0.0, np.sqrt(v + 0.2)) + sum(0.02 * x for x in columns.values())
    return regression_of(y, v, columns)


def dense_log_likelihood(r: Regression, tau2: float, restricted: bool) -> float:
    k, p = r.design.shape
    sigma = np.diag(r.v + tau2)
    inverse = np.linalg.inv(sigma)
    information = r.design.T @ inverse @ r.design
    b = np.linalg.solve(information, r.design.T @ inverse @ r.y)
    e = r.y - r.design @ b
    value = -0.5 * (k * math.log(2 * math.pi) + np.linalg.slogdet(sigma)[1] + e @ inverse @ e)
    if restricted:
        value += 0.5 * p * math.log(2 * math.pi)
        value += 0.5 * (np.linalg.slogdet(r.design.T @ r.design)[1] - np.linalg.slogdet(information)[1])
    return float(value)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize(("seed", "covariates"), [(1, 0), (2, 0), (3, 1), (4, 2)])
def test_likelihood_estimates_are_where_a_brute_force_search_finds_the_maximum(
    seed: int, covariates: int, restricted: bool
) -> None:
    r = drawn(seed, covariates=covariates)
    found = minimize_scalar(
        lambda t: -dense_log_likelihood(r, t, restricted),
        bounds=(0.0, 5.0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    tau2, _ = estimate_pairwise_tau2(r, "REML" if restricted else "ML")
    assert tau2 == pytest.approx(found.x, abs=2e-6)
    assert dense_log_likelihood(r, tau2, restricted) >= -found.fun - 1e-10


def test_the_higher_of_two_maxima_of_the_likelihood_is_taken() -> None:
    # Two precise studies that agree and two vague ones that do not: the likelihood rises at zero and again further out.
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(80):
        v = 10.0 ** rng.uniform(-4, 1, 5)
        r = regression_of(rng.normal(0.0, np.sqrt(v + 0.3)), v)
        tau2, _ = estimate_pairwise_tau2(r, "ML")
        grid = np.concatenate([[0.0], np.geomspace(1e-6, 50.0, 150)])
        values = np.array([dense_log_likelihood(r, t, False) for t in grid])
        tops = ((values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])).sum() + (values[0] > values[1])
        seen += tops > 1
        assert dense_log_likelihood(r, tau2, False) >= values.max() - 1e-9
    assert seen > 0


@pytest.mark.parametrize("covariates", [0, 2])
@pytest.mark.parametrize("estimator", MOMENTS)
def test_moment_estimators_and_their_standard_errors_follow_from_dense_matrices(
    estimator: str, covariates: int
) -> None:
    r = drawn(5, covariates=covariates)
    k, p = r.design.shape
    first = float(np.mean((r.y - r.y.mean()) ** 2))
    a = np.diag({"HE": np.ones(k), "SJ": 1 / (r.v + first)}.get(estimator, 1 / r.v))
    m = a - a @ r.design @ np.linalg.inv(r.design.T @ a @ r.design) @ r.design.T @ a
    q = r.y @ m @ r.y
    v = np.diag(r.v)
    scale, raw = {
        "HS": (1 / np.trace(a), (q - k) / np.trace(a)),
        "HSk": (k / (k - p) / np.trace(a), (k / (k - p) * q - k) / np.trace(a)),
        "SJ": (first / (k - p), first * q / (k - p)),
    }.get(estimator, (1 / np.trace(m), (q - np.trace(m @ v)) / np.trace(m)))
    expected = max(0.0, raw)
    sigma = v + expected * np.eye(k)
    tau2, se = estimate_pairwise_tau2(r, estimator)
    assert tau2 == pytest.approx(expected, rel=1e-10, abs=1e-12)
    assert se == pytest.approx(scale * math.sqrt(2 * np.trace(m @ sigma @ m @ sigma)), rel=1e-9)


def test_a_generalised_q_with_other_weights_is_unbiased() -> None:
    # E[tau2] over replicates, without the truncation at zero: heterogeneity is far from zero here.
    rng = np.random.default_rng(7)
    v = rng.uniform(0.01, 0.05, 15)
    weights = 1 / (v + 0.5)
    draws = [
        estimate_pairwise_tau2(regression_of(rng.normal(0.0, np.sqrt(v + 2.0)), v), "GENQ", weights)[0]
        for _ in range(2000)
    ]
    assert np.mean(draws) == pytest.approx(2.0, abs=4 * np.std(draws) / math.sqrt(2000))


@pytest.mark.parametrize(
    ("estimator", "target"), [("PM", 11.0), ("EB", 11.0), ("PMM", float(chdtri(11, 0.5)))]
)
def test_paule_mandel_makes_q_equal_to_its_expectation_or_median(estimator: str, target: float) -> None:
    r = drawn(8)
    tau2, _ = estimate_pairwise_tau2(r, estimator)
    w = 1 / (r.v + tau2)
    assert w @ (r.y - w @ r.y / w.sum()) ** 2 == pytest.approx(target, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(ESTIMATORS), st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_units_and_origin_of_the_effect_do_not_matter(
    seed: int, estimator: str, scale: float, shift: float
) -> None:
    r = drawn(seed, k=8)
    one = estimate_pairwise(r.y, r.v, tau_estimator=estimator, test="knha")
    two = estimate_pairwise(scale * r.y + shift, scale**2 * r.v, tau_estimator=estimator, test="knha")
    assert two.tau2 == pytest.approx(scale**2 * one.tau2, rel=1e-6, abs=1e-9 * scale**2)
    assert two.effect.estimate == pytest.approx(
        scale * one.effect.estimate + shift, rel=1e-6, abs=1e-6 * scale
    )
    assert two.effect.se == pytest.approx(scale * one.effect.se, rel=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_order_of_studies_does_not_matter(estimator: str) -> None:
    r = drawn(9)
    turn = np.random.default_rng(1).permutation(len(r.y))
    one, two = (
        estimate_pairwise(y, v, tau_estimator=estimator) for y, v in ((r.y, r.v), (r.y[turn], r.v[turn]))
    )
    assert two.effect.estimate == pytest.approx(one.effect.estimate, rel=1e-12)
    assert two.weights == pytest.approx(one.weights[turn], rel=1e-9)


def test_equal_variances_give_the_sample_variance() -> None:
    y = np.array([0.1, 0.9, 1.7, 0.2, 2.4])
    for estimator in ("DL", "HE", "PM", "REML"):
        assert estimate_pairwise(y, np.full(5, 0.1), tau_estimator=estimator).tau2 == pytest.approx(
            y.var(ddof=1) - 0.1, rel=1e-9
        )


def test_with_equal_variances_hartung_and_knapp_is_the_one_sample_t_test() -> None:
    y = np.array([0.1, 0.9, 1.7, 0.2, 2.4])
    found = estimate_pairwise(y, np.full(5, 0.1), test="knha")
    other = stats.ttest_1samp(y, 0.0)
    low, high = other.confidence_interval(0.95)
    assert found.effect.p_value == pytest.approx(other.pvalue, rel=1e-9)
    assert (found.effect.low, found.effect.high) == pytest.approx((low, high), rel=1e-9)


def test_the_ad_hoc_test_is_never_shorter() -> None:
    for seed in range(30):
        r = drawn(seed, k=5)
        z, full, adhoc = (estimate_pairwise(r.y, r.v, test=t).effect for t in ("z", "knha", "adhoc"))
        assert adhoc.se == pytest.approx(max(z.se, full.se), rel=1e-12)


def test_q_profile_ends_are_where_q_is_at_its_quantiles() -> None:
    r = drawn(10, k=20)
    low, high = q_profile_interval(r)
    for tau2, probability in ((low, 0.975), (high, 0.025)):
        w = 1 / (r.v + tau2)
        q = w @ (r.y - w @ r.y / w.sum()) ** 2
        assert stats.chi2.cdf(q, 19) == pytest.approx(probability, rel=1e-9)


def test_generalised_q_with_the_right_weights_is_the_q_profile_end() -> None:
    # With weights 1 / (v + tau2) at the end of the Q-profile interval, Q is chi-squared there.
    r = drawn(11, k=15)
    low, high = q_profile_interval(r)
    assert generalised_q_interval(r, 1 / (r.v + low))[0] == pytest.approx(low, rel=1e-7)
    assert generalised_q_interval(r, 1 / (r.v + high))[1] == pytest.approx(high, rel=1e-7)


@pytest.mark.parametrize("count", [1, 2, 3, 17, 400])
@pytest.mark.parametrize("probability", [1e-6, 0.025, 0.5, 0.975, 1 - 1e-6])
def test_a_sum_of_equal_chi_squared_variables_is_chi_squared(count: int, probability: float) -> None:
    q = stats.chi2.ppf(probability, count) * 0.7
    assert sum_of_chi2_below(q, np.full(count, 0.7)) == pytest.approx(probability, abs=1e-12)


@pytest.mark.parametrize("q", [0.01, 0.5, 3.0, 40.0])
def test_pairs_of_chi_squared_variables_are_a_mixture_of_exponentials(q: float) -> None:
    # Two equal weights make an exponential variable of mean 2 l; sums of those with different means are in closed form.
    means = 2.0 * np.array([3.0, 0.8, 0.05])
    shares = [np.prod([m / (m - other) for other in means if other != m]) for m in means]
    expected = 1 - sum(share * math.exp(-q / m) for share, m in zip(shares, means, strict=True))
    assert sum_of_chi2_below(q, np.repeat(means / 2, 2)) == pytest.approx(expected, abs=1e-12)


def test_prediction_adds_the_variance_between_studies() -> None:
    r = drawn(12)
    found = estimate_pairwise(r.y, r.v)
    half = 0.5 * (found.prediction_riley[1] - found.prediction_riley[0])
    assert half == pytest.approx(stats.t.ppf(0.975, 12 - 2) * math.sqrt(found.effect.se**2 + found.tau2))


# --- influence -------------------------------------------------------------------------------------------


def test_influence_is_what_refitting_without_the_study_shows() -> None:
    r = drawn(13, k=10, covariates=1)
    found = estimate_influence(r.y, r.v, covariates={"x": r.design[:, 1]})
    for study in range(10):
        kept = np.arange(10) != study
        other = estimate_pairwise(r.y[kept], r.v[kept], covariates={"x": r.design[kept, 1]})
        b = np.array([c.estimate for c in other.coefficients.values()])
        whole = np.array([c.estimate for c in found.whole.coefficients.values()])
        x = r.design[study]
        residual = (r.y[study] - x @ b) / math.sqrt(r.v[study] + other.tau2 + x @ other.covariance @ x)
        assert found.deleted_residuals[study] == pytest.approx(residual, rel=1e-9)
        distance = (whole - b) @ np.linalg.inv(found.whole.covariance) @ (whole - b)
        assert found.cooks_distance[study] == pytest.approx(distance, rel=1e-7)
        ratio = np.linalg.det(other.covariance) / np.linalg.det(found.whole.covariance)
        assert found.covariance_ratio[study] == pytest.approx(ratio, rel=1e-9)
        hat = x @ found.whole.covariance @ x / (r.v[study] + found.whole.tau2)
        scale = math.sqrt(hat * (r.v[study] + other.tau2))
        assert found.dffits[study] == pytest.approx(x @ (whole - b) / scale, rel=1e-7)


def test_leverage_is_how_far_a_study_moves_its_own_fitted_value() -> None:
    r = drawn(14, covariates=1)
    hat = estimate_influence(r.y, r.v, covariates={"x": r.design[:, 1]}, tau_estimator="EE").hat
    assert hat.sum() == pytest.approx(2.0)
    moved = r.y + np.eye(12)[3]
    fitted = [regression_of(y, r.v, {"x": r.design[:, 1]}).common.coefficients for y in (r.y, moved)]
    assert hat[3] == pytest.approx(r.design[3] @ (fitted[1] - fitted[0]), rel=1e-8)


def test_best_predictions_are_posterior_means_of_the_studies() -> None:
    r = drawn(15)
    found = estimate_influence(r.y, r.v)
    tau2, k = found.whole.tau2, 12
    # Normal theory with a flat mean: y and theta jointly normal.
    between, within = tau2 * np.eye(k) + 1e5, np.diag(r.v)
    gain = between @ np.linalg.inv(between + within)
    assert [p.estimate for p in found.predictions] == pytest.approx((gain @ r.y).tolist(), abs=1e-5)
    spread = np.diag(between - gain @ between)
    assert [p.se for p in found.predictions] == pytest.approx(np.sqrt(spread).tolist(), rel=1e-4)


# --- small studies ---------------------------------------------------------------------------------------


def test_eggers_test_is_his_regression_of_standardised_effects_on_precision() -> None:
    r = drawn(16)
    se = np.sqrt(r.v)
    line = stats.linregress(1 / se, r.y / se)
    found = egger_test(r.y, r.v, model="multiplicative")
    # His intercept is our slope, his slope our effect in a study of infinite size.
    assert found.slope.estimate == pytest.approx(line.intercept, rel=1e-9)
    assert found.slope.se == pytest.approx(line.intercept_stderr, rel=1e-9)
    assert found.limit.estimate == pytest.approx(line.slope, rel=1e-9)


def test_peters_test_is_weighted_least_squares() -> None:
    r = drawn(17)
    rng = np.random.default_rng(2)
    n = rng.integers(40, 900, 12)
    events = rng.binomial(n, 0.2)
    root = np.sqrt(events * (n - events) / n)
    x = np.column_stack([root, root / n])
    b, rest, *_ = np.linalg.lstsq(x, root * r.y, rcond=None)
    se = math.sqrt(rest[0] / 10 * np.linalg.inv(x.T @ x)[1, 1])
    found = peters_test(r.y, r.v, n, events=events)
    assert found.slope.estimate == pytest.approx(b[1], rel=1e-8)
    assert found.slope.se == pytest.approx(se, rel=1e-8)
    assert found.slope.p_value == pytest.approx(2 * stats.t.sf(abs(b[1] / se), 10), rel=1e-8)


@pytest.mark.parametrize("tied", [False, True])
def test_beggs_test_is_kendalls(tied: bool) -> None:
    r = drawn(18, k=14)
    v = np.round(r.v, 1) + 0.05 if tied else r.v
    y = r.y - 1 / v @ r.y / (1 / v).sum()
    other = stats.kendalltau(y / np.sqrt(v - 1 / (1 / v).sum()), v, method="asymptotic" if tied else "exact")
    found = begg_test(r.y, v)
    assert found.exact is not tied
    assert (found.tau, found.p_value) == pytest.approx((other.statistic, other.pvalue), rel=1e-9)


def test_a_symmetric_funnel_is_left_as_it_is() -> None:
    y = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    found = trim_and_fill(y, np.abs(y) + 0.1, side="left")
    assert found.missing == 0
    assert found.estimate.effect.estimate == pytest.approx(0.0, abs=1e-12)


def test_mirrored_studies_are_filled_in_on_the_other_side() -> None:
    y = np.array([0.0, 0.1, -0.1, 0.2, 0.6, 1.1, 1.5, 2.2, 1.9])
    v = np.array([0.01, 0.02, 0.02, 0.05, 0.2, 0.4, 0.6, 0.9, 0.8])
    one, two = trim_and_fill(y, v, side="left"), trim_and_fill(-y, v, side="right")
    assert one.missing == two.missing > 0
    assert one.estimate.effect.estimate == pytest.approx(-two.estimate.effect.estimate, rel=1e-9)
    centre = estimate_pairwise(np.sort(y)[: -one.missing], v[np.argsort(y)][: -one.missing]).effect.estimate
    assert np.sort(one.y) == pytest.approx(np.sort(2 * centre - np.sort(y)[-one.missing :]), rel=1e-9)


def test_brent_and_newton_agree_on_the_paule_mandel_root() -> None:
    r = drawn(20, covariates=2)
    root = brentq(lambda t: r.at(t).q - r.df, 0.0, 10.0, xtol=1e-14) if r.common.q > r.df else 0.0
    assert estimate_pairwise_tau2(r, "PM")[0] == pytest.approx(root, abs=1e-10)
