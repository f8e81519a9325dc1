"""How sure one may be of an option, by stated rules; a judgement separate from any probability.

The domains are the six of CINeMA (Nikolakopoulou 2020), the design that a body of evidence starts from (GRADE), and how
much of the evidence is about the group of patients asked about. Each says what it found, with the numbers it rests on,
and takes away zero, one or two steps. The rules are thresholds a panel may dispute: they are constants here, printed
beside every grade, and a panel may put its own judgement in a rule's place if it gives a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from myopoise.errors import WrongUsage

__all__ = ["DOMAINS", "Certainty", "Concern", "Grade", "Grounds", "Judgement", "Override", "grade"]

DOMAINS = (
    "design",
    "within-study bias",
    "reporting bias",
    "indirectness",
    "imprecision",
    "heterogeneity",
    "incoherence",
    "this group of patients",
)


class Judgement(StrEnum):
    """What a domain comes to."""

    NONE = "no concerns"
    SOME = "some concerns"
    MAJOR = "major concerns"


class Grade(StrEnum):
    """Certainty of the evidence."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"
    VERY_LOW = "very low"


@dataclass(frozen=True)
class Concern:
    """One domain, how many steps it takes away, and what was found.

    Parameters
    ----------
    domain
        One of `DOMAINS`.
    steps
        0 for no concern, 1 for some, 2 for major; a design without randomisation takes 3.
    reason
        What was found, in words with the numbers.
    numbers
        The numbers the rule looked at, by name.
    overridden
        The rule's own judgement, where a panel put another in its place; else empty.
    """

    domain: str
    steps: int
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    overridden: str = ""

    @property
    def judgement(self) -> Judgement:
        """The steps in words."""
        return (Judgement.NONE, Judgement.SOME, Judgement.MAJOR)[min(self.steps, 2)]


@dataclass(frozen=True)
class Override:
    """A panel's judgement in the place of a rule's.

    Parameters
    ----------
    treatment
        The option it is about, codes joined by a plus sign.
    domain
        One of `DOMAINS`.
    judgement
        What the panel says.
    reason
        Why; never empty.
    """

    treatment: str
    domain: str
    judgement: Judgement
    reason: str

    def __post_init__(self) -> None:
        """Refuse a domain that is none, and a judgement without a reason."""
        if self.domain not in DOMAINS:
            raise WrongUsage(f"'{self.domain}' is no domain of certainty: {', '.join(DOMAINS)}.")
        if not self.reason.strip():
            raise WrongUsage(f"The judgement on {self.treatment}, {self.domain}, needs a reason.")


@dataclass(frozen=True)
class Certainty:
    """A grade with the concerns behind it."""

    grade: Grade
    concerns: tuple[Concern, ...]


START = 3
"""Steps above `very low` a randomised comparison starts from."""

FEW_RANDOMISED_PATIENTS = 100
"""Fewer patients compared at random than this are a concern of their own, whatever the interval says."""

VERY_FEW_RANDOMISED_PATIENTS = 30
"""Fewer than this and a single patient moves the result by several in a hundred: a major concern."""

IMPORTANT = 0.10
"""Ten patients in a hundred: a difference a panel would call important. A declared threshold, not a fact."""

FEW_IN_GROUP = 10.0
"""Fewer patients of the diagnosis asked about than this make the evidence indirect."""

SOME_BIAS, MAJOR_BIAS = 0.5, 1.25
"""Mean risk of bias of the information, where 0 is low, 1 some and 2 high: from here on a concern, a major one."""

MOST = 0.5
"""Share of the information from which on what is true of its studies is a concern."""


