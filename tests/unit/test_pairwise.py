"""Edges of pairwise meta-analysis: few studies, impossible input, names that are unknown."""

from __future__ import annotations

import math

import numpy as np
import pytest

from myopoise.errors import WrongUsage
from myopoise.synthesis.frequentist.influence import estimate_influence
from myopoise.synthesis.frequentist.intervals import generalised_q_interval, q_profile_interval
from myopoise.synthesis.frequentist.pairwise import confidence, estimate_pairwise, predict_pairwise
from myopoise.synthesis.frequentist.pairwise_regression import regression_of
from myopoise.synthesis.frequentist.small_study_pairwise import (
    begg_test,
    egger_test,
    peters_test,
    trim_and_fill,
)


def test_one_study_is_its_own_estimate_and_says_that_tau2_is_unknown() -> None:
    found = estimate_pairwise([0.4], [0.04], test="knha")
    assert (found.effect.estimate, found.effect.se) == pytest.approx((0.4, 0.2))
    assert all(math.isnan(x) for x in (found.tau2, found.tau2_se, found.i2, *found.prediction))
    assert any("tau2 is not estimated" in warning for warning in found.warnings)
    assert any("intervals are normal" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    "estimator", ["DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "GENQ"]
)
def test_two_studies_that_agree_have_no_heterogeneity(estimator: str) -> None:
    found = estimate_pairwise([0.4, 0.4], [0.04, 0.09], tau_estimator=estimator)
    assert found.tau2 == pytest.approx(0.0, abs=1e-12)
    assert found.effect.estimate == pytest.approx(0.4)
    assert math.isnan(found.prediction_riley[0])


def test_common_effects_have_no_tau2_and_no_prediction() -> None:
    found = estimate_pairwise([0.1, 0.5], [0.1, 0.1], tau_estimator="EE")
    assert (found.tau2, found.i2, found.h2) == (0.0, 0.0, 1.0)
    assert all(math.isnan(x) for x in (found.tau2_se, found.tau2_low, *found.prediction))


def test_studies_that_agree_too_well_say_so() -> None:
    found = estimate_pairwise(np.full(20, 0.3) + 0.001 * np.arange(20), np.full(20, 1.0), tau_estimator="SJ")
    assert (found.tau2_low, found.tau2_high) == (0.0, 0.0)
    assert any("no tau2 fits" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("y", "v", "places"),
    [
        ([0.1, math.nan, 0.3], [1, 1, 1], "2"),
        ([0.1, 0.2, 0.3], [1, 0, -1], "2, 3"),
        ([0.1, math.inf, 0.3], [1, 1, math.inf], "2, 3"),
    ],
)
def test_studies_that_cannot_be_used_are_named(y: list[float], v: list[float], places: str) -> None:
    with pytest.raises(WrongUsage, match=f"counted from one: {places}\\."):
        estimate_pairwise(y, v)


def test_a_missing_covariate_is_named_by_its_study() -> None:
    with pytest.raises(WrongUsage, match="counted from one: 3"):
        estimate_pairwise([0, 1, 2, 3], [1, 1, 1, 1], covariates={"x": [1, 2, math.nan, 4]})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tau_estimator": "XX"}, "choose EE, DL"),
        ({"test": "t"}, "choose z, knha or adhoc"),
        ({"tau_estimator": "EE", "test": "knha"}, "random effects"),
        ({"q_weights": [1.0, 1.0, 1.0]}, "only GENQ"),
        ({"tau_estimator": "GENQ", "q_weights": [1.0, 0.0, 1.0]}, "above zero"),
        ({"covariates": {"x": [1.0, 1.0, 1.0]}}, "cannot tell"),
        ({"covariates": {"x": [1.0, 2.0]}}, "not one number for each"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(WrongUsage, match=words):
        estimate_pairwise([0.1, 0.2, 0.5], [1.0, 1.0, 1.0], **options)


def test_no_study_is_refused() -> None:
    with pytest.raises(WrongUsage, match="at least one"):
        estimate_pairwise([], [])


def test_lengths_must_agree() -> None:
    with pytest.raises(WrongUsage, match="v"):
        estimate_pairwise([0.1, 0.2], [1.0])


def test_a_prediction_needs_every_covariate() -> None:
    found = estimate_pairwise([0.1, 0.4, 0.2, 0.8], [0.1] * 4, covariates={"dose": [1, 2, 3, 4]})
    assert (
        predict_pairwise(found, {"dose": 2.0}, new_study=True).se >= predict_pairwise(found, {"dose": 2.0}).se
    )
    with pytest.raises(WrongUsage, match="dose"):
        predict_pairwise(found, {})


def test_intervals_of_tau2_need_a_degree_of_freedom() -> None:
    one = regression_of([0.1], [1.0])
    assert all(math.isnan(x) for x in (*q_profile_interval(one), *generalised_q_interval(one)))


def test_a_t_interval_without_a_degree_of_freedom_is_not_a_number() -> None:
    assert math.isnan(confidence(0.1, 0.2, 0.0).low)
    assert math.isnan(confidence(0.1, 0.0).p_value)


def test_influence_is_not_offered_where_a_study_carries_a_coefficient() -> None:
    with pytest.raises(WrongUsage, match="counted from one: 4"):
        estimate_influence([0, 1, 2, 3], [1, 1, 1, 1], covariates={"x": [0, 0, 0, 1]})
    with pytest.raises(WrongUsage, match="GENQ"):
        estimate_influence([0, 1], [1, 1], tau_estimator="GENQ")


def test_influence_of_two_studies_is_each_other() -> None:
    found = estimate_influence([0.0, 1.0], [1.0, 2.0])
    assert [one.effect.estimate for one in found.without] == [1.0, 0.0]


def test_funnel_tests_of_too_few_studies_are_not_numbers() -> None:
    assert math.isnan(begg_test([0.1], [1.0]).p_value)
    assert math.isnan(begg_test([0.1, 0.2, 0.3], [1.0, 1.0, 1.0]).tau)
    assert math.isnan(egger_test([0.1, 0.2], [1.0, 2.0], model="multiplicative").slope.p_value)


def test_funnel_tests_refuse_what_they_do_not_know() -> None:
    with pytest.raises(WrongUsage, match="mixed or multiplicative"):
        egger_test([0.1, 0.2, 0.5], [1.0, 2.0, 3.0], model="lm")
    with pytest.raises(WrongUsage, match="no study has both"):
        peters_test([0.1, 0.2], [1.0, 1.0], [10, 10], events=[0, 10])


def test_trim_and_fill_keeps_at_least_one_study() -> None:
    assert trim_and_fill([0.1, 5.0], [0.1, 3.0], side="left").missing <= 1
