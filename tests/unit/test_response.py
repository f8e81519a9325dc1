"""One patient's answer, written out: what a reader is told in a line, and where an edge lies."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

import myopoise as mp
from myopoise.outcomes.instruments import ENZYME_UNITS
from myopoise.outcomes.plan import Plan, plan_for
from myopoise.outcomes.reasons import AWAITS, BEFORE, Bit, reason_text
from myopoise.outcomes.response import Response, Visit, respond, respond_course, visit

ADULT = "acr-eular-2016-adult"
INACTIVE = "printo-inactive-2012"
WHOLE: dict[str, Any] = {
    **{"physician_global": 6, "patient_global": 4, "mmt": 60, "mmt_max": 80, "haq": 1},
    **{"ck": 400, "ck_uln": 200, "extramuscular": 2},
}
QUIET: dict[str, Any] = {"ck": 100, "cmas": 52, "mmt": 80, "mmt_max": 80, "physician_global": 0}


def plan(name: str = ADULT, **more: Any) -> Plan:
    return plan_for(name, (), **more)


def answers(values: list[dict[str, Any]], used: Plan) -> list[Response]:
    return list(respond_course([visit(12 * place, **one) for place, one in enumerate(values)], used))


def by_table(values: list[dict[str, Any]], name: str, **more: Any) -> list[dict[str, Any]]:
    """The same visits by the other path."""
    rows = [{"patient": "P", "week": 12 * place, **one} for place, one in enumerate(values)]
    found: list[dict[str, Any]] = mp.score(rows, name, **more)
    return found


# --- in one line --------------------------------------------------------------------------------------------


def test_a_score_is_told_in_one_line() -> None:
    (found,) = answers([WHOLE, WHOLE | {"physician_global": 3.4}], plan())
    assert str(found) == f"{ADULT}, week 12: 17.5 none"
    # more than 40% of 10 cm, and more than 10% of 3: 20 + 5
    (found,) = answers([WHOLE, WHOLE | {"physician_global": 1, "haq": 0.625}], plan())
    assert str(found) == f"{ADULT}, week 12: {20 + float(found.measures[3].points or 0):g} minimal"
    assert found.measures[3].percent == Fraction(100 * 3, 8 * 3)


def test_what_cannot_be_computed_is_told_with_its_reason() -> None:
    (found,) = answers([WHOLE, WHOLE | {"mmt": None, "haq": None}], plan())
    assert str(found) == f"{ADULT}, week 12: not computable (missing at this visit: strength, function)"
    assert (
        str(respond(None, visit(12.5, **WHOLE), plan()))
        == f"{ADULT}, week 12.5: not computable (no baseline visit)"
    )


def test_bounds_are_told_with_the_category_only_where_it_is_settled() -> None:
    used = plan(missing="bounds")
    most = {measure.domain: measure.most for measure in used.definition.measures}
    (open_,) = answers([WHOLE, WHOLE | {"physician_global": 3.4, "mmt": None}], used)
    assert (
        str(open_)
        == f"{ADULT}, week 12: between 17.5 and {17.5 + float(most['strength']):g} category not settled"
    )
    (settled,) = answers([WHOLE, WHOLE | {"extramuscular": None}], used)
    assert most["extramuscular"] == 20
    (low,) = answers([WHOLE | {"ck": 300}, WHOLE | {"ck": None}], used)
    assert str(low) == f"{ADULT}, week 12: between 0 and {float(most['enzyme']):g} none"
    assert settled.category == ""


def test_a_rule_is_told_by_its_word_and_a_counted_one_by_its_count_too() -> None:
    (found,) = answers([WHOLE, WHOLE | {"physician_global": 3}], plan("imacs-doi-2004"))
    assert str(found) == "imacs-doi-2004, week 12: not improved"
    (counted,) = answers([QUIET], plan(INACTIVE))
    assert str(counted) == f"{INACTIVE}, week 0: 4 inactive"
    bounds = plan(INACTIVE, missing="bounds")
    (open_,) = answers([QUIET | {"ck": 151, "cmas": None}], bounds)
    assert str(open_) == f"{INACTIVE}, week 0: between 2 and 3 category not settled"
    (unsettled,) = answers(
        [WHOLE, {**WHOLE, **dict.fromkeys(("physician_global", "haq", "mmt"))}],
        plan("imacs-doi-2004", missing="bounds"),
    )
    assert str(unsettled) == "imacs-doi-2004, week 12: category not settled"


# --- where an edge lies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ENZYME_UNITS)
def test_a_ck_of_exactly_150_is_inactive_in_either_unit_and_the_least_above_is_not(unit: str) -> None:
    edge = Fraction(150, ENZYME_UNITS[unit])
    assert edge == {"U/L": 150, "microkat/L": Fraction("2.5")}[unit]
    three = QUIET | {"cmas": 47}  # CMAS does not hold, so that CK decides
    for ck, word, count in ((float(edge), "inactive", 3), (float(edge) + 1e-4, "active", 2)):
        (found,) = answers([three | {"ck": ck}], plan(INACTIVE, enzyme_unit=unit))
        assert (found.category, found.score) == (word, count)
        (row,) = by_table([three | {"ck": ck}], INACTIVE, enzyme_unit=unit)
        assert (row["category"], row["score"]) == (word, count)


@pytest.mark.parametrize(
    ("measure", "edge", "beyond"),
    [("cmas", 48, 47), ("mmt", 78, 77), ("physician_global", 0.2, 0.2001), ("ck", 150, 150.0001)],
)
def test_every_edge_of_inactive_disease_belongs_to_it(measure: str, edge: float, beyond: float) -> None:
    other = "ck" if measure == "cmas" else "cmas"
    three = QUIET | {other: {"ck": 1000, "cmas": 0}[other]}
    for value, word in ((edge, "inactive"), (beyond, "active")):
        (found,) = answers([three | {measure: value}], plan(INACTIVE))
        (row,) = by_table([three | {measure: value}], INACTIVE)
        assert found.category == row["category"] == word


@pytest.mark.parametrize(
    ("name", "versions"), [(INACTIVE, {80}), ("proderm-deterioration", {80, 150}), (ADULT, {80, 150, 260})]
)
def test_strength_out_of_a_version_that_a_definition_does_not_take_is_missing(
    name: str, versions: set[int]
) -> None:
    for version in (80, 150, 260):
        values = [{**WHOLE, **QUIET, "ck_uln": 200, "mmt": 60, "mmt_max": version}] * 2
        (found,) = answers(values, plan(name))
        (row,) = by_table(values, name)
        assert (found.status == "ok") == (row["status"] == "ok") == (version in versions)
        assert row["reason"] == (found.reason or None)
    if versions == {80}:
        assert found.reason == "missing at this visit: mmt (MMT out of 80)"
    if versions == {80, 150}:
        assert found.reason == "missing at baseline: strength (MMT out of 80 or 150)"


def test_both_strength_tests_may_be_in_the_data_and_only_the_chosen_one_counts() -> None:
    values = [
        WHOLE | {"chaq": 1, "cmas": 20},
        WHOLE | {"chaq": 1, "cmas": 40, "mmt": 60},
    ]
    name = "acr-eular-2016-jdm-imacs"
    points = {}
    for chosen in ("mmt", "cmas"):
        (found,) = answers(values, plan(name, chosen={"strength": chosen}))
        (row,) = by_table(values, name, instruments={"strength": chosen})
        points[chosen] = found.measures[2].points
        assert found.measures[2].instrument == chosen
        assert row["strength_points"] == found.measures[2].points
    assert points["mmt"] == 0
    assert points["cmas"] == plan(name).definition.measure("strength").most  # 20 of 52 is more than 30%


def test_of_several_enzymes_none_is_followed_where_none_was_held_at_baseline() -> None:
    start = WHOLE | dict.fromkeys(("ck", "ck_uln"))
    (found,) = answers([start, WHOLE], plan())
    earned = found.measures[4]
    assert (earned.domain, earned.instrument, earned.followup, earned.points) == ("enzyme", "", None, None)
    assert (found.enzyme, found.reason) == ("", "missing at baseline: enzyme")
    (row,) = by_table([start, WHOLE], ADULT)
    assert (row["enzyme"], row["reason"]) == (None, found.reason)


def test_a_measure_that_became_worse_earns_nothing_and_says_by_how_much() -> None:
    (found,) = answers([WHOLE, WHOLE | {"physician_global": 7}], plan())
    assert (found.measures[0].percent, found.measures[0].points) == (-10, 0)


# --- which visits are judged --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [ADULT, "imacs-doi-2004", INACTIVE, "proderm-deterioration"])
@pytest.mark.parametrize("week", [None, 0, 12, 24, 5])
def test_visits_after_the_baseline_week_are_judged_and_those_before_it_are_not(
    name: str, week: float | None
) -> None:
    values = [{**WHOLE, **QUIET, "ck_uln": 200}] * 3
    found = answers(values, plan(name, baseline_week=week))
    rows = by_table(values, name, baseline_week=week)
    assert [(one.week, one.status, one.reason or None) for one in found] == [
        (row["week"], row["status"], row["reason"]) for row in rows
    ]
    after = [at for at in (0, 12, 24) if at > (0 if week is None else week)]
    alone = [24] if name == INACTIVE and week == 24 else []
    assert [one.week for one in found] == after + alone
    if week == 5 and name != INACTIVE:
        assert {one.reason for one in found} == {"no baseline visit"}


def test_a_state_is_judged_at_the_only_visit_of_a_patient_and_a_change_is_not() -> None:
    assert [one.category for one in answers([QUIET], plan(INACTIVE))] == ["inactive"]
    assert answers([WHOLE], plan()) == []
    assert respond(None, visit(3, **QUIET), plan(INACTIVE)).category == "inactive"


def test_a_state_asks_nothing_of_visits_before_the_baseline_week() -> None:
    late = plan(INACTIVE, baseline_week=100)
    assert answers([QUIET], late) == []
    assert by_table([QUIET], INACTIVE, baseline_week=100) == []


# --- two visits in a row ------------------------------------------------------------------------------------

CALM = {**WHOLE, "extramuscular": 2}
BAD = {**WHOLE, "extramuscular": 4}  # worse by exactly 2 cm
UNKNOWN = {**WHOLE, "extramuscular": None}
WORDS = {"calm": CALM, "bad": BAD, "unknown": UNKNOWN}
GONE = "missing at this visit: extramuscular"
QUIETLY, AWAITING = ("ok", "not worse", ""), ("ok", "not worse", AWAITS)
COURSES = {
    "calm": [QUIETLY],
    "bad": [AWAITING],
    "bad bad": [AWAITING, ("ok", "worse", "")],
    "bad bad calm": [AWAITING, ("ok", "worse", ""), QUIETLY],
    "bad calm bad": [AWAITING, QUIETLY, AWAITING],
    "bad calm bad bad": [AWAITING, QUIETLY, AWAITING, ("ok", "worse", "")],
}
# The visit before was not worse, or was the baseline: no value of the unknown makes this one the second of two.
WITH_UNKNOWN = {
    ("calm unknown", "strict"): [QUIETLY, ("not computable", "", GONE)],
    ("calm unknown", "bounds"): [QUIETLY, ("bounded", "not worse", GONE)],
    ("bad unknown", "strict"): [AWAITING, ("not computable", "", GONE)],
    ("bad unknown", "bounds"): [AWAITING, ("bounded", "", GONE)],
    ("unknown bad", "strict"): [("not computable", "", GONE), ("not computable", "", BEFORE + GONE)],
    ("unknown bad", "bounds"): [("bounded", "not worse", GONE), ("bounded", "", BEFORE + GONE)],
}


@pytest.mark.parametrize(
    ("course", "missing", "expected"),
    [
        *((course, missing, told) for course, told in COURSES.items() for missing in ("strict", "bounds")),
        *((*key, told) for key, told in WITH_UNKNOWN.items()),
    ],
)
def test_deterioration_is_confirmed_by_the_next_visit_and_by_no_other(
    course: str, missing: str, expected: list[tuple[str, str, str]]
) -> None:
    values = [CALM, *(WORDS[word] for word in course.split())]
    found = answers(values, plan("proderm-deterioration", missing=missing))
    rows = by_table(values, "proderm-deterioration", missing=missing)
    assert [(one.status, one.category, one.reason) for one in found] == expected
    assert [(row["status"], row["category"] or "", row["reason"] or "") for row in rows] == expected


def test_a_code_of_a_reason_reads_as_the_reason() -> None:
    used = plan("proderm-deterioration")
    domains = used.definition.domains
    strength = domains.index("strength")
    assert reason_text(used, 0) == ""
    assert reason_text(used, 1 << Bit.NO_BASELINE) == "no baseline visit"
    assert reason_text(used, 1 << Bit.AWAITS) == AWAITS
    both = 1 << (Bit.AT_BASELINE + strength) | 1 << Bit.AT_VISIT
    said = "missing at baseline: strength (MMT out of 80 or 150); missing at this visit: physician_global"
    assert reason_text(used, both) == said
    assert reason_text(used, both | 1 << Bit.BEFORE) == BEFORE + said


def test_a_visit_keeps_numbers_as_they_were_written_and_leaves_out_what_is_missing() -> None:
    found = visit(0, mmt=60, haq="1.125", ck=0.1, ldh=None)
    assert found == Visit(0, {"mmt": Fraction(60), "haq": Fraction(9, 8), "ck": Fraction(1, 10)})
    assert hash(found) == hash(replace(found, week=0))
