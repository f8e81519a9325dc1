"""What each year's evidence predicted of what came later."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

import myopoise
from myopoise.cli.shared import json_option, print_json, progress, terminal
from myopoise.errors import WrongUsage

__all__ = ["backtest"]

_EARLIEST = 1993


@click.command(short_help="What each year's evidence predicted of what came later.")
@click.option(
    "--from",
    "first",
    type=int,
    default=1994,
    show_default=True,
    metavar="YEAR",
    help="First year at whose end predictions are made.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write backtest.html, with the figure of what 2006 could know, and backtest.json to this folder.",
)
@json_option
def backtest(first: int, out: Path | None, as_json: bool) -> None:
    """Fit on what was known at the end of each year, predict every randomised arm and contrast published later.

    Example: myopoise backtest --from 2006
    """
    if not _EARLIEST <= first < datetime.date.today().year:
        raise WrongUsage(
            f"--from {first}: predictions can be made from {_EARLIEST} (before, no trial had a control group to learn "
            "from) to last year."
        )
    from myopoise.backtest.looking_back import backtest as look_back
    from myopoise.evidence.reading import read_evidence
    from myopoise.report.backtest_document import backtest_document
    from myopoise.report.terminal_backtest import print_backtest
    from myopoise.report.writing import write_backtest

    with progress() as step:
        found = look_back(read_evidence(), first, progress=step)
    document = backtest_document(found, version=myopoise.__version__)
    paths = write_backtest(document, out) if out else ()
    print_json(document) if as_json else print_backtest(document, terminal())
    if paths and not as_json:
        click.echo(f"Written: {', '.join(map(str, paths))}")
