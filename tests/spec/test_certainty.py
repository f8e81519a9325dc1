"""Certainty as a table: the facts on the left, the grade and the concern on the right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from myopoise.choice.certainty import DOMAINS, Grade, Grounds, Judgement, Override, grade
from myopoise.errors import WrongUsage

SOUND = Grounds(
    randomised_against_background=True,
    randomised_at_all=True,
    randomised_compared=240,
    unblinded_trials=0,
    patients_in_group=60.0,
    assumed_in_group=0.0,
    patients=120,
    low=0.11,
    high=0.41,
    predictive_low=0.02,
    predictive_high=0.45,
    only_p=0,
)


@pytest.mark.parametrize(
    ("facts", "expected", "domain", "steps"),
    [
        ({}, Grade.HIGH, "design", 0),
        ({"randomised_against_background": False}, Grade.LOW, "design", 2),
        ({"randomised_against_background": False, "randomised_at_all": False}, Grade.VERY_LOW, "design", 3),
        ({"some_risk": 0.6}, Grade.MODERATE, "within-study bias", 1),
        ({"some_risk": 0.2, "high_risk": 0.1}, Grade.HIGH, "within-study bias", 0),
        ({"high_risk": 0.7}, Grade.LOW, "within-study bias", 2),
        (
            {"high_risk": 1.0, "randomised_against_background": False, "randomised_at_all": False},
            Grade.VERY_LOW,
            "within-study bias",
            0,
        ),
        ({"partly_refractory": 0.6}, Grade.MODERATE, "indirectness", 1),
        ({"not_in_journals": 0.6}, Grade.MODERATE, "reporting bias", 1),
        ({"trials_difference": 0.10, "main_difference": 0.25}, Grade.MODERATE, "incoherence", 1),
        ({"trials_difference": 0.20, "main_difference": 0.25}, Grade.HIGH, "incoherence", 0),
        ({"low": -0.03}, Grade.MODERATE, "imprecision", 1),
        ({"low": -0.12, "high": 0.30}, Grade.LOW, "imprecision", 2),
        ({"randomised_compared": 89}, Grade.MODERATE, "imprecision", 1),
        ({"randomised_compared": 12}, Grade.LOW, "imprecision", 2),
        ({"patients_in_group": 6.0}, Grade.MODERATE, "this group of patients", 1),
        ({"patients_in_group": 0.0}, Grade.LOW, "this group of patients", 2),
        ({"assumed_in_group": 40.0}, Grade.MODERATE, "this group of patients", 1),
        ({"predictive_low": -0.05}, Grade.MODERATE, "heterogeneity", 1),
        ({"only_p": 1}, Grade.MODERATE, "reporting bias", 1),
        (
            {"only_p": 1, "some_risk": 1.0, "low": -0.2, "patients_in_group": 0.0},
            Grade.VERY_LOW,
            "reporting bias",
            1,
        ),
    ],
)
def test_each_concern_takes_its_steps(
    facts: dict[str, object], expected: Grade, domain: str, steps: int
) -> None:
    certainty = grade(replace(SOUND, **facts))  # type: ignore[arg-type]
    found = {concern.domain: concern for concern in certainty.concerns}
    assert certainty.grade is expected
    assert found[domain].steps == steps
    assert found[domain].reason


def test_an_interval_that_is_all_harm_is_not_imprecise() -> None:
    harm = grade(replace(SOUND, low=-0.4, high=-0.1, predictive_low=-0.5, predictive_high=-0.02))
    assert harm.grade is Grade.HIGH


def test_no_number_of_concerns_goes_below_very_low() -> None:
    worst = replace(
        SOUND, randomised_against_background=False, randomised_at_all=False, low=-0.5, patients_in_group=0.0
    )
    assert grade(worst).grade is Grade.VERY_LOW


def test_a_better_interval_is_never_graded_lower() -> None:
    few = replace(SOUND, randomised_compared=89, predictive_low=-0.08)
    includes, excludes = (grade(replace(few, low=low)) for low in (-0.01, 0.01))
    order = list(Grade)
    assert order.index(excludes.grade) <= order.index(includes.grade)


def test_a_panel_may_put_its_judgement_in_a_rules_place_with_a_reason() -> None:
    panel = Override("ivig", "imprecision", Judgement.MAJOR, "the interval leaves out what patients fear")
    found = {c.domain: c for c in grade(SOUND, [panel]).concerns}["imprecision"]
    assert grade(SOUND, [panel]).grade is Grade.LOW
    assert found.judgement is Judgement.MAJOR
    assert found.overridden == "no concerns"
    assert found.reason.startswith("the interval leaves out what patients fear")


@pytest.mark.parametrize(("domain", "reason"), [("imprecision", " "), ("taste", "we think so")])
def test_an_override_without_reason_or_of_no_domain_is_refused(domain: str, reason: str) -> None:
    with pytest.raises(WrongUsage):
        Override("ivig", domain, Judgement.SOME, reason)


def test_every_rule_gives_the_numbers_it_looked_at() -> None:
    concerns = {c.domain: c for c in grade(SOUND).concerns}
    assert tuple(concerns) == DOMAINS
    assert concerns["imprecision"].numbers["low"] == SOUND.low
    assert concerns["heterogeneity"].numbers["predictive_high"] == SOUND.predictive_high
