"""A table of studies goes in; a synthesis comes out that holds its contract, by every option the command has."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.journey.synthesising import DATA, FREQUENTIST, POSTERIOR, answer, effects, run

CONFIDENCE = ("estimate", "se", "ci_low", "ci_high")
CHECKS = ("residual_deviance", "pd", "dic", "looic")


def against_reference(document: Mapping[str, Any], key: str) -> list[float]:
    found, names = effects(document, key), document["data"]["treatment_names"]
    return [found[name, names[0]] for name in names[1:]]


def table(name: str) -> list[dict[str, str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    return [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]


# --- what the document promises -----------------------------------------------------------------------------

BAYES = [
    "binomial.csv",
    "binomial.csv --link probit",
    "binomial.csv --link cloglog",
    "ordered.csv --outcome ordered --link probit",
    "normal.csv --outcome normal --link identity",
    "poisson.csv --outcome poisson --link log",
    "contrast.csv",
    "contrast.csv --effects common",
    "contrast.csv --model node-split --method bayes",
    "zero-cells.csv",
    "single-arms.csv --single-arms",
    "standard-errors.csv --trust-spread",
    "binomial.csv --measure 'risk difference'",
    "binomial.csv --model inconsistency",
    *(
        f"binomial.csv --model meta-regression --covariate severity --interaction {kind}"
        for kind in ("shared", "exchangeable", "independent")
    ),
    *(
        f"binomial.csv --model class --classes classes.csv --class-kind {kind}"
        for kind in ("exchangeable", "common")
    ),
    "components.csv --model component --inactive placebo --method bayes",
]
LEAST_SQUARES = [
    f"contrast.csv {FREQUENTIST}",
    f"contrast.csv {FREQUENTIST} --effects common",
    f"contrast.csv {FREQUENTIST} --model node-split",
    f"contrast.csv {FREQUENTIST} --hartung-knapp",
    f"contrast.csv {FREQUENTIST} --hartung-knapp-ad-hoc",
    f"binomial.csv {FREQUENTIST}",
    f"binomial.csv {FREQUENTIST} --link log",
    f"binomial.csv {FREQUENTIST} --link identity",
    f"normal.csv {FREQUENTIST} --measure 'hedges g'",
    f"normal-se.csv {FREQUENTIST}",
    f"poisson.csv {FREQUENTIST}",
    f"zero-cells.csv {FREQUENTIST} --correction 0.5",
    f"components.csv {FREQUENTIST} --model component --inactive placebo",
]


def check_common(document: Mapping[str, Any], line: str) -> None:
    """What both methods promise: who was compared, every ordered pair, where it came from."""
    names = document["data"]["treatment_names"]
    assert document["reference"] == names[0]
    assert document["data"]["treatments"] == len(names)
    assert document["data"]["studies"] == len(document["data"]["study_names"])
    assert isinstance(document["data"]["arms"], int)
    assert document["model"]
    assert set(effects(document)) == set(itertools.permutations(names, 2))
    assert len(document["relative_effects"]) == len(names) * (len(names) - 1)
    file = DATA / shlex.split(line)[0]
    assert document["inputs"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert document["inputs"]["file"] == file.name
    for split in document["node_splits"]:
        assert {"treatment", "versus", "direct", "indirect", "network", "difference", "p_value"} <= set(split)
    assert {"pareto_k", "ess", "method", "warnings"} <= set(document["diagnostics"])


@pytest.mark.parametrize("line", BAYES)
def test_a_bayesian_answer_holds_all_that_was_promised(line: str) -> None:
    document = answer(line)
    check_common(document, line)
    assert document["method"] == "bayes"
    for row in document["relative_effects"]:
        assert all(math.isfinite(row[key]) for key in POSTERIOR)
        assert row["q2_5"] <= row["q50"] <= row["q97_5"]
    common = "--effects common" in line
    assert ("tau" in document["heterogeneity"]) is not common
    for row in document["heterogeneity"].values():
        assert 0 < row["q2_5"] < row["q50"] < row["q97_5"]
        assert set(POSTERIOR) <= set(row)
    assert all(math.isfinite(document["fit"][key]) for key in CHECKS)
    assert document["fit"]["dic"] == pytest.approx(
        document["fit"]["residual_deviance"] + document["fit"]["pd"]
    )
    ranks, count = document["ranking"], document["data"]["treatments"]
    assert {row["treatment"] for row in ranks} == set(document["data"]["treatment_names"])
    for row in ranks:
        assert len(row["probabilities"]) == count
        assert sum(row["probabilities"]) == pytest.approx(1)
        mean_rank = sum(place * chance for place, chance in enumerate(row["probabilities"], 1))
        assert row["mean_rank"] == pytest.approx(mean_rank)
        assert row["sucra"] == pytest.approx((count - mean_rank) / (count - 1))
    assert [row["mean_rank"] for row in ranks] == sorted(row["mean_rank"] for row in ranks)
    places = np.array([row["probabilities"] for row in ranks]).sum(axis=0)
    assert places == pytest.approx(np.ones(count), abs=1e-3)


@pytest.mark.parametrize("line", LEAST_SQUARES)
def test_a_frequentist_answer_holds_all_that_was_promised(line: str) -> None:
    document = answer(line)
    check_common(document, line)
    assert document["method"] == "frequentist"
    assert (document["fit"], document["ranking"]) == (None, [])
    for row in document["relative_effects"]:
        assert all(math.isfinite(row[key]) for key in CONFIDENCE)
        assert (row["estimate"] - row["ci_low"]) == pytest.approx(row["ci_high"] - row["estimate"])
    spread = document["heterogeneity"]
    assert {"tau2", "i2"} <= set(spread)
    for part in ("total", "within", "between"):
        assert {f"q_{part}", f"df_{part}", f"p_{part}"} <= set(spread)
    if "--model component" in line:
        return
    assert spread["q_total"] == pytest.approx(spread["q_within"] + spread["q_between"])
    assert spread["df_total"] == spread["df_within"] + spread["df_between"]
    names = document["data"]["treatment_names"]
    assert set(document["p_scores"]) == set(names)
    assert sum(document["p_scores"].values()) == pytest.approx(len(names) / 2)
    told = {(row["treatment"], row["versus"]): row["direct"] for row in document["contributions"]}
    assert {frozenset(pair) for pair in told} == {frozenset(p) for p in itertools.combinations(names, 2)}
    for direct in told.values():
        assert sum(part["share"] for part in direct) == pytest.approx(1)


@pytest.mark.parametrize("line", [*BAYES, *LEAST_SQUARES])
def test_an_effect_turned_round_changes_its_sign_and_swaps_its_ends(line: str) -> None:
    found = effects(answer(line))
    for (one, other), row in found.items():
        back = found[other, one]
        if "mean" in row:
            assert (back["mean"], back["sd"], back["q50"]) == (-row["mean"], row["sd"], -row["q50"])
            assert (back["q2_5"], back["q97_5"]) == (-row["q97_5"], -row["q2_5"])
        else:
            assert back["estimate"] == pytest.approx(-row["estimate"], abs=1e-12)
            assert back["se"] == pytest.approx(row["se"])
            assert back["ci_low"] == pytest.approx(-row["ci_high"], abs=1e-12)


@pytest.mark.parametrize("line", [*BAYES, *LEAST_SQUARES])
def test_effects_agree_with_each_other_all_round_the_network(line: str) -> None:
    document = answer(line)
    key = "mean" if document["method"] == "bayes" else "estimate"
    found = effects(document, key)
    for a, b, c in itertools.permutations(document["data"]["treatment_names"], 3):
        assert found[a, c] == pytest.approx(found[a, b] + found[b, c], abs=5e-3)


def test_unrelated_means_tell_what_was_compared_and_rank_nothing() -> None:
    document = answer("binomial.csv --model ume")
    assert ("alpha", "placebo") in effects(document)
    assert ("gamma", "alpha") not in effects(document)
    assert document["ranking"] == []
    for row in document["relative_effects"]:
        assert set(POSTERIOR) <= set(row)


# --- numbers against another route --------------------------------------------------------------------------


def least_squares(
    rows: np.ndarray, seen: np.ndarray, se: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centre and covariance of effects with normal priors about zero: the normal equations written out."""
    covariance = np.linalg.inv(rows.T @ (rows / se[:, None] ** 2) + np.diag(prior**-2.0))
    return covariance @ (rows.T @ (seen / se**2)), covariance


