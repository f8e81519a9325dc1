"""What holds for every total improvement score, whatever the visits."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import myopoise as mp

SCORES = ["acr-eular-2016-adult", "acr-eular-2016-jdm-imacs", "acr-eular-2016-jdm-printo"]
LOWER = ["physician_global", "patient_global", "haq", "chaq", "ck", "extramuscular", "das"]
HIGHER = ["mmt", "chq_phs"]
SCALES = ["physician_global", "patient_global", "extramuscular"]
TOP = {"haq": 3.0, "chaq": 3.0, "mmt": 80.0, "das": 20.0, "ck": 4000.0, "chq_phs": 60.0}


@st.composite
def one_visit(draw: st.DrawFn) -> dict[str, float]:
    row = {name: draw(st.integers(0, 100)) / 10 for name in SCALES}
    row |= {name: draw(st.integers(0, 24)) / 8 for name in ("haq", "chaq")}
    row |= {"mmt": float(draw(st.integers(0, 80))), "mmt_max": 80.0, "das": float(draw(st.integers(0, 20)))}
    row |= {"ck": float(draw(st.integers(20, 4000))), "ck_uln": 200.0}
    return row | {"chq_phs": float(draw(st.integers(0, 60))), "chq_phs_range": 100.0}


def rows(*pairs: tuple[dict[str, Any], dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"patient": number, "week": week, **row}
        for number, both in enumerate(pairs)
        for week, row in zip((0, 12), both, strict=True)
    ]


@pytest.mark.parametrize("name", SCORES)
@given(pair=st.tuples(one_visit(), one_visit()))
@settings(deadline=None, max_examples=60)
def test_a_score_is_a_multiple_of_two_and_a_half_from_0_to_100_and_the_sum_of_its_points(name, pair) -> None:
    (row,) = mp.score(rows(pair), name)
    assert 0 <= row["score"] <= 100
    assert row["score"] % 2.5 == 0
    assert row["score"] == sum(value for column, value in row.items() if column.endswith("_points"))
    assert row["score"] == row["score_low"] == row["score_high"]


@pytest.mark.parametrize("name", SCORES)
@given(
    pair=st.tuples(one_visit(), one_visit()), column=st.sampled_from([*LOWER, *HIGHER]), share=st.floats(0, 1)
)
@settings(deadline=None, max_examples=80)
def test_a_better_value_never_lowers_the_score(name, pair, column, share) -> None:
    start, now = pair
    best = 0.0 if column in LOWER else TOP[column]
    better = {**now, column: round(now[column] + share * (best - now[column]), 3)}
    before, after = mp.score(rows((start, now), (start, better)), name)
    assert after["score"] >= before["score"]


@pytest.mark.parametrize("name", SCORES)
@given(pair=st.tuples(one_visit(), one_visit()))
@settings(deadline=None, max_examples=60)
def test_the_unit_of_a_scale_or_an_enzyme_does_not_change_the_score(name, pair) -> None:
    in_mm = [{**row, **{column: round(row[column] * 10) for column in SCALES}} for row in pair]
    in_katal = [{**row, "ck": row["ck"] / 60, "ck_uln": 200 / 60} for row in pair]
    tenths = {**pair[1], "ck": pair[1]["ck"] / 10, "ck_uln": 20.0}  # another laboratory, another unit
    found = mp.score(rows(pair), name)[0]
    assert mp.score(rows(tuple(in_mm)), name, vas_unit="mm")[0] == found  # type: ignore[arg-type]
    assert mp.score(rows((pair[0], tenths)), name)[0] == found
    assume(all(abs(100 * (pair[0]["ck"] - pair[1]["ck"]) / 3000 - edge) > 1e-6 for edge in (5, 15, 25, 40)))
    assert mp.score(rows(tuple(in_katal)), name)[0] == found  # type: ignore[arg-type]


@given(pairs=st.lists(st.tuples(one_visit(), one_visit()), min_size=1, max_size=6), data=st.data())
@settings(deadline=None, max_examples=60)
def test_the_order_of_rows_is_irrelevant(pairs, data) -> None:
    visits = rows(*pairs)
    shuffled = data.draw(st.permutations(visits))
    found = {(row["patient"], row["week"]): row for row in mp.score(visits, "acr-eular-2016-adult")}
    assert {(row["patient"], row["week"]): row for row in mp.score(shuffled, "acr-eular-2016-adult")} == found


@pytest.mark.parametrize("name", SCORES)
@given(
    pair=st.tuples(one_visit(), one_visit()),
    gone=st.sets(st.sampled_from([*LOWER, *HIGHER]), min_size=1, max_size=3),
)
@settings(deadline=None, max_examples=80)
def test_bounds_hold_the_score_that_the_missing_measures_would_have_given(name, pair, gone) -> None:
    start, now = pair
    (whole,) = mp.score(rows(pair), name)
    (found,) = mp.score(rows((start, {**now, **dict.fromkeys(gone)})), name, missing="bounds")
    assert found["score_low"] <= whole["score"] <= found["score_high"]
    assert found["category"] in (None, whole["category"])
    (strict,) = mp.score(rows((start, {**now, **dict.fromkeys(gone)})), name)
    assert strict["status"] == ("ok" if found["status"] == "ok" else "not computable")


@given(pair=st.tuples(one_visit(), one_visit()))
@settings(deadline=None, max_examples=30)
def test_single_precision_is_read_as_the_decimal_that_was_written(pair) -> None:
    frame = pl.DataFrame(rows(pair))
    single = frame.with_columns(pl.selectors.float().cast(pl.Float32))
    columns = ["score", "category"]
    expected = mp.score(frame, "acr-eular-2016-adult").select(columns)
    assert mp.score(single, "acr-eular-2016-adult").select(columns).equals(expected)


@given(
    start=st.floats(0, 10, allow_subnormal=False),
    share=st.sampled_from([0.05, 0.15, 0.25, 0.4]),
    nudge=st.integers(-3, 3),
)
@settings(deadline=None, max_examples=150)
def test_numbers_of_any_length_are_judged_as_they_are_written(start: float, share: float, nudge: int) -> None:
    from fractions import Fraction

    now = start - 10 * share
    for _ in range(abs(nudge)):
        now = math.nextafter(now, math.inf if nudge > 0 else -math.inf)
    assume(0 <= now <= 10)
    percent = 10 * (Fraction(repr(start)) - Fraction(repr(now)))
    points = [0, 7.5, 15, 17.5, 20][sum(percent > edge for edge in (5, 15, 25, 40))]
    visits = [
        {"patient": 1, "week": week, "physician_global": value} for week, value in ((0, start), (1, now))
    ]
    (row,) = mp.score(visits, "acr-eular-2016-adult", missing="bounds")
    assert row["physician_global_points"] == points
