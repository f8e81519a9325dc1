"""The Bayesian synthesis of a network: from studies and a model to effects, ranks, fit, and how far to trust them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.estimate import Estimate
from myopoise.synthesis.checking import trust_in
from myopoise.synthesis.effects import Noise, estimates, hyper_estimate, share_below
from myopoise.synthesis.findings import NetworkSynthesis, Pair, Rank, Split
from myopoise.synthesis.fit import describe_fit
from myopoise.synthesis.laplace import Posterior, infer, more_draws
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import Assembled, ExchangeableBaselines, assemble, natural_order
from myopoise.synthesis.models.structures import (
    Components,
    Consistency,
    DesignInconsistency,
    NetworkPriors,
    NodeSplit,
    Structure,
    UnrelatedMeans,
)
from myopoise.synthesis.prior_words import parse_normal, parse_prior
from myopoise.synthesis.studies.values import Outcome, Studies

__all__ = ["HasStudies", "ranks_of", "splittable", "synthesise", "synthesise_splits"]

Floats = NDArray[np.float64]

SEED = 20061


class HasStudies(Protocol):
    """Studies with the treatment that effects are measured against: a network, for example."""

    @property
    def studies(self) -> Studies:
        """What was seen."""
        ...

    @property
    def reference(self) -> str:
        """The treatment that effects are measured against."""
        ...


def synthesise(
    network: HasStudies,
    model: Structure | str | None = None,
    priors: NetworkPriors | Mapping[str, str] | None = None,
    *,
    effects: Literal["random", "common"] = "random",
    link: Link | None = None,
    baselines: ExchangeableBaselines | None = None,
    direction: Literal["higher", "lower"] = "higher",
    draws: int | None = None,
    seed: int = SEED,
    fit: bool = True,
) -> NetworkSynthesis:
    """Bayesian pairwise or network meta-analysis.

    Parameters
    ----------
    network
        The studies and the reference treatment.
    model
        How effects enter: a structure, or the name of one that needs nothing more (``consistency``, ``ume``,
        ``inconsistency``, ``component``); None for consistency. `synthesise_splits` splits nodes and compares.
    priors
        Of effects, intercepts and heterogeneity, as values or as words (``{"tau": "half-normal:0.5"}``); None for the
        vague ones of the reference programs. The result says what they imply.
    effects
        ``random`` or ``common``.
    link
        Scale of the linear predictor; None for the outcome's usual one.
    baselines
        Study intercepts from one distribution, so that single-arm studies speak; None for a vague one each.
    direction
        Whether a higher effect is better, for the ranks.
    draws, seed
        For the inference; None for as many draws as the numerical error asks for. The effects of a normal model need
        none.
    fit
        Whether to describe the fit (deviance, DIC, leave-one-out), which takes as long again.

    Raises
    ------
    WrongUsage
        When the choices do not fit together.
    """
    structure = _structure(model)
    chosen = _priors(priors)
    assembled = assemble(
        network.studies,
        structure,
        reference=network.reference,
        priors=chosen,
        common=effects == "common",
        link=link,
        baselines=baselines,
    )
    posterior = infer(assembled.model, draws=draws, seed=seed)
    return describe(network.studies, assembled, posterior, chosen, direction=direction, seed=seed, fit=fit)


_NAMED: Mapping[str, Structure] = {
    "consistency": Consistency(),
    "ume": UnrelatedMeans(),
    "inconsistency": DesignInconsistency(),
    "component": Components(),
}


def _structure(model: Structure | str | None) -> Structure:
    if isinstance(model, str):
        if model not in _NAMED:
            raise WrongUsage(f"no model is called {model!r}; by name there are {', '.join(_NAMED)}.")
        return _NAMED[model]
    return Consistency() if model is None else model


def _priors(priors: NetworkPriors | Mapping[str, str] | None) -> NetworkPriors:
    """Priors as values, from words where they are given in words."""
    if isinstance(priors, NetworkPriors):
        return priors
    words = dict(priors or {})
    chosen = NetworkPriors()
    for what in ("treatment", "intercept", "regression"):
        if what in words:
            chosen = replace(chosen, **{what: parse_normal(words.pop(what), what)})
    if "tau" in words:
        chosen = replace(chosen, heterogeneity=parse_prior(words.pop("tau"), "tau"))
    if "spread" in words:
        chosen = replace(chosen, spread=parse_prior(words.pop("spread"), "spread"))
    if words:
        allowed = "treatment, intercept, regression, tau, spread"
        raise WrongUsage(f"there is no prior of {', '.join(map(repr, words))}; there are {allowed}.")
    return chosen


def describe(
    studies: Studies,
    assembled: Assembled,
    posterior: Posterior,
    priors: NetworkPriors,
    *,
    direction: Literal["higher", "lower"],
    seed: int = SEED,
    fit: bool = True,
) -> NetworkSynthesis:
    """What a posterior says, in the terms of the network.

    Parameters
    ----------
    studies, assembled, posterior, priors
        What was fitted, and the fit.
    direction, seed, fit
        As for `synthesise`.
    """
    scale = scale_of(studies, assembled.link)
    relative, predictive = _relative(assembled, posterior, scale, seed)
    hypers = [name for name, _ in assembled.model.hypers]
    treatments = set(_effect_names(assembled))
    others = [i for i, column in enumerate(assembled.columns) if column.name not in treatments]
    summaries = estimates(posterior, np.eye(len(assembled.columns))[others], scale) if others else ()
    trust = trust_in(posterior)
    return NetworkSynthesis(
        model=assembled.model.name,
        studies=len(studies.names),
        arms=studies.arm_count,
        treatments=assembled.treatments,
        scale=scale,
        relative_effects=relative,
        predictive=predictive,
        heterogeneity={name: hyper_estimate(posterior, k, scale) for k, name in enumerate(hypers)},
        parameters={assembled.columns[i].name: e for i, e in zip(others, summaries, strict=True)},
        fit=describe_fit(posterior, _points(studies)) if fit else None,
        ranking=() if assembled.effects is None else ranks_of(assembled, posterior, direction),
        splits=(),
        priors=_prior_sentences(assembled, priors),
        trust=trust,
        warnings=() if trust.ok else (trust.sentence,),
        posterior=posterior,
        assembled=assembled,
    )


def scale_of(studies: Studies, link: Link) -> str:
    """What an effect is, in words: the link's, or the measure of contrasts given as such."""
    if studies.arms is not None and studies.arms.outcome is not Outcome.NORMAL:
        return link.scale
    return studies.measure or link.scale


