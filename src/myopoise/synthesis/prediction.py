"""What the myositis model predicts for a treatment in a group of patients, in patients rather than probits.

Credible: an average study, with the 2016 ACR/EULAR criteria and a control arm. Predictive: a new study, with its own
baseline and its own deviation of the effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from myopoise.estimate import Estimate
from myopoise.synthesis.effects import Synthesis, probability_above, summarise
from myopoise.synthesis.myositis import MyositisPriors
from myopoise.vocabulary import BACKGROUND, Phenotype

__all__ = ["PredictedResponse", "predict"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PredictedResponse:
    """Predictions for one treatment in one group.

    Parameters
    ----------
    response, predictive
        Chance of at least minimal improvement in an average and in a new study.
    difference, predictive_difference
        Response less that on background therapy, in an average and in a new study.
    p_better, p_better_by_ten
        Posterior probability that the difference is above 0, and above ten patients in a hundred.
    p_mcse
        The larger numerical error of the two.
    """

    response: Estimate
    predictive: Estimate
    difference: Estimate
    predictive_difference: Estimate
    p_better: float
    p_better_by_ten: float
    p_mcse: float


def predict(
    synthesis: Synthesis,
    treatments: Sequence[str],
    group: Phenotype,
    mechanism: Mapping[str, str],
    priors: MyositisPriors,
    seed: int,
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
    """
    draws = _Draws(synthesis, seed)
    baseline = draws.column("baseline")
    if group is not Phenotype.DM:
        baseline = baseline + draws.column(f"diagnosis {group}", priors.diagnosis.sd)
    effect = np.zeros_like(baseline)
    for treatment in treatments:
        if treatment == BACKGROUND:
            continue
        c = mechanism[treatment]
        effect = effect + draws.column(f"class {c}", priors.class_mean.sd)
        effect = effect + draws.column(f"treatment {treatment}", draws.sd("within class"))
        effect = effect + draws.column(f"class {c} in {group}", draws.sd("class by diagnosis"))
    new_study = draws.sd("between studies") * draws.noise("new study")
    arm_sd = draws.sd("between trials") * np.sqrt(0.5)
    response, alone = ndtr(baseline + effect), ndtr(baseline)
    predictive = ndtr(baseline + effect + new_study + arm_sd * draws.noise("new arm"))
    beside = ndtr(baseline + new_study + arm_sd * draws.noise("new background arm"))
    gain = response - alone
    posterior = synthesis.posterior
    (better, error), (by_ten, error_by_ten) = (probability_above(gain, posterior, by) for by in (0.0, 0.10))
    return PredictedResponse(
        summarise(response, posterior, "probability"),
        summarise(predictive, posterior, "probability"),
        summarise(gain, posterior, "difference in probability"),
        summarise(predictive - beside, posterior, "difference in probability"),
        better,
        by_ten,
        max(error, error_by_ten),
    )


class _Draws:
    """Draws of named components; one the reading has not seen is drawn from its prior."""

    def __init__(self, synthesis: Synthesis, seed: int) -> None:
        self.posterior = synthesis.posterior
        self.seed = seed

    def column(self, name: str, prior_sd: Floats | float = 0.0) -> Floats:
        """Draws of a component, or of its prior."""
        if name in self.posterior.model.columns:
            return np.asarray(self.posterior.x[:, self.posterior.model.column(name)])
        return prior_sd * self.noise(name)

    def sd(self, name: str) -> Floats:
        """Draws of a standard deviation."""
        return np.asarray(self.posterior.theta[:, [h for h, _ in self.posterior.model.hypers].index(name)])

    def noise(self, name: str) -> Floats:
        """Standard normal draws that belong to a name: the same component gets the same draws everywhere."""
        return np.random.default_rng([self.seed, crc32(name.encode())]).standard_normal(len(self.posterior.x))
