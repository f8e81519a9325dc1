"""Categories of response by arm and visit, as bars of all patients seen: weeks down, arms abreast.

Arms stand beside each other so that the same week of two arms lies on one line. Each slice carries its count and its
percentage as far as they fit; a pointer shows all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from myopoise.outcomes.pictures import CategoryBars, Slice, VisitBar
from myopoise.report import svg
from myopoise.report.category_ink import (
    BOLD,
    SIZE,
    SMALL,
    WIDTH,
    arm_name,
    bold_width,
    filling,
    heading,
    inside_text,
    key,
    plain_number,
    sheet,
    wrapped,
)
from myopoise.report.rounding import hundred

__all__ = ["ArmMark", "BarMark", "CategoryMarks", "SliceMark", "category_figure", "category_marks"]

LEFT, RIGHT, COUNT = 74.0, 14.0, 74.0
ABREAST = 3
ROW, THICK, LINE = 27.0, 20.0, 16.0


@dataclass(frozen=True)
class SliceMark:
    """One category of one bar: its place, its width, and the words that fit into it."""

    word: str
    left: float
    width: float
    label: str


@dataclass(frozen=True)
class BarMark:
    """One arm at one week.

    Parameters
    ----------
    y
        Middle of the bar.
    slices
        Those with a patient in them.
    seen
        How many were seen, in words.
    told
        What a pointer shows.
    """

    y: float
    slices: tuple[SliceMark, ...]
    seen: str
    told: str


@dataclass(frozen=True)
class ArmMark:
    """One arm.

    Parameters
    ----------
    left, top, width
        Of its bars.
    name
        Lines above.
    bars
        One a week.
    """

    left: float
    top: float
    width: float
    name: tuple[str, ...]
    bars: tuple[BarMark, ...]


@dataclass(frozen=True)
class CategoryMarks:
    """Everything of the bars but the ink.

    Parameters
    ----------
    arms
        Three abreast.
    weeks
        Name and line of each week, once for each row of arms.
    feet
        Where each row of arms ends.
    height
        Of all of it.
    """

    arms: tuple[ArmMark, ...]
    weeks: tuple[tuple[str, float], ...]
    feet: tuple[float, ...]
    height: float


def category_marks(picture: CategoryBars) -> CategoryMarks:
    """Where every bar and word goes.

    Parameters
    ----------
    picture
        The counts.
    """
    abreast = min(ABREAST, len(picture.arms))
    room = (WIDTH - LEFT - RIGHT) / abreast
    width = room - COUNT
    arms: list[ArmMark] = []
    weeks: list[tuple[str, float]] = []
    feet: list[float] = []
    top = 0.0
    for first in range(0, len(picture.arms), abreast):
        row = picture.arms[first : first + abreast]
        names = [wrapped(arm_name(arm, len(picture.arms)), room - 16, SIZE * BOLD, most=4) for arm, _ in row]
        top += LINE * max(map(len, names)) + 10
        lines = {week: top + ROW * (place + 0.5) for place, week in enumerate(picture.weeks)}
        weeks += [(plain_number(week), y) for week, y in lines.items()]
        for place, (arm, patients) in enumerate(row):
            left = LEFT + place * room
            bars = tuple(
                _bar_mark(bar, patients, lines[bar.week], left, width)
                for bar in picture.bars
                if bar.arm == arm
            )
            arms.append(ArmMark(left, top, width, names[place], bars))
        top += ROW * len(picture.weeks)
        feet.append(top)
        top += 46
    return CategoryMarks(tuple(arms), tuple(weeks), tuple(feet), top)


def category_figure(picture: CategoryBars, title: str) -> str:
    """The bars as an SVG file.

    Parameters
    ----------
    picture
        The counts.
    title
        What was scored, by which definition.
    """
    marks = category_marks(picture)
    parts, y = heading(title, "Patients in each category by week, count and per cent of those seen that week")
    swatches, y = key(picture.words, y)
    parts += swatches
    top = y
    parts += [
        svg.text(LEFT - 12, line + top + 4.5, week, text_anchor="end", font_size=SIZE, fill=svg.INK)
        for week, line in marks.weeks
    ]
    parts += [_arm_ink(arm, top, marks) for arm in marks.arms]
    last = ". ".join(_spoken(picture, arm) for arm, _ in picture.arms)
    described = f"One bar an arm and week, divided into {', '.join(picture.words)}. {last}."
    return sheet("categories", top + marks.height, f"{title}: categories by week", described, parts)


def _bar_mark(bar: VisitBar, patients: int, y: float, left: float, width: float) -> BarMark:
    slices: list[SliceMark] = []
    x = left
    for part in bar.slices:
        wide = width * part.count / bar.seen
        if part.count:
            slices.append(SliceMark(part.word, x, wide, _label(part, wide)))
        x += wide
    seen = f"n {bar.seen}" if bar.seen == patients else f"n {bar.seen} of {patients}"
    return BarMark(y, tuple(slices), seen, _counted(bar))


def _label(part: Slice, width: float) -> str:
    """Count and percentage, the count alone, or nothing: whatever fits."""
    share = hundred(part.percent / 100)
    choices = (f"{part.count} ({share}%)", f"{part.count}", "")
    return next(words for words in choices if not words or bold_width(words, SMALL) + 4 <= width)


def _counted(bar: VisitBar) -> str:
    parts = [f"{part.count} {part.word} ({hundred(part.percent / 100)}%)" for part in bar.slices]
    return f"Week {plain_number(bar.week)}: {', '.join(parts)} of {bar.seen}"


def _spoken(picture: CategoryBars, arm: str | None) -> str:
    last = [bar for bar in picture.bars if bar.arm == arm][-1]
    return f"{arm_name(arm, len(picture.arms))}: {_counted(last)}"


def _arm_ink(arm: ArmMark, down: float, marks: CategoryMarks) -> str:
    foot = down + next(foot for foot in marks.feet if foot > arm.top)
    quiet: dict[str, str | float] = {"font_size": SMALL, "fill": svg.QUIET}
    parts = []
    for place, words in enumerate(reversed(arm.name)):
        y = arm.top + down - 8 - LINE * place
        parts.append(svg.text(arm.left, y, words, font_size=SIZE, font_weight="600", fill=svg.INK))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = arm.left + arm.width * share
        parts.append(svg.line(x, arm.top + down, x, foot + 4, stroke="#9aa5b1"))
        if share in (0.0, 0.5, 1.0):
            parts.append(svg.text(x, foot + 18, f"{hundred(share)}%", text_anchor="middle", **quiet))
    parts += [_bar_ink(bar, arm, down) for bar in arm.bars]
    if arm.left == LEFT:
        parts.append(svg.text(LEFT - 12, arm.top + down - 8, "Week", text_anchor="end", **quiet))
    return svg.group(parts)


def _bar_ink(bar: BarMark, arm: ArmMark, down: float) -> str:
    top = bar.y + down - THICK / 2
    parts = []
    for part in bar.slices:
        style: dict[str, str | float] = {"fill": filling(part.word), "stroke": svg.INK, "stroke_width": 0.8}
        parts.append(svg.rectangle(part.left, top, part.width, THICK, **style))
    for part in bar.slices:
        if part.label:
            parts.append(inside_text(part.left + part.width / 2, bar.y + down + 4, part.label, part.word))
    x = arm.left + arm.width + 7
    parts.append(svg.text(x, bar.y + down + 4, bar.seen, font_size=SMALL, fill=svg.QUIET))
    return svg.group(parts, bar.told)
