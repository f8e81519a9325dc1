"""Frequentist network meta-analysis: relative effects, heterogeneity, inconsistency, ranking.

Estimates are by generalised least squares on contrasts with the full covariance of studies with several arms (Lu &
Ades 2004, Rücker 2012), so they do not depend on the reference or on a study's own baseline.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from myopoise.errors import WrongUsage
from myopoise.synthesis.findings import Confidence, NetworkEstimate, Pair
from myopoise.synthesis.frequentist.contributions import ContributionMethod, contributions_of
from myopoise.synthesis.frequentist.designs import separate
from myopoise.synthesis.frequentist.gls import (
    ContrastNetwork,
    Fitted,
    contrast_network,
    fit_effects,
    pieces_of,
    variances_of_differences,
)
from myopoise.synthesis.frequentist.heterogeneity import (
    Heterogeneity,
    TauEstimator,
    estimate_tau2,
    share_of_variation,
)
from myopoise.synthesis.frequentist.splitting import SplitMethod, split_network
from myopoise.synthesis.studies.values import Contrasts, Studies

__all__ = ["Effects", "HartungKnapp", "estimate_network", "estimate_pieces"]

Floats = NDArray[np.float64]
Effects = Literal["random", "common"]
HartungKnapp = Literal[False, "full", "ad-hoc"]
Direction = Literal["higher", "lower"]


@dataclass(frozen=True, eq=False)
class _Differences:
    """All pairs at once: effect of row against column."""

    estimate: Floats
    se: Floats
    df: float


def estimate_network(
    studies: Studies,
    *,
    reference: str,
    effects: Effects = "random",
    tau_estimator: TauEstimator = "REML",
    hartung_knapp: HartungKnapp = False,
    direction: Direction = "higher",
    contributions: ContributionMethod | Literal[False] = False,
    splits: SplitMethod | Literal[False] = "side",
    tau2: float | None = None,
) -> NetworkEstimate:
    """Relative effects of every pair of treatments, with what may be said against them.

    Parameters
    ----------
    studies
        Studies with contrasts, one connected network.
    reference
        Treatment that comes first; the answer does not depend on it.
    effects
        ``random`` lets studies of one comparison differ by tau2, ``common`` does not.
    tau_estimator
        How tau2 is estimated.
    hartung_knapp
        ``full`` scales the variance by the generalised Q over its degrees of freedom and takes a t distribution;
        ``ad-hoc`` never scales it down.
    direction
        Whether a ``higher`` or a ``lower`` value of the outcome is better for the patient.
    contributions
        ``shortestpath`` or ``randomwalk`` to have the contribution of each comparison.
    splits
        ``side`` or ``sidde`` to set direct against indirect evidence.
    tau2
        Between-study variance to take instead of estimating it.

    Returns
    -------
    estimate
        With every ordered pair.

    Raises
    ------
    WrongUsage
        The network is in several pieces, which are named, or the reference is not in it.

    References
    ----------
    rucker2012
    lu2004
    """
    _check(studies, reference, effects)
    network = contrast_network(studies, reference)
    warnings: list[str] = []
    spread = _heterogeneity(network, effects, tau_estimator, tau2, warnings)
    fitted = fit_effects(network, 0.0 if math.isnan(spread.tau2) else spread.tau2)
    differences = _scaled(fitted, hartung_knapp if effects == "random" else False)
    total, within, between = separate(network)
    return NetworkEstimate(
        model=_sentence(effects, tau_estimator, hartung_knapp, tau2),
        studies=network.study_count,
        arms=network.arm_count,
        treatments=network.treatments,
        scale=studies.measure,
        relative_effects=_relative_effects(network.treatments, differences),
        prediction=_prediction(network.treatments, differences, fitted, warnings)
        if effects == "random"
        else {},
        tau2=spread.tau2,
        tau2_se=spread.se,
        i2=share_of_variation(total.q, total.df).i2,
        q_total=total,
        q_within=within,
        q_between=between,
        p_scores=_p_scores(network.treatments, differences, direction),
        contributions=contributions_of(network, fitted, contributions, warnings) if contributions else {},
        splits=split_network(network, fitted, splits) if splits else (),
        warnings=tuple(warnings),
    )


def estimate_pieces(
    studies: Studies,
    *,
    effects: Effects = "random",
    tau_estimator: TauEstimator = "REML",
    direction: Direction = "higher",
) -> tuple[NetworkEstimate, ...]:
    """Each connected piece of a network on its own, largest first.

    Parameters
    ----------
    studies
        Studies with contrasts.
    effects, tau_estimator, direction
        As in `estimate_network`; tau2 is estimated in each piece.

    Returns
    -------
    estimates
        The first treatment of each piece is its reference; nothing is said across pieces.
    """
    return tuple(
        estimate_network(
            _within(studies, piece),
            reference=piece[0],
            effects=effects,
            tau_estimator=tau_estimator,
            direction=direction,
        )
        for piece in pieces_of(studies)
    )


def _relative_effects(treatments: tuple[str, ...], differences: _Differences) -> dict[Pair, Confidence]:
    """Every ordered pair with its 95% interval, the first less the second."""
    estimate, se, reach = differences.estimate, differences.se, _quantile(differences.df) * differences.se
    with np.errstate(invalid="ignore"):
        tail = 2.0 * _below(-np.abs(estimate / se), differences.df)
    off = ~np.eye(len(treatments), dtype=bool)
    columns = (estimate, se, estimate - reach, estimate + reach, tail)
    rows = np.stack([column[off] for column in columns], axis=1).tolist()
    return {
        pair: Confidence(*row) for pair, row in zip(itertools.permutations(treatments, 2), rows, strict=True)
    }


def _check(studies: Studies, reference: str, effects: str) -> None:
    if not studies.contrasts:
        raise WrongUsage("there are no contrasts; turn results by arm into contrasts first")
    if effects not in ("random", "common"):
        raise WrongUsage(f"unknown effects {effects!r}; choose random or common")
    pieces = pieces_of(studies)
    if len(pieces) > 1:
        named = "; ".join(f"({place}) {', '.join(piece)}" for place, piece in enumerate(pieces, 1))
        raise WrongUsage(
            f"the network is in {len(pieces)} pieces that no study joins: {named}. "
            "Nothing can be said across pieces: analyse each on its own (estimate_pieces), leave out the studies of "
            "all but one, or join them by common components (estimate_components)."
        )
    if reference not in pieces[0]:
        raise WrongUsage(f"reference {reference!r} is in no contrast; choose one of: {', '.join(pieces[0])}")


def _within(studies: Studies, piece: tuple[str, ...]) -> Studies:
    inside = np.isin(studies.treatments, piece)
    blocks = []
    for block in studies.contrasts:
        kept = inside[block.treatment[:, 0]]
        if kept.any():
            blocks.append(
                Contrasts(
                    block.study[kept],
                    block.treatment[kept],
                    block.estimate[kept],
                    block.covariance[kept],
                    block.inconsistency[kept],
                    {name: column[kept] for name, column in block.covariates.items()},
                )
            )
    return replace(studies, contrasts=tuple(blocks))


def _heterogeneity(
    network: ContrastNetwork,
    effects: Effects,
    estimator: TauEstimator,
    given: float | None,
    warnings: list[str],
) -> Heterogeneity:
    if given is not None and not given >= 0.0:
        raise WrongUsage(f"tau2 is {given}; a variance is zero or more")
    if effects == "common" or given is not None:
        return Heterogeneity(0.0 if effects == "common" or given is None else given, math.nan)
    found = estimate_tau2(network, estimator)
    if not math.isnan(found.tau2):
        return found
    warnings.append(
        "Nothing in this network says how much studies differ (no comparison was made twice, and no loop is closed by "
        "separate studies), so tau2 is not estimated. Intervals are those of common effects and are too short if "
        "studies do differ."
    )
    return found


def _scaled(fitted: Fitted, hartung_knapp: HartungKnapp) -> _Differences:
    estimate = fitted.effects[:, None] - fitted.effects[None, :]
    se = np.sqrt(variances_of_differences(fitted.covariance))
    if not hartung_knapp or fitted.df < 1:
        return _Differences(estimate, se, math.inf)
    scale = fitted.q / fitted.df
    if hartung_knapp == "ad-hoc":
        scale = max(1.0, scale)
    elif hartung_knapp != "full":
        raise WrongUsage(f"unknown Hartung-Knapp variant {hartung_knapp!r}; choose full or ad-hoc")
    return _Differences(estimate, math.sqrt(scale) * se, fitted.df)


def _quantile(df: float) -> float:
    return float(ndtri(0.975) if math.isinf(df) else stdtrit(df, 0.975))


def _below(z: Floats, df: float) -> Floats:
    below: Floats = ndtr(z) if math.isinf(df) else stdtr(df, z)
    return below


def _prediction(
    treatments: tuple[str, ...], differences: _Differences, fitted: Fitted, warnings: list[str]
) -> Mapping[Pair, tuple[float, float]]:
    off = ~np.eye(len(treatments), dtype=bool)
    pairs = itertools.permutations(treatments, 2)
    if fitted.df < 2:
        warnings.append("Too few studies for a prediction interval: it needs two degrees of freedom.")
        return dict.fromkeys(pairs, (math.nan, math.nan))
    reach = float(stdtrit(fitted.df, 0.975)) * np.sqrt(differences.se**2 + fitted.tau2)
    low, high = (differences.estimate - reach)[off].tolist(), (differences.estimate + reach)[off].tolist()
    return dict(zip(pairs, zip(low, high, strict=True), strict=True))


def _p_scores(
    treatments: tuple[str, ...], differences: _Differences, direction: Direction
) -> Mapping[str, float]:
    if direction not in ("higher", "lower"):
        raise WrongUsage(f"unknown direction {direction!r}; choose higher or lower")
    off = ~np.eye(len(treatments), dtype=bool)
    z = np.zeros_like(differences.estimate)
    z[off] = differences.estimate[off] / differences.se[off]
    better = _below(z if direction == "higher" else -z, differences.df)
    scores = (better * off).sum(axis=1) / (len(treatments) - 1)
    return dict(zip(treatments, scores.tolist(), strict=True))


def _sentence(
    effects: Effects,
    estimator: TauEstimator,
    hartung_knapp: HartungKnapp,
    tau2: float | None,
) -> str:
    head = f"Network meta-analysis of contrasts by generalised least squares, {effects} effects"
    if effects == "common":
        return head
    how = f"tau2 by {estimator}" if tau2 is None else f"tau2 held at {tau2:g}"
    tail = {
        False: "normal intervals",
        "full": "Hartung-Knapp intervals",
        "ad-hoc": "ad hoc Hartung-Knapp intervals",
    }
    return f"{head}, {how}, {tail[hartung_knapp]}"
