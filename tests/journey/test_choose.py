"""`myopoise choose` and `myopoise backtest` as a user runs them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest


def run(*words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    found = subprocess.run(
        [sys.executable, "-m", "myopoise", *words], capture_output=True, text=True, check=False
    )
    assert found.returncode == expect, found.stderr
    return found


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], Path]:
    folder = tmp_path_factory.mktemp("choice")
    run("evidence", "select", "--out", str(folder / "rows"))
    words = ["--phenotype", "pm", "--failed", "methotrexate,azathioprine", "--level", "moderate"]
    written = folder / "parameters.csv"
    found = run("choose", *words, "--selection", str(folder / "rows"), "--parameters", str(written), "--json")
    return json.loads(found.stdout), written


def test_the_document_has_every_key_of_the_contract(chosen: tuple[dict[str, object], Path]) -> None:
    document, _ = chosen
    assert {
        *("question", "verdict", "options", "refused", "what_would_change_it", "value_of_information"),
        *("evidence_digest", "diagnostics"),
    } <= set(document)
    option = document["options"][0]  # type: ignore[index]
    assert {
        *("treatment", "mechanism", "studies", "patients", "randomised_patients", "response"),
        *("versus_background", "rank_probabilities", "expected_loss", "harms", "certainty", "group"),
    } <= set(option)
    for level in ("minimal", "moderate", "major"):
        assert {"mean", "q2_5", "q50", "q97_5", "predictive_low", "predictive_high"} <= set(
            option["response"][level]
        )
    assert {"risk_difference", "probability_better", "probability_better_by_10_points"} <= set(
        option["versus_background"]
    )
    assert {"domain", "judgement", "reason", "numbers"} <= set(option["certainty"]["domains"][0])
    assert "after methotrexate and azathioprine" in str(document["question"])


def test_every_parameter_is_written_under_its_name(chosen: tuple[dict[str, object], Path]) -> None:
    with chosen[1].open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == ["parameter", "mean", "sd", "q2_5", "q50", "q97_5"]
    found = {row["parameter"]: row for row in rows}
    assert {
        *(
            "m",
            "sigma_mu",
            "tau",
            "sigma_c",
            "sigma_gamma",
            "sigma_xi",
            "beta",
            "sigma_b",
            "kappa2",
            "kappa3",
        ),
        *("theta[PM]", "xi[imacs-doi]", "delta[immunoglobulin]", "d[ivig]", "gamma[immunoglobulin,DM]"),
    } <= set(found)
    assert float(found["kappa3"]["mean"]) > float(found["kappa2"]["mean"]) > 0.0
    assert all(float(row["q2_5"]) <= float(row["q50"]) <= float(row["q97_5"]) for row in rows)


def test_the_rows_given_back_give_the_shipped_answer(chosen: tuple[dict[str, object], Path]) -> None:
    words = ["--phenotype", "PM", "--failed", "methotrexate,azathioprine", "--level", "moderate"]
    shipped = json.loads(run("choose", *words, "--json").stdout)
    assert shipped == chosen[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--phenotype", "IBM"], "no phenotype here"),
        (["--phenotype", "DM", "--failed", "methotrexat"], "did you mean 'methotrexate'"),
        (["--phenotype", "DM", "--avoid", "gout"], "gout"),
        (["--phenotype", "DM", "--override", "ivig:imprecision"], "OPTION:DOMAIN"),
        (["--phenotype", "IMNM", "--age", "juvenile"], "ask for JDM"),
        (["--phenotype", "JDM", "--parameters", "x.csv"], "no parameters to write"),
        ([], "--phenotype"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_to_do(words: list[str], said: str) -> None:
    assert said in run("choose", *words, expect=2).stderr


def test_a_selection_with_faults_ends_with_3_and_names_them_all(tmp_path: Path) -> None:
    run("evidence", "select", "--out", str(tmp_path))
    rows = tmp_path / "rows.csv"
    rows.write_text(rows.read_text("utf-8").replace(",rct,", ",rtc,", 2), "utf-8")
    found = run("choose", "--phenotype", "DM", "--selection", str(tmp_path), expect=3)
    assert found.stderr.count("rtc") == 2
    assert not found.stdout


def test_counts_only_are_shown_where_nothing_is_modelled() -> None:
    found = run("choose", "--phenotype", "JDM").stdout
    assert "no evidence" in found
    assert "responders" in found


def test_a_backtest_gives_a_row_for_each_prediction_and_the_scores(tmp_path: Path) -> None:
    document = json.loads(run("backtest", "--from", "2024", "--out", str(tmp_path), "--json").stdout)
    assert json.loads((tmp_path / "backtest.json").read_text("utf-8")) == document
    page = (tmp_path / "backtest.html").read_text("utf-8")
    assert "What 2024 could know" in page
    assert all(row["study"] in page for row in document["rows"])
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert {row["method"] for row in document["rows"]} == set(document["methods"])
    assert {row["as_of"] for row in document["rows"]} == {2024}
    assert all(row["year"] == 2025 for row in document["rows"])
    row = document["rows"][0]
    assert {"observed", "mean", "low_95", "high_95", "covered_95", "log_score", "crps"} <= set(row)
    for score in document["scores"]:
        assert set(score["coverage"]) == {"50", "80", "95"}
    assert document["words"]


def test_a_backtest_before_any_control_group_is_refused() -> None:
    assert "1993" in run("backtest", "--from", "1960", expect=2).stderr
