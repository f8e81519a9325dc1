"""Our engine against the answers of reference programs: what is compared, how, and how far apart the two are.

A *case* is one data set under one model of one peer. Its answers are committed in the peer's folder (`expected.csv`);
its data are not ours to copy and stand beside the checkout, or where the variable MYOPOISE_REFERENCE points.

Differences are given in two units: the peer's posterior standard deviation, which says whether a reader could notice,
and the combined Monte Carlo error of the two programs, which says whether chance explains it.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myopoise.estimate import Estimate
from myopoise.synthesis.effects import estimate, hyper_estimate
from myopoise.synthesis.laplace import Posterior, infer
from myopoise.synthesis.latent import Comparisons, LatentModel, Variances
from myopoise.synthesis.likelihoods import NormalMeans
from myopoise.synthesis.models.arms import ArmResult, network_model
from myopoise.synthesis.priors import HalfNormal, LogNormal, Normal, Prior, Uniform

__all__ = [
    "CASES",
    "HERE",
    "PEERS",
    "Case",
    "Difference",
    "Missing",
    "beyond",
    "compare",
    "expected_rows",
    "largest",
    "reference_folder",
]

HERE = Path(__file__).resolve().parent
PEERS = ("multinma", "jags", "bayesmeta")
FLAT = 1e6
"""Standard deviation of a normal that stands for a flat prior, in units of the largest standard error."""

Floats = NDArray[np.float64]


class Missing(Exception):
    """The data of the reference sets are not here."""


def reference_folder() -> Path:
    """Where the data of the reference sets are."""
    named = os.environ.get("MYOPOISE_REFERENCE")
    folder = Path(named) if named else HERE.parent.parent / "shared" / "reference" / "nma"
    if not folder.is_dir():
        raise Missing(f"no reference data at {folder}; set MYOPOISE_REFERENCE to the folder that holds them")
    return folder


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise Missing(f"{path.parent.name}/{path.name} is not in the reference folder")
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@dataclass(frozen=True)
class Case:
    """One data set under one model of one peer.

    Parameters
    ----------
    peer, data, model
        Folder of the peer, folder of the data set, identifier of the model in it.
    call
        What was asked of our engine, in words.
    build
        The model, from the rows of the data set.
    """

    peer: str
    data: str
    model: str
    call: str
    build: Callable[[list[dict[str, str]]], LatentModel]

    @property
    def name(self) -> str:
        """Data set and model."""
        return f"{self.data}/{self.model}"

    def fit(self) -> Posterior:
        """Our posterior."""
        return infer(self.build(_table(reference_folder() / self.data / "data.csv")))


def _network(peer: str, data: str, model: str, reference: str, tau: Prior | None) -> Case:
    # Both peers put a normal with sd 100 on every treatment effect and every study intercept.
    vague = Normal(0.0, 100.0)

    def build(rows: list[dict[str, str]]) -> LatentModel:
        if "r" in rows[0]:
            arms = [ArmResult(r["study"], r["treatment"], events=int(r["r"]), n=int(r["n"])) for r in rows]
        else:
            arms = [
                ArmResult(r["study"], r["treatment"], mean=float(r["y"]), se=float(r["se"])) for r in rows
            ]
        return network_model(arms, reference=reference, heterogeneity=tau, treatment=vague, baseline=vague)

    effects = "common effects" if tau is None else f"tau ~ {tau.sentence}"
    return Case(
        peer, data, model, f"network_model, effects and intercepts ~ {vague.sentence}; {effects}", build
    )


def _pairwise(data: str, model: str, tau: Callable[[float], Prior], words: str) -> Case:
    def build(rows: list[dict[str, str]]) -> LatentModel:
        y, variance = np.array(
            [[float(r["yi"]), float(r["vi"])] for r in rows if r["yi"] not in ("", "NA")]
        ).T
        largest = float(np.sqrt(variance.max()))
        return contrast_model(y, np.sqrt(variance), tau(largest), FLAT * largest)

    return Case("bayesmeta", data, model, f"one normal contrast a study; mu flat; tau {words}", build)


def contrast_model(y: Floats, se: Floats, tau: Prior, flat: float) -> LatentModel:
    """Pairwise random effects on contrasts: y_i ~ N(mu + w_i, se_i^2), w_i ~ N(0, tau^2), mu ~ N(0, flat^2).

    A contrast has no intercept of its own, so the study term has no variance and the 'arm' term carries the whole
    tau^2. Nothing is made up to turn contrasts into arms.
    """
    k = len(y)
    every = np.arange(k)
    return LatentModel(
        name="pairwise meta-analysis of contrasts, random effects",
        hypers=(("heterogeneity", tau),),
        columns=("mu",),
        column_mean=np.zeros(1),
        column_variance=Variances(np.full(1, flat**2), np.zeros((1, 1))),
        design=np.ones((k, 1)),
        shares=np.ones(k),
        result=every,
        arm=every,
        study=every,
        study_variance=Variances(np.zeros(k), np.zeros((k, 1))),
        arm_variance=Variances(np.zeros(k), np.ones((k, 1))),
        likelihood=NormalMeans(y, se),
        comparisons=Comparisons.none(1, 1),
    )


def _bayesmeta_cases() -> list[Case]:
    improper = (
        lambda se: Uniform(0.0, 200.0 * se),
        "~ uniform(0, 200 largest standard errors), for an improper one",
    )
    unif5 = (lambda se: Uniform(0.0, 5.0), "~ uniform(0, 5)")
    turner = (lambda se: LogNormal(-1.28, 0.87), "~ log-normal, tau^2 as in Turner 2012")

    def half(scale: float) -> tuple[Callable[[float], Prior], str]:
        return (lambda se: HalfNormal(scale)), f"~ half-normal({scale:g})"

    on_log_odds = {"halfnormal05": half(0.5), "uniform": improper, "unif5": unif5, "lognormal_turner": turner}
    asked = {
        "crins2014": on_log_odds | {"halfnormal1": half(1.0)},
        "dat_bcg": on_log_odds,
        "dat_hackshaw1998": on_log_odds,
        "dat_nielweise2007": on_log_odds,
        "dat_yusuf1985": on_log_odds,
        "dat_normand1999": {"uniform": improper, "halfnormal50": half(50.0)},
        "rubin1981": {"uniform": improper, "halfnormal10": half(10.0)},
    }
    return [
        _pairwise(data, f"bayesmeta_{name}", tau, words)
        for data, models in asked.items()
        for name, (tau, words) in models.items()
    ]


CASES: tuple[Case, ...] = (
    _network("multinma", "smoking", "multinma_FE", "No intervention", None),
    _network("multinma", "smoking", "multinma_RE", "No intervention", HalfNormal(5.0)),
    _network("multinma", "blocker", "multinma_FE", "Control", None),
    _network("multinma", "blocker", "multinma_RE", "Control", HalfNormal(5.0)),
    _network("multinma", "bcg_vaccine", "multinma_RE", "Unvaccinated", HalfNormal(5.0)),
    _network("multinma", "parkinsons", "multinma_arm_FE", "4", None),
    _network("multinma", "parkinsons", "multinma_arm_RE", "4", HalfNormal(5.0)),
    _network("jags", "smoking", "jags_FE", "No intervention", None),
    _network("jags", "smoking", "jags_RE_unif5", "No intervention", Uniform(0.0, 5.0)),
    _network("jags", "smoking", "jags_RE_hn5", "No intervention", HalfNormal(5.0)),
    _network("jags", "blocker", "jags_RE_unif5", "Control", Uniform(0.0, 5.0)),
    _network("jags", "parkinsons", "jags_FE", "4", None),
    _network("jags", "parkinsons", "jags_RE_unif5", "4", Uniform(0.0, 5.0)),
    *_bayesmeta_cases(),
)


@dataclass(frozen=True)
class Difference:
    """One number of the peer, ours beside it, and how far apart they are.

    Parameters
    ----------
    quantity
        `a v b` for a relative effect, ``mu`` or ``tau``.
    statistic
        ``mean``, ``sd``, ``q2.5``, ``q50`` or ``q97.5``.
    peer, ours
        The two numbers.
    sd
        The peer's posterior standard deviation of the quantity.
    error
        Combined Monte Carlo error of the two; 0 where both are exact.
    """

    quantity: str
    statistic: str
    peer: float
    ours: float
    sd: float
    error: float

    @property
    def in_sd(self) -> float:
        """Difference in units of the peer's posterior standard deviation."""
        return (self.ours - self.peer) / self.sd

    @property
    def in_errors(self) -> float:
        """Difference in units of the combined Monte Carlo error; NaN where there is none."""
        return (self.ours - self.peer) / self.error if self.error > 0.0 else math.nan


