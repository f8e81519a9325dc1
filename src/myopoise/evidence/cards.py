"""One study in words: what its codes mean, what was found in each arm, and where each number stands."""

from __future__ import annotations

from dataclasses import dataclass

from myopoise.evidence.columns import printed
from myopoise.evidence.tables import Arm, Contrast, DesignFact, Evidence, Outcome, Study

__all__ = ["ArmLine", "ContrastLine", "FactLine", "OutcomeLine", "StudyCard", "card_of"]

_NUMBERS = ("events", "n", "mean", "sd", "se", "ci_low", "ci_high", "median", "q1", "q3", "value")


@dataclass(frozen=True)
class ArmLine:
    """One arm: what it was given, how many, and what it is for."""

    arm_id: str
    treatment: str
    regimen: str
    patients: int | None
    diagnoses: str
    role: str
    prior_failures: str
    notes: str


@dataclass(frozen=True)
class OutcomeLine:
    """One result of one arm: what, by which rule, how much, when, in whom, and where it stands."""

    arm_id: str
    endpoint: str
    definition: str
    definition_class: str
    level: str
    result: str
    numbers: dict[str, float]
    unit: str
    week: float | None
    counted: str
    source_place: str
    source_url: str
    confidence: str
    notes: str


@dataclass(frozen=True)
class ContrastLine:
    """One printed comparison."""

    arms: tuple[str, str]
    endpoint: str
    measure: str
    result: str
    week: float | None
    source_place: str
    source_url: str
    notes: str


@dataclass(frozen=True)
class FactLine:
    """One fact for planning a trial."""

    fact: str
    value: str
    source_place: str
    source_url: str
    notes: str


@dataclass(frozen=True)
class StudyCard:
    """One study as a reader wants it.

    Parameters
    ----------
    study_id, title, authors, year, publication
        Who and where.
    identifiers
        PubMed, DOI and registry numbers, by name.
    facts
        What was done, in whom and how it was read, as pairs of a word and a sentence.
    included, standing
        Whether it belongs to the main analysis, and why or why not.
    overlaps
        Studies of the same patients.
    arms, outcomes, contrasts, planning
        The rows of the tables, in words.
    definitions
        Every rule by which an outcome was decided, once.
    sources
        Every address, once.
    notes
        Remarks.
    """

    study_id: str
    title: str
    authors: str
    year: int | None
    publication: str
    identifiers: dict[str, str]
    facts: dict[str, str]
    included: bool
    standing: str
    overlaps: tuple[str, ...]
    arms: tuple[ArmLine, ...]
    outcomes: tuple[OutcomeLine, ...]
    contrasts: tuple[ContrastLine, ...]
    planning: tuple[FactLine, ...]
    definitions: tuple[str, ...]
    sources: tuple[str, ...]
    notes: str


def card_of(evidence: Evidence, study: Study) -> StudyCard:
    """The card of a study.

    Parameters
    ----------
    evidence
        The evidence it belongs to.
    study
        The study.

    Returns
    -------
    card
        Everything known of it, in words.
    """
    outcomes = evidence.outcomes_of(study.study_id)
    contrasts = evidence.contrasts_of(study.study_id)
    facts = evidence.facts_of(study.study_id)
    addresses = [study.source_url, *(outcome.source_url for outcome in outcomes)]
    addresses += [*(contrast.source_url for contrast in contrasts), *(fact.source_url for fact in facts)]
    return StudyCard(
        study_id=study.study_id,
        title=study.title_short,
        authors=_authors(evidence, study),
        year=study.year,
        publication=_publication(evidence, study),
        identifiers=_identifiers(study),
        facts=_facts(evidence, study),
        included=study.included,
        standing=_standing(evidence, study),
        overlaps=study.overlaps_with,
        arms=tuple(_arm(evidence, arm) for arm in evidence.arms_of(study.study_id)),
        outcomes=tuple(_outcome(evidence, outcome) for outcome in outcomes),
        contrasts=tuple(_contrast(evidence, contrast) for contrast in contrasts),
        planning=tuple(_planning(fact) for fact in facts),
        definitions=tuple(dict.fromkeys(_definition(evidence, outcome) for outcome in outcomes)),
        sources=tuple(dict.fromkeys(filter(None, addresses))),
        notes=study.notes,
    )


