"""How long each synthesis takes, beside its target and the recorded figures of the reference programs.

``python benchmarks/synthesis.py`` prints the median of several runs after one that is not counted, and keeps them in
``benchmarks/synthesis.json``; with a word behind it, it takes only the rows that have the word in their names and keeps
nothing. Targets and peers are in computing seconds, which other work on a machine changes less; ours are those of every
thread together. The peers were timed once on two cores of a machine of their own and are not run here: a ratio to them
is a size, not a measurement. Reference data are read as ``validation/reference_data.py`` does; where they are absent a
network of the same shape is made up, and the row says so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from networks import Times, machine, made_up, made_up_counts, timed

import myopoise as mp
from myopoise.synthesis.effects import estimates
from myopoise.synthesis.links import Link
from myopoise.synthesis.models.adjusted import MixedArm
from myopoise.synthesis.models.assembly import Assembled, assemble
from myopoise.synthesis.studies.values import Arms, Outcome, Studies

sys.path.append(str(Path(__file__).parent.parent / "validation"))

from reference_data import Missing, Network, Rows, arms_network, ordered_network, reference_folder, table

RECORD = Path(__file__).parent / "synthesis.json"
GROWTH = (25, 50, 100, 200, 400, 800)
REPLICATES = 10_000
HN5 = mp.NetworkPriors(heterogeneity=mp.HalfNormal(5.0))


@dataclass(frozen=True)
class Peer:
    """What a reference program took, in computing seconds unless the note says otherwise."""

    name: str
    seconds: float
    note: str = ""

    def beside(self, ours: float) -> str:
        note = f" {self.note}" if self.note else ""
        return f"{self.name} {self.seconds:g} s{note}, ours/peer {ours / self.seconds:.1e}"


@dataclass(frozen=True)
class Row:
    """One thing that is timed.

    Parameters
    ----------
    name
        What is asked.
    data
        Which studies, and whether they are made up.
    target
        Computing seconds it should take; None for none.
    peers
        Recorded figures, the program that the target was set against first.
    run
        What is timed: from studies in memory to the answers.
    rounds
        How many runs the medians are of.
    warm
        What is run before them; None for `run` itself.
    """

    name: str
    data: str
    target: float | None
    peers: tuple[Peer, ...]
    run: Callable[[], object]
    rounds: int = 5
    warm: Callable[[], object] | None = None


# --- what is asked ----------------------------------------------------------------------------------------


def rows() -> Iterator[Row]:
    """Every row, the targets and peers those of the project's own list and of its timings of the peers."""
    yield from _networks_of_counts()
    yield from _networks_of_contrasts()
    yield from _ordered_and_adjusted()
    yield _refits()
    for studies in GROWTH:
        network = Network(made_up_counts(studies, 10), "t000")
        name = f"growth: binomial random effects, {studies} studies"
        rounds = 5 if studies < 400 else 3
        yield Row(name, "made up, 10 treatments", None, (), partial(mp.synthesise, network), rounds)


def _networks_of_counts() -> Iterator[Row]:
    smoking, data = _counts("smoking/data.csv", "No intervention", 24, 4)
    random_effects = partial(mp.synthesise, smoking, priors=HN5)
    peers = (Peer("multinma", 8.2), Peer("gemtc", 3.7, "(3,000 iterations)"))
    yield Row("smoking, random effects", data, 0.2, peers, random_effects)
    yield Row("smoking, its fit not described", data, None, peers, partial(random_effects, fit=False))
    splits = partial(mp.synthesise_splits, smoking, HN5)
    peers = (Peer("multinma", 540.0, "by the clock"), Peer("gemtc", 9.1, "(3,000 iterations)"))
    yield Row("smoking, every node-split", data, 1.0, peers, splits)
    blocker, data = _counts("blocker/data.csv", "Control", 22, 2)
    peers = (Peer("multinma", 9.0, "(least of 9 to 40)"),)
    random_effects = partial(mp.synthesise, blocker, priors=HN5)
    yield Row("blocker, random effects", data, 0.2, peers, random_effects)
    yield Row("blocker, its fit not described", data, None, peers, partial(random_effects, fit=False))
    large, data = _counts("synthetic/binary_s200_t30.csv", "t001", 200, 30)
    peers = (Peer("multinma", 144.0), Peer("gemtc", 65.1, "(3,000 iterations)"))
    random_effects = partial(mp.synthesise, large)
    yield Row("200 studies, 30 treatments, random effects", data, 1.0, peers, random_effects)
    name = "200 studies, 30 treatments, its fit not described"
    yield Row(name, data, None, peers, partial(random_effects, fit=False))
    y, se, data = _bcg()
    pairwise = partial(mp.synthesise_pairwise, y, se, prior_tau=mp.HalfNormal(0.5))
    yield Row("BCG, Bayesian pairwise", data, 0.02, (Peer("bayesmeta", 4.9),), pairwise, 11)


