"""Codes as words: short names for tables and figures, where the vocabulary's full description would not fit.

What is not listed here is its own name: hyphens become spaces and nothing else changes.
"""

from __future__ import annotations

import re

from myopoise.vocabulary import BACKGROUND, Phenotype, Reading, StudyKind, treatment_label

__all__ = [
    "definition_name",
    "design_name",
    "disease_name",
    "group_name",
    "reading_name",
    "study_name",
    "treatment_name",
]

_PLACES = {"imacs": "IMACS group", "openlabel": "Open-label study"}
"""Studies whose identifier stands for a group, because the author is unknown."""

_DESIGNS = {
    StudyKind.RANDOMISED.value: "randomised",
    StudyKind.SINGLE_ARM.value: "single arm",
    StudyKind.COHORT.value: "cohort",
}

_DEFINITIONS = {
    "acr-eular-2016": "ACR/EULAR 2016",
    "imacs-doi": "IMACS",
    "imacs-doi-ever": "IMACS, at any visit",
    "printo": "PRINTO",
    "physician-judged": "physician's opinion",
    "strength": "strength",
    "strict-composite": "strict composite",
    "any-improvement": "any improvement",
    "other": "another rule",
}

_GROUPS = {
    Phenotype.DM.value: "DM",
    Phenotype.PM.value: "PM",
    Phenotype.IMNM.value: "IMNM",
    Phenotype.ASYS.value: "ASyS",
    Phenotype.JDM.value: "JDM",
}

_READINGS = {
    Reading.RANDOMISED.value: "Randomised only",
    Reading.MAIN.value: "Main",
    Reading.NAIVE.value: "At face value",
}


def treatment_name(codes: str) -> str:
    """Short name of a treatment or of a combination joined by plus signs.

    Parameters
    ----------
    codes
        Treatment codes joined by ``+``.

    Examples
    --------
    >>> treatment_name("ciclosporin+methotrexate"), treatment_name("ivig")
    ('ciclosporin + methotrexate', 'IVIG')
    """
    return " + ".join(
        "background therapy" if c == BACKGROUND else treatment_label(c) for c in codes.split("+")
    )


def design_name(code: str) -> str:
    """Design of a study in one or two words."""
    return _DESIGNS.get(code, code.replace("-", " "))


def definition_name(code: str) -> str:
    """Class of the definition of response, short."""
    return _DEFINITIONS.get(code, code.replace("-", " "))


def group_name(code: str) -> str:
    """Diagnosis as the field abbreviates it."""
    return _GROUPS.get(code, code)


def disease_name(code: str) -> str:
    """Disease code of the study table, as the field abbreviates it; modifiers stay words."""
    return code if code in ("skin", "overlap") else group_name(code.upper())


def reading_name(code: str) -> str:
    """Reading of the evidence, short."""
    return _READINGS.get(code, code)


def study_name(study_id: str, first_author: str, year: int | None) -> str:
    """A study as a forest plot names it.

    Parameters
    ----------
    study_id
        Identifier in the tables.
    first_author
        As the tables have it, with initials; may be empty.
    year
        Year of publication; None where unknown.

    Examples
    --------
    >>> study_name("adams-1999", "Adams EM", 1999), study_name("beijing-2021", "", 2021)
    ('Adams 1999', 'Beijing 2021')
    """
    slug = re.sub(r"-(b|c|d)$", "", study_id)
    place = re.sub(r"-[0-9]{4}$", "", slug).replace("-", " ")
    author = re.sub(r"(?<=\w)\s+[A-Z]{1,4}$", "", re.sub(r"\s*\(.*\)$", "", first_author))
    name = author or _PLACES.get(place, place[:1].upper() + place[1:])
    second = f" ({study_id[-1]})" if slug != study_id else ""
    return f"{name} {year if year is not None else '(no year)'}{second}"
