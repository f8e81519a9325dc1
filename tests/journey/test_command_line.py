"""A person's paths through the command line: what goes in, what comes out, and how it ends."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from myopoise.vocabulary import Level

ENVIRONMENT = {**os.environ, "SOURCE_DATE_EPOCH": "1764000000", "PYTHONWARNINGS": "error"}


def myopoise(*words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    found = subprocess.run(
        [sys.executable, "-m", "myopoise", *words],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert found.returncode == expect, found.stderr
    assert "Traceback" not in found.stderr
    return found


def test_help_and_version_say_what_it_is_not() -> None:
    assert "never makes it" in myopoise("--help").stdout
    assert "not a medical device" in myopoise("--version").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("repor",),
        ("report", "--as-of", "2077"),
        ("report", "--as-of", "soon"),
        ("evidence", "show"),
        ("evidence", "show", "odis-2013"),
        ("evidence", "list", "--treatment", "ritux"),
        ("evidence", "list", "--seed", "--design", "rct"),
        ("evidence", "check", "no-such-folder"),
        ("evidence", "export", "--out", "x", "--format", "docx"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_one_clean_message(words: tuple[str, ...]) -> None:
    found = myopoise(*words, expect=2)
    assert found.stdout == ""
    assert found.stderr.strip()


def test_a_misspelt_study_is_answered_with_the_right_one() -> None:
    assert "oddis-2013" in myopoise("evidence", "show", "odis-2013", expect=2).stderr


def test_a_report_is_a_page_a_document_and_an_answer_and_the_same_bytes_twice(tmp_path: Path) -> None:
    first = myopoise("report", "--as-of", "1994", "--out", str(tmp_path / "one"))
    myopoise("report", "--as-of", "1994", "--out", str(tmp_path / "two"))
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["report.html", "report.json", "report.schema.json"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert "Dermatomyositis" in first.stdout
    assert "IVIG" in first.stdout
    assert "as known at the end of 1994" in first.stdout.replace("\n", " ")


def test_json_is_one_document_and_nothing_else(tmp_path: Path) -> None:
    found = myopoise("report", "--as-of", "1974", "--out", str(tmp_path), "--json")
    document = json.loads(found.stdout)
    assert document["generated_at"] == "2025-11-24T16:00:00Z"
    assert document == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))


def test_before_the_first_study_the_report_says_there_is_no_evidence(tmp_path: Path) -> None:
    found = myopoise("report", "--as-of", "1960", "--out", str(tmp_path))
    assert "no evidence" in found.stdout.lower()


def test_a_quick_report_leaves_out_what_drives_the_answer(tmp_path: Path) -> None:
    whole = json.loads(myopoise("report", "--as-of", "1994", "--out", str(tmp_path), "--json").stdout)
    quick = json.loads(
        myopoise("report", "--as-of", "1994", "--quick", "--out", str(tmp_path), "--json").stdout
    )
    assert quick["drives"] is None
    assert {t["assumption"] for t in whole["drives"]["turned"]} <= set(whole["drives"]["assumptions"])
    assert whole["drives"]["checks"]
    assert quick["answers"] == whole["answers"]
    assert "What drives this answer" not in (tmp_path / "report.html").read_text("utf-8")


def test_the_selection_that_was_used_can_be_written(tmp_path: Path) -> None:
    myopoise("evidence", "select", "--out", str(tmp_path / "selection"))
    with (tmp_path / "selection" / "rows.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert all(any(row[f"ge_{level}"] for level in Level) or row["mean"] for row in rows)
    assert {"study", "arm", "definition", "share_DM", "ge_minimal", "outcome_ids"} <= set(rows[0])
    excluded = (tmp_path / "selection" / "excluded.csv").read_text(encoding="utf-8")
    assert "levine-2005" in {row["study"] for row in rows}
    assert "al-mayouf-2000" in excluded


def test_the_shipped_evidence_checks_clean_and_round_trips(tmp_path: Path) -> None:
    myopoise("evidence", "export", "--out", str(tmp_path / "tables"))
    assert "219 studies" in myopoise("evidence", "check", str(tmp_path / "tables")).stdout
    assert json.loads(myopoise("evidence", "check", str(tmp_path / "tables"), "--json").stdout) == []


def test_a_missing_component_ends_with_5_and_says_what_to_install(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "xlsxwriter.py").write_text("raise ModuleNotFoundError(name='xlsxwriter')", encoding="utf-8")
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "myopoise",
            "evidence",
            "export",
            "--out",
            str(tmp_path / "x"),
            "--format",
            "xlsx",
        ],
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, "PYTHONPATH": str(blocked)},
        check=False,
    )
    assert found.returncode == 5
    assert "myopoise[excel]" in found.stderr
    assert not (tmp_path / "x").exists()


def test_evidence_lists_are_json_for_machines() -> None:
    studies = json.loads(myopoise("evidence", "list", "--treatment", "rituximab", "--json").stdout)
    assert any(study["study_id"] == "oddis-2013" for study in studies)
    seeds = json.loads(myopoise("evidence", "list", "--seed", "--json").stdout)
    assert len(seeds) == 50
    card = json.loads(myopoise("evidence", "show", "aggarwal-2022", "--json").stdout)
    assert card["study_id"] == "aggarwal-2022"


def test_a_computation_that_cannot_be_trusted_ends_with_4_and_says_what_to_try(tmp_path: Path) -> None:
    """No fit of the real evidence fails its own check, so the bar is raised out of reach."""
    code = (
        "import sys, myopoise.synthesis.checking as checking\n"
        "checking.SMALLEST_EFFECTIVE = 1e9\n"
        f"sys.argv = ['myopoise', 'report', '--as-of', '1994', '--out', {str(tmp_path)!r}]\n"
        "from myopoise.cli import main\n"
        "main()\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert found.returncode == 4
    assert "must not be believed" in found.stderr
    assert "reference sampler" in found.stderr
    assert "must not be believed" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_wrong_source_date_is_one_clean_message(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "myopoise", "report", "--out", str(tmp_path / "x")],
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, "SOURCE_DATE_EPOCH": "soon"},
        check=False,
    )
    assert found.returncode == 2
    assert "SOURCE_DATE_EPOCH" in found.stderr
    assert "Traceback" not in found.stderr


def test_the_founding_references_of_a_year_are_those_published_by_then() -> None:
    early = json.loads(myopoise("evidence", "list", "--seed", "--as-of", "1990", "--json").stdout)
    assert early
    assert all(seed["year"] <= 1990 for seed in early)
