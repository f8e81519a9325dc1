"""What rests on one study, and what rests on the priors: the same synthesis again without it, or with other ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from myopoise.estimate import Estimate
from myopoise.synthesis.findings import NetworkSynthesis, Pair
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.assembly import ExchangeableBaselines
from myopoise.synthesis.models.structures import NetworkPriors, Structure
from myopoise.synthesis.studies.values import Arms, Contrasts, Studies
from myopoise.synthesis.synthesising import SEED, HasStudies, synthesise

__all__ = [
    "Influence",
    "LeftOut",
    "PriorsTried",
    "leave_studies_out",
    "pieces",
    "sensitivity",
    "without_study",
]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LeftOut:
    """The synthesis without one study, and what that moved.

    Parameters
    ----------
    study
        The study left out.
    found
        The synthesis without it; None where it cannot be had.
    reason
        Why not, as a sentence; empty where it can.
    pair
        The comparison whose effect moved most; None where nothing can be compared.
    shift
        By how much, in posterior standard deviations of the whole synthesis; NaN where nothing can be compared.
    tau_change
        Change of the posterior mean of tau; NaN for common effects.
    """

    study: str
    found: NetworkSynthesis | None = field(repr=False)
    reason: str
    pair: Pair | None
    shift: float
    tau_change: float


@dataclass(frozen=True)
class Influence:
    """Every study left out in turn.

    Parameters
    ----------
    whole
        The synthesis with all studies.
    studies
        Each study, in the order of the data.
    """

    whole: NetworkSynthesis = field(repr=False)
    studies: tuple[LeftOut, ...]

    @property
    def most_influential(self) -> LeftOut | None:
        """The study whose absence moves an effect most; None where none can be left out."""
        known = [each for each in self.studies if each.pair is not None]
        return max(known, key=lambda each: abs(each.shift), default=None)


@dataclass(frozen=True, eq=False)
class _Without:
    """A network with one study fewer."""

    studies: Studies
    reference: str


def leave_studies_out(
    network: HasStudies,
    model: Structure | None = None,
    priors: NetworkPriors | None = None,
    *,
    effects: Literal["random", "common"] = "random",
    link: Link | None = None,
    baselines: ExchangeableBaselines | None = None,
    draws: int | None = None,
    seed: int = SEED,
) -> Influence:
    """The synthesis again without each study.

    Parameters
    ----------
    network, model, priors, effects, link, baselines, draws, seed
        As for `synthesise`; the same seed throughout, so that draws move with the data and not by chance.

    Notes
    -----
    A study without which a treatment is not there, or is joined to the rest by nothing, is not left out in silence: its
    entry says so. With exchangeable baselines, or a model that shares effects between treatments, a network in pieces
    still has effects, and only a missing treatment is reported.
    """

    def again(studies: Studies) -> NetworkSynthesis:
        return synthesise(
            _Without(studies, network.reference),
            model,
            priors,
            effects=effects,
            link=link,
            baselines=baselines,
            draws=draws,
            seed=seed,
            fit=False,
        )

    whole = again(network.studies)
    joined = len(pieces(network.studies)) == 1
    found = []
    for name in network.studies.names:
        fewer = without_study(network.studies, name)
        reason = _lost(network, fewer, name, joined=joined and baselines is None)
        found.append(
            LeftOut(name, None, reason, None, float("nan"), float("nan"))
            if reason
            else _moved(name, whole, again(fewer))
        )
    return Influence(whole, tuple(found))


def _lost(network: HasStudies, fewer: Studies, name: str, *, joined: bool) -> str:
    """What cannot be answered without a study; empty if everything can."""
    gone = [t for t in network.studies.treatments if t not in fewer.treatments]
    if gone:
        return (
            f"{name} is the only study of {', '.join(gone)}; without it nothing is known of the comparison."
        )
    apart = pieces(fewer)
    if joined and len(apart) > 1:
        rest = next(piece for piece in apart if network.reference not in piece)
        return (
            f"without {name} nothing joins {', '.join(rest)} to {network.reference}: the network falls apart."
        )
    return ""


def _moved(name: str, whole: NetworkSynthesis, found: NetworkSynthesis) -> LeftOut:
    shifts = {
        pair: (found.relative_effects[pair].mean - e.mean) / e.sd
        for pair, e in whole.relative_effects.items()
        if pair in found.relative_effects and e.sd > 0.0
    }
    pair = max(shifts, key=lambda each: abs(shifts[each]), default=None)
    change = float("nan")
    if "tau" in whole.heterogeneity and "tau" in found.heterogeneity:
        change = found.heterogeneity["tau"].mean - whole.heterogeneity["tau"].mean
    return LeftOut(name, found, "", pair, float("nan") if pair is None else shifts[pair], change)


def without_study(studies: Studies, name: str) -> Studies:
    """The studies but one; treatments that no other study gave are gone too.

    Parameters
    ----------
    studies, name
        The studies, and the one to leave out.
    """
    gone = studies.names.index(name)
    arms = (
        None if studies.arms is None else _some_arms(studies.arms, np.flatnonzero(studies.arms.study != gone))
    )
    blocks = [_some_contrasts(block, np.flatnonzero(block.study != gone)) for block in studies.contrasts]
    contrasts = tuple(block for block in blocks if len(block))
    kept = [np.zeros(0, dtype=np.int64)]
    if arms is not None:
        kept.append(arms.treatment)
    kept += [block.treatment.ravel() for block in contrasts]
    given = np.unique(np.concatenate(kept))
    place = np.full(len(studies.treatments), -1)
    place[given] = np.arange(len(given))

    def renumbered(study: Ints) -> Ints:
        return study - (study > gone)

    if arms is not None:
        arms = replace(arms, study=renumbered(arms.study), treatment=place[arms.treatment])
    return replace(
        studies,
        names=tuple(each for each in studies.names if each != name),
        treatments=tuple(studies.treatments[t] for t in given.tolist()),
        arms=arms,
        contrasts=tuple(
            replace(block, study=renumbered(block.study), treatment=place[block.treatment])
            for block in contrasts
        ),
    )


def _some_arms(arms: Arms, mine: Ints) -> Arms | None:
    if not len(mine):
        return None

    def of_these(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        return None if values is None else values[mine]

    return Arms(
        arms.outcome,
        study=arms.study[mine],
        treatment=arms.treatment[mine],
        events=of_these(arms.events),
        n=of_these(arms.n),
        at_least=of_these(arms.at_least),
        mean=of_these(arms.mean),
        se=of_these(arms.se),
        exposure=of_these(arms.exposure),
        time=of_these(arms.time),
        covariates={name: values[mine] for name, values in arms.covariates.items()},
        row=None if arms.row is None else arms.row[mine],
    )


def _some_contrasts(block: Contrasts, mine: Ints) -> Contrasts:
    return Contrasts(
        block.study[mine],
        block.treatment[mine],
        block.estimate[mine],
        block.covariance[mine],
        block.inconsistency[mine],
        {name: values[mine] for name, values in block.covariates.items()},
    )


def pieces(studies: Studies) -> list[set[str]]:
    """Treatments joined by studies.

    Parameters
    ----------
    studies
        The studies.
    """
    groups: list[set[int]] = []
    if studies.arms is not None:
        for s in np.unique(studies.arms.study).tolist():
            groups.append(set(studies.arms.treatment[studies.arms.study == s].tolist()))
    groups += [set(row) for block in studies.contrasts for row in block.treatment.tolist()]
    apart: list[set[int]] = []
    for group in groups:
        touching = [piece for piece in apart if piece & group]
        apart = [piece for piece in apart if not piece & group] + [group.union(*touching)]
    return [{studies.treatments[t] for t in piece} for piece in apart]


@dataclass(frozen=True)
class PriorsTried:
    """The same synthesis under one set of priors.

    Parameters
    ----------
    label
        What the asker calls the set.
    priors
        The priors in words.
    relative_effects
        Every ordered pair.
    tau
        Heterogeneity; None for common effects.
    shift
        Largest move of an effect from the first set tried, in its posterior standard deviations.
    trusted
        Whether the computation may be believed.
    """

    label: str
    priors: Mapping[str, str]
    relative_effects: Mapping[Pair, Estimate] = field(repr=False)
    tau: Estimate | None
    shift: float
    trusted: bool


def sensitivity(
    network: HasStudies,
    model: Structure | None,
    priors: Mapping[str, NetworkPriors] | Sequence[NetworkPriors],
    *,
    effects: Literal["random", "common"] = "random",
    link: Link | None = None,
    baselines: ExchangeableBaselines | None = None,
    draws: int | None = None,
    seed: int = SEED,
) -> tuple[PriorsTried, ...]:
    """The synthesis under each set of priors; the first is what the others are compared with.

    Parameters
    ----------
    network, model
        As for `synthesise`.
    priors
        The sets, by the name the asker gives each; numbered from 1 where they have none.
    effects, link, baselines, draws, seed
        As for `synthesise`.
    """
    named = (
        priors if isinstance(priors, Mapping) else {str(i): each for i, each in enumerate(priors, start=1)}
    )
    tried: list[PriorsTried] = []
    first: Mapping[Pair, Estimate] | None = None
    for label, chosen in named.items():
        found = synthesise(
            network,
            model,
            chosen,
            effects=effects,
            link=link,
            baselines=baselines,
            draws=draws,
            seed=seed,
            fit=False,
        )
        first = found.relative_effects if first is None else first
        moves = [
            (found.relative_effects[pair].mean - e.mean) / e.sd for pair, e in first.items() if e.sd > 0.0
        ]
        tried.append(
            PriorsTried(
                label,
                found.priors,
                found.relative_effects,
                found.heterogeneity.get("tau"),
                max(moves, key=abs, default=0.0),
                found.trust.ok,
            )
        )
    return tuple(tried)
