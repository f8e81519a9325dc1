"""What would change an answer: which study, if it had not been there, and how much bias in an option's favour.

A study is taken out by reweighting the draws (`synthesis.leaving_out`); where that cannot be trusted the line says so
instead of giving a number. A bias is a shift of the option's effect on the probit scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.leaving_out import Without, without_each_study

__all__ = ["Change", "bias_that_undoes", "what_would_change"]

Floats = NDArray[np.float64]

SHOWN = 0.02
"""A study is listed when leaving it out moves a median difference by two patients in a hundred or more."""


@dataclass(frozen=True)
class Change:
    """What one change would do to the difference an option makes.

    Parameters
    ----------
    kind
        ``study`` left out, or ``bias`` in the option's favour.
    treatment
        The option.
    study
        Identifier of the study; empty for a bias.
    before, after
        Median difference to background therapy, as a probability; `after` is None where the posterior without the
        study must be fitted anew, and for a bias.
    better_before, better_after
        Probability of any benefit.
    shift
        Of a bias: probits by which the option's effect would have to be overstated for the probability of any benefit
        to fall below the threshold of a preference; None for a study.
    in_patients
        The same shift as patients in a hundred where the option's median response is; None for a study.
    """

    kind: str
    treatment: str
    study: str
    before: float
    after: float | None
    better_before: float
    better_after: float | None
    shift: float | None = None
    in_patients: float | None = None


def what_would_change(
    synthesis: Synthesis,
    treatments: Sequence[str],
    chance: Floats,
    sure: float,
    withouts: Sequence[Without] | None = None,
) -> tuple[Change, ...]:
    """Every study whose absence would move an option, the largest move first, then the bias that undoes each.

    Parameters
    ----------
    synthesis
        The main reading.
    treatments
        Names of the options.
    chance
        Draws of the chance of response of each option and, last, of background therapy, ``(option + 1, draw)``.
    sure
        Probability of any benefit that a preference asks for.
    withouts
        The posterior without each study, where it is known already.
    """
    gain = chance[:-1] - chance[-1]
    weights = synthesis.posterior.weights.values
    before, better = _medians(gain, weights), (gain > 0.0) @ weights
    moved = []
    for without in without_each_study(synthesis) if withouts is None else withouts:
        after, better_after = _medians(gain, without.weights.values), (gain > 0.0) @ without.weights.values
        if not without.ok:
            # One line a study: how far it moves each option cannot be told without a new fit.
            i = int(np.abs(after - before).argmax())
            unknown = (float(before[i]), None, float(better[i]), None)
            moved.append(Change("study", treatments[i], without.study, *unknown))
            continue
        for i, treatment in enumerate(treatments):
            if abs(after[i] - before[i]) >= SHOWN:
                numbers = (float(before[i]), float(after[i]), float(better[i]), float(better_after[i]))
                moved.append(Change("study", treatment, without.study, *numbers))
    moved.sort(key=lambda c: (c.after is None, 0.0 if c.after is None else -abs(c.after - c.before)))
    undoing = [
        bias_that_undoes(treatment, chance[i], chance[-1], weights, sure)
        for i, treatment in enumerate(treatments)
        if better[i] >= sure
    ]
    return (*moved, *undoing)


def bias_that_undoes(treatment: str, treated: Floats, alone: Floats, weights: Floats, sure: float) -> Change:
    """How far an option's effect would have to be overstated for a preference to fall.

    Parameters
    ----------
    treatment
        The option.
    treated, alone
        Draws of the chance of response on it and on background therapy, shape ``(draw,)``.
    weights
        Of the draws.
    sure
        Probability of any benefit that a preference asks for.
    """
    effect = ndtri(treated) - ndtri(alone)
    shift = float(_quantile(effect, weights, 1.0 - sure))
    gain = treated - alone
    middle = float(_quantile(treated, weights, 0.5))
    fewer = middle - float(ndtr(ndtri(middle) - shift))
    before = float(_quantile(gain, weights, 0.5))
    return Change(
        *("bias", treatment, "", before, None, float(weights @ (gain > 0.0)), None, shift, fewer),
    )


def _medians(values: Floats, weights: Floats) -> Floats:
    return np.array([_quantile(row, weights, 0.5) for row in values])


def _quantile(values: Floats, weights: Floats, level: float) -> float:
    order = np.argsort(values, kind="stable")
    middle = np.cumsum(weights[order]) - 0.5 * weights[order]
    return float(np.interp(level, middle, values[order]))
