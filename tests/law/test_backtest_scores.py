"""Scores of forecasts: each formula by a second route, and nobody scores better than by telling the truth."""

from __future__ import annotations

from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from myopoise.backtest.scores import (
    LEVELS,
    CountForecast,
    DifferenceForecast,
    ForecastScore,
    paired_difference,
    summarised,
)

Floats = NDArray[np.float64]


def evenly(chance: Floats) -> Floats:
    return np.full(len(chance), 1.0 / len(chance))


def beta_forecast(a: float, b: float, n: int) -> CountForecast:
    """A beta belief as the nodes and weights of Gauss-Jacobi quadrature, exact for polynomials of degree 119."""
    x, w = np.polynomial.legendre.leggauss(60)
    chance = 0.5 * (x + 1.0)
    weight = w * stats.beta.pdf(chance, a, b)
    return CountForecast(chance, weight / weight.sum(), n)


@st.composite
def count_forecasts(draw: st.DrawFn) -> tuple[CountForecast, int]:
    n = draw(st.integers(1, 30))
    chance = np.array(draw(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6)))
    weight = np.array(draw(st.lists(st.floats(0.01, 1.0), min_size=len(chance), max_size=len(chance))))
    return CountForecast(chance, weight / weight.sum(), n), draw(st.integers(0, n))


# --- the distribution of a count --------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b", "n"), [(1, 1, 19), (2, 5, 40), (7, 3, 12), (20, 30, 50)])
def test_a_beta_belief_predicts_a_beta_binomial_count(a: float, b: float, n: int) -> None:
    np.testing.assert_allclose(
        beta_forecast(a, b, n).pmf(), stats.betabinom.pmf(np.arange(n + 1), n, a, b), rtol=1e-9, atol=1e-15
    )


def test_two_draws_and_two_patients_give_the_mixture_by_hand() -> None:
    found = CountForecast(np.array([0.5, 0.2]), np.array([0.25, 0.75]), 2)
    by_hand = [0.25 * 0.25 + 0.75 * 0.64, 0.25 * 0.5 + 0.75 * 0.32, 0.25 * 0.25 + 0.75 * 0.04]
    assert found.pmf() == pytest.approx(by_hand, abs=1e-15)
    assert found.log_score(1) == pytest.approx(log(by_hand[1]), abs=1e-14)
    assert found.pit(1) == pytest.approx((by_hand[0], by_hand[0] + by_hand[1]))


def test_a_log_score_far_out_keeps_its_digits() -> None:
    """One draw: the exact probability as a fraction, which is below the smallest double."""
    n, p = 400, Fraction(1, 1024)
    exact = log(comb(n, 390)) + 390 * log(p) + 10 * log(1 - p)
    assert exact < -745.0
    found = CountForecast(np.array([float(p)]), np.ones(1), n).log_score(390)
    assert found == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("chance", "events"), [(0.0, 0), (1.0, 8)])
def test_a_certain_forecast_scores_nothing_lost_or_everything(chance: float, events: int) -> None:
    found = CountForecast(np.array([chance]), np.ones(1), 8)
    assert found.log_score(events) == 0.0
    assert found.crps(events) == 0.0
    assert found.log_score(8 - events) == -np.inf
    assert found.crps(8 - events) == pytest.approx(1.0)
    assert found.interval(0.95) == (events, events)


@given(count_forecasts())
@settings(max_examples=60, deadline=None)
def test_a_draw_split_in_two_or_without_weight_changes_nothing(drawn: tuple[CountForecast, int]) -> None:
    forecast, events = drawn
    chance = np.concatenate([forecast.chance, forecast.chance, [0.123]])
    weight = np.concatenate([0.25 * forecast.weight, 0.75 * forecast.weight, [0.0]])
    split = CountForecast(chance, weight, forecast.n)
    np.testing.assert_allclose(split.pmf(), forecast.pmf(), atol=1e-14)
    assert split.crps(events) == pytest.approx(forecast.crps(events), abs=1e-12)


