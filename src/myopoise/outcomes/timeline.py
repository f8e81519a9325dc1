"""Which visit is compared with which: each follow-up visit with its baseline, and with the visit before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.outcomes.plan import Plan

__all__ = ["Timeline", "timeline"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Timeline:
    """Which visit is compared with which.

    Parameters
    ----------
    rows
        Visits that are judged, in the order of the file, ``(row,)``.
    baseline
        For each of them the place of the baseline visit, or -1.
    before
        For each of them the row (a place in `rows`) of the follow-up visit before, or -1.
    """

    rows: Places
    baseline: Places
    before: Places


def timeline(patient: NDArray[np.int64], week: Floats, plan: Plan) -> Timeline:
    """The visits to judge, the baseline of each, and the one before.

    Parameters
    ----------
    patient, week
        ``(visit,)`` each; a patient has no week twice.
    plan
        Says which week is the baseline, and whether one is needed.
    """
    count = len(patient)
    if not count:
        return Timeline(*(np.zeros(0, np.int64),) * 3)
    same = patient[1:] == patient[:-1]
    in_order = _together(patient, same) and bool(np.all(week[1:][same] > week[:-1][same]))
    order = np.arange(count) if in_order else np.lexsort((week, patient))
    patient, week = patient[order], week[order]
    opens = np.concatenate([[True], patient[1:] != patient[:-1]])
    course = np.cumsum(opens) - 1
    starts = np.flatnonzero(opens)
    baseline = starts.copy()
    if plan.baseline_week is not None:
        baseline = np.full(len(starts), -1)
        at = np.flatnonzero(week == plan.baseline_week)
        baseline[course[at]] = at
    start_week = week[starts] if plan.baseline_week is None else np.full(len(starts), plan.baseline_week)
    judged = week > start_week[course]
    if not plan.needs_baseline:
        alone = (np.add.reduceat(judged, starts) == 0) & (baseline >= 0)
        judged[baseline[alone]] = True
    return _in_file_order(order, judged, baseline[course], opens, in_order)


def _together(patient: NDArray[np.int64], same: Flags) -> bool:
    """Whether the rows of each patient stand together."""
    return bool(np.all(patient[1:] >= patient[:-1])) or len(np.unique(patient)) == len(patient) - int(
        same.sum()
    )


def _in_file_order(order: Places, judged: Flags, baseline: Places, opens: Flags, in_order: bool) -> Timeline:
    sorted_rows = np.flatnonzero(judged)
    follows = np.zeros(len(sorted_rows), bool)
    if sorted_rows.size:
        follows[1:] = (np.diff(sorted_rows) == 1) & ~opens[sorted_rows[1:]]
    before = np.where(follows, np.arange(len(sorted_rows)) - 1, -1)
    start = baseline[sorted_rows]
    start = np.where(start >= 0, order[start], -1)
    if in_order:
        return Timeline(sorted_rows, start, before)
    rows = order[sorted_rows]
    back = np.argsort(rows, kind="stable")
    place = np.empty(len(back), np.int64)
    place[back] = np.arange(len(back))
    before = np.where(before >= 0, place[before], -1)
    return Timeline(rows[back], start[back], before[back])
