"""What must hold of the numbers of each arm, and of each study's arms together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.studies.arm_rows import ArmRows
from myopoise.synthesis.studies.faults import FaultList
from myopoise.synthesis.studies.values import Outcome

__all__ = ["check_arms", "check_repeats", "check_single_arms"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_REMEDY_COUNT = "Compare with the table of the source; a percentage must be turned into a count first."


def check_arms(rows: ArmRows, outcome: Outcome, faults: FaultList) -> None:
    """Faults of the numbers of each arm.

    Parameters
    ----------
    rows
        The arms.
    outcome
        What was measured.
    faults
        Where they are told.
    """
    checks: dict[Outcome, Callable[[ArmRows, FaultList], None]] = {
        Outcome.BINOMIAL: _binomial,
        Outcome.ORDERED: _ordered,
        Outcome.NORMAL: _normal,
        Outcome.POISSON: _poisson,
    }
    unnamed = np.array([not name.strip() for name in rows.treatment], dtype=np.bool_)
    _tell(
        rows, unnamed, "treatment", "no-treatment", faults, "the treatment has no name",
        "Write the name of the treatment.",
    )  # fmt: skip
    checks[outcome](rows, faults)
    if "time" in rows.values:
        _above_zero(rows, "time", faults, "Leave it empty where the length of follow-up is not known.")


def _tell(
    rows: ArmRows, wrong: Bools, role: str, kind: str, faults: FaultList, found: str, remedy: str
) -> None:
    for at in faults.places(wrong):
        values = {name: f"{column[at]:.15g}" for name, column in rows.values.items()}
        said = found.format(**{name.replace(" ", "_"): value for name, value in values.items()})
        arm = f"study {rows.study[at]}, {rows.treatment[at]}: {said}"
        faults.add(rows.row[at], rows.name(role, at), kind, arm, remedy)


def _missing(rows: ArmRows, role: str, faults: FaultList) -> None:
    absent = np.isnan(rows.values[role]) & ~rows.told[role]
    remedy = "Fill it from the source; leave out a study whose result was not reported."
    _tell(rows, absent, role, "missing-cell", faults, "the cell is empty", remedy)


def _count(rows: ArmRows, role: str, faults: FaultList) -> None:
    values = rows.values[role]
    word = f"{{{role.replace(' ', '_')}}}"
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        fraction = known & (values != np.round(values))
        negative = known & (values < 0)
    _tell(rows, fraction, role, "fractional-count", faults, f"{word} is not a whole number", _REMEDY_COUNT)
    _tell(rows, negative, role, "negative-count", faults, f"{word} is below zero", _REMEDY_COUNT)


def _size(rows: ArmRows, faults: FaultList) -> None:
    _missing(rows, "n", faults)
    _count(rows, "n", faults)
    _tell(
        rows, rows.values["n"] == 0, "n", "empty-arm", faults, "an arm of no patients",
        "Leave the arm out, or write how many patients it had.",
    )  # fmt: skip


def _above_zero(rows: ArmRows, role: str, faults: FaultList, remedy: str) -> None:
    with np.errstate(invalid="ignore"):
        wrong = rows.values[role] <= 0
    _tell(rows, wrong, role, f"{role}-not-positive", faults, f"{role} is {{{role}}}, not above zero", remedy)


def _binomial(rows: ArmRows, faults: FaultList) -> None:
    _missing(rows, "r", faults)
    _count(rows, "r", faults)
    _size(rows, faults)
    with np.errstate(invalid="ignore"):
        above = rows.values["r"] > rows.values["n"]
    _tell(
        rows, above, "r", "events-above-n", faults, "{r} events among {n} patients",
        "Events cannot exceed n. " + _REMEDY_COUNT,
    )  # fmt: skip


def _poisson(rows: ArmRows, faults: FaultList) -> None:
    _missing(rows, "r", faults)
    _count(rows, "r", faults)
    _missing(rows, "exposure", faults)
    _above_zero(rows, "exposure", faults, "Write the person-time of the arm.")


def _ordered(rows: ArmRows, faults: FaultList) -> None:
    _size(rows, faults)
    roles = [role for role in rows.values if role.startswith("at_least")]
    known = np.column_stack([np.isfinite(rows.values[role]) for role in roles])
    told = np.column_stack([rows.told[role] for role in roles])
    silent = np.asarray(~known.any(axis=1) & ~told.any(axis=1))
    _tell(
        rows, silent, roles[0], "missing-cell", faults,
        "no threshold is reported", "Fill at least one of the counts at or above a threshold.",
    )  # fmt: skip
    ceiling = rows.values["n"].copy()
    previous = np.full(len(rows), -1)
    for place, role in enumerate(roles):
        _count(rows, role, faults)
        values = rows.values[role]
        with np.errstate(invalid="ignore"):
            above = np.isfinite(values) & (values > ceiling)
        _tell_rise(rows, above, previous, place, roles, faults)
        ceiling = np.where(known[:, place], values, ceiling)
        previous = np.where(known[:, place], place, previous)


def _tell_rise(
    rows: ArmRows, above: Bools, previous: Ints, place: int, roles: Sequence[str], faults: FaultList
) -> None:
    for at in faults.places(above):
        count = rows.values[roles[place]][at]
        if previous[at] < 0:
            kind, below = "events-above-n", f"{rows.values['n'][at]:.15g} patients"
        else:
            lower = roles[previous[at]]
            kind = "counts-rise"
            below = f"{rows.values[lower][at]:.15g} at or above {rows.name(lower, at)}"
        found = f"study {rows.study[at]}, {rows.treatment[at]}: {count:.15g} among {below}"
        remedy = (
            "The counts are cumulative: who reaches a higher threshold also reaches each lower one. Counts of "
            "categories that exclude each other must be summed from the top first."
        )
        faults.add(rows.row[at], rows.name(roles[place], at), kind, found, remedy)


def _normal(rows: ArmRows, faults: FaultList) -> None:
    spread = "sd" if "sd" in rows.values else "se"
    _missing(rows, "mean", faults)
    _missing(rows, spread, faults)
    with np.errstate(invalid="ignore"):
        negative = rows.values[spread] < 0
        zero = rows.values[spread] == 0
    word = "standard deviation" if spread == "sd" else "standard error"
    remedy = f"Write the {word} of the source; recompute it from the interval or the P value where it is not printed."
    _tell(rows, negative, spread, f"negative-{spread}", faults, f"a {word} of {{{spread}}}", remedy)
    _tell(rows, zero, spread, f"zero-{spread}", faults, f"a {word} of zero", remedy)
    if spread == "sd":
        _size(rows, faults)
    elif "n" in rows.values:
        _count(rows, "n", faults)


# --- of the arms of a study together ----------------------------------------------------------------------


def check_repeats(rows: ArmRows, study: Ints, treatment: Ints, faults: FaultList) -> None:
    """Arms that stand twice.

    Parameters
    ----------
    rows
        The arms.
    study, treatment
        Their positions, shape ``(arm,)``.
    faults
        Where they are told.

    Notes
    -----
    In a table with a row for each arm, two arms of a study with the same treatment and different numbers are kept as
    two arms, with a note. Published networks of the NICE technical support documents have such studies (two doses of
    one drug under one name in psoriasis, two oils as a reduced fat diet), and the reference programs analyse them so.
    A study with no other treatment compares nothing so. Where a row holds several arms, rows that disagree about an arm
    contradict each other, or are two studies.
    """
    size = int(treatment.max()) + 1 if len(treatment) else 1
    pair = study * size + treatment
    treatments = np.bincount(np.unique(pair) // size)
    order = np.argsort(pair, kind="stable")
    again = np.flatnonzero(pair[order][1:] == pair[order][:-1])
    numbers = (
        np.column_stack([rows.values[role] for role in rows.values]) if rows.values else np.empty((0, 0))
    )
    a_row_each = len(rows.column) == 1
    kept: dict[str, None] = {}
    for place in again[:200]:
        first, second = int(order[place]), int(order[place + 1])
        words = f"study {rows.study[second]} has {rows.treatment[second]} twice (rows {rows.row[first]} and "
        same = np.array_equal(numbers[first], numbers[second], equal_nan=True)
        if a_row_each and not same and treatments[study[second]] > 1:
            kept[rows.study[second]] = None
            continue
        remedy = (
            "Remove the row that was copied."
            if same
            else "Name two doses apart, give two studies two names, or add arms of one treatment together."
        )
        found = f"{words}{rows.row[second]})"
        faults.add(rows.row[second], rows.name("treatment", second), "arm-twice", found, remedy)
    if kept:
        faults.notes.append(
            f"Studies with two arms of one treatment, kept as two arms: {', '.join(kept)}. Name doses apart to "
            "compare them."
        )


def check_single_arms(rows: ArmRows, study: Ints, faults: FaultList, *, allowed: bool) -> None:
    """Studies of one arm.

    Parameters
    ----------
    rows
        The arms.
    study
        Their studies, shape ``(arm,)``.
    faults
        Where they are told.
    allowed
        Whether the model lets them speak; a note says how many there are.
    """
    count = np.bincount(study, minlength=1)
    alone = count[study] == 1
    if not alone.any():
        return
    if allowed:
        listed = ", ".join(rows.study[at] for at in np.flatnonzero(alone)[:10])
        faults.notes.append(f"Studies with one arm: {listed}. They compare nothing by themselves.")
        return
    for at in faults.places(alone):
        found = f"study {rows.study[at]} has one arm ({rows.treatment[at]})"
        remedy = (
            "Add the arm it was compared with, or leave the study out. A model with exchangeable baselines can use it: "
            "ask for single arms (--single-arms)."
        )
        faults.add(rows.row[at], rows.name("treatment", at), "one-arm", found, remedy)
