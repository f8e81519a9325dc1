"""The network of treatments as a picture: randomised comparisons to the left, uncontrolled evidence to the right.

Continued background therapy stands in the middle. A circle's area is the number of patients, its dark part those who
were randomised; a line's width is the number of trials. Treatments without any randomised comparison hang on a dashed
line, because they are compared across studies only. Rows share the height of a side, so no label can meet another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myopoise.report import svg
from myopoise.vocabulary import BACKGROUND

__all__ = ["NetworkMarks", "NodeMark", "TieMark", "network_figure", "network_marks"]

Part = Mapping[str, Any]

WIDTH = 860.0
CENTRE = WIDTH / 2
TOP = 48.0
REACH = 180.0
"""How far the outermost node of a side lies from the middle."""
DEPTH = 36.0
"""How much nearer the first and last node of a side are than the middle one."""
WEDGE = 0.58
"""How far down, towards the lowest nodes, the lines have parted enough for the middle's label."""
ROW = 40.0
LARGEST = 30.0
SMALLEST = 3.5
NAME, DETAIL = 14.0, 11.5


@dataclass(frozen=True)
class NodeMark:
    """A circle with its two lines of label.

    Parameters
    ----------
    treatment, name, detail
        Code, and the two lines of the label.
    x, y, radius
        The circle.
    randomised
        Share of its patients who were randomised.
    label_x, label_y
        Where the label begins (or ends) and the baseline of its first line.
    anchor
        ``start``, ``end`` or ``middle``.
    """

    treatment: str
    name: str
    detail: str
    x: float
    y: float
    radius: float
    randomised: float
    label_x: float
    label_y: float
    anchor: str

    @property
    def label_box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the label."""
        width = max(svg.text_width(self.name, NAME), svg.text_width(self.detail, DETAIL))
        left = {"start": self.label_x, "end": self.label_x - width, "middle": self.label_x - width / 2}[
            self.anchor
        ]
        return left, self.label_y - NAME, left + width, self.label_y + DETAIL + 4


@dataclass(frozen=True)
class TieMark:
    """A line between two circles.

    Parameters
    ----------
    one, other
        Treatments joined.
    studies
        Trials behind it; none for a comparison across studies only.
    kind
        ``randomised``, ``only p`` or ``across``.
    width
        Of the line.
    bend
        Whether it bows towards the middle, to join two nodes of one side.
    """

    one: str
    other: str
    studies: tuple[str, ...]
    kind: str
    width: float
    bend: bool


@dataclass(frozen=True)
class NetworkMarks:
    """Everything of the picture but the ink."""

    nodes: tuple[NodeMark, ...]
    ties: tuple[TieMark, ...]
    width: float
    height: float

    def node(self, treatment: str) -> NodeMark:
        """The circle of a treatment."""
        return next(node for node in self.nodes if node.treatment == treatment)


def network_marks(network: Part) -> NetworkMarks:
    """Where every circle, line and label goes.

    Parameters
    ----------
    network
        The network of the document.
    """
    nodes = network["nodes"]
    hub = [node for node in nodes if node["treatment"] == BACKGROUND]
    others = [node for node in nodes if node["treatment"] != BACKGROUND]
    left = _neighbours_together([node for node in others if node["connected"]], network["edges"])
    right = _neighbours_together([node for node in others if not node["connected"]], network["edges"])
    biggest = max((_patients(node) for node in nodes), default=1)
    heights = [sum(_room(node, biggest) for node in side) for side in (left, right)]
    tall = max([*heights, 2 * LARGEST + 60])
    middle = TOP + tall / 2
    marks = [_hub(node, middle, middle + WEDGE * tall / 2, biggest) for node in hub]
    for side, height, sign in ((left, heights[0], -1.0), (right, heights[1], 1.0)):
        marks += _side(side, sign, middle - height / 2, height, biggest)
    ties = [_tie(edge) for edge in network["edges"]]
    if hub:
        ties += [TieMark(BACKGROUND, node["treatment"], (), "across", 1.2, bend=False) for node in right]
    return NetworkMarks(tuple(marks), tuple(ties), WIDTH, TOP + tall + 12)


def network_figure(document: Part) -> str:
    """The network graph as SVG.

    Parameters
    ----------
    document
        The document of the report.
    """
    marks = network_marks(document["network"])
    legend_height = 92.0
    description = (
        f"{len(marks.nodes)} treatments. "
        + f"{sum(tie.kind != 'across' for tie in marks.ties)} pairs were compared in randomised trials; "
        + f"{sum(tie.kind == 'across' for tie in marks.ties)} treatments are compared with background therapy only "
        f"across " + "studies. The answer tables give the counts."
    )
    ties = sorted(marks.ties, key=lambda tie: tie.kind != "across")
    parts = [
        _headings(marks),
        *(_tie_ink(tie, marks) for tie in ties),
        *(_node_ink(node) for node in marks.nodes),
        _legend(marks.height + 18),
    ]
    return svg.figure(
        "network", marks.width, marks.height + legend_height, "Network of treatments", description, parts
    )


def _patients(node: Part) -> int:
    return int(node["randomised_patients"] + node["other_patients"])


def _radius(node: Part, biggest: int) -> float:
    return max(SMALLEST, LARGEST * math.sqrt(_patients(node) / biggest))


def _room(node: Part, biggest: int) -> float:
    return max(ROW, 2 * _radius(node, biggest) + 8)


def _neighbours_together(nodes: Sequence[Part], edges: Sequence[Part]) -> list[Part]:
    """Nodes of one side in order, except that those compared with each other stand next to each other."""
    order = [node["treatment"] for node in nodes]
    by_name = {node["treatment"]: node for node in nodes}
    placed: list[str] = []
    for name in order:
        if name in placed:
            continue
        placed.append(name)
        for edge in edges:
            pair = (edge["one"], edge["other"])
            if name in pair:
                other = pair[1 - pair.index(name)]
                if other in by_name and other not in placed:
                    placed.append(other)
    return [by_name[name] for name in placed]


def _detail(node: Part) -> str:
    randomised, other = len(node["randomised_studies"]), len(node["other_studies"])
    plural = "study" if randomised + other == 1 else "studies"
    mixed = f" ({randomised} randomised)" if randomised and other else ""
    return f"{_patients(node)} patients, {randomised + other} {plural}{mixed}"


def _hub(node: Part, y: float, label_y: float, biggest: int) -> NodeMark:
    radius, name = _radius(node, biggest), node["name"]
    below = max(label_y, y + radius + 20)
    return NodeMark(
        node["treatment"], name, _detail(node), CENTRE, y, radius, _share(node), CENTRE, below, "middle"
    )


def _share(node: Part) -> float:
    patients = _patients(node)
    return float(node["randomised_patients"]) / patients if patients else 0.0


def _side(nodes: Sequence[Part], sign: float, top: float, height: float, biggest: int) -> list[NodeMark]:
    marks, edge = [], top
    for node in nodes:
        room, radius = _room(node, biggest), _radius(node, biggest)
        y = edge + room / 2
        edge += room
        off = (y - top - height / 2) / (height / 2) if height else 0.0
        x = CENTRE + sign * (REACH - DEPTH * off * off)
        label_x = x + sign * (radius + 7)
        anchor = "start" if sign > 0 else "end"
        marks.append(
            NodeMark(
                node["treatment"],
                node["name"],
                _detail(node),
                x,
                y,
                radius,
                _share(node),
                label_x,
                y - 1,
                anchor,
            )
        )
    return marks


def _tie(edge: Part) -> TieMark:
    studies = tuple(edge["studies"])
    kind = "only p" if set(studies) == set(edge["only_p"]) else "randomised"
    bend = BACKGROUND not in (edge["one"], edge["other"])
    return TieMark(edge["one"], edge["other"], studies, kind, 1.0 + 1.6 * len(studies), bend)


def _tie_ink(tie: TieMark, marks: NetworkMarks) -> str:
    one, other = marks.node(tie.one), marks.node(tie.other)
    style: dict[str, str | float] = {"fill": "none", "stroke_width": tie.width}
    if tie.kind == "across":
        style |= {"stroke": "#9aa5b1", "stroke_dasharray": "5 5"}
    else:
        style |= {"stroke": svg.BLUE, "stroke_linecap": "round"}
    if tie.kind == "only p":
        style |= {"stroke_dasharray": "0.1 6", "stroke_width": 3.2}
    if tie.bend:
        sign = 1.0 if one.x > CENTRE else -1.0
        x, y = (one.x + other.x) / 2 - sign * 44, (one.y + other.y) / 2
        steps = f"M{one.x:.1f} {one.y:.1f}Q{x:.1f} {y:.1f} {other.x:.1f} {other.y:.1f}"
    else:
        steps = f"M{one.x:.1f} {one.y:.1f}L{other.x:.1f} {other.y:.1f}"
    told = ", ".join(tie.studies) if tie.studies else "compared only across studies"
    return svg.group([svg.path(steps, **style)], f"{one.name} and {other.name}: {told}")


def _node_ink(node: NodeMark) -> str:
    parts = [svg.circle(node.x, node.y, node.radius, fill="#fff", stroke=svg.ORANGE, stroke_width=1.6)]
    if node.randomised < 1:
        parts.append(svg.circle(node.x, node.y, node.radius, fill=svg.ORANGE, fill_opacity=0.28))
    if node.randomised >= 1:
        parts = [svg.circle(node.x, node.y, node.radius, fill=svg.BLUE, stroke="#fff", stroke_width=1.2)]
    elif node.randomised > 0:
        parts.append(_sector(node))
    if node.anchor == "middle":
        leader = svg.line(node.x, node.y + node.radius + 3, node.x, node.label_y - NAME - 2, stroke=svg.INK)
        parts.insert(0, leader)
    weight = "600" if node.anchor == "middle" else "500"
    halo: dict[str, str | float] = {"paint_order": "stroke", "stroke": "#fff", "stroke_width": 4}
    parts.append(
        svg.text(
            node.label_x,
            node.label_y,
            node.name,
            text_anchor=node.anchor,
            font_size=NAME,
            font_weight=weight,
            fill=svg.INK,
            **halo,
        )
    )
    parts.append(
        svg.text(
            node.label_x,
            node.label_y + DETAIL + 2,
            node.detail,
            text_anchor=node.anchor,
            font_size=DETAIL,
            fill=svg.QUIET,
            **halo,
        )
    )
    return svg.group(parts)


def _sector(node: NodeMark) -> str:
    angle = 2 * math.pi * node.randomised
    x, y = node.x + node.radius * math.sin(angle), node.y - node.radius * math.cos(angle)
    large = 1 if node.randomised > 0.5 else 0
    steps = (
        f"M{node.x:.2f} {node.y:.2f}V{node.y - node.radius:.2f}A{node.radius:.2f} {node.radius:.2f} 0 {large} 1 "
        f"{x:.2f} {y:.2f}Z"
    )
    return svg.path(steps, fill=svg.BLUE)


def _headings(marks: NetworkMarks) -> str:
    style: dict[str, str | float] = {"font_size": 13, "font_weight": "600"}
    parts = []
    if any(node.x < CENTRE for node in marks.nodes):
        parts.append(
            svg.text(12, 20, "Randomised comparisons lead to background therapy", fill=svg.BLUE, **style)
        )
    if any(node.x > CENTRE for node in marks.nodes):
        parts.append(
            svg.text(
                WIDTH - 12, 20, "Compared only across studies", fill="#a34700", text_anchor="end", **style
            )
        )
    return svg.group(parts)


def _legend(y: float) -> str:
    words: dict[str, str | float] = {"font_size": 12, "fill": svg.QUIET}
    across: dict[str, str | float] = {"stroke": "#9aa5b1", "stroke_width": 1.2, "stroke_dasharray": "5 5"}
    dotted: dict[str, str | float] = {
        "stroke": svg.BLUE,
        "stroke_width": 3.2,
        "stroke_dasharray": "0.1 6",
        "stroke_linecap": "round",
    }
    open_circle: dict[str, str | float] = {"fill": svg.ORANGE, "fill_opacity": 0.28, "stroke": svg.ORANGE}
    return svg.group(
        [
            svg.line(12, y - 12, WIDTH - 12, y - 12, stroke=svg.FAINT),
            svg.circle(22, y + 10, 8, fill=svg.BLUE),
            svg.text(38, y + 14, "randomised patients (area)", **words),
            svg.circle(22, y + 38, 8, **open_circle),
            svg.text(38, y + 42, "patients not randomised (area)", **words),
            svg.line(262, y + 10, 292, y + 10, stroke=svg.BLUE, stroke_width=2.6),
            svg.text(300, y + 14, "1 randomised trial", **words),
            svg.line(262, y + 38, 292, y + 38, stroke=svg.BLUE, stroke_width=5.8),
            svg.text(300, y + 42, "3 randomised trials", **words),
            svg.line(462, y + 10, 492, y + 10, **dotted),
            svg.text(500, y + 14, "randomised, only a P value was printed", **words),
            svg.line(462, y + 38, 492, y + 38, **across),
            svg.text(500, y + 42, "no randomised comparison with it", **words),
        ],
        **{"class": "legend"},
    )
