"""Numbers as they were written: 15% is 15%, whatever a binary fraction makes of it.

A criterion has edges, and clinical numbers lie on them: of the 319 pairs of one-decimal values on a 10 cm scale that
improve by exactly 0.5, 1.5, 2.5 or 4.0 cm, ordinary floating point puts 26 on the wrong side. So every question a
definition asks is brought to one form: is a sum of a few numbers, each times a whole number, positive, zero or
negative? One patient is answered with fractions. Millions are answered with floating point where its error cannot
matter, and with the same fractions in the few places where it could.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from numbers import Rational

import numpy as np
from numpy.typing import NDArray

__all__ = ["GRID", "NEAR", "Number", "all_on_grid", "exact", "on_grid", "whole"]

Number = int | float | str | Decimal | Fraction
Floats = NDArray[np.float64]

GRID = 10_000
"""Ten-thousandths: the finest decimal that clinical values are written in."""
_BLOCK = 8192
NEAR = 2e-6
"""How near to zero a sum of such decimals must be to be zero: its smallest step is 1/10000, and sums here stay under
1e9, where floating point errs by less than 1e-6."""


def exact(number: Number) -> Fraction:
    """The number as it was written: a float stands for the shortest decimal that reads back as it.

    Examples
    --------
    >>> exact(0.1) * 3 == exact("0.3")
    True
    """
    if isinstance(number, float):
        return Fraction(repr(float(number)))
    return Fraction(number) if isinstance(number, Rational | Decimal) else Fraction(str(number).strip())


def whole(values: Floats) -> NDArray[np.object_]:
    """The values in ten-thousandths, exact: whole numbers where they are such decimals, fractions where not.

    Parameters
    ----------
    values
        ``(row,)``; NaN becomes 0.
    """
    values = np.nan_to_num(values, nan=0.0)
    found = np.rint(values * GRID).astype(np.int64).astype(object)
    for row in np.flatnonzero(~on_grid(values)):
        found[row] = exact(float(values[row])) * GRID
    return found


def all_on_grid(values: Floats) -> bool:
    """Whether every value that is there is a decimal of at most four places.

    Parameters
    ----------
    values
        ``(row,)``; looked at a block at a time, which stays in the cache of the processor.
    """
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        if not np.all(on_grid(block) | np.isnan(block)):
            return False
    return True


def on_grid(values: Floats) -> NDArray[np.bool_]:
    """Where the value is a decimal of at most four places."""
    return np.asarray(np.rint(values * GRID) / GRID == values)
