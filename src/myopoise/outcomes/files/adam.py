"""Visits from an ADaM data set of basic structure (BDS), which has one record a parameter and visit.

A *record* is a row of such a data set, a *parameter* what it measures. The way back is `to_bds`; what is called how
stands in `myopoise.outcomes.files.adam_table`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from myopoise.errors import BadInput, Fault
from myopoise.outcomes.files.adam_records import to_bds
from myopoise.outcomes.files.adam_table import MARKS, AdamTable, adam_table, is_bds
from myopoise.outcomes.files.damage import many
from myopoise.outcomes.instruments import instruments

if TYPE_CHECKING:
    import polars

__all__ = ["Unfolded", "adam_table", "from_bds", "is_bds", "to_bds"]

_ONE_A_PATIENT = ("STUDYID", "SITEID", "TRT01P", "TRT01A")
_FLAGS = ("ABLFL", "ANL01FL")
_WEEK_OF_VISIT = r"(?i)^week\s*(-?\d+(?:\.\d+)?)$"


@dataclass(frozen=True, repr=False)
class Unfolded:
    """Visits read from a data set of basic structure.

    Parameters
    ----------
    visits
        One row a patient and week: `patient`, `week`, the measures that the data set has, and what travels beside.
    lines
        For each row the row of the file with its first record.
    unknown
        PARAMCDs that no measure has; their records were passed over.
    derived
        PARAMCDs that follow from the measures and were not read.
    earlier
        Records before the flagged baseline of their patient, left out because they are not the baseline.
    """

    visits: polars.DataFrame
    lines: Sequence[int]
    unknown: tuple[str, ...]
    derived: tuple[str, ...]
    earlier: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not read, in sentences."""
        told = []
        if self.unknown:
            told.append(f"Parameters without a measure, passed over: {', '.join(self.unknown)}.")
        if self.derived:
            told.append(f"Derived parameters, not read: {', '.join(self.derived)}.")
        if self.earlier:
            told.append(f"{self.earlier} records before the baseline flagged by ABLFL were left out.")
        return tuple(told)


def from_bds(
    frame: polars.DataFrame,
    *,
    file: str = "ADaM",
    week: str = "AVISITN",
    codes: Mapping[str, str] | None = None,
) -> Unfolded:
    """Visits from records.

    Parameters
    ----------
    frame
        The records. Only those with ANL01FL = Y count where there is such a column, and baseline records (ABLFL = Y).
    file
        Name of the file, for faults.
    week
        Column with the week. From ``ADY`` the week is (day - 1) / 7, and day / 7 before day 1, since no day is 0.
    codes
        PARAMCDs other than ours, by the column of visits they go to.

    Returns
    -------
    unfolded
        The visits, in the order of their first records. The week is a number; measures stand as in `frame`.

    Raises
    ------
    BadInput
        For a missing column, a record without patient, parameter or week, a visit whose name says another week, two
        records for one parameter and visit, or a second baseline.

    Notes
    -----
    The baseline of a patient is where ABLFL puts it. If flagged records come from several visits, all count as the
    last of these, and what was recorded before is left out, so that a screening visit cannot pass for the baseline.
    """
    import polars

    if missing := [name for name in (*MARKS, week) if name not in frame.columns]:
        remedy = "An ADaM data set of basic structure has it."
        raise BadInput(
            file, tuple(Fault(file, 1, name, "no-column", "is missing", remedy) for name in missing)
        )
    table = adam_table()
    known = {code: column for column, code in {**table.measures, **(codes or {})}.items()}
    records = _counted(_plain(frame, week))
    found = set(records["PARAMCD"].drop_nulls().unique())
    records = records.filter(polars.col("PARAMCD").is_null() | polars.col("PARAMCD").is_in(list(known)))
    _refuse(file, _record_faults(file, records, week))
    records, earlier = _from_baseline(records)
    _refuse(file, _twice(file, records, ("USUBJID", "PARAMCD", "week"), "PARAMCD", "two-records"))
    visits = _wide(records, known, table)
    return Unfolded(
        visits=visits.drop("line"),
        lines=visits["line"].to_list(),
        unknown=tuple(sorted(found - known.keys() - table.derived)),
        derived=tuple(sorted(found & table.derived - known.keys())),
        earlier=earlier,
    )


def _plain(frame: polars.DataFrame, week: str) -> polars.DataFrame:
    """The records with texts stripped, their line, and a week in numbers."""
    import polars
    import polars.selectors as kinds

    texts = kinds.string().str.strip_chars().replace("", None)
    number = polars.col(week).cast(polars.Float64, strict=False).fill_nan(None)
    if week == "ADY":
        number = polars.when(number > 0).then((number - 1) / 7).when(number < 0).then(number / 7)
    lines = polars.int_range(2, frame.height + 2).alias("line")
    return frame.with_columns(texts).with_columns(number.alias("week"), lines)


