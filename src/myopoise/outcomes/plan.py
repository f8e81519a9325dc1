"""How a definition is applied in one run: what the protocol fixes, written down before any score is seen."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from myopoise.errors import WrongUsage
from myopoise.outcomes.definitions import Choose, Definition, Kind, definition
from myopoise.outcomes.exact import Number, exact
from myopoise.outcomes.instruments import ENZYME_UNITS, VAS_UNITS, instruments
from myopoise.outcomes.rules import Asks, Node, tests_of

__all__ = ["Missing", "Plan", "plan_for"]


class Missing(StrEnum):
    """What becomes of a visit with a missing measure."""

    STRICT = "strict"
    BOUNDS = "bounds"


@dataclass(frozen=True)
class Plan:
    """A definition with everything that a protocol fixes.

    Parameters
    ----------
    definition
        What is applied.
    instruments
        Columns that may hold each domain, in the order of preference; one, unless the definition chooses by patient.
    missing
        What becomes of a visit with a missing measure.
    vas_unit, enzyme_unit
        Units of visual analogue scales and of enzymes in the data.
    baseline_week
        Week of the baseline visit; `None` for each patient's earliest.
    enzyme_ranges
        Range of each enzyme, times its upper limit of normal; empty where enzymes are not scored.
    options
        Options of the definition that are on.
    """

    definition: Definition
    instruments: Mapping[str, tuple[str, ...]]
    missing: Missing = Missing.STRICT
    vas_unit: str = "cm"
    enzyme_unit: str = "U/L"
    baseline_week: float | None = None
    enzyme_ranges: Mapping[str, Fraction] = field(default_factory=dict)
    options: frozenset[str] = frozenset()

    @cached_property
    def rule(self) -> Node | None:
        """The tree of tests; `None` for a score."""
        return None if self.definition.kind is Kind.SCORE else self.definition.rule(self.options)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns of the instruments that this run looks at."""
        return tuple(name for domain in self.definition.domains for name in self.instruments[domain])

    @cached_property
    def needs_baseline(self) -> bool:
        """Whether anything is compared with baseline; a state is not."""
        return self.rule is None or any(test.asks is not Asks.STATE for test in tests_of(self.rule))

    @cached_property
    def needs_uln(self) -> bool:
        """Whether enzymes are read as multiples of their upper limit of normal."""
        return any(self.chosen_by_ratio(domain) for domain in self.definition.domains)

    def chosen_by_ratio(self, domain: str) -> bool:
        """Whether the measure is the most abnormal of several enzymes."""
        return self.definition.measure(domain).choose is Choose.ABNORMAL

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was fixed, in words."""
        known = instruments()
        told = [f"missing measures: {self.missing}"]
        if any(known[name].scale == "vas" for name in self.columns):
            told.append(f"visual analogue scales in {self.vas_unit}")
        if any(known[name].scale == "enzyme" for name in self.columns) and not self.needs_uln:
            told.append(f"enzymes in {self.enzyme_unit}")
        if self.enzyme_ranges:
            status = {
                row.enzyme: row.status for row in self.definition.enzyme_ranges if row.status != "CONFIRMED"
            }
            ranges = (
                f"{known[name].label} {float(times):g} × ULN"
                + (f" ({status[name]})" if self._published(name) and name in status else "")
                for name, times in self.enzyme_ranges.items()
            )
            told.append(f"range of enzymes: {', '.join(ranges)}")
        for measure in self.definition.measures:
            if measure.choose is Choose.RUN:
                told.append(
                    f"{measure.domain.replace('_', ' ')}: {', '.join(self.instruments[measure.domain])}"
                )
        if self.baseline_week is not None:
            told.append(f"baseline at week {self.baseline_week:g}")
        told += [f"with {name}" for name in sorted(self.options)]
        return tuple(told)

    def _published(self, enzyme: str) -> bool:
        return any(
            row.enzyme == enzyme and row.times_uln == self.enzyme_ranges[enzyme]
            for row in self.definition.enzyme_ranges
        )

    def __str__(self) -> str:
        """The definition and what was fixed, as one sentence."""
        return f"{self.definition.title}; {'; '.join(self.sentences)}."


def plan_for(
    name: str,
    held: Collection[str],
    *,
    missing: str = "strict",
    vas_unit: str = "cm",
    enzyme_unit: str = "U/L",
    baseline_week: float | None = None,
    chosen: Mapping[str, str] | None = None,
    enzyme_ranges: Mapping[str, Number] | None = None,
    options: Mapping[str, bool] | None = None,
) -> Plan:
    """A definition with what a protocol fixes, checked against what the data hold.

    Parameters
    ----------
    name
        Name of the definition.
    held
        Columns of the data that hold at least one value.
    missing
        ``strict`` or ``bounds``.
    vas_unit
        ``cm`` or ``mm``.
    enzyme_unit
        ``U/L`` or ``microkat/L``; it matters only where an enzyme is compared with a number rather than with its limit.
    baseline_week
        Week of the baseline visit; each patient's earliest when it is not given.
    chosen
        Instrument of a domain for the whole run, for example ``{"strength": "cmas"}``.
    enzyme_ranges
        Ranges other than those of the definition, times the upper limit of normal.
    options
        Options of the definition to turn on or off.

    Returns
    -------
    plan
        Everything the scoring needs.

    Raises
    ------
    WrongUsage
        For a word that is not known, or a choice that the protocol must make and the call did not.
    """
    found = definition(name)
    if found.kind not in (Kind.SCORE, Kind.RULE):
        raise WrongUsage(f"{name} is not applied to visits. See: myopoise outcomes show {name}")
    ranges = {row.enzyme: row.times_uln for row in found.enzyme_ranges}
    for enzyme, times in (enzyme_ranges or {}).items():
        if not ranges:
            raise WrongUsage(f"{name} gives no points for enzymes, so that no range of {enzyme} applies.")
        ranges[_known(enzyme, ranges, "an enzyme with a range in this definition")] = _positive(enzyme, times)
    return Plan(
        definition=found,
        instruments=_instruments(found, held, chosen or {}),
        missing=Missing(_known(missing, tuple(Missing), "a way with missing measures")),
        vas_unit=_known(vas_unit, VAS_UNITS, "a unit of a visual analogue scale"),
        enzyme_unit=_known(enzyme_unit, ENZYME_UNITS, "a unit of an enzyme"),
        baseline_week=baseline_week,
        enzyme_ranges=ranges,
        options=_options(found, options or {}),
    )


def _known(word: str, words: Collection[str], what: str) -> str:
    if word not in words:
        raise WrongUsage(f"'{word}' is not {what}. Choose one of {', '.join(words)}.")
    return word


def _positive(enzyme: str, times: Number) -> Fraction:
    try:
        value = exact(times)
    except (ValueError, ArithmeticError):  # not a number, a division by 0, an infinite Decimal
        value = Fraction(0)
    if value <= 0:
        raise WrongUsage(f"The range of {enzyme} must be a number above 0, in multiples of its ULN.")
    return value


def _options(found: Definition, asked: Mapping[str, bool]) -> frozenset[str]:
    names = [option.name for option in found.options]
    for name in asked:
        if name not in names:
            has = f"It has: {', '.join(names)}." if names else "It has none."
            raise WrongUsage(f"{found.name} has no option '{name}'. {has}")
    on = {option.name for option in found.options if asked.get(option.name, option.default)}
    return frozenset(on)


def _instruments(
    found: Definition, held: Collection[str], chosen: Mapping[str, str]
) -> Mapping[str, tuple[str, ...]]:
    for domain, name in chosen.items():
        measure = next((m for m in found.measures if m.domain == domain), None)
        if measure is None:
            near = difflib.get_close_matches(domain, found.domains, n=1)
            raise WrongUsage(
                f"{found.name} has no measure '{domain}'."
                + (f" Did you mean {near[0]}?" if near else f" It has {', '.join(found.domains)}.")
            )
        _known(name, measure.instruments, f"an instrument of {domain} in {found.name}")
    taken: dict[str, tuple[str, ...]] = {}
    for measure in found.measures:
        if measure.domain in chosen:
            taken[measure.domain] = (chosen[measure.domain],)
        elif measure.choose is Choose.RUN:
            taken[measure.domain] = (_only_one(found, measure.domain, measure.instruments, held),)
        else:
            taken[measure.domain] = measure.instruments
    return taken


def _only_one(found: Definition, domain: str, names: tuple[str, ...], held: Collection[str]) -> str:
    present = [name for name in names if name in held]
    if len(present) > 1:
        raise WrongUsage(
            f"The data hold {' and '.join(present)}, and {found.name} takes one of them as {domain}, for the whole "
            f"run. Say which your protocol fixed: --instrument {domain}={present[0]}, or "
            f"--instrument {domain}={present[1]}."
        )
    return present[0] if present else names[0]
