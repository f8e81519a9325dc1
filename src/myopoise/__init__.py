"""myopoise: which treatment next for refractory polymyositis and dermatomyositis, and how sure we are.

The public names below are loaded when first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "ArmResult": "myopoise.synthesis.models.arms",
    "BadInput": "myopoise.errors",
    "Estimate": "myopoise.estimate",
    "Evidence": "myopoise.evidence.tables",
    "Fault": "myopoise.errors",
    "HalfNormal": "myopoise.synthesis.priors",
    "Inquiry": "myopoise.inquiry",
    "MyositisPriors": "myopoise.synthesis.myositis",
    "Network": "myopoise.synthesis.network",
    "Normal": "myopoise.synthesis.priors",
    "Phenotype": "myopoise.vocabulary",
    "Question": "myopoise.evidence.selection",
    "Reading": "myopoise.vocabulary",
    "Selection": "myopoise.evidence.rows",
    "Synthesis": "myopoise.synthesis.effects",
    "Uniform": "myopoise.synthesis.priors",
    "classify": "myopoise.outcomes.frames",
    "infer": "myopoise.synthesis.laplace",
    "inquire": "myopoise.inquiry",
    "network_model": "myopoise.synthesis.models.arms",
    "network_of": "myopoise.synthesis.network",
    "read_evidence": "myopoise.evidence.reading",
    "score": "myopoise.outcomes.frames",
    "select": "myopoise.evidence.selection",
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
