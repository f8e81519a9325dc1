"""Do small studies of a network tell another story? The comparison-adjusted funnel and its regressions.

Each study's contrast less the pooled effect of its comparison is set against its standard error (Chaimani & Salanti
2012). An order of the treatments gives all contrasts one direction; without it, the funnel has no meaning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from myopoise.errors import WrongUsage
from myopoise.synthesis.findings import Pair
from myopoise.synthesis.frequentist.gls import contrast_network, fit_effects
from myopoise.synthesis.frequentist.splitting import direct_evidence
from myopoise.synthesis.studies.values import Studies

__all__ = ["Asymmetry", "Funnel", "FunnelPoint", "adjusted_funnel", "egger_regression", "peters_regression"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FunnelPoint:
    """One contrast of one study.

    Parameters
    ----------
    study
        Its name.
    comparison
        The earlier treatment of the order against the later one.
    estimate, se
        As the study has them.
    pooled
        Effect of the comparison that the estimate is compared with.
    """

    study: str
    comparison: Pair
    estimate: float
    se: float
    pooled: float

    @property
    def difference(self) -> float:
        """Estimate less the pooled effect."""
        return self.estimate - self.pooled


@dataclass(frozen=True)
class Funnel:
    """The contrasts of a network, each against the pooled effect of its comparison.

    Parameters
    ----------
    order
        Treatments, in the order that gives the contrasts their direction.
    points
        By comparison, then by study.
    """

    order: tuple[str, ...]
    points: tuple[FunnelPoint, ...]


@dataclass(frozen=True)
class Asymmetry:
    """A regression of differences on a measure of size.

    Parameters
    ----------
    slope, se
        Change of the difference per unit of the measure of size.
    df
        Points less two.
    p_value
        Two-sided, t distribution; NaN with fewer than three points.
    """

    slope: float
    se: float
    df: int
    p_value: float


def adjusted_funnel(
    studies: Studies,
    order: Sequence[str],
    *,
    centre: Literal["direct", "network"] = "direct",
    tau2: float = 0.0,
) -> Funnel:
    """Points of the comparison-adjusted funnel.

    Parameters
    ----------
    studies
        Studies with contrasts, one connected network.
    order
        Every treatment, from the one that small studies are thought to favour to the one they do not; the effect
        is of the earlier against the later.
    centre
        Pooled effect of a comparison: of the studies that made it (``direct``), or of the ``network``.
    tau2
        Between-study variance in the weights of the pooled effect; zero pools with common effects.

    Returns
    -------
    funnel
        A study of several arms has a point for each pair of them; they are not independent.

    References
    ----------
    chaimani2012
    """
    network = contrast_network(studies, order[0])
    if sorted(order) != sorted(network.treatments):
        absent = sorted(set(network.treatments) ^ set(order))
        raise WrongUsage(
            f"the order must hold each treatment of the network once; look at: {', '.join(absent)}"
        )
    if centre not in ("direct", "network"):
        raise WrongUsage(f"unknown centre {centre!r}; choose direct or network")
    direct = direct_evidence(network, tau2)
    effects = fit_effects(network, tau2).effects
    pooled = direct.estimate if centre == "direct" else effects[direct.high] - effects[direct.low]
    rank = {name: place for place, name in enumerate(order)}
    names, which = network.treatments, direct.comparison
    se = np.sqrt(direct.contrast_variance - tau2)
    points = []
    for place, comparison in enumerate(which.tolist()):
        high, low = names[direct.high[comparison]], names[direct.low[comparison]]
        sign, pair = (1.0, (high, low)) if rank[high] < rank[low] else (-1.0, (low, high))
        points.append(
            FunnelPoint(
                network.studies[direct.study[place]],
                pair,
                sign * float(direct.contrast[place]),
                float(se[place]),
                sign * float(pooled[comparison]),
            )
        )
    points.sort(key=lambda point: (rank[point.comparison[0]], rank[point.comparison[1]]))
    return Funnel(tuple(order), tuple(points))


def egger_regression(funnel: Funnel) -> Asymmetry:
    """Regression of the difference on its standard error, weighted by inverse variance.

    Parameters
    ----------
    funnel
        Points of a comparison-adjusted funnel.

    Returns
    -------
    asymmetry
        A slope above zero: small studies favour the earlier treatments more, where higher is better.

    References
    ----------
    chaimani2012
    """
    se = np.array([point.se for point in funnel.points])
    return _line(_differences(funnel), se, 1.0 / se**2)


def peters_regression(funnel: Funnel, events: Mapping[str, int], patients: Mapping[str, int]) -> Asymmetry:
    """Regression of the difference on one over the size of the study, for log odds ratios.

    Parameters
    ----------
    funnel
        Points of a comparison-adjusted funnel of log odds ratios.
    events, patients
        Of each study, all arms together.

    Returns
    -------
    asymmetry
        Unlike the standard error, the size of a study does not depend on its log odds ratio.
    """
    known = [point.study for point in funnel.points]
    count = np.array([patients[study] for study in known], dtype=float)
    event = np.array([events[study] for study in known], dtype=float)
    return _line(_differences(funnel), 1.0 / count, event * (count - event) / count)


def _differences(funnel: Funnel) -> Floats:
    return np.array([point.difference for point in funnel.points])


def _line(y: Floats, x: Floats, weight: Floats) -> Asymmetry:
    df = len(y) - 2
    share = weight / weight.sum()
    across = x - share @ x
    spread = float(weight @ across**2)
    if df < 1 or spread <= 1e-12 * float(weight @ x**2):
        return Asymmetry(math.nan, math.nan, df, math.nan)
    slope = float(weight @ (across * y)) / spread
    residual = y - share @ y - slope * across
    se = math.sqrt(float(weight @ residual**2) / df / spread)
    return Asymmetry(slope, se, df, 2.0 * float(stdtr(df, -abs(slope / se))))
