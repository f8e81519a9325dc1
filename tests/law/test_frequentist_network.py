"""Every formula of the network estimates a second time: dense matrices, all contrasts at once, nothing clever."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from myopoise.synthesis.frequentist.components import compose, estimate_components
from myopoise.synthesis.frequentist.contributions import contributions_of
from myopoise.synthesis.frequentist.designs import decompose
from myopoise.synthesis.frequentist.gls import contrast_network, fit_effects, laplacian, pieces_of, weights
from myopoise.synthesis.frequentist.heterogeneity import estimate_tau2
from myopoise.synthesis.frequentist.network import estimate_network
from myopoise.synthesis.frequentist.splitting import direct_evidence
from myopoise.synthesis.studies.values import Contrasts, Studies

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    treatment: int
    mean: float
    variance: float


def studies_of(arms: list[list[Arm]], treatments: int) -> Studies:
    """Contrasts of arm means that are independent within a study."""
    blocks = []
    for k in sorted({len(study) for study in arms}):
        mine = [(place, study) for place, study in enumerate(arms) if len(study) == k]
        blocks.append(
            Contrasts(
                study=np.array([place for place, _ in mine]),
                treatment=np.array([[arm.treatment for arm in study] for _, study in mine]),
                estimate=np.array([[arm.mean - study[0].mean for arm in study[1:]] for _, study in mine]),
                covariance=np.array(
                    [study[0].variance + np.diag([arm.variance for arm in study[1:]]) for _, study in mine]
                ),
                inconsistency=np.zeros(len(mine)),
            )
        )
    names = tuple(f"study {place}" for place in range(len(arms)))
    return Studies(names, tuple("abcdefgh"[:treatments]), contrasts=tuple(blocks))


@st.composite
def networks(draw: st.DrawFn) -> Studies:
    """A connected network of three to six treatments, studies of two to four arms, some designs twice."""
    treatments = draw(st.integers(3, 6))
    sets = draw(
        st.lists(
            st.lists(st.integers(0, treatments - 1), min_size=2, max_size=min(4, treatments), unique=True),
            min_size=treatments + 1,
            max_size=9,
        )
    )
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    spread = random.choice([0.0, 0.5, 2.0])
    arms = [
        [
            Arm(t, float(random.normal(0.3 * t, spread + 0.4)), float(random.uniform(0.05, 0.6)))
            for t in members
        ]
        for members in sets
    ]
    studies = studies_of(arms, treatments)
    pieces = pieces_of(studies)
    assume(len(pieces) == 1 and len(pieces[0]) == treatments)
    return studies


@dataclass(frozen=True)
class Dense:
    """All contrasts of a network as one regression."""

    y: Floats
    x: Floats
    within: Floats
    between: Floats
    study: list[int]
    arms: list[tuple[int, ...]]

    def fit(self, tau2: float) -> tuple[Floats, Floats, float]:
        precision = np.linalg.inv(self.within + tau2 * self.between)
        covariance = np.linalg.pinv(self.x.T @ precision @ self.x)
        effects = covariance @ self.x.T @ precision @ self.y
        residual = self.y - self.x @ effects
        return effects, covariance, float(residual @ precision @ residual)

    def log_likelihood(self, tau2: float, restricted: bool) -> float:
        """Of the contrasts, or of what is left of them once the effects are projected out."""
        total = self.within + tau2 * self.between
        if restricted:
            error = np.linalg.svd(self.x)[0][:, np.linalg.matrix_rank(self.x) :]
            left, spread = error.T @ self.y, error.T @ total @ error
            return -0.5 * (np.linalg.slogdet(spread)[1] + float(left @ np.linalg.solve(spread, left)))
        return -0.5 * (np.linalg.slogdet(total)[1] + self.fit(tau2)[2])


def dense(studies: Studies) -> Dense:
    """Treatment effects are unconstrained here: a generalised inverse takes the place of a reference."""
    rows = sum(block.estimate.size for block in studies.contrasts)
    y, x, within, between = (
        np.zeros(rows),
        np.zeros((rows, len(studies.treatments))),
        *np.zeros((2, rows, rows)),
    )
    at, study, arms = 0, [], []
    for block in studies.contrasts:
        for s, members, estimate, covariance in zip(
            block.study, block.treatment, block.estimate, block.covariance, strict=True
        ):
            k = len(estimate)
            here = slice(at, at + k)
            y[here], within[here, here] = estimate, covariance
            between[here, here] = 0.5 + 0.5 * np.eye(k)
            x[range(at, at + k), members[1:]] = 1.0
            x[here, members[0]] -= 1.0
            study += [int(s)] * k
            arms.append(tuple(sorted(members.tolist())))
            at += k
    return Dense(y, x, within, between, study, arms)


CASES = settings(max_examples=25, deadline=None)
close = pytest.approx


@CASES
@given(networks(), st.sampled_from([0.0, 0.2, 1.5]))
def test_effects_are_those_of_one_dense_regression(studies: Studies, tau2: float) -> None:
    effects, covariance, _ = dense(studies).fit(tau2)
    ours = estimate_network(studies, reference="b", tau2=tau2, splits=False)
    for i, j in itertools.permutations(range(len(studies.treatments)), 2):
        found = ours.relative_effects[studies.treatments[i], studies.treatments[j]]
        variance = covariance[i, i] + covariance[j, j] - 2.0 * covariance[i, j]
        assert found.estimate == close(effects[i] - effects[j], abs=1e-8)
        assert found.se == close(math.sqrt(variance), rel=1e-8)


@CASES
@given(networks(), st.sampled_from(["REML", "ML"]))
def test_tau2_by_likelihood_is_the_maximum_of_the_dense_likelihood(studies: Studies, estimator: str) -> None:
    route = dense(studies)
    network = contrast_network(studies, "a")
    assume(len(network.y) > len(studies.treatments) - 1)
    ours = estimate_tau2(network, estimator).tau2

    def minus(tau2: float) -> float:
        return -route.log_likelihood(tau2, estimator == "REML")

    best = minus(ours)
    grid = np.concatenate([[0.0], np.geomspace(1e-4, 50.0, 60)])
    assert best <= min(map(minus, grid)) + 1e-9
    if ours > 1e-3:
        found = minimize_scalar(
            minus, bounds=(0.8 * ours, 1.2 * ours), method="bounded", options={"xatol": 1e-9}
        )
        assert ours == close(found.x, rel=1e-4)


@CASES
@given(networks(), st.sampled_from(["REML", "ML"]))
def test_the_standard_error_of_tau2_is_the_curvature_of_the_dense_likelihood(
    studies: Studies, estimator: str
) -> None:
    route, network = dense(studies), contrast_network(studies, "a")
    assume(len(network.y) > len(studies.treatments) - 1)
    found = estimate_tau2(network, estimator)
    assume(found.tau2 > 0.05)
    h = 1e-3 * found.tau2
    low, mid, high = (route.log_likelihood(found.tau2 + k * h, estimator == "REML") for k in (-1.0, 0.0, 1.0))
    information = -(high - 2.0 * mid + low) / h**2
    assume(information > 1e-2)
    assert found.se == close(1.0 / math.sqrt(information), rel=1e-3)


@CASES
@given(networks())
def test_tau2_by_moments_makes_the_dense_q_equal_to_its_expectation(studies: Studies) -> None:
    route, network = dense(studies), contrast_network(studies, "a")
    df = len(network.y) - len(studies.treatments) + 1
    assume(df > 0)
    precision = np.linalg.inv(route.within)
    hat = route.x @ np.linalg.pinv(route.x.T @ precision @ route.x) @ route.x.T @ precision
    slope = float(np.trace((np.eye(len(hat)) - hat).T @ precision @ route.between))
    expected = max(0.0, (route.fit(0.0)[2] - df) / slope)
    assert estimate_tau2(network, "DL").tau2 == close(expected, rel=1e-8, abs=1e-10)


@CASES
@given(networks())
def test_paule_and_mandel_make_the_generalised_q_equal_to_its_degrees_of_freedom(studies: Studies) -> None:
    route, network = dense(studies), contrast_network(studies, "a")
    df = len(network.y) - len(studies.treatments) + 1
    assume(df > 0)
    tau2 = estimate_tau2(network, "PM").tau2
    q = route.fit(tau2)[2]
    assert q == close(df, rel=1e-8) if tau2 > 0.0 else q <= df


@CASES
@given(networks())
def test_q_of_the_parts_is_that_of_dense_models_with_effects_of_each_design(studies: Studies) -> None:
    route = dense(studies)
    found = decompose(contrast_network(studies, "a"))
    designs = sorted(set(route.arms))
    own = _design_effects(route, designs)
    precision = np.linalg.inv(route.within)
    within = _q(route.y, own, precision)
    assert found.total.q == close(route.fit(0.0)[2], rel=1e-8, abs=1e-9)
    assert found.within.q == close(within, rel=1e-8, abs=1e-9)
    assert found.between.q == close(route.fit(0.0)[2] - within, rel=1e-6, abs=1e-8)
    assert found.total.df == len(route.y) - np.linalg.matrix_rank(route.x)
    assert found.within.df == len(route.y) - np.linalg.matrix_rank(own)
    for design, members in zip(found.designs, designs, strict=True):
        assert design.treatments == tuple(studies.treatments[t] for t in members)
        detached = np.hstack([route.x, _design_effects(route, [members])])
        left = _q(route.y, detached, precision) - within
        rank = np.linalg.matrix_rank(detached, tol=1e-9)
        if design.detached is None:
            assert rank == np.linalg.matrix_rank(route.x)
        else:
            assert design.detached.q == close(left, rel=1e-6, abs=1e-7)
            assert design.detached.df == np.linalg.matrix_rank(own) - rank


def _design_effects(route: Dense, designs: list[tuple[int, ...]]) -> Floats:
    column = {d: k for k, d in enumerate(designs)}
    rows = [arms for arms in route.arms for _ in arms[1:]]
    wide = np.zeros((len(rows), len(designs), route.x.shape[1]))
    for row, arms in enumerate(rows):
        if arms in column:
            wide[row, column[arms]] = route.x[row]
    return wide.reshape(len(rows), -1)


def _q(y: Floats, x: Floats, precision: Floats) -> float:
    half = np.linalg.cholesky(precision).T
    residual = half @ y - half @ x @ np.linalg.lstsq(half @ x, half @ y, rcond=1e-10)[0]
    return float(residual @ residual)


@CASES
@given(networks(), st.randoms(use_true_random=False))
def test_reference_order_of_arms_and_order_of_studies_do_not_matter(studies: Studies, random: object) -> None:
    asked = {"tau_estimator": "REML", "contributions": "randomwalk"}
    one = estimate_network(studies, reference="a", **asked)
    other = estimate_network(_shuffled(studies, random), reference="c", **asked)
    assert other.tau2 == close(one.tau2, rel=1e-6, abs=1e-9)
    for pair, effect in one.relative_effects.items():
        assert other.relative_effects[pair].estimate == close(effect.estimate, abs=1e-6)
        assert other.relative_effects[pair].se == close(effect.se, rel=1e-6)
    for name, score in one.p_scores.items():
        assert other.p_scores[name] == close(score, abs=1e-6)
    splits = {frozenset((s.treatment, s.versus)): s for s in other.splits}
    assert splits.keys() == {frozenset((s.treatment, s.versus)) for s in one.splits}
    for split in one.splits:
        assert splits[frozenset((split.treatment, split.versus))].p_value == close(split.p_value, abs=1e-5)
    shares = {frozenset(pair): row for pair, row in other.contributions.items()}
    for pair, row in one.contributions.items():
        mine = {frozenset(comparison): share for comparison, share in row.items()}
        theirs = {frozenset(c): share for c, share in shares[frozenset(pair)].items()}
        for comparison in mine.keys() | theirs.keys():
            assert mine.get(comparison, 0.0) == close(theirs.get(comparison, 0.0), abs=1e-6)


def _shuffled(studies: Studies, random: object) -> Studies:
    blocks = []
    for block in studies.contrasts:
        order = list(range(len(block)))
        random.shuffle(order)  # type: ignore[attr-defined]
        turned = np.roll(block.treatment[order], 1, axis=1)
        k = block.treatment.shape[1]
        turn = np.roll(np.eye(k), 1, axis=0)
        turn = (turn - turn[0])[1:, 1:]
        blocks.append(
            replace(
                block,
                study=block.study[order],
                treatment=turned,
                estimate=block.estimate[order] @ turn.T,
                covariance=turn @ block.covariance[order] @ turn.T,
            )
        )
    return replace(studies, contrasts=tuple(blocks))


@CASES
@given(networks())
def test_direct_and_indirect_evidence_average_to_the_network_estimate(studies: Studies) -> None:
    for split in estimate_network(studies, reference="a").splits:
        weight_direct, weight_indirect = split.direct.se**-2, split.indirect.se**-2
        total = weight_direct + weight_indirect
        average = (weight_direct * split.direct.estimate + weight_indirect * split.indirect.estimate) / total
        assert average == close(split.network.estimate, abs=1e-6)
        assert total**-0.5 == close(split.network.se, rel=1e-6)
        assert split.difference.estimate == close(split.direct.estimate - split.indirect.estimate, abs=1e-9)


@CASES
@given(networks())
def test_the_indirect_side_of_sidde_is_the_network_of_the_other_studies(studies: Studies) -> None:
    tau2 = 0.3
    found = {
        (s.treatment, s.versus): s
        for s in estimate_network(studies, reference="a", tau2=tau2, splits="sidde").splits
    }
    direct = direct_evidence(contrast_network(studies, "a"), tau2)
    for low, high in zip(direct.low.tolist(), direct.high.tolist(), strict=True):
        a, b = studies.treatments[high], studies.treatments[low]
        others = _without(studies, low, high)
        joined = any({a, b} <= set(piece) for piece in pieces_of(others))
        assert ((a, b) in found) == joined
        if joined:
            effects, covariance, _ = dense(others).fit(tau2)
            split = found[a, b]
            assert split.indirect.estimate == close(effects[high] - effects[low], abs=1e-8)
            unit = np.eye(len(covariance))[high] - np.eye(len(covariance))[low]
            assert split.indirect.se == close(math.sqrt(unit @ covariance @ unit), rel=1e-7)


def _without(studies: Studies, low: int, high: int) -> Studies:
    blocks = []
    for block in studies.contrasts:
        kept = ~((block.treatment == low).any(axis=1) & (block.treatment == high).any(axis=1))
        if kept.any():
            parts = (block.study, block.treatment, block.estimate, block.covariance, block.inconsistency)
            blocks.append(Contrasts(*(part[kept] for part in parts)))
    return replace(studies, contrasts=tuple(blocks))


@CASES
@given(networks(), st.sampled_from(["shortestpath", "randomwalk"]))
def test_contributions_of_every_comparison_sum_to_one(studies: Studies, method: str) -> None:
    found = estimate_network(studies, reference="a", contributions=method, splits=False)
    assume(found.contributions)
    for row in found.contributions.values():
        assert sum(row.values()) == close(1.0, abs=1e-9)
        assert min(row.values()) > 0.0


@CASES
@given(networks())
def test_a_random_walk_shares_out_every_path_by_its_probability(studies: Studies) -> None:
    network = contrast_network(studies, "a")
    fitted = fit_effects(network, 0.2)
    found = contributions_of(network, fitted, "randomwalk", [])
    assume(found)
    joint = -laplacian(network, weights(network, 0.2))
    np.fill_diagonal(joint, 0.0)
    names = network.treatments
    for (a, b), row in found.items():
        source, target = names.index(a), names.index(b)
        height = fitted.covariance[source] - fitted.covariance[target]
        flow = np.clip(joint * (height[:, None] - height[None, :]), 0.0, None)
        flow[flow < 1e-11] = 0.0
        expected: dict[frozenset[str], float] = {}
        _walk(flow, [source], target, 1.0, names, expected)
        for comparison in {frozenset(c) for c in row} | expected.keys():
            mine = sum(share for c, share in row.items() if frozenset(c) == comparison)
            assert mine == close(expected.get(comparison, 0.0), abs=1e-9)


def _walk(
    flow: Floats,
    path: list[int],
    target: int,
    chance: float,
    names: tuple[str, ...],
    into: dict[frozenset[str], float],
) -> None:
    here = path[-1]
    if here == target:
        for i, j in itertools.pairwise(path):
            key = frozenset((names[i], names[j]))
            into[key] = into.get(key, 0.0) + chance / (len(path) - 1)
        return
    out = flow[here].sum()
    for there in np.flatnonzero(flow[here]).tolist():
        _walk(flow, [*path, there], target, chance * flow[here, there] / out, names, into)


@CASES
@given(networks())
def test_components_that_are_the_treatments_give_the_network_itself(studies: Studies) -> None:
    network = estimate_network(studies, reference="a", splits=False)
    additive = estimate_components(studies, reference="a", inactive="a")
    assert additive.tau2 == close(network.tau2, rel=1e-6, abs=1e-9)
    assert additive.q_difference.df == 0
    for name, effect in additive.components.items():
        assert effect.estimate == close(network.relative_effects[name, "a"].estimate, abs=1e-6)


@CASES
@given(networks())
def test_additive_effects_are_those_of_a_dense_regression_on_components(studies: Studies) -> None:
    names = tuple(["p", "x", "y", "x + y", "z", "z + x"][: len(studies.treatments)])
    named = replace(studies, treatments=names)
    made = compose(names, inactive="p")
    route = dense(named)
    additive = replace(route, x=route.x @ made.matrix)
    effects, covariance, q = additive.fit(0.0)
    found = estimate_components(named, reference="p", inactive="p", effects="common")
    assert found.q_additive.q == close(q, rel=1e-8, abs=1e-9)
    for k, name in enumerate(made.components):
        assert found.components[name].estimate == close(effects[k], abs=1e-7)
        assert found.components[name].se == close(math.sqrt(covariance[k, k]), rel=1e-7)
