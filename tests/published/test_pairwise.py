"""Pooled effects that others have printed: the numbers metafor stored, and the BCG trials, entered here as facts."""

from __future__ import annotations

import csv
import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from myopoise.synthesis.frequentist.influence import estimate_influence
from myopoise.synthesis.frequentist.pairwise import estimate_pairwise, predict_pairwise
from myopoise.synthesis.frequentist.rare import TwoArms, estimate_mantel_haenszel, two_arms
from myopoise.synthesis.frequentist.small_study_pairwise import egger_test

ROOT = Path(__file__).resolve().parents[2]


def _compare() -> ModuleType:
    name = "metafor_compare"
    if name not in sys.modules:
        path = ROOT / "validation" / "metafor" / "compare.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.mark.parametrize("name", _compare().everything())
def test_every_number_that_metafor_and_netmetabin_stored_is_ours_too(name: str) -> None:
    compare = _compare()
    try:
        found = compare.run(name)
    except compare.Missing as reason:
        pytest.skip(str(reason))
    assert len(found) >= 30
    assert [d for d in found if not d.agrees] == []


# Colditz GA, Brewer TF, Berkey CS, Wilson ME, Burdick E, Fineberg HV, Mosteller F (1994), JAMA 271:698-702: 13 trials
# of BCG vaccine against tuberculosis. The results are those printed for log risk ratios in Viechtbauer W (2010),
# Journal of Statistical Software 36(3), 1-48.


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    path = ROOT / "tests" / "data" / "studies-published" / "bcg-colditz-1994.csv"
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def bcg(rows: list[dict[str, str]]) -> TwoArms:
    arms = {
        arm: [[float(r[c]) for r in rows if r["treatment"] == arm] for c in ("r", "n")]
        for arm in ("BCG", "no vaccine")
    }
    return two_arms(*arms["BCG"], *arms["no vaccine"])


@pytest.fixture(scope="module")
def log_risk_ratios(bcg: TwoArms) -> tuple[np.ndarray, np.ndarray]:
    y = np.log(bcg.events / bcg.n) - np.log(bcg.events_control / bcg.n_control)
    return y, 1 / bcg.events - 1 / bcg.n + 1 / bcg.events_control - 1 / bcg.n_control


def test_bcg_is_thirteen_trials(rows: list[dict[str, str]]) -> None:
    assert len({r["study"] for r in rows}) == 13
    assert len(rows) == 26


def test_bcg_pooled_by_restricted_likelihood(log_risk_ratios: tuple[np.ndarray, np.ndarray]) -> None:
    found = estimate_pairwise(*log_risk_ratios)
    effect = found.effect
    assert [round(x, 4) for x in (effect.estimate, effect.se, effect.low, effect.high)] == [
        -0.7145,
        0.1798,
        -1.0669,
        -0.3622,
    ]
    assert (round(found.tau2, 4), round(found.tau2_se, 4)) == (0.3132, 0.1664)
    assert (round(100 * found.i2, 2), round(found.h2, 2)) == (92.22, 12.86)
    assert (round(found.residual_heterogeneity.q, 3), found.residual_heterogeneity.df) == (152.233, 12)


def test_bcg_on_latitude_and_year(
    rows: list[dict[str, str]], log_risk_ratios: tuple[np.ndarray, np.ndarray]
) -> None:
    per_trial = [r for r in rows if r["treatment"] == "BCG"]
    covariates = {name: [float(r[name]) for r in per_trial] for name in ("latitude", "year")}
    found = estimate_pairwise(*log_risk_ratios, covariates=covariates)
    assert (round(found.tau2, 4), round(found.tau2_se, 4)) == (0.1108, 0.0845)
    # Printed where scoring had moved tau2 by less than 1e-5: the last digit of the intercept differs.
    printed = {"intercept": (-3.5455, 29.0959), "latitude": (-0.0280, 0.0102), "year": (0.0019, 0.0147)}
    for name, (estimate, se) in printed.items():
        assert found.coefficients[name].estimate == pytest.approx(estimate, rel=1e-4, abs=5e-5)
        assert found.coefficients[name].se == pytest.approx(se, rel=1e-4, abs=5e-5)
    assert (round(found.residual_heterogeneity.q, 4), round(found.residual_heterogeneity.p_value, 4)) == (
        28.3251,
        0.0016,
    )
    assert found.moderators.statistic == pytest.approx(12.2043, rel=1e-4)
    assert round(found.moderators.p_value, 4) == 0.0022


def test_the_vaccine_works_better_far_from_the_equator(
    rows: list[dict[str, str]], log_risk_ratios: tuple[np.ndarray, np.ndarray]
) -> None:
    latitude = [float(r["latitude"]) for r in rows if r["treatment"] == "BCG"]
    found = estimate_pairwise(*log_risk_ratios, covariates={"latitude": latitude})
    near, far = (math.exp(predict_pairwise(found, {"latitude": x}).estimate) for x in (10.0, 60.0))
    # The coefficients as printed, 0.2515 and -0.0291 a degree.
    assert near == pytest.approx(math.exp(0.2515 - 10 * 0.0291), rel=1e-3)
    assert far == pytest.approx(math.exp(0.2515 - 60 * 0.0291), rel=1e-3)


def test_no_single_bcg_trial_carries_the_answer(log_risk_ratios: tuple[np.ndarray, np.ndarray]) -> None:
    found = estimate_influence(*log_risk_ratios)
    assert max(one.effect.high for one in found.without) < 0.0
    assert found.cooks_distance.argmax() == 3


def test_the_bcg_funnel_shows_no_small_study_effect(log_risk_ratios: tuple[np.ndarray, np.ndarray]) -> None:
    # As metafor 5.1-12 gives it.
    test = egger_test(*log_risk_ratios)
    assert (round(test.statistic, 4), round(test.slope.p_value, 4)) == (-0.8033, 0.4218)


def test_bcg_common_odds_ratio_by_mantel_haenszel(bcg: TwoArms) -> None:
    found = estimate_mantel_haenszel(bcg)
    # Sum of a d / N over sum of b c / N, by hand.
    total = bcg.n + bcg.n_control
    top = (bcg.events * (bcg.n_control - bcg.events_control) / total).sum()
    bottom = ((bcg.n - bcg.events) * bcg.events_control / total).sum()
    assert found.effect.estimate == pytest.approx(math.log(top / bottom), rel=1e-12)
    assert round(math.exp(found.effect.estimate), 2) == 0.62
