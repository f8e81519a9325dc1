"""Sums over the results of an arm and the arms of a study.

Members of a group are independent but for one term they share. Taking that term out is the same step at every level,
and costs O(results), never O(results cubed): the members' differences stay, their mean loses information.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["group_sum", "starts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def starts(group: Ints) -> Ints:
    """Position of the first member of each group; `group` is non-decreasing."""
    return np.flatnonzero(np.r_[True, np.diff(group) > 0])


def group_sum(values: Floats, group: Ints) -> Floats:
    """Sum over the members of each group, first axis ``(member, ...)`` to ``(group, ...)``."""
    if len(group) and group[-1] + 1 == len(group):
        return values
    return np.asarray(np.add.reduceat(values, starts(group), axis=0))
