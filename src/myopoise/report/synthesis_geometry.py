"""The shape of a network as it was read: who was compared with whom, in how many studies, and in how many pieces.

Counts only; what they mean for the answer is the business of `myopoise.synthesis`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from myopoise.synthesis.studies.values import Arms, Outcome, Studies

__all__ = ["first_studies", "geometry", "members"]


def members(studies: Studies) -> dict[str, list[tuple[str, float]]]:
    """Treatments of each study with the patients of each arm, NaN where unknown, in the order of the names.

    Parameters
    ----------
    studies
        What was read.
    """
    found: dict[str, list[tuple[str, float]]] = {name: [] for name in studies.names}
    for study, treatment, patients in _arms(studies):
        found[studies.names[study]].append((studies.treatments[treatment], patients))
    return found


def geometry(studies: Studies) -> dict[str, Any]:
    """Nodes, edges and connected pieces of a network.

    Parameters
    ----------
    studies
        What was read.

    Returns
    -------
    network
        `nodes` with studies and patients (NaN where an arm does not say), `edges` with the studies that made the
        comparison, `pieces` with the names of their treatments, the largest first. Nothing is dropped.
    """
    by_study = members(studies)
    order = {name: place for place, name in enumerate(studies.treatments)}
    used = {treatment for arms in by_study.values() for treatment, _ in arms}
    names = [name for name in studies.treatments if name in used]
    nodes = [_node(name, by_study) for name in names]
    edges: dict[tuple[str, str], list[str]] = {}
    for study, arms in by_study.items():
        for pair in combinations(sorted({name for name, _ in arms}, key=order.__getitem__), 2):
            edges.setdefault(pair, []).append(study)
    ordered = sorted(edges.items(), key=lambda edge: (order[edge[0][0]], order[edge[0][1]]))
    return {
        "nodes": nodes,
        "edges": [{"treatment": b, "versus": a, "studies": found} for (a, b), found in ordered],
        "pieces": _pieces(names, list(edges)),
        "single_arm_studies": [study for study, arms in by_study.items() if len(arms) == 1],
        "multi_arm_studies": [study for study, arms in by_study.items() if len(arms) > 2],
    }


def first_studies(studies: Studies, count: int = 3) -> list[dict[str, Any]]:
    """The first studies as they were understood, so that a wrong guess is seen at once.

    Parameters
    ----------
    studies
        What was read.
    count
        How many.
    """
    names = studies.names[:count]
    lines: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    if studies.arms is not None:
        for arm, study in enumerate(studies.arms.study):
            if study < len(names):
                lines[names[study]].append(_arm(studies, studies.arms, arm))
    for block in studies.contrasts:
        for place, study in enumerate(block.study):
            if study < len(names):
                treatments = [studies.treatments[t] for t in block.treatment[place]]
                for arm, treatment in enumerate(treatments[1:]):
                    lines[names[study]].append(
                        {
                            "treatment": treatment,
                            "versus": treatments[0],
                            "estimate": float(block.estimate[place, arm]),
                            "se": float(block.covariance[place, arm, arm]) ** 0.5,
                        }
                    )
    return [{"study": name, "arms": arms} for name, arms in lines.items()]


def _arms(studies: Studies) -> Iterator[tuple[int, int, float]]:
    """Study, treatment and patients of every arm."""
    arms = studies.arms
    if arms is not None:
        for place in range(len(arms)):
            patients = float("nan") if arms.n is None else float(arms.n[place])
            yield int(arms.study[place]), int(arms.treatment[place]), patients
    for block in studies.contrasts:
        for study, treatments in zip(block.study, block.treatment, strict=True):
            for treatment in treatments:
                yield int(study), int(treatment), float("nan")


def _node(name: str, by_study: dict[str, list[tuple[str, float]]]) -> dict[str, Any]:
    counts = [(study, n) for study, arms in by_study.items() for treatment, n in arms if treatment == name]
    return {
        "treatment": name,
        "studies": len({study for study, _ in counts}),
        "patients": sum(n for _, n in counts),
    }


def _pieces(names: list[str], pairs: list[tuple[str, str]]) -> list[list[str]]:
    """Connected pieces, the one with most treatments first, then in the order of their first treatment."""
    piece = {name: {name} for name in names}
    for one, other in pairs:
        if piece[one] is not piece[other]:
            joined = piece[one] | piece[other]
            for name in joined:
                piece[name] = joined
    order = {name: place for place, name in enumerate(names)}
    unique = {frozenset(found) for found in piece.values()}
    ordered = [sorted(found, key=order.__getitem__) for found in unique]
    return sorted(ordered, key=lambda found: (-len(found), order[found[0]]))


def _arm(studies: Studies, arms: Arms, arm: int) -> dict[str, Any]:
    said: dict[str, Any] = {"treatment": studies.treatments[arms.treatment[arm]]}
    fields = {
        Outcome.BINOMIAL: (("events", arms.events), ("n", arms.n)),
        Outcome.ORDERED: (("n", arms.n),),
        Outcome.NORMAL: (("mean", arms.mean), ("se", arms.se), ("n", arms.n)),
        Outcome.POISSON: (("events", arms.events), ("exposure", arms.exposure)),
        Outcome.CONTRAST: (),
    }
    said |= {name: float(column[arm]) for name, column in fields[arms.outcome] if column is not None}
    if arms.outcome is Outcome.ORDERED and arms.at_least is not None:
        said["at_least"] = [float(value) for value in arms.at_least[arm]]
    return said
