"""The tables of a page about a definition: rows of numbers and words, each with its status and sources.

The tables of a score are named one by one. Those of a classification, a dose table or a rule of refractory disease
are taken as the file has them, so that a new kind of definition has a page before anyone wrote code for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, TypeAlias

from myopoise.outcomes.definitions import Choose, Definition, Measure
from myopoise.outcomes.instruments import Instrument, instruments

__all__ = ["Cell", "PageRow", "PageTable", "merged", "raw_tables", "tables_of"]

Cell: TypeAlias = str | int | float | bool | None
"""What a cell holds: words, a number, yes or no, or nothing."""

_ELSEWHERE = frozenset(
    ("name", "title", "kind", "version", "population", "wording", "status", "sources", "notes", "rule")
)
"""What is said elsewhere on a page than in a table."""

_HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "items": "Findings and their weights",
        "questions": "Asked by the tree only",
        "categories": "Categories",
        "cut_points": "Scores from which a category holds",
        "probability": "Probability = 1 / (1 + exp(intercept − score))",
        "performance": "Performance in the patients of the development, percent",
        "tree": "Tree of subgroups",
        "subgroups": "Subgroups",
        "limits": "What a file may hold",
        "criteria": "Criteria",
        "rules": "Fewest counted criteria from which a category holds",
        "routes": "Routes",
        "doses": "Milligrams that count as much as 5 mg of prednisone",
        "refused": "Refused, with the reason",
        "targets": "Targets",
        "anchors": "Bands, by anchor",
        "range": "Range of the score",
        "cutoffs": "From where a measure counts as abnormal",
        "facts": "What is asked",
    }
)
_NOUNS: Mapping[str, str] = MappingProxyType(
    {
        "probability": "intercepts of the probability",
        "doses": "equivalent doses",
        "enzyme_ranges": "ranges of enzymes",
        "instruments": "ranges of instruments",
    }
)
"""What the rows of a table are, where its heading does not say it."""

_ASIDE = frozenset(("facts", "limits", "performance", "refused"))
"""Tables that do not decide a result."""

_CHOICE: Mapping[Choose, str] = MappingProxyType(
    {
        Choose.ONLY: "",
        Choose.RUN: " (one of them, for the whole run)",
        Choose.PATIENT: " (one of them, the same for a patient throughout)",
        Choose.ABNORMAL: " (one of them, followed throughout)",
    }
)


@dataclass(frozen=True)
class PageRow:
    """One row.

    Parameters
    ----------
    cells
        In the order of the columns; `None` where a row has nothing.
    status, sources
        How well it is known; the status is empty where the file gives none.
    says
        The row in a few words, for lists of what is not confirmed.
    remark
        What to say about it beyond that.
    """

    cells: tuple[Cell, ...]
    status: str
    sources: tuple[str, ...]
    says: str
    remark: str = ""


@dataclass(frozen=True)
class PageTable:
    """One table of a page.

    Parameters
    ----------
    name
        Its name in the file of the definition.
    heading
        What it holds, in words.
    columns
        Headings of the columns.
    rows
        Its rows.
    decides
        Whether the result depends on it.
    """

    name: str
    heading: str
    columns: tuple[str, ...]
    rows: tuple[PageRow, ...]
    decides: bool = True

    @property
    def noun(self) -> str:
        """What its rows are, in few words."""
        return _NOUNS.get(self.name, self.heading.split(",")[0].lower())

    def shown(self) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Headings and cells as words; what few rows have is told beside the longest words, and takes no column."""
        columns, cells = _limits_together(self.columns, [row.cells for row in self.rows])
        full = {place for place in range(len(columns)) if _worth_a_column([row[place] for row in cells])}
        lengths = {place: sum(len(_shown(row[place])) for row in cells) for place in full}
        widest = max(lengths, key=lengths.__getitem__, default=0)
        kept = sorted({*full, widest})
        rows = []
        for row in cells:
            beside = [
                columns[place] if cell is True else f"{columns[place]} {_shown(cell)}"
                for place, cell in enumerate(row)
                if place not in kept and cell is not None
            ]
            words = {place: _shown(row[place]) for place in kept}
            words[widest] = "; ".join(filter(None, [words[widest], *beside]))
            rows.append(tuple(words.values()))
        return tuple(columns[place] for place in kept), tuple(rows)

    @property
    def standing(self) -> tuple[str, tuple[str, ...]] | None:
        """Status and sources where all rows share them, so that a page can say them once."""
        found = {(row.status, row.sources) for row in self.rows}
        return found.pop() if len(found) == 1 else None


