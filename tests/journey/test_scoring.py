"""A file of visits goes in; SCORES comes out, or every fault with its place and remedy and no file at all."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

FAULTS = Path(__file__).parents[1] / "data" / "outcomes" / "faults"
ADULT = ("--definition", "acr-eular-2016-adult")
EXPECTED = {
    "not-a-number": [(3, "haq")],
    "decimal-comma": [(3, "physician_global")],
    "out-of-range": [(4, "physician_global")],
    "above-its-maximum": [(4, "mmt")],
    "below-zero": [(4, "ck")],
    "missing-uln": [(2, "ck_uln")],
    "uln-of-zero": [(2, "ck_uln")],
    "missing-mmt-max": [(2, "mmt_max")],
    "unknown-version": [(2, "mmt_max")],
    "mixed-versions": [(2, "mmt_max"), (3, "mmt_max")],
    "second-baseline": [(2, "week"), (3, "week")],
    "duplicate-visit": [(5, "week"), (6, "week")],
    "no-patient": [(3, "patient")],
    "no-week": [(3, "week")],
    "infinite": [(3, "physician_global")],
    "no-week-column": [(1, "week")],
    "no-mmt-max-column": [(1, "mmt_max")],
}
VISITS = """patient,arm,week,physician_global,patient_global,mmt,mmt_max,haq,ck,ck_uln,alt,alt_uln,extramuscular
A,x,0,5,5,70,80,1,800,200,300,40,3
A,x,24,3,6,75,80,0.75,770,200,285,40,2.6
B,y,0,2.2,1.1,60,80,1,400,200,,,2
B,y,24,0.7,0.6,68,80,1,400,200,,,2
B,y,52,0.7,,68,80,1,400,200,,,2
"""
SCORES = (
    "patient,week,definition,score,category,status,enzyme,physician_global_points,patient_global_points,"
    "strength_points,function_points,enzyme_points,extramuscular_points,score_low,score_high,reason"
)


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "myopoise", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    path = tmp_path / "visits.csv"
    path.write_text(VISITS, encoding="utf-8")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- what goes well ---------------------------------------------------------------------------------------


def test_scores_has_the_promised_columns_and_what_passed_through(visits: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    done = run("score", visits, *ADULT, "--out", out)
    assert done.returncode == 0, done.stderr
    assert out.read_text(encoding="utf-8").splitlines()[0] == f"{SCORES},arm"
    assert [
        (r["patient"], r["week"], r["score"], r["category"], r["status"], r["enzyme"], r["arm"])
        for r in rows(out)
    ] == [
        ("A", "24", "32.5", "minimal", "ok", "alt", "x"),
        ("B", "24", "17.5", "none", "ok", "ck", "y"),
        ("B", "52", "", "", "not computable", "ck", "y"),
    ]
    assert rows(out)[2]["reason"] == "missing at this visit: patient_global"
    assert "15 × ULN (SECONDARY)" in done.stdout


def test_bounds_give_a_category_only_where_both_agree(visits: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    assert run("score", visits, *ADULT, "--out", out, "--missing", "bounds").returncode == 0
    last = rows(out)[2]
    assert (last["status"], last["score"], last["score_low"], last["score_high"]) == (
        "bounded",
        "",
        "17.5",
        "27.5",
    )
    assert last["category"] == ""


def test_the_same_visits_give_the_same_bytes_and_the_same_table_in_every_format(
    visits: Path, tmp_path: Path
) -> None:
    for name in ("a.csv", "b.csv"):
        assert run("score", visits, *ADULT, "--out", tmp_path / name).returncode == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    for name in ("c.parquet", "d.xlsx"):
        assert run("score", visits, *ADULT, "--out", tmp_path / name).returncode == 0
    parquet = pl.read_parquet(tmp_path / "c.parquet")
    text = pl.read_csv(tmp_path / "a.csv", schema=parquet.schema)
    assert parquet.equals(text)
    sheet = CalamineWorkbook.from_path(tmp_path / "d.xlsx").get_sheet_by_index(0).to_python()
    assert sheet[0] == parquet.columns
    assert [[value if value != "" else None for value in row] for row in sheet[1:]] == [
        list(row) for row in parquet.rows()
    ]


def test_json_is_one_document_and_names_what_was_fixed(visits: Path, tmp_path: Path) -> None:
    done = run("score", visits, *ADULT, "--out", tmp_path / "scores.csv", "--json")
    told = json.loads(done.stdout)
    assert told["rows"] == 3
    assert told["category"] == {"none": 1, "minimal": 1, "moderate": 0, "major": 0}
    assert told["enzyme_ranges"]["ck"] == {"times_uln": 15.0, "status": "SECONDARY"}
    assert told["status"] == {"ok": 2, "not computable": 1, "bounded": 0}


def test_details_times_and_pictures_are_written_beside(visits: Path, tmp_path: Path) -> None:
    plots = tmp_path / "plots"
    more = ("--details", tmp_path / "details.csv", "--times", tmp_path / "times.csv", "--plot", plots)
    assert run("score", visits, *ADULT, "--out", tmp_path / "scores.csv", *more).returncode == 0
    details = {(r["patient"], r["week"], r["measure"]): r for r in rows(tmp_path / "details.csv")}
    assert details["A", "24", "enzyme"]["change_percent_of_range"] == "12.5"
    assert details["B", "24", "physician_global"]["points"] == "7.5"
    times = {(r["patient"], r["level"]): r["weeks_to_first"] for r in rows(tmp_path / "times.csv")}
    assert times["A", "minimal"] == "24"
    assert {path.name for path in plots.iterdir()} == {"waterfall.svg", "categories.svg", "course.svg"}


def test_rows_of_a_patient_may_stand_anywhere(visits: Path, tmp_path: Path) -> None:
    header, *lines = VISITS.splitlines()
    scattered = tmp_path / "scattered.csv"
    scattered.write_text(
        "\n".join([header, *(lines[place] for place in (4, 0, 3, 1, 2))]) + "\n", encoding="utf-8"
    )
    for path, out in ((visits, "a.csv"), (scattered, "b.csv")):
        assert run("score", path, *ADULT, "--out", tmp_path / out).returncode == 0
    key = ("patient", "week")
    tables = [{tuple(r[k] for k in key): r for r in rows(tmp_path / out)} for out in ("a.csv", "b.csv")]
    assert tables[0] == tables[1]


# --- what goes wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_fault_is_named_with_its_place_and_no_file_appears(kind: str, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    done = run("score", FAULTS / f"{kind}.csv", *ADULT, "--out", out)
    assert done.returncode == 3
    first, *told = done.stderr.splitlines()
    noun = "fault" if len(EXPECTED[kind]) == 1 else "faults"
    assert first == f"myopoise: {kind}.csv: {len(EXPECTED[kind])} {noun}, nothing was read."
    assert [line.split(": ")[0] for line in told] == [
        f"{kind}.csv, row {row}, {column}" for row, column in EXPECTED[kind]
    ]
    assert list(tmp_path.iterdir()) == []


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    lines = [
        (FAULTS / f"{kind}.csv").read_text(encoding="utf-8").splitlines()
        for kind in ("missing-uln", "out-of-range")
    ]
    path = tmp_path / "visits.csv"
    path.write_text(
        "\n".join([lines[0][0], lines[0][1], lines[0][2], *lines[1][3:]]) + "\n", encoding="utf-8"
    )
    done = run("score", path, *ADULT, "--out", tmp_path / "scores.csv")
    assert done.stderr.startswith("myopoise: visits.csv: 2 faults")


def test_a_message_never_holds_a_value_or_a_patient(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    secret = (
        VISITS.replace("A,x,24,3,", "A,x,24,333,")
        .replace("A,", "Anna-1957,")
        .replace("0.7,0.6", "0.7,text-77")
    )
    path.write_text(secret, encoding="utf-8")
    done = run("score", path, *ADULT, "--out", tmp_path / "scores.csv")
    assert done.returncode == 3
    assert not any(word in done.stderr + done.stdout for word in ("333", "Anna", "1957", "text-77"))


def test_skipping_scores_the_rest_and_writes_the_faults_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    done = run("score", FAULTS / "not-a-number.csv", *ADULT, "--out", out, "--on-fault", "skip")
    assert done.returncode == 0
    assert [(row["patient"], row["status"]) for row in rows(out)] == [("P2", "ok")]
    assert [(r["row"], r["column"], r["kind"]) for r in rows(tmp_path / "scores.faults.csv")] == [
        ("3", "haq", "not-a-number")
    ]


def test_a_patient_whose_baseline_has_a_fault_is_not_compared_with_a_later_visit(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    assert (
        run("score", FAULTS / "missing-uln.csv", *ADULT, "--out", out, "--on-fault", "skip").returncode == 0
    )
    told = {row["patient"]: (row["week"], row["status"], row["reason"]) for row in rows(out)}
    assert told["P1"] == ("12", "not computable", "no baseline visit")


def test_a_choice_that_the_protocol_must_make_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("patient,week,mmt,mmt_max,cmas\nA,0,60,80,30\nA,12,70,80,40\n", encoding="utf-8")
    command = ("score", path, "--definition", "acr-eular-2016-jdm-imacs", "--out", tmp_path / "s.csv")
    done = run(*command)
    assert done.returncode == 2
    assert "--instrument strength=cmas" in done.stderr
    assert run(*command, "--instrument", "strength=cmas").returncode == 0


def test_a_file_is_never_written_over_the_visits(visits: Path) -> None:
    done = run("score", visits, *ADULT, "--out", visits)
    assert done.returncode == 2
    assert visits.read_text(encoding="utf-8") == VISITS


def test_a_table_that_sas_transport_cannot_hold_is_refused_before_anything_is_scored(visits: Path) -> None:
    done = run(
        "score", visits, *ADULT, "--out", visits.with_name("s.csv"), "--times", visits.with_name("t.xpt")
    )
    assert done.returncode == 2
    assert ".xpt is for SCORES" in done.stderr
    assert [path.name for path in visits.parent.iterdir()] == ["visits.csv"]
