"""A network of four treatments made by hand, as each method would have found it."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any, cast

import numpy as np

from myopoise.estimate import Estimate
from myopoise.report.synthesis_document import Inputs, document
from myopoise.synthesis.checking import Trust
from myopoise.synthesis.findings import (
    Confidence,
    Fit,
    NetworkEstimate,
    NetworkSynthesis,
    Rank,
    Split,
    TestOfQ,
)
from myopoise.synthesis.studies.values import Arms, Outcome, Studies

TREATMENTS = ("No intervention", "Self-help", "Individual counselling", "Group counselling <6>")
AT = dict(zip(TREATMENTS, (0.0, 0.49, 0.84, 1.10), strict=True))
SD = 0.4
SCALE = "log odds ratio"


def studies() -> Studies:
    arms = Arms(
        Outcome.BINOMIAL,
        study=np.array([0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4]),
        treatment=np.array([0, 2, 0, 1, 1, 2, 3, 0, 2, 0, 3]),
        events=np.array([9.0, 23, 11, 12, 0, 29, 20, 75, 363, 3, 9]),
        n=np.array([140.0, 140, 78, 85, 170, 169, 76, 731, 714, 100, 98]),
    )
    return Studies(
        ("Alpha 1990", "Beta 1991", "Gamma 1992", "Delta 1993", "Epsilon 1994"),
        TREATMENTS,
        arms,
        notes=("One arm has no event; it needs no correction.",),
    )


def estimate(mean: float, sd: float = SD, scale: str = SCALE) -> Estimate:
    return Estimate(mean, sd, mean, mean - 1.96 * sd, mean + 1.96 * sd, scale, mcse=0.001)


def confidence(mean: float, se: float = SD) -> Confidence:
    tail = math.erfc(abs(mean / se) / math.sqrt(2))
    return Confidence(mean, se, mean - 1.96 * se, mean + 1.96 * se, tail)


def split(kind: Any) -> Split:
    return Split(
        TREATMENTS[2],
        TREATMENTS[0],
        kind(0.95, 0.5),
        kind(0.60, 0.8),
        kind(0.84, 0.4),
        kind(0.35, 0.94),
        0.71,
        ("Alpha 1990", "Delta 1993"),
    )


def bayes(**changes: Any) -> NetworkSynthesis:
    pairs = {(a, b): AT[a] - AT[b] for a, b in permutations(TREATMENTS, 2)}
    best = TREATMENTS[::-1]
    fields: dict[str, Any] = {
        "model": "Consistency model of a network, binomial outcome, logit link, random effects.",
        "studies": 5,
        "arms": 11,
        "treatments": TREATMENTS,
        "scale": SCALE,
        "relative_effects": {pair: estimate(mean) for pair, mean in pairs.items()},
        "predictive": {pair: estimate(mean, 2 * SD) for pair, mean in pairs.items()},
        "heterogeneity": {"tau": Estimate(0.84, 0.19, 0.82, 0.55, 1.27, SCALE)},
        "parameters": {},
        "fit": Fit(
            11.4,
            9.1,
            20.5,
            61.2,
            6.0,
            11,
            0.64,
            tuple(
                (studies().names[s], TREATMENTS[t], 0.4 + 0.25 * i, 0.8, -2.5)
                for i, (s, t) in enumerate(zip([0, 0, 1, 1, 2], [0, 2, 0, 1, 3], strict=True))
            ),
        ),
        "ranking": tuple(
            Rank(name, 1.4 + 0.8 * place, 1 - (0.4 + 0.8 * place) / 3, row)
            for place, (name, row) in enumerate(
                zip(
                    best,
                    [
                        (0.68, 0.24, 0.07, 0.01),
                        (0.27, 0.51, 0.215, 0.005),
                        (0.05, 0.24, 0.64, 0.07),
                        (0.0, 0.01, 0.075, 0.915),
                    ],
                    strict=True,
                )
            )
        ),
        "splits": (split(estimate),),
        "priors": {
            "treatment": "Normal(0, sd 100): no odds ratio is excluded",
            "tau": "half-normal(5): 95% between 0.16 and 11",
        },
        "trust": Trust(0.21, 3200.0, 4096, True),
        "warnings": ("Delta 1993 decides much of the answer.",),
        "posterior": cast(Any, None),
    }
    return NetworkSynthesis(**(fields | changes))


def frequentist(**changes: Any) -> NetworkEstimate:
    pairs = {(a, b): AT[a] - AT[b] for a, b in permutations(TREATMENTS, 2)}
    direct = [(TREATMENTS[1], TREATMENTS[0]), (TREATMENTS[2], TREATMENTS[0]), (TREATMENTS[3], TREATMENTS[1])]
    fields: dict[str, Any] = {
        "model": "Network meta-analysis of contrasts by generalised least squares, random effects, tau2 by REML",
        "studies": 5,
        "arms": 11,
        "treatments": TREATMENTS,
        "scale": SCALE,
        "relative_effects": {pair: confidence(mean) for pair, mean in pairs.items()},
        "prediction": {pair: (mean - 2.0, mean + 2.0) for pair, mean in pairs.items()},
        "tau2": 0.55,
        "tau2_se": math.nan,
        "i2": 0.885,
        "q_total": TestOfQ(202.62, 23, 0.0),
        "q_within": TestOfQ(187.54, 16, 0.0),
        "q_between": TestOfQ(15.08, 7, 0.035),
        "p_scores": dict(zip(TREATMENTS, (0.02, 0.41, 0.68, 0.89), strict=True)),
        "contributions": {
            pair: dict(zip(direct, (0.25, 0.5, 0.25), strict=True))
            for pair in pairs
            if pair[1] == TREATMENTS[0]
        },
        "splits": (split(confidence),),
        "warnings": (),
    }
    return NetworkEstimate(**(fields | changes))


FUNNEL = [
    {"study": name, "treatment": TREATMENTS[i % 3 + 1], "versus": TREATMENTS[0], "centred": x, "se": se}
    for i, (name, x, se) in enumerate(
        zip(studies().names, (0.1, -0.3, 0.5, -0.05, 0.9), (0.15, 0.3, 0.5, 0.1, 0.7), strict=True)
    )
]


def made(found: NetworkSynthesis | NetworkEstimate, **options: Any) -> dict[str, Any]:
    inputs = Inputs("smoking.csv", "0" * 64, "Long layout: study, treatment, r, n.", studies())
    return document(found, inputs, {"direction": "higher", "seed": 1} | options, FUNNEL, "0")
