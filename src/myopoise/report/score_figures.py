"""The figures of scored visits as files: a waterfall, categories by arm and week, one patient's course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from myopoise.files import write_whole
from myopoise.outcomes.pictures import category_bars, course, waterfall
from myopoise.report.category_bars import category_figure
from myopoise.report.score_course import course_figure
from myopoise.report.waterfall import waterfall_figure

__all__ = ["write_figures"]


def write_figures(
    columns: Mapping[str, Sequence[Any]],
    folder: Path,
    *,
    title: str,
    cuts: Sequence[tuple[str, float]],
    maxima: Mapping[str, float],
    arm: str | None,
    patient: str | None,
    week: float | None,
    labels: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Path, ...]:
    """Write the figures of one definition of response, and give their paths.

    Parameters
    ----------
    columns
        Rows of scores, one a patient and visit, all of one definition.
    folder
        Where the figures go; it is made where it does not exist.
    title
        What was scored, by which definition.
    cuts
        Category and the lowest score that earns it; empty for a rule, which has no score.
    maxima
        Each measure and the most points it can earn; the points of `strength` stand in the column `strength_points`.
    arm
        Name of the column with the arm; None to draw all patients together.
    patient
        Whose course to draw; None for the first patient of the rows.
    week
        Week of the waterfall; None for the last with a score.
    labels
        What each measure is called in this definition, which is not always as its column is called; a measure without
        a label gets the name of its column.

    Returns
    -------
    paths
        `waterfall.svg` where the definition gives a score, `categories.svg` and `course.svg`.

    Notes
    -----
    Only the course names a patient, and only inside the picture: a file name travels further than its file. All are
    drawn before the first is written, so that a wrong patient or week leaves nothing behind.
    """
    falls = waterfall(columns, cuts=cuts, arm=arm, week=week)
    drawn = {} if falls is None else {"waterfall.svg": waterfall_figure(falls, title)}
    drawn["categories.svg"] = category_figure(category_bars(columns, arm=arm), title)
    drawn["course.svg"] = course_figure(
        course(columns, cuts=cuts, maxima=maxima, patient=patient), title, labels
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in drawn.items():
        write_whole(folder / name, text)
    return tuple(folder / name for name in drawn)
