"""The command line: one thin command per public verb, and the one place where a fault becomes an exit code.

Heavy rooms are imported inside the command that needs them, so that ``--help`` answers at once. Results go to standard
output, progress and faults to standard error; with ``--json`` standard output is one JSON document and nothing else.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import myopoise
from myopoise.errors import MyopoiseError, Untrustworthy, WrongUsage

if TYPE_CHECKING:
    from rich.console import Console

    from myopoise.evidence.tables import Evidence

__all__ = ["main"]

DISCLAIMER = (
    "For research and evidence synthesis. It describes groups of patients in published studies, does not assess an "
    "individual, is not a medical device, and must not be the sole or main basis of a treatment decision."
)
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


def main() -> None:
    """Run the command line; exits with 0 done, 2 wrong usage, 3 bad data, 4 not to be trusted, 5 part missing."""
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
@json_option
def report(out: Path, as_of: int | None, as_json: bool) -> None:
    """The main job: from the evidence to the answer, as a page, as data, and in the terminal.

    Example: myopoise report --as-of 2006 --out report-2006
    """
    moment = _now()
    from myopoise.evidence.selection import Question
    from myopoise.inquiry import inquire
    from myopoise.report.document import document
    from myopoise.report.terminal import print_answer
    from myopoise.report.writing import write_report

    with _progress() as progress:
        inquiry = inquire(Question(as_of), progress=progress)
    found = document(inquiry, generated_at=moment, version=myopoise.__version__)
    paths = write_report(found, out)
    if as_json:
        _print_json(found)
    else:
        print_answer(found, _console())
        click.echo(f"Written: {', '.join(str(path) for path in paths)}")
    doubtful = [s for s in inquiry.syntheses.values() if not s.trust.ok]
    if doubtful:
        raise Untrustworthy("\n".join(f"{s.reading.label}: {s.trust.sentence}" for s in doubtful))


@commands.group(short_help="List, show, check, select and export the studies.")
def evidence() -> None:
    """The studies: list them, read one, check a folder, take the tables with you.

    Example: myopoise evidence show oddis-2013
    """


@evidence.command("list", short_help="List the studies, or the founding review.")
@click.option(
    "--treatment", metavar="T", help="Only studies that gave this treatment or class, e.g. rituximab."
)
@click.option("--population", metavar="P", help="Only studies of this disease, e.g. DM.")
@click.option("--design", metavar="D", help="Only studies of this design, e.g. rct or case-series.")
@click.option("--seed", is_flag=True, help="The 50 references of the founding 2006 review, and their status.")
@as_of_option
@json_option
def evidence_list(
    treatment: str | None,
    population: str | None,
    design: str | None,
    seed: bool,
    as_of: int | None,
    as_json: bool,
) -> None:
    """List the studies, or the references of the founding review.

    Example: myopoise evidence list --treatment rituximab --design rct
    """
    from myopoise.evidence.browsing import list_studies, seed_lines, to_json
    from myopoise.report.terminal_evidence import print_seeds, print_studies

    known = _known(as_of)
    if seed:
        if treatment or population or design:
            raise WrongUsage("--seed lists the whole founding review; it does not go with other filters.")
        seeds = tuple(line for line in seed_lines(known) if not as_of or line.year <= as_of)
        _print_json(to_json(seeds)) if as_json else print_seeds(seeds, _console())
        return
    studies = list_studies(known, treatment=treatment, population=population, design=design)
    _print_json(to_json(studies)) if as_json else print_studies(studies, _console())


@evidence.command("show", short_help="One study as a reader wants it.")
@click.argument("study")
@json_option
def evidence_show(study: str, as_json: bool) -> None:
    """One study as a reader wants it: who, what, arms, outcomes, sources, in or out and why.

    Example: myopoise evidence show aggarwal-2022
    """
    from myopoise.evidence.browsing import describe_study, to_json
    from myopoise.evidence.selection import Question, at_level, select
    from myopoise.evidence.standing import standing_of
    from myopoise.report.terminal_evidence import print_standing, print_study
    from myopoise.vocabulary import Level

    known = _known(None)
    card = describe_study(known, study)
    standing = standing_of(at_level(select(known, Question()), Level.MINIMAL), card.study_id)
    if as_json:
        _print_json({**to_json(card), "synthesis": to_json(standing)})
        return
    console = _console()
    print_study(card, console)
    print_standing(standing, console)


@evidence.command("check", short_help="A count, or every fault with place and remedy.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def evidence_check(folder: Path, as_json: bool) -> None:
    """Check a folder of evidence tables: a count, or every fault with its place and remedy.

    Example: myopoise evidence check my-evidence
    """
    from myopoise.errors import BadInput
    from myopoise.evidence.reading import read_evidence
    from myopoise.report.terminal_evidence import faults_json, print_count, print_faults

    try:
        found = read_evidence(folder)
    except BadInput as bad:
        if as_json:
            _print_json(faults_json(bad.faults))
        else:
            print_faults(bad.faults, _console())
        sys.exit(bad.exit_code)
    if as_json:
        _print_json(faults_json(()))
    else:
        print_count(found, _console())


@evidence.command("export", short_help="Write the tables as CSV, Parquet or Excel.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to."
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "parquet", "xlsx"]),
    default="csv",
    show_default=True,
    help="Kind of file.",
)
def evidence_export(out: Path, file_format: str) -> None:
    """Write the evidence tables for use elsewhere.

    Example: myopoise evidence export --out tables --format xlsx
    """
    from myopoise.evidence.writing import export_evidence

    for path in export_evidence(_known(None), out, file_format):
        click.echo(path)


@evidence.command("select", short_help="Write the exact rows the synthesis uses.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to."
)
@as_of_option
@json_option
def evidence_select(out: Path, as_of: int | None, as_json: bool) -> None:
    """Write the exact rows the synthesis uses, and the reason for everything left out.

    Example: myopoise evidence select --out selection
    """
    from myopoise.evidence.selection import Question, at_level, select
    from myopoise.evidence.selection_files import write_selection
    from myopoise.vocabulary import Level

    selection = at_level(select(_known(None), Question(as_of)), Level.MINIMAL)
    paths = write_selection(selection, out)
    if as_json:
        _print_json(
            {
                "files": [str(path) for path in paths],
                "rows": len(selection.rows),
                "printed_p_values": len(selection.printed),
                "studies": list(selection.studies),
                "set_aside": {aside.study: aside.reason for aside in selection.set_aside},
            }
        )
        return
    click.echo(str(selection))
    for path in paths:
        click.echo(path)


def _known(as_of: int | None) -> Evidence:
    from myopoise.evidence.reading import read_evidence

    base = read_evidence()
    return base.published_by(as_of) if as_of else base


def _now() -> str:
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


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 110
    return Console(highlight=False, width=width)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """What is being done, on standard error: a moving line where someone watches, a line a step elsewhere."""
    if not sys.stderr.isatty():
        yield lambda step: click.echo(f"myopoise: {step}", err=True)
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False))
