"""Additive component network meta-analysis: what each part of a combination adds.

The effect of a combination is the sum of the effects of its components, plus interactions where they are asked for
(Rücker 2020). Treatments that share components inform each other, so that a network in several pieces may be joined:
whether it is, and which effects the data then determine, is found from the equations and said for each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.findings import Confidence, Pair, TestOfQ
from myopoise.synthesis.frequentist.gls import (
    ContrastNetwork,
    Fitted,
    contrast_network,
    fit_effects,
    laplacian,
    variances_of_differences,
)
from myopoise.synthesis.frequentist.heterogeneity import TauEstimator, estimate_tau2, test_of_q
from myopoise.synthesis.frequentist.splitting import normal_confidence
from myopoise.synthesis.studies.values import Studies

__all__ = ["ComponentEstimate", "Composition", "compose", "estimate_components"]

Floats = NDArray[np.float64]

_DETERMINED = 1e-8
"""Length of the part of a contrast that the data do not determine, relative to the contrast, that is rounding."""


@dataclass(frozen=True, eq=False)
class Composition:
    """What each treatment is made of.

    Parameters
    ----------
    treatments
        Names of treatments.
    components
        Names of components, interactions last, as ``a*b``.
    matrix
        One where a treatment has a component, shape ``(treatment, component)``.
    """

    treatments: tuple[str, ...]
    components: tuple[str, ...]
    matrix: Floats


@dataclass(frozen=True)
class ComponentEstimate:
    """Additive synthesis of a network.

    Parameters
    ----------
    model
        What was fitted, in one sentence.
    treatments
        Names, reference first.
    components
        Effect of each component, and of each interaction; NaN where the data do not determine it.
    relative_effects
        Every ordered pair of treatments; NaN where the data do not determine it.
    tau2, tau2_se
        Between-study variance of the additive model.
    q_additive
        Under common effects.
    q_difference
        What additivity costs, against effects of every treatment's own.
    warnings
        What the reader should act on.
    """

    model: str
    treatments: tuple[str, ...]
    components: Mapping[str, Confidence]
    relative_effects: Mapping[Pair, Confidence]
    tau2: float
    tau2_se: float
    q_additive: TestOfQ
    q_difference: TestOfQ
    warnings: tuple[str, ...]


def compose(
    treatments: Sequence[str],
    *,
    separator: str = "+",
    inactive: str = "",
    interactions: Sequence[Sequence[str]] = (),
) -> Composition:
    """Components of treatments, from their names.

    Parameters
    ----------
    treatments
        Names; those of components are joined by `separator`, spaces around it do not count.
    separator
        What joins components.
    inactive
        Component whose effect is zero; none unless told.
    interactions
        Sets of components that do more, or less, together than the sum.

    Returns
    -------
    composition
        Components in the order they are met.

    Raises
    ------
    WrongUsage
        The inactive component, or one of an interaction, is in no treatment.

    Examples
    --------
    >>> compose(["placebo", "a", "a + b"], inactive="placebo").matrix.tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    """
    parts = [[part.strip() for part in name.split(separator)] for name in treatments]
    known = list(dict.fromkeys(itertools.chain.from_iterable(parts)))
    strange = [name for name in (inactive, *itertools.chain(*interactions)) if name and name not in known]
    if strange:
        raise WrongUsage(f"no treatment has {', '.join(strange)}; components are: {', '.join(known)}")
    single = [name for name in known if name != inactive]
    columns = [[float(name in part) for part in parts] for name in single]
    columns += [[float(set(together) <= set(part)) for part in parts] for together in interactions]
    names = (*single, *("*".join(together) for together in interactions))
    return Composition(tuple(treatments), names, np.array(columns).T)


def estimate_components(
    studies: Studies,
    *,
    reference: str,
    separator: str = "+",
    inactive: str = "",
    interactions: Sequence[Sequence[str]] = (),
    effects: str = "random",
    tau_estimator: TauEstimator = "REML",
) -> ComponentEstimate:
    """Effects of components, and of treatments as sums of them.

    Parameters
    ----------
    studies
        Studies with contrasts; the network may be in pieces.
    reference
        Treatment that comes first.
    separator, inactive, interactions
        As in `compose`.
    effects
        ``random`` or ``common``.
    tau_estimator
        How tau2 of the additive model is estimated.

    Returns
    -------
    estimate
        With the test of additivity; the warnings name what the data do not determine.

    References
    ----------
    rucker2020
    """
    if effects not in ("random", "common"):
        raise WrongUsage(f"unknown effects {effects!r}; choose random or common")
    network = contrast_network(studies, reference)
    made = compose(network.treatments, separator=separator, inactive=inactive, interactions=interactions)
    span = _determined(network, made.matrix)
    basis = made.matrix @ span
    own = _determined(network, np.eye(len(network.treatments)))
    additive, standard = fit_effects(network, 0.0, basis), fit_effects(network, 0.0, own)
    spread = estimate_tau2(network, tau_estimator, basis) if effects == "random" else None
    tau2 = 0.0 if spread is None else spread.tau2
    fitted = fit_effects(network, 0.0 if math.isnan(tau2) else tau2, basis)
    components = _components(made, span, fitted)
    pairs = _relative(made, span, fitted)
    return ComponentEstimate(
        model=f"Additive component network meta-analysis by generalised least squares, {effects} effects"
        + (f", tau2 by {tau_estimator}" if spread else ""),
        treatments=network.treatments,
        components=components,
        relative_effects=pairs,
        tau2=tau2,
        tau2_se=math.nan if spread is None else spread.se,
        q_additive=test_of_q(additive.q, additive.df),
        q_difference=test_of_q(max(additive.q - standard.q, 0.0), additive.df - standard.df),
        warnings=_warnings(components, pairs, tau2),
    )


def _determined(network: ContrastNetwork, matrix: Floats) -> Floats:
    """Directions of the columns of `matrix` that contrasts say something about, orthonormal."""
    equations = matrix.T @ laplacian(network, 1.0 / network.spread) @ matrix
    values, vectors = np.linalg.eigh(equations)
    found: Floats = vectors[:, values > 1e-10 * values.max()]
    return found


def _components(made: Composition, span: Floats, fitted: Fitted) -> dict[str, Confidence]:
    estimate = span @ fitted.parameters
    se = np.sqrt(np.einsum("cp,pq,cq->c", span, fitted.parameter_covariance, span))
    lost = np.linalg.norm(np.eye(len(span)) - span @ span.T, axis=1) > _DETERMINED
    estimate, se = np.where(lost, math.nan, estimate), np.where(lost, math.nan, se)
    return dict(zip(made.components, normal_confidence(estimate, se), strict=True))


def _relative(made: Composition, span: Floats, fitted: Fitted) -> dict[Pair, Confidence]:
    first, second = np.nonzero(~np.eye(len(made.treatments), dtype=bool))
    contrast = made.matrix[first] - made.matrix[second]
    outside = np.linalg.norm(contrast - contrast @ span @ span.T, axis=1)
    lost = outside > _DETERMINED * np.maximum(np.linalg.norm(contrast, axis=1), 1.0)
    estimate = np.where(lost, math.nan, fitted.effects[first] - fitted.effects[second])
    se = np.where(lost, math.nan, np.sqrt(variances_of_differences(fitted.covariance)[first, second]))
    names = made.treatments
    pairs = [(names[i], names[j]) for i, j in zip(first.tolist(), second.tolist(), strict=True)]
    return dict(zip(pairs, normal_confidence(estimate, se), strict=True))


def _warnings(
    components: Mapping[str, Confidence], pairs: Mapping[Pair, Confidence], tau2: float
) -> tuple[str, ...]:
    told = []
    if math.isnan(tau2):
        told.append(
            "Nothing here says how much studies differ: tau2 is not estimated, intervals are too short."
        )
    if unknown := [name for name, found in components.items() if math.isnan(found.estimate)]:
        told.append(f"The data do not determine the effect of: {', '.join(unknown)}.")
    lost = [f"{a} against {b}" for (a, b), found in pairs.items() if a < b and math.isnan(found.estimate)]
    if lost:
        told.append(f"Components do not join the pieces of the network; not determined: {'; '.join(lost)}.")
    return tuple(told)