def contrast_rows(names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = table("contrast.csv")
    design = np.array(
        [[(row["treatment_1"] == n) - float(row["treatment_2"] == n) for n in names[1:]] for row in rows]
    )
    return design, *(np.array([float(row[key]) for row in rows]) for key in ("estimate", "se"))


@pytest.mark.parametrize("sd", [100.0, 0.3])
def test_common_effects_of_contrasts_are_those_of_the_normal_equations(sd: float) -> None:
    document = answer(f"contrast.csv --effects common --prior-treatment normal:0,{sd:g}")
    names = document["data"]["treatment_names"]
    centre, covariance = least_squares(*contrast_rows(names), np.full(len(names) - 1, sd))
    assert against_reference(document, "mean") == pytest.approx(centre, rel=1e-6)
    assert against_reference(document, "sd") == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-6)
    assert against_reference(document, "q97_5") == pytest.approx(
        centre + 1.959964 * np.sqrt(np.diag(covariance)), rel=1e-5
    )


def test_common_effects_by_least_squares_are_those_of_the_normal_equations() -> None:
    document = answer(f"contrast.csv {FREQUENTIST} --effects common")
    names = document["data"]["treatment_names"]
    rows, seen, se = contrast_rows(names)
    centre, covariance = least_squares(rows, seen, se, np.full(len(names) - 1, np.inf))
    assert against_reference(document, "estimate") == pytest.approx(centre, rel=1e-9)
    assert against_reference(document, "se") == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-9)
    assert document["heterogeneity"]["q_total"] == pytest.approx((((seen - rows @ centre) / se) ** 2).sum())


