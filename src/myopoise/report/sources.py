"""Every study of the report with its citation, its address and the place of each number it gives."""

from __future__ import annotations

from typing import Any

from myopoise.evidence.tables import Contrast, Evidence, Outcome, Study
from myopoise.inquiry import Inquiry
from myopoise.report.names import study_name

__all__ = ["studies_part"]

Part = dict[str, Any]

_COUNTED_ENDPOINTS = ("response", "doi-imacs", "lung-response", "skin-response")
"""What the counts of children, lung and skin may come from."""


def studies_part(inquiry: Inquiry) -> list[Part]:
    """Every study of the evidence, by identifier, with the numbers of those that are shown.

    Parameters
    ----------
    inquiry
        The answered question.

    Returns
    -------
    studies
        A study's `role` is ``model`` where it enters the synthesis, ``count`` where it is only counted, ``aside``
        where it is set aside.
    """
    entering = set(inquiry.selection.studies)
    only_counted = {study for counted in inquiry.counted for study in counted.study_ids} - entering
    outcome_ids = {outcome for row in inquiry.selection.rows for outcome in row.outcome_ids}
    contrast_ids = {printed.contrast_id for printed in inquiry.selection.printed}
    found = []
    for study in sorted(inquiry.evidence.studies, key=lambda study: study.study_id):
        key = study.study_id
        role = "model" if key in entering else "count" if key in only_counted else "aside"
        outcomes = [
            outcome
            for outcome in inquiry.evidence.outcomes_of(key)
            if outcome.outcome_id in outcome_ids
            or (role == "count" and outcome.endpoint in _COUNTED_ENDPOINTS and outcome.type == "binary")
        ]
        contrasts = [c for c in inquiry.evidence.contrasts_of(key) if c.contrast_id in contrast_ids]
        found.append(_study(inquiry.evidence, study, role, outcomes, contrasts))
    return found


def _study(
    evidence: Evidence, study: Study, role: str, outcomes: list[Outcome], contrasts: list[Contrast]
) -> Part:
    return {
        "id": study.study_id,
        "name": study_name(study.study_id, study.first_author, study.year),
        "role": role,
        "first_author": study.first_author,
        "year": study.year,
        "title": study.title_short,
        "journal": study.journal,
        "volume_pages": study.volume_pages,
        "pmid": study.pmid,
        "doi": study.doi,
        "nct": study.nct,
        "seed_reference": study.seed_reference,
        "design": study.design,
        "design_words": evidence.meaning("design", study.design),
        "population": list(study.population),
        "read_as": study.extraction_level,
        "read_as_words": evidence.meaning("extraction_level", study.extraction_level),
        "address": study.source_url,
        "numbers": [*map(_outcome, outcomes), *map(_contrast, contrasts)],
    }


def _outcome(outcome: Outcome) -> Part:
    return {
        "id": outcome.outcome_id,
        "arm": outcome.arm_id,
        "what": outcome.definition,
        "weeks": outcome.timepoint_weeks,
        "events": outcome.events,
        "n": outcome.n,
        "p_value": None,
        "place": outcome.source_place,
        "address": outcome.source_url,
        "confidence": outcome.confidence,
    }


def _contrast(contrast: Contrast) -> Part:
    printed = "not significant" if contrast.p_op == "ns" else "P value"
    return {
        "id": contrast.contrast_id,
        "arm": f"{contrast.arm_1} against {contrast.arm_2}",
        "what": f"{printed} of {contrast.endpoint.replace('-', ' ')}",
        "weeks": contrast.timepoint_weeks,
        "events": None,
        "n": None,
        "p_value": contrast.p_value,
        "place": contrast.source_place,
        "address": contrast.source_url,
        "confidence": None,
    }
