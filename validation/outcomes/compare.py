"""`myopoise score` and `myopoise classify` against the second reader, cell by cell.

    python validation/outcomes/compare.py             compare, about two minutes
    python validation/outcomes/compare.py --record    also write record.json anew
    python validation/outcomes/compare.py --seed 7    other visits

The commands are run as a user runs them, on files in a temporary folder. The exit code is 1 when a cell differs.
"""

from __future__ import annotations

import argparse
import datetime
import json
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from facts import FACTS
from generated import STARTS, eular_patients, every_bohan_patient, every_combination, visits
from running import Refused, classify, refusals, score
from second_classifier import bohan_peter_1975, eular_acr_2017
from second_reader import MEASURES, PRINTO, Asked, read_patient

from myopoise import __version__

HERE = Path(__file__).resolve().parent
SEED, PATIENTS, MISSING = 20061, 150, 0.06
SCORED = (
    "category",
    "status",
    "score",
    "score_low",
    "score_high",
    "enzyme",
    *(f"{m}_points" for m in MEASURES),
)
EULAR = ("model", "score", "category", "subgroup", "probability_min", "probability_max")
Row = dict[str, str]


def asked() -> Iterator[Asked]:
    """Every run: definitions by missing measures, unit, instruments, baseline week and limit of worsening."""
    for bounds in (False, True):
        for mm in (False, True):
            yield Asked("acr-eular-2016-adult", bounds, mm)
            for name in ("acr-eular-2016-jdm-imacs", "acr-eular-2016-jdm-printo"):
                yield Asked(name, bounds, mm, cmas=mm != bounds, chaq=True)
            yield Asked("imacs-doi-2004", bounds, mm, chaq=None if mm else False)
            yield Asked("proderm-deterioration", bounds, mm)
            for name in ("printo-inactive-2012", "printo-inactive-modified"):
                yield Asked(name, bounds, mm)
        for i, name in enumerate(PRINTO):
            for limit in (False, True):
                cmas = (i + bounds + limit) % 2 == 0
                yield Asked(name, bounds, i % 2 == 0, cmas, True, worsening_limit=limit, scale_for_das=i > 1)
    later = Fraction(12)
    yield Asked("acr-eular-2016-adult", baseline_week=later)
    yield Asked("imacs-doi-2004", True, baseline_week=later)
    yield Asked("proderm-deterioration", baseline_week=later)
    yield Asked("printo-inactive-2012", baseline_week=later)


def described(wanted: Asked) -> str:
    """One line for the table."""
    juvenile = "jdm" in wanted.definition or wanted.definition in PRINTO
    parts = [wanted.definition, "bounds" if wanted.bounds else "strict", "mm" if wanted.millimetres else "cm"]
    parts += ["cmas" if wanted.cmas else "mmt"] if juvenile else []
    parts += ["with limit"] if wanted.worsening_limit else []
    parts += ["week 12"] if wanted.baseline_week is not None else []
    return ", ".join(parts)


def compared(wanted: Asked, rows: list[Row], folder: Path) -> dict[str, Any]:
    """Cells of one run and those that differ; a row only one side has differs in its key."""
    theirs = {(row["patient"], Fraction(row["week"])): row for row in score(rows, wanted, folder)}
    by_patient: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_patient[row["patient"]].append(row)
    ours = {
        (name, Fraction(row["week"])): row
        for name, of_one in by_patient.items()
        for row in read_patient(of_one, wanted)
    }
    differ = [{"row": f"{k[0]}, week {k[1]}", "cell": "row"} for k in sorted(set(ours) ^ set(theirs))]
    for key in sorted(set(ours) & set(theirs)):
        differ += _cells(f"{key[0]}, week {key[1]}", ours[key], theirs[key], SCORED)
    answers = Counter(row["category"] or row["status"] for row in ours.values())
    return _result(described(wanted), len(ours), len(ours) * len(SCORED), differ, answers)


def _cells(where: str, ours: Row, theirs: Row, columns: tuple[str, ...]) -> list[Row]:
    return [
        {"row": where, "cell": c, "second_reader": ours.get(c, ""), "program": theirs.get(c, "")}
        for c in columns
        if not _same(ours.get(c, ""), theirs.get(c, ""), c)
    ]


def _same(ours: str, theirs: str, column: str) -> bool:
    if column.startswith("probability") and ours and theirs:
        return abs(float(ours) - float(theirs)) < 1e-12
    return ours == theirs


