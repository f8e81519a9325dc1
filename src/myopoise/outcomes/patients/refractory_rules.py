"""The rules of refractory disease as they stand in their files: what they ask, and what they count as abnormal.

*Fact* is the word for one column of a file of patients: something known of a patient when the rule is applied, such as
how many drugs have failed. A rule is a tree of tests on facts (`myopoise.outcomes.rules`). One fact may be *counted*
instead of handed in: how many core set measures are abnormal, by cut-offs that either the rule prints or the call
states. What is abnormal is never assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from functools import cache
from typing import Any

from myopoise.errors import WrongUsage
from myopoise.outcomes.definitions import tables
from myopoise.outcomes.exact import Number, exact
from myopoise.outcomes.rules import Asks, Node, Test, read_rule, tests_of

__all__ = [
    "COUNTED",
    "MMT_VERSIONS",
    "QUOTED",
    "RULES",
    "Fact",
    "Group",
    "RefractoryRule",
    "refractory_rule",
    "weakest",
]

RULES = ("rim-adult", "rim-juvenile", "proderm", "rci", "artemis", "brazil")
"""Names of the rules; the file of each is ``refractory-<name>.toml``."""

QUOTED = "quoted"
"""Asks for the cut-offs that are often quoted for a rule which prints none (UNCONFIRMED)."""

PUBLISHED, OWN = "published", "own"
"""Whose cut-offs: printed by the rule, or stated by the call."""

COUNTED = "abnormal_measures"
"""The fact that can be counted from measures and their cut-offs."""

MMT_VERSIONS = (80, 150, 260)
"""What manual muscle testing can be out of."""

_WEAKER = ("CONFIRMED", "SECONDARY", "DERIVED", "OPERATIONAL", "UNCONFIRMED")


@dataclass(frozen=True)
class Fact:
    """One column that a rule asks for.

    Parameters
    ----------
    name
        Name of the column.
    meaning, unit
        What it holds, and the unit of the rule; ``1 or 0`` for a yes or no.
    low, high
        Limits of its values, in the unit of the rule; `high` is `None` where there is none.
    whole
        Whether only whole numbers make sense.
    out_of
        Column that says what the total is out of; the rule speaks of `high`. Empty for most facts.
    over
        Column of the upper limit of normal that the value is a multiple of; empty for all but enzymes.
    status, sources
        How well it is known that the rule asks this, and keys of the bibliography.
    """

    name: str
    meaning: str
    unit: str
    low: Fraction
    high: Fraction | None
    whole: bool = False
    out_of: str = ""
    over: str = ""
    status: str = ""
    sources: tuple[str, ...] = ()

    @property
    def companion(self) -> str:
        """The column without which its value says nothing; empty for most facts."""
        return self.out_of or self.over

    @property
    def yes_no(self) -> bool:
        """Whether it is 1 or 0."""
        return self.whole and self.low == 0 and self.high == 1

    @property
    def allowed(self) -> str:
        """What a cell may hold, in words."""
        if self.yes_no:
            return "1 for yes, 0 for no"
        kind = "a whole number" if self.whole else "a number"
        if self.high is None or self.companion:
            return f"{kind} from {float(self.low):g}"
        return f"{kind} from {float(self.low):g} to {float(self.high):g}"


@dataclass(frozen=True)
class Group:
    """One core set measure, and when it is abnormal: any of its tests holds.

    Parameters
    ----------
    measure
        Which measure.
    tests
        One for each column that can show it.
    """

    measure: str
    tests: tuple[Test, ...]


@dataclass(frozen=True)
class RefractoryRule:
    """One rule of refractory disease, with what the call fixed.

    Parameters
    ----------
    name, title, population
        How it is named, what it is, for whom.
    node
        The tree of tests.
    facts
        All it can ask for, in the order of its file.
    groups
        The measures counted as abnormal; empty where their number is handed in.
    cutoffs
        Whose cut-offs these are: ``published``, ``quoted`` or ``own``; empty where there are none.
    status, sources
        The weakest status among the tests and cut-offs, and keys of the bibliography.
    """

    name: str
    title: str
    population: str
    node: Node
    facts: tuple[Fact, ...]
    groups: tuple[Group, ...] = ()
    cutoffs: str = ""
    status: str = ""
    sources: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name, with whose cut-offs were used where the rule prints none."""
        if self.cutoffs_stated:
            return f"{self.name} with {self.cutoffs} cut-offs ({self.cutoffs_status})"
        return self.name

    @property
    def cutoffs_stated(self) -> bool:
        """Whether the cut-offs come from the call and not from the rule."""
        return self.cutoffs in (QUOTED, OWN)

    @property
    def cutoffs_status(self) -> str:
        """How well the cut-offs are known; empty where there are none."""
        return self.groups[0].tests[0].status if self.groups else ""

    @property
    def tests(self) -> tuple[Test, ...]:
        """The tests of the tree, each once."""
        return tuple(dict.fromkeys(tests_of(self.node)))

    @property
    def asked(self) -> tuple[Fact, ...]:
        """The facts of the tree, in its order."""
        names = dict.fromkeys(test.measure for test in self.tests)
        return tuple(self.fact(name) for name in names)

    @property
    def read(self) -> Mapping[Fact, tuple[Test, ...]]:
        """The facts that are read from columns, and the tests on each."""
        found: dict[Fact, tuple[Test, ...]] = {}
        counted = [test for group in self.groups for test in group.tests]
        for test in (*self.tests, *counted):
            if not (self.groups and test.measure == COUNTED):
                fact = self.fact(test.measure)
                found[fact] = (*found.get(fact, ()), test)
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a file of patients that it looks at, beside ``patient``."""
        names = [name for fact in self.read for name in (fact.name, fact.companion) if name]
        return tuple(dict.fromkeys(names))

    def fact(self, name: str) -> Fact:
        """The fact of a name."""
        return next(fact for fact in self.facts if fact.name == name)

    def __str__(self) -> str:
        """Title, name and status."""
        return f"{self.title} ({self.label}, {self.status})"


def weakest(statuses: Iterable[str]) -> str:
    """The weakest of some words of status."""
    return max(statuses, key=_WEAKER.index)


def refractory_rule(name: str, cutoffs: str | Mapping[str, Number] | None = None) -> RefractoryRule:
    """The rule of a name, with the cut-offs that the call states.

    Parameters
    ----------
    name
        One of `RULES`.
    cutoffs
        For a rule that prints no cut-offs (``rim-adult``, ``rim-juvenile``): ``"quoted"`` for those often quoted,
        which are UNCONFIRMED, or a number for each of ``patient_global``, ``physician_global``, ``function``,
        ``enzyme`` (multiples of the upper limit of normal) and ``extramuscular``, from which the measure is abnormal.
        Without them the number of abnormal measures is a fact to hand in.

    Raises
    ------
    WrongUsage
        If there is no such rule, or the rule has no use for these cut-offs.

    Examples
    --------
    >>> refractory_rule("rim-adult", cutoffs="quoted").label
    'rim-adult with quoted cut-offs (UNCONFIRMED)'
    """
    if name not in RULES:
        near = get_close_matches(name.casefold(), RULES, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise WrongUsage(
            f"There is no rule of refractory disease '{name}'. {hint}Allowed: {', '.join(RULES)}."
        )
    rule, groups, whose = _read(name)
    if cutoffs is None:
        return _with_groups(rule, groups, whose) if whose == PUBLISHED else rule
    if whose != QUOTED:
        why = "it prints its own" if groups else "it counts nothing from measures"
        raise WrongUsage(f"{name} takes no cut-offs: {why}. Leave them out.")
    return _with_groups(rule, *_chosen(rule, groups, cutoffs))


def _with_groups(rule: RefractoryRule, groups: tuple[Group, ...], whose: str) -> RefractoryRule:
    statuses = {rule.status, *(test.status for group in groups for test in group.tests)}
    return replace(rule, groups=groups, cutoffs=whose, status=weakest(statuses))


def _chosen(
    rule: RefractoryRule, groups: tuple[Group, ...], cutoffs: str | Mapping[str, Number]
) -> tuple[tuple[Group, ...], str]:
    """The measures with the cut-offs of the call, and whose they are."""
    if cutoffs == QUOTED:
        return groups, QUOTED
    wanted = [group.measure for group in groups]
    if isinstance(cutoffs, str) or set(cutoffs) != set(wanted):
        raise WrongUsage(
            f"The cut-offs of {rule.name} are '{QUOTED}', or one number for each of {', '.join(wanted)}."
        )
    return tuple(_own(rule, group, cutoffs[group.measure]) for group in groups), OWN


def _own(rule: RefractoryRule, group: Group, cutoff: Number) -> Group:
    amount = exact(cutoff)
    high = rule.fact(group.tests[0].measure).high
    # A float must hold the cut-off as written, or millions of patients would be compared with another number.
    if amount <= 0 or (high is not None and amount > high) or exact(float(amount)) != amount:
        top = "" if high is None else f" and at most {float(high):g}"
        raise WrongUsage(f"The cut-off of {group.measure} is a plain decimal above 0{top}; found {cutoff}.")
    tests = (replace(test, amount=amount, status="OPERATIONAL", sources=()) for test in group.tests)
    return Group(group.measure, tuple(tests))


# --- reading ----------------------------------------------------------------------------------------------


@cache
def _read(name: str) -> tuple[RefractoryRule, tuple[Group, ...], str]:
    """The rule as its file has it, the measures it can count, and whose cut-offs these are."""
    table = tables()[f"refractory-{name}"]
    facts = tuple(_fact(row) for row in table["facts"])
    node = read_rule(table["rule"], (), frozenset())
    assert node is not None
    rule = RefractoryRule(
        name=name,
        title=table["title"],
        population=table["population"],
        node=node,
        facts=facts,
        status=table["status"],
        sources=tuple(table["sources"]),
    )
    groups = tuple(_group(row) for row in table.get("cutoffs", ()))
    return rule, groups, table["counting"]["cutoffs"] if groups else ""


def _fact(row: Mapping[str, Any]) -> Fact:
    return Fact(
        name=row["name"],
        meaning=row["meaning"],
        unit=row["unit"],
        low=exact(row["low"]),
        high=exact(row["high"]) if "high" in row else None,
        whole=row.get("whole", False),
        out_of=row.get("out_of", ""),
        over=row.get("over", ""),
        status=row["status"],
        sources=tuple(row["sources"]),
    )


def _group(row: Mapping[str, Any]) -> Group:
    beyond = "above" in row
    amount = exact(row["above"] if beyond else row["at_least"])
    told = {"beyond": beyond, "upward": True, "status": row["status"], "sources": tuple(row["sources"])}
    return Group(row["measure"], tuple(Test(name, Asks.STATE, amount, **told) for name in row["columns"]))
