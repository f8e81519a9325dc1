"""Forecasts of counts, and how good they were once the counts are known.

A forecast is a set of weighted draws of the chance of response. What is scored is never a chance, which nobody sees,
but the number of responders of a new arm, or the difference of two arms of a new trial: so the play of chance in a
small arm is part of the forecast. All distributions here are exact sums over the possible counts, given the draws.

Log score: log of the probability given to what happened; higher is better. CRPS (continuous ranked probability score):
the squared distance between forecast and observation, as distribution functions; lower is better. Both are proper: on
average nobody scores better than by saying what they believe (Gneiting and Raftery, J Am Stat Assoc 2007, 102:359-378;
for counts Czado, Gneiting and Held, Biometrics 2009, 65:1254-1261).

A count and a difference are scored by the same lattice, and averaged by the same few lines: to keep what must agree on
one page, it is a longer page than most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp, xlog1py, xlogy

__all__ = [
    "LEVELS",
    "Average",
    "CountForecast",
    "DifferenceForecast",
    "ForecastScore",
    "Score",
    "paired_difference",
    "summarised",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS = (0.50, 0.80, 0.95)
"""Probabilities of the intervals whose coverage is counted."""

_ROUNDING = 1e-12
"""Far above the rounding error of a sum of chances, so that two equal tails are treated alike."""


@dataclass(frozen=True, eq=False)
class CountForecast:
    """How many of `n` patients will respond: a weighted mixture of binomial distributions.

    Parameters
    ----------
    chance
        Draws of the probability of response, shape ``(draw,)``.
    weight
        Weight of each draw, shape ``(draw,)``; sums to one.
    n
        Patients of the new arm.
    """

    chance: Floats
    weight: Floats
    n: int

    def __post_init__(self) -> None:
        """Refuse draws that are no distribution."""
        _check_draws(self.weight, self.chance)
        _check_size(self.n)

    def pmf(self) -> Floats:
        """Predictive probability of each count from none to all, shape ``(n + 1,)``."""
        return np.exp(self._log_pmf)

    def log_score(self, events: int) -> float:
        """Log of the predictive probability of what happened; higher is better, 0 the most."""
        _check_events(events, self.n)
        return float(self._log_pmf[events])

    def crps(self, events: int) -> float:
        """Continuous ranked probability score of the proportion of responders, from 0 to 1; lower is better."""
        _check_events(events, self.n)
        return self._count.crps(events)

    def interval(self, level: float) -> tuple[int, int]:
        """Lowest and highest count of the predictive interval.

        Parameters
        ----------
        level
            Probability that the interval should hold, between 0 and 1.

        Returns
        -------
        interval
            The shortest that leaves at most half of the rest out at each end. Counts are whole, so it holds `level` or
            more: see `promised`.
        """
        return self._count.interval(level)

    def promised(self, level: float) -> float:
        """Probability that the forecast itself gives to its interval; coverage is to be judged against this."""
        return self._count.within(self._count.interval(level))

    def covers(self, events: int, level: float) -> bool:
        """Whether what happened is in the interval."""
        _check_events(events, self.n)
        return self._count.covers(events, level)

    def pit(self, events: int) -> tuple[float, float]:
        """Predictive probability of fewer responders, and of as many or fewer.

        Notes
        -----
        The probability integral transform of a count is an interval. When the forecasts are right, values drawn evenly
        from these intervals are spread evenly between 0 and 1; a single number per count would not be.
        """
        _check_events(events, self.n)
        return self._count.pit(events)

    def scored(self, events: int) -> ForecastScore:
        """All scores of this forecast at once."""
        return ForecastScore(
            self.log_score(events),
            self.crps(events),
            {level: self.covers(events, level) for level in LEVELS},
            {level: self.promised(level) for level in LEVELS},
        )

    @cached_property
    def _log_pmf(self) -> Floats:
        return np.asarray(logsumexp(_log_binomial(self.chance, self.n), axis=0, b=self.weight[:, None]))

    @cached_property
    def _count(self) -> _Lattice:
        return _Lattice(np.arange(self.n + 1), self.pmf(), self.n)


@dataclass(frozen=True, eq=False)
class DifferenceForecast:
    """Difference of the observed proportions of responders in two arms of a new trial.

    Parameters
    ----------
    chance_1, n_1
        Draws of the chance in the arm of interest, shape ``(draw,)``, and its patients.
    chance_0, n_0
        The same of the arm it is compared with; row by row they are joint draws.
    weight
        Weight of each joint draw, shape ``(draw,)``; sums to one.

    Notes
    -----
    Given a draw the two counts are independent. Over the draws they are not: what is unknown of the trial as a whole
    moves both arms, and would be counted twice if the arms were forecast apart.
    """

    chance_1: Floats
    n_1: int
    chance_0: Floats
    n_0: int
    weight: Floats

    def __post_init__(self) -> None:
        """Refuse draws that are no distribution."""
        _check_draws(self.weight, self.chance_1, self.chance_0)
        _check_size(self.n_1)
        _check_size(self.n_0)

    def pmf(self) -> Floats:
        """Predictive probability of each pair of counts, shape ``(n_1 + 1, n_0 + 1)``."""
        one, zero = np.exp(self._log_binomials[0]), np.exp(self._log_binomials[1])
        return np.asarray((one * self.weight[:, None]).T @ zero)

    def log_score(self, events_1: int, events_0: int) -> float:
        """Log of the predictive probability of the pair of counts; higher is better, 0 the most."""
        self._check(events_1, events_0)
        one, zero = self._log_binomials
        return float(logsumexp(one[:, events_1] + zero[:, events_0], b=self.weight))

    def crps(self, events_1: int, events_0: int) -> float:
        """Continuous ranked probability score of the difference of proportions, from 0 to 2; lower is better."""
        return self._difference.crps(self._steps(events_1, events_0))

    def interval(self, level: float) -> tuple[float, float]:
        """Lowest and highest difference of proportions of the predictive interval, as for a count."""
        low, high = self._difference.interval(level)
        return low / (self.n_1 * self.n_0), high / (self.n_1 * self.n_0)

    def promised(self, level: float) -> float:
        """Probability that the forecast itself gives to its interval."""
        return self._difference.within(self._difference.interval(level))

    def covers(self, events_1: int, events_0: int, level: float) -> bool:
        """Whether the observed difference is in the interval."""
        return self._difference.covers(self._steps(events_1, events_0), level)

    def pit(self, events_1: int, events_0: int) -> tuple[float, float]:
        """Predictive probability of a smaller difference, and of one as large or smaller."""
        return self._difference.pit(self._steps(events_1, events_0))

    def scored(self, events_1: int, events_0: int) -> ForecastScore:
        """All scores of this forecast at once: the log score of the pair, the others of the difference."""
        return ForecastScore(
            self.log_score(events_1, events_0),
            self.crps(events_1, events_0),
            {level: self.covers(events_1, events_0, level) for level in LEVELS},
            {level: self.promised(level) for level in LEVELS},
        )

    @cached_property
    def _log_binomials(self) -> tuple[Floats, Floats]:
        return _log_binomial(self.chance_1, self.n_1), _log_binomial(self.chance_0, self.n_0)

    @cached_property
    def _difference(self) -> _Lattice:
        # Differences in steps of 1 / (n_1 n_0) are whole numbers, so that equal ones are found without rounding.
        steps = np.arange(self.n_1 + 1)[:, None] * self.n_0 - np.arange(self.n_0 + 1) * self.n_1
        value, place = np.unique(steps, return_inverse=True)
        chance: Floats = np.asarray(np.bincount(place.ravel(), self.pmf().ravel()), dtype=np.float64)
        return _Lattice(value, chance, self.n_1 * self.n_0)

    def _steps(self, events_1: int, events_0: int) -> int:
        self._check(events_1, events_0)
        return events_1 * self.n_0 - events_0 * self.n_1

    def _check(self, events_1: int, events_0: int) -> None:
        _check_events(events_1, self.n_1)
        _check_events(events_0, self.n_0)


@dataclass(frozen=True)
class ForecastScore:
    """How good one forecast was.

    Parameters
    ----------
    log_score
        Log of the probability given to what happened.
    crps
        Continuous ranked probability score, on the scale of proportions.
    covered
        Whether the interval of each level held what happened.
    promised
        Probability that the forecast gave to that interval.
    """

    log_score: float
    crps: float
    covered: Mapping[float, bool]
    promised: Mapping[float, float]


@dataclass(frozen=True)
class Average:
    """A mean over forecasts.

    Parameters
    ----------
    mean
        Mean.
    se
        Its standard error; NaN where it cannot be known, from a single study or an infinite score.
    count
        Forecasts.
    """

    mean: float
    se: float
    count: int


@dataclass(frozen=True)
class Score:
    """How good the forecasts of one method were.

    Parameters
    ----------
    forecasts
        How many there were.
    coverage
        Share of the intervals of each level that held what happened.
    promised
        Share that the forecasts themselves expected: at least the level, because counts are whole.
    log_score
        Mean log score, with its standard error.
    crps
        Mean continuous ranked probability score, with its standard error.
    """

    forecasts: int
    coverage: Mapping[float, float]
    promised: Mapping[float, float]
    log_score: Average
    crps: Average


def summarised(scores: Sequence[ForecastScore], study: Sequence[str] | None = None) -> Score:
    """How good the forecasts of one method were, on average.

    Parameters
    ----------
    scores
        One per forecast; at least one.
    study
        The study that each forecast is about, to which the standard errors are then robust; None where every forecast
        is of a study of its own.
    """
    if not scores:
        raise ValueError("There is no forecast to summarise.")
    return Score(
        len(scores),
        {level: float(np.mean([score.covered[level] for score in scores])) for level in LEVELS},
        {level: float(np.mean([score.promised[level] for score in scores])) for level in LEVELS},
        _average([score.log_score for score in scores], study),
        _average([score.crps for score in scores], study),
    )


def paired_difference(
    a: Sequence[ForecastScore], b: Sequence[ForecastScore], study: Sequence[str] | None = None
) -> Average:
    """Mean log score of `a` less that of `b` on the same targets, with its standard error; above 0, `a` is better.

    Parameters
    ----------
    a, b
        Scores of two methods, target by target in the same order; at least one.
    study
        The study that each target is from, to which the standard error is then robust; None where every target is from
        a study of its own.

    Notes
    -----
    Some counts are hard to foresee for every method. In the difference that falls out, so its standard error is smaller
    than those of the two means would suggest. Arms of one trial are not independent: give `study` where there are any.
    """
    if not a:
        raise ValueError("There is no forecast to compare.")
    if len(a) != len(b):
        raise ValueError(
            f"Two methods are compared on the same targets, and here are {len(a)} and {len(b)} scores."
        )
    with np.errstate(invalid="ignore"):
        difference = np.array([one.log_score for one in a]) - np.array([two.log_score for two in b])
    return _average(difference.tolist(), study)


def _average(values: Sequence[float], study: Sequence[str] | None) -> Average:
    """Mean with its standard error from sums of deviations by study; the usual one where each has one value."""
    if study is not None and len(study) != len(values):
        raise ValueError(f"Each of {len(values)} scores is of one study, and here are {len(study)} studies.")
    x = np.array(values, dtype=float)
    mean = float(x.mean())
    codes = np.arange(len(x)) if study is None else np.unique(np.asarray(study), return_inverse=True)[1]
    studies = int(codes.max()) + 1
    if studies < 2 or not np.isfinite(mean):
        return Average(mean, float("nan"), len(x))
    sums = np.bincount(codes, x - mean)
    return Average(mean, float(np.sqrt(studies / (studies - 1) * (sums**2).sum()) / len(x)), len(x))


@dataclass(frozen=True, eq=False)
class _Lattice:
    """A distribution over whole numbers of steps, `unit` of which make one; values ascend, shape ``(value,)``."""

    value: Ints
    chance: Floats
    unit: int

    @cached_property
    def _at_most(self) -> Floats:
        return np.cumsum(self.chance)

    @cached_property
    def _at_least(self) -> Floats:
        return np.cumsum(self.chance[::-1])[::-1]

    def crps(self, observed: int) -> float:
        # Between two neighbours the distribution functions of forecast and observation are constant.
        missed = np.where(self.value[:-1] >= observed, self._at_least[1:], self._at_most[:-1])
        return float(np.diff(self.value) @ missed**2 / self.unit)

    def interval(self, level: float) -> tuple[int, int]:
        if not 0.0 < level < 1.0:
            raise ValueError(f"The level of an interval is between 0 and 1, not {level}.")
        out = 0.5 * (1.0 - level) + _ROUNDING
        low = self.value[np.flatnonzero(np.append(0.0, self._at_most[:-1]) <= out)[-1]]
        high = self.value[np.flatnonzero(np.append(self._at_least[1:], 0.0) <= out)[0]]
        return int(low), int(high)

    def covers(self, observed: int, level: float) -> bool:
        low, high = self.interval(level)
        return low <= observed <= high

    def within(self, ends: tuple[int, int]) -> float:
        return float(self.chance[(self.value >= ends[0]) & (self.value <= ends[1])].sum())

    def pit(self, observed: int) -> tuple[float, float]:
        below = float(self.chance[self.value < observed].sum())
        up_to = float(self.chance[self.value <= observed].sum())
        return min(below, 1.0), min(up_to, 1.0)


def _log_binomial(chance: Floats, n: int) -> Floats:
    """Log probability of each count given each chance, shape ``(draw, n + 1)``; exact at chances of 0 and 1."""
    k = np.arange(n + 1)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.asarray(ways + xlogy(k, chance[:, None]) + xlog1py(n - k, -chance[:, None]))


def _check_draws(weight: Floats, *chances: Floats) -> None:
    for chance in chances:
        if chance.ndim != 1 or chance.shape != weight.shape or not chance.size:
            raise ValueError(f"Draws and weights are two equal rows, not {chance.shape} and {weight.shape}.")
        if not np.all((chance >= 0.0) & (chance <= 1.0)):
            raise ValueError("A draw of a chance lies between 0 and 1.")
    if not np.all(weight >= 0.0) or abs(float(weight.sum()) - 1.0) > 1e-9:
        raise ValueError(f"Weights are not negative and sum to 1, not {float(weight.sum())}.")


def _check_size(n: int) -> None:
    if n < 1:
        raise ValueError(f"A forecast is for at least one patient, not {n}.")


def _check_events(events: int, n: int) -> None:
    if not 0 <= events <= n:
        raise ValueError(f"{events} responders among {n} patients. Responders lie between 0 and {n}.")
