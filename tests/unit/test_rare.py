"""Edges of rare events: studies that say nothing, and what is said of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from myopoise.errors import BadInput, WrongUsage
from myopoise.synthesis.findings import NetworkEstimate
from myopoise.synthesis.frequentist.rare import estimate_mantel_haenszel, estimate_peto, two_arms
from myopoise.synthesis.frequentist.rare_mixed import estimate_mixed
from myopoise.synthesis.frequentist.rare_network import estimate_rare_network
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

Row = tuple[str, str, float, float]


def studies(*rows: Row) -> Studies:
    names = tuple(dict.fromkeys(row[0] for row in rows))
    treatments = tuple(dict.fromkeys(row[1] for row in rows))
    arms = Arms(
        Outcome.BINOMIAL,
        np.array([names.index(row[0]) for row in rows]),
        np.array([treatments.index(row[1]) for row in rows]),
        events=np.array([row[2] for row in rows]),
        n=np.array([row[3] for row in rows]),
        row=np.arange(2, len(rows) + 2),
    )
    return Studies(names, treatments, arms)


TWO = (("s1", "placebo", 5, 50), ("s1", "drug", 2, 50), ("s2", "placebo", 6, 60), ("s2", "drug", 4, 55))


def said(found: NetworkEstimate, *words: str) -> bool:
    return any(all(word in warning for word in words) for warning in found.warnings)


# --- tables ----------------------------------------------------------------------------------------------


def test_all_faults_of_tables_are_told_together() -> None:
    with pytest.raises(BadInput) as caught:
        two_arms([3, 11, 1.5, -1], [10, 10, 10, 10], [0, 0, 0, 0], [10, 0, 10, 10])
    assert [(f.row, f.column, f.kind) for f in caught.value.faults] == [
        (2, "events", "events-above-n"),
        (2, "n_control", "no-count"),
        (3, "events", "no-count"),
        (4, "events", "no-count"),
    ]


def test_tables_of_unequal_length_are_refused() -> None:
    with pytest.raises(WrongUsage, match="equal length"):
        two_arms([1], [10], [1, 2], [10, 10])


def test_studies_without_events_do_not_change_a_ratio_and_are_counted() -> None:
    few, more = two_arms([2], [50], [5], [50]), two_arms([2, 0], [50, 90], [5, 0], [50, 80])
    for pool in (estimate_mantel_haenszel, estimate_peto):
        assert pool(more).effect == pool(few).effect
        assert any("1 of 2" in warning for warning in pool(more).warnings)


def test_studies_without_events_pull_a_risk_difference_towards_zero() -> None:
    few, more = two_arms([2], [50], [5], [50]), two_arms([2, 0], [50, 90], [5, 0], [50, 80])
    one, two = (estimate_mantel_haenszel(t, measure="RD") for t in (few, more))
    assert abs(two.effect.estimate) < abs(one.effect.estimate)
    assert any("is used" in warning for warning in two.warnings)


@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_an_arm_without_any_event_has_no_ratio(measure: str) -> None:
    found = estimate_mantel_haenszel(two_arms([0, 0], [50, 40], [5, 2], [50, 40]), measure=measure)
    assert math.isnan(found.effect.estimate)
    assert any("not defined" in warning for warning in found.warnings)


def test_no_event_anywhere_has_no_peto_ratio() -> None:
    assert math.isnan(estimate_peto(two_arms([0], [10], [0], [10])).effect.estimate)


def test_an_unknown_measure_or_model_is_refused() -> None:
    tables = two_arms([2], [50], [5], [50])
    with pytest.raises(WrongUsage, match="OR, RR or RD"):
        estimate_mantel_haenszel(tables, measure="HR")
    with pytest.raises(WrongUsage, match=r"CM\.EL or CM\.AL"):
        estimate_mixed(tables, model="UM")


def test_a_mixed_model_of_no_event_is_refused_and_of_few_says_what_is_left_out() -> None:
    with pytest.raises(WrongUsage, match="no study has both"):
        estimate_mixed(two_arms([0], [10], [0], [10]))
    found = estimate_mixed(two_arms([0, 2, 4], [10, 50, 70], [0, 5, 6], [10, 50, 70]))
    assert found.tau2 == 0.0
    assert any("1 of 3" in warning for warning in found.warnings)


# --- networks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["MH", "NCH", "conditional", "inverse"])
def test_a_study_without_events_is_named_and_changes_nothing(method: str) -> None:
    one = estimate_rare_network(studies(*TWO), reference="placebo", method=method)
    more = studies(*TWO, ("empty", "placebo", 0, 30), ("empty", "drug", 0, 30))
    two = estimate_rare_network(more, reference="placebo", method=method)
    assert two.relative_effects == one.relative_effects
    assert said(two, "no information", "empty")
    assert (two.studies, two.arms) == (2, 4)


def test_a_study_in_which_all_had_the_event_is_named() -> None:
    found = estimate_rare_network(
        studies(*TWO, ("full", "placebo", 9, 9), ("full", "drug", 8, 8)), reference="placebo"
    )
    assert said(found, "every patient", "full")


def test_firths_regression_uses_studies_without_events() -> None:
    more = studies(*TWO, ("empty", "placebo", 0, 30), ("empty", "new", 0, 30))
    found = estimate_rare_network(more, reference="placebo", method="penalised")
    assert found.treatments == ("placebo", "drug", "new")
    assert found.studies == 3


@pytest.mark.parametrize("method", ["MH", "NCH"])
def test_a_comparison_in_which_one_arm_never_had_an_event_is_left_out_and_named(method: str) -> None:
    more = studies(*TWO, ("s3", "placebo", 3, 30), ("s3", "new", 0, 30))
    found = estimate_rare_network(more, reference="placebo", method=method)
    assert found.treatments == ("placebo", "drug")
    assert said(found, "s3", "new had no event", "the studies are not used")


def test_an_arm_that_never_had_an_event_is_left_out_of_its_design() -> None:
    more = studies(*TWO, ("s3", "placebo", 3, 30), ("s3", "drug", 2, 30), ("s3", "new", 0, 30))
    found = estimate_rare_network(more, reference="placebo")
    assert said(found, "s3", "its arms are not used")
    assert (found.studies, found.arms) == (3, 6)


def test_a_treatment_without_events_has_no_finite_odds_ratio() -> None:
    more = studies(*TWO, ("s3", "placebo", 3, 30), ("s3", "new", 0, 30))
    found = estimate_rare_network(more, reference="placebo", method="conditional")
    assert found.treatments == ("placebo", "drug")
    assert said(found, "no finite odds ratio", "new")


def test_a_likelihood_without_a_maximum_gives_nothing_and_says_so() -> None:
    # Events on the new drug came only where the other arm had none: its odds are pushed up without end.
    rows = (("s1", "placebo", 5, 50), ("s1", "drug", 0, 50), ("s2", "drug", 0, 60), ("s2", "new", 4, 55))
    rows += (("s3", "drug", 3, 40), ("s3", "other", 0, 40), ("s4", "other", 2, 40), ("s4", "third", 0, 40))
    rows += (("s5", "third", 1, 30), ("s5", "third2", 0, 30), ("s6", "third2", 2, 9), ("s6", "x", 3, 9))
    found = estimate_rare_network(studies(*rows), reference="placebo", method="conditional")
    assert said(found, "no maximum")
    assert math.isnan(found.relative_effects["drug", "placebo"].estimate)


def test_treatments_that_no_study_joins_are_left_out_and_named() -> None:
    more = studies(*TWO, ("s3", "x", 3, 30), ("s3", "y", 5, 30))
    found = estimate_rare_network(more, reference="placebo")
    assert found.treatments == ("placebo", "drug")
    assert said(found, "left out: x, y")


def test_a_study_with_one_arm_and_contrasts_are_named() -> None:
    more = studies(*TWO, ("alone", "drug", 3, 30))
    one = np.zeros((1, 1))
    block = Contrasts(np.array([0]), np.array([[0, 1]]), one, one[:, None] + 1.0, np.zeros(1))
    found = estimate_rare_network(
        Studies(more.names, more.treatments, more.arms, (block,)), reference="placebo"
    )
    assert said(found, "one arm", "alone")
    assert said(found, "without counts are not used: 1")


def test_all_faults_of_a_network_are_told_together_with_their_rows() -> None:
    rows = (("s1", "a", 5, 4), ("s1", "b", 0.5, 50), ("s2", "a", 1, 0), ("s2", "a", 2, 9))
    with pytest.raises(BadInput) as caught:
        estimate_rare_network(studies(*rows), reference="a")
    assert {(f.row, f.kind) for f in caught.value.faults} == {
        (2, "events-above-n"),
        (3, "not-a-count"),
        (4, "not-a-count"),
        (4, "events-above-n"),
        (5, "arm-twice"),
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reference": "nothing"}, "choose one of: drug, placebo|choose one of: placebo, drug"),
        ({"reference": "placebo", "method": "GLS"}, "choose MH"),
        ({"reference": "placebo", "direction": "up"}, "higher or lower"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(WrongUsage, match=words):
        estimate_rare_network(studies(*TWO), **options)


def test_contrasts_alone_are_refused() -> None:
    with pytest.raises(WrongUsage, match="lost their counts"):
        estimate_rare_network(Studies(("s",), ("a", "b")), reference="a")


def test_the_better_treatment_depends_on_the_direction() -> None:
    scores = [
        estimate_rare_network(studies(*TWO), reference="placebo", direction=way).p_scores["drug"]
        for way in ("higher", "lower")
    ]
    assert sum(scores) == pytest.approx(1.0)
    assert scores[1] > 0.5
