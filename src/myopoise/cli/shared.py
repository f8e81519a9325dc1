"""What the commands share: options, the clock, the terminal, progress and JSON."""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from myopoise.errors import WrongUsage

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["as_of_option", "counting", "json_option", "now", "print_json", "progress", "terminal"]

_FIRST_YEAR = 1950


def _year(context: click.Context, parameter: click.Parameter, year: int | None) -> int | None:
    """A year of publication that has begun."""
    now = datetime.date.today().year
    if year is not None and not _FIRST_YEAR <= year <= now:
        raise click.BadParameter(f"{year} is not between {_FIRST_YEAR} and {now}.")
    return year


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
as_of_option = click.option(
    "--as-of",
    type=int,
    callback=_year,
    metavar="YEAR",
    help="Use only what was published by the end of this year.",
)


def now() -> str:
    """The moment of writing, which SOURCE_DATE_EPOCH fixes."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.datetime.now(datetime.UTC)
    if epoch is not None:
        try:
            moment = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
        except (ValueError, OverflowError, OSError) as fault:
            raise WrongUsage(
                f"SOURCE_DATE_EPOCH is {epoch!r}; it must be whole seconds since 1970."
            ) from fault
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def terminal() -> Console:
    """The terminal, or 110 columns where the output goes elsewhere."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 110
    return Console(highlight=False, width=width)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """What is being done, on standard error: a moving line where someone watches, a line a step elsewhere."""
    if not sys.stderr.isatty():
        yield lambda step: click.echo(f"myopoise: {step}", err=True)
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False))


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """How many rows have gone by, on standard error where someone watches; silent elsewhere.

    Parameters
    ----------
    what
        What is being done.
    """
    if not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn(what),
        MofNCompleteColumn(),
        TextColumn("visits"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda rows: bar.advance(task, rows)
