"""A study taken out by reweighting is the study left out of the fit, and shares of information add up."""

from __future__ import annotations

import numpy as np
import pytest

from myopoise.evidence.rows import Row, Selection
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.leaving_out import information_shares, without_each_study
from myopoise.synthesis.myositis import MyositisPriors, effect_row, synthesise
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, Reading, StudyKind

MECHANISM = {"ivig": "immunoglobulin", "rituximab": "b-cell-depletion"}


def row(study: str, treatment: str, events: int, n: int) -> Row:
    return Row(
        *(study, treatment, 2000, "ord", StudyKind.RANDOMISED, "acr-eular-2016", (treatment,)),
        *({Phenotype.DM: 1.0}, n, {Level.MINIMAL: events}),
    )


ROWS = (
    *(row("one", BACKGROUND, 9, 20), row("one", "ivig", 14, 21)),
    *(row("two", BACKGROUND, 11, 30), row("two", "ivig", 20, 31)),
    *(row("three", BACKGROUND, 8, 16), row("three", "rituximab", 8, 15)),
)


def fit(*rows: Row) -> Synthesis:
    found = synthesise(
        Selection(rows, (), (), (), MECHANISM), Reading.RANDOMISED, MyositisPriors(), draws=8192, seed=1
    )
    assert found is not None
    return found


@pytest.fixture(scope="module")
def whole() -> Synthesis:
    return fit(*ROWS)


def effect(found: Synthesis, weights: np.ndarray, treatment: str) -> tuple[float, float]:
    columns = found.posterior.model.columns
    draws = found.posterior.x @ effect_row(columns, (treatment,), Phenotype.DM, MECHANISM)
    mean = float(weights @ draws)
    return mean, float(np.sqrt(weights @ (draws - mean) ** 2))


@pytest.mark.parametrize("study", ["one", "two"])
def test_reweighting_is_fitting_without_the_study(whole: Synthesis, study: str) -> None:
    without = next(w for w in without_each_study(whole) if w.study == study)
    assert without.ok
    mean, sd = effect(whole, without.weights.values, "ivig")
    anew = fit(*(r for r in ROWS if r.study != study))
    expected, expected_sd = effect(anew, anew.posterior.weights.values, "ivig")
    assert mean == pytest.approx(expected, abs=0.08 * expected_sd)
    assert sd == pytest.approx(expected_sd, rel=0.08)


def test_a_study_of_another_drug_gives_little_and_all_shares_stay_below_one(whole: Synthesis) -> None:
    columns = whole.posterior.model.columns
    contrasts = np.array([effect_row(columns, (t,), Phenotype.DM, MECHANISM) for t in ("ivig", "rituximab")])
    shares = information_shares(whole, contrasts)
    assert set(shares) == {"one", "two", "three"}
    total = sum(shares.values())
    assert (total < 1.0).all()
    assert shares["two"][0] > shares["one"][0] > 5 * shares["three"][0]
    assert shares["three"][1] > 5 * shares["one"][1]


def test_with_everything_but_one_effect_known_a_share_is_that_of_precision() -> None:
    """One study, no heterogeneity, known baseline: the likelihood's curvature over that plus the prior's."""
    from dataclasses import replace

    from scipy import stats

    from myopoise.synthesis.priors import HalfNormal, Normal

    known = replace(
        MyositisPriors(),
        baseline=Normal(0.0, 1e-4),
        between_studies=HalfNormal(1e-4),
        within_class=HalfNormal(1e-4),
        class_by_diagnosis=HalfNormal(1e-4),
        heterogeneity=HalfNormal(1e-4),
        definition=HalfNormal(1e-4),
    )
    rows = (row("one", "ivig", 25, 50),)
    found = synthesise(Selection(rows, (), (), (), MECHANISM), Reading.RANDOMISED, known, draws=2048, seed=1)
    assert found is not None
    contrast = effect_row(found.posterior.model.columns, ("ivig",), Phenotype.DM, MECHANISM)
    information = 50 * stats.norm.pdf(0.0) ** 2 / 0.25
    expected = information / (information + 1.0 / 0.6**2)
    assert information_shares(found, contrast[None])["one"][0] == pytest.approx(expected, rel=0.03)
