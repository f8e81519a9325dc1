"""What the myositis model predicts for a treatment in a group, in patients rather than probits, level by level.

Credible: an average study, with the 2016 ACR/EULAR criteria and a control arm. Predictive: a new study, with its own
baseline and its own deviation of the effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from myopoise.estimate import Estimate
from myopoise.evidence.rows import Row
from myopoise.synthesis.effects import Synthesis, probability_above, summarise
from myopoise.synthesis.myositis import DISTANCES, REFERENCE_DEFINITION, MyositisPriors
from myopoise.synthesis.response_scale import threshold
from myopoise.vocabulary import BACKGROUND, Level, Phenotype

__all__ = [
    "LEVELS",
    "Draws",
    "Latents",
    "LevelResponse",
    "PredictedResponse",
    "chances_of_rows",
    "latents",
    "predict",
]

Floats = NDArray[np.float64]


LEVELS = (Level.MINIMAL, Level.MODERATE, Level.MAJOR)
"""Levels that are predicted."""


@dataclass(frozen=True)
class LevelResponse:
    """Predictions at one level of response.

    Parameters
    ----------
    response, predictive
        Chance of this level or better in an average and in a new study.
    difference, predictive_difference
        That chance less the one on background therapy, in an average and in a new study.
    """

    response: Estimate
    predictive: Estimate
    difference: Estimate
    predictive_difference: Estimate


@dataclass(frozen=True)
class PredictedResponse:
    """Predictions for one treatment in one group.

    Parameters
    ----------
    levels
        Minimal, moderate and major improvement.
    level
        The one the probabilities are about.
    p_better, p_better_by_ten
        Posterior probability that the difference is above 0, and above ten patients in a hundred.
    p_mcse
        The larger numerical error of the two.
    """

    levels: Mapping[Level, LevelResponse]
    level: Level
    p_better: float
    p_better_by_ten: float
    p_mcse: float

    @property
    def response(self) -> Estimate:
        """Chance of the level asked for in an average study."""
        return self.levels[self.level].response

    @property
    def predictive(self) -> Estimate:
        """The same in a new study."""
        return self.levels[self.level].predictive

    @property
    def difference(self) -> Estimate:
        """Response less that on background therapy in an average study."""
        return self.levels[self.level].difference

    @property
    def predictive_difference(self) -> Estimate:
        """The same in a new study."""
        return self.levels[self.level].predictive_difference


@dataclass(frozen=True)
class Latents:
    """Draws of the mean latent improvement of a group, on a treatment and on background therapy.

    Parameters
    ----------
    treated, alone
        In an average study, shape ``(draw,)``.
    treated_anew, alone_anew
        In two arms of one new study.
    distances
        From minimal to moderate and from moderate to major improvement, shape ``(draw, 2)``.
    """

    treated: Floats
    alone: Floats
    treated_anew: Floats
    alone_anew: Floats
    distances: Floats


def predict(
    synthesis: Synthesis,
    treatments: Sequence[str],
    group: Phenotype,
    mechanism: Mapping[str, str],
    priors: MyositisPriors,
    seed: int,
    level: Level = Level.MINIMAL,
) -> PredictedResponse:
    """Predict the response of a group to treatments added to background therapy.

    Parameters
    ----------
    synthesis
        A fitted reading.
    treatments
        Codes; ``("background",)`` for background therapy alone.
    group
        Diagnosis.
    mechanism
        Mechanism class of each treatment.
    priors
        The model's priors, for a diagnosis the reading has not seen.
    seed
        Seed of the predictive draws.
    level
        The level of response that the probabilities are about.
    """
    posterior = synthesis.posterior
    found = latents(synthesis, treatments, group, mechanism, priors, seed)
    levels = {}
    gain = np.zeros(0)
    for each in LEVELS:
        place = threshold(each, found.distances)
        response, alone = ndtr(found.treated - place), ndtr(found.alone - place)
        predictive, beside = ndtr(found.treated_anew - place), ndtr(found.alone_anew - place)
        gain = response - alone if each is level else gain
        levels[each] = LevelResponse(
            summarise(response, posterior, "probability"),
            summarise(predictive, posterior, "probability"),
            summarise(response - alone, posterior, "difference in probability"),
            summarise(predictive - beside, posterior, "difference in probability"),
        )
    (better, error), (by_ten, error_by_ten) = (probability_above(gain, posterior, by) for by in (0.0, 0.10))
    return PredictedResponse(levels, level, better, by_ten, max(error, error_by_ten))


def latents(
    synthesis: Synthesis,
    treatments: Sequence[str],
    group: Phenotype,
    mechanism: Mapping[str, str],
    priors: MyositisPriors,
    seed: int,
) -> Latents:
    """Draws of the latent improvement behind a prediction.

    Parameters
    ----------
    synthesis, treatments, group, mechanism, priors, seed
        As for `predict`.
    """
    draws = Draws(synthesis, seed)
    baseline = draws.baseline(group, priors)
    effect = draws.effect(treatments, group, mechanism, priors)
    new_study = draws.sd("between studies") * draws.noise("new study")
    arm_sd = draws.sd("between trials") * np.sqrt(0.5)
    return Latents(
        baseline + effect,
        baseline,
        baseline + effect + new_study + arm_sd * draws.noise("new arm"),
        baseline + new_study + arm_sd * draws.noise("new background arm"),
        np.stack([draws.sd(name) for name in DISTANCES], axis=-1),
    )


def chances_of_rows(
    synthesis: Synthesis,
    rows: Sequence[Row],
    levels: Sequence[Level],
    mechanism: Mapping[str, str],
    priors: MyositisPriors,
    seed: int,
) -> Floats:
    """Predictive draws of the chance of response in the arms of one new randomised study, shape ``(row, draw)``.

    Parameters
    ----------
    synthesis
        A fitted reading that has not seen the study.
    rows
        Groups of patients of the study: treatments, diagnoses and definition of response count, results do not.
    levels
        Level of response asked of each row.
    mechanism
        Mechanism class of each treatment; a class or treatment never seen is drawn from its prior.
    priors, seed
        As for `predict`.

    Notes
    -----
    Rows share what is unknown of their study: its baseline and its definition. Each arm has a deviation of its own.
    """
    draws = Draws(synthesis, seed)
    return np.array(
        [
            draws.chance_in_row(row, level, draws.new_terms(row), mechanism, priors)
            for row, level in zip(rows, levels, strict=True)
        ]
    )


class Draws:
    """Draws of named components; one the reading has not seen is drawn from its prior."""

    def __init__(self, synthesis: Synthesis, seed: int) -> None:
        self.posterior = synthesis.posterior
        self.seed = seed

    def column(self, name: str, prior_sd: Floats | float = 0.0) -> Floats:
        """Draws of a component, or of its prior."""
        if name in self.posterior.model.columns:
            return np.asarray(self.posterior.x[:, self.posterior.model.column(name)])
        return prior_sd * self.noise(name)

    def baseline(self, group: Phenotype, priors: MyositisPriors) -> Floats:
        """Draws of the latent response of a diagnosis on background therapy in an average study."""
        baseline = self.column("baseline")
        if group is not Phenotype.DM:
            baseline = baseline + self.column(f"diagnosis {group}", priors.diagnosis.sd)
        return baseline

    def effect(
        self,
        treatments: Sequence[str],
        group: Phenotype,
        mechanism: Mapping[str, str],
        priors: MyositisPriors,
    ) -> Floats:
        """Draws of what treatments add to it in that diagnosis."""
        effect = np.zeros(len(self.posterior.x))
        for treatment in treatments:
            if treatment == BACKGROUND:
                continue
            c = mechanism[treatment]
            effect = effect + self.column(f"class {c}", priors.class_mean.sd)
            effect = effect + self.column(f"treatment {treatment}", self.sd("within class"))
            effect = effect + self.column(f"class {c} in {group}", self.sd("class by diagnosis"))
        return effect

    def new_terms(self, row: Row) -> Floats:
        """Draws of what an arm of a study not seen yet would add: its study's term, bias included, and its own."""
        spread = self.sd("between studies") ** 2
        bias = np.zeros_like(spread)
        if "bias" in self.posterior.model.columns and not row.design.randomised:
            spread, bias = spread + self.sd("bias") ** 2, self.column("bias")
        study = np.sqrt(spread) * self.noise(f"study {row.study}")
        own = self.sd("between trials") * np.sqrt(0.5)
        return np.asarray(bias + study + own * self.noise(f"arm {row.study} {'+'.join(row.treatments)}"))

    def chance_in_row(
        self,
        row: Row,
        level: Level,
        terms: Floats,
        mechanism: Mapping[str, str],
        priors: MyositisPriors,
    ) -> Floats:
        """Draws of the chance of a level in a group of patients, given the terms of its study and arm."""
        distances = np.stack([self.sd(name) for name in DISTANCES], axis=-1)
        common = terms - threshold(level, distances)
        if row.definition != REFERENCE_DEFINITION:
            common = common - self.column(f"definition {row.definition}", self.sd("definition"))
        chance = np.zeros_like(common)
        for group, share in row.shares.items():
            eta = self.baseline(group, priors) + self.effect(row.treatments, group, mechanism, priors)
            chance += share * ndtr(eta + common)
        return chance

    def sd(self, name: str) -> Floats:
        """Draws of a standard deviation, or of a distance between levels."""
        return np.asarray(self.posterior.theta[:, [h for h, _ in self.posterior.model.hypers].index(name)])

    def noise(self, name: str) -> Floats:
        """Standard normal draws that belong to a name: the same component gets the same draws everywhere.

        Stratified: their mean and spread are those of the normal, in an order of their own for each name.
        """
        count = len(self.posterior.x)
        order = np.random.default_rng([self.seed, crc32(name.encode())]).permutation(count)
        return np.asarray(ndtri((order + 0.5) / count))
