"""Where everything of a patient's course goes: score by week, points of each measure, notes, before any ink.

The upper half keeps time to scale; the lower half needs room for numbers, so its columns are moved apart where visits
are close, each tied to its week by a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from myopoise.outcomes.pictures import Course, CourseVisit
from myopoise.report.category_ink import MARGIN, SIZE, SMALL, WIDTH, bold_width, plain_number, spread, wrapped
from myopoise.report.svg import text_width

__all__ = [
    "LEFT",
    "LINE",
    "NARROWEST",
    "RIGHT",
    "ROW",
    "TIES",
    "BandMark",
    "CellMark",
    "CourseMarks",
    "RowMark",
    "VisitMark",
    "course_marks",
]

LEFT, RIGHT = 240.0, 134.0
PLOT, LANE, EMPTY = 230.0, 44.0, 40.0
TIES, ROW, LINE = 40.0, 27.0, 16.0
NARROWEST = 62.0
CROSS = "×"


@dataclass(frozen=True)
class BandMark:
    """One category behind the course: its lower and upper edge, and its name."""

    word: str
    top: float
    bottom: float
    label: float


@dataclass(frozen=True)
class VisitMark:
    """One visit.

    Parameters
    ----------
    x
        The week to scale.
    column
        Middle of its column below.
    week
        In words.
    y
        Place of the score, or of the lane of its category; None where it has neither.
    low, high
        Places of the bounds, and only where there are bounds.
    word
        The category, which decides the filling of the marker; empty without one.
    told
        What a pointer shows.
    """

    x: float
    column: float
    week: str
    y: float | None
    low: float | None
    high: float | None
    word: str
    told: str


@dataclass(frozen=True)
class RowMark:
    """What stands before a row of numbers: its name in one line or two, and what the numbers are out of."""

    name: tuple[str, ...]
    out_of: str
    y: float


@dataclass(frozen=True)
class CellMark:
    """One number below the course.

    Parameters
    ----------
    x, y
        Middle of the cell.
    share
        How far it is filled, 0 to 1; None where there is nothing to fill.
    boxed
        Whether it has a box: points do, totals and categories do not.
    words
        What it says.
    """

    x: float
    y: float
    share: float | None
    boxed: bool
    words: str


@dataclass(frozen=True)
class CourseMarks:
    """Everything of the course but the ink.

    Parameters
    ----------
    width, plot
        Of the drawing, and height of its upper half.
    axis
        Each number of the score axis, its place, and the place of its words.
    bands
        Categories behind the course.
    visits
        By week.
    joins
        Places in `visits` of neighbours that a line joins; a visit that was not scored breaks it.
    rows
        Names of the rows below.
    cells
        The numbers below.
    notes
        Lines under it all.
    height
        Down to the end of the rows.
    """

    width: float
    plot: float
    axis: tuple[tuple[str, float, float], ...]
    bands: tuple[BandMark, ...]
    visits: tuple[VisitMark, ...]
    joins: tuple[tuple[int, int], ...]
    rows: tuple[RowMark, ...]
    cells: tuple[CellMark, ...]
    notes: tuple[str, ...]
    height: float


def course_marks(picture: Course, labels: Mapping[str, str]) -> CourseMarks:
    """Where every point, cell and word of a course goes.

    Parameters
    ----------
    picture
        The visits of one patient.
    labels
        What a measure is called; one without a label is called as its column is.
    """
    column = max([NARROWEST, *(bold_width(word, SMALL) + 6 for word in picture.ladder)])
    width = max(WIDTH, LEFT + RIGHT + column * len(picture.visits))
    plot = PLOT if picture.scored else LANE * len(picture.ladder) or EMPTY
    weeks = [visit.week for visit in picture.visits]
    first, last = min(0.0, *weeks), max(weeks)
    left, right = LEFT + column / 2, width - RIGHT - column / 2
    places = [left + (right - left) * (week - first) / ((last - first) or 1.0) for week in weeks]
    columns = spread(places, column, left, right)
    visits = tuple(
        _visit_mark(picture, visit, place, middle, plot)
        for visit, place, middle in zip(picture.visits, places, columns, strict=True)
    )
    joins = tuple(
        (one, other)
        for one, other in pairwise(range(len(visits)))
        if visits[one].y is not None and visits[other].y is not None
    )
    rows, cells, foot = _table(picture, labels, columns, plot + TIES + ROW)
    return CourseMarks(
        width=width,
        plot=plot,
        axis=_axis(picture, plot),
        bands=_bands(picture, plot),
        visits=visits,
        joins=joins,
        rows=rows,
        cells=cells,
        notes=_notes(picture, width - 2 * MARGIN),
        height=foot,
    )


def _down(picture: Course, score: float, plot: float) -> float:
    return plot * (picture.highest - score) / (picture.highest - picture.lowest)


def _lane(picture: Course, word: str, plot: float) -> float:
    lanes = len(picture.ladder)
    return plot * (lanes - picture.ladder.index(word) - 0.5) / lanes


def _visit_mark(picture: Course, visit: CourseVisit, x: float, column: float, plot: float) -> VisitMark:
    y = low = high = None
    if visit.score is not None:
        y = _down(picture, visit.score, plot)
    elif visit.low is not None and visit.high is not None:
        low, high = _down(picture, visit.low, plot), _down(picture, visit.high, plot)
    elif not picture.scored and visit.category:
        y = _lane(picture, visit.category, plot)
    elif not picture.scored and visit.computable:
        low, high = plot - 6, 6.0
    week = plain_number(visit.week)
    return VisitMark(x, column, week, y, low, high, visit.category or "", f"week {week}: {_standing(visit)}")


def _standing(visit: CourseVisit) -> str:
    """Score and category of a visit, or that there is none."""
    if not visit.computable:
        return f"not computable{_because(visit)}"
    category = visit.category or "open"
    if visit.low is not None and visit.high is not None:
        return f"{plain_number(visit.low)} to {plain_number(visit.high)}, {category}{_because(visit)}"
    score = "" if visit.score is None else f"{plain_number(visit.score)}, "
    return f"{score}{category}{_because(visit)}"


def _because(visit: CourseVisit) -> str:
    return f" ({visit.reason})" if visit.reason else ""


def _bands(picture: Course, plot: float) -> tuple[BandMark, ...]:
    if not picture.scored:
        half = plot / len(picture.ladder) / 2 if picture.ladder else 0.0
        lanes = [(word, _lane(picture, word, plot)) for word in picture.ladder]
        return tuple(BandMark(word, y - half, y + half, y) for word, y in lanes)
    below = picture.ladder[0] if picture.ladder else ""
    floors = [(below, picture.lowest), *picture.cuts]
    ceilings = [*(cut for _, cut in picture.cuts), picture.highest]
    edges = [
        (word, _down(picture, ceiling, plot), _down(picture, floor, plot))
        for (word, floor), ceiling in zip(floors, ceilings, strict=True)
        if ceiling > floor
    ]
    middles = [(top + bottom) / 2 for _, top, bottom in edges]
    labels = reversed(spread(middles[::-1], LINE, 6, plot - 6))
    return tuple(BandMark(*edge, label) for edge, label in zip(edges, labels, strict=True))


def _axis(picture: Course, plot: float) -> tuple[tuple[str, float, float], ...]:
    """The ends of the scale and the cuts: the numbers that a score is read against."""
    if not picture.scored:
        return ()
    values = sorted({picture.lowest, *(cut for _, cut in picture.cuts), picture.highest}, reverse=True)
    places = [_down(picture, value, plot) for value in values]
    words = spread(places, 13, 0, plot)
    return tuple(
        (plain_number(value), place, label) for value, place, label in zip(values, places, words, strict=True)
    )


def _table(
    picture: Course, labels: Mapping[str, str], columns: tuple[float, ...], y: float
) -> tuple[tuple[RowMark, ...], tuple[CellMark, ...], float]:
    rows: list[RowMark] = []
    cells: list[CellMark] = []
    for place, (measure, most) in enumerate(picture.maxima):
        name = _measure(measure, labels, picture.enzyme)
        rows.append(RowMark(name, f"of {plain_number(most)}", y + ROW / 2))
        for x, visit in zip(columns, picture.visits, strict=True):
            points = visit.points[place]
            share = None if points is None else min(1.0, points / most) if most else 0.0
            words = "–" if points is None else plain_number(points)
            cells.append(CellMark(x, y + ROW / 2, share, True, words))
        y += ROW
    if picture.scored:
        rows.append(RowMark(("Score",), "", y + ROW / 2))
        cells += [
            CellMark(x, y + ROW / 2, None, False, _score(visit))
            for x, visit in zip(columns, picture.visits, strict=True)
        ]
        y += ROW
    rows.append(RowMark(("Category",), "", y + ROW / 2))
    cells += [
        CellMark(x, y + ROW / 2, None, False, visit.category or ("open" if visit.computable else CROSS))
        for x, visit in zip(columns, picture.visits, strict=True)
    ]
    return tuple(rows), tuple(cells), y + ROW


def _measure(name: str, labels: Mapping[str, str], enzyme: str) -> tuple[str, ...]:
    words = labels.get(name, name.replace("_", " "))
    words = words[:1].upper() + words[1:]
    if name == "enzyme" and enzyme:
        words += f" ({', '.join(part.upper() if len(part) <= 3 else part for part in enzyme.split(', '))})"
    room = LEFT - MARGIN - 54
    return (words,) if text_width(words, SIZE) <= room else wrapped(words, room, SMALL, most=2)


def _score(visit: CourseVisit) -> str:
    if visit.low is not None and visit.high is not None:
        return f"{plain_number(visit.low)}–{plain_number(visit.high)}"
    return CROSS if visit.score is None else plain_number(visit.score)


def _notes(picture: Course, width: float) -> tuple[str, ...]:
    """Reasons under the course, visits of the same reason together."""
    told: dict[str, list[str]] = {}
    for visit in picture.visits:
        if words := _noted(visit):
            told.setdefault(words, []).append(plain_number(visit.week))
    lines = [f"{'Week' if len(at) == 1 else 'Weeks'} {', '.join(at)} {words}" for words, at in told.items()]
    return tuple(part for line in lines for part in wrapped(line, width, SMALL, most=6))


def _noted(visit: CourseVisit) -> str:
    if not visit.computable:
        return f"{CROSS} not computable: {visit.reason or 'no reason given'}"
    because = f": {visit.reason}" if visit.reason else ""
    if visit.low is not None:
        return f"bounded, drawn from the lowest to the highest possible score{because}"
    if visit.category is None:
        return f"open, more than one category is possible{because}"
    return f"({visit.reason})" if visit.reason else ""
