"""Pairwise Bayesian meta-analysis held to bayesmeta: every number of its 29 models, and the eight schools anywhere.

Tolerances and their reasons stand in `validation/bayesmeta/exact.py`. The answers are read in place, and the tests of
all models are skipped where they are absent.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from myopoise.synthesis.exact_pairwise import PairwisePosterior, synthesise_pairwise
from myopoise.synthesis.objective_priors import ImproperUniform
from myopoise.synthesis.priors import HalfCauchy, HalfNormal

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "bayesmeta"


def _module() -> ModuleType:
    name = "validation_bayesmeta_exact"
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(name, VALIDATION / "exact.py")
        assert found is not None
        assert found.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[name])
    return sys.modules[name]


exact = _module()
MODELS = exact.models()


@pytest.mark.skipif(not MODELS, reason=f"no reference answers at {exact.reference_folder()}")
@pytest.mark.parametrize(("data", "model"), MODELS)
def test_every_number_of_bayesmeta_is_ours_to_its_own_accuracy(data: str, model: str) -> None:
    compared = list(exact.compare(data, model, exact.fit(data, model)))
    assert len(compared) > 50
    beyond = [c for c in compared if not abs(c[4]) <= exact.allowed(data, model, c[0], c[1])]
    assert beyond == []


def test_every_model_that_is_compared_is_in_the_record() -> None:
    record = json.loads((VALIDATION / "exact.json").read_text(encoding="utf-8"))
    recorded = {entry["case"] for entry in record["cases"]}
    assert len(recorded) == 29
    assert {f"{data}/{model}" for data, model in MODELS} <= recorded


# Rubin 1981, coaching for the SAT-V in eight schools: effect and standard error.
SCHOOLS = {
    "A": (28.39, 14.9),
    "B": (7.94, 10.2),
    "C": (-2.75, 16.3),
    "D": (6.82, 11.0),
    "E": (-0.64, 9.4),
    "F": (0.63, 11.4),
    "G": (18.01, 10.4),
    "H": (12.16, 17.6),
}

# bayesmeta 3.4 at delta = 0.001 (uniform) and 0.01: median and mean of tau, mean of mu, mean of A, upper end of the
# shortest interval of tau.
PRINTED = [
    (ImproperUniform(), 5.227731751, 6.58599240833, 8.0923177317, 11.6386583892, 17.2657973525),
    (HalfCauchy(5.0), 2.760235272, 3.62478056291, 7.97451520692, 9.52679589285, 9.94137523588),
    (HalfNormal(10.0), 4.030934509, 4.83566079147, 8.02575406524, 10.3895557188, 12.0824535549),
]


def _schools(prior: object) -> PairwisePosterior:
    y, se = zip(*SCHOOLS.values(), strict=True)
    return synthesise_pairwise(y, se, prior_tau=prior, names=list(SCHOOLS))  # type: ignore[arg-type]


@pytest.mark.parametrize(("prior", "median", "tau", "mu", "first", "upper"), PRINTED, ids=str)
def test_the_eight_schools_are_those_of_bayesmeta(
    prior: object, median: float, tau: float, mu: float, first: float, upper: float
) -> None:
    found = _schools(prior)
    assert found.tau.median == pytest.approx(median, abs=1e-8)
    assert found.tau.mean == pytest.approx(tau, rel=1e-10)
    assert found.tau.shortest_high == pytest.approx(upper, rel=1e-9)
    assert found.mu.mean == pytest.approx(mu, abs=2e-3 * found.mu.sd)
    assert found.shrinkage["A"].mean == pytest.approx(first, abs=2e-3 * found.shrinkage["A"].sd)


def test_the_likelihood_of_the_eight_schools_is_largest_without_heterogeneity() -> None:
    tau, mu = _schools(HalfNormal(10.0)).maximum_likelihood
    assert tau == 0.0
    # The common-effect estimate, to the digits of the data.
    weights = {name: se**-2.0 for name, (_, se) in SCHOOLS.items()}
    assert mu == pytest.approx(
        sum(weights[n] * SCHOOLS[n][0] for n in SCHOOLS) / sum(weights.values()), rel=1e-12
    )
