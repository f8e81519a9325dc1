"""The sampler's record is of the networks we have, sound, and close to our side of today.

The sampler is an optional extra; its answers are committed, so this runs without it. When a network or a prior changes
the record is refused: `validation/nuts_networks/README.md` says how to make a new one.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "validation" / "nuts_networks"
sys.path.insert(0, str(FOLDER))


def _module() -> ModuleType:
    # By its path: another record has a script of the same name.
    name = "validation_nuts_networks_compare"
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(name, FOLDER / "compare.py")
        assert found is not None
        assert found.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[name])
    return sys.modules[name]


compare = _module()
RECORD = compare.read_record()

MEAN, SPREAD, END = 0.03, 0.03, 0.06
"""In posterior sd, beyond three Monte Carlo errors of the sampler and our own noise of 1,024 draws below."""

OURS = {"mean": 0.02, "median": 0.03, "sd": 0.04, "low": 0.08, "high": 0.08}
MANY_SPREADS = "single arms"
"""Three standard deviations: our nodes over them are quasi-random, and the upper end of each is rough (0.2 sd)."""


def test_the_record_is_of_every_network_we_have() -> None:
    assert set(RECORD["networks"]) == set(compare.NETWORKS)
    assert {"date", "myopoise", "versions", "call"} <= set(RECORD)


@pytest.mark.parametrize("name", compare.NETWORKS)
def test_the_sampler_saw_the_network_of_today_and_its_chains_agreed(name: str) -> None:
    entry = RECORD["networks"][name]
    model = compare.model_of(compare.NETWORKS[name])
    assert entry["fingerprint"] == compare.fingerprint(model), (
        "sample anew: the network or a prior has changed"
    )
    assert entry["sampler"]["largest_r_hat"] < 1.01
    assert entry["sampler"]["smallest_effective"] > 800
    assert entry["sampler"]["divergences"] < entry["sampler"]["draws"] / 1000
    assert set(entry["answers"]) == {*model.columns, *(hyper for hyper, _ in model.hypers)}


@pytest.mark.parametrize("name", compare.NETWORKS)
def test_our_answer_of_today_is_that_of_the_sampler(name: str) -> None:
    model = compare.model_of(compare.NETWORKS[name])
    found, trust = compare.ours(model)
    assert trust["ok"]
    allowed = {"mean": MEAN, "median": MEAN, "sd": SPREAD, "low": END, "high": END}
    off = []
    for d in compare.differences(RECORD["networks"][name]["answers"], found):
        rough = 0.12 if name == MANY_SPREADS and d.statistic in ("sd", "high") else 0.0
        limit = allowed[d.statistic] + OURS[d.statistic] + rough + 3.0 * d.error / d.sd
        if abs(d.in_sd) > limit:
            off.append((d.quantity, d.statistic, d.sampler, d.ours, round(limit, 3)))
    assert off == []


def test_another_network_has_another_fingerprint() -> None:
    marks = {compare.fingerprint(compare.model_of(network)) for network in compare.NETWORKS.values()}
    assert len(marks) == len(compare.NETWORKS)
