"""Scores, and the visits they were made of, as records of an ADaM data set of basic structure (BDS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from myopoise.errors import WrongUsage
from myopoise.outcomes.definitions import Kind, definition
from myopoise.outcomes.files.adam_table import AdamTable, adam_table
from myopoise.outcomes.instruments import instruments

if TYPE_CHECKING:
    import polars

__all__ = ["to_bds"]

_ALWAYS = ("STUDYID", "USUBJID", "PARAM", "PARAMCD", "AVISIT", "AVISITN", "AVAL", "AVALC", "ANL01FL")
"""Columns that are written even where they are empty."""


def to_bds(
    scores: polars.DataFrame, visits: polars.DataFrame | None = None, *, baseline_week: float | None = None
) -> polars.DataFrame:
    """Records from scores, and from the visits they were made of if these are given.

    Parameters
    ----------
    scores
        Rows of a file of scores; columns with the ADaM names of `AdamTable.carried` travel beside.
    visits
        The visits, for records of the measures with baseline, change and percent change.
    baseline_week
        Week of the baseline visit; each patient's earliest when it is not given.

    Returns
    -------
    records
        Sorted by patient in order of appearance, parameter and week. A column without data is left out unless ADaM
        requires it.

    Raises
    ------
    WrongUsage
        For a frame that does not hold scores, or two definitions whose answers have the same PARAMCD.
    """
    import polars

    needed = ("patient", "week", "definition", "category")
    if missing := [name for name in needed if name not in scores.columns]:
        raise WrongUsage(f"ADaM records are made of scores, and {', '.join(missing)} is not there.")
    table = adam_table()
    names = scores["definition"].drop_nulls().unique(maintain_order=True).to_list()
    pieces = []
    used: dict[str, str] = {}
    for name in names:
        rows = scores.filter(polars.col("definition") == name)
        for code, piece in _answers(rows, name, table):
            if code in used and used[code] != name:
                raise WrongUsage(f"{used[code]} and {name} both answer as {code}. Write a file for each.")
            used[code] = name
            pieces.append(piece.with_columns(polars.lit(code).alias("PARAMCD")))
    if visits is not None:
        pieces += _measured(visits, scores, baseline_week, table)
    return _in_order(pieces, table)


def _answers(rows: polars.DataFrame, name: str, table: AdamTable) -> list[tuple[str, polars.DataFrame]]:
    """Records of one definition, a piece for each parameter."""
    import polars

    found = definition(name)
    head = _head(rows, table)
    category = rows["category"].cast(polars.String)
    if found.kind is Kind.RULE:
        return [(table.rules[name], _yes_or_no(head, category, category == found.words[0]))]
    if found.kind is not Kind.SCORE:
        raise WrongUsage(f"{name} is not applied to visits, so it has no ADaM records.")
    order = [one.name for one in found.categories]
    level = category.replace_strict(order, list(range(len(order))), default=None, return_dtype=polars.Int8)
    score = rows["score"].cast(polars.Float64).fill_nan(None)
    judged = score.is_not_null() | category.is_not_null()
    whole = head.with_columns(
        score.alias("AVAL"),
        category.alias("AVALC"),
        _flag(judged, "ANL01FL", no=None),
        polars.lit(table.criterion).alias("CRIT1"),
        _flag(level >= 1, "CRIT1FL"),
    )
    levels = enumerate(table.levels, 1)
    return [
        (table.score, whole),
        *((code, _yes_or_no(head, category, level >= step)) for step, code in levels),
    ]


def _head(rows: polars.DataFrame, table: AdamTable) -> polars.DataFrame:
    """Who and when, and what travels beside."""
    import polars

    week = polars.col("week").cast(polars.Float64, strict=False)
    numbers = [polars.col("ADY").cast(polars.Float64, strict=False)] if "ADY" in rows.columns else []
    carried = [polars.col(name) for name in table.carried if name in rows.columns]
    named = polars.format("Week {}", week.cast(polars.String).str.strip_suffix(".0"))
    visit = polars.coalesce("AVISIT", named) if "AVISIT" in rows.columns else named
    frame = rows.select(
        polars.col("patient").cast(polars.String).alias("USUBJID"), *carried, week.alias("AVISITN")
    )
    return frame.with_columns(rows.select(visit.alias("AVISIT"))["AVISIT"], *numbers)


def _yes_or_no(head: polars.DataFrame, category: polars.Series, yes: polars.Series) -> polars.DataFrame:
    import polars

    yes = (
        yes
        if category.dtype == polars.Null
        else polars.select(polars.when(category.is_not_null()).then(yes)).to_series()
    )
    return head.with_columns(
        yes.cast(polars.Float64).alias("AVAL"),
        _flag(yes, "AVALC"),
        _flag(category.is_not_null(), "ANL01FL", no=None),
    )


def _flag(yes: polars.Series, name: str, no: str | None = "N") -> polars.Series:
    import polars

    return yes.replace_strict([True, False], ["Y", no], default=None, return_dtype=polars.String).alias(name)


def _measured(
    visits: polars.DataFrame, scores: polars.DataFrame, baseline_week: float | None, table: AdamTable
) -> list[polars.DataFrame]:
    """Records of the measures, each with its baseline."""
    import polars

    head = _head(visits, table)
    start = (
        polars.lit(baseline_week)
        if baseline_week is not None
        else polars.col("AVISITN").min().over("USUBJID")
    )
    at_start = polars.col("AVISITN") == start
    known = instruments()
    values = visits.select(
        polars.exclude("week", "patient").cast(polars.Float64, strict=False).fill_nan(None)
    )
    columns = {column: code for column, code in table.measures.items() if column in visits.columns}
    named = {code: values[column] for column, code in columns.items()}
    limits = {
        code: values[known[column].uln_column]
        for column, code in columns.items()
        if column in known and known[column].uln_column in visits.columns
    }
    if (most := _most_abnormal(visits, scores, values)) is not None:
        named[table.most_abnormal] = most
    pieces = []
    for code, series in named.items():
        piece = head.with_columns(
            series.alias("AVAL"), polars.lit(code).alias("PARAMCD"), polars.lit("Y").alias("ANL01FL")
        )
        if code in limits:
            piece = piece.with_columns(limits[code].alias("A1HI"))
        piece = piece.with_columns(at_start.alias("at start"))
        if code in {one.paramcd for one in known.values()} | {table.most_abnormal}:
            piece = _with_change(piece)
        flag = polars.when("at start").then(polars.lit("Y")).alias("ABLFL")
        pieces.append(piece.with_columns(flag).drop("at start").filter(polars.col("AVAL").is_not_null()))
    return pieces


def _with_change(piece: polars.DataFrame) -> polars.DataFrame:
    """Records of one parameter with baseline, change and percent change; a baseline of 0 gives no percent."""
    import polars

    base = polars.col("AVAL").filter(polars.col("at start")).first().over("USUBJID")
    change = polars.when(~polars.col("at start")).then(polars.col("AVAL") - polars.col("BASE"))
    percent = polars.when(polars.col("BASE") != 0).then(100 * polars.col("CHG") / polars.col("BASE"))
    piece = piece.with_columns(base.alias("BASE")).with_columns(change.alias("CHG"))
    return piece.with_columns(percent.alias("PCHG"))


def _most_abnormal(
    visits: polars.DataFrame, scores: polars.DataFrame, values: polars.DataFrame
) -> polars.Series | None:
    """The enzyme followed in each patient, times its upper limit of normal, at every visit."""
    import polars

    if "enzyme" not in scores.columns or scores["enzyme"].is_null().all():
        return None
    followed = scores.drop_nulls("enzyme").unique("patient", keep="first", maintain_order=True)
    joined = visits.select("patient").join(
        followed.select("patient", polars.col("enzyme").cast(polars.String)),
        on="patient",
        how="left",
        maintain_order="left",
    )
    ratios = [
        polars.when(joined["enzyme"] == name).then(polars.col(name) / polars.col(f"{name}_uln"))
        for name in joined["enzyme"].drop_nulls().unique()
        if {name, f"{name}_uln"} <= set(values.columns)
    ]
    return values.select(polars.coalesce(ratios)).to_series() if ratios else None


def _in_order(pieces: list[polars.DataFrame], table: AdamTable) -> polars.DataFrame:
    import polars

    texts: dict[str, Any] = {name: polars.String for name in _ALWAYS if name not in ("AVAL", "AVISITN")}
    empty = polars.DataFrame(schema={**texts, "AVAL": polars.Float64, "AVISITN": polars.Float64})
    whole = polars.concat([empty, *pieces], how="diagonal_relaxed")
    labels = polars.col("PARAMCD").replace_strict(table.labels, return_dtype=polars.String)
    codes = list(table.labels)
    order = polars.col("PARAMCD").replace_strict(codes, list(range(len(codes))), return_dtype=polars.Int32)
    place = polars.int_range(polars.len()).first().over("USUBJID")
    whole = whole.with_columns(labels.alias("PARAM"))
    whole = whole.sort(place, order, "AVISITN", maintain_order=True)
    filled = [
        name
        for name in table.columns
        if name in _ALWAYS or (name in whole.columns and not whole[name].is_null().all())
    ]
    return whole.select(filled)
