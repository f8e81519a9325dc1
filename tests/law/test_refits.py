"""Many refits at once are the same fits one by one, and do not know of each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import myopoise as mp

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
REPLICATES = 6


@pytest.fixture(scope="module", params=["random", "common"])
def whole(request: pytest.FixtureRequest) -> tuple[Any, np.ndarray, Any]:
    """A network, replicates of its counts, and everything refitted at once."""
    studies = mp.read_studies(EXAMPLES / "smoking.csv").studies
    found = fit(studies, request.param)
    arms = studies.arms
    share = (arms.events + 0.5) / (arms.n + 1.0)
    events = np.random.default_rng(7).binomial(arms.n.astype(int), share, (REPLICATES, len(share)))
    return (
        (studies, request.param),
        events.astype(float),
        mp.refit(found.assembled, events.astype(float), draws=2048),
    )


def fit(studies: Any, effects: str) -> Any:
    return mp.synthesise(mp.network(studies, reference="No intervention"), effects=effects, fit=False)


@pytest.mark.parametrize("number", range(REPLICATES))
def test_a_refit_is_the_fit_of_that_replicate_alone(whole: tuple[Any, np.ndarray, Any], number: int) -> None:
    (studies, effects), events, found = whole
    alone = fit(replace(studies, arms=replace(studies.arms, events=events[number])), effects)
    assert found.ok[number]
    for place, treatment in enumerate(found.treatments):
        if treatment == "No intervention":
            assert found.sd[number, place] == 0.0
            continue
        expected = alone.relative_effects[treatment, "No intervention"]
        sd = expected.sd
        assert found.mean[number, place] == pytest.approx(expected.mean, abs=0.05 * sd)
        assert found.sd[number, place] == pytest.approx(sd, rel=0.06)
        assert found.low[number, place] == pytest.approx(expected.low, abs=0.2 * sd)
        assert found.high[number, place] == pytest.approx(expected.high, abs=0.2 * sd)


def test_a_replicate_does_not_know_of_the_others(whole: tuple[Any, np.ndarray, Any]) -> None:
    (studies, effects), events, found = whole
    again = mp.refit(fit(studies, effects).assembled, events[::-1], draws=2048)
    assert np.allclose(again.mean[::-1], found.mean, atol=1e-9)
    assert np.allclose(again.high[::-1], found.high, atol=1e-9)


def test_the_same_seed_gives_the_same_bytes(whole: tuple[Any, np.ndarray, Any]) -> None:
    (studies, effects), events, found = whole
    again = mp.refit(fit(studies, effects).assembled, events, draws=2048)
    assert again.mean.tobytes() == found.mean.tobytes()
    assert again.tau.tobytes() == found.tau.tobytes()


def test_replicates_of_another_shape_are_refused(whole: tuple[Any, np.ndarray, Any]) -> None:
    (studies, effects), events, _ = whole
    with pytest.raises(ValueError, match="arms"):
        mp.refit(fit(studies, effects).assembled, events[:, 1:])
