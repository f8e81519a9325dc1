"""What studies report, as values: arms with their own results, or contrasts between arms, or both in one network.

A study reports either by *arm* (events of each arm, a mean of each arm) or by *contrast* (the difference of each arm
from the study's first arm, with the covariance that sharing that arm brings). Names are kept as they were written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arms", "Contrasts", "Outcome", "Studies"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Outcome(StrEnum):
    """What was measured in each arm, or that contrasts are given."""

    BINOMIAL = "binomial"
    ORDERED = "ordered"
    NORMAL = "normal"
    POISSON = "poisson"
    CONTRAST = "contrast"


@dataclass(frozen=True, eq=False)
class Arms:
    """Results by arm: one outcome, one entry an arm, arms of one study side by side.

    Parameters
    ----------
    outcome
        Which of the fields below are filled.
    study, treatment
        Position in the names of `Studies`, shape ``(arm,)``; `study` is non-decreasing.
    events
        Patients with the event (binomial) or number of events (Poisson).
    n
        Patients (binomial, ordered; normal where it was given, else NaN).
    at_least
        Patients at or above each threshold, lowest threshold first, shape ``(arm, threshold)``, NaN where a study did
        not report it (ordered).
    mean, se
        Mean and its standard error (normal).
    exposure
        Person-time (Poisson).
    time
        Length of follow-up, NaN where unknown; the cloglog model of rates takes its logarithm as an offset.
    covariates
        One number an arm, NaN where unknown; shape ``(arm,)`` each.
    row
        Line of the file each arm stands on, for messages; zero where it came from no file.
    """

    outcome: Outcome
    study: Ints
    treatment: Ints
    events: Floats | None = None
    n: Floats | None = None
    at_least: Floats | None = None
    mean: Floats | None = None
    se: Floats | None = None
    exposure: Floats | None = None
    time: Floats | None = None
    covariates: Mapping[str, Floats] = field(default_factory=dict)
    row: Ints | None = None

    def __len__(self) -> int:
        """Number of arms."""
        return len(self.study)


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Contrasts of studies that all have the same number of arms.

    Parameters
    ----------
    study
        Position in the names of `Studies`, shape ``(study,)``.
    treatment
        Shape ``(study, arm)``; the first arm is the one the others are compared with.
    estimate
        Arm less first arm, shape ``(study, arm - 1)``.
    covariance
        Of `estimate`, shape ``(study, arm - 1, arm - 1)``.
    inconsistency
        Squared distance, in standard errors, between the contrasts as given and the nearest ones that add up; zero
        for a study that gave no more contrasts than it needs. Shape ``(study,)``.
    covariates
        One number a study, shape ``(study,)`` each.
    """

    study: Ints
    treatment: Ints
    estimate: Floats
    covariance: Floats
    inconsistency: Floats
    covariates: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of studies."""
        return len(self.study)


@dataclass(frozen=True, eq=False)
class Studies:
    """The studies of one synthesis.

    Parameters
    ----------
    names
        Names of the studies, in the order they were first met.
    treatments
        Names of the treatments, in the order they were first met.
    arms
        Results by arm, or None.
    contrasts
        Results by contrast, one entry for each number of arms, ascending; a study is here or in `arms`, never in both.
    measure
        Scale of the contrasts in words (``mean difference``, ``log odds ratio``), empty where unknown.
    notes
        What a reader should know of how the file was understood, a sentence each.
    """

    names: tuple[str, ...]
    treatments: tuple[str, ...]
    arms: Arms | None = None
    contrasts: tuple[Contrasts, ...] = ()
    measure: str = ""
    notes: tuple[str, ...] = ()

    @property
    def arm_count(self) -> int:
        """Arms in all studies."""
        return (len(self.arms) if self.arms else 0) + sum(c.treatment.size for c in self.contrasts)
