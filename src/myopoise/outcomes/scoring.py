"""From visits to SCORES: a table at once, or a file of any size in chunks of whole patients.

A file is read once, in memory that does not grow with it, as long as the rows of a patient stand together. Where they
do not, the file is read several times, each time for a share of the patients; no copy of anybody's data is written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault
from myopoise.outcomes.checks import check_visits, columns_wanted
from myopoise.outcomes.columnar import Scores, score_columns
from myopoise.outcomes.held import Columns
from myopoise.outcomes.instruments import instruments
from myopoise.outcomes.plan import Plan
from myopoise.outcomes.reasons import STATUSES
from myopoise.outcomes.score_tables import SCORES
from myopoise.outcomes.visits import COMPANIONS, KEYS, FaultLog

if TYPE_CHECKING:
    import polars

__all__ = [
    "Chunk",
    "ScatteredPatients",
    "Source",
    "Tally",
    "missing_keys",
    "passed_through",
    "score_chunks",
    "score_shares",
    "score_table",
]

SIZE = 262_144
"""Visits in a chunk: small enough to stay near the processor, large enough that the overhead does not count."""
_WORKERS = 1
"""One piece is scored while the next is read; two crowd each other out of the cache, and it takes longer."""
SHARE = 4_000_000
"""Visits that are held at once where the rows of a patient do not stand together."""


class Source(Protocol):
    """A file of visits."""

    @property
    def name(self) -> str:
        """Its name, without folder."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns."""

    def batches(self, columns: Sequence[str] | None, size: int) -> Iterator[polars.DataFrame]:
        """Its rows, a batch at a time."""


@dataclass(frozen=True)
class Chunk:
    """Some whole patients, scored.

    Parameters
    ----------
    scores
        What was found.
    columns
        The numbers it was found from.
    visits
        The same visits as a table: ``patient`` as text, ``week`` as a number, and what passes through.
    passed
        Columns that pass through.
    """

    scores: Scores
    columns: Columns
    visits: polars.DataFrame
    passed: tuple[str, ...]


@dataclass
class Tally:
    """What a run saw, counted while it went by.

    Parameters
    ----------
    visits, patients
        How many were read.
    rows
        How many follow-up visits were judged.
    status, category
        How many of each word.
    enzymes
        How many rows followed each enzyme.
    baseline_only
        Patients with no visit after baseline.
    before_baseline
        Visits before the baseline week, which are not judged.
    left_out
        Visits left out because of a fault.
    """

    visits: int = 0
    patients: int = 0
    rows: int = 0
    status: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    category: dict[str, int] = field(default_factory=dict)
    enzymes: dict[str, int] = field(default_factory=dict)
    baseline_only: int = 0
    before_baseline: int = 0
    left_out: int = 0

    def add(self, scores: Scores, columns: Columns, visits: int) -> None:
        """Count one chunk.

        Parameters
        ----------
        scores
            What was found.
        columns
            The visits without fault.
        visits
            Visits that were read, those with a fault included.
        """
        people = np.bincount(columns.patient).astype(bool)
        judged = np.bincount(columns.patient[scores.rows], minlength=len(people)).astype(bool)
        self.visits += visits
        self.left_out += visits - len(columns.patient)
        self.patients += int(people.sum())
        self.rows += len(scores.rows)
        self.baseline_only += int((people & ~judged).sum())
        if scores.plan.baseline_week is not None:
            self.before_baseline += int((columns.week < scores.plan.baseline_week).sum())
        _count(self.status, STATUSES, scores.status)
        _count(self.category, scores.words, scores.category)
        names = next((n for d, n in scores.plan.instruments.items() if scores.plan.chosen_by_ratio(d)), ())
        _count(self.enzymes, names, scores.enzyme)


def _count(into: dict[str, int], words: tuple[str, ...], codes: NDArray[np.int8]) -> None:
    for place, word in enumerate(words):
        into[word] = into.get(word, 0) + int((codes == place).sum())