def _networks_of_contrasts() -> Iterator[Row]:
    for studies, treatments, target, peers in (
        (100, 10, 0.01, (Peer("netmeta", 14.3, "(without splits)"),)),
        (1000, 50, 0.5, (Peer("netmeta", 300.0, "and not finished"),)),
        (5000, 100, 5.0, ()),
    ):
        network, data = _contrasts(studies, treatments)
        name = f"contrasts, {studies:,} studies, {treatments} treatments"
        ask = partial(mp.estimate_network, network.studies, reference=network.reference)
        yield Row(name, data, target, peers, ask, 11)
    network = made_up(100, 20)
    for method in ("shortestpath", "randomwalk"):
        ask = partial(mp.estimate_network, network, reference="t000", contributions=method, splits=False)
        name = f"contributions by {method}, 100 studies, 20 treatments"
        peers = (Peer("netmeta", 2.0, "(26 studies, 10 treatments)"),) if method == "shortestpath" else ()
        yield Row(name, "made up", 1.0, peers, ask)


def _ordered_and_adjusted() -> Iterator[Row]:
    network, data = _ordered()
    priors = mp.NetworkPriors(treatment=mp.Normal(0.0, 10.0), heterogeneity=mp.HalfNormal(2.5))
    ask = partial(mp.synthesise, network, priors=priors)
    peers = (Peer("multinma", 31.7),)
    yield Row("ordered psoriasis, random effects", data, 2.0, peers, ask)
    yield Row("ordered psoriasis, its fit not described", data, None, peers, partial(ask, fit=False))
    patients, data = _plaque()
    peers = (Peer("multinma", 89.3, "(22 of them sampling)"),)
    yield Row("ML-NMR plaque psoriasis, PASI 75", data, 3.0, peers, partial(_adjust, patients, 1), 3)
    ask, data = partial(_adjust, patients, 3), f"{data}; PASI 50 and 90 made up"
    yield Row("ML-NMR plaque psoriasis, ordered", data, 6.0, (Peer("multinma", 295.0),), ask, 3)


def _refits() -> Row:
    studies = made_up_counts(30, 6)
    assembled = assemble(studies, mp.Consistency(), reference="t000", priors=mp.NetworkPriors())
    replicates = _replicates(assembled, studies.arms)
    return Row(
        f"{REPLICATES:,} refits of 30 studies",
        "made up, 6 treatments",
        60.0,
        (),
        partial(mp.refit, assembled, replicates),
        1,
        partial(mp.refit, assembled, replicates[:500]),
    )


def _replicates(assembled: Assembled, arms: Arms | None) -> np.ndarray:
    """Counts drawn again from the share seen in each arm, shrunk so that none is certain."""
    if arms is None or arms.events is None or arms.n is None:
        raise ValueError("only counts by arm")
    share = (arms.events + 0.5) / (arms.n + 1.0)
    drawn = np.random.default_rng(20260102).binomial(arms.n.astype(int), share, (REPLICATES, len(share)))
    return drawn.astype(float)


# --- the studies ------------------------------------------------------------------------------------------


def _reference(name: str) -> Rows | None:
    """Rows of a reference data set; None where it is not here."""
    try:
        return table(reference_folder() / name)
    except Missing:
        return None


def _counts(name: str, reference: str, studies: int, treatments: int) -> tuple[Network, str]:
    found = _reference(name)
    if found is None:
        return Network(made_up_counts(studies, treatments), "t000"), f"made up for {name}"
    return arms_network(found, reference), name


def _contrasts(studies: int, treatments: int) -> tuple[Network, str]:
    """Log odds ratios of a network of counts, computed before anything is timed."""
    name = f"synthetic/binary_s{studies}_t{treatments}.csv"
    found = _reference(name)
    if found is None:
        return Network(made_up(studies, treatments), "t000"), f"made up for {name}"
    arms = arms_network(found, "t001")
    contrasts = mp.contrasts_of(arms.studies, "log odds ratio", correction=0.5, no_events="drop")
    return Network(contrasts, "t001"), name


