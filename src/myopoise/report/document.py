"""The report as one plain value: every number of the page, unrounded, ready to be written as JSON.

The page, the tables and the terminal are made from this and from nothing else, so whatever a reader sees stands in
``report.json`` by construction. Keys are a contract with users: `schema.json` describes each of them, and a change of
meaning changes the name of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from myopoise.choice.options import Counted
from myopoise.evidence.rows import PrintedP, Row, Selection, SetAside
from myopoise.evidence.tables import Evidence
from myopoise.inquiry import Inquiry
from myopoise.references import cite
from myopoise.report.answer_parts import answer_part, estimate_part
from myopoise.report.drives_part import drives_part
from myopoise.report.names import study_name, treatment_name
from myopoise.report.plain_words import LIMITS
from myopoise.report.sentences import (
    FOOTER,
    children_sentence,
)
from myopoise.report.sources import studies_part
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.network import Network
from myopoise.synthesis.observed import Observed
from myopoise.vocabulary import Phenotype

__all__ = ["SCHEMA_NAME", "document"]

SCHEMA_NAME = "myopoise-report/2"

METHODS = (
    *("ytterberg2006", "aggarwal2017", "rue2009", "vehtari2024", "zhang2009", "pinheiro1995", "lu2004"),
    *(
        "dias2011",
        "newcombe1998",
        "brown2001",
        "guyatt2011",
        "santesso2020",
        "nikolakopoulou2020",
        "trinquart2016",
    ),
)
"""The references that the page's methods rest on; the bibliography holds those of the other rooms too."""

Part = dict[str, Any]


def document(inquiry: Inquiry, *, generated_at: str, version: str) -> Part:
    """The report of an inquiry as a plain value.

    Parameters
    ----------
    inquiry
        The answered question.
    generated_at
        Time of the run, the only thing here that a second run may change.
    version
        Version of the program.

    Returns
    -------
    document
        Dictionaries, lists, texts, numbers, truth values and nulls only.
    """
    return {
        "schema": SCHEMA_NAME,
        "generated_at": generated_at,
        "version": version,
        "question": str(inquiry.question),
        "as_of": inquiry.question.as_of,
        "evidence": _evidence(inquiry.evidence),
        "selection": _selection(inquiry.selection),
        "network": _network(inquiry.network),
        "readings": [_reading(synthesis) for synthesis in inquiry.syntheses.values()],
        "answers": [answer_part(answer) for answer in inquiry.answers.values()],
        "counted": [_counted(counted) for counted in inquiry.counted],
        "observed": [_observed(seen, inquiry) for seen in inquiry.observed],
        "drives": drives_part(inquiry.drives) if inquiry.drives else None,
        "seeds": _seeds(inquiry),
        "children": {"label": Phenotype.JDM.label, "sentence": children_sentence(_children(inquiry))},
        "studies": studies_part(inquiry),
        "references": [{"key": key, "text": str(cite(key)), "address": cite(key).address} for key in METHODS],
        "limits": list(LIMITS),
        "footer": FOOTER,
    }


def _evidence(evidence: Evidence) -> Part:
    years = [study.year for study in evidence.studies if study.year is not None]
    included = [study for study in evidence.studies if study.included]
    return {
        "studies": len(evidence.studies),
        "arms": len(evidence.arms),
        "outcomes": len(evidence.outcomes),
        "comparisons": len(evidence.contrasts),
        "included": len(included),
        "included_randomised": sum(study.randomised for study in included),
        "read_as_abstract": sum(study.extraction_level == "abstract" for study in evidence.studies),
        "without_year": len(evidence.studies) - len(years),
        "first_year": min(years, default=None),
        "last_year": max(years, default=None),
        "text": str(evidence),
    }


def _selection(selection: Selection) -> Part:
    randomised = {row.study for row in selection.rows if row.design.randomised}
    randomised |= {printed.study for printed in selection.printed}
    children = [row for row in selection.rows if row.juvenile]
    return {
        "studies": len(selection.studies),
        "randomised_studies": len(randomised),
        "patients": sum(row.n for row in selection.rows),
        "children_studies": len({row.study for row in children}),
        "children_patients": sum(row.n for row in children),
        "rows": [_row(row) for row in selection.rows],
        "printed": [_printed(printed) for printed in selection.printed],
        "set_aside": [_set_aside(aside) for aside in selection.set_aside],
        "parts_set_aside": [_set_aside(aside) for aside in selection.parts_set_aside],
        "mechanism": dict(selection.mechanism),
        "text": str(selection),
    }


def _children(inquiry: Inquiry) -> tuple[int, int, int]:
    """Treatments, studies and patients among the counts for children."""
    counted = [c for c in inquiry.counted if c.topic == Phenotype.JDM.value]
    studies = {study for c in counted for study in c.study_ids}
    return len({c.treatment for c in counted}), len(studies), sum(c.patients for c in counted)


