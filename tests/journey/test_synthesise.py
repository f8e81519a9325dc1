"""A table of studies goes in; text, JSON, page and figures come out, or one message says what is wrong."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import itertools
import json
import math
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import numpy as np
import pytest

import myopoise.synthesis.checking as checking
from myopoise.cli import main
from myopoise.report.synthesis_document import schema_text

DATA = Path(__file__).parents[1] / "data" / "synthesise"
SCHEMA = jsonschema.Draft202012Validator(json.loads(schema_text()))
POSTERIOR = ("mean", "sd", "q2_5", "q50", "q97_5")
CONFIDENCE = ("estimate", "se", "ci_low", "ci_high")
CHECKS = ("residual_deviance", "pd", "dic", "looic")
FREQUENTIST = "--method frequentist"


class Ended(NamedTuple):
    """How a command ended, without the line that says it is at work."""

    code: int
    out: str
    err: str


def run(*words: str | Path) -> Ended:
    """The command through its own door, in this process."""
    out, err = io.StringIO(), io.StringIO()
    kept, sys.argv, code = sys.argv, ["myopoise", "synthesise", *map(str, words)], 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = kept
    told = [line for line in err.getvalue().splitlines() if not line.startswith("myopoise: reading and")]
    return Ended(code, out.getvalue(), "\n".join(told))


def words_of(line: str) -> list[str]:
    """The words of a command; a name that ends like a file of ours stands for it."""
    return [str(DATA / word) if word.endswith(".csv") else word for word in shlex.split(line)]


def ends(line: str) -> Ended:
    return run(*words_of(line))


@functools.cache
def answer(line: str) -> dict[str, Any]:
    """The document that ``--json -`` prints, held to the schema."""
    ended = ends(f"{line} --json -")
    assert (ended.code, ended.err) == (0, "")
    document: dict[str, Any] = json.loads(ended.out)
    SCHEMA.validate(document)
    return document


def effects(document: Mapping[str, Any], key: str = "") -> dict[tuple[str, str], Any]:
    """Rows of the effects by pair, or one number of each."""
    rows = {(row["treatment"], row["versus"]): row for row in document["relative_effects"]}
    return {pair: row[key] for pair, row in rows.items()} if key else rows


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
    "binomial.csv --effects common",
    "binomial.csv --link probit",
    "binomial.csv --link cloglog",
    "ordered.csv",
    "ordered.csv --link logit",
    "ordered.csv --link cloglog",
    "normal.csv",
    "normal-se.csv",
    "poisson.csv",
    "contrast.csv",
    "zero-cells.csv",
    "single-arms.csv --single-arms",
    "standard-errors.csv --trust-spread",
    "binomial.csv --measure 'log risk ratio'",
    "binomial.csv --model node-split",
    "binomial.csv --model inconsistency",
    "binomial.csv --model meta-regression --covariate severity",
    "binomial.csv --model meta-regression --covariate severity --interaction exchangeable",
    "binomial.csv --model meta-regression --covariate severity --interaction independent",
    "binomial.csv --model class --classes classes.csv",
    "binomial.csv --model class --classes classes.csv --class-kind common",
    "components.csv --model component --inactive placebo",
    "components-ampersand.csv --model component --separator & --inactive placebo".replace("&", "'&'"),
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


def test_common_classes_are_one_treatment_and_share_their_ranks() -> None:
    document = answer("binomial.csv --model class --classes classes.csv --class-kind common")
    assert effects(document, "mean")["alpha", "beta"] == 0
    found = {row["treatment"]: row["mean_rank"] for row in document["ranking"]}
    assert found["alpha"] == pytest.approx(found["gamma"])
    assert found["placebo"] > 3.9
    exchangeable = answer("binomial.csv --model class --classes classes.csv")
    assert effects(exchangeable, "mean")["alpha", "beta"] != 0
    assert "within class" in exchangeable["heterogeneity"]
    sha256 = hashlib.sha256((DATA / "classes.csv").read_bytes()).hexdigest()
    assert document["inputs"]["beside"] == {"classes.csv": sha256}


# --- each option has its say --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        *((f"{o}.csv --outcome {o}", "outcome", o) for o in ("binomial", "ordered", "normal", "poisson")),
        ("contrast.csv --outcome contrast", "outcome", "contrast"),
        *((f"binomial.csv --link {link}", "link", link) for link in ("logit", "probit", "cloglog")),
        ("normal.csv --link identity", "link", "identity"),
        ("poisson.csv --link log", "link", "log"),
        *((f"contrast.csv --effects {e}", "effects", e) for e in ("random", "common")),
        ("contrast.csv --reference gamma", "reference", "gamma"),
        ("contrast.csv --model consistency", "model", "consistency"),
        ("binomial.csv --model ume", "model", "ume"),
        ("contrast.csv --model node-split", "model", "node-split"),
        ("binomial.csv --model meta-regression --covariate severity", "covariate", "severity"),
        ("binomial.csv --model class --classes classes.csv", "class_kind", "exchangeable"),
        ("components.csv --model component --inactive placebo", "inactive", "placebo"),
        ("components-ampersand.csv --model component --separator '&' --inactive placebo", "separator", "&"),
        ("contrast.csv --direction lower", "direction", "lower"),
        ("contrast.csv --seed 7", "seed", 7),
        ("contrast.csv --draws 2048", "draws", 2048),
        (f"binomial.csv {FREQUENTIST}", "method", "frequentist"),
        *((f"contrast.csv {FREQUENTIST} --tau-estimator {e}", "tau_estimator", e) for e in ("REML", "ML")),
        *((f"contrast.csv {FREQUENTIST} --tau-estimator {e}", "tau_estimator", e) for e in ("DL", "PM")),
        (f"contrast.csv {FREQUENTIST} --hartung-knapp", "hartung_knapp", "full"),
        (f"contrast.csv {FREQUENTIST} --hartung-knapp-ad-hoc", "hartung_knapp", "ad-hoc"),
        (f"zero-cells.csv {FREQUENTIST} --correction 0.1", "correction", 0.1),
        (f"binomial.csv {FREQUENTIST} --measure 'log risk ratio'", "measure", "log risk ratio"),
    ],
)
def test_the_document_states_what_was_asked_for(line: str, name: str, value: object) -> None:
    assert answer(line)["options"][name] == value


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("binomial.csv", "--link probit"),
        ("binomial.csv", "--link cloglog"),
        ("binomial.csv", "--effects common"),
        ("binomial.csv", "--measure 'risk difference'"),
        ("binomial.csv", "--model inconsistency"),
        ("binomial.csv", "--model meta-regression --covariate severity"),
        ("binomial.csv", "--prior-treatment normal:0,0.5"),
        ("binomial.csv", "--prior-intercept normal:0,0.5"),
        ("binomial.csv", "--prior-tau half-normal:0.1"),
        ("binomial.csv", "--single-arms"),
        ("binomial.csv --model meta-regression --covariate severity", "--interaction exchangeable"),
        ("binomial.csv --model meta-regression --covariate severity", "--interaction independent"),
        ("binomial.csv --model class --classes classes.csv", "--class-kind common"),
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
    usual, seeded = answer("binomial.csv"), answer("binomial.csv --seed 7")
    assert answer("binomial.csv --draws 2048")["diagnostics"]["draws"] == 2048
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


# --- what is written ----------------------------------------------------------------------------------------


def test_json_on_standard_output_is_one_document_and_the_file_holds_the_same(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = ends("contrast.csv --json -")
    shown = run(DATA / "contrast.csv", "--json", out)
    assert (shown.code, shown.err) == (0, "")
    assert done.out == out.read_text(encoding="utf-8")
    assert done.out.startswith("{")
    assert done.out.endswith("}\n")
    assert "Effect against placebo" in shown.out
    assert f"Written: {out}" in shown.out
    written = run(DATA / "contrast.csv", "--json", "-", "--out", tmp_path / "page.html")
    assert written.out == done.out
    assert (tmp_path / "page.html").is_file()


def test_the_same_input_and_seed_give_the_same_bytes_in_another_process_and_at_another_time(
    tmp_path: Path,
) -> None:
    def files(folder: Path) -> list[str | Path]:
        folder.mkdir()
        outputs = ("--json", folder / "a.json", "--out", folder / "a.html", "--figures", folder / "figures")
        return [DATA / "contrast.csv", "--model", "node-split", "--seed", "3", *outputs]

    assert run(*files(tmp_path / "one")).code == 0
    command = [sys.executable, "-m", "myopoise", "synthesise", *map(str, files(tmp_path / "two"))]
    env = {**os.environ, "PYTHONHASHSEED": "5", "SOURCE_DATE_EPOCH": "86400", "PYTHONWARNINGS": "error"}
    subprocess.run(command, check=True, capture_output=True, env=env)
    names = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert {name.suffix for name in names} == {".json", ".html", ".svg"}
    assert {"network.svg", "effects.svg", "ranks.svg", "node-splits.svg", "funnel.svg"} <= {
        n.name for n in names
    }
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert len(list((tmp_path / "two").rglob("*.*"))) == len(names)


@pytest.mark.parametrize(
    "line", ["contrast.csv --model node-split", f"contrast.csv {FREQUENTIST}", "pieces.csv", "ordered.csv"]
)
def test_a_page_stands_alone_and_figures_are_well_formed(line: str, tmp_path: Path) -> None:
    done = run(*words_of(line), "--out", tmp_path / "page.html", "--figures", tmp_path / "figures")
    assert done.code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|srcset|action|data)\s*=\s*["\']?\s*(?:https?:)?//', page) == []
    assert re.findall(r"<link\b|<script[^>]*\bsrc|@import|url\(\s*['\"]?(?!#|data:)", page) == []
    outside = re.findall(r'https?://[^\s"\'<>)]+', page)
    assert [link for link in outside if not re.match(r"https?://(doi\.org|www\.w3\.org)/", link)] == []
    drawings = sorted((tmp_path / "figures").glob("*.svg"))
    assert {"network.svg", "effects.svg"} <= {path.name for path in drawings}
    for path in drawings:
        assert ET.fromstring(path.read_text(encoding="utf-8")).tag == "{http://www.w3.org/2000/svg}svg"
    told = re.search(r"Written: (.*)", done.out, re.DOTALL)
    assert told
    listed = told[1].strip().split(", ")
    assert all(Path(name).is_file() for name in listed)
    assert len(listed) == 1 + len(list((tmp_path / "figures").iterdir()))


def test_paths_and_names_may_hold_spaces_and_accents(tmp_path: Path) -> None:
    folder = tmp_path / "Études de José – ärzte"
    folder.mkdir()
    file = folder / "données 1.csv"
    text = (DATA / "binomial.csv").read_text(encoding="utf-8").replace("alpha", "méthotrexate <10 mg> & co")
    file.write_text(text, encoding="utf-8")
    done = run(
        file,
        "--json",
        folder / "sortie é.json",
        "--out",
        folder / "page é.html",
        "--figures",
        folder / "fig é",
    )
    assert (done.code, done.err) == (0, "")
    document = json.loads((folder / "sortie é.json").read_text(encoding="utf-8"))
    assert document["inputs"]["file"] == "données 1.csv"
    assert str(tmp_path) not in json.dumps(document, ensure_ascii=False)
    assert "méthotrexate <10 mg> & co" in document["data"]["treatment_names"]
    assert "méthotrexate &lt;10 mg&gt; &amp; co" in (folder / "page é.html").read_text(encoding="utf-8")
    for path in (folder / "fig é").glob("*.svg"):
        ET.fromstring(path.read_text(encoding="utf-8"))


def test_an_output_that_was_there_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("x" * 1_000_000, encoding="utf-8")
    assert run(DATA / "contrast.csv", "--json", out).code == 0
    assert json.loads(out.read_text(encoding="utf-8")) == answer("contrast.csv")


@pytest.mark.parametrize("option", ["--json", "--out"])
def test_writing_that_fails_leaves_the_old_file_and_nothing_half_written(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.txt"
    out.write_text("old", encoding="utf-8")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    done = run(DATA / "contrast.csv", option, out)
    assert done.code == 2
    assert done.err == f"myopoise: {out}: No space left on device. Check the path and its rights."
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert out.read_text(encoding="utf-8") == "old"


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        pytest.skip("nothing is forbidden to this user")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    done = run(DATA / "contrast.csv", "--json", locked / "out.json")
    assert done.code == 2
    assert str(locked) in done.err
    assert list(locked.iterdir()) == []


# --- how it ends when it cannot -----------------------------------------------------------------------------

FAULTS = [
    ("row 2, r", "70 events among 60 patients"),
    ("row 5, r", "18.5 is not a whole number"),
    ("row 7, treatment", "study C has placebo twice (rows 6 and 7)"),
    ("row 8, r", "-2 is below zero"),
    ("row 10, treatment", "study E has one arm (beta)"),
]


def test_all_faults_of_the_data_are_told_together_and_nothing_is_written(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("old", encoding="utf-8")
    done = run(DATA / "faults.csv", "--json", old, "--out", tmp_path / "p.html", "--figures", tmp_path / "f")
    assert (done.code, done.out) == (3, "")
    first, *told = done.err.splitlines()
    assert first == "myopoise: faults.csv: 5 faults, nothing was read."
    assert [line.split(": ")[0] for line in told] == [f"faults.csv, {place}" for place, _ in FAULTS]
    for line, (_, found) in zip(told, FAULTS, strict=True):
        assert found in line
        assert line.endswith(".")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]
    assert old.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("study,treatment,y,se\nA,a,1,-0.3\nA,b,2,0.3\n", "row 2, se", "-0.3"),
        ("study,treatment,y,se\nA,a,1,0\nA,b,2,0.3\n", "row 2, se", "a standard error of zero"),
        ("study,treatment_1,treatment_2,estimate,se\nA,a,b,1,-0.3\n", "row 2, se", "-0.3"),
        ("study,treatment_1,treatment_2,estimate,se\nA,a,a,1,0.3\n", "row 2", "a"),
        ("study,treatment,r,exposure\nA,a,1,0\nA,b,2,10\n", "row 2, exposure", "0"),
        ("study,treatment,n,ge_1,ge_2\nA,a,20,5,8\nA,b,20,6,2\n", "row 2", "8"),
        ("study,treatment,r,n\nA,a,one,10\nA,b,2,10\n", "row 2, r", "one"),
        ("study,treatment,r,n\nA,a,,10\nA,b,2,10\n", "row 2", "A"),
        ("study,treatment,r,n\nA,,1,10\nA,b,2,10\n", "row 2, treatment", ""),
        (
            "study,treatment_1,treatment_2,estimate,se\nA,a,b,1,0.3\nA,b,c,1,0.3\nA,a,c,5,0.3\n",
            "A",
            "study A",
        ),
        ("study,drug,events\nA,a,1\n", "row 1", "no layout that is known"),
    ],
)
def test_a_fault_is_named_with_its_place_and_ends_with_3(
    text: str, place: str, found: str, tmp_path: Path
) -> None:
    file = tmp_path / "studies.csv"
    file.write_text(text, encoding="utf-8")
    done = run(file, "--json", tmp_path / "out.json")
    assert (done.code, done.out) == (3, "")
    first, told, *_ = done.err.splitlines()
    assert first.startswith("myopoise: studies.csv: 1 fault")
    assert told.startswith("studies.csv, ")
    assert place in told
    assert found in told
    assert not (tmp_path / "out.json").exists()


def test_spreads_that_look_like_errors_are_faults_until_they_are_trusted() -> None:
    done = ends("standard-errors.csv")
    assert done.code == 3
    assert "row 8, sd: study D, placebo: the SD 0.21" in done.err
    assert "write the SD, 2.1" in done.err
    assert "--trust-spread" in done.err
    assert answer("standard-errors.csv --trust-spread")["data"]["studies"] == 4


def test_studies_of_one_arm_are_faults_until_they_may_speak() -> None:
    done = ends("single-arms.csv")
    assert done.code == 3
    assert "row 8, treatment: study D has one arm (beta)" in done.err
    assert "--single-arms" in done.err
    document = answer("single-arms.csv --single-arms")
    assert document["network"]["single_arm_studies"] == ["D", "E"]
    assert effects(document)["beta", "placebo"]["sd"] < 3
    assert document["options"]["baselines"]


@pytest.mark.parametrize("more", ["", "--json -"])
def test_too_few_draws_for_an_interval_end_with_4_and_what_to_do(more: str) -> None:
    done = ends(f"binomial.csv --draws 64 {more}")
    assert done.code == 4
    assert "must not be believed" in done.err
    assert "ask for more draws" in done.err
    if more:
        document = json.loads(done.out)
        SCHEMA.validate(document)
        assert document["diagnostics"]["trusted"] is False
        assert document["diagnostics"]["warnings"] == [document["diagnostics"]["sentence"]]
    else:
        assert done.out.strip().startswith("This computation must not be believed")


def test_a_fit_that_fails_its_own_check_is_written_marked_and_ends_with_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "SMALLEST_EFFECTIVE", 1e9)
    done = run(DATA / "contrast.csv", "--json", tmp_path / "out.json", "--out", tmp_path / "page.html")
    assert done.code == 4
    assert done.err.startswith("myopoise: This computation must not be believed")
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["diagnostics"]["trusted"] is False
    assert "must not be believed" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_network_almost_without_events_gets_advice_and_a_plausible_prior_settles_it() -> None:
    vague = ends("sparse.csv --draws 512")
    assert vague.code == 4
    for advice in ("treatment prior with sd 2 to 3", "common effects", "more draws", "reference sampler"):
        assert advice in vague.err
    document = answer("sparse.csv --prior-treatment normal:0,2 --prior-tau half-normal:0.5")
    assert document["diagnostics"]["trusted"]


def test_a_reader_that_is_not_installed_ends_with_5_and_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "studies.xlsx"
    file.write_bytes(b"PK")
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    done = run(file)
    assert (done.code, done.out) == (5, "")
    assert "myopoise[excel]" in done.err


# --- a network in pieces ------------------------------------------------------------------------------------


def test_a_network_in_pieces_is_told_in_its_pieces_and_nothing_is_said_across_them() -> None:
    document = answer("pieces.csv")
    pieces = [{"placebo", "alpha"}, {"beta", "gamma"}]
    assert sorted(map(sorted, document["network"]["pieces"])) == sorted(map(sorted, pieces))
    assert document["data"]["treatments"] == 4
    assert len(document["relative_effects"]) == 12
    for pair, row in effects(document).items():
        within = any(set(pair) <= piece for piece in pieces)
        assert all((row[key] is not None) is within for key in POSTERIOR)
    assert document["ranking"] == []
    assert any("No study joins these pieces" in told for told in document["diagnostics"]["warnings"])
    shown = ends("pieces.csv").out
    assert "The network is in 2 pieces" in shown
    assert "placebo, alpha" in shown
    assert "beta, gamma" in shown


def test_least_squares_names_the_pieces_and_what_can_be_done() -> None:
    done = ends(f"pieces.csv {FREQUENTIST}")
    assert (done.code, done.out) == (2, "")
    for told in ("2 pieces", "placebo, alpha", "gamma, beta", "--method bayes", "--model component"):
        assert told in done.err


def test_components_join_pieces_only_where_they_are_shared() -> None:
    joined = answer("components.csv --model component --inactive placebo")
    assert len(joined["network"]["pieces"]) == 2
    assert effects(joined)["exercise", "placebo"]["sd"] < 2
    apart = answer("pieces.csv --model component --reference placebo")
    assert effects(apart)["beta", "placebo"]["mean"] is None
    assert effects(apart)["alpha", "placebo"]["mean"] is not None
    assert apart["ranking"] == []


# --- a careless user ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nowhere.csv", ["nowhere.csv", "does not exist"]),
        ("binomial.csv --outcome ordinal", ["ordinal", "binomial", "ordered"]),
        ("binomial.csv --link log-odds", ["log-odds", "cloglog"]),
        ("binomial.csv --effects fixed", ["fixed", "common"]),
        ("binomial.csv --model network", ["network", "consistency"]),
        ("binomial.csv --method bayesian", ["bayesian", "bayes"]),
        ("binomial.csv --tau-estimator EB", ["EB", "REML"]),
        ("binomial.csv --direction up", ["up", "higher"]),
        ("binomial.csv --draws 5", ["5", "64"]),
        ("binomial.csv --seed -1", ["-1"]),
        ("binomial.csv --reference Placebo", ["Placebo", "Did you mean placebo?"]),
        ("binomial.csv --reference warfarin", ["warfarin", "placebo, alpha, beta, gamma"]),
        ("binomial.csv --prior-tau half-nomal:5", ["half-nomal", "Did you mean half-normal:5?"]),
        ("binomial.csv --prior-tau half-normal", ["1 number", "half-normal:5"]),
        ("binomial.csv --prior-tau half-normal:0", ["above zero"]),
        ("binomial.csv --prior-tau half-normal:wide", ["1 number", "half-normal:5"]),
        ("binomial.csv --prior-tau uniform:5,0", ["low end comes first"]),
        ("binomial.csv --prior-tau normal:0,1", ["half-normal:1"]),
        ("binomial.csv --prior-tau ''", ["--prior-tau is empty"]),
        ("binomial.csv --prior-treatment uniform:0,1", ["must be normal", "normal:0,100"]),
        ("binomial.csv --prior-intercept normal:0", ["2 numbers", "mean and sd"]),
        ("binomial.csv --model meta-regression", ["--model meta-regression needs --covariate"]),
        (
            "binomial.csv --model meta-regression --covariate severty",
            ["severty", "Did you mean severity?"],
        ),
        ("contrast.csv --model meta-regression --covariate dose", ["dose", "none"]),
        ("binomial.csv --covariate severity", ["--covariate goes with --model meta-regression"]),
        ("binomial.csv --interaction shared", ["--interaction goes with --model meta-regression"]),
        ("binomial.csv --model class", ["--model class needs --classes"]),
        ("binomial.csv --classes classes.csv", ["--classes goes with --model class"]),
        ("binomial.csv --class-kind common", ["--class-kind goes with --model class"]),
        ("binomial.csv --inactive placebo", ["--inactive goes with --model component"]),
        ("binomial.csv --separator '&'", ["--separator goes with --model component"]),
        ("components.csv --model component --separator ''", ["--separator is empty"]),
        ("components.csv --model component --inactive drugs", ["drugs", "Did you mean drug?", "placebo"]),
        (
            f"components.csv --model component {FREQUENTIST} --hartung-knapp",
            ["--hartung-knapp does not go with --model component"],
        ),
        ("binomial.csv --hartung-knapp", ["--hartung-knapp goes with --method frequentist"]),
        ("binomial.csv --tau-estimator DL", ["--tau-estimator goes with --method frequentist"]),
        ("binomial.csv --correction 0", ["--correction goes with --method frequentist"]),
        (
            f"binomial.csv {FREQUENTIST} --prior-tau half-normal:1 --draws 500",
            ["--prior-tau, --draws go with --method bayes"],
        ),
        (f"binomial.csv {FREQUENTIST} --hartung-knapp --hartung-knapp-ad-hoc", ["exclude each other"]),
        (f"binomial.csv {FREQUENTIST} --model ume", ["--model ume is Bayesian", "--method bayes"]),
        (f"binomial.csv {FREQUENTIST} --link probit", ["probit", "logit or log or identity"]),
        (f"ordered.csv {FREQUENTIST}", ["ordered", "--method bayes"]),
        (f"contrast.csv {FREQUENTIST} --link logit", ["--measure", "--link"]),
        (f"normal.csv {FREQUENTIST} --correction 1", ["--correction"]),
        (f"zero-cells.csv {FREQUENTIST} --correction 0", ["zero cell", "B", "correction (0.5 is usual)"]),
        (f"single-arms.csv {FREQUENTIST} --single-arms", ["--single-arms goes with --method bayes"]),
        ("contrast.csv --single-arms", ["--single-arms needs results by arm"]),
        ("single-arms.csv --single-arms --model node-split", ["--single-arms", "--model node-split"]),
        ("ordered.csv --link identity", ["identity", "ordered", "logit or probit or cloglog"]),
        ("normal.csv --link logit", ["logit", "normal", "use identity"]),
        ("binomial.csv --link log", ["log", "binomial", "logit or probit or cloglog"]),
        ("binomial.csv --measure 'log risk ratio' --link probit", ["--measure", "leave --link out"]),
        ("binomial.csv --measure 'log odd ratio'", ["Did you mean log odds ratio?"]),
        ("binomial.csv --measure 'hedges g'", ["binomial arms", "log risk ratio"]),
        ("binomial.csv --endpoint pain", ["--endpoint is for files of RevMan"]),
        ("binomial.csv --layout netmetta", ["netmetta", "Did you mean netmeta?"]),
        ("binomial.csv --out -", ["--out", "--json"]),
        ("binomial.csv --json binomial.csv", ["different files"]),
        ("binomial.csv --json no-such-folder/out.json", ["no-such-folder", "Make it first"]),
        ("binomial.csv --figures binomial.csv", ["is a file"]),
        ("binomial.csv --colour blue", ["--colour"]),
    ],
)
def test_a_misuse_gets_one_message_and_ends_with_2(line: str, told: list[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in DATA.rglob("*")}
    done = ends(line)
    assert (done.code, done.out) == (2, "")
    for words in told:
        assert words in done.err
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) <= 4
    assert {path: path.stat().st_mtime_ns for path in DATA.rglob("*")} == before


def test_several_misuses_are_told_at_once() -> None:
    done = ends("binomial.csv --hartung-knapp --inactive placebo --model class")
    assert done.code == 2
    for words in ("--hartung-knapp goes with", "--inactive goes with", "--model class needs --classes"):
        assert words in done.err


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("treatment,class\nalpa,x\n", "row 2, treatment", "Did you mean alpha?"),
        ("treatment,class\nalpha,\n", "row 2, class", "no class"),
        ("treatment,class\nalpha,x\nalpha,y\n", "row 3, class", "also in x"),
        ("drug,class\nalpha,x\n", "row 1", "treatment and class"),
        ("", "row 1", "treatment and class"),
    ],
)
def test_a_fault_of_the_classes_is_named_in_their_file(
    text: str, place: str, found: str, tmp_path: Path
) -> None:
    file = tmp_path / "classes.csv"
    file.write_text(text, encoding="utf-8")
    done = run(DATA / "binomial.csv", "--model", "class", "--classes", file)
    assert (done.code, done.out) == (3, "")
    assert f"classes.csv, {place}: " in done.err
    assert found in done.err


def test_a_treatment_without_a_class_is_one_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "classes.csv"
    file.write_text("treatment,class\nalpha,x\nbeta,x\n", encoding="utf-8")
    done = run(
        DATA / "binomial.csv", "--model", "class", "--class-kind", "common", "--classes", file, "--json", "-"
    )
    found = effects(json.loads(done.out), "mean")
    assert found["alpha", "beta"] == 0
    assert abs(found["gamma", "alpha"]) > 0.01


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("contrast.csv --effects common --prior-tau half-normal:1", "The prior of tau was not used"),
        (
            f"binomial.csv {FREQUENTIST} --effects common --tau-estimator DL",
            "The estimator of tau was not used",
        ),
        (
            f"binomial.csv {FREQUENTIST} --effects common --hartung-knapp",
            "Hartung-Knapp intervals were not used",
        ),
        ("contrast.csv --prior-intercept normal:0,3", "The prior of intercepts was not used"),
        ("binomial.csv --model component --inactive placebo", "each is a component of its own"),
        ("components.csv --model component", "the reference is taken as one: placebo"),
        (f"zero-cells.csv {FREQUENTIST}", "0.5 was added to every cell of the studies with a zero cell: B"),
        ("zero-cells.csv --measure 'log odds ratio'", "0.5 was added to every cell"),
        ("pieces.csv --model node-split", "nothing could be split"),
    ],
)
def test_what_had_no_say_or_was_taken_for_granted_is_told(line: str, told: str, tmp_path: Path) -> None:
    done = run(*words_of(line), "--json", tmp_path / "out.json")
    assert done.code == 0
    document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert any(told in warning for warning in document["diagnostics"]["warnings"])
    assert told in " ".join(done.out.split())


def test_zero_events_need_no_correction() -> None:
    document = answer("zero-cells.csv")
    assert document["diagnostics"]["warnings"] == []
    assert document["diagnostics"]["trusted"]
