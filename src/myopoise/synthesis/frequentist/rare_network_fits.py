"""Common effects of a network from the counts of its arms, by pooling or by penalised regression.

Each fit takes arms that can speak and returns the log odds of every treatment against the first with their covariance.
Arms of one study stand side by side, in ascending order of treatment.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from myopoise.synthesis.frequentist.pairwise_regression import Floats

__all__ = [
    "CountArms",
    "NetworkFit",
    "fit_inverse",
    "fit_mantel_haenszel",
    "fit_penalised",
]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class CountArms:
    """Arms of a network with counts.

    Parameters
    ----------
    study, treatment
        Numbered from zero without gaps, shape ``(arm,)``; `study` is non-decreasing.
    events, n
        Shape ``(arm,)``.
    """

    study: Ints
    treatment: Ints
    events: Floats
    n: Floats

    @property
    def studies(self) -> int:
        """How many."""
        return int(self.study[-1]) + 1 if len(self.study) else 0

    @property
    def treatments(self) -> int:
        """How many."""
        return int(self.treatment.max()) + 1 if len(self.study) else 0

    def kept(self, which: Bools) -> CountArms:
        """Some of the arms, studies numbered anew, treatments as they are."""
        study = np.unique(self.study[which], return_inverse=True)[1].astype(np.int64)
        return CountArms(study, self.treatment[which], self.events[which], self.n[which])

    def totals(self, column: Floats) -> Floats:
        """Sum over the arms of each study."""
        return np.bincount(self.study, column, minlength=self.studies).astype(np.float64)

    def designs(self) -> list[tuple[Ints, Ints]]:
        """Sets of treatments that studies compare: treatments ``(arm,)`` and places of their arms ``(study, arm)``."""
        first = np.flatnonzero(np.diff(self.study, prepend=-1))
        groups: dict[tuple[int, ...], list[Ints]] = {}
        for start, stop in zip(first, [*first[1:], len(self.study)], strict=True):
            groups.setdefault(tuple(self.treatment[start:stop].tolist()), []).append(np.arange(start, stop))
        return [(np.array(design, dtype=np.int64), np.stack(places)) for design, places in groups.items()]


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """Log odds of treatments against the first.

    Parameters
    ----------
    effects, covariance
        Shapes ``(treatment,)`` and ``(treatment, treatment)``, zero for the first.
    q, df
        Squared distance of what was pooled (designs, or studies) from the network, and its degrees of freedom; NaN
        and zero where nothing was pooled before.
    converged
        Whether the likelihood was maximised.
    """

    effects: Floats
    covariance: Floats
    q: float = math.nan
    df: int = 0
    converged: bool = True


def fit_mantel_haenszel(arms: CountArms) -> NetworkFit:
    """Mantel-Haenszel within each design, inverse variance between designs (Efthimiou 2019).

    Parameters
    ----------
    arms
        Where each treatment of a design has an event, and a patient without it, in some study of that design.

    Returns
    -------
    fit
        Its Q is of the differences between designs.
    """
    return _combined(
        [(design, *_design_odds(arms, places)) for design, places in arms.designs()], arms.treatments
    )


def _design_odds(arms: CountArms, places: Ints) -> tuple[Floats, Floats]:
    """Generalised Mantel-Haenszel log odds of the arms of a design against its first, and their covariance.

    With C_ab = sum over studies of a's events times b's non-events over all patients, the log odds ratio of a pair is
    log C_ab / C_ba; averaging over third arms makes the pairs add up. Variances are those of Robins, Breslow &
    Greenland; the covariance of two pairs that share an arm is the mean of three estimates of the same quantity
    (Greenland 1989).
    """
    r, n = arms.events[places], arms.n[places]
    q, total = n - r, n.sum(axis=1)
    k = r.shape[1]
    c = np.einsum("si,sj->ij", r, q / total[:, None])
    log_odds = np.log(c / c.T)
    pair = _pair_variances(r, q, total, c)
    over, under = 1.0 / c, 1.0 / c.T
    scale = total**-2.0

    def shared(j: int, a: int, b: int) -> float:
        """Covariance of the log odds ratios of j against a and j against b."""
        same = (r[:, j] * q[:, a] * q[:, b]) @ scale * over[j, a] * over[j, b]
        same += (q[:, j] * r[:, a] * r[:, b]) @ scale * under[j, a] * under[j, b]
        cross = (n[:, j] * r[:, a] * q[:, b]) @ scale * under[j, a] * over[j, b]
        cross += (n[:, j] * r[:, b] * q[:, a]) @ scale * under[j, b] * over[j, a]
        return float(same + cross) / 3.0

    between = np.zeros((k, k, k))
    for j, a, b in itertools.permutations(range(k), 3):
        between[j, a, b] = shared(j, a, b)
    for a in range(k):
        between[:, a, a] = pair[:, a]
    return _averaged(log_odds, between)


def _pair_variances(r: Floats, q: Floats, total: Floats, c: Floats) -> Floats:
    """Variance of the log odds ratio of each pair of arms, zero on the diagonal."""
    scale = total**-2.0
    agree = r[:, :, None] * q[:, None, :]
    against = agree.swapaxes(1, 2)
    p = r[:, :, None] + q[:, None, :]
    other = p.swapaxes(1, 2)
    once = np.einsum("s,sij->ij", scale, p * agree) / (2.0 * c**2)
    mixed = np.einsum("s,sij->ij", scale, p * against + other * agree) / (2.0 * c * c.T)
    whole: Floats = once + mixed + once.T
    np.fill_diagonal(whole, 0.0)
    return whole


def _averaged(log_odds: Floats, between: Floats) -> tuple[Floats, Floats]:
    """Pairs averaged over third arms: log odds of all arms but the first, and their covariance.

    The mean log odds ratio of arm j against all arms has covariance with that of arm k (Greenland 1989)::

        U_j++                                   j = k
        sum_c U_cjk - U_jk+ - U_kj+ + U_jkk     otherwise
    """
    k = len(log_odds)
    along = between.sum(axis=2)
    whole = (
        between.sum(axis=0)
        - along
        - along.T
        + np.array([[between[j, a, a] for a in range(k)] for j in range(k)])
    )
    np.fill_diagonal(whole, along.sum(axis=1))
    mean, covariance = log_odds.sum(axis=1) / k, whole / k**2
    against = covariance[1:, 1:] - covariance[1:, :1] - covariance[:1, 1:] + covariance[0, 0]
    return mean[1:] - mean[0], against


def fit_inverse(arms: CountArms, correction: float = 0.5) -> NetworkFit:
    """Inverse variance weights of each study's own log odds ratios.

    Parameters
    ----------
    arms
        Of studies with an event and a patient without it.
    correction
        Added to all cells of a study that has an empty one.

    Returns
    -------
    fit
        Its Q is of heterogeneity and inconsistency together.
    """
    parts = []
    for design, places in arms.designs():
        for place in places:
            r, q = arms.events[place], arms.n[place] - arms.events[place]
            if (r == 0.0).any() or (q == 0.0).any():
                r, q = r + correction, q + correction
            variance, log_odds = 1.0 / r + 1.0 / q, np.log(r / q)
            parts.append((design, log_odds[1:] - log_odds[0], np.diag(variance[1:]) + variance[0]))
    return _combined(parts, arms.treatments)


def _combined(parts: list[tuple[Ints, Floats, Floats]], treatments: int) -> NetworkFit:
    """Contrasts with the first treatment of each part, joined by generalised least squares."""
    equations, right = np.zeros((treatments, treatments)), np.zeros(treatments)
    weighted = []
    for design, y, v in parts:
        basis = np.zeros((len(y), treatments))
        basis[np.arange(len(y)), design[1:]] = 1.0
        basis[:, design[0]] = -1.0
        w = np.linalg.inv(v)
        equations += basis.T @ w @ basis
        right += basis.T @ w @ y
        weighted.append((basis, y, w))
    covariance = np.zeros((treatments, treatments))
    covariance[1:, 1:] = np.linalg.inv(equations[1:, 1:])
    effects = covariance @ right
    q = sum(float((y - b @ effects) @ w @ (y - b @ effects)) for b, y, w in weighted)
    return NetworkFit(effects, covariance, q, sum(len(y) for _, y, _ in weighted) - treatments + 1)


def fit_penalised(arms: CountArms) -> NetworkFit:
    """Logistic regression on studies and treatments with Firth's penalty (Evrenoglou 2022).

    Parameters
    ----------
    arms
        Of all studies, those without an event too.

    Returns
    -------
    fit
        Finite whatever the counts; its standard errors are those of the likelihood at the penalised estimate.
    """
    count = arms.treatments
    total = arms.totals(arms.n)
    intercept = np.log((arms.totals(arms.events) + 0.5) / (total - arms.totals(arms.events) + 0.5))
    effects = np.zeros(count)
    for _ in range(_ROUNDS):
        p = expit(intercept[arms.study] + effects[arms.treatment])
        weight = arms.n * p * (1.0 - p)
        spread, covariance, ratio = _arrowhead(arms, weight)
        # Leverage of an arm, from the inverse of an arrowhead matrix.
        away = ratio[arms.study].copy()
        away[np.arange(len(away)), arms.treatment] -= 1.0
        own = 1.0 / spread[arms.study] + np.einsum(
            "ai,ij,aj->a", away[:, 1:], covariance[1:, 1:], away[:, 1:]
        )
        residual = arms.events - arms.n * p + weight * own * (0.5 - p)
        by_study = arms.totals(residual)
        by_treatment = np.bincount(arms.treatment, residual, minlength=count) - ratio.T @ by_study
        step = covariance @ by_treatment
        change = by_study / spread - ratio @ step
        shorter = min(1.0, 3.0 / max(1e-300, float(np.abs(step).max()), float(np.abs(change).max())))
        effects, intercept = effects + shorter * step, intercept + shorter * change
        if max(float(np.abs(step).max()), float(np.abs(change).max())) < 1e-11:
            return NetworkFit(effects, covariance)
    return replace(NetworkFit(effects, covariance), converged=False)


def _arrowhead(arms: CountArms, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Information of each intercept, covariance of the effects, and what an intercept loses to each treatment."""
    count = arms.treatments
    spread = arms.totals(weight)
    joint = np.zeros((arms.studies, count))
    joint[arms.study, arms.treatment] = weight
    ratio = joint / spread[:, None]
    inner = np.diag(joint.sum(axis=0)) - joint.T @ ratio
    covariance = np.zeros((count, count))
    covariance[1:, 1:] = np.linalg.inv(inner[1:, 1:])
    return spread, covariance, ratio
