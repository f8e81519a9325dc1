"""The values a selection is made of: rows of counts, printed P values, and what was set aside."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from myopoise.vocabulary import BACKGROUND, Level, Phenotype, StudyKind

__all__ = ["PrintedP", "Row", "Selection", "SetAside", "treatments_in"]


@dataclass(frozen=True)
class Row:
    """One group of patients of one arm, with how many reached each level of response.

    Parameters
    ----------
    study, arm
        Identifiers in the evidence tables.
    year
        Year of publication, None where unknown.
    kind
        ``ord`` for counts, ``mean`` for a mean score.
    design
        What the study lets one conclude.
    definition
        Class of the rule that decided on response.
    treatments
        Codes, or ``background`` alone.
    shares
        Share of each diagnosis, summing to one.
    n
        Patients.
    counts
        Patients at or above each level that was reported.
    mean, se
        Mean score in points and its standard error, for ``mean`` rows.
    variant
        ``adult`` or ``jdm``: which thresholds the levels mean.
    outcome_ids
        The outcome rows the numbers come from.
    shares_assumed
        Whether the mix is not reported and equal shares were assumed.
    note
        What was assumed, if anything.
    """

    study: str
    arm: str
    year: int | None
    kind: str
    design: StudyKind
    definition: str
    treatments: tuple[str, ...]
    shares: Mapping[Phenotype, float]
    n: int
    counts: Mapping[Level, int]
    mean: float | None = None
    se: float | None = None
    variant: str = "adult"
    outcome_ids: tuple[str, ...] = ()
    shares_assumed: bool = False
    note: str = ""

    @property
    def juvenile(self) -> bool:
        """Whether all patients have juvenile dermatomyositis."""
        return self.variant == "jdm"


@dataclass(frozen=True)
class PrintedP:
    """A randomised comparison of which only a P value, or 'not significant', was printed.

    Parameters
    ----------
    contrast_id, study, year
        Where it stands.
    treatments_1, n_1, treatments_0, n_0
        The two arms and their sizes.
    how
        ``p`` for a printed P value, ``ns`` for 'not significant'.
    abs_z
        Absolute z score of the P value; None for ``ns``.
    shares
        Diagnosis mix of the trial.
    shares_assumed
        Whether the mix is not reported and equal shares were assumed.
    note
        What was assumed, if anything.
    """

    contrast_id: str
    study: str
    year: int | None
    treatments_1: tuple[str, ...]
    n_1: int
    treatments_0: tuple[str, ...]
    n_0: int
    how: str
    abs_z: float | None
    shares: Mapping[Phenotype, float]
    shares_assumed: bool = False
    note: str = ""


def treatments_in(rows: Iterable[Row], printed: Iterable[PrintedP]) -> tuple[str, ...]:
    """Every treatment given in some arm, in order of the alphabet; background therapy is not one."""
    used = {t for row in rows for t in row.treatments}
    used |= {t for p in printed for t in (*p.treatments_1, *p.treatments_0)}
    return tuple(sorted(used - {BACKGROUND}))


@dataclass(frozen=True)
class SetAside:
    """A study, or a named part of one that does enter, left out and why."""

    study: str
    year: int | None
    design: str
    population: str
    reason: str
    part: str = ""


@dataclass(frozen=True)
class Selection:
    """The exact rows that enter an analysis, and everything that does not.

    Parameters
    ----------
    rows
        Counts and means of groups of patients, none counted twice.
    printed
        Comparisons known only through a P value.
    set_aside
        One entry per study left out, with the reason.
    parts_set_aside
        Overlapping arms, other time points and other definitions of studies that do enter.
    mechanism
        Mechanism class of each treatment used.
    """

    rows: tuple[Row, ...]
    printed: tuple[PrintedP, ...]
    set_aside: tuple[SetAside, ...]
    parts_set_aside: tuple[SetAside, ...]
    mechanism: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of everything that moves a result: rows, printed comparisons and mechanism classes."""
        rows = sorted(
            repr(
                (
                    r.study,
                    r.arm,
                    r.design,
                    r.definition,
                    r.treatments,
                    sorted(r.shares.items()),
                    r.n,
                    sorted(r.counts.items()),
                    r.mean,
                    r.se,
                    r.variant,
                )
            )
            for r in self.rows
        )
        printed = sorted(
            repr((p.study, p.treatments_1, p.n_1, p.treatments_0, p.n_0, p.abs_z, sorted(p.shares.items())))
            for p in self.printed
        )
        seen = repr((rows, printed, sorted(self.mechanism.items())))
        return hashlib.sha256(seen.encode()).hexdigest()

    @property
    def studies(self) -> tuple[str, ...]:
        """Every study that enters, in order."""
        return tuple(dict.fromkeys([row.study for row in self.rows] + [p.study for p in self.printed]))

    def __str__(self) -> str:
        """One honest paragraph."""
        randomised = {row.study for row in self.rows if row.design.randomised} | {
            p.study for p in self.printed
        }
        patients = sum(row.n for row in self.rows)
        return (
            f"{len(self.studies)} studies enter, {len(randomised)} of them randomised, with {len(self.rows)} groups of "
            f"{patients} patients and {len(self.printed)} comparisons known only through a P value. "
            f"{len(self.set_aside)} studies are set aside, each with its reason."
        )
