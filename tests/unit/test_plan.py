"""What a protocol fixes: said in words, checked before any visit is read, and refused with what would be allowed."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from myopoise.errors import WrongUsage
from myopoise.outcomes.definitions import Kind, definition, definitions
from myopoise.outcomes.instruments import ENZYMES, instruments
from myopoise.outcomes.plan import Missing, Plan, plan_for

ADULT = "acr-eular-2016-adult"
JUVENILE = "acr-eular-2016-jdm-imacs"
PUBLISHED = {row.enzyme: row.times_uln for row in definition(ADULT).enzyme_ranges}


# --- in words -----------------------------------------------------------------------------------------------


def test_a_score_says_its_units_its_way_with_missing_measures_and_every_range() -> None:
    missing, scales, ranges = plan_for(ADULT, ()).sentences
    assert (missing, scales) == ("missing measures: strict", "visual analogue scales in cm")
    for row in definition(ADULT).enzyme_ranges:
        said = f"{instruments()[row.enzyme].label} {float(row.times_uln):g} × ULN"
        assert (f"{said} ({row.status})" in ranges) == (row.status != "CONFIRMED")
        assert said in ranges


def test_a_range_of_the_users_own_carries_no_status_of_the_definition() -> None:
    said = plan_for(ADULT, (), enzyme_ranges={"ck": 12}).sentences[2]
    assert said.startswith("range of enzymes: CK 12 × ULN, ")
    same = plan_for(ADULT, (), enzyme_ranges={"ck": float(PUBLISHED["ck"])}).sentences[2]
    assert same == plan_for(ADULT, ()).sentences[2]


def test_the_unit_of_enzymes_is_said_only_where_it_matters() -> None:
    assert "enzymes in microkat/L" in plan_for("printo-inactive-2012", (), enzyme_unit="microkat/L").sentences
    for name in (ADULT, "imacs-doi-2004"):  # multiples of the limit of the same laboratory
        assert not any(
            "enzymes in" in said for said in plan_for(name, (), enzyme_unit="microkat/L").sentences
        )


def test_what_was_chosen_is_said() -> None:
    plan = plan_for(
        "printo-20",
        (),
        missing="bounds",
        vas_unit="mm",
        baseline_week=-2,
        chosen={"strength": "cmas", "extramuscular": "extramuscular"},
        options={"worsening-limit": True},
    )
    assert plan.sentences == (
        "missing measures: bounds",
        "visual analogue scales in mm",
        "strength: cmas",
        "extramuscular: extramuscular",
        "baseline at week -2",
        "with worsening-limit",
    )
    assert str(plan) == f"{definition('printo-20').title}; {'; '.join(plan.sentences)}."


def test_scales_are_not_spoken_of_where_none_is_read() -> None:
    assert plan_for("rim-mmt-20", ()).sentences == ("missing measures: strict",)


@pytest.mark.parametrize(
    "name", [n for n, one in definitions().items() if one.kind in (Kind.SCORE, Kind.RULE)]
)
def test_two_plans_that_differ_never_say_the_same(name: str) -> None:
    options = {option.name: not option.default for option in definition(name).options}
    changes: list[dict[str, Any]] = [{}, {"missing": "bounds"}, {"baseline_week": 4}]
    changes += [{"options": options}] if options else []
    changes += [{"enzyme_ranges": {"ck": 3}}] if definition(name).enzyme_ranges else []
    said = [str(plan_for(name, (), **change)) for change in changes]
    assert len(set(said)) == len(said)


# --- what is needed -----------------------------------------------------------------------------------------


def test_only_a_state_needs_no_baseline_and_only_scored_enzymes_need_their_limits() -> None:
    plans = {n: plan_for(n, ()) for n, one in definitions().items() if one.kind in (Kind.SCORE, Kind.RULE)}
    states = {"printo-inactive-2012", "printo-inactive-modified", "jasmine-steroid-target"}
    assert {name for name, plan in plans.items() if not plan.needs_baseline} == states
    for plan in plans.values():
        assert plan.needs_uln == (set(ENZYMES) <= set(plan.columns))


def test_an_instrument_is_taken_from_the_data_where_the_protocol_leaves_one_choice() -> None:
    for held, taken in ((("cmas",), "cmas"), (("mmt",), "mmt"), ((), "mmt")):
        assert plan_for(JUVENILE, held).instruments["strength"] == (taken,)
    assert plan_for(JUVENILE, ("mmt", "cmas"), chosen={"strength": "cmas"}).instruments["strength"] == (
        "cmas",
    )
    assert (
        plan_for(ADULT, ("haq", "chaq")).instruments["function"]
        == definition(ADULT).measure("function").instruments
    )


@pytest.mark.parametrize("name", [n for n, one in definitions().items() if one.options])
def test_an_option_is_what_was_asked_for_and_otherwise_its_default(name: str) -> None:
    for option in definition(name).options:
        for asked in (True, False):
            assert (option.name in plan_for(name, (), options={option.name: asked}).options) == asked
        assert (option.name in plan_for(name, ()).options) == option.default


@pytest.mark.parametrize("times", [7, 7.5, "7.5", Decimal("7.5"), Fraction(15, 2)], ids=repr)
def test_a_range_is_the_number_that_was_written(times: Any) -> None:
    plan = plan_for(ADULT, (), enzyme_ranges={"ck": times})
    assert plan.enzyme_ranges == PUBLISHED | {"ck": Fraction(str(times))}
    assert plan.missing is Missing.STRICT


# --- what is refused ----------------------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "acr-eular-2016-adlt",
        {},
        "No definition is called 'acr-eular-2016-adlt'. Did you mean acr-eular-2016-adult?",
    ),
    ("quux", {}, "No definition is called 'quux'. See: myopoise outcomes list"),
    (
        "eular-acr-2017",
        {},
        "eular-acr-2017 is not applied to visits. See: myopoise outcomes show eular-acr-2017",
    ),
    (
        ADULT,
        {"missing": "impute"},
        "'impute' is not a way with missing measures. Choose one of strict, bounds.",
    ),
    (ADULT, {"vas_unit": "in"}, "'in' is not a unit of a visual analogue scale. Choose one of cm, mm."),
    (ADULT, {"enzyme_unit": "nkat"}, "'nkat' is not a unit of an enzyme. Choose one of U/L, microkat/L."),
    (ADULT, {"chosen": {"strenght": "mmt"}}, f"{ADULT} has no measure 'strenght'. Did you mean strength?"),
    (
        ADULT,
        {"chosen": {"quux": "mmt"}},
        f"{ADULT} has no measure 'quux'. It has physician_global, patient_global, ",
    ),
    (
        ADULT,
        {"chosen": {"strength": "cmas"}},
        f"'cmas' is not an instrument of strength in {ADULT}. Choose one of mmt.",
    ),
    (ADULT, {"options": {"quux": True}}, f"{ADULT} has no option 'quux'. It has none."),
    ("printo-20", {"options": {"quux": True}}, "printo-20 has no option 'quux'. It has: worsening-limit."),
    (
        ADULT,
        {"enzyme_ranges": {"troponin": 3}},
        "'troponin' is not an enzyme with a range in this definition. Choose",
    ),
    (
        "imacs-doi-2004",
        {"enzyme_ranges": {"ck": 3}},
        "imacs-doi-2004 gives no points for enzymes, so that no range of ck applies.",
    ),
]


@pytest.mark.parametrize(("name", "more", "message"), REFUSED, ids=[message[:40] for *_, message in REFUSED])
def test_what_does_not_make_sense_is_refused_with_what_would(
    name: str, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(WrongUsage) as caught:
        plan_for(name, (), **more)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "times", [0, -1, "x", "1/0", "", math.nan, math.inf, Decimal("Infinity"), None], ids=repr
)
def test_a_range_that_is_not_a_number_above_0_is_refused(times: Any) -> None:
    with pytest.raises(WrongUsage, match="The range of ck must be a number above 0, in multiples of its ULN"):
        plan_for(ADULT, (), enzyme_ranges={"ck": times})


def test_data_with_two_instruments_of_a_measure_leave_the_choice_to_the_protocol() -> None:
    with pytest.raises(WrongUsage, match="The data hold mmt and cmas") as caught:
        plan_for(JUVENILE, ("cmas", "mmt"))
    assert "--instrument strength=mmt, or --instrument strength=cmas" in str(caught.value)


# --- words of instruments and definitions -------------------------------------------------------------------

SAID = {
    "physician_global": "0 to 10 cm",
    "mmt": "0 to mmt_max, which is one of 80, 150, 260",
    "cmas": "0 to 52 points",
    "ck": "0 or more U/L",
    "chq_phs": "any number",
    "prednisone_mg": "0 or more mg/day",
}


@pytest.mark.parametrize(("name", "allowed"), SAID.items())
def test_an_instrument_says_what_it_is_what_it_may_be_and_which_way_is_better(
    name: str, allowed: str
) -> None:
    one = instruments()[name]
    assert str(one) == f"{one.full}: {allowed}, {one.better} is better."


def test_a_definition_says_its_title_its_name_and_how_well_it_is_known() -> None:
    for name, found in definitions().items():
        assert str(found) == f"{found.title} ({name}, {found.status})"
        for domain in found.domains:
            assert found.measure(domain).domain == domain


def test_a_plan_is_a_value_and_its_rule_that_of_its_options() -> None:
    found = definition("printo-20")
    plan = plan_for("printo-20", ())
    assert isinstance(plan, Plan)
    assert plan.rule == found.rule(frozenset())
    assert plan_for("printo-20", (), options={"worsening-limit": True}).rule == found.rule(
        plan.options | {"worsening-limit"}
    )
    assert plan_for(ADULT, ()).rule is None