@pytest.mark.parametrize("method", ["bayes", "frequentist"])
def test_arms_of_three_in_one_study_agree_with_a_regression_of_their_means(method: str) -> None:
    """Arm means on a level for each study and an effect for each treatment, weighted by their errors."""
    document = answer(f"normal-se.csv --effects common --method {method}")
    names, rows = document["data"]["treatment_names"], table("normal-se.csv")
    studies = list(dict.fromkeys(row["study"] for row in rows))
    design = np.array(
        [
            [float(row["treatment"] == n) for n in names[1:]] + [float(row["study"] == s) for s in studies]
            for row in rows
        ]
    )
    seen, se = (np.array([float(row[key]) for row in rows]) for key in ("y", "se"))
    wide = 100.0 if method == "bayes" else np.inf
    centre, covariance = least_squares(design, seen, se, np.full(design.shape[1], wide))
    count = len(names) - 1
    key, spread = ("mean", "sd") if method == "bayes" else ("estimate", "se")
    assert against_reference(document, key) == pytest.approx(centre[:count], rel=1e-6)
    assert against_reference(document, spread) == pytest.approx(
        np.sqrt(np.diag(covariance))[:count], rel=1e-6
    )


def test_the_slope_of_a_regression_is_that_of_the_normal_equations() -> None:
    document = answer(
        "normal-se.csv --model meta-regression --covariate severity --effects common --reference placebo "
        "--prior-intercept normal:0,1000 --prior-treatment normal:0,1000"
    )
    rows = table("normal-se.csv")
    severity = np.array([float(row["severity"]) for row in rows])
    active = np.array([float(row["treatment"] != "placebo") for row in rows])
    studies = list(dict.fromkeys(row["study"] for row in rows))
    design = np.column_stack(
        [
            active * severity,
            *([float(row["treatment"] == name) for row in rows] for name in ("alpha", "beta")),
            *([float(row["study"] == name) for row in rows] for name in studies),
        ]
    )
    seen, se = (np.array([float(row[key]) for row in rows]) for key in ("y", "se"))
    centre, covariance = least_squares(design, seen, se, np.full(design.shape[1], 1e6))
    (slope,) = document["parameters"].values()
    assert slope["mean"] == pytest.approx(centre[0], rel=1e-3)
    assert slope["sd"] == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-3)


