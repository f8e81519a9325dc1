"""A file is scored in pieces, or several times for shares of its patients, and nobody can tell from the answer."""

from __future__ import annotations

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import myopoise as mp
from myopoise.errors import BadInput
from myopoise.outcomes import scoring
from myopoise.outcomes.courses import course_levels, course_times
from myopoise.outcomes.definitions import definition
from myopoise.outcomes.files.formats import Source, open_source
from myopoise.outcomes.pictures import MOST_BARS, QUANTILES, waterfall
from myopoise.outcomes.plan import Plan, plan_for
from myopoise.outcomes.running import TIMES, Outputs, Run, faults_path, score_file
from myopoise.outcomes.score_tables import DETAILS, POINTS, SCORES
from myopoise.outcomes.scoring import Tally, score_table
from myopoise.outcomes.visits import FaultLog

ADULT = "acr-eular-2016-adult"
COLUMNS = (
    *("physician_global", "patient_global", "extramuscular", "mmt", "mmt_max", "haq", "chaq"),
    *("ck", "ck_uln", "alt", "alt_uln", "cmas"),
)


def cohort(patients: int = 12, seed: int = 7) -> list[dict[str, Any]]:
    """Courses of one to five visits, some with a missing measure, in the order of patients and weeks."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(patients):
        for visit in range(1 + number % 5):
            row: dict[str, Any] = {"patient": f"P{number}", "week": 12 * visit, "site": f"s{number % 3}"}
            row |= {name: int(rng.integers(0, 101)) / 10 for name in COLUMNS[:3]}
            row |= {"mmt": int(rng.integers(0, 81)), "mmt_max": 80}
            row |= {name: int(rng.integers(0, 25)) / 8 for name in ("haq", "chaq")}
            row |= {"ck": int(rng.integers(50, 4000)), "ck_uln": 200}
            row |= {"alt": int(rng.integers(5, 800)), "alt_uln": 40, "cmas": int(rng.integers(0, 53))}
            if rng.random() < 0.2:
                row[COLUMNS[int(rng.integers(0, 3))]] = None
            rows.append(row)
    return rows


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["patient", "week", "site", *COLUMNS])
        table.writeheader()
        table.writerows(rows)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plan(name: str = ADULT, **more: Any) -> Plan:
    return plan_for(name, [name for name in COLUMNS if name != "cmas"], **more)


def ran(folder: Path, rows: list[dict[str, Any]], used: Plan | None = None, **more: Any) -> Run:
    """SCORES, details and times of visits, written beside them."""
    outputs = Outputs(*(folder / f"{name}.csv" for name in ("scores", "details", "times")))
    source = open_source(written(folder / "visits.csv", rows))
    return score_file(source, used or plan(), outputs, passed=("site",), **more)


def shuffled(rows: list[dict[str, Any]], seed: int = 3) -> list[dict[str, Any]]:
    return [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]


def by_visit(path: Path) -> list[tuple[str, ...]]:
    return sorted(tuple(row.values()) for row in read(path))


# --- pieces of a file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 7, 30])
@pytest.mark.parametrize("name", [ADULT, "imacs-doi-2004", "proderm-deterioration", "printo-inactive-2012"])
def test_pieces_of_any_size_give_the_same_bytes_and_the_same_counts(
    size: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / "whole", tmp_path / "pieces"]
    runs = []
    for folder, pieces in zip(folders, (131_072, size), strict=True):
        folder.mkdir()
        monkeypatch.setattr(scoring, "SIZE", pieces)
        runs.append(ran(folder, cohort(), plan(name)))
    for file in ("scores.csv", "details.csv", "times.csv"):
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()
    assert runs[0].tally == runs[1].tally
    assert sum(runs[1].answers.values()) == runs[1].tally.rows == len(read(folders[1] / "scores.csv"))


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_file_is_scored_as_a_table_in_memory_is(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "SIZE", size)
    kept = ran(tmp_path, cohort(), keep=True).kept
    assert kept is not None
    assert kept.equals(mp.score(pl.DataFrame(cohort()), ADULT))
    assert kept.columns == [*SCORES, "site"]


@pytest.mark.parametrize("share", [1, 5, 13, 4_000_000])
def test_rows_of_a_patient_may_stand_anywhere(
    share: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, scattered = tmp_path / "together", tmp_path / "scattered"
    together.mkdir()
    scattered.mkdir()
    expected = ran(together, cohort())
    monkeypatch.setattr(scoring, "SHARE", share)
    monkeypatch.setattr(scoring, "SIZE", 4)
    found = ran(scattered, shuffled(cohort()))
    for file in ("scores.csv", "details.csv", "times.csv"):
        assert by_visit(scattered / file) == by_visit(together / file)
    assert found.tally == expected.tally


@pytest.mark.parametrize("size", [2, 5, 1000])
def test_the_reader_is_told_of_every_row_once(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "SIZE", size)
    seen: list[int] = []
    ran(tmp_path, cohort(), advance=seen.append)
    assert sum(seen) == len(cohort())
    assert max(seen) <= size


def test_a_patient_seen_once_and_visits_before_baseline_are_counted(tmp_path: Path) -> None:
    rows = cohort(10)
    tally = ran(tmp_path, rows, plan(baseline_week=12)).tally
    weeks = {
        name: [row["week"] for row in rows if row["patient"] == name] for name in (f"P{n}" for n in range(10))
    }
    assert tally.before_baseline == sum(week < 12 for found in weeks.values() for week in found)
    assert tally.baseline_only == sum(not any(week > 12 for week in found) for found in weeks.values())
    assert tally.rows == sum(week > 12 for found in weeks.values() for week in found)
    assert (tally.patients, tally.visits) == (10, len(rows))


def test_bounds_that_disagree_are_an_answer_of_their_own(tmp_path: Path) -> None:
    run = ran(tmp_path, cohort(40), plan(missing="bounds"))
    rows = read(tmp_path / "scores.csv")
    unsettled = sum(row["status"] == "bounded" and not row["category"] for row in rows)
    assert unsettled > 0
    assert run.answers["bounds disagree"] == unsettled
    assert sum(run.answers.values()) == len(rows)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_with_only_a_header_is_refused_before_a_file_is_written(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"visits.{suffix}"
    frame = pl.DataFrame(cohort()).clear()
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    with pytest.raises(BadInput, match="there is no row below the header"):
        score_file(open_source(path), plan(), Outputs(tmp_path / "scores.csv"))
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_source_without_rows_has_no_pieces() -> None:
    empty = Source("none.csv", ("patient", "week"), lambda columns, size: iter(()))
    log, tally = FaultLog("none.csv"), Tally()
    assert list(scoring.score_chunks(empty, plan(), log, tally)) == []
    assert list(scoring.score_shares(empty, plan(), log, tally, 0)) == []
    assert (log.count, tally) == (0, Tally())


def test_scores_alone_are_written_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "visits.csv", cohort())
    run = score_file(open_source(path), plan(), Outputs(tmp_path / "scores.csv"))
    assert run.paths == (tmp_path / "scores.csv",)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["scores.csv", "visits.csv"]


# --- what stands beside the scores --------------------------------------------------------------------------


def test_details_stand_in_the_order_of_the_definition_and_add_up_to_the_score(tmp_path: Path) -> None:
    ran(tmp_path, cohort())
    details = read(tmp_path / "details.csv")
    assert tuple(details[0]) == DETAILS
    domains = definition(ADULT).domains
    for place, score in enumerate(read(tmp_path / "scores.csv")):
        mine = details[6 * place : 6 * place + 6]
        assert [row["measure"] for row in mine] == list(domains)
        assert {(row["patient"], row["week"]) for row in mine} == {(score["patient"], score["week"])}
        assert [row["points"] for row in mine] == [score[name] for name in POINTS]
        if score["status"] == "ok":
            assert sum(float(row["points"]) for row in mine) == float(score["score"])


def test_details_are_the_arithmetic_of_the_two_visits(tmp_path: Path) -> None:
    rows = cohort()
    ran(tmp_path, rows)
    visits = {(row["patient"], row["week"]): row for row in rows}
    seen = set()
    for row in read(tmp_path / "details.csv"):
        if not row["change_percent_of_range"]:
            continue
        name, seen_now = row["instrument"], visits[row["patient"], float(row["week"])]
        start = visits[row["patient"], 0]
        limits = [Fraction(one[f"{name}_uln"]) if row["unit"] == "× ULN" else 1 for one in (start, seen_now)]
        values = [
            Fraction(str(one[name])) / limit for one, limit in zip((start, seen_now), limits, strict=True)
        ]
        assert float(row["baseline"]) == pytest.approx(float(values[0]), abs=1e-9)
        assert float(row["followup"]) == pytest.approx(float(values[1]), abs=1e-9)
        gain = (values[1] - values[0]) * (1 if name == "mmt" else -1)
        percent = 100 * gain / Fraction(row["range"])
        assert float(row["change_percent_of_range"]) == pytest.approx(float(percent), abs=1e-6)
        seen.add(name)
    assert seen == {"physician_global", "patient_global", "extramuscular", "mmt", "haq", "ck", "alt"}


def test_details_of_a_rule_show_what_was_read_and_no_points(tmp_path: Path) -> None:
    ran(tmp_path, cohort(), plan("imacs-doi-2004"))
    details = read(tmp_path / "details.csv")
    assert {(row["range"], row["change_percent_of_range"], row["points"]) for row in details} == {
        ("", "", "")
    }
    assert {row["instrument"] for row in details if row["baseline"]} >= {"mmt", "haq", "ck"}


def test_times_of_a_patient_are_those_of_the_course_of_categories(tmp_path: Path) -> None:
    ran(tmp_path, cohort(30), plan(missing="bounds"))
    times, scores = read(tmp_path / "times.csv"), read(tmp_path / "scores.csv")
    assert tuple(times[0]) == TIMES
    assert {row["patient"] for row in times} == {row["patient"] for row in scores}
    for level in course_levels(definition(ADULT)):
        for row in (row for row in times if row["level"] == level.word):
            course = [
                (float(one["week"]), one["category"]) for one in scores if one["patient"] == row["patient"]
            ]
            expected = course_times(course, level, baseline_week=0)
            for name in TIMES[4:]:
                told = getattr(expected, name)
                assert row[name] == ("" if told is None else f"{told:g}")


def test_a_few_exact_scores_among_thousands_of_bounds_leave_the_one_in_the_middle(tmp_path: Path) -> None:
    bounded = MOST_BARS + 500 - 3
    scores: list[tuple[float, float]] = [(10, 10), (40, 40), (90, 90), *[(0.0, 60.0)] * bounded]
    columns = {
        "patient": list(range(len(scores))),
        "week": [12.0] * len(scores),
        "definition": [ADULT] * len(scores),
        "status": ["ok"] * 3 + ["bounded"] * bounded,
        "category": ["none", "moderate", "major", *[None] * bounded],
        "score": [10.0, 40.0, 90.0, *[None] * bounded],
        "score_low": [low for low, _ in scores],
        "score_high": [high for _, high in scores],
    }
    cuts = [(one.name, float(one.start)) for one in definition(ADULT).categories]
    found = waterfall(columns, cuts=cuts, arm=None, week=12)
    assert found is not None
    (panel,) = found.panels
    assert (panel.scored, panel.bounded) == (3, bounded)
    assert [(bar.low, bar.category) for bar in panel.bars] == [(40, "moderate")]  # 3 of 2,500 are 1 of 500
    assert len(panel.ranges) == pytest.approx(QUANTILES * bounded / len(scores), abs=1)


# --- faults -------------------------------------------------------------------------------------------------


def broken() -> tuple[list[dict[str, Any]], set[tuple[int, str]]]:
    """Visits with faults, and the rows and columns where they are."""
    rows = cohort()
    for place, name, value in ((4, "haq", 3.5), (11, "mmt", "x"), (20, "patient", ""), (29, "week", None)):
        rows[place] = rows[place] | {name: value}
    return rows, {(6, "haq"), (13, "mmt"), (22, "patient"), (31, "week")}


def as_is(rows: list[dict[str, Any]]) -> list[int]:
    return list(range(len(rows)))


def mixed(rows: list[dict[str, Any]]) -> list[int]:
    return list(map(int, np.random.default_rng(5).permutation(len(rows))))


@pytest.mark.parametrize("order", [as_is, mixed])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_fault_carries_its_row_however_the_file_is_cut(
    size: int, order: Callable[..., list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, faults = broken()
    places = order(rows)
    monkeypatch.setattr(scoring, "SIZE", size)
    monkeypatch.setattr(scoring, "SHARE", 9)
    with pytest.raises(BadInput) as caught:
        ran(tmp_path, [rows[place] for place in places])
    moved = {(places.index(row - 2) + 2, column) for row, column in faults}
    assert {(fault.row, fault.column) for fault in caught.value.faults} == moved
    assert caught.value.count == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["visits.csv"]


@pytest.mark.parametrize("order", [as_is, mixed])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_skipped_faults_leave_their_visits_out_and_stand_beside_the_scores(
    size: int, order: Callable[..., list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, faults = broken()
    places = order(rows)
    monkeypatch.setattr(scoring, "SIZE", size)
    monkeypatch.setattr(scoring, "SHARE", 9)
    run = ran(tmp_path, [rows[place] for place in places], skip_faults=True)
    beside = faults_path(tmp_path / "scores.csv")
    assert run.paths == (*(tmp_path / f"{n}.csv" for n in ("scores", "details", "times")), beside)
    assert {(int(row["row"]), row["column"]) for row in read(beside)} == {
        (places.index(row - 2) + 2, column) for row, column in faults
    }
    assert run.tally.left_out == len(faults)
    named = {(row["patient"], row["week"]) for row in rows}
    assert {(row["patient"], float(row["week"])) for row in read(tmp_path / "scores.csv")} <= named
    left = {(rows[row - 2]["patient"], rows[row - 2]["week"]) for row, _ in faults}
    assert not left & {(row["patient"], float(row["week"])) for row in read(tmp_path / "scores.csv")}


def test_without_a_fault_nothing_stands_beside_the_scores(tmp_path: Path) -> None:
    run = ran(tmp_path, cohort(), skip_faults=True)
    assert not faults_path(tmp_path / "scores.csv").exists()
    assert {path.name for path in run.paths} | {"visits.csv"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("column", ["haq", "week"])
def test_a_patient_whose_baseline_has_a_fault_has_visits_and_no_baseline(column: str, tmp_path: Path) -> None:
    rows = [row for row in cohort() if row["patient"] == "P4"]
    first, *later = rows
    ran(tmp_path, [first | {column: "?"}, *later], skip_faults=True)
    found = read(tmp_path / "scores.csv")
    assert [float(row["week"]) for row in found] == [row["week"] for row in later]
    assert {(row["status"], row["reason"]) for row in found} == {("not computable", "no baseline visit")}


def test_a_fault_at_a_later_visit_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    rows = [row for row in cohort() if row["patient"] == "P4"]
    spoilt = [*rows[:2], rows[2] | {"haq": "?"}, *rows[3:]]
    for folder, visits in (("a", [*rows[:2], *rows[3:]]), ("b", spoilt)):
        (tmp_path / folder).mkdir()
        ran(tmp_path / folder, visits, skip_faults=True)
    assert read(tmp_path / "a" / "scores.csv") == read(tmp_path / "b" / "scores.csv")


def test_a_fault_of_the_header_is_told_once_for_all_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "SIZE", 2)
    frame = pl.DataFrame(cohort()).drop("ck_uln")
    path = tmp_path / "visits.csv"
    frame.write_csv(path)
    with pytest.raises(BadInput) as caught:
        score_file(open_source(path), plan(), Outputs(tmp_path / "scores.csv"))
    assert [(f.row, f.column, f.kind) for f in caught.value.faults] == [(1, "ck_uln", "missing-column")]
    assert not (tmp_path / "scores.csv").exists()


def test_a_table_tells_the_rows_it_was_told() -> None:
    rows, _ = broken()
    log = FaultLog("visits")
    frame = pl.DataFrame(rows[4:5])
    score_table(frame, plan(), log, Tally(), np.array([6]))
    assert [(fault.row, fault.column) for fault in log.every()] == [(6, "haq")]
