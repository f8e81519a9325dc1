"""The shape of a CSV or TSV file before any cell is believed: its separator, header, and rows of the wrong width.

polars fills up a row that is too short, and so shifts a value into the column of another measure without a word. So the
file is walked through once, as bytes, a block at a time: rows whose cells do not match the header, bytes that are not
UTF-8, and a quotation mark that is never closed are faults with a row; the rows below the last filled one, which a
spreadsheet leaves behind, are not counted. A *record* is a row as a spreadsheet numbers it; it may run over several
lines inside quotation marks.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from myopoise.errors import BadInput, Fault
from myopoise.outcomes.files.damage import check_rows, damaged, header_faults, many

__all__ = ["Shape", "shape_of"]

_BLOCK = 1 << 20
"""Bytes looked at together."""
_LONGEST = 1 << 24
"""Bytes after which the end of a line or of a quotation is not waited for any more."""
_SEPARATORS = ",;\t"
_BLANK = b" \t\r\n,;"
_WHOLE = "Save it as CSV in UTF-8 again."


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
        The file, which is not empty.

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
    separator = ""
    names: tuple[str, ...] = ()
    faults: list[Fault] = []
    seen = filled = 0
    for block in _blocks(path):
        records = _outside(block).removesuffix(b"\n").split(b"\n")
        if not seen:
            separator, names = _header(path, block, records[0])
            faults = header_faults(path.name, names)
        if unreadable := _unreadable(path.name, block, seen):
            faults.append(unreadable)
            records = records[: unreadable.row - seen - 1]
        faults += _widths(path.name, records, separator, len(names), seen)
        last = next((at for at in reversed(range(len(records))) if records[at].strip(_BLANK)), None)
        filled = filled if last is None else seen + last
        seen += len(records)
        if unreadable:
            break
    if faults:
        raise BadInput(path.name, many(sorted(faults)))
    check_rows(path.name, filled)
    return Shape(separator, names, filled)


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in whole records, without the mark of UTF-8 at its start."""
    with path.open("rb") as file:
        block = _lines(file).removeprefix(b"\xef\xbb\xbf") or b"\n"
        while block:
            while _is_open(block) and len(block) < _LONGEST and (more := _lines(file)):
                block += more
            yield block
            block = _lines(file)


def _lines(file: IO[bytes]) -> bytes:
    return file.read(_BLOCK) + file.readline(_LONGEST)


def _is_open(block: bytes) -> bool:
    return block.count(b'"') % 2 == 1


def _outside(block: bytes) -> bytes:
    """The block without what stands between quotation marks: each line of it is a record."""
    if b'"' not in block:
        return block
    letters = np.frombuffer(block.replace(b'""', b""), np.uint8)
    return letters[~np.bitwise_xor.accumulate(letters == ord('"'))].tobytes()


def _header(path: Path, block: bytes, record: bytes) -> tuple[str, tuple[str, ...]]:
    if b"\0" in block:
        raise damaged(path.name, "bad-encoding", "the file is UTF-16 or not text at all", _WHOLE)
    if b"\r" in record.rstrip(b"\r"):
        raise damaged(path.name, "line-ends", "lines do not end as in a text file", _WHOLE)
    if not record.strip(_BLANK):
        raise damaged(path.name, "no-header", "row 1 is empty", "The names of the columns stand in row 1.")
    tsv = path.suffix.lower() == ".tsv"
    separator = "\t" if tsv else max(_SEPARATORS, key=lambda mark: record.count(mark.encode()))
    text = io.StringIO(block.decode("utf-8", "replace"), newline="")
    try:
        names = next(csv.reader(text, delimiter=separator))
    except csv.Error:  # a cell of more than 131,072 letters
        raise damaged(path.name, "no-header", "row 1 holds no names of columns", _WHOLE) from None
    return separator, tuple(name.strip() for name in names)


def _unreadable(file: str, block: bytes, seen: int) -> Fault | None:
    """From where on the block cannot be read, if it cannot."""
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        place, kind = error.start, "bad-encoding"
        found, remedy = f"byte {block[place]:#04x} is not UTF-8", "Save the file as CSV in UTF-8."
    else:
        if not _is_open(block):
            return None
        place, kind = block.rindex(b'"'), "open-quote"
        found = "a quotation mark is not closed between here and the end"
        remedy = "Look for one that stands astray."
    return Fault(file, seen + 1 + _outside(block[:place]).count(b"\n"), "", kind, found, remedy)


def _widths(file: str, records: list[bytes], separator: str, width: int, seen: int) -> Iterator[Fault]:
    """Records with more or fewer cells than the header; a short one that is empty can shift nothing."""
    mark = separator.encode()
    counts = [record.count(mark) + 1 for record in records]
    if counts.count(width) == len(counts):
        return
    for row, (record, count) in enumerate(zip(records, counts, strict=True), seen + 1):
        if count > width or (count < width and record.strip(_BLANK)):
            remedy = "Put a cell that holds the separator between quotation marks, and keep empty cells."
            if b'"' in record:
                remedy = "Look for a quotation mark that stands astray in this row."
            found = f"{count} cells where the header has {width}"
            yield Fault(file, row, "", "wrong-width", found, remedy)
