"""`synthesise_pairwise` against every number of bayesmeta in the reference sets: 29 models of seven data sets.

    python validation/bayesmeta/exact.py            print the largest difference of each kind
    python validation/bayesmeta/exact.py --record   also write exact.json anew

Differences are in the peer's posterior standard deviation of the quantity. Both programs integrate; what is allowed is
the peer's own accuracy, by the grid step `delta` it was asked for and by the tolerance of its optimiser.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myopoise import __version__
from myopoise.synthesis.exact_pairwise import PairwisePosterior, TauPrior, synthesise_pairwise
from myopoise.synthesis.objective_priors import ImproperUniform, Jeffreys, dumouchel
from myopoise.synthesis.priors import HalfCauchy, HalfNormal, LogNormalVariance, Uniform

HERE = Path(__file__).resolve().parent
DATA = (
    "crins2014",
    "dat_bcg",
    "dat_hackshaw1998",
    "dat_nielweise2007",
    "dat_normand1999",
    "dat_yusuf1985",
    "rubin1981",
)

Floats = NDArray[np.float64]

PRIORS: dict[str, Callable[[Floats], TauPrior]] = {
    "bayesmeta_uniform": lambda se: ImproperUniform(),
    "bayesmeta_jeffreys": lambda se: Jeffreys(),
    "bayesmeta_dumouchel": dumouchel,
    "bayesmeta_unif5": lambda se: Uniform(0.0, 5.0),
    "bayesmeta_lognormal_turner": lambda se: LogNormalVariance(-2.56, 1.74),
    "bayesmeta_halfnormal05": lambda se: HalfNormal(0.5),
    "bayesmeta_halfnormal1": lambda se: HalfNormal(1.0),
    "bayesmeta_halfnormal10": lambda se: HalfNormal(10.0),
    "bayesmeta_halfnormal50": lambda se: HalfNormal(50.0),
    "bayesmeta_halfcauchy05": lambda se: HalfCauchy(0.5),
    "bayesmeta_halfcauchy5": lambda se: HalfCauchy(5.0),
}

# Tau is one integral in both programs; its shortest interval, mode and joint maxima come from the peer's optimiser.
TAU = {"mean": 1e-9, "sd": 1e-9, "median": 1e-8, "quantile": 1e-9, "shortest": 5e-4, "mode": 5e-3}
# Everything else goes through the peer's grid of tau.
COARSE = {
    "mean": 2e-3,
    "sd": 2.5e-3,
    "median": 5e-4,
    "quantile": 5e-3,
    "shortest": 5e-3,
    "mode": 1e-3,
    "joint": 6e-3,
}
FINE = {
    "mean": 2e-5,
    "sd": 2e-5,
    "median": 2e-5,
    "quantile": 5e-5,
    "shortest": 3e-4,
    "mode": 5e-5,
    "joint": 6e-4,
}

TAIL_CUT = {("crins2014", "bayesmeta_uniform"): 1e-2, ("rubin1981", "bayesmeta_uniform"): 5e-3}
"""Sd of mu and theta only: an improper prior and few studies leave a heavy tail, and the peer's grid cuts it."""


def reference_folder() -> Path:
    """Where the data and the answers are; they are not ours to copy."""
    named = os.environ.get("MYOPOISE_REFERENCE")
    return Path(named) if named else HERE.parents[2] / "shared" / "reference" / "nma"


def read_contrasts(data: str) -> tuple[Floats, Floats]:
    """Contrasts and standard errors of a data set."""
    with (reference_folder() / data / "data.csv").open(encoding="utf-8") as handle:
        rows = [(r["yi"], r["vi"]) for r in csv.DictReader(handle) if r["yi"] not in ("", "NA")]
    return np.array([float(y) for y, _ in rows]), np.sqrt([float(v) for _, v in rows])


def models() -> list[tuple[str, str]]:
    """Every data set and model of the peer, empty where the folder is absent."""
    found = []
    for data in DATA:
        path = reference_folder() / data / "expected_bayesmeta.csv"
        if path.is_file():
            with path.open(encoding="utf-8") as handle:
                found += [
                    (data, model) for model in dict.fromkeys(r["model"] for r in csv.DictReader(handle))
                ]
    return found


