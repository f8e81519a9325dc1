"""Network meta-analysis of rare events, from counts: common effects on the log odds scale.

    MH            Mantel-Haenszel within designs, inverse variance between them (Efthimiou 2019)
    NCH           non-central hypergeometric likelihood as it is usually approximated for rare events (Stijnen 2010)
    conditional   the same likelihood, exact
    penalised     logistic regression with Firth's penalty (Evrenoglou 2022); uses studies without events
    inverse       inverse variance with half an event added to each cell of a study that has an empty one

What each leaves out, and why, is said in the warnings; nothing is dropped without a word.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import chdtrc, ndtr

from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.synthesis.findings import NetworkEstimate, Pair, TestOfQ
from myopoise.synthesis.frequentist.gls import variances_of_differences
from myopoise.synthesis.frequentist.pairwise import confidence
from myopoise.synthesis.frequentist.pairwise_regression import Floats
from myopoise.synthesis.frequentist.rare_network_fits import (
    Bools,
    CountArms,
    Ints,
    NetworkFit,
    fit_inverse,
    fit_mantel_haenszel,
    fit_penalised,
)
from myopoise.synthesis.frequentist.rare_network_likelihoods import fit_approximate, fit_conditional
from myopoise.synthesis.studies.values import Outcome, Studies

__all__ = ["RareMethod", "estimate_rare_network"]

RareMethod = Literal["MH", "NCH", "conditional", "penalised", "inverse"]
_FITS: dict[str, Callable[[CountArms], NetworkFit]] = {
    "MH": fit_mantel_haenszel,
    "NCH": fit_approximate,
    "conditional": fit_conditional,
    "penalised": fit_penalised,
    "inverse": fit_inverse,
}
_SENTENCES = {
    "MH": "Mantel-Haenszel",
    "NCH": "non-central hypergeometric likelihood, approximated for rare events",
    "conditional": "exact non-central hypergeometric likelihood",
    "penalised": "logistic regression with Firth's penalty",
    "inverse": "inverse variance, half an event added to studies with an empty cell",
}


@dataclass(frozen=True, eq=False)
class _Usable:
    """Arms that take part, with the names of treatments they may be on, reference first."""

    arms: CountArms
    treatments: tuple[str, ...]
    warnings: tuple[str, ...]


def estimate_rare_network(
    studies: Studies,
    *,
    reference: str,
    method: RareMethod = "MH",
    direction: Literal["higher", "lower"] = "higher",
) -> NetworkEstimate:
    """Odds ratios of every pair of treatments from the counts of their arms.

    Parameters
    ----------
    studies
        With binomial results by arm.
    reference
        Treatment that comes first; the answer does not depend on it.
    method
        See above.
    direction
        Whether a ``higher`` or a ``lower`` chance of the event is better for the patient.

    Returns
    -------
    estimate
        Common effects. Heterogeneity is not estimated: tau2, I2 and predictions are NaN or empty. `q_between` is of the
        differences between designs for ``MH``, `q_total` of all for ``inverse``.

    Raises
    ------
    BadInput
        A count that cannot be.
    WrongUsage
        There are no binomial arms, or the reference is in no study that can be used.

    References
    ----------
    efthimiou2019
    stijnen2010
    evrenoglou2022
    """
    if method not in _FITS:
        raise WrongUsage(f"unknown method {method!r}; choose {', '.join(_FITS)}")
    if direction not in ("higher", "lower"):
        raise WrongUsage(f"unknown direction {direction!r}; choose higher or lower")
    usable = _usable(studies, reference, method)
    fit = _FITS[method](usable.arms)
    warnings = list(usable.warnings)
    if not fit.converged:
        warnings.append(
            "The likelihood has no maximum at a finite odds ratio, so nothing is given: some treatments had no event "
            "wherever they were compared. Use method penalised."
        )
        fit = replace(
            fit, effects=np.full_like(fit.effects, np.nan), covariance=np.full_like(fit.covariance, np.nan)
        )
    return _assembled(usable, fit, method, direction, tuple(warnings))


def _usable(studies: Studies, reference: str, method: RareMethod) -> _Usable:
    warnings: list[str] = []
    arms, names = _counts(studies, warnings)
    treatments = np.array(studies.treatments)
    if method != "penalised":
        arms, names = _with_events(arms, names, warnings)
    if method in ("MH", "NCH"):
        arms, names = _estimable_designs(arms, names, studies.treatments, warnings)
    if method == "conditional":
        arms, names = _with_finite_odds(arms, names, studies.treatments, warnings)
    if reference not in studies.treatments or studies.treatments.index(reference) not in arms.treatment:
        left = ", ".join(treatments[np.unique(arms.treatment)])
        raise WrongUsage(
            f"reference {reference!r} is in no study that can be used; choose one of: {left or 'none'}"
        )
    arms, names = _connected(arms, names, studies.treatments, reference, warnings)
    present = np.unique(arms.treatment)
    first = studies.treatments.index(reference)
    order = [first, *(place for place in present.tolist() if place != first)]
    place = np.zeros(len(studies.treatments), dtype=np.int64)
    place[order] = np.arange(len(order))
    return _Usable(
        _sorted(replace(arms, treatment=place[arms.treatment])),
        tuple(studies.treatments[k] for k in order),
        tuple(warnings),
    )


def _sorted(arms: CountArms) -> CountArms:
    order = np.lexsort((arms.treatment, arms.study))
    return CountArms(arms.study[order], arms.treatment[order], arms.events[order], arms.n[order])


def _counts(studies: Studies, warnings: list[str]) -> tuple[CountArms, list[str]]:
    """Arms of studies with two of them or more, and the names of those studies."""
    given = studies.arms
    if given is None or given.outcome is not Outcome.BINOMIAL or given.events is None or given.n is None:
        raise WrongUsage("there are no arms with events and patients; contrasts have lost their counts")
    _check_counts(studies, given.events, given.n)
    if studies.contrasts:
        left = sum(len(block) for block in studies.contrasts)
        warnings.append(f"Studies that give contrasts without counts are not used: {left}.")
    size = np.bincount(given.study, minlength=len(studies.names))[given.study]
    alone = [studies.names[place] for place in given.study[size == 1]]
    if alone:
        warnings.append(f"Studies with one arm compare nothing and are not used: {', '.join(alone)}.")
    kept: Bools = size > 1
    whole = CountArms(given.study, given.treatment, given.events, given.n)
    return whole.kept(kept), [studies.names[place] for place in np.unique(given.study[kept])]


def _check_counts(studies: Studies, events: Floats, n: Floats) -> None:
    arms = studies.arms
    assert arms is not None
    rows = arms.row if arms.row is not None else np.zeros(len(arms), dtype=np.int64)
    pairs = set()
    faults = []
    for place, (r, size) in enumerate(zip(events.tolist(), n.tolist(), strict=True)):
        here = f"{studies.names[arms.study[place]]}, {studies.treatments[arms.treatment[place]]}"
        row = int(rows[place])
        if not (size >= 1.0 and float(size).is_integer()):
            found = f"{here}: {size:g} patients"
            faults.append(
                Fault("studies", row, "n", "not-a-count", found, "Give a whole number, one or more.")
            )
        if not (r >= 0.0 and float(r).is_integer()):
            found = f"{here}: {r:g} events"
            faults.append(
                Fault("studies", row, "r", "not-a-count", found, "Give a whole number, zero or more.")
            )
        elif r > size:
            found = f"{here}: {r:g} events among {size:g} patients"
            remedy = "Events cannot exceed n; compare the source."
            faults.append(Fault("studies", row, "r", "events-above-n", found, remedy))
        pair = (int(arms.study[place]), int(arms.treatment[place]))
        if pair in pairs:
            faults.append(
                Fault("studies", row, "treatment", "arm-twice", f"{here}: two arms", "Add the two arms up.")
            )
        pairs.add(pair)
    if faults:
        raise BadInput("studies with events", tuple(faults))


def _with_events(arms: CountArms, names: list[str], warnings: list[str]) -> tuple[CountArms, list[str]]:
    events, patients = arms.totals(arms.events), arms.totals(arms.n)
    for silent, what in ((events == 0.0, "no patient"), (events == patients, "every patient")):
        if silent.any():
            named = ", ".join(name for name, here in zip(names, silent, strict=True) if here)
            warnings.append(
                f"Studies in which {what} had the event fit any odds ratio equally well; they carry no information on "
                f"it and are not used: {named}."
            )
    return _reduced(arms, names, ((events > 0.0) & (events < patients))[arms.study])


def _reduced(arms: CountArms, names: list[str], kept: Bools) -> tuple[CountArms, list[str]]:
    """Some arms; studies left with one of them go as well."""
    left = np.bincount(arms.study[kept], minlength=arms.studies)
    kept = kept & (left[arms.study] > 1)
    return arms.kept(kept), [names[place] for place in np.unique(arms.study[kept])]


def _estimable_designs(
    arms: CountArms, names: list[str], treatments: tuple[str, ...], warnings: list[str]
) -> tuple[CountArms, list[str]]:
    """Without the arms that had no event, or nothing else, in any study of the same set of treatments."""
    kept = np.ones(len(arms.study), dtype=bool)
    order = np.lexsort((arms.treatment, arms.study))
    ordered = _sorted(arms)
    for design, places in ordered.designs():
        events, left = ordered.events[places].sum(axis=0), (ordered.n - ordered.events)[places].sum(axis=0)
        empty: Bools = (events == 0.0) | (left == 0.0)
        if not empty.any():
            continue
        lost = np.ones_like(empty) if int((~empty).sum()) < 2 else empty
        kept[order[places[:, lost]]] = False
        here = ", ".join(names[place] for place in np.unique(ordered.study[places]))
        named = ", ".join(treatments[k] for k in design[empty])
        compared = ", ".join(treatments[k] for k in design)
        verdict = "the studies are" if lost.all() else "its arms are"
        warnings.append(
            f"In the studies that compare {compared} ({here}), {named} had no event, or nothing but events: its odds "
            f"ratio there is not defined, and {verdict} not used. Method penalised can use them."
        )
    reduced, left_names = _reduced(arms, names, kept)
    if kept.all() or not len(reduced.study):
        return reduced, left_names
    return _with_events(reduced, left_names, warnings)


def _with_finite_odds(
    arms: CountArms, names: list[str], treatments: tuple[str, ...], warnings: list[str]
) -> tuple[CountArms, list[str]]:
    """Without treatments that had no event, or nothing else, anywhere."""
    while len(arms.study):
        events = np.bincount(arms.treatment, arms.events, minlength=len(treatments))
        left = np.bincount(arms.treatment, arms.n - arms.events, minlength=len(treatments))
        empty = ((events == 0.0) | (left == 0.0)) & (
            np.bincount(arms.treatment, minlength=len(treatments)) > 0
        )
        if not empty.any():
            break
        named = ", ".join(treatments[place] for place in np.flatnonzero(empty))
        warnings.append(
            f"Treatments without an event, or with nothing but events, have no finite odds ratio: {named}."
        )
        arms, names = _reduced(arms, names, ~empty[arms.treatment])
        if len(arms.study):
            arms, names = _with_events(arms, names, warnings)
    return arms, names


def _connected(
    arms: CountArms, names: list[str], treatments: tuple[str, ...], reference: str, warnings: list[str]
) -> tuple[CountArms, list[str]]:
    reached = np.zeros(len(treatments), dtype=bool)
    reached[treatments.index(reference)] = True
    before = 0
    while before < int(reached.sum()):
        before = int(reached.sum())
        joined = arms.totals(reached[arms.treatment].astype(np.float64)) > 0.0
        reached[arms.treatment[joined[arms.study]]] = True
    outside: Ints = np.unique(arms.treatment[~reached[arms.treatment]])
    if len(outside):
        named = ", ".join(treatments[place] for place in outside)
        warnings.append(
            f"No study that can be used joins these treatments to {reference}; they are left out: {named}."
        )
    return _reduced(arms, names, reached[arms.treatment])


def _assembled(
    usable: _Usable, fit: NetworkFit, method: RareMethod, direction: str, warnings: tuple[str, ...]
) -> NetworkEstimate:
    names = usable.treatments
    estimate = fit.effects[:, None] - fit.effects[None, :]
    se = np.sqrt(variances_of_differences(fit.covariance))
    relative: dict[Pair, tuple[int, int]] = {
        (names[i], names[j]): (i, j) for i, j in itertools.permutations(range(len(names)), 2)
    }
    nothing = TestOfQ(math.nan, 0, math.nan)
    q = _test(fit)
    return NetworkEstimate(
        model=f"Network meta-analysis of events, common odds ratios, {_SENTENCES[method]}",
        studies=usable.arms.studies,
        arms=len(usable.arms.study),
        treatments=names,
        scale="log odds ratio",
        relative_effects={
            pair: confidence(float(estimate[place]), float(se[place])) for pair, place in relative.items()
        },
        prediction={},
        tau2=math.nan,
        tau2_se=math.nan,
        i2=math.nan,
        q_total=q if method == "inverse" else nothing,
        q_within=nothing,
        q_between=q if method == "MH" else nothing,
        p_scores=_p_scores(names, estimate, se, direction),
        contributions={},
        splits=(),
        warnings=(
            *warnings,
            "Heterogeneity is not estimated by this method: odds ratios are common to all studies.",
        ),
    )


def _test(fit: NetworkFit) -> TestOfQ:
    if fit.df < 1:
        return TestOfQ(fit.q if fit.df == 0 and math.isnan(fit.q) else 0.0, 0, math.nan)
    return TestOfQ(fit.q, fit.df, float(chdtrc(fit.df, fit.q)))


def _p_scores(names: tuple[str, ...], estimate: Floats, se: Floats, direction: str) -> dict[str, float]:
    off = ~np.eye(len(names), dtype=bool)
    z = np.zeros_like(estimate)
    z[off] = estimate[off] / se[off]
    better = ndtr(z if direction == "higher" else -z) * off
    return dict(zip(names, (better.sum(axis=1) / max(1, len(names) - 1)).tolist(), strict=True))
