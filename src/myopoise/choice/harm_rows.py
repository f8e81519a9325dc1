"""From one study to its counts of one harm: one way of counting, the same in both arms, nobody counted twice.

The rules are those by which responses are selected (`myopoise.evidence.study_rows`), stricter where harm asks for it:
a pooled group, or a phase in which patients have changed over, is never counted, because nobody can say which arm its
patients were harmed in. Where a rule cannot know better, `harms.toml` holds the exception and its reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files

from myopoise.evidence.study_rows import LATER_PHASES, treatments_of
from myopoise.evidence.tables import Arm, Evidence, Outcome, Study
from myopoise.vocabulary import BACKGROUND, treatment_label

__all__ = [
    "HarmCount",
    "HarmKind",
    "HarmLeftOut",
    "HarmRemark",
    "StudyGroups",
    "StudySides",
    "groups_of",
    "label_of",
    "left_out",
    "read_harm_remarks",
    "study_counts",
]

ENDED_BEFORE = ("completers", "responders", "subset", "itt-derived")
NOT_PEOPLE = ("courses", "infusions")
WIDEST_FIRST = ("safety", "all-treated", "", "itt", "evaluable")


class HarmKind(StrEnum):
    """A harm that studies count; the values are short names for tables."""

    INFECTION = "serious infection"
    DEATH = "death"
    ADVERSE = "serious adverse event"
    WITHDRAWAL = "withdrawal"

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Codes of the evidence tables that count it, preferred first."""
        return {
            HarmKind.INFECTION: ("infection-serious",),
            HarmKind.DEATH: ("death", "survival"),
            HarmKind.ADVERSE: ("ae-serious",),
            HarmKind.WITHDRAWAL: ("ae-withdrawal",),
        }[self]

    @property
    def happened(self) -> str:
        """What became of those counted, as the end of a sentence about patients."""
        return {
            HarmKind.INFECTION: "had a serious infection",
            HarmKind.DEATH: "died",
            HarmKind.ADVERSE: "had a serious adverse event",
            HarmKind.WITHDRAWAL: "stopped the drug or the study",
        }[self]


@dataclass(frozen=True)
class HarmCount:
    """What one study counted in its arms of one side, in one way.

    Parameters
    ----------
    study, year, arms
        Where it stands.
    events, patients
        How many of how many.
    definition
        What the study counted, in the words of the evidence tables.
    timepoint_weeks
        When, in weeks from the start; None where not said.
    outcome_ids
        The rows of the tables the numbers come from.
    remark
        What the study counted in place of the whole kind, or how the number was derived; empty where neither.
    """

    study: str
    year: int | None
    arms: tuple[str, ...]
    events: int
    patients: int
    definition: str
    timepoint_weeks: float | None
    outcome_ids: tuple[str, ...]
    remark: str = ""


@dataclass(frozen=True)
class HarmLeftOut:
    """A row that counts this harm and is not added, and why.

    Parameters
    ----------
    study, arm, outcome_id
        Where it stands.
    definition
        What it counts.
    events, patients
        Its numbers where it has them; never part of a sum.
    reason
        Why it is not added.
    """

    study: str
    arm: str
    outcome_id: str
    definition: str
    events: int | None
    patients: int | None
    reason: str


@dataclass(frozen=True)
class HarmRemark:
    """What is decided by hand about one outcome row; the fields are described at the head of `harms.toml`."""

    outcome: str
    reason: str
    leave_out: bool = False


@cache
def read_harm_remarks() -> Mapping[str, HarmRemark]:
    """The shipped remarks on single outcome rows, by outcome."""
    text = (files("myopoise.choice") / "harms.toml").read_text(encoding="utf-8")
    return {entry["outcome"]: HarmRemark(**entry) for entry in tomllib.loads(text)["outcome"]}


def label_of(treatments: tuple[str, ...]) -> str:
    """Short name of a treatment, or of all the treatments of a combination."""
    return " + ".join(treatment_label(code) for code in treatments)


@dataclass(frozen=True)
class StudyGroups:
    """The arms of one study: those given exactly the treatment, those given more, and those on background therapy."""

    arms: Mapping[str, Arm]
    on_drug: frozenset[str]
    with_more: Mapping[str, str]
    beside: frozenset[str]


