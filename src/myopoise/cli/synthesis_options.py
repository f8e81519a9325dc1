"""Options of a synthesis that do not fit each other, and the file of classes."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myopoise.errors import BadInput, Fault, WrongUsage

if TYPE_CHECKING:
    from myopoise.synthesis.studies.values import Studies

__all__ = ["check_covariate", "check_options", "read_classes"]

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
}


def check_options(asked: Mapping[str, Any]) -> None:
    """Refuse options that do not fit the method or the model, all told at once.

    Parameters
    ----------
    asked
        Options of the command.
    """
    method, model = asked["method"], asked["model"]
    other = _ONLY_FREQUENTIST if method == "bayes" else _ONLY_BAYES
    wrong = [name for name in other if asked.get(name)]
    faults = []
    if wrong:
        fits = "frequentist" if method == "bayes" else "bayes"
        faults.append(f"{_named(wrong)} {_verb(wrong)} with --method {fits}, and the method is {method}.")
    if method == "frequentist" and model not in ("consistency", "node-split", "component"):
        faults.append(f"--model {model} is Bayesian here; write --method bayes.")
    misplaced = [name for name, models in _OF_MODEL.items() if asked.get(name) and model not in models]
    for name in misplaced:
        if name not in wrong:
            faults.append(
                f"{_named([name])} goes with --model {_OF_MODEL[name][0]}, and the model is {model}."
            )
    for name, needed in (("covariate", "meta-regression"), ("classes", "class")):
        if model == needed and not asked.get(name):
            faults.append(f"--model {needed} needs {_named([name])}.")
    if asked.get("hartung_knapp") and asked.get("hartung_knapp_ad_hoc"):
        faults.append("--hartung-knapp and --hartung-knapp-ad-hoc exclude each other.")
    if faults:
        raise WrongUsage(" ".join(faults))


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
    known = set(studies.arms.covariates) if studies.arms else set()
    for block in studies.contrasts:
        known |= set(block.covariates)
    if covariate not in known:
        near = get_close_matches(covariate, known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise WrongUsage(
            f"The file has no covariate '{covariate}'.{hint} It has: {', '.join(sorted(known)) or 'none'}."
        )


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def _verb(names: Sequence[str]) -> str:
    return "goes" if len(names) == 1 else "go"
