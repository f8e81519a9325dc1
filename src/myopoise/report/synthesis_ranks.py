"""Ranks as a picture: a row a treatment, a column a rank, the darker the more probable, with the number in the cell.

The effect with its interval stands in the same row: a rank alone hides how little may lie between two treatments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from myopoise.report import svg
from myopoise.report.rounding import chance, number
from myopoise.report.synthesis_axis import wrapped
from myopoise.report.synthesis_words import (
    effect_digits,
    effect_words,
    of,
    ratio_name,
    ratio_words,
    standing,
    versus_reference,
)

__all__ = ["RankCell", "RankMarks", "RankRow", "ranks_figure", "ranks_marks"]

Part = Mapping[str, Any]

WIDTH = 920.0
LEFT, GRID = 8.0, 256.0
TOP, ROW = 44.0, 32.0
ROOM = 400.0
"""Width of all columns together."""
SIZE, SMALL = 13.0, 11.5
_LETTERED = 34.0
"""Width from which a cell has room for its number."""


@dataclass(frozen=True)
class RankCell:
    """Probability of one rank: its square, its shade between 0 and 1, and its number."""

    x: float
    width: float
    shade: float
    words: str


@dataclass(frozen=True)
class RankRow:
    """One treatment: name in lines, cells, effect and SUCRA in words."""

    name: tuple[str, ...]
    y: float
    cells: tuple[RankCell, ...]
    effect: str
    sucra: str
    told: str


@dataclass(frozen=True)
class RankMarks:
    """Everything of the picture but the ink."""

    rows: tuple[RankRow, ...]
    ranks: tuple[tuple[float, str], ...]
    effect: str
    height: float


def ranks_marks(document: Part) -> RankMarks:
    """Where every cell goes.

    Parameters
    ----------
    document
        The document of a synthesis, with a ranking.
    """
    effects = versus_reference(document)
    digits, log = effect_digits(effects.values()), ratio_name(document)
    order = standing(document)
    width = ROOM / max(1, len(order))
    rows = []
    for place, (name, (score, row)) in enumerate(order.items()):
        effect = effects.get(name)
        words = (
            "reference" if effect is None else ratio_words(effect) if log else effect_words(effect, digits)
        )
        cells = tuple(
            RankCell(GRID + width * at, width, p, chance(p) if width >= _LETTERED and p >= 0.005 else "")
            for at, p in enumerate(row["probabilities"] if row else ())
        )
        mean = f", mean rank {number(of(row, 'mean_rank'), 1)}" if row else ""
        told = f"{name}: effect {words}, SUCRA {number(score, 2)}{mean}"
        rows.append(
            RankRow(wrapped(name, 30), TOP + ROW * (place + 0.5), cells, words, number(score, 2), told)
        )
    every = max(1, round(24 / width))
    ranks = tuple((GRID + width * (at + 0.5), str(at + 1)) for at in range(len(order)) if at % every == 0)
    return RankMarks(tuple(rows), ranks, f"{log or 'effect'} v reference", TOP + ROW * len(rows) + 6)


def ranks_figure(document: Part) -> str:
    """Probabilities of ranks as SVG.

    Parameters
    ----------
    document
        The document of a synthesis, with a ranking.
    """
    marks = ranks_marks(document)
    head: dict[str, str | float] = {"font_size": SMALL, "fill": svg.QUIET, "font_weight": "600"}
    parts = [
        svg.text(LEFT, 14, "Treatment", **head),
        svg.text(GRID + ROOM / 2, 14, "Rank, 1 is best", text_anchor="middle", **head),
        svg.text(WIDTH - 62, 14, marks.effect, text_anchor="end", **head),
        svg.text(WIDTH - LEFT, 14, "SUCRA", text_anchor="end", **head),
        *(
            svg.text(x, 34, words, text_anchor="middle", font_size=SMALL, fill=svg.QUIET)
            for x, words in marks.ranks
        ),
        *(_ink(row) for row in marks.rows),
    ]
    description = (
        f"Probability of each rank for {len(marks.rows)} treatments, with the effect against the reference beside it. "
        "The table of ranks holds the numbers."
    )
    return svg.figure("ranks", WIDTH, marks.height, "Where each treatment may stand", description, parts)


def _ink(row: RankRow) -> str:
    plain: dict[str, str | float] = {"font_size": SIZE, "fill": svg.INK}
    first = row.y + 4 - 7 * (len(row.name) - 1)
    parts = [svg.text(LEFT, first + 14 * place, words, **plain) for place, words in enumerate(row.name)]
    for cell in row.cells:
        top = row.y - ROW / 2 + 1.5
        parts.append(
            svg.rectangle(
                cell.x, top, cell.width - 1.5, ROW - 3, fill="#fff", stroke="#e4e7eb", stroke_width=1
            )
        )
        if cell.shade >= 0.005:
            parts.append(
                svg.rectangle(
                    cell.x, top, cell.width - 1.5, ROW - 3, fill=svg.BLUE, fill_opacity=min(1.0, cell.shade)
                )
            )
        if cell.words:
            middle = cell.x + (cell.width - 1.5) / 2
            colour = "#fff" if cell.shade > 0.55 else svg.INK
            parts.append(
                svg.text(middle, row.y + 4, cell.words, text_anchor="middle", font_size=SMALL, fill=colour)
            )
    parts.append(svg.text(WIDTH - 62, row.y + 4, row.effect, text_anchor="end", **plain))
    parts.append(svg.text(WIDTH - LEFT, row.y + 4, row.sucra, text_anchor="end", **plain))
    return svg.group(parts, row.told)
