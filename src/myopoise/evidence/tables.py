"""The seven evidence tables: every column declared once, and the evidence they make together.

A field below is a column of the CSV file of the same name, in the order of the file. Its annotation says what the
column means, its unit and range, and where its codes come from. From that one line come the reading, the checks of
single cells, the data dictionary, and the test cases. Rules that need two cells stand in `myopoise.evidence.rules`.

An empty cell means *not reported or not seen*, never zero: it is read as ``""``, ``None`` or ``()``. The two yes-or-no
columns keep their codes ``yes``, ``no`` and ``""``, because *not said* is a third answer.

The file is longer than most because the tables are one list, and splitting it would hide that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any

from myopoise.evidence.columns import Column, columns_of

__all__ = [
    "TABLES",
    "Arm",
    "Contrast",
    "DesignFact",
    "Evidence",
    "Outcome",
    "SeedReference",
    "Study",
    "Table",
    "Term",
    "table_of",
]

_DOI = r"10\.\S+"
_PMID = r"[1-9][0-9]{0,8}"
_URL = r"https?://\S+"
_SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"
_SLUG_WORDS = "lower case letters and digits joined by hyphens, as in oddis-2013"


@dataclass(frozen=True, slots=True)
class Term:
    """One code of the vocabulary and what it means."""

    field: Annotated[
        str, Column("the column, or kind of column, the code is used in", key=True, required=True)
    ]
    code: Annotated[str, Column("the code as it stands in the tables", key=True, required=True)]
    meaning: Annotated[str, Column("what the code means", required=True)]
    mechanism_class: Annotated[str, Column("treatments only: class of drugs that act alike")]
    target: Annotated[str, Column("treatments only: what the drug acts on")]


@dataclass(frozen=True, slots=True)
class Study:
    """One study: who did what in whom, how much of it was read, and whether it counts."""

    study_id: Annotated[
        str,
        Column(
            "author-year, -b for a second; place or topic and year where the author is unknown; never changed",
            key=True,
            required=True,
            pattern=_SLUG,
            shape=_SLUG_WORDS,
        ),
    ]
    first_author: Annotated[str, Column("first author, or sponsor")]
    author_status: Annotated[str, Column("how sure the author is", codes="author_status", required=True)]
    year: Annotated[int | None, Column("year of publication", "year", low=1900, until_now=True)]
    title_short: Annotated[str, Column("title in our own words", required=True)]
    journal: Annotated[str, Column("journal; names in brackets are not journals")]
    volume_pages: Annotated[str, Column("volume and pages")]
    publication_status: Annotated[
        str, Column("where it was made public", codes="publication_status", required=True)
    ]
    pmid: Annotated[str, Column("PubMed identifier", pattern=_PMID, shape="digits only, as in 23124935")]
    doi: Annotated[str, Column("digital object identifier", pattern=_DOI, shape="a DOI that starts with 10.")]
    nct: Annotated[
        str,
        Column(
            "ClinicalTrials.gov number",
            pattern=r"NCT[0-9]{8}",
            shape="NCT and eight digits, as in NCT00106184",
        ),
    ]
    other_registry_id: Annotated[str, Column("number in another registry")]
    seed_reference: Annotated[
        int | None, Column("number among the founding references of 2006", "number", low=1, high=50)
    ]
    design: Annotated[str, Column("design of the study", codes="design", required=True)]
    blinding: Annotated[str, Column("who did not know the treatment", codes="blinding")]
    n_centres: Annotated[int | None, Column("hospitals that took part", "centres", low=1)]
    n_enrolled: Annotated[int | None, Column("patients who entered", "patients", low=0)]
    population: Annotated[
        tuple[str, ...],
        Column("diseases; ild and skin are modifiers", codes="population", required=True),
    ]
    population_age: Annotated[str, Column("age group", codes="population_age", required=True)]
    refractory: Annotated[
        str, Column("whether earlier treatment had failed", codes="refractory", required=True)
    ]
    refractory_definition: Annotated[str, Column("what the study called failure of earlier treatment")]
    background_therapy: Annotated[str, Column("treatment that went on in all arms")]
    primary_endpoint: Annotated[str, Column("primary endpoint in the words of the study")]
    follow_up_weeks: Annotated[float | None, Column("typical or longest follow-up", "weeks", low=0)]
    risk_of_bias: Annotated[
        str, Column("risk of bias; empty where no judgement was published", codes="risk_of_bias")
    ]
    risk_of_bias_source: Annotated[str, Column("who judged the risk of bias")]
    extraction_level: Annotated[str, Column("what was read", codes="extraction_level", required=True)]
    include_main: Annotated[
        str, Column("whether the study belongs to the main analysis", codes="include_main", required=True)
    ]
    exclude_reason: Annotated[str, Column("why it does not", codes="exclude_reason")]
    overlaps_with: Annotated[tuple[str, ...], Column("studies of the same patients", refers="studies")]
    source_url: Annotated[
        str, Column("address of what was read", pattern=_URL, shape="an address that starts with http")
    ]
    notes: Annotated[str, Column("remarks, and results printed without values")]

    @property
    def included(self) -> bool:
        """Whether the study belongs to the main analysis."""
        return self.include_main == "yes"

    @property
    def randomised(self) -> bool:
        """Whether patients were assigned by chance."""
        return self.design.startswith("rct")


@dataclass(frozen=True, slots=True)
class Arm:
    """One group of patients of a study and what it was given."""

    study_id: Annotated[str, Column("the study", refers="studies", key=True, required=True)]
    arm_id: Annotated[
        str,
        Column("name of the arm within its study", key=True, required=True, pattern=r"\S+", shape="one word"),
    ]
    role: Annotated[
        str, Column("what the arm is for; never add whole or subgroup to others", codes="role", required=True)
    ]
    parent_arm: Annotated[str, Column("subgroups only: the arm it is part of", refers="arms")]
    subgroup_by: Annotated[str, Column("subgroups only: what divides them", codes="subgroup_by")]
    treatment: Annotated[str, Column("drug under study, or the control", codes="treatment", required=True)]
    combination: Annotated[
        tuple[str, ...], Column("further active drugs fixed by protocol", codes="treatment")
    ]
    background: Annotated[
        tuple[str, ...], Column("drugs given to part of the arm or by choice", codes="treatment")
    ]
    regimen: Annotated[str, Column("dose and schedule")]
    n: Annotated[int | None, Column("size of the arm", "patients", low=0)]
    n_dm: Annotated[int | None, Column("of them with dermatomyositis", "patients", low=0)]
    n_pm: Annotated[int | None, Column("of them with polymyositis", "patients", low=0)]
    n_jdm: Annotated[int | None, Column("of them with juvenile dermatomyositis", "patients", low=0)]
    n_other: Annotated[int | None, Column("of them with another diagnosis", "patients", low=0)]
    age_mean: Annotated[float | None, Column("mean age", "years", low=0, high=120)]
    female_n: Annotated[int | None, Column("of them women or girls", "patients", low=0)]
    prior_failures: Annotated[str, Column("treatments that had failed before")]
    notes: Annotated[str, Column("remarks; says so where n counts courses")]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One result of one arm, with its place in the source."""

    outcome_id: Annotated[
        str, Column("study_id, .o and a number", key=True, required=True, pattern=r"\S+", shape="one word")
    ]
    study_id: Annotated[str, Column("the study", refers="studies", required=True)]
    arm_id: Annotated[str, Column("the arm", refers="arms", required=True)]
    endpoint: Annotated[str, Column("what was measured", codes="endpoint", required=True)]
    definition_class: Annotated[
        str, Column("what kind of rule decided", codes="definition_class", required=True)
    ]
    definition: Annotated[str, Column("the rule in our own words", required=True)]
    ordinal_level: Annotated[str, Column("how large the gain is", codes="ordinal_level")]
    cumulative: Annotated[
        str, Column("yes: this level or better; no: exactly this level", codes="cumulative")
    ]
    scale_id: Annotated[str, Column("rows of one graded scale share it, within and across arms")]
    timepoint_weeks: Annotated[float | None, Column("time since start, 0 before treatment", "weeks", low=0)]
    type: Annotated[str, Column("what kind of number the row carries", codes="type", required=True)]
    events: Annotated[int | None, Column("how many had the outcome", "patients", low=0)]
    n: Annotated[int | None, Column("of how many", "patients", low=0)]
    mean: Annotated[float | None, Column("mean", "unit")]
    sd: Annotated[float | None, Column("standard deviation", "unit", low=0)]
    se: Annotated[float | None, Column("standard error", "unit", low=0)]
    ci_low: Annotated[
        float | None, Column("lower end of the interval; 95% unless notes say otherwise", "unit")
    ]
    ci_high: Annotated[float | None, Column("upper end of the interval", "unit")]
    median: Annotated[float | None, Column("median", "unit")]
    q1: Annotated[float | None, Column("first quartile", "unit")]
    q3: Annotated[float | None, Column("third quartile", "unit")]
    value: Annotated[float | None, Column("percentage, rate or bare numerator", "unit")]
    unit: Annotated[str, Column("unit of the numbers; % for percentages")]
    analysis_set: Annotated[str, Column("who is counted", codes="analysis_set")]
    period: Annotated[str, Column("crossover trials only: the period", codes="period")]
    phase: Annotated[str, Column("phase of the trial", codes="phase")]
    source_url: Annotated[
        str, Column("address of what was read", pattern=_URL, shape="an address that starts with http")
    ]
    source_place: Annotated[str, Column("where in the source the number stands", required=True)]
    confidence: Annotated[str, Column("how sure the number is", codes="confidence", required=True)]
    notes: Annotated[str, Column("remarks, and any arithmetic")]


