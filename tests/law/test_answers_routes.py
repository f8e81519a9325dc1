"""Every verb on a synthesis by a second route: closed forms of normal models, brute-force draws, simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from myopoise.synthesis.answers.absolute import absolute_effects, outcome_draws
from myopoise.synthesis.answers.baselines import (
    CountedBaseline,
    FixedBaseline,
    NormalBaseline,
    StudyBaseline,
    fit_baseline,
)
from myopoise.synthesis.answers.checks import predictive_checks
from myopoise.synthesis.answers.draws import joint_draws
from myopoise.synthesis.answers.inconsistency import compare_consistency
from myopoise.synthesis.answers.rankings import among_best, ranks_beyond
from myopoise.synthesis.answers.scales import odds_ratios, ratios, risk_differences, risk_ratios
from myopoise.synthesis.answers.terms import draw_terms
from myopoise.synthesis.answers.thresholds import Zone, importance, importance_of_differences
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import ExchangeableBaselines
from myopoise.synthesis.models.structures import NetworkPriors
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.quadrature import log_marginal_likelihood
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies
from myopoise.synthesis.synthesising import synthesise


@dataclass
class Net:
    studies: Studies
    reference: str = "A"


PRIORS = NetworkPriors(treatment=Normal(0.0, 1.0), heterogeneity=HalfNormal(0.5))


def log_ratios() -> Net:
    """Contrasts on the log scale: a normal model, so that every answer is closed given tau."""
    block = Contrasts(
        np.arange(5),
        np.array([[0, 1], [0, 1], [0, 2], [1, 2], [0, 2]]),
        np.array([[0.4], [0.1], [0.8], [0.3], [0.5]]),
        np.array([0.04, 0.09, 0.05, 0.06, 0.1]).reshape(5, 1, 1),
        np.zeros(5),
    )
    names = ("one", "two", "three", "four", "five")
    return Net(Studies(names, ("A", "B", "C"), contrasts=(block,), measure="log odds ratio"))


@pytest.fixture(scope="module")
def normal() -> NetworkSynthesis:
    return synthesise(log_ratios(), priors=PRIORS)


def counts(seed: int = 1, studies: int = 12) -> Net:
    """Two-arm trials of three treatments with heterogeneity."""
    random = np.random.default_rng(seed)
    pairs = [(0, 1), (0, 2), (1, 2)]
    study = np.repeat(np.arange(studies), 2)
    treatment = np.array([pairs[s % 3] for s in range(studies)]).ravel()
    effect = np.array([0.0, 0.5, 0.9])
    level = random.normal(-1.0, 0.5, studies)[study] + effect[treatment]
    level = level + random.normal(0.0, 0.3 / math.sqrt(2.0), len(study))
    n = np.full(len(study), 80.0)
    events = random.binomial(n.astype(int), 1.0 / (1.0 + np.exp(-level))).astype(float)
    names = tuple(f"study {i + 1}" for i in range(studies))
    return Net(Studies(names, ("A", "B", "C"), Arms(Outcome.BINOMIAL, study, treatment, events=events, n=n)))


@pytest.fixture(scope="module")
def binomial() -> NetworkSynthesis:
    return synthesise(counts(), priors=PRIORS)


@pytest.fixture(scope="module")
def many() -> NetworkSynthesis:
    """The same fit from many weighted draws: the slow route."""
    return synthesise(counts(), priors=PRIORS, draws=16_384, seed=5, fit=False)


def mixture(found: NetworkSynthesis, pair: tuple[str, str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight, mean and sd of an effect at each node of tau."""
    assert found.assembled is not None
    assert found.assembled.effects is not None
    at = found.treatments.index
    contrast = found.assembled.effects[at(pair[0])] - found.assembled.effects[at(pair[1])]
    given = found.posterior.mixture
    return (given.weight, *given.linear(contrast))


