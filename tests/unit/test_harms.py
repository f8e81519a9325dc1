"""What the studies counted of harm: hand counts from the shipped base, and every way of counting a patient twice."""

from __future__ import annotations

import csv
import io
from dataclasses import fields, replace
from functools import cache

import pytest
from scipy.stats import beta

from myopoise.choice.harm_rows import read_harm_remarks
from myopoise.choice.harms import Harm, HarmKind, harms_of
from myopoise.errors import WrongUsage
from myopoise.evidence.reading import base_folder, read_evidence
from myopoise.evidence.tables import Arm, Evidence, Outcome, Study, Term

SHIPPED = cache(read_evidence)


def of(evidence: Evidence, kind: HarmKind, *treatments: str) -> Harm:
    return next(harm for harm in harms_of(evidence, treatments) if harm.kind is kind)


# --- the shipped base, counted by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("treatment", "kind", "events", "patients", "rows"),
    [
        # marie-2010: 8 of 73 died. ProDERM's own counts are of pooled groups.
        ("ivig", HarmKind.DEATH, 8, 73, ["marie-2010.o03"]),
        (
            "rituximab",
            HarmKind.INFECTION,
            6 + 0 + 1 + 0 + 2 + 3,
            34 + 8 + 30 + 38 + 11 + 42,
            [
                "andersson-2015.o06",
                "chung-2007.o03",
                "couderc-2011.o09",
                "de-souza-2018.o03",
                "guangzhou-2020.o04",
                "registry-2022.o03",
            ],
        ),
        (
            "rituximab",
            HarmKind.DEATH,
            7 + 1 + 1 + 1,
            34 + 9 + 18 + 19,
            ["andersson-2015.o05", "bader-meunier-2011.o05", "bauhammer-2016.o08", "unger-2014.o06"],
        ),
        # fujisawa-2021 counts 26 of 28 alive; kotani-2008 has an early and a late arm of the same drug.
        (
            "ciclosporin",
            HarmKind.DEATH,
            (28 - 26) + 4 + 1,
            28 + 7 + 9,
            ["fujisawa-2021.o05", "kotani-2008.o01", "kotani-2008.o02"],
        ),
        (
            "ciclosporin",
            HarmKind.WITHDRAWAL,
            4 + 0 + 2,
            17 + 28 + 5,
            ["cavagna-2013.o04", "fujisawa-2021.o06", "marschalko-1993.o02"],
        ),
        ("abatacept", HarmKind.ADVERSE, 4, 75, ["aggarwal-2025.o10"]),
        # dastmalchi-2008: PM and DM parts of one arm; the row of both together would count them again.
        ("infliximab", HarmKind.WITHDRAWAL, 1 + 3, 5 + 4, ["dastmalchi-2008.o09", "dastmalchi-2008.o10"]),
        (
            "tacrolimus",
            HarmKind.ADVERSE,
            0 + 0 + 11,
            15 + 6 + 25,
            ["shimojima-2012.o01", "spain-2006.o02", "takada-2020.o02"],
        ),
        ("mycophenolate", HarmKind.DEATH, 0, 20, ["olivo-pallo-2018.o05"]),
    ],
)
def test_a_count_from_the_shipped_base_is_the_sum_made_by_hand(
    treatment: str, kind: HarmKind, events: int, patients: int, rows: list[str]
) -> None:
    harm = of(SHIPPED(), kind, treatment)
    assert (harm.treated.events, harm.treated.patients) == (events, patients)
    assert sorted(harm.treated.outcome_ids) == rows
    assert set(harm.treated.study_ids) == {row.split(".")[0] for row in rows}
    assert harm.treated.studies == len(harm.treated.study_ids)


def test_both_arms_of_a_randomised_trial_stand_side_by_side() -> None:
    harm = of(SHIPPED(), HarmKind.ADVERSE, "abatacept")
    [(treated, control)] = harm.comparisons
    assert (treated.events, treated.patients, control.events, control.patients) == (4, 75, 4, 73)
    assert (harm.controls.outcome_ids, control.arms) == (("aggarwal-2025.o12",), ("placebo",))
    assert "aggarwal-2025, 4 of 75 on abatacept and 4 of 73 on continued background therapy" in str(harm)


