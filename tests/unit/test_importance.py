"""Pareto smoothing: it finds heavy tails, leaves good weights alone, and always sums to one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from myopoise.synthesis.checking import Trust
from myopoise.synthesis.importance import pareto_shape, smooth


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_the_shape_of_a_pareto_tail_is_found(shape: float) -> None:
    excess = np.sort(stats.genpareto(shape).rvs(4000, random_state=np.random.default_rng(5)))
    found, _ = pareto_shape(excess)
    assert found == pytest.approx(shape, abs=0.08)


def test_weights_from_a_good_proposal_are_trusted() -> None:
    draws = np.random.default_rng(1).normal(size=4000)
    weights = smooth(stats.norm(0.0, 0.95).logpdf(draws) - stats.norm.logpdf(draws))
    assert weights.values.sum() == pytest.approx(1.0)
    assert weights.k_hat < 0.5
    assert weights.effective > 3500
    assert weights.log_mean == pytest.approx(0.0, abs=0.02)


def test_a_proposal_with_too_light_tails_is_caught() -> None:
    draws = np.random.default_rng(1).normal(size=4000)
    weights = smooth(stats.t(2.0).logpdf(draws / 0.5) - stats.norm.logpdf(draws))
    assert weights.k_hat > 0.7
    verdict = Trust(weights.k_hat, weights.effective, 4000, True)
    assert not verdict.ok
    assert "must not be believed" in verdict.sentence


def test_equal_weights_have_no_tail() -> None:
    weights = smooth(np.zeros(1000))
    assert np.isnan(weights.k_hat)
    assert weights.effective == pytest.approx(1000.0)


def test_adding_a_constant_to_log_weights_changes_only_the_log_mean() -> None:
    logs = np.random.default_rng(2).normal(size=2000)
    one, other = smooth(logs), smooth(logs + 700.0)
    assert one.values == pytest.approx(other.values)
    assert other.log_mean == pytest.approx(one.log_mean + 700.0)
