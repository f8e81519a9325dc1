"""Which results of a multilevel meta-analysis share a random effect, and with what covariance.

*Nested* levels (schools in districts) each add a variance to all pairs of results that lie in the same unit. *Outcomes*
of one study have a covariance matrix of their true effects between studies: UN has all its entries free, HCS one
correlation, CS one correlation and one variance, DIAG no correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.frequentist.pairwise_regression import Floats

__all__ = ["Nested", "Outcomes", "RandomEffects", "Structure", "positions"]

Ints = NDArray[np.int64]
Structure = Literal["UN", "HCS", "CS", "DIAG"]


def positions(labels: Sequence[object], count: int, what: str) -> tuple[tuple[str, ...], Ints]:
    """Names in the order they are first met, and the position of each label among them.

    Examples
    --------
    >>> positions(["b", "a", "b"], 3, "district")[0]
    ('b', 'a')
    """
    if len(labels) != count:
        raise WrongUsage(f"{what}: {len(labels)} labels for {count} results")
    seen: dict[str, int] = {}
    place = [seen.setdefault(str(label), len(seen)) for label in labels]
    return tuple(seen), np.array(place, dtype=np.int64)


@dataclass(frozen=True)
class Nested:
    """Units within units, one variance a level.

    Parameters
    ----------
    names
        Of the levels, outermost first.
    units
        Unit of each result at each level; a name may come again within another outer unit.
    """

    names: tuple[str, ...]
    units: tuple[Sequence[object], ...]

    def codes(self, count: int) -> tuple[Ints, Ints]:
        """Outermost unit ``(result,)`` and unit at each level ``(result, level)``, numbered within all outer ones."""
        if len(self.names) != len(self.units) or not self.names:
            raise WrongUsage("nested levels need one name and one list of units each")
        inside: list[tuple[object, ...]] = [()] * count
        columns = []
        for name, unit in zip(self.names, self.units, strict=True):
            place = positions(unit, count, name)[1]
            inside = [(*outer, int(here)) for outer, here in zip(inside, place, strict=True)]
            columns.append(positions(inside, count, name)[1])
        return columns[0], np.stack(columns, axis=1)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what is estimated."""
        return self.names

    def bounds(self, codes: Ints) -> tuple[Floats, Floats]:
        """Smallest and largest value of each parameter."""
        return np.zeros(len(self.names)), np.full(len(self.names), np.inf)

    def start(self, spread: float, codes: Ints) -> Floats:
        """Where to look first, given the variance of the results."""
        return np.full(len(self.names), spread / len(self.names))

    def matrices(self, value: Floats, codes: Ints) -> tuple[Floats, list[Floats]]:
        """Covariance of results ``(block, m, m)`` with unit codes ``(block, m, level)``, and its derivatives."""
        same = [
            (codes[:, :, None, level] == codes[:, None, :, level]).astype(np.float64)
            for level in range(len(value))
        ]
        whole = sum((v * s for v, s in zip(value, same, strict=True)), np.zeros_like(same[0]))
        return whole, same


@dataclass(frozen=True)
class Outcomes:
    """Several outcomes of each study, correlated between studies.

    Parameters
    ----------
    outcome, study
        Of each result.
    structure
        Of the covariance of true effects between studies.
    """

    outcome: Sequence[object]
    study: Sequence[object]
    structure: Structure = "UN"

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the outcomes, in alphabetical order."""
        return tuple(sorted({str(name) for name in self.outcome}))

    @property
    def _pairs(self) -> tuple[Ints, Ints]:
        return np.triu_indices(len(self.levels), 1)

    def codes(self, count: int) -> tuple[Ints, Ints]:
        """Study ``(result,)`` and outcome ``(result, 1)``."""
        if self.structure not in ("UN", "HCS", "CS", "DIAG"):
            raise WrongUsage(f"unknown structure {self.structure!r}; choose UN, HCS, CS or DIAG")
        if len(self.outcome) != count:
            raise WrongUsage(f"outcome: {len(self.outcome)} labels for {count} results")
        place = {name: code for code, name in enumerate(self.levels)}
        outcome = np.array([place[str(name)] for name in self.outcome], dtype=np.int64)
        study = positions(self.study, count, "study")[1]
        twice = len(set(zip(study.tolist(), outcome.tolist(), strict=True))) < count
        if twice:
            raise WrongUsage("a study has two results of the same outcome; average them, or nest them")
        return study, outcome[:, None]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what is estimated: variances, then correlations."""
        variances = ("tau2",) if self.structure == "CS" else tuple(f"tau2 {name}" for name in self.levels)
        if self.structure == "DIAG" or len(self.levels) < 2:
            return variances
        if self.structure in ("CS", "HCS"):
            return (*variances, "rho")
        low, high = self._pairs
        names = self.levels
        return (*variances, *(f"rho {names[i]}, {names[j]}" for i, j in zip(low, high, strict=True)))

    def bounds(self, codes: Ints) -> tuple[Floats, Floats]:
        """Smallest and largest value of each parameter."""
        correlated = np.array([name.startswith("rho") for name in self.parameters])
        shared = self.structure in ("CS", "HCS")
        lowest = -1.0 / (len(self.levels) - 1.0) if shared and correlated.any() else -1.0
        return np.where(correlated, lowest, 0.0), np.where(correlated, 1.0, np.inf)

    def start(self, spread: float, codes: Ints) -> Floats:
        """Where to look first, given the variance of the results."""
        return np.array([0.2 if name.startswith("rho") else spread for name in self.parameters])

    def matrices(self, value: Floats, codes: Ints) -> tuple[Floats, list[Floats]]:
        """Covariance of results ``(block, m, m)`` with outcome codes ``(block, m, 1)``, and its derivatives."""
        whole, parts = self._between(value)
        row, column = codes[:, :, None, 0], codes[:, None, :, 0]
        return whole[row, column], [part[row, column] for part in parts]

    def _between(self, value: Floats) -> tuple[Floats, list[Floats]]:
        """Covariance of the outcomes between studies and its derivatives in each parameter."""
        count = len(self.levels)
        free = 1 if self.structure == "CS" else count
        sd = np.sqrt(np.broadcast_to(value[:free], (count,)))
        correlation, places = np.eye(count), []
        low, high = self._pairs
        rho = value[free:]
        groups = [np.arange(len(low))] if len(rho) == 1 else [np.array([k]) for k in range(len(rho))]
        for r, group in zip(rho, groups, strict=True) if len(rho) else ():
            pattern = np.zeros((count, count))
            pattern[low[group], high[group]] = pattern[high[group], low[group]] = 1.0
            correlation = correlation + r * pattern
            places.append(pattern)
        outer = sd[:, None] * sd
        if self.structure == "CS":
            return outer * correlation, [correlation, *(outer * pattern for pattern in places)]
        variances = []
        for j in range(count):
            # Half of the row and half of the column: the diagonal has both.
            share = np.zeros((count, count))
            share[j] += 0.5 * sd / max(sd[j], 1e-10)
            share[:, j] += 0.5 * sd / max(sd[j], 1e-10)
            share[j, j] = 1.0
            variances.append(share * correlation)
        return outer * correlation, [*variances, *(outer * pattern for pattern in places)]


RandomEffects = Nested | Outcomes
