"""The document of a synthesis: everything that was found, as plain data from which the terminal and the page are drawn.

Numbers are unrounded and on the scale of the linear predictor; what cannot be had is null. Keys are those of
``synthesis_schema.json``. The two methods share a shape, and each row says by its keys which kind of interval it has:
``mean, sd, q2_5, q50, q97_5`` are of a posterior, ``estimate, se, ci_low, ci_high`` of a confidence interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any

from myopoise.estimate import Estimate
from myopoise.report.synthesis_geometry import first_studies, geometry
from myopoise.synthesis.findings import Confidence, NetworkEstimate, NetworkSynthesis, Pair, Split, TestOfQ
from myopoise.synthesis.prior_meaning import pairs_of_trials
from myopoise.synthesis.studies.values import Studies

__all__ = ["Inputs", "document", "schema_text"]

Part = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Inputs:
    """What was handed in.

    Parameters
    ----------
    file, sha256
        Name of the file, without folder, and the hash of its bytes.
    layout
        How it was understood, in a sentence.
    studies
        What was read.
    beside
        Name and hash of each file beside it, such as the classes of treatments.
    """

    file: str
    sha256: str
    layout: str
    studies: Studies
    beside: Mapping[str, str] = field(default_factory=dict)


def document(
    found: NetworkSynthesis | NetworkEstimate,
    inputs: Inputs,
    options: Part,
    funnel: Sequence[Part] = (),
    version: str = "",
    parameters: Mapping[str, Confidence] = MappingProxyType({}),
    joined: bool = False,
) -> dict[str, Any]:
    """Everything of a synthesis as one JSON document.

    Parameters
    ----------
    found
        What was found, by either method.
    inputs
        What was handed in.
    options
        What was asked for, defaults included; `direction` is ``higher`` or ``lower``.
    funnel
        Points of the comparison-adjusted funnel: study, treatment, versus, centred, se.
    version
        Of this package.
    parameters
        Further estimates with their intervals, such as effects of components.
    joined
        Whether the model joins pieces of the network that no study joins. Where it does not, what compares two
        pieces is null, and nothing is ranked.

    Returns
    -------
    document
        Keys as in ``synthesis_schema.json``; the same arguments give the same document.
    """
    bayes = isinstance(found, NetworkSynthesis)
    said = _bayes(found) if isinstance(found, NetworkSynthesis) else _frequentist(found)
    whole: dict[str, Any] = {
        "method": "bayes" if bayes else "frequentist",
        "model": found.model,
        "scale": found.scale,
        "reference": found.treatments[0],
        "direction": options.get("direction", "higher"),
        "options": dict(options),
        "data": {
            "studies": found.studies,
            "arms": found.arms,
            "treatments": len(found.treatments),
            "treatment_names": list(found.treatments),
            "study_names": list(inputs.studies.names),
        },
        "network": geometry(inputs.studies),
        "relative_effects": [_pair(pair) | _row(e) for pair, e in found.relative_effects.items()],
        "node_splits": [_split(split) for split in found.splits],
        "funnel": [dict(point) for point in funnel],
        "inputs": {
            "file": inputs.file,
            "sha256": inputs.sha256,
            "beside": dict(inputs.beside),
            "layout": inputs.layout,
            "notes": list(inputs.studies.notes),
            "first_studies": first_studies(inputs.studies),
        },
        "version": version,
        **said,
    }
    whole["parameters"] |= {name: _row(estimate) for name, estimate in parameters.items()}
    if not joined and len(whole["network"]["pieces"]) > 1:
        _part(whole)
    cleaned: dict[str, Any] = _clean(whole)
    return cleaned


def schema_text() -> str:
    """The JSON Schema of the document, as it is packaged."""
    return (resources.files("myopoise.report") / "synthesis_schema.json").read_text(encoding="utf-8")


def _bayes(found: NetworkSynthesis) -> dict[str, Any]:
    trust = found.trust
    return {
        "predictive_effects": [_pair(pair) | _row(e) for pair, e in found.predictive.items()],
        "heterogeneity": {
            name: _row(estimate)
            | ({"meaning": _meaning(estimate, found.scale or "effect")} if name == "tau" else {})
            for name, estimate in found.heterogeneity.items()
        },
        "parameters": {name: _row(estimate) for name, estimate in found.parameters.items()},
        "fit": None if found.fit is None else _fit(found.fit),
        "ranking": [
            {
                "treatment": rank.treatment,
                "mean_rank": rank.mean_rank,
                "sucra": rank.sucra,
                "probabilities": list(rank.probabilities),
            }
            for rank in found.ranking
        ],
        "priors": dict(found.priors),
        "diagnostics": {
            "pareto_k": trust.k_hat,
            "ess": trust.effective,
            "draws": trust.draws,
            "converged": trust.converged,
            "trusted": trust.ok,
            "sentence": trust.sentence,
            "method": "closed form given the heterogeneity, integrated over it"
            if trust.k_hat is None
            else "quasi-random draws from a Gaussian mixture, weighted by the exact density",
            "warnings": list(found.warnings),
        },
    }


def _frequentist(found: NetworkEstimate) -> dict[str, Any]:
    tests = {"total": found.q_total, "within": found.q_within, "between": found.q_between}
    return {
        "predictive_effects": [
            _pair(pair) | {"ci_low": low, "ci_high": high} for pair, (low, high) in found.prediction.items()
        ],
        "heterogeneity": {
            "tau2": found.tau2,
            "tau2_se": found.tau2_se,
            "i2": found.i2,
            **{key: value for name, test in tests.items() for key, value in _test(name, test).items()},
        },
        "parameters": {},
        "fit": None,
        "ranking": [],
        "priors": {},
        "p_scores": dict(found.p_scores),
        "contributions": [
            _pair(pair) | {"direct": [_pair(direct) | {"share": share} for direct, share in shares.items()]}
            for pair, shares in found.contributions.items()
        ],
        "diagnostics": {
            "pareto_k": None,
            "ess": None,
            "trusted": True,
            "sentence": "Least squares: nothing was drawn at random, so there is no sampling error to check.",
            "method": "generalised least squares",
            "warnings": list(found.warnings),
        },
    }


def _part(whole: dict[str, Any]) -> None:
    """Take back what no study and no assumption says: effects across pieces, and ranks over all of them."""
    piece = {name: at for at, names in enumerate(whole["network"]["pieces"]) for name in names}
    for rows in (whole["relative_effects"], whole["predictive_effects"]):
        for row in rows:
            if piece.get(row["treatment"]) != piece.get(row["versus"]):
                row.update({key: math.nan for key in row if key not in ("treatment", "versus")})
    whole["ranking"] = []
    listed = "; ".join(", ".join(names) for names in whole["network"]["pieces"])
    whole["diagnostics"]["warnings"].append(
        f"No study joins these pieces of the network: {listed}. Effects between pieces cannot be had, and "
        "treatments are not ranked. Shared components (--model component) or exchangeable baselines (--single-arms) "
        "can join pieces."
    )


def _pair(pair: Pair) -> dict[str, Any]:
    return {"treatment": pair[0], "versus": pair[1]}


def _row(estimate: Estimate | Confidence) -> dict[str, Any]:
    if isinstance(estimate, Confidence):
        return {
            "estimate": estimate.estimate,
            "se": estimate.se,
            "ci_low": estimate.low,
            "ci_high": estimate.high,
            "p_value": estimate.p_value,
        }
    return {
        "mean": estimate.mean,
        "sd": estimate.sd,
        "q2_5": estimate.low,
        "q50": estimate.median,
        "q97_5": estimate.high,
        "mcse": estimate.mcse,
    }


def _split(split: Split) -> dict[str, Any]:
    parts = {name: _row(getattr(split, name)) for name in ("direct", "indirect", "network", "difference")}
    return {
        "treatment": split.treatment,
        "versus": split.versus,
        **parts,
        "p_value": split.p_value,
        "studies": list(split.studies),
    }


def _fit(fit: Any) -> dict[str, Any]:
    said = {name: value for name, value in asdict(fit).items() if name != "by_point"}
    keys = ("study", "treatment", "residual_deviance", "leverage", "log_predictive_density")
    return said | {"by_point": [dict(zip(keys, point, strict=True)) for point in fit.by_point]}


def _test(name: str, test: TestOfQ) -> dict[str, Any]:
    return {f"q_{name}": test.q, f"df_{name}": test.df, f"p_{name}": test.p_value}


def _meaning(tau: Estimate, scale: str) -> str:
    """What heterogeneity as found says of two trials of one comparison."""
    return pairs_of_trials(tau.median, tau.high, scale, at="of its posterior")


def _clean(value: Any) -> Any:
    """The same data with what is not a finite number as null."""
    if isinstance(value, Mapping):
        return {key: _clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
