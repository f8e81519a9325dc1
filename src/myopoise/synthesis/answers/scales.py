"""Relative effects on the scale a reader wants: ratios and differences of risk, numbers needed, standard deviations.

Log odds ratios, log rate ratios and mean differences carry over by themselves. A risk ratio or a risk difference does
not: it depends on the risk without the treatment, so each verb that gives one asks for a baseline. Every ordered pair
is given, the first treatment against the second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.estimate import Estimate
from myopoise.synthesis.answers.absolute import Outcomes, new_study_terms, outcome_draws
from myopoise.synthesis.answers.baselines import Baseline
from myopoise.synthesis.answers.draws import Joint, joint_draws, laid_out
from myopoise.synthesis.findings import NetworkSynthesis, Pair

__all__ = [
    "NumberNeeded",
    "number_needed",
    "numbers_needed",
    "odds_ratios",
    "ratios",
    "risk_differences",
    "risk_ratios",
    "standardised_differences",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NumberNeeded:
    """How many are treated for one more, or one fewer, to have the event.

    Parameters
    ----------
    difference
        The risk difference it comes from.
    number
        One over the median difference: positive for one more event, negative for one fewer; infinite for none.
    ends
        One over the ends of the difference's interval, low end first.
    through_infinity
        Whether the interval of the difference holds zero. The interval of the number is then two pieces, from `ends[0]`
        downwards to minus infinity and from `ends[1]` upwards to infinity, never what lies between the ends.

    References
    ----------
    altman1998
    """

    difference: Estimate
    number: float
    ends: tuple[float, float]
    through_infinity: bool

    @property
    def interval(self) -> tuple[float, float]:
        """Smallest and largest number where the interval is one piece; NaN where it goes through infinity."""
        if self.through_infinity:
            return (float("nan"), float("nan"))
        return (min(self.ends), max(self.ends))


def ratios(found: NetworkSynthesis, *, predictive: bool = False) -> Mapping[Pair, Estimate]:
    """Effects whose scale is a logarithm, as ratios: odds ratios, hazard ratios, rate ratios.

    Parameters
    ----------
    found
        The synthesis.
    predictive
        Whether those of a new study.

    Raises
    ------
    WrongUsage
        When the scale of the effects is no logarithm.

    Notes
    -----
    Medians and interval ends are those of the logarithm, carried over. The mean is that of the ratio itself, so it
    lies above the exponential of the mean logarithm.
    """
    if not found.scale.startswith("log "):
        raise WrongUsage(
            f"effects are on the scale '{found.scale}', which is no logarithm; they make no ratios."
        )
    scale = found.scale.removeprefix("log ")
    logs = found.predictive if predictive else found.relative_effects
    rows, noise = _rows(found, list(logs), predictive=predictive)
    joint = joint_draws(found.posterior)
    values = joint.x @ rows.T
    if noise is not None:
        values = values + noise(joint)
    values = np.exp(values)
    mean, error = joint.mean(values)
    sd = np.sqrt(np.maximum(joint.weights @ (values - mean) ** 2, 0.0))
    return {
        pair: replace(
            e,
            mean=float(mean[i]),
            sd=float(sd[i]),
            median=float(np.exp(e.median)),
            low=float(np.exp(e.low)),
            high=float(np.exp(e.high)),
            scale=scale,
            mcse=float(error[i]),
        )
        for i, (pair, e) in enumerate(logs.items())
    }


def _rows(
    found: NetworkSynthesis, pairs: list[Pair], *, predictive: bool
) -> tuple[Floats, Callable[[Joint], Floats] | None]:
    """Each pair as a combination of the components of x, and what a new study adds."""
    assembled = found.assembled
    if assembled is not None and assembled.effects is None:
        place = {column.name: i for i, column in enumerate(assembled.columns)}
        rows = np.zeros((len(pairs), len(place)))
        for i, (a, b) in enumerate(pairs):
            name, sign = (f"d[{a} v {b}]", 1.0) if f"d[{a} v {b}]" in place else (f"d[{b} v {a}]", -1.0)
            rows[i, place[name]] = sign
        if predictive:
            raise WrongUsage("with unrelated mean effects, ratios are given for the mean over studies only.")
        return rows, None
    assembled, effects = laid_out(found)
    at = {name: i for i, name in enumerate(assembled.treatments)}
    first = np.array([at[a] for a, _ in pairs], dtype=np.int64)
    second = np.array([at[b] for _, b in pairs], dtype=np.int64)

    def noise(joint: Joint) -> Floats:
        terms = new_study_terms(assembled, joint)
        return np.asarray(terms[:, first] - terms[:, second])

    return effects[first] - effects[second], noise if predictive else None


def risk_ratios(
    found: NetworkSynthesis, baseline: Baseline, *, predictive: bool = False, threshold: int = 0
) -> Mapping[Pair, Estimate]:
    """Ratio of the chances of the event.

    Parameters
    ----------
    found
        The synthesis, of counts or ordered categories.
    baseline
        The reference treatment's risk.
    predictive
        Whether effects are those of a new study.
    threshold
        Which threshold of an ordered outcome, 0 for the lowest.
    """
    outcomes, chance = _chances(found, baseline, threshold, predictive=predictive)
    return _every_pair(outcomes, lambda a, b: chance[:, a] / chance[:, b], "risk ratio")


def risk_differences(
    found: NetworkSynthesis, baseline: Baseline, *, predictive: bool = False, threshold: int = 0
) -> Mapping[Pair, Estimate]:
    """Difference of the chances of the event.

    Parameters
    ----------
    found, baseline, predictive, threshold
        As for `risk_ratios`.
    """
    outcomes, chance = _chances(found, baseline, threshold, predictive=predictive)
    return _every_pair(outcomes, lambda a, b: chance[:, a] - chance[:, b], "risk difference")


def odds_ratios(
    found: NetworkSynthesis, baseline: Baseline, *, predictive: bool = False, threshold: int = 0
) -> Mapping[Pair, Estimate]:
    """Ratio of the odds of the event at a baseline; for the logit link `ratios` gives the same without one.

    Parameters
    ----------
    found, baseline, predictive, threshold
        As for `risk_ratios`.
    """
    outcomes, chance = _chances(found, baseline, threshold, predictive=predictive)
    odds = chance / np.maximum(1.0 - chance, 1e-300)
    return _every_pair(outcomes, lambda a, b: odds[:, a] / odds[:, b], "odds ratio")


def numbers_needed(
    found: NetworkSynthesis, baseline: Baseline, *, predictive: bool = False, threshold: int = 0
) -> Mapping[Pair, NumberNeeded]:
    """Number needed to treat with the first instead of the second for one more, or one fewer, event.

    Parameters
    ----------
    found, baseline, predictive, threshold
        As for `risk_ratios`.

    Notes
    -----
    A mean of reciprocals has no meaning where the difference may be zero, so none is given: the number is the
    reciprocal of the median difference, and its interval the reciprocals of the ends.

    References
    ----------
    altman1998
    """
    differences = risk_differences(found, baseline, predictive=predictive, threshold=threshold)
    return {pair: number_needed(difference) for pair, difference in differences.items()}


def number_needed(difference: Estimate) -> NumberNeeded:
    """One risk difference as a number needed to treat.

    Parameters
    ----------
    difference
        The risk difference.
    """
    return NumberNeeded(
        difference,
        _reciprocal(difference.median),
        (_reciprocal(difference.low), _reciprocal(difference.high)),
        difference.low <= 0.0 <= difference.high,
    )


def _reciprocal(value: float) -> float:
    return 1.0 / value if value else float("inf")


def standardised_differences(
    found: NetworkSynthesis, sd: float, *, predictive: bool = False
) -> Mapping[Pair, Estimate]:
    """Mean differences in standard deviations of the outcome.

    Parameters
    ----------
    found
        The synthesis, of means.
    sd
        Standard deviation of the outcome between patients, taken as known: from the population at hand or a large
        study, the same for all treatments.
    predictive
        Whether those of a new study.

    Raises
    ------
    WrongUsage
        When effects are no differences of means, or `sd` is not above zero.
    """
    if found.scale != "mean difference":
        raise WrongUsage(
            f"effects are on the scale '{found.scale}'; only mean differences can be standardised."
        )
    if not sd > 0.0:
        raise WrongUsage(f"the standard deviation is {sd:g}; it must be above 0.")
    differences = found.predictive if predictive else found.relative_effects
    return {
        pair: replace(
            e,
            mean=e.mean / sd,
            sd=e.sd / sd,
            median=e.median / sd,
            low=e.low / sd,
            high=e.high / sd,
            mcse=e.mcse / sd,
            scale="standardised mean difference",
        )
        for pair, e in differences.items()
    }


def _chances(
    found: NetworkSynthesis, baseline: Baseline, threshold: int, *, predictive: bool
) -> tuple[Outcomes, Floats]:
    outcomes = outcome_draws(found, baseline, predictive=predictive)
    if outcomes.scale != "probability":
        raise WrongUsage(f"the outcome is a {outcomes.scale}, not a chance: it has no risks.")
    if not 0 <= threshold < len(outcomes.values):
        raise WrongUsage(f"there is no threshold {threshold}; they run from 0 to {len(outcomes.values) - 1}.")
    return outcomes, outcomes.values[threshold]


def _every_pair(
    outcomes: Outcomes, contrast: Callable[[int, int], Floats], scale: str
) -> Mapping[Pair, Estimate]:
    names = outcomes.assembled.treatments
    found: dict[Pair, Estimate] = {}
    for a, b in combinations(range(len(names)), 2):
        values = np.stack([contrast(a, b), contrast(b, a)], axis=1)
        one, other = outcomes.joint.estimates(values, (scale, scale))
        found[names[a], names[b]], found[names[b], names[a]] = one, other
    return found
