"""From what the tests on each fact say to the answer of a rule: met, not met, or unknown and what that turns on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil, floor

import numpy as np

from myopoise.outcomes.patients.refractory_rules import COUNTED, Fact, RefractoryRule, weakest
from myopoise.outcomes.rules import Known, Node, Test, decide, decide_columns

__all__ = ["JOINED", "Gap", "Judge", "Refractory", "Result", "holds", "mask"]

JOINED = "; "
"""Stands between several entries of one cell of the results."""


class Result(StrEnum):
    """What a rule says of a patient."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Refractory:
    """The answer of one rule for one patient.

    Parameters
    ----------
    rule
        Name of the rule, with whose cut-offs were used where it prints none.
    result
        Met, not met or unknown.
    missing
        Where unknown: the columns that could change the answer, alone or together with others; none that could not.
    decided_by
        Where met or not met: what is true of the patient and led there.
    status
        The weakest status among what decided; for an unknown answer, of the rule.
    """

    rule: str
    result: Result
    missing: tuple[str, ...]
    decided_by: tuple[str, ...]
    status: str

    def __str__(self) -> str:
        """The answer in one sentence."""
        if self.result is Result.UNKNOWN:
            return f"{self.rule} cannot be decided: it turns on {', '.join(self.missing)} ({self.status})."
        return f"{self.rule} is {self.result}: {JOINED.join(self.decided_by)} ({self.status})."


# --- what is known of a fact ------------------------------------------------------------------------------


class Gap:
    """Why the tests on a fact have no answer; codes from 0 up say which of them hold, a bit for each."""

    VALUE, COMPANION, BOTH, SCALE = -1, -2, -3, -4


def mask(tests: tuple[Test, ...], value: Fraction) -> int:
    """A bit for each test that holds of a value."""
    return sum(holds(test, value) << place for place, test in enumerate(tests))


def holds(test: Test, value: Fraction) -> bool:
    """Whether a test holds of a value, exactly."""
    over = value - test.amount if test.upward else test.amount - value
    return over > 0 if test.beyond else over >= 0


# --- the answer -------------------------------------------------------------------------------------------

_Possible = tuple[tuple[int, ...], ...]
"""For each fact of the tree, in its order, all that the tests on it can say."""