@pytest.mark.parametrize("method", ["bayes", "frequentist"])
def test_a_combination_is_the_sum_of_its_components(method: str) -> None:
    document = answer(f"components.csv --model component --inactive placebo --method {method}")
    key = "mean" if method == "bayes" else "estimate"
    parts = {
        name.removeprefix("component[").removesuffix("]"): row[key]
        for name, row in document["parameters"].items()
    }
    assert set(parts) == {"drug", "exercise", "diet"}
    found = effects(document, key)
    for name in ("drug+exercise", "exercise+diet", "drug+diet", "drug"):
        whole = sum(parts[part] for part in name.split("+"))
        assert found[name, "placebo"] == pytest.approx(whole, abs=5e-3)
    assert found["exercise+diet", "drug"] == pytest.approx(
        parts["exercise"] + parts["diet"] - parts["drug"], abs=5e-3
    )


def test_slopes_are_shared_or_vary_about_a_mean_or_stand_alone() -> None:
    kinds = [
        answer(f"binomial.csv --model meta-regression --covariate severity --interaction {kind}")
        for kind in ("shared", "exchangeable", "independent")
    ]
    slopes = [set(document["parameters"]) for document in kinds]
    assert [len(names) for names in slopes] == [1, 4, 3]
    assert "between slopes" in kinds[1]["heterogeneity"]


def test_common_classes_are_one_treatment_and_share_their_ranks() -> None:
    document = answer("binomial.csv --model class --classes classes.csv --class-kind common")
    assert effects(document, "mean")["alpha", "beta"] == 0
    found = {row["treatment"]: row["mean_rank"] for row in document["ranking"]}
    assert found["alpha"] == pytest.approx(found["gamma"])
    assert found["placebo"] > 3.9
    exchangeable = answer("binomial.csv --model class --classes classes.csv --class-kind exchangeable")
    assert effects(exchangeable, "mean")["alpha", "beta"] != 0
    assert "within class" in exchangeable["heterogeneity"]
    sha256 = hashlib.sha256((DATA / "classes.csv").read_bytes()).hexdigest()
    assert document["inputs"]["beside"] == {"classes.csv": sha256}


# --- each option has its say --------------------------------------------------------------------------------


STATED: list[tuple[str, dict[str, object]]] = [
    (
        "binomial.csv --outcome binomial --link logit --effects random --model consistency --method bayes "
        "--direction higher",
        {
            "outcome": "binomial",
            "link": "logit",
            "effects": "random",
            "model": "consistency",
            "method": "bayes",
        },
    ),
    ("ordered.csv --outcome ordered --link probit", {"outcome": "ordered", "link": "probit"}),
    ("normal.csv --outcome normal --link identity", {"outcome": "normal", "link": "identity"}),
    ("poisson.csv --outcome poisson --link log", {"outcome": "poisson", "link": "log"}),
    (
        "contrast.csv --outcome contrast --effects common --reference gamma --seed 7 --draws 2048",
        {"outcome": "contrast", "effects": "common", "reference": "gamma", "seed": 7, "draws": 2048},
    ),
    ("binomial.csv --link probit", {"link": "probit"}),
    ("binomial.csv --link cloglog", {"link": "cloglog"}),
    ("contrast.csv --direction lower", {"direction": "lower"}),
    ("binomial.csv --model ume", {"model": "ume"}),
    ("contrast.csv --model node-split --method bayes", {"model": "node-split"}),
    *(
        (
            f"binomial.csv --model meta-regression --covariate severity --interaction {kind}",
            {"model": "meta-regression", "covariate": "severity", "interaction": kind},
        )
        for kind in ("shared", "exchangeable", "independent")
    ),
    *(
        (
            f"binomial.csv --model class --classes classes.csv --class-kind {kind}",
            {"model": "class", "class_kind": kind},
        )
        for kind in ("exchangeable", "common")
    ),
    (
        "components-ampersand.csv --model component --separator '&' --inactive placebo",
        {"model": "component", "separator": "&", "inactive": "placebo"},
    ),
    *(
        (f"contrast.csv {FREQUENTIST} --tau-estimator {name}", {"tau_estimator": name})
        for name in ("REML", "ML", "DL", "PM")
    ),
    (f"contrast.csv {FREQUENTIST} --hartung-knapp", {"hartung_knapp": "full", "method": "frequentist"}),
    (f"contrast.csv {FREQUENTIST} --hartung-knapp-ad-hoc", {"hartung_knapp": "ad-hoc"}),
    (f"zero-cells.csv {FREQUENTIST} --correction 0.1", {"correction": 0.1}),
    (f"binomial.csv {FREQUENTIST} --measure 'log risk ratio'", {"measure": "log risk ratio"}),
]


