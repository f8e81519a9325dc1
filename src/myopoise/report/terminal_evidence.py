"""The evidence in the terminal: lists of studies, one study, and the faults of a folder.

Every function takes a finished value and a console, and only draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from myopoise.errors import Fault
from myopoise.evidence.browsing import SeedLine, StudyLine
from myopoise.evidence.cards import OutcomeLine, StudyCard
from myopoise.evidence.standing import Standing
from myopoise.evidence.tables import Evidence

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = [
    "faults_json",
    "print_count",
    "print_faults",
    "print_seeds",
    "print_standing",
    "print_studies",
    "print_study",
]


def print_studies(lines: Sequence[StudyLine], console: Console) -> None:
    """Draw a list of studies and their count.

    Parameters
    ----------
    lines
        The studies.
    console
        Where to draw.
    """
    if not lines:
        console.print("No study meets every filter.")
        return
    table = _table("study", "year", "design", "population", "treatments", "patients", "main set")
    for line in lines:
        table.add_row(
            _plain(line.study_id),
            _number(line.year),
            _plain(line.design),
            ", ".join(line.population),
            _plain(", ".join(line.treatments)),
            _number(line.patients),
            _plain(line.standing),
        )
    console.print(table)
    included = sum(line.included for line in lines)
    noun = "study" if len(lines) == 1 else "studies"
    console.print(
        f"{len(lines)} {noun}, {included} in the main set of the tables. "
        "Which of them enter the synthesis: myopoise evidence select."
    )


def print_seeds(lines: Sequence[SeedLine], console: Console) -> None:
    """Draw the founding references with what became of each.

    Parameters
    ----------
    lines
        The references.
    console
        Where to draw.
    """
    table = _table("no.", "reference", "status", "study", "what it adds")
    for line in lines:
        table.add_row(
            str(line.number),
            _plain(f"{line.first_author} {line.year}: {line.title}"),
            _plain(line.status_meaning),
            _plain(", ".join(line.studies)),
            _plain(line.contributes),
        )
    console.print(table)
    meanings = [line.status_meaning for line in lines]
    for meaning in dict.fromkeys(meanings):
        console.print(_plain(f"{meanings.count(meaning):3d}  {meaning}"))


def print_study(card: StudyCard, console: Console) -> None:
    """Draw one study: who, what, arms, outcomes, definitions, sources, and why it is in or out.

    Parameters
    ----------
    card
        The study.
    console
        Where to draw.
    """
    console.print(f"[bold]{_plain(card.title)}[/bold]")
    year = f", {card.year}" if card.year else ", year not known"
    console.print(_plain(f"{card.study_id}: {card.authors}{year}. {card.publication}"))
    console.print(f"[bold]{_plain(card.standing)}[/bold]")
    if card.overlaps:
        console.print(_plain(f"Same patients, in part or in full: {', '.join(card.overlaps)}."))
    console.print(_pairs({**card.facts, **card.identifiers}))
    _show_arms(card, console)
    _show_outcomes(card, console)
    _show_contrasts(card, console)
    _show_planning(card, console)
    _list("How outcomes were decided", card.definitions, console)
    _list("Sources", card.sources, console)
    if card.notes:
        _list("Notes", (card.notes,), console)


def print_standing(standing: Standing, console: Console) -> None:
    """What a study contributes to the synthesis, and what of it was set aside and why."""
    lines = [f"enters: {sentence}" for sentence in standing.enters]
    lines += [f"set aside: {standing.reason_out}"] if standing.reason_out else []
    lines += [f"judged: {standing.assumptions}"] if standing.assumptions else []
    lines += [f"not counted: {part}: {reason}" for part, reason in standing.parts_out]
    _list("In the synthesis of muscle or global response", lines, console)


def print_faults(faults: Sequence[Fault], console: Console) -> None:
    """Draw faults, a line each, grouped by file, and their count.

    Parameters
    ----------
    faults
        In the order of files and rows.
    console
        Where to draw.
    """
    for file, group in groupby(faults, key=lambda fault: fault.file):
        console.print(f"[bold]{_plain(file)}[/bold]")
        for fault in group:
            place = ", ".join(filter(None, [f"row {fault.row}" if fault.row else "", fault.column]))
            said = f"{place}: {fault.found}" if place else fault.found
            console.print(_plain(f"  {said}. {fault.remedy}"), soft_wrap=True)
    noun = "fault" if len(faults) == 1 else "faults"
    console.print(f"{len(faults)} {noun}.")


def print_count(evidence: Evidence, console: Console) -> None:
    """Say that a folder has no fault, and what it holds.

    Parameters
    ----------
    evidence
        What was read.
    console
        Where to draw.
    """
    console.print(f"No faults. {_plain(str(evidence))}")


def faults_json(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """Faults as plain data, one dictionary each, in the order given."""
    return [asdict(fault) for fault in faults]


def _show_arms(card: StudyCard, console: Console) -> None:
    if not card.arms:
        return
    table = _table("arm", "treatment", "patients", "what it is for", "earlier treatment, notes")
    for arm in card.arms:
        table.add_row(
            _plain(arm.arm_id),
            _plain("\n".join(filter(None, [arm.treatment, arm.regimen]))),
            _plain("\n".join(filter(None, [_number(arm.patients), arm.diagnoses]))),
            _plain(arm.role),
            _plain("; ".join(filter(None, [arm.prior_failures, arm.notes]))),
        )
    _titled("Arms", table, console)


def _show_outcomes(card: StudyCard, console: Console) -> None:
    if not card.outcomes:
        console.print("\nNo outcome with a number.")
        return
    table = _table("arm", "outcome", "result", "when, in whom", "where it stands")
    for line in card.outcomes:
        table.add_row(
            _plain(line.arm_id),
            _plain("\n".join(filter(None, [f"{line.endpoint}: {line.definition}", line.level]))),
            _plain(line.result),
            _plain("; ".join(filter(None, [_week(line.week), line.counted]))),
            _plain(_standing(line)),
        )
    _titled("Outcomes", table, console)


def _standing(line: OutcomeLine) -> str:
    return "; ".join(filter(None, [line.source_place, f"confidence {line.confidence}", line.notes]))


def _show_contrasts(card: StudyCard, console: Console) -> None:
    if not card.contrasts:
        return
    table = _table("comparison", "outcome", "measure", "result", "when", "where it stands")
    for line in card.contrasts:
        table.add_row(
            _plain(" with ".join(line.arms)),
            _plain(line.endpoint),
            _plain(line.measure),
            _plain(line.result),
            _week(line.week),
            _plain("; ".join(filter(None, [line.source_place, line.notes]))),
        )
    _titled("Printed comparisons", table, console)


def _show_planning(card: StudyCard, console: Console) -> None:
    if not card.planning:
        return
    table = _table("fact", "value", "where it stands")
    for line in card.planning:
        place = "; ".join(filter(None, [line.source_place, line.notes]))
        table.add_row(_plain(line.fact), _plain(line.value), _plain(place))
    _titled("Facts for planning a trial", table, console)


def _list(title: str, lines: Iterable[str], console: Console) -> None:
    lines = tuple(lines)
    if lines:
        console.print(f"\n[bold]{title}[/bold]")
    for line in lines:
        console.print(_plain(f"- {line}"), soft_wrap=True)


def _titled(title: str, table: Table, console: Console) -> None:
    console.print(f"\n[bold]{title}[/bold]")
    console.print(table)


def _pairs(pairs: dict[str, str]) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for word, sentence in pairs.items():
        table.add_row(f"[dim]{_plain(word)}[/dim]", _plain(sentence))
    return table


def _table(*headings: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        short = heading in ("year", "no.", "study", "arm")
        table.add_column(heading, no_wrap=short, overflow="fold")
    return table


def _plain(text: str) -> str:
    """The text with brackets that the console would read as mark-up made harmless."""
    from rich.markup import escape

    return escape(text)


def _number(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


def _week(week: float | None) -> str:
    if week is None:
        return ""
    return "before treatment" if week == 0 else f"week {week:g}"
