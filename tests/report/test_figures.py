import xml.etree.ElementTree as ElementTree
from itertools import combinations
from math import hypot
from typing import Any

from myopoise.report import svg
from myopoise.report.forest import forest_figure
from myopoise.report.forest_marks import AXIS, COLUMNS, SIZE, SMALL, WIDTH, forest_marks, place
from myopoise.report.intervals import panels_figure, panels_marks, strip_figure
from myopoise.report.network_graph import network_figure, network_marks

Box = tuple[float, float, float, float]


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_no_label_of_the_network_meets_another(report: dict[str, Any]) -> None:
    nodes = network_marks(report["network"]).nodes
    met = [(a.name, b.name) for a, b in combinations(nodes, 2) if overlap(a.label_box, b.label_box)]
    assert met == []


def test_no_label_of_the_network_lies_on_a_circle(report: dict[str, Any]) -> None:
    nodes = network_marks(report["network"]).nodes
    for node in nodes:
        left, top, right, bottom = node.label_box
        for other in nodes:
            x, y = min(max(other.x, left), right), min(max(other.y, top), bottom)
            assert hypot(x - other.x, y - other.y) >= other.radius


def test_no_circle_of_the_network_meets_another(report: dict[str, Any]) -> None:
    nodes = network_marks(report["network"]).nodes
    for one, other in combinations(nodes, 2):
        assert hypot(one.x - other.x, one.y - other.y) >= one.radius + other.radius


def test_the_network_stays_inside_its_frame(report: dict[str, Any]) -> None:
    marks = network_marks(report["network"])
    for node in marks.nodes:
        left, top, right, bottom = node.label_box
        assert left >= 0
        assert top >= 0
        assert right <= marks.width
        assert bottom <= marks.height + 10


def test_the_area_of_a_circle_is_its_patients(real: dict[str, Any]) -> None:
    network = real["network"]
    patients = {n["treatment"]: n["randomised_patients"] + n["other_patients"] for n in network["nodes"]}
    drawn = {node.treatment: node.radius**2 for node in network_marks(network).nodes if node.radius > 4}
    ratios = [area / patients[name] for name, area in drawn.items()]
    assert max(ratios) - min(ratios) < 1e-9


def test_a_comparison_known_by_p_value_only_is_dotted(small: dict[str, Any]) -> None:
    kinds = {(tie.one, tie.other): tie.kind for tie in network_marks(small["network"]).ties}
    assert kinds == {
        ("background", "ivig"): "randomised",
        ("background", "infliximab"): "only p",
        ("background", "rituximab"): "across",
    }


def test_an_empty_network_is_drawn() -> None:
    assert network_figure({"network": {"nodes": [], "edges": []}}).startswith("<svg")


def test_every_row_of_a_forest_has_its_own_line_in_order(report: dict[str, Any]) -> None:
    for treatment in {row["treatment"] for row in report["observed"]}:
        marks = forest_marks(report, treatment)
        lines = [m.y for m in (*marks.headings, *marks.studies, *marks.printed, *marks.summaries)]
        assert len(lines) == len(set(lines))
        assert max(lines) < marks.height
        rows = [row for row in report["observed"] if row["treatment"] == treatment]
        only_p = [p for p in report["selection"]["printed"] if p["treatment"] == treatment]
        assert len(marks.studies) == sum(row["proportion"] is not None for row in rows)
        assert len(marks.studies) + len(marks.printed) == len(rows) + len(only_p)


def test_a_control_arm_stands_on_the_line_of_its_trial(small: dict[str, Any]) -> None:
    trial, child = forest_marks(small, "ivig").studies
    assert (trial.counts, trial.control_counts) == ("12/20", "7/21")
    assert trial.control is not None
    assert trial.control[1] == place(7 / 21)
    assert trial.middle == place(12 / 20)
    assert child.control is None


def test_markers_of_a_forest_lie_on_its_axis(report: dict[str, Any]) -> None:
    for treatment in {row["treatment"] for row in report["observed"]}:
        marks = forest_marks(report, treatment)
        for study in marks.studies:
            assert AXIS[0] <= study.low <= study.middle <= study.high <= AXIS[1]
        for found in marks.summaries:
            assert AXIS[0] <= found.low <= found.middle <= found.high <= AXIS[1]
            assert AXIS[0] <= found.new_low < found.new_high <= AXIS[1]


def test_columns_of_a_forest_do_not_meet(real: dict[str, Any]) -> None:
    for treatment in {row["treatment"] for row in real["observed"]}:
        for study in forest_marks(real, treatment).studies:
            name = COLUMNS["study"] + 10 + svg.text_width(study.name, SIZE)
            assert name < COLUMNS["counts"] - svg.text_width(study.counts, SIZE)
            assert COLUMNS["counts"] < COLUMNS["control"] - svg.text_width(study.control_counts, SIZE)
            assert COLUMNS["control"] < AXIS[0]
            assert AXIS[1] < COLUMNS["values"] - svg.text_width(study.values, SIZE)
            assert COLUMNS["patients"] + svg.text_width(study.patients, SMALL) < COLUMNS["definition"]
            assert COLUMNS["definition"] + svg.text_width(study.definition, SMALL) < WIDTH


def test_a_reading_without_a_study_of_a_treatment_has_no_marker(small: dict[str, Any]) -> None:
    randomised, main, naive = panels_marks(small["answers"][0]).panels
    assert [len(panel.ranges) for panel in (randomised, main, naive)] == [2, 3, 3]


def test_figures_are_well_formed(report: dict[str, Any]) -> None:
    answer = report["answers"][0]
    option = answer["options"][0]
    drawn = [
        network_figure(report),
        *(forest_figure(report, row["treatment"]) for row in report["observed"]),
        *(panels_figure(answer) for answer in report["answers"]),
        strip_figure(option["predicted"]["main"], answer["background"]["main"], option["own"]["comparison"]),
    ]
    for text in drawn:
        ElementTree.fromstring(text)


def test_the_order_of_keys_in_the_document_does_not_matter(small: dict[str, Any]) -> None:
    def backwards(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: backwards(part[key]) for key in reversed(part)}
        return [backwards(value) for value in part] if isinstance(part, list) else part

    turned = backwards(small)
    assert forest_figure(turned, "ivig") == forest_figure(small, "ivig")
    assert panels_figure(turned["answers"][0]) == panels_figure(small["answers"][0])
    assert network_figure(turned) == network_figure(small)