def test_a_group_that_holds_switched_placebo_patients_is_listed_and_not_counted() -> None:
    harm = of(SHIPPED(), HarmKind.ADVERSE, "ivig")
    left = {row.outcome_id: row for row in harm.left_out}
    assert (harm.reported, harm.treated.events, harm.controls.events) == (False, None, None)
    assert (left["aggarwal-2022.o26"].events, left["aggarwal-2022.o26"].patients) == (14, 95)
    assert "not from the controlled phase" in left["aggarwal-2022.o26"].reason
    assert "pooled group" in left["aggarwal-2022.o16"].reason
    assert "treated side" in left["aggarwal-2022.o21"].reason
    assert harm.not_added == ("aggarwal-2022",)


def test_a_confounded_comparison_is_listed_outside_the_main_set() -> None:
    harm = of(SHIPPED(), HarmKind.DEATH, "tofacitinib")
    assert not harm.reported
    assert harm.outside == ("fan-2022", "kurasawa-2018", "wu-2025")
    assert str(harm) == (
        "None of the 2 studies of tofacitinib says how many patients died. That is not the same as none. Listed but "
        "not added, from outside the main set or from combinations: fan-2022, kurasawa-2018, wu-2025."
    )


def test_deaths_under_a_combination_belong_to_the_combination_alone() -> None:
    both = of(SHIPPED(), HarmKind.DEATH, "cyclophosphamide", "ciclosporin")
    # kameda-2005: 5 of 10 died; kurasawa-2018: 6 of 6 historical controls.
    assert (both.treated.events, both.treated.patients) == (5 + 6, 10 + 6)
    assert both.treated == of(SHIPPED(), HarmKind.DEATH, "ciclosporin", "cyclophosphamide").treated
    alone = of(SHIPPED(), HarmKind.DEATH, "cyclophosphamide")
    assert alone.treated.study_ids == ("riley-2004",)
    assert {row.reason for row in alone.left_out if row.study == "kameda-2005"} == {
        "given together with ciclosporin, and told of the combination"
    }


def test_what_was_not_published_yet_is_not_counted() -> None:
    early = of(SHIPPED().published_by(2011), HarmKind.DEATH, "rituximab")
    assert early.treated.study_ids == ("bader-meunier-2011",)
    assert len(early.gave) < len(of(SHIPPED(), HarmKind.DEATH, "rituximab").gave)


def test_a_stop_for_lack_of_effect_is_not_a_harm() -> None:
    harm = of(SHIPPED(), HarmKind.WITHDRAWAL, "rituximab")
    assert harm.treated.study_ids == ("de-souza-2018",)
    assert [row.reason for row in harm.left_out if row.outcome_id == "chung-2007.o04"] == [
        "stopped for lack of effect, which is not harm"
    ]


def test_a_narrower_count_is_shown_with_what_it_counts() -> None:
    assert "andersson-2015 (fatal infections only)" in str(of(SHIPPED(), HarmKind.INFECTION, "rituximab"))


def test_a_group_of_the_trial_without_a_number_is_named() -> None:
    assert "no such number for its group dazu150" in str(of(SHIPPED(), HarmKind.DEATH, "dazukibart"))


def test_every_remark_is_about_a_row_of_harm_that_exists() -> None:
    endpoints = {row.outcome_id: row.endpoint for row in SHIPPED().outcomes}
    harmful = {endpoint for kind in HarmKind for endpoint in kind.endpoints}
    assert {endpoints.get(outcome) for outcome in read_harm_remarks()} <= harmful
    assert all(remark.reason for remark in read_harm_remarks().values())


def test_every_code_of_harm_is_in_the_vocabulary_and_none_of_them_is_forgotten() -> None:
    codes = SHIPPED().codes("endpoint")
    counted = {endpoint for kind in HarmKind for endpoint in kind.endpoints}
    assert counted <= set(codes)
    assert {code for code in codes if code.startswith(("ae-", "infection-"))} <= counted


def test_every_row_of_harm_is_counted_or_listed_and_never_both() -> None:
    evidence = SHIPPED()
    text = (base_folder() / "outcomes.csv").read_text("utf-8")
    written = {row["outcome_id"]: row for row in csv.DictReader(io.StringIO(text))}
    arms = {(arm.study_id, arm.arm_id): arm for arm in evidence.arms}
    drugs = {arm.treatment for arm in evidence.arms if evidence.mechanism_class(arm.treatment) != "control"}
    for drug in sorted(drugs):
        for harm in harms_of(evidence, [drug]):
            counted = [*harm.treated.outcome_ids, *harm.controls.outcome_ids]
            listed = [row.outcome_id for row in harm.left_out]
            assert len(set(counted + listed)) == len(counted + listed)
            own = {
                name
                for name, row in written.items()
                if row["endpoint"] in harm.kind.endpoints
                and arms[row["study_id"], row["arm_id"]].treatment == drug
            }
            assert own <= {*counted, *listed} | {
                name for name in own if arms[written[name]["study_id"], written[name]["arm_id"]].combination
            }
            assert harm.reported == (harm.treated.patients is not None) == bool(counted)


