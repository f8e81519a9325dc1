"""How much glucocorticoid a patient takes, in milligrams of prednisone, and whether it became less.

The table of equivalent doses is `definitions/steroid-equivalents.toml`: every number with its source, and with its
alternatives where sources differ. Sums and ratios are exact fractions, because a dose is compared with a target and
7.5 mg a day must not become 7.500000000000001. A *dose* here is prednisone-equivalent milligrams a day unless a drug
is named; a *change* is follow-up minus baseline, so that less drug is a negative change.

The file is long because converting, comparing and adding up share one idea of what a dose is, and one way to refuse it.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage

__all__ = [
    "Dose",
    "DoseTarget",
    "EquivalentDose",
    "Gaps",
    "Period",
    "Reduction",
    "ReductionColumns",
    "compare_dose_columns",
    "compare_doses",
    "cumulative_dose",
    "dose_targets",
    "equivalent_doses",
    "mean_daily_dose",
    "prednisone_equivalent",
    "prednisone_equivalents",
]

Dose: TypeAlias = int | float | Decimal | Fraction
"""Milligrams a day; a float is taken as the decimal number it prints as, so 0.1 is one tenth."""

Period: TypeAlias = tuple[int, int, Dose]
"""First day on a dose, first day no longer on it, and the dose: periods in a row share a number of a day."""

_REFERENCE_MG = 5


@dataclass(frozen=True)
class EquivalentDose:
    """One row of the table.

    Parameters
    ----------
    drug
        INN name.
    per_5_mg
        Milligrams that count as much as 5 mg of prednisone, as the table writes them; with several rows for a drug
        this is the name by which one is chosen.
    status, sources
        How well the number is known, and keys of the bibliography.
    aliases
        Other names of the drug.
    """

    drug: str
    per_5_mg: str
    status: str
    sources: tuple[str, ...]
    aliases: tuple[str, ...] = ()

    @property
    def factor(self) -> Fraction:
        """Milligrams of prednisone for one milligram of the drug."""
        return _REFERENCE_MG / Fraction(self.per_5_mg)


@dataclass(frozen=True)
class DoseTarget:
    """A daily dose somebody has called low enough.

    Parameters
    ----------
    name, label
        Its key, and what it is.
    mg_per_day
        The largest dose that meets it.
    status, sources
        How well it is known, and keys of the bibliography.
    """

    name: str
    label: str
    mg_per_day: Fraction
    status: str
    sources: tuple[str, ...]


class Gaps(StrEnum):
    """What a day without a record means."""

    REFUSED = "refused"
    ZERO = "counted as 0"


@dataclass(frozen=True)
class Reduction:
    """A baseline and a follow-up dose, compared.

    Parameters
    ----------
    baseline_mg, follow_up_mg
        Prednisone-equivalent milligrams a day, from 0.

    Notes
    -----
    No consensus number says when steroid sparing is achieved, so none is a default here: a target is always named.
    """

    baseline_mg: Fraction
    follow_up_mg: Fraction

    @property
    def change_mg(self) -> Fraction:
        """Follow-up minus baseline, milligrams a day; negative when the dose fell."""
        return self.follow_up_mg - self.baseline_mg

    @property
    def change_percent(self) -> Fraction | None:
        """The change in percent of baseline; `None` when the baseline is 0, where no percent exists."""
        return 100 * self.change_mg / self.baseline_mg if self.baseline_mg else None

    @property
    def glucocorticoid_free(self) -> bool:
        """Whether nothing is taken at follow-up."""
        return self.follow_up_mg == 0

    def meets(self, target: DoseTarget) -> bool:
        """Whether the follow-up dose is at the target or under it."""
        return self.follow_up_mg <= target.mg_per_day


@dataclass(frozen=True)
class ReductionColumns:
    """`Reduction` for many patients at once.

    Parameters
    ----------
    change_mg, change_percent
        (patient,), as in `Reduction`; NaN where a dose is not known, and the percent also where the baseline is 0.
    at_target, glucocorticoid_free
        (patient,), of the follow-up dose; meaningless where `known` is False.
    known
        (patient,), whether there is a follow-up dose.
    """

    change_mg: NDArray[np.float64]
    change_percent: NDArray[np.float64]
    at_target: NDArray[np.bool_]
    glucocorticoid_free: NDArray[np.bool_]
    known: NDArray[np.bool_]


@cache
def equivalent_doses() -> tuple[EquivalentDose, ...]:
    """The table of equivalent doses, in the order of its file."""
    return tuple(
        EquivalentDose(
            row["drug"], row["per_5_mg"], row["status"], tuple(row["sources"]), tuple(row.get("aliases", ()))
        )
        for row in _table()["doses"]
    )


@cache
def dose_targets() -> Mapping[str, DoseTarget]:
    """The published targets by name; each is one trial's, none a consensus."""
    return MappingProxyType(
        {
            row["name"]: DoseTarget(
                row["name"], row["label"], Fraction(row["mg_per_day"]), row["status"], tuple(row["sources"])
            )
            for row in _table()["targets"]
        }
    )


