"""The network of a synthesis as a picture: treatments on an oval, a line for each comparison that a study made.

A circle's area is its patients (or its studies, where patients are not known), a line's width the number of studies,
which is written on it where there is room. Pieces that no study joins stand apart on the oval; none is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from myopoise.report import svg
from myopoise.report.synthesis_axis import wrapped
from myopoise.report.synthesis_words import missing, plural

__all__ = ["CircleMark", "LineMark", "OvalMarks", "oval_figure", "oval_marks"]

Part = Mapping[str, Any]

WIDTH = 920.0
LARGEST, SMALLEST = 26.0, 4.0
WIDEST, NARROWEST = 13.0, 1.4
NAME, DETAIL = 13.0, 11.5
ABOVE = 74.0
"""Room above and below the oval for the largest circle and its label."""
_LEGEND = 420.0
"""Width that the words below need."""
_NUMBERED = 16
"""Comparisons up to which each line has its number of studies written on it."""
_DETAILED = 16
"""Treatments up to which each has a second line of label."""
_FEW = 30
"""Treatments up to which labels keep their size."""


@dataclass(frozen=True)
class CircleMark:
    """A treatment: its circle and where its label begins or ends."""

    treatment: str
    name: str
    detail: str
    x: float
    y: float
    radius: float
    label_x: float
    label_y: float
    anchor: str
    reference: bool

    def label_box(self, size: float = NAME) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the label."""
        width = max(svg.text_width(self.name, size), svg.text_width(self.detail, DETAIL))
        left = {"start": self.label_x, "end": self.label_x - width, "middle": self.label_x - width / 2}
        bottom = self.label_y + (DETAIL + 4 if self.detail else 3)
        return left[self.anchor], self.label_y - size, left[self.anchor] + width, bottom


@dataclass(frozen=True)
class LineMark:
    """A comparison: its ends, its width, and the number written on it."""

    one: str
    other: str
    width: float
    words: str
    told: str


@dataclass(frozen=True)
class OvalMarks:
    """Everything of the picture but the ink."""

    circles: tuple[CircleMark, ...]
    lines: tuple[LineMark, ...]
    size: float
    area: str
    width: float
    height: float


def oval_marks(document: Part) -> OvalMarks:
    """Where every circle, line and label goes.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    network = document["network"]
    nodes = {node["treatment"]: node for node in network["nodes"]}
    by_patients = not any(missing(node["patients"]) for node in nodes.values())
    key = "patients" if by_patients else "studies"
    biggest = max((node[key] for node in nodes.values()), default=1) or 1
    slots = _slots(network["pieces"])
    tall = min(760.0, max(300.0, 26.0 * len(nodes)))
    across = 0.5 * WIDTH - (250.0 if len(nodes) > 4 else 290.0)
    centre = tall / 2 + ABOVE
    size = NAME if len(nodes) <= _FEW else 10.5
    circles = []
    for name, turn in slots.items():
        angle = 2 * math.pi * turn - math.pi / 2
        x, y = WIDTH / 2 + across * math.cos(angle), centre + tall / 2 * math.sin(angle)
        radius = max(
            SMALLEST, LARGEST * math.sqrt(nodes[name][key] / biggest) * min(1.0, 14 / len(nodes) + 0.3)
        )
        detail = _detail(nodes[name], by_patients=by_patients) if len(nodes) <= _DETAILED else ""
        circles.append(_circle(name, detail, (x, y, radius, angle), reference=name == document["reference"]))
    most = max((len(edge["studies"]) for edge in network["edges"]), default=1)
    lines = tuple(_line(edge, most, numbered=len(network["edges"]) <= _NUMBERED) for edge in network["edges"])
    drawn, width = _framed(circles, size)
    return OvalMarks(drawn, lines, size, key, width, tall + 2 * ABOVE)


def _framed(circles: list[CircleMark], size: float) -> tuple[tuple[CircleMark, ...], float]:
    """The circles moved to where the drawing begins, and its width; a narrow screen should not open on white paper."""
    boxes = [circle.label_box(size) for circle in circles]
    reach = [(circle.x - circle.radius, circle.x + circle.radius) for circle in circles]
    left = min([box[0] for box in boxes] + [low for low, _ in reach]) - 12
    right = max([box[2] for box in boxes] + [high for _, high in reach]) + 12
    wide = max(_LEGEND, right - left)
    move = (wide - right - left) / 2
    moved = (replace(circle, x=circle.x + move, label_x=circle.label_x + move) for circle in circles)
    return tuple(moved), wide


def oval_figure(document: Part) -> str:
    """The network as SVG.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    marks = oval_marks(document)
    pieces = len(document["network"]["pieces"])
    shape = "one connected network" if pieces == 1 else f"{pieces} pieces that no study joins"
    description = (
        f"{plural(len(marks.circles), 'treatment')} and {plural(len(marks.lines), 'comparison')} made in studies: "
        f"{shape}. The table of comparisons holds the counts."
    )
    at = {circle.treatment: circle for circle in marks.circles}
    parts = [
        *(_line_ink(line, at) for line in sorted(marks.lines, key=lambda line: -line.width)),
        *(_number_ink(line, at) for line in marks.lines if line.words),
        *(_circle_ink(circle, marks.size) for circle in marks.circles),
        svg.text(
            8,
            marks.height + 16,
            f"Area of a circle: {marks.area}. Width of a line: studies. Ring: the reference.",
            font_size=DETAIL,
            fill=svg.QUIET,
        ),
    ]
    return svg.figure("network", marks.width, marks.height + 28, "Network of treatments", description, parts)


