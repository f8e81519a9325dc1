"""What one year could know, and what came after: each later randomised arm as it was predicted and as it turned out.

The bar is the 95% predictive interval, the thick part the 50% one, the tick its mean; the marker is what was seen,
filled for an active arm and hollow for background therapy. A marker outside its bar is an arm nobody foresaw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from myopoise.report import svg
from myopoise.report.names import treatment_name
from myopoise.report.rounding import hundred
from myopoise.vocabulary import BACKGROUND, Level

__all__ = ["backtest_figure", "rows_seen_from", "years_drawn"]

Part = Mapping[str, Any]

_WIDTH, _ROW, _TOP = 1000.0, 22.0, 44.0
_AXIS = (430.0, 840.0)
_SIZE, _SMALL = 13.0, 11.5


def rows_seen_from(document: Part, year: int) -> list[Part]:
    """Arms predicted by the main reading from the end of a year, the next to be published first."""
    rows = [
        row
        for row in document["rows"]
        if row["as_of"] == year and row["method"] == "main" and row["kind"] == "arm"
    ]
    return sorted(
        rows, key=lambda row: (row["year"], row["study"], row["treatment"] == BACKGROUND, row["arm"])
    )


def backtest_figure(document: Part, year: int) -> str:
    """The figure as SVG.

    Parameters
    ----------
    document
        What `backtest_document` made.
    year
        Year at whose end the predictions were made.
    """
    rows = rows_seen_from(document, year)
    inside = sum(row["covered_95"] for row in rows)
    height = _TOP + _ROW * len(rows)
    description = (
        f"{len(rows)} arms of later trials as predicted at the end of {year}: {inside} of them fell into their 95% "
        "predictive interval. The same numbers stand in the text columns."
    )
    parts = [_frame(height), *(_row_ink(row, _TOP + _ROW * i + _ROW / 2) for i, row in enumerate(rows))]
    title = f"What {year} could know of later trials"
    return svg.figure(f"backtest-{year}", _WIDTH, height + 30, title, description, parts)


def _place(share: float) -> float:
    return _AXIS[0] + (_AXIS[1] - _AXIS[0]) * share


def _frame(height: float) -> str:
    head: dict[str, str | float] = {"font_size": _SMALL, "fill": svg.QUIET, "font_weight": "600"}
    parts = [
        svg.text(8, 20, "Trial and arm", **head),
        svg.text(_AXIS[0] - 20, 20, "Seen", text_anchor="end", **head),
        svg.text(sum(_AXIS) / 2, 20, "Responders in 100", text_anchor="middle", **head),
        svg.text(_WIDTH - 8, 20, "Predicted (95%)", text_anchor="end", **head),
        svg.line(0, 30, _WIDTH, 30, stroke=svg.FAINT),
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _place(share)
        parts.append(svg.line(x, 36, x, height + 4, stroke="#e4e7eb" if 0 < share < 1 else svg.FAINT))
        parts.append(
            svg.text(x, height + 20, hundred(share), text_anchor="middle", font_size=_SMALL, fill=svg.QUIET)
        )
    return svg.group(parts)


def _row_ink(row: Part, y: float) -> str:
    active = row["treatment"] != BACKGROUND
    name = f"{row['study']}, {treatment_name(row['treatment'])}"
    level = "" if row["level"] == Level.MINIMAL.value else f" ({row['level']})"
    words = f"{hundred(row['mean'])} ({hundred(row['low_95'])}–{hundred(row['high_95'])})"
    missed = "" if row["covered_95"] else ": outside"
    x = _place(row["observed"])
    plain: dict[str, str | float] = {"font_size": _SIZE, "fill": svg.INK}
    ink = svg.BLUE if active else svg.ORANGE
    low, high = _place(row["low_50"]), _place(row["high_50"])
    mean = _place(row["mean"])
    marker = (
        svg.rectangle(x - 4.5, y - 4.5, 9, 9, fill=ink)
        if active
        else svg.rectangle(x - 4, y - 4, 8, 8, fill="#fff", stroke=ink, stroke_width=1.6)
    )
    return svg.group(
        [
            svg.text(8, y + 4, f"{name}{level}", **plain),
            svg.text(_AXIS[0] - 20, y + 4, f"{row['events']}/{row['n']}", text_anchor="end", **plain),
            svg.line(_place(row["low_95"]), y, _place(row["high_95"]), y, stroke=svg.QUIET, stroke_width=1.4),
            svg.line(low, y, high, y, stroke=svg.FAINT, stroke_width=7),
            svg.line(mean, y - 6, mean, y + 6, stroke=svg.QUIET, stroke_width=1.4),
            marker,
            svg.text(_WIDTH - 8, y + 4, f"{words}{missed}", text_anchor="end", **plain),
        ],
        f"{name}: {row['events']} of {row['n']} reached the level '{row['level']}'; predicted {words} in 100{missed}.",
    )


def years_drawn(document: Part) -> Sequence[int]:
    """The founding review's year where predictions were made at its end, else the first year."""
    first, last = document["from"], document["to"]
    return (_FOUNDING,) if first <= _FOUNDING <= last else (first,)


_FOUNDING = 2006
"""Year of the review that asked the question (Ytterberg)."""
