"""Every structure of effects against designs written out by hand, and what structures have in common.

The second route shares nothing with the builders. Each study is reduced to the differences from one of its arms; their
design is written out here, arm terms are the covariance tau^2 / 2 (I + J), and further standard deviations enter the
covariance too where they govern terms that nobody asks for. Given the standard deviations the posterior is Gaussian;
they are summed over on a dense grid with the Gaussian evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr

import myopoise as mp
from myopoise.estimate import Estimate
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.studies.network import StudyNetwork
from myopoise.synthesis.studies.values import Contrasts, Studies

Floats = NDArray[np.float64]
Effects = Literal["random", "common"]
Row = tuple[str, str, float, float]
"""Study, treatment, mean, standard error."""
Effect = Callable[[str, str], Mapping[str, float]]
"""What adds up to the effect of a treatment in a study: a factor for each parameter by name."""

# --- the studies -----------------------------------------------------------------------------------------------------

ROWS: list[Row] = [
    ("one", "p", 0.10, 0.20), ("one", "a", 0.92, 0.25),
    ("two", "p", -0.31, 0.22), ("two", "a", 0.05, 0.20),
    ("three", "p", 0.40, 0.18), ("three", "b", 0.73, 0.24),
    ("four", "a", 1.10, 0.21), ("four", "b", 0.55, 0.26),
    ("five", "p", 0.22, 0.19), ("five", "a", 0.81, 0.23), ("five", "c", 1.64, 0.28),
    ("six", "b", 0.38, 0.30), ("six", "c", 1.71, 0.25),
    ("seven", "p", -0.05, 0.24), ("seven", "c", 0.67, 0.22),
    ("eight", "p", 0.15, 0.21), ("eight", "b", 0.95, 0.20),
]  # fmt: skip
"""Closed loops, one study of three arms, and every treatment against the reference p."""
DOSE = {
    "one": 1.0,
    "two": 3.0,
    "three": 2.0,
    "four": 0.5,
    "five": 2.5,
    "six": 1.5,
    "seven": 4.0,
    "eight": 3.5,
}
ORDER = "pabcd"
"""Reference first."""


def by_arm(
    rows: Sequence[Row], covariate: Mapping[str, float] | None = None, reference: str = "p"
) -> StudyNetwork:
    table = dict(zip(("study", "treatment", "mean", "se"), map(list, zip(*rows, strict=True)), strict=True))
    if covariate is not None:
        table["dose"] = [covariate[row[0]] for row in rows]
    return mp.network(mp.studies_from(table, single_arms=True).studies, reference=reference)  # type: ignore[no-any-return]


def arms_of(rows: Sequence[Row]) -> dict[str, list[Row]]:
    return {name: [row for row in rows if row[0] == name] for name in dict.fromkeys(row[0] for row in rows)}


def by_contrast(
    rows: Sequence[Row], covariate: Mapping[str, float] | None = None, reference: str = "p"
) -> StudyNetwork:
    """The same studies as differences; every second study starts from its last arm."""
    studies = arms_of(rows)
    names, treatments = tuple(studies), tuple(dict.fromkeys(row[1] for row in rows))
    blocks = []
    for count in sorted({len(arms) for arms in studies.values()}):
        here = [s for s, name in enumerate(names) if len(studies[name]) == count]
        turned = [studies[names[s]][:: -1 if s % 2 else 1] for s in here]
        mean, se = (np.array([[row[k] for row in arms] for arms in turned], dtype=float) for k in (2, 3))
        blocks.append(
            Contrasts(
                np.array(here),
                np.array([[treatments.index(row[1]) for row in arms] for arms in turned]),
                mean[:, 1:] - mean[:, :1],
                se[:, :1, None] ** 2 + se[:, 1:, None] ** 2 * np.eye(count - 1),
                np.zeros(len(here)),
                {} if covariate is None else {"dose": np.array([covariate[names[s]] for s in here])},
            )
        )
    return mp.network(Studies(names, treatments, contrasts=tuple(blocks)), reference=reference)  # type: ignore[no-any-return]


LAYOUTS = {"arms": by_arm, "contrasts": by_contrast}
laid_out = pytest.mark.parametrize("layout", LAYOUTS)

# --- the second route ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Differences:
    """Every study as differences from its first arm in the order of the treatments."""

    study: tuple[str, ...]
    first: tuple[str, ...]
    other: tuple[str, ...]
    value: Floats
    sampling: Floats
    between: Floats
    """What tau squared is multiplied with: 1 on the diagonal, 1/2 inside a study."""

    @classmethod
    def of(cls, rows: Sequence[Row], order: Sequence[str] = ORDER) -> Differences:
        kept = []
        for arms in arms_of(rows).values():
            first, *others = sorted(arms, key=lambda row: order.index(row[1]))
            kept += [(first, other) for other in others]
        same = np.array([[float(a[0][0] == b[0][0]) for b in kept] for a in kept])
        one = np.eye(len(kept))
        shared = np.array([first[3] ** 2 for first, _ in kept])
        own = np.array([other[3] ** 2 for _, other in kept])
        return cls(
            tuple(first[0] for first, _ in kept),
            tuple(first[1] for first, _ in kept),
            tuple(other[1] for _, other in kept),
            np.array([other[2] - first[2] for first, other in kept]),
            same * shared + one * own,
            0.5 * (same + one),
        )

    def design(self, effect: Effect, parameters: Sequence[str]) -> Floats:
        rows = np.zeros((len(self.value), len(parameters)))
        for i, (s, a, b) in enumerate(zip(self.study, self.first, self.other, strict=True)):
            for sign, treatment in ((1.0, b), (-1.0, a)):
                for name, factor in effect(treatment, s).items():
                    rows[i, parameters.index(name)] += sign * factor
        return rows


@dataclass(frozen=True, eq=False)
class Exact:
    """Gaussians of the parameters over a grid of standard deviations."""

    parameters: tuple[str, ...]
    sd: Floats
    weight: Floats
    mean: Floats
    covariance: Floats

    def row(self, factors: Mapping[str, float]) -> Floats:
        return np.array([factors.get(name, 0.0) for name in self.parameters])

    def moments(self, factors: Mapping[str, float], new_study: bool = False) -> tuple[Floats, Floats]:
        """Centre and sd of a sum of parameters at each point of the grid."""
        row = self.row(factors)
        variance = np.einsum("i,gij,j->g", row, self.covariance, row)
        return self.mean @ row, np.sqrt(variance + (self.sd[:, 0] ** 2 if new_study else 0.0))

    def assert_is(
        self, found: Estimate, factors: Mapping[str, float], close: float, new_study: bool = False
    ) -> None:
        """Mean and sd within `close` posterior sd, and quantiles where they cut the right share off."""
        centre, spread = self.moments(factors, new_study)
        mean = float(self.weight @ centre)
        sd = float(np.sqrt(self.weight @ (spread**2 + (centre - mean) ** 2)))
        assert found.mean == pytest.approx(mean, abs=close * sd)
        assert found.sd == pytest.approx(sd, rel=close)
        for value, level in ((found.low, 0.025), (found.median, 0.5), (found.high, 0.975)):
            assert self.weight @ ndtr((value - centre) / np.maximum(spread, 1e-12)) == pytest.approx(
                level, abs=close
            )

    def assert_spread_is(self, found: Estimate, which: int, close: float) -> None:
        """A standard deviation: its mean, sd and the ends of its interval."""
        value = self.sd[:, which]
        mean = float(self.weight @ value)
        assert found.mean == pytest.approx(mean, rel=close)
        assert found.sd == pytest.approx(np.sqrt(self.weight @ (value - mean) ** 2), rel=close)
        grid = np.unique(value)
        share = np.array([self.weight[value == point].sum() for point in grid])
        below = np.r_[0.0, np.cumsum(share)[1:] - 0.5 * share[1:]]
        assert np.interp([found.low, found.median, found.high], grid, below) == pytest.approx(
            [0.025, 0.5, 0.975], abs=close
        )


def summed_over_a_grid(
    value: Floats,
    design: Floats,
    parameters: Sequence[str],
    covariance: Callable[[Floats], Floats],
    prior_sd: Callable[[Floats], Floats],
    scales: Sequence[float],
    points: int = 0,
    prior_mean: Floats | None = None,
) -> Exact:
    """Gaussian given the standard deviations, which have half-normal priors with the given scales.

    Everything is even in a standard deviation, so that the trapezoid rule from zero has no error to speak of.
    """
    centre = np.zeros(len(parameters)) if prior_mean is None else prior_mean
    value = value - design @ centre
    count = points or (301 if len(scales) == 1 else 71)
    axes = [np.linspace(0.0, 5.0 * scale, count) for scale in scales]
    grid = (
        np.array(np.meshgrid(*axes, indexing="ij")).reshape(len(scales), -1).T if scales else np.zeros((1, 0))
    )
    log_height = stats.norm.logpdf(grid, 0.0, np.array(scales)).sum(1) + np.log(
        np.where(grid == 0.0, 0.5, 1.0)
    ).sum(1)
    noise = np.array([covariance(sd) for sd in grid])
    prior = np.array([prior_sd(sd) for sd in grid]) ** 2
    shared = np.einsum("nk,gk->gnk", design, prior)
    marginal = noise + shared @ design.T
    gain = np.linalg.solve(marginal, shared)
    mean = centre + np.einsum("gnk,n->gk", gain, value)
    posterior = prior[:, :, None] * np.eye(len(parameters)) - np.swapaxes(shared, 1, 2) @ gain
    _, size = np.linalg.slogdet(marginal)
    residual = np.linalg.solve(marginal, np.tile(value[:, None], (len(grid), 1, 1)))[..., 0]
    log_height = log_height - 0.5 * (size + residual @ value)
    weight = np.exp(log_height - log_height.max())
    return Exact(tuple(parameters), grid, weight / weight.sum(), mean, posterior)


EFFECT_SD, SLOPE_SD, TAU, SPREAD = 10.0, 3.0, 0.5, 0.7
PRIORS = mp.NetworkPriors(
    treatment=mp.Normal(0.0, EFFECT_SD),
    intercept=mp.Normal(0.0, 1e4),
    heterogeneity=mp.HalfNormal(TAU),
    regression=mp.Normal(0.0, SLOPE_SD),
    spread=mp.HalfNormal(SPREAD),
)


def by_hand(
    seen: Differences,
    effects: Effects,
    effect: Effect,
    parameters: Sequence[str],
    prior_sd: Callable[[float], Sequence[float]],
    further: Callable[[float], Floats] | None = None,
    spread: bool = False,
) -> Exact:
    """The posterior, where one standard deviation beside tau may govern parameters or the further covariance."""
    random = effects == "random"

    def covariance(sd: Floats) -> Floats:
        tau = sd[0] if random else 0.0
        more = further(sd[-1]) if further is not None else 0.0
        return np.asarray(seen.sampling + tau**2 * seen.between + more)

    return summed_over_a_grid(
        seen.value,
        seen.design(effect, parameters),
        parameters,
        covariance,
        lambda sd: np.array(prior_sd(sd[-1] if spread else 0.0)),
        [TAU] * random + [SPREAD] * spread,
    )


def of_treatment(treatment: str, _: str = "") -> dict[str, float]:
    """Consistency: a parameter of each treatment but the reference."""
    return {} if treatment == "p" else {treatment: 1.0}


def less(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) - other.get(name, 0.0) for name in {**one, **other}}


def assert_all_effects(
    found: NetworkSynthesis,
    exact: Exact,
    effects: Effects,
    effect: Callable[[str], Mapping[str, float]],
    close: float,
) -> None:
    """Every pair, now and in a new study."""
    assert len(found.relative_effects) == len(found.treatments) * (len(found.treatments) - 1)
    for (one, other), e in found.relative_effects.items():
        factors = less(effect(one), effect(other))
        exact.assert_is(e, factors, close)
        exact.assert_is(found.predictive[one, other], factors, close, new_study=effects == "random")


CLOSE = {"common": 1e-6, "random": 5e-4}
"""One standard deviation is summed over on nodes of the engine's own; without one, both routes are closed forms."""
CLOSE_TWO = 1.5e-2
"""Two standard deviations: fewer nodes each."""