# --- a small base, drawn for one rule each ------------------------------------------------------------------------


def blank(row_type: type, **values: object) -> object:
    """A row with nothing in it but these values."""
    empty = {
        f.name: () if "tuple" in str(f.type) else None if "None" in str(f.type) else ""
        for f in fields(row_type)
    }
    return row_type(**(empty | values))


def study(name: str = "one-2020", **values: object) -> Study:
    given = {"study_id": name, "year": 2020, "design": "single-arm-prospective", "include_main": "yes"}
    return blank(Study, **(given | values))  # type: ignore[return-value]


def arm(name: str = "drug", treatment: str = "ivig", **values: object) -> Arm:
    given = {"study_id": "one-2020", "arm_id": name, "role": "active", "treatment": treatment}
    return blank(Arm, **(given | values))  # type: ignore[return-value]


def dead(number: int, events: int | None, n: int | None, arm_id: str = "drug", **values: object) -> Outcome:
    given = {
        "study_id": "one-2020",
        "arm_id": arm_id,
        "endpoint": "death",
        "definition": "death",
        "type": "binary",
        "events": events,
        "n": n,
    } | values
    return blank(Outcome, **(given | {"outcome_id": f"{given['study_id']}.o{number:02}"}))  # type: ignore[return-value]


TERMS = tuple(
    blank(Term, field="treatment", code=code, meaning=code, mechanism_class=kind)
    for code, kind in (
        ("ivig", "immunoglobulin"),
        ("scig", "immunoglobulin"),
        ("prednisone", "glucocorticoid"),
        ("placebo", "control"),
    )
)


def base(studies: list[Study], arms: list[Arm], outcomes: list[Outcome]) -> Evidence:
    return Evidence(TERMS, tuple(studies), tuple(arms), tuple(outcomes), (), (), ())  # type: ignore[arg-type]


def deaths(outcomes: list[Outcome], arms: list[Arm] | None = None, **of_study: object) -> Harm:
    return of(base([study(**of_study)], arms or [arm()], outcomes), HarmKind.DEATH, "ivig")


def counted(harm: Harm) -> tuple[int | None, int | None]:
    return harm.treated.events, harm.treated.patients


@pytest.mark.parametrize(
    ("again", "reason"),
    [
        ({"timepoint_weeks": 12.0}, "another time point; the count of week 24 is used"),
        ({"analysis_set": "itt"}, "another set of the same patients"),
        ({"definition": "death from infection"}, "counted in another way; 'death' is used"),
        ({"endpoint": "survival"}, "counted in another way; 'death' is used"),
        ({"phase": "all-exposure"}, "not from the controlled phase"),
        ({"phase": "open-label"}, "not from the controlled phase"),
        ({"period": "second"}, "second period of a crossover"),
        ({"period": "both"}, "both periods of a crossover"),
        ({"analysis_set": "courses"}, "counts courses or infusions, not people"),
        ({"analysis_set": "infusions"}, "counts courses or infusions, not people"),
        ({"analysis_set": "completers"}, "counts only part of the patients"),
        ({"analysis_set": "itt-derived"}, "counts only part of the patients"),
        ({"type": "rate", "value": 10.0}, "a percentage, rate or bare number"),
        ({"events": None}, "a percentage, rate or bare number"),
        ({}, "another count of the same patients"),
    ],
)
def test_a_second_count_of_the_same_patients_is_left_out_with_its_reason(
    again: dict[str, object], reason: str
) -> None:
    first = {"timepoint_weeks": 24.0, "analysis_set": "safety"}
    harm = deaths([dead(1, 2, 20, **first), replace(dead(2, 1, 18, **first), **again)])
    assert counted(harm) == (2, 20)
    [left] = harm.left_out
    assert (left.outcome_id, left.reason[: len(reason)]) == ("one-2020.o02", reason)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"role": "whole"}, "pooled group"),
        ({"role": "subgroup", "parent_arm": "drug", "subgroup_by": "diagnosis"}, "part of drug, which is"),
        ({"role": "subgroup", "parent_arm": "drug", "subgroup_by": "dose"}, "part of drug, which is"),
    ],
)
def test_a_group_that_overlaps_a_counted_one_is_left_out(other: dict[str, object], reason: str) -> None:
    harm = deaths([dead(1, 2, 20), dead(2, 1, 9, "part")], [arm(), arm("part", **other)])
    assert counted(harm) == (2, 20)
    assert [row.reason.startswith(reason) for row in harm.left_out] == [True]


