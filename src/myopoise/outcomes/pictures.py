"""What the pictures of scored visits show: the waterfall of one week, categories by arm and week, one patient's course.

Each picture is a value computed here and drawn in `report`. All three read the same rows, one a patient and visit, and
only ever those of one definition of response: two definitions have different cuts, and one axis would mix them.

A *bounded* score is one of which only the lowest and highest possible value are known, because a measure is missing.
Where the two ends fall into different categories the row has none, and is counted as `BOUNDS_DISAGREE`.

The file is long because half of it says what the fields of the three values mean; all three read a row in one way.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myopoise.errors import WrongUsage
from myopoise.outcomes.reasons import BOUNDED, NOT_COMPUTABLE

__all__ = [
    "BOUNDS_DISAGREE",
    "LADDERS",
    "MOST_BARS",
    "Bar",
    "CategoryBars",
    "Course",
    "CourseVisit",
    "Slice",
    "VisitBar",
    "Waterfall",
    "WaterfallPanel",
    "category_bars",
    "course",
    "waterfall",
]

BOUNDS_DISAGREE = "bounds disagree"
"""Under which word a bounded row is counted that fits more than one category."""

LADDERS: tuple[tuple[str, ...], ...] = (
    ("none", "minimal", "moderate", "major"),
    ("not improved", "improved"),
    ("active", "inactive"),
    ("worse", "not worse"),
)
"""The categories of each kind of definition, from the worst to the best."""

MOST_BARS = 2000
"""Patients in one panel of a waterfall beyond which bars would be thinner than ink."""

QUANTILES = 500
"""Bars of a panel that holds more than `MOST_BARS` patients."""

FULL_SCALE = 100.0
"""Where the axis of a total improvement score ends."""


@dataclass(frozen=True)
class Bar:
    """One patient of a waterfall, without a name: the range of the score, a single value unless bounded.

    Parameters
    ----------
    low, high
        Lowest and highest possible score, points; equal where the score is known.
    category
        None where the bounds disagree.
    """

    low: float
    high: float
    category: str | None


@dataclass(frozen=True)
class WaterfallPanel:
    """One arm at the week of the waterfall.

    Parameters
    ----------
    arm
        None where the arm is not given or not asked for.
    scored, bounded
        Patients with a score, and patients with bounds only.
    bars, ranges
        The two, each sorted from the best to the worst. Where together they are more than `MOST_BARS` they are thinned
        to `QUANTILES`: every so many-th patient of the sorted row, the first and the last among them.
    not_computable
        Patients seen at that week whose score is not computable.
    not_seen
        Patients of the arm without a row at that week.
    """

    arm: str | None
    scored: int
    bounded: int
    bars: tuple[Bar, ...]
    ranges: tuple[Bar, ...]
    not_computable: int
    not_seen: int


@dataclass(frozen=True)
class Waterfall:
    """Scores of all patients at one week.

    Parameters
    ----------
    week
        Weeks since the start.
    cuts
        Category and the lowest score that earns it, ascending.
    ladder
        Categories from the worst to the best.
    lowest, highest
        Ends of the axis, points.
    panels
        One an arm.
    """

    week: float
    cuts: tuple[tuple[str, float], ...]
    ladder: tuple[str, ...]
    lowest: float
    highest: float
    panels: tuple[WaterfallPanel, ...]


@dataclass(frozen=True)
class Slice:
    """Patients of one category: how many, and in per cent of the patients seen."""

    word: str
    count: int
    percent: float


@dataclass(frozen=True)
class VisitBar:
    """One arm at one week.

    Parameters
    ----------
    arm
        None where the arm is not given or not asked for.
    week
        Weeks since the start.
    seen
        Patients with a row at that week; the counts of the slices add up to it.
    slices
        One for each word of the picture, in its order.
    """

    arm: str | None
    week: float
    seen: int
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class CategoryBars:
    """Counts of categories by arm and week.

    Parameters
    ----------
    words
        Categories from the worst to the best, then what is open, then what is not computable.
    weeks
        Every week with a row, ascending.
    arms
        Each arm with the number of its patients at any week.
    bars
        By arm, then by week; an arm that was not seen at a week has no bar there.
    """

    words: tuple[str, ...]
    weeks: tuple[float, ...]
    arms: tuple[tuple[str | None, int], ...]
    bars: tuple[VisitBar, ...]


@dataclass(frozen=True)
class CourseVisit:
    """One visit of one patient.

    Parameters
    ----------
    week
        Weeks since the start.
    score
        Points; None where bounded, not computable, or where the definition has no score.
    low, high
        Bounds, points; None unless bounded.
    category
        None where not computable or open.
    computable
        Whether the definition could be applied, if only to bounds.
    reason
        Why it could not, why there are only bounds, or what else is to be said of it.
    points
        Earned by each measure, in the order of the maxima; None where not known.
    """

    week: float
    score: float | None
    low: float | None
    high: float | None
    category: str | None
    computable: bool
    reason: str
    points: tuple[float | None, ...]


@dataclass(frozen=True)
class Course:
    """One patient, visit by visit.

    Parameters
    ----------
    patient
        As the rows have it.
    enzyme
        The enzyme that was followed; several are joined by commas, none is empty.
    cuts
        Category and the lowest score that earns it, ascending; empty without a score.
    ladder
        Categories from the worst to the best.
    maxima
        Each measure and the most points it can earn; empty where no points were given at any visit.
    lowest, highest
        Ends of the axis, points.
    scored
        Whether any visit has a score or bounds.
    visits
        By week.
    """

    patient: str
    enzyme: str
    cuts: tuple[tuple[str, float], ...]
    ladder: tuple[str, ...]
    maxima: tuple[tuple[str, float], ...]
    lowest: float
    highest: float
    scored: bool
    visits: tuple[CourseVisit, ...]


Columns = Mapping[str, Sequence[Any]]


def waterfall(
    columns: Columns, *, cuts: Sequence[tuple[str, float]], arm: str | None, week: float | None
) -> Waterfall | None:
    """Every patient's score at one week, best to worst; None where the definition gives no score.

    Parameters
    ----------
    columns
        Rows of scores, one a patient and visit.
    cuts
        Category and the lowest score that earns it; empty for a rule.
    arm
        Name of the column with the arm; None for one panel.
    week
        Weeks since the start; None for the last week with a score.

    Notes
    -----
    A rule has no cuts, and then no waterfall: what stands as its score is a count of the measures that meet it.
    Bounded scores stand by themselves, sorted by the lower end, which is certain: among the others they would need a
    place that nobody knows. Bars hold nothing of the patient but the score, so the order of the rows leaves no trace.
    """
    _one_definition(columns)
    if not cuts:
        return None
    ranges = list(_ranges(columns))
    weeks = {_week(at) for at, found in zip(columns["week"], ranges, strict=True) if found}
    if not weeks:
        return None
    chosen = max(weeks) if week is None else float(week)
    if chosen not in weeks:
        known = ", ".join(f"{at:g}" for at in sorted(weeks))
        raise WrongUsage(f"No patient has a score at week {chosen:g}. Weeks with a score: {known}.")
    panels = _panels(columns, ranges, arm, chosen)
    ends = [end for panel in panels for bar in (*panel.bars, *panel.ranges) for end in (bar.low, bar.high)]
    lowest, highest = _axis(cuts, ends)
    return Waterfall(chosen, _thresholds(cuts, lowest), _ladder(columns, cuts), lowest, highest, panels)


def category_bars(columns: Columns, *, arm: str | None) -> CategoryBars:
    """How many patients of each arm were in which category at each week.

    Parameters
    ----------
    columns
        Rows of scores, one a patient and visit.
    arm
        Name of the column with the arm; None for all patients together.

    Notes
    -----
    Per cent are of the patients seen at that week, those not computable included: leaving them out would let an arm
    improve by losing its measurements. Patients not seen are not in it, which is why the size of the arm stands beside.
    """
    _one_definition(columns)
    words = _words(columns)
    counts: defaultdict[tuple[str | None, float], Counter[str]] = defaultdict(Counter)
    patients: defaultdict[str | None, set[Any]] = defaultdict(set)
    for group, patient, at, word in zip(
        _arms(columns, arm), columns["patient"], columns["week"], _standing(columns), strict=True
    ):
        patients[group].add(patient)
        counts[group, _week(at)][word] += 1
    arms = sorted(patients, key=_named_first)
    weeks = sorted({at for _, at in counts})
    bars = [
        _visit_bar(group, at, counts[group, at], words)
        for group in arms
        for at in weeks
        if (group, at) in counts
    ]
    return CategoryBars(
        words, tuple(weeks), tuple((group, len(patients[group])) for group in arms), tuple(bars)
    )


def course(
    columns: Columns, *, cuts: Sequence[tuple[str, float]], maxima: Mapping[str, float], patient: str | None
) -> Course:
    """One patient's score and category at every visit, with the points each measure earned.

    Parameters
    ----------
    columns
        Rows of scores, one a patient and visit.
    cuts
        Category and the lowest score that earns it; empty for a rule.
    maxima
        Each measure and the most points it can earn; the points of `strength` stand in the column `strength_points`.
    patient
        As the rows have it; None for the first.
    """
    _one_definition(columns)
    if patient is None:
        patient = str(columns["patient"][0])
    rows = [place for place, name in enumerate(columns["patient"]) if str(name) == patient]
    if not rows:
        raise WrongUsage(f"No row is of patient '{patient}'. Name a patient as the column patient has it.")
    rows.sort(key=lambda place: _week(columns["week"][place]))
    visits = tuple(_visit(columns, place, tuple(maxima), scored=bool(cuts)) for place in rows)
    ends = [end for v in visits for end in (v.score, v.low, v.high) if end is not None]
    lowest, highest = _axis(cuts, ends)
    enzymes = dict.fromkeys(str(columns["enzyme"][place]) for place in rows if columns["enzyme"][place])
    earned = any(points is not None for visit in visits for points in visit.points)
    return Course(
        patient=patient,
        enzyme=", ".join(enzymes),
        cuts=_thresholds(cuts, lowest) if ends else (),
        ladder=_ladder(columns, cuts),
        maxima=tuple((name, float(most)) for name, most in maxima.items()) if earned else (),
        lowest=lowest,
        highest=highest,
        scored=bool(ends),
        visits=visits,
    )


def _one_definition(columns: Columns) -> None:
    found = sorted({str(name) for name in columns["definition"]})
    if len(found) > 1:
        raise WrongUsage(
            f"A picture shows one definition of response, and these rows hold {len(found)}: {', '.join(found)}. "
            "Draw each by itself."
        )
    if not found:
        raise WrongUsage("There is nothing to draw: no row of scores.")


def _value(cell: Any) -> float | None:
    return None if cell is None or math.isnan(cell) else float(cell)


def _week(cell: Any) -> float:
    return float(cell) + 0.0  # minus zero is week zero


def _ranges(columns: Columns) -> Iterator[tuple[float, float] | None]:
    """Lowest and highest possible score of each row; None where there is neither score nor bounds."""
    for status, score, low, high in zip(
        columns["status"], columns["score"], columns["score_low"], columns["score_high"], strict=True
    ):
        at = _value(score)
        if status == BOUNDED:
            ends = _value(low), _value(high)
            yield None if ends[0] is None or ends[1] is None else (ends[0], ends[1])
        else:
            yield None if at is None or status == NOT_COMPUTABLE else (at, at)


def _arms(columns: Columns, arm: str | None) -> list[str | None]:
    if arm is not None and arm not in columns:
        raise WrongUsage(f"There is no column '{arm}' to take the arms from. Columns: {', '.join(columns)}.")
    cells = columns[arm] if arm is not None else [None] * len(columns["patient"])
    return [None if cell is None or cell == "" else str(cell) for cell in cells]


def _named_first(arm: str | None) -> tuple[bool, list[str | int]]:
    """Order of the arms: no arm last, and 5 mg before 10 mg."""
    parts = re.split(r"(\d+)", arm or "")
    return arm is None, [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _thresholds(cuts: Iterable[tuple[str, float]], lowest: float) -> tuple[tuple[str, float], ...]:
    """Cuts in ascending order; one at the end of the axis divides nothing."""
    found = ((word, float(cut)) for word, cut in cuts if cut > lowest)
    return tuple(sorted(found, key=lambda pair: pair[1]))


def _axis(cuts: Iterable[tuple[str, float]], scores: Sequence[float]) -> tuple[float, float]:
    found = [*(float(cut) for _, cut in cuts), *scores]
    return min([0.0, *found]), max([FULL_SCALE, *found])


def _panels(
    columns: Columns, ranges: Sequence[tuple[float, float] | None], arm: str | None, week: float
) -> tuple[WaterfallPanel, ...]:
    patients: defaultdict[str | None, set[Any]] = defaultdict(set)
    seen: defaultdict[str | None, set[Any]] = defaultdict(set)
    bars: defaultdict[str | None, list[Bar]] = defaultdict(list)
    groups, named = _arms(columns, arm), columns["patient"]
    rows = zip(groups, named, columns["week"], ranges, columns["category"], strict=True)
    for group, patient, at, found, category in rows:
        patients[group].add(patient)
        if _week(at) == week:
            seen[group].add(patient)
            if found:
                bars[group].append(Bar(*found, category or None))
    return tuple(
        _panel(group, bars[group], len(seen[group]), len(patients[group]))
        for group in sorted(patients, key=_named_first)
    )


def _panel(arm: str | None, bars: list[Bar], seen: int, patients: int) -> WaterfallPanel:
    ordered = sorted(bars, key=lambda bar: (-bar.low, -bar.high, bar.category or ""))
    exact = [bar for bar in ordered if bar.low == bar.high]
    ranges = [bar for bar in ordered if bar.low != bar.high]
    most = len(bars) if len(bars) <= MOST_BARS else QUANTILES
    return WaterfallPanel(
        arm=arm,
        scored=len(exact),
        bounded=len(ranges),
        bars=_thinned(exact, most / max(1, len(bars))),
        ranges=_thinned(ranges, most / max(1, len(bars))),
        not_computable=seen - len(bars),
        not_seen=patients - seen,
    )


def _thinned(ordered: Sequence[Bar], share: float) -> tuple[Bar, ...]:
    kept = math.ceil(share * len(ordered))
    if kept == len(ordered):
        return tuple(ordered)
    if kept == 1:
        return (ordered[len(ordered) // 2],)
    return tuple(ordered[round(rank * (len(ordered) - 1) / (kept - 1))] for rank in range(kept))


def _ladder(columns: Columns, cuts: Iterable[tuple[str, float]] = ()) -> tuple[str, ...]:
    found = {word for word in columns["category"] if word} | {word for word, _ in cuts}
    for ladder in LADDERS:
        if found <= set(ladder):
            return ladder if found else ()
    known = "; ".join(", ".join(ladder) for ladder in LADDERS)
    raise WrongUsage(f"These categories do not belong together: {', '.join(sorted(found))}. Known: {known}.")


def _standing(columns: Columns) -> Iterator[str]:
    """The word under which a row is counted: its category, or why it has none."""
    for status, category in zip(columns["status"], columns["category"], strict=True):
        if status == NOT_COMPUTABLE:
            yield NOT_COMPUTABLE
        elif category:
            yield category
        else:
            yield BOUNDS_DISAGREE if status == BOUNDED else NOT_COMPUTABLE


def _words(columns: Columns) -> tuple[str, ...]:
    open_ones = (BOUNDS_DISAGREE,) if BOUNDS_DISAGREE in set(_standing(columns)) else ()
    return (*_ladder(columns), *open_ones, NOT_COMPUTABLE)


def _visit_bar(arm: str | None, week: float, counts: Counter[str], words: tuple[str, ...]) -> VisitBar:
    seen = counts.total()
    slices = tuple(Slice(word, counts[word], 100 * counts[word] / seen) for word in words)
    return VisitBar(arm, week, seen, slices)


def _visit(columns: Columns, place: int, measures: Sequence[str], *, scored: bool) -> CourseVisit:
    status = columns["status"][place]
    computable, bounded = status != NOT_COMPUTABLE, status == BOUNDED
    exact = scored and computable and not bounded
    ranged = scored and bounded
    return CourseVisit(
        week=_week(columns["week"][place]),
        score=_value(columns["score"][place]) if exact else None,
        low=_value(columns["score_low"][place]) if ranged else None,
        high=_value(columns["score_high"][place]) if ranged else None,
        category=(columns["category"][place] or None) if computable else None,
        computable=computable,
        reason=str(columns["reason"][place] or ""),
        points=tuple(_value(columns[f"{measure}_points"][place]) for measure in measures),
    )