@pytest.mark.parametrize(("line", "stated"), STATED)
def test_the_document_states_what_was_asked_for(line: str, stated: dict[str, object]) -> None:
    options = answer(line)["options"]
    assert {name: options[name] for name in stated} == stated


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("binomial.csv", "--link probit"),
        ("binomial.csv", "--link cloglog"),
        ("contrast.csv", "--effects common"),
        ("binomial.csv", "--measure 'risk difference'"),
        ("binomial.csv", "--model inconsistency"),
        ("binomial.csv", "--model meta-regression --covariate severity --interaction shared"),
        ("contrast.csv", "--prior-treatment normal:0,0.5"),
        ("binomial.csv", "--prior-intercept normal:0,0.5"),
        ("contrast.csv", "--prior-tau half-normal:0.1"),
        ("binomial.csv", "--single-arms"),
        (f"contrast.csv {FREQUENTIST}", "--tau-estimator ML"),
        (f"contrast.csv {FREQUENTIST}", "--tau-estimator DL"),
        (f"contrast.csv {FREQUENTIST}", "--tau-estimator PM"),
        (f"contrast.csv {FREQUENTIST}", "--hartung-knapp"),
        (f"zero-cells.csv {FREQUENTIST}", "--correction 0.1"),
        (f"binomial.csv {FREQUENTIST}", "--link log"),
    ],
)
def test_an_option_changes_the_effects(line: str, more: str) -> None:
    with_it, without = answer(f"{line} {more}"), answer(line)
    assert with_it["relative_effects"] != without["relative_effects"]


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("--prior-tau log-normal:-1,0.5", "--prior-tau log-normal-variance:-2,1"),
        ("--prior-tau half-t:1,0.5", "--prior-tau half-cauchy:0.5"),
        ("--prior-tau half-t:1e7,0.5", "--prior-tau half-normal:0.5"),
        ("", "--prior-tau half-normal:5 --prior-treatment normal:0,100"),
        ("", "--layout myopoise --outcome contrast --link identity --model consistency"),
    ],
)
def test_two_ways_to_write_one_choice_give_one_answer(line: str, same: str) -> None:
    one, other = answer(f"contrast.csv {line}".strip()), answer(f"contrast.csv {same}")
    for key in POSTERIOR:
        assert one["heterogeneity"]["tau"][key] == pytest.approx(other["heterogeneity"]["tau"][key], rel=1e-4)
        assert against_reference(one, key) == pytest.approx(against_reference(other, key), abs=2e-4)


@pytest.mark.parametrize(
    ("prior", "low", "high"),
    [
        ("half-normal:0.01", 0, 0.03),
        ("uniform:0.3,0.31", 0.3, 0.31),
        ("log-normal:-3,0.01", math.exp(-3.03), math.exp(-2.97)),
        ("log-normal-variance:-6,0.02", math.exp(-3.03), math.exp(-2.97)),
        ("half-t:30,0.01", 0, 0.03),
    ],
)
def test_a_narrow_prior_of_tau_holds_tau_where_it_says(prior: str, low: float, high: float) -> None:
    document = answer(f"contrast.csv --prior-tau {prior}")
    tau = document["heterogeneity"]["tau"]
    assert low <= tau["q2_5"] < tau["q97_5"] <= high
    assert document["options"]["priors"]["tau"] == prior
    assert document["priors"]["tau"].startswith(prior.partition(":")[0].removesuffix("-variance"))


def test_a_narrow_prior_of_effects_holds_them_near_its_mean() -> None:
    document = answer("contrast.csv --prior-treatment normal:1,0.001")
    assert against_reference(document, "mean") == pytest.approx([1, 1, 1], abs=1e-3)
    assert document["options"]["priors"]["treatment"] == "normal:1,0.001"


