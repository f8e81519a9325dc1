"""Compare our engine with reference programs: `make validate`.

    python validation/run.py                   every comparison
    python validation/run.py --only jags       one peer, by its folder, or part of a name
    python validation/run.py --record          also write each peer's record.json anew

The answers of the peers are committed here, their data are not: where they are absent a comparison is skipped, with the
reason. The exit code is 1 when a difference is larger than the two programs' own errors allow, else 0.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from reference_programs import (
    CASES,
    HERE,
    PEERS,
    STATISTICS,
    Case,
    Difference,
    Missing,
    beyond,
    compare,
    largest,
)

from myopoise import __version__

WIDTH = 44
SHOWN = ("mean", "sd", "q2.5", "q97.5", "deviance", "probability")


def _cell(differences: list[Difference], statistic: str) -> str:
    worst = largest(differences, statistic)
    if worst is None:
        return ""
    errors = "" if math.isnan(worst.in_errors) else f" ({worst.in_errors:+.1f})"
    return f"{worst.in_sd:+.5f}{errors}"


def _print_case(case: Case, differences: list[Difference], seconds: float) -> bool:
    bad = beyond(case, differences)
    cells = "".join(f"{_cell(differences, s):>18}" for s in SHOWN)
    verdict = "DIFFERS" if bad else "agrees"
    print(f"{case.name:{WIDTH}}{len(differences):>4}{cells}{seconds:>7.1f}  {verdict}", flush=True)
    for d in bad:
        print(f"    {d.quantity} {d.statistic}: peer {d.peer:.6g}, ours {d.ours:.6g}, allowed {d.limit:.3g}")
    return not bad


def _record(peer: str, compared: dict[str, tuple[Case, list[Difference], float]]) -> None:
    path = HERE / peer / "record.json"
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    kept |= {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "myopoise": __version__,
        "unit": "in_sd: difference over the peer's posterior sd (deviances and probabilities: plain difference); "
        "in_errors: over the combined Monte Carlo error",
        "cases": [
            {
                "case": name,
                "call": case.call,
                "seconds": round(seconds, 2),
                "numbers": len(found),
                "largest_in_sd": {
                    s: worst.in_sd for s in STATISTICS if (worst := largest(found, s)) is not None
                },
                "beyond": [f"{d.quantity} {d.statistic}" for d in found if not d.agrees],
            }
            for name, (case, found, seconds) in compared.items()
        ],
    }
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with (HERE / peer / "differences.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("case", "quantity", "statistic", "peer", "ours", "in_sd", "in_errors"))
        for name, (_, found, _) in compared.items():
            for d in found:
                errors = "" if math.isnan(d.in_errors) else repr(float(d.in_errors))
                writer.writerow(
                    (
                        name,
                        d.quantity,
                        d.statistic,
                        *(repr(float(v)) for v in (d.peer, d.ours, d.in_sd)),
                        errors,
                    )
                )


def _peer(peer: str, only: str, write: bool) -> bool:
    cases = [c for c in CASES if c.peer == peer and (only in ("", peer) or only in c.name)]
    if not cases:
        return True
    print(f"\n{peer}: largest difference in the peer's posterior sd (in combined Monte Carlo errors)")
    print(f"{'':{WIDTH}}{'n':>4}" + "".join(f"{s:>18}" for s in SHOWN) + f"{'s':>7}")
    good, compared = True, {}
    for case in cases:
        started = time.perf_counter()
        try:
            found = compare(case)
        except Missing as reason:
            print(f"{case.name:{WIDTH}}skipped: {reason}")
            continue
        seconds = time.perf_counter() - started
        good = _print_case(case, found, seconds) and good
        compared[case.name] = (case, found, seconds)
    if write and only in ("", peer) and len(compared) == len(cases):
        _record(peer, compared)
    return good


def main() -> int:
    """Compare with every peer asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    verdicts = [_peer(peer, given.only, given.record) for peer in PEERS]
    good = all(verdicts)
    if given.only in ("", "myositis_model"):
        print("\nmyositis_model: the evidence model, sampled by a second implementation", flush=True)
        script = Path("myositis_model") / "compare.py"
        good = subprocess.run([sys.executable, str(HERE / script)], check=False).returncode == 0 and good
    if given.only in ("", "outcomes"):
        print("\noutcomes: scores and classes, by a second reader of the definitions", flush=True)
        script = Path("outcomes") / "compare.py"
        good = subprocess.run([sys.executable, str(HERE / script)], check=False).returncode == 0 and good
    if given.only in ("", "netmeta"):
        print("\nnetmeta: frequentist networks, by generalised least squares", flush=True)
        script = Path("netmeta") / "compare.py"
        good = subprocess.run([sys.executable, str(HERE / script)], check=False).returncode == 0 and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
