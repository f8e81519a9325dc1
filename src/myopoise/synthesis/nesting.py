"""Sums over the results of an arm and the arms of a study.

Members of a group are independent but for one term they share. Taking that term out is the same step at every level,
and costs O(results), never O(results cubed): the members' differences stay, their mean loses information.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["group_sum", "mixed_rows", "starts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def starts(group: Ints) -> Ints:
    """Position of the first member of each group; `group` is non-decreasing."""
    first = np.ones(len(group), dtype=bool)
    np.not_equal(group[1:], group[:-1], out=first[1:])
    return np.flatnonzero(first)


def group_sum(values: Floats, group: Ints) -> Floats:
    """Sum over the members of each group, first axis ``(member, ...)`` to ``(group, ...)``."""
    if len(group) and group[-1] + 1 == len(group):
        return values
    return np.asarray(np.add.reduceat(values, starts(group), axis=0))


def mixed_rows(weight: Floats, rows: Floats, group: Ints) -> Floats:
    """Weighted sum of the rows of each group at each node, shape ``(node, group, column)``.

    Parameters
    ----------
    weight
        Shape ``(node, member)``.
    rows
        Shape ``(member, column)``, or ``(node, member, column)`` where they differ from node to node.
    group
        Group of each member, shape ``(member,)``, non-decreasing.
    """
    nodes, members = weight.shape
    first = starts(group)
    if len(first) == members:
        return weight[..., None] * rows
    # One sparse product: the products of weights and rows are never written down.
    at = np.arange(nodes)[:, None] * members
    pointer = np.append(at + first, nodes * members)
    member = at + np.arange(members) if rows.ndim > 2 else np.tile(np.arange(members), nodes)
    shape = (nodes * len(first), nodes * members if rows.ndim > 2 else members)
    flat = rows.reshape(-1, rows.shape[-1])
    product = csr_array((weight.reshape(-1), member.reshape(-1), pointer), shape=shape) @ flat
    return np.asarray(product).reshape(nodes, len(first), -1)
