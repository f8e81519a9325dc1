"""The reference page of outcome definitions, in Markdown: every definition, every instrument, every source.

One sentence a line. Sources are named by their key, which is a link to the list at the foot of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from myopoise.outcomes.instruments import Instrument, instruments
from myopoise.outcomes.pages.definition_pages import (
    STATUS_MEANINGS,
    DefinitionPage,
    definition_list,
    definition_page,
)
from myopoise.outcomes.pages.page_tables import PageTable
from myopoise.references import cite
from myopoise.report.sentences import SUPPORTS

__all__ = ["outcomes_markdown"]


def outcomes_markdown() -> str:
    """The page, written from the files of the definitions and of the instruments."""
    groups = [group for group in definition_list().groups if group.lines]
    pages = {line.name: definition_page(line.name) for group in groups for line in group.lines}
    lines = [*_opening()]
    for group in groups:
        lines += [f"- {group.purpose}: " + ", ".join(f"[{one.name}](#{one.name})" for one in group.lines)]
    lines += ["- [Instruments](#instruments)", "- [Sources](#sources)", ""]
    for group in groups:
        lines += [f"## {group.purpose}", ""]
        for line in group.lines:
            lines += _definition(pages[line.name])
    lines += _instruments()
    keys = {reference.key for page in pages.values() for reference in page.references}
    lines += _sources(keys | {key for one in instruments().values() for key in one.sources})
    return "\n".join(lines)


def _opening() -> Iterator[str]:
    yield from ("# Definitions of outcome measures", "")
    yield "Generated from the files in `src/myopoise/outcomes`; do not edit."
    yield "`myopoise outcomes show NAME` prints the same for one definition."
    yield f"{SUPPORTS}"
    yield from ("", "Every number has a status.", "")
    yield from _table(("status", "meaning"), STATUS_MEANINGS.items())
    yield "The weakest status is the weakest among what decides a result; notes are not counted."
    yield ""


# --- one definition ---------------------------------------------------------------------------------------


def _definition(page: DefinitionPage) -> Iterator[str]:
    one = page.definition
    yield from (f"### {one.name}", "", f"**{_escaped(one.title)}**", "")
    yield f"For {_escaped(one.population)}; {one.kind}, {one.version}."
    because = f" ({_escaped('; '.join(page.because))})" if page.because else ""
    yield f"Weakest status among what decides: {page.weakest}{because}."
    yield ""
    yield from map(_escaped, page.sentences)
    yield from (f"Sources: {_cited(one.sources)}." if one.sources else "No source was seen.", "")
    yield from _rule(page)
    for table in page.tables:
        yield from _page_table(table)
    yield from _options(page)
    yield from _notes(page)


def _rule(page: DefinitionPage) -> Iterator[str]:
    if not page.rule:
        return
    yield from ("#### The rule", "", *map(_escaped, page.lead), "")
    for line in page.rule:
        option = f" *(only with the option {line.option})*" if line.option else ""
        known = "" if line.repeats else ", ".join(filter(None, [line.status, _cited(line.sources)]))
        yield f"{'  ' * line.depth}- {_escaped(line.text)}{option}" + (f" — {known}" if known else "")
    yield ""


def _page_table(table: PageTable) -> Iterator[str]:
    yield from (f"#### {_escaped(table.heading)}", "")
    shared = table.standing
    if shared and shared[0]:
        yield from (", ".join(filter(None, [shared[0], _cited(shared[1])])) + ".", "")
    columns, rows = table.shown()
    cells: list[Sequence[str]] = [list(map(_escaped, row)) for row in rows]
    if not shared:
        columns = (*columns, "status", "sources")
        cells = [
            [*row, told.status, _cited(told.sources)] for row, told in zip(cells, table.rows, strict=True)
        ]
    yield from _table(columns, cells)


def _options(page: DefinitionPage) -> Iterator[str]:
    if not page.definition.options:
        return
    yield from ("#### Options", "")
    yield from _table(
        ("option", "meaning", "default", "status", "sources"),
        [
            (
                f"`{one.name}`",
                _escaped(one.meaning),
                "on" if one.default else "off",
                one.status,
                _cited(one.sources),
            )
            for one in page.definition.options
        ],
    )


def _notes(page: DefinitionPage) -> Iterator[str]:
    if page.confirmed:
        yield from ("#### What else is confirmed", "")
        yield from (_item(one.text, one.sources) for one in page.confirmed)
        yield ""
    if page.doubts:
        yield from ("#### What is not confirmed", "")
    for doubt in page.doubts:
        yield from (f"{doubt.status}: {doubt.meaning}.", "")
        yield from (_item(one.text, one.sources) for one in doubt.statements)
        yield ""


# --- instruments and sources ------------------------------------------------------------------------------


def _instruments() -> Iterator[str]:
    yield from ("## Instruments", "", "Each is a column of a file of visits.")
    yield "No wording of a questionnaire is shipped; terms of use are for the reader to check with the owners."
    yield ""
    yield from _table(
        (
            "column",
            "what it is",
            "values",
            "needs",
            "better",
            "ADaM code (ours)",
            "status",
            "sources",
            "terms of use",
        ),
        map(_instrument, instruments().values()),
    )


def _instrument(one: Instrument) -> tuple[str, ...]:
    return (
        f"`{one.name}`",
        _escaped(one.full),
        _escaped(one.allowed if not one.range_column else "as its range in the file"),
        f"`{one.companion}`" if one.companion else "",
        one.better,
        one.paramcd,
        one.status,
        _cited(one.sources),
        f"{_escaped(one.licence)} ({one.licence_status})",
    )


def _sources(keys: set[str]) -> Iterator[str]:
    yield from ("## Sources", "")
    for key in sorted(keys):
        found = cite(key)
        address = f" <{found.address}>" if found.address else ""
        yield f'- <a id="{key}"></a>**{key}** {_escaped(str(found))}{address}'
    yield ""


# --- Markdown ---------------------------------------------------------------------------------------------


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield "|" + "---|" * len(headings)
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _item(text: str, sources: Iterable[str]) -> str:
    cited = _cited(sources)
    return f"- {_escaped(text)}" + (f" ({cited})" if cited else "")


def _cited(keys: Iterable[str]) -> str:
    return ", ".join(f"[{key}](#{key})" for key in keys)


def _escaped(text: str) -> str:
    """Text in which Markdown sees no mark-up of its own."""
    for mark in ("\\", "|", "*", "_", "<"):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")
