"""Rows of arms out of a table, whether each arm has a row or each study has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.studies.cells import Names, numbers
from myopoise.synthesis.studies.faults import FaultList
from myopoise.synthesis.studies.layouts import Form, thresholds
from myopoise.synthesis.studies.sheet import Sheet
from myopoise.synthesis.studies.values import Outcome

__all__ = ["ArmRows", "arm_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PAIR = ("treatment", "control")
"""What the arms are called where a layout names none."""
_COUNTS = ("r", "n", "others")
_OPTIONAL = {"time": ("time", "followup"), "n": ("n", "samplesize", "ni")}


@dataclass(frozen=True, eq=False)
class ArmRows:
    """Arms as they stand in a file, before they are checked.

    Parameters
    ----------
    study, treatment
        Names, as written.
    values
        Numbers by role (``r``, ``n``, ``mean``, ``sd``, ``se``, ``exposure``, ``time``, ``at_least 1`` and so on), NaN
        where there is none.
    told
        For each role where a cell was told as a fault already.
    row
        Line of the file.
    slot
        Which arm of its row each is.
    column
        Name of the column of each role, by slot.
    covariates
        Other numeric columns.
    """

    study: Names
    treatment: Names
    values: Mapping[str, Floats]
    told: Mapping[str, Bools]
    row: Ints
    slot: Ints
    column: tuple[Mapping[str, str], ...]
    covariates: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of arms."""
        return len(self.row)

    def name(self, role: str, at: int) -> str:
        """The column a number came from.

        Parameters
        ----------
        role
            Which number.
        at
            Of which arm.
        """
        columns = self.column[int(self.slot[at])]
        return columns.get(role) or (columns.get("others", "") if role == "n" else "")

    def arms(self, chosen: Bools) -> ArmRows:
        """Some of the arms.

        Parameters
        ----------
        chosen
            Which, shape ``(arm,)``.
        """
        places = np.flatnonzero(chosen)
        return replace(
            self,
            study=[self.study[at] for at in places],
            treatment=[self.treatment[at] for at in places],
            values={role: values[places] for role, values in self.values.items()},
            told={role: values[places] for role, values in self.told.items()},
            row=self.row[places],
            slot=self.slot[places],
            covariates={name: values[places] for name, values in self.covariates.items()},
        )


def arm_rows(
    sheet: Sheet,
    study: Names,
    form: Form,
    slots: Sequence[Mapping[str, str]],
    covariates: Sequence[str],
    faults: FaultList,
) -> ArmRows:
    """The arms in a table.

    Parameters
    ----------
    sheet
        The table.
    study
        Name of the study of each row.
    form
        What kind of result it holds.
    slots
        For each arm of a row, the column of each role.
    covariates
        Names of the columns of covariates.
    faults
        Where cells that are no numbers are told.
    """
    columns = tuple(_complete(sheet, form, slot, alone=len(slots) == 1) for slot in slots)
    parts = [_slot(sheet, study, form, columns, at, covariates, faults) for at in range(len(columns))]
    return parts[0] if len(parts) == 1 else _interleaved(parts, form)


def _complete(sheet: Sheet, form: Form, slot: Mapping[str, str], *, alone: bool) -> dict[str, str]:
    """The columns of an arm with those it may have beside."""
    columns = {role: name for role, name in slot.items() if role != "id"}
    if form.outcome is Outcome.ORDERED:
        del columns["at_least"]
        columns |= {f"at_least {place}": name for place, name in enumerate(thresholds(sheet), 1)}
    if alone:
        for role, keys in _OPTIONAL.items():
            name = sheet.find(*keys)
            if role not in columns and name is not None and name not in columns.values():
                columns[role] = name
    return columns


def _slot(
    sheet: Sheet,
    study: Names,
    form: Form,
    columns: tuple[Mapping[str, str], ...],
    at: int,
    covariates: Sequence[str],
    faults: FaultList,
) -> ArmRows:
    mine = columns[at]
    values: dict[str, Floats] = {}
    told: dict[str, Bools] = {}
    for role, name in mine.items():
        if role != "treatment":
            counts = role in _COUNTS or role.startswith("at_least")
            values[role], told[role] = numbers(sheet, name, faults, study, counts=counts)
    if "others" in values:
        values["n"] = values["r"] + values["others"]
        told["n"] = told["r"] | told.pop("others") | np.isnan(values["r"])
        del values["others"]
    count = len(sheet)
    treatment = sheet.text(mine["treatment"]) if "treatment" in mine else [PAIR[at]] * count
    rows = ArmRows(
        study=study,
        treatment=treatment,
        values=values,
        told=told,
        row=sheet.lines,
        slot=np.full(count, at),
        column=columns,
        covariates={name: sheet.numbers(name)[0] for name in covariates},
    )
    if form.shape != "wide":
        return rows
    return rows.arms(_present(rows))


def _present(rows: ArmRows) -> Bools:
    """Arms of a wide row that are there: a row of two arms leaves the columns of the third empty."""
    named = np.array([bool(name.strip()) and name != "NA" for name in rows.treatment], dtype=np.bool_)
    filled = np.zeros(len(rows), dtype=np.bool_)
    for values in rows.values.values():
        filled |= np.isfinite(values)
    return named | filled


def _interleaved(parts: list[ArmRows], form: Form) -> ArmRows:
    """The arms of each row side by side; an arm that stands in several rows of its study is taken once."""
    row = np.concatenate([part.row for part in parts])
    slot = np.concatenate([part.slot for part in parts])
    order = np.lexsort((slot, row))
    study = [name for part in parts for name in part.study]
    treatment = [name for part in parts for name in part.treatment]
    joined = ArmRows(
        study=[study[at] for at in order],
        treatment=[treatment[at] for at in order],
        values={
            role: np.concatenate([part.values[role] for part in parts])[order] for role in parts[0].values
        },
        told={role: np.concatenate([part.told[role] for part in parts])[order] for role in parts[0].told},
        row=row[order],
        slot=slot[order],
        column=parts[0].column,
        covariates={
            name: np.concatenate([part.covariates[name] for part in parts])[order]
            for name in parts[0].covariates
        },
    )
    return _once(joined) if form.shape == "wide" else joined


def _once(rows: ArmRows) -> ArmRows:
    seen: dict[tuple[object, ...], int] = {}
    kept = np.ones(len(rows), dtype=np.bool_)
    numbers_of = np.column_stack([rows.values[role] for role in rows.values])
    for at, (study, treatment) in enumerate(zip(rows.study, rows.treatment, strict=True)):
        arm = (study, treatment, numbers_of[at].tobytes())
        first = seen.setdefault(arm, int(rows.row[at]))
        kept[at] = first == rows.row[at]
    return rows if kept.all() else rows.arms(kept)
