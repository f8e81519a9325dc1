"""Each likelihood by a second route: its formula in scipy, its slope by differences, its information by enumeration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from myopoise.synthesis.effects import estimates
from myopoise.synthesis.laplace import infer
from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.likelihoods import (
    BinomialCounts,
    Likelihood,
    Mix,
    NormalMeans,
    OrderedCounts,
    PoissonCounts,
)
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import Assembled, assemble
from myopoise.synthesis.models.structures import Consistency, NetworkPriors
from myopoise.synthesis.nesting import group_sum
from myopoise.synthesis.priors import HalfNormal
from myopoise.synthesis.quadrature import log_marginal_likelihood
from myopoise.synthesis.studies.values import Arms, Outcome, Studies

Floats = NDArray[np.float64]

LINKS = [link for link in Link if link.of_probability]
CDF: dict[Link, Callable[[Floats], Floats]] = {
    Link.LOGIT: stats.logistic.cdf,
    Link.PROBIT: stats.norm.cdf,
    Link.CLOGLOG: lambda eta: -np.expm1(-np.exp(np.minimum(eta, 9.0))),
}
NO_SPREADS = np.zeros((1, 0))
"""Theta is not looked at by a model without unknown thresholds."""
VAGUE = NetworkPriors(heterogeneity=HalfNormal(1.0))


def one_by_one(count: int) -> Mix:
    every = np.arange(count)
    return Mix(every, every, np.ones(count))


def network(rows: Sequence[tuple[str, str]], outcome: Outcome, **seen: Floats) -> Studies:
    studies, treatments = (tuple(dict.fromkeys(row[k] for row in rows)) for k in (0, 1))
    study = np.array([studies.index(s) for s, _ in rows])
    treatment = np.array([treatments.index(t) for _, t in rows])
    return Studies(studies, treatments, Arms(outcome, study, treatment, **seen))


def ordered(
    n: Sequence[float], at_least: Sequence[Sequence[float]], link: Link, priors: NetworkPriors = VAGUE
) -> Assembled:
    """Arms a and b of one study after another."""
    rows = [(f"study {i // 2}", "ab"[i % 2]) for i in range(len(n))]
    given = network(
        rows, Outcome.ORDERED, n=np.array(n, dtype=float), at_least=np.array(at_least, dtype=float)
    )
    return assemble(given, Consistency(), reference="a", priors=priors, link=link)


NAN = float("nan")
AT_LEAST = [[14, 9, 4], [19, 15, 11], [NAN, 8, 3], [NAN, 12, NAN], [10, NAN, 0], [20, NAN, 20]]
N = [20, 22, 15, 18, 16, 20]


def chances(eta: float, cuts: Sequence[float], reported: Sequence[bool], link: Link) -> Floats:
    """Chance of each category that a study told apart, lowest first, from the formula alone."""
    reached = [
        float(CDF[link](np.array(eta - cut))) for cut, known in zip(cuts, reported, strict=True) if known
    ]
    return -np.diff([1.0, *reached, 0.0])


@pytest.mark.parametrize("link", LINKS)
def test_ordered_categories_are_the_multinomial_whatever_thresholds_a_study_reports(link: Link) -> None:
    model = ordered(N, AT_LEAST, link).model
    x = np.array([[0.4, 0.5, 1.1]])  # d[b], cut 2, cut 3
    counts = model.likelihood
    value = (
        counts.log_density(model.predictor(x, NO_SPREADS), model.mix(NO_SPREADS))[:, 0]
        + counts.log_constant()
    )
    found = group_sum(value, model.arm)
    for arm, (n, row) in enumerate(zip(N, AT_LEAST, strict=True)):
        reported = ~np.isnan(row)
        seen = -np.diff([n, *np.array(row)[reported], 0.0])
        p = chances(0.4 * (arm % 2), (0.0, 0.5, 1.1), reported.tolist(), link)
        assert found[arm] == pytest.approx(stats.multinomial(n, p).logpmf(seen), abs=1e-10)


@pytest.mark.parametrize("link", LINKS)
def test_categories_not_told_apart_have_the_sum_of_their_chances(link: Link) -> None:
    fine = ordered([20, 20], [[14, 9, 4], [14, 9, 4]], link).model
    coarse = ordered([20, 20, 20, 20], [[14, 9, 4], [14, 9, 4], [NAN, 9, NAN], [NAN, 9, NAN]], link).model
    x = np.array([[0.3, 0.6, 1.5]])
    apart = fine.likelihood.fitted(fine.predictor(x, NO_SPREADS), fine.mix(NO_SPREADS))[:, 0].reshape(2, 4)
    together = coarse.likelihood.fitted(coarse.predictor(x, NO_SPREADS), coarse.mix(NO_SPREADS))[
        8:, 0
    ].reshape(2, 2)
    assert together == pytest.approx(np.stack([apart[:, :2].sum(1), apart[:, 2:].sum(1)], axis=1), abs=1e-12)
    assert together.sum(1) == pytest.approx(1.0)


@pytest.mark.parametrize("link", LINKS)
def test_one_threshold_is_a_binomial_and_gives_the_same_posterior(link: Link) -> None:
    events, n = np.array([4.0, 9.0, 2.0, 7.0]), np.array([20.0, 22.0, 15.0, 18.0])
    rows = [(f"study {i // 2}", "ab"[i % 2]) for i in range(4)]
    binary = assemble(
        network(rows, Outcome.BINOMIAL, events=events, n=n),
        Consistency(),
        reference="a",
        priors=VAGUE,
        link=link,
    )
    categories = ordered(n.tolist(), events[:, None].tolist(), link)
    one, other = (
        estimates(infer(each.model, draws=2048), each.effects[1:], "")[0] for each in (binary, categories)
    )
    x = np.array([[0.7]])
    theta = np.array([[0.4]])
    values = [
        log_marginal_likelihood(m, x, theta)[0] + m.likelihood.log_constant().sum()
        for m in (binary.model, categories.model)
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-6)
    assert one.mean == pytest.approx(other.mean, abs=0.01 * one.sd)
    assert one.sd == pytest.approx(other.sd, rel=0.01)


def test_poisson_counts_are_those_of_scipy() -> None:
    events, exposure = np.array([0.0, 3.0, 17.0]), np.array([4.0, 12.5, 9.0])
    counts, eta = PoissonCounts(events, exposure), np.array([[-1.3], [0.2], [0.9]])
    value = counts.log_density(eta, one_by_one(3))[:, 0] + counts.log_constant()
    assert value == pytest.approx(stats.poisson(exposure * np.exp(eta[:, 0])).logpmf(events), abs=1e-10)


@pytest.mark.parametrize("link", LINKS)
def test_binomial_counts_are_those_of_scipy_alone_and_mixed(link: Link) -> None:
    events, n = np.array([0.0, 3.0, 9.0]), np.array([4.0, 12.0, 9.0])
    counts = BinomialCounts(events, n, link)
    eta = np.array([-1.3, 0.2, 0.9])
    value = counts.log_density(eta[:, None], one_by_one(3))[:, 0] + counts.log_constant()
    assert value == pytest.approx(stats.binom(n, CDF[link](eta)).logpmf(events), abs=1e-10)
    mix = Mix(np.array([1, 2]), np.array([0, 0, 1, 1, 1]), np.array([0.3, 0.7, 0.2, 0.2, 0.6]))
    parts = np.array([-0.4, 1.2, 0.1, 2.0, -1.0])
    p = CDF[link](parts)
    average = np.array([0.3 * p[0] + 0.7 * p[1], 0.2 * p[2] + 0.2 * p[3] + 0.6 * p[4]])
    value = counts.log_density(parts[:, None], mix)[:, 0] + counts.log_constant()[1:]
    assert value == pytest.approx(stats.binom(n[1:], average).logpmf(events[1:]), abs=1e-10)


def test_log_chances_keep_their_digits_where_a_plain_logarithm_loses_them() -> None:
    eta = np.array([-40.0, -20.0, 0.0, 3.0])
    event, none = Link.CLOGLOG.log_chances(eta)
    assert event[:2] == pytest.approx(eta[:2], abs=1e-8)  # a rare event's chance is its hazard
    assert none == pytest.approx(-np.exp(eta), rel=1e-12)
    event, none = Link.LOGIT.log_chances(np.array([-800.0, 800.0]))
    assert event[0] == pytest.approx(-800.0)
    assert none[1] == pytest.approx(-800.0)


MODELS: dict[str, Callable[[], LatentModel]] = {
    f"ordered {link}": (lambda link=link: ordered(N, AT_LEAST, link).model) for link in LINKS
}
MODELS |= {
    f"binomial {link}": (
        lambda link=link: replace(
            ordered([20, 22], [[4.0], [9.0]], link).model,
            likelihood=BinomialCounts(np.array([4.0, 9.0]), np.array([20.0, 22.0]), link),
            design=np.array([[0.2], [1.0], [-0.5], [0.4]]),
            shares=np.array([0.25, 0.75, 0.5, 0.5]),
            result=np.array([0, 0, 1, 1]),
            arm=np.array([0, 1]),
        )
    )
    for link in LINKS
}
MODELS["poisson"] = lambda: replace(
    MODELS["binomial logit"](), likelihood=PoissonCounts(np.array([4.0, 9.0]), np.array([2.0, 8.0]))
)
MODELS["normal"] = lambda: replace(
    MODELS["binomial logit"](), likelihood=NormalMeans(np.array([0.4, 0.9]), np.array([0.2, 0.8]))
)


@pytest.mark.parametrize("name", MODELS)
def test_the_gauss_newton_step_starts_from_the_slope_of_the_likelihood(name: str) -> None:
    model = MODELS[name]()
    x = np.random.default_rng(4).normal(0.0, 0.2, len(model.columns)) + np.arange(len(model.columns)) * 0.7

    def height(at: Floats) -> float:
        return float(
            model.likelihood.log_density(model.predictor(at[None], NO_SPREADS), model.mix(NO_SPREADS)).sum()
        )

    step = 1e-5 * np.eye(len(x))
    by_differences = np.array([(height(x + h) - height(x - h)) / 2e-5 for h in step])
    residual, variance, slope = model.likelihood.working(
        model.predictor(x[None], NO_SPREADS), model.mix(NO_SPREADS)
    )
    score = (slope * (residual / variance)[model.result])[:, 0] @ model.design
    assert score == pytest.approx(by_differences, rel=1e-6, abs=1e-6)


def information(likelihood: Likelihood, eta: Floats, mix: Mix) -> Floats:
    """Fisher information about the parts' linear predictors, as a Gauss-Newton step has it."""
    _, variance, slope = likelihood.working(eta[:, None], mix)
    rows = np.zeros((len(mix.results), len(eta)))
    rows[mix.part, np.arange(len(eta))] = slope[:, 0]
    return np.asarray(rows.T @ (rows / variance))


