"""A plot of intervals with their numbers beside them: first where everything goes, then the ink.

A thick line is the credible or confidence interval, a thin one with end bars the prediction interval; an arrow means
that the interval runs on beyond the axis. The numbers stand beside it, so nothing is told by the picture alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from myopoise.report import svg
from myopoise.report.synthesis_axis import Axis, Span, axis, wrapped
from myopoise.report.synthesis_words import axis_ends

__all__ = ["WIDTH", "IntervalMark", "IntervalMarks", "IntervalRow", "interval_figure", "interval_marks"]

WIDTH = 920.0
LEFT, NAMES = 8.0, 30
"""Where names begin, and characters of a name in one line."""
AXIS = (256.0, 586.0)
TOP, ROW, HEADING = 60.0, 34.0, 30.0
SIZE, SMALL = 13.0, 11.5


@dataclass(frozen=True)
class IntervalRow:
    """One line as it is asked for.

    Parameters
    ----------
    name
        What it is.
    middle, low, high
        The interval, in the unit of the axis; NaN leaves only the words.
    new
        Ends of the prediction interval; None without one.
    words
        Text columns to the right.
    shape
        ``square``, ``circle``, ``diamond`` or ``hollow``.
    heading
        Whether the line is a heading, with no interval.
    """

    name: str
    middle: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    new: tuple[float, float] | None = None
    words: tuple[str, ...] = ()
    shape: str = "square"
    heading: bool = False


@dataclass(frozen=True)
class IntervalMark:
    """One line as it is drawn: name in lines, places on the axis, words."""

    name: tuple[str, ...]
    y: float
    middle: float | None
    span: Span | None
    new: Span | None
    words: tuple[str, ...]
    shape: str
    heading: bool
    told: str


@dataclass(frozen=True)
class IntervalMarks:
    """Everything of the picture but the ink.

    Parameters
    ----------
    rows
        The lines.
    axis
        Below them.
    zero
        Where no effect lies; None if it is not on the axis.
    sides
        What lies to the left and to the right of it.
    columns
        Headings of the text columns, the first above the names, the second above the axis.
    at
        Where each text column after the second ends.
    height
        Of the drawing without its axis.
    """

    rows: tuple[IntervalMark, ...]
    axis: Axis
    zero: float | None
    sides: tuple[str, str]
    columns: tuple[str, ...]
    at: tuple[float, ...]
    height: float


def interval_marks(
    rows: Sequence[IntervalRow], columns: tuple[str, ...], sides: tuple[str, str], *, ratios: bool
) -> IntervalMarks:
    """Where every name, interval and number goes.

    Parameters
    ----------
    rows
        The lines, top to bottom.
    columns
        Headings: of the names, of the axis, of each text column.
    sides
        What lies to the left and to the right of no effect.
    ratios
        Whether values are logarithms of ratios.
    """
    known = [row.new or (row.low, row.high) for row in rows if row.low == row.low and row.high == row.high]
    line = axis(*AXIS, axis_ends(known), ratios=ratios)
    count = max(1, len(columns) - 2)
    room = (WIDTH - LEFT - AXIS[1] - 12) / count
    marks, y = [], TOP
    for row in rows:
        height = HEADING if row.heading else ROW
        marks.append(_mark(row, line, y + height / 2))
        y += height
    zero = line.place(0.0)
    return IntervalMarks(
        tuple(marks),
        line,
        zero if AXIS[0] <= zero <= AXIS[1] else None,
        sides,
        columns,
        tuple(AXIS[1] + 12 + room * (place + 1) for place in range(count)),
        y + 4,
    )


def interval_figure(marks: IntervalMarks, name: str, title: str, description: str) -> str:
    """The plot as SVG.

    Parameters
    ----------
    marks
        Where everything goes.
    name
        Identifier, unique on the page.
    title, description
        For those who do not see it.
    """
    parts = [_frame(marks), *(_ink(mark, marks) for mark in marks.rows)]
    return svg.figure(name, WIDTH, marks.height + 52, title, description, parts)


def _mark(row: IntervalRow, line: Axis, y: float) -> IntervalMark:
    known = row.middle == row.middle and row.low == row.low and row.high == row.high
    told = "" if row.heading else ": ".join([row.name, ", ".join(row.words)])
    return IntervalMark(
        wrapped(row.name, 90 if row.heading else NAMES),
        y,
        line.held(row.middle) if known else None,
        line.span(row.low, row.high) if known else None,
        line.span(*row.new) if known and row.new else None,
        row.words,
        row.shape,
        row.heading,
        told,
    )


def _frame(marks: IntervalMarks) -> str:
    head: dict[str, str | float] = {"font_size": SMALL, "fill": svg.QUIET, "font_weight": "600"}
    quiet: dict[str, str | float] = {"font_size": SMALL, "fill": svg.QUIET}
    middle, bottom = (AXIS[0] + AXIS[1]) / 2, marks.height
    parts = [
        svg.text(LEFT, 20, marks.columns[0], **head),
        svg.text(middle, 20, marks.columns[1], text_anchor="middle", **head),
        *(
            svg.text(x, 20, words, text_anchor="end", **head)
            for x, words in zip(marks.at, marks.columns[2:], strict=False)
        ),
        svg.line(0, 30, WIDTH, 30, stroke=svg.FAINT),
    ]
    for x, words in marks.axis.ticks:
        parts.append(svg.line(x, TOP - 8, x, bottom, stroke="#e4e7eb"))
        parts.append(svg.text(x, bottom + 16, words, text_anchor="middle", **quiet))
    parts.append(svg.line(AXIS[0], bottom, AXIS[1], bottom, stroke=svg.QUIET))
    if marks.zero is not None:
        parts.append(
            svg.line(marks.zero, TOP - 8, marks.zero, bottom, stroke=svg.INK, stroke_dasharray="4 3")
        )
    if marks.sides[0]:
        parts.append(svg.text(AXIS[0], bottom + 36, f"← {marks.sides[0]}", **quiet))
        parts.append(svg.text(AXIS[1], bottom + 36, f"{marks.sides[1]} →", text_anchor="end", **quiet))
    return svg.group(parts)


def _ink(mark: IntervalMark, marks: IntervalMarks) -> str:
    plain: dict[str, str | float] = {"font_size": SIZE, "fill": svg.INK}
    if mark.heading:
        plain |= {"font_weight": "600", "paint_order": "stroke", "stroke": "#fff", "stroke_width": 5}
    first = mark.y + 4 - 7 * (len(mark.name) - 1)
    left = LEFT if mark.heading else LEFT + 8
    parts = [svg.text(left, first + 14 * place, words, **plain) for place, words in enumerate(mark.name)]
    parts += [
        svg.text(x, mark.y + 4, words, text_anchor="end", **plain)
        for x, words in zip(marks.at, mark.words, strict=False)
    ]
    if mark.new:
        parts += _line(mark.new, mark.y, svg.QUIET, 1.2, bars=True)
    if mark.span and mark.middle is not None:
        colour = svg.INK if mark.shape == "diamond" else svg.ORANGE if mark.shape == "circle" else svg.BLUE
        parts += _line(mark.span, mark.y, colour, 3.6)
        parts.append(_marker(mark.shape, mark.middle, mark.y, colour))
    return svg.group(parts, mark.told)


def _line(span: Span, y: float, colour: str, width: float, *, bars: bool = False) -> list[str]:
    parts = [svg.line(span.low, y, span.high, y, stroke=colour, stroke_width=width)]
    for x, runs, sign in ((span.low, span.runs_left, -1), (span.high, span.runs_right, 1)):
        if runs:
            parts.append(svg.path(f"M{x + sign * 7:.1f} {y:.1f}l{-sign * 8} -5v10z", fill=colour))
        elif bars:
            parts.append(svg.line(x, y - 4, x, y + 4, stroke=colour, stroke_width=width))
    return parts


def _marker(shape: str, x: float, y: float, colour: str) -> str:
    if shape == "circle":
        return svg.circle(x, y, 5, fill=colour)
    if shape == "hollow":
        return svg.rectangle(x - 4.5, y - 4.5, 9, 9, fill="#fff", stroke=colour, stroke_width=2)
    if shape == "diamond":
        return svg.diamond(x - 7, x, x + 7, y, 7, fill=colour)
    return svg.rectangle(x - 5, y - 5, 10, 10, fill=colour)
