"""The record of simulation-based calibration is of the families we have, and uniform; a wrong one would not be."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, norm

SBC = Path(__file__).resolve().parents[2] / "validation" / "sbc"
sys.path.insert(0, str(SBC))

from calibrate import BINS, NETWORKS, SEED, calibrated  # noqa: E402
from families import FAMILIES  # noqa: E402

RECORD = json.loads((SBC / "record.json").read_text(encoding="utf-8"))
ENTRIES = {entry["family"]: entry for entry in RECORD["families"]}
PARAMETERS = [(name, p) for name, entry in ENTRIES.items() for p in entry["parameters"]]


def test_the_record_is_of_the_families_we_have() -> None:
    assert set(ENTRIES) == set(FAMILIES)
    assert (RECORD["seed"], RECORD["bins"]) == (SEED, BINS)
    assert {entry["networks"] for entry in ENTRIES.values()} == {NETWORKS}
    assert {"date", "myopoise", "numpy", "python"} <= set(RECORD)


def test_every_count_is_of_every_network() -> None:
    for _, p in PARAMETERS:
        assert len(p["counts"]) == BINS
        assert sum(p["counts"]) == NETWORKS
        assert p["p_chi_square"] == pytest.approx(chisquare(p["counts"]).pvalue, abs=1e-5)


def test_no_parameter_stands_unevenly_in_its_posterior() -> None:
    # Two tests of each parameter: one in a hundred sets of records would fail by chance.
    limit = 0.01 / (2 * len(PARAMETERS))
    uneven = [(name, p["name"]) for name, p in PARAMETERS if min(p["p_chi_square"], p["p_furthest"]) < limit]
    assert uneven == []


def test_the_p_values_of_all_parameters_are_themselves_no_smaller_than_chance() -> None:
    # Those of one family hang together, so the test across all is taken as if there were half as many.
    p = np.array([p["p_chi_square"] for _, p in PARAMETERS])
    assert kstest(p, "uniform", alternative="greater").statistic < 1.63 / np.sqrt(len(p) / 2)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    for level, name in ((0.5, "in_50"), (0.95, "in_95")):
        inside = np.array([p[name] for _, p in PARAMETERS])
        one = np.sqrt(level * (1.0 - level) / NETWORKS)
        assert np.abs(inside - level).max() < 4.0 * one
        assert inside.mean() == pytest.approx(level, abs=0.01)


def test_hardly_a_fit_was_refused() -> None:
    for entry in ENTRIES.values():
        assert entry["refused"] <= 0.03 * entry["networks"], entry["family"]


@pytest.mark.parametrize("change", ["narrower by a quarter", "off by a third of an sd"])
def test_a_wrong_posterior_would_have_been_noticed(change: str) -> None:
    truth = np.random.default_rng(1).standard_normal(NETWORKS)
    share = norm.cdf(1.33 * truth) if change == "narrower by a quarter" else norm.cdf(truth + 0.33)
    uneven = kstest(share, "uniform").pvalue < 0.01 / (2 * len(PARAMETERS))
    inside = float((np.abs(share - 0.5) < 0.475).mean())
    assert uneven or abs(inside - 0.95) > 4.0 * np.sqrt(0.95 * 0.05 / NETWORKS)


@pytest.mark.parametrize("name", ["binomial, random effects", "contrasts, random effects"])
def test_the_first_networks_are_those_of_the_record(name: str) -> None:
    names, shares, _ = calibrated(FAMILIES[name], 12, SEED)
    assert list(names) == [p["name"] for p in ENTRIES[name]["parameters"]]
    assert shares.shape == (12, len(names))
    assert ((shares > 0.0) & (shares < 1.0)).all()