def _row(row: Row) -> Part:
    return {
        "study": row.study,
        "arm": row.arm,
        "year": row.year,
        "kind": row.kind,
        "design": row.design.value,
        "definition": row.definition,
        "treatment": "+".join(row.treatments),
        "shares": {group.value: share for group, share in row.shares.items()},
        "n": row.n,
        "counts": {level.value: count for level, count in row.counts.items()},
        "mean": row.mean,
        "se": row.se,
        "variant": row.variant,
        "outcome_ids": list(row.outcome_ids),
        "note": row.note,
    }


def _printed(printed: PrintedP) -> Part:
    return {
        "contrast_id": printed.contrast_id,
        "study": printed.study,
        "year": printed.year,
        "treatment": "+".join(printed.treatments_1),
        "n": printed.n_1,
        "control": "+".join(printed.treatments_0),
        "control_n": printed.n_0,
        "how": printed.how,
        "abs_z": printed.abs_z,
        "shares": {group.value: share for group, share in printed.shares.items()},
        "note": printed.note,
    }


def _set_aside(aside: SetAside) -> Part:
    return {
        "study": aside.study,
        "year": aside.year,
        "design": aside.design,
        "population": aside.population,
        "reason": aside.reason,
        "part": aside.part,
    }


def _network(network: Network) -> Part:
    return {
        "nodes": [
            {
                "treatment": node.name,
                "name": treatment_name(node.name),
                "randomised_patients": node.randomised_patients,
                "other_patients": node.other_patients,
                "randomised_studies": list(node.randomised_studies),
                "other_studies": list(node.other_studies),
                "connected": network.connected(node.name),
            }
            for node in network.nodes
        ],
        "edges": [
            {
                "one": edge.one,
                "other": edge.other,
                "studies": list(edge.studies),
                "only_p": list(edge.only_p),
            }
            for edge in network.edges
        ],
        "pieces": [list(piece) for piece in network.pieces],
    }


def _reading(synthesis: Synthesis) -> Part:
    trust = synthesis.trust
    return {
        "reading": synthesis.reading.value,
        "label": synthesis.reading.label,
        "studies": synthesis.studies,
        "patients": synthesis.patients,
        "trust": {
            "k_hat": trust.k_hat,
            "effective": trust.effective,
            "draws": trust.draws,
            "converged": trust.converged,
            "ok": trust.ok,
            "sentence": trust.sentence,
        },
        "parameters": [
            {"name": name, **estimate_part(found)} for name, found in synthesis.parameters.items()
        ],
        "priors": [{"name": name, "sentence": sentence} for name, sentence in synthesis.priors.items()],
    }


def _counted(counted: Counted) -> Part:
    return {
        "topic": str(counted.topic),
        "treatment": counted.treatment,
        "name": treatment_name(counted.treatment),
        "level": counted.level,
        "studies": counted.studies,
        "randomised_studies": counted.randomised_studies,
        "responders": counted.responders,
        "patients": counted.patients,
        "lowest": counted.lowest,
        "highest": counted.highest,
        "study_ids": list(counted.study_ids),
    }


def _observed(seen: Observed, inquiry: Inquiry) -> Part:
    study = inquiry.evidence.study(seen.study)
    return {
        "study": seen.study,
        "name": study_name(seen.study, study.first_author, seen.year),
        "arm": seen.arm,
        "year": seen.year,
        "design": seen.design.value,
        "definition": seen.definition,
        "treatment": "+".join(seen.treatments),
        "shares": _shares(seen, inquiry.selection),
        "level": seen.level.value if seen.level else None,
        "events": seen.events,
        "n": seen.n,
        "proportion": estimate_part(seen.proportion) if seen.proportion else None,
        "mean": estimate_part(seen.mean) if seen.mean else None,
        "control_events": seen.control_events,
        "control_n": seen.control_n,
        "control": estimate_part(seen.control) if seen.control else None,
        "control_mean": estimate_part(seen.control_mean) if seen.control_mean else None,
        "difference": estimate_part(seen.difference) if seen.difference else None,
        "note": seen.note,
    }


def _shares(seen: Observed, selection: Selection) -> Mapping[str, float]:
    """The mix of the row as numbers; the observed row carries it in words only."""
    row = next(row for row in selection.rows if (row.study, row.arm) == (seen.study, seen.arm))
    return {group.value: share for group, share in row.shares.items()}


def _seeds(inquiry: Inquiry) -> list[Part]:
    """The founding references, each with what became of it here."""
    evidence = inquiry.evidence
    entering = set(inquiry.selection.studies)
    return [
        {
            "number": seed.number,
            "first_author": seed.first_author,
            "year": seed.year,
            "title": seed.short_title,
            "journal": seed.journal,
            "treatments": seed.treatments,
            "status": seed.status,
            "status_words": evidence.meaning("status", seed.status),
            "contributes": seed.contributes,
            "studies": list(seed.study_id),
            "enters": any(study in entering for study in seed.study_id),
        }
        for seed in evidence.seed_references
    ]
