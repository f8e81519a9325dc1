"""Our pairwise, multilevel and rare-event methods against metafor 5.1-12 and netmetabin of netmeta 3.3-1.

    python validation/metafor/compare.py                 every data set
    python validation/metafor/compare.py --only bcg      part of a name
    python validation/metafor/compare.py --record        also write record.json anew

Data and answers are read in the folder of the reference sets (beside the checkout, or where MYOPOISE_REFERENCE points).
What the peers iterate is allowed the distance at which they stop; README.md says which and why. The exit code is 1 when
a difference is larger than it may be, else 0.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import math
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myopoise import __version__
from myopoise.synthesis.findings import Confidence
from myopoise.synthesis.frequentist.influence import estimate_influence
from myopoise.synthesis.frequentist.multilevel import (
    MultilevelEstimate,
    Nested,
    Outcomes,
    estimate_multilevel,
)
from myopoise.synthesis.frequentist.pairwise import PairwiseEstimate, estimate_pairwise
from myopoise.synthesis.frequentist.rare import TwoArms, estimate_mantel_haenszel, estimate_peto, two_arms
from myopoise.synthesis.frequentist.rare_mixed import MixedEstimate, estimate_mixed
from myopoise.synthesis.frequentist.rare_network import estimate_rare_network
from myopoise.synthesis.frequentist.small_study_pairwise import begg_test, egger_test, trim_and_fill
from myopoise.synthesis.studies.values import Arms, Outcome, Studies

HERE = Path(__file__).resolve().parent
CLOSED_FORM = 1e-8
"""Relative; answers are stored with twelve digits (P values with ten)."""
UNIROOT = 1.3e-4
"""Absolute, of tau2: where R's uniroot stops, with which PM, PMM and the intervals of tau2 are found."""
SCORING = 1e-5
"""Absolute, of tau2: where Fisher scoring stopped in the fits behind influence and leave-one-out."""

PAIRWISE = (
    "crins2014",
    "dat_bcg",
    "dat_hackshaw1998",
    "dat_nielweise2007",
    "dat_normand1999",
    "dat_yusuf1985",
    "rubin1981",
)
COUNTS = {
    "crins2014": ("exp.AR.events", "exp.total", "cont.AR.events", "cont.total"),
    "dat_bcg": (),
    "dat_nielweise2007": ("ai", "n1i", "ci", "n2i"),
    "dat_yusuf1985": ("ai", "n1i", "ci", "n2i"),
}
NETWORKS = {"dong2013": "Placebo", "gurusamy2011": "Control/Placebo", "woods2010": "Placebo"}
RARE = {"MH": "MH", "NCH": "NCH", "LRP": "penalised", "Inverse": "inverse"}


class Missing(Exception):
    """The reference sets are not here."""


@dataclass(frozen=True)
class Difference:
    """One number of a peer with ours beside it.

    Parameters
    ----------
    model, quantity
        Names.
    peer, ours
        The two numbers.
    relative, absolute
        How far apart they may be: the larger of the two.
    """

    model: str
    quantity: str
    peer: float
    ours: float
    relative: float = CLOSED_FORM
    absolute: float = 1e-11

    @property
    def distance(self) -> float:
        """Over what is allowed."""
        return abs(self.ours - self.peer) / (self.absolute + self.relative * abs(self.peer))

    @property
    def agrees(self) -> bool:
        """Whether the two are as near as they should be."""
        return self.distance <= 1.0


def reference_folder() -> Path:
    """Where the reference sets are."""
    named = os.environ.get("MYOPOISE_REFERENCE")
    folder = Path(named) if named else HERE.parents[2] / "shared" / "reference" / "nma"
    if not folder.is_dir():
        raise Missing(f"no reference data at {folder}; set MYOPOISE_REFERENCE to the folder that holds them")
    return folder


