"""The whole path on one screen: question, evidence, selection, network, synthesis, answer. Read this first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from myopoise.choice.counting import count
from myopoise.choice.options import Answer, Counted
from myopoise.choice.ranking import answer
from myopoise.evidence.reading import read_evidence
from myopoise.evidence.rows import Selection
from myopoise.evidence.selection import Question, at_level, select
from myopoise.evidence.tables import Evidence
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.myositis import MyositisPriors, synthesise
from myopoise.synthesis.network import Network, network_of
from myopoise.synthesis.observed import Observed, observed_rows
from myopoise.vocabulary import Domain, Level, Phenotype, Reading

__all__ = ["ANSWERED", "Inquiry", "inquire"]

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
    """

    question: Question
    evidence: Evidence
    selection: Selection
    network: Network
    syntheses: Mapping[Reading, Synthesis]
    answers: Mapping[Phenotype, Answer]
    observed: tuple[Observed, ...]
    counted: tuple[Counted, ...]


def inquire(
    question: Question,
    evidence: Evidence | None = None,
    *,
    priors: MyositisPriors | None = None,
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
    priors
        None for the documented ones.
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
    every = select(known, question)
    selection = at_level(every, Level.MINIMAL)
    network = network_of(selection)

    syntheses: dict[Reading, Synthesis] = {}
    for reading in Reading:
        progress(f"synthesising: {reading.label}")
        fitted = synthesise(selection, reading, priors, draws=draws, seed=seed)
        if fitted is not None:
            syntheses[reading] = fitted

    progress("ranking the options")
    answers = {g: answer(known, selection, network, syntheses, g, priors, seed) for g in ANSWERED}
    children = replace(every, rows=tuple(row for row in every.rows if row.juvenile))
    organs = {topic: select(known, replace(question, domain=topic)) for topic in (Domain.LUNG, Domain.SKIN)}
    counted = count(children, "JDM")
    counted += tuple(c for topic, rows in organs.items() for c in count(rows, topic))
    return Inquiry(question, known, selection, network, syntheses, answers, observed_rows(selection), counted)
