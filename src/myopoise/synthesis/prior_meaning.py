"""What a prior says about trials: a standard deviation in words that a clinician can disagree with.

Two trials of the same comparison have true effects that differ by a normal with variance ``2 tau^2``: in 95% of pairs
by less than ``1.96 sqrt(2) tau``. On a logarithmic scale that is a factor between two ratios.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage

__all__ = ["Quantiles", "effect_meaning", "pairs_of_trials", "spread_meaning"]

Floats = NDArray[np.float64]

_ENDS = np.array([-1.959963984540054, 0.0, 1.959963984540054])


class Quantiles(Protocol):
    """Whatever gives its quantile at a standard normal score."""

    def value(self, z: Floats) -> Floats:
        """Quantile at score `z`, same shape."""
        ...


def check(prior: str, *, positive: Mapping[str, float], finite: Mapping[str, float] | None = None) -> None:
    """Refuse a parameter that is not a number, or not positive where it must be.

    Parameters
    ----------
    prior
        Name of the prior, for the message.
    positive
        Parameters that must be finite and above zero, by name.
    finite
        Parameters that must be finite.
    """
    for name, value in {**positive, **(finite or {})}.items():
        if not math.isfinite(value):
            raise WrongUsage(f"{prior}: the {name} is {value:g}. It must be a finite number.")
    for name, value in positive.items():
        if value <= 0.0:
            raise WrongUsage(f"{prior}: the {name} is {value:g}. It must be above zero.")


def interval(prior: Quantiles) -> str:
    """The central 95% of a prior, in words."""
    low, _, high = prior.value(_ENDS)
    if high >= 1e9 and low >= 0.0:
        return f"97.5% above {_number(low)}, with no upper end to speak of"
    return f"95% between {_number(low)} and {_number(high)}"


_PAIR = 1.959963984540054 * math.sqrt(2.0)
"""Two true effects differ by less than this many standard deviations in 95% of pairs of trials."""


def _ratio(scale: str) -> str:
    """The ratio whose logarithm a scale is, or empty."""
    words = scale.strip()
    return words.removeprefix("log ") if words.startswith("log ") and words.endswith("ratio") else ""


def _plural(words: str) -> str:
    return words if words.endswith("s") else f"{words}s"


def _number(value: float) -> str:
    if abs(value) >= 1e6:
        return "more than a million"
    return f"{float(f'{value:.2g}'):,.0f}" if abs(value) >= 99.5 else f"{value:.2g}"


def _factor(log_factor: float) -> str:
    return _number(math.exp(min(log_factor, 20.0)))


def spread_meaning(prior: Quantiles, scale: str) -> str:
    """What the prior of a standard deviation between trials means, at its median and at its upper end.

    Parameters
    ----------
    prior
        Of tau; the upper end is its 97.5% quantile.
    scale
        What an effect is: ``log odds ratio``, ``mean difference``, ...
    """
    _, median, high = map(float, prior.value(_ENDS))
    return pairs_of_trials(median, high, scale, at="of the prior")


def pairs_of_trials(median: float, high: float, scale: str, *, at: str) -> str:
    """What a standard deviation between trials means, at its median and at its upper end.

    Parameters
    ----------
    median, high
        The standard deviation.
    scale
        What an effect is.
    at
        Of what they are the median and the upper end: ``of the prior``, ``of its posterior``.
    """
    ratio = _ratio(scale)
    if ratio:
        middle, end, by = _factor(_PAIR * median), _factor(_PAIR * high), "a factor of "
    else:
        middle, end, by = _number(_PAIR * median), _number(_PAIR * high), ""
    return (
        f"in 95% of pairs of trials the true {_plural(ratio or scale)} differ by less than {by}{middle} "
        f"at the median {at}, {end} at its upper end"
    )


def effect_meaning(prior: Quantiles, scale: str) -> str:
    """What the prior of an effect means.

    Parameters
    ----------
    prior
        Of an effect on `scale`.
    scale
        What an effect is: ``log odds ratio``, ``mean difference``, ...
    """
    low, _, high = map(float, prior.value(_ENDS))
    ratio = _ratio(scale)
    if not ratio:
        return f"95% of true {_plural(scale)} between {_number(low)} and {_number(high)}"
    if min(-low, high) > math.log(1e6):
        return f"no {ratio} is excluded: 95% reach beyond a factor of a million both ways"
    return f"95% of true {_plural(ratio)} between {math.exp(max(low, -700.0)):.2g} and {_factor(high)}"
