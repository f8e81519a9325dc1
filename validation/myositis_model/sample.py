"""The myositis evidence model sampled by NumPyro's NUTS: a second implementation that shares no code with ours.

Written from the model's equations, not from `myopoise`. It needs only what `requirements.txt` beside it pins, reads a
selection folder (`rows.csv`, `p_rows.csv`, `treatments.csv` and the `fingerprint.json` that `compare.py --prepare` puts
there), and writes one JSON file per reading::

    python sample.py SELECTION_FOLDER --out ANSWERS_FOLDER

For the patients of diagnosis g in row r of arm a (treatments t, study s)::

    P(level l or better) = sum_g share_rg Phi(eta_rg - kappa_l)
    mean score ~ N(sum_g share_rg E[score | eta_rg], se^2)
    eta_rg = m + sigma_mu e_s + theta_g + sum_t (d_t + gamma_{c(t), g}) + w_a + u_s b_s - xi_f

    d_t = delta_c + sigma_c e_t          gamma_cg = sigma_gamma e_cg          w_a = tau / sqrt(2) e_a
    b_s = beta + sigma_b e_s'  (uncontrolled studies, main reading only)
    xi_f = sigma_xi e_f        (0 for the 2016 criteria)
    kappa_stable = -k2, kappa_minimal = 0, kappa_moderate = k2, kappa_major = k2 + k3
    k2, k3 ~ 0.65 exp(0.4 e)

A score rises linearly from 0 points at -k2 to 20 (children 30) at 0, 40 (45) at k2 and 60 (70) at k2 + k3, goes on with
the last slope to 100 points, and is flat beyond. A row with counts is read by them, one without by its mean.

With every e a standard normal: non-centred throughout, which suits data as thin as these.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import numpy as jnp
from jax.scipy.special import log_ndtr, ndtr
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS, init_to_uniform
from scipy.special import ndtr as phi

jax.config.update("jax_enable_x64", True)

GROUPS = ("DM", "PM", "IMNM", "ASYS", "JDM")
BACKGROUND = "background"
REFERENCE_DEFINITION = "acr-eular-2016"
PRIORS = {
    "baseline": (0.0, 1.0),
    "between studies": 0.5,
    "class mean": (0.0, 0.6),
    "within class": 0.3,
    "diagnosis": (0.0, 0.3),
    "class by diagnosis": 0.25,
    "between trials": 0.25,
    "definition": 0.4,
    "bias": (0.5, 0.5),
    "bias spread": 0.4,
    "distance": (math.log(0.65), 0.4),
}
"""Mean and standard deviation of a normal or of the logarithm of a distance, or the scale of a half-normal."""

LEVELS = ("stable", "minimal", "moderate", "major")
POINTS = {"adult": (20.0, 40.0, 60.0), "jdm": (30.0, 45.0, 70.0)}
DISTANCES = ("minimal to moderate", "moderate to major")


@dataclass(frozen=True)
class Layout:
    """Rows of one reading as index arrays; a part is one diagnosis of one row."""

    studies: list[str]
    arms: list[tuple[str, str]]
    groups: list[str]
    treatments: list[str]
    classes: list[str]
    definitions: list[str]
    class_of: np.ndarray
    """Class of each treatment."""
    category_row: np.ndarray
    """Row of each category: patients between two levels that a row reports one after the other."""
    category_from: np.ndarray
    """1 to 4 for the level the category begins with, 0 for the lowest category."""
    category_to: np.ndarray
    """1 to 4 for the level it ends below, 5 for the highest category."""
    category_count: np.ndarray
    scored: np.ndarray
    """Rows read by their mean score."""
    mean: np.ndarray
    se: np.ndarray
    points: np.ndarray
    """Score at minimal, moderate and major of the scored rows, shape ``(scored row, 3)``."""
    shares: np.ndarray
    """Shape ``(row, group)``."""
    row_study: np.ndarray
    row_arm: np.ndarray
    row_definition: np.ndarray
    """Position in `definitions`, or the number of definitions for the reference."""
    gives: np.ndarray
    """Shape ``(row, treatment)``: 1 where the row's arm was given the treatment."""
    uncontrolled: np.ndarray
    printed_shares: np.ndarray
    printed_contrast: np.ndarray
    """Shape ``(comparison, treatment)``: +1 in the first arm, -1 in the second."""
    printed_se: np.ndarray
    printed_z: np.ndarray
    """NaN where only 'not significant' was printed."""
    biased: bool


