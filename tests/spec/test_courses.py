"""Times of response as tables: weeks and categories on the left, what the rules make of them on the right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from myopoise.errors import WrongUsage
from myopoise.outcomes.columnar import score_columns
from myopoise.outcomes.courses import (
    CourseColumns,
    CourseTimes,
    JudgedVisits,
    Level,
    course_columns,
    course_levels,
    course_rules,
    course_times,
    judged_visits,
)
from myopoise.outcomes.definitions import Kind, definition, definitions
from myopoise.outcomes.held import Columns
from myopoise.outcomes.plan import plan_for
from myopoise.outcomes.response import respond_course, visit
from myopoise.outcomes.survival import Event, event_times, summarise_times, survival_curve

WORDS = ("none", "minimal", "moderate", "major")
MINIMAL, MODERATE, MAJOR = LEVELS = course_levels(definition("acr-eular-2016-adult"))
(WORSE,) = course_levels(definition("proderm-deterioration"))
LETTERS = {"0": "none", "1": "minimal", "2": "moderate", "3": "major", "?": ""}
NAN = float("nan")


def drawn(course: str, interval: float = 4) -> list[tuple[float, str]]:
    """A course drawn as one letter a visit, the first at one interval after baseline."""
    return [((place + 1) * interval, LETTERS[letter]) for place, letter in enumerate(course)]


def columns(courses: dict[int, str], baseline: dict[int, float] | None = None) -> CourseColumns:
    rows = [(patient, week, word) for patient, course in courses.items() for week, word in drawn(course)]
    return course_columns(
        JudgedVisits(
            np.array([patient for patient, _, _ in rows], np.int64),
            np.array([week for _, week, _ in rows], float),
            np.array([WORDS.index(word) if word else -1 for _, _, word in rows], np.int8),
            np.array([(baseline or {}).get(patient, 0.0) for patient, _, _ in rows], float),
        ),
        WORDS,
        LEVELS,
    )


# --- levels and rules ---------------------------------------------------------------------------------------------


def test_a_level_of_ordered_categories_is_reached_by_it_and_by_better_ones() -> None:
    assert [(level.word, level.reached_by) for level in LEVELS] == [
        ("minimal", ("minimal", "moderate", "major")),
        ("moderate", ("moderate", "major")),
        ("major", ("major",)),
    ]
    assert [str(level) for level in LEVELS] == ["at least minimal", "at least moderate", "major"]


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("imacs-doi-2004", Level("improved", ("improved",), ("not improved",))),
        ("printo-inactive-2012", Level("inactive", ("inactive",), ("active",))),
        ("proderm-deterioration", Level("worse", ("worse",), ("not worse",))),
    ],
)
def test_a_rule_has_the_one_level_that_it_holds(name: str, level: Level) -> None:
    assert course_levels(definition(name)) == (level,)
    assert str(level) == level.word


@pytest.mark.parametrize(
    "name", [name for name, one in definitions().items() if one.kind in (Kind.SCORE, Kind.RULE)]
)
def test_the_levels_of_every_definition_sort_all_its_words(name: str) -> None:
    one = definition(name)
    words = one.words or tuple(category.name for category in one.categories)
    for level in course_levels(one):
        assert sorted(level.reached_by + level.below) == sorted(words)
        assert level.holds(level.word) is True


def test_a_misspelt_category_is_refused_and_not_taken_for_below() -> None:
    with pytest.raises(
        WrongUsage, match=r"'Major' is no category .* which has none, minimal, moderate, major\."
    ):
        course_times([(4, "Major")], MODERATE, 0)


def test_every_rule_is_marked_as_ours_and_names_no_source() -> None:
    rules = dict(course_rules())
    assert list(rules) == [
        *("told", "level", "first", "confirmed", "lost", "held", "flare", "censored", "visits", "median")
    ]
    assert {(rule.status, rule.sources) for rule in rules.values()} == {("OPERATIONAL", ())}


# --- one course ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("course", "told", "first", "confirmed", "lost", "flare", "last"),
    [
        # visit   1234567          the visits are at weeks 4, 8, 12, ...; a level of at least moderate
        ("000", 3, None, None, None, None, 12),
        ("???", 0, None, None, None, None, None),
        ("", 0, None, None, None, None, None),
        ("2", 1, 4, None, None, None, 4),
        ("012322", 6, 12, 16, None, None, 24),
        ("0022??", 4, 12, 16, None, None, 16),
        # A visit that could not be told breaks the pair, and so does one below.
        ("2?2", 2, 4, None, None, None, 12),
        ("2?22", 3, 4, 16, None, None, 16),
        ("202", 3, 4, None, 8, None, 12),
        # Lost is the first time below, confirmed or not, and reaching it again does not undo it.
        ("20222", 5, 4, 16, 8, None, 20),
        ("2?1", 2, 4, None, 12, None, 12),
        # A flare takes two in a row, told both, after confirming.
        ("2210", 4, 4, 8, 12, 16, 16),
        ("221", 3, 4, 8, 12, None, 12),
        ("22120", 5, 4, 8, 12, None, 20),
        ("221?0", 4, 4, 8, 12, None, 20),
        ("221?00", 5, 4, 8, 12, 24, 24),
        ("2002200", 7, 4, 20, 8, 28, 28),
        ("200", 3, 4, None, 8, None, 12),
    ],
)
def test_what_the_rules_make_of_a_course(
    course: str,
    told: int,
    first: float | None,
    confirmed: float | None,
    lost: float | None,
    flare: float | None,
    last: float | None,
) -> None:
    expected = CourseTimes(MODERATE, told, 0, first, confirmed, lost, flare, last)
    assert course_times(drawn(course), MODERATE, 0) == expected
    assert course_times(drawn(course)[::-1], MODERATE, 0) == expected


def test_times_run_from_the_baseline_week_and_not_from_week_0() -> None:
    times = course_times(drawn("0220"), MODERATE, -2)
    assert (times.weeks_to_first, times.weeks_to_confirmed) == (8 - (-2), 12 - (-2))
    assert (times.weeks_held, times.held_to_end) == (16 - 8, False)


def test_a_response_that_is_not_lost_is_held_to_the_last_visit_that_could_be_told() -> None:
    times = course_times(drawn("0222??"), MODERATE, 0)
    assert (times.weeks_held, times.held_to_end) == (16 - 8, True)


def test_a_response_seen_only_at_the_last_visit_is_held_for_no_time() -> None:
    times = course_times(drawn("02"), MODERATE, 0)
    assert (times.weeks_held, times.held_to_end) == (0, True)


def test_without_a_response_nothing_is_held() -> None:
    times = course_times(drawn("00"), MODERATE, 0)
    assert (times.weeks_to_first, times.weeks_held, times.held_to_end) == (None, None, None)


def test_without_a_baseline_there_are_weeks_and_no_times_to_them() -> None:
    times = course_times(drawn("022"), MODERATE, None)
    assert (times.first_week, times.weeks_to_first, times.weeks_to_confirmed) == (8, None, None)
    assert times.weeks_held == 12 - 8


def test_for_getting_worse_the_same_rules_time_deterioration_and_recovery() -> None:
    course = [(4.0, "not worse"), (8.0, "worse"), (12.0, "worse"), (16.0, "not worse")]
    times = course_times(course, WORSE, 0)
    assert (times.first_week, times.confirmed_week, times.lost_week) == (8, 12, 16)


@pytest.mark.parametrize(
    ("course", "baseline", "sentence"),
    [
        ("??", 0, "at least moderate: no visit could be told."),
        ("01?0?", 0, "at least moderate: not seen by week 16 (visits that could be told: 3)."),
        (
            "02",
            None,
            "at least moderate: first seen at week 8; not confirmed; still held at week 8, the last visit that could "
            "be told.",
        ),
        (
            "0221",
            2,
            "at least moderate: first seen at week 8, 6 weeks after baseline; confirmed at week 12; lost by week 16, "
            "8 weeks later.",
        ),
        (
            "22100",
            0,
            "at least moderate: first seen at week 4, 4 weeks after baseline; confirmed at week 8; lost by week 12, "
            "8 weeks later, flare at week 16.",
        ),
    ],
)
def test_a_course_prints_as_one_sentence(course: str, baseline: float | None, sentence: str) -> None:
    assert str(course_times(drawn(course), MODERATE, baseline)) == sentence


@pytest.mark.parametrize(
    ("visits", "fault"),
    [
        ([(4, "none"), (4, "minimal")], "two visits of one week"),
        ([(NAN, "none")], "without a week"),
        ([(-4, "none"), (4, "none")], "before the baseline visit"),
    ],
)
def test_a_course_that_cannot_be_put_in_order_is_refused(visits: list[tuple[float, str]], fault: str) -> None:
    with pytest.raises(WrongUsage, match=fault):
        course_times(visits, MODERATE, 0)


# --- many courses -------------------------------------------------------------------------------------------------


def test_there_is_a_row_for_every_level_of_every_patient() -> None:
    found = columns({9: "0133", 2: "0?"}, {9: 2.0})
    assert found.patient.tolist() == [2, 2, 2, 9, 9, 9]
    assert found.patients.tolist() == [2, 9]
    assert found.level.tolist() == [0, 1, 2, 0, 1, 2]
    assert found.visits.tolist() == [1, 1, 1, 4, 4, 4]
    assert found.baseline_week.tolist() == [0, 0, 0, 2, 2, 2]
    assert found.last_week.tolist() == [4, 4, 4, 16, 16, 16]
    np.testing.assert_array_equal(found.first_week, [NAN, NAN, NAN, 8, 12, 12])
    np.testing.assert_array_equal(found.weeks_to_first, [NAN, NAN, NAN, 8 - 2, 12 - 2, 12 - 2])
    np.testing.assert_array_equal(found.weeks_to_confirmed, [NAN, NAN, NAN, 12 - 2, 16 - 2, 16 - 2])
    np.testing.assert_array_equal(found.weeks_held, [NAN, NAN, NAN, 16 - 8, 16 - 12, 16 - 12])
    np.testing.assert_array_equal(found.held_to_end, [NAN, NAN, NAN, 1, 1, 1])


def test_no_visits_give_no_rows() -> None:
    assert len(columns({}).patient) == 0


@pytest.mark.parametrize("patients", [126, 127, 128, 129, 32766, 32767, 32768])
def test_the_number_of_rows_does_not_matter(patients: int) -> None:
    visits = JudgedVisits(
        np.arange(patients),
        np.full(patients, 4.0),
        np.where(np.arange(patients) % 3, 2, -1).astype(np.int8),
        np.zeros(patients),
    )
    found = course_columns(visits, WORDS, (MODERATE,))
    told = np.arange(patients) % 3 > 0
    assert found.visits.tolist() == told.tolist()
    np.testing.assert_array_equal(found.first_week, np.where(told, 4, NAN))
    np.testing.assert_array_equal(found.last_week, np.where(told, 4, NAN))
    assert np.isnan([found.confirmed_week, found.lost_week, found.flare_week]).all()


@pytest.mark.parametrize("patients", [21, 22, 5461, 5462])
def test_the_number_of_courses_does_not_matter(patients: int) -> None:
    found = columns(dict.fromkeys(range(patients), "221?00"))
    moderate = found.level == 1
    for name, week in (("first", 4), ("confirmed", 8), ("lost", 12), ("flare", 24), ("last", 24)):
        assert set(getattr(found, f"{name}_week")[moderate].tolist()) == {week}


def test_patients_whose_numbers_span_everything_are_put_in_order_too() -> None:
    far = 2**63 - 1
    found = columns({far: "02", 1 - far: "20", 0: "00"})
    assert found.patients.tolist() == [1 - far, 0, far]
    np.testing.assert_array_equal(found.first_week[1::3], [4, NAN, 8])


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"week": [4.0, 4.0, 4.0]}, "two visits of one week"),
        ({"week": [4.0, NAN, 4.0]}, "without a week"),
        ({"baseline_week": [0.0, 0.0, 5.0]}, "before the baseline visit"),
        ({"baseline_week": [0.0, 1.0, 0.0]}, "different baseline weeks"),
        ({"baseline_week": [NAN, 0.0, 0.0]}, "different baseline weeks"),
        ({"baseline_week": [0.0]}, "for the same visits"),
        ({"category": np.array([0, 4, 0], np.int8)}, "one of the 4 codes"),
        ({"category": np.array([0, -2, 0], np.int8)}, "one of the 4 codes"),
    ],
)
def test_columns_that_do_not_make_courses_are_refused(changed: dict[str, Any], fault: str) -> None:
    whole: dict[str, Any] = {
        "patient": np.array([1, 1, 2], np.int64),
        "week": [4.0, 8.0, 4.0],
        "category": np.array([0, 1, 0], np.int8),
        "baseline_week": [0.0, 0.0, 0.0],
    }
    whole |= changed
    visits = JudgedVisits(**{name: np.asarray(column) for name, column in whole.items()})
    with pytest.raises(WrongUsage, match=fault):
        course_columns(visits, WORDS, LEVELS)


def test_words_that_are_not_those_of_the_levels_are_refused() -> None:
    with pytest.raises(WrongUsage, match="'worse' is no category"):
        course_columns(
            JudgedVisits(*(np.zeros(0, kind) for kind in (np.int64, float, np.int8, float))),
            ("worse", "not worse"),
            LEVELS,
        )


def test_scored_visits_go_straight_into_courses() -> None:
    plan = plan_for("rim-mmt-20", ())
    rows = [(7, 0.0, 100.0), (7, 12.0, 130.0), (5, 12.0, 100.0), (7, 4.0, 110.0), (5, 0.0, 100.0)]
    visits = Columns(
        np.array([patient for patient, _, _ in rows], np.int64),
        np.array([week for _, week, _ in rows]),
        {"mmt": np.array([mmt for _, _, mmt in rows]), "mmt_max": np.full(len(rows), 150.0)},
    )
    scores = score_columns(visits, plan)
    (level,) = course_levels(plan.definition)
    found = course_columns(judged_visits(scores, visits), scores.words, (level,))
    one = respond_course([visit(week, mmt=mmt, mmt_max=150) for p, week, mmt in rows if p == 7], plan)
    alone = course_times([(response.week, response.category) for response in one], level, 0)
    assert alone.first_week == 12
    np.testing.assert_array_equal(found.first_week, [NAN, 12])
    np.testing.assert_array_equal(found.weeks_to_first, [NAN, 12 - 0])


def test_a_judged_visit_without_a_baseline_visit_has_no_baseline_week() -> None:
    plan = plan_for("rim-mmt-20", (), baseline_week=0)
    visits = Columns(np.array([1]), np.array([4.0]), {"mmt": np.array([90.0]), "mmt_max": np.array([150.0])})
    assert np.isnan(judged_visits(score_columns(visits, plan), visits).baseline_week).all()


# --- the curve ----------------------------------------------------------------------------------------------------


def test_a_curve_worked_by_hand() -> None:
    # weeks   4   8   8   12+  12   16+  20        (+ is censored)
    weeks = np.array([8.0, 4, 20, 12, 16, 8, 12])
    happened = np.array([True, True, True, False, False, True, True])
    curve = survival_curve(weeks, happened)
    assert curve.weeks.tolist() == [4, 8, 12, 20]
    assert curve.at_risk.tolist() == [7, 6, 4, 1]
    assert curve.events.tolist() == [1, 2, 1, 1]
    assert curve.share == pytest.approx([6 / 7, 6 / 7 * 4 / 6, 6 / 7 * 4 / 6 * 3 / 4, 0])
    # log-log limits at week 8: S = 4/7, and the variance of log S is 1/(7 * 6) + 2/(6 * 4)
    error = (1 / 42 + 2 / 24) ** 0.5 / -np.log(4 / 7)
    lower, upper = curve.band()
    assert lower[1] == pytest.approx((4 / 7) ** np.exp(1.959963984540054 * error))
    assert upper[1] == pytest.approx((4 / 7) ** np.exp(-1.959963984540054 * error))
    assert np.isnan([lower[-1], upper[-1]]).all()
    # 3/7 at week 12 is the first under one half. The lower limit is at (6/7)^7.1 = 0.33 from week 4, with a standard
    # error of sqrt(1/42) / log(7/6) = 1.00; the upper one is at 0.73 at week 12 and has no value after.
    assert lower[0] == pytest.approx(0.334, abs=5e-4)
    assert upper[2] == pytest.approx(0.734, abs=5e-4)
    assert curve.median() == (12, 4, None)


@pytest.mark.parametrize("patients", [2, 6, 10, 14, 98])
def test_a_curve_at_exactly_one_half_has_its_median_there(patients: int) -> None:
    weeks = np.arange(1.0, patients + 1)
    assert survival_curve(weeks, np.ones(patients, bool)).median()[0] == patients / 2


@pytest.mark.parametrize(("weeks", "happened"), [([], []), ([4.0, 8.0], [False, False])])
def test_where_nothing_happened_there_is_no_median(weeks: list[float], happened: list[bool]) -> None:
    assert survival_curve(np.array(weeks), np.array(happened, bool)).median() == (None, None, None)


def test_where_it_happened_to_all_at_once_there_is_a_median_without_an_interval() -> None:
    assert survival_curve(np.array([4.0, 4.0]), np.array([True, True])).median() == (4, None, None)


# Remission in weeks of 42 children with acute leukaemia (Freireich 1963, Blood 21: 699-716), 21 of them on
# 6-mercaptopurine and 21 on placebo, the example of many textbooks. The weeks and the log-log limits were written down
# as they are commonly printed, without a page in hand; tests/law compares the limits with those of SciPy.
MERCAPTOPURINE = (
    np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35], float),
    np.arange(21) < 9,
)
PLACEBO = (
    np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], float),
    np.ones(21, bool),
)


def test_the_remissions_of_1963_have_their_well_known_curve() -> None:
    curve = survival_curve(*MERCAPTOPURINE)
    assert curve.weeks.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.events.tolist() == [3, 1, 1, 1, 1, 1, 1]
    assert curve.share.round(4).tolist() == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    lower, upper = curve.band()
    assert lower.round(4).tolist() == [0.6197, 0.5631, 0.5032, 0.4316, 0.3675, 0.2678, 0.1881]
    assert upper.round(4).tolist() == [0.9516, 0.9228, 0.8894, 0.8491, 0.8049, 0.7468, 0.6801]


@pytest.mark.parametrize(("arm", "median"), [(MERCAPTOPURINE, (23, 13, None)), (PLACEBO, (8, 4, 11))])
def test_the_remissions_of_1963_have_their_well_known_medians(arm: Any, median: Any) -> None:
    assert survival_curve(*arm).median() == median


# --- times by arm -------------------------------------------------------------------------------------------------

SIX = {0: "0200", 1: "2222", 2: "0000", 3: "??2?", 4: "00??", 5: "????"}


@pytest.mark.parametrize(
    ("event", "patient", "weeks", "happened"),
    [
        (Event.FIRST, [0, 1, 2, 3, 4], [8, 4, 16, 12, 8], [True, True, False, True, False]),
        (Event.CONFIRMED, [0, 1, 2, 3, 4], [16, 8, 16, 12, 8], [False, True, False, False, False]),
        (Event.LOST, [0, 1, 3], [12 - 8, 16 - 4, 12 - 12], [True, False, False]),
        (Event.FLARE, [1], [16 - 8], [False]),
    ],
)
def test_what_did_not_happen_is_censored_at_the_last_visit_that_could_be_told(
    event: Event, patient: list[int], weeks: list[float], happened: list[bool]
) -> None:
    times = event_times(columns(SIX), MODERATE, event)
    assert (times.patient.tolist(), times.weeks.tolist(), times.happened.tolist()) == (
        patient,
        weeks,
        happened,
    )


def test_a_patient_without_a_baseline_week_has_no_time_to_response_and_has_a_duration() -> None:
    found = columns({0: "0220", 1: "0220"}, {1: NAN})
    assert event_times(found, MODERATE, Event.FIRST).patient.tolist() == [0]
    assert event_times(found, MODERATE, Event.LOST).patient.tolist() == [0, 1]


def test_a_level_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(
        WrongUsage, match=r"No course of 'worse'\. There is: at least minimal, at least moderate, major\."
    ):
        event_times(columns(SIX), WORSE, Event.FIRST)


def test_a_summary_counts_each_arm_and_those_whose_arm_is_not_known() -> None:
    arm = np.array([0, 1, 0, 0, -1, 1])
    found = summarise_times(columns(SIX), MODERATE, Event.FIRST, arm, ("A", "B", "C"))
    assert [(one.arm, one.patients, one.left_out, one.reached) for one in found] == [
        ("A", 3, 0, 2),
        ("B", 1, 1, 1),
        ("C", 0, 0, 0),
        (None, 1, 0, 0),
    ]
    assert [one.median_weeks for one in found] == [12, 4, None, None]


def test_without_arms_all_patients_are_summarised_together() -> None:
    (one,) = summarise_times(columns(SIX), MODERATE, Event.FIRST)
    # The curve is 4/5 at week 4, 4/5 * 3/4 at week 8, 4/5 * 3/4 * 1/2 at week 12, with one of five censored at week 8.
    assert (one.arm, one.patients, one.left_out, one.reached, one.median_weeks) == (None, 5, 1, 3, 12)


def test_with_every_arm_known_nobody_is_summarised_apart() -> None:
    found = summarise_times(columns(SIX), MODERATE, Event.FIRST, np.zeros(6, np.int64), ("A",))
    assert [one.arm for one in found] == ["A"]


@pytest.mark.parametrize("arm", [[0, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, -2]])
def test_arms_that_do_not_fit_the_patients_are_refused(arm: list[int]) -> None:
    with pytest.raises(WrongUsage, match="each of the 6 patients a code of one of 1 arms"):
        summarise_times(columns(SIX), MODERATE, Event.FIRST, np.array(arm), ("A",))


def test_a_summary_prints_as_one_sentence() -> None:
    courses = {place: "0" * place + "2" for place in range(12)}
    arm = np.array([0] * 8 + [1] + [2] * 3)
    found = summarise_times(columns(courses), MODERATE, Event.FIRST, arm, ("A", "B", "C"))
    # Eight events at weeks 4 to 32: the upper limit is 0.25 ** 0.421 = 0.56 at week 24 and 0.125 ** 0.414 = 0.42 at 28.
    assert str(found[0]) == (
        "A, at least moderate, first reached: 8 of 8 (0 more without a time); median 16 weeks "
        "(95% interval 4 to 28), at visits."
    )
    assert str(found[1]).endswith(
        "1 of 1 (0 more without a time); median 36 weeks (95% interval not estimable), at visits."
    )
    (nobody,) = summarise_times(columns({0: "00", 1: "??"}), MAJOR, Event.FIRST)
    assert str(nobody) == (
        "major, first reached: 0 of 1 (1 more without a time); median not reached (95% interval not estimable), "
        "at visits."
    )
