"""Intervals as pictures: the strip in each row of an answer table, and the three readings side by side.

Every picture has the same axis, 0 to 100 responders in a hundred, and shows the same things: a thick line is the
credible interval, a thin one the prediction interval, the grey band what is predicted on background therapy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from myopoise.choice.options import Comparison
from myopoise.report import svg
from myopoise.report.names import reading_name
from myopoise.report.rounding import hundred
from myopoise.report.sentences import TIERS
from myopoise.vocabulary import Reading

__all__ = ["Panel", "PanelsMarks", "RangeMark", "panels_figure", "panels_marks", "strip_figure"]

Part = Mapping[str, Any]

WIDTH = 960.0
NAME_X, COUNT_X = 8.0, 268.0
FIRST, PANEL, BETWEEN = 300.0, 190.0, 32.0
TOP, ROW, TIER = 58.0, 25.0, 34.0
READINGS = (Reading.RANDOMISED, Reading.MAIN, Reading.NAIVE)

_SHAPES = {Reading.RANDOMISED: "square", Reading.MAIN: "diamond", Reading.NAIVE: "circle"}


@dataclass(frozen=True)
class RangeMark:
    """One option in one panel.

    Parameters
    ----------
    y
        The line.
    low, middle, high
        Horizontal places of the credible interval and its middle.
    new_low, new_high
        Horizontal places of the prediction interval.
    shape
        ``square``, ``diamond`` or ``circle``.
    told
        What a pointer shows.
    """

    y: float
    low: float
    middle: float
    high: float
    new_low: float
    new_high: float
    shape: str
    told: str


@dataclass(frozen=True)
class Panel:
    """One reading: its axis, where it places background therapy, and its options."""

    name: str
    left: float
    background: tuple[float, float, float] | None
    ranges: tuple[RangeMark, ...]


@dataclass(frozen=True)
class PanelsMarks:
    """Everything of the three readings but the ink.

    Parameters
    ----------
    rows
        Name, raw counts and line of each option.
    tiers
        Heading and line of each kind of comparison.
    panels
        One per reading.
    height
        Of the drawing without its axis.
    """

    rows: tuple[tuple[str, str, float], ...]
    tiers: tuple[tuple[str, float], ...]
    panels: tuple[Panel, ...]
    height: float


def panels_marks(answer: Part) -> PanelsMarks:
    """Where every row and interval of the three readings goes.

    Parameters
    ----------
    answer
        An answer of the document.
    """
    rows, tiers, lines = [], [], {}
    y = TOP
    for comparison, heading in TIERS.items():
        members = [o for o in answer["options"] if o["own"]["comparison"] == comparison.value]
        if not members:
            continue
        tiers.append((heading, y + TIER / 2 + 4))
        y += TIER
        for option in members:
            own = option["own"]
            raw = f"{own['responders']}/{own['evaluated']}" if own["evaluated"] else "P value only"
            rows.append((option["name"], raw, y + ROW / 2))
            lines[option["treatment"]] = y + ROW / 2
            y += ROW
    panels = [
        _panel(answer, reading, FIRST + place * (PANEL + BETWEEN), lines)
        for place, reading in enumerate(READINGS)
    ]
    return PanelsMarks(tuple(rows), tuple(tiers), tuple(panels), y + 6)


def panels_figure(answer: Part) -> str:
    """The three readings of one group of patients as SVG.

    Parameters
    ----------
    answer
        An answer of the document.
    """
    marks = panels_marks(answer)
    description = (
        f"{len(marks.rows)} options in three columns, one for each reading of the evidence, with the predicted "
        "chance of response and its intervals; a grey band is background therapy. report.json holds the numbers."
    )
    head: dict[str, str | float] = {"font_size": 11.5, "font_weight": "600", "fill": svg.QUIET}
    parts = [
        svg.text(NAME_X, 20, "Option", **head),
        svg.text(COUNT_X, 20, "Raw count", text_anchor="end", **head),
        svg.line(0, 46, WIDTH, 46, stroke=svg.FAINT),
        *(_panel_ink(panel, marks.height) for panel in marks.panels),
    ]
    for words, y in marks.tiers:
        parts.append(
            svg.text(
                NAME_X,
                y,
                words,
                font_size=12.5,
                font_weight="600",
                fill=svg.INK,
                paint_order="stroke",
                stroke="#fff",
                stroke_width=5,
            )
        )
    for name, raw, y in marks.rows:
        parts.append(svg.text(NAME_X + 8, y + 4, name, font_size=13, fill=svg.INK))
        parts.append(svg.text(COUNT_X, y + 4, raw, font_size=12, fill=svg.QUIET, text_anchor="end"))
    title = f"Three readings of the evidence, {answer['label']}"
    return svg.figure(
        f"readings-{answer['group'].lower()}", WIDTH, marks.height + 26, title, description, parts
    )


def strip_figure(found: Part, background: Part, comparison: str) -> str:
    """The small interval beside the numbers of an answer table; decoration, since the numbers stand beside it.

    Parameters
    ----------
    found, background
        Predictions for the option and for background therapy.
    comparison
        What the option was set against: decides the shape.
    """
    width, height = 132.0, 20.0

    def x(probability: float) -> float:
        return 4 + (width - 8) * probability

    response, new, alone = found["response"], found["predictive"], background["response"]
    middle = height / 2
    randomised = comparison == Comparison.RANDOMISED.value
    colour = svg.BLUE if randomised else svg.ORANGE
    marker = (
        svg.rectangle(x(response["median"]) - 4, middle - 4, 8, 8, fill=colour)
        if randomised
        else svg.circle(x(response["median"]), middle, 4, fill="#fff", stroke=colour, stroke_width=2)
    )
    parts = [
        svg.rectangle(x(alone["low"]), 0, x(alone["high"]) - x(alone["low"]), height, fill="#e4e7eb"),
        svg.line(x(0), height, x(1), height, stroke="#9aa5b1"),
        svg.line(x(alone["median"]), 0, x(alone["median"]), height, stroke=svg.QUIET, stroke_dasharray="3 2"),
        svg.line(x(new["low"]), middle, x(new["high"]), middle, stroke=colour, stroke_width=1.2),
        svg.line(x(response["low"]), middle, x(response["high"]), middle, stroke=colour, stroke_width=4),
        marker,
    ]
    inside = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" aria-hidden="true" class="strip">{inside}</svg>'
    )


def _panel(answer: Part, reading: Reading, left: float, lines: Mapping[str, float]) -> Panel:
    def x(probability: float) -> float:
        return left + PANEL * probability

    ranges = []
    for option in answer["options"]:
        found = option["predicted"].get(reading.value)
        if found is None:
            continue
        response, new = found["response"], found["predictive"]
        told = (
            f"{option['name']}, {reading_name(reading.value)}: {hundred(response['median'])} in 100, credible "
            f"interval {hundred(response['low'])} to {hundred(response['high'])}, prediction interval "
            f"{hundred(new['low'])} to {hundred(new['high'])}"
        )
        ranges.append(
            RangeMark(
                lines[option["treatment"]],
                x(response["low"]),
                x(response["median"]),
                x(response["high"]),
                x(new["low"]),
                x(new["high"]),
                _SHAPES[reading],
                told,
            )
        )
    alone = answer["background"].get(reading.value)
    background = tuple(x(alone["response"][end]) for end in ("low", "median", "high")) if alone else None
    return Panel(reading_name(reading.value), left, background, tuple(ranges))  # type: ignore[arg-type]


def _panel_ink(panel: Panel, bottom: float) -> str:
    middle = panel.left + PANEL / 2
    parts = [
        svg.text(
            middle, 20, panel.name, text_anchor="middle", font_size=12.5, font_weight="600", fill=svg.INK
        ),
        svg.text(middle, 37, "responders in 100", text_anchor="middle", font_size=11, fill=svg.QUIET),
    ]
    if panel.background:
        low, at, high = panel.background
        parts.append(svg.rectangle(low, 50, high - low, bottom - 50, fill="#eef0f2"))
        parts.append(svg.line(at, 50, at, bottom, stroke=svg.QUIET, stroke_width=1.2, stroke_dasharray="4 3"))
    else:
        parts.append(
            svg.text(middle, 80, "nothing enters", text_anchor="middle", font_size=12, fill=svg.QUIET)
        )
    for share in (0.0, 0.5, 1.0):
        x = panel.left + PANEL * share
        parts.append(svg.line(x, 50, x, bottom, stroke=svg.FAINT))
        parts.append(
            svg.text(x, bottom + 16, hundred(share), text_anchor="middle", font_size=11, fill=svg.QUIET)
        )
    return svg.group([*parts, *(_range_ink(mark) for mark in panel.ranges)])


def _range_ink(mark: RangeMark) -> str:
    colour = {"square": svg.BLUE, "diamond": svg.INK, "circle": svg.ORANGE}[mark.shape]
    markers = {
        "square": svg.rectangle(mark.middle - 4.5, mark.y - 4.5, 9, 9, fill=colour),
        "diamond": svg.diamond(mark.middle - 6, mark.middle, mark.middle + 6, mark.y, 6, fill=colour),
        "circle": svg.circle(mark.middle, mark.y, 4.5, fill="#fff", stroke=colour, stroke_width=2),
    }
    parts = [
        svg.line(mark.new_low, mark.y, mark.new_high, mark.y, stroke=colour, stroke_width=1.2),
        svg.line(mark.low, mark.y, mark.high, mark.y, stroke=colour, stroke_width=3.6),
        markers[mark.shape],
    ]
    return svg.group(parts, mark.told)
