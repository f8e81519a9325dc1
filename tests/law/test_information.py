"""Value of information against closed forms: two options with normal values, known and unknown in part."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from myopoise.choice.information import perfect_information, value_of_information

N = 40_000


def draws(*sds: float) -> np.ndarray:
    """Independent normals at quasi-random points, one column each."""
    points = stats.qmc.Sobol(len(sds), scramble=True, seed=3).random(2**16)[:N]
    return stats.norm.ppf(points) * np.array(sds)


def loss_of_normal(mean: float, sd: float) -> float:
    """E[max(0, x)] less max(0, mean), for x normal."""
    z = mean / sd
    return float(mean * stats.norm.cdf(z) + sd * stats.norm.pdf(z) - max(0.0, mean))


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.1), (0.05, 0.1), (-0.08, 0.1), (0.3, 0.1)])
def test_perfect_information_of_one_normal_difference_is_its_unit_loss(mean: float, sd: float) -> None:
    x = mean + draws(sd)[:, 0]
    value = np.stack([x, np.zeros(N)])
    assert perfect_information(value, np.full(N, 1 / N)) == pytest.approx(loss_of_normal(mean, sd), abs=2e-4)


def test_knowing_one_of_two_parts_is_worth_the_loss_of_that_part() -> None:
    parts = draws(0.08, 0.06)
    value = np.stack([0.02 + parts.sum(1), np.zeros(N)])
    found = value_of_information(
        value,
        ["drug", "background"],
        np.full(N, 1 / N),
        np.arange(N),
        [("first", "first", parts[:, :1]), ("second", "second", parts[:, 1:]), ("both", "both", parts)],
        {"response": 1.0},
    )
    worth = {v.about: v.value for v in found.questions}
    assert found.best_now == "drug"
    assert worth["first"] == pytest.approx(loss_of_normal(0.02, 0.08), abs=4e-4)
    assert worth["second"] == pytest.approx(loss_of_normal(0.02, 0.06), abs=4e-4)
    assert worth["both"] == pytest.approx(found.everything.value, abs=4e-4)
    assert all(0.0 < v.se < 0.002 for v in found.questions)


def test_knowing_what_moves_no_choice_is_worth_nothing() -> None:
    parts = draws(0.05, 1.0)
    value = np.stack([0.5 + parts[:, 0], np.zeros(N)]) + parts[:, 1]
    found = value_of_information(
        value,
        ["drug", "background"],
        np.full(N, 1 / N),
        np.arange(N),
        [("what all share", "shared", parts[:, 1:])],
        {"response": 1.0},
    )
    assert found.questions[0].value == pytest.approx(0.0, abs=1e-9)
    assert found.everything.value == pytest.approx(0.0, abs=1e-9)
