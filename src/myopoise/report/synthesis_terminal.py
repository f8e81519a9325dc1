"""A synthesis in the terminal: how the file was understood, what was found, and how far to believe it.

Effects stand before ranks and beside them: a rank alone hides how little may lie between two treatments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from myopoise.report.rounding import chance, number
from myopoise.report.synthesis_terminal_checks import print_checks
from myopoise.report.synthesis_words import (
    axis_ends,
    better,
    effect_digits,
    effect_words,
    in_order,
    interval_name,
    missing,
    new_study,
    of,
    plural,
    ratio_name,
    ratio_words,
    sentence,
    shown,
    standing,
    versus_reference,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["interval_bar", "print_synthesis"]

Part = Mapping[str, Any]

_BAR = 21
"""Characters of an interval drawn in the terminal."""
_WIDE = 98
"""Columns from which the interval has room for its picture."""
_MOST = 9
"""Treatments beyond which a league table is a matter for the page."""


def print_synthesis(document: Part, console: Console) -> None:
    """Draw a whole synthesis.

    Parameters
    ----------
    document
        The document of a synthesis.
    console
        Where to draw.
    """
    from rich.text import Text

    trusted, verdict = document["diagnostics"]["trusted"], document["diagnostics"]["sentence"]
    if not trusted:
        console.print(Text(verdict, style="bold red"))
        console.print()
    _inputs(document, console)
    _network(document, console)
    _effects(document, console)
    _league(document, console)
    _ranks(document, console)
    print_checks(document, console)
    console.print()
    console.print(Text(verdict, style="bold" if trusted else "bold red"))


def interval_bar(low: float, middle: float, high: float, ends: tuple[float, float], width: int = _BAR) -> str:
    """An interval in characters: a thick line, a point, a dotted line at no effect, arrows where it runs out.

    Parameters
    ----------
    low, middle, high
        The interval.
    ends
        Ends of the axis.
    width
        Characters.

    Examples
    --------
    >>> interval_bar(0.5, 1.0, 1.5, (-1.0, 2.0), 13)
    '    ┊ ━━●━━  '
    >>> interval_bar(-9.0, 0.5, 1.5, (-1.0, 2.0), 13)
    '‹━━━┿━●━━━━  '
    """

    def place(value: float) -> int:
        return round((width - 1) * (value - ends[0]) / (ends[1] - ends[0]))

    cells = [" "] * width
    if 0 <= place(0.0) < width:
        cells[place(0.0)] = "┊"
    for at in range(max(0, place(low)), min(width - 1, place(high)) + 1):
        cells[at] = "┿" if cells[at] == "┊" else "━"
    if place(low) < 0:
        cells[0] = "‹"
    if place(high) >= width:
        cells[-1] = "›"
    cells[min(width - 1, max(0, place(middle)))] = "●"
    return "".join(cells)


def _inputs(document: Part, console: Console) -> None:
    from rich.text import Text

    data, inputs = document["data"], document["inputs"]
    counts = ", ".join(
        (
            plural(data["studies"], "study", "studies"),
            plural(data["arms"], "arm"),
            plural(data["treatments"], "treatment"),
        )
    )
    console.print(Text(sentence(document["model"]), style="bold"))
    console.print(Text(f"{inputs['file']}: {counts}. {inputs['layout']}"))
    console.print(Text("First studies as they were understood:", style="dim"))
    for study in inputs["first_studies"]:
        console.print(Text(f"  {study['study']}: {'; '.join(map(arm_words, study['arms']))}"))
    for note in inputs["notes"]:
        console.print(Text(f"Note: {note}"))


def arm_words(arm: Part) -> str:
    """One arm, or one contrast, as it was read.

    Parameters
    ----------
    arm
        Of the first studies in the document.
    """
    name = arm["treatment"]
    if "versus" in arm:
        return f"{name} v {arm['versus']} {_short(arm['estimate'])} (se {_short(arm['se'])})"
    if "at_least" in arm:
        counts = ", ".join("not reported" if missing(v) else _short(v) for v in arm["at_least"])
        return f"{name} n {_short(arm['n'])}, at or above each threshold {counts}"
    if "exposure" in arm:
        return f"{name} {_short(arm['events'])} events in {_short(arm['exposure'])}"
    if "events" in arm:
        return f"{name} {_short(arm['events'])}/{_short(arm['n'])}"
    n = "" if missing(arm.get("n")) else f", n {_short(arm['n'])}"
    return f"{name} {_short(arm['mean'])} (se {_short(arm['se'])}{n})"


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}".replace("-", "−") if abs(value) < 1e4 else f"{value:,.0f}"


def _network(document: Part, console: Console) -> None:
    from rich.text import Text

    network = document["network"]
    _heading("Network", console)
    edges = network["edges"]
    shape = f"{plural(len(edges), 'comparison')} made in studies"
    multi = network["multi_arm_studies"]
    if multi:
        shape += f", {plural(len(multi), 'study', 'studies')} with more than two arms"
    if len(network["pieces"]) == 1:
        console.print(Text(f"All treatments are joined: {shape}."))
    else:
        console.print(
            Text(f"The network is in {len(network['pieces'])} pieces ({shape}); nothing was left out:")
        )
        for place, piece in enumerate(network["pieces"], 1):
            console.print(Text(f"  {place}. {', '.join(piece)}"))
    if network["single_arm_studies"]:
        console.print(Text(f"Studies of one arm: {', '.join(network['single_arm_studies'])}."))


def _effects(document: Part, console: Console) -> None:
    from rich.text import Text

    rows = versus_reference(document)
    if not rows:
        return
    _heading(f"Effect against {document['reference']}, {document['scale'] or 'scale of the data'}", console)
    new, wide = new_study(document), console.width >= _WIDE
    headings = ["mean", "sd"] if document["method"] == "bayes" else ["estimate", "se"]
    headings += ["95% interval", *(["new study"] if new else []), *filter(None, [ratio_name(document)])]
    table = _table()
    table.add_column("treatment", overflow="fold", max_width=30)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=wide)
    if wide:
        table.add_column("", no_wrap=True)
    for cells in _effect_rows(document, new, wide):
        table.add_row(*cells)
    console.print(table)
    said = f"Treatment less {document['reference']}, 95% {interval_name(document)}s; {better(document)}"
    said += ", and the better stand higher. " if standing(document) else ". "
    if new:
        said += "New study: where the true effect of another study would lie, 95%. "
    if wide:
        said += "┊ no effect, ━ interval."
    console.print(Text(said, style="dim"))


def _effect_rows(document: Part, new: Mapping[str, tuple[float, float]], wide: bool) -> list[list[str]]:
    from rich.markup import escape

    rows, order = versus_reference(document), in_order(document)
    digits = effect_digits(rows.values())
    known = {name: shown(row) for name, row in rows.items()}
    ends = axis_ends([(k.low, k.high) for k in known.values() if k.known])
    lines = []
    for name in (name for name in order if name in rows):
        row = known[name]
        cells = [escape(name), *_cells(row.centre, row.spread, row.low, row.high, digits)]
        if new:
            low, high = new.get(name, (float("nan"),) * 2)
            cells.append("–" if missing(low) else f"{number(low, digits)} to {number(high, digits)}")
        if ratio_name(document):
            cells.append(ratio_words(rows[name]))
        if wide:
            cells.append(interval_bar(row.low, row.middle, row.high, ends) if row.known else "")
        lines.append(cells)
    return lines


def _cells(centre: float, spread: float, low: float, high: float, digits: int) -> list[str]:
    if missing(centre):
        return ["–", "–", "–"]
    return [
        number(centre, digits),
        "–" if missing(spread) else number(spread, digits),
        "–" if missing(low) else f"{number(low, digits)} to {number(high, digits)}",
    ]


def _league(document: Part, console: Console) -> None:
    from rich.markup import escape
    from rich.text import Text

    names = document["data"]["treatment_names"]
    if not document["relative_effects"] or len(names) < 3:
        return
    _heading("League table", console)
    width = console.width // (len(names) + 1)
    if len(names) > _MOST or width < 13:
        console.print(
            Text(f"{len(names)} treatments do not fit here: ask for a page with --out PAGE.html, or --json.")
        )
        return
    effects = {(row["treatment"], row["versus"]): row for row in document["relative_effects"]}
    digits, ratio = effect_digits(effects.values()), ratio_name(document)
    order = in_order(document)
    table = _table()
    table.add_column("row v column", overflow="fold")
    for name in order:
        table.add_column(escape(name), justify="right", overflow="fold")
    for row in order:
        cells = [escape(row)]
        for column in order:
            effect = effects.get((row, column))
            words = "–" if effect is None else ratio_words(effect) if ratio else effect_words(effect, digits)
            cells.append("·" if row == column else words.replace(" (", "\n("))
        table.add_row(*cells)
    console.print(table)
    what = ratio or document["scale"] or "effect"
    console.print(
        Text(
            f"Each cell: {what} of the treatment of its row against the treatment of its column, with 95% "
            f"{interval_name(document)}; {better(document)}.",
            style="dim",
        )
    )


def _ranks(document: Part, console: Console) -> None:
    from rich.markup import escape
    from rich.text import Text

    order = standing(document)
    if not order:
        return
    ranked = any(row is not None for _, row in order.values())
    _heading("Where each treatment may stand", console)
    effects, ratio = versus_reference(document), ratio_name(document)
    digits = effect_digits(effects.values())
    table = _table()
    table.add_column("treatment", overflow="fold", max_width=34)
    table.add_column(f"{ratio or 'effect'} v {document['reference']}", justify="right", overflow="fold")
    if ranked:
        table.add_column("mean rank", justify="right")
        table.add_column("best", justify="right")
        table.add_column("among\nbest two" if len(order) > 3 else "worst", justify="right")
    table.add_column("SUCRA" if ranked else "P-score", justify="right")
    for name, (score, row) in order.items():
        effect = effects.get(name)
        words = (
            "reference" if effect is None else ratio_words(effect) if ratio else effect_words(effect, digits)
        )
        cells = [escape(name), words]
        if ranked and row is not None:
            places = row["probabilities"]
            second = sum(places[:2]) if len(order) > 3 else places[-1]
            cells += [number(of(row, "mean_rank"), 1), chance(places[0]), chance(second)]
        table.add_row(*cells, "–" if missing(score) else number(score, 2))
    console.print(table)
    leader = next(iter(order.values()))[1]
    doubt = ""
    if leader is not None and leader["probabilities"][0] < 0.95:
        doubt = f" The first has a chance of {chance(1 - leader['probabilities'][0])} of not being the best."
    said = (
        f"Rank 1 is best; {better(document)}.{doubt} A rank says neither how much better nor how certain the"
    )
    console.print(
        Text(f"{said} evidence is: certainty (GRADE, CINeMA) has not been judged here.", style="dim")
    )


def _heading(words: str, console: Console) -> None:
    from rich.text import Text

    console.print()
    console.print(Text(words, style="bold underline"))


def _table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
