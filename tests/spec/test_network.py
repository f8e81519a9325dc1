"""The network as a table of arms: nodes, edges and pieces, nothing dropped."""

from __future__ import annotations

from myopoise.evidence.rows import PrintedP, Row, Selection
from myopoise.synthesis.network import Edge, network_of
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, StudyKind


def arm(study: str, treatments: str, n: int, design: str = "rct", variant: str = "adult") -> Row:
    return Row(
        study=study,
        arm=treatments,
        year=2000,
        kind="ord",
        design=StudyKind(design),
        definition="imacs-doi",
        treatments=tuple(treatments.split("+")),
        shares={Phenotype.DM: 1.0},
        n=n,
        counts={Level.MINIMAL: 1},
        variant=variant,
    )


ROWS = (
    arm("one", BACKGROUND, 10),
    arm("one", "ivig", 12),
    arm("two", BACKGROUND, 9),
    arm("two", "abatacept", 10),
    arm("three", "methotrexate+azathioprine", 15),
    arm("three", "iv-methotrexate", 15),
    arm("four", "rituximab", 30, "cohort"),
    arm("five", "ivig", 7, "cohort"),
    arm("six", "ivig", 5, "cohort", "jdm"),
)
PRINTED = (PrintedP("p.c01", "p", 2012, ("ivig",), 13, (BACKGROUND,), 13, "ns", None, {Phenotype.DM: 1.0}),)
NETWORK = network_of(Selection(ROWS, PRINTED, (), (), {}))
NODES = {node.name: node for node in NETWORK.nodes}


def test_a_node_counts_randomised_patients_and_others_apart() -> None:
    assert NODES["ivig"].randomised_patients == 12 + 13
    assert NODES["ivig"].other_patients == 7
    assert NODES[BACKGROUND].randomised_patients == 10 + 9 + 13


def test_background_comes_first_and_children_not_at_all() -> None:
    assert NETWORK.nodes[0].name == BACKGROUND
    assert "six" not in NODES["ivig"].other_studies


def test_an_edge_names_its_trials_and_those_known_only_through_p() -> None:
    assert Edge(BACKGROUND, "ivig", ("one", "p"), ("p",)) in NETWORK.edges
    assert len(NETWORK.edges) == 3


def test_pieces_that_do_not_touch_background_are_kept_apart_and_kept() -> None:
    assert set(NETWORK.pieces[0]) == {BACKGROUND, "ivig", "abatacept"}
    assert ("iv-methotrexate", "methotrexate+azathioprine") in {tuple(sorted(p)) for p in NETWORK.pieces}
    assert ("rituximab",) in NETWORK.pieces
    assert NETWORK.connected("ivig")
    assert not NETWORK.connected("iv-methotrexate")
    assert not NETWORK.connected("rituximab")


def test_an_empty_selection_is_an_empty_network() -> None:
    empty = network_of(Selection((), (), (), (), {}))
    assert empty.nodes == ()
    assert empty.pieces == ()
    assert not empty.connected("ivig")
