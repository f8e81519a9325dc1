"""The sets of criteria a patient can be classified by, by name."""

from __future__ import annotations

import difflib

from myopoise.errors import WrongUsage
from myopoise.outcomes.patients.bohan_peter import BOHAN_PETER_1975
from myopoise.outcomes.patients.classification import Criteria
from myopoise.outcomes.patients.eular_acr_columns import EULAR_ACR_2017

__all__ = ["CRITERIA", "criteria"]

CRITERIA = {one.name: one for one in (EULAR_ACR_2017, BOHAN_PETER_1975)}
"""Every set, by its name."""


def criteria(name: str) -> Criteria:
    """The set of criteria of that name.

    Raises
    ------
    WrongUsage
        If there is none, with the nearest name.
    """
    if name not in CRITERIA:
        near = difflib.get_close_matches(name, CRITERIA, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(CRITERIA)}."
        raise WrongUsage(f"There are no criteria '{name}'. {hint}")
    return CRITERIA[name]
