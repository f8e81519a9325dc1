"""Simple forecasters that the myositis model must beat to earn its keep.

None of them knows about mechanisms, diagnoses, designs or definitions of response. The plainest pools what was reported
of the same treatment; the others place every arm on one probit scale, and differ in whether arms may deviate from each
other and whether background arms are apart from active ones.

On the probit scale an arm reported at any level of response can be used, and any level be predicted. Each level has a
fixed threshold, and the chance of reaching it is Phi(eta - threshold): stable -0.65, minimal 0, moderate 0.65, major
1.30, the prior medians of the myositis model. Naive pooling has no scale, so it uses arms of the level asked for alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import final

import numpy as np
from numpy.polynomial.chebyshev import chebpts1, chebvander
from numpy.polynomial.hermite import hermgauss
from numpy.typing import NDArray
from scipy.special import betaincinv, log_ndtr, ndtr, ndtri

from myopoise.backtest.scores import CountForecast, DifferenceForecast
from myopoise.vocabulary import BACKGROUND, Level

__all__ = ["DRAWS", "THRESHOLD", "FittedRival", "Rival", "Target", "TrainingArm", "fit_rival"]

Floats = NDArray[np.float64]

DRAWS = 4000
"""Predictive draws of a chance, evenly weighted."""

THRESHOLD: Mapping[Level, float] = MappingProxyType(
    {Level.STABLE: -0.65, Level.MINIMAL: 0.0, Level.MODERATE: 0.65, Level.MAJOR: 1.30}
)
"""Where each level starts on the probit scale."""

SPREAD_PRIOR = 0.5
"""Scale of the half-normal prior of the spread between arms, in probits."""


class Rival(StrEnum):
    """A simple forecaster."""

    NAIVE_POOLING = "naive-pooling"
    ALL_EQUAL = "all-equal"
    ALL_EQUAL_WITH_SPREAD = "all-equal-with-spread"
    TWO_GROUPS_WITH_SPREAD = "two-groups-with-spread"

    @property
    def label(self) -> str:
        """Name in words."""
        return {
            Rival.NAIVE_POOLING: "naive pooling per drug",
            Rival.ALL_EQUAL: "all equal",
            Rival.ALL_EQUAL_WITH_SPREAD: "all equal with spread",
            Rival.TWO_GROUPS_WITH_SPREAD: "two groups with spread",
        }[self]


@dataclass(frozen=True)
class TrainingArm:
    """What one arm reported, known when the forecast is made.

    Parameters
    ----------
    treatments
        Codes, or ``background`` alone.
    events
        Patients who reached the level.
    n
        Patients.
    level
        Level of response that was counted.
    randomised
        Whether the arm is of a randomised trial; no rival looks at it.
    study
        Identifier of the study; no rival looks at it.
    """

    treatments: tuple[str, ...]
    events: int
    n: int
    level: Level
    randomised: bool
    study: str

    def __post_init__(self) -> None:
        """Refuse more responders than patients."""
        if not 0 <= self.events <= self.n:
            raise ValueError(f"{self.study}: {self.events} responders among {self.n} patients.")


@dataclass(frozen=True)
class Target:
    """A new arm whose number of responders is to be foreseen.

    Parameters
    ----------
    treatments
        Codes, or ``background`` alone.
    level
        Level of response that will be counted.
    n
        Patients.
    """

    treatments: tuple[str, ...]
    level: Level
    n: int


class FittedRival(ABC):
    """A rival that has seen its training arms."""

    @abstractmethod
    def chances(self, targets: Sequence[Target]) -> Floats:
        """Joint predictive draws of the chance in each new arm, shape ``(draw, target)``; the same at each call."""

    def forecast(self, target: Target) -> CountForecast:
        """The number of responders in a new arm."""
        (chance,) = self.chances([target]).T
        return CountForecast(chance, np.full(DRAWS, 1.0 / DRAWS), target.n)

    def forecast_difference(self, target_1: Target, target_0: Target) -> DifferenceForecast:
        """The difference of the proportions of responders in two arms of a new trial, the first less the second."""
        one, zero = self.chances([target_1, target_0]).T
        return DifferenceForecast(one, target_1.n, zero, target_0.n, np.full(DRAWS, 1.0 / DRAWS))


def fit_rival(rival: Rival, arms: Sequence[TrainingArm]) -> FittedRival:
    """A rival that has seen these arms, ready to forecast others.

    Parameters
    ----------
    rival
        Which one.

        - *naive pooling per drug*: Jeffreys' beta posterior from the pooled counts of the arms with the same treatments
          and level; where there is none, of all arms of that level; where there is none either, Jeffreys' prior.
        - *all equal*: one probit mu ~ N(0, 1) for all arms.
        - *all equal with spread*: eta = mu + s z of each arm, z ~ N(0, 1), s ~ half-normal(0.5).
        - *two groups with spread*: active and background arms have a mu each, and s in common.
    arms
        What was reported so far; may be none.

    Returns
    -------
    fitted
        With a spread, a new arm gets a deviation of its own, two arms of a new trial independent ones.
    """
    match rival:
        case Rival.NAIVE_POOLING:
            return _Pooling(tuple(arms))
        case Rival.ALL_EQUAL:
            return _fit_probit((tuple(arms),), np.zeros(1), np.zeros(1))
        case Rival.ALL_EQUAL_WITH_SPREAD:
            return _fit_probit((tuple(arms),), *_spread_prior())
        case Rival.TWO_GROUPS_WITH_SPREAD:
            active = tuple(arm for arm in arms if not _background(arm))
            background = tuple(arm for arm in arms if _background(arm))
            return _fit_probit((active, background), *_spread_prior())


def _background(arm: TrainingArm | Target) -> bool:
    return arm.treatments == (BACKGROUND,)


_ROOTS: Floats = np.sqrt([p for p in range(2, 128) if all(p % q for q in range(2, p))])
"""Of the prime numbers, one for each quantity that is drawn; 31 are more than any trial has arms."""


def _quasi_random(dimensions: int) -> Floats:
    """Points spread evenly over the unit cube, shape ``(draw, dimension)``: multiples of square roots of primes, mod 1.

    They fill the cube without clumps and need no seed. Ranks in place of the multiples make each quantity on its own an
    exact stratified sample. On posteriors of 0 to 40 arms the mean of the draws was at most 0.004 posterior standard
    deviations from that of the grid, where draws at random were 0.02 off.
    """
    multiples = np.outer(np.arange(1, DRAWS + 1), _ROOTS[:dimensions]) % 1.0
    return np.asarray((np.argsort(np.argsort(multiples, axis=0), axis=0) + 0.5) / DRAWS)


# --- pooled counts ----------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Pooling(FittedRival):
    """Pooled counts; targets that draw on the same arms have one chance, others independent ones."""

    arms: tuple[TrainingArm, ...]

    def chances(self, targets: Sequence[Target]) -> Floats:
        pools = [self._pool(target) for target in targets]
        each = list(dict.fromkeys(pools))
        points = _quasi_random(len(each))
        columns = [points[:, each.index(pool)] for pool in pools]
        return np.column_stack([self._posterior(pool[1], u) for pool, u in zip(pools, columns, strict=True)])

    def _pool(self, target: Target) -> tuple[object, tuple[TrainingArm, ...]]:
        """What the chance is the chance of, and the arms that tell of it."""
        asked = frozenset(target.treatments)
        at_level = tuple(arm for arm in self.arms if arm.level is target.level)
        own = tuple(arm for arm in at_level if frozenset(arm.treatments) == asked)
        if at_level and not own:
            return target.level, at_level
        return (asked, target.level), own

    @staticmethod
    def _posterior(arms: tuple[TrainingArm, ...], u: Floats) -> Floats:
        events, n = sum(arm.events for arm in arms), sum(arm.n for arm in arms)
        return np.asarray(betaincinv(events + 0.5, n - events + 0.5, u))


# --- one probit scale -------------------------------------------------------------------------------------

_TURNS: Floats = np.asarray((np.arange(44) + 0.5) * 0.1, dtype=np.float64)
"""The spread is 0.1 sinh of these: 0.005 to 3.9, in steps of 0.01 near zero and of a tenth of itself beyond.

