"""Intervals of what a study saw."""

from __future__ import annotations

import pytest
from scipy import stats

from myopoise.synthesis.observed import newcombe_difference, proportion


def test_newcombe_reproduces_his_table_ii() -> None:
    """Newcombe 1998, table II, method 10: 56/70 and 48/80 give 0.0524 to 0.3339; 9/10 and 3/10, 0.1705 to 0.8090."""
    one = newcombe_difference(56, 70, 48, 80)
    assert (one.low, one.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    other = newcombe_difference(9, 10, 3, 10)
    assert (other.low, other.high) == pytest.approx((0.1705, 0.8090), abs=5e-5)


def test_a_difference_of_empty_and_full_stays_inside_minus_one_and_one() -> None:
    """Newcombe 1998, table II: 10/10 against 0/20 gives 0.6791 to 1.0000 with method 10."""
    extreme = newcombe_difference(10, 10, 0, 20)
    assert (extreme.low, extreme.high) == pytest.approx((0.6791, 1.0), abs=5e-5)


@pytest.mark.parametrize(("events", "n"), [(0, 6), (3, 11), (11, 12), (7, 7)])
def test_a_proportion_has_the_jeffreys_interval(events: int, n: int) -> None:
    found = proportion(events, n)
    beta = stats.beta(events + 0.5, n - events + 0.5)
    assert found.low == pytest.approx(0.0 if events == 0 else beta.ppf(0.025))
    assert found.high == pytest.approx(1.0 if events == n else beta.ppf(0.975))
    assert found.mean == events / n
