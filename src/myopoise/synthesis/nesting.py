"""Sums over results of an arm and arms of a study, and the elimination of a term they share.

Every elimination in this package is the same step. Members carry independent information about a shared quantity;
a term with prior variance v that they have in common takes part of it away (the Woodbury identity for one column).
Done for arms and then for studies it costs O(results), never O(results cubed).
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
