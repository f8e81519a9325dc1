"""The CSVs that RevMan and Covidence exchange: study information, study arms, study results, risk of bias.

Study results hold one row an arm and outcome (or a contrast with a reference arm); study arms say which intervention
each arm was. The two are joined here into one table with a column of interventions, and read like any other. Of the
study information and risk of bias nothing is needed for a synthesis.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.synthesis.studies.sheet import Sheet, sheet_of

if TYPE_CHECKING:
    import polars

__all__ = ["is_revman", "revman_sheet"]

Floats = NDArray[np.float64]

_RESULTS = ("study", "outcome", "arm", "samplesize")
_ARMS = ("study", "arm", "intervention")
_OTHERS = (("study", "studyid"), ("domain", "overallbias", "judgement", "year", "char", "datasource"))


def _is_results(sheet: Sheet) -> bool:
    return all(sheet.find(one) for one in _RESULTS)


def _is_arms(sheet: Sheet) -> bool:
    return all(sheet.find(one) for one in _ARMS) and sheet.find("outcome") is None


def is_revman(sheet: Sheet) -> bool:
    """Whether a table is one of RevMan's CSVs.

    Parameters
    ----------
    sheet
        The table.
    """
    if _is_results(sheet) or _is_arms(sheet):
        return True
    joined = " ".join(sheet.columns).casefold()
    return sheet.find("study") is not None and ("char:" in joined or "support for judgement" in joined)


def revman_sheet(path: Path, outcome: str | None = None) -> tuple[Sheet, tuple[str, ...]]:
    """The results of one outcome with their interventions, and notes on how they were read.

    Parameters
    ----------
    path
        The folder, or any one of the files beside its sisters.
    outcome
        Name of the outcome, where there are several.

    Raises
    ------
    WrongUsage
        When the results are not there, or the outcome is not one of them.
    BadInput
        When an arm of the results has no intervention.
    """
    results, arms = _find(path)
    notes: list[str] = []
    results, note = _one_outcome(results, outcome)
    notes += note
    import polars

    columns = dict(results.columns)
    interventions, missing = _interventions(results, arms, "arm")
    if arms is None:
        notes.append("The file of study arms is not beside the results: arms are called by their own names.")
    faults = [
        Fault(
            results.file, line, "Arm", "unknown-arm", f"study {study} has no arm '{arm}' with an intervention",
            "Add it to the file of study arms, or correct its name.",
        )
        for line, study, arm in missing
    ]  # fmt: skip
    if faults:
        raise BadInput(results.file, tuple(faults))
    columns["Intervention"] = polars.Series("Intervention", interventions)
    reference = results.find("referencearm")
    if reference is not None and results.filled(reference).any():
        names, _ = _interventions(results, arms, "referencearm")
        columns["Reference intervention"] = polars.Series("Reference intervention", names)
    whole = replace(results, columns=columns)
    whole, more = _spreads(whole)
    return _without_spare(whole), (*notes, *more)


def _find(path: Path) -> tuple[Sheet, Sheet | None]:
    folder = path if path.is_dir() else path.parent
    given = None if path.is_dir() else sheet_of(path)
    sheets = [sheet_of(one) for one in sorted(folder.glob("*.csv")) if path.is_dir() or one != path]
    if given is not None:
        sheets.insert(0, given)
    results = [one for one in sheets if _is_results(one)]
    arms = [one for one in sheets if _is_arms(one)]
    if not results:
        raise WrongUsage(
            f"{folder}: there is no file of study results (columns Study, Outcome, Arm, Sample size). Put the CSVs "
            "that RevMan or Covidence exports into one folder."
        )
    if len(results) > 1 and (given is None or results[0] is not given):
        listed = ", ".join(one.file for one in results)
        raise WrongUsage(f"{folder}: several files hold study results ({listed}). Name the one to read.")
    return results[0], arms[0] if arms else None


def _one_outcome(results: Sheet, outcome: str | None) -> tuple[Sheet, list[str]]:
    column = results.find("outcome")
    cells = results.text(column or "")
    known = list(dict.fromkeys(name for name in cells if name.strip()))
    if outcome is None and len(known) > 1:
        raise WrongUsage(
            f"{results.file} holds {len(known)} outcomes: {'; '.join(known)}. Say which as the endpoint (--endpoint)."
        )
    if outcome is not None and outcome not in known:
        near = difflib.get_close_matches(outcome, known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise WrongUsage(f"{results.file} has no outcome '{outcome}'.{hint} It has: {'; '.join(known)}.")
    wanted = known[0] if outcome is None else outcome
    chosen = np.array([name == wanted for name in cells], dtype=np.bool_)
    return results.rows(chosen), [f"The outcome is {wanted}."]


def _interventions(
    results: Sheet, arms: Sheet | None, role: str
) -> tuple[list[str], list[tuple[int, str, str]]]:
    """The intervention of each row's arm, and the rows whose arm has none."""
    study = results.text(results.find("study") or "")
    arm = results.text(results.find(role) or "")
    if arms is None:
        return arm, []
    known = {
        (one, other): intervention
        for one, other, intervention in zip(
            arms.text(arms.find("study") or ""),
            arms.text(arms.find("arm") or ""),
            arms.text(arms.find("intervention") or ""),
            strict=True,
        )
    }
    found = [known.get(pair, "") for pair in zip(study, arm, strict=True)]
    missing = [
        (int(line), one, other)
        for line, one, other, name in zip(results.lines, study, arm, found, strict=True)
        if other.strip() and not name.strip()
    ]
    return found, missing


