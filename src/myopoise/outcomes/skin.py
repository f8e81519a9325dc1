"""How severe the skin disease of dermatomyositis is, as a band of CDASI activity.

Two centres drew the line of mild disease at different scores. Whose line is used is called the *anchor*, is always
stated, and comes back with the answer. The bands stand in ``definitions/cdasi-severity.toml``. A score for which an
anchor gives no band (19 by ``upenn``) gets none: it is left open, not rounded to a side.

Responses of the skin are rules of another kind: see ``cdasi-response-points`` and ``cdasi-response-percent``.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.outcomes.definitions import tables
from myopoise.outcomes.exact import Number, exact
from myopoise.outcomes.patients.classification import faults_at

__all__ = [
    "ANCHORS",
    "Anchor",
    "Band",
    "Severity",
    "check_activity",
    "severity",
    "severity_anchor",
    "severity_columns",
]

Floats = NDArray[np.float64]

ANCHORS = ("stanford", "upenn")
"""Whose bands can be used; none is the default."""

OPEN = ""
"""The band where none can be told."""


@dataclass(frozen=True)
class Band:
    """Scores that have one word.

    Parameters
    ----------
    name
        The word.
    first, last
        Smallest and largest score in it, both inside; the score is a whole number.
    status, sources
        How well its limits are known, and keys of the bibliography.
    """

    name: str
    first: int
    last: int
    status: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Anchor:
    """The bands of one centre, from mild upwards.

    Parameters
    ----------
    name, label
        One of `ANCHORS`, and the centre.
    bands
        They do not overlap; a score between two of them is left open.
    """

    name: str
    label: str
    bands: tuple[Band, ...]


@dataclass(frozen=True)
class Severity:
    """The band of one score.

    Parameters
    ----------
    anchor
        Whose bands.
    activity
        CDASI activity.
    band
        The word; empty where the anchor gives none for this score.
    status
        How well the limits of the band are known; UNCONFIRMED where there is no band.
    """

    anchor: str
    activity: int
    band: str
    status: str

    def __str__(self) -> str:
        """The answer in one sentence."""
        said = self.band or "no band, since what was seen does not say on which side it falls"
        return f"CDASI activity {self.activity} by the anchor {self.anchor}: {said} ({self.status})."


def severity_anchor(name: str) -> Anchor:
    """The bands of an anchor; `WrongUsage` with the nearest name for one that does not exist."""
    if name not in ANCHORS:
        near = get_close_matches(name.casefold(), ANCHORS, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise WrongUsage(f"CDASI severity has no anchor '{name}'. {hint}Allowed: {', '.join(ANCHORS)}.")
    return _anchors()[name]


def severity(activity: Number, anchor: str) -> Severity:
    """The band of one score of CDASI activity.

    Parameters
    ----------
    activity
        CDASI activity, a whole number from 0 to 100 (that range is UNCONFIRMED as a statement).
    anchor
        One of `ANCHORS`.

    Raises
    ------
    WrongUsage
        If the score cannot be, or there is no such anchor.

    Examples
    --------
    >>> print(severity(15, "stanford"))
    CDASI activity 15 by the anchor stanford: moderate (CONFIRMED).
    """
    bands = severity_anchor(anchor).bands
    found = float(activity)
    if np.isnan(found) or _wrong(np.array([found]))[0] or exact(activity).denominator != 1:
        raise WrongUsage(f"CDASI activity is {_allowed()}; found {activity}.")
    score = int(found)
    for band in bands:
        if band.first <= score <= band.last:
            return Severity(anchor, score, band.name, band.status)
    return Severity(anchor, score, OPEN, "UNCONFIRMED")


def severity_columns(activity: Floats, anchor: str) -> NDArray[Any]:
    """The band of each of many scores, ``(patient,)``; empty where the score is not known or has no band.

    Parameters
    ----------
    activity
        CDASI activity, ``(patient,)``; not-a-number where not known.
    anchor
        One of `ANCHORS`.

    Raises
    ------
    BadInput
        With every fault of `check_activity`, if there are any.
    """
    bands = severity_anchor(anchor).bands
    if faults := check_activity("patients", "cdasi_activity", activity):
        raise BadInput("patients", faults)
    inside = [(activity >= band.first) & (activity <= band.last) for band in bands]
    return np.select(inside, [np.array(band.name) for band in bands], np.array(OPEN))


def check_activity(file: str, column: str, activity: Floats) -> tuple[Fault, ...]:
    """Every score that cannot be; no value is told.

    Parameters
    ----------
    file, column
        Names, for the faults.
    activity
        CDASI activity, ``(patient,)``; not-a-number where a cell is empty.
    """
    remedy = f"Write {_allowed()}; leave unknown empty."
    return tuple(faults_at(file, column, _wrong(activity), "out-of-range", f"not {_allowed()}", remedy))


def _wrong(activity: Floats) -> NDArray[np.bool_]:
    """Where the score is known and is not a whole number in the range."""
    low, high = _range()
    outside = (activity < low) | (activity > high)
    return np.asarray(outside | (~np.isnan(activity) & (activity != np.rint(activity))))


def _allowed() -> str:
    low, high = _range()
    return f"a whole number from {low} to {high}"


def _range() -> tuple[int, int]:
    row = tables()["cdasi-severity"]["range"]
    return row["low"], row["high"]


@cache
def _anchors() -> dict[str, Anchor]:
    return {
        row["name"]: Anchor(row["name"], row["label"], tuple(_band(band) for band in row["bands"]))
        for row in tables()["cdasi-severity"]["anchors"]
    }


def _band(row: dict[str, Any]) -> Band:
    return Band(row["name"], row["from"], row["to"], row["status"], tuple(row["sources"]))
