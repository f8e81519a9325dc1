"""Text and numbers of a file turned into checked arrays, or into faults.

All the faults of a chunk of visits are found at once. A patient's rows stand together in a chunk, so that what depends
on several visits (a second baseline, a version of a test that changes) is seen too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myopoise.outcomes.held import Columns
from myopoise.outcomes.instruments import VAS_UNITS, Instrument, Scale, instruments
from myopoise.outcomes.plan import Plan
from myopoise.outcomes.timeline import in_order
from myopoise.outcomes.visits import COMPANIONS, FaultLog

if TYPE_CHECKING:
    import polars

__all__ = ["Checked", "as_names", "as_numbers", "check_visits", "columns_wanted"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_TOO_LARGE = 1e8
"""No enzyme activity is that high, and sums of numbers below it are exact enough (see `myopoise.outcomes.exact`)."""


@dataclass(frozen=True)
class Checked:
    """Visits that can be scored.

    Parameters
    ----------
    columns
        Their numbers.
    kept
        Places in the chunk of the visits that are without fault, ``(visit,)``.
    """

    columns: Columns
    kept: NDArray[np.int64]


def columns_wanted(held: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of the file that are read as numbers: every instrument it holds, with what the value depends on."""
    known = [*instruments(), *COMPANIONS.values()]
    return tuple(name for name in held if name in known)


def check_visits(
    frame: polars.DataFrame,
    patient: NDArray[np.int64],
    first_row: NDArray[np.int64],
    plan: Plan,
    log: FaultLog,
) -> Checked:
    """The numbers of a chunk of visits; what is wrong with it goes into the log.

    Parameters
    ----------
    frame
        The chunk: ``patient``, ``week`` and the columns of `columns_wanted`; whole patients.
    patient
        A number for each patient, ``(visit,)``; -1 where the name is empty.
    first_row
        Row of the file of each visit, ``(visit,)``.
    plan
        Says which columns the definition needs, and in which unit.
    log
        Where faults are noted.
    """
    sheet = _Sheet(frame, first_row, plan, log)
    sheet.refuse(
        "patient", patient < 0, "empty", "the patient is not named", "Name the patient, or leave the row out"
    )
    week = sheet.number("week")
    sheet.refuse(
        "week", np.isnan(week) & ~sheet.bad_text("week"), "empty", "the week is empty", "Give the week"
    )
    values = {name: sheet.number(name) for name in columns_wanted(tuple(frame.columns))}
    for name in values:
        if name in instruments():
            _check_instrument(sheet, instruments()[name], values)
    _check_patients(sheet, patient, week, values)
    # An enzyme whose column of limits is not in the file at all is a fault above; here it is one without limits.
    lacking = {COMPANIONS[name] for name in values if name in COMPANIONS} - values.keys()
    return sheet.checked(patient, week, values | {name: np.full(len(week), np.nan) for name in lacking})


@dataclass
class _Sheet:
    """A chunk with its faults, row by row."""

    frame: polars.DataFrame
    rows: NDArray[np.int64]
    plan: Plan
    log: FaultLog

    def __post_init__(self) -> None:
        self.faulty = np.zeros(len(self.rows), bool)
        self.texts: dict[str, Flags] = {}

    def refuse(self, column: str, where: Flags, kind: str, found: str, remedy: str) -> None:
        """Note a fault in some rows."""
        if where.any():
            self.faulty |= where
            self.log.add(column, kind, found, remedy, self.rows[where])

    def bad_text(self, name: str) -> Flags:
        """Where a cell of the column was not a number."""
        return self.texts.get(name, np.zeros(len(self.rows), bool))

    def number(self, name: str) -> Floats:
        """A column as numbers, NaN where empty; text in it is a fault."""
        numbers, wrong, comma = as_numbers(self.frame[name])
        if wrong.any():
            self.texts[name] = wrong
            plain = wrong & ~comma
            self.refuse(name, plain, "not-a-number", "not a number", "Give a number, or leave the cell empty")
            self.refuse(
                name,
                comma,
                "decimal-comma",
                "a number with a decimal comma",
                "Write it with a point, such as 4.5",
            )
        return numbers

    def checked(self, patient: NDArray[np.int64], week: Floats, values: dict[str, Floats]) -> Checked:
        """The visits without fault, knowing whose baseline is among the others."""
        if not self.faulty.any():
            return Checked(Columns(patient, week, values), np.arange(len(patient)))
        kept = np.flatnonzero(~self.faulty)
        numbers = {name: column[kept] for name, column in values.items()}
        return Checked(Columns(patient[kept], week[kept], numbers, self._orphans(patient, week)), kept)

    def _orphans(self, patient: NDArray[np.int64], week: Floats) -> NDArray[np.int64]:
        """Patients whose baseline visit has a fault; with a week that cannot be read it may be any visit."""
        start = self.plan.baseline_week
        named = patient >= 0
        lost = np.isnan(week) if start is None else week == start
        if start is None:
            earliest = np.full(int(patient.max(initial=0)) + 1, np.inf)
            np.fmin.at(earliest, patient[named], week[named])
            lost |= week == earliest[patient]
        return np.unique(patient[self.faulty & named & lost])


