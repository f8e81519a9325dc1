"""The responses of many visits at once: the same answers as `myopoise.outcomes.response`, a thousand times faster.

Everything is arrays of one number a visit. A floating-point sum decides a test wherever its error cannot matter;
where it could (on the edge of a band, or on exactly 20%), the numbers are asked whether they are plain decimals, and
if not, fractions decide. See `myopoise.outcomes.exact`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from myopoise.outcomes.definitions import Measure
from myopoise.outcomes.exact import GRID
from myopoise.outcomes.held import Columns, Held, held_columns
from myopoise.outcomes.plan import Missing, Plan
from myopoise.outcomes.reasons import BOUNDED, NOT_COMPUTABLE, OK, STATUSES, Bit, asked
from myopoise.outcomes.rules import Known, Test, decide_columns, tests_of
from myopoise.outcomes.timeline import Timeline, timeline

__all__ = ["Scores", "score_columns"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Answers for many visits, ``(row,)`` each, as codes where there are words.

    Parameters
    ----------
    plan
        What was applied.
    rows
        Place of each judged visit among the visits.
    baseline
        Place of its baseline visit, or -1.
    category
        Place in `words`, or -1.
    status
        Place in `myopoise.outcomes.reasons.STATUSES`.
    reason
        Code that `myopoise.outcomes.reasons.reason_text` puts into words.
    enzyme
        Place among the instruments of the enzyme measure, or -1.
    score, score_low, score_high
        NaN where there is none.
    points
        Points of each domain, NaN where missing; empty for a rule.
    held
        What each domain was read as.
    """

    plan: Plan
    rows: Places
    baseline: Places
    category: NDArray[np.int8]
    status: NDArray[np.int8]
    reason: NDArray[np.int32]
    enzyme: NDArray[np.int8]
    score: Floats
    score_low: Floats
    score_high: Floats
    points: Mapping[str, Floats]
    held: Mapping[str, Held]

    @property
    def words(self) -> tuple[str, ...]:
        """Words of the category, by their codes."""
        definition = self.plan.definition
        return definition.words or tuple(category.name for category in definition.categories)


def score_columns(visits: Columns, plan: Plan) -> Scores:
    """The answer of a definition at every follow-up visit.

    Parameters
    ----------
    visits
        Visits whose values have been checked (`myopoise.outcomes.checks`); a patient's rows may stand anywhere.
    plan
        The definition and what the protocol fixes.
    """
    times = timeline(visits.patient, visits.week, plan, visits.orphans)
    held = {domain: held_columns(plan, domain, visits, times) for domain in plan.definition.domains}
    return _scored(plan, times, held) if plan.rule is None else _ruled(plan, times, held)


# --- a score ----------------------------------------------------------------------------------------------


def _scored(plan: Plan, times: Timeline, held: Mapping[str, Held]) -> Scores:
    measures = plan.definition.measures
    unit = _unit(measures)
    count = len(times.rows)
    low, most = np.zeros(count, np.int16), np.zeros(count, np.int16)
    points = {}
    for measure in measures:
        earned = _steps(measure, held[measure.domain], unit)
        absent = held[measure.domain].no_baseline | held[measure.domain].no_followup
        low += earned
        most += earned
        points[measure.domain] = np.multiply(earned, float(unit), dtype=np.float64)
        if absent.any():
            most[absent] += np.int16(measure.most / unit)
            points[measure.domain][absent] = np.nan
    reason = _missing(plan, times, held)
    cuts = np.array([float(category.start / unit) for category in plan.definition.categories[1:]])
    category = _category(low, cuts)
    bounds = (
        np.multiply(low, float(unit), dtype=np.float64),
        np.multiply(most, float(unit), dtype=np.float64),
    )
    return _finished(plan, times, held, (category, _category(most, cuts)), bounds, reason, points)


