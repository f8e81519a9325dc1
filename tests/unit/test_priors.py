"""Priors map standard normal scores to themselves and back, and say what they imply."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from myopoise.errors import WrongUsage
from myopoise.synthesis.prior_words import FORMS, parse_normal, parse_prior, spell_prior
from myopoise.synthesis.priors import (
    HalfCauchy,
    HalfNormal,
    HalfT,
    InverseGamma,
    LogNormal,
    LogNormalVariance,
    LogTVariance,
    Normal,
    Prior,
    Uniform,
)

SCORES = np.linspace(-5.0, 5.0, 41)

CASES = [
    (Normal(0.5, 2.0), stats.norm(0.5, 2.0)),
    (HalfNormal(0.25), stats.halfnorm(scale=0.25)),
    (Uniform(0.0, 5.0), stats.uniform(0.0, 5.0)),
    (LogNormal(np.log(0.65), 0.4), stats.lognorm(0.4, scale=0.65)),
    (LogNormalVariance(-2.56, 1.74), stats.lognorm(0.87, scale=math.exp(-1.28))),
    (HalfCauchy(0.5), stats.halfcauchy(scale=0.5)),
]
ON_THE_SQUARE = [
    (InverseGamma(2.0, 0.3), stats.invgamma(2.0, scale=0.3)),
    (InverseGamma(0.5, 0.01), stats.invgamma(0.5, scale=0.01)),
]
EVERY = [prior for prior, _ in CASES + ON_THE_SQUARE] + [
    HalfT(3.0, 2.5),
    HalfT(40.0, 0.2),
    LogTVariance(5.0, -3.44, 2.59),
]
OF_TAU = [prior for prior in EVERY if not isinstance(prior, Normal)]


@pytest.mark.parametrize(("prior", "reference"), CASES, ids=lambda case: type(case).__name__)
def test_the_value_at_a_score_is_the_quantile_of_the_textbook_distribution(
    prior: Prior, reference: stats.rv_continuous
) -> None:
    below = SCORES[SCORES <= 0.0]
    assert prior.value(below) == pytest.approx(reference.ppf(stats.norm.cdf(below)), rel=1e-9)
    above = SCORES[SCORES > 0.0]
    assert prior.value(above) == pytest.approx(reference.isf(stats.norm.sf(above)), rel=1e-9)


@pytest.mark.parametrize(("prior", "reference"), ON_THE_SQUARE, ids=["shape 2", "shape 0.5"])
def test_a_prior_on_the_square_gives_its_root(prior: Prior, reference: stats.rv_continuous) -> None:
    below, above = SCORES[SCORES <= 0.0], SCORES[SCORES > 0.0]
    assert prior.value(below) ** 2 == pytest.approx(reference.ppf(stats.norm.cdf(below)), rel=1e-9)
    assert prior.value(above) ** 2 == pytest.approx(reference.isf(stats.norm.sf(above)), rel=1e-9)


def test_a_half_t_is_a_t_folded_at_zero() -> None:
    upper = HalfT(3.0, 2.5).value(np.array([-1.0, 0.0, 3.0]))
    assert upper == pytest.approx(2.5 * stats.t(3).isf(stats.norm.sf([-1.0, 0.0, 3.0]) / 2.0), rel=1e-10)


def test_a_half_cauchy_is_a_tangent_in_both_tails() -> None:
    assert HalfCauchy(2.0).value(np.array([-8.0]))[0] == pytest.approx(
        2.0 * math.tan(math.pi / 2.0 * stats.norm.sf(8.0)), rel=1e-12
    )
    assert HalfCauchy(2.0).value(np.array([8.0]))[0] == pytest.approx(
        2.0 / math.tan(math.pi / 2.0 * stats.norm.sf(8.0)), rel=1e-12
    )


def test_a_log_t_is_a_students_t_on_the_logarithm_of_the_square() -> None:
    found = 2.0 * np.log(LogTVariance(5.0, -3.44, 2.59).value(SCORES))
    upper = -3.44 + 2.59 * stats.t(5).isf(stats.norm.sf(np.abs(SCORES)))
    assert np.where(SCORES > 0.0, found, 2.0 * -3.44 - found) == pytest.approx(upper, rel=1e-9)


@pytest.mark.parametrize("prior", EVERY, ids=str)
def test_score_undoes_value(prior: Prior) -> None:
    assert prior.score(prior.value(SCORES)) == pytest.approx(SCORES, abs=1e-8)


# The top of a uniform is 5 less 3e-15, four steps of a double: no score can be read from it that far out.
# A log-t with a score of 8 is beyond any number, and held.
@pytest.mark.parametrize("prior", [p for p in EVERY if not isinstance(p, Uniform | LogTVariance)], ids=str)
@pytest.mark.parametrize("score", [-8.0, -7.0, 7.0, 8.0])
def test_both_tails_are_exact_to_a_score_of_eight(prior: Prior, score: float) -> None:
    assert prior.score(prior.value(np.array([score])))[0] == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize("prior", EVERY, ids=str)
def test_value_rises_with_the_score(prior: Prior) -> None:
    assert np.all(np.diff(prior.value(np.linspace(-6.0, 6.0, 601))) > 0.0)


@pytest.mark.parametrize("prior", EVERY, ids=str)
def test_the_density_is_the_slope_of_the_probability(prior: Prior) -> None:
    # Change of variable: density(value(z)) times the slope of value is the density of z.
    z, h = np.linspace(-3.0, 3.0, 13), 1e-4
    slope = (prior.value(z + h) - prior.value(z - h)) / (2.0 * h)
    assert np.exp(prior.log_density(prior.value(z))) * slope == pytest.approx(stats.norm.pdf(z), rel=1e-6)


@pytest.mark.parametrize("prior", EVERY, ids=str)
def test_the_density_between_two_quantiles_integrates_to_their_probability(prior: Prior) -> None:
    low, high = prior.value(np.array([-1.0, 1.0]))
    mass, _ = integrate.quad(lambda v: float(np.exp(prior.log_density(np.array(v)))), low, high, limit=200)
    assert mass == pytest.approx(stats.norm.cdf(1.0) - stats.norm.cdf(-1.0), rel=1e-7)


@pytest.mark.parametrize("prior", OF_TAU, ids=str)
def test_a_standard_deviation_below_zero_has_no_density(prior: Prior) -> None:
    assert prior.log_density(np.array([-1e-3, -4.0])).tolist() == [-math.inf, -math.inf]
    assert not np.isnan(prior.log_density(np.array([0.0]))).any()


def test_the_customary_vague_inverse_gamma_gives_numbers_everywhere() -> None:
    tau = InverseGamma(0.001, 0.001).value(np.linspace(-8.0, 8.0, 161))
    assert np.isfinite(tau**2).all()
    assert np.all(np.diff(tau) >= 0.0)
    assert "no upper end to speak of" in InverseGamma(0.001, 0.001).sentence


def test_a_prior_says_its_interval_in_words() -> None:
    assert HalfNormal(0.25).sentence == "half-normal(0.25): 95% between 0.0078 and 0.56"
    assert Uniform(0.0, 4.0).sentence == "uniform(0, 4): 95% between 0.1 and 3.9"
    assert HalfT(3.0, 1.0).sentence == "half-t(3 degrees of freedom, scale 1): 95% between 0.034 and 4.2"
    assert HalfCauchy(1.0).sentence == "half-Cauchy(1): 95% between 0.039 and 25"
    assert LogNormalVariance(-2.56, 1.74).sentence == (
        "log-normal(-2.56, 1.74²) on tau squared: tau 95% between 0.051 and 1.5"
    )


def test_a_prior_of_tau_says_how_far_two_trials_may_differ() -> None:
    # 1.96 sqrt(2) = 2.772; median and 97.5% quantile of a half-normal are 0.6745 and 2.2414 scales.
    words = HalfNormal(0.5).meaning("log odds ratio")
    by_median, by_end = math.exp(2.772 * 0.6745 * 0.5), math.exp(2.772 * 2.2414 * 0.5)
    assert f"true odds ratios differ by less than a factor of {by_median:.2g} at the median" in words
    assert f"{by_end:.2g} at its upper end" in words


def test_on_a_difference_the_meaning_is_a_difference() -> None:
    words = HalfNormal(10.0).meaning("mean difference")
    assert f"true mean differences differ by less than {2.772 * 6.745:.2g} at the median" in words
    assert "factor" not in words


def test_an_absurd_prior_is_said_to_be_absurd() -> None:
    assert "more than a million at its upper end" in HalfNormal(5.0).meaning("log odds ratio")
    assert Normal(0.0, 100.0).meaning("log odds ratio").startswith("no odds ratio is excluded")


def test_a_prior_of_an_effect_says_which_effects_it_expects() -> None:
    low, high = math.exp(-1.96 * 0.5), math.exp(1.96 * 0.5)
    assert (
        Normal(0.0, 0.5).meaning("log risk ratio")
        == f"95% of true risk ratios between {low:.2g} and {high:.2g}"
    )
    assert Normal(0.0, 10.0).meaning("mean difference") == "95% of true mean differences between -20 and 20"


@pytest.mark.parametrize(
    "make",
    [
        lambda: HalfNormal(0.0),
        lambda: HalfNormal(-1.0),
        lambda: HalfNormal(math.nan),
        lambda: Normal(0.0, -2.0),
        lambda: Normal(math.inf, 1.0),
        lambda: Uniform(1.0, 1.0),
        lambda: Uniform(0.0, math.inf),
        lambda: LogNormal(0.0, 0.0),
        lambda: LogNormalVariance(0.0, -1.0),
        lambda: LogTVariance(0.0, 0.0, 1.0),
        lambda: HalfT(-3.0, 1.0),
        lambda: InverseGamma(0.0, 1.0),
        lambda: InverseGamma(1.0, 0.0),
    ],
)
def test_a_parameter_that_makes_no_distribution_is_refused(make: object) -> None:
    with pytest.raises(WrongUsage, match=r"must be|comes first"):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("half-normal:5", HalfNormal(5.0)),
        ("uniform:0,5", Uniform(0.0, 5.0)),
        ("log-normal:-1.28,0.87", LogNormal(-1.28, 0.87)),
        ("log-normal-variance:-2.56,1.74", LogNormalVariance(-2.56, 1.74)),
        ("log-t-variance:5,-3.44,2.59", LogTVariance(5.0, -3.44, 2.59)),
        ("half-t:3,2.5", HalfT(3.0, 2.5)),
        ("half-cauchy:0.5", HalfT(1.0, 0.5)),
        ("inverse-gamma:0.1,0.2", InverseGamma(0.1, 0.2)),
        (" Half_Normal : 5 ", HalfNormal(5.0)),
    ],
)
def test_a_prior_is_read_from_its_words(text: str, expected: Prior) -> None:
    assert parse_prior(text) == expected


@pytest.mark.parametrize("prior", EVERY, ids=str)
def test_a_spelled_prior_reads_as_itself(prior: Prior) -> None:
    read = parse_normal(spell_prior(prior)) if isinstance(prior, Normal) else parse_prior(spell_prior(prior))
    assert read == prior


def test_every_example_of_a_form_reads_and_has_as_many_numbers_as_parameters() -> None:
    for name, (parameters, example, _) in FORMS.items():
        read = parse_prior(example, "treatment" if name == "normal" else "tau")
        assert isinstance(read.sentence, str)
        assert len(example.split(",")) == len(parameters)


def test_a_misspelt_prior_is_answered_with_the_nearest_and_with_every_form() -> None:
    with pytest.raises(WrongUsage, match=r"Did you mean half-normal:5\?") as refused:
        parse_prior("halfnormal:5")
    assert all(name in str(refused.value) for name in FORMS)


@pytest.mark.parametrize(
    ("text", "what", "advice"),
    [
        ("half-normal", "tau", "takes 1 number, sd"),
        ("half-normal:5,6", "tau", "takes 1 number, sd"),
        ("uniform:0", "tau", "takes 2 numbers, low and high"),
        ("uniform:0,five", "tau", "takes 2 numbers, low and high"),
        ("half-normal:nan", "tau", "takes 1 number"),
        ("half-normal:-1", "tau", "must be above zero"),
        ("normal:0,5", "tau", "Write half-normal:5"),
        ("uniform:-5,5", "tau", "Write uniform:0,5"),
        ("half-normal:5", "treatment", "Write for example normal:0,100"),
    ],
)
def test_a_prior_that_cannot_be_meant_is_refused_with_what_to_write(
    text: str, what: str, advice: str
) -> None:
    with pytest.raises(WrongUsage) as refused:
        parse_prior(text, what)
    assert advice in str(refused.value)
    assert what in str(refused.value)