def as_names(column: polars.Series) -> polars.Series:
    """Patients as text, and nothing where there is no name.

    Parameters
    ----------
    column
        Text, or anything that names a patient. Whole numbers that a library turned to floating point because one of
        them is missing are named as whole numbers all the same.
    """
    import polars

    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = column.cast(polars.Int64, strict=False)
        column = whole if whole.cast(polars.Float64).equals(column.cast(polars.Float64)) else column
    text = column.cast(polars.String)
    return text if column.dtype != polars.String else text.replace({"": None}) if (text == "").any() else text


def as_numbers(column: polars.Series) -> tuple[Floats, Flags, Flags]:
    """Numbers of a column, NaN where empty; where it holds something else; and where that is a decimal comma.

    Parameters
    ----------
    column
        Text, or numbers of any kind. Single precision is read by its shortest decimal, so that 4.4 stays 4.4.
    """
    import polars

    count = len(column)
    nothing = np.zeros(count, bool)
    if column.dtype == polars.Float32:
        column = column.cast(polars.String).cast(polars.Float64)
    if column.dtype.is_numeric() or column.dtype in (polars.Boolean, polars.Null):
        numbers = column.cast(polars.Float64).to_numpy()
        if np.isfinite(numbers.sum()):  # one pass tells that nothing is missing and nothing infinite
            return numbers, nothing, nothing
        infinite = np.isinf(numbers)
        return np.where(infinite, np.nan, numbers) if infinite.any() else numbers, infinite, nothing
    if column.dtype.is_nested() or column.dtype == polars.Object:
        return np.full(count, np.nan), column.is_not_null().to_numpy(), nothing
    text = column.cast(polars.String).str.strip_chars()
    text = polars.select(polars.when(text != "").then(text)).to_series()
    read = text.cast(polars.Float64, strict=False)
    odd = text.is_not_null() & ~(read.is_not_null() & read.is_finite().fill_null(False))
    wrong = odd.to_numpy()
    numbers = np.where(wrong, np.nan, read.to_numpy()) if wrong.any() else read.to_numpy()
    comma = (
        (text.str.contains(r"^[+-]?\d+,\d+$").fill_null(False) & odd).to_numpy() if wrong.any() else nothing
    )
    return numbers, wrong, comma


# --- one instrument ---------------------------------------------------------------------------------------


def _check_instrument(sheet: _Sheet, one: Instrument, values: dict[str, Floats]) -> None:
    value = values[one.name]
    if one.high_column or one.range_column or (one.uln_column and sheet.plan.needs_uln):
        _check_companion(sheet, one, values)
    unit = sheet.plan.vas_unit if one.scale is Scale.VAS else one.unit
    if one.low is not None and np.nanmin(value, initial=np.inf) < one.low:
        sheet.refuse(one.name, value < one.low, "out-of-range", "below 0", f"{one.label} is {one.allowed}")
    high = (
        _TOO_LARGE
        if one.high is None
        else one.high * (VAS_UNITS[sheet.plan.vas_unit] if unit != one.unit else 1)
    )
    if np.nanmax(value, initial=-np.inf) > high:
        remedy = f"{one.label} is at most {high:g} {unit}"
        if one.scale is Scale.VAS and unit == "cm":
            remedy += "; if the file is in millimetres, say --vas-unit mm"
        sheet.refuse(one.name, value > high, "out-of-range", f"above {high:g}", remedy)


