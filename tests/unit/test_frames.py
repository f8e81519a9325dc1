"""A table of any library goes in and comes back as the same kind with the same answers; what is no table is told so."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import myopoise as mp
from myopoise.errors import BadInput, WrongUsage
from myopoise.outcomes.patients.criteria import criteria
from myopoise.outcomes.patients.refractory_rules import refractory_rule
from myopoise.outcomes.patients.tables import counts, refractory_table, with_unknown_items

ADULT = "acr-eular-2016-adult"
VISITS: dict[str, list[Any]] = {
    "patient": ["A", "A", "B", "B"],
    "week": [0, 24, 0, 24],
    "physician_global": [6.0, 3.4, 5.0, None],
    "patient_global": [4, 4, 4, 4],
    "mmt": [60, 60, 60, 60],
    "mmt_max": [80, 80, 80, 80],
    "haq": [1, 1, 1, 1],
    "ck": [400, 400, 400, 400],
    "ck_uln": [200, 200, 200, 200],
    "extramuscular": [2, 2, 2, 2],
    "site": ["x", None, "y", "z"],
    "room": [1, None, 3, 4],
    "seen": [datetime(2020, 1, 1), None, datetime(2020, 1, 2), datetime(2020, 1, 3)],
    "fasting": [True, None, False, True],
}
# physician global improves by 2.6 of 10 cm: above 25% and up to 40%, 17.5 points
EXPECTED = [
    {
        "patient": "A",
        "week": 24.0,
        "definition": ADULT,
        "score": 17.5,
        "category": "none",
        "status": "ok",
        "enzyme": "ck",
        "reason": None,
        "site": None,
        "room": None,
        "seen": None,
        "fasting": None,
    },
    {
        "patient": "B",
        "week": 24.0,
        "definition": ADULT,
        "score": None,
        "category": None,
        "status": "not computable",
        "enzyme": "ck",
        "reason": "missing at this visit: physician_global",
        "site": "z",
        "room": 4,
        "seen": datetime(2020, 1, 3),
        "fasting": True,
    },
]


def rows_of(table: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


KINDS: dict[
    str, tuple[Callable[[dict[str, list[Any]]], Any], type, Callable[[Any], list[dict[str, Any]]]]
] = {
    "polars": (pl.DataFrame, pl.DataFrame, lambda found: found.to_dicts()),
    "polars, lazy": (pl.LazyFrame, pl.DataFrame, lambda found: found.to_dicts()),
    "pandas": (pd.DataFrame, pd.DataFrame, lambda found: found.to_dict("records")),
    "pandas, nullable": (
        lambda table: pd.DataFrame(table).convert_dtypes(),
        pd.DataFrame,
        lambda found: found.to_dict("records"),
    ),
    "Arrow": (pa.table, pa.Table, lambda found: found.to_pylist()),
    "columns": (dict, dict, rows_of),
    "rows": (rows_of, list, list),
}
everywhere = pytest.mark.parametrize("kind", KINDS)


def plain(value: Any) -> Any:
    """A cell without the ways in which libraries say nothing."""
    return (
        None
        if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
        else value
    )


# --- the same kind with the same answers --------------------------------------------------------------------


@everywhere
def test_scores_come_back_as_the_kind_of_table_that_was_given(kind: str) -> None:
    make, same, read = KINDS[kind]
    found = mp.score(make(VISITS), ADULT)
    assert isinstance(found, same)
    told = [{name: plain(row[name]) for name in EXPECTED[0]} for row in read(found)]
    assert told == EXPECTED


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "rows"])
def test_a_table_with_only_a_header_gives_scores_with_only_a_header(kind: str) -> None:
    make, same, read = KINDS[kind]
    found = mp.score(make({name: [] for name in VISITS}), ADULT)
    assert isinstance(found, same)
    assert read(found) == []
    names = found.keys() if kind == "columns" else found.column_names if kind == "Arrow" else found.columns
    assert list(names) == list(mp.score(VISITS, ADULT))


@pytest.mark.parametrize("gone", [[], ["site"]], ids=["with rows", "without rows"])
def test_text_is_text_and_numbers_are_numbers_in_pandas_whatever_is_missing(gone: list[str]) -> None:
    frame = pd.DataFrame(VISITS)
    found = mp.score(frame[:0] if gone else frame, ADULT)
    for name in ("patient", "definition", "category", "status", "enzyme", "reason"):
        assert pd.api.types.is_string_dtype(found[name]), name
    for name in ("week", "score", "score_low", "strength_points"):
        assert found[name].dtype == "float64", name


def test_whole_numbers_with_one_missing_stay_whole_in_arrow_and_polars() -> None:
    assert mp.score(pa.table(VISITS), ADULT).schema.field("room").type == pa.int64()
    assert mp.score(pl.DataFrame(VISITS), ADULT).schema["room"] == pl.Int64


@everywhere
def test_a_patient_who_is_not_named_is_a_fault_and_not_called_nan(kind: str) -> None:
    make, *_ = KINDS[kind]
    with pytest.raises(BadInput) as caught:
        mp.score(make(VISITS | {"patient": [1, 1, None, 2]}), ADULT)
    assert [(fault.row, fault.column, fault.kind) for fault in caught.value.faults] == [
        (4, "patient", "empty")
    ]


@everywhere
def test_a_column_of_nothing_is_not_a_second_instrument(kind: str) -> None:
    make, _, read = KINDS[kind]
    juvenile = "acr-eular-2016-jdm-imacs"  # strength is MMT or CMAS, fixed for the run
    found = mp.score(make(VISITS | {"chaq": VISITS["haq"], "cmas": [math.nan] * 4}), juvenile)
    without = mp.score(make(VISITS | {"chaq": VISITS["haq"]}), juvenile)
    assert [plain(row["score"]) for row in read(found)] == [plain(row["score"]) for row in read(without)]


def test_exact_decimals_and_categories_of_pandas_are_read_as_what_they_say() -> None:
    decimals = VISITS | {"physician_global": [Decimal("6"), Decimal("3.4"), Decimal("5"), None]}
    assert mp.score(decimals, ADULT) == mp.score(VISITS, ADULT)
    frame = pd.DataFrame(VISITS).astype({"patient": "category"})
    assert list(mp.score(frame, ADULT)["patient"]) == ["A", "B"]


# --- faults -------------------------------------------------------------------------------------------------


@everywhere
def test_every_fault_is_told_with_its_row_counted_from_2_or_its_visit_left_out(kind: str) -> None:
    make, _, read = KINDS[kind]
    broken = make(VISITS | {"haq": [1.0, 3.5, 1.0, -1.0]})
    with pytest.raises(BadInput) as caught:
        mp.score(broken, ADULT)
    assert [(f.file, f.row, f.column, f.found) for f in caught.value.faults] == [
        ("visits", 3, "haq", "above 3"),
        ("visits", 5, "haq", "below 0"),
    ]
    with pytest.warns(UserWarning, match="^2 visits with a fault were left out.$"):
        assert read(mp.score(broken, ADULT, on_fault="skip")) == []
    with pytest.warns(UserWarning, match="^1 visit with a fault was left out.$"):
        found = read(mp.score(make(VISITS | {"haq": [1, 1, 1, 9]}), ADULT, on_fault="skip"))
    assert [row["patient"] for row in found] == ["A"]


WRONG = [[1], object(), "1,5", "x", math.inf]


@pytest.mark.parametrize("value", WRONG, ids=["list", "object", "comma", "text", "infinite"])
def test_what_is_not_a_number_is_one_fault_of_its_cell(value: Any) -> None:
    cells = (
        pl.Series([None, value, None, None], dtype=pl.Object) if type(value) is object else [1, 1, 1, value]
    )
    if isinstance(value, list):
        cells = [None, None, None, value]
    with pytest.raises(BadInput) as caught:
        mp.score(VISITS | {"haq": cells}, ADULT)
    (fault,) = caught.value.faults
    assert fault.column == "haq"
    assert fault.kind == ("decimal-comma" if value == "1,5" else "not-a-number")


def test_a_table_that_does_not_say_who_and_when_names_both_columns() -> None:
    for table in ([], {"mmt": [1]}, [3, 4]):
        with pytest.raises(BadInput) as caught:
            mp.score(table, ADULT)
        assert [(fault.row, fault.column) for fault in caught.value.faults] == [(1, "patient"), (1, "week")]


@pytest.mark.parametrize("table", [3, "visits.csv", pl.Series([1]), None])
def test_what_is_no_table_is_a_wrong_usage_that_names_what_may_be_given(table: Any) -> None:
    with pytest.raises(WrongUsage, match=rf"of the type {type(table).__name__}\. Give a dataframe \(polars"):
        mp.score(table, ADULT)
    with pytest.raises(WrongUsage, match="of the type"):
        mp.classify(table)


def test_columns_of_different_lengths_are_no_table() -> None:
    with pytest.raises(WrongUsage, match="of one length"):
        mp.score({"patient": ["A", "A"], "week": [0]}, ADULT)


def test_there_are_two_ways_with_faults_and_a_third_is_refused() -> None:
    with pytest.raises(WrongUsage, match=r"'ignore' is not a way with faults\. Choose one of stop, skip\."):
        mp.score(VISITS, ADULT, on_fault="ignore")


# --- one row a patient --------------------------------------------------------------------------------------

ITEMS = criteria("eular-acr-2017").columns


def patients(names: list[Any], **cells: list[Any]) -> dict[str, list[Any]]:
    adult = {"age_at_onset": [40] * len(names)}
    return {"patient": names} | {name: [0] * len(names) for name in ITEMS} | adult | cells


@everywhere
def test_classes_come_back_as_the_kind_of_table_that_was_given(kind: str) -> None:
    make, same, read = KINDS[kind]
    found = mp.classify(make(patients([1, 2], dysphagia=[0, None])))
    assert isinstance(found, pl.DataFrame if kind == "polars, lazy" else same)
    first, second = read(found)
    assert (first["patient"], second["patient"]) == ("1", "2")
    assert first["probability_min"] == first["probability_max"] == second["probability_min"]
    assert second["probability_min"] < second["probability_max"]


def test_patients_with_unknown_items_are_counted_and_so_is_every_word() -> None:
    found = mp.classify(pl.DataFrame(patients(["a", "b", "c"], dysphagia=[0, None, None])))
    assert with_unknown_items(found) == 2
    words = counts(pl.DataFrame({"answer": ["yes", None, "no", "yes"]}), "answer", "unknown")
    assert words == {"no": 1, "unknown": 1, "yes": 2}


def test_a_patient_twice_or_without_a_name_is_a_fault_of_every_such_row() -> None:
    with pytest.raises(BadInput) as caught:
        mp.classify(pd.DataFrame(patients([1, 2, 1, None, None])))
    assert [(f.row, f.column, f.kind) for f in caught.value.faults] == [
        (2, "patient", "second-row"),
        (4, "patient", "second-row"),
        (5, "patient", "empty"),
        (6, "patient", "empty"),
    ]


def test_the_faults_of_a_patient_are_told_with_those_of_the_criteria() -> None:
    with pytest.raises(BadInput) as caught:
        mp.classify(patients(["a", "b"], dysphagia=["perhaps", 0], biopsy=[0, 7]))
    assert {(f.row, f.column) for f in caught.value.faults} == {(2, "dysphagia"), (3, "biopsy")}
    with pytest.raises(BadInput, match="patients, row 1, patient: the column is not there"):
        mp.classify({name: [0] for name in ITEMS})


def test_a_column_that_the_criteria_ask_for_and_the_table_lacks_is_a_fault_of_the_header() -> None:
    table = patients(["a", "b"], biopsy=[0, 7])
    del table["dysphagia"]
    with pytest.raises(BadInput) as caught:
        mp.classify(table)
    assert [(f.row, f.column) for f in caught.value.faults] == [(1, "dysphagia"), (3, "biopsy")]


def test_a_rule_of_refractory_disease_reads_the_same_table_and_tells_the_same_faults() -> None:
    rule = refractory_rule("brazil")
    table: dict[str, Any] = {"patient": [1.0, 2.0]} | {name: [0, 0] for name in rule.columns}
    found = refractory_table(pl.DataFrame(table), rule.name, "p.csv")
    assert found["patient"].to_list() == ["1", "2"]
    assert found["result"].dtype == pl.String
    with pytest.raises(BadInput, match=r"p\.csv, row 3, patient: the patient is not named"):
        refractory_table(pl.DataFrame(table | {"patient": ["a", ""]}), rule.name, "p.csv")
