"""Reading and writing are each other's inverse, and the declaration of a column decides what is read."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evidence.cells import THIS_YEAR, invalid_cells, valid_cells

from myopoise.evidence.columns import CellFault, printed, read_cell
from myopoise.evidence.reading import base_folder, read_evidence
from myopoise.evidence.tables import TABLES
from myopoise.evidence.writing import export_evidence

COLUMNS = [
    pytest.param(column, id=f"{table.name}.{column.name}") for table in TABLES for column in table.columns
]


def test_the_exported_tables_equal_the_shipped_ones_byte_for_byte(tmp_path: Path) -> None:
    written = export_evidence(read_evidence(), tmp_path / "tables")
    assert [path.name for path in written] == [table.file for table in TABLES]
    for path in written:
        assert path.read_bytes() == (base_folder() / path.name).read_bytes()


def test_what_was_exported_reads_back_as_the_same_evidence(tmp_path: Path) -> None:
    base = read_evidence()
    export_evidence(base, tmp_path)
    assert read_evidence(tmp_path) == base


@pytest.mark.parametrize("column", COLUMNS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_valid_cell_is_read_and_written_as_it_stood(column, data) -> None:
    text = data.draw(valid_cells(column))
    value = read_cell(column, text, THIS_YEAR)
    assert not isinstance(value, CellFault)
    assert printed(value) == text


@pytest.mark.parametrize(
    "column", [column for column in COLUMNS if invalid_cells(column.values[0]) is not None]
)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_an_invalid_cell_is_a_fault_that_says_what_is_allowed(column, data) -> None:
    strategy = invalid_cells(column)
    assert strategy is not None
    fault = read_cell(column, data.draw(strategy), THIS_YEAR)
    assert isinstance(fault, CellFault)
    assert fault.found
    assert fault.remedy