def read_layout(folder: Path, reading: str) -> Layout:
    """Rows of a selection folder that one reading takes."""
    with (folder / "rows.csv").open(encoding="utf-8") as handle:
        rows = [r for r in csv.DictReader(handle) if any(r[f"ge_{level}"] for level in LEVELS) or r["mean"]]
    with (folder / "p_rows.csv").open(encoding="utf-8") as handle:
        printed = list(csv.DictReader(handle))
    with (folder / "treatments.csv").open(encoding="utf-8") as handle:
        mechanism = {r["treatment"]: r["mechanism_class"] for r in csv.DictReader(handle)}
    if reading == "randomised":
        rows = [r for r in rows if r["design"] == "rct"]

    def codes(text: str) -> list[str]:
        return [t for t in text.split("+") if t != BACKGROUND]

    def shares(items: list[dict[str, str]]) -> np.ndarray:
        table = np.array([[float(r[f"share_{g}"]) for g in GROUPS] for r in items])
        return table / table.sum(1, keepdims=True)

    row_shares, printed_shares = shares(rows), shares(printed)
    present = np.concatenate([row_shares, printed_shares]).max(0) > 0
    groups = [g for g, here in zip(GROUPS, present, strict=True) if here]
    given = [codes(r["treatments"]) for r in rows]
    pairs = [(codes(p["treatments_1"]), codes(p["treatments_0"])) for p in printed]
    treatments = sorted({t for ts in given for t in ts} | {t for a, b in pairs for t in (*a, *b)})
    classes = sorted({mechanism[t] for t in treatments})
    definitions = sorted({r["definition"] for r in rows} - {REFERENCE_DEFINITION})
    studies = sorted({r["study"] for r in rows})
    arms = sorted({(r["study"], r["treatments"]) for r in rows})
    categories: list[tuple[int, int, int, float]] = []
    for i, r in enumerate(rows):
        reported = [(k, float(r[f"ge_{level}"])) for k, level in enumerate(LEVELS, 1) if r[f"ge_{level}"]]
        steps = [(0, float(r["n"])), *reported, (5, 0.0)]
        if reported:
            for (lower, above), (upper, beyond) in pairwise(steps):
                categories.append((i, lower, upper, above - beyond))
    scored = [i for i, r in enumerate(rows) if not any(r[f"ge_{level}"] for level in LEVELS)]
    contrast = [[float(t in a) - float(t in b) for t in treatments] for a, b in pairs]
    return Layout(
        studies=studies,
        arms=arms,
        groups=groups,
        treatments=treatments,
        classes=classes,
        definitions=definitions,
        class_of=np.array([classes.index(mechanism[t]) for t in treatments]),
        category_row=np.array([i for i, _, _, _ in categories]),
        category_from=np.array([k for _, k, _, _ in categories]),
        category_to=np.array([k for _, _, k, _ in categories]),
        category_count=np.array([c for _, _, _, c in categories]),
        scored=np.array(scored, dtype=int),
        mean=np.array([float(rows[i]["mean"]) for i in scored]),
        se=np.array([float(rows[i]["se"]) for i in scored]),
        points=np.array([POINTS[rows[i]["variant"]] for i in scored]).reshape(-1, 3),
        shares=row_shares[:, present],
        row_study=np.array([studies.index(r["study"]) for r in rows]),
        row_arm=np.array([arms.index((r["study"], r["treatments"])) for r in rows]),
        row_definition=np.array([[*definitions, REFERENCE_DEFINITION].index(r["definition"]) for r in rows]),
        gives=np.array([[float(t in ts) for t in treatments] for ts in given]),
        uncontrolled=np.array([float(r["design"] != "rct") for r in rows]),
        printed_shares=printed_shares[:, present],
        printed_contrast=np.array(contrast),
        printed_se=np.sqrt([1.0 / float(p["n_1"]) + 1.0 / float(p["n_0"]) for p in printed]),
        printed_z=np.array([float(p["abs_z"]) if p["abs_z"] else np.nan for p in printed]),
        biased=reading == "main",
    )


