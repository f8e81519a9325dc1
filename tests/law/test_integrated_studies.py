"""Studies with their own terms integrated out, against the trapezoid rule over dense grids.

The likelihood of a study, what an arm is expected to be, and its density given the other arms of its study: for every
outcome, at the ends of the scale too, and for a whole posterior by leaving the arm out and fitting again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import Assembled, assemble
from myopoise.synthesis.models.structures import Consistency, NetworkPriors
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.quadrature import conditional_expectations, log_leave_one_out, log_marginal_likelihood
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

Floats = NDArray[np.float64]

LINKS = [link for link in Link if link.of_probability]
CDF: dict[Link, Callable[[Floats], Floats]] = {
    Link.LOGIT: stats.logistic.cdf,
    Link.PROBIT: stats.norm.cdf,
    Link.CLOGLOG: lambda eta: -np.expm1(-np.exp(np.minimum(eta, 9.0))),
}
SF: dict[Link, Callable[[Floats], Floats]] = {
    Link.LOGIT: stats.logistic.sf,
    Link.PROBIT: stats.norm.sf,
    Link.CLOGLOG: lambda eta: np.exp(-np.exp(np.minimum(eta, 9.0))),
}
VAGUE = NetworkPriors(heterogeneity=HalfNormal(1.0))


def network(rows: Sequence[tuple[str, str]], outcome: Outcome, **seen: Floats) -> Studies:
    studies, treatments = (tuple(dict.fromkeys(row[k] for row in rows)) for k in (0, 1))
    study = np.array([studies.index(s) for s, _ in rows])
    treatment = np.array([treatments.index(t) for _, t in rows])
    return Studies(studies, treatments, Arms(outcome, study, treatment, **seen))


def ordered(
    n: Sequence[float], at_least: Sequence[Sequence[float]], priors: NetworkPriors = VAGUE
) -> Assembled:
    """Arms a and b of one study."""
    seen = {"n": np.array(n, dtype=float), "at_least": np.array(at_least, dtype=float)}
    given = network([("one", "a"), ("one", "b")], Outcome.ORDERED, **seen)
    return assemble(given, Consistency(), reference="a", priors=priors)


Arm = Callable[[Floats], Floats]
"""Log density of an arm's results at values of its term."""


def grids(u_sd: float, w_sd: float, points: int = 85) -> tuple[Floats, Floats]:
    """Evenly spread over the priors, and finely where linear predictors matter."""
    u = np.linspace(-7.0, 7.0, 1401) * u_sd
    if u_sd > 4.0:
        u = np.unique(np.r_[u, np.linspace(-20.0, 20.0, 1601)])
    return u, np.linspace(-7.0, 7.0, points) * w_sd if w_sd else np.zeros(1)


def inside(arm: Arm, u: Floats, w: Floats, w_sd: float, value: Arm | None = None) -> Floats:
    """Log of an arm's density (times `value` of its term) with its own term summed over, at each u."""
    eta = u[:, None] + w
    terms = arm(eta)
    if w_sd:
        terms = terms + stats.norm.logpdf(w, 0.0, w_sd) + np.log(w[1] - w[0])
    if value is not None:
        terms = terms + np.log(np.maximum(value(eta), 1e-300))
    peak = terms.max(1)
    return np.asarray(peak + np.log(np.exp(terms - peak[:, None]).sum(1)))


def over(u: Floats, log_height: Floats) -> float:
    peak = log_height.max()
    return float(peak + np.log(np.trapezoid(np.exp(log_height - peak), u)))


def dense(arms: Sequence[Arm], u_sd: float, w_sd: float, points: int = 85) -> float:
    """Log of the study's likelihood."""
    u, w = grids(u_sd, w_sd, points)
    return over(u, stats.norm.logpdf(u, 0.0, u_sd) + sum(inside(arm, u, w, w_sd) for arm in arms))


def dense_mean(arms: Sequence[Arm], which: int, value: Arm, u_sd: float, w_sd: float) -> float:
    """Mean of a positive function of one arm's term, given what the study saw."""
    u, w = grids(u_sd, w_sd)
    each = [inside(arm, u, w, w_sd, value if i == which else None) for i, arm in enumerate(arms)]
    top = over(u, stats.norm.logpdf(u, 0.0, u_sd) + sum(each))
    return float(np.exp(top - dense(arms, u_sd, w_sd)))


