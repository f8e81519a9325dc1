import math
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

from myopoise.report.synthesis_axis import axis, wrapped
from myopoise.report.synthesis_forests import effects_marks, splits_marks
from myopoise.report.synthesis_funnel import funnel_marks
from myopoise.report.synthesis_network import OvalMarks, oval_marks
from myopoise.report.synthesis_page import figures, write_figures
from myopoise.report.synthesis_ranks import ROOM, ranks_marks
from myopoise.report.synthesis_words import axis_ends

Box = tuple[float, float, float, float]


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def ring(count: int, pieces: int = 1) -> dict[str, Any]:
    names = [f"treatment {place:02d} at a dose" for place in range(count)]
    nodes = [
        {"treatment": name, "studies": 1 + place % 5, "patients": 40.0 * (1 + place % 7)}
        for place, name in enumerate(names)
    ]
    size = count // pieces
    parts = [names[at * size : (at + 1) * size if at < pieces - 1 else count] for at in range(pieces)]
    edges = [
        {"treatment": b, "versus": a, "studies": ["one", "two"][: 1 + place % 2]}
        for part in parts
        for place, (a, b) in enumerate(pairwise(part))
    ]
    return {"reference": names[0], "network": {"nodes": nodes, "edges": edges, "pieces": parts}}


def boxes(marks: OvalMarks) -> list[Box]:
    return [circle.label_box(marks.size) for circle in marks.circles]


@pytest.mark.parametrize("count", [2, 3, 4, 7, 10, 16, 24, 40])
def test_labels_of_the_network_keep_apart_and_inside_the_frame(count: int) -> None:
    marks = oval_marks(ring(count))
    assert [pair for pair in combinations(boxes(marks), 2) if overlap(*pair)] == []
    for left, top, right, bottom in boxes(marks):
        assert (left >= 0, top >= 0, right <= marks.width, bottom <= marks.height) == (True,) * 4


@pytest.mark.parametrize("count", [2, 4, 10, 24, 40])
def test_circles_of_the_network_keep_apart(count: int) -> None:
    for one, other in combinations(oval_marks(ring(count)).circles, 2):
        assert math.hypot(one.x - other.x, one.y - other.y) >= one.radius + other.radius


def test_pieces_of_the_network_stand_further_apart_than_neighbours() -> None:
    marks = oval_marks(ring(6, pieces=2))
    at = {circle.treatment: circle for circle in marks.circles}
    names = list(at)

    def apart(one: str, other: str) -> float:
        return math.hypot(at[one].x - at[other].x, at[one].y - at[other].y)

    assert apart(names[2], names[3]) > apart(names[0], names[1])


def test_the_area_of_a_circle_is_its_patients_and_its_studies_where_they_are_not_known() -> None:
    few = ring(4)
    by_patients = {circle.treatment: circle.radius**2 for circle in oval_marks(few).circles}
    ratios = [by_patients[node["treatment"]] / node["patients"] for node in few["network"]["nodes"]]
    assert max(ratios) == pytest.approx(min(ratios))
    few["network"]["nodes"][0]["patients"] = None
    marks = oval_marks(few)
    ratios = [
        circle.radius**2 / node["studies"]
        for circle, node in zip(marks.circles, few["network"]["nodes"], strict=True)
    ]
    assert marks.area == "studies"
    assert max(ratios) == pytest.approx(min(ratios))


def test_the_better_stand_higher_and_the_axis_holds_what_it_shows(found: dict[str, Any]) -> None:
    marks = effects_marks(found)
    assert [" ".join(row.name) for row in marks.rows] == [
        "Group counselling <6>",
        "Individual counselling",
        "Self-help",
    ]
    assert marks.zero is not None
    for row in marks.rows:
        assert row.span is not None
        assert row.middle is not None
        assert row.new is not None
        assert row.new.low < row.span.low < row.middle < row.span.high < row.new.high
        assert marks.axis.left <= row.new.low
        assert row.new.high <= marks.axis.right


def test_an_effect_to_the_right_of_no_effect_favours_what_the_direction_says(synthesis: Any) -> None:
    higher = effects_marks(synthesis.made(synthesis.bayes())).sides
    lower = effects_marks(synthesis.made(synthesis.bayes(), direction="lower")).sides
    assert higher == ("favours No intervention", "favours treatment")
    assert lower == ("favours treatment", "favours No intervention")


