"""Our frequentist networks against netmeta 3.3-1: `python validation/netmeta/compare.py`.

    python validation/netmeta/compare.py                 every data set
    python validation/netmeta/compare.py --only senn     part of a name
    python validation/netmeta/compare.py --record        also write record.json anew

Data and answers are read in the folder of the reference sets (beside the checkout, or where MYOPOISE_REFERENCE points).
Everything that depends on tau2 is compared at netmeta's tau2, so that the two questions (is tau2 the same, and is the
rest the same given tau2) have an answer each. The exit code is 1 when a difference is larger than it may be, else 0.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from myopoise import __version__
from myopoise.synthesis.findings import Confidence, NetworkEstimate
from myopoise.synthesis.frequentist.components import estimate_components
from myopoise.synthesis.frequentist.designs import decompose
from myopoise.synthesis.frequentist.gls import contrast_network
from myopoise.synthesis.frequentist.heterogeneity import share_of_variation
from myopoise.synthesis.frequentist.network import estimate_network
from myopoise.synthesis.studies.values import Contrasts, Studies

HERE = Path(__file__).resolve().parent
CLOSED_FORM = 1e-8
"""Relative; netmeta's answers are stored with twelve digits."""
ITERATED = 1e-4
"""Relative, or this share of a typical sampling variance: tau2 by likelihood, which netmeta iterates."""
SMALL = 1e-3
"""A number smaller than this is compared as if it were this large."""


class Missing(Exception):
    """The reference sets are not here."""


@dataclass(frozen=True)
class Case:
    """One data set of the reference folder.

    Parameters
    ----------
    folder, contrasts, answers, contributions
        Where its files are; `contributions` is empty where there are none.
    prefix
        Before ``netmeta_`` in the names of models.
    reference, direction
        As netmeta was asked.
    without_covariance
        netmeta was given neither arm sizes nor standard deviations, so its likelihoods left out the covariance inside
        studies (README).
    """

    folder: str
    reference: str
    direction: str = "lower"
    contrasts: str = "contrasts.csv"
    answers: str = "expected_netmeta.csv"
    contributions: str = "expected_netmeta_contribution_DL.csv"
    prefix: str = ""
    without_covariance: bool = False

    @property
    def name(self) -> str:
        """Folder, and what of it."""
        return f"{self.folder}/{self.prefix}netmeta"


CASES = (
    Case("senn2013", "plac", contrasts="data.csv", without_covariance=True),
    Case("linde2016", "Placebo", "higher", contrasts="data.csv", contributions="", without_covariance=True),
    Case("dong2013", "Placebo"),
    Case("gurusamy2011", "Control/Placebo"),
    Case("franchini2012", "Placebo"),
    Case(
        "franchini2012",
        "Placebo",
        contrasts="contrasts_smd.csv",
        answers="expected_netmeta_smd.csv",
        contributions="expected_netmeta_contribution_smd_DL.csv",
        prefix="smd_",
    ),
    Case("woods2010", "Placebo"),
)


@dataclass(frozen=True)
class Difference:
    """One number of netmeta with ours beside it.

    Parameters
    ----------
    quantity, what
        Name of the quantity, and of which treatments or designs.
    peer, ours
        The two numbers.
    allowed
        Largest relative difference.
    """

    quantity: str
    what: str
    peer: float
    ours: float
    allowed: float = CLOSED_FORM

    @property
    def relative(self) -> float:
        """Difference over the peer's number, or over `SMALL`."""
        return abs(self.ours - self.peer) / max(abs(self.peer), SMALL)

    @property
    def agrees(self) -> bool:
        """Whether the two are as near as they should be."""
        return self.relative <= self.allowed


def reference_folder() -> Path:
    """Where the reference sets are."""
    named = os.environ.get("MYOPOISE_REFERENCE")
    folder = Path(named) if named else HERE.parents[2] / "shared" / "reference" / "nma"
    if not folder.is_dir():
        raise Missing(f"no reference data at {folder}; set MYOPOISE_REFERENCE to the folder that holds them")
    return folder


