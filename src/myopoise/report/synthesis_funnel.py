"""The comparison-adjusted funnel: each contrast of each study about the effect of its comparison, by standard error.

Shapes and colours tell comparisons apart as far as there are shapes; beyond that the words under the pointer do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from myopoise.report import svg
from myopoise.report.rounding import decimals_for, number
from myopoise.report.synthesis_axis import Axis, axis, wrapped

__all__ = ["FunnelMark", "FunnelMarks", "funnel_figure", "funnel_marks"]

Part = Mapping[str, Any]

WIDTH = 920.0
AXIS = (70.0, 600.0)
TOP, HEIGHT = 24.0, 330.0
LEGEND = 640.0
SMALL = 11.5
_KINDS = 12
"""Comparisons that have a sign of their own."""
_COLOURS = (svg.BLUE, svg.ORANGE, "#00785a", svg.INK)


@dataclass(frozen=True)
class FunnelMark:
    """One contrast: its place, the kind of its comparison, and what a pointer shows."""

    x: float
    y: float
    kind: int
    told: str


@dataclass(frozen=True)
class FunnelMarks:
    """Everything of the picture but the ink.

    Parameters
    ----------
    points
        The contrasts.
    kinds
        Names of the comparisons.
    axis
        Below, of differences.
    levels
        Place and words of standard errors.
    edges
        Left and right foot of the region that holds 95% where nothing but chance is at work.
    zero
        Where no difference lies.
    bottom
        Where the largest standard error lies.
    """

    points: tuple[FunnelMark, ...]
    kinds: tuple[str, ...]
    axis: Axis
    levels: tuple[tuple[float, str], ...]
    edges: tuple[float, float]
    zero: float
    bottom: float


def funnel_marks(document: Part) -> FunnelMarks:
    """Where every point goes.

    Parameters
    ----------
    document
        The document of a synthesis, with a funnel.
    """
    points = document["funnel"]
    largest: float = max(point["se"] for point in points) * 1.05
    reach = max(1.96 * largest, 1.05 * max(abs(point["centred"]) for point in points))
    line = axis(*AXIS, (-reach, reach), ratios=False)
    kinds = tuple(dict.fromkeys(f"{point['treatment']} v {point['versus']}" for point in points))
    bottom = TOP + HEIGHT

    def y(se: float) -> float:
        return TOP + HEIGHT * se / largest

    digits = decimals_for(largest)
    marks = tuple(
        FunnelMark(
            line.place(point["centred"]),
            y(point["se"]),
            kinds.index(f"{point['treatment']} v {point['versus']}"),
            f"{point['study']}, {point['treatment']} v {point['versus']}: {number(point['centred'], digits)} from the "
            f"effect of its comparison, standard error {number(point['se'], digits)}",
        )
        for point in points
    )
    step = axis(0.0, 1.0, (0.0, largest), ratios=False).ticks
    levels = tuple((TOP + HEIGHT * place, words) for place, words in step)
    edges = (line.place(-1.96 * largest), line.place(1.96 * largest))
    return FunnelMarks(marks, kinds, line, levels, edges, line.place(0.0), bottom)


def funnel_figure(document: Part) -> str:
    """The comparison-adjusted funnel as SVG.

    Parameters
    ----------
    document
        The document of a synthesis, with a funnel.
    """
    marks = funnel_marks(document)
    quiet: dict[str, str | float] = {"font_size": SMALL, "fill": svg.QUIET}
    left, right = marks.edges
    bottom = marks.bottom
    dashed: dict[str, str | float] = {"stroke": svg.QUIET, "stroke_dasharray": "4 3"}
    parts = [
        svg.path(
            f"M{left:.1f} {bottom:.1f}L{marks.zero:.1f} {TOP:.1f}L{right:.1f} {bottom:.1f}Z", fill="#f5f7f9"
        ),
        svg.line(left, bottom, marks.zero, TOP, **dashed),
        svg.line(right, bottom, marks.zero, TOP, **dashed),
        svg.line(marks.zero, TOP, marks.zero, bottom, stroke=svg.INK),
        svg.line(AXIS[0], bottom, AXIS[1], bottom, stroke=svg.QUIET),
    ]
    for x, words in marks.axis.ticks:
        parts.append(svg.text(x, bottom + 18, words, text_anchor="middle", **quiet))
    for y, words in marks.levels:
        parts.append(svg.text(AXIS[0] - 8, y + 4, words, text_anchor="end", **quiet))
    across = (
        f"Study's estimate less the effect of its comparison ({document['scale'] or 'scale of the data'})"
    )
    parts.append(svg.text((AXIS[0] + AXIS[1]) / 2, bottom + 38, across, text_anchor="middle", **quiet))
    middle = TOP + HEIGHT / 2
    turned: dict[str, str | float] = {"transform": f"rotate(-90 16 {middle:.0f})", "text_anchor": "middle"}
    parts.append(svg.text(16, middle, "Standard error, small above", **quiet, **turned))
    parts += [svg.group([_sign(mark.kind, mark.x, mark.y)], mark.told) for mark in marks.points]
    parts += _legend(marks)
    height = max(bottom + 48, TOP + 35 * min(len(marks.kinds), _KINDS + 1) + 20)
    description = (
        f"{len(marks.points)} contrasts, each about the effect of its comparison, small standard errors above. The "
        "table below holds the numbers."
    )
    return svg.figure("funnel", WIDTH, height, "Comparison-adjusted funnel", description, parts)


def _legend(marks: FunnelMarks) -> list[str]:
    words: dict[str, str | float] = {"font_size": SMALL, "fill": svg.INK}
    parts = []
    y = TOP + 6
    for kind, name in enumerate(marks.kinds[:_KINDS]):
        lines = wrapped(name, 38)
        told = [svg.text(LEGEND + 14, y + 4 + 13 * at, line, **words) for at, line in enumerate(lines)]
        parts.append(svg.group([_sign(kind, LEGEND, y), *told], name))
        y += 22 + 13 * (len(lines) - 1)
    if len(marks.kinds) > _KINDS:
        rest = f"and {len(marks.kinds) - _KINDS} more comparisons"
        parts.append(svg.group([_sign(_KINDS, LEGEND, y), svg.text(LEGEND + 14, y + 4, rest, **words)]))
    return parts


def _sign(kind: int, x: float, y: float) -> str:
    if kind >= _KINDS:
        return svg.circle(x, y, 3, fill=svg.QUIET)
    colour, shape = _COLOURS[kind % len(_COLOURS)], (kind + kind // len(_COLOURS)) % 4
    edge: dict[str, str | float] = {"stroke": colour, "stroke_width": 1.6}
    fill = colour if kind % 2 == 0 else "#fff"
    if shape == 0:
        return svg.circle(x, y, 4.4, fill=fill, **edge)
    if shape == 1:
        return svg.rectangle(x - 4, y - 4, 8, 8, fill=fill, **edge)
    if shape == 2:
        return svg.diamond(x - 5.2, x, x + 5.2, y, 5.2, fill=fill, **edge)
    return svg.path(f"M{x - 5:.1f} {y + 4:.1f}h10l-5 -9z", fill=fill, **edge)
