"""Tables with one row a patient: read, checked, and classified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput
from myopoise.outcomes.checks import as_names, as_numbers
from myopoise.outcomes.patients.criteria import criteria as criteria_named
from myopoise.outcomes.patients.refractory import apply_columns
from myopoise.outcomes.patients.refractory_checks import check_columns
from myopoise.outcomes.patients.refractory_rules import refractory_rule
from myopoise.outcomes.visits import FaultLog

if TYPE_CHECKING:
    import polars

__all__ = ["classify_table", "counts", "number_columns", "refractory_table", "with_unknown_items"]


def classify_table(frame: polars.DataFrame, criteria: str, file: str) -> polars.DataFrame:
    """CLASSES of a table of patients.

    Parameters
    ----------
    frame
        The patients.
    criteria
        Name of the criteria.
    file
        Name of the file, for its faults.
    """
    import polars

    found = criteria_named(criteria)
    columns, log = number_columns(frame, found.columns, file)
    faults = [*log.every(), *found.check_columns(file, columns)]
    if faults:
        raise BadInput(file, tuple(sorted(faults)))
    classes = found.classify_columns(columns)
    return polars.DataFrame(
        {"patient": as_names(frame["patient"]), **{k: _column(v) for k, v in classes.items()}}
    )


def refractory_table(frame: polars.DataFrame, rule: str, file: str) -> polars.DataFrame:
    """Whether each patient of a table has refractory disease by a rule.

    Parameters
    ----------
    frame
        The patients.
    rule
        Name of the rule.
    file
        Name of the file, for its faults.
    """
    import polars

    found = refractory_rule(rule)
    columns, log = number_columns(frame, found.columns, file)
    faults = [*log.every(), *check_columns(file, found, columns)]
    if faults:
        raise BadInput(file, tuple(sorted(faults)))
    results = apply_columns(found, columns)
    names = {"patient": as_names(frame["patient"])}
    return polars.DataFrame(names | {name: _column(values) for name, values in results.items()})


def counts(frame: polars.DataFrame, column: str, empty: str) -> dict[str, int]:
    """How many rows have each word of a column.

    Parameters
    ----------
    frame
        Classes or results.
    column
        The column.
    empty
        What to call those without a word.
    """
    words = frame[column].fill_null(empty).to_list()
    return {word: words.count(word) for word in sorted(set(words))}


def with_unknown_items(classes: polars.DataFrame) -> int:
    """Patients whose probability is an interval because items are unknown."""
    return int((classes["probability_min"] < classes["probability_max"]).sum() or 0)


def number_columns(
    frame: polars.DataFrame, names: Sequence[str], file: str
) -> tuple[dict[str, NDArray[np.float64]], FaultLog]:
    """The columns of a table of patients as numbers, NaN where empty, and the faults in reading them.

    Parameters
    ----------
    frame
        The patients.
    names
        Columns to read; one that is not there is left out.
    file
        Name of the file, for its faults.
    """
    log = FaultLog(file)
    if "patient" not in frame.columns:
        log.add("patient", "missing-column", "the column is not there", "Give it: who each row is about", [1])
        return {}, log
    rows = np.arange(2, len(frame) + 2)
    patient = as_names(frame["patient"])
    log.add(
        "patient", "empty", "the patient is not named", "Name the patient", rows[patient.is_null().to_numpy()]
    )
    twice = (patient.is_duplicated() & patient.is_not_null()).to_numpy()
    log.add(
        "patient", "second-row", "a second row of the same patient", "Keep one row for a patient", rows[twice]
    )
    columns = {}
    for name in names:
        if name in frame.columns:
            columns[name], wrong, _ = as_numbers(frame[name])
            log.add(
                name,
                "not-a-number",
                "not a number",
                "Give 1, 0 or a number; leave it empty if unknown",
                rows[wrong],
            )
    return columns, log


def _column(values: NDArray[Any]) -> polars.Series:
    import polars

    if values.dtype.kind == "f":
        return polars.Series(values, nan_to_null=True)
    return polars.Series([word or None for word in values.tolist()], dtype=polars.String)
