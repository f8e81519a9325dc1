"""Every case: one data set under one model of one peer, and how our engine is asked for the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from reference_data import (
    Missing,
    Network,
    Rows,
    arms_network,
    mixed_network,
    ordered_network,
    pairwise_network,
    reference_folder,
    table,
    without_third_arms,
)

from myopoise.estimate import Estimate
from myopoise.synthesis.effects import estimates
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import assemble
from myopoise.synthesis.models.structures import (
    Consistency,
    MetaRegression,
    NetworkPriors,
    NodeSplit,
    Structure,
    UnrelatedMeans,
)
from myopoise.synthesis.priors import HalfNormal, LogNormal, Normal, Prior, Uniform
from myopoise.synthesis.synthesising import splittable, synthesise, synthesise_splits

__all__ = ["CASES", "PEERS", "Answers", "Case", "Missing", "answers"]

PEERS = ("multinma", "jags", "gemtc", "bayesmeta")
FLAT = 1e6
"""Standard deviation of a normal that stands for a flat prior, in units of the largest standard error."""

Answers = Mapping[tuple[str, str, str], Estimate | float]
"""By quantity and the one or two things it is about."""

_NUMBER = re.compile(r"^\d+\) ")


@dataclass(frozen=True)
class Case:
    """One data set under one model of one peer.

    Parameters
    ----------
    peer, data, model
        Folder of the peer, folder of the data set, identifier of the model in it.
    call
        What was asked of our engine, in words.
    network
        The studies, from the rows of the data set.
    ask
        Our answers.
    """

    peer: str
    data: str
    model: str
    call: str
    network: Callable[[Rows], Network]
    ask: Callable[[Network], NetworkSynthesis]

    @property
    def name(self) -> str:
        """Data set and model."""
        return f"{self.data}/{self.model}"

    def fit(self) -> NetworkSynthesis:
        """Our synthesis."""
        return self.ask(self.network(table(reference_folder() / self.data / "data.csv")))


def answers(found: NetworkSynthesis) -> Answers:
    """Everything a synthesis says, by quantity."""
    said: dict[tuple[str, str, str], Estimate | float] = {}
    for name, effects in (
        ("relative_effect", found.relative_effects),
        ("relative_effect_predictive", found.predictive),
    ):
        said |= {(name, _plain(a), _plain(b)): e for (a, b), e in effects.items()}
    said |= {("parameter", name, ""): e for name, e in found.parameters.items()}
    said |= {(name, "", ""): e for name, e in found.heterogeneity.items()}
    for rank in found.ranking:
        said["sucra", _plain(rank.treatment), ""] = rank.sucra
        said |= {
            ("rank_prob", _plain(rank.treatment), f"{i + 1}"): p for i, p in enumerate(rank.probabilities)
        }
    if found.fit is not None:
        fit = found.fit
        said |= {
            ("resdev", "", ""): fit.residual_deviance,
            ("pD", "", ""): fit.pd,
            ("DIC", "", ""): fit.dic,
        }
    for split in found.splits:
        pair = (_plain(split.treatment), _plain(split.versus))
        for name in ("direct", "indirect", "difference"):
            value = getattr(split, name)
            said[name, *pair] = value
        said["p_value", *pair] = split.p_value
    if ("relative_effect", "mu", "control") in said:
        said["mu", "", ""] = said["relative_effect", "mu", "control"]
    return said


def _plain(treatment: str) -> str:
    """A name without the number that put it in a peer's order."""
    return _NUMBER.sub("", treatment)


def _words(priors: NetworkPriors, structure: Structure, common: bool) -> str:
    tau = "common effects" if common else f"tau ~ {priors.heterogeneity.sentence}"
    effects, intercepts = priors.treatment.sentence, priors.intercept.sentence
    return f"synthesise: {structure.sentence}; effects ~ {effects}; intercepts ~ {intercepts}; {tau}"


