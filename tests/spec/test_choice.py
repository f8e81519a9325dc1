"""The choice for a group: what is refused, what is withheld, what is shown, on the shipped evidence."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from myopoise.choice.cautions import CONDITIONS, Kind, forbidden, read_statements, stated
from myopoise.choice.certainty import Judgement, Override
from myopoise.choice.group import Asked, Outcome, PatientGroup
from myopoise.choice.options import Comparison
from myopoise.errors import WrongUsage
from myopoise.evidence.reading import read_evidence
from myopoise.evidence.selection import Question
from myopoise.inquiry import Chosen, choose
from myopoise.report.choice_document import choice_document
from myopoise.vocabulary import Level, Reading, Verdict


def asked(phenotype: str, **others: Any) -> PatientGroup:
    return PatientGroup(Asked(phenotype), **others)


def told(found: Chosen) -> dict[str, Any]:
    return choice_document(
        found.choice,
        question="which?",
        digest=found.selection.digest,
        syntheses=found.syntheses,
        seed=1,
        version="0",
    )


@pytest.fixture(scope="module")
def dm() -> Chosen:
    group = asked("DM", failed=("methotrexate", "azathioprine"), avoid=("pregnancy", "thrombosis"))
    return choose(group, Question(), draws=2048)


@pytest.fixture(scope="module")
def document(dm: Chosen) -> dict[str, Any]:
    return told(dm)


def test_a_drug_that_failed_is_refused_and_one_a_source_forbids_too(document: dict[str, Any]) -> None:
    reasons = {r["treatment"]: r["reason"] for r in document["refused"]}
    offered = {o["treatment"] for o in document["options"]}
    assert "it has failed already" in reasons["methotrexate"]
    assert "prescribing information" in reasons["methotrexate"]
    assert "teratogen" in reasons["mycophenolate"]
    assert reasons["anifrolumab"].startswith("no evidence of its own")
    assert not offered & set(reasons)


def test_a_caution_stands_beside_the_option_and_does_not_refuse_it(document: dict[str, Any]) -> None:
    ivig = next(o for o in document["options"] if o["treatment"] == "ivig")
    assert any("thrombosis" in note and "Octagam" in note for note in ivig["notes"])


def test_no_probability_without_a_randomised_comparison_and_a_reason_in_its_place(
    document: dict[str, Any],
) -> None:
    for option in document["options"]:
        versus = option["versus_background"]
        allowed = option["comparison"] == Comparison.RANDOMISED.value
        for name in ("probability_better", "probability_better_by_10_points"):
            assert (versus[name] is not None) == allowed
        assert (versus["reason"] is None) == allowed
        assert (option["rank_probabilities"] is not None) == allowed
        assert (option["expected_loss"] is not None) == allowed
        if not allowed:
            assert option["group"] == "too uncertain"


def test_levels_are_ordered_and_predictions_wider_than_what_is_credible(document: dict[str, Any]) -> None:
    for option in document["options"]:
        minimal, moderate, major = (option["response"][level] for level in ("minimal", "moderate", "major"))
        assert minimal["q50"] > moderate["q50"] > major["q50"]
        for found in (minimal, moderate, major):
            assert found["q2_5"] < found["q50"] < found["q97_5"]
            width = found["predictive_high"] - found["predictive_low"]
            assert width > found["q97_5"] - found["q2_5"]


def test_ranks_are_a_distribution_each_way(document: dict[str, Any]) -> None:
    ranks = np.array([o["rank_probabilities"] for o in document["options"] if o["rank_probabilities"]])
    assert ranks.sum(axis=1) == pytest.approx(1.0)
    # Background therapy takes part and is no option: the columns fall short of one by its share.
    assert (ranks.sum(axis=0) <= 1.0 + 1e-9).all()


def test_expected_loss_is_the_mean_shortfall_from_the_best(dm: Chosen) -> None:
    losses = {o.treatment: o.beside.expected_loss.mean for o in dm.choice.options if o.beside}
    assert min(losses.values()) > 0.0
    gap = losses["infliximab"] - losses["ivig"]
    response = {
        o.treatment: o.predicted[Reading.MAIN].levels[Level.MINIMAL].response.mean for o in dm.choice.options
    }
    # What two options lose against the best differs by exactly what separates their mean responses.
    assert gap == pytest.approx(response["ivig"] - response["infliximab"], abs=1e-9)
    worth = dm.choice.information
    assert worth is not None
    assert worth.everything.value == pytest.approx(min(losses.values()), abs=1e-9)


def test_certainty_names_every_domain_with_numbers_and_contributions_add_up(
    document: dict[str, Any],
) -> None:
    for option in document["options"]:
        domains = option["certainty"]["domains"]
        assert len(domains) == 8
        assert all(d["judgement"] and d["reason"] for d in domains)
        assert 0.0 < sum(option["contributions"].values()) <= 1.0 + 1e-6


def test_a_question_alone_is_never_worth_more_than_everything(document: dict[str, Any]) -> None:
    found = document["value_of_information"]
    values = [q["value"] for q in found["questions"]]
    assert values == sorted(values, reverse=True)
    assert 0.0 <= values[-1] <= values[0] <= found["everything"]["value"]
    assert found["weights"] == {"response": 1.0}
    assert all(q["se"] >= 0.0 for q in found["questions"])


def test_harm_that_was_not_reported_is_never_zero(document: dict[str, Any]) -> None:
    for option in document["options"]:
        for harm in option["harms"]:
            assert harm["reported"] == (harm["events"] is not None)
            assert harm["reported"] == bool(harm["outcome_ids"])
            if not harm["reported"]:
                assert any(
                    w in harm["sentence"] for w in ("not the same as none", "No study of the main set")
                )


def test_a_study_whose_arms_share_patients_is_listed_and_not_added(document: dict[str, Any]) -> None:
    # The 52 treated of the first period hold five who had been on placebo and stand among its 48 as well.
    ivig = next(o for o in document["options"] if o["treatment"] == "ivig")
    serious = next(h for h in ivig["harms"] if h["kind"] == "serious adverse event")
    assert "aggarwal-2022" in serious["studies_not_added"]
    assert serious["events"] is None


def test_what_would_change_it_names_studies_and_the_bias_that_undoes_a_preference(
    document: dict[str, Any],
) -> None:
    changes = document["what_would_change_it"]
    assert any(c["kind"] == "study" and c["study"] and c["difference_after"] is not None for c in changes)
    bias = [c for c in changes if c["kind"] == "bias"]
    assert [c["treatment"] for c in bias]
    assert all(c["shift"] > 0.0 and 0.0 < c["in_patients"] < 1.0 for c in bias)


def test_the_document_is_plain_json(document: dict[str, Any]) -> None:
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_children_and_amyopathic_disease_get_counts_and_no_comparison() -> None:
    child = choose(asked("JDM", failed=("methotrexate",)), Question())
    assert child.choice.verdict is Verdict.NO_EVIDENCE
    assert child.choice.counted
    assert all(c.treatment != "methotrexate" for c in child.choice.counted)
    assert "control group" in child.choice.reason
    skin = choose(asked("amyopathic-DM"), Question())
    assert (skin.choice.options, skin.choice.counted) == ((), ())
    assert "--outcome" in skin.choice.reason


@pytest.mark.parametrize("outcome", [Outcome.SKIN, Outcome.LUNG])
def test_skin_and_lung_are_counted(outcome: Outcome) -> None:
    found = choose(asked("DM"), Question(), outcome=outcome)
    assert found.choice.counted
    assert not found.choice.options
    assert told(found)["verdict"] == "no evidence"


def test_antibody_lung_and_few_patients_are_said() -> None:
    group = asked("IMNM", antibody="HMGCR", ild=True, skin=True)
    assert len(group.caveats) == 4
    assert "HMGCR" in group.label


def test_a_panels_override_changes_the_grade_and_says_so() -> None:
    panel = Override("ivig", "indirectness", Judgement.NONE, "all were refractory by our definition")
    found = choose(asked("DM"), Question(2023), overrides=(panel,), draws=1024)
    ivig = next(o for o in found.choice.options if o.treatment == "ivig")
    concern = next(c for c in ivig.certainty.concerns if c.domain == "indirectness")
    assert concern.overridden
    assert concern.steps == 0


def test_before_any_background_arm_nothing_is_predicted() -> None:
    found = choose(asked("DM"), Question(1980), draws=1024)
    assert found.choice.verdict is Verdict.NO_EVIDENCE
    assert not found.choice.options


def test_every_statement_is_about_a_known_treatment_and_condition_and_has_a_source() -> None:
    codes = read_evidence().codes("treatment")
    for statement in read_statements():
        assert statement.treatment in codes
        assert statement.condition in CONDITIONS
        assert statement.source
    assert {s.kind for s in read_statements()} == set(Kind)


def test_a_condition_nobody_holds_a_statement_about_is_refused() -> None:
    with pytest.raises(WrongUsage, match="gout"):
        stated(("gout", "pregnancy"))
    assert not forbidden(())
