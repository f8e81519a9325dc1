"""Tables written a piece at a time: CSV, Parquet, Excel and SAS transport, the same bytes for the same rows.

A file is written beside its place and moved there when it is complete, so that nothing is ever half written. CSV and
Parquet need memory for a few pieces only; a SAS transport file is reshaped as a whole.
"""

from __future__ import annotations

import datetime
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from myopoise.errors import MissingComponent, WrongUsage
from myopoise.outcomes.files.adam_records import to_bds
from myopoise.outcomes.files.adam_table import is_bds
from myopoise.outcomes.files.whole_files import need_transport, write_transport

if TYPE_CHECKING:
    import polars

__all__ = ["SINKS", "Sink", "open_sink"]

_CREATED = datetime.datetime(2000, 1, 1)
"""Fixed, so that the same scores give the same bytes."""
_MOST_ROWS = 1_048_575
"""Rows of an Excel sheet below its header."""
_WIDEST = 40
_ROW_GROUP = 1 << 18
"""Rows of a Parquet row group; fixed, so that the size of the pieces does not change the file."""
_PATIENCE = 0.2
"""Seconds after which a full queue asks whether anybody still empties it."""


class Sink(Protocol):
    """Takes a table a piece at a time."""

    def write(self, frame: polars.DataFrame) -> None:
        """Add rows; every piece has the columns of the first.

        Parameters
        ----------
        frame
            The rows.
        """


@contextmanager
def open_sink(path: Path) -> Iterator[Sink]:
    """Somewhere to write a table, which appears at its place when the block ends well.

    Parameters
    ----------
    path
        The file: .csv, .parquet, .xlsx or .xpt. One that is there already is replaced at the end.

    Yields
    ------
    sink
        Takes the rows. A sink that was never written to makes no file.

    Raises
    ------
    WrongUsage
        For a suffix that is not known, a place that cannot be written to, or rows that the format cannot hold.
    MissingComponent
        Where the package that writes the format is not installed.
    """
    path = Path(path)
    writer = SINKS.get(path.suffix.lower())
    if writer is None:
        raise WrongUsage(
            f"{path.name}: cannot write '{path.suffix}' files. Choose one of {', '.join(SINKS)}."
        )
    if path.is_dir():
        raise WrongUsage(f"{path} is a folder. Name a file to write to.")
    if not path.parent.is_dir():
        raise WrongUsage(f"{path.parent} is not a folder. Make it first, or choose another place.")
    with _told(path):
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        temporary = folder / path.name
        sink = writer(temporary)
        try:
            yield _Guarded(path, sink)
            with _told(path):
                sink.finish()
        except BaseException:
            sink.abandon()
            raise
        if temporary.exists():
            with _told(path):
                temporary.chmod(0o644)
                temporary.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A disk that is full or refuses, said in one sentence."""
    try:
        yield
    except OSError as error:
        raise WrongUsage(f"Cannot write {path}: {error.strerror or type(error).__name__}.") from error


@dataclass(frozen=True)
class _Guarded:
    path: Path
    sink: _Writer

    def write(self, frame: polars.DataFrame) -> None:
        with _told(self.path):
            self.sink.write(frame)


class _Writer(Sink, Protocol):
    def finish(self) -> None:
        """Complete the file."""

    def abandon(self) -> None:
        """Let go of everything; the file is removed by others."""


# --- CSV --------------------------------------------------------------------------------------------------


class _Csv:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[bytes] | None = None

    def write(self, frame: polars.DataFrame) -> None:
        first = self.file is None
        if self.file is None:
            self.file = self.path.open("wb")
        frame.select(_shortest(frame)).write_csv(self.file, include_header=first, line_terminator="\n")

    def finish(self) -> None:
        if self.file is not None:
            self.file.close()

    def abandon(self) -> None:
        with suppress(OSError):
            self.finish()


def _shortest(frame: polars.DataFrame) -> list[polars.Expr]:
    """Columns as text wherever polars would write a number longer than it is."""
    import polars

    columns = []
    for name, dtype in frame.schema.items():
        column = polars.col(name)
        if dtype.is_float():
            column = column.fill_nan(None).cast(polars.String).str.strip_suffix(".0")
        elif dtype == polars.Boolean:
            column = column.cast(polars.Int8)
        columns.append(column)
    return columns


# --- Parquet ----------------------------------------------------------------------------------------------


class _Abandoned(Exception):
    """The block that writes has failed, so the rest never comes."""


class _Parquet:
    """Hands pieces to a thread in which polars streams them into row groups."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pieces: queue.Queue[polars.DataFrame | _Abandoned | None] = queue.Queue(1)
        self.thread: threading.Thread | None = None
        self.failure: BaseException | None = None
        self.schema: dict[str, polars.DataType] = {}

    def write(self, frame: polars.DataFrame) -> None:
        if self.thread is None:
            self.schema = dict(frame.schema)
            self.thread = threading.Thread(target=self._stream, daemon=True)
            self.thread.start()
        self._put(frame.select(list(self.schema)).cast(self.schema))  # type: ignore[arg-type]

    def finish(self) -> None:
        self._put(None)
        if self.thread is not None:
            self.thread.join()
        if self.failure is not None:
            raise self.failure

    def abandon(self) -> None:
        if self.thread is not None:
            with suppress(BaseException):
                self._put(_Abandoned())
            self.thread.join()

    def _put(self, piece: polars.DataFrame | _Abandoned | None) -> None:
        while self.thread is not None and self.thread.is_alive():
            with suppress(queue.Full):
                return self.pieces.put(piece, timeout=_PATIENCE)
        if self.failure is not None:
            raise self.failure
        return None

    def _stream(self) -> None:
        from polars.io.plugins import register_io_source

        try:
            lazy = register_io_source(self._pieces, schema=self.schema)
            lazy.sink_parquet(self.path, row_group_size=_ROW_GROUP, maintain_order=True)
        except BaseException as error:
            self.failure = error

    def _pieces(self, *_: object) -> Iterator[polars.DataFrame]:
        while (piece := self.pieces.get()) is not None:
            if isinstance(piece, _Abandoned):
                raise piece
            yield piece


