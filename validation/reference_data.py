"""The data of the reference sets as studies of our engine: read in place, never copied.

They stand beside the checkout, or where the variable MYOPOISE_REFERENCE points.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

__all__ = [
    "HERE",
    "Missing",
    "Network",
    "Rows",
    "arms_network",
    "mixed_network",
    "ordered_network",
    "pairwise_network",
    "reference_folder",
    "table",
    "without_third_arms",
]

HERE = Path(__file__).resolve().parent

Floats = NDArray[np.float64]
Rows = Sequence[Mapping[str, str]]


class Missing(Exception):
    """The data of the reference sets are not here."""


def reference_folder() -> Path:
    """Where the data of the reference sets are."""
    named = os.environ.get("MYOPOISE_REFERENCE")
    folder = Path(named) if named else HERE.parent.parent / "shared" / "reference" / "nma"
    if not folder.is_dir():
        raise Missing(f"no reference data at {folder}; set MYOPOISE_REFERENCE to the folder that holds them")
    return folder


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a file."""
    if not path.is_file():
        raise Missing(f"{path.parent.name}/{path.name} is not in the reference folder")
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@dataclass(frozen=True, eq=False)
class Network:
    """Studies and the treatment that effects are measured against."""

    studies: Studies
    reference: str


def _numbered(values: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    names = tuple(dict.fromkeys(values))
    place = {name: i for i, name in enumerate(names)}
    return names, np.array([place[value] for value in values], dtype=np.int64)


def _numbers(rows: Rows, column: str) -> Floats:
    return np.array([np.nan if row[column] in ("", "NA") else float(row[column]) for row in rows])


def arms_network(
    rows: Rows, reference: str, *, covariates: Sequence[str] = (), order: Sequence[str] = ()
) -> Network:
    """Results by arm: counts where there is a column r (rates where there is an exposure), else means.

    Parameters
    ----------
    rows, reference
        What was seen, and the reference treatment.
    covariates
        Columns to keep.
    order
        Treatments in the order a peer took them, where that defines its model; they get the numbers of that order.
    """
    prefix = {name: f"{i}) {name}" for i, name in enumerate(order)}
    studies, study = _numbered([row["study"] for row in rows])
    sorting = np.argsort(study, kind="stable")
    rows, study = [rows[i] for i in sorting], study[sorting]
    treatments, treatment = _numbered([prefix.get(row["treatment"], row["treatment"]) for row in rows])
    seen: dict[str, Floats]
    if "exposure" in rows[0]:
        outcome = Outcome.POISSON
        seen = {"events": _numbers(rows, "r"), "exposure": _numbers(rows, "exposure")}
    elif "r" in rows[0]:
        outcome, seen = Outcome.BINOMIAL, {"events": _numbers(rows, "r"), "n": _numbers(rows, "n")}
    else:
        outcome, seen = Outcome.NORMAL, {"mean": _numbers(rows, "y"), "se": _numbers(rows, "se")}
    if "time" in rows[0]:
        seen["time"] = _numbers(rows, "time")
    kept = {name: _numbers(rows, name) for name in covariates}
    arms = Arms(outcome, study, treatment, covariates=kept, **seen)
    return Network(Studies(studies, treatments, arms), prefix.get(reference, reference))


def mixed_network(rows: Rows, reference: str, *, by_arm: Sequence[str]) -> Network:
    """Some studies by arm, the others by contrast with their first arm.

    A contrast's row has `diff` and `se_diff`; the row without `diff` is the first arm's, and its `se_diff` is the
    standard error of that arm's mean, which is what two contrasts of a study share.
    """
    names, study = _numbered([row["study"] for row in rows])
    treatments, treatment = _numbered([row["treatment"] for row in rows])
    is_arm = np.array([row["study"] in by_arm for row in rows])
    arms = None
    if is_arm.any():
        mean, se = _numbers(rows, "y")[is_arm], _numbers(rows, "se")[is_arm]
        arms = Arms(Outcome.NORMAL, study[is_arm], treatment[is_arm], mean=mean, se=se)
    diff, se_diff = _numbers(rows, "diff"), _numbers(rows, "se_diff")
    found: dict[int, list[tuple[int, NDArray[np.int64], Floats, Floats]]] = {}
    for s in np.unique(study[~is_arm]).tolist():
        mine = np.flatnonzero(study == s)
        first, others = mine[np.isnan(diff[mine])][0], mine[~np.isnan(diff[mine])]
        covariance = np.full((len(others), len(others)), se_diff[first] ** 2)
        covariance[np.diag_indices(len(others))] = se_diff[others] ** 2
        entry = (s, treatment[np.r_[first, others]], diff[others], covariance)
        found.setdefault(len(mine), []).append(entry)
    blocks = tuple(
        Contrasts(
            np.array([s for s, *_ in found[size]]),
            np.stack([given for _, given, _, _ in found[size]]),
            np.stack([estimate for _, _, estimate, _ in found[size]]),
            np.stack([covariance for *_, covariance in found[size]]),
            np.zeros(len(found[size])),
        )
        for size in sorted(found)
    )
    return Network(Studies(names, treatments, arms, blocks, "mean difference"), reference)


def pairwise_network(rows: Rows) -> Network:
    """One contrast a study, of ``mu`` against nothing."""
    given = [row for row in rows if row["yi"] not in ("", "NA")]
    k = len(given)
    block = Contrasts(
        np.arange(k),
        np.tile([0, 1], (k, 1)),
        _numbers(given, "yi")[:, None],
        _numbers(given, "vi")[:, None, None],
        np.zeros(k),
    )
    return Network(Studies(tuple(f"{i + 1}" for i in range(k)), ("control", "mu"), None, (block,)), "control")


def ordered_network(rows: Rows, reference: str, *, categories: Sequence[str]) -> Network:
    """Exclusive categories, lowest first; patients in none of them are below, an empty one is merged below."""
    names, study = _numbered([f"{row['study']} {row['year']}" for row in rows])
    treatments, treatment = _numbered([row["treatment"] for row in rows])
    counts = np.stack([_numbers(rows, name) for name in categories], axis=1)
    # At or above a threshold: those of its own category and of every category above it that was reported.
    above = np.cumsum(np.nan_to_num(counts)[:, ::-1], axis=1)[:, ::-1]
    at_least = np.where(np.isnan(counts), np.nan, above)
    n = _numbers(rows, "sample_size")
    return Network(
        Studies(names, treatments, Arms(Outcome.ORDERED, study, treatment, n=n, at_least=at_least)), reference
    )


def without_third_arms(network: Network, a: str, b: str) -> Network:
    """The same counts, but studies that give both treatments keep these two arms only."""
    studies, arms = network.studies, network.studies.arms
    if arms is None or arms.events is None or arms.n is None:
        raise ValueError("only counts by arm")
    pair = [studies.treatments.index(a), studies.treatments.index(b)]
    in_pair = np.isin(arms.treatment, pair)
    both = np.bincount(arms.study, in_pair) == 2
    kept = in_pair | ~both[arms.study]
    fewer = Arms(
        arms.outcome,
        arms.study[kept],
        arms.treatment[kept],
        events=arms.events[kept],
        n=arms.n[kept],
    )
    return Network(Studies(studies.names, studies.treatments, fewer), network.reference)