def _limits_together(
    columns: tuple[str, ...], rows: Sequence[tuple[Cell, ...]]
) -> tuple[tuple[str, ...], list[tuple[Cell, ...]]]:
    """Columns with the lowest and the highest value as one, in words."""
    if not {"low", "high"} <= set(columns):
        return columns, list(rows)
    low, high = columns.index("low"), columns.index("high")
    others = [place for place in range(len(columns)) if place not in (low, high)]
    told = [
        f"{_shown(row[low])} or more" if row[high] is None else f"{_shown(row[low])} to {_shown(row[high])}"
        for row in rows
    ]
    return (
        (*(columns[place] for place in others), "values"),
        [(*(row[place] for place in others), words) for row, words in zip(rows, told, strict=True)],
    )


def _worth_a_column(cells: Sequence[Cell]) -> bool:
    """Whether at least half of the rows have something there, and not all of them only a yes."""
    held = [cell for cell in cells if cell is not None]
    return 2 * len(held) >= len(cells) and any(cell is not True for cell in held)


def tables_of(definition: Definition) -> tuple[PageTable, ...]:
    """The tables of a score or a rule: measures, points, categories, ranges of enzymes."""
    found = [_measures(definition), *_points(definition)]
    found += [_categories(definition), _ranges(definition)]
    return tuple(table for table in found if table.rows)


def raw_tables(file: Mapping[str, Any]) -> tuple[PageTable, ...]:
    """The tables of any other definition, in the order of its file.

    Parameters
    ----------
    file
        The file as it stands.
    """
    return tuple(_raw_table(name, value) for name, value in file.items() if name not in _ELSEWHERE)


# --- scores and rules -------------------------------------------------------------------------------------


def _measures(definition: Definition) -> PageTable:
    return PageTable(
        "instruments",
        "Measures, with the status of the range of their values",
        ("measure", "column", "values", "better"),
        tuple(row for measure in definition.measures for row in _instrument_rows(measure)),
        decides=bool(definition.categories),
    )


def _instrument_rows(measure: Measure) -> Iterator[PageRow]:
    """A row for each instrument; the measure is named in the first."""
    for place, name in enumerate(measure.instruments):
        one = instruments()[name]
        first = place == 0
        yield PageRow(
            (
                f"{measure.domain}: {measure.label}{_CHOICE[measure.choose]}" if first else "",
                _column(one, measure),
                "as its range in the file" if one.range_column else one.allowed,
                one.better,
            ),
            one.status,
            one.sources,
            _range_of(one),
        )


def _column(one: Instrument, measure: Measure) -> str:
    needed = "" if one.uln_column and measure.choose is not Choose.ABNORMAL else one.companion
    return f"{one.name} with {needed}" if needed else one.name


def _range_of(one: Instrument) -> str:
    held = f"stands in the column {one.range_column}" if one.range_column else one.allowed
    return f"{one.label}: {held}"


def _points(definition: Definition) -> Iterator[PageTable]:
    """The bands, one table for the measures that share their edges."""
    scored = [measure for measure in definition.measures if measure.edges]
    for edges in dict.fromkeys(measure.edges for measure in scored):
        yield PageTable(
            "points",
            "Points by improvement, percent of the range",
            ("measure", *_bands(edges)),
            tuple(
                PageRow(
                    (measure.domain, *map(_number, measure.points)),
                    measure.status,
                    measure.sources,
                    f"bands and points of {measure.label}",
                )
                for measure in scored
                if measure.edges == edges
            ),
        )


def _bands(edges: Sequence[int]) -> Iterator[str]:
    yield f"up to {edges[0]}%"
    for low, high in pairwise(edges):
        yield f"over {low} to {high}%"
    yield f"over {edges[-1]}%"


def _categories(definition: Definition) -> PageTable:
    starts = [_number(category.start) for category in definition.categories]
    return PageTable(
        "categories",
        "Categories",
        ("category", "from", "below"),
        tuple(
            PageRow(
                (category.name, start, below),
                category.status,
                category.sources,
                f"{category.name} from {start:g}",
            )
            for category, start, below in zip(
                definition.categories, starts, [*starts[1:], None], strict=False
            )
        ),
    )