def table(folder: str, name: str) -> list[dict[str, str]]:
    """Rows of a file of the reference folder."""
    path = reference_folder() / folder / name
    if not path.is_file():
        raise Missing(f"{folder}/{name} is not in the reference folder")
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def studies_of(rows: Iterable[Mapping[str, str]]) -> Studies:
    """All pairwise contrasts of each study, projected to contrasts that add up (Rücker 2012).

    With R the pairwise variances, the covariance of arms is ``-1/2 H R H`` (H centres); contrasts that do not add up
    are projected with the weights that this implies, and their weighted distance is the study's inconsistency.
    """
    by_study: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        if row["TE"] not in ("", "NA"):
            by_study.setdefault(row["study"], []).append(row)
    treatments = list(
        dict.fromkeys(row[c] for found in by_study.values() for row in found for c in ("treat1", "treat2"))
    )
    blocks: dict[int, list[tuple[int, list[int], np.ndarray, np.ndarray, float]]] = {}
    for place, found in enumerate(by_study.values()):
        arms = sorted({row[c] for row in found for c in ("treat1", "treat2")})
        first, second = ([arms.index(row[c]) for row in found] for c in ("treat1", "treat2"))
        y, variance = (np.array([float(row[c]) for row in found]) for c in ("TE", "seTE"))
        incidence = np.eye(len(arms))[first] - np.eye(len(arms))[second]
        pairs = np.zeros((len(arms), len(arms)))
        pairs[first, second] = pairs[second, first] = variance**2
        centre = np.eye(len(arms)) - 1.0 / len(arms)
        covariance = -0.5 * centre @ pairs @ centre
        weight = -np.linalg.pinv(covariance)[first, second]
        means = covariance @ incidence.T @ (weight * y)
        distance = float(weight @ (y - incidence @ means) ** 2) if len(arms) > 2 else 0.0
        contrast = np.hstack([-np.ones((len(arms) - 1, 1)), np.eye(len(arms) - 1)])
        names = [treatments.index(arm) for arm in arms]
        one = (place, names, contrast @ means, contrast @ covariance @ contrast.T, distance)
        blocks.setdefault(len(arms), []).append(one)
    contrasts = tuple(Contrasts(*map(np.array, zip(*blocks[k], strict=True))) for k in sorted(blocks))
    return Studies(tuple(by_study), tuple(treatments), contrasts=contrasts)


def without_covariance(studies: Studies, reference: str) -> Studies:
    """The same studies as if the contrasts of a study were independent.

    The baseline then matters: the reference where the study has it, else the last treatment in alphabetical order.
    """
    names, blocks = studies.treatments, []
    for block in studies.contrasts:
        arms, estimate, covariance = [], [], []
        for row, y, v in zip(block.treatment, block.estimate, block.covariance, strict=True):
            order = sorted(
                range(len(row)), key=lambda k: (names[row[k]] == reference, names[row[k]].casefold())
            )[::-1]
            turn = np.eye(len(row))[order[1:]] - np.eye(len(row))[order[0]]
            arms.append(row[order])
            estimate.append(turn @ np.append(0.0, y))
            covariance.append(np.diag(np.diag(turn[:, 1:] @ v @ turn[:, 1:].T)))
        blocks.append(
            replace(
                block,
                treatment=np.array(arms),
                estimate=np.array(estimate),
                covariance=np.array(covariance),
            )
        )
    return replace(studies, contrasts=tuple(blocks))


def number(text: str) -> float | None:
    """A number, or None where netmeta has none."""
    return None if text in ("", "NA") else float(text)


def compare(case: Case) -> list[Difference]:
    """Every number of one data set."""
    studies = studies_of(table(case.folder, case.contrasts))
    rows = table(case.folder, case.answers)
    found: list[Difference] = []
    for estimator in ("DL", "REML", "ML"):
        mine = [row for row in rows if row["model"] == f"{case.prefix}netmeta_{estimator}"]
        found += _compare_model(case, studies, estimator, mine)
    if case.contributions:
        found += _compare_contributions(case, studies)
    return found


def _compare_model(
    case: Case, studies: Studies, estimator: str, rows: list[dict[str, str]]
) -> Iterator[Difference]:
    (peer,) = (float(row["estimate"]) for row in rows if row["quantity"] == "tau2")
    asked = {"reference": case.reference, "direction": case.direction}
    same = without_covariance(studies, case.reference) if case.without_covariance else studies
    ours = estimate_network(same if estimator != "DL" else studies, tau_estimator=estimator, **asked).tau2
    yield Difference("tau2", estimator, peer, ours, CLOSED_FORM if estimator == "DL" else ITERATED)
    random = estimate_network(studies, tau2=peer, **asked)
    common = estimate_network(studies, effects="common", **asked)
    for row in rows:
        if row["quantity"].startswith("split"):
            yield from _split(row, common if row["quantity"].endswith("common") else random, estimator)
        else:
            yield from _effect(row, common if row["quantity"].endswith("common") else random, estimator)
    if estimator == "DL":
        yield from _designs(rows, studies, case.reference)


