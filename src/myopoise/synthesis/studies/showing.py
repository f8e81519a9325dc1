"""The first studies of a file as text, one line each, so that a person sees how they were understood."""

from __future__ import annotations

import numpy as np

from myopoise.synthesis.studies.values import Arms, Outcome, Studies

__all__ = ["study_lines"]


def study_lines(studies: Studies, count: int) -> tuple[str, ...]:
    """The first studies, one line each.

    Parameters
    ----------
    studies
        The studies.
    count
        How many.
    """
    return tuple(f"{studies.names[at]}: {_line(studies, at)}" for at in range(min(count, len(studies.names))))


def _line(studies: Studies, study: int) -> str:
    if studies.arms is not None:
        mine = np.flatnonzero(studies.arms.study == study)
        if len(mine):
            names = studies.treatments
            return "; ".join(
                f"{names[studies.arms.treatment[at]]} {_arm(studies.arms, int(at))}" for at in mine
            )
    return _contrasts(studies, study)


def _arm(arms: Arms, at: int) -> str:
    def value(field: str) -> str:
        column = getattr(arms, field)
        return "?" if column is None or np.isnan(column[at]) else f"{column[at]:.6g}"

    if arms.outcome is Outcome.BINOMIAL:
        return f"{value('events')}/{value('n')}"
    if arms.outcome is Outcome.POISSON:
        return f"{value('events')} in {value('exposure')}"
    if arms.outcome is Outcome.ORDERED and arms.at_least is not None:
        steps = ", ".join("-" if np.isnan(step) else f"{step:.6g}" for step in arms.at_least[at])
        return f"{steps} of {value('n')}"
    return f"{value('mean')} (SE {value('se')})"


def _contrasts(studies: Studies, study: int) -> str:
    for block in studies.contrasts:
        found = np.flatnonzero(block.study == study)
        if len(found):
            at = int(found[0])
            first = studies.treatments[block.treatment[at, 0]]
            return "; ".join(
                f"{studies.treatments[arm]} v {first} {block.estimate[at, place]:.6g} "
                f"(SE {np.sqrt(block.covariance[at, place, place]):.4g})"
                for place, arm in enumerate(block.treatment[at, 1:])
            )
    return "no result"
