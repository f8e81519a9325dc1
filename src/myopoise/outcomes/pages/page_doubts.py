"""How well a definition is known: the weakest status of what decides a result, and all that is not confirmed.

The words of status are those of `myopoise.outcomes.definitions`. From the strongest to the weakest they stand here as
CONFIRMED, DERIVED, SECONDARY, OPERATIONAL, UNCONFIRMED: arithmetic is as good as what it starts from, a rule of ours
claims no source, and what nobody saw comes last.

The *weakest status* of a definition is taken over the numbers that decide a result, ranges of instruments and enzymes
included where a score divides by them. Notes do not count: every definition has a rule of ours about missing values,
and all would look alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from myopoise.outcomes.definitions import Definition
from myopoise.outcomes.instruments import instruments
from myopoise.outcomes.pages.page_tables import PageTable, merged
from myopoise.outcomes.pages.rule_words import RuleLine, doubtful_lines

__all__ = ["CONFIRMED", "STATUS_MEANINGS", "Doubt", "Statement", "doubtful", "doubts", "weakest_of"]

CONFIRMED = "CONFIRMED"

STATUS_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "CONFIRMED": "seen in the source itself",
        "DERIVED": "arithmetic from confirmed numbers",
        "SECONDARY": "seen only in someone else's report or in public code",
        "OPERATIONAL": "a rule of ours, because no published one was seen; not part of the criteria",
        "UNCONFIRMED": "not seen in any source; never to be quoted as published",
    }
)
"""The words of status and what they mean, from the strongest to the weakest."""

_ORDER = tuple(STATUS_MEANINGS)
_FEW = 3
"""Rows that are named one by one where a list says what is weakest."""


@dataclass(frozen=True)
class Statement:
    """One thing a page says, with how well it is known.

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
class Doubt:
    """Everything of one definition that has the same status, other than CONFIRMED.

    Parameters
    ----------
    status, meaning
        The word and what it means.
    statements
        What has it: numbers first, then notes.
    """

    status: str
    meaning: str
    statements: tuple[Statement, ...]


def weakest_of(
    found: Definition, rule: Sequence[RuleLine], held: Sequence[PageTable]
) -> tuple[str, tuple[str, ...]]:
    """The weakest status among what decides, and what has it.

    Where the tables are taken as the file has them, the word of the file stands: such a table may hold rows that
    decide only when a call asks for them.
    """
    off = {option.name for option in found.options} - found.default_options
    parts = [(line.status, "the rule") for line in rule if line.status and line.option not in off]
    for table in held:
        if table.decides:
            parts += [(row.status, _part(table, row.status)) for row in table.rows if row.status]
    words = [found.status, *(status for status, _ in parts)] if found.measures else [found.status]
    weakest = max(words, key=_ORDER.index)
    because = dict.fromkeys(part for status, part in parts if status == weakest)
    return weakest, tuple(because) if weakest != CONFIRMED else ()


def _part(table: PageTable, status: str) -> str:
    """The rows of a status in few words: by name where they are few among more."""
    named = [row.says.split(":")[0] for row in table.rows if row.status == status]
    return (
        table.noun
        if len(named) in (0, len(table.rows)) or len(named) > _FEW
        else f"{table.noun}: {', '.join(named)}"
    )


def doubtful(found: Definition, rule: tuple[RuleLine, ...], held: Sequence[PageTable]) -> Iterator[Statement]:
    """Whatever is not confirmed: rule, options, tables, terms of use, notes."""
    options = {(option.name, option.status) for option in found.options}
    for line in doubtful_lines(rule):
        if (line.option, line.status) not in options:  # else the meaning of the option says it
            yield Statement(f"The rule: {line.whole}.", line.status, line.sources)
    for option in found.options:
        yield Statement(f"The option {option.name}: {option.meaning}", option.status, option.sources)
    for table in held:
        for text, row in merged(table.rows):
            yield Statement(f"{table.noun.capitalize()}: {text}", row.status, row.sources)
    yield from _terms_of_use(found)
    for note in found.notes:
        yield Statement(note.text, note.status, note.sources)


def _terms_of_use(found: Definition) -> Iterator[Statement]:
    """What is known of the licences of the instruments, those with the same words together."""
    read = dict.fromkeys(name for measure in found.measures for name in measure.instruments)
    by_terms: dict[tuple[str, str], list[str]] = {}
    for one in (instruments()[name] for name in read):
        by_terms.setdefault((one.licence, one.licence_status), []).append(one.label)
    for (terms, status), labels in by_terms.items():
        yield Statement(f"Terms of use of {', '.join(labels)}: {terms}.", status)


def doubts(statements: Iterable[Statement]) -> tuple[Doubt, ...]:
    """Statements grouped by status, the weakest first; those that are confirmed are left out."""
    every = tuple(statements)
    found = []
    for status in reversed(_ORDER[1:]):
        having = tuple(one for one in every if one.status == status)
        if having:
            found.append(Doubt(status, STATUS_MEANINGS[status], having))
    return tuple(found)
