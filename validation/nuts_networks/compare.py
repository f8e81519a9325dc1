"""The inference against the sampler (`synthesis/reference.py`), on one network of each family.

    python validation/nuts_networks/compare.py             our side anew, beside the committed answers of the sampler
    python validation/nuts_networks/compare.py --record    sample anew too, and write record.json (needs the extra)

Both sides are given the same `LatentModel`; they share its arrays and nothing of how they integrate it.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from networks import NETWORKS, Network

from myopoise import __version__
from myopoise.estimate import Estimate
from myopoise.synthesis.checking import trust_in
from myopoise.synthesis.effects import estimates, hyper_estimate
from myopoise.synthesis.laplace import infer
from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.models.assembly import assemble

HERE = Path(__file__).resolve().parent
CHAINS, DRAWS, SEED = 4, 5000, 7
STATISTICS = ("mean", "sd", "low", "median", "high")


@dataclass(frozen=True)
class Difference:
    """One number of the sampler, ours beside it, and the Monte Carlo error of the sampler's."""

    quantity: str
    statistic: str
    sampler: float
    ours: float
    sd: float
    error: float

    @property
    def in_sd(self) -> float:
        """Difference in the sampler's posterior standard deviations."""
        return (self.ours - self.sampler) / self.sd


def model_of(network: Network) -> LatentModel:
    """The model both sides are given."""
    return assemble(
        network.studies,
        network.structure,
        reference=network.reference,
        priors=network.priors,
        **network.more,
    ).model


def fingerprint(model: LatentModel) -> str:
    """Hash of everything the two sides are given."""
    seen = hashlib.sha256()
    arrays = [model.column_mean, model.column_variance.constant, model.column_variance.loading, model.design]
    arrays += [model.study_variance.constant, model.arm_variance.loading, *vars(model.likelihood).values()]
    for given in model.contrasts:
        arrays += [given.design, given.estimate, given.covariance]
    for array in arrays:
        seen.update(np.round(array, 12).tobytes() if isinstance(array, np.ndarray) else str(array).encode())
    seen.update(repr([(name, prior.sentence) for name, prior in model.hypers]).encode())
    return seen.hexdigest()[:16]


def ours(model: LatentModel) -> tuple[dict[str, Estimate], dict[str, Any]]:
    """Every component and standard deviation by our inference, and whether it may be believed."""
    posterior = infer(model)
    found = dict(zip(model.columns, estimates(posterior, np.eye(len(model.columns)), ""), strict=True))
    found |= {name: hyper_estimate(posterior, k, "") for k, (name, _) in enumerate(model.hypers)}
    trust = trust_in(posterior)
    return found, {"ok": trust.ok, "k_hat": trust.k_hat, "effective": round(trust.effective)}


def sampled(model: LatentModel) -> tuple[dict[str, Estimate], dict[str, Any]]:
    """The same by the sampler, and how it went."""
    from myopoise.synthesis.reference import sample

    started = time.perf_counter()
    posterior = sample(model, chains=CHAINS, draws=DRAWS, seed=SEED, target_accept=0.98)
    found = dict(zip(model.columns, posterior.estimates(np.eye(len(model.columns)), ""), strict=True))
    found |= {
        name: posterior.summarise(posterior.theta[:, k], "") for k, (name, _) in enumerate(model.hypers)
    }
    return found, {
        "largest_r_hat": round(max(posterior.r_hat.values()), 5),
        "smallest_effective": round(min(posterior.effective.values())),
        "divergences": posterior.divergences,
        "draws": CHAINS * DRAWS,
        "seconds": round(time.perf_counter() - started, 1),
    }


def differences(answers: dict[str, dict[str, float]], found: dict[str, Estimate]) -> list[Difference]:
    """Every number of both sides."""
    rows = []
    for name, theirs in answers.items():
        mine, sd = found[name], theirs["sd"]
        size = (sd / theirs["mcse"]) ** 2
        errors = {"mean": theirs["mcse"], "sd": sd / math.sqrt(2.0 * size), "median": 1.25 * theirs["mcse"]}
        for statistic in STATISTICS:
            error = errors.get(statistic, 2.67 * theirs["mcse"])
            rows.append(Difference(name, statistic, theirs[statistic], getattr(mine, statistic), sd, error))
    return rows


def read_record() -> dict[str, Any]:
    """The committed record."""
    return dict(json.loads((HERE / "record.json").read_text(encoding="utf-8")))


def largest(found: list[Difference], statistic: str) -> Difference:
    """The largest difference of one kind, in posterior sd."""
    return max((d for d in found if d.statistic == statistic), key=lambda d: abs(d.in_sd))


def _numbers(e: Estimate) -> dict[str, float]:
    kept = asdict(e)
    return {name: float(f"{kept[name]:.7g}") for name in (*STATISTICS, "mcse")}


def record() -> dict[str, Any]:
    """Sample every network anew."""
    import jax
    import numpyro

    entries = {}
    for name, network in NETWORKS.items():
        model = model_of(network)
        answers, how = sampled(model)
        entries[name] = {
            "fingerprint": fingerprint(model),
            "sampler": how,
            "answers": {quantity: _numbers(e) for quantity, e in answers.items()},
        }
        print(name, how, flush=True)
    return {
        "what": "components and standard deviations of one network of each family, by NumPyro's NUTS",
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "myopoise": __version__,
        "versions": {"numpyro": numpyro.__version__, "jax": jax.__version__, "numpy": np.__version__},
        "call": f"sample(model, chains={CHAINS}, draws={DRAWS}, seed={SEED}, target_accept=0.98)",
        "networks": entries,
    }


def main() -> int:
    """Compare every network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true")
    kept = record() if parser.parse_args().record else read_record()
    good = True
    for name, network in NETWORKS.items():
        entry, model = kept["networks"][name], model_of(network)
        found, trust = ours(model)
        rows = differences(entry["answers"], found)
        entry["ours"] = trust | {
            "largest_in_sd": {s: round(largest(rows, s).in_sd, 4) for s in STATISTICS},
            "of": {s: largest(rows, s).quantity for s in STATISTICS},
        }
        good = good and entry["fingerprint"] == fingerprint(model)
        cells = "  ".join(
            f"{s} {largest(rows, s).in_sd:+.3f} ({largest(rows, s).quantity})" for s in STATISTICS
        )
        print(f"{name:22}{cells}  k-hat {trust['k_hat']}", flush=True)
    if parser.parse_args().record:
        (HERE / "record.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
