"""What it would be worth to know more: the expected value of perfect information, whole and by question.

Each option has a net value: the chance of response, less each harm it may do times a weight that stands beside every
number. Choosing now is choosing the option with the highest expected value. Knowing something first would sometimes
change the choice; how much better the choice would then be, on average, is the value of knowing it: EVPI for
everything, EVPPI for one group of parameters (Strong et al. 2014: the values regressed on them over the draws).

Values are in responders per patient treated: 0.03 is three more responders in a hundred patients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Value", "ValueOfInformation", "perfect_information", "value_of_information"]

Floats = NDArray[np.float64]

BATCHES = 8
"""Parts of the draws whose spread gives the standard error."""

_RIDGE = 1e-3
_ORDER = 3
"""Of the polynomial a value is regressed on; its argument is scaled to unit sd and its tails are drawn in."""


@dataclass(frozen=True)
class Value:
    """What knowing one thing would be worth.

    Parameters
    ----------
    question
        What would be known, in words.
    about
        Names behind it, for machines: a treatment, a comparison or a parameter group.
    value, se
        Responders per patient treated, with the standard error of the computation.
    """

    question: str
    about: str
    value: float
    se: float


@dataclass(frozen=True)
class ValueOfInformation:
    """The worth of knowing everything, and of each question alone, largest first.

    Parameters
    ----------
    everything
        Expected value of perfect information.
    questions
        Each question alone.
    weights
        What one responder and one patient harmed count, by name.
    best_now
        The option that is best on average today.
    """

    everything: Value
    questions: tuple[Value, ...]
    weights: Mapping[str, float]
    best_now: str


def perfect_information(value: Floats, weights: Floats) -> float:
    """Mean of the best value less the best mean value.

    Parameters
    ----------
    value
        Draws of the net value of each option, shape ``(option, draw)``.
    weights
        Of the draws, summing to one.
    """
    return float(value.max(axis=0) @ weights - (value @ weights).max())


def value_of_information(
    value: Floats,
    names: Sequence[str],
    weights: Floats,
    cluster: NDArray[np.int64],
    questions: Sequence[tuple[str, str, Floats]],
    counts: Mapping[str, float],
) -> ValueOfInformation:
    """The worth of knowing everything and of each question.

    Parameters
    ----------
    value
        Draws of the net value of each option, shape ``(option, draw)``.
    names
        Of the options.
    weights
        Of the draws, summing to one.
    cluster
        Draws that share their numerical error, shape ``(draw,)``; a cluster stays in one batch.
    questions
        Words, name, and draws of the parameters that would be known, shape ``(draw, parameter)``.
    counts
        What one responder and one harm count, for the record.
    """
    batch = cluster % BATCHES
    best = names[int((value @ weights).argmax())]
    total = perfect_information(value, weights)

    def whole(part: NDArray[np.bool_]) -> float:
        return perfect_information(value[:, part], _renormed(weights[part]))

    everything = Value(
        "everything this model does not know", "everything", total, _standard_error(whole, batch)
    )
    found = []
    for words, about, known in questions:

        def alone(part: NDArray[np.bool_], known: Floats = known) -> float:
            return _partial(value[:, part], _renormed(weights[part]), known[part])

        worth = min(total, max(0.0, _partial(value, weights, known)))
        found.append(Value(words, about, worth, _standard_error(alone, batch)))
    found.sort(key=lambda v: (-v.value, v.about))
    return ValueOfInformation(everything, tuple(found), counts, best)


def _partial(value: Floats, weights: Floats, known: Floats) -> float:
    """Value of knowing some parameters: perfect information on the values as regressed on them."""
    basis = _basis(known, weights)
    weighted = basis.T * weights
    ridge = _RIDGE * np.eye(basis.shape[1])
    ridge[0, 0] = 0.0
    coefficients = np.linalg.solve(weighted @ basis + ridge, weighted @ value.T)
    return perfect_information((basis @ coefficients).T, weights)


def _basis(known: Floats, weights: Floats) -> Floats:
    """Constant and powers of each parameter, and the products of pairs where they are few."""
    mean = weights @ known
    sd = np.sqrt(weights @ (known - mean) ** 2)
    scaled = np.clip((known - mean) / np.maximum(sd, 1e-12), -3.0, 3.0)
    terms = [np.ones((len(known), 1)), *(scaled**power for power in range(1, _ORDER + 1))]
    if 1 < known.shape[1] <= 4:
        one, other = np.triu_indices(known.shape[1], 1)
        terms.append(scaled[:, one] * scaled[:, other])
    return np.concatenate(terms, axis=1)


def _renormed(weights: Floats) -> Floats:
    return np.asarray(weights / weights.sum())


def _standard_error(of: Callable[[NDArray[np.bool_]], float], batch: NDArray[np.int64]) -> float:
    """Standard error of a mean over batches of the draws."""
    values = np.array([of(batch == b) for b in range(BATCHES)])
    return float(values.std(ddof=1) / np.sqrt(BATCHES))
