"""When a level of response was reached, confirmed, held, lost, and followed by a flare.

The rules stand in ``courses.toml``, each with its status; all are OPERATIONAL, because no source was seen that
prescribes them. A *level* is 'this category or better'. A visit *can be told* when the definition gave it a category.

All times are times of visits. The change itself happened at some moment between that visit and the one before (it is
interval-censored), so every time is too long by up to one interval between visits, and two arms can only be compared
where their visits were planned alike. What did not happen by the last visit that could be told is censored there.

`course_times` is for one patient and to be read beside the rules; `course_columns` is for millions of visits and must
give the same. `myopoise.outcomes.survival` summarises the times of many.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.outcomes.columnar import Scores
from myopoise.outcomes.definitions import Definition, Note
from myopoise.outcomes.held import Columns

__all__ = [
    "CourseColumns",
    "CourseTimes",
    "JudgedVisits",
    "Level",
    "course_columns",
    "course_levels",
    "course_rules",
    "course_times",
    "judged_visits",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


@cache
def course_rules() -> tuple[tuple[str, Note], ...]:
    """The rules by name, in the order in which they build on each other."""
    rows = tomllib.loads((files("myopoise.outcomes") / "courses.toml").read_text(encoding="utf-8"))["rules"]
    return tuple((row["name"], Note(row["text"], row["status"], tuple(row["sources"]))) for row in rows)


@dataclass(frozen=True)
class Level:
    """What counts as having reached a level.

    Parameters
    ----------
    word, reached_by, below
        The category that names it, the categories that are at it, and all others.
    """

    word: str
    reached_by: tuple[str, ...]
    below: tuple[str, ...]

    def holds(self, category: str) -> bool | None:
        """Whether a visit of this category is at the level; `None` for one that could not be told."""
        if category and category not in self.reached_by + self.below:
            allowed = ", ".join((*self.below, *self.reached_by))
            raise WrongUsage(f"'{category}' is no category of this definition, which has {allowed}.")
        return category in self.reached_by if category else None

    def __str__(self) -> str:
        """The level in words."""
        return f"at least {self.word}" if len(self.reached_by) > 1 else self.word


def course_levels(definition: Definition) -> tuple[Level, ...]:
    """The levels of a definition, from the one that is easiest to reach.

    Examples
    --------
    >>> from myopoise.outcomes.definitions import definition
    >>> [str(level) for level in course_levels(definition("acr-eular-2016-adult"))]
    ['at least minimal', 'at least moderate', 'major']
    """
    if definition.words:
        yes, no = definition.yes_no
        return (Level(yes, (yes,), (no,)),)
    words = tuple(category.name for category in definition.categories)
    return tuple(Level(word, words[place:], words[:place]) for place, word in enumerate(words) if place)


# --- one patient ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CourseTimes:
    """The times of one patient and one level: weeks as in the file, `None` where it did not happen.

    Parameters
    ----------
    level, visits
        The level, and how many follow-up visits could be told.
    baseline_week
        Week of the baseline visit; `None` where there is none.
    first_week, confirmed_week, lost_week, flare_week, last_week
        Weeks of the visits at which the level was first reached, confirmed, lost, and at which a flare was seen, and of
        the last visit that could be told.
    """

    level: Level
    visits: int
    baseline_week: float | None = None
    first_week: float | None = None
    confirmed_week: float | None = None
    lost_week: float | None = None
    flare_week: float | None = None
    last_week: float | None = None

    @property
    def weeks_to_first(self) -> float | None:
        """Weeks from baseline to the visit at which it was first reached."""
        return _between(self.baseline_week, self.first_week)

    @property
    def weeks_to_confirmed(self) -> float | None:
        """Weeks from baseline to the visit at which it was confirmed."""
        return _between(self.baseline_week, self.confirmed_week)

    @property
    def weeks_held(self) -> float | None:
        """Weeks from first reached to lost, or to the last visit that could be told."""
        return _between(self.first_week, self.last_week if self.lost_week is None else self.lost_week)

    @property
    def held_to_end(self) -> bool | None:
        """Whether it was still held at the last visit that could be told; `None` where it was never reached."""
        return None if self.first_week is None else self.lost_week is None

    def __str__(self) -> str:
        """The course in one sentence."""
        if not self.visits:
            return f"{self.level}: no visit could be told."
        if self.first_week is None:
            return f"{self.level}: not seen by week {self.last_week:g} (visits that could be told: {self.visits})."
        after = "" if self.weeks_to_first is None else f", {self.weeks_to_first:g} weeks after baseline"
        again = self.confirmed_week
        sure = "not confirmed" if again is None else f"confirmed at week {again:g}"
        kept = f"still held at week {self.last_week:g}, the last visit that could be told"
        if self.lost_week is not None:
            kept = f"lost by week {self.lost_week:g}, {self.weeks_held:g} weeks later"
        flare = "" if self.flare_week is None else f", flare at week {self.flare_week:g}"
        return f"{self.level}: first seen at week {self.first_week:g}{after}; {sure}; {kept}{flare}."


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start


def course_times(
    visits: Sequence[tuple[float, str]], level: Level, baseline_week: float | None
) -> CourseTimes:
    """The times of one patient, rule by rule.

    Parameters
    ----------
    visits
        Week and category of every judged visit, in any order; the category is empty where it could not be told.
    level
        The level asked about.
    baseline_week
        Week of the baseline visit, `None` where there is none.

    Examples
    --------
    >>> moderate = Level("moderate", ("moderate", "major"), ("none", "minimal"))
    >>> print(course_times([(4, "minimal"), (8, "major"), (12, "moderate"), (24, "none")], moderate, 0))
    at least moderate: first seen at week 8, 8 weeks after baseline; confirmed at week 12; lost by week 24, 16 weeks
    later.
    """
    answers = [(week, level.holds(category)) for week, category in sorted(visits)]
    weeks = [week for week, _ in answers]
    if not all(map(math.isfinite, weeks)) or len(set(weeks)) < len(weeks):
        raise WrongUsage(_WEEKS)
    if weeks and baseline_week is not None and weeks[0] < baseline_week:
        raise WrongUsage(_EARLY)
    told = [(week, holds) for week, holds in answers if holds is not None]
    pairs = [(now, before, here) for (_, before), (now, here) in pairwise(answers)]
    first = next((week for week, holds in told if holds), None)
    confirmed = next((now for now, before, here in pairs if before and here), None)
    lost = next((week for week, holds in told if not holds and first is not None and week > first), None)
    flares = (now for now, before, here in pairs if before is False and here is False)
    flare = next((now for now in flares if confirmed is not None and now > confirmed), None)
    last = told[-1][0] if told else None
    return CourseTimes(level, len(told), baseline_week, first, confirmed, lost, flare, last)


_WEEKS = "A patient has a visit without a week, or two visits of one week. Give each week of a patient once."
_EARLY = "A judged visit lies before the baseline visit. Give follow-up visits only."


# --- many patients ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JudgedVisits:
    """The judged visits of whole patients, ``(visit,)`` each, in any order.

    Parameters
    ----------
    patient, week
        A number for each patient, and weeks, each once in a patient.
    category
        Place among the words of the definition; -1 where it could not be told.
    baseline_week
        Week of the baseline visit, the same in all rows of a patient; NaN where there is none.
    """

    patient: NDArray[np.int64]
    week: Floats
    category: NDArray[np.int8]
    baseline_week: Floats


def judged_visits(scores: Scores, visits: Columns) -> JudgedVisits:
    """The visits that a definition has judged, from its answers and the visits they were made from."""
    start = np.full(len(scores.rows), np.nan)
    compared = scores.baseline >= 0
    start[compared] = visits.week[scores.baseline[compared]]
    return JudgedVisits(visits.patient[scores.rows], visits.week[scores.rows], scores.category, start)


@dataclass(frozen=True)
class CourseColumns:
    """`CourseTimes` of many patients, ``(row,)`` each: a row for every level of every patient.

    Patients ascend, the levels of a patient follow each other as in `levels`; NaN is for what did not happen.

    Parameters
    ----------
    levels, patient, level
        The levels; which patient; and the place of the level in `levels`.
    visits
        How many follow-up visits could be told.
    baseline_week, first_week, confirmed_week, lost_week, flare_week, last_week
        As in `CourseTimes`.

    Notes
    -----
    For an analysis of survival take `event_times`, or by hand: a patient with a `first_week` has the event at
    `weeks_to_first`, any other is censored at `last_week` - `baseline_week`; the response of a patient with a
    `first_week` ends at `weeks_held`, and is censored there where `held_to_end` is 1.
    """

    levels: tuple[Level, ...]
    patient: NDArray[np.int64]
    level: NDArray[np.int8]
    visits: NDArray[np.int64]
    baseline_week: Floats
    first_week: Floats
    confirmed_week: Floats
    lost_week: Floats
    flare_week: Floats
    last_week: Floats

    @property
    def patients(self) -> NDArray[np.int64]:
        """Every patient once, ascending."""
        return self.patient[:: max(len(self.levels), 1)]

    @property
    def weeks_to_first(self) -> Floats:
        """Weeks from baseline to the visit at which it was first reached."""
        return self.first_week - self.baseline_week

    @property
    def weeks_to_confirmed(self) -> Floats:
        """Weeks from baseline to the visit at which it was confirmed."""
        return self.confirmed_week - self.baseline_week

    @property
    def weeks_held(self) -> Floats:
        """Weeks from first reached to lost, or to the last visit that could be told."""
        return np.where(np.isnan(self.lost_week), self.last_week, self.lost_week) - self.first_week

    @property
    def held_to_end(self) -> Floats:
        """1 where it was still held at the last visit that could be told, 0 where it was lost."""
        return np.where(np.isnan(self.first_week), np.nan, np.isnan(self.lost_week))


def course_columns(visits: JudgedVisits, words: Sequence[str], levels: Sequence[Level]) -> CourseColumns:
    """The times of many patients: the same as `course_times`, patient by patient and level by level.

    Parameters
    ----------
    visits
        The judged visits of whole patients.
    words
        The categories by their codes, as `myopoise.outcomes.columnar.Scores.words`.
    levels
        The levels asked about, usually `course_levels`.
    """
    course = _in_order(visits, len(words))
    starts = np.flatnonzero(~course.follows)
    weeks = {name: np.full((len(starts), len(levels)), np.nan) for name in _TIMES}
    for place, level in enumerate(levels):
        holds = np.array([*map(level.holds, words), False], bool)
        for name, rows in _times(course, holds[course.category], starts).items():
            happened = rows < len(course.week)
            weeks[name][happened, place] = course.week[rows[happened]]
    told = np.add.reduceat(course.category >= 0, starts, dtype=np.int64)
    return CourseColumns(
        tuple(levels),
        np.repeat(course.patient[starts], len(levels)),
        np.tile(np.arange(len(levels), dtype=np.int8), len(starts)),
        np.repeat(told, len(levels)),
        np.repeat(course.baseline_week[starts], len(levels)),
        *(weeks[name].ravel() for name in _TIMES),
    )


_TIMES = ("first", "confirmed", "lost", "flare", "last")


@dataclass(frozen=True)
class _InOrder(JudgedVisits):
    """Visits by patient and week, the place of each one's patient, and whether a visit of the same stands before."""

    place: Places
    follows: Flags