@dataclass(frozen=True)
class _Settled:
    """A result, the tests that decided it, and the facts that could change it."""

    result: Result
    decisive: tuple[Test, ...] = ()
    pivotal: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judge:
    """A rule with what it has already worked out, for patients who are alike in what decides."""

    rule: RefractoryRule
    settled: dict[_Possible, _Settled] = field(default_factory=dict)

    @cached_property
    def asked(self) -> Mapping[str, tuple[Test, ...]]:
        """The facts of the tree, and the tests on each."""
        tests = self.rule.tests
        return {fact.name: tuple(t for t in tests if t.measure == fact.name) for fact in self.rule.asked}

    @cached_property
    def attainable(self) -> Mapping[str, tuple[int, ...]]:
        """What the tests on each fact of the tree can say when nothing is known of it."""
        return {name: _attainable(self.rule.fact(name), tests) for name, tests in self.asked.items()}

    def answer(self, codes: Mapping[str, int]) -> Refractory:
        """The answer, from what the tests on each fact say."""
        abnormal = {
            group.measure: _any_holds([codes[test.measure] for test in group.tests])
            for group in self.rule.groups
        }
        possible = tuple(self._possible(name, codes, abnormal) for name in self.asked)
        if possible not in self.settled:
            self.settled[possible] = self._settle(possible)
        found = self.settled[possible]
        label = self.rule.label
        if found.result is Result.UNKNOWN:
            missing = tuple(self._missing(found.pivotal, codes, abnormal))
            return Refractory(label, found.result, missing, (), self.rule.status)
        words = (self._statement(test, found.result, abnormal) for test in found.decisive)
        return Refractory(label, found.result, (), tuple(words), self._status(found.decisive))

    def _counts(self, name: str) -> bool:
        """Whether a fact is counted from measures instead of handed in."""
        return bool(self.rule.groups) and name == COUNTED

    def _possible(
        self, name: str, codes: Mapping[str, int], abnormal: Mapping[str, bool | None]
    ) -> tuple[int, ...]:
        """What the tests on a fact can say, given what is known of it."""
        if self._counts(name):
            sure = sum(found is True for found in abnormal.values())
            most = sum(found is not False for found in abnormal.values())
            counts = range(sure, most + 1)
            return tuple(sorted({mask(self.asked[name], Fraction(count)) for count in counts}))
        return (codes[name],) if codes[name] >= 0 else self.attainable[name]

    def _settle(self, possible: _Possible) -> _Settled:
        """The result, and why.

        Notes
        -----
        Counting sure and possible tests decides these rules exactly: no two tests of one fact stand where an answer
        to both, together impossible, could settle a rule. The tests try every completion to make sure.
        """
        said = dict(self._said(possible))
        met = decide(self.rule.node, said.__getitem__)
        if met is None:
            return _Settled(Result.UNKNOWN, pivotal=self._pivotal(possible))
        decisive = tuple(dict.fromkeys(_decisive(self.rule.node, met, said)))
        return _Settled(Result.MET if met else Result.NOT_MET, decisive)

    def _said(self, possible: _Possible) -> Iterator[tuple[Test, bool | None]]:
        """Each test with its answer, `None` where it can be either."""
        for tests, masks in zip(self.asked.values(), possible, strict=True):
            for place, test in enumerate(tests):
                answers = {one >> place & 1 == 1 for one in masks}
                yield test, answers.pop() if len(answers) == 1 else None

    def _pivotal(self, possible: _Possible) -> tuple[str, ...]:
        """The facts that can change the result, for some completion of the others: all completions are tried."""
        sizes = [len(masks) for masks in possible]
        grid = np.indices(sizes).reshape(len(sizes), -1)
        completions: dict[Test, Known] = {}
        for tests, masks, chosen in zip(self.asked.values(), possible, grid, strict=True):
            for place, test in enumerate(tests):
                found = np.array([one >> place & 1 == 1 for one in masks])[chosen]
                completions[test] = Known(found, found)
        met = decide_columns(self.rule.node, completions.__getitem__).sure.reshape(sizes)
        axes = enumerate(self.asked)
        return tuple(name for axis, name in axes if (met != met.take([0], axis)).any())

    def _missing(
        self, pivotal: tuple[str, ...], codes: Mapping[str, int], abnormal: Mapping[str, bool | None]
    ) -> Iterator[str]:
        """The columns to fill in."""
        for name in pivotal:
            names: Iterable[str] = (name,)
            if self._counts(name):
                undecided = (group for group in self.rule.groups if abnormal[group.measure] is None)
                names = (test.measure for group in undecided for test in group.tests)
            for column in names:
                yield from _columns_of(self.rule.fact(column), codes[column])

    def _statement(self, test: Test, result: Result, abnormal: Mapping[str, bool | None]) -> str:
        """What is true of the patient, whichever way the test went."""
        fact = self.rule.fact(test.measure)
        met = result is Result.MET
        if fact.yes_no:
            return f"{_words(fact.name)}: {'yes' if met else 'no'}"
        said = str(test if met else replace(test, upward=not test.upward, beyond=not test.beyond))
        if fact.out_of and fact.high is not None:
            return f"{said} out of {int(fact.high)}"
        if self._counts(fact.name):
            names = ", ".join(_words(name) for name, found in abnormal.items() if found)
            return f"{said} ({names or 'none'})"
        return said

    def _status(self, decisive: tuple[Test, ...]) -> str:
        counted = any(self._counts(test.measure) for test in decisive)
        return weakest([test.status for test in decisive] + [self.rule.cutoffs_status] * counted)


def _decisive(node: Node, result: bool, said: Mapping[Test, bool | None]) -> Iterator[Test]:
    """The tests that led to the result, from left to right."""
    if isinstance(node, Test):
        yield node
        return
    for part in node.parts:
        if decide(part, said.__getitem__) is result:
            yield from _decisive(part, result, said)


def _attainable(fact: Fact, tests: tuple[Test, ...]) -> tuple[int, ...]:
    """All that the tests on a fact can say together: tried at each amount, beside it, between, and at the ends."""
    amounts = sorted({test.amount for test in tests})
    tried = {fact.low, *(amount + step for amount in amounts for step in (-1, 0, 1))}
    tried |= {(lower + upper) / 2 for lower, upper in pairwise(amounts)}
    high = max(tried) if fact.high is None else fact.high
    tried.add(high)
    if fact.whole:
        tried = {Fraction(end(value)) for value in tried for end in (floor, ceil)}
    return tuple(sorted({mask(tests, value) for value in tried if fact.low <= value <= high}))


def _any_holds(codes: list[int]) -> bool | None:
    """Whether a measure is abnormal in any of its columns, each with one test."""
    if 1 in codes:
        return True
    return None if min(codes) < 0 else False


def _columns_of(fact: Fact, code: int) -> tuple[str, ...]:
    """What to fill in, by why a fact is not known; nothing where it is."""
    return {
        Gap.VALUE: (fact.name,),
        Gap.COMPANION: (fact.companion,),
        Gap.BOTH: (fact.name, fact.companion),
        Gap.SCALE: (f"{fact.name} out of {fact.high}",),
    }.get(code, ())


def _words(name: str) -> str:
    return name.replace("_", " ")
