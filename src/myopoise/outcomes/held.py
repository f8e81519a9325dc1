"""One measure of many visits, at baseline and now: which instrument, which unit, and how to be exact about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from myopoise.outcomes.exact import NEAR, exact, on_grid
from myopoise.outcomes.instruments import ENZYME_UNITS, VAS_UNITS, Scale, instruments
from myopoise.outcomes.plan import Plan
from myopoise.outcomes.timeline import Timeline

__all__ = ["Columns", "Held", "held_columns"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

_NEAR_RATIO = 1e-9
"""How near to zero a difference of enzyme ratios is doubtful, relative to the larger of them and 1."""


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
    """

    patient: NDArray[np.int64]
    week: Floats
    values: Mapping[str, Floats]


@dataclass(frozen=True)
class Held:
    """A measure at baseline and now, ``(row,)`` each, with what is needed to be exact about it.

    Values are in the unit of the file, or multiples of the upper limit of normal. A value in the unit of the
    instrument is `times` / `per` of that.
    """

    sign: int
    baseline: Floats
    followup: Floats
    scale_range: Floats | float
    choice: NDArray[np.int8]
    ratio: bool
    limits: tuple[Floats, Floats] | None = None
    raw: tuple[Floats, Floats] | None = None
    times: int = 1
    per: int = 1

    @cached_property
    def plain(self) -> bool:
        """Whether every value is a decimal of at most four places, so that a sum near zero is zero."""
        if self.ratio:
            return False
        parts = [self.baseline, self.followup]
        if isinstance(self.scale_range, np.ndarray):
            parts.append(self.scale_range)
        return all(bool(np.all(on_grid(part) | np.isnan(part))) for part in parts)

    def exactly(self, row: int) -> tuple[Fraction, Fraction]:
        """Baseline and follow-up of one row, exact; 0 for one that is missing."""
        if self.raw is None or self.limits is None:
            pair = (self.baseline[row], self.followup[row])
            return tuple(Fraction(0) if np.isnan(v) else exact(float(v)) for v in pair)  # type: ignore[return-value]
        return tuple(  # type: ignore[return-value]
            Fraction(0) if np.isnan(value[row]) else exact(float(value[row])) / exact(float(limit[row]))
            for value, limit in zip(self.raw, self.limits, strict=True)
        )

    def range_of(self, row: int) -> Fraction:
        """Range of one row, exact."""
        whole = self.scale_range
        return exact(float(whole[row] if isinstance(whole, np.ndarray) else whole))

    def near(self) -> Floats | float:
        """How near to zero a sum is doubtful."""
        if not self.ratio:
            return NEAR
        return np.asarray(100 * _NEAR_RATIO * np.maximum(1.0, np.fmax(self.baseline, self.followup)))


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
    return Held(
        instrument.sign,
        baseline,
        followup,
        _range(name, visits, times, per),
        choice,
        False,
        times=unit,
        per=per,
    )


def _pair(plan: Plan, name: str, visits: Columns, times: Timeline) -> tuple[Floats, Floats]:
    column = _column(visits, name)
    if name == "mmt" and plan.definition.mmt_versions:
        fits = np.isin(_column(visits, "mmt_max"), plan.definition.mmt_versions)
        column = np.where(fits, column, np.nan)
    return _at(column, times.baseline), column[times.rows]


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
        return _column(visits, instrument.high_column or instrument.range_column)[times.rows]
    if instrument.high is None or instrument.low is None:
        return float("nan")
    return (instrument.high - instrument.low) * per


def _most_abnormal(plan: Plan, names: tuple[str, ...], visits: Columns, times: Timeline) -> Held:
    """The enzyme with the highest multiple of its upper limit at baseline, followed."""
    known = instruments()
    held = [name for name in names if name in visits.values]
    count = len(times.rows)
    best = np.full(count, np.nan)
    choice = np.full(count, -1, np.int8)
    picked = [np.full(count, np.nan) for _ in range(4)]
    for name in held:
        place = names.index(name)
        value, limit = visits.values[name], visits.values[known[name].uln_column]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = value / limit
        start = _at(ratio, times.baseline)
        higher = (choice < 0) & ~np.isnan(start)
        with np.errstate(invalid="ignore"):
            higher |= start > best
            close = (choice >= 0) & (np.abs(start - best) <= 1e-12 * best)
        higher = _settle_tie(higher, close, (value, limit), picked, times)
        best = np.where(higher, start, best)
        choice[higher] = place
        news = (_at(value, times.baseline), _at(limit, times.baseline), value[times.rows], limit[times.rows])
        for slot, new in enumerate(news):
            np.copyto(picked[slot], new, where=higher)
    with np.errstate(divide="ignore", invalid="ignore"):
        followup = picked[2] / picked[3]
    ranges = np.array([float(plan.enzyme_ranges.get(name, np.nan)) for name in names] + [np.nan])
    return Held(
        -1,
        best,
        followup,
        ranges[choice],
        choice,
        True,
        limits=(picked[1], picked[3]),
        raw=(picked[0], picked[2]),
    )


def _settle_tie(
    higher: Flags, close: Flags, pair: tuple[Floats, Floats], picked: list[Floats], times: Timeline
) -> Flags:
    """Ratios that floating point cannot tell apart, compared as fractions; a true tie keeps the earlier enzyme."""
    for row in np.flatnonzero(close):
        new, old = (
            exact(float(value)) / exact(float(limit))
            for value, limit in (
                (pair[0][times.baseline[row]], pair[1][times.baseline[row]]),
                (picked[0][row], picked[1][row]),
            )
        )
        higher[row] = new > old
    return higher
