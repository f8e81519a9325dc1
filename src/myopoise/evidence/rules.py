"""Rules that one row must obey, beyond what each of its cells may hold.

A rule names the columns it needs. It does not run when one of them is in doubt, and puts them in doubt when it is
broken, so that one mistake gives one fault. The rules run in the order in which they stand here: the most basic first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from myopoise.errors import Fault
from myopoise.evidence.sheets import Row
from myopoise.evidence.tables import TABLES, Arm, Contrast, Outcome, Study, Term

__all__ = ["IDENTITY", "RULES", "Rule", "Wrong", "apply", "compare_with"]

RESPONDER_ENDPOINTS = frozenset(
    {
        "response",
        "doi-imacs",
        "tis-minimal",
        "tis-moderate",
        "tis-major",
        "remission",
        "skin-response",
        "lung-response",
    }
)
"""Endpoints that count responders, so that a count of them needs the size of the gain."""

_IDENTIFIERS = ("pmid", "doi", "nct", "other_registry_id", "source_url", "volume_pages")
_MIRRORS = re.compile(
    r"https?://(\d{1,3}(\.\d{1,3}){3}|[^/]*(weglot|vukou|laibokeji|tweb-dev|staging|\.demo\.|wilddata|"
    r"preview-www|igf-protein|apoptosis-inducer))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Wrong:
    """How a row breaks a rule: the column to look at, the kind of fault, what was found, what to do."""

    column: str
    kind: str
    found: str
    remedy: str


@dataclass(frozen=True)
class Rule:
    """One rule of one table.

    Parameters
    ----------
    table
        Name of the table.
    needs
        Columns the rule reads.
    judge
        Takes the row as its row type; returns how it breaks the rule, or nothing.
    """

    table: str
    needs: tuple[str, ...]
    judge: Callable[[Any], Wrong | None]

    @property
    def meaning(self) -> str:
        """The rule in one sentence."""
        return (self.judge.__doc__ or "").splitlines()[0]


RULES: list[Rule] = []
IDENTITY: list[Rule] = []
"""Rules about the names of rows, which run before anything is looked up by these names."""


def apply(rules: Iterable[Rule], rows: Iterable[Row]) -> list[Fault]:
    """Every fault the rules find in the rows of one table; what they blame is in doubt from then on."""
    rules = tuple(rules)
    faults = []
    for row in rows:
        for rule in rules:
            if row.doubtful and not row.sure(*rule.needs):
                continue
            if wrong := rule.judge(row.record):
                faults.append(row.fault(wrong.column, wrong.kind, wrong.found, wrong.remedy))
                row.doubtful.update(rule.needs)
    return faults


def compare_with(record: object) -> str:
    """Where the reader should look, in words: the place in the source the row names, else the source."""
    place = getattr(record, "source_place", "")
    if re.match(r"(table|figure|page|section)\b", place, re.IGNORECASE):
        return f"compare with {place} of the source"
    return f"compare with the source ({place})" if place else "compare with the source"


def _rule(
    table: str, *needs: str, to: list[Rule] = RULES
) -> Callable[[Callable[[Any], Wrong | None]], Callable[[Any], Wrong | None]]:
    def keep(judge: Callable[[Any], Wrong | None]) -> Callable[[Any], Wrong | None]:
        to.append(Rule(table, needs, judge))
        return judge

    return keep


def _patients(number: int) -> str:
    return "1 patient" if number == 1 else f"{number} patients"


# Names of rows


@_rule("vocabulary", "field", to=IDENTITY)
def _field_is_used(term: Term) -> Wrong | None:
    """A vocabulary field is one that a column uses."""
    fields = sorted({column.codes for table in TABLES for column in table.columns if column.codes})
    if term.field in fields:
        return None
    return Wrong(
        "field", "unknown-field", f"no column uses the field '{term.field}'", _one_of(term.field, fields)
    )


def _one_of(word: str, words: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word.casefold(), words, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return f"{hint}Allowed: {', '.join(words)}."


def _named_after_study(column: str, row: Any) -> Wrong | None:
    row_id = getattr(row, column)
    if row_id.startswith(row.study_id + "."):
        return None
    found = f"'{row_id}' does not start with the study_id '{row.study_id}'"
    return Wrong(
        column, "wrong-prefix", found, f"Correct {column} or study_id: both must name the same study."
    )


@_rule("outcomes", "outcome_id", "study_id", to=IDENTITY)
def _outcome_named_after_study(outcome: Outcome) -> Wrong | None:
    """An outcome_id starts with its study_id."""
    return _named_after_study("outcome_id", outcome)


@_rule("contrasts", "contrast_id", "study_id", to=IDENTITY)
def _contrast_named_after_study(contrast: Contrast) -> Wrong | None:
    """A contrast_id starts with its study_id."""
    return _named_after_study("contrast_id", contrast)


# Vocabulary and addresses


@_rule("vocabulary", "field", "code", "mechanism_class")
def _treatment_has_a_class(term: Term) -> Wrong | None:
    """A treatment has a mechanism class."""
    if term.field != "treatment" or term.mechanism_class:
        return None
    remedy = "Name the class of drugs that act alike; drugs borrow strength within it."
    return Wrong("mechanism_class", "no-mechanism-class", f"treatment '{term.code}' has no class", remedy)


def _not_a_mirror(row: Any) -> Wrong | None:
    """An address is the source's own, not a mirror, a proxy or a test server."""
    if not _MIRRORS.match(row.source_url):
        return None
    found = f"'{row.source_url[:60]}' is a mirror, proxy or test server"
    return Wrong("source_url", "mirror", found, "Give the PubMed, DOI, registry or publisher's address.")


