"""The show case: every mistake gives one clear fault, whatever its place and whatever stands beside it."""

import csv
import io
from pathlib import Path

import pytest
from tests.evidence.planting import (
    PLANTINGS,
    THIS_YEAR,
    Garden,
    file_is_empty,
    plant_all_twelve,
)

from myopoise.errors import BadInput, Fault
from myopoise.evidence.reading import base_folder, read_evidence
from myopoise.evidence.tables import TABLES, table_of

KINDS = {
    "wrong code": {"unknown-code"},
    "events above n": {"events-above-n"},
    "missing arm": {"unknown-arm"},
    "duplicate key": {"repeated-key"},
    "bad number": {"not-a-number", "not-whole"},
    "wrong column": {"unknown-column", "doubled-column", "missing-column", "no-header"},
    "bad encoding": {"bad-encoding"},
    "empty file": {"empty-file"},
    "percent above 100": {"percent-outside"},
    "subgroup larger than its whole": {"subgroup-above-whole"},
    "unknown study": {"unknown-study", "wrong-form"},
    "date in the future": {"future-year"},
}
WAYS = [pytest.param(name, way, id=way.__name__) for name, ways in PLANTINGS.items() for way in ways]


def faults_of(folder: Path) -> tuple[Fault, ...]:
    try:
        read_evidence(folder, this_year=THIS_YEAR)
    except BadInput as bad:
        return bad.faults
    return ()


def only_fault(folder: Path) -> Fault:
    (fault,) = faults_of(folder)
    return fault


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Garden(0).write(tmp_path)


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())


@pytest.mark.parametrize("seed", range(8))
def test_twelve_planted_faults_give_twelve_faults(seed: int, tmp_path: Path) -> None:
    garden = Garden(1000 + seed)
    ways = plant_all_twelve(garden)
    faults = faults_of(garden.write(tmp_path))
    assert len(faults) == 12, (ways, *map(str, faults))
    found = [fault.kind for fault in faults]
    for name, kinds in KINDS.items():
        assert kinds & set(found), (name, found)


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_one_mistake_gives_one_fault_wherever_it_is_made(name: str, way: object, tmp_path: Path) -> None:
    for seed in range(3):
        garden = Garden(seed)
        way(garden)  # type: ignore[operator]
        fault = only_fault(garden.write(tmp_path))
        assert fault.kind in KINDS[name], fault


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_an_emptied_file_is_one_fault(table: str, tmp_path: Path) -> None:
    garden = Garden(1)
    file_is_empty(garden, table)
    fault = only_fault(garden.write(tmp_path))
    assert (fault.file, fault.row, fault.kind) == (f"{table}.csv", 0, "empty-file")
    assert ("without rows is allowed here" in fault.remedy) == table_of(table).may_be_empty


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_a_missing_file_is_one_fault(table: str, folder: Path) -> None:
    (folder / f"{table}.csv").unlink()
    assert only_fault(folder).kind == "missing-file"


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_a_header_without_rows_is_allowed_only_where_it_is_said(table: str, folder: Path) -> None:
    path = folder / f"{table}.csv"
    path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    assert [fault.kind for fault in faults_of(folder)] == (
        [] if table_of(table).may_be_empty else ["no-rows"]
    )


def test_no_folder_at_all_is_a_fault_for_each_file(tmp_path: Path) -> None:
    assert [fault.kind for fault in faults_of(tmp_path / "nowhere")] == ["missing-file"] * len(TABLES)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_file_in_another_unicode_is_one_fault(encoding: str, folder: Path) -> None:
    path = folder / "studies.csv"
    path.write_bytes(path.read_text("utf-8").encode(encoding))
    assert only_fault(folder).kind == "bad-encoding"


def test_a_file_saved_as_latin_1_is_one_fault_and_the_rest_is_still_checked(folder: Path) -> None:
    path = folder / "arms.csv"
    text = path.read_text("utf-8")
    header, first, second, *rest = text.split("\n")
    first, second = first.removesuffix(",") + ",Zürich", second.removesuffix(",") + ",Genève"
    changed = "\n".join([header, first, second, *rest]).replace(
        "aggarwal-2022,ivig,active", "aggarwal-2022,ivig,activ"
    )
    path.write_bytes(changed.encode("latin-1", errors="ignore"))
    faults = faults_of(folder)
    assert [(fault.kind, fault.row) for fault in faults] == [("bad-encoding", 2), ("unknown-code", 3)]
    assert "more in 1 other row" in faults[0].found


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(folder: Path) -> None:
    for table in TABLES:
        path = folder / table.file
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert faults_of(folder) == ()
    assert read_evidence(folder) == read_evidence()


def test_the_order_of_columns_does_not_matter(folder: Path) -> None:
    path = folder / "outcomes.csv"
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
    turned = io.StringIO(newline="")
    csv.writer(turned, lineterminator="\n").writerows(row[::-1] for row in rows)
    path.write_bytes(turned.getvalue().encode())
    assert read_evidence(folder) == read_evidence()


@pytest.mark.parametrize("mark", [";", "\t"])
def test_cells_separated_by_something_else_are_one_fault(mark: str, folder: Path) -> None:
    path = folder / "arms.csv"
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
    other = io.StringIO(newline="")
    csv.writer(other, delimiter=mark, lineterminator="\n").writerows(rows)
    path.write_bytes(other.getvalue().encode())
    assert only_fault(folder).kind == "wrong-separator"


