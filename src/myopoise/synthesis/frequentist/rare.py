"""Pooling two-by-two tables without turning each into an estimate first: Mantel-Haenszel and Peto.

Rare events make the estimate of a single small trial undefined or biased; these methods add up numerators and
denominators over studies before they divide, so a study with no event in one arm needs no correction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.synthesis.findings import Confidence, TestOfQ
from myopoise.synthesis.frequentist.pairwise import confidence
from myopoise.synthesis.frequentist.pairwise_regression import Floats

__all__ = ["Measure", "PooledTables", "TwoArms", "estimate_mantel_haenszel", "estimate_peto", "two_arms"]

Measure = Literal["OR", "RR", "RD"]
Bools = NDArray[np.bool_]
_SCALE = {"OR": "log odds ratio", "RR": "log risk ratio", "RD": "risk difference"}


@dataclass(frozen=True, eq=False)
class TwoArms:
    """Tables of studies with two arms.

    Parameters
    ----------
    events, n
        Of the treated arm, shape ``(study,)``.
    events_control, n_control
        Of the other.
    """

    events: Floats
    n: Floats
    events_control: Floats
    n_control: Floats

    def __len__(self) -> int:
        """Number of studies."""
        return len(self.n)

    @property
    def one_sided(self) -> Bools:
        """Studies where nobody, or everybody, had the event."""
        total = self.events + self.events_control
        found: Bools = (total == 0.0) | (total == self.n + self.n_control)
        return found

    def kept(self, which: Bools) -> TwoArms:
        """Some of the studies."""
        return TwoArms(self.events[which], self.n[which], self.events_control[which], self.n_control[which])


@dataclass(frozen=True)
class PooledTables:
    """A common effect pooled from tables.

    Parameters
    ----------
    model
        What was computed, in one sentence.
    scale
        What the effect is.
    studies
        How many were given.
    effect
        With a normal 95% interval; NaN where it is undefined.
    heterogeneity
        Weighted squared distances of the studies' own estimates from the pooled one.
    warnings
        What the reader should act on.
    """

    model: str
    scale: str
    studies: int
    effect: Confidence
    heterogeneity: TestOfQ
    warnings: tuple[str, ...]


def two_arms(events: ArrayLike, n: ArrayLike, events_control: ArrayLike, n_control: ArrayLike) -> TwoArms:
    """Tables, checked.

    Parameters
    ----------
    events, n, events_control, n_control
        Events and patients of the treated and of the other arm, one number a study.

    Returns
    -------
    tables
        As given.

    Raises
    ------
    BadInput
        A count is missing, negative or no whole number, or there are more events than patients.

    Examples
    --------
    >>> len(two_arms([1], [10], [2], [12]))
    1
    """
    columns = [np.asarray(column, dtype=np.float64) for column in (events, n, events_control, n_control)]
    if any(column.ndim != 1 or column.shape != columns[0].shape for column in columns) or not columns[0].size:
        raise WrongUsage("events and patients of both arms must be lists of equal length, not empty")
    faults: list[Fault] = []
    names = (("events", "n"), ("events_control", "n_control"))
    for (event, patient), (r, total) in zip(names, (columns[:2], columns[2:]), strict=True):
        wrong = ~((r >= 0.0) & (r == np.floor(r)) & np.isfinite(r))
        faults += _faults(wrong, event, r, "no count", "events are whole numbers, zero or more")
        wrong = ~((total >= 1.0) & (total == np.floor(total)) & np.isfinite(total))
        faults += _faults(
            wrong, patient, total, "no count", "an arm has a whole number of patients, one or more"
        )
        faults += _faults(
            r > total, event, r, "events above n", "events cannot exceed patients; compare the source"
        )
    if faults:
        raise BadInput("two-by-two tables", tuple(sorted(faults)))
    return TwoArms(*columns)


def _faults(wrong: Bools, column: str, value: Floats, kind: str, remedy: str) -> list[Fault]:
    return [
        Fault("tables", int(place) + 1, column, kind.replace(" ", "-"), f"{value[place]:g} ({kind})", remedy)
        for place in np.flatnonzero(wrong)
    ]


def estimate_mantel_haenszel(tables: TwoArms, *, measure: Measure = "OR") -> PooledTables:
    """The Mantel-Haenszel odds ratio, risk ratio or risk difference.

    Parameters
    ----------
    tables
        Studies with two arms.
    measure
        ``OR`` (variance of Robins, Breslow & Greenland 1986), ``RR`` (Greenland & Robins 1985) or ``RD`` (Sato 1989).

    Returns
    -------
    pooled
        Logarithms of ratios.

    References
    ----------
    mantel1959
    robins1986
    greenland1985
    sato1989

    Examples
    --------
    >>> found = estimate_mantel_haenszel(two_arms([4], [10], [2], [10]))
    >>> round(math.exp(found.effect.estimate), 6)
    2.666667
    """
    if measure not in _SCALE:
        raise WrongUsage(f"unknown measure {measure!r}; choose OR, RR or RD")
    pooled = {"OR": _odds_ratio, "RR": _risk_ratio, "RD": _risk_difference}[measure](tables)
    effect = confidence(*pooled)
    warnings = []
    none = int(
        tables.one_sided.sum() if measure == "OR" else ((tables.events + tables.events_control) == 0.0).sum()
    )
    if none and measure == "RD":
        warnings.append(
            f"Studies without events: {none}. Each says that the risk difference is near zero, and is used."
        )
    elif none:
        reason = "without an event, or with nothing but events," if measure == "OR" else "without an event"
        warnings.append(f"Studies {reason} say nothing of a ratio and are not used: {none} of {len(tables)}.")
    if math.isnan(effect.estimate):
        warnings.append(
            "The ratio is not defined: one arm has no event, or nothing but events, in all studies together."
        )
    return PooledTables(
        f"Mantel-Haenszel, {len(tables)} studies, common effect",
        _SCALE[measure],
        len(tables),
        effect,
        _heterogeneity(*_own_estimates(tables, measure), effect.estimate),
        tuple(warnings),
    )


def _odds_ratio(tables: TwoArms) -> tuple[float, float]:
    a, c = tables.events, tables.events_control
    b, d = tables.n - a, tables.n_control - c
    total = tables.n + tables.n_control
    r, s, p, q = a * d / total, b * c / total, (a + d) / total, (b + c) / total
    top, bottom = float(r.sum()), float(s.sum())
    if top == 0.0 or bottom == 0.0:
        return math.nan, math.nan
    variance = (p @ r) / (2.0 * top**2) + (p @ s + q @ r) / (2.0 * top * bottom) + (q @ s) / (2.0 * bottom**2)
    return math.log(top / bottom), math.sqrt(float(variance))


def _risk_ratio(tables: TwoArms) -> tuple[float, float]:
    a, c, n, m = tables.events, tables.events_control, tables.n, tables.n_control
    total = n + m
    top, bottom = float((a * m / total).sum()), float((c * n / total).sum())
    if top == 0.0 or bottom == 0.0:
        return math.nan, math.nan
    spread = float(((n * m * (a + c) - a * c * total) / total**2).sum())
    return math.log(top / bottom), math.sqrt(spread / (top * bottom))


def _risk_difference(tables: TwoArms) -> tuple[float, float]:
    a, c, n, m = tables.events, tables.events_control, tables.n, tables.n_control
    total = n + m
    weight = n * m / total
    difference = float(((a * m - c * n) / total).sum() / weight.sum())
    first = c * (n / total) ** 2 - a * (m / total) ** 2 + n * m * (m - n) / (2.0 * total**2)
    second = (a * (m - c) + c * (n - a)) / (2.0 * total)
    return difference, math.sqrt(float(difference * first.sum() + second.sum())) / float(weight.sum())


def _own_estimates(tables: TwoArms, measure: Measure) -> tuple[Floats, Floats]:
    """Estimate and variance of each study; half an event in each cell of a table with an empty one."""
    tables = tables.kept(
        ~tables.one_sided if measure == "OR" else (tables.events + tables.events_control) > 0.0
    )
    if measure == "RD":
        a, c, n, m = tables.events, tables.events_control, tables.n, tables.n_control
        return _difference_of_risks(a, c, n, m)
    cells = np.stack(
        [
            tables.events,
            tables.n - tables.events,
            tables.events_control,
            tables.n_control - tables.events_control,
        ]
    )
    a, b, c, d = cells + 0.5 * (cells == 0.0).any(axis=0)
    if measure == "OR":
        return np.log(a * d / (b * c)), 1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d
    n, m = a + b, c + d
    return np.log((a / n) / (c / m)), 1.0 / a - 1.0 / n + 1.0 / c - 1.0 / m


def _difference_of_risks(a: Floats, c: Floats, n: Floats, m: Floats) -> tuple[Floats, Floats]:
    empty = 0.5 * ((a == 0.0) | (c == 0.0) | (a == n) | (c == m))
    p, q = (a + empty) / (n + 2.0 * empty), (c + empty) / (m + 2.0 * empty)
    return p - q, p * (1.0 - p) / (n + 2.0 * empty) + q * (1.0 - q) / (m + 2.0 * empty)


def _heterogeneity(y: Floats, v: Floats, centre: float) -> TestOfQ:
    df = len(y) - 1
    if df < 1 or math.isnan(centre):
        return TestOfQ(math.nan if math.isnan(centre) else 0.0, max(df, 0), math.nan)
    q = float(((y - centre) ** 2 / v).sum())
    return TestOfQ(q, df, float(chdtrc(df, q)))


def estimate_peto(tables: TwoArms) -> PooledTables:
    """Peto's odds ratio: observed less expected events over their hypergeometric variance.

    Parameters
    ----------
    tables
        Studies with two arms.

    Returns
    -------
    pooled
        Logarithm of the odds ratio; biased where it is far from one or arms are unequal.

    References
    ----------
    yusuf1985
    """
    tables_used = tables.kept(~tables.one_sided)
    n, m, r = tables_used.n, tables_used.n_control, tables_used.events + tables_used.events_control
    total = n + m
    excess = tables_used.events - r * n / total
    variance = r * (total - r) * n * m / (total**2 * (total - 1.0))
    warnings = []
    if (left_out := len(tables) - len(tables_used)) > 0:
        warnings.append(
            "Studies without an event, or with nothing but events, say nothing of an odds ratio and are not used: "
            f"{left_out} of {len(tables)}."
        )
    whole = float(variance.sum())
    effect = confidence(float(excess.sum()) / whole, whole**-0.5) if whole else confidence(math.nan, math.nan)
    return PooledTables(
        f"Peto, {len(tables)} studies, common effect",
        _SCALE["OR"],
        len(tables),
        effect,
        _heterogeneity(excess / variance, 1.0 / variance, effect.estimate),
        tuple(warnings),
    )
