"""From a recognised table to `Studies`: forms chosen by study, numbers checked, names kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.studies.arm_checks import check_arms, check_repeats, check_single_arms
from myopoise.synthesis.studies.arm_rows import ArmRows, arm_rows
from myopoise.synthesis.studies.cells import Names, alike, positions, study_names
from myopoise.synthesis.studies.contrast_rows import ContrastRows, contrasts_from
from myopoise.synthesis.studies.contrast_table import ContrastTable, contrast_table
from myopoise.synthesis.studies.faults import FaultList
from myopoise.synthesis.studies.layouts import Form, Match, recognise, thresholds
from myopoise.synthesis.studies.sheet import Sheet, key
from myopoise.synthesis.studies.spread_checks import check_spread
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

__all__ = ["Allowed", "Built", "build"]

Bools = NDArray[np.bool_]
Slots = tuple[Mapping[str, str], ...]

_LEADS = ("at_least", "r", "mean", "estimate")
_NEVER_COVARIATES = {
    "id",
    "studyid",
    "trtn",
    "year",
    "pubyear",
    "comparison",
    "row",
    "rownumber",
    "covariance",
}


@dataclass(frozen=True)
class Allowed:
    """What a reader lets pass.

    Parameters
    ----------
    single_arms
        Studies of one arm.
    trust_spread
        Standard deviations and errors as they are given, however they look.
    """

    single_arms: bool = False
    trust_spread: bool = False


@dataclass(frozen=True, eq=False)
class Built:
    """Studies, and how their table was understood.

    Parameters
    ----------
    studies
        The studies.
    roles
        Each role with the columns it was read from.
    covariates, unused
        Columns taken as covariates, and columns not used.
    """

    studies: Studies
    roles: Mapping[str, tuple[str, ...]]
    covariates: tuple[str, ...]
    unused: tuple[str, ...]


def build(sheet: Sheet, match: Match, outcome: Outcome | None, allowed: Allowed, faults: FaultList) -> Built:
    """The studies in a table.

    Parameters
    ----------
    sheet
        The table.
    match
        How it was recognised.
    outcome
        What the caller asked for; None for what the layout prefers.
    allowed
        What passes.
    faults
        Where faults and notes go.

    Raises
    ------
    BadInput
        With every fault of the table.
    """
    by_row = all(form.shape in ("wide", "pair") for form, _ in match.forms)
    columns = [name for one in match.layout.study if (name := sheet.find(one)) is not None]
    study = study_names(sheet, columns, faults, distinct=by_row and match.layout.name == "metafor")
    chosen = _choose(sheet, study, match, outcome)
    covariates, unused = _others(sheet, match, chosen)
    arms, contrasts, form = None, None, None
    for (one, slots), mask in chosen:
        part = sheet if mask.all() else sheet.rows(mask)
        names = [study[at] for at in np.flatnonzero(mask)]
        if one.outcome is Outcome.CONTRAST:
            contrasts = contrast_table(part, names, one, slots[0], covariates, faults)
        else:
            form = one
            arms = _reported(arm_rows(part, names, one, slots, covariates, faults), faults)
    studies = _studies(arms, form, contrasts, allowed, faults)
    faults.stop_if_any()
    roles: dict[str, tuple[str, ...]] = {"study": tuple(columns[:1])}
    for (one, slots), _ in chosen:
        shown = slots if arms is None or one.outcome is Outcome.CONTRAST else arms.column
        for slot in shown:
            for role, name in slot.items():
                roles[role] = tuple(dict.fromkeys((*roles.get(role, ()), name)))
    if contrasts is not None and (shared := contrasts.column["shared"]) != contrasts.column["se"]:
        roles["covariance"] = (shared,) if shared in sheet.columns else ()
    steps = [role for role in roles if role.startswith("at_least")]
    if steps:
        roles["at_least"] = tuple(name for role in steps for name in roles.pop(role))
    return Built(studies, roles, covariates, unused)


# --- which form each study is given in --------------------------------------------------------------------


def _choose(
    sheet: Sheet, study: Names, match: Match, outcome: Outcome | None
) -> list[tuple[tuple[Form, Slots], Bools]]:
    """The forms read, each with its rows: one form, or a second one for the studies that lack the first."""
    first = match.forms[0]
    every = np.ones(len(sheet), dtype=np.bool_)
    if _is_baseline(sheet, study, first) and outcome is None:
        form = Form(
            Outcome.CONTRAST,
            "baseline",
            {"treatment": (), "estimate": (), "se": ()},
        )
        slot = first[1][0]
        return [
            ((form, ({"treatment": slot["treatment"], "estimate": slot["mean"], "se": slot["se"]},)), every)
        ]
    second = next((one for one in match.forms[1:] if _can_follow(match, first[0], one[0])), None)
    if second is None:
        return [(first, every)]
    speaks = {name for name, yes in zip(study, _filled(sheet, first), strict=True) if yes}
    then = {name for name, yes in zip(study, _filled(sheet, second), strict=True) if yes} - speaks
    later = np.array([name in then for name in study], dtype=np.bool_)
    return [(one, mask) for one, mask in ((first, ~later), (second, later)) if mask.any()]


def _can_follow(match: Match, first: Form, second: Form) -> bool:
    """A second form that a layout mixes in: contrasts in columns of their own."""
    return match.layout.mixes and first.outcome is not Outcome.CONTRAST and second.outcome is Outcome.CONTRAST


def _is_baseline(sheet: Sheet, study: Names, first: tuple[Form, Slots]) -> bool:
    """Whether what looks like means by arm are contrasts: in every study exactly one row has none."""
    form, slots = first
    if form.outcome is not Outcome.NORMAL or "se" not in slots[0] or form.shape != "long":
        return False
    filled = sheet.filled(slots[0]["mean"])
    counts: dict[str, list[int]] = {}
    for name, yes in zip(study, filled, strict=True):
        seen = counts.setdefault(name, [0, 0])
        seen[int(yes)] += 1
    return all(empty == 1 and there >= 1 for empty, there in counts.values())


def _filled(sheet: Sheet, one: tuple[Form, Slots]) -> Bools:
    form, slots = one
    found = np.zeros(len(sheet), dtype=np.bool_)
    for slot in slots:
        lead = next(role for role in _LEADS if role in slot)
        columns = thresholds(sheet) if lead == "at_least" else [slot[lead]]
        for column in columns:
            found |= sheet.filled(column)
    if form.shape == "contrast":
        found &= sheet.filled(slots[0]["one"])
    return found


def _others(
    sheet: Sheet, match: Match, chosen: Sequence[tuple[tuple[Form, Slots], Bools]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns that are covariates, and columns that are not used."""
    used = {name for (_, slots), _ in chosen for slot in slots for name in slot.values()}
    used |= set(thresholds(sheet)) if any(f.outcome is Outcome.ORDERED for (f, _), _ in chosen) else set()
    used |= {name for one in match.layout.study if (name := sheet.find(one)) is not None}
    # Forms of other outcomes too: a contrast is no covariate of the events beside it.
    every = recognise(sheet, layout=match.layout.name).forms
    beside = {name for _, slots in every for slot in slots for name in slot.values()} - used
    if any(form.outcome is not Outcome.CONTRAST for (form, _), _ in chosen):
        used |= {name for one in ("time", "followup", "n", "samplesize", "ni") if (name := sheet.find(one))}
    if any(form.outcome is Outcome.CONTRAST for (form, _), _ in chosen):
        used |= {name for name in (sheet.find("covariance"),) if name}
    rest = [name for name in sheet.columns if name not in used]
    covariates = tuple(
        name
        for name in rest
        if name not in beside and key(name) not in _NEVER_COVARIATES and sheet.is_numeric(name)
    )
    return covariates, tuple(name for name in rest if name not in covariates)


