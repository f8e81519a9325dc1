"""Graded responses and scores by second routes: the score of drawn patients, multinomial formulas, differences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from myopoise.synthesis.graded import GradedResponses, ramp
from myopoise.synthesis.likelihoods import Mix
from myopoise.synthesis.response_scale import POINTS, mean_score, score_pieces, threshold
from myopoise.vocabulary import Level

Floats = NDArray[np.float64]
NAN = float("nan")


def score_of_a_patient(latent: Floats, k2: float, k3: float, points: tuple[float, float, float]) -> Floats:
    """Piecewise linear through the levels, last slope continued, flat outside 0 to 100."""
    end = k2 + k3 + k3 * (100.0 - points[2]) / (points[2] - points[1])
    places = [-k2, 0.0, k2, k2 + k3, end]
    return np.interp(latent, places, [0.0, *points, 100.0])


@pytest.mark.parametrize("variant", ["adult", "jdm"])
@pytest.mark.parametrize(("eta", "k2", "k3"), [(0.0, 0.65, 0.65), (-1.5, 0.4, 0.9), (2.2, 0.9, 0.5)])
def test_a_mean_score_is_the_mean_over_patients(variant: str, eta: float, k2: float, k3: float) -> None:
    points = POINTS[variant]

    def weighted(latent: float) -> float:
        return float(score_of_a_patient(np.array(latent), k2, k3, points) * stats.norm.pdf(latent, eta))

    kinks = [-k2, 0.0, k2, k2 + k3, k2 + k3 + k3 * (100.0 - points[2]) / (points[2] - points[1])]
    expected = integrate.quad(weighted, eta - 9.0, eta + 9.0, points=kinks, limit=400)[0]
    found = mean_score(np.array([eta]), np.array([[k2, k3]]), points)[0]
    assert found == pytest.approx(expected, abs=1e-6)


def test_an_adult_score_has_no_kink_at_minimal_improvement() -> None:
    """0, 20 and 40 points are equally far apart; a child's 0, 30 and 45 are not."""
    assert len(score_pieces(POINTS["adult"])) == 3
    assert len(score_pieces(POINTS["jdm"])) == 4


def test_thresholds_rise_with_the_level() -> None:
    places = [float(threshold(level, np.array([0.5, 0.9]))) for level in Level]
    assert places == [-0.5, 0.0, 0.5, 1.4]


def test_the_ramp_has_the_slope_phi() -> None:
    eta = np.linspace(-4.0, 4.0, 41)
    slope = (ramp(eta + 1e-5) - ramp(eta - 1e-5)) / 2e-5
    assert slope == pytest.approx(stats.norm.cdf(eta), abs=1e-9)


CUTS = (0.0, 0.5, 1.3)


def graded_arm() -> tuple[GradedResponses, Mix]:
    """Twenty patients by minimal, moderate and major; nine of fourteen at one level; a mean of 31 points.

    Each row is half of one diagnosis and half of another, whose linear predictors differ.
    """
    share: list[float] = []
    part: list[int] = []
    for result, (lower, upper) in enumerate([(0, 1), (1, 1), (1, 1), (1, 0)]):
        share += [0.5, 0.5] * lower + [-0.5, -0.5] * upper
        part += [result] * 2 * (lower + upper)
    share += [0.5, 0.5]
    part += [4, 4]
    for piece in score_pieces(POINTS["adult"]):
        slope = float(np.dot(piece.slope, [1.0 / 0.5, 1.0 / 0.8]))
        share += [0.5 * slope, 0.5 * slope]
        part += [5, 5]
    likelihood = GradedResponses(
        counts=np.array([5.0, 7.0, 6.0, 2.0, 9.0, 0.0]),
        rest=np.array([0.0, 0.0, 0.0, 0.0, 5.0, 0.0]),
        n=np.array([20.0, 20.0, 20.0, 20.0, 14.0, 1.0]),
        constant=np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        above=np.array([15.0, 15.0, 8.0, 2.0, 9.0, 0.0]),
        highest=np.array([False, False, False, True, True, False]),
        mean=np.array([NAN] * 5 + [31.0]),
        se=np.array([1.0] * 5 + [4.0]),
    )
    return likelihood, Mix(np.arange(6), np.array(part), np.array(share))


def parts_at(one: float, other: float) -> Floats:
    """Linear predictors of the parts of `graded_arm` at those of the two diagnoses, ``(part, 1)``."""
    both = np.array([one, other])
    blocks = [both - CUTS[0], both - CUTS[0], both - CUTS[1], both - CUTS[1], both - CUTS[2], both - CUTS[2]]
    blocks.append(both)
    blocks += [both - float(np.dot(piece.kink, [0.5, 0.8])) for piece in score_pieces(POINTS["adult"])]
    return np.concatenate(blocks)[:, None]