@dataclass(frozen=True, slots=True)
class Contrast:
    """One comparison of two arms, as its source printed it."""

    contrast_id: Annotated[
        str, Column("study_id, .c and a number", key=True, required=True, pattern=r"\S+", shape="one word")
    ]
    study_id: Annotated[str, Column("the study", refers="studies", required=True)]
    arm_1: Annotated[str, Column("the arm compared", refers="arms", required=True)]
    arm_2: Annotated[str, Column("the arm it is compared with", refers="arms", required=True)]
    endpoint: Annotated[str, Column("what was measured", codes="endpoint", required=True)]
    measure: Annotated[
        str,
        Column(
            "MD and RD are arm_1 minus arm_2; OR, RR and HR arm_1 over arm_2", codes="measure", required=True
        ),
    ]
    estimate: Annotated[float | None, Column("the estimate", "unit")]
    se: Annotated[float | None, Column("standard error", "unit", low=0)]
    ci_low: Annotated[float | None, Column("lower end of the 95% interval", "unit")]
    ci_high: Annotated[float | None, Column("upper end of the 95% interval", "unit")]
    p_op: Annotated[str, Column("how the P value was printed", codes="p_op")]
    p_value: Annotated[float | None, Column("P value", "probability", low=0, high=1)]
    timepoint_weeks: Annotated[float | None, Column("time since start", "weeks", low=0)]
    unit: Annotated[str, Column("unit of the estimate; where empty, notes name it")]
    source_url: Annotated[
        str, Column("address of what was read", pattern=_URL, shape="an address that starts with http")
    ]
    source_place: Annotated[str, Column("where in the source the numbers stand", required=True)]
    notes: Annotated[str, Column("remarks")]