# --- arms and contrasts into one value --------------------------------------------------------------------


def _reported(rows: ArmRows, faults: FaultList) -> ArmRows:
    """Arms of the studies that report the outcome at all; the others are told as a note."""
    filled = np.zeros(len(rows), dtype=np.bool_)
    for role, values in rows.values.items():
        if role not in ("n", "time", "exposure"):
            filled |= np.isfinite(values) | rows.told[role]
    if filled.all():
        return rows
    speaking = {name for name, yes in zip(rows.study, filled, strict=True) if yes}
    silent = list(dict.fromkeys(name for name in rows.study if name not in speaking))
    if not silent or not speaking:
        return rows
    listed = ", ".join(silent[:10]) + (f" and {len(silent) - 10} more" if len(silent) > 10 else "")
    faults.notes.append(f"Studies that do not report the outcome were left out: {listed}.")
    return rows.arms(np.array([name in speaking for name in rows.study], dtype=np.bool_))


def _studies(
    arms: ArmRows | None,
    form: Form | None,
    contrasts: ContrastTable | None,
    allowed: Allowed,
    faults: FaultList,
) -> Studies:
    names, treatments = _names_in_order(arms, contrasts)
    built = None
    if arms is not None and form is not None and len(arms):
        built = _arms(arms, form, names, treatments, allowed, faults)
    grouped = () if contrasts is None else _contrasts(contrasts, names, treatments, faults)
    if not names and not faults.faults:
        remedy = "Fill the results of at least one study."
        faults.add(0, "", "no-results", "no study has a result", remedy)
    notes = [*faults.notes, *alike(list(treatments), "treatment"), *alike(list(names), "study")]
    return Studies(tuple(names), tuple(treatments), built, grouped, notes=tuple(dict.fromkeys(notes)))


