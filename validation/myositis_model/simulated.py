"""The whole evidence model on simulated evidence of the shape and size of the real one.

    python validation/myositis_model/simulated.py                 what the record says, from the record
    python validation/myositis_model/simulated.py --record        simulate and fit anew, and write simulated.json
    python validation/myositis_model/simulated.py --networks 20   fewer, printed and not recorded

*Calibration*: parameters are drawn from their priors, results of the real studies, arms and patients from them, and the
posterior says what share of it lies below the truth; over many networks that share is uniform (Talts et al. 2018).

*Recovery*: a subtype interaction (immunoglobulin does 0.4 probit more in dermatomyositis and as much less in
polymyositis) and a design bias of 1 probit are planted, everything else drawn as before; the record says how far the
posterior went towards them, and how often its 95% interval held them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myopoise import __version__
from myopoise.evidence.reading import read_evidence
from myopoise.evidence.selection import Question, select
from myopoise.synthesis.graded import GradedResponses
from myopoise.synthesis.laplace import infer
from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.myositis import MyositisPriors, myositis_model
from myopoise.vocabulary import Reading

HERE = Path(__file__).resolve().parent
SEED, NETWORKS = 20061, 200
PLANTED = {"class immunoglobulin in DM": 0.4, "class immunoglobulin in PM": -0.4, "bias": 1.0}
CALIBRATED = (
    *("baseline", "bias", "diagnosis PM", "class immunoglobulin", "class b-cell-depletion", "treatment ivig"),
    *("class immunoglobulin in DM", "class immunoglobulin in PM", "definition imacs-doi"),
)

Floats = NDArray[np.float64]


def real_model() -> LatentModel:
    """The main reading of the shipped evidence."""
    model = myositis_model(select(read_evidence(), Question()), Reading.MAIN, MyositisPriors())
    if model is None:
        raise SystemExit("the shipped evidence gives no rows")
    return model


def simulated(
    model: LatentModel, random: np.random.Generator, planted: dict[str, float]
) -> tuple[LatentModel, Floats, Floats]:
    """The same studies with results drawn from parameters drawn from their priors, and those parameters."""
    theta = model.theta(random.standard_normal(len(model.hypers)))[None]
    x = random.normal(model.column_mean, np.sqrt(model.column_variance.at(theta))[0])
    for name, value in planted.items():
        x[model.column(name)] = value
    u = np.sqrt(model.study_variance.at(theta)[0]) * random.standard_normal(
        len(model.study_variance.constant)
    )
    w = np.sqrt(model.arm_variance.at(theta)[0]) * random.standard_normal(len(model.study))
    eta = model.predictor(x[None], theta)[:, 0] + (u[model.study] + w)[model.part_arm]
    seen = model.likelihood
    if not isinstance(seen, GradedResponses):
        raise TypeError("the evidence model has graded responses")
    fitted = seen.fitted(eta[:, None], model.mix(theta))[:, 0]
    # Shares as printed may sum to 1.0001.
    chance_of = np.clip(fitted, 0.0, 1.0)
    counts, rest, above = np.zeros_like(seen.counts), np.zeros_like(seen.rest), np.zeros_like(seen.above)
    mean = np.where(seen.scored, random.normal(fitted, seen.se), np.nan)
    result = 0
    while result < len(fitted):
        end = result + 1
        if seen.constant[result] > 0.0:
            # The categories of one row: the lowest first, up to the highest.
            while not seen.highest[end - 1]:
                end += 1
            chance = np.clip(fitted[result:end], 0.0, None)
            drawn = random.multinomial(int(seen.n[result]), chance / chance.sum()).astype(float)
            counts[result:end] = drawn
            beyond = np.cumsum(drawn[::-1])[::-1]
            above[result:end] = np.r_[beyond[1], beyond[1:]]
        elif not seen.scored[result]:
            n = int(seen.n[result])
            counts[result] = above[result] = random.binomial(n, chance_of[result])
            rest[result] = n - counts[result]
        result = end
    likelihood = replace(seen, counts=counts, rest=rest, above=above, mean=mean)
    known = model.comparisons
    spread = np.sqrt(known.se**2 + known.variance.at(theta)[0])
    z = np.abs(random.normal(known.design @ x, spread)) / known.se
    return replace(model, likelihood=likelihood, comparisons=replace(known, z=z)), x, theta[0]


def fitted_once(job: tuple[int, bool]) -> dict[str, Any]:
    """One simulated network: shares below the truth, or what was found of what was planted."""
    number, plant = job
    model = real_model()
    random = np.random.default_rng([SEED, int(plant), number])
    network, x, theta = simulated(model, random, PLANTED if plant else {})
    posterior = infer(network, draws=2048, seed=int(random.integers(2**31)))
    weights = posterior.weights.values
    names = tuple(PLANTED) if plant else CALIBRATED
    found: dict[str, Any] = {"k_hat": float(posterior.weights.k_hat)}
    for name in names:
        draws, truth = posterior.x[:, model.column(name)], float(x[model.column(name)])
        found[name] = _seen(draws, weights, truth)
    if not plant:
        for k, (name, _) in enumerate(model.hypers):
            found[f"sd {name}"] = _seen(posterior.theta[:, k], weights, float(theta[k]))
    return found


def _seen(draws: Floats, weights: Floats, truth: float) -> dict[str, float]:
    order = np.argsort(draws, kind="stable")
    middle = np.cumsum(weights[order]) - 0.5 * weights[order]
    low, high = np.interp((0.025, 0.975), middle, draws[order])
    below = float(np.clip(weights @ (draws < truth) + 0.5 * weights @ (draws == truth), 0.0, 1.0))
    return {
        "truth": truth,
        "mean": float(weights @ draws),
        "below": below,
        "covered": float(low <= truth <= high),
        "width": float(high - low),
    }


def summary(networks: int) -> dict[str, Any]:
    """Calibration and recovery over many networks."""
    from scipy.stats import kstest

    started = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        drawn = list(pool.map(fitted_once, [(i, False) for i in range(networks)]))
        planted = list(pool.map(fitted_once, [(i, True) for i in range(networks // 2)]))
    calibration = {}
    for name in drawn[0]:
        if name == "k_hat":
            continue
        below = np.array([one[name]["below"] for one in drawn])
        calibration[name] = {
            "p_uniform": float(kstest(below, "uniform").pvalue),
            "covered_95": float(np.mean([one[name]["covered"] for one in drawn])),
            "mean_below": float(below.mean()),
        }
    recovery = {
        name: {
            "planted": value,
            "mean_of_means": float(np.mean([one[name]["mean"] for one in planted])),
            "sd_of_means": float(np.std([one[name]["mean"] for one in planted], ddof=1)),
            "covered_95": float(np.mean([one[name]["covered"] for one in planted])),
            "mean_width_of_interval": float(np.mean([one[name]["width"] for one in planted])),
        }
        for name, value in PLANTED.items()
    }
    largest = max(one["k_hat"] for one in (*drawn, *planted))
    return {
        "what": "the myositis evidence model on simulated evidence of the shape of the shipped one, main reading",
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "myopoise": __version__,
        "networks": len(drawn),
        "planted_networks": len(planted),
        "seconds": round(time.perf_counter() - started),
        "largest_k_hat": largest,
        "calibration": calibration,
        "recovery": recovery,
    }


def show(found: dict[str, Any]) -> None:
    """The record as a table."""
    print(f"{found['networks']} networks from the priors; largest k-hat {found['largest_k_hat']:.2f}")
    print(f"  {'parameter':32}{'P uniform':>10}{'in 95%':>8}{'mean below':>12}")
    for name, row in found["calibration"].items():
        print(f"  {name:32}{row['p_uniform']:>10.3f}{row['covered_95']:>8.3f}{row['mean_below']:>12.3f}")
    print(f"\n{found['planted_networks']} networks with planted effects")
    print(f"  {'parameter':32}{'planted':>8}{'found':>8}{'spread':>8}{'in 95%':>8}{'width':>8}")
    for name, row in found["recovery"].items():
        print(
            f"  {name:32}{row['planted']:>8.2f}{row['mean_of_means']:>8.2f}{row['sd_of_means']:>8.2f}"
            f"{row['covered_95']:>8.2f}{row['mean_width_of_interval']:>8.2f}"
        )


def main() -> int:
    """Show the record, or make it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--networks", type=int, default=0)
    given = parser.parse_args()
    path = HERE / "simulated.json"
    if not given.record and not given.networks:
        show(json.loads(path.read_text(encoding="utf-8")))
        return 0
    found = summary(given.networks or NETWORKS)
    show(found)
    if given.record:
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
