"""How fast a frequentist network is estimated, beside the recorded figures of a peer.

``python benchmarks/networks.py`` makes contrast networks of several sizes, estimates each with every split, prints the
median of five runs in computing seconds (all threads together) and by the clock, and writes
``benchmarks/networks.json``. Set OPENBLAS_NUM_THREADS=1 to time one core. The peer is netmeta 3.3-1, by DerSimonian and
Laird, in computing seconds of a machine of its own; it is not run here.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from myopoise.synthesis.frequentist.network import estimate_network
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies

RECORD = Path(__file__).parent / "networks.json"
ROUNDS = 5
PEER = {
    "100 studies, 10 treatments": "netmeta 14 s",
    "1,000 studies, 10 treatments": "netmeta 35 s",
    "1,000 studies, 50 treatments": "netmeta stopped after 300 s",
    "5,000 studies, 100 treatments": "netmeta not tried",
}


@dataclass(frozen=True)
class Times:
    """Medians of some runs: computing seconds of every thread together, and seconds by the clock."""

    computing: float
    wall: float
    rounds: int


def timed(run: Callable[[], object], rounds: int = ROUNDS, warm: Callable[[], object] | None = None) -> Times:
    """Run once (or `warm` in its place) to load and allocate, then some times."""
    (run if warm is None else warm)()
    computing, wall = [], []
    for _ in range(rounds):
        start, clock = time.process_time(), time.perf_counter()
        run()
        computing.append(time.process_time() - start)
        wall.append(time.perf_counter() - clock)
    return Times(statistics.median(computing), statistics.median(wall), rounds)


def machine() -> dict[str, object]:
    """Where the timings were taken."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
        "load": round(os.getloadavg()[0], 1),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def designs(random: np.random.Generator, studies: int, treatments: int) -> list[np.ndarray]:
    """Treatments of each study, ``(study, arm)``: two arms, then one study in ten with three; all connected."""
    three = studies // 10
    blocks = []
    for count, arms in ((studies - three, 2), (three, 3)):
        treatment = np.argsort(random.random((count, treatments)), axis=1)[:, :arms]
        if arms == 2:
            chain = np.arange(treatments - 1)
            treatment[: treatments - 1] = np.column_stack([chain, chain + 1])
        blocks.append(treatment)
    return blocks


def made_up(studies: int, treatments: int, seed: int = 20260101) -> Studies:
    """Contrasts of a connected network, one study in ten with three arms, tau 0.2."""
    random = np.random.default_rng(seed)
    blocks, first = [], 0
    for treatment in designs(random, studies, treatments):
        count, arms = treatment.shape
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
    return Studies(*_names(studies, treatments), contrasts=tuple(blocks))


def made_up_counts(studies: int, treatments: int, seed: int = 20260101) -> Studies:
    """The same with events among 50 to 400 patients an arm, about a third of them, tau 0.2."""
    random = np.random.default_rng(seed)
    blocks = designs(random, studies, treatments)
    arms = [block.shape[1] for block in blocks for _ in block]
    study, treatment = (
        np.repeat(np.arange(studies), arms),
        np.concatenate([block.ravel() for block in blocks]),
    )
    level = random.normal(-0.7, 0.5, studies)[study]
    log_odds = level + 0.02 * treatment + random.normal(0.0, 0.2 / np.sqrt(2.0), len(study))
    n = random.integers(50, 401, studies)[study].astype(float)
    events = random.binomial(n.astype(int), 1.0 / (1.0 + np.exp(-log_odds))).astype(float)
    return Studies(*_names(studies, treatments), Arms(Outcome.BINOMIAL, study, treatment, events=events, n=n))


def _names(studies: int, treatments: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(f"study {i}" for i in range(studies)), tuple(f"t{i:03d}" for i in range(treatments))


def main() -> None:
    """Time each size, print the table, keep the record."""
    found: dict[str, Times] = {}

    def add(name: str, run: Callable[[], object]) -> None:
        found[name] = timed(run)
        peer = f"  ({PEER[name]})" if name in PEER else ""
        print(
            f"{name:44} {1000 * found[name].computing:9.1f} ms {1000 * found[name].wall:9.1f} ms{peer}",
            flush=True,
        )

    print(f"{'':44} {'computing':>12} {'clock':>12}")
    for studies, treatments in ((100, 10), (1000, 10), (1000, 50), (5000, 10), (5000, 100), (20000, 100)):
        network = made_up(studies, treatments)
        add(
            f"{studies:,} studies, {treatments} treatments",
            partial(estimate_network, network, reference="t000"),
        )
    network = made_up(100, 20)
    for method in ("shortestpath", "randomwalk"):
        contributions = partial(
            estimate_network, network, reference="t000", contributions=method, splits=False
        )
        add(f"contributions by {method}, 100 and 20", contributions)
    record = {
        "machine": machine(),
        "seconds": {name: asdict(times) for name, times in found.items()},
        "peer": PEER,
    }
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