@dataclass(frozen=True)
class Grounds:
    """The facts a grade rests on.

    Parameters
    ----------
    randomised_against_background
        Whether randomised comparisons connect the treatment to background therapy.
    randomised_at_all
        Whether any of its studies randomised.
    randomised_compared
        Patients in its randomised comparisons, both arms.
    unblinded_trials
        Randomised trials that were not double-blind.
    patients_in_group, assumed_in_group, patients
        Patients with the diagnosis asked about, those of them only assumed to have it, and all given the treatment.
    low, high
        Ends of the credible interval of the difference to background therapy.
    predictive_low, predictive_high
        Ends of the prediction interval of that difference in a new study.
    only_p
        Its randomised trials of which only a P value, or 'not significant', was printed.
    some_risk, high_risk
        Share of the studies' information on the difference that comes from studies at some and at high risk of bias.
    not_in_journals
        Share of it from registry entries, congress abstracts and press releases.
    partly_refractory
        Share of it from studies of which only some patients were refractory.
    trials_difference, main_difference
        Median difference in the randomised trials alone and in all studies; None where only one kind exists.
    """

    randomised_against_background: bool
    randomised_at_all: bool
    randomised_compared: int
    unblinded_trials: int
    patients_in_group: float
    assumed_in_group: float
    patients: int
    low: float
    high: float
    predictive_low: float
    predictive_high: float
    only_p: int
    some_risk: float = 0.0
    high_risk: float = 0.0
    not_in_journals: float = 0.0
    partly_refractory: float = 0.0
    trials_difference: float | None = None
    main_difference: float | None = None


def grade(grounds: Grounds, overrides: Sequence[Override] = ()) -> Certainty:
    """The certainty that follows from the facts by the stated rules.

    Parameters
    ----------
    grounds
        The facts.
    overrides
        A panel's judgements on this option, each in the place of a rule's.
    """
    found = (
        _design(grounds),
        _bias(grounds),
        _reporting(grounds),
        _indirectness(grounds),
        _imprecision(grounds),
        _heterogeneity(grounds),
        _incoherence(grounds),
        _group(grounds),
    )
    said = {override.domain: override for override in overrides}
    concerns = tuple(_overridden(concern, said.get(concern.domain)) for concern in found)
    left = max(0, START - sum(concern.steps for concern in concerns))
    order = (Grade.VERY_LOW, Grade.LOW, Grade.MODERATE, Grade.HIGH)
    return Certainty(order[left], concerns)


def _overridden(concern: Concern, override: Override | None) -> Concern:
    if override is None:
        return concern
    steps = list(Judgement).index(override.judgement)
    return replace(
        concern,
        steps=steps,
        reason=f"{override.reason.strip()} (judged by hand; the rule says {concern.judgement}: {concern.reason})",
        overridden=concern.judgement.value,
    )


def _range(low: float, high: float) -> str:
    """An interval of a difference in patients in 100, with true minus signs."""
    return f"{100 * low:+.0f} to {100 * high:+.0f} patients in 100".replace("-", "\u2212")


def _design(g: Grounds) -> Concern:
    if g.randomised_against_background:
        return Concern("design", 0, "compared with continued background therapy by randomisation")
    if g.randomised_at_all:
        return Concern("design", 2, "randomised, but never against continued background therapy")
    return Concern("design", 3, "no usable randomised comparison: compared with placebo arms of other trials")


def _bias(g: Grounds) -> Concern:
    score = g.some_risk + 2.0 * g.high_risk
    numbers = {"information_some_risk": g.some_risk, "information_high_risk": g.high_risk, "score": score}
    found = (
        f"of what its studies tell, {g.high_risk:.0%} comes from studies at high risk of bias (uncontrolled, or judged "
        f"so in print) and {g.some_risk:.0%} from studies at some risk (randomised but not double-blind, or judged so)"
    )
    if not g.randomised_against_background:
        return Concern("within-study bias", 0, f"{found}; already counted under design", numbers)
    steps = 2 if score >= MAJOR_BIAS else 1 if score >= SOME_BIAS else 0
    return Concern("within-study bias", steps, found, numbers)


