"""Where the outcome under the reference treatment comes from: a number, counts, a normal, a study, or reference arms.

A relative effect says nothing of absolute risk until a baseline is named, and the baseline is a statement about the
population at hand, not about the trials (NICE DSU TSD 5). So it is always given, never assumed, and its uncertainty is
carried along. Each is a quantile function of a standard normal score, on the scale of the linear predictor; only the
baseline of a study of the network itself is drawn together with the effects, for the two are correlated.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv, ndtr

from myopoise.errors import WrongUsage
from myopoise.estimate import Estimate
from myopoise.synthesis.answers.draws import Joint, joint_draws, rising
from myopoise.synthesis.answers.terms import draw_terms
from myopoise.synthesis.checking import Trust, trust_in
from myopoise.synthesis.effects import hyper_estimate
from myopoise.synthesis.laplace import infer
from myopoise.synthesis.latent import LatentModel, Variances
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import Assembled, ExchangeableBaselines, assemble
from myopoise.synthesis.models.structures import Consistency, NetworkPriors
from myopoise.synthesis.studies.values import Arms, Studies
from myopoise.synthesis.synthesising import SEED, HasStudies

__all__ = [
    "Baseline",
    "CountedBaseline",
    "FixedBaseline",
    "NormalBaseline",
    "ReferenceArms",
    "StudyBaseline",
    "baseline_draws",
    "fit_baseline",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FixedBaseline:
    """A known outcome under the reference treatment, without uncertainty.

    Parameters
    ----------
    value
        Probability, mean, or rate for one unit of exposure; of an ordered outcome, the probability of being at or
        above the lowest threshold.
    """

    value: float

    def level(self, score: Floats, link: Link) -> Floats:
        """Linear predictor at each score: always the same."""
        if link.of_probability and not 0.0 < self.value < 1.0:
            raise WrongUsage(f"a baseline risk of {self.value:g} is not strictly between 0 and 1.")
        if link is Link.LOG and not self.value > 0.0:
            raise WrongUsage(f"a baseline rate of {self.value:g} is not above 0.")
        return np.full(len(score), float(link.linear(np.array(self.value))))

    @property
    def sentence(self) -> str:
        """Where the baseline comes from."""
        return f"the reference treatment's outcome is taken to be {self.value:g}"


@dataclass(frozen=True)
class CountedBaseline:
    """Events among patients (or over person-time) under the reference treatment, in the population at hand.

    The chance is ``Beta(events, among - events)``, the rate ``Gamma(events, among)``: what the counts say with a prior
    that is flat for the log odds, or for the log rate.

    Parameters
    ----------
    events, among
        Counts.
    """

    events: float
    among: float

    def level(self, score: Floats, link: Link) -> Floats:
        """Linear predictor at each score."""
        if link is Link.LOG and self.events > 0.0 < self.among:
            return np.asarray(np.log(gammaincinv(self.events, ndtr(score)) / self.among))
        if link.of_probability and 0.0 < self.events < self.among:
            return link.linear(betaincinv(self.events, self.among - self.events, ndtr(score)))
        raise WrongUsage(
            f"{self.events:g} events among {self.among:g} make no baseline for the {link} link: with no events, or "
            "nothing but events, counts alone give no distribution, and means have no counts. Give a normal one."
        )

    @property
    def sentence(self) -> str:
        """Where the baseline comes from."""
        return f"the reference treatment's outcome is known from {self.events:g} events among {self.among:g}"


@dataclass(frozen=True)
class NormalBaseline:
    """A normal distribution of the reference treatment's linear predictor: log odds, probit, log rate, mean.

    Parameters
    ----------
    mean, sd
        On the scale of the linear predictor.
    """

    mean: float
    sd: float

    def level(self, score: Floats, link: Link) -> Floats:
        """Linear predictor at each score."""
        if not self.sd >= 0.0:
            raise WrongUsage(f"the baseline has sd {self.sd:g}; it must not be negative.")
        return self.mean + self.sd * score

    @property
    def sentence(self) -> str:
        """Where the baseline comes from."""
        return f"the reference treatment's linear predictor is normal, mean {self.mean:g} and sd {self.sd:g}"


@dataclass(frozen=True, eq=False)
class ReferenceArms:
    """A distribution of baselines fitted to the reference arms of the network (NICE DSU TSD 5).

    Parameters
    ----------
    studies
        How many reference arms.
    mean, spread, predictive
        Of the linear predictor: its mean over studies, the standard deviation between them, and a new study's.
    new_study
        Whether the baseline is that of a new study; else the mean over studies.
    trust
        Whether the computation may be believed.
    draws
        The draws behind it.
    """

    studies: int
    mean: Estimate
    spread: Estimate
    predictive: Estimate
    new_study: bool
    trust: Trust
    draws: Joint = field(repr=False)

    def level(self, score: Floats, link: Link) -> Floats:
        """Linear predictor at each score."""
        values = self.draws.x[:, 0]
        if self.new_study:
            values = values + self.draws.theta[:, 0] * self.draws.scores(11)
        order = np.argsort(values, kind="stable")
        weights = self.draws.weights[order]
        below = rising(np.cumsum(weights) - 0.5 * weights)
        return np.asarray(np.interp(ndtr(score), below, values[order]))

    @property
    def sentence(self) -> str:
        """Where the baseline comes from."""
        which = "a new study like them" if self.new_study else "their mean"
        return f"the reference treatment's outcome comes from {self.studies} reference arms: that of {which}"


@dataclass(frozen=True, eq=False)
class StudyBaseline:
    """The reference treatment's outcome in the population of one study of the network.

    It is that of the study's own reference arm as the model fits it; of a study without one, that of the arm it might
    have had, which has a term of its own about the study's intercept.

    Parameters
    ----------
    studies
        The studies of the network.
    name
        The study.
    """

    studies: Studies
    name: str

    @property
    def sentence(self) -> str:
        """Where the baseline comes from."""
        return f"the population is that of {self.name}"

    def arms(self) -> Ints:
        """Positions of the study's arms."""
        if self.name not in self.studies.names:
            raise WrongUsage(f"there is no study {self.name!r}.")
        place = self.studies.names.index(self.name)
        given = self.studies.arms
        found = np.zeros(0, dtype=np.int64) if given is None else np.flatnonzero(given.study == place)
        if not len(found):
            raise WrongUsage(f"{self.name} gave contrasts only, which have no baseline; name another study.")
        return found


