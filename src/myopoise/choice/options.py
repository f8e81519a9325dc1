"""The options for one group of patients, each with its effect, its intervals and its certainty, never a bare rank.

An *option* is one treatment added to continued background therapy. *Own evidence* is the studies that gave exactly this
treatment; a drug without any is never given a probability, whatever its class did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from myopoise.choice.certainty import Certainty
from myopoise.estimate import Estimate
from myopoise.synthesis.prediction import LevelResponse
from myopoise.vocabulary import Level, Phenotype, Reading, Verdict

__all__ = [
    "Answer",
    "Beside",
    "Comparison",
    "Counted",
    "NotAnswered",
    "Option",
    "OwnEvidence",
    "Predicted",
    "Promise",
    "Refusal",
]


class Comparison(StrEnum):
    """What a treatment has been set against: which display rule applies."""

    RANDOMISED = "randomised against background therapy"
    UNCONNECTED = "randomised, but never against background therapy"
    UNCONTROLLED = "compared with placebo arms of other trials"


class Promise(StrEnum):
    """Groups of options, after the GRADE working group's way of drawing conclusions from networks (BMJ 2020)."""

    PROMISING = "among the most promising"
    HELPS = "probably helps"
    NO_BETTER = "no better than background therapy"
    UNCERTAIN = "too uncertain"


@dataclass(frozen=True)
class Beside:
    """One option among the others.

    Parameters
    ----------
    ranks
        Probability of each rank, best first, over all that take part.
    expected_loss
        How many more in a hundred, on average over what is not known, would have responded to the best of them; as a
        probability.
    p_best
        Probability of the first rank.
    """

    ranks: tuple[float, ...]
    expected_loss: Estimate
    p_best: float


@dataclass(frozen=True)
class OwnEvidence:
    """The studies that gave this treatment, and how many of their patients had the diagnosis asked about.

    Parameters
    ----------
    studies, patients
        All studies that gave the treatment, and the patients who got it.
    randomised_studies, randomised_patients
        The part of them that randomised.
    patients_in_group
        Patients with the diagnosis asked about, by counted or assumed shares; not a whole number where assumed.
    assumed_in_group
        The part of them whose share had to be assumed because the paper gives no split.
    randomised_compared
        Patients of its randomised trials, both arms of each comparison.
    responders, evaluated
        Raw counts of patients at least minimally better, of those counted at that level.
    comparison
        What the treatment has been set against.
    only_p
        Whether its only randomised comparison was printed as a P value.
    study_ids
        The studies.
    """

    studies: int
    patients: int
    randomised_studies: int
    randomised_patients: int
    patients_in_group: float
    assumed_in_group: float
    randomised_compared: int
    responders: int
    evaluated: int
    comparison: Comparison
    only_p: bool
    study_ids: tuple[str, ...]


@dataclass(frozen=True)
class Predicted:
    """What one reading predicts for a treatment in a group of patients.

    Parameters
    ----------
    response
        Chance of the level of response asked for in an average study, with credible interval.
    predictive
        The same chance in a new study: the credible interval widened by the differences between studies.
    difference, predictive_difference
        Response less that of continued background therapy, in an average and in a new study.
    p_better
        Probability that the treatment adds anything; None where the display rules forbid it.
    p_better_by_ten
        Probability that it helps at least ten more patients in a hundred; None as above.
    p_mcse
        Numerical error of these probabilities; None as above.
    levels
        The four estimates at minimal, moderate and major improvement.
    """

    response: Estimate
    predictive: Estimate
    difference: Estimate
    predictive_difference: Estimate
    p_better: float | None
    p_better_by_ten: float | None
    p_mcse: float | None
    levels: Mapping[Level, LevelResponse]


@dataclass(frozen=True)
class Option:
    """One treatment for one group of patients.

    Parameters
    ----------
    treatment, label, mechanism
        Codes joined by a plus sign, name in words, and mechanism classes joined by a plus sign.
    own
        Its own evidence.
    predicted
        What each reading says; a reading without own evidence of this treatment is absent.
    certainty
        How sure one may be, with reasons.
    verdict
        What may be said of it.
    promise
        Group of options it belongs to.
    information
        Share of what is known of its difference that each study gives, by study; the rest is the prior's.
    beside
        Ranks and expected loss among the options connected to background therapy; None for the others.
    rank
        Place: first by what it was set against, then by predicted response in the main reading; always shown beside
        effect and certainty.
    """

    treatment: str
    label: str
    mechanism: str
    own: OwnEvidence
    predicted: Mapping[Reading, Predicted]
    certainty: Certainty
    verdict: Verdict
    promise: Promise
    information: Mapping[str, float]
    beside: Beside | None
    rank: int


@dataclass(frozen=True)
class NotAnswered:
    """A treatment without a usable result of its own: no probability is given for it, whatever its class did.

    Parameters
    ----------
    treatment, label
        Code and name in words.
    studies
        Studies in the tables that gave it.
    reason
        Why none of them enters, in words.
    """

    treatment: str
    label: str
    studies: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Answer:
    """The options for one group of patients, best predicted response first.

    Parameters
    ----------
    group
        The diagnosis.
    background
        Predicted response on continued background therapy in each reading; its difference is zero.
    options
        Treatments with evidence of their own.
    no_evidence
        Treatments given in some study of the tables but without a result this analysis can use, and why.
    verdict
        `preferred` only if one option is; else `undecided` or `no evidence`.
    """

    group: Phenotype
    background: Mapping[Reading, Predicted]
    options: tuple[Option, ...]
    no_evidence: tuple[NotAnswered, ...]
    verdict: Verdict


@dataclass(frozen=True)
class Counted:
    """Raw counts where no control group exists, so that no model earns its keep.

    Parameters
    ----------
    topic
        ``JDM``, ``lung`` or ``skin``.
    treatment, label
        Code and name.
    level
        Level counted, in words.
    studies, responders, patients
        Counts over the studies.
    lowest, highest
        Smallest and largest response proportion of a single study.
    study_ids
        The studies.
    randomised_studies
        How many of them randomised.
    """

    topic: str
    treatment: str
    label: str
    level: str
    studies: int
    responders: int
    patients: int
    lowest: float
    highest: float
    study_ids: tuple[str, ...]
    randomised_studies: int


@dataclass(frozen=True)
class Refusal:
    """A treatment that is no option for this group, and why.

    Parameters
    ----------
    treatment
        Codes joined by a plus sign.
    reason
        In words, with its source where it has one.
    """

    treatment: str
    reason: str
