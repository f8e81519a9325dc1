"""What is wrong with a table of visits: every fault at once, in its row and column, with no value and nobody's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import myopoise as mp
from myopoise.errors import BadInput, Fault
from myopoise.outcomes.checks import as_names, as_numbers
from myopoise.outcomes.instruments import instruments
from myopoise.outcomes.plan import plan_for
from myopoise.outcomes.timeline import timeline
from myopoise.outcomes.visits import COMPANIONS, KEYS, FaultLog, visit_columns

ADULT = "acr-eular-2016-adult"
WHOLE: dict[str, Any] = {
    **{"physician_global": 6, "patient_global": 4, "mmt": 60, "mmt_max": 80, "haq": 1},
    **{"ck": 400, "ck_uln": 200, "extramuscular": 2},
}


def visits(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    """One patient's visits, twelve weeks apart, each with what is said of it."""
    return [{"patient": "A", "week": 12 * place} | WHOLE | change for place, change in enumerate(changes)]


def faults(rows: Any, name: str = ADULT, **more: Any) -> list[Fault]:
    with pytest.raises(BadInput) as caught:
        mp.score(rows, name, **more)
    return list(caught.value.faults)


def places(rows: Any, name: str = ADULT, **more: Any) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.kind) for fault in faults(rows, name, **more)]


# --- cells --------------------------------------------------------------------------------------------------

CELLS = [
    (["1.5", " 2 ", "+3", "-4", "1e2"], [1.5, 2, 3, -4, 100], "", ""),
    (["", "  ", None], [np.nan] * 3, "", ""),
    (["1,5", "1,5,0", ",5", "-2,25"], [np.nan] * 4, "1111", "1001"),
    (["x", "inf", "nan", "1"], [np.nan, np.nan, np.nan, 1], "1110", ""),
]


@pytest.mark.parametrize(("cells", "numbers", "wrong", "comma"), CELLS, ids=str)
def test_text_is_a_number_nothing_or_a_fault(
    cells: list[str | None], numbers: list[float], wrong: str, comma: str
) -> None:
    found, bad, commas = as_numbers(pl.Series(cells, dtype=pl.String))
    np.testing.assert_array_equal(found, numbers)
    assert bad.tolist() == [flag == "1" for flag in wrong.ljust(len(cells), "0")]
    assert commas.tolist() == [flag == "1" for flag in comma.ljust(len(cells), "0")]


@pytest.mark.parametrize(
    ("column", "numbers"),
    [
        (pl.Series([4.4, 0.1], dtype=pl.Float32), [4.4, 0.1]),
        (pl.Series([True, None, False]), [1, np.nan, 0]),
        (pl.Series([None, None], dtype=pl.Null), [np.nan, np.nan]),
        (pl.Series([3, None], dtype=pl.Int8), [3, np.nan]),
        (pl.Series([], dtype=pl.Float64), []),
    ],
    ids=lambda one: str(getattr(one, "dtype", "")),
)
def test_numbers_of_any_kind_are_the_decimals_they_show(column: pl.Series, numbers: list[float]) -> None:
    found, wrong, comma = as_numbers(column)
    np.testing.assert_array_equal(found, numbers)
    assert not wrong.any()
    assert not comma.any()


def test_a_patient_has_one_name_whatever_the_kind_of_column() -> None:
    for column in (pl.Series([1, None, 3]), pl.Series([1.0, np.nan, 3.0]), pl.Series(["1", "", "3"])):
        assert as_names(column).to_list() == ["1", None, "3"]
    assert as_names(pl.Series([1.5, 2.0])).to_list() == ["1.5", "2.0"]
    assert as_names(pl.Series(["a", "b"])).to_list() == ["a", "b"]


# --- one instrument -----------------------------------------------------------------------------------------

BOUNDED = [(name, one.low, one.high) for name, one in instruments().items() if one.low is not None]