def _result(
    name: str, rows: int, cells: int, differ: list[Row], answers: Counter[str], *, silent: bool = False
) -> dict[str, Any]:
    # `silent`: the specification has no sentence on it, both readings are recorded and neither is a fault.
    return {
        "case": name,
        "rows": rows,
        "cells": cells,
        "differ": len(differ),
        "specification_silent": silent,
        "answers": dict(sorted(answers.items())),
        "first_differences": differ[:5],
    }


def classified(
    criteria: str, rows: list[Row], name: str, folder: Path, *, silent: bool = False
) -> dict[str, Any]:
    """The same for a file of patients to classify."""
    reader, columns = (
        (eular_acr_2017, EULAR) if criteria == "eular-acr-2017" else (bohan_peter_1975, ("category", "score"))
    )
    theirs = {row["patient"]: row for row in classify(rows, criteria, folder)}
    ours = {row["patient"]: reader(row) for row in rows}
    differ = [d for k, row in ours.items() for d in _cells(k, row, theirs.get(k, {}), columns)]
    answers = Counter(row["category"] or "open" for row in ours.values())
    answers += Counter(row["subgroup"] for row in ours.values() if row.get("subgroup"))
    cells = len(ours) * len(columns)
    return _result(f"{criteria}, {name}", len(ours), cells, differ, answers, silent=silent)


def combined(folder: Path) -> Iterator[dict[str, Any]]:
    """Rules that count measures, on every combination of changes on their edges."""
    six = every_combination((20, 0, -25, -30, -31), tuple(STARTS), ("0", "4"))
    five = every_combination(
        (0, -19, -20, -30, -38, -40), [m for m in STARTS if m != "fifth"], ("0", "4", "8")
    )
    for wanted, rows in (
        (Asked("imacs-doi-2004"), six),
        (Asked("printo-20", chaq=True, worsening_limit=True), six),
        (Asked("proderm-deterioration"), five),
    ):
        yield compared(wanted, rows, folder) | {
            "case": f"{wanted.definition}, every combination on its edges"
        }


def results(seed: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Every comparison, in order."""
    rng = random.Random(seed)
    for wanted in asked():
        quiet = wanted.definition.startswith("printo-inactive")
        rows = visits(rng, PATIENTS, missing=MISSING, quiet=quiet, millimetres=wanted.millimetres)
        yield compared(wanted, rows, folder)
    yield from combined(folder)
    yield classified("eular-acr-2017", eular_patients(rng, 4000, 0.0), "all items known", folder)
    yield classified("eular-acr-2017", eular_patients(rng, 4000, 0.08), "unknown items", folder)
    of_ibm = eular_patients(rng, 4000, 0.0, 0.2)
    yield classified("eular-acr-2017", of_ibm, "unknown items of IBM", folder, silent=True)
    everyone = every_bohan_patient()
    known = [row for row in everyone if row["excluded"]]
    open_still = [row for row in everyone if not row["excluded"]]
    yield classified("bohan-peter-1975", known, "every patient, exclusion known", folder)
    yield classified("bohan-peter-1975", open_still, "exclusion unknown", folder, silent=True)
    for name, fact in FACTS.items():
        checked, differ = fact(folder)
        yield _result(name, checked, checked, differ, Counter())
    checked, differ = refusals(folder)
    yield _result("files that must be refused", checked, checked, differ, Counter())


def _verdict(one: dict[str, Any]) -> str:
    if one["differ"] == 0:
        return "agrees"
    return (
        f"reads otherwise in {one['differ']}"
        if one["specification_silent"]
        else f"DIFFERS in {one['differ']}"
    )


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    started, found, good = time.perf_counter(), [], True
    with tempfile.TemporaryDirectory() as folder:
        try:
            for one in results(given.seed, Path(folder)):
                found.append(one)
                good = good and (one["differ"] == 0 or one["specification_silent"])
                verdict = _verdict(one)
                print(f"{one['case']:72}{one['rows']:>7}{one['cells']:>8}  {verdict}", flush=True)
                for d in one["first_differences"]:
                    print(f"    {json.dumps(d)}")
        except Refused as fault:
            print(f"the command refused a file: {fault}")
            return 1
    cells, seconds = sum(one["cells"] for one in found), time.perf_counter() - started
    differ = sum(one["differ"] for one in found if not one["specification_silent"])
    print(f"{cells} cells, {differ} differ, {seconds:.0f} s")
    if given.record:
        kept = {
            "what": "myopoise score and classify against validation/outcomes/second_reader.py",
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            "myopoise": __version__,
            "seed": given.seed,
            "cells": cells,
            "cases": found,
        }
        (HERE / "record.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
