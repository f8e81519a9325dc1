"""Builders of the general models: pairwise and network meta-analysis, common and random effects.

For arm a of study s on treatment t(a)::

    eta_a = mu_s + d_t(a) + w_a,     d_reference = 0,     w_a ~ N(0, tau^2 / 2)

which gives every contrast inside a study variance tau^2 and every pair that shares an arm correlation 1/2 (Lu & Ades
2004; NICE DSU TSD 2). mu_s has a vague normal prior, so only contrasts inside studies inform d. Common effects is
tau = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from myopoise.synthesis.latent import Comparisons, LatentModel, Variances
from myopoise.synthesis.likelihoods import BinomialCounts, Likelihood, NormalMeans
from myopoise.synthesis.links import Link
from myopoise.synthesis.priors import Normal, Prior

__all__ = ["ArmResult", "network_model"]


@dataclass(frozen=True)
class ArmResult:
    """What one arm of one study saw: events among n, or a mean with its standard error.

    Parameters
    ----------
    study, treatment
        Names, never altered.
    events, n
        Counts, for a binomial outcome.
    mean, se
        Mean and its standard error, for a normal outcome.
    """

    study: str
    treatment: str
    events: int | None = None
    n: int | None = None
    mean: float | None = None
    se: float | None = None


def network_model(
    arms: Sequence[ArmResult],
    *,
    reference: str,
    heterogeneity: Prior | None,
    treatment: Normal,
    baseline: Normal,
    link: Link = Link.LOGIT,
) -> LatentModel:
    """Network meta-analysis of arm results; two treatments make it a pairwise one.

    Parameters
    ----------
    arms
        All binomial or all normal, in any order.
    reference
        Treatment the effects are measured against.
    heterogeneity
        Prior of tau; None for common effects.
    treatment, baseline
        Priors of the treatment effects and of the study intercepts; there is no default for a scientific choice.
    link
        For counts only.

    Raises
    ------
    ValueError
        When the reference is in no study, or the arms mix counts and means.
    """
    studies = list(dict.fromkeys(arm.study for arm in arms))
    ordered = sorted(arms, key=lambda arm: studies.index(arm.study))
    treatments = list(dict.fromkeys(arm.treatment for arm in ordered))
    if reference not in treatments:
        raise ValueError(
            f"reference treatment {reference!r} is in no study; treatments are {', '.join(treatments)}"
        )
    columns = [t for t in treatments if t != reference]
    design = np.array([[float(arm.treatment == t) for t in columns] for arm in ordered]).reshape(
        len(ordered), -1
    )
    hypers = () if heterogeneity is None else (("heterogeneity", heterogeneity),)

    def variances(count: int, constant: float, loading: float = 0.0) -> Variances:
        """The same variance for every item."""
        return Variances(np.full(count, constant), np.full((count, len(hypers)), loading))

    every = np.arange(len(ordered))
    return LatentModel(
        name=f"network meta-analysis, {'common' if heterogeneity is None else 'random'} effects",
        hypers=hypers,
        columns=tuple(columns),
        column_mean=np.full(len(columns), treatment.mean),
        column_variance=variances(len(columns), treatment.sd**2),
        design=design,
        shares=np.ones(len(ordered)),
        result=every,
        arm=every,
        study=np.array([studies.index(arm.study) for arm in ordered]),
        study_variance=variances(len(studies), baseline.sd**2),
        arm_variance=variances(len(ordered), 0.0, 0.5),
        likelihood=_likelihood(ordered, link),
        comparisons=Comparisons.none(len(columns), len(hypers)),
    )


def _likelihood(arms: Sequence[ArmResult], link: Link) -> Likelihood:
    counts = [(arm.events, arm.n) for arm in arms if arm.events is not None and arm.n is not None]
    means = [(arm.mean, arm.se) for arm in arms if arm.mean is not None and arm.se is not None]
    if len(counts) == len(arms):
        events, n = np.array(counts, dtype=float).T
        return BinomialCounts(events, n, link)
    if len(means) == len(arms):
        mean, se = np.array(means, dtype=float).T
        return NormalMeans(mean, se)
    raise ValueError("every arm needs events and n, or every arm a mean and its standard error")