def prednisone_equivalent(
    drug: str, mg_per_day: Dose, *, per_5_mg: str | None = None, route: str = "oral"
) -> Fraction:
    """The prednisone a day that counts as much as a dose of a systemic glucocorticoid.

    Parameters
    ----------
    drug
        INN name, in any case.
    mg_per_day
        Milligrams of that drug a day, from 0.
    per_5_mg
        Which of the table's alternatives is used, for the drugs on which sources differ (`"6"` or `"7.5"` for
        deflazacort). Such a drug is refused without it.
    route
        `oral` or `intravenous`, which convert alike; for others no equivalence is known.

    Returns
    -------
    mg
        Milligrams of prednisone a day, exact.

    Examples
    --------
    >>> float(prednisone_equivalent("dexamethasone", 1.5))
    10.0
    >>> float(prednisone_equivalent("deflazacort", 9, per_5_mg="6"))
    7.5
    """
    _check_route(route)
    return _exact(mg_per_day) * _row(drug, per_5_mg).factor


def prednisone_equivalents(
    drugs: Sequence[str], mg_per_day: NDArray[np.float64], *, per_5_mg: Mapping[str, str] | None = None
) -> NDArray[np.float64]:
    """`prednisone_equivalent` for many patients at once, each entry rounded once, from the exact number.

    Parameters
    ----------
    drugs
        (patient,), INN names.
    mg_per_day
        (patient,), milligrams of that drug a day by mouth or vein; NaN where not known.
    per_5_mg
        For each drug on which sources differ, the alternative used.

    Returns
    -------
    mg
        (patient,), milligrams of prednisone a day; NaN where the dose is not known.
    """
    if len(drugs) != len(mg_per_day):
        raise WrongUsage(
            f"{len(drugs)} drugs and {len(mg_per_day)} doses: give one of each for every patient."
        )
    chosen = {name.strip().casefold(): dose for name, dose in (per_5_mg or {}).items()}
    factors = {drug: _row(drug, chosen.get(drug.strip().casefold())).factor for drug in set(drugs)}
    return np.array(
        [
            math.nan if math.isnan(mg) else float(_exact(mg) * factors[drug])
            for drug, mg in zip(drugs, mg_per_day, strict=True)
        ],
        dtype=np.float64,
    )


def compare_doses(baseline_mg: Dose, follow_up_mg: Dose) -> Reduction:
    """The change from a baseline to a follow-up dose, both in prednisone-equivalent milligrams a day.

    Examples
    --------
    >>> reduction = compare_doses(20, 7.5)
    >>> float(reduction.change_mg), float(reduction.change_percent)
    (-12.5, -62.5)
    >>> reduction.meets(dose_targets()["jasmine"]), reduction.glucocorticoid_free
    (True, False)
    """
    return Reduction(_exact(baseline_mg), _exact(follow_up_mg))


def compare_dose_columns(
    baseline_mg: NDArray[np.float64], follow_up_mg: NDArray[np.float64], target: DoseTarget
) -> ReductionColumns:
    """`compare_doses` for many patients at once, NaN where a dose is not known."""
    for doses in (baseline_mg, follow_up_mg):
        if bool(np.any((doses < 0) | np.isinf(doses))):
            raise WrongUsage(
                "A dose below 0 or without bound stands among the doses; leave an unknown dose NaN."
            )
    change = follow_up_mg - baseline_mg
    # A baseline of 0 has no percent.
    divisor = np.where(baseline_mg == 0, np.nan, baseline_mg)
    return ReductionColumns(
        change_mg=change,
        change_percent=100 * change / divisor,
        at_target=follow_up_mg <= float(target.mg_per_day),
        glucocorticoid_free=follow_up_mg == 0,
        known=~np.isnan(follow_up_mg),
    )


def cumulative_dose(
    periods: Sequence[Period], *, from_day: int, to_day: int, gaps: Gaps = Gaps.REFUSED
) -> Fraction:
    """All the prednisone taken in a window of days, in milligrams, exact.

    Parameters
    ----------
    periods
        In any order; they may reach beyond the window and may not overlap.
    from_day, to_day
        First day of the window, and the first day after it.
    gaps
        What a day of the window without a period means. It is refused unless the caller says that it counts as 0: a
        day that was not recorded is not a day without drug.

    Examples
    --------
    >>> int(cumulative_dose([(0, 7, 20), (7, 14, 10)], from_day=0, to_day=14))
    210
    """
    if to_day <= from_day:
        raise WrongUsage(
            f"A window from day {from_day} to day {to_day} has no days; it ends after it starts."
        )
    inside = [
        (max(start, from_day), min(end, to_day), mg)
        for start, end, mg in _in_order(periods)
        if start < to_day and end > from_day
    ]
    if gaps is Gaps.REFUSED and (gap := next(_gaps(inside, from_day, to_day), None)):
        raise WrongUsage(
            f"No dose is recorded from day {gap[0]} to day {gap[1]}. Record it, or say that such days count as 0."
        )
    return sum(((end - start) * mg for start, end, mg in inside), start=Fraction(0))