# --- closed forms of a normal model -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [("B", "A"), ("C", "A"), ("A", "C"), ("C", "B")])
def test_the_mean_of_a_ratio_is_that_of_a_mixture_of_log_normals(
    normal: NetworkSynthesis, pair: tuple[str, str]
) -> None:
    weight, mean, sd = mixture(normal, pair)
    first = float(weight @ np.exp(mean + 0.5 * sd**2))
    second = float(weight @ np.exp(2.0 * mean + 2.0 * sd**2))
    found = ratios(normal)[pair]
    assert found.mean == pytest.approx(first, abs=4.0 * found.mcse)
    assert found.mcse < 0.01 * found.sd
    assert found.sd == pytest.approx(math.sqrt(second - first**2), rel=0.03)
    assert found.median == math.exp(normal.relative_effects[pair].median)
    assert found.scale == "odds ratio"


def test_a_new_studys_ratio_is_wider_by_the_heterogeneity(normal: NetworkSynthesis) -> None:
    weight, mean, sd = mixture(normal, ("C", "A"))
    tau = normal.posterior.model.theta(normal.posterior.mixture.z)[:, 0]
    expected = float(weight @ np.exp(mean + 0.5 * (sd**2 + tau**2)))
    found = ratios(normal, predictive=True)["C", "A"]
    assert found.mean == pytest.approx(expected, abs=4.0 * found.mcse)
    assert found.high == math.exp(normal.predictive["C", "A"].high)


def test_the_chance_of_an_important_effect_is_exact_for_a_normal_model(normal: NetworkSynthesis) -> None:
    weight, mean, sd = mixture(normal, ("C", "A"))
    found = importance(normal, Zone(0.1, 0.4))["C", "A"]
    assert found.below.probability == pytest.approx(float(weight @ ndtr((0.1 - mean) / sd)), rel=1e-6)
    assert found.above.probability == pytest.approx(float(weight @ ndtr((mean - 0.4) / sd)), rel=1e-6)
    assert found.above.mcse == 0.0
    total = found.below.probability + found.within.probability + found.above.probability
    assert total == pytest.approx(1.0)
    mirror = importance(normal, Zone(-0.4, -0.1))["A", "C"]
    assert mirror.above.probability == pytest.approx(found.below.probability)


def test_a_new_studys_chance_of_an_important_effect_counts_the_heterogeneity(
    normal: NetworkSynthesis,
) -> None:
    weight, mean, sd = mixture(normal, ("C", "A"))
    tau = normal.posterior.model.theta(normal.posterior.mixture.z)[:, 0]
    expected = float(weight @ ndtr((mean - 0.4) / np.sqrt(sd**2 + tau**2)))
    found = importance(normal, Zone(0.4, 0.4), predictive=True)["C", "A"].above
    assert found.probability == pytest.approx(expected, abs=4.0 * found.mcse)
    assert found.mcse < 0.005


def test_draws_of_a_linear_function_agree_with_its_exact_summary(normal: NetworkSynthesis) -> None:
    assert normal.assembled is not None
    assert normal.assembled.effects is not None
    joint = joint_draws(normal.posterior)
    found = joint.estimates(joint.x @ normal.assembled.effects[1:].T, ["x", "x"])
    for each, name in zip(found, normal.treatments[1:], strict=True):
        exact = normal.relative_effects[name, "A"]
        assert each.mean == pytest.approx(exact.mean, abs=0.003 * exact.sd)
        assert each.sd == pytest.approx(exact.sd, rel=0.01)
        assert (each.low, each.high) == pytest.approx((exact.low, exact.high), abs=0.01 * exact.sd)


def test_the_p_score_of_a_threshold_is_the_mean_of_normal_tails(normal: NetworkSynthesis) -> None:
    found = {rank.treatment: rank for rank in ranks_beyond(normal, 0.2, direction="higher")}
    for name in normal.treatments:
        tails = []
        for other in normal.treatments:
            if other != name:
                weight, mean, sd = mixture(normal, (name, other))
                tails.append(float(weight @ ndtr((mean - 0.2) / sd)))
        assert found[name].superiority == pytest.approx(np.mean(tails), abs=4.0 * found[name].mcse)
        assert found[name].mcse < 0.005