CLOSE_THREE = 5e-2
"""Three: nodes are quasi-random, and what they leave is stated as a Monte Carlo error."""

VAGUE = replace(PRIORS, treatment=mp.Normal(0.0, 1e3), regression=mp.Normal(0.0, 1e3))
"""For identities that hold under a flat prior of effects: this one moves nothing to five digits."""

both = pytest.mark.parametrize("effects", ["common", "random"])


# --- consistency and unrelated means ---------------------------------------------------------------------------------


@laid_out
@both
def test_consistent_effects_in_a_network_of_loops(layout: str, effects: Effects) -> None:
    found = mp.synthesise(LAYOUTS[layout](ROWS), mp.Consistency(), PRIORS, effects=effects, fit=False)
    exact = by_hand(Differences.of(ROWS), effects, of_treatment, "abc", lambda _: [EFFECT_SD] * 3)
    assert_all_effects(found, exact, effects, of_treatment, CLOSE[effects])
    if effects == "random":
        exact.assert_spread_is(found.heterogeneity["tau"], 0, 2e-3)


def own_of_pair(seen: Differences) -> Effect:
    """Unrelated means: a parameter of each comparison with a study's first arm."""
    first = dict(zip(seen.study, seen.first, strict=True))
    return lambda treatment, study: (
        {} if treatment == first[study] else {f"{treatment} v {first[study]}": 1.0}
    )


