"""Commands about outcome measures: score visits, classify patients, read the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from myopoise.cli.shared import counting, json_option, print_json, terminal
from myopoise.errors import WrongUsage

if TYPE_CHECKING:
    from myopoise.outcomes.files.formats import Source
    from myopoise.outcomes.plan import Plan
    from myopoise.outcomes.running import Run

__all__ = ["classify", "outcomes", "refractory", "score"]

_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(dir_okay=False, path_type=Path)

columns_option = click.option(
    "--columns",
    "column_map",
    type=_EXISTING,
    metavar="MAP.toml",
    help="Which column of the file holds what, for a REDCap export or any other names.",
)


def _pairs(_: click.Context, parameter: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE``, once or more."""
    pairs = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name or not value:
            raise click.BadParameter(f"'{one}' is not of the form {parameter.metavar}.")
        pairs[name.strip()] = value.strip()
    return pairs


@click.command(short_help="Response criteria for any number of visits.")
@click.argument("visits", type=_EXISTING)
@click.option(
    "--definition", required=True, metavar="NAME", help="Which definition; see: myopoise outcomes list"
)
@click.option(
    "--out", required=True, type=_NEW, metavar="SCORES", help="Where to write: .csv, .parquet, .xlsx or .xpt"
)
@click.option(
    "--baseline-week", type=float, metavar="W", help="Week of the baseline visit.  [each patient's earliest]"
)
@click.option(
    "--missing",
    type=click.Choice(["strict", "bounds"]),
    default="strict",
    show_default=True,
    help="A visit with a missing measure: not computable, or lowest and highest possible score.",
)
@click.option(
    "--vas-unit", type=click.Choice(["cm", "mm"]), default="cm", show_default=True, help="Unit of the scales."
)
@click.option(
    "--enzyme-unit",
    type=click.Choice(["U/L", "microkat/L"]),
    default="U/L",
    show_default=True,
    help="Matters only where an enzyme is compared with a number rather than its ULN.",
)
@click.option(
    "--instrument",
    "instruments",
    multiple=True,
    callback=_pairs,
    metavar="MEASURE=NAME",
    help="The instrument your protocol fixed, such as strength=cmas.",
)
@click.option(
    "--enzyme-range",
    "enzyme_ranges",
    multiple=True,
    callback=_pairs,
    metavar="ENZYME=TIMES",
    help="Range of an enzyme in multiples of its ULN, such as ck=15.",
)
@click.option(
    "--with", "switched_on", multiple=True, metavar="OPTION", help="Turn a part of the definition on."
)
@click.option(
    "--without", "switched_off", multiple=True, metavar="OPTION", help="Turn a part of the definition off."
)
@click.option(
    "--on-fault",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="Stop at faults in the data, or leave those visits out and write the faults beside SCORES.",
)
@columns_option
@click.option("--details", type=_NEW, metavar="FILE", help="Also write how every measure was read.")
@click.option(
    "--times", type=_NEW, metavar="FILE", help="Also write times to response, one row a patient and level."
)
@click.option(
    "--plot", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Also draw the scores."
)
@click.option(
    "--arm", metavar="COLUMN", help="Column of the file that holds the arm, for the summary and the pictures."
)
@click.option("--patient", metavar="ID", help="Whose course to draw.  [the first patient]")
@click.option("--week", type=float, metavar="W", help="Week of the waterfall.  [the last with a score]")
@json_option
def score(visits: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Response criteria, worsening and inactive disease for any number of visits.

    VISITS has a row for each patient and week; SCORES gets a row for each patient and follow-up week.

    Example: myopoise score visits.csv --definition acr-eular-2016-adult --out scores.csv
    """
    from myopoise.outcomes.files.formats import open_source
    from myopoise.outcomes.running import Outputs, score_file
    from myopoise.outcomes.scoring import missing_keys, passed_through
    from myopoise.report.terminal_scores import print_run, run_json

    source = open_source(visits, options["column_map"])
    missing_keys(source.name, source.columns)
    plan = _plan(source, options)
    passed = passed_through(source.columns)
    arm = _arm(options["arm"], passed)
    _apart(visits, out, options["details"], options["times"])
    _tables(options["details"], options["times"])
    with counting("scoring") as advance:
        run = score_file(
            source,
            plan,
            Outputs(out, options["details"], options["times"]),
            passed=passed,
            skip_faults=options["on_fault"] == "skip",
            keep=options["plot"] is not None,
            advance=advance,
        )
    figures = _draw(run, options, arm) if options["plot"] else ()
    if as_json:
        print_json(run_json(run, source.name, source.notes, figures))
    else:
        print_run(run, source.name, source.notes, figures, terminal())


def _plan(source: Source, options: dict[str, Any]) -> Plan:
    from myopoise.outcomes.checks import columns_wanted
    from myopoise.outcomes.definitions import definition
    from myopoise.outcomes.plan import plan_for

    alternatives = {name for one in definition(options["definition"]).measures for name in one.instruments}
    both = [name for name in columns_wanted(source.columns) if name in alternatives]
    asked = dict.fromkeys(options["switched_on"], True) | dict.fromkeys(options["switched_off"], False)
    return plan_for(
        options["definition"],
        source.held(both),
        missing=options["missing"],
        vas_unit=options["vas_unit"],
        enzyme_unit=options["enzyme_unit"],
        baseline_week=options["baseline_week"],
        chosen=options["instruments"],
        enzyme_ranges=options["enzyme_ranges"],
        options=asked,
    )


def _arm(named: str | None, passed: Sequence[str]) -> str | None:
    """The column of the arm: the one named, or a column that is called so."""
    if named is None:
        return next((name for name in ("arm", "TRT01P") if name in passed), None)
    if named not in passed:
        has = f"Columns that pass through: {', '.join(passed)}." if passed else "No column passes through."
        raise WrongUsage(f"The file has no column '{named}' for the arm. {has}")
    return named


def _apart(*paths: Path | None) -> None:
    """No file is read and written, or written twice, in one run."""
    named = [path.resolve() for path in paths if path]
    if len(set(named)) < len(named):
        raise WrongUsage("VISITS, SCORES and the files beside it must be different files.")


def _tables(*paths: Path | None) -> None:
    """SAS transport holds SCORES alone: its records are those of ADaM."""
    for path in paths:
        if path and path.suffix.lower() == ".xpt":
            raise WrongUsage(f"{path.name}: .xpt is for SCORES. Write this table as .csv, .parquet or .xlsx.")


def _draw(run: Run, options: dict[str, Any], arm: str | None) -> tuple[Path, ...]:
    from myopoise.report.score_figures import write_figures

    if run.kept is None or not len(run.kept):
        return ()
    definition = run.plan.definition
    return write_figures(
        run.kept.to_dict(as_series=False),
        options["plot"],
        title=definition.title,
        cuts=[(one.name, float(one.start)) for one in definition.categories],
        maxima={one.domain: float(one.most) for one in definition.measures if one.points},
        arm=arm,
        patient=options["patient"],
        week=options["week"],
        labels={one.domain: one.label for one in definition.measures},
    )


@click.command(short_help="Classification criteria for any number of patients.")
@click.argument("patients", type=_EXISTING)
@click.option(
    "--criteria",
    required=True,
    type=click.Choice(["eular-acr-2017", "bohan-peter-1975"]),
    help="Which criteria.",
)
@click.option(
    "--out", required=True, type=_NEW, metavar="CLASSES", help="Where to write: .csv, .parquet or .xlsx"
)
@columns_option
@json_option
def classify(patients: Path, criteria: str, out: Path, column_map: Path | None, as_json: bool) -> None:
    """Classify patients: one row of PATIENTS is one patient, 1 for present, 0 for absent, empty for unknown.

    Example: myopoise classify patients.csv --criteria eular-acr-2017 --out classes.csv
    """
    from myopoise.outcomes.patients.tables import classify_table
    from myopoise.report.terminal_scores import classes_json, print_classes

    _apart(patients, out)
    frame, name = _table(patients, column_map)
    found = classify_table(frame, criteria, name)
    _write(out, found)
    if as_json:
        print_json(classes_json(found, criteria, out))
    else:
        print_classes(found, criteria, out, terminal())


@click.command(short_help="Whether disease is refractory, by a stated rule.")
@click.argument("patients", type=_EXISTING)
@click.option("--rule", required=True, metavar="NAME", help="Which rule; see: myopoise outcomes list")
@click.option(
    "--out", required=True, type=_NEW, metavar="RESULTS", help="Where to write: .csv, .parquet or .xlsx"
)
@columns_option
@json_option
def refractory(patients: Path, rule: str, out: Path, column_map: Path | None, as_json: bool) -> None:
    """Whether each patient's disease is refractory by a stated rule: met, not met, or unknown and what is missing.

    Example: myopoise refractory patients.csv --rule rim-adult --out results.csv
    """
    from myopoise.outcomes.patients.tables import refractory_table
    from myopoise.report.terminal_scores import print_refractory, refractory_json

    _apart(patients, out)
    frame, name = _table(patients, column_map)
    found = refractory_table(frame, rule, name)
    _write(out, found)
    if as_json:
        print_json(refractory_json(found, rule, out))
    else:
        print_refractory(found, rule, out, terminal())


def _table(path: Path, column_map: Path | None) -> tuple[Any, str]:
    """A whole file with one row a patient."""
    import polars

    from myopoise.outcomes.files.formats import open_source

    source = open_source(path, column_map)
    frames = list(source.batches(None, 1 << 18))
    return (
        polars.concat(frames) if frames else polars.DataFrame(schema=dict.fromkeys(source.columns, str))
    ), source.name


def _write(path: Path, frame: Any) -> None:
    from myopoise.outcomes.files.sinks import open_sink

    with open_sink(path) as sink:
        sink.write(frame)


@click.group(short_help="The definitions: list them, read one.")
def outcomes() -> None:
    """The published definitions of response, worsening, inactive and refractory disease, and classification.

    Example: myopoise outcomes show acr-eular-2016-adult
    """


@outcomes.command("list", short_help="Every definition and how well it is known.")
@json_option
def outcomes_list(as_json: bool) -> None:
    """List every definition, what it is for, and how well its numbers are known.

    Example: myopoise outcomes list
    """
    from myopoise.outcomes.pages.definition_pages import definition_list
    from myopoise.report.terminal_outcomes import print_definitions

    found = definition_list()
    print_json(found.to_json()) if as_json else print_definitions(found, terminal())


@outcomes.command("show", short_help="One definition, its numbers and sources.")
@click.argument("name")
@json_option
def outcomes_show(name: str, as_json: bool) -> None:
    """One definition: what it says, every number with its source, and what is not confirmed.

    Example: myopoise outcomes show imacs-doi-2004
    """
    from myopoise.outcomes.pages.definition_pages import definition_page
    from myopoise.report.terminal_outcomes import print_definition

    page = definition_page(name)
    print_json(page.to_json()) if as_json else print_definition(page, terminal())