def _spreads(sheet: Sheet) -> tuple[Sheet, list[str]]:
    """Standard deviations and errors that the results give another way: a variance, or an interval."""
    import polars

    columns = dict(sheet.columns)
    se = _column(sheet, "se")
    contrast = sheet.find("referencearm")
    is_contrast = sheet.filled(contrast) if contrast else np.zeros(len(sheet), dtype=np.bool_)
    mean = _column(sheet, "mean")
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(np.isnan(mean), np.log(_column(sheet, "expmean")), mean)
        se = np.where(np.isnan(se), np.sqrt(_column(sheet, "variance")), se)
        half = _column(sheet, "ciend") - _column(sheet, "cistart")
        logged = np.log(_column(sheet, "expciend")) - np.log(_column(sheet, "expcistart"))
        se = np.where(
            np.isnan(se), np.where(np.isnan(half), logged, half) / (2 * _normal_quantile(sheet)), se
        )
        sd = _column(sheet, "sd")
        derived = np.isnan(sd) & ~is_contrast & np.isfinite(se)
        sd = np.where(derived, se * np.sqrt(_column(sheet, "samplesize")), sd)
    for name, values in (("Mean", mean), ("SE", se), ("SD", sd)):
        own = sheet.find(name.casefold())
        columns[own or name] = _or_as_written(sheet, own, polars.Series(values, nan_to_null=True))
    notes = []
    if derived.any():
        notes.append(
            f"In {int(derived.sum())} arms the SD was computed from the SE, variance or interval given."
        )
    return replace(sheet, columns=columns), notes


def _or_as_written(sheet: Sheet, name: str | None, values: polars.Series) -> polars.Series:
    """A column that holds a cell which is no number keeps it, so that it is told and not taken as empty."""
    import polars

    if name is None or not (wrong := sheet.numbers(name)[1]).any():
        return values
    words = zip(sheet.text(name), wrong, values.cast(polars.String), strict=True)
    return polars.Series([word if is_wrong else value for word, is_wrong, value in words])


def _normal_quantile(sheet: Sheet) -> Floats:
    from scipy.special import ndtri

    level = _column(sheet, "cilevel")
    level = np.where(np.isnan(level), 95.0, level)
    level = np.where(level > 1, level / 100, level)
    found: Floats = ndtri(0.5 + level / 2)
    return found


def _column(sheet: Sheet, one: str) -> Floats:
    name = sheet.find(one)
    return np.full(len(sheet), np.nan) if name is None else sheet.numbers(name)[0]


_KEPT: Sequence[str] = (
    "Study",
    "Intervention",
    "Reference intervention",
    "Cases",
    "Sample size",
    "Mean",
    "SD",
    "SE",
    "Covariance",
)


def _without_spare(sheet: Sheet) -> Sheet:
    """Only what is read, and of that only what holds anything: a form that is empty is none."""
    from myopoise.synthesis.studies.sheet import key

    kept: dict[str, polars.Series] = {}
    for wanted in _KEPT:
        name = sheet.find(key(wanted))
        if name is not None and sheet.filled(name).any():
            kept[name] = sheet.columns[name]
    if "Reference intervention" not in kept:
        kept.pop(sheet.find("se") or "", None)
    else:
        kept.pop(sheet.find("cases") or "", None)
    return replace(sheet, columns=kept)
