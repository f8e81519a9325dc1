"""Scores as tables: SCORES itself, and the details of how every measure was read.

The columns of SCORES are a contract. Columns of the visits that no instrument knows follow behind them, unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myopoise.outcomes.columnar import Scores
from myopoise.outcomes.held import Held
from myopoise.outcomes.instruments import instruments
from myopoise.outcomes.reasons import STATUSES, reason_text

if TYPE_CHECKING:
    import polars

__all__ = ["DETAILS", "POINTS", "SCORES", "details_frame", "scores_frame"]

POINTS = (
    "physician_global_points",
    "patient_global_points",
    "strength_points",
    "function_points",
    "enzyme_points",
    "extramuscular_points",
)
SCORES = (
    *("patient", "week", "definition", "score", "category", "status", "enzyme"),
    *POINTS,
    *("score_low", "score_high", "reason"),
)
"""Columns of SCORES, one row for a patient and follow-up week."""

DETAILS = (
    *("patient", "week", "measure", "instrument", "baseline", "followup", "unit", "range"),
    *("change_percent_of_range", "points"),
)
"""Columns of the details, one row for a patient, follow-up week and measure."""


def scores_frame(scores: Scores, frame: polars.DataFrame, passed: Sequence[str]) -> polars.DataFrame:
    """SCORES, with the passed-through columns behind.

    Parameters
    ----------
    scores
        What was found.
    frame
        The visits that were scored, in the order of the arrays; ``patient``, ``week`` and what passes through.
    passed
        Columns that pass through.
    """
    import polars

    judged = frame[scores.rows]
    count = len(scores.rows)
    columns: dict[str, polars.Series] = {
        "patient": judged["patient"],
        "week": judged["week"],
        "definition": polars.repeat(scores.plan.definition.name, count, dtype=polars.String, eager=True),
        "score": _numbers(scores.score),
        "category": _words(scores.words, scores.category),
        "status": _words(STATUSES, scores.status),
        "enzyme": _words(_enzymes(scores), scores.enzyme),
    }
    nothing = polars.repeat(None, count, dtype=polars.Float64, eager=True)
    for name in POINTS:
        points = scores.points.get(name.removesuffix("_points"))
        columns[name] = nothing if points is None else _numbers(points)
    columns["score_low"], columns["score_high"] = _numbers(scores.score_low), _numbers(scores.score_high)
    columns["reason"] = _reasons(scores)
    columns |= {name: judged[name] for name in passed}
    return polars.DataFrame({name: series.alias(name) for name, series in columns.items()})


def details_frame(scores: Scores, frame: polars.DataFrame) -> polars.DataFrame:
    """How every measure was read: instrument, both values, the range and the change in percent of it.

    Parameters
    ----------
    scores
        What was found.
    frame
        As for `scores_frame`.

    Returns
    -------
    details
        Columns `DETAILS`. Enzymes that are chosen by their ratio are multiples of the upper limit of normal. The
        change is towards better when positive, and is shown to six decimals; bands are decided on the exact value.
    """
    import polars

    judged = frame[scores.rows]
    tables = [
        polars.DataFrame(
            {
                "patient": judged["patient"],
                "week": judged["week"],
                "measure": polars.repeat(domain, len(judged), dtype=polars.String, eager=True),
                **_detail(scores, domain, held),
            }
        )
        for domain, held in scores.held.items()
    ]
    # The measures of a visit stand together, in the order of the definition.
    order = np.arange(len(judged) * len(tables)).reshape(len(tables), len(judged)).T.ravel()
    return polars.concat(tables)[order]


def _detail(scores: Scores, domain: str, held: Held) -> dict[str, Any]:
    known = instruments()
    names = scores.plan.instruments[domain]
    factor = held.times / held.per
    whole = np.broadcast_to(np.asarray(held.scale_range, dtype=np.float64), held.baseline.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = np.round(100 * held.sign * (held.followup - held.baseline) / whole, 6) + 0.0  # never -0
    choice = np.where(np.isnan(held.baseline) & (len(names) > 1), np.int8(-1), held.choice)
    points = scores.points.get(domain)
    scored = points is not None
    blank = np.full(len(held.baseline), np.nan)
    return {
        "instrument": _words(names, choice),
        "baseline": _numbers(np.round(held.baseline * factor, 9)),
        "followup": _numbers(np.round(held.followup * factor, 9)),
        "unit": _words(["× ULN" if held.ratio else known[name].unit for name in names], choice),
        "range": _numbers(np.round(whole * factor, 9) if scored else blank),
        "change_percent_of_range": _numbers(percent if scored else blank),
        "points": _numbers(points if points is not None else blank),
    }


def _enzymes(scores: Scores) -> tuple[str, ...]:
    plan = scores.plan
    return next((plan.instruments[d] for d in plan.definition.domains if plan.chosen_by_ratio(d)), ())


def _numbers(values: NDArray[np.float64]) -> polars.Series:
    import polars

    return polars.Series(values, nan_to_null=True)


def _words(words: Sequence[str], codes: NDArray[np.int8]) -> polars.Series:
    """Words by their codes, nothing for -1."""
    import polars

    known = polars.Series([*words, None], dtype=polars.String)
    return known.gather(np.where(codes < 0, len(words), codes).astype(np.uint32))


def _reasons(scores: Scores) -> polars.Series:
    import polars

    if not scores.reason.any():
        return polars.repeat(None, len(scores.reason), dtype=polars.String, eager=True)
    codes, places = np.unique(scores.reason, return_inverse=True)
    texts = [reason_text(scores.plan, int(code)) or None for code in codes]
    return polars.Series(texts, dtype=polars.String).gather(places.astype(np.uint32))
