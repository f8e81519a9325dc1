"""How much each direct comparison contributes to each relative effect.

The estimate of a comparison is a flow: one unit of evidence leaves one treatment and arrives at the other, and the
hat matrix says how much of it passes along each direct comparison. Following the flow gives shares that sum to one.

*Shortest path* (Papakonstantinou 2018) takes streams off the flow, a shortest path at a time, until nothing is left.
*Random walk* (Davies 2022) lets a walker follow the flow: each path has the probability of being walked. Both give
each comparison on a path an equal part of what the path carries.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.findings import Pair
from myopoise.synthesis.frequentist.gls import ContrastNetwork, Fitted, laplacian, weights

__all__ = ["ContributionMethod", "contributions_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ContributionMethod = Literal["shortestpath", "randomwalk"]

_DRY = 1e-11
"""Flow that is rounding: a unit enters."""


def contributions_of(
    network: ContrastNetwork, fitted: Fitted, method: ContributionMethod, warnings: list[str]
) -> Mapping[Pair, Mapping[Pair, float]]:
    """Contribution of every direct comparison to every relative effect.

    Parameters
    ----------
    network
        A connected network.
    fitted
        Its effects; their tau2 weights the comparisons.
    method
        ``shortestpath`` or ``randomwalk``.
    warnings
        Told, where the contributions cannot be had.

    Returns
    -------
    contributions
        Both kinds of pair name the later treatment first, against the earlier one; rows sum to one and hold only
        comparisons that contribute. Empty where a comparison has a negative weight.

    References
    ----------
    papakonstantinou2018
    davies2022
    """
    if method not in ("shortestpath", "randomwalk"):
        raise ValueError(f"unknown contributions: {method!r}; choose shortestpath or randomwalk")
    joint = -laplacian(network, weights(network, fitted.tau2))
    np.fill_diagonal(joint, 0.0)
    if (joint < -1e-9 * joint.max()).any():
        warnings.append(
            "No contributions: studies with several arms give a comparison a negative weight, so nothing flows there."
        )
        return {}
    order = sorted(range(len(network.treatments)), key=lambda place: _alphabetical(network.treatments[place]))
    names = [network.treatments[place] for place in order]
    position = {name: place for place, name in enumerate(network.treatments)}
    joint = np.maximum(joint, 0.0)[np.ix_(order, order)]
    covariance = fitted.covariance[np.ix_(order, order)]
    follow = _streams if method == "shortestpath" else _walks
    edges = np.nonzero(np.triu(joint))
    comparisons = [
        _later_first(names[i], names[j], position) for i, j in zip(*(e.tolist() for e in edges), strict=True)
    ]
    found: dict[Pair, Mapping[Pair, float]] = {}
    for source, target in itertools.combinations(range(len(names)), 2):
        height = covariance[source] - covariance[target]
        flow = joint * (height[:, None] - height[None, :])
        share = follow(np.where(flow > _DRY, flow, 0.0), source, target, edges)
        parts = (share + share.T)[edges].tolist()
        pair = _later_first(names[source], names[target], position)
        found[pair] = {comparison: part for comparison, part in zip(comparisons, parts, strict=True) if part}
    return found


def _alphabetical(name: str) -> tuple[str, str]:
    return name.casefold(), name


def _later_first(a: str, b: str, position: Mapping[str, int]) -> Pair:
    return (a, b) if position[a] > position[b] else (b, a)


def _streams(flow: Floats, source: int, target: int, edges: tuple[Ints, ...]) -> Floats:
    """Shares of streams, each along a shortest path, until the flow has run dry.

    Where several paths are equally short, the one through treatments met first is taken, in the alphabetical list of
    comparisons each written downstream: an arbitrary order, which other programs use too.
    """
    low, high = edges
    forward = flow[low, high] >= flow[high, low]
    met = np.stack([np.where(forward, low, high), np.where(forward, high, low)], axis=1).ravel().tolist()
    met_first = list(dict.fromkeys(met))
    left = [{there: row[there] for there in met_first if row[there]} for row in flow.tolist()]
    share = np.zeros_like(flow)
    total = 0.0
    while (path := _shortest(left, source, target)) is not None:
        steps = list(itertools.pairwise(path))
        stream = min(left[i][j] for i, j in steps)
        total += stream
        for i, j in steps:
            share[i, j] += stream / len(steps)
            left[i][j] -= stream
            if left[i][j] <= _DRY:
                del left[i][j]
    return share / total


def _shortest(left: list[dict[int, float]], source: int, target: int) -> list[int] | None:
    before = {source: source}
    queue = deque([source])
    while queue:
        here = queue.popleft()
        for there in left[here]:
            if there not in before:
                before[there] = here
                if there == target:
                    return _back(before, source, target)
                queue.append(there)
    return None


def _back(before: dict[int, int], source: int, target: int) -> list[int]:
    path = [target]
    while path[-1] != source:
        path.append(before[path[-1]])
    return path[::-1]


def _walks(flow: Floats, source: int, target: int, edges: tuple[Ints, ...]) -> Floats:
    """Sum over all paths of probability over length, by the lengths of what comes before and after each step."""
    out = flow.sum(axis=1)
    step = np.divide(flow, out[:, None], out=np.zeros_like(flow), where=out[:, None] > 0.0)
    step[target] = 0.0
    reach = np.zeros(len(flow))
    reach[source] = 1.0
    arrive = np.zeros(len(flow))
    arrive[target] = 1.0
    first, last = [reach], [arrive]
    for _ in range(len(flow) - 2):
        first.append(first[-1] @ step)
        last.append(step @ last[-1])
    before, after = np.array(first), np.array(last)
    length = np.arange(len(before))
    inverse = 1.0 / (length[:, None] + 1.0 + length[None, :])
    share: Floats = step * (before.T @ inverse @ after)
    return share
