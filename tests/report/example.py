"""A small inquiry made by hand: five studies, one group of patients, enough to draw every figure from."""

from __future__ import annotations

from typing import Any, cast, get_type_hints

from myopoise.choice.certainty import Certainty, Concern, Grade
from myopoise.choice.options import (
    Answer,
    Beside,
    Comparison,
    Counted,
    NotAnswered,
    Option,
    OwnEvidence,
    Predicted,
    Promise,
)
from myopoise.estimate import Estimate
from myopoise.evidence.rows import PrintedP, Row, Selection, SetAside
from myopoise.evidence.selection import Question
from myopoise.evidence.tables import Arm, Contrast, Evidence, Outcome, SeedReference, Study, Term
from myopoise.inquiry import Inquiry
from myopoise.synthesis.checking import Trust
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.network import network_of
from myopoise.synthesis.observed import observed_rows
from myopoise.synthesis.prediction import LevelResponse
from myopoise.vocabulary import Level, Phenotype, Reading, StudyKind, Verdict

DM, PM, JDM = Phenotype.DM, Phenotype.PM, Phenotype.JDM
RANDOMISED, SINGLE, COHORT = StudyKind.RANDOMISED, StudyKind.SINGLE_ARM, StudyKind.COHORT


def fill(row_type: type, **cells: Any) -> Any:
    """A row of an evidence table with the given cells, every other one empty."""
    empty: dict[Any, Any] = {str: "", tuple[str, ...]: (), int: 0}
    blank = {name: empty.get(kind) for name, kind in get_type_hints(row_type).items()}
    return row_type(**blank | cells)


def study(key: str, year: int, design: str, author: str, **cells: Any) -> Study:
    made: Study = fill(
        Study,
        study_id=key,
        first_author=author,
        year=year,
        title_short=f"A study of <{key}> & others",
        journal="J Made-up",
        design=design,
        population=("dm", "pm"),
        extraction_level="abstract",
        include_main="yes",
        source_url=f"https://example.org/{key}",
        **cells,
    )
    return made


def evidence() -> Evidence:
    studies = (
        study("alpha-2001", 2001, "rct-parallel", "Alpha AB", pmid="1", doi="10.1/x"),
        study("beta-2010", 2010, "single-arm-prospective", "Beta", nct="NCT00000001"),
        study("gamma-2012", 2012, "rct-parallel", ""),
        study("delta-1999", 1999, "retrospective-cohort", "Delta", seed_reference=1),
        study("epsilon-2020", 2020, "case-report", "Epsilon"),
    )
    rct, whole = "alpha-2001", "beta-2010"
    outcomes = (
        _outcome("alpha-2001.o1", rct, "drug", 12, 20),
        _outcome("alpha-2001.o2", rct, "placebo", 7, 21),
        _outcome("beta-2010.o1", whole, "all", 9, 10),
        _outcome("delta-1999.o1", "delta-1999", "children", 3, 5),
    )
    contrast: Contrast = fill(
        Contrast,
        contrast_id="gamma-2012.c1",
        study_id="gamma-2012",
        arm_1="drug",
        arm_2="placebo",
        endpoint="response",
        p_op="=",
        p_value=0.4,
        source_url="https://example.org/gamma-2012",
        source_place="abstract",
    )
    vocabulary = tuple(
        Term(field, code, f"{field}: {code}", "", "")
        for field, code in [
            ("status", "extracted"),
            ("status", "not-found"),
            ("extraction_level", "abstract"),
            *(("design", found.design) for found in studies),
        ]
    )
    seeds = (
        _seed(1, "Delta", 1999, ("delta-1999",), "extracted"),
        _seed(2, "Lost", 1960, (), "not-found"),
    )
    arms: tuple[Arm, ...] = ()
    return Evidence(
        vocabulary=vocabulary,
        studies=studies,
        arms=arms,
        outcomes=outcomes,
        contrasts=(contrast,),
        design_facts=(),
        seed_references=seeds,
    )


def _outcome(key: str, owner: str, arm: str, events: int, n: int) -> Outcome:
    made: Outcome = fill(
        Outcome,
        outcome_id=key,
        study_id=owner,
        arm_id=arm,
        endpoint="response",
        definition="at least 20% better",
        type="binary",
        timepoint_weeks=24.0,
        events=events,
        n=n,
        source_url=f"https://example.org/{owner}",
        source_place="table 2",
        confidence="high",
    )
    return made


def _seed(number: int, author: str, year: int, studies: tuple[str, ...], status: str) -> SeedReference:
    return SeedReference(
        number, author, year, "A title", "J Old", "", "", "treatment", "", studies, status, "One thing."
    )


def _row(
    key: str, arm: str, year: int, design: StudyKind, drug: str, events: int, n: int, **more: Any
) -> Row:
    shares = more.pop("shares", {DM: 0.5, PM: 0.5})
    outcome = more.pop("outcome", f"{key}.o1")
    return Row(
        key,
        arm,
        year,
        "ord",
        design,
        "physician-judged",
        (drug,),
        shares,
        n,
        {Level.MINIMAL: events},
        outcome_ids=(outcome,),
        **more,
    )