for _table in ("studies", "outcomes", "contrasts", "design_facts"):
    RULES.append(Rule(_table, ("source_url",), _not_a_mirror))


# Studies


@_rule("studies", "include_main", "exclude_reason")
def _left_out_with_a_reason(study: Study) -> Wrong | None:
    """A study is left out exactly when a reason is given."""
    if (study.include_main == "no") == bool(study.exclude_reason):
        return None
    if study.exclude_reason:
        found = f"'{study.exclude_reason}' for a study that is included"
        return Wrong("exclude_reason", "inclusion-disagrees", found, "Empty it, or set include_main to no.")
    remedy = "Give the reason in exclude_reason, or set include_main to yes."
    return Wrong("include_main", "inclusion-disagrees", "left out without a reason", remedy)


@_rule("studies", "exclude_reason", "overlaps_with")
def _overlap_names_the_study(study: Study) -> Wrong | None:
    """A study left out for overlap names the study it overlaps with."""
    if study.exclude_reason != "overlap" or study.overlaps_with:
        return None
    remedy = "Name the study of the same patients in overlaps_with."
    return Wrong("overlaps_with", "overlap-unnamed", "left out for overlap with no study named", remedy)


@_rule("studies", *_IDENTIFIERS)
def _can_be_found(study: Study) -> Wrong | None:
    """A study has an identifier, an address, or volume and pages."""
    if any(getattr(study, name) for name in _IDENTIFIERS):
        return None
    remedy = f"Fill one of {', '.join(_IDENTIFIERS)}."
    return Wrong("source_url", "untraceable", "no identifier, no address, no volume and pages", remedy)


# Arms


@_rule("arms", "role", "parent_arm", "subgroup_by")
def _subgroup_has_a_whole(arm: Arm) -> Wrong | None:
    """Subgroups, and no other arms, name the arm they are part of and what divides them."""
    subgroup, parent, by = arm.role == "subgroup", bool(arm.parent_arm), bool(arm.subgroup_by)
    if subgroup == parent == by:
        return None
    if parent == by:
        has = "names a whole" if parent else "names no whole"
        remedy = "Set role to subgroup exactly when parent_arm and subgroup_by are given."
        return Wrong("role", "subgroup-incomplete", f"an arm of role {arm.role} {has}", remedy)
    if subgroup == by:
        column, filled = "parent_arm", parent
    else:
        column, filled = "subgroup_by", by
    found = f"given for an arm of role {arm.role}" if filled else "empty for a subgroup"
    remedy = "Give parent_arm and subgroup_by for subgroups, and for no other arm."
    return Wrong(column, "subgroup-incomplete", found, remedy)


@_rule("arms", "arm_id", "parent_arm")
def _not_part_of_itself(arm: Arm) -> Wrong | None:
    """An arm is not part of itself."""
    if arm.parent_arm != arm.arm_id:
        return None
    return Wrong(
        "parent_arm", "own-parent", f"'{arm.arm_id}' is named as part of itself", "Name the whole arm."
    )