def table(folder: str, name: str) -> list[dict[str, str]]:
    """Rows of a file of the reference folder."""
    path = reference_folder() / folder / name
    if not path.is_file():
        raise Missing(f"{folder}/{name} is not in the reference folder")
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def number(text: str) -> float:
    """A cell, NaN where it is empty."""
    return float(text) if text not in ("", "NA") else math.nan


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    """A column of numbers."""
    return np.array([float(row[name]) for row in rows])


def _pairs(
    row: dict[str, str], found: Confidence | tuple[float, ...], relative: float, absolute: float = 1e-11
) -> Iterator[Difference]:
    """Estimate, se, lower and upper of a row, as far as both have them."""
    ours = (found.estimate, found.se, found.low, found.high) if isinstance(found, Confidence) else found
    what = " ".join(x for x in (row["quantity"], row["a"]) if x)
    for name, value in zip(("estimate", "se", "lower", "upper"), ours, strict=False):
        peer = number(row[name])
        if math.isnan(peer) and math.isnan(value):
            continue
        yield Difference(row["model"], f"{what} {name}", peer, value, relative, absolute)


# --- pooled effects and meta-regression ------------------------------------------------------------------


def compare_pooled(folder: str) -> list[Difference]:
    """Every `rma` of a data set."""
    data, cache, found = table(folder, "data.csv"), {}, []
    for row in table(folder, "expected_metafor.csv"):
        name = re.fullmatch(r"(reg_)?rma_(\w+)_(z|knha|adhoc)", row["model"])
        if name is None:
            continue
        if row["model"] not in cache:
            mods = {"mods": column(data, "ablat")} if name[1] else None
            cache[row["model"]] = estimate_pairwise(
                column(data, "yi"), column(data, "vi"), covariates=mods, tau_estimator=name[2], test=name[3]
            )
        found += _pooled_row(row, cache[row["model"]], name[2])
    return found


def _pooled_row(row: dict[str, str], ours: PairwiseEstimate, estimator: str) -> Iterator[Difference]:
    # Where uniroot found tau2 all that follows is as near as tau2 is; EB is the same number as PM, found exactly.
    loose = estimator in ("PM", "PMM")
    relative, absolute = (1e-2, 2.0 * UNIROOT) if loose else (CLOSED_FORM, 1e-11)
    quantity = row["quantity"]
    if quantity == "tau2":
        yield from _pairs(row, (ours.tau2, ours.tau2_se), relative if loose else CLOSED_FORM, absolute)
        yield from _tau2_interval(row, ours)
    elif quantity == "I2":
        yield from _pairs(row, (100.0 * ours.i2,), relative, absolute)
    elif quantity == "coef":
        found = ours.coefficients["intercept" if row["a"] == "intrcpt" else row["a"]]
        yield from _pairs(row, found, relative, absolute)
        peer = float(row["extra"].split("p=")[1])
        yield Difference(
            row["model"], f"coef {row['a']} p", peer, found.p_value, max(relative, 1e-8), absolute
        )
    else:
        values = {
            "QE": (ours.residual_heterogeneity.q,),
            "QM": (ours.moderators.statistic,),
            "H2": (ours.h2,),
            "logLik_ML_REML": (ours.log_likelihood, ours.restricted_log_likelihood),
            "prediction_interval": (ours.effect.estimate, ours.effect.se, *ours.prediction),
            "prediction_interval_riley": (ours.effect.estimate, math.nan, *ours.prediction_riley),
        }
        if quantity in values:
            yield from _pairs(row, values[quantity], relative, absolute)


def _tau2_interval(row: dict[str, str], ours: PairwiseEstimate) -> Iterator[Difference]:
    for name, value in (("lower", ours.tau2_low), ("upper", ours.tau2_high)):
        peer = number(row[name])
        # metafor looks no further than the larger of 100 and ten times tau2; beyond it the end is not found.
        if math.isclose(peer, max(100.0, 10.0 * ours.tau2), rel_tol=1e-6) and value > peer:
            continue
        yield Difference(row["model"], f"tau2 {name}", peer, value, 1e-6, UNIROOT)