# --- laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_a_threshold_of_zero_gives_sucra_and_rank_probabilities_back(direction: str) -> None:
    found = synthesise(counts(), priors=PRIORS, direction=direction, fit=False)  # type: ignore[arg-type]
    beyond = {r.treatment: r for r in ranks_beyond(found, 0.0, direction=direction)}  # type: ignore[arg-type]
    best_two = among_best(found, 2, direction=direction)  # type: ignore[arg-type]
    for rank in found.ranking:
        assert beyond[rank.treatment].superiority == pytest.approx(rank.sucra, abs=0.005)
        assert beyond[rank.treatment].probabilities == pytest.approx(rank.probabilities, abs=0.01)
        assert best_two[rank.treatment].probability == pytest.approx(sum(rank.probabilities[:2]), abs=0.01)
    assert sum(chance.probability for chance in best_two.values()) == pytest.approx(2.0, abs=1e-9)


def test_a_higher_threshold_is_met_less_often(binomial: NetworkSynthesis) -> None:
    scores = [
        {r.treatment: r.superiority for r in ranks_beyond(binomial, delta, direction="higher")}
        for delta in (0.0, 0.2, 0.5, 100.0)
    ]
    for name in binomial.treatments:
        falling = [each[name] for each in scores]
        assert falling == sorted(falling, reverse=True)
        assert falling[-1] == 0.0


def test_ratios_of_a_pair_and_its_mirror_are_reciprocal(binomial: NetworkSynthesis) -> None:
    for given in (risk_ratios(binomial, CountedBaseline(20, 80)), ratios(binomial)):
        one, other = given["B", "C"], given["C", "B"]
        assert one.median == pytest.approx(1.0 / other.median, rel=1e-3)
        assert (one.low, one.high) == pytest.approx((1.0 / other.high, 1.0 / other.low), rel=1e-3)


def test_odds_ratios_at_any_baseline_are_those_of_the_logit_link(binomial: NetworkSynthesis) -> None:
    plain = ratios(binomial)
    for baseline in (FixedBaseline(0.05), NormalBaseline(0.3, 0.5)):
        for pair, found in odds_ratios(binomial, baseline).items():
            assert found.median == pytest.approx(plain[pair].median, rel=0.01)
            assert (found.low, found.high) == pytest.approx((plain[pair].low, plain[pair].high), rel=0.02)


def test_at_a_rare_baseline_the_risk_ratio_is_the_odds_ratio(binomial: NetworkSynthesis) -> None:
    rare, plain = risk_ratios(binomial, FixedBaseline(1e-6))["C", "A"], ratios(binomial)["C", "A"]
    assert rare.median == pytest.approx(plain.median, rel=0.01)


# --- brute force ------------------------------------------------------------------------------------------------------


def weighted(values: np.ndarray, weights: np.ndarray) -> tuple[float, float, np.ndarray]:
    mean = float(weights @ values)
    order = np.argsort(values)
    ends = np.interp((0.025, 0.5, 0.975), np.cumsum(weights[order]), values[order])
    return mean, float(np.sqrt(weights @ (values - mean) ** 2)), ends


def test_risk_ratios_and_differences_agree_with_many_weighted_draws(
    binomial: NetworkSynthesis, many: NetworkSynthesis
) -> None:
    assert many.assembled is not None
    assert many.assembled.effects is not None
    effect = many.posterior.x @ many.assembled.effects.T
    base = np.random.default_rng(3).normal(-1.5, 0.4, len(effect))
    chance = 1.0 / (1.0 + np.exp(-(base[:, None] + effect)))
    weights = many.posterior.weights.values
    baseline = NormalBaseline(-1.5, 0.4)
    for found, brute in (
        (risk_ratios(binomial, baseline)["C", "B"], chance[:, 2] / chance[:, 1]),
        (risk_differences(binomial, baseline)["C", "A"], chance[:, 2] - chance[:, 0]),
        (absolute_effects(binomial, baseline).treatments["B"][0], chance[:, 1]),
    ):
        mean, sd, ends = weighted(brute, weights)
        assert found.mean == pytest.approx(mean, abs=0.04 * sd)
        assert found.sd == pytest.approx(sd, rel=0.04)
        assert (found.low, found.median, found.high) == pytest.approx(tuple(ends), abs=0.1 * sd)
        assert found.mcse < 0.02 * sd


