"""The choice for a group of patients: eligible options, refusals with their reasons, and what would change it.

It never sees a patient's record: a group is a diagnosis and what its members have in common. A drug that has failed, or
that a stated source forbids, is refused with that reason and keeps its place in the synthesis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from myopoise.choice.changing import Change, what_would_change
from myopoise.choice.comparing import beside_each_other, responses
from myopoise.choice.counting import count
from myopoise.choice.group import Outcome, PatientGroup
from myopoise.choice.harms import Harm
from myopoise.choice.information import ValueOfInformation, value_of_information
from myopoise.choice.options import Answer, Comparison, Counted, Option, Refusal
from myopoise.choice.ranking import SURE_BETTER
from myopoise.evidence.rows import Selection
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.myositis import MyositisPriors
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, Reading, Verdict

__all__ = ["NO_EVIDENCE", "WEIGHTS", "Choice", "Refusal", "decide"]

Floats = NDArray[np.float64]

NO_EVIDENCE = "no evidence of its own"
"""How the reason begins where a treatment was never an option."""

WEIGHTS: Mapping[str, float] = {"response": 1.0}
"""What counts in the value of information unless someone says otherwise; harm is shown beside it."""


@dataclass(frozen=True)
class Choice:
    """The answer to one question about one group.

    Parameters
    ----------
    group, outcome, level, reading
        What was asked.
    options
        Eligible options, those randomised against background therapy first.
    answer
        The answer before anything was refused, with background therapy; None where nothing is modelled.
    refused
        Treatments that are no option, each with its reason.
    counted
        Raw counts, where no model is fitted.
    changes
        What would change the difference of an option.
    information
        What it would be worth to know more; None without two options to choose from.
    verdict
        Over the eligible options.
    reason
        Why nothing is modelled; empty where something is.
    harms
        What was counted of harm for each eligible option, by its name.
    notes
        Statements that do not refuse an option but belong beside it, by its name.
    """

    group: PatientGroup
    outcome: Outcome
    level: Level
    reading: Reading
    options: tuple[Option, ...]
    answer: Answer | None
    refused: tuple[Refusal, ...]
    counted: tuple[Counted, ...]
    changes: tuple[Change, ...]
    information: ValueOfInformation | None
    verdict: Verdict
    reason: str
    harms: Mapping[str, tuple[Harm, ...]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def decide(
    group: PatientGroup,
    answer: Answer,
    selection: Selection,
    syntheses: Mapping[Reading, Synthesis],
    priors: MyositisPriors,
    seed: int,
    *,
    level: Level,
    reading: Reading,
    forbidden: Sequence[Refusal] = (),
) -> Choice:
    """Refuse what is no option for the group, and compare the rest.

    Parameters
    ----------
    group
        Who is asked about; it has a modelled diagnosis.
    answer
        The options for that diagnosis.
    selection, syntheses, priors, seed
        Behind the answer.
    level, reading
        What the comparison is about.
    forbidden
        Single treatments that something the group has forbids.
    """
    refused = [_failed(option.treatment, group.failed) for option in answer.options]
    why = {r.treatment: r.reason for r in forbidden}
    eligible, out = [], []
    for option, failed in zip(answer.options, refused, strict=True):
        stated = [why[t] for t in option.treatment.split("+") if t in why]
        reasons = [*([failed] if failed else []), *stated]
        if reasons:
            out.append(Refusal(option.treatment, "; ".join(reasons)))
        else:
            eligible.append(option)
    out += [Refusal(missing.treatment, f"{NO_EVIDENCE}: {missing.reason}") for missing in answer.no_evidence]
    connected = [o for o in eligible if o.own.comparison is Comparison.RANDOMISED]
    if not connected:
        verdict = Verdict.UNDECIDED if eligible else Verdict.NO_EVIDENCE
        return Choice(
            *(group, Outcome.RESPONSE, level, reading, tuple(eligible), answer, tuple(out)),
            counted=(),
            changes=(),
            information=None,
            verdict=verdict,
            reason="",
        )
    main = syntheses[reading]
    names = [*(tuple(o.treatment.split("+")) for o in connected), (BACKGROUND,)]
    chance = responses(main, names, answer.group, selection.mechanism, priors, seed, level)
    # Ranks and losses among those that are left.
    beside = dict(zip([o.treatment for o in connected], beside_each_other(chance, main), strict=False))
    eligible = [replace(option, beside=beside.get(option.treatment)) for option in eligible]
    treatments = [option.treatment for option in connected]
    preferred = any(o.verdict is Verdict.PREFERRED for o in eligible)
    posterior = main.posterior
    return Choice(
        group=group,
        outcome=Outcome.RESPONSE,
        level=level,
        reading=reading,
        options=tuple(eligible),
        answer=answer,
        refused=tuple(out),
        counted=(),
        changes=what_would_change(main, treatments, chance, SURE_BETTER),
        information=value_of_information(
            chance,
            [*treatments, BACKGROUND],
            posterior.weights.values,
            posterior.cluster,
            _questions(main, treatments, chance, answer.group),
            WEIGHTS,
        ),
        verdict=Verdict.PREFERRED if preferred else Verdict.UNDECIDED,
        reason="",
    )


def only_counted(
    group: PatientGroup, outcome: Outcome, selection: Selection, reading: Reading, level: Level, reason: str
) -> Choice:
    """Counts where no control group lets a model earn its keep.

    Parameters
    ----------
    group, outcome
        What was asked.
    selection
        Rows of the outcome in such patients.
    reading, level
        What else was asked.
    reason
        Why nothing is modelled.
    """
    topic = Phenotype.JDM.value if group.juvenile else outcome.value
    counted = tuple(c for c in count(selection, topic) if not _failed(c.treatment, group.failed))
    return Choice(
        *(group, outcome, level, reading, (), None),
        refused=tuple(Refusal(t, "it has failed already") for t in group.failed),
        counted=counted,
        changes=(),
        information=None,
        verdict=Verdict.NO_EVIDENCE,
        reason=reason,
    )


def _failed(treatment: str, failed: Sequence[str]) -> str:
    """Why a treatment is refused that is, or holds, a drug that has failed; empty where none has."""
    given = treatment.split("+")
    gone = [t for t in given if t in failed]
    if not gone or (len(given) > 1 and len(gone) < len(given)):
        # A combination is more than the one drug of it that failed alone.
        return ""
    return "it has failed already" if len(given) == 1 else "all drugs of it have failed already"


def _questions(
    synthesis: Synthesis, treatments: Sequence[str], chance: Floats, group: Phenotype
) -> list[tuple[str, str, Floats]]:
    """What a study could find out: each comparison, and each group of parameters."""
    x, columns = synthesis.posterior.x, synthesis.posterior.model.columns
    effect = ndtri(np.clip(chance[:-1], 1e-9, 1.0 - 1e-9)) - ndtri(np.clip(chance[-1], 1e-9, 1.0 - 1e-9))
    found = [
        (f"what {treatment} adds to background therapy", f"{treatment} against {BACKGROUND}", one[:, None])
        for treatment, one in zip(treatments, effect, strict=True)
    ]
    leading = np.argsort(-(chance[:-1] @ synthesis.posterior.weights.values), kind="stable")[:_LEADING]
    for i, one in enumerate(leading):
        for other in leading[i + 1 :]:
            a, b = treatments[int(one)], treatments[int(other)]
            found.append((f"{a} against {b}", f"{a} against {b}", effect[[one, other]].T))

    def of(prefix: str, suffix: str = "") -> Floats:
        chosen = [i for i, c in enumerate(columns) if c.startswith(prefix) and c.endswith(suffix)]
        return x[:, chosen]

    groups = (
        ("response on background therapy", "baseline", of("baseline")),
        ("how far uncontrolled studies exaggerate", "design bias", of("bias")),
        (
            f"how the classes differ in {group.label} from other diagnoses",
            "class by diagnosis",
            of("class ", f" in {group}"),
        ),
        ("how strict the definitions of response are", "definitions", of("definition ")),
    )
    return [*found, *(entry for entry in groups if entry[2].shape[1])]


_LEADING = 4
"""Options with the highest predicted response that are set against each other, not only against background therapy."""
