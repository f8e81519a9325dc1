"""Forest plot of one treatment: what each study saw, then what each reading predicts for each group of patients.

A randomised study has its background arm on the same line as a hollow marker. Shapes differ as well as colours: a
filled square is a randomised arm, a filled circle an uncontrolled one, a hollow square a control arm, a diamond a
prediction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from myopoise.report import svg
from myopoise.report.forest_marks import (
    AXIS,
    COLUMNS,
    ROW,
    SIZE,
    SMALL,
    WIDTH,
    ForestMarks,
    Heading,
    PrintedMark,
    StudyMark,
    SummaryMark,
    forest_marks,
    place,
)
from myopoise.report.names import treatment_name
from myopoise.report.rounding import hundred

__all__ = ["forest_figure"]

Part = Mapping[str, Any]


def forest_figure(document: Part, treatment: str) -> str:
    """The forest plot of one treatment as SVG.

    Parameters
    ----------
    document
        The document of the report.
    treatment
        Codes of the treatment, joined by plus signs.
    """
    marks = forest_marks(document, treatment)
    name = treatment_name(treatment)
    groups = "1 group" if len(marks.studies) == 1 else f"{len(marks.studies)} groups"
    description = (
        f"{groups} of patients given {name}, each with the share that responded and its 95% "
        f"interval, and {len(marks.summaries)} predictions. The same numbers stand in the text columns."
    )
    parts = [
        _frame(marks),
        *(_heading_ink(heading) for heading in marks.headings),
        *(_study_ink(mark) for mark in marks.studies),
        *(_printed_ink(mark) for mark in marks.printed),
        *(_summary_ink(mark) for mark in marks.summaries),
    ]
    identifier = "forest-" + treatment.replace("+", "-and-")
    return svg.figure(identifier, WIDTH, marks.height + 40, f"Studies of {name}", description, parts)


def _frame(marks: ForestMarks) -> str:
    head: dict[str, str | float] = {"font_size": SMALL, "fill": svg.QUIET, "font_weight": "600"}
    parts = [
        svg.text(COLUMNS["study"], 20, "Study", **head),
        svg.text(COLUMNS["patients"], 20, "Patients", **head),
        svg.text(COLUMNS["definition"], 20, "Definition of response", **head),
        svg.text(COLUMNS["counts"], 20, "Drug", text_anchor="end", **head),
        svg.text(COLUMNS["control"], 20, "Control", text_anchor="end", **head),
        svg.text((AXIS[0] + AXIS[1]) / 2, 20, "Responders in 100", text_anchor="middle", **head),
        svg.text(COLUMNS["values"], 20, "In 100 (95% interval)", text_anchor="end", **head),
        svg.line(0, 30, WIDTH, 30, stroke=svg.FAINT),
    ]
    bottom = marks.height + 4
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = place(share)
        parts.append(svg.line(x, 36, x, bottom, stroke="#e4e7eb" if 0 < share < 1 else svg.FAINT))
        parts.append(
            svg.text(x, bottom + 16, hundred(share), text_anchor="middle", font_size=SMALL, fill=svg.QUIET)
        )
    return svg.group(parts)


def _heading_ink(heading: Heading) -> str:
    return svg.text(
        COLUMNS["study"], heading.y + 4, heading.words, font_size=SIZE, font_weight="600", fill=svg.INK
    )


def _printed_ink(mark: PrintedMark) -> str:
    base = mark.y + 4
    plain: dict[str, str | float] = {"font_size": SIZE, "fill": svg.INK}
    quiet: dict[str, str | float] = {"font_size": SMALL, "fill": svg.QUIET}
    halo: dict[str, str | float] = {"paint_order": "stroke", "stroke": "#fff", "stroke_width": 4}
    name = svg.text(COLUMNS["study"] + 10, base, mark.name, **{**plain, "class": "study"})
    return svg.group(
        [
            svg.link(f"#study-{mark.study}", name),
            svg.text(COLUMNS["patients"], base, mark.patients, **quiet),
            svg.text(COLUMNS["counts"], base, mark.counts, text_anchor="end", **plain),
            svg.text(COLUMNS["control"], base, mark.control_counts, text_anchor="end", **plain),
            svg.text(AXIS[0] + 6, base, mark.words, **{**quiet, **halo}),
        ],
        f"{mark.name}: {mark.words}; it enters the model through that alone.",
    )


def _study_ink(mark: StudyMark) -> str:
    colour = svg.BLUE if mark.randomised else svg.ORANGE
    base = mark.y + 4
    plain: dict[str, str | float] = {"font_size": SIZE, "fill": svg.INK}
    name = svg.text(COLUMNS["study"] + 10, base, mark.name, **{**plain, "class": "study"})
    parts = [
        svg.link(f"#study-{mark.study}", name),
        svg.text(COLUMNS["patients"], base, mark.patients, font_size=SMALL, fill=svg.QUIET),
        svg.text(COLUMNS["definition"], base, mark.definition, font_size=SMALL, fill=svg.QUIET),
        svg.text(COLUMNS["counts"], base, mark.counts, text_anchor="end", **plain),
        svg.text(COLUMNS["control"], base, mark.control_counts, text_anchor="end", **plain),
        svg.text(COLUMNS["values"], base, mark.values, text_anchor="end", **plain),
    ]
    y = mark.y
    if mark.control:
        y -= 3.5
        low, middle, high = mark.control
        under = mark.y + 5
        parts.append(svg.line(low, under, high, under, stroke=svg.QUIET, stroke_width=1))
        parts.append(
            svg.rectangle(middle - 3.5, under - 3.5, 7, 7, fill="#fff", stroke=svg.INK, stroke_width=1.2)
        )
    parts.append(svg.line(mark.low, y, mark.high, y, stroke=colour, stroke_width=1.8))
    if mark.randomised:
        parts.append(svg.rectangle(mark.middle - 4.5, y - 4.5, 9, 9, fill=colour))
    else:
        parts.append(svg.circle(mark.middle, y, 4.5, fill=colour))
    return svg.group(parts, mark.told)


def _summary_ink(mark: SummaryMark) -> str:
    base = mark.y + 4
    weight = "600" if mark.main else "400"
    told = f"{mark.name}: {mark.values} in 100. The bar is the prediction interval, the dashed line background therapy."
    dashed: dict[str, str | float] = {"stroke": svg.INK, "stroke_width": 1.2, "stroke_dasharray": "3 2.5"}
    top, bottom = mark.y - ROW / 2, mark.y + ROW / 2
    return svg.group(
        [
            svg.text(
                COLUMNS["study"] + 10, base, mark.name, font_size=SIZE, font_weight=weight, fill=svg.INK
            ),
            svg.rectangle(mark.new_low, mark.y - 1.2, mark.new_high - mark.new_low, 2.4, fill=svg.QUIET),
            svg.line(mark.background, top, mark.background, bottom, **dashed),
            svg.diamond(
                mark.low,
                mark.middle,
                mark.high,
                mark.y,
                6.5,
                fill=svg.INK if mark.main else "#fff",
                stroke=svg.INK,
                stroke_width=1.2,
            ),
            svg.text(
                COLUMNS["values"],
                base,
                mark.values,
                text_anchor="end",
                font_size=SIZE,
                font_weight=weight,
                fill=svg.INK,
            ),
        ],
        told,
    )