@pytest.mark.parametrize(("name", "low", "high"), BOUNDED)
def test_the_ends_of_a_range_belong_to_it_and_what_lies_beyond_does_not(
    name: str, low: float, high: float | None
) -> None:
    mine = {name: low} | ({COMPANIONS[name]: 80} if name in COMPANIONS else {})
    top = 80 if name == "mmt" else high
    good = visits({}, mine, mine | {name: top if top is not None else 1e8})
    assert [row["week"] for row in mp.score(good, ADULT)] == [12, 24]
    assert places(visits({}, mine | {name: low - 0.001})) == [(3, name, "out-of-range")]
    beyond = top + 0.001 if top is not None else 1.1e8
    assert places(visits({}, mine | {name: beyond})) == [(3, name, "out-of-range")]


def test_a_scale_above_ten_centimetres_asks_whether_it_is_in_millimetres() -> None:
    (fault,) = faults(visits({"physician_global": 60}))
    assert "say --vas-unit mm" in fault.remedy
    assert mp.score(visits({"physician_global": 60}), ADULT, vas_unit="mm") == []
    (fault,) = faults(visits({"physician_global": 101}), vas_unit="mm")
    assert (fault.found, "at most 100 mm" in fault.remedy, "--vas-unit" in fault.remedy) == (
        "above 100",
        True,
        False,
    )
    (fault,) = faults(visits({"haq": 4}))
    assert "--vas-unit" not in fault.remedy


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"mmt_max": 100}, [(2, "mmt_max", "unknown-version")]),
        ({"mmt_max": None}, [(2, "mmt_max", "missing")]),
        ({"mmt_max": "x"}, [(2, "mmt_max", "not-a-number")]),
        ({"mmt": 81}, [(2, "mmt", "out-of-range")]),
        ({"mmt": 81, "mmt_max": 100}, [(2, "mmt_max", "unknown-version")]),
        ({"mmt": None, "mmt_max": None}, []),
        ({"ck_uln": 0}, [(2, "ck_uln", "out-of-range")]),
        ({"ck_uln": -1}, [(2, "ck_uln", "out-of-range")]),
        ({"ck_uln": None}, [(2, "ck_uln", "missing")]),
        ({"ck_uln": "x"}, [(2, "ck_uln", "not-a-number")]),
        ({"ck": None, "ck_uln": None}, []),
        ({"week": None}, [(2, "week", "empty")]),
        ({"week": "x"}, [(2, "week", "not-a-number")]),
        ({"patient": ""}, [(2, "patient", "empty")]),
        ({"patient": None}, [(2, "patient", "empty")]),
        ({"haq": "1,5", "mmt": "y"}, [(2, "haq", "decimal-comma"), (2, "mmt", "not-a-number")]),
    ],
    ids=str,
)
def test_a_cell_that_is_wrong_is_told_once_and_in_its_own_column(
    change: dict[str, Any], expected: list[tuple[int, str, str]]
) -> None:
    if expected:
        assert places(visits(change)) == expected
    else:
        assert mp.score(visits(change), ADULT) == []


def test_an_absent_companion_is_a_fault_of_the_header_only_where_the_definition_needs_it() -> None:
    for name, companion in (("mmt", "mmt_max"), ("ck", "ck_uln")):
        rows = [{k: v for k, v in row.items() if k != companion} for row in visits({}, {})]
        assert places(rows) == [(1, companion, "missing-column")]
        empty = [row | {name: None} for row in rows]
        (found,) = mp.score(empty, ADULT)
        assert found["status"] == "not computable"
    # ILD is read from lung function alone, and inactive disease reads CK in a unit and not as a multiple.
    lung = [{"fvc": 80, "dlco": 80}, {"fvc": 60, "dlco": 80}]
    rows = [{k: v for k, v in row.items() if not k.endswith(("_max", "_uln"))} for row in visits(*lung)]
    (found,) = mp.score(rows, "omeract-ild-progression")
    assert found["status"] == "ok"
    calm = [row | {"cmas": 52, "mmt_max": 80} for row in rows]
    (found,) = mp.score(calm, "printo-inactive-2012")
    assert found["status"] == "ok"


