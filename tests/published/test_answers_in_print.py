"""Absolute effects in a stated population, against those printed in the examples of multinma and its long-run draws.

D. Phillippo's examples 'Beta blockers', 'Dietary fat' and 'Diabetes' repeat the absolute predictions of NICE DSU TSD 2
(`dias2011`) with the same baselines. Two decimals of 4,000 draws are printed: half a unit of the last digit, and three
Monte Carlo errors. The baselines of the smoking trials are those of the reference sets, from 40,000 draws.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from statistics import NormalDist

import pytest

from myopoise.estimate import Estimate
from myopoise.synthesis.answers.absolute import absolute_effects
from myopoise.synthesis.answers.baselines import (
    CountedBaseline,
    NormalBaseline,
    StudyBaseline,
    baseline_draws,
)
from myopoise.synthesis.answers.draws import joint_draws
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.structures import NetworkPriors
from myopoise.synthesis.priors import Normal
from myopoise.synthesis.synthesising import synthesise

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "validation"))

from reference_data import Missing, Network, arms_network, reference_folder, table  # noqa: E402

NORMAL_END = NormalDist().inv_cdf(0.975)
PUBLISHED = ROOT / "tests" / "data" / "studies-published"


def reference(name: str, treatment: str) -> Network:
    try:
        return arms_network(table(reference_folder() / name / "data.csv"), treatment)
    except Missing as missing:
        pytest.skip(str(missing))


def _holds(ours: Estimate, mean: float, sd: float, low: float, high: float, draws: float = 4000) -> None:
    """Printed to two decimals from so many draws of a skewed quantity, whose sd and upper end are the noisiest.

    The errors are those of a log-normal with our ends: of its sd by its kurtosis, of a quantile by its density there.
    """
    scale = math.log(ours.high / ours.low) / (2.0 * NORMAL_END)
    grown = math.exp(scale**2)
    kurtosis = grown**4 + 2.0 * grown**3 + 3.0 * grown**2 - 3.0
    end = math.sqrt(0.025 * 0.975 / draws) * scale / NormalDist().pdf(NORMAL_END)
    assert ours.mean == pytest.approx(mean, abs=0.005 + 3.0 * ours.sd / math.sqrt(draws))
    assert ours.sd == pytest.approx(
        sd, abs=0.005 + 3.0 * ours.sd * math.sqrt((kurtosis - 1.0) / (4.0 * draws))
    )
    assert ours.low == pytest.approx(low, abs=0.005 + 3.0 * end * ours.low)
    assert ours.high == pytest.approx(high, abs=0.005 + 3.0 * end * ours.high)


def test_a_probability_of_a_normal_logit_is_that_of_quadrature() -> None:
    """The printed decimals are few; here the same answer against an integral, to a hundredth of its sd."""
    found = synthesise(reference("blocker", "Control"), effects="common", direction="lower", fit=False)
    ours = absolute_effects(found, NormalBaseline(-2.2, 3.3**-0.5)).treatments["Control"][0]
    sd = 3.3**-0.5
    normal = NormalDist(-2.2, sd)
    logits = [-2.2 + sd * (-9.0 + 0.001 * i) for i in range(18001)]
    density = [normal.pdf(x) for x in logits]
    chances = [1.0 / (1.0 + math.exp(-x)) for x in logits]
    total = math.fsum(density)
    mean = math.fsum(w * p for w, p in zip(density, chances, strict=True)) / total
    spread = math.fsum(w * (p - mean) ** 2 for w, p in zip(density, chances, strict=True)) / total
    assert ours.mean == pytest.approx(mean, abs=0.01 * ours.sd)
    assert ours.sd == pytest.approx(math.sqrt(spread), rel=0.01)
    for end, z in ((ours.low, -NORMAL_END), (ours.high, NORMAL_END)):
        assert end == pytest.approx(1.0 / (1.0 + math.exp(2.2 - z * sd)), rel=0.01)


@pytest.mark.parametrize(
    ("effects", "baseline", "control", "blocker"),
    [
        ("common", NormalBaseline(-2.2, 3.3**-0.5), (0.11, 0.05, 0.04, 0.24), (0.09, 0.04, 0.03, 0.19)),
        ("random", NormalBaseline(-2.2, 3.3**-0.5), (0.11, 0.05, 0.04, 0.25), (0.09, 0.05, 0.03, 0.20)),
        ("common", CountedBaseline(4, 36), (0.11, 0.05, 0.03, 0.23), (0.09, 0.04, 0.02, 0.19)),
        ("random", CountedBaseline(4, 36), (0.11, 0.05, 0.03, 0.23), (0.09, 0.04, 0.03, 0.19)),
    ],
)
def test_the_risk_of_death_on_beta_blockers_is_as_was_printed(effects, baseline, control, blocker) -> None:
    found = synthesise(reference("blocker", "Control"), effects=effects, direction="lower", fit=False)
    outcomes = absolute_effects(found, baseline).treatments
    _holds(outcomes["Control"][0], *control)
    _holds(outcomes["Beta Blocker"][0], *blocker)


@pytest.fixture(scope="module")
def fat() -> Network:
    return arms_network(table(PUBLISHED / "dietary-fat-hooper-2000.csv"), "Control")


@pytest.fixture(scope="module")
def fat_found(fat: Network) -> NetworkSynthesis:
    return synthesise(fat, effects="common", fit=False)


def test_death_rates_on_a_reduced_fat_diet_are_as_was_printed(fat_found: NetworkSynthesis) -> None:
    outcomes = absolute_effects(fat_found, NormalBaseline(-3.0, 1.77**-0.5)).treatments
    for treatment in ("Control", "Reduced fat"):
        _holds(outcomes[treatment][0], 0.06, 0.05, 0.01, 0.21)


@pytest.mark.parametrize(
    ("study", "control", "reduced"),
    [
        ("London Low Fat", (0.06, 0.01, 0.04, 0.08), (0.06, 0.01, 0.04, 0.08)),
        ("Minnesota Coronary", (0.05, 0.00, 0.05, 0.06), (0.05, 0.00, 0.05, 0.06)),
        ("MRC Soya", (0.04, 0.01, 0.03, 0.05), (0.04, 0.01, 0.03, 0.05)),
        ("STARS", (0.02, 0.01, 0.01, 0.05), (0.02, 0.01, 0.01, 0.05)),
        ("Veterans Administration", (0.11, 0.01, 0.10, 0.13), (0.11, 0.01, 0.10, 0.12)),
        ("Veterans Diet & Skin CA", (0.01, 0.01, 0.00, 0.03), (0.01, 0.01, 0.00, 0.03)),
    ],
)
def test_death_rates_in_the_population_of_a_study_are_as_was_printed(
    fat: Network, fat_found: NetworkSynthesis, study: str, control, reduced
) -> None:
    outcomes = absolute_effects(fat_found, StudyBaseline(fat.studies, study)).treatments
    _holds(outcomes["Control"][0], *control)
    _holds(outcomes["Reduced fat"][0], *reduced)


def test_the_risk_of_diabetes_in_three_years_is_as_was_printed() -> None:
    network = reference("diabetes", "Diuretic")
    # The example has N(0, 10) on effects; its common-effect predictions.
    priors = NetworkPriors(treatment=Normal(0.0, 10.0))
    found = synthesise(network, priors=priors, effects="common", link=Link.CLOGLOG, fit=False)
    outcomes = absolute_effects(found, NormalBaseline(-4.2, 1.11**-0.5), exposure=3.0).treatments
    for treatment, printed in {
        "Beta Blocker": (0.06, 0.06, 0.01, 0.22),
        "ACE Inhibitor": (0.05, 0.05, 0.01, 0.17),
        "ARB": (0.04, 0.04, 0.00, 0.16),
        "CCB": (0.05, 0.05, 0.01, 0.19),
        "Diuretic": (0.06, 0.06, 0.01, 0.23),
        "Placebo": (0.05, 0.05, 0.01, 0.19),
    }.items():
        ours = outcomes[treatment][0]
        # A skewed distribution: the printed upper ends are from 100 draws beyond them.
        assert ours.mean == pytest.approx(printed[0], abs=0.01)
        assert ours.sd == pytest.approx(printed[1], abs=0.012)
        assert ours.low == pytest.approx(printed[2], abs=0.006)
        assert ours.high == pytest.approx(printed[3], rel=0.15)


@pytest.mark.parametrize("name", ["1", "2", "3", "10", "18", "22", "24"])
def test_baselines_of_smoking_trials_are_those_of_a_long_chain(name: str) -> None:
    """With a reference arm (1, 3, 10, 18; nobody stopped in an arm of 10 and 18) and without one (2, 22, 24)."""
    network = reference("smoking", "No intervention")
    rows = table(reference_folder() / "smoking" / "expected_multinma_RE.csv")
    peer = next(row for row in rows if row["param"] == f"mu[{name}]")
    found = synthesise(network, fit=False)
    assert found.assembled is not None
    joint = joint_draws(found.posterior, 6000)
    baseline = StudyBaseline(network.studies, name)
    ours = joint.estimates(baseline_draws(baseline, found.assembled, joint, 1)[:, None], ["log odds"])[0]
    mean, sd = float(peer["mean"]), float(peer["sd"])
    assert ours.mean == pytest.approx(
        mean, abs=0.03 * sd + 3.0 * math.hypot(ours.mcse, float(peer["mcse_mean"]))
    )
    assert ours.sd == pytest.approx(sd, rel=0.04)
