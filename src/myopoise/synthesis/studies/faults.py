"""The faults of one file of studies, gathered so that all are told together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault
from myopoise.outcomes.files.damage import many

__all__ = ["FaultList"]

_MOST_BUILT = 200
"""Faults of one kind that are written out; a file of a million wrong cells is told by its first ones."""


@dataclass
class FaultList:
    """Faults of a file, as they are met.

    Parameters
    ----------
    file
        Name of the file.
    faults
        Found so far.
    notes
        What a reader should know and need not mend, in sentences.
    """

    file: str
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, row: int, column: str, kind: str, found: str, remedy: str) -> None:
        """One fault.

        Parameters
        ----------
        row, column, kind, found, remedy
            As in `myopoise.errors.Fault`.
        """
        self.faults.append(Fault(self.file, int(row), column, kind, found, remedy))

    def places(self, wrong: NDArray[np.bool_]) -> list[int]:
        """Where something is wrong: the first two hundred places.

        Parameters
        ----------
        wrong
            Shape ``(row,)``.
        """
        return [int(place) for place in np.flatnonzero(wrong)[:_MOST_BUILT]]

    def stop_if_any(self) -> None:
        """Refuse the file when anything was found.

        Raises
        ------
        BadInput
            With all faults, in the order of the rows.
        """
        if self.faults:
            ordered = sorted(dict.fromkeys(self.faults), key=lambda f: (f.row, f.column, f.kind))
            raise BadInput(self.file, many(ordered), len(ordered))