def _case(
    peer: str,
    data: str,
    model: str,
    network: Callable[[Rows], Network],
    tau: Prior | None,
    *,
    structure: Structure | None = None,
    treatment: float = 100.0,
    direction: str = "lower",
    link: Link | None = None,
    splits: bool = False,
) -> Case:
    """A network under a consistent set of choices; `tau` None for common effects."""
    how = Consistency() if structure is None else structure
    common = tau is None
    priors = NetworkPriors(treatment=Normal(0.0, treatment))
    if tau is not None:
        priors = NetworkPriors(treatment=Normal(0.0, treatment), heterogeneity=tau)
    choices = {"effects": "common" if common else "random", "link": link, "direction": direction}
    ask = (
        partial(synthesise_splits, priors=priors, **choices)
        if splits
        else partial(synthesise, model=structure, priors=priors, **choices)
    )
    words = _words(priors, how, common) + ("; node-splits" if splits else "")
    return Case(peer, data, model, words + (f"; link {link}" if link else ""), network, ask)


def _split_as_gemtc(network: Network, priors: NetworkPriors) -> NetworkSynthesis:
    """Node-splits in which a study of both treatments keeps these two arms only, as gemtc has it."""
    from dataclasses import replace

    from myopoise.synthesis.findings import Split
    from myopoise.synthesis.laplace import infer

    whole = synthesise(network, priors=priors, fit=False)
    splits = []
    for treatment, versus in splittable(network.studies, network.reference):
        fewer = without_third_arms(network, treatment, versus)
        laid = assemble(
            fewer.studies, NodeSplit(treatment, versus), reference=network.reference, priors=priors
        )
        at = laid.treatments.index
        if laid.effects is None:
            raise ValueError("a split node has effects")
        indirect = laid.effects[at(treatment)] - laid.effects[at(versus)]
        omega = np.array([float(column.name == "omega") for column in laid.columns])
        posterior = infer(laid.model)
        found = estimates(posterior, np.stack([indirect + omega, indirect, omega]), whole.scale)
        below = float(posterior.weights.values @ (posterior.x @ omega < 0.0))
        network_effect = whole.relative_effects[treatment, versus]
        p_value = 2.0 * min(below, 1.0 - below)
        splits.append(
            Split(treatment, versus, found[0], found[1], network_effect, found[2], p_value, studies=())
        )
    return replace(whole, splits=tuple(splits))


def _smoking() -> list[Case]:
    order = ("No intervention", "Self-help", "Individual counselling", "Group counselling")
    plain = partial(arms_network, reference="No intervention")
    as_listed = partial(arms_network, reference="No intervention", order=order)
    hn5, unif5, unrelated = HalfNormal(5.0), Uniform(0.0, 5.0), UnrelatedMeans()
    higher = partial(_case, direction="higher")
    # gemtc scales its priors by the data: 15 and 1 times the largest effect it sees.
    gemtc = partial(higher, "gemtc", "smoking", treatment=52.837752, tau=Uniform(0.0, 3.5225168))
    gemtc_priors = NetworkPriors(treatment=Normal(0.0, 52.837752), heterogeneity=Uniform(0.0, 3.5225168))
    return [
        higher("multinma", "smoking", "multinma_FE", plain, None),
        higher("multinma", "smoking", "multinma_RE", plain, hn5),
        higher("multinma", "smoking", "multinma_UME_FE", plain, None, structure=unrelated),
        higher("multinma", "smoking", "multinma_UME_RE", plain, hn5, structure=unrelated),
        higher("multinma", "smoking", "multinma_nodesplit_RE", plain, hn5, splits=True),
        higher("jags", "smoking", "jags_FE", plain, None),
        higher("jags", "smoking", "jags_RE_unif5", plain, unif5),
        higher("jags", "smoking", "jags_RE_hn5", plain, hn5),
        gemtc("gemtc_consistency_RE", as_listed),
        gemtc("gemtc_ume_RE", as_listed, structure=unrelated),
        Case(
            "gemtc",
            "smoking",
            "gemtc_nodesplit_RE",
            "infer: node-splits; a study of both treatments keeps these two arms only",
            as_listed,
            partial(_split_as_gemtc, priors=gemtc_priors),
        ),
    ]


