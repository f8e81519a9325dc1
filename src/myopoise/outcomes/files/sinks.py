"""Tables written a piece at a time: CSV, Parquet, Excel and SAS transport, the same bytes for the same rows.

A file is written beside its place and moved there when it is complete, so that nothing is ever half written. CSV and
Parquet need memory for a few pieces only; a SAS transport file is reshaped as a whole.
"""

from __future__ import annotations

import datetime
import queue
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myopoise.errors import MissingComponent, WrongUsage
from myopoise.outcomes.files.adam_records import to_bds
from myopoise.outcomes.files.adam_table import is_bds
from myopoise.outcomes.files.whole_files import need_transport, write_transport

if TYPE_CHECKING:
    import polars

__all__ = ["SINKS", "Sink", "open_sink"]

Add = Callable[["polars.DataFrame"], None]
Pieces = queue.Queue[tuple["polars.DataFrame", ...]]

_CREATED = datetime.datetime(2000, 1, 1)
"""Fixed, so that the same scores give the same bytes."""
_MOST_ROWS = 1_048_575
"""Rows of an Excel sheet below its header."""
_WIDEST = 40
_ROW_GROUP = 1 << 18
"""Rows of a Parquet row group; fixed, so that the size of the pieces does not change the file."""
_PATIENCE = 0.2
"""Seconds after which a full queue asks whether anybody still empties it."""


@dataclass
class Sink:
    """Takes a table a piece at a time.

    Parameters
    ----------
    path
        Where the table will be.
    add
        What takes the rows.
    begun
        Whether anything was written.
    """

    path: Path
    add: Add = field(repr=False)
    begun: bool = False

    def write(self, frame: polars.DataFrame) -> None:
        """Add rows; every piece has the columns of the first.

        Parameters
        ----------
        frame
            The rows.
        """
        self.begun = True
        with _told(self.path):
            self.add(frame)


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
        with ExitStack() as writing:
            sink = Sink(path, writing.enter_context(writer(temporary)))
            yield sink
            with _told(path):
                writing.close()
        if sink.begun:
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


# --- CSV --------------------------------------------------------------------------------------------------


@contextmanager
def _csv(path: Path) -> Iterator[Add]:
    with path.open("wb") as file:

        def add(frame: polars.DataFrame) -> None:
            first = file.tell() == 0
            frame.select(_shortest(frame)).write_csv(file, include_header=first, line_terminator="\n")

        yield add


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


@contextmanager
def _parquet(path: Path) -> Iterator[Add]:
    """Hands pieces, each in a tuple, to a thread in which polars streams them into row groups; `()` is the end."""
    pieces: Pieces = queue.Queue(1)
    stream: Future[None] | None = None
    schema: polars.Schema | None = None

    def add(frame: polars.DataFrame) -> None:
        nonlocal schema, stream
        if schema is None or stream is None:
            schema = frame.schema
            stream = thread.submit(_stream, path, schema, pieces)
        _hand_over((frame.select(schema.names()).cast(schema),), pieces, stream)
        if stream.done():  # before its end, so it has failed
            stream.result()

    with ThreadPoolExecutor(1) as thread:
        try:
            yield add
        finally:
            if stream is not None:
                _hand_over((), pieces, stream)
        if stream is not None:
            stream.result()


def _stream(path: Path, schema: polars.Schema, pieces: Pieces) -> None:
    from polars.io.plugins import register_io_source

    lazy = register_io_source(lambda *_: chain.from_iterable(iter(pieces.get, ())), schema=schema)
    lazy.sink_parquet(path, row_group_size=_ROW_GROUP, maintain_order=True)


def _hand_over(piece: tuple[polars.DataFrame, ...], pieces: Pieces, stream: Future[None]) -> None:
    while not stream.done():
        with suppress(queue.Full):
            return pieces.put(piece, timeout=_PATIENCE)


# --- Excel ------------------------------------------------------------------------------------------------


@contextmanager
def _excel(path: Path) -> Iterator[Add]:
    try:
        import xlsxwriter
    except ImportError as error:
        raise MissingComponent("Excel needs xlsxwriter: pip install 'myopoise[excel]'") from error
    options = {"constant_memory": True, "tmpdir": str(path.parent)}
    book = xlsxwriter.Workbook(path, options)
    book.set_properties({"title": "myopoise scores", "created": _CREATED})
    sheet = book.add_worksheet("scores")
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True, "bottom": 1})
    rows = 0

    def add(frame: polars.DataFrame) -> None:
        nonlocal rows
        if rows == 0:
            for place, name in enumerate(frame.columns):
                sheet.set_column(place, place, min(max(len(name), 8) + 2, _WIDEST))
                sheet.write_string(0, place, name, bold)
        if rows + frame.height > _MOST_ROWS:
            raise WrongUsage(
                f"{path.name}: an Excel sheet holds {_MOST_ROWS:,} rows below its header. "
                "Write a .parquet file instead, or .csv."
            )
        for row in frame.iter_rows():
            rows += 1
            for place, value in enumerate(row):
                _fill(sheet, rows, place, value)

    try:
        yield add
    except BaseException:
        with suppress(Exception):  # what failed before is what the reader should hear
            book.close()
        raise
    try:
        book.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise error.args[0] from None


def _fill(sheet: Any, row: int, place: int, value: object) -> None:
    if value is None or value == "" or value != value:  # NaN is the only value unlike itself
        return
    if isinstance(value, (int, float)):
        sheet.write_number(row, place, value)
    else:
        sheet.write_string(row, place, str(value))


# --- SAS transport ----------------------------------------------------------------------------------------


@contextmanager
def _transport(path: Path) -> Iterator[Add]:
    import polars

    need_transport()
    pieces: list[polars.DataFrame] = []
    yield pieces.append
    if pieces:
        whole = polars.concat(pieces)
        write_transport(path, whole if is_bds(whole.columns) else to_bds(whole))


SINKS: dict[str, Callable[[Path], AbstractContextManager[Add]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".xlsx": _excel,
    ".xpt": _transport,
}
"""The suffixes, and what writes each."""
