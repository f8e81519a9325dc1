"""What a synthesis found, as values that a page, a terminal or a file can show.

Two kinds, because they say different things: `NetworkSynthesis` holds posterior summaries, `NetworkEstimate` holds
confidence intervals. Effects are of one treatment against another, on the scale of the linear predictor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from myopoise.estimate import Estimate

if TYPE_CHECKING:
    from myopoise.synthesis.checking import Trust
    from myopoise.synthesis.laplace import Posterior
    from myopoise.synthesis.models.assembly import Assembled

__all__ = [
    "Confidence",
    "Fit",
    "NetworkEstimate",
    "NetworkSynthesis",
    "Pair",
    "Rank",
    "Split",
    "TestOfQ",
]

Pair = tuple[str, str]
"""A treatment and the one it is compared with: the effect is the first less the second."""


@dataclass(frozen=True)
class Confidence:
    """A frequentist estimate with its confidence interval.

    Parameters
    ----------
    estimate, se
        On the scale of the linear predictor.
    low, high
        Ends of the 95% confidence interval.
    p_value
        Two-sided test of no effect.
    """

    estimate: float
    se: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Rank:
    """Where a treatment may stand.

    Parameters
    ----------
    treatment
        Its name.
    mean_rank
        Posterior mean of its rank; 1 is best.
    sucra
        ``(T - mean rank) / (T - 1)``.
    probabilities
        Probability of each rank, best first.
    """

    treatment: str
    mean_rank: float
    sucra: float
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Split:
    """Direct and indirect evidence on one comparison, apart.

    Parameters
    ----------
    treatment, versus
        The comparison.
    direct, indirect, network, difference
        Estimates on the scale of the linear predictor; `difference` is direct less indirect.
    p_value
        Two-sided; Bayesian: twice the smaller posterior tail of the difference.
    studies
        Studies that give direct evidence.
    """

    treatment: str
    versus: str
    direct: Estimate | Confidence
    indirect: Estimate | Confidence
    network: Estimate | Confidence
    difference: Estimate | Confidence
    p_value: float
    studies: tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """How well the model describes the data it was fitted to.

    Parameters
    ----------
    residual_deviance
        Posterior mean; about one for each data point when the model fits.
    pd
        Effective number of parameters: residual deviance less the deviance at the posterior mean of the fitted values.
    dic
        ``residual_deviance + pd``.
    looic, looic_se
        Minus twice the expected log predictive density of a data point left out, and its standard error.
    data_points
        What the residual deviance is compared with.
    largest_k_hat
        Largest Pareto shape of the leave-one-out weights.
    by_point
        For each data point: study, treatment, residual deviance, leverage, log predictive density left out.
    """

    residual_deviance: float
    pd: float
    dic: float
    looic: float
    looic_se: float
    data_points: int
    largest_k_hat: float
    by_point: tuple[tuple[str, str, float, float, float], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class NetworkSynthesis:
    """Bayesian synthesis of a network.

    Parameters
    ----------
    model
        What was fitted, in one sentence.
    studies, arms
        Counts.
    treatments
        Names, reference first.
    scale
        What an effect is: ``log odds ratio``, ``mean difference``, ...
    relative_effects
        Every ordered pair.
    predictive
        Effect in a new study, every ordered pair; equal to `relative_effects` for common effects.
    heterogeneity
        Posterior of each standard deviation by name; ``tau`` first; empty for common effects.
    parameters
        Posterior of every other named component: regression coefficients, class means, cut-points, components.
    fit
        None where the model has no data points of its own.
    ranking
        Best first.
    splits
        Empty unless node-splitting was asked for.
    priors
        Each prior in words, with the interval it implies.
    trust
        Whether the computation may be believed.
    warnings
        What the reader should act on.
    posterior
        The draws behind it.
    assembled
        The model laid out: what its components mean, and the link. Verbs on the result need it.
    """

    model: str
    studies: int
    arms: int
    treatments: tuple[str, ...]
    scale: str
    relative_effects: Mapping[Pair, Estimate]
    predictive: Mapping[Pair, Estimate]
    heterogeneity: Mapping[str, Estimate]
    parameters: Mapping[str, Estimate]
    fit: Fit | None
    ranking: tuple[Rank, ...]
    splits: tuple[Split, ...]
    priors: Mapping[str, str]
    trust: Trust
    warnings: tuple[str, ...]
    posterior: Posterior = field(repr=False, compare=False)
    assembled: Assembled | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class TestOfQ:
    """A Q statistic with its degrees of freedom and P value.

    Parameters
    ----------
    q, df, p_value
        P is NaN where there is no degree of freedom.
    """

    __test__ = False

    q: float
    df: int
    p_value: float


@dataclass(frozen=True)
class NetworkEstimate:
    """Frequentist synthesis of a network.

    Parameters
    ----------
    model
        What was fitted, in one sentence.
    studies, arms
        Counts.
    treatments
        Names, reference first.
    scale
        What an effect is.
    relative_effects
        Every ordered pair, under the effects that were asked for.
    prediction
        Prediction interval of every ordered pair, ``(low, high)``; empty for common effects.
    tau2, tau2_se, i2
        Between-study variance, its standard error (NaN where the estimator has none) and the share of variation due
        to it.
    q_total, q_within, q_between
        Generalised Cochran's Q, within designs (heterogeneity) and between designs (inconsistency).
    p_scores
        Share of the other treatments each one beats with certainty, on average (Ruecker & Schwarzer 2015).
    contributions
        For every pair, how much each direct comparison contributes; rows sum to one. Empty until asked for.
    splits
        Direct against indirect evidence, every comparison with both.
    warnings
        What the reader should act on.
    """

    model: str
    studies: int
    arms: int
    treatments: tuple[str, ...]
    scale: str
    relative_effects: Mapping[Pair, Confidence]
    prediction: Mapping[Pair, tuple[float, float]]
    tau2: float
    tau2_se: float
    i2: float
    q_total: TestOfQ
    q_within: TestOfQ
    q_between: TestOfQ
    p_scores: Mapping[str, float]
    contributions: Mapping[Pair, Mapping[Pair, float]]
    splits: tuple[Split, ...]
    warnings: tuple[str, ...]
