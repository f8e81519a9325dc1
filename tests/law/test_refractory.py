"""Refractory disease of any patient: two routes agree, every completion is tried, and what is settled stays settled.

The rules are written down here a second time, from the specification and as plain conditions on complete facts, so
that the trees of the definition files are held to something else than themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myopoise.outcomes.patients.refractory import (
    RULES,
    Refractory,
    RefractoryRule,
    apply_columns,
    refractory,
    refractory_rule,
)

Facts = dict[str, float | None]

CASES = [(name, None) for name in RULES] + [("rim-adult", "quoted"), ("rim-juvenile", "quoted")]
ENZYMES = ("ck", "aldolase", "ldh", "ast", "alt")
SCALE: dict[str, list[float]] = {
    "age": [4.9, 5, 17.9, 18, 79.9, 80],
    "immunosuppressants_inadequate": [0, 1, 2],
    "background_immunosuppressants": [0, 1, 2, 3],
    "background_stable_weeks": [3.9, 4, 5.9, 6],
    "mmt": [125, 125.5, 141, 142],
    "mmt_max": [150],
    "abnormal_measures": [0, 1, 2, 3],
    "abnormal_measures_beside_skin": [2, 3],
    "physician_global": [0.9, 1, 1.9, 2],
    "patient_global": [1.9, 2],
    "extramuscular": [0.9, 1, 1.9, 2],
    "haq": [0.2, 0.25],
    "chaq": [0.2, 0.25],
    "cutaneous_vas": [2.9, 3],
    "months_on_combination": [2.9, 3],
    "drugs_inadequate": [1, 2],
    "months_on_drugs": [2.9, 3],
    **{enzyme: [0, 0.129, 0.13, 0.15, 0.151] for enzyme in ENZYMES},
    **{f"{enzyme}_uln": [0.01, 0.1, 1] for enzyme in ENZYMES},
}
"""Values on and beside every cut; yes or no where not named."""

FAR: dict[str, list[float]] = {
    **{enzyme: [0, 1e6] for enzyme in ENZYMES},
    **{f"{enzyme}_uln": [0.001, 1e6] for enzyme in ENZYMES},
}
"""How an enzyme or its limit is completed: far enough to be on either side of any cut, whatever the other is."""


# --- the rules a second time --------------------------------------------------------------------------------


def above(facts: Facts, times: str, beyond: bool) -> bool:
    """Whether an enzyme is so many times its limit, in whole thousandths, so that nothing is rounded."""
    thousandths = {"1.3": 1300, "1.5": 1500}[times]

    def passes(enzyme: str) -> bool:
        value, limit = (round(1000 * number(facts, name)) for name in (enzyme, f"{enzyme}_uln"))
        return 1000 * value > thousandths * limit or (not beyond and 1000 * value == thousandths * limit)

    return any(passes(enzyme) for enzyme in ENZYMES)


def number(facts: Facts, name: str) -> float:
    value = facts[name]
    assert value is not None
    return value


def rim_drugs(f: Callable[[str], float]) -> bool:
    failed = f("glucocorticoid_inadequate") == 1 and f("immunosuppressants_inadequate") >= 1
    return failed and f("background_immunosuppressants") >= 1 and f("background_stable_weeks") >= 6


def plainly(name: str, cutoffs: str | None, facts: Facts) -> bool:
    def f(column: str) -> float:
        return number(facts, column)

    def quoted(function: str) -> int:
        globals_ = (f("patient_global") >= 2) + (f("physician_global") >= 2) + (f("extramuscular") >= 1)
        return globals_ + (f(function) >= 0.25) + above(facts, "1.3", beyond=False)

    if name == "rim-adult":
        others = quoted("haq") if cutoffs else f("abnormal_measures")
        return rim_drugs(f) and f("bohan_peter_probable") == 1 and f("mmt") <= 125 and others >= 2
    if name == "rim-juvenile":
        others = quoted("chaq") if cutoffs else f("abnormal_measures")
        active = (f("mmt") <= 125 and others >= 2) or (f("mmt") > 125 and others >= 3)
        return rim_drugs(f) and f("age") >= 5 and active
    if name == "proderm":
        return proderm(f, above(facts, "1.5", beyond=True))
    if name == "rci":
        failed = f("glucocorticoid_inadequate") == 1 or f("immunosuppressants_inadequate") >= 1
        weak = f("significant_weakness") == 1 and f("abnormal_measures") > 2
        skin = f("cutaneous_vas") >= 3 and f("abnormal_measures_beside_skin") >= 3
        return failed and (weak or skin)
    if name == "artemis":
        return f("months_on_combination") >= 3 and f("active_disease") == 1
    return f("drugs_inadequate") >= 2 and f("months_on_drugs") >= 3 and f("glucocorticoid_tapered") == 1


def proderm(f: Callable[[str], float], enzyme: bool) -> bool:
    person = 18 <= f("age") < 80 and f("bohan_peter_probable") == 1 and f("active_by_adjudication") == 1
    few = f("background_immunosuppressants") <= 2
    taking = (f("on_glucocorticoid") == 1 or f("background_immunosuppressants") > 0) and few
    failed = f("glucocorticoid_inadequate") == 1 and f("immunosuppressants_inadequate") >= 1
    treated = (taking and f("background_stable_weeks") >= 4) or (failed and f("washed_out") == 1)
    measures = [f(name) >= 2 for name in ("patient_global", "physician_global", "extramuscular")]
    return person and treated and f("mmt") < 142 and sum([*measures, enzyme, f("haq") >= 0.25]) >= 2


# --- patients -----------------------------------------------------------------------------------------------


@cache
def rule_of(case: tuple[str, str | None]) -> RefractoryRule:
    return refractory_rule(*case)


def values_of(column: str) -> list[float]:
    return SCALE.get(column, [0, 1])


MEASURES = (
    "abnormal_measures",
    "physician_global",
    "patient_global",
    "extramuscular",
    "haq",
    "chaq",
    *ENZYMES,
)
MEETING = {"age": 18, "background_immunosuppressants": 1, "mmt": 125}


@st.composite
def patients(draw: st.DrawFn, case: tuple[str, str | None], most_unknown: int = 4) -> Facts:
    """A patient with so many columns unknown at most; by chance alone hardly anyone would come near a rule."""
    columns = rule_of(case).columns
    changed = columns if draw(st.booleans()) else draw(st.sets(st.sampled_from(columns), max_size=2))
    facts: Facts = {column: MEETING.get(column, values_of(column)[-1]) for column in columns}
    for column in columns:
        if column in changed or column in MEASURES:
            facts[column] = draw(st.sampled_from(values_of(column)))
    if "mmt" in facts and draw(st.integers(0, 9)) == 0:
        facts |= {"mmt_max": 80, "mmt": 70}
    unknown = draw(st.sets(st.sampled_from(columns), max_size=most_unknown))
    return {column: None if column in unknown else value for column, value in facts.items()}


def without_scale(facts: Facts) -> Facts:
    """The same, where a total that is not known to be out of 150 is as good as not known."""
    return facts if facts.get("mmt_max", 150) == 150 else {**facts, "mmt": None, "mmt_max": 150}


def completions(facts: Facts) -> Iterator[Facts]:
    """Every way of completing what is not known."""
    choices = [FAR.get(name, values_of(name)) if value is None else [value] for name, value in facts.items()]
    for chosen in product(*choices):
        yield dict(zip(facts, chosen, strict=True))


def could_change(facts: Facts, case: tuple[str, str | None]) -> set[str]:
    """The columns for which two completions that differ in nothing else have different answers."""
    seen: dict[tuple[str, Any], set[bool]] = {}
    open_ = [name for name, value in facts.items() if value is None]
    for whole in completions(facts):
        said = plainly(*case, whole)
        for name in open_:
            rest = tuple(whole[other] for other in open_ if other != name)
            seen.setdefault((name, rest), set()).add(said)
    return {name for (name, _), said in seen.items() if len(said) > 1}


def to_fill_in(facts: Facts, case: tuple[str, str | None]) -> set[str]:
    """These columns as the answer calls them."""
    changing = could_change(without_scale(facts), case)
    if "mmt" not in changing:
        return changing
    if facts["mmt_max"] not in (150, None):
        return changing - {"mmt"} | {"mmt out of 150"}
    return changing - {"mmt"} | {name for name in ("mmt", "mmt_max") if facts[name] is None}


def answer(facts: Facts, case: tuple[str, str | None]) -> Refractory:
    return refractory(facts, rule_of(case))


# --- laws ---------------------------------------------------------------------------------------------------

FOR_EACH_RULE = pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(filter(None, case)))


@FOR_EACH_RULE
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_known_of_complete_patients_decides_as_the_plain_conditions_do(
    case: tuple[str, str | None], data: st.DataObject
) -> None:
    facts = data.draw(patients(case, most_unknown=0))
    facts |= {"mmt_max": 150} if "mmt" in facts else {}
    assert answer(facts, case).result == ("met" if plainly(*case, facts) else "not met")


@FOR_EACH_RULE
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_answer_is_given_where_every_completion_agrees_and_missing_is_what_can_change_it(
    case: tuple[str, str | None], data: st.DataObject
) -> None:
    facts = data.draw(patients(case))
    found = answer(facts, case)
    said = {plainly(*case, whole) for whole in completions(without_scale(facts))}
    assert found.result == ("unknown" if len(said) == 2 else "met" if said == {True} else "not met")
    assert set(found.missing) == to_fill_in(facts, case)
    assert len(set(found.missing)) == len(found.missing)


@FOR_EACH_RULE
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_many_patients_get_the_answers_of_each(case: tuple[str, str | None], data: st.DataObject) -> None:
    people = data.draw(st.lists(patients(case, most_unknown=12), min_size=1, max_size=12))
    rule = rule_of(case)
    columns = {
        name: np.array([np.nan if (v := one[name]) is None else float(v) for one in people])
        for name in rule.columns
    }
    results = apply_columns(rule, columns)
    for row, one in enumerate(people):
        found = answer(one, case)
        assert [str(text[row]) for text in results.values()] == [
            found.rule,
            found.result,
            "; ".join(found.missing),
            "; ".join(found.decided_by),
        ]


@FOR_EACH_RULE
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_more_evidence_never_changes_what_is_settled(
    case: tuple[str, str | None], data: st.DataObject
) -> None:
    facts = data.draw(patients(case, most_unknown=10))
    before = answer(facts, case)
    filled = dict(facts)
    for name, value in facts.items():
        if value is None and data.draw(st.booleans()):
            filled[name] = data.draw(st.sampled_from(values_of(name)))
    if filled.get("mmt_max") == 80:
        filled["mmt"] = facts["mmt"]
    after = answer(filled, case)
    assert before.result in ("unknown", after.result)
    assert set(after.missing) <= set(before.missing)


@FOR_EACH_RULE
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_decided_would_have_been_enough(case: tuple[str, str | None], data: st.DataObject) -> None:
    facts = data.draw(patients(case))
    found = answer(facts, case)
    if found.result == "unknown":
        return
    rule = rule_of(case)
    told = [fact for fact in rule.asked if any(s.startswith(_words(fact.name)) for s in found.decided_by)]
    needed = {name for fact in told for name in (fact.name, fact.companion)}
    if rule.groups and "abnormal_measures" in needed:
        counted = [test.measure for group in rule.groups for test in group.tests]
        needed |= {name for column in counted for name in (column, rule.fact(column).companion)}
    again = answer({name: value if name in needed else None for name, value in facts.items()}, case)
    assert (again.result, again.decided_by) == (found.result, found.decided_by)


def _words(name: str) -> str:
    return name.replace("_", " ")


@settings(max_examples=300)
@given(
    hundredths=st.integers(1, 400_000),
    limit=st.integers(1, 3000),
    step=st.sampled_from([-1, 0, 1]),
    on_the_cut=st.booleans(),
)
def test_a_multiple_of_the_limit_of_normal_is_decided_as_the_decimals_stand(
    hundredths: int, limit: int, step: int, on_the_cut: bool
) -> None:
    # In thousandths: 1.3 times a limit of tenths lies on the grid, where floating point may fall on either side.
    thousandths = 130 * limit + step if on_the_cut else 10 * hundredths
    meeting = dict.fromkeys(rule_of(("rim-adult", "quoted")).columns, 1.0) | {
        **dict.fromkeys(("patient_global", "extramuscular", "haq", *ENZYMES), 0.0),
        **{"physician_global": 2.0, "background_stable_weeks": 6.0, "mmt": 100.0, "mmt_max": 150.0},
        **{"ck": thousandths / 1000, "ck_uln": limit / 10},
    }
    expected = "met" if thousandths * 10 >= 1300 * limit else "not met"
    rule = rule_of(("rim-adult", "quoted"))
    assert refractory(meeting, rule).result == expected
    columns = {name: np.array([value]) for name, value in meeting.items()}
    assert apply_columns(rule, columns)["result"].tolist() == [expected]