@laid_out
@both
def test_unrelated_means_give_each_comparison_its_own_studies_only(layout: str, effects: Effects) -> None:
    found = mp.synthesise(LAYOUTS[layout](ROWS), mp.UnrelatedMeans(), PRIORS, effects=effects, fit=False)
    seen = Differences.of(ROWS)
    names = sorted({f"{b} v {a}" for a, b in zip(seen.first, seen.other, strict=True)})
    exact = by_hand(seen, effects, own_of_pair(seen), names, lambda _: [EFFECT_SD] * len(names))
    compared = {tuple(name.split(" v ")) for name in names}
    assert set(found.relative_effects) == compared | {(b, a) for a, b in compared}
    for one, other in compared:
        factors = {f"{one} v {other}": 1.0}
        exact.assert_is(found.relative_effects[one, other], factors, CLOSE[effects])
        exact.assert_is(found.predictive[one, other], factors, CLOSE[effects], effects == "random")
        turned = found.relative_effects[other, one]
        assert (turned.mean, turned.low) == (
            -found.relative_effects[one, other].mean,
            -found.relative_effects[one, other].high,
        )
    assert found.ranking == ()


# --- split nodes -----------------------------------------------------------------------------------------------------


def split(treatment: str, versus: str) -> Effect:
    """Where a study gives both, the treatment of the split has the direct effect."""
    given = {study: {row[1] for row in arms} for study, arms in arms_of(ROWS).items()}

    def effect(name: str, study: str) -> dict[str, float]:
        direct = name == treatment and {treatment, versus} <= given[study]
        return {**of_treatment(name), **({"omega": 1.0} if direct else {})}

    return effect


