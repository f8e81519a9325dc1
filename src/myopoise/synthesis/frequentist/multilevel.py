"""Meta-analysis of results that are not independent: several levels, or several outcomes of each study.

y ~ N(X b, V + G),   V known, G from random effects that results share
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri

from myopoise.errors import WrongUsage
from myopoise.synthesis.findings import Confidence, TestOfQ
from myopoise.synthesis.frequentist.intervals import crossing
from myopoise.synthesis.frequentist.multilevel_likelihood import (
    Blocks,
    Likeliest,
    blocks_of,
    maximise_likelihood,
)
from myopoise.synthesis.frequentist.multilevel_structures import Nested, Outcomes, RandomEffects
from myopoise.synthesis.frequentist.pairwise import ModeratorTest, confidence
from myopoise.synthesis.frequentist.pairwise_regression import Floats

__all__ = ["MultilevelEstimate", "Nested", "Outcomes", "estimate_multilevel"]


@dataclass(frozen=True, eq=False)
class MultilevelEstimate:
    """Effects and variance components.

    Parameters
    ----------
    model
        What was fitted, in one sentence.
    results, units
        Counts: results, and outermost units.
    coefficients
        ``intercept``, or one mean for each outcome, or the columns of the design.
    covariance
        Of the coefficients.
    robust
        The same coefficients with the variance between outermost units as it was seen (CR1), and t with units less
        coefficients.
    components
        Variance of each level, or variances and correlations of the outcomes.
    intervals
        95% intervals of the components by profile likelihood; empty unless asked for.
    residual_heterogeneity
        Cochran's Q with the sampling covariance alone.
    moderators
        Test of all coefficients, without the intercept where there are others.
    log_likelihood, restricted_log_likelihood
        At the components, with all constants.
    warnings
        What the reader should act on.
    """

    model: str
    results: int
    units: int
    coefficients: Mapping[str, Confidence]
    covariance: Floats = field(repr=False)
    robust: Mapping[str, Confidence]
    components: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    residual_heterogeneity: TestOfQ
    moderators: ModeratorTest
    log_likelihood: float
    restricted_log_likelihood: float
    warnings: tuple[str, ...]


def estimate_multilevel(
    y: ArrayLike,
    v: ArrayLike,
    *,
    random: RandomEffects,
    design: Mapping[str, ArrayLike] | None = None,
    method: Literal["REML", "ML"] = "REML",
    intervals: bool = False,
) -> MultilevelEstimate:
    """Effects of results that share random effects.

    Parameters
    ----------
    y
        Estimates, shape ``(result,)``.
    v
        Their sampling variances ``(result,)`` or covariance ``(result, result)``.
    random
        `Nested` levels or `Outcomes` of studies.
    design
        Columns of the mean, complete with ``intercept`` where one is wanted; unless told, an intercept for nested
        levels and a mean for each outcome.
    method
        Restricted or full likelihood.
    intervals
        Also compute profile-likelihood intervals of the components.

    Returns
    -------
    estimate
        By maximum likelihood.

    Raises
    ------
    WrongUsage
        Lengths differ, a number is missing, or columns tell the same thing.

    References
    ----------
    konstantopoulos2011
    berkey1998
    """
    if method not in ("REML", "ML"):
        raise WrongUsage(f"unknown method {method!r}; choose REML or ML")
    estimate, covariance = _checked(y, v)
    columns = _columns(len(estimate), random, design)
    matrix = np.column_stack(list(columns.values()))
    if len(estimate) <= matrix.shape[1] or np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        raise WrongUsage(f"{len(estimate)} results cannot tell {matrix.shape[1]} coefficients apart")
    blocks = blocks_of(estimate, covariance, matrix, random)
    found = _best(blocks, float(np.var(estimate)), method == "REML")
    warnings = [] if found.converged else ["The likelihood was not maximised to the last digits."]
    low, high = random.bounds(blocks.stacks[0].codes)
    edge = [n for n, x, a, b in zip(random.parameters, found.value, low, high, strict=True) if not a < x < b]
    if edge:
        warnings.append(
            f"At the edge of what is possible: {', '.join(edge)}. Standard errors do not hold that."
        )
    names = list(columns)
    return MultilevelEstimate(
        model=_sentence(random, len(estimate), method),
        results=len(estimate),
        units=blocks.count,
        coefficients=_confidences(names, found.at.coefficients, found.at.covariance, math.inf),
        covariance=found.at.covariance,
        robust=_robust(names, found, blocks.count),
        components=dict(zip(random.parameters, found.value.tolist(), strict=True)),
        intervals=_intervals(blocks, found, method == "REML") if intervals else {},
        residual_heterogeneity=_cochran(estimate, covariance, matrix),
        moderators=_moderators(names, found),
        log_likelihood=found.at.full,
        restricted_log_likelihood=found.at.restricted,
        warnings=tuple(warnings),
    )


def _checked(y: ArrayLike, v: ArrayLike) -> tuple[Floats, Floats]:
    estimate, variance = np.asarray(y, dtype=np.float64), np.asarray(v, dtype=np.float64)
    covariance = np.diag(variance) if variance.ndim == 1 else variance
    if estimate.ndim != 1 or covariance.shape != (len(estimate), len(estimate)):
        raise WrongUsage(
            f"{len(estimate)} estimates need as many variances, or a square covariance of that size"
        )
    bad = ~np.isfinite(estimate) | ~(np.diag(covariance) > 0.0) | ~np.isfinite(covariance).all(axis=1)
    if bad.any():
        places = ", ".join(str(place + 1) for place in np.flatnonzero(bad))
        raise WrongUsage(
            f"results that cannot be used, counted from one: {places}; each needs a variance above zero"
        )
    if not np.allclose(covariance, covariance.T, rtol=1e-10, atol=0.0):
        raise WrongUsage("the sampling covariance is not symmetric")
    return estimate, covariance


def _columns(count: int, random: RandomEffects, design: Mapping[str, ArrayLike] | None) -> dict[str, Floats]:
    if design is not None:
        columns = {name: np.asarray(column, dtype=np.float64) for name, column in design.items()}
        wrong = [
            name
            for name, column in columns.items()
            if column.shape != (count,) or not np.isfinite(column).all()
        ]
        if wrong or not columns:
            raise WrongUsage(
                f"each column of the design needs one number for each of {count} results: {wrong}"
            )
        return columns
    if isinstance(random, Nested):
        return {"intercept": np.ones(count)}
    outcome = np.array([str(name) for name in random.outcome])
    return {name: (outcome == name).astype(np.float64) for name in random.levels}


def _best(blocks: Blocks, spread: float, restricted: bool) -> Likeliest:
    """The higher of the maxima reached from a wide and a narrow start."""
    codes = blocks.stacks[0].codes
    tries = [
        maximise_likelihood(blocks, blocks.random.start(spread * scale, codes), restricted)
        for scale in (1.0, 0.05)
    ]
    return max(tries, key=lambda found: found.at.restricted if restricted else found.at.full)


def _confidences(names: list[str], b: Floats, covariance: Floats, df: float) -> dict[str, Confidence]:
    se = np.sqrt(np.diag(covariance))
    return {name: confidence(float(x), float(s), df) for name, x, s in zip(names, b, se, strict=True)}


def _robust(names: list[str], found: Likeliest, units: int) -> dict[str, Confidence]:
    width = len(names)
    bread = found.at.covariance
    factor = units / (units - width) if units > width else math.nan
    return _confidences(names, found.at.coefficients, factor * bread @ found.at.meat @ bread, units - width)


def _cochran(y: Floats, covariance: Floats, design: Floats) -> TestOfQ:
    half = np.linalg.inv(np.linalg.cholesky(covariance))
    turned, x = half @ y, half @ design
    residual = turned - x @ np.linalg.lstsq(x, turned, rcond=None)[0]
    q, df = float(residual @ residual), len(y) - design.shape[1]
    return TestOfQ(q, df, float(chdtrc(df, q)))


def _moderators(names: list[str], found: Likeliest) -> ModeratorTest:
    kept = np.array([name != "intercept" or len(names) == 1 for name in names])
    b = found.at.coefficients[kept]
    statistic = float(b @ np.linalg.solve(found.at.covariance[np.ix_(kept, kept)], b))
    return ModeratorTest(statistic, len(b), math.inf, float(chdtrc(len(b), statistic)))


def _intervals(blocks: Blocks, found: Likeliest, restricted: bool) -> dict[str, tuple[float, float]]:
    low, high = blocks.random.bounds(blocks.stacks[0].codes)
    height = found.at.restricted if restricted else found.at.full
    room = 0.5 * float(chdtri(1, 0.05))

    def reach(place: int, end: float) -> float:
        def excess(value: float) -> float:
            start = found.value.copy()
            start[place] = value
            at = maximise_likelihood(blocks, start, restricted, held=place, near=1e-6).at
            return (at.restricted if restricted else at.full) - height + room

        return _crossing(excess, float(found.value[place]), end)

    return {
        name: (reach(place, float(low[place])), reach(place, float(high[place])))
        for place, name in enumerate(blocks.random.parameters)
    }


def _crossing(excess: Callable[[float], float], inside: float, end: float) -> float:
    """Between a value where the function is positive and the end of the range, where it passes zero; else the end."""
    if math.isinf(end):
        outside = 2.0 * inside + 1e-3
        while excess(outside) > 0.0:
            outside *= 2.0
    else:
        outside = end + 1e-9 * (inside - end)
        if excess(outside) > 0.0:
            return end
    return crossing(excess, inside, outside, 1e-8)


def _sentence(random: RandomEffects, count: int, method: str) -> str:
    if isinstance(random, Nested):
        return f"Multilevel meta-analysis of {count} results, random effects of {' / '.join(random.names)}, {method}"
    return (
        f"Multivariate meta-analysis of {count} results, {random.structure} covariance of outcomes, {method}"
    )
