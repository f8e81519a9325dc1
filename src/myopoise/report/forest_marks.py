"""Where everything of a forest plot goes: text columns, markers, diamonds and their lines, before any ink.

Study and counts stand to the left of one axis from 0 to 100 responders in a hundred, so that a narrow screen shows the
plot before it scrolls; the rest of the text stands to the right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myopoise.report.names import definition_name, design_name, group_name, reading_name
from myopoise.report.rounding import hundred
from myopoise.vocabulary import Level, Phenotype, Reading, StudyKind

__all__ = [
    "AXIS",
    "COLUMNS",
    "ROW",
    "SIZE",
    "SMALL",
    "WIDTH",
    "ForestMarks",
    "Heading",
    "PrintedMark",
    "StudyMark",
    "SummaryMark",
    "forest_marks",
    "place",
]

Part = Mapping[str, Any]

WIDTH = 1000.0
COLUMNS = {
    "study": 8.0,
    "counts": 212.0,
    "control": 270.0,
    "values": 646.0,
    "patients": 668.0,
    "definition": 802.0,
}
AXIS = (290.0, 510.0)
TOP, ROW, GAP = 44.0, 24.0, 12.0
SIZE, SMALL = 13.0, 11.5

_ORDER = {StudyKind.RANDOMISED.value: 0, StudyKind.SINGLE_ARM.value: 1, StudyKind.COHORT.value: 2}


@dataclass(frozen=True)
class Heading:
    """A line that names the rows below it."""

    words: str
    y: float


@dataclass(frozen=True)
class StudyMark:
    """One treated group: a marker with its interval, and its control arm where it has one.

    Parameters
    ----------
    study, name, patients, definition
        The text columns; `study` is where its anchor leads.
    counts, control_counts, values
        Responders of patients, in each arm, and the proportion in words.
    y
        The line.
    low, middle, high
        Horizontal places of the interval and of the proportion.
    control
        The same three places of the control arm; None without one.
    randomised
        Decides the shape.
    told
        What a pointer shows.
    """

    study: str
    name: str
    patients: str
    definition: str
    counts: str
    control_counts: str
    values: str
    y: float
    low: float
    middle: float
    high: float
    control: tuple[float, float, float] | None
    randomised: bool
    told: str


@dataclass(frozen=True)
class PrintedMark:
    """A comparison or group without counts: its line, and words where the marker would be.

    Parameters
    ----------
    study, name, patients
        The text columns; `study` is where its anchor leads.
    counts, control_counts
        Sizes of the two arms.
    words
        What was printed instead of counts.
    y
        The line.
    """

    study: str
    name: str
    patients: str
    counts: str
    control_counts: str
    words: str
    y: float


@dataclass(frozen=True)
class SummaryMark:
    """The prediction of one reading: a diamond for the credible interval on a bar for the prediction interval.

    Parameters
    ----------
    name, values
        Reading, and the numbers in words.
    y
        The line.
    low, middle, high
        Horizontal places of the credible interval.
    new_low, new_high
        Horizontal places of the prediction interval.
    background
        Where the same reading places background therapy.
    main
        Whether it is the main reading.
    """

    name: str
    values: str
    y: float
    low: float
    middle: float
    high: float
    new_low: float
    new_high: float
    background: float
    main: bool


@dataclass(frozen=True)
class ForestMarks:
    """Everything of the picture but the ink."""

    treatment: str
    headings: tuple[Heading, ...]
    studies: tuple[StudyMark, ...]
    printed: tuple[PrintedMark, ...]
    summaries: tuple[SummaryMark, ...]
    height: float


def place(probability: float) -> float:
    """Where a probability lies on the axis."""
    return AXIS[0] + (AXIS[1] - AXIS[0]) * probability


def forest_marks(document: Part, treatment: str) -> ForestMarks:
    """Where every row, marker and diamond of one treatment goes.

    Parameters
    ----------
    document
        The document of the report.
    treatment
        Codes of the treatment, joined by plus signs.
    """
    seen = [row for row in document["observed"] if row["treatment"] == treatment]
    adults = [row for row in seen if not _juvenile(row)]
    headings: list[Heading] = []
    studies: list[StudyMark] = []
    printed: list[PrintedMark] = []
    summaries: list[SummaryMark] = []
    y = TOP
    only_p = [row for row in document["selection"]["printed"] if row["treatment"] == treatment]
    for words, rows in _sections(adults, only_p, [row for row in seen if _juvenile(row)]):
        headings.append(Heading(words, y + ROW / 2))
        for row in rows:
            y += ROW
            if "contrast_id" in row:
                printed.append(_printed_mark(document, row, y + ROW / 2))
            elif row["proportion"] is None:
                printed.append(_mean_mark(row, y + ROW / 2))
            else:
                studies.append(_study_mark(row, y + ROW / 2))
        y += ROW + GAP
    for answer in document["answers"]:
        option = next((o for o in answer["options"] if o["treatment"] == treatment), None)
        if option is None:
            continue
        headings.append(Heading(f"Predicted, {answer['label']}", y + ROW / 2))
        for reading in (reading.value for reading in Reading if reading.value in option["predicted"]):
            y += ROW
            found, background = option["predicted"][reading], answer["background"][reading]
            summaries.append(_summary_mark(reading, found, background, y + ROW / 2))
        y += ROW + GAP
    return ForestMarks(treatment, tuple(headings), tuple(studies), tuple(printed), tuple(summaries), y)


def _juvenile(row: Part) -> bool:
    return list(row["shares"]) == [Phenotype.JDM.value]


def _sections(
    adults: Sequence[Part], only_p: Sequence[Part], children: Sequence[Part]
) -> list[tuple[str, list[Part]]]:
    def by_design(row: Part) -> tuple[int, int, str, str]:
        return _ORDER[row["design"]], row["year"] or 0, row["study"], row["arm"]

    adults = sorted(adults, key=by_design)
    sections = [
        ("Randomised", [row for row in adults if row["design"] == StudyKind.RANDOMISED.value]),
        ("Randomised, without counts", list(only_p)),
        ("Not randomised", [row for row in adults if row["design"] != StudyKind.RANDOMISED.value]),
        ("Children: shown, not in the predictions", sorted(children, key=by_design)),
    ]
    return [(words, rows) for words, rows in sections if rows]


def _study_mark(row: Part, y: float) -> StudyMark:
    found, control = row["proportion"], row["control"]
    randomised = row["design"] == StudyKind.RANDOMISED.value
    # The level where it is not the usual one, else the design: there is room for one of them.
    kind = "" if randomised else f"; {design_name(row['design'])}"
    kind = kind if row["level"] == Level.MINIMAL.value else f"; {row['level']}"
    shares = _mix(row)
    mix = ", ".join(f"{group_name(group)} {hundred(share)}%" for group, share in shares.items())
    against = f"; {row['control_events']} of {row['control_n']} on background therapy" if control else ""
    return StudyMark(
        study=row["study"],
        name=row["name"],
        patients=", ".join(map(group_name, shares)),
        definition=f"{definition_name(row['definition'])}{kind}",
        counts=f"{row['events']}/{row['n']}",
        control_counts=f"{row['control_events']}/{row['control_n']}" if control else "–",
        values=_values(found["mean"], found["low"], found["high"]),
        y=y,
        low=place(found["low"]),
        middle=place(found["mean"]),
        high=place(found["high"]),
        control=(place(control["low"]), place(control["mean"]), place(control["high"])) if control else None,
        randomised=randomised,
        told=f"{row['name']}: {row['events']} of {row['n']} {_reached(row)}{against}. {mix}. {row['note']}".strip(),
    )


def _reached(row: Part) -> str:
    return "responded" if row["level"] == Level.MINIMAL.value else f"reached the level '{row['level']}'"


def _mean_mark(row: Part, y: float) -> PrintedMark:
    """The line of a group whose mean score alone was printed."""
    mean, control = row["mean"], row["control_mean"]
    against = f", control {control['mean']:.0f}" if control else ""
    return PrintedMark(
        study=row["study"],
        name=row["name"],
        patients=", ".join(map(group_name, _mix(row))),
        counts=str(row["n"]),
        control_counts="–" if row["control_n"] is None else str(row["control_n"]),
        words=f"mean score {mean['mean']:.0f}{against} points",
        y=y,
    )


def _mix(row: Part) -> dict[str, float]:
    """Shares in the order of the diagnoses, which JSON does not keep."""
    return {group.value: row["shares"][group.value] for group in Phenotype if group.value in row["shares"]}


def _printed_mark(document: Part, row: Part, y: float) -> PrintedMark:
    name = next(study["name"] for study in document["studies"] if study["id"] == row["study"])
    words = "printed as 'not significant'" if row["how"] == "ns" else "only a P value was printed"
    return PrintedMark(
        row["study"],
        name,
        ", ".join(map(group_name, _mix(row))),
        f"n {row['n']}",
        f"n {row['control_n']}",
        words,
        y,
    )


def _summary_mark(reading: str, found: Part, background: Part, y: float) -> SummaryMark:
    response, new = found["response"], found["predictive"]
    return SummaryMark(
        name=reading_name(reading),
        values=_values(response["median"], response["low"], response["high"]),
        y=y,
        low=place(response["low"]),
        middle=place(response["median"]),
        high=place(response["high"]),
        new_low=place(new["low"]),
        new_high=place(new["high"]),
        background=place(background["response"]["median"]),
        main=reading == Reading.MAIN.value,
    )


def _values(middle: float, low: float, high: float) -> str:
    return f"{hundred(middle)} ({hundred(low)}–{hundred(high)})"
