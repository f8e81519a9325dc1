"""The evidence model is calibrated on simulated evidence of the shape of the real one, as its record says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

RECORD = json.loads(
    (Path(__file__).resolve().parents[2] / "validation" / "myositis_model" / "simulated.json").read_text(
        "utf-8"
    )
)


@pytest.mark.parametrize("name", sorted(RECORD["calibration"]))
def test_the_truth_is_anywhere_in_the_posterior_with_equal_chance(name: str) -> None:
    found = RECORD["calibration"][name]
    # Of 17 parameters one below 0.003 is expected once in twenty records.
    assert found["p_uniform"] > 0.003
    assert 0.89 <= found["covered_95"] <= 0.99
    assert 0.44 <= found["mean_below"] <= 0.56


def test_enough_networks_were_simulated() -> None:
    assert RECORD["networks"] >= 200
    assert RECORD["planted_networks"] >= 100


def test_a_planted_bias_moves_the_posterior_towards_it_and_an_interaction_hardly() -> None:
    bias = RECORD["recovery"]["bias"]
    assert 0.5 < bias["mean_of_means"] < bias["planted"]
    one, other = (RECORD["recovery"][f"class immunoglobulin in {group}"] for group in ("DM", "PM"))
    assert other["mean_of_means"] < 0.0 < one["mean_of_means"]
