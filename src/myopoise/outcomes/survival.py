"""How long until a level of response, in many patients: Kaplan-Meier curves of the times of courses.

What did not happen by the last visit that could be told is censored there; see `myopoise.outcomes.courses`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.outcomes.courses import CourseColumns, Level

__all__ = [
    "Event",
    "EventTimes",
    "SurvivalCurve",
    "TimeSummary",
    "event_times",
    "summarise_times",
    "survival_curve",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


class Event(StrEnum):
    """What a time leads to, from where, and in whom.

    First reached and confirmed are timed from baseline, in every patient; lost from first reached, in those who reached
    it, which is the duration of response; a flare from confirmed, in those in whom it was.
    """

    FIRST = "first reached"
    CONFIRMED = "confirmed"
    LOST = "lost after being reached"
    FLARE = "flare after being confirmed"


@dataclass(frozen=True)
class EventTimes:
    """Times as an analysis of survival takes them, ``(patient,)`` each.

    Parameters
    ----------
    patient
        Patients who have a time; a patient without one (rule *censored*) is not among them.
    weeks, happened
        Weeks to the event, or to the last visit that could be told; and whether it was seen: False is censored.
    """

    patient: NDArray[np.int64]
    weeks: Floats
    happened: Flags


def event_times(courses: CourseColumns, level: Level, event: Event) -> EventTimes:
    """The times to one event of one level, seen or censored, of every patient who has one."""
    if level not in courses.levels:
        raise WrongUsage(f"No course of '{level}'. There is: {', '.join(map(str, courses.levels))}.")
    start, end = {
        Event.FIRST: (courses.baseline_week, courses.first_week),
        Event.CONFIRMED: (courses.baseline_week, courses.confirmed_week),
        Event.LOST: (courses.first_week, courses.lost_week),
        Event.FLARE: (courses.confirmed_week, courses.flare_week),
    }[event]
    rows = slice(courses.levels.index(level), None, len(courses.levels))
    happened = ~np.isnan(end[rows])
    weeks = np.where(happened, end[rows], courses.last_week[rows]) - start[rows]
    timed = ~np.isnan(weeks)
    return EventTimes(courses.patients[timed], weeks[timed], happened[timed])


@dataclass(frozen=True)
class SurvivalCurve:
    """The Kaplan-Meier curve, ``(time,)``, with one entry for each time at which it happened to somebody.

    Parameters
    ----------
    weeks
        Those times, ascending.
    at_risk, events
        Patients to whom it had not happened and who were still seen then, those censored at that very time among them;
        and to how many of them it happened.
    """

    weeks: Floats
    at_risk: Places
    events: Places

    @property
    def share(self) -> Floats:
        """Probability that it has not happened by then, that time included."""
        return np.asarray(np.cumprod(1 - self.events / self.at_risk), dtype=np.float64)

    def band(self) -> tuple[Floats, Floats]:
        """Lower and upper 95% limits of the share, log-log with Greenwood's variance; NaN where the share is 0."""
        inside = self.at_risk > self.events
        share = np.where(inside, self.share, np.nan)
        stay = np.where(inside, self.at_risk - self.events, 1)
        error = np.sqrt(np.cumsum(self.events / (self.at_risk * stay))) / -np.log(share)
        factor = np.exp(NormalDist().inv_cdf(0.975) * error)
        return share**factor, share ** (1 / factor)

    def median(self) -> tuple[float | None, float | None, float | None]:
        """Median time and the ends of its 95% interval, in weeks; `None` for one that was not reached.

        Notes
        -----
        Brookmeyer and Crowley's interval: the times at which one half lies within the limits of the curve. Whether the
        curve is at one half is decided by whole numbers where rounding could decide it.
        """
        half = self.share < 0.5
        for near in np.flatnonzero(np.abs(self.share - 0.5) < 1e-9):
            risk = self.at_risk[: near + 1].tolist()
            stay = (self.at_risk - self.events)[: near + 1].tolist()
            half[near] = 2 * math.prod(stay) <= math.prod(risk)
        lower, upper = self.band()
        return self._start(half), self._start(lower <= 0.5), self._start(upper <= 0.5)

    def _start(self, flags: Flags) -> float | None:
        return float(self.weeks[flags.argmax()]) if flags.any() else None


