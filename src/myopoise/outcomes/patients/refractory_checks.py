"""What a file of patients may not hold when a rule of refractory disease is applied to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import Fault
from myopoise.outcomes.patients.classification import completed, faults_at
from myopoise.outcomes.patients.refractory_rules import COUNTED, MMT_VERSIONS, Fact, RefractoryRule

__all__ = ["check_columns"]

Columns = Mapping[str, NDArray[np.float64]]
Floats = NDArray[np.float64]


def check_columns(file: str, rule: RefractoryRule, columns: Columns) -> tuple[Fault, ...]:
    """Every fault of a file of patients that the rule would read, in the order of its rows; no value is told.

    Parameters
    ----------
    file
        Name of the file, for the faults.
    rule
        From `myopoise.outcomes.patients.refractory_rules.refractory_rule`.
    columns
        Numbers of each column, not-a-number where a cell is empty.
    """
    if not columns.keys() & set(rule.columns):
        remedy = f"{rule.label} asks for {', '.join(rule.columns)}; leave empty what is not known."
        return (Fault(file, 1, "", "missing-column", "no column that the rule asks for", remedy),)
    found = list(_counted_twice(file, rule, columns))
    cells = completed(columns, rule.columns)
    for fact in rule.read:
        found += _wrong_values(file, fact, cells[fact.name])
        if fact.over:
            remedy = "Write a number above 0, in the unit of the enzyme; leave unknown empty."
            limits = cells[fact.over]
            wrong = (limits <= 0) | np.isinf(limits)
            found += faults_at(file, fact.over, wrong, "out-of-range", "not above 0", remedy)
        if fact.out_of:
            found += _wrong_totals(file, fact, cells)
    return tuple(sorted(found))


def _counted_twice(file: str, rule: RefractoryRule, columns: Columns) -> Iterator[Fault]:
    if rule.cutoffs_stated and COUNTED in columns:
        remedy = "Leave out the column, or the cut-offs: the number is either handed in or counted."
        yield Fault(file, 1, COUNTED, "counted-twice", "the column is there and cut-offs are stated", remedy)


def _wrong_values(file: str, fact: Fact, values: Floats) -> Iterator[Fault]:
    high = np.inf if fact.high is None or fact.companion else float(fact.high)
    wrong = (values < float(fact.low)) | (values > high) | np.isinf(values)
    if fact.whole:
        wrong |= ~np.isnan(values) & (values != np.rint(values))
    remedy = f"Write {fact.allowed}; leave unknown empty."
    yield from faults_at(file, fact.name, wrong, "out-of-range", f"not {fact.allowed}", remedy)


def _wrong_totals(file: str, fact: Fact, cells: Columns) -> Iterator[Fault]:
    """A maximum that no version of the test has, and a total above its maximum."""
    values, beside = cells[fact.name], cells[fact.out_of]
    versions = ", ".join(map(str, MMT_VERSIONS))
    wrong = ~np.isnan(beside) & ~np.isin(beside, MMT_VERSIONS)
    remedy = f"Write one of {versions}; leave unknown empty."
    yield from faults_at(file, fact.out_of, wrong, "unknown-version", f"not one of {versions}", remedy)
    above = values > np.where(np.isnan(beside), float(max(MMT_VERSIONS)), beside)
    remedy = f"Check it against {fact.out_of}."
    yield from faults_at(file, fact.name, above & ~wrong, "above-maximum", "more than its maximum", remedy)