@laid_out
@both
def test_every_split_node_has_its_direct_and_its_indirect_effect(layout: str, effects: Effects) -> None:
    """In the study of three arms, a v p and c v p stand with a and c, and c v a with c: where `NodeSplit` says."""
    found = mp.synthesise_splits(LAYOUTS[layout](ROWS), PRIORS, effects=effects, fit=False)
    assert [(s.treatment, s.versus) for s in found.splits] == [
        ("a", "p"), ("b", "p"), ("b", "a"), ("c", "p"), ("c", "a"), ("c", "b"),
    ]  # fmt: skip
    for one in found.splits:
        exact = by_hand(
            Differences.of(ROWS), effects, split(one.treatment, one.versus), ["a", "b", "c", "omega"],
            lambda _: [EFFECT_SD] * 4,
        )  # fmt: skip
        indirect = less(of_treatment(one.treatment), of_treatment(one.versus))
        for e, factors in (
            (one.indirect, indirect),
            (one.direct, {**indirect, "omega": 1.0}),
            (one.difference, {"omega": 1.0}),
        ):
            assert isinstance(e, mp.Estimate)
            exact.assert_is(e, factors, CLOSE[effects])
        centre, sd = exact.moments({"omega": 1.0})
        below = float(exact.weight @ stats.norm(centre, sd).cdf(0.0))
        assert one.p_value == pytest.approx(2.0 * min(below, 1.0 - below), abs=CLOSE[effects])
        assert one.studies == tuple(
            study
            for study, arms in arms_of(ROWS).items()
            if {one.treatment, one.versus} <= {row[1] for row in arms}
        )


