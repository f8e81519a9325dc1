"""A column map, which says what the columns of somebody else's file are called; and the records of REDCap.

The map is a TOML file with up to three tables::

    [columns]  # our column = the column of the file
    patient = "record_id"
    physician_global = "phga_vas"
    week = "visit"  # the column that holds the week, or the event
    [weeks]  # event = week; without this table the column of the week holds weeks
    baseline_arm_1 = 0
    [constants]  # our column = one value for every row
    mmt_max = 150

An *event* is a visit by its name. An export of REDCap has several rows for a patient and event, one for each repeated
instrument; they are merged, and only the columns that the map names are read, because such an export holds more
about patients than a score needs.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from myopoise.errors import BadInput, Fault
from myopoise.outcomes.files.damage import damaged, many
from myopoise.outcomes.instruments import instruments

if TYPE_CHECKING:
    import polars

__all__ = ["ColumnMap", "Merged", "event_column", "is_records", "merge_records", "read_map"]

_TABLES = ("columns", "weeks", "constants")
_EVENTS = ("redcap_event_name", "Event Name")
"""The column of events in a raw and in a label export."""
_REPEATS = ("redcap_repeat_instrument", "redcap_repeat_instance", "Repeat Instrument", "Repeat Instance")
_ALIKE = 0.85


@dataclass(frozen=True)
class ColumnMap:
    """What the columns of a file are called, and what it does not hold.

    Parameters
    ----------
    file
        Name of the file of the map.
    columns
        Column of the file for each of our columns.
    weeks
        Week of each event; empty where the column of the week holds weeks.
    constants
        Value for every row, by our column.
    """

    file: str
    columns: Mapping[str, str]
    weeks: Mapping[str, float]
    constants: Mapping[str, float | str]

    def faults(self, names: Collection[str]) -> list[Fault]:
        """What the map asks of a file that has columns with these names, and does not get.

        Parameters
        ----------
        names
            Names of the columns of the file.
        """
        found = [
            Fault(
                self.file,
                0,
                f"[columns] {ours}",
                "no-column",
                f"the file has no column '{theirs}'",
                _meant(theirs, names),
            )
            for ours, theirs in self.columns.items()
            if theirs not in names
        ]
        if self.weeks and "week" not in self.columns and not set(_EVENTS) & set(names):
            remedy = 'Name the column that holds them: week = "…" in [columns].'
            found.append(
                Fault(self.file, 0, "[weeks]", "no-events", "the file has no column of events", remedy)
            )
        return found

    def pairs(self, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Ours and theirs for each column that the map names, in the order of the file.

        Parameters
        ----------
        names
            Names of the columns of the file.
        """
        columns = dict(self.columns)
        if self.weeks and "week" not in columns:
            columns["week"] = event_column(names)
        return tuple(sorted(columns.items(), key=lambda pair: names.index(pair[1])))

    def week(self, theirs: str, text: bool) -> polars.Expr:
        """The week, from the column that holds it or the event.

        Parameters
        ----------
        theirs
            Name of that column.
        text
            Whether numbers stand as text in the file.
        """
        import polars

        column = polars.col(theirs)
        if self.weeks:
            # An event may be a number, and numbers of SAS have a point: 3 is 3.0.
            events, weeks = [event.removesuffix(".0") for event in self.weeks], list(self.weeks.values())
            column = column.cast(polars.String).str.strip_chars().str.strip_suffix(".0")
            column = column.replace_strict(events, weeks, default=None, return_dtype=polars.Float64)
            column = column.cast(polars.String).str.strip_suffix(".0") if text else column
        return column.alias("week")

    def constant(self, text: bool) -> list[polars.Expr]:
        """The constants, as columns.

        Parameters
        ----------
        text
            Whether numbers stand as text in the file.
        """
        import polars

        return [
            polars.lit(f"{value:.15g}" if text and not isinstance(value, str) else value).alias(name)
            for name, value in self.constants.items()
        ]


# --- the map ----------------------------------------------------------------------------------------------


def read_map(path: Path) -> ColumnMap:
    """A column map from its file.

    Parameters
    ----------
    path
        The TOML file.

    Raises
    ------
    BadInput
        With everything in it that is not understood.
    """
    path = Path(path)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise damaged(
            path.name, "unreadable-file", error.strerror or "cannot be read", "Name a TOML file."
        ) from None
    except UnicodeDecodeError:
        raise damaged(path.name, "bad-encoding", "is not UTF-8", "Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise damaged(
            path.name, "not-toml", f"is not TOML ({error})", "Texts stand in quotation marks."
        ) from None
    if faults := list(_map_faults(path.name, tables)):
        raise BadInput(path.name, tuple(faults))
    return ColumnMap(path.name, *(MappingProxyType(dict(tables.get(name, {}))) for name in _TABLES))


