"""Contrasts computed from the arms: the scale is chosen, and so is every correction.

An exact likelihood needs none of this, and zero events are no trouble there. Contrasts on a log scale have no variance
where a cell is zero; so a correction is asked for by name, and what it touched is told.

Variances are the usual large-sample ones (delta method), as in the Cochrane Handbook. Arms are independent, so two
contrasts of a study share the variance of their common arm; standardised mean differences also share the standard
deviation that all arms of the study pool (Cohen's d and Hedges' g, Gleser & Olkin 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from myopoise.errors import WrongUsage
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

__all__ = ["MEASURES", "Measure", "contrasts_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Measure = Literal[
    "log odds ratio",
    "log risk ratio",
    "risk difference",
    "mean difference",
    "standardised mean difference",
    "hedges g",
    "log rate ratio",
]
NoEvents = Literal["refuse", "keep", "drop"]

MEASURES: dict[str, Outcome] = {
    "log odds ratio": Outcome.BINOMIAL,
    "log risk ratio": Outcome.BINOMIAL,
    "risk difference": Outcome.BINOMIAL,
    "mean difference": Outcome.NORMAL,
    "standardised mean difference": Outcome.NORMAL,
    "hedges g": Outcome.NORMAL,
    "log rate ratio": Outcome.POISSON,
}
"""The scales and the outcome each is for. The standardised mean difference is Cohen's d; ``hedges g`` is d with the
exact correction for small samples."""


@dataclass(frozen=True, eq=False)
class _Block:
    """Arms of the studies that have the same number of them, ``(study, arm)`` each."""

    study: Ints
    place: Ints


def contrasts_of(
    studies: Studies,
    measure: Measure,
    *,
    correction: float = 0.0,
    no_events: NoEvents = "refuse",
) -> Studies:
    """The same studies as contrasts; those given as contrasts already stay.

    Parameters
    ----------
    studies
        Studies with arms.
    measure
        A key of `MEASURES`.
    correction
        Added to every cell of each study that has a zero cell, 0.5 as a rule; 0 for none.
    no_events
        What to do with a study in which no arm has an event, or every patient has one: ``keep`` (corrected like the
        others), ``drop``, or ``refuse``, because it says nothing on ratios and reviews differ in what they do.

    Raises
    ------
    WrongUsage
        For a measure that is not for this outcome, a study with one arm or with two of one treatment, a zero cell
        without a correction, or a study without events where nothing was said about it.
    """
    arms = studies.arms
    if arms is None:
        raise WrongUsage("These studies are contrasts already: there are no arms to compute them from.")
    _check(arms, measure, correction, no_events)
    if studies.contrasts and studies.measure not in ("", measure):
        raise WrongUsage(f"The other studies are given as {studies.measure}, not as {measure}.")
    alone = _single(arms)
    if alone.any():
        listed = _names(studies, np.unique(arms.study[alone]))
        raise WrongUsage(f"Studies with one arm have no contrast: {listed}. Leave them out first.")
    twice = _twice(arms)
    if len(twice):
        raise WrongUsage(
            f"Studies with two arms of one treatment have no contrast between them: {_names(studies, twice)}. Add arms "
            "of one treatment together, name doses apart, or use an exact likelihood (--method bayes)."
        )
    arms, notes = _without_silent(studies, arms, measure, no_events)
    arms, more = _corrected(studies, arms, measure, correction)
    blocks = [_contrasts(arms, block, measure) for block in _blocks(arms)]
    return _keep_used(studies, arms, blocks, measure, (*notes, *more))


def _check(arms: Arms, measure: str, correction: float, no_events: str) -> None:
    if measure not in MEASURES:
        raise WrongUsage(f"'{measure}' is not a measure. Choose one of {', '.join(MEASURES)}.")
    if MEASURES[measure] is not arms.outcome:
        fitting = [name for name, outcome in MEASURES.items() if outcome is arms.outcome]
        remedy = f"Choose one of {', '.join(fitting)}." if fitting else "It has no contrasts of this kind."
        raise WrongUsage(f"A {measure} cannot be computed from {arms.outcome} arms. {remedy}")
    if not (np.isfinite(correction) and correction >= 0):
        raise WrongUsage(f"The correction is {correction}; it is 0 for none, or above.")
    if no_events not in ("refuse", "keep", "drop"):
        raise WrongUsage(f"'{no_events}' says nothing about studies without events: refuse, keep or drop.")


def _single(arms: Arms) -> Bools:
    return np.asarray(np.bincount(arms.study)[arms.study] == 1)


def _twice(arms: Arms) -> Ints:
    """Studies that have a treatment in more than one arm."""
    pairs, count = np.unique(np.column_stack([arms.study, arms.treatment]), axis=0, return_counts=True)
    found: Ints = np.unique(pairs[count > 1, 0])
    return found


def _names(studies: Studies, places: Ints) -> str:
    listed = ", ".join(studies.names[at] for at in places[:10])
    return listed + (f" and {len(places) - 10} more" if len(places) > 10 else "")


def _of(column: Floats | None) -> Floats:
    if column is None:
        raise WrongUsage("The arms do not hold what this measure needs.")
    return column


# --- zero cells -------------------------------------------------------------------------------------------


def _every(arms: Arms, condition: Bools) -> Bools:
    """Where a condition holds in every arm of the study, shape ``(arm,)``."""
    fails = np.bincount(arms.study, weights=~condition)
    return np.asarray(fails[arms.study] == 0)


def _any(arms: Arms, condition: Bools) -> Bools:
    holds = np.bincount(arms.study, weights=condition)
    return np.asarray(holds[arms.study] > 0)


def _without_silent(
    studies: Studies, arms: Arms, measure: str, no_events: str
) -> tuple[Arms, tuple[str, ...]]:
    """Studies that say nothing about a ratio: no event in any arm, or an event in every patient."""
    if arms.outcome is Outcome.NORMAL or measure == "risk difference":
        return arms, ()
    silent = _every(arms, _of(arms.events) == 0)
    if arms.outcome is Outcome.BINOMIAL:
        silent |= _every(arms, _of(arms.events) == _of(arms.n))
    if not silent.any():
        return arms, ()
    listed = _names(studies, np.unique(arms.study[silent]))
    if no_events == "refuse":
        raise WrongUsage(
            f"Studies without any event, or with one in every patient: {listed}. They say nothing about a ratio. Say "
            "whether to drop them or to keep them with a correction; or use an exact likelihood, which needs neither."
        )
    if no_events == "drop":
        note = f"Studies without any event, or with one in every patient, were left out: {listed}."
        return _subset(arms, ~silent), (note,)
    return arms, (f"Studies without any event, or with one in every patient, were kept: {listed}.",)


def _corrected(studies: Studies, arms: Arms, measure: str, correction: float) -> tuple[Arms, tuple[str, ...]]:
    if arms.outcome is Outcome.NORMAL:
        return arms, ()
    events = _of(arms.events)
    zero = events == 0
    if arms.outcome is Outcome.BINOMIAL:
        full = events == _of(arms.n)
        zero = _every(arms, zero | full) if measure == "risk difference" else zero | full
    zero = _any(arms, zero)
    if not zero.any():
        return arms, ()
    listed = _names(studies, np.unique(arms.study[zero]))
    if correction == 0:
        raise WrongUsage(
            f"Studies with a zero cell have no variance on this scale: {listed}. Ask for a correction (0.5 is usual), "
            "or use an exact likelihood, which needs none."
        )
    added = np.where(zero, correction, 0.0)
    note = f"{correction:g} was added to every cell of the studies with a zero cell: {listed}."
    n = None if arms.n is None else arms.n + 2 * added
    return replace(arms, events=events + added, n=n), (note,)


def _subset(arms: Arms, kept: Bools) -> Arms:
    def pick(column: Floats | None) -> Floats | None:
        return None if column is None else column[kept]

    return Arms(
        outcome=arms.outcome,
        study=arms.study[kept],
        treatment=arms.treatment[kept],
        events=pick(arms.events),
        n=pick(arms.n),
        at_least=pick(arms.at_least),
        mean=pick(arms.mean),
        se=pick(arms.se),
        exposure=pick(arms.exposure),
        time=pick(arms.time),
        covariates={name: column[kept] for name, column in arms.covariates.items()},
        row=None if arms.row is None else arms.row[kept],
    )


# --- the contrasts ----------------------------------------------------------------------------------------


def _blocks(arms: Arms) -> list[_Block]:
    study, start, count = np.unique(arms.study, return_index=True, return_counts=True)
    return [
        _Block(study[count == size], start[count == size][:, None] + np.arange(size))
        for size in np.unique(count)
    ]


def _contrasts(arms: Arms, block: _Block, measure: str) -> Contrasts:
    value, variance, extra = _on_scale(arms, block.place, measure)
    estimate = value[:, 1:] - value[:, :1]
    covariance = np.repeat(variance[:, :1], estimate.shape[1], axis=1)[:, :, None] + np.zeros(
        (1, 1, estimate.shape[1])
    )
    diagonal = np.arange(estimate.shape[1])
    covariance[:, diagonal, diagonal] += variance[:, 1:]
    if extra is not None:
        covariance = covariance + extra[:, None, None] * estimate[:, :, None] * estimate[:, None, :]
    return Contrasts(
        study=block.study,
        treatment=arms.treatment[block.place],
        estimate=estimate,
        covariance=covariance,
        inconsistency=np.zeros(len(block.study)),
        covariates=_study_level(arms, block.place),
    )


def _study_level(arms: Arms, place: Ints) -> dict[str, Floats]:
    """Covariates of the study: the mean over its arms, NaN where one is missing."""
    columns = dict(arms.covariates)
    if arms.time is not None:
        columns["time"] = arms.time
    return {name: column[place].mean(axis=1) for name, column in columns.items()}


def _on_scale(arms: Arms, place: Ints, measure: str) -> tuple[Floats, Floats, Floats | None]:
    """Value and variance of each arm, ``(study, arm)``; what estimating the pooled SD adds, ``(study,)``."""
    scales: dict[str, Callable[[Arms, Ints], tuple[Floats, Floats, Floats | None]]] = {
        "log odds ratio": _log_odds,
        "log risk ratio": _log_risk,
        "risk difference": _risk,
        "mean difference": _mean,
        "standardised mean difference": _cohen,
        "hedges g": _hedges,
        "log rate ratio": _log_rate,
    }
    return scales[measure](arms, place)


def _log_odds(arms: Arms, place: Ints) -> tuple[Floats, Floats, None]:
    r, n = _of(arms.events)[place], _of(arms.n)[place]
    return np.log(r) - np.log(n - r), 1 / r + 1 / (n - r), None


def _log_risk(arms: Arms, place: Ints) -> tuple[Floats, Floats, None]:
    r, n = _of(arms.events)[place], _of(arms.n)[place]
    return np.log(r) - np.log(n), 1 / r - 1 / n, None


def _risk(arms: Arms, place: Ints) -> tuple[Floats, Floats, None]:
    r, n = _of(arms.events)[place], _of(arms.n)[place]
    return r / n, r * (n - r) / n**3, None


def _log_rate(arms: Arms, place: Ints) -> tuple[Floats, Floats, None]:
    r, exposure = _of(arms.events)[place], _of(arms.exposure)[place]
    return np.log(r) - np.log(exposure), 1 / r, None


def _mean(arms: Arms, place: Ints) -> tuple[Floats, Floats, None]:
    return _of(arms.mean)[place], _of(arms.se)[place] ** 2, None


def _cohen(arms: Arms, place: Ints) -> tuple[Floats, Floats, Floats]:
    """Means over the SD that all arms of the study pool.

    The variance of a difference ``d`` is ``1/n_i + 1/n_j + d^2 / (2 N)`` with ``N`` all patients of the study.
    """
    n = arms.n
    if n is None or np.isnan(n[place]).any():
        raise WrongUsage("A standardised mean difference needs the number of patients of every arm.")
    size = n[place]
    squares = _of(arms.se)[place] ** 2 * size
    total = size.sum(axis=1)
    pooled = np.sqrt(((size - 1) * squares).sum(axis=1) / (total - size.shape[1]))
    return _of(arms.mean)[place] / pooled[:, None], 1 / size, 1 / (2 * total)


def _hedges(arms: Arms, place: Ints) -> tuple[Floats, Floats, Floats]:
    """Cohen's d times the exact correction for small samples, with the degrees of freedom of the pooled SD."""
    value, variance, extra = _cohen(arms, place)
    df = _of(arms.n)[place].sum(axis=1) - place.shape[1]
    factor = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2)
    return value * factor[:, None], variance, extra


