"""Words for an answer that is not plain: its status, and what is missing or awaited.

Millions of visits carry a code instead of a text: a bit for each measure missing at baseline, a bit for each missing
at the visit, and three more. The text of a code is made here, so that one visit and millions say the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from myopoise.outcomes.plan import Plan
from myopoise.outcomes.rules import Asks, tests_of

__all__ = [
    "AWAITS",
    "BEFORE",
    "BOUNDED",
    "NOT_COMPUTABLE",
    "NO_BASELINE",
    "OK",
    "STATUSES",
    "Bit",
    "asked",
    "missing_reason",
    "reason_text",
]

OK, NOT_COMPUTABLE, BOUNDED = STATUSES = ("ok", "not computable", "bounded")
"""Words of the column ``status``; their places are the codes."""

AWAITS = "holds at this visit and awaits confirmation at the next"
BEFORE = "at the visit before: "
NO_BASELINE = "no baseline visit"


class Bit:
    """Places of the bits of a code."""

    AT_BASELINE = 0
    AT_VISIT = 8
    NO_BASELINE = 16
    AWAITS = 17
    BEFORE = 18


def asked(plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Domains whose value matters at baseline, and at the visit, in the order of the definition."""
    domains = plan.definition.domains
    if plan.rule is None:
        return domains, domains
    tests = tuple(tests_of(plan.rule))
    start = {test.measure for test in tests if test.asks is not Asks.STATE}
    now = {test.measure for test in tests if test.asks is not Asks.BASELINE}
    return tuple(d for d in domains if d in start), tuple(d for d in domains if d in now)


def missing_reason(plan: Plan, at_baseline: Iterable[str], at_visit: Iterable[str]) -> str:
    """What is missing, and when; empty when nothing is."""
    parts = [
        f"missing {when}: {', '.join(_name(plan, domain) for domain in domains)}"
        for when, domains in (("at baseline", list(at_baseline)), ("at this visit", list(at_visit)))
        if domains
    ]
    return "; ".join(parts)


def _name(plan: Plan, domain: str) -> str:
    versions = plan.definition.mmt_versions
    if versions and plan.instruments[domain] == ("mmt",):
        return f"{domain} (MMT out of {' or '.join(map(str, versions))})"
    return domain


def reason_text(plan: Plan, code: int) -> str:
    """The text of a code."""
    if code >> Bit.NO_BASELINE & 1:
        return NO_BASELINE
    if code >> Bit.AWAITS & 1:
        return AWAITS
    domains = plan.definition.domains
    text = missing_reason(
        plan,
        [domain for place, domain in enumerate(domains) if code >> (Bit.AT_BASELINE + place) & 1],
        [domain for place, domain in enumerate(domains) if code >> (Bit.AT_VISIT + place) & 1],
    )
    return BEFORE + text if code >> Bit.BEFORE & 1 else text
