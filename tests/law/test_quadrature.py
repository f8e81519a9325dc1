"""The likelihood with study and arm terms integrated out, by a second route each time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from myopoise.synthesis.latent import Comparisons, LatentModel, Variances
from myopoise.synthesis.likelihoods import BinomialCounts, NormalMeans
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.arms import ArmResult, network_model
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.quadrature import log_marginal_likelihood

TAU = np.array([[0.4]])


def two_arms(
    events: tuple[int, int], n: tuple[int, int], link: Link, baseline_sd: float = 1.0
) -> LatentModel:
    return network_model(
        [ArmResult("one", "placebo", events[0], n[0]), ArmResult("one", "drug", events[1], n[1])],
        reference="placebo",
        heterogeneity=HalfNormal(1.0),
        treatment=Normal(0.0, 2.0),
        baseline=Normal(0.0, baseline_sd),
        link=link,
    )


def by_brute_force(model: LatentModel, x: float, tau: float) -> float:
    """Sums over fine grids of u and of each w, from the formula alone."""
    counts = model.likelihood
    assert isinstance(counts, BinomialCounts)
    cdf = {
        Link.PROBIT: stats.norm.cdf,
        Link.LOGIT: stats.logistic.cdf,
        Link.CLOGLOG: lambda eta: 1.0 - np.exp(-np.exp(eta)),
    }[counts.link]
    u, w = np.linspace(-8.0, 8.0, 1601)[:, None], np.linspace(-8.0, 8.0, 401) * tau / np.sqrt(2.0)
    product = stats.norm.pdf(u[:, 0], 0.0, float(np.sqrt(model.study_variance.constant[0])))
    for offset, events, n in zip(model.design[:, 0] * x, counts.events, counts.n, strict=True):
        p = cdf(offset + u + w)
        likelihood = p**events * (1 - p) ** (n - events)
        product = product * (likelihood * stats.norm.pdf(w, 0.0, tau / np.sqrt(2.0))).sum(1) * (w[1] - w[0])
    return float(np.log(product.sum() * 0.01))


@pytest.mark.parametrize("link", [link for link in Link if link.of_probability])
@pytest.mark.parametrize(
    ("events", "n"), [((3, 11), (11, 12)), ((0, 1), (6, 6)), ((0, 5), (5, 5)), ((21, 37), (48, 47))]
)
def test_a_two_arm_study_agrees_with_brute_force(
    events: tuple[int, int], n: tuple[int, int], link: Link
) -> None:
    model = two_arms(events, n, link)
    ours = log_marginal_likelihood(model, np.array([[0.8]]), TAU)[0]
    assert ours == pytest.approx(by_brute_force(model, 0.8, 0.4), abs=2e-4)


@given(
    events=st.tuples(st.integers(0, 12), st.integers(0, 12)),
    x=st.floats(-1.5, 1.5),
    tau=st.floats(0.01, 1.0),
)
@settings(max_examples=40, deadline=None)
def test_more_nodes_change_nothing_that_matters(events: tuple[int, int], x: float, tau: float) -> None:
    model = two_arms(events, (12, 12), Link.PROBIT)
    theta, draw = np.array([[tau]]), np.array([[x]])
    usual = log_marginal_likelihood(model, draw, theta)[0]
    many = log_marginal_likelihood(model, draw, theta, outer=41, inner=41)[0]
    # A log likelihood wrong by 0.002 moves a posterior density by two thousandths.
    assert usual == pytest.approx(many, abs=2e-3)


def test_the_closed_form_of_normal_results_is_the_multivariate_normal() -> None:
    arms = [
        ArmResult("one", t, mean=m, se=s) for t, m, s in (("a", 1.0, 0.3), ("b", 1.6, 0.4), ("c", 0.7, 0.2))
    ]
    model = network_model(
        arms, reference="a", heterogeneity=HalfNormal(1.0), treatment=Normal(0, 10), baseline=Normal(0, 3)
    )
    x = np.array([[0.5, -0.2]])
    covariance = 9.0 + np.diag(np.array([0.3, 0.4, 0.2]) ** 2 + 0.4**2 / 2)
    expected = stats.multivariate_normal([0.0, 0.5, -0.2], covariance).logpdf([1.0, 1.6, 0.7])
    assert log_marginal_likelihood(model, x, TAU)[0] == pytest.approx(expected, abs=1e-10)


@dataclass(frozen=True, eq=False)
class PretendNotNormal(NormalMeans):
    """Normal results sent through the numerical route."""

    @property
    def gaussian(self) -> bool:
        return False


def test_quadrature_of_a_normal_result_is_exact() -> None:
    arms = [ArmResult("one", "a", mean=1.0, se=0.3), ArmResult("one", "b", mean=1.6, se=0.4)]
    model = network_model(
        arms, reference="a", heterogeneity=HalfNormal(1.0), treatment=Normal(0, 10), baseline=Normal(0, 3)
    )
    numerical = replace(model, likelihood=PretendNotNormal(np.array([1.0, 1.6]), np.array([0.3, 0.4])))
    x = np.array([[0.5], [-2.0]])
    theta = np.array([[0.4], [1.3]])
    assert log_marginal_likelihood(numerical, x, theta) == pytest.approx(
        log_marginal_likelihood(model, x, theta), abs=1e-9
    )


def test_results_of_one_arm_share_the_arms_term() -> None:
    """Two diagnoses of one arm, reported apart, against brute force over u and the shared w."""
    none = Variances(np.zeros(0), np.zeros((0, 1)))
    model = LatentModel(
        name="one study, two arms, three results",
        hypers=(("heterogeneity", HalfNormal(1.0)),),
        columns=("d",),
        column_mean=np.zeros(1),
        column_variance=Variances(np.ones(1), np.zeros((1, 1))),
        design=np.array([[0.0], [1.0], [1.0]]),
        shares=np.ones(3),
        result=np.arange(3),
        arm=np.array([0, 1, 1]),
        study=np.array([0, 0]),
        study_variance=Variances(np.ones(1), np.zeros((1, 1))),
        arm_variance=Variances(np.zeros(2), np.full((2, 1), 0.5)),
        likelihood=BinomialCounts(np.array([3.0, 5.0, 2.0]), np.array([9.0, 8.0, 7.0]), Link.PROBIT),
        comparisons=Comparisons(np.zeros((0, 1)), np.zeros(0), np.zeros(0), none),
    )
    d, tau = 0.6, 0.4
    grid = np.linspace(-6.0, 6.0, 481)
    step = grid[1] - grid[0]
    prior_w = stats.norm.pdf(grid, 0.0, tau / np.sqrt(2.0))

    def chance(k: int, n: int, eta: np.ndarray) -> np.ndarray:
        p = stats.norm.cdf(eta)
        return p**k * (1 - p) ** (n - k)

    u = grid[:, None]
    control = (chance(3, 9, u + grid) * prior_w).sum(1) * step
    treated = (chance(5, 8, d + u + grid) * chance(2, 7, d + u + grid) * prior_w).sum(1) * step
    expected = np.log((control * treated * stats.norm.pdf(grid)).sum() * step)
    ours = log_marginal_likelihood(model, np.array([[d]]), np.array([[tau]]))[0]
    assert ours == pytest.approx(expected, abs=2e-4)


def test_a_mixed_arm_has_the_average_chance_over_its_mix() -> None:
    counts = BinomialCounts(np.array([5.0]), np.array([12.0]), Link.PROBIT)
    model = two_arms((5, 5), (12, 12), Link.PROBIT)
    mixed = replace(
        model,
        design=np.array([[0.0], [1.0]]),
        shares=np.array([0.25, 0.75]),
        result=np.array([0, 0]),
        arm=np.array([0]),
        study=np.array([0]),
        study_variance=Variances(np.full(1, 1e-12), np.zeros((1, 1))),
        arm_variance=Variances(np.zeros(1), np.zeros((1, 1))),
        likelihood=counts,
    )
    p = 0.25 * stats.norm.cdf(0.0) + 0.75 * stats.norm.cdf(0.9)
    expected = 5 * np.log(p) + 7 * np.log(1 - p)
    assert log_marginal_likelihood(mixed, np.array([[0.9]]), TAU)[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("z", [0.1764, 2.2, np.nan])
def test_a_printed_p_value_has_the_density_of_its_absolute_z(z: float) -> None:
    """Exact P: half of each sign. Not significant: the chance of |y| below 1.96 standard errors."""
    model = two_arms((0, 0), (1, 1), Link.PROBIT)
    se, tau, x = 0.3, 0.4, 0.35
    known = Comparisons(
        np.array([[1.0]]), np.array([se]), np.array([z]), Variances(np.zeros(1), np.ones((1, 1)))
    )
    with_p = replace(model, comparisons=known)
    added = (
        log_marginal_likelihood(with_p, np.array([[x]]), TAU)[0]
        - log_marginal_likelihood(model, np.array([[x]]), TAU)[0]
    )
    y = stats.norm(x, np.sqrt(se**2 + tau**2))
    if np.isnan(z):
        expected = np.log(y.cdf(1.959963984540054 * se) - y.cdf(-1.959963984540054 * se))
    else:
        expected = np.log(0.5 * y.pdf(z * se) + 0.5 * y.pdf(-z * se))
    assert added == pytest.approx(expected, abs=1e-9)