@dataclass(frozen=True, slots=True)
class DesignFact:
    """One fact for planning a trial: recruitment, thresholds, placebo response, a derived spread."""

    study_id: Annotated[str, Column("the study, or general", refers="studies", also="general", required=True)]
    fact: Annotated[str, Column("what the fact is about", required=True)]
    value: Annotated[str, Column("the fact as text")]
    value_number: Annotated[float | None, Column("the fact as one number, where it is one", "unit")]
    unit: Annotated[str, Column("unit of the number")]
    source_url: Annotated[
        str, Column("address of what was read", pattern=_URL, shape="an address that starts with http")
    ]
    source_place: Annotated[str, Column("where in the source it stands")]
    notes: Annotated[str, Column("remarks")]


@dataclass(frozen=True, slots=True)
class SeedReference:
    """One of the fifty references of the founding review of 2006, and what became of it here."""

    number: Annotated[int, Column("number in the review", "number", low=1, high=50, key=True, required=True)]
    first_author: Annotated[str, Column("first author", required=True)]
    year: Annotated[int, Column("year of publication", "year", low=1900, until_now=True, required=True)]
    short_title: Annotated[str, Column("title in our own words", required=True)]
    journal: Annotated[str, Column("journal")]
    pmid: Annotated[str, Column("PubMed identifier", pattern=_PMID, shape="digits only, as in 23124935")]
    doi: Annotated[str, Column("digital object identifier", pattern=_DOI, shape="a DOI that starts with 10.")]
    role: Annotated[str, Column("what the review used it for", required=True)]
    treatments: Annotated[str, Column("treatments it is about")]
    study_id: Annotated[tuple[str, ...], Column("studies here that hold it", refers="studies")]
    status: Annotated[str, Column("what was found", codes="status", required=True)]
    contributes: Annotated[str, Column("what it adds, in one sentence")]