# --- Excel ------------------------------------------------------------------------------------------------


class _Excel:
    def __init__(self, path: Path) -> None:
        try:
            import xlsxwriter
        except ImportError as error:
            raise MissingComponent("Excel needs xlsxwriter: pip install 'myopoise[excel]'") from error
        self.path = path
        self.xlsxwriter: Any = xlsxwriter
        self.book: Any = None
        self.sheet: Any = None
        self.rows = 0

    def write(self, frame: polars.DataFrame) -> None:
        if self.book is None:
            self._open(frame.columns)
        if self.rows + frame.height > _MOST_ROWS:
            raise WrongUsage(
                f"{self.path.name}: an Excel sheet holds {_MOST_ROWS:,} rows below its header. "
                "Write a .parquet file instead, or .csv."
            )
        for row in frame.iter_rows():
            self.rows += 1
            for place, value in enumerate(row):
                _fill(self.sheet, self.rows, place, value)

    def finish(self) -> None:
        if self.book is not None:
            self.book.close()

    def abandon(self) -> None:
        with suppress(Exception):
            self.finish()

    def _open(self, names: list[str]) -> None:
        options = {"constant_memory": True, "tmpdir": str(self.path.parent)}
        self.book = self.xlsxwriter.Workbook(self.path, options)
        self.book.set_properties({"title": "myopoise scores", "created": _CREATED})
        self.sheet = self.book.add_worksheet("scores")
        self.sheet.freeze_panes(1, 0)
        bold = self.book.add_format({"bold": True, "bottom": 1})
        for place, name in enumerate(names):
            self.sheet.set_column(place, place, min(max(len(name), 8) + 2, _WIDEST))
            self.sheet.write_string(0, place, name, bold)


def _fill(sheet: Any, row: int, place: int, value: object) -> None:
    if value is None or value == "" or value != value:  # NaN is the only value unlike itself
        return
    if isinstance(value, (int, float)):
        sheet.write_number(row, place, value)
    else:
        sheet.write_string(row, place, str(value))


# --- SAS transport ----------------------------------------------------------------------------------------


class _Transport:
    def __init__(self, path: Path) -> None:
        need_transport()
        self.path = path
        self.pieces: list[polars.DataFrame] = []

    def write(self, frame: polars.DataFrame) -> None:
        self.pieces.append(frame)

    def finish(self) -> None:
        import polars

        if self.pieces:
            whole = polars.concat(self.pieces)
            write_transport(self.path, whole if is_bds(whole.columns) else to_bds(whole))

    def abandon(self) -> None:
        self.pieces.clear()


SINKS: dict[str, Callable[[Path], _Writer]] = {
    ".csv": _Csv,
    ".parquet": _Parquet,
    ".xlsx": _Excel,
    ".xpt": _Transport,
}
"""The suffixes, and what writes each."""
