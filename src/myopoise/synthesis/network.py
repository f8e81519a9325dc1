"""The network of treatments: who was compared with whom, by randomisation or not.

A *node* is a treatment as given (a combination is one node). An *edge* joins two nodes compared in the same randomised
trial. Uncontrolled arms have no edge: they stand beside the network and are compared across studies only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
