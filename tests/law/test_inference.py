"""The posterior by routes that share no code with the inference."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from myopoise.synthesis.checking import trust_in
from myopoise.synthesis.effects import estimate, probability_above, summarise
from myopoise.synthesis.gaussians import conditional_gaussians
from myopoise.synthesis.laplace import infer
from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.models.arms import ArmResult, network_model
from myopoise.synthesis.nodes import kronecker
from myopoise.synthesis.priors import HalfNormal, Normal, Uniform

COUNTS = [
    ArmResult("a", "placebo", 3, 11),
    ArmResult("a", "drug", 11, 12),
    ArmResult("b", "placebo", 21, 48),
    ArmResult("b", "drug", 37, 47),
    ArmResult("c", "placebo", 0, 6),
    ArmResult("c", "drug", 1, 6),
]
MEANS = [
    ArmResult("a", "placebo", mean=0.0, se=0.3),
    ArmResult("a", "drug", mean=0.9, se=0.35),
    ArmResult("b", "placebo", mean=0.4, se=0.2),
    ArmResult("b", "drug", mean=0.6, se=0.2),
    ArmResult("c", "placebo", mean=-0.5, se=0.5),
    ArmResult("c", "drug", mean=1.4, se=0.6),
]
PRIORS = {"treatment": Normal(0.0, 2.0), "baseline": Normal(0.0, 10.0)}


def model_of(arms: list[ArmResult], tau: HalfNormal | Uniform | None = HalfNormal(0.5)) -> LatentModel:
    return network_model(arms, reference="placebo", heterogeneity=tau, **PRIORS)


def test_a_normal_common_effect_model_is_conjugate() -> None:
    posterior = infer(model_of(MEANS, None))
    precision, pull = 1 / 4.0, 0.0
    for placebo, drug in zip(MEANS[::2], MEANS[1::2], strict=True):
        covariance = np.diag([placebo.se**2, drug.se**2]) + 100.0
        inverse = np.linalg.inv(covariance)
        precision += inverse[1, 1]
        pull += inverse[1] @ np.array([placebo.mean, drug.mean])
    found = estimate(posterior, np.array([1.0]), "mean difference")
    assert found.mean == pytest.approx(pull / precision, abs=1e-6)
    assert found.sd == pytest.approx(precision**-0.5, abs=1e-6)
    assert found.low == pytest.approx(stats.norm(pull / precision, precision**-0.5).ppf(0.025), abs=1e-6)
    assert found.mcse == 0.0


def test_a_normal_random_effects_model_agrees_with_a_dense_grid() -> None:
    """Integrate tau on 20,000 points and d in closed form, straight from the formula."""
    tau = np.linspace(1e-5, 4.0, 20001)
    log_weight = stats.halfnorm(scale=0.5).logpdf(tau)
    precision, pull, constant = np.full_like(tau, 1 / 4.0), np.zeros_like(tau), np.zeros_like(tau)
    for placebo, drug in zip(MEANS[::2], MEANS[1::2], strict=True):
        a, d, b = 100 + placebo.se**2 + tau**2 / 2, 100 + drug.se**2 + tau**2 / 2, 100.0
        determinant = a * d - b * b
        precision += a / determinant
        pull += (a * drug.mean - b * placebo.mean) / determinant
        constant += -0.5 * np.log(determinant)
        constant += (
            -0.5 * (d * placebo.mean**2 - 2 * b * placebo.mean * drug.mean + a * drug.mean**2) / determinant
        )
    log_weight = log_weight + constant + 0.5 * pull**2 / precision - 0.5 * np.log(precision)
    weight = np.exp(log_weight - log_weight.max())
    weight[[0, -1]] /= 2.0  # the trapezoid rule: the prior of tau does not vanish at zero
    weight /= weight.sum()
    mean = weight @ (pull / precision)
    sd = np.sqrt(weight @ (1 / precision + (pull / precision - mean) ** 2))
    found = estimate(infer(model_of(MEANS)), np.array([1.0]), "mean difference")
    assert found.mean == pytest.approx(mean, abs=2e-5)
    assert found.sd == pytest.approx(sd, rel=2e-5)


def test_counts_agree_with_a_brute_force_chain() -> None:
    """A plain random-walk Metropolis over every unknown, with no code in common but the data."""
    events = np.array([arm.events for arm in COUNTS], dtype=float)
    n = np.array([arm.n for arm in COUNTS], dtype=float)
    drug = np.array([arm.treatment == "drug" for arm in COUNTS], dtype=float)
    study = np.repeat(np.arange(3), 2)

    def log_density(v: np.ndarray) -> np.ndarray:
        d, mu, w, log_tau = v[:, 0], v[:, 1:4], v[:, 4:10], v[:, 10]
        tau = np.exp(log_tau)
        eta = mu[:, study] + d[:, None] * drug + w * (tau / np.sqrt(2))[:, None]
        value = (events * eta - n * np.logaddexp(0, eta)).sum(1)
        value += -0.5 * (d / 2.0) ** 2 - 0.5 * ((mu / 10.0) ** 2).sum(1) - 0.5 * (w**2).sum(1)
        return value - 0.5 * (tau / 0.5) ** 2 + log_tau

    random = np.random.default_rng(7)
    chains, steps = 400, 6000
    v = np.zeros((chains, 11))
    v[:, 10] = -1.5
    current = log_density(v)
    scale = np.array([0.35, 0.45, 0.25, 0.9, *[0.45] * 6, 0.6]) * 0.8
    kept = []
    for step in range(steps):
        proposal = v + scale * random.standard_normal(v.shape)
        new = log_density(proposal)
        accept = np.log(random.uniform(size=chains)) < new - current
        v[accept], current[accept] = proposal[accept], new[accept]
        if step >= 1500 and step % 50 == 0:
            kept.append(v[:, [0, 10]].copy())
    sample = np.concatenate(kept)
    posterior = infer(model_of(COUNTS))
    ours = summarise(posterior.x[:, 0], posterior, "log odds ratio")
    tau = summarise(posterior.theta[:, 0], posterior, "log odds ratio")
    # 36,000 correlated draws of 400 chains: the chain's own error is about 0.02 of a posterior sd.
    assert ours.mean == pytest.approx(sample[:, 0].mean(), abs=0.05 * ours.sd)
    assert ours.sd == pytest.approx(sample[:, 0].std(), rel=0.04)
    assert tau.mean == pytest.approx(np.exp(sample[:, 1]).mean(), abs=0.06 * tau.sd)
    assert trust_in(posterior).ok


def test_relabelling_the_reference_turns_the_effect_around() -> None:
    # The intercept belongs to the reference, so only a flat one is the same model either way round.
    flat = {"treatment": Normal(0.0, 2.0), "baseline": Normal(0.0, 1e4)}
    forward, backward = (
        infer(network_model(MEANS, reference=name, heterogeneity=HalfNormal(0.5), **flat))
        for name in ("placebo", "drug")
    )
    one = estimate(forward, np.array([1.0]), "mean difference")
    other = estimate(backward, np.array([1.0]), "mean difference")
    assert one.mean == pytest.approx(-other.mean, abs=1e-5)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-5)


def test_the_order_of_studies_does_not_matter() -> None:
    one = infer(model_of(COUNTS))
    other = infer(model_of([*COUNTS[4:], *COUNTS[:4]]))
    ours = summarise(one.x[:, 0], one, "log odds ratio")
    theirs = summarise(other.x[:, 0], other, "log odds ratio")
    assert ours.mean == pytest.approx(theirs.mean, abs=1e-6)


def test_the_same_seed_gives_the_same_draws_and_another_seed_nearly_the_same_answer() -> None:
    one, again, other = (infer(model_of(COUNTS), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.x, again.x)
    assert np.array_equal(one.weights.values, again.weights.values)
    means = [summarise(p.x[:, 0], p, "log odds ratio") for p in (one, other)]
    assert means[0].mean == pytest.approx(means[1].mean, abs=0.02 * means[0].sd)


def test_every_newton_step_ends_at_a_mode() -> None:
    model = model_of(COUNTS)
    _, converged = conditional_gaussians(model, np.linspace(-3, 3, 13)[:, None])
    assert converged.all()


def test_a_trial_without_an_event_is_kept_and_pulls_the_right_way() -> None:
    with_zero = infer(model_of(COUNTS))
    without = infer(model_of(COUNTS[:4]))
    means = [p.weights.values @ p.x[:, 0] for p in (with_zero, without)]
    assert means[0] != pytest.approx(means[1], abs=1e-3)


def test_a_reference_in_no_study_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'sham' is in no study; treatments are placebo, drug"):
        network_model(COUNTS, reference="sham", heterogeneity=None, **PRIORS)


def test_counts_and_means_do_not_mix() -> None:
    with pytest.raises(ValueError, match="every arm needs events and n"):
        network_model([COUNTS[0], MEANS[1]], reference="placebo", heterogeneity=None, **PRIORS)


def as_posterior(weights: np.ndarray, cluster: np.ndarray) -> SimpleNamespace:
    """As much of a posterior as a summary looks at."""
    return SimpleNamespace(weights=SimpleNamespace(values=weights), cluster=cluster)


def test_weighted_summaries_of_equal_weights_are_the_plain_ones() -> None:
    draws = np.random.default_rng(3).normal(size=5001)
    posterior = as_posterior(np.full(5001, 1 / 5001), np.arange(5001))
    found = summarise(draws, posterior, "probit")
    assert found.mean == pytest.approx(draws.mean())
    assert (found.low, found.median, found.high) == pytest.approx(
        np.quantile(draws, [0.025, 0.5, 0.975]), abs=1e-2
    )
    assert found.mcse == pytest.approx(draws.std() / np.sqrt(5001), rel=1e-6)
    assert probability_above(draws, posterior)[0] == pytest.approx((draws > 0).mean())


def test_draws_that_are_wrong_together_count_once() -> None:
    draws = np.random.default_rng(3).normal(size=400)
    alone = summarise(draws, as_posterior(np.full(400, 1 / 400), np.arange(400)), "probit")
    repeated = as_posterior(np.full(4000, 1 / 4000), np.tile(np.arange(400), 10))
    assert summarise(np.tile(draws, 10), repeated, "probit").mcse == pytest.approx(alone.mcse)


def test_kronecker_points_fill_the_cube_more_evenly_than_chance() -> None:
    for dimensions in (2, 3, 6):
        points = kronecker(256, dimensions)
        chance = np.random.default_rng(1).uniform(size=points.shape)
        assert ((points > 0) & (points < 1)).all()
        assert stats.qmc.discrepancy(points) < 0.5 * stats.qmc.discrepancy(chance)


def test_counting_failures_instead_of_responders_mirrors_every_effect() -> None:
    """No constant is added to any cell, so zero of six and six of six are the same trial seen from either side."""
    failures = [
        ArmResult(arm.study, arm.treatment, (arm.n or 0) - (arm.events or 0), arm.n) for arm in COUNTS
    ]
    one, other = infer(model_of(COUNTS)), infer(model_of(failures))
    ours = summarise(one.x[:, 0], one, "log odds ratio")
    mirrored = summarise(other.x[:, 0], other, "log odds ratio")
    assert ours.mean == pytest.approx(-mirrored.mean, abs=0.01 * ours.sd)
    assert (ours.low, ours.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=0.04 * ours.sd)
