"""Commands about the studies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from myopoise.cli.shared import as_of_option, json_option, print_json, terminal
from myopoise.errors import WrongUsage

if TYPE_CHECKING:
    from myopoise.evidence.tables import Evidence

__all__ = ["evidence"]


@click.group(short_help="List, show, check, select and export the studies.")
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
        print_json(to_json(seeds)) if as_json else print_seeds(seeds, terminal())
        return
    studies = list_studies(known, treatment=treatment, population=population, design=design)
    print_json(to_json(studies)) if as_json else print_studies(studies, terminal())


@evidence.command("show", short_help="One study as a reader wants it.")
@click.argument("study")
@json_option
def evidence_show(study: str, as_json: bool) -> None:
    """One study as a reader wants it: who, what, arms, outcomes, sources, in or out and why.

    Example: myopoise evidence show aggarwal-2022
    """
    from myopoise.evidence.browsing import describe_study, to_json
    from myopoise.evidence.selection import Question, select
    from myopoise.evidence.standing import standing_of
    from myopoise.report.terminal_evidence import print_standing, print_study

    known = _known(None)
    card = describe_study(known, study)
    standing = standing_of(select(known, Question()), card.study_id)
    if as_json:
        print_json({**to_json(card), "synthesis": to_json(standing)})
        return
    console = terminal()
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
            print_json(faults_json(bad.faults))
        else:
            print_faults(bad.faults, terminal())
        sys.exit(bad.exit_code)
    if as_json:
        print_json(faults_json(()))
    else:
        print_count(found, terminal())


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
    from myopoise.evidence.selection import Question, select
    from myopoise.evidence.selection_files import write_selection

    selection = select(_known(None), Question(as_of))
    paths = write_selection(selection, out)
    if as_json:
        print_json(
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
