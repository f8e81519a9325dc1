from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myopoise.choice.certainty import Grade
from myopoise.choice.options import Comparison
from myopoise.report import sentences
from myopoise.report.rounding import chance, hundred, signed_hundred
from myopoise.vocabulary import Verdict

PRESCRIPTIVE = ("should", "recommend", "must be given", "use ", "choose", "prescribe", "best treatment")


def estimate(median: float, low: float, high: float) -> dict[str, float]:
    return {"median": median, "low": low, "high": high, "level": 0.95}


def option(
    grade: Grade, comparison: Comparison, difference: float = 0.2, mechanism: str = "x"
) -> dict[str, Any]:
    allowed = comparison is Comparison.RANDOMISED
    found = {
        "response": estimate(0.6, 0.4, 0.8),
        "difference": estimate(difference, difference - 0.3, difference + 0.3),
        "p_better": 0.9 if allowed else None,
    }
    return {
        "treatment": "ivig",
        "mechanism": mechanism,
        "predicted": {"main": found},
        "own": {"comparison": comparison.value},
        "certainty": {"grade": grade.value},
        "verdict": "undecided",
    }


@pytest.mark.parametrize(
    ("grade", "words"),
    [
        (Grade.HIGH, "results in"),
        (Grade.MODERATE, "likely results in"),
        (Grade.LOW, "may result in"),
        (Grade.VERY_LOW, "very uncertain"),
    ],
)
def test_certainty_decides_the_verb(grade: Grade, words: str) -> None:
    assert words in sentences.option_sentence(option(grade, Comparison.RANDOMISED), "dermatomyositis")


@pytest.mark.parametrize("comparison", [Comparison.UNCONNECTED, Comparison.UNCONTROLLED])
def test_what_was_never_randomised_against_background_gets_words_and_no_chance(
    comparison: Comparison,
) -> None:
    shown = option(Grade.VERY_LOW, comparison)
    assert sentences.chance_of_benefit(shown) == "compared with placebo arms of other trials"
    assert "placebo arms of other trials" in sentences.option_sentence(shown, "polymyositis").lower()


def test_a_drug_of_another_era_is_never_called_worse() -> None:
    shown = option(Grade.LOW, Comparison.RANDOMISED, difference=-0.3, mechanism="tnf-blockade")
    sentence = sentences.option_sentence(shown, "dermatomyositis")
    assert "may result in" not in sentence
    assert "no ground for calling it worse" in sentence


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_a_sentence_that_prescribes_nothing(verdict: Verdict) -> None:
    shown = option(Grade.LOW, Comparison.RANDOMISED)
    shown["verdict"] = verdict.value
    background = {"response": estimate(0.5, 0.3, 0.7)}
    sentence = sentences.verdict_sentence("dermatomyositis", verdict.value, [shown], background)
    assert sentence.endswith(".")
    assert [word for word in PRESCRIPTIVE if word in sentence.lower()] == []


def test_undecided_is_said_plainly_with_what_is_known_best() -> None:
    options = [option(Grade.VERY_LOW, Comparison.UNCONTROLLED), option(Grade.LOW, Comparison.RANDOMISED)]
    background = {"response": estimate(0.5, 0.3, 0.7)}
    sentence = sentences.verdict_sentence("polymyositis", "undecided", options, background)
    assert sentence.startswith("Undecided: in polymyositis")
    assert "low certainty" in sentence
    assert "95% credible interval" in sentence


def test_ends_of_one_sign_share_their_word() -> None:
    assert sentences.difference_phrase(estimate(0.2, 0.1, 0.3)).endswith("interval 10 to 30 more)")
    assert sentences.difference_phrase(estimate(0.2, -0.1, 0.3)).endswith("interval 10 fewer to 30 more)")
    assert sentences.difference_phrase(estimate(-0.2, -0.3, -0.1)).endswith("interval 30 to 10 fewer)")
    assert sentences.difference_phrase(estimate(0.0, 0.0, 0.1)) == (
        "no more responders in 100 (95% credible interval 0 to 10 more)"
    )


@given(st.floats(0, 1))
def test_a_chance_is_never_shown_as_certain(probability: float) -> None:
    assert chance(probability) not in ("0%", "100%")
    assert 0 <= int(hundred(probability)) <= 100


@given(st.floats(-1, 1))
def test_a_difference_and_its_opposite_differ_by_the_sign_alone(difference: float) -> None:
    swapped = signed_hundred(-difference).translate(str.maketrans("+−", "−+"))
    assert signed_hundred(difference) == swapped
