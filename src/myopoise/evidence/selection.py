"""Which rows of the evidence answer a question: nothing counted twice, everything else set aside with a reason.

The rules are those of the evidence page: one definition of response, one time point and one set of patients
per study; arms that overlap are never added; crossover periods are never taken twice. Where a rule cannot know better,
`judgements.toml` holds the exception and its reason, so that a judgement is data and can be disputed.
"""

from __future__ import annotations

from dataclasses import dataclass

from myopoise.evidence.judgements import Judgement, read_judgements
from myopoise.evidence.rows import PrintedP, Row, Selection, SetAside, treatments_in
from myopoise.evidence.study_rows import ENDPOINTS, printed_comparisons, response_rows
from myopoise.evidence.tables import Evidence, Study
from myopoise.vocabulary import Domain

__all__ = ["Question", "select"]


@dataclass(frozen=True)
class Question:
    """What is asked of the evidence: response of muscle or of the whole disease, in whom, known by when.

    Parameters
    ----------
    as_of
        Use only what was published by this year; None for everything.
    domain
        Which organ's response.
    """

    as_of: int | None = None
    domain: Domain = Domain.MUSCLE

    def __str__(self) -> str:
        """The question in one sentence."""
        when = f", as known at the end of {self.as_of}" if self.as_of else ""
        return (
            "Which treatment, added to continued background therapy, gives patients with refractory polymyositis or "
            f"dermatomyositis the best chance of a {self.domain} response{when}?"
        )


def select(
    evidence: Evidence, question: Question, judgements: tuple[Judgement, ...] | None = None
) -> Selection:
    """Rows of the evidence that answer the question, with the reason for each study set aside.

    Parameters
    ----------
    evidence
        Checked evidence.
    question
        What is asked; its `as_of` narrows the evidence.
    judgements
        Exceptions to the rules; None for the shipped ones.
    """
    known = evidence.published_by(question.as_of) if question.as_of else evidence
    chosen = read_judgements() if judgements is None else judgements
    exceptions = {j.study: j for j in chosen if question.domain is Domain.MUSCLE}
    rows: list[Row] = []
    printed: list[PrintedP] = []
    aside: list[SetAside] = []
    parts: list[SetAside] = []
    for study in known.studies:
        judgement = exceptions.get(study.study_id, Judgement(study.study_id))
        reason = judgement.exclude or ("" if judgement.include else _out_by_rule(known, study))
        found, left = ((), ()) if reason else response_rows(known, study, judgement, question.domain)
        pairs = () if reason else printed_comparisons(known, study, judgement)
        if found or pairs:
            rows.extend(found)
            printed.extend(pairs)
            parts.extend(left)
        else:
            reason = reason or _nothing_usable(known, study, question.domain)
            aside.append(
                SetAside(study.study_id, study.year, study.design, "+".join(study.population), reason)
            )
    mechanism = {t: known.mechanism_class(t) for t in treatments_in(rows, printed)}
    return Selection(tuple(rows), tuple(printed), tuple(aside), tuple(parts), mechanism)


def _out_by_rule(evidence: Evidence, study: Study) -> str:
    """Why a study is out before its numbers are looked at, or empty."""
    if study.exclude_reason == "overlap":
        return f"tables: overlap: same patients as {' and '.join(study.overlaps_with)}"
    if study.include_main != "yes":
        return f"tables: {study.exclude_reason}: {evidence.meaning('exclude_reason', study.exclude_reason)}"
    if study.refractory not in ("all", "some"):
        return f"refractory {study.refractory}: {evidence.meaning('refractory', study.refractory)}"
    return ""


def _nothing_usable(evidence: Evidence, study: Study, domain: Domain) -> str:
    """What the study reports instead of countable responders."""
    outcomes = evidence.outcomes_of(study.study_id)
    if any(o.endpoint in ENDPOINTS[domain] and o.type == "rate" for o in outcomes):
        return "approximate percentage of responders only, which must not be turned into a count"
    others = " ".join(sorted({o.endpoint for o in outcomes}))
    return f"no {domain} response outcome ({others})"
