"""The whole path on one screen: question, evidence, selection, network, synthesis, answer. Read this first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from myopoise.choice.options import Answer, Counted
from myopoise.evidence.rows import Selection
from myopoise.evidence.selection import Question
from myopoise.evidence.tables import Evidence
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.network import Network
from myopoise.synthesis.observed import Observed
from myopoise.vocabulary import Phenotype, Reading


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
