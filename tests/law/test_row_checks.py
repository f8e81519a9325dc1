"""Predictive checks of single counts: the stated mixture of binomials, and a study that does not belong stands out."""

from __future__ import annotations

import pytest
from scipy import stats

from myopoise.evidence.rows import Row, Selection
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.myositis import MyositisPriors, synthesise
from myopoise.synthesis.prediction import chances_of_rows
from myopoise.synthesis.row_checks import row_checks
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, Reading, StudyKind

MECHANISM = {"ivig": "immunoglobulin"}


def row(study: str, treatment: str, events: int, n: int) -> Row:
    return Row(
        *(study, treatment, 2000, "ord", StudyKind.RANDOMISED, "acr-eular-2016", (treatment,)),
        *({Phenotype.DM: 1.0}, n, {Level.MINIMAL: events}),
    )


LIKE = tuple(row(f"trial-{i}", BACKGROUND, 19 + i % 3, 40) for i in range(8))
ODD = row("odd", BACKGROUND, 38, 40)


@pytest.fixture(scope="module")
def found() -> tuple[Selection, Synthesis]:
    chosen = Selection((*LIKE, row("trial-0", "ivig", 27, 40), ODD), (), (), (), MECHANISM)
    fitted = synthesise(chosen, Reading.RANDOMISED, MyositisPriors(), draws=4096, seed=1)
    assert fitted is not None
    return chosen, fitted


def test_a_study_unlike_the_others_is_described_but_was_not_expected(
    found: tuple[Selection, Synthesis],
) -> None:
    checks = {(c.study, c.treatment): c for c in row_checks(found[1], found[0], MyositisPriors(), 1)}
    odd = checks["odd", BACKGROUND]
    assert odd.below_new > 0.95
    assert odd.below_own < odd.below_new
    assert odd.expected_new < 0.65 < odd.expected_own
    assert all(0.2 < checks[r.study, BACKGROUND].below_new < 0.8 for r in LIKE)


def test_the_share_below_is_that_of_a_mixture_of_binomials(found: tuple[Selection, Synthesis]) -> None:
    chosen, fitted = found
    check = next(c for c in row_checks(fitted, chosen, MyositisPriors(), 1) if c.study == "odd")
    chance = chances_of_rows(fitted, [ODD], [Level.MINIMAL], MECHANISM, MyositisPriors(), 1)[0]
    weights = fitted.posterior.weights.values
    tail = stats.binom.cdf(37, 40, chance) + 0.5 * stats.binom.pmf(38, 40, chance)
    assert check.below_new == pytest.approx(float(weights @ tail), abs=0.03)
    assert check.expected_new == pytest.approx(float(weights @ chance), abs=0.03)


def test_every_count_is_checked_once(found: tuple[Selection, Synthesis]) -> None:
    checks = row_checks(found[1], found[0], MyositisPriors(), 1)
    assert len(checks) == len(found[0].rows)
    assert {(c.study, c.treatment, c.events) for c in checks} == {
        (r.study, "+".join(r.treatments), r.counts[Level.MINIMAL]) for r in found[0].rows
    }
