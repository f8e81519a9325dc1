"""What studies counted of harm: serious infection, serious adverse events, death, withdrawal because of harm.

Counts only, no model: a few rare events in small studies, most without a control group, carry no comparison. A kind
that no study reported is 'not reported', never zero. In each study one row is taken for each treatment, the controlled
phase before any other and of those the longest follow-up; subgroups are left out, and of arms that hold the same
patients the largest is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from myopoise.evidence.study_rows import treatments_of
from myopoise.evidence.tables import Arm, Evidence, Outcome
from myopoise.vocabulary import BACKGROUND

__all__ = ["Harm", "HarmKind", "harms_of"]


class HarmKind(StrEnum):
    """What was counted."""

    INFECTION = "serious infection"
    SERIOUS = "serious adverse event"
    DEATH = "death"
    WITHDRAWAL = "withdrawal because of harm"

    @property
    def endpoint(self) -> str:
        """Code in the evidence tables."""
        return {
            HarmKind.INFECTION: "infection-serious",
            HarmKind.SERIOUS: "ae-serious",
            HarmKind.DEATH: "death",
            HarmKind.WITHDRAWAL: "ae-withdrawal",
        }[self]


@dataclass(frozen=True)
class Harm:
    """Counts of one kind of harm.

    Parameters
    ----------
    kind
        What was counted.
    reported
        Whether any study counted it.
    events, patients
        In all studies that counted it; None where none did.
    studies
        Those studies.
    silent
        Studies of the treatment that do not say.
    outcome_ids
        The rows of the tables the numbers stand in.
    control_events, control_patients
        The same in background arms of the same randomised studies; None where there are none.
    """

    kind: HarmKind
    reported: bool
    events: int | None
    patients: int | None
    studies: tuple[str, ...]
    silent: tuple[str, ...]
    outcome_ids: tuple[str, ...]
    control_events: int | None
    control_patients: int | None

    @property
    def sentence(self) -> str:
        """The counts in words."""
        if not self.reported:
            return f"{self.kind}: not reported by any of its {len(self.silent)} studies"
        rest = f"; {len(self.silent)} do not say" if self.silent else ""
        against = (
            f" (on background therapy in the same trials {self.control_events} of {self.control_patients})"
            if self.control_patients
            else ""
        )
        noun = "study" if len(self.studies) == 1 else "studies"
        return f"{self.kind}: {self.events} of {self.patients} patients in {len(self.studies)} {noun}{against}{rest}"


def harms_of(evidence: Evidence, treatments: Sequence[str]) -> tuple[Harm, ...]:
    """What was counted of each kind of harm in patients given exactly these treatments.

    Parameters
    ----------
    evidence
        What is known.
    treatments
        Codes of what was given.
    """
    studies = [
        study.study_id
        for study in evidence.studies
        if study.included
        and any(treatments_of(evidence, arm) == tuple(treatments) for arm in evidence.arms_of(study.study_id))
    ]
    return tuple(_harm(evidence, tuple(treatments), studies, kind) for kind in HarmKind)


def _harm(evidence: Evidence, treatments: tuple[str, ...], studies: Sequence[str], kind: HarmKind) -> Harm:
    mine, controls, told = [], [], []
    for study_id in studies:
        found = _row(evidence, study_id, treatments, kind)
        if found is None:
            continue
        told.append(study_id)
        mine.append(found)
        control = _row(evidence, study_id, (BACKGROUND,), kind)
        if evidence.study(study_id).randomised and control is not None:
            controls.append(control)
    return Harm(
        kind=kind,
        reported=bool(mine),
        events=sum(o.events or 0 for o in mine) if mine else None,
        patients=sum(o.n or 0 for o in mine) if mine else None,
        studies=tuple(told),
        silent=tuple(s for s in studies if s not in told),
        outcome_ids=tuple(o.outcome_id for o in (*mine, *controls)),
        control_events=sum(o.events or 0 for o in controls) if controls else None,
        control_patients=sum(o.n or 0 for o in controls) if controls else None,
    )


def _row(evidence: Evidence, study_id: str, treatments: tuple[str, ...], kind: HarmKind) -> Outcome | None:
    """The one row of a study that counts this harm in patients given these treatments."""
    arms = {
        arm.arm_id: arm
        for arm in evidence.arms_of(study_id)
        if arm.role != "subgroup" and treatments_of(evidence, arm) == treatments
    }
    rows = [
        o
        for o in evidence.outcomes_of(study_id)
        if o.arm_id in arms
        and o.endpoint == kind.endpoint
        and o.type == "binary"
        and o.events is not None
        and o.n is not None
        and o.period != "both"
    ]
    return max(rows, key=lambda o: _order(o, arms[o.arm_id]), default=None)


def _order(outcome: Outcome, arm: Arm) -> tuple[bool, float, int, str]:
    return (
        outcome.phase == "controlled",
        outcome.timepoint_weeks or 0.0,
        arm.n or 0,
        outcome.outcome_id,
    )
