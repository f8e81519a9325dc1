"""Forest plots of a synthesis: every treatment against the reference, and direct against indirect evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from myopoise.report.rounding import p_value
from myopoise.report.synthesis_intervals import (
    IntervalMarks,
    IntervalRow,
    interval_figure,
    interval_marks,
)
from myopoise.report.synthesis_words import (
    effect_digits,
    effect_words,
    favours,
    in_order,
    interval_name,
    missing,
    new_study,
    plural,
    ratio_name,
    ratio_words,
    ratio_words_of,
    shown,
    versus_reference,
)

__all__ = ["effects_figure", "effects_marks", "splits_figure", "splits_marks"]

Part = Mapping[str, Any]


def effects_marks(document: Part) -> IntervalMarks:
    """Where everything goes of the plot of each treatment against the reference, the better higher.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    rows, new = versus_reference(document), new_study(document)
    digits, log = effect_digits(rows.values()), bool(ratio_name(document))
    what = ratio_name(document) or document["scale"] or "effect"
    lines = []
    for name in (name for name in in_order(document) if name in rows):
        found = shown(rows[name])
        words = [ratio_words(rows[name]) if log else effect_words(rows[name], digits)]
        if new:
            words.append(_ends(new[name], digits, log=log) if name in new else "–")
        lines.append(IntervalRow(name, found.middle, found.low, found.high, new.get(name), tuple(words)))
    columns = (
        "Treatment",
        f"{what} v {document['reference']}",
        "95% interval",
        *(["New study"] if new else []),
    )
    return interval_marks(lines, columns, favours(document, "treatment", document["reference"]), ratios=log)


def effects_figure(document: Part) -> str:
    """Every treatment against the reference as SVG.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    marks = effects_marks(document)
    description = (
        f"{plural(len(marks.rows), 'treatment')} against {document['reference']}, each with its 95% "
        f"{interval_name(document)}. The numbers stand beside the intervals and in the league table."
    )
    return interval_figure(marks, "effects", f"Effects against {document['reference']}", description)


def splits_marks(document: Part) -> IntervalMarks:
    """Where everything goes of the plot of direct, indirect and joint evidence on each comparison.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    splits = document["node_splits"]
    digits = effect_digits([split["network"] for split in splits])
    log = bool(ratio_name(document))
    lines = []
    for split in splits:
        p = split["p_value"]
        studies = plural(len(split["studies"]), "study", "studies") if split["studies"] else "direct"
        tested = "P not computed" if missing(p) else f"P {p_value(p)} for a difference"
        heading = f"{split['treatment']} v {split['versus']}: {studies}, {tested}"
        lines.append(IntervalRow(heading, heading=True))
        for part, shape in (("direct", "square"), ("indirect", "circle"), ("network", "diamond")):
            row = split[part]
            found = shown(row)
            words = ratio_words(row) if log else effect_words(row, digits)
            lines.append(IntervalRow(part, found.middle, found.low, found.high, None, (words,), shape))
    what = ratio_name(document) or document["scale"] or "effect"
    columns = ("Comparison", what, "95% interval")
    return interval_marks(lines, columns, favours(document, "the first", "the second"), ratios=log)


def splits_figure(document: Part) -> str:
    """Direct against indirect evidence as SVG.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    count = len(document["node_splits"])
    description = (
        f"{plural(count, 'comparison')}: square for direct, circle for indirect evidence, diamond for both together. "
        "The numbers stand beside the intervals and in the table below."
    )
    return interval_figure(splits_marks(document), "splits", "Direct against indirect evidence", description)


def _ends(ends: tuple[float, float], digits: int, *, log: bool) -> str:
    if log:
        return ratio_words_of(0.0, *ends).partition("(")[2].rstrip(")")
    row = {"estimate": 0.0, "se": 1.0, "ci_low": ends[0], "ci_high": ends[1]}
    return effect_words(row, digits).partition("(")[2].rstrip(")")