def spreads(a: Layout) -> list[str]:
    """Standard deviations of a reading, each half-normal."""
    names = ["between studies", "between trials", "within class", "class by diagnosis", "definition"]
    return [*names, "bias spread"] if a.biased else names


def blocks(a: Layout) -> dict[str, tuple[int, ...]]:
    """Shape of each block of standard normals."""
    shapes: dict[str, tuple[int, ...]] = {
        "baseline": (),
        "diagnosis": (len(a.groups) - 1,),
        "class": (len(a.classes),),
        "treatment": (len(a.treatments),),
        "class by diagnosis": (len(a.classes), len(a.groups)),
        "definition": (len(a.definitions),),
        "study": (len(a.studies),),
        "arm": (len(a.arms),),
        "distances": (2,),
    }
    return shapes | ({"bias": (), "study bias": (len(a.studies),)} if a.biased else {})


def unpacked(a: Layout, e: Any) -> dict[str, Any]:
    """The blocks of a vector ``(..., every standard normal)``."""
    found, start = {}, 0
    for name, shape in blocks(a).items():
        size = math.prod(shape)
        found[name] = e[..., start : start + size].reshape(*e.shape[:-1], *shape)
        start += size
    return found


def expected_score(eta: Any, points: np.ndarray, k2: Any, k3: Any) -> Any:
    """Mean score of patients around `eta`, ``(row, group)``: the score integrated piece by piece."""
    minimal, moderate, major = (points[:, i, None] for i in range(3))
    top = k2 + k3 + (100.0 - major) * k3 / (major - moderate)
    knots = (-k2, 0.0 * k2, k2, k2 + k3, top)
    values = (0.0 * minimal, minimal, moderate, major, 100.0 + 0.0 * major)
    total = 100.0 * ndtr(eta - top)
    for left, right, low, high in zip(knots[:-1], knots[1:], values[:-1], values[1:], strict=True):
        # Between two knots the score is low + slope (y - left), and y is normal about eta.
        slope = (high - low) / (right - left)
        inside = ndtr(right - eta) - ndtr(left - eta)
        mean = eta * inside - (density(right - eta) - density(left - eta))
        total = total + (low - slope * left) * inside + slope * mean
    return total


def density(x: Any) -> Any:
    """Of the standard normal."""
    return jnp.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def model(a: Layout) -> None:
    """The equations at the head of this file, as a NumPyro program."""
    size = sum(math.prod(shape) for shape in blocks(a).values())
    # Two sites, not thirty: the time goes to handling arrays, not to arithmetic.
    e = unpacked(a, numpyro.sample("e", dist.Normal(jnp.zeros(size), 1.0).to_event(1)))
    scales = jnp.array([PRIORS[name] for name in spreads(a)])
    sd = dict(zip(spreads(a), numpyro.sample("sd", dist.HalfNormal(scales).to_event(1)), strict=True))
    m = PRIORS["baseline"][0] + PRIORS["baseline"][1] * e["baseline"]
    theta = jnp.concatenate([jnp.zeros(1), PRIORS["diagnosis"][1] * e["diagnosis"]])
    d = PRIORS["class mean"][1] * e["class"][a.class_of] + sd["within class"] * e["treatment"]
    gamma = sd["class by diagnosis"] * e["class by diagnosis"]
    xi = jnp.append(sd["definition"] * e["definition"], 0.0)
    mu = m + sd["between studies"] * e["study"]
    w = sd["between trials"] / jnp.sqrt(2.0) * e["arm"]
    effect = d[:, None] + gamma[a.class_of]
    own = mu[a.row_study] + w[a.row_arm] - xi[a.row_definition]
    if a.biased:
        b = PRIORS["bias"][0] + PRIORS["bias"][1] * e["bias"] + sd["bias spread"] * e["study bias"]
        own = own + a.uncontrolled * b[a.row_study]
    eta = own[:, None] + theta + a.gives @ effect
    tiny = 1e-300
    k2, k3 = jnp.exp(PRIORS["distance"][0] + PRIORS["distance"][1] * e["distances"])
    cuts = jnp.stack([-k2, jnp.zeros_like(k2), k2, k2 + k3])
    above = (a.shares[:, :, None] * ndtr(eta[:, :, None] - cuts)).sum(1)
    rows = jnp.ones((len(a.shares), 1))
    above = jnp.concatenate([rows, above, 0.0 * rows], axis=1)
    chance = above[a.category_row, a.category_from] - above[a.category_row, a.category_to]
    numpyro.factor("counts", (a.category_count * jnp.log(jnp.maximum(chance, tiny))).sum())
    if len(a.scored):
        score = (a.shares[a.scored] * expected_score(eta[a.scored], a.points, k2, k3)).sum(1)
        numpyro.factor("means", (-0.5 * ((a.mean - score) / a.se) ** 2).sum())
    difference = (a.printed_shares * (a.printed_contrast @ effect)).sum(1)
    width = jnp.sqrt(a.printed_se**2 + sd["between trials"] ** 2)
    exact = np.isfinite(a.printed_z)
    y = np.where(exact, a.printed_z, 1.96) * a.printed_se
    upper, lower = (y - difference) / width, (-y - difference) / width
    either_sign = jnp.logaddexp(dist.Normal().log_prob(upper), dist.Normal().log_prob(lower)) - jnp.log(
        2.0 * width
    )
    # log(Phi(upper) - Phi(lower)), from the tail that keeps its digits.
    high, low = log_ndtr(upper), log_ndtr(lower)
    not_significant = high + jnp.log1p(-jnp.exp(low - high))
    numpyro.factor("printed", jnp.where(exact, either_sign, not_significant).sum())


