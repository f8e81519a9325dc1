"""The answer in the terminal: a sentence and a table per group of patients, and where the limits are.

At 100 columns every column is shown; below that the prediction interval gives way first, and effect, interval and
certainty never do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from myopoise.report import sentences
from myopoise.report.rounding import chance, hundred, signed_hundred
from myopoise.vocabulary import Reading

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["print_answer"]

Part = Mapping[str, Any]

_WIDE = 98
"""Columns from which the prediction interval has room."""


def print_answer(document: Part, console: Console) -> None:
    """Draw the answer of a report, the sentence of each group before its table.

    Parameters
    ----------
    document
        The document of the report.
    console
        Where to draw.
    """
    from rich.text import Text

    wide = console.width >= _WIDE
    console.print(Text(document["question"], style="bold"))
    console.print(Text(sentences.progress_line(document)))
    for answer in document["answers"]:
        console.print()
        console.print(Text(answer["label"].capitalize(), style="bold underline"))
        console.print(Text(answer["sentence"]))
        for comparison, heading in sentences.TIERS.items():
            options = [o for o in answer["options"] if o["own"]["comparison"] == comparison.value]
            if options:
                console.print()
                console.print(Text(heading, style="bold"))
                console.print(_table(options, wide))
    console.print()
    console.print(Text(document["children"]["label"].capitalize(), style="bold underline"))
    console.print(Text(document["children"]["sentence"]))
    console.print()
    console.print(Text(_explanation(wide), style="dim"))
    console.print(Text(document["footer"], style="italic"))


def _table(options: list[Part], wide: bool) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0), pad_edge=False, show_edge=False)
    showing_chance = any(_main(option)["p_better"] is not None for option in options)
    table.add_column("option", width=20)
    table.add_column("studies\n(rand.)", justify="right", width=7)
    table.add_column("patients" if wide else "n", justify="right", width=8 if wide else 4)
    table.add_column("response\nin 100", justify="right", width=11)
    if wide:
        table.add_column("new\nstudy", justify="right", width=6)
    table.add_column("difference", justify="right", width=18 if wide else 16)
    if showing_chance:
        table.add_column("better", justify="right", width=6)
        if wide:
            table.add_column("trials\nalone", justify="right", width=6)
    table.add_column("certainty", width=9)
    for option in options:
        table.add_row(*_cells(option, wide, showing_chance))
    return table


def _main(option: Part) -> Part:
    found: Part = option["predicted"][Reading.MAIN.value]
    return found


def _cells(option: Part, wide: bool, showing_chance: bool) -> list[str]:
    from rich.markup import escape

    own, found = option["own"], _main(option)
    response, new, difference = found["response"], found["predictive"], found["difference"]
    interval = f"{signed_hundred(difference['low'])} to {signed_hundred(difference['high'])}"
    cells = [
        escape(option["name"]),
        f"{own['studies']} ({own['randomised_studies']})",
        str(own["patients"]),
        f"{hundred(response['median'])} ({hundred(response['low'])}–{hundred(response['high'])})",
    ]
    if wide:
        cells.append(f"{hundred(new['low'])}–{hundred(new['high'])}")
    cells.append(f"{signed_hundred(difference['median'])} ({interval})")
    if showing_chance:
        cells.append(_chance_in(option, Reading.MAIN))
        if wide:
            cells.append(_chance_in(option, Reading.RANDOMISED))
    cells.append(option["certainty"]["grade"])
    return cells


def _chance_in(option: Part, reading: Reading) -> str:
    """Chance of adding anything in one reading, or a dash where none may be given."""
    found = option["predicted"].get(reading.value)
    return chance(found["p_better"]) if found and found["p_better"] is not None else "–"


def _explanation(wide: bool) -> str:
    new = "new study: 95% prediction interval; " if wide else ""
    return (
        f"\nIn 100 patients, median and 95% credible interval; {new}difference: to continued background therapy "
        "alone; better: chance of adding anything, given only where randomised against background therapy; trials "
        "alone: the same from randomised trials only. The "
        "order is that of predicted response, not a recommendation. Do not compare numbers under different headings."
    )
