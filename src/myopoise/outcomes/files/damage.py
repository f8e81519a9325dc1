"""What is wrong with a file as a whole or with its header, whatever its format."""

from __future__ import annotations

from collections import Counter

from myopoise.errors import BadInput, Fault

__all__ = ["check_rows", "damaged", "header_faults", "many"]

_MOST_FAULTS = 100
ROW = "Each row is one visit of one patient."


def damaged(file: str, kind: str, found: str, remedy: str) -> BadInput:
    """The one fault of a file that cannot be read any further.

    Parameters
    ----------
    file
        Name of the file.
    kind, found, remedy
        As in `myopoise.errors.Fault`.
    """
    return BadInput(file, (Fault(file, 0, "", kind, found, remedy),))


def check_rows(file: str, rows: int) -> None:
    """Refuse a table without rows.

    Parameters
    ----------
    file
        Name of the file.
    rows
        How many there are below the header.
    """
    if not rows:
        raise damaged(file, "no-rows", "there is no row below the header", ROW)


def header_faults(file: str, names: tuple[str, ...]) -> list[Fault]:
    """Names of columns that are empty or stand twice.

    Parameters
    ----------
    file
        Name of the file.
    names
        The header.
    """
    faults = [
        Fault(file, 1, f"column {place}", "no-name", "the header is empty", "Name the column, or remove it.")
        for place, name in enumerate(names, 1)
        if not name
    ]
    remedy = "Give each column its own name."
    times = Counter(name for name in names if name)
    return faults + [
        Fault(file, 1, name, "name-twice", f"{count} columns have this name", remedy)
        for name, count in times.items()
        if count > 1
    ]


def many(faults: list[Fault]) -> tuple[Fault, ...]:
    """The faults to show: all, or the first hundred and how many more there are.

    Parameters
    ----------
    faults
        At least one.
    """
    if len(faults) <= _MOST_FAULTS:
        return tuple(faults)
    more = len(faults) - _MOST_FAULTS
    last = Fault(
        faults[0].file, 0, "", "more-faults", f"{more} more faults", "Repair the first ones and try again."
    )
    return (*faults[:_MOST_FAULTS], last)
