"""The waterfall of response: every patient's score at one week, from the best to the worst, one panel an arm.

Bars of one category are one shape, so that a hundred thousand patients weigh no more than a hundred, and stripes run on
through bars that are thinner than they are. Bars are apart while there is room, and a silhouette when there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from myopoise.outcomes.pictures import BOUNDS_DISAGREE, Bar, Waterfall, WaterfallPanel
from myopoise.report import svg
from myopoise.report.category_ink import (
    BOLD,
    SIZE,
    SMALL,
    WIDTH,
    arm_name,
    cut_words,
    filling,
    heading,
    key,
    plain_number,
    sheet,
    spread,
    ticks,
    wrapped,
)

__all__ = ["AreaMark", "PanelMark", "WaterfallMarks", "waterfall_figure", "waterfall_marks"]

LEFT, RIGHT, BETWEEN = 64.0, 132.0, 28.0
PLOT = 270.0
ABREAST = 3
LINE = 16.0
WIDEST, APART = 44.0, 4.0
"""Room of one patient at most, and the room from which bars stand apart."""
ASIDE = 14.0
"""Between the scores and the bounded scores of a panel."""
STUB = 2.0
"""Height of a bar of no points: a patient without improvement is still a patient."""


@dataclass(frozen=True)
class AreaMark:
    """All bars of one category in one panel.

    Parameters
    ----------
    word
        The category.
    ranges
        Whether these are bounded scores, drawn from the low to the high end.
    steps
        Their outline as the steps of a path.
    """

    word: str
    ranges: bool
    steps: str


@dataclass(frozen=True)
class PanelMark:
    """One arm.

    Parameters
    ----------
    left, top, width
        Of the plot; its height is the same for all.
    name
        Lines above.
    notes
        Lines below.
    apart
        Whether bars stand apart.
    areas
        The bars.
    """

    left: float
    top: float
    width: float
    name: tuple[str, ...]
    notes: tuple[str, ...]
    apart: bool
    areas: tuple[AreaMark, ...]


@dataclass(frozen=True)
class WaterfallMarks:
    """Everything of the waterfall but the ink.

    Parameters
    ----------
    panels
        One an arm, three abreast.
    axis
        Each number of the axis and its place below the top of a plot.
    cuts
        Name of each cut, its place below the top of a plot, and the place of its name.
    words
        The key.
    height
        Of the panels together.
    """

    panels: tuple[PanelMark, ...]
    axis: tuple[tuple[str, float], ...]
    cuts: tuple[tuple[str, float, float], ...]
    words: tuple[str, ...]
    height: float


def waterfall_marks(picture: Waterfall) -> WaterfallMarks:
    """Where every bar, line and word of a waterfall goes.

    Parameters
    ----------
    picture
        The scores.
    """
    arms = len(picture.panels)
    abreast = min(ABREAST, arms)
    width = (WIDTH - LEFT - RIGHT - BETWEEN * (abreast - 1)) / abreast
    panels: list[PanelMark] = []
    top = 0.0
    for first in range(0, len(picture.panels), abreast):
        row = picture.panels[first : first + abreast]
        names = [wrapped(arm_name(panel.arm, arms), width, SIZE * BOLD, most=4) for panel in row]
        notes = [_notes(panel, picture.week, width) for panel in row]
        top += LINE * max(map(len, names)) + 8
        for place, panel in enumerate(row):
            left = LEFT + place * (width + BETWEEN)
            slot = _slot(panel, width)
            aside = left + slot * len(panel.bars) + (ASIDE if panel.bars else 0.0)
            areas = (
                *_areas(picture, panel.bars, left, top, slot),
                *_areas(picture, panel.ranges, aside, top, slot),
            )
            panels.append(PanelMark(left, top, width, names[place], notes[place], slot >= APART, areas))
        top += PLOT + LINE * max(map(len, notes)) + 28
    at = [_down(picture, cut) for _, cut in picture.cuts]
    named = reversed(spread(at[::-1], 14, 0, PLOT))
    cuts = tuple((cut_words(*cut), y, label) for cut, y, label in zip(picture.cuts, at, named, strict=True))
    axis = tuple(
        (plain_number(tick), _down(picture, tick)) for tick in ticks(picture.lowest, picture.highest)
    )
    undecided = any(area.word == BOUNDS_DISAGREE for panel in panels for area in panel.areas)
    words = (*picture.ladder, *([BOUNDS_DISAGREE] if undecided else []))
    return WaterfallMarks(tuple(panels), axis, cuts, words, top)


def waterfall_figure(picture: Waterfall, title: str) -> str:
    """The waterfall as an SVG file.

    Parameters
    ----------
    picture
        The scores.
    title
        What was scored, by which definition.
    """
    marks = waterfall_marks(picture)
    week = plain_number(picture.week)
    parts, y = heading(title, f"Score of each patient at week {week}, from the best to the worst")
    swatches, y = key(marks.words, y)
    parts += swatches
    bottom = y + marks.height
    for place, panel in enumerate(marks.panels):
        last = place % ABREAST == ABREAST - 1 or place == len(marks.panels) - 1
        parts.append(_panel_ink(marks, panel, y, first=place % ABREAST == 0, last=last))
    told = ". ".join(_told(panel, len(picture.panels)) for panel in picture.panels)
    described = f"One bar a patient at week {week}, sorted by score, filled by category. {told}."
    return sheet("waterfall", bottom, f"{title}: waterfall of week {week}", described, parts)


def _down(picture: Waterfall, score: float) -> float:
    return PLOT * (picture.highest - score) / (picture.highest - picture.lowest)


def _slot(panel: WaterfallPanel, width: float) -> float:
    """Room of one patient."""
    room = width - (ASIDE if panel.ranges and panel.bars else 0.0)
    return min(WIDEST, room / max(1, len(panel.bars) + len(panel.ranges)))


def _notes(panel: WaterfallPanel, week: float, width: float) -> tuple[str, ...]:
    told = [f"{panel.scored} with a score, {panel.not_computable} not computable"]
    if panel.bounded:
        told.append(f"{panel.bounded} bounded, set apart as ranges")
    if panel.not_seen:
        told.append(f"{panel.not_seen} not seen at week {plain_number(week)}")
    drawn, known = len(panel.bars) + len(panel.ranges), panel.scored + panel.bounded
    if drawn < known:
        told.append(f"{drawn} quantiles stand for the {known} patients")
    return tuple(line for words in told for line in wrapped(words, width, SMALL))


def _told(panel: WaterfallPanel, arms: int) -> str:
    found = [f"{panel.scored} with a score"]
    if panel.bars:
        best, worst = panel.bars[0], panel.bars[-1]
        found = [f"{panel.scored} with a score, from {plain_number(best.high)} to {plain_number(worst.low)}"]
    if panel.bounded:
        found.append(f"{panel.bounded} bounded")
    found.append(f"{panel.not_computable} not computable")
    return f"{arm_name(panel.arm, arms)}: {'; '.join(found)}"


def _areas(
    picture: Waterfall, bars: Sequence[Bar], left: float, top: float, slot: float
) -> Iterator[AreaMark]:
    kinds: dict[tuple[str, bool], list[tuple[int, Bar]]] = {}
    for place, bar in enumerate(bars):
        kinds.setdefault((bar.category or BOUNDS_DISAGREE, bar.low < bar.high), []).append((place, bar))
    gap = min(3.0, slot * 0.2) / 2 if slot >= APART else 0.0
    foot = top + _down(picture, 0.0)
    for (word, ranges), members in kinds.items():
        boxes = []
        for first, last, low, high in _runs(members, apart=slot >= APART):
            upper, lower = top + _down(picture, high), top + _down(picture, low) if ranges else foot
            if abs(upper - lower) < STUB:
                upper = lower - STUB
            boxes.append((left + slot * first + gap, left + slot * (last + 1) - gap, upper, lower))
        yield AreaMark(word, ranges, _outline(boxes))


def _runs(members: Sequence[tuple[int, Bar]], *, apart: bool) -> Iterator[tuple[int, int, float, float]]:
    """First and last place of neighbours of the same height; each bar by itself where bars stand apart."""
    first = last = members[0][0]
    bar = members[0][1]
    for place, after in members[1:]:
        if apart or place != last + 1 or (after.low, after.high) != (bar.low, bar.high):
            yield first, last, bar.low, bar.high
            first, bar = place, after
        last = place
    yield first, last, bar.low, bar.high


def _outline(boxes: Sequence[tuple[float, float, float, float]]) -> str:
    """Boxes as one path; those that touch on one floor become one silhouette, for seams between them would show."""
    steps = ""
    for place, (x, beyond, upper, lower) in enumerate(boxes):
        before = boxes[place - 1] if place else None
        joined = before is not None and abs(before[1] - x) < 1e-6 and before[3] == lower
        if not joined:
            steps += f"V{before[3]:.2f}Z" if before else ""
            steps += f"M{x:.2f} {lower:.2f}"
        steps += f"V{upper:.2f}H{beyond:.2f}"
    return f"{steps}V{boxes[-1][3]:.2f}Z"


def _panel_ink(marks: WaterfallMarks, panel: PanelMark, down: float, *, first: bool, last: bool) -> str:
    top, right = panel.top + down, panel.left + panel.width
    parts = []
    for place, words in enumerate(reversed(panel.name)):
        y = top - 10 - LINE * place
        parts.append(svg.text(panel.left, y, words, font_size=SIZE, font_weight="600", fill=svg.INK))
    quiet: dict[str, str | float] = {"font_size": SMALL, "fill": svg.QUIET}
    for words, y in marks.axis:
        parts.append(svg.line(panel.left, top + y, right, top + y, stroke="#e4e7eb"))
        if first:
            parts.append(svg.text(panel.left - 8, top + y + 4, words, text_anchor="end", **quiet))
    parts += [_area_ink(area, down, apart=panel.apart) for area in panel.areas]
    foot = next(y for words, y in marks.axis if words == "0")
    parts.append(svg.line(panel.left, top + foot, right, top + foot, stroke=svg.INK))
    for words, y, label in marks.cuts:
        parts.append(_cut_ink(panel.left, right, top + y))
        if last:
            style: dict[str, str | float] = {"font_size": SIZE, "fill": svg.INK}
            parts.append(svg.line(right, top + y, right + 8, top + label, stroke=svg.INK, stroke_width=0.8))
            parts.append(svg.text(right + 12, top + label + 4.5, words, **style))
    for place, words in enumerate(panel.notes):
        parts.append(svg.text(panel.left, top + PLOT + 18 + LINE * place, words, **quiet))
    return svg.group(parts)


def _cut_ink(left: float, right: float, y: float) -> str:
    under = svg.line(left, y, right, y, stroke="#fff", stroke_width=3, stroke_opacity=0.85)
    return under + svg.line(left, y, right, y, stroke=svg.INK, stroke_width=1.2, stroke_dasharray="5 3")


def _area_ink(area: AreaMark, down: float, *, apart: bool) -> str:
    style: dict[str, str | float] = {"fill": filling(area.word), "stroke": svg.INK}
    style["stroke_width"] = 0.8
    if area.ranges:
        style |= {"stroke_dasharray": "3 2", "stroke_width": 1.1} if apart else {"stroke_width": 0.5}
    told = f"{area.word}, bounded" if area.ranges else area.word
    return svg.group([svg.path(area.steps, transform=f"translate(0 {down:g})", **style)], told)
