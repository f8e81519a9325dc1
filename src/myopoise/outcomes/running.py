"""One run of the scorer over a file: SCORES, and what was asked for beside it, whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from myopoise.errors import BadInput
from myopoise.outcomes.courses import course_columns, course_levels, judged_visits
from myopoise.outcomes.files.formats import Source
from myopoise.outcomes.files.sinks import open_sink
from myopoise.outcomes.plan import Plan
from myopoise.outcomes.reasons import NOT_COMPUTABLE
from myopoise.outcomes.score_tables import details_frame, scores_frame
from myopoise.outcomes.scoring import Chunk, ScatteredPatients, Tally, score_chunks, score_shares
from myopoise.outcomes.visits import FaultLog

if TYPE_CHECKING:
    import polars

__all__ = ["TIMES", "Outputs", "Run", "faults_path", "score_file"]

TIMES = (
    *("patient", "definition", "level", "visits", "first_week", "weeks_to_first", "confirmed_week"),
    *("weeks_to_confirmed", "lost_week", "weeks_held", "held_to_end", "flare_week", "last_week"),
)
"""Columns of the times, one row for a patient and level of response."""


@dataclass(frozen=True)
class Outputs:
    """Where a run writes; the suffix of each is its format.

    Parameters
    ----------
    scores
        SCORES.
    details
        How every measure was read, or nothing.
    times
        Times to response, or nothing.
    """

    scores: Path
    details: Path | None = None
    times: Path | None = None


@dataclass(frozen=True)
class Run:
    """What a run did.

    Parameters
    ----------
    plan
        The definition and what was fixed.
    tally
        What was seen.
    log
        Faults of the visits that were left out.
    paths
        The files written.
    kept
        SCORES in memory, where they were asked for.
    """

    plan: Plan
    tally: Tally
    log: FaultLog
    paths: tuple[Path, ...]
    kept: polars.DataFrame | None = None

    @property
    def answers(self) -> dict[str, int]:
        """How many rows have each answer; they add up to the rows."""
        found, tally = dict(self.tally.category), self.tally
        unsettled = tally.rows - sum(found.values()) - tally.status[NOT_COMPUTABLE]
        if unsettled:
            found["bounds disagree"] = unsettled
        return found | {NOT_COMPUTABLE: tally.status[NOT_COMPUTABLE]}


def faults_path(scores: Path) -> Path:
    """Where the faults of visits that were left out are written: beside SCORES."""
    return scores.with_name(f"{scores.stem}.faults.csv")


def score_file(
    source: Source,
    plan: Plan,
    outputs: Outputs,
    *,
    passed: Collection[str] = (),
    skip_faults: bool = False,
    keep: bool = False,
    advance: Callable[[int], None] = lambda rows: None,
) -> Run:
    """Score a file into files.

    Parameters
    ----------
    source
        The visits.
    plan
        The definition and what the protocol fixes.
    outputs
        Where to write.
    passed
        Columns that pass through.
    skip_faults
        Whether visits with a fault are left out and the faults written beside SCORES; otherwise any fault stops the
        run before a file appears.
    keep
        Whether to hold SCORES in memory too, for the pictures.
    advance
        Told how many rows have been read, now and then.

    Raises
    ------
    BadInput
        With the faults of the file, unless they are skipped.
    """
    log, tally = FaultLog(source.name), Tally()
    try:
        chunks = score_chunks(source, plan, log, tally, passed, advance)
        kept = _write(chunks, outputs, source, log, skip_faults, keep)
    except ScatteredPatients:
        visits = tally.visits
        log, tally = FaultLog(source.name), Tally()
        chunks = score_shares(source, plan, log, tally, visits, passed, advance)
        kept = _write(chunks, outputs, source, log, skip_faults, keep)
    paths = [path for path in (outputs.scores, outputs.details, outputs.times) if path]
    if log:
        paths.append(faults_path(outputs.scores))
    return Run(plan, tally, log, tuple(paths), kept)


def _write(
    chunks: Iterator[Chunk], outputs: Outputs, source: Source, log: FaultLog, skip_faults: bool, keep: bool
) -> polars.DataFrame | None:
    import polars

    kept: list[polars.DataFrame] = []
    with contextlib.ExitStack() as stack:
        scores = stack.enter_context(open_sink(outputs.scores))
        details, times = (
            stack.enter_context(open_sink(path)) if path else None
            for path in (outputs.details, outputs.times)
        )
        beside = stack.enter_context(open_sink(faults_path(outputs.scores))) if skip_faults else None
        for chunk in chunks:
            frame = scores_frame(chunk.scores, chunk.visits, chunk.passed)
            scores.write(frame)
            if details is not None:
                details.write(details_frame(chunk.scores, chunk.visits))
            if times is not None:
                times.write(times_frame(chunk))
            if keep:
                kept.append(frame)
        log.rows_are(source.line)
        if log and beside is None:
            raise BadInput(source.name, log.shown(), log.count)
        if log and beside is not None:
            beside.write(faults_frame(log))
    return polars.concat(kept) if kept else None


def faults_frame(log: FaultLog) -> polars.DataFrame:
    """Every fault as a table: file, row, column, kind, found, remedy."""
    import polars

    names = ("file", "row", "column", "kind", "found", "remedy")
    faults = [tuple(getattr(fault, name) for name in names) for fault in log.every()]
    return polars.DataFrame(faults, schema=list(names), orient="row")


def times_frame(chunk: Chunk) -> polars.DataFrame:
    """Times to response of the patients of a chunk.

    Parameters
    ----------
    chunk
        Scored visits of whole patients.

    Returns
    -------
    times
        Columns `TIMES`.
    """
    import polars

    definition = chunk.scores.plan.definition
    levels = course_levels(definition)
    found = course_columns(judged_visits(chunk.scores, chunk.columns), chunk.scores.words, levels)
    codes, first = np.unique(chunk.columns.patient, return_index=True)
    rows = first[np.searchsorted(codes, found.patient)]
    weeks = {name: getattr(found, name) for name in TIMES[4:]}
    return polars.DataFrame(
        {
            "patient": chunk.visits["patient"][rows],
            "definition": [definition.name] * len(rows),
            "level": [levels[place].word for place in found.level],
            "visits": found.visits,
            **{name: polars.Series(name, column, nan_to_null=True) for name, column in weeks.items()},
        }
    )
