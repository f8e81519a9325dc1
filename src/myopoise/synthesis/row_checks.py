"""Posterior predictive checks of the evidence model, group of patients by group of patients.

Two questions are asked of each count. With the study's and the arm's own terms: can the model describe what it has
seen at all? With new terms in their place: would it have expected such a study? A model that answers the first with
yes by giving every study a term of its own is only held by the second (Gelman, Meng & Stern 1996).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, gammaln, xlog1py, xlogy

from myopoise.evidence.rows import Row, Selection
from myopoise.synthesis.answers.terms import draw_terms
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.laplace import Posterior
from myopoise.synthesis.myositis import MyositisPriors, rows_of_reading
from myopoise.synthesis.observed import counted_level
from myopoise.synthesis.prediction import Draws
from myopoise.vocabulary import Level

__all__ = ["RowCheck", "row_checks"]

Floats = NDArray[np.float64]

_DRAWS = 500
"""Enough for a tail chance to 0.02."""


@dataclass(frozen=True)
class RowCheck:
    """What the model makes of one count.

    Parameters
    ----------
    study, arm, treatment, level
        Which count.
    events, n
        What was seen.
    expected_own, expected_new
        Posterior mean of the chance, with the study's own terms and with new ones.
    below_own, below_new
        Chance of fewer responders plus half that of as many, in a replicate with own and with new terms: near 0 or 1
        the model did not expect this.
    """

    study: str
    arm: str
    treatment: str
    level: Level
    events: int
    n: int
    expected_own: float
    expected_new: float
    below_own: float
    below_new: float


def row_checks(
    synthesis: Synthesis, selection: Selection, priors: MyositisPriors, seed: int
) -> tuple[RowCheck, ...]:
    """A check of every count that entered a reading, in the order of the model.

    Parameters
    ----------
    synthesis
        The reading.
    selection
        Its rows.
    priors, seed
        As for `prediction.predict`.
    """
    synthesis = replace(synthesis, posterior=_fewer(synthesis.posterior, seed))
    posterior = synthesis.posterior
    model = posterior.model
    rows = sorted(
        rows_of_reading(selection, synthesis.reading), key=lambda row: (row.study, row.treatments, row.arm)
    )
    arms = list(dict.fromkeys((row.study, row.treatments) for row in rows))
    draws = Draws(synthesis, seed)
    terms = draw_terms(
        model,
        posterior.x,
        posterior.theta,
        posterior.mixture.level[:, posterior.node],
        np.random.default_rng(seed),
    )
    bias = "bias" in model.columns
    found = []
    for row in rows:
        level = counted_level(row)
        if level is None:
            continue
        place = arms.index((row.study, row.treatments))
        own = terms.study[model.study[place]] + terms.arm[place]
        if bias and not row.design.randomised:
            own = own + draws.column("bias")
        found.append(_check(row, level, own, draws.new_terms(row), draws, selection.mechanism, priors))
    return tuple(found)


def _fewer(posterior: Posterior, seed: int) -> Posterior:
    """A posterior of equally weighted draws, resampled: terms are drawn for each, which takes time."""
    weights = posterior.weights.values
    place = (np.arange(_DRAWS) + np.random.default_rng(seed).uniform()) / _DRAWS
    chosen = np.minimum(np.searchsorted(np.cumsum(weights), place), len(weights) - 1)
    even = replace(posterior.weights, values=np.full(_DRAWS, 1.0 / _DRAWS))
    return replace(
        posterior,
        x=posterior.x[chosen],
        theta=posterior.theta[chosen],
        node=posterior.node[chosen],
        weights=even,
    )


def _check(
    row: Row,
    level: Level,
    own: Floats,
    new: Floats,
    draws: Draws,
    mechanism: Mapping[str, str],
    priors: MyositisPriors,
) -> RowCheck:
    weights = draws.posterior.weights.values
    events, n = row.counts[level], row.n
    chances = [draws.chance_in_row(row, level, terms, mechanism, priors) for terms in (own, new)]
    below = [float(weights @ _middle_tail(events, n, chance)) for chance in chances]
    means = [float(weights @ chance) for chance in chances]
    return RowCheck(
        *(row.study, row.arm, "+".join(row.treatments), level, events, n),
        *(means[0], means[1], below[0], below[1]),
    )


def _middle_tail(events: int, n: int, chance: Floats) -> Floats:
    """Chance of fewer events plus half that of as many, at each draw."""
    chance = np.clip(chance, 1e-12, 1.0 - 1e-12)
    as_many = xlogy(events, chance) + xlog1py(n - events, -chance)
    as_many = np.exp(as_many + gammaln(n + 1) - gammaln(events + 1) - gammaln(n - events + 1))
    fewer = bdtr(events - 1, n, chance) if events else np.zeros_like(chance)
    return np.asarray(fewer + 0.5 * as_many)
