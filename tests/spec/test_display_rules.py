"""What may be said of an option, as tables: what it has behind it on the left, what may be displayed on the right."""

from __future__ import annotations

import pytest

from myopoise.choice.certainty import Certainty, Grade
from myopoise.choice.options import Comparison, OwnEvidence
from myopoise.choice.ranking import verdict_of
from myopoise.estimate import Estimate
from myopoise.evidence.selection import Question
from myopoise.inquiry import Inquiry, inquire
from myopoise.synthesis.myositis import MyositisPriors
from myopoise.synthesis.prediction import LevelResponse, PredictedResponse, predict
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, Reading, Verdict

RANDOMISED, UNCONNECTED, UNCONTROLLED = Comparison


def own(comparison: Comparison) -> OwnEvidence:
    return OwnEvidence(1, 20, 1, 20, 20.0, 0.0, 40, 12, 20, comparison, False, ("one",))


def predicted(
    low: float, high: float, better: float, by_ten: float, error: float = 0.002
) -> PredictedResponse:
    response = Estimate(0.6, 0.1, 0.6, 0.4, 0.8, "probability")
    difference = Estimate((low + high) / 2, 0.1, (low + high) / 2, low, high, "difference in probability")
    found = LevelResponse(response, response, difference, difference)
    return PredictedResponse({Level.MINIMAL: found}, Level.MINIMAL, better, by_ten, error)


@pytest.mark.parametrize(
    ("comparison", "found", "grade", "verdict"),
    [
        (RANDOMISED, predicted(0.11, 0.41, 0.999, 0.98), Grade.MODERATE, Verdict.PREFERRED),
        (RANDOMISED, predicted(0.11, 0.41, 0.999, 0.98), Grade.LOW, Verdict.PREFERRED),
        (RANDOMISED, predicted(0.11, 0.41, 0.999, 0.98), Grade.VERY_LOW, Verdict.UNDECIDED),
        (RANDOMISED, predicted(-0.03, 0.41, 0.97, 0.90), Grade.HIGH, Verdict.UNDECIDED),
        (RANDOMISED, predicted(0.01, 0.41, 0.977, 0.90), Grade.HIGH, Verdict.UNDECIDED),
        (RANDOMISED, predicted(0.01, 0.41, 0.985, 0.90, 0.01), Grade.HIGH, Verdict.UNDECIDED),
        (RANDOMISED, predicted(0.01, 0.15, 0.99, 0.40), Grade.HIGH, Verdict.UNDECIDED),
        (RANDOMISED, predicted(-0.05, 0.08, 0.60, 0.00), Grade.HIGH, Verdict.EQUIVALENT),
        (RANDOMISED, predicted(-0.45, -0.02, 0.01, 0.00), Grade.HIGH, Verdict.UNDECIDED),
        (UNCONNECTED, predicted(0.11, 0.41, 0.999, 0.98), Grade.HIGH, Verdict.UNDECIDED),
        (UNCONTROLLED, predicted(0.11, 0.41, 0.999, 0.98), Grade.HIGH, Verdict.UNDECIDED),
        (UNCONTROLLED, predicted(-0.05, 0.08, 0.60, 0.00), Grade.HIGH, Verdict.UNDECIDED),
    ],
)
def test_a_verdict_needs_randomisation_probability_and_certainty(
    comparison: Comparison, found: PredictedResponse, grade: Grade, verdict: Verdict
) -> None:
    assert verdict_of(found, found, own(comparison), Certainty(grade, ())) is verdict


def test_series_alone_carry_no_preference() -> None:
    """The main reading is sure; the trials alone are not, or there are none to ask."""
    sure, doubtful = predicted(0.11, 0.41, 0.999, 0.98), predicted(-0.29, 0.28, 0.43, 0.2)
    high = Certainty(Grade.HIGH, ())
    assert verdict_of(sure, sure, own(RANDOMISED), high) is Verdict.PREFERRED
    assert verdict_of(sure, doubtful, own(RANDOMISED), high) is Verdict.UNDECIDED
    assert verdict_of(sure, None, own(RANDOMISED), high) is Verdict.UNDECIDED


@pytest.fixture(scope="module")
def of_2012() -> Inquiry:
    return inquire(Question(2012))


def test_a_chance_of_benefit_is_given_only_where_randomised_against_background(of_2012: Inquiry) -> None:
    for answer in of_2012.answers.values():
        for option in answer.options:
            for found in option.predicted.values():
                allowed = option.own.comparison is RANDOMISED
                assert (found.p_better is not None) == allowed
                assert (found.p_better_by_ten is not None) == allowed


def test_a_treatment_without_a_study_of_its_own_has_no_number(of_2012: Inquiry) -> None:
    answer = of_2012.answers[Phenotype.DM]
    named = {option.treatment for option in answer.options}
    missing = {treatment.treatment for treatment in answer.no_evidence}
    assert "azathioprine" in missing
    assert not named & missing
    assert all(option.own.studies for option in answer.options)
    assert all(treatment.reason for treatment in answer.no_evidence)


def test_the_randomised_reading_shows_only_what_was_randomised(of_2012: Inquiry) -> None:
    for option in of_2012.answers[Phenotype.PM].options:
        assert (Reading.RANDOMISED in option.predicted) == bool(option.own.randomised_studies)


def test_what_was_randomised_against_background_comes_first(of_2012: Inquiry) -> None:
    options = of_2012.answers[Phenotype.DM].options
    places = [list(Comparison).index(option.own.comparison) for option in options]
    assert places == sorted(places)
    assert [option.rank for option in options] == list(range(1, len(options) + 1))


def test_before_any_arm_on_background_therapy_there_is_no_number() -> None:
    early = inquire(Question(1985))
    assert BACKGROUND not in {node.name for node in early.network.nodes}
    for answer in early.answers.values():
        assert answer.verdict is Verdict.NO_EVIDENCE
        assert answer.options == ()
        assert "methotrexate" in {treatment.treatment for treatment in answer.no_evidence}


def test_the_future_is_not_known_in_2012(of_2012: Inquiry) -> None:
    assert all(study.year and study.year <= 2012 for study in of_2012.evidence.studies)
    assert "efgartigimod" not in {option.treatment for option in of_2012.answers[Phenotype.DM].options}


def test_what_the_pages_say_of_ciclosporin_in_2012_is_so(of_2012: Inquiry) -> None:
    """Above 0.95 before its trial, from series in which everybody responded: why such a number is not displayed."""
    synthesis = of_2012.syntheses[Reading.MAIN]
    mechanism = of_2012.selection.mechanism
    for group in (Phenotype.DM, Phenotype.PM):
        found = predict(synthesis, ("ciclosporin",), group, mechanism, MyositisPriors(), 20061)
        assert found.p_better > 0.95
    option = next(o for o in of_2012.answers[Phenotype.DM].options if o.treatment == "ciclosporin")
    assert option.own.responders == option.own.evaluated
    assert option.predicted[Reading.MAIN].p_better is None
