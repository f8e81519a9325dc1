"""What the studies counted of harm under a treatment, each number one step from its study.

A *kind of harm* is one of four counts that studies give: serious infections, deaths, serious adverse events, and
patients who stopped the drug or the study. The words are the studies' own; what counted as serious differs between
them, and where a study counted less or more than the kind says, its remark is shown with it.

A count is no claim about cause: patients of an uncontrolled series may die of their disease, and a short trial sees
little. Only where a trial randomised, and counted the same thing in both arms, do two numbers stand side by side.

A kind that no study counts has no number here. Never read that as zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from myopoise.choice.harm_rows import (
    HarmCount,
    HarmKind,
    HarmLeftOut,
    StudySides,
    groups_of,
    label_of,
    left_out,
    study_counts,
)
from myopoise.errors import WrongUsage
from myopoise.estimate import Estimate
from myopoise.evidence.tables import Evidence, Study
from myopoise.synthesis.observed import proportion
from myopoise.vocabulary import BACKGROUND, treatment_label

__all__ = [
    "COUNTS_ONLY",
    "Harm",
    "HarmCount",
    "HarmKind",
    "HarmLeftOut",
    "HarmTally",
    "harms_of",
]

COUNTS_ONLY = (
    "These are counts of what happened while patients were in the studies. They do not show what caused it, and "
    "a harm that no study counted is unknown, not absent."
)
"""What must be read with any of these numbers."""


@dataclass(frozen=True)
class HarmTally:
    """Counts of several studies, added: every patient once, or None throughout where no study counted.

    Parameters
    ----------
    counts
        One per study.
    """

    counts: tuple[HarmCount, ...]

    @property
    def reported(self) -> bool:
        """Whether any study counted."""
        return bool(self.counts)

    @property
    def events(self) -> int | None:
        """Patients with the harm."""
        return sum(count.events for count in self.counts) if self.counts else None

    @property
    def patients(self) -> int | None:
        """Patients among whom it was counted."""
        return sum(count.patients for count in self.counts) if self.counts else None

    @property
    def studies(self) -> int | None:
        """Studies that counted it."""
        return len(self.counts) or None

    @property
    def study_ids(self) -> tuple[str, ...]:
        """The studies."""
        return tuple(count.study for count in self.counts)

    @property
    def outcome_ids(self) -> tuple[str, ...]:
        """The rows of the tables the sums are made of."""
        return tuple(outcome for count in self.counts for outcome in count.outcome_ids)

    @property
    def proportion(self) -> Estimate | None:
        """Share of the patients, with its Jeffreys 95% interval as if they were of one study."""
        if self.events is None or self.patients is None:
            return None
        return proportion(self.events, self.patients)


@dataclass(frozen=True)
class Harm:
    """One kind of harm under one treatment: what was counted, what was not added, and who did not say.

    Parameters
    ----------
    kind
        Which harm.
    treatments
        Codes of the treatment, or of all the treatments of a combination.
    gave
        Studies of the main set that gave exactly this treatment, whatever they counted.
    treated
        Counts under the treatment.
    controls
        Counts of the concurrent randomised background arms of the same trials, counted in the same way.
    left_out
        Rows not added, with the reason.
    """

    kind: HarmKind
    treatments: tuple[str, ...]
    gave: tuple[str, ...]
    treated: HarmTally
    controls: HarmTally
    left_out: tuple[HarmLeftOut, ...]

    @property
    def reported(self) -> bool:
        """Whether any study gives a number that can be counted."""
        return self.treated.reported

    @property
    def not_added(self) -> tuple[str, ...]:
        """Studies that gave the treatment and give a number for it, none of which can be added."""
        named = {row.study for row in self.left_out} - set(self.treated.study_ids)
        return tuple(study for study in self.gave if study in named)

    @property
    def silent(self) -> tuple[str, ...]:
        """Studies that gave the treatment and do not say."""
        spoke = {*self.treated.study_ids, *self.not_added}
        return tuple(study for study in self.gave if study not in spoke)

    @property
    def comparisons(self) -> tuple[tuple[HarmCount, HarmCount], ...]:
        """Treated and background counts of each randomised trial that has both."""
        against = {count.study: count for count in self.controls.counts}
        return tuple((count, against[count.study]) for count in self.treated.counts if count.study in against)

    @property
    def outside(self) -> tuple[str, ...]:
        """Studies outside the main set, or of combinations, whose numbers are listed and not added."""
        return tuple(dict.fromkeys(row.study for row in self.left_out if row.study not in self.gave))

    @property
    def sentence(self) -> str:
        """What was counted, who did not say, what else was counted, and randomised trials side by side."""
        parts = (self._counted(), self._remarks(), self._side_by_side(), self._outside())
        return " ".join(part for part in parts if part)

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence

    def _counted(self) -> str:
        if not self.gave:
            return f"No study of the main set gave exactly {label_of(self.treatments)}."
        if self.treated.counts:
            return (
                f"{self.treated.events} of {_many(self.treated.patients, 'patient')} in {self.treated.studies} of "
                f"{_many(len(self.gave), 'study')} {self.kind.happened}{self._others()}."
            )
        several = len(self.gave) > 1
        which = f"None of the {len(self.gave)} studies" if several else "The only study"
        of = f"{which} of {label_of(self.treatments)}"
        if self.not_added:
            rest = f"can be counted here{self._others()}" if several else "is not added here"
            return (
                f"{of} gives a number of patients who {self.kind.happened} that {rest}. "
                "That is not the same as none."
            )
        says = "says" if several else "does not say"
        return f"{of} {says} how many patients {self.kind.happened}. That is not the same as none."

    def _others(self) -> str:
        """The studies that are not in the sum, in words; empty where there are none."""
        silent, aside = len(self.silent), len(self.not_added)
        saying = f"{'study does' if silent == 1 else 'studies do'} not say"
        if aside:
            giving = f"{'study gives' if aside == 1 else 'studies give'} a number that is not added"
            rest = f", and {silent} {saying}" if silent else ""
            return f"; {aside} {giving} ({', '.join(self.not_added)}){rest}"
        return f"; the other {'' if silent == 1 else f'{silent} '}{saying}" if silent else ""

    def _remarks(self) -> str:
        marked = [f"{count.study} ({count.remark})" for count in self.treated.counts if count.remark]
        return f"Counted in its own way: {', '.join(marked)}." if marked else ""

    def _side_by_side(self) -> str:
        pairs = [
            f"{one.study}, {one.events} of {one.patients} on {label_of(self.treatments)} and "
            f"{zero.events} of {zero.patients} on {treatment_label(BACKGROUND)}"
            for one, zero in self.comparisons
        ]
        return f"Randomised, side by side: {'; '.join(pairs)}." if pairs else ""

    def _outside(self) -> str:
        if not self.outside:
            return ""
        return f"Listed but not added, from outside the main set or from combinations: {', '.join(self.outside)}."


def harms_of(evidence: Evidence, treatments: Iterable[str]) -> tuple[Harm, ...]:
    """What the studies counted of each kind of harm under a treatment, every kind present.

    Parameters
    ----------
    evidence
        Checked evidence; pass `evidence.published_by(year)` for what was known then.
    treatments
        Code of the treatment, or all codes of a combination. A combination is not its parts: what happened under
        two drugs is told of neither alone.

    Returns
    -------
    harms
        One per kind, in the order of `HarmKind`.

    Raises
    ------
    WrongUsage
        For no treatment, a code that is not in the vocabulary, or background therapy itself.

    Notes
    -----
    Studies outside the main set are listed, not counted. Whether the disease was refractory is not asked, other than
    for responses: a drug harms a patient whatever failed before. Nobody is counted twice: pooled groups, parts of a
    group that is counted, later phases (in which patients first given placebo have changed over), courses,
    crossover periods taken together, and second counts of the same patients are left out, each with its reason.
    """
    wanted = _known(evidence, tuple(dict.fromkeys(treatments)))
    return tuple(_harm(evidence, wanted, kind) for kind in HarmKind)


def _known(evidence: Evidence, treatments: tuple[str, ...]) -> tuple[str, ...]:
    codes = evidence.codes("treatment")
    strange = [code for code in treatments if code not in codes]
    controls = [
        code for code in treatments if code not in strange and evidence.mechanism_class(code) == "control"
    ]
    if not treatments or strange or controls:
        named = f"'{', '.join(strange + controls)}' is" if treatments else "Nothing is"
        raise WrongUsage(
            f"{named} not a treatment whose harms can be counted. Name one or more treatment codes of "
            "vocabulary.csv, such as ivig; background arms are shown beside the treatment they were compared with."
        )
    return treatments


def _harm(evidence: Evidence, wanted: tuple[str, ...], kind: HarmKind) -> Harm:
    grouped = [(study, groups_of(evidence, study, wanted)) for study in evidence.studies]
    found = [
        study_counts(evidence, study, groups, kind)
        for study, groups in grouped
        if groups.on_drug or groups.with_more
    ]
    counted = [sides for sides in found if sides.treated is not None]
    kept, twice = _without_overlaps(evidence, counted)
    left = [row for sides in found for row in sides.left_out] + twice
    return Harm(
        kind,
        wanted,
        tuple(study.study_id for study, groups in grouped if groups.on_drug and study.included),
        HarmTally(tuple(sides.treated for sides in kept if sides.treated is not None)),
        HarmTally(tuple(sides.control for sides in kept if sides.control is not None)),
        tuple(left),
    )


def _without_overlaps(
    evidence: Evidence, found: list[StudySides]
) -> tuple[list[StudySides], list[HarmLeftOut]]:
    """Of studies that may hold the same patients, the one that counted more of them."""
    kept: list[StudySides] = []
    twice: list[HarmLeftOut] = []
    for sides in sorted(found, key=lambda s: -s.treated.patients if s.treated else 0):
        same = [other.study.study_id for other in kept if _overlap(sides.study, other.study)]
        if same:
            twice += [
                left_out(row, f"may hold the same patients as {' and '.join(same)}") for row in sides.rows
            ]
        else:
            kept.append(sides)
    order = {study.study_id: place for place, study in enumerate(evidence.studies)}
    return sorted(kept, key=lambda s: order[s.study.study_id]), twice


def _overlap(one: Study, other: Study) -> bool:
    return one.study_id in other.overlaps_with or other.study_id in one.overlaps_with


def _many(number: int | None, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
