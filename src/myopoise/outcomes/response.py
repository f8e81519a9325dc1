"""The response of one patient at one visit, in exact arithmetic and with every step shown.

This is the definition in code: a reader with the paper in hand can follow it line by line. `myopoise.outcomes.columnar`
answers the same questions for millions of visits, and must give the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from myopoise.outcomes.definitions import Category, Measure
from myopoise.outcomes.exact import Number, exact
from myopoise.outcomes.instruments import ENZYME_UNITS, VAS_UNITS, Scale, instruments
from myopoise.outcomes.plan import Missing, Plan
from myopoise.outcomes.reasons import (
    AWAITS,
    BEFORE,
    BOUNDED,
    NO_BASELINE,
    NOT_COMPUTABLE,
    OK,
    asked,
    missing_reason,
)
from myopoise.outcomes.rules import Test, decide, tests_of

__all__ = ["Earned", "Response", "Visit", "respond", "respond_course", "visit"]


@dataclass(frozen=True)
class Visit:
    """What was measured at one visit.

    Parameters
    ----------
    week
        Weeks since the start; any number.
    values
        Column names of `myopoise.outcomes.visits` and exact numbers; a measure that is missing is not there.
    """

    week: float
    values: Mapping[str, Fraction] = field(hash=False)


def visit(week: float, **values: Number | None) -> Visit:
    """A visit from plain numbers, each taken as it was written.

    Examples
    --------
    >>> visit(0, physician_global=5.5, mmt=120, mmt_max=150).values["physician_global"]
    Fraction(11, 2)
    """
    return Visit(week, {name: exact(value) for name, value in values.items() if value is not None})


@dataclass(frozen=True)
class Earned:
    """What one measure contributed to a score.

    Parameters
    ----------
    domain, instrument
        Which measure, and the column it was read from; empty when no column held it.
    baseline, followup
        Values in the unit of the instrument; enzymes as multiples of their upper limit of normal; `None` if missing.
    scale_range
        What improvement is divided by, same unit.
    percent
        Improvement, percent of the range; below 0 when worse.
    points
        Points earned; `None` if missing.
    least, most
        Fewest and most points it may have earned.
    """

    domain: str
    instrument: str
    baseline: Fraction | None
    followup: Fraction | None
    scale_range: Fraction | None
    percent: Fraction | None
    points: Fraction | None
    least: Fraction
    most: Fraction


@dataclass(frozen=True)
class Response:
    """The answer of a definition at one visit.

    Parameters
    ----------
    week
        Week of the visit.
    definition
        Name of the definition.
    status
        ``ok``, ``not computable`` or ``bounded``.
    category
        The word of the definition; empty where it cannot be told.
    score, score_low, score_high
        The score, and the bounds it lies between; `None` where there is none.
    enzyme
        The enzyme that was followed; empty where none.
    measures
        What each measure contributed; empty for a rule.
    reason
        Why there is no answer, or what to know about it.
    """

    week: float
    definition: str
    status: str
    category: str = ""
    score: Fraction | None = None
    score_low: Fraction | None = None
    score_high: Fraction | None = None
    enzyme: str = ""
    measures: tuple[Earned, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        """The answer in one line."""
        if self.status == NOT_COMPUTABLE:
            return f"{self.definition}, week {self.week:g}: not computable ({self.reason})"
        score = "" if self.score is None else f" {float(self.score):g}"
        if self.status == BOUNDED and self.score_low is not None and self.score_high is not None:
            score = f" between {float(self.score_low):g} and {float(self.score_high):g}"
        return f"{self.definition}, week {self.week:g}:{score} {self.category or 'category not settled'}".rstrip()


def respond(baseline: Visit | None, followup: Visit, plan: Plan) -> Response:
    """The response at one visit, compared with baseline.

    Parameters
    ----------
    baseline
        The baseline visit; `None` where the patient has none.
    followup
        The visit to judge.
    plan
        The definition and what the protocol fixes. A rule that must hold at several visits in a row is answered by
        `respond_course`; here it is answered for this visit alone.
    """
    if baseline is None:
        if plan.needs_baseline:
            return Response(followup.week, plan.definition.name, NOT_COMPUTABLE, reason=NO_BASELINE)
        baseline = Visit(followup.week, {})
    held = {domain: _held(plan, domain, baseline, followup) for domain in plan.definition.domains}
    enzyme = next((h.instrument for d, h in held.items() if plan.chosen_by_ratio(d)), "")
    return (
        _scored(held, followup.week, plan, enzyme)
        if plan.rule is None
        else _ruled(held, followup.week, plan, enzyme)
    )


def respond_course(visits: Sequence[Visit], plan: Plan) -> tuple[Response, ...]:
    """The responses at every follow-up visit of one patient, in the order of weeks.

    Parameters
    ----------
    visits
        All visits of the patient, each week once, in any order.
    plan
        The definition and what the protocol fixes.

    Returns
    -------
    responses
        One for each visit after baseline; for a definition that needs no baseline and a patient seen once, one.
    """
    ordered = sorted(visits, key=lambda one: one.week)
    start = ordered[0].week if plan.baseline_week is None else plan.baseline_week
    baseline = next((one for one in ordered if one.week == start), None)
    after = [one for one in ordered if one.week > start]
    if not plan.needs_baseline and not after:
        after = [baseline] if baseline else []
    alone = [respond(baseline, one, plan) for one in after]
    if plan.definition.consecutive == 1:
        return tuple(alone)
    return tuple(_confirmed(now, before, plan) for before, now in zip([None, *alone], alone, strict=False))


# --- a measure --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Held:
    """A measure at baseline and now, from the same instrument."""

    instrument: str
    baseline: Fraction | None
    followup: Fraction | None
    scale_range: Fraction | None


def _held(plan: Plan, domain: str, baseline: Visit, followup: Visit) -> _Held:
    names = plan.instruments[domain]
    ratio = plan.chosen_by_ratio(domain)
    at_baseline = {
        name: value for name in names if (value := _value(name, baseline, plan, ratio)) is not None
    }
    if ratio:
        best = max(at_baseline.values(), default=None)
        name = next((name for name, value in at_baseline.items() if value == best), "")
    else:
        fallback = names[0] if len(names) == 1 else ""
        name = next(iter(at_baseline), fallback)
    if not name:
        return _Held("", None, None, None)
    return _Held(
        name, at_baseline.get(name), _value(name, followup, plan, ratio), _range(name, followup, plan, ratio)
    )


def _value(name: str, one: Visit, plan: Plan, ratio: bool) -> Fraction | None:
    """The value in the unit of the instrument, or as a multiple of its upper limit of normal."""
    value = one.values.get(name)
    if value is None:
        return None
    instrument = instruments()[name]
    if ratio:
        return value / one.values[instrument.uln_column]
    if instrument.scale is Scale.VAS:
        return value / VAS_UNITS[plan.vas_unit]
    if instrument.scale is Scale.ENZYME:
        return value * ENZYME_UNITS[plan.enzyme_unit]
    if name == "mmt" and plan.definition.mmt_versions:
        return value if one.values["mmt_max"] in plan.definition.mmt_versions else None
    return value


def _range(name: str, one: Visit, plan: Plan, ratio: bool) -> Fraction | None:
    instrument = instruments()[name]
    if ratio:
        return plan.enzyme_ranges.get(name)
    if instrument.high_column or instrument.range_column:
        return one.values.get(instrument.high_column or instrument.range_column)
    return (
        None if instrument.high is None or instrument.low is None else exact(instrument.high - instrument.low)
    )


def _missing(held: Mapping[str, _Held], plan: Plan) -> str:
    """What is missing of what is asked for, in words."""
    at_baseline, at_visit = asked(plan)
    absent = [domain for domain in at_baseline if held[domain].baseline is None]
    gone = [domain for domain in at_visit if domain not in absent and held[domain].followup is None]
    return missing_reason(plan, absent, gone)


# --- a score ----------------------------------------------------------------------------------------------


def _scored(held: Mapping[str, _Held], week: float, plan: Plan, enzyme: str) -> Response:
    earned = tuple(_earned(measure, held[measure.domain]) for measure in plan.definition.measures)
    low, high = sum((e.least for e in earned), Fraction(0)), sum((e.most for e in earned), Fraction(0))
    reason = _missing(held, plan)
    name = plan.definition.name
    if not reason:
        return Response(week, name, OK, _category(plan, low), low, low, low, enzyme, earned)
    if plan.missing is Missing.STRICT:
        return Response(week, name, NOT_COMPUTABLE, enzyme=enzyme, measures=earned, reason=reason)
    agreed = _category(plan, low) if _category(plan, low) == _category(plan, high) else ""
    return Response(week, name, BOUNDED, agreed, None, low, high, enzyme, earned, reason)


def _earned(measure: Measure, held: _Held) -> Earned:
    if held.baseline is None or held.followup is None or held.scale_range is None:
        return Earned(
            measure.domain,
            held.instrument,
            held.baseline,
            held.followup,
            held.scale_range,
            None,
            None,
            Fraction(0),
            measure.most,
        )
    better = instruments()[held.instrument].sign * (held.followup - held.baseline)
    percent = 100 * better / held.scale_range
    points = measure.points[sum(percent > edge for edge in measure.edges)]
    return Earned(
        measure.domain,
        held.instrument,
        held.baseline,
        held.followup,
        held.scale_range,
        percent,
        points,
        points,
        points,
    )


def _category(plan: Plan, score: Fraction) -> str:
    reached: list[Category] = [c for c in plan.definition.categories if score >= c.start]
    return reached[-1].name


# --- a rule -----------------------------------------------------------------------------------------------


def _ruled(held: Mapping[str, _Held], week: float, plan: Plan, enzyme: str) -> Response:
    assert plan.rule is not None
    tests = tuple(tests_of(plan.rule))
    answers = {test: _answer(test, held[test.measure]) for test in tests}
    reason = _missing(held, plan)
    low = high = None
    if plan.definition.counted:
        low = Fraction(sum(answers[test] is True for test in tests))
        high = Fraction(sum(answers[test] is not False for test in tests))
    name = plan.definition.name
    if reason and plan.missing is Missing.STRICT:
        return Response(week, name, NOT_COMPUTABLE, enzyme=enzyme, reason=reason)
    holds = decide(plan.rule, answers.__getitem__)
    category = "" if holds is None else plan.definition.yes_no[0 if holds else 1]
    if reason:
        return Response(week, name, BOUNDED, category, None, low, high, enzyme, reason=reason)
    return Response(week, name, OK, category, low, low, high, enzyme)


def _answer(test: Test, held: _Held) -> bool | None:
    """The answer to one test; a percentage of nothing, or of less, is never reached."""
    if test.relative and held.baseline is not None and held.baseline <= 0:
        return False
    form = test.form(instruments()[held.instrument].sign if held.instrument else 1)
    total = Fraction(form.constant)
    for times, value in ((form.baseline, held.baseline), (form.followup, held.followup)):
        if times and value is None:
            return None
        total += times * (value or 0)
    return total > 0 if test.beyond else total >= 0


def _confirmed(now: Response, before: Response | None, plan: Plan) -> Response:
    """The answer for a rule that must hold at two visits in a row: here and at the visit before."""
    yes, no = plan.definition.yes_no
    if now.status == NOT_COMPUTABLE or now.category == no:
        return now
    if before is None:
        return replace(now, category=no, reason=now.reason or AWAITS)
    reason = now.reason or (
        BEFORE + before.reason if before.reason else AWAITS if before.category == no else ""
    )
    if before.status == NOT_COMPUTABLE:
        return replace(now, status=NOT_COMPUTABLE, category="", reason=reason)
    status = BOUNDED if BOUNDED in (now.status, before.status) else OK
    category = no if before.category == no else yes if now.category == before.category == yes else ""
    return replace(now, status=status, category=category, reason=reason)
