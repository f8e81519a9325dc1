"""What a page about a definition says: its tables, its rule in sentences, its sources, and what is not confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from myopoise.outcomes.definitions import Definition, Kind, Measure, definition, definitions, tables
from myopoise.outcomes.instruments import instruments
from myopoise.outcomes.pages.page_doubts import (
    CONFIRMED,
    STATUS_MEANINGS,
    Doubt,
    Statement,
    doubtful,
    doubts,
    weakest_of,
)
from myopoise.outcomes.pages.page_tables import PageTable, raw_tables, tables_of
from myopoise.outcomes.pages.rule_words import (
    RuleLine,
    rule_lead,
    rule_lines,
    spoken_facts,
    spoken_measures,
)
from myopoise.references import Reference, cite

__all__ = [
    "STATUS_MEANINGS",
    "DefinitionGroup",
    "DefinitionLine",
    "DefinitionList",
    "DefinitionPage",
    "Doubt",
    "Purpose",
    "Statement",
    "definition_list",
    "definition_page",
]

_ORGANS = frozenset(("cdasi_activity", "cdasi_damage", "fvc", "dlco", "prednisone_mg"))


class Purpose(StrEnum):
    """What a definition is for, in the order in which lists show them."""

    SCORE = "Response scores"
    CHANGE = "Improvement and worsening"
    INACTIVE = "Inactive disease"
    CLASSIFICATION = "Classification"
    ORGAN = "Skin, lung, glucocorticoids"
    REFRACTORY = "Refractory disease"


@dataclass(frozen=True)
class DefinitionPage:
    """All that is said about one definition.

    Parameters
    ----------
    definition
        The definition.
    weakest, because
        The weakest status among what decides a result, and what has it.
    lead
        What is said before the rule; empty without one.
    rule
        The rule, a line for each thing it asks; empty without one.
    tables
        Measures, points, categories, ranges, or the tables of a classification or a dose table.
    confirmed
        Notes that are confirmed; the others stand under `doubts`.
    doubts
        What is not confirmed, the weakest first.
    references
        Every source, in the order in which the page names them.
    """

    definition: Definition
    weakest: str
    because: tuple[str, ...]
    lead: tuple[str, ...]
    rule: tuple[RuleLine, ...]
    tables: tuple[PageTable, ...]
    confirmed: tuple[Statement, ...]
    doubts: tuple[Doubt, ...]
    references: tuple[Reference, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The wording, sentence by sentence."""
        text = tables()[self.definition.name]["wording"]
        return tuple(line.strip() for line in text.strip().splitlines())

    def to_json(self) -> dict[str, Any]:
        """The page as plain data: every number with its status and sources."""
        one = self.definition
        return {
            **{
                key: getattr(one, key)
                for key in ("name", "title", "version", "population", "wording", "status")
            },
            "kind": one.kind.value,
            "sources": list(one.sources),
            "weakest": self.weakest,
            "because": list(self.because),
            "measures": [_measure_json(measure) for measure in one.measures],
            "consecutive_visits": one.consecutive,
            "mmt_versions": list(one.mmt_versions),
            "rule": {
                "words": list(one.words),
                "lead": list(self.lead),
                "lines": [_plain(asdict(line)) for line in self.rule],
            },
            "options": [_plain(asdict(option)) for option in one.options],
            "tables": [_table_json(table) for table in self.tables],
            "notes": [_plain(asdict(note)) for note in one.notes],
            "not_confirmed": [_plain(asdict(doubt)) for doubt in self.doubts],
            "references": [{**_plain(asdict(found)), "cited": str(found)} for found in self.references],
        }


@dataclass(frozen=True)
class DefinitionLine:
    """One definition in a list.

    Parameters
    ----------
    name, title, population, kind
        Which it is.
    weakest, because
        As for `DefinitionPage`.
    """

    name: str
    title: str
    population: str
    kind: str
    weakest: str
    because: tuple[str, ...]


@dataclass(frozen=True)
class DefinitionGroup:
    """The definitions of one purpose."""

    purpose: Purpose
    lines: tuple[DefinitionLine, ...]