@dataclass(frozen=True)
class Table:
    """One table: its name, the type of its rows, and whether it may have none.

    Parameters
    ----------
    name
        Name of the file without ``.csv``, and of the attribute of `Evidence`.
    row_type
        Dataclass of a row.
    meaning
        What one row is, in words.
    may_be_empty
        Whether a header without rows is allowed.
    """

    name: str
    row_type: type
    meaning: str
    may_be_empty: bool = False

    @property
    def file(self) -> str:
        """Name of the CSV file."""
        return f"{self.name}.csv"

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Declarations of the columns, in the order of the file."""
        return columns_of(self.row_type)

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Names of the columns that together name a row; empty where rows have no name."""
        return tuple(column.name for column in self.columns if column.key)


TABLES: tuple[Table, ...] = (
    Table("vocabulary", Term, "a code and its meaning"),
    Table("studies", Study, "a study"),
    Table("arms", Arm, "a group of patients of a study"),
    Table("outcomes", Outcome, "a result of an arm"),
    Table("contrasts", Contrast, "a printed comparison of two arms", may_be_empty=True),
    Table("design_facts", DesignFact, "a fact for planning a trial", may_be_empty=True),
    Table("seed_references", SeedReference, "a reference of the founding review"),
)
"""The tables, in the order in which they are read and reported: what is named comes before what names it."""


def table_of(name: str) -> Table:
    """The table of that name."""
    return next(table for table in TABLES if table.name == name)


