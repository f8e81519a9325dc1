"""Files of visits and scores: every format says the same, damage is told in one message, nothing is half written."""

import csv
import datetime
import sys
import zipfile
from pathlib import Path

import polars as pl
import pytest

from myopoise.errors import BadInput, MissingComponent, WrongUsage
from myopoise.outcomes.files import delimited
from myopoise.outcomes.files.formats import open_sink, open_source

HEADER = ("patient", "week", "mmt", "site")
ROWS = [("P1", "0", "5.", "A"), ("P1", "12", "4,5", None), ("P2", "0", "n/a", "B;C")]
SCORES = pl.DataFrame(
    {
        "patient": ["P1", "P1", "P2"],
        "week": [12.0, 24.5, 12.0],
        "definition": ["acr-eular-2016-adult"] * 3,
        "score": [17.5, 20.0, None],
        "category": ["none", "minimal", None],
    }
)


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


# --- text -------------------------------------------------------------------------------------------------


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


# --- Parquet, Excel, SAS ----------------------------------------------------------------------------------


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


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".parquet", ".xpt"])
@pytest.mark.parametrize("data", [b"", b"not what it says", b"PK\x03\x04 cut", b"PAR1 cut PAR1"])
def test_a_damaged_file_is_told_in_one_fault(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"v{suffix}"
    path.write_bytes(data)
    assert len(faults(path)) == 1


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
def test_a_file_cut_short_is_told_in_one_fault(tmp_path: Path, suffix: str, cut: float) -> None:
    path = tmp_path / f"v{suffix}"
    with open_sink(path) as sink:
        sink.write(SCORES)
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
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


# --- sinks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ".xpt"])
def test_the_same_rows_give_the_same_bytes_in_whatever_pieces(tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in ("one", "two")]
    for path, size in zip(paths, (3, 1), strict=True):
        with open_sink(path) as sink:
            for piece in SCORES.iter_slices(size):
                sink.write(piece)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_csv_has_the_shortest_decimals_and_nothing_for_nothing(tmp_path: Path) -> None:
    with open_sink(tmp_path / "s.csv") as sink:
        sink.write(SCORES.drop("definition").with_columns(more=pl.Series([float("nan"), 1e6, -0.5])))
    assert (tmp_path / "s.csv").read_bytes() == (
        b"patient,week,score,category,more\nP1,12,17.5,none,\nP1,24.5,20,minimal,1000000\nP2,12,,,-0.5\n"
    )


def test_scores_written_are_read_back_by_other_libraries(tmp_path: Path) -> None:
    pandas, calamine = pytest.importorskip("pandas"), pytest.importorskip("python_calamine")
    import pyarrow.parquet

    for suffix in (".csv", ".parquet", ".xlsx"):
        with open_sink(tmp_path / f"s{suffix}") as sink:
            sink.write(SCORES)
    assert pyarrow.parquet.read_table(tmp_path / "s.parquet").to_pylist() == SCORES.to_dicts()
    text = pandas.read_csv(tmp_path / "s.csv").astype(object)
    assert text.where(text.notna(), None).to_dict("records") == SCORES.to_dicts()
    sheet = calamine.CalamineWorkbook.from_path(tmp_path / "s.xlsx").get_sheet_by_name("scores")
    cells = [[None if cell == "" else cell for cell in row] for row in sheet.to_python()]
    assert cells == [SCORES.columns, *map(list, SCORES.rows())]
    with zipfile.ZipFile(tmp_path / "s.xlsx") as book:
        assert 'state="frozen"' in book.read("xl/worksheets/sheet1.xml").decode()
        assert "2000-01-01T00:00:00Z" in book.read("docProps/core.xml").decode()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ".xpt"])
def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"s{suffix}"
    path.write_text("older")

    def write_and_fail() -> None:
        with open_sink(path) as sink:
            sink.write(SCORES)
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        write_and_fail()
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_parquet_writer_that_breaks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", full)

    def write() -> None:
        with open_sink(tmp_path / "s.parquet") as sink:
            for _ in range(5):
                sink.write(SCORES)

    with pytest.raises(WrongUsage, match="No space left"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_that_would_be_too_long_points_to_parquet(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    long = pl.DataFrame({"patient": pl.int_range(1_048_576, eager=True)})
    with (
        pytest.raises(WrongUsage, match=r"1,048,575 rows.*\.parquet"),
        open_sink(tmp_path / "s.xlsx") as sink,
    ):
        sink.write(long)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("s.sav", r"\.csv, \.parquet"), ("no/s.csv", "not a folder"), ("d.csv", "is a folder")],
)
def test_a_place_that_cannot_be_written_to_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(WrongUsage, match=message), open_sink(tmp_path / name):
        pass


@pytest.mark.parametrize(
    ("suffix", "package", "extra"), [(".xlsx", "xlsxwriter", "excel"), (".xpt", "pyreadstat", "sas")]
)
def test_a_missing_writer_is_named_and_nothing_is_written(
    tmp_path, monkeypatch, suffix, package, extra
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with (
        pytest.raises(MissingComponent, match=rf"pip install 'myopoise\[{extra}\]'"),
        open_sink(tmp_path / f"s{suffix}"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