def expected_rows(case: Case) -> list[dict[str, str]]:
    """The peer's committed answers for a case."""
    with (HERE / case.peer / "expected.csv").open(encoding="utf-8") as handle:
        return [r for r in csv.DictReader(handle) if r["data"] == case.data and r["model"] == case.model]


def compare(case: Case, posterior: Posterior | None = None) -> list[Difference]:
    """Every number of a case, the peer's and ours.

    Parameters
    ----------
    case
        The case.
    posterior
        Our fit, if there is one already.
    """
    fitted = case.fit() if posterior is None else posterior
    found: list[Difference] = []
    for row in expected_rows(case):
        if row["quantity"] == "tau":
            name, (ours, sd_error) = "tau", _tau(fitted)
        else:
            name = f"{row['a']} v {row['b']}" if row["a"] else row["quantity"]
            ours, sd_error = _effect(fitted, row["a"] or "mu", row["b"])
        found += _differences(name, row, ours, sd_error)
    return found


def _effect(fitted: Posterior, a: str, b: str) -> tuple[Estimate, float]:
    columns = fitted.model.columns
    contrast = np.array([float(c == a) - float(c == b) for c in columns])
    ours = estimate(fitted, contrast, "")
    return ours, 0.0 if fitted.exact else _error_of_sd(fitted.x @ contrast, fitted.weights.values)