@dataclass(frozen=True)
class DefinitionList:
    """Every definition, by purpose."""

    groups: tuple[DefinitionGroup, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """The list as plain data, one dictionary a definition."""
        return [
            {"purpose": group.purpose.value, **_plain(asdict(line))}
            for group in self.groups
            for line in group.lines
        ]


def definition_page(name: str) -> DefinitionPage:
    """The page of one definition.

    Parameters
    ----------
    name
        Its name; `WrongUsage` with the nearest name for one that does not exist.
    """
    found, file = definition(name), tables()[name]
    spoken = spoken_measures(found) if found.measures else spoken_facts(tuple(file.get("facts", ())))
    rule = rule_lines(file.get("rule", {}), spoken)
    held = tables_of(found) if found.measures else raw_tables(file)
    weakest, because = weakest_of(found, rule, held)
    return DefinitionPage(
        definition=found,
        weakest=weakest,
        because=because,
        lead=rule_lead(found) or (("The rule is met when this holds.",) if rule else ()),
        rule=rule,
        tables=held,
        confirmed=tuple(
            Statement(note.text, note.status, note.sources)
            for note in found.notes
            if note.status == CONFIRMED
        ),
        doubts=doubts(doubtful(found, rule, held)),
        references=tuple(map(cite, _keys(found, rule, held))),
    )


def definition_list() -> DefinitionList:
    """Every definition, by purpose."""
    pages = [definition_page(name) for name in definitions()]
    return DefinitionList(
        tuple(
            DefinitionGroup(
                purpose, tuple(_line(page) for page in pages if _purpose(page.definition) is purpose)
            )
            for purpose in Purpose
        )
    )


def _line(page: DefinitionPage) -> DefinitionLine:
    one = page.definition
    return DefinitionLine(one.name, one.title, one.population, one.kind.value, page.weakest, page.because)


def _purpose(found: Definition) -> Purpose:
    by_kind = {
        Kind.SCORE: Purpose.SCORE,
        Kind.CLASSIFICATION: Purpose.CLASSIFICATION,
        Kind.REFRACTORY: Purpose.REFRACTORY,
        Kind.BANDS: Purpose.ORGAN,
        Kind.DOSES: Purpose.ORGAN,
    }
    if found.kind in by_kind:
        return by_kind[found.kind]
    if "inactive" in found.words:
        return Purpose.INACTIVE
    read = {name for measure in found.measures for name in measure.instruments}
    return Purpose.ORGAN if read <= _ORGANS else Purpose.CHANGE


def _keys(found: Definition, rule: Sequence[RuleLine], held: Sequence[PageTable]) -> tuple[str, ...]:
    """Keys of every source, each once."""
    places = [found.sources, *(line.sources for line in rule), *(option.sources for option in found.options)]
    places += [row.sources for table in held for row in table.rows]
    places += [note.sources for note in found.notes]
    return tuple(dict.fromkeys(key for place in places for key in place))


# --- as plain data ----------------------------------------------------------------------------------------


def _measure_json(measure: Measure) -> dict[str, Any]:
    """A measure with its bands, and every instrument that may hold it."""
    tops: list[int | None] = [*measure.edges, None]
    bands = [
        {"over_percent": low, "up_to_percent": top, "points": float(points)}
        for low, top, points in zip([None, *measure.edges], tops, measure.points, strict=False)
    ]
    return {
        "domain": measure.domain,
        "label": measure.label,
        "choose": measure.choose.value,
        "instruments": [_plain(asdict(instruments()[name])) for name in measure.instruments],
        "bands": bands,
        "status": measure.status,
        "sources": list(measure.sources),
    }


def _table_json(table: PageTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "heading": table.heading,
        "rows": [
            {
                **{key: cell for key, cell in zip(table.columns, row.cells, strict=True) if cell is not None},
                "status": row.status,
                "sources": list(row.sources),
                **({"note": row.remark} if row.remark else {}),
            }
            for row in table.rows
        ],
    }


def _plain(value: Any) -> Any:
    """Tuples as lists and words of an enumeration as text, however deep."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, StrEnum) else value
