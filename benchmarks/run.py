"""The timings that matter, each beside a floor measured in the same run, one after the other.

``make bench`` prints the table and writes ``benchmarks/record.json``. Wall times on a shared machine are noisy: the
ratios are what to quote, and nothing in the tests depends on them.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
MYOPOISE = str(BIN / "myopoise")

CASES: tuple[tuple[str, Sequence[str], str, Sequence[str], int, str], ...] = (
    (
        "myopoise --help",
        (MYOPOISE, "--help"),
        "python -c pass",
        (sys.executable, "-c", "pass"),
        15,
        "the bar is 10 times",
    ),
    (
        "myopoise evidence check (219 studies)",
        (MYOPOISE, "evidence", "check", str(HERE.parent / "src" / "myopoise" / "evidence" / "base")),
        "python -c 'import numpy'",
        (sys.executable, "-c", "import numpy"),
        5,
        "reading and every rule",
    ),
    (
        "myopoise report --quick",
        (MYOPOISE, "report", "--quick", "--out", "{scratch}"),
        "python -c 'import numpy, scipy.special'",
        (sys.executable, "-c", "import numpy, scipy.special"),
        5,
        "three readings; the bar is 10 s on two cores; the floor is what any program with these libraries pays",
    ),
    (
        "myopoise report",
        (MYOPOISE, "report", "--out", "{scratch}"),
        "python -c 'import numpy, scipy.special'",
        (sys.executable, "-c", "import numpy, scipy.special"),
        2,
        "with six more fits, each study left out and a check of every count",
    ),
    (
        "myopoise choose --phenotype DM",
        (MYOPOISE, "choose", "--phenotype", "DM", "--json"),
        "python -c 'import numpy, scipy.special'",
        (sys.executable, "-c", "import numpy, scipy.special"),
        5,
        "the bar is 5 s on two cores",
    ),
    (
        "myopoise backtest",
        (MYOPOISE, "backtest", "--json"),
        "python -c 'import numpy, scipy.special'",
        (sys.executable, "-c", "import numpy, scipy.special"),
        1,
        "1994 to today; the bar is 120 s on two cores",
    ),
)


def seconds(command: Sequence[str]) -> float:
    """Wall time of one run of a command that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def spread(times: Sequence[float]) -> dict[str, float]:
    """Smallest, median and largest, in seconds."""
    return {"min": min(times), "median": statistics.median(times), "max": max(times)}


def main() -> None:
    """Measure every case beside its floor, in turn, and keep the record."""
    record = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, command, floor_name, floor, runs, note in CASES:
            filled = [part.format(scratch=scratch) for part in command]
            if runs > 1:
                seconds(filled), seconds(floor)
            pairs = [(seconds(filled), seconds(floor)) for _ in range(runs)]
            ours, theirs = spread([a for a, _ in pairs]), spread([b for _, b in pairs])
            ratio = statistics.median(a / b for a, b in pairs)
            record.append(
                {
                    "what": name,
                    "seconds": ours,
                    "floor": floor_name,
                    "floor_seconds": theirs,
                    "ratio": ratio,
                    "note": note,
                }
            )
            print(
                f"{name:40} {ours['median']:7.3f} s   {floor_name:42} {theirs['median']:7.3f} s   {ratio:6.1f} times"
            )
    machine = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    text = json.dumps({"machine": machine, "timings": record}, indent=2) + "\n"
    (HERE / "record.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
