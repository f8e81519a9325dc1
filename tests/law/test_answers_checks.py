"""Predictive checks by simulation: near uniform when the model is right, extreme when an arm cannot be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import ndtr

from myopoise.synthesis.answers.checks import predictive_checks
from myopoise.synthesis.answers.influence import without_study
from myopoise.synthesis.findings import NetworkSynthesis
from myopoise.synthesis.models.structures import NetworkPriors
from myopoise.synthesis.priors import HalfNormal, Normal
from myopoise.synthesis.studies.values import Arms, Contrasts, Outcome, Studies
from myopoise.synthesis.synthesising import synthesise


@dataclass
class Net:
    studies: Studies
    reference: str = "A"


PRIORS = NetworkPriors(treatment=Normal(0.0, 1.0), heterogeneity=HalfNormal(0.5))


def log_ratios() -> Net:
    """Contrasts on the log scale: a normal model, so that every answer is closed given tau."""
    block = Contrasts(
        np.arange(5),
        np.array([[0, 1], [0, 1], [0, 2], [1, 2], [0, 2]]),
        np.array([[0.4], [0.1], [0.8], [0.3], [0.5]]),
        np.array([0.04, 0.09, 0.05, 0.06, 0.1]).reshape(5, 1, 1),
        np.zeros(5),
    )
    names = ("one", "two", "three", "four", "five")
    return Net(Studies(names, ("A", "B", "C"), contrasts=(block,), measure="log odds ratio"))


@pytest.fixture(scope="module")
def normal() -> NetworkSynthesis:
    return synthesise(log_ratios(), priors=PRIORS)


def counts(seed: int = 1, studies: int = 12) -> Net:
    """Two-arm trials of three treatments with heterogeneity."""
    random = np.random.default_rng(seed)
    pairs = [(0, 1), (0, 2), (1, 2)]
    study = np.repeat(np.arange(studies), 2)
    treatment = np.array([pairs[s % 3] for s in range(studies)]).ravel()
    effect = np.array([0.0, 0.5, 0.9])
    level = random.normal(-1.0, 0.5, studies)[study] + effect[treatment]
    level = level + random.normal(0.0, 0.3 / math.sqrt(2.0), len(study))
    n = np.full(len(study), 80.0)
    events = random.binomial(n.astype(int), 1.0 / (1.0 + np.exp(-level))).astype(float)
    names = tuple(f"study {i + 1}" for i in range(studies))
    return Net(Studies(names, ("A", "B", "C"), Arms(Outcome.BINOMIAL, study, treatment, events=events, n=n)))


def mixture(found: NetworkSynthesis, pair: tuple[str, str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight, mean and sd of an effect at each node of tau."""
    assert found.assembled is not None
    assert found.assembled.effects is not None
    at = found.treatments.index
    contrast = found.assembled.effects[at(pair[0])] - found.assembled.effects[at(pair[1])]
    given = found.posterior.mixture
    return (given.weight, *given.linear(contrast))


def test_tail_areas_of_arms_left_out_are_near_uniform_and_those_kept_are_not() -> None:
    left_out, kept, whole = [], [], []
    for seed in range(5):
        net = counts(seed=100 + seed, studies=20)
        found = synthesise(net, priors=PRIORS, fit=False)
        checks = predictive_checks(found, net.studies, replicates=96, seed=seed)
        # Both arms of a study tell the same thing twice: one of them is enough.
        left_out += [point.left_out for point in checks.points[::2]]
        kept += [point.kept for point in checks.points[::2]]
        whole += [checks.renewed.probability]
    uniform = np.sort([value for value in left_out if not math.isnan(value)])
    assert len(uniform) > 80
    steps = np.arange(1, len(uniform) + 1) / len(uniform)
    distance = max(np.abs(uniform - steps).max(), np.abs(uniform - steps + 1.0 / len(uniform)).max())
    # One in a hundred samples of true uniforms lies further from the diagonal than this (Kolmogorov).
    assert distance < 1.63 / math.sqrt(len(uniform))
    assert np.std(kept) < 0.6 * np.std(uniform)
    assert 0.2 < np.mean(whole) < 0.8


def test_an_arm_that_cannot_be_is_found() -> None:
    net = counts()
    assert net.studies.arms is not None
    assert net.studies.arms.events is not None
    net.studies.arms.events[4] = 79.0
    found = synthesise(net, priors=NetworkPriors(heterogeneity=HalfNormal(0.2)), fit=False)
    checks = predictive_checks(found, net.studies, replicates=200)
    tails = [min(p.left_out, 1.0 - p.left_out) for p in checks.points if not math.isnan(p.left_out)]
    suspect = checks.points[4]
    assert math.isnan(suspect.left_out) or min(suspect.left_out, 1.0 - suspect.left_out) == min(tails)
    assert suspect.kept > 0.9
    assert checks.renewed.probability < 0.05


def test_contrasts_are_checked_like_arms(normal: NetworkSynthesis) -> None:
    checks = predictive_checks(normal, log_ratios().studies, replicates=2000)
    assert [(p.study, p.treatment) for p in checks.points[:1]] == [("one", "B v A")]
    # Left out, the first study is predicted by the other four: refit without it, and compare.
    rest = synthesise(Net(without_study(log_ratios().studies, "one")), priors=PRIORS, fit=False)
    weight, mean, sd = mixture(rest, ("B", "A"))
    tau = rest.posterior.model.theta(rest.posterior.mixture.z)[:, 0]
    expected = float(weight @ ndtr((0.4 - mean) / np.sqrt(sd**2 + tau**2 + 0.04)))
    assert checks.points[0].left_out == pytest.approx(expected, abs=0.03)
