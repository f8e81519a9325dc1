"""Whether the tables agree with one another: every fault that needs more than one row to see.

The order is the argument: names first, then what is looked up by them, then rules within rows, then sums over rows.
Each step passes over what an earlier step put in doubt, so that one mistake gives one fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from myopoise.errors import Fault
from myopoise.evidence.pointers import Key, arms_named, codes_named, keys_of, repeated_keys, studies_named
from myopoise.evidence.rules import IDENTITY, RULES, apply, compare_with
from myopoise.evidence.sheets import Row, Sheet

__all__ = ["CROSS_RULES", "find_faults"]

CROSS_RULES = (
    "The key of a row is its own.",
    "Every code is in the vocabulary, every study in studies.csv, every arm in arms.csv.",
    "A subgroup is not larger than its whole, nor are the subgroups of one kind together.",
    "An outcome does not count more patients than its arm has, except over both periods of a crossover or infusions.",
    "Only crossover trials have periods.",
    "Exclusive categories of one scale do not sum above n; cumulative counts do not rise with the level.",
    "A study of the main analysis has an outcome or a printed estimate.",
    "The founding references are 1 to 50.",
)
"""The rules below, in words, for the data dictionary."""

_SEEDS = range(1, 51)
_RANK = {"none": 0, "minimal": 1, "moderate": 2, "major": 3, "complete": 4}


def find_faults(sheets: Mapping[str, Sheet]) -> list[Fault]:
    """Every fault that shows when the tables are compared.

    Parameters
    ----------
    sheets
        The tables as read, by name. Cells found faulty are put in doubt on the way.

    Returns
    -------
    faults
        One for each mistake, in no particular order.
    """
    faults = [fault for sheet in sheets.values() for fault in repeated_keys(sheet)]
    faults += _apply(IDENTITY, sheets, only="vocabulary")
    faults += codes_named(sheets)
    faults += studies_named(sheets)
    faults += _apply(IDENTITY, sheets, but="vocabulary")
    faults += arms_named(sheets)
    faults += _apply(RULES, sheets)
    faults += _subgroups_larger(sheets)
    faults += _subgroup_sums(sheets)
    faults += _outcomes_larger_than_arms(sheets)
    faults += _periods_without_crossover(sheets)
    faults += _exclusive_sums(sheets)
    faults += _cumulative_rises(sheets)
    faults += _included_without_number(sheets)
    faults += _seed_numbers(sheets)
    return faults


def _apply(rules: list[Any], sheets: Mapping[str, Sheet], only: str = "", but: str = "") -> list[Fault]:
    faults = []
    for name, sheet in sheets.items():
        if (not only or name == only) and name != but:
            faults += apply([rule for rule in rules if rule.table == name], sheet.rows)
    return faults


def _subgroups(sheets: Mapping[str, Sheet]) -> dict[Key, list[Row]]:
    """The subgroup arms of each arm, by study and arm, with the numbers that can be trusted."""
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in sheets["arms"].rows:
        if (
            row.record.parent_arm
            and row.record.n is not None
            and row.sure("study_id", "arm_id", "parent_arm", "n")
        ):
            groups[row.record.study_id, row.record.parent_arm].append(row)
    return groups


def _wholes(sheets: Mapping[str, Sheet]) -> Iterator[tuple[Row, list[Row]]]:
    arms = keys_of(sheets["arms"])
    for key, parts in _subgroups(sheets).items():
        whole = arms.get(key)
        if whole and whole.record.n is not None and whole.sure("study_id", "arm_id", "n"):
            yield whole, parts


def _subgroups_larger(sheets: Mapping[str, Sheet]) -> list[Fault]:
    faults = []
    for whole, parts in _wholes(sheets):
        larger = [part for part in parts if part.record.n > whole.record.n]
        if not larger:
            continue
        for row in (*larger, whole):
            row.doubtful.add("n")
        names = ", ".join(f"{part.record.arm_id} ({part.record.n}, row {part.line})" for part in larger)
        size = f"{whole.record.arm_id} has {whole.record.n} (row {whole.line})"
        remedy = "A subgroup cannot be larger than its whole; compare both sizes with the source."
        place = larger[0] if len(larger) == 1 else whole
        faults.append(
            place.fault("n", "subgroup-above-whole", f"subgroup {names} is larger than {size}", remedy)
        )
    return faults


def _subgroup_sums(sheets: Mapping[str, Sheet]) -> list[Fault]:
    faults = []
    for whole, parts in _wholes(sheets):
        kinds = defaultdict(list)
        for part in parts:
            if part.sure("subgroup_by"):
                kinds[part.record.subgroup_by].append(part)
        for kind, members in kinds.items():
            total = sum(part.record.n for part in members)
            if total <= whole.record.n or not whole.sure("n"):
                continue
            names = ", ".join(f"{part.record.arm_id} {part.record.n}" for part in members)
            found = f"subgroups by {kind} sum to {total} ({names}) in an arm of {whole.record.n}"
            remedy = "Subgroups of one kind cannot sum above the whole; correct n, or subgroup_by where they overlap."
            faults.append(whole.fault("n", "subgroups-above-whole", found, remedy))
            for part in members:
                part.doubtful.add("n")
    return faults


def _outcomes_larger_than_arms(sheets: Mapping[str, Sheet]) -> list[Fault]:
    arms = keys_of(sheets["arms"])
    larger = defaultdict(list)
    for row in sheets["outcomes"].rows:
        outcome = row.record
        if outcome.n is None or not row.sure("study_id", "arm_id", "n", "period", "analysis_set"):
            continue
        if outcome.period == "both" or outcome.analysis_set == "infusions":
            continue
        arm = arms.get((outcome.study_id, outcome.arm_id))
        if not arm or arm.record.n is None or not arm.sure("study_id", "arm_id", "n"):
            continue
        if outcome.n > arm.record.n:
            larger[outcome.study_id, outcome.arm_id].append(row)
    faults = []
    for key, rows in larger.items():
        arm, first = arms[key], rows[0]
        others = f" (also rows {', '.join(str(row.line) for row in rows[1:])})" if rows[1:] else ""
        size = f"which has {arm.record.n} (arms.csv, row {arm.line})"
        found = f"{first.record.n} patients{others} in arm {key[1]}, {size}"
        remedy = f"n cannot exceed the size of the arm: correct one of them; {compare_with(first.record)}."
        faults.append(first.fault("n", "n-above-arm", found, remedy))
        for row in (*rows, arm):
            row.doubtful.add("n")
    return faults


def _periods_without_crossover(sheets: Mapping[str, Sheet]) -> list[Fault]:
    studies = keys_of(sheets["studies"])
    astray = defaultdict(list)
    for row in sheets["outcomes"].rows:
        study = studies.get((row.record.study_id,))
        if not row.record.period or not study or not row.sure("study_id", "period"):
            continue
        if study.sure("study_id", "design") and "crossover" not in study.record.design:
            astray[study.record.study_id].append(row)
    faults = []
    for study_id, rows in astray.items():
        others = f" (also rows {', '.join(str(row.line) for row in rows[1:])})" if rows[1:] else ""
        design = studies[study_id,].record.design
        found = f"period '{rows[0].record.period}'{others} in a study of design {design}"
        remedy = f"Only crossover trials have periods: empty the cell, or correct the design of {study_id}."
        faults.append(rows[0].fault("period", "period-without-crossover", found, remedy))
    return faults


def _exclusive_sums(sheets: Mapping[str, Sheet]) -> list[Fault]:
    needs = ("outcome_id", "scale_id", "cumulative", "arm_id", "period", "analysis_set", "events", "n")
    groups = defaultdict(list)
    for row in sheets["outcomes"].rows:
        outcome = row.record
        if (
            outcome.scale_id
            and outcome.cumulative == "no"
            and outcome.events is not None
            and row.sure(*needs)
        ):
            groups[outcome.scale_id, outcome.arm_id, outcome.period, outcome.analysis_set, outcome.n].append(
                row
            )
    faults = []
    for (scale, arm_id, _, _, n), rows in groups.items():
        total = sum(row.record.events for row in rows)
        if n is None or total <= n:
            continue
        lines = ", ".join(str(row.line) for row in rows)
        found = f"exclusive categories of {scale}, arm {arm_id}, sum to {total} among {n} (rows {lines})"
        remedy = (
            f"Each patient is in one category: correct events, or cumulative; {compare_with(rows[0].record)}."
        )
        faults.append(rows[0].fault("events", "categories-above-n", found, remedy))
    return faults


def _cumulative_rises(sheets: Mapping[str, Sheet]) -> list[Fault]:
    needs = ("outcome_id", "scale_id", "cumulative", "arm_id", "period", "ordinal_level", "events", "n")
    groups: dict[tuple[Any, ...], dict[int, Row]] = defaultdict(dict)
    for row in sheets["outcomes"].rows:
        outcome = row.record
        if (
            not outcome.scale_id
            or outcome.cumulative != "yes"
            or outcome.events is None
            or not row.sure(*needs)
        ):
            continue
        if outcome.ordinal_level in _RANK:
            group = groups[outcome.scale_id, outcome.arm_id, outcome.period, outcome.n]
            group[_RANK[outcome.ordinal_level]] = row
    faults = []
    for (scale, arm_id, _, _), levels in groups.items():
        ordered = [levels[rank] for rank in sorted(levels)]
        for lower, higher in pairwise(ordered):
            if higher.record.events > lower.record.events:
                found = (
                    f"{higher.record.events} reach {higher.record.ordinal_level} and {lower.record.events} reach "
                    f"{lower.record.ordinal_level} (row {lower.line}) on {scale}, arm {arm_id}"
                )
                remedy = f"Whoever reaches a level reached those below; {compare_with(higher.record)}."
                faults.append(higher.fault("events", "levels-rise", found, remedy))
                break
    return faults


def _included_without_number(sheets: Mapping[str, Sheet]) -> list[Fault]:
    """Studies of the main analysis without any number.

    Notes
    -----
    Silent where the numbers could not all be read, and where contrasts.csv has no rows, as it may: the studies whose
    only number was a contrast cannot be told from those that have none.
    """
    outcomes, contrasts, studies = (sheets[name] for name in ("outcomes", "contrasts", "studies"))
    if not (outcomes.readable and contrasts.readable and contrasts.rows and studies.readable):
        return []
    used: set[str] = set()
    lost: set[str] = set()
    known = {row.cells["study_id"] for row in studies.rows}
    for row, row_id in _numbered_rows(outcomes, contrasts):
        names = {row.cells["study_id"], row_id.rsplit(".", 1)[0]}
        used |= names
        if len(names) == 1:
            lost |= names - known
    for misshapen in (*outcomes.misshapen, *contrasts.misshapen):
        text = "\n".join(misshapen.cells)
        used |= {study_id for study_id in known if study_id in text}
    bare = [
        row
        for row in studies.rows
        if row.record.included and row.cells["study_id"] not in used and row.sure("study_id", "include_main")
    ]
    # A study renamed in studies.csv has lost its numbers to the old name, which has been reported as unknown.
    for row in bare[len(lost) :]:
        row.doubtful.add("include_main")
    remedy = "Add what the source reports to outcomes.csv, or leave the study out with the reason no-outcome."
    found = "in the main analysis without an outcome or a printed estimate"
    return [row.fault("include_main", "included-without-number", found, remedy) for row in bare[len(lost) :]]


def _numbered_rows(outcomes: Sheet, contrasts: Sheet) -> Iterator[tuple[Row, str]]:
    for row in outcomes.rows:
        yield row, row.cells["outcome_id"]
    for row in contrasts.rows:
        if row.cells["estimate"] or not row.sure("estimate"):
            yield row, row.cells["contrast_id"]


def _seed_numbers(sheets: Mapping[str, Sheet]) -> list[Fault]:
    sheet = sheets["seed_references"]
    if not sheet.readable or sheet.misshapen or not all(row.sure("number") for row in sheet.rows):
        return []
    absent = sorted(set(_SEEDS) - {row.record.number for row in sheet.rows})
    if not absent:
        return []
    numbers = ", ".join(map(str, absent))
    remedy = "All fifty stay listed, also those nothing was found for."
    return [
        Fault(sheet.table.file, 0, "number", "reference-missing", f"no row for reference {numbers}", remedy)
    ]
