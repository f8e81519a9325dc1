"""Rules as trees: tests of single measures, and how many of them must hold.

A published rule such as *at least three of six improved by 20%, no more than two worse by 25%, and not muscle
strength* is data. The code knows only how to decide one test exactly and how to count, with three answers: yes, no,
and unknown because a measure is missing. Every test points one way (a better value never spoils an improvement), so
what the counting leaves unknown really does depend on the missing value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myopoise.outcomes.exact import exact

__all__ = [
    "Asks",
    "Count",
    "Form",
    "Known",
    "Node",
    "Test",
    "decide",
    "decide_columns",
    "read_rule",
    "tests_of",
]


class Asks(StrEnum):
    """What a test looks at."""

    IMPROVED = "improved"
    WORSE = "worse"
    STATE = "state"
    BASELINE = "baseline"


@dataclass(frozen=True)
class Form:
    """A test as a sum that must not be negative: baseline and follow-up times whole numbers, plus a constant.

    Parameters
    ----------
    baseline, followup, constant
        Whole numbers.
    """

    baseline: int
    followup: int
    constant: int


@dataclass(frozen=True)
class Test:
    """One question about one measure.

    Parameters
    ----------
    measure
        Domain of the definition.
    asks
        Whether it is about a change, or about the value itself at the visit or at baseline.
    amount
        How much: percent of baseline, or the unit of the instrument.
    relative
        Whether `amount` is percent of baseline.
    beyond
        Whether exactly `amount` is not enough.
    upward
        For a value itself: whether it must be high.
    unit
        Unit of `amount` for an enzyme; empty for the unit of the instrument.
    option
        Option of the definition that brings this test in; empty when it is always asked.
    status, sources
        How well the number is known.
    """

    __test__ = False  # so that the collector of tests does not take it for one

    measure: str
    asks: Asks
    amount: Fraction
    relative: bool = False
    beyond: bool = False
    upward: bool = False
    unit: str = ""
    option: str = ""
    status: str = ""
    sources: tuple[str, ...] = ()

    def form(self, sign: int) -> Form:
        """The sum that tells the answer.

        Parameters
        ----------
        sign
            1 where higher is better, -1 where lower is.
        """
        way = {Asks.IMPROVED: sign, Asks.WORSE: -sign}.get(self.asks, 1 if self.upward else -1)
        if self.relative:
            parts = (Fraction(-100 * way) - self.amount, Fraction(100 * way), Fraction(0))
        elif self.asks is Asks.STATE:
            parts = (Fraction(0), Fraction(way), -way * self.amount)
        elif self.asks is Asks.BASELINE:
            parts = (Fraction(way), Fraction(0), -way * self.amount)
        else:
            parts = (Fraction(-way), Fraction(way), -self.amount)
        scale = np.lcm.reduce([part.denominator for part in parts])
        return Form(*(int(part * int(scale)) for part in parts))

    def __str__(self) -> str:
        """The question in words."""
        size = f"{float(self.amount):g}" + ("%" if self.relative else f" {self.unit}".rstrip())
        if self.asks in (Asks.IMPROVED, Asks.WORSE):
            return f"{_words(self.measure)} {self.asks} by {'more than ' if self.beyond else ''}{size}" + (
                "" if self.beyond else " or more"
            )
        where = " at baseline" if self.asks is Asks.BASELINE else ""
        how = {
            (True, False): "at least",
            (False, False): "at most",
            (True, True): "above",
            (False, True): "below",
        }[self.upward, self.beyond]
        return f"{_words(self.measure)}{where} {how} {size}"


@dataclass(frozen=True)
class Count:
    """How many of several parts must hold.

    Parameters
    ----------
    parts
        Tests, or counts of tests.
    low, high
        Fewest and most of them that may hold; `high` is `None` for any number.
    option, status, sources
        As for a test.
    """

    parts: tuple[Node, ...]
    low: int = 0
    high: int | None = None
    option: str = ""
    status: str = ""
    sources: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The count in words."""
        inside = [
            f"({part})" if isinstance(part, Count) and len(part.parts) > 1 else str(part)
            for part in self.parts
        ]
        if self.high == 0:
            return f"not {' or '.join(inside)}"
        if self.high is not None:
            least = f"at least {self.low} and " if self.low else ""
            return f"{least}at most {self.high} of: {'; '.join(inside)}"
        if self.low == len(self.parts):
            return " and ".join(inside)
        if self.low == 1:
            return " or ".join(inside)
        return f"at least {self.low} of: {'; '.join(inside)}"


