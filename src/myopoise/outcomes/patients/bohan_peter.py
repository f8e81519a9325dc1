"""The criteria of Bohan and Peter of 1975: four criteria counted, the rash asked for, other causes excluded.

The rules stand in ``definitions/bohan-peter-1975.toml``. Where something is not known, every way of completing it is
tried, and an answer is given only when all agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.outcomes.patients.classification import (
    Classification,
    Columns,
    Contribution,
    Criteria,
    completed,
    missing_columns,
    one_row,
    read_definition,
    wrong_findings,
)

__all__ = ["BOHAN_PETER_1975", "Rule", "check_columns", "classify_columns", "classify_patient"]

NAME = "bohan-peter-1975"

NONE = "none"
"""The category of patients who meet too few criteria or have another disease."""


@dataclass(frozen=True)
class Rule:
    """The fewest counted criteria from which a category holds, and the diagnosis it is of."""

    category: str
    subgroup: str
    rash: bool
    met_from: int


@dataclass(frozen=True)
class Definition:
    """The criteria as read from their file; `items` are all that is asked, `counted` those that add to the score."""

    items: tuple[str, ...]
    counted: tuple[str, ...]
    rules: tuple[Rule, ...]


@cache
def definition() -> Definition:
    """The published criteria."""
    read = read_definition(NAME)
    rules = [Rule(row["category"], row["subgroup"], row["rash"], row["met_from"]) for row in read["rules"]]
    return Definition(
        items=tuple(row["id"] for row in read["criteria"]),
        counted=tuple(row["id"] for row in read["criteria"] if row["counted"]),
        rules=tuple(sorted(rules, key=lambda rule: rule.met_from, reverse=True)),
    )


# --- one patient ----------------------------------------------------------------------------------------------------


def classify_patient(items: Mapping[str, bool | None]) -> Classification:
    """What the criteria say of one patient.

    Parameters
    ----------
    items
        ``weakness``, ``biopsy``, ``enzymes``, ``emg``, ``rash``: met, not met or unknown (none); and ``excluded``,
        whether another cause was found. What is not named is unknown.

    Returns
    -------
    classification
        The score is the number of counted criteria known to be met. Category and subgroup are empty where the unknown
        could change them.

    Raises
    ------
    WrongUsage
        If an item does not exist.

    Examples
    --------
    >>> answer = classify_patient(
    ...     {"weakness": True, "enzymes": True, "rash": True, "biopsy": None, "emg": False}
    ... )
    >>> answer.score, answer.category, answer.subgroup, answer.could_change_category
    (2.0, '', 'DM', ('biopsy', 'excluded'))
    """
    _refuse_wrong(items)
    criteria = definition()
    unknown = tuple(name for name in criteria.items if items.get(name) is None)
    ends = [_decide(case) for case in _completions({**items, "excluded": bool(items.get("excluded"))})]
    category = _agreed(category for category, _ in ends)
    subgroup = _agreed(subgroup for _, subgroup in ends)
    met = [name for name in criteria.counted if items.get(name)]
    return Classification(
        criteria=NAME,
        model="",
        score=float(len(met)),
        probability=None,
        probability_min=None,
        probability_max=None,
        category=category,
        subgroup=subgroup,
        contributions=tuple(Contribution(name, 1.0) for name in met),
        unknown=unknown,
        could_change_category=tuple(name for name in unknown if _decides(name, items)),
        notes=tuple(_notes(items, category)),
        meaning=_in_words(category, subgroup),
    )


def _decide(items: Mapping[str, bool]) -> tuple[str, str]:
    """Category and subgroup where everything is known."""
    if items["excluded"]:
        return NONE, ""
    return _by_count(sum(items[name] for name in definition().counted), rash=items["rash"])


def _by_count(met: int, *, rash: bool) -> tuple[str, str]:
    """Category and subgroup of a number of counted criteria; the most demanding rule comes first."""
    for rule in definition().rules:
        if rule.rash == rash and met >= rule.met_from:
            return rule.category, rule.subgroup
    return NONE, ""


def _completions(items: Mapping[str, bool | None]) -> Iterator[dict[str, bool]]:
    """Every way of completing what is not known."""
    names = definition().items
    choices = [(False, True) if (known := items.get(name)) is None else (bool(known),) for name in names]
    for chosen in product(*choices):
        yield dict(zip(names, chosen, strict=True))


def _decides(name: str, items: Mapping[str, bool | None]) -> bool:
    """Whether the answer to this one makes a difference to the category, for some answers to the others."""
    return any(
        _decide({**case, name: True})[0] != _decide({**case, name: False})[0] for case in _completions(items)
    )


def _agreed(answers: Iterator[str]) -> str:
    """The answer all give, else empty."""
    different = set(answers)
    return different.pop() if len(different) == 1 else ""


def _notes(items: Mapping[str, bool | None], category: str) -> Iterator[str]:
    if items.get("excluded"):
        yield "Another cause of the muscle disease was found, so that the criteria do not apply."
    if items.get("excluded") is None:
        yield "Whether other causes were excluded is unknown; they count as excluded (OPERATIONAL)."
    if not category:
        yield "The category is left open: what is unknown could change it (OPERATIONAL)."


def _in_words(category: str, subgroup: str) -> str:
    if category == NONE:
        return "neither polymyositis nor dermatomyositis"
    undecided = f"undecided, but {subgroup}" if subgroup else "undecided"
    return category or undecided


def _refuse_wrong(items: Mapping[str, bool | None]) -> None:
    row = one_row(items, definition().items)
    for fault in wrong_findings("", row, definition().items):
        raise WrongUsage(f"{fault.column}: {fault.found}. {fault.remedy}")


# --- many patients --------------------------------------------------------------------------------------------------


def classify_columns(columns: Columns) -> dict[str, NDArray[Any]]:
    """The answer for each patient, as the columns of a file of classes beside ``patient``.

    Parameters
    ----------
    columns
        1.0, 0.0 or not-a-number (unknown) in each column, one for each patient.

    Returns
    -------
    classes
        ``criteria``, ``model``, ``score``, ``probability``, ``probability_min``, ``probability_max``, ``category`` and
        ``subgroup``, one value for each patient; model and probabilities are empty.

    Raises
    ------
    BadInput
        With every fault of `check_columns`, if there are any.
    """
    if faults := check_columns("patients", columns):
        raise BadInput("patients", faults)
    cells = completed(columns, definition().items)
    size = len(cells["excluded"])
    counted = [cells[name] for name in definition().counted]
    fewest = np.sum([values == 1.0 for values in counted], axis=0)
    # Written so that unknown, which compares with nothing, counts as met.
    most = np.sum([~(values == 0.0) for values in counted], axis=0)
    rash = (cells["rash"] == 1.0).astype(np.intp), (~(cells["rash"] == 0.0)).astype(np.intp)
    excluded = cells["excluded"] == 1.0
    category, subgroup = (
        np.where(excluded, if_excluded, _where_all_agree(table, rash, (fewest, most)))
        for table, if_excluded in zip(_tables(), (NONE, ""), strict=True)
    )
    return {
        "criteria": np.full(size, NAME),
        "model": np.full(size, ""),
        "score": fewest.astype(np.float64),
        "probability": np.full(size, np.nan),
        "probability_min": np.full(size, np.nan),
        "probability_max": np.full(size, np.nan),
        "category": category,
        "subgroup": subgroup,
    }


def _where_all_agree(
    table: NDArray[np.str_], rash: tuple[NDArray[np.intp], ...], met: tuple[NDArray[np.intp], ...]
) -> NDArray[np.str_]:
    """The entry of the table, (rash, met), where it is the same at all four corners, else empty.

    Notes
    -----
    The corners are enough: with more criteria met the category only rises, so that equal ends have the same between.
    """
    first, *others = (table[with_rash, count] for with_rash in rash for count in met)
    agree = np.logical_and.reduce([first == other for other in others])
    return np.where(agree, first, "")


@cache
def _tables() -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Category and subgroup of each count, (rash, met)."""
    counts = range(len(definition().counted) + 1)
    both = [[_by_count(met, rash=rash) for met in counts] for rash in (False, True)]
    category, subgroup = (np.array([[end[part] for end in row] for row in both]) for part in (0, 1))
    return category, subgroup


def check_columns(file: str, columns: Columns) -> tuple[Fault, ...]:
    """Every fault of a file of patients, in the order of its rows; no value of a patient is told.

    Parameters
    ----------
    file
        Name of the file, for the faults.
    columns
        Numbers of each column, not-a-number where a cell is empty.
    """
    names = definition().items
    missing = missing_columns(file, columns, names)
    return (*missing, *sorted(wrong_findings(file, completed(columns, names), names)))


BOHAN_PETER_1975 = Criteria(NAME, definition().items, definition().items, check_columns, classify_columns)
"""These criteria as the doors use them."""
