"""From a file of studies and the options of the command to what was found: which engine, and which model.

Every choice that a reader could dispute is returned among the options, defaults included, so that the answer states it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myopoise.cli.synthesis_options import (
    cautions,
    check_covariate,
    check_data,
    check_options,
    components_join,
    read_classes,
    refuse_pieces,
)
from myopoise.errors import WrongUsage

if TYPE_CHECKING:
    from myopoise.synthesis.findings import Confidence, NetworkEstimate, NetworkSynthesis
    from myopoise.synthesis.models.structures import NetworkPriors, Structure
    from myopoise.synthesis.studies.network import StudyNetwork
    from myopoise.synthesis.studies.reading import StudiesFile
    from myopoise.synthesis.studies.values import Studies

__all__ = ["Fitted", "fit_file"]

_MOST_CONTRIBUTIONS = 40
"""Treatments up to which contributions are worked out: they grow with the square of the comparisons."""
_CORRECTION = 0.5


@dataclass(frozen=True)
class Fitted:
    """What was found, and what it was found from.

    Parameters
    ----------
    found
        By either method.
    file
        As it was read.
    studies
        As they were fitted.
    options
        Every choice, defaults included.
    funnel
        Points of the comparison-adjusted funnel.
    parameters
        Effects of components, where they were estimated by least squares.
    joined
        Whether the model joins pieces of the network that no study joins.
    beside
        Name and hash of each further file.
    """

    found: NetworkSynthesis | NetworkEstimate
    file: StudiesFile
    studies: Studies
    options: dict[str, Any]
    funnel: tuple[dict[str, Any], ...] = ()
    parameters: Mapping[str, Confidence] = field(default_factory=dict)
    joined: bool = False
    beside: Mapping[str, str] = field(default_factory=dict)


def fit_file(path: Path, asked: Mapping[str, Any]) -> Fitted:
    """Read a file of studies and synthesise it.

    Parameters
    ----------
    path
        The file.
    asked
        Options of the command, by the names of its parameters; None where nothing was said.

    Raises
    ------
    BadInput
        For faults of the data.
    WrongUsage
        For options that do not fit each other or the data.
    """
    check_options(asked)
    from myopoise.synthesis.studies.network import network
    from myopoise.synthesis.studies.reading import read_studies

    file = read_studies(
        path,
        outcome=asked["outcome"],
        layout=asked["layout"],
        endpoint=asked["endpoint"],
        single_arms=asked["single_arms"],
        trust_spread=asked["trust_spread"],
    )
    studies = file.studies
    options: dict[str, Any] = {
        "method": asked["method"],
        "outcome": asked["outcome"] or _outcome_of(studies),
        "model": asked["model"],
        "effects": asked["effects"],
        "direction": asked["direction"],
    }
    if asked["measure"] and asked["method"] == "bayes":
        studies = _as_measure(studies, asked["measure"], _CORRECTION)
        options["measure"] = asked["measure"]
    net = network(studies, asked["reference"])
    check_data(asked, file, net.treatments)
    notes = tuple(note for note in studies.notes if note not in file.studies.notes)
    if studies is not file.studies and file.studies.arms is not None and asked["model"] != "component":
        refuse_pieces(net, notes, "Leave --measure out; use")
    options |= {"reference": net.reference, "reference_why": net.why}
    if asked["method"] == "frequentist":
        return _frequentist(file, net, options, asked)
    return _bayes(file, net, options, asked)


# --- Bayesian ---------------------------------------------------------------------------------------------


def _bayes(file: StudiesFile, net: StudyNetwork, options: dict[str, Any], asked: Mapping[str, Any]) -> Fitted:
    from myopoise.synthesis.links import Link
    from myopoise.synthesis.models.assembly import ExchangeableBaselines, usual_link
    from myopoise.synthesis.studies.values import Outcome
    from myopoise.synthesis.synthesising import SEED, synthesise, synthesise_splits

    arms = net.studies.arms
    link = Link(asked["link"]) if asked["link"] else usual_link(arms.outcome if arms else Outcome.CONTRAST)
    priors, spelled = _priors(asked)
    seed = SEED if asked["seed"] is None else asked["seed"]
    options |= {"link": link.value, "seed": seed, "draws": asked["draws"], "priors": spelled}
    common: dict[str, Any] = {
        "effects": asked["effects"],
        "link": link,
        "direction": asked["direction"],
        "seed": seed,
        "draws": asked["draws"],
    }
    beside: dict[str, str] = {}
    if asked["model"] == "node-split":
        found = synthesise_splits(net, priors, **common)
    else:
        structure, beside = _structure(net, asked, options)
        baselines = ExchangeableBaselines() if asked["single_arms"] else None
        if baselines is not None:
            options["baselines"] = str(baselines)
        found = synthesise(net, structure, priors, baselines=baselines, **common)
    joined = asked["single_arms"] or (asked["model"] == "component" and components_join(net, options))
    told = [note for note in net.studies.notes if note not in file.studies.notes]
    told += cautions(asked, file, net.treatments)
    if asked["model"] == "node-split" and not found.splits:
        told.append("No comparison has both direct and indirect evidence, so nothing could be split.")
    # Contrasts of which nobody said what they are have no name, and are not mean differences by default.
    scale = found.scale if arms is not None else net.studies.measure
    said = {name: _implied(name, words, priors, scale or "effect") for name, words in found.priors.items()}
    return Fitted(
        replace(found, scale=scale, priors=said, warnings=(*found.warnings, *told)),
        file,
        net.studies,
        options,
        funnel=_funnel(net),
        joined=joined,
        beside=beside,
    )


def _priors(asked: Mapping[str, Any]) -> tuple[NetworkPriors, dict[str, str]]:
    from myopoise.synthesis.models.structures import NetworkPriors
    from myopoise.synthesis.prior_words import parse_normal, parse_prior, spell_prior

    chosen = NetworkPriors()
    if asked["prior_treatment"]:
        chosen = replace(chosen, treatment=parse_normal(asked["prior_treatment"], "treatment"))
    if asked["prior_intercept"]:
        chosen = replace(chosen, intercept=parse_normal(asked["prior_intercept"], "intercept"))
    if asked["prior_tau"]:
        chosen = replace(chosen, heterogeneity=parse_prior(asked["prior_tau"], "tau"))
    spelled = {
        "treatment": spell_prior(chosen.treatment),
        "intercept": spell_prior(chosen.intercept),
        "tau": spell_prior(chosen.heterogeneity),
    }
    return chosen, spelled


def _implied(name: str, words: str, priors: NetworkPriors, scale: str) -> str:
    """The sentence of a prior, and what it says of treatments and trials."""
    if name == "treatment effects":
        return f"{words}; {priors.treatment.meaning(scale)}"
    if name == "tau":
        return f"{words}; {priors.heterogeneity.meaning(scale)}"
    return words


def _structure(
    net: StudyNetwork, asked: Mapping[str, Any], options: dict[str, Any]
) -> tuple[Structure | None, dict[str, str]]:
    """The structure that a word of the command means, and the hashes of the files it took."""
    from myopoise.synthesis.models.structures import (
        ClassEffects,
        Components,
        DesignInconsistency,
        MetaRegression,
        UnrelatedMeans,
    )

    if asked["model"] == "ume":
        return UnrelatedMeans(), {}
    if asked["model"] == "inconsistency":
        return DesignInconsistency(), {}
    if asked["model"] == "meta-regression":
        interaction: Any = asked["interaction"] or "shared"
        options |= {"covariate": asked["covariate"], "interaction": interaction}
        check_covariate(net.studies, asked["covariate"])
        return MetaRegression(asked["covariate"], interaction), {}
    if asked["model"] == "class":
        kind: Any = asked["class_kind"] or "exchangeable"
        classes, sha256 = read_classes(asked["classes"], net.treatments)
        options |= {"classes": classes, "class_kind": kind}
        return ClassEffects(classes, kind), {asked["classes"].name: sha256}
    if asked["model"] == "component":
        options |= {"separator": asked["separator"], "inactive": asked["inactive"] or net.reference}
        return Components(asked["separator"], asked["inactive"]), {}
    return None, {}


# --- frequentist ------------------------------------------------------------------------------------------


def _frequentist(
    file: StudiesFile, net: StudyNetwork, options: dict[str, Any], asked: Mapping[str, Any]
) -> Fitted:
    from myopoise.synthesis.frequentist.network import estimate_network
    from myopoise.synthesis.studies.network import network

    correction = _CORRECTION if asked["correction"] is None else asked["correction"]
    studies = net.studies
    if studies.arms is not None or asked["measure"]:
        measure = asked["measure"] or _measure(_outcome_of(studies), asked["link"])
        studies = _as_measure(studies, measure, correction)
        options |= {"measure": measure, "correction": correction}
    estimator: Any = asked["tau_estimator"] or "REML"
    options |= {"tau_estimator": estimator if asked["effects"] == "random" else None, "seed": asked["seed"]}
    left = tuple(note for note in studies.notes if note not in file.studies.notes)
    told = (*left, *cautions(asked, file, net.treatments))
    if net.reference not in studies.treatments:
        net = network(studies, asked["reference"])
        options |= {"reference": net.reference, "reference_why": net.why}
    if asked["model"] != "component":
        refuse_pieces(network(studies, net.reference), left, "Use --method bayes, which shows each piece;")
    if asked["model"] == "component":
        return _components(file, replace(net, studies=studies), options, asked, told)
    hartung_knapp: Any = (
        "full" if asked["hartung_knapp"] else "ad-hoc" if asked["hartung_knapp_ad_hoc"] else False
    )
    options["hartung_knapp"] = hartung_knapp or "no"
    few = len(net.treatments) <= _MOST_CONTRIBUTIONS
    options["contributions"] = (
        "shortestpath" if few else f"not for more than {_MOST_CONTRIBUTIONS} treatments"
    )
    found = estimate_network(
        studies,
        reference=net.reference,
        effects=asked["effects"],
        tau_estimator=estimator,
        hartung_knapp=hartung_knapp,
        direction=asked["direction"],
        contributions="shortestpath" if few else False,
    )
    return Fitted(
        replace(found, warnings=(*found.warnings, *told)),
        file,
        studies,
        options,
        funnel=_funnel(replace(net, studies=studies)),
    )


def _components(
    file: StudiesFile,
    net: StudyNetwork,
    options: dict[str, Any],
    asked: Mapping[str, Any],
    told: tuple[str, ...],
) -> Fitted:
    """The additive model, told in the terms of a network."""
    from myopoise.synthesis.findings import NetworkEstimate, TestOfQ
    from myopoise.synthesis.frequentist.components import estimate_components

    inactive = asked["inactive"] or ""
    options |= {"separator": asked["separator"], "inactive": inactive or None}
    found = estimate_components(
        net.studies,
        reference=net.reference,
        separator=asked["separator"],
        inactive=inactive,
        effects=asked["effects"],
        tau_estimator=asked["tau_estimator"] or "REML",
    )
    nothing = TestOfQ(float("nan"), 0, float("nan"))
    cost = found.q_difference
    degrees = f"{cost.df} degree{'' if cost.df == 1 else 's'} of freedom"
    said = (
        f"Q {cost.q:.2f} on {degrees}, P {cost.p_value:.3g}"
        if cost.df
        else "nothing that these data can show"
    )
    told = (*found.warnings, f"What additivity costs: {said}.", *told)
    estimate = NetworkEstimate(
        model=found.model,
        studies=len(net.studies.names),
        arms=net.studies.arm_count,
        treatments=found.treatments,
        scale=net.studies.measure,
        relative_effects=found.relative_effects,
        prediction={},
        tau2=found.tau2,
        tau2_se=found.tau2_se,
        i2=float("nan"),
        q_total=found.q_additive,
        q_within=nothing,
        q_between=nothing,
        p_scores={},
        contributions={},
        splits=(),
        warnings=told,
    )
    return Fitted(estimate, file, net.studies, options, parameters=found.components, joined=True)


_MEASURES = {
    ("binomial", "logit"): "log odds ratio",
    ("binomial", "log"): "log risk ratio",
    ("binomial", "identity"): "risk difference",
    ("normal", "identity"): "mean difference",
    ("poisson", "log"): "log rate ratio",
}
"""The contrasts that an outcome has on a link; the first of each outcome is its usual one."""


def _measure(outcome: str, link: str | None) -> str:
    links = {on: measure for (of, on), measure in _MEASURES.items() if of == outcome}
    if not links:
        raise WrongUsage(
            f"{outcome} outcomes have no contrasts for least squares; use --method bayes, which needs none."
        )
    if link is not None and link not in links:
        raise WrongUsage(
            f"Least squares has no contrasts of {outcome} outcomes on the {link} link; use {' or '.join(links)}."
        )
    return links[link or next(iter(links))]


def _as_measure(studies: Studies, measure: str, correction: float) -> Studies:
    """The studies as contrasts of one measure; contrasts given as such get its name."""
    from myopoise.synthesis.studies.measures import MEASURES, contrasts_of

    if studies.arms is None:
        return replace(studies, measure=measure)
    if measure not in MEASURES:
        near = get_close_matches(measure, MEASURES, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise WrongUsage(f"'{measure}' is no measure.{hint} Choose one of {', '.join(MEASURES)}.")
    return contrasts_of(studies, measure, correction=correction, no_events="drop")  # type: ignore[arg-type]


def _funnel(net: StudyNetwork) -> tuple[dict[str, Any], ...]:
    """Points of the comparison-adjusted funnel, the reference last; none for results by arm or a network in pieces."""
    from myopoise.synthesis.frequentist.small_study import adjusted_funnel

    studies = net.studies
    if studies.arms is not None or not studies.contrasts or not net.is_connected:
        return ()
    used = {studies.treatments[t] for block in studies.contrasts for t in block.treatment.ravel().tolist()}
    order = [name for name in (*net.treatments[1:], net.reference) if name in used]
    points = adjusted_funnel(studies, order).points
    return tuple(
        {
            "study": point.study,
            "treatment": point.comparison[0],
            "versus": point.comparison[1],
            "centred": point.difference,
            "se": point.se,
        }
        for point in points
    )


def _outcome_of(studies: Studies) -> str:
    return "contrast" if studies.arms is None else studies.arms.outcome.value