def _other_counts() -> list[Case]:
    blocker = partial(arms_network, reference="Control")
    bcg = partial(arms_network, reference="Unvaccinated", covariates=["latitude"])
    diabetes = partial(arms_network, reference="Diuretic")
    psoriasis = partial(
        ordered_network, reference="Supportive care", categories=["PASI50", "PASI75", "PASI90"]
    )
    hn5, unif5 = HalfNormal(5.0), Uniform(0.0, 5.0)
    clog = partial(_case, link=Link.CLOGLOG)
    ordered = partial(_case, "multinma", "hta_psoriasis", treatment=10.0, direction="higher")
    return [
        _case("multinma", "blocker", "multinma_FE", blocker, None),
        _case("multinma", "blocker", "multinma_RE", blocker, hn5),
        _case("jags", "blocker", "jags_RE_unif5", blocker, unif5),
        _case("multinma", "bcg_vaccine", "multinma_RE", bcg, hn5),
        _case(
            "multinma",
            "bcg_vaccine",
            "multinma_RE_latitude",
            bcg,
            hn5,
            structure=MetaRegression("latitude"),
        ),
        clog("multinma", "diabetes", "multinma_FE", diabetes, None, treatment=10.0),
        clog("multinma", "diabetes", "multinma_RE", diabetes, hn5, treatment=10.0),
        clog("jags", "diabetes", "jags_FE", diabetes, None),
        clog("jags", "diabetes", "jags_RE_unif5", diabetes, unif5),
        ordered("multinma_FE", psoriasis, None),
        ordered("multinma_RE", psoriasis, HalfNormal(2.5)),
    ]


def _parkinsons() -> list[Case]:
    by_arm = partial(arms_network, reference="4")
    contrasts = partial(mixed_network, reference="4", by_arm=())
    mixed = partial(mixed_network, reference="4", by_arm=("1", "2", "3"))
    hn5 = HalfNormal(5.0)
    return [
        _case("multinma", "parkinsons", "multinma_arm_FE", by_arm, None),
        _case("multinma", "parkinsons", "multinma_arm_RE", by_arm, hn5),
        _case("multinma", "parkinsons", "multinma_contrast_FE", contrasts, None),
        _case("multinma", "parkinsons", "multinma_contrast_RE", contrasts, hn5),
        _case("multinma", "parkinsons", "multinma_mixed_RE", mixed, hn5),
        _case("jags", "parkinsons", "jags_FE", by_arm, None),
        _case("jags", "parkinsons", "jags_RE_unif5", by_arm, Uniform(0.0, 5.0)),
    ]


def _pairwise(data: str, model: str, tau: Callable[[float], Prior], words: str) -> Case:
    def ask(network: Network) -> NetworkSynthesis:
        largest = float(np.sqrt(network.studies.contrasts[0].covariance.max()))
        priors = NetworkPriors(treatment=Normal(0.0, FLAT * largest), heterogeneity=tau(largest))
        return synthesise(network, priors=priors)

    call = f"synthesise: one contrast a study; mu flat; tau {words}"
    return Case("bayesmeta", data, model, call, pairwise_network, ask)


def _bayesmeta_cases() -> list[Case]:
    improper = (
        lambda se: Uniform(0.0, 200.0 * se),
        "~ uniform(0, 200 largest standard errors), for an improper one",
    )
    unif5 = (lambda se: Uniform(0.0, 5.0), "~ uniform(0, 5)")
    turner = (lambda se: LogNormal(-1.28, 0.87), "~ log-normal, tau^2 as in Turner 2012")

    def half(scale: float) -> tuple[Callable[[float], Prior], str]:
        return (lambda se: HalfNormal(scale)), f"~ half-normal({scale:g})"

    on_log_odds = {"halfnormal05": half(0.5), "uniform": improper, "unif5": unif5, "lognormal_turner": turner}
    asked = {
        "crins2014": on_log_odds | {"halfnormal1": half(1.0)},
        "dat_bcg": on_log_odds,
        "dat_hackshaw1998": on_log_odds,
        "dat_nielweise2007": on_log_odds,
        "dat_yusuf1985": on_log_odds,
        "dat_normand1999": {"uniform": improper, "halfnormal50": half(50.0)},
        "rubin1981": {"uniform": improper, "halfnormal10": half(10.0)},
    }
    return [
        _pairwise(data, f"bayesmeta_{name}", tau, words)
        for data, models in asked.items()
        for name, (tau, words) in models.items()
    ]


CASES: tuple[Case, ...] = (*_smoking(), *_other_counts(), *_parkinsons(), *_bayesmeta_cases())
