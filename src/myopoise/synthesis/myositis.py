"""The myositis evidence model: response at every level, and mean scores, on one scale.

For the patients of diagnosis g in result r of arm a, study s::

    P(at level l or better) = sum over g of share_rg * Phi(eta_rg - kappa_l)
    mean score = sum over g of share_rg * E[score | eta_rg]
    eta_rg = m + u_s + theta_g + sum over t in a of (d_t + gamma_{c(t),g}) + w_a - xi_f + bias_s

with ``theta_DM = 0``; d_t shrunk towards the mean of its mechanism class c(t); gamma how much more or less a class
does in diagnosis g; xi_f how strict definition f of response is against the 2016 ACR/EULAR criteria; and, for
uncontrolled studies only, a bias drawn around beta. A mixed arm has the average chance over its mix, never the chance
at the average. Where the levels stand, and how a score rises from one to the next, is `response_scale`.

Children have their own mean (the diagnosis JDM) and share the effects of drugs; they have no control arm anywhere, so
no answer is given for them.

Three readings differ in what enters and in the bias: randomised trials only; everything with the bias (main);
everything at face value (naive).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from myopoise.evidence.rows import Row, Selection, treatments_in
from myopoise.synthesis.checking import trust_in
from myopoise.synthesis.effects import Synthesis, summarise
from myopoise.synthesis.graded import GradedResponses
from myopoise.synthesis.laplace import infer
from myopoise.synthesis.latent import Comparisons, LatentModel, Thresholds, Variances
from myopoise.synthesis.priors import HalfNormal, LogNormal, Normal, Prior
from myopoise.synthesis.response_scale import LEVEL_LOADING, POINTS, score_pieces
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, Reading

__all__ = [
    "DISTANCES",
    "REFERENCE_DEFINITION",
    "MyositisPriors",
    "effect_row",
    "myositis_model",
    "rows_of_reading",
    "synthesise",
]

Floats = NDArray[np.float64]

REFERENCE_DEFINITION = "acr-eular-2016"
"""The definition every other one is measured against."""

DISTANCES = ("minimal to moderate", "moderate to major")
"""Names of the two distances between levels of response."""


@dataclass(frozen=True)
class MyositisPriors:
    """Every prior of the evidence model, on the probit scale.

    A probit of 0.25 is ten patients in a hundred where half respond; 0.5 is nineteen, 1.0 is thirty-four.

    Parameters
    ----------
    baseline
        Mean response on background therapy, over studies.
    between_studies
        Standard deviation of that response between studies.
    class_mean
        Mean effect of a mechanism class.
    within_class
        Standard deviation of treatment effects inside a class.
    diagnosis
        Difference of a diagnosis from dermatomyositis on background therapy.
    class_by_diagnosis
        Standard deviation of how a class's effect differs between diagnoses.
    heterogeneity
        Standard deviation of a treatment contrast between trials.
    definition
        Standard deviation of the strictness of definitions of response.
    bias
        Mean excess response of an uncontrolled study.
    bias_spread
        Standard deviation of that excess between studies.
    moderate, major
        Distance from minimal to moderate and from moderate to major improvement, where patients have sd 1.
    """

    baseline: Normal = Normal(0.0, 1.0)
    between_studies: HalfNormal = HalfNormal(0.5)
    class_mean: Normal = Normal(0.0, 0.6)
    within_class: HalfNormal = HalfNormal(0.3)
    diagnosis: Normal = Normal(0.0, 0.3)
    class_by_diagnosis: HalfNormal = HalfNormal(0.25)
    heterogeneity: HalfNormal = HalfNormal(0.25)
    definition: HalfNormal = HalfNormal(0.4)
    bias: Normal = Normal(0.5, 0.5)
    bias_spread: HalfNormal = HalfNormal(0.4)
    moderate: LogNormal = LogNormal(float(np.log(0.65)), 0.4)
    major: LogNormal = LogNormal(float(np.log(0.65)), 0.4)

    @property
    def sentences(self) -> dict[str, str]:
        """Each prior and the interval it implies, by name."""
        return {field.name.replace("_", " "): getattr(self, field.name).sentence for field in fields(self)}

    @property
    def in_patients(self) -> dict[str, str]:
        """Each prior, the interval it implies, and the same in patients where half of them respond, by name."""
        return {
            name: f"{sentence}; {self._patients(name.replace(' ', '_'))}"
            for name, sentence in self.sentences.items()
        }

    def _patients(self, name: str) -> str:
        prior = getattr(self, name)
        low, high = (float(prior.value(np.array(z))) for z in (-1.959964, 1.959964))
        if name in _DISTANCE_NAMES:
            return (
                "where 50 of 100 reach the lower level, "
                f"{100 * ndtr(-high):.0f} to {100 * ndtr(-low):.0f} reach the next"
            )
        if isinstance(prior, Normal):
            return (
                f"where 50 of 100 respond, it makes {100 * ndtr(low):.0f} to {100 * ndtr(high):.0f} of them"
            )
        return (
            f"where 50 of 100 respond, one such standard deviation makes {100 * ndtr(high):.0f} at the most"
        )


_DISTANCE_NAMES = ("moderate", "major")


def myositis_model(selection: Selection, reading: Reading, priors: MyositisPriors) -> LatentModel | None:
    """The evidence model of one reading, ready for inference; None when no row enters.

    Parameters
    ----------
    selection
        The rows that may enter; the reading takes its part of them.
    reading
        Randomised only, main, or naive.
    priors
        Every prior of the model.
    """
    rows = rows_of_reading(selection, reading)
    return _Builder(selection, rows, priors, reading is Reading.MAIN).model(reading.label) if rows else None


def rows_of_reading(selection: Selection, reading: Reading) -> tuple[Row, ...]:
    """The rows that a reading takes: those with counts at some level, or with a mean score."""
    rows = (row for row in selection.rows if row.counts or row.mean is not None)
    return tuple(row for row in rows if reading is not Reading.RANDOMISED or row.design.randomised)


def synthesise(
    selection: Selection,
    reading: Reading,
    priors: MyositisPriors,
    *,
    draws: int,
    seed: int,
    nodes: int = 512,
    like: Synthesis | None = None,
) -> Synthesis | None:
    """Fit one reading; None when nothing enters it.

    Parameters
    ----------
    selection, reading, priors
        As for `myositis_model`.
    draws, seed, nodes
        For the inference.
    like
        The same reading of the same rows under other priors, which saves time.
    """
    model = myositis_model(selection, reading, priors)
    if model is None:
        return None
    posterior = infer(model, draws=draws, nodes=nodes, seed=seed, like=like.posterior if like else None)
    found = {name: summarise(posterior.x[:, i], posterior, "probit") for i, name in enumerate(model.columns)}
    spreads = {
        f"sd {name}": summarise(posterior.theta[:, k], posterior, "probit")
        for k, (name, _) in enumerate(model.hypers)
    }
    rows = rows_of_reading(selection, reading)
    printed = {(p.study, p.treatments_1): p.n_1 for p in selection.printed}
    printed |= {(p.study, p.treatments_0): p.n_0 for p in selection.printed}
    patients = sum(row.n for row in rows) + sum(printed.values())
    studies = {row.study for row in rows} | {p.study for p in selection.printed}
    entered = (*sorted({row.study for row in rows}), *(p.study for p in selection.printed))
    return Synthesis(
        *(
            reading,
            len(studies),
            patients,
            found | spreads,
            priors.in_patients,
            trust_in(posterior),
            posterior,
        ),
        entered=entered,
    )


def effect_row(
    columns: Sequence[str], treatments: Sequence[str], group: Phenotype, mechanism: Mapping[str, str]
) -> Floats:
    """What treatments add in a diagnosis, as a contrast of the components, shape ``(column,)``.

    Parameters
    ----------
    columns
        Names of the components of a model.
    treatments
        Codes of what an arm was given; background therapy adds nothing.
    group
        Diagnosis.
    mechanism
        Mechanism class of each treatment.
    """
    row = np.zeros(len(columns))
    place = {name: i for i, name in enumerate(columns)}
    for treatment in treatments:
        if treatment == BACKGROUND:
            continue
        c = mechanism[treatment]
        for name in (f"class {c}", f"treatment {treatment}", f"class {c} in {group}"):
            # A class never given to a diagnosis has no component for it: its difference there is its prior's.
            if name in place:
                row[place[name]] += 1.0
    return row


class _Builder:
    """Collects columns and their variances, then lays out the design matrix."""

    def __init__(
        self,
        selection: Selection,
        rows: Sequence[Row],
        priors: MyositisPriors,
        bias: bool,
    ) -> None:
        self.rows = sorted(rows, key=lambda row: (row.study, row.treatments, row.arm))
        self.printed = selection.printed
        self.mechanism = selection.mechanism
        self.bias = bias and any(not row.design.randomised for row in rows)
        self.columns: dict[str, tuple[float, float, str]] = {}
        names = ["between studies", "between trials", "within class", "class by diagnosis", "definition"]
        values: list[Prior] = [
            priors.between_studies,
            priors.heterogeneity,
            priors.within_class,
            priors.class_by_diagnosis,
            priors.definition,
        ]
        if self.bias:
            names.append("bias")
            values.append(priors.bias_spread)
        names += DISTANCES
        values += [priors.moderate, priors.major]
        self.hypers = tuple(zip(names, values, strict=True))
        self._declare(priors)

    def _declare(self, priors: MyositisPriors) -> None:
        """Name every column, with its prior mean, fixed standard deviation, or governing hyperparameter."""
        shares = [row.shares for row in self.rows] + [p.shares for p in self.printed]
        groups = [g for g in Phenotype if any(s.get(g, 0.0) > 0.0 for s in shares)]
        treatments = treatments_in(self.rows, self.printed)
        classes = sorted({self.mechanism[t] for t in treatments})
        definitions = sorted({row.definition for row in self.rows} - {REFERENCE_DEFINITION})
        self.columns["baseline"] = (priors.baseline.mean, priors.baseline.sd, "")
        if self.bias:
            self.columns["bias"] = (priors.bias.mean, priors.bias.sd, "")
        for g in groups:
            if g is not Phenotype.DM:
                self.columns[f"diagnosis {g}"] = (priors.diagnosis.mean, priors.diagnosis.sd, "")
        for c in classes:
            self.columns[f"class {c}"] = (priors.class_mean.mean, priors.class_mean.sd, "")
        for t in treatments:
            self.columns[f"treatment {t}"] = (0.0, 0.0, "within class")
        for c, g in sorted(self._seen()):
            self.columns[f"class {c} in {g}"] = (0.0, 0.0, "class by diagnosis")
        for f in definitions:
            self.columns[f"definition {f}"] = (0.0, 0.0, "definition")

    def _seen(self) -> set[tuple[str, Phenotype]]:
        """Classes and the diagnoses they were given to; other pairs are their prior and need no column."""
        arms = [(row.treatments, row.shares) for row in self.rows]
        arms += [(p.treatments_1, p.shares) for p in self.printed] + [
            (p.treatments_0, p.shares) for p in self.printed
        ]
        return {
            (self.mechanism[t], g)
            for treatments, shares in arms
            for t in treatments
            if t != BACKGROUND
            for g, share in shares.items()
            if share > 0.0
        }

    def _position(self, name: str) -> int:
        return list(self.columns).index(name)

    def effect(self, treatments: Sequence[str], group: Phenotype) -> Floats:
        """Row of the design matrix for the treatments of an arm in one diagnosis, shape ``(column,)``."""
        return effect_row(tuple(self.columns), treatments, group, self.mechanism)

    def _result(self, row: Row, group: Phenotype) -> Floats:
        design = self.effect(row.treatments, group)
        design[self._position("baseline")] = 1.0
        if self.bias and not row.design.randomised:
            design[self._position("bias")] = 1.0
        if group is not Phenotype.DM:
            design[self._position(f"diagnosis {group}")] = 1.0
        if row.definition != REFERENCE_DEFINITION:
            design[self._position(f"definition {row.definition}")] = -1.0
        return design

    def _variances(self, constant: Sequence[float], loading: Sequence[dict[str, float]]) -> Variances:
        names = [name for name, _ in self.hypers]
        factors = np.array([[entry.get(name, 0.0) for name in names] for entry in loading])
        return Variances(np.array(constant, dtype=float), factors.reshape(len(loading), len(names)))

    def model(self, name: str) -> LatentModel:
        """Lay out the model."""
        columns = list(self.columns.values())
        arms = list(dict.fromkeys((row.study, row.treatments) for row in self.rows))
        studies = list(dict.fromkeys(study for study, _ in arms))
        randomised = {row.study: row.design.randomised for row in self.rows}
        study_loading = [
            {"between studies": 1.0, "bias": 0.0 if randomised[study] or not self.bias else 1.0}
            for study in studies
        ]
        seen = _Results()
        for row in self.rows:
            # In the order of the diagnoses, so that the same rows make the same model to the last bit.
            mix = [(group, row.shares[group]) for group in Phenotype if row.shares.get(group, 0.0) > 0.0]
            designs = [(self._result(row, group), share) for group, share in mix]
            seen.add(row, arms.index((row.study, row.treatments)), designs)
        places = [[name for name, _ in self.hypers].index(name) for name in DISTANCES]
        offset, slope = (np.zeros((len(seen.share), len(self.hypers))) for _ in range(2))
        offset[:, places], slope[:, places] = np.array(seen.offset), np.array(seen.slope)
        return LatentModel(
            name=name,
            hypers=self.hypers,
            columns=tuple(self.columns),
            column_mean=np.array([mean for mean, _, _ in columns]),
            column_variance=self._variances(
                [sd**2 for _, sd, _ in columns], [{h: 1.0} for _, _, h in columns]
            ),
            design=np.array(seen.design),
            shares=np.array(seen.share),
            result=np.array(seen.result),
            arm=np.array(seen.arm),
            study=np.array([studies.index(study) for study, _ in arms]),
            study_variance=self._variances([0.0] * len(studies), study_loading),
            arm_variance=self._variances([0.0] * len(arms), [{"between trials": 0.5}] * len(arms)),
            likelihood=seen.likelihood,
            comparisons=self._comparisons(),
            thresholds=Thresholds(offset, slope),
        )

    def _comparisons(self) -> Comparisons:
        """Comparisons printed only as a P value: the average difference over the mix, two arm terms of variance."""
        if not self.printed:
            return Comparisons.none(len(self.columns), len(self.hypers))
        design = [
            sum(
                share * (self.effect(p.treatments_1, g) - self.effect(p.treatments_0, g))
                for g, share in sorted(p.shares.items())
            )
            for p in self.printed
        ]
        return Comparisons(
            np.array(design),
            np.sqrt([1.0 / p.n_1 + 1.0 / p.n_0 for p in self.printed]),
            np.array([np.nan if p.abs_z is None else p.abs_z for p in self.printed]),
            self._variances([0.0] * len(self.printed), [{"between trials": 1.0}] * len(self.printed)),
        )


@dataclass(eq=False)
class _Results:
    """Results and their parts, one row of the selection after another."""

    arm: list[int] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    n: list[float] = field(default_factory=list)
    lowest: list[float] = field(default_factory=list)
    above: list[float] = field(default_factory=list)
    highest: list[bool] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    se: list[float] = field(default_factory=list)
    result: list[int] = field(default_factory=list)
    design: list[Floats] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    offset: list[Floats] = field(default_factory=list)
    slope: list[Floats] = field(default_factory=list)

    @property
    def likelihood(self) -> GradedResponses:
        """What was observed."""
        return GradedResponses(
            counts=np.array(self.counts),
            rest=np.array(self.rest),
            n=np.array(self.n),
            constant=np.array(self.lowest),
            above=np.array(self.above),
            highest=np.array(self.highest),
            mean=np.array(self.mean),
            se=np.array(self.se),
        )

    def add(self, row: Row, arm: int, designs: Sequence[tuple[Floats, float]]) -> None:
        """The results of a row; a row that counts responders is read by them and not by its mean."""
        levels = [level for level in Level if level in row.counts]
        reached = [float(row.counts[level]) for level in levels]
        if len(levels) == 1:
            self._add_result(arm, reached[0], row.n, above=reached[0], rest=row.n - reached[0], highest=True)
            self._add_parts(levels, (), designs)
        elif levels:
            reached = [float(row.n), *reached, 0.0]
            for k in range(len(levels) + 1):
                count, lowest, highest = reached[k] - reached[k + 1], float(k == 0), k == len(levels)
                self._add_result(arm, count, row.n, above=reached[max(k, 1)], lowest=lowest, highest=highest)
                self._add_parts(levels[max(k - 1, 0) : k], levels[k : k + 1], designs)
        elif row.mean is not None and row.se is not None:
            self._add_result(arm, 0.0, 1, mean=row.mean, se=row.se)
            for piece in score_pieces(POINTS[row.variant]):
                for design, share in designs:
                    self._add_part(design, 0.0, -np.array(piece.kink), share * np.array(piece.slope))

    def _add_parts(
        self, lower: Sequence[Level], upper: Sequence[Level], designs: Sequence[tuple[Floats, float]]
    ) -> None:
        for sign, levels in ((1.0, lower), (-1.0, upper)):
            for level in levels:
                for design, share in designs:
                    self._add_part(design, sign * share, -np.array(LEVEL_LOADING[level]), np.zeros(2))

    def _add_result(
        self,
        arm: int,
        count: float,
        n: int,
        *,
        above: float = 0.0,
        rest: float = 0.0,
        lowest: float = 0.0,
        highest: bool = False,
        mean: float = float("nan"),
        se: float = 1.0,
    ) -> None:
        self.arm.append(arm)
        self.counts.append(count)
        self.rest.append(rest)
        self.n.append(float(n))
        self.lowest.append(lowest)
        self.above.append(above)
        self.highest.append(highest)
        self.mean.append(mean)
        self.se.append(se)

    def _add_part(self, design: Floats, share: float, offset: Floats, slope: Floats) -> None:
        self.result.append(len(self.arm) - 1)
        self.design.append(design)
        self.share.append(share)
        self.offset.append(offset)
        self.slope.append(slope)
