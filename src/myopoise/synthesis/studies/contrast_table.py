"""Contrasts out of a table: a row a contrast, or a row an arm with the baseline arm's contrast left empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.studies.arm_rows import PAIR
from myopoise.synthesis.studies.cells import Names, numbers
from myopoise.synthesis.studies.faults import FaultList
from myopoise.synthesis.studies.layouts import Form
from myopoise.synthesis.studies.sheet import Sheet

__all__ = ["ContrastTable", "contrast_table"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NAMED = (("treat1", "treatment1", "group1", "trt1"), ("treat2", "treatment2", "group2", "trt2"))


@dataclass(frozen=True, eq=False)
class ContrastTable:
    """Contrasts by name, before studies are put together.

    Parameters
    ----------
    study, one, other
        Names, as written; the contrast is `one` less `other`.
    estimate, se, shared
        Numbers; `shared` is the covariance with the study's other contrasts, NaN where it was not given.
    row, decimals, se_decimals
        Line of the file, and digits after the points.
    column
        Columns of ``estimate``, ``se`` and ``shared``.
    covariates
        Other numeric columns.
    """

    study: Names
    one: Names
    other: Names
    estimate: Floats
    se: Floats
    shared: Floats
    row: Ints
    decimals: Ints
    se_decimals: Ints
    column: Mapping[str, str]
    covariates: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of contrasts."""
        return len(self.row)


def contrast_table(
    sheet: Sheet,
    study: Names,
    form: Form,
    slot: Mapping[str, str],
    covariates: Sequence[str],
    faults: FaultList,
) -> ContrastTable:
    """The contrasts in a table.

    Parameters
    ----------
    sheet
        The table.
    study
        Name of the study of each row.
    form
        How contrasts are laid out.
    slot
        Column of each role.
    covariates
        Names of the columns of covariates.
    faults
        Where faults and notes go.
    """
    estimate, told = numbers(sheet, slot["estimate"], faults, study)
    spread = slot.get("se") or slot["variance"]
    se, se_told = numbers(sheet, spread, faults, study)
    _positive(sheet, study, spread, se, faults)
    if "variance" in slot:
        se = np.sqrt(np.where(se > 0, se, np.nan))
    read = _Read(sheet, study, slot, spread, estimate, told, se, se_told)
    if form.shape == "baseline":
        return _from_baseline(read, covariates, faults)
    return _from_rows(read, form, covariates, faults)


@dataclass(frozen=True, eq=False)
class _Read:
    sheet: Sheet
    study: Names
    slot: Mapping[str, str]
    spread: str
    estimate: Floats
    told: Bools
    se: Floats
    se_told: Bools

    def table(
        self,
        places: Ints,
        one: Names,
        other: Names,
        shared: Floats,
        shared_column: str,
        covariates: Sequence[str],
    ) -> ContrastTable:
        sheet = self.sheet
        return ContrastTable(
            study=[self.study[at] for at in places],
            one=one,
            other=other,
            estimate=self.estimate[places],
            se=self.se[places],
            shared=shared,
            row=sheet.lines[places],
            decimals=sheet.decimals(self.slot["estimate"])[places],
            se_decimals=sheet.decimals(self.spread)[places],
            column={"estimate": self.slot["estimate"], "se": self.spread, "shared": shared_column},
            covariates={name: sheet.numbers(name)[0][places] for name in covariates},
        )


def _positive(sheet: Sheet, study: Names, column: str, spread: Floats, faults: FaultList) -> None:
    with np.errstate(invalid="ignore"):
        wrong = spread <= 0
    for at in faults.places(wrong):
        kind = "negative-se" if spread[at] < 0 else "zero-se"
        found = f"study {study[at]}: a standard error or variance of {spread[at]:.15g}"
        remedy = "It must be above zero. Recompute it from the interval or the P value of the source."
        faults.add(sheet.lines[at], column, kind, found, remedy)


