"""Severity of skin disease: bands by anchor, what an anchor leaves open, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myopoise.errors import BadInput, WrongUsage
from myopoise.outcomes.definitions import tables
from myopoise.outcomes.exact import Number
from myopoise.outcomes.skin import ANCHORS, check_activity, severity, severity_anchor, severity_columns

ORDER = ["mild", "moderate", "moderate or severe", "severe"]


@pytest.mark.parametrize(
    ("activity", "anchor", "band", "status"),
    [
        (0, "stanford", "mild", "CONFIRMED"),
        (14, "stanford", "mild", "CONFIRMED"),
        (15, "stanford", "moderate", "CONFIRMED"),
        (26, "stanford", "moderate", "CONFIRMED"),
        (27, "stanford", "severe", "DERIVED"),
        (100, "stanford", "severe", "DERIVED"),
        (0, "upenn", "mild", "CONFIRMED"),
        (18, "upenn", "mild", "CONFIRMED"),
        (19, "upenn", "", "UNCONFIRMED"),
        (20, "upenn", "moderate or severe", "CONFIRMED"),
        (100, "upenn", "moderate or severe", "CONFIRMED"),
    ],
)
def test_the_band_depends_on_the_anchor(activity: int, anchor: str, band: str, status: str) -> None:
    found = severity(activity, anchor)
    assert (found.anchor, found.activity, found.band, found.status) == (anchor, activity, band, status)


@given(st.lists(st.none() | st.integers(0, 100)), st.sampled_from(ANCHORS))
def test_many_scores_have_the_bands_of_each(scores: list[int | None], anchor: str) -> None:
    column = np.array([np.nan if score is None else float(score) for score in scores])
    one_by_one = ["" if score is None else severity(score, anchor).band for score in scores]
    assert severity_columns(column, anchor).tolist() == one_by_one


@given(st.integers(0, 99), st.sampled_from(ANCHORS))
def test_a_higher_score_never_has_a_milder_band(score: int, anchor: str) -> None:
    lower, higher = severity(score, anchor).band, severity(score + 1, anchor).band
    assert not lower or not higher or ORDER.index(lower) <= ORDER.index(higher)


def test_the_score_on_the_line_is_left_open_in_words() -> None:
    assert str(severity(19, "upenn")).startswith("CDASI activity 19 by the anchor upenn: no band, since")
    assert str(severity("27", "stanford")) == "CDASI activity 27 by the anchor stanford: severe (DERIVED)."


@pytest.mark.parametrize("activity", [-1, 101, 14.5, float("nan"), float("inf"), "14.0000000000000000001"])
def test_a_score_that_cannot_be_is_refused(activity: Number) -> None:
    with pytest.raises(WrongUsage, match="whole number from 0 to 100"):
        severity(activity, "stanford")


def test_faults_of_a_column_name_the_row_and_no_value() -> None:
    column = np.array([14.0, 101.0, np.nan, 14.5, -1.0, np.inf])
    faults = check_activity("patients.csv", "cdasi_activity", column)
    assert [fault.row for fault in faults] == [3, 5, 6, 7]
    assert str(faults[0]) == (
        "patients.csv, row 3, cdasi_activity: not a whole number from 0 to 100. "
        "Write a whole number from 0 to 100; leave unknown empty."
    )
    with pytest.raises(BadInput, match="4 faults"):
        severity_columns(column, "upenn")


@pytest.mark.parametrize(("name", "hint"), [("standford", "Did you mean stanford"), ("x", "Allowed")])
def test_an_anchor_has_no_default_and_an_unknown_one_is_refused(name: str, hint: str) -> None:
    for ask in (lambda: severity_anchor(name), lambda: severity_columns(np.array([1.0]), name)):
        with pytest.raises(WrongUsage, match=hint):
            ask()


def test_the_anchors_of_the_file_are_those_offered() -> None:
    assert tuple(row["name"] for row in tables()["cdasi-severity"]["anchors"]) == ANCHORS
    assert [severity_anchor(name).label for name in ANCHORS] == ["Stanford", "University of Pennsylvania"]
