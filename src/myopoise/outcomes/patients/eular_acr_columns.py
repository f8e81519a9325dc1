"""The EULAR/ACR classification criteria of 2017, column by column, for millions of patients.

What `eular_acr` says patient by patient, said with arrays: the same sums in whole tenths, and the category and
probability of each possible sum taken from a table that the same functions filled. The tests hold the two to the same
answers. A column holds 1.0 for present, 0.0 for absent and not-a-number for unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault
from myopoise.outcomes.patients.classification import (
    Columns,
    Criteria,
    Marks,
    completed,
    faults_at,
    missing_columns,
    wrong_findings,
)
from myopoise.outcomes.patients.eular_acr_definition import IBM_QUESTIONS, NAME, RIMMED, Model, definition

__all__ = ["EULAR_ACR_2017", "check_columns", "classify_columns", "faults_in_cells"]

Answer = TypeVar("Answer")
Integers = NDArray[np.intp]

MODELS = ("no_biopsy", "biopsy")
"""Names of the models, in the order in which 0 and 1 of the column ``biopsy`` stand for them."""


def classify_columns(columns: Columns) -> dict[str, NDArray[Any]]:
    """The answer for each patient, as the columns of a file of classes beside ``patient``.

    Parameters
    ----------
    columns
        Numbers of each column, one for each patient.

    Returns
    -------
    classes
        ``criteria``, ``model``, ``score``, ``probability``, ``probability_min``, ``probability_max``, ``category`` and
        ``subgroup``, one value for each patient.

    Raises
    ------
    BadInput
        With every fault of `check_columns`, if there are any.
    """
    if faults := check_columns("patients", columns):
        raise BadInput("patients", faults)
    cells = completed(columns, definition().columns)
    model = (cells["biopsy"] == 1.0).astype(np.intp)
    ages = _possible_ages(cells)
    lowest, highest = _scores(cells, model, ages)
    probability = _probabilities()[model, lowest]
    return {
        "criteria": np.full(len(model), NAME),
        "model": np.array(MODELS)[model],
        "score": lowest / 10.0,
        "probability": probability,
        "probability_min": probability.copy(),
        "probability_max": _probabilities()[model, highest],
        "category": _categories()[model, lowest],
        "subgroup": _subgroups(cells, ages, _classified()[model, lowest]),
    }


def _scores(cells: Columns, model: Integers, ages: Marks) -> tuple[Integers, Integers]:
    """Sum of what is present, and of what is present or unknown, in tenths."""
    lowest, highest = _age_scores(model, ages)
    for item in definition().findings:
        tenths, values = _tenths(item)[model], cells[item]
        lowest += tenths * (values == 1.0)
        # Written so that unknown, which compares with nothing, counts as present.
        highest += tenths * ~(values == 0.0)
    return lowest, highest


def _age_scores(model: Integers, possible: Marks) -> tuple[Integers, Integers]:
    """The smallest and the largest weight among the bands the age can lie in."""
    tenths = np.array([_tenths(band.item) for band in definition().bands])[:, model]
    lowest = np.where(possible, tenths, np.iinfo(np.intp).max).min(axis=0)
    highest = np.where(possible, tenths, 0).max(axis=0)
    return lowest, highest


def _possible_ages(cells: Columns) -> Marks:
    """Whether the age can lie in each band, (band, patient): by the age, else by what the age items leave open."""
    age, bands = cells["age_at_onset"], definition().bands
    by_age = [(age >= band.onset_from) & (age < band.onset_below) for band in bands]
    named = definition().groups["age"]
    # A band is ruled out by its own item at 0 and by another's at 1.
    by_items = [
        ~np.logical_or.reduce([cells[item] == (0.0 if item == band.item else 1.0) for item in named])
        for band in bands
    ]
    return np.where(np.isnan(age), by_items, by_age)


def _subgroups(cells: Columns, possible: Marks, classified: Marks) -> NDArray[np.str_]:
    """Where the tree ends for those classified; empty where unknown answers could lead elsewhere."""
    groups = definition().groups
    child, adult = ~possible[1:].any(axis=0), ~possible[0]
    skin, no_skin = _any_and_none([cells[item] for item in groups["skin"]])
    weak, strong = _any_and_none([cells[item] for item in groups["weakness"]])
    first, second = (cells[question] == 1.0 for question in IBM_QUESTIONS)
    # Rimmed vacuoles are present only after a biopsy, or the file would have been refused.
    inclusion_body = (first & second) | (cells[RIMMED] == 1.0)
    not_looked_at = (cells["biopsy"] == 1.0) & np.isnan(cells[RIMMED]) & ~inclusion_body
    ends = {
        "JDM": child & skin,
        "JM_OTHER": child & no_skin,
        "DM": adult & skin & weak,
        "ADM": adult & skin & strong,
        "IBM": adult & no_skin & inclusion_body,
        "PM_IMNM": adult & no_skin & ~inclusion_body & ~not_looked_at,
    }
    # Every patient ends in at most one place, so that the places can be added up: faster than choosing among words.
    place = sum((number * here for number, here in enumerate(ends.values(), start=1)), np.zeros(1, np.intp))
    return np.array(["", *ends])[place * classified]


def _any_and_none(findings: list[NDArray[np.float64]]) -> tuple[Marks, Marks]:
    """Whether one is known to be present, and whether all are known to be absent."""
    present = np.logical_or.reduce([values == 1.0 for values in findings])
    absent = np.logical_and.reduce([values == 0.0 for values in findings])
    return present, absent


def _tenths(item: str) -> Integers:
    """Weight of the item in each model, in tenths; zero where it is not asked."""
    return np.array([definition().models[name].tenths.get(item, 0) for name in MODELS], dtype=np.intp)


@cache
def _categories() -> NDArray[np.str_]:
    return np.array(_of_each_score(Model.category))


@cache
def _classified() -> Marks:
    return np.isin(_categories(), definition().subgrouped)


@cache
def _probabilities() -> NDArray[np.float64]:
    return np.array(_of_each_score(Model.probability))


def _of_each_score(meaning: Callable[[Model, int], Answer]) -> list[list[Answer]]:
    """What each possible score means, (model, tenths)."""
    models = [definition().models[name] for name in MODELS]
    most = max(sum(model.tenths.values()) for model in models)
    return [[meaning(model, tenths) for tenths in range(most + 1)] for model in models]


# --- checking -------------------------------------------------------------------------------------------------------


def check_columns(file: str, columns: Columns) -> tuple[Fault, ...]:
    """Every fault of a file of patients, in the order of its rows; no value of a patient is told.

    Parameters
    ----------
    file
        Name of the file, for the faults.
    columns
        Numbers of each column, not-a-number where a cell is empty.
    """
    criteria = definition()
    required = set(criteria.required)
    if np.any(columns.get("biopsy", np.empty(0)) == 1.0):
        required |= set(criteria.groups["biopsy"])
    missing = missing_columns(file, columns, (name for name in criteria.columns if name in required))
    cells = completed(columns, criteria.columns)
    if "biopsy" not in columns:
        # That it is missing is one fault, not one for each finding of a biopsy.
        cells["biopsy"] = np.ones_like(cells["biopsy"])
    return (*missing, *sorted(faults_in_cells(file, cells)))


def faults_in_cells(file: str, cells: Columns) -> Iterator[Fault]:
    """Faults of columns that are all there: first each cell by itself, then age and biopsy against the items."""
    criteria = definition()
    age = cells["age_at_onset"]
    found, remedy = "an age no patient has", f"Write the age at onset in years, 0 to {criteria.oldest}."
    wrong = (age < 0.0) | (age > criteria.oldest)
    yield from faults_at(file, "age_at_onset", wrong, "out-of-range", found, remedy)
    yield from wrong_findings(file, cells, (name for name in criteria.columns if name != "age_at_onset"))
    yield from _faults_of_age_items(file, cells, age, ~wrong)
    yield from _faults_of_biopsy_items(file, cells)


def _faults_of_age_items(
    file: str, cells: Columns, age: NDArray[np.float64], age_right: Marks
) -> Iterator[Fault]:
    """Age items against each other and, where they do not contradict each other, against the age."""
    named = definition().groups["age"]
    both = np.logical_and.reduce([cells[item] == 1.0 for item in named])
    found, remedy = "both age items are 1", f"At most one of {' and '.join(named)} can be 1."
    yield from faults_at(file, named[-1], both, "two-ages", found, remedy)
    found, remedy = "disagrees with age_at_onset", "Correct one of the two, or leave the item empty."
    for band in definition().bands[1:]:
        inside = (age >= band.onset_from) & (age < band.onset_below)
        # A 0 beside an age is a column that nobody filled in: the age decides. A 1 says something, and must be right.
        wrong = (cells[band.item] == 1.0) & ~inside & age_right & ~np.isnan(age) & ~both
        yield from faults_at(file, band.item, wrong, "age-disagrees", found, remedy)


def _faults_of_biopsy_items(file: str, cells: Columns) -> Iterator[Fault]:
    none_taken = (cells["biopsy"] == 0.0) | np.isnan(cells["biopsy"])
    found, remedy = "a biopsy finding without a biopsy", "Set biopsy to 1, or leave the finding empty."
    for item in definition().groups["biopsy"]:
        wrong = none_taken & (cells[item] == 1.0)
        yield from faults_at(file, item, wrong, "finding-without-biopsy", found, remedy)


EULAR_ACR_2017 = Criteria(NAME, definition().columns, definition().required, check_columns, classify_columns)
"""These criteria as the doors use them."""
