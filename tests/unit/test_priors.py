"""Priors map standard normal scores to themselves and back, and say what they imply."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from myopoise.synthesis.priors import HalfNormal, LogNormal, Normal, Prior, Uniform

SCORES = np.linspace(-5.0, 5.0, 41)

CASES = [
    (Normal(0.5, 2.0), stats.norm(0.5, 2.0)),
    (HalfNormal(0.25), stats.halfnorm(scale=0.25)),
    (Uniform(0.0, 5.0), stats.uniform(0.0, 5.0)),
    (LogNormal(np.log(0.65), 0.4), stats.lognorm(0.4, scale=0.65)),
]


@pytest.mark.parametrize(("prior", "reference"), CASES, ids=lambda case: type(case).__name__)
def test_the_value_at_a_score_is_the_quantile_of_the_textbook_distribution(
    prior: Prior, reference: stats.rv_continuous
) -> None:
    assert prior.value(SCORES) == pytest.approx(reference.ppf(stats.norm.cdf(SCORES)), rel=1e-6)


@pytest.mark.parametrize(("prior", "_"), CASES, ids=lambda case: type(case).__name__)
def test_score_undoes_value(prior: Prior, _: object) -> None:
    assert prior.score(prior.value(SCORES)) == pytest.approx(SCORES, abs=1e-6)


def test_a_half_normal_stays_exact_far_out() -> None:
    assert HalfNormal(1.0).value(np.array([8.0]))[0] == pytest.approx(
        stats.halfnorm.isf(stats.norm.sf(8.0)), rel=1e-9
    )


def test_a_prior_says_its_interval_in_words() -> None:
    assert HalfNormal(0.25).sentence == "half-normal(0.25): 95% between 0.0078 and 0.56"
