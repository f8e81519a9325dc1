"""Options beside each other, draw by draw: ranks, what choosing one may lose, and groups of the equally promising.

Only treatments that randomised comparisons connect to background therapy take part, and background therapy itself: a
rank among series without control groups would rank their patients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from myopoise.choice.certainty import Grade
from myopoise.choice.options import Beside, Comparison, Promise
from myopoise.synthesis.effects import Synthesis, summarise
from myopoise.synthesis.myositis import MyositisPriors
from myopoise.synthesis.prediction import PredictedResponse, latents
from myopoise.synthesis.response_scale import threshold
from myopoise.vocabulary import Level, Phenotype

__all__ = ["beside_each_other", "promise_of", "responses"]

Floats = NDArray[np.float64]

IMPORTANT = 0.10
"""Ten patients in a hundred: a difference a panel would call important. A declared threshold, not a fact."""


def responses(
    synthesis: Synthesis,
    names: Sequence[tuple[str, ...]],
    group: Phenotype,
    mechanism: Mapping[str, str],
    priors: MyositisPriors,
    seed: int,
    level: Level,
) -> Floats:
    """Draws of the chance of response to each treatment in an average study, shape ``(treatment, draw)``.

    Parameters
    ----------
    synthesis
        A fitted reading.
    names
        The treatments.
    group, mechanism, priors, seed
        As for `prediction.predict`.
    level
        Of response.
    """
    found = [latents(synthesis, treatments, group, mechanism, priors, seed) for treatments in names]
    return np.array([ndtr(each.treated - threshold(level, each.distances)) for each in found])


def beside_each_other(chance: Floats, synthesis: Synthesis) -> tuple[Beside, ...]:
    """Ranks and expected losses of treatments.

    Parameters
    ----------
    chance
        Draws of the chance of response, shape ``(treatment, draw)``.
    synthesis
        Where the draws come from.
    """
    weights = synthesis.posterior.weights.values
    count = len(chance)
    order = np.argsort(-chance, axis=0, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(count)[:, None], axis=0)
    best = chance.max(axis=0)
    found = []
    for one, ranked in zip(chance, place, strict=True):
        ranks = np.bincount(ranked, weights, minlength=count)
        loss = summarise(best - one, synthesis.posterior, "difference in probability")
        found.append(Beside(tuple(float(p) for p in ranks), loss, float(ranks[0])))
    return tuple(found)


def promise_of(main: PredictedResponse, comparison: Comparison, grade: Grade, *, preferred: bool) -> Promise:
    """The group an option falls in.

    Parameters
    ----------
    main
        Prediction of the main reading.
    comparison
        What the option has been set against.
    grade
        Certainty; below low nothing is grouped.
    preferred
        Whether it passes every test of a preference.
    """
    if comparison is not Comparison.RANDOMISED or grade is Grade.VERY_LOW:
        return Promise.UNCERTAIN
    if preferred:
        return Promise.PROMISING
    if main.p_better - 2.0 * main.p_mcse >= PROBABLY:
        return Promise.HELPS
    return Promise.NO_BETTER if main.difference.high < IMPORTANT else Promise.UNCERTAIN


PROBABLY = 0.90
"""Probability of any benefit from which an option 'probably helps'."""
