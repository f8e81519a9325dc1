"""Common effects of a network from the likelihood of each study's arms given its total of events."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import expit

from myopoise.synthesis.frequentist.hypergeometric import log_choose
from myopoise.synthesis.frequentist.pairwise_regression import Floats
from myopoise.synthesis.frequentist.rare_network_fits import CountArms, Ints, NetworkFit

__all__ = ["fit_approximate", "fit_conditional"]

_ROUNDS = 200


def fit_approximate(arms: CountArms) -> NetworkFit:
    """Events of a study shared among its arms as a multinomial in patients times odds.

    Parameters
    ----------
    arms
        Of studies with an event.

    Returns
    -------
    fit
        The non-central hypergeometric likelihood, approximated for rare events (Stijnen 2010, Efthimiou 2019).
    """
    total = arms.totals(arms.events)

    def moments(study: int, places: Ints, theta: Floats) -> tuple[float, Floats, Floats]:
        exponent = np.log(arms.n[places]) + theta
        top = float(exponent.max())
        whole = top + math.log(float(np.exp(exponent - top).sum()))
        p = np.exp(exponent - whole)
        value = float(arms.events[places] @ (exponent - whole))
        return value, total[study] * p, total[study] * (np.diag(p) - np.outer(p, p))

    return _conditioned(arms, moments)


def fit_conditional(arms: CountArms) -> NetworkFit:
    """The exact likelihood of the arms of each study given its total of events.

    Parameters
    ----------
    arms
        Of studies with an event and a patient without it.

    Returns
    -------
    fit
        The multivariate non-central hypergeometric likelihood, maximised.

    Notes
    -----
    Given their sum, independent binomial counts are non-central hypergeometric, whatever odds are common to all arms;
    with those that make the sum expected, convolutions of binomials neither overflow nor vanish.
    """

    def moments(study: int, places: Ints, theta: Floats) -> tuple[float, Floats, Floats]:
        return _given_total(arms.events[places], arms.n[places], theta)

    return _conditioned(arms, moments)


def _given_total(r: Floats, n: Floats, theta: Floats) -> tuple[float, Floats, Floats]:
    """Log probability of arms' events given their sum, with mean and covariance of the events."""
    k, whole = len(r), int(r.sum())
    odds = _balancing(theta, n, whole)
    masses = []
    for size, eta in zip(n, odds, strict=True):
        x = np.arange(min(whole, int(size)) + 1, dtype=np.float64)
        masses.append(np.exp(log_choose(np.full_like(x, size), x) + x * eta - size * np.logaddexp(0.0, eta)))
    counts = [np.arange(len(mass)) for mass in masses]

    def at_total(parts: list[Floats]) -> float:
        product = parts[0]
        for part in parts[1:-1]:
            product = np.convolve(product, part)[: whole + 1]
        low = max(0, whole - len(parts[-1]) + 1)
        held = product[low : whole + 1]
        return float(held @ parts[-1][whole - low :: -1][: len(held)])

    chance = at_total(masses)
    mean, square = np.zeros(k), np.zeros((k, k))
    for i in range(k):
        once = [counts[i] * mass if j == i else mass for j, mass in enumerate(masses)]
        mean[i] = at_total(once) / chance
        for j in range(i + 1):
            twice = [counts[j] * part if place == j else part for place, part in enumerate(once)]
            square[i, j] = square[j, i] = at_total(twice) / chance
    seen = math.fsum(math.log(float(mass[int(x)])) for mass, x in zip(masses, r, strict=True))
    return seen - math.log(chance), mean, square - np.outer(mean, mean)


def _balancing(theta: Floats, n: Floats, whole: int) -> Floats:
    """Log odds that differ as theta does and expect the total."""
    low, high = -40.0 - float(theta.max()), 40.0 - float(theta.min())
    for _ in range(80):
        middle = 0.5 * (low + high)
        if float((n * expit(theta + middle)).sum()) < whole:
            low = middle
        else:
            high = middle
    return theta + 0.5 * (low + high)


_Moments = Callable[[int, Ints, Floats], tuple[float, Floats, Floats]]


def _conditioned(arms: CountArms, moments: _Moments) -> NetworkFit:
    """Maximum of a likelihood that each study adds to, by Newton's method; the first treatment has no effect."""
    blocks = [(study, np.flatnonzero(arms.study == study)) for study in range(arms.studies)]
    count = arms.treatments

    def at(theta: Floats) -> tuple[float, Floats, Floats]:
        value, slope, bend = 0.0, np.zeros(count), np.zeros((count, count))
        for study, places in blocks:
            t = arms.treatment[places]
            height, mean, spread = moments(study, places, theta[t])
            value += height
            slope[t] += arms.events[places] - mean
            bend[np.ix_(t, t)] += spread
        return value, slope, bend

    theta = np.zeros(count)
    value, slope, bend = at(theta)
    converged = False
    for _ in range(_ROUNDS):
        step = np.zeros(count)
        step[1:] = np.linalg.lstsq(bend[1:, 1:], slope[1:], rcond=None)[0]
        for halving in range(30):
            after = theta + step * 0.5**halving
            found = at(after)
            if found[0] >= value - 1e-12 * abs(value):
                break
        moved = float(np.max(np.abs(after - theta), initial=0.0))
        theta, (value, slope, bend) = after, found
        if moved < 1e-9:
            converged = True
            break
        if float(np.max(np.abs(theta))) > 40.0:
            break
    covariance = np.zeros((count, count))
    covariance[1:, 1:] = np.linalg.pinv(bend[1:, 1:], hermitian=True)
    return NetworkFit(theta, covariance, converged=converged)
