"""Rules as tables: how a rule of a file reads, what it counts, and what it makes of an answer that is not known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from myopoise.outcomes.definitions import Kind, definition, definitions
from myopoise.outcomes.pages.page_tables import raw_tables
from myopoise.outcomes.pages.rule_words import Spoken, rule_lines
from myopoise.outcomes.rules import (
    Asks,
    Count,
    Known,
    Node,
    Test,
    decide,
    decide_columns,
    read_rule,
)
from myopoise.outcomes.rules import tests_of as asked_in

MEASURES = ("a", "b", "muscle_strength")
BETTER = {"change": "improved", "percent": 20}
WORSE = {"change": "worse", "units": 2, "unit": "cm"}


def read(table: dict[str, Any], *options: str) -> Node:
    node = read_rule(table, MEASURES, frozenset(options))
    assert node is not None
    return node


def of(measure: str, **test: Any) -> dict[str, Any]:
    return {"measure": measure, **test}


# --- what a rule says ---------------------------------------------------------------------------------------

SAID = [
    (of("a", **BETTER), "a improved by 20% or more"),
    (of("a", **BETTER, beyond=True), "a improved by more than 20%"),
    (of("a", **WORSE), "a worse by 2 cm or more"),
    (of("a", change="worse", units=2.5, beyond=True), "a worse by more than 2.5"),
    (of("muscle_strength", at_least=78), "muscle strength at least 78"),
    (of("a", at_most=7.5, unit="mg/day"), "a at most 7.5 mg/day"),
    (of("a", above=14, at_baseline=True), "a at baseline above 14"),
    (of("a", below=3), "a below 3"),
    ({"all": [of("a", above=1), of("b", above=2)]}, "a above 1 and b above 2"),
    ({"any": [of("a", above=1), of("b", above=2)]}, "a above 1 or b above 2"),
    ({"not": of("a", above=1)}, "not a above 1"),
    (
        {"at_least": 2, "of": [of(m, above=1) for m in "abc"]},
        "at least 2 of: a above 1; b above 1; c above 1",
    ),
    ({"at_most": 1, "of": [of(m, above=1) for m in "ab"]}, "at most 1 of: a above 1; b above 1"),
    (
        {"at_least": 1, "at_most": 2, "of": [of(m, above=1) for m in "abc"]},
        "at least 1 and at most 2 of: a above 1; b above 1; c above 1",
    ),
    (
        {"at_least": 2, "of_each": BETTER},
        "at least 2 of: a improved by 20% or more; b improved by 20% or more; muscle strength improved by 20% or more",
    ),
    (
        {"any": [of("a", above=1), {"all": [of("a", above=0), of("b", above=0)]}]},
        "a above 1 or (a above 0 and b above 0)",
    ),
    ({"any": [of("a", above=1), {"all": [of("b", above=0)]}]}, "a above 1 or b above 0"),
]


@pytest.mark.parametrize(("table", "said"), SAID, ids=[said for _, said in SAID])
def test_a_rule_says_what_it_asks(table: dict[str, Any], said: str) -> None:
    assert str(read(table)) == said


@pytest.mark.parametrize("name", [n for n, one in definitions().items() if one.kind is Kind.RULE])
def test_every_number_of_a_published_rule_is_in_its_sentence(name: str) -> None:
    found = definition(name)
    rule = found.rule(frozenset(option.name for option in found.options))
    for test in asked_in(rule):
        assert str(test) in str(rule)
        assert f"{float(test.amount):g}{'%' if test.relative else ''}" in str(test)
        assert test.measure.replace("_", " ") in str(test)


def test_a_page_refuses_to_speak_of_a_count_that_must_not_hold() -> None:
    spoken = Spoken({"a": "swelling", "b": "pain"}, {"a": "cm", "b": ""})
    (line,) = rule_lines({"not": of("a", above=1)}, spoken)
    assert line.text == "swelling not above 1 cm"
    with pytest.raises(ValueError, match="neither a test nor a count of tests"):
        rule_lines({"not": {"all": [of("a", above=1), of("b", above=2)]}}, spoken)


def test_a_table_within_a_table_is_said_in_words_without_its_status() -> None:
    inner = {"high": 3, "whole": True, "status": "CONFIRMED", "sources": ["rider2004"]}
    (table,) = raw_tables({"limits": [{"name": "pain", "range": inner}]})
    assert table.columns == ("name", "range")
    assert table.rows[0].cells == ("pain", "high 3, a whole number yes")


# --- what an option adds ------------------------------------------------------------------------------------


def test_a_part_that_belongs_to_an_option_is_asked_only_with_it() -> None:
    table = {"all": [of("a", above=1), of("b", above=2, option="strict")]}
    assert str(read(table)) == "a above 1"
    assert str(read(table, "strict")) == "a above 1 and b above 2"
    assert read_rule(table | {"option": "strict"}, MEASURES, frozenset()) is None


@pytest.mark.parametrize("level", ["printo-20", "printo-50", "printo-70", "printo-90"])
def test_the_worsening_limit_of_printo_is_not_asked_unless_it_is_asked_for(level: str) -> None:
    found = definition(level)
    without, limited = found.rule(found.default_options), found.rule(frozenset({"worsening-limit"}))
    assert {test.asks for test in asked_in(without)} == {Asks.IMPROVED}
    assert {test.option for test in asked_in(limited) if test.asks is Asks.WORSE} <= {"", "worsening-limit"}
    assert [test for test in asked_in(limited) if test.asks is Asks.IMPROVED] == list(asked_in(without))
    assert sum(test.asks is Asks.WORSE for test in asked_in(limited)) == 6 + 1


def test_a_definition_whose_whole_rule_is_an_option_cannot_be_applied_without_it() -> None:
    whole = replace(definition("rim-mmt-20"), table=(*of("strength", **BETTER, option="x").items(),))
    with pytest.raises(ValueError, match="rim-mmt-20: the whole rule belongs to an option"):
        whole.rule(frozenset())
    assert str(whole.rule(frozenset({"x"}))) == "strength improved by 20% or more"


# --- what is decided ----------------------------------------------------------------------------------------

A, B, C = (Test(measure, Asks.STATE, Fraction(0)) for measure in "abc")
TREES = {
    "one": A,
    "both": Count((A, B), 2),
    "either": Count((A, B), 1),
    "neither": Count((A, B), 0, 0),
    "two of three": Count((A, B, C), 2),
    "exactly one of three": Count((A, B, C), 1, 1),
    "at most one of three": Count((A, B, C), 0, 1),
    "one, and not both others": Count((A, Count((B, C), 0, 1)), 2),
}
TRUTH = {
    "one": lambda a, b, c: a,
    "both": lambda a, b, c: a and b,
    "either": lambda a, b, c: a or b,
    "neither": lambda a, b, c: not (a or b),
    "two of three": lambda a, b, c: a + b + c >= 2,
    "exactly one of three": lambda a, b, c: a + b + c == 1,
    "at most one of three": lambda a, b, c: a + b + c <= 1,
    "one, and not both others": lambda a, b, c: a and not (b and c),
}


@pytest.mark.parametrize("name", TREES)
def test_an_answer_is_given_exactly_where_every_value_of_the_unknown_leads_to_it(name: str) -> None:
    for answers in product((True, False, None), repeat=3):
        given = dict(zip((A, B, C), answers, strict=True))
        worlds = product(*((one,) if one is not None else (True, False) for one in answers))
        possible = {bool(TRUTH[name](*world)) for world in worlds}
        assert decide(TREES[name], given.__getitem__) is (possible.pop() if len(possible) == 1 else None)


@pytest.mark.parametrize("name", TREES)
def test_many_visits_are_decided_as_one_is(name: str) -> None:
    table = list(product((True, False, None), repeat=3))
    columns = {
        test: Known(
            np.array([row[place] is True for row in table]),
            np.array([row[place] is not False for row in table]),
        )
        for place, test in enumerate((A, B, C))
    }
    found = decide_columns(TREES[name], columns.__getitem__)
    for place, row in enumerate(table):
        alone = decide(TREES[name], dict(zip((A, B, C), row, strict=True)).__getitem__)
        assert (bool(found.sure[place]), bool(found.possible[place])) == (alone is True, alone is not False)


@pytest.mark.parametrize(
    ("test", "sign", "before", "now", "margin"),
    [
        (Test("a", Asks.IMPROVED, Fraction(20), relative=True), -1, 5, 4, 0),
        (Test("a", Asks.IMPROVED, Fraction(20), relative=True), 1, 50, 60, 0),
        (Test("a", Asks.WORSE, Fraction(30), relative=True), 1, 80, 60, 80 * Fraction(-30, 100) + 20),
        (Test("a", Asks.WORSE, Fraction(2)), -1, 3, 5, 0),
        (Test("a", Asks.IMPROVED, Fraction(5, 2)), -1, 9, 6, 3 - Fraction(5, 2)),
        (Test("a", Asks.STATE, Fraction(78), upward=True), 1, 0, 80, 80 - 78),
        (Test("a", Asks.STATE, Fraction(1, 5)), -1, 9, 1, Fraction(1, 5) - 1),
        (Test("a", Asks.BASELINE, Fraction(14), upward=True), -1, 15, 0, 15 - 14),
    ],
    ids=str,
)
def test_the_form_of_a_test_is_its_margin_times_a_positive_number(
    test: Test, sign: int, before: int, now: int, margin: Fraction
) -> None:
    form = test.form(sign)
    total = form.baseline * before + form.followup * now + form.constant
    assert (total > 0, total == 0) == (margin > 0, margin == 0)
