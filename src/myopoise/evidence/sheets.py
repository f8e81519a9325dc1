"""One CSV file read into rows, with every fault of the file, its header, the shape of its rows and single cells.

A *sheet* is a table as it stands in a file: good rows, rows of the wrong width, and which columns could not be
trusted. What a cell lost to a fault is remembered as *in doubt*, so that later rules keep silent about it and one
mistake gives one fault.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myopoise.errors import Fault
from myopoise.evidence.columns import CellFault, read_cell
from myopoise.evidence.headers import Header, read_header
from myopoise.evidence.tables import Table

__all__ = ["BAD_BYTE", "MisshapenRow", "Row", "Sheet", "read_sheet"]

BAD_BYTE = "�"
"""What stands in the text where the file had a byte that is not UTF-8."""

_UTF_16_AND_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_SAVE_AS_UTF_8 = "Save the file as CSV in UTF-8, and look at the letter in that place."
_MISPLACED = 0.2
"""Share of unreadable cells above which a misnamed column is not believed to be the column it stands for."""


@dataclass(eq=False)
class Row:
    """A row of the right width.

    Parameters
    ----------
    table
        The table it belongs to.
    line
        Its number as a spreadsheet counts, the header being 1.
    cells
        The text of each column, without outer spaces.
    record
        The row read as its row type; a cell in doubt is read as empty.
    doubtful
        Columns whose cell has a fault or could not be read. A rule that needs one of them does not run.
    repeats
        The earlier row with the same key, if any.
    is_repeated
        Whether a later row has the same key.
    meant
        What a cell in doubt most likely means, by name of the column.
    """

    table: Table
    line: int
    cells: dict[str, str]
    record: Any
    doubtful: set[str]
    repeats: Row | None = None
    is_repeated: bool = False
    meant: dict[str, str] = field(default_factory=dict)

    def sure(self, *columns: str) -> bool:
        """Whether none of the columns is in doubt."""
        return self.doubtful.isdisjoint(columns)

    def fault(self, column: str, kind: str, found: str, remedy: str) -> Fault:
        """A fault of one cell; the cell is in doubt from now on."""
        if column:
            self.doubtful.add(column)
        return Fault(self.table.file, self.line, column, kind, found, remedy)


@dataclass(frozen=True)
class MisshapenRow:
    """A row with too many or too few cells: its fault is reported, its cells are only hints."""

    line: int
    cells: tuple[str, ...]

    @property
    def torn(self) -> bool:
        """Whether a quotation mark stands astray, so that cells have run together."""
        return _torn(self.cells)

    @property
    def swallowed_others(self) -> bool:
        """Whether a cell runs over lines, as when a quotation mark is not closed."""
        return any("\n" in cell for cell in self.cells)


@dataclass
class Sheet:
    """A table as it stands in its file.

    Parameters
    ----------
    table
        The table.
    readable
        Whether there are rows one could refer to; false for a missing or empty file, a lost header, a lost key.
    rows, misshapen
        Rows of the right and of the wrong width.
    """

    table: Table
    readable: bool = False
    rows: list[Row] = field(default_factory=list)
    misshapen: list[MisshapenRow] = field(default_factory=list)


def read_sheet(table: Table, path: Path, this_year: int) -> tuple[Sheet, list[Fault]]:
    """The table in the file at `path`, and every fault that shows without looking at another table.

    Parameters
    ----------
    table
        What the file should hold.
    path
        The file.
    this_year
        The year no publication can lie after.

    Returns
    -------
    sheet, faults
        A sheet that is not `readable` comes with exactly one fault, of the file or of its header.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        remedy = f"Add {table.file} with its header, even if the others do not change"
        return Sheet(table), [_of_file(table, "missing-file", "the file is missing", remedy)]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Sheet(table), [_of_file(table, "unreadable-file", reason, "Make it a file that can be read")]
    if fault := _unusable(table, data):
        return Sheet(table), [fault]
    return _read_text(table, data, this_year)


def _unusable(table: Table, data: bytes) -> Fault | None:
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        remedy = f"It must start with the header {','.join(column.name for column in table.columns[:3])},…"
        if table.may_be_empty:
            remedy += "; a header without rows is allowed here"
        return _of_file(table, "empty-file", "the file is empty", remedy)
    if data.startswith(_UTF_16_AND_32) or data.count(0) > len(data) // 10:
        remedy = "Save it as CSV in UTF-8 (not as Unicode text)"
        return _of_file(table, "bad-encoding", "the file is UTF-16 or not text at all", remedy)
    return None