@_rule("arms", "n", "n_dm", "n_pm", "n_jdm", "n_other")
def _diagnoses_within_arm(arm: Arm) -> Wrong | None:
    """The patients of the diagnoses are not more than the arm."""
    parts = sum(count or 0 for count in (arm.n_dm, arm.n_pm, arm.n_jdm, arm.n_other))
    if arm.n is None or parts <= arm.n:
        return None
    found = f"n_dm, n_pm, n_jdm and n_other make {parts} in an arm of {_patients(arm.n)}"
    return Wrong("n", "parts-above-whole", found, "They cannot exceed n; compare with the source.")


@_rule("arms", "n", "female_n")
def _women_within_arm(arm: Arm) -> Wrong | None:
    """The women are not more than the arm."""
    if arm.n is None or arm.female_n is None or arm.female_n <= arm.n:
        return None
    found = f"{arm.female_n} women in an arm of {_patients(arm.n)}"
    return Wrong("female_n", "parts-above-whole", found, "They cannot exceed n; compare with the source.")


# Outcomes


@_rule("outcomes", "type", "events", "n")
def _counts_belong_to_binary_rows(outcome: Outcome) -> Wrong | None:
    """A binary row has events and n, any other row no events."""
    if outcome.type == "binary":
        for column in ("events", "n"):
            if getattr(outcome, column) is None:
                remedy = f"Fill {column}; {compare_with(outcome)}, or choose type rate for a bare percentage."
                return Wrong(column, "count-missing", f"a binary row has no {column}", remedy)
        return None
    if outcome.events is None:
        return None
    found = f"{outcome.events} events in a row of type {outcome.type}"
    return Wrong(
        "events", "count-misplaced", found, "Only binary rows count events; correct type or move the number."
    )


@_rule("outcomes", "events", "n")
def _events_within_patients(outcome: Outcome) -> Wrong | None:
    """Events are not more than patients."""
    if outcome.events is None or outcome.n is None or outcome.events <= outcome.n:
        return None
    found = f"{outcome.events} events among {_patients(outcome.n)}"
    return Wrong("events", "events-above-n", found, f"Events cannot exceed n; {compare_with(outcome)}.")


@_rule("outcomes", "events", "mean", "median", "value")
def _row_has_a_number(outcome: Outcome) -> Wrong | None:
    """An outcome row carries a number."""
    if any(number is not None for number in (outcome.events, outcome.mean, outcome.median, outcome.value)):
        return None
    remedy = "Fill events, mean, median or value, or move what the source says to the notes of the study."
    return Wrong("value", "no-number", "there is no number in the row", remedy)


_PERCENTAGES = ("mean", "median", "value", "ci_low", "ci_high")


@_rule("outcomes", "type", "unit", *_PERCENTAGES)
def _percentage_within_bounds(outcome: Outcome) -> Wrong | None:
    """A rate in per cent lies from 0 to 100."""
    if outcome.type != "rate" or not outcome.unit.startswith("%"):
        return None
    numbers = [(column, getattr(outcome, column)) for column in _PERCENTAGES]
    outside = [(column, x) for column, x in numbers if x is not None and not 0 <= x <= 100]
    if not outside:
        return None
    found = " and ".join(f"{column} is {x:g}%" for column, x in outside)
    remedy = f"A percentage lies from 0 to 100; {compare_with(outcome)}, or correct unit."
    return Wrong(outside[0][0], "percent-outside", found, remedy)


def _reversed(row: Any, low_name: str, high_name: str) -> Wrong | None:
    low, high = getattr(row, low_name), getattr(row, high_name)
    if low is None or high is None or low <= high:
        return None
    found = f"{low_name} {low:g} is above {high_name} {high:g}"
    return Wrong(low_name, "interval-reversed", found, f"Swap or correct them; {compare_with(row)}.")


def _outside(row: Any, name: str, low_name: str, high_name: str) -> Wrong | None:
    centre, low, high = (getattr(row, column) for column in (name, low_name, high_name))
    below = low is not None and centre is not None and centre < low
    above = high is not None and centre is not None and centre > high
    if not (below or above):
        return None
    bound, number = (low_name, low) if below else (high_name, high)
    found = f"{name} {centre:g} is {'below' if below else 'above'} {bound} {number:g}"
    return Wrong(name, "outside-interval", found, f"It must lie inside; {compare_with(row)}.")


def _centre(outcome: Outcome) -> str:
    return next((name for name in ("mean", "median", "value") if getattr(outcome, name) is not None), "mean")


