"""Classification against the six score-probability pairs printed for the 2017 criteria, and worked cases.

`classification_published.csv` holds the pairs of Lundberg 2017; `classification_constructed.csv` cases worked by hand
from the printed weights by another hand than ours (tests/data/outcomes).
"""

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from myopoise.outcomes.patients import bohan_peter
from myopoise.outcomes.patients.bohan_peter import BOHAN_PETER_1975
from myopoise.outcomes.patients.classification import read_definition
from myopoise.outcomes.patients.eular_acr import classify_patient
from myopoise.outcomes.patients.eular_acr_columns import EULAR_ACR_2017
from myopoise.outcomes.patients.eular_acr_definition import IBM_QUESTIONS, definition

DATA = Path(__file__).parent.parent / "data" / "outcomes"


def cases(name: str, criteria: str = "") -> list[dict[str, str]]:
    with (DATA / f"classification_{name}.csv").open(encoding="utf-8", newline="") as handle:
        return [row for row in csv.DictReader(handle) if row.get("criteria", "") == criteria]


WORKED = cases("constructed", "eular-acr-2017")
PAIRS = cases("published")
COUNTED = cases("constructed", "bohan-peter-1975")


def findings(case: dict[str, str]) -> dict[str, bool]:
    asked = [
        item
        for item in definition().findings
        if case["model"] == "biopsy" or item not in definition().groups["biopsy"]
    ]
    return {item: item in case["present"].split() for item in (*asked, *IBM_QUESTIONS)}


@pytest.mark.parametrize("case", WORKED, ids=lambda case: case["case_id"])
def test_a_worked_case_has_its_score_category_and_subgroup(case: dict[str, str]) -> None:
    answer = classify_patient(findings(case), float(case["age_at_onset"]), case["model"] == "biopsy")
    assert (answer.model, answer.category, answer.subgroup) == (
        case["model"],
        case["category"],
        case["subgroup"],
    )
    assert answer.score == float(case["score"])
    assert answer.unknown == answer.could_change_category == ()
    assert answer.probability == answer.probability_min == answer.probability_max


def test_the_worked_cases_have_the_same_answers_as_columns() -> None:
    rows = [
        {"age_at_onset": float(case["age_at_onset"]), "biopsy": case["model"] == "biopsy", **findings(case)}
        for case in WORKED
    ]
    columns = {
        name: np.array([float(row.get(name, np.nan)) for row in rows]) for name in EULAR_ACR_2017.columns
    }
    classes = EULAR_ACR_2017.classify_columns(columns)
    assert classes["score"].tolist() == [float(case["score"]) for case in WORKED]
    for column in ("criteria", "model", "category", "subgroup"):
        assert classes[column].tolist() == [case[column] for case in WORKED]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["example_id"])
def test_the_formula_gives_the_stated_probability_but_for_its_rounding(pair: dict[str, str]) -> None:
    probability = definition().models[pair["model"]].probability(round(10 * float(pair["score"])))
    # The formula printed to four decimals by another program; the stated percentages are rounded, to within one.
    assert probability == pytest.approx(float(pair["by_formula"]), abs=5e-5)
    assert 100 * probability == pytest.approx(float(pair["stated_percent"]), abs=1.0)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["example_id"])
def test_each_cut_point_opens_the_category_its_stated_probability_names(pair: dict[str, str]) -> None:
    model, tenths = definition().models[pair["model"]], round(10 * float(pair["score"]))
    named = {"50": "possible_iim", "55": "probable_iim", "90": "definite_iim"}[pair["stated_percent"]]
    assert model.category(tenths) == named
    assert model.category(tenths - 1) != named


def test_a_rule_on_the_probability_would_misplace_whoever_stands_on_a_cut_point_without_biopsy() -> None:
    falls_short = {
        (pair["model"], pair["score"])
        for pair in PAIRS
        if definition().models[pair["model"]].probability(round(10 * float(pair["score"])))
        < float(pair["stated_percent"]) / 100
    }
    assert falls_short == {("no_biopsy", "5.3"), ("no_biopsy", "5.5"), ("no_biopsy", "7.5")}


def test_the_weights_are_those_of_the_printed_table() -> None:
    # A transcription of the table by another hand than that of the definition.
    printed = cases("weights")
    for name, model in definition().models.items():
        assert {item: tenths / 10 for item, tenths in model.tenths.items()} == {
            row["item_id"]: float(row[name]) for row in printed if row[name]
        }


@pytest.mark.parametrize(("biopsy", "most"), [(False, 20.8), (True, 29.5)])
def test_the_largest_score_is_that_of_everything_present_after_forty(biopsy: bool, most: float) -> None:
    model = definition().models["biopsy" if biopsy else "no_biopsy"]
    everything = {item: True for item in model.tenths if item in definition().findings}
    assert classify_patient(everything, 50, biopsy).score == most


@pytest.mark.parametrize(("model", "sensitivity", "specificity"), [("no_biopsy", 87, 82), ("biopsy", 93, 88)])
def test_the_printed_performance_stands_in_the_definition(
    model: str, sensitivity: int, specificity: int
) -> None:
    (row,) = (row for row in read_definition("eular-acr-2017")["performance"] if row["model"] == model)
    assert (row["sensitivity"], row["specificity"]) == (sensitivity, specificity)


def ways(case: dict[str, str]) -> list[dict[str, bool]]:
    """Every patient who meets that many of the four criteria."""
    counted = bohan_peter.definition().counted
    return [
        {name: name in met for name in counted} | {"rash": case["rash"] == "1", "excluded": False}
        for met in combinations(counted, int(case["met"]))
    ]


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: case["case_id"])
def test_whichever_criteria_are_met_their_number_and_the_rash_decide(case: dict[str, str]) -> None:
    patients = ways(case)
    diagnosis = "" if case["category"] == "none" else case["category"].split()[1]
    for patient in patients:
        answer = bohan_peter.classify_patient(patient)
        assert (answer.category, answer.subgroup) == (case["category"], diagnosis)
        assert answer.score == float(case["score"])
    columns = {name: np.array([float(row[name]) for row in patients]) for name in BOHAN_PETER_1975.columns}
    classes = BOHAN_PETER_1975.classify_columns(columns)
    assert set(classes["category"].tolist()) == {case["category"]}
    assert set(classes["subgroup"].tolist()) == {diagnosis}
    assert set(classes["score"].tolist()) == {float(case["score"])}
