"""Definitions of outcome measures in the terminal: the list, and the page of one.

Every status is a word and a mark. The mark is filled the more, the nearer the thing stands to its source, and needs no
colour. Numbers in brackets point to the sources at the foot of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING

from myopoise.outcomes.pages.definition_pages import (
    STATUS_MEANINGS,
    DefinitionGroup,
    DefinitionList,
    DefinitionPage,
    Statement,
)
from myopoise.outcomes.pages.page_tables import PageTable
from myopoise.report.sentences import SUPPORTS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = ["MARKS", "print_definition", "print_definitions"]

MARKS: Mapping[str, str] = MappingProxyType(
    {"CONFIRMED": "●", "DERIVED": "◕", "SECONDARY": "◑", "OPERATIONAL": "○", "UNCONFIRMED": "?"}
)
"""The mark of each status."""

_WORD = re.compile(rf"[{re.escape(''.join(MARKS.values()))}] \S+|\S+")
"""A word, or a mark with its status, which are not parted."""

_NARROW = 13
"""Characters below which a column of prose gives no more room; a mark with its status has as many."""

_GAP = 2
"""Space between columns."""

_WIDE = 100
"""Columns from which title and population have room side by side."""


def print_definitions(found: DefinitionList, console: Console) -> None:
    """Draw every definition by purpose, each with the weakest status among what decides its result.

    Parameters
    ----------
    found
        The definitions.
    console
        Where to draw.
    """
    wide = console.width >= _WIDE
    headings = ["name", *(["what it is", "for whom"] if wide else ["what it is"]), "weakest status"]
    groups = [(group.purpose.value, _group(group, wide=wide)) for group in found.groups if group.lines]
    widths = _widths(headings, [row for _, rows in groups for row in rows], console.width)
    for purpose, rows in groups:
        console.print(_heading(purpose))
        console.print(_drawn(headings, rows, widths))
        console.print()
    _legend(STATUS_MEANINGS, console)
    console.print()
    console.print(
        _words(
            "Shown is the weakest status among what decides a result. One definition: myopoise outcomes show NAME"
        )
    )


def print_definition(page: DefinitionPage, console: Console) -> None:
    """Draw one definition: what it says, its numbers, what is not confirmed, its sources.

    Parameters
    ----------
    page
        The page.
    console
        Where to draw.
    """
    cited = {reference.key: place for place, reference in enumerate(page.references, start=1)}
    _opening(page, cited, console)
    _rule(page, cited, console)
    for table in page.tables:
        _table(table, cited, console)
    _options(page, console)
    _statements("What else is confirmed", page.confirmed, cited, console)
    _doubts(page, cited, console)
    if page.references:
        console.print()
        console.print(_heading("Sources"))
    for place, reference in enumerate(page.references, start=1):
        where = f" {reference.address}" if reference.address else ""
        console.print(_item(f"[{place}]", f"{reference}{where} ({reference.key})"))
    console.print()
    console.print(_words(SUPPORTS, "italic"))


# --- the list ---------------------------------------------------------------------------------------------


def _group(group: DefinitionGroup, *, wide: bool) -> list[list[Text]]:
    """Title and population side by side where there is room, and else one below the other."""
    rows = []
    for line in group.lines:
        told = [line.title, line.population] if wide else [f"{line.title}\nfor {line.population}"]
        weakest = _words("\n").join([_status(line.weakest), *map(_words, line.because)])
        rows.append([_words(line.name, "bold"), *map(_words, told), weakest])
    return rows


# --- one definition ---------------------------------------------------------------------------------------


def _opening(page: DefinitionPage, cited: Mapping[str, int], console: Console) -> None:
    one = page.definition
    console.print(_words(one.title, "bold"))
    console.print(_words(f"{one.name}: {one.kind.value}, {one.version}; {one.population}"))
    console.print()
    for sentence in page.sentences:
        console.print(_words(sentence))
    console.print(_words(f"Sources {_cited(one.sources, cited)}." if one.sources else "No source was seen."))
    because = f" ({'; '.join(page.because)})" if page.because else ""
    console.print()
    console.print(_words("Weakest status among what decides: ").append(_status(page.weakest)).append(because))


def _rule(page: DefinitionPage, cited: Mapping[str, int], console: Console) -> None:
    if not page.rule:
        return
    console.print()
    console.print(_heading("The rule"))
    console.print(_words(" ".join(page.lead)))
    for line in page.rule:
        text = _words(line.text)
        if line.option:
            text.append(f" (only with the option {line.option})", style="italic")
        if line.status and not line.repeats:
            text.append("  ").append(_status(line.status)).append(f" {_cited(line.sources, cited)}".rstrip())
        console.print(_item("  " * line.depth + "-", text))


def _table(table: PageTable, cited: Mapping[str, int], console: Console) -> None:
    """A table with its status in the heading where all rows share it, and else row by row."""
    shared = table.standing
    console.print()
    console.print(_heading(table.heading))
    if shared and shared[0]:
        console.print(_status(shared[0]).append(f" {_cited(shared[1], cited)}".rstrip()))
    columns, rows = table.shown()
    cells = [list(map(_words, row)) for row in rows]
    if not shared:
        columns = (*columns, "status")
        for row, told in zip(cells, table.rows, strict=True):
            row.append(_status(told.status).append(f" {_cited(told.sources, cited)}".rstrip()))
    console.print(_drawn(columns, cells, _widths(columns, cells, console.width)))


def _options(page: DefinitionPage, console: Console) -> None:
    if not page.definition.options:
        return
    console.print()
    console.print(_heading("Options"))
    for option in page.definition.options:
        default = "on unless left out" if option.default else "off unless asked for"
        text = _words(f"{option.name}: {option.meaning} ({default})  ").append(_status(option.status))
        console.print(_item("-", text))


def _statements(
    title: str, statements: Sequence[Statement], cited: Mapping[str, int], console: Console
) -> None:
    if not statements:
        return
    console.print()
    console.print(_heading(title))
    for one in statements:
        console.print(_item(MARKS[one.status], f"{one.text} {_cited(one.sources, cited)}".rstrip()))


def _doubts(page: DefinitionPage, cited: Mapping[str, int], console: Console) -> None:
    if not page.doubts:
        return
    console.print()
    console.print(_heading("What is not confirmed"))
    for doubt in page.doubts:
        console.print(_status(doubt.status).append(f": {doubt.meaning}"))
        for one in doubt.statements:
            console.print(_item("  -", f"{one.text} {_cited(one.sources, cited)}".rstrip()))


def _legend(meanings: Mapping[str, str], console: Console) -> None:
    for status, meaning in meanings.items():
        console.print(_status(status).append(f": {meaning}"))


# --- ink --------------------------------------------------------------------------------------------------


def _status(status: str) -> Text:
    from rich.text import Text

    if not status:
        return Text("")
    return Text(f"{MARKS[status]} {status}", style="bold" if status == "UNCONFIRMED" else "")


def _heading(text: str) -> Text:
    return _words(text, "bold underline")


def _words(text: str, style: str = "") -> Text:
    """The text as it stands: brackets are no mark-up, and numbers get no colour."""
    from rich.text import Text

    found = Text()
    return found.append(text, style=style or None)


def _item(mark: str, text: str | Text) -> Table:
    """A mark and a text whose further lines stand under its first."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(_words(mark), _words(text) if isinstance(text, str) else text)
    return grid


