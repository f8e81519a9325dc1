"""Simulation-based calibration: if the posterior is right, the truth is anywhere in it with equal chance.

    python validation/sbc/calibrate.py                      every family, 400 networks of each
    python validation/sbc/calibrate.py --only NAME          families whose name has this in it
    python validation/sbc/calibrate.py --record             also write record.json anew

Parameters are drawn from the priors, results from the parameters, and the posterior of the results says what share of
it lies below the true value. Over many networks that share is uniform (Cook, Gelman & Rubin 2006; Talts et al. 2018).
A posterior that is too narrow piles it up at both ends, one that is too wide in the middle, a biased one at one end.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from families import FAMILIES, Drawn, Family
from numpy.typing import NDArray

from myopoise import __version__
from myopoise.synthesis.checking import trust_in
from myopoise.synthesis.laplace import Posterior, infer

HERE = Path(__file__).resolve().parent
NETWORKS, BINS, SEED = 400, 20, 20061

Floats = NDArray[np.float64]


def shares_below(drawn: Drawn, posterior: Posterior) -> Floats:
    """Share of the posterior below the truth, for each component and each standard deviation."""
    weights = posterior.weights.values
    x = weights @ (posterior.x < drawn.x)
    theta = [_of_a_grid(posterior, k, float(drawn.theta[k])) for k in range(len(drawn.theta))]
    # Weights sum to one within rounding, and a share of 1 + 1e-16 is one.
    return np.clip(np.r_[x, theta], 0.0, 1.0)


def _of_a_grid(posterior: Posterior, k: int, truth: float) -> float:
    """Share below a standard deviation: all draws of one node sit on one value, so half of those count as below."""
    values, where = np.unique(posterior.theta[:, k], return_inverse=True)
    mass = np.bincount(where, posterior.weights.values)
    middle = np.cumsum(mass) - 0.5 * mass
    return float(np.interp(truth, np.r_[0.0, values], np.r_[0.0, middle]))


def calibrated(family: Family, networks: int, seed: int) -> tuple[tuple[str, ...], Floats, int]:
    """Names of the parameters, shares below the truth ``(network, parameter)``, and how many fits were refused."""
    found, refused, names = [], 0, ()
    for i in range(networks):
        random = np.random.default_rng([seed, i])
        drawn = family.draw(random)
        posterior = infer(drawn.model, seed=int(random.integers(2**31)))
        refused += not trust_in(posterior).ok
        found.append(shares_below(drawn, posterior))
        names = (*drawn.model.columns, *(name for name, _ in drawn.model.hypers))
    return names, np.array(found), refused


def p_of_uniform(counts: NDArray[np.int64]) -> float:
    """Chance of counts as uneven as these or more, if the share below the truth is uniform."""
    from scipy.stats import chisquare

    return float(chisquare(counts).pvalue)


def furthest(shares: Floats) -> float:
    """P of the largest distance of the distribution of the shares from the uniform (Kolmogorov and Smirnov)."""
    from scipy.stats import kstest

    return float(kstest(shares, "uniform").pvalue)


def entry(family: Family, networks: int) -> dict[str, Any]:
    """What the record says of one family."""
    started = time.perf_counter()
    names, shares, refused = calibrated(family, networks, SEED)
    counts = [np.histogram(shares[:, j], np.linspace(0.0, 1.0, BINS + 1))[0] for j in range(len(names))]
    return {
        "family": family.name,
        "networks": networks,
        "refused": refused,
        "seconds": round(time.perf_counter() - started, 1),
        "parameters": [
            {
                "name": name,
                "counts": count.tolist(),
                "p_chi_square": round(p_of_uniform(count), 5),
                "p_furthest": round(furthest(shares[:, j]), 5),
                "in_50": round(float((np.abs(shares[:, j] - 0.5) < 0.25).mean()), 4),
                "in_95": round(float((np.abs(shares[:, j] - 0.5) < 0.475).mean()), 4),
            }
            for j, (name, count) in enumerate(zip(names, counts, strict=True))
        ],
    }


def show(found: dict[str, Any]) -> None:
    """One line a family."""
    rows = found["parameters"]
    worst = min(rows, key=lambda r: min(r["p_chi_square"], r["p_furthest"]))
    p = min(worst["p_chi_square"], worst["p_furthest"])
    inside = np.mean([r["in_95"] for r in rows])
    print(
        f"{found['family']:40}{len(rows):>3} parameters  smallest p {p:.4f} ({worst['name']})  "
        f"in 95%: {inside:.3f}  refused {found['refused']}  {found['seconds']:.0f} s",
        flush=True,
    )


def main() -> int:
    """Calibrate every family asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--networks", type=int, default=NETWORKS)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    entries = []
    for name, family in FAMILIES.items():
        if given.only in name:
            entries.append(entry(family, given.networks))
            show(entries[-1])
    if given.record and not given.only:
        record = {
            "what": "share of the posterior below the truth, in equal bins, over networks drawn from the priors",
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            "myopoise": __version__,
            "numpy": np.__version__,
            "python": sys.version.split()[0],
            "seed": SEED,
            "bins": BINS,
            "families": entries,
        }
        text = json.dumps(record, indent=1).replace("\n     ", " ")
        (HERE / "record.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