@pytest.mark.parametrize(("one", "other"), [(0.3, -0.4), (1.1, 0.2), (-0.8, -0.8)])
def test_a_graded_row_is_multinomial_a_single_count_binomial_and_a_mean_normal(
    one: float, other: float
) -> None:
    likelihood, mix = graded_arm()
    value = likelihood.log_density(parts_at(one, other), mix)[:, 0] + likelihood.log_constant()
    reached = [float(stats.norm.cdf(np.array([one, other]) - cut).mean()) for cut in CUTS]
    chances = -np.diff([1.0, *reached, 0.0])
    assert value[:4].sum() == pytest.approx(stats.multinomial(20, chances).logpmf([5, 7, 6, 2]), abs=1e-10)
    assert value[4] == pytest.approx(stats.binom.logpmf(9, 14, reached[0]), abs=1e-10)
    mean = mean_score(np.array([one, other]), np.array([[0.5, 0.8], [0.5, 0.8]])).mean()
    assert value[5] == pytest.approx(stats.norm.logpdf(31.0, mean, 4.0), abs=1e-9)


def test_slopes_are_those_of_the_fitted_values() -> None:
    likelihood, mix = graded_arm()
    eta, step = parts_at(0.3, -0.4), 1e-6
    residual, variance, slope = likelihood.working(eta, mix)
    fitted = likelihood.fitted(eta, mix)
    for part in range(len(eta)):
        moved = eta.copy()
        moved[part] += step
        change = (likelihood.fitted(moved, mix) - fitted)[mix.part[part], 0] / step
        assert slope[part, 0] == pytest.approx(change, rel=1e-4, abs=1e-6)
    observed = np.array([5 / 20, 7 / 20, 6 / 20, 2 / 20, 9 / 14, 31.0])
    assert residual[:, 0] == pytest.approx(observed - fitted[:, 0], abs=1e-9)
    assert variance[4, 0] == pytest.approx(fitted[4, 0] * (1.0 - fitted[4, 0]) / 14.0)
    assert variance[5, 0] == 16.0


def test_the_deviance_is_twice_what_is_lost_against_a_perfect_fit() -> None:
    likelihood, mix = graded_arm()
    fitted = likelihood.fitted(parts_at(0.3, -0.4), mix)
    deviance = likelihood.deviance(fitted, np.arange(6))[:, 0]
    p = fitted[:, 0]
    multinomial = stats.multinomial(20, np.array([5, 7, 6, 2]) / 20).logpmf([5, 7, 6, 2])
    multinomial -= stats.multinomial(20, p[:4]).logpmf([5, 7, 6, 2])
    assert deviance[:4].sum() == pytest.approx(2.0 * multinomial, abs=1e-9)
    binomial = stats.binom.logpmf(9, 14, 9 / 14) - stats.binom.logpmf(9, 14, p[4])
    assert deviance[4] == pytest.approx(2.0 * binomial, abs=1e-9)
    assert deviance[5] == pytest.approx(((31.0 - p[5]) / 4.0) ** 2)


def test_only_arms_at_an_end_of_the_scale_lean() -> None:
    def lean(counts: list[float], rest: list[float], constant: list[float], highest: list[bool]) -> float:
        size = len(counts)
        likelihood = GradedResponses(
            counts=np.array(counts),
            rest=np.array(rest),
            n=np.full(size, 6.0),
            constant=np.array(constant),
            above=np.zeros(size),
            highest=np.array(highest),
            mean=np.full(size, NAN),
            se=np.ones(size),
        )
        return float(likelihood.lean(np.zeros(size, dtype=int))[0])

    assert lean([6.0], [0.0], [0.0], [True]) == 1.0
    assert lean([0.0], [6.0], [0.0], [True]) == -1.0
    assert lean([2.0], [4.0], [0.0], [True]) == 0.0
    assert lean([0.0, 0.0, 6.0], [0.0] * 3, [1.0, 0.0, 0.0], [False, False, True]) == 1.0
    assert lean([6.0, 0.0, 0.0], [0.0] * 3, [1.0, 0.0, 0.0], [False, False, True]) == -1.0
    assert lean([0.0, 6.0, 0.0], [0.0] * 3, [1.0, 0.0, 0.0], [False, False, True]) == 0.0
    # Two groups of one arm: all of one responded, some of the other did not.
    assert lean([6.0, 4.0], [0.0, 2.0], [0.0, 0.0], [True, True]) == 0.0
