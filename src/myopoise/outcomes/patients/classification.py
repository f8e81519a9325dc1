"""Which published criteria of myositis a patient meets: one name for each set, and what all sets share.

`eular_acr` and `bohan_peter` each hold one set of criteria twice: patient by patient, in the order of the paper, and
column by column for millions of patients. Both give the same answers, which the tests hold them to.

A finding is present, absent or *unknown*. Unknown is not absent: the answer says which ends it leaves open.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import Fault, WrongUsage

__all__ = [
    "Classification",
    "Contribution",
    "Criteria",
    "any_present",
    "completed",
    "faults_at",
    "missing_columns",
    "one_row",
    "read_definition",
    "wrong_findings",
]

Columns = Mapping[str, NDArray[np.float64]]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Contribution:
    """A finding that is present, and what it adds to the score."""

    item: str
    weight: float


@dataclass(frozen=True)
class Classification:
    """What one set of criteria says of one patient.

    Parameters
    ----------
    criteria
        Name of the set, as in `myopoise.outcomes.patients.criteria`.
    model
        Set of weights used, ``biopsy`` or ``no_biopsy``; empty where the criteria have one.
    score
        Sum of the weights of what is known to be present; what is unknown adds nothing.
    probability, probability_min, probability_max
        Probability of the disease at that score, the same again, and with everything unknown present; none where the
        criteria give none.
    category
        What the score amounts to; empty where the criteria cannot decide.
    subgroup
        Subgroup of the disease; empty where there is none or it cannot be decided.
    contributions
        What is present, with its weight, in the order of the criteria.
    unknown
        What the criteria count in such a patient and is not known.
    could_change_category
        Those of the unknown that could move the patient to another category, alone or with others.
    notes
        What the reader must know of how this answer was reached.
    meaning
        Category and subgroup in words.
    """

    criteria: str
    model: str
    score: float
    probability: float | None
    probability_min: float | None
    probability_max: float | None
    category: str
    subgroup: str
    contributions: tuple[Contribution, ...]
    unknown: tuple[str, ...]
    could_change_category: tuple[str, ...]
    notes: tuple[str, ...]
    meaning: str

    @property
    def sentence(self) -> str:
        """The answer, its score and what is left open, in one sentence."""
        model = f", weights {'with' if self.model == 'biopsy' else 'without'} biopsy" if self.model else ""
        parts = [f"{self.meaning} by {self.criteria}{model}: score {self.score:g}"]
        if self.probability is not None and self.probability_max is not None:
            parts.append(f"probability {_range(self.probability, self.probability_max)}")
        if self.unknown:
            parts.append(f"unknown: {', '.join(self.unknown)}")
            decisive = ", ".join(self.could_change_category) or "none of them"
            parts.append(f"{decisive} could change the category")
        return "; ".join(parts) + "."

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence


@dataclass(frozen=True)
class Criteria:
    """One set of criteria as the doors use it: which columns it reads, what is wrong with them, what follows.

    Parameters
    ----------
    name
        As in `myopoise.outcomes.patients.criteria`.
    columns
        Columns of a file of patients, beside ``patient``, in their usual order.
    required
        Those of them a file cannot lack.
    check_columns
        Takes the file's name and its columns; returns every fault.
    classify_columns
        Takes the columns; returns those of the answer, beside ``patient``.
    """

    name: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    check_columns: Callable[[str, Columns], tuple[Fault, ...]]
    classify_columns: Callable[[Columns], dict[str, NDArray[Any]]]


@cache
def read_definition(name: str) -> dict[str, Any]:
    """The published numbers of that name, decimals exact; to be read, never changed."""
    folder = resources.files("myopoise.outcomes") / "definitions"
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"), parse_float=Decimal)


def any_present(findings: Iterable[bool | None]) -> bool | None:
    """Whether any is present: yes if one is, no if all are known to be absent, otherwise unknown."""
    known = set(findings)
    if True in known:
        return True
    return None if None in known else False


# --- checking -------------------------------------------------------------------------------------------------------


def faults_at(file: str, column: str, wrong: Marks, kind: str, found: str, remedy: str) -> Iterator[Fault]:
    """The same fault in each marked row; the first row of data is row 2."""
    for place in np.flatnonzero(wrong):
        yield Fault(file, int(place) + 2, column, kind, found, remedy)


def missing_columns(file: str, columns: Columns, required: Iterable[str]) -> list[Fault]:
    """A fault of the header for each required column that is not there."""
    remedy = "Add it; a cell is 1, 0, or empty where the finding is not known."
    return [
        Fault(file, 1, name, "missing-column", "the column is missing", remedy)
        for name in required
        if name not in columns
    ]


def wrong_findings(file: str, columns: Columns, names: Iterable[str]) -> Iterator[Fault]:
    """A fault for each cell of these columns that is not 1, 0 or unknown; no value is told."""
    found, remedy = "neither 1, 0 nor empty", "Write 1 for present, 0 for absent; leave unknown empty."
    for name in names:
        values = columns[name]
        wrong = ~((values == 0.0) | (values == 1.0) | np.isnan(values))
        yield from faults_at(file, name, wrong, "not-a-finding", found, remedy)


def completed(columns: Columns, names: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """These columns, all of one length; what is not there is unknown in every row.

    Raises
    ------
    WrongUsage
        If the columns differ in length.
    """
    sizes = {len(values) for values in columns.values()}
    if len(sizes) > 1:
        raise WrongUsage("The columns differ in length. Give each column one value for each patient.")
    unknown = np.full(max(sizes, default=0), np.nan)
    return {name: columns.get(name, unknown) for name in names}


def one_row(items: Mapping[str, bool | float | None], allowed: tuple[str, ...]) -> dict[str, Any]:
    """One patient's findings as columns of one row, unknown where they are not given.

    Raises
    ------
    WrongUsage
        If a finding is not one the criteria ask for.
    """
    for name in items:
        if name not in allowed:
            raise WrongUsage(f"The criteria have no item '{name}'. {_allowed(name, allowed)}")
    given = {name: items.get(name) for name in allowed}
    return {name: np.array([np.nan if value is None else float(value)]) for name, value in given.items()}


def _allowed(word: str, words: tuple[str, ...]) -> str:
    near = get_close_matches(word.casefold(), words, n=1)
    return f"{f'Did you mean {near[0]}? ' if near else ''}Allowed: {', '.join(words)}."


def _range(low: float, high: float) -> str:
    """A probability or an interval of it, in percent; never rounded up to certainty."""
    first, last = (f"{_percent(p)}%" for p in (low, high))
    return first if low == high else f"{first} to {last}"


def _percent(probability: float) -> str:
    rounded = round(100.0 * probability)
    if rounded in (0, 100):
        return "below 1" if rounded == 0 else "above 99"
    return str(rounded)
