"""How fast a frequentist network is estimated, beside the recorded figures of a peer.

``python benchmarks/networks.py`` makes contrast networks of several sizes, estimates each with every split, prints the
median of five runs, and writes ``benchmarks/networks.json``. Set OPENBLAS_NUM_THREADS=1 to time one core. The peer is
netmeta 3.3-1, by DerSimonian and Laird, in computing seconds of a machine of its own; it is not run here.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from myopoise.synthesis.frequentist.network import estimate_network
from myopoise.synthesis.studies.values import Contrasts, Studies

RECORD = Path(__file__).parent / "networks.json"
ROUNDS = 5
PEER = {
    "100 studies, 10 treatments": "netmeta 14 s",
    "1,000 studies, 10 treatments": "netmeta 35 s",
    "1,000 studies, 50 treatments": "netmeta stopped after 300 s",
    "5,000 studies, 100 treatments": "netmeta not tried",
}


def made_up(studies: int, treatments: int, seed: int = 20260101) -> Studies:
    """A connected network, one study in ten with three arms, tau 0.2."""
    random = np.random.default_rng(seed)
    three = studies // 10
    blocks, first = [], 0
    for count, arms in ((studies - three, 2), (three, 3)):
        treatment = np.argsort(random.random((count, treatments)), axis=1)[:, :arms]
        if arms == 2:
            chain = np.arange(treatments - 1)
            treatment[: treatments - 1] = np.column_stack([chain, chain + 1])
        variance = random.uniform(0.02, 0.2, (count, arms))
        covariance = variance[:, :1, None] + variance[:, 1:, None] * np.eye(arms - 1)
        noise = random.normal(size=(count, arms)) * np.sqrt(variance + 0.02)
        mean = 0.02 * treatment + noise
        blocks.append(
            Contrasts(
                study=first + np.arange(count),
                treatment=treatment,
                estimate=mean[:, 1:] - mean[:, :1],
                covariance=covariance,
                inconsistency=np.zeros(count),
            )
        )
        first += count
    names = tuple(f"study {place}" for place in range(studies))
    return Studies(names, tuple(f"t{place:03d}" for place in range(treatments)), contrasts=tuple(blocks))


def seconds(run: Callable[[], object]) -> float:
    """Median of some runs."""
    run()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    """Time each size, print the table, keep the record."""
    found: dict[str, float] = {}
    for studies, treatments in ((100, 10), (1000, 10), (1000, 50), (5000, 10), (5000, 100), (20000, 100)):
        network = made_up(studies, treatments)
        name = f"{studies:,} studies, {treatments} treatments"
        found[name] = seconds(lambda given=network: estimate_network(given, reference="t000"))  # type: ignore[misc]
        peer = f"  ({PEER[name]})" if name in PEER else ""
        print(f"{name:44} {1000 * found[name]:9.1f} ms{peer}", flush=True)
    network = made_up(100, 20)
    for method in ("shortestpath", "randomwalk"):
        name = f"contributions by {method}, 100 and 20"
        found[name] = seconds(
            lambda how=method: estimate_network(  # type: ignore[misc]
                network, reference="t000", contributions=how, splits=False
            )
        )
        print(f"{name:44} {1000 * found[name]:9.1f} ms", flush=True)
    record = {
        "machine": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "threads": os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
        },
        "seconds": found,
        "peer": PEER,
    }
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
