"""The published definitions, as data: what each asks, its numbers, where they come from and how well they are known.

A definition is a file in ``definitions/``. Nothing about a threshold stands in the code. The words of status are those
of the specification: CONFIRMED was seen in the source itself, SECONDARY in someone else's report, DERIVED is
arithmetic from confirmed numbers, OPERATIONAL is a rule of ours where none was seen, and UNCONFIRMED was not seen at
all and is never offered as published fact.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

from myopoise.errors import WrongUsage
from myopoise.outcomes.exact import exact
from myopoise.outcomes.rules import Node, read_rule

__all__ = [
    "CONTRACT",
    "Category",
    "Choose",
    "Definition",
    "EnzymeRange",
    "Kind",
    "Measure",
    "Note",
    "Option",
    "definition",
    "definitions",
    "tables",
]

CONTRACT = (
    "acr-eular-2016-adult",
    "acr-eular-2016-jdm-imacs",
    "acr-eular-2016-jdm-printo",
    "imacs-doi-2004",
    "printo-20",
    "printo-50",
    "printo-70",
    "printo-90",
    "printo-inactive-2012",
    "printo-inactive-modified",
    "proderm-deterioration",
)
"""The definitions of the response criteria proper, in the order in which lists show them; the others follow."""


class Kind(StrEnum):
    """What applying a definition gives."""

    SCORE = "improvement score"
    RULE = "rule"
    CLASSIFICATION = "classification"
    REFRACTORY = "refractory rule"
    BANDS = "severity bands"
    DOSES = "dose table"


class Choose(StrEnum):
    """Which instrument stands for a measure that has several."""

    ONLY = "only"
    RUN = "per run"
    PATIENT = "per patient"
    ABNORMAL = "most abnormal"


@dataclass(frozen=True)
class Note:
    """A rule or a caveat, in our words.

    Parameters
    ----------
    text
        What it says.
    status, sources
        How well it is known, and keys of the bibliography.
    """

    text: str
    status: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """A part of a rule that a protocol may ask for or leave out.

    Parameters
    ----------
    name
        How it is named on the command line.
    meaning
        What it adds.
    default
        Whether it is on unless told otherwise.
    status, sources
        How well it is known.
    """

    name: str
    meaning: str
    default: bool
    status: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """One measure of a definition.

    Parameters
    ----------
    domain
        What it is about; in SCORES its points stand in the column ``<domain>_points``.
    label
        Name in words.
    instruments
        Columns that may hold it, in the order of preference.
    choose
        Which of them is taken.
    edges
        Upper edges of the bands, percent of the range; empty in a rule.
    points
        Points of the bands, one more than `edges`.
    status, sources
        How well bands and points are known.
    """

    domain: str
    label: str
    instruments: tuple[str, ...]
    choose: Choose = Choose.ONLY
    edges: tuple[int, ...] = ()
    points: tuple[Fraction, ...] = ()
    status: str = ""
    sources: tuple[str, ...] = ()

    @property
    def most(self) -> Fraction:
        """The most points it can earn."""
        return self.points[-1]


@dataclass(frozen=True)
class Category:
    """A word for a score from a cut upwards.

    Parameters
    ----------
    name
        The word.
    start
        Smallest score that earns it.
    status, sources
        How well the cut is known.
    """

    name: str
    start: Fraction
    status: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnzymeRange:
    """The range of an enzyme, as a multiple of its upper limit of normal.

    Parameters
    ----------
    enzyme
        Name of its column.
    times_uln
        The multiple.
    status, sources
        How well it is known.
    note
        What to say about it.
    """

    enzyme: str
    times_uln: Fraction
    status: str
    sources: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Definition:
    """One published definition of response, worsening or state.

    Parameters
    ----------
    name
        How commands and tables name it.
    title
        What it is.
    kind
        What applying it gives.
    version
        The year it is known by.
    population
        For whom it is.
    wording
        What it says, in our words.
    status, sources
        The weakest status among the numbers that decide, and keys of the bibliography.
    notes
        Rules and caveats.
    measures
        What it looks at.
    categories
        Words for a score, from the lowest; empty in a rule.
    enzyme_ranges
        Ranges of the enzymes; empty where enzymes are not scored.
    words
        What a rule calls those for whom it holds and for whom it does not; empty for a score.
    options
        Parts of a rule that can be asked for or left out.
    consecutive
        At how many visits in a row a rule must hold.
    mmt_versions
        Versions of manual muscle testing that it accepts, by their maximum; empty for all.
    counted
        Whether the number of tests that hold is given as a score.
    table
        The rule as the file has it, or empty.
    """

    name: str
    title: str
    kind: Kind
    version: str
    population: str
    wording: str
    status: str
    sources: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    measures: tuple[Measure, ...] = ()
    categories: tuple[Category, ...] = ()
    enzyme_ranges: tuple[EnzymeRange, ...] = ()
    words: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    consecutive: int = 1
    mmt_versions: tuple[int, ...] = ()
    counted: bool = False
    table: tuple[tuple[str, Any], ...] = ()

    @property
    def domains(self) -> tuple[str, ...]:
        """Its measures by domain."""
        return tuple(measure.domain for measure in self.measures)

    @property
    def yes_no(self) -> tuple[str, str]:
        """What a rule calls those for whom it holds, and for whom it does not."""
        yes, no = self.words
        return yes, no

    def measure(self, domain: str) -> Measure:
        """The measure of a domain."""
        return next(measure for measure in self.measures if measure.domain == domain)

    def rule(self, options: frozenset[str]) -> Node:
        """The tree of tests, with the options that are on."""
        node = read_rule(dict(self.table), self.domains, options)
        if node is None:
            raise ValueError(f"{self.name}: the whole rule belongs to an option")
        return node

    @property
    def default_options(self) -> frozenset[str]:
        """Options that are on unless told otherwise."""
        return frozenset(option.name for option in self.options if option.default)

    def __str__(self) -> str:
        """Title and status."""
        return f"{self.title} ({self.name}, {self.status})"


@cache
def tables() -> Mapping[str, Mapping[str, Any]]:
    """Every definition file as it stands, by name."""
    folder = files("myopoise.outcomes") / "definitions"
    found = (path for path in folder.iterdir() if path.name.endswith(".toml"))
    read = (tomllib.loads(path.read_text(encoding="utf-8")) for path in found)
    return {table["name"]: table for table in sorted(read, key=lambda table: str(table["name"]))}


@cache
def definitions() -> Mapping[str, Definition]:
    """Every definition by name: the response criteria first, then the others in alphabetical order."""
    found = {name: _definition(table) for name, table in tables().items()}
    order = [*CONTRACT, *sorted(found.keys() - set(CONTRACT))]
    return {name: found[name] for name in order}


def definition(name: str) -> Definition:
    """The definition of a name; `WrongUsage` with the nearest name for one that does not exist."""
    known = definitions()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise WrongUsage(f"No definition is called '{name}'.{hint} See: myopoise outcomes list")
    return known[name]


def _definition(table: Mapping[str, Any]) -> Definition:
    """The header, which every definition has, and the body of those that are applied to visits."""
    header = Definition(
        name=table["name"],
        title=table["title"],
        kind=Kind(table["kind"]),
        version=table["version"],
        population=table["population"],
        wording=" ".join(table["wording"].split()),
        status=table["status"],
        sources=tuple(table["sources"]),
        notes=tuple(
            Note(n["text"], n["status"], tuple(n.get("sources", ()))) for n in table.get("notes", ())
        ),
    )
    if header.kind not in (Kind.SCORE, Kind.RULE):
        return header
    rule = table.get("rule", {})
    return replace(
        header,
        measures=tuple(_measure(row) for row in table["measures"]),
        categories=tuple(
            Category(c["name"], exact(c["from_score"]), c["status"], tuple(c["sources"]))
            for c in table.get("categories", ())
        ),
        enzyme_ranges=tuple(
            EnzymeRange(
                r["enzyme"], exact(r["times_uln"]), r["status"], tuple(r["sources"]), r.get("note", "")
            )
            for r in table.get("enzyme_ranges", ())
        ),
        words=tuple(table.get("words", ())),
        options=tuple(
            Option(o["name"], o["meaning"], o["default"], o["status"], tuple(o["sources"]))
            for o in table.get("options", ())
        ),
        consecutive=table.get("consecutive_visits", 1),
        mmt_versions=tuple(table.get("mmt_versions", ())),
        counted=rule.get("score", False),
        table=tuple(rule.items()),
    )


def _measure(row: Mapping[str, Any]) -> Measure:
    return Measure(
        domain=row["domain"],
        label=row["label"],
        instruments=tuple(row["instruments"]),
        choose=Choose(row.get("choose", "only")),
        edges=tuple(row.get("edges_percent", ())),
        points=tuple(exact(points) for points in row.get("points", ())),
        status=row.get("status", ""),
        sources=tuple(row.get("sources", ())),
    )