def _counted(records: polars.DataFrame) -> polars.DataFrame:
    import polars

    flags = [polars.col(name) == "Y" for name in _FLAGS if name in records.columns]
    return records.filter(polars.any_horizontal(flags)) if "ANL01FL" in records.columns else records


def _record_faults(file: str, records: polars.DataFrame, week: str) -> list[Fault]:
    import polars

    columns = records.columns
    faults: list[Fault] = []

    def look(condition: polars.Expr, column: str, kind: str, found: str, remedy: str) -> None:
        lines = records.filter(condition)["line"]
        faults.extend(Fault(file, line, column, kind, found, remedy) for line in lines)

    for name in ("USUBJID", "PARAMCD"):
        look(
            polars.col(name).is_null(),
            name,
            "empty",
            "is empty",
            "Every record names its patient and parameter.",
        )
    look(
        polars.col("week").is_null(),
        week,
        "no-week",
        "no week can be read",
        "A number is needed; no day is 0.",
    )
    if week.startswith("AVISITN") and "AVISIT" in columns and records.schema["AVISIT"] == polars.String:
        named = polars.col("AVISIT").str.extract(_WEEK_OF_VISIT).cast(polars.Float64)
        remedy = (
            'Where AVISITN counts visits and not weeks, take the week from ADY: week = "ADY" in a column map.'
        )
        look(named != polars.col("week"), week, "other-week", "AVISIT names another week", remedy)
    for name in _ONE_A_PATIENT:
        if name in columns:
            other = polars.col(name) != polars.col(name).drop_nulls().first().over("USUBJID")
            look(
                other,
                name,
                "two-values",
                "differs from an earlier record of the patient",
                "A patient has one.",
            )
    if "ABLFL" in columns:
        base = records.filter(polars.col("ABLFL") == "Y")
        faults += _twice(file, base, ("USUBJID", "PARAMCD"), "ABLFL", "second-baseline")
    return faults


def _twice(file: str, records: polars.DataFrame, key: tuple[str, ...], column: str, kind: str) -> list[Fault]:
    import polars

    again = records.filter(~polars.struct(key).is_first_distinct() & polars.col("PARAMCD").is_not_null())
    words = {
        "two-records": (
            "a second record of {} for the patient and visit",
            "Flag the one to use with ANL01FL = Y.",
        ),
        "second-baseline": ("a second baseline of {} for the patient", "Flag one record with ABLFL = Y."),
    }
    found, remedy = words[kind]
    pairs = again.select("line", "PARAMCD").iter_rows()
    return [Fault(file, line, column, kind, found.format(code), remedy) for line, code in pairs]


def _refuse(file: str, faults: Iterable[Fault]) -> None:
    if found := sorted(faults):
        raise BadInput(file, many(found))


def _from_baseline(records: polars.DataFrame) -> tuple[polars.DataFrame, int]:
    """The records from each patient's flagged baseline on, the flagged ones at its week; and how many came before."""
    import polars

    if "ABLFL" not in records.columns:
        return records, 0
    flagged = (polars.col("ABLFL") == "Y").fill_null(False)
    start = polars.col("week").filter(flagged).max().over("USUBJID")
    records = records.with_columns(start.alias("start"))
    moved = (flagged & (polars.col("week") < polars.col("start"))).any().over("USUBJID", "PARAMCD")
    records = records.with_columns(moved.alias("moved"))
    before = ~flagged & (polars.col("week") < polars.col("start")).fill_null(False)
    replaced = ~flagged & polars.col("moved") & (polars.col("week") == polars.col("start"))
    week = polars.when(flagged).then("start").otherwise("week").alias("week")
    kept = records.filter(~(before | replaced.fill_null(False)))
    return kept.with_columns(week), records.height - kept.height


def _wide(records: polars.DataFrame, known: Mapping[str, str], table: AdamTable) -> polars.DataFrame:
    import polars

    here = set(records["PARAMCD"].unique())
    code = polars.col("PARAMCD")
    limit = next((name for name in table.upper_limits if name in records.columns), None)
    columns = {}
    for paramcd, column in known.items():
        if paramcd not in here:
            continue
        of_this = code == paramcd
        columns[column] = polars.col("AVAL").filter(of_this).first()
        instrument = instruments().get(column)
        if instrument and instrument.uln_column and limit:
            columns[instrument.uln_column] = polars.col(limit).filter(of_this).first()
        companion = instrument.companion if instrument else ""
        source = table.measures.get(companion, "")
        if source in records.columns and source not in here:
            columns[companion] = polars.col(source).filter(of_this).first()
    for name in table.carried:
        if name in records.columns:
            only = polars.col(name).drop_nulls()
            columns[name] = polars.when(only.n_unique() == 1).then(only.first())
    grouped = records.group_by("USUBJID", "week", maintain_order=True)
    visits = grouped.agg(polars.col("line").first(), **columns)
    return visits.rename({"USUBJID": "patient"})
