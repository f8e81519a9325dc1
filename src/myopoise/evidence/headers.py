"""Which column of a file holds which column of the table, when names may be misspelt, lost or doubled.

A name that is wrong but stands for a column is one fault, not an unknown column and a missing one; the cells below it
are still read as that column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from myopoise.errors import Fault
from myopoise.evidence.tables import Table

__all__ = ["Header", "read_header"]

_BAD_BYTE = "�"


@dataclass(frozen=True)
class Header:
    """Where the columns of the table stand in the file.

    Parameters
    ----------
    readable
        Whether enough names were recognised to read the rows.
    width
        Number of cells of a row.
    places
        Index in the row of each column found, by name of the column.
    doubtful
        Columns that are missing or doubled.
    guessed
        Columns read from below a wrong name.
    """

    readable: bool
    width: int = 0
    places: Mapping[str, int] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    guessed: tuple[str, ...] = ()


def read_header(table: Table, names: Sequence[str], widths: Sequence[int]) -> tuple[Header, list[Fault]]:
    """Where each column stands, and what is wrong with the names.

    Parameters
    ----------
    table
        The table whose columns are sought. Their order in the file does not matter.
    names
        First row of the file.
    widths
        Number of cells of each further row.

    Returns
    -------
    header, faults
        A header that is not `readable` comes with exactly one fault.
    """
    names = [name.strip() for name in names]
    expected = [column.name for column in table.columns]
    if fault := _lost(table, names, expected, widths):
        return Header(readable=False), [fault]
    missing = [name for name in expected if name not in names]
    strange = [place for place, name in enumerate(names) if name not in expected]
    doubled = [place for place, name in enumerate(names) if name in expected and name in names[:place]]
    faults: list[Fault] = []
    places = {name: names.index(name) for name in expected if name in names}
    doubtful: set[str] = set()
    guessed: list[str] = []
    for place in doubled:
        name = names[place]
        right, other = _told_apart(name, names, place, expected)
        meant = _meant(other, name, missing, expected, close=False)
        faults.append(_doubled(table, name, meant))
        if meant:
            missing.remove(meant)
        if meant and expected[right : right + 1] == [name]:
            places |= {name: right, meant: other}
            guessed.append(meant)
        else:
            doubtful |= {name, meant} - {""}
    for place in strange:
        meant = _meant(place, names[place], missing, expected, close=True)
        if _BAD_BYTE not in names[place]:
            faults.append(_strange(table, names[place], meant, expected))
        if meant:
            missing.remove(meant)
            places[meant] = place
            guessed.append(meant)
    faults += [_missing(table, name) for name in missing]
    header = Header(True, len(names), places, frozenset(doubtful | set(missing)), tuple(guessed))
    return header, faults


def _lost(table: Table, names: list[str], expected: list[str], widths: Sequence[int]) -> Fault | None:
    """The one fault of a header that cannot be used at all."""
    wanted = f"Row 1 must be {','.join(expected[:3])},… ({len(expected)} names)."
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and names[0].split(mark)[0].strip('"') in expected:
            return _fault(
                table, "", "wrong-separator", f"cells are separated by {word}", "Save as CSV with commas."
            )
    known = sum(name in expected for name in names)
    if 2 * known < len(expected):
        return _fault(table, "", "no-header", f"{known} of {len(expected)} column names were found", wanted)
    astray = [width for width in widths if width != len(names)]
    if 2 * len(astray) > len(widths) > 1 and 2 * astray.count(astray[0]) > len(widths):
        found = f"{len(names)} names stand over rows of {astray[0]} cells"
        lacking = [name for name in expected if name not in names]
        remedy = f"Add the name {lacking[0]} to row 1." if lacking else "Give each column one name in row 1."
        return _fault(table, "", "wrong-width", found, remedy)
    return None


def _told_apart(name: str, names: list[str], place: int, expected: list[str]) -> tuple[int, int]:
    """Of two columns of one name, the one in its usual place, then the other."""
    first = names.index(name)
    return (place, first) if expected.index(name) == place else (first, place)


def _meant(place: int, name: str, missing: list[str], expected: list[str], *, close: bool) -> str:
    """The missing column a wrong name stands for: the one it resembles, else the one whose place it takes."""
    if close and (near := get_close_matches(name.casefold(), missing, n=1, cutoff=0.75)):
        return near[0]
    if place < len(expected) and expected[place] in missing:
        return expected[place]
    return missing[0] if len(missing) == 1 else ""


def _doubled(table: Table, name: str, meant: str) -> Fault:
    remedy = f"One of them probably is {meant}: correct its name." if meant else "Keep one of them."
    return _fault(table, name, "doubled-column", "the header names it twice", remedy)


def _strange(table: Table, name: str, meant: str, expected: list[str]) -> Fault:
    found = f"'{name}' is not a column of {table.name}" if name else "a column has no name"
    if meant:
        return _fault(
            table, name, "unknown-column", found, f"Did you mean {meant}? Correct the name in row 1."
        )
    near = get_close_matches(name.casefold(), expected, n=1)
    hint = f"There is {near[0]} already. " if near else ""
    return _fault(
        table, name, "unknown-column", found, f"{hint}Remove the column, or move its text to notes."
    )


def _missing(table: Table, name: str) -> Fault:
    column = next(column for column in table.columns if column.name == name)
    cells = f"each cell needs {column.allowed}" if column.required else "its cells may be empty"
    remedy = f"Add it ({column.meaning}); {cells}."
    return _fault(table, name, "missing-column", "the column is missing", remedy)


def _fault(table: Table, column: str, kind: str, found: str, remedy: str) -> Fault:
    return Fault(table.file, 1, column, kind, found, remedy)
