"""Take the answers of the sampling peers over from the reference sets into each peer's `expected.csv`.

    python validation/reference_answers.py

Answers only, never data. The names of quantities are made one: `relative_effect` for `d[a vs. b]`, `d.b.a` and `d[a]`,
`tau` for `sd.d`. Where a peer gives no Monte Carlo error one is worked out from its smallest effective sample.
"""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from reference_cases import CASES, Case
from reference_data import HERE, reference_folder, table

COLUMNS = (
    *("data", "model", "quantity", "a", "b"),
    *("mean", "sd", "q2.5", "q50", "q97.5", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail"),
)
FILES = {
    "multinma": lambda model: f"expected_{model}.csv",
    "jags": lambda model: f"expected_{model}.csv",
    "gemtc": lambda model: "expected_gemtc.csv",
}
CUTS = {"cc[PASI75]": "cut 2", "cc[PASI90]": "cut 3"}
PARTS = {"dir": "direct", "ind": "indirect", "dir.effect": "direct", "ind.effect": "indirect"}
KEPT = ("relative_effect", "relative_effect_predictive", "sucra", "rank_prob", "resdev", "pD", "DIC")

Key = tuple[str, str, str]


def _key(row: Mapping[str, str], reference: str) -> Key | None:
    """What a row of a peer is about, in our words; None where it is not compared."""
    quantity, param = row["quantity"], row["param"]
    if quantity == "rank_prob":
        treatment = re.fullmatch(r"d\[(.*)\]", row["a"])
        rank = re.fullmatch(r"p_rank\[(\d+)\]", row["b"])
        return (quantity, treatment[1], rank[1]) if treatment and rank else None
    if quantity == "sucra":
        return quantity, row["a"] or param.removeprefix("rank[").removesuffix("]"), ""
    if quantity in KEPT:
        return quantity, row["a"], row["b"]
    if quantity.startswith("nodesplit_"):
        return _split_key(quantity, row)
    return _parameter_key(param, reference) if quantity == "parameter" else None


def _split_key(quantity: str, row: Mapping[str, str]) -> Key | None:
    if quantity == "nodesplit_omega":
        return "difference", row["a"], row["b"]
    part = re.fullmatch(r"nodesplit_(?:d_)?(dir|ind|dir\.effect|ind\.effect)(?:\[.*\])?", quantity)
    return (PARTS[part[1]], row["a"], row["b"]) if part else None


def _parameter_key(param: str, reference: str) -> Key | None:
    named = {"tau": "tau", "sd.d": "tau", "resdev": "resdev"}
    if param in named:
        return named[param], "", ""
    if param in CUTS:
        return "parameter", CUTS[param], ""
    if param.startswith("beta["):
        return "parameter", "beta", ""
    if pair := re.fullmatch(r"d\[(.*) vs\. (.*)\]", param):
        return "relative_effect", pair[1], pair[2]
    if pair := re.fullmatch(r"d\.([^.]*)\.([^.]*)", param):
        return "relative_effect", pair[2], pair[1]
    one = re.fullmatch(r"d\[(.*)\]", param)
    # A bare number is the position of a treatment, and the same effect stands under its name elsewhere.
    return ("relative_effect", one[1], reference) if one and not one[1].isdecimal() else None


def _effective(rows: list[dict[str, str]]) -> float:
    """The smallest effective sample of an effect or of tau."""
    found = []
    for row in rows:
        counted = row["quantity"] in ("relative_effect", "parameter", "nodesplit_omega")
        if counted and not row["param"].startswith("mu"):
            bulk = float(row.get("ess_bulk") or 0.0)
            error, sd = float(row.get("mcse_mean") or 0.0), float(row.get("sd") or 0.0)
            found.append(bulk or ((sd / error) ** 2 if error else math.inf))
    return min(found, default=math.inf)


def _filled(key: Key, row: dict[str, str], effective: Mapping[str, float], pd: float) -> dict[str, Any]:
    """A row with an sd and Monte Carlo errors also where the peer gives none."""
    numbers = {name: row.get(name) or "" for name in COLUMNS[5:]}
    draws, smallest = effective.get(key[1], effective[""]), effective[""]
    if key[0] in ("rank_prob", "sucra"):
        # Laplace's rule keeps the error of a rank that was never seen above zero.
        share = (float(row["mean"]) * smallest + 1.0) / (smallest + 2.0)
        sd = math.sqrt(share * (1.0 - share))
        numbers["sd"] = row["sd"] if key[0] == "sucra" and row["sd"] else repr(sd)
        numbers["mcse_mean"] = repr(float(numbers["sd"]) / math.sqrt(draws))
        return dict.fromkeys(COLUMNS[7:10], "") | {k: v for k, v in numbers.items() if k not in COLUMNS[7:10]}
    if key[0] in ("resdev", "pD", "DIC"):
        # The deviance has about the variance of a chi-square of pD degrees twice over; DIC counts it twice.
        sd = math.sqrt(2.0 * pd) * (2.0 if key[0] == "DIC" else 1.0)
        numbers["sd"] = numbers["sd"] or repr(sd)
        numbers["mcse_mean"] = numbers["mcse_mean"] or repr(sd / math.sqrt(smallest))
    if not numbers["mean"]:
        # A split of gemtc has quantiles only.
        sd = (float(numbers["q97.5"]) - float(numbers["q2.5"])) / 3.92
        numbers |= {"sd": repr(sd), "ess_bulk": repr(smallest), "ess_tail": repr(smallest)}
    if numbers["ess_bulk"] and numbers["sd"] and not numbers["mcse_mean"]:
        error = float(numbers["sd"]) / math.sqrt(float(numbers["ess_bulk"]))
        numbers |= {"mcse_mean": repr(error), "mcse_sd": repr(error / math.sqrt(2.0))}
    if not numbers["ess_bulk"] and numbers["mcse_mean"]:
        size = repr((float(numbers["sd"]) / float(numbers["mcse_mean"])) ** 2)
        sd_error = numbers["mcse_sd"] or repr(float(numbers["mcse_mean"]) / math.sqrt(2.0))
        numbers |= {"ess_bulk": size, "ess_tail": size, "mcse_sd": sd_error}
    return numbers


def taken(case: Case) -> Iterator[dict[str, Any]]:
    """The answers of one case."""
    folder = reference_folder() / case.data
    reference = json.loads((folder / "model.json").read_text(encoding="utf-8"))["reference"]
    rows = [r for r in table(folder / FILES[case.peer](case.model)) if r["model"] == case.model]
    effective = {"": _effective(rows)}
    if math.isinf(effective[""]):
        others = [r for r in table(folder / FILES[case.peer](case.model)) if r["model"] != case.model]
        effective[""] = _effective(others)
    for row in rows:
        if row["quantity"] == "rank":
            name = row["a"] or row["param"].removeprefix("rank[").removesuffix("]")
            effective[name] = float(row["ess_bulk"] or effective[""])
    pd = next((float(r["mean"]) for r in rows if r["quantity"] == "pD"), 0.0)
    seen: set[Key] = set()
    for row in rows:
        key = _key(row, reference)
        if key is None or key in seen:
            continue
        seen.add(key)
        about = {"data": case.data, "model": case.model, "quantity": key[0], "a": key[1], "b": key[2]}
        yield about | _filled(key, row, effective, pd)
        if key[0] == ("direct" if case.peer == "gemtc" else "difference") and row.get("p_value"):
            p = float(row["p_value"])
            # Twice a tail: twice the error of its share of the draws.
            error = 2.0 * math.sqrt(max(0.5 * p * (1.0 - 0.5 * p), 1e-4) / effective[""])
            yield about | {"quantity": "p_value", "mean": row["p_value"], "sd": 1.0, "mcse_mean": error}


def main() -> int:
    """Write each sampling peer's answers."""
    for peer in FILES:
        rows = [row for case in CASES if case.peer == peer for row in taken(case)]
        with (HERE / peer / "expected.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{peer}: {len(rows)} answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
