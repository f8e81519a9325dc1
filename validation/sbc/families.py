"""The model families whose posteriors are calibrated: a small network of each, priors that can be drawn from.

Each family lays out its studies with made-up results; `draw` replaces them by results that follow from parameters
drawn from the priors. Both are made from the model itself: what is simulated cannot differ from what is stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.latent import LatentModel, Variances
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import ExchangeableBaselines, assemble
from myopoise.synthesis.models.structures import (
    ClassEffects,
    Components,
    Consistency,
    MetaRegression,
    NetworkPriors,
    Structure,
)
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

__all__ = ["FAMILIES", "Drawn", "Family"]

Floats = NDArray[np.float64]
Random = np.random.Generator

PRIORS = NetworkPriors(
    treatment=Normal(0.0, 0.8),
    intercept=Normal(-0.8, 0.7),
    heterogeneity=HalfNormal(0.5),
    regression=Normal(0.0, 0.5),
    spread=HalfNormal(0.5),
)
CUTS = (0.8, 1.6)
"""Prior means of the second and third cut-point; their sd is 0.15, so that thresholds stay in order."""

TRIALS = (("A", "B"), ("A", "C"), ("B", "C"), ("A", "B", "C"), ("A", "D"), ("A", "B"), ("C", "D"), ("A", "D"))
COMBINED = (
    *(("P", "X"), ("P", "Y"), ("P", "X+Y"), ("X", "X+Y"), ("P", "Z"), ("Y", "Y+Z"), ("P", "X", "X+Y")),
)
WITH_SINGLE = (*TRIALS[:5], ("B",), ("D",), ("B",), ("C",))


@dataclass(frozen=True, eq=False)
class Drawn:
    """Parameters drawn from the priors, and the model of the results that follow from them.

    Parameters
    ----------
    model
        Ready for inference.
    x, theta
        The truth.
    """

    model: LatentModel
    x: Floats
    theta: Floats


@dataclass(frozen=True)
class Family:
    """A family with its small network.

    Parameters
    ----------
    name
        In words.
    outcome, structure, trials
        What is observed, how effects enter, and the treatments of each study.
    common
        Common effects.
    link
        None for the usual one.
    baselines
        Study intercepts from one distribution; None for one of each study.
    contrasts_from
        Number of the first study that reports contrasts; None for arms only.
    """

    name: str
    outcome: Outcome
    structure: Structure
    trials: tuple[tuple[str, ...], ...] = TRIALS
    common: bool = False
    link: Link | None = None
    baselines: ExchangeableBaselines | None = None
    contrasts_from: int | None = None

    def draw(self, random: Random) -> Drawn:
        """One set of parameters and results."""
        arms, contrasts = self._laid_out(random)
        blank = self._model(arms, contrasts)
        while True:
            theta = blank.theta(random.standard_normal(len(blank.hypers)))
            x = blank.column_mean + np.sqrt(blank.column_variance.at(theta)) * random.standard_normal(
                len(blank.columns)
            )
            cuts = [x[i] for i, name in enumerate(blank.columns) if name.startswith("cut")]
            if np.all(np.diff([0.0, *cuts]) > 0.02):
                break
        if arms is not None:
            arms = self._results(arms, blank, x, theta, random)
        contrasts = _measured(contrasts, blank, x, theta, random)
        return Drawn(self._model(arms, contrasts), x, theta)

    def _model(self, arms: Arms | None, contrasts: tuple[Contrasts, ...]) -> LatentModel:
        names = tuple(f"study {i + 1}" for i in range(len(self.trials)))
        studies = Studies(names, self._treatments, arms, contrasts)
        model = assemble(
            studies,
            self.structure,
            reference=self._treatments[0],
            priors=PRIORS,
            common=self.common,
            link=self.link,
            baselines=self.baselines,
        ).model
        return _with_proper_cuts(model)

    @property
    def _treatments(self) -> tuple[str, ...]:
        return tuple(sorted({t for trial in self.trials for t in trial}))

    def _laid_out(self, random: Random) -> tuple[Arms | None, tuple[Contrasts, ...]]:
        """Studies with results that mean nothing yet: who was given what, how many, and covariates."""
        place = {t: i for i, t in enumerate(self._treatments)}
        first = len(self.trials) if self.contrasts_from is None else self.contrasts_from
        by_arm = self.trials[:first]
        arms = None
        if by_arm:
            study = np.repeat(np.arange(len(by_arm)), [len(trial) for trial in by_arm])
            treatment = np.array([place[t] for trial in by_arm for t in trial])
            arms = self._blank(study, treatment, random)
        blocks = []
        for size in sorted({len(trial) for trial in self.trials[first:]}):
            mine = [i for i in range(first, len(self.trials)) if len(self.trials[i]) == size]
            shared = random.uniform(0.02, 0.08, len(mine))
            own = random.uniform(0.02, 0.08, (len(mine), size - 1))
            covariance = shared[:, None, None] + own[:, :, None] * np.eye(size - 1)
            given = np.array([[place[t] for t in self.trials[i]] for i in mine])
            nothing = np.zeros((len(mine), size - 1))
            blocks.append(Contrasts(np.array(mine), given, nothing, covariance, np.zeros(len(mine))))
        return arms, tuple(blocks)

    def _blank(self, study: NDArray[np.int64], treatment: NDArray[np.int64], random: Random) -> Arms:
        k = len(study)
        n = random.integers(20, 80, k).astype(float)
        age = {"age": random.normal(0.0, 1.0, int(study[-1]) + 1)[study]}
        seen: Mapping[str, Floats] = {
            Outcome.BINOMIAL: {"events": np.ones(k), "n": n},
            Outcome.ORDERED: {"at_least": np.tile([3.0, 2.0, 1.0], (k, 1)), "n": n},
            Outcome.NORMAL: {"mean": np.zeros(k), "se": 2.0 / np.sqrt(n)},
            Outcome.POISSON: {"events": np.ones(k), "exposure": n},
        }[self.outcome]
        if self.outcome is Outcome.ORDERED:
            # One study in three reports the lowest threshold only, one the lowest and the highest.
            seen["at_least"][np.ix_(study % 3 == 1, [False, True, True])] = np.nan
            seen["at_least"][np.ix_(study % 3 == 2, [False, True, False])] = np.nan
        return Arms(self.outcome, study, treatment, covariates=age, **seen)

    def _results(self, arms: Arms, model: LatentModel, x: Floats, theta: Floats, random: Random) -> Arms:
        u = np.sqrt(model.study_variance.at(theta)) * random.standard_normal(int(arms.study[-1]) + 1)
        w = np.sqrt(model.arm_variance.at(theta)) * random.standard_normal(len(arms))
        part = model.part_arm
        eta = model.predictor(x[None], theta[None])[:, 0] + u[arms.study][part] + w[part]
        fitted = model.likelihood.fitted(eta[:, None], model.mix(theta[None]))[:, 0]
        if self.outcome is Outcome.BINOMIAL:
            return replace(arms, events=random.binomial(arms.n.astype(int), fitted).astype(float))
        if self.outcome is Outcome.POISSON:
            return replace(arms, events=random.poisson(arms.exposure * fitted).astype(float))
        if self.outcome is Outcome.NORMAL:
            return replace(arms, mean=random.normal(fitted, arms.se))
        at_least = arms.at_least.copy()
        for a in range(len(arms)):
            chances = fitted[model.arm == a]
            counts = random.multinomial(int(arms.n[a]), chances / chances.sum())
            at_least[a, ~np.isnan(at_least[a])] = counts[::-1].cumsum()[::-1][1:]
        return replace(arms, at_least=at_least)


def _measured(
    contrasts: tuple[Contrasts, ...], model: LatentModel, x: Floats, theta: Floats, random: Random
) -> tuple[Contrasts, ...]:
    found = []
    for block, given in zip(contrasts, model.contrasts, strict=True):
        covariance = given.covariance_at(theta[None])[:, 0]
        noise = random.standard_normal(block.estimate.shape)
        error = np.einsum("sij,sj->si", np.linalg.cholesky(covariance), noise)
        found.append(replace(block, estimate=given.design @ x + error))
    return tuple(found)


def _with_proper_cuts(model: LatentModel) -> LatentModel:
    """Cut-points are flat in the engine; here they have a prior that can be drawn from."""
    mean, variance = model.column_mean.copy(), model.column_variance.constant.copy()
    for i, name in enumerate(model.columns):
        if name.startswith("cut"):
            mean[i], variance[i] = CUTS[int(name.split()[1]) - 2], 0.15**2
    return replace(
        model, column_mean=mean, column_variance=Variances(variance, model.column_variance.loading)
    )


def _families() -> tuple[Family, ...]:
    plain = Consistency()
    classes = ClassEffects({"B": "one", "C": "one", "D": "one"})
    baselines = ExchangeableBaselines(
        mean=Normal(-0.8, 0.7), spread=HalfNormal(0.5), bias=Normal(0.0, 0.3), bias_spread=HalfNormal(0.3)
    )
    binomial = Outcome.BINOMIAL
    return (
        Family("binomial, random effects", binomial, plain),
        Family("binomial, common effects", binomial, plain, common=True),
        Family("binomial, cloglog, random effects", binomial, plain, link=Link.CLOGLOG),
        Family("ordered, random effects", Outcome.ORDERED, plain),
        Family("ordered, common effects", Outcome.ORDERED, plain, common=True),
        Family("normal, random effects", Outcome.NORMAL, plain),
        Family("poisson, random effects", Outcome.POISSON, plain),
        Family("contrasts, random effects", Outcome.CONTRAST, plain, contrasts_from=0),
        Family("contrasts, common effects", Outcome.CONTRAST, plain, common=True, contrasts_from=0),
        Family("arms and contrasts, random effects", Outcome.NORMAL, plain, contrasts_from=4),
        Family("exchangeable class effects", binomial, classes),
        Family("meta-regression, one slope", binomial, MetaRegression("age")),
        Family("meta-regression, exchangeable slopes", binomial, MetaRegression("age", "exchangeable")),
        Family("components", binomial, Components(inactive="P"), COMBINED),
        Family("single arms, exchangeable baselines", binomial, plain, WITH_SINGLE, baselines=baselines),
    )


FAMILIES: Mapping[str, Family] = {family.name: family for family in _families()}
