"""The columns of a file of visits, declared once, and the faults a file of visits can have.

A fault names the file, the row and the column, and what to do. It never repeats a value or says whose it is: the person
who has the file can look, and nobody else should be able to read it from a log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import Fault
from myopoise.outcomes.instruments import instruments

__all__ = ["COMPANIONS", "KEYS", "FaultLog", "VisitColumn", "visit_columns"]

KEYS = ("patient", "week")
_SHOWN = 20
"""Rows of one kind of fault that are listed one by one; the others are counted."""


@dataclass(frozen=True)
class VisitColumn:
    """One column of a file of visits.

    Parameters
    ----------
    name
        As the header has it.
    meaning
        What it holds.
    allowed
        What a cell may be.
    """

    name: str
    meaning: str
    allowed: str


@cache
def visit_columns() -> tuple[VisitColumn, ...]:
    """Every column a file of visits may have, in the order of the documentation; other columns pass through."""
    columns = [
        VisitColumn("patient", "who, in any form that is the same at every visit", "not empty"),
        VisitColumn(
            "week", "weeks since the start of the study; the baseline is the earliest unless told", "a number"
        ),
    ]
    for one in instruments().values():
        columns.append(VisitColumn(one.name, one.full, one.allowed))
        if one.companion:
            columns.append(VisitColumn(one.companion, *_companion(one.companion)))
    return tuple(columns)


def _companion(name: str) -> tuple[str, str]:
    if name == "mmt_max":
        return "out of how much the muscles were tested at this visit", "80, 150 or 260"
    if name.endswith("_uln"):
        label = instruments()[name.removesuffix("_uln")].label
        return (
            f"upper limit of normal of {label} in the laboratory of this visit, in the unit of the value",
            "above 0",
        )
    return "range of the physical summary score, as the protocol has it", "above 0"


COMPANIONS = {one.name: one.companion for one in instruments().values() if one.companion}
"""Columns that a value cannot be read without, by the column of the value."""


@dataclass
class FaultLog:
    """The faults of one file, kept as rows for each kind, so that a million of them take eight megabytes.

    Parameters
    ----------
    file
        Name of the file.
    kinds
        Rows by column, kind, what was found and what to do.
    """

    file: str
    kinds: dict[tuple[str, str, str, str], list[NDArray[np.int64]]] = field(default_factory=dict)

    def add(
        self, column: str, kind: str, found: str, remedy: str, rows: NDArray[np.int64] | Sequence[int]
    ) -> None:
        """Note one kind of fault in several rows.

        Parameters
        ----------
        column
            Name of the column.
        kind
            Short fixed name of the sort of fault.
        found, remedy
            What stands there, without the value, and what to do.
        rows
            Rows of the file; the header is row 1.
        """
        rows = np.asarray(rows, np.int64)
        told = (column, kind, found, remedy)
        if rows.size and not (told in self.kinds and rows[0] == 1):  # a fault of the header is told once
            self.kinds.setdefault(told, []).append(rows)

    def take(self, other: FaultLog) -> None:
        """Add the faults of another log of the same file."""
        for told, found in other.kinds.items():
            for rows in found:
                self.add(*told, rows)

    def rows_are(self, line: Callable[[int], int]) -> None:
        """Turn the places of visits into rows of the file, where these are not the same.

        Parameters
        ----------
        line
            The row of the file of a place from 0; rows were noted as the place plus 2.
        """
        for found in self.kinds.values():
            found[:] = [
                np.array([line(int(row) - 2) if row > 1 else row for row in rows], np.int64) for rows in found
            ]

    @property
    def count(self) -> int:
        """How many faults there are."""
        return sum(rows.size for found in self.kinds.values() for rows in found)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.kinds)

    def every(self) -> Iterator[Fault]:
        """Every fault, by row and column."""
        faults = [
            Fault(self.file, int(row), *told)
            for told, found in self.kinds.items()
            for rows in found
            for row in rows
        ]
        yield from sorted(faults)

    def shown(self) -> tuple[Fault, ...]:
        """The faults as a person can read them: past a number of rows of one kind, the others are counted."""
        faults = []
        for told, found in self.kinds.items():
            rows = np.sort(np.concatenate(found))
            faults += [Fault(self.file, int(row), *told) for row in rows[:_SHOWN]]
            if rows.size > _SHOWN:
                column, kind, what, remedy = told
                rest = rows.size - _SHOWN
                noun = "row" if rest == 1 else "rows"
                more = f"{what}, and so in {rest:,} {noun} more, down to row {rows[-1]}"
                faults[-1] = Fault(self.file, int(rows[_SHOWN - 1]), column, kind, more, remedy)
        return tuple(sorted(faults))
