"""The EULAR/ACR classification criteria of 2017, patient by patient, in the order of the paper.

The category follows from the score, never from the probability, which falls on the wrong side of three of the six cut
points. Weights, cut points and intercepts stand in ``definitions/eular-acr-2017.toml``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from myopoise.errors import WrongUsage
from myopoise.outcomes.patients.classification import Classification, Contribution, any_present, one_row
from myopoise.outcomes.patients.eular_acr_columns import faults_in_cells
from myopoise.outcomes.patients.eular_acr_definition import (
    IBM_QUESTIONS,
    JUVENILE,
    NAME,
    RIMMED,
    AgeBand,
    Model,
    definition,
)

__all__ = ["WithAndWithoutBiopsy", "classify_patient", "subgroup", "with_and_without_biopsy"]


def classify_patient(
    items: Mapping[str, bool | None], age_at_onset: float | None, biopsy: bool | None
) -> Classification:
    """What the criteria say of one patient.

    Parameters
    ----------
    items
        What was found: present, absent, or unknown (none). What is not named is unknown. The names are those of the
        definition, with ``finger_flexor_weakness`` and ``treatment_response_not_improved``.
    age_at_onset
        Age at the first symptom in years.
    biopsy
        Whether a muscle biopsy was taken.

    Returns
    -------
    classification
        The answer with the score of what is known to be present, and what the unknown leaves open.

    Raises
    ------
    WrongUsage
        If an item does not exist or two entries contradict each other.

    Examples
    --------
    >>> found = {"prox_upper": True, "gottron_sign": True}
    >>> answer = classify_patient(found, age_at_onset=25, biopsy=False)
    >>> answer.score, answer.category, round(answer.probability, 4)
    (5.3, 'possible_iim', 0.4925)
    """
    _refuse_contradictions(items, age_at_onset, biopsy)
    criteria = definition()
    model = criteria.models["biopsy" if biopsy else "no_biopsy"]
    ages = _possible_ages(items, age_at_onset)
    choices = _choices(model, items, ages)
    lowest = sum(min(tenths) for tenths in choices.values())
    highest = sum(max(tenths) for tenths in choices.values())
    category = model.category(lowest)
    group = _subgroup_of(items, ages, biopsy) if category in criteria.subgrouped else ""
    return Classification(
        criteria=NAME,
        model=model.name,
        score=lowest / 10.0,
        probability=model.probability(lowest),
        probability_min=model.probability(lowest),
        probability_max=model.probability(highest),
        category=category,
        subgroup=group,
        contributions=tuple(_contributions(choices, ages)),
        unknown=tuple(name for name, tenths in choices.items() if len(tenths) > 1),
        could_change_category=tuple(_decisive(model, choices)),
        notes=tuple(_notes(items, biopsy, category, group)),
        meaning=", ".join(criteria.words[word] for word in (category, group) if word),
    )


@dataclass(frozen=True)
class WithAndWithoutBiopsy:
    """The same patient by both sets of weights, with and without what the biopsy showed."""

    without_biopsy: Classification
    with_biopsy: Classification

    @property
    def sentence(self) -> str:
        """Both answers, one after the other."""
        return f"{self.without_biopsy.sentence} {self.with_biopsy.sentence}"

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence


def with_and_without_biopsy(
    items: Mapping[str, bool | None], age_at_onset: float | None
) -> WithAndWithoutBiopsy:
    """Both sets of weights side by side; biopsy findings not given leave open what a biopsy could add."""
    asked_of_biopsy = definition().groups["biopsy"]
    seen = {name: known for name, known in items.items() if name not in asked_of_biopsy}
    return WithAndWithoutBiopsy(
        without_biopsy=classify_patient(seen, age_at_onset, biopsy=False),
        with_biopsy=classify_patient(items, age_at_onset, biopsy=True),
    )


def subgroup(
    adult: bool | None, skin: bool | None, weakness: bool | None, inclusion_body: bool | None
) -> str:
    """Where the tree of a classified patient ends; empty where an unknown answer could lead elsewhere.

    Parameters
    ----------
    adult
        Whether the onset was at 18 or later.
    skin
        Whether any of the skin signs is present.
    weakness
        Whether any of the four kinds of weakness is present; dysphagia is not one.
    inclusion_body
        Whether the pointer to inclusion body myositis is there.
    """
    if adult is None or skin is None:
        return ""
    if not adult:
        return "JDM" if skin else "JM_OTHER"
    if skin:
        return {True: "DM", False: "ADM", None: ""}[weakness]
    return {True: "IBM", False: "PM_IMNM", None: ""}[inclusion_body]


def _possible_ages(items: Mapping[str, bool | None], age_at_onset: float | None) -> tuple[AgeBand, ...]:
    """The bands the age can lie in, youngest first: by the age itself, else by what the age items leave open."""
    bands = definition().bands
    if age_at_onset is not None and not math.isnan(age_at_onset):
        return tuple(band for band in bands if band.onset_from <= age_at_onset < band.onset_below)
    named = definition().groups["age"]
    return tuple(
        band for band in bands if all(items.get(item) in (None, item == band.item) for item in named)
    )


def _choices(
    model: Model, items: Mapping[str, bool | None], ages: tuple[AgeBand, ...]
) -> dict[str, tuple[int, ...]]:
    """What age and each finding can add, in tenths: one number where it is known, several where not."""
    choices = {"age_at_onset": tuple(model.tenths.get(band.item, 0) for band in ages)}
    for item, tenths in model.tenths.items():
        if item in definition().findings:
            choices[item] = {True: (tenths,), False: (0,), None: (0, tenths)}[items.get(item)]
    return choices


def _contributions(
    choices: Mapping[str, tuple[int, ...]], ages: tuple[AgeBand, ...]
) -> Iterator[Contribution]:
    for name, tenths in choices.items():
        if min(tenths):
            yield Contribution(ages[0].item if name == "age_at_onset" else name, min(tenths) / 10.0)


def _decisive(model: Model, choices: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    """The unknowns whose answer makes a difference to the category, for some answers to the other unknowns."""
    for name, own in choices.items():
        sums = {0}
        for other, tenths in choices.items():
            if other != name:
                sums = {total + more for total in sums for more in tenths}
        if any(len({model.category(total + more) for more in own}) > 1 for total in sums):
            yield name


def _subgroup_of(items: Mapping[str, bool | None], ages: tuple[AgeBand, ...], biopsy: bool | None) -> str:
    groups = definition().groups
    juvenile = {band.item == JUVENILE for band in ages}
    return subgroup(
        adult=None if len(juvenile) > 1 else juvenile == {False},
        skin=any_present(items.get(item) for item in groups["skin"]),
        weakness=any_present(items.get(item) for item in groups["weakness"]),
        inclusion_body=_points_to_inclusion_body(items, biopsy),
    )


def _points_to_inclusion_body(items: Mapping[str, bool | None], biopsy: bool | None) -> bool | None:
    """Finger flexors weak and treatment without effect, or rimmed vacuoles; without biopsy there are none."""
    both = all(items.get(question) for question in IBM_QUESTIONS)
    return any_present((both, items.get(RIMMED) if biopsy else False))


def _notes(items: Mapping[str, bool | None], biopsy: bool | None, category: str, group: str) -> Iterator[str]:
    yield "The category follows from the score; the probability formula is SECONDARY and decides nothing."
    if biopsy is None:
        yield "Whether a biopsy was taken is unknown: the weights without biopsy are used (OPERATIONAL)."
    if category in definition().subgrouped and not group:
        yield "The subgroup is left open: what is unknown could change it (OPERATIONAL)."
    if group == "PM_IMNM" and any(items.get(question) is None for question in IBM_QUESTIONS):
        yield "What was not noted of finger flexors or treatment counts as absent in the tree (OPERATIONAL)."


def _refuse_contradictions(
    items: Mapping[str, bool | None], age_at_onset: float | None, biopsy: bool | None
) -> None:
    row = one_row(
        items, tuple(name for name in definition().columns if name not in ("age_at_onset", "biopsy"))
    )
    row |= one_row({"age_at_onset": age_at_onset, "biopsy": biopsy}, ("age_at_onset", "biopsy"))
    for fault in sorted(faults_in_cells("", row)):
        raise WrongUsage(f"{fault.column}: {fault.found}. {fault.remedy}")
