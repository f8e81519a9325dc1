"""Refractory disease as tables: one patient who just meets each rule, and what one changed fact makes of it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from myopoise.errors import BadInput, WrongUsage
from myopoise.outcomes.definitions import tables
from myopoise.outcomes.patients.refractory import (
    RULES,
    Refractory,
    apply_columns,
    check_columns,
    refractory,
    refractory_rule,
)
from myopoise.outcomes.patients.refractory_rules import weakest

Facts = dict[str, Any]
ENZYMES = ("ck", "aldolase", "ldh", "ast", "alt")
NORMAL: Facts = {name: value for e in ENZYMES for name, value in ((e, 100), (f"{e}_uln", 200))}

DRUGS: Facts = {
    "glucocorticoid_inadequate": 1,
    "immunosuppressants_inadequate": 1,
    "background_immunosuppressants": 1,
    "background_stable_weeks": 6,
}
STRENGTH: Facts = {"mmt": 125, "mmt_max": 150}
RIM_ADULT = {"bohan_peter_probable": 1, **DRUGS, **STRENGTH, "abnormal_measures": 2}
RIM_JUVENILE = {"age": 5, **DRUGS, **STRENGTH, "abnormal_measures": 2}
QUOTED: Facts = {"patient_global": 2.0, "physician_global": 2.0, "extramuscular": 0, **NORMAL}
PRODERM: Facts = {
    "age": 18,
    "bohan_peter_probable": 1,
    "on_glucocorticoid": 1,
    "background_immunosuppressants": 0,
    "background_stable_weeks": 4,
    "glucocorticoid_inadequate": 0,
    "immunosuppressants_inadequate": 0,
    "washed_out": 0,
    "active_by_adjudication": 1,
    "mmt": 141,
    "mmt_max": 150,
    "patient_global": 2,
    "physician_global": 2,
    "extramuscular": 0,
    "haq": 0,
    **NORMAL,
}
WASHED = {
    "on_glucocorticoid": 0,
    "background_stable_weeks": 0,
    "glucocorticoid_inadequate": 1,
    "immunosuppressants_inadequate": 1,
    "washed_out": 1,
}
ONE_MORE = {"patient_global": 0}  # leaves ProDERM with one abnormal measure, so that another decides
RCI = {
    "glucocorticoid_inadequate": 1,
    "immunosuppressants_inadequate": 0,
    "significant_weakness": 1,
    "abnormal_measures": 3,
    "cutaneous_vas": 0,
    "abnormal_measures_beside_skin": 0,
}
SKIN = {
    "significant_weakness": 0,
    "abnormal_measures": 0,
    "cutaneous_vas": 3,
    "abnormal_measures_beside_skin": 3,
}
ARTEMIS = {"months_on_combination": 3, "active_disease": 1}
BRAZIL = {"drugs_inadequate": 2, "months_on_drugs": 3, "glucocorticoid_tapered": 1}


def both_ways(facts: Facts, name: str, cutoffs: Any = None) -> Refractory:
    """One patient, once alone and once as a column, which must agree."""
    rule = refractory_rule(name, cutoffs)
    found = refractory(facts, rule)
    columns = {name: np.array([np.nan if facts.get(name) is None else float(facts[name])]) for name in facts}
    if columns:
        results = {key: str(text[0]) for key, text in apply_columns(rule, columns).items()}
        assert results == {
            "rule": found.rule,
            "result": found.result,
            "missing": "; ".join(found.missing),
            "decided_by": "; ".join(found.decided_by),
        }
    return found


# --- exactly on the cut, and one step off it ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "patient", "changed", "result"),
    [
        ("rim-adult", RIM_ADULT, {}, "met"),
        ("rim-adult", RIM_ADULT, {"mmt": 125.5}, "not met"),
        ("rim-adult", RIM_ADULT, {"mmt": 126}, "not met"),
        ("rim-adult", RIM_ADULT, {"abnormal_measures": 1}, "not met"),
        ("rim-adult", RIM_ADULT, {"mmt": 126, "abnormal_measures": 5}, "not met"),
        ("rim-adult", RIM_ADULT, {"bohan_peter_probable": 0}, "not met"),
        ("rim-adult", RIM_ADULT, {"glucocorticoid_inadequate": 0}, "not met"),
        ("rim-adult", RIM_ADULT, {"immunosuppressants_inadequate": 0}, "not met"),
        ("rim-adult", RIM_ADULT, {"background_immunosuppressants": 0}, "not met"),
        ("rim-adult", RIM_ADULT, {"background_stable_weeks": 5.9}, "not met"),
        ("rim-adult", RIM_ADULT, {"immunosuppressants_inadequate": 4}, "met"),
        ("rim-juvenile", RIM_JUVENILE, {}, "met"),
        ("rim-juvenile", RIM_JUVENILE, {"age": 4.99}, "not met"),
        ("rim-juvenile", RIM_JUVENILE, {"mmt": 126}, "not met"),
        ("rim-juvenile", RIM_JUVENILE, {"mmt": 126, "abnormal_measures": 3}, "met"),
        ("rim-juvenile", RIM_JUVENILE, {"mmt": 125, "abnormal_measures": 3}, "met"),
        ("rim-juvenile", RIM_JUVENILE, {"abnormal_measures": 1}, "not met"),
        ("rim-juvenile", RIM_JUVENILE, {"background_stable_weeks": 5}, "not met"),
        ("proderm", PRODERM, {}, "met"),
        ("proderm", PRODERM, {"age": 17.9}, "not met"),
        ("proderm", PRODERM, {"age": 79.9}, "met"),
        ("proderm", PRODERM, {"age": 80}, "not met"),
        ("proderm", PRODERM, {"bohan_peter_probable": 0}, "not met"),
        ("proderm", PRODERM, {"mmt": 141.9}, "met"),
        ("proderm", PRODERM, {"mmt": 142}, "not met"),
        ("proderm", PRODERM, {"active_by_adjudication": 0}, "not met"),
        ("proderm", PRODERM, {"on_glucocorticoid": 0}, "not met"),
        ("proderm", PRODERM, {"on_glucocorticoid": 0, "background_immunosuppressants": 1}, "met"),
        ("proderm", PRODERM, {"background_immunosuppressants": 2}, "met"),
        ("proderm", PRODERM, {"background_immunosuppressants": 3}, "not met"),
        ("proderm", PRODERM, {"background_stable_weeks": 3.9}, "not met"),
        ("proderm", PRODERM, WASHED, "met"),
        ("proderm", PRODERM, {**WASHED, "washed_out": 0}, "not met"),
        ("proderm", PRODERM, {**WASHED, "glucocorticoid_inadequate": 0}, "not met"),
        ("proderm", PRODERM, {**WASHED, "immunosuppressants_inadequate": 0}, "not met"),
        ("proderm", PRODERM, {"patient_global": 1.9}, "not met"),
        ("proderm", PRODERM, {"physician_global": 1.9}, "not met"),
        ("proderm", PRODERM, {**ONE_MORE, "extramuscular": 2}, "met"),
        ("proderm", PRODERM, {**ONE_MORE, "extramuscular": 1.9}, "not met"),
        ("proderm", PRODERM, {**ONE_MORE, "haq": 0.25}, "met"),
        ("proderm", PRODERM, {**ONE_MORE, "haq": 0.125}, "not met"),
        ("proderm", PRODERM, {**ONE_MORE, "ck": 300}, "not met"),  # 1.5 x 200, and it must be above
        ("proderm", PRODERM, {**ONE_MORE, "ck": 301}, "met"),
        ("proderm", PRODERM, {**ONE_MORE, "alt": 300.1}, "met"),
        (
            "proderm",
            PRODERM,
            {**ONE_MORE, "ck": 301, "alt": 301, "ldh": 301, "physician_global": 0},
            "not met",
        ),
        ("rci", RCI, {}, "met"),
        ("rci", RCI, {"abnormal_measures": 2}, "not met"),
        ("rci", RCI, {"significant_weakness": 0}, "not met"),
        ("rci", RCI, {"glucocorticoid_inadequate": 0}, "not met"),
        ("rci", RCI, {"glucocorticoid_inadequate": 0, "immunosuppressants_inadequate": 1}, "met"),
        ("rci", RCI, SKIN, "met"),
        ("rci", RCI, {**SKIN, "cutaneous_vas": 2.9}, "not met"),
        ("rci", RCI, {**SKIN, "abnormal_measures_beside_skin": 2}, "not met"),
        ("artemis", ARTEMIS, {}, "met"),
        ("artemis", ARTEMIS, {"months_on_combination": 2.9}, "not met"),
        ("artemis", ARTEMIS, {"active_disease": 0}, "not met"),
        ("brazil", BRAZIL, {}, "met"),
        ("brazil", BRAZIL, {"drugs_inadequate": 1}, "not met"),
        ("brazil", BRAZIL, {"months_on_drugs": 2.9}, "not met"),
        ("brazil", BRAZIL, {"glucocorticoid_tapered": 0}, "not met"),
    ],
)
def test_the_cuts_are_as_strict_as_they_are_printed(
    name: str, patient: Facts, changed: Facts, result: str
) -> None:
    found = both_ways({**patient, **changed}, name)
    assert (found.result, found.missing) == (result, ())
    assert found.decided_by


# --- what is not known --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "patient", "changed", "result", "missing"),
    [
        ("rim-adult", RIM_ADULT, {"mmt": None}, "unknown", ("mmt",)),
        ("rim-adult", RIM_ADULT, {"mmt_max": None}, "unknown", ("mmt_max",)),
        ("rim-adult", RIM_ADULT, {"mmt": None, "mmt_max": None}, "unknown", ("mmt", "mmt_max")),
        # 70 of 80 is not 125 of 150, whatever the proportion.
        ("rim-adult", RIM_ADULT, {"mmt": 70, "mmt_max": 80}, "unknown", ("mmt out of 150",)),
        ("rim-adult", RIM_ADULT, {"mmt": None, "mmt_max": 260}, "unknown", ("mmt out of 150",)),
        ("rim-adult", RIM_ADULT, {"mmt": 140, "background_stable_weeks": None}, "not met", ()),
        ("rim-juvenile", RIM_JUVENILE, {"mmt": None, "abnormal_measures": 3}, "met", ()),
        ("rim-juvenile", RIM_JUVENILE, {"mmt": None, "abnormal_measures": 2}, "unknown", ("mmt",)),
        ("rim-juvenile", RIM_JUVENILE, {"mmt": None, "abnormal_measures": 1}, "not met", ()),
        (
            "rim-juvenile",
            RIM_JUVENILE,
            {"age": None, "abnormal_measures": None},
            "unknown",
            ("age", "abnormal_measures"),
        ),
        ("proderm", PRODERM, {"age": None}, "unknown", ("age",)),
        ("proderm", PRODERM, {"washed_out": None, "glucocorticoid_inadequate": None}, "met", ()),
        (
            "proderm",
            PRODERM,
            {"background_immunosuppressants": None},
            "unknown",
            ("background_immunosuppressants",),
        ),
        # Without a glucocorticoid that failed, nothing about the washout matters.
        (
            "proderm",
            PRODERM,
            {"background_stable_weeks": None, "washed_out": None},
            "unknown",
            ("background_stable_weeks",),
        ),
        ("proderm", PRODERM, {"haq": None, "ck": None}, "met", ()),
        ("proderm", PRODERM, {**ONE_MORE, "haq": None}, "unknown", ("haq",)),
        ("proderm", PRODERM, {**ONE_MORE, "ck": None, "ldh_uln": None}, "unknown", ("ck", "ldh_uln")),
        ("proderm", PRODERM, {**ONE_MORE, "ck": None, "ck_uln": None}, "unknown", ("ck", "ck_uln")),
        ("proderm", PRODERM, {**ONE_MORE, "ck": 0, "ck_uln": None}, "not met", ()),
        # An enzyme is abnormal already: the others cannot make it more so.
        (
            "proderm",
            PRODERM,
            {**ONE_MORE, "physician_global": None, "ck": 400, "ldh": None},
            "unknown",
            ("physician_global",),
        ),
        ("rci", RCI, {"abnormal_measures": None}, "unknown", ("abnormal_measures",)),
        ("rci", RCI, {"immunosuppressants_inadequate": None, "cutaneous_vas": None}, "met", ()),
        ("artemis", ARTEMIS, {"active_disease": None}, "unknown", ("active_disease",)),
        ("artemis", {}, {"active_disease": 0}, "not met", ()),
        ("brazil", {}, {}, "unknown", ("drugs_inadequate", "months_on_drugs", "glucocorticoid_tapered")),
    ],
)
def test_only_what_could_change_the_answer_is_called_missing(
    name: str, patient: Facts, changed: Facts, result: str, missing: tuple[str, ...]
) -> None:
    found = both_ways({**patient, **changed}, name)
    assert (found.result, found.missing) == (result, missing)
    assert bool(found.decided_by) is (result != "unknown")


# --- whose cut-offs -----------------------------------------------------------------------------------------


def measured(facts: Facts, **changed: Any) -> Facts:
    return {k: v for k, v in facts.items() if k != "abnormal_measures"} | QUOTED | changed


@pytest.mark.parametrize(
    ("changed", "result"),
    [
        ({}, "met"),
        ({"patient_global": 1.9}, "not met"),
        ({"patient_global": 1.9, "haq": 0.25}, "met"),
        ({"patient_global": 1.9, "haq": 0.24}, "not met"),
        ({"patient_global": 1.9, "extramuscular": 1}, "met"),
        ({"patient_global": 1.9, "extramuscular": 0.9}, "not met"),
        ({"patient_global": 1.9, "ast": 260}, "met"),  # 1.3 x 200, and from there on
        ({"patient_global": 1.9, "ast": 259.9}, "not met"),
        ({"patient_global": 1.9, "ast": 0.39, "ast_uln": 0.3}, "met"),  # 1.3 x 0.3, where floats go astray
    ],
)
def test_quoted_cut_offs_count_the_abnormal_measures_when_they_are_asked_for(
    changed: Facts, result: str
) -> None:
    found = both_ways(measured(RIM_ADULT, haq=0) | changed, "rim-adult", "quoted")
    assert (found.result, found.status) == (result, "UNCONFIRMED")
    assert found.rule == "rim-adult with quoted cut-offs (UNCONFIRMED)"


def test_an_answer_that_does_not_rest_on_the_cut_offs_does_not_carry_their_status() -> None:
    found = both_ways(measured(RIM_ADULT, haq=0, mmt=140), "rim-adult", "quoted")
    assert (found.result, found.status) == ("not met", "CONFIRMED")


def test_own_cut_offs_are_named_and_used() -> None:
    own = {"patient_global": 3, "physician_global": "2.5", "function": 0.5, "enzyme": 2, "extramuscular": 1}
    facts = measured(RIM_JUVENILE, chaq=0.5, patient_global=2.9, physician_global=2.5, ck=399)
    found = both_ways(facts, "rim-juvenile", own)
    assert (found.rule, found.result) == ("rim-juvenile with own cut-offs (OPERATIONAL)", "met")
    assert "abnormal measures at least 2 (physician global, function)" in found.decided_by
    assert both_ways({**facts, "chaq": 0.4}, "rim-juvenile", own).result == "not met"
    assert both_ways({**facts, "chaq": 0.4, "ck": 400}, "rim-juvenile", own).result == "met"


def test_without_cut_offs_the_measures_say_nothing() -> None:
    rule = refractory_rule("rim-adult")
    with pytest.raises(WrongUsage, match="no fact 'haq'"):
        refractory({**RIM_ADULT, "haq": 3}, rule)
    columns = {name: np.array([float(v)]) for name, v in measured(RIM_ADULT, haq=3).items()}
    assert apply_columns(rule, columns)["missing"].tolist() == ["abnormal_measures"]


OWN = {"patient_global": 2, "physician_global": 2, "function": 0.25, "enzyme": 1.3, "extramuscular": 1}


@pytest.mark.parametrize(
    ("name", "cutoffs", "words"),
    [
        ("proderm", "quoted", "prints its own"),
        ("rci", "quoted", "counts nothing"),
        ("rim-adult", "qouted", "'quoted', or one number for each"),
        ("rim-adult", {"patient_global": 2}, "one number for each"),
        (
            "rim-adult",
            {**OWN, "function": 3.5},
            "function is a plain decimal above 0 and at most 3; found 3.5",
        ),
        ("rim-adult", {**OWN, "enzyme": 0}, "enzyme is a plain decimal above 0; found 0"),
        ("rim-adult", {**OWN, "enzyme": "4/3"}, "enzyme is a plain decimal"),
    ],
)
def test_cut_offs_that_make_no_sense_are_refused(name: str, cutoffs: Any, words: str) -> None:
    with pytest.raises(WrongUsage, match=words):
        refractory_rule(name, cutoffs)


# --- how an answer reads ------------------------------------------------------------------------------------


def test_an_answer_prints_itself_as_one_sentence() -> None:
    assert str(both_ways(RIM_ADULT, "rim-adult")) == (
        "rim-adult is met: bohan peter probable: yes; glucocorticoid inadequate: yes; immunosuppressants inadequate "
        "at least 1; background immunosuppressants at least 1; background stable weeks at least 6; mmt at most 125 "
        "out of 150; abnormal measures at least 2 (CONFIRMED)."
    )
    assert str(both_ways({**PRODERM, **WASHED, "washed_out": 0}, "proderm")) == (
        "proderm is not met: on glucocorticoid: no; background immunosuppressants below 1; background stable weeks "
        "below 4; washed out: no (CONFIRMED)."
    )
    assert str(both_ways({**PRODERM, "patient_global": 0, "physician_global": 0}, "proderm")) == (
        "proderm is not met: abnormal measures below 2 (none) (CONFIRMED)."
    )
    assert str(both_ways({**RCI, "significant_weakness": None}, "rci")) == (
        "rci cannot be decided: it turns on significant_weakness (OPERATIONAL)."
    )


def test_the_status_is_the_weakest_of_what_decided() -> None:
    assert both_ways({**RIM_JUVENILE, "age": 4}, "rim-juvenile").status == "CONFIRMED"
    assert both_ways(RIM_JUVENILE, "rim-juvenile").status == "CONFIRMED"
    assert both_ways({**RIM_JUVENILE, "abnormal_measures": 3}, "rim-juvenile").status == "OPERATIONAL"
    assert both_ways({**RCI, "glucocorticoid_inadequate": 0}, "rci").status == "CONFIRMED"


# --- what a call or a file may not hold ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"mtm": 120}, "no fact 'mtm'. Did you mean mmt?"),
        ({"zzz": 1}, "no fact 'zzz'. Allowed"),
        ({"glucocorticoid_inadequate": 2}, "glucocorticoid_inadequate: not 1 for yes, 0 for no"),
        ({"immunosuppressants_inadequate": 1.5}, "not a whole number from 0"),
        ({"abnormal_measures": 6}, "not a whole number from 0 to 5"),
        ({"background_stable_weeks": -1}, "not a number from 0"),
        ({"mmt": 151, "mmt_max": 150}, "mmt: more than its maximum"),
        ({"mmt_max": 100}, "mmt_max: not one of 80, 150, 260"),
    ],
)
def test_a_fact_that_cannot_be_is_refused(facts: Facts, words: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        refractory(facts, refractory_rule("rim-adult"))
    assert words in str(refused.value)


def test_a_number_that_is_no_number_is_not_known() -> None:
    found = refractory(
        {"months_on_combination": 3, "active_disease": float("nan")}, refractory_rule("artemis")
    )
    assert found.missing == ("active_disease",)


def test_every_fault_of_a_file_is_told_by_row_without_a_value() -> None:
    columns = {
        "age": np.array([20.0, 121.0, np.nan]),
        "mmt": np.array([151.0, 150.0, 261.0]),
        "mmt_max": np.array([150.0, 7.0, np.nan]),
        "ck_uln": np.array([0.0, 1.0, np.inf]),
        "haq": np.array([np.inf, 3.1, 0.0]),
        "remarks": np.array([1.0, 1.0, 1.0]),
    }
    faults = check_columns("patients.csv", refractory_rule("proderm"), columns)
    assert [(fault.row, fault.column, fault.kind) for fault in faults] == [
        (2, "ck_uln", "out-of-range"),
        (2, "haq", "out-of-range"),
        (2, "mmt", "above-maximum"),
        (3, "age", "out-of-range"),
        (3, "haq", "out-of-range"),
        (3, "mmt_max", "unknown-version"),
        (4, "ck_uln", "out-of-range"),
        (4, "mmt", "above-maximum"),
    ]
    assert str(faults[0]) == (
        "patients.csv, row 2, ck_uln: not above 0. Write a number above 0, in the unit of the enzyme; leave unknown "
        "empty."
    )
    with pytest.raises(BadInput, match="8 faults"):
        apply_columns(refractory_rule("proderm"), columns)


def test_a_file_without_any_column_of_the_rule_is_a_fault() -> None:
    (fault,) = check_columns("p.csv", refractory_rule("artemis"), {"age": np.array([50.0])})
    assert (fault.row, fault.kind) == (1, "missing-column")
    assert "artemis asks for months_on_combination, active_disease" in fault.remedy


def test_a_number_of_abnormal_measures_beside_cut_offs_is_a_fault() -> None:
    columns = {name: np.array([float(value)]) for name, value in RIM_ADULT.items()}
    (fault,) = check_columns("p.csv", refractory_rule("rim-adult", "quoted"), columns)
    assert (fault.row, fault.column, fault.kind) == (1, "abnormal_measures", "counted-twice")
    assert check_columns("p.csv", refractory_rule("rim-adult"), columns) == ()


def test_a_file_without_patients_has_no_answers() -> None:
    results = apply_columns(refractory_rule("artemis"), {"active_disease": np.array([])})
    assert {name: text.tolist() for name, text in results.items()} == {
        "rule": [],
        "result": [],
        "missing": [],
        "decided_by": [],
    }


@pytest.mark.parametrize(
    ("name", "hint"), [("rim-adlut", "Did you mean rim-adult"), ("x", "Allowed: rim-adult")]
)
def test_an_unknown_rule_is_refused_with_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(WrongUsage, match=hint):
        refractory_rule(name)


# --- the files ----------------------------------------------------------------------------------------------


def test_every_rule_has_a_file_and_every_file_a_rule() -> None:
    files = {name for name, table in tables().items() if table["kind"] == "refractory rule"}
    assert files == {f"refractory-{name}" for name in RULES}


@pytest.mark.parametrize("name", RULES)
def test_the_status_of_a_rule_is_the_weakest_of_its_tests(name: str) -> None:
    rule = refractory_rule(name)
    statuses = [test.status for test in rule.tests] + [t.status for g in rule.groups for t in g.tests]
    assert rule.status == tables()[f"refractory-{name}"]["status"] == weakest(statuses)
    assert str(rule) == f"{rule.title} ({name}, {rule.status})"
    assert all(test.sources for test in rule.tests)


@pytest.mark.parametrize("name", RULES)
def test_every_fact_listed_is_asked_in_some_way_and_every_one_asked_is_listed(name: str) -> None:
    counting = (
        [{}]
        if "counting" not in tables()[f"refractory-{name}"] or name == "proderm"
        else [{}, {"cutoffs": "quoted"}]
    )
    rules = [refractory_rule(name, **options) for options in counting]
    asked = {fact.name for rule in rules for fact in (*rule.read, *rule.asked)}
    assert asked == {fact.name for fact in rules[0].facts}


def test_a_fact_means_the_same_in_every_rule() -> None:
    said = defaultdict(set)
    for name in RULES:
        for fact in refractory_rule(name).facts:
            said[fact.name].add((fact.meaning, fact.unit, fact.low, fact.high, fact.whole, fact.companion))
    assert {name: len(meanings) for name, meanings in said.items() if len(meanings) > 1} == {}


def test_the_cut_offs_are_those_of_the_specification() -> None:
    def cuts(name: str, cutoffs: str | None) -> dict[str, tuple[float, bool]]:
        groups = refractory_rule(name, cutoffs).groups
        return {group.measure: (float(group.tests[0].amount), group.tests[0].beyond) for group in groups}

    globals_ = {"patient_global": (2.0, False), "physician_global": (2.0, False), "function": (0.25, False)}
    quoted = {**globals_, "enzyme": (1.3, False), "extramuscular": (1.0, False)}
    assert cuts("rim-adult", "quoted") == cuts("rim-juvenile", "quoted") == quoted
    assert cuts("proderm", None) == {**globals_, "enzyme": (1.5, True), "extramuscular": (2.0, False)}