def _imprecision(g: Grounds) -> Concern:
    interval = f"95% credible interval {_range(g.low, g.high)}"
    numbers = {"low": g.low, "high": g.high, "compared_at_random": float(g.randomised_compared)}
    if g.low < -IMPORTANT and g.high > IMPORTANT:
        return Concern(
            "imprecision", 2, f"{interval}: important harm and important benefit are both possible", numbers
        )
    compared = g.randomised_compared if g.randomised_against_background else FEW_RANDOMISED_PATIENTS
    few = f"{interval}, from {g.randomised_compared} patients compared at random"
    if compared < VERY_FEW_RANDOMISED_PATIENTS:
        return Concern("imprecision", 2, few, numbers)
    if g.low < 0.0 < g.high:
        return Concern("imprecision", 1, f"{interval}: no difference is possible", numbers)
    if compared < FEW_RANDOMISED_PATIENTS:
        return Concern("imprecision", 1, few, numbers)
    return Concern("imprecision", 0, interval, numbers)


def _indirectness(g: Grounds) -> Concern:
    found = f"{g.partly_refractory:.0%} of what its studies tell comes from studies in which only some were refractory"
    steps = 1 if g.partly_refractory > MOST else 0
    return Concern("indirectness", steps, found, {"information_partly_refractory": g.partly_refractory})


def _group(g: Grounds) -> Concern:
    share = f"{g.patients_in_group:.0f} of {g.patients} patients had this diagnosis"
    numbers = {"in_group": g.patients_in_group, "assumed": g.assumed_in_group, "patients": float(g.patients)}
    if g.patients_in_group < 0.5:
        return Concern(
            "this group of patients", 2, "no patient had this diagnosis: the effect is borrowed", numbers
        )
    if g.assumed_in_group > 0.5 * g.patients_in_group:
        return Concern(
            "this group of patients", 1, f"{share}, most of them assumed: the split is not reported", numbers
        )
    if g.patients_in_group < FEW_IN_GROUP:
        return Concern("this group of patients", 1, share, numbers)
    return Concern("this group of patients", 0, share, numbers)


def _heterogeneity(g: Grounds) -> Concern:
    excluded = g.low > 0.0 or g.high < 0.0
    numbers = {"predictive_low": g.predictive_low, "predictive_high": g.predictive_high}
    if not (excluded and g.predictive_low < 0.0 < g.predictive_high):
        return Concern("heterogeneity", 0, "differences between studies do not change the reading", numbers)
    interval = _range(g.predictive_low, g.predictive_high)
    found = f"in a new study the difference may be none (prediction interval {interval})"
    if _imprecision(g).steps:
        # The same doubt is not counted twice: otherwise an interval that just excludes zero would be graded lower
        # than one that just includes it.
        return Concern("heterogeneity", 0, f"{found}; already counted under imprecision", numbers)
    return Concern("heterogeneity", 1, found, numbers)


def _reporting(g: Grounds) -> Concern:
    numbers = {"only_a_p_value": float(g.only_p), "information_not_in_journals": g.not_in_journals}
    if g.only_p:
        trials = "1 randomised trial" if g.only_p == 1 else f"{g.only_p} randomised trials"
        found = f"of {trials} only a P value or 'not significant' was printed"
        return Concern("reporting bias", 1, found, numbers)
    if g.not_in_journals > MOST:
        found = f"{g.not_in_journals:.0%} of what its studies tell is from registries, abstracts or press releases"
        return Concern("reporting bias", 1, found, numbers)
    return Concern(
        "reporting bias", 0, "counts were printed; unpublished studies cannot be excluded", numbers
    )


def _incoherence(g: Grounds) -> Concern:
    if g.trials_difference is None or g.main_difference is None:
        found = "cannot be tested: its evidence is of one kind, and no loop of comparisons closes"
        return Concern("incoherence", 0, found)
    gap = g.main_difference - g.trials_difference
    found = (
        f"median difference {100 * g.trials_difference:+.0f} in 100 in the randomised trials alone, "
        f"{100 * g.main_difference:+.0f} in all studies"
    ).replace("-", "\u2212")
    numbers = {"trials_difference": g.trials_difference, "main_difference": g.main_difference}
    return Concern("incoherence", 1 if abs(gap) > IMPORTANT else 0, found, numbers)