def compare_influence(folder: str) -> list[Difference]:
    """Leave-one-out, influence and small-study effects of a data set, all by REML."""
    data = table(folder, "data.csv")
    y, v = column(data, "yi"), column(data, "vi")
    whole = estimate_influence(y, v)
    columns = {
        "hat": whole.hat,
        "weight_pct": 100.0 * whole.whole.weights,
        "rstudent": whole.deleted_residuals,
        "cooks_d": whole.cooks_distance,
    }
    # What stopping Fisher scoring early is worth on the scale of the effects.
    slack = SCORING * max(1.0, float(np.sqrt(np.median(v))))
    found: list[Difference] = []
    for row in table(folder, "expected_metafor.csv"):
        if row["model"] != "rma_REML_z":
            continue
        place = int(row["a"]) - 1 if row["a"].isdigit() else 0
        if row["quantity"] == "leave1out":
            one = whole.without[place]
            found += _pairs(row, one.effect, 1e-4, slack)
            tau2, q = (float(part.split("=")[1]) for part in row["extra"].split(";"))
            found.append(Difference(row["model"], f"leave1out {place} tau2", tau2, one.tau2, 1e-6, SCORING))
            found.append(
                Difference(row["model"], f"leave1out {place} Q", q, one.residual_heterogeneity.q, 1e-8)
            )
        elif row["quantity"] == "blup":
            found += _pairs(row, whole.predictions[place], 1e-4, slack)
        elif row["quantity"] in columns:
            found += _pairs(row, (float(columns[row["quantity"]][place]),), 5e-4, SCORING)
        else:
            found += _small_study(row, y, v)
    return found


def _small_study(row: dict[str, str], y: np.ndarray, v: np.ndarray) -> Iterator[Difference]:
    if row["quantity"] == "egger_z":
        yield from _pairs(row, (egger_test(y, v).statistic,), 1e-4)
    elif row["quantity"] == "begg_tau":
        test = begg_test(y, v)
        yield from _pairs(row, (test.tau,), 1e-8)
        yield Difference(row["model"], "begg p", float(row["extra"].split("=")[1]), test.p_value, 1e-8)
    elif row["quantity"] == "trimfill":
        filled = trim_and_fill(y, v)
        missing, side = re.fullmatch(r"k0=(\d+);side=(\w+)", row["extra"]).groups()
        yield from _pairs(row, filled.estimate.effect, 1e-4, SCORING)
        yield Difference(row["model"], f"trimfill missing, {side}", float(missing), float(filled.missing))
        yield Difference(row["model"], "trimfill side", 1.0, float(side == filled.side))


# --- levels and outcomes ---------------------------------------------------------------------------------


def compare_multilevel(folder: str) -> list[Difference]:
    """Every `rma.mv` of a data set."""
    data, cache, found = table(folder, "data.csv"), {}, []
    for row in table(folder, "expected_metafor.csv"):
        _, structure, method = row["model"].split("_")
        if row["model"] not in cache:
            nested = structure == "nested"
            cache[row["model"]] = _nested(data, method) if nested else _outcomes(data, structure, method)
        found += _multilevel_row(row, cache[row["model"]])
    return found


def _nested(data: list[dict[str, str]], method: str) -> MultilevelEstimate:
    units = ([row["district"] for row in data], [row["school"] for row in data])
    levels = Nested(("district", "district/school"), units)
    return estimate_multilevel(
        column(data, "yi"), column(data, "vi"), random=levels, method=method, intervals=True
    )