# --- designs ---------------------------------------------------------------------------------------------------------


def of_designs(rows: Sequence[Row]) -> Floats:
    """What omega squared is multiplied with: terms of treatments shared by the studies of one design."""
    seen = Differences.of(rows)
    design = {study: {row[1] for row in arms} for study, arms in arms_of(rows).items()}
    return np.array(
        [
            [
                0.5 * (design[s] == design[t]) * ((a == b) + (c == d))
                for t, b, d in zip(seen.study, seen.first, seen.other, strict=True)
            ]
            for s, a, c in zip(seen.study, seen.first, seen.other, strict=True)
        ]
    )


@laid_out
@both
def test_effects_that_vary_between_designs(layout: str, effects: Effects) -> None:
    network = LAYOUTS[layout](ROWS)
    found = mp.synthesise(network, mp.DesignInconsistency(), PRIORS, effects=effects, fit=False)
    shared = of_designs(ROWS)
    exact = by_hand(
        Differences.of(ROWS), effects, of_treatment, "abc", lambda _: [EFFECT_SD] * 3,
        lambda omega: omega**2 * shared, spread=True,
    )  # fmt: skip
    assert_all_effects(found, exact, effects, of_treatment, CLOSE_TWO)
    assert list(found.heterogeneity) == ["tau"] * (effects == "random") + ["omega"]
    exact.assert_spread_is(found.heterogeneity["omega"], -1, 2e-2)


def test_where_all_studies_have_one_design_there_is_nothing_to_disagree_with() -> None:
    """Omega keeps its prior, a half-normal, and every effect is as in the consistency model, wider by omega squared."""
    rows = [row for row in ROWS if row[0] in ("one", "two")]
    network = by_arm(rows)
    plain = mp.synthesise(network, None, VAGUE, effects="common", fit=False).relative_effects["a", "p"]
    found = mp.synthesise(network, mp.DesignInconsistency(), VAGUE, effects="common", fit=False)
    e, omega = found.relative_effects["a", "p"], found.heterogeneity["omega"]
    prior = stats.halfnorm(scale=SPREAD)
    assert (omega.mean, omega.sd) == pytest.approx((prior.mean(), prior.std()), rel=0.01)
    assert (omega.low, omega.median, omega.high) == pytest.approx(prior.ppf([0.025, 0.5, 0.975]), rel=0.02)
    assert e.mean == pytest.approx(plain.mean, abs=0.01)
    assert e.sd**2 == pytest.approx(plain.sd**2 + SPREAD**2, rel=0.01)


# --- a covariate -----------------------------------------------------------------------------------------------------


def slopes(interaction: str, centre: float) -> Effect:
    def effect(treatment: str, study: str) -> dict[str, float]:
        if treatment == "p":
            return {}
        dose = DOSE[study] - centre
        own, one = {f"slope {treatment}": dose}, {"slope": dose}
        return {
            treatment: 1.0,
            **{"shared": one, "independent": own, "exchangeable": {**one, **own}}[interaction],
        }

    return effect


