"""The evidence written to a folder: CSV equal to its source byte for byte, Parquet, or one Excel workbook.

Files are written beside their place and moved there when all are complete, so that nothing is ever half written.
"""

from __future__ import annotations

import csv
import datetime
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from myopoise.errors import MissingComponent, WrongUsage
from myopoise.evidence.columns import Holds, printed
from myopoise.evidence.dictionary import Entry, dictionary
from myopoise.evidence.tables import TABLES, Evidence, Table

__all__ = ["FORMATS", "WORKBOOK", "export_evidence"]

WORKBOOK = "evidence.xlsx"
_CREATED = datetime.datetime(2000, 1, 1)
"""Fixed, so that the same evidence gives the same bytes."""
_WIDEST = 60
_NUMBERS = (Holds.WHOLE, Holds.NUMBER)


def export_evidence(evidence: Evidence, folder: Path, format: str = "csv") -> tuple[Path, ...]:
    """Write the tables into a folder.

    Parameters
    ----------
    evidence
        What to write.
    folder
        Where; made if it does not exist. Of the files in it only those of the same names are replaced.
    format
        One of `FORMATS`: ``csv`` or ``parquet``, a file for each table, or ``xlsx``, one workbook.

    Returns
    -------
    paths
        The files written.

    Raises
    ------
    WrongUsage
        For an unknown format, or where the folder cannot be written to.
    MissingComponent
        Where the package that writes the format is not installed.
    """
    if format not in FORMATS:
        raise WrongUsage(f"Unknown format '{format}'. Choose one of {', '.join(FORMATS)}.")
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise WrongUsage(f"{folder} is a file. Name a folder to write the evidence into.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
            written = FORMATS[format](evidence, Path(beside))
            folder.mkdir(exist_ok=True)
            return tuple(_move(path, folder / path.name) for path in written)
    except OSError as error:
        raise WrongUsage(f"Cannot write to {folder}: {error.strerror or error}.") from error


def _move(path: Path, target: Path) -> Path:
    if target.is_dir():
        raise WrongUsage(f"{target} is a folder. Move it, or choose another folder.")
    shutil.move(path, target)
    return target


def _write_csv(evidence: Evidence, folder: Path) -> list[Path]:
    paths = []
    for table in TABLES:
        paths.append(folder / table.file)
        with paths[-1].open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([column.name for column in table.columns])
            writer.writerows([[printed(value) for value in row] for row in _rows(evidence, table)])
    return paths


def _write_parquet(evidence: Evidence, folder: Path) -> list[Path]:
    import polars

    types: dict[Holds, Any] = {
        Holds.TEXT: polars.String,
        Holds.WHOLE: polars.Int64,
        Holds.NUMBER: polars.Float64,
        Holds.LIST: polars.List(polars.String),
    }
    paths = []
    for table in TABLES:
        schema = {column.name: types[column.holds] for column in table.columns}
        rows = [[_plain(value) for value in row] for row in _rows(evidence, table)]
        paths.append(folder / f"{table.name}.parquet")
        polars.DataFrame(rows, schema=schema, orient="row").write_parquet(paths[-1])
    return paths


def _plain(value: object) -> object:
    """A value as a column store keeps it: nothing for an empty text, plain numbers, lists."""
    if isinstance(value, float):
        return float(value)
    if isinstance(value, tuple):
        return list(value)
    return None if value == "" else value


def _write_workbook(evidence: Evidence, folder: Path) -> list[Path]:
    try:
        import xlsxwriter
    except ImportError as error:
        raise MissingComponent("Excel needs xlsxwriter: pip install 'myopoise[excel]'") from error
    path = folder / WORKBOOK
    with xlsxwriter.Workbook(path, {"in_memory": True}) as book:
        book.set_properties({"title": "myopoise evidence", "created": _CREATED})
        bold = book.add_format({"bold": True, "bottom": 1})
        for table in TABLES:
            names = [column.name for column in table.columns]
            numeric = [column.holds in _NUMBERS for column in table.columns]
            _fill(book.add_worksheet(table.name), names, numeric, _rows(evidence, table), bold)
        names = [field.name for field in fields(Entry)]
        entries = [astuple(entry) for entry in dictionary()]
        _fill(book.add_worksheet("data dictionary"), names, [False] * len(names), entries, bold)
    return [path]


def _fill(sheet: Any, names: list[str], numeric: list[bool], rows: list[tuple[Any, ...]], bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(names):
        sheet.write_string(0, place, name, bold)
        longest = max([len(name), *(len(_words(row[place])) for row in rows)])
        sheet.set_column(place, place, min(longest + 2, _WIDEST))
    for line, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if value is None or value in ("", ()):
                continue
            if numeric[place]:
                sheet.write_number(line, place, value)
            else:
                sheet.write_string(line, place, _words(value))
    if rows:
        sheet.autofilter(0, 0, len(rows), len(names) - 1)


def _words(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else printed(value)


def _rows(evidence: Evidence, table: Table) -> list[tuple[Any, ...]]:
    names = [column.name for column in table.columns]
    return [tuple(getattr(row, name) for name in names) for row in getattr(evidence, table.name)]


FORMATS: dict[str, Callable[[Evidence, Path], list[Path]]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "xlsx": _write_workbook,
}
"""The formats, and what writes each."""
