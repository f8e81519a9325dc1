"""Which treatment next for a group of patients."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

import myopoise
from myopoise.cli.shared import as_of_option, json_option, print_json, progress, terminal
from myopoise.errors import Untrustworthy, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from myopoise.choice.certainty import Override
    from myopoise.choice.group import Asked
    from myopoise.estimate import Estimate

__all__ = ["choose"]


def _listed(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(dict.fromkeys(part.strip() for part in (value or "").split(",") if part.strip()))


@click.command(short_help="The options for a group of patients, and how sure each is.")
@click.option(
    "--phenotype",
    required=True,
    metavar="P",
    help="DM, PM, IMNM, ASyS, JDM or amyopathic-DM.",
)
@click.option("--age", type=click.Choice(["adult", "juvenile"]), default=None, help="Adults unless JDM.")
@click.option("--ild", is_flag=True, help="With interstitial lung disease.")
@click.option("--skin", is_flag=True, help="Where skin is what matters.")
@click.option("--antibody", default="", metavar="A", help="An autoantibody they share, e.g. Jo-1.")
@click.option("--failed", callback=_listed, metavar="A,B", help="Treatments that have failed already.")
@click.option(
    "--avoid",
    callback=_listed,
    metavar="X,Y",
    help="What the group has that forbids treatments, e.g. pregnancy.",
)
@click.option(
    "--outcome", type=click.Choice(["response", "skin", "lung"]), default="response", show_default=True
)
@click.option(
    "--level", type=click.Choice(["minimal", "moderate", "major"]), default="minimal", show_default=True
)
@click.option(
    "--reading", type=click.Choice(["main", "randomised", "naive"]), default="main", show_default=True
)
@as_of_option
@click.option(
    "--selection",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Run on the rows of this folder (as `evidence select` writes it) instead of the shipped evidence.",
)
@click.option(
    "--parameters",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write every parameter of the model to this CSV file.",
)
@click.option(
    "--override",
    multiple=True,
    metavar="OPTION:DOMAIN:JUDGEMENT:REASON",
    help="A panel's judgement of certainty in the place of a rule's, with its reason.",
)
@json_option
def choose(
    phenotype: str,
    age: str | None,
    ild: bool,
    skin: bool,
    antibody: str,
    failed: tuple[str, ...],
    avoid: tuple[str, ...],
    outcome: str,
    level: str,
    reading: str,
    as_of: int | None,
    selection: Path | None,
    parameters: Path | None,
    override: tuple[str, ...],
    as_json: bool,
) -> None:
    """The options for a group of patients, never for one patient.

    Example: myopoise choose --phenotype DM --failed methotrexate,azathioprine
    """
    from myopoise.choice.cautions import stated
    from myopoise.choice.group import Outcome, PatientGroup
    from myopoise.evidence.reading import read_evidence
    from myopoise.evidence.selection import Question
    from myopoise.evidence.selection_reading import read_selection
    from myopoise.inquiry import choose as decide
    from myopoise.report.choice_document import choice_document
    from myopoise.report.terminal_choice import print_choice
    from myopoise.synthesis.parameters import parameter_estimates
    from myopoise.vocabulary import Level, Reading

    base = read_evidence()
    codes = base.codes("treatment")
    stated(avoid)
    group = PatientGroup(
        _phenotype(phenotype), age == "juvenile", ild, skin, antibody, _known(failed, codes), avoid
    )
    given = read_selection(selection) if selection else None
    seed = 20061
    with progress() as step:
        found = decide(
            group,
            Question(as_of),
            base,
            selection=given,
            level=Level(level),
            reading=Reading(reading),
            outcome=Outcome(outcome),
            overrides=tuple(map(_override, override)),
            seed=seed,
            progress=step,
        )
    if parameters:
        if not found.syntheses:
            raise WrongUsage("Nothing is modelled for this question, so there are no parameters to write.")
        main = found.syntheses[Reading(reading)]
        _write_parameters(parameter_estimates(main, found.selection.mechanism), parameters)
    document = choice_document(
        found.choice,
        question=_question(group.label, failed, outcome, as_of),
        digest=found.selection.digest,
        syntheses=found.syntheses,
        seed=seed,
        version=myopoise.__version__,
    )
    print_json(document) if as_json else print_choice(document, terminal())
    untrusted = [s.reading.label for s in found.syntheses.values() if not s.trust.ok]
    if untrusted:
        raise Untrustworthy(
            f"the fit of {' and '.join(untrusted)} cannot be trusted (see diagnostics): do not use these numbers"
        )


def _phenotype(given: str) -> Asked:
    from myopoise.choice.group import Asked

    found = next((asked for asked in Asked if asked.value.lower() == given.strip().lower()), None)
    if found is None:
        raise WrongUsage(f"'{given}' is no phenotype here: {', '.join(Asked)}.")
    return found


def _known(failed: tuple[str, ...], codes: tuple[str, ...]) -> tuple[str, ...]:
    """The treatments that failed, every unknown name refused at once with what may have been meant."""
    faults = []
    for name in failed:
        if name in codes:
            continue
        near = get_close_matches(name, codes, n=1, cutoff=0.6)
        faults.append(f"'{name}'" + (f" (did you mean '{near[0]}'?)" if near else ""))
    if faults:
        raise WrongUsage(
            f"--failed: no treatment here is called {', '.join(faults)}. See `myopoise evidence list`."
        )
    return failed


def _override(given: str) -> Override:
    from myopoise.choice.certainty import Judgement, Override

    parts = given.split(":", 3)
    words = {"none": Judgement.NONE, "some": Judgement.SOME, "major": Judgement.MAJOR}
    if len(parts) < 4 or parts[2].strip() not in words:
        raise WrongUsage(
            f"--override '{given}': write OPTION:DOMAIN:none, some or major:REASON, e.g. "
            "'ivig:imprecision:some:one trial carries it'."
        )
    option, domain, judgement, reason = (part.strip() for part in parts)
    return Override(option, domain, words[judgement], reason)


def _question(label: str, failed: tuple[str, ...], outcome: str, as_of: int | None) -> str:
    after = f" after {' and '.join(failed)}" if failed else ""
    better = {"response": "response of muscle or of the whole disease"}.get(
        outcome, f"response of the {outcome}"
    )
    when = f", as known at the end of {as_of}" if as_of else ""
    return f"Which treatment next for refractory {label}{after}, for {better}{when}?"


def _write_parameters(found: Mapping[str, Estimate], path: Path) -> None:
    import csv
    import io

    from myopoise.files import write_whole

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("parameter", "mean", "sd", "q2_5", "q50", "q97_5"))
    for name, estimate in found.items():
        numbers = (estimate.mean, estimate.sd, estimate.low, estimate.median, estimate.high)
        writer.writerow((name, *(repr(float(number)) for number in numbers)))
    write_whole(path, text.getvalue())