def _effect_names(assembled: Assembled) -> list[str]:
    return [f"d[{t}]" for t in assembled.treatments]


def _relative(
    assembled: Assembled, posterior: Posterior, scale: str, seed: int
) -> tuple[Mapping[Pair, Estimate], Mapping[Pair, Estimate]]:
    """Every ordered pair, now and in a new study; for unrelated means, the pairs that were compared."""
    names = assembled.treatments
    if assembled.effects is None:
        pairs, contrasts = _direct_pairs(assembled)
    else:
        pairs = [(a, b) for i, a in enumerate(names) for b in names[:i]]
        at = {name: i for i, name in enumerate(names)}
        contrasts = np.array([assembled.effects[at[a]] - assembled.effects[at[b]] for a, b in pairs])
    now = estimates(posterior, contrasts.reshape(len(pairs), -1), scale)
    later = now
    if not assembled.common:
        later = estimates(posterior, contrasts, scale, noise=Noise.of(posterior, 0, seed))
    return _both_ways(pairs, now), _both_ways(pairs, later)


def _direct_pairs(assembled: Assembled) -> tuple[list[Pair], Floats]:
    names = assembled.treatments
    place = {column.name: i for i, column in enumerate(assembled.columns)}
    pairs = [(a, b) for a in names for b in names if f"d[{a} v {b}]" in place]
    return pairs, np.eye(len(assembled.columns))[[place[f"d[{a} v {b}]"] for a, b in pairs]]