def _unit(measures: tuple[Measure, ...]) -> Fraction:
    """The largest number of which all points are multiples."""
    points = [points for measure in measures for points in measure.points]
    below = lcm(*(one.denominator for one in points))
    return Fraction(gcd(*(int(one * below) for one in points)), below)


def _steps(measure: Measure, held: Held, unit: Fraction) -> NDArray[np.int8]:
    """Points earned, in units; 0 where the measure is missing or worse."""
    first, second = (held.followup, held.baseline) if held.sign > 0 else (held.baseline, held.followup)
    gain = 100 * (first - second)
    near = held.near()
    jumps = [
        int((after - before) / unit)
        for before, after in zip(measure.points, measure.points[1:], strict=False)
    ]
    earned, doubtful = np.zeros(len(gain), np.int8), np.zeros(len(gain), np.int8)
    for edge, jump in zip(measure.edges, jumps, strict=True):
        bar = edge * held.scale_range
        over = (gain > bar + near).view(np.int8)
        if jump:
            earned += over * np.int8(jump)
        if not held.plain:
            doubtful += (gain >= bar - near).view(np.int8) - over
    if not held.plain:
        rows = np.flatnonzero(doubtful)
        earned[rows] = _steps_exactly(measure, held, unit, rows)
    return earned


def _steps_exactly(measure: Measure, held: Held, unit: Fraction, rows: Places) -> NDArray[np.int8]:
    """Points earned in a few doubtful rows, in whole numbers and fractions."""
    start, start_unit, now, now_unit = held.exactly(rows)
    gain = 100 * GRID * held.sign * (now * start_unit - start * now_unit)
    share = held.range_of(rows) * start_unit * now_unit
    band = np.sum([(gain > edge * share).astype(np.int64) for edge in measure.edges], axis=0)
    steps = np.array([int(points / unit) for points in measure.points], np.int8)
    return np.asarray(steps[band])


def _category(score: NDArray[np.int16], cuts: Floats) -> NDArray[np.int8]:
    place = np.zeros(len(score), np.int8)
    for cut in cuts:
        place += score >= cut
    return place


def _missing(plan: Plan, times: Timeline, held: Mapping[str, Held]) -> NDArray[np.int32]:
    """The code of what is missing."""
    code = np.zeros(len(times.rows), np.int32)
    at_baseline, at_visit = asked(plan)
    for place, domain in enumerate(plan.definition.domains):
        if domain in at_baseline and held[domain].no_baseline.any():
            code[held[domain].no_baseline] |= 1 << (Bit.AT_BASELINE + place)
        if domain in at_visit and held[domain].no_followup.any():
            gone = held[domain].no_followup & (code >> (Bit.AT_BASELINE + place) & 1 == 0)
            code[gone] |= 1 << (Bit.AT_VISIT + place)
    if plan.needs_baseline and (times.starts < 0).any():
        code[times.baseline < 0] = 1 << Bit.NO_BASELINE
    return code


def _finished(
    plan: Plan,
    times: Timeline,
    held: Mapping[str, Held],
    categories: tuple[NDArray[np.int8], NDArray[np.int8]],
    bounds: tuple[Floats, Floats] | None,
    reason: NDArray[np.int32],
    points: Mapping[str, Floats],
) -> Scores:
    """The answers, with what is missing made not computable or bounded."""
    count = len(times.rows)
    low, high = bounds if bounds else (np.full(count, np.nan), np.full(count, np.nan))
    category = np.where(categories[0] == categories[1], categories[0], np.int8(-1))
    status = np.zeros(count, np.int8)
    score = low.copy()
    absent = reason != 0
    if absent.any():
        score[absent] = np.nan
        nothing = absent if plan.missing is Missing.STRICT else (reason >> Bit.NO_BASELINE & 1).astype(bool)
        status[absent] = STATUSES.index(BOUNDED)
        status[nothing] = STATUSES.index(NOT_COMPUTABLE)
        category[nothing] = -1
        low[nothing] = high[nothing] = np.nan
    enzymes = [held[domain].choice for domain in plan.definition.domains if plan.chosen_by_ratio(domain)]
    enzyme = enzymes[0] if enzymes else np.full(count, -1, np.int8)
    return Scores(
        plan, times.rows, times.baseline, category, status, reason, enzyme, score, low, high, points, held
    )


