"""The shape of a CSV or TSV file before any cell is believed: its separator, header, and rows of the wrong width.

A reader that fills up short rows would shift a value into the column of another measure without a word. So the file
is walked through once, as bytes, a block at a time: rows whose cells do not match the header, bytes that are not
UTF-8, and a quotation mark that is never closed are faults with a row; the rows below the last filled one, which a
spreadsheet leaves behind, are not counted. A *record* is a row as a spreadsheet numbers it; it may run over several
lines inside quotation marks.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault
from myopoise.outcomes.files.damage import header_faults, many

__all__ = ["Shape", "shape_of"]

_BLOCK = 1 << 23
"""Bytes looked at together."""
_LONGEST = 1 << 24
"""Bytes after which a record that has not ended is a quotation mark that was not closed."""
_SEPARATORS = ",;\t"
_QUOTE, _END = ord('"'), ord("\n")
_BLANK = b' \t\r\n,;"'
_WHOLE = "Save it as CSV in UTF-8 again."

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """How a text file is laid out.

    Parameters
    ----------
    separator
        What stands between two cells.
    names
        The header, without outer spaces.
    rows
        Rows below the header, up to the last one that holds anything.
    """

    separator: str
    names: tuple[str, ...]
    rows: int


def shape_of(path: Path) -> Shape:
    """The layout of a CSV or TSV file.

    Parameters
    ----------
    path
        The file, which exists.

    Returns
    -------
    shape
        The separator is a tab for a .tsv file, and for others the one of comma, semicolon and tab that the header has
        most of.

    Raises
    ------
    BadInput
        With every row that does not fit the header, or the reason why there is nothing to fit.
    """
    walk = _Walk(path)
    for block in _blocks(walk):
        walk.look_at(block)
    if walk.separator and not walk.faults and not walk.filled:
        walk.add(
            0, "", "no-rows", "there is no row below the header", "Each row is one visit of one patient."
        )
    if walk.faults:
        raise BadInput(path.name, many(walk.faults))
    return Shape(walk.separator, walk.names, walk.filled)


class _Walk:
    """What has been seen of a file so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.separator = ""
        self.names: tuple[str, ...] = ()
        self.seen = 0
        self.filled = 0
        self.faults: list[Fault] = []
        self.lost = False

    def add(self, row: int, column: str, kind: str, found: str, remedy: str) -> None:
        self.faults.append(Fault(self.path.name, row, column, kind, found, remedy))

    def give_up(self, row: int, kind: str, found: str, remedy: str) -> None:
        self.add(row, "", kind, found, remedy)
        self.lost = True

    def look_at(self, block: bytes) -> None:
        """Whole records, the last one ended."""
        if b"\0" in block:
            return self.give_up(0, "bad-encoding", "the file is UTF-16 or not text at all", _WHOLE)
        if not self.separator:
            self._read_header(block)
        if self.lost:
            return None
        ends, separators = _marks(block, ord(self.separator))
        self._check_text(block, ends)
        self._check_widths(block, ends, np.diff(np.searchsorted(separators, ends), prepend=0))
        self._count(block, ends)
        return None

    def _read_header(self, block: bytes) -> None:
        (first, *_), _ = _marks(block, _END)
        try:
            text = block[:first].decode("utf-8-sig")
        except UnicodeDecodeError:
            return self.give_up(1, "bad-encoding", "a byte of the header is not UTF-8", _WHOLE)
        if not text.strip(_BLANK.decode()):
            return self.give_up(1, "no-header", "row 1 is empty", "The names of the columns stand in row 1.")
        tsv = self.path.suffix.lower() == ".tsv"
        self.separator = "\t" if tsv else max(_SEPARATORS, key=_outside_quotes(text).count)
        names = next(csv.reader([text.rstrip("\r")], delimiter=self.separator), [])
        self.names = tuple(name.strip() for name in names)
        self.faults += header_faults(self.path.name, self.names)
        return None

    def _check_text(self, block: bytes, ends: Places) -> None:
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            row = self.seen + 1 + int(np.searchsorted(ends, error.start))
            found = f"byte {block[error.start]:#04x} is not UTF-8"
            self.give_up(row, "bad-encoding", found, "Save the file as CSV in UTF-8.")

    def _check_widths(self, block: bytes, ends: Places, separators: Places) -> None:
        width = len(self.names)
        for place in np.flatnonzero(separators != width - 1):
            record = _record(block, ends, int(place))
            if not record.strip():
                continue
            found = f"{separators[place] + 1} cells where the header has {width}"
            remedy = "Put a cell that holds the separator between quotation marks, and keep empty cells."
            if record.count(b'"'):
                remedy = "Look for a quotation mark that stands astray in this row."
            self.add(self.seen + int(place) + 1, "", "wrong-width", found, remedy)

    def _count(self, block: bytes, ends: Places) -> None:
        place = len(ends) - 1
        while place >= 0 and not _record(block, ends, place).strip(_BLANK):
            place -= 1
        if place >= 0:
            self.filled = self.seen + place
        self.seen += len(ends)


def _blocks(walk: _Walk) -> Iterator[bytes]:
    """The file in whole records, the last one ended by force; until the walk is lost."""
    rest = b""
    with walk.path.open("rb") as file:
        while not walk.lost and (more := file.read(_BLOCK)):
            rest += more
            ends, _ = _marks(rest, _END)
            if len(ends):
                yield rest[: ends[-1] + 1]
                rest = rest[ends[-1] + 1 :]
            elif len(rest) > _LONGEST:
                _endless(walk, rest)
    if walk.lost:
        return
    if walk.seen == 0 and not rest.removeprefix(b"\xef\xbb\xbf").strip():
        walk.give_up(0, "empty-file", "the file is empty", "It starts with the names of the columns.")
    elif rest and (rest.count(_QUOTE) % 2 or b"\r" in rest.rstrip()):
        _endless(walk, rest)
    elif rest:
        yield rest + b"\n"


def _endless(walk: _Walk, rest: bytes) -> None:
    if rest.count(_QUOTE) % 2:
        found = "a quotation mark is not closed between here and the end"
        return walk.give_up(walk.seen + 1, "open-quote", found, "Look for one that stands astray.")
    return walk.give_up(walk.seen + 1, "line-ends", "lines do not end as in a text file", _WHOLE)


def _marks(block: bytes, separator: int) -> tuple[Places, Places]:
    """Places of the ends of records and of separators, those inside quotation marks passed over."""
    letters = np.frombuffer(block, np.uint8)
    ends, separators = letters == _END, letters == separator
    quotes = letters == _QUOTE
    if quotes.any():
        outside = np.bitwise_xor.accumulate(quotes.view(np.uint8)) == 0
        ends &= outside
        separators &= outside
    return np.flatnonzero(ends), np.flatnonzero(separators)


def _record(block: bytes, ends: Places, place: int) -> bytes:
    return block[ends[place - 1] + 1 if place else 0 : ends[place]]


def _outside_quotes(text: str) -> str:
    return "".join(text.split('"')[::2])
