"""Small claims about scoring that no larger test makes."""

from __future__ import annotations

import pytest

import myopoise as mp
from myopoise.errors import BadInput

CHQ = "acr-eular-2016-jdm-printo"


def test_a_quality_of_life_range_that_changes_between_visits_is_refused() -> None:
    visits = [
        {"patient": "A", "week": week, "chq_phs": 40.0, "chq_phs_range": span, "mmt": 60, "mmt_max": 80}
        for week, span in ((0, 100.0), (12, 50.0))
    ]
    with pytest.raises(BadInput) as told:
        mp.score(visits, CHQ, missing="bounds")
    assert [(fault.row, fault.column, fault.kind) for fault in told.value.faults] == [
        (2, "chq_phs_range", "mixed-ranges"),
        (3, "chq_phs_range", "mixed-ranges"),
    ]


@pytest.mark.parametrize(("aldolase", "chosen"), [(4.2, "ck"), (4.3, "aldolase")])
def test_enzymes_whose_ratios_tie_exactly_follow_the_stated_order(aldolase: float, chosen: str) -> None:
    # 7 / 1 = 4.2 / 0.6, which floating point sees as 7.0 and 7.000000000000001.
    enzymes = {"ck": 7.0, "ck_uln": 1.0, "aldolase": aldolase, "aldolase_uln": 0.6}
    visits = [{"patient": "A", "week": week, **enzymes} for week in (0, 12)]
    (row,) = mp.score(visits, "acr-eular-2016-adult", missing="bounds")
    assert row["enzyme"] == chosen


def test_a_percentage_of_a_score_below_zero_is_reached_by_nothing() -> None:
    fixed = {"mmt": 60, "mmt_max": 80, "physician_global": 5, "patient_global": 5, "chaq": 1, "das": 10}
    better = {**fixed, "physician_global": 2, "patient_global": 2}
    visits = [
        {"patient": "A", "week": 0, **fixed, "chq_phs": -4},
        {"patient": "A", "week": 12, **better, "chq_phs": -4.5},
    ]
    (row,) = mp.score(visits, "printo-20")
    assert row["category"] == "not improved"
