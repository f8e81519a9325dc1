"""Excel workbooks and SAS transport files, which are read and written as a whole."""

from __future__ import annotations

import datetime
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from myopoise.errors import BadInput, Fault, MissingComponent, WrongUsage
from myopoise.outcomes.files.adam_table import adam_table
from myopoise.outcomes.files.damage import check_rows, damaged, header_faults, many

if TYPE_CHECKING:
    import polars

__all__ = ["need_transport", "read_excel", "read_transport", "write_transport"]

_OLE = b"\xd0\xcf\x11\xe0"
"""How a file of the old Office begins, and one that is encrypted."""
_ERROR_CELL = re.compile(rb'<c r="([A-Z]+)([0-9]+)"[^>]*\bt="e"')
_LONGEST_NAME, _LONGEST_TEXT = 8, 200
"""What version 5 of the transport format holds, in bytes."""
_STAMPS = (144, 160, 464, 480)
"""Where the format keeps the time of writing."""
_CREATED = b"01JAN00:00:00:00"
"""Written there, so that the same records give the same bytes."""


def read_excel(path: Path) -> polars.DataFrame:
    """The sheet of a workbook, every cell as text.

    Parameters
    ----------
    path
        An .xlsx or .xls file.

    Returns
    -------
    frame
        Numbers are the shortest decimals of what Excel shows, dates ISO texts, yes and no 1 and 0. Formulas come as
        the values they had when the file was saved.
    """
    import polars

    try:
        import python_calamine as calamine
    except ImportError as error:
        raise MissingComponent("Excel needs python-calamine: pip install 'myopoise[excel]'") from error
    with path.open("rb") as file:
        encrypted = path.suffix.lower() == ".xlsx" and file.read(4) == _OLE
    try:
        if encrypted:
            raise calamine.PasswordError
        book = calamine.CalamineWorkbook.from_path(path)
        name = _sheet_name(path.name, book, calamine)
        rows = [[_cell(value) for value in row] for row in book.get_sheet_by_name(name).iter_rows()]
    except calamine.PasswordError:
        raise damaged(path.name, "encrypted", "the workbook has a password", "Save it without one.") from None
    except (calamine.CalamineError, OSError):
        raise damaged(path.name, "not-excel", "the file is not readable as Excel", "Save it again.") from None
    if faults := _error_cells(path, name):
        raise BadInput(path.name, many(faults))
    while rows and not any(rows[-1]):
        rows.pop()
    check_rows(path.name, len(rows[1:]))
    names, *body = rows
    columns = [list(column) for column in zip(*body, strict=True)]
    while names and names[-1] is None and not any(columns[-1]):
        names.pop()
        columns.pop()
    header = tuple(name or "" for name in names)
    if faults := header_faults(path.name, header):
        raise BadInput(path.name, many(faults))
    schema = dict.fromkeys(header, polars.String)
    return polars.DataFrame(dict(zip(header, columns, strict=True)), schema=schema)


def _sheet_name(file: str, book: Any, calamine: Any) -> str:
    seen: list[str] = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == calamine.SheetVisibleEnum.Visible
        and sheet.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    named = [name for name in seen if name.strip().lower() in ("visits", "scores")]
    filled = [name for name in seen if book.get_sheet_by_name(name).total_height] if len(seen) > 1 else seen
    chosen = named or filled
    if len(chosen) != 1:
        found = "the workbook has no sheet to read" if not chosen else f"{len(chosen)} sheets could be meant"
        raise damaged(file, "which-sheet", found, "Keep one sheet, or call the one to read 'visits'.")
    return chosen[0]