@laid_out
@pytest.mark.parametrize("centre", [None, 2.0])
@pytest.mark.parametrize("interaction", ["shared", "independent", "exchangeable"])
def test_effects_that_change_with_a_covariate(
    layout: str, interaction: Literal["shared", "independent", "exchangeable"], centre: float | None
) -> None:
    mean_dose = float(np.mean([DOSE[row[0]] for row in ROWS]))
    model = mp.MetaRegression("dose", interaction, centre)
    found = mp.synthesise(LAYOUTS[layout](ROWS, DOSE), model, PRIORS, effects="random", fit=False)
    parameters, own = ["a", "b", "c"], ["slope a", "slope b", "slope c"]
    parameters += {"shared": ["slope"], "independent": own, "exchangeable": ["slope", *own]}[interaction]
    exact = by_hand(
        Differences.of(ROWS),
        "random",
        slopes(interaction, mean_dose if centre is None else centre),
        parameters,
        lambda sd: {
            "shared": [*[EFFECT_SD] * 3, SLOPE_SD],
            "independent": [*[EFFECT_SD] * 3, *[SLOPE_SD] * 3],
            "exchangeable": [*[EFFECT_SD] * 3, SLOPE_SD, *[sd] * 3],
        }[interaction],
        spread=interaction == "exchangeable",
    )
    close = CLOSE_TWO if interaction == "exchangeable" else CLOSE["random"]
    assert_all_effects(found, exact, "random", of_treatment, close)
    assert len(found.parameters) == len(parameters) - 3
    for name in parameters[3:]:
        column = "beta" if name == "slope" else f"beta[{name[-1]}]"
        exact.assert_is(found.parameters[column], {name: 1.0}, close)
    if interaction == "exchangeable":
        exact.assert_spread_is(found.heterogeneity["between slopes"], 1, 2e-2)


# --- classes ---------------------------------------------------------------------------------------------------------

MORE: list[Row] = [
    *ROWS,
    ("nine", "p", 0.33, 0.22), ("nine", "d", 0.61, 0.21),
    ("ten", "a", 0.84, 0.24), ("ten", "d", 0.72, 0.23),
]  # fmt: skip
CLASS_OF = {"a": "one", "b": "one", "d": "one"}
"""And c is a class of its own."""


@laid_out
@both
@pytest.mark.parametrize("kind", ["exchangeable", "common"])
def test_treatments_that_belong_to_classes(
    layout: str, effects: Effects, kind: Literal["exchangeable", "common"]
) -> None:
    found = mp.synthesise(
        LAYOUTS[layout](MORE), mp.ClassEffects(CLASS_OF, kind), PRIORS, effects=effects, fit=False
    )
    varying = kind == "exchangeable"

    def effect(treatment: str, _: str = "") -> dict[str, float]:
        if treatment == "p":
            return {}
        own = {treatment: 1.0} if varying and treatment in CLASS_OF else {}
        return {f"class {CLASS_OF.get(treatment, treatment)}": 1.0, **own}

    parameters = ["class one", "class c", *("abd" if varying else "")]
    exact = by_hand(
        Differences.of(MORE), effects, effect, parameters,
        lambda sd: [EFFECT_SD, EFFECT_SD, *[sd] * (len(parameters) - 2)], spread=varying,
    )  # fmt: skip
    for one, other in found.relative_effects:
        factors = less(effect(one), effect(other))
        if any(factors.values()):
            exact.assert_is(
                found.relative_effects[one, other], factors, CLOSE_TWO if varying else CLOSE[effects]
            )
    for name in ("one", "c"):
        close = CLOSE_TWO if varying else CLOSE[effects]
        exact.assert_is(found.parameters[f"class[{name}]"], {f"class {name}": 1.0}, close)
    if varying:
        exact.assert_spread_is(found.heterogeneity["within class"], -1, 2e-2)
    else:
        same = found.relative_effects["a", "b"]
        assert (same.mean, same.sd, same.low, same.high) == pytest.approx((0.0, 0.0, 0.0, 0.0), abs=1e-12)


# --- components ------------------------------------------------------------------------------------------------------