def test_a_difference_that_matters_in_a_population_agrees_with_many_weighted_draws(
    binomial: NetworkSynthesis, many: NetworkSynthesis
) -> None:
    assert many.assembled is not None
    assert many.assembled.effects is not None
    effect = many.posterior.x @ many.assembled.effects.T
    chance = 1.0 / (1.0 + np.exp(-(math.log(0.2 / 0.8) + effect)))
    beyond = (chance[:, 2] - chance[:, 0]) > 0.10
    found = importance_of_differences(binomial, FixedBaseline(0.2), Zone.within(0.10))["C", "A"]
    expected = float(many.posterior.weights.values @ beyond)
    assert found.above.probability == pytest.approx(expected, abs=0.015)
    direct = importance(binomial, Zone(0.5, 0.5))["C", "A"].above
    brute = float(many.posterior.weights.values @ (effect[:, 2] > 0.5))
    assert direct.probability == pytest.approx(brute, abs=0.015)


def test_a_new_studys_outcome_varies_by_the_heterogeneity_and_arms_share_half(
    binomial: NetworkSynthesis,
) -> None:
    now = outcome_draws(binomial, FixedBaseline(0.3))
    later = outcome_draws(binomial, FixedBaseline(0.3), predictive=True)
    logit = [np.log(o.values[0] / (1.0 - o.values[0])) for o in (now, later)]
    extra = logit[1] - logit[0]
    weights = now.joint.weights
    tau2 = float(weights @ now.joint.theta[:, 0] ** 2)
    assert np.allclose(extra[:, 0], 0.0)
    assert float(weights @ extra[:, 1] ** 2) == pytest.approx(tau2, rel=0.05)
    assert float(weights @ (extra[:, 1] * extra[:, 2])) == pytest.approx(0.5 * tau2, rel=0.1)
    assert float(weights @ (extra[:, 1] - extra[:, 2]) ** 2) == pytest.approx(tau2, rel=0.05)


def test_a_fixed_baseline_is_the_reference_treatments_outcome(binomial: NetworkSynthesis) -> None:
    found = absolute_effects(binomial, FixedBaseline(0.3)).treatments["A"][0]
    assert (found.mean, found.sd) == pytest.approx((0.3, 0.0), abs=1e-9)


def test_counts_make_a_beta_baseline_and_rates_a_gamma_one(binomial: NetworkSynthesis) -> None:
    found = absolute_effects(binomial, CountedBaseline(6, 20)).treatments["A"][0]
    assert found.mean == pytest.approx(6 / 20, abs=0.001)
    assert found.sd == pytest.approx(math.sqrt(6 * 14 / (20**2 * 21)), rel=0.01)
    arms = Arms(
        Outcome.POISSON,
        np.array([0, 0, 1, 1]),
        np.array([0, 1, 0, 1]),
        events=np.array([10.0, 20, 12, 19]),
        exposure=np.array([100.0, 100, 90, 90]),
    )
    rates = synthesise(Net(Studies(("one", "two"), ("A", "B"), arms)), effects="common", fit=False)
    rate = absolute_effects(rates, CountedBaseline(9, 100), exposure=50.0)
    assert rate.treatments["A"][0].mean == pytest.approx(9 / 100 * 50, rel=0.005)
    assert rate.treatments["A"][0].sd == pytest.approx(3 / 100 * 50, rel=0.01)
    assert rate.treatments["A"][0].scale == "rate"