def selection() -> Selection:
    return Selection(
        rows=(
            _row("alpha-2001", "drug", 2001, RANDOMISED, "ivig", 12, 20),
            _row("alpha-2001", "placebo", 2001, RANDOMISED, "background", 7, 21, outcome="alpha-2001.o2"),
            _row("beta-2010", "all", 2010, SINGLE, "rituximab", 9, 10, shares={DM: 1.0}, note="one & only"),
            _row("delta-1999", "children", 1999, COHORT, "ivig", 3, 5, shares={JDM: 1.0}, variant="jdm"),
        ),
        printed=(
            PrintedP(
                "gamma-2012.c1",
                "gamma-2012",
                2012,
                ("infliximab",),
                8,
                ("background",),
                7,
                "p",
                0.84,
                {DM: 1.0},
            ),
        ),
        set_aside=(
            SetAside("epsilon-2020", 2020, "case-report", "dm", "tables: case-report: fewer than 5 patients"),
        ),
        parts_set_aside=(
            SetAside("beta-2010", 2010, "single-arm-prospective", "dm", "another time", "week 12"),
        ),
        mechanism={"ivig": "immunoglobulin", "rituximab": "b-cell-depletion", "infliximab": "tnf-blockade"},
    )


def estimate(median: float, low: float, high: float, scale: str = "probability") -> Estimate:
    return Estimate(median, (high - low) / 4, median, low, high, scale, mcse=0.002)


def predicted(
    median: float, low: float, high: float, difference: tuple[float, float, float], p: float | None = None
) -> Predicted:
    gain = estimate(*difference, "difference in probability")
    levels = {
        level: LevelResponse(
            estimate(part * median, part * low, part * high), estimate(part * median, 0.0, 0.9), gain, gain
        )
        for level, part in ((Level.MINIMAL, 1.0), (Level.MODERATE, 0.6), (Level.MAJOR, 0.3))
    }
    return Predicted(
        estimate(median, low, high),
        estimate(median, low / 2, (1 + high) / 2),
        gain,
        gain,
        p,
        None if p is None else p / 2,
        None if p is None else 0.003,
        levels,
    )


def _own(
    comparison: Comparison, study_id: str, *, randomised: int, patients: int, only_p: bool = False
) -> OwnEvidence:
    events = 0 if only_p else patients // 2
    evaluated = 0 if only_p else patients
    return OwnEvidence(
        1,
        patients,
        randomised,
        patients * randomised,
        patients / 2,
        patients / 4,
        2 * patients * randomised,
        events,
        evaluated,
        comparison,
        only_p,
        (study_id,),
    )


def _certainty(grade: Grade, *concerns: tuple[str, int]) -> Certainty:
    return Certainty(
        grade, tuple(Concern(domain, steps, f"what was found of {domain}") for domain, steps in concerns)
    )


def options() -> tuple[Option, ...]:
    everywhere = (Reading.RANDOMISED, Reading.MAIN, Reading.NAIVE)
    ivig = predicted(0.71, 0.52, 0.86, (0.24, 0.04, 0.43), 0.98)
    infliximab = predicted(0.33, 0.11, 0.64, (-0.14, -0.38, 0.17), 0.18)
    rituximab = predicted(0.62, 0.31, 0.87, (0.15, -0.17, 0.42))
    return (
        Option(
            "ivig",
            "IVIG",
            "immunoglobulin",
            _own(Comparison.RANDOMISED, "alpha-2001", randomised=1, patients=20),
            dict.fromkeys(everywhere, ivig),
            _certainty(Grade.MODERATE, ("design", 0), ("imprecision", 1)),
            Verdict.PREFERRED,
            Promise.PROMISING,
            {"alpha-2001": 0.7},
            Beside((0.9, 0.1, 0.0), estimate(0.01, 0.0, 0.05, "difference in probability"), 0.9),
            1,
        ),
        Option(
            "infliximab",
            "infliximab",
            "tnf-blockade",
            _own(Comparison.RANDOMISED, "gamma-2012", randomised=1, patients=8, only_p=True),
            dict.fromkeys(everywhere, infliximab),
            _certainty(Grade.LOW, ("imprecision", 1), ("reporting bias", 1)),
            Verdict.UNDECIDED,
            Promise.UNCERTAIN,
            {"gamma-2012": 0.4},
            Beside((0.1, 0.2, 0.7), estimate(0.30, 0.05, 0.5, "difference in probability"), 0.1),
            2,
        ),
        Option(
            "rituximab",
            "rituximab",
            "b-cell-depletion",
            _own(Comparison.UNCONTROLLED, "beta-2010", randomised=0, patients=10),
            dict.fromkeys(everywhere[1:], rituximab),
            _certainty(Grade.VERY_LOW, ("design", 3)),
            Verdict.UNDECIDED,
            Promise.UNCERTAIN,
            {"beta-2010": 0.3},
            None,
            3,
        ),
    )


def synthesis(reading: Reading) -> Synthesis:
    return Synthesis(
        reading,
        3,
        64,
        {"baseline": estimate(0.1, -0.3, 0.5, "probit")},
        {"baseline": "Normal(0, sd 1): 95% between -2 and 2"},
        Trust(0.41, 2000.0, 4096, True),
        cast(Any, None),
    )


def inquiry() -> Inquiry:
    """The whole example."""
    background = dict.fromkeys(Reading, predicted(0.47, 0.30, 0.64, (0.0, 0.0, 0.0)))
    missing = NotAnswered("anakinra", "anakinra", ("epsilon-2020",), "fewer than 5 patients")
    chosen = selection()
    return Inquiry(
        Question(2020),
        evidence(),
        chosen,
        network_of(chosen),
        {reading: synthesis(reading) for reading in Reading},
        {DM: Answer(DM, background, options(), (missing,), Verdict.PREFERRED)},
        observed_rows(chosen),
        (Counted("JDM", "ivig", "IVIG", "at least minimally better", 1, 3, 5, 0.6, 0.6, ("delta-1999",), 0),),
    )
