"""What one column of an evidence table may hold, and how a cell of it is read and written.

A column is declared once, as the annotation of a field in `myopoise.evidence.tables`. The same declaration reads
and validates the cells, writes the data dictionary and generates the test cases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin, get_type_hints

__all__ = ["CellFault", "Column", "Holds", "PrintedNumber", "columns_of", "printed", "read_cell"]

_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NOT_A_NUMBER = {"nan", "inf", "infinity", "na", "n/a", "nr", "none", "null", "-", "?"}


class Holds(StrEnum):
    """What a cell of the column holds once read."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    LIST = "list"


_HOLDS = {
    str: Holds.TEXT,
    int | None: Holds.WHOLE,
    int: Holds.WHOLE,
    float | None: Holds.NUMBER,
    tuple[str, ...]: Holds.LIST,
}


class PrintedNumber(float):
    """A number that remembers the digits it was printed with.

    Notes
    -----
    A source that prints 96.0 says more about its precision than one that prints 96. The number computes like any
    other; writing the tables gives the digits back, so that an export equals its source byte for byte.
    """

    __slots__ = ("digits",)

    digits: str

    def __new__(cls, digits: str | float) -> PrintedNumber:
        """The number that `digits` spell."""
        number = super().__new__(cls, digits)
        number.digits = str(digits)
        return number


@dataclass(frozen=True)
class Column:
    """One column: what it means and what it may hold.

    Parameters
    ----------
    meaning
        The meaning in words.
    unit
        Unit of a number, in words.
    low, high
        Smallest and largest number allowed, in `unit`.
    until_now
        Whether the number is a year that may not lie in the future.
    codes
        Field of the vocabulary the codes come from; empty for free text.
    refers
        Table whose key the text names: ``studies`` or ``arms``; empty for anything else.
    also
        A word allowed besides the ids the column refers to.
    required
        Whether an empty cell is a fault.
    key
        Whether the column is part of the key of its table.
    pattern, shape
        Regular expression the whole text must match, and the same in words.
    name, holds
        Name of the column and what its cells hold; filled in from the field the declaration annotates.
    """

    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    until_now: bool = False
    codes: str = ""
    refers: str = ""
    also: str = ""
    required: bool = False
    key: bool = False
    pattern: str = ""
    shape: str = ""
    name: str = ""
    holds: Holds = Holds.TEXT

    @cached_property
    def joined(self) -> bool:
        """Whether a cell holds several codes or ids joined by ``+``."""
        return self.holds is Holds.LIST

    @cached_property
    def empty(self) -> Any:
        """What an empty cell is read as."""
        if self.joined:
            return ()
        return "" if self.holds is Holds.TEXT else None

    @property
    def allowed(self) -> str:
        """What a cell may hold, in words."""
        if self.codes:
            words = f"codes of the vocabulary field {self.codes}, joined by +" if self.joined else ""
            return words or f"a code of the vocabulary field {self.codes}"
        if self.refers:
            noun = {"studies": "study_id", "arms": "arm_id"}[self.refers]
            words = f"{noun} of {self.refers}.csv"
            words += f", or {self.also}" if self.also else ""
            return f"{words}, joined by +" if self.joined else words
        if self.holds is Holds.TEXT:
            return self.shape or "text"
        return f"a {self.holds}{self._range}"

    @property
    def _range(self) -> str:
        high = "this year" if self.until_now else _short(self.high)
        if self.low is not None and high:
            return f" from {_short(self.low)} to {high}"
        if self.low is not None:
            return f", {_short(self.low)} or more"
        return f", at most {high}" if high else ""


@dataclass(frozen=True)
class CellFault:
    """Why a cell cannot be read: the kind of fault, what was found, what is allowed and what to do."""

    kind: str
    found: str
    remedy: str


def columns_of(row_type: type) -> tuple[Column, ...]:
    """The columns a row type declares, in the order of the file.

    Parameters
    ----------
    row_type
        A dataclass whose every field is annotated with a `Column`.

    Returns
    -------
    columns
        The declarations, each with its name and what it holds filled in.
    """
    columns = []
    for name, hint in get_type_hints(row_type, include_extras=True).items():
        if get_origin(hint) is Annotated:
            kind, column = get_args(hint)
            columns.append(replace(column, name=name, holds=_HOLDS[kind]))
    return tuple(columns)


def read_cell(column: Column, text: str, this_year: int) -> Any:
    """What the text of a cell says, or the fault that keeps it from saying anything.

    Parameters
    ----------
    column
        Declaration of the column.
    text
        The cell, without outer spaces.
    this_year
        The year no publication can lie after.

    Returns
    -------
    value
        ``str``, ``int``, ``float``, a tuple of ``str``, ``None`` for an empty number, or a `CellFault`.
        Codes and ids are not looked up here.
    """
    if not text:
        if column.required:
            return CellFault("empty-cell", "the cell is empty", f"Give {column.allowed}")
        return column.empty
    if column.joined:
        return _read_list(column, text)
    if column.holds is Holds.TEXT:
        if column.pattern and not re.fullmatch(column.pattern, text):
            return CellFault("wrong-form", f"'{_clip(text)}'", f"Must be {column.shape}")
        return text
    return _read_number(column, text, this_year)


def printed(value: object) -> str:
    """The text of a cell that reads back as `value`."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "+".join(value)
    if isinstance(value, PrintedNumber):
        return value.digits
    return _short(value) if isinstance(value, float) else str(value)


def _read_list(column: Column, text: str) -> tuple[str, ...] | CellFault:
    parts = tuple(text.split("+"))
    if any(part != part.strip() or not part for part in parts):
        return CellFault(
            "wrong-form", f"'{_clip(text)}'", "Join the parts by one + without spaces, as in dm+pm"
        )
    repeated = [part for part in dict.fromkeys(parts) if parts.count(part) > 1]
    if repeated:
        return CellFault("repeated-part", f"'{_clip(text)}' names {repeated[0]} twice", "Name each part once")
    return parts


def _read_number(column: Column, text: str, this_year: int) -> float | int | CellFault:
    if not _NUMBER.fullmatch(text):
        return CellFault(
            "not-a-number", f"'{_clip(text)}' is not a number", f"Give {column.allowed}{_hint(text)}"
        )
    if column.holds is Holds.WHOLE and not _WHOLE.fullmatch(text):
        return CellFault("not-whole", f"'{text}' is not a whole number", f"Give {column.allowed}")
    number = int(text) if column.holds is Holds.WHOLE else float(text)
    if number in (float("inf"), float("-inf")):
        return CellFault("not-a-number", f"'{_clip(text)}' is not finite", f"Give {column.allowed}")
    if column.until_now and number > this_year:
        return CellFault(
            "future-year",
            f"the year {text} lies in the future",
            f"Give the year of publication, {this_year} at the latest, or leave the cell empty",
        )
    if (column.low is not None and number < column.low) or (column.high is not None and number > column.high):
        return CellFault("out-of-range", f"{text} is out of range", f"Give {column.allowed}")
    if column.holds is Holds.WHOLE:
        return number
    return number if _short(number) == text else PrintedNumber(text)


def _hint(text: str) -> str:
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", text):
        return f", with a point: {text.replace(',', '.')}"
    if text.casefold() in _NOT_A_NUMBER:
        return ", or leave the cell empty when the number is not reported"
    if text.endswith("%"):
        return ", without the % sign"
    return ""


def _short(number: float | None) -> str:
    if number is None:
        return ""
    return repr(float(number)).removesuffix(".0")


def _clip(text: str, length: int = 40) -> str:
    words = " ".join(text.split())
    return words if len(words) <= length else words[: length - 1] + "…"