def missing_keys(file: str, columns: Collection[str]) -> None:
    """Nothing, or `BadInput` where a table does not say who and when.

    Parameters
    ----------
    file
        Name of the file.
    columns
        Its columns.
    """
    absent = [name for name in KEYS if name not in columns]
    if absent:
        remedy = "Give it, or say with --columns which column of the file holds it"
        faults = [
            Fault(file, 1, name, "missing-column", "the column is not there", remedy) for name in absent
        ]
        raise BadInput(file, tuple(faults))


def passed_through(columns: Collection[str]) -> tuple[str, ...]:
    """Columns that no instrument knows, and that are not among those of SCORES."""
    known = {*KEYS, *instruments(), *COMPANIONS.values(), *SCORES}
    return tuple(name for name in columns if name not in known)


def score_table(
    frame: polars.DataFrame,
    plan: Plan,
    log: FaultLog,
    tally: Tally,
    rows: NDArray[np.int64] | None = None,
    passed: Collection[str] = (),
) -> Chunk:
    """Every follow-up visit of a table, scored; a patient's rows may stand anywhere.

    Parameters
    ----------
    frame
        The visits.
    plan
        The definition and what the protocol fixes.
    log
        Where faults are noted; visits with a fault are left out.
    tally
        Counts what was seen.
    rows
        Row of the file of each visit, ``(visit,)``; from 2 on, below a header, unless told.
    passed
        Columns that pass through.
    """
    named = frame.with_columns(patient=_names(frame["patient"]))
    names = named["patient"]
    runs = _runs(names)
    if names.n_unique() != int(runs[-1]) + 1 if len(runs) else False:
        runs = names.rank("dense").fill_null(0).cast(int).to_numpy() - 1
    whole = np.arange(2, len(frame) + 2) if rows is None else rows
    return _counted(_scored(named, runs, whole, plan, FaultLog(log.file), tuple(passed)), log, tally)


def score_chunks(
    source: Source,
    plan: Plan,
    log: FaultLog,
    tally: Tally,
    passed: Collection[str] = (),
    advance: Callable[[int], None] = lambda rows: None,
) -> Iterator[Chunk]:
    """Every follow-up visit of a file, scored in chunks of whole patients, in the order of the file.

    Parameters
    ----------
    source
        The file.
    plan
        The definition and what the protocol fixes.
    log
        Where faults are noted; visits with a fault are left out.
    tally
        Counts what was seen.
    passed
        Columns that pass through.
    advance
        Told how many rows have been read, now and then.

    Yields
    ------
    chunk
        Some whole patients.

    Raises
    ------
    ScatteredPatients
        At the end, where the rows of a patient do not stand together; nothing that was yielded counts then.
    """
    openings: list[NDArray[np.uint64]] = []
    wanted, through = _wanted(source, passed), tuple(passed)
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[tuple[Chunk, FaultLog, int]]] = deque()
        for frame, runs, row in _whole_patients(source.batches(wanted, SIZE), advance):
            openings.append(_openings(frame["patient"], runs))
            rows = np.arange(row, row + len(runs))
            waiting.append(pool.submit(_scored, frame, runs, rows, plan, FaultLog(source.name), through))
            if len(waiting) > _WORKERS:
                yield _counted(waiting.popleft().result(), log, tally)
        while waiting:
            yield _counted(waiting.popleft().result(), log, tally)
    met = np.concatenate(openings) if openings else np.zeros(0, np.uint64)
    met.sort()
    if np.any(met[1:] == met[:-1]):
        raise ScatteredPatients


def _whole_patients(
    batches: Iterator[polars.DataFrame], advance: Callable[[int], None]
) -> Iterator[tuple[polars.DataFrame, NDArray[np.int64], int]]:
    """Pieces that end where a patient does, a number for each stretch of rows with the same name, and the first row."""
    waiting: polars.DataFrame | None = None
    row = 2
    for batch in batches:
        advance(len(batch))
        named = batch.with_columns(patient=_names(batch["patient"]))
        frame = named if waiting is None else waiting.vstack(named)
        runs = _runs(frame["patient"])
        cut = int(np.searchsorted(runs, runs[-1])) if len(runs) else 0
        waiting = frame[cut:]
        if cut:
            yield frame[:cut], runs[:cut], row
            row += cut
    if waiting is not None and len(waiting):
        yield waiting, _runs(waiting["patient"]), row