@_rule("outcomes", "ci_low", "ci_high")
def _interval_in_order(outcome: Outcome) -> Wrong | None:
    """An interval runs from low to high."""
    return _reversed(outcome, "ci_low", "ci_high")


@_rule("outcomes", "q1", "q3")
def _quartiles_in_order(outcome: Outcome) -> Wrong | None:
    """The first quartile is not above the third."""
    return _reversed(outcome, "q1", "q3")


@_rule("outcomes", "mean", "median", "value", "ci_low", "ci_high")
def _centre_inside_interval(outcome: Outcome) -> Wrong | None:
    """Mean, median or value lies inside its interval."""
    return _outside(outcome, _centre(outcome), "ci_low", "ci_high")


@_rule("outcomes", "mean", "median", "value", "q1", "q3")
def _centre_inside_quartiles(outcome: Outcome) -> Wrong | None:
    """Mean, median or value lies between its quartiles."""
    return _outside(outcome, _centre(outcome), "q1", "q3")


@_rule("outcomes", "ordinal_level", "cumulative")
def _level_says_how_it_counts(outcome: Outcome) -> Wrong | None:
    """A level says whether it counts this level or better, and nothing else does."""
    if bool(outcome.ordinal_level) == bool(outcome.cumulative):
        return None
    column = "ordinal_level" if outcome.cumulative else "cumulative"
    remedy = "Give ordinal_level and cumulative together, or neither."
    return Wrong(column, "level-incomplete", "empty, while its companion is given", remedy)


@_rule("outcomes", "scale_id", "ordinal_level")
def _scale_has_levels(outcome: Outcome) -> Wrong | None:
    """A row of a graded scale has a level."""
    if not outcome.scale_id or outcome.ordinal_level:
        return None
    found = f"a row of the scale {outcome.scale_id} has no level"
    return Wrong("ordinal_level", "level-missing", found, "Give the level, or empty scale_id.")


@_rule("outcomes", "type", "endpoint", "ordinal_level")
def _responders_have_a_level(outcome: Outcome) -> Wrong | None:
    """A count of responders says how large the gain is, if only that it is ungraded."""
    if outcome.type != "binary" or outcome.ordinal_level or outcome.endpoint not in RESPONDER_ENDPOINTS:
        return None
    remedy = "Give the level; ungraded where the source does not state the size of the gain."
    return Wrong("ordinal_level", "level-missing", f"responders ({outcome.endpoint}) without a level", remedy)


# Contrasts


@_rule("contrasts", "arm_1", "arm_2")
def _two_arms(contrast: Contrast) -> Wrong | None:
    """An arm is not compared with itself."""
    if contrast.arm_1 != contrast.arm_2:
        return None
    found = f"'{contrast.arm_2}' is compared with itself"
    return Wrong("arm_2", "self-comparison", found, "Name the other arm of the study.")


@_rule("contrasts", "ci_low", "ci_high")
def _contrast_interval_in_order(contrast: Contrast) -> Wrong | None:
    """The interval of a comparison runs from low to high."""
    return _reversed(contrast, "ci_low", "ci_high")


@_rule("contrasts", "estimate", "ci_low", "ci_high")
def _estimate_inside_interval(contrast: Contrast) -> Wrong | None:
    """An estimate lies inside its interval."""
    return _outside(contrast, "estimate", "ci_low", "ci_high")


@_rule("contrasts", "measure", "estimate", "ci_low", "ci_high")
def _ratio_above_zero(contrast: Contrast) -> Wrong | None:
    """A ratio is above zero."""
    if contrast.measure not in ("OR", "RR", "HR"):
        return None
    for column in ("estimate", "ci_low", "ci_high"):
        number = getattr(contrast, column)
        if number is not None and number <= 0:
            remedy = (
                f"A ratio is above zero, also when it was printed as a logarithm; {compare_with(contrast)}."
            )
            return Wrong(column, "ratio-not-positive", f"{contrast.measure} {column} is {number:g}", remedy)
    return None


@_rule("contrasts", "p_op", "p_value")
def _p_value_as_printed(contrast: Contrast) -> Wrong | None:
    """A P value says whether it was printed as equal or as below."""
    if contrast.p_value is None or contrast.p_op:
        return None
    return Wrong(
        "p_op", "p-incomplete", f"P value {contrast.p_value:g} without p_op", "Give = or < as printed."
    )
