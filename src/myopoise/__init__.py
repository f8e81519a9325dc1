"""myopoise: which treatment next for refractory polymyositis and dermatomyositis, and how sure we are.

The public names below are loaded when first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "ArmResult": "myopoise.synthesis.models.arms",
    "BadInput": "myopoise.errors",
    "ClassEffects": "myopoise.synthesis.models.structures",
    "Components": "myopoise.synthesis.models.structures",
    "Consistency": "myopoise.synthesis.models.structures",
    "CountedBaseline": "myopoise.synthesis.answers.baselines",
    "DesignInconsistency": "myopoise.synthesis.models.structures",
    "Estimate": "myopoise.estimate",
    "Evidence": "myopoise.evidence.tables",
    "ExchangeableBaselines": "myopoise.synthesis.models.assembly",
    "Fault": "myopoise.errors",
    "FixedBaseline": "myopoise.synthesis.answers.baselines",
    "HalfNormal": "myopoise.synthesis.priors",
    "HalfT": "myopoise.synthesis.priors",
    "Inquiry": "myopoise.inquiry",
    "InverseGamma": "myopoise.synthesis.variance_priors",
    "LogNormal": "myopoise.synthesis.priors",
    "LogNormalVariance": "myopoise.synthesis.variance_priors",
    "MetaRegression": "myopoise.synthesis.models.structures",
    "MixedArm": "myopoise.synthesis.models.adjusted",
    "MyositisPriors": "myopoise.synthesis.myositis",
    "Network": "myopoise.synthesis.network",
    "NetworkPriors": "myopoise.synthesis.models.structures",
    "Normal": "myopoise.synthesis.priors",
    "NormalBaseline": "myopoise.synthesis.answers.baselines",
    "Phenotype": "myopoise.vocabulary",
    "Population": "myopoise.synthesis.models.adjusted",
    "Question": "myopoise.evidence.selection",
    "Reading": "myopoise.vocabulary",
    "ReferenceArms": "myopoise.synthesis.answers.baselines",
    "Selection": "myopoise.evidence.rows",
    "Synthesis": "myopoise.synthesis.effects",
    "Uniform": "myopoise.synthesis.priors",
    "UnrelatedMeans": "myopoise.synthesis.models.structures",
    "absolute_effects": "myopoise.synthesis.answers.absolute",
    "adjusted_model": "myopoise.synthesis.models.adjusted",
    "classify": "myopoise.outcomes.frames",
    "combine": "myopoise.synthesis.studies.joining",
    "compare_consistency": "myopoise.synthesis.answers.inconsistency",
    "contrasts_of": "myopoise.synthesis.studies.measures",
    "empirical_prior": "myopoise.synthesis.empirical_priors",
    "estimate_components": "myopoise.synthesis.frequentist.components",
    "estimate_network": "myopoise.synthesis.frequentist.network",
    "estimate_pairwise": "myopoise.synthesis.frequentist.pairwise",
    "estimate_rare_network": "myopoise.synthesis.frequentist.rare_network",
    "importance": "myopoise.synthesis.answers.thresholds",
    "individuals": "myopoise.synthesis.models.adjusted",
    "infer": "myopoise.synthesis.laplace",
    "inquire": "myopoise.inquiry",
    "league": "myopoise.synthesis.answers.league",
    "leave_studies_out": "myopoise.synthesis.answers.influence",
    "network": "myopoise.synthesis.studies.network",
    "network_model": "myopoise.synthesis.models.arms",
    "network_of": "myopoise.synthesis.network",
    "parse_prior": "myopoise.synthesis.prior_words",
    "predictive_checks": "myopoise.synthesis.answers.checks",
    "ratios": "myopoise.synthesis.answers.scales",
    "read_evidence": "myopoise.evidence.reading",
    "read_studies": "myopoise.synthesis.studies.reading",
    "refit": "myopoise.synthesis.refits",
    "risk_differences": "myopoise.synthesis.answers.scales",
    "risk_ratios": "myopoise.synthesis.answers.scales",
    "sample": "myopoise.synthesis.reference",
    "score": "myopoise.outcomes.frames",
    "select": "myopoise.evidence.selection",
    "sensitivity": "myopoise.synthesis.answers.influence",
    "studies_from": "myopoise.synthesis.studies.reading",
    "synthesise": "myopoise.synthesis.synthesising",
    "synthesise_pairwise": "myopoise.synthesis.exact_pairwise",
    "synthesise_splits": "myopoise.synthesis.synthesising",
}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    """Load a public name from the room it lives in."""
    if name not in _HOME:
        raise AttributeError(
            f"module 'myopoise' has no attribute {name!r}; public names are {', '.join(__all__)}"
        )
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
