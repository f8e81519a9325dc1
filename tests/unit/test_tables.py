"""One declaration for each column: it reads, documents and describes; and the lookups of the evidence."""

import csv
from dataclasses import fields

import pytest

from myopoise.evidence.columns import Column, PrintedNumber, columns_of, printed, read_cell
from myopoise.evidence.dictionary import dictionary, dictionary_markdown
from myopoise.evidence.reading import base_folder, read_evidence
from myopoise.evidence.tables import TABLES, Evidence, table_of

BASE = read_evidence()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_field_is_a_column_of_the_file_in_its_order(table) -> None:
    with (base_folder() / table.file).open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    assert [field.name for field in fields(table.row_type)] == header
    assert [column.name for column in columns_of(table.row_type)] == header


def test_every_column_says_what_it_means() -> None:
    for table in TABLES:
        for column in table.columns:
            assert column.meaning
            assert column.allowed


def test_every_coded_column_uses_a_field_the_vocabulary_has() -> None:
    known = {term.field for term in BASE.vocabulary}
    used = {column.codes for table in TABLES for column in table.columns if column.codes}
    assert used == known


def test_the_dictionary_has_every_column_once_and_the_page_shows_it() -> None:
    entries = [(entry.table, entry.column) for entry in dictionary()]
    assert entries == [(table.name, column.name) for table in TABLES for column in table.columns]
    page = dictionary_markdown(BASE.vocabulary)
    assert page == dictionary_markdown(BASE.vocabulary)
    for table, column in entries:
        assert f"| `{column}` |" in page.split(f"## {table}.csv")[1].split("\n## ")[0]


@pytest.mark.parametrize("digits", ["96.0", "0.040", "-9.0", "12.20", "5", "-0.35", "1e3"])
def test_a_number_keeps_the_digits_it_was_printed_with(digits: str) -> None:
    number = read_cell(Column("any", name="x", holds=_holds_number()), digits, 2026)
    assert number == float(digits)
    assert printed(number) == digits


def test_a_printed_number_computes_as_any_other() -> None:
    assert PrintedNumber("96.0") + 1 == 97.0
    assert type(PrintedNumber("96.0") * 2) is float


def _holds_number():
    return next(column.holds for column in table_of("outcomes").columns if column.name == "mean")


def test_lookups_find_the_rows_of_a_study_in_the_order_of_the_file() -> None:
    assert BASE.study("oddis-2013").year == 2013
    assert [arm.arm_id for arm in BASE.arms_of("oddis-2013")][:3] == ["early", "late", "all"]
    assert sum(len(BASE.outcomes_of(study.study_id)) for study in BASE.studies) == len(BASE.outcomes)
    assert sum(len(BASE.contrasts_of(study.study_id)) for study in BASE.studies) == len(BASE.contrasts)
    assert BASE.facts_of("general")
    assert BASE.arms_of("nobody-1900") == ()


def test_codes_have_meanings_and_treatments_classes() -> None:
    assert BASE.meaning("population", "dm") == "dermatomyositis"
    assert BASE.mechanism_class("rituximab") == "b-cell-depletion"
    with pytest.raises(KeyError):
        BASE.meaning("population", "nonsense")


def test_evidence_as_of_a_year_drops_later_and_undated_studies_with_their_rows() -> None:
    then = BASE.published_by(2006)
    years = {study.year for study in then.studies}
    assert None not in years
    assert max(year for year in years if year) <= 2006
    kept = {study.study_id for study in then.studies}
    for rows in (then.arms, then.outcomes, then.contrasts):
        assert {row.study_id for row in rows} <= kept
    assert {fact.study_id for fact in then.design_facts} <= kept | {"general"}
    assert then.seed_references == BASE.seed_references
    assert then.vocabulary == BASE.vocabulary


def test_evidence_as_of_later_years_only_grows() -> None:
    sizes = [len(BASE.published_by(year).studies) for year in range(1972, 2027)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    assert sizes[-1] == sum(study.year is not None for study in BASE.studies)


def test_evidence_prints_as_one_honest_paragraph() -> None:
    words = str(BASE)
    assert "\n" not in words
    assert f"{len(BASE.studies)} studies" in words
    assert "never zero" in words
    assert str(Evidence((), (), (), (), (), (), ())) == "No studies."