def _outcomes(data: list[dict[str, str]], structure: str, method: str) -> MultilevelEstimate:
    v = np.zeros((len(data), len(data)))
    for place in range(0, len(data), 2):
        for k in range(2):
            v[place + k, place : place + 2] = float(data[place + k]["v1i"]), float(data[place + k]["v2i"])
    random = Outcomes([row["outcome"] for row in data], [row["trial"] for row in data], structure)
    return estimate_multilevel(column(data, "yi"), v, random=random, method=method)


def _multilevel_row(row: dict[str, str], ours: MultilevelEstimate) -> Iterator[Difference]:
    quantity = row["quantity"]
    if quantity in ("coef", "robust_CR1"):
        name = "intercept" if "intrcpt" in row["a"] + row["b"] else row["a"].removeprefix("outcome")
        yield from _pairs(row, (ours.robust if quantity == "robust_CR1" else ours.coefficients)[name], 1e-5)
    elif quantity == "QE":
        yield from _pairs(row, (ours.residual_heterogeneity.q,), CLOSED_FORM)
    elif quantity == "QM":
        yield from _pairs(row, (ours.moderators.statistic,), 1e-5)
    elif quantity == "logLik_ML_REML":
        yield from _pairs(row, (ours.log_likelihood, ours.restricted_log_likelihood), 1e-6)
    elif quantity == "rho":
        values = [value for name, value in ours.components.items() if name.startswith("rho")]
        yield from _pairs(row, (values[0] if values else 0.0,), 1e-5)
    elif quantity == "tau2":
        yield from _pairs(row, (list(ours.components.values())[int(row["a"]) - 1],), 1e-5)
    elif quantity == "sigma2":
        yield from _pairs(row, (ours.components[row["a"]],), 1e-5)
        for name, value in zip(("lower", "upper"), ours.intervals[row["a"]], strict=True):
            yield Difference(row["model"], f"sigma2 {row['a']} {name}", float(row[name]), value, 1e-3)


# --- rare events -----------------------------------------------------------------------------------------


def tables_of(folder: str) -> TwoArms:
    """Two-by-two tables of a data set."""
    data = table(folder, "data.csv")
    if folder == "dat_bcg":
        a, b, c, d = (column(data, name) for name in ("tpos", "tneg", "cpos", "cneg"))
        return two_arms(a, a + b, c, c + d)
    return two_arms(*(column(data, name) for name in COUNTS[folder]))


def compare_tables(folder: str) -> list[Difference]:
    """Mantel-Haenszel, Peto and mixed models of a data set."""
    tables, found = tables_of(folder), []
    fits: dict[str, MixedEstimate] = {}
    for row in table(folder, "expected_metafor.csv"):
        kind, _, name = row["model"].partition("_")
        if kind == "glmm":
            if name not in fits:
                fits[name] = _mixed(tables, name)
            found += _mixed_row(row, fits[name], name)
        elif kind in ("mh", "peto"):
            pooled = (
                estimate_peto(tables) if kind == "peto" else estimate_mantel_haenszel(tables, measure=name)
            )
            found += _pairs(
                row, (pooled.heterogeneity.q,) if row["quantity"] == "QE" else pooled.effect, CLOSED_FORM
            )
    return found


def _mixed(tables: TwoArms, model: str) -> MixedEstimate:
    # lme4 has Laplace's approximation for two random effects and seven points for one, and leaves out double zeros.
    used = tables.kept(~tables.one_sided) if model == "UM.RS" else tables
    return estimate_mixed(used, model=model, points={"UM.RS": 1, "CM.EL": 15}.get(model, 7))


def _mixed_row(row: dict[str, str], ours: MixedEstimate, model: str) -> Iterator[Difference]:
    if row["quantity"] == "coef":
        yield Difference(row["model"], "coef", float(row["estimate"]), ours.effect.estimate, 4e-4, 1e-5)
        yield Difference(
            row["model"], "se", float(row["se"]), ours.effect.se, 1e-2 if model == "UM.RS" else 3e-4
        )
    elif row["quantity"] == "tau2":
        yield Difference(row["model"], "tau2", float(row["estimate"]), ours.tau2, 1e-3, 1e-8)
    elif model in ("CM.EL", "UM.RS"):
        yield Difference(row["model"], "logLik", float(row["estimate"]), ours.log_likelihood, 2e-6)