def _confidence(row: Mapping[str, str], ours: Confidence, sign: float, name: str) -> Iterator[Difference]:
    what = f"{row['a']} v {row['b']}"
    ends = {"lower": ours.low, "upper": ours.high} if sign > 0 else {"lower": -ours.high, "upper": -ours.low}
    for column, value in {"estimate": sign * ours.estimate, "se": ours.se, **ends}.items():
        if (peer := number(row[column])) is not None:
            yield Difference(name, f"{what}, {column}", peer, value)


def _effect(row: Mapping[str, str], ours: NetworkEstimate, estimator: str) -> Iterator[Difference]:
    quantity, pair = row["quantity"], (row["a"], row["b"])
    name, peer = f"{quantity}, {estimator}", number(row["estimate"])
    if quantity in ("common", "random"):
        yield from _confidence(row, ours.relative_effects[pair], 1.0, name)
    elif quantity == "predict":
        for column, value in zip(("lower", "upper"), ours.prediction[pair], strict=True):
            if (end := number(row[column])) is not None:
                yield Difference(name, f"{pair[0]} v {pair[1]}, {column}", end, value)
    elif quantity.startswith("pscore"):
        yield Difference(name, row["a"], float(row["estimate"]), ours.p_scores[row["a"]])
    elif quantity in (
        tests := {"Q": ours.q_total, "Q.heterogeneity": ours.q_within, "Q.inconsistency": ours.q_between}
    ):
        yield Difference(name, "", float(row["estimate"]), tests[quantity].q)
        extra = dict(part.split("=") for part in row["extra"].split(";"))
        yield Difference(name, "df", float(extra["df"]), tests[quantity].df)
        if (p := number(extra["p"])) is not None:
            yield Difference(name, "p", p, tests[quantity].p_value)
    elif quantity == "I2" and peer is not None:
        yield from _variation(row, ours, name)


def _variation(row: Mapping[str, str], ours: NetworkEstimate, name: str) -> Iterator[Difference]:
    variation = share_of_variation(ours.q_total.q, ours.q_total.df)
    for column, value in (("estimate", variation.i2), ("lower", variation.low), ("upper", variation.high)):
        if (peer := number(row[column])) is not None:
            yield Difference(name, column, peer, value)


def _split(row: Mapping[str, str], ours: NetworkEstimate, estimator: str) -> Iterator[Difference]:
    _, part, _ = row["quantity"].split("_")
    if number(row["estimate"]) is None or (part == "indirect" and not _has_both(row, ours)):
        return
    pair, name = (row["a"], row["b"]), f"{row['quantity']}, {estimator}"
    for split in ours.splits:
        if (split.treatment, split.versus) in (pair, pair[::-1]):
            sign = 1.0 if split.treatment == pair[0] else -1.0
            value = {"direct": split.direct, "indirect": split.indirect, "diff": split.difference}[part]
            yield from _confidence(row, value, sign, name)
            return
    if part == "diff":
        yield Difference(name, f"{pair[0]} v {pair[1]}, not split by us", 1.0, 0.0)


def _has_both(row: Mapping[str, str], ours: NetworkEstimate) -> bool:
    pair = (row["a"], row["b"])
    return any((split.treatment, split.versus) in (pair, pair[::-1]) for split in ours.splits)


def _designs(rows: list[dict[str, str]], studies: Studies, reference: str) -> Iterator[Difference]:
    """Designs are only numbered in the answers, so their values are compared as sorted lists."""
    ours = decompose(contrast_network(studies, reference))
    peer = {
        q: sorted(float(r["estimate"]) for r in rows if r["quantity"] == q)
        for q in ("Q_het_design", "Q_inc_detach")
    }
    within = sorted(design.within.q for design in ours.designs)
    for theirs, mine in zip(peer["Q_het_design"], within, strict=True):
        yield Difference("Q_het_design", "sorted", theirs, mine)
    detached = [design.detached.q for design in ours.designs if design.detached]
    for theirs in peer["Q_inc_detach"]:
        yield Difference("Q_inc_detach", "nearest", theirs, min(detached, key=lambda q: abs(q - theirs)))
    (random,) = (row for row in rows if row["quantity"] == "Q_inc_random")
    yield Difference("Q_inc_random", "", float(random["estimate"]), ours.between_random.q)


def _compare_contributions(case: Case, studies: Studies) -> Iterator[Difference]:
    ours = estimate_network(
        studies, reference=case.reference, tau_estimator="DL", contributions="shortestpath", splits=False
    ).contributions
    for row in table(case.folder, case.contributions):
        a, b = row.pop("comparison").split(" vs ")
        mine = ours.get((a, b)) or ours[b, a]
        for column, value in row.items():
            c, d = column.split(" vs ")
            share = mine.get((c, d), mine.get((d, c), 0.0))
            yield Difference("contribution", f"{a} v {b}: {column}", float(value), share)


