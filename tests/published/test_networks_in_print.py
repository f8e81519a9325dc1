"""Two networks that textbooks of evidence synthesis use, entered here as facts: they prove the engine anywhere.

The answers are those printed by D. Phillippo in the examples 'Smoking cessation' and 'Dietary fat' of multinma (4,000
draws of Hamiltonian Monte Carlo, two decimals), which repeat the analyses of NICE DSU TSD 4 and TSD 2 (`dias2011`)
with a half-normal prior of scale 5 on tau. A printed number is allowed half a unit of its last digit and three of its
own Monte Carlo errors, worked out from the effective draws that are printed beside it.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from myopoise.estimate import Estimate
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.models.structures import UnrelatedMeans
from myopoise.synthesis.synthesising import synthesise

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "validation"))

from reference_data import arms_network, table  # noqa: E402

PUBLISHED = ROOT / "tests" / "data" / "studies-published"
NONE, SELF, ALONE, GROUP = (
    "No intervention",
    "Self-help",
    "Individual counselling",
    "Group counselling",
)


def _error(sd: float, draws: float) -> float:
    return 0.005 + 3.0 * sd / math.sqrt(draws)


def _holds(ours: Estimate, mean: float, sd: float, draws: float) -> None:
    assert ours.mean == pytest.approx(mean, abs=_error(sd, draws))
    assert ours.sd == pytest.approx(sd, abs=_error(sd, 2.0 * draws))


# --- smoking cessation: Hasselblad V (1998), Medical Decision Making 18:37-43, 24 trials ------------------------------


@pytest.fixture(scope="module")
def smoking():
    return arms_network(table(PUBLISHED / "smoking-hasselblad-1998.csv"), NONE)


@pytest.fixture(scope="module")
def random_effects(smoking) -> NetworkSynthesis:
    return synthesise(smoking)


def test_the_smoking_trials_are_those_of_the_table(smoking) -> None:
    arms = smoking.studies.arms
    assert arms is not None
    assert arms.events is not None
    assert arms.n is not None
    assert (len(smoking.studies.names), len(arms), int((arms.events == 0).sum())) == (24, 50, 2)
    assert (arms.events.sum(), arms.n.sum()) == (2082.0, 16740.0)


@pytest.mark.parametrize(
    ("treatment", "mean", "sd", "draws"),
    [(GROUP, 1.11, 0.44, 1710), (ALONE, 0.85, 0.24, 1172), (SELF, 0.49, 0.40, 1730)],
)
def test_counselling_helps_as_much_as_was_printed(
    random_effects: NetworkSynthesis, treatment: str, mean: float, sd: float, draws: float
) -> None:
    _holds(random_effects.relative_effects[treatment, NONE], mean, sd, draws)


def test_trials_of_smoking_differ_as_much_as_was_printed(random_effects: NetworkSynthesis) -> None:
    _holds(random_effects.heterogeneity["tau"], 0.84, 0.19, 1174)


def test_the_random_effects_model_fits_as_well_as_was_printed(random_effects: NetworkSynthesis) -> None:
    fit = random_effects.fit
    assert fit is not None
    assert fit.data_points == 50
    # The deviance has about the spread of a chi-square twice over, and 1,000 draws of it were effective.
    error = 3.0 * math.sqrt(2.0 * 44.1 / 1000.0)
    assert fit.residual_deviance == pytest.approx(54.4, abs=error)
    assert fit.pd == pytest.approx(44.1, abs=error)
    assert fit.dic == pytest.approx(98.4, abs=2.0 * error)


@pytest.mark.parametrize(
    ("pair", "mean", "sd", "draws"),
    [
        ((GROUP, NONE), 1.10, 0.77, 2797),
        ((ALONE, NONE), 0.90, 0.27, 1079),
        ((SELF, NONE), 0.35, 0.57, 1839),
        ((ALONE, GROUP), -0.29, 0.61, 2430),
        ((SELF, GROUP), -0.61, 0.72, 2306),
        ((SELF, ALONE), 0.17, 1.04, 3597),
    ],
)
def test_without_consistency_each_comparison_is_as_was_printed(
    unrelated: NetworkSynthesis, pair: tuple[str, str], mean: float, sd: float, draws: float
) -> None:
    _holds(unrelated.relative_effects[pair], mean, sd, draws)


@pytest.fixture(scope="module")
def unrelated(smoking) -> NetworkSynthesis:
    return synthesise(smoking, UnrelatedMeans(), fit=False)


# --- dietary fat: Hooper L et al. (2000), Cochrane Database of Systematic Reviews 2:CD002137, as in TSD 2, example 2 -
# Deaths and person-years; one trial has two arms on a reduced fat diet.


@pytest.fixture(scope="module")
def fat():
    return arms_network(table(PUBLISHED / "dietary-fat-hooper-2000.csv"), "Control")


def test_a_reduced_fat_diet_does_as_little_as_was_printed_under_common_effects(fat) -> None:
    found = synthesise(fat, effects="common", direction="lower")
    effect = found.relative_effects["Reduced fat", "Control"]
    _holds(effect, -0.01, 0.05, 3568)
    assert (effect.low, effect.high) == pytest.approx((-0.11, 0.10), abs=0.01)
    assert found.fit is not None
    assert found.fit.data_points == 21
    error = 3.0 * math.sqrt(2.0 * 11.3 / 1500.0)
    assert found.fit.residual_deviance == pytest.approx(22.5, abs=error)
    assert found.fit.pd == pytest.approx(11.3, abs=error)


def test_a_reduced_fat_diet_does_as_little_as_was_printed_under_random_effects(fat) -> None:
    found = synthesise(fat, direction="lower")
    effect = found.relative_effects["Reduced fat", "Control"]
    _holds(effect, -0.02, 0.09, 1581)
    assert (effect.low, effect.high) == pytest.approx((-0.19, 0.15), abs=0.02)
    tau = found.heterogeneity["tau"]
    _holds(tau, 0.13, 0.12, 819)
    assert tau.median == pytest.approx(0.10, abs=_error(0.12 * math.sqrt(math.pi / 2.0), 819))
    assert found.fit is not None
    error = 3.0 * math.sqrt(2.0 * 13.5 / 1200.0)
    assert found.fit.residual_deviance == pytest.approx(21.4, abs=error)
    assert found.fit.pd == pytest.approx(13.5, abs=error)
    assert found.fit.dic == pytest.approx(34.9, abs=2.0 * error)