def studies_of(folder: str) -> Studies:
    """Arms of a network with counts."""
    data = table(folder, "data.csv")
    names = tuple(dict.fromkeys(row["study"] for row in data))
    treatments = tuple(dict.fromkeys(row["treatment"] for row in data))
    arms = Arms(
        Outcome.BINOMIAL,
        np.array([names.index(row["study"]) for row in data]),
        np.array([treatments.index(row["treatment"]) for row in data]),
        events=column(data, "r"),
        n=column(data, "n"),
    )
    return Studies(names, treatments, arms)


def compare_networks(folder: str) -> list[Difference]:
    """Every `netmetabin` of a data set, common effects."""
    studies, found, cache = studies_of(folder), [], {}
    for row in table(folder, "expected_netmetabin.csv"):
        method = RARE[row["model"].removeprefix("netmetabin_")]
        if method not in cache:
            cache[method] = estimate_rare_network(studies, reference=NETWORKS[folder], method=method)
        ours = cache[method]
        if row["quantity"] == "common":
            # Their maximisers stop a few units in the fifth digit away.
            loose = {"NCH": 5e-5, "penalised": 1e-6}.get(method, 1e-11)
            found += _pairs(row, ours.relative_effects[row["a"], row["b"]], CLOSED_FORM, loose)
        elif row["quantity"] == "Q" and method == "inverse":
            found += _pairs(row, (ours.q_total.q,), CLOSED_FORM)
    return found


_KINDS = {
    "pooled": (compare_pooled, PAIRWISE),
    "influence": (compare_influence, PAIRWISE),
    "multilevel": (compare_multilevel, ("berkey1998", "konstantopoulos2011")),
    "tables": (compare_tables, tuple(COUNTS)),
    "netmetabin": (compare_networks, tuple(NETWORKS)),
}


def everything() -> list[str]:
    """Names of what can be compared."""
    return [f"{folder}/{kind}" for kind, (_, folders) in _KINDS.items() for folder in folders]


def run(name: str) -> list[Difference]:
    """Compare one of `everything`."""
    folder, kind = name.split("/")
    return _KINDS[kind][0](folder)


def main() -> int:
    """Compare what was asked for, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    good, compared = True, {}
    for name in everything():
        if given.only not in name:
            continue
        try:
            found = run(name)
        except Missing as reason:
            print(f"{name:32} skipped: {reason}")
            continue
        bad = [d for d in found if not d.agrees]
        good = good and not bad
        tight = [d for d in found if d.relative <= CLOSED_FORM and d.absolute <= 1e-11]
        worst = max((abs(d.ours / d.peer - 1.0) for d in tight if d.peer), default=math.nan)
        print(
            f"{name:32} {len(found):5,} numbers, {len(tight):5,} in closed form (largest {worst:.1e})  "
            f"{'DIFFERS' if bad else 'agrees'}"
        )
        for d in bad:
            print(f"    {d.model} {d.quantity}: peer {d.peer:.9g}, ours {d.ours:.9g}")
        compared[name] = {
            "numbers": len(found),
            "closed_form": len(tight),
            "largest_relative_difference": worst,
        }
    if given.record and not given.only and len(compared) == len(everything()):
        record = {
            "peer": "metafor, netmeta (netmetabin)",
            "version": "5.1-12, 3.3-1",
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            "myopoise": __version__,
            "allowed": {"closed form": CLOSED_FORM, "uniroot": UNIROOT, "Fisher scoring": SCORING},
            "cases": compared,
        }
        text = json.dumps(record, indent=1).replace("NaN", "null")
        (HERE / "record.json").write_text(text + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
