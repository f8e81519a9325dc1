"""What drives the answer: single studies, the discount of uncontrolled ones, and priors, each turned on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from myopoise.choice.changing import Change, what_would_change
from myopoise.choice.comparing import responses
from myopoise.choice.options import Answer, Comparison
from myopoise.choice.ranking import SURE_BETTER
from myopoise.estimate import Estimate
from myopoise.evidence.rows import Selection
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.leaving_out import without_each_study
from myopoise.synthesis.myositis import MyositisPriors, synthesise
from myopoise.synthesis.prediction import predict
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.row_checks import RowCheck, row_checks
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, Reading

__all__ = ["TURNED", "Drives", "Turned", "what_drives"]

_FIXED = 1e-3
"""Standard deviation of a prior that holds a value fixed."""


def _bias(value: float) -> Callable[[MyositisPriors], MyositisPriors]:
    return lambda priors: replace(priors, bias=Normal(value, _FIXED))


TURNED: Mapping[str, Callable[[MyositisPriors], MyositisPriors]] = {
    "uncontrolled studies not discounted (0 probit)": _bias(0.0),
    "discounted by 0.5 probit": _bias(0.5),
    "discounted by 1 probit": _bias(1.0),
    "definitions of response taken as equally strict": lambda p: replace(p, definition=HalfNormal(_FIXED)),
    "each trial with a baseline of its own": lambda p: replace(p, between_studies=HalfNormal(5.0)),
    "class effects twice as uncertain beforehand": lambda p: replace(p, class_mean=Normal(0.0, 1.2)),
}
"""One assumption changed at a time, by name."""

_DRAWS, _NODES = 2048, 256
"""Enough for a median and an interval shown in whole patients of a hundred."""


@dataclass(frozen=True)
class Turned:
    """What an option adds when one assumption is another.

    Parameters
    ----------
    assumption
        Which, one of `TURNED`, or ``as it stands``.
    group, treatment
        About whom, and what.
    difference
        Responders in the population less those on background therapy, at minimal improvement.
    """

    assumption: str
    group: Phenotype
    treatment: str
    difference: Estimate


@dataclass(frozen=True)
class Drives:
    """What the answer rests on.

    Parameters
    ----------
    changes
        By group of patients: studies whose absence would move an option, and the bias that undoes a preference.
    turned
        Every option randomised against background therapy under every assumption.
    checks
        What the main reading makes of each count.
    """

    changes: Mapping[Phenotype, tuple[Change, ...]]
    turned: tuple[Turned, ...]
    checks: tuple[RowCheck, ...]


def what_drives(
    selection: Selection,
    synthesis: Synthesis,
    answers: Mapping[Phenotype, Answer],
    priors: MyositisPriors,
    seed: int,
    progress: Callable[[str], None] = lambda step: None,
) -> Drives:
    """Take out each study, turn each assumption, and check each count.

    Parameters
    ----------
    selection, synthesis
        The rows and the main reading.
    answers
        The options of each group.
    priors, seed, progress
        As for `inquire`.
    """
    connected = {
        group: [o.treatment for o in answer.options if o.own.comparison is Comparison.RANDOMISED]
        for group, answer in answers.items()
    }
    progress("leaving out each study")
    changes, withouts = {}, without_each_study(synthesis)
    for group, treatments in connected.items():
        names = [*(tuple(t.split("+")) for t in treatments), (BACKGROUND,)]
        chance = responses(synthesis, names, group, selection.mechanism, priors, seed, Level.MINIMAL)
        changes[group] = (
            what_would_change(synthesis, treatments, chance, SURE_BETTER, withouts) if treatments else ()
        )
    turned = list(_turned("as it stands", synthesis, connected, selection, priors, seed))
    for name, turn in TURNED.items():
        progress(f"assuming instead: {name}")
        other = turn(priors)
        fitted = synthesise(
            selection, Reading.MAIN, other, draws=_DRAWS, nodes=_NODES, seed=seed, like=synthesis
        )
        if fitted is not None and fitted.trust.ok:
            turned += _turned(name, fitted, connected, selection, other, seed)
    progress("checking each count")
    return Drives(changes, tuple(turned), row_checks(synthesis, selection, priors, seed))


def _turned(
    name: str,
    fitted: Synthesis,
    connected: Mapping[Phenotype, Sequence[str]],
    selection: Selection,
    priors: MyositisPriors,
    seed: int,
) -> list[Turned]:
    return [
        Turned(
            name,
            group,
            treatment,
            predict(fitted, tuple(treatment.split("+")), group, selection.mechanism, priors, seed).difference,
        )
        for group, treatments in connected.items()
        for treatment in treatments
    ]
