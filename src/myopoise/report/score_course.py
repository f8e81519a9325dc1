"""One patient's course: the score on its categories by week, and below it the points that each measure earned.

A marker is filled as its category is; a bounded score is a box from its lowest to its highest value; a visit that could
not be scored has a cross, and its reason stands below.
"""

from __future__ import annotations

from collections.abc import Mapping

from myopoise.outcomes.pictures import BOUNDS_DISAGREE, Course
from myopoise.report import svg
from myopoise.report.category_ink import MARGIN, SIZE, SMALL, filling, heading, sheet
from myopoise.report.score_course_marks import (
    LEFT,
    LINE,
    NARROWEST,
    RIGHT,
    ROW,
    TIES,
    BandMark,
    CellMark,
    CourseMarks,
    RowMark,
    VisitMark,
    course_marks,
)

__all__ = ["course_figure"]

FULL = "#9fd3f2"
"""Filling of a cell, light enough for numbers on it: Okabe and Ito's sky blue, half as strong."""


def course_figure(picture: Course, title: str, labels: Mapping[str, str]) -> str:
    """The course as an SVG file.

    Parameters
    ----------
    picture
        The visits of one patient.
    title
        What was scored, by which definition.
    labels
        What a measure is called; one without a label is called as its column is.
    """
    marks = course_marks(picture, labels)
    what = "score and the points of each measure" if picture.maxima else "category"
    parts, top = heading(f"{title}: patient {picture.patient}", f"By week: {what}", marks.width)
    top += 10
    parts.append(_plot_ink(marks, top))
    parts.append(_table_ink(marks, top))
    y = top + marks.height + 10
    for words in marks.notes:
        y += LINE
        parts.append(svg.text(MARGIN, y, words, font_size=SMALL, fill=svg.INK))
    described = "; ".join(visit.told for visit in marks.visits) + "."
    name = f"{title}: course of patient {picture.patient}"
    return sheet("course", y + 16, name, described, parts, marks.width)


def _plot_ink(marks: CourseMarks, top: float) -> str:
    right = marks.width - RIGHT
    parts = []
    for place, band in enumerate(marks.bands):
        shade = "#fff" if place % 2 else "#eef1f4"
        parts.append(svg.rectangle(LEFT, top + band.top, right - LEFT, band.bottom - band.top, fill=shade))
        if band.word:
            parts.append(_swatch_ink(band, right, top))
    quiet: dict[str, str | float] = {"font_size": SMALL, "fill": svg.QUIET}
    for words, y, label in marks.axis:
        parts.append(svg.line(LEFT, top + y, right, top + y, stroke=svg.FAINT))
        parts.append(svg.text(LEFT - 8, top + label + 4, words, text_anchor="end", **quiet))
    if marks.axis:
        parts.append(svg.text(MARGIN, top + 4, "Score", font_size=SIZE, font_weight="600", fill=svg.INK))
    parts.append(svg.line(LEFT, top + marks.plot, right, top + marks.plot, stroke=svg.INK))
    for one, other in ((marks.visits[a], marks.visits[b]) for a, b in marks.joins):
        if one.y is not None and other.y is not None:
            parts.append(
                svg.line(one.x, top + one.y, other.x, top + other.y, stroke=svg.INK, stroke_width=1.6)
            )
    parts += [_visit_ink(visit, top, marks.plot) for visit in marks.visits]
    return svg.group(parts)


def _swatch_ink(band: BandMark, right: float, top: float) -> str:
    y = top + band.label
    box = svg.rectangle(right + 10, y - 6, 15, 12, fill=filling(band.word), stroke=svg.INK, stroke_width=0.8)
    return box + svg.text(right + 31, y + 4.5, band.word, font_size=SIZE, fill=svg.INK)


def _visit_ink(visit: VisitMark, top: float, plot: float) -> str:
    fill = filling(visit.word or BOUNDS_DISAGREE)
    style: dict[str, str | float] = {"stroke": svg.INK, "stroke_width": 1.4}
    if visit.y is not None:
        marker = svg.circle(visit.x, top + visit.y, 6.5, fill=fill, **style)
    elif visit.low is not None and visit.high is not None:
        height = max(2.0, visit.low - visit.high)
        marker = svg.rectangle(
            visit.x - 5, top + visit.high, 10, height, fill=fill, stroke_dasharray="3 2", **style
        )
    else:
        x, y = visit.x, top + plot - 11
        steps = f"M{x - 5:.2f} {y - 5:.2f}L{x + 5:.2f} {y + 5:.2f}M{x - 5:.2f} {y + 5:.2f}L{x + 5:.2f} {y - 5:.2f}"
        marker = svg.path(steps, stroke=svg.ORANGE, stroke_width=2.4, fill="none")
    foot = top + plot
    tie = (
        f"M{visit.x:.2f} {foot:.2f}V{foot + 6:.2f}L{visit.column:.2f} {foot + TIES - 8:.2f}V{foot + TIES:.2f}"
    )
    return svg.group([svg.path(tie, stroke="#9aa5b1", stroke_width=1.0, fill="none"), marker], visit.told)


def _table_ink(marks: CourseMarks, top: float) -> str:
    bold: dict[str, str | float] = {"font_size": SIZE, "font_weight": "600", "fill": svg.INK}
    head = top + marks.plot + TIES + 16
    parts = [svg.text(MARGIN, head, "Week", **bold)]
    parts += [
        svg.text(visit.column, head, visit.week, text_anchor="middle", **bold) for visit in marks.visits
    ]
    parts += [_row_ink(row, top) for row in marks.rows]
    parts += [_cell_ink(cell, top) for cell in marks.cells]
    return svg.group(parts)


def _row_ink(row: RowMark, top: float) -> str:
    y = top + row.y + 4.5
    if not row.out_of:
        return svg.text(MARGIN, y, row.name[0], font_size=SIZE, font_weight="600", fill=svg.INK)
    quiet: dict[str, str | float] = {"text_anchor": "end", "font_size": SMALL, "fill": svg.QUIET}
    parts = [svg.text(LEFT - 8, y, row.out_of, **quiet)]
    if len(row.name) == 1:
        parts.append(svg.text(MARGIN, y, row.name[0], font_size=SIZE, fill=svg.INK))
    else:
        parts += [
            svg.text(MARGIN, y - 6.5 + 12.5 * place, words, font_size=SMALL, fill=svg.INK)
            for place, words in enumerate(row.name)
        ]
    return svg.group(parts)


def _cell_ink(cell: CellMark, top: float) -> str:
    y = top + cell.y
    words: dict[str, str | float] = {"text_anchor": "middle", "font_size": SMALL, "fill": svg.INK}
    if not cell.boxed:
        return svg.text(cell.x, y + 4.5, cell.words, font_weight="600", **words)
    wide, high = NARROWEST - 8, ROW - 5
    left, upper = cell.x - wide / 2, y - high / 2
    fill = "url(#dots)" if cell.share is None else "#fff"
    parts = [svg.rectangle(left, upper, wide, high, fill=fill, stroke="#9aa5b1")]
    if cell.share:
        parts.append(svg.rectangle(left, upper + high * (1 - cell.share), wide, high * cell.share, fill=FULL))
    halo: dict[str, str | float] = {"paint_order": "stroke", "stroke": "#fff", "stroke_width": 3}
    parts.append(svg.text(cell.x, y + 4, cell.words, **halo, **words))
    return svg.group(parts)
