"""Whether direct and indirect evidence agree: the consistency model beside two that do not ask it to.

Unrelated mean effects let each comparison have an effect of its own; design inconsistency lets effects vary at random
between designs, with spread omega. Consistency is in doubt when one of them fits better by more than its parameters
cost (DIC), when single points fit much better, or when omega is not small beside tau. Absence of such signs is weak
evidence in a sparse network (NICE DSU TSD 4).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from myopoise.estimate import Estimate
from myopoise.synthesis.findings import Fit, NetworkSynthesis
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.structures import DesignInconsistency, NetworkPriors, UnrelatedMeans
from myopoise.synthesis.synthesising import SEED, HasStudies, synthesise

__all__ = ["Inconsistency", "PointPair", "compare_consistency"]


@dataclass(frozen=True)
class PointPair:
    """Residual deviance of one data point under each model.

    Parameters
    ----------
    study, treatment
        Which point.
    consistency, unrelated, designs
        Posterior mean of its residual deviance.
    """

    study: str
    treatment: str
    consistency: float
    unrelated: float
    designs: float

    @property
    def gain(self) -> float:
        """How much better the point fits without consistency: deviance less that of unrelated means."""
        return self.consistency - self.unrelated


@dataclass(frozen=True)
class Inconsistency:
    """Three models of the same network.

    Parameters
    ----------
    consistency, unrelated, designs
        The fits: consistency, unrelated mean effects, design-by-treatment interaction.
    points
        Residual deviance of each data point side by side, in the order of the data.
    omega
        Posterior of the spread between designs.
    tau
        Heterogeneity under each model, in the same order; None for common effects.
    """

    consistency: NetworkSynthesis = field(repr=False)
    unrelated: NetworkSynthesis = field(repr=False)
    designs: NetworkSynthesis = field(repr=False)
    points: tuple[PointPair, ...] = field(repr=False)
    omega: Estimate
    tau: tuple[Estimate | None, Estimate | None, Estimate | None]

    @property
    def dic(self) -> tuple[float, float, float]:
        """DIC of each model, in the same order; smaller is better, and less than 3 to 5 apart says little."""
        return (_fit(self.consistency).dic, _fit(self.unrelated).dic, _fit(self.designs).dic)

    @property
    def residual_deviance(self) -> tuple[float, float, float]:
        """Residual deviance of each model, in the same order."""
        return (
            _fit(self.consistency).residual_deviance,
            _fit(self.unrelated).residual_deviance,
            _fit(self.designs).residual_deviance,
        )


def compare_consistency(
    network: HasStudies,
    priors: NetworkPriors | None = None,
    *,
    effects: Literal["random", "common"] = "random",
    link: Link | None = None,
    draws: int | None = None,
    seed: int = SEED,
) -> Inconsistency:
    """Fit the network with consistency and twice without.

    Parameters
    ----------
    network, priors, effects, link, draws, seed
        As for `synthesise`; `spread` of the priors is that of omega.

    References
    ----------
    jackson2014
    """
    models = (None, UnrelatedMeans(), DesignInconsistency())
    one, other, third = (
        synthesise(network, model, priors, effects=effects, link=link, draws=draws, seed=seed)
        for model in models
    )
    rows = zip(_fit(one).by_point, _fit(other).by_point, _fit(third).by_point, strict=True)
    points = tuple(PointPair(a[0], a[1], a[2], b[2], c[2]) for a, b, c in rows)
    tau = tuple(found.heterogeneity.get("tau") for found in (one, other, third))
    return Inconsistency(one, other, third, points, third.heterogeneity["omega"], (tau[0], tau[1], tau[2]))


def _fit(found: NetworkSynthesis) -> Fit:
    if found.fit is None:
        raise ValueError("the fit was not described")
    return found.fit