def test_a_value_that_no_definition_reads_is_checked_all_the_same() -> None:
    assert places(visits({"das": 21}), "omeract-ild-progression") == [(2, "das", "out-of-range")]
    odd = visits({"mmt_max": None, "fvc": 80}, {"mmt_max": None, "fvc": 80})
    assert len(mp.score(odd, "omeract-ild-progression")) == 1


# --- several visits -----------------------------------------------------------------------------------------


def shuffle(rows: list[dict[str, Any]]) -> list[int]:
    return list(map(int, np.random.default_rng(1).permutation(len(rows))))


@pytest.mark.parametrize("order", [lambda rows: list(range(len(rows))), shuffle], ids=["in order", "mixed"])
@pytest.mark.parametrize(
    ("weeks", "baseline", "kinds"),
    [
        ([0, 0, 12], None, ["second-baseline", "second-baseline", ""]),
        ([0, 12, 12], None, ["", "duplicate-visit", "duplicate-visit"]),
        ([0, 12, 12, 12], None, ["", *["duplicate-visit"] * 3]),
        ([0, 0, 12, 12], 12, [*["duplicate-visit"] * 2, *["second-baseline"] * 2]),
        ([0, 0, 12, 12], None, [*["second-baseline"] * 2, *["duplicate-visit"] * 2]),
    ],
    ids=str,
)
def test_two_visits_in_one_week_are_both_faults(
    order: Callable[..., list[int]], weeks: list[int], baseline: float | None, kinds: list[str]
) -> None:
    # beside a patient with the same weeks once each
    rows = [{"patient": "A", "week": week} | WHOLE for week in weeks]
    rows += [{"patient": "B", "week": week} | WHOLE for week in sorted(set(weeks))]
    at = order(rows)
    expected = {(at.index(place) + 2, kind) for place, kind in enumerate(kinds) if kind}
    found = faults([rows[place] for place in at], baseline_week=baseline)
    assert {(fault.row, fault.kind) for fault in found} == expected
    assert {fault.column for fault in found} == {"week"}


def test_rows_without_a_patient_are_nobodys_second_visit() -> None:
    assert places([row | {"patient": ""} for row in visits({"week": 0}, {"week": 0})]) == [
        (2, "patient", "empty"),
        (3, "patient", "empty"),
    ]


def test_a_version_that_changes_within_a_patient_is_a_fault_of_all_the_visits_of_that_patient() -> None:
    rows = [*visits({}, {"mmt_max": 150}, {"mmt": None, "mmt_max": None})]
    rows += [row | {"patient": "B", "mmt_max": 150} for row in visits({}, {})]
    assert places(rows) == [(2, "mmt_max", "mixed-versions"), (3, "mmt_max", "mixed-versions")]
    # a version without a value, and versions that differ between patients, are no fault
    fine = visits({}, {"mmt": None, "mmt_max": 150}) + rows[3:]
    assert [row["status"] for row in mp.score(fine, ADULT)] == ["not computable", "ok"]
    assert [row["status"] for row in mp.score(rows, "omeract-ild-progression")] == ["not computable"] * 3
    assert mp.score(visits({"mmt": None, "mmt_max": None}), ADULT) == []


@pytest.mark.parametrize("baseline", [None, 0])
@pytest.mark.parametrize("change", [{"haq": 9}, {"week": None}, {"week": "x"}], ids=str)
def test_a_patient_whose_baseline_was_left_out_is_judged_without_one(
    baseline: float | None, change: dict[str, Any]
) -> None:
    with pytest.warns(UserWarning, match="1 visit with a fault was left out"):
        found = mp.score(visits(change, {}, {}), ADULT, on_fault="skip", baseline_week=baseline)
    assert [(row["week"], row["reason"]) for row in found] == [
        (12, "no baseline visit"),
        (24, "no baseline visit"),
    ]