def binomial_arm(events: float, n: float, offset: float, link: Link) -> Arm:
    def log_density(term: Floats) -> Floats:
        event, none = (np.log(np.maximum(f[link](offset + term), 1e-300)) for f in (CDF, SF))
        return np.asarray(events * event + (n - events) * none)

    return log_density


def rate_arm(events: float, exposure: float, offset: float) -> Arm:
    return lambda term: events * (offset + term) - exposure * np.exp(np.minimum(offset + term, 300.0))


def normal_arm(mean: float, se: float, offset: float) -> Arm:
    return lambda term: stats.norm(offset + term, se).logpdf(mean)


def two_arms(events: tuple[float, float], n: tuple[float, float], link: Link) -> LatentModel:
    rows = [("one", "a"), ("one", "b")]
    seen = network(rows, Outcome.BINOMIAL, events=np.array(events, float), n=np.array(n, float))
    return assemble(seen, Consistency(), reference="a", priors=VAGUE, link=link).model


@pytest.mark.parametrize("tau", [0.05, 1.0])
@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize(
    "events",
    [(0, 0), (12, 15), (0, 15), (12, 0), (0, 4), (5, 15)],
    ids=["none in both", "all in both", "opposite", "opposite, turned", "none in one", "all in one"],
)
def test_arms_without_events_or_with_nothing_else_are_integrated_under_a_vague_intercept(
    events: tuple[int, int], link: Link, tau: float
) -> None:
    model, n, d = two_arms(events, (12, 15), link), (12, 15), 0.8
    ours = log_marginal_likelihood(model, np.array([[d]]), np.array([[tau]]))[0]
    arms = [binomial_arm(r, m, offset, link) for r, m, offset in zip(events, n, (0.0, d), strict=True)]
    expected = dense(arms, 100.0, tau / np.sqrt(2.0))
    # Wrong by 0.003, a log likelihood moves a posterior density by three thousandths.
    assert ours == pytest.approx(expected, abs=3e-3)


@pytest.mark.parametrize(("tau", "intercept_sd"), [(0.8, 100.0), (1.4, 100.0), (2.0, 1.5)])
def test_a_large_arm_beside_one_without_events_is_integrated_finely(tau: float, intercept_sd: float) -> None:
    """Its likelihood is narrower than a step between points of the prior of w; that once cost up to 2 in the log."""
    events, n, d = np.array([0.0, 60.0]), np.array([200.0, 200.0]), 0.9
    seen = network([("one", "a"), ("one", "b")], Outcome.BINOMIAL, events=events, n=n)
    priors = NetworkPriors(intercept=Normal(0.0, intercept_sd), heterogeneity=HalfNormal(1.0))
    model = assemble(seen, Consistency(), reference="a", priors=priors).model
    ours = log_marginal_likelihood(model, np.array([[d]]), np.array([[tau]]))[0]
    arms = [binomial_arm(r, m, offset, Link.LOGIT) for r, m, offset in zip(events, n, (0.0, d), strict=True)]
    assert ours == pytest.approx(dense(arms, intercept_sd, tau / np.sqrt(2.0), points=421), abs=2e-3)


def ordered_arm(counts: Sequence[float], offset: float, cuts: Sequence[float]) -> Arm:
    """Probit; each chance as a difference on the side where it keeps its digits."""

    def log_density(term: Floats) -> Floats:
        edges = [
            np.full_like(term, np.inf),
            *(offset + term - cut for cut in cuts),
            np.full_like(term, -np.inf),
        ]
        total = np.zeros_like(term)
        for count, high, low in zip(counts, edges[:-1], edges[1:], strict=True):
            upper = stats.norm.cdf(high) - stats.norm.cdf(low)
            lower = stats.norm.cdf(-low) - stats.norm.cdf(-high)
            total += count * np.log(np.maximum(np.where(low > 0.0, lower, upper), 1e-300))
        return total

    return log_density


