"""Our selection against one drawn from the same tables by another hand (tests/data/selection)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from myopoise.evidence.reading import read_evidence
from myopoise.evidence.rows import Row, Selection
from myopoise.evidence.selection import Question, select
from myopoise.vocabulary import Level, Phenotype

REFERENCE = Path(__file__).parent.parent / "data" / "selection"


def reference(name: str) -> list[dict[str, str]]:
    with (REFERENCE / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def selection() -> Selection:
    return select(read_evidence(), Question())


@pytest.fixture(scope="module")
def ours(selection: Selection) -> dict[tuple[str, str], Row]:
    return {(row.study, row.arm): row for row in selection.rows}


def test_the_same_groups_of_patients_enter(ours: dict[tuple[str, str], Row]) -> None:
    assert set(ours) == {(row["study"], row["arm"]) for row in reference("rows.csv")}


@pytest.mark.parametrize("row", reference("rows.csv"), ids=lambda row: f"{row['study']}/{row['arm']}")
def test_each_group_has_the_same_numbers(row: dict[str, str], ours: dict[tuple[str, str], Row]) -> None:
    mine = ours[row["study"], row["arm"]]
    assert mine.kind == row["kind"]
    assert mine.design == row["design"]
    assert mine.definition == row["definition"]
    assert "+".join(mine.treatments) == row["treatments"]
    assert mine.n == int(row["n"])
    assert mine.variant == row["variant"]
    assert set(mine.outcome_ids) == set(row["outcome_ids"].split("+"))
    for level in Level:
        assert str(mine.counts.get(level, "")) == row[f"ge_{level}"]
    for group in Phenotype:
        # Shares are printed there to four digits.
        assert mine.shares.get(group, 0.0) == pytest.approx(float(row[f"share_{group}"]), abs=6e-5)
    if row["mean"]:
        assert mine.mean == pytest.approx(float(row["mean"]))
        # Standard errors are printed to three decimals there.
        assert mine.se == pytest.approx(float(row["se"]), abs=6e-3)


def test_the_same_printed_p_values_enter(selection: Selection) -> None:
    ours = {p.contrast_id: p for p in selection.printed}
    theirs = {row["contrast_id"]: row for row in reference("p_rows.csv")}
    assert set(ours) == set(theirs)
    for contrast_id, row in theirs.items():
        p = ours[contrast_id]
        assert (p.n_1, p.n_0, p.how) == (int(row["n_1"]), int(row["n_0"]), row["how"])
        assert ("+".join(p.treatments_1), "+".join(p.treatments_0)) == (
            row["treatments_1"],
            row["treatments_0"],
        )
        assert (p.abs_z is None) == (row["abs_z"] == "")
        if p.abs_z is not None:
            assert p.abs_z == pytest.approx(float(row["abs_z"]), abs=1e-4)


def test_the_same_studies_are_set_aside(selection: Selection) -> None:
    assert {aside.study for aside in selection.set_aside} == {
        row["study_id"] for row in reference("excluded.csv")
    }


def test_the_same_mechanism_classes_are_used(selection: Selection) -> None:
    theirs = {row["treatment"]: row["mechanism_class"] for row in reference("treatments.csv")}
    used = {treatment: theirs[treatment] for treatment in selection.mechanism}
    assert dict(selection.mechanism) == used
