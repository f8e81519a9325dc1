"""The small claims of the network estimates: refusals, edges, variants."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from myopoise.errors import WrongUsage
from myopoise.synthesis.frequentist.components import compose, estimate_components
from myopoise.synthesis.frequentist.gls import pieces_of
from myopoise.synthesis.frequentist.heterogeneity import share_of_variation
from myopoise.synthesis.frequentist.network import estimate_network, estimate_pieces
from myopoise.synthesis.frequentist.small_study import adjusted_funnel, egger_regression, peters_regression
from myopoise.synthesis.studies.values import Contrasts, Studies


def pairs(*rows: tuple[str, str, float, float]) -> Studies:
    """Two-arm studies: first treatment less second, estimate, variance."""
    treatments = tuple(dict.fromkeys(name for row in rows for name in (row[1], row[0])))
    place = treatments.index
    block = Contrasts(
        np.arange(len(rows)),
        np.array([[place(b), place(a)] for a, b, _, _ in rows]),
        np.array([[y] for _, _, y, _ in rows]),
        np.array([[[v]] for _, _, _, v in rows]),
        np.zeros(len(rows)),
    )
    return Studies(tuple(f"S{k}" for k in range(1, len(rows) + 1)), treatments, contrasts=(block,))


TRIANGLE = pairs(
    ("a", "p", 1.0, 0.1),
    ("a", "p", 0.2, 0.1),
    ("b", "p", 0.5, 0.2),
    ("b", "a", 0.4, 0.2),
    ("b", "a", -0.6, 0.3),
)
TWO_PIECES = pairs(("a", "p", 1.0, 0.1), ("a", "p", 0.5, 0.1), ("y", "x", 0.2, 0.1))


def test_two_studies_of_one_comparison_are_pooled_by_inverse_variance() -> None:
    found = estimate_network(
        pairs(("a", "p", 1.0, 0.1), ("a", "p", 0.0, 0.3)), reference="p", effects="common"
    )
    assert found.relative_effects["a", "p"].estimate == pytest.approx((1.0 / 0.1) / (1 / 0.1 + 1 / 0.3))
    assert found.relative_effects["a", "p"].se == pytest.approx((1 / 0.1 + 1 / 0.3) ** -0.5)
    assert found.relative_effects["p", "a"].low == pytest.approx(-found.relative_effects["a", "p"].high)
    assert found.prediction == {}


def test_an_indirect_comparison_is_the_difference_of_two_direct_ones() -> None:
    studies = pairs(("a", "p", 1.0, 0.1), ("b", "p", 0.4, 0.2))
    found = estimate_network(studies, reference="p", effects="common")
    assert found.relative_effects["a", "b"].estimate == pytest.approx(0.6)
    assert found.relative_effects["a", "b"].se == pytest.approx(math.sqrt(0.3))
    assert found.splits == ()


def test_pieces_that_no_study_joins_are_named_with_what_can_be_done() -> None:
    with pytest.raises(WrongUsage, match=r"2 pieces that no study joins: \(1\) p, a; \(2\) x, y"):
        estimate_network(TWO_PIECES, reference="p")


def test_pieces_are_estimated_each_on_its_own() -> None:
    first, second = estimate_pieces(TWO_PIECES, effects="common")
    assert (first.treatments, second.treatments) == (("p", "a"), ("x", "y"))
    assert first.relative_effects["a", "p"].estimate == pytest.approx(0.75)
    assert second.relative_effects["y", "x"].estimate == pytest.approx(0.2)


def test_a_long_chain_is_one_piece() -> None:
    names = [f"t{k:03d}" for k in range(60)]
    chain = pairs(*((b, a, 0.1, 0.1) for a, b in zip(names[::-1], names[-2::-1], strict=False)))
    assert len(pieces_of(chain)) == 1


def test_an_unknown_reference_is_refused_with_the_treatments_there_are() -> None:
    with pytest.raises(WrongUsage, match="'placebo' is in no contrast; choose one of: p, a, b"):
        estimate_network(TRIANGLE, reference="placebo")


def test_results_by_arm_alone_are_refused() -> None:
    with pytest.raises(WrongUsage, match="no contrasts"):
        estimate_network(Studies(("S",), ("a", "p")), reference="a")


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"effects": "fixed"}, "random or common"),
        ({"hartung_knapp": "yes"}, "full or ad-hoc"),
        ({"direction": "up"}, "higher or lower"),
        ({"tau2": -1.0}, "zero or more"),
    ],
)
def test_an_unknown_word_is_refused_with_the_words_there_are(asked: dict[str, object], word: str) -> None:
    with pytest.raises(WrongUsage, match=word):
        estimate_network(TRIANGLE, reference="p", **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"estimate": np.array([[np.nan]] * 5)}, "not a number: S1, S2"),
        ({"covariance": np.array([[[-1.0]]] + [[[1.0]]] * 4)}, "not positive definite: S1$"),
        ({"treatment": np.array([[0, 0]] + [[0, 1]] * 4)}, "the same treatment in two arms: S1$"),
    ],
)
def test_a_study_that_cannot_be_used_is_named(change: dict[str, object], word: str) -> None:
    (block,) = TRIANGLE.contrasts
    with pytest.raises(ValueError, match=word):
        estimate_network(replace(TRIANGLE, contrasts=(replace(block, **change),)), reference="p")


def test_without_a_repeated_comparison_or_a_loop_tau2_is_not_made_up() -> None:
    found = estimate_network(pairs(("a", "p", 1.0, 0.1), ("b", "p", 0.4, 0.2)), reference="p")
    assert math.isnan(found.tau2)
    assert math.isnan(found.i2)
    assert all(math.isnan(end) for ends in found.prediction.values() for end in ends)
    assert "tau2 is not estimated" in found.warnings[0]


def test_hartung_knapp_scales_by_q_over_its_degrees_and_takes_a_t_distribution() -> None:
    plain = estimate_network(TRIANGLE, reference="p", tau2=0.0)
    scale = plain.q_total.q / 3
    for variant, factor in (("full", scale), ("ad-hoc", max(1.0, scale))):
        found = estimate_network(TRIANGLE, reference="p", tau2=0.0, hartung_knapp=variant)
        effect, before = found.relative_effects["a", "p"], plain.relative_effects["a", "p"]
        assert effect.se == pytest.approx(before.se * math.sqrt(factor))
        assert effect.high - effect.estimate == pytest.approx(stats.t.ppf(0.975, 3) * effect.se)
        assert effect.p_value == pytest.approx(2 * stats.t.sf(abs(effect.estimate / effect.se), 3))


def test_the_ad_hoc_variant_never_shortens_an_interval() -> None:
    calm = pairs(("a", "p", 1.0, 0.1), ("a", "p", 1.1, 0.1), ("a", "p", 0.9, 0.1))
    full, adhoc = (
        estimate_network(calm, reference="p", tau2=0.0, hartung_knapp=variant).relative_effects["a", "p"].se
        for variant in ("full", "ad-hoc")
    )
    assert full < adhoc == pytest.approx(math.sqrt(0.1 / 3))


def test_a_prediction_interval_adds_tau2_and_takes_the_degrees_of_q() -> None:
    found = estimate_network(TRIANGLE, reference="p", tau2=0.4)
    effect, (low, high) = found.relative_effects["b", "p"], found.prediction["b", "p"]
    reach = stats.t.ppf(0.975, 3) * math.sqrt(effect.se**2 + 0.4)
    assert (low, high) == pytest.approx((effect.estimate - reach, effect.estimate + reach))


def test_p_scores_turn_round_with_the_direction_and_average_a_half() -> None:
    up = estimate_network(TRIANGLE, reference="p").p_scores
    down = estimate_network(TRIANGLE, reference="p", direction="lower").p_scores
    assert sum(up.values()) == pytest.approx(1.5)
    assert all(up[name] + down[name] == pytest.approx(1.0) for name in up)


def test_inconsistency_inside_studies_counts_as_heterogeneity() -> None:
    (block,) = TRIANGLE.contrasts
    torn = replace(TRIANGLE, contrasts=(replace(block, inconsistency=np.array([2.0, 0, 0, 0, 0])),))
    before, after = (estimate_network(s, reference="p", tau2=0.0) for s in (TRIANGLE, torn))
    assert after.q_total.q == pytest.approx(before.q_total.q + 2.0)
    assert after.q_within.q == pytest.approx(before.q_within.q + 2.0)
    assert after.q_between.q == pytest.approx(before.q_between.q)


def test_i2_is_zero_when_q_is_below_its_degrees_of_freedom() -> None:
    assert share_of_variation(2.0, 5).i2 == 0.0
    assert share_of_variation(10.0, 5).i2 == pytest.approx(0.5)
    assert math.isnan(share_of_variation(0.0, 0).i2)


def test_a_shortest_path_carries_its_stream_in_equal_parts() -> None:
    chain = pairs(("a", "p", 1.0, 0.1), ("b", "a", 0.5, 0.2))
    found = estimate_network(
        chain, reference="p", effects="common", contributions="shortestpath"
    ).contributions
    assert found["b", "p"] == pytest.approx({("a", "p"): 0.5, ("b", "a"): 0.5})
    assert found["a", "p"] == pytest.approx({("a", "p"): 1.0})


def test_components_join_pieces_that_share_them() -> None:
    studies = pairs(("a", "p", 1.0, 0.1), ("a + b", "b", 0.6, 0.1), ("a", "p", 0.8, 0.2))
    assert len(pieces_of(studies)) == 2
    found = estimate_components(studies, reference="p", inactive="p", effects="common")
    pooled = (1.0 / 0.1 + 0.6 / 0.1 + 0.8 / 0.2) / (10 + 10 + 5)
    assert found.components["a"].estimate == pytest.approx(pooled)
    assert found.relative_effects["a + b", "b"].se == pytest.approx(25**-0.5)
    assert math.isnan(found.components["b"].estimate)
    assert math.isnan(found.relative_effects["b", "p"].estimate)
    assert "b" in found.warnings[0]
    assert "b against p" in found.warnings[1]


def test_an_interaction_takes_up_what_the_sum_does_not_explain() -> None:
    studies = pairs(("a", "p", 1.0, 0.1), ("b", "p", 0.5, 0.1), ("a + b", "p", 2.0, 0.1))
    found = estimate_components(
        studies, reference="p", inactive="p", interactions=[("a", "b")], effects="common"
    )
    assert found.components["a*b"].estimate == pytest.approx(2.0 - 1.0 - 0.5)
    assert found.q_difference.df == 0


def test_a_component_that_no_treatment_has_is_refused() -> None:
    with pytest.raises(WrongUsage, match="no treatment has q; components are: p, a"):
        compose(["p", "a"], inactive="q")


ORDER = ("b", "a", "p")


def test_points_of_the_funnel_are_turned_by_the_order() -> None:
    forward, backward = adjusted_funnel(TRIANGLE, ORDER), adjusted_funnel(TRIANGLE, ORDER[::-1])
    assert {point.comparison for point in forward.points} == {("b", "a"), ("b", "p"), ("a", "p")}
    assert sorted(round(p.difference, 9) for p in forward.points) == sorted(
        round(-p.difference, 9) for p in backward.points
    )
    pooled = (1.0 / 0.1 + 0.2 / 0.1) / 20
    assert [p.difference for p in forward.points if p.comparison == ("a", "p")] == pytest.approx(
        [1.0 - pooled, 0.2 - pooled]
    )


def test_an_order_that_misses_a_treatment_is_refused() -> None:
    with pytest.raises(WrongUsage, match="look at: p"):
        adjusted_funnel(TRIANGLE, ("b", "a"))


def test_the_regressions_are_weighted_least_squares_with_a_free_scale() -> None:
    funnel = adjusted_funnel(TRIANGLE, ORDER, centre="network")
    y = np.array([p.difference for p in funnel.points])
    se = np.array([p.se for p in funnel.points])
    events, patients = ({f"S{k}": size * k for k in range(1, 6)} for size in (10, 40))
    n = np.array([patients[p.study] for p in funnel.points], dtype=float)
    e = np.array([events[p.study] for p in funnel.points], dtype=float)
    for found, x, weight in (
        (egger_regression(funnel), se, se**-2),
        (peters_regression(funnel, events, patients), 1 / n, 1 / (1 / e + 1 / (n - e))),
    ):
        design = np.column_stack([np.ones(5), x])
        inverse = np.linalg.inv(design.T @ (weight[:, None] * design))
        beta = inverse @ design.T @ (weight * y)
        scale = float(weight @ (y - design @ beta) ** 2) / 3
        assert found.slope == pytest.approx(beta[1])
        assert found.se == pytest.approx(math.sqrt(scale * inverse[1, 1]))
        assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.slope / found.se), 3))
