"""The sampler's density is that of the model, and its absence is said in words."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from myopoise.errors import MissingComponent
from myopoise.synthesis import reference
from myopoise.synthesis.latent import Comparisons, LatentModel, MeasuredContrasts, Variances
from myopoise.synthesis.likelihoods import BinomialCounts, NormalMeans, OrderedCounts, PoissonCounts
from myopoise.synthesis.links import Link
from myopoise.synthesis.priors import HalfNormal, Uniform

HAS_SAMPLER = importlib.util.find_spec("numpyro") is not None
with_sampler = pytest.mark.skipif(not HAS_SAMPLER, reason="the extra `reference` (NumPyro) is not installed")

LIKELIHOODS = {
    "binomial logit": lambda: BinomialCounts(np.array([3.0, 0.0, 7.0, 9.0]), np.full(4, 9.0), Link.LOGIT),
    "binomial probit": lambda: BinomialCounts(np.array([3.0, 2.0, 7.0, 9.0]), np.full(4, 9.0), Link.PROBIT),
    "binomial cloglog": lambda: BinomialCounts(np.array([3.0, 0.0, 7.0, 9.0]), np.full(4, 9.0), Link.CLOGLOG),
    "poisson": lambda: PoissonCounts(np.array([3.0, 0.0, 7.0, 9.0]), np.array([2.0, 1.0, 4.0, 3.0])),
    "normal": lambda: NormalMeans(np.array([0.3, -1.0, 0.2, 0.9]), np.array([0.2, 0.4, 0.3, 0.5])),
}


def _model(likelihood, *, shares=None, result=None, arm=None) -> LatentModel:
    """Two studies of two arms, two columns (one under a standard deviation), contrasts and printed comparisons."""
    parts = 4 if result is None else len(result)
    random = np.random.default_rng(1)
    return LatentModel(
        name="a small model of everything",
        hypers=(("tau", HalfNormal(0.8)), ("spread", Uniform(0.0, 2.0))),
        columns=("effect", "deviation"),
        column_mean=np.array([0.2, 0.0]),
        column_variance=Variances(np.array([4.0, 0.0]), np.array([[0.0, 0.0], [0.0, 1.0]])),
        design=random.standard_normal((parts, 2)),
        shares=np.ones(4) if shares is None else shares,
        result=np.arange(4) if result is None else result,
        arm=np.arange(4) if arm is None else arm,
        study=np.array([0, 0, 1, 1]),
        study_variance=Variances(np.array([9.0, 0.0]), np.array([[0.0, 0.0], [0.0, 0.7]])),
        arm_variance=Variances(np.zeros(4), np.tile([0.5, 0.0], (4, 1))),
        likelihood=likelihood,
        comparisons=Comparisons(
            np.array([[1.0, 0.5], [0.0, 1.0]]),
            np.array([0.4, 0.3]),
            np.array([1.2, np.nan]),
            Variances(np.zeros(2), np.tile([1.0, 0.0], (2, 1))),
        ),
        contrasts=(
            MeasuredContrasts(
                random.standard_normal((2, 2, 2)),
                random.standard_normal((2, 2)),
                np.tile([[0.5, 0.2], [0.2, 0.6]], (2, 1, 1)),
                np.array([1.0, 0.0]),
            ),
        ),
        offset=0.1 * np.arange(parts),
    )


def _by_hand(model: LatentModel, layout, value: np.ndarray) -> float:
    """Log density of the sampler's vector from scipy and the likelihood's own NumPy."""
    z = value[layout.z]
    theta = model.theta(z[None])[0]
    total = norm.logpdf(z).sum()
    terms = []
    for place, own, variances, mean in (
        (layout.x, layout.x_own, model.column_variance, model.column_mean),
        (layout.u, layout.u_own, model.study_variance, 0.0),
        (layout.w, layout.w_own, model.arm_variance, 0.0),
    ):
        raw, sd = value[place], np.sqrt(variances.at(theta[None])[0])
        total += np.where(own, norm.logpdf(raw, mean, sd), norm.logpdf(raw)).sum()
        terms.append(np.where(own, raw, mean + sd * raw))
    x, u, w = terms
    eta = model.predictor(x[None], theta[None])[:, 0] + u[model.study[model.part_arm]] + w[model.part_arm]
    total += model.likelihood.log_density(eta[:, None], model.mix(theta[None])).sum()
    for given in model.contrasts:
        for design, estimate, covariance in zip(
            given.design, given.estimate, given.covariance_at(theta[None])[:, 0], strict=True
        ):
            total += multivariate_normal(design @ x, covariance).logpdf(estimate)
    known = model.comparisons
    sd = np.sqrt(known.se**2 + known.variance.at(theta[None])[0])
    mean = known.design @ x
    printed = known.z[0] * known.se[0]
    total += np.log(0.5 * (norm.pdf(printed, mean[0], sd[0]) + norm.pdf(-printed, mean[0], sd[0])))
    limit, away = 1.959963984540054 * known.se[1], abs(mean[1])
    return float(total + np.log(norm.cdf(limit, away, sd[1]) - norm.cdf(-limit, away, sd[1])))


def _differences(model: LatentModel) -> np.ndarray:
    import jax

    layout = reference._Layout.of(model)
    with jax.enable_x64(True):
        density = reference._log_density(model, layout)
        # Not so far out that a chance is the difference of two numbers near one: both programs lose digits there.
        points = 0.5 * np.random.default_rng(2).standard_normal((12, layout.size))
        return np.array([float(density(p)) - _by_hand(model, layout, p) for p in points])


@with_sampler
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_density_is_that_of_the_model_but_for_a_constant(name: str) -> None:
    found = _differences(_model(LIKELIHOODS[name]()))
    assert np.ptp(found) < 1e-6


@with_sampler
def test_an_arm_of_mixed_patients_has_the_average_chance_of_its_parts() -> None:
    seen = BinomialCounts(np.array([3.0, 1.0, 7.0, 9.0]), np.full(4, 10.0), Link.PROBIT)
    mixed = _model(seen, shares=np.array([0.3, 0.7, 1.0, 1.0, 1.0]), result=np.array([0, 0, 1, 2, 3]))
    assert np.ptp(_differences(mixed)) < 1e-6


@with_sampler
def test_the_categories_of_an_ordered_outcome_have_their_chances() -> None:
    # Two categories in each of four arms: below the threshold, and above.
    seen = OrderedCounts(
        np.array([3.0, 6.0, 1.0, 8.0, 5.0, 4.0, 2.0, 7.0]),
        np.full(8, 9.0),
        np.tile([1.0, 0.0], 4),
        np.repeat([6.0, 8.0, 4.0, 7.0], 2),
        Link.PROBIT,
    )
    ordered = _model(
        seen, shares=np.tile([-1.0, 1.0], 4), result=np.arange(8), arm=np.repeat(np.arange(4), 2)
    )
    assert np.ptp(_differences(ordered)) < 1e-6


@with_sampler
def test_a_normal_model_has_the_mean_and_sd_that_algebra_gives() -> None:
    plain = LatentModel(
        name="two means of one quantity",
        hypers=(),
        columns=("mean",),
        column_mean=np.zeros(1),
        column_variance=Variances(np.array([100.0]), np.zeros((1, 0))),
        design=np.ones((2, 1)),
        shares=np.ones(2),
        result=np.arange(2),
        arm=np.arange(2),
        study=np.arange(2),
        study_variance=Variances(np.zeros(2), np.zeros((2, 0))),
        arm_variance=Variances(np.zeros(2), np.zeros((2, 0))),
        likelihood=NormalMeans(np.array([1.0, 2.0]), np.array([0.5, 0.5])),
        comparisons=Comparisons.none(1, 0),
    )
    found = reference.sample(plain, chains=2, draws=1000, seed=3)
    precision = 1 / 100.0 + 2 / 0.25
    (mean,) = found.estimates(np.ones((1, 1)), "")
    assert found.ok
    assert mean.mean == pytest.approx((1.0 + 2.0) / 0.25 / precision, abs=4.0 * mean.mcse)
    assert mean.sd == pytest.approx(precision**-0.5, rel=0.1)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpyro", None)
    monkeypatch.setitem(sys.modules, "numpyro.infer", None)
    with pytest.raises(MissingComponent, match=r"myopoise\[reference\]"):
        reference.sample(_model(LIKELIHOODS["normal"]()))


def test_a_run_is_believed_only_when_its_chains_agree() -> None:
    model = _model(LIKELIHOODS["normal"]())
    draws = np.zeros((4000, 2))

    def run(r_hat: float, effective: float, divergences: int) -> reference.ReferencePosterior:
        return reference.ReferencePosterior(
            *(model, draws, draws, np.zeros((4000, 2)), np.zeros((4000, 4))),
            *({"effect": r_hat}, {"effect": effective}, divergences, 4),
        )

    assert run(1.005, 900.0, 2).ok
    assert not run(1.02, 900.0, 2).ok
    assert not run(1.005, 300.0, 2).ok
    assert not run(1.005, 900.0, 40).ok