def survival_curve(weeks: Floats, happened: Flags) -> SurvivalCurve:
    """The Kaplan-Meier curve of times that are seen or censored, as in `EventTimes`."""
    times, place = np.unique(weeks, return_inverse=True)
    leaving = np.bincount(place, minlength=len(times))
    events = np.bincount(place[happened], minlength=len(times))
    at_risk = np.cumsum(leaving[::-1])[::-1]
    return SurvivalCurve(times[events > 0], at_risk[events > 0], events[events > 0])


@dataclass(frozen=True)
class TimeSummary:
    """How long it took in one arm.

    Parameters
    ----------
    arm
        The arm; `None` where it is not given or not asked for.
    level, event
        What was timed.
    patients, left_out, reached
        Patients with a time; patients of the arm without one; and in how many of the first it was seen to happen.
    median_weeks, low_weeks, high_weeks
        Kaplan-Meier median and its 95% log-log interval; `None` where the curve or its limit does not come to one half.
    """

    arm: str | None
    level: Level
    event: Event
    patients: int
    left_out: int
    reached: int
    median_weeks: float | None
    low_weeks: float | None
    high_weeks: float | None

    def __str__(self) -> str:
        """The summary in one sentence."""
        arm = "" if self.arm is None else f"{self.arm}, "
        median = "not reached" if self.median_weeks is None else f"{self.median_weeks:g} weeks"
        high = "no upper limit" if self.high_weeks is None else f"{self.high_weeks:g}"
        interval = "not estimable" if self.low_weeks is None else f"{self.low_weeks:g} to {high}"
        counts = f"{self.reached} of {self.patients} ({self.left_out} more without a time)"
        return f"{arm}{self.level}, {self.event}: {counts}; median {median} (95% interval {interval}), at visits."


def summarise_times(
    courses: CourseColumns,
    level: Level,
    event: Event,
    arm: NDArray[np.int64] | None = None,
    arms: Sequence[str] = (),
) -> tuple[TimeSummary, ...]:
    """How long it took, arm by arm.

    Parameters
    ----------
    courses
        The times of all patients.
    level, event
        Which level, and what happens to it.
    arm
        ``(patient,)``, the place in `arms` of each of `CourseColumns.patients`, -1 where it is not known; all patients
        are one arm where it is not given.
    arms
        Names of the arms.

    Returns
    -------
    summaries
        One for each of `arms`, in that order, and last one for the patients whose arm is not known, if any.
    """
    patients = courses.patients
    codes = np.full(len(patients), -1) if arm is None else arm
    if len(codes) != len(patients) or not bool(np.all((codes >= -1) & (codes < len(arms)))):
        raise WrongUsage(
            f"Give each of the {len(patients)} patients a code of one of {len(arms)} arms, or -1."
        )
    times = event_times(courses, level, event)
    own = codes[np.searchsorted(patients, times.patient)]
    groups: list[tuple[int, str | None]] = [*enumerate(arms)]
    if not arms or bool(np.any(codes < 0)):
        groups.append((-1, None))
    return tuple(_summary(name, level, event, times, own == code, codes == code) for code, name in groups)


def _summary(
    arm: str | None, level: Level, event: Event, times: EventTimes, timed: Flags, whole: Flags
) -> TimeSummary:
    weeks, happened = times.weeks[timed], times.happened[timed]
    counts = (len(weeks), int(whole.sum()) - len(weeks), int(happened.sum()))
    return TimeSummary(arm, level, event, *counts, *survival_curve(weeks, happened).median())
