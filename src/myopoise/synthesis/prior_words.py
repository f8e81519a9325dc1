"""Priors as they are written on a command line: ``half-normal:5``, ``normal:0,100``.

A standard deviation (tau and its like) takes any prior on positive numbers. An effect, an intercept or a coefficient
takes a normal: it is a component of one Gaussian vector.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple
from difflib import get_close_matches

from myopoise.errors import WrongUsage
from myopoise.synthesis.priors import (
    HalfCauchy,
    HalfNormal,
    HalfT,
    InverseGamma,
    LogNormal,
    LogNormalVariance,
    LogTVariance,
    Normal,
    Prior,
    Uniform,
)

__all__ = ["FORMS", "parse_normal", "parse_prior", "spell_prior"]

FORMS: dict[str, tuple[tuple[str, ...], str, Callable[..., Prior]]] = {
    "normal": (("mean", "sd"), "normal:0,100", Normal),
    "half-normal": (("sd",), "half-normal:5", HalfNormal),
    "uniform": (("low", "high"), "uniform:0,5", Uniform),
    "log-normal": (("mu", "sigma"), "log-normal:-1.28,0.87", LogNormal),
    "log-normal-variance": (("mu", "sigma"), "log-normal-variance:-2.56,1.74", LogNormalVariance),
    "log-t-variance": (("df", "location", "scale"), "log-t-variance:5,-3.44,2.59", LogTVariance),
    "half-t": (("df", "scale"), "half-t:3,2.5", HalfT),
    "half-cauchy": (("scale",), "half-cauchy:0.5", HalfCauchy),
    "inverse-gamma": (("shape", "rate"), "inverse-gamma:0.1,0.1", InverseGamma),
}
"""Parameters, an example and the prior of each form."""

_EFFECTS = ("treatment", "intercept", "baseline", "regression", "component", "class", "mu")
"""What is a component of the Gaussian vector, and takes a normal."""


def parse_prior(text: str, what: str = "tau") -> Prior:
    """The prior that `text` writes.

    Parameters
    ----------
    text
        Name and parameters: ``half-normal:5``.
    what
        What the prior is of. ``treatment``, ``intercept``, ``baseline``, ``regression``, ``component``, ``class`` and
        ``mu`` take a normal; anything else is a standard deviation, and its prior gives no weight below zero.

    Examples
    --------
    >>> parse_prior("half-normal:5")
    HalfNormal(scale=5.0)
    """
    if what in _EFFECTS:
        return parse_normal(text, what)
    prior = _parse(text, what)
    if isinstance(prior, Normal):
        raise WrongUsage(
            f"prior of {what}, {text}: a normal gives weight to values below zero, and a standard deviation has none. "
            f"Write half-normal:{prior.sd:g} for its positive half."
        )
    if isinstance(prior, Uniform) and prior.low < 0.0:
        raise WrongUsage(
            f"prior of {what}, {text}: it begins at {prior.low:g}, and a standard deviation is never below zero. "
            f"Write uniform:0,{prior.high:g}."
        )
    return prior


def parse_normal(text: str, what: str = "treatment") -> Normal:
    """The normal prior that `text` writes, for what is a component of the Gaussian vector.

    Parameters
    ----------
    text
        ``normal:0,100``.
    what
        What the prior is of, for the message.
    """
    prior = _parse(text, what)
    if not isinstance(prior, Normal):
        raise WrongUsage(
            f"prior of {what}, {text}: it must be normal. Write for example normal:0,100 (mean, sd)."
        )
    return prior


def spell_prior(prior: Prior) -> str:
    """A prior as it is written on a command line: what `parse_prior` reads.

    Parameters
    ----------
    prior
        One of the families in `FORMS`.
    """
    for name, (_, _, make) in FORMS.items():
        if make is type(prior):
            return f"{name}:{','.join(_shortest(value) for value in astuple(prior))}"  # type: ignore[call-overload]
    raise WrongUsage(f"a {type(prior).__name__} cannot be written on a command line.")


def _shortest(value: float) -> str:
    text = repr(float(value))
    return text.removesuffix(".0")


def _forms() -> str:
    return ", ".join(f"{name}:{','.join(parameters)}" for name, (parameters, _, _) in FORMS.items())


def _parse(text: str, what: str) -> Prior:
    name, _, given = text.strip().partition(":")
    form = name.strip().casefold().replace("_", "-").replace(" ", "-")
    if form not in FORMS:
        near = get_close_matches(form, FORMS, n=1, cutoff=0.5)
        hint = f" Did you mean {FORMS[near[0]][1]}?" if near else ""
        raise WrongUsage(f"prior of {what}, {text}: no prior has this name.{hint} Write one of {_forms()}.")
    parameters, example, make = FORMS[form]
    values = [_number(word) for word in given.split(",")] if given.strip() else []
    if len(values) != len(parameters) or any(value is None for value in values):
        asked = f"{len(parameters)} number{'s' if len(parameters) > 1 else ''}, {' and '.join(parameters)}"
        raise WrongUsage(f"prior of {what}, {text}: {form} takes {asked}. Write for example {example}.")
    try:
        return make(*values)
    except WrongUsage as fault:
        raise WrongUsage(f"prior of {what}, {text}: {fault}") from None


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