def _both_ways(pairs: list[Pair], found: tuple[Estimate, ...]) -> Mapping[Pair, Estimate]:
    both: dict[Pair, Estimate] = {}
    for (a, b), e in zip(pairs, found, strict=True):
        both[a, b] = e
        both[b, a] = replace(e, mean=-e.mean, median=-e.median, low=-e.high, high=-e.low)
    return both


def ranks_of(
    assembled: Assembled, posterior: Posterior, direction: Literal["higher", "lower"]
) -> tuple[Rank, ...]:
    """Where each treatment may stand, best first.

    Parameters
    ----------
    assembled, posterior
        The model and its fit.
    direction
        Whether a higher effect is better.
    """
    if assembled.effects is None:
        raise WrongUsage("treatments cannot be ranked where effects are not consistent.")
    sign = -1.0 if direction == "higher" else 1.0
    count = len(assembled.treatments)
    plain = _shares_of_ranks(sign * (more_draws(posterior) @ assembled.effects.T))
    surplus = posterior.surplus
    # As for intervals: how ranks fall before weighting is cheap to know well, the weights only correct it.
    probabilities = plain + _shares_of_ranks(sign * (posterior.x @ assembled.effects.T), surplus)
    probabilities = _ties(assembled.effects) @ np.clip(probabilities, 0.0, 1.0)
    probabilities = probabilities / probabilities.sum(1, keepdims=True)
    mean = probabilities @ np.arange(1.0, count + 1.0)
    found = [
        Rank(t, float(m), float((count - m) / max(1, count - 1)), tuple(map(float, p)))
        for t, m, p in zip(assembled.treatments, mean, probabilities, strict=True)
    ]
    return tuple(sorted(found, key=lambda rank: (rank.mean_rank, rank.treatment)))


def _ties(effects: Floats) -> Floats:
    """Averages treatments that a model makes one, ``(treatment, treatment)``: their names must not rank them."""
    same = (effects[:, None] == effects).all(axis=-1)
    return np.asarray(same / same.sum(axis=1))


def _shares_of_ranks(values: Floats, weights: Floats | None = None) -> Floats:
    """Weight of the draws in which each treatment has each rank, ``(treatment, rank)``; the lowest value is first."""
    count = values.shape[1]
    order = np.argsort(values, axis=1, kind="stable")
    weights = np.full(len(values), 1.0 / len(values)) if weights is None else weights
    ranks = [np.bincount(order[:, rank], weights, minlength=count) for rank in range(count)]
    return np.stack(ranks, axis=1)


def _points(studies: Studies) -> list[tuple[str, str]]:
    """Study and treatment of each data point."""
    names, treatments = studies.names, studies.treatments
    points: list[tuple[str, str]] = []
    if studies.arms is not None:
        arms = zip(studies.arms.study, studies.arms.treatment, strict=True)
        points += [(names[s], treatments[t]) for s, t in arms]
    for block in studies.contrasts:
        points += [
            (names[s], ", ".join(treatments[t] for t in given))
            for s, given in zip(block.study, block.treatment, strict=True)
        ]
    return points


def _prior_sentences(assembled: Assembled, priors: NetworkPriors) -> Mapping[str, str]:
    sentences = {"treatment effects": priors.treatment.sentence}
    if len(assembled.model.study):
        sentences["study intercepts"] = priors.intercept.sentence
    return sentences | {name: prior.sentence for name, prior in assembled.model.hypers}


