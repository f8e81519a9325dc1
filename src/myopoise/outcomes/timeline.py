"""Which visit is compared with which: each follow-up visit with its baseline, and with the visit before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.outcomes.plan import Plan

__all__ = ["Timeline", "in_order", "timeline"]

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
    course
        For each of them its patient, a place in `starts`.
    starts
        For each patient the place of the baseline visit, or -1, ``(patient,)``.
    before
        For each of them the row (a place in `rows`) of the follow-up visit before, or -1.
    """

    rows: Places
    course: Places
    starts: Places
    before: Places

    @property
    def baseline(self) -> Places:
        """For each judged visit the place of its baseline visit, or -1, ``(row,)``."""
        return self.starts[self.course]


def in_order(patient: NDArray[np.int64], week: Floats) -> bool:
    """Whether patients ascend, and in each of them the weeks; then no visit is there twice.

    Parameters
    ----------
    patient, week
        ``(visit,)`` each.
    """
    if not bool(np.all(patient[1:] >= patient[:-1])):
        return False
    return bool(np.all((week[1:] > week[:-1]) | (patient[1:] != patient[:-1])))


def timeline(
    patient: NDArray[np.int64], week: Floats, plan: Plan, orphans: NDArray[np.int64] | None = None
) -> Timeline:
    """The visits to judge, the baseline of each, and the one before.

    Parameters
    ----------
    patient, week
        ``(visit,)`` each; a patient has no week twice.
    plan
        Says which week is the baseline, and whether one is needed.
    orphans
        Patients whose baseline visit is known to be absent: every visit they have is judged, without a baseline.
    """
    count = len(patient)
    if not count:
        return Timeline(*(np.zeros(0, np.int64),) * 4)
    tidy = in_order(patient, week)
    order = np.arange(count) if tidy else np.lexsort((week, patient))
    if not tidy:
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
    if orphans is not None and orphans.size:
        lost = np.isin(patient[starts], orphans)
        baseline[lost] = -1
        judged |= lost[course]
    return _in_file_order(order, judged, course, baseline, opens, tidy)


def _in_file_order(
    order: Places, judged: Flags, course: Places, baseline: Places, opens: Flags, tidy: bool
) -> Timeline:
    sorted_rows = np.flatnonzero(judged)
    follows = np.zeros(len(sorted_rows), bool)
    if sorted_rows.size:
        follows[1:] = (np.diff(sorted_rows) == 1) & ~opens[sorted_rows[1:]]
    before = np.where(follows, np.arange(len(sorted_rows)) - 1, -1)
    if tidy:
        return Timeline(sorted_rows, course[sorted_rows], baseline, before)
    rows = order[sorted_rows]
    back = np.argsort(rows, kind="stable")
    place = np.empty(len(back), np.int64)
    place[back] = np.arange(len(back))
    starts = np.where(baseline >= 0, order[baseline], -1)
    before = np.where(before >= 0, place[before], -1)
    return Timeline(rows[back], course[sorted_rows][back], starts, before[back])
