"""Excel workbooks and SAS transport files as they come from the clinic: what is read, and what is refused."""

import datetime
import struct
import zipfile
from pathlib import Path

import polars as pl
import pytest

from myopoise.errors import BadInput
from myopoise.outcomes.files.formats import open_source


def everything(path: Path, size: int = 2) -> list[tuple[object, ...]]:
    return [row for frame in open_source(path).batches(None, size) for row in frame.rows()]


def faults(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(BadInput) as caught:
        list(open_source(path).batches(None, 100))
    assert {fault.file for fault in caught.value.faults} == {path.name}
    return [(fault.row, fault.column, fault.kind) for fault in caught.value.faults]


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    path = tmp_path / "v.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("data")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["patient", "week", "mmt", "seen", "on drug"])
        sheet.write_row(1, 0, ["P1", 0, 5.0])
        sheet.write_datetime(1, 3, datetime.datetime(2024, 3, 1), day)
        sheet.write_boolean(1, 4, True)
        sheet.write_row(3, 0, [" P2 ", 12.5, "n/a"])
        sheet.write_formula(3, 3, "=0.1+0.2", None, 0.1 + 0.2)
        sheet.write_number(3, 4, 1e-7)
        sheet.write_string(6, 0, " ")
        book.add_worksheet("notes").hide()
    return path


def test_excel_gives_the_shortest_text_of_what_it_shows(workbook: Path) -> None:
    assert everything(workbook) == [
        ("P1", "0", "5", "2024-03-01", "1"),
        (None, None, None, None, None),
        ("P2", "12.5", "n/a", "0.3", "0.0000001"),
    ]


@pytest.mark.parametrize("others", [(), ("codes",)])
def test_an_error_of_excel_is_not_read_as_empty(tmp_path: Path, others: tuple[str, ...]) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    with xlsxwriter.Workbook(tmp_path / "v.xlsx") as book:
        for name in (*others, "visits"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["patient", "week"])
            sheet.write_string(1, 0, "P1")
            sheet.write_formula(1 if name == "visits" else 7, 1, "=NA()", None, "#N/A")
    assert faults(tmp_path / "v.xlsx") == [(2, "column B", "error-cell")]


def test_of_several_sheets_the_one_called_visits_is_read_and_none_is_guessed(tmp_path: Path) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    for names in (("Visits", "codes"), ("one", "two")):
        with xlsxwriter.Workbook(tmp_path / f"{names[0]}.xlsx") as book:
            for name in names:
                sheet = book.add_worksheet(name)
                sheet.write_row(0, 0, ["patient", "week"])
                sheet.write_row(1, 0, [name, 0])
    assert everything(tmp_path / "Visits.xlsx") == [("Visits", "0")]
    assert faults(tmp_path / "one.xlsx") == [(0, "", "which-sheet")]


def test_a_workbook_with_a_password_says_so(tmp_path: Path) -> None:
    (tmp_path / "v.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert faults(tmp_path / "v.xlsx") == [(0, "", "encrypted")]


def test_empty_columns_beside_the_table_are_passed_over_and_one_with_cells_needs_a_name(
    tmp_path: Path,
) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    for name, cell in (("beside", " "), ("nameless", "6")):
        with xlsxwriter.Workbook(tmp_path / f"{name}.xlsx") as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, ["patient", "week"])
            sheet.write_row(1, 0, ["P1", 0, cell])
    assert everything(tmp_path / "beside.xlsx") == [("P1", "0")]
    assert faults(tmp_path / "nameless.xlsx") == [(1, "column 3", "no-name")]


def test_a_workbook_that_cannot_be_searched_for_errors_is_refused(workbook: Path) -> None:
    with zipfile.ZipFile(workbook) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/workbook.xml"] += b"<"
    with zipfile.ZipFile(workbook, "w") as book:
        for name, data in parts.items():
            book.writestr(name, data)
    assert faults(workbook) == [(0, "", "not-excel")]


def compound_file(stream: bytes) -> bytes:
    """A compound file of the old Office with one stream, drawn by hand: header, table of sectors, directory."""
    stream = stream.ljust(4096, b"\0")
    last, unused = 0xFFFFFFFE, 0xFFFFFFFF
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6)
    header += bytes(6) + struct.pack("<9I", 0, 1, 1, 0, 4096, last, 0, last, 0)
    header += struct.pack("<109I", 0, *[unused] * 108)
    sectors = [0xFFFFFFFD, last, *range(3, 10), last]
    table = struct.pack("<128I", *sectors, *[unused] * (128 - len(sectors)))

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        letters = f"{name}\0".encode("utf-16-le")
        about = struct.pack("<HBB3I", len(letters), kind, 1, unused, unused, child)
        return letters.ljust(64, b"\0") + about + bytes(36) + struct.pack("<IQ", start, size)

    directory = entry("Root Entry", 5, 1, last, 0) + entry("Workbook", 2, unused, 2, len(stream))
    return header + table + directory.ljust(512, b"\0") + stream


def test_a_workbook_of_the_old_office_is_read(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<4H2I", 0x0600, kind, 0, 0, 0, 6))

    def text(row: int, column: int, letters: str) -> bytes:
        return record(0x0204, struct.pack("<4HB", row, column, 0, len(letters), 0) + letters.encode())

    end, name = record(0x0A, b""), b"visits"
    globals_ = len(begin(5)) + 4 + 8 + len(name) + len(end)
    book = begin(5) + record(0x85, struct.pack("<I4B", globals_, 0, 0, len(name), 0) + name) + end
    number = record(0x0203, struct.pack("<3Hd", 1, 1, 0, 12.5))
    sheet = begin(0x10) + text(0, 0, "patient") + text(0, 1, "week") + text(1, 0, "P1") + number + end
    (tmp_path / "v.xls").write_bytes(compound_file(book + sheet))
    assert everything(tmp_path / "v.xls") == [("P1", "12.5")]


def test_sas_missing_values_are_nothing_and_dates_are_dates(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    path = tmp_path / "v.xpt"
    frame = pl.DataFrame(
        {
            "PATIENT": ["P1", "P2", "P3"],
            "CK": [190.5, 7.0, None],
            "SEEN": [datetime.date(2024, 3, 1), None, None],
        }
    )
    pyreadstat.write_xport(frame, str(path), file_format_version=5, variable_format={"SEEN": "DATE9."})
    data = path.read_bytes()
    place = data.index(b"P2") + 2
    path.write_bytes(data[:place] + b"A" + bytes(7) + data[place + 8 :])  # the number becomes .A
    day = datetime.date(2024, 3, 1)
    assert everything(path) == [("P1", 190.5, day), ("P2", None, None), ("P3", None, None)]