def by_enumeration(log_chance: Callable[[Floats], Floats], eta: Floats) -> Floats:
    """Expected square of the score over every outcome, the score by differences."""
    step = 1e-5
    score = np.stack(
        [(log_chance(eta + h) - log_chance(eta - h)) / (2 * step) for h in step * np.eye(len(eta))], axis=1
    )
    return np.asarray(score.T @ (np.exp(log_chance(eta))[:, None] * score))


@pytest.mark.parametrize("link", LINKS)
def test_the_information_of_a_mixed_binomial_is_that_of_every_possible_count(link: Link) -> None:
    eta, shares, n = np.array([-0.6, 0.8]), np.array([0.4, 0.6]), 7
    mix = Mix(np.zeros(1, dtype=int), np.zeros(2, dtype=int), shares)
    found = information(BinomialCounts(np.array([3.0]), np.array([float(n)]), link), eta, mix)
    expected = by_enumeration(lambda at: stats.binom(n, shares @ CDF[link](at)).logpmf(np.arange(n + 1)), eta)
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_information_of_a_rate_is_that_of_every_possible_count() -> None:
    eta = np.array([0.3])
    found = information(PoissonCounts(np.array([2.0]), np.array([3.5])), eta, one_by_one(1))
    expected = by_enumeration(lambda at: stats.poisson(3.5 * np.exp(at[0])).logpmf(np.arange(60)), eta)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("link", LINKS)
