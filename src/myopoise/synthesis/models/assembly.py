"""From studies and a structure to a model of the family: who gave what, what was seen, how studies begin and vary.

For arm a of study s on treatment t(a)::

    eta_a = mu_s + effect(t(a), s) + w_a,     w_a ~ N(0, tau^2 / 2)

which gives every contrast inside a study variance tau^2 and every pair that shares an arm correlation 1/2 (Lu & Ades
2004; NICE DSU TSD 2). mu_s has a vague normal prior, so only contrasts inside studies inform effects; or, where single
arms are to speak, mu_s comes from one distribution and arms of uncontrolled studies carry a bias.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.latent import Comparisons, LatentModel, MeasuredContrasts, Variances
from myopoise.synthesis.likelihoods import (
    BinomialCounts,
    Likelihood,
    NormalMeans,
    OrderedCounts,
    PoissonCounts,
)
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.columns import Column, variances
from myopoise.synthesis.models.structures import Cells, MetaRegression, NetworkPriors, Structure
from myopoise.synthesis.priors import HalfNormal, Normal, Prior
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

__all__ = ["Assembled", "ExchangeableBaselines", "assemble", "natural_order", "usual_link"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FLAT = 100.0
"""Standard deviation of a normal that stands for a flat prior of a cut-point, on a scale of unit spread."""


@dataclass(frozen=True)
class ExchangeableBaselines:
    """Study intercepts come from one distribution, so that studies of a single arm can speak.

    Parameters
    ----------
    mean, spread
        Priors of the distribution's mean and standard deviation.
    bias
        Prior of what an arm of a single-arm study gains by its design; it is a judgement, hardly tested by the data.
    bias_spread
        Prior of how much that differs between single-arm studies.
    """

    mean: Normal = Normal(0.0, 100.0)
    spread: Prior = HalfNormal(1.0)
    bias: Normal = Normal(0.0, 0.5)
    bias_spread: Prior = HalfNormal(0.4)


@dataclass(frozen=True, eq=False)
class Assembled:
    """A model ready for inference, and what its components mean.

    Parameters
    ----------
    model
        The latent Gaussian model.
    structure
        How effects enter.
    treatments
        Names, reference first.
    columns
        The components of x.
    effects
        Effect of each treatment against the reference, ``(treatment, column)``; None where there is no one effect.
    link
        Scale of the linear predictor.
    common
        Whether there is no heterogeneity.
    cells
        The cells the structure was laid out for.
    """

    model: LatentModel
    structure: Structure
    treatments: tuple[str, ...]
    columns: tuple[Column, ...]
    effects: Floats | None
    link: Link
    common: bool
    cells: Cells


def usual_link(outcome: Outcome) -> Link:
    """The link an outcome has where nothing is said."""
    return {
        Outcome.BINOMIAL: Link.LOGIT,
        Outcome.ORDERED: Link.PROBIT,
        Outcome.NORMAL: Link.IDENTITY,
        Outcome.POISSON: Link.LOG,
        Outcome.CONTRAST: Link.IDENTITY,
    }[outcome]


def assemble(
    studies: Studies,
    structure: Structure,
    *,
    reference: str,
    priors: NetworkPriors,
    common: bool = False,
    link: Link | None = None,
    baselines: ExchangeableBaselines | None = None,
) -> Assembled:
    """Lay out a model.

    Parameters
    ----------
    studies
        What was seen.
    structure
        How effects enter.
    reference
        Treatment that effects are measured against.
    priors
        Of effects, intercepts, heterogeneity.
    common
        Common effects: tau is zero.
    link
        Scale of the linear predictor; None for the outcome's usual one.
    baselines
        Study intercepts from one distribution; None for a vague intercept of each study.

    Raises
    ------
    WrongUsage
        When the reference is in no study, or the link does not fit the outcome.
    """
    treatments = _reference_first(studies.treatments, reference)
    outcome = studies.arms.outcome if studies.arms else Outcome.CONTRAST
    chosen = _checked_link(outcome, link)
    table = _Table.of(studies, treatments)
    cells = table.cells(structure)
    columns = structure.columns(cells, priors)
    hypers = [] if common else [("tau", priors.heterogeneity)]
    hypers += structure.hypers(priors)
    effect_columns = tuple(columns)
    rows = structure.rows(cells, effect_columns)
    layout = _Layout(list(columns), hypers, common)
    if baselines is not None:
        layout.add_baselines(baselines, table)
    likelihood, parts = _observed(table.arms, chosen, layout)
    return Assembled(
        _model(structure, table, layout, rows, likelihood, parts, priors, baselines, studies.contrasts),
        structure,
        treatments,
        tuple(layout.columns),
        _padded(structure.effects(cells, effect_columns), len(layout.columns)),
        chosen,
        common,
        cells,
    )


def _padded(rows: Floats | None, columns: int) -> Floats | None:
    return None if rows is None else np.pad(rows, ((0, 0), (0, columns - rows.shape[1])))


def _reference_first(treatments: tuple[str, ...], reference: str) -> tuple[str, ...]:
    if reference not in treatments:
        raise WrongUsage(
            f"reference treatment {reference!r} is in no study; treatments are {', '.join(treatments)}."
        )
    return (reference, *sorted((t for t in treatments if t != reference), key=natural_order))


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts 2 before 10 and ignores case: the order of treatments must not depend on that of a file.

    Parameters
    ----------
    name
        Name of a treatment.
    """
    pieces = re.findall(r"\d+|\D+", name)
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p.casefold()) for p in pieces)


