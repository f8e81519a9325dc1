"""The record of the second implementation of the evidence model is of the current model, sound, and close to us.

The reference was sampled by NUTS from the equations, not from our code (`validation/myositis_model/`). When rows or
priors change the record is refused: `validation/myositis_model/README.md` says how to make a new one.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from myopoise.estimate import Estimate
from myopoise.synthesis.myositis import MyositisPriors, myositis_model
from myopoise.synthesis.priors import HalfNormal
from myopoise.vocabulary import Reading

NUTS = Path(__file__).resolve().parents[2] / "validation" / "myositis_model"


def _module() -> ModuleType:
    name = "validation_myositis_model_compare"
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(name, NUTS / "compare.py")
        assert found is not None
        assert found.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[name])
    return sys.modules[name]


compare = _module()


@pytest.fixture(scope="module")
def selection():
    return compare.model_rows()


@pytest.fixture(scope="module")
def main_reading(selection) -> dict[str, Estimate | float]:
    return compare.ours(selection, Reading.MAIN, MyositisPriors())


def test_the_record_is_of_the_current_rows_and_priors(selection) -> None:
    current = compare.fingerprint(selection, MyositisPriors())
    assert compare.read_record()["fingerprint"] == current, (
        "rows or priors have changed since the record: sample anew, as validation/myositis_model/README.md says"
    )


def test_another_row_or_prior_is_another_fingerprint(selection) -> None:
    current = compare.fingerprint(selection, MyositisPriors())
    wider = MyositisPriors(heterogeneity=HalfNormal(0.3))
    one_more = replace(selection.rows[0], n=selection.rows[0].n + 1)
    assert compare.fingerprint(selection, wider) != current
    assert (
        compare.fingerprint(replace(selection, rows=(one_more, *selection.rows[1:])), MyositisPriors())
        != current
    )
    assert compare.fingerprint(replace(selection, rows=selection.rows[::-1]), MyositisPriors()) == current


@pytest.mark.parametrize("reading", list(Reading))
def test_the_reference_sampler_converged(reading: Reading) -> None:
    sampler = compare.read_record()["readings"][str(reading)]["sampler"]
    assert sampler["smallest_ess"] > 4000
    assert sampler["largest_rhat"] < 1.01
    # Fewer than one in two thousand draws.
    assert sampler["divergences"] < sampler["chains"] * sampler["draws_per_chain"] / 2000


@pytest.mark.parametrize("reading", list(Reading))
def test_every_recorded_difference_is_small(reading: Reading) -> None:
    summary = compare.read_record()["readings"][str(reading)]["summary"]
    for kind, row in summary.items():
        limit = 0.03 if kind == "probability of benefit" else 0.1
        assert abs(row["largest_mean_difference"]) < limit, kind


def test_our_main_reading_is_that_of_the_second_implementation(main_reading) -> None:
    # What a reader sees is held closely: the chance of response, the difference, the chance of benefit. The tails of a
    # single deviation of a treatment from its class rest on the few nodes with a large spread: its sd is held loosely.
    mean_limit = {"components": 0.1, "standard deviations": 0.1}
    sd_limit = {"components": 0.25, "standard deviations": 0.08}
    for d in compare.differences(compare.read_answers(Reading.MAIN), main_reading):
        if d.kind == "probability of benefit":
            assert abs(d.mean_in_sd) < 0.03, d
            continue
        assert abs(d.mean_in_sd) < mean_limit.get(d.kind, 0.06), d
        # A rare level of response to a drug hardly seen lives in the tails.
        rare = any(level in d.quantity for level in ("moderate ", "major "))
        assert abs(d.sd_ratio - 1.0) < (0.15 if rare else sd_limit.get(d.kind, 0.08)), d


def test_both_programs_name_the_same_quantities(main_reading) -> None:
    missing = set(main_reading) - set(compare.read_answers(Reading.MAIN))
    assert missing == set()


def test_two_arms_of_a_trial_differ_by_the_heterogeneity(selection) -> None:
    # w ~ N(0, tau^2 / 2) for each arm, so that a contrast has variance tau^2, as in a comparison printed as P.
    model = myositis_model(selection, Reading.MAIN, MyositisPriors())
    assert model is not None
    tau = [name for name, _ in model.hypers].index("between trials")
    assert np.allclose(2.0 * model.arm_variance.loading[:, tau], model.comparisons.variance.loading[0, tau])