# --- terms of studies -------------------------------------------------------------------------------------------------


def means() -> Net:
    arms = Arms(
        Outcome.NORMAL,
        np.array([0, 0, 1, 1, 1, 2, 2]),
        np.array([0, 1, 0, 1, 2, 1, 2]),
        mean=np.array([1.0, 2.0, 0.0, 1.5, 1.9, 3.0, 3.2]),
        se=np.array([0.3, 0.4, 0.2, 0.3, 0.5, 0.4, 0.3]),
    )
    return Net(Studies(("one", "two", "three"), ("A", "B", "C"), arms))


def test_terms_of_normal_studies_have_their_conjugate_distribution() -> None:
    found = synthesise(means(), priors=NetworkPriors(heterogeneity=HalfNormal(1.0)), fit=False)
    model = found.posterior.model
    tau, count = 0.7, 4000
    x = np.tile([1.0, 1.4], (count, 1))
    theta = np.full((count, 1), tau)
    level = np.tile(found.posterior.mixture.level[:, :1], (1, count))
    terms = draw_terms(model, x, theta, level, np.random.default_rng(1))
    arms = means().studies.arms
    assert arms is not None
    assert arms.mean is not None
    assert arms.se is not None
    off = arms.mean - np.array([0.0, 1.0, 1.4])[arms.treatment]
    for s in range(3):
        mine = arms.study == s
        width = arms.se[mine] ** 2 + tau**2 / 2.0
        precision = 1e-4 + (1.0 / width).sum()
        centre = (off[mine] / width).sum() / precision
        assert terms.study[s].mean() == pytest.approx(centre, abs=5.0 / math.sqrt(precision * count))
        assert terms.study[s].std() == pytest.approx(precision**-0.5, rel=0.05)
        # An arm's term, the study's integrated out: shrunk residual, and what the study's spread adds.
        share = (tau**2 / 2.0) / width
        own = share * arms.se[mine] ** 2
        assert terms.arm[mine].mean(1) == pytest.approx(share * (off[mine] - centre), abs=0.06)
        assert terms.arm[mine].std(1) == pytest.approx(np.sqrt(own + share**2 / precision), rel=0.06)


def test_the_density_of_a_study_with_its_terms_integrated_is_that_of_the_inference() -> None:
    for found in (
        synthesise(means(), priors=NetworkPriors(heterogeneity=HalfNormal(1.0)), fit=False),
        synthesise(counts(), priors=PRIORS, fit=False),
    ):
        posterior = found.posterior
        x, theta = posterior.x[:40], posterior.theta[:40]
        level = posterior.mixture.level[:, posterior.node[:40]]
        terms = draw_terms(posterior.model, x, theta, level, np.random.default_rng(0))
        exact = log_marginal_likelihood(posterior.model, x, theta, outer=41, inner=31)
        assert terms.log_density.sum(0) == pytest.approx(exact, abs=0.002)


def test_a_study_in_which_nobody_had_the_event_has_the_posterior_of_a_dense_sum() -> None:
    arms = Arms(
        Outcome.BINOMIAL,
        np.array([0, 0, 1, 1]),
        np.array([0, 1, 0, 1]),
        events=np.array([0.0, 0.0, 4, 9]),
        n=np.full(4, 30.0),
    )
    priors = NetworkPriors(intercept=Normal(0.0, 10.0), heterogeneity=HalfNormal(0.5))
    found = synthesise(
        Net(Studies(("none", "some"), ("A", "B"), arms)), priors=priors, effects="common", fit=False
    )
    count = 4000
    x = np.full((count, 1), 0.8)
    level = np.tile(found.posterior.mixture.level[:, :1], (1, count))
    drawn = draw_terms(found.posterior.model, x, np.zeros((count, 0)), level, np.random.default_rng(2)).study[
        0
    ]
    grid = np.linspace(-60.0, 5.0, 20_001)
    log_density = -0.005 * grid**2 - 30.0 * np.logaddexp(0.0, grid) - 30.0 * np.logaddexp(0.0, grid + 0.8)
    share = np.exp(log_density - log_density.max())
    share = share / share.sum()
    for level_wanted in (0.025, 0.25, 0.5, 0.75, 0.975):
        exact = np.interp(level_wanted, np.cumsum(share), grid)
        assert np.mean(drawn < exact) == pytest.approx(level_wanted, abs=0.025)


