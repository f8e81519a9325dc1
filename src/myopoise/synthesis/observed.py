"""What each study saw, as a forest plot shows it: proportions and differences with their own intervals, no model.

A study that does not count patients at least minimally better is shown at the level it counts, or by its mean score.

Intervals of a proportion are Jeffreys' (equal tails of a beta posterior); those of a difference are Newcombe's hybrid
score intervals (1998), which stay inside -1 and 1 and need no correction at 0 or n.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import betaincinv

from myopoise.estimate import Estimate
from myopoise.evidence.rows import Row, Selection
from myopoise.vocabulary import BACKGROUND, Level, StudyKind

__all__ = ["Observed", "counted_level", "newcombe_difference", "observed_rows", "proportion"]

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
    level
        Level counted: minimal improvement, else the nearest to it; None where only a mean score was printed.
    events, n
        Patients at that level or better, None where only a mean score was printed; of how many.
    proportion
        With its 95% interval; None where only a mean score was printed.
    mean
        Mean improvement score in points where that is all that was printed, else None.
    control_events, control_n, control, control_mean
        The same for the background arm with the same diagnosis mix; None where there is none.
    difference
        Proportion less the control's, with its 95% interval; None without counts in both arms.
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
    level: Level | None
    events: int | None
    n: int
    proportion: Estimate | None
    mean: Estimate | None
    control_events: int | None
    control_n: int | None
    control: Estimate | None
    control_mean: Estimate | None
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
    """Every treated group of patients, oldest first."""
    rows = [row for row in selection.rows if row.counts or row.mean is not None]
    seen = [_observed(row, rows) for row in rows if row.treatments != (BACKGROUND,)]
    return tuple(sorted(seen, key=lambda o: (o.year or 0, o.study, o.arm)))


def counted_level(row: Row) -> Level | None:
    """The level nearest to minimal improvement that a row counts; None where it counts none."""
    order = (Level.MINIMAL, Level.MODERATE, Level.MAJOR, Level.STABLE)
    return next((level for level in order if level in row.counts), None)


def _observed(row: Row, rows: list[Row]) -> Observed:
    level = counted_level(row)
    against = [
        other
        for other in rows
        if other.study == row.study and other.treatments == (BACKGROUND,) and _alike(row, other)
    ]
    control = against[0] if row.design.randomised and against else None
    events, control_events = _events(row, level), _events(control, level)
    return Observed(
        study=row.study,
        arm=row.arm,
        year=row.year,
        design=row.design,
        definition=row.definition,
        treatments=row.treatments,
        shares=", ".join(f"{group} {share:.0%}" for group, share in row.shares.items()),
        level=level,
        events=events,
        n=row.n,
        proportion=None if events is None else proportion(events, row.n),
        mean=_mean(row, level),
        control_events=control_events,
        control_n=control.n if control else None,
        control=proportion(control_events, control.n) if control and control_events is not None else None,
        control_mean=_mean(control, level),
        difference=(
            newcombe_difference(events, row.n, control_events, control.n)
            if control and events is not None and control_events is not None
            else None
        ),
        note=row.note,
    )


def _events(row: Row | None, level: Level | None) -> int | None:
    return None if row is None or level is None else row.counts.get(level)


def _mean(row: Row | None, level: Level | None) -> Estimate | None:
    """Mean score of a row, where no level is counted."""
    if row is None or level is not None or row.mean is None or row.se is None:
        return None
    return Estimate(row.mean, row.se, row.mean, row.mean - _Z * row.se, row.mean + _Z * row.se, "points")


def _alike(one: Row, other: Row) -> bool:
    """Whether two arms of a trial hold the same diagnoses; trials reported by diagnosis pair like with like."""
    return set(one.shares) == set(other.shares)