Baseline = FixedBaseline | CountedBaseline | NormalBaseline | ReferenceArms | StudyBaseline


def baseline_draws(baseline: Baseline, assembled: Assembled, joint: Joint, seed: int) -> Floats:
    """Linear predictor of the reference treatment in each draw, ``(draw,)``.

    Parameters
    ----------
    baseline
        Where it comes from.
    assembled
        The model of the effects.
    joint
        The draws it is to go with.
    seed
        Of its scores.
    """
    if not isinstance(baseline, StudyBaseline):
        return baseline.level(joint.scores(seed), assembled.link)
    arms = baseline.arms()
    model = assembled.model
    terms = draw_terms(
        model,
        joint.x,
        joint.theta,
        joint.level,
        np.random.default_rng(seed),
        arms=arms,
        study=np.zeros(len(arms), dtype=np.int64),
    )
    reference = np.flatnonzero(assembled.cells.treatment[arms] == 0)
    if len(reference):
        term = terms.arm[reference[0]]
    else:
        term = np.sqrt(model.arm_variance.at(joint.theta)[:, arms[0]]) * joint.scores(seed + 1)
    value = terms.study[0] + term + _known(baseline, model, assembled.link, int(arms[0]))
    if "baseline" in model.columns:
        value = value + joint.x[:, model.column("baseline")]
    return np.asarray(value)


