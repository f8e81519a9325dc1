"""Glucocorticoid doses: the table against a label copied by hand, changes and courses by a second route."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myopoise.errors import WrongUsage
from myopoise.outcomes.steroids import (
    Gaps,
    Period,
    compare_dose_columns,
    compare_doses,
    cumulative_dose,
    dose_targets,
    equivalent_doses,
    mean_daily_dose,
    prednisone_equivalent,
    prednisone_equivalents,
)
from myopoise.references import references

# As printed in the label (`majorpharma2024`): these milligrams are equivalent to each other.
LABEL = {
    "cortisone": "25",
    "hydrocortisone": "20",
    "prednisolone": "5",
    "prednisone": "5",
    "methylprednisolone": "4",
    "triamcinolone": "4",
    "paramethasone": "2",
    "betamethasone": "0.75",
    "dexamethasone": "0.75",
}
JASMINE = dose_targets()["jasmine"]

doses = st.fractions(min_value=0, max_value=2000, max_denominator=1000)
rows = st.sampled_from(equivalent_doses())


@st.composite
def courses(draw: st.DrawFn) -> list[Period]:
    """Periods that follow each other without gap, in any order."""
    days = sorted(draw(st.sets(st.integers(-50, 400), min_size=3, max_size=8)))
    return draw(st.permutations([(a, b, draw(doses)) for a, b in pairwise(days)]))


# --- the table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("drug", "mg"), LABEL.items())
def test_what_the_label_calls_equivalent_is_five_milligrams_of_prednisone(drug: str, mg: str) -> None:
    several = sum(row.drug == drug for row in equivalent_doses()) > 1
    assert prednisone_equivalent(drug, Decimal(mg), per_5_mg=mg if several else None) == 5


@pytest.mark.parametrize(
    ("drug", "mg", "per_5_mg", "expected"),
    [
        ("prednisolone", 12.5, None, Fraction("12.5")),
        ("methylprednisolone", 48, None, 60),
        ("methylprednisolone", 1000, None, 1250),
        ("hydrocortisone", 30, None, Fraction("7.5")),
        ("dexamethasone", 0.1, None, Fraction(2, 3)),
        ("betamethasone", 1.2, "0.6", 10),
        ("betamethasone", 1.2, "0.75", 8),
        ("deflazacort", 36, "6", 30),
        ("deflazacort", 36, "7.5", 24),
        ("prednisone", 0, None, 0),
    ],
)
def test_a_dose_is_converted_as_by_hand(
    drug: str, mg: float, per_5_mg: str | None, expected: Fraction | int
) -> None:
    assert prednisone_equivalent(drug, mg, per_5_mg=per_5_mg) == expected


@given(rows, doses)
def test_converting_there_and_back_is_the_identity(row, mg) -> None:
    there = prednisone_equivalent(row.drug, mg, per_5_mg=row.per_5_mg)
    assert there / row.factor == mg
    # The second route: a rule of three on the table's own numbers.
    assert there * Fraction(row.per_5_mg) == 5 * mg


@given(rows, doses, doses)
def test_doses_of_one_drug_add(row, first, second) -> None:
    both = prednisone_equivalent(row.drug, first + second, per_5_mg=row.per_5_mg)
    parts = [prednisone_equivalent(row.drug, mg, per_5_mg=row.per_5_mg) for mg in (first, second)]
    assert both == sum(parts)


def test_every_row_has_a_status_and_a_source_that_resolves() -> None:
    for row in equivalent_doses():
        assert row.status in ("SECONDARY", "DERIVED")
        assert set(row.sources) <= set(references())
        assert row.sources or row.status == "DERIVED"


def test_names_are_read_in_any_case_and_by_their_other_names() -> None:
    assert prednisone_equivalent(" Prednisolone ", 5) == 5
    assert prednisone_equivalent("cortisol", 20) == prednisone_equivalent("hydrocortisone", 20) == 5


def test_a_float_is_the_number_it_prints_as() -> None:
    assert prednisone_equivalent("prednisone", 0.1) == Fraction(1, 10)
    assert prednisone_equivalent("prednisone", np.float64(7.5)) == Fraction(15, 2)


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drug", "choices"), [("deflazacort", '"6" or "7.5"'), ("betamethasone", '"0.6" or "0.75"')]
)
def test_where_sources_differ_the_call_says_which_is_used(drug: str, choices: str) -> None:
    with pytest.raises(WrongUsage, match="sources differ") as fault:
        prednisone_equivalent(drug, 6)
    assert choices in str(fault.value)


def test_an_alternative_the_table_does_not_hold_is_refused() -> None:
    with pytest.raises(WrongUsage, match=r'does not hold "9".*per_5_mg="6" or "7.5"'):
        prednisone_equivalent("deflazacort", 9, per_5_mg="9")
    with pytest.raises(WrongUsage, match='does not hold "6"'):
        prednisone_equivalent("prednisone", 9, per_5_mg="6")


@pytest.mark.parametrize("drug", ["budesonide", "Fluticasone", "beclometasone"])
def test_a_drug_that_acts_locally_is_refused_with_the_reason(drug: str) -> None:
    with pytest.raises(WrongUsage, match="made to act where it is applied"):
        prednisone_equivalent(drug, 9)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("predisone", "prednisone"), ("methylprednisolon", "methylprednisolone"), ("budesonid", "budesonide")],
)
def test_a_misspelt_drug_gets_a_suggestion(written: str, meant: str) -> None:
    with pytest.raises(WrongUsage, match=f"Did you mean {meant}\\?"):
        prednisone_equivalent(written, 5)


def test_a_drug_like_no_other_gets_the_list_without_a_guess() -> None:
    with pytest.raises(WrongUsage) as fault:
        prednisone_equivalent("xyz", 5)
    assert "Did you mean" not in str(fault.value)
    assert "methylprednisolone" in str(fault.value)


def test_only_doses_by_mouth_or_vein_are_converted() -> None:
    assert prednisone_equivalent("methylprednisolone", 4, route="intravenous") == 5
    with pytest.raises(WrongUsage, match=r"intramuscular.*oral and intravenous"):
        prednisone_equivalent("methylprednisolone", 4, route="intramuscular")


@pytest.mark.parametrize("mg", [-1, math.nan, math.inf, Decimal("NaN"), Fraction(-1, 3)])
def test_what_is_no_dose_is_refused(mg: float) -> None:
    with pytest.raises(WrongUsage, match="a dose is a number from 0"):
        prednisone_equivalent("prednisone", mg)


# --- many at once ---------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(rows, st.floats(0, 2000)), min_size=1, max_size=20))
def test_a_column_is_converted_as_each_of_its_doses(pairs) -> None:
    chosen = {row.drug: row.per_5_mg for row, _ in pairs}
    column = prednisone_equivalents(
        [row.drug for row, _ in pairs], np.array([mg for _, mg in pairs]), per_5_mg=chosen
    )
    singly = [float(prednisone_equivalent(row.drug, mg, per_5_mg=chosen[row.drug])) for row, mg in pairs]
    assert column.tolist() == singly


def test_a_missing_dose_in_a_column_stays_missing() -> None:
    column = prednisone_equivalents(["prednisone", "dexamethasone"], np.array([np.nan, 1.125]))
    assert math.isnan(column[0])
    assert column[1] == 7.5


def test_a_column_and_its_drugs_are_of_one_length() -> None:
    with pytest.raises(WrongUsage, match="2 drugs and 1 doses"):
        prednisone_equivalents(["prednisone", "prednisone"], np.array([5.0]))


# --- changes --------------------------------------------------------------------------------------------------------


def test_less_drug_is_a_negative_change() -> None:
    reduction = compare_doses(20, 5)
    assert reduction.change_mg == 5 - 20
    assert reduction.change_percent == 100 * Fraction(5 - 20, 20)


def test_a_baseline_of_zero_has_no_percent() -> None:
    reduction = compare_doses(0, 10)
    assert reduction.change_mg == 10
    assert reduction.change_percent is None


@pytest.mark.parametrize(("mg", "met"), [(7.5, True), (Decimal("7.51"), False), (0, True), (7, True)])
def test_the_target_is_met_at_it_and_under_it(mg: float, met: bool) -> None:
    assert compare_doses(20, mg).meets(JASMINE) is met


def test_an_equivalent_dose_that_is_exactly_the_target_meets_it() -> None:
    for row in equivalent_doses():
        at_target = Fraction(row.per_5_mg) * Fraction(15, 10)
        follow_up = prednisone_equivalent(row.drug, at_target, per_5_mg=row.per_5_mg)
        assert compare_doses(40, follow_up).meets(JASMINE)


def test_free_of_glucocorticoid_is_nothing_at_follow_up_whatever_came_before() -> None:
    assert compare_doses(0, 0).glucocorticoid_free
    assert compare_doses(60, 0).glucocorticoid_free
    assert not compare_doses(60, 0.5).glucocorticoid_free


def test_the_only_target_is_that_of_a_registry_record_and_is_no_default() -> None:
    assert list(dose_targets()) == ["jasmine"]
    assert JASMINE.mg_per_day == Fraction("7.5")
    assert JASMINE.status == "CONFIRMED"
    assert set(JASMINE.sources) <= set(references())
    with pytest.raises(TypeError):
        compare_doses(20, 5).meets()


@given(doses, doses)
def test_follow_up_is_baseline_and_its_percent_change(baseline, follow_up) -> None:
    reduction = compare_doses(baseline, follow_up)
    if reduction.change_percent is None:
        assert baseline == 0
    else:
        assert baseline * (1 + reduction.change_percent / 100) == follow_up


@given(st.lists(st.tuples(st.integers(0, 240), st.integers(0, 240)), min_size=1, max_size=20))
def test_columns_of_changes_agree_with_each_patient(quarters) -> None:
    before, after = (np.array(column) / 4 for column in zip(*quarters, strict=True))
    columns = compare_dose_columns(before, after, JASMINE)
    assert columns.known.all()
    for i, (baseline, follow_up) in enumerate(zip(before, after, strict=True)):
        one = compare_doses(baseline, follow_up)
        assert columns.change_mg[i] == one.change_mg
        assert columns.at_target[i] == one.meets(JASMINE)
        assert columns.glucocorticoid_free[i] == one.glucocorticoid_free
        if one.change_percent is None:
            assert math.isnan(columns.change_percent[i])
        else:
            assert columns.change_percent[i] == pytest.approx(float(one.change_percent), rel=1e-15)


def test_a_column_meets_the_target_at_it() -> None:
    columns = compare_dose_columns(np.array([20.0, 20.0]), np.array([7.5, 7.51]), JASMINE)
    assert columns.at_target.tolist() == [True, False]


def test_a_dose_not_known_makes_the_change_unknown_and_says_so() -> None:
    columns = compare_dose_columns(np.array([20.0, np.nan]), np.array([np.nan, 5.0]), JASMINE)
    assert np.isnan(columns.change_mg).all()
    assert columns.known.tolist() == [False, True]
    assert columns.at_target[1]


def test_a_dose_below_zero_in_a_column_is_refused() -> None:
    with pytest.raises(WrongUsage, match="below 0"):
        compare_dose_columns(np.array([20.0]), np.array([-5.0]), JASMINE)


# --- courses --------------------------------------------------------------------------------------------------------


def test_a_taper_adds_up_as_by_hand() -> None:
    taper = [(0, 28, 60), (28, 56, 30), (56, 84, 7.5)]
    assert cumulative_dose(taper, from_day=0, to_day=84) == 28 * 60 + 28 * 30 + 28 * Fraction(15, 2)
    assert mean_daily_dose(taper) == Fraction(60 + 30, 3) + Fraction(15, 6)
    assert cumulative_dose(taper, from_day=27, to_day=29) == 60 + 30


@given(courses(), st.data())
def test_the_dose_of_adjacent_windows_adds_up(course, data) -> None:
    first, last = min(start for start, _, _ in course), max(end for _, end, _ in course)
    split = data.draw(st.integers(first + 1, last - 1))
    whole = cumulative_dose(course, from_day=first, to_day=last)
    before = cumulative_dose(course, from_day=first, to_day=split)
    after = cumulative_dose(course, from_day=split, to_day=last)
    assert before + after == whole


@given(courses(), st.integers(-60, 410), st.integers(1, 100))
def test_the_dose_is_the_sum_over_single_days(course, from_day, length) -> None:
    by_day = {day: mg for start, end, mg in course for day in range(start, end)}
    window = range(from_day, from_day + length)
    expected = sum(by_day.get(day, Fraction(0)) for day in window)
    found = cumulative_dose(course, from_day=from_day, to_day=from_day + length, gaps=Gaps.ZERO)
    mean = mean_daily_dose(course, from_day=from_day, to_day=from_day + length, gaps=Gaps.ZERO)
    assert found == expected
    assert mean * length == expected


@given(courses())
def test_the_mean_lies_between_the_smallest_and_the_largest_dose(course) -> None:
    assert min(mg for *_, mg in course) <= mean_daily_dose(course) <= max(mg for *_, mg in course)


@pytest.mark.parametrize(
    ("from_day", "to_day", "gap"),
    [(0, 30, "from day 10 to day 20"), (-5, 8, "from day -5 to day 0"), (25, 40, "from day 30 to day 40"),
     (12, 15, "from day 12 to day 15"), (0, 11, "from day 10 to day 11"), (-1, 5, "from day -1 to day 0")],
)  # fmt: skip
def test_a_gap_is_refused_unless_told_to_count_as_zero(from_day: int, to_day: int, gap: str) -> None:
    periods = [(0, 10, 20), (20, 30, 10)]
    with pytest.raises(WrongUsage, match=gap):
        cumulative_dose(periods, from_day=from_day, to_day=to_day)
    assert cumulative_dose(periods, from_day=from_day, to_day=to_day, gaps=Gaps.ZERO) >= 0


def test_days_counted_as_zero_lower_the_mean() -> None:
    periods = [(0, 10, 20), (20, 30, 10)]
    assert mean_daily_dose(periods, gaps=Gaps.ZERO) == Fraction(10 * 20 + 10 * 10, 30)


@pytest.mark.parametrize(
    ("periods", "match"),
    [
        ([(0, 10, 20), (9, 12, 5)], "Two doses are recorded for day 9"),
        ([(5, 5, 20)], "has no days"),
        ([(5, 3, 20)], "has no days"),
        ([(0, 10, -1)], "a dose is a number from 0"),
    ],
)
def test_a_course_that_makes_no_sense_is_refused(periods: list[Period], match: str) -> None:
    with pytest.raises(WrongUsage, match=match):
        cumulative_dose(periods, from_day=0, to_day=10, gaps=Gaps.ZERO)


def test_a_window_or_a_course_without_days_is_refused() -> None:
    with pytest.raises(WrongUsage, match="has no days"):
        cumulative_dose([(0, 10, 5)], from_day=3, to_day=3)
    with pytest.raises(WrongUsage, match="no dose to take the mean of"):
        mean_daily_dose([])
