"""A selection given back: it reads as it was written, and every fault of every file is named with its place."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from myopoise.errors import BadInput
from myopoise.evidence.reading import read_evidence
from myopoise.evidence.rows import Selection
from myopoise.evidence.selection import Question, select
from myopoise.evidence.selection_files import write_selection
from myopoise.evidence.selection_reading import read_selection

Lines = list[dict[str, str]]


@pytest.fixture(scope="module")
def whole() -> Selection:
    return select(read_evidence(), Question())


@pytest.fixture
def folder(whole: Selection, tmp_path: Path) -> Path:
    write_selection(whole, tmp_path)
    return tmp_path


def edit(path: Path, change: Callable[[Lines], object]) -> None:
    with path.open(encoding="utf-8", newline="") as handle:
        lines = list(csv.DictReader(handle))
    columns = list(lines[0])
    change(lines)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        writer.writerows(lines)


def put(**cells: str) -> Callable[[Lines], object]:
    return lambda lines: lines[0].update(cells)


def test_a_selection_reads_as_it_was_written(whole: Selection, folder: Path) -> None:
    found = read_selection(folder)
    assert found.rows == whole.rows
    assert found.printed == whole.printed
    assert found.set_aside == whole.set_aside
    assert found.parts_set_aside == whole.parts_set_aside
    assert dict(found.mechanism) == dict(whole.mechanism)
    assert found.digest == whole.digest


def test_one_patient_more_is_another_digest(whole: Selection, folder: Path) -> None:
    edit(folder / "rows.csv", lambda lines: lines[0].update(n=str(int(lines[0]["n"]) + 1)))
    assert read_selection(folder).digest != whole.digest


@pytest.mark.parametrize(
    ("change", "column", "kind"),
    [
        (put(n="many"), "n", "not-a-number"),
        (put(n="12.5"), "n", "not-whole"),
        (put(n=""), "n", "empty-cell"),
        (put(study=""), "study", "empty-cell"),
        (put(design="rtc"), "design", "unknown-code"),
        (put(variant="baby"), "variant", "unknown-code"),
        (put(ge_minimal="4000"), "ge_minimal", "too-many"),
        (put(ge_stable="", ge_minimal="2", ge_moderate="3"), "ge_moderate", "too-many"),
        (put(ge_stable="", ge_minimal="", ge_moderate="", ge_major="", mean=""), "n", "no-result"),
        (put(mean="31.5", se=""), "se", "no-standard-error"),
        (put(mean="31.5", se="0"), "se", "no-standard-error"),
        (put(mean="inf", se="1"), "mean", "not-a-number"),
        (put(share_DM="0.9", share_PM="0.9"), "share_DM", "shares"),
        (put(share_PM="-0.2"), "share_PM", "not-a-share"),
        (put(treatments="snake-oil"), "treatments", "no-mechanism"),
        (put(treatments=""), "treatments", "empty-cell"),
    ],
)
def test_a_fault_of_a_row_is_named_with_its_place(
    folder: Path, change: Callable[[Lines], object], column: str, kind: str
) -> None:
    edit(folder / "rows.csv", change)
    with pytest.raises(BadInput) as caught:
        read_selection(folder)
    assert (column, kind) in {(f.column, f.kind) for f in caught.value.faults if f.row == 2}
    assert all(f.file == "rows.csv" and f.remedy for f in caught.value.faults)


def test_faults_of_several_files_are_told_together(folder: Path) -> None:
    edit(folder / "rows.csv", put(n="0"))
    edit(folder / "p_rows.csv", put(how="p", abs_z=""))
    (folder / "treatments.csv").unlink()
    with pytest.raises(BadInput) as caught:
        read_selection(folder)
    files = {f.file for f in caught.value.faults}
    assert files == {"rows.csv", "p_rows.csv", "treatments.csv"}


def test_a_study_cannot_be_in_and_out(folder: Path, whole: Selection) -> None:
    edit(folder / "excluded.csv", put(study_id=whole.rows[0].study))
    with pytest.raises(BadInput) as caught:
        read_selection(folder)
    assert [f.kind for f in caught.value.faults] == ["in-and-out"]


def test_an_unknown_column_is_a_fault_and_a_missing_one_too(folder: Path) -> None:
    path = folder / "rows.csv"
    path.write_text(path.read_text("utf-8").replace("ge_minimal", "ge_minimum", 1), "utf-8")
    with pytest.raises(BadInput) as caught:
        read_selection(folder)
    assert {(f.column, f.kind) for f in caught.value.faults} == {
        ("ge_minimum", "unknown-column"),
        ("ge_minimal", "missing-column"),
    }


def test_notes_outcome_ids_and_excluded_studies_may_be_absent(folder: Path, whole: Selection) -> None:
    for name in ("excluded.csv", "parts_excluded.csv"):
        (folder / name).unlink()
    path = folder / "rows.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        lines = list(csv.DictReader(handle))
    columns = [c for c in lines[0] if c not in ("note", "outcome_ids", "shares_assumed")]
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
    assert read_selection(folder).digest == whole.digest
