"""Ranks that count only differences that matter, and the chance of being among the best.

A plain rank turns on any difference, however small. Here a treatment counts as better than another only if it is better
by more than a threshold; with a threshold of zero these are the ranks and the SUCRA of the synthesis itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.answers.draws import Chance, joint_draws, laid_out
from myopoise.synthesis.findings import NetworkSynthesis

__all__ = ["RankBeyond", "among_best", "ranks_beyond"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RankBeyond:
    """Where a treatment may stand when only differences beyond a threshold count.

    Parameters
    ----------
    treatment
        Its name.
    superiority
        Mean over the other treatments of the probability that it is better by more than the threshold: the P-score of
        that threshold (SUCRA, where the threshold is zero).
    inferiority
        The same for being worse by more than the threshold.
    probabilities
        Probability of each rank, best first; the rank is one more than the number of treatments that are better by
        more than the threshold, so several may share the first.
    mcse
        Numerical error of `superiority`.
    """

    treatment: str
    superiority: float
    inferiority: float
    probabilities: tuple[float, ...]
    mcse: float


def ranks_beyond(
    found: NetworkSynthesis, threshold: float, *, direction: Literal["higher", "lower"]
) -> tuple[RankBeyond, ...]:
    """Ranks under a threshold, best first.

    Parameters
    ----------
    found
        The synthesis.
    threshold
        How much better a treatment must be, on the scale of the linear predictor; not negative.
    direction
        Whether a higher effect is better.
    """
    assembled, effects = laid_out(found)
    if not threshold >= 0.0:
        raise WrongUsage(f"the threshold is {threshold:g}; it must not be negative.")
    joint = joint_draws(found.posterior)
    values = (1.0 if direction == "higher" else -1.0) * joint.x @ effects.T
    count = values.shape[1]
    others = max(1, count - 1)
    ranks = []
    for i, name in enumerate(assembled.treatments):
        lead = np.delete(values[:, [i]] - values, i, axis=1)
        wins, losses = (lead > threshold).sum(1), (lead < -threshold).sum(1)
        mean, error = joint.mean(np.stack([wins, losses], axis=1) / others)
        shares = np.clip(np.bincount(losses, joint.weights, minlength=count), 0.0, 1.0)
        shares = shares / shares.sum()
        ranks.append(
            RankBeyond(name, float(mean[0]), float(mean[1]), tuple(map(float, shares)), float(error[0]))
        )
    return tuple(sorted(ranks, key=lambda rank: (-rank.superiority, rank.treatment)))


def among_best(
    found: NetworkSynthesis, best: int, *, direction: Literal["higher", "lower"]
) -> Mapping[str, Chance]:
    """Probability that each treatment is among the best few.

    Parameters
    ----------
    found
        The synthesis.
    best
        How many are the best few.
    direction
        Whether a higher effect is better.
    """
    assembled, effects = laid_out(found)
    count = len(assembled.treatments)
    if not 1 <= best <= count:
        raise WrongUsage(f"the best {best} of {count} treatments cannot be told; ask for 1 to {count}.")
    joint = joint_draws(found.posterior)
    values = (-1.0 if direction == "higher" else 1.0) * joint.x @ effects.T
    place = np.argsort(np.argsort(values, axis=1, kind="stable"), axis=1, kind="stable")
    return dict(zip(assembled.treatments, joint.chances(place < best), strict=True))
