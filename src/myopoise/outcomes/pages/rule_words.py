"""A rule as sentences: one line for each thing it asks, indented below what holds the lines together.

The lines are made from the table of the file and not from the tree that decides, because the table still knows that
*at least three of the six* is one question, which the tree has spread over six tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from myopoise.outcomes.definitions import Definition
from myopoise.outcomes.instruments import instruments
from myopoise.outcomes.rules import Asks, Test, read_rule, tests_of

__all__ = [
    "RuleLine",
    "Spoken",
    "doubtful_lines",
    "rule_lead",
    "rule_lines",
    "spoken_facts",
    "spoken_measures",
]

Table = Mapping[str, Any]

YES_NO = "1 or 0"
"""Unit of a fact that is there or not."""


@dataclass(frozen=True)
class RuleLine:
    """One line of a rule.

    Parameters
    ----------
    depth
        How many lines it stands below.
    text
        What it asks.
    option
        Option of the definition that brings it in; empty when it is always asked.
    status, sources
        How well it is known: its own word, or that of the line it stands below.
    whole
        The line with those below it, in one sentence.
    repeats
        Whether status and sources only repeat those of the line it stands below.
    """

    depth: int
    text: str
    option: str
    status: str
    sources: tuple[str, ...]
    whole: str
    repeats: bool = False


@dataclass(frozen=True)
class Spoken:
    """What the measures of a rule are called, and their units.

    Parameters
    ----------
    labels, units
        By measure; a unit is empty where there is none.
    """

    labels: Mapping[str, str]
    units: Mapping[str, str]


def spoken_measures(definition: Definition) -> Spoken:
    """The measures of a rule that is applied to visits; a unit where their instruments share one."""
    units = {
        measure.domain: {instruments()[name].unit for name in measure.instruments}
        for measure in definition.measures
    }
    return Spoken(
        {measure.domain: measure.label for measure in definition.measures},
        {domain: found.pop() if len(found) == 1 else "" for domain, found in units.items()},
    )


def spoken_facts(facts: tuple[Table, ...]) -> Spoken:
    """The facts of a rule that asks about a patient's history; of each meaning the part before a semicolon."""
    return Spoken(
        {fact["name"]: fact["meaning"].split(";")[0] for fact in facts},
        {fact["name"]: fact.get("unit", "") for fact in facts},
    )


def rule_lines(table: Table, spoken: Spoken) -> tuple[RuleLine, ...]:
    """The lines of a rule, from the top.

    Parameters
    ----------
    table
        The rule as its file has it; nothing for a definition without one.
    spoken
        What its measures are called.
    """
    return tuple(_lines(table, spoken, RuleLine(0, "", "", "", (), ""))) if table else ()


def rule_lead(definition: Definition) -> tuple[str, ...]:
    """What is said before the lines: what the answer is called, and how values are compared."""
    if not definition.table:
        return ()
    yes, no = definition.words
    times = f" at {definition.consecutive} visits in a row" if definition.consecutive > 1 else ""
    said = [f"The answer is '{yes}' when this holds{times}, otherwise '{no}'."]
    tests = list(tests_of(definition.rule(frozenset(option.name for option in definition.options))))
    if any(test.relative for test in tests):
        said.append("Percentages are of the baseline value.")
    if any(test.asks in (Asks.IMPROVED, Asks.WORSE) and not test.relative for test in tests):
        said.append("Changes in points or centimetres are differences from baseline.")
    if definition.counted:
        said.append(f"The score is how many of the {len(tests)} tests hold.")
    if definition.mmt_versions:
        said.append(f"MMT out of {' or '.join(map(str, definition.mmt_versions))} is accepted.")
    return tuple(said)


def doubtful_lines(lines: tuple[RuleLine, ...]) -> tuple[RuleLine, ...]:
    """The lines that are not confirmed, without those that only repeat the status of the line they stand below."""
    return tuple(line for line in lines if line.status not in ("", "CONFIRMED") and not line.repeats)


def _lines(table: Table, spoken: Spoken, above: RuleLine) -> Iterator[RuleLine]:
    told = replace(
        above,
        text=_text(table, spoken),
        whole=_whole(table, spoken),
        option=table.get("option", above.option),
        status=table.get("status", above.status),
        sources=tuple(table.get("sources", above.sources)),
    )
    yield replace(
        told, repeats=bool(above.status) and (told.status, told.sources) == (above.status, above.sources)
    )
    for part in _parts(table):
        yield from _lines(part, spoken, replace(told, depth=told.depth + 1))


def _parts(table: Table) -> tuple[Table, ...]:
    """Parts that stand on lines of their own."""
    return tuple(table.get("all", table.get("any", table.get("of", ()))))


def _whole(table: Table, spoken: Spoken) -> str:
    parts = [_whole(part, spoken) for part in _parts(table)]
    return f"{_text(table, spoken)} {'; '.join(parts)}" if parts else _text(table, spoken)


def _text(table: Table, spoken: Spoken) -> str:
    count = len(_parts(table))
    if "all" in table:
        return "both of these:" if count == 2 else "all of these:"
    if "any" in table:
        return "at least one of these:"
    if "not" in table:
        return _test(table["not"], spoken, negated=True)
    if "of" in table:
        return f"{_how_many(table)} of these {count}:"
    if "of_each" in table:
        return _of_each(table, spoken)
    return _test(table, spoken)


def _how_many(table: Table) -> str:
    """How many of several must hold, and may."""
    least, most = table.get("at_least"), table.get("at_most")
    said = [f"at least {least}"] if least is not None else []
    said += [f"no more than {most}"] if most is not None else []
    return " and ".join(said)


def _of_each(table: Table, spoken: Spoken) -> str:
    domains = tuple(spoken.labels)
    test = _read({"measure": domains[0], **table["of_each"]})
    return f"{_how_many(table)} of the {len(domains)} measures {_asked(test, '')}"


def _test(table: Table, spoken: Spoken, *, negated: bool = False) -> str:
    test = _read(table)
    label, unit = spoken.labels[test.measure], spoken.units[test.measure]
    no = "not " if negated else ""
    if unit == YES_NO:
        return f"{no}{label}" if test.upward else f"not so: {label}"
    # A fact is a clause ('how many drugs are taken'), which a number follows better behind a colon.
    joint = ": " if label.startswith("how ") or "," in label else " "
    return f"{label}{joint}{no}{_asked(test, '' if label.startswith('how many') else unit)}"


def _read(table: Table) -> Test:
    node = read_rule({**table, "option": ""}, (), frozenset())
    if not isinstance(node, Test):
        raise ValueError("a part of a rule that is neither a test nor a count of tests")
    return node


def _asked(test: Test, unit: str) -> str:
    """What a test asks, without the measure."""
    size = f"{float(test.amount):g}" + ("%" if test.relative else f" {test.unit or unit}".rstrip())
    if test.asks in (Asks.IMPROVED, Asks.WORSE):
        how = f"by more than {size}" if test.beyond else f"by {size} or more"
        return f"{test.asks} {how}"
    where = "at baseline " if test.asks is Asks.BASELINE else ""
    if test.upward:
        return f"{where}{'above' if test.beyond else 'at least'} {size}"
    return f"{where}{'below' if test.beyond else 'at most'} {size}"