def score_shares(
    source: Source,
    plan: Plan,
    log: FaultLog,
    tally: Tally,
    visits: int,
    passed: Collection[str] = (),
    advance: Callable[[int], None] = lambda rows: None,
) -> Iterator[Chunk]:
    """Every follow-up visit of a file in which a patient's rows stand anywhere.

    Parameters
    ----------
    source, plan, log, tally
        As for `score_chunks`.
    visits
        How many visits the file has.
    passed, advance
        As for `score_chunks`.

    Yields
    ------
    chunk
        A share of the patients, in the order of the file; the shares follow each other.
    """
    import polars

    shares = -(-visits // SHARE)
    for share in range(shares):
        frames, places, row = [], [], 2
        for batch in source.batches(_wanted(source, passed), SIZE):
            advance(len(batch) // shares)
            mine = (_names(batch["patient"]).hash(0) % shares == share).to_numpy()
            frames.append(batch.filter(mine))
            places.append(row + np.flatnonzero(mine))
            row += len(batch)
        if frames:
            yield score_table(polars.concat(frames), plan, log, tally, np.concatenate(places), passed)


class ScatteredPatients(Exception):
    """The rows of some patient do not stand together, so that a file cannot be scored in one reading."""


# --- steps ------------------------------------------------------------------------------------------------


def _wanted(source: Source, passed: Collection[str]) -> tuple[str, ...]:
    read = {*KEYS, *columns_wanted(source.columns), *passed}
    return tuple(name for name in source.columns if name in read)


def _names(column: polars.Series) -> polars.Series:
    """Patients as text; nothing where the name is empty."""
    import polars

    if column.dtype.is_float():
        whole = column.cast(polars.Int64, strict=False)
        column = whole if whole.cast(polars.Float64).equals(column) else column
    text = column.cast(polars.String)
    return text if column.dtype != polars.String else text.replace({"": None}) if (text == "").any() else text


def _runs(names: polars.Series) -> NDArray[np.int64]:
    """A number for each stretch of rows with the same name."""
    if not len(names):
        return np.zeros(0, np.int64)
    changes = names.ne_missing(names.shift(1)).to_numpy()
    changes[0] = False
    return np.asarray(np.cumsum(changes), np.int64)


def _openings(names: polars.Series, runs: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The names with which the stretches open, as numbers; a row without a name is a fault and is not counted."""
    first = np.flatnonzero(np.concatenate([[True], runs[1:] != runs[:-1]]))
    return names.gather(first.astype(np.uint32)).drop_nulls().hash(0).to_numpy()


def _scored(
    frame: polars.DataFrame,
    runs: NDArray[np.int64],
    rows: NDArray[np.int64],
    plan: Plan,
    log: FaultLog,
    passed: tuple[str, ...],
) -> tuple[Chunk, FaultLog, int]:
    """A piece scored, its faults, and how many visits it had."""
    patient = (
        np.where(frame["patient"].is_null().to_numpy(), -1, runs) if frame["patient"].null_count() else runs
    )
    checked = check_visits(frame, patient, rows, plan, log)
    scores = score_columns(checked.columns, plan)
    kept = frame.select("patient", *passed)
    if len(checked.kept) < len(frame):
        kept = kept[checked.kept]
    return (
        Chunk(scores, checked.columns, kept.insert_column(1, _week(checked.columns)), passed),
        log,
        len(frame),
    )


def _counted(found: tuple[Chunk, FaultLog, int], log: FaultLog, tally: Tally) -> Chunk:
    """The chunk, once what was seen in it is counted."""
    chunk, faults, visits = found
    log.take(faults)
    tally.add(chunk.scores, chunk.columns, visits)
    return chunk


def _week(columns: Columns) -> polars.Series:
    import polars

    return polars.Series("week", columns.week)