def _authors(evidence: Evidence, study: Study) -> str:
    name = study.first_author or "author not known"
    if study.author_status == "seen":
        return name
    return f"{name} ({evidence.meaning('author_status', study.author_status)})"


def _publication(evidence: Evidence, study: Study) -> str:
    where = " ".join(filter(None, [study.journal, study.volume_pages]))
    status = evidence.meaning("publication_status", study.publication_status)
    return f"{where} ({status})" if where else status


def _identifiers(study: Study) -> dict[str, str]:
    named = {
        "PubMed": study.pmid,
        "DOI": study.doi,
        "ClinicalTrials.gov": study.nct,
        "other registry": study.other_registry_id,
        "founding reference": printed(study.seed_reference),
    }
    return {name: text for name, text in named.items() if text}


def _facts(evidence: Evidence, study: Study) -> dict[str, str]:
    named = {
        "design": _meanings(evidence, "design", study.design),
        "blinding": _meanings(evidence, "blinding", study.blinding),
        "patients": _count(study.n_enrolled, "patient") + _in_centres(study.n_centres),
        "population": _meanings(evidence, "population", *study.population),
        "age": _meanings(evidence, "population_age", study.population_age),
        "earlier treatment": _meanings(evidence, "refractory", study.refractory),
        "called refractory": study.refractory_definition,
        "background": study.background_therapy,
        "primary endpoint": study.primary_endpoint,
        "follow-up": f"{printed(study.follow_up_weeks)} weeks" if study.follow_up_weeks is not None else "",
        "risk of bias": _risk(evidence, study),
        "read from": _meanings(evidence, "extraction_level", study.extraction_level),
    }
    return {name: text for name, text in named.items() if text}


def _risk(evidence: Evidence, study: Study) -> str:
    judged = _meanings(evidence, "risk_of_bias", study.risk_of_bias)
    return f"{judged} ({study.risk_of_bias_source})" if judged and study.risk_of_bias_source else judged


def _standing(evidence: Evidence, study: Study) -> str:
    if study.included:
        return "In the main set of the tables."
    return (
        f"Left out of the main set of the tables: {evidence.meaning('exclude_reason', study.exclude_reason)}."
    )


def _arm(evidence: Evidence, arm: Arm) -> ArmLine:
    treatment = evidence.meaning("treatment", arm.treatment)
    if arm.combination:
        treatment += f", with {_meanings(evidence, 'treatment', *arm.combination)}"
    if arm.background:
        treatment += f"; some also {_meanings(evidence, 'treatment', *arm.background)}"
    counts = {"DM": arm.n_dm, "PM": arm.n_pm, "JDM": arm.n_jdm, "other": arm.n_other}
    diagnoses = ", ".join(f"{count} {name}" for name, count in counts.items() if count is not None)
    role = evidence.meaning("role", arm.role)
    if arm.parent_arm:
        role = f"part of {arm.parent_arm}, by {evidence.meaning('subgroup_by', arm.subgroup_by)}; never add to it"
    return ArmLine(
        arm_id=arm.arm_id,
        treatment=treatment,
        regimen=arm.regimen,
        patients=arm.n,
        diagnoses=diagnoses,
        role=role,
        prior_failures=arm.prior_failures,
        notes=arm.notes,
    )


def _outcome(evidence: Evidence, outcome: Outcome) -> OutcomeLine:
    numbers = {name: getattr(outcome, name) for name in _NUMBERS if getattr(outcome, name) is not None}
    counted = [
        _meanings(evidence, field, getattr(outcome, field)) for field in ("analysis_set", "period", "phase")
    ]
    return OutcomeLine(
        arm_id=outcome.arm_id,
        endpoint=evidence.meaning("endpoint", outcome.endpoint),
        definition=outcome.definition,
        definition_class=evidence.meaning("definition_class", outcome.definition_class),
        level=_level(evidence, outcome),
        result=_result(outcome),
        numbers=numbers,
        unit=outcome.unit,
        week=outcome.timepoint_weeks,
        counted="; ".join(filter(None, counted)),
        source_place=outcome.source_place,
        source_url=outcome.source_url,
        confidence=f"{outcome.confidence}: {evidence.meaning('confidence', outcome.confidence)}",
        notes=outcome.notes,
    )


