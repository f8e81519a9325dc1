"""How fast visits are scored: beside merely reading the same columns, and beside one visit at a time.

``python benchmarks/scoring.py [VISITS [ROUNDS]]`` makes a Parquet file of that many visits (ten million unless told),
runs each step in a process of its own, one after the other, and adds to ``benchmarks/scoring.json``. Memory is the
peak of the process over that of one that has only imported what it needs; a process also inherits the peak of the one
that started it, so that one stays small.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RECORD = Path(__file__).parent / "scoring.json"
DEFINITION = "acr-eular-2016-adult"
ROUNDS = 3
VISITS = 10
SCALAR_PATIENTS = 300


def make(path: Path) -> int:
    """Write made-up visits of an adult trial; gives the size of their columns in bytes."""
    import numpy as np

    from myopoise.outcomes.files.sinks import open_sink

    random, size = np.random.default_rng(20260101), 0
    patients = int(path.stem.rpartition("-")[2]) // VISITS
    with open_sink(path) as sink:
        for start in range(0, patients, 100_000):
            frame = made_up(random, start, min(start + 100_000, patients))
            sink.write(frame)
            size += int(frame.estimated_size())
    return size


def made_up(random: Any, start: int, end: int) -> Any:
    """Visits of some patients."""
    import numpy as np
    import polars as pl

    count = (end - start) * VISITS
    columns: dict[str, object] = {
        "patient": pl.Series([f"P{place:08d}" for place in range(start, end)]).gather(
            np.repeat(np.arange(end - start, dtype=np.uint32), VISITS)
        ),
        "week": np.tile(np.arange(VISITS) * 4.0, end - start),
    }
    scales = ("physician_global", "patient_global", "extramuscular")
    columns |= {name: random.integers(0, 101, count) / 10 for name in scales}
    columns |= {"mmt": random.integers(60, 151, count).astype(float), "mmt_max": np.full(count, 150.0)}
    columns["haq"] = random.integers(0, 25, count) / 8
    for name, limit in (("ck", 200.0), ("aldolase", 7.6), ("ldh", 250.0), ("ast", 40.0), ("alt", 40.0)):
        columns[name] = np.round(limit * np.exp(random.normal(0.7, 0.8, count)), 0 if limit > 10 else 1)
        columns[f"{name}_uln"] = np.full(count, limit)
    return pl.DataFrame(columns)


def nothing(path: Path) -> int:
    """Import what the others need."""
    from myopoise.outcomes import running  # noqa: F401
    from myopoise.outcomes.files.formats import open_source

    return len(open_source(path).columns)


def read(path: Path) -> int:
    """Read the columns and do nothing with them, in pieces of the same size."""
    from myopoise.outcomes.files.formats import open_source
    from myopoise.outcomes.scoring import SIZE

    return sum(len(batch) for batch in open_source(path).batches(None, SIZE))


def score(path: Path) -> int:
    """Read and score; the scores stay arrays of one piece and are dropped."""
    from myopoise.outcomes.files.formats import open_source
    from myopoise.outcomes.plan import plan_for
    from myopoise.outcomes.scoring import Tally, score_chunks
    from myopoise.outcomes.visits import FaultLog

    source, plan = open_source(path), plan_for(DEFINITION, ())
    return sum(len(chunk.scores.rows) for chunk in score_chunks(source, plan, FaultLog("bench"), Tally()))


def write(path: Path) -> int:
    """Read, score, and write SCORES as Parquet, as the command does."""
    from myopoise.outcomes.files.formats import open_source
    from myopoise.outcomes.plan import plan_for
    from myopoise.outcomes.running import Outputs, score_file

    out = path.with_name("scores.parquet")
    return score_file(open_source(path), plan_for(DEFINITION, ()), Outputs(out)).tally.rows


def scalar(path: Path) -> int:
    """Score a few patients one visit at a time, in fractions."""
    import polars as pl

    from myopoise.outcomes.plan import plan_for
    from myopoise.outcomes.response import respond_course, visit

    plan, rows = plan_for(DEFINITION, ()), 0
    for (_,), one in pl.read_parquet(path, n_rows=SCALAR_PATIENTS * 10).group_by(
        "patient", maintain_order=True
    ):
        visits = [visit(row.pop("week"), **row) for row in one.drop("patient").to_dicts()]
        rows += len(respond_course(visits, plan))
    return rows


STEPS = {step.__name__: step for step in (make, nothing, read, score, write, scalar)}


def measured(step: str, path: Path) -> dict[str, float]:
    """Seconds, rows and peak memory of one step in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, step, str(path)], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


def one(step: str, path: Path) -> None:
    """Run a step here and print what it took."""
    start = time.perf_counter()
    rows = STEPS[step](path)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak}))


def main(visits: int, repeats: int) -> None:
    """Measure every step in turn and keep the record."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as scratch:
        path = Path(scratch) / f"visits-{visits}.parquet"
        size = measured("make", path)["rows"] / 1024**2
        steps_timed = [step for step in STEPS if step != "make"]
        rounds = [{step: measured(step, path) for step in steps_timed} for _ in range(repeats)]
    floor = statistics.median(found["nothing"]["peak_mb"] for found in rounds)
    steps = {}
    for step in ("read", "score", "write"):
        seconds = [found[step]["seconds"] for found in rounds]
        ratio = statistics.median(found[step]["seconds"] / found["read"]["seconds"] for found in rounds)
        steps[step] = {
            "seconds": {"min": min(seconds), "median": statistics.median(seconds), "max": max(seconds)},
            "visits_per_second": visits / statistics.median(seconds),
            "times_reading": ratio,
            "peak_mb": max(found[step]["peak_mb"] for found in rounds),
            "peak_over_columns": (max(found[step]["peak_mb"] for found in rounds) - floor) / size,
        }
    one_by_one = statistics.median(found["scalar"]["rows"] / found["scalar"]["seconds"] for found in rounds)
    together = statistics.median(found["score"]["rows"] / found["score"]["seconds"] for found in rounds)
    record = {
        "machine": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
        },
        "definition": DEFINITION,
        "columns_mb": size,
        "imports_mb": floor,
        "steps": steps,
        "scalar_rows_per_second": one_by_one,
        "columnar_over_scalar": together / one_by_one,
    }
    kept = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    kept[str(visits)] = record
    RECORD.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    print(f"{visits:,} visits, columns of {size:,.0f} MB")
    for step, found in steps.items():
        print(
            f"{step:6} {found['seconds']['median']:7.2f} s  {found['visits_per_second']:12,.0f} visits/s  "
            f"{found['times_reading']:5.2f} times reading  peak {found['peak_mb']:,.0f} MB, "
            f"{found['peak_over_columns']:.2f} times the columns"
        )
    print(
        f"one visit at a time: {one_by_one:,.0f} rows/s; columns are {together / one_by_one:,.0f} times as fast"
    )


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in STEPS:
        one(sys.argv[1], Path(sys.argv[2]))
    else:
        asked = [int(word) for word in sys.argv[1:]]
        main(asked[0] if asked else 10_000_000, asked[1] if len(asked) > 1 else ROUNDS)