def _cited(keys: Iterable[str], cited: Mapping[str, int]) -> str:
    """Numbers of the sources, neighbours of three and more as a range."""
    places = sorted(cited[key] for key in keys)
    runs = [list(run) for _, run in groupby(enumerate(places), key=lambda pair: pair[1] - pair[0])]
    said = []
    for run in ([place for _, place in run] for run in runs):
        said += [f"{run[0]}–{run[-1]}"] if len(run) > 2 else [str(place) for place in run]
    return f"[{', '.join(said)}]" if said else ""


def _drawn(headings: Sequence[str], rows: Sequence[Sequence[Text]], widths: Sequence[int]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, (heading, width) in enumerate(zip(headings, widths, strict=True)):
        cells = [row[place].plain for row in rows]
        right = all(cell.replace(".", "", 1).isdigit() for cell in cells if cell)
        table.add_column(heading, width=width, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _widths(headings: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> list[int]:
    """Widths of columns: first room for the longest word of each, then more where most text waits.

    No word is broken unless the longest ones do not fit beside each other; then it is one of prose, where there is
    prose, and not a name that someone has to type.
    """
    columns = [[heading, *(row[place].plain for row in rows)] for place, heading in enumerate(headings)]
    room = width - _GAP * (len(columns) - 1)
    full = [max(len(line) for cell in column for line in cell.split("\n")) for column in columns]
    least = [max(len(word) for cell in column for word in [*_WORD.findall(cell), ""]) for column in columns]
    while sum(least) > room:
        wide = [
            have if any(" " in cell for cell in column[1:]) else 0
            for have, column in zip(least, columns, strict=True)
        ]
        place = wide.index(max(wide)) if max(wide) > _NARROW else least.index(max(least))
        least[place] -= 1
    while sum(least) < min(room, sum(full)):
        waiting = [wanted / have if wanted > have else 0 for wanted, have in zip(full, least, strict=True)]
        least[waiting.index(max(waiting))] += 1
    return least
