"""The evidence model: what must hold whatever the data say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from myopoise.evidence.rows import Row, Selection
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.graded import GradedResponses
from myopoise.synthesis.myositis import (
    DISTANCES,
    MyositisPriors,
    myositis_model,
    rows_of_reading,
    synthesise,
)
from myopoise.synthesis.prediction import predict
from myopoise.synthesis.priors import HalfNormal, LogNormal, Normal, Uniform
from myopoise.synthesis.response_scale import mean_score
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, Reading, StudyKind

DM, PM = Phenotype.DM, Phenotype.PM
MECHANISM = {"ivig": "immunoglobulin", "scig": "immunoglobulin", "rituximab": "b-cell-depletion"}


def row(study: str, treatment: str, events: int, n: int, design: str = "rct", **others: object) -> Row:
    values: dict[str, object] = {
        "arm": treatment,
        "year": 2000,
        "kind": "ord",
        "definition": "acr-eular-2016",
        "shares": {DM: 1.0},
        "counts": {Level.MINIMAL: events},
    }
    return Row(study=study, treatments=(treatment,), n=n, design=StudyKind(design), **(values | others))  # type: ignore[arg-type]


def selection(*rows: Row) -> Selection:
    return Selection(rows, (), (), (), MECHANISM)


TRIAL = (row("trial", BACKGROUND, 21, 48), row("trial", "ivig", 37, 47))
SERIES = (
    row("series", "rituximab", 15, 18, "cohort", shares={DM: 0.4, PM: 0.6}, definition="physician-judged"),
    row("pilot", "scig", 6, 9, "single-arm", shares={PM: 1.0}),
)


def fit(
    reading: Reading, priors: MyositisPriors | None = None, rows: tuple[Row, ...] = TRIAL + SERIES
) -> Synthesis:
    priors = priors or MyositisPriors()
    found = synthesise(selection(*rows), reading, priors, draws=8192, seed=1)
    assert found is not None
    assert found.trust.ok
    return found


def test_without_bias_the_main_reading_is_the_naive_one() -> None:
    none = replace(MyositisPriors(), bias=Normal(0.0, 1e-6), bias_spread=HalfNormal(1e-6))
    main, naive = fit(Reading.MAIN, none), fit(Reading.NAIVE, none)
    for name in ("baseline", "class immunoglobulin", "treatment rituximab"):
        assert main.parameters[name].mean == pytest.approx(naive.parameters[name].mean, abs=0.02)
        assert main.parameters[name].sd == pytest.approx(naive.parameters[name].sd, rel=0.04)


def test_with_a_hopeless_bias_the_main_reading_is_the_randomised_one() -> None:
    hopeless = replace(MyositisPriors(), bias_spread=Uniform(50.0, 50.001))
    main, randomised = fit(Reading.MAIN, hopeless), fit(Reading.RANDOMISED)
    for name in ("baseline", "class immunoglobulin", "treatment ivig"):
        assert main.parameters[name].mean == pytest.approx(randomised.parameters[name].mean, abs=0.03)
        assert main.parameters[name].sd == pytest.approx(randomised.parameters[name].sd, rel=0.04)


def test_a_discount_lowers_what_a_series_promises_and_widens_it() -> None:
    def rituximab(reading: Reading) -> tuple[float, float]:
        found = predict(fit(reading), ("rituximab",), PM, MECHANISM, MyositisPriors(), 1)
        return found.difference.mean, found.difference.sd

    (main, main_sd), (naive, naive_sd) = rituximab(Reading.MAIN), rituximab(Reading.NAIVE)
    assert main < naive
    assert main_sd > naive_sd


def test_a_reading_takes_only_its_rows() -> None:
    child = row("child", "ivig", 5, 5, "cohort", variant="jdm", shares={Phenotype.JDM: 1.0})
    every = selection(*TRIAL, *SERIES, child)
    assert {r.study for r in rows_of_reading(every, Reading.RANDOMISED)} == {"trial"}
    assert {r.study for r in rows_of_reading(every, Reading.MAIN)} == {"trial", "series", "pilot", "child"}


def test_a_row_with_counts_is_read_by_them_and_one_without_by_its_mean() -> None:
    both = row("both", "ivig", 12, 20, mean=35.0, se=4.0)
    alone = row("alone", "ivig", 0, 20, kind="mean", counts={}, mean=35.0, se=4.0)
    for given, scored in ((both, 0), (alone, 1)):
        model = myositis_model(selection(*TRIAL, given), Reading.MAIN, MyositisPriors())
        assert model is not None
        likelihood = model.likelihood
        assert isinstance(likelihood, GradedResponses)
        assert likelihood.scored.sum() == scored


def test_levels_reported_together_say_how_far_apart_they_are() -> None:
    graded = {Level.MINIMAL: 300, Level.MODERATE: 200, Level.MAJOR: 80}
    found = fit(Reading.MAIN, rows=(*TRIAL, row("graded", "ivig", 0, 400, counts=graded)))
    cuts = stats.norm.isf([300 / 400, 200 / 400, 80 / 400])
    for name, place in zip(DISTANCES, np.diff(cuts), strict=True):
        assert found.parameters[f"sd {name}"].mean == pytest.approx(place, abs=0.05)


def test_a_mean_score_moves_the_effect_as_the_response_it_stands_for() -> None:
    # An effect of one probit on a baseline of zero, told as counts, and told as mean scores of the same patients.
    distances = np.array([0.65, 0.65])
    low, high = (float(mean_score(np.array(eta), distances)) for eta in (0.0, 1.0))
    scored = (
        row("trial", BACKGROUND, 0, 400, kind="mean", counts={}, mean=low, se=1.1),
        row("trial", "ivig", 0, 400, kind="mean", counts={}, mean=high, se=1.1),
    )
    counted = (
        row("trial", BACKGROUND, 200, 400),
        row("trial", "ivig", round(400 * stats.norm.cdf(1.0)), 400),
    )
    known = replace(
        MyositisPriors(), moderate=LogNormal(np.log(0.65), 0.01), major=LogNormal(np.log(0.65), 0.01)
    )
    by_score = fit(Reading.RANDOMISED, known, scored).parameters["class immunoglobulin"]
    by_count = fit(Reading.RANDOMISED, known, counted).parameters["class immunoglobulin"]
    assert by_score.mean == pytest.approx(by_count.mean, abs=0.03)
    assert by_score.sd < by_count.sd


def test_children_move_no_prediction_but_by_what_drugs_and_levels_share() -> None:
    child = row("child", "ivig", 20, 20, "cohort", variant="jdm", shares={Phenotype.JDM: 1.0})
    without, beside = fit(Reading.MAIN), fit(Reading.MAIN, rows=(*TRIAL, *SERIES, child))
    assert beside.parameters["diagnosis JDM"].mean > 0.0
    assert beside.parameters["baseline"].mean == pytest.approx(without.parameters["baseline"].mean, abs=0.1)


def test_a_reading_without_rows_is_no_synthesis() -> None:
    assert synthesise(selection(*SERIES), Reading.RANDOMISED, MyositisPriors(), draws=512, seed=1) is None


def test_the_order_of_rows_changes_nothing() -> None:
    one = fit(Reading.MAIN)
    other = fit(Reading.MAIN, rows=tuple(reversed(TRIAL + SERIES)))
    assert one.parameters["class immunoglobulin"].mean == pytest.approx(
        other.parameters["class immunoglobulin"].mean, abs=0.01
    )


def test_diagnoses_reported_apart_are_parts_of_one_arm() -> None:
    apart = (
        row("trial", BACKGROUND, 21, 48),
        row("trial", "ivig", 20, 26, arm="ivig-dm"),
        row("trial", "ivig", 12, 21, arm="ivig-pm", shares={PM: 1.0}),
    )
    model = myositis_model(selection(*apart), Reading.RANDOMISED, MyositisPriors())
    assert model is not None
    assert len(model.arm) == 3
    assert len(model.study) == 2
    assert sorted(np.bincount(model.arm)) == [1, 2]


def test_two_trials_alone_give_the_answer_of_a_dense_grid() -> None:
    """One trial, one effect: integrate baseline, effect and heterogeneity by brute force."""
    tight = replace(
        MyositisPriors(),
        between_studies=HalfNormal(1e-6),
        within_class=HalfNormal(1e-6),
        class_by_diagnosis=HalfNormal(1e-6),
        heterogeneity=HalfNormal(1e-6),
        definition=HalfNormal(1e-6),
    )
    found = fit(Reading.RANDOMISED, tight, TRIAL)
    m = np.linspace(-2.5, 2.5, 801)[:, None]
    d = np.linspace(-2.5, 2.5, 801)
    log_density = stats.norm.logpdf(m, 0.0, 1.0) + stats.norm.logpdf(d, 0.0, 0.6)
    log_density = log_density + stats.binom.logpmf(21, 48, stats.norm.cdf(m))
    log_density = log_density + stats.binom.logpmf(37, 47, stats.norm.cdf(m + d))
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = float((density * d).sum())
    sd = float(np.sqrt((density * (d - mean) ** 2).sum()))
    assert found.parameters["class immunoglobulin"].mean == pytest.approx(mean, abs=0.01 * sd)
    assert found.parameters["class immunoglobulin"].sd == pytest.approx(sd, rel=0.01)
    better = predict(found, ("ivig",), DM, MECHANISM, tight, 1)
    assert better.p_better == pytest.approx(float((density * (d > 0)).sum()), abs=0.003)


def test_a_prediction_for_a_new_study_is_wider_and_background_gains_nothing() -> None:
    found = fit(Reading.MAIN)
    ivig = predict(found, ("ivig",), DM, MECHANISM, MyositisPriors(), 1)
    alone = predict(found, (BACKGROUND,), DM, MECHANISM, MyositisPriors(), 1)
    assert ivig.predictive.low < ivig.response.low
    assert ivig.predictive.high > ivig.response.high
    assert alone.difference.sd == 0.0
    assert alone.p_better == 0.0


def test_a_diagnosis_never_seen_is_its_prior_wide() -> None:
    found = fit(Reading.RANDOMISED)
    seen = predict(found, (BACKGROUND,), DM, MECHANISM, MyositisPriors(), 1)
    unseen = predict(found, (BACKGROUND,), Phenotype.IMNM, MECHANISM, MyositisPriors(), 1)
    assert unseen.response.sd > seen.response.sd
