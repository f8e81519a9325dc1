"""How probable it is that an effect matters: beyond a threshold of clinical importance on either side, or trivial.

Which words go with which probability is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from myopoise.errors import WrongUsage
from myopoise.synthesis.answers.absolute import new_study_terms, outcome_draws
from myopoise.synthesis.answers.baselines import Baseline
from myopoise.synthesis.answers.draws import Chance, Joint, joint_draws, laid_out
from myopoise.synthesis.findings import NetworkSynthesis, Pair
from myopoise.synthesis.laplace import Posterior

__all__ = ["Importance", "Zone", "importance", "importance_of_differences"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Zone:
    """Effects too small to matter: those from `low` to `high`.

    Parameters
    ----------
    low, high
        On the scale of the question; ``low <= high``, and equal (both 0) where any difference matters.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse ends in the wrong order."""
        if not self.low <= self.high:
            raise WrongUsage(f"the zone runs from {self.low:g} to {self.high:g}: the low end comes first.")

    @classmethod
    def within(cls, threshold: float) -> Zone:
        """The same threshold on either side of zero."""
        return cls(-threshold, threshold)


@dataclass(frozen=True)
class Importance:
    """Posterior probabilities that an effect is below, within and above a zone; they sum to one.

    Parameters
    ----------
    below, within, above
        Each with its numerical error.
    """

    below: Chance
    within: Chance
    above: Chance


def importance(found: NetworkSynthesis, zone: Zone, *, predictive: bool = False) -> Mapping[Pair, Importance]:
    """Where each effect may lie, on the scale of the linear predictor.

    Parameters
    ----------
    found
        The synthesis.
    zone
        Effects too small to matter; for an odds ratio of 1.25, its logarithm.
    predictive
        Whether effects are those of a new study.

    Notes
    -----
    Without a new study the shares of the Gaussians behind the draws are known, and draws count only what their weights
    change: a normal model is exact.
    """
    assembled, effects = laid_out(found)
    names = assembled.treatments
    pairs = list(permutations(range(len(names)), 2))
    rows = np.array([effects[a] - effects[b] for a, b in pairs]).reshape(len(pairs), effects.shape[1])
    joint = joint_draws(found.posterior)
    if predictive:
        terms = new_study_terms(assembled, joint)
        noise = np.stack([terms[:, a] - terms[:, b] for a, b in pairs], axis=1)
        rest = _counted(joint, joint.x @ rows.T + noise, zone)
    else:
        rest = _smooth(found.posterior, rows, zone)
    return {(names[a], names[b]): each for (a, b), each in zip(pairs, rest, strict=True)}


def importance_of_differences(
    found: NetworkSynthesis,
    baseline: Baseline,
    zone: Zone,
    *,
    predictive: bool = False,
    exposure: float = 1.0,
    threshold: int = 0,
) -> Mapping[Pair, Importance]:
    """Where each difference of outcomes may lie in a stated population: of chances, means or rates.

    Parameters
    ----------
    found
        The synthesis.
    baseline
        The reference treatment's outcome.
    zone
        Differences too small to matter, on the natural scale.
    predictive, exposure
        As for `absolute_effects`.
    threshold
        Which threshold of an ordered outcome, 0 for the lowest.
    """
    outcomes = outcome_draws(found, baseline, predictive=predictive, exposure=exposure)
    names = outcomes.assembled.treatments
    values = outcomes.values[threshold]
    pairs = list(permutations(range(len(names)), 2))
    differences = np.stack([values[:, a] - values[:, b] for a, b in pairs], axis=1)
    rest = _counted(outcomes.joint, differences, zone)
    return {(names[a], names[b]): each for (a, b), each in zip(pairs, rest, strict=True)}


def _counted(joint: Joint, values: Floats, zone: Zone) -> list[Importance]:
    below, above = joint.chances(values < zone.low), joint.chances(values > zone.high)
    within = joint.chances((values >= zone.low) & (values <= zone.high))
    return [Importance(*three) for three in zip(below, within, above, strict=True)]


def _smooth(posterior: Posterior, rows: Floats, zone: Zone) -> list[Importance]:
    """The same for combinations of x, from the Gaussians behind the draws and the weights of the draws."""
    values = posterior.x @ rows.T
    low, low_error = _below(posterior, rows, values, zone.low)
    high, high_error = _below(posterior, rows, values, zone.high)
    found = []
    for i in range(len(rows)):
        inside = max(0.0, high[i] - low[i])
        error = float(np.hypot(low_error[i], high_error[i])) if zone.low < zone.high else 0.0
        found.append(
            Importance(
                Chance(float(low[i]), float(low_error[i])),
                Chance(float(inside), error),
                Chance(float(1.0 - high[i]), float(high_error[i])),
            )
        )
    return found


def _below(posterior: Posterior, rows: Floats, values: Floats, point: float) -> tuple[Floats, Floats]:
    """Posterior share below a point, ``(item,)``, and its numerical error."""
    mixture = posterior.mixture
    share = mixture.weight
    if not posterior.exact:
        share = np.bincount(posterior.node, minlength=len(share)) / len(posterior.node)
    kept = share > 1e-9
    variance = np.einsum("mc,jcd,md->jm", rows, mixture.covariance()[kept], rows, optimize=True)
    sd = np.sqrt(np.maximum(variance, 1e-300))
    known = share[kept] @ ndtr((point - mixture.mean[kept] @ rows.T) / sd)
    if posterior.exact:
        return np.clip(known, 0.0, 1.0), np.zeros(len(rows))
    surplus = posterior.surplus
    indicator = (values < point).astype(float)
    total = np.clip(known + surplus @ indicator, 0.0, 1.0)
    moved = surplus[:, None] * (indicator - total)
    if posterior.stratified:
        half = len(moved) // 2
        error = ((moved[:half] + moved[half:]) ** 2).sum(0)
    else:
        moved = posterior.weights.values[:, None] * (indicator - total)
        groups = np.zeros((int(posterior.cluster.max()) + 1, moved.shape[1]))
        np.add.at(groups, posterior.cluster, moved)
        error = (groups**2).sum(0)
    return np.asarray(total), np.sqrt(error)
