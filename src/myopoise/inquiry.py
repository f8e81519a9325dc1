"""The whole path on one screen: question, evidence, selection, network, synthesis, answer. Read this first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from myopoise.choice.cautions import CONDITIONS, Kind, forbidden, stated
from myopoise.choice.certainty import Override
from myopoise.choice.counting import count
from myopoise.choice.deciding import Choice, decide, only_counted
from myopoise.choice.driving import Drives, what_drives
from myopoise.choice.group import Outcome, PatientGroup
from myopoise.choice.harms import harms_of
from myopoise.choice.options import Answer, Counted
from myopoise.choice.ranking import answer
from myopoise.evidence.reading import read_evidence
from myopoise.evidence.rows import Selection
from myopoise.evidence.selection import Question, select
from myopoise.evidence.tables import Evidence
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.myositis import MyositisPriors, synthesise
from myopoise.synthesis.network import Network, network_of
from myopoise.synthesis.observed import Observed, observed_rows
from myopoise.vocabulary import Domain, Level, Phenotype, Reading

__all__ = ["ANSWERED", "Chosen", "Inquiry", "choose", "inquire"]

ANSWERED = (Phenotype.DM, Phenotype.PM)
"""Groups the model answers for; children are counted, the others have too few patients of their own."""


@dataclass(frozen=True)
class Inquiry:
    """Everything the report shows.

    Parameters
    ----------
    question
        What was asked.
    evidence
        The evidence as known then.
    selection
        The rows that entered, and what was set aside.
    network
        Treatments compared in randomised trials, with the uncontrolled arms beside them.
    syntheses
        One per reading.
    answers
        One per group of patients that is modelled.
    observed
        What each treated group of each study saw, for the forest plots.
    counted
        Raw counts for children, lung and skin.
    drives
        What the answer rests on; None where nothing is predicted or it was not asked for.
    """

    question: Question
    evidence: Evidence
    selection: Selection
    network: Network
    syntheses: Mapping[Reading, Synthesis]
    answers: Mapping[Phenotype, Answer]
    observed: tuple[Observed, ...]
    counted: tuple[Counted, ...]
    drives: Drives | None = None


@dataclass(frozen=True)
class Chosen:
    """A choice with what it rests on.

    Parameters
    ----------
    choice
        The answer.
    selection
        The rows that entered.
    syntheses
        The readings that were fitted; none where nothing is modelled.
    """

    choice: Choice
    selection: Selection
    syntheses: Mapping[Reading, Synthesis]


def inquire(
    question: Question,
    evidence: Evidence | None = None,
    *,
    selection: Selection | None = None,
    priors: MyositisPriors | None = None,
    driven: bool = False,
    draws: int = 4096,
    seed: int = 20061,
    progress: Callable[[str], None] = lambda step: None,
) -> Inquiry:
    """Answer the question from the evidence.

    Parameters
    ----------
    question
        What is asked, and as of when.
    evidence
        None for the shipped base.
    selection
        Rows to use instead of those the evidence gives; None to select them.
    priors
        None for the documented ones.
    driven
        Whether to find out what the answer rests on: six more fits.
    draws, seed
        Of the inference.
    progress
        Called with the name of each step as it begins.
    """
    progress("reading the evidence")
    base = evidence or read_evidence()
    known = base.published_by(question.as_of) if question.as_of else base
    priors = priors or MyositisPriors()

    progress("selecting rows")
    selection = selection or select(known, question)
    network = network_of(selection)

    syntheses: dict[Reading, Synthesis] = {}
    for reading in Reading:
        progress(f"synthesising: {reading.label}")
        fitted = synthesise(selection, reading, priors, draws=draws, seed=seed)
        if fitted is not None:
            syntheses[reading] = fitted

    progress("ranking the options")
    answers = {g: answer(known, selection, network, syntheses, g, priors, seed) for g in ANSWERED}
    children = replace(selection, rows=tuple(row for row in selection.rows if row.juvenile))
    organs = {topic: select(known, replace(question, domain=topic)) for topic in (Domain.LUNG, Domain.SKIN)}
    counted = count(children, "JDM")
    counted += tuple(c for topic, rows in organs.items() for c in count(rows, topic))
    main = syntheses.get(Reading.MAIN)
    some = any(found.options for found in answers.values())
    drives = (
        what_drives(selection, main, answers, priors, seed, progress) if main and some and driven else None
    )
    return Inquiry(
        *(question, known, selection, network, syntheses, answers, observed_rows(selection), counted), drives
    )


def choose(
    group: PatientGroup,
    question: Question,
    evidence: Evidence | None = None,
    *,
    selection: Selection | None = None,
    level: Level = Level.MINIMAL,
    reading: Reading = Reading.MAIN,
    outcome: Outcome = Outcome.RESPONSE,
    overrides: Sequence[Override] = (),
    priors: MyositisPriors | None = None,
    draws: int = 4096,
    seed: int = 20061,
    progress: Callable[[str], None] = lambda step: None,
) -> Chosen:
    """The choice for a group of patients.

    Parameters
    ----------
    group
        What the patients have in common.
    question, evidence, selection
        As for `inquire`.
    level, reading, outcome
        What is compared, in which reading; only response is modelled.
    overrides
        A panel's judgements of certainty.
    priors, draws, seed, progress
        As for `inquire`.
    """
    base = evidence or read_evidence()
    known = base.published_by(question.as_of) if question.as_of else base
    priors = priors or MyositisPriors()
    progress("selecting rows")
    chosen = selection or select(known, question)
    of = group.modelled if outcome is Outcome.RESPONSE else None
    if of is None:
        return Chosen(_counted(group, outcome, known, question, chosen, reading, level), chosen, {})
    syntheses: dict[Reading, Synthesis] = {}
    for each in dict.fromkeys((Reading.MAIN, Reading.RANDOMISED, reading)):
        progress(f"synthesising: {each.label}")
        fitted = synthesise(chosen, each, priors, draws=draws, seed=seed)
        if fitted is not None:
            syntheses[each] = fitted
    progress("comparing the options")
    found = answer(
        *(known, chosen, network_of(chosen), syntheses, of, priors, seed),
        level=level,
        reading=reading,
        overrides=overrides,
    )
    decided = decide(
        *(group, found, chosen, syntheses, priors, seed),
        level=level,
        reading=reading,
        forbidden=forbidden(group.avoid),
    )
    harms = {o.treatment: harms_of(known, tuple(o.treatment.split("+"))) for o in decided.options}
    cautions = {
        o.treatment: tuple(
            f"{CONDITIONS[s.condition]}: {s.text} ({s.source})"
            for s in stated(group.avoid)
            if s.kind is Kind.CAUTION and s.treatment in o.treatment.split("+")
        )
        for o in decided.options
    }
    return Chosen(replace(decided, harms=harms, notes=cautions), chosen, syntheses)


def _counted(
    group: PatientGroup,
    outcome: Outcome,
    known: Evidence,
    question: Question,
    selection: Selection,
    reading: Reading,
    level: Level,
) -> Choice:
    """What was counted, where nothing is modelled."""
    if outcome is not Outcome.RESPONSE:
        domain = Domain.LUNG if outcome is Outcome.LUNG else Domain.SKIN
        rows, reason = select(known, replace(question, domain=domain)), NOT_MODELLED[outcome]
    else:
        rows = replace(selection, rows=tuple(row for row in selection.rows if row.juvenile == group.juvenile))
        reason = NOT_MODELLED[Outcome.RESPONSE] if group.juvenile else NO_MUSCLE_DISEASE
        rows = rows if group.juvenile else replace(rows, rows=())
    return only_counted(group, outcome, rows, reading, level, reason)


NOT_MODELLED = {
    Outcome.RESPONSE: "No evidence that compares: no study of children had a control group, so no treatment can be set "
    "against background therapy. What was counted is shown.",
    Outcome.SKIN: "Skin was measured by scales too different to be set against each other, and mostly without a "
    "control group: what was counted is shown, without a comparison.",
    Outcome.LUNG: "Lung outcomes were reported almost only without a control group, and each study defined its own: "
    "what was counted is shown, without a comparison.",
}
"""Why no model is fitted."""

NO_MUSCLE_DISEASE = (
    "Amyopathic dermatomyositis has no muscle disease to respond, and no study here is about it alone. Ask for "
    "--outcome skin or --outcome lung."
)
