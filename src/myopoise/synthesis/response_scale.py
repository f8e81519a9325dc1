"""The one scale of response: where the levels of improvement stand on it, and how points of a score rise along it.

The latent improvement of a patient is normal with sd 1. Minimal improvement is at 0; two distances place the rest,
``k2`` from minimal to moderate and ``k3`` from moderate to major, and getting worse is as far below minimal as moderate
is above it. The improvement score of the 2016 ACR/EULAR criteria is linear between those places: 0 points where one
gets worse, 20, 40 and 60 (children 30, 45 and 70) at the three levels, the last slope continued to 100, flat beyond.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.graded import ramp
from myopoise.vocabulary import Level

__all__ = ["LEVEL_LOADING", "POINTS", "ScorePiece", "mean_score", "score_pieces", "threshold"]

Floats = NDArray[np.float64]

LEVEL_LOADING: Mapping[Level, tuple[float, float]] = {
    Level.STABLE: (-1.0, 0.0),
    Level.MINIMAL: (0.0, 0.0),
    Level.MODERATE: (1.0, 0.0),
    Level.MAJOR: (1.0, 1.0),
}
"""Threshold of each level in units of the two distances."""

POINTS: Mapping[str, tuple[float, float, float]] = {"adult": (20.0, 40.0, 60.0), "jdm": (30.0, 45.0, 70.0)}
"""Score at minimal, moderate and major improvement (Aggarwal 2017, Rider 2017)."""

_MOST_POINTS = 100.0


@dataclass(frozen=True)
class ScorePiece:
    """One change of slope of the score.

    Parameters
    ----------
    kink
        Where it is, in units of the two distances.
    slope
        Points per unit of latent improvement gained there, in units of one over each distance.
    """

    kink: tuple[float, float]
    slope: tuple[float, float]


def score_pieces(points: tuple[float, float, float]) -> tuple[ScorePiece, ...]:
    """The changes of slope of the score, lowest first.

    Parameters
    ----------
    points
        Score at minimal, moderate and major improvement.
    """
    minimal, moderate, major = points
    middle, upper = moderate - minimal, major - moderate
    last = (_MOST_POINTS - major) / upper
    pieces = (
        ScorePiece((-1.0, 0.0), (minimal, 0.0)),
        ScorePiece((0.0, 0.0), (middle - minimal, 0.0)),
        ScorePiece((1.0, 0.0), (-middle, upper)),
        ScorePiece((1.0, 1.0 + last), (0.0, -upper)),
    )
    return tuple(piece for piece in pieces if any(piece.slope))


def threshold(level: Level, distances: Floats) -> Floats:
    """Place of a level on the latent scale, for `distances` of shape ``(..., 2)``."""
    return np.asarray(distances @ np.array(LEVEL_LOADING[level]))


def mean_score(
    eta: Floats, distances: Floats, points: tuple[float, float, float] = POINTS["adult"]
) -> Floats:
    """Mean improvement score of patients whose latent improvement has mean `eta`, in points.

    Parameters
    ----------
    eta
        Any shape.
    distances
        The two distances, shape of `eta` and a last axis of two.
    points
        Score at minimal, moderate and major improvement.
    """
    total = np.zeros_like(eta)
    for piece in score_pieces(points):
        slope = (1.0 / distances) @ np.array(piece.slope)
        total = total + slope * ramp(eta - distances @ np.array(piece.kink))
    return np.asarray(total)
