"""What holds of every course, and that one patient and many, our curve and a reference, give the same."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from myopoise.outcomes.courses import (
    CourseColumns,
    CourseTimes,
    JudgedVisits,
    Level,
    course_columns,
    course_levels,
    course_times,
)
from myopoise.outcomes.definitions import definition
from myopoise.outcomes.survival import Event, event_times, survival_curve

SCORED = ("none", "minimal", "moderate", "major")
LEVELS = course_levels(definition("acr-eular-2016-adult"))
WORSE = course_levels(definition("proderm-deterioration"))
KINDS = {SCORED: LEVELS, ("worse", "not worse"): WORSE}
TIMES = ("first", "confirmed", "lost", "flare", "last")
NUMBERS = (
    *("visits", "baseline_week", "first_week", "weeks_to_first", "confirmed_week", "weeks_to_confirmed"),
    *("lost_week", "weeks_held", "held_to_end", "flare_week", "last_week"),
)

weeks = st.one_of(st.integers(0, 60).map(float), st.integers(0, 600).map(lambda tenths: tenths / 10))


def courses(words: tuple[str, ...] = SCORED) -> st.SearchStrategy[list[tuple[float, str]]]:
    visits = st.tuples(weeks, st.sampled_from(["", *words]))
    return st.lists(visits, max_size=12, unique_by=lambda one: one[0])


def packed(
    group: dict[int, tuple[float | None, list[tuple[float, str]]]], words: tuple[str, ...], order: list[int]
) -> JudgedVisits:
    rows = [
        (patient, week, words.index(word) if word else -1, math.nan if start is None else start)
        for patient, (start, course) in group.items()
        for week, word in course
    ]
    patient, week, category, start = (
        zip(*(rows[place] for place in order), strict=True) if rows else ((),) * 4
    )
    return JudgedVisits(
        np.array(patient, np.int64),
        np.array(week, float),
        np.array(category, np.int8),
        np.array(start, float),
    )


def row_of(columns: CourseColumns, row: int) -> tuple[float | None, ...]:
    found = (float(getattr(columns, name)[row]) for name in NUMBERS)
    return tuple(None if math.isnan(number) else number for number in found)


def told(times: CourseTimes) -> tuple[float | None, ...]:
    return tuple(getattr(times, name) for name in NUMBERS)


@given(data=st.data(), words=st.sampled_from(list(KINDS)))
@settings(max_examples=300, deadline=None)
def test_one_patient_and_many_get_the_same_times_in_any_order_of_rows(
    data: st.DataObject, words: tuple[str, ...]
) -> None:
    baseline = st.sampled_from([None, 0.0, -4.0, -0.5])
    group = data.draw(
        st.dictionaries(st.integers(-5, 40), st.tuples(baseline, courses(words)), max_size=5),
        label="patients",
    )
    count = sum(len(course) for _, course in group.values())
    order = data.draw(st.permutations(range(count)), label="order of rows")
    columns = course_columns(packed(group, words, list(order)), words, KINDS[words])
    seen = sorted(patient for patient, (_, course) in group.items() if course)
    assert columns.patients.tolist() == seen
    expected = [
        (patient, place, told(course_times(group[patient][1], level, group[patient][0])))
        for patient in seen
        for place, level in enumerate(KINDS[words])
    ]
    found = [
        (int(columns.patient[row]), int(columns.level[row]), row_of(columns, row))
        for row in range(len(columns.patient))
    ]
    assert found == expected


@given(course=courses(), level=st.sampled_from(LEVELS))
def test_times_follow_each_other(course: list[tuple[float, str]], level: Level) -> None:
    times = course_times(course, level, 0)
    first, confirmed, lost, flare, last = (getattr(times, f"{name}_week") for name in TIMES)
    seen = {week for week, word in course if word}
    assert {week for week in (first, confirmed, lost, flare, last) if week is not None} <= seen
    assert (last is None) == (times.visits == 0) == (not seen)
    if first is None:
        assert (confirmed, lost, flare) == (None, None, None)
        return
    assert 0 <= first <= last
    assert confirmed is None or first < confirmed <= last
    assert lost is None or first < lost <= last
    assert flare is None or (confirmed is not None and confirmed < flare and first < lost < flare <= last)
    assert times.held_to_end is (lost is None)
    assert times.weeks_held is not None
    assert 0 <= times.weeks_held <= last - first


def later(one: float | None, other: float | None) -> bool:
    return one is None or (other is not None and one >= other)


@given(course=courses())
def test_a_higher_level_is_never_reached_or_confirmed_earlier(course: list[tuple[float, str]]) -> None:
    minimal, moderate, major = (course_times(course, level, 0) for level in LEVELS)
    for higher, lower in ((major, moderate), (moderate, minimal)):
        assert later(higher.first_week, lower.first_week)
        assert later(higher.confirmed_week, lower.confirmed_week)
        assert (higher.visits, higher.last_week) == (lower.visits, lower.last_week)


@given(course=courses(), level=st.sampled_from(LEVELS), week=weeks)
def test_a_visit_that_could_not_be_told_never_creates_anything(
    course: list[tuple[float, str]], level: Level, week: float
) -> None:
    if any(week == other for other, _ in course):
        return
    before = course_times(course, level, 0)
    after = course_times([*course, (week, "")], level, 0)
    for name in ("visits", "first_week", "lost_week", "last_week", "weeks_held", "held_to_end"):
        assert getattr(after, name) == getattr(before, name)
    assert later(after.confirmed_week, before.confirmed_week)
    assert later(after.flare_week, before.flare_week)


@given(course=courses(), level=st.sampled_from(LEVELS), shift=st.integers(-50, 50))
def test_moving_the_calendar_moves_weeks_and_leaves_times(
    course: list[tuple[float, str]], level: Level, shift: int
) -> None:
    whole = [(float(place), word) for place, (_, word) in enumerate(sorted(course))]
    here = course_times(whole, level, 0)
    there = course_times([(week + shift, word) for week, word in whole], level, shift)
    assert (there.first_week, there.last_week) == tuple(
        None if week is None else week + shift for week in (here.first_week, here.last_week)
    )
    for name in ("weeks_to_first", "weeks_to_confirmed", "weeks_held", "held_to_end", "visits"):
        assert getattr(there, name) == getattr(here, name)


@given(course=courses().filter(bool), level=st.sampled_from(LEVELS), event=st.sampled_from(list(Event)))
def test_a_patient_has_an_event_or_a_censored_time_or_is_left_out(
    course: list[tuple[float, str]], level: Level, event: Event
) -> None:
    columns = course_columns(packed({3: (0.0, course)}, SCORED, list(range(len(course)))), SCORED, LEVELS)
    times = event_times(columns, level, event)
    one = course_times(course, level, 0)
    start, end = {
        Event.FIRST: (0.0, one.first_week),
        Event.CONFIRMED: (0.0, one.confirmed_week),
        Event.LOST: (one.first_week, one.lost_week),
        Event.FLARE: (one.confirmed_week, one.flare_week),
    }[event]
    if start is None or one.last_week is None:
        assert times.patient.tolist() == []
    else:
        stop = one.last_week if end is None else end
        assert (times.patient.tolist(), times.weeks.tolist()) == ([3], [stop - start])
        assert times.happened.tolist() == [end is not None]


# --- the curve ----------------------------------------------------------------------------------------------------

samples = st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=1, max_size=60)


def arrays(sample: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([float(week) for week, _ in sample]), np.array([seen for _, seen in sample])


@given(sample=samples.filter(lambda sample: any(seen for _, seen in sample)))
@settings(deadline=None)
def test_the_curve_and_its_limits_are_those_of_a_reference(sample: list[tuple[int, bool]]) -> None:
    weeks, happened = arrays(sample)
    curve = survival_curve(weeks, happened)
    reference = ecdf(CensoredData(uncensored=weeks[happened], right=weeks[~happened])).sf
    np.testing.assert_allclose(curve.share, reference.evaluate(curve.weeks), rtol=1e-12, atol=1e-15)
    lower, upper = curve.band()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # The reference warns where the share is 0, which is where our limits are NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        limits = reference.confidence_interval(method="log-log")
    inside = curve.at_risk > curve.events
    np.testing.assert_allclose(lower[inside], limits.low.evaluate(curve.weeks)[inside], rtol=1e-9)
    np.testing.assert_allclose(upper[inside], limits.high.evaluate(curve.weeks)[inside], rtol=1e-9)
    assert np.isnan(lower[~inside]).all()
    assert np.isnan(upper[~inside]).all()


@given(sample=samples)
def test_the_median_is_that_of_exact_fractions(sample: list[tuple[int, bool]]) -> None:
    share, median = Fraction(1), None
    for week in sorted({week for week, seen in sample if seen}):
        risk = sum(other >= week for other, _ in sample)
        share *= 1 - Fraction(sum(seen and other == week for other, seen in sample), risk)
        if median is None and share <= Fraction(1, 2):
            median = float(week)
    found, low, high = survival_curve(*arrays(sample)).median()
    assert found == median
    assert low is None or found is None or low <= found
    assert high is None or (found is not None and low is not None and low <= found <= high)


@given(sample=samples, data=st.data())
def test_the_curve_does_not_know_the_order_of_patients(
    sample: list[tuple[int, bool]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(sample))
    one, other = survival_curve(*arrays(sample)), survival_curve(*arrays(shuffled))
    assert one.share.tolist() == other.share.tolist()
    assert one.median() == other.median()
