"""Files of visits and scores, whatever their format: columns by name, rows a piece at a time.

This module and those it names below are the only ones that know a file format. A *source* is a file opened for
reading, a *sink* (`myopoise.outcomes.files.sinks`) one opened for writing. From text and Excel every cell comes as it
was written, so that a check can tell an empty cell from one that says ``n/a``; from Parquet and SAS transport the types
come as they are.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.outcomes.files.adam import from_bds, is_bds
from myopoise.outcomes.files.damage import check_rows, damaged, header_faults, many
from myopoise.outcomes.files.delimited import shape_of
from myopoise.outcomes.files.redcap import ColumnMap, is_records, merge_records, read_map
from myopoise.outcomes.files.whole_files import read_excel, read_transport

if TYPE_CHECKING:
    import polars

__all__ = ["SOURCES", "Source", "open_source"]

Read = Callable[[tuple[str, ...], int], "Iterator[polars.DataFrame]"]

_PIECE = 1 << 18
"""Rows looked at together where the caller does not say."""


@dataclass(frozen=True)
class Source:
    """A file opened for reading; nothing of its rows is held that need not be.

    Parameters
    ----------
    name
        Name of the file, without folder.
    columns
        Names of its columns, in order.
    read
        Pieces of the columns asked for.
    text
        Whether every cell is text.
    notes
        What the reader should know of how the file was read, in sentences.
    lines
        For each row the row of the file that it comes from, where these are not 2, 3, 4 and so on.
    """

    name: str
    columns: tuple[str, ...]
    read: Read = field(repr=False)
    text: bool = False
    notes: tuple[str, ...] = ()
    lines: Sequence[int] | None = field(default=None, repr=False)

    def batches(self, columns: Sequence[str] | None, size: int) -> Iterator[polars.DataFrame]:
        """The rows in order, some at a time.

        Parameters
        ----------
        columns
            The columns wanted, in any order; `None` for all. They come in the order of the file.
        size
            Most rows in a piece.

        Yields
        ------
        piece
            The columns and at least one row.

        Raises
        ------
        WrongUsage
            For a column that the file does not have.
        BadInput
            For a file that cannot be read to its end.
        """
        wanted = self.columns if columns is None else columns
        for name in wanted:
            if name not in self.columns:
                near = difflib.get_close_matches(name, self.columns, 1)
                raise WrongUsage(
                    f"{self.name} has no column {name}." + (f" Did you mean {near[0]}?" if near else "")
                )
        chosen = tuple(name for name in self.columns if name in set(wanted))
        for frame in self.read(chosen, size):
            yield from frame.iter_slices(size) if frame.height > size else [frame]

    def held(self, columns: Iterable[str]) -> frozenset[str]:
        """Those of the columns that hold at least one value.

        Parameters
        ----------
        columns
            Names; those that the file does not have are not held.
        """
        open_ = [name for name in self.columns if name in set(columns)]
        found: set[str] = set()
        for frame in self.batches(open_, _PIECE):
            found |= {name for name in open_ if name not in found and _holds(frame[name])}
            if len(found) == len(open_):
                break
        return frozenset(found)

    def line(self, place: int) -> int:
        """The row of the file that a row comes from, as a spreadsheet numbers it.

        Parameters
        ----------
        place
            Place of the row among all that `batches` gives, from 0.
        """
        return place + 2 if self.lines is None else self.lines[place]


def open_source(path: Path, column_map: Path | None = None) -> Source:
    """A file of visits or scores, opened by its suffix.

    Parameters
    ----------
    path
        The file. An ADaM data set of basic structure comes as visits.
    column_map
        A column map (`myopoise.outcomes.files.redcap`), for a file whose columns are not called as ours.

    Raises
    ------
    WrongUsage
        For a suffix that is not known, or a file that is not there.
    BadInput
        For a file that is empty or damaged, a header with empty or repeated names, or a map that does not fit.
    MissingComponent
        Where the package that reads the format is not installed.
    """
    path = Path(path)
    opener = SOURCES.get(path.suffix.lower())
    if opener is None:
        raise WrongUsage(f"{path.name}: cannot read '{path.suffix}' files. Known are {', '.join(SOURCES)}.")
    plan = None if column_map is None else read_map(column_map)
    _readable(path)
    source = opener(path)
    if faults := header_faults(source.name, source.columns):
        raise BadInput(source.name, many(faults))
    if is_bds(source.columns):
        return _unfolded(source, plan)
    if plan is None:
        return _with_patients(source)
    if faults := plan.faults(source.columns):
        raise BadInput(plan.file, many(faults))
    return _merged(source, plan) if is_records(source.columns) else _mapped(source, plan)


def _readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(1)
    except FileNotFoundError:
        raise WrongUsage(f"{path} does not exist.") from None
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror or type(error).__name__}.") from None
    if not start:
        raise damaged(path.name, "empty-file", "the file is empty", "Export it again.")


def _holds(column: polars.Series) -> bool:
    import polars

    if column.dtype == polars.String:
        return bool((column.str.strip_chars() != "").any())
    if column.dtype.is_float():
        column = column.fill_nan(None)
    return column.null_count() < len(column)


# --- text and Parquet, streamed ---------------------------------------------------------------------------


def _open_text(path: Path) -> Source:
    import polars

    shape = shape_of(path)
    lazy = polars.scan_csv(
        path,
        separator=shape.separator,
        has_header=False,  # polars would look for the names as they stand, outer spaces and all
        skip_rows=1,
        schema=dict.fromkeys(shape.names, polars.String),
        n_rows=shape.rows,
        glob=False,
    )
    # `replace("", None)` would say the same, and hold the whole file: 6 GB where this takes 0.5.
    stripped = polars.all().str.strip_chars()
    filled = polars.when(stripped != "").then(stripped)
    return Source(path.name, shape.names, partial(_stream, path.name, lazy, filled), text=True)


def _open_parquet(path: Path) -> Source:
    import polars

    try:
        lazy = polars.scan_parquet(path, glob=False, hive_partitioning=False)
        names = tuple(lazy.collect_schema().names())
        filled = lazy.select(polars.len()).collect().item()
    except (polars.exceptions.PolarsError, OSError):
        remedy = "It may be damaged or encrypted; write it again."
        raise damaged(path.name, "not-parquet", "the file is not readable as Parquet", remedy) from None
    check_rows(path.name, filled)
    return Source(path.name, names, partial(_stream, path.name, lazy, polars.all()))


def _stream(
    file: str, lazy: polars.LazyFrame, shown: polars.Expr, columns: tuple[str, ...], size: int
) -> Iterator[polars.DataFrame]:
    import polars

    try:
        yield from lazy.select(columns).select(shown).collect_batches(chunk_size=size)
    except (polars.exceptions.PolarsError, OSError):
        # What polars says may quote cells.
        raise damaged(
            file, "unreadable-file", "the file cannot be read to its end", "Write it again."
        ) from None


# --- held as a whole ------------------------------------------------------------------------------------


def _open_excel(path: Path) -> Source:
    return replace(_in_memory(path.name, read_excel(path)), text=True)


def _open_transport(path: Path) -> Source:
    return _in_memory(path.name, read_transport(path))


def _in_memory(name: str, frame: polars.DataFrame) -> Source:
    return Source(name, tuple(frame.columns), lambda columns, size: frame.select(columns).iter_slices(size))


# --- files whose columns are called otherwise -------------------------------------------------------------


def _with_patients(source: Source) -> Source:
    if is_records(source.columns):
        found = "this is an export of REDCap"
        raise damaged(source.name, "needs-map", found, "Give a column map that names its fields and events.")
    return source


def _whole(source: Source, columns: Sequence[str] | None = None) -> polars.DataFrame:
    import polars

    return polars.concat(source.batches(columns, _PIECE))


def _unfolded(source: Source, plan: ColumnMap | None) -> Source:
    """Visits from an ADaM data set; a map names its columns of patient and week, and PARAMCDs other than ours."""
    import polars

    frame = _whole(source)
    week, codes = "AVISITN", {}
    if plan is not None:
        codes = {ours: theirs for ours, theirs in plan.columns.items() if ours not in ("patient", "week")}
        _known_parameters(source, plan, codes, frame)
        week = plan.columns.get("week", week)
        frame = frame.with_columns(polars.col(plan.columns.get("patient", "USUBJID")).alias("USUBJID"))
        if plan.weeks:  # beside the names of the visits, which travel on
            frame = frame.with_columns(plan.week(week, text=False).alias(f"{week} in [weeks]"))
            week = f"{week} in [weeks]"
    unfolded = from_bds(frame, file=source.name, week=week, codes=codes)
    visits = unfolded.visits if plan is None else unfolded.visits.with_columns(plan.constant(source.text))
    return replace(_in_memory(source.name, visits), notes=unfolded.notes, lines=unfolded.lines)


def _known_parameters(
    source: Source, plan: ColumnMap, codes: Mapping[str, str], frame: polars.DataFrame
) -> None:
    names = {ours: plan.columns[ours] for ours in ("patient", "week") if ours in plan.columns}
    faults = replace(plan, columns=names).faults(frame.columns) if names else []
    known = frame["PARAMCD"].unique().to_list()
    remedy = f"Look at PARAMCD of {source.name}."
    faults += [
        Fault(plan.file, 0, f"[columns] {ours}", "no-parameter", f"the file has no PARAMCD '{code}'", remedy)
        for ours, code in codes.items()
        if code not in known
    ]
    if faults:
        raise BadInput(plan.file, many(faults))


def _merged(source: Source, plan: ColumnMap) -> Source:
    """Visits from the records of REDCap."""
    wanted = {theirs for _, theirs in plan.pairs(source.columns)}
    merged = merge_records(_whole(source, tuple(wanted)), plan, source.name)
    return replace(_in_memory(source.name, merged.visits), text=source.text, lines=merged.lines)


def _mapped(source: Source, plan: ColumnMap) -> Source:
    """The same file under our names, streamed."""
    pairs = plan.pairs(source.columns)
    kept = [name for name in source.columns if name not in {theirs for _, theirs in pairs}]
    ours = [name for name, _ in pairs]
    if clash := sorted({*ours, *plan.constants} & set(kept)):
        remedy = "Rename it in the file, or take it out of the map."
        found = "the file has another column of this name"
        raise BadInput(
            plan.file, tuple(Fault(plan.file, 0, name, "name-taken", found, remedy) for name in clash)
        )
    if plan.weeks:
        _known_events(source, plan, dict(pairs)["week"])
    theirs = {**dict(pairs), **{name: name for name in kept}}
    order = sorted(theirs, key=lambda name: source.columns.index(theirs[name]))

    def read(columns: tuple[str, ...], size: int) -> Iterator[polars.DataFrame]:
        import polars

        asked = tuple(name for name in columns if name in theirs)
        needed = dict.fromkeys(theirs[name] for name in asked) or {source.columns[0]: None}
        shown = [
            plan.week(theirs[name], source.text) if name == "week" else polars.col(theirs[name]).alias(name)
            for name in asked
        ]
        for frame in source.batches(tuple(needed), size):
            whole = frame.with_columns(shown).with_columns(plan.constant(source.text))
            yield whole.select(columns)

    return Source(source.name, (*order, *plan.constants), read, text=source.text)


def _known_events(source: Source, plan: ColumnMap, column: str) -> None:
    """Refuse rows whose event has no week."""
    faults: list[Fault] = []
    seen = 0
    for frame in source.batches((column,), _PIECE):
        unknown = frame.select(plan.week(column, False).is_null().arg_true()).to_series()
        found, remedy = "the event of this row has no week", "Give it a week in [weeks] of the column map."
        faults += [Fault(source.name, seen + row + 2, column, "no-week", found, remedy) for row in unknown]
        seen += frame.height
    if faults:
        raise BadInput(source.name, many(faults))


SOURCES: dict[str, Callable[[Path], Source]] = {
    ".csv": _open_text,
    ".tsv": _open_text,
    ".parquet": _open_parquet,
    ".xlsx": _open_excel,
    ".xls": _open_excel,
    ".xpt": _open_transport,
}
"""The suffixes, and what opens each."""