def test_the_population_of_a_study_has_the_risk_its_reference_arm_is_fitted_with() -> None:
    net = counts()
    found = synthesise(net, priors=PRIORS, fit=False)
    posterior, arms = found.posterior, net.studies.arms
    assert arms is not None
    # Draw by draw, sum over a dense grid of (u, w of the reference arm), the other arm's term summed within.
    keep = np.random.default_rng(4).choice(len(posterior.x), 150, p=posterior.weights.values)
    u = np.linspace(-4.0, 2.0, 121)[:, None, None]
    w = np.linspace(-4.0, 4.0, 41)
    total = []
    assert arms.events is not None
    for x, tau in zip(posterior.x[keep], posterior.theta[keep, 0], strict=True):
        sd = tau / math.sqrt(2.0)
        prior = np.exp(-0.5 * w**2)

        def likelihood(eta: np.ndarray, events: float) -> np.ndarray:
            return np.exp(events * eta - 80.0 * np.logaddexp(0.0, eta) + 60.0)

        other = (likelihood(u + x[0] + sd * w, arms.events[1]) * prior).sum(2)[:, :, None]
        mine = likelihood(u + sd * w, arms.events[0]) * prior
        weight = np.exp(-0.5 * (u / 100.0) ** 2) * mine * other
        total.append(float((weight / (1.0 + np.exp(-(u + sd * w)))).sum() / weight.sum()))
    risk = absolute_effects(found, StudyBaseline(net.studies, "study 1")).treatments["A"][0]
    error = float(np.std(total)) / math.sqrt(len(total))
    assert risk.mean == pytest.approx(float(np.mean(total)), abs=4.0 * math.hypot(error, risk.mcse))


def test_baselines_of_normal_reference_arms_agree_with_a_dense_sum() -> None:
    arms = Arms(
        Outcome.NORMAL,
        np.array([0, 0, 1, 1, 2, 2, 3, 3]),
        np.array([0, 1, 0, 1, 0, 1, 1, 2]),
        mean=np.array([1.0, 2.0, 0.2, 1.5, 1.9, 3.0, 3.2, 9.9]),
        se=np.array([0.3, 0.4, 0.2, 0.3, 0.5, 0.4, 0.3, 0.1]),
    )
    net = Net(Studies(("one", "two", "three", "four"), ("A", "B", "C"), arms))
    priors = ExchangeableBaselines(mean=Normal(0.0, 10.0), spread=HalfNormal(1.0))
    found = fit_baseline(net, priors=priors)
    assert found.studies == 3
    y, se = np.array([1.0, 0.2, 1.9]), np.array([0.3, 0.2, 0.5])
    sigma = (np.arange(2000) + 0.5) / 2000 * 5.0
    width = se**2 + sigma[:, None] ** 2
    precision = 0.01 + (1.0 / width).sum(1)
    centre = (y / width).sum(1) / precision
    log_weight = -0.5 * sigma**2 - 0.5 * np.log(precision) - 0.5 * np.log(width).sum(1)
    log_weight += -0.5 * (y**2 / width).sum(1) + 0.5 * precision * centre**2
    weight = np.exp(log_weight - log_weight.max())
    weight = weight / weight.sum()
    mean = float(weight @ centre)
    variance = float(weight @ (1.0 / precision + (centre - mean) ** 2))
    assert found.mean.mean == pytest.approx(mean, abs=0.005)
    assert found.mean.sd == pytest.approx(math.sqrt(variance), rel=0.01)
    assert found.spread.mean == pytest.approx(float(weight @ sigma), rel=0.01)
    later = math.sqrt(variance + float(weight @ sigma**2))
    assert found.predictive.sd == pytest.approx(later, rel=0.02)
    outcome = synthesise(net, effects="common", fit=False)
    new = fit_baseline(net, priors=priors, new_study=True)
    assert absolute_effects(outcome, new).treatments["A"][0].sd == pytest.approx(later, rel=0.03)
    assert absolute_effects(outcome, found).treatments["A"][0].mean == pytest.approx(mean, abs=0.01)