def fit(data: str, model: str) -> PairwisePosterior:
    """Our posterior under the peer's model."""
    y, se = read_contrasts(data)
    return synthesise_pairwise(y, se, prior_tau=PRIORS[model](se))


def compare(data: str, model: str, ours: PairwisePosterior) -> Iterator[tuple[str, str, float, float, float]]:
    """Quantity, kind, the peer's number, ours, and the difference in the peer's posterior sd."""
    with (reference_folder() / data / "expected_bayesmeta.csv").open(encoding="utf-8") as handle:
        rows = [r for r in csv.DictReader(handle) if r["model"] == model]
    spread = {r["quantity"]: float(r["se"]) for r in rows if r["quantity"] in ("tau", "mu", "theta")}
    study = iter(ours.names)
    for row in rows:
        quantity = row["quantity"]
        if quantity.endswith("_quantile"):
            what = quantity.removesuffix("_quantile")
            pairs = [("quantile", float(ours.quantile(what, float(row["a"]))[0]), float(row["estimate"]))]
            sd = spread[what.removesuffix("_new")]
        elif quantity in ("ML", "MAP"):
            joint = ours.maximum_likelihood if quantity == "ML" else ours.maximum_a_posteriori
            pairs = [("joint", joint[row["a"] == "mu"], float(row["estimate"]))]
            what, sd = f"{row['a']} ({quantity})", spread[row["a"]]
        elif quantity in ("tau", "mu", "theta", "shrinkage"):
            what = next(study) if quantity == "shrinkage" else quantity
            pairs, sd = _summary(ours, what, row), float(row["se"])
        else:
            continue
        for kind, our, peer in pairs:
            yield what, kind, peer, our, (our - peer) / sd


def _summary(ours: PairwisePosterior, what: str, row: dict[str, str]) -> list[tuple[str, float, float]]:
    named = {"tau": ours.tau, "mu": ours.mu, "theta": ours.theta_new}
    s = named[what] if what in named else ours.shrinkage[what]
    pairs = [
        ("mean", s.mean, float(row["estimate"])),
        ("sd", s.sd, float(row["se"])),
        ("shortest", s.shortest_low, float(row["lower"])),
        ("shortest", s.shortest_high, float(row["upper"])),
    ]
    extra = dict(part.split("=") for part in row["extra"].split(";")) if row["extra"] else {}
    return pairs + [
        (k, v, float(extra[k])) for k, v in (("median", s.median), ("mode", s.mode)) if k in extra
    ]


def allowed(data: str, model: str, what: str, kind: str) -> float:
    """The largest difference, in sd, that two programs of this kind may have."""
    if what == "tau":
        return TAU[kind]
    if kind == "sd" and what in ("mu", "theta") and (data, model) in TAIL_CUT:
        return TAIL_CUT[(data, model)]
    return (FINE if data == "dat_bcg" else COARSE)[kind]


def main() -> int:
    """Compare every model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true")
    write = parser.parse_args().record
    found, good = [], True
    for data, model in models():
        started = time.perf_counter()
        ours = fit(data, model)
        seconds = time.perf_counter() - started
        largest: dict[str, float] = {}
        count = 0
        for what, kind, peer, our, in_sd in compare(data, model, ours):
            count += 1
            group = f"{'tau' if what == 'tau' else 'effects'} {kind}"
            if abs(in_sd) >= abs(largest.get(group, 0.0)):
                largest[group] = in_sd
            if not abs(in_sd) <= allowed(data, model, what, kind):
                good = False
                print(f"    {data}/{model} {what} {kind}: peer {peer:.8g}, ours {our:.8g}")
        worst = max((abs(v), k) for k, v in largest.items() if not math.isnan(v))
        print(
            f"{data + '/' + model:48}{count:>5}{seconds:>8.3f} s   {worst[0]:.1e} sd ({worst[1]})", flush=True
        )
        found.append(
            {"case": f"{data}/{model}", "numbers": count, "seconds": round(seconds, 3), "error": ours.error}
            | {"largest_in_sd": {k: float(f"{v:.3g}") for k, v in largest.items()}}
        )
    if not found:
        print(f"skipped: no reference answers at {reference_folder()}")
    elif write:
        record = {
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            "myopoise": __version__,
            "peer": "bayesmeta 3.4",
            "unit": "difference over the peer's posterior sd",
            "cases": found,
        }
        (HERE / "exact.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
