"""What each study saw, as a forest plot shows it: proportions and differences with their own intervals, no model.

Intervals of a proportion are Jeffreys' (equal tails of a beta posterior); those of a difference are Newcombe's hybrid
score intervals (1998), which stay inside -1 and 1 and need no correction at 0 or n.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import betaincinv

from myopoise.estimate import Estimate
from myopoise.evidence.rows import Row, Selection
from myopoise.vocabulary import BACKGROUND, Level, StudyKind

__all__ = ["Observed", "newcombe_difference", "observed_rows", "proportion"]

_Z = 1.959963984540054


@dataclass(frozen=True)
class Observed:
    """One treated group of one study, and the background arm it was randomised against, if any.

    Parameters
    ----------
    study, arm, year, design, definition
        As in the selection.
    treatments
        Codes.
    shares
        Diagnosis mix in words.
    events, n
        Patients at least minimally better, of how many.
    proportion
        With its 95% interval.
    control_events, control_n, control
        The same for the background arm with the same diagnosis mix; None where there is none.
    difference
        Proportion less the control's, with its 95% interval; None without a control.
    note
        What was assumed.
    """

    study: str
    arm: str
    year: int | None
    design: StudyKind
    definition: str
    treatments: tuple[str, ...]
    shares: str
    events: int
    n: int
    proportion: Estimate
    control_events: int | None
    control_n: int | None
    control: Estimate | None
    difference: Estimate | None
    note: str


def proportion(events: int, n: int) -> Estimate:
    """Observed proportion with the Jeffreys 95% interval; the ends reach 0 or 1 when the count does."""
    a, b = events + 0.5, n - events + 0.5
    low = 0.0 if events == 0 else float(betaincinv(a, b, 0.025))
    high = 1.0 if events == n else float(betaincinv(a, b, 0.975))
    sd = float((a * b / ((n + 1.0) ** 2 * (n + 2.0))) ** 0.5)
    return Estimate(events / n, sd, float(betaincinv(a, b, 0.5)), low, high, "probability")


def _wilson(events: int, n: int) -> tuple[float, float]:
    p, z2 = events / n, _Z * _Z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * ((p * (1 - p) + z2 / (4 * n)) / n) ** 0.5 / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def newcombe_difference(events_1: int, n_1: int, events_0: int, n_0: int) -> Estimate:
    """Difference of two independent proportions with Newcombe's 95% interval (method 10 of his 1998 paper)."""
    p_1, p_0 = events_1 / n_1, events_0 / n_0
    (low_1, high_1), (low_0, high_0) = _wilson(events_1, n_1), _wilson(events_0, n_0)
    difference = p_1 - p_0
    low = difference - ((p_1 - low_1) ** 2 + (high_0 - p_0) ** 2) ** 0.5
    high = difference + ((high_1 - p_1) ** 2 + (p_0 - low_0) ** 2) ** 0.5
    sd = (p_1 * (1 - p_1) / n_1 + p_0 * (1 - p_0) / n_0) ** 0.5
    return Estimate(difference, sd, difference, low, high, "difference in probability")


def observed_rows(selection: Selection) -> tuple[Observed, ...]:
    """Every treated group with counts at the minimal level, oldest first."""
    rows = [row for row in selection.rows if Level.MINIMAL in row.counts]
    seen = [_observed(row, rows) for row in rows if row.treatments != (BACKGROUND,)]
    return tuple(sorted(seen, key=lambda o: (o.year or 0, o.study, o.arm)))


def _observed(row: Row, rows: list[Row]) -> Observed:
    events = row.counts[Level.MINIMAL]
    against = [
        other
        for other in rows
        if other.study == row.study and other.treatments == (BACKGROUND,) and _alike(row, other)
    ]
    control = against[0] if row.design.randomised and against else None
    control_events = control.counts[Level.MINIMAL] if control else None
    return Observed(
        study=row.study,
        arm=row.arm,
        year=row.year,
        design=row.design,
        definition=row.definition,
        treatments=row.treatments,
        shares=", ".join(f"{group} {share:.0%}" for group, share in row.shares.items()),
        events=events,
        n=row.n,
        proportion=proportion(events, row.n),
        control_events=control_events,
        control_n=control.n if control else None,
        control=proportion(control_events, control.n) if control and control_events is not None else None,
        difference=(
            newcombe_difference(events, row.n, control_events, control.n)
            if control and control_events is not None
            else None
        ),
        note=row.note,
    )


def _alike(one: Row, other: Row) -> bool:
    """Whether two arms of a trial hold the same diagnoses; trials reported by diagnosis pair like with like."""
    return set(one.shares) == set(other.shares)