def _checked_link(outcome: Outcome, link: Link | None) -> Link:
    usual = usual_link(outcome)
    allowed = [each for each in Link if each.of_probability] if usual.of_probability else [usual]
    if link is not None and link not in allowed:
        raise WrongUsage(f"the link {link} does not fit {outcome} results; use {' or '.join(allowed)}.")
    return usual if link is None else link


@dataclass(frozen=True, eq=False)
class _Table:
    """Every arm of every study, by arm first and then by contrast, with treatments renumbered reference first."""

    treatments: tuple[str, ...]
    arms: Arms | None
    study: Ints
    treatment: Ints
    first: Ints
    covariates: Mapping[str, Floats]

    @classmethod
    def of(cls, studies: Studies, treatments: tuple[str, ...]) -> _Table:
        number = np.array([treatments.index(t) for t in studies.treatments], dtype=np.int64)
        study, treatment, first = [], [], []
        covariates: dict[str, list[Floats]] = {}
        names = set(studies.arms.covariates) if studies.arms else set()
        for given in studies.contrasts:
            names |= set(given.covariates)
        if studies.arms:
            arms = studies.arms
            starts = np.flatnonzero(np.r_[True, np.diff(arms.study) > 0])
            size = np.diff(np.r_[starts, len(arms)])
            study.append(arms.study)
            treatment.append(number[arms.treatment])
            first.append(np.repeat(_baseline(number[arms.treatment], starts), size))
            for name in names:
                covariates.setdefault(name, []).append(arms.covariates.get(name, np.full(len(arms), np.nan)))
        for given in studies.contrasts:
            count = given.treatment.shape[1]
            study.append(np.repeat(given.study, count))
            treatment.append(number[given.treatment].ravel())
            first.append(np.repeat(number[given.treatment].min(1), count))
            for name in names:
                value = given.covariates.get(name, np.full(len(given), np.nan))
                covariates.setdefault(name, []).append(np.repeat(value, count))
        joined = {name: np.concatenate(values) for name, values in covariates.items()}
        return cls(
            treatments,
            studies.arms,
            np.concatenate(study),
            np.concatenate(treatment),
            np.concatenate(first),
            joined,
        )

    def cells(self, structure: Structure) -> Cells:
        designs: dict[int, set[int]] = {}
        for s, t in zip(self.study.tolist(), self.treatment.tolist(), strict=True):
            designs.setdefault(s, set()).add(t)
        ordered = {s: tuple(sorted(design)) for s, design in designs.items()}
        design = tuple(ordered[s] for s in self.study.tolist())
        covariate = np.full(len(self.study), np.nan)
        if isinstance(structure, MetaRegression):
            covariate = self._covariate(structure)
        return Cells(self.treatments, self.treatment, self.first, self.study, design, covariate)

    def _covariate(self, structure: MetaRegression) -> Floats:
        if structure.covariate not in self.covariates:
            known = ", ".join(sorted(self.covariates)) or "none"
            raise WrongUsage(f"no covariate {structure.covariate!r} in the data; known are: {known}.")
        value = self.covariates[structure.covariate]
        centre = float(np.nanmean(value)) if structure.centre is None else structure.centre
        return np.asarray(value - centre)


