"""What a reader of the evidence asks for: a list of studies, the founding references, one study in full.

Everything is in words: a code never reaches the reader without its meaning. Nothing here prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from myopoise.errors import WrongUsage
from myopoise.evidence.cards import StudyCard, card_of
from myopoise.evidence.tables import Evidence, Study

__all__ = ["SeedLine", "StudyLine", "describe_study", "list_studies", "seed_lines", "to_json"]


@dataclass(frozen=True)
class StudyLine:
    """One study in a list.

    Parameters
    ----------
    study_id, year, title
        Which study; no year where it is not known.
    design
        Design in words.
    population
        Codes of the diseases, in capitals.
    treatments
        Codes of the treatments of its arms, controls last.
    patients
        Patients who entered.
    included
        Whether it belongs to the main analysis.
    standing
        The same in words, with the reason where it does not.
    """

    study_id: str
    year: int | None
    title: str
    design: str
    population: tuple[str, ...]
    treatments: tuple[str, ...]
    patients: int | None
    included: bool
    standing: str


@dataclass(frozen=True)
class SeedLine:
    """One of the fifty references of the founding review.

    Parameters
    ----------
    number, first_author, year, title, journal
        The reference.
    status, status_meaning
        What was found of it, as code and in words.
    studies
        The studies here that hold it.
    contributes
        What it adds.
    """

    number: int
    first_author: str
    year: int
    title: str
    journal: str
    status: str
    status_meaning: str
    studies: tuple[str, ...]
    contributes: str


def list_studies(
    evidence: Evidence,
    treatment: str | None = None,
    population: str | None = None,
    design: str | None = None,
) -> tuple[StudyLine, ...]:
    """The studies that meet every filter given, in the order of their ids.

    Parameters
    ----------
    evidence
        The evidence.
    treatment
        A treatment or a mechanism class that one of the arms was given.
    population
        A disease the study is about, as DM; capitals do not matter.
    design
        A design, or the start of one: rct stands for every randomised design.

    Returns
    -------
    lines
        One for each study.

    Raises
    ------
    WrongUsage
        Where a filter is not a word of the vocabulary.
    """
    drugs = _drugs(evidence, treatment) if treatment is not None else None
    disease = (
        _known("population", population, evidence.codes("population")) if population is not None else None
    )
    designs = _designs(evidence, design) if design is not None else None
    return tuple(
        _line(evidence, study)
        for study in sorted(evidence.studies, key=lambda study: study.study_id)
        if (drugs is None or any(arm.treatment in drugs for arm in evidence.arms_of(study.study_id)))
        and (disease is None or disease in study.population)
        and (designs is None or study.design in designs)
    )


def seed_lines(evidence: Evidence) -> tuple[SeedLine, ...]:
    """The founding references with what became of each, by number."""
    known = {study.study_id for study in evidence.studies}
    return tuple(
        SeedLine(
            number=seed.number,
            first_author=seed.first_author,
            year=seed.year,
            title=seed.short_title,
            journal=seed.journal,
            status=seed.status,
            status_meaning=evidence.meaning("status", seed.status),
            studies=tuple(study_id for study_id in seed.study_id if study_id in known),
            contributes=seed.contributes,
        )
        for seed in sorted(evidence.seed_references, key=lambda seed: seed.number)
    )


def describe_study(evidence: Evidence, study_id: str) -> StudyCard:
    """One study as a reader wants it.

    Parameters
    ----------
    evidence
        The evidence.
    study_id
        Its id; capitals do not matter.

    Returns
    -------
    card
        Who, what, arms, outcomes, definitions, comparisons, planning facts, sources, and why it is in or out.

    Raises
    ------
    WrongUsage
        Where there is no such study.
    """
    ids = tuple(study.study_id for study in evidence.studies)
    return card_of(evidence, evidence.study(_known("study", study_id, ids)))


def to_json(value: Any) -> Any:
    """Lines and cards as plain data: dictionaries, lists, text and numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_json(asdict(value))
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    return float(value) if isinstance(value, float) else value


def _line(evidence: Evidence, study: Study) -> StudyLine:
    arms = sorted(evidence.arms_of(study.study_id), key=lambda arm: arm.role == "control")
    treatments = dict.fromkeys(arm.treatment for arm in arms if arm.treatment != "pooled-arms")
    return StudyLine(
        study_id=study.study_id,
        year=study.year,
        title=study.title_short,
        design=evidence.meaning("design", study.design),
        population=tuple(code.upper() for code in study.population),
        treatments=tuple(treatments),
        patients=study.n_enrolled,
        included=study.included,
        standing="in"
        if study.included
        else f"out: {evidence.meaning('exclude_reason', study.exclude_reason)}",
    )


def _drugs(evidence: Evidence, treatment: str) -> frozenset[str]:
    """The treatments a word stands for: itself, or all of its mechanism class."""
    terms = [term for term in evidence.vocabulary if term.field == "treatment"]
    words = dict.fromkeys([*(term.code for term in terms), *(term.mechanism_class for term in terms)])
    word = _known("treatment", treatment, tuple(words))
    exact = frozenset(term.code for term in terms if term.code == word)
    return exact or frozenset(term.code for term in terms if term.mechanism_class == word)


def _designs(evidence: Evidence, design: str) -> frozenset[str]:
    codes = evidence.codes("design")
    starts = {code.split("-", 1)[0] for code in codes if code.startswith("rct-")}
    word = _known("design", design, (*codes, *sorted(starts)))
    return frozenset(code for code in codes if code == word or code.startswith(f"{word}-"))


def _known(what: str, word: str, words: Sequence[str]) -> str:
    """The word as the evidence spells it."""
    folded = {known.casefold(): known for known in words}
    if word.casefold() in folded:
        return folded[word.casefold()]
    from difflib import get_close_matches

    near = [folded[match] for match in get_close_matches(word.casefold(), folded, n=3)]
    hint = f"Did you mean {' or '.join(near)}?" if near else _choices(what, words)
    raise WrongUsage(f"Unknown {what} '{word}'. {hint}")


def _choices(what: str, words: Sequence[str]) -> str:
    if what == "study":
        return "See `myopoise evidence list` for the studies there are."
    return f"Choose one of {', '.join(words)}."
