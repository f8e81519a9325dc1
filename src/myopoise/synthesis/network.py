"""The network of treatments: who was compared with whom, by randomisation or not.

A *node* is a treatment as given (a combination is one node). An *edge* joins two nodes compared in the same randomised
trial. Uncontrolled arms have no edge: they stand beside the network and are compared across studies only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from myopoise.evidence.rows import Row, Selection
from myopoise.vocabulary import BACKGROUND

__all__ = ["Edge", "Network", "Node", "network_of"]


@dataclass(frozen=True)
class Node:
    """A treatment as given: patients and studies, randomised and not.

    Parameters
    ----------
    treatments
        Codes; ``("background",)`` for continued background therapy.
    randomised_patients, other_patients
        Patients given it in randomised trials and outside them.
    randomised_studies, other_studies
        Studies that gave it.
    """

    treatments: tuple[str, ...]
    randomised_patients: int
    other_patients: int
    randomised_studies: tuple[str, ...]
    other_studies: tuple[str, ...]

    @property
    def name(self) -> str:
        """Codes joined by a plus sign."""
        return "+".join(self.treatments)


@dataclass(frozen=True)
class Edge:
    """Two treatments compared in randomised trials.

    Parameters
    ----------
    one, other
        Names of the nodes, in the order of the network.
    studies
        Trials that compared them.
    only_p
        Those of them of which only a P value was printed.
    """

    one: str
    other: str
    studies: tuple[str, ...]
    only_p: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """Nodes, edges and the connected pieces.

    Parameters
    ----------
    nodes
        Continued background therapy first, then by patients, descending.
    edges
        Randomised comparisons.
    pieces
        Names of the nodes of each connected piece, the one with background therapy first; nothing is dropped.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    pieces: tuple[tuple[str, ...], ...]

    def connected(self, name: str) -> bool:
        """Whether randomised comparisons lead from this node to background therapy."""
        return bool(self.pieces) and name in self.pieces[0] and BACKGROUND in self.pieces[0]


def network_of(selection: Selection) -> Network:
    """The network of a selection: all randomised comparisons, uncontrolled arms beside them.

    Parameters
    ----------
    selection
        Rows and printed comparisons; children are left out, their studies have no control arm anywhere.
    """
    rows = [row for row in selection.rows if not row.juvenile]
    arms = [(row.treatments, row.study, row.n, row.design.randomised) for row in rows]
    for p in selection.printed:
        arms += [(p.treatments_1, p.study, p.n_1, True)]
    printed_controls = {(p.treatments_0, p.study): p.n_0 for p in selection.printed}
    arms += [(treatments, study, n, True) for (treatments, study), n in printed_controls.items()]
    nodes = [_node(treatments, arms) for treatments in dict.fromkeys(treatments for treatments, *_ in arms)]
    nodes.sort(key=lambda n: (n.name != BACKGROUND, -(n.randomised_patients + n.other_patients), n.name))
    order = [node.name for node in nodes]
    edges = _edges(rows, selection, order)
    return Network(tuple(nodes), edges, _pieces(order, edges))


def _node(treatments: tuple[str, ...], arms: Sequence[tuple[tuple[str, ...], str, int, bool]]) -> Node:
    mine = [(study, n, randomised) for t, study, n, randomised in arms if t == treatments]
    return Node(
        treatments,
        sum(n for _, n, randomised in mine if randomised),
        sum(n for _, n, randomised in mine if not randomised),
        tuple(dict.fromkeys(study for study, _, randomised in mine if randomised)),
        tuple(dict.fromkeys(study for study, _, randomised in mine if not randomised)),
    )


def _edges(rows: Sequence[Row], selection: Selection, order: Sequence[str]) -> tuple[Edge, ...]:
    compared: dict[tuple[str, str], dict[str, bool]] = {}
    by_study: dict[str, list[str]] = {}
    for row in rows:
        if row.design.randomised:
            by_study.setdefault(row.study, []).append("+".join(row.treatments))
    for study, names in by_study.items():
        for one, other in combinations(sorted(set(names), key=order.index), 2):
            compared.setdefault((one, other), {})[study] = False
    for p in selection.printed:
        pair = sorted(("+".join(p.treatments_1), "+".join(p.treatments_0)), key=order.index)
        compared.setdefault((pair[0], pair[1]), {})[p.study] = True
    return tuple(
        Edge(one, other, tuple(studies), tuple(s for s, only_p in studies.items() if only_p))
        for (one, other), studies in sorted(
            compared.items(), key=lambda e: (order.index(e[0][0]), order.index(e[0][1]))
        )
    )


def _pieces(order: Sequence[str], edges: Sequence[Edge]) -> tuple[tuple[str, ...], ...]:
    """Connected pieces, in the order of their first node."""
    piece = {name: {name} for name in order}
    for edge in edges:
        joined = piece[edge.one] | piece[edge.other]
        for name in joined:
            piece[name] = joined
    unique = {frozenset(members) for members in piece.values()}
    ordered = [tuple(sorted(members, key=order.index)) for members in unique]
    return tuple(sorted(ordered, key=lambda members: order.index(members[0])))
