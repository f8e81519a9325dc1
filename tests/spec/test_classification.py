"""Classification as tables: findings on the left, the answer on the right; then what a file may not hold."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from myopoise.errors import BadInput, WrongUsage
from myopoise.outcomes.patients import bohan_peter
from myopoise.outcomes.patients.bohan_peter import BOHAN_PETER_1975
from myopoise.outcomes.patients.classification import any_present, read_definition
from myopoise.outcomes.patients.criteria import CRITERIA, criteria
from myopoise.outcomes.patients.eular_acr import classify_patient, subgroup, with_and_without_biopsy
from myopoise.outcomes.patients.eular_acr_columns import EULAR_ACR_2017
from myopoise.outcomes.patients.eular_acr_definition import IBM_QUESTIONS, definition

NOTHING: dict[str, bool | None] = dict.fromkeys((*definition().findings, *IBM_QUESTIONS), False)
NO_BIOPSY = {item: False for item in NOTHING if item not in definition().groups["biopsy"]}
WEAK = {"prox_upper": True, "prox_lower": True, "neck_flex": True, "legs_prox_distal": True}
SKIN = {"heliotrope": True, "gottron_papules": True, "gottron_sign": True}


# --- EULAR/ACR: score and category ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "age", "biopsy", "score", "category"),
    [
        ({}, 5, False, 0.0, "not_iim"),
        ({"prox_upper": True, "prox_lower": True, "neck_flex": True}, 40, False, 5.5, "probable_iim"),
        ({"heliotrope": True, "gottron_papules": True, "enzymes": True}, 12, False, 6.5, "probable_iim"),
        ({"gottron_papules": True, "gottron_sign": True}, 40, False, 2.1 + 2.1 + 3.3, "definite_iim"),
        ({"heliotrope": True, "gottron_papules": True, "dysphagia": True}, 9, True, 6.5, "possible_iim"),
        ({"anti_jo1": True, "bx_peri": True, "bx_endomysial": True}, 9, True, 6.7, "probable_iim"),
        ({"gottron_sign": True, "anti_jo1": True, "bx_peri": True}, 9, True, 8.7, "definite_iim"),
    ],
)
def test_the_sum_of_the_weights_decides_the_category(
    found: dict[str, bool], age: float, biopsy: bool, score: float, category: str
) -> None:
    answer = classify_patient({**(NOTHING if biopsy else NO_BIOPSY), **found}, age, biopsy)
    assert (answer.score, answer.category) == (pytest.approx(score, abs=1e-12), category)


@pytest.mark.parametrize(
    ("age", "weight"),
    [(0, 0.0), (17.99, 0.0), (18, 1.3), (39.99, 1.3), (40, 2.1), (120, 2.1)],
)
def test_the_age_bands_are_closed_below(age: float, weight: float) -> None:
    assert classify_patient(NO_BIOPSY, age, False).score == weight


@pytest.mark.parametrize(
    ("younger", "older", "least", "most"),
    [
        (None, None, 0.0, 2.1),
        (True, None, 1.3, 1.3),
        (True, False, 1.3, 1.3),
        (None, True, 2.1, 2.1),
        (False, True, 2.1, 2.1),
        (False, None, 0.0, 2.1),
        (None, False, 0.0, 1.3),
        (False, False, 0.0, 0.0),
    ],
)
@pytest.mark.parametrize("age", [None, float("nan")])
def test_without_the_age_the_age_items_say_what_it_can_be(
    younger: bool | None, older: bool | None, least: float, most: float, age: float | None
) -> None:
    answer = classify_patient({**NO_BIOPSY, "age_18_39": younger, "age_40plus": older}, age, False)
    assert answer.score == least
    assert answer.probability_max == definition().models["no_biopsy"].probability(round(10 * most))
    assert answer.unknown == (() if least == most else ("age_at_onset",))


def test_what_is_present_is_listed_with_its_weight_in_the_order_of_the_criteria() -> None:
    answer = classify_patient({**NO_BIOPSY, "enzymes": True, "heliotrope": True}, 45, False)
    listed = [(found.item, found.weight) for found in answer.contributions]
    assert listed == [("age_40plus", 2.1), ("heliotrope", 3.1), ("enzymes", 1.3)]


def test_only_an_unknown_that_can_reach_a_cut_point_could_change_the_category() -> None:
    # 2.1 + 3.1 = 5.2 is 0.1 below possible and 0.3 below probable: every unknown matters; from 8.4 none does.
    low = classify_patient({**NO_BIOPSY, "heliotrope": True, "dysphagia": None, "enzymes": None}, 40, False)
    high = classify_patient({**NO_BIOPSY, **SKIN, "dysphagia": None, "enzymes": None}, 5, False)
    assert low.could_change_category == low.unknown == ("dysphagia", "enzymes")
    assert (high.could_change_category, high.unknown) == ((), ("dysphagia", "enzymes"))


def test_biopsy_findings_are_not_asked_without_a_biopsy() -> None:
    assert classify_patient({}, 50, False).unknown == tuple(
        item for item in definition().findings if item not in definition().groups["biopsy"]
    )
    assert set(definition().groups["biopsy"]) < set(classify_patient({}, 50, True).unknown)


def test_the_probability_is_shown_with_and_without_biopsy() -> None:
    found = {**NOTHING, **WEAK, "enzymes": True, "bx_peri": True}
    both = with_and_without_biopsy(found, 50)
    assert both.without_biopsy.score == pytest.approx(2.1 + 0.7 + 0.8 + 1.9 + 0.9 + 1.3)
    assert both.with_biopsy.score == pytest.approx(2.2 + 0.7 + 0.5 + 1.6 + 1.2 + 1.4 + 1.2)
    assert str(both) == f"{both.without_biopsy} {both.with_biopsy}"


# --- EULAR/ACR: subgroup --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "age", "biopsy", "expected"),
    [
        ({**WEAK, **SKIN}, 50, False, "DM"),
        ({**SKIN}, 50, False, "ADM"),
        ({**SKIN, "dysphagia": True}, 50, False, "ADM"),
        ({**SKIN, **dict.fromkeys(WEAK, None)}, 50, False, ""),
        ({**SKIN, **dict.fromkeys(WEAK, None), "neck_flex": True}, 50, False, "DM"),
        ({**WEAK, **SKIN}, 12, False, "JDM"),
        ({**WEAK, "anti_jo1": True}, 12, False, "JM_OTHER"),
        ({**WEAK, **SKIN}, None, False, ""),
        ({**WEAK, "anti_jo1": True, "gottron_sign": None}, 50, False, ""),
        ({**WEAK, "anti_jo1": True, "gottron_sign": None}, 12, False, ""),
        ({**WEAK, "anti_jo1": True}, 50, False, "PM_IMNM"),
        ({**WEAK, "anti_jo1": True, "finger_flexor_weakness": True}, 50, False, "PM_IMNM"),
        ({**WEAK, "anti_jo1": True, **dict.fromkeys(IBM_QUESTIONS, True)}, 50, False, "IBM"),
        ({**WEAK, "anti_jo1": True, **dict.fromkeys(IBM_QUESTIONS, None)}, 50, False, "PM_IMNM"),
        ({**WEAK, "anti_jo1": True, "bx_rimmed": True}, 50, True, "IBM"),
        ({**WEAK, "anti_jo1": True, "bx_rimmed": None}, 50, True, ""),
        ({"anti_jo1": True}, 50, False, "PM_IMNM"),
        ({"heliotrope": True}, 50, False, ""),
    ],
)
def test_the_tree_names_the_subgroup_of_those_classified(
    found: dict[str, bool | None], age: float | None, biopsy: bool, expected: str
) -> None:
    items = {**(NOTHING if biopsy else NO_BIOPSY), **found}
    assert classify_patient(items, age, biopsy).subgroup == expected
    row = {"age_at_onset": age, "biopsy": biopsy, **items}
    cells = {name: [np.nan if row.get(name) is None else float(row[name])] for name in EULAR_ACR_2017.columns}  # type: ignore[arg-type]
    classes = EULAR_ACR_2017.classify_columns({name: np.array(values) for name, values in cells.items()})
    assert classes["subgroup"].tolist() == [expected]


def test_the_tree_in_code_is_the_tree_of_the_definition() -> None:
    nodes = {row["node"]: row for row in read_definition("eular-acr-2017")["tree"]}
    for adult, skin, weakness, inclusion_body in product([True, False], repeat=4):
        answers = {
            "age": adult,
            "adult_skin": skin,
            "juvenile_skin": skin,
            "weakness": weakness,
            "inclusion_body": inclusion_body,
        }
        place = "age"
        while place in nodes:
            place = nodes[place]["yes" if answers[place] else "no"]
        assert subgroup(adult, skin, weakness, inclusion_body) == place


@pytest.mark.parametrize(
    ("found", "age", "biopsy", "words"),
    [
        ({}, 50, False, "SECONDARY"),
        ({}, 50, None, "without biopsy are used"),
        ({**SKIN, "prox_upper": None}, 50, False, "subgroup is left open"),
        ({**WEAK, "anti_jo1": True, "finger_flexor_weakness": True}, 50, False, "SECONDARY"),
        (
            {**WEAK, "anti_jo1": True, "finger_flexor_weakness": True, IBM_QUESTIONS[1]: None},
            50,
            False,
            "counts as absent",
        ),
    ],
)
def test_the_notes_say_how_the_answer_was_reached(
    found: dict[str, bool | None], age: float, biopsy: bool | None, words: str
) -> None:
    assert words in classify_patient({**NO_BIOPSY, **found}, age, biopsy).notes[-1]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            {**SKIN, **WEAK},
            "definite inflammatory myopathy, dermatomyositis by eular-acr-2017, weights without biopsy: "
            "score 14.9; probability above 99%.",
        ),
        (
            {"prox_upper": None, "enzymes": True},
            "not classified as inflammatory myopathy by eular-acr-2017, weights without biopsy: score 3.4; "
            "probability 13% to 23%; unknown: prox_upper; none of them could change the category.",
        ),
        (
            {"heliotrope": True, "prox_upper": None},
            "not classified as inflammatory myopathy by eular-acr-2017, weights without biopsy: score 5.2; "
            "probability 47% to 64%; unknown: prox_upper; prox_upper could change the category.",
        ),
    ],
)
def test_an_answer_prints_itself_as_one_sentence(found: dict[str, bool | None], sentence: str) -> None:
    assert str(classify_patient({**NO_BIOPSY, **found}, 50, False)) == sentence


def test_a_small_probability_is_not_rounded_to_none() -> None:
    assert "probability below 1%." in str(classify_patient(NO_BIOPSY, 5, False))


# --- Bohan and Peter ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "score", "category", "expected"),
    [
        ("1111 0 0", 4, "definite PM", "PM"),
        ("1110 0 0", 3, "probable PM", "PM"),
        ("1010 0 0", 2, "possible PM", "PM"),
        ("1000 0 0", 1, "none", ""),
        ("1111 1 0", 4, "definite DM", "DM"),
        ("1110 1 0", 3, "definite DM", "DM"),
        ("1100 1 0", 2, "probable DM", "DM"),
        ("0001 1 0", 1, "possible DM", "DM"),
        ("0000 1 0", 0, "none", ""),
        ("1111 1 1", 4, "none", ""),
        ("???? ? 1", 0, "none", ""),
        ("1111 0 ?", 4, "definite PM", "PM"),
        ("111? 1 0", 3, "definite DM", "DM"),
        ("111? 0 0", 3, "", "PM"),
        ("11?? 1 0", 2, "", "DM"),
        ("1000 ? 0", 1, "", ""),
        ("0000 ? 0", 0, "none", ""),
        ("1110 ? 0", 3, "", ""),
    ],
)
def test_the_number_of_criteria_and_the_rash_decide(
    known: str, score: float, category: str, expected: str
) -> None:
    digits = {"1": True, "0": False, "?": None}
    items = dict(zip(BOHAN_PETER_1975.columns, (digits[d] for d in known.replace(" ", "")), strict=True))
    answer = bohan_peter.classify_patient(items)
    assert (answer.score, answer.category, answer.subgroup) == (score, category, expected)
    assert answer.unknown == tuple(name for name, value in items.items() if value is None)


def test_bohan_and_peter_say_what_they_could_not_decide() -> None:
    answer = bohan_peter.classify_patient({"weakness": True, "enzymes": True, "biopsy": True, "rash": False})
    assert str(answer) == (
        "undecided, but PM by bohan-peter-1975: score 3; unknown: emg, excluded; emg, excluded could change "
        "the category."
    )
    assert [note.split()[0] for note in answer.notes] == ["Whether", "The"]
    other = bohan_peter.classify_patient({"excluded": True})
    assert str(other).startswith("neither polymyositis nor dermatomyositis")
    assert [note.split()[0] for note in other.notes] == ["Another"]
    assert str(bohan_peter.classify_patient({"weakness": True, "excluded": False})).startswith("undecided by")


# --- what a call or a file may not hold -----------------------------------------------------------------------------


def table(names: tuple[str, ...], **given: list[float]) -> dict[str, Any]:
    rows = len(next(iter(given.values())))
    return {name: np.array(given.get(name, [np.nan] * rows)) for name in names}


@pytest.mark.parametrize(
    ("given", "row", "column", "kind"),
    [
        ({"heliotrope": [1, 2]}, 3, "heliotrope", "not-a-finding"),
        ({"biopsy": [0.5]}, 2, "biopsy", "not-a-finding"),
        ({"finger_flexor_weakness": [-1]}, 2, "finger_flexor_weakness", "not-a-finding"),
        ({"age_at_onset": [50, 50, -1]}, 4, "age_at_onset", "out-of-range"),
        ({"age_at_onset": [120.5]}, 2, "age_at_onset", "out-of-range"),
        ({"age_at_onset": [np.inf], "age_18_39": [1]}, 2, "age_at_onset", "out-of-range"),
        ({"age_at_onset": [45], "age_18_39": [1]}, 2, "age_18_39", "age-disagrees"),
        ({"age_at_onset": [17], "age_18_39": [1]}, 2, "age_18_39", "age-disagrees"),
        ({"age_18_39": [1], "age_40plus": [1]}, 2, "age_40plus", "two-ages"),
        ({"age_at_onset": [45], "age_18_39": [1], "age_40plus": [1]}, 2, "age_40plus", "two-ages"),
        ({"bx_peri": [1], "biopsy": [0]}, 2, "bx_peri", "finding-without-biopsy"),
        ({"bx_peri": [1]}, 2, "bx_peri", "finding-without-biopsy"),
        ({"bx_peri": [1], "biopsy": [3]}, 2, "biopsy", "not-a-finding"),
    ],
)
def test_one_mistake_gives_one_fault_that_tells_no_value(
    given: dict[str, list[float]], row: int, column: str, kind: str
) -> None:
    cells = table(EULAR_ACR_2017.columns, **given)
    (fault,) = EULAR_ACR_2017.check_columns("patients.csv", cells)
    assert (fault.file, fault.row, fault.column, fault.kind) == ("patients.csv", row, column, kind)
    assert "nan" not in str(fault)
    assert not any(str(value) in fault.found for values in given.values() for value in values if value > 1)
    with pytest.raises(BadInput) as refused:
        EULAR_ACR_2017.classify_columns(cells)
    assert [found.kind for found in refused.value.faults] == [kind]


def test_faults_come_in_the_order_of_the_rows() -> None:
    cells = table(EULAR_ACR_2017.columns, heliotrope=[0, 0, 7], enzymes=[9, 0, 0], age_at_onset=[1, 999, 1])
    faults = EULAR_ACR_2017.check_columns("patients.csv", cells)
    assert [fault.row for fault in faults] == [2, 3, 4]


@pytest.mark.parametrize("name", ["heliotrope", "biopsy", "age_at_onset", *IBM_QUESTIONS])
def test_a_column_that_is_missing_is_one_fault_of_the_header(name: str) -> None:
    cells = table(EULAR_ACR_2017.columns, biopsy=[1, 0], bx_peri=[1, 0])
    del cells[name]
    (fault,) = EULAR_ACR_2017.check_columns("patients.csv", cells)
    assert (fault.row, fault.column, fault.kind) == (1, name, "missing-column")


def test_biopsy_columns_are_needed_once_a_biopsy_was_taken_and_age_items_never() -> None:
    def faults(biopsy: float) -> list[str]:
        cells = table(EULAR_ACR_2017.required, biopsy=[biopsy, 0])
        return [fault.column for fault in EULAR_ACR_2017.check_columns("patients.csv", cells)]

    assert faults(0) == []
    assert faults(1) == list(definition().groups["biopsy"])


def test_a_file_without_patients_is_no_fault_and_gives_no_answer() -> None:
    for name in CRITERIA:
        held = criteria(name)
        empty = {column: np.empty(0) for column in held.columns}
        assert held.check_columns("patients.csv", empty) == ()
        assert {len(values) for values in held.classify_columns(empty).values()} == {0}


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(WrongUsage, match="differ in length"):
        BOHAN_PETER_1975.check_columns("patients.csv", {"rash": np.zeros(2), "emg": np.zeros(3)})


def test_bohan_and_peter_refuse_what_is_not_a_finding_and_ask_for_every_column() -> None:
    cells = table(BOHAN_PETER_1975.columns, rash=[0, 4])
    with pytest.raises(BadInput, match="row 3, rash"):
        BOHAN_PETER_1975.classify_columns(cells)
    del cells["rash"]
    (fault,) = BOHAN_PETER_1975.check_columns("patients.csv", cells)
    assert (fault.column, fault.kind) == ("rash", "missing-column")


@pytest.mark.parametrize(
    ("items", "age", "biopsy", "words"),
    [
        ({"heliotrop": True}, 50, False, "Did you mean heliotrope"),
        ({"zzz": True}, 50, False, "no item 'zzz'. Allowed"),
        ({"heliotrope": 2}, 50, False, "heliotrope: neither 1, 0 nor empty"),
        ({"age_18_39": True}, 50, False, "age_18_39: disagrees"),
        ({"bx_rimmed": True}, 50, None, "bx_rimmed: a biopsy finding without"),
        ({}, -1, None, "age_at_onset: an age no patient has"),
    ],
)
def test_a_call_that_contradicts_itself_is_refused(
    items: dict[str, Any], age: float, biopsy: bool | None, words: str
) -> None:
    with pytest.raises(WrongUsage, match=words):
        classify_patient(items, age, biopsy)


def test_an_age_decides_over_age_items_that_nobody_filled_in() -> None:
    told = classify_patient({"heliotrope": True, "age_18_39": False, "age_40plus": False}, 45, False)
    assert told.score == pytest.approx(2.1 + 3.1)


@pytest.mark.parametrize(("item", "words"), [("rsh", "Did you mean rash"), ("rash", "rash: neither")])
def test_bohan_and_peter_refuse_a_wrong_call(item: str, words: str) -> None:
    with pytest.raises(WrongUsage, match=words):
        bohan_peter.classify_patient({item: 3})  # type: ignore[dict-item]


def test_criteria_are_known_by_name_and_others_refused_with_the_nearest() -> None:
    assert [criteria(name).name for name in CRITERIA] == list(CRITERIA)
    with pytest.raises(WrongUsage, match="Did you mean eular-acr-2017"):
        criteria("eular-acr-2016")


@pytest.mark.parametrize(
    ("findings", "expected"),
    [([], False), ([False], False), ([False, None], None), ([None, True], True)],
)
def test_any_is_present_absent_or_unknown(findings: list[bool | None], expected: bool | None) -> None:
    assert any_present(findings) is expected


@pytest.mark.parametrize("name", CRITERIA)
def test_every_row_of_a_definition_has_its_status(name: str) -> None:
    allowed = {"CONFIRMED", "SECONDARY", "DERIVED", "OPERATIONAL"}
    read = read_definition(name)
    rows = [row for part in read.values() if isinstance(part, list) for row in part if isinstance(row, dict)]
    assert {row["status"] for row in (*rows, read)} <= allowed
    assert read["name"] == name