def _names_in_order(
    arms: ArmRows | None, contrasts: ContrastTable | None
) -> tuple[dict[str, int], dict[str, int]]:
    """Names of studies and treatments as they are first met from the top of the file."""
    met: list[tuple[int, int, str, str]] = []
    if arms is not None:
        met += [(int(r), 0, s, t) for r, s, t in zip(arms.row, arms.study, arms.treatment, strict=True)]
    if contrasts is not None:
        for place, ends in enumerate((contrasts.one, contrasts.other)):
            met += [
                (int(r), place, s, t) for r, s, t in zip(contrasts.row, contrasts.study, ends, strict=True)
            ]
    met.sort(key=lambda one: one[:2])
    names: dict[str, int] = {}
    treatments: dict[str, int] = {}
    for _, _, study, treatment in met:
        names.setdefault(study, len(names))
        treatments.setdefault(treatment, len(treatments))
    return names, treatments


def _arms(
    rows: ArmRows,
    form: Form,
    names: dict[str, int],
    treatments: dict[str, int],
    allowed: Allowed,
    faults: FaultList,
) -> Arms:
    study, treatment = positions(rows.study, names), positions(rows.treatment, treatments)
    check_arms(rows, form.outcome, faults)
    named = np.array([bool(name.strip()) for name in rows.study], dtype=np.bool_)
    check_repeats(rows.arms(named), study[named], treatment[named], faults)
    if named.all():  # else a row without a study may be the arm that another one lacks
        check_single_arms(rows, study, faults, allowed=allowed.single_arms)
    if form.outcome is Outcome.NORMAL and not allowed.trust_spread:
        check_spread(rows, study, faults)
    order = np.argsort(study, kind="stable")
    values = {role: column[order] for role, column in rows.values.items()}
    se = values.get("se")
    if form.outcome is Outcome.NORMAL and se is None:
        with np.errstate(invalid="ignore", divide="ignore"):
            se = values["sd"] / np.sqrt(values["n"])
    steps = [column for role, column in values.items() if role.startswith("at_least")]
    return Arms(
        outcome=form.outcome,
        study=study[order],
        treatment=treatment[order],
        events=values.get("r"),
        n=values.get("n"),
        at_least=np.column_stack(steps) if steps else None,
        mean=values.get("mean"),
        se=se,
        exposure=values.get("exposure"),
        time=values.get("time"),
        covariates={name: column[order] for name, column in rows.covariates.items()},
        row=rows.row[order],
    )


def _contrasts(
    table: ContrastTable, names: dict[str, int], treatments: dict[str, int], faults: FaultList
) -> tuple[Contrasts, ...]:
    rows = ContrastRows(
        study=positions(table.study, names),
        one=positions(table.one, treatments),
        other=positions(table.other, treatments),
        estimate=table.estimate,
        se=table.se,
        shared=table.shared,
        row=table.row,
        decimals=table.decimals,
        se_decimals=table.se_decimals,
        column=table.column,
        covariates=table.covariates,
    )
    return contrasts_from(rows, tuple(names), tuple(treatments), faults)


def with_notes(studies: Studies, notes: Sequence[str]) -> Studies:
    """The same studies with more notes.

    Parameters
    ----------
    studies
        The studies.
    notes
        To add.
    """
    return replace(studies, notes=tuple(dict.fromkeys((*studies.notes, *notes))))
