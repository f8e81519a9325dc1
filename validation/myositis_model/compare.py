"""Our three readings against the same model sampled by NUTS in a second implementation (`sample.py`).

    python validation/myositis_model/compare.py             our side anew, beside the committed answers
    python validation/myositis_model/compare.py --prepare FOLDER
                                                write the selection for `sample.py`, with its fingerprint
    python validation/myositis_model/compare.py --take FOLDER
                                                take over what `sample.py` wrote there, and write the record
    python validation/myositis_model/compare.py --record
                                                write the record anew: the same answers, our side of today

The *fingerprint* is a hash of every row that enters and of every prior's sentence. A record with another fingerprint
says nothing about the current model and is refused.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import hashlib
import json
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myopoise import __version__
from myopoise.estimate import Estimate
from myopoise.evidence.reading import read_evidence
from myopoise.evidence.rows import Selection
from myopoise.evidence.selection import Question, select
from myopoise.evidence.selection_files import write_selection
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.myositis import MyositisPriors, synthesise
from myopoise.synthesis.prediction import predict
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, Reading

__all__ = ["Difference", "differences", "fingerprint", "model_rows", "ours", "read_answers", "read_record"]

HERE = Path(__file__).resolve().parent
DRAWS, SEED = 8192, 20061
STATISTICS = (
    "mean",
    "sd",
    "q2.5",
    "q50",
    "q97.5",
    "mcse_mean",
    "mcse_sd",
    "mcse_q2.5",
    "mcse_q97.5",
    "ess",
    "rhat",
)


def model_rows() -> Selection:
    """The rows of the evidence model."""
    return select(read_evidence(), Question())


def fingerprint(selection: Selection, priors: MyositisPriors) -> str:
    """Hash of what the inference sees; notes, years and places in the source do not change it."""

    def shares(values: Mapping[Phenotype, float]) -> dict[str, str]:
        return {str(group): f"{share:.6g}" for group, share in sorted(values.items()) if share > 0.0}

    rows = sorted(
        [
            *(row.study, "+".join(row.treatments), row.arm, str(row.design), row.definition),
            *(row.n, [row.counts.get(level) for level in Level], row.variant, json.dumps(shares(row.shares))),
            *(f"{value:.4g}" if value is not None and not row.counts else "" for value in (row.mean, row.se)),
        ]
        for row in selection.rows
    )
    printed = sorted(
        [
            *(p.study, p.contrast_id, "+".join(p.treatments_1), p.n_1, "+".join(p.treatments_0), p.n_0),
            *("" if p.abs_z is None else f"{p.abs_z:.4f}", json.dumps(shares(p.shares))),
        ]
        for p in selection.printed
    )
    used = {t for row in selection.rows for t in row.treatments}
    used |= {t for p in selection.printed for t in (*p.treatments_1, *p.treatments_0)}
    mechanism = {t: c for t, c in sorted(selection.mechanism.items()) if t in used}
    seen = json.dumps([rows, printed, mechanism, priors.sentences], sort_keys=True)
    return hashlib.sha256(seen.encode()).hexdigest()


def ours(selection: Selection, reading: Reading, priors: MyositisPriors) -> dict[str, Estimate | float]:
    """Every component, standard deviation and prediction of one reading, by the names `sample.py` uses."""
    fitted = synthesise(selection, reading, priors, draws=DRAWS, seed=SEED)
    if fitted is None:
        raise ValueError(f"no row enters the reading {reading}")
    return {**fitted.parameters, **_predictions(fitted, selection, priors)}


def _predictions(
    fitted: Synthesis, selection: Selection, priors: MyositisPriors
) -> dict[str, Estimate | float]:
    given = [
        c.removeprefix("treatment ") for c in fitted.posterior.model.columns if c.startswith("treatment ")
    ]
    found: dict[str, Estimate | float] = {}
    for group in (Phenotype.DM, Phenotype.PM):
        for t in (BACKGROUND, *given):
            said = predict(fitted, (t,), group, selection.mechanism, priors, SEED)
            if t != BACKGROUND:
                found[f"p better {t} {group}"] = said.p_better
            for level, at in said.levels.items():
                name = f"{t} {group}" if level is Level.MINIMAL else f"{level} {t} {group}"
                found[f"response {name}"] = at.response
                found[f"predictive {name}"] = at.predictive
                if t != BACKGROUND:
                    found[f"difference {name}"] = at.difference
                    found[f"predictive difference {name}"] = at.predictive_difference
    return found


@dataclass(frozen=True)
class Difference:
    """One quantity, ours less theirs.

    Parameters
    ----------
    quantity
        Name.
    peer_mean, peer_sd, ours_mean, ours_sd
        The two posteriors; for a probability of benefit only the means.
    mean_in_sd
        Difference of the means in units of the peer's posterior sd (of a probability of benefit: the plain difference).
    mean_in_errors, sd_in_errors
        Differences in units of the combined Monte Carlo error.
    sd_ratio
        Our posterior sd over the peer's.
    low_in_sd, high_in_sd
        Differences of the ends of the 95% interval in units of the peer's posterior sd.
    """

    quantity: str
    peer_mean: float
    peer_sd: float
    ours_mean: float
    ours_sd: float
    mean_in_sd: float
    mean_in_errors: float
    sd_ratio: float
    sd_in_errors: float
    low_in_sd: float
    high_in_sd: float

    @property
    def kind(self) -> str:
        """What the quantity is, for the table."""
        for prefix in ("sd ", "p better", "predictive", "response", "difference"):
            if self.quantity.startswith(prefix):
                return {"sd ": "standard deviations", "p better": "probability of benefit"}.get(
                    prefix, prefix
                )
        return "components"


def differences(
    answers: Mapping[str, Mapping[str, float]], found: Mapping[str, Estimate | float]
) -> list[Difference]:
    """Every quantity both sides have."""
    return [_difference(name, answers[name], value) for name, value in found.items() if name in answers]


def _difference(name: str, peer: Mapping[str, float], value: Estimate | float) -> Difference:
    if not isinstance(value, Estimate):
        gap, none = value - peer["mean"], math.nan
        error = math.hypot(peer["mcse_mean"], math.sqrt(max(value * (1.0 - value), 1e-6) / (DRAWS / 2)))
        return Difference(name, peer["mean"], none, value, none, gap, gap / error, none, none, none, none)
    # Effective draws behind our mean; the error of an sd is taken as a normal's, too small for a long tail.
    draws = (value.sd / value.mcse) ** 2
    sd_error = math.hypot(peer["mcse_sd"], value.sd / math.sqrt(2.0 * draws))
    mean_gap, sd_gap = value.mean - peer["mean"], value.sd - peer["sd"]
    return Difference(
        quantity=name,
        peer_mean=peer["mean"],
        peer_sd=peer["sd"],
        ours_mean=value.mean,
        ours_sd=value.sd,
        mean_in_sd=mean_gap / peer["sd"],
        mean_in_errors=mean_gap / math.hypot(peer["mcse_mean"], value.mcse),
        sd_ratio=value.sd / peer["sd"],
        sd_in_errors=sd_gap / sd_error,
        low_in_sd=(value.low - peer["q2.5"]) / peer["sd"],
        high_in_sd=(value.high - peer["q97.5"]) / peer["sd"],
    )


def read_answers(reading: Reading) -> dict[str, dict[str, float]]:
    """The committed answers of the second implementation, by quantity."""
    with (HERE / f"answers_{reading}.csv").open(encoding="utf-8") as handle:
        return {r["quantity"]: {k: float(r[k]) for k in STATISTICS} for r in csv.DictReader(handle)}


def read_record() -> dict[str, Any]:
    """The committed record."""
    return dict(json.loads((HERE / "record.json").read_text(encoding="utf-8")))


def summary(found: list[Difference]) -> dict[str, dict[str, float | int | str]]:
    """The largest differences by kind of quantity."""
    table: dict[str, dict[str, float | int | str]] = {}
    for kind in dict.fromkeys(d.kind for d in found):
        mine = [d for d in found if d.kind == kind]
        worst = max(mine, key=lambda d: abs(d.mean_in_sd))
        table[kind] = {
            "quantities": len(mine),
            "largest_mean_difference": worst.mean_in_sd,
            "of": worst.quantity,
            "mean_beyond_3_errors": sum(abs(d.mean_in_errors) > 3.0 for d in mine),
        }
        if kind != "probability of benefit":
            wide = max(mine, key=lambda d: abs(d.sd_ratio - 1.0))
            table[kind] |= {
                "sd_ratio_furthest_from_1": wide.sd_ratio,
                "sd_of": wide.quantity,
                "sd_beyond_3_errors": sum(abs(d.sd_in_errors) > 3.0 for d in mine),
                "largest_difference_of_an_end": max(max(abs(d.low_in_sd), abs(d.high_in_sd)) for d in mine),
            }
    return table


def take(folder: Path) -> None:
    """Take over the answers of `sample.py`, and how they were sampled."""
    runs: dict[str, Any] = {}
    for reading in Reading:
        sampled = json.loads((folder / f"{reading}.json").read_text(encoding="utf-8"))
        _write_answers(reading, sampled.pop("answers"))
        runs[str(reading)] = sampled
    text = json.dumps({"date": _today(), "readings": runs}, indent=1)
    (HERE / "sampled.json").write_text(text + "\n", encoding="utf-8")


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def write_record() -> None:
    """Compare our side of today with the committed answers, and write the record beside them."""
    selection, priors = model_rows(), MyositisPriors()
    current = fingerprint(selection, priors)
    runs = json.loads((HERE / "sampled.json").read_text(encoding="utf-8"))
    readings: dict[str, Any] = {}
    for reading in Reading:
        sampled = runs["readings"][str(reading)]
        if sampled["fingerprint"] != current:
            raise SystemExit(
                f"{reading}: the answers are of other rows or priors; sample anew after --prepare"
            )
        answers = read_answers(reading)
        started = time.perf_counter()
        found = differences(answers, ours(selection, reading, priors))
        readings[str(reading)] = {
            "rows": sampled["rows"],
            "sampler": sampled["sampler"],
            "our_seconds": round(time.perf_counter() - started, 1),
            "summary": summary(found),
        }
        _write_differences(reading, found)
    record = {
        "what": "the myositis evidence model, three readings",
        "date": _today(),
        "sampled": runs["date"],
        "myopoise": __version__,
        "call": f"synthesise(selection, reading, MyositisPriors(), draws={DRAWS}, seed={SEED})",
        "peer": sampled["versions"],
        "fingerprint": current,
        "priors": priors.sentences,
        "readings": readings,
    }
    (HERE / "record.json").write_text(
        json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _write_differences(reading: Reading, found: list[Difference]) -> None:
    with (HERE / f"differences_{reading}.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(vars(found[0]))
        for d in found:
            writer.writerow(
                "" if v != v else v if isinstance(v, str) else repr(float(v)) for v in vars(d).values()
            )


def _write_answers(reading: Reading, answers: Mapping[str, Mapping[str, float]]) -> None:
    with (HERE / f"answers_{reading}.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("quantity", *STATISTICS))
        for name, values in answers.items():
            if not name.startswith("effect "):
                writer.writerow((name, *(repr(float(values[k])) for k in STATISTICS)))


def print_table(found: list[Difference], heading: str) -> None:
    """The largest differences by kind."""
    print(f"\n{heading}")
    print(f"  {'':24}{'n':>5}{'mean, sd':>11}{'>3 MCSE':>9}{'sd ratio':>10}{'>3 MCSE':>9}{'ends, sd':>10}")
    for kind, row in summary(found).items():
        line = f"  {kind:24}{row['quantities']:>5}{row['largest_mean_difference']:>+11.4f}"
        line += f"{row['mean_beyond_3_errors']:>9}"
        if "sd_ratio_furthest_from_1" in row:
            line += f"{row['sd_ratio_furthest_from_1']:>10.4f}{row['sd_beyond_3_errors']:>9}"
            line += f"{row['largest_difference_of_an_end']:>10.3f}"
        print(f"{line}   {row['of']}")


def main() -> int:
    """Compare, prepare or record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prepare", type=Path)
    parser.add_argument("--take", type=Path)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    selection, priors = model_rows(), MyositisPriors()
    if given.prepare:
        write_selection(selection, given.prepare)
        text = json.dumps({"fingerprint": fingerprint(selection, priors)})
        (given.prepare / "fingerprint.json").write_text(text + "\n", encoding="utf-8")
        return 0
    if given.take:
        take(given.take)
    if given.take or given.record:
        write_record()
    if read_record()["fingerprint"] != fingerprint(selection, priors):
        print("the record is of other rows or priors than the current ones: sample anew (README.md)")
        return 1
    for reading in Reading:
        print_table(differences(read_answers(reading), ours(selection, reading, priors)), reading.label)
    return 0


if __name__ == "__main__":
    sys.exit(main())
