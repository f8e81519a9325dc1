"""A choice as one plain value: what `myopoise choose --json` prints, and what its table is made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from myopoise.choice.deciding import Choice
from myopoise.choice.harms import Harm
from myopoise.choice.information import Value, ValueOfInformation
from myopoise.choice.options import Comparison, Option, Predicted
from myopoise.estimate import Estimate
from myopoise.report.answer_parts import option_part, predicted_part
from myopoise.report.drives_part import change_part
from myopoise.report.names import treatment_name
from myopoise.report.sentences import FOOTER, verdict_sentence
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.prediction import LevelResponse
from myopoise.vocabulary import Reading, Verdict

__all__ = ["choice_document"]

Part = dict[str, Any]

_FORBIDDEN: Mapping[Comparison, str] = {
    Comparison.UNCONTROLLED: "compared with placebo arms of other trials: no randomised comparison, so no probability",
    Comparison.UNCONNECTED: "randomised, but never against background therapy: no probability of beating it",
}
"""Why a probability of benefit is withheld."""

_ADVICE: Mapping[Verdict, str] = {
    Verdict.PREFERRED: "Weigh the preferred options against harm, burden and what the patient has had; each says how "
    "certain it is and what would change it.",
    Verdict.EQUIVALENT: "Choose by harm, burden and cost; response does not tell these apart.",
    Verdict.UNDECIDED: "The evidence does not choose. A trial would; the value of information says of what.",
    Verdict.NO_EVIDENCE: "There is no comparison to rest a choice on. What was counted is shown, without a comparison.",
}


def choice_document(
    choice: Choice,
    *,
    question: str,
    digest: str,
    syntheses: Mapping[Reading, Synthesis],
    seed: int,
    version: str,
) -> Part:
    """A choice as a plain value.

    Parameters
    ----------
    choice
        The answer.
    question
        In one sentence.
    digest
        Hash of the rows it rests on.
    syntheses
        For the diagnostics.
    seed, version
        Of the draws, and of the program.

    Returns
    -------
    document
        Dictionaries, lists, texts, numbers, truth values and nulls only.
    """
    label = choice.group.label
    shown = [option_part(option, label) for option in choice.options]
    background = None if choice.answer is None else choice.answer.background.get(choice.reading)
    return {
        "question": question,
        "verdict": choice.verdict.value,
        "sentence": choice.reason
        or verdict_sentence(
            label, choice.verdict.value, shown, predicted_part(background) if background else None
        ),
        "advice": _ADVICE[choice.verdict],
        "caveats": list(choice.group.caveats),
        "level": choice.level.value,
        "outcome": choice.outcome.value,
        "reading": choice.reading.value,
        "background": _response(background) if background else None,
        "options": [
            _option(option, choice, part)
            | {"harms": [_harm(harm) for harm in choice.harms.get(option.treatment, ())]}
            for option, part in zip(choice.options, shown, strict=True)
        ],
        "refused": [
            {"treatment": r.treatment, "name": treatment_name(r.treatment), "reason": r.reason}
            for r in choice.refused
        ],
        "counted": [
            {
                "treatment": c.treatment,
                "name": treatment_name(c.treatment),
                "level": c.level,
                "responders": c.responders,
                "patients": c.patients,
                "studies": c.studies,
                "randomised_studies": c.randomised_studies,
                "lowest": c.lowest,
                "highest": c.highest,
                "study_ids": list(c.study_ids),
            }
            for c in choice.counted
        ],
        "what_would_change_it": [change_part(change) for change in choice.changes],
        "value_of_information": _information(choice.information) if choice.information else None,
        "evidence_digest": digest,
        "diagnostics": {
            "seed": seed,
            "version": version,
            "readings": [
                {
                    "reading": found.reading.value,
                    "studies": found.studies,
                    "patients": found.patients,
                    "k_hat": found.trust.k_hat,
                    "effective": found.trust.effective,
                    "draws": found.trust.draws,
                    "converged": found.trust.converged,
                    "ok": found.trust.ok,
                    "sentence": found.trust.sentence,
                }
                for found in syntheses.values()
            ],
        },
        "footer": FOOTER,
    }


def _interval(estimate: Estimate) -> Part:
    return {
        "mean": estimate.mean,
        "sd": estimate.sd,
        "q2_5": estimate.low,
        "q50": estimate.median,
        "q97_5": estimate.high,
        "mcse": estimate.mcse,
    }


def _level(found: LevelResponse) -> Part:
    ends = {"predictive_low": found.predictive.low, "predictive_high": found.predictive.high}
    return _interval(found.response) | ends


def _response(predicted: Predicted) -> Part:
    return {level.value: _level(found) for level, found in predicted.levels.items()}


def _option(option: Option, choice: Choice, part: Part) -> Part:
    own, predicted = option.own, option.predicted[choice.reading]
    forbidden = _FORBIDDEN.get(own.comparison)
    at = predicted.levels[choice.level]
    beside = option.beside
    return {
        "treatment": option.treatment,
        "name": treatment_name(option.treatment),
        "mechanism": option.mechanism,
        "studies": own.studies,
        "patients": own.patients,
        "randomised_studies": own.randomised_studies,
        "randomised_patients": own.randomised_patients,
        "patients_in_group": own.patients_in_group,
        "comparison": own.comparison.value,
        "study_ids": list(own.study_ids),
        "response": _response(predicted),
        "versus_background": {
            "risk_difference": _interval(at.difference)
            | {
                "predictive_low": at.predictive_difference.low,
                "predictive_high": at.predictive_difference.high,
            },
            "probability_better": predicted.p_better,
            "probability_better_by_10_points": predicted.p_better_by_ten,
            "mcse": predicted.p_mcse,
            "reason": forbidden,
        },
        "rank_probabilities": list(beside.ranks) if beside else None,
        "expected_loss": _interval(beside.expected_loss) if beside else None,
        "certainty": {
            "grade": option.certainty.grade.value,
            "domains": [
                {
                    "domain": concern.domain,
                    "judgement": concern.judgement.value,
                    "steps": concern.steps,
                    "reason": concern.reason,
                    "numbers": dict(concern.numbers),
                    "overridden": concern.overridden or None,
                }
                for concern in option.certainty.concerns
            ],
        },
        "contributions": dict(option.information),
        "group": option.promise.value,
        "verdict": option.verdict.value,
        "notes": [*part["notes"], *choice.notes.get(option.treatment, ())],
        "sentence": part["sentence"],
    }


def _harm(harm: Harm) -> Part:
    treated, controls = harm.treated, harm.controls
    return {
        "kind": harm.kind.value,
        "reported": harm.reported,
        "events": treated.events,
        "patients": treated.patients,
        "studies": list(treated.study_ids),
        "studies_that_do_not_say": list(harm.silent),
        "studies_not_added": list(harm.not_added),
        "outcome_ids": list(treated.outcome_ids + controls.outcome_ids),
        "control_events": controls.events,
        "control_patients": controls.patients,
        "sentence": harm.sentence,
    }


def _information(found: ValueOfInformation) -> Part:
    return {
        "unit": "responders per patient treated",
        "weights": dict(found.weights),
        "best_now": found.best_now,
        "everything": _value(found.everything),
        "questions": [_value(value) for value in found.questions],
    }


def _value(value: Value) -> Part:
    return {"question": value.question, "about": value.about, "value": value.value, "se": value.se}
