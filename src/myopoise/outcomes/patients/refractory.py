"""Whether a patient's disease is refractory by one explicit rule: met, not met, or unknown and what that turns on.

There is no agreed definition of refractory myositis, so a rule is always named, and its facts are handed in by whoever
knows the patient. The rules are data (`myopoise.outcomes.patients.refractory_rules`); left out are those known to us
only by hearsay: the skin trial of corticotropin, the phase 2 trial of lenabasum and the general notion of IMACS.

One patient is answered in exact arithmetic, millions column by column. Both come down to the same small thing: for
each fact, which of the rule's tests on it hold, or why that is not known. From there every way of completing what is
not known is tried, so that an answer is given where all of them agree, and a fact is called missing only where it can
make a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from fractions import Fraction
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import BadInput, WrongUsage
from myopoise.outcomes.exact import Number, exact
from myopoise.outcomes.patients.classification import completed
from myopoise.outcomes.patients.refractory_answer import JOINED, Gap, Judge, Refractory, Result, holds, mask
from myopoise.outcomes.patients.refractory_checks import check_columns
from myopoise.outcomes.patients.refractory_rules import RULES, Fact, RefractoryRule, refractory_rule
from myopoise.outcomes.rules import Test

__all__ = [
    "RULES",
    "Refractory",
    "RefractoryRule",
    "Result",
    "apply_columns",
    "check_columns",
    "refractory",
    "refractory_rule",
]

Columns = Mapping[str, NDArray[np.float64]]
Floats = NDArray[np.float64]

# --- one patient ------------------------------------------------------------------------------------------


def refractory(facts: Mapping[str, Number | None], rule: RefractoryRule) -> Refractory:
    """What a rule says of one patient, in exact arithmetic.

    Parameters
    ----------
    facts
        Names of `RefractoryRule.columns` and their values, each taken as it was written; what is not named, `None` or
        not-a-number is not known.
    rule
        From `refractory_rule`.

    Raises
    ------
    WrongUsage
        If the rule does not ask for a fact, or a value cannot be.

    Examples
    --------
    >>> rule = refractory_rule("artemis")
    >>> print(refractory({"months_on_combination": 3, "active_disease": 1}, rule))
    artemis is met: months on combination at least 3; active disease: yes (CONFIRMED).
    >>> print(refractory({"months_on_combination": 6}, rule))
    artemis cannot be decided: it turns on active_disease (CONFIRMED).
    """
    for name in facts:
        if name not in rule.columns:
            near = get_close_matches(name.casefold(), rule.columns, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise WrongUsage(f"{rule.label} has no fact '{name}'. {hint}Allowed: {', '.join(rule.columns)}.")
    values = {name: exact(value) for name, value in facts.items() if value is not None and not _nan(value)}
    row = {name: np.array([float(values.get(name, np.nan))]) for name in rule.columns}
    for fault in check_columns("", rule, row):
        raise WrongUsage(f"{fault.column}: {fault.found}. {fault.remedy}")
    codes = {fact.name: _code(fact, tests, values) for fact, tests in rule.read.items()}
    return Judge(rule).answer(codes)


def _nan(value: Number) -> bool:
    return isinstance(value, float) and isnan(value)


def _code(fact: Fact, tests: tuple[Test, ...], values: Mapping[str, Fraction]) -> int:
    """Which tests on a fact hold, or why that is not known."""
    value, beside = values.get(fact.name), values.get(fact.companion)
    if fact.out_of and beside not in (None, fact.high):
        return Gap.SCALE
    if fact.over and value == 0:
        beside = Fraction(1)  # Nothing is no multiple of any limit.
    if fact.companion and beside is None:
        return Gap.BOTH if value is None else Gap.COMPANION
    if value is None:
        return Gap.VALUE
    return mask(tests, value / beside if fact.over and beside else value)


# --- many patients ----------------------------------------------------------------------------------------


def apply_columns(rule: RefractoryRule, columns: Columns) -> dict[str, NDArray[Any]]:
    """What a rule says of each of many patients, as the columns of a file of results beside ``patient``.

    Parameters
    ----------
    rule
        From `refractory_rule`.
    columns
        Numbers of each column, ``(patient,)``, not-a-number where not known. A column that is not there is known of
        nobody; one the rule does not ask for is left alone.

    Returns
    -------
    results
        ``rule``, ``result``, ``missing`` and ``decided_by``, one text for each patient.

    Raises
    ------
    BadInput
        With every fault of `check_columns`, if there are any.
    """
    if faults := check_columns("patients", rule, columns):
        raise BadInput("patients", faults)
    cells = completed(columns, rule.columns)
    read = rule.read
    codes = np.stack([_codes(fact, tests, cells) for fact, tests in read.items()], axis=1)
    alike, group = np.unique(codes, axis=0, return_inverse=True)
    judge, names = Judge(rule), [fact.name for fact in read]
    answers = [judge.answer(dict(zip(names, map(int, row), strict=True))) for row in alike]
    texts = {
        "rule": [one.rule for one in answers],
        "result": [str(one.result) for one in answers],
        "missing": [JOINED.join(one.missing) for one in answers],
        "decided_by": [JOINED.join(one.decided_by) for one in answers],
    }
    return {name: np.array(text, dtype=np.str_)[group.ravel()] for name, text in texts.items()}


def _codes(fact: Fact, tests: tuple[Test, ...], cells: Columns) -> NDArray[np.int8]:
    """`_code` for many patients, ``(patient,)``."""
    values = cells[fact.name]
    limits = cells[fact.over] if fact.over else None
    code = np.zeros(len(values), np.int8)
    for place, test in enumerate(tests):
        code |= _holds_columns(test, values, limits).astype(np.int8) << np.int8(place)
    code[np.isnan(values)] = Gap.VALUE
    if fact.companion:
        beside = cells[fact.companion]
        alone = np.isnan(beside) & ~((values == 0) & bool(fact.over))
        code[alone] = np.where(np.isnan(values[alone]), Gap.BOTH, Gap.COMPANION)
        if fact.out_of and fact.high is not None:
            code[~np.isnan(beside) & (beside != float(fact.high))] = Gap.SCALE
    return code


def _holds_columns(test: Test, values: Floats, limits: Floats | None) -> NDArray[np.bool_]:
    """Whether a test holds; with limits of normal, of how many times the limit the value is.

    Notes
    -----
    A value is compared with an amount as they stand, which is exact. Times a limit it no longer is: where the two are
    close, fractions decide.
    """
    amounts = float(test.amount) * (np.ones(1) if limits is None else np.where(values == 0, 1.0, limits))
    over = values - amounts if test.upward else amounts - values
    found = np.asarray(over > 0 if test.beyond else over >= 0)
    if limits is not None:
        for place in np.flatnonzero((np.abs(over) <= 1e-9 * amounts) & ~np.isnan(values)):
            found[place] = holds(test, exact(float(values[place])) / exact(float(limits[place])))
    return found
