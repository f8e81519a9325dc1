"""How treatment effects enter: consistency, unrelated means, split nodes, designs, regression, classes, components.

Every structure is a value that lays out its columns and fills a row for each *cell*: a treatment given in a study. The
row says which components of x add up to the effect of that treatment there; the study's own intercept and the arm's own
term are added by `assembly`. With contrasts given as such, the row of the study's first arm is taken off the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.models.columns import Column
from myopoise.synthesis.priors import HalfNormal, Normal, Prior

__all__ = [
    "Cells",
    "ClassEffects",
    "Components",
    "Consistency",
    "DesignInconsistency",
    "MetaRegression",
    "NetworkPriors",
    "NodeSplit",
    "Structure",
    "UnrelatedMeans",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class NetworkPriors:
    """Priors of a network meta-analysis, on the scale of the linear predictor.

    Parameters
    ----------
    treatment
        Of each treatment effect against the reference.
    intercept
        Of each study's own intercept.
    heterogeneity
        Of tau, the standard deviation of an effect between studies.
    regression
        Of each coefficient of a covariate.
    spread
        Of every further standard deviation: within a class, between interactions, between designs.
    """

    treatment: Normal = Normal(0.0, 100.0)
    intercept: Normal = Normal(0.0, 100.0)
    heterogeneity: Prior = HalfNormal(5.0)
    regression: Normal = Normal(0.0, 100.0)
    spread: Prior = HalfNormal(5.0)


@dataclass(frozen=True, eq=False)
class Cells:
    """Treatments given in studies, an entry each; every array has shape ``(cell,)``.

    Parameters
    ----------
    treatments
        Names, reference first.
    treatment
        Position in `treatments`.
    first
        Treatment of the study's first arm in the order of `treatments`, likewise.
    study
        Any number that tells studies apart.
    design
        The treatments of each cell's study, ascending, as one tuple.
    covariate
        Value of the covariate, centred; NaN where there is none.
    """

    treatments: tuple[str, ...]
    treatment: Ints
    first: Ints
    study: Ints
    design: tuple[tuple[int, ...], ...]
    covariate: Floats

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.treatment)


class Structure(Protocol):
    """How treatment effects enter a model."""

    @property
    def sentence(self) -> str:
        """What the model says, in one sentence."""
        ...

    def columns(self, cells: Cells, priors: NetworkPriors) -> list[Column]:
        """Components of x that the structure needs."""
        ...

    def hypers(self, priors: NetworkPriors) -> list[tuple[str, Prior]]:
        """Standard deviations beside tau."""
        ...

    def rows(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """Effect of the treatment in each cell, shape ``(cell, column)``."""
        ...

    def effects(self, cells: Cells, columns: Sequence[Column]) -> Floats | None:
        """Effect of each treatment against the reference, ``(treatment, column)``; None where there is none."""
        ...


def _one_hot(cells: Cells, columns: Sequence[Column], treatment: Ints, prefix: str = "d") -> Floats:
    """A one in the column of each treatment; the reference has none."""
    place = {column.name: i for i, column in enumerate(columns)}
    of = np.array([place.get(_name(prefix, t), -1) for t in cells.treatments])
    rows = np.zeros((len(treatment), len(columns)))
    where = of[treatment]
    found = np.flatnonzero(where >= 0)
    rows[found, where[found]] = 1.0
    return rows


def _name(prefix: str, treatment: str) -> str:
    return f"{prefix}[{treatment}]"


def _effect_columns(cells: Cells, priors: NetworkPriors) -> list[Column]:
    return [Column(_name("d", t), priors.treatment.mean, priors.treatment.sd) for t in cells.treatments[1:]]


@dataclass(frozen=True)
class Consistency:
    """Direct and indirect evidence agree: one effect for each treatment against the reference."""

    @property
    def sentence(self) -> str:
        """What the model says."""
        return "network meta-analysis: direct and indirect evidence agree"

    def columns(self, cells: Cells, priors: NetworkPriors) -> list[Column]:
        """One for each treatment but the reference."""
        return _effect_columns(cells, priors)

    def hypers(self, priors: NetworkPriors) -> list[tuple[str, Prior]]:
        """None."""
        return []

    def rows(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """The treatment's own column."""
        return _one_hot(cells, columns, cells.treatment)

    def effects(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """The treatments' own columns."""
        return _one_hot(cells, columns, np.arange(len(cells.treatments)))


@dataclass(frozen=True)
class UnrelatedMeans:
    """Unrelated mean effects: each comparison with a study's first arm has an effect of its own (NICE DSU TSD 4)."""

    @property
    def sentence(self) -> str:
        """What the model says."""
        return "unrelated mean effects: each direct comparison has an effect of its own, nothing is borrowed"

    def columns(self, cells: Cells, priors: NetworkPriors) -> list[Column]:
        """One for each pair of a first arm and another arm."""
        pairs = sorted(
            {(int(a), int(b)) for a, b in zip(cells.first, cells.treatment, strict=True) if a != b}
        )
        prior = priors.treatment
        return [Column(self._label(cells, a, b), prior.mean, prior.sd) for a, b in pairs]

    def hypers(self, priors: NetworkPriors) -> list[tuple[str, Prior]]:
        """None."""
        return []

    def rows(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """The column of the comparison; nothing in the first arm."""
        place = {column.name: i for i, column in enumerate(columns)}
        rows = np.zeros((len(cells), len(columns)))
        for i, (a, b) in enumerate(zip(cells.first, cells.treatment, strict=True)):
            if a != b:
                rows[i, place[self._label(cells, int(a), int(b))]] = 1.0
        return rows

    def effects(self, cells: Cells, columns: Sequence[Column]) -> None:
        """There is no one effect against the reference."""
        return

    def _label(self, cells: Cells, a: int, b: int) -> str:
        return f"d[{cells.treatments[b]} v {cells.treatments[a]}]"


@dataclass(frozen=True)
class NodeSplit:
    """One comparison has a direct effect of its own, beside the effect that the rest of the network implies.

    In a study of three or more arms the direct effect stands with the arm of `treatment`, and its other arms agree with
    `versus`, as if `versus` were its first arm. The answer depends on that choice a little; programs differ in it.

    Parameters
    ----------
    treatment, versus
        The comparison.
    """

    treatment: str
    versus: str

    @property
    def sentence(self) -> str:
        """What the model says."""
        return (
            f"node-splitting: {self.treatment} v {self.versus} directly, and through the rest of the network"
        )

    def columns(self, cells: Cells, priors: NetworkPriors) -> list[Column]:
        """Those of consistency, and direct less indirect."""
        return [*_effect_columns(cells, priors), Column("omega", 0.0, priors.treatment.sd)]

    def hypers(self, priors: NetworkPriors) -> list[tuple[str, Prior]]:
        """None."""
        return []

    def rows(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """Consistency, and the difference where the study gives both treatments."""
        rows = _one_hot(cells, columns, cells.treatment)
        a, b = cells.treatments.index(self.versus), cells.treatments.index(self.treatment)
        both = np.array([a in design and b in design for design in cells.design])
        rows[both & (cells.treatment == b), -1] = 1.0
        return rows

    def effects(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """What the rest of the network implies."""
        return _one_hot(cells, columns, np.arange(len(cells.treatments)))


@dataclass(frozen=True)
class DesignInconsistency:
    """Effects vary between designs (sets of treatments compared) beyond heterogeneity: Jackson et al. 2014.

    Each design has a term of each of its treatments, ``N(0, omega^2 / 2)``, shared by all its studies, so that every
    comparison has inconsistency variance omega squared. Omega near zero means consistency.
    """

    @property
    def sentence(self) -> str:
        """What the model says."""
        return "design-by-treatment interaction: effects vary at random between designs"

    def columns(self, cells: Cells, priors: NetworkPriors) -> list[Column]:
        """Those of consistency, and one for each treatment of each design."""
        designs = sorted(set(cells.design))
        more = [
            Column(self._label(cells, design, t), 0.0, 0.0, "omega", 0.5)
            for design in designs
            for t in design
        ]
        return [*_effect_columns(cells, priors), *more]

    def hypers(self, priors: NetworkPriors) -> list[tuple[str, Prior]]:
        """Omega, the spread between designs."""
        return [("omega", priors.spread)]

    def rows(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """The treatment's column and that of the treatment in the design."""
        rows = _one_hot(cells, columns, cells.treatment)
        place = {column.name: i for i, column in enumerate(columns)}
        for i, (design, t) in enumerate(zip(cells.design, cells.treatment, strict=True)):
            rows[i, place[self._label(cells, design, int(t))]] = 1.0
        return rows

    def effects(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """The average over designs."""
        return _one_hot(cells, columns, np.arange(len(cells.treatments)))

    def _label(self, cells: Cells, design: tuple[int, ...], t: int) -> str:
        return f"{cells.treatments[t]} in {', '.join(cells.treatments[i] for i in design)}"


@dataclass(frozen=True)
class MetaRegression:
    """Effects change with a covariate of the study, centred (NICE DSU TSD 3).

    Parameters
    ----------
    covariate
        Its name.
    interaction
        ``shared``: one slope for every treatment against the reference; ``exchangeable``: slopes come from one
        distribution; ``independent``: each treatment has a slope of its own.
    centre
        Value of the covariate at which the effects are given; None for its mean over the arms.
    """

    covariate: str
    interaction: Literal["shared", "exchangeable", "independent"] = "shared"
    centre: float | None = None

    @property
    def sentence(self) -> str:
        """What the model says."""
        how = {
            "shared": "one slope for every treatment against the reference",
            "exchangeable": "slopes of the treatments from one distribution",
            "independent": "each treatment with a slope of its own",
        }[self.interaction]
        return f"meta-regression on {self.covariate}: {how}"

    def columns(self, cells: Cells, priors: NetworkPriors) -> list[Column]:
        """Those of consistency, and the slopes."""
        prior, others = priors.regression, cells.treatments[1:]
        slopes: list[Column] = []
        if self.interaction != "independent":
            slopes.append(Column("beta", prior.mean, prior.sd))
        if self.interaction == "independent":
            slopes += [Column(_name("beta", t), prior.mean, prior.sd) for t in others]
        if self.interaction == "exchangeable":
            slopes += [Column(_name("beta", t), 0.0, 0.0, "between slopes") for t in others]
        return [*_effect_columns(cells, priors), *slopes]

    def hypers(self, priors: NetworkPriors) -> list[tuple[str, Prior]]:
        """The spread of exchangeable slopes."""
        return [("between slopes", priors.spread)] if self.interaction == "exchangeable" else []

    def rows(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """Consistency, and the slope times the covariate."""
        if np.isnan(cells.covariate).any():
            raise WrongUsage(
                f"{self.covariate} is not known for every study: fill it in, or leave those studies out."
            )
        value = cells.covariate[:, None]
        return self._at(cells, columns, cells.treatment, value)

    def effects(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """At the centre of the covariate."""
        return self.effects_at(cells, columns, 0.0)

    def effects_at(self, cells: Cells, columns: Sequence[Column], value: float) -> Floats:
        """Effects at a value of the covariate, counted from the centre."""
        every = np.arange(len(cells.treatments))
        return self._at(cells, columns, every, np.full((len(every), 1), value))

    def _at(self, cells: Cells, columns: Sequence[Column], treatment: Ints, value: Floats) -> Floats:
        rows = _one_hot(cells, columns, treatment) + value * _one_hot(cells, columns, treatment, "beta")
        for i, column in enumerate(columns):
            if column.name == "beta":
                rows[:, i] = value[:, 0] * (treatment > 0)
        return rows


@dataclass(frozen=True)
class ClassEffects:
    """Treatments belong to classes.

    Parameters
    ----------
    classes
        Class of each treatment; one that is named nowhere is a class of its own.
    kind
        ``exchangeable``: effects of a class come from one distribution about the class mean; ``common``: they are one.
    """

    classes: Mapping[str, str]
    kind: Literal["exchangeable", "common"] = "exchangeable"

    @property
    def sentence(self) -> str:
        """What the model says."""
        how = (
            "vary about the mean of their class" if self.kind == "exchangeable" else "are one for each class"
        )
        return f"class effects: treatments {how}"

    def _members(self, cells: Cells) -> dict[str, list[str]]:
        unknown = sorted(set(self.classes) - set(cells.treatments))
        if unknown:
            known = ", ".join(cells.treatments)
            raise WrongUsage(
                f"classes name {', '.join(unknown)}, which no study gives; treatments are {known}."
            )
        members: dict[str, list[str]] = {}
        for t in cells.treatments[1:]:
            members.setdefault(self.classes.get(t, t), []).append(t)
        return members

    def columns(self, cells: Cells, priors: NetworkPriors) -> list[Column]:
        """A mean for each class, and a deviation for each treatment of a class with several."""
        prior, columns = priors.treatment, []
        for name, treatments in self._members(cells).items():
            columns.append(Column(_name("class", name), prior.mean, prior.sd))
            if self.kind == "exchangeable" and len(treatments) > 1:
                columns += [Column(_name("deviation", t), 0.0, 0.0, "within class") for t in treatments]
        return columns

    def hypers(self, priors: NetworkPriors) -> list[tuple[str, Prior]]:
        """The spread within a class, one for all classes."""
        return [("within class", priors.spread)] if self.kind == "exchangeable" else []

    def rows(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """Class mean and deviation."""
        return self.effects(cells, columns)[cells.treatment]

    def effects(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """Class mean and deviation of each treatment."""
        effects = _one_hot(cells, columns, np.arange(len(cells.treatments)), "deviation")
        place = {column.name: i for i, column in enumerate(columns)}
        for name, treatments in self._members(cells).items():
            for t in treatments:
                effects[cells.treatments.index(t), place[_name("class", name)]] = 1.0
        return effects


@dataclass(frozen=True)
class Components:
    """Combinations are the sum of their components (Welton 2009, Ruecker 2020), where wanted with interactions.

    Parameters
    ----------
    separator
        What stands between the components in the name of a combination.
    inactive
        A component without effect (placebo); None for the reference.
    interactions
        Pairs of components whose joint effect differs from the sum.
    """

    separator: str = "+"
    inactive: str | None = None
    interactions: tuple[tuple[str, str], ...] = field(default=())

    @property
    def sentence(self) -> str:
        """What the model says."""
        more = f", with {len(self.interactions)} interactions" if self.interactions else ""
        return (
            f"component network meta-analysis: the effect of a combination is the sum of its components{more}"
        )

    def parts(self, treatment: str) -> tuple[str, ...]:
        """Components of a treatment."""
        return tuple(part.strip() for part in treatment.split(self.separator))

    def _listed(self, cells: Cells) -> list[str]:
        inactive = cells.treatments[0] if self.inactive is None else self.inactive
        listed = dict.fromkeys(part for t in cells.treatments for part in self.parts(t) if part != inactive)
        return list(listed)

    def columns(self, cells: Cells, priors: NetworkPriors) -> list[Column]:
        """One for each component and each interaction."""
        prior = priors.treatment
        listed = self._listed(cells)
        for pair in self.interactions:
            if not set(pair) <= set(listed):
                raise WrongUsage(
                    f"the interaction {'*'.join(pair)} names no such components; they are {', '.join(listed)}."
                )
        names = [*listed, *("*".join(pair) for pair in self.interactions)]
        return [Column(_name("component", name), prior.mean, prior.sd) for name in names]

    def hypers(self, priors: NetworkPriors) -> list[tuple[str, Prior]]:
        """None."""
        return []

    def rows(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """Sum of the components."""
        return self._sums(cells, columns)[cells.treatment]

    def effects(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        """Sum of the components, less those of the reference."""
        sums = self._sums(cells, columns)
        return np.asarray(sums - sums[0])

    def _sums(self, cells: Cells, columns: Sequence[Column]) -> Floats:
        place = {column.name: i for i, column in enumerate(columns)}
        sums = np.zeros((len(cells.treatments), len(columns)))
        for i, treatment in enumerate(cells.treatments):
            parts = set(self.parts(treatment))
            for part in parts:
                if _name("component", part) in place:
                    sums[i, place[_name("component", part)]] = 1.0
            for pair in self.interactions:
                if set(pair) <= parts:
                    sums[i, place[_name("component", "*".join(pair))]] = 1.0
        return sums