def _keep_used(
    studies: Studies, arms: Arms, blocks: list[Contrasts], measure: str, notes: tuple[str, ...]
) -> Studies:
    """Names only of the studies and treatments that still have a result, and positions to match."""
    from myopoise.synthesis.studies.joining import merged_contrasts

    every = merged_contrasts((*studies.contrasts, *blocks))
    if not every:
        raise WrongUsage(
            f"No study has a {measure}: in each of them no patient had an event, or all had. Use a risk difference, or "
            "an exact likelihood (--method bayes)."
        )
    used_studies = np.unique(np.concatenate([block.study for block in every]))
    used = np.unique(np.concatenate([block.treatment.ravel() for block in every]))
    dropped = [studies.treatments[at] for at in np.setdiff1d(np.unique(arms.treatment), used)]
    new_study = np.full(len(studies.names), -1)
    new_study[used_studies] = np.arange(len(used_studies))
    new_treatment = np.full(len(studies.treatments), -1)
    new_treatment[used] = np.arange(len(used))
    lost = [name for at, name in enumerate(studies.treatments) if new_treatment[at] < 0]
    gone = dict.fromkeys((*lost, *dropped))
    more = (f"No study is left with {', '.join(gone)}.",) if gone else ()
    return Studies(
        names=tuple(studies.names[at] for at in used_studies),
        treatments=tuple(studies.treatments[at] for at in used),
        arms=None,
        contrasts=tuple(
            replace(block, study=new_study[block.study], treatment=new_treatment[block.treatment])
            for block in every
        ),
        measure=measure,
        notes=tuple(dict.fromkeys((*studies.notes, *notes, *more))),
    )
