import json
import math
from dataclasses import replace
from itertools import permutations
from typing import Any

import jsonschema
import numpy as np
import pytest

from myopoise.report.synthesis_document import Inputs, document, schema_text
from myopoise.report.synthesis_geometry import first_studies, geometry
from myopoise.report.writing import as_json
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

POSTERIOR = {"mean", "sd", "q2_5", "q50", "q97_5"}
CONFIDENCE = {"estimate", "se", "ci_low", "ci_high"}


def faults(found: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft202012Validator(json.loads(schema_text()))
    return [fault.message for fault in validator.iter_errors(json.loads(as_json(found)))]


def test_the_schema_is_a_schema_and_the_document_meets_it(found: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))
    assert faults(found) == []


def test_keys_are_those_of_the_contract(found: dict[str, Any]) -> None:
    assert found.keys() >= {
        "model", "data", "relative_effects", "heterogeneity", "fit", "ranking", "node_splits", "diagnostics", "inputs",
    }  # fmt: skip
    assert found["data"].keys() >= {"studies", "arms", "treatments"}
    assert found["diagnostics"].keys() >= {"pareto_k", "ess", "method", "warnings"}
    assert "sha256" in found["inputs"]
    rows = POSTERIOR if found["method"] == "bayes" else CONFIDENCE
    for effect in found["relative_effects"]:
        assert effect.keys() >= rows | {"treatment", "versus"}
    for split in found["node_splits"]:
        assert split.keys() >= {
            "treatment",
            "versus",
            "direct",
            "indirect",
            "network",
            "difference",
            "p_value",
        }
        assert all(split[part].keys() >= rows for part in ("direct", "indirect", "network", "difference"))


def test_a_bayesian_document_has_tau_fit_and_ranks(synthesis: Any) -> None:
    made = synthesis.made(synthesis.bayes())
    assert made["heterogeneity"]["tau"].keys() >= POSTERIOR
    assert made["fit"].keys() >= {"residual_deviance", "pd", "dic", "looic"}
    assert [row.keys() for row in made["ranking"]] == [
        {"treatment", "mean_rank", "sucra", "probabilities"}
    ] * 4


def test_a_frequentist_document_has_q_scores_and_contributions(synthesis: Any) -> None:
    made = synthesis.made(synthesis.frequentist())
    assert made["heterogeneity"].keys() >= {"tau2", "i2"} | {
        f"{kind}_{part}" for kind in ("q", "df", "p") for part in ("total", "within", "between")
    }
    assert made["p_scores"]["Self-help"] == 0.41
    assert sum(part["share"] for part in made["contributions"][0]["direct"]) == 1.0


def test_every_ordered_pair_is_there_and_is_the_other_way_round_with_the_other_sign(
    found: dict[str, Any], synthesis: Any
) -> None:
    middle = {
        (row["treatment"], row["versus"]): row.get("mean", row.get("estimate"))
        for row in found["relative_effects"]
    }
    assert set(middle) == set(permutations(synthesis.TREATMENTS, 2))
    assert all(value == -middle[b, a] for (a, b), value in middle.items())


def test_numbers_are_those_that_were_found_unrounded(synthesis: Any) -> None:
    source = synthesis.bayes()
    made = synthesis.made(source)
    row = next(
        r for r in made["relative_effects"] if (r["treatment"], r["versus"]) == synthesis.TREATMENTS[:2]
    )
    whole = source.relative_effects[synthesis.TREATMENTS[:2]]
    assert (row["mean"], row["q2_5"], row["q97_5"]) == (whole.mean, whole.low, whole.high)


def test_what_cannot_be_had_is_null(synthesis: Any) -> None:
    made = synthesis.made(synthesis.frequentist(tau2=math.nan))
    assert made["heterogeneity"]["tau2"] is None
    assert made["heterogeneity"]["tau2_se"] is None
    assert faults(made) == []


def test_a_row_of_the_other_method_is_refused(synthesis: Any) -> None:
    made = synthesis.made(synthesis.bayes())
    other = synthesis.made(synthesis.frequentist())
    assert faults({**made, "relative_effects": other["relative_effects"]})


def test_the_same_synthesis_gives_the_same_bytes(synthesis: Any) -> None:
    assert as_json(synthesis.made(synthesis.bayes())) == as_json(synthesis.made(synthesis.bayes()))


def in_pieces() -> Studies:
    arms = Arms(
        Outcome.BINOMIAL,
        study=np.array([0, 0, 1, 1]),
        treatment=np.array([0, 1, 2, 3]),
        events=np.array([1.0, 2, 3, 4]),
        n=np.array([10.0, 10, 10, 10]),
    )
    return Studies(
        ("one", "two"),
        ("No intervention", "Self-help", "Individual counselling", "Group counselling <6>"),
        arms,
    )


def test_effects_across_pieces_are_null_with_a_warning_and_nothing_is_ranked(synthesis: Any) -> None:
    inputs = Inputs("two.csv", "", "", in_pieces())
    made = document(synthesis.bayes(), inputs, {"direction": "higher"})
    known = {(r["treatment"], r["versus"]) for r in made["relative_effects"] if r["mean"] is not None}
    assert known == {
        *permutations(("No intervention", "Self-help"), 2),
        *permutations(("Individual counselling", "Group counselling <6>"), 2),
    }
    assert made["ranking"] == []
    assert (
        "No intervention, Self-help; Individual counselling, Group counselling <6>"
        in made["diagnostics"]["warnings"][-1]
    )
    assert faults(made) == []


def test_a_model_that_joins_pieces_keeps_its_effects(synthesis: Any) -> None:
    made = document(synthesis.bayes(), Inputs("two.csv", "", "", in_pieces()), {}, joined=True)
    assert all(row["mean"] is not None for row in made["relative_effects"])
    assert len(made["ranking"]) == 4


def test_a_study_of_three_arms_makes_three_comparisons(synthesis: Any) -> None:
    shape = geometry(synthesis.studies())
    studies = {(e["versus"], e["treatment"]): e["studies"] for e in shape["edges"]}
    assert [pair for pair, names in studies.items() if "Gamma 1992" in names] == [
        ("Self-help", "Individual counselling"),
        ("Self-help", "Group counselling <6>"),
        ("Individual counselling", "Group counselling <6>"),
    ]
    assert shape["multi_arm_studies"] == ["Gamma 1992"]
    assert shape["nodes"][1] == {"treatment": "Self-help", "studies": 2, "patients": 85.0 + 170.0}


def test_contrasts_show_their_first_arm_and_have_no_patients() -> None:
    block = Contrasts(
        study=np.array([0]),
        treatment=np.array([[1, 0]]),
        estimate=np.array([[-0.5]]),
        covariance=np.array([[[0.04]]]),
        inconsistency=np.zeros(1),
    )
    studies = Studies(("only",), ("drug", "placebo"), None, (block,))
    assert first_studies(studies) == [
        {"study": "only", "arms": [{"treatment": "drug", "versus": "placebo", "estimate": -0.5, "se": 0.2}]}
    ]
    assert all(math.isnan(node["patients"]) for node in geometry(studies)["nodes"])


def test_a_study_of_one_arm_is_named_and_its_treatment_stands_alone() -> None:
    arms = replace(
        in_pieces().arms or pytest.fail("no arms"),
        study=np.array([0, 0, 1, 2]),
        treatment=np.array([0, 1, 0, 2]),
    )
    shape = geometry(Studies(("one", "two", "three"), ("a", "b", "c"), arms))
    assert shape["single_arm_studies"] == ["two", "three"]
    assert shape["pieces"] == [["a", "b"], ["c"]]
