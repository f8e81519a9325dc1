"""Counts of categories that exclude each other, turned into counts at or above each threshold.

Another program's layout of ordered outcomes gives, beside the size of the arm, how many patients fell into each
category: those with a PASI improvement of 50 to 74, 75 to 89, 90 and more. Ours gives how many reached each
threshold. The columns look alike (``PASI50, PASI75, PASI90``), so they are converted only when they cannot be anything
else: an arm in which more patients stand under a higher threshold than under a lower one cannot hold cumulative
counts.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault
from myopoise.synthesis.studies.faults import FaultList
from myopoise.synthesis.studies.sheet import Sheet, key
from myopoise.synthesis.studies.values import Outcome

__all__ = ["at_least_from_exclusive", "without_exclusive"]

Floats = NDArray[np.float64]

_NUMBERED = re.compile(r"([^\W\d_]+)[\s._-]*(\d+)")


def at_least_from_exclusive(categories: Floats) -> Floats:
    """Patients at or above each threshold, from the patients in each category.

    Parameters
    ----------
    categories
        Patients in the category that begins at each threshold, lowest first, shape ``(arm, threshold)``; NaN where a
        study did not report the category and merged it into the one below.

    Returns
    -------
    at_least
        Same shape, NaN where it was NaN.

    Examples
    --------
    >>> at_least_from_exclusive(np.array([[12.0, 5.0, 1.0], [18.0, 8.0, np.nan]]))
    array([[18.,  6.,  1.],
           [26.,  8., nan]])
    """
    from_top = np.nancumsum(categories[:, ::-1], axis=1)[:, ::-1]
    return np.where(np.isnan(categories), np.nan, from_top)


def without_exclusive(
    sheet: Sheet, outcome: Outcome | None, layout: str | None, faults: FaultList
) -> Sheet | None:
    """The table in our own layout, if it holds categories that exclude each other.

    Parameters
    ----------
    sheet
        The table.
    outcome, layout
        What the caller asked for.
    faults
        Where a note goes.

    Raises
    ------
    BadInput
        When the columns may hold either kind of count.
    """
    if outcome not in (None, Outcome.ORDERED) or layout not in (None, "multinma"):
        return None
    size = sheet.find("samplesize", "n")
    columns = _categories(sheet)
    study = sheet.find("study", "studyc", "studyn")
    treatment = sheet.find("treatment", "trt", "trtc", "trtn")
    if size is None or study is None or treatment is None or len(columns) < 2:
        return None
    counts = np.column_stack([sheet.numbers(name)[0] for name in columns])
    if not _rise(counts):
        raise BadInput(sheet.file, (_either(sheet.file, columns),))
    at_least = at_least_from_exclusive(counts)
    faults.notes.append(
        f"{', '.join(columns)} hold counts of categories that exclude each other (some rise, as cumulative counts "
        "cannot); they were summed from the top into counts at or above each threshold."
    )
    return _ours(sheet, study, treatment, size, columns, at_least)


def _categories(sheet: Sheet) -> list[str]:
    """Columns of one stem and rising numbers, of which the sheet has no other use: PASI50, PASI75, PASI90."""
    stems: dict[str, list[tuple[int, str]]] = {}
    for name in sheet.columns:
        found = _NUMBERED.fullmatch(name.strip())
        if found and int(found[2]) > 3 and key(found[1]) != "ge":
            stems.setdefault(key(found[1]), []).append((int(found[2]), name))
    whole = [sorted(one) for one in stems.values() if len(one) > 1]
    return [name for _, name in whole[0]] if len(whole) == 1 else []


def _rise(counts: Floats) -> bool:
    low = np.full(len(counts), np.inf)
    for column in counts.T:
        known = np.isfinite(column)
        if (column[known] > low[known]).any():
            return True
        low = np.where(known, column, low)
    return False


def _either(file: str, columns: list[str]) -> Fault:
    found = (
        f"{', '.join(columns)} may be counts at or above each threshold, or counts of categories between them"
    )
    remedy = (
        "Name cumulative counts ge_1, ge_2, ... (who reached each threshold), and the size of the arm n. From "
        "categories that exclude each other sum from the top: ge_2 is the last two together, ge_1 all three."
    )
    return Fault(file, 1, columns[0], "exclusive-or-cumulative", found, remedy)


def _ours(sheet: Sheet, study: str, treatment: str, size: str, columns: list[str], at_least: Floats) -> Sheet:
    import polars

    renamed = {study: "study", treatment: "treatment", size: "n"}
    kept = {renamed.get(name, name): one for name, one in sheet.columns.items() if name not in columns}
    steps = {
        f"ge_{place}": polars.Series(f"ge_{place}", column, nan_to_null=True)
        for place, column in enumerate(at_least.T, 1)
    }
    return replace(sheet, columns={**kept, **steps})