def mean_daily_dose(
    periods: Sequence[Period],
    *,
    from_day: int | None = None,
    to_day: int | None = None,
    gaps: Gaps = Gaps.REFUSED,
) -> Fraction:
    """The mean dose over the days of a window, milligrams of prednisone a day, exact.

    Parameters
    ----------
    periods
        As for `cumulative_dose`.
    from_day, to_day
        The window as for `cumulative_dose`; where one is not given, the first or the last day that is recorded.
    gaps
        As for `cumulative_dose`.
    """
    if not periods:
        raise WrongUsage("There is no dose to take the mean of.")
    first = min(start for start, _, _ in periods) if from_day is None else from_day
    after = max(end for _, end, _ in periods) if to_day is None else to_day
    return cumulative_dose(periods, from_day=first, to_day=after, gaps=gaps) / (after - first)


def _in_order(periods: Sequence[Period]) -> list[tuple[int, int, Fraction]]:
    """The periods by day, each checked, with exact doses."""
    checked = sorted((start, end, _exact(mg)) for start, end, mg in periods)
    for start, end, _ in checked:
        if end <= start:
            raise WrongUsage(
                f"A dose from day {start} to day {end} has no days; a period ends after it starts."
            )
    for before, after in pairwise(checked):
        if after[0] < before[1]:
            raise WrongUsage(
                f"Two doses are recorded for day {after[0]}. Add up what is taken on the same days and give one "
                "period for it."
            )
    return checked


def _gaps(
    inside: Sequence[tuple[int, int, Fraction]], from_day: int, to_day: int
) -> Iterator[tuple[int, int]]:
    """The stretches of the window that no period covers."""
    covered = from_day
    for start, end, _ in inside:
        if start > covered:
            yield covered, start
        covered = end
    if covered < to_day:
        yield covered, to_day


def _row(drug: str, per_5_mg: str | None) -> EquivalentDose:
    """The row of a drug, and of the alternative where there are several."""
    name = drug.strip().casefold()
    rows = [row for row in equivalent_doses() if name == row.drug or name in row.aliases]
    if not rows:
        raise WrongUsage(_no_row(drug, name))
    if per_5_mg is None and len(rows) == 1:
        return rows[0]
    for row in rows:
        if per_5_mg is not None and row.per_5_mg == per_5_mg.strip():
            return row
    choices = " or ".join(f'"{row.per_5_mg}"' for row in rows)
    found = "sources differ on it" if per_5_mg is None else f'the table does not hold "{per_5_mg}"'
    raise WrongUsage(
        f"{drug}: {found}. Say how many milligrams are taken as 5 mg of prednisone, per_5_mg={choices}."
    )


def _no_row(drug: str, name: str) -> str:
    """Why a drug is not converted, and what to do."""
    from difflib import get_close_matches

    refused = {word: group["reason"] for group in _table()["refused"] for word in group["drugs"]}
    if name in refused:
        return f"{drug} is not converted to prednisone: {refused[name]}."
    known = sorted({word for row in equivalent_doses() for word in (row.drug, *row.aliases)})
    near = get_close_matches(name, [*known, *refused], n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return f"There is no equivalent dose for '{drug}'. {hint}The table has {', '.join(known)}."


def _check_route(route: str) -> None:
    if route not in (allowed := _table()["routes"]):
        words = " and ".join(allowed)
        raise WrongUsage(
            f"A dose by the route '{route}' is not converted: the table holds for {words} doses only."
        )


def _exact(mg: Dose) -> Fraction:
    """A dose as the fraction its decimal digits say."""
    if not math.isfinite(mg) or mg < 0:
        raise WrongUsage(
            f"A dose of {mg} mg a day: a dose is a number from 0. Leave out a dose that is not known."
        )
    return Fraction(mg) if isinstance(mg, (int, Decimal, Fraction)) else Fraction(repr(float(mg)))


@cache
def _table() -> Mapping[str, Any]:
    text = (files("myopoise.outcomes") / "definitions" / "steroid-equivalents.toml").read_text(
        encoding="utf-8"
    )
    return tomllib.loads(text)
