"""A table of studies as it was handed over: columns by name, cells as written, the line each row stands on.

Names are compared without regard to case, spaces, ``.``, ``_`` and ``-``; cells of treatments and studies are never
altered, not even by a space at their end. So text files are read here and not by `myopoise.outcomes.files.formats`,
whose sources strip every cell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.outcomes.files.damage import header_faults, many
from myopoise.outcomes.files.delimited import shape_of
from myopoise.outcomes.files.formats import SOURCES

if TYPE_CHECKING:
    import polars

__all__ = ["Sheet", "key", "sheet_from", "sheet_of"]

_TEXT = (".csv", ".tsv", ".txt")
_ABSENT = ("", "na", "nan", "n/a", "null", "none", ".", "*", "-", "nr")
"""What people write in a cell that has no number; R writes NA, and files for ROB-MEN a star."""
_ROW = "Each row is one arm, or one contrast, of one study."


def key(name: str) -> str:
    """A name of a column as names are compared: letters and digits, in lower case.

    Parameters
    ----------
    name
        As it stands in the header.
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum())


@dataclass(frozen=True, eq=False)
class Sheet:
    """Columns of one table.

    Parameters
    ----------
    file
        Name of the file, without folder.
    columns
        Columns by name, in order; text where the file is text.
    lines
        Row of the file that each row comes from, as a spreadsheet numbers it.
    sha256
        Of the bytes of the file, empty for a table that came from no file.
    decimal_comma
        Whether numbers may be written with a comma, as in a file that separates cells with semicolons.
    """

    file: str
    columns: Mapping[str, polars.Series]
    lines: NDArray[np.int64]
    sha256: str = ""
    decimal_comma: bool = False
    _keys: Mapping[str, str] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Index the columns by the form in which names are compared."""
        index: dict[str, str] = {}
        for name in self.columns:
            index.setdefault(key(name), name)
        object.__setattr__(self, "_keys", index)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def find(self, *keys: str) -> str | None:
        """The first of these columns that the table has, by its own name.

        Parameters
        ----------
        *keys
            Names in the form of `key`, the best first.
        """
        return next((self._keys[one] for one in keys if one in self._keys), None)

    def rows(self, chosen: NDArray[np.bool_]) -> Sheet:
        """Some of the rows.

        Parameters
        ----------
        chosen
            Which, shape ``(row,)``.
        """
        places = np.flatnonzero(chosen)
        kept = {name: column.gather(places) for name, column in self.columns.items()}
        return replace(self, columns=kept, lines=self.lines[chosen])

    def text(self, name: str) -> list[str]:
        """Cells of a column as text, empty where there is nothing; a whole number comes without decimals.

        Parameters
        ----------
        name
            Name of the column.
        """
        import polars

        column = self.columns[name]
        if column.dtype.is_float():
            return ["" if v is None or v != v else f"{v:.15g}" for v in column.to_list()]
        return [value or "" for value in column.cast(polars.String).to_list()]

    def filled(self, name: str) -> NDArray[np.bool_]:
        """Where a column holds something, shape ``(row,)``.

        Parameters
        ----------
        name
            Name of the column.
        """
        import polars

        column = self.columns[name]
        if column.dtype == polars.String:
            absent = column.str.strip_chars().str.to_lowercase().is_in(list(_ABSENT))
            return ~absent.fill_null(value=True).to_numpy()
        if column.dtype.is_float():
            column = column.fill_nan(None)
        return column.is_not_null().to_numpy()

    def numbers(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Cells of a column as numbers, NaN where there is none, and where something stands that is no number.

        Parameters
        ----------
        name
            Name of the column.
        """
        import polars

        column = self.columns[name]
        filled = self.filled(name)
        if column.dtype == polars.String:
            cells = column.str.strip_chars()
            found = cells.cast(polars.Float64, strict=False)
            if self.decimal_comma and (found.is_null().to_numpy() & filled).any():
                found = _with_comma(cells, found)
        elif column.dtype == polars.Boolean or column.dtype.is_numeric():
            found = column.cast(polars.Float64)
        else:
            found = column.cast(polars.String).cast(polars.Float64, strict=False)
        values = found.fill_null(float("nan")).to_numpy().astype(np.float64)
        return np.where(filled, values, np.nan), filled & ~np.isfinite(values)

    def decimals(self, name: str) -> NDArray[np.int64]:
        """How many decimals each number of a column was printed with, shape ``(row,)``.

        Parameters
        ----------
        name
            Name of the column.
        """
        import polars

        column = self.columns[name]
        if column.dtype.is_integer():
            return np.zeros(len(self), dtype=np.int64)
        cells = column.cast(polars.String).str.strip_chars().str.replace(",", ".", literal=True)
        digits = cells.str.extract(r"\.(\d*)", 1).str.len_chars().fill_null(0).cast(polars.Int64)
        tens = cells.str.extract(r"[eE]([-+]?\d+)$", 1).cast(polars.Int64, strict=False).fill_null(0)
        return np.asarray((digits - tens).to_numpy(), dtype=np.int64)

    def is_numeric(self, name: str) -> bool:
        """Whether every cell of a column that holds anything is a number, and one does.

        Parameters
        ----------
        name
            Name of the column.
        """
        _, wrong = self.numbers(name)
        return not wrong.any() and bool(self.filled(name).any())


