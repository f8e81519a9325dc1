"""One measure of many visits, at baseline and now: which instrument, which unit, and how to be exact about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from myopoise.outcomes.exact import GRID, NEAR, all_on_grid, whole
from myopoise.outcomes.instruments import ENZYME_UNITS, VAS_UNITS, Scale, instruments
from myopoise.outcomes.plan import Plan
from myopoise.outcomes.timeline import Timeline

__all__ = ["Columns", "Held", "held_columns"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
Objects = NDArray[np.object_]

_NEAR_RATIO = 1e-9
"""How near to zero a difference of enzyme ratios is doubtful, relative to their size."""
_TIE = 1e-12
"""How near to each other two enzyme ratios are doubtful, relative to their size."""


@dataclass(frozen=True)
class Columns:
    """Visits as arrays, ``(visit,)`` each.

    Parameters
    ----------
    patient
        A number for each patient; only equality matters.
    week
        Weeks.
    values
        Columns by name, in the units of the file; NaN where missing. A column that nobody holds may be left out.
    orphans
        Patients whose baseline visit had a fault and is not here: their other visits have no baseline.
    """

    patient: NDArray[np.int64]
    week: Floats
    values: Mapping[str, Floats]
    orphans: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def plain(self, name: str) -> bool:
        """Whether every value of a column is a decimal of at most four places."""
        column = self.values.get(name)
        return column is None or all_on_grid(column)


@dataclass(frozen=True)
class Held:
    """A measure at baseline and now, ``(row,)`` each, with what is needed to be exact about it.

    Values are in the unit of the file, or multiples of the upper limit of normal. A value in the unit of the
    instrument is `times` / `per` of that. Of a ratio `raw` and `limits` are both numbers, at baseline ``(patient,)``
    with `course` as the patient of each row, and now ``(row,)``. `plain` says that every value is a decimal of at most
    four places, so that a sum near zero is zero.
    """

    sign: int
    baseline: Floats
    followup: Floats
    scale_range: Floats | float
    choice: NDArray[np.int8]
    ratio: bool
    plain: bool
    limits: tuple[Floats, Floats] | None = None
    raw: tuple[Floats, Floats] | None = None
    course: Places | None = None
    times: int = 1
    per: int = 1

    @cached_property
    def no_baseline(self) -> Flags:
        """Where the value at baseline is missing."""
        return missing(self.baseline)

    @cached_property
    def no_followup(self) -> Flags:
        """Where the value at the visit is missing."""
        return missing(self.followup)

    def exactly(self, rows: Places) -> tuple[Objects, Objects, Objects, Objects]:
        """Baseline and follow-up of some rows as exact ratios: two numerators, each with its denominator above 0.

        Parameters
        ----------
        rows
            Places; nothing is missing there.
        """
        if self.raw is None or self.limits is None:
            unit = np.full(len(rows), GRID, object)
            return whole(self.baseline[rows]), unit, whole(self.followup[rows]), unit
        patients = rows if self.course is None else self.course[rows]
        start, now = (self.raw[0], self.limits[0]), (self.raw[1], self.limits[1])
        return tuple(  # type: ignore[return-value]
            whole(part[places]) for parts, places in ((start, patients), (now, rows)) for part in parts
        )

    def range_of(self, rows: Places) -> Objects:
        """Range of some rows, exact, in ten-thousandths."""
        return whole(np.broadcast_to(np.asarray(self.scale_range, np.float64), self.baseline.shape)[rows])

    def near(self) -> float:
        """How near to zero a sum is doubtful; for ratios relative to the largest of them, and to 1."""
        if not self.ratio:
            return NEAR
        largest = max(np.nanmax(part, initial=1.0) for part in (self.baseline, self.followup))
        return float(100 * _NEAR_RATIO * largest)


def missing(values: Floats) -> Flags:
    """Where a value is missing; without looking at each where none is, since a sum with a NaN is NaN."""
    return np.isnan(values) if np.isnan(values.sum()) else np.zeros(len(values), bool)


def held_columns(plan: Plan, domain: str, visits: Columns, times: Timeline) -> Held:
    """One measure of the visits to judge.

    Parameters
    ----------
    plan
        Says which columns may hold it, and in which unit.
    domain
        The measure.
    visits
        All visits.
    times
        The visits to judge, and their baselines.
    """
    names = plan.instruments[domain]
    if plan.chosen_by_ratio(domain):
        return _most_abnormal(plan, names, visits, times)
    name = names[0]
    choice = np.zeros(len(times.rows), np.int8)
    baseline, followup = _pair(plan, name, visits, times)
    for place, other in enumerate(names[1:], 1):
        more_baseline, more_followup = _pair(plan, other, visits, times)
        turn = np.isnan(baseline) & ~np.isnan(more_baseline)
        baseline, followup = np.where(turn, more_baseline, baseline), np.where(turn, more_followup, followup)
        choice[turn] = place
    if len(names) > 1:
        followup = np.where(np.isnan(baseline), np.nan, followup)
    instrument = instruments()[name]
    per = VAS_UNITS[plan.vas_unit] if instrument.scale is Scale.VAS else 1
    unit = ENZYME_UNITS[plan.enzyme_unit] if instrument.scale is Scale.ENZYME else 1
    parts = [*names, *(instruments()[one].companion for one in names)]
    plain = all(visits.plain(one) for one in parts)
    return Held(
        instrument.sign,
        baseline,
        followup,
        _range(name, visits, times, per),
        choice,
        ratio=False,
        plain=plain,
        times=unit,
        per=per,
    )


def _pair(plan: Plan, name: str, visits: Columns, times: Timeline) -> tuple[Floats, Floats]:
    column = _column(visits, name)
    if name == "mmt" and plan.definition.mmt_versions:
        fits = np.isin(_column(visits, "mmt_max"), plan.definition.mmt_versions)
        column = np.where(fits, column, np.nan)
    return _at(column, times.starts)[times.course], column[times.rows]


def _column(visits: Columns, name: str) -> Floats:
    column = visits.values.get(name)
    return np.full(len(visits.week), np.nan) if column is None else column


def _at(column: Floats, places: Places) -> Floats:
    """Values at places, NaN where there is no place."""
    found = column[places]
    absent = places < 0
    if absent.any():
        found[absent] = np.nan
    return found


def _range(name: str, visits: Columns, times: Timeline, per: int) -> Floats | float:
    instrument = instruments()[name]
    if instrument.high_column or instrument.range_column:
        column = _column(visits, instrument.high_column or instrument.range_column)[times.rows]
        return float(column[0]) if column.size and np.all(column == column[0]) else column
    if instrument.high is None or instrument.low is None:
        return float("nan")
    return (instrument.high - instrument.low) * per


def _most_abnormal(plan: Plan, names: tuple[str, ...], visits: Columns, times: Timeline) -> Held:
    """The enzyme with the highest multiple of its upper limit at baseline, followed."""
    known = instruments()
    held = [name for name in names if name in visits.values]
    at_start = {
        name: (
            _at(visits.values[name], times.starts),
            _at(visits.values[known[name].uln_column], times.starts),
        )
        for name in held
    }
    chosen = _highest(at_start, names, len(times.starts))
    choice = chosen[times.course]
    count = len(times.rows)
    parts = [np.full(size, np.nan) for size in (len(times.starts), len(times.starts), count, count)]
    for name in held:
        here, now = np.flatnonzero(chosen == names.index(name)), np.flatnonzero(choice == names.index(name))
        rows = times.rows[now]
        parts[0][here], parts[1][here] = at_start[name][0][here], at_start[name][1][here]
        parts[2][now], parts[3][now] = visits.values[name][rows], visits.values[known[name].uln_column][rows]
    ranges = np.array([float(plan.enzyme_ranges.get(name, np.nan)) for name in names] + [np.nan])
    return Held(
        -1,
        baseline=(parts[0] / parts[1])[times.course],
        followup=parts[2] / parts[3],
        scale_range=ranges[choice],
        choice=choice,
        ratio=True,
        plain=False,
        limits=(parts[1], parts[3]),
        raw=(parts[0], parts[2]),
        course=times.course,
    )


def _highest(
    at_start: Mapping[str, tuple[Floats, Floats]], names: tuple[str, ...], patients: int
) -> NDArray[np.int8]:
    """For each patient the place of the enzyme with the highest ratio, or -1; of equals the first."""
    chosen = np.full(patients, -1, np.int8)
    best, best_value, best_limit = (np.full(patients, np.nan) for _ in range(3))
    for name, (value, limit) in at_start.items():
        ratio = value / limit
        higher = (ratio > best) | (np.isnan(best) & ~np.isnan(ratio))
        close = np.flatnonzero(np.abs(ratio - best) <= _TIE * best)
        if close.size:  # floating point cannot tell these apart: compare the fractions themselves
            new, old = (
                whole(value[close]) * whole(best_limit[close]),
                whole(best_value[close]) * whole(limit[close]),
            )
            higher[close] = (new > old).astype(bool)
        chosen[higher] = names.index(name)
        for into, what in ((best, ratio), (best_value, value), (best_limit, limit)):
            np.copyto(into, what, where=higher)
    return chosen