def _in_order(visits: JudgedVisits, words: int) -> _InOrder:
    columns = (visits.patient, visits.week, visits.category, visits.baseline_week)
    if len({len(column) for column in columns}) > 1:
        raise WrongUsage("Patients, weeks, categories and baseline weeks must be given for the same visits.")
    if not bool(np.all(np.isfinite(visits.week))):
        raise WrongUsage(_WEEKS)
    if not bool(np.all((visits.category >= -1) & (visits.category < words))):
        raise WrongUsage(f"A category is -1 or one of the {words} codes from 0; another code was given.")
    patient, week = visits.patient, visits.week
    later = (patient[1:] == patient[:-1]) & (week[1:] > week[:-1])
    if not bool(np.all((patient[1:] > patient[:-1]) | later)):
        order = _order(patient, week)
        columns = (patient[order], week[order], visits.category[order], visits.baseline_week[order])
    patient, week, _, start = columns
    follows = np.zeros(len(patient), bool)
    follows[1:] = patient[1:] == patient[:-1]
    if bool(np.any(follows[1:] & (week[1:] == week[:-1]))):
        raise WrongUsage(_WEEKS)
    if bool(np.any(week < start)):
        raise WrongUsage(_EARLY)
    moved = (start[1:] != start[:-1]) & ~(np.isnan(start[1:]) & np.isnan(start[:-1]))
    if bool(np.any(moved & follows[1:])):
        raise WrongUsage("The rows of a patient name different baseline weeks. Give one for each patient.")
    return _InOrder(*columns, np.cumsum(~follows) - 1, follows)


