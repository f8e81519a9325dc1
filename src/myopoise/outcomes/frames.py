"""`myopoise.score` and `myopoise.classify`: any dataframe in, the same kind of dataframe out.

polars, pandas, Arrow tables and whatever else narwhals knows; a mapping of columns or a list of rows gives a mapping of
lists.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from myopoise.errors import BadInput, WrongUsage
from myopoise.outcomes.checks import columns_wanted
from myopoise.outcomes.exact import Number
from myopoise.outcomes.files.formats import Source
from myopoise.outcomes.patients.tables import classify_table
from myopoise.outcomes.plan import plan_for
from myopoise.outcomes.score_tables import scores_frame
from myopoise.outcomes.scoring import Tally, missing_keys, passed_through, score_table
from myopoise.outcomes.visits import FaultLog

if TYPE_CHECKING:
    import polars

__all__ = ["classify", "score"]


def score(
    visits: Any,
    definition: str,
    *,
    missing: str = "strict",
    baseline_week: float | None = None,
    vas_unit: str = "cm",
    enzyme_unit: str = "U/L",
    instruments: Mapping[str, str] | None = None,
    enzyme_ranges: Mapping[str, Number] | None = None,
    options: Mapping[str, bool] | None = None,
    on_fault: str = "stop",
) -> Any:
    """SCORES of a table of visits: one row for each patient and follow-up week.

    Parameters
    ----------
    visits
        A dataframe with the columns of a file of visits (``patient``, ``week`` and what was measured); a mapping of
        columns, or a list of rows.
    definition
        Name of the definition, for example ``acr-eular-2016-adult``.
    missing
        ``strict``: a visit with a missing measure is not computable; ``bounds``: its smallest and largest possible
        score, and the category where both agree.
    baseline_week
        Week of the baseline visit; each patient's earliest unless given.
    vas_unit
        ``cm`` or ``mm``.
    enzyme_unit
        ``U/L`` or ``microkat/L``; it matters only where an enzyme is compared with a number.
    instruments
        The instrument of a measure that could be held by several, for the whole run: ``{"strength": "cmas"}``.
    enzyme_ranges
        Ranges other than those of the definition, times the upper limit of normal.
    options
        Parts of the definition to turn on or off.
    on_fault
        ``stop``: any fault in the data is an error that lists them all; ``skip``: visits with a fault are left out,
        and a warning says how many.

    Returns
    -------
    scores
        The columns of SCORES and behind them those that no instrument knows, as the same kind of dataframe.

    Raises
    ------
    BadInput
        With every fault of the data: its row (the first is 2, as below a header), column and remedy.
    WrongUsage
        For a word that is not known, or a choice the protocol must make and the call did not.

    Examples
    --------
    >>> visits = {
    ...     "patient": ["A", "A"],
    ...     "week": [0, 24],
    ...     "physician_global": [6, 3.4],
    ...     "patient_global": [4, 4],
    ...     "mmt": [60, 60],
    ...     "mmt_max": [80, 80],
    ...     "haq": [1, 1],
    ...     "ck": [400, 400],
    ...     "ck_uln": [200, 200],
    ...     "extramuscular": [2, 2],
    ... }
    >>> scores = score(visits, "acr-eular-2016-adult")
    >>> scores["score"], scores["category"]
    ([17.5], ['none'])
    """
    if on_fault not in ("stop", "skip"):
        raise WrongUsage(f"'{on_fault}' is not a way with faults. Choose one of stop, skip.")
    frame, give_back = _received(visits)
    missing_keys("visits", tuple(frame.columns))
    plan = plan_for(
        definition,
        _held(frame),
        missing=missing,
        vas_unit=vas_unit,
        enzyme_unit=enzyme_unit,
        baseline_week=baseline_week,
        chosen=instruments,
        enzyme_ranges=enzyme_ranges,
        options=options,
    )
    log, tally = FaultLog("visits"), Tally()
    chunk = score_table(frame, plan, log, tally, passed=passed_through(tuple(frame.columns)))
    if log and on_fault == "stop":
        raise BadInput("visits", log.shown(), log.count)
    if log:
        told = "visit with a fault was" if tally.left_out == 1 else "visits with a fault were"
        warnings.warn(f"{tally.left_out:,} {told} left out.", stacklevel=2)
    return give_back(scores_frame(chunk.scores, chunk.visits, chunk.passed))


def classify(patients: Any, criteria: str = "eular-acr-2017") -> Any:
    """CLASSES of a table of patients: one row for each.

    Parameters
    ----------
    patients
        A dataframe with ``patient`` and the columns of the criteria (1, 0 or empty); a mapping of columns, or a list
        of rows.
    criteria
        ``eular-acr-2017`` or ``bohan-peter-1975``.

    Returns
    -------
    classes
        The columns of CLASSES, as the same kind of dataframe.

    Raises
    ------
    BadInput
        With every fault of the data.
    """
    frame, give_back = _received(patients)
    return give_back(classify_table(frame, criteria, "patients"))


# --- dataframes -------------------------------------------------------------------------------------------


def _held(frame: polars.DataFrame) -> frozenset[str]:
    """Columns of instruments with at least one value, as a file would tell."""
    names = tuple(frame.columns)
    source = Source("visits", names, lambda columns, size: frame.select(columns).iter_slices(size))
    return source.held(columns_wanted(names))


def _received(table: Any) -> tuple[polars.DataFrame, Callable[[polars.DataFrame], Any]]:
    """A table as polars, and how to hand one back as the caller's kind."""
    import polars

    if isinstance(table, polars.LazyFrame):
        table = table.collect()
    if isinstance(table, polars.DataFrame):
        return table, lambda frame: frame
    try:
        if isinstance(table, Mapping):
            return polars.DataFrame(table, strict=False), lambda frame: frame.to_dict(as_series=False)
        if isinstance(table, Sequence) and not isinstance(table, str):
            rows = polars.DataFrame(list(table), strict=False, infer_schema_length=None)
            return rows, lambda frame: frame.to_dicts()
    except polars.exceptions.ShapeError as fault:
        raise WrongUsage("The columns of a table are of one length, and these are not.") from fault
    return _foreign(table)


