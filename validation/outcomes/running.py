"""Runs the commands as a user does, and the files they must refuse."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from generated import VISIT_COLUMNS
from second_reader import PRINTO, Asked

__all__ = ["Refused", "classify", "refusals", "score", "score_with"]

Row = dict[str, str]
COMMAND = Path(sys.executable).with_name("myopoise")


class Refused(Exception):
    """The command ended with a fault."""


def _run(arguments: Sequence[str], rows: list[Row], columns: Sequence[str], folder: Path) -> list[Row]:
    given, answered = folder / "given.csv", folder / "answered.csv"
    answered.unlink(missing_ok=True)
    with given.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    command = [str(COMMAND), arguments[0], str(given), *arguments[1:], "--out", str(answered), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Refused(f"exit code {ended.returncode}: {' '.join(arguments)}: {ended.stderr.strip()[-800:]}")
    with answered.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def score_with(rows: list[Row], definition: str, folder: Path, *options: str) -> list[Row]:
    """The answers of `myopoise score` with options as typed; only columns that some row holds are in the file."""
    columns = [c for c in VISIT_COLUMNS if any(c in row for row in rows)]
    return _run(("score", "--definition", definition, *options), rows, columns, folder)


def score(rows: list[Row], asked: Asked, folder: Path) -> list[Row]:
    """The answers of `myopoise score` to what is asked."""
    options: list[str] = []
    instruments: dict[str, str] = {}
    printo = asked.definition in PRINTO
    if printo or "jdm" in asked.definition:
        instruments["strength"] = "cmas" if asked.cmas else "mmt"
    if printo:
        instruments["extramuscular"] = "extramuscular" if asked.scale_for_das else "das"
    if asked.definition == "imacs-doi-2004" and asked.chaq is not None:
        instruments["function"] = "chaq" if asked.chaq else "haq"
    for measure, name in instruments.items():
        options += ["--instrument", f"{measure}={name}"]
    options += ["--missing", "bounds" if asked.bounds else "strict"]
    options += ["--vas-unit", "mm" if asked.millimetres else "cm"]
    options += ["--with", "worsening-limit"] if asked.worsening_limit else []
    options += [] if asked.baseline_week is None else ["--baseline-week", str(asked.baseline_week)]
    return score_with(rows, asked.definition, folder, *options)


def classify(rows: list[Row], criteria: str, folder: Path) -> list[Row]:
    """The answers of `myopoise classify`."""
    return _run(("classify", "--criteria", criteria), rows, list(rows[0]), folder)


GOOD: tuple[Row, Row] = (
    {
        **{"patient": "a", "week": "0", "physician_global": "5", "patient_global": "5", "mmt": "60"},
        **{"mmt_max": "80", "cmas": "30", "haq": "1.5", "chaq": "1.5", "ck": "600", "ck_uln": "200"},
        **{"extramuscular": "3", "das": "10", "chq_phs": "40", "chq_phs_range": "60"},
    },
    {
        **{"patient": "a", "week": "4", "physician_global": "4", "patient_global": "4", "mmt": "70"},
        **{"mmt_max": "80", "cmas": "35", "haq": "1", "chaq": "1", "ck": "400", "ck_uln": "200"},
        **{"extramuscular": "2", "das": "8", "chq_phs": "45", "chq_phs_range": "60"},
    },
)
# SPEC 1.5: "value outside the instrument: reject", "MMT version differs between visits: reject"; 1.4: the range of the
# CHQ-PhS is "required configuration with no default". Each is one change to the second visit above.
FAULTY = (
    *(("physician_global", "10.1"), ("physician_global", "-0.1"), ("patient_global", "10.1")),
    *(("extramuscular", "10.1"), ("mmt", "81"), ("mmt", "-1"), ("mmt_max", "150"), ("mmt_max", "120")),
    *(("cmas", "53"), ("haq", "3.125"), ("chaq", "3.125"), ("das", "21"), ("ck", "-1"), ("ck_uln", "0")),
    *(("ck_uln", ""), ("chq_phs_range", ""), ("chq_phs_range", "0"), ("week", "0"), ("week", "")),
    *(("physician_global", "five"), ("mmt_max", "")),
)
NOT_IN_ADULTS = {"cmas", "chaq", "das", "chq_phs_range"}


def refusals(folder: Path) -> tuple[int, list[Row]]:
    """How many files must be refused, and those that were not."""
    score_with(list(GOOD), "acr-eular-2016-adult", folder)
    accepted = []
    for column, value in FAULTY:
        juvenile = column in NOT_IN_ADULTS
        name = "acr-eular-2016-jdm-printo" if juvenile else "acr-eular-2016-adult"
        options = ("--instrument", "strength=cmas") if juvenile else ()
        try:
            score_with([GOOD[0], GOOD[1] | {column: value}], name, folder, *options)
        except Refused:
            continue
        accepted.append({"row": f"{column}={value}", "cell": "refusal", "program": "accepted"})
    return len(FAULTY), accepted
