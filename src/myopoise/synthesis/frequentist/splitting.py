"""Direct and indirect evidence on each comparison, apart.

*Back-calculation* (SIDE: separating indirect from direct evidence) takes the direct evidence of all studies with both
treatments, each by its own contrast alone, and calculates what the rest must have said for the network to say what it
says (König 2013). In studies of more than two arms the two sides share patients.

*SIDDE* (separating indirect from direct design evidence, Efthimiou 2019) leaves out every study with both treatments
and estimates the comparison from the others: the two sides share no study. Tau2 is that of the whole network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from myopoise.synthesis.findings import Confidence, Split
from myopoise.synthesis.frequentist.gls import (
    ContrastNetwork,
    Fitted,
    laplacian,
    transposed,
    weights,
)

__all__ = ["DirectEvidence", "SplitMethod", "direct_evidence", "normal_confidence", "split_network"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SplitMethod = Literal["side", "sidde"]

_ALL_DIRECT = 1e-8
"""One less the share of direct evidence: below this, nothing indirect is left to calculate back."""


@dataclass(frozen=True, eq=False)
class DirectEvidence:
    """Inverse-variance pooling of each comparison that some study made.

    Parameters
    ----------
    low, high
        Treatments as positions, `low` below `high`; the effect is `high` less `low`. Shape ``(comparison,)``.
    estimate, variance
        Pooled.
    study
        Position of the study of each contrast, grouped by comparison, shape ``(contrast,)``.
    ends
        Where each comparison ends in `study`.
    contrast, contrast_variance
        Each study's own estimate of the comparison and its variance, tau2 included, in the order of `study`.
    """

    low: Ints
    high: Ints
    estimate: Floats
    variance: Floats
    study: Ints
    ends: Ints
    contrast: Floats
    contrast_variance: Floats

    @property
    def starts(self) -> Ints:
        """Where each comparison starts in `study`."""
        return np.concatenate([[0], self.ends[:-1]])

    @property
    def comparison(self) -> Ints:
        """Comparison of each contrast."""
        return np.repeat(np.arange(len(self.ends)), self.ends - self.starts)


def direct_evidence(network: ContrastNetwork, tau2: float) -> DirectEvidence:
    """What studies say of each comparison that they made themselves.

    Parameters
    ----------
    network
        Contrasts of studies.
    tau2
        Between-study variance.

    Returns
    -------
    evidence
        In the order of treatments.
    """
    parts: list[tuple[Ints, Ints, Floats, Floats]] = []
    for block in network.blocks:
        low, high = np.triu_indices(block.treatment.shape[1], 1)
        value = np.pad(block.estimate, ((0, 0), (1, 0)))
        covariance = np.pad(block.covariance, ((0, 0), (1, 0), (1, 0)))
        own = covariance.diagonal(axis1=1, axis2=2)
        variance = own[:, low] + own[:, high] - 2.0 * covariance[:, low, high]
        code = block.treatment[:, low] * len(network.treatments) + block.treatment[:, high]
        study = np.broadcast_to(block.study[:, None], code.shape)
        difference = value[:, high] - value[:, low]
        parts.append((code.ravel(), study.ravel(), difference.ravel(), variance.ravel()))
    code, study, contrast, variance = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((study, code))
    code, study, contrast, variance = code[order], study[order], contrast[order], variance[order] + tau2
    found, starts = np.unique(code, return_index=True)
    ends = np.append(starts[1:], len(code))
    weight = np.add.reduceat(1.0 / variance, starts)
    estimate = np.add.reduceat(contrast / variance, starts) / weight
    low, high = np.divmod(found, len(network.treatments))
    return DirectEvidence(low, high, estimate, 1.0 / weight, study, ends, contrast, variance)


def normal_confidence(estimate: Floats, se: Floats) -> list[Confidence]:
    """Estimates with normal 95% intervals.

    Parameters
    ----------
    estimate, se
        One entry each.

    Returns
    -------
    confidence
        In the same order.
    """
    reach = ndtri(0.975) * se
    p = 2.0 * ndtr(-np.abs(estimate / se))
    columns = (estimate, se, estimate - reach, estimate + reach, p)
    return [Confidence(*row) for row in np.column_stack(columns).tolist()]


def split_network(
    network: ContrastNetwork, fitted: Fitted, method: SplitMethod = "side"
) -> tuple[Split, ...]:
    """Direct against indirect evidence of every comparison that has both.

    Parameters
    ----------
    network
        A connected network.
    fitted
        Its effects; their tau2 is used on both sides.
    method
        ``side`` by back-calculation, ``sidde`` by leaving out studies with both treatments.

    Returns
    -------
    splits
        In the order of treatments, the later treatment against the earlier one.

    References
    ----------
    efthimiou2019
    """
    direct = direct_evidence(network, fitted.tau2)
    low, high, cov = direct.low, direct.high, fitted.covariance
    estimate = fitted.effects[high] - fitted.effects[low]
    variance = cov[low, low] + cov[high, high] - 2.0 * cov[low, high]
    if method == "side":
        kept, indirect, indirect_variance = _back_calculated(direct, estimate, variance)
    elif method == "sidde":
        kept, indirect, indirect_variance = _left_out(network, direct, fitted.tau2)
    else:
        raise ValueError(f"unknown way to split: {method!r}; choose side or sidde")
    of_direct, of_variance = direct.estimate[kept], direct.variance[kept]
    columns = (
        normal_confidence(of_direct, np.sqrt(of_variance)),
        normal_confidence(indirect, np.sqrt(indirect_variance)),
        normal_confidence(estimate[kept], np.sqrt(variance[kept])),
        normal_confidence(of_direct - indirect, np.sqrt(of_variance + indirect_variance)),
    )
    places = [network.studies[place] for place in direct.study]
    starts, ends, names = direct.starts.tolist(), direct.ends.tolist(), network.treatments
    return tuple(
        Split(names[high[c]], names[low[c]], *four, four[3].p_value, tuple(places[starts[c] : ends[c]]))
        for c, four in zip(kept.tolist(), zip(*columns, strict=True), strict=True)
    )


def _back_calculated(
    direct: DirectEvidence, estimate: Floats, variance: Floats
) -> tuple[Ints, Floats, Floats]:
    share = variance / direct.variance
    kept = np.flatnonzero(1.0 - share > _ALL_DIRECT)
    rest = 1.0 / (1.0 / variance[kept] - 1.0 / direct.variance[kept])
    pull = estimate[kept] / variance[kept] - direct.estimate[kept] / direct.variance[kept]
    return kept, rest * pull, rest


def _left_out(network: ContrastNetwork, direct: DirectEvidence, tau2: float) -> tuple[Ints, Floats, Floats]:
    weight = weights(network, tau2)
    of_row = np.concatenate([np.repeat(b.study, b.estimate.shape[1]) for b in network.blocks])
    kept, estimate, variance = [], [], []
    out = np.zeros(len(network.studies), dtype=bool)
    for c, (start, end) in enumerate(zip(direct.starts.tolist(), direct.ends.tolist(), strict=True)):
        out[direct.study[start:end]] = True
        rest = np.where(out[of_row], 0.0, weight)
        out[direct.study[start:end]] = False
        found = _from_rest(network, rest, int(direct.low[c]), int(direct.high[c]))
        if found is not None:
            kept.append(c)
            estimate.append(found[0])
            variance.append(found[1])
    return np.array(kept, dtype=np.int64), np.array(estimate), np.array(variance)


def _from_rest(network: ContrastNetwork, rest: Floats, low: int, high: int) -> tuple[float, float] | None:
    """Effect of `high` against `low` and its variance from the rows that are left, None where no path is."""
    equations = laplacian(network, rest)
    reached = _reached(equations != 0.0, low)
    if not reached[high]:
        return None
    inside = np.flatnonzero(reached)
    inside = inside[inside != low]
    place = int(np.searchsorted(inside, high))
    unit = np.zeros(len(inside))
    unit[place] = 1.0
    column = np.linalg.solve(equations[np.ix_(inside, inside)], unit)
    return float(column @ transposed(network, rest * network.y)[inside]), float(column[place])


def _reached(joined: NDArray[np.bool_], start: int) -> NDArray[np.bool_]:
    reached = np.zeros(len(joined), dtype=bool)
    reached[start] = True
    while True:
        wider = joined[reached].any(axis=0) | reached
        if (wider == reached).all():
            return reached
        reached = wider
