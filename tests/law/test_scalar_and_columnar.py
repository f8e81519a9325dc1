"""The scalar and the columnar path are two programs for one definition: they must give the same answers everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from myopoise.outcomes.columnar import Scores, score_columns
from myopoise.outcomes.definitions import Kind, definitions
from myopoise.outcomes.held import Columns
from myopoise.outcomes.plan import Plan, plan_for
from myopoise.outcomes.reasons import STATUSES, reason_text
from myopoise.outcomes.response import Response, Visit, respond_course, visit

NAMES = [name for name, one in definitions().items() if one.kind in (Kind.SCORE, Kind.RULE)]
CHOSEN = {
    "acr-eular-2016-jdm-imacs": [{"strength": "mmt"}, {"strength": "cmas"}],
    "acr-eular-2016-jdm-printo": [{"strength": "mmt"}, {"strength": "cmas"}],
    **{
        f"printo-{level}": [
            {"strength": "mmt", "extramuscular": "das"},
            {"strength": "cmas", "extramuscular": "extramuscular"},
        ]
        for level in (20, 50, 70, 90)
    },
}


def tenths(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda whole: whole / 10)


def rarely_missing(values: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    return st.one_of(values, values, values, values, values, values, st.none())


VAS = rarely_missing(st.one_of(tenths(0, 100), tenths(0, 30), st.floats(0, 10)))
ENZYME = rarely_missing(st.one_of(st.integers(0, 2000).map(float), tenths(1, 20000), st.floats(0, 3000)))
QUESTIONNAIRE = rarely_missing(
    st.one_of(st.integers(0, 24).map(lambda n: n / 8), st.integers(0, 21).map(lambda n: n / 7))
)


@st.composite
def courses(draw: st.DrawFn) -> list[dict[str, float | None]]:
    """All visits of one patient, as rows of a file."""
    weeks = draw(
        st.lists(st.one_of(st.integers(-4, 60), tenths(0, 100)), min_size=1, max_size=5, unique=True)
    )
    top = draw(st.sampled_from([80, 150, 260]))
    limits = {
        name: draw(st.sampled_from([200.0, 40.0, 7.5, 0.6, 133.37]))
        for name in ("ck", "aldolase", "ldh", "ast", "alt")
    }
    rows = []
    for week in weeks:
        row: dict[str, float | None] = {"week": float(week)}
        for name in ("physician_global", "patient_global", "extramuscular"):
            row[name] = draw(VAS)
        row["mmt"] = draw(rarely_missing(st.integers(0, top).map(float)))
        row["mmt_max"] = None if row["mmt"] is None else float(top)
        row["cmas"] = draw(rarely_missing(st.integers(0, 52).map(float)))
        row["haq"], row["chaq"] = draw(QUESTIONNAIRE), draw(QUESTIONNAIRE)
        for name, limit in limits.items():
            row[name] = draw(ENZYME)
            row[f"{name}_uln"] = (
                draw(st.sampled_from([limit, limit, limit, 50.0])) if row[name] is not None else None
            )
        row["das"] = draw(rarely_missing(st.integers(0, 20).map(float)))
        row["chq_phs"] = draw(rarely_missing(st.integers(-10, 70).map(float)))
        row["chq_phs_range"] = None if row["chq_phs"] is None else 100.0
        row["cdasi_activity"] = draw(rarely_missing(st.integers(0, 100).map(float)))
        row["fvc"], row["dlco"] = (
            draw(rarely_missing(tenths(200, 1200))),
            draw(rarely_missing(tenths(200, 1200))),
        )
        row["prednisone_mg"] = draw(rarely_missing(tenths(0, 600)))
        rows.append(row)
    return rows


def as_visit(row: Mapping[str, Any]) -> Visit:
    return visit(row["week"], **{name: value for name, value in row.items() if name != "week"})


def as_columns(patients: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> Columns:
    names = [name for name in rows[0] if name != "week"]
    columns = {
        name: np.array([math.nan if row[name] is None else row[name] for row in rows]) for name in names
    }
    return Columns(np.array(patients), np.array([row["week"] for row in rows]), columns)


def by_key(scores: Scores, columns: Columns) -> dict[tuple[int, float], tuple[object, ...]]:
    plan = scores.plan
    enzymes = next((plan.instruments[d] for d in plan.definition.domains if plan.chosen_by_ratio(d)), ())
    return {
        (int(columns.patient[row]), float(columns.week[row])): (
            STATUSES[scores.status[place]],
            scores.words[scores.category[place]] if scores.category[place] >= 0 else "",
            *(
                None if math.isnan(c[place]) else float(c[place])
                for c in (scores.score, scores.score_low, scores.score_high)
            ),
            enzymes[scores.enzyme[place]] if scores.enzyme[place] >= 0 else "",
            reason_text(plan, int(scores.reason[place])),
            some(tuple(None if math.isnan(c[place]) else float(c[place]) for c in scores.points.values())),
        )
        for place, row in enumerate(scores.rows)
    }


def some(points: tuple[float | None, ...]) -> tuple[float | None, ...]:
    """Points of the measures, or nothing where there are none at all."""
    return () if set(points) <= {None} else points


def told(response: Response) -> tuple[object, ...]:
    def number(value: Fraction | None) -> float | None:
        return None if value is None else float(value)

    return (
        response.status,
        response.category,
        number(response.score),
        number(response.score_low),
        number(response.score_high),
        response.enzyme,
        response.reason,
        some(tuple(number(earned.points) for earned in response.measures)),
    )


def plans(name: str, **more: Any) -> list[Plan]:
    options = {option.name: True for option in definitions()[name].options}
    return [
        plan_for(name, (), missing=missing, chosen=chosen, options=asked, **more)
        for missing in ("strict", "bounds")
        for chosen in CHOSEN.get(name, [{}])
        for asked in ([{}, options] if options else [{}])
    ]


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), group=st.lists(courses(), min_size=1, max_size=3), vas_mm=st.booleans())
@settings(
    max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)  # shrinking takes minutes
def test_both_paths_give_the_same_answer(
    name: str, data: st.DataObject, group: list[list[dict[str, float | None]]], vas_mm: bool
) -> None:
    rows = [row for course in group for row in course]
    patients = [number for number, course in enumerate(group) for _ in course]
    shuffled = data.draw(st.permutations(range(len(rows))))
    columns = as_columns([patients[i] for i in shuffled], [rows[i] for i in shuffled])
    week = data.draw(st.one_of(st.none(), st.sampled_from([row["week"] for row in rows])))
    unit = "mm" if vas_mm else "cm"
    for plan in plans(name, baseline_week=week, vas_unit=unit):
        found = by_key(score_columns(columns, plan), columns)
        expected = {
            (number, response.week): told(response)
            for number, course in enumerate(group)
            for response in respond_course([as_visit(row) for row in course], plan)
        }
        assert found == expected
