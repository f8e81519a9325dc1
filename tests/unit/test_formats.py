"""Files of visits: every format says the same, and damage is told in one message without a value."""

import csv
import sys
from pathlib import Path

import polars as pl
import pytest

from myopoise.errors import BadInput, MissingComponent, WrongUsage
from myopoise.outcomes.files import delimited
from myopoise.outcomes.files.formats import open_source

HEADER = ("patient", "week", "mmt", "site")
ROWS = [("P1", "0", "5.", "A"), ("P1", "12", "4,5", None), ("P2", "0", "n/a", "B;C")]


def everything(path: Path, size: int = 2) -> list[tuple[object, ...]]:
    return [row for frame in open_source(path).batches(None, size) for row in frame.rows()]


def text_file(path: Path, separator: str = ",", end: str = "\n", start: str = "", tail: str = "") -> Path:
    quoted = ['"' + cell + '"' if cell and separator in cell else cell or "" for row in ROWS for cell in row]
    lines = [separator.join(quoted[place : place + 4]) for place in range(0, len(quoted), 4)]
    path.write_text(
        start + end.join([separator.join(HEADER), *lines]) + end + tail, encoding="utf-8", newline=""
    )
    return path


def faults(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(BadInput) as caught:
        list(open_source(path).batches(None, 100))
    assert {fault.file for fault in caught.value.faults} == {path.name}
    return [(fault.row, fault.column, fault.kind) for fault in caught.value.faults]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("name", "separator"), [("v.csv", ","), ("v.csv", ";"), ("v.tsv", "\t"), ("v.CSV", "\t")]
)
def test_cells_come_as_written(tmp_path: Path, end: str, start: str, name: str, separator: str) -> None:
    path = text_file(tmp_path / name, separator, end, start, tail=end + separator * 3 + end)
    source = open_source(path)
    assert (source.name, source.columns) == (name, HEADER)
    assert everything(path) == ROWS
    second = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter=separator))
    assert [[cell or "" for cell in row] for row in everything(path)] == second[1:4]


def test_cells_are_stripped_and_quotation_marks_may_hold_lines(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text('"patient" , week,"a\nnote"\n P1 ,0,"one\ntwo, ""three"""\nP2,  ,""\n', encoding="utf-8")
    assert everything(path) == [("P1", "0", 'one\ntwo, "three"'), ("P2", None, None)]


def test_an_empty_line_between_rows_keeps_the_numbers_of_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("patient,week\nP1,0\n\nP2,0\n", encoding="utf-8")
    assert everything(path) == [("P1", "0"), (None, None), ("P2", "0")]


def test_only_the_columns_asked_for_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    source = open_source(text_file(tmp_path / "v.csv"))
    (frame,) = source.batches(("site", "patient"), 100)
    assert frame.columns == ["patient", "site"]
    with pytest.raises(WrongUsage, match="Did you mean week"):
        list(source.batches(("weeks",), 100))


@pytest.mark.parametrize("block", [7, 64, 1 << 23])
def test_rows_of_the_wrong_width_are_all_found_however_the_file_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(delimited, "_BLOCK", block)
    path = tmp_path / "v.csv"
    path.write_text('patient,week,mmt\nP1,0\nP1,"1\n2",3\nP2,0,4,5\nP3,1,2\n', encoding="utf-8")
    assert faults(path) == [(2, "", "wrong-width"), (4, "", "wrong-width")]
    path.write_text('patient,week,mmt\nP1,0,1\nP1,"1\n2,3\nP2,0,4\n', encoding="utf-8")
    assert faults(path) == [(3, "", "open-quote")]


@pytest.mark.parametrize(
    ("row", "advice"), [("P1,0,4,5", "Put a cell that holds the separator"), ('P1,0,"4",5', "stands astray")]
)
def test_a_row_of_the_wrong_width_is_told_with_what_to_look_for(
    tmp_path: Path, row: str, advice: str
) -> None:
    path = tmp_path / "v.csv"
    path.write_text(f"patient,week,mmt\n{row}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=f"row 2: 4 cells where the header has 3. .*{advice}"):
        open_source(path)


def test_rows_of_the_wrong_width_are_told_together_with_what_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_bytes(b'patient,week,mmt\nP1,0\nP1,"1\n2",3\nP2,0,\xf6\nP3\n')
    assert faults(path) == [(2, "", "wrong-width"), (4, "", "bad-encoding")]


@pytest.mark.parametrize("row", ['"","",""', ",", " ", ""])
def test_empty_rows_at_the_end_are_passed_over_however_they_are_written(tmp_path: Path, row: str) -> None:
    path = tmp_path / "v.csv"
    path.write_text(f'"patient","week","mmt"\n"P1","0","5"\n{row}\n{row}\n', encoding="utf-8")
    assert everything(path) == [("P1", "0", "5")]


def test_a_byte_that_is_not_utf8_is_found_in_its_row(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_bytes("patient,week,site\nP1,0,A\nP2,0,Malmö\n".encode("latin-1"))
    assert faults(path) == [(3, "", "bad-encoding")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", (0, "", "empty-file")),
        (b"\xef\xbb\xbf \n", (0, "", "no-header")),
        (b"\xef\xbb\xbf", (0, "", "no-header")),
        (b"a" * 200_000, (0, "", "no-header")),
        (b"patient,week\n", (0, "", "no-rows")),
        (b"patient,week\n,\n\n", (0, "", "no-rows")),
        (b"patient,week\rP1,0\rP2,0\r", (0, "", "line-ends")),
        ("patient,week\nP1,0\n".encode("utf-16"), (0, "", "bad-encoding")),
        (b"patient,,week\nP1,0,1\n", (1, "column 2", "no-name")),
        (b"patient,week, week\nP1,0,1\n", (1, "week", "name-twice")),
    ],
)
def test_a_file_that_is_no_table_gives_one_clear_fault(tmp_path: Path, data: bytes, expected: tuple) -> None:
    path = tmp_path / "v.csv"
    path.write_bytes(data)
    ((row, column, kind),) = faults(path)
    assert (kind, column) == (expected[2], expected[1])
    assert row == expected[0]


def test_many_faults_are_cut_short_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("patient,week\n" + "P1\n" * 150, encoding="utf-8")
    found = faults(path)
    assert len(found) == 101
    assert found[-1] == (0, "", "more-faults")


def test_what_is_held_is_what_has_a_cell_that_is_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("patient,week,ck,mmt,haq\nP1,0,,  ,\nP2,0,,,n/a\n", encoding="utf-8")
    assert open_source(path).held(("ck", "mmt", "haq", "cmas")) == {"haq"}
    frame = pl.DataFrame(
        {"ck": [None, float("nan")], "mmt": [None, 0.0], "haq": [None, None], "note": ["", " "]}
    )
    frame.write_parquet(tmp_path / "v.parquet")
    assert open_source(tmp_path / "v.parquet").held(frame.columns) == {"mmt"}


# --- Parquet ----------------------------------------------------------------------------------------------


def test_parquet_keeps_types_and_comes_in_pieces(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"patient": list(range(2500)), "week": [0.5] * 2500, "site": ["A"] * 2500})
    pyarrow.parquet.write_table(table, tmp_path / "v[1].parquet", row_group_size=1000)
    source = open_source(tmp_path / "v[1].parquet")
    frames = list(source.batches(("week", "patient"), 700))
    assert max(frame.height for frame in frames) <= 700
    whole = pl.concat(frames)
    assert whole.schema == {"patient": pl.Int64, "week": pl.Float64}
    assert whole["patient"].to_list() == list(range(2500))


def test_a_parquet_file_with_an_empty_row_group_gives_no_empty_piece(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"patient": ["P1", "P2"]})
    with pyarrow.parquet.ParquetWriter(tmp_path / "v.parquet", table.schema) as writer:
        for piece in (table[:1], table[:0], table[1:]):
            writer.write_table(piece)
    frames = list(open_source(tmp_path / "v.parquet").batches(None, 9))
    assert pl.concat(frames).rows() == [("P1",), ("P2",)]
    assert all(frame.height for frame in frames)