def test_the_information_of_ordered_categories_is_that_of_every_possible_table(link: Link) -> None:
    """Independent Poisson categories carry the information of the multinomial about what moves their chances."""
    n, eta = 5, np.array([0.5, -0.4])  # linear predictors of reaching the first and the second threshold
    counts = OrderedCounts(
        np.array([2.0, 2, 1]), np.full(3, 5.0), np.array([1.0, 0, 0]), np.array([3.0, 3, 1]), link
    )
    mix = Mix(np.arange(3), np.array([0, 1, 1, 2]), np.array([-1.0, 1.0, -1.0, 1.0]))
    to_parts = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])  # part by threshold
    found = to_parts.T @ information(counts, to_parts @ eta, mix) @ to_parts
    tables = np.array([t for t in product(range(n + 1), repeat=3) if sum(t) == n])

    def log_chance(at: Floats) -> Floats:
        return np.asarray(stats.multinomial(n, -np.diff([1.0, *CDF[link](at), 0.0])).logpmf(tables))

    assert found == pytest.approx(by_enumeration(log_chance, eta), rel=1e-6)


@pytest.mark.parametrize("link", LINKS)
def test_deviance_is_twice_the_log_likelihood_lost_against_a_perfect_fit(link: Link) -> None:
    every = np.arange(3)
    events, n, p = np.array([0.0, 3.0, 9.0]), np.array([4.0, 12.0, 9.0]), np.array([0.2, 0.3, 0.95])
    lost = stats.binom(n, events / n).logpmf(events) - stats.binom(n, p).logpmf(events)
    assert BinomialCounts(events, n, link).deviance(p, every) == pytest.approx(2 * lost, abs=1e-10)
    rate, exposure = np.array([0.3, 1.1, 2.0]), np.array([4.0, 2.0, 5.0])
    lost = stats.poisson(events).logpmf(events) - stats.poisson(rate * exposure).logpmf(events)
    assert PoissonCounts(events, exposure).deviance(rate, every) == pytest.approx(2 * lost, abs=1e-10)
    mean, se = np.array([0.1, 0.2, 0.9]), np.array([0.2, 0.3, 1.0])
    lost = stats.norm(mean, se).logpdf(mean) - stats.norm(rate, se).logpdf(mean)
    assert NormalMeans(mean, se).deviance(rate, every) == pytest.approx(2 * lost, abs=1e-10)
    counts = np.array([3.0, 0.0, 6.0])
    chance = np.array([0.5, 0.1, 0.4])
    seen = OrderedCounts(counts, np.full(3, 9.0), np.array([1.0, 0, 0]), np.array([6.0, 6, 6]), link)
    lost = stats.multinomial(9, counts / 9).logpmf(counts) - stats.multinomial(9, chance).logpmf(counts)
    assert seen.deviance(chance, every).sum() == pytest.approx(2 * lost, abs=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_the_search_starts_where_the_observed_share_is(name: str) -> None:
    """Half an event is added, so that none and all have a place on the linear scale."""
    model = MODELS[name]()
    if name.startswith("ordered"):
        eta = model.predictor(np.zeros((1, len(model.columns))), NO_SPREADS)
        moved = eta + model.likelihood.start(eta, model.mix(NO_SPREADS))[model.result]
        counts = model.likelihood
        assert isinstance(counts, OrderedCounts)
        first = np.flatnonzero(np.r_[True, np.diff(model.result) > 0])
        expected = (counts.above + 0.5) / (counts.n + 1.0)
        assert CDF[counts.link](moved[first, 0]) == pytest.approx(expected)
        return
    eta = np.array([[0.3], [0.9]])
    mix = one_by_one(2)
    moved = eta + model.likelihood.start(eta, mix)
    fitted = model.likelihood.fitted(moved, mix)[:, 0]
    expected = {
        "poisson": np.array([4.5 / 2.0, 9.5 / 8.0]),
        "normal": np.array([0.4, 0.9]),
    }.get(name, np.array([4.5 / 21.0, 9.5 / 23.0]))
    assert fitted == pytest.approx(expected)


def test_rare_events_over_follow_up_become_rates() -> None:
    """With many patients and few events, cloglog with follow-up as offset is the Poisson model of person-time."""
    rows = [(f"study {i // 2}", "ab"[i % 2]) for i in range(6)]
    events = np.array([9.0, 16.0, 21.0, 30.0, 5.0, 14.0])
    n, time = np.full(6, 1e6), np.array([1.0, 1.0, 3.0, 3.0, 0.5, 0.5])
    binary = assemble(
        network(rows, Outcome.BINOMIAL, events=events, n=n, time=time),
        Consistency(),
        reference="a",
        priors=VAGUE,
        link=Link.CLOGLOG,
    )
    rates = assemble(
        network(rows, Outcome.POISSON, events=events, exposure=n * time),
        Consistency(),
        reference="a",
        priors=VAGUE,
    )
    one, other = (
        estimates(infer(each.model, draws=1024), each.effects[1:], "")[0] for each in (binary, rates)
    )
    assert one.mean == pytest.approx(other.mean, abs=1e-3 * one.sd)
    assert one.sd == pytest.approx(other.sd, rel=1e-3)
    unlike = replace(binary.model, offset=None)
    no_time = estimates(infer(unlike, draws=1024), binary.effects[1:], "")[0]
    assert no_time.mean == pytest.approx(one.mean, abs=0.1 * one.sd)  # follow-up is the same in both arms ...
    uneven = replace(binary.model, offset=np.log(np.array([1.0, 2.0] * 3)))
    halved = estimates(infer(uneven, draws=1024), binary.effects[1:], "")[0]
    assert halved.mean == pytest.approx(
        one.mean - np.log(2.0), abs=0.02
    )  # ... and where it is not, it counts
