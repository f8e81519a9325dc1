"""Tables written a piece at a time: nothing is half written, and the same rows give the same bytes."""

import sys
import zipfile
from pathlib import Path

import polars as pl
import pytest

from myopoise.errors import BadInput, MissingComponent, WrongUsage
from myopoise.outcomes.files.formats import open_source
from myopoise.outcomes.files.sinks import open_sink

SCORES = pl.DataFrame(
    {
        "patient": ["P1", "P1", "P2"],
        "week": [12.0, 24.5, 12.0],
        "definition": ["acr-eular-2016-adult"] * 3,
        "score": [17.5, 20.0, None],
        "category": ["none", "minimal", None],
    }
)


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


def test_yes_and_no_are_written_to_csv_as_they_are_read_from_excel(tmp_path: Path) -> None:
    with open_sink(tmp_path / "s.csv") as sink:
        sink.write(pl.DataFrame({"patient": ["P1", "P2", "P3"], "fulfilled": [True, False, None]}))
    assert (tmp_path / "s.csv").read_text() == "patient,fulfilled\nP1,1\nP2,0\nP3,\n"


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


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ".xpt"])
def test_a_sink_that_is_never_written_to_makes_no_file(tmp_path: Path, suffix: str) -> None:
    with open_sink(tmp_path / f"s{suffix}"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = pytest.importorskip("xlsxwriter.workbook")
    close = workbook.Workbook.close

    def full(book: object) -> None:
        close(book)
        raise workbook.FileCreateError(OSError(28, "No space left on device"))

    monkeypatch.setattr(workbook.Workbook, "close", full)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_under_a_workbook_is_told_in_one_sentence(tmp_path: Path) -> None:
    message = r"Cannot write .*s.xlsx: No space left on device\.$"
    with pytest.raises(WrongUsage, match=message), open_sink(tmp_path / "s.xlsx") as sink:
        sink.write(SCORES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("full_disk")
def test_what_failed_first_is_told_even_where_the_workbook_cannot_be_closed(tmp_path: Path) -> None:
    with pytest.raises(AttributeError), open_sink(tmp_path / "s.xlsx") as sink:
        sink.write(None)
    assert list(tmp_path.iterdir()) == []


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


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
def test_a_file_cut_short_is_told_in_one_fault(tmp_path: Path, suffix: str, cut: float) -> None:
    path = tmp_path / f"v{suffix}"
    with open_sink(path) as sink:
        sink.write(SCORES)
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
    with pytest.raises(BadInput) as caught:
        list(open_source(path).batches(None, 100))
    assert len(caught.value.faults) == 1


def test_what_sas_transport_cannot_hold_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyreadstat")
    long = SCORES.with_columns(SITEID=pl.lit("é" * 101))
    with pytest.raises(WrongUsage, match="200 bytes"), open_sink(tmp_path / "adeff.xpt") as sink:
        sink.write(long)
    assert list(tmp_path.iterdir()) == []


def test_records_go_to_sas_transport_as_they_are_and_long_names_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyreadstat")
    frame = pl.DataFrame({"USUBJID": ["S-001"], "PARAMCD": ["PHGA"], "AVISITN": [0.0], "AVAL": [6.0]})
    with open_sink(tmp_path / "adeff.xpt") as sink:
        sink.write(frame)
    assert open_source(tmp_path / "adeff.xpt").columns == ("patient", "week", "physician_global")
    with pytest.raises(WrongUsage, match="8 letters, not TREATMENT"), open_sink(tmp_path / "b.xpt") as sink:
        sink.write(frame.with_columns(TREATMENT=pl.lit("drug")))