# --- ordered outcomes -------------------------------------------------------------------------------------------------


def test_thresholds_of_an_ordered_outcome_are_a_cut_point_apart() -> None:
    arms = Arms(
        Outcome.ORDERED,
        np.array([0, 0, 1, 1]),
        np.array([0, 1, 0, 1]),
        n=np.full(4, 100.0),
        at_least=np.array([[30.0, 10], [55, 25], [35, 15], [60, 30]]),
    )
    net = Net(Studies(("one", "two"), ("A", "B"), arms))
    found = synthesise(net, effects="common", fit=False)
    first, second = absolute_effects(found, FixedBaseline(0.3)).treatments["A"]
    cut = found.parameters["cut 2"]
    assert first.mean == pytest.approx(0.3)
    assert second.median == pytest.approx(float(ndtr(ndtri(0.3) - cut.median)), abs=0.002)
    above = risk_differences(found, FixedBaseline(0.3), threshold=1)["B", "A"]
    assert 0.0 < above.mean < 0.3
    checks = predictive_checks(found, net.studies, replicates=256)
    assert all(0.02 < point.kept < 0.98 for point in checks.points)
    assert 0.05 < checks.kept.probability < 0.95


# --- inconsistency ----------------------------------------------------------------------------------------------------


def triangle(gap: float) -> Net:
    block = Contrasts(
        np.arange(6),
        np.array([[0, 1], [0, 1], [0, 2], [0, 2], [1, 2], [1, 2]]),
        np.array([0.5, 0.5, 1.0, 1.0, 0.5 + gap, 0.5 + gap]).reshape(6, 1),
        np.full((6, 1, 1), 0.02),
        np.zeros(6),
    )
    return Net(Studies(tuple("123456"), ("A", "B", "C"), contrasts=(block,), measure="mean difference"))


def test_a_loop_that_does_not_close_shows_in_deviance_and_omega() -> None:
    closed, open_ = (compare_consistency(triangle(gap), effects="common") for gap in (0.0, 1.5))
    # By least squares each of three comparisons is off by a third of the gap, six studies of variance 0.02.
    assert open_.residual_deviance[0] - open_.residual_deviance[1] == pytest.approx(
        6 * 0.5**2 / 0.02 - 1.0, abs=0.1
    )
    assert closed.residual_deviance[0] - closed.residual_deviance[1] == pytest.approx(-1.0, abs=0.1)
    assert open_.dic[1] < open_.dic[0] - 50.0
    assert open_.omega.median > 3.0 * closed.omega.median
    assert sum(point.consistency for point in open_.points) == pytest.approx(open_.residual_deviance[0])
    assert all(point.gain > 5.0 for point in open_.points)
    assert open_.tau == (None, None, None)


def test_probit_odds_ratios_depend_on_the_baseline() -> None:
    net = counts()
    found = synthesise(net, priors=PRIORS, link=Link.PROBIT, fit=False)
    low, high = (odds_ratios(found, FixedBaseline(risk))["C", "A"].median for risk in (0.02, 0.5))
    effect = found.relative_effects["C", "A"].median
    for risk, ratio in ((0.02, low), (0.5, high)):
        chance = float(ndtr(ndtri(risk) + effect))
        assert ratio == pytest.approx(chance / (1 - chance) / (risk / (1 - risk)), rel=0.01)