@pytest.mark.parametrize("line", ["contrast.csv", f"contrast.csv {FREQUENTIST}"])
def test_lower_is_better_turns_the_ranks_round_and_nothing_else(line: str) -> None:
    higher, lower = answer(line), answer(f"{line} --direction lower")
    assert higher["relative_effects"] == lower["relative_effects"]
    count = higher["data"]["treatments"]
    if higher["method"] == "frequentist":
        for name, score in higher["p_scores"].items():
            assert lower["p_scores"][name] == pytest.approx(1 - score)
        return
    turned = {row["treatment"]: row for row in lower["ranking"]}
    for row in higher["ranking"]:
        other = turned[row["treatment"]]
        assert other["mean_rank"] == pytest.approx(count + 1 - row["mean_rank"])
        assert other["sucra"] == pytest.approx(1 - row["sucra"])
        assert other["probabilities"] == pytest.approx(row["probabilities"][::-1])
    assert higher["ranking"][0]["treatment"] == lower["ranking"][-1]["treatment"] == "beta"
    assert higher["ranking"][-1]["treatment"] == lower["ranking"][0]["treatment"] == "placebo"


def test_another_reference_turns_the_table_and_keeps_the_effects() -> None:
    usual, other = (
        answer("contrast.csv --effects common"),
        answer("contrast.csv --effects common --reference gamma"),
    )
    assert other["data"]["treatment_names"][0] == "gamma"
    for pair, mean in effects(usual, "mean").items():
        assert effects(other, "mean")[pair] == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize("method", ["bayes", "frequentist"])
def test_splits_are_of_the_comparisons_with_direct_and_indirect_evidence(method: str) -> None:
    document = answer(f"contrast.csv --model node-split --method {method}")
    split = {frozenset((row["treatment"], row["versus"])): row for row in document["node_splits"]}
    compared = {
        frozenset(p)
        for p in [
            ("alpha", "placebo"),
            ("beta", "placebo"),
            ("beta", "alpha"),
            ("gamma", "placebo"),
            ("gamma", "beta"),
        ]
    }
    assert set(split) == compared
    key = "mean" if method == "bayes" else "estimate"
    for row in split.values():
        assert row["difference"][key] == pytest.approx(row["direct"][key] - row["indirect"][key], abs=0.02)
        assert 0 <= row["p_value"] <= 1
        assert row["network"][key] == pytest.approx(
            effects(document, key)[row["treatment"], row["versus"]], abs=1e-6
        )


def test_hartung_knapp_is_ad_hoc_never_narrower_than_without() -> None:
    plain, scaled, ad_hoc = (
        np.array(against_reference(answer(f"contrast.csv {FREQUENTIST} {more}".strip()), "se"))
        for more in ("", "--hartung-knapp", "--hartung-knapp-ad-hoc")
    )
    ratio = scaled / plain
    assert ratio == pytest.approx(np.full(len(ratio), ratio[0]))
    assert ad_hoc == pytest.approx(plain * max(1.0, ratio[0]))


def test_draws_and_seed_move_an_answer_within_its_own_error() -> None:
    usual, seeded = answer("binomial.csv"), answer("binomial.csv --seed 7 --draws 2048")
    assert (usual["diagnostics"]["draws"], seeded["diagnostics"]["draws"]) == (1024, 2048)
    assert usual["relative_effects"] != seeded["relative_effects"]
    for pair, row in effects(usual).items():
        assert effects(seeded)[pair]["mean"] == pytest.approx(row["mean"], abs=6 * row["mcse"])


def test_the_endpoint_chooses_among_the_outcomes_of_revman() -> None:
    pain, sleep = (run(DATA / "revman", "--endpoint", e, "--json", "-") for e in ("Pain", "Sleep"))
    assert (pain.code, sleep.code) == (0, 0)
    signs = [effects(json.loads(done.out), "mean")["alpha", "placebo"] > 0 for done in (pain, sleep)]
    assert signs == [True, False]
    both = run(DATA / "revman")
    assert both.code == 2
    assert "Pain; Sleep" in both.err
    assert "--endpoint" in both.err


def test_a_layout_can_be_named_and_gives_the_same_answer(tmp_path: Path) -> None:
    file = tmp_path / "netmeta.csv"
    text = (DATA / "contrast.csv").read_text(encoding="utf-8")
    header, rest = text.split("\n", 1)
    assert header == "study,treatment_1,treatment_2,estimate,se"
    file.write_text(f"studlab,treat1,treat2,TE,seTE\n{rest}", encoding="utf-8")
    for more in ((), ("--layout", "netmeta")):
        done = run(file, *more, "--json", "-")
        assert json.loads(done.out)["relative_effects"] == answer("contrast.csv")["relative_effects"]
    assert run(file, "--layout", "gemtc").code == 3