Node = Test | Count


def tests_of(node: Node) -> Iterator[Test]:
    """Every test of a rule, from left to right."""
    if isinstance(node, Test):
        yield node
    else:
        for part in node.parts:
            yield from tests_of(part)


# --- deciding ---------------------------------------------------------------------------------------------


def decide(node: Node, answer: Callable[[Test], bool | None]) -> bool | None:
    """Whether a rule holds for one patient; `None` where that depends on what is missing.

    Parameters
    ----------
    node
        The rule.
    answer
        The answer to each test.
    """
    if isinstance(node, Test):
        return answer(node)
    answers = [decide(part, answer) for part in node.parts]
    sure = sum(found is True for found in answers)
    possible = sum(found is not False for found in answers)
    high = len(answers) if node.high is None else node.high
    if possible < node.low or sure > high:
        return False
    return True if sure >= node.low and possible <= high else None


@dataclass(frozen=True)
class Known:
    """Answers for many visits: what surely holds, and what may.

    Parameters
    ----------
    sure, possible
        ``(visit,)``; `sure` implies `possible`, and a visit where they differ is unknown.
    """

    sure: NDArray[np.bool_]
    possible: NDArray[np.bool_]


def decide_columns(node: Node, answer: Callable[[Test], Known]) -> Known:
    """Whether a rule holds for each of many visits.

    Parameters
    ----------
    node
        The rule.
    answer
        The answers to each test.
    """
    if isinstance(node, Test):
        return answer(node)
    answers = [decide_columns(part, answer) for part in node.parts]
    high = len(answers) if node.high is None else node.high
    sure = _total(found.sure for found in answers)
    possible = _total(found.possible for found in answers)
    return Known(
        sure=(sure >= node.low) & (possible <= high),
        possible=(possible >= node.low) & (sure <= high),
    )


def _total(columns: Iterator[NDArray[np.bool_]]) -> NDArray[np.int8]:
    first, *rest = columns
    total = first.astype(np.int8)
    for column in rest:
        total += column
    return total


# --- reading ----------------------------------------------------------------------------------------------

_STATES = {
    "at_least": (True, False),
    "at_most": (False, False),
    "above": (True, True),
    "below": (False, True),
}


def read_rule(table: Mapping[str, Any], measures: Sequence[str], options: frozenset[str]) -> Node | None:
    """The rule of a definition, with the options that were chosen.

    Parameters
    ----------
    table
        As the file of the definition has it.
    measures
        Domains of the definition, for the parts that ask the same of each.
    options
        Names of the options that are on.

    Returns
    -------
    node
        `None` for a part that belongs to an option that is off.
    """
    option = table.get("option", "")
    if option and option not in options:
        return None
    told = {"option": option, "status": table.get("status", ""), "sources": tuple(table.get("sources", ()))}
    if "measure" in table:
        return _test(table, told)
    parts, low, high = _counted(table, measures)
    read = [read_rule(part, measures, options) for part in parts]
    kept = tuple(part for part in read if part is not None)
    return Count(kept, len(kept) if low is None else low, high, **told)


def _counted(
    table: Mapping[str, Any], measures: Sequence[str]
) -> tuple[Sequence[Mapping[str, Any]], int | None, int | None]:
    """Parts of a count, and the fewest and most that may hold; `None` as the fewest means all."""
    if "all" in table:
        return table["all"], None, None
    if "any" in table:
        return table["any"], 1, None
    if "not" in table:
        return [table["not"]], 0, 0
    parts = table["of"] if "of" in table else [{"measure": name, **table["of_each"]} for name in measures]
    return parts, table.get("at_least", 0), table.get("at_most")


def _test(table: Mapping[str, Any], told: Mapping[str, Any]) -> Test:
    if "change" in table:
        amount = table["percent"] if "percent" in table else table["units"]
        return Test(
            table["measure"],
            Asks(table["change"]),
            exact(amount),
            relative="percent" in table,
            beyond=table.get("beyond", False),
            unit=table.get("unit", ""),
            **told,
        )
    (how,) = table.keys() & _STATES.keys()
    upward, beyond = _STATES[how]
    return Test(
        table["measure"],
        Asks.BASELINE if table.get("at_baseline") else Asks.STATE,
        exact(table[how]),
        beyond=beyond,
        upward=upward,
        unit=table.get("unit", ""),
        **told,
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
