"""Multilevel network meta-regression: individual and aggregate data in one network, each arm averaged over its mix.

For a patient with covariates z on treatment t in study s (Phillippo et al. 2020)::

    eta = mu_s + beta z + d_t + gamma_c(t) z + w_a

An arm known only as a whole has the average of the *response* over its patients, never the response of the average
patient: the two differ as soon as the link is curved. The mix of an arm is a set of weighted points: the cells of a
table of discrete covariates, or points that stand for a continuous distribution.

Study intercepts are columns of x here, for a study may have thousands of patients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.latent import Comparisons, LatentModel, Variances
from myopoise.synthesis.likelihoods import BinomialCounts, Likelihood, NormalMeans, OrderedCounts
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import natural_order
from myopoise.synthesis.models.columns import Column, variances
from myopoise.synthesis.models.structures import NetworkPriors
from myopoise.synthesis.priors import Prior

__all__ = ["AdjustedModel", "MixedArm", "Population", "adjusted_model", "cells_of", "individuals"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FLAT = 100.0


@dataclass(frozen=True, eq=False)
class Population:
    """A mix of patients: points of the covariates and the share of each.

    Parameters
    ----------
    points
        Shape ``(point, covariate)``.
    shares
        Shape ``(point,)``, summing to one.
    """

    points: Floats
    shares: Floats

    def __post_init__(self) -> None:
        """Refuse a mix that is not one."""
        if self.points.ndim != 2 or len(self.points) != len(self.shares):
            raise ValueError("a population needs one share for each point")
        if (self.shares < 0.0).any() or abs(self.shares.sum() - 1.0) > 1e-8:
            raise ValueError(f"the shares of a population sum to {self.shares.sum():g}; they must sum to 1")

    @property
    def mean(self) -> Floats:
        """Mean of each covariate."""
        return np.asarray(self.shares @ self.points)


def cells_of(shares: Sequence[Mapping[float, float]]) -> Population:
    """The cells of independent discrete covariates, each with the product of its shares.

    Parameters
    ----------
    shares
        For each covariate, the share of each of its values: ``{0: 0.7, 1: 0.3}``.
    """
    cells = list(product(*(one.items() for one in shares)))
    points = np.array([[value for value, _ in cell] for cell in cells], dtype=float)
    return Population(points, np.array([np.prod([share for _, share in cell]) for cell in cells]))


@dataclass(frozen=True, eq=False)
class MixedArm:
    """One arm, or one cell of an arm's patients who share their covariates.

    Parameters
    ----------
    study, treatment
        Names.
    population
        Who they are.
    n
        How many.
    at_least
        Patients at or above each threshold, lowest first; a binary outcome has one threshold. NaN where not reported.
    mean, se
        In their place for a normal outcome.
    """

    study: str
    treatment: str
    population: Population
    n: float = float("nan")
    at_least: tuple[float, ...] = ()
    mean: float = float("nan")
    se: float = float("nan")


def individuals(
    study: Sequence[str],
    treatment: Sequence[str],
    covariates: Floats,
    category: Sequence[int],
    thresholds: int = 1,
) -> tuple[MixedArm, ...]:
    """Patients one by one, those who are alike in everything but the outcome counted together.

    Parameters
    ----------
    study, treatment
        Of each patient.
    covariates
        Shape ``(patient, covariate)``.
    category
        Number of thresholds the patient reached: 0 or 1 for a binary outcome.
    thresholds
        How many thresholds there are.
    """
    values = np.asarray(covariates, dtype=float)
    counted: dict[tuple[str, str, tuple[float, ...]], Floats] = {}
    for s, t, z, reached in zip(study, treatment, values.tolist(), category, strict=True):
        if not 0 <= reached <= thresholds:
            raise ValueError(f"category {reached} is not between 0 and {thresholds}")
        tally = counted.setdefault((s, t, tuple(z)), np.zeros(thresholds + 1))
        tally[: reached + 1] += 1.0
    return tuple(
        MixedArm(s, t, Population(np.array([z]), np.ones(1)), float(tally[0]), tuple(tally[1:].tolist()))
        for (s, t, z), tally in counted.items()
    )


@dataclass(frozen=True, eq=False)
class AdjustedModel:
    """A model ready for inference, and how its effects depend on the population.

    Parameters
    ----------
    model
        The latent Gaussian model.
    treatments
        Names, reference first.
    covariates
        Names.
    centre
        Value of each covariate at which ``d`` and ``mu`` are given.
    columns
        The components of x.
    interactions
        For each treatment and covariate, the column of its interaction, -1 for none, ``(treatment, covariate)``.
    """

    model: LatentModel
    treatments: tuple[str, ...]
    covariates: tuple[str, ...]
    centre: Floats
    columns: tuple[Column, ...]
    interactions: Ints = field(repr=False)

    def effects_in(self, population: Population) -> Floats:
        """Effect of each treatment against the reference for the average patient, ``(treatment, column)``.

        Parameters
        ----------
        population
            On the linear scale the average over patients is the effect at their average.
        """
        return self._effects(population.mean - self.centre)

    def _effects(self, centred: Floats) -> Floats:
        place = {column.name: i for i, column in enumerate(self.columns)}
        rows = np.zeros((len(self.treatments), len(self.columns)))
        for t, name in enumerate(self.treatments[1:], start=1):
            rows[t, place[f"d[{name}]"]] = 1.0
            for k, column in enumerate(self.interactions[t]):
                if column >= 0:
                    rows[t, column] += centred[k]
        return rows


def adjusted_model(
    arms: Sequence[MixedArm],
    *,
    reference: str,
    covariates: Sequence[str],
    classes: Mapping[str, str] | None = None,
    priors: NetworkPriors | None = None,
    common: bool = False,
    link: Link = Link.LOGIT,
) -> AdjustedModel:
    """Multilevel network meta-regression.

    Parameters
    ----------
    arms
        Arms and cells of arms; those of one study and treatment share their arm's term.
    reference
        Treatment that effects are measured against; it has no interactions.
    covariates
        Names, in the order of the points.
    classes
        Class of each treatment, within which interactions are one; None for one of each treatment's own.
    priors
        None for the vague ones.
    common
        Common effects.
    link
        For counts.
    """
    chosen = NetworkPriors() if priors is None else priors
    layout = _Layout.of(arms, reference, covariates, classes, chosen)
    ordered = sorted(arms, key=lambda arm: layout.arm_key(arm))
    hypers: list[tuple[str, Prior]] = [] if common else [("tau", chosen.heterogeneity)]
    likelihood, parts = _observed(ordered, link, layout)
    keys = [(arm.study, arm.treatment) for arm in ordered]
    distinct = list(dict.fromkeys(keys))
    arm_of = np.array([distinct.index(key) for key in keys], dtype=np.int64)
    study = np.array([layout.studies.index(s) for s, _ in distinct], dtype=np.int64)
    names = [name for name, _ in hypers]
    columns = tuple(layout.columns)
    none = np.zeros((len(layout.studies), len(names)))
    model = LatentModel(
        name=f"multilevel network meta-regression on {', '.join(covariates)}; "
        f"{'common' if common else 'random'} effects",
        hypers=tuple(hypers),
        columns=tuple(column.name for column in columns),
        column_mean=np.array([column.mean for column in columns]),
        column_variance=variances(columns, names),
        design=layout.rows(ordered, parts),
        shares=parts.shares,
        result=parts.result,
        arm=arm_of[parts.cell],
        study=study,
        study_variance=Variances(np.zeros(len(layout.studies)), none),
        arm_variance=Variances(np.zeros(len(distinct)), np.full((len(distinct), len(names)), 0.5)),
        likelihood=likelihood,
        comparisons=Comparisons.none(len(columns), len(names)),
        points=parts.cell,
    )
    return AdjustedModel(
        model, layout.treatments, tuple(covariates), layout.centre, columns, layout.interactions
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """Parts of results: ``cell`` is of each result, the others of each part."""

    cell: Ints
    result: Ints
    shares: Floats
    point: Floats
    owner: Ints
    threshold: Ints


@dataclass(eq=False)
class _Layout:
    """Studies, treatments and columns of the model."""

    studies: tuple[str, ...]
    treatments: tuple[str, ...]
    centre: Floats
    columns: list[Column]
    interactions: Ints

    @classmethod
    def of(
        cls,
        arms: Sequence[MixedArm],
        reference: str,
        covariates: Sequence[str],
        classes: Mapping[str, str] | None,
        priors: NetworkPriors,
    ) -> _Layout:
        studies = tuple(dict.fromkeys(arm.study for arm in arms))
        named = dict.fromkeys(arm.treatment for arm in arms)
        if reference not in named:
            raise WrongUsage(
                f"reference treatment {reference!r} is in no study; treatments are {', '.join(named)}."
            )
        others = sorted((t for t in named if t != reference), key=natural_order)
        groups = {t: (classes or {}).get(t, t) for t in others}
        intercept, effect, slope = priors.intercept, priors.treatment, priors.regression
        columns = [Column(f"mu[{s}]", intercept.mean, intercept.sd) for s in studies]
        columns += [Column(f"beta[{z}]", slope.mean, slope.sd) for z in covariates]
        interactions = np.full((1 + len(others), len(covariates)), -1, dtype=np.int64)
        for k, z in enumerate(covariates):
            for group in dict.fromkeys(groups.values()):
                for t, name in enumerate(others, start=1):
                    if groups[name] == group:
                        interactions[t, k] = len(columns)
                columns.append(Column(f"beta[{z}:{group}]", slope.mean, slope.sd))
        columns += [Column(f"d[{t}]", effect.mean, effect.sd) for t in others]
        size = np.array([1.0 if np.isnan(arm.n) else arm.n for arm in arms])
        centre = size @ np.array([arm.population.mean for arm in arms]) / size.sum()
        return cls(studies, (reference, *others), centre, columns, interactions)

    def arm_key(self, arm: MixedArm) -> tuple[int, int]:
        return self.studies.index(arm.study), self.treatments.index(arm.treatment)

    def place(self, name: str) -> int:
        return [column.name for column in self.columns].index(name)

    def rows(self, arms: Sequence[MixedArm], parts: _Parts) -> Floats:
        """Row of each part."""
        place = {column.name: i for i, column in enumerate(self.columns)}
        covariates = self.interactions.shape[1]
        first = len(self.studies)
        rows = np.zeros((len(parts.result), len(self.columns)))
        every = np.arange(len(rows))
        study = np.array([self.studies.index(arm.study) for arm in arms])[parts.owner]
        treatment = np.array([self.treatments.index(arm.treatment) for arm in arms])[parts.owner]
        centred = parts.point - self.centre
        rows[every, study] = 1.0
        rows[:, first : first + covariates] = centred
        for t, name in enumerate(self.treatments[1:], start=1):
            mine = np.flatnonzero(treatment == t)
            rows[mine, place[f"d[{name}]"]] = 1.0
            for k, column in enumerate(self.interactions[t]):
                rows[mine, column] += centred[mine, k]
        for j in np.unique(parts.threshold[parts.threshold > 0]):
            rows[parts.threshold == j, place[f"cut {j + 1}"]] = -1.0
        return rows


def _observed(arms: Sequence[MixedArm], link: Link, layout: _Layout) -> tuple[Likelihood, _Parts]:
    """The likelihood and its parts; a binary outcome is one number an arm, an ordered one its categories."""
    thresholds = max((len(arm.at_least) for arm in arms), default=0)
    if thresholds == 0:
        mean, se = np.array([[arm.mean, arm.se] for arm in arms]).T
        return NormalMeans(mean, se), _whole(arms)
    if thresholds == 1:
        events = np.array([arm.at_least[0] for arm in arms])
        return BinomialCounts(events, np.array([arm.n for arm in arms]), link), _whole(arms)
    return _categories(arms, link, layout, thresholds)


def _whole(arms: Sequence[MixedArm]) -> _Parts:
    sizes = [len(arm.population.shares) for arm in arms]
    owner = np.repeat(np.arange(len(arms)), sizes)
    return _Parts(
        np.arange(len(arms)),
        owner,
        np.concatenate([arm.population.shares for arm in arms]),
        np.concatenate([arm.population.points for arm in arms]),
        owner,
        np.zeros(len(owner), dtype=np.int64),
    )


def _categories(
    arms: Sequence[MixedArm], link: Link, layout: _Layout, thresholds: int
) -> tuple[Likelihood, _Parts]:
    layout.columns += [Column(f"cut {j + 1}", 0.5 * j, _FLAT) for j in range(1, thresholds)]
    cell: list[int] = []
    counts, n, constant, above = [], [], [], []
    result, shares, points, owner, threshold = [], [], [], [], []
    for a, arm in enumerate(arms):
        reported = [j for j, count in enumerate(arm.at_least) if not np.isnan(count)]
        edges = [arm.n, *(arm.at_least[j] for j in reported), 0.0]
        for c in range(len(reported) + 1):
            bounds = [(reported[c - 1], 1.0)] if c else []
            bounds += [(reported[c], -1.0)] if c < len(reported) else []
            for j, sign in bounds:
                size = len(arm.population.shares)
                result.append(np.full(size, len(cell)))
                shares.append(sign * arm.population.shares)
                points.append(arm.population.points)
                owner.append(np.full(size, a))
                threshold.append(np.full(size, j))
            cell.append(a)
            counts.append(edges[c] - edges[c + 1])
            n.append(arm.n)
            constant.append(0.0 if c else 1.0)
            above.append(edges[c] if c else edges[1])
    likelihood = OrderedCounts(np.array(counts), np.array(n), np.array(constant), np.array(above), link)
    return likelihood, _Parts(
        np.array(cell),
        np.concatenate(result),
        np.concatenate(shares),
        np.concatenate(points),
        np.concatenate(owner),
        np.concatenate(threshold),
    )