def splittable(studies: Studies, reference: str) -> tuple[Pair, ...]:
    """Comparisons with direct evidence that are still connected when all studies of both treatments are taken out.

    Parameters
    ----------
    studies
        The network.
    reference
        Treatments are taken reference first, then by name; the earlier of a pair is `versus`.

    Notes
    -----
    A study of three arms holds both kinds of evidence on each of its comparisons, so it counts as direct only (after
    van Valkenhoef et al. 2016): what is called indirect must come from other studies.
    """
    others = sorted((t for t in studies.treatments if t != reference), key=natural_order)
    ordered = [reference, *others]
    given = _treatments_by_study(studies)
    pairs = []
    for j, b in enumerate(ordered):
        for a in ordered[:j]:
            direct = [t for t in given if a in t and b in t]
            if direct and _connected(a, b, [t for t in given if not (a in t and b in t)]):
                pairs.append((b, a))
    return tuple(pairs)


def _treatments_by_study(studies: Studies) -> list[set[str]]:
    """In the order of the names, whatever the order of arms and of blocks of contrasts."""
    given: dict[int, set[str]] = {}
    if studies.arms is not None:
        for s, t in zip(studies.arms.study.tolist(), studies.arms.treatment.tolist(), strict=True):
            given.setdefault(s, set()).add(studies.treatments[t])
    for block in studies.contrasts:
        for s, row in zip(block.study.tolist(), block.treatment.tolist(), strict=True):
            given.setdefault(s, set()).update(studies.treatments[t] for t in row)
    return [given.get(s, set()) for s in range(len(studies.names))]


def _connected(a: str, b: str, groups: list[set[str]]) -> bool:
    reached, grew = {a}, True
    while grew:
        size = len(reached)
        for group in groups:
            if group & reached:
                reached |= group
        grew = len(reached) > size
    return b in reached


def synthesise_splits(
    network: HasStudies,
    priors: NetworkPriors | Mapping[str, str] | None = None,
    *,
    effects: Literal["random", "common"] = "random",
    link: Link | None = None,
    direction: Literal["higher", "lower"] = "higher",
    draws: int | None = None,
    seed: int = SEED,
    fit: bool = True,
) -> NetworkSynthesis:
    """Node-splitting of every comparison that can be split, beside the consistency model.

    Parameters
    ----------
    network, priors, effects, link, direction, draws, seed, fit
        As for `synthesise`.

    Returns
    -------
    found
        The consistency model, with `splits` filled; empty where no comparison has both kinds of evidence.
    """
    whole = synthesise(
        network,
        None,
        priors,
        effects=effects,
        link=link,
        direction=direction,
        draws=draws,
        seed=seed,
        fit=fit,
    )
    chosen = _priors(priors)
    splits = []
    for treatment, versus in splittable(network.studies, network.reference):
        assembled = assemble(
            network.studies,
            NodeSplit(treatment, versus),
            reference=network.reference,
            priors=chosen,
            common=effects == "common",
            link=link,
        )
        posterior = infer(assembled.model, draws=draws, seed=seed)
        splits.append(_split(network.studies, whole, assembled, posterior, treatment, versus))
    return replace(whole, splits=tuple(splits))


def _split(
    studies: Studies,
    whole: NetworkSynthesis,
    assembled: Assembled,
    posterior: Posterior,
    treatment: str,
    versus: str,
) -> Split:
    if assembled.effects is None:
        raise ValueError("a split node has effects")
    a, b = assembled.treatments.index(versus), assembled.treatments.index(treatment)
    indirect = assembled.effects[b] - assembled.effects[a]
    omega = np.zeros(len(assembled.columns))
    omega[[c.name for c in assembled.columns].index("omega")] = 1.0
    found = estimates(posterior, np.stack([indirect + omega, indirect, omega]), whole.scale)
    below = share_below(posterior, omega)
    given = _treatments_by_study(studies)
    direct = tuple(name for name, t in zip(studies.names, given, strict=True) if {treatment, versus} <= t)
    return Split(
        treatment,
        versus,
        direct=found[0],
        indirect=found[1],
        network=whole.relative_effects[treatment, versus],
        difference=found[2],
        p_value=2.0 * min(below, 1.0 - below),
        studies=direct,
    )