def groups_of(evidence: Evidence, study: Study, wanted: tuple[str, ...]) -> StudyGroups:
    """Arms of a study sorted by what they were given, seen from one treatment or combination."""
    arms = {arm.arm_id: arm for arm in evidence.arms_of(study.study_id)}
    given = {arm_id: treatments_of(evidence, arm) for arm_id, arm in arms.items()}
    return StudyGroups(
        arms,
        frozenset(arm_id for arm_id, codes in given.items() if set(codes) == set(wanted)),
        {
            arm_id: label_of(tuple(code for code in codes if code not in wanted))
            for arm_id, codes in given.items()
            if set(codes) > set(wanted)
        },
        frozenset(arm_id for arm_id, codes in given.items() if codes == (BACKGROUND,)),
    )


@dataclass
class StudySides:
    """The rows of one study for one kind of harm: those still in play, those that fell out, and the two sums."""

    study: Study
    rows: list[Outcome]
    left_out: list[HarmLeftOut] = field(default_factory=list)
    treated: HarmCount | None = None
    control: HarmCount | None = None

    def keep(self, test: Callable[[Outcome], bool], reason: str | Callable[[Outcome], str]) -> None:
        """Keep the rows that pass; note the reason for the others."""
        kept = [row for row in self.rows if test(row)]
        for row in self.rows:
            if row not in kept:
                why = reason if isinstance(reason, str) else reason(row)
                self.left_out.append(left_out(row, why))
        self.rows = kept


def left_out(row: Outcome, reason: str) -> HarmLeftOut:
    """A row of the tables as one that is not added; survivors are turned into deaths where both numbers are there."""
    dead = _events(row) if row.type == "binary" else None
    return HarmLeftOut(row.study_id, row.arm_id, row.outcome_id, row.definition, dead, row.n, reason)


def _events(row: Outcome) -> int | None:
    """Patients harmed: for a count of survivors, the others."""
    if row.endpoint != "survival" or row.events is None:
        return row.events
    return None if row.n is None else row.n - row.events


def study_counts(evidence: Evidence, study: Study, groups: StudyGroups, kind: HarmKind) -> StudySides:
    """One way of counting, the same on both sides; everything else set aside with a reason."""
    on_drug, with_more = groups.on_drug, groups.with_more
    relevant = {*on_drug, *with_more, *(groups.beside if on_drug else ())}
    sides = StudySides(
        study,
        [
            row
            for row in evidence.outcomes_of(study.study_id)
            if row.endpoint in kind.endpoints and row.arm_id in relevant
        ],
    )
    sides.keep(
        lambda row: study.included,
        f"not in the main set of the tables: {study.exclude_reason or 'no reason'}",
    )
    sides.keep(
        lambda row: row.arm_id not in with_more,
        lambda row: f"given together with {with_more[row.arm_id]}, and told of the combination",
    )
    _only_people_counted_once(sides, groups.arms)
    sides.keep(
        lambda row: row.arm_id in on_drug or study.randomised, "not randomised, so not a fair comparison"
    )
    _one_way(sides, kind, on_drug)
    sides.keep(
        lambda row: row.arm_id in on_drug or any(other.arm_id in on_drug for other in sides.rows),
        "the treated side gives no number counted in the same way",
    )
    sides.treated = _sum(study, groups.arms, on_drug, sides.rows)
    sides.control = _sum(study, groups.arms, groups.beside, sides.rows)
    return sides