def _baseline(treatment: Ints, starts: Ints) -> Ints:
    """First arm of each study in the order of the treatments, reference first: the order of a file means nothing."""
    return np.minimum.reduceat(treatment, starts)


@dataclass(eq=False)
class _Layout:
    """Columns and hyperparameters while a model is put together."""

    columns: list[Column]
    hypers: list[tuple[str, Prior]]
    common: bool
    study_loading: Mapping[str, Floats] | None = None
    single: NDArray[np.bool_] | None = None

    def add_baselines(self, baselines: ExchangeableBaselines, table: _Table) -> None:
        """One distribution of study intercepts, and the bias of studies with a single arm."""
        if table.arms is None:
            raise WrongUsage("contrasts have no baselines; exchangeable baselines need results by arm.")
        study = table.arms.study
        starts = np.flatnonzero(np.r_[True, np.diff(study) > 0])
        size = np.diff(np.r_[starts, len(study)])
        single = size == 1
        self.single = np.repeat(single, size)
        self.columns.append(Column("baseline", baselines.mean.mean, baselines.mean.sd))
        self.hypers.append(("between baselines", baselines.spread))
        loading = {"between baselines": np.ones(len(starts))}
        if single.any():
            self.columns.append(Column("design bias", baselines.bias.mean, baselines.bias.sd))
            self.hypers.append(("between biases", baselines.bias_spread))
            loading["between biases"] = single.astype(float)
        self.study_loading = loading

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.hypers]

    def place(self, name: str) -> int:
        return [column.name for column in self.columns].index(name)


@dataclass(frozen=True, eq=False)
class _Parts:
    """How the observed results of arms are made of linear predictors."""

    arm: Ints
    result: Ints
    shares: Floats
    threshold: Ints


def _observed(arms: Arms | None, link: Link, layout: _Layout) -> tuple[Likelihood, _Parts]:
    if arms is None:
        none = np.zeros(0, dtype=np.int64)
        return NormalMeans(np.zeros(0), np.zeros(0)), _Parts(none, none, np.zeros(0), none)
    if arms.outcome is Outcome.ORDERED:
        return _ordered(arms, link, layout)
    every = np.arange(len(arms))
    plain = _Parts(every, every, np.ones(len(arms)), np.zeros(len(arms), dtype=np.int64))
    if arms.outcome is Outcome.BINOMIAL and arms.events is not None and arms.n is not None:
        return BinomialCounts(arms.events, arms.n, link), plain
    if arms.outcome is Outcome.POISSON and arms.events is not None and arms.exposure is not None:
        return PoissonCounts(arms.events, arms.exposure), plain
    if arms.outcome is Outcome.NORMAL and arms.mean is not None and arms.se is not None:
        return NormalMeans(arms.mean, arms.se), plain
    raise ValueError(f"the arms lack what a {arms.outcome} outcome needs")


def _ordered(arms: Arms, link: Link, layout: _Layout) -> tuple[Likelihood, _Parts]:
    """Categories between the thresholds each study reported; cut-points beyond the first are columns."""
    if arms.at_least is None or arms.n is None:
        raise ValueError("ordered arms lack n or the counts at or above each threshold")
    reported = ~np.isnan(arms.at_least)
    for j in range(1, arms.at_least.shape[1]):
        both = reported[:, 0] & reported[:, j]
        start = _distance(arms, both, j, link)
        layout.columns.append(Column(f"cut {j + 1}", start, _FLAT))
    arm: list[int] = []
    counts, n, constant, above = [], [], [], []
    part_result, shares, threshold = [], [], []
    for a in range(len(arms)):
        places = np.flatnonzero(reported[a]).tolist()
        edges = [float(arms.n[a]), *arms.at_least[a, places].tolist(), 0.0]
        for c in range(len(places) + 1):
            lower, upper = places[c - 1] if c else None, places[c] if c < len(places) else None
            for bound, sign in ((lower, 1.0), (upper, -1.0)):
                if bound is not None:
                    part_result.append(len(arm))
                    shares.append(sign)
                    threshold.append(bound)
            arm.append(a)
            counts.append(edges[c] - edges[c + 1])
            n.append(edges[0])
            constant.append(0.0 if c else 1.0)
            above.append(edges[c] if c else edges[1])
    observed = OrderedCounts(np.array(counts), np.array(n), np.array(constant), np.array(above), link)
    return observed, _Parts(np.array(arm), np.array(part_result), np.array(shares), np.array(threshold))