def _known(baseline: StudyBaseline, model: LatentModel, link: Link, arm: int) -> float:
    """Prior mean of the intercept: the offset without the logarithm of follow-up."""
    if model.offset is None:
        return 0.0
    value = float(model.offset[np.flatnonzero(model.part_arm == arm)[0]])
    given = baseline.studies.arms
    if link is Link.CLOGLOG and given is not None and given.time is not None:
        value -= float(np.log(given.time[arm]))
    return value


def fit_baseline(
    network: HasStudies,
    *,
    link: Link | None = None,
    priors: ExchangeableBaselines | None = None,
    new_study: bool = False,
    draws: int | None = None,
    seed: int = SEED,
) -> ReferenceArms:
    """The distribution of baselines over the reference arms of a network, fitted apart from the effects.

    Parameters
    ----------
    network
        The studies and the reference treatment.
    link
        Scale of the linear predictor; None for the outcome's usual one.
    priors
        `mean` and `spread` of the baselines; None for the usual ones. Nothing is said of designs.
    new_study
        Whether the baseline is to be that of a new study; else the mean over studies.
    draws, seed
        As for `synthesise`.

    Raises
    ------
    WrongUsage
        When no study gives the reference treatment by arm.

    Notes
    -----
    Fitted apart, so that an assumption about baselines cannot move the effects. A baseline's variation between studies
    is real, so a prediction for a population like none of them takes a new study's.

    References
    ----------
    dias2013
    """
    chosen = ExchangeableBaselines() if priors is None else priors
    studies = _reference_only(network)
    assembled = assemble(
        studies,
        Consistency(),
        reference=network.reference,
        priors=NetworkPriors(),
        common=True,
        link=link,
    )
    model = _baseline_model(assembled.model, chosen)
    posterior = infer(model, draws=draws, seed=seed)
    joint = joint_draws(posterior)
    mean = joint.x[:, 0]
    predictive = mean + joint.theta[:, 0] * joint.scores(11)
    first, later = joint.estimates(np.stack([mean, predictive], axis=1), ["linear predictor"] * 2)
    spread = hyper_estimate(posterior, 0, "linear predictor")
    return ReferenceArms(len(model.study), first, spread, later, new_study, trust_in(posterior), joint)


def _reference_only(network: HasStudies) -> Studies:
    """The reference arms alone."""
    studies, arms = network.studies, network.studies.arms
    place = studies.treatments.index(network.reference) if network.reference in studies.treatments else -1
    if arms is None or not (arms.treatment == place).any():
        raise WrongUsage(f"no study gives {network.reference} by arm, so there is no baseline to fit.")
    mine = np.flatnonzero(arms.treatment == place)
    names = tuple(studies.names[s] for s in arms.study[mine].tolist())

    def of_these(values: Floats | None) -> Floats | None:
        return None if values is None else values[mine]

    kept = Arms(
        arms.outcome,
        study=np.arange(len(mine)),
        treatment=np.zeros(len(mine), dtype=np.int64),
        events=of_these(arms.events),
        n=of_these(arms.n),
        at_least=of_these(arms.at_least),
        mean=of_these(arms.mean),
        se=of_these(arms.se),
        exposure=of_these(arms.exposure),
        time=of_these(arms.time),
    )
    return Studies(names, (network.reference,), kept)


def _baseline_model(model: LatentModel, priors: ExchangeableBaselines) -> LatentModel:
    """The same data with one baseline, and a term of each study about it."""
    count = len(model.study)
    first = np.ones((len(model.design), 1))
    known = model.column_variance.constant
    return replace(
        model,
        name="baselines of the reference arms from one distribution",
        hypers=(("between baselines", priors.spread),),
        columns=("baseline", *model.columns),
        column_mean=np.r_[priors.mean.mean, model.column_mean],
        column_variance=Variances(np.r_[priors.mean.sd**2, known], np.zeros((1 + len(known), 1))),
        design=np.concatenate([first, model.design], axis=1),
        study_variance=Variances(np.zeros(count), np.ones((count, 1))),
        arm_variance=Variances(np.zeros(count), np.zeros((count, 1))),
        comparisons=type(model.comparisons).none(1 + len(known), 1),
        contrasts=(),
    )
