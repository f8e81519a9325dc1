"""The curated data as shipped: complete, traceable, and in step with what its page says."""

import re

from myopoise.evidence.reading import base_folder, read_evidence
from myopoise.evidence.tables import TABLES

BASE = read_evidence()


def test_the_base_has_the_rows_its_page_promises() -> None:
    page = (base_folder() / "README.md").read_text("utf-8")
    promised = re.search(
        r"(\d+) studies, (\d+) arms, (\d+) outcome rows, (\d+) contrasts, (\d+) design facts, (\d+) seed references",
        page,
    )
    assert promised is not None
    tables = (BASE.studies, BASE.arms, BASE.outcomes, BASE.contrasts, BASE.design_facts, BASE.seed_references)
    assert [int(count) for count in promised.groups()] == [len(rows) for rows in tables]


def test_every_number_says_where_it_stands_and_how_sure_it_is() -> None:
    for outcome in BASE.outcomes:
        assert outcome.source_place
        assert outcome.confidence


def test_every_study_can_be_found() -> None:
    for study in BASE.studies:
        assert any(
            (study.pmid, study.doi, study.nct, study.other_registry_id, study.source_url, study.volume_pages)
        )


def test_every_study_left_out_has_a_reason_in_words() -> None:
    for study in BASE.studies:
        if not study.included:
            assert BASE.meaning("exclude_reason", study.exclude_reason)


def test_all_fifty_founding_references_are_listed_and_linked_both_ways() -> None:
    assert [seed.number for seed in BASE.seed_references] == list(range(1, 51))
    linked = {(seed.number, study) for seed in BASE.seed_references for study in seed.study_id}
    assert linked == {
        (study.seed_reference, study.study_id) for study in BASE.studies if study.seed_reference
    }


def test_every_treatment_has_a_mechanism_class() -> None:
    for code in BASE.codes("treatment"):
        assert BASE.mechanism_class(code)


def test_subgroups_name_an_arm_of_their_study() -> None:
    for arm in BASE.arms:
        own = {other.arm_id for other in BASE.arms_of(arm.study_id)}
        assert not arm.parent_arm or arm.parent_arm in own


def test_no_file_has_carriage_returns_or_a_byte_order_mark() -> None:
    for table in TABLES:
        data = (base_folder() / table.file).read_bytes()
        assert b"\r" not in data
        assert not data.startswith(b"\xef\xbb\xbf")
