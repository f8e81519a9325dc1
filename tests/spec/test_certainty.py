"""Certainty as a table: the facts on the left, the grade and the concern on the right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from myopoise.choice.certainty import Grade, Grounds, grade

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
        ({"unblinded_trials": 1}, Grade.MODERATE, "risk of bias", 1),
        ({"low": -0.03}, Grade.MODERATE, "imprecision", 1),
        ({"low": -0.12, "high": 0.30}, Grade.LOW, "imprecision", 2),
        ({"randomised_compared": 89}, Grade.MODERATE, "imprecision", 1),
        ({"randomised_compared": 12}, Grade.LOW, "imprecision", 2),
        ({"patients_in_group": 6.0}, Grade.MODERATE, "indirectness", 1),
        ({"patients_in_group": 0.0}, Grade.LOW, "indirectness", 2),
        ({"assumed_in_group": 40.0}, Grade.MODERATE, "indirectness", 1),
        ({"predictive_low": -0.05}, Grade.MODERATE, "heterogeneity", 1),
        ({"only_p": 1}, Grade.MODERATE, "reporting", 1),
        (
            {"only_p": 1, "unblinded_trials": 1, "low": -0.2, "patients_in_group": 0.0},
            Grade.VERY_LOW,
            "reporting",
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
