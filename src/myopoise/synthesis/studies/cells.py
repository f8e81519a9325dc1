"""Numbers and names out of the cells of a table, with what is wrong told cell by cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.studies.faults import FaultList
from myopoise.synthesis.studies.sheet import Sheet, key

__all__ = ["Names", "alike", "numbers", "positions", "study_names"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = list[str]

_LETTERS_FOR_DIGITS = str.maketrans({"o": "0", "O": "0", "l": "1", "I": "1", "S": "5"})
_MARKS = ("~", "=", "*", "†", "#")
"""A bound, as in ``<5``, is not among them: what it hides is not the number it shows."""
_THOUSANDS = re.compile(r"[1-9]\d{0,2}([.,]\d{3})+")


def numbers(
    sheet: Sheet, column: str, faults: FaultList, study: Sequence[str] = (), *, counts: bool = False
) -> tuple[Floats, NDArray[np.bool_]]:
    """A column of numbers, NaN where there is none, and where something else stands (told already).

    Parameters
    ----------
    sheet, column
        The table and the name of its column.
    faults
        Where cells that are no numbers are told.
    study
        Name of the study of each row, for messages.
    counts
        Whether the column holds whole numbers. Where a comma may be a decimal sign, ``12.000`` patients may be twelve
        thousand or twelve, and are asked about.
    """
    values, wrong = sheet.numbers(column)
    if counts and sheet.decimal_comma:
        cells = sheet.text(column)
        wrong = wrong | np.array([bool(_THOUSANDS.fullmatch(cell.strip())) for cell in cells], dtype=np.bool_)
    if wrong.any():
        text = sheet.text(column)
        for at in faults.places(wrong):
            remedy = "Write a number, or leave the cell empty."
            if meant := _meant(text[at], counts=counts):
                remedy = f"Did you mean {meant}? {remedy}"
            found = f"'{text[at]}' is not a number"
            if study and study[at].strip():
                found = f"study {study[at]}: {found}"
            faults.add(sheet.lines[at], column, "not-a-number", found, remedy)
    return np.where(wrong, np.nan, values), wrong


def _meant(text: str, *, counts: bool) -> str:
    """The number a cell may have meant, or nothing."""
    bare = text.strip()
    if bare.endswith("%") and _is_number(bare[:-1]):
        return f"a count instead of {bare}"
    if _THOUSANDS.fullmatch(bare):
        whole = re.sub("[.,]", "", bare)
        return whole if counts or not _is_number(point := bare.replace(",", ".")) else f"{point} or {whole}"
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d+", bare):
        return bare.replace(".", "").replace(",", ".")
    guesses = (
        bare.replace(",", ".") if bare.count(",") == 1 and "." not in bare else "",
        re.sub(r"[\s,'_]", "", bare),
        bare.strip("".join(_MARKS) + " "),
        bare.translate(_LETTERS_FOR_DIGITS),
        bare.replace("\u2212", "-").replace("–", "-"),
        re.split(r"[\s(/±]", bare)[0],
    )
    return next((guess for guess in guesses if guess != bare and _is_number(guess)), "")


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def study_names(sheet: Sheet, columns: Sequence[str], faults: FaultList, *, distinct: bool = False) -> Names:
    """Name of the study of each row.

    Parameters
    ----------
    sheet
        The table.
    columns
        Columns that may hold the names, the best first; empty for rows that are numbered.
    faults
        Where rows without a name are told, and a note where names were made.
    distinct
        Whether each row is a study of its own, so that a column that tells them apart is better.

    Notes
    -----
    Two trials are often called by the same first author. Where rows of one name carry different years, the years tell
    them apart and become part of the name.
    """
    if not columns:
        faults.notes.append("No column names the studies, so the rows are numbered.")
        return [str(number) for number in range(1, len(sheet) + 1)]
    found = {column: sheet.text(column) for column in columns}
    chosen = columns[0]
    if distinct:
        chosen = next((c for c in columns if len(set(found[c])) == len(sheet)), columns[0])
    names = found[chosen]
    empty = np.array([not name.strip() for name in names])
    for at in faults.places(empty):
        remedy = "Write the name of the study in every row."
        faults.add(sheet.lines[at], chosen, "no-study", "the study has no name", remedy)
    return _with_year(sheet, names, faults)


def _with_year(sheet: Sheet, names: Names, faults: FaultList) -> Names:
    column = sheet.find("year", "pubyear", "publicationyear")
    if column is None:
        return names
    years = sheet.text(column)
    seen: dict[str, set[str]] = {}
    for name, year in zip(names, years, strict=True):
        seen.setdefault(name, set()).add(year)
    several = {name for name, found in seen.items() if len(found) > 1}
    if not several:
        return names
    listed = ", ".join(sorted(several)[:5]) + (", ..." if len(several) > 5 else "")
    faults.notes.append(f"Studies of one name and different years ({listed}) are told apart by their year.")
    return [
        f"{name} {year}".rstrip() if name in several else name
        for name, year in zip(names, years, strict=True)
    ]


def positions(names: Sequence[str], known: dict[str, int]) -> Ints:
    """Position of each name among those met so far; a new one is added at the end.

    Parameters
    ----------
    names
        In order.
    known
        Names met so far with their positions; changed.
    """
    found = np.empty(len(names), dtype=np.int64)
    for at, name in enumerate(names):
        place = known.get(name)
        if place is None:
            place = known[name] = len(known)
        found[at] = place
    return found


def alike(names: Sequence[str], what: str) -> list[str]:
    """A note for each group of names that differ only by case, spaces or punctuation, or by a few letters.

    Parameters
    ----------
    names
        Of treatments or studies.
    what
        What they name: ``treatment`` or ``study``.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_bare(name), []).append(name)
    same = [group for group in groups.values() if len(group) > 1]
    if what == "treatment":
        same += _cut_short([group[0] for group in groups.values()])
    return [
        f"{' and '.join(repr(name) for name in group)} are read as different names. Did you mean one {what}?"
        for group in same
    ]


def _bare(name: str) -> str:
    """Letters and digits; a name of marks alone stays as it is. A plus joins drugs, so it is no punctuation."""
    return "+".join(key(part) for part in name.split("+")) if key(name) else name


def _cut_short(names: Sequence[str]) -> list[list[str]]:
    """Names that are the beginning of exactly one other: PLAC of placebo.

    Only between single words of letters, the short one of four or more: ``SSRI`` is not ``SSRI + CBT``, and ``LABA``
    not ``LABA-ICS``.
    """
    words = {name: name.strip(" .").casefold() for name in names if name.strip(" .").isalpha()}
    found = []
    for name, short in words.items():
        longer = [other for other, long in words.items() if long != short and long.startswith(short)]
        if len(short) >= 4 and len(longer) == 1:
            found.append([name, longer[0]])
    return found
