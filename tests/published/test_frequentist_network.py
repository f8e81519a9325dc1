"""Networks that others have analysed: the numbers netmeta printed, and one data set that is entered here as facts."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from myopoise.synthesis.frequentist.designs import decompose
from myopoise.synthesis.frequentist.gls import contrast_network
from myopoise.synthesis.frequentist.heterogeneity import share_of_variation
from myopoise.synthesis.frequentist.network import estimate_network
from myopoise.synthesis.studies.values import Studies

ROOT = Path(__file__).resolve().parents[2]


def _compare() -> ModuleType:
    name = "netmeta_compare"
    if name not in sys.modules:
        path = ROOT / "validation" / "netmeta" / "compare.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.mark.parametrize("name", list(_compare().everything()))
def test_every_number_that_netmeta_stored_is_ours_too(name: str) -> None:
    compare = _compare()
    try:
        found = compare.run(name)
    except compare.Missing as reason:
        pytest.skip(str(reason))
    assert len(found) > 50
    assert [d for d in found if not d.agrees] == []


# Senn S, Gavini F, Magrez D, Scheen A (2013), Statistical Methods in Medical Research 22:169-189: change of HbA1c in
# 26 trials of ten treatments of type 2 diabetes, one trial of three arms. The results are those of netmeta 3.3-1.


@pytest.fixture(scope="module")
def senn() -> Studies:
    path = ROOT / "tests" / "data" / "studies-published" / "senn-2013.csv"
    with path.open(encoding="utf-8") as handle:
        rows = [
            {
                "study": r["study"],
                "treat1": r["treatment_1"],
                "treat2": r["treatment_2"],
                "TE": r["estimate"],
                "seTE": r["se"],
            }
            for r in csv.DictReader(handle)
        ]
    return _compare().studies_of(rows)


def test_senn_2013_has_the_heterogeneity_and_inconsistency_that_netmeta_gives(senn: Studies) -> None:
    found = estimate_network(senn, reference="placebo", tau_estimator="DL", direction="lower")
    assert (found.studies, len(found.treatments)) == (26, 10)
    assert round(found.tau2, 4) == 0.1087
    assert round(found.i2, 3) == 0.814
    variation = share_of_variation(found.q_total.q, found.q_total.df)
    assert (round(variation.low, 3), round(variation.high, 3)) == (0.720, 0.877)
    assert (round(found.q_total.q, 2), found.q_total.df) == (96.99, 18)
    assert (round(found.q_within.q, 2), found.q_within.df) == (74.46, 11)
    assert (round(found.q_between.q, 2), found.q_between.df) == (22.53, 7)
    assert round(found.q_between.p_value, 4) == 0.0021


@pytest.mark.parametrize(
    ("drug", "estimate", "low", "high"),
    [
        ("acarbose", -0.841785, -1.323584, -0.359986),
        ("metformin", -1.126775, -1.429132, -0.824418),
        ("rosiglitazone", -1.233456, -1.483942, -0.982969),
        ("sulfonylurea", -0.416559, -0.888682, 0.055565),
        ("vildagliptin", -0.700000, -1.392736, -0.007264),
    ],
)
def test_senn_2013_has_the_random_effects_that_netmeta_gives(
    senn: Studies, drug: str, estimate: float, low: float, high: float
) -> None:
    found = estimate_network(senn, reference="placebo", tau_estimator="DL").relative_effects[drug, "placebo"]
    assert (found.estimate, found.low, found.high) == pytest.approx((estimate, low, high), abs=6e-7)


def test_senn_2013_by_restricted_likelihood_is_the_maximum_over_the_full_covariance(senn: Studies) -> None:
    # Written out for this data set alone: 27 contrasts, the two of the three-arm trial with their covariance. The value
    # 0.10105 that others report leaves that covariance out.
    rows = [
        (y, v, t)
        for b in senn.contrasts
        for y, v, t in zip(b.estimate, b.covariance, b.treatment, strict=True)
    ]
    y = np.concatenate([row[0] for row in rows])
    x, within, between = np.zeros((27, 10)), np.zeros((27, 27)), np.zeros((27, 27))
    at = 0
    for estimate, covariance, arms in rows:
        k = len(estimate)
        here = slice(at, at + k)
        x[range(at, at + k), arms[1:]] = 1.0
        x[here, arms[0]] = -1.0
        within[here, here], between[here, here] = covariance, 0.5 + 0.5 * np.eye(k)
        at += k
    error = np.linalg.svd(x)[0][:, 9:]

    def minus_twice(tau2: float) -> float:
        total = error.T @ (within + tau2 * between) @ error
        left = error.T @ y
        return float(np.linalg.slogdet(total)[1] + left @ np.linalg.solve(total, left))

    best = minimize_scalar(minus_twice, bounds=(0.01, 0.5), method="bounded", options={"xatol": 1e-10}).x
    ours = estimate_network(senn, reference="placebo", tau_estimator="REML")
    assert ours.tau2 == pytest.approx(best, rel=1e-6)
    assert round(ours.tau2, 5) == 0.09992
    assert round(estimate_network(senn, reference="placebo", tau_estimator="ML").tau2, 5) == 0.05639


def test_senn_2013_has_two_designs_that_carry_most_of_its_inconsistency(senn: Studies) -> None:
    designs = [d for d in decompose(contrast_network(senn, "placebo")).designs if d.detached]
    least = sorted(designs, key=lambda d: d.detached.q)[:2]
    assert [round(d.detached.q, 2) for d in least] == [6.77, 7.51]
