"""The network of the studies at hand: who was compared with whom, in which pieces, and against which reference.

The network of the curated myositis evidence is `myopoise.synthesis.network`; this one is of any studies.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import WrongUsage
from myopoise.synthesis.studies.values import Studies

__all__ = ["Comparison", "StudyNetwork", "network"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """Two treatments that were compared within studies.

    Parameters
    ----------
    one, other
        Names, in the order of the network.
    studies
        Names of the studies that had both.
    """

    one: str
    other: str
    studies: tuple[str, ...]

    def __len__(self) -> int:
        """Number of studies."""
        return len(self.studies)


@dataclass(frozen=True, eq=False)
class StudyNetwork:
    """Studies, and the network their treatments make.

    Parameters
    ----------
    studies
        The studies.
    reference
        The treatment that effects are measured against.
    why
        Why it is the reference, as a clause.
    treatments
        All treatments, the reference first, then as they were first met.
    pieces
        Treatments joined by comparisons, largest piece first; one piece where the network is connected.
    edges
        Every comparison made within a study.
    designs
        For each set of treatments that studies compared, the studies that did.
    patients
        Patients given each treatment, NaN where a study does not say how many.
    """

    studies: Studies
    reference: str
    why: str
    treatments: tuple[str, ...]
    pieces: tuple[tuple[str, ...], ...]
    edges: tuple[Comparison, ...]
    designs: Mapping[tuple[str, ...], tuple[str, ...]] = field(repr=False)
    patients: Mapping[str, float] = field(repr=False)

    @property
    def is_connected(self) -> bool:
        """Whether every treatment is joined to the reference."""
        return len(self.pieces) == 1

    @property
    def sentence(self) -> str:
        """The network in one honest paragraph."""
        multi_arm = sum(len(names) for design, names in self.designs.items() if len(design) > 2)
        alone = sum(len(names) for design, names in self.designs.items() if len(design) == 1)
        parts = [
            f"{_count(len(self.studies.names), 'study', 'studies')}, {self.studies.arm_count} arms, "
            f"{_count(len(self.treatments), 'treatment', 'treatments')}, "
            f"{_count(len(self.edges), 'comparison', 'comparisons')} made within studies"
        ]
        if multi_arm:
            parts.append(f"{_count(multi_arm, 'study has', 'studies have')} more than two treatments")
        if alone:
            parts.append(f"{_count(alone, 'study compares', 'studies compare')} nothing by itself")
        known = [n for n in self.patients.values() if not np.isnan(n)]
        if len(known) == len(self.patients):
            parts.append(f"{sum(known):,.0f} patients")
        text = "; ".join(parts) + "."
        text += f" The reference is {self.reference}, {self.why}."
        if not self.is_connected:
            listed = "; ".join(", ".join(piece) for piece in self.pieces)
            text += (
                f" The network is in {len(self.pieces)} pieces that no study joins: {listed}. Nothing was left out; "
                "treatments of different pieces can be compared only by what joins them from outside, such as shared "
                "components or exchangeable baselines."
            )
        return text

    def __str__(self) -> str:
        """The paragraph."""
        return self.sentence


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def network(studies: Studies, reference: str | None = None) -> StudyNetwork:
    """The network that studies make.

    Parameters
    ----------
    studies
        The studies.
    reference
        The treatment that effects are measured against; None for the one compared with most others (of equals, the
        one in most studies, then with most patients, then the first met).

    Raises
    ------
    WrongUsage
        For a reference that no study gave.
    """
    if reference is not None and reference not in studies.treatments:
        near = difflib.get_close_matches(reference, studies.treatments, 1, 0.5) or [
            name for name in studies.treatments if name.casefold().strip() == reference.casefold().strip()
        ]
        hint = f" Did you mean {near[0]}?" if near else ""
        raise WrongUsage(
            f"'{reference}' is not a treatment of these studies.{hint} They have: {', '.join(studies.treatments)}."
        )
    rows = _arm_sets(studies)
    pairs = _pairs(rows)
    patients = _patients(studies)
    chosen, why = _reference(studies, rows, pairs, patients)
    if reference is not None:
        chosen, why = reference, "as asked for"
    treatments = (chosen, *(name for name in studies.treatments if name != chosen))
    rank = {name: place for place, name in enumerate(treatments)}
    edges = _edges(studies, pairs, rank)
    return StudyNetwork(
        studies=studies,
        reference=chosen,
        why=why,
        treatments=treatments,
        pieces=_pieces(treatments, edges),
        edges=edges,
        designs=_designs(studies, rows, rank),
        patients=dict(zip(studies.treatments, patients.tolist(), strict=True)),
    )


@dataclass(frozen=True, eq=False)
class _Arms:
    """Every arm of every study: positions of study and treatment, in the order of the studies."""

    study: Ints
    treatment: Ints


def _arm_sets(studies: Studies) -> _Arms:
    study = [block.study.repeat(block.treatment.shape[1]) for block in studies.contrasts]
    treatment = [block.treatment.ravel() for block in studies.contrasts]
    if studies.arms is not None:
        study.append(studies.arms.study)
        treatment.append(studies.arms.treatment)
    if not study:
        empty = np.empty(0, dtype=np.int64)
        return _Arms(empty, empty)
    codes = np.concatenate(study) * max(len(studies.treatments), 1) + np.concatenate(treatment)
    unique = np.unique(codes)
    return _Arms(unique // len(studies.treatments), unique % len(studies.treatments))


def _pairs(rows: _Arms) -> Ints:
    """Study and the two treatments of every comparison within a study, shape ``(comparison, 3)``."""
    _, start, count = np.unique(rows.study, return_index=True, return_counts=True)
    found = []
    for size in np.unique(count):
        place = start[count == size][:, None] + np.arange(size)
        study = rows.study[place[:, 0]]
        for i, j in combinations(range(int(size)), 2):
            found.append(np.column_stack([study, rows.treatment[place[:, i]], rows.treatment[place[:, j]]]))
    return np.concatenate(found) if found else np.empty((0, 3), dtype=np.int64)


def _patients(studies: Studies) -> NDArray[np.float64]:
    """Patients by treatment; NaN where any arm's number is not known."""
    total = np.zeros(len(studies.treatments))
    for block in studies.contrasts:
        total[np.unique(block.treatment)] = np.nan
    if studies.arms is not None:
        n = studies.arms.n if studies.arms.n is not None else np.full(len(studies.arms), np.nan)
        np.add.at(total, studies.arms.treatment, n)
    return total