def _cell(value: object) -> str | None:
    """A cell of Excel as the shortest text, or `None` where it is empty."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (int, float)):
        # Excel computes and shows fifteen digits.
        return f"{Decimal(f'{value:.15g}'):f}"
    text = value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)
    return text.strip() or None


def _error_cells(path: Path, sheet: str) -> list[Fault]:
    """Cells such as #N/A, which calamine would give as empty."""
    if path.suffix.lower() != ".xlsx":
        return []
    try:
        with zipfile.ZipFile(path) as book:
            cells = _ERROR_CELL.findall(book.read(_part(book, sheet)))
    except (KeyError, StopIteration, ElementTree.ParseError, zipfile.BadZipFile):
        raise damaged(path.name, "not-excel", "the file is not readable as Excel", "Save it again.") from None
    remedy = "Repair the formula, or empty the cell."
    return [
        Fault(
            path.name, int(row), f"column {letters.decode()}", "error-cell", "holds an error of Excel", remedy
        )
        for letters, row in cells
    ]


def _part(book: zipfile.ZipFile, sheet: str) -> str:
    """Where in the workbook a sheet is kept."""
    sheets = ElementTree.fromstring(book.read("xl/workbook.xml")).iter()
    named = {one.get("name"): one for one in sheets if one.tag.endswith("}sheet")}
    key = next(value for name, value in named[sheet].items() if name.endswith("}id"))
    links = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    target = {link.get("Id"): link.get("Target", "") for link in links}[key]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def read_transport(path: Path) -> polars.DataFrame:
    """The data set of a SAS transport file, numbers and dates as they are.

    Parameters
    ----------
    path
        An .xpt file.

    Returns
    -------
    frame
        What SAS calls missing, a point or a letter from .A to .Z, is null.
    """
    import polars
    import polars.selectors as kinds

    pyreadstat = need_transport()
    try:
        columns, _ = pyreadstat.read_xport(str(path), output_format="dict")
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError, ValueError, OSError):
        remedy = "It may be damaged, or of another kind; export it again with the XPORT engine."
        raise damaged(
            path.name, "not-transport", "the file is not readable as SAS transport", remedy
        ) from None
    frame = polars.DataFrame({name: polars.Series(values, strict=False) for name, values in columns.items()})
    check_rows(path.name, frame.height)
    return frame.with_columns(
        kinds.float().fill_nan(None), kinds.string().str.strip_chars().replace("", None)
    )


def write_transport(path: Path, frame: polars.DataFrame) -> None:
    """Records as a SAS transport file of version 5, the same bytes for the same records.

    Parameters
    ----------
    path
        Where to.
    frame
        The records.

    Raises
    ------
    WrongUsage
        For a name or a text that is longer than the format allows.
    """
    import polars
    import polars.selectors as kinds

    pyreadstat = need_transport()
    if long := [name for name in frame.columns if len(name.encode()) > _LONGEST_NAME]:
        raise WrongUsage(f"{path.name}: SAS transport allows names of 8 letters, not {', '.join(long)}.")
    longest = frame.select(kinds.string().str.len_bytes().max().fill_null(0))
    if long := [name for name in longest.columns if longest[name].item() > _LONGEST_TEXT]:
        raise WrongUsage(
            f"{path.name}: SAS transport allows texts of 200 bytes; longer ones are in {', '.join(long)}."
        )
    dates = [name for name, dtype in frame.schema.items() if dtype == polars.Date]
    pyreadstat.write_xport(
        frame.with_columns(kinds.string().fill_null("")),
        str(path),
        file_label="myopoise scores",
        column_labels={name: label for name, label in adam_table().columns.items() if name in frame.columns},
        table_name="ADEFF",
        file_format_version=5,
        variable_format=dict.fromkeys(dates, "DATE9."),
    )
    with path.open("r+b") as file:
        for place in _STAMPS:
            file.seek(place)
            file.write(_CREATED)


def need_transport() -> Any:
    """The package that knows SAS transport files.

    Raises
    ------
    MissingComponent
        Where it is not installed.
    """
    try:
        import pyreadstat
    except ImportError as error:
        raise MissingComponent("SAS transport needs pyreadstat: pip install 'myopoise[sas]'") from error
    return pyreadstat