def test_a_file_without_its_header_is_one_fault(folder: Path) -> None:
    path = folder / "outcomes.csv"
    path.write_text(path.read_text("utf-8").split("\n", 1)[1], "utf-8")
    assert only_fault(folder).kind == "no-header"


def test_a_name_lost_from_the_header_is_one_fault(folder: Path) -> None:
    edit(folder, "outcomes.csv", ",events,n,", ",n,")
    fault = only_fault(folder)
    assert fault.kind == "wrong-width"
    assert "Add the name events" in fault.remedy


@pytest.mark.parametrize(("old", "new"), [("fludarabine,active", "fludarabine,,active"), (",,16,", ",16,")])
def test_a_row_with_too_many_or_too_few_cells_is_one_fault(old: str, new: str, folder: Path) -> None:
    path = folder / "arms.csv"
    lines = path.read_text("utf-8").split("\n")
    lines[1] = lines[1].replace(old, new, 1) if old in lines[1] else lines[1] + ","
    path.write_text("\n".join(lines), "utf-8")
    assert (only_fault(folder).kind, only_fault(folder).row) == ("wrong-width", 2)


@pytest.mark.parametrize("file", ["studies.csv", "arms.csv", "outcomes.csv", "vocabulary.csv"])
@pytest.mark.parametrize("line", [3, 30, 100])
def test_a_quotation_mark_that_is_not_closed_is_one_fault(file: str, line: int, folder: Path) -> None:
    path = folder / file
    lines = path.read_text("utf-8").split("\n")
    cells = lines[line].split(",")
    lines[line] = ",".join([*cells[:2], '"' + cells[2], *cells[3:]])
    path.write_text("\n".join(lines), "utf-8")
    assert only_fault(folder).kind in {"wrong-width", "not-csv", "unknown-code"}


def test_the_fault_names_row_column_and_the_place_in_the_source(folder: Path) -> None:
    path = folder / "outcomes.csv"
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
    header = rows[0]
    line = next(
        number
        for number, row in enumerate(rows, 1)
        if row[header.index("type")] == "binary" and row[header.index("source_place")] == "table 1"
    )
    cells = rows[line - 1]
    cells[header.index("events")], cells[header.index("n")] = "27", "24"
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_bytes(text.getvalue().encode())
    assert str(only_fault(folder)) == (
        f"outcomes.csv, row {line}, events: 27 events among 24 patients. "
        "Events cannot exceed n; compare with table 1 of the source."
    )


def test_rows_are_counted_as_a_spreadsheet_counts_them(folder: Path) -> None:
    edit(folder, "arms.csv", "6 monthly IV cycles", '"6 monthly\nIV cycles"')
    edit(folder, "arms.csv", "aggarwal-2022,ivig,active", "aggarwal-2022,ivig,activ")
    fault = only_fault(folder)
    assert (fault.row, fault.column) == (3, "role")
    assert fault.found == "unknown code 'activ'"
    assert fault.remedy == "Did you mean active? Allowed: active, control, whole, subgroup."


def test_several_rows_that_name_one_missing_study_are_one_fault_that_lists_them(folder: Path) -> None:
    edit(folder, "studies.csv", "\nadams-1999,", "\nadems-1999,")
    fault = only_fault(folder)
    assert (fault.file, fault.row, fault.kind) == ("arms.csv", 2, "unknown-study")
    assert "outcomes.csv rows 2, 3, 4, 5" in fault.found
    assert "seed_references.csv row 50" in fault.found
    assert "Did you mean adems-1999?" in fault.remedy


def test_a_repeated_key_names_both_rows(folder: Path) -> None:
    path = folder / "studies.csv"
    text = path.read_text("utf-8")
    path.write_text(text + text.split("\n")[1] + "\n", "utf-8")
    fault = only_fault(folder)
    assert (fault.row, fault.kind) == (221, "repeated-key")
    assert "row 2 already" in fault.found


def test_spaces_around_a_key_are_one_fault_and_the_key_still_counts(folder: Path) -> None:
    edit(folder, "studies.csv", "\nadams-1999,", "\n adams-1999 ,")
    assert only_fault(folder).kind == "outer-spaces"


def test_faults_come_in_the_order_of_files_and_rows(tmp_path: Path) -> None:
    garden = Garden(1003)
    plant_all_twelve(garden)
    faults = faults_of(garden.write(tmp_path))
    order = [table.file for table in TABLES]
    places = [(order.index(fault.file), fault.row) for fault in faults]
    assert places == sorted(places)


def test_every_fault_says_what_to_do_and_ends_as_a_sentence(tmp_path: Path) -> None:
    for seed in range(1000, 1004):
        garden = Garden(seed)
        plant_all_twelve(garden)
        for fault in faults_of(garden.write(tmp_path)):
            assert fault.found
            assert not fault.found.endswith(".")
            assert fault.remedy.endswith("."), str(fault)
            assert ".." not in str(fault), str(fault)


def test_the_shipped_base_is_never_written_to(tmp_path: Path) -> None:
    before = {table.file: (base_folder() / table.file).read_bytes() for table in TABLES}
    garden = Garden(5)
    plant_all_twelve(garden)
    faults_of(garden.write(tmp_path))
    assert before == {table.file: (base_folder() / table.file).read_bytes() for table in TABLES}
