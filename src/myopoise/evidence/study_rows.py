"""From one study to its rows: one definition, one time point, one set of patients, nobody counted twice.

Every step that leaves a response row out says so, so that what was set aside can be shown beside what was used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import NormalDist

from myopoise.evidence.judgements import Judgement
from myopoise.evidence.rows import PrintedP, Row, SetAside
from myopoise.evidence.tables import Arm, Evidence, Outcome, Study
from myopoise.vocabulary import BACKGROUND, Domain, Level, Phenotype, StudyKind

__all__ = ["ENDPOINTS", "printed_comparisons", "response_rows", "treatments_of"]

ENDPOINTS = {
    Domain.MUSCLE: ("response", "doi-imacs", "tis-minimal", "tis-moderate", "tis-major"),
    Domain.LUNG: ("lung-response",),
    Domain.SKIN: ("skin-response",),
}
OTHER_ORGANS = ("skin", "lung", "survival", "steroid-sparing")
DEFINITIONS = ("acr-eular-2016", "imacs-doi")
LATER_PHASES = ("baseline", "open-label", "all-exposure", "after-stop", "whole-trial")
PREFERRED_WEEK = 24.0
GLUCOCORTICOID_BACKGROUND = "prednisone"
LEVELS = {
    "none": Level.STABLE,
    "ungraded": Level.MINIMAL,
    "minimal": Level.MINIMAL,
    "moderate": Level.MODERATE,
    "major": Level.MAJOR,
    "complete": Level.MAJOR,
}
_RANK = {"worse": -1, "none": 0, "ungraded": 1, "minimal": 1, "moderate": 2, "major": 3, "complete": 4}
_GROUPS = {
    "dm": Phenotype.DM,
    "adm": Phenotype.DM,
    "pm": Phenotype.PM,
    "jdm": Phenotype.JDM,
    "imnm": Phenotype.IMNM,
    "asys": Phenotype.ASYS,
    "om": Phenotype.ASYS,
}


@dataclass
class _Sieve:
    """Response rows still in play, and a record of each that fell out."""

    study: Study
    outcomes: list[Outcome]
    aside: list[SetAside] = field(default_factory=list)

    def keep(self, test: Callable[[Outcome], bool], reason: str | Callable[[Outcome], str]) -> None:
        """Keep the rows that pass; note the reason for the others."""
        kept = [o for o in self.outcomes if test(o)]
        for o in self.outcomes:
            if o not in kept:
                why = reason if isinstance(reason, str) else reason(o)
                self.aside.append(_aside(self.study, why, f"{o.arm_id}: {o.definition} ({o.outcome_id})"))
        self.outcomes = kept


def _aside(study: Study, reason: str, part: str = "") -> SetAside:
    return SetAside(study.study_id, study.year, study.design, "+".join(study.population), reason, part)


def treatments_of(evidence: Evidence, arm: Arm) -> tuple[str, ...]:
    """Treatments under study in an arm; steroid background left out, controls read as `background`."""
    if evidence.mechanism_class(arm.treatment) == "control":
        return (BACKGROUND,)
    return (arm.treatment, *(t for t in arm.combination if t != GLUCOCORTICOID_BACKGROUND))


@dataclass(frozen=True)
class _Shares:
    """Diagnosis mix of an arm, and whether any of it had to be assumed."""

    mix: dict[Phenotype, float]
    assumed: bool


def _diagnosis_shares(study: Study, arm: Arm, judgement: Judgement) -> _Shares:
    """Diagnosis mix of an arm: counted; else from the study; else equal over the listed groups."""
    if judgement.shares:
        return _Shares(dict(judgement.shares), judgement.shares_assumed)
    listed = list(dict.fromkeys(_GROUPS[code] for code in study.population if code in _GROUPS))
    counted: dict[Phenotype, float] = {}
    for group, count in ((Phenotype.DM, arm.n_dm), (Phenotype.PM, arm.n_pm), (Phenotype.JDM, arm.n_jdm)):
        if count is not None:
            counted[group] = float(count)
    others = [group for group in listed if group in (Phenotype.IMNM, Phenotype.ASYS)]
    if arm.n_other is not None and others:
        counted |= {group: arm.n_other / len(others) for group in others}
    rest = (arm.n or 0) - sum(counted.values())
    open_groups = [group for group in listed if group not in counted]
    if not counted:
        return _Shares({group: 1.0 / len(listed) for group in listed}, len(listed) > 1)
    if rest > 0 and open_groups:
        counted |= {group: rest / len(open_groups) for group in open_groups}
    return _Shares(_normalised(counted), rest > 0 and len(open_groups) > 1)


def _normalised(counts: dict[Phenotype, float]) -> dict[Phenotype, float]:
    total = sum(counts.values())
    return {group: counts[group] / total for group in Phenotype if counts.get(group, 0.0) > 0.0}


def response_rows(
    evidence: Evidence, study: Study, judgement: Judgement, domain: Domain
) -> tuple[tuple[Row, ...], tuple[SetAside, ...]]:
    """Rows of one study, and the parts of it that are set aside.

    Parameters
    ----------
    evidence, study
        Where to look.
    judgement
        Exceptions for this study; an empty one applies the rules alone.
    domain
        Which organ's response is asked about.
    """
    arms = {arm.arm_id: arm for arm in evidence.arms_of(study.study_id)}
    sieve = _Sieve(study, [o for o in evidence.outcomes_of(study.study_id) if _is_response(o, domain)])
    if judgement.outcomes:
        wanted = judgement.outcomes
        means = [
            o for o in evidence.outcomes_of(study.study_id) if o.outcome_id in wanted and o.type != "binary"
        ]
        sieve.outcomes = list(dict.fromkeys([*sieve.outcomes, *means]))
        sieve.keep(lambda o: o.outcome_id in wanted, judgement.reason)
    else:
        _apply_rules(sieve, arms, judgement)
    by_arm: dict[str, list[Outcome]] = {}
    for outcome in sieve.outcomes:
        by_arm.setdefault(outcome.arm_id, []).append(outcome)
    kind = _kind(evidence, study, judgement, [arms[arm_id] for arm_id in by_arm])
    rows = tuple(
        _row(evidence, study, judgement, arms[arm_id], kind, found) for arm_id, found in by_arm.items()
    )
    return tuple(row for row in rows if row is not None), tuple(sieve.aside)


def _is_response(outcome: Outcome, domain: Domain) -> bool:
    return (
        outcome.endpoint in ENDPOINTS[domain]
        and (domain is not Domain.MUSCLE or outcome.definition_class not in OTHER_ORGANS)
        and outcome.type == "binary"
        and _RANK.get(outcome.ordinal_level, -1) >= 0
        and (outcome.ordinal_level != "none" or outcome.cumulative == "yes")
    )


def _apply_rules(sieve: _Sieve, arms: dict[str, Arm], judgement: Judgement) -> None:
    """One phase, one level of grouping, one definition, one time, one set of patients."""
    if judgement.arms:
        sieve.keep(lambda o: o.arm_id in judgement.arms, judgement.reason)
    sieve.keep(lambda o: o.phase not in LATER_PHASES, "not from the controlled phase")
    sieve.keep(lambda o: o.period != "second", "second period of a crossover: the same patients again")
    sieve.keep(
        lambda o: arms[o.arm_id].role != "whole", "pooled group: its patients are counted in other arms"
    )
    sieve.keep(
        lambda o: arms[o.arm_id].role != "subgroup" or arms[o.arm_id].subgroup_by == "diagnosis",
        lambda o: f"part of {arms[o.arm_id].parent_arm}, which is counted whole",
    )
    _one_grouping(sieve, arms)
    classes = [o.definition_class for o in sieve.outcomes]
    chosen = next((c for c in DEFINITIONS if c in classes), classes[0] if classes else "")
    sieve.keep(
        lambda o: o.definition_class == chosen, f"another definition of response; {chosen} is preferred"
    )
    weeks = sorted(
        {o.timepoint_weeks for o in sieve.outcomes if o.timepoint_weeks is not None}, key=_distance
    )
    if weeks:
        sieve.keep(
            lambda o: o.timepoint_weeks in (weeks[0], None), f"another time point; week {weeks[0]:g} is used"
        )
    largest: dict[str, int] = {}
    for o in sieve.outcomes:
        largest[o.arm_id] = max(largest.get(o.arm_id, 0), o.n or 0)
    sieve.keep(lambda o: o.n == largest[o.arm_id], "the same patients without those who dropped out")
    first = {(o.arm_id, o.ordinal_level, o.cumulative): o for o in reversed(sieve.outcomes)}
    sieve.keep(lambda o: o in first.values(), "another count of the same patients at the same level")


def _distance(week: float) -> tuple[float, float]:
    return abs(week - PREFERRED_WEEK), week


def _one_grouping(sieve: _Sieve, arms: dict[str, Arm]) -> None:
    """Count an arm by diagnosis where its diagnosis groups make it up, otherwise whole; the same for all arms."""
    parts = [o for o in sieve.outcomes if arms[o.arm_id].role == "subgroup"]
    if not parts:
        return
    parents = {arms[o.arm_id].parent_arm for o in parts}
    whole = {o.arm_id for o in sieve.outcomes if arms[o.arm_id].role != "subgroup"}
    members = {o.arm_id: arms[o.arm_id] for o in parts}.values()
    sizes = {parent: sum(arm.n or 0 for arm in members if arm.parent_arm == parent) for parent in parents}
    complete = all(sizes[parent] >= 0.9 * (arms[parent].n or 0) for parent in parents & whole)
    if whole <= parents and complete:
        sieve.keep(lambda o: arms[o.arm_id].role == "subgroup", "counted by diagnosis instead")
    else:
        sieve.keep(
            lambda o: arms[o.arm_id].role != "subgroup",
            lambda o: f"part of {arms[o.arm_id].parent_arm}, which is counted whole",
        )


def _kind(evidence: Evidence, study: Study, judgement: Judgement, arms: Iterable[Arm]) -> StudyKind:
    if judgement.design:
        return StudyKind(judgement.design)
    if study.randomised and len({treatments_of(evidence, arm) for arm in arms}) > 1:
        return StudyKind.RANDOMISED
    return StudyKind.SINGLE_ARM if study.design == "single-arm-prospective" else StudyKind.COHORT


def _row(
    evidence: Evidence, study: Study, judgement: Judgement, arm: Arm, kind: StudyKind, found: list[Outcome]
) -> Row | None:
    counts, ids = _counts(found)
    counts |= judgement.levels.get(arm.arm_id, {})
    means = [o for o in found if o.mean is not None and o.type != "binary"]
    n = judgement.n.get(arm.arm_id) or found[0].n or arm.n
    if n is None or not (counts or means):
        return None
    shares = _diagnosis_shares(study, arm, judgement)
    mean = se = None
    if means and not counts:
        mean, ids = means[0].mean, (means[0].outcome_id,)
        sd = judgement.sd if means[0].sd is None else means[0].sd
        se = None if sd is None else sd / n**0.5
    return Row(
        study=study.study_id,
        arm=arm.arm_id,
        year=study.year,
        kind="ord" if counts else "mean",
        design=kind,
        definition=judgement.definition or found[0].definition_class,
        treatments=treatments_of(evidence, arm),
        shares=shares.mix,
        n=n,
        counts=counts,
        mean=mean,
        se=se,
        variant="jdm" if set(study.population) & set(_GROUPS) == {"jdm"} else "adult",
        outcome_ids=ids,
        shares_assumed=shares.assumed,
        note=judgement.reason,
    )


def _counts(found: list[Outcome]) -> tuple[dict[Level, int], tuple[str, ...]]:
    """Patients at or above each level; exact categories are added up from the top."""
    binary = [o for o in found if o.type == "binary" and o.events is not None]
    counts: dict[Level, int] = {}
    ids: list[str] = []
    for level in Level:
        here = [o for o in binary if LEVELS[o.ordinal_level] is level]
        cumulative = [o for o in here if o.cumulative == "yes"]
        if cumulative:
            lowest = min(cumulative, key=lambda o: _RANK[o.ordinal_level])
            counts[level] = lowest.events or 0
            ids.append(lowest.outcome_id)
        elif here:
            rank = min(_RANK[o.ordinal_level] for o in here)
            above = [o for o in binary if o.cumulative == "no" and _RANK[o.ordinal_level] >= rank]
            counts[level] = sum(o.events or 0 for o in above)
            ids.extend(o.outcome_id for o in here)
    return counts, tuple(ids)


def printed_comparisons(evidence: Evidence, study: Study, judgement: Judgement) -> tuple[PrintedP, ...]:
    """Comparisons of one study known only through a P value, as the judgement names them."""
    arms = {arm.arm_id: arm for arm in evidence.arms_of(study.study_id)}
    found = []
    for contrast in evidence.contrasts_of(study.study_id):
        if contrast.contrast_id not in judgement.contrasts:
            continue
        one, zero = arms[contrast.arm_1], arms[contrast.arm_2]
        n_1, n_0 = (judgement.n.get(arm.arm_id) or arm.n for arm in (one, zero))
        if n_1 is None or n_0 is None:
            continue
        shares = _diagnosis_shares(study, one, judgement)
        exact = contrast.p_op == "=" and contrast.p_value is not None
        found.append(
            PrintedP(
                contrast.contrast_id,
                study.study_id,
                study.year,
                treatments_of(evidence, one),
                n_1,
                treatments_of(evidence, zero),
                n_0,
                "p" if exact else "ns",
                NormalDist().inv_cdf(1.0 - (contrast.p_value or 0.0) / 2.0) if exact else None,
                shares.mix,
                shares.assumed,
                judgement.reason,
            )
        )
    return tuple(found)
