"""How sure one may be of an option, by stated rules; a judgement separate from any probability.

The domains are those of GRADE and CINeMA as far as the tables carry them. Each says what it found and takes away zero,
one or two steps; randomised evidence starts at high, uncontrolled evidence at low. The rules are thresholds a panel may
dispute: they are constants here, printed beside every grade.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Certainty", "Concern", "Grade", "Grounds", "grade"]


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
        ``design``, ``risk of bias``, ``imprecision``, ``indirectness``, ``heterogeneity`` or ``reporting``.
    steps
        0 for no concern, 1 for some, 2 for major.
    reason
        What was found, in words with the numbers.
    """

    domain: str
    steps: int
    reason: str


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


def grade(grounds: Grounds) -> Certainty:
    """The certainty that follows from the facts by the stated rules."""
    concerns = (
        _design(grounds),
        _bias(grounds),
        _imprecision(grounds),
        _indirectness(grounds),
        _heterogeneity(grounds),
        _reporting(grounds),
    )
    left = max(0, START - sum(concern.steps for concern in concerns))
    order = (Grade.VERY_LOW, Grade.LOW, Grade.MODERATE, Grade.HIGH)
    return Certainty(order[left], concerns)


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
    if not g.unblinded_trials:
        return Concern(
            "risk of bias",
            0,
            "all its randomised trials were double-blind; risk of bias itself was not judged here",
        )
    trials = (
        "1 randomised trial was"
        if g.unblinded_trials == 1
        else f"{g.unblinded_trials} randomised trials were"
    )
    return Concern("risk of bias", 1, f"{trials} not double-blind")


def _imprecision(g: Grounds) -> Concern:
    interval = f"95% credible interval {_range(g.low, g.high)}"
    if g.low < -IMPORTANT and g.high > IMPORTANT:
        return Concern(
            "imprecision", 2, f"{interval}: important harm and important benefit are both possible"
        )
    compared = g.randomised_compared if g.randomised_against_background else FEW_RANDOMISED_PATIENTS
    few = f"{interval}, from {g.randomised_compared} patients compared at random"
    if compared < VERY_FEW_RANDOMISED_PATIENTS:
        return Concern("imprecision", 2, few)
    if g.low < 0.0 < g.high:
        return Concern("imprecision", 1, f"{interval}: no difference is possible")
    if compared < FEW_RANDOMISED_PATIENTS:
        return Concern("imprecision", 1, few)
    return Concern("imprecision", 0, interval)


def _indirectness(g: Grounds) -> Concern:
    share = f"{g.patients_in_group:.0f} of {g.patients} patients had this diagnosis"
    if g.patients_in_group < 0.5:
        return Concern("indirectness", 2, "no patient had this diagnosis: the effect is borrowed from others")
    if g.assumed_in_group > 0.5 * g.patients_in_group:
        return Concern("indirectness", 1, f"{share}, most of them assumed because the split is not reported")
    if g.patients_in_group < FEW_IN_GROUP:
        return Concern("indirectness", 1, share)
    return Concern("indirectness", 0, share)


def _heterogeneity(g: Grounds) -> Concern:
    excluded = g.low > 0.0 or g.high < 0.0
    if not (excluded and g.predictive_low < 0.0 < g.predictive_high):
        return Concern("heterogeneity", 0, "differences between studies do not change the reading")
    interval = _range(g.predictive_low, g.predictive_high)
    found = f"in a new study the difference may be none (prediction interval {interval})"
    if _imprecision(g).steps:
        # The same doubt is not counted twice: otherwise an interval that just excludes zero would be graded lower
        # than one that just includes it.
        return Concern("heterogeneity", 0, f"{found}; already counted under imprecision")
    return Concern("heterogeneity", 1, found)


def _reporting(g: Grounds) -> Concern:
    if g.only_p:
        trials = "1 randomised trial" if g.only_p == 1 else f"{g.only_p} randomised trials"
        return Concern("reporting", 1, f"of {trials} only a P value or 'not significant' was printed")
    return Concern("reporting", 0, "counts were printed; unpublished studies cannot be excluded")
