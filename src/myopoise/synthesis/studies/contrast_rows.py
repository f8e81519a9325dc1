"""Rows of contrasts, one a line, put into the form with a baseline arm: checked, projected, grouped by arms.

A study with two arms gives one contrast. A study with more arms may give (a) its contrasts with one arm and the
covariance they share, which is the variance of that arm's own result, or (b) all pairwise contrasts. Anything else does
not say how its contrasts are correlated, and is a fault that says what to add.

*When does a triangle close?* Three contrasts between three arms must add up. Printed numbers are rounded, so a gap of
up to half a unit of the last printed decimal for each of the three is none. A larger one that is below a twentieth of
the smallest of the three standard errors is told as a note: the fit spreads it, so that no contrast moves by more than
that. Standardised mean differences in which each pair has its own pooled SD do this. Anything
above is an error of transcription or of sign, and a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.studies.faults import FaultList
from myopoise.synthesis.studies.multi_arm import (
    covariance_of,
    implied_arm_variances,
    project,
    triangle_gaps,
)
from myopoise.synthesis.studies.values import Contrasts

__all__ = ["ContrastRows", "contrasts_from"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEGLIGIBLE_GAP = 0.05
"""Of the smallest standard error in a triangle: a larger gap than this is a fault."""
UNTOLD_GAP = 0.001
"""A gap below this share is not worth a word: numbers printed with significant digits have it."""


@dataclass(frozen=True, eq=False)
class ContrastRows:
    """Contrasts as they stand in a file, one a row, every number known.

    Parameters
    ----------
    study, one, other
        Positions in the names of the studies and treatments; the contrast is `one` less `other`.
    estimate, se
        The contrast and its standard error.
    shared
        Covariance with the study's other contrasts with the same arm, NaN where it was not given.
    row
        Line of the file.
    decimals, se_decimals
        Digits after the point that `estimate` and `se` were printed with.
    column
        Name of the column of ``estimate``, ``se`` and ``shared``, for messages.
    covariates
        One number a row.
    """

    study: Ints
    one: Ints
    other: Ints
    estimate: Floats
    se: Floats
    shared: Floats
    row: Ints
    decimals: Ints
    se_decimals: Ints
    column: Mapping[str, str]
    covariates: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Group:
    """Studies with the same number of rows and of arms: `rows` are positions, ``(study, row)``."""

    rows: Ints
    study: Ints
    arm: Ints
    """Treatment of each local arm, ``(study, arm)``."""
    one: Ints
    other: Ints
    """Local arms of each row, ``(study, row)``."""

    @property
    def arms(self) -> int:
        return int(self.arm.shape[1])

    def __len__(self) -> int:
        return len(self.study)


def contrasts_from(
    given: ContrastRows, names: tuple[str, ...], treatments: tuple[str, ...], faults: FaultList
) -> tuple[Contrasts, ...]:
    """Contrasts by number of arms; what is wrong with them goes to the list of faults.

    Parameters
    ----------
    given
        The rows.
    names, treatments
        Of studies and treatments.
    faults
        Where faults and notes go.
    """
    teller = _Teller(given, names, treatments, faults)
    good = teller.rows_that_compare()
    found: dict[int, list[Contrasts]] = {}
    for group in _groups(given, good):
        kept = teller.without_repeats(group)
        if len(kept):
            found.setdefault(kept.arms, []).extend(_solve(kept, teller))
    return tuple(_joined(found[arms]) for arms in sorted(found) if found[arms])


def _solve(group: _Group, teller: _Teller) -> list[Contrasts]:
    """Each study of a group by the form it was given in."""
    rows, arms = group.rows.shape[1], group.arms
    if arms == 2:
        return [_two_arms(group, teller.given)]
    if rows == arms * (arms - 1) // 2:
        return _all_pairs(group, teller)
    centre = _shared_arm(group)
    star = (centre >= 0) & (rows == arms - 1)
    teller.not_enough(_subset(group, ~star))
    return _star(_subset(group, star), centre[star], teller) if star.any() else []


def _groups(given: ContrastRows, good: Ints) -> list[_Group]:
    """Rows of one study side by side; studies grouped by their numbers of rows and of arms."""
    order = good[np.argsort(given.study[good], kind="stable")]
    study, start, count = np.unique(given.study[order], return_index=True, return_counts=True)
    groups = []
    for rows in np.unique(count):
        mine = count == rows
        place = order[start[mine][:, None] + np.arange(rows)]
        # The compared arm comes first, so that the first row's `other` is the baseline.
        codes = np.stack([given.other[place], given.one[place]], axis=2).reshape(len(place), -1)
        first = (codes[:, :, None] == codes[:, None, :]).argmax(axis=2)
        is_new = first == np.arange(codes.shape[1])
        local = np.take_along_axis(np.cumsum(is_new, axis=1) - 1, first, axis=1)
        arms = is_new.sum(axis=1)
        for size in np.unique(arms):
            has = arms == size
            arm = codes[has][is_new[has]].reshape(-1, size)
            ends = local[has].reshape(-1, rows, 2)
            groups.append(_Group(place[has], study[mine][has], arm, ends[:, :, 1], ends[:, :, 0]))
    return groups


def _subset(group: _Group, chosen: Bools) -> _Group:
    return _Group(
        group.rows[chosen], group.study[chosen], group.arm[chosen], group.one[chosen], group.other[chosen]
    )


def _covariates(group: _Group, given: ContrastRows) -> dict[str, Floats]:
    """Of a study as a whole: what its first row says."""
    return {name: values[group.rows[:, 0]] for name, values in given.covariates.items()}


def _two_arms(group: _Group, given: ContrastRows) -> Contrasts:
    rows = group.rows[:, 0]
    variance = given.se[rows] ** 2
    return Contrasts(
        study=group.study,
        treatment=group.arm,
        estimate=given.estimate[rows][:, None],
        covariance=variance[:, None, None],
        inconsistency=np.zeros(len(group)),
        covariates=_covariates(group, given),
    )


def _matrices(group: _Group, given: ContrastRows) -> tuple[Floats, Floats, Ints]:
    """Differences, variances, and the row of the file that each pair stands on, ``(study, arm, arm)``."""
    shape = (len(group), group.arms, group.arms)
    differences, variances = np.zeros(shape), np.zeros(shape)
    lines = np.zeros(shape, dtype=np.int64)
    at = np.arange(len(group))[:, None]
    differences[at, group.one, group.other] = given.estimate[group.rows]
    differences[at, group.other, group.one] = -given.estimate[group.rows]
    for one, other in ((group.one, group.other), (group.other, group.one)):
        variances[at, one, other] = given.se[group.rows] ** 2
        lines[at, one, other] = given.row[group.rows]
    return differences, variances, lines


def _all_pairs(group: _Group, teller: _Teller) -> list[Contrasts]:
    differences, variances, lines = _matrices(group, teller.given)
    bad = teller.open_triangles(group, differences, variances, lines)
    bad |= teller.impossible_variances(group, variances, lines)
    if bad.all():
        return []
    kept = _subset(group, ~bad)
    projected = project(differences[~bad], variances[~bad])
    return [
        Contrasts(
            study=kept.study,
            treatment=kept.arm,
            estimate=projected.estimate,
            covariance=projected.covariance,
            inconsistency=projected.distance,
            covariates=_covariates(kept, teller.given),
        )
    ]


def _shared_arm(group: _Group) -> Ints:
    """The local arm that every contrast of a study has, or -1, shape ``(study,)``."""
    ends = np.stack([group.one, group.other], axis=2)
    holds = (ends[:, :, :, None] == np.arange(group.arms)).any(axis=2).all(axis=1)
    return np.where(holds.any(axis=1), holds.argmax(axis=1), -1)


def _star(group: _Group, centre: Ints, teller: _Teller) -> list[Contrasts]:
    """Contrasts with one arm and the variance of that arm."""
    given = teller.given
    from_centre = np.where(group.other == centre[:, None], 1.0, -1.0)
    arm_of = np.where(group.other == centre[:, None], group.one, group.other)
    treatment = np.concatenate(
        [np.take_along_axis(group.arm, centre[:, None], 1), np.take_along_axis(group.arm, arm_of, 1)], axis=1
    )
    variance = given.se[group.rows] ** 2
    shared = teller.shared_variances(group, variance)
    covariance = np.repeat(shared[:, None], group.arms - 1, axis=1)[:, :, None].repeat(group.arms - 1, axis=2)
    diagonal = np.arange(group.arms - 1)
    covariance[:, diagonal, diagonal] = variance
    kept = np.isfinite(shared)
    if not kept.any():
        return []
    return [
        Contrasts(
            study=group.study[kept],
            treatment=treatment[kept],
            estimate=(from_centre * given.estimate[group.rows])[kept],
            covariance=covariance[kept],
            inconsistency=np.zeros(int(kept.sum())),
            covariates=_covariates(_subset(group, kept), given),
        )
    ]


def _joined(parts: list[Contrasts]) -> Contrasts:
    """Contrasts of studies with the same number of arms, in the order of the studies."""
    study = np.concatenate([part.study for part in parts])
    order = np.argsort(study, kind="stable")

    def whole(name: str) -> Floats:
        joined: Floats = np.concatenate([getattr(part, name) for part in parts])[order]
        return joined

    covariates = {
        name: np.concatenate([part.covariates[name] for part in parts])[order] for name in parts[0].covariates
    }
    treatment = np.concatenate([part.treatment for part in parts])[order]
    return Contrasts(
        study[order], treatment, whole("estimate"), whole("covariance"), whole("inconsistency"), covariates
    )


# --- what is wrong, in words ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Teller:
    """Finds what is wrong with contrasts and says it by study, row and treatment."""

    given: ContrastRows
    names: tuple[str, ...]
    treatments: tuple[str, ...]
    faults: FaultList

    def pair(self, one: int, other: int) -> str:
        return f"{self.treatments[one]} v {self.treatments[other]}"

    def rows_that_compare(self) -> Ints:
        given = self.given
        same = given.one == given.other
        for at in self.faults.places(same):
            name = self.treatments[given.one[at]]
            found = f"study {self.names[given.study[at]]} compares {name} with itself"
            remedy = "Name the two treatments that were compared, or remove the row."
            self.faults.add(given.row[at], "", "contrast-with-itself", found, remedy)
        return np.flatnonzero(~same)

    def without_repeats(self, group: _Group) -> _Group:
        """Drop studies that give one contrast twice, and tell them."""
        low, high = np.minimum(group.one, group.other), np.maximum(group.one, group.other)
        pair = low * group.arms + high
        repeated = (pair[:, :, None] == pair[:, None, :]).sum(axis=2) > 1
        bad = repeated.any(axis=1)
        for at in self.faults.places(bad):
            rows = group.rows[at][repeated[at]]
            words = self.pair(self.given.one[rows[0]], self.given.other[rows[0]])
            lines = ", ".join(str(line) for line in self.given.row[rows])
            found = f"study {self.names[group.study[at]]} gives the contrast {words} more than once (rows {lines})"
            remedy = (
                "Keep one. Of two outcomes or two times keep one in the file; give two studies two names."
            )
            self.faults.add(self.given.row[rows[1]], "", "contrast-twice", found, remedy)
        return _subset(group, ~bad)

    def not_enough(self, group: _Group) -> None:
        """Studies whose contrasts do not say how their arms hang together."""
        for at in range(min(len(group), 200)):
            arms, rows = group.arms, group.rows.shape[1]
            name = self.names[group.study[at]]
            missing = [
                self.pair(group.arm[at, i], group.arm[at, j])
                for i in range(arms)
                for j in range(i + 1, arms)
                if not (
                    ((group.one[at] == i) & (group.other[at] == j))
                    | ((group.one[at] == j) & (group.other[at] == i))
                ).any()
            ]
            listed = ", ".join(self.treatments[arm] for arm in group.arm[at])
            found = f"study {name} has {arms} arms ({listed}) and gives {rows} contrasts"
            remedy = (
                f"Give all {arms * (arms - 1) // 2} pairwise contrasts (missing: {'; '.join(missing)}), or the "
                f"{arms - 1} contrasts with one arm and the covariance they share."
            )
            self.faults.add(self.given.row[group.rows[at, 0]], "", "too-few-contrasts", found, remedy)

    def open_triangles(self, group: _Group, differences: Floats, variances: Floats, lines: Ints) -> Bools:
        """Which studies have contrasts that do not add up; small gaps become a note."""
        corners, gaps = triangle_gaps(differences)
        i, j, k = corners.T
        printed = self.given.decimals[group.rows].max(axis=1)
        rounding = 1.5 * 10.0 ** -printed[:, None].astype(np.float64)
        scale = np.abs(differences[:, i, j]) + np.abs(differences[:, j, k]) + np.abs(differences[:, i, k])
        rounding = rounding * (1 + 1e-9) + 1e-12 * scale
        variance = np.minimum(np.minimum(variances[:, i, j], variances[:, j, k]), variances[:, i, k])
        smallest = np.sqrt(variance)
        beyond = np.abs(gaps) > rounding
        wide = beyond & (np.abs(gaps) > NEGLIGIBLE_GAP * smallest)
        for at in self.faults.places(wide.any(axis=1)):
            worst = int(np.where(wide[at], np.abs(gaps[at]), 0).argmax())
            self._open(group, at, corners[worst], float(gaps[at, worst]), lines[at])
        told = beyond & (np.abs(gaps) > UNTOLD_GAP * smallest)
        for at in self.faults.places(told.any(axis=1) & ~wide.any(axis=1)):
            share = float((np.abs(gaps[at]) / smallest[at]).max())
            self.faults.notes.append(
                f"The contrasts of study {self.names[group.study[at]]} do not quite add up (by at most {share:.2g} of "
                "a standard error); the nearest that do were taken."
            )
        return np.asarray(wide.any(axis=1))

    def _open(self, group: _Group, at: int, corner: Ints, gap: float, lines: Ints) -> None:
        a, b, c = (int(group.arm[at, arm]) for arm in corner)
        i, j, k = corner
        first, second, direct = self.pair(a, b), self.pair(b, c), self.pair(a, c)
        where = f"rows {lines[i, j]}, {lines[j, k]} and {lines[i, k]}"
        found = (
            f"study {self.names[group.study[at]]} gives contrasts that do not add up: {first} plus {second} "
            f"differs from {direct} by {gap:.4g} ({where})"
        )
        remedy = (
            "Look for a wrong sign, a wrong treatment or a wrong number in these rows. Where the source itself "
            "disagrees, give the two contrasts with one arm and the covariance they share."
        )
        row = max(lines[i, j], lines[j, k], lines[i, k])
        self.faults.add(row, self.given.column["estimate"], "triangle-does-not-close", found, remedy)

    def impossible_variances(self, group: _Group, variances: Floats, lines: Ints) -> Bools:
        """Which studies have standard errors that no independent arms can have."""
        corners, doubled = implied_arm_variances(variances)
        i, j, k = corners.T
        slack = 1e-6 * (variances[:, i, j] + variances[:, i, k])
        negative = doubled < -self._rounding_of(group, variances, corners) - slack
        for at in self.faults.places(np.asarray(negative.any(axis=1))):
            worst = int(doubled[at].argmin())
            a, b, c = corners[worst]
            limit = float(np.sqrt(variances[at, a, b] + variances[at, a, c]))
            now = float(np.sqrt(variances[at, b, c]))
            words = self.pair(group.arm[at, b], group.arm[at, c])
            found = (
                f"study {self.names[group.study[at]]}: the standard error of {words} is {now:.4g}, which would make "
                f"the variance of {self.treatments[group.arm[at, a]]} negative"
            )
            remedy = (
                f"It can be at most {limit:.4g}, the root of the sum of the squared standard errors of the two other "
                "contrasts. The smallest change that mends it is to write that; look first for a wrong number."
            )
            self.faults.add(lines[at, b, c], self.given.column["se"], "negative-arm-variance", found, remedy)
        bad = np.asarray(negative.any(axis=1))
        return bad | self._not_definite(group, variances, lines, bad)

    def _rounding_of(self, group: _Group, variances: Floats, corners: Ints) -> Floats:
        """What rounding of printed standard errors can do to an implied variance, to first order."""
        printed = self.given.se_decimals[group.rows].max(axis=1)
        i, j, k = corners.T
        total = np.sqrt(variances[:, i, j]) + np.sqrt(variances[:, i, k]) + np.sqrt(variances[:, j, k])
        rounding: Floats = total * 10.0 ** -printed[:, None].astype(np.float64)
        return rounding

    def _not_definite(self, group: _Group, variances: Floats, lines: Ints, told: Bools) -> Bools:
        lowest = np.linalg.eigvalsh(covariance_of(variances))[:, 0]
        bad = (lowest <= 0) & ~told
        for at in self.faults.places(bad):
            arms = group.arms
            centring = np.eye(arms) - 1.0 / arms
            inner = np.linalg.eigvalsh(-0.5 * centring @ variances[at] @ centring)[0]
            name = self.names[group.study[at]]
            found = f"study {name}: its standard errors have no covariance that is positive definite"
            remedy = (
                f"Adding {max(-2.0 * float(inner), 0.0) * 1.001 + 1e-12:.3g} to every squared standard error of this "
                "study is the smallest equal change that mends it; look first for a wrong number."
            )
            self.faults.add(
                lines[at].max(), self.given.column["se"], "covariance-not-positive", found, remedy
            )
        return bad

    def shared_variances(self, group: _Group, variance: Floats) -> Floats:
        """The covariance that contrasts with one arm share, NaN (and told) where it is missing or impossible."""
        given = self.given
        stated = given.shared[group.rows]
        known = np.isfinite(stated)
        filled = np.where(known, stated, -np.inf).max(axis=1)
        least_stated = np.where(known, stated, np.inf).min(axis=1)
        differ = np.asarray(known.any(axis=1) & (least_stated != filled))
        least = variance.min(axis=1)
        absent = np.asarray(~known.any(axis=1))
        impossible = np.asarray(~absent & ~differ & ((filled <= 0) | (filled >= least)))
        for at in self.faults.places(absent):
            self._no_shared(group, at)
        for at in self.faults.places(differ):
            found = f"study {self.names[group.study[at]]} states more than one covariance of its contrasts"
            remedy = "Contrasts with one arm share one covariance: the variance of that arm's result."
            self.faults.add(
                given.row[group.rows[at, 0]], given.column["shared"], "covariances-differ", found, remedy
            )
        for at in self.faults.places(impossible):
            limit = float(np.sqrt(least[at]))
            found = (
                f"study {self.names[group.study[at]]}: the shared arm has a standard error of "
                f"{np.sqrt(max(filled[at], 0.0)):.4g}, and a contrast with it one of {limit:.4g}"
            )
            remedy = (
                f"The standard error of the shared arm must be above 0 and below {limit:.4g} (its square, the "
                f"covariance, below {limit**2:.4g}): a contrast is less certain than each of its arms."
            )
            kind = "covariance-not-positive"
            self.faults.add(given.row[group.rows[at, 0]], given.column["shared"], kind, found, remedy)
        return np.where(absent | differ | impossible, np.nan, filled)

    def _no_shared(self, group: _Group, at: int) -> None:
        arms = group.arms
        found = (
            f"study {self.names[group.study[at]]} has {arms} arms and gives {arms - 1} contrasts with one arm, but not "
            "how they are correlated"
        )
        column = self.given.column["shared"]
        fill = (
            f"Fill {column} (the variance of the shared arm's own result is the covariance of the contrasts)"
        )
        if column == self.given.column["se"]:
            fill = f"Fill {column} of the arm without a contrast with the standard error of its own result"
        remedy = f"{fill}, or give all {arms * (arms - 1) // 2} pairwise contrasts."
        row = self.given.row[group.rows[at, 0]]
        self.faults.add(row, column, "no-covariance", found, remedy)