@dataclass(frozen=True)
class Evidence:
    """The curated studies and every number taken from them.

    Parameters
    ----------
    vocabulary, studies, arms, outcomes, contrasts, design_facts, seed_references
        The rows of the tables, in the order of the files.

    Notes
    -----
    Equal by value. The lookups are built when first asked for and cost one pass over their table.
    """

    vocabulary: tuple[Term, ...]
    studies: tuple[Study, ...]
    arms: tuple[Arm, ...]
    outcomes: tuple[Outcome, ...]
    contrasts: tuple[Contrast, ...]
    design_facts: tuple[DesignFact, ...]
    seed_references: tuple[SeedReference, ...]

    def study(self, study_id: str) -> Study:
        """The study of that id; `KeyError` where there is none."""
        return self._study_by_id[study_id]

    def arms_of(self, study_id: str) -> tuple[Arm, ...]:
        """The arms of a study, none for an unknown study."""
        return self._arms_by_study.get(study_id, ())

    def outcomes_of(self, study_id: str) -> tuple[Outcome, ...]:
        """The outcome rows of a study."""
        return self._outcomes_by_study.get(study_id, ())

    def contrasts_of(self, study_id: str) -> tuple[Contrast, ...]:
        """The printed comparisons of a study."""
        return self._contrasts_by_study.get(study_id, ())

    def facts_of(self, study_id: str) -> tuple[DesignFact, ...]:
        """The planning facts of a study, or those filed under ``general``."""
        return self._facts_by_study.get(study_id, ())

    def codes(self, field: str) -> tuple[str, ...]:
        """The codes of a vocabulary field, in the order of the vocabulary."""
        return tuple(term.code for term in self.vocabulary if term.field == field)

    def meaning(self, field: str, code: str) -> str:
        """What a code means; `KeyError` where the vocabulary has no such code."""
        return self._term_by_code[field, code].meaning

    def mechanism_class(self, treatment: str) -> str:
        """The class of drugs a treatment belongs to; `KeyError` for an unknown treatment."""
        return self._term_by_code["treatment", treatment].mechanism_class

    def published_by(self, year: int) -> Evidence:
        """What was known at the end of a year.

        Parameters
        ----------
        year
            Last year of publication kept.

        Returns
        -------
        evidence
            The studies published by then with their rows, the general planning facts, the founding references and
            the vocabulary. A study without a year is left out: nobody can say that it was known.
        """
        known = {study.study_id for study in self.studies if study.year is not None and study.year <= year}
        return replace(
            self,
            studies=tuple(row for row in self.studies if row.study_id in known),
            arms=tuple(row for row in self.arms if row.study_id in known),
            outcomes=tuple(row for row in self.outcomes if row.study_id in known),
            contrasts=tuple(row for row in self.contrasts if row.study_id in known),
            design_facts=tuple(row for row in self.design_facts if row.study_id in known | {"general"}),
        )

    def __str__(self) -> str:
        """How much there is, how much of it counts, and how it was read."""
        if not self.studies:
            return "No studies."
        included = [study for study in self.studies if study.included]
        randomised = sum(study.randomised for study in included)
        years = [study.year for study in self.studies if study.year is not None]
        span = f", published {min(years)} to {max(years)}" if years else ""
        undated = len(self.studies) - len(years)
        dates = f" ({undated} without a year)" if years and undated else ""
        abstracts = sum(study.extraction_level == "abstract" for study in self.studies)
        return (
            f"{len(self.studies)} studies of myositis treatment{span}{dates}, with {len(self.arms)} arms, "
            f"{len(self.outcomes)} outcome rows, {len(self.contrasts)} printed comparisons and "
            f"{len(self.design_facts)} planning facts. {len(included)} studies belong to the main set of the tables, "
            f"{randomised} of them randomised; {len(self.studies) - len(included)} are kept for reference with the "
            f"reason. {abstracts} studies were read as abstracts only. An empty cell means not reported or not "
            "seen, never zero."
        )

    @cached_property
    def _study_by_id(self) -> dict[str, Study]:
        return {study.study_id: study for study in self.studies}

    @cached_property
    def _term_by_code(self) -> dict[tuple[str, str], Term]:
        return {(term.field, term.code): term for term in self.vocabulary}

    @cached_property
    def _arms_by_study(self) -> dict[str, tuple[Arm, ...]]:
        return _by_study(self.arms)

    @cached_property
    def _outcomes_by_study(self) -> dict[str, tuple[Outcome, ...]]:
        return _by_study(self.outcomes)

    @cached_property
    def _contrasts_by_study(self) -> dict[str, tuple[Contrast, ...]]:
        return _by_study(self.contrasts)

    @cached_property
    def _facts_by_study(self) -> dict[str, tuple[DesignFact, ...]]:
        return _by_study(self.design_facts)


def _by_study(rows: Iterable[Any]) -> dict[str, tuple[Any, ...]]:
    grouped = defaultdict(list)
    for row in rows:
        grouped[row.study_id].append(row)
    return {study_id: tuple(members) for study_id, members in grouped.items()}