def _from_rows(read: _Read, form: Form, covariates: Sequence[str], faults: FaultList) -> ContrastTable:
    sheet, slot = read.sheet, read.slot
    no_estimate = np.isnan(read.estimate) & ~read.told
    no_se = ~sheet.filled(read.spread)
    _half_filled(read, no_estimate & ~no_se, slot["estimate"], faults)
    _half_filled(read, no_se & ~no_estimate, read.spread, faults)
    if (silent := no_estimate & no_se).any():
        faults.notes.append(_left_out(read.study, np.flatnonzero(silent)))
    places = np.flatnonzero(np.isfinite(read.estimate) & np.isfinite(read.se))
    one, other = (_ends(read, form, role, places, faults) for role in ("one", "other"))
    column = sheet.find("covariance")
    shared = (
        np.full(len(places), np.nan)
        if column is None
        else numbers(sheet, column, faults, read.study)[0][places]
    )
    return read.table(places, one, other, shared, column or "covariance", covariates)


def _left_out(study: Names, places: Ints) -> str:
    names = list(dict.fromkeys(study[at] for at in places))
    listed = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return f"Rows without an estimate were left out, of the studies {listed}."


def _half_filled(read: _Read, wrong: Bools, column: str, faults: FaultList) -> None:
    for at in faults.places(wrong):
        found = f"study {read.study[at]}: the cell is empty"
        remedy = "Fill it from the source, or leave the whole contrast empty."
        faults.add(read.sheet.lines[at], column, "missing-cell", found, remedy)


def _ends(read: _Read, form: Form, role: str, places: Ints, faults: FaultList) -> Names:
    sheet, column = read.sheet, read.slot.get(role)
    side = 0 if role == "one" else 1
    if form.shape == "pair":
        column = sheet.find(*_NAMED[side])
    if column is None:
        return [PAIR[side]] * len(places)
    names = sheet.text(column)
    chosen = [names[at] for at in places]
    for at, name in zip(places, chosen, strict=True):
        if not name.strip():
            found, remedy = (
                f"study {read.study[at]}: the treatment has no name",
                "Write the name of the treatment.",
            )
            faults.add(sheet.lines[at], column, "no-treatment", found, remedy)
    return chosen


def _from_baseline(read: _Read, covariates: Sequence[str], faults: FaultList) -> ContrastTable:
    """One row an arm; the arm with an empty estimate is the baseline, its SE that of its own result."""
    sheet = read.sheet
    treatment = sheet.text(read.slot["treatment"])
    known: dict[str, int] = {}
    code = np.array([known.setdefault(name, len(known)) for name in read.study], dtype=np.int64)
    empty = np.isnan(read.estimate) & ~read.told
    baselines = np.bincount(code, weights=empty, minlength=len(known))
    first_row = np.full(len(known), -1)
    first_row[code[::-1]] = np.arange(len(code))[::-1]
    for one in faults.places(baselines != 1):
        found = f"study {read.study[first_row[one]]} has {int(baselines[one])} rows with an empty contrast"
        remedy = "Leave the contrast of the baseline arm empty, and of that arm only."
        faults.add(sheet.lines[first_row[one]], read.slot["estimate"], "no-baseline", found, remedy)
    for one in faults.places((baselines == 1) & (np.bincount(code, minlength=len(known)) == 1)):
        at = int(first_row[one])
        found = f"study {read.study[at]} has one arm ({treatment[at]}) and no contrast"
        remedy = "Add the arm it was compared with, or leave the study out."
        faults.add(sheet.lines[at], read.slot["estimate"], "one-arm", found, remedy)
    baseline = np.full(len(known), -1)
    baseline[code[empty]] = np.flatnonzero(empty)
    good = ~empty & (baselines == 1)[code] & ~read.told
    _half_filled(read, good & ~sheet.filled(read.spread), read.spread, faults)
    places = np.flatnonzero(good & np.isfinite(read.se))
    base = baseline[code[places]]
    return read.table(
        places,
        [treatment[at] for at in places],
        [treatment[at] for at in base],
        read.se[base] ** 2,
        read.spread,
        covariates,
    )