def test_a_parquet_column_without_a_name_is_a_fault(tmp_path: Path) -> None:
    pl.DataFrame({"patient": ["P1"], "": [0]}).write_parquet(tmp_path / "v.parquet")
    assert faults(tmp_path / "v.parquet") == [(1, "column 2", "no-name")]


def test_a_file_damaged_in_the_middle_is_told_without_a_value(tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    pl.DataFrame({"patient": ["Anna"] * 5000, "week": range(5000)}).write_parquet(path)
    data = path.read_bytes()
    path.write_bytes(data[:4] + b"Anna" * 500 + data[2004:])
    source = open_source(path)
    with pytest.raises(BadInput) as caught:
        list(source.batches(None, 100))
    assert [fault.kind for fault in caught.value.faults] == ["unreadable-file"]
    assert "Anna" not in str(caught.value)


# --- any file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".parquet", ".xpt"])
@pytest.mark.parametrize("data", [b"", b"not what it says", b"PK\x03\x04 cut", b"PAR1 cut PAR1"])
def test_a_damaged_file_is_told_in_one_fault(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"v{suffix}"
    path.write_bytes(data)
    assert len(faults(path)) == 1


def test_an_unknown_suffix_names_the_known_ones_and_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"\.csv, \.tsv, \.parquet, \.xlsx, \.xls, \.xpt"):
        open_source(tmp_path / "v.sav")
    with pytest.raises(WrongUsage, match="does not exist"):
        open_source(tmp_path / "v.csv")
    (tmp_path / "w.csv").mkdir()
    with pytest.raises(WrongUsage, match="cannot be read"):
        open_source(tmp_path / "w.csv")


@pytest.mark.parametrize(
    ("suffix", "package", "extra"),
    [
        (".xlsx", "python_calamine", "excel"),
        (".xls", "python_calamine", "excel"),
        (".xpt", "pyreadstat", "sas"),
    ],
)
def test_a_missing_reader_is_named(tmp_path, monkeypatch, suffix: str, package: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / f"v{suffix}").write_bytes(b"x")
    with pytest.raises(MissingComponent, match=rf"pip install 'myopoise\[{extra}\]'"):
        open_source(tmp_path / f"v{suffix}")