def _distance(arms: Arms, both: NDArray[np.bool_], j: int, link: Link) -> float:
    """Observed distance of a threshold from the lowest, for the start of the search alone."""
    if arms.at_least is None or arms.n is None or not both.any():
        return 0.5 * j
    low = link.linear((arms.at_least[both, 0] + 0.5) / (arms.n[both] + 1.0))
    high = link.linear((arms.at_least[both, j] + 0.5) / (arms.n[both] + 1.0))
    return float(np.mean(low - high))


def _measured(
    contrasts: tuple[Contrasts, ...], rows: Floats, columns: int, tau: Floats
) -> tuple[MeasuredContrasts, ...]:
    """Contrasts given as such; `rows` are those of their arms, study by study."""
    found, at = [], 0
    rows = np.pad(rows, ((0, 0), (0, columns - rows.shape[1])))
    for block in contrasts:
        count = block.treatment.size
        arm_rows = rows[at : at + count].reshape(*block.treatment.shape, columns)
        design = arm_rows[:, 1:] - arm_rows[:, :1]
        found.append(MeasuredContrasts(design, block.estimate, block.covariance, tau))
        at += count
    return tuple(found)


def _model(
    structure: Structure,
    table: _Table,
    layout: _Layout,
    rows: Floats,
    likelihood: Likelihood,
    parts: _Parts,
    priors: NetworkPriors,
    baselines: ExchangeableBaselines | None,
    contrasts: tuple[Contrasts, ...],
) -> LatentModel:
    columns, names = layout.columns, layout.names
    tau = np.array([float(name == "tau") for name in names])
    arms = len(table.arms) if table.arms else 0
    design = np.zeros((arms, len(columns)))
    design[:, : rows.shape[1]] = rows[:arms]
    if baselines is not None and layout.single is not None:
        design[:, layout.place("baseline")] = 1.0
        if layout.single.any():
            design[layout.single, layout.place("design bias")] = 1.0
    part_arm = parts.arm[parts.result] if len(parts.result) else parts.result
    design = design[part_arm]
    for j in np.unique(parts.threshold[parts.threshold > 0]):
        design[parts.threshold == j, layout.place(f"cut {j + 1}")] = -1.0
    study = np.zeros(0, dtype=np.int64)
    offset = None
    if table.arms is not None:
        study = np.cumsum(np.r_[False, np.diff(table.arms.study) > 0])
        offset = _offset(table.arms, likelihood, priors, baselines, part_arm)
    count = int(study[-1]) + 1 if arms else 0
    constant = np.full(count, 0.0 if baselines is not None else priors.intercept.sd**2)
    loading = np.zeros((count, len(names)))
    for name, values in (layout.study_loading or {}).items():
        loading[:, names.index(name)] = values
    effects = "common effects" if layout.common else "random effects"
    return LatentModel(
        name=f"{structure.sentence}; {effects}",
        hypers=tuple(layout.hypers),
        columns=tuple(column.name for column in columns),
        column_mean=np.array([column.mean for column in columns]),
        column_variance=variances(columns, names),
        design=design,
        shares=parts.shares,
        result=parts.result,
        arm=parts.arm,
        study=study,
        study_variance=Variances(constant, loading),
        arm_variance=Variances(np.zeros(arms), np.tile(0.5 * tau, (arms, 1))),
        likelihood=likelihood,
        comparisons=Comparisons.none(len(columns), len(names)),
        contrasts=_measured(contrasts, rows[arms:], len(columns), tau),
        offset=offset,
    )


def _offset(
    arms: Arms,
    likelihood: Likelihood,
    priors: NetworkPriors,
    baselines: ExchangeableBaselines | None,
    part_arm: Ints,
) -> Floats | None:
    """Mean of the intercepts, and the logarithm of follow-up under the cloglog link."""
    offset = np.full(len(arms), 0.0 if baselines is not None else priors.intercept.mean)
    if isinstance(likelihood, BinomialCounts) and likelihood.link is Link.CLOGLOG and arms.time is not None:
        if np.isnan(arms.time).any() or (arms.time <= 0.0).any():
            raise WrongUsage(
                "follow-up time is missing or not positive in some arms; give it for all or for none."
            )
        offset = offset + np.log(arms.time)
    return offset[part_arm] if offset.any() else None
