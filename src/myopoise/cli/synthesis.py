"""The command that synthesises any studies: pairwise or network meta-analysis, Bayesian or frequentist."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import myopoise
from myopoise.cli.shared import terminal
from myopoise.errors import Untrustworthy, WrongUsage

if TYPE_CHECKING:
    from myopoise.cli.synthesis_fitting import Fitted

__all__ = ["synthesise"]

_PATIENCE = 2.0
"""Seconds after which a computation says that it is at work."""
_FOLDER = click.Path(file_okay=False, path_type=Path)
_MODELS = ("consistency", "ume", "node-split", "inconsistency", "meta-regression", "class", "component")


@click.command(short_help="Pairwise or network meta-analysis of any data.")
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--outcome",
    type=click.Choice(["binomial", "ordered", "normal", "poisson", "contrast"]),
    help="What was measured.  [by the columns]",
)
@click.option(
    "--link",
    type=click.Choice(["logit", "probit", "cloglog", "identity", "log"]),
    help="Scale on which effects add.  [logit; ordered: probit; normal: identity; poisson: log]",
)
@click.option(
    "--effects",
    type=click.Choice(["random", "common"]),
    default="random",
    show_default=True,
    help="Whether studies of one comparison may differ in their true effect.",
)
@click.option("--reference", metavar="NAME", help="Treatment to compare with.  [the one compared with most]")
@click.option(
    "--model", type=click.Choice(_MODELS), default="consistency", show_default=True, help="How effects enter."
)
@click.option(
    "--covariate", metavar="C", help="Column of the meta-regression; effects are given at its mean."
)
@click.option(
    "--interaction",
    type=click.Choice(["shared", "exchangeable", "independent"]),
    help="Slopes of the treatments in a meta-regression.  [shared]",
)
@click.option(
    "--classes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Classes of treatments: a CSV file with the columns treatment and class.",
)
@click.option(
    "--class-kind",
    type=click.Choice(["exchangeable", "common"]),
    help="Treatments of a class vary about its mean, or share it.  [exchangeable]",
)
@click.option(
    "--separator", default="+", show_default=True, help="What joins components in the name of a treatment."
)
@click.option("--inactive", metavar="NAME", help="Component without effect.")
@click.option(
    "--prior-treatment",
    metavar="PRIOR",
    help="Of each effect against the reference.  [normal:0,100]",
)
@click.option("--prior-intercept", metavar="PRIOR", help="Of each study's own level.  [normal:0,100]")
@click.option(
    "--prior-tau",
    metavar="PRIOR",
    help="Of the sd between studies: half-normal:5, uniform:0,5, log-normal:m,s, log-normal-variance:m,s (of tau "
    "squared), half-t:df,scale.  [half-normal:5]",
)
@click.option(
    "--method", type=click.Choice(["bayes", "frequentist"]), default="bayes", show_default=True, help="Which."
)
@click.option(
    "--tau-estimator", type=click.Choice(["REML", "ML", "DL", "PM"]), help="Frequentist: of tau.  [REML]"
)
@click.option("--hartung-knapp", is_flag=True, help="Frequentist: t intervals scaled by Q.")
@click.option("--hartung-knapp-ad-hoc", is_flag=True, help="The same, never narrower than without.")
@click.option(
    "--measure",
    metavar="NAME",
    help="Turn arms into contrasts of this measure, such as 'log risk ratio' or 'hedges g'; names the scale of "
    "contrasts given as such.",
)
@click.option(
    "--correction",
    type=click.FloatRange(min=0),
    metavar="X",
    help="Frequentist: added to the cells of studies with a zero cell, and told; 0 refuses them.  [0.5]",
)
@click.option(
    "--direction",
    type=click.Choice(["higher", "lower"]),
    default="higher",
    show_default=True,
    help="Which end of the outcome is better for the patient; decides the ranks.",
)
@click.option("--single-arms", is_flag=True, help="Let studies of one arm speak, by exchangeable baselines.")
@click.option("--layout", metavar="NAME", help="Layout of the file.  [recognised by its columns]")
@click.option("--endpoint", metavar="NAME", help="Which outcome, where a file of RevMan holds several.")
@click.option("--trust-spread", is_flag=True, help="Take SDs that look like standard errors as they stand.")
@click.option("--draws", type=click.IntRange(min=64), metavar="N", help="Draws.  [as many as it takes]")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of the draws.  [fixed]")
@click.option(
    "--json",
    "json_out",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="OUT",
    help="Write everything as JSON; - for standard output and nothing else there.",
)
@click.option(
    "--out",
    "page_out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PAGE.html",
    help="Write one page.",
)
@click.option("--figures", "figures_out", type=_FOLDER, metavar="DIR", help="Write the figures as SVG.")
def synthesise(
    data: Path, json_out: Path | None, page_out: Path | None, figures_out: Path | None, **asked: Any
) -> None:
    """Pairwise or network meta-analysis of DATA, a table of studies in any usual layout.

    Our own layout has a row an arm: study, treatment and r, n | y, se | mean, sd, n | r, exposure | n, ge_1, ge_2;
    or a row a contrast: study, treatment_1, treatment_2, estimate, se.

    Example: myopoise synthesise smoking.csv --reference "No intervention" --out smoking.html
    """
    from myopoise.cli.synthesis_fitting import fit_file
    from myopoise.report.synthesis_terminal import print_synthesis

    _apart(data, json_out, page_out, figures_out)
    with _patience(f"reading and fitting {data.name}"):
        fitted = fit_file(data, asked)
    document = _document(data, fitted)
    if json_out == Path("-"):
        from myopoise.report.writing import as_json

        click.echo(as_json(document), nl=False)
    else:
        print_synthesis(document, terminal())
    written = _write(document, json_out, page_out, figures_out)
    if written and json_out != Path("-"):
        click.echo(f"Written: {', '.join(map(str, written))}")
    if not document["diagnostics"]["trusted"]:
        raise Untrustworthy(document["diagnostics"]["sentence"])


def _document(data: Path, fitted: Fitted) -> dict[str, Any]:
    from myopoise.report.synthesis_document import Inputs, document

    inputs = Inputs(
        file=data.name,
        sha256=fitted.file.sha256,
        layout=fitted.file.guess,
        studies=fitted.file.studies,
        beside=fitted.beside,
    )
    return document(
        fitted.found,
        inputs,
        fitted.options,
        fitted.funnel,
        version=myopoise.__version__,
        parameters=fitted.parameters,
        joined=fitted.joined,
    )


def _write(
    document: dict[str, Any], json_out: Path | None, page_out: Path | None, figures_out: Path | None
) -> list[Path]:
    from myopoise.files import write_whole

    written: list[Path] = []
    if json_out is not None and json_out != Path("-"):
        from myopoise.report.writing import as_json

        write_whole(json_out, as_json(document))
        written.append(json_out)
    if page_out is not None:
        from myopoise.report.synthesis_page import synthesis_page

        write_whole(page_out, synthesis_page(document))
        written.append(page_out)
    if figures_out is not None:
        from myopoise.report.synthesis_page import write_figures

        written += write_figures(document, figures_out)
    return written


def _apart(data: Path, json_out: Path | None, page_out: Path | None, figures_out: Path | None) -> None:
    """No file is read and written, or written twice; each has its folder before anything is computed."""
    files = [path for path in (json_out, page_out) if path is not None and path != Path("-")]
    named = [path.resolve() for path in (data, *files)]
    if len(set(named)) < len(named):
        raise WrongUsage("DATA and the files that are written must be different files.")
    if figures_out is not None and figures_out.resolve() in named[1:]:
        raise WrongUsage("--figures is a folder, and must not have the name of a file that is written.")
    if page_out == Path("-"):
        raise WrongUsage("--out writes a page, and needs the name of its file. Only --json may be - .")
    for path in files:
        if not path.resolve().parent.is_dir():
            raise WrongUsage(f"{path}: there is no folder {path.resolve().parent}. Make it first.")


@contextmanager
def _patience(what: str) -> Iterator[None]:
    """A line on standard error where something takes longer than a reader would wait in silence."""
    timer = threading.Timer(_PATIENCE, lambda: click.echo(f"myopoise: {what} ...", err=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