def test_two_doses_of_one_drug_are_different_patients_and_are_added() -> None:
    harm = deaths([dead(1, 2, 20), dead(2, 1, 9, "high")], [arm(), arm("high")])
    assert counted(harm) == (2 + 1, 20 + 9)
    assert harm.treated.studies == 1


def test_parts_by_diagnosis_are_added_where_the_whole_is_not_counted_and_parts_by_dose_are_not() -> None:
    def part(name: str, by: str) -> Arm:
        return arm(name, role="subgroup", parent_arm="drug", subgroup_by=by)

    arms = [arm(), part("dm", "diagnosis"), part("pm", "diagnosis"), part("low", "dose")]
    harm = deaths([dead(1, 1, 8, "dm"), dead(2, 0, 7, "pm"), dead(3, 1, 6, "low")], arms)
    assert counted(harm) == (1 + 0, 8 + 7)
    assert [row.arm for row in harm.left_out] == ["low"]


def test_a_pooled_group_is_not_counted_even_where_it_is_the_only_count() -> None:
    harm = deaths([dead(1, 2, 20, "all")], [arm(), arm("all", role="whole")])
    assert (harm.reported, harm.not_added) == (False, ("one-2020",))
    assert str(harm) == (
        "The only study of IVIG gives a number of patients who died that is not added here. "
        "That is not the same as none."
    )


def test_of_two_studies_that_may_share_patients_the_larger_is_counted() -> None:
    evidence = base(
        [study(), study("two-2021", year=2021, overlaps_with=("one-2020",))],
        [arm(), arm(study_id="two-2021")],
        [dead(1, 1, 10), dead(1, 3, 30, study_id="two-2021")],
    )
    harm = of(evidence, HarmKind.DEATH, "ivig")
    assert (counted(harm), harm.treated.study_ids) == ((3, 30), ("two-2021",))
    assert [row.reason for row in harm.left_out] == ["may hold the same patients as two-2021"]
    assert counted(of(evidence.published_by(2020), HarmKind.DEATH, "ivig")) == (1, 10)


def test_studies_without_an_overlap_are_added() -> None:
    evidence = base(
        [study(), study("two-2021")],
        [arm(), arm(study_id="two-2021")],
        [dead(1, 1, 10), dead(1, 3, 30, study_id="two-2021")],
    )
    assert counted(of(evidence, HarmKind.DEATH, "ivig")) == (1 + 3, 10 + 30)


def test_those_not_alive_are_the_dead_where_only_the_living_are_counted() -> None:
    harm = deaths([dead(1, 17, 20, endpoint="survival", definition="alive")])
    assert counted(harm) == (20 - 17, 20)
    assert "those not counted as alive" in str(harm)


PLACEBO = arm("placebo", "placebo", role="control")


def test_a_background_arm_is_a_control_only_where_chance_assigned_it() -> None:
    rows = [dead(1, 2, 20), dead(2, 1, 21, "placebo")]
    trial = deaths(rows, [arm(), PLACEBO], design="rct-parallel")
    assert (trial.controls.events, trial.controls.patients) == (1, 21)
    series = deaths(rows, [arm(), PLACEBO], design="nonrandomised-controlled")
    assert (counted(series), series.controls.events) == ((2, 20), None)
    assert [row.reason for row in series.left_out] == ["not randomised, so not a fair comparison"]


@pytest.mark.parametrize(
    "differs", [{"timepoint_weeks": 12.0}, {"definition": "death from infection"}, {"analysis_set": "itt"}]
)
def test_a_control_counted_in_another_way_is_not_set_beside_the_treated(differs: dict[str, object]) -> None:
    same = {"timepoint_weeks": 24.0, "analysis_set": "safety"}
    rows = [dead(1, 2, 20, **same), dead(2, 1, 21, "placebo", **(same | differs))]
    harm = deaths(rows, [arm(), PLACEBO], design="rct-parallel")
    assert (counted(harm), harm.controls.reported, harm.comparisons) == ((2, 20), False, ())
    assert [row.outcome_id for row in harm.left_out] == ["one-2020.o02"]


