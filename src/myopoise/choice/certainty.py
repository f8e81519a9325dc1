"""How sure one may be of an option, by stated rules; a judgement separate from any probability.

The domains are those of GRADE and CINeMA as far as the tables carry them. Each says what it found and takes away zero,
one or two steps; randomised evidence starts at high, uncontrolled evidence at low. The rules are thresholds a panel may
dispute: they are constants here, printed beside every grade.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Certainty", "Concern", "Grade"]


class Grade(StrEnum):
    """Certainty of the evidence."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"
    VERY_LOW = "very low"


@dataclass(frozen=True)
class Concern:
    """One domain, how many steps it takes away, and what was found.

    Parameters
    ----------
    domain
        ``design``, ``imprecision``, ``indirectness``, ``heterogeneity`` or ``reporting``.
    steps
        0 for no concern, 1 for some, 2 for major.
    reason
        What was found, in words with the numbers.
    """

    domain: str
    steps: int
    reason: str


@dataclass(frozen=True)
class Certainty:
    """A grade with the concerns behind it."""

    grade: Grade
    concerns: tuple[Concern, ...]