# --- a rule -----------------------------------------------------------------------------------------------


def _ruled(plan: Plan, times: Timeline, held: Mapping[str, Held]) -> Scores:
    assert plan.rule is not None
    tests = dict.fromkeys(tests_of(plan.rule))
    answers = {test: _answer(test, held[test.measure]) for test in tests}
    found = decide_columns(plan.rule, answers.__getitem__)
    reason = _missing(plan, times, held)
    bounds: tuple[Floats, Floats] | None = None
    if plan.definition.counted:
        bounds = (
            _how_many(a.sure for a in answers.values()),
            _how_many(a.possible for a in answers.values()),
        )
    sides = (np.where(found.sure, np.int8(0), np.int8(1)), np.where(found.possible, np.int8(0), np.int8(1)))
    alone = _finished(plan, times, held, sides, bounds, reason, {})
    return alone if plan.definition.consecutive == 1 else _confirmed(alone, times)


def _how_many(columns: Iterable[NDArray[np.bool_]]) -> Floats:
    return np.asarray(np.stack(list(columns)).sum(axis=0), dtype=np.float64)


def _answer(test: Test, held: Held) -> Known:
    form = test.form(held.sign)
    count = len(held.followup)
    total = np.full(count, float(form.constant * held.per))
    unknown = np.zeros(count, bool)
    for times, column in ((form.baseline, held.baseline), (form.followup, held.followup)):
        if times:
            total = total + times * held.times * column
            unknown |= np.isnan(column)
    near = held.near()
    sure = total > near if test.beyond else total >= -near
    if not held.plain:
        rows = np.flatnonzero(np.abs(total) <= near)
        start, start_unit, now, now_unit = held.exactly(rows)
        exactly = held.times * (form.baseline * start * now_unit + form.followup * now * start_unit)
        exactly = exactly + form.constant * held.per * start_unit * now_unit
        sure[rows] = (exactly > 0 if test.beyond else exactly >= 0).astype(bool)
    if test.relative:
        nothing = held.baseline <= 0
        sure &= ~nothing
        unknown &= ~nothing
    return Known(sure & ~unknown, sure | unknown)


def _confirmed(alone: Scores, times: Timeline) -> Scores:
    """Answers of a rule that must hold at two visits in a row."""
    yes, no = 0, 1
    fine, never, bounded = (STATUSES.index(word) for word in (OK, NOT_COMPUTABLE, BOUNDED))
    first = times.before < 0
    earlier = np.where(first, no, alone.category[times.before])
    earlier_status = np.where(first, fine, alone.status[times.before])
    earlier_reason = np.where(first, 0, alone.reason[times.before])
    open_ = (alone.status != never) & (alone.category != no)
    category, status, reason = alone.category.copy(), alone.status.copy(), alone.reason.copy()
    lost = open_ & (earlier_status == never)
    both = (alone.category == yes) & (earlier == yes)
    category[open_] = np.where(earlier == no, no, np.where(both, yes, -1))[open_]
    category[lost] = -1
    status[open_ & ((alone.status == bounded) | (earlier_status == bounded))] = bounded
    status[lost] = never
    silent = open_ & (alone.reason == 0)
    reason[silent & (earlier_reason != 0)] = (earlier_reason | 1 << Bit.BEFORE)[
        silent & (earlier_reason != 0)
    ]
    reason[silent & (earlier_reason == 0) & (earlier == no)] = 1 << Bit.AWAITS
    return replace(alone, category=category, status=status, reason=reason)
