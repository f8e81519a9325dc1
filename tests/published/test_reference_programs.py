"""Our engine held to the committed answers of multinma, JAGS and bayesmeta, and to direct integration beside them.

The tolerances and the reason for each stand in `validation/reference_programs.py`, so that `make validate` and these
tests cannot differ in what they call agreement. Binomial networks of many studies take seconds and run in
`make validate` only; here are the quick ones.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from myopoise.synthesis.effects import estimate

VALIDATION = Path(__file__).resolve().parents[2] / "validation"
QUICK = (
    "smoking/multinma_FE",
    "bcg_vaccine/multinma_RE",
    "blocker/multinma_FE",
    "parkinsons/multinma_arm_FE",
    "parkinsons/multinma_arm_RE",
    "smoking/jags_RE_hn5",
    "parkinsons/jags_FE",
    "parkinsons/jags_RE_unif5",
    "dat_bcg/bayesmeta_halfnormal05",
    "dat_bcg/bayesmeta_lognormal_turner",
    "crins2014/bayesmeta_uniform",
    "dat_hackshaw1998/bayesmeta_unif5",
    "dat_nielweise2007/bayesmeta_halfnormal05",
    "dat_normand1999/bayesmeta_halfnormal50",
    "dat_yusuf1985/bayesmeta_uniform",
    "rubin1981/bayesmeta_halfnormal10",
)


def _module() -> ModuleType:
    name = "validation_reference_programs"
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(name, VALIDATION / "reference_programs.py")
        assert found is not None
        assert found.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[name])
    return sys.modules[name]


reference = _module()
by_name = {case.name: case for case in reference.CASES}


def _fitted(name: str):
    try:
        return by_name[name].fit()
    except reference.Missing as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("name", QUICK)
def test_our_answer_is_that_of_the_reference_program(name: str) -> None:
    case = by_name[name]
    compared = reference.compare(case, _fitted(name))
    assert compared
    assert [(d.quantity, d.statistic, d.peer, d.ours) for d in reference.beyond(case, compared)] == []


@pytest.mark.parametrize("case", reference.CASES, ids=lambda case: case.name)
def test_every_case_has_committed_answers_and_a_place_in_its_record(case) -> None:
    rows = reference.expected_rows(case)
    assert {row["quantity"] for row in rows} & {"relative_effect", "mu"}
    record = json.loads((reference.HERE / case.peer / "record.json").read_text(encoding="utf-8"))
    assert case.name in {entry["case"] for entry in record["cases"]}
    assert case.name in {entry["case"] for entry in record["models"]}


def _direct(rows: list[dict[str, str]], prior_scale: float) -> dict[str, tuple[float, float]]:
    """Mean and sd of tau and of each effect against treatment 4: one dense Gaussian for each tau, no shared code."""
    y = np.array([float(row["y"]) for row in rows])
    se = np.array([float(row["se"]) for row in rows])
    effects = np.array([[float(row["treatment"] == t) for t in "1235"] for row in rows])
    studies = np.array([[float(row["study"] == s) for s in "1234567"] for row in rows])
    prior = 100.0**2
    node, weight = np.polynomial.legendre.leggauss(400)
    # tau in (0, infinity) as u / (1 - u), so that the long upper tail is not cut.
    u = 0.5 * (node + 1.0)
    taus, jacobian = u / (1.0 - u), 0.5 * weight / (1.0 - u) ** 2
    log_density, means, variances = [], [], []
    for tau in taus:
        covariance = np.diag(se**2 + tau**2 / 2.0) + prior * (effects @ effects.T + studies @ studies.T)
        solved = np.linalg.solve(covariance, np.column_stack([y, effects]))
        log_density.append(-0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * y @ solved[:, 0])
        means.append(prior * effects.T @ solved[:, 0])
        variances.append(prior - prior**2 * np.einsum("ij,ij->j", effects, solved[:, 1:]))
    log_posterior = np.array(log_density) - 0.5 * (taus / prior_scale) ** 2
    mass = np.exp(log_posterior - log_posterior.max()) * jacobian
    mass = mass / mass.sum()
    mean = mass @ np.array(means)
    sd = np.sqrt(mass @ (np.array(variances) + (np.array(means) - mean) ** 2))
    tau_mean = float(mass @ taus)
    found = {t: (float(m), float(s)) for t, m, s in zip("1235", mean, sd, strict=True)}
    return found | {"tau": (tau_mean, float(np.sqrt(mass @ (taus - tau_mean) ** 2)))}


def test_where_a_sampler_had_divergences_direct_integration_agrees_with_us() -> None:
    # multinma's run of this model had 27 divergent transitions; its sd of tau is 0.387, ours and this one 0.431.
    fitted = _fitted("parkinsons/multinma_arm_RE")
    rows = reference._table(reference.reference_folder() / "parkinsons" / "data.csv")
    direct = _direct(rows, prior_scale=5.0)
    for treatment in "1235":
        contrast = np.array([float(c == treatment) for c in fitted.model.columns])
        ours = estimate(fitted, contrast, "")
        mean, sd = direct[treatment]
        assert ours.mean == pytest.approx(mean, abs=1e-4 * sd)
        assert ours.sd == pytest.approx(sd, rel=1e-4)
    z, weight = fitted.mixture.z, fitted.mixture.weight
    tau = fitted.model.theta(z)[:, 0]
    mean = float(weight @ tau)
    assert mean == pytest.approx(direct["tau"][0], rel=1e-4)
    assert float(np.sqrt(weight @ (tau - mean) ** 2)) == pytest.approx(direct["tau"][1], rel=1e-3)
