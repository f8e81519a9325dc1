"""The league table: every treatment against every other, in one orientation that its caption states.

Tables that put the row against the column below the diagonal and the column against the row above it are misread. Here
every cell is the row's treatment against the column's, above the diagonal too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from myopoise.errors import WrongUsage
from myopoise.estimate import Estimate
from myopoise.synthesis.findings import Confidence, NetworkEstimate, NetworkSynthesis, Pair

__all__ = ["League", "league"]


@dataclass(frozen=True)
class League:
    """A league table.

    Parameters
    ----------
    treatments
        Rows and columns, in the same order.
    cells
        Row against column, for every two different treatments.
    scale
        What a cell is.
    caption
        How to read it.
    direct
        Direct evidence alone, row against column; empty where there is none, or none was asked for.
    """

    treatments: tuple[str, ...]
    cells: Mapping[Pair, Estimate | Confidence]
    scale: str
    caption: str
    direct: Mapping[Pair, Estimate | Confidence] = field(default_factory=dict)

    def rows(self) -> tuple[tuple[Estimate | Confidence | None, ...], ...]:
        """The cells row by row, None on the diagonal."""
        return tuple(
            tuple(None if row == column else self.cells[row, column] for column in self.treatments)
            for row in self.treatments
        )


def league(
    found: NetworkSynthesis | NetworkEstimate,
    *,
    effects: Mapping[Pair, Estimate] | None = None,
    direct: Mapping[Pair, Estimate] | Mapping[Pair, Confidence] | None = None,
    order: Sequence[str] | None = None,
) -> League:
    """The league table of a synthesis.

    Parameters
    ----------
    found
        The synthesis.
    effects
        The same effects on another scale (`scales`); None for those of the synthesis.
    direct
        Direct evidence to stand beside: effects of unrelated means, for example, on the scale of the cells.
    order
        Treatments in the order wanted; None for best first, or the synthesis's own where nothing was ranked.

    Raises
    ------
    WrongUsage
        When `order` is not the treatments, or not every pair has an effect.
    """
    treatments = tuple(order) if order is not None else _best_first(found)
    if sorted(treatments) != sorted(found.treatments):
        raise WrongUsage(f"the order must name each treatment once: {', '.join(found.treatments)}.")
    cells: dict[Pair, Estimate | Confidence] = {}
    given = found.relative_effects if effects is None else effects
    for row in treatments:
        for column in treatments:
            if row != column:
                if (row, column) not in given:
                    raise WrongUsage(f"there is no effect of {row} against {column}.")
                cells[row, column] = given[row, column]
    some = next(iter(cells.values()), None)
    scale = some.scale if isinstance(some, Estimate) else found.scale
    kind = "confidence" if isinstance(some, Confidence) else "credible"
    beside: dict[Pair, Estimate | Confidence] = {**direct} if direct else {}
    caption = (
        f"Each cell is the treatment of its row compared with the treatment of its column: {scale}, "
        f"95% {kind} interval."
    )
    if beside:
        caption += " Beside it, where there is any, what studies that compared the two directly say alone."
    return League(treatments, cells, scale, caption, beside)


def _best_first(found: NetworkSynthesis | NetworkEstimate) -> tuple[str, ...]:
    if isinstance(found, NetworkSynthesis):
        return tuple(rank.treatment for rank in found.ranking) or found.treatments
    return tuple(sorted(found.treatments, key=lambda t: (-found.p_scores.get(t, 0.0), t)))