def _reference(studies: Studies, rows: _Arms, pairs: Ints, patients: NDArray[np.float64]) -> tuple[str, str]:
    if not studies.treatments:
        raise WrongUsage("There is no study, so there is no network.")
    size = len(studies.treatments)
    neighbours = np.zeros((size, size), dtype=np.bool_)
    neighbours[pairs[:, 1], pairs[:, 2]] = True
    neighbours |= neighbours.T
    others = neighbours.sum(axis=1)
    in_studies = np.bincount(rows.treatment, minlength=size)
    order = np.lexsort((-np.nan_to_num(patients), -in_studies, -others))
    best = int(order[0])
    why = f"which was compared with most others ({int(others[best])}, in {int(in_studies[best])} studies)"
    return studies.treatments[best], why


def _edges(studies: Studies, pairs: Ints, rank: Mapping[str, int]) -> tuple[Comparison, ...]:
    place = np.array([rank[name] for name in studies.treatments], dtype=np.int64)
    ends = np.sort(place[pairs[:, 1:]], axis=1)
    names = sorted(rank, key=rank.__getitem__)
    order = np.lexsort((pairs[:, 0], ends[:, 1], ends[:, 0]))
    grouped: dict[tuple[int, int], list[str]] = {}
    for at in order.tolist():
        edge = (int(ends[at, 0]), int(ends[at, 1]))
        grouped.setdefault(edge, []).append(studies.names[pairs[at, 0]])
    return tuple(Comparison(names[i], names[j], tuple(held)) for (i, j), held in grouped.items())


def _pieces(treatments: Sequence[str], edges: Sequence[Comparison]) -> tuple[tuple[str, ...], ...]:
    """Connected components, by union of sets; the largest first, of equals the one of the earlier treatment."""
    root = {name: name for name in treatments}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for edge in edges:
        root[find(edge.other)] = find(edge.one)
    members: dict[str, list[str]] = {}
    for name in treatments:
        members.setdefault(find(name), []).append(name)
    return tuple(tuple(piece) for piece in sorted(members.values(), key=len, reverse=True))


def _designs(
    studies: Studies, rows: _Arms, rank: Mapping[str, int]
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Sets of treatments, each in the order of the network, with their studies."""
    sets: dict[int, list[str]] = {}
    for study, treatment in zip(rows.study.tolist(), rows.treatment.tolist(), strict=True):
        sets.setdefault(study, []).append(studies.treatments[treatment])
    found: dict[tuple[str, ...], list[str]] = {}
    for study, held in sets.items():
        found.setdefault(tuple(sorted(held, key=rank.__getitem__)), []).append(studies.names[study])
    ordered = sorted(found, key=lambda design: (len(design), [rank[name] for name in design]))
    return {design: tuple(found[design]) for design in ordered}