@pytest.mark.parametrize("tau", [0.1, 0.8])
@pytest.mark.parametrize(
    "at_least",
    [[[0, 0], [0, 0]], [[12, 12], [15, 15]], [[0, 0], [15, 15]], [[12, 12], [6, 2]], [[7, 0], [9, 3]]],
    ids=["all lowest", "all highest", "opposite ends", "one highest", "none highest in one"],
)
def test_ordered_arms_at_the_ends_of_their_scale_are_integrated_under_a_vague_intercept(
    at_least: list[list[float]], tau: float
) -> None:
    model, x = ordered([12, 15], at_least).model, np.array([[0.8, 0.6]])
    ours = log_marginal_likelihood(model, x, np.array([[tau]]))[0]
    counts = [-np.diff([n, *row, 0.0]) for n, row in zip((12.0, 15.0), at_least, strict=True)]
    arms = [ordered_arm(seen, offset, (0.0, 0.6)) for seen, offset in zip(counts, (0.0, 0.8), strict=True)]
    assert ours == pytest.approx(dense(arms, 100.0, tau / np.sqrt(2.0)), abs=3e-3)


@pytest.mark.parametrize("tau", [0.0, 0.1, 0.8])
@pytest.mark.parametrize("events", [(0.0, 0.0), (0.0, 3.0), (4.0, 9.0)])
def test_rates_are_integrated_under_a_vague_intercept(events: tuple[float, float], tau: float) -> None:
    exposure, d = (2.5, 4.0), 0.8
    seen = network(
        [("one", "a"), ("one", "b")], Outcome.POISSON, events=np.array(events), exposure=np.array(exposure)
    )
    laid = assemble(seen, Consistency(), reference="a", priors=VAGUE, common=tau == 0.0)
    theta = np.full((1, len(laid.model.hypers)), tau)
    arms = [rate_arm(r, e, offset) for r, e, offset in zip(events, exposure, (0.0, d), strict=True)]
    ours = log_marginal_likelihood(laid.model, np.array([[d]]), theta)[0]
    assert ours == pytest.approx(dense(arms, 100.0, tau / np.sqrt(2.0)), abs=3e-3)


# --- what an arm is expected to be, and its density given the others -------------------------------------------------

OFFSETS = (0.0, 0.8, -0.3)
INTERCEPT_SD, TAU = 1.5, 0.6


def three_arms(outcome: Outcome, **seen: list[float]) -> LatentModel:
    """One study of a, b and c, and one of c alone."""
    rows = [("one", "a"), ("one", "b"), ("one", "c"), ("two", "c")]
    given = network(rows, outcome, **{name: np.array(values) for name, values in seen.items()})
    priors = NetworkPriors(intercept=Normal(0.0, INTERCEPT_SD), heterogeneity=HalfNormal(1.0))
    return assemble(given, Consistency(), reference="a", priors=priors).model


def the_arms(make: Callable[[int, float], Arm]) -> list[list[Arm]]:
    return [[make(i, offset) for i, offset in enumerate(OFFSETS)], [make(3, OFFSETS[2])]]


COUNTS, PATIENTS = [3.0, 11.0, 0.0, 4.0], [14.0, 15.0, 12.0, 9.0]
EXPOSURE = [2.0, 4.0, 1.5, 6.0]
MEANS, ERRORS = [0.4, 1.6, -0.5, 0.3], [0.3, 0.5, 0.2, 0.4]
STUDIES: dict[str, tuple[LatentModel, list[list[Arm]], Callable[[int, Floats], Floats]]] = {
    "counts": (
        three_arms(Outcome.BINOMIAL, events=COUNTS, n=PATIENTS),
        the_arms(lambda i, offset: binomial_arm(COUNTS[i], PATIENTS[i], offset, Link.LOGIT)),
        lambda i, eta: stats.logistic.cdf(eta),
    ),
    "rates": (
        three_arms(Outcome.POISSON, events=COUNTS, exposure=EXPOSURE),
        the_arms(lambda i, offset: rate_arm(COUNTS[i], EXPOSURE[i], offset)),
        lambda i, eta: np.exp(eta),
    ),
}
CONSTANT = {
    "counts": [
        stats.binom.logpmf(r, n, 0.5) - n * np.log(0.5) for r, n in zip(COUNTS, PATIENTS, strict=True)
    ],
    "rates": [stats.poisson.logpmf(r, e) + e for r, e in zip(COUNTS, EXPOSURE, strict=True)],
}
X, THETA = np.array([[0.8, -0.3]]), np.array([[TAU]])
W_SD = TAU / np.sqrt(2.0)