def test_a_simulation_finds_the_same_count_distribution_and_crps() -> None:
    rng = np.random.default_rng(3)
    chance, weight, n, events = np.array([0.1, 0.35, 0.8]), np.array([0.2, 0.5, 0.3]), 17, 5
    found = CountForecast(chance, weight, n)
    seen = rng.binomial(n, rng.choice(chance, 400_000, p=weight))
    np.testing.assert_allclose(np.bincount(seen, minlength=n + 1) / len(seen), found.pmf(), atol=0.003)
    x = seen / n
    energy = np.abs(x - events / n).mean() - 0.5 * np.abs(x[:200_000] - x[200_000:]).mean()
    assert found.crps(events) == pytest.approx(float(energy), abs=0.002)


@given(count_forecasts())
@settings(max_examples=60, deadline=None)
def test_crps_is_mean_distance_less_half_the_mean_distance_of_two_draws(
    drawn: tuple[CountForecast, int],
) -> None:
    forecast, events = drawn
    x, p = np.arange(forecast.n + 1) / forecast.n, forecast.pmf()
    energy = p @ np.abs(x - events / forecast.n) - 0.5 * p @ np.abs(x[:, None] - x) @ p
    assert forecast.crps(events) == pytest.approx(float(energy), abs=1e-12)


# --- intervals and calibration ----------------------------------------------------------------------------


def test_the_interval_of_an_even_forecast_leaves_whole_counts_out_at_both_ends() -> None:
    """A flat belief gives 0 to 19 responders 1 in 20 each: 90 % leaves one count out at each end."""
    even = beta_forecast(1, 1, 19)
    assert even.interval(0.90) == (1, 18)
    assert even.promised(0.90) == pytest.approx(18 / 20)
    assert even.interval(0.91) == (0, 19)
    assert even.interval(0.50) == (5, 14)
    assert [even.covers(k, 0.5) for k in (4, 5, 14, 15)] == [False, True, True, False]