The posterior is an even function of them, so that a sum over midpoints converges faster than any power of the step.
"""

_NEGLIGIBLE = -18.0
"""Log weight, against the greatest, below which a spread is left out: one in 65 million."""

_REACH = 7.0
"""How far the grid of mu extends, in posterior standard deviations."""

_FINE = np.linspace(-_REACH, _REACH, 281)
_KNOTS = _REACH * chebpts1(21)
_TO_FINE = chebvander(_FINE / _REACH, 20) @ np.linalg.inv(chebvander(_KNOTS / _REACH, 20))
"""Takes a log density from Chebyshev points to a fine grid; it is nearly a parabola, so that few points tell it all."""


@final
@dataclass(frozen=True, eq=False)
class _Probit(FittedRival):
    """Posterior of the spread, on a grid, and of the mu of each group given the spread.

    Parameters
    ----------
    spread, weight
        Shape ``(node,)``; the weights sum to one.
    centre, width
        Location and scale of mu, shape ``(group, node)``.
    cumulative
        Distribution function of mu at ``centre + width * _FINE``, shape ``(group, node, point)``.
    """

    spread: Floats
    weight: Floats
    centre: Floats
    width: Floats
    cumulative: Floats

    def chances(self, targets: Sequence[Target]) -> Floats:
        groups = len(self.centre)
        points = _quasi_random(1 + groups + len(targets))
        node = np.minimum(np.searchsorted(np.cumsum(self.weight), points[:, 0]), len(self.weight) - 1)
        mu = np.column_stack([self._mu(g, node, points[:, 1 + g]) for g in range(groups)])
        deviation = self.spread[node, None] * ndtri(points[:, 1 + groups :])
        group = [groups - 1 if _background(target) else 0 for target in targets]
        threshold = [THRESHOLD[target.level] for target in targets]
        return np.asarray(ndtr(mu[:, group] + deviation - threshold))

    def _mu(self, group: int, node: NDArray[np.intp], u: Floats) -> Floats:
        mu = np.empty(len(u))
        for k in np.unique(node):
            here = node == k
            scores = np.interp(u[here], self.cumulative[group, k], _FINE)
            mu[here] = self.centre[group, k] + self.width[group, k] * scores
        return mu


def _spread_prior() -> tuple[Floats, Floats]:
    """Grid of the spread, and log of its prior density times the width of a cell, less a constant."""
    spread = 0.1 * np.sinh(_TURNS)
    return spread, -0.5 * (spread / SPREAD_PRIOR) ** 2 + np.log(np.cosh(_TURNS))


def _fit_probit(groups: Sequence[Sequence[TrainingArm]], spread: Floats, log_prior: Floats) -> _Probit:
    """Fit by a grid over the spread and each mu, with the deviation of each arm integrated out."""
    counts = [_Counts.of(arms) for arms in groups]
    peaks = [_peak(arms, spread) for arms in counts]
    rough = log_prior + np.sum([log_evidence for _, _, log_evidence in peaks], axis=0)
    kept = rough > rough.max() + _NEGLIGIBLE
    centre = np.array([mode[kept] for mode, _, _ in peaks])
    width = np.array([sd[kept] for _, sd, _ in peaks])
    log_weight = log_prior[kept]
    cumulative = []
    for g, arms in enumerate(counts):
        log_density = _log_density(arms, spread[kept], centre[g], width[g])
        top = log_density.max(axis=1)
        density = np.exp(log_density - top[:, None])
        cells = 0.5 * (density[:, 1:] + density[:, :-1])
        summed = np.cumsum(np.insert(cells, 0, 0.0, axis=1), axis=1)
        log_weight = log_weight + top + np.log(summed[:, -1] * width[g])
        cumulative.append(summed / summed[:, -1:])
    weight = np.exp(log_weight - log_weight.max())
    return _Probit(spread[kept], weight / weight.sum(), centre, width, np.array(cumulative))


@dataclass(frozen=True, eq=False)
class _Counts:
    """Responders, others and threshold of each arm, shape ``(arm, 1)``; probits have shape ``(node, arm, point)``."""

    events: Floats
    others: Floats
    threshold: Floats

    @classmethod
    def of(cls, arms: Sequence[TrainingArm]) -> _Counts:
        rows = [(arm.events, arm.n - arm.events, THRESHOLD[arm.level]) for arm in arms]
        table = np.array(rows, dtype=float).reshape(-1, 3)
        return cls(table[:, 0:1], table[:, 1:2], table[:, 2:3])

    def log_likelihood(self, eta: Floats) -> Floats:
        x = eta - self.threshold
        return np.asarray(self.events * log_ndtr(x) + self.others * log_ndtr(-x))

    def derivatives(self, eta: Floats) -> tuple[Floats, Floats]:
        """First and second derivative of the log likelihood with respect to eta."""
        x = eta - self.threshold
        log_normal = -0.5 * (x * x + np.log(2.0 * np.pi))
        above, below = np.exp(log_normal - log_ndtr(x)), np.exp(log_normal - log_ndtr(-x))
        slope = self.events * above - self.others * below
        curvature = -self.events * above * (above + x) - self.others * below * (below - x)
        return slope, curvature

    def integrand(self, mu: Floats, spread: Floats, points: int) -> tuple[Floats, Floats]:
        """Probits of each arm at Gauss-Hermite points about its own mode, and the log of likelihood times weight there.

        Plain Gauss-Hermite points would step over the likelihood of a large arm, which is narrower than the spread.
        """
        m, s = mu[:, None, None], spread[:, None, None]
        chance = (self.events + 0.5) / (self.events + self.others + 1.0)
        score = np.asarray(ndtri(chance))
        variance = (
            chance * (1.0 - chance) * 2.0 * np.pi * np.exp(score**2) / (self.events + self.others + 1.0)
        )
        z = s * (score + self.threshold - m) / (variance + s * s)
        for _ in range(2):
            slope, curvature = self.derivatives(m + s * z)
            z = z + (s * slope - z) / (1.0 - s * s * curvature)
        width = np.sqrt(2.0 / (1.0 - s * s * curvature))
        t, w = hermgauss(points)
        at = z + width * t
        eta = m + s * at
        weight = np.log(w) + t * t - 0.5 * at * at + np.log(width / np.sqrt(2.0 * np.pi))
        return eta, self.log_likelihood(eta) + weight


def _peak(arms: _Counts, spread: Floats) -> tuple[Floats, Floats, Floats]:
    """Mode, width and rough log evidence of mu at each spread, by Newton's method; the posterior is log-concave in mu.

    The derivatives of an integrated likelihood are means and variances of those of its integrand.
    """
    total = arms.events.sum() + 1.0, arms.events.sum() + arms.others.sum() + 2.0
    mu = np.full(len(spread), float(ndtri(total[0] / total[1])))
    for _ in range(20):
        eta, log_integrand = arms.integrand(mu, spread, 5)
        top = log_integrand.max(axis=-1, keepdims=True)
        share = np.exp(log_integrand - top)
        whole = share.sum(axis=-1, keepdims=True)
        share = share / whole
        slope, curvature = arms.derivatives(eta)
        mean = (share * slope).sum(axis=-1)
        bend = (share * (curvature + slope**2)).sum(axis=-1) - mean**2
        information = np.maximum(1.0 - bend.sum(axis=1), 1.0)
        log_evidence = (top + np.log(whole)).sum(axis=(1, 2)) - 0.5 * mu**2 - 0.5 * np.log(information)
        move = np.clip((mean.sum(axis=1) - mu) / information, -1.0, 1.0)
        if np.all(np.abs(move) * np.sqrt(information) < 0.1):
            break
        mu = mu + move
    return mu, 1.0 / np.sqrt(information), log_evidence


def _log_density(arms: _Counts, spread: Floats, centre: Floats, width: Floats) -> Floats:
    """Log posterior density of mu on the fine grid at each spread, shape ``(node, point)``."""
    rows = []
    # Spread by spread, because arrays that fit into the processor's cache are several times as fast.
    for s, middle, scale in zip(spread, centre, width, strict=True):
        mu = middle + scale * _KNOTS
        _, log_integrand = arms.integrand(mu, np.full(len(mu), s), 13)
        top = log_integrand.max(axis=-1)
        inner = (top + np.log(np.exp(log_integrand - top[..., None]).sum(axis=-1))).sum(axis=1)
        rows.append(_TO_FINE @ (inner - 0.5 * mu**2))
    return np.array(rows)