def _order(patient: NDArray[np.int64], week: Floats) -> Places:
    """Rows by patient and week; sorting one whole number that ends in the row is four times as fast as two columns."""
    weeks, rows = np.unique(week), len(week)
    low, high = int(patient.min()), int(patient.max())
    if (high - low + 1) * len(weeks) * rows > np.iinfo(np.int64).max:
        return np.lexsort((week, patient))
    keys = np.subtract(patient, low, dtype=np.int64) * len(weeks) + np.searchsorted(weeks, week)
    return np.sort(keys * rows + np.arange(rows)) % rows


def _times(course: _InOrder, at: Flags, starts: Places) -> dict[str, Places]:
    """The row at which each patient's times were seen; the number of rows stands for never."""
    never = len(at)
    # The narrowest whole numbers that count the rows: what this takes is the time to touch memory.
    rows = np.arange(never, dtype=np.min_scalar_type(-never - 1))

    def earliest(flags: Flags) -> Places:
        return np.minimum.reduceat(np.where(flags, rows, rows.dtype.type(never)), starts)

    def second_in_a_row(flags: Flags) -> Flags:
        return flags & np.roll(flags, 1) & course.follows

    told = course.category >= 0
    below = told & ~at
    first, confirmed = earliest(at), earliest(second_in_a_row(at))
    last = np.maximum.reduceat(np.where(told, rows, rows.dtype.type(-1)), starts)
    return {
        "first": first,
        "confirmed": confirmed,
        "lost": earliest(below & (rows > first[course.place])),
        "flare": earliest(second_in_a_row(below) & (rows > confirmed[course.place])),
        "last": np.where(last < 0, never, last),
    }
