"""Studies joined with studies: arms and contrasts in one network, and a study from contrasts with a full covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.studies.values import Arms, Contrasts, Studies

__all__ = ["combine", "merged_contrasts", "study_from_contrasts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def study_from_contrasts(
    name: str,
    treatments: Sequence[str],
    estimate: ArrayLike,
    covariance: ArrayLike,
    *,
    measure: str = "",
) -> Studies:
    """One study from its contrasts with a baseline arm and their full covariance; `combine` joins several.

    Parameters
    ----------
    name
        Of the study.
    treatments
        The baseline arm first.
    estimate
        Each other arm less the baseline arm.
    covariance
        Of these contrasts.
    measure
        Their scale, for example ``log hazard ratio``; empty where it is not said.

    Raises
    ------
    WrongUsage
        For shapes that do not fit, a treatment named twice, or a covariance that is not symmetric and positive
        definite; the message says the smallest change that mends it.
    """
    values = np.atleast_1d(np.asarray(estimate, dtype=np.float64))
    matrix = np.atleast_2d(np.asarray(covariance, dtype=np.float64))
    arms = len(treatments)
    if arms < 2 or len(set(treatments)) < arms:
        raise WrongUsage(
            f"Study {name} needs at least two treatments, each named once: {', '.join(treatments)}."
        )
    if values.shape != (arms - 1,) or matrix.shape != (arms - 1, arms - 1):
        raise WrongUsage(
            f"Study {name} has {arms} arms, so {arms - 1} contrasts and a covariance of as many rows and columns; "
            f"given are {values.size} and {' by '.join(map(str, matrix.shape))}."
        )
    if not (np.isfinite(values).all() and np.isfinite(matrix).all()):
        raise WrongUsage(f"Study {name}: every contrast and every covariance must be a number.")
    if not np.allclose(matrix, matrix.T, rtol=1e-9, atol=0):
        raise WrongUsage(f"Study {name}: the covariance is not symmetric.")
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    if lowest <= 0:
        raise WrongUsage(
            f"Study {name}: the covariance is not positive definite. Adding {-lowest * 1.001 + 1e-12:.3g} to each "
            "variance is the smallest equal change that mends it; look first for a wrong number."
        )
    contrasts = Contrasts(
        study=np.zeros(1, dtype=np.int64),
        treatment=np.arange(arms)[None, :],
        estimate=values[None, :],
        covariance=matrix[None, :, :],
        inconsistency=np.zeros(1),
    )
    return Studies((name,), tuple(treatments), None, (contrasts,), measure)


def combine(first: Studies, second: Studies) -> Studies:
    """Studies of both, in one network: arms of one and contrasts of the other, or more of either.

    Parameters
    ----------
    first, second
        Different studies; treatments of one name are one treatment.

    Raises
    ------
    WrongUsage
        When a study is in both, the arms hold different outcomes, or the contrasts are on different scales.
    """
    both = [name for name in second.names if name in set(first.names)]
    if both:
        raise WrongUsage(
            f"Studies in both: {', '.join(both[:10])}. A study is given by its arms or by its contrasts; two studies "
            "need two names."
        )
    if first.measure and second.measure and first.measure != second.measure:
        raise WrongUsage(f"Contrasts on two scales cannot be joined: {first.measure} and {second.measure}.")
    names = (*first.names, *second.names)
    treatments = tuple(dict.fromkeys((*first.treatments, *second.treatments)))
    place = {name: at for at, name in enumerate(treatments)}
    code = np.array([place[name] for name in second.treatments], dtype=np.int64)
    moved = [
        replace(block, study=block.study + len(first.names), treatment=code[block.treatment])
        for block in second.contrasts
    ]
    arms = second.arms
    if arms is not None:
        arms = replace(arms, study=arms.study + len(first.names), treatment=code[arms.treatment])
    return Studies(
        names=names,
        treatments=treatments,
        arms=_joined_arms(first.arms, arms),
        contrasts=merged_contrasts((*first.contrasts, *moved)),
        measure=first.measure or second.measure,
        notes=tuple(dict.fromkeys((*first.notes, *second.notes))),
    )


def merged_contrasts(blocks: Sequence[Contrasts]) -> tuple[Contrasts, ...]:
    """One block for each number of arms, ascending, studies in order.

    Parameters
    ----------
    blocks
        Any number.
    """
    by_arms: dict[int, list[Contrasts]] = {}
    for block in blocks:
        if len(block):
            by_arms.setdefault(block.treatment.shape[1], []).append(block)
    return tuple(_one_block(by_arms[arms]) for arms in sorted(by_arms))


def _one_block(blocks: list[Contrasts]) -> Contrasts:
    study = np.concatenate([block.study for block in blocks])
    order = np.argsort(study, kind="stable")
    names = dict.fromkeys(name for block in blocks for name in block.covariates)
    return Contrasts(
        study=study[order],
        treatment=np.concatenate([block.treatment for block in blocks])[order],
        estimate=np.concatenate([block.estimate for block in blocks])[order],
        covariance=np.concatenate([block.covariance for block in blocks])[order],
        inconsistency=np.concatenate([block.inconsistency for block in blocks])[order],
        covariates={
            name: np.concatenate(
                [block.covariates.get(name, np.full(len(block), np.nan)) for block in blocks]
            )[order]
            for name in names
        },
    )


def _joined_arms(first: Arms | None, second: Arms | None) -> Arms | None:
    if first is None or second is None:
        return first if second is None else second
    if first.outcome is not second.outcome:
        raise WrongUsage(f"Arms of two outcomes cannot be joined: {first.outcome} and {second.outcome}.")

    def column(field: str) -> Floats | None:
        one, other = getattr(first, field), getattr(second, field)
        if one is None and other is None:
            return None
        return np.concatenate([_or_unknown(one, first), _or_unknown(other, second)])

    covariates = dict.fromkeys((*first.covariates, *second.covariates))
    return Arms(
        outcome=first.outcome,
        study=np.concatenate([first.study, second.study]),
        treatment=np.concatenate([first.treatment, second.treatment]),
        events=column("events"),
        n=column("n"),
        at_least=_joined_steps(first, second),
        mean=column("mean"),
        se=column("se"),
        exposure=column("exposure"),
        time=column("time"),
        covariates={
            name: np.concatenate([_or_unknown(arms.covariates.get(name), arms) for arms in (first, second)])
            for name in covariates
        },
        row=np.concatenate([_rows(first), _rows(second)]),
    )


def _or_unknown(column: Floats | None, arms: Arms) -> Floats:
    return np.full(len(arms), np.nan) if column is None else column


def _rows(arms: Arms) -> Ints:
    return np.zeros(len(arms), dtype=np.int64) if arms.row is None else arms.row


def _joined_steps(first: Arms, second: Arms) -> Floats | None:
    if first.at_least is None or second.at_least is None:
        return None
    if first.at_least.shape[1] != second.at_least.shape[1]:
        raise WrongUsage(
            f"One has {first.at_least.shape[1]} thresholds and the other {second.at_least.shape[1]}. "
            "Give both the same columns, empty where a study did not report a threshold."
        )
    return np.concatenate([first.at_least, second.at_least])