def _level(evidence: Evidence, outcome: Outcome) -> str:
    if not outcome.ordinal_level:
        return ""
    level = evidence.meaning("ordinal_level", outcome.ordinal_level)
    return f"{level} ({evidence.meaning('cumulative', outcome.cumulative)})"


def _definition(evidence: Evidence, outcome: Outcome) -> str:
    endpoint = evidence.meaning("endpoint", outcome.endpoint)
    kind = evidence.meaning("definition_class", outcome.definition_class)
    return f"{endpoint}: {outcome.definition} ({kind})"


def _result(outcome: Outcome) -> str:
    """The numbers of a row in the order one would say them."""
    if outcome.events is not None:
        return f"{outcome.events} of {outcome.n}" if outcome.n is not None else f"{outcome.events} events"
    change = "change, " if outcome.type == "change" else ""
    said = []
    for name in ("mean", "median", "value"):
        number = getattr(outcome, name)
        if number is not None:
            word = "" if name == "value" else f"{name} "
            said.append(f"{word}{printed(number)}{_unit(outcome.unit)}")
    said += _spread(outcome)
    people = f" in {_count(outcome.n, 'patient')}" if outcome.n is not None else ""
    return f"{change}{', '.join(said)}{people}"


def _spread(outcome: Outcome) -> list[str]:
    said = [
        f"{word} {printed(number)}"
        for word, number in (("SD", outcome.sd), ("SE", outcome.se))
        if number is not None
    ]
    for word, low, high in (
        ("interval", outcome.ci_low, outcome.ci_high),
        ("quartiles", outcome.q1, outcome.q3),
    ):
        if low is not None or high is not None:
            said.append(f"{word} {printed(low) or 'not given'} to {printed(high) or 'not given'}")
    return said


def _contrast(evidence: Evidence, contrast: Contrast) -> ContrastLine:
    said = []
    if contrast.estimate is not None:
        said.append(f"{printed(contrast.estimate)}{_unit(contrast.unit)}")
    if contrast.se is not None:
        said.append(f"SE {printed(contrast.se)}")
    if contrast.ci_low is not None or contrast.ci_high is not None:
        low, high = (printed(end) or "not given" for end in (contrast.ci_low, contrast.ci_high))
        said.append(f"interval {low} to {high}")
    if contrast.p_value is not None and contrast.p_op != "ns":
        said.append(f"P {contrast.p_op} {printed(contrast.p_value)}")
    elif contrast.p_op:
        said.append(evidence.meaning("p_op", contrast.p_op))
    return ContrastLine(
        arms=(contrast.arm_1, contrast.arm_2),
        endpoint=evidence.meaning("endpoint", contrast.endpoint),
        measure=evidence.meaning("measure", contrast.measure),
        result=", ".join(said),
        week=contrast.timepoint_weeks,
        source_place=contrast.source_place,
        source_url=contrast.source_url,
        notes=contrast.notes,
    )


def _planning(fact: DesignFact) -> FactLine:
    value = fact.value or printed(fact.value_number)
    unit = "" if fact.unit in value else _unit(fact.unit)
    return FactLine(fact.fact, f"{value}{unit}", fact.source_place, fact.source_url, fact.notes)


def _meanings(evidence: Evidence, field: str, *codes: str) -> str:
    return ", ".join(evidence.meaning(field, code) for code in codes if code)


def _count(number: int | None, noun: str) -> str:
    if number is None:
        return ""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _in_centres(number: int | None) -> str:
    return f" in {_count(number, 'centre')}" if number is not None else ""


def _unit(unit: str) -> str:
    return unit if unit.startswith("%") else f" {unit}" if unit else ""