def compare_components() -> list[Difference]:
    """The additive model of Linde 2016."""
    studies = studies_of(table("linde2016", "data.csv"))
    random = estimate_components(studies, reference="Placebo", tau_estimator="DL")
    common = estimate_components(studies, reference="Placebo", effects="common")
    found: list[Difference] = []
    for row in table("linde2016", "expected_netcomb.csv"):
        quantity = row["quantity"]
        if quantity.startswith("component"):
            mine = (common if quantity.endswith("common") else random).components[row["a"]]
            found += _confidence(row, mine, 1.0, quantity)
        elif quantity == "random":
            found += _confidence(row, random.relative_effects[row["a"], row["b"]], 1.0, quantity)
        else:
            value = {
                "tau": random.tau2**0.5,
                "Q.additive": common.q_additive.q,
                "Q.diff": common.q_difference.q,
            }
            found.append(Difference(quantity, "", float(row["estimate"]), value[quantity]))
    return found


def compare_synthetic(name: str) -> list[Difference]:
    """Log odds ratios of a synthetic network; half an event is added to each cell of a study with an empty one."""
    arms: dict[str, list[tuple[str, float, float]]] = {}
    for row in table("synthetic", f"{name}.csv"):
        arms.setdefault(row["study"], []).append((row["treatment"], float(row["r"]), float(row["n"])))
    rows = []
    for study, found in arms.items():
        add = 0.5 if any(r in (0.0, n) for _, r, n in found) else 0.0
        sizes = [
            (t, np.log((r + add) / (n - r + add)), 1 / (r + add) + 1 / (n - r + add)) for t, r, n in found
        ]
        rows += [
            {
                "study": study,
                "treat1": a,
                "treat2": b,
                "TE": repr(float(x - y)),
                "seTE": repr(float((v + w) ** 0.5)),
            }
            for place, (a, x, v) in enumerate(sizes)
            for b, y, w in sizes[place + 1 :]
        ]
    studies = studies_of(rows)
    random = estimate_network(studies, reference="t001", tau_estimator="DL", splits=False)
    common = estimate_network(studies, reference="t001", effects="common", splits=False)
    compared: list[Difference] = []
    for row in table("synthetic", f"expected_netmeta_{name}.csv"):
        compared.append(Difference("tau", "", float(row["tau"]), random.tau2**0.5))
        compared.append(Difference("Q", "", float(row["Q"]), random.q_total.q))
        if row["treatment"] != "t001":
            pair = (row["treatment"], "t001")
            one, other = random.relative_effects[pair], common.relative_effects[pair]
            columns = {
                "TE_random_vs_t001": one.estimate,
                "se": one.se,
                "TE_common_vs_t001": other.estimate,
                "se_common": other.se,
            }
            compared += [Difference(c, pair[0], float(row[c]), value) for c, value in columns.items()]
    return compared


SYNTHETIC = ("binary_s100_t10", "binary_s1000_t10")


def everything() -> dict[str, tuple[str, ...]]:
    """Names of what can be compared, and what each needs to be run."""
    return {
        **{case.name: ("network", str(place)) for place, case in enumerate(CASES)},
        "linde2016/netcomb": ("components",),
        **{f"synthetic/{name}": ("synthetic", name) for name in SYNTHETIC},
    }


def run(name: str) -> list[Difference]:
    """Compare one of `everything`."""
    kind, *rest = everything()[name]
    if kind == "network":
        return compare(CASES[int(rest[0])])
    return compare_components() if kind == "components" else compare_synthetic(rest[0])


def main() -> int:
    """Compare what was asked for, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    good, compared = True, {}
    for name in everything():
        if given.only not in name:
            continue
        try:
            found = run(name)
        except Missing as reason:
            print(f"{name:32} skipped: {reason}")
            continue
        exact = [d for d in found if d.allowed == CLOSED_FORM]
        worst = max(exact, key=lambda d: d.relative)
        bad = [d for d in found if not d.agrees]
        good = good and not bad
        print(
            f"{name:32} {len(found):6,} numbers  largest {worst.relative:.1e}  {'DIFFERS' if bad else 'agrees'}"
        )
        for d in bad:
            print(f"    {d.quantity} {d.what}: netmeta {d.peer:.9g}, ours {d.ours:.9g}")
        compared[name] = {"numbers": len(found), "largest_relative_difference": worst.relative}
    if given.record and not given.only and len(compared) == len(everything()):
        record = {
            "peer": "netmeta",
            "version": "3.3-1",
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            "myopoise": __version__,
            "allowed": {"closed form": CLOSED_FORM, "tau2 by likelihood": ITERATED},
            "cases": compared,
        }
        (HERE / "record.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
