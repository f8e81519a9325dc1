"""Networks by routes that share no code with the engine: closed forms, dense grids of tau, other layouts of a fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from myopoise.estimate import Estimate
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.models.structures import NetworkPriors
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies
from myopoise.synthesis.synthesising import synthesise

Floats = NDArray[np.float64]
Row = tuple[str, str, float, float]
"""Study, treatment, and mean with its standard error or events with n."""

MEANS: list[Row] = [
    ("one", "a", 0.1, 0.20),
    ("one", "b", 0.9, 0.25),
    ("two", "b", 0.4, 0.30),
    ("two", "c", 0.2, 0.20),
    ("three", "a", -0.3, 0.20),
    ("three", "b", 0.1, 0.35),
    ("three", "c", 0.6, 0.25),
    ("four", "c", 1.0, 0.15),
    ("four", "a", 0.2, 0.30),
    ("five", "b", 0.5, 0.40),
    ("five", "a", 0.3, 0.20),
]
COUNTS: list[Row] = [
    ("one", "a", 9, 40),
    ("one", "b", 18, 42),
    ("two", "b", 12, 30),
    ("two", "c", 10, 33),
    ("three", "a", 4, 25),
    ("three", "b", 11, 27),
    ("three", "c", 9, 24),
    ("four", "c", 15, 50),
    ("four", "a", 8, 48),
]
PAIRS = [("b", "a"), ("c", "a"), ("c", "b")]


@dataclass(frozen=True, eq=False)
class Network:
    studies: Studies
    reference: str


def by_arm(rows: Sequence[Row], outcome: Outcome = Outcome.NORMAL, reference: str = "a") -> Network:
    names, treatments = (tuple(dict.fromkeys(str(row[k]) for row in rows)) for k in (0, 1))
    rows = sorted(rows, key=lambda row: names.index(row[0]))
    first, second = np.array([row[2:] for row in rows], dtype=float).T
    seen = {"mean": first, "se": second} if outcome is Outcome.NORMAL else {"events": first, "n": second}
    study = np.array([names.index(row[0]) for row in rows])
    treatment = np.array([treatments.index(row[1]) for row in rows])
    return Network(Studies(names, treatments, Arms(outcome, study, treatment, **seen)), reference)


def by_contrast(rows: Sequence[Row], first_arm: Mapping[str, str] | None = None) -> Network:
    """The same studies as differences from one of their arms."""
    names, treatments = (tuple(dict.fromkeys(str(row[k]) for row in rows)) for k in (0, 1))
    blocks: dict[int, list[tuple[int, list[Row]]]] = {}
    for s, name in enumerate(names):
        arms = [row for row in rows if row[0] == name]
        first = (first_arm or {}).get(name, arms[0][1])
        arms = sorted(arms, key=lambda row: row[1] != first)
        blocks.setdefault(len(arms), []).append((s, arms))
    contrasts = []
    for count in sorted(blocks):
        study = np.array([s for s, _ in blocks[count]])
        treatment = np.array([[treatments.index(row[1]) for row in arms] for _, arms in blocks[count]])
        mean = np.array([[row[2] for row in arms] for _, arms in blocks[count]])
        variance = np.array([[row[3] ** 2 for row in arms] for _, arms in blocks[count]])
        covariance = variance[:, :1, None] + variance[:, 1:, None] * np.eye(count - 1)
        contrasts.append(
            Contrasts(study, treatment, mean[:, 1:] - mean[:, :1], covariance, np.zeros(len(study)))
        )
    return Network(Studies(names, treatments, contrasts=tuple(contrasts)), "a")


def answers(found: NetworkSynthesis) -> Floats:
    """Mean, sd and the ends of every relative effect, and of tau."""
    every: list[Estimate] = [found.relative_effects[pair] for pair in PAIRS]
    every += found.heterogeneity.values()
    return np.array([[e.mean, e.sd, e.low, e.high] for e in every])


FLAT = NetworkPriors(treatment=Normal(0.0, 10.0), intercept=Normal(0.0, 1e4), heterogeneity=HalfNormal(0.5))


def difference_rows(rows: Sequence[Row], tau: float) -> tuple[Floats, Floats, Floats]:
    """Contrasts of all studies with their design and covariance, from the arms and their own terms."""
    estimates, designs, blocks = [], [], []
    for name in dict.fromkeys(row[0] for row in rows):
        arms = [row for row in rows if row[0] == name]
        take = np.c_[-np.ones(len(arms) - 1), np.eye(len(arms) - 1)]
        design = np.array([[float(row[1] == t) for t in "bc"] for row in arms])
        variance = np.diag([row[3] ** 2 + tau**2 / 2 for row in arms])
        estimates.append(take @ np.array([row[2] for row in arms]))
        designs.append(take @ design)
        blocks.append(take @ variance @ take.T)
    size = sum(len(e) for e in estimates)
    covariance, at = np.zeros((size, size)), 0
    for block in blocks:
        covariance[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return np.concatenate(estimates), np.concatenate(designs), covariance


def conditional(rows: Sequence[Row], tau: float, prior_sd: float = 10.0) -> tuple[float, Floats, Floats]:
    """Log evidence given tau, and mean and covariance of the effects of b and c against a."""
    y, design, covariance = difference_rows(rows, tau)
    marginal = covariance + prior_sd**2 * design @ design.T
    inverse = np.linalg.inv(covariance)
    posterior = np.linalg.inv(design.T @ inverse @ design + np.eye(2) / prior_sd**2)
    mean = posterior @ design.T @ inverse @ y
    return float(stats.multivariate_normal(np.zeros(len(y)), marginal).logpdf(y)), mean, posterior


@pytest.mark.parametrize("laid", [by_arm(MEANS), by_contrast(MEANS)], ids=["arms", "contrasts"])
def test_common_effects_of_normal_results_are_generalised_least_squares(laid: Network) -> None:
    found = synthesise(laid, priors=FLAT, effects="common", fit=False)
    _, mean, covariance = conditional(MEANS, 0.0)
    for pair, row in zip(PAIRS, np.array([[1, 0], [0, 1], [-1, 1]]), strict=True):
        e = found.relative_effects[pair]
        sd = float(np.sqrt(row @ covariance @ row))
        assert e.mean == pytest.approx(row @ mean, abs=1e-6)
        assert e.sd == pytest.approx(sd, rel=1e-6)
        assert (e.low, e.high) == pytest.approx(stats.norm(row @ mean, sd).ppf([0.025, 0.975]), abs=1e-6)


@pytest.mark.parametrize("laid", [by_arm(MEANS), by_contrast(MEANS)], ids=["arms", "contrasts"])
def test_random_effects_of_normal_results_agree_with_a_dense_grid_of_tau(laid: Network) -> None:
    tau = np.linspace(0.0, 4.0, 1001)
    given = [conditional(MEANS, t) for t in tau]
    log_weight = np.array([g[0] for g in given]) + stats.halfnorm(scale=0.5).logpdf(tau)
    weight = np.exp(log_weight - log_weight.max())
    weight[[0, -1]] /= 2.0
    weight /= weight.sum()
    found = synthesise(laid, priors=FLAT, fit=False)
    spread = found.heterogeneity["tau"]
    mean_tau = float(weight @ tau)
    assert spread.mean == pytest.approx(mean_tau, rel=1e-3)
    assert spread.sd == pytest.approx(np.sqrt(weight @ (tau - mean_tau) ** 2), rel=2e-3)
    for pair, row in zip(PAIRS, np.array([[1, 0], [0, 1], [-1, 1]]), strict=True):
        centre = np.array([row @ g[1] for g in given])
        variance = np.array([row @ g[2] @ row for g in given])
        mean = weight @ centre
        e, later = found.relative_effects[pair], found.predictive[pair]
        square = weight @ (variance + (centre - mean) ** 2)
        assert e.mean == pytest.approx(mean, abs=1e-4)
        assert e.sd == pytest.approx(np.sqrt(square), rel=2e-4)
        below = weight @ stats.norm(centre, np.sqrt(variance)).cdf(e.low)
        assert below == pytest.approx(0.025, abs=1e-4)
        # In a new study: the same mean, and the spread between studies on top.
        assert later.mean == pytest.approx(mean, abs=1e-4)
        assert later.sd**2 == pytest.approx(square + weight @ tau**2, rel=1e-3)
        assert later.sd**2 == pytest.approx(e.sd**2 + spread.mean**2 + spread.sd**2, rel=2e-3)


def test_contrasts_say_what_arms_say() -> None:
    arms, contrasts = (
        synthesise(laid, priors=FLAT, fit=False) for laid in (by_arm(MEANS), by_contrast(MEANS))
    )
    assert answers(contrasts) == pytest.approx(answers(arms), abs=1e-4)


def test_which_arm_contrasts_are_taken_from_does_not_matter() -> None:
    one = synthesise(by_contrast(MEANS), priors=FLAT, fit=False)
    other = synthesise(by_contrast(MEANS, {"one": "b", "three": "c", "four": "a"}), priors=FLAT, fit=False)
    assert answers(other) == pytest.approx(answers(one), abs=1e-9)


def test_studies_by_arm_and_by_contrast_make_one_network() -> None:
    whole = synthesise(by_arm(MEANS), priors=FLAT, fit=False)
    first = [row for row in MEANS if row[0] in ("one", "four")]
    rest = [row for row in MEANS if row not in first]
    arms, contrasts = by_arm(first).studies, by_contrast(rest).studies
    names = arms.names + contrasts.names
    treatments = ("a", "b", "c")
    assert arms.arms is not None
    moved = replace(
        arms.arms, treatment=np.array([treatments.index(arms.treatments[t]) for t in arms.arms.treatment])
    )
    place = np.array([treatments.index(t) for t in contrasts.treatments])
    blocks = tuple(
        replace(block, study=block.study + len(arms.names), treatment=place[block.treatment])
        for block in contrasts.contrasts
    )
    mixed = synthesise(Network(Studies(names, treatments, moved, blocks), "a"), priors=FLAT, fit=False)
    assert answers(mixed) == pytest.approx(answers(whole), abs=1e-4)


@pytest.mark.parametrize(
    ("rows", "outcome"), [(MEANS, Outcome.NORMAL), (COUNTS, Outcome.BINOMIAL)], ids=["means", "counts"]
)
def test_the_order_of_arms_studies_and_treatments_does_not_matter(rows: list[Row], outcome: Outcome) -> None:
    one = synthesise(by_arm(rows, outcome), fit=False)
    shuffled = [rows[i] for i in np.random.default_rng(5).permutation(len(rows))]
    other = synthesise(by_arm(shuffled, outcome), fit=False)
    assert answers(other) == pytest.approx(answers(one), abs=1e-6)


@pytest.mark.parametrize("effects", ["common", "random"])
def test_effects_do_not_depend_on_the_reference_under_vague_priors(effects: str) -> None:
    """Exactly so only where effects have a flat prior: with sd 1,000 it moves nothing to five digits."""
    priors = NetworkPriors(
        treatment=Normal(0.0, 1e3), intercept=Normal(0.0, 1e4), heterogeneity=HalfNormal(0.5)
    )
    one, other = (
        synthesise(by_arm(MEANS, reference=name), priors=priors, effects=effects, fit=False)  # type: ignore[arg-type]
        for name in ("a", "c")
    )
    assert answers(other) == pytest.approx(answers(one), abs=2e-4)


def test_counts_do_not_depend_on_the_reference_beyond_their_numerical_error() -> None:
    one, other = (
        synthesise(by_arm(COUNTS, Outcome.BINOMIAL, name), draws=4096, fit=False) for name in ("a", "c")
    )
    sd = answers(one)[:, 1:2]
    assert (np.abs(answers(other) - answers(one)) / sd).max() < 0.04


def test_another_unit_of_measurement_rescales_every_answer() -> None:
    """A thousandfold: grams for kilograms."""
    grams = [(s, t, 1000.0 * mean, 1000.0 * se) for s, t, mean, se in MEANS]
    priors = NetworkPriors(
        treatment=Normal(0.0, 1e4), intercept=Normal(0.0, 1e7), heterogeneity=HalfNormal(500.0)
    )
    one = synthesise(by_arm(MEANS), priors=FLAT, fit=False)
    other = synthesise(by_arm(grams), priors=priors, fit=False)
    assert answers(other) / 1000.0 == pytest.approx(answers(one), rel=1e-5, abs=1e-7)


def test_turning_counts_into_their_complement_turns_every_effect_around() -> None:
    failures = [(s, t, n - events, n) for s, t, events, n in COUNTS]
    one = synthesise(by_arm(COUNTS, Outcome.BINOMIAL), fit=False)
    other = synthesise(by_arm(failures, Outcome.BINOMIAL), fit=False)
    for pair in PAIRS:
        ours, mirrored = one.relative_effects[pair], other.relative_effects[pair]
        assert ours.mean == pytest.approx(-mirrored.mean, abs=0.02 * ours.sd)
        assert (ours.low, ours.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=0.05 * ours.sd)
    assert one.heterogeneity["tau"].mean == pytest.approx(other.heterogeneity["tau"].mean, rel=0.01)


def test_the_effects_of_a_network_add_up() -> None:
    found = synthesise(by_arm(COUNTS, Outcome.BINOMIAL), fit=False).relative_effects
    total = found["b", "a"].mean + found["c", "b"].mean
    assert found["c", "a"].mean == pytest.approx(total, abs=1e-9)
    assert found["a", "c"].low == pytest.approx(-found["c", "a"].high)


def test_ranks_are_distributions_and_sucra_is_their_mean() -> None:
    found = synthesise(by_arm(COUNTS, Outcome.BINOMIAL), fit=False)
    table = np.array([rank.probabilities for rank in found.ranking])
    assert table.sum(1) == pytest.approx(1.0)
    assert table.sum(0) == pytest.approx(1.0, abs=0.01)
    for rank in found.ranking:
        assert rank.mean_rank == pytest.approx(rank.probabilities @ np.arange(1.0, 4.0))
        cumulative = np.cumsum(rank.probabilities)[:-1]
        assert rank.sucra == pytest.approx(cumulative.mean())  # area under the cumulative ranks
    lower = {
        r.treatment: r
        for r in synthesise(by_arm(COUNTS, Outcome.BINOMIAL), direction="lower", fit=False).ranking
    }
    for rank in found.ranking:
        assert lower[rank.treatment].probabilities == pytest.approx(rank.probabilities[::-1], abs=1e-9)


def test_with_two_treatments_the_chance_of_being_best_is_the_chance_that_the_effect_is_positive() -> None:
    rows = [row for row in MEANS if row[1] != "c" and row[0] not in ("two", "four")]
    found = synthesise(by_arm(rows), priors=FLAT, effects="common", fit=False)
    e = found.relative_effects["b", "a"]
    best = {rank.treatment: rank.probabilities[0] for rank in found.ranking}
    assert best["b"] == pytest.approx(stats.norm(e.mean, e.sd).sf(0.0), abs=0.01)
