"""The data dictionary: what each column of each table means and may hold, written from the declarations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from myopoise.evidence.checks import CROSS_RULES
from myopoise.evidence.rules import IDENTITY, RULES
from myopoise.evidence.tables import TABLES, Table, Term

__all__ = ["Entry", "dictionary", "dictionary_markdown", "write_dictionary"]


@dataclass(frozen=True)
class Entry:
    """One line of the dictionary.

    Parameters
    ----------
    table, column
        Where it stands.
    meaning
        What it means.
    holds
        Text, whole number, number or list.
    allowed
        What a cell may hold, in words.
    unit
        Unit of a number.
    vocabulary
        Vocabulary field of its codes.
    key
        Whether it is part of the name of a row.
    required
        Whether a cell may not be empty.
    """

    table: str
    column: str
    meaning: str
    holds: str
    allowed: str
    unit: str
    vocabulary: str
    key: bool
    required: bool


def dictionary() -> tuple[Entry, ...]:
    """Every column of every table, in the order of the files."""
    return tuple(
        Entry(
            table.name,
            column.name,
            column.meaning,
            str(column.holds),
            column.allowed,
            column.unit,
            column.codes,
            column.key,
            column.required,
        )
        for table in TABLES
        for column in table.columns
    )


def dictionary_markdown(vocabulary: Iterable[Term] = ()) -> str:
    """The dictionary as a page, with the rules the tables obey and the codes they use.

    Parameters
    ----------
    vocabulary
        Codes to list; none leaves that part out.

    Returns
    -------
    page
        Markdown, one sentence a line, ending in a newline.
    """
    parts = [
        "# The evidence tables",
        "",
        "Generated from the declarations in `myopoise.evidence.tables`; do not edit.",
        "Seven CSV files: UTF-8, comma, one header row.",
        "An empty cell means not reported or not seen, never zero.",
        "Columns are found by name, so their order does not matter.",
        "A table without rows is allowed for "
        + " and ".join(f"`{table.file}`" for table in TABLES if table.may_be_empty)
        + " only; the header is always needed.",
    ]
    for table in TABLES:
        parts += ["", *_section(table)]
    parts += ["", "## Rules across tables", "", *(f"- {rule}" for rule in CROSS_RULES)]
    terms = tuple(vocabulary)
    if terms:
        parts += ["", "## Codes", "", *_codes(terms)]
    return "\n".join(parts) + "\n"


def write_dictionary(path: Path, vocabulary: Iterable[Term] = ()) -> None:
    """Write the page to `path`, the same bytes for the same declarations."""
    path.write_text(dictionary_markdown(vocabulary), encoding="utf-8", newline="\n")


def _section(table: Table) -> list[str]:
    named = f"Named by `{'`, `'.join(table.key)}`." if table.key else "Rows have no name."
    lines = [f"## {table.file}", "", f"One row is {table.meaning}.", named, ""]
    lines += ["| column | meaning | allowed | unit | empty |", "|---|---|---|---|---|"]
    for column in table.columns:
        empty = "never" if column.required else "not reported"
        lines.append(_row(f"`{column.name}`", column.meaning, column.allowed, column.unit, empty))
    rules = [rule.meaning for rule in (*IDENTITY, *RULES) if rule.table == table.name]
    if rules:
        lines += ["", *(f"- {rule}" for rule in rules)]
    return lines


def _codes(terms: tuple[Term, ...]) -> list[str]:
    lines = [
        "| " + " | ".join(field.name.replace("_", " ") for field in fields(Term)) + " |",
        "|---|---|---|---|---|",
    ]
    return lines + [
        _row(term.field, f"`{term.code}`", term.meaning, term.mechanism_class, term.target) for term in terms
    ]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
