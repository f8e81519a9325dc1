"""The door of the evidence: a folder of seven CSV files in, the evidence or all of its faults out."""

from __future__ import annotations

import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from myopoise.errors import BadInput, Fault
from myopoise.evidence.checks import find_faults
from myopoise.evidence.sheets import Sheet, read_sheet
from myopoise.evidence.tables import TABLES, Evidence

__all__ = ["base_folder", "read_evidence"]


def read_evidence(folder: Path | None = None, *, this_year: int | None = None) -> Evidence:
    """The evidence in a folder, checked.

    Parameters
    ----------
    folder
        Folder with the seven CSV files; the evidence that comes with the package where it is not given.
    this_year
        Year no publication can lie after; by default the present one.

    Returns
    -------
    evidence
        Every row of every file.

    Raises
    ------
    BadInput
        With every fault of every file, in the order of files and rows. One mistake gives one fault; nothing is
        returned in part.

    Examples
    --------
    >>> evidence = read_evidence()
    >>> evidence.study("oddis-2013").design
    'rct-delayed-start'
    """
    place = base_folder() if folder is None else Path(folder)
    year = datetime.date.today().year if this_year is None else this_year
    faults: list[Fault] = []
    sheets: dict[str, Sheet] = {}
    for table in TABLES:
        sheets[table.name], found = read_sheet(table, place / table.file, year)
        faults += found
    faults += find_faults(sheets)
    if faults:
        raise BadInput(f"Evidence in {place}", _in_order(faults))
    rows: dict[str, Any] = {name: tuple(row.record for row in sheet.rows) for name, sheet in sheets.items()}
    return Evidence(**rows)


def base_folder() -> Path:
    """The folder of the evidence that comes with the package."""
    return Path(str(resources.files("myopoise.evidence") / "base"))


def _in_order(faults: list[Fault]) -> tuple[Fault, ...]:
    tables = {table.file: table for table in TABLES}
    order = {table.file: place for place, table in enumerate(TABLES)}

    def place(fault: Fault) -> tuple[int, int, int, str]:
        names = [column.name for column in tables[fault.file].columns]
        column = names.index(fault.column) if fault.column in names else -1
        return order[fault.file], fault.row, column, fault.kind

    return tuple(sorted(faults, key=place))
