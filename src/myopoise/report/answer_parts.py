"""Answers as plain values: options with every estimate, concern and sentence, for the report and for a choice."""

from __future__ import annotations

from typing import Any

from myopoise.choice.options import Answer, Option, Predicted
from myopoise.estimate import Estimate
from myopoise.report.names import treatment_name
from myopoise.report.sentences import (
    certainty_words,
    display_notes,
    option_sentence,
    verdict_sentence,
    verdict_words,
)
from myopoise.vocabulary import Reading

__all__ = ["answer_part", "estimate_part", "option_part", "predicted_part"]

Part = dict[str, Any]


def estimate_part(estimate: Estimate) -> Part:
    """An estimate with its numerical error."""
    return {
        "mean": estimate.mean,
        "sd": estimate.sd,
        "median": estimate.median,
        "low": estimate.low,
        "high": estimate.high,
        "level": estimate.level,
        "scale": estimate.scale,
        "mcse": estimate.mcse,
    }


def answer_part(answer: Answer) -> Part:
    """The options of one group, and what may be said of them."""
    group = answer.group.label
    options = [option_part(option, group) for option in answer.options]
    background = {reading.value: predicted_part(found) for reading, found in answer.background.items()}
    main = background.get(Reading.MAIN.value)
    return {
        "group": answer.group.value,
        "label": group,
        "verdict": answer.verdict.value,
        "sentence": verdict_sentence(group, answer.verdict.value, options, main),
        "background": background,
        "options": options,
        "no_evidence": [
            {
                "treatment": missing.treatment,
                "name": treatment_name(missing.treatment),
                "label": missing.label,
                "studies": list(missing.studies),
                "reason": missing.reason,
            }
            for missing in answer.no_evidence
        ],
    }


def option_part(option: Option, group: str) -> Part:
    """One option for the group named `group`."""
    own = option.own
    found: Part = {
        "treatment": option.treatment,
        "name": treatment_name(option.treatment),
        "label": option.label,
        "mechanism": option.mechanism,
        "rank": option.rank,
        "own": {
            "studies": own.studies,
            "patients": own.patients,
            "randomised_studies": own.randomised_studies,
            "randomised_patients": own.randomised_patients,
            "patients_in_group": own.patients_in_group,
            "assumed_in_group": own.assumed_in_group,
            "randomised_compared": own.randomised_compared,
            "responders": own.responders,
            "evaluated": own.evaluated,
            "comparison": own.comparison.value,
            "only_p": own.only_p,
            "study_ids": list(own.study_ids),
        },
        "predicted": {reading.value: predicted_part(shown) for reading, shown in option.predicted.items()},
        "certainty": {
            "grade": option.certainty.grade.value,
            "words": certainty_words(option.certainty.grade.value),
            "concerns": [
                {
                    "domain": concern.domain,
                    "steps": concern.steps,
                    "judgement": concern.judgement.value,
                    "reason": concern.reason,
                    "numbers": dict(concern.numbers),
                    "overridden": concern.overridden,
                }
                for concern in option.certainty.concerns
            ],
        },
        "verdict": option.verdict.value,
        "verdict_words": verdict_words(option.verdict.value),
        "promise": option.promise.value,
        "information": dict(option.information),
        "p_best": option.beside.p_best if option.beside else None,
        "expected_loss": estimate_part(option.beside.expected_loss) if option.beside else None,
        "notes": display_notes(own.comparison.value, own.only_p, option.mechanism),
    }
    return {**found, "sentence": option_sentence(found, group)}


def predicted_part(predicted: Predicted) -> Part:
    """What one reading predicts, at each level."""
    return {
        "response": estimate_part(predicted.response),
        "predictive": estimate_part(predicted.predictive),
        "difference": estimate_part(predicted.difference),
        "predictive_difference": estimate_part(predicted.predictive_difference),
        "p_better": predicted.p_better,
        "p_better_by_ten": predicted.p_better_by_ten,
        "p_mcse": predicted.p_mcse,
        "levels": {
            level.value: {
                "response": estimate_part(found.response),
                "predictive": estimate_part(found.predictive),
                "difference": estimate_part(found.difference),
                "predictive_difference": estimate_part(found.predictive_difference),
            }
            for level, found in predicted.levels.items()
        },
    }
