"""One small network of each family, made up to be hard: sparse counts, three arms, mixtures, single arms.

The numbers were written by hand for this comparison; they are no study's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.models.assembly import ExchangeableBaselines
from myopoise.synthesis.models.structures import (
    ClassEffects,
    Components,
    Consistency,
    MetaRegression,
    NetworkPriors,
    Structure,
)
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

__all__ = ["NETWORKS", "Network"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Network:
    """Studies, how effects enter, and the priors.

    Parameters
    ----------
    studies, reference, structure
        What is fitted.
    priors
        Of effects, intercepts and standard deviations.
    more
        Further arguments of `assemble`.
    """

    studies: Studies
    reference: str
    structure: Structure = field(default_factory=Consistency)
    priors: NetworkPriors = field(
        default_factory=lambda: NetworkPriors(treatment=Normal(0.0, 10.0), heterogeneity=HalfNormal(1.0))
    )
    more: Mapping[str, Any] = field(default_factory=dict)


def _arms(
    outcome: Outcome,
    rows: Sequence[tuple[str, str, *tuple[float, ...]]],
    names: Sequence[str],
    covariates: Sequence[str] = (),
    contrasts: tuple[Contrasts, ...] = (),
    more_studies: Sequence[str] = (),
    more_treatments: Sequence[str] = (),
) -> Studies:
    """Rows of study, treatment and numbers; `names` says which field each number fills."""
    studies = tuple(dict.fromkeys([*(r[0] for r in rows), *more_studies]))
    treatments = tuple(dict.fromkeys([*(r[1] for r in rows), *more_treatments]))
    numbers = np.array([r[2:] for r in rows], dtype=float).T
    columns = dict(zip([*names, *covariates], numbers, strict=True))
    thresholds = [name for name in names if name.startswith("ge")]
    seen = {name: columns[name] for name in names if name not in thresholds}
    if thresholds:
        seen["at_least"] = np.stack([columns[name] for name in thresholds], axis=1)
    arms = Arms(
        outcome,
        np.array([studies.index(r[0]) for r in rows]),
        np.array([treatments.index(r[1]) for r in rows]),
        covariates={name: columns[name] for name in covariates},
        **seen,
    )
    return Studies(studies, treatments, arms, contrasts)


_NONE = float("nan")

SPARSE = [
    *(("1", "A", 0, 24), ("1", "B", 2, 25), ("2", "A", 1, 40), ("2", "B", 0, 41), ("2", "C", 3, 39)),
    *(("3", "A", 0, 15), ("3", "C", 0, 16), ("4", "B", 4, 60), ("4", "C", 1, 58), ("5", "A", 2, 30)),
    *(("5", "D", 0, 31), ("6", "C", 5, 33), ("6", "D", 1, 30), ("7", "A", 3, 70), ("7", "B", 6, 72)),
]
ORDERED = [
    *(
        ("1", "A", 60, 20, 8, 2),
        ("1", "B", 62, 38, 22, 9),
        ("2", "A", 45, 12, 5, 1),
        ("2", "C", 44, 30, 21, 12),
    ),
    *(("3", "B", 50, 28, _NONE, 6), ("3", "C", 52, 35, _NONE, 14), ("4", "A", 30, 9, _NONE, _NONE)),
    *(("4", "B", 31, 19, _NONE, _NONE), ("5", "A", 40, 15, 4, 0), ("5", "B", 41, 20, 12, 3)),
    ("5", "C", 39, 30, 17, 10),
]
RATES = [
    *(("1", "A", 12, 310.0), ("1", "B", 7, 322.5), ("2", "A", 3, 45.5), ("2", "C", 0, 41.0)),
    *(("3", "B", 20, 510.0), ("3", "C", 14, 498.0), ("4", "A", 9, 150.0), ("4", "B", 8, 148.0)),
    *(
        ("4", "C", 2, 155.0),
        ("5", "A", 31, 820.0),
        ("5", "C", 17, 805.0),
        ("6", "A", 2, 20.0),
        ("6", "B", 0, 22.0),
    ),
]
MEANS = [
    *(("1", "A", -1.2, 0.50), ("1", "C", -1.6, 0.44), ("2", "A", -0.7, 0.28), ("2", "B", -2.3, 0.26)),
    *(("3", "A", -0.4, 0.50), ("3", "B", -2.5, 0.51), ("3", "C", -1.2, 0.48)),
]
AGES = [
    *(("1", "A", 9, 60, 61), ("1", "B", 21, 62, 61), ("2", "A", 14, 80, 48), ("2", "B", 20, 82, 48)),
    *(("3", "A", 7, 45, 55), ("3", "C", 15, 44, 55), ("4", "A", 12, 66, 39), ("4", "C", 13, 64, 39)),
    *(("5", "B", 18, 50, 66), ("5", "C", 22, 52, 66), ("6", "A", 20, 90, 44), ("6", "B", 29, 91, 44)),
    *(("7", "A", 6, 38, 70), ("7", "C", 19, 40, 70)),
]
CLASSED = [
    *(("1", "P", 8, 50), ("1", "a1", 17, 51), ("2", "P", 11, 64), ("2", "a2", 22, 63), ("3", "P", 5, 40)),
    *(("3", "a3", 16, 41), ("4", "P", 14, 70), ("4", "b1", 12, 69), ("5", "a1", 20, 55), ("5", "b2", 9, 54)),
    *(("6", "P", 7, 33), ("6", "b2", 8, 34), ("7", "a2", 18, 45), ("7", "a3", 15, 46)),
]
COMBINED = [
    *(("1", "P", 8, 50), ("1", "x", 15, 51), ("2", "P", 12, 64), ("2", "y", 18, 63), ("3", "P", 5, 40)),
    *(
        ("3", "x+y", 17, 41),
        ("4", "x", 19, 60),
        ("4", "x+z", 24, 61),
        ("5", "y+z", 14, 45),
        ("5", "x+y+z", 20, 44),
    ),
]
SINGLE = [
    *(("1", "A", 12, 60), ("1", "B", 22, 61), ("2", "A", 9, 50), ("2", "B", 15, 49), ("3", "A", 14, 70)),
    *(("3", "C", 30, 72), ("4", "C", 20, 38), ("5", "C", 25, 55), ("6", "D", 12, 20), ("7", "D", 9, 22)),
]


def _mixed() -> Studies:
    """Three studies by arm, four by contrast; study 7 has three arms and shares the variance of its first."""
    two = Contrasts(
        np.array([3, 4, 5]),
        np.array([[2, 3], [2, 3], [3, 4]]),
        np.array([[-0.35], [0.55], [-0.30]]),
        np.array([[[0.195]], [[0.308]], [[0.075]]]),
        np.zeros(3),
    )
    three = Contrasts(
        np.array([6]),
        np.array([[0, 3, 4]]),
        np.array([[-0.8, -1.2]]),
        np.array([[[0.21, 0.09], [0.09, 0.19]]]),
        np.zeros(1),
    )
    return _arms(
        *(Outcome.NORMAL, MEANS, ("mean", "se")),
        contrasts=(two, three),
        more_studies=("4", "5", "6", "7"),
        more_treatments=("D", "E"),
    )


def _networks() -> dict[str, Network]:
    counts = ("events", "n")
    return {
        "binomial with zeros": Network(_arms(Outcome.BINOMIAL, SPARSE, counts), "A"),
        "ordered": Network(_arms(Outcome.ORDERED, ORDERED, ("n", "ge 1", "ge 2", "ge 3")), "A"),
        "poisson": Network(_arms(Outcome.POISSON, RATES, ("events", "exposure")), "A"),
        "arms and contrasts": Network(_mixed(), "A"),
        "class effects": Network(
            _arms(Outcome.BINOMIAL, CLASSED, counts),
            "P",
            ClassEffects({"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b"}),
            NetworkPriors(treatment=Normal(0.0, 10.0), heterogeneity=HalfNormal(1.0), spread=HalfNormal(0.5)),
        ),
        "components": Network(
            _arms(Outcome.BINOMIAL, COMBINED, counts), "P", Components(interactions=(("x", "y"),))
        ),
        "meta-regression": Network(
            _arms(Outcome.BINOMIAL, AGES, counts, covariates=("age",)), "A", MetaRegression("age")
        ),
        "single arms": Network(
            _arms(Outcome.BINOMIAL, SINGLE, counts), "A", more={"baselines": ExchangeableBaselines()}
        ),
    }


NETWORKS: Mapping[str, Network] = _networks()
