"""A backtest in the terminal: what the scores say, and the table they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from myopoise.report.rounding import hundred

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_backtest"]

Part = Mapping[str, Any]


def print_backtest(document: Part, console: Console) -> None:
    """Draw a backtest.

    Parameters
    ----------
    document
        What `backtest_document` made.
    console
        Where to draw.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    first, last = document["from"], document["to"]
    console.print(
        Text(f"What the evidence of each year foresaw of later trials, {first} to {last}", style="bold")
    )
    for words in document["words"]:
        console.print(Text(words))
    for name, label in document["sets"].items():
        scores = [s for s in document["scores"] if s["set"] == name]
        if not scores:
            continue
        table = Table(
            title=f"{label.capitalize()}, predicted at the end of the year before publication",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            padding=(0, 1),
            pad_edge=False,
        )
        table.add_column("method", width=34)
        headings = ("n", "in 50%", "in 80%", "in 95%", "log score", "CRPS", "model better by (se)")
        for heading in headings:
            table.add_column(heading, justify="right")
        for score in scores:
            coverage, better = score["coverage"], score["model_better_by"]
            table.add_row(
                score["label"],
                str(score["forecasts"]),
                *(hundred(coverage[level]) for level in ("50", "80", "95")),
                _number(score["log_score"]["mean"]),
                _number(score["crps"]["mean"], 3),
                "" if score["method"] == "main" else f"{_number(better['mean'])} ({_number(better['se'])})",
            )
        console.print()
        console.print(table)
    console.print(Text(_EXPLANATION, style="dim"))
    for study, reason in document["left_out"].items():
        console.print(Text(f"Not predicted: {study}, {reason}.", style="dim"))
    console.print(Text(document["footer"], style="italic"))


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "\u2212")


_EXPLANATION = (
    "in 50%, 80%, 95%: how many of 100 outcomes fell into the predictive interval of that level (counts are whole, so "
    "an honest forecast holds a little more). log score: higher is better; CRPS: lower is better. Every prediction "
    "from every year stands in the JSON document; the scores rest on those made one year ahead, each trial once."
)
