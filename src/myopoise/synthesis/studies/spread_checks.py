"""Is it a standard deviation or a standard error? Comparing each study's spread with that of the others.

An SE is smaller than the SD by the root of n. So an SD several times smaller than those of the other studies, and that
times the root of its n would be like theirs, is probably an SE. The other way round for an SE whose n is known.

The rule, on logarithms: with ``m`` the median and ``s`` the spread (1.4826 times the median absolute deviation, at
least 0.25) of the SDs of the arms of all *other* studies, an arm is suspect when its SD differs from ``m`` by a factor
of three or more in that direction and what it would become is within a factor of two of ``m``. It is a note when the
other studies differ so much among themselves that it could be chance, and a fault when the difference is more than four
``s``: lengths of stay in hospitals differ tenfold, pain scores do not. `trust_spread` of the reader turns it off.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.studies.arm_rows import ArmRows
from myopoise.synthesis.studies.faults import FaultList

__all__ = ["check_spread"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FACTOR = np.log(3.0)
_WITHIN = np.log(2.0)
_LEAST_SPREAD = 0.25
_CERTAIN = 4.0
_MOST_ARMS = 4000
"""Arms of which each is compared with all others; of more, each is compared with all, its own study included."""


def check_spread(rows: ArmRows, study: Ints, faults: FaultList) -> None:
    """SDs that look like SEs, and SEs that look like SDs.

    Parameters
    ----------
    rows
        Arms with a mean.
    study
        Their studies, shape ``(arm,)``.
    faults
        Where they are told, and noted.
    """
    role = "sd" if "sd" in rows.values else "se"
    n = rows.values.get("n")
    if n is None:
        return
    spread = rows.values[role]
    with np.errstate(invalid="ignore"):
        good = np.isfinite(spread) & (spread > 0) & np.isfinite(n) & (n > 1)
    if len(np.unique(study[good])) < 2:
        return
    root = 0.5 * np.log(np.where(good, n, 1.0))
    log_sd = np.log(np.where(good, spread, 1.0)) + (root if role == "se" else 0.0)
    middle, scale = _others(log_sd, study, good)
    away = middle - log_sd if role == "sd" else log_sd - middle
    suspect = good & (away > _FACTOR) & (np.abs(away - root) < _WITHIN)
    certain = suspect & (away > _CERTAIN * scale)
    for at in faults.places(certain):
        found, remedy = _words(rows, at, role, float(np.exp(away[at])))
        faults.add(rows.row[at], rows.name(role, at), f"{role}-looks-like-{_other(role)}", found, remedy)
    for at in faults.places(suspect & ~certain):
        found, _ = _words(rows, at, role, float(np.exp(away[at])))
        faults.notes.append(f"Row {rows.row[at]}: {found}. Compare with the source.")


def _other(role: str) -> str:
    return "se" if role == "sd" else "sd"


def _others(log_sd: Floats, study: Ints, good: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Median and spread among the arms of the other studies, shape ``(arm,)`` each."""
    if len(log_sd) > _MOST_ARMS:
        whole = float(np.median(log_sd[good]))
        deviation = 1.4826 * float(np.median(np.abs(log_sd[good] - whole)))
        return np.full(len(log_sd), whole), np.full(len(log_sd), max(deviation, _LEAST_SPREAD))
    centre, scale = np.empty(len(log_sd)), np.empty(len(log_sd))
    for one in np.unique(study):
        mine = study == one
        others = log_sd[good & ~mine]
        middle = float(np.median(others)) if len(others) else np.nan
        centre[mine] = middle
        scale[mine] = (
            max(1.4826 * np.median(np.abs(others - middle)), _LEAST_SPREAD) if len(others) else np.nan
        )
    return centre, scale


def _words(rows: ArmRows, at: int, role: str, ratio: float) -> tuple[str, str]:
    value, n = rows.values[role][at], rows.values["n"][at]
    arm = f"study {rows.study[at]}, {rows.treatment[at]}"
    if role == "sd":
        found = (
            f"{arm}: the SD {value:.4g} is {ratio:.1f} times smaller than in the other studies and looks like an SE "
            f"(root of n is {np.sqrt(n):.1f})"
        )
        remedy = (
            f"If it is an SE, write the SD, {value * np.sqrt(n):.4g}. "
            "If it is an SD, trust the spreads as given (--trust-spread)."
        )
    else:
        found = (
            f"{arm}: the SE {value:.4g} would mean an SD {ratio:.1f} times larger than in the other studies and looks "
            f"like an SD (root of n is {np.sqrt(n):.1f})"
        )
        remedy = (
            f"If it is an SD, write the SE, {value / np.sqrt(n):.4g}. "
            "If it is an SE, trust the spreads as given (--trust-spread)."
        )
    return found, remedy
