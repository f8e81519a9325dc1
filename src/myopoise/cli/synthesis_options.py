"""Options of a synthesis that do not fit each other or the studies, and the file of classes."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from myopoise.errors import BadInput, Fault, WrongUsage

if TYPE_CHECKING:
    from myopoise.synthesis.studies.network import StudyNetwork
    from myopoise.synthesis.studies.reading import StudiesFile
    from myopoise.synthesis.studies.values import Studies

__all__ = [
    "cautions",
    "check_covariate",
    "check_data",
    "check_options",
    "components_join",
    "read_classes",
    "refuse_pieces",
]

_ONLY_BAYES = (
    "covariate",
    "interaction",
    "classes",
    "class_kind",
    "prior_treatment",
    "prior_intercept",
    "prior_tau",
    "single_arms",
    "draws",
)
_ONLY_FREQUENTIST = ("tau_estimator", "hartung_knapp", "hartung_knapp_ad_hoc", "correction")
_OF_MODEL = {
    "covariate": ("meta-regression",),
    "interaction": ("meta-regression",),
    "classes": ("class",),
    "class_kind": ("class",),
    "inactive": ("component",),
    "separator": ("component",),
}
_DEFAULTS = {"separator": "+"}


def check_options(asked: Mapping[str, Any]) -> None:
    """Refuse options that do not fit the method or the model, all told at once.

    Parameters
    ----------
    asked
        Options of the command.
    """
    method, model = asked["method"], asked["model"]
    other = _ONLY_FREQUENTIST if method == "bayes" else _ONLY_BAYES
    wrong = [name for name in other if asked.get(name) is not None and asked[name] is not False]
    empty = [name for name, value in asked.items() if value == ""]
    faults = [f"{_named([name])} is empty: give a value, or leave it out." for name in empty]
    if wrong:
        fits = "frequentist" if method == "bayes" else "bayes"
        faults.append(f"{_named(wrong)} {_verb(wrong)} with --method {fits}, and the method is {method}.")
    if method == "frequentist" and model not in ("consistency", "node-split", "component"):
        faults.append(f"--model {model} is Bayesian here; write --method bayes.")
    misplaced = [
        name
        for name, models in _OF_MODEL.items()
        if asked.get(name) not in (None, "", _DEFAULTS.get(name)) and model not in models
    ]
    for name in misplaced:
        if name not in wrong:
            faults.append(
                f"{_named([name])} goes with --model {_OF_MODEL[name][0]}, and the model is {model}."
            )
    for name, needed in (("covariate", "meta-regression"), ("classes", "class")):
        if model == needed and asked.get(name) is None:
            faults.append(f"--model {needed} needs {_named([name])}.")
    faults += _exclusive(asked)
    if faults:
        raise WrongUsage(" ".join(faults))


def _exclusive(asked: Mapping[str, Any]) -> list[str]:
    """Options that do not stand together."""
    faults = []
    scaled = [name for name in ("hartung_knapp", "hartung_knapp_ad_hoc") if asked.get(name)]
    if len(scaled) == 2:
        faults.append("--hartung-knapp and --hartung-knapp-ad-hoc exclude each other.")
    if scaled and asked["model"] == "component":
        faults.append(f"{_named(scaled)} does not go with --model component, whose intervals are normal.")
    if asked.get("measure") and asked.get("link") not in (None, "identity"):
        faults.append("--measure says the scale of the contrasts: leave --link out.")
    if asked["single_arms"] and asked["model"] == "node-split":
        faults.append("--single-arms does not go with --model node-split: one arm is on neither side.")
    return faults


def check_data(asked: Mapping[str, Any], file: StudiesFile, treatments: Sequence[str]) -> None:
    """Refuse options that these studies leave nothing to do for, all told at once.

    Parameters
    ----------
    asked
        Options of the command.
    file
        The studies as they were read.
    treatments
        Of the network.
    """
    faults, arms = [], file.studies.arms
    if asked["single_arms"] and arms is None:
        faults.append("--single-arms needs results by arm, and this file has contrasts alone.")
    if asked["endpoint"] and file.layout != "revman":
        faults.append(f"--endpoint is for files of RevMan, and this one has the layout of {file.layout}.")
    if asked["correction"] is not None and (arms is None or arms.events is None):
        faults.append("--correction is for cells without events, and these results count none.")
    if asked["method"] == "frequentist" and arms is None and asked["link"] not in (None, "identity"):
        faults.append("Contrasts stand on the scale they were given on: name it with --measure, not --link.")
    if asked["model"] == "component" and asked["inactive"]:
        parts = {part.strip() for name in treatments for part in name.split(asked["separator"])}
        if asked["inactive"] not in parts:
            near = get_close_matches(asked["inactive"], parts, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            listed = ", ".join(sorted(parts))
            faults.append(f"No treatment has the component '{asked['inactive']}'.{hint} They have: {listed}.")
    if faults:
        raise WrongUsage(" ".join(faults))


def cautions(asked: Mapping[str, Any], file: StudiesFile, treatments: Sequence[str]) -> list[str]:
    """What was asked for and had no say, and what a model took for granted.

    Parameters
    ----------
    asked
        Options of the command.
    file
        The studies as they were read.
    treatments
        Of the network, the reference first.
    """
    said = []
    if asked["effects"] == "common":
        unused = {
            "prior_tau": "The prior of tau was",
            "tau_estimator": "The estimator of tau was",
            "hartung_knapp": "Hartung-Knapp intervals were",
            "hartung_knapp_ad_hoc": "Hartung-Knapp intervals were",
        }
        told = [words for name, words in unused.items() if asked[name]]
        said += [f"{words} not used: effects are common, and tau is zero." for words in told]
    if asked["prior_intercept"] and (file.studies.arms is None or asked["measure"]):
        said.append("The prior of intercepts was not used: contrasts have none.")
    if asked["model"] == "component":
        if not any(asked["separator"] in name for name in treatments):
            said.append(
                f"No name of a treatment holds '{asked['separator']}', so each is a component of its own; "
                "--separator says what joins components."
            )
        elif asked["method"] == "bayes" and not asked["inactive"]:
            said.append(
                f"No component was named as without effect, so the reference is taken as one: {treatments[0]}. "
                "--inactive names another."
            )
    return said


def refuse_pieces(net: StudyNetwork, notes: Sequence[str], instead: str) -> None:
    """Refuse a network in pieces, where an analysis takes only one.

    Parameters
    ----------
    net
        The network as it would be fitted.
    notes
        What was left out on the way there.
    instead
        What to do instead, before the general remedies.
    """
    if net.is_connected:
        return
    listed = "; ".join(f"({at}) {', '.join(piece)}" for at, piece in enumerate(net.pieces, 1))
    raise WrongUsage(
        f"{' '.join((*notes, 'The'))} network is in {len(net.pieces)} pieces that no study joins: {listed}. {instead} "
        "--model component where they share components; or leave out the studies of all but one."
    )


def components_join(net: StudyNetwork, options: Mapping[str, Any]) -> bool:
    """Whether shared components determine every effect, those between pieces that no study joins among them.

    Parameters
    ----------
    net
        The network.
    options
        With the separator and the inactive component.
    """
    held = [{part.strip() for part in name.split(options["separator"])} for name in net.treatments]
    names = sorted(set().union(*held) - {options["inactive"]})
    sums = np.array([[name in parts for name in names] for parts in held], dtype=np.float64)
    place = {name: at for at, name in enumerate(net.treatments)}
    seen = np.array([sums[place[edge.one]] - sums[place[edge.other]] for edge in net.edges])
    wanted = np.vstack([seen.reshape(-1, len(names)), sums - sums[0]])
    return bool(np.linalg.matrix_rank(wanted) == np.linalg.matrix_rank(wanted[: len(seen)]))


def read_classes(path: Path, treatments: Sequence[str]) -> tuple[dict[str, str], str]:
    """Class of each treatment, and the hash of the file.

    Parameters
    ----------
    path
        Comma-separated, with the columns treatment and class.
    treatments
        Of the network; a treatment that the file does not name is a class of its own.

    Raises
    ------
    BadInput
        For a treatment that is not in the network, or two classes of one treatment.
    """
    raw = path.read_bytes()
    rows = list(csv.reader(raw.decode("utf-8-sig", "replace").splitlines()))
    header = [cell.strip().casefold() for cell in rows[0]] if rows else []
    if "treatment" not in header or "class" not in header:
        fault = Fault(
            path.name,
            1,
            "",
            "missing-column",
            f"columns are {', '.join(header) or 'none'}",
            "It needs the columns treatment and class.",
        )
        raise BadInput(path.name, (fault,))
    at, of = header.index("treatment"), header.index("class")
    classes: dict[str, str] = {}
    faults = []
    for line, row in enumerate(rows[1:], 2):
        cells = [*row, *[""] * (len(header) - len(row))]
        name, kind = cells[at], cells[of].strip()
        if not name.strip() and not kind:
            continue
        faults += _class_faults(path.name, line, name, kind, treatments, classes)
        classes[name] = kind
    if faults:
        raise BadInput(path.name, tuple(faults))
    return classes, hashlib.sha256(raw).hexdigest()


def _class_faults(
    file: str, line: int, name: str, kind: str, treatments: Sequence[str], classes: Mapping[str, str]
) -> list[Fault]:
    if name not in treatments:
        near = get_close_matches(name, treatments, 1)
        hint = f"Did you mean {near[0]}?" if near else f"Treatments are {', '.join(treatments)}."
        return [Fault(file, line, "treatment", "unknown-treatment", f"'{name}' is in no study", hint)]
    if not kind:
        return [Fault(file, line, "class", "missing", "no class", "Name one, or leave the row out.")]
    if classes.get(name, kind) != kind:
        return [
            Fault(file, line, "class", "duplicate", f"{name} is also in {classes[name]}", "Keep one class.")
        ]
    return []


def check_covariate(studies: Studies, covariate: str) -> None:
    """Refuse a covariate that the studies do not have.

    Parameters
    ----------
    studies
        What was read.
    covariate
        Its name.
    """
    held = [part for part in (studies.arms, *studies.contrasts) if part is not None]
    known = {name for part in held for name in part.covariates}
    if covariate not in known:
        near = get_close_matches(covariate, known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise WrongUsage(
            f"The file has no covariate '{covariate}'.{hint} It has: {', '.join(sorted(known)) or 'none'}."
        )
    told = [part for part in held if covariate in part.covariates]
    values = np.concatenate([part.covariates[covariate] for part in told])
    unknown = np.isnan(values)
    if unknown.any():
        without = np.concatenate([part.study for part in told])[unknown].tolist()
        listed = ", ".join(dict.fromkeys(studies.names[at] for at in without))
        raise WrongUsage(
            f"{covariate} is not known for every study: fill it in for {listed}, or leave these studies out."
        )
    if len(np.unique(values)) == 1:
        raise WrongUsage(
            f"{covariate} is {values[0]:g} in every study: a meta-regression needs one that differs between studies."
        )


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def _verb(names: Sequence[str]) -> str:
    return "goes" if len(names) == 1 else "go"