def _bcg() -> tuple[np.ndarray, np.ndarray, str]:
    found = _reference("dat_bcg/data.csv")
    if found is None:
        random = np.random.default_rng(20260103)
        se = random.uniform(0.1, 0.7, 13)
        return random.normal(-0.7, np.sqrt(se**2 + 0.3)), se, "made up for dat_bcg/data.csv"
    y, v = np.array([[float(row["yi"]), float(row["vi"])] for row in found]).T
    return y, np.sqrt(v), "dat_bcg/data.csv"


def _ordered() -> tuple[Network, str]:
    name = "hta_psoriasis/data.csv"
    found = _reference(name)
    if found is not None:
        categories = ["PASI50", "PASI75", "PASI90"]
        return ordered_network(found, "Supportive care", categories=categories), name
    counts = made_up_counts(16, 8)
    arms = counts.arms
    if arms is None or arms.events is None:
        raise ValueError("only counts by arm")
    at_least = np.floor(arms.events[:, None] * np.array([1.0, 0.6, 0.25]))
    ordered = Arms(Outcome.ORDERED, arms.study, arms.treatment, n=arms.n, at_least=at_least)
    return Network(Studies(counts.names, counts.treatments, ordered), "t000"), f"made up for {name}"


COVARIATES = ("durnpso", "prevsys", "bsa", "weight", "psa")
CLASSES = {
    "ETN": "TNFa blocker",
    "IXE_Q2W": "IL blocker",
    "IXE_Q4W": "IL blocker",
    "SEC_150": "IL blocker",
    "SEC_300": "IL blocker",
}


@dataclass(frozen=True, eq=False)
class Patients:
    """Three trials patient by patient, one by arm with the points of its mix.

    Parameters
    ----------
    study, treatment, covariates, reached
        Of each patient; `reached` counts thresholds of PASI 50, 75 and 90, ``(patient,)``.
    mixes
        Points of each arm known as a whole, by study and treatment, ``(point, covariate)``.
    counts
        Patients of each such arm, then those at or above each threshold.
    """

    study: Sequence[str]
    treatment: Sequence[str]
    covariates: np.ndarray
    reached: np.ndarray
    mixes: Mapping[tuple[str, str], np.ndarray]
    counts: Mapping[tuple[str, str], tuple[float, ...]]


@cache
def _plaque() -> tuple[Patients, str]:
    """Patients of plaque_psoriasis with their PASI 75; what says whether they reached 50 and 90 is made up."""
    files = [
        _reference(f"plaque_psoriasis/{name}.csv") for name in ("data_ipd", "integration_points", "data_agd")
    ]
    patients, points, arms = files
    data = "plaque_psoriasis"
    if patients is None or points is None or arms is None:
        patients, points, arms = _made_up_patients()
        data = "patients made up for plaque_psoriasis"
    random = np.random.default_rng(20260104)
    reached_75 = np.array([row["pasi75"] == "1" for row in patients])
    also = random.random(len(patients))
    reached = np.where(reached_75, 2 + (also < 0.6), also < 0.4).astype(int)
    mixes: dict[tuple[str, str], list[list[float]]] = {}
    for row in points:
        mixes.setdefault((row["study"], row["treatment"]), []).append([float(row[z]) for z in COVARIATES])
    counts = {}
    for row in arms:
        r, n = float(row["pasi75_r"]), float(row["pasi75_n"])
        counts[row["studyc"], row["trtc"]] = (n, np.floor(r + 0.4 * (n - r)), r, np.floor(0.6 * r))
    found = Patients(
        [row["studyc"] for row in patients],
        [row["trtc"] for row in patients],
        np.array([[float(row[z]) for z in COVARIATES] for row in patients]),
        reached,
        {arm: np.array(values) for arm, values in mixes.items()},
        counts,
    )
    return found, data