@given(count_forecasts(), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
@settings(max_examples=100, deadline=None)
def test_an_interval_leaves_no_more_than_half_of_the_rest_out_at_either_end(
    drawn: tuple[CountForecast, int], level: float
) -> None:
    forecast, _ = drawn
    low, high = forecast.interval(level)
    p, out = forecast.pmf(), (1 - level) / 2
    assert low <= high
    assert p[:low].sum() <= out + 1e-9
    assert p[high + 1 :].sum() <= out + 1e-9
    assert p[: low + 1].sum() > out - 1e-9
    assert p[high:].sum() > out - 1e-9
    assert forecast.promised(level) == pytest.approx(float(p[low : high + 1].sum()))
    assert forecast.promised(level) >= level - 1e-9


@given(count_forecasts(), st.sampled_from([0.5, 0.8, 0.95]))
@settings(max_examples=60, deadline=None)
def test_counting_failures_in_place_of_responders_is_a_mirror(
    drawn: tuple[CountForecast, int], level: float
) -> None:
    forecast, events = drawn
    # A chance next to 1 has no exact mirror among doubles.
    forecast = CountForecast(np.round(forecast.chance * 64) / 64, forecast.weight, forecast.n)
    mirror = CountForecast(1.0 - forecast.chance, forecast.weight, forecast.n)
    low, high = forecast.interval(level)
    assert mirror.interval(level) == (forecast.n - high, forecast.n - low)
    assert mirror.crps(forecast.n - events) == pytest.approx(forecast.crps(events), abs=1e-12)


@given(count_forecasts())
@settings(max_examples=60, deadline=None)
def test_pit_intervals_of_neighbouring_counts_meet_and_fill_all(drawn: tuple[CountForecast, int]) -> None:
    forecast, _ = drawn
    pits = [forecast.pit(k) for k in range(forecast.n + 1)]
    assert pits[0][0] == 0.0
    assert pits[-1][1] == pytest.approx(1.0)
    assert [low for low, _ in pits[1:]] == pytest.approx([high for _, high in pits[:-1]])


def test_when_the_forecast_is_right_pit_is_even_and_coverage_is_what_was_promised() -> None:
    rng = np.random.default_rng(11)
    forecast = beta_forecast(3, 4, 15)
    seen = rng.binomial(15, rng.beta(3, 4, 20_000))
    pits = np.array([forecast.pit(k) for k in range(16)])[seen]
    spread_evenly = pits[:, 0] + rng.uniform(size=len(seen)) * (pits[:, 1] - pits[:, 0])
    assert stats.kstest(spread_evenly, "uniform").pvalue > 0.01
    for level in LEVELS:
        low, high = forecast.interval(level)
        share = ((seen >= low) & (seen <= high)).mean()
        assert share == pytest.approx(forecast.promised(level), abs=0.012)


# --- differences ------------------------------------------------------------------------------------------


def joint() -> DifferenceForecast:
    """Three joint draws of chances that rise together."""
    return DifferenceForecast(
        np.array([0.2, 0.5, 0.9]), 7, np.array([0.1, 0.3, 0.6]), 4, np.array([0.3, 0.5, 0.2])
    )


def test_the_pairs_of_two_patients_by_hand() -> None:
    found = DifferenceForecast(np.array([0.5, 1.0]), 1, np.array([0.5, 0.0]), 1, np.array([0.4, 0.6]))
    by_hand = np.array([[0.4 * 0.25, 0.4 * 0.25], [0.4 * 0.25 + 0.6, 0.4 * 0.25]])
    np.testing.assert_allclose(found.pmf(), by_hand, atol=1e-15)
    assert found.log_score(1, 0) == pytest.approx(log(0.7))
    # The difference is -1, 0 or 1 with chances 0.1, 0.2, 0.7; 0 is seen.
    assert found.crps(1, 1) == pytest.approx(0.1**2 + 0.7**2)
    assert found.pit(1, 1) == pytest.approx((0.1, 0.3))
    assert found.interval(0.5) == (0.0, 1.0)
    assert found.interval(0.85) == (-1.0, 1.0)


def test_pairs_are_a_sum_over_draws_of_products_of_binomials() -> None:
    found = joint()
    each = zip(found.weight, found.chance_1, found.chance_0, strict=True)
    expected = sum(
        w * np.outer(stats.binom.pmf(np.arange(8), 7, p1), stats.binom.pmf(np.arange(5), 4, p0))
        for w, p1, p0 in each
    )
    np.testing.assert_allclose(found.pmf(), expected, atol=1e-14)
    assert found.log_score(6, 1) == pytest.approx(log(expected[6, 1]), abs=1e-12)


def test_a_simulation_finds_the_same_differences() -> None:
    rng = np.random.default_rng(5)
    found = joint()
    draw = rng.choice(3, 400_000, p=found.weight)
    difference = rng.binomial(7, found.chance_1[draw]) / 7 - rng.binomial(4, found.chance_0[draw]) / 4
    observed = 5 / 7 - 1 / 4
    below, up_to = found.pit(5, 1)
    assert (difference < observed - 1e-9).mean() == pytest.approx(below, abs=0.003)
    assert (difference < observed + 1e-9).mean() == pytest.approx(up_to, abs=0.003)
    energy = (
        np.abs(difference - observed).mean()
        - 0.5 * np.abs(difference[:200_000] - difference[200_000:]).mean()
    )
    assert found.crps(5, 1) == pytest.approx(float(energy), abs=0.003)
    low, high = found.interval(0.8)
    inside = (difference > low - 1e-9) & (difference < high + 1e-9)
    assert inside.mean() == pytest.approx(found.promised(0.8), abs=0.003)
    assert (difference < low - 1e-9).mean() <= 0.1 + 0.003
    assert (difference > high + 1e-9).mean() <= 0.1 + 0.003


@pytest.mark.parametrize("level", LEVELS)
def test_a_difference_is_covered_when_it_lies_in_the_interval_in_print(level: float) -> None:
    found = joint()
    low, high = found.interval(level)
    for r1 in range(8):
        for r0 in range(5):
            inside = low - 1e-12 <= r1 / 7 - r0 / 4 <= high + 1e-12
            assert found.covers(r1, r0, level) == inside


def test_equal_differences_are_one_even_where_doubles_disagree() -> None:
    """With 3 and 6 patients, 1/3 - 0/6 and 2/3 - 2/6 are one difference; as doubles 3/3 - 4/6 is another."""
    assert 3 / 3 - 4 / 6 != 1 / 3 - 0 / 6
    even = np.array([0.4])
    found = DifferenceForecast(even, 3, even, 6, np.ones(1))
    assert found.pit(3, 4) == found.pit(1, 0) == found.pit(2, 2)


def test_swapping_the_arms_mirrors_the_difference() -> None:
    one = joint()
    other = DifferenceForecast(one.chance_0, one.n_0, one.chance_1, one.n_1, one.weight)
    assert other.log_score(1, 5) == pytest.approx(one.log_score(5, 1))
    assert other.crps(1, 5) == pytest.approx(one.crps(5, 1))
    for level in LEVELS:
        low, high = one.interval(level)
        assert other.interval(level) == pytest.approx((-high, -low))


def test_arms_forecast_together_are_not_two_arms_forecast_apart() -> None:
    """What moves both arms leaves the difference alone: jointly the interval is the narrower one."""
    shared = np.array([0.1, 0.9])
    even = evenly(shared)
    together = DifferenceForecast(shared, 60, shared, 60, even)
    apart = DifferenceForecast(np.repeat(shared, 2), 60, np.tile(shared, 2), 60, np.full(4, 0.25))
    assert together.interval(0.8)[1] < 0.2
    assert apart.interval(0.8)[1] > 0.6


# --- proper scores ----------------------------------------------------------------------------------------


@given(st.floats(0.5, 8.0), st.floats(0.5, 8.0), st.floats(0.5, 8.0), st.floats(0.5, 8.0))
@settings(max_examples=40, deadline=None)
def test_nobody_scores_better_on_average_than_the_truth(a: float, b: float, c: float, d: float) -> None:
    truth, other = beta_forecast(a, b, 20), beta_forecast(c, d, 20)
    happens = truth.pmf()

    def expected(forecast: CountForecast) -> tuple[float, float]:
        scores = [forecast.scored(k) for k in range(21)]
        return (
            float(happens @ [s.log_score for s in scores]),
            float(happens @ [s.crps for s in scores]),
        )

    (log_truth, crps_truth), (log_other, crps_other) = expected(truth), expected(other)
    # What is lost is the divergence of the two, a number that needs no score.
    divergence = float(happens @ np.log(happens / other.pmf()))
    gap = np.cumsum(happens - other.pmf())[:-1]
    assert log_truth - log_other == pytest.approx(divergence, abs=1e-9)
    assert crps_other - crps_truth == pytest.approx(float(gap @ gap) / 20, abs=1e-9)
    assert log_truth >= log_other - 1e-12
    assert crps_truth <= crps_other + 1e-12


@pytest.mark.parametrize("shift", [-0.15, -0.05, 0.05, 0.15])
def test_nobody_scores_better_on_average_than_the_truth_on_a_difference(shift: float) -> None:
    chance_1, chance_0 = np.array([0.3, 0.5, 0.7]), np.array([0.2, 0.4, 0.4])
    truth = DifferenceForecast(chance_1, 6, chance_0, 5, evenly(chance_1))
    other = DifferenceForecast(chance_1 + shift, 6, chance_0, 5, evenly(chance_1))
    happens = truth.pmf()
    pairs = [(r1, r0) for r1 in range(7) for r0 in range(6)]
    lost_log = sum(happens[p] * (truth.log_score(*p) - other.log_score(*p)) for p in pairs)
    lost_crps = sum(happens[p] * (other.crps(*p) - truth.crps(*p)) for p in pairs)
    assert lost_log > 1e-4
    assert lost_crps > 1e-5


# --- summaries --------------------------------------------------------------------------------------------


def score(log_score: float, crps: float = 0.1, covered: bool = True) -> ForecastScore:
    return ForecastScore(log_score, crps, dict.fromkeys(LEVELS, covered), {x: x + 0.01 for x in LEVELS})


def test_a_summary_is_means_and_standard_errors() -> None:
    found = summarised([score(-1.0, 0.1), score(-2.0, 0.2, False), score(-4.5, 0.3), score(-1.5, 0.0)])
    values = [-1.0, -2.0, -4.5, -1.5]
    assert found.forecasts == found.log_score.count == 4
    assert found.log_score.mean == pytest.approx(np.mean(values))
    assert found.log_score.se == pytest.approx(stats.sem(values))
    assert found.crps.mean == pytest.approx(0.15)
    assert found.crps.se == pytest.approx(stats.sem([0.1, 0.2, 0.3, 0.0]))
    assert found.coverage == dict.fromkeys(LEVELS, 0.75)
    assert found.promised == pytest.approx({x: x + 0.01 for x in LEVELS})


def test_a_summary_of_forecasts_holds_the_scores_of_its_parts() -> None:
    forecast, pair = beta_forecast(2, 3, 10), joint()
    found = summarised([forecast.scored(9), pair.scored(0, 4)])
    assert found.log_score.mean == pytest.approx((forecast.log_score(9) + pair.log_score(0, 4)) / 2)
    assert found.crps.mean == pytest.approx((forecast.crps(9) + pair.crps(0, 4)) / 2)
    for level in LEVELS:
        assert found.coverage[level] == (forecast.covers(9, level) + pair.covers(0, 4, level)) / 2
        assert found.promised[level] == (forecast.promised(level) + pair.promised(level)) / 2


def test_a_paired_difference_is_that_of_the_means_with_the_error_of_the_pairs() -> None:
    a, b = [-1.0, -2.0, -3.0, -4.0], [-1.2, -2.1, -3.5, -3.9]
    found = paired_difference([score(x) for x in a], [score(x) for x in b])
    assert found.mean == pytest.approx(np.mean(a) - np.mean(b))
    assert found.se == pytest.approx(stats.sem(np.array(a) - np.array(b)))
    assert found.se < 0.3 * stats.sem(a)


def test_arms_of_one_study_that_agree_count_as_one() -> None:
    """Doubling every forecast within its study teaches nothing: the mean and its error stay those of the studies."""
    values = [-1.0, -2.0, -4.5, -1.5]
    alone = summarised([score(x) for x in values]).log_score
    doubled = summarised([score(x) for x in values * 2], ["a", "b", "c", "d"] * 2).log_score
    assert doubled.mean == pytest.approx(alone.mean)
    assert doubled.se == pytest.approx(alone.se)


def test_one_study_has_no_standard_error() -> None:
    found = summarised([score(-1.0), score(-2.0)], ["a", "a"])
    assert found.log_score.mean == -1.5
    assert np.isnan(found.log_score.se)


def test_a_forecast_that_ruled_out_what_happened_is_infinitely_bad_and_says_so() -> None:
    lost = score(-np.inf)
    assert summarised([lost, score(-1.0)]).log_score.mean == -np.inf
    assert np.isnan(summarised([lost, score(-1.0)]).log_score.se)
    assert paired_difference([lost], [score(-1.0)]).mean == -np.inf
    assert np.isnan(paired_difference([lost], [lost]).mean)


# --- misuse -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chance", "weight", "n", "said"),
    [
        ([0.5], [0.9], 5, "sum to 1"),
        ([0.5, 0.5], [1.5, -0.5], 5, "not negative"),
        ([1.1], [1.0], 5, "between 0 and 1"),
        ([np.nan], [1.0], 5, "between 0 and 1"),
        ([0.5, 0.5], [1.0], 5, "two equal rows"),
        ([], [], 5, "two equal rows"),
        ([0.5], [1.0], 0, "at least one patient"),
    ],
)
def test_draws_that_are_no_distribution_are_refused(
    chance: list[float], weight: list[float], n: int, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        CountForecast(np.array(chance), np.array(weight), n)


@pytest.mark.parametrize("events", [-1, 8])
def test_more_responders_than_patients_are_refused(events: int) -> None:
    forecast = CountForecast(np.array([0.5]), np.ones(1), 7)
    for scoring in (forecast.log_score, forecast.crps, forecast.pit, forecast.scored):
        with pytest.raises(ValueError, match=f"{events} responders among 7"):
            scoring(events)
    with pytest.raises(ValueError, match=f"{events} responders among 7"):
        joint().crps(events, 2)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_that_is_no_probability_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        joint().interval(level)


def test_methods_are_compared_on_the_same_targets_only() -> None:
    with pytest.raises(ValueError, match="2 and 1 scores"):
        paired_difference([score(-1.0), score(-2.0)], [score(-1.0)])
    with pytest.raises(ValueError, match="no forecast"):
        paired_difference([], [])
    with pytest.raises(ValueError, match="no forecast"):
        summarised([])
    with pytest.raises(ValueError, match="2 scores is of one study, and here are 1"):
        summarised([score(-1.0), score(-2.0)], ["a"])