@pytest.mark.parametrize("name", STUDIES)
def test_the_fitted_value_and_deviance_of_an_arm_are_averages_over_its_terms(name: str) -> None:
    model, studies, fitted = STUDIES[name]
    found = conditional_expectations(model, X, THETA)
    at = 0
    for arms in studies:
        for i in range(len(arms)):
            offset = OFFSETS[i] if len(arms) > 1 else OFFSETS[2]

            def value(term: Floats, offset: float = offset) -> Floats:
                return fitted(0, offset + term)

            def deviance(term: Floats, offset: float = offset, arm: int = at) -> Floats:
                p = fitted(0, offset + term)
                return model.likelihood.deviance(p[None], np.array([arm]))[0]

            assert found.fitted[at, 0] == pytest.approx(
                dense_mean(arms, i, value, INTERCEPT_SD, W_SD), rel=2e-3
            )
            expected = dense_mean(arms, i, deviance, INTERCEPT_SD, W_SD)
            assert found.deviance[at, 0] == pytest.approx(expected, abs=0.01)
            at += 1


@pytest.mark.parametrize("name", STUDIES)
def test_the_density_of_an_arm_given_the_others_is_a_ratio_of_two_integrals(name: str) -> None:
    model, studies, _ = STUDIES[name]
    found = log_leave_one_out(model, X, THETA)[:, 0]
    expected = [
        dense(arms, INTERCEPT_SD, W_SD) - (dense(others, INTERCEPT_SD, W_SD) if others else 0.0)
        for arms in studies
        for i in range(len(arms))
        for others in [arms[:i] + arms[i + 1 :]]
    ]
    assert found == pytest.approx(np.add(expected, CONSTANT[name]), abs=2e-3)


def test_the_density_of_a_mean_given_the_others_is_the_conditional_of_a_multivariate_normal() -> None:
    model = three_arms(Outcome.NORMAL, mean=MEANS, se=ERRORS)
    found = log_leave_one_out(model, X, THETA)[:, 0]
    covariance = INTERCEPT_SD**2 + np.diag(np.array(ERRORS[:3]) ** 2 + W_SD**2)
    y, centre = np.array(MEANS[:3]), np.array(OFFSETS)
    whole = stats.multivariate_normal(centre, covariance).logpdf(y)
    for i in range(3):
        kept = [j for j in range(3) if j != i]
        rest = stats.multivariate_normal(centre[kept], covariance[np.ix_(kept, kept)]).logpdf(y[kept])
        assert found[i] == pytest.approx(whole - rest, abs=1e-6)
    alone = stats.norm(OFFSETS[2], np.sqrt(INTERCEPT_SD**2 + ERRORS[3] ** 2 + W_SD**2))
    assert found[3] == pytest.approx(alone.logpdf(MEANS[3]), abs=1e-6)


def test_the_density_of_ordered_categories_given_the_other_arm() -> None:
    priors = NetworkPriors(intercept=Normal(0.0, INTERCEPT_SD), heterogeneity=HalfNormal(1.0))
    model = ordered([12, 15], [[8, 3], [11, 6]], priors).model
    found = log_leave_one_out(model, np.array([[0.8, 0.6]]), THETA)[:, 0]
    seen = [[4.0, 5.0, 3.0], [4.0, 5.0, 6.0]]
    arms = [ordered_arm(c, offset, (0.0, 0.6)) for c, offset in zip(seen, (0.0, 0.8), strict=True)]
    whole = dense(arms, INTERCEPT_SD, W_SD)
    for i in range(2):
        constant = stats.multinomial.logpmf(seen[i], sum(seen[i]), [0.2, 0.3, 0.5])
        constant -= np.log([0.2, 0.3, 0.5]) @ seen[i]
        expected = whole - dense([arms[1 - i]], INTERCEPT_SD, W_SD) + constant
        assert found[i] == pytest.approx(expected, abs=2e-3)


def test_contrasts_have_the_density_of_a_multivariate_normal() -> None:
    covariance = np.array([[0.09, 0.03], [0.03, 0.2]])
    given = Contrasts(
        np.array([0]), np.array([[0, 1, 2]]), np.array([[0.9, -0.4]]), covariance[None], np.zeros(1)
    )
    studies = Studies(("one",), ("a", "b", "c"), contrasts=(given,))
    model = assemble(studies, Consistency(), reference="a", priors=VAGUE).model
    between = TAU**2 * np.array([[1.0, 0.5], [0.5, 1.0]])
    expected = stats.multivariate_normal([0.8, -0.3], covariance + between).logpdf([0.9, -0.4])
    assert log_marginal_likelihood(model, X, THETA)[0] == pytest.approx(expected, abs=1e-10)
