"""Classification of any patient: two routes agree, more findings never lower it, and what is unknown stays open."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from myopoise.outcomes.patients import bohan_peter
from myopoise.outcomes.patients.bohan_peter import BOHAN_PETER_1975
from myopoise.outcomes.patients.classification import Classification, Criteria
from myopoise.outcomes.patients.eular_acr import classify_patient, subgroup, with_and_without_biopsy
from myopoise.outcomes.patients.eular_acr_columns import EULAR_ACR_2017
from myopoise.outcomes.patients.eular_acr_definition import IBM_QUESTIONS, RIMMED, definition

KNOWN = st.sampled_from([True, False])
MAYBE = st.sampled_from([True, False, None])
ORDER = ["not_iim", "possible_iim", "probable_iim", "definite_iim"]
AGES = [5.0, 17.99, 18.0, 39.99, 40.0, 77.0]
LAST_NODE = (*IBM_QUESTIONS, RIMMED)

Patient = dict[str, Any]


def asked(biopsy: bool | None) -> list[str]:
    drop = () if biopsy else definition().groups["biopsy"]
    return [item for item in (*definition().findings, *IBM_QUESTIONS) if item not in drop]


@st.composite
def patients(draw: st.DrawFn, most_unknown: int = 99) -> Patient:
    """A patient without contradictions: at most so many findings unknown, and the age known, unknown or half known."""
    biopsy = draw(MAYBE)
    items = asked(biopsy)
    unknown = draw(st.sets(st.sampled_from(items), max_size=min(most_unknown, len(items))))
    patient: Patient = {item: None if item in unknown else draw(KNOWN) for item in items}
    if draw(st.booleans()):
        # By chance alone hardly anyone would get past the skin to the last node of the tree.
        patient |= {**dict.fromkeys(definition().groups["skin"], False), "anti_jo1": True, "neck_flex": True}
    patient |= {"biopsy": biopsy, "age_at_onset": draw(st.none() | st.sampled_from(AGES))}
    younger, older = draw(st.tuples(MAYBE, MAYBE))
    if patient["age_at_onset"] is None and not (younger and older):
        patient |= {"age_18_39": younger, "age_40plus": older}
    return patient


def classify(patient: Patient) -> Classification:
    items = {name: known for name, known in patient.items() if name not in ("age_at_onset", "biopsy")}
    return classify_patient(items, patient["age_at_onset"], patient["biopsy"])


def columns(criteria: Criteria, people: list[Patient]) -> dict[str, Any]:
    known = [[person.get(name) for person in people] for name in criteria.columns]
    values = [[np.nan if v is None else float(v) for v in column] for column in known]
    return dict(zip(criteria.columns, map(np.array, values), strict=True))


def as_row(answer: Classification) -> tuple[Any, ...]:
    p = (answer.probability, answer.probability_min, answer.probability_max)
    numbers = [np.nan if value is None else value for value in p]
    return (answer.criteria, answer.model, answer.score, *numbers, answer.category, answer.subgroup)


def rows(classes: dict[str, Any]) -> list[tuple[Any, ...]]:
    return list(zip(*(column.tolist() for column in classes.values()), strict=True))


def completions(patient: Patient) -> list[Patient]:
    """Every patient this one could be, the age included."""
    open_items = [item for item in asked(patient["biopsy"]) if patient[item] is None]
    ages = [patient["age_at_onset"]] if patient["age_at_onset"] is not None else possible_ages(patient)
    return [
        {
            **{name: v for name, v in patient.items() if not name.startswith("age_")},
            **dict(zip(open_items, chosen, strict=True)),
            "age_at_onset": age,
        }
        for age in ages
        for chosen in product([False, True], repeat=len(open_items))
    ]


def possible_ages(patient: Patient) -> list[float]:
    is_item = {"age_18_39": lambda age: 18 <= age < 40, "age_40plus": lambda age: age >= 40}
    return [
        age
        for age in (10.0, 30.0, 50.0)
        if all(patient.get(item) in (None, holds(age)) for item, holds in is_item.items())
    ]


# --- EULAR/ACR ------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(patients(), max_size=6))
def test_patient_by_patient_and_column_by_column_give_exactly_the_same(people: list[Patient]) -> None:
    table = columns(EULAR_ACR_2017, people)
    assert EULAR_ACR_2017.check_columns("patients.csv", table) == ()
    assert rows(EULAR_ACR_2017.classify_columns(table)) == [as_row(classify(person)) for person in people]


@settings(deadline=None)
@given(patients(), st.data())
def test_one_more_finding_never_lowers_score_probability_or_category(
    patient: Patient, data: st.DataObject
) -> None:
    item = data.draw(st.sampled_from(asked(patient["biopsy"])))
    less, more = classify({**patient, item: False}), classify({**patient, item: True})
    assert less.score <= more.score
    assert less.probability_min <= more.probability_min  # type: ignore[operator]
    assert less.probability_max <= more.probability_max  # type: ignore[operator]
    assert ORDER.index(less.category) <= ORDER.index(more.category)


@settings(deadline=None)
@given(patients())
def test_the_lower_end_is_the_answer_and_never_above_the_upper_end(patient: Patient) -> None:
    answer = classify(patient)
    assert answer.probability == answer.probability_min <= answer.probability_max  # type: ignore[operator]
    assert answer.score == pytest.approx(sum(found.weight for found in answer.contributions))
    assert (answer.probability_min == answer.probability_max) == (answer.unknown == ())


@settings(deadline=None)
@given(patients(), st.data())
def test_to_learn_what_was_unknown_never_widens_the_interval(patient: Patient, data: st.DataObject) -> None:
    unknown = [item for item in asked(patient["biopsy"]) if patient[item] is None]
    assume(unknown)
    item, known = data.draw(st.sampled_from(unknown)), data.draw(KNOWN)
    before, after = classify(patient), classify({**patient, item: known})
    assert before.probability_min <= after.probability_min  # type: ignore[operator]
    assert after.probability_max <= before.probability_max  # type: ignore[operator]


@settings(max_examples=40, deadline=None)
@given(patients(most_unknown=6))
def test_every_completion_lies_between_the_ends_and_both_ends_are_reached(patient: Patient) -> None:
    answer = classify(patient)
    reached = [classify(case) for case in completions(patient)]
    assert min(case.score for case in reached) == answer.score
    assert min(case.probability for case in reached) == answer.probability_min  # type: ignore[type-var]
    assert max(case.probability for case in reached) == answer.probability_max  # type: ignore[type-var]


@settings(max_examples=80, deadline=None)
@given(patients(most_unknown=6))
def test_a_subgroup_is_named_exactly_when_every_completion_names_it(patient: Patient) -> None:
    # The two questions of the last node that carry no weight count as absent where they were not noted.
    there = {item: bool(patient.get(item)) for item in IBM_QUESTIONS if item in patient}
    answer = classify(patient)
    ends = {classify({**case, **there}).subgroup for case in completions(patient)}
    if answer.category in ("not_iim", "possible_iim"):
        assert answer.subgroup == ""
    else:
        assert answer.subgroup == (ends.pop() if len(ends) == 1 else "")


@settings(max_examples=40, deadline=None)
@given(patients(most_unknown=5))
def test_an_unknown_is_said_to_matter_exactly_when_some_completion_turns_on_it(patient: Patient) -> None:
    answer = classify(patient)
    for item in answer.unknown:
        groups: dict[tuple[Any, ...], set[str]] = {}
        for case in completions(patient):
            others = tuple(v for name, v in sorted(case.items()) if name not in (item, *IBM_QUESTIONS))
            groups.setdefault(others, set()).add(classify(case).category)
        matters = any(len(categories) > 1 for categories in groups.values())
        assert (item in answer.could_change_category) == matters


@settings(deadline=None)
@given(patients())
def test_side_by_side_are_the_answers_of_both_sets_of_weights(patient: Patient) -> None:
    items = {name: known for name, known in patient.items() if name not in ("age_at_onset", "biopsy")}
    both = with_and_without_biopsy(items, patient["age_at_onset"])
    assert (both.without_biopsy.model, both.with_biopsy.model) == ("no_biopsy", "biopsy")
    assert classify(patient) in (both.with_biopsy, both.without_biopsy) or patient["biopsy"] is None


@settings(deadline=None)
@given(MAYBE, MAYBE, MAYBE, KNOWN)
def test_the_tree_is_left_open_exactly_when_unknown_answers_part_its_ends(
    adult: bool | None, skin: bool | None, weakness: bool | None, inclusion_body: bool
) -> None:
    answers = [(False, True) if known is None else (known,) for known in (adult, skin, weakness)]
    ends = {subgroup(*chosen, inclusion_body=inclusion_body) for chosen in product(*answers)}
    expected = ends.pop() if len(ends) == 1 else ""
    assert subgroup(adult, skin, weakness, inclusion_body) == expected


# --- Bohan and Peter ------------------------------------------------------------------------------------------------

EVERYONE = [
    dict(zip(BOHAN_PETER_1975.columns, known, strict=True))
    for known in product([True, False, None], repeat=6)
]


def test_all_729_patients_of_bohan_and_peter_get_the_same_answer_by_both_routes() -> None:
    classes = BOHAN_PETER_1975.classify_columns(columns(BOHAN_PETER_1975, EVERYONE))
    for ours, patient in zip(rows(classes), EVERYONE, strict=True):
        assert repr(ours) == repr(as_row(bohan_peter.classify_patient(patient)))


def test_bohan_and_peter_name_a_category_exactly_when_every_completion_does() -> None:
    def complete(patient: Patient) -> list[Patient]:
        # Unknown exclusion counts as not excluded.
        choices = [[False, True] if v is None else [v] for name, v in patient.items() if name != "excluded"]
        names = [name for name in patient if name != "excluded"]
        excluded = bool(patient["excluded"])
        return [
            {**dict(zip(names, chosen, strict=True)), "excluded": excluded} for chosen in product(*choices)
        ]

    for patient in EVERYONE:
        answer = bohan_peter.classify_patient(patient)
        ends = [bohan_peter.classify_patient(case) for case in complete(patient)]
        categories, subgroups = {end.category for end in ends}, {end.subgroup for end in ends}
        assert answer.category == (categories.pop() if len(categories) == 1 else "")
        assert answer.subgroup == (subgroups.pop() if len(subgroups) == 1 else "")
        assert answer.score == min(end.score for end in ends)
        assert set(answer.could_change_category) <= set(answer.unknown)