COMBINED: list[Row] = [
    ("one", "p", 0.10, 0.20), ("one", "a", 0.92, 0.25),
    ("two", "p", -0.31, 0.22), ("two", "b", 0.15, 0.20),
    ("three", "p", 0.40, 0.18), ("three", "a", 0.93, 0.24), ("three", "a+b", 1.75, 0.22),
    ("four", "a", 0.60, 0.21), ("four", "a+b", 0.85, 0.26),
    ("five", "a+c", 1.31, 0.23), ("five", "a", 0.42, 0.21),
    ("six", "b", 0.38, 0.30), ("six", "a+b+c", 2.31, 0.25),
]  # fmt: skip
TORN: list[Row] = [
    *COMBINED[:4],
    ("three", "a+b", 1.75, 0.22), ("three", "a+c", 1.12, 0.24),
    ("four", "a+b", 0.85, 0.26), ("four", "b+c", 0.31, 0.25), ("four", "c", 0.12, 0.28),
]  # fmt: skip
"""No study joins p, a and b with the others; shared components do."""


@laid_out
@both
@pytest.mark.parametrize(
    ("rows", "interactions"),
    [(COMBINED, ()), (COMBINED, (("a", "b"),)), (TORN, ())],
    ids=["additive", "with an interaction", "in two pieces"],
)
def test_combinations_are_sums_of_their_components(
    layout: str, effects: Effects, rows: list[Row], interactions: tuple[tuple[str, str], ...]
) -> None:
    network = LAYOUTS[layout](rows)
    assert network.is_connected == (rows is COMBINED)
    model = mp.Components(interactions=interactions)
    found = mp.synthesise(network, model, PRIORS, effects=effects, fit=False)

    def effect(treatment: str, _: str = "") -> dict[str, float]:
        parts = {} if treatment == "p" else dict.fromkeys(treatment.split("+"), 1.0)
        return {**parts, **({"a*b": 1.0} if interactions and {"a", "b"} <= set(parts) else {})}

    parameters = ["a", "b", "c", *(["a*b"] if interactions else [])]
    order = sorted({row[1] for row in rows}, key=lambda name: (name != "p", name))
    exact = by_hand(
        Differences.of(rows, order), effects, effect, parameters, lambda _: [EFFECT_SD] * len(parameters)
    )
    assert_all_effects(found, exact, effects, effect, CLOSE[effects])
    for name in parameters:
        exact.assert_is(found.parameters[f"component[{name}]"], {name: 1.0}, CLOSE[effects])


@both
def test_a_component_without_effect_need_not_be_the_reference(effects: Effects) -> None:
    """Reference a, and p does nothing: the answers are those of reference p, turned to another origin."""
    one = mp.synthesise(by_arm(COMBINED), mp.Components(), PRIORS, effects=effects, fit=False)
    other = mp.synthesise(
        by_arm(COMBINED, reference="a"), mp.Components(inactive="p"), PRIORS, effects=effects, fit=False
    )
    assert other.treatments[0] == "a"
    assert_same(one, other)


def assert_same(one: NetworkSynthesis, other: NetworkSynthesis, close: float = 1e-6) -> None:
    """Every relative effect and every standard deviation of `one` is in `other`."""
    pairs = [(e, other.relative_effects[pair]) for pair, e in one.relative_effects.items()]
    pairs += [(e, other.predictive[pair]) for pair, e in one.predictive.items()]
    pairs += [(e, other.heterogeneity[name]) for name, e in one.heterogeneity.items()]
    assert len(pairs) > len(one.heterogeneity)
    for e, f in pairs:
        assert (f.mean, f.sd, f.low, f.median, f.high) == pytest.approx(
            (e.mean, e.sd, e.low, e.median, e.high), abs=close
        )


# --- single arms -----------------------------------------------------------------------------------------------------

ALONE: list[Row] = [
    *ROWS[:6], *ROWS[8:11], ROWS[6], ROWS[7],
    ("nine", "c", 1.55, 0.20), ("ten", "c", 1.92, 0.24), ("eleven", "d", 0.81, 0.22),
]  # fmt: skip
"""d is known from one arm without a control, c from one trial and two such arms."""
BASELINES = mp.ExchangeableBaselines(
    mean=mp.Normal(0.1, 2.0),
    spread=mp.HalfNormal(0.4),
    bias=mp.Normal(0.2, 0.3),
    bias_spread=mp.HalfNormal(0.3),
)


