"""The simple forecasters: closed forms, a sampler that shares nothing with the grid, and limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr

from myopoise.backtest.rivals import DRAWS, THRESHOLD, Rival, Target, TrainingArm, fit_rival
from myopoise.vocabulary import BACKGROUND, Level

Floats = NDArray[np.float64]

MINIMAL, MAJOR = Level.MINIMAL, Level.MAJOR
PROBIT = [Rival.ALL_EQUAL, Rival.ALL_EQUAL_WITH_SPREAD, Rival.TWO_GROUPS_WITH_SPREAD]
SPREAD = PROBIT[1:]


def arm(
    treatment: str, events: int, n: int, level: Level = MINIMAL, randomised: bool = True, study: str = "trial"
) -> TrainingArm:
    return TrainingArm(tuple(treatment.split("+")), events, n, level, randomised, study)


def target(treatment: str, level: Level = MINIMAL, n: int = 30) -> Target:
    return Target(tuple(treatment.split("+")), level, n)


MIXED = (
    arm("ivig", 37, 47),
    arm(BACKGROUND, 21, 48),
    arm("rituximab", 15, 18, Level.STABLE),
    arm("rituximab", 2, 9, MAJOR),
    arm("abatacept", 4, 10, Level.MODERATE),
    arm(BACKGROUND, 6, 11, Level.STABLE),
    arm("tacrolimus", 9, 9),
)


def chances(rival: Rival, arms: tuple[TrainingArm, ...], *targets: Target) -> Floats:
    return fit_rival(rival, arms).chances(targets)


def expectation_over_spread(function: Callable[[float], float]) -> float:
    """Mean over s ~ half-normal(0.5) of a function of s."""
    x, w = np.polynomial.legendre.leggauss(40)
    s = 1.5 * (x + 1.0)
    return float(1.5 * w * stats.halfnorm.pdf(s, scale=0.5) @ [function(each) for each in s])


# --- pooled counts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "events", "n"),
    [
        pytest.param(target("ivig"), 30 + 7, 40 + 8, id="own-arms-of-the-level"),
        pytest.param(target("ivig", MAJOR), 5, 20, id="not-those-of-other-levels"),
        pytest.param(target("scig"), 30 + 7 + 10 + 3, 40 + 8 + 30 + 4, id="else-all-arms-of-the-level"),
        pytest.param(target("mycophenolate+tacrolimus"), 3, 4, id="a-combination-is-a-set"),
        pytest.param(target("tacrolimus"), 30 + 7 + 10 + 3, 40 + 8 + 30 + 4, id="a-part-is-no-combination"),
        pytest.param(target("ivig", Level.STABLE), 0, 0, id="else-the-prior"),
    ],
)
def test_naive_pooling_is_the_beta_posterior_of_the_pool(asked: Target, events: int, n: int) -> None:
    arms = (
        arm("ivig", 30, 40),
        arm("ivig", 7, 8, randomised=False),
        arm("ivig", 5, 20, MAJOR),
        arm(BACKGROUND, 10, 30),
        arm("tacrolimus+mycophenolate", 3, 4),
    )
    found = np.sort(chances(Rival.NAIVE_POOLING, arms, asked)[:, 0])
    expected = stats.beta.ppf((np.arange(DRAWS) + 0.5) / DRAWS, events + 0.5, n - events + 0.5)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_naive_pooling_predicts_a_beta_binomial_count() -> None:
    found = fit_rival(Rival.NAIVE_POOLING, (arm("ivig", 8, 11),)).forecast(target("ivig", n=12))
    np.testing.assert_allclose(found.pmf(), stats.betabinom.pmf(np.arange(13), 12, 8.5, 3.5), atol=1e-5)


def test_pools_apart_are_independent_and_one_pool_is_one_chance() -> None:
    arms = (arm("ivig", 8, 11), arm(BACKGROUND, 4, 11))
    apart = chances(Rival.NAIVE_POOLING, arms, target("ivig"), target(BACKGROUND))
    assert abs(np.corrcoef(apart.T)[0, 1]) < 0.01
    shared = chances(Rival.NAIVE_POOLING, arms, target("scig"), target("abatacept"))
    np.testing.assert_array_equal(shared[:, 0], shared[:, 1])
    unknown = chances(Rival.NAIVE_POOLING, (), target("scig"), target("abatacept"))
    assert abs(np.corrcoef(unknown.T)[0, 1]) < 0.01


# --- one probit scale: closed forms -----------------------------------------------------------------------


def test_all_equal_at_minimal_level_is_a_beta_posterior() -> None:
    """A standard normal probit is an even prior of the chance, so counts at threshold 0 give a beta posterior."""
    arms = (arm("ivig", 8, 11), arm(BACKGROUND, 4, 12), arm("scig", 0, 5))
    found = np.sort(chances(Rival.ALL_EQUAL, arms, target("rituximab"))[:, 0])
    expected = stats.beta.ppf((np.arange(DRAWS) + 0.5) / DRAWS, 1 + 12, 1 + 16)
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("level", list(Level))
def test_all_equal_at_mixed_levels_is_a_posterior_by_quadrature(level: Level) -> None:
    mu = np.linspace(-2.0, 3.0, 4001)
    p = stats.norm.cdf(mu[:, None] - [THRESHOLD[a.level] for a in MIXED])
    likelihood = stats.binom.pmf([a.events for a in MIXED], [a.n for a in MIXED], p)
    density = stats.norm.pdf(mu) * likelihood.prod(axis=1)
    chance = stats.norm.cdf(mu - THRESHOLD[level])
    found = chances(Rival.ALL_EQUAL, MIXED, target("anything", level))[:, 0]
    for power in (1, 2):
        expected = (density * chance**power).sum() / density.sum()
        assert np.mean(found**power) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("rival", SPREAD)
def test_one_patient_in_one_arm_is_an_orthant_of_two_probits(rival: Rival) -> None:
    """Latent variables of one patient in each of two arms have correlation 1 / (2 + s^2), and the evidence no s."""
    found = chances(rival, (arm("ivig", 1, 1),), target("scig"))[:, 0].mean()
    both = expectation_over_spread(lambda s: 0.25 + np.arcsin(1.0 / (2.0 + s * s)) / (2.0 * np.pi))
    assert found == pytest.approx(both / 0.5, abs=1e-3)


@pytest.mark.parametrize("rival", PROBIT)
@pytest.mark.parametrize("level", list(Level))
def test_without_arms_the_forecast_is_the_prior(rival: Rival, level: Level) -> None:
    """eta ~ N(0, 1 + s^2): the mean chance is one normal probability, its mean square one of two normals."""
    found = chances(rival, (), target("ivig", level))[:, 0]
    kappa = THRESHOLD[level]

    def first(s: float) -> float:
        return float(stats.norm.cdf(-kappa / np.sqrt(2.0 + s * s)))

    def second(s: float) -> float:
        own = 1.0 + s * s
        cov = [[1.0 + own, own], [own, 1.0 + own]]
        return float(stats.multivariate_normal([0.0, 0.0], cov).cdf([-kappa, -kappa]))

    if rival is Rival.ALL_EQUAL:
        expected = first(0.0), second(0.0)
    else:
        expected = expectation_over_spread(first), expectation_over_spread(second)
    assert found.mean() == pytest.approx(expected[0], abs=1.5e-3)
    assert np.mean(found**2) == pytest.approx(expected[1], abs=1.5e-3)


def test_without_arms_naive_pooling_is_the_prior_of_jeffreys() -> None:
    found = np.sort(chances(Rival.NAIVE_POOLING, (), target("ivig"))[:, 0])
    np.testing.assert_allclose(found, stats.arcsine.ppf((np.arange(DRAWS) + 0.5) / DRAWS), rtol=1e-9)


# --- one probit scale: another sampler --------------------------------------------------------------------


def sampled(arms: tuple[TrainingArm, ...], group: list[int], asked: list[tuple[int, Level]]) -> Floats:
    """Predictive draws from 500 parallel chains that walk over mu, log s and the probit of every arm."""
    rng = np.random.default_rng(1)
    chains, k = 500, len(arms)
    r, n = np.array([a.events for a in arms]), np.array([a.n for a in arms])
    kappa = np.array([THRESHOLD[a.level] for a in arms])
    member = np.array(group)
    groups = max([*group, *[g for g, _ in asked]]) + 1
    size = np.bincount(member, minlength=groups)
    mu, s = rng.standard_normal((chains, groups)), np.full(chains, 0.4)
    eta = np.tile(stats.norm.ppf((r + 0.5) / (n + 1)) + kappa, (chains, 1))

    def log_likelihood(x: Floats) -> Floats:
        p = np.clip(ndtr(x - kappa), 1e-15, 1 - 1e-15)
        return np.asarray(r * np.log(p) + (n - r) * np.log1p(-p))

    def log_spread(log_s: Floats, squares: Floats) -> Floats:
        scale = np.exp(log_s)
        return np.asarray(log_s - 2.0 * scale**2 - k * log_s - 0.5 * squares / scale**2)

    kept = []
    now = log_likelihood(eta)
    for step in range(1800):
        for _ in range(2):
            moved = eta + rng.normal(0.0, 1.0, (chains, k)) * np.minimum(s[:, None], 0.7) * 1.2
            then = log_likelihood(moved)
            prior = 0.5 * ((eta - mu[:, member]) ** 2 - (moved - mu[:, member]) ** 2) / s[:, None] ** 2
            take = np.log(rng.uniform(size=(chains, k))) < then - now + prior
            eta, now = np.where(take, moved, eta), np.where(take, then, now)
        precision = 1.0 + size / s[:, None] ** 2
        sums = np.stack([eta[:, member == g].sum(1) for g in range(groups)], axis=1)
        mu = sums / s[:, None] ** 2 / precision + rng.standard_normal((chains, groups)) / np.sqrt(precision)
        squares = ((eta - mu[:, member]) ** 2).sum(1)
        wider = np.log(s) + rng.normal(0.0, 0.6, chains)
        gain = log_spread(wider, squares) - log_spread(np.log(s), squares)
        s = np.where(np.log(rng.uniform(size=chains)) < gain, np.exp(wider), s)
        if step >= 500 and step % 5 == 0:
            new = mu[:, [g for g, _ in asked]] + s[:, None] * rng.standard_normal((chains, len(asked)))
            kept.append(ndtr(new - np.array([THRESHOLD[level] for _, level in asked])))
    return np.concatenate(kept)


@pytest.mark.parametrize("rival", SPREAD)
def test_a_sampler_over_all_probits_finds_the_same_forecasts(rival: Rival) -> None:
    targets = [target("scig"), target(BACKGROUND, Level.MODERATE), target(BACKGROUND)]
    two = rival is Rival.TWO_GROUPS_WITH_SPREAD
    group = [int(two and a.treatments == (BACKGROUND,)) for a in MIXED]
    asked = [(int(two and t.treatments == (BACKGROUND,)), t.level) for t in targets]
    other = sampled(MIXED, group, asked)
    found = chances(rival, MIXED, *targets)
    np.testing.assert_allclose(found.mean(0), other.mean(0), atol=0.005)
    np.testing.assert_allclose(found.std(0), other.std(0), atol=0.004)
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    np.testing.assert_allclose(np.quantile(found, levels, 0), np.quantile(other, levels, 0), atol=0.012)
    np.testing.assert_allclose(np.corrcoef(found.T), np.corrcoef(other.T), atol=0.03)


# --- what must hold ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rival", [Rival.NAIVE_POOLING, Rival.ALL_EQUAL])
def test_a_huge_arm_is_repeated(rival: Rival) -> None:
    found = chances(rival, (arm("ivig", 300_000, 1_000_000),), target("ivig"))[:, 0]
    assert found.mean() == pytest.approx(0.3, abs=1e-4)
    assert found.std() == pytest.approx(np.sqrt(0.3 * 0.7 / 1_000_000), rel=0.02)


@pytest.mark.parametrize("rival", SPREAD)
def test_many_huge_arms_alike_are_repeated(rival: Rival) -> None:
    alike = tuple(arm("ivig", 300_000, 1_000_000) for _ in range(30))
    found = chances(rival, alike, target("ivig"))[:, 0]
    assert found.mean() == pytest.approx(0.3, abs=1e-3)
    assert found.std() < 0.004


@pytest.mark.parametrize("rival", SPREAD)
def test_many_huge_arms_give_back_the_distribution_they_come_from(rival: Rival) -> None:
    probits = 0.3 + 0.4 * stats.norm.ppf((np.arange(80) + 0.5) / 80)
    huge = tuple(arm("ivig", round(1_000_000 * p), 1_000_000) for p in stats.norm.cdf(probits))
    found = stats.norm.ppf(chances(rival, huge, target("scig"))[:, 0])
    assert found.mean() == pytest.approx(0.3, abs=0.005)
    assert found.std() == pytest.approx(0.4, rel=0.03)


def test_with_spread_a_huge_arm_leaves_a_new_arm_open() -> None:
    found = chances(Rival.ALL_EQUAL_WITH_SPREAD, (arm("ivig", 300_000, 1_000_000),), target("ivig"))[:, 0]
    assert found.std() > 0.1


@pytest.mark.parametrize("rival", PROBIT)
def test_another_level_is_a_fixed_shift_of_the_probit(rival: Rival) -> None:
    fitted = fit_rival(rival, MIXED)
    minimal = stats.norm.ppf(fitted.chances([target("ivig")])[:, 0])
    for level, threshold in [(Level.STABLE, -0.65), (Level.MODERATE, 0.65), (MAJOR, 1.30)]:
        shifted = stats.norm.ppf(fitted.chances([target("ivig", level)])[:, 0])
        np.testing.assert_allclose(minimal - shifted, threshold, atol=1e-6)


@pytest.mark.parametrize("rival", PROBIT)
def test_the_level_of_a_training_arm_is_a_shift_too(rival: Rival) -> None:
    """Half at major improvement says of minimal improvement what Phi(1.30) does, from a huge arm."""
    huge = tuple(arm("ivig", 500_000, 1_000_000, MAJOR) for _ in range(30))
    found = chances(rival, huge, target("ivig"))[:, 0]
    assert np.median(found) == pytest.approx(stats.norm.cdf(1.30), abs=1e-3)


def test_only_two_groups_tell_background_from_active_arms() -> None:
    arms = tuple(arm("ivig", 18, 20) for _ in range(6)) + tuple(arm(BACKGROUND, 4, 20) for _ in range(6))
    both = [target("scig"), target(BACKGROUND)]
    for rival in (Rival.ALL_EQUAL, Rival.ALL_EQUAL_WITH_SPREAD):
        active, background = chances(rival, arms, *both).mean(0)
        assert active == pytest.approx(background, abs=0.005)
    active, background = chances(Rival.TWO_GROUPS_WITH_SPREAD, arms, *both).mean(0)
    assert active > 0.8
    assert background < 0.3


def test_without_background_arms_two_groups_know_only_the_spread_of_background() -> None:
    arms = tuple(arm("ivig", 18, 20) for _ in range(6))
    active, background = chances(Rival.TWO_GROUPS_WITH_SPREAD, arms, target("ivig"), target(BACKGROUND)).T
    one = chances(Rival.ALL_EQUAL_WITH_SPREAD, arms, target("ivig"))[:, 0]
    assert active.mean() == pytest.approx(one.mean(), abs=0.002)
    assert background.mean() == pytest.approx(0.5, abs=0.005)


def test_two_arms_of_a_new_trial_share_what_is_unknown_of_all_and_deviate_each() -> None:
    two = [target("ivig"), target("scig")]
    equal = chances(Rival.ALL_EQUAL, MIXED, *two)
    np.testing.assert_array_equal(equal[:, 0], equal[:, 1])
    spread = np.corrcoef(chances(Rival.ALL_EQUAL_WITH_SPREAD, MIXED, *two).T)[0, 1]
    assert 0.02 < spread < 0.9


@pytest.mark.parametrize("rival", PROBIT)
@pytest.mark.parametrize(("events", "edge"), [(0, 0.01), (20, 0.99)])
def test_arms_in_which_nobody_or_everybody_responded_are_used_as_they_are(
    rival: Rival, events: int, edge: float
) -> None:
    found = chances(rival, tuple(arm("ivig", events, 20) for _ in range(50)), target("ivig"))[:, 0]
    assert np.all((found >= 0.0) & (found <= 1.0))
    assert abs(found.mean() - edge) < 0.01


@pytest.mark.parametrize("rival", list(Rival))
def test_the_same_arms_in_any_order_give_the_same_draws(rival: Rival) -> None:
    first = chances(rival, MIXED, target("ivig"), target(BACKGROUND, MAJOR))
    again = chances(rival, MIXED, target("ivig"), target(BACKGROUND, MAJOR))
    turned = chances(rival, MIXED[::-1], target("ivig"), target(BACKGROUND, MAJOR))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, turned, atol=1e-4)
    assert first.shape == (DRAWS, 2)


@pytest.mark.parametrize("rival", list(Rival))
def test_no_rival_looks_at_design_or_study(rival: Rival) -> None:
    other = tuple(replace(a, randomised=not a.randomised, study=f"s{i}") for i, a in enumerate(MIXED))
    np.testing.assert_array_equal(
        chances(rival, MIXED, target("ivig")), chances(rival, other, target("ivig"))
    )


@pytest.mark.parametrize("rival", list(Rival))
def test_an_arm_is_forecast_alike_alone_and_beside_another(rival: Rival) -> None:
    fitted = fit_rival(rival, MIXED)
    alone = fitted.forecast(target("ivig", n=13))
    beside = fitted.forecast_difference(target("ivig", n=13), target(BACKGROUND, n=9))
    assert alone.n == 13
    assert (beside.n_1, beside.n_0) == (13, 9)
    assert len(alone.chance) == len(beside.chance_0) == DRAWS
    np.testing.assert_allclose(beside.pmf().sum(1), alone.pmf(), atol=1e-12)


def test_more_responders_than_patients_are_refused_with_the_name_of_the_study() -> None:
    with pytest.raises(ValueError, match="oddis-2013: 5 responders among 4"):
        arm("rituximab", 5, 4, study="oddis-2013")


def test_each_rival_has_a_name_of_its_own() -> None:
    assert sorted(rival.label for rival in Rival) == [
        "all equal",
        "all equal with spread",
        "naive pooling per drug",
        "two groups with spread",
    ]