def _read_text(table: Table, data: bytes, this_year: int) -> tuple[Sheet, list[Fault]]:
    text, bad_place = _decode(data)
    try:
        records = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        found = f"the cells cannot be told apart ({error})"
        remedy = "Look for a quotation mark that is not closed, and save as CSV again"
        return Sheet(table), [_of_file(table, "not-csv", found, remedy)]
    faults = [_bad_bytes(table, data, records, bad_place)] if bad_place is not None else []
    numbered = [(line, record) for line, record in enumerate(records, 1) if record]
    (_, names), body = numbered[0], numbered[1:]
    header, header_faults = read_header(table, names, [len(record) for _, record in body])
    if not header.readable:
        return Sheet(table), faults or header_faults
    if not body and not table.may_be_empty:
        remedy = f"Each row is {table.meaning}; at least one is needed"
        return Sheet(table), [
            *header_faults,
            _of_file(table, "no-rows", "there is no row below the header", remedy),
        ]
    sheet = Sheet(table, readable=header.doubtful.isdisjoint(table.key))
    faults += header_faults
    faults += _read_rows(sheet, header, body, this_year)
    return sheet, faults


def _decode(data: bytes) -> tuple[str, int | None]:
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        shift = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        return data.decode("utf-8-sig", errors="replace"), error.start + shift


def _bad_bytes(table: Table, data: bytes, records: list[list[str]], place: int) -> Fault:
    lines = [line for line, record in enumerate(records, 1) if any(BAD_BYTE in cell for cell in record)]
    line = lines[0] if lines else 0
    more = f", and more in {len(lines) - 1} other rows" if len(lines) > 1 else ""
    found = f"byte {data[place]:#04x} at place {place + 1} of the file is not UTF-8{more}"
    return Fault(table.file, line, "", "bad-encoding", found, _SAVE_AS_UTF_8)


def _torn(cells: Iterable[str]) -> bool:
    return any("\n" in cell or cell.count('"') % 2 for cell in cells)


def _read_rows(
    sheet: Sheet, header: Header, body: Iterable[tuple[int, list[str]]], this_year: int
) -> list[Fault]:
    faults: list[Fault] = []
    for line, record in body:
        if len(record) == header.width:
            row, wrong = _read_row(sheet.table, header, line, record, this_year)
            if not (wrong and _torn(record)):
                sheet.rows.append(row)
                faults += wrong
                continue
        sheet.misshapen.append(MisshapenRow(line, tuple(record)))
        if not any(BAD_BYTE in cell for cell in record):
            faults.append(_misshapen(sheet.table, header, sheet.misshapen[-1]))
    return _without_misplaced(sheet, header, faults)


def _misshapen(table: Table, header: Header, row: MisshapenRow) -> Fault:
    found = f"{len(row.cells)} cells where the header has {header.width}"
    remedy = "Put cells that hold a comma between quotation marks, and keep the commas of empty cells."
    if row.torn:
        found = "cells have run together" if len(row.cells) == header.width else found
        remedy = "A quotation mark stands astray: look for one that is not closed."
    return Fault(table.file, row.line, "", "wrong-width", found, remedy)


def _read_row(
    table: Table, header: Header, line: int, record: list[str], this_year: int
) -> tuple[Row, list[Fault]]:
    cells: dict[str, str] = {}
    values: dict[str, Any] = {}
    doubtful = set(header.doubtful)
    wrong: list[tuple[str, CellFault]] = []
    for column in table.columns:
        place = header.places.get(column.name)
        raw = record[place] if place is not None else ""
        text = cells[column.name] = raw.strip()
        values[column.name] = column.empty
        if not raw and not column.required:  # most cells: three of five are empty
            continue
        if column.name in doubtful or BAD_BYTE in text:
            doubtful.add(column.name)
            continue
        value = read_cell(column, text, this_year)
        if isinstance(value, CellFault):
            doubtful.add(column.name)
            wrong.append((column.name, value))
            continue
        values[column.name] = value
        if raw != text:
            wrong.append((column.name, CellFault("outer-spaces", f"'{raw}'", "Remove the spaces around it")))
    row = Row(table, line, cells, table.row_type(**values), doubtful)
    faults = [
        Fault(table.file, line, name, fault.kind, fault.found, f"{fault.remedy}.") for name, fault in wrong
    ]
    return row, faults


def _without_misplaced(sheet: Sheet, header: Header, faults: list[Fault]) -> list[Fault]:
    """Drop a misnamed column, with the faults of its cells, where too few of them read as what it stands for."""
    wrong = Counter(fault.column for fault in faults)
    for name in header.guessed:
        filled = sum(bool(row.cells[name]) for row in sheet.rows)
        if wrong[name] <= _MISPLACED * filled:
            continue
        faults = [fault for fault in faults if fault.column != name]
        for row in sheet.rows:
            row.doubtful.add(name)
        sheet.readable = sheet.readable and name not in sheet.table.key
    return faults


def _of_file(table: Table, kind: str, found: str, remedy: str) -> Fault:
    return Fault(table.file, 0, "", kind, found, f"{remedy}.")