def test_a_later_visit_left_out_takes_nobodys_baseline() -> None:
    rows = visits({}, {"haq": 9}, {}) + [row | {"patient": ""} for row in visits({"haq": 9})]
    with pytest.warns(UserWarning, match="2 visits with a fault were left out"):
        found = mp.score(rows, ADULT, on_fault="skip")
    assert [(row["patient"], row["week"], row["status"]) for row in found] == [("A", 24, "ok")]


def test_the_timeline_of_nobody_is_empty() -> None:
    found = timeline(np.zeros(0, np.int64), np.zeros(0), plan_for(ADULT, ()))
    assert (len(found.rows), len(found.baseline), len(found.before)) == (0, 0, 0)


# --- telling ------------------------------------------------------------------------------------------------


def test_no_fault_repeats_a_value_or_says_whose_it_is() -> None:
    rows = visits({"haq": 3.987, "mmt": "7x7", "ck": -123.4, "physician_global": "5,678"}, {"week": 0})
    told = [str(fault) for fault in faults([row | {"patient": "Zerlina"} for row in rows])]
    for secret in ("3.987", "7x7", "123.4", "5,678", "Zerlina"):
        assert not any(secret in line for line in told)
    assert len(told) == 4 + 2  # and two visits in one week


def test_past_twenty_rows_of_one_kind_the_others_are_counted() -> None:
    rows = [{"patient": number, "week": 0} | WHOLE | {"haq": 9, "mmt": 99} for number in range(1250)]
    with pytest.raises(BadInput) as caught:
        mp.score(rows, ADULT)
    shown = caught.value.faults
    assert caught.value.count == 2 * 1250
    for column in ("haq", "mmt"):
        mine = [fault for fault in shown if fault.column == column]
        assert [fault.row for fault in mine] == list(range(2, 22))
        assert mine[-1].found.endswith(", and so in 1,230 rows more, down to row 1251")
        assert not any("rows more" in fault.found for fault in mine[:-1])


@pytest.mark.parametrize("count", [1, 20, 21])
def test_what_is_shown_and_what_is_counted_add_up_to_every_fault(count: int) -> None:
    log = FaultLog("v.csv")
    assert not log
    for row in reversed(range(count)):
        log.add("haq", "out-of-range", "above 3", "HAQ is 0 to 3", [row + 2])
    assert log
    assert log.count == count == len(list(log.every()))
    assert [fault.row for fault in log.every()] == list(range(2, count + 2))
    shown = log.shown()
    assert len(shown) == min(count, 20)
    assert ("and so in 1 row more" in shown[-1].found) == (count == 21)


def test_logs_of_two_pieces_are_one_log_in_which_the_header_is_told_once() -> None:
    pieces = [FaultLog("v.csv"), FaultLog("v.csv")]
    for place, piece in enumerate(pieces):
        piece.add("ck_uln", "missing-column", "not there", "Add it", [1])
        piece.add("haq", "out-of-range", "above 3", "HAQ is 0 to 3", [place + 2])
        piece.add("mmt", "out-of-range", "above 80", "MMT is 0 to 80", [])
    whole = FaultLog("v.csv")
    for piece in pieces:
        whole.take(piece)
    assert [(fault.row, fault.column) for fault in whole.every()] == [(1, "ck_uln"), (2, "haq"), (3, "haq")]
    whole.rows_are(lambda place: 10 * place + 5)
    assert [fault.row for fault in whole.every()] == [1, 5, 15]


def test_every_column_of_a_file_of_visits_says_what_it_means_and_what_a_cell_may_be() -> None:
    found = {column.name: column for column in visit_columns()}
    assert list(found) == [
        *KEYS,
        *(n for one in instruments() for n in (one, *filter(None, [COMPANIONS.get(one)]))),
    ]
    for column in found.values():
        assert column.meaning
        assert column.allowed
    assert found["mmt_max"].allowed == ", ".join(map(str, instruments()["mmt"].versions[:-1])) + " or 260"
    assert "CK" in found["ck_uln"].meaning
    assert found["chq_phs_range"].allowed == "above 0"