def _only_people_counted_once(sides: StudySides, arms: Mapping[str, Arm]) -> None:
    """Counts of people, from the compared phase, in groups that do not overlap."""
    remarks = read_harm_remarks()
    left_out = {outcome for outcome, remark in remarks.items() if remark.leave_out}
    sides.keep(lambda row: row.outcome_id not in left_out, lambda row: remarks[row.outcome_id].reason)
    sides.keep(
        lambda row: row.type == "binary" and _events(row) is not None and bool(row.n),
        "a percentage, rate or bare number, not a count of patients",
    )
    sides.keep(lambda row: row.analysis_set not in NOT_PEOPLE, "counts courses or infusions, not people")
    sides.keep(
        lambda row: row.analysis_set not in ENDED_BEFORE,
        "counts only part of the patients, or drop-outs by arithmetic",
    )
    sides.keep(
        lambda row: row.period != "both", "both periods of a crossover: the same people appear in both arms"
    )
    sides.keep(lambda row: row.period != "second", "second period of a crossover: the same patients again")
    sides.keep(
        lambda row: row.phase not in LATER_PHASES,
        "not from the controlled phase: patients first given something else may be among them",
    )
    design = sides.study.design
    sides.keep(
        lambda row: row.period == "first" or design != "rct-crossover",
        "crossover, and not said which period: the same people may appear in both arms",
    )
    sides.keep(
        lambda row: row.phase == "controlled" or design != "rct-delayed-start",
        "every arm gets the drug in time, and not said that this is from before",
    )
    sides.keep(
        lambda row: arms[row.arm_id].role != "whole",
        "pooled group: it may hold patients of another arm of the study",
    )
    counted_whole = any(arms[row.arm_id].role != "subgroup" for row in sides.rows)
    sides.keep(
        lambda row: (
            arms[row.arm_id].role != "subgroup"
            or (arms[row.arm_id].subgroup_by == "diagnosis" and not counted_whole)
        ),
        lambda row: (
            f"part of {arms[row.arm_id].parent_arm}, which is counted whole"
            if counted_whole
            else f"part of {arms[row.arm_id].parent_arm} that may overlap other parts"
        ),
    )


def _way(row: Outcome) -> tuple[str, str, float | None, str]:
    return row.endpoint, row.definition, row.timepoint_weeks, row.analysis_set


def _one_way(sides: StudySides, kind: HarmKind, on_drug: frozenset[str]) -> None:
    """Keep the way of counting that covers most treated arms; then the preferred code, most arms, the latest time."""

    def merit(row: Outcome) -> tuple[float, ...]:
        alike = [other for other in sides.rows if _way(other) == _way(row)]
        arms = {other.arm_id for other in alike}
        return (
            len(arms & on_drug),
            -kind.endpoints.index(row.endpoint),
            len(arms),
            -1.0 if row.timepoint_weeks is None else row.timepoint_weeks,
            -WIDEST_FIRST.index(row.analysis_set) if row.analysis_set in WIDEST_FIRST else -len(WIDEST_FIRST),
            sum(other.n or 0 for other in alike),
        )

    if not sides.rows:
        return
    best = max(sides.rows, key=merit)
    sides.keep(lambda row: _way(row) == _way(best), lambda row: _other_way(row, best))
    first = {row.arm_id: row for row in reversed(sides.rows)}
    sides.keep(lambda row: row in first.values(), "another count of the same patients")


def _other_way(row: Outcome, best: Outcome) -> str:
    if row.endpoint != best.endpoint or row.definition != best.definition:
        return f"counted in another way; '{best.definition}' is used"
    if row.timepoint_weeks != best.timepoint_weeks:
        when = "without a time" if best.timepoint_weeks is None else f"of week {best.timepoint_weeks:g}"
        return f"another time point; the count {when} is used"
    return "another set of the same patients"


def _sum(
    study: Study, arms: Mapping[str, Arm], side: frozenset[str], found: list[Outcome]
) -> HarmCount | None:
    rows = [row for row in found if row.arm_id in side]
    if not rows:
        return None
    counted = {row.arm_id for row in rows}
    counted |= {arms[arm_id].parent_arm for arm_id in counted}
    unsaid = [
        arm_id for arm_id in arms if arm_id in side - counted and arms[arm_id].role in ("active", "control")
    ]
    remarks = read_harm_remarks()
    said = [remarks[row.outcome_id].reason for row in rows if row.outcome_id in remarks]
    said += ["those not counted as alive" for row in rows if row.endpoint == "survival"]
    said += [f"no such number for its group {arm_id}" for arm_id in unsaid]
    return HarmCount(
        study.study_id,
        study.year,
        tuple(row.arm_id for row in rows),
        sum(_events(row) or 0 for row in rows),
        sum(row.n or 0 for row in rows),
        rows[0].definition,
        rows[0].timepoint_weeks,
        tuple(row.outcome_id for row in rows),
        "; ".join(dict.fromkeys(said)),
    )
