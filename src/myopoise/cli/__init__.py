"""The command line: one thin command per public verb, and the one place where a fault becomes an exit code.

Heavy rooms are imported inside the command that needs them, so that ``--help`` answers at once. Results go to standard
output, progress and faults to standard error; with ``--json`` standard output is one JSON document and nothing else.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

import myopoise
from myopoise.cli.backtesting import backtest
from myopoise.cli.choosing import choose
from myopoise.cli.evidence import evidence
from myopoise.cli.outcomes import classify, outcomes, refractory, score
from myopoise.cli.shared import as_of_option, json_option, now, print_json, progress, terminal
from myopoise.cli.synthesis import synthesise
from myopoise.errors import MyopoiseError, Untrustworthy, WrongUsage

__all__ = ["commands", "main"]

DISCLAIMER = (
    "For research and evidence synthesis. It describes groups of patients in published studies, does not assess an "
    "individual, is not a medical device, and must not be the sole or main basis of a treatment decision."
)


def main() -> None:
    """Run the command line; exits with 0 done, 2 wrong usage, 3 bad data, 4 not to be trusted, 5 part missing."""
    # The inference works on every core itself; a linear algebra library that does so too takes three times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        commands.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as fault:
        fault.show()
        sys.exit(WrongUsage.exit_code)
    except MyopoiseError as fault:
        click.echo(f"myopoise: {fault}", err=True)
        sys.exit(fault.exit_code)
    except OSError as fault:
        click.echo(
            f"myopoise: {fault.filename or 'file'}: {fault.strerror}. Check the path and its rights.",
            err=True,
        )
        sys.exit(WrongUsage.exit_code)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: myopoise report --out report",
)
@click.version_option(myopoise.__version__, message=f"myopoise %(version)s\n{DISCLAIMER}")
def commands() -> None:
    """Which treatment next for refractory polymyositis and dermatomyositis, and how sure we are.

    It supports a decision and never makes it.
    """


@commands.command(short_help="From the evidence to the answer: page, data, terminal.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("report"),
    show_default=True,
    help="Folder for report.html, report.json and report.schema.json.",
)
@as_of_option
@click.option("--quick", is_flag=True, help="Leave out what drives the answer, which takes six more fits.")
@json_option
def report(out: Path, as_of: int | None, quick: bool, as_json: bool) -> None:
    """The main job: from the evidence to the answer, as a page, as data, and in the terminal.

    Example: myopoise report --as-of 2006 --out report-2006
    """
    moment = now()
    from myopoise.evidence.selection import Question
    from myopoise.inquiry import inquire
    from myopoise.report.document import document
    from myopoise.report.terminal import print_answer
    from myopoise.report.writing import write_report

    with progress() as tell:
        inquiry = inquire(Question(as_of), driven=not quick, progress=tell)
    found = document(inquiry, generated_at=moment, version=myopoise.__version__)
    paths = write_report(found, out)
    if as_json:
        print_json(found)
    else:
        print_answer(found, terminal())
        click.echo(f"Written: {', '.join(str(path) for path in paths)}")
    doubtful = [s for s in inquiry.syntheses.values() if not s.trust.ok]
    if doubtful:
        raise Untrustworthy("\n".join(f"{s.reading.label}: {s.trust.sentence}" for s in doubtful))


for command in (backtest, choose, classify, evidence, outcomes, refractory, score, synthesise):
    commands.add_command(command)
