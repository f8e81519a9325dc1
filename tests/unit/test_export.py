"""The evidence written as CSV, Parquet and Excel: complete, typed, the same bytes, nothing half written."""

import sys
import zipfile
from pathlib import Path

import pytest

from myopoise.errors import MissingComponent, WrongUsage
from myopoise.evidence.reading import read_evidence
from myopoise.evidence.tables import TABLES
from myopoise.evidence.writing import WORKBOOK, export_evidence

BASE = read_evidence()


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "my notes.txt").write_text("keep me")
    (tmp_path / "arms.csv").write_text("an older export")
    export_evidence(BASE, tmp_path)
    assert (tmp_path / "my notes.txt").read_text() == "keep me"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["my notes.txt", *(table.file for table in TABLES)]
    )
    assert read_evidence(tmp_path) == BASE


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("not a folder")
    with pytest.raises(WrongUsage, match="is a file"):
        export_evidence(BASE, tmp_path / "tables")


def test_an_unknown_format_is_refused_with_the_choice(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="csv, parquet, xlsx"):
        export_evidence(BASE, tmp_path / "out", "ods")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("kind", "package", "extra"), [("xlsx", "xlsxwriter", "excel")])
def test_a_missing_package_is_named_and_nothing_is_written(
    kind, package, extra, tmp_path, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingComponent, match=rf"pip install 'myopoise\[{extra}\]'"):
        export_evidence(BASE, tmp_path / "out", kind)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> list[Path]:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(export_evidence.__globals__["FORMATS"], "csv", full)
    with pytest.raises(WrongUsage, match="No space left"):
        export_evidence(BASE, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_parquet_keeps_types_rows_and_the_difference_between_nothing_and_zero(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    export_evidence(BASE, tmp_path, "parquet")
    for table in TABLES:
        frame = polars.read_parquet(tmp_path / f"{table.name}.parquet")
        rows = getattr(BASE, table.name)
        assert frame.columns == [column.name for column in table.columns]
        assert frame.height == len(rows)
        assert frame[table.columns[0].name].to_list() == [getattr(row, table.columns[0].name) for row in rows]
    outcomes = polars.read_parquet(tmp_path / "outcomes.parquet")
    assert outcomes["events"].to_list() == [outcome.events for outcome in BASE.outcomes]
    assert outcomes["mean"].dtype == polars.Float64
    studies = polars.read_parquet(tmp_path / "studies.parquet")
    assert studies["population"].to_list() == [list(study.population) for study in BASE.studies]


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_the_same_evidence_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    pytest.importorskip({"csv": "csv", "parquet": "polars", "xlsx": "xlsxwriter"}[kind])
    first = export_evidence(BASE, tmp_path / "first", kind)
    second = export_evidence(BASE, tmp_path / "second", kind)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_workbook_has_a_sheet_a_table_and_the_dictionary_with_a_frozen_header(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    (path,) = export_evidence(BASE, tmp_path, "xlsx")
    assert path.name == WORKBOOK
    with zipfile.ZipFile(path) as book:
        index = book.read("xl/workbook.xml").decode()
        sheets = [
            book.read(f"xl/worksheets/sheet{place}.xml").decode() for place in range(1, len(TABLES) + 2)
        ]
    for name in (*(table.name for table in TABLES), "data dictionary"):
        assert f'name="{name}"' in index
    for sheet in sheets:
        assert 'state="frozen"' in sheet
        assert "<f>" not in sheet  # p_op holds =, which is text and no formula
    numbers = [sheet.count("<v>") - sheet.count('t="s"') for sheet in sheets[:-1]]
    assert numbers[TABLES.index(next(table for table in TABLES if table.name == "outcomes"))] > len(
        BASE.outcomes
    )