@both
def test_single_arms_speak_through_baselines_of_one_distribution_and_a_bias(effects: Effects) -> None:
    found = mp.synthesise(by_arm(ALONE), None, PRIORS, effects=effects, baselines=BASELINES, fit=False)
    study, treatment = [row[0] for row in ALONE], [row[1] for row in ALONE]
    value, se = np.array([row[2:] for row in ALONE]).T
    single = np.array([study.count(name) == 1 for name in study])
    parameters = [*"abcd", "baseline", "bias"]
    design = np.array([[float(t == name) for name in "abcd"] for t in treatment])
    design = np.c_[design, np.ones(len(value)), single]
    same = np.array([[float(s == t) for t in study] for s in study])
    random = effects == "random"

    def covariance(sd: Floats) -> Floats:
        tau = sd[0] if random else 0.0
        baselines, biases = sd[-2:]
        extra = same * (baselines**2 + biases**2 * single)
        return np.asarray(np.diag(se**2 + 0.5 * tau**2) + extra)

    prior_sd = np.array([*[EFFECT_SD] * 4, 2.0, 0.3])
    exact = summed_over_a_grid(
        value, design, parameters, covariance, lambda _: prior_sd,
        [TAU] * random + [0.4, 0.3], 25 if random else 51, np.array([0.0] * 4 + [0.1, 0.2]),
    )  # fmt: skip
    close = CLOSE_THREE if random else CLOSE_TWO
    assert_all_effects(found, exact, effects, of_treatment, close)
    exact.assert_is(found.parameters["baseline"], {"baseline": 1.0}, close)
    exact.assert_is(found.parameters["design bias"], {"bias": 1.0}, close)
    exact.assert_spread_is(found.heterogeneity["between baselines"], -2, 2.0 * close)
    exact.assert_spread_is(found.heterogeneity["between biases"], -1, 2.0 * close)


# --- contrasts with any covariance -----------------------------------------------------------------------------------


@both
def test_contrasts_of_studies_of_many_arms_count_with_the_covariance_they_come_with(effects: Effects) -> None:
    """Covariances that no independent arms could have, and first arms that are not the reference."""
    three = np.array([[0.09, -0.02], [-0.02, 0.16]])
    four = np.array([[0.10, 0.06, 0.01], [0.06, 0.12, 0.03], [0.01, 0.03, 0.08]])
    two = np.array([[0.05]])
    given = (
        Contrasts(np.array([2]), np.array([[0, 2]]), np.array([[0.7]]), two[None], np.zeros(1)),
        Contrasts(np.array([0]), np.array([[1, 0, 2]]), np.array([[-0.8, 0.3]]), three[None], np.zeros(1)),
        Contrasts(
            np.array([1]), np.array([[2, 3, 0, 1]]), np.array([[0.5, -0.6, -0.1]]), four[None], np.zeros(1)
        ),
    )
    studies = Studies(("one", "two", "three"), ("p", "a", "b", "c"), contrasts=given)
    found = mp.synthesise(mp.network(studies, reference="p"), None, PRIORS, effects=effects, fit=False)
    sampling, inside = np.zeros((6, 6)), np.zeros((6, 6))
    for at, block in ((0, two), (1, three), (3, four)):
        place = slice(at, at + len(block))
        sampling[place, place], inside[place, place] = block, 0.5
    seen = Differences(
        ("three", "one", "one", "two", "two", "two"),
        ("p", "a", "a", "b", "b", "b"),
        ("b", "p", "b", "c", "p", "a"),
        np.array([0.7, -0.8, 0.3, 0.5, -0.6, -0.1]),
        sampling,
        inside + 0.5 * np.eye(6),
    )
    exact = by_hand(seen, effects, of_treatment, "abc", lambda _: [EFFECT_SD] * 3)
    assert_all_effects(found, exact, effects, of_treatment, CLOSE[effects])