def _ranges(definition: Definition) -> PageTable:
    rows = []
    for row in definition.enzyme_ranges:
        label, times = instruments()[row.enzyme].label, _number(row.times_uln)
        rows.append(PageRow((label, times), row.status, row.sources, f"{label} {times:g} × ULN", row.note))
    return PageTable(
        "enzyme_ranges",
        "Ranges of enzymes, times the upper limit of normal",
        ("enzyme", "range"),
        tuple(rows),
    )


def _number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


# --- tables as the file has them --------------------------------------------------------------------------


def _raw_table(name: str, value: Any) -> PageTable:
    rows = _rows(name, value)
    keys = tuple(dict.fromkeys(key for row in rows for key in row if key not in ("status", "sources")))
    return PageTable(
        name,
        _HEADINGS.get(name, _words(name).capitalize()),
        tuple(map(_words, keys)),
        tuple(_raw_row(row, keys) for row in rows),
        decides=name not in _ASIDE,
    )


def _rows(name: str, value: Any) -> list[Mapping[str, Any]]:
    """A list of tables as rows; one table as a row for each thing it says; a plain value as one row."""
    if isinstance(value, list) and all(isinstance(row, Mapping) for row in value):
        return [one for row in value for one in _unfolded(row)]
    if not isinstance(value, Mapping):
        return [{"which": value}]
    told = {key: value[key] for key in ("status", "sources") if key in value}
    return [{"what": _words(key), "value": one, **told} for key, one in value.items() if key not in told]


def _unfolded(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A row that holds rows (an anchor with its bands) as one row for each of them."""
    held = [
        key
        for key, value in row.items()
        if isinstance(value, list) and value and isinstance(value[0], Mapping)
    ]
    if not held:
        yield row
        return
    outer = {key: value for key, value in row.items() if key != held[0]}
    for inner in row[held[0]]:
        named = {held[0].removesuffix("s") if key == "name" else key: value for key, value in inner.items()}
        yield from _unfolded({**outer, **named})


def _raw_row(row: Mapping[str, Any], keys: Sequence[str]) -> PageRow:
    cells = tuple(_cell(row.get(key)) for key in keys)
    return PageRow(cells, row.get("status", ""), tuple(row.get("sources", ())), _says(row, keys))


def _says(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The name of a row and its numbers, or its words where it has no numbers."""
    name, *others = [key for key in keys if key in row]
    if keys[1:] == ("value",):
        return f"{row['what']} {_said(row['value'])}"
    numbers = [key for key in others if _is_number(row[key])]
    said = [f"{_words(key)} {_said(row[key])}" for key in numbers] or [_said(row[key]) for key in others[:1]]
    return f"{_said(row[name])}: {', '.join(said)}" if said else _said(row[name])


def _is_number(value: Any) -> bool:
    return (isinstance(value, int | float) and not isinstance(value, bool)) or (
        isinstance(value, str) and value.replace(".", "", 1).isdigit()
    )


def _cell(value: Any) -> Cell:
    return value if value is None or isinstance(value, str | int | float) else _said(value)


def _shown(cell: Cell) -> str:
    return "" if cell is None else _said(cell)


def _said(value: Any) -> str:
    """Anything a file may hold, in words."""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{_words(key)} {_said(one)}" for key, one in value.items() if key not in ("status", "sources")
        )
    if isinstance(value, list):
        parts = "; " if any(isinstance(one, Mapping | list) for one in value) else ", "
        return parts.join(map(_said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _words(name: str) -> str:
    return {"whole": "a whole number", "over": "divided by"}.get(name, name.replace("_", " "))


def merged(rows: Sequence[PageRow]) -> Iterator[tuple[str, PageRow]]:
    """Rows that share status, sources and remark as one sentence, with the first of them."""
    groups: dict[tuple[object, ...], list[PageRow]] = {}
    for row in rows:
        groups.setdefault((row.status, row.sources, row.remark), []).append(row)
    for found in groups.values():
        told = "; ".join(row.says for row in found)
        yield f"{told}. {found[0].remark}".rstrip(". ") + ".", found[0]