def _foreign(table: Any) -> tuple[polars.DataFrame, Callable[[polars.DataFrame], Any]]:
    import narwhals
    import polars

    try:
        wrapped = narwhals.from_native(table, eager_only=True)
    except TypeError as fault:
        kind = type(table).__name__
        raise WrongUsage(
            f"This is not a table but of the type {kind}. Give a dataframe (polars, pandas, Arrow), a mapping of "
            "columns or a list of rows; read a file first, or use the command myopoise score."
        ) from fault
    frame = polars.DataFrame({name: _series(wrapped[name]) for name in wrapped.columns}, strict=False)

    def give_back(found: polars.DataFrame) -> Any:
        if wrapped.implementation.is_pyarrow():
            return found.to_arrow()
        columns = {one.name: _theirs(one, wrapped.implementation) for one in found}
        return narwhals.from_dict(columns).to_native()

    return frame, give_back


def _series(column: Any) -> Any:
    """A column of another library: numbers quickly where possible, and nothing where it says NaN, NA or NaT."""
    import polars

    absent = column.is_null()
    if column.dtype.is_float() or (column.dtype.is_numeric() and not absent.any()):
        return polars.Series(column.to_numpy(), nan_to_null=True)
    return [None if gone else value for value, gone in zip(column.to_list(), absent.to_list(), strict=True)]


def _theirs(column: polars.Series, library: Any) -> Any:
    """A column for another library; text stays text where there is none of it, as in an empty table."""
    import narwhals
    import polars

    if column.dtype == polars.String:
        return narwhals.new_series(column.name, column.to_list(), narwhals.String, backend=library)
    arrays = column.dtype.is_numeric() or column.dtype.is_temporal()
    return narwhals.new_series(
        column.name, column.to_numpy() if arrays else column.to_list(), backend=library
    )