def _made_up_patients() -> tuple[Rows, Rows, Rows]:
    """The same trials, arms and numbers, with made-up covariates and outcomes."""
    random = np.random.default_rng(20260105)
    sizes = {"PBO": 264, "ETN": 246, "IXE_Q2W": 389, "IXE_Q4W": 386}
    share = {"PBO": 0.05, "ETN": 0.45, "IXE_Q2W": 0.89, "IXE_Q4W": 0.8, "SEC_150": 0.67, "SEC_300": 0.77}

    def covariates() -> dict[str, str]:
        values = (
            random.gamma(2.0, 0.9),
            random.integers(0, 2),
            random.beta(2.0, 4.0),
            random.normal(9.0, 2.0),
            int(random.random() < 0.2),
        )
        return {z: f"{value:.2f}" for z, value in zip(COVARIATES, values, strict=True)}

    patients = [
        {"studyc": f"UNCOVER-{trial}", "trtc": arm, "pasi75": str(int(random.random() < share[arm]))}
        | covariates()
        for trial in (1, 2, 3)
        for arm, size in sizes.items()
        for _ in range(size)
    ]
    known = ("PBO", "ETN", "SEC_150", "SEC_300")
    points = [{"study": "FIXTURE", "treatment": arm} | covariates() for arm in known for _ in range(64)]
    arms = [
        {"studyc": "FIXTURE", "trtc": arm, "pasi75_r": str(round(325 * share[arm])), "pasi75_n": "325"}
        for arm in known
    ]
    return patients, points, arms


def _adjust(patients: Patients, thresholds: int) -> object:
    """From patients and arms to the effect of every treatment in every trial, or arm known as a whole."""
    category = patients.reached if thresholds == 3 else patients.reached >= 2
    arms = list(mp.individuals(patients.study, patients.treatment, patients.covariates, category, thresholds))
    populations = {}
    trial = np.array(patients.study)
    for study in dict.fromkeys(patients.study):
        points = patients.covariates[trial == study]
        populations[study] = mp.Population(points, np.full(len(points), 1.0 / len(points)))
    for (study, treatment), points in patients.mixes.items():
        n, *at_least = patients.counts[study, treatment]
        mix = mp.Population(points, np.full(len(points), 1.0 / len(points)))
        seen = tuple(at_least) if thresholds == 3 else (at_least[1],)
        arms.append(MixedArm(study, treatment, mix, n, seen))
        populations[f"{study}, {treatment}"] = mix
    ten = mp.Normal(0.0, 10.0)
    adjusted = mp.adjusted_model(
        arms,
        reference="PBO",
        covariates=COVARIATES,
        classes=CLASSES,
        priors=mp.NetworkPriors(treatment=ten, intercept=ten, regression=ten),
        common=True,
        link=Link.PROBIT,
    )
    posterior = mp.infer(adjusted.model)
    return {
        study: estimates(posterior, adjusted.effects_in(population), "probit")
        for study, population in populations.items()
    }


# --- the table --------------------------------------------------------------------------------------------


def shown(row: Row, times: Times) -> str:
    """One line: seconds, the target and whether it is kept, the peers."""
    target = "" if row.target is None else f"{row.target:g}"
    verdict = "" if row.target is None else ("kept" if times.computing <= row.target else "missed")
    peers = "; ".join(peer.beside(times.computing) for peer in row.peers) or "no peer recorded"
    figures = f"{times.computing:9.3f} {times.wall:9.3f} {target:>7} {verdict:6}"
    return f"{row.name:56} {figures}  {peers}  [{row.data}]"


def growth(kept: Mapping[str, Mapping[str, object]]) -> dict[str, float]:
    """Exponents of computing seconds in the number of studies: over all sizes, and between the last three."""
    found = {}
    for sizes in (GROWTH, GROWTH[-3:]):
        names = [f"growth: binomial random effects, {studies} studies" for studies in sizes]
        if all(name in kept for name in names):
            seconds = [float(str(kept[name]["computing"])) for name in names]
            exponent = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
            found[f"{sizes[0]} to {sizes[-1]} studies"] = round(exponent, 3)
    return found


def main(word: str) -> None:
    """Time the rows and print each as it is done; keep the record when all were taken."""
    kept: dict[str, dict[str, object]] = {}
    print(f"{'':56} {'computing':>9} {'clock':>9} {'target':>7}")
    for row in rows():
        if word not in row.name:
            continue
        times = timed(row.run, row.rounds, row.warm)
        print(shown(row, times), flush=True)
        peers = [asdict(peer) | {"ratio": times.computing / peer.seconds} for peer in row.peers]
        kept[row.name] = asdict(times) | {"target": row.target, "peers": peers, "data": row.data}
    exponents = growth(kept)
    for sizes, exponent in exponents.items():
        print(f"seconds grow with studies to the power {exponent:.2f} ({sizes})")
    if not word:
        record = {"machine": machine(), "rows": kept, "growth": exponents}
        RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