def components(a: Layout, s: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Draws ``(chain, draw)`` of every named component, standard deviation and prediction."""
    sd = {name: s["sd"][..., i] for i, name in enumerate(spreads(a))}
    e = unpacked(a, s["e"])
    delta = PRIORS["class mean"][1] * e["class"]
    own = sd["within class"][..., None] * e["treatment"]
    gamma = sd["class by diagnosis"][..., None, None] * e["class by diagnosis"]
    xi = sd["definition"][..., None] * e["definition"]
    baseline = PRIORS["baseline"][0] + PRIORS["baseline"][1] * e["baseline"]
    out: dict[str, np.ndarray] = {"baseline": baseline}
    theta = {"DM": np.zeros_like(baseline)}
    for i, g in enumerate(a.groups[1:]):
        theta[g] = out[f"diagnosis {g}"] = PRIORS["diagnosis"][1] * e["diagnosis"][..., i]
    if a.biased:
        out["bias"] = PRIORS["bias"][0] + PRIORS["bias"][1] * e["bias"]
    out |= {f"sd {name.removesuffix(' spread')}": values for name, values in sd.items()}
    out |= {f"class {c}": delta[..., i] for i, c in enumerate(a.classes)}
    out |= {f"treatment {t}": own[..., i] for i, t in enumerate(a.treatments)}
    out |= {
        f"class {c} in {g}": gamma[..., i, j] for i, c in enumerate(a.classes) for j, g in enumerate(a.groups)
    }
    out |= {f"definition {f}": xi[..., i] for i, f in enumerate(a.definitions)}
    k2, k3 = (np.exp(PRIORS["distance"][0] + PRIORS["distance"][1] * e["distances"][..., i]) for i in (0, 1))
    out |= {f"sd {name}": values for name, values in zip(DISTANCES, (k2, k3), strict=True)}
    cuts = {"": 0.0, "moderate ": k2, "major ": k2 + k3}
    random = np.random.default_rng(2)
    shape = baseline.shape
    new_study = sd["between studies"] * random.standard_normal(shape)
    new_arm = sd["between trials"] * np.sqrt(0.5) * random.standard_normal(shape)
    beside = sd["between trials"] * np.sqrt(0.5) * random.standard_normal(shape)
    for g in ("DM", "PM"):
        at = a.groups.index(g)
        alone = baseline + theta[g]
        for level, cut in cuts.items():
            out[f"response {level}background {g}"] = phi(alone - cut)
            out[f"predictive {level}background {g}"] = phi(alone + new_study + new_arm - cut)
        for i, t in enumerate(a.treatments):
            effect = delta[..., a.class_of[i]] + own[..., i] + gamma[..., a.class_of[i], at]
            out[f"p better {t} {g}"] = (effect > 0).astype(float)
            for level, cut in cuts.items():
                treated, background = phi(alone + effect - cut), phi(alone - cut)
                anew = phi(alone + effect + new_study + new_arm - cut)
                out[f"response {level}{t} {g}"] = treated
                out[f"difference {level}{t} {g}"] = treated - background
                out[f"predictive {level}{t} {g}"] = anew
                out[f"predictive difference {level}{t} {g}"] = anew - phi(alone + new_study + beside - cut)
    return out


def summary(draws: np.ndarray) -> dict[str, float]:
    """Mean, sd and quantiles of ``(chain, draw)`` with their Monte Carlo errors."""
    flat = draws.ravel()
    mean, sd = float(flat.mean()), float(flat.std())
    ess = float(effective_sample_size(draws))
    squares = (draws - mean) ** 2
    mcse_variance = float(squares.std() / np.sqrt(effective_sample_size(squares)))
    low, median, high = (float(q) for q in np.quantile(flat, (0.025, 0.5, 0.975)))
    found = {
        "mean": mean,
        "sd": sd,
        "q2.5": low,
        "q50": median,
        "q97.5": high,
        "mcse_mean": sd / float(np.sqrt(ess)),
        "mcse_sd": mcse_variance / (2.0 * sd),
        "ess": ess,
        "rhat": float(split_gelman_rubin(draws)),
    }
    for name, level, quantile in (("mcse_q2.5", 0.025, low), ("mcse_q97.5", 0.975, high)):
        below = (draws <= quantile).astype(float)
        if below.std() == 0.0:
            found[name] = float("nan")
            continue
        error = np.sqrt(level * (1.0 - level) / effective_sample_size(below))
        ends = np.quantile(flat, np.clip((level - error, level + error), 0.0, 1.0))
        found[name] = float(ends[1] - ends[0]) / 2.0
    return found


def run(folder: Path, reading: str, *, chains: int, warmup: int, draws: int, seed: int) -> dict[str, object]:
    """Sample one reading and summarise it."""
    layout = read_layout(folder, reading)
    started = time.perf_counter()
    # Near the middle of the prior: far out, a category may have no chance at all and no slope to leave by.
    kernel = NUTS(model, target_accept_prob=0.9, init_strategy=init_to_uniform(radius=0.3))
    mcmc = MCMC(
        kernel,
        num_warmup=warmup,
        num_samples=draws,
        num_chains=chains,
        chain_method="vectorized",
        progress_bar=False,
    )
    mcmc.run(jax.random.PRNGKey(seed), layout, extra_fields=("diverging", "num_steps"))
    samples = {k: np.asarray(v) for k, v in mcmc.get_samples(group_by_chain=True).items()}
    extra = mcmc.get_extra_fields()
    named = components(layout, samples)
    answers = {name: summary(values) for name, values in named.items()}
    sampled = [k for k in answers if not k.startswith("p better")]
    return {
        "reading": reading,
        "fingerprint": json.loads((folder / "fingerprint.json").read_text(encoding="utf-8"))["fingerprint"],
        "versions": {
            "numpyro": numpyro.__version__,
            "jax": jax.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "sampler": {
            "kernel": "NUTS, non-centred, float64",
            "chains": chains,
            "warmup": warmup,
            "draws_per_chain": draws,
            "seed": seed,
            "target_accept": 0.9,
            "divergences": int(np.asarray(extra["diverging"]).sum()),
            "mean_steps": float(np.asarray(extra["num_steps"]).mean()),
            "smallest_ess": min(answers[k]["ess"] for k in sampled),
            "largest_rhat": max(answers[k]["rhat"] for k in sampled),
            "seconds": round(time.perf_counter() - started, 1),
        },
        "rows": len(layout.shares),
        "answers": answers,
    }


def main() -> None:
    """Sample the readings asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("selection", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--reading", nargs="*", default=["main", "randomised", "naive"])
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--warmup", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for reading in given.reading:
        found = run(
            given.selection,
            reading,
            chains=given.chains,
            warmup=given.warmup,
            draws=given.draws,
            seed=given.seed,
        )
        (given.out / f"{reading}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(reading, json.dumps(found["sampler"]), flush=True)


if __name__ == "__main__":
    main()