def _with_comma(cells: polars.Series, found: polars.Series) -> polars.Series:
    import polars

    whole = cells.str.contains(r"^[-+]?\d+,\d+$")
    mended = cells.str.replace(",", ".", literal=True).cast(polars.Float64, strict=False)
    return polars.select(polars.when(whole.fill_null(value=False)).then(mended).otherwise(found)).to_series()


def sheet_of(path: Path) -> Sheet:
    """The table in a file.

    Parameters
    ----------
    path
        CSV (comma, semicolon or tab), TSV, Parquet or Excel.

    Raises
    ------
    WrongUsage
        For a suffix that is not known, or a file that is not there.
    BadInput
        For a file that is empty or damaged, or whose header has empty or repeated names.
    """
    suffix = path.suffix.lower()
    if suffix not in SOURCES and suffix not in _TEXT:
        raise WrongUsage(
            f"{path.name}: cannot read '{path.suffix}' files. Known are {', '.join(dict.fromkeys((*_TEXT, *SOURCES)))}."
        )
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise WrongUsage(f"{path} does not exist.") from None
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror or type(error).__name__}.") from None
    sha256 = hashlib.sha256(content).hexdigest()
    if not content.strip():
        found, remedy = "the file is empty", "Its first row names the columns. " + _ROW
        raise BadInput(path.name, (Fault(path.name, 0, "", "empty-file", found, remedy),))
    try:
        return _text_sheet(path, sha256) if suffix in _TEXT else _other_sheet(path, sha256)
    except BadInput as error:
        raise BadInput(error.source, tuple(_in_our_words(fault) for fault in error.faults)) from None


def _in_our_words(fault: Fault) -> Fault:
    """The readers of visits speak of visits."""
    if fault.kind == "no-rows":
        return replace(fault, remedy=_ROW)
    if fault.kind == "which-sheet":
        return replace(fault, remedy="Keep one sheet in the workbook.")
    return fault


def _text_sheet(path: Path, sha256: str) -> Sheet:
    import polars

    shape = shape_of(path)
    frame = polars.read_csv(
        path,
        separator=shape.separator,
        has_header=False,
        skip_rows=1,
        schema=dict.fromkeys(shape.names, polars.String),
        n_rows=shape.rows,
        glob=False,
    )
    return _sheet(path.name, frame, sha256, decimal_comma=shape.separator != ",")


def _other_sheet(path: Path, sha256: str) -> Sheet:
    import polars

    source = SOURCES[path.suffix.lower()](path)
    if faults := header_faults(source.name, source.columns):
        raise BadInput(source.name, many(faults))
    return _sheet(path.name, polars.concat(source.batches(None, 1 << 18)), sha256)


def _sheet(file: str, frame: polars.DataFrame, sha256: str = "", *, decimal_comma: bool = False) -> Sheet:
    """Rows that hold nothing are left out: a spreadsheet leaves them behind."""
    lines = np.arange(2, frame.height + 2, dtype=np.int64)
    sheet = Sheet(file, {one.name: one for one in frame}, lines, sha256, decimal_comma)
    held = np.zeros(frame.height, dtype=np.bool_)
    for one in frame:
        held |= _not_blank(one)
    return sheet if held.all() else sheet.rows(held)


def _not_blank(column: polars.Series) -> NDArray[np.bool_]:
    import polars

    if column.dtype == polars.String:
        return (column.str.strip_chars() != "").fill_null(value=False).to_numpy()
    return column.is_not_null().to_numpy()


def sheet_from(table: Any, name: str = "studies") -> Sheet:
    """The table in a dataframe, a mapping of columns or a list of rows.

    Parameters
    ----------
    table
        polars, pandas or Arrow; a mapping of columns, or a list of rows.
    name
        What to call it in messages. Its first row is row 2, as below a header.

    Raises
    ------
    WrongUsage
        For anything else.
    BadInput
        For a table without rows.
    """
    frame = _frame(table)
    if not frame.height:
        raise BadInput(name, (Fault(name, 0, "", "no-rows", "there is no row below the header", _ROW),))
    return _sheet(name, frame)


def _frame(table: Any) -> polars.DataFrame:
    import polars

    if isinstance(table, polars.LazyFrame):
        return table.collect()
    if isinstance(table, polars.DataFrame):
        return table
    try:
        if isinstance(table, Mapping):
            return polars.DataFrame({str(k): list(v) for k, v in table.items()}, strict=False)
        if isinstance(table, Sequence) and not isinstance(table, str):
            return polars.DataFrame(list(table), strict=False, infer_schema_length=None)
    except polars.exceptions.ShapeError:
        raise WrongUsage("The columns of a table are of one length, and these are not.") from None
    return _foreign(table)


def _foreign(table: Any) -> polars.DataFrame:
    import narwhals
    import polars

    try:
        wrapped = narwhals.from_native(table, eager_only=True)
    except TypeError:
        raise WrongUsage(
            f"This is not a table but of the type {type(table).__name__}. Give a dataframe (polars, pandas, Arrow), a "
            "mapping of columns or a list of rows; a file is read by read_studies."
        ) from None
    columns: dict[str, list[Any]] = {}
    for name in wrapped.columns:
        absent = wrapped[name].is_null().to_list()
        values = wrapped[name].to_list()
        columns[str(name)] = [None if gone else value for value, gone in zip(values, absent, strict=True)]
    return polars.DataFrame(columns, strict=False)
