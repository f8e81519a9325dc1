"""Networks of studies: shown in their pieces, joined from arms and contrasts, and the same however a study is given."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import myopoise as mp
from myopoise.errors import WrongUsage
from myopoise.synthesis.studies.joining import study_from_contrasts
from myopoise.synthesis.studies.values import Studies

DATA = Path(__file__).resolve().parents[1] / "data" / "studies"

Floats = NDArray[np.float64]


def counts(*arms: tuple[str, str, int, int], **said: bool) -> Studies:
    """Studies from rows of study, treatment, events and patients."""
    columns = zip(*arms, strict=True)
    table = dict(zip(("study", "treatment", "r", "n"), map(list, columns), strict=True))
    return mp.studies_from(table, **said).studies  # type: ignore[arg-type]


def contrasts(*rows: tuple[Any, ...]) -> Studies:
    """Studies from rows of study, treatment, the other, estimate, standard error and perhaps a covariance."""
    names = ("study", "treatment_1", "treatment_2", "estimate", "se", "covariance")
    columns = [list(one) for one in zip(*rows, strict=True)]
    return mp.studies_from(dict(zip(names, columns, strict=False))).studies


def pairs(studies: Studies) -> dict[tuple[str, str, str], tuple[float, float]]:
    """First treatment less second and its variance, for every pair of arms of every study given by contrast."""
    found = {}
    for block in studies.contrasts:
        for at, study in enumerate(block.study):
            level = np.r_[0.0, block.estimate[at]]
            full = np.pad(block.covariance[at], ((1, 0), (1, 0)))
            names = [studies.treatments[one] for one in block.treatment[at]]
            for (i, one), (j, other) in combinations(enumerate(names), 2):
                sign, ends = (1, (one, other)) if one < other else (-1, (other, one))
                variance = full[i, i] + full[j, j] - 2 * full[i, j]
                found[studies.names[study], *ends] = (sign * (level[i] - level[j]), variance)
    return found


def assert_same(one: Studies, other: Studies) -> None:
    left, right = pairs(one), pairs(other)
    assert left
    assert left.keys() == right.keys()
    for key, effect in left.items():
        np.testing.assert_allclose(effect, right[key], rtol=1e-9, atol=1e-12, err_msg=str(key))


# --- pieces -----------------------------------------------------------------------------------------------

TWO_PIECES = (
    ("A", "placebo", 1, 10), ("A", "drug a", 2, 11),
    ("B", "drug a", 3, 12), ("B", "drug b", 4, 13),
    ("C", "surgery", 5, 14), ("C", "exercise", 6, 15),
)  # fmt: skip


def test_a_network_in_pieces_is_shown_in_its_pieces_with_nothing_left_out() -> None:
    network = mp.network(counts(*TWO_PIECES))
    assert not network.is_connected
    assert network.pieces == (("drug a", "placebo", "drug b"), ("surgery", "exercise"))
    assert {name for piece in network.pieces for name in piece} == set(network.treatments)
    assert (
        "The network is in 2 pieces that no study joins: drug a, placebo, drug b; surgery, exercise."
        in str(network)
    )
    assert "Nothing was left out" in network.sentence
    assert sum(len(names) for names in network.designs.values()) == 3
    assert [(edge.one, edge.other, edge.studies) for edge in network.edges] == [
        ("drug a", "placebo", ("A",)),
        ("drug a", "drug b", ("B",)),
        ("surgery", "exercise", ("C",)),
    ]


def test_one_study_that_joins_the_pieces_makes_them_one() -> None:
    network = mp.network(counts(*TWO_PIECES, ("D", "exercise", 1, 9), ("D", "drug b", 2, 9)))
    assert network.is_connected
    assert "pieces" not in network.sentence


def test_a_contrast_joins_what_arms_do_not() -> None:
    both = mp.combine(counts(*TWO_PIECES), contrasts(("D", "exercise", "drug b", 0.5, 0.2)))
    assert mp.network(both).is_connected


def test_a_treatment_of_one_arm_alone_is_a_piece_of_its_own() -> None:
    studies = counts(*TWO_PIECES[:2], ("alone", "drug z", 3, 10), single_arms=True)
    network = mp.network(studies)
    assert network.pieces == (("drug a", "placebo"), ("drug z",))
    assert network.designs["drug z",] == ("alone",)
    assert "1 study compares nothing by itself" in network.sentence


def test_pieces_stand_with_the_largest_first_wherever_the_reference_is() -> None:
    network = mp.network(counts(*TWO_PIECES), "surgery")
    assert network.treatments[0] == "surgery"
    assert network.pieces == (("placebo", "drug a", "drug b"), ("surgery", "exercise"))


# --- the sentence and the reference -----------------------------------------------------------------------


def test_the_sentence_counts_what_there_is() -> None:
    network = mp.network(mp.read_studies(DATA / "our-binomial.csv").studies)
    patients = 50 + 52 + 40 + 41 + 39 + 30 + 31
    assert network.sentence == (
        "3 studies, 7 arms, 3 treatments, 3 comparisons made within studies; 1 study has more than two treatments; "
        f"{patients} patients. The reference is Ácido A, which was compared with most others (2, in 3 studies)."
    )
    assert network.patients == {"Placebo": 50 + 40, "Ácido A": 52 + 39 + 31, "drug b": 41 + 30}
    assert network.designs == {
        ("Ácido A", "Placebo"): ("007",),
        ("Ácido A", "drug b"): ("de la Cruz",),
        ("Ácido A", "Placebo", "drug b"): ("Müller & Søn",),
    }
    assert [(edge.one, edge.other, len(edge)) for edge in network.edges] == [
        ("Ácido A", "Placebo", 2),
        ("Ácido A", "drug b", 2),
        ("Placebo", "drug b", 1),
    ]


def test_patients_are_not_counted_where_a_study_does_not_say() -> None:
    network = mp.network(mp.read_studies(DATA / "our-contrast-pairs.csv").studies)
    assert np.isnan(list(network.patients.values())).all()
    assert "patients" not in network.sentence


@pytest.mark.parametrize(
    ("arms", "chosen"),
    [
        # compared with most others
        ((("A", "x", 1, 90), ("A", "hub", 1, 9), ("B", "y", 1, 90), ("B", "hub", 1, 9)), "hub"),
        # of equals, in most studies
        (
            (("A", "x", 1, 9), ("A", "y", 1, 9), ("B", "y", 1, 9), ("B", "z", 1, 9), ("C", "z", 1, 9), ("C", "x", 1, 9),
             ("D", "z", 1, 9), ("D", "y", 1, 9), ("E", "z", 1, 9), ("E", "x", 1, 9)),
            "z",
        ),
        # of these, with most patients
        ((("A", "x", 1, 9), ("A", "y", 1, 10)), "y"),
        # of these, the first met
        ((("A", "x", 1, 9), ("A", "y", 1, 9)), "x"),
    ],
    ids=["others", "studies", "patients", "first"],
)  # fmt: skip
def test_the_reference_is_the_one_that_compares_best(arms: tuple[Any, ...], chosen: str) -> None:
    network = mp.network(counts(*arms))
    assert network.reference == network.treatments[0] == chosen
    assert network.why.startswith("which was compared with most others")


def test_a_reference_that_was_asked_for_comes_first_and_says_so() -> None:
    network = mp.network(mp.read_studies(DATA / "our-binomial.csv").studies, "drug b")
    assert network.treatments == ("drug b", "Placebo", "Ácido A")
    assert "The reference is drug b, as asked for." in network.sentence


def test_no_studies_make_no_network() -> None:
    with pytest.raises(WrongUsage, match="There is no study, so there is no network"):
        mp.network(Studies((), ()))


# --- arms and contrasts together --------------------------------------------------------------------------

MEANS = {
    "study": ["A", "A", "B", "B"],
    "treatment": ["x", "y", "x", "z"],
    "y": [1.0, 2.0, 1.5, 3.0],
    "se": [0.2, 0.3, 0.4, 0.5],
    "age": [50.0, 51.0, 60.0, 61.0],
}
GIVEN = (("C", "z", "y", 0.5, 0.2), ("D", "w", "x", 1.5, 0.4))


def means() -> Studies:
    return mp.studies_from(MEANS).studies


def test_arms_and_contrasts_become_one_network_that_holds_both() -> None:
    both = mp.combine(means(), contrasts(*GIVEN))
    assert both.names == ("A", "B", "C", "D")
    assert both.treatments == ("x", "y", "z", "w")
    assert both.arm_count == 4 + 2 * 2
    assert both.arms is not None
    np.testing.assert_array_equal(both.arms.mean, MEANS["y"])
    assert pairs(both) == {("C", "y", "z"): (-0.5, 0.2**2), ("D", "w", "x"): (1.5, 0.4**2)}


def test_joining_in_the_other_order_says_the_same() -> None:
    one, other = mp.combine(means(), contrasts(*GIVEN)), mp.combine(contrasts(*GIVEN), means())
    assert pairs(one) == pairs(other)
    assert set(one.names) == set(other.names)
    assert one.arms is not None
    assert other.arms is not None
    for first, second in ((one, other), (other, one)):
        arms = first.arms
        assert arms is not None
        assert [first.names[at] for at in arms.study] == ["A", "A", "B", "B"]
        assert [first.treatments[at] for at in arms.treatment] == MEANS["treatment"]
        assert set(mp.network(first).pieces[0]) == set(mp.network(second).pieces[0]) == {"x", "y", "z", "w"}


def test_a_file_with_arms_and_contrasts_is_the_join_of_its_two_halves() -> None:
    mixed = mp.studies_from(
        {
            "study": ["A", "A", "B", "B", "C", "C", "D", "D"],
            "treatment": ["x", "y", "x", "z", "y", "z", "x", "w"],
            "y": [1.0, 2.0, 1.5, 3.0, None, None, None, None],
            "se": [0.2, 0.3, 0.4, 0.5, None, None, None, None],
            "diff": [None, None, None, None, None, 0.5, None, 1.5],
            "se_diff": [None, None, None, None, None, 0.2, None, 0.4],
        }
    )
    assert mixed.guess.startswith("Read as normal and contrast data in the layout of myopoise")
    assert_same(mixed.studies, mp.combine(means(), contrasts(*GIVEN)))
    assert mixed.studies.names == ("A", "B", "C", "D")
    assert mixed.studies.arms is not None
    np.testing.assert_array_equal(mixed.studies.arms.se, MEANS["se"])


def test_what_one_half_does_not_say_is_unknown_in_the_whole() -> None:
    rest = mp.studies_from(
        {"study": ["E", "E"], "treatment": ["x", "y"], "mean": [1, 2], "sd": [1, 1], "n": [16, 25]}
    )
    both = mp.combine(means(), rest.studies)
    assert both.arms is not None
    np.testing.assert_array_equal(both.arms.covariates["age"], [50, 51, 60, 61, np.nan, np.nan])
    np.testing.assert_array_equal(both.arms.n, [np.nan] * 4 + [16, 25])
    np.testing.assert_allclose(both.arms.se, [0.2, 0.3, 0.4, 0.5, 1 / 4, 1 / 5])


def test_notes_of_both_are_kept() -> None:
    one = counts(("A", "x", 1, 9), ("A", "y", 1, 9), ("alone", "x", 2, 9), single_arms=True)
    two = counts(("B", "x", 1, 9), ("B", "y", 1, 9), ("sole", "y", 2, 9), single_arms=True)
    assert mp.combine(one, two).notes == (*one.notes, *two.notes)
    assert len(one.notes) == len(two.notes) == 1


ORDERED = {"study": ["O", "O"], "treatment": ["x", "y"], "n": [9, 9], "ge_1": [3, 4], "ge_2": [1, 2]}


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (lambda: means(), lambda: means(), r"Studies in both: A, B\. .* two studies need two names\."),
        (
            lambda: means(),
            lambda: counts(("E", "x", 1, 9), ("E", "y", 1, 9)),
            "Arms of two outcomes cannot be joined: normal and binomial",
        ),
        (
            lambda: study_from_contrasts("E", ["x", "y"], [1], [[1]], measure="log odds ratio"),
            lambda: study_from_contrasts("F", ["x", "y"], [1], [[1]], measure="mean difference"),
            "Contrasts on two scales cannot be joined: log odds ratio and mean difference",
        ),
        (
            lambda: mp.studies_from(ORDERED).studies,
            lambda: mp.studies_from({**ORDERED, "study": ["P", "P"], "ge_3": [0, 1]}).studies,
            r"One has 2 thresholds and the other 3\. Give both the same columns",
        ),
    ],
    ids=["study", "outcome", "scale", "thresholds"],
)
def test_what_cannot_be_joined_is_refused_with_the_reason(first: Any, second: Any, words: str) -> None:
    with pytest.raises(WrongUsage, match=words):
        mp.combine(first(), second())


# --- studies with several arms ----------------------------------------------------------------------------

ARM = ("p", "q", "r", "s")
LEVEL = np.array([0.0, 1.0, -0.5, 2.25])
SPREAD = np.array([0.3, 0.4, 0.5, 0.6])


def all_pairs() -> Studies:
    return contrasts(
        *(
            ("A", ARM[i], ARM[j], LEVEL[i] - LEVEL[j], float(np.hypot(SPREAD[i], SPREAD[j])))
            for i, j in combinations(range(4), 2)
        )
    )


def star(centre: int, *, turned: bool) -> Studies:
    """The contrasts with one arm and the variance of that arm, each given one way round or the other."""
    rows: list[tuple[Any, ...]] = []
    for at in range(4):
        if at != centre:
            ends, sign = ((ARM[centre], ARM[at]), -1) if turned else ((ARM[at], ARM[centre]), 1)
            difference = sign * (LEVEL[at] - LEVEL[centre])
            rows.append(
                ("A", *ends, difference, float(np.hypot(SPREAD[at], SPREAD[centre])), SPREAD[centre] ** 2)
            )
    return contrasts(*rows)


def baseline(centre: int) -> Studies:
    """A row an arm, the baseline arm with its own standard error."""
    return mp.studies_from(
        {
            "study": ["A"] * 4,
            "treatment": list(ARM),
            "diff": [None if at == centre else LEVEL[at] - LEVEL[centre] for at in range(4)],
            "se_diff": [
                SPREAD[at] if at == centre else float(np.hypot(SPREAD[at], SPREAD[centre])) for at in range(4)
            ],
        }
    ).studies


def full(centre: int) -> Studies:
    """The whole covariance: the shared arm's variance everywhere, each other arm's beside it on the diagonal."""
    others = [at for at in range(4) if at != centre]
    covariance = np.full((3, 3), SPREAD[centre] ** 2) + np.diag(SPREAD[others] ** 2)
    return study_from_contrasts(
        "A", [ARM[centre], *(ARM[at] for at in others)], LEVEL[others] - LEVEL[centre], covariance
    )


def from_arms() -> Studies:
    table = {"study": ["A"] * 4, "treatment": list(ARM), "y": list(LEVEL), "se": list(SPREAD)}
    return mp.contrasts_of(mp.studies_from(table).studies, "mean difference")


@pytest.mark.parametrize("centre", range(4))
def test_four_arms_are_the_same_study_however_they_are_given(centre: int) -> None:
    for one in (
        star(centre, turned=False),
        star(centre, turned=True),
        baseline(centre),
        full(centre),
        from_arms(),
    ):
        assert_same(one, all_pairs())


def test_a_study_that_gives_what_it_needs_is_consistent() -> None:
    for one in (star(0, turned=False), baseline(1), full(2), from_arms()):
        assert [float(x) for block in one.contrasts for x in block.inconsistency] == [0.0]
    (block,) = all_pairs().contrasts
    np.testing.assert_allclose(block.inconsistency, 0.0, atol=1e-12)


def test_the_order_of_the_rows_does_not_matter() -> None:
    table = [
        {"study": "A", "treatment_1": ARM[i], "treatment_2": ARM[j], "estimate": LEVEL[i] - LEVEL[j],
         "se": float(np.hypot(SPREAD[i], SPREAD[j]))}
        for i, j in combinations(range(4), 2)
    ]  # fmt: skip
    shuffled = [table[at] for at in np.random.default_rng(7).permutation(len(table))]
    assert_same(mp.studies_from(shuffled).studies, all_pairs())


def test_contrasts_that_do_not_quite_add_up_are_moved_to_the_nearest_that_do() -> None:
    """Against least squares with the weights of Rücker G (2012), Research Synthesis Methods 3:312-324, solved afresh.

    For independent arms the weight of a pair is the product of the two arms' precisions over the sum of all.
    """
    precision = SPREAD[:3] ** -2.0
    ends = list(combinations(range(3), 2))
    weight = np.array([precision[i] * precision[j] / precision.sum() for i, j in ends])
    given = np.array([LEVEL[i] - LEVEL[j] for i, j in ends]) + np.array([0.004, -0.003, 0.005])
    design = np.array([[1.0 * (k == i) - 1.0 * (k == j) for k in range(3)] for i, j in ends])
    root = np.sqrt(weight)
    level = np.linalg.lstsq(root[:, None] * design, root * given, rcond=None)[0]
    studies = contrasts(
        *(
            ("A", ARM[i], ARM[j], round(float(value), 12), float(np.hypot(SPREAD[i], SPREAD[j])))
            for (i, j), value in zip(ends, given, strict=True)
        )
    )
    (block,) = studies.contrasts
    found = pairs(studies)
    for i, j in ends:
        difference, variance = found["A", ARM[i], ARM[j]]
        assert difference == pytest.approx(level[i] - level[j], rel=1e-9)
        assert variance == pytest.approx(SPREAD[i] ** 2 + SPREAD[j] ** 2, rel=1e-9)
    distance = float((weight * (given - design @ level) ** 2).sum())
    assert block.inconsistency[0] == pytest.approx(distance, rel=1e-6)
    assert "The contrasts of study A do not quite add up" in studies.notes[0]


def test_studies_of_two_three_and_four_arms_stand_in_blocks_of_their_own() -> None:
    rows: list[tuple[Any, ...]] = [("two", "p", "q", 1.0, 0.5)]
    for name, arms in (("four", 4), ("three", 3)):
        rows += [
            (name, ARM[i], ARM[j], LEVEL[i] - LEVEL[j], float(np.hypot(SPREAD[i], SPREAD[j])))
            for i, j in combinations(range(arms), 2)
        ]
    studies = contrasts(*rows)
    assert [block.treatment.shape for block in studies.contrasts] == [(1, 2), (1, 3), (1, 4)]
    assert [studies.names[block.study[0]] for block in studies.contrasts] == ["two", "three", "four"]
    assert studies.arm_count == 2 + 3 + 4
    assert mp.network(studies).designs[tuple(sorted(ARM, key=mp.network(studies).treatments.index))] == (
        "four",
    )


@pytest.mark.parametrize(
    ("treatments", "estimate", "covariance", "words"),
    [
        (["x"], [], [[]], "Study A needs at least two treatments, each named once: x"),
        (["x", "x"], [1], [[1]], "each named once: x, x"),
        (
            ["x", "y", "z"],
            [1],
            [[1]],
            "Study A has 3 arms, so 2 contrasts and a covariance of as many .*; given are 1 and",
        ),
        (["x", "y"], [np.nan], [[1]], "every contrast and every covariance must be a number"),
        (["x", "y", "z"], [1, 2], [[1, 0.5], [0.4, 1]], "the covariance is not symmetric"),
        (["x", "y", "z"], [1, 2], [[1, 2], [2, 1]], r"not positive definite\. Adding 1 to each variance"),
    ],
)
def test_a_covariance_that_cannot_be_is_refused_with_what_would_mend_it(
    treatments: list[str], estimate: Any, covariance: Any, words: str
) -> None:
    with pytest.raises(WrongUsage, match=words):
        study_from_contrasts("A", treatments, estimate, covariance)