def _map_faults(file: str, tables: Mapping[str, Any]) -> Iterable[Fault]:
    for name, table in tables.items():
        if name not in _TABLES:
            yield Fault(
                file, 0, f"[{name}]", "unknown-key", "is not known", _meant(name, _TABLES, always=True)
            )
        elif not isinstance(table, dict):
            yield Fault(file, 0, name, "not-a-table", "is not a table", f"Write [{name}] above its lines.")
        else:
            yield from _entry_faults(file, name, table)
    columns, constants = (tables.get(name) for name in ("columns", "constants"))
    twice = set(columns) & set(constants) if isinstance(columns, dict) and isinstance(constants, dict) else ()
    for name in sorted(twice):
        remedy = "Keep one of the two."
        yield Fault(file, 0, f"[constants] {name}", "given-twice", "stands in [columns] too", remedy)


def _entry_faults(file: str, table: str, entries: Mapping[str, Any]) -> Iterable[Fault]:
    kinds = {"columns": (str,), "weeks": (int, float), "constants": (int, float, str)}[table]
    wanted = {
        "columns": "the name of a column",
        "weeks": "a number of weeks",
        "constants": "a number or a text",
    }
    known = _our_columns()
    for key, value in entries.items():
        place = f"[{table}] {key}"
        if (
            not isinstance(value, kinds)
            or isinstance(value, bool)
            or value in ("", float("inf"), -float("inf"))
            or value != value
        ):
            yield Fault(
                file, 0, place, "wrong-value", "is not " + wanted[table], "Write one value after the =."
            )
        if (
            table != "weeks"
            and key not in known
            and (near := difflib.get_close_matches(key, known, 1, _ALIKE))
        ):
            yield Fault(
                file, 0, place, "unknown-key", "is not one of our columns", f"Did you mean {near[0]}?"
            )


def _our_columns() -> list[str]:
    known = instruments().values()
    companions = [instrument.companion for instrument in known if instrument.companion]
    return ["patient", "week", *(instrument.name for instrument in known), *companions]


def _meant(word: str, known: Collection[str], always: bool = False) -> str:
    near = difflib.get_close_matches(word, known, 1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"It is one of {', '.join(known)}." if always else "Look at the header of the file."


# --- records of REDCap ------------------------------------------------------------------------------------


def is_records(columns: Collection[str]) -> bool:
    """Whether columns with these names make an export of REDCap with events or repeated instruments.

    Parameters
    ----------
    columns
        Names of the columns of a file.
    """
    return bool({*_EVENTS, *_REPEATS} & set(columns))


def event_column(columns: Collection[str]) -> str:
    """The column of events, or empty.

    Parameters
    ----------
    columns
        Names of the columns of a file.
    """
    return next((name for name in _EVENTS if name in columns), "")


@dataclass(frozen=True, repr=False)
class Merged:
    """Visits made of the records of REDCap.

    Parameters
    ----------
    visits
        One row a patient and week, with the columns of the map.
    lines
        For each row the row of the file that it starts with.
    """

    visits: polars.DataFrame
    lines: Sequence[int]


def merge_records(frame: polars.DataFrame, plan: ColumnMap, file: str) -> Merged:
    """Visits from the rows of an export, one for each patient and week.

    Parameters
    ----------
    frame
        The export, raw or with labels, as text.
    plan
        The column map; `ColumnMap.faults` found nothing.
    file
        Name of the file, for faults.

    Returns
    -------
    merged
        In the order of first rows. A row that holds nothing of what the map names, such as one of demographics, makes
        no visit.

    Raises
    ------
    BadInput
        For a row with values and without patient or week, or rows of one visit that disagree.
    """
    import polars

    pairs = dict(plan.pairs(frame.columns))
    line = polars.int_range(2, frame.height + 2).alias("line")
    columns = [
        plan.week(theirs, text=True) if ours == "week" else polars.col(theirs).alias(ours)
        for ours, theirs in pairs.items()
    ]
    measured = [name for name in pairs if name not in ("patient", "week")]
    rows = frame.select(line, *columns).filter(~polars.all_horizontal(polars.col(measured).is_null()))
    faults = []
    for ours in ("patient", "week"):
        remedy = _WEEKLESS if ours == "week" else "Every row names its patient."
        found = "no week is known for this row" if ours == "week" else "is empty"
        lines = rows.filter(polars.col(ours).is_null())["line"] if ours in pairs else rows["line"].head(1)
        faults += [Fault(file, at, pairs.get(ours, ours), f"no-{ours}", found, remedy) for at in lines]
    faults += [] if faults else _conflicts(file, rows, measured, pairs)
    if faults:
        raise BadInput(file, many(sorted(faults)))
    grouped = rows.group_by("patient", "week", maintain_order=True)
    visits = grouped.agg(
        polars.col("line").first(), *(polars.col(name).drop_nulls().first() for name in measured)
    )
    return Merged(visits.select(*pairs, *plan.constant(text=True)), visits["line"].to_list())


_WEEKLESS = "Give its event a week in [weeks] of the column map, or fill the column of the week."


def _conflicts(
    file: str, rows: polars.DataFrame, measured: Sequence[str], pairs: Mapping[str, str]
) -> list[Fault]:
    import polars

    remedy = "Rows of one patient and week are merged, so they must agree; give repeats a week of their own."
    faults = []
    for name in measured:
        first = polars.col(name).drop_nulls().first().over("patient", "week")
        lines = rows.filter(polars.col(name) != first)["line"]
        found = "differs from an earlier row of the patient and week"
        faults += [Fault(file, line, pairs[name], "conflict", found, remedy) for line in lines]
    return faults