def test_the_time_point_that_both_arms_report_is_taken_before_a_later_one_of_one_arm() -> None:
    rows = [
        dead(1, 2, 20, timepoint_weeks=24.0),
        dead(2, 1, 21, "placebo", timepoint_weeks=24.0),
        dead(3, 5, 20, timepoint_weeks=52.0),
    ]
    harm = deaths(rows, [arm(), PLACEBO], design="rct-parallel")
    assert (counted(harm), harm.controls.events) == ((2, 20), 1)


@pytest.mark.parametrize(
    ("design", "said"),
    [("rct-crossover", {"period": "first"}), ("rct-delayed-start", {"phase": "controlled"})],
)
def test_where_arms_change_over_a_count_must_say_that_it_is_from_before(
    design: str, said: dict[str, object]
) -> None:
    both = [arm(), PLACEBO]
    unsaid = deaths([dead(1, 2, 20), dead(2, 1, 21, "placebo")], both, design=design)
    assert (unsaid.reported, unsaid.controls.reported, len(unsaid.left_out)) == (False, False, 2)
    clear = deaths([dead(1, 2, 20, **said), dead(2, 1, 21, "placebo", **said)], both, design=design)
    assert (counted(clear), clear.controls.events) == ((2, 20), 1)


def test_steroid_beside_a_drug_is_background_and_a_second_drug_is_not() -> None:
    assert counted(deaths([dead(1, 2, 20)], [arm(combination=("prednisone",))])) == (2, 20)
    harm = deaths([dead(1, 2, 20)], [arm(combination=("scig",))])
    assert (harm.reported, harm.gave, harm.outside) == (False, (), ("one-2020",))
    assert str(harm).startswith("No study of the main set gave exactly IVIG.")


def test_a_study_outside_the_main_set_is_listed_and_not_counted() -> None:
    harm = deaths([dead(1, 2, 20)], include_main="no", exclude_reason="confounded")
    assert (harm.reported, harm.gave) == (False, ())
    assert [row.reason for row in harm.left_out] == ["not in the main set of the tables: confounded"]


def test_a_harm_that_nobody_counted_is_present_and_has_no_number() -> None:
    harms = harms_of(base([study()], [arm()], [dead(1, 0, 20)]), ["ivig"])
    assert [harm.kind for harm in harms] == list(HarmKind)
    infection = harms[0]
    assert not infection.reported
    assert [infection.treated.events, infection.treated.patients, infection.treated.studies] == [None] * 3
    assert infection.treated.proportion is None
    assert str(infection) == (
        "The only study of IVIG does not say how many patients had a serious infection. "
        "That is not the same as none."
    )
    assert (harms[1].reported, harms[1].treated.events) == (True, 0)


def test_the_sentence_says_how_many_studies_do_not_say() -> None:
    names = [f"s{i}-2020" for i in range(5)]
    rows = [dead(1, 1, 20, study_id=names[0]), dead(1, 2, 21, study_id=names[1])]
    evidence = base([study(name) for name in names], [arm(study_id=name) for name in names], rows)
    assert str(of(evidence, HarmKind.DEATH, "ivig")) == (
        "3 of 41 patients in 2 of 5 studies died; the other 3 studies do not say."
    )


def test_the_interval_of_a_share_is_that_of_jeffreys() -> None:
    share = deaths([dead(1, 3, 41)]).treated.proportion
    assert share is not None
    low, high = beta.ppf([0.025, 0.975], 3 + 0.5, 41 - 3 + 0.5)
    assert (share.mean, share.low, share.high) == pytest.approx((3 / 41, low, high))


@pytest.mark.parametrize("asked", [[], ["ivgi"], ["placebo"], ["ivig", "placebo"]])
def test_what_is_not_a_treatment_is_refused_by_name(asked: list[str]) -> None:
    with pytest.raises(WrongUsage, match=" ".join(asked[-1:]) or "Nothing"):
        harms_of(base([study()], [arm()], []), asked)


def test_the_order_of_rows_and_studies_changes_no_number() -> None:
    evidence = SHIPPED()
    turned = replace(evidence, outcomes=evidence.outcomes[::-1], studies=evidence.studies[::-1])
    for drug in ("rituximab", "ciclosporin", "tacrolimus", "abatacept"):
        ours, theirs = harms_of(evidence, [drug]), harms_of(turned, [drug])
        assert [counted(harm) for harm in ours] == [counted(harm) for harm in theirs]
        assert [sorted(h.treated.outcome_ids) for h in ours] == [
            sorted(h.treated.outcome_ids) for h in theirs
        ]
