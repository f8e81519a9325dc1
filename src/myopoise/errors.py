"""What can go wrong, one class per kind of fault and one exit code per class.

::

    MyopoiseError                 never raised itself
    ├── WrongUsage           2    the command or call does not make sense
    ├── BadInput             3    a file or table has faults; carries all of them
    ├── Untrustworthy        4    a computation finished but must not be believed
    └── MissingComponent     5    an optional package is needed and not installed

The doors (`cli`, later `web`) translate a class into its exit code once; nothing else does.
Messages name files, rows, columns and studies, never our variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "BadInput",
    "Fault",
    "MissingComponent",
    "MyopoiseError",
    "Untrustworthy",
    "WrongUsage",
]


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong in one place, with what to do about it.

    Parameters
    ----------
    file
        Name of the file, without folder.
    row
        Line of the file as a spreadsheet numbers it (the header is row 1); 0 for the file as a whole.
    column
        Name of the column, or empty.
    kind
        Short fixed name of the sort of fault, for machines (for example ``unknown-code``).
    found
        What stands there.
    remedy
        What is allowed, and what to do.
    """

    file: str
    row: int
    column: str
    kind: str
    found: str
    remedy: str

    @property
    def place(self) -> str:
        """File, row and column in one phrase."""
        parts = [self.file]
        if self.row:
            parts.append(f"row {self.row}")
        if self.column:
            parts.append(self.column)
        return ", ".join(parts)

    def __str__(self) -> str:
        """Place, what was found, what to do."""
        return f"{self.place}: {self.found}. {self.remedy}"


class MyopoiseError(Exception):
    """Any fault this package reports on purpose."""

    exit_code: ClassVar[int] = 1


class WrongUsage(MyopoiseError):
    """The command or call does not make sense; the message says what would."""

    exit_code = 2


class BadInput(MyopoiseError):
    """Input data with faults: all of them together, none of the data read.

    Parameters
    ----------
    source
        What was being read, in the reader's words.
    faults
        Every fault found, in the order of the files and rows.
    count
        How many there are, where `faults` tells many rows of one kind as one.
    """

    exit_code = 3

    def __init__(self, source: str, faults: tuple[Fault, ...], count: int | None = None) -> None:
        self.source = source
        self.faults = faults
        self.count = len(faults) if count is None else count
        noun = "fault" if self.count == 1 else "faults"
        lines = [f"{source}: {self.count:,} {noun}, nothing was read.", *map(str, faults)]
        super().__init__("\n".join(lines))


class Untrustworthy(MyopoiseError):
    """A computation that finished but must not be believed; the message says what to try."""

    exit_code = 4


class MissingComponent(MyopoiseError):
    """An optional package is needed and not installed; the message names the extra to install."""

    exit_code = 5