def _slots(pieces: list[list[str]]) -> dict[str, float]:
    """Where each treatment stands on the oval, as a share of a turn; pieces are parted by a gap."""
    gap = 1.2 if len(pieces) > 1 else 0.0
    total = sum(len(piece) for piece in pieces) + gap * len(pieces)
    slots, at = {}, 0.0
    for piece in pieces:
        for name in piece:
            slots[name] = at / total
            at += 1.0
        at += gap
    return slots


def _detail(node: Part, *, by_patients: bool) -> str:
    studies = plural(node["studies"], "study", "studies")
    return f"{plural(node['patients'], 'patient')}, {studies}" if by_patients else studies


def _circle(
    name: str, detail: str, place: tuple[float, float, float, float], *, reference: bool
) -> CircleMark:
    x, y, radius, angle = place
    across = math.cos(angle)
    short = wrapped(name, 34, 1)[0] if len(name) > 34 else name
    lines = NAME + (DETAIL + 2 if detail else 0)
    if abs(across) < 0.12:
        above = math.sin(angle) < 0
        label_y = y - radius - 8 - (lines - NAME) if above else y + radius + NAME + 6
        return CircleMark(name, short, detail, x, y, radius, x, label_y, "middle", reference)
    sign = 1.0 if across > 0 else -1.0
    label_y = y + (4.0 if not detail else -1.0) + 9.0 * math.sin(angle)
    return CircleMark(
        name,
        short,
        detail,
        x,
        y,
        radius,
        x + sign * (radius + 9),
        label_y,
        "start" if sign > 0 else "end",
        reference,
    )


def _line(edge: Part, most: int, *, numbered: bool) -> LineMark:
    count = len(edge["studies"])
    width = NARROWEST + (WIDEST - NARROWEST) * (count - 1) / max(1, most - 1) if most > 1 else 2.4
    width = min(width, NARROWEST + 2.2 * (count - 1) + 0.6)
    named = ", ".join(edge["studies"][:12]) + (f" and {count - 12} more" if count > 12 else "")
    told = f"{edge['treatment']} v {edge['versus']}: {plural(count, 'study', 'studies')} ({named})"
    return LineMark(edge["treatment"], edge["versus"], width, str(count) if numbered else "", told)


def _line_ink(line: LineMark, at: Mapping[str, CircleMark]) -> str:
    one, other = at[line.one], at[line.other]
    ink = svg.line(
        one.x, one.y, other.x, other.y, stroke="#8fb8d1", stroke_width=line.width, stroke_linecap="round"
    )
    return svg.group([ink], line.told)


def _number_ink(line: LineMark, at: Mapping[str, CircleMark]) -> str:
    one, other = at[line.one], at[line.other]
    # Off the middle, so that the numbers of lines that cross in the middle of the oval stay apart.
    share = 0.42 if one.treatment < other.treatment else 0.58
    x, y = one.x + share * (other.x - one.x), one.y + share * (other.y - one.y)
    halo: dict[str, str | float] = {"paint_order": "stroke", "stroke": "#fff", "stroke_width": 4}
    return svg.text(
        x, y + 4, line.words, text_anchor="middle", font_size=DETAIL, font_weight="600", fill=svg.INK, **halo
    )


def _circle_ink(circle: CircleMark, size: float) -> str:
    halo: dict[str, str | float] = {"paint_order": "stroke", "stroke": "#fff", "stroke_width": 4}
    anchor: dict[str, str | float] = {"text_anchor": circle.anchor}
    parts = [svg.circle(circle.x, circle.y, circle.radius, fill=svg.BLUE, stroke="#fff", stroke_width=1.5)]
    if circle.reference:
        parts.insert(
            0,
            svg.circle(circle.x, circle.y, circle.radius + 4, fill="#fff", stroke=svg.INK, stroke_width=1.5),
        )
    parts.append(
        svg.text(
            circle.label_x,
            circle.label_y,
            circle.name,
            font_size=size,
            font_weight="600" if circle.reference else "500",
            fill=svg.INK,
            **anchor,
            **halo,
        )
    )
    if circle.detail:
        parts.append(
            svg.text(
                circle.label_x,
                circle.label_y + DETAIL + 2,
                circle.detail,
                font_size=DETAIL,
                fill=svg.QUIET,
                **anchor,
                **halo,
            )
        )
    return svg.group(parts, f"{circle.treatment}: {circle.detail}" if circle.detail else circle.treatment)
