"""Our engine held to the committed answers of multinma, JAGS, gemtc and bayesmeta, and to direct integration.

The tolerances and the reason for each stand in `validation/reference_programs.py`, so that `make validate` and these
tests cannot differ in what they call agreement.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from myopoise.synthesis.findings import NetworkSynthesis

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "validation"))

import reference_programs as reference
from reference_data import table

Floats = NDArray[np.float64]
by_name = {case.name: case for case in reference.CASES}


def _fitted(name: str) -> NetworkSynthesis:
    try:
        return by_name[name].fit()
    except reference.Missing as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("name", by_name)
def test_our_answer_is_that_of_the_reference_program(name: str) -> None:
    case = by_name[name]
    compared = reference.compare(case, _fitted(name))
    assert compared
    found = [(d.quantity, d.statistic, d.peer, d.ours, d.limit) for d in reference.beyond(case, compared)]
    assert found == []


def test_an_answer_that_is_off_by_a_tenth_of_its_sd_is_noticed() -> None:
    case = by_name["smoking/jags_FE"]
    compared = reference.compare(case, _fitted("smoking/jags_FE"))
    moved = [
        reference.Difference(d.quantity, d.statistic, d.peer, d.peer + 0.1 * d.sd, d.sd, d.error, d.limit)
        for d in compared
        if d.statistic == "mean"
    ]
    assert len(reference.beyond(case, moved)) == len(moved) > 5


@pytest.mark.parametrize("case", reference.CASES, ids=lambda case: case.name)
def test_every_case_has_committed_answers_and_a_place_in_its_record(case) -> None:
    rows = reference.expected_rows(case)
    assert {row["quantity"] for row in rows} & {"relative_effect", "mu", "direct"}
    record = json.loads((reference.HERE / case.peer / "record.json").read_text(encoding="utf-8"))
    assert case.name in {entry["case"] for entry in record["cases"]}
    assert case.name in {entry["case"] for entry in record["models"]}


def test_every_answer_of_the_sampling_programs_is_asked_of_us() -> None:
    for peer in reference.PEERS:
        named = {(c.data, c.model) for c in reference.CASES if c.peer == peer}
        with (reference.HERE / peer / "expected.csv").open(encoding="utf-8") as handle:
            given = {tuple(line.split(",")[:2]) for line in list(handle)[1:]}
        assert given == named


# --- direct integration, where a sampler had divergent transitions --------------------------------------------


def _direct(y: Floats, within: Floats, between: Floats, effects: Floats) -> dict[str, tuple[float, float]]:
    """Mean and sd of tau (half-normal of scale 5) and of each effect against treatment 4.

    ``y ~ N(effects d, within + tau^2 between)``, d ~ N(0, 100^2): one dense Gaussian for each tau, no shared code.
    """
    prior = 100.0**2
    node, weight = np.polynomial.legendre.leggauss(400)
    # tau in (0, infinity) as u / (1 - u), so that the long upper tail is not cut.
    u = 0.5 * (node + 1.0)
    taus, jacobian = u / (1.0 - u), 0.5 * weight / (1.0 - u) ** 2
    log_density, means, variances = [], [], []
    for tau in taus:
        covariance = within + tau**2 * between + prior * effects @ effects.T
        solved = np.linalg.solve(covariance, np.column_stack([y, effects]))
        log_density.append(-0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * y @ solved[:, 0])
        means.append(prior * effects.T @ solved[:, 0])
        variances.append(prior - prior**2 * np.einsum("ij,ij->j", effects, solved[:, 1:]))
    log_posterior = np.array(log_density) - 0.5 * (taus / 5.0) ** 2
    mass = np.exp(log_posterior - log_posterior.max()) * jacobian
    mass = mass / mass.sum()
    mean = mass @ np.array(means)
    sd = np.sqrt(mass @ (np.array(variances) + (np.array(means) - mean) ** 2))
    tau_mean = float(mass @ taus)
    found = {t: (float(m), float(s)) for t, m, s in zip("1235", mean, sd, strict=True)}
    return found | {"tau": (tau_mean, float(np.sqrt(mass @ (taus - tau_mean) ** 2)))}


def _of_arms(rows: list[dict[str, str]]) -> tuple[Floats, Floats, Floats, Floats]:
    """Means of arms; each study's own level has a prior of sd 100."""
    y = np.array([float(row["y"]) for row in rows])
    se = np.array([float(row["se"]) for row in rows])
    effects = np.array([[float(row["treatment"] == t) for t in "1235"] for row in rows])
    studies = np.array([[float(row["study"] == s) for s in "1234567"] for row in rows])
    return y, np.diag(se**2) + 100.0**2 * studies @ studies.T, 0.5 * np.eye(len(y)), effects


def _of_contrasts(rows: list[dict[str, str]]) -> tuple[Floats, Floats, Floats, Floats]:
    """Differences from a study's first arm; two of one study share that arm's error, and half of tau^2."""
    first = {row["study"]: row for row in rows if not row["diff"]}
    given = [row for row in rows if row["diff"]]
    y = np.array([float(row["diff"]) for row in given])
    same = np.array([[float(a["study"] == b["study"]) for b in given] for a in given])
    shared = np.array([float(first[row["study"]]["se_diff"]) ** 2 for row in given])
    within = same * shared
    within[np.diag_indices(len(given))] = [float(row["se_diff"]) ** 2 for row in given]
    effects = np.array(
        [
            [float(row["treatment"] == t) - float(first[row["study"]]["treatment"] == t) for t in "1235"]
            for row in given
        ]
    )
    return y, within, 0.5 * (same + np.eye(len(given))), effects


@pytest.mark.parametrize(("data", "lay_out"), [("arm", _of_arms), ("contrast", _of_contrasts)])
def test_where_a_sampler_had_divergences_direct_integration_agrees_with_us(data, lay_out) -> None:
    # multinma's runs had 27 and 10 divergent transitions; with arms its sd of tau is 0.387, ours and this one 0.431.
    found = _fitted(f"parkinsons/multinma_{data}_RE")
    rows = table(reference.reference_folder() / "parkinsons" / "data.csv")
    direct = _direct(*lay_out(rows))
    for treatment in "1235":
        ours = found.relative_effects[treatment, "4"]
        mean, sd = direct[treatment]
        assert ours.mean == pytest.approx(mean, abs=1e-4 * sd)
        assert ours.sd == pytest.approx(sd, rel=3e-4)
    tau = found.heterogeneity["tau"]
    assert tau.mean == pytest.approx(direct["tau"][0], rel=1e-3)
    assert tau.sd == pytest.approx(direct["tau"][1], rel=2e-3)


def test_what_is_known_to_differ_is_named_for_cases_that_exist() -> None:
    assert set(reference.KNOWN) <= set(by_name)