def _tau(fitted: Posterior) -> tuple[Estimate, float]:
    """Heterogeneity: from the nodes where the mixture is the posterior, otherwise from the weighted draws."""
    ours = hyper_estimate(fitted, 0, "")
    return ours, 0.0 if fitted.exact else _error_of_sd(fitted.theta[:, 0], fitted.weights.values)


def _error_of_sd(draws: Floats, weights: Floats) -> float:
    """Monte Carlo error of a weighted standard deviation (delta method)."""
    mean = float(weights @ draws)
    squares = (draws - mean) ** 2
    variance = float(weights @ squares)
    return float(np.sqrt((weights**2) @ (squares - variance) ** 2) / (2.0 * np.sqrt(variance)))


_END = math.sqrt(0.025 * 0.975) / (math.exp(-0.5 * 1.959964**2) / math.sqrt(2.0 * math.pi))
"""Monte Carlo error of an end of a 95% interval of a normal, times sqrt(effective draws) over its sd."""


def _differences(name: str, row: Mapping[str, str], ours: Estimate, sd_error: float) -> list[Difference]:
    sd = float(row["sd"])

    def number(column: str) -> float:
        return float(row.get(column) or 0.0)

    tail, middle = number("ess_tail"), number("ess_bulk")
    draws = (ours.sd / ours.mcse) ** 2 if ours.mcse else 0.0
    ends = _END * math.hypot(
        sd / math.sqrt(tail) if tail else 0.0, ours.sd / math.sqrt(draws) if draws else 0.0
    )
    half = math.sqrt(math.pi / 2.0)
    centre = half * math.hypot(sd / math.sqrt(middle) if middle else 0.0, ours.mcse)
    numbers = {
        "mean": (ours.mean, math.hypot(number("mcse_mean"), ours.mcse)),
        "sd": (ours.sd, math.hypot(number("mcse_sd"), sd_error)),
        "q2.5": (ours.low, ends),
        "q50": (ours.median, centre),
        "q97.5": (ours.high, ends),
    }
    return [Difference(name, what, float(row[what]), value, sd, e) for what, (value, e) in numbers.items()]


def largest(differences: Sequence[Difference], statistic: str) -> Difference:
    """The largest difference of one kind, in posterior standard deviations."""
    return max((d for d in differences if d.statistic == statistic), key=lambda d: abs(d.in_sd))


ERRORS_ALLOWED = 4.0
"""Combined Monte Carlo errors. Three would fail one number in 370 by chance, and there are 400 here."""

SAMPLER_FAILED = "parkinsons/multinma_arm_RE"
"""27 divergent transitions in the peer's run, and the upper end of its tau is too low: 1.44, where direct integration
and we have 1.50 (`tests/published/test_reference_programs.py`). Only its means are held, to a tenth of an sd."""

EXACT = {"mean": 5e-4, "sd": 2.5e-3, "q2.5": 5e-3, "q50": 5e-3, "q97.5": 5e-3}
"""In posterior sd, for bayesmeta at its grid steps of 0.001 and 0.01: its README gives its mu sd 1e-3."""

EXACT_FINE = 5e-5
"""The same at its grid step of 0.0001, which was asked for one data set."""

TAIL_CUT = ("crins2014/bayesmeta_uniform", "mu", "sd", 1e-2)
"""Six studies and an improper prior give mu a heavy tail, and bayesmeta's grid cuts it: its sd is 0.4976, direct
integration and we say 0.5009."""


def beyond(case: Case, differences: Sequence[Difference]) -> list[Difference]:
    """The differences that are larger than two programs of this kind may have."""
    return [d for d in differences if not _allowed(case, d)]


def _allowed(case: Case, d: Difference) -> bool:
    if case.peer == "bayesmeta":
        limit = EXACT_FINE if case.data == "dat_bcg" else EXACT[d.statistic]
        if (case.name, d.quantity, d.statistic) == TAIL_CUT[:3]:
            limit = TAIL_CUT[3]
        return abs(d.in_sd) <= limit
    if case.name == SAMPLER_FAILED:
        return d.statistic != "mean" or abs(d.in_sd) <= 0.1
    return abs(d.in_errors) <= ERRORS_ALLOWED