def test_an_interval_beyond_the_axis_is_cut_and_marked() -> None:
    intervals = [(-1.0, 1.0), (-0.5, 1.2), (-0.9, 0.4), (-40.0, 45.0)]
    line = axis(0.0, 100.0, axis_ends(intervals), ratios=False)
    cut, whole = line.span(*intervals[-1]), line.span(*intervals[0])
    assert (cut.low, cut.high, cut.runs_left, cut.runs_right) == (0.0, 100.0, True, True)
    assert not whole.runs_left
    assert not whole.runs_right


@pytest.mark.parametrize("ends", [(-0.1, 0.2), (-1.0, 2.0), (-3.0, 5.0), (-9.0, 14.0), (0.4, 0.6)])
def test_ratios_below_an_axis_are_few_and_stand_where_their_logarithms_lie(ends: tuple[float, float]) -> None:
    line = axis(0.0, 100.0, ends, ratios=True)
    assert 2 <= len(line.ticks) <= 9
    for x, words in line.ticks:
        value = ends[0] + x / 100.0 * (ends[1] - ends[0])
        assert math.exp(value) == pytest.approx(float(words.replace(",", "")), rel=0.06)


def test_splits_have_three_lines_each_and_the_network_between(found: dict[str, Any]) -> None:
    rows = splits_marks(found).rows
    assert [row.shape for row in rows if not row.heading] == ["square", "circle", "diamond"]
    assert "2 studies, P 0.71" in rows[0].name[0]


def test_cells_of_ranks_fill_their_row_and_shades_are_the_probabilities(synthesis: Any) -> None:
    marks = ranks_marks(synthesis.made(synthesis.bayes()))
    for row in marks.rows:
        assert sum(cell.width for cell in row.cells) == pytest.approx(ROOM)
        assert sum(cell.shade for cell in row.cells) == pytest.approx(1.0)
    assert marks.rows[0].effect == "3.00 (1.37 to 6.58)"
    assert marks.rows[-1].effect == "reference"


def test_points_of_the_funnel_lie_as_far_out_as_they_differ_and_as_low_as_they_are_unsure(
    synthesis: Any,
) -> None:
    made = synthesis.made(synthesis.frequentist())
    marks = funnel_marks(made)
    out = [
        (point.x - marks.zero) / row["centred"]
        for point, row in zip(marks.points, made["funnel"], strict=True)
    ]
    down = [(point.y - marks.axis.left * 0) for point in marks.points]
    assert max(out) == pytest.approx(min(out))
    order = sorted(range(len(down)), key=lambda at: made["funnel"][at]["se"])
    assert [down[at] for at in order] == sorted(down)
    assert marks.zero - marks.edges[0] == pytest.approx(marks.edges[1] - marks.zero)


def test_every_figure_is_well_formed_and_speaks(found: dict[str, Any]) -> None:
    drawn = figures(found)
    assert {"network", "effects", "node-splits", "funnel"} <= drawn.keys()
    for text in drawn.values():
        root = ElementTree.fromstring(text)
        assert root.attrib["role"] == "img"
        title, description = list(root)[:2]
        assert title.text
        assert description.text
        assert "nan" not in text.casefold()
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_nothing_of_a_figure_lies_outside_its_frame(found: dict[str, Any]) -> None:
    for name, text in figures(found).items():
        root = ElementTree.fromstring(text)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for element in root.iter():
            for key, most in (("x", width), ("x1", width), ("x2", width), ("cx", width)):
                assert -1 <= float(element.attrib.get(key, 0)) <= most + 1, name
            for key in ("y", "y1", "y2", "cy"):
                assert -1 <= float(element.attrib.get(key, 0)) <= height + 1, name


def test_files_of_figures_are_the_figures_and_two_tables(synthesis: Any, tmp_path: Path) -> None:
    written = write_figures(synthesis.made(synthesis.frequentist()), tmp_path / "new")
    assert sorted(path.name for path in written) == [
        "contributions.html",
        "effects.svg",
        "funnel.svg",
        "league.html",
        "network.svg",
        "node-splits.svg",
    ]
    assert all(path.stat().st_size > 500 for path in written)


def test_names_are_told_whole_where_they_are_cut() -> None:
    long = "a combination of several treatments at high doses given for a very long time indeed"
    assert " ".join(wrapped(long, 30))[-1] == "…"
    assert wrapped("short", 30) == ("short",)
