"""Empirical priors of heterogeneity, by outcome and by what is compared.

How much trials of one question differ was measured in thousands of Cochrane meta-analyses: for odds ratios by Turner
2012 and 2015, for standardised mean differences by Rhodes 2015. Their predictive distributions are priors for the next
meta-analysis. With five studies or fewer the prior of tau decides the interval, so it is better to take it from
experience than from convenience.

The tables stand in ``empirical_priors.toml``, with how each number was confirmed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from myopoise.errors import WrongUsage
from myopoise.references import Reference, cite
from myopoise.synthesis.priors import LogNormalVariance, LogTVariance

__all__ = ["EmpiricalPrior", "empirical_entry", "empirical_prior", "empirical_settings"]

_SOURCES = ("turner-2015", "turner-2012", "rhodes-2015")
"""Newest first: an outcome that two tables have is taken from the first."""

GENERAL = "general"


@dataclass(frozen=True)
class EmpiricalPrior:
    """A published prior of heterogeneity, with where it comes from.

    Parameters
    ----------
    prior
        Of tau, on the scale of `measure`.
    source
        The table: ``turner-2012``, ``turner-2015`` or ``rhodes-2015``.
    measure, outcome, comparison, area
        The setting it was predicted for; `area` is empty outside cancer and respiratory medicine.
    reference
        The paper.
    status
        How the numbers were confirmed.
    note
        What is odd about this cell or table, or empty.
    """

    prior: LogNormalVariance | LogTVariance
    source: str
    measure: str
    outcome: str
    comparison: str
    area: str
    reference: Reference
    status: str
    note: str

    @property
    def sentence(self) -> str:
        """The prior, what it implies and where it comes from."""
        setting = self.outcome if self.outcome == GENERAL else f"{self.outcome}, {self.comparison}"
        if self.area:
            setting += f", {self.area}"
        said = f"{self.prior.sentence} ({setting}; {self.reference})"
        return f"{said} {self.note}" if self.note else said


@cache
def _tables() -> Mapping[str, Any]:
    text = (files("myopoise.synthesis") / "empirical_priors.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _cells(source: str, area: str) -> Mapping[str, list[list[float]]]:
    table = _tables()[source]
    found: Mapping[str, list[list[float]]] = table["area"][area] if area else table["comparison"]
    return found


def _areas(source: str) -> tuple[str, ...]:
    return tuple(_tables()[source].get("area", {}))


def _outcomes(source: str) -> list[str]:
    tables = _tables()
    names: list[str] = tables[tables[source]["outcomes"]]
    return names


def empirical_settings(measure: str) -> tuple[tuple[str, str, str, str], ...]:
    """Every setting with a published prior: source, outcome, comparison and area (empty for none).

    Parameters
    ----------
    measure
        ``log odds ratio`` or ``standardised mean difference``.
    """
    return tuple(
        (source, outcome, comparison, area)
        for source in _of_measure(measure)
        for area in ("", *_areas(source))
        for comparison, cells in _cells(source, area).items()
        for outcome, cell in zip(_outcomes(source), cells, strict=True)
        if cell
    )


def _of_measure(measure: str) -> tuple[str, ...]:
    found = tuple(source for source in _SOURCES if _tables()[source]["measure"] == measure)
    if not found:
        known = sorted({_tables()[source]["measure"] for source in _SOURCES})
        raise WrongUsage(
            f"no empirical prior of heterogeneity is published for a {measure}. There are some for {_either(known)}; "
            "for another measure write a prior of your own, for example half-normal:0.5."
        )
    return found


def _either(words: list[str]) -> str:
    return " or ".join(f"'{word}'" for word in words)


def empirical_prior(
    measure: str, outcome: str = GENERAL, comparison: str = "", *, area: str = "", source: str = ""
) -> LogNormalVariance | LogTVariance:
    """The published prior of tau for a setting.

    Parameters
    ----------
    measure
        ``log odds ratio`` or ``standardised mean difference``.
    outcome
        Kind of outcome, as the table names it; ``general`` for any.
    comparison
        What is compared, as the table names it; not needed for ``general``.
    area
        ``cancer`` or ``respiratory``, for standardised mean differences; empty for any other.
    source
        ``turner-2012``, ``turner-2015`` or ``rhodes-2015``; empty for the newest that has the outcome.

    Examples
    --------
    >>> empirical_prior("log odds ratio", "pain", "pharmacological v placebo")
    LogNormalVariance(mu=-1.83, sigma=1.52)
    """
    return empirical_entry(measure, outcome, comparison, area=area, source=source).prior


def empirical_entry(
    measure: str, outcome: str = GENERAL, comparison: str = "", *, area: str = "", source: str = ""
) -> EmpiricalPrior:
    """The published prior of tau for a setting, with its paper, its status and what is odd about it.

    Parameters
    ----------
    measure, outcome, comparison, area, source
        As for `empirical_prior`.
    """
    source = _source(measure, outcome, source)
    if outcome == GENERAL:
        return _entry(source, _tables()[source]["general"], GENERAL, "", "")
    if area and area not in _areas(source):
        raise WrongUsage(f"{source} has no medical area '{area}'. {_known(area, list(_areas(source)))}")
    cells = _cells(source, area)
    if comparison not in cells:
        raise WrongUsage(f"{source} has no comparison '{comparison}'. {_known(comparison, list(cells))}")
    cell = cells[comparison][_outcomes(source).index(outcome)]
    if not cell:
        raise WrongUsage(
            f"{source}: the prior for {outcome}, {comparison}, {area} is left out, "
            "because copies of the table disagree. Look it up in the paper and write it as "
            "log-t-variance:5,location,scale."
        )
    return _entry(source, cell, outcome, comparison, area)


def _known(given: str, names: list[str]) -> str:
    near = get_close_matches(given, names, n=1, cutoff=0.4)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return f"{hint}It has {_either(names)}." if names else "It has none."


def _source(measure: str, outcome: str, source: str) -> str:
    among = _of_measure(measure)
    if source and source not in among:
        raise WrongUsage(f"no table '{source}' for a {measure}. {_known(source, list(among))}")
    asked = (source,) if source else among
    found = [name for name in asked if outcome == GENERAL or outcome in _outcomes(name)]
    if not found:
        names = [GENERAL, *dict.fromkeys(name for table in asked for name in _outcomes(table))]
        raise WrongUsage(f"no empirical prior for the outcome '{outcome}'. {_known(outcome, names)}")
    return found[0]


def _entry(source: str, cell: list[float], outcome: str, comparison: str, area: str) -> EmpiricalPrior:
    table = _tables()[source]
    location, scale = cell
    prior: LogNormalVariance | LogTVariance = LogNormalVariance(location, scale)
    if table["family"] == "log-t":
        prior = LogTVariance(float(table["df"]), location, scale)
    notes = table.get("note", {}).get(comparison or GENERAL, {}) if not area else {}
    note = " ".join(part for part in (notes.get(outcome, ""), _caution(table)) if part)
    return EmpiricalPrior(
        prior,
        source,
        table["measure"],
        outcome,
        comparison,
        area,
        cite(table["reference"]),
        table["status"],
        note,
    )


def _caution(table: Mapping[str, Any]) -> str:
    caution: str = table.get("caution", "")
    return f"Caution: {caution}." if caution else ""