def _check_companion(sheet: _Sheet, one: Instrument, values: dict[str, Floats]) -> None:
    """The column a value cannot be read without: there, filled in, and possible."""
    name = one.companion
    value, other = values[one.name], values.get(name)
    needed = one.name in sheet.plan.columns and (sheet.plan.rule is None or not one.range_column)
    if other is None:
        present = ~np.isnan(value)
        if needed and present.any():
            sheet.faulty |= present
            remedy = f"Add the column {name}: {one.label} cannot be read without it"
            sheet.log.add(name, "missing-column", f"the file has {one.name} and not {name}", remedy, [1])
        return
    if needed and not _full(other):
        alone = ~np.isnan(value) & np.isnan(other) & ~sheet.bad_text(name)
        remedy = f"Give {name} wherever {one.name} is given"
        sheet.refuse(name, alone, "missing", f"empty beside {one.name}", remedy)
    if not one.versions:
        if np.nanmin(other, initial=np.inf) <= 0:
            sheet.refuse(name, other <= 0, "out-of-range", "not above 0", f"{name} is a number above 0")
        return
    known = np.logical_or.reduce([other == version for version in one.versions])
    odd = ~known & ~np.isnan(other)
    allowed = ", ".join(map(str, one.versions))
    sheet.refuse(name, odd, "unknown-version", "not a version of the test", f"{name} is one of {allowed}")
    over = (value > other) & known
    found = f"above {name} of the same row"
    sheet.refuse(one.name, over, "out-of-range", found, f"{one.label} is 0 to {name}")


def _full(values: Floats) -> bool:
    """Whether nothing is missing: one pass, since a sum with a NaN is NaN."""
    return not np.isnan(values.sum())


# --- one patient ------------------------------------------------------------------------------------------


def _check_patients(
    sheet: _Sheet, patient: NDArray[np.int64], week: Floats, values: dict[str, Floats]
) -> None:
    if not in_order(patient, week):
        order = np.lexsort((week, patient))
        sorted_patient, sorted_week = patient[order], week[order]
        twin = (sorted_patient[1:] == sorted_patient[:-1]) & (sorted_patient[1:] >= 0)
        twin &= sorted_week[1:] == sorted_week[:-1]
        _check_duplicates(sheet, order, twin, sorted_patient, sorted_week)
    for name, kind, found, remedy in _CONSTANT:
        if name in sheet.plan.columns and name in values and COMPANIONS[name] in values:
            version = np.where(np.isnan(values[name]), np.nan, values[COMPANIONS[name]])
            mixed = _changes(patient, version, instruments()[name].versions)
            sheet.refuse(COMPANIONS[name], mixed, kind, found, remedy)


def _check_duplicates(
    sheet: _Sheet, order: NDArray[np.int64], twin: Flags, patient: NDArray[np.int64], week: Floats
) -> None:
    """Visits that the file has twice, at baseline and elsewhere."""
    if not twin.any():
        return
    second = np.concatenate([[False], twin])
    either = second | np.concatenate([twin, [False]])
    opens = np.concatenate([[True], patient[1:] != patient[:-1]])
    start = week[np.flatnonzero(opens)][np.cumsum(opens) - 1]
    at_baseline = week == (start if sheet.plan.baseline_week is None else sheet.plan.baseline_week)
    for where, kind, what in (
        (at_baseline, "second-baseline", "a second baseline visit"),
        (~at_baseline, "duplicate-visit", "a second visit"),
    ):
        flags = np.zeros(len(order), bool)
        flags[order[either & where]] = True
        found = f"{what} of the same patient in the same week"
        sheet.refuse("week", flags, kind, found, "Keep one row for a patient and week")


_CONSTANT = (
    (
        "mmt",
        "mixed-versions",
        "not the version of the patient's other visits",
        "Use one version of the test for all visits of a patient, or leave the others empty",
    ),
    (
        "chq_phs",
        "mixed-ranges",
        "not the range of the patient's other visits",
        "Give the range that the protocol has, the same at every visit",
    ),
)
"""Measures whose companion may not change between the visits of a patient, and what to say when it does."""


def _changes(patient: NDArray[np.int64], version: Floats, known: tuple[int, ...]) -> Flags:
    """Visits of patients in whom a number that should not change does; unknown versions are another fault."""
    if np.nanmin(version, initial=np.inf) >= np.nanmax(version, initial=-np.inf):
        return np.zeros(len(patient), bool)
    given = ~np.isnan(version) & (patient >= 0)
    if known:
        given &= np.isin(version, known)
    least = np.full(int(patient.max()) + 1, np.inf)
    most = np.full(len(least), -np.inf)
    np.fmin.at(least, patient[given], version[given])
    np.fmax.at(most, patient[given], version[given])
    return np.asarray((least < most)[patient] & given)
