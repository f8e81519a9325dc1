"""Edges and refusals of the verbs on a network synthesis, and what needs no fit to be proved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from myopoise.errors import WrongUsage
from myopoise.estimate import Estimate
from myopoise.synthesis.answers.absolute import absolute_effects
from myopoise.synthesis.answers.baselines import (
    CountedBaseline,
    FixedBaseline,
    NormalBaseline,
    StudyBaseline,
    fit_baseline,
)
from myopoise.synthesis.answers.influence import leave_studies_out, pieces, sensitivity, without_study
from myopoise.synthesis.answers.league import league
from myopoise.synthesis.answers.leverage import leverage_points, parabola
from myopoise.synthesis.answers.rankings import among_best, ranks_beyond
from myopoise.synthesis.answers.scales import (
    number_needed,
    numbers_needed,
    ratios,
    risk_ratios,
    standardised_differences,
)
from myopoise.synthesis.answers.thresholds import Zone
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.structures import NetworkPriors, UnrelatedMeans
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies
from myopoise.synthesis.synthesising import synthesise


@dataclass
class Net:
    studies: Studies
    reference: str = "A"


def trials() -> Studies:
    """A v B twice and B v C once, so that C hangs on one study; one study of C and D alone would fall off."""
    return Studies(
        ("one", "two", "three", "four"),
        ("A", "B", "C"),
        Arms(
            Outcome.BINOMIAL,
            study=np.array([0, 0, 1, 1, 2, 2, 3, 3]),
            treatment=np.array([0, 1, 0, 1, 1, 2, 0, 1]),
            events=np.array([10.0, 15, 8, 14, 20, 12, 9, 9]),
            n=np.array([50.0, 50, 40, 40, 60, 60, 45, 45]),
        ),
    )


@pytest.fixture(scope="module")
def found() -> NetworkSynthesis:
    return synthesise(Net(trials()), effects="common")


def interval(low: float, median: float, high: float) -> Estimate:
    return Estimate(median, 0.1, median, low, high, "risk difference")


def test_a_number_needed_is_one_over_the_difference_and_its_ends_change_places() -> None:
    found = number_needed(interval(0.05, 0.10, 0.20))
    assert found.number == pytest.approx(10.0)
    assert found.interval == pytest.approx((5.0, 20.0))
    assert not found.through_infinity


def test_a_number_needed_whose_difference_may_be_zero_goes_through_infinity() -> None:
    found = number_needed(interval(-0.05, 0.10, 0.25))
    assert found.through_infinity
    assert found.ends == pytest.approx((-20.0, 4.0))
    assert all(math.isnan(end) for end in found.interval)


def test_no_difference_at_all_needs_infinitely_many() -> None:
    assert number_needed(interval(-0.1, 0.0, 0.1)).number == math.inf


def test_numbers_needed_of_a_pair_and_its_mirror_differ_in_sign(found: NetworkSynthesis) -> None:
    given = numbers_needed(found, FixedBaseline(0.2))
    assert given["B", "A"].number == pytest.approx(-given["A", "B"].number, rel=1e-9)
    assert given["B", "A"].ends == pytest.approx(
        tuple(-end for end in reversed(given["A", "B"].ends)), rel=1e-9
    )


@pytest.mark.parametrize("risk", [0.0, 1.0, -0.1, 1.2])
def test_a_baseline_risk_outside_0_and_1_is_refused(found: NetworkSynthesis, risk: float) -> None:
    with pytest.raises(WrongUsage, match="between 0 and 1"):
        risk_ratios(found, FixedBaseline(risk))


@pytest.mark.parametrize(("events", "among"), [(0, 20), (20, 20)])
def test_counts_without_events_or_without_survivors_give_no_baseline(
    found: NetworkSynthesis, events: float, among: float
) -> None:
    with pytest.raises(WrongUsage, match="Give a normal one"):
        absolute_effects(found, CountedBaseline(events, among))


def test_a_baseline_of_negative_spread_is_refused(found: NetworkSynthesis) -> None:
    with pytest.raises(WrongUsage, match="negative"):
        absolute_effects(found, NormalBaseline(0.0, -1.0))


def test_the_population_of_no_study_is_refused_by_name(found: NetworkSynthesis) -> None:
    with pytest.raises(WrongUsage, match="nine"):
        absolute_effects(found, StudyBaseline(trials(), "nine"))


def test_without_one_effect_of_each_treatment_there_is_no_absolute_effect() -> None:
    apart = synthesise(Net(trials()), UnrelatedMeans(), effects="common", fit=False)
    with pytest.raises(WrongUsage, match="consistency"):
        absolute_effects(apart, FixedBaseline(0.2))
    assert ratios(apart)["B", "A"].scale == "odds ratio"


def contrasts() -> Studies:
    block = Contrasts(
        np.array([0, 1]),
        np.array([[0, 1], [0, 1]]),
        np.array([[1.0], [2.0]]),
        np.array([[[0.25]], [[0.25]]]),
        np.zeros(2),
    )
    return Studies(("one", "two"), ("A", "B"), contrasts=(block,), measure="mean difference")


def test_contrasts_have_no_absolute_outcome_and_no_reference_arm() -> None:
    found = synthesise(Net(contrasts()), effects="common")
    with pytest.raises(WrongUsage, match="by arm"):
        absolute_effects(found, NormalBaseline(0.0, 1.0))
    with pytest.raises(WrongUsage, match="by arm"):
        fit_baseline(Net(contrasts()))
    with pytest.raises(WrongUsage, match="no logarithm"):
        ratios(found)
    halved = standardised_differences(found, 2.0)["B", "A"]
    assert halved.mean == pytest.approx(1.5 / 2.0, rel=1e-4)
    assert halved.sd == pytest.approx(math.sqrt(0.125) / 2.0, rel=1e-3)


def test_odds_are_not_standardised(found: NetworkSynthesis) -> None:
    with pytest.raises(WrongUsage, match="mean differences"):
        standardised_differences(found, 2.0)


def test_a_zone_has_its_low_end_first() -> None:
    with pytest.raises(WrongUsage, match="low end"):
        Zone(1.0, -1.0)
    assert Zone.within(0.2) == Zone(-0.2, 0.2)


def test_the_best_four_of_three_cannot_be_told(found: NetworkSynthesis) -> None:
    with pytest.raises(WrongUsage, match="1 to 3"):
        among_best(found, 4, direction="higher")
    with pytest.raises(WrongUsage, match="negative"):
        ranks_beyond(found, -1.0, direction="higher")


def test_every_cell_of_the_league_table_is_row_against_column(found: NetworkSynthesis) -> None:
    table = league(found)
    assert table.treatments == tuple(rank.treatment for rank in found.ranking)
    for i, row in enumerate(table.rows()):
        assert row[i] is None
        for j, cell in enumerate(row):
            if i != j:
                assert cell == found.relative_effects[table.treatments[i], table.treatments[j]]
    assert "row" in table.caption
    assert "log odds ratio" in table.caption
    assert league(found, effects=ratios(found)).scale == "odds ratio"
    assert "Beside" in league(found, direct={("A", "B"): found.relative_effects["A", "B"]}).caption


def test_a_league_table_names_each_treatment_once(found: NetworkSynthesis) -> None:
    with pytest.raises(WrongUsage, match="each treatment once"):
        league(found, order=("A", "B"))
    assert league(found, order=("C", "A", "B")).treatments == ("C", "A", "B")


def test_the_points_of_the_leverage_plot_add_up_to_the_fit(found: NetworkSynthesis) -> None:
    points = leverage_points(found)
    assert found.fit is not None
    assert sum(p.residual_deviance for p in points) == pytest.approx(found.fit.residual_deviance)
    assert sum(p.dic for p in points) == pytest.approx(found.fit.dic)
    assert [(p.study, p.treatment) for p in points[:2]] == [("one", "A"), ("one", "B")]
    assert parabola(3.0, np.array([p.residual for p in points[:1]]))[0] == pytest.approx(
        3.0 - points[0].residual_deviance
    )


def test_a_residual_is_negative_where_less_was_observed_than_fitted(found: NetworkSynthesis) -> None:
    # Study four alone saw no difference: fewer events on B than fitted, more on A.
    four = {p.treatment: p.residual for p in leverage_points(found) if p.study == "four"}
    assert four["B"] < 0.0 < four["A"]


def test_leverage_needs_a_described_fit() -> None:
    with pytest.raises(WrongUsage, match="fit=True"):
        leverage_points(synthesise(Net(trials()), effects="common", fit=False))


def test_a_study_that_alone_knows_a_treatment_is_not_left_out_in_silence() -> None:
    influence = leave_studies_out(Net(trials()), effects="common")
    three = influence.studies[2]
    assert three.found is None
    assert three.reason == "three is the only study of C; without it nothing is known of the comparison."
    assert math.isnan(three.shift)
    assert all(each.found is not None for each in influence.studies if each.study != "three")
    assert influence.most_influential is not None
    assert influence.most_influential.study != "three"


def test_a_study_that_alone_joins_the_network_is_told_so() -> None:
    bridge = Studies(
        ("one", "bridge", "far"),
        ("A", "B", "C", "D"),
        Arms(
            Outcome.BINOMIAL,
            study=np.array([0, 0, 1, 1, 2, 2]),
            treatment=np.array([0, 1, 1, 2, 2, 3]),
            events=np.array([10.0, 15, 8, 14, 20, 12]),
            n=np.full(6, 60.0),
        ),
    )
    found = leave_studies_out(Net(bridge), effects="common").studies[1]
    assert found.found is None
    assert "falls apart" in found.reason


def test_leaving_a_study_out_is_the_same_as_never_having_had_it() -> None:
    fewer = without_study(trials(), "two")
    kept = [0, 1, 4, 5, 6, 7]
    assert fewer.names == ("one", "three", "four")
    assert fewer.arms is not None
    whole = trials().arms
    assert whole is not None
    assert whole.events is not None
    assert fewer.arms.events is not None
    assert fewer.arms.events.tolist() == whole.events[kept].tolist()
    assert fewer.arms.study.tolist() == [0, 0, 1, 1, 2, 2]
    assert pieces(fewer) == [{"A", "B", "C"}]
    assert without_study(trials(), "three").treatments == ("A", "B")
    influence = leave_studies_out(Net(trials()), effects="common")
    again = synthesise(Net(fewer), effects="common", fit=False)
    assert influence.studies[1].found is not None
    assert influence.studies[1].found.relative_effects == again.relative_effects
    pair = influence.studies[1].pair
    assert pair is not None
    whole_effect = influence.whole.relative_effects[pair]
    assert influence.studies[1].shift == pytest.approx(
        (again.relative_effects[pair].mean - whole_effect.mean) / whole_effect.sd
    )


def test_a_study_of_contrasts_can_be_left_out() -> None:
    found = leave_studies_out(Net(contrasts()), effects="common").studies[0]
    assert found.found is not None
    assert found.found.relative_effects["B", "A"].mean == pytest.approx(2.0, rel=1e-4)
    assert found.shift == pytest.approx(0.5 / math.sqrt(0.125), rel=1e-3)


def test_priors_are_compared_with_the_first_set() -> None:
    tried = sensitivity(
        Net(contrasts()),
        None,
        {"vague": NetworkPriors(), "sceptical": NetworkPriors(treatment=Normal(0.0, 0.5))},
        effects="common",
    )
    assert [each.label for each in tried] == ["vague", "sceptical"]
    assert tried[0].shift == 0.0
    # Precision 8 of the data and 4 of the prior: the mean moves from 1.5 to 1.5 * 8 / 12.
    assert tried[1].relative_effects["B", "A"].mean == pytest.approx(1.5 * 8.0 / 12.0)
    assert tried[1].tau is None
    numbered = sensitivity(
        Net(contrasts()), None, [NetworkPriors(), NetworkPriors(heterogeneity=HalfNormal(0.1))]
    )
    assert [each.label for each in numbered] == ["1", "2"]
    assert numbered[0].tau is not None
    assert numbered[1].tau is not None
    assert numbered[1].tau.mean < numbered[0].tau.mean


def test_a_longer_follow_up_raises_the_risk_only_where_risk_is_a_matter_of_time(
    found: NetworkSynthesis,
) -> None:
    baseline = FixedBaseline(0.1)
    assert (
        absolute_effects(found, baseline, exposure=3.0).treatments
        == absolute_effects(found, baseline).treatments
    )
    hazards = synthesise(Net(trials()), effects="common", link=Link.CLOGLOG, fit=False)
    later = absolute_effects(hazards, baseline, exposure=3.0).treatments["A"][0].mean
    assert later == pytest.approx(1.0 - 0.9**3)
    with pytest.raises(WrongUsage, match="above 0"):
        absolute_effects(found, baseline, exposure=0.0)
