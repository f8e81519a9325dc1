"""What would happen to patients of a stated population under each treatment: chances, means, rates.

The effects come from the network, the reference treatment's outcome from a baseline that the asker names
(`baselines`). *Predictive* adds what a new study would add to each effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.estimate import Estimate
from myopoise.synthesis.answers.baselines import Baseline, StudyBaseline, baseline_draws
from myopoise.synthesis.answers.draws import Joint, joint_draws, laid_out
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.likelihoods import PoissonCounts
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import Assembled

__all__ = ["Absolute", "Outcomes", "absolute_effects", "new_study_terms", "outcome_draws"]

Floats = NDArray[np.float64]

_BASELINE_SEED = 3
_NOISE_SEED = 101
_FEW_DRAWS = 6000
"""For the baseline of a study, whose terms cost a likelihood for each draw."""


@dataclass(frozen=True)
class Absolute:
    """Outcomes of each treatment in one population.

    Parameters
    ----------
    population
        Where the baseline comes from, in words.
    predictive
        Whether effects are those of a new study.
    exposure
        Person-time that rates are for, or length of follow-up under the cloglog link.
    treatments
        For each treatment its outcome: a chance, a mean or a rate; for an ordered outcome the chance of being at or
        above each threshold, lowest first.
    """

    population: str
    predictive: bool
    exposure: float
    treatments: Mapping[str, tuple[Estimate, ...]]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Draws of the outcome of each treatment on its natural scale.

    Parameters
    ----------
    assembled
        The model.
    joint
        The draws behind them.
    values
        Shape ``(threshold, draw, treatment)``; one threshold where the outcome is not ordered.
    scale
        What each is: ``probability``, ``mean`` or ``rate``.
    """

    assembled: Assembled
    joint: Joint = field(repr=False)
    values: Floats = field(repr=False)
    scale: str


def absolute_effects(
    found: NetworkSynthesis, baseline: Baseline, *, predictive: bool = False, exposure: float = 1.0
) -> Absolute:
    """The outcome of each treatment in a stated population.

    Parameters
    ----------
    found
        The synthesis.
    baseline
        The reference treatment's outcome there.
    predictive
        Whether each effect is to be that of a new study. A new study's own baseline is the baseline's business.
    exposure
        Person-time for rates, length of follow-up under the cloglog link; the unit is the data's.

    Raises
    ------
    WrongUsage
        When the model has no one effect of each treatment, or the baseline does not fit the outcome.

    Notes
    -----
    Of a meta-regression the effects are those at the centre of the covariate.
    """
    outcomes = outcome_draws(found, baseline, predictive=predictive, exposure=exposure)
    names = outcomes.assembled.treatments
    scales = [outcomes.scale] * len(names)
    by_threshold = [outcomes.joint.estimates(values, scales) for values in outcomes.values]
    treatments = {name: tuple(each[t] for each in by_threshold) for t, name in enumerate(names)}
    return Absolute(baseline.sentence, predictive, exposure, treatments)


def outcome_draws(
    found: NetworkSynthesis, baseline: Baseline, *, predictive: bool = False, exposure: float = 1.0
) -> Outcomes:
    """Draws of the outcome of each treatment in a stated population, together.

    Parameters
    ----------
    found, baseline, predictive, exposure
        As for `absolute_effects`.
    """
    assembled, effects = laid_out(found)
    if not exposure > 0.0:
        raise WrongUsage(f"the exposure is {exposure:g}; it must be above 0.")
    scale = _natural_scale(assembled)
    few = isinstance(baseline, StudyBaseline)
    joint = joint_draws(found.posterior, _FEW_DRAWS) if few else joint_draws(found.posterior)
    level = baseline_draws(baseline, assembled, joint, _BASELINE_SEED)[:, None] + joint.x @ effects.T
    if predictive:
        level = level + new_study_terms(assembled, joint)
    link = assembled.link
    if link in (Link.CLOGLOG, Link.LOG):
        level = level + np.log(exposure)
    values = np.stack([link.probability(level - cut) for cut in _cuts(assembled, joint)])
    return Outcomes(assembled, joint, values, scale)


def new_study_terms(assembled: Assembled, joint: Joint) -> Floats:
    """What a new study adds to the effect of each treatment against the reference, ``(draw, treatment)``.

    Parameters
    ----------
    assembled, joint
        The model and the draws.

    Notes
    -----
    Each arm has a term of its own with half the variance, and the reference arm's is taken off the others: so any two
    treatments differ by the full heterogeneity, and effects that share an arm are correlated by a half.
    """
    count = len(assembled.treatments)
    if assembled.common:
        return np.zeros((len(joint.x), count))
    names = [name for name, _ in assembled.model.hypers]
    sd = joint.theta[:, names.index("tau")] * np.sqrt(0.5)
    terms = np.stack([sd * joint.scores(_NOISE_SEED + t) for t in range(count)], axis=1)
    return np.asarray(terms - terms[:, :1])


def _cuts(assembled: Assembled, joint: Joint) -> list[Floats]:
    """Distance of each threshold from the lowest, ``(draw, 1)`` each."""
    places = [i for i, column in enumerate(assembled.columns) if column.name.startswith("cut ")]
    return [np.zeros((len(joint.x), 1)), *(joint.x[:, [i]] for i in places)]


def _natural_scale(assembled: Assembled) -> str:
    if not len(assembled.model.arm):
        raise WrongUsage(
            "the network has contrasts only, whose scale has no absolute outcome; results by arm are needed."
        )
    if assembled.link.of_probability:
        return "probability"
    return "rate" if isinstance(assembled.model.likelihood, PoissonCounts) else "mean"
