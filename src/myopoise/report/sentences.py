"""The wording of results: the only source of what the pages and the terminal say about effect, certainty and verdict.

Effect and certainty go together in one sentence, as GRADE guideline 26 words it: high certainty *results in*, moderate
*likely results in*, low *may result in*, very low *the evidence is very uncertain*. Nothing here tells anyone what to
give to whom: a page supports a decision and never makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from myopoise.choice.certainty import Grade
from myopoise.choice.options import Comparison
from myopoise.report.names import treatment_name
from myopoise.report.rounding import chance, hundred, signed_hundred
from myopoise.vocabulary import Reading, Verdict

__all__ = [
    "FOOTER",
    "SUPPORTS",
    "TIERS",
    "certainty_words",
    "chance_of_benefit",
    "children_sentence",
    "difference_phrase",
    "display_notes",
    "no_evidence_phrase",
    "option_sentence",
    "per_hundred",
    "progress_line",
    "verdict_sentence",
    "verdict_words",
]

Part = Mapping[str, Any]

SUPPORTS = "This page supports a decision; it never makes one."

FOOTER = (
    "For research and evidence synthesis. It describes groups of patients in published studies and does not assess "
    "an individual. Not a medical device. It must not be the sole or main basis of a treatment decision. Check "
    "every number in the cited source. No warranty."
)

_CERTAINTY = {
    Grade.HIGH: "High certainty",
    Grade.MODERATE: "Moderate certainty",
    Grade.LOW: "Low certainty",
    Grade.VERY_LOW: "Very low certainty",
}

_RESULTS_IN = {
    Grade.HIGH: "results in",
    Grade.MODERATE: "likely results in",
    Grade.LOW: "may result in",
}

_VERDICTS = {
    Verdict.PREFERRED: "better than background therapy",
    Verdict.EQUIVALENT: "about the same as background therapy",
    Verdict.UNDECIDED: "undecided",
    Verdict.NO_EVIDENCE: "no evidence of its own",
}

_COMPARISONS = {
    Comparison.UNCONNECTED: (
        "Randomised, but never against background therapy: no chance of beating it is given, because the difference "
        "rests on placebo arms of other trials."
    ),
    Comparison.UNCONTROLLED: (
        "Compared with placebo arms of other trials: no chance of beating background therapy is given, because "
        "no result that can be used set it against that by randomisation."
    ),
}

TIERS = {
    Comparison.RANDOMISED: "Randomised against continued background therapy",
    Comparison.UNCONNECTED: "Randomised, but never against background therapy",
    Comparison.UNCONTROLLED: "No usable randomised comparison: compared with placebo arms of other trials",
}
"""Headings under which options are listed; options under different headings are not to be compared with each other."""

_INSTEAD_OF_CHANCE = {
    Comparison.UNCONNECTED: "compared with placebo arms of other trials",
    Comparison.UNCONTROLLED: "compared with placebo arms of other trials",
}

_ONLY_P = "Its randomised result is known only through a printed P value or the words 'not significant'."

_ANOTHER_ERA = (
    "Its comparators come from another era; a lower number here is no ground for calling it worse than background "
    "therapy."
)

_ANOTHER_ERA_CLASSES = ("tnf-blockade",)


def per_hundred(estimate: Part) -> str:
    """A chance of response in patients in a hundred with its interval.

    Parameters
    ----------
    estimate
        Estimate of a probability.

    Examples
    --------
    >>> per_hundred({"median": 0.62, "low": 0.41, "high": 0.79, "level": 0.95})
    '62 in 100 (95% credible interval 41 to 79)'
    """
    interval = f"{hundred(estimate['level'])}% credible interval"
    return f"{hundred(estimate['median'])} in 100 ({interval} {_range(estimate)})"


def difference_phrase(estimate: Part) -> str:
    """A difference as more or fewer responders in a hundred, with its interval.

    Parameters
    ----------
    estimate
        Estimate of a difference in probability.

    Examples
    --------
    >>> difference_phrase({"median": -0.08, "low": -0.30, "high": 0.15, "level": 0.95})
    '8 fewer responders in 100 (95% credible interval 30 fewer to 15 more)'
    """
    interval = f"{hundred(estimate['level'])}% credible interval"
    low, high = _more(estimate["low"]), _more(estimate["high"])
    number, _, word = low.partition(" ")
    ends = f"{number if high.endswith(word) else low} to {high}"
    middle = (
        f"{_more(estimate['median'])} responders"
        if hundred(abs(estimate["median"])) != "0"
        else "no more responders"
    )
    return f"{middle} in 100 ({interval} {ends})"


def certainty_words(grade: str) -> str:
    """Certainty of the evidence, in two or three words."""
    return _CERTAINTY[Grade(grade)]


def verdict_words(verdict: str) -> str:
    """What may be said of an option, in a few words."""
    return _VERDICTS[Verdict(verdict)]


def chance_of_benefit(option: Part) -> str:
    """The chance of beating background therapy, or the words that stand where the display rules forbid it.

    Parameters
    ----------
    option
        An option of the document.
    """
    p = option["predicted"][Reading.MAIN.value]["p_better"]
    return (
        chance(p)
        if p is not None
        else _INSTEAD_OF_CHANCE.get(Comparison(option["own"]["comparison"]), "not given")
    )


def display_notes(comparison: str, only_p: bool, mechanism: str) -> list[str]:
    """What a reader must know before comparing this option with another, one sentence each.

    Parameters
    ----------
    comparison
        What the treatment was set against.
    only_p
        Whether its only randomised comparison was printed as a P value.
    mechanism
        Mechanism classes of the treatment.
    """
    kind = Comparison(comparison)
    notes = [_COMPARISONS[kind]] if kind in _COMPARISONS else []
    if only_p:
        notes.append(_ONLY_P)
    if _another_era(mechanism):
        notes.append(_ANOTHER_ERA)
    return notes


def option_sentence(option: Part, group: str) -> str:
    """Effect and certainty of one option in one sentence.

    Parameters
    ----------
    option
        An option of the document.
    group
        Name of the diagnosis in words.
    """
    main = option["predicted"][Reading.MAIN.value]
    name = treatment_name(option["treatment"])
    grade = Grade(option["certainty"]["grade"])
    effect = difference_phrase(main["difference"])
    if Comparison(option["own"]["comparison"]) is not Comparison.RANDOMISED:
        return (
            f"In {group}, {per_hundred(main['response'])} are predicted to respond to {name}. Compared with placebo "
            "arms of other trials, the evidence is very uncertain about its effect."
        )
    if _another_era(option["mechanism"]) and main["difference"]["median"] < 0:
        return (
            f"In {group}, the evidence does not tell how {name} compares with background therapy: the estimate of "
            f"{effect} leans on placebo arms of another era and is no ground for calling it worse."
        )
    if grade is Grade.VERY_LOW:
        uncertain = f"In {group}, the evidence is very uncertain about the effect of {name}"
        return f"{uncertain}: {effect} than on background therapy."
    return f"In {group}, {name} {_RESULTS_IN[grade]} {effect} than background therapy alone."


def verdict_sentence(group: str, verdict: str, options: Sequence[Part], background: Part | None) -> str:
    """The answer for one group of patients in a sentence or two.

    Parameters
    ----------
    group
        Name of the diagnosis in words.
    verdict
        Verdict over all options.
    options
        The options of the document, highest predicted response first.
    background
        Prediction on background therapy in the main reading; None without one.
    """
    kind = Verdict(verdict)
    if kind is Verdict.NO_EVIDENCE or background is None:
        return (
            f"No evidence: no usable study sets a treatment against continued background therapy in {group}, so no "
            "number can be given."
        )
    alone = f"On continued background therapy alone, {per_hundred(background['response'])} are predicted to respond."
    if kind is Verdict.PREFERRED:
        return f"{_preferred(group, options)} {alone}"
    if kind is Verdict.EQUIVALENT:
        same = f"In {group}, no option differs from continued background therapy by ten patients in a hundred or more."
        return f"{same} {alone}"
    return f"{_undecided(group, options)} {alone}"


def children_sentence(found: tuple[int, int, int]) -> str:
    """The answer for children, who have no control group in any study.

    Parameters
    ----------
    found
        Treatments, studies and patients counted.
    """
    treatments, studies, patients = found
    if not studies:
        return "No evidence: no study of children reports countable responders."
    return (
        "No evidence that compares: no study of children had a control group, so no treatment can be set against "
        f"background therapy. What {_counted_noun(studies, 'study', 'studies')} of "
        f"{_counted_noun(treatments, 'treatment', 'treatments')} in {patients} children reported is shown as counts."
    )


def _counted_noun(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def no_evidence_phrase(treatment: str, reason: str) -> str:
    """Why a treatment has no number, whatever its class did.

    Parameters
    ----------
    treatment
        Codes of the treatment.
    reason
        Why no study of it enters.
    """
    return f"{treatment_name(treatment)}: no evidence of its own, so no number is given ({reason})."


def progress_line(document: Part) -> str:
    """What the evidence comes to, in one line for a terminal or the head of a page.

    Parameters
    ----------
    document
        The document of the report.
    """
    selection, children = document["selection"], document["selection"]["children_studies"]
    as_of = f", as known at the end of {document['as_of']}" if document["as_of"] else ""
    of = f"of {document['evidence']['studies']} studies in the tables{as_of}"
    main = next((r for r in document["readings"] if r["reading"] == Reading.MAIN.value), None)
    if main is None:
        said = f"None {of} informs a prediction"
    else:
        verb = "informs" if main["studies"] == 1 else "inform"
        said = (
            f"{main['studies']} {of} {verb} the predictions, {selection['randomised_studies']} of them randomised, "
            f"with {main['patients']} patients, control groups included"
        )
    verb = "is" if children == 1 else "are"
    studies = _counted_noun(children, "study", "studies")
    more = f"; {studies} of them {verb} of children, who get no prediction of their own"
    return said + (more if children else "") + "."


def _preferred(group: str, options: Sequence[Part]) -> str:
    chosen = [option for option in options if option["verdict"] == Verdict.PREFERRED.value]
    said = []
    for option in chosen:
        verb = _RESULTS_IN.get(Grade(option["certainty"]["grade"]), "may result in")
        effect = difference_phrase(option["predicted"][Reading.MAIN.value]["difference"])
        said.append(f"{treatment_name(option['treatment'])} {verb} {effect}")
    rest = len(options) - len(chosen)
    other = "the other option" if rest == 1 else f"any of the other {rest} options"
    others = f" It is not settled whether {other} adds to background therapy." if rest else ""
    return f"In {group}, {_listed(said)} than background therapy alone.{others}"


def _undecided(group: str, options: Sequence[Part]) -> str:
    randomised = [o for o in options if o["own"]["comparison"] == Comparison.RANDOMISED.value]
    opening = (
        f"Undecided: in {group}, the evidence does not settle which treatment adds most to continued background "
        "therapy, or whether any does."
    )
    known = [o for o in randomised if o["predicted"][Reading.MAIN.value]["p_better"] is not None]
    if not known:
        none = (
            "The only option was never"
            if len(options) == 1
            else f"None of the {len(options)} options was ever"
        )
        return f"{opening} {none} randomised against it."
    first = max(known, key=lambda o: (_grade_order(o), o["predicted"][Reading.MAIN.value]["p_better"]))
    grade = certainty_words(first["certainty"]["grade"]).lower()
    effect = difference_phrase(first["predicted"][Reading.MAIN.value]["difference"])
    which = (
        "The only option"
        if len(options) == 1
        else f"Of {len(options)} options the one with the highest certainty, and then the highest chance of benefit,"
    )
    return f"{opening} {which} is {treatment_name(first['treatment'])}, with {effect}, {grade}."


def _grade_order(option: Part) -> int:
    return -list(Grade).index(Grade(option["certainty"]["grade"]))


def _another_era(mechanism: str) -> bool:
    return any(name in mechanism for name in _ANOTHER_ERA_CLASSES)


def _range(estimate: Part) -> str:
    return f"{hundred(estimate['low'])} to {hundred(estimate['high'])}"


def _more(difference: float) -> str:
    text = signed_hundred(difference)
    return "0" if text == "0" else f"{text[1:]} {'fewer' if text.startswith('−') else 'more'}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{'; '.join(parts[:-1])}; and {parts[-1]}"
